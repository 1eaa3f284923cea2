"""The lecture version of a lesson: one self-contained HTML file, made from its executed notebook.

A cell is on the slides when it says so, in Jupyter's own words (``metadata.slideshow.slide_type``):

    slide, subslide   begins a slide            -         goes on with it
    fragment          appears at the next key   notes     what the lecturer says; begins with the minutes, "3 min."

With ``"code": false`` beside it, a cell shows its output alone. Explorers and folded cells do so by themselves. An
explorer has a slide of its own.

A slide's first heading is its title; without one it goes on under the title before. What is drawn and printed comes from
the lecture run in ``runs/``, else from the one that is recorded in ``data/lectures/``, as far as their code is that of the
lesson now (see lectures.py); else from the stored notebook, and then the slide says so.

Any other cell stays in the notebook: a lesson is written to be read, and a slide shows the part worth projecting. A
notes cell is not in the learner's notebook either; the build keeps its text in the metadata of the cell before it.
"""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from mlteach.course.lectures import LECTURE, code_cells, keys, last_run, of_run, recorded, recording
from mlteach.course.lessons import RUNS, LessonError, sources
from mlteach.course.lessons import notebook as notebook_of
from mlteach.files import one_sentence, write_atomic

BEGINS = ("slide", "subslide")
ON_SLIDES = (*BEGINS, "-", "fragment")
MINUTES = re.compile(r"(\d+(?:\.5)?) min\.\s+(\S.*)", re.DOTALL)
HEADING = re.compile(r"^(#{1,3}) (.+)$", re.MULTILINE)
TITLE = re.compile(r"\s*#{1,3} (.+)\n*")
#: A prediction's choice, to be clicked on a page; a room votes for a letter.
CHOICE = re.compile(r"^([-*] )\( \) +", re.MULTILINE)
#: The minutes of a lecture: an hour of a timetable, less the questions.
SHORTEST, LONGEST = 40, 47


@dataclass
class Slide:
    """One slide: its cells, what the lecturer says, how long that takes, and its title (Markdown)."""

    title: str
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
    title = ""
    for cell in notebook.cells:
        about = cell.metadata.get("slideshow", {})
        kind = about.get("slide_type", "skip")
        if kind not in (*ON_SLIDES, "skip"):
            raise LessonError(
                f'Cell {cell.id} is a "{kind}" on the slides; choose one of {", ".join(ON_SLIDES)}, skip.'
            )
        own = HEADING.findall(cell.source) if cell.cell_type == "markdown" else []
        first = TITLE.match(cell.source) if own else None
        if kind in BEGINS:
            found.append(Slide(first[1].strip() if first else title))
        if kind in ON_SLIDES:
            if not found:
                raise LessonError(f"Cell {cell.id} goes on with a slide, but none has begun.")
            found[-1].cells.append(cell)
        if "notes" in about and found:
            found[-1].notes.append(about["notes"])
        if own:
            title = own[-1][1].strip()
    return found


def missing(notebook: Any, shortest: float = SHORTEST) -> Iterator[str]:
    """What the slides of a lesson still owe the lecturer, one sentence each; ``shortest`` in minutes."""
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
        if len(slide.cells) > 1 and any(_is_explorer(cell) for cell in slide.cells):
            yield (
                f"the slide that begins with cell {slide.cells[0].id} shows an explorer and more; "
                'an explorer needs the room: begin a slide with it, slideshow={"slide_type": "slide"}.'
            )
    total = sum(slide.minutes for slide in deck)
    if not shortest <= total <= LONGEST:
        yield f"its slides take {total:g} minutes; a lecture takes {shortest:g} to {LONGEST}."


def build_slides(source: Path, target: Path) -> Path:
    """Write the slides of the lesson whose source is ``source`` into the folder ``target``; returns the file.

    Nothing is executed, and a file in the way that is not ours stays. Raises LessonError, also for a notebook that is
    older than its source or has no slides.
    """
    from mlteach.course.site.folder import free, publish
    from mlteach.course.site.lesson import fresh, read

    free(target)
    name = f"{source.stem}.html"
    stored = read(fresh(source))
    publish({name: deck(lectured(stored, source), source.stem)}, target, kind="slides", all_of_it=False)
    return target / name


def profile(notebook: Any) -> str | None:
    """The profile that an executed notebook was run with; None where a lesson has none."""
    given = notebook.metadata.get("papermill", {}).get("parameters", {}).get("PROFILE")
    own = (re.search(r'^PROFILE = "(\w+)"', cell.source, re.MULTILINE) for cell in notebook.cells)
    return given or next((found[1] for found in own if found), None)


def lectured(stored: Any, source: Path) -> Any:
    """The notebook ``stored`` with what a lecture run of the same code drew and printed, by cell; such a cell says so.

    The lecturer's own run counts before the recorded one. Explorers stay the stored ones: they show what is recorded,
    whatever the run. Raises LessonError for a run or a record that is not whole.
    """
    import nbformat

    own = last_run(source)
    found = recorded(source) | (of_run(own, stored) if own else {})
    made, known = copy.deepcopy(stored), keys(stored)
    for cell in code_cells(made):
        if known[cell.id] in found and not _is_explorer(cell):
            outputs = found[known[cell.id]]
            cell.metadata["run"] = LECTURE
            cell.outputs = cell.outputs if outputs is None else nbformat.from_dict(outputs)
    return made


def keep(source: Path) -> Path:
    """Record what the last lecture run in runs/ drew, for the slides of who has not run it; returns the file.

    Raises LessonError, also where there is no such run or where it ran other code than the lesson has now.
    """
    run = last_run(source)
    if run is None:
        raise LessonError(
            f"Lesson {source.stem} has no lecture run in {RUNS}. "
            f"Run: python3 start.py run {source.stem[:2]} --profile {LECTURE}"
        )
    path, content = recording(source, run)
    with one_sentence(LessonError, f"record the lecture run of lesson {source.stem}"):
        write_atomic(path, content)
    return path


def deck(notebook: Any, name: str) -> str:
    """The slides of an executed notebook (a notebook node) as HTML."""
    from mlteach.course.site.explorers import explorers
    from mlteach.course.site.exporter import Exporter, as_script, self_contained
    from mlteach.course.site.lesson import about
    from mlteach.course.site.markdown import Page
    from mlteach.course.site.results import results

    lesson, run = about(notebook, name), profile(notebook)
    shown = copy.deepcopy(notebook)
    found = slides(shown)
    if not found:
        raise LessonError(
            f"Lesson {name[:2]} has no slides yet. CONTRIBUTING.md says how a cell gets on one."
        )
    shown.cells = []
    for number, slide in enumerate(found, 1):
        for cell in slide.cells:
            about_cell = cell.metadata.slideshow
            if cell.cell_type == "markdown":
                cell.source = _lettered(cell.source)
            cell.metadata["slide"] = {"kind": about_cell.slide_type, "code": about_cell.get("code", True)}
            shown.cells.append(cell)
        first, last = slide.cells[0], slide.cells[-1]
        if number > 1 and first.cell_type == "markdown":
            first.source = TITLE.sub("", first.source, count=1) if TITLE.match(first.source) else first.source
        first.metadata["slide"] |= {"number": number, "title": slide.title if number > 1 else ""}
        quick = run != LECTURE and any(_is_drawn(cell) and "run" not in cell.metadata for cell in slide.cells)
        first.metadata["slide"]["of"] = run if quick else None
        last.metadata["slide"] |= {"notes": slide.said or "–", "minutes": slide.minutes}
    packed = explorers(shown, name=name, whole=False)
    site = {
        "lesson": lesson,
        "styles": packed.pop("styles"),
        "explorers": as_script(packed),
        "count": len(found),
        "results": results,
    }
    names = {each.stem for each in sources() if notebook_of(each).exists()} | {name}
    html, _ = Exporter("slides", Page(name, names), site).from_notebook_node(shown)
    return self_contained(html, name=name, pages={f"{each}.html" for each in names})


def _is_explorer(cell: Any) -> bool:
    from mlteach.course.build import WIDGET_VIEW

    return any(WIDGET_VIEW in output.get("data", {}) for output in cell.get("outputs", []))


def _is_drawn(cell: Any) -> bool:
    """Whether the cell shows what a run drew or printed."""
    return bool(cell.get("outputs")) and not _is_explorer(cell)


def _lettered(markdown: str) -> str:
    """The choices of a prediction with letters."""
    letters = count(ord("A"))
    return CHOICE.sub(lambda found: f"{found[1]}**{chr(next(letters))}**  ", markdown)
