"""The exercises of lesson 10: FOMAML and Reptile on Omniglot."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake

# 10.1 ---------------------------------------------------------------------------------------------------------------


def adam_step(
    theta: Tensor, gradient: Tensor, v: Tensor, t: int, alpha: float, beta2: float
) -> tuple[Tensor, Tensor]:
    """One step of Adam with beta1 = 0: the new theta, and the second moments to hand on."""
    v = beta2 * v + (1 - beta2) * gradient**2
    return theta - alpha * gradient / ((v / (1 - beta2**t)).sqrt() + 1e-8), v


def _adam_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(101)
    theta, gradient, v = torch.randn(3, 5, generator=draw, dtype=torch.float64)
    return [
        Case("the very first step: v = 0, t = 1", (theta, gradient, torch.zeros_like(v), 1, 0.001, 0.999)),
        Case("the first step of a new task: v from earlier tasks, t = 41", (theta, gradient, v**2, 41, 0.01, 0.999)),
        Case("the same with beta2 = 0.9", (theta, gradient, v**2, 7, 0.1, 0.9)),
    ]  # fmt: skip


def _adam(
    *,
    correct: bool = True,
    root: bool = True,
    keep: bool = True,
    last: int = 0,
    swapped: bool = False,
    sign: float = -1,
    square: bool = True,
) -> Callable[..., Any]:
    def wrong(theta: Tensor, gradient: Tensor, v: Tensor, t: int, alpha: float, beta2: float) -> Any:
        grown = beta2 * (v if keep else 0) + (1 - beta2) * (gradient**2 if square else gradient.abs())
        if swapped:
            grown = (1 - beta2) * v + beta2 * gradient**2
        size = grown / (1 - beta2 ** max(1, t - last)) if correct else grown
        return theta + sign * alpha * gradient / ((size.sqrt() if root else size) + 1e-8), grown

    return wrong


def _corrected_kept(
    theta: Tensor, gradient: Tensor, v: Tensor, t: int, alpha: float, beta2: float
) -> tuple[Tensor, Tensor]:
    v = (beta2 * v + (1 - beta2) * gradient**2) / (1 - beta2**t)
    return theta - alpha * gradient / (v.sqrt() + 1e-8), v


def _old_v(
    theta: Tensor, gradient: Tensor, v: Tensor, t: int, alpha: float, beta2: float
) -> tuple[Tensor, Tensor]:
    return adam_step(theta, gradient, v, t, alpha, beta2)[0], v


def _theta_alone(theta: Tensor, gradient: Tensor, v: Tensor, t: int, alpha: float, beta2: float) -> Tensor:
    return adam_step(theta, gradient, v, t, alpha, beta2)[0]


def _fresh_each_task(
    theta: Tensor, gradient: Tensor, v: Tensor, t: int, alpha: float, beta2: float
) -> tuple[Tensor, Tensor]:
    return adam_step(theta, gradient, torch.zeros_like(v), 1, alpha, beta2)


ADAM_STEP = Exercise(
    id="10.1",
    title="Reptile's inner step: Adam with beta1 = 0",
    solution=adam_step,
    cases=_adam_cases,
    mistakes=(
        Mistake(
            "Your step forgets the moments that came in, as if each task began with a new Adam. Keep v: beta2 * v + "
            "(1 - beta2) * gradient**2.",
            (_adam(keep=False), _fresh_each_task),
        ),
        Mistake(
            "The bias correction is missing. v begins at zero and is too small at first: divide it by 1 - beta2**t.",
            (_adam(correct=False),),
        ),
        Mistake("The square root is missing: divide by the size of a gradient, not by its square.", (_adam(root=False),)),
        Mistake(
            "You hand on the corrected moments, and the next step would correct them again. Return v as it is before the "
            "division by 1 - beta2**t.",
            (_corrected_kept,),
        ),
        Mistake("You return the old v. The next step, and the next task, need the new one.", (_old_v,)),
        Mistake("You return theta alone. Return both, theta and v: the second moments outlive the task.", (_theta_alone,)),
        Mistake("beta2 weighs the past and 1 - beta2 the new square; you have them the other way round.", (_adam(swapped=True),)),
        Mistake("v gathers the squares of the gradients, not their sizes.", (_adam(square=False),)),
        Mistake("Your step goes uphill: subtract.", (_adam(sign=+1),)),
    ),
    hints=(
        "Two lines: first the new v from the old v and the square of the gradient, then theta.",
        "v = beta2 * v + (1 - beta2) * gradient**2. What is v divided by before the square root is taken?",
        "theta - alpha * gradient / ((v / (1 - beta2**t)).sqrt() + 1e-8), and v is returned beside it.",
    ),
)  # fmt: skip

# 10.2 ---------------------------------------------------------------------------------------------------------------


def minibatches(order: Tensor, steps: int, size: int) -> list[Tensor]:
    """The last minibatch from the end of the order; those before it go round through the rest."""
    rest = order[:-size]
    earlier = [rest[(step * size + torch.arange(size)) % len(rest)] for step in range(steps - 1)]
    return [*earlier, order[-size:]]


def _orders() -> list[Case]:
    draw = torch.Generator().manual_seed(102)
    return [
        Case(f"{count} pictures, {steps} minibatches of {size}", (torch.randperm(count, generator=draw), steps, size))
        for count, steps, size in ((10, 2, 5), (12, 4, 3), (15, 5, 5), (11, 6, 4))
    ]  # fmt: skip


def _seen(answer: Callable[..., Any], order: Tensor, steps: int, size: int) -> Any:
    """The minibatches as lists, so that a tensor with a row for each is as good as a list of tensors."""
    found = answer(order, steps, size)
    if isinstance(found, list | tuple | Tensor) and all(isinstance(each, Tensor) for each in found):
        return [each if each.is_complex() else each.double() for each in found]
    return found


def _cycled(order: Tensor, steps: int, size: int) -> list[Tensor]:
    return [order[(step * size + torch.arange(size)) % len(order)] for step in range(steps)]


def _same(order: Tensor, steps: int, size: int) -> list[Tensor]:
    return [order[-size:]] * steps


def _tail_first(order: Tensor, steps: int, size: int) -> list[Tensor]:
    return minibatches(order, steps, size)[::-1]


def _one_more(order: Tensor, steps: int, size: int) -> list[Tensor]:
    return minibatches(order, steps + 1, size)


def _one_less(order: Tensor, steps: int, size: int) -> list[Tensor]:
    return minibatches(order, steps, size)[:-1]


def _tail_of_rest(order: Tensor, steps: int, size: int) -> list[Tensor]:
    """The earlier ones keep away from the tail, and the tail is taken from their pictures."""
    return [*minibatches(order, steps, size)[:-1], order[:-size][-size:]]


def _rest_is_constant(order: Tensor, steps: int, size: int) -> list[Tensor]:
    return [*[order[:size]] * (steps - 1), order[-size:]]


MINIBATCHES = Exercise(
    id="10.2",
    title="minibatches for FOMAML that keep the last one apart",
    solution=minibatches,
    cases=_orders,
    observe=_seen,
    mistakes=(
        Mistake(
            "You go round through all pictures, so the last minibatch holds pictures that earlier steps have learned from. "
            "Set it aside first: order[-size:].",
            (_cycled,),
        ),
        Mistake(
            "All your minibatches are the same: FOMAML would judge itself on what it has just learned.",
            (_same,),
        ),
        Mistake(
            "Your last minibatch comes from the pictures of the earlier ones. It is order[-size:], which they never see.",
            (_tail_of_rest,),
        ),
        Mistake("The one that is kept apart stands first; it must be the last, for its gradient alone counts.", (_tail_first,)),
        Mistake("You return one minibatch too many. There are `steps` of them, the last included.", (_one_more,)),
        Mistake("You return one minibatch too few. There are `steps` of them, the last included.", (_one_less,)),
        Mistake("Your earlier minibatches never go on: step 0 takes the first `size` of the rest, step 1 the next ones, and after the end it goes round.", (_rest_is_constant,)),
    ),
    hints=(
        "First set the last minibatch aside, then deal the earlier ones from what is left.",
        "rest = order[:-size]. Step s takes the places s * size, s * size + 1, ... of the rest. After its end it begins again.",
        "(step * size + torch.arange(size)) % len(rest) gives the places, for step = 0 ... steps - 2; order[-size:] comes last.",
    ),
)  # fmt: skip

# 10.3 ---------------------------------------------------------------------------------------------------------------


def half_width_of_gain(transductive: Tensor, support: Tensor) -> Tensor:
    """Half the 95 % interval of the mean difference over the same tasks."""
    difference = transductive - support
    return 1.96 * difference.std() / len(difference) ** 0.5


def _pairs() -> list[Case]:
    draw = torch.Generator().manual_seed(103)
    cases = []
    for count in (20, 1000):
        task = 90 + 6 * torch.randn(count, generator=draw, dtype=torch.float64)
        noise = 1.5 * torch.randn(2, count, generator=draw, dtype=torch.float64)
        cases.append(Case(f"{count} tasks, each in both modes", (task + 1 + noise[0], task + noise[1])))
    return cases


def _width(values: Tensor) -> Tensor:
    return 1.96 * values.std() / len(values) ** 0.5


HALF_WIDTH_OF_GAIN = Exercise(
    id="10.3",
    title="how sure we are of a difference on the same tasks",
    solution=half_width_of_gain,
    cases=_pairs,
    mistakes=(
        Mistake(
            "You treat the two as if they came from different tasks. A hard task is hard in both modes: take the "
            "difference task by task first, then its spread.",
            (
                lambda a, b: (_width(a) ** 2 + _width(b) ** 2).sqrt(),
                lambda a, b: 1.96 * (a.var() / len(a) + b.var() / len(b)).sqrt(),
            ),
        ),
        Mistake(
            "You add the two half widths. That is wider than any rule asks for; take the difference task by task first.",
            (lambda a, b: _width(a) + _width(b),),
        ),
        Mistake(
            "You take the difference of two half widths. Take the half width of the difference.",
            (lambda a, b: _width(a) - _width(b), lambda a, b: (_width(a) - _width(b)).abs()),
        ),
        Mistake(
            "That is the spread of the tasks. Divide by the square root of their number.",
            (lambda a, b: (a - b).std(), lambda a, b: 1.96 * (a - b).std()),
        ),
        Mistake(
            "That is one standard error. A 95 % interval reaches 1.96 of them to each side.",
            (lambda a, b: (a - b).std() / len(a) ** 0.5,),
        ),
        Mistake("That is the difference itself. How far may it be off?", (lambda a, b: (a - b).mean(),)),
    ),
    hints=(
        "Each task was tested in both modes. What is one number for each task that says what transduction brought?",
        "difference = transductive - support: one number a task. From here on it is exercise 09.3.",
        "1.96 * difference.std() / len(difference) ** 0.5",
    ),
)

EXERCISES = (ADAM_STEP, MINIBATCHES, HALF_WIDTH_OF_GAIN)
