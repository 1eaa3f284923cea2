"""An exported lesson goes through nbgrader itself: it is accepted, loses its solutions, and is graded by the course's checks.

nbgrader is installed into a folder of the test, beside the course's environment and not into it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from mlteach.course.contract import CHECK
from mlteach.course.grading import assignment, export
from mlteach.course.lessons import LessonError, source, sources
from mlteach.course.source import BEGIN, exercises, solved

NAME = "03_gradient_descent_is_an_lstm_cell"
WRONG = "def cell(theta, gradient, f, i):\n    return f * theta + i * gradient"
GRADES = """
import json
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db", "learning-to-learn") as book:
    print(json.dumps({one.student.id: {grade.name: [grade.score, grade.max_score] for grade in one.notebooks[0].grades}
                      for one in book.assignment_submissions("03")}))
"""


@pytest.fixture(scope="module")
def nbgrader(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment variables with which `python -m nbgrader` is there."""
    folder = tmp_path_factory.mktemp("nbgrader")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
    wanted = Path(__file__).with_name("requirements.txt")
    done = subprocess.run([*pip, "-r", str(wanted)], capture_output=True, text=True, timeout=300)
    if done.returncode and not os.environ.get("CI"):
        pytest.skip("nbgrader cannot be installed here: " + done.stderr.strip().rpartition("\n")[2])
    assert done.returncode == 0, done.stderr
    own = {name: str(folder / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    path = [str(folder / "bin"), os.environ.get("PATH", "")]  # nbgrader calls alembic by its name
    python = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        **own,
        "PATH": os.pathsep.join(path),
        "PYTHONPATH": os.pathsep.join(python),
        "MPLBACKEND": "agg",
    }


def call(arguments: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def cut(notebook: Any) -> Any:
    """The lesson's imports and exercises alone, so that running it takes seconds: students may delete what they like."""
    wanted = {"exercise", "setup", "parameters"}
    notebook.cells = [
        cell
        for cell in notebook.cells
        if "nbgrader" in cell.metadata or cell.id.endswith("-on") or wanted & {*cell.metadata.get("tags", ())}
    ]
    return notebook


def answers(notebook: Any) -> dict[str, Any]:
    return {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}


def test_nbgrader_takes_a_lesson_as_exported_and_grades_it_by_the_checks(
    tmp_path: Path, nbgrader: dict[str, str]
) -> None:
    whole = export(source("03"), tmp_path)
    call(["-m", "nbgrader", "generate_assignment", "03", "--create"], tmp_path, nbgrader)
    released = tmp_path / "release" / "03" / whole.name
    first = nbformat.read(released, as_version=4)
    text = "\n".join(cell.source for cell in first.cells)
    assert "BEGIN SOLUTION" not in text and "HIDDEN" not in text and "mlteach.exercises.points" not in text
    assert "<summary>Solution</summary>" not in text and text.count("<summary>Hint 1</summary>") == 5
    given = answers(first)
    for exercise in exercises(source("03")):
        id = CHECK.search(exercise.check)[1].replace(".", "-")  # type: ignore[index]
        assert given[f"answer-{id}"].source == exercise.stub
        assert given[f"check-{id}"].source in exercise.check
    assert not list(released.parent.glob(".*"))

    right = {name: solved(cell.source) for name, cell in answers(assignment(source("03"))).items()}
    for student, written in {
        "right": right,
        "wrong": right | {"answer-03-1": WRONG},
        "untouched": {},
    }.items():
        handed_in = cut(nbformat.read(released, as_version=4))
        for name, cell in answers(handed_in).items():
            if name.startswith("answer") and written:
                cell.source = written[name]
        folder = tmp_path / "submitted" / student / "03"
        folder.mkdir(parents=True)
        nbformat.write(handed_in, folder / whole.name)
    call(["-m", "nbgrader", "autograde", "03"], tmp_path, nbgrader)
    grades = json.loads(call(["-c", GRADES], tmp_path, nbgrader))
    tests = [f"check-03-{number}" for number in range(1, 6)]
    assert grades["right"] == {name: [1.0, 1.0] for name in tests}
    assert grades["wrong"] == {name: [float(name != "check-03-1"), 1.0] for name in tests}
    assert grades["untouched"] == {name: [0.0, 1.0] for name in tests}
    graded = nbformat.read(tmp_path / "autograded" / "wrong" / "03" / whole.name, as_version=4)
    said = answers(graded)["check-03-1"].outputs
    assert "03.1: not yet." in said[0].text and said[-1].ename == "NoPointsError"  # and says what is wrong


def test_every_lesson_becomes_an_assignment_without_a_solution_outside_of_its_fences() -> None:
    for path in sources()[:-1]:
        made = assignment(path)
        nbformat.validate(made)
        cells = [cell.metadata.nbgrader for cell in answers(made).values()]
        points = [cell.points for cell in cells if cell.grade]
        assert points and points == [1] * sum(cell.solution for cell in cells)
        assert sum(BEGIN in cell.source for cell in made.cells) == len(points)
        text = "".join(cell.source for cell in made.cells if cell.cell_type == "markdown")
        assert "<summary>Solution</summary>" not in text and "](0" not in text


def test_what_a_teacher_has_written_stays(tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()")
    whole = export(source("03"), tmp_path)
    assert (tmp_path / "nbgrader_config.py").read_text() == "c = get_config()"
    assert export(source("03"), tmp_path) == whole  # once more, over its own
    whole.write_text("mine")
    with pytest.raises(LessonError, match="is in the way"):
        export(source("03"), tmp_path)
    with pytest.raises(LessonError, match="Lesson 90 has no exercises, so there is nothing to grade in it."):
        export(source("90"), tmp_path)
