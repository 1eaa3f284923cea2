#!/usr/bin/env python3
"""Set the course up and start it. Needs nothing but Python 3.11 or newer.

    python3 start.py                          open your own copy of the course in JupyterLab
    python3 start.py reset 03                 a fresh copy of a lesson, beside the old one
    python3 start.py test                     run everything the project's CI runs
    python3 start.py run 09 --profile lecture run a lesson from top to bottom
    python3 start.py build                    rebuild the lessons from their sources
    python3 start.py --help                   all commands

The first call makes a virtual environment in .venv and installs the course into it. Later calls only look
whether what they need has changed, and hand over to ``python -m mlteach`` inside that environment.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "installed.txt"
LOG = VENV / "install.log"
EXTRAS = ".[course,test]"


def main() -> int:
    if sys.version_info < (3, 11):  # noqa: UP036  (this file must say so on the Python that is too old)
        print("This course needs Python 3.11 or newer; this is Python {}.{}.".format(*sys.version_info[:2]))
        print(
            "Install a newer one from python.org or with your package manager, then run: python3.11 start.py"
        )
        return 1
    os.chdir(ROOT)
    try:
        if not installed():
            install()
        return hand_over([str(PYTHON), "-m", "mlteach", *(sys.argv[1:] or ["lab"])])
    except KeyboardInterrupt:
        print("\nStopped. Call the same command again: it goes on from where it was.")
        return 130
    except SetUpError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


class SetUpError(Exception):
    """The environment could not be made; the message says what to do."""


def fingerprint() -> str:
    """A name for what should be installed: it changes when the requirements, the Python or the folder change."""
    parts = [b"1", str(ROOT).encode(), EXTRAS.encode()]
    parts += [
        path.read_bytes() for path in (ROOT / "pyproject.toml", ROOT / "constraints.txt", VENV / "pyvenv.cfg")
    ]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def installed() -> bool:
    """Whether .venv holds what the requirements ask for. The stamp is written last, so half an install is not one."""
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text() == fingerprint()


def install() -> None:
    """Make .venv, or mend it, and install the course with the tested versions. Raises SetUpError."""
    began = time.monotonic()
    STAMP.unlink(missing_ok=True)
    if not works([str(PYTHON), "-m", "pip", "--version"]):
        print("Making a virtual environment in .venv", flush=True)
        shutil.rmtree(VENV, ignore_errors=True)
        if not works([sys.executable, "-m", "venv", str(VENV)]):
            shutil.rmtree(VENV, ignore_errors=True)
            raise SetUpError(
                "Python could not make a virtual environment here. On Debian and Ubuntu run: sudo apt install python3-venv\n"
                "Elsewhere check that this folder can be written to and that the disk is not full, then call this again."
            )
    print("Installing the course, once. This takes one to five minutes.", flush=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "-c", "constraints.txt", "-e", EXTRAS]
    with open(LOG, "wb") as log:
        child = subprocess.Popen(pip, stdout=log, stderr=subprocess.STDOUT)
        try:
            while child.poll() is None:
                if sys.stdout.isatty():
                    print(f"\r  {time.monotonic() - began:4.0f} s ", end="", flush=True)
                time.sleep(0.2)
        finally:
            if child.poll() is None:
                child.terminate()
                child.wait()
    if child.returncode:
        said = [line for line in LOG.read_text(errors="replace").splitlines() if "is ignored" not in line]
        tail = "\n".join(f"  {line}" for line in said[-8:])
        raise SetUpError(
            f"pip could not install the course. It said:\n{tail}\n"
            f"The whole of it is in {LOG}. Check the network and the free disk space (2 GB), then call this again."
        )
    part = STAMP.with_suffix(".part")
    part.write_text(fingerprint())
    os.replace(part, STAMP)
    print(f"\rInstalled in {time.monotonic() - began:.0f} s.", flush=True)


def works(command: "list[str]") -> bool:
    """Whether ``command`` exists and ends well; what it prints is dropped."""
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def hand_over(command: "list[str]") -> int:
    """Become ``command`` where the system can, else run it and return its exit code."""
    sys.stdout.flush()
    if os.name != "nt":
        os.execv(command[0], command)
    child = subprocess.Popen(command)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:  # the child gets it too and decides what it means
            continue


if __name__ == "__main__":
    sys.exit(main())
