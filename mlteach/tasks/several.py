"""The same tasks for everybody: drawn in batches out of one seed."""

import torch

from mlteach.tasks.characters import Characters
from mlteach.tasks.episode import Episode


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
