"""What works on this machine, and what to do about what does not. Taught in: lesson 00."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

FRONT_END = ("@jupyter-widgets/jupyterlab-manager", "anywidget")
AGAIN = "Run python3 start.py in the course's folder; it installs what is missing."


class SelfCheckError(Exception):
    """Something the course needs does not work; the message says what to do."""


def python() -> None:
    """Python is new enough. Raises SelfCheckError."""
    if sys.version_info < (3, 11):  # noqa: UP036  (a notebook may be opened with any Python)
        raise SelfCheckError(
            f"this is Python {sys.version.split()[0]}. Install 3.11 or newer, delete .venv, run start.py again."
        )


def torch() -> None:
    """torch is there, new enough, and differentiates twice: d2/dx2 of x^3 at 2 is 12. Raises SelfCheckError."""
    try:
        import torch
    except ImportError as error:
        raise SelfCheckError(f"it cannot be imported ({error}). {AGAIN}") from error
    if tuple(int(part) for part in torch.__version__.split(".")[:2]) < (2, 6):
        raise SelfCheckError(f"version {torch.__version__} is older than 2.6. {AGAIN}")
    x = torch.tensor(2.0, requires_grad=True)
    (slope,) = torch.autograd.grad(x**3, x, create_graph=True)
    (curvature,) = torch.autograd.grad(slope, x)
    if curvature.item() != 12.0:
        raise SelfCheckError(f"it says that the second derivative of x^3 at 2 is {curvature.item()}. {AGAIN}")


def device() -> None:
    """The CPU, or the GPU if there is one, multiplies. Raises SelfCheckError."""
    import torch

    if torch.cuda.is_available():
        try:
            torch.ones(2, 2, device="cuda").mm(torch.ones(2, 2, device="cuda")).cpu()
        except RuntimeError as error:
            first = str(error).splitlines()[0]
            raise SelfCheckError(
                f"the GPU fails ({first}). Update its driver, or hide it: CUDA_VISIBLE_DEVICES=."
            ) from error


def data() -> None:
    """Real Omniglot is at hand, or can be fetched. Raises SelfCheckError."""
    from mlteach.errors import DataError
    from mlteach.tasks.characters import Characters

    try:
        Characters.omniglot()
    except DataError as error:
        raise SelfCheckError(f"{error} Until then the lessons go on with drawn glyphs.") from error


def explorers() -> None:
    """The packages behind the explorers are there, and JupyterLab can find their other half. Raises SelfCheckError."""
    try:
        import anywidget  # noqa: F401
        from jupyter_core.paths import jupyter_path
    except ImportError as error:
        raise SelfCheckError(f"a package is missing ({error}). {AGAIN}") from error
    for name in FRONT_END:
        if not any((Path(folder) / name).is_dir() for folder in jupyter_path("labextensions")):
            raise SelfCheckError(f"JupyterLab has no extension {name}. {AGAIN}")


CHECKS: tuple[tuple[str, Callable[[], None]], ...] = (
    ("Python", python),
    ("torch", torch),
    ("device", device),
    ("data", data),
    ("explorers", explorers),
)


def self_check(checks: tuple[tuple[str, Callable[[], None]], ...] = CHECKS) -> None:
    """Print one line for each thing the course needs: that it works, or what to do."""
    failed = 0
    for name, check in checks:
        try:
            check()
            print(f"{name:10} works")
        except Exception as error:  # whatever goes wrong in a check must not stop the others
            failed += 1
            said = (
                str(error)
                if isinstance(error, SelfCheckError)
                else f"{type(error).__name__}: {error}. {AGAIN}"
            )
            print(f"{name:10} does not work yet: {said}")
    print(
        "\nEverything works."
        if not failed
        else f"\n{failed} of {len(checks)} do not work yet. The lines above say what to do."
    )


def machine() -> None:
    """Print what this machine has to compute with, and which profiles suit it."""
    import torch

    cores = os.cpu_count() or 1
    if torch.cuda.is_available():
        print(
            f"{cores} CPU cores and a GPU ({torch.cuda.get_device_name()}): smoke, lecture and paper all run here."
        )
    else:
        print(
            f"{cores} CPU cores, no GPU: smoke and lecture run here. Lessons show recorded results for paper."
        )
