#!/usr/bin/env python3
"""Set the course up and start it. Needs nothing but Python 3.11 or newer.

    python3 start.py                          open your own copy of the course in JupyterLab
    python3 start.py reset 03                 a fresh copy of a lesson, beside the old one
    python3 start.py test                     run everything the project's CI runs
    python3 start.py run 09 --profile lecture run a lesson from top to bottom
    python3 start.py build                    rebuild the lessons from their sources
    python3 start.py --help                   all commands

The first call makes a virtual environment in .venv and installs the course into it. The first ``study``,
``test`` or ``check`` adds the tools it needs. Later calls only look whether what they need has changed, and hand over to
``python -m mlteach`` inside that environment.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "installed.txt"
LOG = VENV / "install.log"
# What is installed, and what for. Who has a later one has what the commands before it need.
COURSE, STUDY, TEST = ".[course]", ".[course,study]", ".[course,test]"
ENOUGH = {COURSE: (COURSE, STUDY, TEST), STUDY: (STUDY, TEST), TEST: (TEST,)}
WHAT = {
    COURSE: "the course",
    STUDY: "the course and what runs studies",
    TEST: "the course and what its tests need",
}
NEEDS = {"study": STUDY, "test": TEST, "check": TEST}
# jupyter-events brings it along, to check a kind of address that no notebook has. It builds a parser wherever notebooks are read,
# which is half of JupyterLab's start; without it that kind is not checked.
UNUSED = "rfc3987-syntax"
BARE = {"browsers": "mlteach.course.browsers"}  # needs nothing installed


def main() -> int:
    if sys.version_info < (3, 11):  # noqa: UP036  (this file must say so on the Python that is too old)
        print("This course needs Python 3.11 or newer; this is Python {}.{}.".format(*sys.version_info[:2]))
        print(
            "Install a newer one from python.org or with your package manager, then run: python3.11 start.py"
        )
        return 1
    os.chdir(ROOT)
    command = sys.argv[1] if sys.argv[1:] and "--help" not in sys.argv else ""
    wanted = NEEDS.get(command, COURSE)
    try:
        if command in BARE:
            return hand_over([sys.executable, "-m", BARE[command]])
        if not installed(wanted):
            with alone():
                if not installed(wanted):  # by whom we waited for
                    install(wanted)
        return hand_over([str(PYTHON), "-m", "mlteach", *(sys.argv[1:] or ["lab"])])
    except KeyboardInterrupt:
        print("\nStopped. Call the same command again: it goes on from where it was.")
        return 130
    except SetUpError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        at = f" ({error.filename})" if error.filename else ""
        print(
            f"\nThe course could not be set up or started: {error.strerror or error}{at}. Check that you may write into "
            f"{ROOT} and that its disk is not full, then call this again.",
            file=sys.stderr,
        )
        return 1


class SetUpError(Exception):
    """The environment could not be made; the message says what to do."""


def fingerprint(wanted: str) -> str:
    """A name for what should be installed: it changes when the requirements, the Python or the folder change."""
    parts = [b"1", os.fsencode(ROOT), wanted.encode()]
    parts += [
        path.read_bytes() for path in (ROOT / "pyproject.toml", ROOT / "constraints.txt", VENV / "pyvenv.cfg")
    ]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def installed(wanted: str) -> bool:
    """Whether .venv holds what is wanted, or more. The stamp is written last, so half an install is not one."""
    try:
        enough = [fingerprint(each).encode() for each in ENOUGH[wanted]]
        return PYTHON.exists() and STAMP.read_bytes() in enough
    except (FileNotFoundError, NotADirectoryError):
        return False


@contextmanager
def alone() -> "Iterator[None]":
    """One start.py at a time: a second waits here, and says so. The system lets go of the lock when a process ends."""
    (ROOT / "runs").mkdir(exist_ok=True)
    with open(ROOT / "runs" / "start.lock", "a") as file:
        told = False
        while fcntl:  # on Windows two at once are left to pip
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    print(
                        "Another start.py is installing the course here. Waiting until it is done.",
                        flush=True,
                    )
                told = True
                time.sleep(0.5)
            except OSError:  # a file system that knows no locks
                break
        yield


def install(wanted: str) -> None:
    """Make .venv, or mend it, and install what is wanted in the tested versions. Raises SetUpError and OSError."""
    began = time.monotonic()
    if VENV.exists() and not VENV.is_dir():
        raise SetUpError(
            f"{VENV} is a file, and the course's environment belongs there. Move it away, then call this again."
        )
    STAMP.unlink(missing_ok=True)
    # Not where the folder was moved or its Python is gone or too old.
    if refusal([str(PYTHON), "-c", "import sys, pip; sys.exit(sys.version_info < (3, 11))"]) is not None:
        print("Making a virtual environment in .venv", flush=True)
        shutil.rmtree(VENV, ignore_errors=True)
        said = refusal([sys.executable, "-m", "venv", str(VENV)])
        if said is not None:
            shutil.rmtree(VENV, ignore_errors=True)
            raise SetUpError(
                f"Python could not make a virtual environment here. It said: {said}\n"
                "If that is about venv or ensurepip: on Debian and Ubuntu run sudo apt install python3-venv\n"
                f"Else check that you may write into {ROOT} and that the disk is not full, then call this again."
            )
    print(f"Installing {WHAT[wanted]}, once. This takes one to five minutes.", flush=True)
    # Half of pip's work is compiling tens of thousands of files. Python compiles the few that are imported, where it may keep them.
    quick = [] if sys.dont_write_bytecode else ["--no-compile"]
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", *quick, "-c", "constraints.txt", "-e", wanted]
    with open(LOG, "wb") as log:
        # A setting of the user's own that pip refuses inside an environment.
        child = subprocess.Popen(
            pip, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, "PIP_USER": "0"}
        )
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
        lines = [line.strip() for line in LOG.read_text(encoding="utf-8", errors="replace").splitlines()]
        lines = [line for line in lines if line and "is ignored" not in line]
        reasons = [line for line in lines if line.startswith("ERROR: ") or "[Errno" in line]
        tail = "\n".join(f"  {line}" for line in reasons[-3:] or lines[-8:])
        raise SetUpError(
            f"pip could not install the course. It said:\n{tail}\n"
            f"The whole of it is in {LOG}. Check the network and the free disk space (2 GB), then call this again."
        )
    refusal([str(PYTHON), "-m", "pip", "uninstall", "--quiet", "--yes", UNUSED])
    part = STAMP.with_suffix(".part")
    part.write_text(fingerprint(wanted))
    os.replace(part, STAMP)
    print(f"\rInstalled in {time.monotonic() - began:.0f} s.", flush=True)


def refusal(command: "list[str]") -> "str | None":
    """None if ``command`` exists and ends well, else the last line of what it said, or why it could not begin."""
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
    except OSError as error:
        return error.strerror or str(error)
    lines = done.stdout.decode(errors="replace").split("\n")
    return (
        None
        if done.returncode == 0
        else next((line.strip() for line in reversed(lines) if line.strip()), "nothing")
    )


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
