"""The exercises of lesson 15: a robust loss, a loss that the task turns, and one step of K-means."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake
from mlteach.inner.learned_loss import pseudo_huber, turn
from mlteach.params import Params, gradient_of, leaves, to_vector

F64 = torch.float64
Loss = Callable[[Tensor, Any], Tensor]

# 15.1 ---------------------------------------------------------------------------------------------------------------


def robust(r: Tensor, width: Any) -> Tensor:
    """2 w^2 (sqrt(1 + (r / w)^2) - 1), entry by entry."""
    return pseudo_huber(r, width)


def _residuals(seed: int, width: float, *shape: int) -> tuple[Tensor, Tensor]:
    drawn = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(*shape, generator=drawn, dtype=F64), torch.tensor(width, dtype=F64)


def _robust_cases() -> list[Case]:
    return [
        Case("six residuals, width 1.5", _residuals(1, 1.5, 6)),
        Case("residuals [tasks, points, 1], width 0.7", _residuals(2, 0.7, 2, 3, 1)),
        Case("residuals near zero, width 4", (_residuals(3, 4.0, 5)[0] / 10, torch.tensor(4.0, dtype=F64))),
    ]


def _draw_residuals(generator: torch.Generator) -> Case:
    width = 0.3 + 4 * torch.rand((), generator=generator, dtype=F64)
    return Case("residuals drawn by lot", (4 * torch.randn(7, generator=generator, dtype=F64), width))


def _huber(factor: float, slope: float) -> Loss:
    """Huber's own, with a corner in its slope."""
    return lambda r, w: torch.where(
        r.abs() <= w, factor * r**2, slope * w * r.abs() - (slope - factor) * w**2
    )


ROBUST = Exercise(
    id="15.1",
    title="a loss whose pull stops growing",
    solution=robust,
    cases=_robust_cases,
    draw=_draw_residuals,
    outputs=("the loss of each residual",),
    differentiable=("r", "width"),
    mistakes=(
        Mistake(
            "That is the pull, the derivative. The loss is the function that has it: what has the derivative r / sqrt(1 + r^2)?",
            (lambda r, w: 2 * r / (1 + (r / w) ** 2).sqrt(), lambda r, w: r / (1 + (r / w) ** 2).sqrt()),
            2,
        ),
        Mistake(
            "At r = 0 your loss is not 0. Its pull is right; take the value at zero away.",
            (lambda r, w: 2 * w**2 * (1 + (r / w) ** 2).sqrt(), lambda r, w: 2 * w * (w**2 + r**2).sqrt()),
            3,
        ),
        Mistake(
            "You take 1 away from the whole. What the loss is at r = 0 is 2 width^2.",
            (
                lambda r, w: 2 * w**2 * (1 + (r / w) ** 2).sqrt() - 1,
                lambda r, w: 2 * w * (w**2 + r**2).sqrt() - 1,
            ),
            3,
        ),
        Mistake(
            "Half of it: near zero the loss is r squared, so its pull is 2 r and not r.",
            (
                lambda r, w: w**2 * ((1 + (r / w) ** 2).sqrt() - 1),
                lambda r, w: w * ((w**2 + r**2).sqrt() - w),
            ),
            1,
        ),
        Mistake(
            "The factor in front is 2 width squared. The inner derivative brings 1 / width^2, which it has to cancel.",
            (
                lambda r, w: 2 * w * ((1 + (r / w) ** 2).sqrt() - 1),
                lambda r, w: 2 * ((1 + (r / w) ** 2).sqrt() - 1),
                lambda r, w: (1 + (r / w) ** 2).sqrt() - 1,
                lambda r, w: 4 * w**2 * ((1 + (r / w) ** 2).sqrt() - 1),
                lambda r, w: 2 / w**2 * ((1 + (r / w) ** 2).sqrt() - 1),
            ),
            3,
        ),
        Mistake(
            "The residual under the root is not divided by the width before it is squared.",
            (
                lambda r, w: 2 * w**2 * ((1 + r**2).sqrt() - 1),
                lambda r, w: 2 * w**2 * ((1 + r**2 / w).sqrt() - 1),
                lambda r, w: 2 * w**2 * ((1 + (r * w) ** 2).sqrt() - 1),
            ),
        ),
        Mistake(
            "The root is missing.",
            (lambda r, w: 2 * w**2 * ((r / w) ** 2), lambda r, w: 2 * w**2 * (1 + (r / w) ** 2)),
        ),
        Mistake(
            "That is the squared error: it never bends.",
            (lambda r, w: r**2, lambda r, w: r**2 / 2),
        ),
        Mistake(
            "That is Huber's loss in two pieces. The one with this pull is smooth: one formula for all r.",
            (_huber(1.0, 2.0), _huber(0.5, 1.0)),
            2,
        ),
        Mistake(
            "That bends too, but its pull is another one.",
            (
                lambda r, w: w**2 * torch.log1p((r / w) ** 2),
                lambda r, w: 2 * w**2 * torch.log(torch.cosh(r / w)),
                lambda r, w: 2 * w * r.abs(),
                lambda r, w: r.abs(),
                lambda r, w: r**2 / (1 + (r / w) ** 2).sqrt(),
                lambda r, w: r**2 / (1 + (r / w) ** 2),
                lambda r, w: torch.where(r.abs() < w, r**2, w**2),
            ),
            2,
        ),
        Mistake(
            "One number comes back. Each residual has its own loss; the mean is taken elsewhere.",
            (lambda r, w: robust(r, w).mean(), lambda r, w: robust(r, w).sum()),
        ),
    ),
    hints=(
        "Near zero the pull is 2 r, so the loss is r squared there. Far out the pull is 2 width, so it is a straight line.",
        "The derivative of sqrt(1 + u²) is u / sqrt(1 + u²). Put u = r / width: the inner derivative brings 1 / width.",
        "A factor of 2 width² in front makes the pull right; then take away what the loss is at r = 0.",
    ),
)

# 15.2 ---------------------------------------------------------------------------------------------------------------


def turned(weights: Params, gamma: Params, delta: Params, scale: Params, shift: Params) -> Params:
    """w' = (1 + scale gamma) w + shift delta, tensor by tensor."""
    return turn(weights, gamma, delta, scale, shift)


def _network(seed: int, tasks: int | None) -> tuple[Params, Params, Params, Params, Params]:
    """A loss network's tensors, and one number for each of gamma, delta, scale, shift; with a task axis or without."""
    drawn = torch.Generator().manual_seed(seed)
    shapes = {"weight1": (4, 3), "bias1": (4,), "weight2": (1, 4)}

    def numbers(lead: tuple[int, ...]) -> Params:
        return {n: torch.randn(*lead, *(1,) * len(s), generator=drawn, dtype=F64) for n, s in shapes.items()}

    lead = () if tasks is None else (tasks,)
    weights = {n: torch.randn(*s, generator=drawn, dtype=F64) for n, s in shapes.items()}
    return weights, numbers(lead), numbers(lead), numbers(()), numbers(())


def _turn_cases() -> list[Case]:
    weights, gamma, delta, scale, shift = _network(3, None)
    zeros = {n: torch.zeros_like(v) for n, v in scale.items()}
    return [
        Case("one task", _network(1, None)),
        Case(
            "scale and shift at zero",
            (weights, gamma, delta, zeros, {n: v.clone() for n, v in zeros.items()}),
        ),
        Case("three tasks side by side", _network(2, 3)),
    ]


def _observe_turn(answer: Callable[..., Any], *inputs: Params) -> Any:
    """What comes out, the gradients that reach each input from it, and whether the weights that went in are what they were."""
    given = [leaves(each) for each in inputs]
    kept = dict(given[0])
    found = answer(*given)
    if not isinstance(found, dict) or not all(isinstance(v, Tensor) for v in found.values()):
        return found
    later = torch.stack([(v * torch.arange(1, v.numel() + 1).view_as(v)).sum() for v in found.values()]).sum()
    every = {f"{place} {n}": v for place, each in enumerate((kept, *given[1:])) for n, v in each.items()}
    none = {n: torch.zeros_like(v) for n, v in every.items()}
    reached = to_vector(gradient_of(later, every) if later.requires_grad else none).detach()
    made, afterwards = ({n: v.detach().clone() for n, v in each.items()} for each in (found, given[0]))
    return made, reached, afterwards


def _changed(change: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]) -> Callable[..., Params]:
    return lambda weights, gamma, delta, scale, shift: {
        n: change(w, gamma[n], delta[n], scale[n], shift[n]) for n, w in weights.items()
    }


def _first_alone(weights: Params, gamma: Params, delta: Params, scale: Params, shift: Params) -> Params:
    done = turned(weights, gamma, delta, scale, shift)
    first = next(iter(weights))
    return {n: done[n] if n == first else w for n, w in weights.items()}


def _of_first(weights: Params, gamma: Params, delta: Params, scale: Params, shift: Params) -> Params:
    a, b, c, d = (next(iter(each.values())).flatten()[0] for each in (gamma, delta, scale, shift))
    return {n: (1 + c * a) * w + d * b for n, w in weights.items()}


TURN = Exercise(
    id="15.2",
    title="the task turns the loss",
    solution=turned,
    cases=_turn_cases,
    observe=_observe_turn,
    outputs=("the turned weights", "the gradients that flow back", "the weights afterwards"),
    mistakes=(
        Mistake(
            "The 1 is missing: with scale at zero your weights vanish, and they should stay as they are.",
            (
                _changed(lambda w, g, d, a, b: a * g * w + b * d),
                _changed(lambda w, g, d, a, b: g * w + b * d),
                _changed(lambda w, g, d, a, b: a * g * w + d),
            ),
            2,
        ),
        Mistake(
            "scale and shift are left out, so the turn is no identity at the start: gamma and delta are never zero by themselves.",
            (
                _changed(lambda w, g, d, a, b: (1 + g) * w + d),
                _changed(lambda w, g, d, a, b: g * w + d),
                _changed(lambda w, g, d, a, b: (1 + a * g) * w + d),
                _changed(lambda w, g, d, a, b: (1 + g) * w + b * d),
            ),
            1,
        ),
        Mistake(
            "scale and shift are added to gamma and delta. They multiply: at zero nothing of gamma and delta is left.",
            (
                _changed(lambda w, g, d, a, b: (1 + a + g) * w + b + d),
                _changed(lambda w, g, d, a, b: (a + g) * w + b + d),
                _changed(lambda w, g, d, a, b: (1 + a + g) * w + b * d),
            ),
        ),
        Mistake(
            "The shift is inside the bracket: it is added to the weights and not multiplied with them.",
            (
                _changed(lambda w, g, d, a, b: (1 + a * g + b * d) * w),
                _changed(lambda w, g, d, a, b: (1 + a * g) * (w + b * d)),
            ),
            3,
        ),
        Mistake(
            "The shift is missing: w' = (1 + scale gamma) w + shift delta.",
            (_changed(lambda w, g, d, a, b: (1 + a * g) * w),),
        ),
        Mistake(
            "The scaling is missing: w' = (1 + scale gamma) w + shift delta.",
            (_changed(lambda w, g, d, a, b: w + b * d),),
        ),
        Mistake(
            "gamma and delta, or scale and shift, are exchanged.",
            (
                _changed(lambda w, g, d, a, b: (1 + a * d) * w + b * g),
                _changed(lambda w, g, d, a, b: (1 + b * g) * w + a * d),
                _changed(lambda w, g, d, a, b: (1 + b * d) * w + a * g),
            ),
        ),
        Mistake(
            "A sign is turned.",
            (
                _changed(lambda w, g, d, a, b: (1 - a * g) * w + b * d),
                _changed(lambda w, g, d, a, b: (1 + a * g) * w - b * d),
                _changed(lambda w, g, d, a, b: (1 - a * g) * w - b * d),
            ),
        ),
        Mistake(
            "Something is detached, so no gradient reaches it any more, and it learns nothing: weights, gamma, delta, scale and shift all learn.",
            (
                _changed(lambda w, g, d, a, b: (1 + a * g) * w.detach() + b * d),
                _changed(lambda w, g, d, a, b: ((1 + a * g) * w + b * d).detach()),
                _changed(lambda w, g, d, a, b: (1 + a * g).detach() * w + b * d),
                _changed(lambda w, g, d, a, b: (1 + a * g) * w + (b * d).detach()),
                _changed(lambda w, g, d, a, b: (1 + a * g) * w + b * d.detach()),
                _changed(lambda w, g, d, a, b: (1 + a * g.detach()) * w + b * d),
                _changed(lambda w, g, d, a, b: (1 + a * g.detach()) * w + b * d.detach()),
            ),
        ),
        Mistake("One tensor is turned and the others are not.", (_first_alone,)),
        Mistake(
            "Every tensor has numbers of its own, by its name. You use the first one's for all.", (_of_first,)
        ),
        Mistake(
            "Return a dict with the names of weights.",
            (
                lambda w, g, d, a, b: list(turned(w, g, d, a, b).values()),
                lambda w, g, d, a, b: tuple(turned(w, g, d, a, b).values()),
                lambda w, g, d, a, b: list(turned(w, g, d, a, b).items()),
            ),
        ),
    ),
    hints=(
        "For each name: what has to come out when scale and shift are zero? The tensor as it is.",
        "So something is multiplied with the tensor that is 1 when scale is zero, and something is added that is 0 when shift is.",
        "{name: (1 + scale[name] * gamma[name]) * w + ... for name, w in weights.items()}",
    ),
)

# 15.3 ---------------------------------------------------------------------------------------------------------------


def kmeans_step(points: Tensor, means: Tensor) -> tuple[Tensor, Tensor]:
    """The group of each point, the nearest mean's, and the means of the groups; an empty group keeps its mean."""
    group = torch.cdist(points, means).argmin(1)
    moved = [points[group == k].mean(0) if (group == k).any() else means[k] for k in range(len(means))]
    return torch.stack(moved), group


def _cloud(seed: int, points: int, k: int, size: int) -> tuple[Tensor, Tensor]:
    drawn = torch.Generator().manual_seed(seed)
    x = torch.randn(points, size, generator=drawn, dtype=F64)
    return x, x[:k] + 0.1 * torch.randn(k, size, generator=drawn, dtype=F64)


def _kmeans_cases() -> list[Case]:
    points, means = _cloud(3, 9, 2, 2)
    return [
        Case("twelve points, three means", _cloud(1, 12, 3, 4)),
        Case(
            "a mean that no point is near", (points, torch.cat([means, torch.full((1, 2), 90.0, dtype=F64)]))
        ),
        Case("seven points, two means", _cloud(2, 7, 2, 5)),
    ]


def _means_of(group_of: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Any]:
    def wrong(points: Tensor, means: Tensor) -> tuple[Tensor, Tensor]:
        group = group_of(points, means)
        return torch.stack(
            [points[group == k].mean(0) if (group == k).any() else means[k] for k in range(len(means))]
        ), group

    return wrong


def _made(change: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Any]:
    """The right groups, and another thing in the place of their means: of a group's points and its old mean."""

    def wrong(points: Tensor, means: Tensor) -> tuple[Tensor, Tensor]:
        _, group = kmeans_step(points, means)
        return torch.stack([change(points[group == k], means[k]) for k in range(len(means))]), group

    return wrong


def _twice(points: Tensor, means: Tensor) -> tuple[Tensor, Tensor]:
    return kmeans_step(points, kmeans_step(points, means)[0])


def _regrouped(points: Tensor, means: Tensor) -> tuple[Tensor, Tensor]:
    moved, _ = kmeans_step(points, means)
    return moved, torch.cdist(points, moved).argmin(1)


KMEANS = Exercise(
    id="15.3",
    title="one step of K-means",
    solution=kmeans_step,
    cases=_kmeans_cases,
    outputs=("the new means", "the groups"),
    differentiable=(),
    mistakes=(
        Mistake(
            "An empty group has no mean: 0 / 0 is no number, and from the next step on neither is anything. Let it keep its mean.",
            (_made(lambda own, old: own.mean(0)),),
            3,
        ),
        Mistake(
            "An empty group's mean becomes zero. Let it keep the one it has.",
            (
                _made(lambda own, old: own.mean(0) if len(own) else torch.zeros_like(old)),
                _made(lambda own, old: own.sum(0) / max(len(own), 1)),
            ),
            3,
        ),  # fmt: skip
        Mistake(
            "The means are not moved. Each goes to the mean of its group's points.",
            (_made(lambda own, old: old),),
            2,
        ),
        Mistake(
            "You add up a group's points. Their mean is asked for.",
            (_made(lambda own, old: own.sum(0) if len(own) else old),),
            2,
        ),
        Mistake(
            "You take the old mean into the new one. It is the mean of the group's points alone.",
            (
                _made(lambda own, old: torch.cat([own, old[None]]).mean(0)),
                _made(lambda own, old: (own.mean(0) + old) / 2 if len(own) else old),
            ),
        ),
        Mistake(
            "Those are medians. K-means takes means.",
            (_made(lambda own, old: own.median(0).values if len(own) else old),),
        ),
        Mistake(
            "Each point goes to the mean that is farthest: argmin, not argmax.",
            (_means_of(lambda x, m: torch.cdist(x, m).argmax(1)),),
            1,
        ),
        Mistake(
            "Not the distance decides, but something else. Near is what has a small squared distance, over all the numbers.",
            (
                _means_of(lambda x, m: (x @ m.T).argmax(1)),
                _means_of(lambda x, m: (x @ m.T).argmin(1)),
                _means_of(lambda x, m: torch.cdist(x[:, :1], m[:, :1]).argmin(1)),
                _means_of(lambda x, m: torch.cdist(x, m, p=1).argmin(1)),
                _means_of(lambda x, m: torch.cdist(x, m, p=float("inf")).argmin(1)),
                _means_of(lambda x, m: (x[:, None] - m).sum(2).abs().argmin(1)),
            ),
            1,
        ),
        Mistake(
            "You ask for each mean which point is nearest. Each point asks for its mean: the other axis.",
            (lambda x, m: (x[torch.cdist(x, m).argmin(0)], torch.cdist(x, m).argmin(1)),),
            1,
        ),  # fmt: skip
        Mistake("You make two steps. One is asked for; the loop stands elsewhere.", (_twice,)),
        Mistake(
            "The groups are those of the new means. Give the ones that the new means were made of.",
            (_regrouped,),
        ),
        Mistake(
            "The order is: the new means first, then the groups.", (lambda x, m: kmeans_step(x, m)[::-1],)
        ),
        Mistake(
            "Give the new means and the groups, a pair.",
            (lambda x, m: kmeans_step(x, m)[0], lambda x, m: kmeans_step(x, m)[1]),
        ),
    ),
    hints=(
        "torch.cdist(points, means) holds every point's distance to every mean, [points, K]. Which mean is nearest to each point?",
        "points[group == k].mean(0) is the mean of group k. Put the K of them into one tensor with torch.stack.",
        "(group == k).any() says whether a group has points at all. If it has none, means[k] stays.",
    ),
)

EXERCISES = (ROBUST, TURN, KMEANS)
