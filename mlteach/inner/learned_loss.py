"""Inner losses that are learned: by a network that the task itself tunes (MeTAL), or by one number (a robust loss).

    phi' = phi - alpha * grad (L_support(phi) + l_t(phi)),      l_t = mean over the support points of a small network

The network of step t reads a point's residual, answer and label. Before that, the task turns its weights: from the task's state s
(its support loss, and the mean of each of phi's tensors) a second small network makes two numbers for each tensor w of the first,

    w' = (1 + scale * gamma(s)) w + shift * delta(s).

``scale`` and ``shift`` start at zero, so the turn starts as the identity; the last weights start at zero, so l_t does. The whole
starts as MAML. With ``queries`` a second pair of networks does the same on the query inputs, which have no labels here.

The one-line rival is `RobustLoss`: a squared error that bends into a straight line, with one learned number, where it does.

Source: Baik et al. 2021 (MeTAL), equations 3 to 6. As there, no gradient is cut: phi reaches the loss through its state too.
Not as there: the state is not standardised, and each point is read without it. Taught in: lesson 15.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.inner.rule import Objective, Rule
from mlteach.inner.sgd import sgd
from mlteach.params import Params
from mlteach.tasks.episode import Seen

LARGE, MEANS = (
    5.0,
    5.0,
)  # labels are of this size, and a tensor's mean is a number of size one after this factor
TENSORS = ("weight1", "bias1", "weight2")  # of a loss network


@dataclass(frozen=True)
class PlainLoss:
    """Gradient descent on the support loss with a learned rate for each tensor: what every learned loss has to beat."""

    rate: float = 0.01

    def init(self, generator: torch.Generator, learner: Params) -> Params:
        """The learner's parameters, and beside them a rate for each, ``rate.NAME``."""
        rates = {
            f"rate.{name}": torch.full_like(value.flatten()[0], self.rate) for name, value in learner.items()
        }
        return learner | rates

    def start(self, theta: Params) -> Params:
        """The learner's start out of all that is learned."""
        return {name: value for name, value in theta.items() if not name.startswith(("rate.", "loss."))}

    def rule(self, theta: Params) -> Rule:
        """The rule that theta makes: its rates, and what it descends on."""
        rates = {
            name.removeprefix("rate."): value for name, value in theta.items() if name.startswith("rate.")
        }
        return sgd(rates)._replace(objective=self.objective(theta))

    def objective(self, theta: Params) -> Objective | None:
        """None: the support loss as it is."""
        return None


def pseudo_huber(residual: Tensor, width: Tensor | float) -> Tensor:
    """r^2 near zero, 2 width |r| far out, smooth between: 2 width^2 (sqrt(1 + (r / width)^2) - 1), entry by entry.

    Source: Charbonnier et al. 1994, after Huber 1964.
    """
    return 2 * width**2 * ((1 + (residual / width).square()).sqrt() - 1)


@dataclass(frozen=True)
class RobustLoss(PlainLoss):
    """Learned rates, and `pseudo_huber` in place of the squared error, with its width learned: e^theta["loss.width"].

    penalty: another function of residuals and width in its place.
    """

    width: float = 1.5
    penalty: Callable[[Tensor, Tensor], Tensor] = pseudo_huber

    def init(self, generator: torch.Generator, learner: Params) -> Params:
        first = next(iter(learner.values())).flatten()[0]
        return super().init(generator, learner) | {"loss.width": torch.full_like(first, math.log(self.width))}

    def objective(self, theta: Params) -> Objective:
        width = theta["loss.width"].exp()

        def robust(net: Any, params: Params, seen: Seen, t: int) -> Tensor:
            return self.penalty(net(params, seen.support_x) - seen.support_y, width).mean((-2, -1))

        return robust


def turn(weights: Params, gamma: Params, delta: Params, scale: Params, shift: Params) -> Params:
    """FiLM, tensor by tensor: w' = (1 + scale gamma) w + shift delta, the identity where scale and shift are zero.

    All five by the names of ``weights``; the others broadcast against them. Source: Perez et al. 2018; Baik et al. 2021, eq. 5.
    """
    return {
        name: (1 + scale[name] * gamma[name]) * w + shift[name] * delta[name] for name, w in weights.items()
    }


Turn = Callable[[Params, Params, Params, Params, Params], Params]


def turned(weights: Params, theta: Params, own: str, state: Tensor, by: Turn = turn) -> Params:
    """A loss network's weights as a task's ``state`` [(tasks,) s] turns them, with the task axis in front.

    gamma and delta, one of each for each tensor, are what the network ``own`` of theta makes of the state.
    """
    hidden = torch.tanh(F.linear(state, theta[own + "weight1"], theta[own + "bias1"]))
    told = F.linear(hidden, theta[own + "weight2"]).chunk(2, -1)

    def spread(values: Tensor) -> Params:
        """One number for each tensor, [(tasks,) tensors], with as many axes behind as the tensor has."""
        return {
            name: values[..., place][(..., *(None,) * value.ndim)]
            for place, (name, value) in enumerate(weights.items())
        }

    gamma, delta, scale, shift = map(spread, (*told, theta[own + "scale"], theta[own + "shift"]))
    return by(weights, gamma, delta, scale, shift)


@dataclass(frozen=True)
class LearnedLoss(PlainLoss):
    """Learned rates, and a learned loss added to the support loss. ``steps``: so many inner steps, each with networks of its own.

    film: whether the task turns the loss's weights. queries: whether there is a loss on the query inputs too.
    ways: classes of a classification; 0 for regression. turn: another function in the place of `turn`.
    """

    steps: int = 2
    hidden: int = 16
    film: bool = True
    queries: bool = False
    ways: int = 0
    turn: Turn = turn

    def init(self, generator: torch.Generator, learner: Params) -> Params:
        theta, like = super().init(generator, learner), next(iter(learner.values()))
        count = len(learner)
        sizes = {"support": (2 * self.ways + 1 if self.ways else 4, count + 1)}
        if self.queries:
            sizes["query"] = (self.ways + 1 if self.ways else 2, count + 2)

        def drawn(outputs: int, inputs: int) -> Tensor:
            unit = torch.randn(outputs, inputs, generator=generator, dtype=like.dtype, device=like.device)
            return unit / math.sqrt(inputs)

        for t in range(self.steps):
            for part, (inputs, state) in sizes.items():
                own = f"loss.{part}{t}."
                theta |= {
                    own + "weight1": drawn(self.hidden, inputs),
                    own + "bias1": like.new_zeros(self.hidden),
                }
                theta[own + "weight2"] = like.new_zeros(1, self.hidden)
                if self.film:
                    theta |= {
                        own + "film.weight1": drawn(self.hidden, state),
                        own + "film.bias1": like.new_zeros(self.hidden),
                    }
                    theta |= {own + "film.weight2": drawn(2 * len(TENSORS), self.hidden)}
                    theta |= {
                        own + name: like.new_zeros(len(TENSORS)) for name in ("film.scale", "film.shift")
                    }
        return theta

    def objective(self, theta: Params) -> Objective:
        def learned(net: Any, params: Params, seen: Seen, t: int) -> Tensor:
            outputs = net(params, seen.support_x)
            each = plain(outputs, seen.support_y)
            state = state_of(each.mean(-1), params, outputs.ndim - 1)
            points = (read_classes if self.ways else read_residual)(outputs, seen.support_y)
            total = each.mean(-1) + self.part(theta, f"loss.support{t}.", points, state)
            if not self.queries:
                return total
            points = read_queries(net(params, seen.query_x), seen.query_x, self.ways)
            of_queries = torch.stack([points[..., -2].mean(-1), points[..., -1].mean(-1)], -1)
            state = torch.cat([state[..., 1:], of_queries], -1)
            return total + self.part(theta, f"loss.query{t}.", points, state)

        return learned

    def part(self, theta: Params, own: str, points: Tensor, state: Tensor) -> Tensor:
        """The mean over the points [(tasks,) N, n] of what the loss network ``own`` says of each, after the task's turn."""
        weights = {name: theta[own + name] for name in TENSORS}
        if self.film:
            weights = turned(weights, theta, own + "film.", state, self.turn)
        return said_of(weights, points).mean(-1)


def state_of(loss: Tensor, params: Params, axes: int) -> Tensor:
    """A task's state [(tasks,) 1 + tensors]: the logarithm of one plus its support loss, and the mean of each of its tensors.

    The tensors come by name, so that parameters read from a file, in whatever order, make the same state.
    axes: 1 for one task by itself, 2 where loss [tasks] and parameters have a task axis.
    """
    means = [MEANS * params[name].flatten(axes - 1).mean(-1) for name in sorted(params)]
    return torch.stack([loss.log1p(), *means], -1)


def said_of(weights: Params, points: Tensor) -> Tensor:
    """What a loss network says of each point: [(tasks,) N] of [(tasks,) N, n]. Weights may have the task axis, or not."""
    hidden = F.softplus(points @ weights["weight1"].mT + weights["bias1"].unsqueeze(-2))
    return (hidden @ weights["weight2"].mT).squeeze(-1)


def plain(outputs: Tensor, y: Tensor) -> Tensor:
    """Each point's own loss [(tasks,) N]: squared error, or the cross-entropy where labels are classes."""
    if y.is_floating_point():
        return (outputs - y).square().mean(-1)
    return F.cross_entropy(outputs.flatten(0, -2), y.flatten(), reduction="none").view(y.shape)


def read_residual(outputs: Tensor, y: Tensor) -> Tensor:
    """What is read of a point in a regression, [(tasks,) N, 4]: its residual r as asinh r and as r^2 / 10, answer and label."""
    r = outputs - y
    return torch.cat([torch.asinh(r), r.square() / 10, outputs / LARGE, y / LARGE], -1)


def read_classes(outputs: Tensor, y: Tensor) -> Tensor:
    """What is read of a picture, [(tasks,) N, 2 ways + 1]: log probabilities, label, and the cross-entropy."""
    label = F.one_hot(y, outputs.shape[-1]).to(outputs)
    log_p = outputs.log_softmax(-1)
    return torch.cat([log_p, label, -(log_p * label).sum(-1, keepdim=True)], -1)


def read_queries(outputs: Tensor, x: Tensor, ways: Literal[0] | int) -> Tensor:
    """What is read of a query: log probabilities and their negative entropy; in a regression the answer and the input."""
    if not ways:
        return torch.cat([outputs / LARGE, x / LARGE], -1)
    log_p = outputs.log_softmax(-1)
    return torch.cat([log_p, (log_p.exp() * log_p).sum(-1, keepdim=True)], -1)
