"""An environment of its own with the oldest or the newest versions that pyproject.toml allows, to run the suite in.

    .venv-oldest/   every requirement at its lower bound, what those require themselves as new as it goes with them
    .venv-newest/   everything as new as it is to be had

The environment is made by the Python that asks, and mended by the next call where making it was interrupted. uv, which can
resolve to lower bounds, is installed into it and nowhere else. What uv reads from the environment counts: with
UV_TORCH_BACKEND=cpu it takes torch without CUDA.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from mlteach.course.lessons import ROOT
from mlteach.errors import MlteachError

RESOLUTION = {"oldest": "lowest-direct", "newest": "highest"}
#: Style, format, types and imports are a matter of the tested tools and say nothing about other versions.
CHECKS = ("lessons", "tests", "browser", "numbers")


def environment(which: str) -> str:
    """The Python of the environment, made or brought up to date. Raises MlteachError for an unknown name, and where pip or uv fails."""
    if which not in RESOLUTION:
        raise MlteachError(f"There are no versions called {which}. Choose one of {', '.join(RESOLUTION)}.")
    folder = ROOT / f".venv-{which}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    print(f"The {which} versions are installed into {folder.name}. The first time takes minutes.", flush=True)
    if not is_of_this_python(python):
        shutil.rmtree(folder, ignore_errors=True)
        step(folder, [sys.executable, "-m", "venv", str(folder)])
    step(folder, [str(python), "-m", "pip", "install", "--quiet", "--upgrade", "uv"])
    uv = [str(python), "-m", "uv", "pip", "install", "--python", str(python), "--upgrade"]
    step(folder, [*uv, "--resolution", RESOLUTION[which], "--editable", ".[course,test]"])
    return str(python)


def is_of_this_python(python: Path) -> bool:
    """Whether this is a Python of the version that is running, with pip in it."""
    ask = f"import pip, sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    try:
        return subprocess.run([str(python), "-c", ask], capture_output=True).returncode == 0
    except OSError:
        return False


def step(folder: Path, command: list[str]) -> None:
    """Run one command of the installation, which shows what it does. Raises MlteachError where it fails."""
    try:
        code: int | str = subprocess.call(command, cwd=ROOT)
    except OSError as error:
        code = error.strerror or str(error)
    if code:
        raise MlteachError(
            f"{folder.name} could not be made (above is what was said; {Path(command[0]).name}: {code}). Check the network "
            "and the free disk space (6 GB where torch comes with CUDA), then call this again: it goes on from there."
        )
