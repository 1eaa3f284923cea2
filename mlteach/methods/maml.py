"""MAML: the start is learned, through the inner steps. Four of them.

- MAML: lesson 09's recipe; every task begins with a head of zeros, so it trains with 40 classes and is tested with 5.
- shift and bend: the same, every picture shifted and bent by itself (lesson 16).
- FOMAML: lesson 10's; second derivatives left out.
- MAML, 5 ways: nearer to the paper: 5 classes in training too, a learned head, five inner steps at one rate.
"""

from typing import Any

import torch

from mlteach.inner import sgd
from mlteach.methods.by_adapting import SHARES, adapting, drawing, two_rates, with_zero_head
from mlteach.methods.method import Method, body
from mlteach.nets import Conv4, cross_entropy
from mlteach.outer import maml_gradient
from mlteach.params import Params
from mlteach.tasks import Characters, Episode
from mlteach.tasks.augment import augmented

RULE = sgd(two_rates(body(), 0.4, 0.5))
FIRST_ORDER_RULE = sgd(two_rates(body(), 0.2, 2.0))
SHIFT, BEND = 3.0, 1.5  # pixels


def gradient(net: Conv4, theta: Params, episode: Episode) -> Any:
    """The gradient through two inner steps."""
    return maml_gradient(net, cross_entropy, theta, episode, RULE, 2, start=net.zero_head)


def first_order(net: Conv4, theta: Params, episode: Episode) -> Any:
    """The same with the inner gradients held for constants."""
    return maml_gradient(
        net, cross_entropy, theta, episode, FIRST_ORDER_RULE, 2, start=net.zero_head, first_order=True
    )


def bent(characters: Characters, generator: torch.Generator) -> Episode:
    """Tasks whose pictures are shifted and bent, each by itself."""
    return augmented(TASKS(characters, generator), shift=SHIFT, bend=BEND, generator=generator)


def five_ways(theta: Params, episode: Episode) -> Any:
    """The gradient through five inner steps, the head learned."""
    return maml_gradient(body(), cross_entropy, theta, episode, sgd(0.2), 5)


TASKS = drawing(tasks=2, ways=40, shots=1, queries=2)
METHOD = with_zero_head("MAML", "09", gradient, RULE, 3, TASKS, 40)
SHIFTED = with_zero_head("shift and bend", "16", gradient, RULE, 3, bent, 40)
FOMAML = with_zero_head(
    "FOMAML", "10", first_order, FIRST_ORDER_RULE, 5, drawing(tasks=4, ways=20, shots=1, queries=2), 20,
    family="first order",
)  # fmt: skip
TEST = adapting(body, lambda theta: sgd(0.2), 5, lambda net: dict)
FIVE_WAYS = Method(
    "MAML, 5 ways", "12", "start", body().init, drawing(tasks=4, ways=5, shots=1, queries=1), five_ways,
    TEST.answer, TEST.adapt,
    lr=4e-3, shares=SHARES, ways=5,
)  # fmt: skip
