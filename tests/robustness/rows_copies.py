"""Cases of a learner's own copies in my/: whatever lies there is kept, and the lesson opens all the same."""

import contextlib
import errno
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from mlteach.course import build as building
from mlteach.course import copies, lessons
from mlteach.course.copies import bring, place, reset
from mlteach.course.merge import OURS
from tests.robustness.table import Room, case

COPIES = "Your own copies"
LESSON = """\
# %% [markdown]
# # 98 A lesson

# %% tags=["parameters"]
PROFILE = "smoke"

# %% tags=["exercise"]
def double(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION

# %%
print(double(2))
"""


def course(room: Room) -> Path:
    return room.course(LESSON)


def kept() -> list[bytes]:
    return [path.read_bytes() for path in sorted((lessons.MY / "backups").glob("*.ipynb"))]


def solved(path: Path, more: Callable[[list[Any]], object] = lambda cells: None) -> bytes:
    """Solve the exercise in a notebook; returns what the file then holds."""
    notebook = nbformat.read(path, 4)
    stub = next(cell for cell in notebook.cells if cell.source.startswith("def double"))
    stub.source = "def double(x):\n    return x + x"
    more(notebook.cells)
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
    return path.read_bytes()


def revised(source: Path, old: str, new: str) -> None:
    """A new version of the lesson."""
    source.write_text(source.read_text().replace(old, new))


MADE = (
    "Made a copy of your own in my/, without results: run the cells to see them. What you write there stays."
)
PUT_ASIDE = "my/98_small.ipynb {}. It is now my/backups/98_small.….ipynb, unchanged, and a fresh copy is in its place."
for wrong, content, said in (
    ("a copy is empty", "", "is not a whole notebook"),
    ("a copy is cut short", nbformat.writes(new_notebook(cells=[new_code_cell("1")]))[:-20], "is not a whole notebook"),
    ("a copy is another JSON", "[1]", "is not a whole notebook"),
    ("a notebook of somebody else's lies in a copy's place", nbformat.writes(new_notebook(cells=[new_code_cell("mine")])), "is not a copy of this lesson"),
    ("a copy of another lesson lies in its place", nbformat.writes(new_notebook(metadata={OURS: {"lesson": "03_other"}})), "is not a copy of this lesson"),
    ("a copy's own note is damaged", nbformat.writes(new_notebook(metadata={OURS: {"lesson": "98_small", "came": "x"}})), "does not say what it came with"),
):  # fmt: skip

    @case(COPIES, wrong, PUT_ASIDE.format(said))
    def no_copy(room: Room, content: str = content) -> str:
        mine = place(course(room))
        mine.parent.mkdir()
        mine.write_text(content)
        told = bring()
        assert kept() == [content.encode()] and bring() == []
        return "\n".join(told)


@case(COPIES, "a folder lies in a copy's place", PUT_ASIDE.format("is not a whole notebook"))
def a_folder(room: Room) -> str:
    place(course(room)).mkdir(parents=True)
    return "\n".join(bring())


@case(
    COPIES,
    "a copy may not be read",
    "my/98_small.ipynb cannot be read, so it was left as it is. Make it readable to go on with it.",
)
def unreadable(room: Room) -> str:
    def denied(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    mine = place(course(room))
    bring()
    content = mine.read_text()
    with room.patch.context() as patched:
        patched.setattr(Path, "read_bytes", denied)
        told = bring()
    assert mine.read_text() == content
    return "\n".join(told)


@case(
    COPIES,
    "a copy lost its cells' names and its own note in another program: it is carried over all the same",
)
def stripped(room: Room) -> None:
    mine = place(course(room))
    bring()
    raw = json.loads(solved(mine))
    del raw["metadata"][OURS]
    for cell in raw["cells"]:
        del cell["id"]
    mine.write_text(json.dumps(raw | {"nbformat_minor": 4}))
    bring()
    assert "return x + x" in mine.read_text()


NEW = "my/98_small.ipynb: the lesson has a new version (cells: {}). Your {} stayed as {}.{} As it was before: my/backups/98_small.….ipynb."
note = lambda cells: cells.append(new_markdown_cell("My note"))  # noqa: E731
for wrong, old, new, more, said in (
    ("a lesson has a new version, and you have solved an exercise", "print(double(2))", "print(double(3))", note, NEW.format("1 changed", "2 cells", "they were", "")),
    ("you and the new version have changed one cell: yours counts, and a note holds the lesson's", "def double(x):", 'def double(x):\n    """Twice x."""', lambda cells: None, NEW.format("1 changed", "1 cell", "it was", " The lesson has changed it too: a note above holds its version.")),
    ("the new version has no longer the cell in which you have worked: it stays", LESSON[LESSON.index("# %% tags=[\"ex") : LESSON.index("# %%\nprint")], "", lambda cells: None, NEW.format("1 dropped", "1 cell", "it was", " The lesson no longer has it: a note above says so.")),
):  # fmt: skip

    @case(COPIES, wrong, said)
    def new_version(room: Room, old: str = old, new: str = new, more=more) -> str:
        source = course(room)
        bring()
        before = solved(place(source), more)
        revised(source, old, new)
        told = bring()
        assert kept() == [before] and "return x + x" in place(source).read_text()
        return "\n".join(told)


@case(
    COPIES,
    "you reset a lesson",
    "my/98_small.ipynb is a fresh copy. The old one is my/98_small.….ipynb.",
)
def fresh(room: Room) -> str:
    source = course(room)
    bring()
    before = solved(place(source))
    told = reset(source)
    assert before in [path.read_bytes() for path in lessons.MY.glob("98_small.2*.ipynb")]
    return told


@case(
    COPIES,
    "one lesson's source is malformed: the other copies are made",
    '97_other.py could not be copied to my/: 97_other.py: a cell has "### BEGIN SOLUTION" without its "### END SOLUTION". … '
    + MADE,
)
def malformed(room: Room) -> str:
    course(room).with_name("97_other.py").write_text("# %%\n### BEGIN SOLUTION\n")
    return " ".join(bring())


CANNOT = "Your copies in … cannot be written ({}). Make the folder writable and free some space, or put the course into a folder of your own; `lab --executed` opens the lessons themselves."


@case(COPIES, "a file called my", CANNOT.format("…"))
def a_file(room: Room) -> None:
    course(room)
    lessons.MY.write_text("mine")
    bring()


for wrong, number in (("my/ is read-only", errno.EROFS), ("the disk is full", errno.ENOSPC)):

    @case(COPIES, f"{wrong}: the copy stays as it is", CANNOT.format(os.strerror(number)))
    def refused(room: Room, number: int = number) -> None:
        def refuse(path: Path, content: object) -> None:
            raise OSError(number, os.strerror(number))

        source = course(room)
        bring()
        before = solved(place(source))
        revised(source, "print(double(2))", "print(double(3))")
        room.patch.setattr(copies, "write_atomic", refuse)
        try:
            bring()
        finally:
            assert place(source).read_bytes() == before


@case(
    COPIES,
    "another process writes copies for too long",
    "process … on … has held …/my/.lock for 0 s. Wait until it is done or end it, then try again.",
)
def held(room: Room) -> None:
    course(room)
    room.patch.setattr(copies, "PATIENCE", 0)
    with copies.writing():
        bring()


@case(
    COPIES,
    "somebody has typed into the stored lesson, and it is built anew",
    "Somebody has typed into 98_small.ipynb; as it was, it is now …/my/backups/98_small.….ipynb…",
)
def typed_into(room: Room) -> str:
    room.patch.setattr(building, "execute", lambda *_, **__: None)
    source = course(room)
    building.build(source, progress=False)
    before, told = solved(lessons.notebook(source)), io.StringIO()
    with contextlib.redirect_stdout(told):
        building.build(source, progress=False)
    assert kept() == [before]
    return told.getvalue()
