"""The exercises of lesson 10: FOMAML and Reptile on Omniglot."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake

# 10.1 ---------------------------------------------------------------------------------------------------------------


def adam_step(
    theta: Tensor, gradient: Tensor, v: Tensor, t: int, alpha: float, mu2: float
) -> tuple[Tensor, Tensor]:
    """One step of Adam with mu1 = 0: the new theta, and the second moments to hand on."""
    v = mu2 * v + (1 - mu2) * gradient**2
    return theta - alpha * gradient / ((v / (1 - mu2**t)).sqrt() + 1e-8), v


def _adam_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(101)
    theta, gradient, v = torch.randn(3, 5, generator=draw, dtype=torch.float64)
    return [
        Case("the very first step: v = 0, t = 1", (theta, gradient, torch.zeros_like(v), 1, 0.001, 0.999)),
        Case("the first step of a new task: v from earlier tasks, t = 41", (theta, gradient, v**2, 41, 0.01, 0.999)),
        Case("the same with mu2 = 0.9", (theta, gradient, v**2, 7, 0.1, 0.9)),
        Case("gradients near zero, where epsilon counts", (theta, 1e-8 * gradient, torch.zeros_like(v), 1, 0.1, 0.9)),
    ]  # fmt: skip


def _draw_adam(generator: torch.Generator) -> Case:
    theta, gradient, v = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    t = int(torch.randint(2, 60, (), generator=generator))
    alpha, mu2 = (float(x) for x in torch.rand(2, generator=generator, dtype=torch.float64) * 0.4 + 0.55)
    return Case(f"drawn, t = {t}", (theta, gradient, v**2, t, alpha / 10, mu2))


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
    def wrong(theta: Tensor, gradient: Tensor, v: Tensor, t: int, alpha: float, mu2: float) -> Any:
        grown = mu2 * (v if keep else 0) + (1 - mu2) * (gradient**2 if square else gradient.abs())
        if swapped:
            grown = (1 - mu2) * v + mu2 * gradient**2
        size = grown / (1 - mu2 ** max(1, t - last)) if correct else grown
        return theta + sign * alpha * gradient / ((size.sqrt() if root else size) + 1e-8), grown

    return wrong


def _adam_by(
    new: Callable[[Tensor, Tensor, float], Tensor] = lambda v, g, b: b * v + (1 - b) * g**2,
    *,
    correction: Callable[[float, int], float] = lambda b, t: 1 - b**t,
    size: Callable[[Tensor], Tensor] = lambda v: v.sqrt() + 1e-8,
    move: Callable[[Tensor, Tensor, float, Tensor], Tensor] = lambda theta, g, alpha, size: (
        theta - alpha * g / size
    ),
    used: Callable[[Tensor, Tensor], Tensor] = lambda old, new: new,
) -> Callable[..., Any]:
    """Adam with one of its parts replaced: the new v, the correction, what is divided by, the step."""

    def wrong(theta: Tensor, gradient: Tensor, v: Tensor, t: int, alpha: float, mu2: float) -> Any:
        grown = new(v, gradient, mu2)
        by = size(used(v, grown) / correction(mu2, t))
        return move(theta, gradient, alpha, by), grown

    return wrong


def _own_mu(own: float, all_through: bool) -> Callable[..., Any]:
    """Another mu2 in the average, and all through in the correction too."""

    def wrong(theta: Tensor, gradient: Tensor, v: Tensor, t: int, alpha: float, mu2: float) -> Any:
        grown = own * v + (1 - own) * gradient**2
        size = (grown / (1 - (own if all_through else mu2) ** t)).sqrt() + 1e-8
        return theta - alpha * gradient / size, grown

    return wrong


def _rate_corrected(factor: Callable[[float], float]) -> Callable[..., Any]:
    """Right but for the rate, which meets the correction too."""

    def wrong(theta: Tensor, gradient: Tensor, v: Tensor, t: int, alpha: float, mu2: float) -> Any:
        return adam_step(theta, gradient, v, t, alpha * factor(1 - mu2**t), mu2)

    return wrong


def _adam_drawn_out(
    theta: Tensor, gradient: Tensor, v: Tensor, t: int, alpha: float, mu2: float
) -> tuple[Tensor, Tensor]:
    """The correction as a factor of the rate, and epsilon beside the uncorrected root."""
    v = mu2 * v + (1 - mu2) * gradient**2
    return theta - alpha * (1 - mu2**t) ** 0.5 * gradient / (v.sqrt() + 1e-8), v


def _adam_to_the_t(where: str) -> Callable[..., Any]:
    """mu2**t in the weight of the past, of the new square, or of both."""

    def wrong(theta: Tensor, gradient: Tensor, v: Tensor, t: int, alpha: float, mu2: float) -> Any:
        power = mu2**t
        past, new = (power if each in where else mu2 for each in ("past", "new"))
        v = past * v + (1 - new) * gradient**2
        return theta - alpha * gradient / ((v / (1 - power)).sqrt() + 1e-8), v

    return wrong


def _adam_root_kept(used: bool) -> Callable[..., Any]:
    """The root is handed on, and the step takes it for v or not."""

    def wrong(theta: Tensor, gradient: Tensor, v: Tensor, t: int, alpha: float, mu2: float) -> Any:
        grown = (mu2 * v + (1 - mu2) * gradient**2).sqrt()
        size = (grown if used else grown**2) / (1 - mu2**t)
        return theta - alpha * gradient / (size.sqrt() + 1e-8), grown

    return wrong


def _corrected_kept(
    theta: Tensor, gradient: Tensor, v: Tensor, t: int, alpha: float, mu2: float
) -> tuple[Tensor, Tensor]:
    v = (mu2 * v + (1 - mu2) * gradient**2) / (1 - mu2**t)
    return theta - alpha * gradient / (v.sqrt() + 1e-8), v


def _old_v(
    theta: Tensor, gradient: Tensor, v: Tensor, t: int, alpha: float, mu2: float
) -> tuple[Tensor, Tensor]:
    return adam_step(theta, gradient, v, t, alpha, mu2)[0], v


def _theta_alone(theta: Tensor, gradient: Tensor, v: Tensor, t: int, alpha: float, mu2: float) -> Tensor:
    return adam_step(theta, gradient, v, t, alpha, mu2)[0]


def _fresh_each_task(
    theta: Tensor, gradient: Tensor, v: Tensor, t: int, alpha: float, mu2: float
) -> tuple[Tensor, Tensor]:
    return adam_step(theta, gradient, torch.zeros_like(v), 1, alpha, mu2)


def _step_fits_v(inputs: tuple[Any, ...], right: Any, came: Any) -> bool:
    """Whether theta is what the step makes of the v that came."""
    theta, gradient, _, t, alpha, mu2 = inputs
    fits = theta - alpha * gradient / ((came[1] / (1 - mu2**t)).sqrt() + 1e-8)
    return torch.allclose(came[0], fits, rtol=0, atol=1e-12)


ADAM_STEP = Exercise(
    id="10.1",
    title="Reptile's inner step: Adam with mu1 = 0",
    solution=adam_step,
    cases=_adam_cases,
    draw=_draw_adam,
    outputs=("theta", "v"),
    differentiable=(),  # nothing goes back through Reptile's walk
    mistakes=(
        Mistake(
            "The correction uses another count than t: v has gathered t squares by now, so it is 1 - mu2**t.",
            (
                _adam_by(correction=lambda b, t: 1 - b),
                _adam_by(correction=lambda b, t: 1 - b ** (t + 1)),
                _adam_by(correction=lambda b, t: 1 - b ** (t - 1) if t > 1 else float("nan")),
                _adam_by(correction=lambda b, t: 1 - b ** (t - 1) if t > 1 else 0.0),
                _adam_by(correction=lambda b, t: 1 - b ** max(1, t - 1)),
            ),
        ),
        Mistake(
            "The correction is 1 - mu2 to the power of t. Yours is another formula.",
            (
                _adam_by(correction=lambda b, t: 1 - b * t),
                _adam_by(correction=lambda b, t: b**t),
                _adam_by(correction=lambda b, t: (1 - b) ** t),
                _adam_by(correction=lambda b, t: 1 + b**t),
                _adam_by(correction=lambda b, t: t),
            ),
        ),
        Mistake(
            "The correction belongs to v: divide v by 1 - mu2**t, and take the root of that. You correct the root, or the step.",
            (
                _adam_by(correction=lambda b, t: (1 - b**t) ** 2),
                _adam_by(correction=lambda b, t: (1 - b**t) ** 4),
                _adam_by(correction=lambda b, t: 1 / (1 - b**t) ** 2),
            ),
        ),
        Mistake("You multiply by 1 - mu2**t. v is too small at first, so divide.", (_adam_by(correction=lambda b, t: 1 / (1 - b**t)),)),
        Mistake("You divide by the old v. The new gradient counts at once.", (_adam_by(used=lambda old, new: old),)),
        Mistake(
            "The two outputs are exchanged: first theta, then v.",
            (lambda *inputs: adam_step(*inputs)[::-1],),
        ),
        Mistake(
            "You return more than the two: theta and v. t goes on outside.",
            (
                lambda theta, gradient, v, t, alpha, mu2: (*adam_step(theta, gradient, v, t, alpha, mu2), t + 1),
                lambda theta, gradient, v, t, alpha, mu2: (*adam_step(theta, gradient, v, t, alpha, mu2), t),
            ),
        ),
        Mistake(
            "v gathers something else than the squares of the gradient, number by number.",
            (
                _adam_by(lambda v, g, b: b * v + (1 - b) * g),
                _adam_by(lambda v, g, b: b * v + (1 - b) * (g**2).mean()),
                _adam_by(lambda v, g, b: b * v + (1 - b) * (g**2).sum()),
                _adam_by(lambda v, g, b: b * v + ((1 - b) * g) ** 2),
                _adam_by(lambda v, g, b: b * v + (1 - b) * (g - v) ** 2),
            ),
        ),
        Mistake(
            "The weights do not add up to one: the past keeps mu2, and the new square gets 1 - mu2.",
            (
                _adam_by(lambda v, g, b: b * v + g**2),
                _adam_by(lambda v, g, b: v + g**2),
                _adam_by(lambda v, g, b: v + (1 - b) * g**2),
                _adam_by(lambda v, g, b: b * (v + g**2)),
            ),
        ),
        Mistake(
            "mu2 comes in as an input: use it, not a number of your own.",
            tuple(_own_mu(own, all_through) for own in (0.999, 0.9, 0.99) for all_through in (False, True)),
        ),
        Mistake(
            "epsilon is 1e-8, and stands outside the root but inside what you divide by: sqrt(...) + epsilon.",
            (
                _adam_by(size=lambda v: (v + 1e-8).sqrt()),
                _adam_by(size=lambda v: (v + 1e-16).sqrt()),
                _adam_by(size=lambda v: v.sqrt()),
            ),
        ),
        Mistake(
            "The correction is for v alone. alpha is taken as it is.",
            (_rate_corrected(lambda c: 1 / c), _rate_corrected(lambda c: c), _rate_corrected(lambda c: c**0.5)),
        ),
        Mistake(
            "epsilon is added to the root of the *corrected* v. Where the correction is drawn out in front, into alpha, epsilon "
            "weighs more.",
            (_adam_drawn_out,),
        ),
        Mistake(
            "mu2**t belongs to the correction alone. In the average the past keeps mu2 and the new square gets 1 - mu2.",
            (_adam_to_the_t("past"), _adam_to_the_t("new"), _adam_to_the_t("past new")),
        ),
        Mistake(
            "The v that you hand on is a root. Hand on the mean of the squares; its root is taken in the step.",
            (_adam_root_kept(False), _adam_root_kept(True)),
        ),
        Mistake(
            "Your epsilon is not 1e-8.",
            tuple(
                _adam_by(size=lambda v, epsilon=epsilon: v.sqrt() + epsilon)  # type: ignore[misc]
                for epsilon in (1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-10)
            ),
        ),
        Mistake(
            "The step divides the gradient by one size for all weights. Each weight has its own.",
            (
                _adam_by(size=lambda v: v.sum().sqrt() + 1e-8),
                _adam_by(size=lambda v: v.mean().sqrt() + 1e-8),
                _adam_by(size=lambda v: v.sqrt().mean() + 1e-8),
                _adam_by(size=lambda v: v.norm() + 1e-8),
            ),
        ),
        Mistake(
            "You make one number of the step and move all weights by it. Each weight has its own.",
            (
                _adam_by(move=lambda theta, g, alpha, size: theta - (alpha * g / size).sum()),
                _adam_by(move=lambda theta, g, alpha, size: theta - (alpha * g / size).mean()),
                _adam_by(move=lambda theta, g, alpha, size: theta - alpha * g.mean() / size),
                _adam_by(move=lambda theta, g, alpha, size: theta - alpha * g.norm() / size),
            ),
        ),
        Mistake(
            "You shrink theta as well: that is weight decay, and nobody asked for it.",
            (
                _adam_by(move=lambda theta, g, alpha, size: (1 - alpha) * theta - alpha * g / size),
                _adam_by(move=lambda theta, g, alpha, size: theta - alpha * (theta + g) / size),
            ),
        ),
        Mistake(
            "v is a mean of squares, with weights mu2 and 1 - mu2. You take the larger of the two, or half of each.",
            (
                _adam_by(lambda v, g, b: torch.maximum(v, g**2)),
                _adam_by(lambda v, g, b: torch.maximum(b * v, g**2)),
                _adam_by(lambda v, g, b: (v + g**2) / 2),
            ),
        ),
        Mistake(
            "The rate alpha is missing, or is not the one that came in.",
            (
                _adam_by(move=lambda theta, g, alpha, size: theta - g / size),
                _adam_by(move=lambda theta, g, alpha, size: theta - 0.001 * g / size),
                _adam_by(move=lambda theta, g, alpha, size: theta - alpha**2 * g / size),
            ),
        ),
        Mistake(
            "The first output is the change of theta. Take it from theta and return what is left.",
            (
                _adam_by(move=lambda theta, g, alpha, size: -alpha * g / size),
                _adam_by(move=lambda theta, g, alpha, size: alpha * g / size),
                _adam_by(move=lambda theta, g, alpha, size: g / size),
            ),
        ),
        Mistake(
            "Only the sign of the gradient is left in your step. Its length counts, in the usual size of its gradients.",
            (
                _adam_by(move=lambda theta, g, alpha, size: theta - alpha * g.sign()),
                _adam_by(move=lambda theta, g, alpha, size: theta - alpha * g / (g.abs() + 1e-8)),
            ),
        ),
        Mistake(
            "The step does not divide the gradient: it multiplies, or takes a part of the gradient away.",
            (
                _adam_by(move=lambda theta, g, alpha, size: theta - alpha * g * size),
                _adam_by(move=lambda theta, g, alpha, size: theta - alpha * g),
                _adam_by(move=lambda theta, g, alpha, size: theta - alpha / size),
                _adam_by(move=lambda theta, g, alpha, size: theta - alpha * g**2 / size),
                _adam_by(move=lambda theta, g, alpha, size: (theta - alpha * g) / size),
            ),
        ),
        Mistake(
            "There is a first moment in your step. With mu1 = 0 the gradient is taken as it is.",
            (
                _adam_by(move=lambda theta, g, alpha, size: theta - 0.1 * alpha * g / size),
                _adam_by(move=lambda theta, g, alpha, size: theta - 0.9 * alpha * g / size),
            ),
        ),
        Mistake(
            "Your step forgets the moments that came in, as if each task began with a new Adam. Keep v: mu2 * v + "
            "(1 - mu2) * gradient**2.",
            (_adam(keep=False), _fresh_each_task, _adam_by(lambda v, g, b: g**2)),
        ),
        Mistake(
            "The bias correction is missing. v begins at zero and is too small at first: divide it by 1 - mu2**t.",
            (_adam(correct=False),),
        ),
        Mistake("The square root is missing: divide by the size of a gradient, not by its square.", (_adam(root=False),)),
        Mistake(
            "You hand on the corrected moments, and the next step would correct them again. Return v as it is before the "
            "division by 1 - mu2**t.",
            (_corrected_kept,),
        ),
        Mistake("You return the old v. The next step, and the next task, need the new one.", (_old_v,)),
        Mistake("You return theta alone. Return both, theta and v: the second moments outlive the task.", (_theta_alone,)),
        Mistake("mu2 weighs the past and 1 - mu2 the new square; you have them the other way round.", (_adam(swapped=True),)),
        Mistake("v gathers the squares of the gradients, not their sizes.", (_adam(square=False),)),
        Mistake(
            "The step is right for the v that you return, but v is not: mu2 of the old v and 1 - mu2 of the new squares.",
            (),
            looks=_step_fits_v,
        ),
        Mistake("Your step goes uphill: subtract.", (_adam(sign=+1),)),
    ),
    hints=(
        "Two lines: first the new v from the old v and the square of the gradient, then theta.",
        "v = mu2 * v + (1 - mu2) * gradient**2. What is v divided by before the square root is taken?",
        "theta - alpha * gradient / ((v / (1 - mu2**t)).sqrt() + 1e-8), and v is returned beside it.",
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
        for count, steps, size in ((10, 2, 5), (12, 4, 3), (15, 5, 5), (11, 6, 4), (23, 7, 5))
    ]  # fmt: skip


def _draw_order(generator: torch.Generator) -> Case:
    size, steps = (int(n) for n in torch.randint(2, 6, (2,), generator=generator))
    count = 2 * size + int(torch.randint(1, 9, (), generator=generator))
    return Case(
        f"{count} pictures, {steps} minibatches of {size}, drawn",
        (torch.randperm(count, generator=generator), steps, size),
    )


def _seen(answer: Callable[..., Any], order: Tensor, steps: int, size: int) -> Any:
    """The minibatches as a list of tensors: a tensor with a row for each is as good, or lists of numbers."""
    found = answer(order, steps, size)
    if isinstance(found, list | tuple | Tensor):
        return [torch.as_tensor(each) if _whole(each) else each for each in found]
    return found


def _whole(batch: Any) -> bool:
    """Whether it holds whole numbers in a row."""
    if isinstance(batch, Tensor):
        return batch.dim() == 1
    return isinstance(batch, list | tuple) and all(
        isinstance(each, int) or (isinstance(each, Tensor) and each.dim() == 0) for each in batch
    )


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


def _dealt(
    place: Callable[[int, int, int], Tensor] = lambda step, size, count: (
        (step * size + torch.arange(size)) % count
    ),
    *,
    rest: Callable[[Tensor, int], Tensor] = lambda order, size: order[:-size],
    last: Callable[[Tensor, int], Tensor] = lambda order, size: order[-size:],
    join: Callable[[list[Tensor], Tensor], Any] = lambda earlier, last: [*earlier, last],
) -> Callable[..., Any]:
    """Minibatches with one of the parts replaced: the places, the rest, the last one, how they are put together."""

    def wrong(order: Tensor, steps: int, size: int) -> Any:
        left = rest(order, size)
        return join([left[place(step, size, len(left))] for step in range(steps - 1)], last(order, size))

    return wrong


def _split(order: Tensor, steps: int, size: int) -> list[Tensor]:
    return [*order[:-size].split(size)[: steps - 1], order[-size:]]


def _sliced(order: Tensor, steps: int, size: int) -> list[Tensor]:
    rest = order[:-size]
    return [*(rest[step * size : (step + 1) * size] for step in range(steps - 1)), order[-size:]]


def _in_parts(order: Tensor, steps: int, size: int) -> list[Tensor]:
    """The rest in parts, the last of them short, over and over."""
    parts = order[:-size].split(size)
    return [*(parts[step % len(parts)] for step in range(steps - 1)), order[-size:]]


def _seen_before(came: list[Tensor]) -> bool:
    """Whether a place of the last minibatch is in an earlier one."""
    return bool(torch.isin(came[-1], torch.cat(came[:-1])).any())


MINIBATCHES = Exercise(
    id="10.2",
    title="minibatches for FOMAML that keep the last one apart",
    solution=minibatches,
    cases=_orders,
    draw=_draw_order,
    observe=_seen,
    differentiable=(),
    mistakes=(
        Mistake(
            "Your earlier minibatches go round through all of order, so they hold the last one's pictures too. Deal them from "
            "what is left: order[:-size].",
            (_dealt(rest=lambda order, size: order),),
        ),
        Mistake(
            "You keep another number of pictures apart. The last minibatch has `size` of them: order[-size:].",
            (
                _dealt(rest=lambda order, size: order[:-1], last=lambda order, size: order[-1:]),
                _dealt(rest=lambda order, size: order[: -2 * size], last=lambda order, size: order[-2 * size :]),
                _dealt(rest=lambda order, size: order[: -size - 1], last=lambda order, size: order[-size - 1 :]),
            ),
        ),
        Mistake(
            "Places stand in your list one by one. A minibatch is one tensor: append it, do not extend by it.",
            (
                _dealt(join=lambda earlier, last: [*earlier, *last]),
                _dealt(join=lambda earlier, last: [*(place for each in earlier for place in each), last]),
            ),
        ),
        Mistake(
            "The last minibatch stands in your list more than once. It comes at the end, and only there.",
            (
                _dealt(join=lambda earlier, last: [last, *earlier, last]),
                _dealt(join=lambda earlier, last: [*earlier, last, last]),
            ),
        ),
        Mistake(
            "Where a minibatch reaches the end of the rest you leave it short. Fill it up from the beginning of the rest.",
            (_in_parts,),
        ),
        Mistake(
            "You begin again before the rest is used up. Its last pictures, too few for a minibatch, come next, and the rest of "
            "that minibatch from the beginning: % len(rest).",
            (_dealt(lambda step, size, count: step % (count // size) * size + torch.arange(size)),),
        ),
        Mistake(
            "The last of your minibatches is not order[-size:], the part that is kept apart from all others.",
            (
                _dealt(last=lambda order, size: order),
                _dealt(last=lambda order, size: order[:size]),
                _dealt(last=lambda order, size: order[-1:]),
                _dealt(last=lambda order, size: order[size:]),
                _dealt(last=lambda order, size: order[:-size]),
                _dealt(last=lambda order, size: order.flip(0)[:size]),
                _dealt(last=lambda order, size: order[-size - 1 : -1]),
            ),
        ),
        Mistake(
            "You keep the beginning of order apart. The text asks for the end of it.",
            (
                _dealt(rest=lambda order, size: order[size:], last=lambda order, size: order[:size]),
                _dealt(rest=lambda order, size: order[size:]),
            ),
        ),
        Mistake(
            "You return the earlier ones without the last, or the last without them.",
            (
                _dealt(join=lambda earlier, last: last),
                _dealt(join=lambda earlier, last: [last]),
            ),
        ),
        Mistake(
            "Your earlier minibatches end where the rest ends. There they begin again at its first picture: % len(rest).",
            (
                _split,
                _sliced,
                _dealt(lambda step, size, count: torch.arange(step * size, (step + 1) * size).clamp(max=count - 1)),
                _dealt(lambda step, size, count: torch.arange(min(step * size, count - size), min(step * size, count - size) + size)),
                _dealt(lambda step, size, count: step % max(1, -(-count // size)) * size + torch.arange(min(size, count))),
            ),
        ),
        Mistake(
            "You do not go round, or after another number of pictures. When the rest is used up it begins again at its first: "
            "% len(rest).",
            (
                _dealt(lambda step, size, count: (step * size + torch.arange(size)) % (count - 1)),
                _dealt(lambda step, size, count: (step * size + torch.arange(size)) % (count + size)),
                _dealt(lambda step, size, count: (step * size + torch.arange(size)) % (count - size)),
            ),
        ),
        Mistake(
            "Your minibatches do not follow each other without a gap and without an overlap: step s begins at s * size.",
            (
                _dealt(lambda step, size, count: (step + torch.arange(size)) % count),
                _dealt(lambda step, size, count: (step * size + 1 + torch.arange(size)) % count),
                _dealt(lambda step, size, count: ((step + 1) * size + torch.arange(size)) % count),
                _dealt(lambda step, size, count: (step * (size - 1) + torch.arange(size)) % count),
                _dealt(lambda step, size, count: (step * (size + 1) + torch.arange(size)) % count),
                _dealt(lambda step, size, count: (step + torch.arange(size) * size) % count),
                _dealt(lambda step, size, count: (-(step + 1) * size + torch.arange(size)) % count),
            ),
        ),
        Mistake(
            "You deal the pictures out in turn, like cards. A minibatch takes `size` pictures that follow each other.",
            (
                lambda order, steps, size: [
                    *(order[:-size][step :: steps - 1][:size] for step in range(steps - 1)), order[-size:],
                ],
                lambda order, steps, size: [
                    *(order[:-size][(step + torch.arange(size) * (steps - 1)) % (len(order) - size)] for step in range(steps - 1)),
                    order[-size:],
                ],
            ),
        ),
        Mistake(
            "What stands in order are the places already. You look them up in order a second time.",
            (
                lambda order, steps, size: [order[each] for each in minibatches(order, steps, size)],
                lambda order, steps, size: [*(order[each] for each in minibatches(order, steps, size)[:-1]), order[-size:]],
            ),
        ),
        Mistake(
            "There are not `size` pictures in each of your minibatches.",
            (
                _dealt(lambda step, size, count: (step * size + torch.arange(size - 1)) % count),
                _dealt(lambda step, size, count: (step * size + torch.arange(size + 1)) % count),
                _dealt(lambda step, size, count: (step * (size - 1) + torch.arange(size - 1)) % count),
            ),
        ),
        Mistake(
            "You return the places in the rest, and not the pictures that stand there: rest[places].",
            (
                lambda order, steps, size: [
                    *((step * size + torch.arange(size)) % (len(order) - size) for step in range(steps - 1)), order[-size:],
                ],
                lambda order, steps, size: [
                    *((step * size + torch.arange(size)) % (len(order) - size) for step in range(steps - 1)),
                    torch.arange(len(order) - size, len(order)),
                ],
            ),
        ),
        Mistake(
            "You change the order: it comes in at random, and the earlier minibatches go through it as it is.",
            (
                _dealt(rest=lambda order, size: order[:-size].sort().values),
                _dealt(rest=lambda order, size: order[:-size].flip(0)),
                _dealt(last=lambda order, size: order[-size:].sort().values),
                _dealt(join=lambda earlier, last: [*earlier[::-1], last]),
            ),
        ),
        Mistake(
            "You put all places into one long tensor. A list with one tensor for each minibatch is asked for.",
            (_dealt(join=lambda earlier, last: torch.cat([*earlier, last])),),
        ),
        Mistake(
            "You return the earlier ones and the last one apart. One list with all of them is asked for.",
            (
                _dealt(join=lambda earlier, last: (earlier, last)),
                _dealt(join=lambda earlier, last: [earlier, last]),
                _dealt(join=lambda earlier, last: (last, earlier)),
                _dealt(join=lambda earlier, last: [earlier, [last]]),
            ),
        ),
        Mistake(
            "steps and size are exchanged: there are `steps` minibatches with `size` pictures each.",
            (lambda order, steps, size: minibatches(order, size, steps),),
        ),
        Mistake(
            "Places are whole numbers. Yours are floats, which cannot index.",
            (
                _dealt(join=lambda earlier, last: [each.float() for each in [*earlier, last]]),
                _dealt(join=lambda earlier, last: [each.double() for each in [*earlier, last]]),
                _dealt(join=lambda earlier, last: [*[each.float() for each in earlier], last]),
            ),
        ),
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
        Mistake("The one that is kept apart stands first; it must be the last, for its gradient alone counts.", (_tail_first, _dealt(join=lambda earlier, last: [last, *earlier]))),
        Mistake(
            "Your minibatches do not all hold `size` pictures.",
            (),
            looks=lambda inputs, right, came: any(len(each) != inputs[2] for each in came),
        ),
        Mistake(
            "An earlier minibatch holds pictures of the last one, which are to be new to the walk. Deal the earlier ones from "
            "order[:-size].",
            (),
            looks=lambda inputs, right, came: _seen_before(came),
        ),
        Mistake(
            "Your earlier minibatches are right. The last one has to be order[-size:].",
            (),
            looks=lambda inputs, right, came: all(map(torch.equal, came[:-1], right[:-1])),
        ),
        Mistake(
            "The last minibatch is right. The earlier ones come from the rest, but not in turn: from its first picture on, each where "
            "the one before has ended, and after its end from the first again.",
            (),
            looks=lambda inputs, right, came: (
                torch.equal(came[-1], right[-1])
                and bool(torch.isin(torch.cat(came[:-1]), inputs[0][: -inputs[2]]).all())
            ),
        ),
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


def _draw_pairs(generator: torch.Generator) -> Case:
    count = int(torch.randint(8, 900, (), generator=generator))
    task = 80 + 6 * torch.randn(count, generator=generator, dtype=torch.float64)
    noise = 2.5 * torch.randn(2, count, generator=generator, dtype=torch.float64)
    return Case(f"{count} tasks, drawn", (task + 1 + noise[0], task + noise[1]))


def _gain(
    spread: Callable[[Tensor], Tensor] = lambda d: d.std(),
    *,
    by: Callable[[Tensor, Tensor], Tensor] = lambda a, b: a - b,
    factor: float = 1.96,
    power: float = 0.5,
) -> Callable[[Tensor, Tensor], Tensor]:
    """The width from another combination of the two, another measure of spread, factor or power."""
    return lambda a, b: factor * spread(by(a, b)) / len(by(a, b)) ** power


def _cov(a: Tensor, b: Tensor) -> Tensor:
    return ((a - a.mean()) * (b - b.mean())).sum() / (len(a) - 1)


def _width(values: Tensor) -> Tensor:
    return 1.96 * values.std() / len(values) ** 0.5


HALF_WIDTH_OF_GAIN = Exercise(
    id="10.3",
    title="how sure we are of a difference on the same tasks",
    solution=half_width_of_gain,
    cases=_pairs,
    draw=_draw_pairs,
    differentiable=(),
    tolerance=5e-5,  # of 1.96, three digits of 1.959964, both are right
    mistakes=(
        Mistake(
            "You throw both modes into one pot. That measures how much tasks differ; what counts is the difference within a task.",
            (
                _gain(by=lambda a, b: torch.cat([a, b])),
                lambda a, b: 1.96 * torch.cat([a, b]).std() / len(a) ** 0.5,
                lambda a, b: 1.96 * ((a.var() + b.var()) / 2 / len(a)).sqrt(),
                _gain(by=lambda a, b: torch.cat([a - a.mean(), b - b.mean()])),
                lambda a, b: 1.96 * torch.cat([a - a.mean(), b - b.mean()]).std() / len(a) ** 0.5,
            ),
        ),
        Mistake(
            "You take the mean of two half widths, or the larger or the smaller of them. What counts is the half width of the "
            "difference.",
            (
                lambda a, b: 1.96 * (a.std() + b.std()) / 2 / len(a) ** 0.5,
                lambda a, b: 1.96 * torch.maximum(a.std(), b.std()) / len(a) ** 0.5,
                lambda a, b: 1.96 * torch.minimum(a.std(), b.std()) / len(a) ** 0.5,
            ),
        ),
        Mistake(
            "The spread of a difference has the covariance in it twice: var(a - b) = var(a) + var(b) - 2 cov(a, b). Take the "
            "difference first, and std() sees to it.",
            (
                lambda a, b: 1.96 * ((a.var() + b.var() - _cov(a, b)) / len(a)).sqrt(),
                lambda a, b: 1.96 * (_cov(a, b) / len(a)).sqrt(),
            ),
        ),
        Mistake(
            "You measure the spread in another way: the standard deviation is asked for, the root of the mean square.",
            (
                _gain(lambda d: (d - d.mean()).abs().mean()),
                _gain(lambda d: (d - d.median()).abs().median()),
                _gain(lambda d: d.max() - d.min()),
                _gain(lambda d: d.quantile(0.75) - d.quantile(0.25)),
                lambda a, b: ((a - b).quantile(0.975) - (a - b).quantile(0.025)) / 2,
                lambda a, b: ((a - b).max() - (a - b).min()) / 2,
            ),
        ),
        Mistake(
            "You take the mean, or the sum, where the spread is asked for. How sure we are depends on how much the differences differ.",
            (
                _gain(lambda d: d.mean()),
                _gain(lambda d: d.mean().abs()),
                _gain(lambda d: d.mean(), factor=1),
                _gain(lambda d: d.sum()),
            ),
        ),
        Mistake(
            "The root is taken once too often: std() is the root of the variance already.",
            (
                _gain(lambda d: d.std() ** 0.5),
                lambda a, b: (1.96 * (a - b).std() / len(a)) ** 0.5,
                _gain(lambda d: d.std() ** 0.5, factor=1),
            ),
        ),
        Mistake(
            "You return one number for each task. How sure we are is one number for all of them.",
            (
                lambda a, b: 1.96 * (a - b - (a - b).mean()).abs() / len(a) ** 0.5,
                lambda a, b: 1.96 * (a - b - (a - b).mean()) / len(a) ** 0.5,
                lambda a, b: 1.96 * (a - b) / len(a) ** 0.5,
                lambda a, b: 1.96 * (a - b).abs() / len(a) ** 0.5,
                lambda a, b: (a - b - (a - b).mean()) / (a - b).std(),
            ),
        ),
        Mistake(
            "The number of tasks goes in by its square root, and not by its logarithm.",
            (
                lambda a, b: 1.96 * (a - b).std() / math.log(len(a)),
                lambda a, b: 1.96 * (a - b).std() / math.log(len(a)) ** 0.5,
            ),
        ),
        Mistake(
            "A power binds before a division: n ** 1 / 2 is half of n. Write n ** 0.5, or (1 / 2) in brackets.",
            (lambda a, b: 1.96 * (a - b).std() / len(a) ** 1 / 2,),
        ),
        Mistake(
            "That says how alike the two modes are, not how far their difference may be off.",
            (
                lambda a, b: _cov(a, b) / (a.std() * b.std()),
                lambda a, b: _cov(a, b),
                lambda a, b: (_cov(a, b) / (a.std() * b.std())) ** 2,
            ),
        ),
        Mistake(
            "That formula is for single right-or-wrong answers. Here each number is a mean over queries: use the spread of the differences.",
            (
                lambda a, b: 1.96 * (a.mean() * (100 - a.mean()) / len(a)).sqrt(),
                lambda a, b: 1.96 * (b.mean() * (100 - b.mean()) / len(a)).sqrt(),
                lambda a, b: 1.96 * ((a - b).mean().abs() * (100 - (a - b).mean().abs()) / len(a)).sqrt(),
            ),
        ),
        Mistake(
            "The spread of a difference is not the difference of two spreads: what the modes have in common drops out of each task's "
            "difference.",
            (
                lambda a, b: 1.96 * ((a.var() - b.var()).abs() / len(a)).sqrt(),
                lambda a, b: 1.96 * (a.var() - b.var()).abs() / len(a),
                lambda a, b: 1.96 * (a.var() - b.var()) / len(a),
                lambda a, b: ((a.var() - b.var()).abs() / len(a)).sqrt(),
            ),
        ),
        Mistake(
            "You divide the gain by its uncertainty: that says how many standard errors it is away from zero. The half width is "
            "asked for.",
            (
                lambda a, b: (a - b).mean() / ((a - b).std() / len(a) ** 0.5),
                lambda a, b: (a - b).mean() / _width(a - b),
                lambda a, b: (a - b).mean() / (a - b).std(),
            ),
        ),
        Mistake(
            "That is the interval of one mode alone. What transduction brought is the difference of the two.",
            (lambda a, b: _width(a), lambda a, b: _width(b)),
        ),
        Mistake(
            "You add the two modes, or take their mean. Take one from the other.",
            (_gain(by=lambda a, b: a + b), _gain(by=lambda a, b: (a + b) / 2), _gain(by=lambda a, b: a * b)),
        ),
        Mistake(
            "You take the size of each difference. Transduction also costs, on some tasks: keep the sign.",
            (
                _gain(by=lambda a, b: (a - b).abs()),
                _gain(by=lambda a, b: (a - b) ** 2),
                _gain(by=lambda a, b: (a - b).clamp(min=0)),
            ),
        ),
        Mistake(
            "You divide one mode by the other. The difference is asked for, in percentage points.",
            (
                _gain(by=lambda a, b: a / b),
                _gain(by=lambda a, b: (a - b) / b),
                _gain(by=lambda a, b: (a - b) / a),
                _gain(by=lambda a, b: 100 * (a - b) / b),
                _gain(by=lambda a, b: b / a),
                _gain(by=lambda a, b: a.log() - b.log()),
            ),
        ),
        Mistake(
            "You take apart which task is which. Task 7 in one mode belongs to task 7 in the other.",
            (
                _gain(by=lambda a, b: a.sort().values - b.sort().values),
                _gain(by=lambda a, b: a - b.flip(0)),
                _gain(by=lambda a, b: (a[:, None] - b).flatten()),
            ),
        ),
        Mistake(
            "You measure the differences from zero. Their spread is measured from their own mean: std() does that.",
            (
                _gain(lambda d: d.square().mean().sqrt()),
                _gain(lambda d: d.norm() / (len(d) - 1) ** 0.5),
                _gain(lambda d: d.abs().mean()),
            ),
        ),
        Mistake(
            "You divide the squares by n, which is right if these tasks were all there are. They are a sample: std() without a "
            "correction of your own divides by n - 1.",
            (_gain(lambda d: d.std(correction=0)), _gain(lambda d: d.std(correction=0), factor=1)),
        ),
        Mistake(
            "Divide by the root of the number of tasks, not by another power of it, nor by another number.",
            (
                _gain(power=1),
                _gain(power=1, factor=1),
                _gain(power=2),
                _gain(power=-0.5),
                _gain(power=0.25),
                lambda a, b: 1.96 * (a - b).std() / (len(a) - 1) ** 0.5,
                lambda a, b: 1.96 * (a - b).std() / (2 * len(a)) ** 0.5,
                lambda a, b: 1.96 * (a - b).std() / (2 * len(a) - 2) ** 0.5,
            ),
        ),
        Mistake(
            "That is the variance. Its root is the spread.",
            (
                _gain(lambda d: d.var()),
                _gain(lambda d: d.var(), power=1),
                _gain(lambda d: d.var(), power=1, factor=1),
            ),
        ),
        Mistake(
            "That is the whole width of the interval. The number after ± is half of it.",
            (_gain(factor=3.92),),
        ),
        Mistake(
            "Your factor is not that of a 95 % interval, which is 1.96.",
            tuple(_gain(factor=factor) for factor in (1.645, 2.576, 2, 3, 1.28, 1.69, 0.95, 0.98)),
        ),
        Mistake(
            "You return an end of the interval, or the mean as well. Half the width is asked for, alone.",
            (
                lambda a, b: ((a - b).mean(), _width(a - b)),
                lambda a, b: ((a - b).mean() - _width(a - b), (a - b).mean() + _width(a - b)),
                lambda a, b: (a - b).mean() + _width(a - b),
                lambda a, b: (a - b).mean() - _width(a - b),
            ),
        ),
        Mistake(
            "You round. Return the number as it is; how many digits to print is decided later.",
            tuple(lambda a, b, d=d: round(float(_width(a - b)), d) for d in (1, 2, 3)),
        ),
        Mistake(
            "You treat the two as if they came from different tasks. A hard task is hard in both modes: take the "
            "difference task by task first, then its spread.",
            (
                lambda a, b: (_width(a) ** 2 + _width(b) ** 2).sqrt(),
                lambda a, b: 1.96 * (a.var() / len(a) + b.var() / len(b)).sqrt(),
                lambda a, b: ((a.var() + b.var()) / len(a)).sqrt(),
                lambda a, b: (a.var() + b.var()).sqrt(),
                lambda a, b: 1.96 * (a.var() + b.var()).sqrt(),
                lambda a, b: 1.96 * (a.var() + b.var()).sqrt() / len(a),
                lambda a, b: 2 * ((a.var() + b.var()) / len(a)).sqrt(),
                lambda a, b: 1.96 * (a.var() + b.var()) / len(a),
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
        "difference = transductive - support: one number a task. From here on it is exercise 09.4.",
        "1.96 * difference.std() / len(difference) ** 0.5",
    ),
)

EXERCISES = (ADAM_STEP, MINIBATCHES, HALF_WIDTH_OF_GAIN)
