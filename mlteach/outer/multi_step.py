"""The multi-step loss of MAML++: the queries are judged after every inner step, and the weight moves to the last one.

    L = sum over t of weights[t] * L_query(phi_t)

At first every step counts the same, so that every step's gradient reaches the start by a short way. While training goes on
the weights of all steps but the last fall, and in the end the last one counts alone: ordinary MAML.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from mlteach.outer.schedule import Gradient, Scheduled

RELEASED_FLOOR = 0.03


def annealed(steps: int, done: float, floor: float = 0.0) -> list[float]:
    """The weights of the query loss after 0, 1, ..., ``steps`` inner steps; they sum to 1.

    done: the share of the annealing that is over, from 0. From 1 on the last step counts alone. The loss before the first
    step never counts: no step has led there.
    floor: what is left of the weight of each earlier step until the end. The released code keeps 0.03 of it for the last
    three percent of the annealing, and then drops it at once.

    Source: Antoniou, Edwards, Storkey 2019, section 4, "MSL". Taught in: lesson 12, exercise 12.1.
    """
    if steps == 0 or done >= 1:
        return [0.0] * steps + [1.0]
    early = max(1 - done, floor) / steps
    return [0.0, *[early] * (steps - 1), 1 - (steps - 1) * early]


def in_two_schedules(
    gradient: Callable[..., Any], steps: int, outer_steps: int, *, over: float = 0.0, first_order: float = 0.0
) -> Scheduled:
    """MAML++'s two schedules over ``outer_steps`` steps of `mlteach.fit`: annealed weights, and the order of the derivatives.

    gradient: a partial of `maml_gradient` that takes ``weights`` and ``first_order``. steps: its inner steps.
    over: the share of the training over which the weights are annealed; 0: the last step counts alone from the beginning.
    first_order: the share of it, from the beginning, in which second derivatives are left out.

    Source: Antoniou, Edwards, Storkey 2019, section 4, "MSL" and "DA". Taught in: lesson 12.
    """

    def make(step: int) -> Gradient:
        done = step / outer_steps
        weights = annealed(steps, done / over if over else 1.0)
        return partial(gradient, weights=weights, first_order=done < first_order)

    return Scheduled(make)
