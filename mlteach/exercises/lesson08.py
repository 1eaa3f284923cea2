"""The exercises of lesson 08: why first order works."""

import contextlib
import functools
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.func import grad, jvp

from mlteach.exercises.exercise import Case, Exercise, Mistake
from mlteach.measure.expansion import METHODS, avg_grad, avg_grad_inner
from mlteach.params import Params, dot, norm, scale, subtract

# 08.1 ---------------------------------------------------------------------------------------------------------------


def counted(method: str, k: int) -> tuple[int, float]:
    """How often AvgGrad, and minus alpha times AvgGradInner, stand in what ``method`` descends on."""
    if method == "reptile":
        return k, k * (k - 1) / 2
    return 1, (2 if method == "maml" else 1) * (k - 1)


def _method_cases() -> list[Case]:
    return [
        Case(f"{method}, k = {k}", (method, k))
        for method, k in (
            ("maml", 2),
            ("maml", 5),
            ("maml", 8),
            ("fomaml", 2),
            ("fomaml", 4),
            ("fomaml", 7),
            ("reptile", 2),
            ("reptile", 5),
            ("reptile", 8),
        )
    ]


def _draw_method(generator: torch.Generator) -> Case:
    method = ("maml", "fomaml", "reptile")[int(torch.randint(3, (), generator=generator))]
    k = int(torch.randint(3, 30, (), generator=generator))
    return Case(f"{method}, k = {k}", (method, k))


def _but(method: str, formula: Callable[[int], tuple[float, float]]) -> Callable[..., tuple[float, float]]:
    """The right counts, except for one method."""
    return lambda name, k: formula(k) if name == method else counted(name, k)


def _each(
    maml: Callable[[int], tuple[float, float]],
    fomaml: Callable[[int], tuple[float, float]],
    reptile: Callable[[int], tuple[float, float]] = lambda k: (k, k * (k - 1) / 2),
) -> Callable[[str, int], tuple[float, float]]:
    """A formula for each method."""
    return lambda name, k: {"maml": maml, "fomaml": fomaml, "reptile": reptile}[name](k)


COUNTED = Exercise(
    id="08.1",
    title="count the terms",
    solution=counted,
    cases=_method_cases,
    draw=_draw_method,
    outputs=("c", "d"),
    mistakes=(
        Mistake(
            "MAML and FOMAML are exchanged. FOMAML leaves out what the way back through the steps brings, so it has fewer.",
            (_each(lambda k: (1, k - 1), lambda k: (1, 2 * (k - 1))),),
        ),
        Mistake(
            "Reptile's count stands at another method. Reptile adds up all k gradients; FOMAML and MAML take the last one.",
            (
                _each(lambda k: (1, 2 * (k - 1)), lambda k: (k, k * (k - 1) / 2), lambda k: (1, k - 1)),
                _each(lambda k: (k, k * (k - 1) / 2), lambda k: (1, k - 1), lambda k: (1, 2 * (k - 1))),
                _each(lambda k: (k, k * (k - 1) / 2), lambda k: (1, 2 * (k - 1)), lambda k: (1, k - 1)),
                _each(lambda k: (1, k - 1), lambda k: (k, k * (k - 1) / 2), lambda k: (1, 2 * (k - 1))),
            ),
        ),
        Mistake(
            "You give all methods one H b for each step. MAML has as many again from the way back, and in Reptile gradient i "
            "brings i - 1.",
            (
                _each(lambda k: (1, k - 1), lambda k: (1, k - 1), lambda k: (k, k - 1)),
                _each(lambda k: (1, k), lambda k: (1, k), lambda k: (k, k)),
                _but("reptile", lambda k: (k, k)),
            ),
        ),
        Mistake(
            "The counts of Reptile's gradients, 0, 1, ..., k - 1, are added and not multiplied.",
            (
                _but("reptile", lambda k: (k, math.factorial(k - 1))),
                _but("reptile", lambda k: (k, math.factorial(k))),
            ),
        ),
        Mistake(
            "You give FOMAML what MAML has. FOMAML does not go back through the steps: it is gradient k alone.",
            (_but("fomaml", lambda k: (1, 2 * (k - 1))), _but("fomaml", lambda k: (1, 2 * k))),
        ),
        Mistake(
            "FOMAML's gradient is the k-th: k - 1 minibatches have moved phi before it, not k.",
            (_but("fomaml", lambda k: (1, k)),),
        ),
        Mistake(
            "For MAML you have one term too many: k - 1 from gradient k, and k - 1 from the way back.",
            (_but("maml", lambda k: (1, 2 * k - 1)), _but("maml", lambda k: (1, 2 * k - 1 / 2))),
        ),
        Mistake(
            "The second number of Reptile is right, the first is not: it adds up k gradients, and each brings one b.",
            (
                _but("reptile", lambda k: (1, k * (k - 1) / 2)),
                _but("reptile", lambda k: (k - 1, k * (k - 1) / 2)),
                _but("reptile", lambda k: (k + 1, k * (k - 1) / 2)),
            ),
        ),
        Mistake(
            "For MAML and FOMAML you count k times b. Only Reptile adds up k gradients: theirs is one gradient, the last.",
            (
                _each(lambda k: (k, 2 * (k - 1)), lambda k: (k, k - 1)),
                _each(lambda k: (k - 1, 2 * (k - 1)), lambda k: (k - 1, k - 1)),
                _but("maml", lambda k: (k, 2 * (k - 1))),
                _but("fomaml", lambda k: (k, k - 1)),
            ),
        ),
        Mistake(
            "For MAML and FOMAML you count all k minibatches as moved. The last one only judges.",
            (_each(lambda k: (1, 2 * k), lambda k: (1, k), lambda k: (k, k * (k + 1) / 2)),),
        ),
        Mistake(
            "You count all k minibatches as moved, in two of the three. Only those before gradient k, or gradient i, have moved phi.",
            (
                _each(lambda k: (1, 2 * k), lambda k: (1, k - 1), lambda k: (k, k * (k + 1) / 2)),
                _each(lambda k: (1, 2 * (k - 1)), lambda k: (1, k), lambda k: (k, k * (k + 1) / 2)),
            ),
        ),
        Mistake(
            "For Reptile you stop one minibatch too early: there are k gradients, and the last has k - 1 before it.",
            (
                _but("reptile", lambda k: (k, (k - 1) * (k - 2) / 2)),
                _but("reptile", lambda k: (k - 1, (k - 1) * (k - 2) / 2)),
            ),
        ),
        Mistake(
            "Half of k squared also counts each minibatch with itself. A Hessian meets only the gradients of *other* minibatches.",
            (_but("reptile", lambda k: (k, k**2 / 2)), _but("reptile", lambda k: (k, k**2))),
        ),
        Mistake(
            "You round: k (k - 1) is even, (k - 1) alone need not be. Multiply first, halve then.",
            (
                _but("reptile", lambda k: (k, k * ((k - 1) // 2))),
                _but("reptile", lambda k: (k, (k // 2) * (k - 1))),
            ),
        ),
        Mistake(
            "The two numbers stand in the other order: first how often b, then how often H b.",
            (lambda name, k: counted(name, k)[::-1],),
        ),
        Mistake(
            "That is joint training, which takes no steps. Here each method walks, and a gradient on the way brings H b.",
            (lambda name, k: (1, 0), lambda name, k: (k, 0)),
        ),
        Mistake(
            "That is one of the two numbers alone. Both are asked for: (c, d).",
            (lambda name, k: counted(name, k)[1], lambda name, k: counted(name, k)[0]),
        ),
        Mistake(
            "That is the ratio d / c, one number. Both are asked for: (c, d).",
            (lambda name, k: counted(name, k)[1] / counted(name, k)[0],),
        ),
        Mistake(
            "Your second number for Reptile is how much it weighs beside the first, d / c. How often H b stands there is asked for.",
            (_but("reptile", lambda k: (k, (k - 1) / 2)),),
        ),
        Mistake(
            "For MAML the two kinds of terms are added: k - 1 from gradient k, and k - 1 from the way back. You multiply, or "
            "count like Reptile.",
            (
                _but("maml", lambda k: (1, (k - 1) ** 2)),
                _but("maml", lambda k: (1, k * (k - 1))),
                _but("maml", lambda k: (1, k**2)),
                _but("maml", lambda k: (1, k * (k - 1) / 2)),
            ),
        ),
        Mistake(
            "You count no H b where no second derivative is computed. Walking puts the Hessian in: gradient k is taken after "
            "k - 1 steps.",
            (
                _but("fomaml", lambda k: (1, 0)),
                _but("reptile", lambda k: (k, 0)),
                _each(lambda k: (1, k - 1), lambda k: (1, 0)),
                _each(lambda k: (1, k - 1), lambda k: (1, 0), lambda k: (k, 0)),
                _each(lambda k: (1, 2 * (k - 1)), lambda k: (1, 0), lambda k: (k, 0)),
            ),
        ),
        Mistake(
            'One branch is taken for all methods: the names that come in are "maml", "fomaml" and "reptile", in small letters.',
            tuple(lambda name, k, m=m: counted(m, k) for m in ("maml", "fomaml", "reptile")),
        ),
        Mistake(
            "This is right for two minibatches alone. Count again with k = 3.",
            (
                _each(lambda k: (1, k), lambda k: (1, 1), lambda k: (k, 1)),
                _each(lambda k: (1, 2), lambda k: (1, 1), lambda k: (2, 1)),
                _each(lambda k: (1, k), lambda k: (1, k - 1), lambda k: (k, k - 1)),
                _each(lambda k: (1, 2), lambda k: (1, 1)),
                _but("reptile", lambda k: (k, 1)),
                _but("maml", lambda k: (1, k)),
                _but("maml", lambda k: (1, 2)),
                _but("fomaml", lambda k: (1, 1)),
            ),
        ),
        Mistake(
            "You give MAML the count of FOMAML. Its gradient also goes back through k - 1 steps, and each of these brings "
            "one more H b.",
            (_but("maml", lambda k: (1, k - 1)),),
        ),
        Mistake(
            "MAML takes k - 1 inner steps, not k: the last minibatch judges and does not move.",
            (
                _but("maml", lambda k: (1, 2 * k)),
                lambda name, k: (
                    counted(name, k) if name == "reptile" else (1, (2 if name == "maml" else 1) * k)
                ),
            ),
        ),
        Mistake(
            "For Reptile you count the last gradient alone; that is FOMAML. Reptile adds up all k gradients, so add up "
            "their terms: 0 + 1 + ... + (k - 1).",
            (
                _but("reptile", lambda k: (1, k - 1)),
                _but("reptile", lambda k: (k, k - 1)),
            ),
        ),
        Mistake(
            "Gradient i has a term for each *earlier* minibatch, i - 1 of them, not i: 0 + 1 + ... + (k - 1) = k (k - 1) / 2.",
            (_but("reptile", lambda k: (k, k * (k + 1) / 2)),),
        ),
        Mistake(
            "You count every pair twice. Only the earlier minibatches have moved phi when gradient i is taken.",
            (_but("reptile", lambda k: (k, k * (k - 1))),),
        ),
        Mistake(
            "You take the mean of Reptile's gradients. (theta - phi) / alpha is their sum.",
            (_but("reptile", lambda k: (1, (k - 1) / 2)),),
        ),
        Mistake(
            "The second number is counted with its minus in front: give it without a sign.",
            (lambda name, k: (counted(name, k)[0], -counted(name, k)[1]),),
        ),
    ),
    hints=(
        "Take the table above. How many b, and how many H b, stand in each row?",
        "FOMAML is gradient k alone: one b, and one H b for each of the k - 1 steps before. MAML has as many again.",
        "Reptile adds up gradients 1 to k. The i-th brings one b and i - 1 times H b: what is 0 + 1 + ... + (k - 1)?",
    ),
)

# 08.2 ---------------------------------------------------------------------------------------------------------------

Loss = Callable[[Params], Tensor]
DescendsOn = Callable[[Sequence[Loss], Params, Any], Params]
Answer = Callable[[DescendsOn, Sequence[Loss], Params], Any]


def measured(descends_on: DescendsOn, losses: Sequence[Loss], theta: Params) -> tuple[float, float]:
    """c and d: how often AvgGrad, and -alpha AvgGradInner, are in the mean of ``descends_on`` over all orders."""

    def mean(alpha: Any) -> Params:
        orders = list(itertools.permutations(losses))
        return scale(1 / len(orders), _sum([descends_on(order, theta, alpha) for order in orders]))

    zero, one = torch.tensor([0.0, 1.0], dtype=torch.float64)
    value, slope, *_ = jvp(mean, (zero,), (one,))
    first, second = avg_grad(losses, theta), avg_grad_inner(losses, theta)
    return (dot(value, first) / dot(first, first)).item(), -(dot(slope, second) / dot(second, second)).item()


def _sum(parts: Sequence[Params]) -> Params:
    return {name: torch.stack([part[name] for part in parts]).sum(0) for name in parts[0]}


@dataclass(frozen=True)
class Bowl:
    """A smooth loss of three parameters, not quadratic, that knows its derivatives: what is measured here is measured often."""

    rows: Tensor
    centre: Tensor

    def __call__(self, theta: Params) -> Tensor:
        """The loss, a scalar."""
        gap = self.rows @ (theta["w"] - self.centre)
        return gap.square().sum() / 2 + (gap**4).sum() / 20

    def slope(self, w: Tensor) -> Tensor:
        """Its gradient, [3]."""
        gap = self.rows @ (w - self.centre)
        return self.rows.mT @ (gap + gap**3 / 5)

    def bend(self, w: Tensor, v: Tensor) -> Tensor:
        """Its Hessian times v, [3]."""
        gap = self.rows @ (w - self.centre)
        return self.rows.mT @ ((1 + 0.6 * gap.square()) * (self.rows @ v))


def _bowls(k: int, seed: int) -> tuple[list[Loss], Params]:
    """k losses and a start."""
    draw = torch.Generator().manual_seed(seed)
    rows, centres = (
        torch.randn(shape, generator=draw, dtype=torch.float64) / 2 for shape in ((k, 3, 3), (k, 3))
    )
    start = {"w": torch.randn(3, generator=draw, dtype=torch.float64)}
    return [Bowl(*each) for each in zip(rows, centres, strict=True)], start


def descends_on(method: str, losses: Sequence[Bowl], theta: Params, alpha: Any) -> Params:
    """`outer_gradient` of bowls."""
    places, met = [theta["w"]], []
    for loss in losses:
        met.append(loss.slope(places[-1]))
        places.append(places[-1] - alpha * met[-1])
    if method == "reptile":
        return {"w": torch.stack(met).sum(0)}
    back = met[-1]
    if (
        method == "maml"
    ):  # the last minibatch judges, and its gradient goes back through the steps on the others
        for loss, place in zip(losses[-2::-1], places[-3::-1], strict=True):
            back = back - alpha * loss.bend(place, back)
    return {"w": back}


def _observe_measured(answer: Answer, method: str, k: int, seed: int) -> Any:
    losses, theta = _bowls(k, seed)
    return answer(functools.partial(descends_on, method), losses, theta)


def _measured_cases() -> list[Case]:
    sizes = (("reptile", 3, 1), ("maml", 2, 2), ("fomaml", 3, 4))
    return [Case(f"{method}, {k} minibatches", (method, k, seed)) for method, k, seed in sizes]


def _more_measured(draw: torch.Generator) -> Case:
    method = METHODS[int(torch.randint(len(METHODS), (), generator=draw))]
    k, seed = int(torch.randint(2, 4, (), generator=draw)), int(torch.randint(100, (), generator=draw))
    return Case(f"{method}, {k} minibatches, drawn", (method, k, seed))


Orders = Callable[[Sequence[Loss]], Sequence[Sequence[Loss]]]


def _every(losses: Sequence[Loss]) -> Sequence[Sequence[Loss]]:
    return list(itertools.permutations(losses))


def _share(x: Params, term: Params) -> Tensor:
    return dot(x, term) / dot(term, term)


def _with_own(losses: Sequence[Loss], theta: Params) -> Params:
    """The mean of H_i b_j over all pairs, i = j included."""
    gradients = _sum([grad(loss)(theta) for loss in losses])
    products = [jvp(grad(loss), (theta,), (gradients,))[1] for loss in losses]
    return scale(1 / len(losses) ** 2, _sum(products))


def _own_alone(losses: Sequence[Loss], theta: Params) -> Params:
    """The mean of H_i b_i."""
    products = [jvp(grad(loss), (theta,), (grad(loss)(theta),))[1] for loss in losses]
    return scale(1 / len(losses), _sum(products))


def _measured(
    orders: Orders = _every,
    divide: bool = True,
    value_at: float = 0.0,
    slope_at: float = 0.0,
    share: Callable[[Params, Params], Any] = _share,
    inner: Callable[[Sequence[Loss], Params], Params] = avg_grad_inner,
    gradient: Callable[[Sequence[Loss], Params], Params] = avg_grad,
    pair: Callable[[Any, Any], Any] = lambda c, d: (c, -d),
    times: Callable[[int], float] = lambda k: 1.0,
) -> Answer:
    """`measured` with something else in one of its places; ``pair`` makes the answer of the shares of value and slope."""

    def wrong(descends_on: DescendsOn, losses: Sequence[Loss], theta: Params) -> Any:
        def mean(alpha: Any) -> Params:
            taken = orders(losses)
            found = _sum([descends_on(order, theta, alpha) for order in taken])
            return scale(1 / len(taken) if divide else 1.0, found)

        one = torch.ones((), dtype=torch.float64)
        value = mean(value_at * one)
        slope = scale(times(len(losses)), jvp(mean, (slope_at * one,), (one,))[1])
        return pair(share(value, gradient(losses, theta)), share(slope, inner(losses, theta)))

    return wrong


def _half_divided(first: bool) -> Answer:
    """One of the two divided by the length of its term, and not by its square."""

    def wrong(descends_on: DescendsOn, losses: Sequence[Loss], theta: Params) -> Any:
        c, d = measured(descends_on, losses, theta)
        lengths = norm(avg_grad(losses, theta)), norm(avg_grad_inner(losses, theta))
        return (c * lengths[0], d) if first else (c, d * lengths[1])

    return wrong


def _crossed(descends_on: DescendsOn, losses: Sequence[Loss], theta: Params) -> Any:
    """Value and slope exchanged."""
    orders, zero = _every(losses), torch.zeros((), dtype=torch.float64)
    slope, value, *_ = jvp(
        lambda alpha: scale(1 / len(orders), _sum([descends_on(order, theta, alpha) for order in orders])),
        (zero,),
        (torch.ones_like(zero),),
    )
    return _share(value, avg_grad(losses, theta)), -_share(slope, avg_grad_inner(losses, theta))


def _long_way(descends_on: DescendsOn, losses: Sequence[Loss], theta: Params, step: float) -> Params:
    """The slope as a difference over a step of alpha."""
    orders = _every(losses)
    ends = [scale(1 / len(orders), _sum([descends_on(o, theta, a) for o in orders])) for a in (0.0, step)]
    return scale(1 / step, subtract(ends[1], ends[0]))


def _by_difference(step: float, divided: bool = True) -> Answer:
    def wrong(descends_on: DescendsOn, losses: Sequence[Loss], theta: Params) -> Any:
        c, _ = measured(descends_on, losses, theta)
        slope = scale(1.0 if divided else step, _long_way(descends_on, losses, theta, step))
        return c, -_share(slope, avg_grad_inner(losses, theta)).item()

    return wrong


def _nearly(inputs: tuple[Any, ...], right: Any, came: Any) -> bool:
    """The first number right, the second near it and not right."""
    with contextlib.suppress(Exception):
        c, d = (float(each) for each in came)
        return abs(c - right[0]) < 1e-6 and abs(d - right[1]) < 0.3 * right[1]
    return False


MEASURED = Exercise(
    id="08.2",
    title="measure the coefficients",
    solution=measured,
    cases=_measured_cases,
    draw=_more_measured,
    observe=_observe_measured,
    outputs=("c", "d"),
    tolerance=1e-4,
    mistakes=(
        Mistake(
            "You measure one order of the minibatches. The formula holds in the mean over all of them.",
            (
                _measured(lambda losses: [losses]),
                _measured(lambda losses: [list(losses)[::-1]]),
                _measured(lambda losses: [losses], pair=lambda c, d: (c, d)),
            ),
            hint=1,
        ),
        Mistake(
            "You take some of the orders and not all: k minibatches have k! orders, itertools.permutations gives them.",
            (
                _measured(lambda losses: [losses, list(losses)[::-1]]),
                _measured(lambda losses: [[*losses[i:], *losses[:i]] for i in range(len(losses))]),
                _measured(lambda losses: _every(losses)[1:]),
                _measured(lambda losses: _every(losses)[:-1]),
            ),
            hint=1,
        ),
        Mistake(
            "Your orders leave a minibatch out, or take one twice: each order holds all of them, once.",
            (
                _measured(lambda losses: list(itertools.permutations(losses, 2))),
                _measured(lambda losses: list(itertools.combinations(losses, 2))),
                _measured(lambda losses: list(itertools.product(losses, repeat=len(losses)))),
                _measured(lambda losses: list(itertools.combinations_with_replacement(losses, len(losses)))),
            ),
            hint=1,
        ),
        Mistake(
            "You add the orders up. Take their mean, or both numbers are k! times too large.",
            (_measured(divide=False), _measured(divide=False, pair=lambda c, d: (c, d))),
            hint=1,
        ),
        Mistake(
            "The minus belongs to the formula: it is c AvgGrad *minus* alpha d AvgGradInner, so d is minus the share of the slope.",
            (_measured(pair=lambda c, d: (c, d)), _measured(pair=lambda c, d: (-c, -d))),
            hint=3,
        ),
        Mistake(
            "The two numbers stand in the other order: first c, of AvgGrad, then d.",
            (_measured(pair=lambda c, d: (-d, c)), _measured(pair=lambda c, d: (d, c))),
        ),
        Mistake(
            "That is one number, d / c or one of the two. Both are asked for: (c, d).",
            (
                _measured(pair=lambda c, d: -d / c),
                _measured(pair=lambda c, d: c),
                _measured(pair=lambda c, d: -d),
                _measured(pair=lambda c, d: (1, -d / c)),
            ),
        ),
        Mistake(
            "The value is to be taken at alpha = 0: elsewhere the second term, and all that come after, are in it.",
            (
                *(_measured(value_at=a) for a in (1.0, 0.1, 0.01, 1e-3)),
                *(_measured(value_at=a, slope_at=a) for a in (1.0, 0.1, 0.05, 0.02, 0.01, 1e-3)),
            ),
            hint=2,
        ),
        Mistake(
            "The derivative is to be taken at alpha = 0: elsewhere the later terms of the series are in it.",
            (*(_measured(slope_at=a) for a in (1.0, 0.1, 0.02, 0.01, 1e-3)),),
            hint=2,
        ),
        Mistake(
            "c comes from the value at alpha = 0 and AvgGrad, d from the derivative and AvgGradInner. Yours cross.",
            (
                _measured(inner=avg_grad),
                _measured(gradient=avg_grad_inner),
                _crossed,
                _measured(inner=avg_grad, gradient=avg_grad_inner),
                _measured(inner=avg_grad, pair=lambda c, d: (c, d)),
            ),
            hint=3,
        ),
        Mistake(
            "The share of a term in x is x . term divided by term . term: its *squared* length.",
            (
                _measured(share=lambda x, term: dot(x, term) / norm(term)),
                _half_divided(first=False),
                _half_divided(first=True),
                _measured(share=dot),
                _measured(share=lambda x, term: dot(x, term) / dot(x, x)),
                _measured(share=lambda x, term: dot(term, term) / dot(x, term)),
                _measured(share=lambda x, term: dot(x, term) / (norm(x) * norm(term))),
                _measured(share=lambda x, term: dot(x, term) / norm(x)),
                _measured(share=lambda x, term: norm(x)),
            ),
            hint=3,
        ),
        Mistake(
            "The share is one number for all parameters together, by their inner product, and not one for each.",
            (
                _measured(share=lambda x, term: x["w"] / term["w"]),
                _measured(
                    share=lambda x, term: x["w"] / term["w"],
                    pair=lambda c, d: (c.tolist(), (-d).tolist()),
                ),
            ),
            hint=3,
        ),
        Mistake(
            "Your AvgGradInner holds the pairs i = j too. A Hessian meets the *other* minibatches' gradients.",
            (_measured(inner=_with_own), _measured(inner=_own_alone)),
            hint=3,
        ),
        Mistake(
            "Your AvgGradInner is twice too large, or too small: it is the mean of H_i b_j over the ordered pairs i != j.",
            (
                _measured(pair=lambda c, d: (c, -d / 2)),
                _measured(pair=lambda c, d: (c, -2 * d)),
            ),
        ),
        Mistake(
            "You divide by the number of minibatches. How often the terms are in what the method descends on is asked for, as it is.",
            (
                _measured(times=lambda k: 1 / k),
                _measured(
                    gradient=lambda losses, theta: scale(len(losses), avg_grad(losses, theta)),
                    inner=lambda losses, theta: scale(len(losses), avg_grad_inner(losses, theta)),
                ),
                _measured(gradient=lambda losses, theta: scale(len(losses), avg_grad(losses, theta))),
            ),
        ),
        Mistake(
            "Your slope is zero: with the tangent 0, or a mean that does not see alpha, nothing changes.",
            (_measured(pair=lambda c, d: (c, 0.0)), _measured(pair=lambda c, d: (c, -0.0 * d))),
            hint=2,
        ),
        Mistake(
            "You take the change, and do not divide it by the alpha that made it.",
            tuple(_by_difference(step, divided=False) for step in (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)),
            hint=2,
        ),
        Mistake(
            "Your derivative is a difference over too long a way, so later terms are in it. jvp gives it exactly; or let alpha be 1e-6.",
            tuple(map(_by_difference, (1.0, 0.1, 0.05, 0.02, 0.01, 1e-3))),
            hint=2,
        ),
        Mistake(
            "Your d is near, and not right: is the derivative exact, at alpha = 0, and the mean over all orders?",
            (),
            looks=_nearly,
            hint=2,
        ),
    ),
    hints=(
        "First a function mean(alpha): what the method descends on, in the mean over `itertools.permutations(losses)`.",
        "Value and derivative at alpha = 0 come together: `value, slope = jvp(mean, (zero,), (one,))`, with zero and one as "
        "float64 tensors.",
        "The share of a term in x is `dot(x, term) / dot(term, term)`. c: of avg_grad(losses, theta) in the value. d: of "
        "avg_grad_inner(losses, theta) in the slope, with a minus.",
    ),
)

# 08.3 ---------------------------------------------------------------------------------------------------------------


def inner(H1: Tensor, b1: Tensor, H2: Tensor, b2: Tensor) -> Tensor:
    """AvgGradInner of two minibatches."""
    return (H1 @ b2 + H2 @ b1) / 2


def _pair_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(82)

    def pair(size: int) -> Case:
        roots = torch.randn(2, size, size, generator=draw, dtype=torch.float64)
        b = torch.randn(2, size, generator=draw, dtype=torch.float64)
        H = roots + roots.mT
        return Case(f"{size} parameters", (H[0], b[0], H[1], b[1]))

    return [pair(2), pair(5)]


def _draw_pair(generator: torch.Generator) -> Case:
    size = int(torch.randint(2, 7, (), generator=generator))
    roots = torch.randn(2, size, size, generator=generator, dtype=torch.float64)
    b = torch.randn(2, size, generator=generator, dtype=torch.float64)
    H = roots + roots.mT
    return Case(f"{size} parameters, drawn", (H[0], b[0], H[1], b[1]))


INNER = Exercise(
    id="08.3",
    title="AvgGradInner of two minibatches",
    solution=inner,
    cases=_pair_cases,
    draw=_draw_pair,
    differentiable=(),
    mistakes=(
        Mistake(
            "Each Hessian is multiplied by both gradients. Leave out the pairs i = j: a minibatch with itself.",
            (lambda H1, b1, H2, b2: (H1 + H2) @ (b1 + b2) / 2, lambda H1, b1, H2, b2: (H1 + H2) @ (b1 + b2)),
        ),
        Mistake(
            "You multiply the Hessians with each other. Each term holds one Hessian and one gradient.",
            (
                lambda H1, b1, H2, b2: (H1 @ H2 @ b2 + H2 @ H1 @ b1) / 2,
                lambda H1, b1, H2, b2: (H1 @ H2 @ b1 + H2 @ H1 @ b2) / 2,
                lambda H1, b1, H2, b2: H1 @ H2 @ (b1 + b2) / 2,
            ),
        ),
        Mistake(
            "You multiply number by number. A Hessian times a gradient is a matrix times a vector: @.",
            (
                lambda H1, b1, H2, b2: (H1 * b2 + H2 * b1) / 2,
                lambda H1, b1, H2, b2: (H1 * b2[:, None] + H2 * b1[:, None]) / 2,
                lambda H1, b1, H2, b2: (H1.diagonal() * b2 + H2.diagonal() * b1) / 2,
            ),
        ),
        Mistake(
            "The half reaches one of the two products alone: put brackets round the sum.",
            (lambda H1, b1, H2, b2: H1 @ b2 + H2 @ b1 / 2, lambda H1, b1, H2, b2: H1 @ b2 / 2 + H2 @ b1),
        ),
        Mistake(
            "That is half of one order. There are two, and the mean takes half of each.",
            (lambda H1, b1, H2, b2: H1 @ b2 / 2, lambda H1, b1, H2, b2: H2 @ b1 / 2),
        ),
        Mistake(
            "The two products are added, not multiplied: it is their mean.",
            (
                lambda H1, b1, H2, b2: (H1 @ b2) * (H2 @ b1),
                lambda H1, b1, H2, b2: (H1 @ b2) * (H2 @ b1) / 2,
            ),
        ),
        Mistake(
            "You make one number of it, a length or an inner product. AvgGradInner is a vector, as long as theta.",
            (
                lambda H1, b1, H2, b2: ((H1 @ b2).norm() + (H2 @ b1).norm()) / 2,
                lambda H1, b1, H2, b2: ((H1 @ b2 + H2 @ b1) / 2).norm(),
                lambda H1, b1, H2, b2: (H1 @ b2) @ (H2 @ b1),
                lambda H1, b1, H2, b2: (b1 @ H1 @ b2 + b2 @ H2 @ b1) / 2,
                lambda H1, b1, H2, b2: b1 @ H1 @ b2,
                lambda H1, b1, H2, b2: b1 @ H2 @ b2,
            ),
        ),
        Mistake(
            "The two products stand one behind the other. Their mean is asked for: add them and halve.",
            (
                lambda H1, b1, H2, b2: torch.cat([H1 @ b2, H2 @ b1]),
                lambda H1, b1, H2, b2: torch.cat([H1 @ b2, H2 @ b1]) / 2,
                lambda H1, b1, H2, b2: torch.stack([H1 @ b2, H2 @ b1]),
                lambda H1, b1, H2, b2: torch.stack([H1 @ b2, H2 @ b1]) / 2,
            ),
        ),
        Mistake(
            "You divide by the Hessians, as Newton's step does. Here they multiply.",
            (
                lambda H1, b1, H2, b2: (torch.linalg.solve(H1, b2) + torch.linalg.solve(H2, b1)) / 2,
                lambda H1, b1, H2, b2: (torch.linalg.solve(H1, b1) + torch.linalg.solve(H2, b2)) / 2,
            ),
        ),
        Mistake(
            "You take the mean, or the sum, over the parameters. It is taken over the two orders; what is left is as long as theta.",
            (
                lambda H1, b1, H2, b2: torch.stack([H1 @ b2, H2 @ b1]).mean(1),
                lambda H1, b1, H2, b2: torch.stack([H1 @ b2, H2 @ b1]).sum(1),
                lambda H1, b1, H2, b2: torch.stack([H1 @ b2, H2 @ b1]).sum(1) / 2,
            ),
        ),
        Mistake(
            "You sum along the other axis. Entry i of H b is the sum over j of H[i, j] b[j]: H @ b does it.",
            (
                lambda H1, b1, H2, b2: (H1 * b2 + H2 * b1).sum(0) / 2,
                lambda H1, b1, H2, b2: (H1.sum(0) * b2 + H2.sum(0) * b1) / 2,
                lambda H1, b1, H2, b2: (H1 * b2 + H2 * b1).mean(0),
                lambda H1, b1, H2, b2: (H1 * b2 + H2 * b1).sum(0),
            ),
        ),
        Mistake(
            "You return a matrix. H b is a vector, as long as theta.",
            (
                lambda H1, b1, H2, b2: (H1 @ H2 + H2 @ H1) / 2,
                lambda H1, b1, H2, b2: (H1 + H2) / 2,
                lambda H1, b1, H2, b2: torch.outer(b1, b2),
                lambda H1, b1, H2, b2: (torch.outer(b1, b2) + torch.outer(b2, b1)) / 2,
                lambda H1, b1, H2, b2: (H1 + H2) * (b1 @ b2) / 2,
                lambda H1, b1, H2, b2: (H1 + H2) * (b1 @ b2),
            ),
            looks=lambda inputs, right, came: came.shape == inputs[0].shape,
        ),
        Mistake(
            "You take each minibatch's own product away. It is to be left out, and not subtracted.",
            (
                lambda H1, b1, H2, b2: (H1 @ (b2 - b1) + H2 @ (b1 - b2)) / 2,
                lambda H1, b1, H2, b2: H1 @ (b2 - b1) + H2 @ (b1 - b2),
            ),
        ),
        Mistake(
            "Each Hessian meets its own gradient. In AvgGradInner it meets the *other* minibatch's: that is the whole point.",
            (lambda H1, b1, H2, b2: (H1 @ b1 + H2 @ b2) / 2,),
        ),
        Mistake(
            "You take the sum of both orders. It is their mean.",
            (lambda H1, b1, H2, b2: H1 @ b2 + H2 @ b1,),
        ),
        Mistake(
            "That is one order only. Average over both: either minibatch may come first.",
            (lambda H1, b1, H2, b2: H1 @ b2, lambda H1, b1, H2, b2: H2 @ b1),
        ),
        Mistake(
            "Mean Hessian times mean gradient also holds the pairs i = j. Leave them out.",
            (lambda H1, b1, H2, b2: (H1 + H2) / 2 @ (b1 + b2) / 2,),
        ),
        Mistake(
            "That is the inner product itself, a number. AvgGradInner is a vector: half of its gradient.",
            (lambda H1, b1, H2, b2: b1 @ b2, lambda H1, b1, H2, b2: b1 @ b2 / 2),
        ),
        Mistake(
            "The sign: AvgGradInner stands for +H b. The minus belongs to the formula around it.",
            (lambda H1, b1, H2, b2: -(H1 @ b2 + H2 @ b1) / 2,),
        ),
    ),
    hints=(
        "There are two orders: first 1 then 2, or first 2 then 1. Which H b comes from each?",
        "If minibatch 1 moves first, gradient 2 changes by -alpha H2 b1.",
        "`return (H1 @ b2 + ...) / 2`: the other order, and the mean of both.",
    ),
)

# 08.4 ---------------------------------------------------------------------------------------------------------------


def project(theta: Tensor, at: Tensor, normal: Tensor) -> Tensor:
    """The nearest point to theta with normal . (point - at) = 0."""
    return theta - normal * (normal @ (theta - at)) / (normal @ normal)


def _plane_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(83)

    def case(size: int) -> Case:
        theta, at, normal = torch.randn(3, size, generator=draw, dtype=torch.float64)
        return Case(f"{size} parameters, a normal of length {normal.norm():.1f}", (theta, at, normal))

    return [case(2), case(6)]


def _draw_plane(generator: torch.Generator) -> Case:
    size = int(torch.randint(2, 9, (), generator=generator))
    theta, at, normal = torch.randn(3, size, generator=generator, dtype=torch.float64)
    return Case(f"{size} parameters, drawn", (theta, at, normal))


def _along(n: Tensor, v: Tensor) -> Tensor:
    """The part of v along n."""
    return n * (n @ v) / (n @ n)


def _share_beside(n: Tensor, v: Tensor) -> float:
    """How much of v is not along n, as a share of its length."""
    return float((v - _along(n, v)).norm() / v.norm())


# What is taken for the normal's squared length, or for its length.
NO_SQUARES: tuple[Callable[[Tensor], Tensor], ...] = (
    lambda n: n.sum(),
    lambda n: n.abs().sum(),
    lambda n: n.abs().max(),
    lambda n: n.square().mean(),
    lambda n: torch.tensor(len(n)),
)

PROJECT = Exercise(
    id="08.4",
    title="the nearest solution",
    solution=project,
    cases=_plane_cases,
    draw=_draw_plane,
    differentiable=(),
    mistakes=(
        Mistake(
            "You divide by the normal's length too often. It stands in the product twice, so its square is divided by, once.",
            (
                lambda theta, at, normal: theta - normal * (normal @ (theta - at)) / (normal @ normal) ** 2,
                lambda theta, at, normal: theta - normal * (normal @ (theta - at)) / normal.norm() ** 3,
            ),
        ),
        Mistake(
            "What you multiply with the normal is not the offset. Measure that, from one solution: normal @ (theta - at).",
            (
                lambda theta, at, normal: theta - _along(normal, at),
                lambda theta, at, normal: theta + _along(normal, at),
                lambda theta, at, normal: theta - normal * (normal @ at),
                lambda theta, at, normal: theta + _along(normal, theta),
                lambda theta, at, normal: theta - _along(normal, theta + at),
            ),
        ),
        Mistake(
            "You go through the solutions and as far again on the other side: that is the mirror image. Go once.",
            (lambda theta, at, normal: theta - 2 * _along(normal, theta - at),),
        ),
        Mistake(
            "You move from one side of the solutions alone. On either side the nearest one is where normal @ (theta - at) is taken "
            "away, with its sign.",
            (
                lambda theta, at, normal: (
                    theta - normal * (normal @ (theta - at)).clamp(min=0) / (normal @ normal)
                ),
                lambda theta, at, normal: (
                    theta - normal * (normal @ (theta - at)).clamp(max=0) / (normal @ normal)
                ),
            ),
        ),
        Mistake(
            "You stop half way to the solutions.",
            (
                lambda theta, at, normal: theta - _along(normal, theta - at) / 2,
                lambda theta, at, normal: (theta + project(theta, at, normal)) / 2,
            ),
        ),
        Mistake(
            "That is the arrow P(theta) - theta. The point where it ends is asked for.",
            (
                lambda theta, at, normal: -_along(normal, theta - at),
                lambda theta, at, normal: _along(normal, at - theta),
            ),
        ),
        Mistake(
            "You divide where theta - at, theta or at should not stand: the part along the normal is divided by normal @ normal.",
            (
                lambda theta, at, normal: theta - normal * (normal @ (theta - at)) / (theta @ theta),
                lambda theta, at, normal: theta - normal * (normal @ (theta - at)) / (at @ at),
                lambda theta, at, normal: (
                    theta - normal * (normal @ (theta - at)) / ((theta - at) @ (theta - at))
                ),
                lambda theta, at, normal: theta - normal * (normal @ (theta - at)) / (theta - at).norm(),
                lambda theta, at, normal: theta - _along(normal, theta - at) / (theta - at).norm(),
                lambda theta, at, normal: (
                    theta - _along(normal, theta - at) * normal.norm() / (theta - at).norm()
                ),
            ),
        ),
        Mistake(
            "The normal's length is measured in another way. Divide by normal @ normal, the sum of the squares of its numbers.",
            tuple(
                lambda theta, at, normal, size=size: theta - normal * (normal @ (theta - at)) / size(normal)
                for size in NO_SQUARES
            )
            + tuple(
                lambda theta, at, normal, size=size: (
                    theta - normal * (normal @ (theta - at)) / size(normal) ** 2
                )
                for size in NO_SQUARES
            ),
        ),
        Mistake(
            "*, / and @ go from left to right: put brackets around normal @ (theta - at), and around normal @ normal.",
            (
                lambda theta, at, normal: theta - normal * (normal @ (theta - at)) / normal @ normal,
                lambda theta, at, normal: theta - normal * normal @ (theta - at) / (normal @ normal),
            ),
        ),
        Mistake(
            "You multiply by the normal's length, or its square. Divide: a normal twice as long is the same plane.",
            (
                lambda theta, at, normal: theta - normal * (normal @ (theta - at)) * (normal @ normal),
                lambda theta, at, normal: theta - normal * (normal @ (theta - at)) * normal.norm(),
            ),
        ),
        Mistake(
            "You begin at the given point: the part along the normal is taken away from theta.",
            (
                lambda theta, at, normal: at - _along(normal, theta - at),
                lambda theta, at, normal: at - _along(normal, theta),
                lambda theta, at, normal: at + _along(normal, theta),
            ),
        ),
        Mistake(
            "You move along theta - at, towards the given point or past it. The nearest way is along the normal.",
            (
                lambda theta, at, normal: (
                    theta - (theta - at) * (normal @ (theta - at)) / ((theta - at) @ (theta - at))
                ),
                lambda theta, at, normal: theta - (theta - at) * (normal @ (theta - at)) / (normal @ normal),
                lambda theta, at, normal: theta - (theta - at) * (normal @ (theta - at)),
                lambda theta, at, normal: theta - (theta - at) * (normal @ (theta - at)) / normal.norm(),
                lambda theta, at, normal: theta + (theta - at) * (normal @ (theta - at)) / normal.norm(),
                lambda theta, at, normal: (theta + at) / 2,
                lambda theta, at, normal: theta - _along(theta - at, normal),
            ),
        ),
        Mistake(
            "normal * (theta - at) is one product for each parameter. Their sum is asked for: normal @ (theta - at).",
            (
                lambda theta, at, normal: theta - normal * (normal * (theta - at)) / (normal @ normal),
                lambda theta, at, normal: (
                    theta - normal * (normal * (theta - at)).mean() / (normal * normal).sum()
                ),
            ),
        ),
        Mistake(
            "That is one number, the distance or how many normals long it is. The point is asked for: a vector like theta.",
            (
                lambda theta, at, normal: (normal @ (theta - at)).abs() / normal.norm(),
                lambda theta, at, normal: normal @ (theta - at) / normal.norm(),
                lambda theta, at, normal: normal @ (theta - at) / (normal @ normal),
                lambda theta, at, normal: normal @ (theta - at),
            ),
        ),
        Mistake(
            "You take the same number from every parameter: the normal is missing. The part along it is a number times the normal.",
            (
                lambda theta, at, normal: theta - (normal @ (theta - at)) / (normal @ normal),
                lambda theta, at, normal: theta - (normal @ (theta - at)) / normal.norm(),
                lambda theta, at, normal: theta - normal @ (theta - at),
            ),
        ),
        Mistake(
            "The brackets: only the normal is multiplied; theta stands outside.",
            (
                lambda theta, at, normal: (theta - normal) * (normal @ (theta - at)) / (normal @ normal),
                lambda theta, at, normal: (theta - normal * (normal @ (theta - at))) / (normal @ normal),
            ),
        ),
        Mistake(
            "The brackets: it is normal @ (theta - at), and not normal @ theta - at.",
            (
                lambda theta, at, normal: theta - normal * (normal @ theta - at) / (normal @ normal),
                lambda theta, at, normal: theta - _along(normal, theta) + normal * at / normal.norm(),
                lambda theta, at, normal: theta - normal * (normal @ theta - at),
            ),
        ),
        Mistake(
            "You take the distance to the given point, or the size of the product. What counts is normal @ (theta - at), with its sign.",
            (
                lambda theta, at, normal: theta - normal * (theta - at).norm() / (normal @ normal),
                lambda theta, at, normal: theta - normal * (theta - at).norm() / normal.norm(),
                lambda theta, at, normal: theta - normal * (normal @ (theta - at)).abs() / (normal @ normal),
                lambda theta, at, normal: theta - normal * (normal @ (theta - at)).abs() / normal.norm(),
            ),
        ),
        Mistake(
            "This holds for a normal of length 1 only. Divide by normal @ normal.",
            (lambda theta, at, normal: theta - normal * (normal @ (theta - at)),),
        ),
        Mistake(
            "You divide by the length of the normal. The normal stands in the product twice: divide by its square.",
            (lambda theta, at, normal: theta - normal * (normal @ (theta - at)) / normal.norm(),),
        ),
        Mistake(
            "You measure from zero, so this is right only for solutions that pass through zero. Measure from a point on them: "
            "theta - at.",
            (lambda theta, at, normal: theta - normal * (normal @ theta) / (normal @ normal),),
        ),
        Mistake(
            "You walk away from the solutions: subtract the part along the normal.",
            (lambda theta, at, normal: theta + normal * (normal @ (theta - at)) / (normal @ normal),),
        ),
        Mistake(
            "That is the step, theta - P(theta), and not the point where it ends.",
            (lambda theta, at, normal: normal * (normal @ (theta - at)) / (normal @ normal),),
        ),
        Mistake(
            "You return the given point. It solves the task, but it is not the nearest one that does.",
            (lambda theta, at, normal: at,),
        ),
        Mistake(
            "From theta you go another way than along the normal. The nearest way to a line or a plane is at right angles to it.",
            (),
            looks=lambda inputs, right, came: (
                came.shape == right.shape and _share_beside(inputs[2], came - inputs[0]) > 0.05
            ),
        ),
        Mistake(
            "You go along the normal, but your point is none of the solutions: normal @ (point - at) is not zero there. How far is it?",
            (),
            looks=lambda inputs, right, came: (
                came.shape == right.shape and _share_beside(inputs[2], came - inputs[0]) < 1e-6
            ),
        ),
        Mistake(
            "You have kept the part along the normal, and taken away the part that was fine.",
            (lambda theta, at, normal: at + normal * (normal @ (theta - at)) / (normal @ normal),),
        ),
    ),
    hints=(
        "Only the part of theta - at that points along the normal is wrong. How long is it?",
        "The part of v along n is n (n @ v) / (n @ n).",
        "`return theta - normal * (normal @ (theta - at)) / ...`",
    ),
)

EXERCISES = (COUNTED, MEASURED, INNER, PROJECT)
