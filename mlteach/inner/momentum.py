"""Gradient descent with momentum: a second memory cell that stands in front of the first."""

import torch
from torch import Tensor

from mlteach.inner.rule import Rate, Rule, State, checked_rate, rate_of
from mlteach.params import Params, map_params


def momentum(alpha: Rate, mu: float | Tensor) -> Rule:
    """m' = mu * m + gradient, then theta' = theta - alpha * m'. The state is the velocity m, with theta's shapes.

    The same convention as ``torch.optim.SGD(momentum=mu, dampening=0)``: the gradient enters with weight 1.

    Source: Polyak 1964; as two stacked LSTM cells in lesson 03.
    Taught in: lesson 03.
    """
    checked_rate(alpha, "momentum(0.1, 0.9)")
    checked_rate(mu, "momentum(0.1, 0.9)")

    def step(
        theta: Params, gradient: Params, velocity: State, *, loss: Tensor | None = None
    ) -> tuple[Params, State]:
        velocity = {name: mu * velocity[name] + gradient[name] for name in theta}
        return {name: theta[name] - rate_of(alpha, name) * velocity[name] for name in theta}, velocity

    return Rule(init=lambda theta: map_params(torch.zeros_like, theta), step=step)
