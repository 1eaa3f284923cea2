"""Which cell of one version of a notebook is which of another.

A lesson's cells are numbered by their place, so a new cell shifts all numbers after it. So a cell is known by its text;
where that has changed, by the exercise, function or heading it names and by how many words it has kept.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

ALIKE = 0.5  # share of words that two versions of one cell have in common at least
NAMED = re.compile(r'^(?:def|class) (\w+)|^check\("([^"]+)"|^(#+ .+)', re.MULTILINE)


def align(old: Sequence[Any], new: Sequence[Any], *, by_id: bool = False) -> dict[int, int]:
    """Positions in ``old`` -> positions in ``new`` of the same cell, each used once at most.

    Cells are notebook cells; of each its ``cell_type``, ``source`` and, with ``by_id``, its ``id`` is read. Use
    ``by_id`` only where ids stay with their cells, as they do while a notebook is edited.
    """
    found: dict[int, int] = {}
    if by_id:
        pair(found, old, new, lambda cell: (cell["id"], *what(cell)))
    pair(found, old, new, what)
    if by_id:
        pair(found, old, new, lambda cell: cell["id"])
    taken = set(found.values())
    rest = {k: profile(old[k]) for k in range(len(old)) if k not in found}
    free = {k: profile(new[k]) for k in range(len(new)) if k not in taken}
    likely = [(-alike(one, other), abs(a - b), a, b) for a, one in rest.items() for b, other in free.items()]
    for unlike, _, a, b in sorted(likely):  # the most alike first; of several, the nearest
        if unlike and a in rest and b in free:
            found[a] = b
            del rest[a], free[b]
    return found


def what(cell: Any) -> tuple[str, str]:
    """What a reader sees of a cell: its kind and its text, whatever a program does to the ends of lines and text."""
    return cell["cell_type"], cell["source"].replace("\r\n", "\n").rstrip()


def pair(found: dict[int, int], old: Sequence[Any], new: Sequence[Any], key: Any) -> None:
    """Add to ``found`` the cells of the same ``key`` that have no partner yet; of several, in order."""
    taken, waiting = set(found.values()), defaultdict(list)
    for k, cell in enumerate(new):
        if k not in taken:
            waiting[key(cell)].append(k)
    for k, cell in enumerate(old):
        if k not in found and waiting[key(cell)]:
            found[k] = waiting[key(cell)].pop(0)


class Profile(NamedTuple):
    """What two versions of a cell are known by: how often each word stands in it, and what it names."""

    cell_type: str
    words: Counter[str]
    names: set[str]  # the functions, classes, exercises and headings that the cell begins


def profile(cell: Any) -> Profile:
    """The profile of a notebook cell."""
    return Profile(
        cell["cell_type"],
        Counter(re.findall(r"\w+", cell["source"])),
        {"".join(match) for match in NAMED.findall(cell["source"])},
    )


def alike(one: Profile, other: Profile) -> float:
    """From 0 to 1, how much of two cells is the same; 0 below what two versions of one cell share."""
    if one.cell_type != other.cell_type:
        return 0.0
    share = 2 * (one.words & other.words).total() / max(1, one.words.total() + other.words.total())
    if one.names & other.names:
        share = (1 + share) / 2
    return share if share >= ALIKE else 0.0
