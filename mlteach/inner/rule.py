"""What an update rule is: two pure functions, in the manner of optax.

Every way to adapt in this course, from gradient descent to a learned LSTM, has this one shape.
"""

import functools
import inspect
import math
import numbers
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from mlteach.errors import RuleError
from mlteach.params import Params
from mlteach.tasks.episode import Seen

State = Any  # whatever a rule carries from step to step: None, a dict of tensors, a step count, ...
Rate = float | Tensor | Params  # one number for all, or one number (or tensor) for each named parameter
RATES = (
    "alpha",
    "rate",
    "rates",
    "lr",
    "learning_rate",
    "step_size",
    "eta",
)  # what a rule's first argument is called


class Step(Protocol):
    """One inner step: (theta_t, gradient of the loss at theta_t, state) -> (theta_(t+1), state).

    ``loss`` [tasks] is there for the rules that look at it (the meta-learner LSTM); the others let it pass.
    """

    def __call__(
        self, theta: Params, gradient: Params, state: State, /, *, loss: Tensor
    ) -> tuple[Params, State]: ...


class Objective(Protocol):
    """What a rule descends on in place of the support loss: (net, theta_t, seen, t) -> [tasks].

    For one task by itself, parameters without a task axis, it is a scalar. ``t`` counts the inner steps from 0, and ``net`` is
    the network of that step. The query labels are not in ``seen``: they are what the outer loop judges by.
    """

    def __call__(self, net: Any, theta: Params, seen: Seen, t: int, /) -> Tensor: ...


class Rule(NamedTuple):
    """An inner rule: ``init(theta)`` gives the state before the first step, ``step`` makes one step.

    objective: None for the support loss; a rule whose loss is learned brings its own (`mlteach.inner.objective`).
    """

    init: Callable[[Params], State]
    step: Step
    objective: Objective | None = None


def rate_of(rate: Rate, name: str) -> float | Tensor:
    """The rate for the parameter ``name``: rates may be one for all or one by name. Raises RuleError."""
    if not isinstance(rate, dict):
        return rate
    if name not in rate:
        raise RuleError(f"There is no rate for {name!r}; there are rates for {', '.join(map(str, rate))}.")
    return rate[name]


def checked_rate(rate: Any, of: str, *, gates: bool = False) -> Any:
    """A rule's rate, or RuleError: a finite number, a tensor, or a dict of these by name (for ``gates`` functions too)."""
    for each in rate.values() if isinstance(rate, dict) else [rate]:
        if isinstance(each, Tensor) or (gates and callable(each)):
            continue
        if isinstance(each, bool) or not isinstance(each, numbers.Real) or not math.isfinite(each):
            raise RuleError(
                f"A rate is a finite number, a tensor, or a dict of these by name, and {each!r} came; give one, such as {of}."
            )
    return rate


def checked_rule(rule: Any) -> Rule:
    """``rule``, or RuleError for what is none: a bare rate, a rule's maker without its call."""
    if callable(getattr(rule, "init", None)) and callable(getattr(rule, "step", None)):
        return rule
    if isinstance(rule, numbers.Real | Tensor):
        raise RuleError(f"The rule is a bare rate, {rule}; say which rule steps with it: sgd({rule}).")
    if callable(rule):
        maker = rule.func if isinstance(rule, functools.partial) else rule
        name = getattr(maker, "__name__", type(maker).__name__)
        raise RuleError(f"The rule is the function {name} itself; call it to make a rule, such as sgd(0.1).")
    raise RuleError(f"The rule is a {type(rule).__name__}; make one, such as sgd(0.1) or Rule(init, step).")


def made_rule(rule: Any, theta: Params) -> Rule:
    """A rule as it is, or made anew from theta where it is learned. Raises RuleError.

    ``rule=sgd`` would pass for a function that makes a rule from theta, with all of theta for its rates: it is refused, as is
    any function whose first argument is called a rate.
    """
    if callable(getattr(rule, "init", None)) or not callable(rule):
        return checked_rule(rule)
    try:
        parameters = list(inspect.signature(rule).parameters)
    except (TypeError, ValueError):
        parameters = []
    own = not hasattr(rule, "__self__") and getattr(rule, "__module__", "").startswith("mlteach.inner.")
    if own or isinstance(rule, type) or (parameters and parameters[0] in RATES):
        return checked_rule(rule)
    made = rule(theta)
    if not callable(getattr(made, "step", None)):
        raise RuleError(
            f"The function given as the rule made a {type(made).__name__} of theta; let it return a rule, such as "
            "sgd(theta['rate'])."
        )
    return made


def checked_steps(steps: Any) -> int:
    """The number of inner steps, or RuleError: a whole number from 0 on."""
    if isinstance(steps, bool) or not isinstance(steps, numbers.Integral) or steps < 0:
        raise RuleError(f"The number of inner steps is a whole number from 0 on, and {steps!r} came.")
    return int(steps)
