"""A study's file, in TOML: what is run, with which parameters and seeds, and what table and figure show.

    name = "rates"
    function = "studies.lesson06_rates_and_shots:one"    # or: lesson = "06"
    seeds = [0, 1, 2]

    [fixed]                    # the same in every run
    steps = 2000

    [grid]                     # every combination; or a list of them as [[runs]]
    inner_rate = [0.01, 0.1]
    shots = [5, 10]

    [figure]                   # all of it may be left out
    x = "inner_rate"
    y = "mse"

`read` holds all of it against what there is before anything runs.
"""

import difflib
import itertools
import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlteach.course.parameters import Given, plain
from mlteach.course.study.target import Function, Lesson, StudyError, Target
from mlteach.course.study.work import Run
from mlteach.errors import MlteachError
from mlteach.explore import style

KEYS = ("name", "title", "lesson", "function", "seeds", "fixed", "grid", "runs", "figure", "words")
FIGURE = ("x", "y", "log", "method")


@dataclass(frozen=True)
class Axes:
    """What the figure shows: x a parameter, each y a number with a panel of its own; log: which axes are logarithmic.

    method: whose colour it has, in the words of `mlteach.explore.style`.
    """

    x: str | None = None
    y: tuple[str, ...] = ()
    log: tuple[str, ...] = ()
    method: str = "baseline"


@dataclass(frozen=True)
class Study:
    """A study as its file has it. words: what parameters and numbers are called in the table and the figure."""

    name: str
    title: str
    target: Target
    runs: tuple[Run, ...]
    axes: Axes = Axes()
    words: dict[str, str] = field(default_factory=dict)

    @property
    def varied(self) -> list[str]:
        """The parameters that are not the same in all runs, in the file's order."""
        names = dict.fromkeys(name for run in self.runs for name in run.parameters)
        return [n for n in names if len({repr(run.parameters.get(n)) for run in self.runs}) > 1]


def read(path: Path) -> Study:
    """The study in a file. Raises StudyError, which begins with the file's name, for whatever in it cannot be."""
    try:
        return _study(tomllib.loads(path.read_text(encoding="utf-8")), path.stem)
    except FileNotFoundError:
        raise StudyError(f"{path} is not there. Give the path of a study's file, such as studies/*.toml.") from None  # fmt: skip
    except IsADirectoryError:
        raise StudyError(f"{path} is a folder. Give the path of a study's file.") from None
    except UnicodeDecodeError:
        raise StudyError(f"{path.name} is not UTF-8. Save it as UTF-8 in your editor.") from None
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{path.name} is not TOML: {error}. Mend that place.") from None
    except MlteachError as error:
        raise StudyError(f"{path.name}: {error}") from error


def _study(table: dict[str, Any], stem: str) -> Study:
    _known(table, KEYS, "A study")
    name = _text(table, "name", stem)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise StudyError(f'name = "{name}" is to be the name of a folder: use letters, digits, . _ and -.')
    target = _target(table)
    seeds = _seeds(table.get("seeds"))
    code = target.code()
    runs = []
    for parameters in _combinations(table):
        for seed in seeds:
            target.given(parameters, seed)  # raises for what it does not take
            runs.append(Run(target, parameters, seed, code))
    if len({run.key for run in runs}) < len(runs):
        twice = next(run for n, run in enumerate(runs) if run.key in {each.key for each in runs[:n]})
        raise StudyError(f"The run {twice} stands in it twice. Give each once.")
    words = _section(table, "words")
    if wrong := [each for each, value in words.items() if not isinstance(value, str)]:
        raise StudyError(f"[words] says in text what a name means, and {wrong[0]} is no text.")
    names = {each for run in runs for each in run.parameters}
    return Study(name, _text(table, "title", name), target, tuple(runs), _axes(table, names), words)


def _target(table: dict[str, Any]) -> Target:
    if ("lesson" in table) == ("function" in table):
        raise StudyError(
            'A study runs one thing: give lesson = "06" or function = "package.module:function", and not both.'
        )
    if "lesson" in table:
        lesson = Lesson(_text(table, "lesson"))
        return Lesson(lesson.file.stem[:2])  # the same checksum however it was named
    return Function(_text(table, "function"))


def _seeds(seeds: Any) -> list[int] | list[None]:
    if seeds is None:
        return [None]
    if not isinstance(seeds, list) or not seeds or any(type(each) is not int or each < 0 for each in seeds):
        raise StudyError(f"seeds = {seeds!r} is no list of whole numbers. Write seeds = [0, 1, 2].")
    if len(set(seeds)) < len(seeds):
        raise StudyError(f"seeds = {seeds!r} holds a seed twice, and would count it twice. Give each once.")
    return seeds


def _combinations(table: dict[str, Any]) -> list[Given]:
    """The parameters of every run, seeds left out."""
    fixed, grid, runs = _section(table, "fixed"), _section(table, "grid"), table.get("runs", [{}])
    if "grid" in table and "runs" in table:
        raise StudyError("It has [grid] and [[runs]]. Give the combinations by one of them.")
    if "grid" in table and not grid:
        raise StudyError("[grid] is empty. Give it a parameter with a list of values, or leave it out.")
    for name, values in grid.items():
        if not isinstance(values, list):
            raise StudyError(f"{name} = {values!r} in [grid] is no list. Write {name} = [{values!r}], or put it into [fixed].")  # fmt: skip
        if not values:
            raise StudyError(f"{name} = [] in [grid] leaves nothing to run. Give it one value or more.")
    if not isinstance(runs, list) or not runs or not all(isinstance(each, dict) for each in runs):
        raise StudyError("runs is a list of tables. Write [[runs]] above the parameters of each.")
    for name in dict.fromkeys([*grid, *(name for each in runs for name in each)]):
        if name in fixed:
            raise StudyError(f"{name} stands in [fixed] and among what is varied. Give it in one place.")
    varied = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    found = [fixed | each for each in (varied if grid else runs)]
    for name, value in (pair for each in found for pair in each.items()):
        if name in ("seed", "SEED", "SEEDS"):
            raise StudyError(f"{name} is no parameter of a study. Write seeds = [0, 1, 2] at the top.")
        if name == "checkpoint":
            raise StudyError("checkpoint is the study's to give: each run has its own. Leave it out.")
        if not plain(value):
            raise StudyError(f"{name} = {value} cannot be kept: give a finite number, a text, true, false or a list of these.")  # fmt: skip
    return found


def _axes(table: dict[str, Any], parameters: Collection[str]) -> Axes:
    figure = _section(table, "figure")
    _known(figure, FIGURE, "[figure]")
    x, y, log = figure.get("x"), figure.get("y", []), figure.get("log", [])
    if x is not None and x not in parameters:
        raise StudyError(f'x = "{x}" in [figure] is none of the parameters. Choose one of {", ".join(sorted(parameters))}.')  # fmt: skip
    y = [y] if isinstance(y, str) else y
    if not isinstance(y, list) or not all(isinstance(each, str) for each in y):
        raise StudyError("y in [figure] is the name of a number that the runs give, or a list of them.")
    if not isinstance(log, list) or not set(map(str, log)) <= {"x", "y"}:
        raise StudyError('log in [figure] says which axes are logarithmic. Write log = ["x", "y"], or one of them.')  # fmt: skip
    method = figure.get("method", "baseline")
    try:
        style.method(method)
    except (ValueError, TypeError) as error:
        raise StudyError(f"method = {method!r} in [figure]: {error}") from None
    return Axes(x, tuple(y), tuple(log), method)


def _known(table: dict[str, Any], known: Collection[str], whose: str) -> None:
    for name in table:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            meant = f" Did you mean {near[0]}?" if near else ""
            raise StudyError(f"{whose} has no {name}.{meant} There are {', '.join(known)}.")


def _section(table: dict[str, Any], name: str) -> dict[str, Any]:
    found = table.get(name, {})
    if not isinstance(found, dict):
        raise StudyError(f"{name} is a table. Write [{name}] and its entries below.")
    return found


def _text(table: dict[str, Any], name: str, otherwise: str | None = None) -> str:
    found = table.get(name, otherwise)
    if not isinstance(found, str) or not found:
        raise StudyError(f'{name} = {found!r} is no text. Write it in quotes, such as {name} = "...".')
    return found
