"""Fences become stubs, solutions are folded away, and a fence without its partner is refused."""

from pathlib import Path

import pytest

from mlteach.course.lessons import LessonError
from mlteach.course.source import BEGIN, END, exercises, learner_notebook


def test_the_learner_gets_a_stub_and_the_solution_folded_after_the_check(course: Path) -> None:
    cells = learner_notebook(course).cells
    place = next(i for i, cell in enumerate(cells) if "exercise" in cell.metadata.get("tags", []))
    assert cells[place].source == "def double(x):\n    ..."
    assert cells[place + 1].source == "print(double(2))"
    assert "return 2 * x" in cells[place + 2].source
    assert cells[place + 2].source.startswith("<details><summary>Solution</summary>")
    assert [cell.id for cell in cells] == [f"98-{i:03d}" for i in range(len(cells))]
    assert not any(BEGIN in cell.source or END in cell.source for cell in cells)


def test_an_exercise_has_a_solved_cell_a_stub_and_a_check(course: Path) -> None:
    (exercise,) = exercises(course)
    assert exercise.solved == "def double(x):\n    return 2 * x"
    assert exercise.stub == "def double(x):\n    ..."
    assert exercise.check == "print(double(2))"


@pytest.mark.parametrize("fence", [BEGIN, END])
def test_a_fence_without_its_partner_is_refused(course: Path, fence: str) -> None:
    course.write_text(course.read_text().replace(f"    {fence}\n", ""))
    with pytest.raises(
        LessonError, match='98_small.py: a cell has "### .*Give each fence its partner.*def double'
    ):
        learner_notebook(course)


def test_an_exercise_without_a_check_is_refused(course: Path) -> None:
    course.write_text(course.read_text().partition("# %%\nprint(double(2))")[0])
    with pytest.raises(LessonError, match="has no check cell after it"):
        learner_notebook(course)


def test_setup_is_folded_in_jupyterlab_too(course: Path) -> None:
    text = '# %% tags=["setup"]\nimport math\n\n# %% tags=["setup"] jupyter={"source_hidden": false}\nimport json\n'
    course.write_text(course.read_text() + "\n" + text)
    folded = [
        cell.metadata["jupyter"]
        for cell in learner_notebook(course).cells
        if "setup" in cell.metadata.get("tags", [])
    ]
    assert folded == [{"source_hidden": True}, {"source_hidden": False}]  # what an author says himself stands
