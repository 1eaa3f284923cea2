"""Everything CI runs, in the order in which it is cheap to fail."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

from mlteach.course.lessons import ROOT
from mlteach.errors import MlteachError

CPUS = ("default", "avx2", "avx512")
LONG = ("tests", "browser", "class", "numbers")  # minutes, and they print what they do
NO_TESTS = 5  # what pytest ends with when a name is nobody's
#: What is set up for several tests, or for a lesson's cells, stays with one of the two: `shared_by` in tests/conftest.py.
TWO = ["--numprocesses=2", "--dist=loadscope"]
CHECKS: tuple[tuple[str, list[str]], ...] = (
    ("style", ["-m", "ruff", "check", "--quiet", "."]),
    ("format", ["-m", "ruff", "format", "--check", "--quiet", "."]),
    ("types", ["-m", "mypy", "--no-error-summary"]),
    (
        "imports",
        ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
    ),
    ("lessons", ["-m", "mlteach", "build", "--check"]),
    ("tests", ["-m", "pytest", *TWO, "-m", "not slow", "tests", "--ignore=tests/browser"]),
    ("browser", ["-m", "pytest", *TWO, "tests/browser"]),
    ("class", ["-m", "pytest", "-s", "-m", "slow", "tests/hub"]),  # eight servers: nothing else beside them
    ("numbers", ["-m", "pytest", *TWO, "notebooks"]),  # a lesson stays with its kernel
)


def run_all(names: Sequence[str] = (), *, cpu: str | None = None, python: str = sys.executable) -> int:
    """Run the checks named, or all of them, also after one has failed, and print which passed. Returns the exit code.

    ``python``: whose environment they run in. Raises MlteachError for an unknown name, and where the tools are missing.
    """
    has_tools()
    known = [name for name, _ in CHECKS]
    for name in names:
        if name not in known:
            raise MlteachError(f"There is no check {name}. Choose from {', '.join(known)}.")

    def outcome(check: tuple[str, list[str]]) -> tuple[str, int, float]:
        name, arguments = check
        print(f"{name} ...\n", end="", flush=True)  # in one piece: two may say it at once
        began = time.monotonic()
        code = call(arguments, cpu, python, quiet=name not in LONG)
        return name, code, time.monotonic() - began

    chosen = [check for check in CHECKS if not names or check[0] in names]
    with ThreadPoolExecutor(os.cpu_count()) as cores:  # each of the short ones uses one core
        outcomes = list(cores.map(outcome, (check for check in chosen if check[0] not in LONG)))
    outcomes += [outcome(check) for check in chosen if check[0] in LONG]
    print()
    for name, code, seconds in outcomes:
        print(f"{'ok    ' if code == 0 else 'FAILED'} {name:8} {seconds:6.1f} s")
    return int(any(code for _, code, _ in outcomes))


def run_changed(since: str = "HEAD", *, cpu: str | None = None) -> int:
    """Run what the changes since a commit touch: the quick checks, then their tests and lessons. Returns the exit code.

    Raises MlteachError where git cannot say what has changed.
    """
    from mlteach.course.changed import changed_files, touched_by

    has_tools()
    files = changed_files(since)
    if not files:
        print(f"Nothing has changed since {since}.")
        return 0
    touched = touched_by(files)
    if touched is None:
        print("What has changed may touch everything, and so everything is run.")
        return run_all(cpu=cpu)
    commands = touched.commands()
    print(f"{len(files)} files have changed. They touch {touched.words()}.", flush=True)
    code = run_all([name for name, _ in CHECKS if name not in LONG], cpu=cpu)
    for arguments in commands:
        found = call(["-m", "pytest", "-q", *TWO, *arguments], cpu)
        code = code or (0 if found == NO_TESTS else found)
    return code


def run_pytest(arguments: Sequence[str], *, cpu: str | None = None, python: str = sys.executable) -> int:
    """Run pytest with ``arguments`` and return its exit code. Raises MlteachError as `run_all`."""
    has_tools()
    return call(["-m", "pytest", *arguments], cpu, python)


def has_tools() -> None:
    """Raise MlteachError where the course is installed without the tools of its tests."""
    if find_spec("pytest") is None or find_spec("nbval") is None:
        raise MlteachError(
            'The tools of the tests are not installed here. Call python3 start.py test, or install them with: pip install -e ".[course,test]"'
        )


def call(
    arguments: Sequence[str], cpu: str | None, python: str = sys.executable, *, quiet: bool = False
) -> int:
    """Run ``python`` with ``arguments`` in the repository, if asked on another CPU instruction set.

    With ``quiet`` the output appears only when it fails. Raises MlteachError for an unknown instruction set.
    """
    if cpu is not None and cpu not in CPUS:
        raise MlteachError(f"torch knows no instruction set {cpu}. Choose one of {', '.join(CPUS)}.")
    # What a child prints is read as UTF-8, so it writes that, whatever the locale.
    environment = os.environ | {"PYTHONUTF8": "1"} | ({"ATEN_CPU_CAPABILITY": cpu} if cpu else {})
    if set(TWO) <= set(arguments):  # else each of two workers takes all cores, and they wait for each other
        environment = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 2) // 2))} | environment
    if not quiet:
        return subprocess.call([python, *arguments], cwd=ROOT, env=environment)
    done = subprocess.run(
        [python, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        print(done.stdout)
    return done.returncode
