"""An optimization problem as a task: a start, a loss that is seen step by step, and a score that counts."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from mlteach.params import Params


@dataclass(frozen=True)
class Problems:
    """n optimization problems side by side.

    start: where they begin, [n, ...] for each name.
    loss(theta, t): the loss [n] that an optimizer sees at its step t = 0, 1, ...: of a minibatch, or of everything.
    score(theta): the loss [n] that counts.
    Taught in: lesson 04.
    """

    start: Params
    loss: Callable[[Params, int], Tensor]
    score: Callable[[Params], Tensor]

    @property
    def count(self) -> int:
        """n, the number of problems."""
        return next(iter(self.start.values())).shape[0]

    def seen(self, first: int = 0) -> Callable[[Params], Tensor]:
        """The loss for one `adapt`, from step ``first`` on: every call sees the next minibatch."""
        steps = itertools.count(first)
        return lambda theta: self.loss(theta, next(steps))
