# This lesson needs the course's package, mlteach. Where this kernel has it, this cell does nothing.
# Where not (Google Colab, Kaggle, another server), it downloads the course into your home folder and
# installs it with what it needs: one to three minutes, once a session.
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

COURSE, VERSION = "@COURSE@", "@VERSION@"


class CourseMissing(Exception):  # noqa: N818  (it is read by its name)
    def _render_traceback_(self) -> list[str]:  # Jupyter then shows this sentence alone
        return [str(self)]


def run(doing: str, *command: str) -> None:
    print(f"The course is being {doing} ...", flush=True)
    try:
        done = subprocess.run(command, capture_output=True, text=True)
        said = (done.stderr.strip() or f"exit code {done.returncode}") if done.returncode else ""
    except OSError as error:
        said = f"{command[0]}: {error.strerror}"
    if said:
        lines = said.splitlines()
        reason = next(
            (line for line in lines if line.startswith(("fatal: ", "ERROR: ", "error: "))), lines[-1]
        )
        raise CourseMissing(
            f"The course could not be {doing} ({reason.strip()}): allow this notebook the "
            "internet (on Kaggle: Settings), or choose a kernel that has the course, and run this cell again."
        )


if importlib.util.find_spec("mlteach") is not None:
    print("This kernel has the course: go on with the next cell.")
elif sys.version_info < (3, 11):  # noqa: UP036  (a foreign kernel may be)
    raise CourseMissing(
        f"This kernel is Python {sys.version.split()[0]} and the course needs 3.11 or newer: choose another "
        "kernel, and run this cell again."
    )
else:
    folder, part = Path.home() / "learning-to-learn", Path.home() / "learning-to-learn.part"
    if not folder.exists():
        shutil.rmtree(part, ignore_errors=True)  # of a download that was interrupted
        clone = ["git", "clone", "--quiet", "--depth=1", f"--branch={VERSION}"]
        run("downloaded", *clone, COURSE, str(part))
        os.replace(part, folder)
    run("installed", sys.executable, "-m", "pip", "install", "--quiet", "--editable", f"{folder}[lesson]")
    sys.path.append(str(folder))  # for this kernel, which was running before
    importlib.invalidate_caches()
    print("Ready: go on with the next cell.")
