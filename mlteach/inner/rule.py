"""What an update rule is: two pure functions, in the manner of optax.

Every way to adapt in this course, from gradient descent to a learned LSTM, has this one shape.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from mlteach.params import Params

State = Any  # whatever a rule carries from step to step: None, a dict of tensors, a step count, ...
Rate = float | Tensor | Params  # one number for all, or one number (or tensor) for each named parameter


class Step(Protocol):
    """One inner step: (theta_t, gradient of the loss at theta_t, state) -> (theta_(t+1), state).

    ``loss`` [T] is there for the rules that look at it (the meta-learner LSTM); the others let it pass.
    """

    def __call__(
        self, theta: Params, gradient: Params, state: State, /, *, loss: Tensor
    ) -> tuple[Params, State]: ...


class Rule(NamedTuple):
    """An inner rule: ``init(theta)`` gives the state before the first step, ``step`` makes one step."""

    init: Callable[[Params], State]
    step: Step


def rate_of(rate: Rate, name: str) -> float | Tensor:
    """The rate for the parameter ``name``: rates may be one for all or one by name. Raises KeyError."""
    return rate[name] if isinstance(rate, dict) else rate
