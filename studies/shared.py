"""What the studies of lessons 09 to 20 have in common: the tasks they judge on, and an entry of the ledger."""

from collections.abc import Sequence
from typing import Any

import torch

from mlteach.measure import Interval
from mlteach.tasks import Characters, Episode

Figure = dict[str, Any]


def tasks_of(
    characters: Characters, count: int, seed: int, *, ways: int = 5, shots: int = 1, queries: int = 15, at_once: int = 50
) -> list[Episode]:  # fmt: skip
    """The first ``count`` tasks of a seed, ``at_once`` in a batch; the last batch may be cut.

    Of the test characters and seed 2 they are the first of lesson 09's 1000 test tasks. A seed draws the same tasks for a larger
    count, and others for another batch size.
    """
    generator = torch.Generator().manual_seed(seed)
    drawn = [
        characters.sample(at_once, ways, shots, queries, generator=generator)
        for _ in range(0, count, at_once)
    ]
    left = count - at_once * (len(drawn) - 1)
    return drawn if left == at_once else [*drawn[:-1], drawn[-1].part(slice(0, left))]


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
