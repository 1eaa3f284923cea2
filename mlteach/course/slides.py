"""The lecture version of a lesson: one self-contained HTML file, made from its executed notebook.

A cell is on the slides when it says so, in Jupyter's own words (``metadata.slideshow.slide_type``):

    slide, subslide   begins a slide            -         goes on with it
    fragment          appears at the next key   notes     what the lecturer says; begins with the minutes, "3 min."

With ``"code": false`` beside it, a cell shows its output alone. Explorers and folded cells do so by themselves.

Any other cell stays in the notebook: a lesson is written to be read, and a slide shows the part worth projecting. A
notes cell is not in the learner's notebook either; the build keeps its text in the metadata of the cell before it.
"""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any

from mlteach.course.lessons import LessonError, sources
from mlteach.course.lessons import notebook as notebook_of

BEGINS = ("slide", "subslide")
ON_SLIDES = (*BEGINS, "-", "fragment")
MINUTES = re.compile(r"(\d+(?:\.5)?) min\.\s+(\S.*)", re.DOTALL)
HEADING = re.compile(r"^(#{1,3}) (.+)$", re.MULTILINE)
#: A lecture is neither a flash nor a day.
SHORTEST, LONGEST = 10, 60


@dataclass
class Slide:
    """One slide: its cells, what the lecturer says, how long that takes, and the heading under which it stands."""

    heading: str
    cells: list[Any] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def minutes(self) -> float:
        found = [MINUTES.fullmatch(note) for note in self.notes]
        return sum(float(each[1]) for each in found if each)

    @property
    def said(self) -> str:
        """The notes without the minutes."""
        return "\n\n".join(each[2] if (each := MINUTES.fullmatch(note)) else note for note in self.notes)


def slides(notebook: Any) -> list[Slide]:
    """The slides of a learner's notebook (a notebook node), in order. Raises LessonError for an unknown kind of cell."""
    found: list[Slide] = []
    heading = ""
    for cell in notebook.cells:
        about = cell.metadata.get("slideshow", {})
        kind = about.get("slide_type", "skip")
        if kind not in (*ON_SLIDES, "skip"):
            raise LessonError(
                f'Cell {cell.id} is a "{kind}" on the slides; choose one of {", ".join(ON_SLIDES)}, skip.'
            )
        own = HEADING.findall(cell.source) if cell.cell_type == "markdown" else []
        if kind in BEGINS:
            found.append(Slide("" if own else heading))
        if kind in ON_SLIDES:
            if not found:
                raise LessonError(f"Cell {cell.id} goes on with a slide, but none has begun.")
            found[-1].cells.append(cell)
        if "notes" in about and found:
            found[-1].notes.append(about["notes"])
        if own:
            heading = _plain(own[-1][1])
    return found


def missing(notebook: Any) -> Iterator[str]:
    """What the slides of a lesson still owe the lecturer, one sentence each."""
    try:
        deck = slides(notebook)
    except LessonError as error:
        yield str(error)
        return
    if not deck:
        yield "it has no slides: tag the cells a lecturer shows with slideshow.slide_type."
        return
    for slide in deck:
        if len(slide.notes) != 1 or not MINUTES.fullmatch(slide.notes[0]):
            yield (
                f"the slide that begins with cell {slide.cells[0].id} needs one notes cell, "
                'which begins with its minutes, such as "3 min. Let them vote."'
            )
    total = sum(slide.minutes for slide in deck)
    if not SHORTEST <= total <= LONGEST:
        yield f"its slides take {total:g} minutes; a lecture takes {SHORTEST} to {LONGEST}."


def build_slides(source: Path, target: Path) -> Path:
    """Write the slides of the lesson whose source is ``source`` into the folder ``target``; returns the file.

    Nothing is executed, and a file in the way that is not ours stays. Raises LessonError, also for a notebook that is
    older than its source or has no slides.
    """
    from mlteach.course.site.folder import free, publish
    from mlteach.course.site.lesson import fresh, read

    free(target)
    name = f"{source.stem}.html"
    publish({name: deck(read(fresh(source)), source.stem)}, target, kind="slides", all_of_it=False)
    return target / name


def deck(notebook: Any, name: str) -> str:
    """The slides of an executed notebook (a notebook node) as HTML."""
    from mlteach.course.site.explorers import explorers
    from mlteach.course.site.exporter import Exporter, as_script, self_contained
    from mlteach.course.site.lesson import about
    from mlteach.course.site.markdown import Page

    found = slides(notebook)
    if not found:
        raise LessonError(
            f"Lesson {name[:2]} has no slides yet. CONTRIBUTING.md says how a cell gets on one."
        )
    shown = copy.copy(notebook)
    shown.cells = []
    for number, slide in enumerate(found, 1):
        for cell in slide.cells:
            about_cell = cell.metadata.slideshow
            cell.metadata["slide"] = {"kind": about_cell.slide_type, "code": about_cell.get("code", True)}
            shown.cells.append(cell)
        slide.cells[0].metadata["slide"] |= {"number": number, "heading": slide.heading}
        slide.cells[-1].metadata["slide"] |= {"notes": slide.said or "–", "minutes": slide.minutes}
    packed = explorers(shown, name=name, whole=False)
    site = {
        "lesson": about(notebook, name),
        "styles": packed.pop("styles"),
        "explorers": as_script(packed),
        "count": len(found),
    }
    names = {each.stem for each in sources() if notebook_of(each).exists()} | {name}
    html, _ = Exporter("slides", Page(name, names), site).from_notebook_node(shown)
    return self_contained(html, name=name, pages={f"{each}.html" for each in names})


def _plain(markdown: str) -> str:
    """A heading's words without markup."""
    return unescape(re.sub(r"[`*_]|\[|\]\([^)]*\)", "", markdown)).strip()
