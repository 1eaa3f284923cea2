"""What the browser tests share: one Chromium and one JupyterLab for all of them, a fresh page for each.

    python3 start.py test tests/browser

They need Chromium or Chrome from the system (Debian: ``apt-get install chromium fonts-dejavu-core``). Without it they are
skipped and say so; where the environment variable ``MLTEACH_BROWSER`` is ``required``, as in CI, they fail.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlteach.course.lessons import NOTEBOOKS
from tests.browser import chromium as chrome
from tests.browser.lab import jupyterlab

HERE = Path(__file__).parent
SECONDS = pytest.StashKey[dict[str, float]]()
SKIPPED = pytest.StashKey[str]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The browser comes last: the rest fails faster, and Playwright leaves an event loop in this thread."""
    items.sort(key=lambda item: HERE in item.path.parents)
    for item in items:
        if HERE in item.path.parents and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(240))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Keep the time of each browser test, with what it set up."""
    began = time.monotonic()
    result = yield
    if HERE in item.path.parents:
        item.config.stash.setdefault(SECONDS, {})[item.nodeid] = time.monotonic() - began
    return result


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say how many browser tests there were and what they took, or in one line why there were none."""
    seconds = config.stash.get(SECONDS, {})
    if reason := config.stash.get(SKIPPED, None):
        terminalreporter.write_line(f"Browser tests: skipped, because {reason}.")
    elif seconds:
        terminalreporter.write_line(f"Browser tests: {len(seconds)} in {sum(seconds.values()):.0f} s.")


@pytest.fixture(scope="session")
def chromium(pytestconfig: pytest.Config) -> Iterator[Any]:
    """The one running browser (``playwright.sync_api.Browser``)."""
    if reason := chrome.missing():
        if chrome.required():
            pytest.fail(f"MLTEACH_BROWSER=required, but {reason}.", pytrace=False)
        pytestconfig.stash[SKIPPED] = reason
        pytest.skip(reason)
    with chrome.browser() as running:
        yield running


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
