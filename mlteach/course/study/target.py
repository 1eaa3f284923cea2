"""What one run of a study is: a function of a module, or a lesson executed by papermill.

Both are told parameters and a folder of their own, and give numbers by name. They travel to the workers by name; the
code itself is read there, from the course's folder.
"""

import ast
import hashlib
import importlib
import inspect
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlteach.course.lessons import ROOT, LessonError, checked_profile, source
from mlteach.course.parameters import SEEDS, Given, defaults, held_against
from mlteach.errors import MlteachError

Numbers = dict[str, float | None]

#: The code of each module when this process imported it: a worker that stays must not go on with what was edited since.
_IMPORTED: dict[str, str] = {}


class StudyError(MlteachError):
    """A study's file is not one, or something in the study went wrong."""


@dataclass(frozen=True)
class Function:
    """``package.module:function``, called with the parameters and ``checkpoint``, a path of its own; it returns a dict of numbers."""

    where: str

    def __str__(self) -> str:
        return self.where

    @property
    def file(self) -> Path:
        """The source file that it stands in."""
        return Path(inspect.getsourcefile(self.load()) or "")

    def load(self) -> Callable[..., Any]:
        """The function. Raises StudyError, which says what of its name could not be found."""
        module_name, colon, name = self.where.partition(":")
        if not colon or not name.isidentifier() or not all(map(str.isidentifier, module_name.split("."))):
            raise StudyError(f'"{self.where}" names no function. Write it as "package.module:function".')
        if str(ROOT) not in sys.path:  # a worker may have been started elsewhere
            sys.path.insert(0, str(ROOT))
        try:
            module = importlib.import_module(module_name)
            if (text := _text(module)) != _IMPORTED.setdefault(module_name, text):
                module = importlib.reload(module)
                _IMPORTED[module_name] = text
        except (Exception, SystemExit) as error:
            there = not isinstance(error, ModuleNotFoundError) or not f"{module_name}.".startswith(f"{error.name}.")  # fmt: skip
            said = "it is not there" if not there else f"{type(error).__name__}: {error}"
            raise StudyError(
                f"The module {module_name} cannot be imported from {ROOT}: {said}. Check its name, and that "
                f'python -c "import {module_name}" works there.'
            ) from error
        found = getattr(module, name, None)
        if not inspect.isfunction(found):
            own = [each for each, value in vars(module).items() if inspect.isfunction(value) and value.__module__ == module_name]  # fmt: skip
            raise StudyError(
                f"The module {module_name} has no function {name}. It has {', '.join(own) or 'none'}."
            )
        return found

    def code(self) -> str:
        """A checksum of that file's code; comments and layout do not count, and neither does what it imports."""
        tree = ast.parse(self.file.read_text(encoding="utf-8"))
        return _sum(self.where, ast.unparse(tree))

    def given(self, parameters: Given, seed: int | None) -> Given:
        """What the function is called with, ``checkpoint`` left out. Raises StudyError for what it does not take."""
        given = parameters | ({} if seed is None else {"seed": seed})
        takes = inspect.signature(self.load()).parameters
        by_name = {n: p for n, p in takes.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
        anything = any(each.kind is each.VAR_KEYWORD for each in takes.values())
        listed = ", ".join(by_name) or "nothing"
        if not anything and (strange := [n for n in [*given, "checkpoint"] if n not in by_name]):
            why = {
                "seed": " Give it that parameter, or leave out seeds.",
                "checkpoint": " Give it that parameter: the path of the run's own checkpoint, for fit.",
            }.get(strange[0], "")
            raise StudyError(f"{self.where} takes no {strange[0]}. It takes {listed}.{why}")
        lacking = [
            n for n, p in by_name.items() if p.default is p.empty and n not in given and n != "checkpoint"
        ]
        if lacking:
            where = 'seeds, such as seeds = [0, 1, 2]' if lacking[0] == "seed" else "[fixed], [grid] or [[runs]]"  # fmt: skip
            raise StudyError(f"{self.where} needs {lacking[0]}. Give it in {where}.")
        return given

    def run(self, given: Given, folder: Path) -> Numbers:
        """Call it, and hold what it returns against a dict of numbers. Raises StudyError, and what the function raises."""
        return numbers(self.load()(**given, checkpoint=checkpoint_in(folder)), self.where)


@dataclass(frozen=True)
class Lesson:
    """A lesson, by its number, run from top to bottom with other parameters; its numbers are the figures it records."""

    number: str

    def __str__(self) -> str:
        return f"lesson {self.number}"

    @property
    def file(self) -> Path:
        return source(self.number)

    def code(self) -> str:
        """A checksum of the code of its cells; texts do not count, and neither does the package."""
        from mlteach.course.source import learner_notebook

        cells = learner_notebook(self.file).cells
        return _sum(str(self), *(cell.source for cell in cells if cell.cell_type == "code"))

    def given(self, parameters: Given, seed: int | None) -> Given:
        """What papermill puts into its parameters cell. Raises LessonError for what that cell does not have."""
        from mlteach.course.source import learner_notebook

        path = self.file
        known = defaults(path, learner_notebook(path))
        given: Given = {"PROFILE": "smoke", **parameters}
        if seed is not None:
            name = next((each for each in SEEDS if each in known), None)
            if name is None:
                raise LessonError(
                    f"Lesson {path.stem} takes no seed. Its parameters are {', '.join(known)}. Leave out seeds."
                )
            given[name] = [seed] if name == "SEEDS" else seed
        given = held_against(path, known, given)
        checked_profile(given["PROFILE"])
        return given

    def run(self, given: Given, folder: Path) -> Numbers:
        """Execute it into ``folder``. Raises LessonError, naming the cell, where one fails."""
        from mlteach.course.run import ran
        from mlteach.course.source import learner_notebook

        path = self.file
        figures, _, _ = ran(path, learner_notebook(path), folder, given, False)
        return numbers({each["name"]: each["value"] for each in figures}, f"Lesson {path.stem}")


Target = Function | Lesson


def checkpoint_in(folder: Path) -> Path:
    """Where the checkpoint of the run with this folder is."""
    return folder / "checkpoint.safetensors"


def numbers(found: Any, whose: str) -> Numbers:
    """A dict of numbers as JSON can keep it: what is not finite is None. Raises StudyError for anything else."""
    if not isinstance(found, Mapping) or not found or not all(isinstance(name, str) for name in found):
        raise StudyError(
            f"{whose} gave {_short(found)}. A run gives a dict of numbers, such as {{'mse': 0.3}}."
        )
    kept: Numbers = {}
    for name, value in found.items():
        try:
            number = None if value is None else value if type(value) is int else float(value)
        except (TypeError, ValueError):
            raise StudyError(f"{whose} gave {name} = {_short(value)}, which is no number.") from None
        kept[name] = number if number is not None and math.isfinite(number) else None
    return kept


def _text(module: Any) -> str:
    """The source of a module as it is on the disk now; "" where it has none."""
    path = getattr(module, "__file__", None)
    return Path(path).read_text(encoding="utf-8") if path and path.endswith(".py") else ""


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _sum(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
