"""Gradient descent with a learned rate for each tensor and each inner step: LSLR of MAML++.

    theta_(t+1) = theta_t - alpha[name, t] * gradient_t

With the same number everywhere it is gradient descent. A rate has a gradient like every other parameter of the start:
dL_query / d alpha[name, t] = -v_(t+1) . gradient_t, where v is what the outer loop walks back with.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from mlteach.errors import RuleError
from mlteach.inner.rule import Rule, checked_steps
from mlteach.params import Params

PREFIX = "rate."


def per_step(rates: Params) -> Rule:
    """Gradient descent whose rate for ``name`` at step t is ``rates[name][t]``; rates [steps]. The state counts the steps.

    Raises RuleError for a name without rates, and for a step that has none: per-step rates cannot run longer than they were
    trained.

    Source: Antoniou, Edwards, Storkey 2019, section 4, "LSLR"; with one rate for all steps Li et al. 2017 (Meta-SGD).
    Taught in: lesson 12.
    """

    def step(theta: Params, gradient: Params, t: int, *, loss: Tensor | None = None) -> tuple[Params, int]:
        return {name: theta[name] - _rate(rates, name, t) * gradient[name] for name in theta}, t + 1

    return Rule(init=lambda theta: 0, step=step)


def _rate(rates: Params, name: str, t: int) -> Tensor:
    if name not in rates:
        raise RuleError(f"There are no rates for {name!r}; there are rates for {', '.join(rates)}.")
    if t >= len(rates[name]):
        raise RuleError(
            f"There are rates for {len(rates[name])} inner steps and step {t + 1} was asked for; take as many steps as were trained."
        )
    return rates[name][t]


@dataclass(frozen=True)
class LearnedRates:
    """Rates that are learned together with the start, for the parameters ``names`` and so many inner ``steps``.

        rates = LearnedRates(names, steps=5)
        theta = net.init(generator) | rates.init(0.1)
        maml_gradient(net, loss, theta, episode, rates.rule, 5, only=names, start=rates.start)

    They stand in theta as ``rate.NAME`` [steps]. Source: as `per_step`. Taught in: lesson 12.
    """

    names: tuple[str, ...]
    steps: int

    def init(self, alpha: float, dtype: torch.dtype = torch.float32) -> Params:
        """The same rate for each tensor and each step."""
        return {
            PREFIX + name: torch.full((checked_steps(self.steps),), alpha, dtype=dtype) for name in self.names
        }

    def rule(self, theta: Params) -> Rule:
        """Gradient descent with the rates in ``theta``; its other names are passed over."""
        return per_step({name: theta[PREFIX + name] for name in self.names})

    def start(self, theta: Params) -> Params:
        """The start: what in ``theta`` is no rate."""
        return {name: value for name, value in theta.items() if not name.startswith(PREFIX)}
