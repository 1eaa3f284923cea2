"""MeTAL: the inner loss is learned, and a rate for each tensor. Lesson 15's settings: three inner steps from a head of zeros."""

from functools import partial

import torch

from mlteach.inner.learned_loss import LearnedLoss
from mlteach.methods.by_adapting import SHARES, adapting, drawing
from mlteach.methods.method import Method, body
from mlteach.nets import cross_entropy
from mlteach.outer import maml_gradient
from mlteach.params import Params

KIND = LearnedLoss(0.1, 3, ways=5)


def init(generator: torch.Generator) -> Params:
    """The network with its head at zero, the rates, and the losses of the three steps."""
    net = body()
    return KIND.init(generator, net.zero_head(net.init(generator)))


TEST = adapting(body, KIND.rule, KIND.steps, lambda net: KIND.start)
METHOD = Method(
    "MeTAL", "15", "start", init, drawing(tasks=4, ways=5, shots=1, queries=2),
    partial(maml_gradient, body(), cross_entropy, rule=KIND.rule, steps=KIND.steps, start=KIND.start),
    TEST.answer, TEST.adapt,
    lr=4e-3, clip=1.0, shares=SHARES, ways=5,
)  # fmt: skip
