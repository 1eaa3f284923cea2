"""ProtoMAML: the head begins as the prototypes of the support set, and then everything adapts.

    W = 2 s C,  b_k = -s |c_k|^2        the linear head that equals prototypes, `prototype_head`
    phi = k inner steps from (body, W, b) on the support loss

With no inner step it is a prototypical network. At the first step of MAML from a head of zeros, with the rate of the head at
ways / 2 times 2 s for equal shots, W becomes 2 s (c_k - mean c) and b stays 0: the same head up to a shift that softmax forgets, and
without the lengths. So ProtoMAML's start is that step and the bias.

It runs through the one engine, `mlteach.outer.maml_gradient`, whose start may see the support set.

Source: Triantafillou et al. 2020 (Meta-Dataset), section 3. Taught in: lesson 18.
"""

from mlteach.inner.start import SeesSupport
from mlteach.metric.prototypes import prototype_head
from mlteach.nets import Conv4
from mlteach.params import Params
from mlteach.tasks.episode import Seen


def prototype_start(net: Conv4, *, scale: float = 1.0) -> SeesSupport:
    """A start for `maml_gradient`: theta's body, with a head of prototypes for ``net.ways`` classes. The body's gradient passes through both.

    scale: of the head. At 1 the support loss of one shot is as good as 0, each prototype being its own picture, and no step moves.
    """

    def begin(theta: Params, seen: Seen) -> Params:
        features = net.features_of(theta, seen.support_x)
        weight, bias = prototype_head(features, seen.support_y, net.ways, scale=scale)
        return {name: theta[name] for name in net.body_names} | {"head.weight": weight, "head.bias": bias}

    return SeesSupport(begin)
