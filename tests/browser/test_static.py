"""Every explorer where there is no kernel: the page of all explorers as one file, with the network cut."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlteach.course.lessons import NOTEBOOKS
from mlteach.course.site import build_page
from tests.browser.chromium import folder_of_pictures
from tests.browser.explorers import ROWS, STATE, summary_of, title, traits, variable
from tests.browser.view import View

every_explorer = pytest.mark.parametrize("name", ROWS)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, made from the executed notebook."""
    (notebook,) = NOTEBOOKS.glob("90_*.ipynb")
    return build_page(notebook, tmp_path_factory.mktemp("static") / "explorers.html")


@pytest.fixture
def see(file: Path, open_page: Callable[..., Any]) -> Callable[..., View]:
    """``see("GradientCell", color_scheme="dark")``: that explorer on a fresh page, opened from the file, offline."""

    def open_it(name: str, **context: Any) -> View:
        page = open_page(offline=True, **context)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-explorers=ready]")
        assert [url for url in asked if not url.startswith(("blob:", "data:"))] == [file.as_uri()]
        return View(page, page.get_by_role("region", name=title(name), exact=True))

    return open_it


def twin_says(seen: View, name: str) -> str:
    """The summary of a Python explorer with the traits that the page's has."""
    return summary_of(name, seen.root.evaluate(STATE, traits(name)))


@every_explorer
def test_hands_and_mathematics(see: Callable[..., View], name: str) -> None:
    """Keys and mouse change the picture, and the summary stays what Python computes from the same traits."""
    row = ROWS[name]
    seen = see(name)
    said = [seen.summary]
    assert said[-1] == ROWS[name].make().summary
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


@pytest.mark.parametrize("theme", ["light", "dark"])
@every_explorer
def test_fits_and_is_accessible(see: Callable[..., View], name: str, theme: str) -> None:
    """Nothing is cut off at any width, the page never scrolls sideways, and axe-core finds nothing."""
    seen = see(name, viewport={"width": 400, "height": 1000}, color_scheme=theme)
    for width in (400, 800, 1280):
        seen.page.set_viewport_size({"width": width, "height": 1000})
        seen.settled()
        assert seen.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        seen.sound()
        seen.keep_picture(folder_of_pictures("static") / f"{variable(name)}_{width}_{theme}.png")
        if width != 800:
            seen.accessible()
