"""Adam: a memory of the gradients and a memory of their squares, both in front of the weights."""

from typing import NamedTuple

import torch
from torch import Tensor

from mlteach.inner.rule import Rate, Rule, checked_rate, rate_of
from mlteach.params import Params, map_params


class Moments(NamedTuple):
    """Adam's state: the step count t, and with theta's shapes the means m of the gradients and v of their squares."""

    t: int
    m: Params
    v: Params


def adam(alpha: Rate, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8) -> Rule:
    """theta' = theta - alpha * (m' / (1 - beta1^t)) / (sqrt(v' / (1 - beta2^t)) + eps), with

    m' = beta1 * m + (1 - beta1) * gradient and v' = beta2 * v + (1 - beta2) * gradient^2. The convention and the defaults
    of ``torch.optim.Adam``. With ``beta1=0`` the first step is -alpha * gradient / (|gradient| + eps): its sign.

    Its derivative does not exist where a coordinate's gradients have all been zero; use it with ``first_order=True``, or
    where no meta-gradient is taken. To keep the moments from task to task, wrap it in `carried`.

    Source: Kingma and Ba 2015, algorithm 1. Taught in: lessons 03, 04.
    """
    checked_rate(alpha, "adam(0.001)")

    def init(theta: Params) -> Moments:
        return Moments(0, *(map_params(torch.zeros_like, theta) for _ in range(2)))

    def step(
        theta: Params, gradient: Params, state: Moments, /, *, loss: Tensor | None = None
    ) -> tuple[Params, Moments]:
        t = state.t + 1
        m = {name: beta1 * state.m[name] + (1 - beta1) * gradient[name] for name in theta}
        v = {name: beta2 * state.v[name] + (1 - beta2) * gradient[name].square() for name in theta}
        moved = {}
        for name in theta:
            size = (v[name] / (1 - beta2**t)).sqrt() + eps
            moved[name] = theta[name] - rate_of(alpha, name) / (1 - beta1**t) * m[name] / size
        return moved, Moments(t, m, v)

    return Rule(init, step)
