"""Implicit MAML: the meta-gradient from where the inner loop ends alone, however long the way there was.

    phi   = argmin L_S(phi) + lambda / 2 |phi - theta|^2          (the inner loop, run until it stands still)
    0     = grad L_S(phi) + lambda (phi - theta)                  (what standing still means)
    d phi / d theta = (I + H_S(phi) / lambda)^-1                  (that equation, differentiated)

so the gradient is the solution x of (I + H_S(phi) / lambda) x = grad L_Q(phi). Nothing of the path is kept.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from mlteach.inner import Rule
from mlteach.inner.adapt import adapt, value_and_gradient
from mlteach.inner.objective import objectives
from mlteach.inner.proximal import proximal
from mlteach.nets.stepwise import net_at
from mlteach.outer.chunks import sum_over_chunks
from mlteach.outer.conjugate import conjugate_gradient
from mlteach.outer.maml import Net, TaskLoss, query_gradient
from mlteach.params import Params, detach, from_rows, in_double, leaves, pull_back, scale, stack, to_rows
from mlteach.tasks.episode import Episode, checked

Solve = Callable[
    [Callable[[Tensor], Tensor], Tensor, int], Tensor
]  # (x -> A x, b, iterations) -> x, [tasks, n]


def implicit_gradient(
    net: Net,
    loss: TaskLoss,
    theta: Params,
    episode: Episode,
    rule: Rule,
    steps: int,
    *,
    strength: float,
    solves: int = 5,
    start: Callable[[Params], Params] = dict,
    solve: Solve = conjugate_gradient,
    chunk: int | None = None,
) -> tuple[Params, dict[str, Tensor]]:
    """The gradient by theta of the mean query loss at the inner loop's end, and ``{"loss": ..., "accuracy": ...}``.

    The inner loop makes ``steps`` steps of ``proximal(rule, strength)`` without a record, so memory does not grow with them.
    The gradient is right where they end at the minimum: there it is `maml_gradient`'s with the same rule, 1e-6 and better in
    float64. **Short of the minimum it is no gradient of anything**, and can be far worse than none (lesson 14).

    strength: lambda. Larger than the most negative curvature of the support loss, or the end is no minimum.
    solves: iterations of ``solve``, one product with the Hessian each; 0 leaves the system out: x = grad L_Q(phi).
    solve: (x -> A x, b, iterations) -> x, everything [tasks, n]. net, loss, start, chunk: as for `maml_gradient`.

    Source: Rajeswaran, Finn, Kakade, Levine 2019, equation 6. Taught in: lesson 14.
    """

    def part(tasks: Episode) -> tuple[Params, dict[str, Tensor]]:
        point = leaves(theta)
        with torch.enable_grad():
            begin = stack(start(point), tasks.tasks)
        descent = objectives(net, loss, tasks.seen, rule, max(steps, 1), tasks.tasks)
        with torch.no_grad():
            phi = adapt(descent[:steps], detach(begin), proximal(rule, strength), steps)
        with torch.enable_grad():
            v, numbers = query_gradient(net_at(net, steps), loss, phi, tasks)
            x = _solved(descent[-1], phi, v, strength, solves, solve)
            return pull_back([(scale(1 / episode.tasks, x), begin)], point), numbers

    gradient, sums = sum_over_chunks(part, checked(episode), chunk)
    return gradient, {name: in_double(value) / episode.tasks for name, value in sums.items()}


def _solved(
    descent: Callable[[Params], Tensor], phi: Params, v: Params, strength: float, solves: int, solve: Solve
) -> Params:
    """x of (I + H / strength) x = v for every task, [tasks, ...] each."""
    if solves == 0:
        return v
    at = {name: value.detach().requires_grad_() for name, value in phi.items()}
    _, gradient = value_and_gradient(descent, at, list(at), first_order=False)
    kept = [name for name in at if gradient[name].requires_grad]  # the others have no curvature

    def times(x: Tensor) -> Tensor:
        u = from_rows(x, phi)
        found = torch.autograd.grad(
            [gradient[name] for name in kept],
            list(at.values()),
            [u[name] for name in kept],
            retain_graph=True,
            allow_unused=True,
            materialize_grads=True,
        )
        return x + to_rows(dict(zip(at, found, strict=True))) / strength

    return from_rows(solve(times, to_rows(v), solves).detach(), phi)
