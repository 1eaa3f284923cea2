"""RMSprop: each coordinate's step is measured by the size its gradients have had."""

import torch
from torch import Tensor

from mlteach.inner.rule import Rate, Rule, State, checked_rate, rate_of
from mlteach.params import Params, map_params


def rmsprop(alpha: Rate, beta: float = 0.99, eps: float = 1e-8) -> Rule:
    """v' = beta * v + (1 - beta) * gradient^2, then theta' = theta - alpha * gradient / (sqrt(v') + eps).

    The state is v, with theta's shapes. The convention and the defaults of ``torch.optim.RMSprop``.

    Source: Tieleman and Hinton 2012, lecture 6e. Taught in: lesson 04.
    """
    checked_rate(alpha, "rmsprop(0.001)")

    def step(
        theta: Params, gradient: Params, square: State, *, loss: Tensor | None = None
    ) -> tuple[Params, State]:
        square = {name: beta * square[name] + (1 - beta) * gradient[name].square() for name in theta}
        moved = {
            name: theta[name] - rate_of(alpha, name) * gradient[name] / (square[name].sqrt() + eps)
            for name in theta
        }
        return moved, square

    return Rule(init=lambda theta: map_params(torch.zeros_like, theta), step=step)
