"""The table the browser tests go by is whole. Needs no browser."""

import importlib
import json
import re
from itertools import combinations
from pathlib import Path

import pytest
import traitlets

from mlteach import explore
from mlteach.course.lessons import NOTEBOOKS, RESULTS
from tests.browser.explorers import NOT_ONE_SCREEN, ROWS, title, variable


def test_every_explorer_has_a_row_and_a_cell() -> None:
    assert sorted(ROWS) == sorted(explore.__all__), "tests/browser/explorers.py: one row an explorer"
    (source,) = NOTEBOOKS.glob("src/90_*.py")
    shown = re.findall(r"^(\w+) = ([A-Z]\w+)[.(]", source.read_text(), re.MULTILINE)
    assert sorted(shown) == sorted((variable(name), name) for name in ROWS), source.name


def test_those_that_are_too_tall_are_explorers() -> None:
    assert set(ROWS) >= NOT_ONE_SCREEN


def test_no_explorer_styles_another() -> None:
    """All stand on one page: what two style sheets say of one class must be the same, or one explorer looks wrong."""
    folder = Path(explore.__file__).parent
    known = set(re.findall(CLASS, (folder / "base" / "base.css").read_text()))
    sheets = {file.parent.name: rules(file, known) for file in folder.glob("*/view.css")}
    wrong = [
        f"{one} and {other} style .{name}"
        for one, other in combinations(sorted(sheets), 2)
        for name in sorted(set(sheets[one]) & set(sheets[other]))
        if not (sheets[one][name] <= sheets[other][name] or sheets[one][name] >= sheets[other][name])
    ]
    assert not wrong, wrong


CLASS = r"\.(mlx-[\w-]+)"


def rules(css: Path, known: set[str]) -> dict[str, set[str]]:
    """Class -> the rules that begin with it, of the classes that are not ``known`` to all."""
    found: dict[str, set[str]] = {}
    for line in css.read_text(encoding="utf-8").splitlines():
        own = [name for name in re.findall(CLASS, line.partition("{")[0]) if name not in known]
        if own:
            found.setdefault(own[0], set()).add(line)
    return found


@pytest.mark.parametrize("name", ROWS)
def test_a_row_says_something_of_its_explorer(name: str) -> None:
    explorer, (trait, value) = ROWS[name].make(), ROWS[name].set
    assert isinstance(explorer, getattr(explore, name)) and title(name)
    before = explorer.summary
    assert explorer.has_trait(trait) and getattr(explorer, trait) != value
    explorer.set_trait(trait, value)
    assert explorer.summary != before
    with pytest.raises(traitlets.TraitError):
        explorer.set_trait("no_such_trait", value)


@pytest.mark.parametrize("name", ["explorers", "pages"])
def test_the_figures_in_the_readme_are_the_recorded_ones(name: str) -> None:
    in_readme = importlib.import_module(f"benchmarks.{name}").in_readme
    text = (NOTEBOOKS.parent / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert in_readme(text, json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))) == text
