"""Every explorer where there is no kernel: a page as one file, with the network cut.

Each stands on a page of its own, cut out of that of all explorers, which takes a second to open with two dozen of them;
that one is opened with all other pages in test_engines.py.
"""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal

import nbformat
import pytest

from mlteach.course.lessons import NOTEBOOKS
from mlteach.course.site import build_page
from tests.browser.chromium import folder_of_pictures, watched_page, without_complaint
from tests.browser.explorers import (
    NOT_ONE_SCREEN,
    ROWS,
    STATE,
    TALLEST,
    Drag,
    summary_of,
    title,
    traits,
    variable,
)
from tests.browser.view import View

every_explorer = pytest.mark.parametrize("name", ROWS, scope="module")
LOOKS: tuple[tuple[Literal["dark", "light"], int], ...] = (("dark", 400), ("light", 800), ("light", 1280))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """``file("GradientCell")``: the page of that explorer, made from the executed notebook of all."""
    (every,) = NOTEBOOKS.glob("90_*.ipynb")
    notebook = nbformat.read(every, as_version=4)
    folder = tmp_path_factory.mktemp("static")

    @cache
    def build(name: str) -> Path:
        (folder / name).mkdir()
        alone = folder / name / every.name
        nbformat.write(only(notebook, name), alone)
        return build_page(alone, alone.with_suffix(".html"))

    return build


def only(notebook: Any, name: str) -> Any:
    """The notebook with its heading and the cell of one explorer, and of the widgets' state what that one needs."""
    (cell,) = (each for each in notebook.cells if each.source.startswith(f"{variable(name)} = {name}"))
    kind = "application/vnd.jupyter.widget-"
    state = notebook.metadata.widgets[f"{kind}state+json"]
    wanted = {output.data[f"{kind}view+json"]["model_id"] for output in cell.outputs if "data" in output}
    wanted |= {
        key for key in state.state if f"IPY_MODEL_{key}" in json.dumps([state.state[one] for one in wanted])
    }
    kept = {key: value for key, value in state.state.items() if key in wanted}
    metadata = {**notebook.metadata, "widgets": {f"{kind}state+json": {**state, "state": kept}}}
    return nbformat.from_dict({**notebook, "metadata": metadata, "cells": [notebook.cells[0], cell]})


def opened(page: Any, path: Path, name: str) -> View:
    """The explorer on a page just opened from its file; it may ask for that file and for nothing else."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-explorers=ready]")
    assert [url for url in asked if not url.startswith(("blob:", "data:"))] == [path.as_uri()]
    return View(page, page.get_by_role("region", name=title(name), exact=True))


@pytest.fixture
def see(file: Callable[[str], Path], open_page: Callable[..., Any]) -> Callable[..., View]:
    """``see("GradientCell", color_scheme="dark")``: that explorer on a fresh page, opened from its file, offline."""
    return lambda name, **context: opened(open_page(offline=True, **context), file(name), name)


@pytest.fixture(scope="module")
def kept(name: str, file: Callable[[str], Path], chromium: Any) -> Iterator[tuple[View, list[str]]]:
    """An explorer on a page that its tests share, one after the other, and what that page complains of."""
    page, complaints = watched_page(chromium, offline=True)
    yield opened(page, file(name), name), complaints
    page.context.close()


@pytest.fixture
def alone(kept: tuple[View, list[str]]) -> Iterator[View]:
    """The explorer on its own page. Fails when the page has complained."""
    seen, complaints = kept
    with without_complaint(complaints):
        yield seen


def twin_says(seen: View, name: str) -> str:
    """The summary of a Python explorer with the traits that the page's has."""
    return summary_of(name, seen.root.evaluate(STATE, traits(name)))


@every_explorer
def test_fits_and_is_accessible(alone: View, name: str) -> None:
    """Nothing is cut off at any width, the page never scrolls sideways, and axe-core finds nothing, in either theme.

    What a width changes and what a theme changes are not the same things. In JupyterLab the narrow one is light, the wide one dark.
    """
    seen = alone
    for theme, width in LOOKS:
        seen.page.emulate_media(color_scheme=theme)
        seen.page.set_viewport_size({"width": width, "height": 1000})
        seen.settled()
        assert seen.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        seen.sound()
        seen.keep_picture(folder_of_pictures("static") / f"{variable(name)}_{width}_{theme}.png")
        if width != 800:
            seen.accessible()


@every_explorer
def test_stands_on_one_screen(alone: View, name: str) -> None:
    """Low enough for a laptop, a slide and a cell, whichever panel is open; on a telephone a control and its picture together."""
    seen = alone
    seen.page.set_viewport_size({"width": 1280, "height": 1000})
    wrong = []
    for width, tallest in TALLEST.items():
        seen.widen(width)
        for panel in [None, *seen.root.locator(".mlx-fold").all()]:
            if panel:
                if (
                    panel.get_attribute("aria-expanded") != "true"
                ):  # one that is half of the story is open from the first
                    panel.press("Enter")
                assert panel.get_attribute("aria-expanded") == "true"
                seen.settled()
            if (tall := seen.tall()) > tallest:
                wrong.append(f"{tall} px at {width}, {panel.text_content() if panel else 'as it opens'}")
        if panel:
            panel.press("Enter")
            assert panel.get_attribute("aria-expanded") == "false"
    seen.page.set_viewport_size({"width": 390, "height": 844})
    seen.page.reload()  # as wide as the page has it, and folded as it opens
    seen.page.wait_for_selector("html[data-explorers=ready]")
    if not seen.in_sight(ROWS[name].keys.label):
        wrong.append("at 390 the control is out of sight of the picture")
    assert bool(wrong) == (name in NOT_ONE_SCREEN), wrong or f"{name} fits: take it out of NOT_ONE_SCREEN"


@every_explorer
def test_hands_and_mathematics(alone: View, name: str) -> None:
    """Keys and mouse change the picture, and the summary stays what Python computes from the same traits."""
    row, seen = ROWS[name], alone
    seen.page.set_viewport_size({"width": 1280, "height": 1000})
    said = [seen.summary]
    assert said[-1] == row.make().summary
    seen.changes(lambda: seen.key(row.keys))
    said.append(seen.summary)
    assert said[-1] == twin_says(seen, name)
    if row.drag:
        drag = row.drag
        seen.changes(lambda: seen.drag(drag))
        said.append(seen.summary)
        assert said[-1] == twin_says(seen, name)
    assert said[0] != said[1]
    seen.sound()


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.drag])
def test_finger_on_a_telephone(see: Callable[..., View], name: str) -> None:
    drag = ROWS[name].drag
    assert drag
    seen = see(name, viewport={"width": 400, "height": 800}, has_touch=True, is_mobile=True)
    seen.changes(lambda: seen.touch(drag))
    assert seen.summary == twin_says(seen, name)
    seen.sound()


def test_an_outer_step_plays_its_parts_and_then_moves_the_start(see: Callable[..., View]) -> None:
    lit = see("MamlPlane").root.evaluate(PARTS)
    assert len([terms for terms in lit if terms]) == 4, lit


#: Press the button, and collect what is lit in the formulas, frame by frame, until the outer step is made.
PARTS = """
async (root) => {
  const model = root.closest("figure").explorer, lit = new Set();
  [...root.querySelectorAll("button")].find((button) => button.textContent === "One outer step").click();
  while (model.get("outer") === 0) {
    await new Promise(requestAnimationFrame);
    if (model.get("outer") === 0) lit.add([...root.querySelectorAll(".mlx-acts")].map((term) => term.textContent).join(" "));
  }
  return [...lit];
}
"""


def test_a_step_moves_and_a_playhead_runs_in_between(see: Callable[..., View]) -> None:
    seen = see("GradientCell", viewport={"width": 1280, "height": 1000})
    step = seen.root.get_by_label("step", exact=True)
    step.focus()
    looks = seen.root.evaluate(FRAMES, ["ArrowLeft", 30])
    assert looks[1] != looks[0], "in the next frame"
    assert len(set(looks)) > 3 and looks[-1] == looks[-2], "it glides, and arrives"
    seen.changes(lambda: step.press("Home"))
    seen.root.get_by_role("button", name="Play").click()
    pictures = seen.root.evaluate(PLAYED)
    assert len(pictures) > 2 and max(pictures) > 2, "between two steps it stands at places of its own"


def test_with_reduced_motion_nothing_moves_and_everything_is_reached(see: Callable[..., View]) -> None:
    seen = see("GradientCell", viewport={"width": 1280, "height": 1000}, reduced_motion="reduce")
    seen.root.get_by_label("step", exact=True).press("Home")
    assert len(set(seen.root.evaluate(FRAMES, [None, 12])[1:])) == 1
    start = seen.picture
    seen.root.get_by_role("button", name="Play").click()
    assert len(set(seen.root.evaluate(FRAMES, [None, 12])[1:])) == 1 and seen.picture != start


#: Press a key on what has the focus, and keep the picture of each frame that follows.
FRAMES = """
async (root, [key, n]) => {
  const frame = () => new Promise(requestAnimationFrame), looks = [window.picture(root)];
  if (key) { document.activeElement.stepDown(); document.activeElement.dispatchEvent(new Event("input")); }
  await frame();
  for (let k = 0; k < n; k++) { looks.push(window.picture(root)); await frame(); }
  return looks;
}
"""


#: How many pictures there are of each step, frame by frame, until what plays has come to its end.
PLAYED = """
async (root) => {
  const step = [...root.querySelectorAll("input")].find((input) => input.labels[0]?.textContent.trim().startsWith("step")), seen = new Map();
  const plays = () => root.querySelector(".mlx-play").textContent.includes("Pause");
  while (plays()) {
    seen.set(step.value, (seen.get(step.value) ?? new Set()).add(window.picture(root)));
    await new Promise(requestAnimationFrame);
  }
  return [...seen.values()].map((pictures) => pictures.size);
}
"""


def test_a_drag_leaves_its_ghost_for_a_while(see: Callable[..., View]) -> None:
    seen = see("GradientCell", viewport={"width": 1280, "height": 1000})
    seen.drag(Drag("Start of both paths", (60, 30)))
    seen.root.locator(".mlx-ghost").wait_for(state="attached")
    seen.root.locator(".mlx-ghost").wait_for(state="detached", timeout=20_000)


def test_a_drag_is_no_press_on_the_picture(see: Callable[..., View]) -> None:
    """In WebKit the click after a captured drag lands on the svg. Played here, because Chromium's does not."""
    seen = see("GradientCell", viewport={"width": 1280, "height": 1000})
    drag = Drag("Start of both paths", (60, 30))
    seen.changes(lambda: seen.drag(drag))
    start = seen.root.evaluate(STATE, ["start"])
    seen.page.mouse.down()
    seen.root.evaluate(CLICK)
    seen.page.mouse.up()
    assert seen.root.evaluate(STATE, ["start"]) == start
    box = seen.root.get_by_label("The surface with both paths").bounding_box()
    seen.page.mouse.click(box["x"] + box["width"] * 0.7, box["y"] + 60)
    assert seen.root.evaluate(STATE, ["start"]) != start, "a press on the picture is one"


CLICK = """
(root) => {
  const svg = root.querySelector("svg"), box = svg.getBoundingClientRect();
  svg.dispatchEvent(new MouseEvent("click", { bubbles: true, detail: 1, clientX: box.left + 300, clientY: box.top + 40 }));
}
"""


def test_the_landscape_has_the_same_colours_in_every_theme(see: Callable[..., View]) -> None:
    maps = []
    for look in ({}, {"color_scheme": "dark"}, {"color_scheme": "dark", "forced_colors": "active"}):
        seen = see("LossLandscape", **look)
        for scene in ("Two tasks", "A network"):
            seen.root.get_by_label(scene, exact=True).check()
            seen.settled()
            maps.append(seen.root.locator("canvas").evaluate("map => map.toDataURL()"))
    assert len(set(maps)) == 2 and maps[:2] * 3 == maps and min(map(len, maps)) > 3000
