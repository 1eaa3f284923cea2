"""A lesson's cells in the order, and with the covers, in which a page tells them.

What a page knows of a cell stands in ``cell.metadata.page``, and of a figure in ``output.metadata.page``:

    title    the title alone; ``opening`` follows it, and then the promise
    opening  the lesson's picture, shown once more; ``figure`` is its number in its own place
    setup    lines of code, folded to one line; neighbours are one cell here
    guess    {"number", "key", "choices"}: a prediction, which the reader is to make
    covers   the number of the guess that uncovers this cell's outputs, or its text; ``first`` of its kind; ``whole``: with its code
    exercise the number of the exercise, "03.1"; ``heading``: what it stands under
    number   of a figure; ``words``: the first sentence of its description

Markdown is only cut at lines, never read: what stands in a fence of code is left alone.
"""

import copy
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import nbformat

from mlteach.course.build import WIDGET_VIEW
from mlteach.course.lessons import LessonError
from mlteach.course.site.exporter import PROMISE, SHOWN

TITLE = re.compile(r"(# [^\n]*)\n(.*)", re.DOTALL)
HEADING = re.compile(r"#{1,6} ")
PREDICT = "**Predict.**"
CHOICE = re.compile(r"[-*] \( \) +(.+)")
#: Code that says in words what comes out: a figure's description, a claim it holds to, a claim it prints with its value.
SAYS = re.compile(r"\balt=|^\s*assert\b|\bcompare\(|:[\"'],", re.MULTILINE)
CHECK = re.compile(r"""\bcheck\(\s*["'](\d\d\.\d+)["']""")
#: A question of a quiz that stands inside of its own fold.
FOLDED = re.compile(r"<details><summary>\s*(\d+)\.\s+(.+?)</summary>", re.DOTALL)
ANSWER = re.compile(r"^\*\*(\d+)\.\*\*(.*?)<details><summary>Answer</summary>", re.DOTALL | re.MULTILINE)
LINKED = re.compile(r"\[([^\]]+)\]\((https?://[^)\s]+)\)")
SENTENCE = re.compile(r".+?[.!?](?=\s|$)")


def told(lesson: Any) -> Any:
    """``lesson`` (a notebook node, left as it is) with its cells as a page tells them. Raises LessonError."""
    shown = copy.copy(lesson)
    shown.cells = _opened(_numbered(_joined(list(_covered(lesson.cells)))))
    return shown


def references(lesson: Any) -> dict[str, str]:
    """What the section "References" of a lesson says of each address: who, what, when; without markup."""
    text = "\n".join(cell.source for cell in lesson.cells if cell.cell_type == "markdown")
    section = re.search(r"^#+ References\s*$(.*?)(?=^#+ |\Z)", text, re.M | re.S)
    found: dict[str, str] = {}
    for item in re.split(r"^[-*] ", section[1] if section else "", flags=re.M)[1:]:
        entry = " ".join(item.split())
        for place, link in enumerate(LINKED.finditer(entry)):
            before = entry[: link.start()]
            year = re.match(r",? \(?\d{4}\)?", entry[link.end() :])
            # a second link of an item, such as to the code, says nothing of who and when
            alone = place > 0 or len(before) > 120 or ":" in before
            words = link[1] if alone else before + link[1] + (year[0] if year else "")
            found.setdefault(link[2], re.sub(r"[*`]", "", words).strip())
    return found


def first_explorer(story: Any) -> int | None:
    """The number of the first explorer that nothing covers, for who goes by keys; None where the lesson opens on it."""
    for cell in story.cells:
        for output in cell.get("outputs", []):
            if output.get("metadata", {}).get("page", {}).get("explorer") and "covers" not in _page(cell):
                return None if "opening" in _page(cell) else int(output.metadata.page.number)
    return None


# ---- predictions -------------------------------------------------------------------------------------------------


@dataclass
class _Piece:
    """A part of a text: a heading with what follows it, a question, or its answer."""

    kind: str  # "text", "question", "answer"
    lines: list[str]

    @property
    def source(self) -> str:
        return "\n".join(self.lines).strip("\n")


def _pieces(source: str, answering: bool) -> Iterator[_Piece]:
    """``source`` cut before headings, at questions and before their answers. ``answering``: one is open from before."""
    piece, fenced = _Piece("answer" if answering else "text", []), False
    for line in source.split("\n"):
        kind = None
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            if HEADING.match(line):
                kind = "text"
            elif line.startswith(PREDICT):
                kind = "question"
            elif line.startswith("<details") and piece.kind == "question":
                kind = "answer"
        if kind:
            yield piece
            piece = _Piece(kind, [])
        piece.lines.append(line)
    yield piece


def _covered(cells: list[Any]) -> Iterator[Any]:
    """The cells, texts cut where a cover begins or ends, with ``guess`` and ``covers``."""
    asked: Any = None  # the last question
    answering = False
    first: dict[int, bool] = {}

    def cover(cell: Any) -> Any:
        number = asked.metadata.page.guess.number
        _page(cell).update(covers=number, first=number not in first)
        first[number] = True
        return cell

    number, wait = 0, list[Any]()
    for cell in cells:
        tags = cell.metadata.get("tags", [])
        always, never = "answer" in tags and asked is not None, "open" in tags
        if cell.cell_type != "markdown":
            new = copy.deepcopy(cell)
            if cell.cell_type == "code" and (always or answering) and not never:
                cover(new)
                _page(new)["whole"] = bool(SAYS.search(cell.source))
            wait.append(new)
            continue
        part = 0
        for piece in _pieces(cell.source, answering):
            if not piece.source:
                continue
            text = copy.deepcopy(cell)
            text.source = piece.source
            text.id = f"{cell.id}-{part}"[-64:] if part else cell.id
            part += 1
            if piece.kind == "question":
                number += 1
                asked, answering = text, True
                text.source, choices = _choices(piece.lines)
                key = hashlib.sha256(piece.source.encode()).hexdigest()[:8]
                _page(text)["guess"] = nbformat.from_dict({"number": number, "key": key, "choices": choices})
            elif piece.kind == "answer" and not never:
                cover(text)
            elif piece.kind == "text":
                answering = False
                if always:
                    head, _, rest = piece.source.partition("\n")
                    if HEADING.match(head):
                        above = copy.deepcopy(text)
                        above.source = head
                        wait.append(above)
                        text.source, text.id = rest.strip("\n"), f"{text.id}-rest"[-64:]
                    if not text.source:
                        continue
                    cover(text)
            wait.append(text)
    for cell in wait:  # a question that nothing answers needs no press
        if (guess := _page(cell).get("guess")) and guess.number not in first:
            guess["idle"] = True
        yield cell


def _choices(lines: list[str]) -> tuple[str, list[str]]:
    """A question without its list of choices, and the choices."""
    text, choices = list[str](), list[str]()
    listed = False  # whether the line before belongs to a choice
    for line in lines:
        if found := CHOICE.match(line):
            choices.append(found[1])
            listed = True
        elif listed and line.startswith("  "):
            choices[-1] += " " + line.strip()
        else:
            text.append(line)
            listed = False
    return "\n".join(text).strip("\n"), choices


# ---- code, figures, the opening ----------------------------------------------------------------------------------


def _joined(cells: list[Any]) -> list[Any]:
    """Neighbouring cells of setup as one; exercises with their number; the quiz in its one layout."""
    made: list[Any] = []
    quiz, heading = False, ""
    for cell in cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown":
            if HEADING.match(cell.source):
                quiz = bool(re.match(r"#+ Quiz\b", cell.source))
            for found in re.finditer(r"^#{1,6} ([^\n$`*\[]+)$", cell.source, re.M):
                heading = found[1].strip()
            if quiz:
                cell.source = _quiz(cell.source)
        elif "setup" in tags or "parameters" in tags:
            before = made[-1] if made else None
            if before is not None and "setup" in _page(before) and not before.get("outputs"):
                before.source += "\n\n" + cell.source
                before.outputs = cell.outputs
                _page(before)["setup"] += len(cell.source.splitlines())
                continue
            _page(cell)["setup"] = len(cell.source.splitlines())
        elif "exercise" in tags:
            _page(cell)["heading"] = heading
        made.append(cell)
    for place, cell in enumerate(made):
        if "exercise" in cell.metadata.get("tags", []):
            check = next(
                filter(None, (CHECK.search(each.source) for each in made[place + 1 : place + 4])), None
            )
            _page(cell)["exercise"] = check[1] if check else ""
    return made


def _quiz(source: str) -> str:
    """The questions of a quiz in sight, each with its answer folded away below it, under a name of its own."""
    source = FOLDED.sub(r"**\1.** \2\n\n<details><summary>Answer</summary>", source)
    return ANSWER.sub(r"**\1.**\2<details><summary>Answer \1</summary>", source)


def _numbered(cells: list[Any]) -> list[Any]:
    """All figures numbered."""
    number = 0
    for cell in cells:
        for output in cell.get("outputs", []):
            if kind := picture_of(output):
                number += 1
                # the description stands with the picture, for an explorer with the one that is its stand-in
                about = output.get("metadata", {}).get("image/png" if kind == WIDGET_VIEW else kind, {})
                alt = str(about.get("alt", "")) if isinstance(about, dict) else ""
                sentence = SENTENCE.match(alt)
                width = about.get("width") if isinstance(about, dict) else None
                output.metadata["page"] = nbformat.from_dict(
                    {
                        "number": number,
                        "words": sentence[0] if sentence else alt,
                        "width": width,
                        "explorer": kind == WIDGET_VIEW,
                    }
                )
    return cells


def picture_of(output: Any) -> str | None:
    """The kind of an output that is shown as a figure; None for a text or a table."""
    kind = next((kind for kind in SHOWN if kind in output.get("data", {})), "")
    return kind if kind == WIDGET_VIEW or kind.startswith("image/") else None


def _opened(cells: list[Any]) -> list[Any]:
    """The title, the picture that the lesson opens on, and then the rest."""
    found = TITLE.match(cells[0].source) if cells and cells[0].cell_type == "markdown" else None
    if found is None:
        return cells
    title, rest = copy.deepcopy(cells[0]), cells[0]
    title.source, rest.source, rest.id = found[1], found[2].strip("\n"), f"{rest.id}{PROMISE}"[-64:]
    opening = _opening(cells)
    return [title, *([opening] if opening else []), rest, *cells[1:]]


def _opening(cells: list[Any]) -> Any | None:
    """The cell that shows the opening picture once more; None where a lesson has none. Raises LessonError."""
    chosen = next((cell for cell in cells if "opening" in cell.metadata.get("tags", [])), None)
    if chosen is not None and "covers" in _page(chosen):
        raise LessonError(
            f"cell {chosen.id} is tagged opening, but it answers a prediction, which is covered. Tag one that answers none."
        )
    free = [chosen] if chosen is not None else _before_predictions(cells)
    pictures = [(cell, out) for cell in free for out in cell.get("outputs", []) if picture_of(out)]
    if not pictures:
        if chosen is not None and chosen.get("outputs"):
            raise LessonError(
                f"cell {chosen.id} is tagged opening, but it shows neither a figure nor an explorer. Tag one that does."
            )
        return None
    cell, output = next((each for each in pictures if each[1].metadata.page.explorer), pictures[0])
    again = nbformat.v4.new_code_cell("", id=f"{cell.id}-opening"[-64:], outputs=[copy.deepcopy(output)])
    again.outputs[0].metadata.page["again"] = True
    _page(again)["opening"] = output.metadata.page.number
    return again


def _before_predictions(cells: list[Any]) -> list[Any]:
    """The cells before the first prediction: nothing in them answers one."""
    return cells[: next((place for place, cell in enumerate(cells) if "guess" in _page(cell)), len(cells))]


def _page(cell: Any) -> Any:
    """What a page knows of a cell."""
    if "page" not in cell.metadata:
        cell.metadata["page"] = nbformat.from_dict({})
    return cell.metadata.page
