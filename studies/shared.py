"""What the studies of lessons 09 to 20 have in common: the tasks they judge on, and an entry of the ledger."""

from collections.abc import Sequence
from typing import Any

from mlteach.measure import Interval
from mlteach.measure.ledger import recorded
from mlteach.tasks.several import tasks_of

__all__ = ["Figure", "beside_recorded", "figure", "tasks_of"]

Figure = dict[str, Any]


def figure(
    name: str, found: Interval | float, unit: str, seeds: Sequence[int], tasks: int | None = None, note: str = "", *,
    digits: int = 3, seconds: float | None = None,
) -> Figure:  # fmt: skip
    """One entry of the ledger, as `mlteach.measure.ledger.keep_results` takes it. A bare number has no interval."""
    value, half = (found.mean, found.half_width) if isinstance(found, Interval) else (found, None)
    return {
        "name": name, "value": round(value, digits), "interval": None if half is None else round(half, digits),
        "unit": unit, "seeds": list(seeds), "seconds": None if seconds is None else round(seconds, 1), "device": "cpu",
        "tasks": tasks, "note": note,
    }  # fmt: skip


def beside_recorded(lesson: str, part: str, figures: Sequence[Figure]) -> list[Figure]:
    """What data/results holds of a part of a lesson, with these figures added; one of the same name is replaced in its place."""
    return list((recorded(lesson, part) | {each["name"]: each for each in figures}).values())
