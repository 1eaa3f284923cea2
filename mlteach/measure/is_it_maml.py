"""Is it really MAML? Several well-known implementations are not: their meta-gradient is silently first order.

The test needs no trust in anybody's autograd: it moves theta a little, adapts again, and looks at the query loss.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from mlteach.params import Params, add, dot, gradient_of, leaves, map_params, norm, scale
from mlteach.tasks.episode import Episode, checked

Order = Literal["second", "first", "both", "none", "neither", "in place"]

TOLERANCE = 1e-4  # central differences in float64 are good to about 1e-8; a wrong gradient is off by percents


@dataclass(frozen=True)
class Verdict:
    """What `is_it_maml` found. Prints as one line.

    order: "second" (MAML), "first" (FOMAML), "both" (they coincide on this task), "none" (no gradient reaches theta),
        "neither" (wrong in another way), "in place" (the adaptation changed theta itself).
    error: the distance between the meta-gradient and central differences, as a share of the latter.
    error_first_order: the same for the first-order gradient.
    """

    order: Order
    error: float
    error_first_order: float

    @property
    def is_maml(self) -> bool:
        """Whether the meta-gradient is the true one."""
        return self.order in ("second", "both")

    def __str__(self) -> str:
        off, first = _percent(self.error), _percent(self.error_first_order)
        return {
            "second": f"MAML: second order. It agrees with finite differences; first order would be {first} off.",
            "first": f"FOMAML: first order, {off} off the true meta-gradient. The inner gradients are taken for constants "
            "(is create_graph=True missing?).",
            "both": "MAML, and FOMAML too: on this task the two coincide, so this cannot tell them apart. Try another task.",
            "none": "Not MAML: no gradient reaches theta. Was the update made through .data, .detach() or a deep copy?",
            "neither": f"Neither MAML nor FOMAML: {off} off the true meta-gradient, which first order is {first} off.",
            "in place": "Not MAML: the adaptation changes theta itself. Make new tensors in the inner step.",
        }[self.order]


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share < 10 else "far"


@torch.enable_grad()  # under no_grad every meta-gradient would look missing
def is_it_maml(
    adapt_fn: Callable[[Params, Tensor, Tensor], Params],
    loss_fn: Callable[[Params, Tensor, Tensor], Tensor],
    theta: Params,
    episode: Episode,
    *,
    meta_gradient: Callable[[Params, Episode], Params] | None = None,
    directions: int = 4,
    epsilon: float = 1e-6,
    seed: int = 0,
) -> Verdict:
    """Compare a meta-gradient with central differences in float64, and with the first-order gradient.

    adapt_fn(theta, support_x, support_y) -> phi: anybody's inner loop, for one task, no task axis.
    loss_fn(params, x, y) -> scalar: the loss on one task's data.
    theta: the start. episode: the first task of it is used. Both are turned into float64 copies.
    meta_gradient(theta, episode) -> gradient: if given, this is judged instead of autograd through ``adapt_fn``;
        it gets the one-task episode with its task axis.
    directions: how many random directions are tried. epsilon: the length of the move.

    Source: the definition, Finn, Abbeel, Levine 2017, equation 2; no library's word is taken for it.
    Taught in: lessons 06, 09.
    """
    one = checked(episode).part(slice(0, 1)).to(dtype=torch.float64)
    support_x, support_y, query_x, query_y = (each[0] for each in one)
    theta = map_params(lambda value: value.detach().to(torch.float64).clone(), theta)

    def query_loss(start: Params) -> Tensor:
        return loss_fn(adapt_fn(start, support_x, support_y), query_x, query_y)

    point = leaves(theta)
    phi = adapt_fn(point, support_x, support_y)
    if any(not torch.equal(point[name], theta[name]) for name in theta):
        return Verdict("in place", float("nan"), float("nan"))
    claimed = (
        meta_gradient(leaves(theta), one)
        if meta_gradient
        else _gradient(loss_fn(phi, query_x, query_y), point)
    )
    moved = leaves({name: value for name, value in phi.items() if value.is_floating_point()})
    first_order = _gradient(loss_fn(phi | moved, query_x, query_y), moved)  # a step count stays as it is

    generator = torch.Generator(device=support_x.device).manual_seed(seed)
    true, ours, first = [], [], []
    for _ in range(directions):
        way = map_params(
            lambda value: torch.randn(
                value.shape, generator=generator, dtype=value.dtype, device=value.device
            ),
            theta,
        )
        way = scale(1 / norm(way), way)
        ahead, behind = (query_loss(leaves(add(theta, scale(s * epsilon, way)))).detach() for s in (1, -1))
        true.append((ahead - behind) / (2 * epsilon))
        ours.append(dot(claimed, way))
        first.append(
            dot({name: first_order.get(name, torch.zeros_like(v)) for name, v in theta.items()}, way)
        )
    truth = torch.stack(true)
    error = _distance(torch.stack(ours), truth)
    error_first_order = _distance(torch.stack(first), truth)
    order: Order
    if error < TOLERANCE:
        order = "both" if error_first_order < TOLERANCE else "second"
    elif not any(value.any() for value in claimed.values()):
        order = "none"
    elif _distance(torch.stack(ours), torch.stack(first)) < TOLERANCE:
        order = "first"
    else:
        order = "neither"
    return Verdict(order, error, error_first_order)


def _gradient(loss: Tensor, by: Params) -> Params:
    """The gradient of ``loss``, or zeros where (or if) nothing leads back."""
    if not loss.requires_grad:
        return map_params(torch.zeros_like, by)
    return gradient_of(loss, by)


def _distance(a: Tensor, b: Tensor) -> float:
    """|a - b| / |b|."""
    return ((a - b).norm() / b.norm().clamp_min(1e-300)).item()
