"""The parameters of a run: read from the command line, and held against what the lesson itself sets."""

import ast
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlteach.course.lessons import LessonError
from mlteach.course.source import first_line

#: A run with other seeds is still the profile's own run: every figure is kept with its seeds.
SEEDS = ("SEED", "SEEDS")
LARGEST = 2**63
KINDS = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    tuple: "a list",
    dict: "a dictionary",
}
Given = dict[str, Any]


class Expression:
    """A default that the lesson computes: it may be given any plain value."""


def chosen(path: Path, notebook: Any, profile: str, written: Sequence[str]) -> Given:
    """The parameters of a run of the lesson: its profile, and what was written as NAME=VALUE. Raises LessonError."""
    known = defaults(path, notebook)
    given: Given = {"PROFILE": profile}
    for each in written:
        name, value = parse(each)
        if name == "PROFILE":
            raise LessonError(
                f"The profile is chosen by --profile, not as a parameter. Write: run {path.stem[:2]} --profile {value}"
            )
        if name in given:
            raise LessonError(f"{name} is given twice. Give it once.")
        text = each.partition("=")[2]
        if isinstance(known.get(name), str) and not isinstance(value, str) and plain(text):
            value = text  # "NAME=1.50" where the lesson has a text: as it is written
        given[name] = value
    return held_against(path, known, given)


def held_against(path: Path, known: Given, given: Given) -> Given:
    """``given`` as the lesson has it, whose own are ``known``. Raises LessonError for what is not one of them, or of another kind."""
    for name in given:
        if name not in known:
            raise LessonError(
                f"Lesson {path.stem} has no parameter {name}. Its parameters are {', '.join(known) or 'none'}."
            )
    return {name: fitting(name, value, known[name]) for name, value in given.items()}


def parse(parameter: str) -> tuple[str, Any]:
    """NAME=VALUE as a name and a plain Python value; a word is text. Raises LessonError."""
    name, equals, value = parameter.partition("=")
    if not equals or not name.isidentifier():
        raise LessonError(
            f'"{_shown(parameter)}" is not a parameter. Write it as NAME=VALUE, for example SEED=1.'
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Python, at what it can read all the same
            read = ast.literal_eval(value)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        if value[:1] and value.lstrip()[:1] in "[({'\"+-.0123456789" and value.strip():
            raise LessonError(
                f"{name}={_shown(value)} cannot be read: write a number, a text in quotes or a list in brackets, "
                "and put all of it into quotes where the shell needs that."
            ) from None
        read = value
    if (
        read == 0
        and any(digit in value.lower().partition("e")[0] for digit in "123456789")
        and isinstance(read, float)
    ):
        raise LessonError(f"{name}={_shown(value)} is too small: it would be 0. Give 0, or a larger number.")
    if not plain(read):
        raise LessonError(
            f"{name}={_shown(value)} cannot be kept in a record: give a finite number below 2**63, a text, True, False or "
            "a list of these."
        )
    return name, read


def plain(value: Any) -> bool:
    """Whether a value is the same after it was written as JSON and read again, and torch can count so far."""
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, int):
        return abs(value) < LARGEST
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, str):
        return value.isprintable() and value.encode(errors="ignore").decode() == value
    if isinstance(value, list | tuple):
        return all(map(plain, value))
    if isinstance(value, dict):
        return all(isinstance(name, str) for name in value) and all(map(plain, [*value, *value.values()]))
    return False


def defaults(path: Path, notebook: Any) -> Given:
    """What the lesson's parameters cell sets, by name. Raises LessonError for a cell that is no Python."""
    found: Given = {}
    for cell in notebook.cells:
        if "parameters" not in cell.metadata.get("tags", []):
            continue
        try:
            statements = ast.parse(cell.source).body
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None) or 1
            written = (cell.source.splitlines() or [""])[min(line, cell.source.count("\n") + 1) - 1]
            raise LessonError(
                f"{path.name}: the parameters cell is not Python ({getattr(error, 'msg', error)}). Mend this line: "
                f"{written.strip() or first_line(cell.source)}"
            ) from None
        for statement in statements:
            if isinstance(statement, ast.Assign | ast.AnnAssign):
                targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                for target in targets:
                    if isinstance(target, ast.Name):
                        found[target.id] = _default(statement.value)
    return found


def fitting(name: str, value: Any, default: Any) -> Any:
    """``value`` if it is of the kind of the lesson's own; a whole number may stand for a number. Raises LessonError."""
    if default is None or default is Expression:
        return value
    kind = type(default)
    if kind is str and not isinstance(value, str):
        return str(value)  # "NAME=3" where the lesson has a text: the text "3"
    if kind is float and type(value) is int:
        return float(value)
    if kind is tuple and isinstance(value, list):
        value = tuple(value)
    if kind is list and isinstance(value, tuple):
        value = list(value)
    if type(value) is not kind:
        raise LessonError(
            f"{name}={_shown(repr(value))} is {KINDS.get(type(value), 'nothing')}, and the lesson's own, "
            f"{_shown(repr(default))}, is {KINDS[kind]}. Give {KINDS[kind]}."
        )
    if name == "SEEDS" and isinstance(value, list | tuple) and len(set(map(repr, value))) < len(value):
        raise LessonError(
            f"SEEDS={_shown(repr(value))} holds a seed twice, and would count it twice. Give each once."
        )
    if isinstance(value, dict) and default:
        if strange := value.keys() - default.keys():
            raise LessonError(
                f"{name} has no {min(strange)!r} in the lesson. Give some of {', '.join(map(repr, default))}."
            )
        return {key: fitting(f"{name}[{key!r}]", each, default[key]) for key, each in value.items()}
    if isinstance(value, list | tuple) and default:
        if not value:
            raise LessonError(
                f"{name} is an empty list, with which the lesson has nothing to do. Give one entry or more."
            )
        kinds = {type(each) for each in default}
        if len(kinds) > 1 and len(value) == len(default):
            pairs = enumerate(zip(value, default, strict=True))
            return kind(fitting(f"{name}[{place}]", each, own) for place, (each, own) in pairs)
        if len(kinds) > 1 and any(type(each) not in kinds for each in value):
            raise LessonError(
                f"{name}={_shown(repr(value))} is not like the lesson's own. Give something like {_shown(repr(default))}."
            )
        if len(kinds) == 1:
            return kind(fitting(f"{name}[{place}]", each, default[0]) for place, each in enumerate(value))
    return value


def _default(node: ast.expr | None) -> Any:
    try:
        return ast.literal_eval(node) if node else Expression
    except (ValueError, TypeError):
        return Expression


def _shown(text: str) -> str:
    """``text`` on one line of a sentence."""
    words = " ".join(text.encode(errors="backslashreplace").decode().split())
    line = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in words)
    return line if len(line) <= 60 else f"{line[:57]}..."
