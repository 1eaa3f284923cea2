"""A learner's own copy, as a learner meets it: the command `lab`, JupyterLab in Chromium, and a new version of the lesson."""

import json
import os
import shutil
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mlteach.course.lessons import ROOT
from tests.browser.chromium import folder_of_pictures, watched_page
from tests.browser.lab import CELLS, NOTEBOOK, Notebook, command_lab
from tests.browser.view import View

LESSON = "03_gradient_descent_is_an_lstm_cell"
ANSWER = "def cell(theta, gradient, f, i):\n    return f * theta - i * gradient  # größer als nötig: f = 1"
STUB = "def cell(theta, gradient, f, i):"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course of two lessons in a folder of its own, whose name has a space and an umlaut."""
    folder = tmp_path / "mein Übungskurs"
    shutil.copytree(ROOT / "mlteach", folder / "mlteach", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "data", folder / "data", ignore=shutil.ignore_patterns("omniglot"))
    (folder / "notebooks" / "src").mkdir(parents=True)
    for name in (LESSON, "90_every_explorer"):
        shutil.copy(ROOT / "notebooks" / f"{name}.ipynb", folder / "notebooks")
        shutil.copy(ROOT / "notebooks" / "src" / f"{name}.py", folder / "notebooks" / "src")
    return folder


@contextmanager
def opened(chromium: Any, course: Path) -> Iterator[tuple[Notebook, str]]:
    """The copy of the lesson in a fresh page, opened by `lab 03`, and what the command printed; nothing complains."""
    with command_lab(course, "03") as (address, log):
        said = log.read_text(encoding="utf-8")
        page, complaints = watched_page(chromium)
        yield Notebook(page, address, f"my/{LESSON}.ipynb"), said
        complained = list(complaints)  # before closing, which cuts requests
        page.context.close()
        assert not complained, complained


def up(seen: View) -> None:
    """Move the start of both paths."""
    grip = seen.root.get_by_label("Start of both paths")
    grip.focus()
    grip.press("ArrowUp")


def stored(notebook: Notebook, cell: int) -> View:
    """The explorer as the file has it. anywidget gives it two seconds to begin; on a machine that is busy a user loads the page again."""
    from playwright.sync_api import TimeoutError as NotYet

    for _ in range(3):
        found = notebook.show(cell).locator(".mlx")
        try:
            found.locator(".mlx-summary").wait_for(timeout=20_000)
            break
        except NotYet:
            notebook.page.reload()
            notebook.opened()
    return View(notebook.page, found)


#: How many characters stand on each full line of a lesson's paragraphs, as they are drawn.
LINES = """() => [...document.querySelectorAll('.jp-Notebook .jp-RenderedMarkdown > p:not(:has(mjx-container, code))')].flatMap((paragraph) => {
  const lines = new Map(), texts = document.createTreeWalker(paragraph, NodeFilter.SHOW_TEXT), one = document.createRange();
  while (texts.nextNode()) for (let k = 0; k < texts.currentNode.length; k++) {
    one.setStart(texts.currentNode, k); one.setEnd(texts.currentNode, k + 1);
    const top = Math.round(one.getBoundingClientRect().bottom / 8);
    lines.set(top, (lines.get(top) ?? 0) + 1);
  }
  return [...lines.values()].slice(0, -1);
})"""


@pytest.mark.skipif(os.name == "nt", reason="the command is ended as a group of processes")
def test_the_first_time_a_lesson_is_open_and_nothing_else_asks(course: Path, chromium: Any) -> None:
    """No news, no unsaved dot, the contents open, lines to be read, marks in colour, no solutions in the list, no broken link."""
    pictures = folder_of_pictures("my")
    with command_lab(course, "--executed", "03", quiet=False) as (address, _):
        page, complaints = watched_page(chromium, viewport={"width": 1440, "height": 900})
        page.goto(f"{address}/lab/tree/notebooks/{LESSON}.ipynb?reset")
        page.locator(".jp-TableOfContents .jp-tocItem", has_text="Which is which?").last.wait_for(
            timeout=60_000
        )
        idle = f"() => {NOTEBOOK}?.context.sessionContext.kernelDisplayStatus == 'idle'"
        page.wait_for_function(idle, timeout=60_000)
        page.wait_for_timeout(1500)  # for what comes late: a popup, a dot
        page.screenshot(path=pictures / "first.png")
        assert page.locator(".Toastify__toast").count() == 0
        assert not page.evaluate(f"() => {NOTEBOOK}.context.model.dirty")
        lines = page.evaluate(LINES)
        assert len(lines) > 3 and 74 <= statistics.median(lines) <= 86, lines

        marks = page.evaluate(
            f"() => {CELLS}.map((c, k) => [c.getMetadata('tags') ?? [], c.sharedModel.getSource(), {NOTEBOOK}.content.widgets[k].node.dataset.lesson])"
        )
        assert all(mark == "exercise" for tags, _, mark in marks if "exercise" in tags)
        assert all(mark == "prediction" for _, text, mark in marks if text.startswith("**Predict.**"))
        assert {mark for _, _, mark in marks} == {"exercise", "prediction", "check", None}
        for k, mark in ((k, mark) for k, (*_, mark) in enumerate(marks) if mark):
            page.evaluate(f"async k => {{ await {NOTEBOOK}.content.scrollToItem(k, 'start'); }}", k)
            seen = page.locator(f".jp-Cell[data-lesson={mark}] .jp-Cell-inputWrapper").first
            assert "rgba(0, 0, 0, 0)" != seen.evaluate("each => getComputedStyle(each).backgroundColor")
            if mark == "check":
                break
        page.screenshot(path=pictures / "marks.png")

        at = next(k for k, (_, text, _) in enumerate(marks) if "explorer = GradientCell(" in text)
        page.evaluate(f"async k => {{ await {NOTEBOOK}.content.scrollToItem(k, 'start'); }}", at)
        alone = page.locator(".jupyter-widgets-disconnected:has(.mlx)")
        alone.locator(".mlx-summary >> visible=true").first.wait_for()  # what is scrolled away may be hidden
        page.screenshot(path=pictures / "not_run.png")
        assert alone.first.evaluate("each => getComputedStyle(each, '::before').display") == "none"

        page.evaluate("() => { window.jupyterapp.commands.execute('filebrowser:activate'); }")
        names = page.locator(".jp-DirListing-itemText")
        names.first.wait_for()
        assert names.all_inner_texts() == [f"{LESSON}.ipynb", "90_every_explorer.ipynb"]
        said = list(complaints)
        page.context.close()
        assert not said, said


@pytest.mark.skipif(os.name == "nt", reason="the command is ended as a group of processes")
def test_an_answer_outlives_a_new_version_of_the_lesson(course: Path, chromium: Any) -> None:
    """The copy opens without results, beside the other copies; explorers live; an answer stays, and the lesson is new."""
    pictures = folder_of_pictures("my")
    with opened(chromium, course) as (notebook, said):
        assert "Made 2 copies of your own in my/" in said
        page = notebook.page
        assert page.evaluate(
            f"() => {CELLS}.every(c => c.type != 'code' || !c.sharedModel.getOutputs().length)"
        )
        notebook.command("filebrowser:activate")
        page.locator(".jp-DirListing-itemText", has_text="90_every").wait_for()
        assert page.locator(".jp-DirListing-itemText", has_text="src").count() == 0
        page.screenshot(path=pictures / "opened.png")
        notebook.command("application:toggle-left-area")

        for text in ("PROFILE =", "import math", "explorer = GradientCell("):
            at = notebook.find(text)
            notebook.run(at, notebook.sources()[at])
        seen = View(page, notebook.show(at).locator(".mlx"))
        seen.changes(lambda: up(seen))
        assert notebook.ask("explorer.summary") == seen.summary
        page.screenshot(path=pictures / "explorer.png")

        stub = notebook.find(STUB)
        notebook.run(stub, ANSWER)
        notebook.run(stub + 1, 'check("03.1", cell)')
        assert notebook.text(stub + 1)
        notebook.command("docmanager:save")
        notebook.wait(f"!{NOTEBOOK}.context.model.dirty")

    source = course / "notebooks" / "src" / f"{LESSON}.py"
    text = source.read_text(encoding="utf-8")
    head = text.index('# %% tags=["parameters"]')
    text = text[:head] + "# %% [markdown]\n# A thought that the second edition adds.\n\n" + text[head:]
    assert text.count(f"{STUB}\n") >= 1
    source.write_text(text.replace(f"{STUB}\n", f'{STUB}\n    """The new memory."""\n', 1), encoding="utf-8")

    with opened(chromium, course) as (notebook, said):
        assert "the lesson has a new version" in said
        page = notebook.page
        texts = page.evaluate(f"() => {CELLS}.map(c => c.sharedModel.getSource())")
        at = texts.index(ANSWER)
        assert "Both changed" in texts[at - 1] and "The new memory." in texts[at - 1]
        assert "A thought that the second edition adds." in texts
        assert notebook.text(at + 1)  # what the check said then
        seen = stored(notebook, notebook.find("explorer = GradientCell("))
        seen.changes(lambda: up(seen))  # without a cell that was run
        notebook.show(at - 1)
        page.wait_for_timeout(500)
        page.screenshot(path=pictures / "second_edition.png")
    (kept,) = (course / "my" / "backups").iterdir()
    assert ANSWER in [
        "".join(cell["source"]) for cell in json.loads(kept.read_text(encoding="utf-8"))["cells"]
    ]
