"""Every explorer as a student meets it: JupyterLab in Chromium, a live kernel, keyboard, mouse and finger.

All explorers stand in one notebook. It is run from top to bottom once, and opened anew beside the running kernel. Opening it takes
seconds, so all its tests share one page: first it is looked at as it opens, then each explorer is made again for the hands, and the
last test restarts the kernel. Of several processes one has all of them.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mlteach.course.lessons import NOTEBOOKS
from tests.browser.chromium import folder_of_pictures, watched_page, without_complaint
from tests.browser.explorers import ROWS, variable
from tests.browser.lab import NOTEBOOK, Notebook
from tests.browser.view import View

PAGE = next(NOTEBOOKS.glob("90_*.ipynb")).name
LESSON = "03_gradient_descent_is_an_lstm_cell.ipynb"
every_explorer = pytest.mark.parametrize("name", ROWS)


@pytest.fixture(scope="module")
def ran(lab: str, chromium: Any) -> str:
    """The address of JupyterLab after the page of all explorers was run from top to bottom and saved."""
    page, complaints = watched_page(chromium)
    notebook = Notebook(page, lab, PAGE)
    notebook.run_all()
    notebook.command("docmanager:save")
    notebook.wait(f"!{NOTEBOOK}.context.model.dirty")
    said = list(complaints)
    page.context.close()
    assert not said, said
    return lab


def view(notebook: Notebook, name: str) -> View:
    """The explorer where its own cell shows it."""
    return View(notebook.page, notebook.show(notebook.find(f"{variable(name)} = {name}")).locator(".mlx"))


def fresh(notebook: Notebook, name: str) -> View:
    """The same after its cell was run again: in its first state."""
    cell = notebook.find(f"{variable(name)} = {name}")
    notebook.run(cell, notebook.sources()[cell])
    notebook.text(cell)
    return view(notebook, name)


def agree(notebook: Notebook, seen: View, name: str) -> str:
    """Wait until Python's summary is the widget's, and return it: a message takes a moment to arrive."""
    for _ in range(40):
        said = notebook.ask(f"{variable(name)}.summary")
        if said == seen.summary:
            return str(said)
        notebook.page.wait_for_timeout(50)
    raise AssertionError(f"Python says:     {said}\nthe widget says: {seen.summary}")


@pytest.fixture(scope="module")
def kept(ran: str, chromium: Any) -> Iterator[tuple[Notebook, list[str]]]:
    """The notebook on a page with a touch screen, and what that page complains of."""
    page, complaints = watched_page(chromium, has_touch=True)
    yield Notebook(page, ran, PAGE), complaints
    page.context.close()


@pytest.fixture
def opened(kept: tuple[Notebook, list[str]]) -> Iterator[Notebook]:
    """The notebook that the tests share. Fails when its page has complained."""
    notebook, complaints = kept
    with without_complaint(complaints):
        yield notebook


@pytest.mark.parametrize(("width", "theme"), [(400, "light"), (1280, "dark")])
def test_fits(opened: Notebook, width: int, theme: str) -> None:
    """Nothing is cut off, in a narrow window and in a wide one; and a screenshot of each, to be looked at."""
    opened.page.set_viewport_size({"width": width, "height": 2400})
    opened.dark(theme == "dark")
    try:
        for name in ROWS:
            seen = view(opened, name)
            seen.settled()
            seen.sound()
            if theme == "dark":
                seen.accessible()
            seen.keep_picture(folder_of_pictures("lab") / f"{variable(name)}_{width}_{theme}.png")
    finally:
        opened.dark(False)
        opened.page.set_viewport_size({"width": 1280, "height": 1000})


#: Two views of one explorer, without the picture that Python draws for where no script runs.
TWICE = """view = {{"application/vnd.jupyter.widget-view+json": {{"version_major": 2, "version_minor": 0, "model_id": {0}.model_id}}}}
display(view, view, raw=True)"""


@every_explorer
def test_hands_kernel_and_two_views(opened: Notebook, name: str) -> None:
    """Keys, mouse and finger change the picture, and Python sees it; Python sets a trait, and the picture follows.

    Then two more views of the same explorer are shown: what one does, the other does.
    """
    row, me, notebook = ROWS[name], variable(name), opened
    seen = fresh(notebook, name)
    said = {agree(notebook, seen, name)}
    hands: dict[str, Callable[[], Any]] = {"keys": lambda: seen.key(row.keys)}
    if drag := row.drag:
        hands |= {"the mouse": lambda: seen.drag(drag), "a finger": lambda: seen.touch(drag)}
    trait, value = row.set
    hands["Python"] = lambda: notebook.ask(f"setattr({me}, {trait!r}, {value!r})")
    for what, hand in hands.items():
        seen.changes(hand, what)
        said.add(agree(notebook, seen, name))
    assert len(said) > 2, said
    seen.sound()

    scratch = len(notebook.sources()) - 1
    notebook.run(scratch, TWICE.format(me))
    both = notebook.show(scratch).locator(".mlx")
    first, second = (View(notebook.page, both.nth(k)) for k in (0, 1))
    notebook.page.mouse.move(0, 0)  # what it rests on is lit in that view alone
    for each in (first, second):
        each.settled()
    assert first.picture == second.picture
    second.changes(lambda: first.key(row.keys))
    assert first.summary == second.summary and first.picture == second.picture
    agree(notebook, second, name)
    notebook.run(scratch, "")


def test_lesson_03(lab: str, open_page: Callable[..., Any]) -> None:
    """A lesson from its first cell to its explorer: the widget and the kernel say the same, whoever moves it."""
    notebook = Notebook(open_page(), lab, LESSON)
    at = notebook.find("explorer = GradientCell(")
    notebook.run_up_to(at)
    seen = View(notebook.page, notebook.show(at).locator(".mlx"))
    grip = seen.root.get_by_label("Start of both paths")
    seen.changes(lambda: (grip.focus(), grip.press("Shift+ArrowRight"), grip.press("ArrowUp")))
    notebook.page.wait_for_timeout(200)
    assert notebook.ask("explorer.start") == (-0.6, 1.12)
    assert notebook.ask("explorer.summary") == seen.summary
    seen.changes(lambda: notebook.ask("setattr(explorer, 'forget', 0.9)"))
    assert notebook.ask("explorer.summary") == seen.summary and "f = 0.9" in seen.summary


#: Lines, a map of pixels, pictures one draws on, and what takes longest to come: what a restart does is the base's matter.
RESTARTED = ("GradientCell", "LossLandscape", "EpisodeInspector", "AdaptationLab")


def test_a_restart(opened: Notebook) -> None:
    """The kernel is restarted under the explorers and their cells run again: old views draw on alone, new ones live."""
    notebook = opened
    for name in RESTARTED:
        fresh(notebook, name)
    notebook.restart()
    for name in RESTARTED:
        old = view(notebook, name)
        old.changes(lambda old=old, name=name: old.key(ROWS[name].keys))
        old.sound()
    notebook.run_up_to(min(notebook.find(f"{variable(name)} = {name}") for name in ROWS))
    for name in RESTARTED:
        new = fresh(notebook, name)
        agree(notebook, new, name)  # it is drawn and live; a key before that may be lost
        new.changes(lambda new=new, name=name: new.key(ROWS[name].keys))
        agree(notebook, new, name)
        new.sound()
