"""A lesson as an assignment of nbgrader: its exercises are answers, their checks are tests with points.

    OUTPUT/nbgrader_config.py        the stub, the time a cell may take
    OUTPUT/source/03/03_….ipynb      what ``nbgrader generate_assignment 03`` makes the students' version of

The fences of a solution are nbgrader's own, so it takes the solution out. What a student sees of a test is the lesson's
``check(...)``, which prints a diagnosis and never raises; below it stand hidden lines, which nbgrader puts back when it
grades: they raise where the answer does not pass, and then there are no points.
"""

import ast
import copy
import re
from pathlib import Path
from typing import Any

from mlteach.course.contract import CHECK
from mlteach.course.lessons import LessonError
from mlteach.course.site.folder import publish
from mlteach.course.source import BEGIN, exercises, fold, learner_notebook, read

CONFIG = "nbgrader_config.py"
SETTINGS = '''\
"""What nbgrader is told about the course's lessons. Called in this folder, nbgrader reads it by itself."""

import os

c = get_config()  # noqa: F821  (nbgrader's)
c.CourseDirectory.course_id = "learning-to-learn"
# The lessons' own stub. With nbgrader's, which raises, an untouched exercise could not be told from a wrong one.
c.ClearSolutions.code_stub = {"python": "..."}
# Seconds a cell may take: lessons train.
c.ExecutePreprocessor.timeout = 600
# The list of what start.py has written is not the students'.
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", ".mlteach-*"]
# Grading is no attempt of yours, and bars are no result.
os.environ |= {"MLTEACH_PROGRESS": "off", "TQDM_DISABLE": "1"}
'''
HIDDEN = """\
### BEGIN HIDDEN TESTS
from mlteach.exercises.points import earned

earned("{id}", {answer})
### END HIDDEN TESTS"""
POINTS = 1
#: A link to another lesson leads nowhere from a student's folder, so its words stay.
NEIGHBOUR = re.compile(r"\[([^\]\n]+)\]\(\d\d_\w+\.ipynb(?:#[^)\s]*)?\)")


def export(source: Path, target: Path) -> Path:
    """Write the assignment of the lesson with this source into the course folder ``target``; returns its notebook.

    A configuration that is there already is left as it is. Raises LessonError for a lesson without exercises, and where
    a file is in the way.
    """
    import nbformat

    lesson, name = source.stem[:2], f"{source.stem}.ipynb"
    made = assignment(source)
    nbformat.validate(made)
    if not (target / CONFIG).exists():
        publish({CONFIG: SETTINGS}, target, kind="nbgrader", all_of_it=False)
    folder = target / "source" / lesson
    publish({name: nbformat.writes(made) + "\n"}, folder, kind="nbgrader", all_of_it=False)
    return folder / name


def assignment(source: Path) -> Any:
    """The notebook that nbgrader makes the students' version of: with solutions in their fences, without outputs.

    Raises LessonError for a malformed source, and for a lesson without exercises.
    """
    fenced = [cell.source for cell in read(source).cells if cell.cell_type == "code" and BEGIN in cell.source]
    open_ones = list(zip(fenced, exercises(source), strict=True))
    if not open_ones:
        raise LessonError(f"Lesson {source.stem[:2]} has no exercises, so there is nothing to grade in it.")
    notebook = learner_notebook(source)
    left, cells = iter(notebook.cells), []
    for cell in left:
        cell.metadata.get("slideshow", {}).pop("notes", None)  # what the lecturer says may tell an answer
        cells.append(cell)
        if cell.cell_type == "markdown":
            cell.source = NEIGHBOUR.sub(r"\1", cell.source)
        elif open_ones and cell.source == open_ones[0][1].stub:
            written, exercise = open_ones.pop(0)
            check = next(left)
            id = named(check.source, source)
            cell.source = written
            cell.metadata["nbgrader"] = about(f"answer-{id}", solution=True)
            cells += tests(check, id)
            solution = next(left)
            if solution.source != fold(exercise.solved):  # which would tell every student
                raise LessonError(f"{source.name}: the solution of {id} does not stand behind its check.")
    notebook.cells = cells
    return notebook


def named(code: str, source: Path) -> str:
    """The exercise that a check cell asks about. Raises LessonError where it is none."""
    found = CHECK.search(code)
    if found is None:
        raise LessonError(f'{source.name}: the cell after an exercise must call check("NN.1", ...): {code}')
    return found[1]


def tests(check: Any, id: str) -> list[Any]:
    """A check cell as a test with points and, where the lesson goes on in it, that as a cell of its own.

    What follows the check must run although the test raises: it may put the course's own in the place of the answer.
    """
    lines = check.source.splitlines()
    call, end = call_of(check.source)
    answer = ast.get_source_segment(check.source, call.args[1])
    test, rest = copy.deepcopy(check), copy.deepcopy(check)
    test.source = "\n".join([*lines[:end], HIDDEN.format(id=id, answer=answer)])
    test.metadata["nbgrader"] = about(f"check-{id}", grade=True, locked=True, points=POINTS)
    rest.source, rest.id = "\n".join(lines[end:]).strip("\n"), f"{check.id}-on"
    return [test, rest] if rest.source else [test]


def call_of(code: str) -> tuple[ast.Call, int]:
    """The call of ``check`` in a cell, and the last line of its statement, counted from 1."""
    for statement in ast.parse(code).body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check":
                return node, statement.end_lineno or 0
    raise LessonError(f"There is no call of check in: {code}")


def about(name: str, **what: Any) -> dict[str, Any]:
    """nbgrader's metadata of a cell."""
    grade_id = name.replace(".", "-")
    plain = {"schema_version": 3, "grade": False, "solution": False, "locked": False, "task": False}
    return plain | {"grade_id": grade_id, "cell_type": "code"} | what
