"""From the text of a lesson to the learner's notebook, not yet executed.

A source is a py:percent file. What stands between ``### BEGIN SOLUTION`` and ``### END SOLUTION`` becomes ``...`` in the
learner's notebook; the solved cell is folded away behind the check that follows. The fences are nbgrader's. A cell of
the slide type "notes" is what the lecturer says: it becomes metadata of the cell before it. Before the first imports stands
jupyter/setup_cell.py, so that a lesson in a foreign kernel ends in one sentence.
"""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlteach.course.lessons import LAB, LessonError
from mlteach.files import in_words

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
FENCE = re.compile(rf"^([ \t]*){BEGIN}[ \t]*\n(.*?)^[ \t]*{END}[ \t]*$", re.DOTALL | re.MULTILINE)
KEPT_METADATA = ("tags", "jupyter", "slideshow")
SETUP_CELL = LAB / "setup_cell.py"
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lesson: the cell with its solution, the cell as the learner gets it, and the check after it."""

    solved: str
    stub: str
    check: str


def read(path: Path) -> Any:
    """The cells of a source as they are written, fences and all (a notebook node). Raises LessonError."""
    import jupytext

    try:
        text = path.read_text(encoding="utf-8-sig")
    except IsADirectoryError:
        raise LessonError(
            f"{path} is a folder, not the source of a lesson. Rename it or move it away."
        ) from None
    except UnicodeDecodeError as error:
        raise LessonError(
            f"{path.name} is not UTF-8 (byte {error.start} of it, {error.object[error.start]:#x}, belongs to no text). "
            "Save it as UTF-8 in your editor."
        ) from None
    except OSError as error:
        raise LessonError(in_words(error, f"read {path.name}")) from error
    try:
        written = jupytext.reads(text, fmt="py:percent")
    except Exception as error:  # whatever it stumbles over
        raise LessonError(
            f"{path.name} is no source in the percent format ({first_line(str(error))}). CONTRIBUTING.md describes it."
        ) from error
    for cell in written.cells:
        if not isinstance(cell.metadata.get("slideshow", {}), dict):
            raise LessonError(
                f'{path.name}: the slideshow of a cell is written {{"slide_type": "slide"}}. '
                f"The cell begins: {first_line(cell.source)}"
            )
    for cell in written.cells:
        left = FENCE.sub("", cell.source)
        for fence, other in ((BEGIN, END), (END, BEGIN)):
            if fence in left:
                raise LessonError(
                    f'{path.name}: a cell has "{fence}" without its "{other}". '
                    f"Give each fence its partner in the same cell. The cell begins: {first_line(cell.source)}"
                )
    return written


def learner_notebook(path: Path) -> Any:
    """The learner's notebook of a source: solutions folded away, stable cell ids, no outputs. Raises LessonError."""
    import nbformat

    written = read(path)
    cells: list[Any] = []
    folded: str | None = None  # the solution that waits for the check cell
    for cell in written.cells:
        is_code = cell.cell_type == "code"
        if cell.metadata.get("slideshow", {}).get("slide_type") == "notes":
            add_notes(cells, cell.source, path)
            continue
        if is_code and BEGIN in cell.source:
            if folded is not None:
                raise LessonError(
                    f"{path.name}: two exercises follow each other; put a check cell between them."
                )
            folded = solved(cell.source)
            cells.append(nbformat.v4.new_code_cell(stub(cell.source), metadata=kept(cell.metadata)))
            continue
        new = nbformat.v4.new_code_cell if is_code else nbformat.v4.new_markdown_cell
        cells.append(new(cell.source, metadata=kept(cell.metadata)))
        if is_code and folded is not None:
            cells.append(nbformat.v4.new_markdown_cell(fold(folded)))
            folded = None
    if folded is not None:
        raise LessonError(f"{path.name}: the last exercise has no check cell after it.")
    setup = next((cell for cell in cells if "setup" in cell.metadata.get("tags", ())), None)
    if setup is not None:
        setup.source = f"{SETUP_CELL.read_text(encoding='utf-8')}\n{setup.source}"
    for position, cell in enumerate(cells):
        cell.id = f"{path.stem[:2]}-{position:03d}"
    return nbformat.v4.new_notebook(
        cells=cells, metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}}
    )


def add_notes(cells: list[Any], notes: str, path: Path) -> None:
    """Keep the lecturer's notes in the metadata of the last of ``cells``. Raises LessonError where none is on a slide."""
    about = cells[-1].metadata.get("slideshow") if cells else None
    if not about or "notes" in about:
        raise LessonError(f"{path.name}: notes must follow a cell that is on a slide: {first_line(notes)}")
    about["notes"] = notes


def exercises(path: Path) -> list[Exercise]:
    """The exercises of a lesson, in order."""
    code = [cell.source for cell in read(path).cells if cell.cell_type == "code"]
    return [
        Exercise(solved(cell), stub(cell), check)
        for cell, check in zip(code, code[1:], strict=False)
        if BEGIN in cell
    ]


def stub(code: str) -> str:
    """``code`` with each fenced part replaced by ``...`` at its indentation."""
    return FENCE.sub(r"\1...", code)


def solved(code: str) -> str:
    """``code`` without the two fence lines."""
    return FENCE.sub(lambda fence: fence[2].rstrip("\n"), code)


def fold(code: str) -> str:
    """A folded markdown block that shows ``code``."""
    return f"<details><summary>Solution</summary>\n\n```python\n{textwrap.dedent(code).strip()}\n```\n\n</details>"


def kept(metadata: dict[str, Any]) -> dict[str, Any]:
    """The part of a cell's metadata that a learner's notebook needs."""
    found = {key: metadata[key] for key in KEPT_METADATA if key in metadata}
    if "setup" in found.get("tags", ()):  # imports and bookkeeping are folded wherever a lesson is shown
        found["jupyter"] = {"source_hidden": True} | found.get("jupyter", {})
    return found


def first_line(text: str) -> str:
    """The first line of ``text`` that is not empty."""
    return next((line for line in text.splitlines() if line.strip()), "")
