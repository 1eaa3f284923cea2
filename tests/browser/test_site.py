"""The website and the slides as a reader opens them: files on a disk, no network, no kernel.

python3 start.py test tests/browser/test_site.py
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell

from mlteach.course.build import WIDGET_VIEW
from mlteach.course.lessons import NOTEBOOKS, notebook, source
from mlteach.course.site import all_lessons, page
from mlteach.course.site.clean import _cleaner
from mlteach.course.site.lesson import read
from mlteach.course.site.map import course_map
from mlteach.course.slides import deck
from tests.browser.chromium import accessible, until
from tests.course.injections import HOST, INJECTIONS, WHOLE_PAGE

SHOWN = ("00_start_here", "03_gradient_descent_is_an_lstm_cell", "09_omniglot_maml")
LESSON = SHOWN[1]
READY = "document.documentElement.dataset.explorers == 'ready'"
#: The most work that a page may be until its last explorer is alive, as times what it is without scripts, in the same browser:
#: 1.5 to 2.5 today.
ALIVE = 4


def story(folder: Path) -> Path:
    """Lesson 03 as its source may tag it: setup, an opening, and a prediction with choices."""
    lesson = nbformat.read(notebook(source("03")), as_version=4)
    explorer = next(
        cell
        for cell in lesson.cells
        if any(WIDGET_VIEW in o.get("data", {}) for o in cell.get("outputs", []))
    )
    explorer.metadata.setdefault("tags", []).append("opening")
    lesson.cells[0].source += "\n\nAs [Finn](https://arxiv.org/abs/1703.03400) did."
    imports = next(cell for cell in lesson.cells if cell.source.startswith("import "))
    imports.metadata["tags"] = ["setup"]
    asked = next(
        cell for cell in lesson.cells if "**Predict.**" in cell.source and cell.cell_type == "markdown"
    )
    asked.source = asked.source.replace("( ) the left one", "( ) The *left* one.")
    assert "The *left* one." in asked.source
    nbformat.write(lesson, folder / f"{LESSON}.ipynb")
    return folder / f"{LESSON}.ipynb"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of three lessons, with its map."""
    folder = tmp_path_factory.mktemp("site")
    lessons = [lesson for lesson in all_lessons() if lesson.name in SHOWN]
    pages = {lesson.name: page(NOTEBOOKS / f"{lesson.name}.ipynb", all_lessons()) for lesson in lessons}
    pages["story"] = page(story(folder), all_lessons())
    pages["index"] = course_map(read(notebook(source("00"))), lessons, pages)
    pages["slides"] = deck(read(notebook(source("03"))), LESSON)
    for name, html in pages.items():
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    return folder


@pytest.fixture
def visit(site: Path, open_page: Callable[..., Any]) -> Callable[..., Any]:
    """``visit("index")``: an opened page. It may ask for its own file and for nothing else."""
    asked: list[str] = []

    def go(name: str, **context: Any) -> Any:
        tab = open_page(offline=True, **context)
        address = (site / f"{name}.html").as_uri()
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(address)
        if name not in ("index", "slides"):
            until(tab, READY)
        if name == "slides":
            until(tab, "document.documentElement.dataset.deck == 'ready'")
        assert [url for url in asked if not url.startswith(("data:", "blob:", address))] == []
        asked.clear()
        return tab

    return go


@pytest.mark.parametrize("name", SHOWN)
def test_a_page_is_alive_quickly(name: str, visit: Callable[..., Any]) -> None:
    """The page's own work until its explorers are alive: other programs on a busy machine do not count, nor its speed."""
    tab = visit(name)
    assert (
        tab.locator("figure[data-alive] .mlx-summary").count() == tab.locator("figure.explorer").count() > 0
    )
    assert tab.locator(".mlx-error:visible, .failed").count() == 0
    watch = tab.context.new_cdp_session(tab)
    watch.send("Performance.enable", {"timeDomain": "threadTicks"})

    def work() -> float:
        metrics = {each["name"]: each["value"] for each in watch.send("Performance.getMetrics")["metrics"]}
        return float(metrics["TaskDuration"])

    tab.reload()
    until(tab, READY)
    alive = work()
    watch.send("Emulation.setScriptExecutionDisabled", {"value": True})
    tab.reload()
    tab.locator("article img").first.wait_for()
    assert alive < ALIVE * work()


#: Notes, at each word of the explorers, how many are alive and how many cells are not laid out; a page that sees nobody idle.
NOTES = """
window.notes = {};
document.addEventListener("explorers", () => {
  notes[document.documentElement.dataset.explorers] = {
    alive: document.querySelectorAll("figure[data-alive]").length,
    late: [...document.querySelectorAll("article > *")].filter((each) => getComputedStyle(each).contentVisibility == "auto").length,
  };
});
"""


def test_a_page_answers_before_all_of_it_is_laid_out(site: Path, open_page: Callable[..., Any]) -> None:
    """Explorers out of sight, and cells, wait; in the end none does. Who comes for a place below has all of it at once."""
    tab = open_page(offline=True)
    tab.add_init_script(NOTES)
    address = (site / f"{LESSON}.html").as_uri()
    tab.goto(address)
    until(tab, READY)
    notes, figures = tab.evaluate("notes"), tab.locator("figure.explorer").count()
    assert notes["here"]["alive"] < notes["ready"]["alive"] == figures and notes["here"]["late"] > 50
    assert notes["ready"]["late"] == 0
    last = tab.locator("figure[id]").last.get_attribute("id")
    tab.goto("about:blank")
    tab.goto(f"{address}#{last}")
    until(tab, READY)
    assert tab.evaluate("notes")["here"]["late"] == 0
    top = tab.locator(f"#{last}").bounding_box()["y"]
    assert -5 < top < 150 or tab.evaluate(
        "scrollY + innerHeight >= document.documentElement.scrollHeight - 2"
    )


@pytest.mark.parametrize("name", ["index", *SHOWN])
def test_no_page_is_wider_than_the_window(name: str, visit: Callable[..., Any]) -> None:
    tab = visit(name)
    for width in (400, 800, 1280):
        tab.set_viewport_size({"width": width, "height": 900})
        tab.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        if name == "index":
            tab.get_by_label("Search all lessons").fill("gate" if width > 400 else "")
        tab.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, width


def pulled(tab: Any, handle: Any, right: int, down: int) -> tuple[float, float]:
    """Drag a handle by mouse, so many pixels; how far it went."""
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x + right, y + down, steps=3)
    tab.mouse.up()
    tab.wait_for_timeout(50)
    moved = handle.bounding_box()
    return moved["x"] - box["x"], moved["y"] - box["y"]


def test_an_explorer_answers_to_keys_and_the_mouse(visit: Callable[..., Any]) -> None:
    tab = visit(LESSON)
    figure = "figure[data-alive=GradientCell]"
    explorer, summary = tab.locator(f"{figure} .mlx"), tab.locator(f"{figure} .mlx-summary")
    before = summary.inner_text()
    explorer.get_by_label("input gate i", exact=True).focus()
    for _ in range(7):
        tab.keyboard.press("ArrowRight")
    until(tab, f"before => document.querySelector('{figure} .mlx-summary').textContent != before", before)
    assert "the cell ends at" in summary.inner_text()
    model = tab.evaluate(f"document.querySelector('{figure}').explorer.get('input')")
    assert model > 0.05
    handle = explorer.get_by_label("Start of both paths")
    handle.scroll_into_view_if_needed()
    right, down = pulled(tab, handle, 60, 40)
    assert abs(right - 60) < 2 and abs(down - 40) < 2


def test_an_explorer_that_fails_says_so_and_shows_its_picture(site: Path, chromium: Any) -> None:
    html = (site / f"{LESSON}.html").read_text(encoding="utf-8")
    (site / "broken.html").write_text(
        html.replace("export default", "throw new Error('no luck'); export default")
    )
    context = chromium.new_context(offline=True)
    tab = context.new_page()
    tab.goto((site / "broken.html").as_uri())
    until(tab, READY)
    assert (
        "did not start" in tab.locator(".failed").first.inner_text()
        and "no luck" in tab.locator(".failed").first.inner_text()
    )
    assert tab.locator(".still").first.is_visible()
    context.close()


def test_without_scripts_and_on_paper_there_are_pictures(
    visit: Callable[..., Any], site: Path, chromium: Any
) -> None:
    context = chromium.new_context(java_script_enabled=False, offline=True)
    bare = context.new_page()
    bare.goto((site / f"{LESSON}.html").as_uri())
    assert bare.locator("figure.explorer .still").first.is_visible() and bare.locator("math").count() > 20
    context.close()
    tab = visit(LESSON)
    still = tab.locator(".still[alt^='GradientCell']")
    assert still.count() == 1 and not still.is_visible()
    tab.emulate_media(media="print")
    assert still.is_visible() and not tab.locator(".mlx").first.is_visible()
    assert not tab.locator("header.bar").is_visible()


def test_axe_finds_what_is_wrong(open_page: Callable[..., Any]) -> None:
    tab = open_page(offline=True)
    tab.goto(
        "data:text/html,<!doctype html><title>a button without a name</title><main><h1>Here</h1><button></button></main>"
    )
    with pytest.raises(AssertionError, match="button-name"):
        accessible(tab)
    accessible(tab, "h1")
    # Contrast: of a hundred texts that look alike one stands on another ground.
    tab.goto("data:text/html,<!doctype html><html lang=en><title>texts</title><main><h1>Here</h1></main>")
    tab.evaluate(
        """() => {
            for (let k = 0; k < 100; k++) document.querySelector("main").insertAdjacentHTML("beforeend", "<div><p>Words</p></div>");
            for (const each of document.querySelectorAll("p")) each.style.color = "#595959";
        }"""
    )
    accessible(tab)
    tab.evaluate("() => { document.querySelectorAll('div')[50].style.background = '#999'; }")
    with pytest.raises(AssertionError, match="color-contrast"):
        accessible(tab)


@pytest.mark.parametrize("name", ["index", LESSON, "slides"])
def test_axe_finds_nothing_in_the_dark(name: str, visit: Callable[..., Any]) -> None:
    """In the light every page and deck is looked at in test_engines.py."""
    tab = visit(name, reduced_motion="reduce")  # no colour on its way to another
    tab.evaluate("() => { document.documentElement.dataset.theme = 'dark'; }")
    accessible(tab)


def test_the_theme_is_the_systems_until_one_is_chosen(visit: Callable[..., Any]) -> None:
    tab = visit(LESSON, color_scheme="dark")
    dark = "getComputedStyle(document.body).backgroundColor"
    night, inside = (
        tab.evaluate(dark),
        tab.evaluate("getComputedStyle(document.querySelector('.mlx')).backgroundColor"),
    )
    tab.get_by_role("button", name="Dark or light").click()
    day = tab.evaluate(dark)
    assert (
        day != night
        and tab.evaluate("getComputedStyle(document.querySelector('.mlx')).backgroundColor") != inside
    )
    tab.reload()
    until(tab, f"{dark} == '{day}'")


def test_before_next_contents_and_the_way_to_the_map(visit: Callable[..., Any]) -> None:
    tab = visit("03_gradient_descent_is_an_lstm_cell")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to the lesson"
    tab.locator(".contents a", has_text="What did we differentiate?").click()
    until(
        tab,
        "document.querySelector('.contents a[aria-current]')?.textContent == 'What did we differentiate?'",
    )
    following = tab.locator("a[rel=next]").get_attribute("href")
    assert re.fullmatch(r"\d\d_\w+\.html", following) and following > LESSON
    tab.get_by_role("link", name="Learning to learn", exact=True).click()
    tab.wait_for_url("**/index.html")


def test_a_percent_sign_in_a_heading_stops_nothing(site: Path, visit: Callable[..., Any]) -> None:
    html = (site / f"{LESSON}.html").read_text(encoding="utf-8")
    (site / "percent.html").write_text(
        html.replace("What-did-we-differentiate?", "100-%-sure"), encoding="utf-8"
    )
    tab = visit("percent")
    tab.locator(".contents a", has_text="What did we differentiate?").click()
    until(
        tab,
        "document.querySelector('.contents a[aria-current]')?.textContent == 'What did we differentiate?'",
    )


def test_progress_outlives_a_reload_and_reaches_the_map(visit: Callable[..., Any]) -> None:
    tab = visit(LESSON)
    tab.get_by_label("I have done this lesson").check()
    tab.reload()
    assert tab.get_by_label("I have done this lesson").is_checked()
    tab.goto(tab.url.replace(LESSON, "index"))
    until(tab, "document.querySelector('input[data-lesson=\"03\"]').checked")
    assert tab.get_by_label("I have done lesson 03").is_checked()
    assert tab.locator("#progress").inner_text().strip() == "1 of 3 lessons done"


def test_where_nothing_can_be_kept_the_page_says_so(
    visit: Callable[..., Any], site: Path, open_page: Any
) -> None:
    tab = open_page(offline=True)
    tab.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('blocked'); } })"
    )
    tab.goto((site / f"{LESSON}.html").as_uri())
    until(tab, READY)
    tab.get_by_role("button", name="Dark or light").click()
    tab.get_by_label("I have done this lesson").check()
    assert tab.get_by_text("does not let this page remember").is_visible()


def test_the_search_leads_to_the_place(visit: Callable[..., Any]) -> None:
    tab = visit("index")
    tab.keyboard.press("/")
    tab.keyboard.type("nearly open forget")
    first = tab.locator("#hits a").first
    assert first.inner_text() == "Pitfall: a forget gate that is nearly open"
    assert tab.locator("#hits mark").count() > 0 and not tab.locator("#map").is_visible()
    tab.keyboard.press("Enter")
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"**/{LESSON}.html#Pitfall*")
    until(tab, READY)
    assert (
        tab.evaluate(
            "document.getElementById(decodeURIComponent(location.hash.slice(1))).getBoundingClientRect().top"
        )
        < 200
    )
    tab.go_back()
    tab.get_by_label("Search all lessons").fill("zzzz")
    assert "Nothing found" in tab.locator("#count").inner_text()
    tab.keyboard.press("Escape")
    assert tab.locator("#map").is_visible()


def test_the_search_finds_exercises_and_is_walked_by_arrows(visit: Callable[..., Any]) -> None:
    tab = visit("index")
    tab.keyboard.press("/")
    tab.keyboard.type("exercise 03.2")
    first = tab.locator("#hits li").first
    assert "weight decay" in first.inner_text() and first.locator(".kind").inner_text() == "exercise 03.2"
    assert re.match(r"\d+ places? found", tab.locator("#count").inner_text())
    words = "document.activeElement.closest('li')?.querySelector('a').textContent"
    tab.get_by_label("Search all lessons").fill("gate")
    seen = []
    for key in ("ArrowDown", "ArrowDown", "ArrowUp"):
        tab.keyboard.press(key)
        seen.append(tab.evaluate(words))
    assert seen[0] == seen[2] != seen[1]
    tab.keyboard.press("ArrowUp")
    assert tab.evaluate("document.activeElement.id") == "query"
    sections = tab.evaluate("JSON.parse(document.getElementById('words').textContent)")
    hint = next(each for each in sections if each[4] == "exercise 03.1")[5][:30]  # it is folded there
    tab.get_by_label("Search all lessons").fill(hint)
    assert "in what is folded or covered there" in tab.locator("#hits li").first.inner_text()
    assert hint not in tab.locator("#hits").inner_text()


# ---- the picture on the map, and numbers that move ---------------------------------------------------------------


def test_the_map_opens_on_a_plane_to_drag_and_to_learn_on(visit: Callable[..., Any]) -> None:
    tab = visit("index", reduced_motion="reduce")
    start, lost = tab.get_by_label("The start θ"), tab.locator("#after")
    right, down = pulled(tab, start, 60, 40)
    assert abs(right - 60) < 2 and abs(down - 40) < 2
    start.press("Home")
    before = float(lost.inner_text())
    for what in ("Learn the start", "Learn the step"):
        tab.get_by_role("button", name=what).click()  # at once, where nothing is to move
        assert float(lost.inner_text()) < before
        before = float(lost.inner_text())
    assert tab.get_by_role("slider", name="input gate i").inner_text() != "0.4"  # follows what is learned
    gate = tab.get_by_role("slider", name="forget gate f")
    gate.press("Home")
    assert gate.inner_text() == "0" and float(lost.inner_text()) > before
    tab.get_by_role("button", name="Reset").click()
    assert gate.inner_text() == "1"


def test_where_to_go_on(visit: Callable[..., Any]) -> None:
    tab = visit("index")
    assert tab.locator("#go-on").inner_text().startswith("Begin with lesson 00")
    tab.get_by_label("I have done lesson 03").check()
    assert tab.locator("#go-on").inner_text() == "Continue with lesson 09, Omniglot MAML"
    assert tab.locator("#go-on").get_attribute("href").endswith("09_omniglot_maml.html")


@pytest.fixture(scope="module")
def numbers(site: Path) -> Path:
    """A page and slides of lesson 03 in which a sentence begins that has three numbers to move."""
    lesson = read(notebook(source("03")))
    place = next(k for k, cell in enumerate(lesson.cells) if "GradientCell(" in cell.source and cell.outputs)
    said = "".join(f'<span data-moves="GradientCell.{name}">{value}</span> ' for name, value in (("forget", 0.9), ("input", 0.1), ("surface", "bowl")))  # fmt: skip
    cell = new_markdown_cell(f"Move {said}", id="03-moves", metadata={"slideshow": {"slide_type": "slide"}})
    lesson.cells.insert(place + 1, cell)
    home = site / "notebooks"
    home.mkdir()
    nbformat.write(lesson, home / f"{LESSON}.ipynb")
    (site / "numbers.html").write_text(page(home / f"{LESSON}.ipynb", all_lessons()), encoding="utf-8")
    (site / "moving.html").write_text(deck(read(home / f"{LESSON}.ipynb"), LESSON), encoding="utf-8")
    return site


@pytest.mark.parametrize("name", ["numbers", "moving"])
def test_a_number_moves_its_explorer_and_follows_it(
    name: str, numbers: Path, visit: Callable[..., Any]
) -> None:
    tab = visit(name, viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
    until(tab, READY)
    trait = "name => document.querySelector('[data-alive=GradientCell]').explorer.get(name)"
    cell = tab.locator(
        "p:has(> [data-moves='GradientCell.surface'])"
    )  # on a slide the cell's own element is gone
    if name == "moving":
        until(tab, "document.documentElement.dataset.deck == 'ready'")
        slide = "[...document.querySelectorAll('.slide')].findIndex((each) => each.querySelector('[data-moves$=surface]')) + 1"
        tab.evaluate(f"location.hash = '#' + ({slide})")
    forget = cell.get_by_role("slider", name="forget gate f")
    forget.scroll_into_view_if_needed()
    assert (
        forget.inner_text() == "0.9" and tab.evaluate(trait, "forget") == 1
    )  # until somebody moves one of them
    forget.click()
    assert tab.evaluate(trait, "forget") == 0.9
    box = forget.bounding_box()
    tab.mouse.move(box["x"] + 5, box["y"] + 5)
    assert "0.8 to 1.02" in tab.locator(".number-hint").inner_text()
    tab.mouse.down()
    tab.mouse.move(box["x"] + 65, box["y"] + 5, steps=3)
    tab.mouse.up()
    assert tab.evaluate(trait, "forget") == 0.955 and forget.inner_text() == "0.955"
    forget.press("ArrowLeft")
    forget.press("Shift+ArrowLeft")
    assert forget.get_attribute("aria-valuetext") == "0.944" == str(tab.evaluate(trait, "forget"))
    forget.press("End")
    tab.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert (  # in the next frame
        forget.inner_text() == "1.02"
        and "1.02" in tab.locator("[data-alive=GradientCell] .mlx-summary").text_content()
    )
    tab.evaluate("document.querySelector('[data-alive=GradientCell]').explorer.set('forget', 0.85)")
    assert forget.inner_text() == "0.85"
    forget.press("Enter")
    assert forget.inner_text() == "0.9"  # as it is written
    surface = cell.get_by_role("button", name="surface: bowl")
    surface.click()
    assert tab.evaluate(trait, "surface") == "ravine" and surface.count() == 0
    assert tab.evaluate("document.activeElement.textContent") == "ravine"


def test_what_a_number_moves_is_seen_or_linked(numbers: Path, visit: Callable[..., Any]) -> None:
    tab = visit("numbers", viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    until(tab, READY)
    number = tab.locator("#cell-03-moves").get_by_role("slider").first
    figure = tab.locator("[data-alive=GradientCell]")
    seen = "each => { const r = each.getBoundingClientRect(); return (Math.min(r.bottom, innerHeight) - Math.max(r.top, 0)) / r.height; }"
    number.evaluate("each => scrollBy(0, each.getBoundingClientRect().top - 80)")
    assert figure.evaluate(seen) < 0.5
    number.press("ArrowRight")
    assert figure.evaluate(seen) > 0.9 and number.bounding_box()["y"] < 880
    assert tab.locator(".follows").count() == 0
    number.evaluate(
        "each => { each.blur(); each.closest('.text').style.marginTop = '2000px'; scrollBy(0, each.getBoundingClientRect().top - 80); }"
    )
    number.press("ArrowLeft")
    assert tab.locator(".follows").get_attribute("href") == "#" + figure.get_attribute("id")


# ---- the story ---------------------------------------------------------------------------------------------------

ANSWER = ".covered[data-covers='1']"


def test_a_guess_uncovers_its_answer_and_is_remembered(visit: Callable[..., Any]) -> None:
    tab = visit("story")
    answers, under = tab.locator(ANSWER), tab.locator(f"{ANSWER} > .under")
    hidden = "all => all.every((each) => each.inert && getComputedStyle(each).visibility == 'hidden')"
    assert answers.count() > 1 and under.evaluate_all(hidden)
    place = "document.querySelector(\"[data-guess='1']\").getBoundingClientRect().top + scrollY"
    before = tab.evaluate(place)
    choice = tab.get_by_role("button", name="The left one.")
    choice.focus()
    tab.keyboard.press("Enter")
    assert not under.evaluate_all(hidden.replace("every", "some"))
    assert answers.first.inner_text().startswith("Your guess: The left one.")
    assert answers.first.locator(".yours em").inner_text() == "left"
    assert tab.evaluate("css => document.activeElement.matches(css)", ANSWER)  # the reader goes on there
    assert choice.get_attribute("aria-pressed") == "true"
    assert tab.evaluate(place) == before  # nothing above has jumped
    assert tab.locator(".covered[data-covers='2'] > .under").evaluate_all(hidden)  # the others stay covered
    tab.reload()
    until(tab, READY)
    assert not under.evaluate_all(hidden.replace("every", "some"))
    tab.locator(".guess[data-guess='1']").get_by_role("button", name="Cover the answer again").click()
    assert under.evaluate_all(hidden)
    tab.emulate_media(media="print")
    assert tab.locator(f"{ANSWER} > .under").evaluate_all(
        "all => all.every((e) => getComputedStyle(e).visibility == 'visible')"
    )


def test_without_scripts_nothing_is_covered(site: Path, chromium: Any) -> None:
    context = chromium.new_context(java_script_enabled=False, offline=True)
    bare = context.new_page()
    bare.goto((site / "story.html").as_uri())
    assert bare.locator(f"{ANSWER} .printed, {ANSWER} img").first.is_visible()
    assert not bare.locator(".say button, .note, #code").first.is_visible()
    context.close()


def test_all_code_opens_and_folds_with_one_press_on_every_page(visit: Callable[..., Any], site: Path) -> None:
    tab = visit("story")
    opened = "[...document.querySelectorAll('details.source')].map((each) => each.open)"
    setup = tab.locator("details.setup")
    assert setup.count() > 0 and not setup.first.evaluate("each => each.open") and any(tab.evaluate(opened))
    for name, state in (("Show all code", True), ("Hide code", False)):
        tab.get_by_role("button", name=name).click()
        assert set(tab.evaluate(opened)) == {state}
    tab.goto((site / f"{SHOWN[2]}.html").as_uri())
    assert (
        set(tab.evaluate(opened)) == {False} and tab.get_by_role("button", name="Show all code").is_visible()
    )


def test_ten_tabs_lead_to_the_first_explorer(visit: Callable[..., Any]) -> None:
    for name in ("story", *SHOWN):
        tab = visit(name)
        for _ in range(10):
            tab.keyboard.press("Tab")
            here = tab.evaluate("document.activeElement.getAttribute('href') ?? ''")
            if here.startswith("#figure-"):
                tab.keyboard.press("Enter")
            if tab.evaluate("Boolean(document.activeElement.closest('.mlx'))"):
                break
        else:
            raise AssertionError(
                f"{name}: after ten tabs at {tab.evaluate('document.activeElement.outerHTML.slice(0, 80)')}"
            )


def test_the_contents_are_one_stop_and_follow_the_reader(visit: Callable[..., Any]) -> None:
    tab = visit("story", viewport={"width": 1280, "height": 500})
    tab.locator(".contents a").first.focus()
    tab.keyboard.press("End")
    assert tab.evaluate("document.activeElement == [...document.querySelectorAll('.contents a')].at(-1)")
    assert tab.locator(".contents a[tabindex='0']").count() == 1
    tab.evaluate("document.activeElement.blur(); document.getElementById('References').scrollIntoView()")
    until(tab, "document.querySelector('.contents a[aria-current]')?.textContent == 'References'")
    box, frame = (
        tab.locator(".contents a[aria-current]").bounding_box(),
        tab.locator(".contents").bounding_box(),
    )
    assert frame["y"] <= box["y"] and box["y"] + box["height"] <= frame["y"] + frame["height"]


def test_code_is_copied_and_a_link_says_its_paper(visit: Callable[..., Any]) -> None:
    tab = visit("story", permissions=["clipboard-read", "clipboard-write"])
    block = tab.locator("article > .code .plain .block").first  # one that no guess covers
    button = block.locator(".copy")
    button.focus()
    tab.keyboard.press("Enter")
    until(tab, "document.activeElement.textContent == 'Copied'")
    assert (
        tab.evaluate("navigator.clipboard.readText()").strip() == block.locator(".input").inner_text().strip()
    )
    link = tab.locator("article a[aria-description]").first
    words = link.get_attribute("aria-description")
    link.focus()
    assert tab.locator(".told").inner_text() == words and not link.get_attribute("title")
    tab.keyboard.press("Escape")
    assert tab.locator(".told").count() == 0
    link.hover()
    assert tab.locator(".told").is_visible()


def test_only_what_scrolls_is_a_stop_and_type_in_figures_stays_readable(visit: Callable[..., Any]) -> None:
    tab = visit("story", viewport={"width": 390, "height": 800})
    tab.get_by_role("button", name="Show all code").click()
    stops = "[...document.querySelectorAll('.input, .frame')].filter((e) => e.offsetParent && (e.scrollWidth > e.clientWidth + 1) != (e.tabIndex == 0)).length"
    until(tab, f"{stops} == 0")
    assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    tab = visit(LESSON, viewport={"width": 390, "height": 800})
    letters = "[...document.querySelectorAll('.frame > svg text')].map((e) => e.getAttribute('font-size') * e.ownerSVGElement.getBoundingClientRect().width / e.ownerSVGElement.viewBox.baseVal.width).filter(Boolean)"
    assert min(tab.evaluate(letters)) >= 7.4
    # what goes on beyond the right edge fades there, and what is whole does not
    fades = "[...document.querySelectorAll('.frame')].filter((e) => e.clientWidth).map((e) => [e.scrollWidth > e.clientWidth + 1, getComputedStyle(e).getPropertyValue('--beyond') != '0px'])"
    seen = tab.evaluate(fades)
    assert any(more for more, _ in seen) and all(more == fading for more, fading in seen)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_drawing_has_the_page_s_ink(scheme: Any, visit: Callable[..., Any]) -> None:
    tab = visit(LESSON, color_scheme=scheme)
    inked = tab.locator(".frame svg [style*='--i']").first
    assert inked.count(), "lesson 03 draws"
    ink = "getComputedStyle(document.body).color"
    assert inked.evaluate(
        f"each => [getComputedStyle(each).fill, getComputedStyle(each).stroke].includes({ink})"
    )


def test_a_link_into_a_covered_answer_says_so(site: Path, visit: Callable[..., Any]) -> None:
    tab = visit(LESSON)
    place = tab.locator(".covered figure[id]").first.get_attribute("id")
    tab.evaluate(f"location.hash = '{place}'")
    until(tab, "document.activeElement.matches('.note a')")
    box = tab.locator(":focus").bounding_box()
    assert 0 < box["y"] < tab.evaluate("innerHeight")
    tab.keyboard.press("Enter")
    until(tab, "document.activeElement.matches('.guess')")


def test_code_of_88_columns_fits_a_laptop(visit: Callable[..., Any]) -> None:
    tab = visit("story", viewport={"width": 1440, "height": 900})
    tab.locator(".plain pre").first.evaluate("each => { each.textContent = 'x'.repeat(88); }")
    assert tab.locator(".plain .input").first.evaluate("each => each.scrollWidth - each.clientWidth") <= 0


def test_on_paper_what_is_folded_stands_at_the_end(visit: Callable[..., Any]) -> None:
    tab = visit("story")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.emulate_media(media="print")
    folded = tab.locator("article .text > details").count()
    assert tab.locator(".appendix h3").count() >= folded > 5
    assert tab.locator(".appendix .text").first.inner_text().count(" ") > 5
    still = tab.locator("figure.explorer .still").first.bounding_box()
    assert still["width"] > 0.95 * tab.locator("article").bounding_box()["width"]
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.locator(".appendix, .elsewhere").count() == 0


# ---- what a notebook could bring along --------------------------------------------------------------------------

#: What would run, or ask, in a browser that lets it. Meta refresh is not the policy's business, but the reader's of HTML.
HURT = "window.hurt = () => { window.ran = (window.ran ?? 0) + 1; }; window.refused = [];" + (
    "addEventListener('securitypolicyviolation', (event) => refused.push(event.effectiveDirective));"
)


@pytest.fixture
def try_out(site: Path, chromium: Any) -> Iterator[Callable[..., tuple[Any, list[str]]]]:
    """``try_out(html)``: a page opened from the disk with the network there to be asked, and what it asked."""
    rooms: list[Any] = []

    def go(html: str, ready: str) -> tuple[Any, list[str]]:
        (site / "tried.html").write_text(html, encoding="utf-8")
        asked: list[str] = []
        rooms.append(chromium.new_context())
        rooms[-1].add_init_script(HURT)
        tab = rooms[-1].new_page()
        everything = re.compile(".*")

        def outside(route: Any) -> None:  # what the policy refuses does not come here
            asked.append(route.request.url)
            if route.request.url.startswith(("file:", "blob:", "data:")):
                route.continue_()
            else:
                route.fulfill(body="")

        rooms[-1].route(everything, outside)
        address = (site / "tried.html").as_uri()
        tab.on("framenavigated", lambda frame: asked.append(frame.url) if frame == tab.main_frame else None)
        tab.goto(address)
        until(tab, ready)
        tab.wait_for_timeout(300)
        return tab, [
            url for url in asked if not url.startswith(("blob:", "data:image/", "data:font/", address))
        ]

    yield go
    for room in rooms:
        room.close()


@pytest.mark.parametrize("name", [LESSON, "slides"])
def test_the_policy_alone_stops_what_would_run_or_ask(
    name: str, site: Path, try_out: Callable[..., tuple[Any, list[str]]]
) -> None:
    html = (site / f"{name}.html").read_text(encoding="utf-8")
    inner = "<article>" if name == LESSON else '<main class="stage"'
    bad = "".join(each for each in INJECTIONS if WHOLE_PAGE.search(each) is None)
    tab, asked = try_out(
        html.replace(inner, f"<div hidden>{bad}</textarea></xmp></svg></math></div>{inner}", 1), "true"
    )
    assert tab.evaluate("window.ran") is None and asked == []
    refused = set(tab.evaluate("refused"))
    assert {"script-src-elem", "script-src-attr", "img-src", "frame-src"} <= refused
    loose = f"<img src=x onerror=hurt()><img src={HOST}/a.png>"
    tab, asked = try_out(
        re.sub(r"<meta http-equiv=.*?>", "", html).replace(inner, f"{loose}{inner}", 1), "window.ran"
    )
    assert sorted(asked) == [(site / "x").as_uri(), f"{HOST}/a.png"]  # without a policy: the test can fail


def test_cleaning_alone_leaves_nothing_that_runs_or_asks(
    site: Path, try_out: Callable[..., tuple[Any, list[str]]]
) -> None:
    html = (site / f"{LESSON}.html").read_text(encoding="utf-8")
    bare = re.sub(r"<meta http-equiv=.*?>", "", html)  # no policy to help
    cleaned = "".join(
        f"<div>{_cleaner().clean(each)}</div>" for each in INJECTIONS
    )  # nor is anything refused before
    tab, asked = try_out(bare.replace("<article>", f"<article>{cleaned}", 1), READY)
    assert tab.evaluate("window.ran") is None and asked == []
    assert tab.locator("figure[data-alive=GradientCell]").count() == 1  # and the page is still itself
