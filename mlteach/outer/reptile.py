"""Reptile: the start moves towards what each task's training made of it. No gradient goes through the inner loop.

    phi_k = theta after k inner steps on a task
    theta = theta + beta * mean over tasks of (phi_k - theta)

Read as a gradient, which any optimizer can follow, that is theta - phi_k. With gradient descent inside, each step was
-alpha times a gradient, so (theta - phi_k) / alpha is the sum of the k gradients on the way; with k = 1 there is one,
at theta itself, and Reptile is joint training.

Serial Reptile: one task an episode. Batched: several. In `fit`, ``optimizer=torch.optim.SGD`` with ``lr=beta`` is
the rule above, and the default, Adam, the variant with Adam outside.
"""

from collections.abc import Callable, Collection

import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.inner import Rule, adapt
from mlteach.nets.loss import task_losses
from mlteach.outer.chunks import sum_over_chunks, tasks_at_once
from mlteach.outer.maml import Net, TaskLoss
from mlteach.params import Params, in_double, stack
from mlteach.tasks.episode import Episode, checked


def reptile_gradient(
    net: Net,
    loss: TaskLoss,
    theta: Params,
    episode: Episode,
    rule: Rule,
    steps: int,
    *,
    batch: int | None = None,
    only: Collection[str] | None = None,
    start: Callable[[Params], Params] = dict,
    chunk: int | None = None,
) -> tuple[Params, dict[str, Tensor]]:
    """The mean of theta - phi_k over the episode's tasks, and ``{"loss": ...}``, the mean query loss at phi_k (a tensor).

    Only the support set is trained on, and the queries are for the number alone: Reptile needs no split, so give it all
    points of a task as support.
    batch: how many support points each inner step sees. The first step gets the first ``batch`` of them, the second
        the next, and after the last it goes on with the first: draw them in random order, or use `shuffled`. Default:
        all points in every step. Raises EpisodeError for a batch the support set does not have.
    only, start, chunk: as in `maml_gradient`. A name that only ``start`` gives (a reset head) has no gradient.
    All tasks run side by side; the same numbers as one after the other to rounding (1e-10 in float64).

    Source: Nichol, Achiam, Schulman 2018, algorithms 1 (serial) and 2 (batched); theta - phi_k as a gradient for Adam:
    section 2; minibatches: their sinusoid demo. Taught in: lessons 07, 10.
    """
    points = checked(episode).support_x.shape[1]
    if batch is not None and not 1 <= batch <= points:
        raise EpisodeError(
            f"A minibatch of {batch} does not fit a support set of {points} points; give 1 to {points}."
        )

    def part(tasks: Episode) -> tuple[Params, dict[str, Tensor]]:
        taken = 0

        def support_loss(params: Params) -> Tensor:  # called once for each step
            nonlocal taken
            x, y = tasks.support_x, tasks.support_y
            if batch is not None:
                which = (taken + torch.arange(batch, device=x.device)) % points
                x, y, taken = x[:, which], y[:, which], taken + batch
            return task_losses(loss, net(params, x), y, tasks.tasks)

        with torch.no_grad():
            phi = adapt(support_loss, stack(start(theta), tasks.tasks), rule, steps, only=only)
            moved = {name: (value - phi[name]).sum(0) / episode.tasks for name, value in theta.items()}
            return moved, {
                "loss": task_losses(loss, net(phi, tasks.query_x), tasks.query_y, tasks.tasks).sum()
            }

    if chunk is None:
        chunk = tasks_at_once(episode.support_x[:, :batch])  # what one inner step sees
    gradient, sums = sum_over_chunks(part, episode, chunk)
    return gradient, {name: in_double(value) / episode.tasks for name, value in sums.items()}


def shuffled(episode: Episode, generator: torch.Generator) -> Episode:
    """The episode with each task's support points in a random order, so that minibatches of classes are mixed."""
    shape = episode.support_x.shape[:2]
    order = torch.rand(shape, generator=generator, device=generator.device).argsort(1)
    order = order.to(episode.support_x.device)
    rows = torch.arange(shape[0], device=order.device)[:, None]
    return episode._replace(
        support_x=episode.support_x[rows, order], support_y=episode.support_y[rows, order]
    )
