"""The exercises of lesson 08: why first order works."""

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
            ("fomaml", 2),
            ("fomaml", 4),
            ("reptile", 2),
            ("reptile", 5),
        )
    ]


def _but(method: str, formula: Callable[[int], tuple[float, float]]) -> Callable[..., tuple[float, float]]:
    """The right counts, except for one method."""
    return lambda name, k: formula(k) if name == method else counted(name, k)


COUNTED = Exercise(
    id="08.1",
    title="count the terms",
    solution=counted,
    cases=_method_cases,
    mistakes=(
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


INNER = Exercise(
    id="08.2",
    title="AvgGradInner of two minibatches",
    solution=inner,
    cases=_pair_cases,
    mistakes=(
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


PROJECT = Exercise(
    id="08.3",
    title="the nearest solution",
    solution=project,
    cases=_plane_cases,
    mistakes=(
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
