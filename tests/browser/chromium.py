"""Chromium as the tests and the benchmark drive it: the system's own, watched for every complaint, cut off where asked."""

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.browser import engine as base

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    # The address bar's two popups are pages that every new window draws anew, seen or not: a quarter of a second of a core.
    # The rest is what Playwright turns off; of two such lists a browser reads the last.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,"
    "HttpsUpgrades,LensOverlay,MediaRouter,OptimizationHints,PaintHolding,ThirdPartyStoragePartitioning,Translate",
)  # fmt: skip

#: What JupyterLab says while a notebook with two dozen widgets opens on a busy machine: it and anywidget give a model two seconds
#: to come. What it gave up on is drawn again (``RESTORED`` in `tests.browser.lab`). One that never comes shows no view, and every
#: test looks at its own.
SLOW = ("[anywidget] Failed to initialize model.", "Error: widget model not found")


def executable() -> str | None:
    """The path of Chromium or Chrome on this machine."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def missing() -> str | None:
    """In one line, what this machine lacks for the browser tests; None when it has everything."""
    for package in ("playwright", "axe_playwright_python", "jupyterlab"):
        if find_spec(package) is None:
            return f"the package {package} is not installed (python3 start.py test installs it)"
    if executable() is None:
        return "neither Chromium nor Chrome is installed"
    return None


def required() -> bool:
    """Whether a missing browser is a failure, as it is in CI, and not a reason to skip."""
    return os.environ.get("MLTEACH_BROWSER") == "required"


@contextmanager
def browser() -> Iterator[Any]:
    """A running Chromium (``playwright.sync_api.Browser``); it is gone afterwards, whatever happened."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=executable(), args=FLAGS)
        try:
            yield running
        finally:
            running.close()


def watched_page(running: Any, *, offline: bool = False, **context: Any) -> tuple[Any, list[str]]:
    """A fresh page in a context of its own, and the list that fills with what it complains of.

    Complaints are errors on the console, uncaught errors and failed requests. With ``offline`` the network is cut, and
    whatever is asked for but files of this machine is a complaint too. Keywords go to ``Browser.new_context``.
    """
    complaints: list[str] = []
    room = running.new_context(**{"viewport": {"width": 1280, "height": 1000}, "offline": offline} | context)
    room.set_default_timeout(90_000)  # a busy machine opens two dozen widgets slowly
    room.add_init_script(base.PICTURE)
    if offline:

        def outside(route: Any) -> None:
            complaints.append(f"asked the network for {route.request.url}")
            route.abort()

        room.route(lambda url: not url.startswith(("file:", "blob:", "data:")), outside)
    page = room.new_page()

    def complain(text: str) -> None:
        if not any(each in text for each in SLOW):
            complaints.append(text)

    page.on("console", lambda said: complain(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda problem: complain(str(problem)))

    def unanswered(asked: Any) -> None:
        if not ("/lab/api/" in asked.url and asked.failure == "net::ERR_ABORTED"):
            complaints.append(f"no answer from {asked.url}: {asked.failure}")

    # An older JupyterLab gives up saving its own panels and settings when it has to save them anew.
    page.on("requestfailed", unanswered)
    page.on(
        "response", lambda got: complaints.append(f"{got.status} {got.url}") if got.status >= 400 else None
    )
    return page, complaints


@contextmanager
def without_complaint(complaints: list[str]) -> Iterator[None]:
    """Fail when a page that several tests share has complained since the last of them; what it said is one test's."""
    yield
    said = list(complaints)
    complaints.clear()
    assert not said, said


def until(page: Any, js: str, arg: Any = None, *, seconds: float = 30) -> None:
    """Wait until the expression or function ``js`` is true on ``page``. Raises AssertionError after ``seconds``.

    Playwright's own waiting evaluates a text within the page, which the policy of the course's pages forbids.
    """
    deadline = time.monotonic() + seconds
    while not page.evaluate(js, arg):
        assert time.monotonic() < deadline, f"after {seconds} s not yet: {js}"
        page.wait_for_timeout(20)


#: axe-core's verdict on a part of the page: whether any of its rules has held, and those that are broken, each with its first place.
#: Its contrast of a text takes as long as everything else together, so of texts that look alike on the same ground it gets the
#: first and the last that are seen: a lesson has thousands, and some dozen looks.
AXE = """async (within) => {
  const root = within ? document.querySelector(within) : document.documentElement;
  const numbers = new Map(), grounds = new Map(), looks = new Map();
  const number = (text) => numbers.get(text) ?? (numbers.set(text, numbers.size), numbers.size - 1);
  const ground = (each) => {  // what is behind an element, all the way up
    if (!each) return "";
    if (!grounds.has(each)) {
      const { backgroundColor, backgroundImage, opacity, filter, mixBlendMode, position } = getComputedStyle(each), behind = ground(each.parentElement);
      const own = [backgroundColor, backgroundImage, opacity, filter, mixBlendMode, position].join("|");
      grounds.set(each, own === "rgba(0, 0, 0, 0)|none|1|none|normal|static" ? behind : number(`${behind} ${own}`));
    }
    return grounds.get(each);
  };
  const texts = [root, ...root.querySelectorAll("*")].filter((each) => each.checkVisibility({ visibilityProperty: true })
    && (each.matches("input, select, textarea, button") || [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim())));
  for (const each of texts) {
    const { color, fill, fontSize, fontWeight, textShadow } = getComputedStyle(each);
    const look = [ground(each), color, fill, fontSize, fontWeight, textShadow, each.matches("input, select, textarea, button")].join("|");
    looks.set(look, [(looks.get(look) ?? [each])[0], each]);
  }
  const seen = new Set([...looks.values()].flat());
  for (const each of seen) each.setAttribute("data-look", "");
  axe.configure({ rules: [{ id: "color-contrast", selector: "[data-look]" }] });
  const { passes, violations } = await axe.run(root, { resultTypes: ["violations"] });
  for (const each of seen) each.removeAttribute("data-look");
  const broken = ({ id, help, nodes: [{ html, failureSummary }] }) => `${id}: ${help}: ${html.slice(0, 200)} ${failureSummary}`;
  return { held: passes.length > 0, broken: violations.map(broken) };
}"""


def accessible(page: Any, within: str | None = None) -> None:
    """Fail when axe-core finds anything on the page, or within a CSS selector, at any level, best practice with it.

    Its script goes into a page once, and only what is wrong comes back: both cost as much as the looking.
    """
    from axe_playwright_python.sync_playwright import Axe

    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(Axe().axe_script)
    found = page.evaluate(AXE, within)
    assert found["held"] and not found["broken"], (
        found["broken"] or "none of its rules had anything to look at"
    )


def folder_of_pictures(home: str) -> Path:
    """Where screenshots of one home go: ``runs/screenshots/<home>``, which git ignores."""
    folder = Path(__file__).parents[2] / "runs" / "screenshots" / home
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def engine() -> "Iterator[base.Engine]":
    """The same as one of the three engines."""
    with browser() as running:
        yield Chromium(running)


class Chromium(base.Engine):
    """Chromium behind the words that all engines share."""

    name = "chromium"

    def __init__(self, running: Any) -> None:
        self.running = running

    def page(self) -> "ChromiumPage":
        return ChromiumPage(
            *watched_page(self.running, offline=True, viewport={"width": 1280, "height": 900})
        )


class ChromiumPage(base.Page):
    """A page of Playwright's, in a context of its own. What needs Playwright takes ``tab``."""

    def __init__(self, tab: Any, complaints: list[str]) -> None:
        self.tab, self.complaints = tab, complaints

    def goto(self, address: str) -> None:
        self.tab.goto(address)

    def evaluate(self, js: str, arg: Any = None) -> Any:
        return self.tab.evaluate(js, arg)

    def press(self, key: str) -> None:
        self.tab.keyboard.press(key)

    def pull(self, points: Sequence[tuple[float, float]]) -> None:
        mouse = self.tab.mouse
        mouse.move(*points[0])
        mouse.down()
        for x, y in points[1:]:
            mouse.move(x, y)
        mouse.up()

    def viewport(self, width: int, height: int) -> None:
        self.tab.set_viewport_size({"width": width, "height": height})

    def media(self, *, dark: bool = False, forced_colors: bool = False, reduced_motion: bool = False) -> None:
        self.tab.emulate_media(
            color_scheme="dark" if dark else "light",
            forced_colors="active" if forced_colors else "none",
            reduced_motion="reduce" if reduced_motion else "no-preference",
        )

    def screenshot(self, path: Path) -> None:
        self.tab.screenshot(path=path)

    def accessible(self) -> None:
        accessible(self.tab)

    def close(self) -> None:
        self.tab.context.close()
