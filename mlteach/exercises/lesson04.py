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
    mixed = torch.tensor([3.0, -0.2, 1e-3, -1e-6, 0.0, 1e-7, -3e-5], dtype=torch.float64)
    matrix = torch.tensor([[0.5, -2.0, 1e-9], [-1e-5, 1e-2, -0.03]], dtype=torch.float64)
    return [
        Case("numbers of many sizes, p = 10", (mixed, 10.0)),
        Case("the same, p = 5", (mixed, 5.0)),
        Case("a matrix of gradients, p = 2", (matrix, 2.0)),
        Case("small gradients alone", (torch.tensor([2e-5, -1e-8], dtype=torch.float64), 10.0)),
    ]


def _more_numbers(draw: torch.Generator) -> Case:
    powers = -20 * torch.rand(4, generator=draw, dtype=torch.float64)
    signs = torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=torch.float64)
    p = 3.0 + 9 * torch.rand((), generator=draw, dtype=torch.float64).item()
    return Case(f"four numbers drawn, p = {p:.1f}", (signs * powers.exp(), p))


Part = Callable[[Tensor, float], Any]


def _log(x: Tensor, p: float) -> Tensor:
    return x.abs().log() / p


def _changed(
    size: Part = _log,
    small_size: Part = lambda x, p: -torch.ones_like(x),
    way: Part = lambda x, p: x.sign(),
    small_way: Part = lambda x, p: math.exp(p) * x,
    large: Part = lambda x, p: x.abs() >= math.exp(-p),
    put: Callable[[Tensor, Tensor], Any] = lambda size, way: torch.stack([size, way], -1),
) -> Callable[[Tensor, float], Any]:
    """`features` with something else in one of its places."""

    def wrong(x: Tensor, p: float) -> Any:
        here = large(x, p)
        parts = [
            torch.where(here, size(x, p), small_size(x, p)),
            torch.where(here, way(x, p), small_way(x, p)),
        ]
        return put(*parts)

    return wrong


def _everywhere(x: Tensor, p: float) -> Tensor:
    return torch.ones_like(x, dtype=torch.bool)


def _never_zero(least: float) -> tuple[Part, Part]:
    """The two habits against log 0: a floor, and a little added."""
    return lambda x, p: x.abs().clamp_min(least).log() / p, lambda x, p: (x.abs() + least).log() / p


_FLOORED = (
    _log,
    *(
        size
        for least in (1e-300, 1e-20, 1e-16, 1e-15, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5)
        for size in _never_zero(least)
    ),
)

PREPROCESS = Exercise(
    id="04.1",
    title="two numbers for one gradient",
    solution=features,
    cases=_numbers,
    draw=_more_numbers,
    leading=("x",),
    differentiable=(),
    mistakes=(
        Mistake(
            "You treat small gradients like large ones. The logarithm of a gradient of zero is minus infinity, and one "
            "such number ruins the LSTM: below e^-p the pair is (-1, e^p x).",
            (
                *(_changed(size, large=_everywhere) for size in _FLOORED),
                _changed(large=lambda x, p: x.abs() > 0),
                _changed(large=lambda x, p: x.abs() > 0, small_size=lambda x, p: torch.zeros_like(x)),
            ),
            hint=2,
        ),
        Mistake(
            "Only the size changes below e^-p in your answer; the direction stays the sign. There it is e^p x, which fades "
            "to zero in a straight line.",
            (_changed(small_way=lambda x, p: x.sign()),),
            hint=2,
        ),
        Mistake(
            "Only the direction changes below e^-p in your answer; the size goes on falling, without end. There it stays "
            "at -1.",
            tuple(_changed(size, small_size=size) for size in _FLOORED),
            hint=2,
        ),
        Mistake(
            "Below e^-p you give the size another number. It stays at -1, which is where log|x| / p has got to at the border.",
            (
                _changed(small_size=lambda x, p: torch.zeros_like(x)),
                _changed(small_size=lambda x, p: torch.ones_like(x)),
                _changed(small_size=lambda x, p: torch.full_like(x, -p)),
                _changed(small_size=lambda x, p: torch.full_like(x, p)),
                _changed(small_size=lambda x, p: x),
                _changed(small_size=lambda x, p: -x.sign()),
                _changed(small_size=lambda x, p: math.exp(p) * x),
                _changed(small_size=lambda x, p: torch.full_like(x, math.exp(-p))),
                _changed(small_size=lambda x, p: torch.full_like(x, -1 / p)),
            ),
            hint=2,
        ),
        Mistake(
            "The size is log|x| / p: you left out the division by p, so it is not between -1 and 1 or thereabouts.",
            (
                _changed(lambda x, p: x.abs().log()),
                _changed(lambda x, p: x.abs().log(), large=_everywhere),
                _changed(lambda x, p: x.abs().log().clamp(-1, 1)),
                _changed(lambda x, p: x.abs().log().clamp(min=-1)),
                _changed(lambda x, p: x.abs().log(), small_size=lambda x, p: torch.full_like(x, -p)),
            ),
        ),
        Mistake(
            "You multiply the logarithm by p. Divide by it: the size is counted in powers of e^p.",
            (_changed(lambda x, p: x.abs().log() * p), _changed(lambda x, p: x.abs().log() / p**2)),
        ),
        Mistake(
            "You divide the gradient by p and then take the logarithm. Divide the logarithm.",
            (_changed(lambda x, p: (x.abs() / p).log()), _changed(lambda x, p: (x.abs() * p).log())),
        ),
        Mistake(
            "That is the logarithm to base 10 or 2. With the natural one the two branches meet at e^-p.",
            (
                _changed(lambda x, p: x.abs().log10() / p),
                _changed(lambda x, p: x.abs().log10()),
                _changed(lambda x, p: x.abs().log2() / p),
                _changed(lambda x, p: x.abs().log2()),
                _changed(lambda x, p: x.abs().log10() / p, large=lambda x, p: x.abs() >= 10**-p),
                _changed(lambda x, p: x.abs().log10() / p, large=_everywhere),
                _changed(
                    lambda x, p: x.abs().log10() / p,
                    large=lambda x, p: x.abs().log10() >= -p,
                    small_way=lambda x, p: 10**p * x,
                ),
            ),
        ),
        Mistake(
            "You take the logarithm of x squared, or of its root: that is twice, or half, of log|x|.",
            (
                _changed(lambda x, p: x.square().log() / p),
                _changed(lambda x, p: x.square().log()),
                _changed(lambda x, p: x.abs().sqrt().log() / p),
            ),
        ),
        Mistake(
            "You divide the gradients by the largest, by their length or by their sum first. Each number is looked at by itself, as it is.",
            tuple(
                lambda x, p, whole=whole: features(x / whole(x), p)
                for whole in (
                    lambda x: x.abs().max(),
                    lambda x: x.norm(),
                    lambda x: x.abs().sum(),
                    lambda x: x.std(),
                    lambda x: x.max(),
                )
            ),
        ),
        Mistake(
            "You divide by the logarithm of p, or add p. The size is log|x| divided by p itself.",
            (
                _changed(lambda x, p: x.abs().log() / math.log(p)),
                _changed(lambda x, p: x.abs().log() / math.exp(p)),
                _changed(lambda x, p: x.abs().log() + p),
                _changed(lambda x, p: (x.abs().log() + p) / p),
            ),
        ),
        Mistake(
            "You take log(1 + |x|), which hardly sees how small a number is. The size is the logarithm of |x| itself.",
            (
                _changed(lambda x, p: x.abs().log1p() / p),
                _changed(lambda x, p: x.abs().log1p()),
                _changed(lambda x, p: x.abs().log1p() / p, large=_everywhere),
                _changed(lambda x, p: x.sign() * x.abs().log1p() / p),
            ),
        ),
        Mistake(
            "Your size is no logarithm. It counts powers of e: log|x| / p.",
            (
                _changed(lambda x, p: x.abs() / p),
                _changed(lambda x, p: x.abs()),
                _changed(lambda x, p: x / p),
                _changed(lambda x, p: x),
                _changed(lambda x, p: x.abs().sqrt() / p),
                _changed(lambda x, p: x.abs().exp() / p),
            ),
        ),
        Mistake(
            "Your size carries a sign of its own. Small gradients have a negative size, large ones a positive one; where they "
            "point is said by the second number.",
            (
                _changed(lambda x, p: x.sign() * x.abs().log() / p),
                _changed(lambda x, p: x.abs().log().abs() / p),
                _changed(lambda x, p: x.sign() * x.abs().log() / p, way=lambda x, p: torch.ones_like(x)),
                _changed(
                    lambda x, p: x.sign() * x.abs().log() / p,
                    small_size=lambda x, p: -x.sign(),
                    way=lambda x, p: torch.ones_like(x),
                ),
                _changed(lambda x, p: x.sign() * x.abs().log().abs() / p),
            ),
        ),
        Mistake(
            "The size has the sign turned round: small gradients get the large number. It is log|x| / p, without a minus.",
            (
                _changed(lambda x, p: -x.abs().log() / p),
                _changed(lambda x, p: -x.abs().log() / p, small_size=lambda x, p: torch.ones_like(x)),
            ),
        ),
        Mistake(
            "You take the logarithm of x itself, and a negative number has none (nan came). The size is that of |x|.",
            (
                _changed(lambda x, p: x.log() / p),
                _changed(lambda x, p: x.log() / p, large=_everywhere),
                _changed(lambda x, p: x.log()),
                _changed(lambda x, p: x.clamp_min(1e-300).log() / p),
            ),
            hint=3,
        ),
        Mistake(
            "Every negative gradient counts as small in your condition. Ask how large |x| is, not x.",
            (
                _changed(large=lambda x, p: x >= math.exp(-p)),
                _changed(lambda x, p: x.log() / p, large=lambda x, p: x >= math.exp(-p)),
            ),
            hint=2,
        ),
        Mistake(
            "Your small branch is x itself. Multiply it by e^p, so that it reaches 1 where the other branch takes over.",
            (_changed(small_way=lambda x, p: x),),
            hint=2,
        ),
        Mistake(
            "Below e^-p you multiply by another factor. It is e^p: then the direction reaches 1 where the other branch takes over.",
            (
                _changed(small_way=lambda x, p: math.exp(-p) * x),
                _changed(small_way=lambda x, p: p * x),
                _changed(small_way=lambda x, p: x / p),
                _changed(small_way=lambda x, p: 10**p * x),
                _changed(small_way=lambda x, p: 2**p * x),
                _changed(small_way=lambda x, p: -math.exp(p) * x),
                _changed(small_way=lambda x, p: x.exp() * p),
                _changed(small_way=lambda x, p: (math.exp(p) * x).tanh()),
                _changed(small_way=lambda x, p: x.exp()),
                _changed(small_way=lambda x, p: math.exp(p) + x),
                _changed(small_way=lambda x, p: (p * x).exp()),
            ),
            hint=2,
        ),
        Mistake(
            "Below e^-p the direction is lost in your answer: it is e^p x, with the sign of x.",
            (
                _changed(small_way=lambda x, p: torch.zeros_like(x)),
                _changed(small_way=lambda x, p: math.exp(p) * x.abs()),
                _changed(small_way=lambda x, p: torch.full_like(x, math.exp(p))),
                _changed(small_way=lambda x, p: torch.ones_like(x)),
            ),
            hint=2,
        ),
        Mistake(
            "The order is size first, then direction: (log|x| / p, sign x).",
            (
                _changed(put=lambda size, way: torch.stack([way, size], -1)),
                _changed(large=_everywhere, put=lambda size, way: torch.stack([way, size], -1)),
                _changed(small_size=lambda x, p: math.exp(p) * x, small_way=lambda x, p: -torch.ones_like(x)),
                _changed(put=lambda size, way: torch.stack([way, size], 0)),
            ),
        ),
        Mistake(
            "The direction is lost: a large negative gradient has the second number -1.",
            (
                _changed(way=lambda x, p: torch.ones_like(x)),
                _changed(way=lambda x, p: (x > 0).to(x)),
                _changed(way=lambda x, p: x.abs().sign(), small_way=lambda x, p: math.exp(p) * x.abs()),
            ),
        ),
        Mistake(
            "Your direction is longer or shorter than 1 for large gradients, or points backwards. It is the sign alone: 1 or -1.",
            (
                _changed(way=lambda x, p: x),
                _changed(
                    way=lambda x, p: math.exp(p) * x * x.sign(),
                    small_way=lambda x, p: math.exp(p) * x * x.sign(),
                ),
                _changed(way=lambda x, p: math.exp(p) * x),
                _changed(way=lambda x, p: -x.sign()),
                _changed(way=lambda x, p: x.tanh()),
                _changed(way=lambda x, p: x.sign() / p),
                _changed(way=lambda x, p: -x.sign(), small_way=lambda x, p: -math.exp(p) * x),
            ),
        ),
        Mistake(
            "Your border between large and small is elsewhere. What counts as small begins at e^-p.",
            (
                _changed(large=lambda x, p: x.abs() >= p),
                _changed(large=lambda x, p: x.abs() >= 1 / p),
                _changed(large=lambda x, p: x.abs() >= 1),
                _changed(large=lambda x, p: x.abs() >= math.exp(p)),
                _changed(large=lambda x, p: x.square() >= math.exp(-p)),
                _changed(large=lambda x, p: x.abs() >= p**-p),
                _changed(large=lambda x, p: x.abs() >= p * math.exp(-1)),
                _changed(large=lambda x, p: x.abs() >= 10.0**-p),
                _changed(large=lambda x, p: x.abs() >= 2.0**-p),
                _changed(large=lambda x, p: x.abs() >= math.exp(-1 / p)),
                _changed(large=lambda x, p: x.abs().log() >= p),
                _changed(large=lambda x, p: x.abs() >= 1e-5),
            ),
            hint=2,
        ),
        Mistake(
            "Your border stands still when p changes. It is e^-p, for every p.",
            (
                _changed(large=lambda x, p: x.abs() >= math.exp(-10)),
                _changed(
                    lambda x, p: _log(x, 10),
                    large=lambda x, p: x.abs() >= math.exp(-10),
                    small_way=lambda x, p: math.exp(10) * x,
                ),
                _changed(lambda x, p: _log(x, 10)),
                _changed(small_way=lambda x, p: math.exp(10) * x),
            ),
            hint=2,
        ),
        Mistake(
            "The branches have changed places: the logarithm is for large gradients, (-1, e^p x) for small ones.",
            (_changed(large=lambda x, p: x.abs() < math.exp(-p)),),
            hint=2,
        ),
        Mistake(
            "You decide once for the whole tensor. Each number is large or small by itself: torch.where decides for each.",
            (
                _changed(large=lambda x, p: (x.abs() >= math.exp(-p)).all()),
                _changed(large=lambda x, p: (x.abs() >= math.exp(-p)).any()),
                _changed(large=lambda x, p: x.abs().max() >= math.exp(-p)),
                _changed(large=lambda x, p: x.abs().mean() >= math.exp(-p)),
                _changed(large=lambda x, p: x.norm() >= math.exp(-p)),
            ),
            hint=1,
        ),
        Mistake(
            "The two numbers belong on a new last axis: [...] becomes [..., 2]. Yours stand on another.",
            (
                _changed(put=lambda size, way: torch.stack([size, way], 0)),
                _changed(put=lambda size, way: torch.stack([size, way], 1)),
                _changed(put=lambda size, way: torch.stack([size, way], -2)),
                _changed(put=lambda size, way: torch.stack([size, way], -1).flatten()),
                _changed(put=lambda size, way: torch.stack([size, way], -1).reshape(-1, 2)),
                _changed(put=lambda size, way: torch.stack([size.flatten(), way.flatten()], -1)),
            ),
            hint=3,
        ),
        Mistake(
            "You put the sizes and the directions behind one another (cat). Each gradient keeps its place and gets two numbers, on a "
            "new last axis (stack).",
            (
                _changed(put=lambda size, way: torch.cat([size, way], -1)),
                _changed(put=lambda size, way: torch.column_stack([size, way])),
                _changed(put=lambda size, way: torch.cat([size.flatten(), way.flatten()])),
                _changed(put=lambda size, way: torch.cat([size, way], 0)),
            ),
            hint=3,
        ),
        Mistake(
            "You return the sizes and the directions as two tensors. One tensor is asked for, [..., 2].",
            (
                _changed(put=lambda size, way: (size, way)),
                _changed(large=_everywhere, put=lambda size, way: (size, way)),
            ),
            hint=3,
        ),
        Mistake(
            "You return one number for each gradient. Two are asked for: the size and the direction.",
            (
                _changed(put=lambda size, way: size),
                _changed(put=lambda size, way: way),
                _changed(put=lambda size, way: size * way),
                _changed(put=lambda size, way: size + way),
            ),
            hint=1,
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


def _more_gates(draw: torch.Generator) -> Case:
    mu = round(0.02 + 0.96 * torch.rand((), generator=draw, dtype=torch.float64).item(), 3)
    return Case(f"mu = {mu}", (mu,))


FORGET_BIAS = Exercise(
    id="04.2",
    title="a forget gate that is momentum",
    solution=forget_bias,
    cases=lambda: [Case(f"mu = {mu}", (mu,)) for mu in (0.9, 0.5, 0.99, 0.2)],
    draw=_more_gates,
    mistakes=(
        Mistake(
            "That is mu itself. The gate is the sigmoid of the bias; the bias you need is the number whose sigmoid is mu.",
            (lambda mu: mu,),
            hint=1,
        ),
        Mistake(
            "You squash mu once more. Go the other way: undo the sigmoid.",
            (
                lambda mu: 1 / (1 + math.exp(-mu)),
                lambda mu: math.tanh(mu),
                lambda mu: 1 / (1 + math.exp(mu)),
                lambda mu: 1 / (1 + math.exp(mu - 1)),
                lambda mu: 1 / (1 + math.exp(1 - mu)),
                lambda mu: math.exp(-mu) / (1 + math.exp(-mu)) ** 2,
                lambda mu: 1 + math.exp(-mu),
            ),
            hint=1,
        ),
        Mistake(
            "The sign is turned round: with this bias the gate is 1 - mu, and forgets what it should keep.",
            (lambda mu: math.log((1 - mu) / mu),),
        ),
        Mistake(
            "That undoes e^b, but the sigmoid is 1 / (1 + e^-b): solve mu = 1 / (1 + e^-b) for b.",
            (lambda mu: math.log(mu), lambda mu: -math.log(mu)),
            hint=2,
        ),
        Mistake(
            "You undo half of it: the numerator is missing. A large bias must come out for mu near 1, and a very negative one for mu near 0.",
            (lambda mu: math.log(1 - mu), lambda mu: -math.log(1 - mu)),
            hint=2,
        ),
        Mistake(
            "That is one over e^-b, or e^-b itself. Take the logarithm.",
            (
                lambda mu: mu / (1 - mu),
                lambda mu: (1 - mu) / mu,
                lambda mu: -mu / (1 - mu),
                lambda mu: mu / (1 + mu),
                lambda mu: math.sqrt(mu / (1 - mu)),
                lambda mu: -(1 - mu) / mu,
            ),
            hint=3,
        ),
        Mistake(
            "A logarithm to base 10 or 2 does not undo e^-b. Take the natural one.",
            (
                lambda mu: math.log10(mu / (1 - mu)),
                lambda mu: math.log2(mu / (1 - mu)),
                lambda mu: -math.log10(mu / (1 - mu)),
            ),
        ),
        Mistake(
            "A sign inside the logarithm: from 1 / mu = 1 + e^-b follows e^-b = 1 / mu - 1, and the 1 is subtracted.",
            (
                lambda mu: math.log(mu / (1 + mu)),
                lambda mu: math.log((1 + mu) / mu),
                lambda mu: math.log(1 + mu),
                lambda mu: -math.log(1 + mu),
                lambda mu: -math.log(1 / mu + 1),
                lambda mu: math.log(1 + mu / (1 - mu)) - mu,
            ),
            hint=2,
        ),
        Mistake(
            "That is where a tanh has the value mu, or half of the way. The gate is a sigmoid, from 0 to 1.",
            (
                lambda mu: math.atanh(mu),
                lambda mu: 2 * math.atanh(mu),
                lambda mu: math.atanh(2 * mu - 1),
                lambda mu: math.atanh(mu) / 2,
            ),
            hint=1,
        ),
        Mistake(
            "The logarithm of a quotient is the difference of two logarithms, not their quotient, sum or product.",
            (
                lambda mu: math.log(mu) / math.log(1 - mu),
                lambda mu: math.log(1 - mu) / math.log(mu),
                lambda mu: math.log(mu) + math.log(1 - mu),
                lambda mu: math.log(mu * (1 - mu)),
                lambda mu: math.log(mu) * math.log(1 - mu),
            ),
            hint=3,
        ),
        Mistake(
            "The logarithm takes the whole quotient: yours closes after the numerator.",
            (
                lambda mu: math.log(mu) / (1 - mu),
                lambda mu: math.log(1 - mu) / mu,
                lambda mu: math.log(1 / mu) - 1,
                lambda mu: 1 - math.log(1 / mu),
                lambda mu: -math.log(1 / mu) - 1,
                lambda mu: math.log(mu) - mu,
                lambda mu: math.log(mu) * (1 - mu),
                lambda mu: math.log(mu) - (1 - mu),
                lambda mu: math.log(mu) - 1 + mu - 1,
                lambda mu: math.log(1 - mu) * mu,
                lambda mu: math.log(1 - mu) / (1 - mu),
                lambda mu: mu / math.log(1 - mu),
            ),
            hint=3,
        ),
        Mistake(
            "That is the slope of the sigmoid where the gate stands at mu. Asked for is the bias that puts it there.",
            (lambda mu: mu * (1 - mu), lambda mu: 1 / (mu * (1 - mu))),
        ),
        Mistake(
            "That is what the gate lets go, 1 - mu. Asked for is the bias behind the gate.",
            (lambda mu: 1 - mu, lambda mu: mu - 1),
            hint=1,
        ),
        Mistake(
            "That is for how many steps the momentum lasts. Asked for is the bias behind the gate.",
            (lambda mu: 1 / (1 - mu), lambda mu: -1 / math.log(mu)),
        ),
        Mistake(
            "That is one over the gate, or its exponential. Undo the sigmoid with a logarithm.",
            (
                lambda mu: 1 / mu,
                lambda mu: math.exp(mu),
                lambda mu: math.exp(-mu),
                lambda mu: math.exp(mu / (1 - mu)),
                lambda mu: math.exp(mu) / (1 - math.exp(mu)),
            ),
        ),
        Mistake(
            "Your answer is the same for every mu. It is a function of it.",
            (
                lambda mu: math.log(9),
                lambda mu: 0.0,
                lambda mu: 1.0,
                lambda mu: 2.2,
                lambda mu: 2.197,
            ),
        ),
        Mistake(
            "That is a straight line in mu. Undoing the sigmoid is bent: the bias grows without end as mu goes to 1.",
            (
                lambda mu: 4 * (mu - 0.5),
                lambda mu: 2 * mu - 1,
                lambda mu: 4 * mu - 2,
                lambda mu: mu - 0.5,
                lambda mu: 10 * mu - 5,
                lambda mu: -mu,
                lambda mu: 10 * mu,
            ),
            hint=1,
        ),
        Mistake(
            "You rounded the bias. Return it as it is.",
            tuple(
                lambda mu, digits=digits: round(math.log(mu / (1 - mu)), digits) for digits in (0, 1, 2, 3, 4)
            )
            + (
                lambda mu: int(math.log(mu / (1 - mu))),
                lambda mu: math.floor(math.log(mu / (1 - mu))),
                lambda mu: math.ceil(math.log(mu / (1 - mu))),
            ),
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
    step: Step, loss: Map, slope: Map, omega: Tensor, theta: Tensor, state: Tensor, steps: int
) -> tuple[Any, Tensor, Tensor]:
    """The mean loss along one piece of the run, and where the next piece begins."""
    total = torch.zeros((), dtype=theta.dtype)
    for _ in range(steps):
        update, state = step(omega, slope(theta).detach(), state)
        theta = theta + update
        total = total + loss(theta)
    return total / steps, theta.detach(), state.detach()


CURVATURE = torch.tensor([1.0, 3.0, 0.5], dtype=torch.float64)


def _step(omega: Tensor, gradient: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """A learned optimizer small enough to see through: one rate, one forget gate, a squashed step."""
    state = torch.sigmoid(omega[1]) * state + gradient
    return -torch.tanh(omega[0] * state), state


def _loss(theta: Tensor) -> Tensor:
    return 0.5 * (CURVATURE * theta.square()).sum()


def _slope(theta: Tensor) -> Tensor:
    return CURVATURE * theta


def _observe_piece(
    answer: Callable[..., Any], omega: Tensor, theta: Tensor, state: Tensor, steps: int
) -> Any:
    """The mean, its gradient for omega, where the run stands, and whether the end still remembers its history."""
    point = omega.detach().clone().requires_grad_()
    came = answer(_step, _loss, _slope, point, theta, state, steps)
    if (
        not isinstance(came, (tuple, list))
        or len(came) != 3
        or not all(isinstance(part, Tensor) for part in came[1:])
    ):
        return came
    value, end, memory = came
    value = torch.as_tensor(value, dtype=torch.float64) if isinstance(value, (int, float)) else value
    if not isinstance(value, Tensor) or value.numel() != 1:
        return came
    gradient = torch.zeros_like(omega)
    if value.requires_grad:
        gradient = torch.autograd.grad(value.sum(), point, allow_unused=True, materialize_grads=True)[0]
    value, end_now, memory_now = (part.detach().clone() for part in (value.reshape(()), end, memory))
    return value, end_now, memory_now, gradient, end.grad_fn is not None, memory.grad_fn is not None


def _piece_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(43)

    def normal(size: int) -> Tensor:
        return torch.randn(size, generator=draw, dtype=torch.float64)

    return [
        Case(
            "one step" if steps == 1 else f"{steps} steps",
            (torch.tensor([rate, 0.8], dtype=torch.float64), normal(3), normal(3), steps),
        )
        for steps, rate in ((1, 0.4), (4, 0.4), (3, -0.3))
    ]


def _more_pieces(draw: torch.Generator) -> Case:
    steps = int(torch.randint(2, 6, (), generator=draw))
    rate, keep, *rest = (torch.randn(8, generator=draw, dtype=torch.float64)).split([1, 1, 3, 3])
    return Case(f"{steps} steps, drawn", (torch.cat([0.3 * rate, keep]), *rest, steps))


Pair = tuple[Tensor, Tensor]


def _mean(losses: list[Tensor], steps: int) -> Any:
    return torch.stack(losses).sum() / steps


def _piece(
    *,
    read: Callable[[Map, Map, Tensor], Tensor] = lambda slope, loss, theta: slope(theta).detach(),
    memory: Callable[[Tensor, Tensor], Tensor] = lambda state, first: state,
    cut_omega: bool = False,
    move: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda theta, update, gradient: theta + update,
    seen: Callable[[Map, Tensor], Tensor] = lambda loss, theta: loss(theta),
    after: Callable[[Tensor, Tensor], Pair] = lambda theta, state: (theta, state),
    early: bool = False,
    start_counts: bool = False,
    turns: Callable[[int], int] = lambda steps: steps,
    stale: bool = False,
    swapped: bool = False,
    crossed: bool = False,
    mean: Callable[[list[Tensor], int], Any] = _mean,
    ends: Callable[[Pair, Pair], Pair] = lambda last, first: (last[0].detach(), last[1].detach()),
    give: Callable[..., Any] = lambda mean, theta, state: (mean, theta, state),
) -> Callable[..., Any]:
    """`piece` with something else in one of its places."""

    def wrong(
        step: Step, loss: Map, slope: Map, omega: Tensor, theta: Tensor, state: Tensor, steps: int
    ) -> tuple[Any, Tensor, Tensor]:
        first = (theta, state)
        losses = [loss(theta)] if start_counts else []
        for _ in range(turns(steps)):
            if early:
                losses.append(seen(loss, theta))
            gradient, before = read(slope, loss, theta), memory(state, first[1])
            point = omega.detach() if cut_omega else omega
            update, new = step(point, before, gradient) if crossed else step(point, gradient, before)
            update, new = (new, update) if swapped else (update, new)
            state = state if stale else new
            theta = move(theta, update, gradient)
            if not early:
                losses.append(seen(loss, theta))
            theta, state = after(theta, state)
        return give(mean(losses, steps) if losses else 0.0, *ends((theta, state), first))

    return wrong


def _running_mean(losses: list[Tensor], steps: int) -> Tensor:
    mean = losses[0]
    for value in losses[1:]:
        mean = (mean + value) / 2
    return mean


def _slopes(size: Callable[[Tensor], Tensor]) -> Callable[..., Any]:
    def wrong(
        step: Step, loss: Map, slope: Map, omega: Tensor, theta: Tensor, state: Tensor, steps: int
    ) -> tuple[Any, Tensor, Tensor]:
        return piece(step, lambda theta: size(slope(theta)), slope, omega, theta, state, steps)

    return wrong


def _from_the_start(
    step: Step, loss: Map, slope: Map, omega: Tensor, theta: Tensor, state: Tensor, steps: int
) -> tuple[Any, Tensor, Tensor]:
    first, total = theta, torch.zeros((), dtype=theta.dtype)
    for _ in range(steps):
        update, state = step(omega, slope(theta).detach(), state)
        theta = first + update
        total = total + loss(theta)
    return total / steps, theta.detach(), state.detach()


def _gains(
    step: Step, loss: Map, slope: Map, omega: Tensor, theta: Tensor, state: Tensor, steps: int
) -> tuple[Any, Tensor, Tensor]:
    """The mean of what each step gains, which is one difference over the number of steps."""
    _, end, memory = piece(step, loss, slope, omega, theta, state, steps)
    last = _piece(mean=lambda losses, steps: losses[-1])(step, loss, slope, omega, theta, state, steps)[0]
    return (last - loss(theta)) / steps, end, memory


def _twice(
    step: Step, loss: Map, slope: Map, omega: Tensor, theta: Tensor, state: Tensor, steps: int
) -> tuple[Any, Tensor, Tensor]:
    total = torch.zeros((), dtype=theta.dtype)
    for _ in range(steps):
        update, state = step(omega, slope(theta).detach(), state)
        total = total + loss(theta + update)
        theta = theta + 2 * update
    return total / steps, theta.detach(), state.detach()


def _always_the_first(
    step: Step, loss: Map, slope: Map, omega: Tensor, theta: Tensor, state: Tensor, steps: int
) -> tuple[Any, Tensor, Tensor]:
    first = slope(theta)
    return piece(step, loss, lambda _: first, omega, theta, state, steps)


def _walks(rate: float) -> Callable[..., Any]:
    """Gradient descent by hand: the optimizer is not asked."""

    def wrong(
        step: Step, loss: Map, slope: Map, omega: Tensor, theta: Tensor, state: Tensor, steps: int
    ) -> tuple[Any, Tensor, Tensor]:
        return piece(
            lambda _, gradient, state: (-rate * gradient, state), loss, slope, omega, theta, state, steps
        )

    return wrong


def _stays(
    step: Step, loss: Map, slope: Map, omega: Tensor, theta: Tensor, state: Tensor, steps: int
) -> tuple[Any, Tensor, Tensor]:
    total = torch.zeros((), dtype=theta.dtype)
    for _ in range(steps):
        update, state = step(omega, slope(theta).detach(), state)
        total = total + loss(theta + update)
    return total / steps, theta.detach(), state.detach()


PIECE = Exercise(
    id="04.3",
    title="one piece of the run",
    solution=piece,
    cases=_piece_cases,
    draw=_more_pieces,
    observe=_observe_piece,
    outputs=(
        "the mean of the losses",
        "the new theta",
        "the new state",
        "the mean's gradient for omega",
        "whether the new theta remembers this piece",
        "whether the new state remembers this piece",
    ),
    mistakes=(
        Mistake(
            "The numbers are right, but the gradient for omega is another: you kept the edges from theta into the slope. "
            "Here the slope counts as a constant: .detach() it.",
            (_piece(read=lambda slope, loss, theta: slope(theta)),),
            hint=2,
        ),
        Mistake(
            "You cut theta's memory line inside the piece, so each loss blames the last step alone. Detach the slope, not "
            "theta; theta is cut at the end of the piece only.",
            (
                _piece(move=lambda theta, update, gradient: theta.detach() + update),
                _piece(
                    read=lambda slope, loss, theta: slope(theta),
                    move=lambda theta, update, gradient: theta.detach() + update,
                ),
                _piece(after=lambda theta, state: (theta.detach(), state)),
                _piece(
                    move=lambda theta, update, gradient: theta.detach() + update,
                    ends=lambda last, first: last,
                ),
                _piece(
                    after=lambda theta, state: (theta.detach(), state),
                    read=lambda slope, loss, theta: slope(theta),
                ),
            ),
            hint=2,
        ),
        Mistake(
            "You cut the state inside the piece, so no loss blames what the optimizer remembered. It is cut at the end of the "
            "piece only.",
            (
                _piece(memory=lambda state, first: state.detach()),
                _piece(memory=lambda state, first: state.detach(), ends=lambda last, first: last),
                _piece(
                    memory=lambda state, first: state.detach(), read=lambda slope, loss, theta: slope(theta)
                ),
            ),
        ),
        Mistake(
            "You cut theta and the state after every step, so each loss blames the last step alone. They are cut at the end of "
            "the piece only.",
            (_piece(after=lambda theta, state: (theta.detach(), state.detach())),),
        ),
        Mistake(
            "No gradient reaches omega at all: somewhere on the way from omega to the mean it is cut, by .detach(), .item(), float() or "
            "no_grad. Only the slope counts as a constant.",
            (
                _piece(move=lambda theta, update, gradient: theta + update.detach()),
                _piece(seen=lambda loss, theta: loss(theta.detach())),
                _piece(cut_omega=True),
                _piece(
                    mean=lambda losses, steps: _mean(losses, steps).detach(), ends=lambda last, first: last
                ),
                _piece(mean=lambda losses, steps: _mean(losses, steps).detach()),
                _piece(
                    move=lambda theta, update, gradient: theta + update.detach(),
                    ends=lambda last, first: last,
                ),
                _piece(
                    after=lambda theta, state: (theta, state), cut_omega=True, ends=lambda last, first: last
                ),
            ),
        ),
        Mistake(
            "You return the last loss. The objective is the mean over all the steps of the piece: it asks to be fast, not "
            "only to arrive.",
            (
                _piece(mean=lambda losses, steps: losses[-1]),
                _piece(mean=lambda losses, steps: losses[-1], ends=lambda last, first: last),
                _piece(mean=lambda losses, steps: losses[-1], read=lambda slope, loss, theta: slope(theta)),
            ),
            hint=1,
        ),
        Mistake(
            "Only the last loss is in your mean: each turn of the loop overwrites what was added up before.",
            (
                _piece(mean=lambda losses, steps: losses[-1] / steps),
                _piece(mean=lambda losses, steps: losses[0] / steps),
            ),
            hint=2,
        ),
        Mistake(
            "You return the least, the largest or the first of the losses. Asked for is their mean, over all the steps of the piece.",
            (
                _piece(mean=lambda losses, steps: torch.stack(losses).min()),
                _piece(mean=lambda losses, steps: torch.stack(losses).max()),
                _piece(mean=lambda losses, steps: torch.stack(losses).median()),
                _piece(mean=lambda losses, steps: losses[0]),
                _piece(mean=lambda losses, steps: losses[-1] - losses[0]),
            ),
        ),
        Mistake(
            "You take the loss before the step, so the start counts, which omega cannot change, and the end does not.",
            (
                _piece(early=True),
                _piece(early=True, mean=lambda losses, steps: sum(losses)),
                _piece(early=True, mean=lambda losses, steps: losses[-1]),
                _piece(early=True, read=lambda slope, loss, theta: slope(theta)),
                _piece(start_counts=True, turns=lambda steps: steps - 1),
            ),
            hint=1,
        ),
        Mistake(
            "The loss of the start is in your mean. Only the losses after each step count: omega cannot change the start.",
            (
                _piece(start_counts=True),
                _piece(start_counts=True, mean=lambda losses, steps: torch.stack(losses).mean()),
                _piece(start_counts=True, mean=lambda losses, steps: torch.stack(losses).sum()),
            ),
        ),
        Mistake(
            "You return the sum; divide it by the number of steps.",
            (
                _piece(mean=lambda losses, steps: torch.stack(losses).sum()),
                _piece(mean=lambda losses, steps: torch.stack(losses).sum(), ends=lambda last, first: last),
                _piece(
                    read=lambda slope, loss, theta: slope(theta),
                    mean=lambda losses, steps: torch.stack(losses).sum(),
                    ends=lambda last, first: last,
                ),
                _piece(
                    read=lambda slope, loss, theta: slope(theta),
                    mean=lambda losses, steps: torch.stack(losses).sum(),
                ),
            ),
        ),
        Mistake(
            "You divide by another number than that of the steps.",
            (
                _piece(mean=lambda losses, steps: sum(losses) / (steps - 1 or 1)),
                _piece(mean=lambda losses, steps: sum(losses) / (steps + 1)),
                _piece(mean=lambda losses, steps: sum(losses) / steps**2),
                _piece(mean=lambda losses, steps: sum(losses) / 20),
                _piece(mean=lambda losses, steps: sum(losses) / 2),
            ),
        ),
        Mistake(
            "Your losses do not count alike: some have a weight. Asked for is their plain mean.",
            (
                _piece(
                    mean=lambda losses, steps: sum((t + 1) * loss for t, loss in enumerate(losses)) / steps
                ),
                _piece(mean=lambda losses, steps: sum(t * loss for t, loss in enumerate(losses)) / steps),
                _piece(mean=lambda losses, steps: sum(loss / (t + 1) for t, loss in enumerate(losses))),
                _piece(mean=_running_mean),
                _piece(mean=lambda losses, steps: torch.stack(losses).sum().sqrt()),
                _piece(mean=lambda losses, steps: torch.stack(losses).square().mean()),
                _piece(mean=lambda losses, steps: torch.stack(losses).log().mean()),
            ),
        ),
        Mistake(
            "You average something else than the losses: the slopes, theta, or what each step gains. Asked for is loss(theta), after each step.",
            (
                _piece(seen=lambda loss, theta: theta.sum()),
                _piece(seen=lambda loss, theta: theta.square().sum()),
                _slopes(torch.sum),
                _slopes(torch.mean),
                _slopes(torch.norm),
                _gains,
            ),
        ),
        Mistake(
            "You return the losses as they are. Asked for is their mean, one number.",
            (
                _piece(mean=lambda losses, steps: torch.stack(losses)),
                _piece(mean=lambda losses, steps: list(losses)),
            ),
        ),
        Mistake(
            "You count one step too few, or too many: the optimizer answers exactly `steps` times.",
            (
                _piece(turns=lambda steps: steps - 1),
                _piece(turns=lambda steps: steps - 1, mean=lambda losses, steps: sum(losses) / (steps - 1)),
                _piece(turns=lambda steps: steps + 1),
                _piece(turns=lambda steps: steps + 1, mean=lambda losses, steps: sum(losses) / (steps + 1)),
                _piece(turns=lambda steps: 1),
                _piece(turns=lambda steps: 20),
            ),
            hint=1,
        ),
        Mistake(
            "The update is added: theta + update. Its sign is the optimizer's business.",
            (
                _piece(move=lambda theta, update, gradient: theta - update),
                _piece(move=lambda theta, update, gradient: theta - update, ends=lambda last, first: last),
                _piece(
                    move=lambda theta, update, gradient: theta - update,
                    mean=lambda losses, steps: torch.stack(losses).sum(),
                ),
                _piece(
                    read=lambda slope, loss, theta: slope(theta),
                    move=lambda theta, update, gradient: theta - update,
                    mean=lambda losses, steps: torch.stack(losses).sum(),
                    ends=lambda last, first: last,
                ),
                _piece(
                    read=lambda slope, loss, theta: slope(theta),
                    move=lambda theta, update, gradient: theta - update,
                ),
            ),
        ),
        Mistake(
            "You put the update in theta's place. It says how far to move: add it to theta.",
            (_piece(move=lambda theta, update, gradient: update),),
        ),
        Mistake(
            "The gradient is in your move as well. The optimizer has read it already; theta moves by the update alone.",
            (
                _piece(move=lambda theta, update, gradient: theta + update - gradient),
                _piece(move=lambda theta, update, gradient: theta + update + gradient),
                _piece(move=lambda theta, update, gradient: theta + update * gradient),
                _piece(move=lambda theta, update, gradient: theta - update * gradient),
            ),
        ),
        Mistake(
            "You add the update twice, or only a part of it. theta moves by the update as it is, once.",
            (
                _piece(move=lambda theta, update, gradient: theta + 2 * update),
                _piece(
                    seen=lambda loss, theta: loss(theta),
                    move=lambda theta, update, gradient: theta + 0.1 * update,
                ),
                _piece(move=lambda theta, update, gradient: theta + 0.01 * update),
                _piece(move=lambda theta, update, gradient: theta * update),
                _twice,
            ),
        ),
        Mistake(
            "Your theta does not follow the optimizer: it goes down the gradient by itself. Add the update that `step` answers.",
            (
                *(_walks(rate) for rate in (1.0, 0.1, 0.01)),
                *(
                    _piece(move=lambda theta, update, gradient, rate=rate: theta - rate * gradient)  # type: ignore[misc]
                    for rate in (1.0, 0.1, 0.01)
                ),
            ),
            hint=2,
        ),
        Mistake(
            "Your theta never moves on: each step begins again where the piece began. Keep what theta + update gives.",
            (
                _stays,
                _from_the_start,
                _piece(move=lambda theta, update, gradient: theta),
            ),
            hint=2,
        ),
        Mistake(
            "What the optimizer reads is the slope with its sign turned. Hand it the gradient as it is: which way to go is its business.",
            (_piece(read=lambda slope, loss, theta: -slope(theta).detach()),),
        ),
        Mistake(
            "You hand the optimizer the loss, or theta, in place of the gradient, which is slope(theta).",
            (
                _piece(read=lambda slope, loss, theta: loss(theta).detach()),
                _piece(read=lambda slope, loss, theta: loss(theta)),
                _piece(read=lambda slope, loss, theta: theta.detach()),
                _piece(read=lambda slope, loss, theta: theta),
            ),
            hint=2,
        ),
        Mistake(
            "The optimizer reads the slope of the start at every step. Take the slope anew, where theta stands.",
            (_always_the_first,),
            hint=2,
        ),
        Mistake(
            "The state stays what it was: hand the new one on to the next step, or the optimizer has no memory.",
            (
                _piece(stale=True),
                _piece(stale=True, ends=lambda last, first: (last[0].detach(), last[1])),
                _piece(memory=lambda state, first: first),
            ),
            hint=2,
        ),
        Mistake(
            "You begin each step with an empty state. The piece begins with the state that was handed over, and each step with "
            "the one of the step before.",
            (
                _piece(memory=lambda state, first: torch.zeros_like(state)),
                lambda step, loss, slope, omega, theta, state, steps: piece(
                    step, loss, slope, omega, theta, torch.zeros_like(state), steps
                ),
            ),
            hint=2,
        ),
        Mistake(
            "You take the optimizer's answer apart the wrong way round. It is (update, state).",
            (_piece(swapped=True), _piece(swapped=True, read=lambda slope, loss, theta: slope(theta))),
            hint=2,
        ),
        Mistake(
            "You hand over the gradient and the state in the wrong order. It is step(omega, gradient, state).",
            (_piece(crossed=True), _piece(crossed=True, read=lambda slope, loss, theta: slope(theta))),
            hint=2,
        ),
        Mistake(
            "theta and the state still remember the whole piece, so the next one would go back through this one, and the run "
            "never becomes short. Return both detached.",
            (
                _piece(ends=lambda last, first: last),
                _piece(ends=lambda last, first: last, read=lambda slope, loss, theta: slope(theta)),
            ),
            hint=3,
        ),
        Mistake(
            "theta comes back with its history. Return theta.detach().",
            (_piece(ends=lambda last, first: (last[0], last[1].detach())),),
            hint=3,
        ),
        Mistake(
            "The state comes back with its history. Return state.detach().",
            (_piece(ends=lambda last, first: (last[0].detach(), last[1])),),
            hint=3,
        ),
        Mistake(
            "You return the theta, or the state, that the piece began with. The next one begins where this one ended.",
            (
                _piece(ends=lambda last, first: first),
                _piece(ends=lambda last, first: (last[0].detach(), first[1])),
                _piece(ends=lambda last, first: (last[0], first[1])),
            ),
            hint=3,
        ),
        Mistake(
            "The order of what you return is another. It is the mean, theta, the state.",
            (
                _piece(give=lambda mean, theta, state: (mean, state, theta)),
                _piece(give=lambda mean, theta, state: (theta, state, mean)),
                _piece(give=lambda mean, theta, state: (theta, mean, state)),
                _piece(give=lambda mean, theta, state: (state, theta, mean)),
                _piece(give=lambda mean, theta, state: (state, mean, theta)),
            ),
            hint=3,
        ),
        Mistake(
            "You return too little. Three things are asked for: the mean, and the theta and the state with which the next piece begins.",
            (
                _piece(give=lambda mean, theta, state: mean),
                _piece(give=lambda mean, theta, state: (mean, theta)),
                _piece(give=lambda mean, theta, state: (mean, state)),
                _piece(give=lambda mean, theta, state: (theta, state)),
                _piece(give=lambda mean, theta, state: theta),
            ),
            hint=3,
        ),
    ),
    hints=(
        "Four lines in a loop: the slope as a constant, the optimizer's answer, the move, the loss.",
        "`update, state = step(omega, slope(theta).detach(), state)`, then theta moves, then its loss is added up.",
        "`return total / steps, theta.detach(), ...`: what else does the next piece begin with?",
    ),
)

EXERCISES = (PREPROCESS, FORGET_BIAS, PIECE)
