"""Verification: are two pictures of one class? A score for every pair, and a threshold that other classes have chosen.

    "the same" where score(x, x') > threshold

The threshold is the one that is right most often on pairs of validation classes. With as many pairs of one class as of two,
guessing is right in a half of them.

Source: Koch, Zemel, Salakhutdinov 2015, section 4. Taught in: lesson 18.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.tasks import Characters


class Pairs(NamedTuple):
    """Two pictures each, first and second [n, 1, height, width] in [0, 1], and whether their class is one, bool [n]."""

    first: Tensor
    second: Tensor
    same: Tensor


def pairs(
    characters: Characters, count: int, *, generator: torch.Generator, within_alphabet: bool = False
) -> Pairs:
    """Draw so many pairs, every other one of one class. Two pictures of a class are always two drawings.

    within_alphabet: the two classes of an unequal pair are of one alphabet. Raises EpisodeError as `Characters.sample`.
    """
    tasks = characters.sample(count, 2, 1, 1, generator=generator, within_alphabet=within_alphabet)
    same = torch.arange(count, device=tasks.support_y.device) % 2 == 0
    equal = (
        tasks.query_y == tasks.support_y[:, :1]
    )  # which of the two queries is of the first picture's class
    chosen = torch.where(same, equal.long().argmax(1), (~equal).long().argmax(1))
    return Pairs(tasks.support_x[:, 0], tasks.query_x[torch.arange(count), chosen], same)


def best_threshold(scores: Tensor, same: Tensor) -> float:
    """The threshold that is right most often, for scores [n] and what is true of them, bool [n]: midway between two scores.

    Raises EpisodeError without pairs of both kinds.
    """
    if same.all() or not same.any():
        raise EpisodeError(
            "A threshold lies between two kinds of pairs: give some of one class and some of two."
        )
    ordered, order = scores.double().sort(descending=True)
    truth = same[order]
    right = truth.cumsum(0) + (~truth).sum() - (~truth).cumsum(0)  # the first 1, 2, ... pairs called the same
    right = right[:-1].masked_fill(ordered[:-1] == ordered[1:], -1)  # equal scores get equal answers
    none, every = (~truth).sum(), truth.sum()
    if not len(right) or right.max() <= max(none, every):  # one answer for all
        edge = ordered[0] + 1 if none >= every else ordered[-1] - 1
        return edge.item()
    best = int(right.argmax())
    return ((ordered[best] + ordered[best + 1]) / 2).item()


def verified(scores: Tensor, same: Tensor, threshold: float) -> Tensor:
    """Which pairs are answered right, bool [n]."""
    return (scores > threshold) == same
