"""The table of cases: how one is written down, run and shown."""

import contextlib
import html
import importlib
import io
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlteach.course import lessons, run
from mlteach.errors import MlteachError

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "what_goes_wrong.md"
INTRODUCTION = """\
# What goes wrong, and what the course says

Every row was made to happen, and this is what was said: `tests/robustness/` holds the cases, and the tests hold this page
against them. "…" stands for what differs from place to place. Where nothing is said, the course goes on and nothing is lost.

`python -m tests.robustness` writes this page.
"""


@dataclass
class Room:
    """Where a case happens: a folder of its own, and the patches that are taken back after it."""

    folder: Path
    patch: pytest.MonkeyPatch

    def course(
        self, text: str = '# %% tags=["parameters"]\nPROFILE = "smoke"\nSEED = 0\n\n# %%\nprint(SEED)\n'
    ) -> Path:
        """A course whose only lesson is 98; returns the path of its source."""
        self.patch.setenv("JUPYTER_DATA_DIR", str(self.folder / "jupyter"))
        sources = self.folder / "notebooks" / "src"
        sources.mkdir(parents=True)
        for module, name, value in (
            (lessons, "NOTEBOOKS", sources.parent),
            (lessons, "SOURCES", sources),
            (lessons, "BUILT", self.folder / "data" / "built.json"),
            (lessons, "MY", self.folder / "my"),
            (run, "NOTEBOOKS", sources.parent),
            (run, "RUNS", self.folder / "runs"),
            (run, "RESULTS", self.folder / "results"),
            (run, "CHECKPOINTS", self.folder / "checkpoints"),
        ):
            self.patch.setattr(module, name, value)
        path = sources / "98_small.py"
        path.write_text(text)
        return path


@dataclass(frozen=True)
class Case:
    """What goes wrong under which heading, what is said ("…" for anything, "" for nothing), and how to make it happen."""

    heading: str
    wrong: str
    said: str
    make: Callable[[Room], object]


CASES: list[Case] = []


def case(
    heading: str, wrong: str, said: str = ""
) -> Callable[[Callable[[Room], object]], Callable[[Room], object]]:
    """Put the decorated function, which takes a `Room`, into the table.

    It raises an error of the course's, prints to stderr, warns, or returns what was said.
    """

    def add(make: Callable[[Room], object]) -> Callable[[Room], object]:
        CASES.append(Case(heading, wrong, said, make))
        return make

    return add


def cases() -> list[Case]:
    """All cases of all modules rows_*.py, by their names."""
    for path in sorted(HERE.glob("rows_*.py")):
        importlib.import_module(f"tests.robustness.{path.stem}")
    return CASES


def happens(each: Case, room: Room) -> str:
    """What is said when it happens: the error's sentence, else what went to stderr, warnings and the case's own text."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", UserWarning)
        try:
            found = each.make(room)
        except MlteachError as error:
            return str(error)
    told = [said.getvalue(), *(str(one.message) for one in warned if one.category is UserWarning)]
    return "\n".join([*told, found if isinstance(found, str) else ""]).strip()


def fits(said: str, expected: str) -> bool:
    """Whether what was said is what the table has."""
    return bool(re.fullmatch(".*".join(map(re.escape, expected.split("…"))), said, re.DOTALL))


def as_cell(text: str) -> str:
    """A text as it is read in a cell of a table in Markdown: what looks like HTML stays a text, outside of `code`."""
    parts = re.split(r"(`[^`]*`)", text.replace("|", "\\|"))
    return "".join(part if part.startswith("`") else html.escape(part, quote=False) for part in parts)


def document() -> str:
    """The page: one table under each heading."""
    lines = [INTRODUCTION]
    for heading in dict.fromkeys(each.heading for each in cases()):
        lines += [f"## {heading}\n", "| what goes wrong | what the course says |", "|---|---|"]
        for each in CASES:
            if each.heading == heading:
                cells = (each.wrong, each.said.replace("\n", " ") or "*nothing: it goes on*")
                lines.append("| " + " | ".join(map(as_cell, cells)) + " |")
        lines.append("")
    return "\n".join(lines)
