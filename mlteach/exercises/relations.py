"""How a wrong answer is related to the right one: its minus, a multiple, its transpose, its neighbour, its sum.

A relation is found only if it holds for every number of every case, and if there are more numbers than it could fit by
luck. All sentences end what is begun by a subject, such as "Your answer" or "`c`".
"""

from mlteach.exercises.arranged import function, mixed, reduced, shaped, shifted
from mlteach.exercises.multiples import added, an_input, constant, factor, minus, mirrored, moved
from mlteach.exercises.sheets import Finder, Sheets

FINDERS: tuple[Finder, ...] = (
    constant, an_input, minus, shaped, factor, added, moved, mirrored, reduced, function, shifted, mixed,
)  # fmt: skip


def relation(sheets: Sheets) -> str | None:
    """What the answer is to the right one, or None."""
    if not sheets or not any(len(sheet.right) for sheet in sheets):
        return None
    return next((words for find in FINDERS for words in find(sheets)), None)
