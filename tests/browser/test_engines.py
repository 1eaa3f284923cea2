"""Explorers, pages and slides in Chromium, Firefox and WebKit: what holds in all three, measured and not looked at.

    python3 start.py test tests/browser/test_engines.py --engine webkit

Without ``--engine`` Chromium takes every page and deck, the others one of each, and all take every explorer.
"""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import folder_of_pictures
from tests.browser.engine import Engine, Explorer, NotHere, Page, opened
from tests.browser.explorers import ROWS, STATE, summary_of, title, traits

ALIVE = "document.documentElement.dataset.explorers == 'ready'"
DECK = "document.documentElement.dataset.deck == 'ready'"
ALL = "90_every_explorer"
#: What each engine says of an explorer after the same keys, by its name.
SAID: dict[str, dict[str, str]] = {}


def ready(name: str) -> str:
    """What says that a page is alive; the map has nothing to wait for."""
    return DECK if name.startswith("deck/") else "true" if name == "index" else ALIVE


@pytest.fixture(scope="module")
def explorers(engine: Engine, address: Callable[[str], str]) -> Iterator[Page]:
    """The page of all explorers, once for each engine: every test moves another of them."""
    with opened(engine) as page:
        yield page.ready(address(ALL), ALIVE)


@pytest.fixture
def visit(engine: Engine, address: Callable[[str], str]) -> Iterator[Callable[[str], Page]]:
    """``visit("index")``: a fresh page, opened from the disk."""
    with opened(engine) as page:
        yield lambda name: page.ready(address(name), ready(name))


@pytest.fixture(scope="module")
def page(engine: Engine, lesson: str, address: Callable[[str], str]) -> Iterator[Page]:
    """A page of the site, opened once for its tests."""
    with opened(engine) as it:
        yield it.ready(address(lesson), ready(lesson))


# ---- explorers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ROWS)
def test_an_explorer_answers_and_says_what_python_says(explorers: Page, engine: Engine, name: str) -> None:
    """By keys it says the same in all engines; what it says is always what Python computes from the same traits."""
    row, seen = ROWS[name], Explorer(explorers, title(name))

    def python() -> str:
        return summary_of(name, seen.ask(STATE, traits(name)))

    first = seen.summary
    assert first == row.make().summary
    seen.changes(lambda: seen.key(row.keys))
    assert first != seen.summary == python()
    others = SAID.setdefault(name, {})
    others[engine.name] = seen.summary
    assert len(set(others.values())) == 1, others
    if drag := row.drag:
        before = seen.summary
        seen.changes(lambda: seen.drag(drag))
        assert before != seen.summary == python()


def test_a_dragged_point_adds_none(visit: Callable[[str], Page]) -> None:
    """WebKit ends a drag with a click on the picture below, and a click there adds a point."""
    seen = Explorer(visit(ALL), title("AdaptationLab"))
    points = "(root) => root.closest('figure').explorer.get('points')"
    drag = ROWS["AdaptationLab"].drag
    assert drag
    before = seen.ask(points)
    seen.changes(lambda: seen.drag(drag))
    after = seen.ask(points)
    assert len(after) == len(before) and after != before
    x, y = seen.grip(drag)
    seen.page.pull([(x + 60, y)])  # a click beside the point is one more
    assert len(seen.ask(points)) == len(before) + 1


def test_dots_stay_dots_when_the_page_is_zoomed(
    visit: Callable[[str], Page], engine: Engine, tmp_path: Path
) -> None:
    """Firefox draws a stroke without a length as a long one where the page is zoomed, as slides are."""
    from PIL import Image, ImageChops

    page = visit("07_reptile")  # that of all explorers takes WebKit minutes to draw
    seen = Explorer(page, title("AdaptationLab"))
    dots = seen.ask(
        """async (root) => {
            root.style.cssText = 'position: fixed; inset: auto auto 0 0; width: 1000px; zoom: 0.7; z-index: 9; background: Canvas';
            [...root.querySelectorAll('.mlx-fold')].find((press) => press.textContent === 'Step by step').click();
            for (let k = 0; k < 10; k++) await new Promise((drawn) => requestAnimationFrame(drawn));
            const dots = root.querySelector('.mlx-lab-dots');
            return dots.getAttribute('d').match(/M/g).length;
        }"""
    )

    def picture() -> "Image.Image":
        page.screenshot(tmp_path / "now.png")
        return Image.open(io.BytesIO((tmp_path / "now.png").read_bytes())).convert("L")

    shown = picture()
    shown.save(folder_of_pictures("engines") / f"dots_{engine.name}.png")
    seen.ask("(root) => { root.querySelector('.mlx-lab-dots').style.visibility = 'hidden'; }")
    page.frames()
    ink = sum(ImageChops.difference(shown, picture()).point(lambda level: level > 40).getdata()) / 1
    assert 3 < ink / dots < 30, f"{ink / dots:.0f} pixels a dot; one of 3.5 pixels across has about 12"


def test_numbers_at_ticks_are_not_read_aloud(explorers: Page) -> None:
    """A picture has a name; the numbers at its axes, one by one, would drown it."""
    assert (
        explorers.evaluate(
            """() => [...document.querySelectorAll('.mlx svg text')].filter((text) =>
            !text.closest('[aria-hidden="true"], [role="img"], [role="slider"]') && /^[-−–+\\d.,e×⁻⁰-⁹\\s%]+$/.test(text.textContent))
            .map((text) => `${text.closest('.mlx').getAttribute('aria-labelledby')}: ${text.textContent}`)"""
        )
        == []
    )


# ---- pages -----------------------------------------------------------------------------------------------------------


def test_a_page_opens_without_complaint(
    engine: Engine, lesson: str, address: Callable[[str], str], page: Page
) -> None:
    """From the disk, and all its explorers live."""
    assert engine.opening(address(lesson)) == [] == page.complaints
    assert page.evaluate("[...document.querySelectorAll('.failed')].map((each) => each.textContent)") == []
    alive = "document.querySelectorAll('figure.explorer[data-alive]').length"
    assert page.evaluate(alive) == page.evaluate("document.querySelectorAll('figure.explorer').length")


def test_an_explorer_is_ten_tabs_from_the_top(page: Page, engine: Engine) -> None:
    """On a page just opened: the tests after this one move the focus."""
    if engine.name == "webkit":
        pytest.skip("WebKit's Tab passes links over, unless its user wants them")
    if not page.evaluate("[...document.querySelectorAll('.mlx')].some((each) => !each.closest('.covered'))"):
        pytest.skip("it has no explorer, or none that is not covered")
    for _ in range(10):
        page.press("Tab")
        if page.evaluate("document.activeElement.matches('.skip[href^=\"#figure-\"]')"):
            page.press("Enter")  # the link to the first explorer
        if page.evaluate("Boolean(document.activeElement.closest('.mlx'))"):
            return
    raise AssertionError(f"after ten tabs: {page.evaluate('document.activeElement.outerHTML.slice(0, 120)')}")


def test_no_page_scrolls_sideways(page: Page) -> None:
    wide = {}
    for width in (1440, 800, 390):
        try:
            page.viewport(width, 900)
        except NotHere:
            continue  # WebKit's window is no narrower than its buttons
        page.evaluate("() => { for (const each of document.querySelectorAll('details')) each.open = true; }")
        page.frames()
        if (more := page.evaluate("document.documentElement.scrollWidth - innerWidth")) > 0:
            wide[width] = more
    assert wide == {}


def test_no_cell_scrolls_sideways_in_a_wide_window(page: Page, lesson: str) -> None:
    """Code, printed results, tables and formulas at 1440 px, where a line of 88 characters has room."""
    page.viewport(1440, 900)
    page.evaluate("() => { for (const each of document.querySelectorAll('details')) each.open = true; }")
    page.frames()
    cut = page.evaluate(
        """() => [...document.querySelectorAll('.input, pre, .table, .formula')].filter((each) =>
            each.clientWidth && each.scrollWidth > each.clientWidth + 1 && ['auto', 'scroll'].includes(getComputedStyle(each).overflowX))
            .map((each) => `${each.scrollWidth} in ${each.clientWidth}: ${each.textContent.trim().slice(0, 40)}`)"""
    )
    print(f"{lesson}: {len(cut)} cells scroll sideways at 1440 px")
    assert cut == []


def test_links_to_a_section_name_it(page: Page, lesson: str) -> None:
    names = page.evaluate(
        """() => [...document.querySelectorAll('a.anchor')].map((link) => {
            const heading = link.closest('h1, h2, h3, h4').cloneNode(true);
            heading.querySelector('a.anchor').remove();
            return [link.getAttribute('aria-label'), heading.textContent.trim()];
        })"""
    )
    wrong = [
        label for label, heading in names if not (label.startswith("Link to section ") and len(label) > 16)
    ]
    assert wrong == [] and len({label for label, _ in names}) == len(names)


def test_axe_finds_nothing_on_a_page(page: Page) -> None:
    try:
        page.accessible()
    except NotHere as why:
        pytest.skip(str(why))
