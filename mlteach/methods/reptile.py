"""Reptile: the start moves towards where the inner steps end. Lesson 10's recipe."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.inner import sgd
from mlteach.methods.by_adapting import drawing, two_rates, with_zero_head
from mlteach.methods.method import body
from mlteach.nets import Conv4, cross_entropy
from mlteach.nets.conv4 import BLOCKS
from mlteach.nets.norm import EPSILON
from mlteach.outer import reptile_gradient
from mlteach.params import Params
from mlteach.tasks import Episode

RULE = sgd(two_rates(body(), 0.1, 1.0))


def one_task(params: Params, x: Tensor) -> Tensor:
    """`Conv4` for a single task, [1, N, 1, 28, 28] -> [1, N, ways], in torch's own layers.

    The same numbers. It gives up second derivatives, and so its backward pass never waits for Python: two of them in two
    threads do not stand in each other's way.
    """
    x = x[0].clone(memory_format=torch.channels_last)
    for block in range(1, BLOCKS + 1):
        x = F.conv2d(x, params[f"conv{block}.weight"][0], None, 2, 1)
        gamma, beta = params[f"norm{block}.gamma"][0], params[f"norm{block}.beta"][0]
        x = F.relu(F.batch_norm(x, None, None, gamma, beta, training=True, eps=EPSILON))
    return F.linear(x.flatten(1), params["head.weight"][0], params["head.bias"][0])[None]


def gradient(net: Conv4, theta: Params, episode: Episode) -> Any:
    """Twenty inner steps on minibatches of 32 pictures; the start minus their end."""
    return reptile_gradient(
        one_task, cross_entropy, theta, episode, RULE, 20, batch=32, chunk=1, start=net.zero_head
    )


METHOD = with_zero_head(
    "Reptile", "10", gradient, RULE, 10, drawing(tasks=2, ways=40, shots=19, queries=1), 40,
    family="first order", lr=1.0, schedule="linear", optimizer=torch.optim.SGD,
)  # fmt: skip
