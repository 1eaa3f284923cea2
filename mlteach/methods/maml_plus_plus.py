"""MAML++: what lesson 12 found of it to help training at its tuned rate, all together.

Multi-step loss annealed over half of the training, first order for three tenths, batch norm's weights and a learned rate for each
inner step, a cosine outside.
"""

from typing import Any

import torch

from mlteach.inner.per_step import LearnedRates
from mlteach.methods.by_adapting import SHARES, adapting, drawing
from mlteach.methods.method import Method, body
from mlteach.nets import cross_entropy
from mlteach.nets.per_step import PerStep
from mlteach.outer import Scheduled, maml_gradient
from mlteach.outer.multi_step import in_two_schedules
from mlteach.params import Params
from mlteach.tasks import Episode

STEPS, ALPHA = 5, 0.2
NET = PerStep(body(), STEPS)
ONLY = tuple(f"conv{block}.weight" for block in (1, 2, 3, 4)) + NET.net.head_names
RATES = LearnedRates(ONLY, STEPS)


def init(generator: torch.Generator) -> Params:
    """The network with batch norm for each step, and a rate for each tensor and step."""
    return NET.init(NET.net.init(generator)) | RATES.init(ALPHA)


def gradient(theta: Params, episode: Episode, **how: Any) -> Any:
    """The gradient through five inner steps."""
    return maml_gradient(
        NET, cross_entropy, theta, episode, RATES.rule, STEPS, only=ONLY, start=RATES.start, **how
    )


def scheduled(steps: int) -> Scheduled:
    """The same over so many outer steps: first order gives way, the loss moves to the last step."""
    return in_two_schedules(gradient, STEPS, steps, over=0.5, first_order=0.3)


TEST = adapting(lambda ways: NET, RATES.rule, STEPS, lambda net: RATES.start, lambda net: ONLY)
METHOD = Method(
    "MAML++", "12", "start", init, drawing(tasks=4, ways=5, shots=1, queries=1), gradient,
    TEST.answer, TEST.adapt,
    lr=4e-3, shares=SHARES, scheduled=scheduled, ways=5,
)  # fmt: skip
