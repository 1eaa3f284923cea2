"""Run a lesson as a whole, with another budget, and keep what it measured."""

import json
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mlteach import __version__
from mlteach.course.kernel import DIED, stoppable
from mlteach.course.lectures import LECTURE, recording
from mlteach.course.lessons import (
    CHECKPOINTS,
    HOME,
    NOTEBOOKS,
    RESULTS,
    RUNS,
    LessonError,
    checked_profile,
    source,
)
from mlteach.course.parameters import SEEDS, chosen, parse
from mlteach.course.source import first_line, learner_notebook
from mlteach.files import lock, one_sentence, write_all, write_atomic
from mlteach.home import furnish, shared
from mlteach.progress import ticking

__all__ = ["parse", "run"]


def run(
    lesson: str,
    profile: str = "smoke",
    *,
    parameters: Sequence[str] = (),
    record: bool = False,
    progress: bool = True,
) -> Path:
    """Execute a lesson with papermill and return the folder that holds ``lesson.ipynb`` and ``results.json``.

    The folder is runs/NN-profile/, or while another run has that, runs/NN-profile.2/ and so on. ``parameters`` are
    written NAME=VALUE. With ``record`` the results are also kept in data/results/, the parameters that the lesson kept in
    data/checkpoints/, and what a lecture run drew for the slides in data/lectures/: all of them or, on a full disk, none.
    Raises LessonError for an unknown lesson or profile, a parameter that is not one of the lesson's or not of its kind,
    a record of anything but the profile's own parameters, and when a cell fails or the disk refuses something; the
    notebook up to that cell is then in the folder.
    """
    from mlteach.course.site.lesson import read

    path = source(lesson)
    checked_profile(profile)
    lesson_notebook = learner_notebook(path)
    given = chosen(path, lesson_notebook, profile, parameters)
    name = f"{path.stem[:2]}-{profile}"
    if record and (other := [each for each in given if each not in ("PROFILE", *SEEDS)]):
        raise LessonError(
            f"data/results/{name}.json is kept for the profile's own parameters, and this run has another "
            f"{' and '.join(other)}. Leave out --record; the results are then in runs/ alone."
        )
    with one_sentence(LessonError, f"run lesson {path.stem}"), claimed(name) as folder:
        furnish()
        figures, content, trained = ran(path, lesson_notebook, folder, given, progress)
        if record:
            if not figures:
                raise LessonError(
                    f"Lesson {path.stem} recorded no figures, so there is nothing to keep. Its run is in {folder}."
                )
            kept = {CHECKPOINTS / each.name: each.read_bytes() for each in trained}
            if profile == LECTURE:
                record_of, drawn = recording(path, read(folder / "lesson.ipynb"))
                kept[record_of] = drawn.encode()
            write_all(kept | {RESULTS / f"{name}.json": content.encode()})
        return folder


def ran(
    path: Path, lesson_notebook: Any, folder: Path, given: dict[str, Any], progress: bool
) -> tuple[list[Any], str, list[Path]]:
    """Run the lesson into ``folder``: its figures, what results.json says, and the parameters it kept, as files."""
    ledger, results = folder / "figures.json", folder / "results.json"
    ledger.unlink(missing_ok=True)
    if results.exists():  # of an earlier run: kept, but not beside a notebook it does not belong to
        results.replace(folder / "results.previous.json")
    earlier = networks(folder)
    started, began = datetime.now(UTC), time.monotonic()
    with environment(MLTEACH_RESULTS=str(ledger)):
        execute(path, lesson_notebook, folder / "lesson.ipynb", given, progress)
    try:
        figures = json.loads(ledger.read_text(encoding="utf-8")) if ledger.exists() else []
        content = json.dumps(
            {
                "lesson": path.stem,
                "profile": given["PROFILE"],
                "parameters": given,
                "date": started.isoformat(timespec="seconds"),
                "seconds": round(time.monotonic() - began, 1),
                "versions": {"python": platform.python_version()}
                | {name: version(name) for name in ("torch", "numpy")}
                | {"mlteach": __version__},
                "figures": figures,
            },
            indent=2,
            ensure_ascii=False,
            allow_nan=False,
        )
    except ValueError as error:
        raise LessonError(
            f"The figures that lesson {path.stem} kept in {ledger} cannot be read ({error}). Keep figures with "
            "mlteach.measure.record alone, then run it again."
        ) from error
    write_atomic(results, content + "\n")
    ledger.unlink(missing_ok=True)
    now = networks(folder)
    trained = [each for each in now if now[each] != earlier.get(each)]  # in this run, not in an earlier one
    return figures, content + "\n", [*trained, *(each.with_suffix(".json") for each in trained)]


def networks(folder: Path) -> dict[Path, tuple[int, ...]]:
    """The parameters kept in ``folder``, each with what changes when it is written anew, whatever the clock says."""
    found: dict[Path, tuple[int, ...]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        if path.with_suffix(".json").exists():
            about = path.stat()
            found[path] = (about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
    return found


@contextmanager
def claimed(name: str) -> Iterator[Path]:
    """A folder in runs/ that no other run has while this one goes on, and a line where it is not the first of its name."""
    with ExitStack() as stack:
        for number in range(1, 100):
            folder = RUNS / (name if number == 1 else f"{name}.{number}")
            try:
                stack.enter_context(lock(folder / "run.lock", timeout=0))
            except TimeoutError:
                continue
            if number > 1:
                print(
                    f"Another run has {RUNS.name}/{name}, so this one goes to {RUNS.name}/{folder.name}.",
                    file=sys.stderr,
                )
            yield folder
            return
        raise LessonError(f"A hundred runs of {name} hold their folders in {RUNS}. Wait until one is done.")


def execute(path: Path, lesson_notebook: Any, output: Path, given: dict[str, Any], progress: bool) -> None:
    """Run the notebook with papermill into ``output``. Raises LessonError, naming the cell that failed."""
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.iorw import papermill_io

    running: Any = None

    def begin(cell: Any, cell_index: int) -> None:
        nonlocal running
        running = cell

    papermill_io.register(Whole.SCHEME, Whole())
    try:
        with stoppable() as kernel, ticking():
            papermill.execute_notebook(
                lesson_notebook,
                Whole.SCHEME
                + str(output).replace("{", "{{").replace("}", "}}"),  # it would fill in parameters
                parameters=given,
                cwd=str(HOME if shared() else NOTEBOOKS),
                progress_bar=progress and {"desc": path.stem, "disable": None},
                on_cell_execute=begin,
                **kernel,
            )
    except papermill.PapermillExecutionError as error:
        raise LessonError(
            f"Lesson {path.stem} stopped in code cell {error.exec_count}: {error.ename}: {error.evalue}\n"
            f"The cell begins: {first_line(error.source)}\nThe notebook up to there is {output}."
        ) from error
    except DeadKernelError as error:
        raise LessonError(
            f"Lesson {path.stem} stopped: {DIED}.\nThe cell begins: {first_line(running.source if running else '')}\n"
            f"The notebook up to there is {output}."
        ) from error


class Whole:
    """Where papermill writes the notebook: whole or not at all, after every cell."""

    SCHEME = "whole://"

    def write(self, content: str, path: str) -> None:
        write_atomic(path.removeprefix(self.SCHEME), content)

    def pretty_path(self, path: str) -> str:
        return path.removeprefix(self.SCHEME)


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Set environment variables, which the kernel inherits, and put the old ones back."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
