"""A learner's copy and a new version of its lesson become one notebook: what the learner did stays, the rest is new.

A copy keeps in its metadata, under ``mlteach``, the cells it came with. So there are always three versions to compare:
the lesson the copy was made from, the copy as it is now, the lesson as it is now.

| the learner | the lesson | then |
|---|---|---|
| left the cell | changed it | the lesson's, without its old results |
| changed it | left it | the learner's |
| changed it | changed it | the learner's, and above it a note that holds the lesson's |
| deleted it | left or changed it | it stays deleted |
| left it | dropped it | it goes |
| changed it | dropped it | the learner's, under a note |
| added or moved one | | it stands behind the cell it stood behind |
"""

import copy
import hashlib
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

import nbformat

from mlteach.course.align import align, what
from mlteach.course.build import WIDGET_STATE, WIDGET_VIEW

OURS = "mlteach"  # the key of our own notes in a notebook's and a cell's metadata


@dataclass
class Merged:
    """A copy after a merge, and the ids of its cells by what happened to them."""

    notebook: Any
    new: list[str] = field(default_factory=list)  # came with the new version
    renewed: list[str] = field(default_factory=list)  # untouched, now as the new version has them
    kept: list[str] = field(default_factory=list)  # the learner wrote or changed them
    both: list[str] = field(default_factory=list)  # of those, what the lesson changed as well
    dropped: list[str] = field(default_factory=list)  # of those, what the lesson no longer has
    gone: list[str] = field(default_factory=list)  # untouched, no longer in the lesson
    deleted: list[str] = field(default_factory=list)  # the learner deleted them, and they stay so


def merge(ours: Any, theirs: Any) -> Merged:
    """The learner's copy ``ours`` with what is new in ``theirs``, a fresh copy of the lesson; neither is changed.

    Both are notebook nodes of format 4.5; ``ours`` has valid, unique cell ids (see `with_ids`) and keeps what it came
    with. Every text that the learner wrote is in the result, in the learner's order.
    """
    ours, theirs = copy.deepcopy(ours), copy.deepcopy(theirs)
    base = ours.metadata[OURS]["came"]
    noted = take_notes(ours, base)
    here, there = align(base, ours.cells, by_id=True), align(base, theirs.cells)
    meet_new(base, ours.cells, theirs.cells, here, there)
    of_ours, of_theirs = ({at: b for b, at in found.items()} for found in (here, there))

    done = Merged(ours)
    result: dict[int, list[Any]] = {}  # position in ours -> what stands there afterwards
    for o, mine in enumerate(ours.cells):
        b = of_ours.get(o)
        before = base[b] if b is not None else None
        after = theirs.cells[there[b]] if b is not None and b in there else None
        result[o] = one_cell(done, mine, before, after, noted)
    stays = [o for o, cells in result.items() if cells]
    ids = {cell["id"] for cell in (*base, *ours.cells)}
    for t, cell in enumerate(theirs.cells):
        b = of_theirs.get(t)
        if b is None:
            cell.id = unused(cell.id, ids)
            done.new.append(cell.id)
        elif b in here:
            cell.id = ours.cells[here[b]].id
        else:
            cell.id = base[b]["id"]
            done.deleted.append(cell.id)

    fixed = unmoved([of_ours[o] for o in stays if of_ours.get(o) in there])
    lesson = [
        ("theirs", t) if (b := of_theirs.get(t)) is None else ("ours", here.get(b, -1))
        for t in range(len(theirs.cells))
    ]
    places = [place for place in lesson if place[0] == "theirs" or of_ours.get(place[1]) in fixed]
    put_back(places, stays)
    ours.cells = [cell for side, k in places for cell in (result[k] if side == "ours" else [theirs.cells[k]])]
    for cell in ours.cells:
        if OURS in cell.metadata:  # a note
            cell.id = unused(cell.id, ids)
    ours.metadata[OURS] = nbformat.from_dict({**theirs.metadata[OURS], "came": came(theirs.cells)})
    renew_explorers(ours, theirs)
    return done


def came(cells: Sequence[Any]) -> list[dict[str, Any]]:
    """What a copy keeps of the lesson's cells, to tell later what the learner changed."""
    return [
        {"id": cell.id, "cell_type": cell.cell_type, "source": cell.source, "metadata": dict(cell.metadata)}
        for cell in cells
    ]


def one_cell(done: Merged, mine: Any, before: Any, after: Any, noted: dict[str, Any]) -> list[Any]:
    """What stands where the learner's cell ``mine`` stood, given the lesson's cell before and after (None: there is none)."""
    if before is not None and not touched(mine, before):
        if after is None:
            done.gone.append(mine.id)
            return []
        new = mine
        if what(after) != what(mine):
            done.renewed.append(mine.id)
            new = copy.deepcopy(after)
        new.id, new.metadata = mine.id, about(before, mine, after)
        return [new]
    done.kept.append(mine.id)
    note = noted.get(mine.id)
    if before is None:
        return [note, mine] if note else [mine]
    if after is None:
        done.dropped.append(mine.id)
        return [dropped_note(mine), mine]
    mine.metadata = about(before, mine, after)
    if what(after) == what(mine) or (what(after) == what(before) and note is None):
        return [mine]
    done.both.append(mine.id)
    return [both_note(mine, after), mine]


def touched(mine: Any, before: Any) -> bool:
    """Whether the learner has changed a cell: its text, its kind, or a picture pasted into it. Running it is no change."""
    return what(mine) != what(before) or bool(mine.get("attachments"))


def about(before: Any, mine: Any, after: Any) -> Any:
    """The metadata of a cell, entry by entry: the learner's where the learner changed it, else the lesson's."""
    old, own, new = before["metadata"], mine.metadata, after.metadata
    chosen = {key: own if own.get(key) != old.get(key) else new for key in (*own, *new)}
    return type(own)({key: side[key] for key, side in chosen.items() if key in side})


def meet_new(
    base: list[Any], ours: Sequence[Any], theirs: Sequence[Any], here: dict[int, int], there: dict[int, int]
) -> None:
    """A cell that the learner has added and the new version adds word for word is one cell, not two."""
    added = {what(ours[o]): o for o in range(len(ours)) if o not in here.values() and ours[o].source.strip()}
    known = set(there.values())
    for t, cell in enumerate(theirs):
        if t not in known and (o := added.pop(what(cell), None)) is not None:
            here[len(base)], there[len(base)] = o, t
            base.append(came([ours[o]])[0])


def unmoved(order: list[int]) -> set[int]:
    """The positions in a lesson that still follow each other as they did, of those in the order of the copy."""
    blocks = SequenceMatcher(None, sorted(order), order, autojunk=False).get_matching_blocks()
    return {order[block.b + k] for block in blocks for k in range(block.size)}


def put_back(places: list[tuple[str, int]], stays: list[int]) -> None:
    """Put each of the learner's cells that has no place yet behind the one it stood behind; changes ``places``."""
    last = -1
    for o in stays:
        if ("ours", o) in places:
            last = places.index(("ours", o))
        else:
            last += 1
            places.insert(last, ("ours", o))


def unused(wanted: str, ids: set[str]) -> str:
    """``wanted``, or with a number behind it where another cell has that id; the result is added to ``ids``."""
    number, name = 1, wanted
    while name in ids:
        number += 1
        name = f"{wanted[:56]}-{number}"
    ids.add(name)
    return name


def with_ids(cells: Sequence[Any]) -> None:
    """Give every cell a valid id of its own; the first cell that has one keeps it. Changes ``cells`` in place.

    New ids are random, so that none is taken for that of a cell the lesson had before.
    """
    ids: set[str] = set()
    for cell in cells:
        wanted = cell.get("id")
        good = isinstance(wanted, str) and re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", wanted) and wanted not in ids
        cell["id"] = wanted if good else uuid.uuid4().hex
        ids.add(cell["id"])


def both_note(mine: Any, after: Any) -> Any:
    """The note above a cell that the learner and the lesson have changed."""
    return note(
        mine,
        "> **Both changed.** You have changed the cell below, and the lesson has a new version of it. Yours counts, as you\n"
        "> left it. Take over what you like from the lesson's, then delete this note.\n\n"
        f"<details><summary>The lesson's new version</summary>\n\n{fenced(after)}\n\n</details>",
    )


def dropped_note(mine: Any) -> Any:
    """The note above a cell that the learner has changed and the lesson no longer has."""
    return note(
        mine,
        "> **No longer in the lesson.** The lesson has dropped the cell below. It is still here because you have changed it.\n"
        "> Keep it or delete it; then delete this note.",
    )


def note(cell: Any, text: str) -> Any:
    """A markdown cell of ours above ``cell``; it remembers its text, so that a note the learner wrote into is theirs."""
    mark = {OURS: {"note": cell.id, "text": digest(text)}}
    return nbformat.v4.new_markdown_cell(text, id=f"{cell.id[:56]}-note", metadata=mark)


def take_notes(ours: Any, base: Sequence[Any]) -> dict[str, Any]:
    """Take our untouched notes out of ``ours``; returns them by the id of their cell. Those without one are dropped."""
    notes, cells = {}, []
    for cell in ours.cells:
        mark = cell.metadata.get(OURS)
        if isinstance(mark, dict) and mark.get("note") and mark.get("text") == digest(cell.source):
            notes[mark["note"]] = cell
        else:
            if mark is not None:
                del cell.metadata[OURS]
            cells.append(cell)
    ours.cells = cells
    return {cell.id: notes[cell.id] for cell in cells if cell.id in notes}


def digest(text: str) -> str:
    """A short name for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def fenced(cell: Any) -> str:
    """A cell's text as a block of code in markdown, whatever backticks it holds."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", cell.source)), default=0))
    return f"{fence}{'python' if cell.cell_type == 'code' else 'markdown'}\n{cell.source}\n{fence}"


def came_alive(cell: Any) -> bool:
    """Whether a cell shows an explorer that came with the copy. The build numbers its widgets; a kernel's ids are random."""
    views = [
        out["data"][WIDGET_VIEW] for out in cell.get("outputs", []) if WIDGET_VIEW in out.get("data", {})
    ]
    return any(built_id(view.get("model_id", "")) for view in views)


def built_id(model: str) -> bool:
    """Whether a widget's id is one that the build gave it."""
    return bool(re.fullmatch(r"0{24}[0-9a-f]{8}", model))


def renew_explorers(ours: Any, theirs: Any) -> None:
    """Explorers that came with the copy and were not run since are shown as the new version has them."""
    shown = {cell.id: cell for cell in theirs.cells}
    for cell in ours.cells:
        if cell.cell_type == "code" and not cell.execution_count and (came_alive(cell) or not cell.outputs):
            new = shown.get(cell.id)
            cell.outputs = new.outputs if new is not None and what(new) == what(cell) else []
    stored = ours.metadata.get("widgets", {}).get(WIDGET_STATE, {})
    given = theirs.metadata.get("widgets", {}).get(WIDGET_STATE, {})
    own = {name: model for name, model in stored.get("state", {}).items() if not built_id(name)}
    if stored or given:
        state = own | dict(given.get("state", {}))
        ours.metadata["widgets"] = nbformat.from_dict({WIDGET_STATE: {**stored, **given, "state": state}})
