"""An optimization problem as a task: a start, a loss that is seen step by step, and a score that counts."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from torch import Tensor

from mlteach.params import Params

Told = Callable[[Params, Params], Tensor]  # (theta, the tensors that the problems are made of) -> [n]


@dataclass(frozen=True)
class Problems:
    """n optimization problems side by side.

    start: where they begin, [n, ...] for each name.
    loss(theta, t): the loss [n] that an optimizer sees at its step t = 0, 1, ...: of a minibatch, or of everything.
    score(theta): the loss [n] that counts.

    A compiled program needs to know what tensors the losses read, so as to be told others: see `Problems.of`, which fills in the rest.
    Taught in: lesson 04.
    """

    start: Params
    loss: Callable[[Params, int], Tensor]
    score: Callable[[Params], Tensor]
    data: Params = field(default_factory=dict)
    batches: Params = field(default_factory=dict)
    functions: tuple[Told, Told] | None = None

    @classmethod
    def of(
        cls, start: Params, loss: Told, score: Told, *, data: Params, batches: Params | None = None
    ) -> "Problems":
        """Problems whose losses read nothing but what they are given: loss(theta, data), score(theta, data).

        data: tensors by name. batches: more of them, [steps, ...] each; at step t ``loss`` is given the t-th beside ``data``.
        loss, score: where new problems come with the same functions (equal ones, by ==), a program made for some of them
            serves all (`Truncated(..., compiled=True)`). So make them once, not in every draw.
        """
        batches = batches or {}
        return cls(
            start,
            partial(_seen, loss, data, batches),
            partial(_scored, score, data),
            data,
            batches,
            (loss, score),
        )

    @property
    def count(self) -> int:
        """n, the number of problems."""
        return next(iter(self.start.values())).shape[0]

    def seen(self, first: int = 0) -> Callable[[Params], Tensor]:
        """The loss for one `adapt`, from step ``first`` on: every call sees the next minibatch."""
        steps = itertools.count(first)
        return lambda theta: self.loss(theta, next(steps))


def _seen(loss: Told, data: Params, batches: Params, theta: Params, t: int = 0) -> Tensor:
    return loss(theta, data | {name: each[t] for name, each in batches.items()})


def _scored(score: Told, data: Params, theta: Params) -> Tensor:
    return score(theta, data)
