"""What the browser tests share: one browser of each engine and one JupyterLab for all of them, a fresh page for each.

    python3 start.py test tests/browser                     Chromium in full; Firefox and WebKit: a page, a deck, every explorer
    python3 start.py test tests/browser --engine firefox    all that runs in any engine, in Firefox, on all pages and decks

They need the system's browsers (Debian: ``apt-get install chromium fonts-dejavu-core firefox-esr webkit2gtk-driver xvfb``).
Tests of a browser that is not there are skipped and say so; where the environment variable ``MLTEACH_BROWSER`` is
``required``, as in CI, they fail.
"""

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mlteach.course.lessons import NOTEBOOKS
from tests.browser import chromium as chrome
from tests.browser import engine as engines
from tests.browser.lab import jupyterlab

HERE = Path(__file__).parent
LESSONS = sorted(path.stem for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
PAGES = ["index", *LESSONS]
DECKS = [name for name in LESSONS if name[:2] != "90"]
ONE_PAGE, ONE_DECK = (next(name for name in LESSONS if name.startswith(number)) for number in ("03", "06"))
SECONDS = pytest.StashKey[dict[str, float]]()
SKIPPED = pytest.StashKey[list[str]]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The browser comes last: the rest fails faster, and Playwright leaves an event loop in this thread."""
    items.sort(key=lambda item: HERE in item.path.parents)
    for item in items:
        if HERE in item.path.parents and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(480))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Keep the time of each browser test, with what it set up."""
    began = time.monotonic()
    result = yield
    if HERE in item.path.parents:
        item.config.stash.setdefault(SECONDS, {})[item.nodeid] = time.monotonic() - began
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[pytest.TestReport]:
    """A failure says what stood on Chromium's pages, and keeps a picture of each."""
    report: pytest.TestReport = yield
    running = getattr(item, "funcargs", {}).get("chromium")
    if report.failed and report.when == "call" and running:
        for number, page in enumerate(page for room in running.contexts for page in room.pages):
            path = (
                chrome.folder_of_pictures("failed")
                / f"{re.sub(r'[^-.0-9A-Za-z]+', '_', item.name)}-{number}.png"
            )
            with suppress(Exception):  # a page that hangs too; the failure itself is what counts
                page.screenshot(path=path, timeout=10_000)
                seen = page.evaluate("() => document.body.innerText.replace(/\\s+/g, ' ').slice(0, 2000)")
                report.sections.append((f"Page {number}", f"{page.url}\n{path}\n{seen}"))
    return report


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say how many browser tests there were and what they took, or in one line why there were none."""
    seconds = config.stash.get(SECONDS, {})
    for reason in dict.fromkeys(config.stash.get(SKIPPED, [])):
        terminalreporter.write_line(f"Browser tests: some or all skipped, because {reason}.")
    if seconds:
        terminalreporter.write_line(f"Browser tests: {len(seconds)} in {sum(seconds.values()):.0f} s.")


@pytest.fixture(scope="session")
def chromium(pytestconfig: pytest.Config) -> Iterator[Any]:
    """The one running browser (``playwright.sync_api.Browser``)."""
    if (asked := pytestconfig.getoption("engine")) not in (None, "chromium"):
        pytest.skip(f"it is written for Playwright's Chromium, and --engine {asked} was asked for")
    here_or_skip("chromium", pytestconfig)
    with chrome.browser() as running:
        yield running


def here_or_skip(name: str, config: pytest.Config) -> None:
    """Skip where the machine lacks an engine, or fail if it must not."""
    if reason := engines.missing(name):
        if chrome.required():
            pytest.fail(f"MLTEACH_BROWSER=required, but {reason}.", pytrace=False)
        config.stash.setdefault(SKIPPED, []).append(reason)
        pytest.skip(reason)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes ``engine`` runs in all three, or in the one that is asked for.

    One that takes ``lesson`` or ``lecture`` too gets the name of every page, or of every lesson with slides: where no
    engine was asked for, Firefox and WebKit get one each.
    """
    if "engine" not in metafunc.fixturenames:
        return
    asked = metafunc.config.getoption("engine")
    names = [asked] if asked else list(engines.ENGINES)
    for kind, (every, one) in {"lesson": (PAGES, ONE_PAGE), "lecture": (DECKS, ONE_DECK)}.items():
        if kind in metafunc.fixturenames:
            pairs = [
                (name, page) for name in names for page in (every if asked or name == "chromium" else [one])
            ]
            metafunc.parametrize(f"engine,{kind}", pairs, indirect=["engine"], scope="session")
            return
    metafunc.parametrize("engine", names, indirect=True, scope="session")


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Iterator[engines.Engine]:
    """A running browser of the engine by whose name the test runs."""
    here_or_skip(request.param, request.config)
    if request.param == "chromium":  # Playwright runs once in a thread
        yield chrome.Chromium(request.getfixturevalue("chromium"))
        return
    with engines.running(request.param) as running:
        yield running


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """``address("index")``, of a lesson's page by its name, of its slides by ``deck/`` and its name: files of the whole site.

    Each is made once, also where several processes share the tests.
    """
    from mlteach.course.lessons import notebook, source
    from mlteach.course.site import all_lessons, page
    from mlteach.course.site.lesson import read
    from mlteach.course.site.map import course_map
    from mlteach.course.slides import deck, lectured

    lessons = all_lessons()
    shared = "PYTEST_XDIST_WORKER" in os.environ
    folder = tmp_path_factory.getbasetemp().parent / "whole" if shared else tmp_path_factory.mktemp("whole")
    (folder / "deck").mkdir(parents=True, exist_ok=True)

    def html(name: str) -> str:
        if name == "index":
            return course_map(
                read(notebook(source("00"))),
                lessons,
                {each.name: file(each.name).read_text(encoding="utf-8") for each in lessons},
            )
        if name.startswith("deck/"):
            lesson = source(name[5:7])
            return deck(lectured(read(notebook(lesson)), lesson), lesson.stem)
        return page(NOTEBOOKS / f"{name}.ipynb", lessons)

    @cache
    def file(name: str) -> Path:
        path = folder / f"{name}.html"
        if not path.exists():
            written = path.with_suffix(f".{os.getpid()}")  # whole, or not there
            written.write_text(html(name), encoding="utf-8")
            written.replace(path)
        return path

    return lambda name: file(name).as_uri()


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Callable[..., Any]]:
    """``open_page(offline=True, viewport=..., color_scheme="dark")``: a fresh page.

    The test fails when a page writes an error to its console, throws, or asks for something it does not get; with
    ``offline`` also when it asks for anything but files.
    """
    opened = []

    def open_it(**context: Any) -> Any:
        opened.append(chrome.watched_page(chromium, **context))
        return opened[-1][0]

    yield open_it
    said = [
        complaint for _, complaints in opened for complaint in complaints
    ]  # before closing, which cuts requests
    for page, _ in opened:
        page.context.close()
    assert not said, said


@pytest.fixture(scope="session")
def lab(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the one JupyterLab, which serves copies of all notebooks. It needs the browser, so none, no server.

    The page of all explorers has an empty cell more than it ships with, at its end, for the tests to write in.
    """
    import nbformat

    folder = tmp_path_factory.mktemp("lab")
    for path in NOTEBOOKS.glob("*.ipynb"):
        shutil.copy(path, folder)
    (page,) = folder.glob("90_*.ipynb")
    notebook = nbformat.read(page, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell())
    nbformat.write(notebook, page)
    with jupyterlab(folder) as address:
        yield address
