"""What the order of the labels does: one task, its classes numbered in every way there is."""

import itertools
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mlteach.inner import Rule
from mlteach.measure.accuracy import path_of
from mlteach.nets.stepwise import net_at
from mlteach.params import Params
from mlteach.tasks.episode import Episode

AT_ONCE = 8  # orders of one task that are adapted side by side: more fall out of a processor's cache


class Spread(NamedTuple):
    """One task under many label orders, in percent: the mean over them, the best, the worst, and best - worst."""

    mean: float
    best: float
    worst: float
    spread: float


def orders_of(ways: int) -> Tensor:
    """All ways! label orders, [ways!, ways]: class c of the task gets the label ``orders[i, c]``. The first is as it comes."""
    return torch.tensor(list(itertools.permutations(range(ways))))


def relabelled(task: Episode, orders: Tensor) -> Episode:
    """One task (task axis 1) once for each of the orders [orders, ways]: the same pictures, other labels."""
    count = len(orders)
    x = [each.expand(count, *each.shape[1:]) for each in (task.support_x, task.query_x)]
    return Episode(x[0], orders[:, task.support_y[0]], x[1], orders[:, task.query_y[0]])


def back_in_order(logits: Tensor, orders: Tensor) -> Tensor:
    """Answers for labels, [orders, Q, ways], as answers for the task's own classes: class c is column ``orders[i, c]``."""
    return logits.gather(-1, orders[:, None].expand_as(logits))


@torch.no_grad()
def permuted_logits(
    net: Callable[..., Tensor],
    theta: Params,
    task: Episode,
    rule: Rule,
    at: Collection[int],
    orders: Tensor,
    *,
    start: Callable[[Params], Params] = dict,
    mode: str = "transductive",
    **how: Any,
) -> Tensor:
    """Adapt one task (task axis 1) under each label order: logits for its own classes, [len(at), orders, Q, ways].

    at: after which numbers of inner steps to look. mode: batch norm's, for the queries. how: ``only``, as for `path_of`.
    Taught in: lesson 14.
    """
    found = []
    for some in orders.split(AT_ONCE):
        tasks = relabelled(task, some)
        path = path_of(net, theta, tasks, rule, max(at), start=start, **how)
        logits = [net_at(net, t)(path[t], tasks.query_x, mode, support=tasks.support_x) for t in at]
        found.append(torch.stack([back_in_order(each, some) for each in logits]))
    return torch.cat(found, dim=1)


def permuted_accuracy(logits: Tensor, task: Episode) -> Tensor:
    """The share of right answers under each order, in [0, 1]: `permuted_logits` [..., orders, Q, ways] -> [..., orders]."""
    return (logits.argmax(-1) == task.query_y[0]).double().mean(-1)


def spread_of(shares: Tensor) -> list[Spread]:
    """For each task its `Spread`, out of the shares of right answers [tasks, orders]."""
    percent = 100 * shares.double()
    best, worst = percent.amax(1), percent.amin(1)
    columns = torch.stack([percent.mean(1), best, worst, best - worst], dim=1)
    return [Spread(*row) for row in columns.tolist()]
