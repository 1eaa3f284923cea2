"""Learning to read a support set: the outer loop of every learner that answers in one pass and adapts nothing.

    theta = theta - beta * grad_theta mean over tasks of L_query(net(theta, support, queries))

It is MAML's outer loop without an inner one. Whatever the network does with the support set, it has learned here.
Taught in: lesson 20.
"""

from collections.abc import Callable

from torch import Tensor

from mlteach.nets.loss import share_right, task_losses
from mlteach.params import Params, gradient_of, leaves
from mlteach.tasks.episode import Episode, checked

Reader = Callable[[Params, Tensor, Tensor, Tensor], Tensor]


def in_context_gradient(
    net: Reader,
    loss: Callable[[Tensor, Tensor], Tensor],
    theta: Params,
    episode: Episode,
    *,
    cap: float | None = None,
) -> tuple[Params, dict[str, Tensor]]:
    """The gradient by theta of the mean query loss, and ``{"loss": ...}`` (with labels ``"accuracy"``), for `mlteach.fit`.

    net(params, support_x, support_y, query_x) -> outputs [tasks, Q, ...]; params have no task axis, for nothing adapts.
    cap: a task whose loss is larger counts as this much, and has no gradient. Deep linear attention is a polynomial of a high
        degree, and one task in a thousand would rule all others.
    """
    point = leaves(theta)
    outputs = net(point, *checked(episode).seen)
    losses = task_losses(loss, outputs, episode.query_y, episode.tasks)
    counted = losses if cap is None else losses.clamp(max=cap)
    numbers = {"loss": counted.detach().mean()}
    if not episode.query_y.is_floating_point():
        numbers["accuracy"] = share_right(outputs.detach(), episode.query_y).mean()
    return gradient_of(counted.mean(), point), numbers
