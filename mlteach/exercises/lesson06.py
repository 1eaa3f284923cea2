"""The exercises of lesson 06: MAML on sinusoids."""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake
from mlteach.params import Params, gradient_of, leaves, map_params, stack
from mlteach.tasks.episode import Episode

Loss = Callable[[Params], Tensor]

# 06.1 ---------------------------------------------------------------------------------------------------------------


def best_guess(x: Tensor) -> Tensor:
    """E[A] times the mean of sin(x - phase) over phases from 0 to pi, which is -(2 / pi) cos x."""
    return -(5.1 / math.pi) * torch.cos(x)


def _places() -> list[Case]:
    x = torch.linspace(-5, 5, 11, dtype=torch.float64)
    return [Case("x from -5 to 5", (x,)), Case("a column of x", (x[:4, None] + 0.3,))]


def _more_places(draw: torch.Generator) -> Case:
    return Case("five x, drawn", (10 * torch.rand(5, generator=draw, dtype=torch.float64) - 5,))


def _waves(
    *heights: float, wave: Callable[[Tensor], Tensor] = torch.cos
) -> tuple[Callable[[Tensor], Tensor], ...]:
    return tuple(lambda x, height=height: height * wave(x) for height in heights)


PI, MEAN = math.pi, 2.55


def _grid(count: int, end: float) -> Callable[[Tensor], Tensor]:
    """The mean over a grid of phases from 0 to ``end`` that counts both ends."""
    phases = torch.linspace(0, end, count, dtype=torch.float64)
    return lambda x: MEAN * torch.sin(x[..., None] - phases).mean(-1)


BEST_GUESS = Exercise(
    id="06.1",
    title="the best guess for a task nobody has seen",
    solution=best_guess,
    cases=_places,
    draw=_more_places,
    leading=("x",),
    differentiable=(),
    any_float=True,
    tolerance=1e-3,  # an integral by hand, and a constant written to four digits, are right
    mistakes=(
        Mistake(
            "That is a sinusoid of the mean amplitude and the mean phase. The mean of sines is flatter than the sine of the "
            "mean: they cancel in part. Average sin(x - phase) over the phases.",
            _waves(-MEAN, -2.5, -2.45, -1.0),
            hint=1,
        ),
        Mistake(
            "The phase is added in yours, and its mean put in. It is subtracted; and average sin(x - phase) itself over the phases, not the phase.",
            _waves(MEAN, 2.5, 2.45, 1.0),
            hint=3,
        ),
        Mistake(
            "Upside down: that is the mean of sin(x + phase). Here the phase is subtracted.",
            _waves(2 * MEAN / PI, 5 / PI, 2 / PI, 4.9 / PI),
            hint=3,
        ),
        Mistake(
            "Zero is right where the phases go all the way round and cancel. Here they cover half a turn.",
            (*_waves(0.0), *(_grid(n, 2 * PI) for n in (100, 101, 200, 500, 1000, 1001))),
            hint=1,
        ),
        Mistake(
            "That is the mean over the phases. The amplitudes have a mean too: multiply by it.",
            _waves(-2 / PI),
            hint=2,
        ),
        Mistake(
            "The mean of numbers between 0.1 and 5 is not half of 5, nor half of their range: it lies in the middle between the two ends.",
            _waves(-5 / PI, -4.9 / PI),
            hint=2,
        ),
        Mistake(
            "You took the largest amplitude, the smallest, the range or the sum of the two. A guess for all tasks takes the mean one.",
            _waves(-10 / PI, -0.2 / PI, -9.8 / PI, -10.2 / PI, -5.0, -0.1),
            hint=2,
        ),
        Mistake(
            "You averaged the squares of the amplitudes, or of the sines. The best guess is the plain mean of A sin(x - phase).",
            _waves(
                -2 * math.sqrt((125 - 0.001) / 3 / 4.9) / PI,
                -2 * (125 - 0.001) / 3 / 4.9 / PI,
                -MEAN / math.sqrt(2),
                MEAN / math.sqrt(2),
                -math.sqrt((125 - 0.001) / 3 / 4.9) / math.sqrt(2),
            ),
            hint=2,
        ),
        Mistake(
            "Half of it is lost: from 0 to pi the integral of the sine is 2, not 1.",
            _waves(-MEAN / PI, MEAN / PI, -2.5 / PI, -1 / PI, -2 * MEAN / (2 * PI)),
            hint=3,
        ),
        Mistake(
            "The phases cover a range of length pi, so their mean is the integral divided by pi.",
            _waves(
                -2 * MEAN,
                2 * MEAN,
                -2.0,
                2.0,
                -MEAN / 2,
                MEAN / 2,
                -2 * MEAN * PI,
                -MEAN * PI,
            ),
            hint=3,
        ),
        Mistake(
            "That is the wave of one phase, or of none at all. Average sin(x - phase) over all phases from 0 to pi.",
            (
                *_waves(MEAN, -MEAN, 2.5, -2.5, 1.0, -1.0, 5.0, wave=torch.sin),
                lambda x: MEAN * torch.sin(x - PI / 4),
                lambda x: MEAN * torch.sin(x - 2 * PI),
                lambda x: MEAN * torch.sin(x - 1),
                lambda x: 2 * MEAN / PI * torch.sin(x - PI / 4),
                lambda x: 2 * MEAN / PI * torch.sin(x - 1),
            ),
            hint=1,
        ),
        Mistake(
            "The integral of sin(x - phase) over the phase is cos(x - phase), taken from 0 to pi. What is left is a cosine of x.",
            _waves(
                *(sign * height for height in (2 * MEAN / PI, 5 / PI, MEAN / PI, 2 / PI) for sign in (1, -1)),
                wave=torch.sin,
            ),
            hint=3,
        ),
        Mistake(
            "The wave is another one: the best guess has the period of the tasks, 2 pi, and takes x as it is, in radians.",
            (
                *(
                    lambda x, height=height, factor=factor: height * torch.cos(factor * x)
                    for height in (-2 * MEAN / PI, -MEAN)
                    for factor in (PI, PI / 180, 180 / PI, 2 * PI, 2, 0.5)
                ),
                lambda x: -2 * MEAN / PI * torch.cos(x).abs(),
                lambda x: -2 * MEAN / PI * torch.cos(x).square(),
            ),
        ),
        Mistake(
            "Nearly: the wave is right, its height is a little off. A rounded constant does that, and a grid of phases that counts "
            "both of its ends, where the sines cancel. Take the integral, or the middles of many small intervals.",
            (
                *(_grid(n, PI) for n in (5, 10, 11, 20, 21, 100, 101, 128, 200, 201, 256, 300, 400, 500)),
                *_waves(
                    -1.6,
                    -1.61,
                    -1.62,
                    -1.63,
                    -1.65,
                    -5.1 / 3.1,
                    -5.1 / 3,
                    -2.55 * 0.6,
                    -2.55 * 0.64,
                    -2.6 * 2 / PI,
                ),
            ),
            hint=3,
        ),
        Mistake(
            "Your answer is one number for all x. The best guess is a function: average at each x by itself.",
            (
                lambda x: torch.full_like(x, MEAN),
                lambda x: torch.full_like(x, 2 * MEAN / PI),
                lambda x: torch.full_like(x, -2 * MEAN / PI),
                lambda x: -2 * MEAN / PI * torch.cos(x).mean(),
                lambda x: -2 * MEAN / PI * torch.cos(x).sum(),
                lambda x: torch.full_like(x, float(-2 * MEAN / PI * torch.cos(x).mean())),
            ),
            hint=1,
        ),
    ),
    hints=(
        "A squared error is smallest at the mean. So average y = A sin(x - phase) over all tasks, at each x by itself.",
        "Amplitude and phase are drawn independently: the mean of the product is the product of the means. The mean of A is 2.55.",
        "The mean of sin(x - phase) over phases from 0 to pi is (cos(x - pi) - cos(x)) / pi, and cos(x - pi) is -cos(x).",
    ),
)

# 06.2 ---------------------------------------------------------------------------------------------------------------


def meta_gradient(theta: Tensor, alpha: float, A: Tensor, a: Tensor, B: Tensor, b: Tensor) -> Tensor:
    """(I - alpha A) B (phi - b), with phi = theta - alpha A (theta - a)."""
    phi = theta - alpha * A @ (theta - a)
    back = B @ (phi - b)
    return back - alpha * A @ back


def _bowls() -> list[Case]:
    cases = []
    for seed, size, alpha in ((1, 2, 0.1), (2, 3, 0.3)):
        draw = torch.Generator().manual_seed(seed)
        root = torch.randn(2, size, size, generator=draw, dtype=torch.float64)
        A, B = root @ root.transpose(1, 2) / size
        theta, a, b = torch.randn(3, size, generator=draw, dtype=torch.float64)
        cases.append(Case(f"{size} parameters, alpha = {alpha}", (theta, alpha, A, a, B, b)))
    return cases


def _more_bowls(draw: torch.Generator) -> Case:
    size = int(torch.randint(2, 5, (), generator=draw))
    root = torch.randn(2, size, size, generator=draw, dtype=torch.float64)
    A, B = root @ root.transpose(1, 2) / size
    theta, a, b = torch.randn(3, size, generator=draw, dtype=torch.float64)
    alpha = 0.05 + 0.4 * torch.rand((), generator=draw, dtype=torch.float64).item()
    return Case(f"{size} parameters, drawn", (theta, alpha, A, a, B, b))


@dataclass(frozen=True)
class _Bowls:
    """The inputs of 06.2 and what a learner makes of them on the way."""

    theta: Tensor
    alpha: float
    A: Tensor
    a: Tensor
    B: Tensor
    b: Tensor
    phi: Tensor
    back: Tensor

    @property
    def one(self) -> Tensor:
        return torch.eye(len(self.theta), dtype=self.theta.dtype)


Bowl = Callable[[Tensor, float, Tensor, Tensor, Tensor, Tensor], Any]
Part = Callable[[_Bowls], Any]


def _pull(s: _Bowls) -> Tensor:
    return s.back - s.alpha * s.A @ s.back


def _by(
    result: Part = _pull,
    phi: Part = lambda s: s.theta - s.alpha * s.A @ (s.theta - s.a),
    back: Part = lambda s: s.B @ (s.phi - s.b),
) -> Bowl:
    """`meta_gradient` with something else in one of its places: the end of the step, the query gradient, the result."""

    def wrong(theta: Tensor, alpha: float, A: Tensor, a: Tensor, B: Tensor, b: Tensor) -> Any:
        s = _Bowls(theta, alpha, A, a, B, b, theta, theta)
        s = replace(s, phi=phi(s))
        s = replace(s, back=back(s))
        return result(s)

    return wrong


def _uphill(s: _Bowls) -> Tensor:
    return s.theta + s.alpha * s.A @ (s.theta - s.a)


def _on_query(s: _Bowls) -> Tensor:
    return s.theta - s.alpha * s.B @ (s.theta - s.b)


def _on_support(s: _Bowls) -> Tensor:
    return s.A @ (s.phi - s.a)


def _with_plus(s: _Bowls) -> Tensor:
    return s.back + s.alpha * s.A @ s.back


META_GRADIENT = Exercise(
    id="06.2",
    title="MAML's gradient by hand",
    solution=meta_gradient,
    cases=_bowls,
    draw=_more_bowls,
    differentiable=(),
    any_float=True,
    tolerance=1e-6,  # the derivative by small nudges is right
    mistakes=(
        Mistake(
            "That is FOMAML: the gradient at phi as it stands. But phi moves with theta, and by less than theta moves. The "
            "factor (I - alpha A) is missing in front.",
            (_by(lambda s: s.back),),
            hint=2,
        ),
        Mistake(
            "That is joint training: the query gradient at theta, before any step. Judge phi.",
            (_by(lambda s: s.B @ (s.theta - s.b)),),
            hint=1,
        ),
        Mistake(
            "The query gradient is taken at theta. The chain rule takes it where the query loss is taken, at phi.",
            (_by(back=lambda s: s.B @ (s.theta - s.b)),),
            hint=3,
        ),
        Mistake(
            "That is the gradient of the support loss, which the step goes down. Asked for is the one of the query loss after the step.",
            (
                _by(lambda s: s.A @ (s.theta - s.a)),
                _by(lambda s: s.A @ (s.phi - s.a)),
            ),
            hint=1,
        ),
        Mistake(
            "That is the change of the weights, theta - phi, as Reptile takes it. MAML's gradient needs the query set.",
            (_by(lambda s: s.theta - s.phi), _by(lambda s: s.phi - s.theta)),
        ),
        Mistake(
            "You stop at the end of the step, phi, or take one step more. Asked for is the gradient.",
            (
                _by(lambda s: s.phi),
                _by(lambda s: s.theta - s.alpha * _pull(s)),
                _by(lambda s: s.phi - s.alpha * s.back),
                _by(lambda s: s.theta - _pull(s)),
            ),
            hint=1,
        ),
        Mistake(
            "That is the query loss itself. Asked for is its gradient by theta.",
            (
                _by(lambda s: 0.5 * (s.phi - s.b) @ s.back),
                _by(lambda s: (s.phi - s.b) @ s.back),
            ),
        ),
        Mistake(
            "The order is wrong: matrices do not commute. The chain rule has the step's factor on the left, (I - alpha A) B "
            "(phi - b).",
            (
                _by(lambda s: s.B @ (s.one - s.alpha * s.A) @ (s.phi - s.b)),
                _by(lambda s: s.B @ ((s.phi - s.b) - s.alpha * s.A @ (s.phi - s.b))),
            ),
            hint=3,
        ),
        Mistake(
            "1 - alpha A takes every entry of alpha A from one. The factor is the identity matrix minus alpha A, and (I - alpha A) v is "
            "v - alpha A v.",
            (
                _by(lambda s: (1 - s.alpha * s.A) @ s.back),
                _by(lambda s: (1 - s.A) @ s.back),
                _by(lambda s: (1 + s.alpha * s.A) @ s.back),
                _by(lambda s: s.B @ (1 - s.alpha * s.A) @ (s.phi - s.b)),
            ),
            hint=3,
        ),
        Mistake(
            "The sign in the factor: phi = theta - alpha A (theta - a), so its derivative is I minus alpha A.",
            (_by(_with_plus),),
            hint=2,
        ),
        Mistake(
            "The factor holds the Hessian of the loss that the step goes down. That is the support loss, with A.",
            (
                _by(lambda s: s.back - s.alpha * s.B @ s.back),
                _by(lambda s: s.back - s.B @ s.back),
                _by(lambda s: s.back - s.alpha * (s.A + s.B) @ s.back),
                _by(lambda s: s.back - s.alpha * s.A @ s.back - s.alpha * s.B @ s.back),
                _by(lambda s: s.back + s.alpha * s.B @ s.back),
            ),
            hint=2,
        ),
        Mistake(
            "The rate alpha is missing in the step. phi is theta minus alpha times the support gradient.",
            (
                _by(phi=lambda s: s.theta - s.A @ (s.theta - s.a)),
                _by(phi=lambda s: s.theta - s.A @ (s.theta - s.a), result=lambda s: s.back - s.A @ s.back),
                _by(phi=lambda s: s.theta - s.A @ (s.theta - s.a), result=lambda s: s.back),
            ),
            hint=2,
        ),
        Mistake(
            "The rate alpha is missing in the factor, or stands in it as another number.",
            (
                _by(lambda s: s.back - s.A @ s.back),
                _by(lambda s: s.back - s.alpha**2 * s.A @ s.back),
                _by(lambda s: s.back - 2 * s.alpha * s.A @ s.back),
                _by(lambda s: s.alpha * _pull(s)),
                _by(lambda s: s.back - s.alpha * s.back),
                _by(lambda s: s.alpha * (s.back - s.A @ s.back)),
                _by(lambda s: s.alpha * s.back),
                _by(lambda s: _pull(s) / s.alpha),
                _by(lambda s: s.alpha * s.back - s.A @ s.back),
            ),
        ),
        Mistake(
            "The identity is missing in the factor: even where the step does not bend, theta carries phi along. It is (I - alpha A).",
            (
                _by(lambda s: -s.alpha * s.A @ s.back),
                _by(lambda s: s.alpha * s.A @ s.back),
                _by(lambda s: s.A @ s.back),
                _by(lambda s: -s.A @ s.back),
            ),
            hint=2,
        ),
        Mistake(
            "That is the factor of two steps, or of half a step. Here there is one.",
            (
                _by(lambda s: (s.one - s.alpha * s.A) @ (s.one - s.alpha * s.A) @ s.back),
                _by(lambda s: s.back - 0.5 * s.alpha * s.A @ s.back),
                _by(lambda s: s.back - 0.5 * s.alpha * s.A @ s.A @ s.back),
                _by(
                    lambda s: (s.one - s.alpha * s.A) @ (s.one - s.alpha * s.A) @ s.back,
                    lambda s: s.a + (s.one - s.alpha * s.A) @ (s.one - s.alpha * s.A) @ (s.theta - s.a),
                ),
            ),
        ),
        Mistake(
            "The factor holds the Hessian of the support loss, a matrix: A. You put the gradient, or the query loss's numbers, in its place.",
            (
                _by(lambda s: (s.one - s.alpha * s.A @ (s.theta - s.a)) @ s.back),
                _by(lambda s: s.back - s.alpha * (s.A @ (s.theta - s.a)) * s.back),
                _by(lambda s: (1 - s.alpha * s.A @ (s.theta - s.a)) * s.back),
                _by(lambda s: (s.one - s.alpha * (s.theta - s.a)) @ s.back),
                _by(lambda s: s.back - s.alpha * s.A @ (s.theta - s.a) * s.back.sum()),
                _by(lambda s: s.back - s.alpha * s.A @ s.phi),
                _by(lambda s: s.back - s.alpha * s.A @ (s.phi - s.b)),
                _by(lambda s: s.back - s.alpha * s.A.trace() * s.back),
                _by(lambda s: s.back - s.alpha * s.A.norm() * s.back),
                _by(lambda s: (s.phi - s.b) - s.alpha * s.A @ s.back),
                _by(lambda s: s.back - s.alpha * s.A),
            ),
        ),
        Mistake(
            "You divide by the factor. The chain rule multiplies by it.",
            (_by(lambda s: torch.linalg.solve(s.one - s.alpha * s.A, s.back)),),
        ),
        Mistake(
            "Your step goes uphill: phi = theta minus alpha times the support gradient.",
            (
                _by(phi=_uphill),
                _by(_with_plus, _uphill),
                _by(lambda s: s.back, _uphill),
                _by(phi=lambda s: s.theta + s.A @ (s.theta - s.a)),
            ),
            hint=2,
        ),
        Mistake(
            "The sign is turned round: minus the gradient is the way the outer step will go. Asked for is the gradient itself, B (phi - b) pulled back.",
            (
                _by(lambda s: -_pull(s)),
                _by(lambda s: -s.back),
                _by(lambda s: -_pull(s), phi=_uphill),
            ),
        ),
        Mistake(
            "You judge phi on the support set it has just learned from. The outer loss has B and b.",
            (
                _by(back=_on_support),
                _by(back=lambda s: s.A @ (s.phi - s.b)),
                _by(back=lambda s: s.B @ (s.phi - s.a)),
                _by(lambda s: s.back, back=lambda s: s.A @ (s.phi - s.b)),
                _by(lambda s: s.back, back=lambda s: s.B @ (s.phi - s.a)),
            ),
            hint=3,
        ),
        Mistake(
            "The two sets have changed places: the step goes down the support loss (A, a), and the query loss (B, b) judges it.",
            (
                _by(lambda s: s.back - s.alpha * s.B @ s.back, _on_query, _on_support),
                _by(lambda s: s.back, _on_query, _on_support),
                _by(lambda s: s.A @ (s.theta - s.a) - s.alpha * s.B @ s.A @ (s.theta - s.a)),
            ),
        ),
        Mistake(
            "Your step goes down the query loss. It goes down the support loss, with A and a.",
            (
                _by(phi=_on_query),
                _by(lambda s: s.back - s.alpha * s.B @ s.back, _on_query),
                _by(lambda s: s.back, _on_query),
                _by(phi=lambda s: s.theta - s.alpha * s.A @ (s.theta - s.b)),
                _by(phi=lambda s: s.theta - s.alpha * s.B @ (s.theta - s.a)),
            ),
            hint=2,
        ),
        Mistake(
            "The step's gradient is not the one of the support bowl, A (theta - a): the matrix, the bottom a or a bracket is missing.",
            (
                _by(phi=lambda s: s.theta - s.alpha * s.A @ s.theta),
                _by(phi=lambda s: s.theta - s.alpha * (s.A @ s.theta - s.a)),
                _by(phi=lambda s: s.theta - s.alpha * (s.theta - s.a)),
                _by(phi=lambda s: (s.theta - s.alpha * s.A @ s.theta) - s.a),
                _by(phi=lambda s: s.theta - s.alpha * s.A @ s.A @ (s.theta - s.a)),
                _by(phi=lambda s: s.theta - s.alpha * (s.A @ (s.theta - s.a)).square()),
                _by(phi=lambda s: s.theta - s.alpha * s.A @ s.a),
                _by(lambda s: s.back, phi=lambda s: s.theta - s.alpha * s.A @ s.theta),
                _by(
                    phi=lambda s: s.theta - s.alpha * (s.A @ s.theta - s.a), back=lambda s: s.B @ s.phi - s.b
                ),
                _by(phi=lambda s: s.theta - s.alpha * s.A @ s.theta, back=lambda s: s.B @ s.phi),
                _by(phi=lambda s: s.theta - s.alpha * (s.theta - s.a), back=lambda s: s.phi - s.b),
                _by(lambda s: s.back - s.alpha * s.back, lambda s: s.theta - s.alpha * (s.theta - s.a)),
            ),
            hint=2,
        ),
        Mistake(
            "The query gradient is not the one of the query bowl, B (phi - b): the matrix, the bottom b or a bracket is missing.",
            (
                _by(back=lambda s: s.B @ s.phi),
                _by(back=lambda s: s.B @ s.phi - s.b),
                _by(lambda s: s.B @ s.phi - s.alpha * s.A @ s.B @ s.phi - s.b),
                _by(back=lambda s: s.phi - s.b),
                _by(back=lambda s: s.B @ s.B @ (s.phi - s.b)),
                _by(lambda s: s.back, back=lambda s: s.B @ s.phi),
                _by(lambda s: s.back, back=lambda s: s.phi - s.b),
            ),
            hint=3,
        ),
        Mistake(
            "You forgot the half: the gradient of 1/2 (theta - a) A (theta - a) is A (theta - a), without a two.",
            (
                _by(lambda s: 2 * _pull(s)),
                _by(
                    lambda s: s.back - 2 * s.alpha * s.A @ s.back,
                    lambda s: s.theta - 2 * s.alpha * s.A @ (s.theta - s.a),
                    lambda s: 2 * s.B @ (s.phi - s.b),
                ),
                _by(
                    phi=lambda s: s.theta - 2 * s.alpha * s.A @ (s.theta - s.a),
                    back=lambda s: 2 * s.B @ (s.phi - s.b),
                ),
                _by(
                    lambda s: s.back - 2 * s.alpha * s.A @ s.back,
                    lambda s: s.theta - 2 * s.alpha * s.A @ (s.theta - s.a),
                ),
                _by(lambda s: 0.5 * _pull(s)),
                _by(
                    lambda s: s.back - 0.5 * s.alpha * s.A @ s.back,
                    lambda s: s.theta - 0.5 * s.alpha * s.A @ (s.theta - s.a),
                    lambda s: 0.5 * s.B @ (s.phi - s.b),
                ),
                _by(phi=lambda s: s.theta - 0.5 * s.alpha * s.A @ (s.theta - s.a)),
                _by(phi=lambda s: s.theta - 2 * s.alpha * s.A @ (s.theta - s.a)),
            ),
        ),
        Mistake(
            "`*` multiplies number by number, and a matrix comes out. Matrix times vector is `@`.",
            (
                _by(lambda s: (s.one - s.alpha * s.A) * s.back),
                _by(lambda s: s.back - s.alpha * s.A * s.back),
                _by(lambda s: (1 - s.alpha * s.A) * s.back),
                lambda theta, alpha, A, a, B, b: (1 - alpha * A) * B * (theta - alpha * A * (theta - a) - b),
                lambda theta, alpha, A, a, B, b: (
                    (torch.eye(len(theta)) - alpha * A) * B * (theta - alpha * A * (theta - a) - b)
                ),
                lambda theta, alpha, A, a, B, b: (
                    (torch.eye(len(theta)) - alpha * A) @ B * (theta - alpha * A @ (theta - a) - b)
                ),
            ),
        ),
        Mistake(
            "You use the diagonal of A alone. Every entry counts: the parameters pull at one another.",
            (
                _by(lambda s: s.back - s.alpha * s.A.diag() * s.back),
                _by(
                    lambda s: s.back - s.alpha * s.A.diag() * s.back,
                    lambda s: s.theta - s.alpha * s.A.diag() * (s.theta - s.a),
                    lambda s: s.B.diag() * (s.phi - s.b),
                ),
            ),
        ),
        Mistake(
            "You add the support gradient, or the query gradient once more. MAML's outer loss is the query loss after the step, nothing else.",
            (
                _by(lambda s: _pull(s) + s.A @ (s.theta - s.a)),
                _by(lambda s: _pull(s) + _on_support(s)),
                _by(lambda s: _pull(s) + s.back),
                _by(lambda s: s.back + s.A @ (s.theta - s.a)),
                _by(lambda s: s.back - s.alpha * s.A @ (s.theta - s.a)),
                _by(lambda s: s.back + s.alpha * s.A @ (s.theta - s.a)),
                _by(lambda s: s.B @ (s.theta - s.b) + s.A @ (s.theta - s.a)),
                _by(lambda s: _pull(s) + s.B @ (s.theta - s.b)),
                _by(lambda s: _pull(s) - s.A @ (s.theta - s.a)),
            ),
        ),
        Mistake(
            "You made one number of it. The gradient has one for each parameter.",
            (
                _by(lambda s: _pull(s).sum()),
                _by(lambda s: _pull(s).mean()),
                _by(lambda s: _pull(s).norm()),
                _by(lambda s: s.back.sum()),
            ),
        ),
    ),
    hints=(
        "Two lines: where the step ends, and the chain rule through it.",
        "The gradient of the support loss is A (theta - a). So phi = theta - alpha * A @ (theta - a), and d phi / d theta = I - alpha A.",
        "`back = B @ (phi - b)` is the query gradient at phi. What does the factor (I - alpha A) make of it?",
    ),
)

# 06.3 ---------------------------------------------------------------------------------------------------------------

#: What the learner's function is handed as ``loss``: parameters, inputs and targets, with a task axis or without.
TaskLoss = Callable[[Params, Tensor, Tensor], Tensor]


def maml(
    loss: TaskLoss, theta: Params, episode: Episode, alpha: float, k: int = 1, first_order: bool = False
) -> tuple[Params, Tensor]:
    """MAML's gradient and its mean query loss: k steps on every task's support loss side by side, then the query losses' mean.

    ``first_order=True`` is FOMAML, ``k=0`` joint training.
    """
    phi = stack(theta, episode.tasks)
    for _ in range(k):
        support = loss(phi, episode.support_x, episode.support_y).sum()
        gradient = torch.autograd.grad(support, list(phi.values()), create_graph=not first_order)
        phi = {name: value - alpha * g for (name, value), g in zip(phi.items(), gradient, strict=True)}
    query = loss(phi, episode.query_x, episode.query_y).mean()
    found = torch.autograd.grad(query, list(theta.values()))
    return dict(zip(theta, found, strict=True)), query.detach()


#: The five ways in which the learner's function is called: k and first_order.
CALLS: dict[str, tuple[int, bool]] = {
    "with k = 1": (1, False),
    "with k = 3": (3, False),
    "with k = 1 and first_order=True": (1, True),
    "with k = 3 and first_order=True": (3, True),
    "with k = 0": (0, False),
}


def _tanh_loss(params: Params, x: Tensor, y: Tensor) -> Tensor:
    """The mean squared error of a small network: [tasks], or one number without a task axis."""
    return (torch.tanh(x @ params["w"]) @ params["v"] - y).square().mean((-2, -1))


def _tasks(seed: int, tasks: int, size: int, alpha: float) -> tuple[Params, tuple[Tensor, ...], float]:
    draw = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64)

    theta = {"w": normal(2, size), "v": normal(size, 1)}
    shapes = ((tasks, 4, 2), (tasks, 4, 1), (tasks, 5, 2), (tasks, 5, 1))
    return theta, tuple(normal(*shape) for shape in shapes), alpha


def _more_tasks(draw: torch.Generator) -> Case:
    tasks, size = (int(torch.randint(2, 5, (), generator=draw)) for _ in range(2))
    seed = int(torch.randint(3, 10**6, (), generator=draw))
    return Case(f"{tasks} tasks, drawn", _tasks(seed, tasks, size, 0.1))


def _observe_maml(
    answer: Callable[..., Any], theta: Params, episode: tuple[Tensor, ...], alpha: float
) -> Any:
    """Gradient and loss of each of `CALLS`, one after the other on the same leaves, and the start afterwards."""
    start, given = leaves(theta), Episode(*episode)
    found = []
    for k, first_order in CALLS.values():
        came = answer(_tanh_loss, start, given, alpha, k, first_order)
        if not (isinstance(came, tuple) and len(came) == 2 and isinstance(came[0], dict)):
            return came
        if set(came[0]) != set(theta) or not all(isinstance(each, Tensor) for each in came[0].values()):
            return came
        found += [
            {name: came[0][name].detach().clone() for name in theta},
            torch.as_tensor(came[1], dtype=torch.float64).detach().clone(),
        ]
    for value in start.values():
        value.grad = None  # a graph that hangs on its own leaf is never freed
    return *found, map_params(lambda value: value.detach().clone(), start)


@dataclass(frozen=True)
class _Way:
    """A turn of the outer loop with something else in one of its places; as it stands it is right."""

    inner: Callable[[Episode], tuple[Tensor, Tensor]] = lambda e: (e.support_x, e.support_y)
    outer: Callable[[Episode], tuple[Tensor, Tensor]] = lambda e: (e.query_x, e.query_y)
    create_graph: Callable[[bool], bool] = lambda first_order: not first_order
    steps: Callable[[int], int] = lambda k: k
    at: str = "phi"  # where the inner gradient is taken, and from where the step is made
    sum_in: Callable[[Tensor], Tensor] = torch.sum
    sum_out: Callable[[Tensor], Tensor] = torch.mean
    step: Callable[[Tensor, float, Tensor], Tensor] = lambda value, alpha, g: value - alpha * g
    by: str = "theta"
    cut: bool = False
    end: Callable[[Params, Params, Params, Tensor, float], Any] = lambda theta, phi, g, query, alpha: (
        g,
        query,
    )

    def __call__(
        self,
        loss: TaskLoss,
        theta: Params,
        episode: Episode,
        alpha: float,
        k: int = 1,
        first_order: bool = False,
    ) -> Any:
        start = phi = stack(theta, episode.tasks)
        for _ in range(self.steps(k)):
            at = phi if self.at in ("phi", "restart") else start
            value = self.sum_in(loss(at, *self.inner(episode)))
            found = torch.autograd.grad(value, list(at.values()), create_graph=self.create_graph(first_order))
            base = start if self.at == "restart" else phi
            phi = {n: self.step(v, alpha, g) for (n, v), g in zip(base.items(), found, strict=True)}
        if self.cut:
            phi = {name: value.detach().requires_grad_() for name, value in phi.items()}
        query = self.sum_out(loss(phi, *self.outer(episode)))
        by = theta if self.by == "theta" else phi
        gradient = dict(zip(by, torch.autograd.grad(query, list(by.values())), strict=True))
        return self.end(theta, phi, gradient, query.detach(), alpha)


def _one_phi(summed: bool) -> Callable[..., Any]:
    """One phi for all tasks: it goes down the mean of their support losses, or the sum."""

    def wrong(
        loss: TaskLoss,
        theta: Params,
        episode: Episode,
        alpha: float,
        k: int = 1,
        first_order: bool = False,
    ) -> Any:
        poured = Episode(*(each.flatten(0, 1)[None] for each in episode))
        times = episode.tasks if summed else 1
        return maml(loss, theta, poured, times * alpha, k, first_order)

    return wrong


def _only_the_loss(inputs: tuple[Any, ...], right: Any, came: Any) -> bool:
    """Whether every gradient is right, and a loss is not."""
    if not isinstance(came, tuple) or len(came) != len(right):
        return False
    pairs = [(r, c) for r, c in zip(right, came, strict=True) if isinstance(r, dict)]
    return all(torch.allclose(r[name], c[name], rtol=1e-6) for r, c in pairs for name in r)


def _only_task(number: int) -> Callable[..., Any]:
    def wrong(loss: TaskLoss, theta: Params, episode: Episode, *rest: Any, **flags: Any) -> Any:
        one = Episode(*(each[number][None] for each in episode))
        return maml(loss, theta, one, *rest, **flags)

    return wrong


def _in_a_row(
    loss: TaskLoss, theta: Params, episode: Episode, alpha: float, k: int = 1, first_order: bool = False
) -> Any:
    """Each task begins where the one before has ended."""
    phi, total = theta, torch.zeros((), dtype=torch.float64)
    for support_x, support_y, query_x, query_y in zip(*episode, strict=True):
        for _ in range(k):
            found = torch.autograd.grad(
                loss(phi, support_x, support_y), list(phi.values()), create_graph=not first_order
            )
            phi = {n: v - alpha * g for (n, v), g in zip(phi.items(), found, strict=True)}
        total = total + loss(phi, query_x, query_y) / episode.tasks
    return dict(zip(theta, torch.autograd.grad(total, list(theta.values())), strict=True)), total.detach()


def _piling_up(
    loss: TaskLoss, theta: Params, episode: Episode, alpha: float, k: int = 1, first_order: bool = False
) -> Any:
    """The outer gradient by ``.backward()``, read off ``.grad``, where the next call finds it again."""
    phi = stack(theta, episode.tasks)
    for _ in range(k):
        value = loss(phi, episode.support_x, episode.support_y).sum()
        found = torch.autograd.grad(value, list(phi.values()), create_graph=not first_order)
        phi = {n: v - alpha * g for (n, v), g in zip(phi.items(), found, strict=True)}
    query = loss(phi, episode.query_x, episode.query_y).mean()
    query.backward()
    return {n: torch.as_tensor(v.grad) for n, v in theta.items()}, query.detach()


def _both_sets(weight: float) -> Callable[..., Any]:
    """The support loss after the steps counts as well."""

    def wrong(loss: TaskLoss, theta: Params, episode: Episode, *rest: Any, **flags: Any) -> Any:
        seen = episode._replace(query_x=episode.support_x, query_y=episode.support_y)
        parts = [maml(loss, theta, each, *rest, **flags) for each in (episode, seen)]
        gradient = map_params(lambda q, s: weight * (q + s), *(part[0] for part in parts))
        return gradient, weight * (parts[0][1] + parts[1][1])

    return wrong


def _flagged(wrong: _Way, when: Callable[[int, bool], bool]) -> Callable[..., Any]:
    """``wrong`` only for some calls."""

    def partly(
        loss: TaskLoss, theta: Params, episode: Episode, alpha: float, k: int = 1, first_order: bool = False
    ) -> Any:
        way: Any = wrong if when(k, first_order) else maml
        return way(loss, theta, episode, alpha, k, first_order)

    return partly


def _support(e: Episode) -> tuple[Tensor, Tensor]:
    return e.support_x, e.support_y


def _query(e: Episode) -> tuple[Tensor, Tensor]:
    return e.query_x, e.query_y


def _everywhere(**places: Any) -> tuple[_Way, ...]:
    """A mistake in a turn that is right otherwise, and in one that always is first order, or never."""
    return (
        _Way(**places),
        _Way(create_graph=lambda f: False, **places),
        _Way(create_graph=lambda f: True, **places),
    )


MAML = Exercise(
    id="06.3",
    title="MAML's outer loop",
    solution=maml,
    cases=lambda: [
        Case(f"{tasks} tasks, alpha = {alpha}", _tasks(seed, tasks, size, alpha))
        for seed, tasks, size, alpha in ((1, 3, 3, 0.1), (2, 4, 2, 0.05))
    ],
    draw=_more_tasks,
    observe=_observe_maml,
    called_twice=False,  # _observe_maml calls five times
    differentiable=(),
    any_float=True,
    outputs=(
        *(f"{what} {how}" for how in CALLS for what in ("the gradient", "the loss")),
        "the start afterwards",
    ),
    mistakes=(
        Mistake(
            "That is FOMAML, whatever first_order says: your steps' gradients are constants, or phi is cut off. Give them a way "
            "back with create_graph=not first_order.",
            (
                _Way(create_graph=lambda f: False),
                _Way(cut=True, by="phi", end=lambda t, p, g, q, a: ({n: v.sum(0) for n, v in g.items()}, q)),
            ),
            hint=2,
        ),
        Mistake(
            "first_order changes nothing in yours: it is MAML with it and without. FOMAML takes the steps' gradients as constants: "
            "create_graph=not first_order.",
            (_Way(create_graph=lambda f: True),),
            hint=2,
        ),
        Mistake(
            "The flag is turned round: first_order=True leaves the way back out, so create_graph=not first_order.",
            (_Way(create_graph=lambda f: f),),
            hint=2,
        ),
        Mistake(
            "With first_order=True no step is made in yours. FOMAML makes the same steps; it only takes their gradients as constants.",
            (_flagged(_Way(steps=lambda k: 0), lambda k, f: f),),
            hint=2,
        ),
        Mistake(
            "You step by the gradient of the mean over the tasks, so every task's step is too short by their number. A task's loss "
            "reads its own copy alone: with the sum each copy gets its own task's gradient.",
            _everywhere(sum_in=torch.mean),
            hint=1,
        ),
        Mistake(
            "Yours is the sum over the tasks. The outer loss is their mean: else a larger batch takes a longer step.",
            (*_everywhere(sum_out=torch.sum), *_everywhere(sum_in=torch.mean, sum_out=torch.sum)),
        ),
        Mistake(
            "The steps go down the query loss. They see the support set alone.",
            (*_everywhere(inner=_query),),
            hint=1,
        ),
        Mistake(
            "You judge phi on the support set it has just learned from. The outer loss is the query loss.",
            (*_everywhere(outer=_support),),
            hint=3,
        ),
        Mistake(
            "The two sets have changed places: steps on the support set, the outer loss on the queries.",
            (*_everywhere(inner=_query, outer=_support),),
            hint=1,
        ),
        Mistake(
            "The outer loss counts the support set as well. It is the query loss after the steps, nothing else.",
            (_both_sets(1.0), _both_sets(0.5)),
            hint=3,
        ),
        Mistake(
            "Your steps go uphill: phi - alpha * gradient.",
            _everywhere(step=lambda value, alpha, g: value + alpha * g),
        ),
        Mistake(
            "The rate alpha is missing in the step, or it is a number of your own.",
            (
                *_everywhere(step=lambda value, alpha, g: value - g),
                *_everywhere(step=lambda value, alpha, g: value - 0.01 * g),
                *_everywhere(step=lambda value, alpha, g: value - 0.1 * g),
                *_everywhere(step=lambda value, alpha, g: value - g / alpha),
                *_everywhere(step=lambda value, alpha, g: value * (1 - alpha) - g),
                *_everywhere(step=lambda value, alpha, g: alpha * value - g),
            ),
        ),
        Mistake(
            "k counts the inner steps, and yours makes another number of them. With k = 0 it makes none, which is joint training.",
            (
                *_everywhere(steps=lambda k: 1),
                *_everywhere(steps=lambda k: max(1, k)),
                *_everywhere(steps=lambda k: min(1, k)),
                *_everywhere(steps=lambda k: 0),
                *_everywhere(steps=lambda k: k + 1),
                *_everywhere(steps=lambda k: max(0, k - 1)),
                *_everywhere(steps=lambda k: 3),
                *_everywhere(steps=lambda k: 5),
            ),
            hint=1,
        ),
        Mistake(
            "Each step begins at theta again, so only the last one is left. The next step goes on from phi.",
            _everywhere(at="restart"),
            hint=1,
        ),
        Mistake(
            "Every step takes the gradient at theta. The second is taken where the first has ended, at phi.",
            _everywhere(at="theta"),
            hint=1,
        ),
        Mistake(
            "All tasks share one phi in yours. Every task goes its own way from theta, so begin with stack(theta, episode.tasks), a "
            "copy for each.",
            (_one_phi(False), _one_phi(True)),
            hint=1,
        ),
        Mistake(
            "Only one task of the batch counts in yours. The outer loss is the mean over all of them.",
            (_only_task(0), _only_task(-1)),
        ),
        Mistake(
            "Each task begins where the last one ended. The start must be the same for all: phi is made anew from theta for every task.",
            (_in_a_row,),
            hint=1,
        ),
        Mistake(
            ".backward() adds to what .grad held before, so the next batch gets the gradients of all batches so far. Ask "
            "torch.autograd.grad, which hands the gradient over and leaves nothing behind.",
            (_piling_up,),
            hint=3,
        ),
        Mistake(
            "You take the gradient by the tasks' copies, or by phi, and it has one row for each task. Take it by theta: the copies are "
            "made of it, so the rows are added up on the way back.",
            (
                *_everywhere(by="phi"),
                *_everywhere(by="phi", end=lambda t, p, g, q, a: ({n: v.mean(0) for n, v in g.items()}, q)),
            ),
            hint=3,
        ),
        Mistake(
            "The sign is turned round. Asked for is the gradient; the optimizer goes against it.",
            _everywhere(end=lambda t, p, g, q, a: (map_params(torch.neg, g), q)),
        ),
        Mistake(
            "You move theta yourself. Asked for is the gradient; how far to go along it is the optimizer's, line 8.",
            (
                *(
                    way
                    for rate in (0.001, 0.01, 0.1, 1.0)
                    for way in _everywhere(
                        end=lambda t, p, g, q, a, rate=rate: (
                            {n: (t[n] - rate * g[n]).detach() for n in t},
                            q,
                        )
                    )
                ),
                *_everywhere(end=lambda t, p, g, q, a: ({n: (t[n] - a * g[n]).detach() for n in t}, q)),
            ),
        ),
        Mistake(
            "That is the change of the weights, theta - phi, as Reptile takes it. MAML's gradient needs the queries.",
            (
                *_everywhere(end=lambda t, p, g, q, a: ({n: (t[n] - p[n]).mean(0).detach() for n in t}, q)),
                *_everywhere(end=lambda t, p, g, q, a: ({n: (p[n] - t[n]).mean(0).detach() for n in t}, q)),
            ),
        ),
        Mistake(
            "You return phi. Asked for are the gradient by theta, and the query loss.",
            (
                *_everywhere(end=lambda t, p, g, q, a: (map_params(torch.detach, p), q)),
                *_everywhere(end=lambda t, p, g, q, a: ({n: v.mean(0).detach() for n, v in p.items()}, q)),
                *_everywhere(end=lambda t, p, g, q, a: p),
            ),
        ),
        Mistake(
            "The gradient is right; the loss beside it is not. It is the mean over the tasks of the query loss after the steps.",
            (),
            hint=3,
            looks=_only_the_loss,
        ),
        Mistake(
            "Two things are asked for, in this order: the gradient, a dict with theta's names, and the mean query loss.",
            (
                *_everywhere(end=lambda t, p, g, q, a: g),
                *_everywhere(end=lambda t, p, g, q, a: q),
                *_everywhere(end=lambda t, p, g, q, a: (q, g)),
                *_everywhere(end=lambda t, p, g, q, a: (list(g.values()), q)),
                *_everywhere(end=lambda t, p, g, q, a: (tuple(g.values()), q)),
                *_everywhere(end=lambda t, p, g, q, a: [g, q]),
                *_everywhere(end=lambda t, p, g, q, a: list(g.values())),
                *_everywhere(end=lambda t, p, g, q, a: tuple(g.values())),
            ),
            looks=lambda inputs, right, came: not (isinstance(came, tuple) and len(came) == len(right)),
        ),
    ),
    hints=(
        "Lines 4 to 6: phi = stack(theta, episode.tasks) is a copy of the start for every task. Then k times: the gradient of "
        "loss(phi, episode.support_x, episode.support_y).sum() by phi's tensors, and a step of alpha against it.",
        "torch.autograd.grad(value, list(phi.values()), create_graph=not first_order). Without the graph the step is a constant, "
        "which is FOMAML.",
        "Line 7: query = loss(phi, episode.query_x, episode.query_y).mean(), then torch.autograd.grad(query, "
        "list(theta.values())), with theta's names again. Return it with query.detach().",
    ),
)

# 06.4 ---------------------------------------------------------------------------------------------------------------


def meta_sgd_step(loss: Loss, theta: Params, rates: Params) -> Params:
    """theta - rates * gradient, each number with a rate of its own, with the way back to both."""
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    return {name: theta[name] - rates[name] * g for name, g in zip(theta, gradient, strict=True)}


def _setting(seed: int, size: int) -> tuple[Params, Params, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64)

    theta = {"w": normal(2, size), "v": normal(size)}
    rates = {name: 0.25 * torch.rand(v.shape, generator=draw).double() - 0.05 for name, v in theta.items()}
    return theta, rates, normal(6, 2), normal(6)


def _observe_meta_sgd(
    answer: Callable[..., Params], theta: Params, rates: Params, x: Tensor, y: Tensor
) -> Any:
    """What comes out, its way back to the start and to the rates, whether the start was changed, and the next task's phi."""

    def loss(params: Params, x: Tensor = x) -> Tensor:
        return (torch.tanh(x @ params["w"]) @ params["v"] - y).square().mean()

    def after(task: Tensor) -> Any:
        return answer(lambda params: loss(params, task), start, rates)

    def values(params: Params) -> Params:
        return map_params(lambda value: value.detach().clone(), params)

    start, rates = leaves(theta), leaves(rates)
    phi = after(x)
    if not isinstance(phi, dict) or set(phi) != set(theta):
        return phi
    if not all(isinstance(value, Tensor) for value in phi.values()):
        return phi
    kept = values(start)
    later = torch.stack([(v * torch.arange(1, v.numel() + 1).view_as(v)).sum() for v in phi.values()]).sum()
    both = start | {f"rate of {name}": value for name, value in rates.items()}
    back = gradient_of(later, both) if later.requires_grad else map_params(torch.zeros_like, both)
    try:
        second = values(after(x + 1))
    except (RuntimeError, AttributeError, TypeError):
        second = {}
    left = any(value.grad is not None for value in both.values())
    for value in both.values():
        value.grad = None  # a graph that hangs on its own leaf is never freed
    return {name: phi[name].detach().clone() for name in theta}, kept, second, back, left


def _more_steps(draw: torch.Generator) -> Case:
    size = int(torch.randint(2, 5, (), generator=draw))
    return Case(
        f"a network of {size} units, drawn", _setting(int(torch.randint(3, 10**6, (), generator=draw)), size)
    )


def _by_backward(clear: bool = False, **changes: bool) -> Callable[..., Params]:
    """The gradient by ``.backward()``, read off ``.grad``, where the next call finds it again."""

    def wrong(loss: Loss, theta: Params, rates: Params) -> Params:
        for value in theta.values() if clear else ():
            value.grad = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of the very mistake that is shown here
            loss(theta).backward(**changes)
        return {name: value - rates[name] * torch.as_tensor(value.grad) for name, value in theta.items()}

    return wrong


Formula = Callable[[Tensor, Tensor, Tensor], Any]


def _moved(
    formula: Formula = lambda theta, rate, g: theta - rate * g, *, create_graph: bool = True
) -> Callable[..., Any]:
    """A step by another formula of one tensor of theta, its rates, and its gradient."""

    def wrong(loss: Loss, theta: Params, rates: Params) -> Any:
        gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=create_graph)
        return {n: formula(theta[n], rates[n], g) for n, g in zip(theta, gradient, strict=True)}

    return wrong


def _either(formula: Formula) -> tuple[Callable[..., Any], ...]:
    """A formula with the way back to the start, and without."""
    return _moved(formula), _moved(formula, create_graph=False)


def _own_rate(fixed: float) -> Callable[..., Any]:
    return _moved(lambda theta, rate, g: theta - fixed * g)


def _rates_moved(by: float) -> Callable[..., Any]:
    return _moved(lambda theta, rate, g: theta - (rate - by * g) * g)


def _fresh(loss: Loss, theta: Params, rates: Params) -> Params:
    return meta_sgd_step(loss, leaves(theta), rates)


def _detached(loss: Loss, theta: Params, rates: Params) -> Params:
    return map_params(torch.Tensor.detach, meta_sgd_step(loss, theta, rates))


def _fresh_leaves(loss: Loss, theta: Params, rates: Params) -> Params:
    return leaves(meta_sgd_step(loss, theta, rates))


def _one_rate(share: Callable[[Tensor], Tensor]) -> Callable[..., Params]:
    def wrong(loss: Loss, theta: Params, rates: Params) -> Params:
        rate = share(torch.cat([value.flatten() for value in rates.values()]))
        return meta_sgd_step(loss, theta, {name: rate for name in theta})

    return wrong


def _mean_of_means(loss: Loss, theta: Params, rates: Params) -> Params:
    rate = torch.stack([value.mean() for value in rates.values()]).mean()
    return meta_sgd_step(loss, theta, {name: rate for name in theta})


def _steps(count: int) -> Callable[..., Params]:
    def wrong(loss: Loss, theta: Params, rates: Params) -> Params:
        for _ in range(count):
            theta = meta_sgd_step(loss, theta, rates)
        return theta

    return wrong


def _crossed(gradients: bool, rates_too: bool) -> Callable[..., Any]:
    """The gradients, or the rates, handed out the other way round, where their shapes fit."""

    def wrong(loss: Loss, theta: Params, rates: Params) -> Any:
        names = list(theta)
        found = torch.autograd.grad(loss(theta), [theta[n] for n in names], create_graph=True)
        found = found[::-1] if gradients else found
        order = names[::-1] if rates_too else names
        return {n: theta[n] - rates[m] * g for n, m, g in zip(names, order, found, strict=True)}

    return wrong


def _first_gradient(loss: Loss, theta: Params, rates: Params) -> Any:
    g = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)[0]
    return {n: theta[n] - rates[n] * g for n in theta}


def _one_after_another(loss: Loss, theta: Params, rates: Params) -> Params:
    phi = dict(theta)
    for name in theta:
        (g,) = torch.autograd.grad(loss(phi), [phi[name]], create_graph=True)
        phi[name] = phi[name] - rates[name] * g
    return phi


def _only(number: int) -> Callable[..., Params]:
    def wrong(loss: Loss, theta: Params, rates: Params) -> Params:
        name = list(theta)[number]
        return theta | {name: meta_sgd_step(loss, theta, rates)[name]}

    return wrong


def _in_place(loss: Loss, theta: Params, rates: Params) -> Params:
    gradient = torch.autograd.grad(loss(theta), list(theta.values()))
    with torch.no_grad():
        for name, g in zip(theta, gradient, strict=True):
            theta[name] -= rates[name] * g
    return theta


def _into_the_dict(create_graph: bool) -> Callable[..., Params]:
    def wrong(loss: Loss, theta: Params, rates: Params) -> Params:
        gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=create_graph)
        for name, g in zip(list(theta), gradient, strict=True):
            theta[name] = theta[name] - rates[name] * g
        return theta

    return wrong


def _as(form: Callable[[Params, Loss, Params], Any]) -> Callable[..., Any]:
    def wrong(loss: Loss, theta: Params, rates: Params) -> Any:
        return form(meta_sgd_step(loss, theta, rates), loss, theta)

    return wrong


META_SGD_STEP = Exercise(
    id="06.4",
    title="a step whose rates are learned",
    solution=meta_sgd_step,
    cases=lambda: [
        Case(f"a network of {size} units", _setting(seed, size)) for seed, size in ((1, 3), (2, 4))
    ],
    draw=_more_steps,
    observe=_observe_meta_sgd,
    called_twice=False,  # _observe_meta_sgd calls for two tasks
    outputs=(
        "phi",
        "the start afterwards",
        "phi for the next task",
        "the way back to the start and to the rates",
        "whether a gradient is left behind in .grad",
    ),
    mistakes=(
        Mistake(
            "The step is right, but its gradient is a constant to autograd: the rates would be learned, the start only to "
            "first order. Ask for the way back with create_graph=True, and do not detach.",
            (
                _moved(create_graph=False),
                _moved(lambda theta, rate, g: theta - rate * g.detach()),
            ),
            hint=2,
        ),
        Mistake(
            ".backward() adds to what .grad held before, so the second task steps by the gradients of both. Ask torch.autograd.grad, which "
            "hands the gradient over and leaves nothing behind.",
            (_by_backward(), _by_backward(create_graph=True), _by_backward(retain_graph=True)),
            hint=2,
        ),
        Mistake(
            ".backward() leaves the support gradient behind in theta's .grad, and the outer loop's own gradient is added to it. Ask "
            "torch.autograd.grad, which hands the gradient over and leaves nothing behind.",
            (_by_backward(clear=True, create_graph=True),),
            hint=2,
        ),
        Mistake(
            "That is .backward() without create_graph=True: the gradient counts as a constant, so the start is learned to first order only, and it stays "
            "behind in .grad. Ask torch.autograd.grad.",
            (_by_backward(clear=True), _by_backward(clear=True, retain_graph=True)),
            hint=2,
        ),
        Mistake(
            "The rates are cut off from the result, so they can never be learned. Use the tensors themselves, without "
            ".detach(), .data, .item() or float().",
            (
                *_either(lambda theta, rate, g: theta - rate.detach() * g),
                _moved(lambda theta, rate, g: theta - (rate * g).detach()),
            ),
        ),
        Mistake(
            "phi is cut off from the start and from the rates: nothing can be learned. Leave out .detach(), .data and torch.no_grad().",
            (
                _detached,
                _moved(lambda theta, rate, g: theta.detach() - rate.detach() * g),
                _moved(lambda theta, rate, g: theta.detach() - rate.mean().detach() * g),
                _fresh_leaves,
                lambda loss, theta, rates: _detached(loss, leaves(theta), rates),
            ),
        ),
        Mistake(
            "You cut the start off before the step: the rates can be learned, the start cannot. Use theta as it comes, without .detach(), .data or a "
            "fresh copy by leaves.",
            (
                _fresh,
                *_either(lambda theta, rate, g: theta.detach() - rate * g),
                *_either(lambda theta, rate, g: theta.detach() - rate * g.detach()),
            ),
        ),
        Mistake(
            "You made one rate out of many. Each number of theta has a rate of its own, in the same place.",
            (
                *_either(lambda theta, rate, g: theta - rate.mean() * g),
                *_either(lambda theta, rate, g: theta - rate.mean().detach() * g),
                *_either(lambda theta, rate, g: theta - rate.sum() * g),
                *_either(lambda theta, rate, g: theta - rate.max() * g),
                *_either(lambda theta, rate, g: theta - rate.flatten()[0] * g),
                *_either(lambda theta, rate, g: theta - rate.norm() * g),
                _one_rate(torch.mean),
                _one_rate(torch.sum),
                _one_rate(lambda rates: rates[0]),
                _mean_of_means,
                _one_rate(lambda rates: rates.mean().detach()),
            ),
            hint=1,
        ),
        Mistake(
            "Your step goes uphill: subtract the rate times the gradient.",
            (
                *_either(lambda theta, rate, g: theta + rate * g),
                *_either(lambda theta, rate, g: theta + rate.detach() * g),
                _moved(lambda theta, rate, g: (theta + rate * g).detach()),
                _moved(lambda theta, rate, g: theta.detach() + rate * g),
            ),
            hint=3,
        ),
        Mistake(
            "The rates are missing.",
            (
                *_either(lambda theta, rate, g: theta - g),
                *map(_own_rate, (0.001, 0.01, 0.02, 0.05, 0.1, 0.5)),
                _moved(lambda theta, rate, g: theta - 0.01 * g, create_graph=False),
                _moved(lambda theta, rate, g: theta - 0.1 * g, create_graph=False),
            ),
        ),
        Mistake(
            "You step by the exponential of the rates, or by another function that keeps them positive. Learning their logarithm is a good idea, "
            "but here they are the rates.",
            (
                *_either(lambda theta, rate, g: theta - rate.exp() * g),
                *_either(lambda theta, rate, g: theta - 10**rate * g),
                *_either(lambda theta, rate, g: theta + rate.exp() * g),
                *_either(lambda theta, rate, g: theta - rate.abs().log() * g),
                *_either(lambda theta, rate, g: theta - rate.abs().sqrt() * g),
                *_either(lambda theta, rate, g: theta - rate.sigmoid() * g),
                *_either(lambda theta, rate, g: theta - torch.nn.functional.softplus(rate) * g),
                *_either(lambda theta, rate, g: theta - rate.square() * g),
                *_either(lambda theta, rate, g: theta - rate.tanh() * g),
            ),
        ),
        Mistake(
            "A rate below zero steps the wrong way in yours, or not at all. Meta-SGD may learn a negative rate: take it as it is.",
            (
                *_either(lambda theta, rate, g: theta - rate.abs() * g),
                *_either(lambda theta, rate, g: theta - rate.clamp(min=0) * g),
                *_either(lambda theta, rate, g: theta - rate.clamp(0, 1) * g),
                *_either(lambda theta, rate, g: theta - rate.clamp(min=1e-8) * g),
            ),
        ),
        Mistake(
            "You divide by the rates. The step is the rate times the gradient.",
            (
                *_either(lambda theta, rate, g: theta - g / rate),
                *_either(lambda theta, rate, g: theta - rate / g),
            ),
        ),
        Mistake(
            "The rates stand in the wrong place: they multiply the gradient, number by number, and theta is what the step begins at.",
            (
                *_either(lambda theta, rate, g: rate * theta - g),
                *_either(lambda theta, rate, g: rate * (theta - g)),
                *_either(lambda theta, rate, g: theta * (1 - rate * g)),
                *_either(lambda theta, rate, g: theta - rate * theta * g),
                *_either(lambda theta, rate, g: (1 - rate) * theta - rate * g),
                *_either(lambda theta, rate, g: theta - (rate - g)),
                *_either(lambda theta, rate, g: theta - (rate + g)),
                *_either(lambda theta, rate, g: theta - rate - g),
                *_either(lambda theta, rate, g: rate - theta * g),
                *_either(lambda theta, rate, g: theta - rate),
                *_either(lambda theta, rate, g: theta - rate * theta),
                *_either(lambda theta, rate, g: rate - rate * g),
                *_either(lambda theta, rate, g: theta * rate * g),
                *_either(lambda theta, rate, g: theta + rate - g),
            ),
            hint=1,
        ),
        Mistake(
            "You step by another function of the gradient: its sign, its square, or its direction alone. Here it is the gradient as it is.",
            (
                *_either(lambda theta, rate, g: theta - rate * g.sign()),
                *_either(lambda theta, rate, g: theta - rate * g.abs()),
                *_either(lambda theta, rate, g: theta - rate * g.square()),
                *_either(lambda theta, rate, g: theta - rate * g / g.norm()),
                *_either(lambda theta, rate, g: theta - rate * g / (g.norm() + 1e-8)),
                *_either(lambda theta, rate, g: theta - rate * g.clamp(-1, 1)),
                *_either(lambda theta, rate, g: theta - rate * g.mean()),
                *_either(lambda theta, rate, g: theta - rate * g.sum()),
                *_either(lambda theta, rate, g: theta - (rate * g).sum()),
                *_either(lambda theta, rate, g: theta - (rate * g).mean()),
            ),
        ),
        Mistake(
            "You return the change, or the gradient, alone. phi is where the step ends: theta minus the change.",
            (
                *_either(lambda theta, rate, g: -rate * g),
                *_either(lambda theta, rate, g: rate * g),
                *_either(lambda theta, rate, g: g),
            ),
            hint=3,
        ),
        Mistake(
            "A tensor of theta gets the gradient, or the rates, of another one. They go together by name, and torch.autograd.grad answers in the order in "
            "which it was asked.",
            (_crossed(True, False), _crossed(False, True), _first_gradient, _crossed(True, True)),
        ),
        Mistake(
            "You step by the loss, not by its gradient.",
            (
                lambda loss, theta, rates: {n: theta[n] - rates[n] * loss(theta) for n in theta},
                lambda loss, theta, rates: {n: theta[n] - rates[n] * loss(theta).detach() for n in theta},
            ),
        ),
        Mistake(
            "You move the rates as well. They are learned by the outer loop; here they stay as they are.",
            (
                *map(_rates_moved, (0.001, 0.01, 0.1, 1.0)),
                _moved(lambda theta, rate, g: theta - (rate - rate * g) * g),
            ),
        ),
        Mistake("You take more than one step. One is asked for.", (_steps(2), _steps(3), _steps(5))),
        Mistake(
            "You move one tensor after the other, and the second gradient sees the first one moved. Take all gradients at theta, then move.",
            (_one_after_another,),
        ),
        Mistake(
            "Only a part of theta moves in yours. Every tensor of it takes a step.",
            (_only(0), _only(1)),
        ),
        Mistake(
            "Nothing moves: what you return is the start itself.",
            (
                lambda loss, theta, rates: theta,
                lambda loss, theta, rates: dict(theta),
                lambda loss, theta, rates: map_params(torch.clone, theta),
                lambda loss, theta, rates: leaves(theta),
            ),
        ),
        Mistake(
            "Your step changes theta itself. The start must survive, for the next task: build new tensors, in a new dict.",
            (_in_place, _into_the_dict(True), _into_the_dict(False)),
        ),
        Mistake(
            "A dict is asked for, with the names that theta has. You return the tensors without their names, or something beside it.",
            (
                _as(lambda phi, loss, theta: list(phi.values())),
                _as(lambda phi, loss, theta: tuple(phi.values())),
                _as(lambda phi, loss, theta: (phi, loss(theta))),
                _as(lambda phi, loss, theta: (phi, loss(phi))),
                _as(lambda phi, loss, theta: (loss(theta), phi)),
                _as(lambda phi, loss, theta: list(phi.items())),
            ),
        ),
        Mistake(
            "You return the loss. Asked for is phi, the parameters after the step.",
            (_as(lambda phi, loss, theta: loss(theta)), _as(lambda phi, loss, theta: loss(phi))),
        ),
    ),
    hints=(
        "It is MAML's inner step, with a tensor where the number alpha stood.",
        "The gradient as before: torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True).",
        "`return {name: theta[name] - rates[name] * ... for name, g in zip(theta, gradient)}`",
    ),
)

EXERCISES = (BEST_GUESS, META_GRADIENT, MAML, META_SGD_STEP)
