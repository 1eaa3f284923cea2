"""Cases of the website and the slides: what a notebook brings to a page, and the folder they are written to."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from mlteach.course import lectures, lessons
from mlteach.course.build import WIDGET_STATE, WIDGET_VIEW
from mlteach.course.lessons import ROOT
from mlteach.course.site import build_site, page
from mlteach.course.site.folder import folder, free, publish
from mlteach.course.slides import lectured
from mlteach.course.source import learner_notebook
from mlteach.explore.base import script, stylesheet
from tests.robustness.table import Room, case

PAGES, FOLDER = "What a page may hold", "The folder of the site"
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


# What a page may hold


def text(source: str, **more: Any) -> tuple[Any, dict[str, Any]]:
    return new_markdown_cell(source, **more), {}


def shown(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
    output = new_output("display_data", data=data, metadata=metadata or {})
    return new_code_cell("1", outputs=[output]), {}


def widget(**state: Any) -> tuple[Any, dict[str, Any]]:
    """An explorer, with something else in its state."""
    ours = {
        "_esm": script("gradient_cell"),
        "_css": stylesheet("gradient_cell"),
        "_anywidget_id": "mlteach.explore.gradient_cell.GradientCell",
    }
    cell, _ = shown({WIDGET_VIEW: {"model_id": "m"}})
    return cell, {"widgets": {WIDGET_STATE: {"state": {"m": {"state": ours | state}}}}}


TAKES = ", which a page does not take: it shows text, tables, formulas, pictures and explorers. The sign itself is written &lt;."
RUNS = "; nothing runs on a page but the course's explorers. Leave it out."
FOREIGN = "98_small: cell 98 shows a widget whose script is not that of an explorer in mlteach.explore, so it does not run on a page. Show an explorer, or rebuild the lesson: python3 start.py build 98"
ELEMENT = "98_small: cell 98 holds the element <{}>" + TAKES
ASKS = '98_small: cell 98 holds "{0}", so the page would ask for "{0}"; put the file beside the notebook.'
for wrong, made, said in (
    ("a script in a text", text("<script>hurt()</script>"), ELEMENT.format("script")),
    ("a script in a title", text("# 98 Small <script>hurt()</script>"), ELEMENT.format("script")),
    ("a script in a promise or a heading", text("# 98 Small\n\nA <script>hurt()</script> promise.\n\n## Why <script>hurt()</script>?"), ELEMENT.format("script")),
    ("a script in an output", shown({"text/html": "<b>a</b><script>hurt()</script>"}), ELEMENT.format("script")),
    ("a frame", text('<iframe srcdoc="&lt;script>hurt()&lt;/script>"></iframe>'), ELEMENT.format("iframe")),
    ("a page that leads elsewhere by itself (meta refresh)", text('<meta http-equiv="refresh" content="0; url=https://x.example">'), ELEMENT.format("meta")),
    ("a drawing that uses another server's (xlink:href)", text('<svg><use xlink:href="https://x.example/a.svg#a"/></svg>'), ELEMENT.format("svg")),
    ("a handler", text('<b onclick="hurt()">a</b>'), '98_small: cell 98 has "onclick" at its <b>' + RUNS),
    ("a javascript: link in HTML", text('<a href="javascript:hurt()">a</a>'), '98_small: cell 98 has a link: it links to "javascript:hurt()", which is not on the site. Give a lesson or a whole address.'),
    ("a picture of another server", text("![a](https://x.example/a.png)"), ASKS.format("https://x.example/a.png")),
    ("a picture of another server, in an output", shown({"text/html": '<img src="https://x.example/a.png">'}), ASKS.format("https://x.example/a.png")),
    ("a style that fetches", text('<p style="background: url(https://x.example/a)">a</p>'), '98_small: cell 98 has a style, so the page would ask for what "background: url(https://x.example/a)" names. Leave it out.'),
    ("a style that fetches, in another way (image-set)", text("<p style=\"background: image-set('https://x.example/a' 1x)\">a</p>"), "98_small: cell 98 has a style, so the page would ask for what \"background: image-set('https://x.example/a' 1x)\" names. Leave it out."),
    ("a look that a table brings along, importing another: it is left out", shown({"text/html": "<style>@import 'https://x.example/a.css';</style><table></table>"}), ""),
    ("a picture whose bytes are none", shown({"image/png": f'{DOT}"><script>'}), "98_small: cell 98 shows a picture (image/png) whose bytes are not base 64. Run its cell again."),
    ("a picture whose width is none", shown({"image/png": DOT}, {"image/png": {"alt": "A dot.", "width": '1" onload="hurt()'}}), '98_small: cell 98 shows a picture whose width is "1" onload="hurt()", not a number of pixels. Give one, or leave it out.'),
    ("an attachment that is missing", text("![a](attachment:a.png)"), '98_small: cell 98 shows "attachment:a.png", which is not there. Attach it, or put the file beside the notebook.'),
    ("an output of a kind that a page cannot show", shown({"application/javascript": "hurt()"}), "98_small: cell 98 has an output that a page cannot show (application/javascript); give it a text or a picture."),
    ("a link to a lesson that there is not", text("[a](42_nothing.ipynb)"), "98_small links to 42_nothing.ipynb, and there is no such lesson. Link to one that there is."),
    ("a formula that cannot be read", text("$\\nosuch{x}$"), '98_small: The formula \\nosuch{x} cannot be read: 0: Unknown command "\\nosuch". Write it in another way.'),
    ("half a formula", text("It costs 5$ or so."), '98_small: there is a dollar sign in "It costs 5$ or so.": an unfinished formula? A price is written \\$5.'),
    ("a foreign widget", widget(_esm="hurt()", _anywidget_id="other.Widget"), FOREIGN),
    ("an explorer with a foreign style", widget(_css="@import 'https://x.example/a.css'"), FOREIGN),
    ("HTML in an explorer's state", widget(step="<img src=x onerror=hurt()>"), '98_small: cell 98 shows an explorer whose state holds HTML: "<img src=x onerror=hurt()>". Set it to plain text.'),
    ("a number in a sentence that moves what there is not", text('<span data-moves="GradientCell.forgot">1</span>'), '98_small: cell 98 moves "GradientCell.forgot", which has no range to move in. GradientCell has forget, input, momentum, rate, steps, surface.'),
    ("a number in a sentence whose explorer is not shown", text('<span data-moves="GradientCell.forget">1</span>'), "98_small: cell 98 has a number that moves GradientCell.forget, and no such explorer is shown. Show one, or write the number alone."),
    ("a widget that is no explorer", shown({WIDGET_VIEW: {"model_id": "m"}}), "98_small: cell 98 shows a widget that is no explorer. Without a kernel it would be dead; show an explorer."),
):  # fmt: skip

    @case(PAGES, wrong, said)
    def on_page(room: Room, made: tuple[Any, dict[str, Any]] = made) -> None:
        cell, metadata = made
        path = room.folder / "98_small.ipynb"
        cell.id = "98"
        nbformat.write(new_notebook(cells=[cell], metadata=metadata), path)
        html = page(path, [])
        assert "x.example" not in html and "<title>98_small" in html


@case(PAGES, "a title with `a<b` in it: it is that title")
def title(room: Room) -> None:
    path = room.folder / "98_small.ipynb"
    nbformat.write(new_notebook(cells=[new_markdown_cell("# 98 Is a<b?")]), path)
    assert "Is a&lt;b?</title>" in page(path, [])


def site(room: Room, content: str | bytes) -> None:
    """The site of a course whose only notebook holds ``content``."""
    source = room.course()
    room.patch.setattr("mlteach.course.site.lesson.stale", lambda source: None)
    lessons.notebook(source).write_bytes(content.encode() if isinstance(content, str) else content)
    try:
        build_site(room.folder / "site", progress=False)
    finally:
        assert not (room.folder / "site").exists()


NONE = "98_small.ipynb is not a whole notebook ({}). Rebuild it: python3 start.py build 98"
whole = nbformat.writes(new_notebook(cells=[new_markdown_cell("# 98 Small")]))
for wrong, content, why in (
    ("a notebook is empty", "", "…"),
    ("a notebook is cut short", whole[:-20], "…"),
    ("a notebook is latin-1", "é".encode("latin-1"), "…"),
    ("a notebook is another JSON", "[]", "…"),
    ("a cell of a notebook is of no kind", whole.replace("markdown", "video"), "…"),
):

    @case(PAGES, wrong, NONE.format(why))
    def no_notebook(room: Room, content: str | bytes = content) -> None:
        site(room, content)


@case(
    PAGES,
    "a notebook cannot be read",
    "98_small.ipynb cannot be read: Is a directory. Give yourself the right to read it, or rebuild it.",
)
def unreadable(room: Room) -> None:
    lessons.notebook(room.course()).mkdir()  # as unreadable as can be, for root too
    build_site(room.folder / "site", progress=False)


@case(
    PAGES,
    "a notebook is older than its source",
    "98_small.ipynb …. Run: python3 start.py build 98",
)
def stale(room: Room) -> None:
    lessons.notebook(room.course()).write_text(whole)
    build_site(room.folder / "site", progress=False)


@case(
    PAGES,
    "what was recorded for slides is cut short",
    "…98.json is not a whole record of a lecture run. Get it back with git, or make it anew: python3 start.py run 98 "
    "--profile lecture, then python3 start.py slides 98 --record",
)
def no_record(room: Room) -> None:
    source = room.course()
    room.patch.setattr(lectures, "LECTURES", room.folder)
    (room.folder / "98.json").write_text('{"cells": {')
    lectured(learner_notebook(source), source)


# The folder

OLD, NEW = {"00_a.html": "old", "index.html": "old map"}, {"00_a.html": "new", "index.html": "new map"}
ELSE = "Choose another folder with --output."


def held(target: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in target.iterdir() if path.is_file()}


def exchanged(target: Path, pages: dict[str, str] = NEW) -> None:
    publish(pages, target, kind="site", all_of_it=True)


def touched(room: Room, spoil: Callable[[Path], object]) -> None:
    """Write a site, spoil its folder, and write it anew: if that is refused, all is as it was."""
    target = room.folder / "site"
    exchanged(target, OLD)
    spoil(target)
    before = held(target)
    try:
        exchanged(target)
    except Exception:
        assert held(target) == before
        raise


IN_THE_WAY = "…{} is in the way: this command has not written it, or it was changed since. Nothing was changed. Move it away, or choose another folder with --output."
for wrong, spoil, said in (
    ("a page of the site was changed by hand", lambda p: (p / "00_a.html").write_text("mine"), IN_THE_WAY.format("00_a.html")),
    ("a folder is called as a page", lambda p: ((p / "00_a.html").unlink(), (p / "00_a.html").mkdir()), IN_THE_WAY.format("00_a.html")),
    ("a link is called as a page", lambda p: ((p / "index.html").unlink(), (p / "index.html").symlink_to("nowhere")), IN_THE_WAY.format("index.html")),
    ("the list of pages is damaged", lambda p: (p / ".mlteach-site.json").write_text("{"), "…/site/.mlteach-site.json is not the list of pages it should be. Delete it, or choose another folder."),
    ("the list of pages names a file outside", lambda p: (p / ".mlteach-site.json").write_text('{"../x.html": []}'), "…/site/.mlteach-site.json is not the list of pages it should be. Delete it, or choose another folder."),
    ("other files lie beside the pages: they stay", lambda p: (p / "CNAME").write_text("mine"), ""),
    ("an earlier call was killed and left its unfinished pages", lambda p: (p / ".mlteach-site-01234567.part").mkdir(), ""),
):  # fmt: skip

    @case(FOLDER, wrong, said)
    def in_the_way(room: Room, spoil: Callable[[Path], object] = spoil) -> None:
        touched(room, spoil)


@case(FOLDER, "a file of somebody's is called as a page", IN_THE_WAY.format("index.html"))
def foreign_file(room: Room) -> None:
    (room.folder / "index.html").write_text("mine")
    try:
        exchanged(room.folder)
    finally:
        assert held(room.folder) == {"index.html": "mine"}


for number, wrong in ((errno.ENOSPC, "the disk is full"), (errno.EROFS, "the disk is read-only")):

    @case(
        FOLDER,
        f"{wrong}: the old site stands",
        f"…/site could not be written: {os.strerror(number)}. Choose another folder with --output, or make room there.",
    )
    def refused(room: Room, number: int = number) -> None:
        def full(descriptor: int) -> None:
            raise OSError(number, os.strerror(number))

        touched(room, lambda target: room.patch.setattr(os, "fsync", full))


MORE, OURS = (
    "… holds more than pages, so none are written there. " + ELSE,
    "… belongs to the course itself, so no pages are written there. " + ELSE,
)
for output, wrong, said in (
    (".", "the course's own folder", MORE),
    ("/", "the root of the disk", MORE),
    ("~", "your home folder", MORE),
    ("notebooks", "a folder of the course", OURS),
    ("my/site", "a folder in one of the course's", OURS),
    ("site/../tests", "a folder of the course, by a detour", OURS),
    (".git", "git's folder", OURS),
    ("~nosuchuser/site", "the home of nobody", "~nosuchuser/site: the home of that user is not known. " + ELSE),
):  # fmt: skip

    @case(FOLDER, f"`--output {output}`: {wrong}", said)
    def no_folder(room: Room, output: str = output) -> None:
        assert ROOT.is_dir()
        free(folder(Path(output)))


@case(FOLDER, "`--output` is a file", "… is a file, not a folder. " + ELSE)
def a_file(room: Room) -> None:
    (room.folder / "site").touch()
    free(room.folder / "site")


@case(FOLDER, "`--output` is a link", "… is a link; name the folder that it leads to. " + ELSE)
def a_link(room: Room) -> None:
    (room.folder / "site").symlink_to(room.folder)
    free(room.folder / "site")
