"""Every case of the table happens and is said as the table has it; the page in docs/ is this table."""

from pathlib import Path

import pytest

from tests.robustness.table import DOCUMENT, Case, Room, cases, document, fits, happens


@pytest.mark.parametrize("each", cases(), ids=lambda each: each.wrong)
def test_what_goes_wrong_is_said_as_the_table_has_it(
    each: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = happens(each, Room(tmp_path, monkeypatch))
    assert fits(said, each.said), f"It said: {said}"
    assert "Traceback" not in said and said.count("\n") < 5


def test_no_case_is_told_twice_and_the_page_is_this_table() -> None:
    names = [(each.heading, each.wrong) for each in cases()]
    assert len(names) == len(set(names))
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "Write it anew: python -m tests.robustness"


def test_another_sentence_does_not_fit() -> None:
    assert fits("The disk (/a/b) is full.", "The disk (…) is full.")
    assert not fits("The disk (/a/b) is full. Traceback", "The disk (…) is full.") and not fits("x", "")
