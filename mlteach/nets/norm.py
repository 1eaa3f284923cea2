"""Batch normalisation that says whose statistics it uses.

Most confusion about few-shot numbers comes from this layer. Three modes, always named:

- ``transductive``: the batch's own statistics. When the batch is the query set, each answer depends on the other
  queries. The published MAML numbers are measured so.
- ``support``: the statistics of the task's support set, at the current parameters. Each query is answered alone.
- ``running``: fixed statistics, gathered in training.
"""

from typing import Literal

import torch
from torch import Tensor

Mode = Literal["transductive", "support", "running"]
Statistics = tuple[Tensor, Tensor]  # mean and (biased) variance, each [channels]

EPSILON = 1e-5


def statistics(x: Tensor) -> Statistics:
    """Mean and biased variance of x [N, channels, H, W] over everything but the channels."""
    mean = x.mean((0, 2, 3))
    return mean, (x - mean[:, None, None]).square().mean((0, 2, 3))


def normalise(
    x: Tensor, gamma: Tensor | None, beta: Tensor | None, given: Statistics | None = None
) -> Tensor:
    """gamma * (x - mean) / sqrt(variance + 1e-5) + beta for x [N, channels, H, W]; gamma and beta are [channels].

    Without ``given`` the statistics are x's own. Written with plain operations on purpose: torch's ``batch_norm`` has
    a wrong second-order gradient under ``torch.func.grad(vmap(grad(...)))``, and says nothing.
    For many tasks at once the channels of all tasks stand in a row, so each task keeps its own statistics.

    Source: Ioffe and Szegedy 2015, algorithm 1. Taught in: lesson 09.
    """
    mean, variance = statistics(x) if given is None else given
    factor = torch.rsqrt(variance + EPSILON)
    if gamma is not None:
        factor = factor * gamma
    shift = -mean * factor if beta is None else beta - mean * factor
    return x * factor[:, None, None] + shift[:, None, None]
