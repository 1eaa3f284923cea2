"""Gradient descent, the rule MAML adapts with: theta' = theta - alpha * gradient."""

from torch import Tensor

from mlteach.inner.rule import Rate, Rule, State, checked_rate, rate_of
from mlteach.params import Params


def sgd(alpha: Rate) -> Rule:
    """Gradient descent with the rate ``alpha``: a number, a tensor (learned), or one of these for each name.

    Rates are for the *mean* loss over the support set. (Finn's released code sums over classes: its 0.4 for
    5-way Omniglot is 2.0 here.)

    Source: Finn, Abbeel, Levine 2017, equation 1; rates by name: Li et al. 2017 (Meta-SGD).
    Taught in: lessons 03, 09.
    """
    checked_rate(alpha, "sgd(0.1)")

    def step(
        theta: Params, gradient: Params, state: State, *, loss: Tensor | None = None
    ) -> tuple[Params, State]:
        return {name: theta[name] - rate_of(alpha, name) * gradient[name] for name in theta}, state

    return Rule(init=lambda theta: None, step=step)
