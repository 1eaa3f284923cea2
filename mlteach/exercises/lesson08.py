"""The exercises of lesson 08: why first order works."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake

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
    id="08.2",
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

# 08.3 ---------------------------------------------------------------------------------------------------------------


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
    id="08.3",
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

EXERCISES = (COUNTED, INNER, PROJECT)
