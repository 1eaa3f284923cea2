"""ANIL: MAML whose inner loop moves the head alone. Lesson 13's settings."""

from typing import Any

from mlteach.inner import sgd
from mlteach.methods.by_adapting import drawing, two_rates, with_zero_head
from mlteach.methods.method import body
from mlteach.nets import Conv4, cross_entropy
from mlteach.outer import maml_gradient
from mlteach.params import Params
from mlteach.tasks import Episode

RULE = sgd(two_rates(body(), 0.0, 4.0))


def gradient(net: Conv4, theta: Params, episode: Episode) -> Any:
    """The gradient through one step of the head."""
    return maml_gradient(
        net, cross_entropy, theta, episode, RULE, 1, start=net.zero_head, only=net.head_names
    )


METHOD = with_zero_head(
    "ANIL", "13", gradient, RULE, 3, drawing(tasks=2, ways=40, shots=1, queries=2), 40,
    only=lambda net: net.head_names,
)  # fmt: skip
