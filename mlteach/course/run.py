"""Run a lesson as a whole, with another budget, and keep what it measured."""

import ast
import json
import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mlteach import __version__
from mlteach.course.lessons import CHECKPOINTS, NOTEBOOKS, RESULTS, RUNS, LessonError, checked_profile, source
from mlteach.course.source import first_line, learner_notebook
from mlteach.files import write_atomic


def run(
    lesson: str,
    profile: str = "smoke",
    *,
    parameters: Sequence[str] = (),
    record: bool = False,
    progress: bool = True,
) -> Path:
    """Execute a lesson with papermill and return the folder that holds ``lesson.ipynb`` and ``results.json``.

    ``parameters`` are written NAME=VALUE. With ``record`` the results are also kept in data/results/,
    and the parameters that the lesson kept in data/checkpoints/.
    Raises LessonError for an unknown lesson, profile or parameter, and when a cell fails; the notebook up to that
    cell is then in the folder.
    """
    path = source(lesson)
    given = {"PROFILE": checked_profile(profile)} | dict(parse(each) for each in parameters)
    lesson_notebook = learner_notebook(path)
    check_names(path, lesson_notebook, given)
    folder = RUNS / f"{path.stem[:2]}-{profile}"
    folder.mkdir(parents=True, exist_ok=True)
    ledger, results = folder / "figures.json", folder / "results.json"
    ledger.unlink(missing_ok=True)
    if results.exists():  # of an earlier run: kept, but not beside a notebook it does not belong to
        results.replace(folder / "results.previous.json")
    started, began = datetime.now(UTC), time.monotonic()
    with environment(MLTEACH_RESULTS=str(ledger)):
        execute(path, lesson_notebook, folder / "lesson.ipynb", given, progress)
    figures = json.loads(ledger.read_text(encoding="utf-8")) if ledger.exists() else []
    text = json.dumps(
        {
            "lesson": path.stem,
            "profile": profile,
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
    )
    write_atomic(results, text + "\n")
    ledger.unlink(missing_ok=True)
    if record:
        if not figures:
            raise LessonError(
                f"Lesson {path.stem} recorded no figures, so there is nothing to keep. Its run is in {folder}."
            )
        write_atomic(RESULTS / f"{path.stem[:2]}-{profile}.json", text + "\n")
        for trained in folder.glob("*.safetensors"):  # the networks the lesson kept, each with its .json
            if trained.stat().st_mtime >= started.timestamp():  # in this run, not in an earlier one
                for kept in (trained, trained.with_suffix(".json")):
                    write_atomic(CHECKPOINTS / kept.name, kept.read_bytes())
    return folder


def parse(parameter: str) -> tuple[str, Any]:
    """NAME=VALUE as a name and a Python value; what is no number, list or such is text. Raises LessonError."""
    name, equals, value = parameter.partition("=")
    if not equals or not name.isidentifier():
        raise LessonError(f'"{parameter}" is not a parameter. Write it as NAME=VALUE, for example SEED=1.')
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def check_names(path: Path, lesson_notebook: Any, given: dict[str, Any]) -> None:
    """Raise LessonError when a parameter is not set in the lesson's parameters cell: papermill would only warn."""
    cells = [cell.source for cell in lesson_notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    known = [
        target.id
        for cell in cells
        for statement in ast.parse(cell).body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        for target in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
        if isinstance(target, ast.Name)
    ]
    for name in given:
        if name not in known:
            raise LessonError(
                f"Lesson {path.stem} has no parameter {name}. Its parameters are {', '.join(known) or 'none'}."
            )


def execute(path: Path, lesson_notebook: Any, output: Path, given: dict[str, Any], progress: bool) -> None:
    """Run the notebook with papermill into ``output``. Raises LessonError, naming the cell that failed."""
    import papermill

    try:
        papermill.execute_notebook(
            lesson_notebook,
            str(output),
            parameters=given,
            kernel_name="python3",
            cwd=str(NOTEBOOKS),
            progress_bar=progress and {"desc": path.stem},
            extra_arguments=["--IPKernelApp.log_level=40"],
        )
    except papermill.PapermillExecutionError as error:
        raise LessonError(
            f"Lesson {path.stem} stopped in code cell {error.exec_count}: {error.ename}: {error.evalue}\n"
            f"The cell begins: {first_line(error.source)}\nThe notebook up to there is {output}."
        ) from error


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
