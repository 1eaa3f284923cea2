"""The course as a website: one self-contained page a lesson, and a map of them. It executes nothing.

build_page(Path("notebooks/03_gradient_descent_is_an_lstm_cell.ipynb"), Path("page.html"))
build_site(Path("site"))
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlteach.course.build import stale
from mlteach.course.lessons import LessonError, notebook, sources
from mlteach.files import write_atomic

#: A page may not be larger: it is opened on phones, and mailed.
MOST_BYTES = 3_000_000


@dataclass(frozen=True)
class Lesson:
    """A lesson as the site names it: ``name`` is its file's without the ending."""

    name: str
    title: str
    promise: str
    minutes: str

    @property
    def number(self) -> str:
        return self.name[:2]


def build_page(notebook_path: Path, target: Path, lessons: Sequence[Lesson] | None = None) -> Path:
    """Write the executed notebook as one HTML file that needs no kernel, no network and no other file.

    ``lessons``: those of the site, in order; links and "next" lead to them. Without them: all that have a source.
    Raises LessonError for a formula that cannot be read, a dead link, a widget that would be dead.
    """
    write_atomic(target, page(notebook_path, all_lessons() if lessons is None else lessons))
    return target


def build_site(target: Path, *, progress: bool = True) -> Path:
    """Write all lessons and the map of the course into the folder ``target``; returns the map's file.

    Nothing is executed and nothing is written before all pages are made. Raises LessonError, also for a notebook that
    is older than its source.
    """
    from tqdm import tqdm

    for source in sources():
        fresh(source)
    lessons = all_lessons()
    names = tqdm(lessons, desc="site", unit="page", delay=2, disable=None if progress else True)
    pages = {f"{lesson.name}.html": page(notebook(Path(lesson.name)), lessons) for lesson in names}
    for name, html in pages.items():
        write_atomic(target / name, html)
    return target


def fresh(source: Path) -> Path:
    """The notebook of ``source``. Raises LessonError when it is missing or out of date."""
    if reason := stale(source):
        raise LessonError(f"{notebook(source).name} {reason}. Run: python3 start.py build {source.stem[:2]}")
    return notebook(source)


def page(notebook_path: Path, lessons: Sequence[Lesson]) -> str:
    """The HTML of one lesson."""
    from mlteach.course.site.explorers import explorers
    from mlteach.course.site.exporter import Exporter, as_script, self_contained
    from mlteach.course.site.markdown import Page

    name = notebook_path.stem
    read = _read(notebook_path)
    place = next((k for k, each in enumerate(lessons) if each.name == name), None)
    packed = explorers(read, name=name)
    this = about(read, name)
    site: dict[str, Any] = {
        **vars(this),
        "number": this.number,
        "explorers": packed,
        "store": as_script({"modules": packed["modules"], "models": packed["models"]}),
        "before": lessons[place - 1] if place else None,
        "after": lessons[place + 1] if place is not None and place + 1 < len(lessons) else None,
    }
    names = {each.name for each in lessons} | {name}
    html, _ = Exporter("mlteach", Page(name, names), site).from_notebook_node(read)
    self_contained(html, name=name, pages={f"{each}.html" for each in (*names, "index")})
    if len(html.encode()) > MOST_BYTES:
        raise LessonError(f"{name}: its page is over {MOST_BYTES:,} bytes; draw fewer or smaller pictures.")
    return html


def all_lessons() -> list[Lesson]:
    """Every lesson that has a source and was built, in order."""
    return [about(_read(notebook(source)), source.stem) for source in sources() if notebook(source).exists()]


def about(read: Any, name: str) -> Lesson:
    """Title, promise and minutes of a lesson, from its first cell."""
    first = read.cells[0].source if read.cells else ""
    title = re.search(r"^# (.+)$", first, re.M)
    promise = re.search(r"^# .+\n+((?:[^\n]+\n?)+)", first, re.M)
    minutes = re.search(r"(\d+) minutes", first)
    return Lesson(
        name,
        title[1].strip() if title else name,
        " ".join(promise[1].split()) if promise else "",
        minutes[1] if minutes else "",
    )


def _read(path: Path) -> Any:
    import nbformat

    return nbformat.read(path, as_version=4)
