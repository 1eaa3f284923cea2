"""Nearest neighbour on drawings that were centred and blurred. Nothing is learned: the floor of the course."""

import torch
from torch import Tensor

from mlteach.measure.neighbour import SIGMA, blurred, centred
from mlteach.methods.method import Method, Norm
from mlteach.params import Params
from mlteach.tasks import Characters, Episode


def answer(theta: Params, episode: Episode, norm: Norm) -> Tensor:
    """Minus the smallest squared distance to a drawing of each class, [tasks, Q, ways]."""
    support, query = (blurred(centred(x), SIGMA).flatten(2) for x in (episode.support_x, episode.query_x))
    near = -torch.cdist(query, support).square()
    ways = int(episode.support_y.max()) + 1
    return torch.stack(
        [near.masked_fill(episode.support_y.unsqueeze(1) != k, -torch.inf).amax(-1) for k in range(ways)], -1
    )


def nothing(characters: Characters, generator: torch.Generator) -> Episode:
    """It trains on no task."""
    raise NotImplementedError("nearest neighbour has nothing to train")


METHOD = Method(
    "nearest neighbour",
    "01",
    "floor",
    lambda generator: {},
    nothing,
    lambda theta, episode: ({}, {}),
    answer,
)
