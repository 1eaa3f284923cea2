"""A pull back to the start: any rule, on the support loss plus half a squared distance."""

from typing import Any

from torch import Tensor

from mlteach.inner.rule import Rule, checked_rate, checked_rule
from mlteach.params import Params


def proximal(rule: Rule, strength: float | Tensor) -> Rule:
    """``rule``, on L_S(phi) + strength / 2 |phi - theta|^2 with theta where the inner loop began.

    Weight decay pulls towards zero; this pulls towards the start, with the same letter, lambda. The term's gradient,
    strength * (phi - theta), is added to the one the rule is given, so theta also comes in by what the steps are pulled to, and
    a gradient through the steps knows it. The state is (theta, the rule's own state).

    Source: Rajeswaran, Finn, Kakade, Levine 2019, equation 3. Taught in: lesson 14.
    """
    inside = checked_rule(rule)
    checked_rate(strength, "proximal(sgd(0.1), 1.0)")

    def step(theta: Params, gradient: Params, state: Any, /, *, loss: Tensor) -> tuple[Params, Any]:
        start, own = state
        pulled = {name: gradient[name] + strength * (theta[name] - start[name]) for name in theta}
        moved, own = inside.step(theta, pulled, own, loss=loss)
        return moved, (start, own)

    return inside._replace(init=lambda theta: (theta, inside.init(theta)), step=step)
