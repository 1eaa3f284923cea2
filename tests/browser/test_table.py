"""The table the browser tests go by is whole. Needs no browser."""

import re

import pytest
import traitlets

from mlteach import explore
from tests.browser.conftest import NOTEBOOKS
from tests.browser.explorers import ROWS, title, variable


def test_every_explorer_has_a_row_and_a_cell() -> None:
    assert sorted(ROWS) == sorted(explore.__all__), "tests/browser/explorers.py: one row an explorer"
    (source,) = NOTEBOOKS.glob("src/90_*.py")
    shown = re.findall(r"^(\w+) = ([A-Z]\w+)[.(]", source.read_text(), re.MULTILINE)
    assert sorted(shown) == sorted((variable(name), name) for name in ROWS), source.name


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
