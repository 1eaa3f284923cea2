"""The table the browser tests go by is whole. Needs no browser."""

import re
from itertools import combinations
from pathlib import Path

import pytest
import traitlets

from mlteach import explore
from mlteach.course.lessons import NOTEBOOKS
from tests.browser.explorers import ROWS, title, variable


def test_every_explorer_has_a_row_and_a_cell() -> None:
    assert sorted(ROWS) == sorted(explore.__all__), "tests/browser/explorers.py: one row an explorer"
    (source,) = NOTEBOOKS.glob("src/90_*.py")
    shown = re.findall(r"^(\w+) = ([A-Z]\w+)[.(]", source.read_text(), re.MULTILINE)
    assert sorted(shown) == sorted((variable(name), name) for name in ROWS), source.name


def test_no_explorer_styles_another() -> None:
    """All stand on one page: a class that two style sheets know looks wrong in one of the explorers."""
    folder = Path(explore.__file__).parent
    base = classes(folder / "base.css")
    own = {file.stem: classes(file) - base for file in folder.glob("*.css") if file.stem != "base"}
    for one, other in combinations(own, 2):
        assert not own[one] & own[other], f"{one}.css and {other}.css"


def classes(css: Path) -> set[str]:
    return set(re.findall(r"\.(mlx-[\w-]+)", css.read_text(encoding="utf-8")))


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
