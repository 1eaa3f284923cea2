"""What is on the slides of every deck, in Chromium, Firefox and WebKit: it fits and can be read, whoever opens it where.

    python3 start.py test tests/browser/test_decks.py --engine firefox

Without ``--engine`` Chromium takes every deck, the others one. A deck is opened once for its tests; the last opens what is folded.
"""

from collections.abc import Callable, Iterator

import pytest

from tests.browser.chromium import folder_of_pictures
from tests.browser.engine import Engine, NotHere, Page, opened
from tests.browser.slides import ALL_THE_WAY, CUT, ELSEWHERE, SMALL, WRONG

DECK = "document.documentElement.dataset.deck == 'ready'"
#: A projector, and a laptop, in which the deck is left.
HALLS = ((1920, 1080), (1280, 720))


@pytest.fixture(scope="module")
def deck(engine: Engine, lecture: str, address: Callable[[str], str]) -> Iterator[Page]:
    """A lesson's slides in 1280 x 720, opened once for their tests."""
    with opened(engine) as it:
        it.viewport(1280, 720)
        yield it.ready(address(f"deck/{lecture}"), DECK)


def test_every_slide_fits(deck: Page) -> None:
    """Whole, on a laptop and on a projector."""
    wrong = {}
    for width, height in HALLS:
        deck.viewport(width, height)
        deck.frames(4)
        if cut := deck.evaluate(CUT):
            wrong[width] = cut
    assert wrong == {}


def test_slides_can_be_read_from_the_last_row(deck: Page) -> None:
    """Words of 16 px or more, code and what stands in an explorer of 14 px or more, in 1280 x 720."""
    assert deck.evaluate(SMALL, [16, 14]) == {}


def test_axe_finds_nothing_on_slides(deck: Page) -> None:
    try:
        deck.accessible()
    except NotHere as why:
        pytest.skip(str(why))


def test_a_deck_turns_by_keys(lecture: str, engine: Engine, deck: Page) -> None:
    if engine.name != "webkit":  # whose driver does not come back from the picture of a deck
        deck.screenshot(folder_of_pictures("engines") / f"deck_{lecture[:2]}_{engine.name}.png")
    place, seen = "location.hash", []
    for key in ("ArrowRight", "ArrowLeft", "PageDown", "PageUp", "End", "Home"):
        deck.press(key)
        seen.append(deck.evaluate(place))
    last = deck.evaluate("document.querySelectorAll('.slide').length")
    assert seen[1] == seen[3] == seen[5] == "#1" and seen[0] == seen[2] != "#1"
    assert seen[4].split(".")[0] == f"#{last}"


def test_every_slide_fits_with_all_that_is_folded_opened(deck: Page, engine: Engine) -> None:
    """And every slider at its end."""
    if engine.name != "chromium":
        pytest.skip(
            "others give a zoomed letter its size before the zoom; how large it is seen is measured above"
        )
    assert deck.evaluate(ELSEWHERE) == [], "what stands on another slide is not seen"
    wrong = set(deck.evaluate(WRONG))
    deck.evaluate(ALL_THE_WAY)
    for width, height in HALLS:
        deck.viewport(width, height)
        deck.frames()
        wrong |= set(deck.evaluate(WRONG))
    assert sorted(wrong) == []
    places = deck.evaluate(
        "[...document.querySelectorAll('.title')].map((title) => [title.offsetLeft, title.offsetTop, getComputedStyle(title).fontSize].join())"
    )
    assert len(set(places)) <= 1, "titles stand in one place, in one size"
