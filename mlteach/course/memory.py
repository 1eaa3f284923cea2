"""A kernel's share of a server's memory. Who asks for more is told so in one sentence, and the kernel lives.

An IPython extension, which the kernel of a JupyterHub loads (`jupyter/hub/kernels`). JupyterHub's own limit, ``Spawner.mem_limit``,
comes as the variable MEM_LIMIT. Where a spawner enforces it, the system kills what goes over it, and JupyterLab says no more than
that the kernel has died; so the kernel asks for a little less to be its limit, and then it is Python that hears of it.
"""

import os
import sys
from typing import Any

if sys.platform != "win32":
    import resource

VARIABLE = "MEM_LIMIT"  # JupyterHub's, in bytes
#: What a learner's server itself needs, and what a kernel needs at least: bytes. Measured by the test of a class.
SERVER, LEAST = 200 * 2**20, 500 * 2**20
#: How memory that cannot be had is said by torch, and by C++ below it.
SAID = ("can't allocate memory", "not enough memory", "std::bad_alloc", "Cannot allocate memory")


def allowance() -> int | None:
    """How many bytes this kernel may ask for; None where there is no limit, or none that a lesson would fit under."""
    given = os.environ.get(VARIABLE, "")
    left = int(given) - SERVER if given.isdecimal() else 0
    return left if left >= LEAST else None


def sentence(limit: int) -> str:
    """What a learner is told whose cell asks for more."""
    return (
        f"This cell asks for more memory than the {limit / 2**30:.1f} GB that a kernel has on this server. Choose a smaller profile or a "
        "smaller batch, restart the kernel and run the lesson again; what you wrote stays."
    )


class OutOfMemoryError(MemoryError):
    """More was asked for than there is; shown as its sentence alone."""

    def _render_traceback_(self) -> list[str]:  # which IPython asks for
        return [f"MemoryError: {self}"]


def load_ipython_extension(shell: Any) -> None:
    """Set the limit for this process, and say its sentence in the place of a traceback."""
    limit = allowance()
    if limit is None or sys.platform == "win32":
        return
    most = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (limit if most < 0 else min(limit, most), most))

    def say(
        shell: Any, kind: type[BaseException], error: BaseException, trace: Any, tb_offset: int | None = None
    ) -> None:
        if isinstance(error, MemoryError) or any(words in str(error) for words in SAID):
            kind, error = OutOfMemoryError, OutOfMemoryError(sentence(limit))
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)

    shell.set_custom_exc((MemoryError, RuntimeError, OSError), say)
