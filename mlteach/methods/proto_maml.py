"""ProtoMAML: every task begins with a head of prototypes, then all adapts; trained through its steps."""

from typing import Any

from mlteach.inner import sgd
from mlteach.methods.by_adapting import SHARES, adapting, drawing
from mlteach.methods.method import Method, bare_body, body
from mlteach.metric import prototype_start
from mlteach.nets import Conv4, cross_entropy
from mlteach.outer import maml_gradient
from mlteach.params import Params
from mlteach.tasks import Episode

WAYS, STEPS, SCALE = 20, 2, 0.05
RULE = sgd(0.1)


def gradient(theta: Params, episode: Episode) -> Any:
    """The gradient through the inner steps and through the prototypes they begin with."""
    net: Conv4 = body(WAYS)
    start = prototype_start(net, scale=SCALE)
    return maml_gradient(net, cross_entropy, theta, episode, RULE, STEPS, start=start)


TEST = adapting(body, lambda theta: RULE, STEPS, lambda net: prototype_start(net, scale=SCALE))
METHOD = Method(
    "ProtoMAML", "18", "start", bare_body(WAYS), drawing(tasks=1, ways=WAYS, shots=1, queries=2), gradient,
    TEST.answer, TEST.adapt,
    lr=1e-2, clip=10.0, shares=SHARES,
)  # fmt: skip
