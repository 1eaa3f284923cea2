"""In every lesson the folded solution passes its check, and the untouched stub is told "not attempted yet"."""

import ast
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mlteach.course.contract import CHECK
from mlteach.course.lessons import sources
from mlteach.course.source import Exercise, exercises, read

ALL = [(path, exercise) for path in sources() for exercise in exercises(path)]


def named(value: Any) -> str:
    return CHECK.search(value.check)[1] if isinstance(value, Exercise) else ""  # type: ignore[index]


@pytest.mark.parametrize(("path", "exercise"), ALL, ids=named)
def test_the_solution_passes_and_the_stub_is_not_attempted(
    path: Path, exercise: Exercise, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = checked(path, exercise, exercise.solved)
    assert verdict.passed and verdict.attempted, verdict.message
    verdict = checked(path, exercise, exercise.stub)
    assert not verdict.attempted and not verdict.passed
    assert "not attempted yet" in capsys.readouterr().out.splitlines()[-1]


def test_every_exercise_of_the_package_is_in_its_lesson_and_the_other_way_round() -> None:
    from mlteach.exercises import exercises as known

    lessons = {path.stem[:2] for path in sources()}
    assert [named(exercise) for _, exercise in ALL] == [id for id in known() if id[:2] in lessons]


def checked(path: Path, exercise: Exercise, answer: str) -> Any:
    """What the lesson's own check says of ``answer``, with the imports and definitions the lesson made before it."""
    names: dict[str, Any] = {}
    for cell in read(path).cells:
        if cell.cell_type == "code" and "### BEGIN" not in cell.source:
            if cell.source == exercise.check:
                break
            for statement in definitions(cell.source):
                with suppress(
                    NameError
                ):  # it needs what the lesson computes; then no exercise can need it here
                    exec(compile(ast.Module([statement], []), str(path), "exec"), names)
    exec(answer, names)
    call = next(
        node
        for node in ast.walk(ast.parse(exercise.check))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check"
    )
    return eval(compile(ast.Expression(call), str(path), "eval"), names)


def definitions(code: str) -> list[ast.stmt]:
    """The imports, functions, classes and plain constants of a cell, without what it computes or draws."""

    def kept(node: ast.stmt) -> bool:
        if isinstance(node, ast.Assign):
            return is_literal(node.value) and all(isinstance(target, ast.Name) for target in node.targets)
        return isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)

    return [node for node in ast.parse(code).body if kept(node)]


def is_literal(value: ast.expr) -> bool:
    try:
        ast.literal_eval(value)
    except ValueError:
        return False
    return True
