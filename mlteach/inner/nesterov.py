"""Nesterov's momentum: the step looks one velocity ahead."""

import torch
from torch import Tensor

from mlteach.inner.rule import Rate, Rule, State, checked_rate, rate_of
from mlteach.params import Params, map_params


def nesterov(alpha: Rate, mu: float | Tensor) -> Rule:
    """m' = mu * m + gradient, then theta' = theta - alpha * (gradient + mu * m'). The state is the velocity m.

    The convention of ``torch.optim.SGD(momentum=mu, nesterov=True)``: theta is the point looked ahead to.

    Source: Nesterov 1983, in the form of Sutskever et al. 2013. Taught in: lesson 04.
    """
    checked_rate(alpha, "nesterov(0.1, 0.9)")
    checked_rate(mu, "nesterov(0.1, 0.9)")

    def step(
        theta: Params, gradient: Params, velocity: State, *, loss: Tensor | None = None
    ) -> tuple[Params, State]:
        velocity = {name: mu * velocity[name] + gradient[name] for name in theta}
        ahead = {name: gradient[name] + mu * velocity[name] for name in theta}
        return {name: theta[name] - rate_of(alpha, name) * ahead[name] for name in theta}, velocity

    return Rule(init=lambda theta: map_params(torch.zeros_like, theta), step=step)
