"""The slides as a lecturer opens them: files on a disk, no network, no kernel, a clicker in the hand.

python3 start.py test tests/browser/test_slides.py
"""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.chromium import until
from tests.browser.slides import WRONG

LESSON = "03_gradient_descent_is_an_lstm_cell"
READY = "document.documentElement.dataset.deck == 'ready'"


@pytest.fixture
def visit(address: Callable[[str], str], open_page: Callable[..., Any]) -> Callable[..., Any]:
    """``visit()``: the opened slides of lesson 03. They may ask for their own file and for nothing else."""

    def go(**context: Any) -> Any:
        tab, asked = open_page(**{"offline": True, "viewport": {"width": 1280, "height": 720}} | context), []
        own = address(f"deck/{LESSON}")
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(own)
        until(tab, READY)
        assert [url for url in asked if not url.startswith(("data:", "blob:", own))] == []
        return tab

    return go


def place(tab: Any) -> str:
    return str(tab.evaluate("location.hash"))


def number_of_explorer(tab: Any) -> int:
    """Shows the slide with GradientCell; returns its number."""
    number = tab.evaluate(
        "[...document.querySelectorAll('.slide')].findIndex((slide) => slide.querySelector('[data-alive=GradientCell]')) + 1"
    )
    tab.evaluate(f"location.hash = '#{number}'")
    until(tab, f"document.querySelector('.slide.now')?.id == 'slide-{number}'")
    return int(number)


#: At each word of a deck, the slides that are laid out: their content is no more in the parts that it came in.
LAID = """
window.notes = {};
new MutationObserver(() => {
  const laid = [...document.querySelectorAll(".slide")].filter((each) => !each.querySelector(".body > .part")).map((each) => each.id);
  if (document.documentElement.dataset.deck) notes[document.documentElement.dataset.deck] ??= laid;
}).observe(document, { attributes: true, subtree: true, attributeFilter: ["data-deck"] });
"""


def test_the_slide_that_is_seen_is_laid_out_first(
    address: Callable[[str], str], open_page: Callable[..., Any]
) -> None:
    tab = open_page(offline=True, viewport={"width": 1280, "height": 720})
    tab.add_init_script(LAID)
    tab.goto(f"{address(f'deck/{LESSON}')}#7")
    until(tab, READY)
    notes, slides = tab.evaluate("notes"), tab.locator(".slide").count()
    assert notes["here"] == ["slide-7"] and len(notes["ready"]) == slides - 1  # the title stays as it is


# ---- on paper ----------------------------------------------------------------------------------------------------


def test_slides_print_one_a_page_with_pictures_for_explorers(visit: Callable[..., Any]) -> None:
    tab = visit()
    pdf = tab.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page[^s]", pdf)) == tab.locator(".slide").count()
    assert set(re.findall(rb"/MediaBox\s*\[([^\]]*)\]", pdf)) == {b"0 0 960 540"}
    tab.emulate_media(media="print")
    assert tab.locator(".explorer .still").first.is_visible() and not tab.locator(".mlx").first.is_visible()
    assert tab.evaluate(WRONG) == []


# ---- keys --------------------------------------------------------------------------------------------------------


def test_slides_turn_by_keys_and_keep_their_place(visit: Callable[..., Any]) -> None:
    tab = visit()
    seen = [place(tab)]
    for key in ("ArrowRight", "Space", "PageDown", "ArrowLeft", "Shift+Space", "End", "Home"):
        tab.keyboard.press(key)
        seen.append(place(tab))
    count = tab.locator(".slide").count()
    assert seen == ["#1", "#2", "#2.1", "#3", "#2.1", "#2", f"#{count}", "#1"]
    tab.keyboard.press("End")
    tab.reload()
    until(tab, READY)
    assert place(tab) == f"#{count}" and tab.locator(".number").inner_text() == f"{count} / {count}"
    tab.keyboard.press("?")
    assert tab.get_by_text("speaker's view in a second window").is_visible()
    tab.keyboard.press("Escape")


def test_the_overview_is_walked_and_left_by_keys(visit: Callable[..., Any]) -> None:
    tab = visit()
    overview = "document.documentElement.classList.contains('overview')"
    tab.keyboard.press("Escape")
    assert tab.evaluate(overview)
    tab.keyboard.press("ArrowRight")
    assert place(tab) == "#2"
    tab.keyboard.press("ArrowDown")
    below = int(place(tab)[1:])
    assert below > 3 and tab.locator(".slide.now").bounding_box()["width"] < 320
    tab.keyboard.press("Enter")
    assert not tab.evaluate(overview) and place(tab) == f"#{below}"
    tab.keyboard.press("o")
    tab.locator(".slide").nth(4).click()
    assert not tab.evaluate(overview) and place(tab) == "#5"


def test_a_clickers_keys_turn_the_page_whatever_has_the_focus(visit: Callable[..., Any]) -> None:
    tab = visit()
    number = number_of_explorer(tab)
    blank = "document.documentElement.classList.contains('blank')"
    for label in ("forget gate f", "Start of both paths"):
        control = tab.locator(".slide.now").get_by_label(label, exact=True)
        control.focus()
        before = tab.locator(".slide.now .mlx-summary").text_content()
        tab.keyboard.press(".")
        assert tab.evaluate(blank)
        tab.keyboard.press("b")
        assert not tab.evaluate(blank)
        tab.keyboard.press("PageDown")
        assert place(tab) == f"#{number + 1}"
        tab.keyboard.press("PageUp")
        assert place(tab) == f"#{number}"
        assert tab.locator(".slide.now .mlx-summary").text_content() == before
    tab.keyboard.press("?")
    tab.keyboard.press("PageDown")
    assert place(tab) == f"#{number + 1}" and not tab.locator("dialog.help").is_visible()
    tab.evaluate("window.here = true")
    tab.keyboard.press("F5")  # "begin": to a browser it would be "load again"
    assert tab.evaluate("window.here") and place(tab) == f"#{number + 1}"


def test_an_explorers_own_keys_do_not_turn_the_slide_and_a_hand_finds_it_enlarged(
    visit: Callable[..., Any],
) -> None:
    tab = visit(viewport={"width": 1920, "height": 1080})
    number = number_of_explorer(tab)
    summary, handle = tab.locator(".slide.now .mlx-summary"), tab.get_by_label("Start of both paths")
    tab.locator(".slide.now").get_by_label("forget gate f", exact=True).focus()
    before = summary.text_content()
    for key in ("ArrowLeft", "ArrowLeft", "Home"):
        tab.keyboard.press(key)
    until(tab, "before => document.querySelector('.slide.now .mlx-summary').textContent != before", before)
    handle.focus()
    for key in ("ArrowRight", "Shift+ArrowRight", "ArrowDown", "Space"):
        tab.keyboard.press(key)
    said = tab.get_by_text("Esc gives the keys back")
    assert place(tab) == f"#{number}" and said.is_visible()
    toast, explorer = said.bounding_box(), tab.locator(".slide.now .mlx").bounding_box()
    assert toast["y"] >= explorer["y"] + explorer["height"], "the toast covers the explorer"
    tab.wait_for_timeout(50)
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x + 90, y + 60, steps=3)
    tab.mouse.up()
    tab.wait_for_timeout(50)
    moved = handle.bounding_box()
    assert abs(moved["x"] - box["x"] - 90) < 3 and abs(moved["y"] - box["y"] - 60) < 3
    tab.keyboard.press("Escape")
    tab.keyboard.press("ArrowRight")
    assert place(tab) == f"#{number + 1}"


# ---- two windows -------------------------------------------------------------------------------------------------


def test_a_message_that_comes_a_second_time_does_not_take_the_slide_back(visit: Callable[..., Any]) -> None:
    """Each goes by a channel and by the window, and the slower copy may come after the next key."""
    tab = visit()
    with tab.context.expect_page() as opening:
        tab.keyboard.press("s")
    speaker = opening.value
    until(speaker, READY)
    here = int(place(tab).removeprefix("#") or 1)
    tab.evaluate(
        "addEventListener('message', ({ data }) => { if (data.slide != null) globalThis.last = data; })"
    )
    speaker.keyboard.press("PageDown")
    until(tab, f"globalThis.last?.slide == {here} || globalThis.last?.step")
    tab.keyboard.press("End")
    end = place(tab)
    until(speaker, f"location.hash == '{end}'")
    tab.evaluate(
        "const again = () => new Promise((go) => setTimeout(go, 50)); postMessage(globalThis.last, '*'); again()"
    )
    assert place(tab) == end


def test_the_speakers_view_keeps_in_step_and_keeps_the_time(visit: Callable[..., Any]) -> None:
    tab = visit()
    number = number_of_explorer(tab)
    with tab.context.expect_page() as opening:
        tab.keyboard.press("s")
    speaker = opening.value
    until(speaker, READY)
    assert place(speaker) == f"#{number}"
    assert (
        len(speaker.locator(".said").inner_text()) > 40
        and "min, until" in speaker.locator(".clock").inner_text()
    )
    assert speaker.locator(".slide.next").is_visible() and not tab.locator(".said").is_visible()
    # nobody has spoken yet, and the minutes of the slides before are planned
    assert re.fullmatch(r"\d+ min ahead", speaker.locator(".late").inner_text())

    speaker.locator(".slide.now").get_by_label("forget gate f", exact=True).focus()
    speaker.keyboard.press("Home")  # what the lecturer does in an explorer, the room sees
    until(tab, "document.querySelector('.slide.now .mlx-summary').textContent.startsWith('f = 0.8')")
    speaker.keyboard.press("PageDown")
    until(tab, f"location.hash == '#{number + 1}'")
    tab.keyboard.press("ArrowRight")  # a slide further, or what comes next on this one
    until(speaker, f"location.hash != '#{number + 1}'")
    assert place(speaker) == place(tab) != f"#{number + 1}"
    speaker.keyboard.press("b")
    until(tab, "document.documentElement.classList.contains('blank')")
    speaker.keyboard.press("PageUp")  # and who goes on wants to be seen
    until(tab, "!document.documentElement.classList.contains('blank')")
    speaker.evaluate("const real = Date.now; Date.now = () => real() + 90 * 60 * 1000")
    until(speaker, "document.querySelector('.late').textContent.endsWith('behind')")
