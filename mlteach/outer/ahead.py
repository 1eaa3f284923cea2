"""A traced computation as a program of its own, compiled once and kept on the disk for the next process.

PyTorch's compiler writes C++ for a list of operations (AOTInductor). That takes ten seconds to a minute, and loading what it made takes
some hundredths. So a program is kept under a name made from all that it is: its operations and constants, shapes and
precisions, the versions and the processor. Another of these makes another program; nothing has to be cleared by hand.
"""

import hashlib
import os
import platform
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.fx import GraphModule

Program = Callable[..., list[Tensor]]

#: One thread, for what is compiled here is too small for two; tanh in operations that run eight numbers at a time.
SETTINGS = {"cpp.threads": 1, "cpp.use_decompose_tanh": True}
VERSION = "2"  # of what is compiled how; another one leaves the old programs alone


def program_of(
    traced: GraphModule,
    arguments: Sequence[Tensor],
    *,
    made: Callable[[GraphModule], GraphModule] | None = None,
    made_with: str = "",
) -> Program:
    """``traced`` for arguments of these shapes and precisions, on a CPU. Takes them one by one and gives the list of results.

    made: what is compiled in its place is made from it, and only where no program is kept already. made_with: all that this
        making depends on beside ``traced``; it is part of the program's name.
    However the numbers lie in memory: a program knows one order alone and does not look, so they are put into it.
    Raises RuntimeError where it cannot be compiled: no C++ compiler, an operation that the compiler does not know.
    """
    from torch._inductor import aoti_load_package

    arguments = [each.contiguous() for each in arguments]
    path = kept_programs() / f"{name_of(traced, arguments, made_with)}.pt2"
    if path.exists():
        try:
            return in_order(aoti_load_package(str(path)))
        except Exception:  # cut short or of a library that is gone: made anew
            path.unlink(missing_ok=True)
    _compile(traced if made is None else made(traced), arguments, path)
    return in_order(aoti_load_package(str(path)))


def without(error: Exception, *, stacklevel: int) -> None:
    """Warn that a meta-gradient goes on without a program or a recording; ``stacklevel`` as `warnings.warn` has it."""
    warnings.warn(
        f"This meta-gradient cannot be replayed, and is slower so: {error}", stacklevel=stacklevel + 1
    )


def in_order(program: Program) -> Program:
    """``program`` for tensors that lie in memory in any order."""
    return lambda *given: program(*(each.contiguous() for each in given))


def _compile(traced: GraphModule, arguments: Sequence[Tensor], path: Path) -> None:
    """Write the program, whole or not at all."""
    from torch._inductor import aoti_compile_and_package, config

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        made = Path(folder) / path.name
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # of PyTorch about itself
                exported = torch.export.export(traced, tuple(arguments))
                known = config.get_config_copy()  # an older PyTorch has no such tanh
                settings = {key: value for key, value in SETTINGS.items() if key in known}
                aoti_compile_and_package(exported, package_path=str(made), inductor_configs=settings)
        except RuntimeError:
            raise
        except Exception as error:  # the compiler has errors of many kinds; who asks wants to hear of one
            raise RuntimeError(f"{type(error).__name__}: {error}") from error
        os.replace(made, path)


def name_of(traced: GraphModule, arguments: Sequence[Tensor], made_with: str = "") -> str:
    """A name for a program: another one whenever anything differs that it is made from."""
    parts = [
        VERSION,
        repr(sorted(SETTINGS.items())),
        torch.__version__,
        platform.machine(),
        platform.system(),
        traced.code,
    ]
    parts += [
        torch.backends.cpu.get_cpu_capability(),
        *(f"{tuple(each.shape)} {each.dtype}" for each in arguments),
        *([made_with] if made_with else []),
    ]
    found = hashlib.sha256("\0".join(parts).encode())
    for name, value in sorted([*traced.named_buffers(), *traced.named_parameters()]):
        found.update(name.encode() + value.detach().cpu().numpy().tobytes())
    return found.hexdigest()[:32]


def kept_programs() -> Path:
    """Where programs are kept: beside what PyTorch's compiler keeps for itself (TORCHINDUCTOR_CACHE_DIR)."""
    from torch._inductor.runtime.cache_dir_utils import cache_dir

    return Path(cache_dir()) / "mlteach"
