"""The slides as a lecturer opens them: files on a disk, no network, no kernel, a clicker in the hand.

python3 start.py test tests/browser/test_slides.py
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlteach.course.lessons import notebook, sources
from mlteach.course.site.lesson import read
from mlteach.course.slides import deck, lectured
from tests.browser.chromium import until

DECKS = tuple(source.stem for source in sources() if not source.stem.startswith("90"))
LESSON = "03_gradient_descent_is_an_lstm_cell"
READY = "document.documentElement.dataset.deck == 'ready'"
#: What is wrong with each slide, as [title: what] in words. In pixels of the stage, 1280 by 720.
WRONG = """
() => {
  const wrong = [];
  for (const slide of document.querySelectorAll(".slide")) {
    const frame = slide.getBoundingClientRect(), scale = frame.width / 1280;
    const say = (what) => wrong.push(`slide ${slide.id.slice(6)}, ${slide.querySelector("h1, .title").textContent.trim()}: ${what}`);
    const foot = frame.top + 684 * scale, found = new Set();
    if ("over" in slide.dataset) found.add("is too full: cut it in two");
    const title = slide.querySelector(".title");
    if (title && title.scrollWidth > title.clientWidth) found.add("has too long a title");
    for (const el of slide.querySelectorAll(".body, .body *")) {
      if (el.closest("math, .mlx-hidden, .lean .mlx-title, .lean .mlx-summary, [hidden], details:not([open]) > :not(summary)") && !el.matches("math")) continue;
      const style = getComputedStyle(el), box = el.getBoundingClientRect();
      if (!box.width || !box.height || style.display == "contents") continue;
      const inPicture = el.parentElement.closest("svg"); // it is cut off at the edges of the picture
      if (!inPicture && (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > foot + 1)) found.add(`${el.tagName.toLowerCase()} sticks out`);
      if (el.closest(".mlx")) continue;
      if (style.overflowX != "visible" && el.scrollWidth > el.clientWidth + 1) found.add(`${el.className || el.tagName} is cut off`);
      const least = el.closest("pre, code") ? 14 : 16;
      const letters = el.matches("math") || [...el.childNodes].some((each) => each.nodeType == 3 && each.textContent.trim());
      const units = el.getScreenCTM?.(), drawn = units ? Math.hypot(units.a, units.b) / scale : 1, size = parseFloat(style.fontSize) * drawn; // a drawing has units of its own
      if (letters && size < least - 0.1) found.add(`letters of ${size.toFixed(1)}px`);
    }
    found.forEach(say);
  }
  return wrong;
}
"""
#: Opens what is folded, and moves every slider to its end.
ALL_THE_WAY = """
() => {
  for (const each of document.querySelectorAll("details")) each.open = true;
  for (const each of document.querySelectorAll(".mlx input[type=range]")) {
    each.value = each.max;
    each.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
"""
#: What is seen of the slides that are not being shown.
ELSEWHERE = """
() => [...document.querySelectorAll(".slide:not(.now) *")]
  .filter((each) => getComputedStyle(each).visibility == "visible").map((each) => each.outerHTML.slice(0, 60))
"""
#: Two projectors.
HALLS = [(1280, 720), (1920, 1080)]


@pytest.fixture(scope="module")
def decks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the slides of every lesson."""
    folder = tmp_path_factory.mktemp("decks")
    for source in sources():
        if source.stem in DECKS:
            html = deck(lectured(read(notebook(source)), source), source.stem)
            (folder / f"{source.stem}.html").write_text(html, encoding="utf-8")
    return folder


@pytest.fixture
def visit(decks: Path, open_page: Callable[..., Any]) -> Callable[..., Any]:
    """``visit(LESSON)``: opened slides. They may ask for their own file and for nothing else."""

    def go(name: str = LESSON, **context: Any) -> Any:
        tab, asked = open_page(**{"offline": True, "viewport": {"width": 1280, "height": 720}} | context), []
        address = (decks / f"{name}.html").as_uri()
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(address)
        until(tab, READY)
        assert [url for url in asked if not url.startswith(("data:", "blob:", address))] == []
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


def test_the_slide_that_is_seen_is_laid_out_first(decks: Path, open_page: Callable[..., Any]) -> None:
    tab = open_page(offline=True, viewport={"width": 1280, "height": 720})
    tab.add_init_script(LAID)
    tab.goto(f"{(decks / LESSON).as_uri()}.html#7")
    until(tab, READY)
    notes, slides = tab.evaluate("notes"), tab.locator(".slide").count()
    assert notes["here"] == ["slide-7"] and len(notes["ready"]) == slides - 1  # the title stays as it is


# ---- what is on a slide ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DECKS)
def test_every_slide_fits_and_can_be_read(name: str, visit: Callable[..., Any]) -> None:
    tab = visit(name)
    assert tab.evaluate(ELSEWHERE) == [], "what stands on another slide is not seen"
    wrong = set(tab.evaluate(WRONG))
    tab.evaluate(ALL_THE_WAY)
    for width, height in HALLS:
        tab.set_viewport_size({"width": width, "height": height})
        tab.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        wrong |= set(tab.evaluate(WRONG))
    assert sorted(wrong) == []
    places = tab.evaluate(
        "[...document.querySelectorAll('.title')].map((title) => [title.offsetLeft, title.offsetTop, getComputedStyle(title).fontSize].join())"
    )
    assert len(set(places)) <= 1, "titles stand in one place, in one size"


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
