"""A meta-gradient that changes while it trains: first order at the beginning, weights that move to the last step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from mlteach.params import Params
from mlteach.tasks.episode import Episode

Gradient = Callable[[Params, Episode], tuple[Params, Mapping[str, Tensor | float]]]


@dataclass(frozen=True)
class Scheduled:
    """``make(step)`` gives the gradient function of outer step ``step``, from 0 on; `mlteach.fit` asks it at every step.

        def make(step):
            return partial(maml_gradient, net, loss, rule=rule, steps=5, first_order=step < 300)

        fit(Scheduled(make), ...)

    The step counts through a resume. Called by itself it is the gradient of step 0. Taught in: lesson 12.
    """

    make: Callable[[int], Gradient]

    def at(self, step: int) -> Gradient:
        """The gradient function of one outer step."""
        return self.make(step)

    def __call__(self, theta: Params, episode: Episode) -> tuple[Params, Mapping[str, Tensor | float]]:
        return self.at(0)(theta, episode)
