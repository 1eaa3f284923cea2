"""One page in one of three browser engines, driven alike: what the tests that run in all of them are written against.

Chromium is driven by Playwright (`chromium.py`), Firefox by WebDriver BiDi (`firefox.py`), WebKit by WebDriver
(`webkit.py`). Each is the system's own; nothing is downloaded. Positions and sizes are CSS pixels of the viewport.
"""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from tests.browser.explorers import Drag, Keys

ENGINES = ("chromium", "firefox", "webkit")
#: What Playwright calls keys, as WebDriver writes them.
KEYS = {
    "Shift": "\ue008", "Control": "\ue009", "Alt": "\ue00a", "Meta": "\ue03d", "Tab": "\ue004", "Enter": "\ue007",
    "Escape": "\ue00c", "Space": " ", "Backspace": "\ue003", "Delete": "\ue017", "PageUp": "\ue00e",
    "PageDown": "\ue00f", "End": "\ue010", "Home": "\ue011", "ArrowLeft": "\ue012", "ArrowUp": "\ue013",
    "ArrowRight": "\ue014", "ArrowDown": "\ue015",
}  # fmt: skip
#: A function of a JSON text that calls ``%s``, an expression or a function, as Playwright does, and returns JSON.
CALL = "async (text) => {{ const it = ({}); return JSON.stringify(await (typeof it === 'function' ? it(JSON.parse(text)) : it)) ?? 'null'; }}"
#: What every page knows: a text that differs whenever what an explorer shows differs. Ids are random, so they go.
PICTURE = r"""
window.picture = (root) => {
  const body = root.querySelector(".mlx-body"), parts = [...body.querySelectorAll("svg, canvas")];
  const texts = parts.map((part) => part.matches("canvas") ? part.toDataURL() : part.outerHTML);
  return (parts.length ? texts.join("\n") : body.innerHTML).replace(/mlx-\w+-\d+-\w+/g, "id");
};
"""
#: A function of an explorer, its picture before and what was done: resolves when the picture is another and stands still.
CHANGED = """
(root, [before, what]) => new Promise((done, failed) => {
  const began = performance.now();
  let last = before, still = 0, looks = 0;
  const look = () => {  // changed, and the same for some frames; a page that is slow to draw gets as many looks as a quick one
    const now = window.picture(root);
    still = now !== before && now === last ? still + 1 : 0;
    if (still === 3) done(true);
    else if (++looks > 100 && performance.now() - began > 15000) failed(new Error(`the picture of the explorer does not change by ${what}; it says: ${root.querySelector(".mlx-summary").textContent}`));
    else { last = now; requestAnimationFrame(look); }
  };
  requestAnimationFrame(look);
})
"""
#: A function of an element: scrolls to it, and gives its left, top, width and height once it has stood still for some frames.
#: JupyterLab moves what is seen while it draws the cells around it, and a hand that took the place from before would miss.
PLACE = """
(it) => new Promise((done) => {
  it.scrollIntoView({ block: "center", behavior: "instant" });
  let last = "", still = 0, looks = 0;
  const look = () => {
    const { x, y, width, height } = it.getBoundingClientRect(), now = JSON.stringify([x, y, width, height]);
    still = now === last ? still + 1 : 0;
    last = now;
    if (still === 3 || ++looks > 200) done([x, y, width, height]);
    else requestAnimationFrame(look);
  };
  look();
})
"""
#: Part of an explorer by what a screen reader calls it.
FIND = r"""
window.within = (title) => [...document.querySelectorAll(".mlx")].find((each) =>
  document.getElementById(each.getAttribute("aria-labelledby"))?.textContent.trim() === title);
window.labelled = (root, label) => [...root.querySelectorAll("*")].find((each) => {
  const by = (each.getAttribute("aria-labelledby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent ?? "");
  const name = each.getAttribute("aria-label") || by.join(" ").trim() || [...(each.labels ?? [])].map((one) => one.textContent).join(" ");
  return name.replace(/\s+/g, " ").trim() === label;
});
"""
MOVES = 6


class NotHere(Exception):  # noqa: N818
    """The engine, or its driver, cannot do this; the message says which and what."""


class Page(ABC):
    """A page of its own. ``complaints`` fills with errors on its console and errors nobody caught."""

    complaints: list[str]

    @abstractmethod
    def goto(self, address: str) -> None:
        """Open ``address`` and wait until it is loaded."""

    @abstractmethod
    def evaluate(self, js: str, arg: Any = None) -> Any:
        """The value of ``js``, an expression or a function of ``arg``; a promise is waited for. JSON goes in and out.

        Raises AssertionError with what the page said when it throws.
        """

    @abstractmethod
    def press(self, key: str) -> None:
        """Press a key by Playwright's name, with modifiers before it: ``"Shift+ArrowRight"``."""

    @abstractmethod
    def pull(self, points: Sequence[tuple[float, float]]) -> None:
        """Press the mouse's button at the first point, move through the others, and let go at the last. One point is a click."""

    @abstractmethod
    def viewport(self, width: int, height: int) -> None:
        """Give the page so many pixels. Raises NotHere where the engine does not take them."""

    @abstractmethod
    def media(self, *, dark: bool = False, forced_colors: bool = False, reduced_motion: bool = False) -> None:
        """What the system asks of pages. Raises NotHere for what the engine's driver cannot ask for."""

    @abstractmethod
    def screenshot(self, path: Path) -> None:
        """Write what is seen as PNG."""

    def accessible(self) -> None:
        """Fail when axe-core finds anything. Raises NotHere where nothing drives it."""
        raise NotHere("axe-core is driven by Playwright, so in Chromium")

    @abstractmethod
    def close(self) -> None:
        """Close the page with all it has kept."""

    def ready(self, address: str, js: str = "true") -> "Page":
        """Open ``address`` and wait for ``js``; then the tests' own helpers are there."""
        self.goto(address)
        self.until(js)
        self.evaluate(f"() => {{ {PICTURE} {FIND} }}")
        return self

    def until(self, js: str, arg: Any = None, *, seconds: float = 30) -> None:
        """Wait until ``js`` is true. Raises AssertionError after ``seconds``."""
        deadline = time.monotonic() + seconds
        while not self.evaluate(js, arg):
            assert time.monotonic() < deadline, f"after {seconds} s not yet: {js}"
            time.sleep(0.03)

    def frames(self, count: int = 2) -> None:
        """Wait until so many frames were drawn."""
        self.evaluate(
            "async (count) => { for (let k = 0; k < count; k++) await new Promise((drawn) => requestAnimationFrame(drawn)); }",
            count,
        )


class Explorer:
    """An explorer on a page, by its title."""

    def __init__(self, page: Page, title: str) -> None:
        self.page, self.title = page, title
        page.until("(title) => within(title)?.querySelector('.mlx-summary')?.textContent", title)

    def ask(self, js: str, arg: Any = None) -> Any:
        """The value of ``js``, a function of the explorer's element and ``arg``."""
        return self.page.evaluate(f"(arg) => ({js})(within({json.dumps(self.title)}), arg)", arg)

    @property
    def summary(self) -> str:
        return str(self.ask("(root) => root.querySelector('.mlx-summary').textContent"))

    def changes(self, act: Callable[[], Any], what: str = "what was done") -> None:
        """Fail unless ``act`` changes the picture, which then stands still; a failure says ``what`` did not."""
        before = self.ask("(root) => window.picture(root)")
        act()
        self.ask(CHANGED, [before, what])

    def key(self, keys: Keys) -> None:
        assert self.ask(
            "(root, label) => { const it = labelled(root, label); it?.focus(); return it && document.activeElement === it; }",
            keys.label,
        ), f"no control of {self.title} is called {keys.label!r}, or it takes no focus"
        for key in keys.press:
            self.page.press(key)

    def drag(self, drag: Drag) -> None:
        """By mouse: down, a few moves, up."""
        x, y = self.grip(drag)
        steps = [k / MOVES for k in range(MOVES + 1)]
        self.page.pull([(x + part * drag.by[0], y + part * drag.by[1]) for part in steps])

    def grip(self, drag: Drag) -> tuple[float, float]:
        """Where to take it."""
        found = self.ask(
            f"(root, label) => {{ const it = labelled(root, label); return it ? ({PLACE})(it) : null; }}",
            drag.label,
        )
        assert found, f"nothing in {self.title} is called {drag.label!r}"
        x, y, width, height = found
        return x + drag.at[0] * width, y + drag.at[1] * height


class Engine(ABC):
    """A running browser."""

    name: str

    @abstractmethod
    def page(self) -> Page:
        """A fresh page, 1280 x 900."""

    def opening(self, address: str) -> list[str]:
        """What a page complains of while it opens, where its ``complaints`` do not hear that."""
        return []


def missing(name: str) -> str | None:
    """In one line, what this machine lacks for an engine; None when it has everything."""
    return _of(name).missing()  # type: ignore[no-any-return]


def running(name: str) -> "AbstractContextManager[Engine]":
    """An engine by name, started; it is gone afterwards, whatever happened."""
    return _of(name).engine()  # type: ignore[no-any-return]


def _of(name: str) -> Any:
    from tests.browser import chromium, firefox, webkit

    return {"chromium": chromium, "firefox": firefox, "webkit": webkit}[name]


def chord(key: str) -> list[str]:
    """The keys of ``"Shift+ArrowRight"`` as WebDriver writes them, in the order in which they go down."""
    return [KEYS.get(part, part) for part in (key.split("+") if len(key) > 1 else [key])]


def pointer(points: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """WebDriver's actions of a mouse that is pressed at the first point and let go at the last."""
    spots = [
        {"type": "pointerMove", "x": round(x), "y": round(y), "duration": 0 if k == 0 else 16}
        for k, (x, y) in enumerate(points)
    ]
    actions = [
        spots[0],
        {"type": "pointerDown", "button": 0},
        *spots[1:],
        {"type": "pointerUp", "button": 0},
    ]
    return {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions}


def keyboard(key: str) -> dict[str, Any]:
    """WebDriver's actions of a key that is pressed and let go, with its modifiers."""
    keys = chord(key)
    down = [{"type": "keyDown", "value": each} for each in keys]
    up = [{"type": "keyUp", "value": each} for each in reversed(keys)]
    return {"type": "key", "id": "keyboard", "actions": down + up}


@contextmanager
def opened(engine: Engine) -> Iterator[Page]:
    """A page of ``engine``, closed afterwards. Fails when it has complained."""
    page = engine.page()
    try:
        yield page
        complaints = list(page.complaints)
    finally:
        page.close()
    assert not complaints, complaints
