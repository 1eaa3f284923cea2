"""A lesson as the site names it."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlteach.course.build import WIDGET_STATE, WIDGET_VIEW, stale
from mlteach.course.lessons import LessonError, notebook, sources
from mlteach.course.site.markdown import DOLLAR
from mlteach.course.source import first_line
from mlteach.files import write_atomic


@dataclass(frozen=True)
class Lesson:
    """``name``: its file's without the ending. ``title``, ``promise`` and ``minutes`` stand in its first cell.

    ``markdown``: the promise as it is written; without markup where it is not given.
    """

    name: str
    title: str
    promise: str
    minutes: str
    markdown: str = ""

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
    first = lesson.cells[0].source.replace("\\$", DOLLAR) if lesson.cells else ""
    title = re.search(r"^# (.+)$", first, re.M)
    promise = re.search(r"^# .+\n+((?:[^\n]+\n?)+)", first, re.M)
    minutes = re.search(r"(\d+) minutes", first)
    said = " ".join(promise[1].split()) if promise else ""
    return Lesson(
        name,
        title[1].strip() if title else name,
        _plain(said),
        minutes[1] if minutes else "",
        said,
    )


def _plain(markdown: str) -> str:
    """A sentence without what marks its words."""
    return re.sub(
        r"\[(.+?)\]\([^)]*\)", r"\1", re.sub(r"(\*\*?)(?=\S)(.+?)(?<=\S)\1", r"\2", markdown.replace("`", ""))
    )


def fresh(source: Path) -> Path:
    """The notebook of ``source``. Raises LessonError when it is missing, cannot be read, or is older than its source."""
    if notebook(source).exists():
        read(notebook(source))
    if reason := stale(source):
        raise LessonError(f"{notebook(source).name} {reason}. Run: python3 start.py build {source.stem[:2]}")
    return notebook(source)


def read(path: Path) -> Any:
    """The notebook at ``path`` (a notebook node). Raises LessonError, naming it, when it cannot be read as a whole one."""
    import nbformat
    from nbformat import ValidationError, reader

    try:
        lesson = nbformat.convert(reader.reads(path.read_text(encoding="utf-8")), 4)
        sound(lesson)
    except OSError as error:
        raise LessonError(
            f"{path.name} cannot be read: {error.strerror}. Give yourself the right to read it, or rebuild it."
        ) from error
    except (ValidationError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        said = " ".join(first_line(str(error)).split())[:100]
        raise LessonError(
            f"{path.name} is not a whole notebook ({said or type(error).__name__}). Rebuild it: "
            f"python3 start.py build {path.name[:2]}"
        ) from error
    return lesson


def sound(lesson: Any) -> None:
    """Raise one of the errors that `read` catches where a notebook node is none that a page can be made of."""
    import nbformat

    if not all("id" in cell for cell in lesson.cells):
        raise ValueError("a cell has no id")  # nbformat would give it one
    nbformat.validate(lesson)
    json.dumps(lesson, ensure_ascii=False).encode()  # half a character cannot be written
    _check(lesson)


def _check(lesson: Any) -> None:
    """Raise ValueError for what nbformat lets through and a page cannot be made of."""

    def must(sound: bool, what: str) -> None:
        if not sound:
            raise ValueError(what)

    for cell in lesson.cells:
        about = cell.metadata.get("slideshow", {})
        must(isinstance(about, dict), f"the slideshow of cell {cell.id}")
        for key in ("slide_type", "notes"):
            must(isinstance(about.get(key, ""), str), f"the slideshow of cell {cell.id}")
        for output in cell.get("outputs", []):
            view = output.get("data", {}).get(WIDGET_VIEW, {"model_id": ""})
            must(
                isinstance(view, dict) and isinstance(view.get("model_id"), str),
                f"the widget of cell {cell.id}",
            )
    widgets = lesson.metadata.get("widgets", {})
    must(isinstance(widgets, dict), "its widgets")
    models = widgets.get(WIDGET_STATE, {}).get("state", {})
    for name, model in models.items():
        must(isinstance(model.get("state"), dict), f"the state of widget {name}")
        for buffer in model.get("buffers", []):
            path = buffer.get("path")
            must(
                isinstance(path, list) and all(isinstance(each, str) for each in path),
                f"the bytes of widget {name}",
            )
            must(isinstance(buffer.get("data"), str) and "encoding" in buffer, f"the bytes of widget {name}")


def write(path: Path, html: str) -> Path:
    """Write a page, whole or not at all; returns its path. Raises LessonError where the system refuses."""
    try:
        write_atomic(path, html)
    except OSError as error:
        raise LessonError(
            f"{path} could not be written: {error.strerror}. Choose another folder with --output, or make room there."
        ) from error
    return path
