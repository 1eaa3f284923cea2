"""The exercises of lesson 04: learning to learn by gradient descent by gradient descent."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake

# 04.1 ---------------------------------------------------------------------------------------------------------------


def features(x: Tensor, p: float) -> Tensor:
    """(log|x| / p, sign x) where |x| >= e^-p, else (-1, e^p x)."""
    large = x.abs() >= math.exp(-p)
    size = torch.where(large, x.abs().clamp_min(math.exp(-p)).log() / p, -1.0)
    way = torch.where(large, x.sign(), math.exp(p) * x)
    return torch.stack([size, way], -1)


def _numbers() -> list[Case]:
    mixed = torch.tensor([3.0, -0.2, 1e-3, -1e-6, 0.0, 1e-7], dtype=torch.float64)
    return [
        Case("numbers of many sizes, p = 10", (mixed, 10.0)),
        Case("the same, p = 5", (mixed, 5.0)),
        Case(
            "a matrix of gradients", (torch.tensor([[0.5, -2.0], [-1e-5, 1e-2]], dtype=torch.float64), 10.0)
        ),
    ]


def _branches(
    size: Callable[[Tensor, float], Tensor],
    small: Callable[[Tensor, float], Tensor] = lambda x, p: math.exp(p) * x,
    limit: Callable[[float], float] = lambda p: math.exp(-p),
    axis: int = -1,
    *,
    swapped: bool = False,
    unsigned: bool = False,
) -> Callable[[Tensor, float], Tensor]:
    def wrong(x: Tensor, p: float) -> Tensor:
        large = x.abs() >= limit(p)
        way = torch.ones_like(x) if unsigned else x.sign()
        parts = [torch.where(large, size(x, p), -1.0), torch.where(large, way, small(x, p))]
        return torch.stack(parts[::-1] if swapped else parts, axis)

    return wrong


def _log(x: Tensor, p: float) -> Tensor:
    return x.abs().log() / p


def _no_branch(x: Tensor, p: float) -> Tensor:
    return torch.stack([_log(x, p), x.sign()], -1)


PREPROCESS = Exercise(
    id="04.1",
    title="two numbers for one gradient",
    solution=features,
    cases=_numbers,
    mistakes=(
        Mistake(
            "You treat small gradients like large ones. The logarithm of a gradient of zero is minus infinity, and one "
            "such number ruins the LSTM: below e^-p return (-1, e^p x).",
            (_no_branch, lambda x, p: torch.stack([x.abs().clamp_min(1e-300).log() / p, x.sign()], -1)),
        ),
        Mistake(
            "The first number is log|x| / p: you left out the division by p, so it is not between -1 and 1 or thereabouts.",
            (_branches(lambda x, p: x.abs().log()),),
        ),
        Mistake(
            "That is the logarithm to base 10. With the natural one the two branches meet at e^-p.",
            (_branches(lambda x, p: x.abs().log10() / p),),
        ),
        Mistake(
            "Your small branch is x itself. Multiply it by e^p, so that it reaches 1 where the other branch takes over.",
            (_branches(_log, lambda x, p: x),),
        ),
        Mistake(
            "The order is size first, then direction: (log|x| / p, sign x).",
            (_branches(_log, swapped=True),),
        ),
        Mistake(
            "The direction is lost: a large negative gradient has the second number -1.",
            (_branches(_log, unsigned=True),),
        ),
        Mistake(
            "You took p itself as the border. What counts as small begins at e^-p.",
            (_branches(_log, limit=lambda p: p),),
        ),
        Mistake(
            "The two numbers belong on a new last axis: [...] becomes [..., 2]. Use torch.stack(..., -1).",
            (_branches(_log, axis=0),),
        ),
    ),
    hints=(
        "Four expressions: the size and the direction, each for large and for small x. torch.where(condition, a, b) chooses between two.",
        "`large = x.abs() >= math.exp(-p)`. Where x is small, the size is -1 and the direction is `math.exp(p) * x`.",
        "`return torch.stack([torch.where(large, x.abs().log() / p, -1.0), torch.where(large, x.sign(), ...)], -1)`",
    ),
)

# 04.2 ---------------------------------------------------------------------------------------------------------------


def forget_bias(mu: float) -> float:
    """The bias whose sigmoid is mu."""
    return math.log(mu / (1 - mu))


FORGET_BIAS = Exercise(
    id="04.2",
    title="a forget gate that is momentum",
    solution=forget_bias,
    cases=lambda: [Case(f"mu = {mu}", (mu,)) for mu in (0.9, 0.5, 0.99)],
    mistakes=(
        Mistake(
            "That is mu itself. The gate is the sigmoid of the bias; the bias you need is the number whose sigmoid is mu.",
            (lambda mu: mu,),
        ),
        Mistake(
            "You squash mu once more. Go the other way: undo the sigmoid.",
            (lambda mu: 1 / (1 + math.exp(-mu)),),
        ),
        Mistake(
            "The sign is turned round: with this bias the gate is 1 - mu, and forgets what it should keep.",
            (lambda mu: math.log((1 - mu) / mu),),
        ),
        Mistake(
            "That undoes e^b, but the sigmoid is 1 / (1 + e^-b): solve mu = 1 / (1 + e^-b) for b.",
            (lambda mu: math.log(mu), lambda mu: -math.log(mu)),
        ),
        Mistake(
            "That is one over e^-b. Take the logarithm.",
            (lambda mu: mu / (1 - mu), lambda mu: (1 - mu) / mu),
        ),
    ),
    hints=(
        "A gate is sigmoid(b) = 1 / (1 + e^-b). Which b makes it mu?",
        "From mu = 1 / (1 + e^-b) follows e^-b = 1 / mu - 1.",
        "`return math.log(... / (1 - mu))`",
    ),
)

# 04.3 ---------------------------------------------------------------------------------------------------------------

Step = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
Map = Callable[[Tensor], Tensor]


def piece(
    step: Step, loss: Map, slope: Map, phi: Tensor, theta: Tensor, state: Tensor, steps: int
) -> tuple[Any, Tensor, Tensor]:
    """The mean loss along one piece of the run, and where the next piece begins."""
    total = torch.zeros((), dtype=theta.dtype)
    for _ in range(steps):
        update, state = step(phi, slope(theta).detach(), state)
        theta = theta + update
        total = total + loss(theta)
    return total / steps, theta.detach(), state.detach()


CURVATURE = torch.tensor([1.0, 3.0, 0.5], dtype=torch.float64)


def _step(phi: Tensor, gradient: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """A learned optimizer small enough to see through: one rate, one forget gate, a squashed step."""
    state = torch.sigmoid(phi[1]) * state + gradient
    return -torch.tanh(phi[0] * state), state


def _loss(theta: Tensor) -> Tensor:
    return 0.5 * (CURVATURE * theta.square()).sum()


def _slope(theta: Tensor) -> Tensor:
    return CURVATURE * theta


def _observe_piece(answer: Callable[..., Any], phi: Tensor, theta: Tensor, state: Tensor, steps: int) -> Any:
    """The mean, its gradient for phi, where the run stands, and whether the end still remembers its history."""
    point = phi.detach().clone().requires_grad_()
    came = answer(_step, _loss, _slope, point, theta, state, steps)
    if not isinstance(came, tuple) or len(came) != 3 or not all(isinstance(part, Tensor) for part in came):
        return came
    value, end, memory = came
    gradient = torch.zeros_like(phi)
    if value.requires_grad and value.numel() == 1:
        gradient = torch.autograd.grad(value, point, allow_unused=True, materialize_grads=True)[0]
    numbers = tuple(part.detach().clone() for part in (value, end, memory))
    return numbers, gradient, end.requires_grad, memory.requires_grad


def _piece_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(43)

    def normal(size: int) -> Tensor:
        return torch.randn(size, generator=draw, dtype=torch.float64)

    return [
        Case(f"{steps} steps", (torch.tensor([0.4, 0.8], dtype=torch.float64), normal(3), normal(3), steps))
        for steps in (1, 4)
    ]


def _piece(
    *,
    keep_edges: bool = False,
    cut_theta: bool = False,
    cut_update: bool = False,
    last: bool = False,
    early: bool = False,
    summed: bool = False,
    uphill: bool = False,
    stale: bool = False,
    attached: tuple[bool, bool] = (False, False),
) -> Callable[..., Any]:
    def wrong(
        step: Step, loss: Map, slope: Map, phi: Tensor, theta: Tensor, state: Tensor, steps: int
    ) -> tuple[Any, Tensor, Tensor]:
        losses = []
        for _ in range(steps):
            if early:
                losses.append(loss(theta))
            gradient = slope(theta) if keep_edges else slope(theta).detach()
            update, after = step(phi, gradient, state)
            state = state if stale else after
            update = update.detach() if cut_update else update
            theta = (theta.detach() if cut_theta else theta) + (-update if uphill else update)
            if not early:
                losses.append(loss(theta))
        total = losses[-1] if last else torch.stack(losses).sum() / (1 if summed else steps)
        ends = [part if keep else part.detach() for part, keep in zip((theta, state), attached, strict=True)]
        return total, ends[0], ends[1]

    return wrong


PIECE = Exercise(
    id="04.3",
    title="one piece of the run",
    solution=piece,
    cases=_piece_cases,
    observe=_observe_piece,
    mistakes=(
        Mistake(
            "The numbers are right, but the gradient for phi is another: you kept the edges from theta into the slope. "
            "Here the slope counts as a constant: .detach() it.",
            (_piece(keep_edges=True),),
        ),
        Mistake(
            "You cut theta's memory line inside the piece, so each loss blames the last step alone. Detach the slope, not "
            "theta; theta is cut at the end of the piece only.",
            (_piece(cut_theta=True),),
        ),
        Mistake("The update is detached, so no gradient reaches phi at all.", (_piece(cut_update=True),)),
        Mistake(
            "You return the last loss. The objective is the mean over all the steps of the piece: it asks to be fast, not "
            "only to arrive.",
            (_piece(last=True),),
        ),
        Mistake(
            "You take the loss before the step, so the start counts, which phi cannot change, and the end does not.",
            (_piece(early=True),),
        ),
        Mistake("You return the sum; divide it by the number of steps.", (_piece(summed=True),)),
        Mistake(
            "The update is added: theta + update. Its sign is the optimizer's business.",
            (_piece(uphill=True),),
        ),
        Mistake(
            "The state stays what it was: hand the new one on to the next step, or the optimizer has no memory.",
            (_piece(stale=True),),
        ),
        Mistake(
            "theta and the state still remember the whole piece, so the next one would go back through this one, and the run "
            "never becomes short. Return both detached.",
            (_piece(attached=(True, True)), _piece(attached=(True, True), keep_edges=True)),
        ),
        Mistake(
            "theta comes back with its history. Return theta.detach().", (_piece(attached=(True, False)),)
        ),
        Mistake(
            "The state comes back with its history. Return state.detach().", (_piece(attached=(False, True)),)
        ),
    ),
    hints=(
        "Four lines in a loop: the slope as a constant, the optimizer's answer, the move, the loss.",
        "`update, state = step(phi, slope(theta).detach(), state)`, then theta moves, then its loss is added up.",
        "`return total / steps, theta.detach(), ...`: what else does the next piece begin with?",
    ),
)

EXERCISES = (PREPROCESS, FORGET_BIAS, PIECE)
