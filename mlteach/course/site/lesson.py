"""A lesson as the site names it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlteach.course.build import stale
from mlteach.course.lessons import LessonError, notebook, sources
from mlteach.files import write_atomic


@dataclass(frozen=True)
class Lesson:
    """``name``: its file's without the ending. ``title``, ``promise`` and ``minutes`` stand in its first cell."""

    name: str
    title: str
    promise: str
    minutes: str

    @property
    def number(self) -> str:
        return self.name[:2]

    @property
    def name_alone(self) -> str:
        """The title without the number."""
        return self.title.removeprefix(self.number).strip()


def all_lessons() -> list[Lesson]:
    """Every lesson that was built, in order."""
    built = (source for source in sources() if notebook(source).exists())
    return [about(read(notebook(source)), source.stem) for source in built]


def about(lesson: Any, name: str) -> Lesson:
    """Title, promise and minutes of a lesson (a notebook node)."""
    first = lesson.cells[0].source if lesson.cells else ""
    title = re.search(r"^# (.+)$", first, re.M)
    promise = re.search(r"^# .+\n+((?:[^\n]+\n?)+)", first, re.M)
    minutes = re.search(r"(\d+) minutes", first)
    return Lesson(
        name,
        title[1].strip() if title else name,
        " ".join(promise[1].replace("`", "").split()) if promise else "",
        minutes[1] if minutes else "",
    )


def fresh(source: Path) -> Path:
    """The notebook of ``source``. Raises LessonError when it is missing or older than its source."""
    if reason := stale(source):
        raise LessonError(f"{notebook(source).name} {reason}. Run: python3 start.py build {source.stem[:2]}")
    return notebook(source)


def read(path: Path) -> Any:
    """The notebook at ``path`` (a notebook node)."""
    import nbformat

    return nbformat.read(path, as_version=4)


def write(path: Path, html: str) -> Path:
    """Write a page, whole or not at all; returns its path. Raises LessonError where the system refuses."""
    try:
        write_atomic(path, html)
    except OSError as error:
        raise LessonError(
            f"{path} could not be written: {error.strerror}. Choose another folder with --output, or make room there."
        ) from error
    return path
