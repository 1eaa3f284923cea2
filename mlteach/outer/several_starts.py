"""Several starts in place of one: tasks are grouped by where they adapt to, and each group gets a start of its own.

    1. theta                        MAML on all tasks
    2. phi_i = adapt(theta, task i) for many tasks, each a point; K-means finds K groups, and their means are the starts
    3. theta_k                      MAML goes on from mean k, on the tasks of group k alone
    4. a new task                   adapts from theta, and takes the start whose mean is nearest; then adapts again, from that start

Steps 1 and 3 are `maml_gradient` as it is; this file has what stands between. With K = 1 there is one group, and it is MAML.

Source: Zhou et al. 2021 (TSA-MAML), algorithm 1. Taught in: lesson 15.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.inner import Rule, adapt
from mlteach.nets.loss import task_losses
from mlteach.outer.maml import Net, TaskLoss
from mlteach.params import Params, from_vector, stack, to_rows
from mlteach.tasks.episode import Episode, checked


class Groups(NamedTuple):
    """K groups of points: their means [K, numbers], and the group of each point, int64 [points]."""

    means: Tensor
    group: Tensor


def adapted_points(
    net: Net, loss: TaskLoss, theta: Params, episode: Episode, rule: Rule, steps: int
) -> Tensor:
    """Where each task adapts to from theta, as one long vector: [tasks, numbers], without history."""
    with torch.no_grad():
        return to_rows(
            adapt(_on_support(net, loss, episode), stack(theta, checked(episode).tasks), rule, steps)
        )


def _on_support(net: Net, loss: TaskLoss, episode: Episode) -> Callable[[Params], Tensor]:
    """The support loss of every task, params -> [tasks]."""
    return lambda params: task_losses(loss, net(params, episode.support_x), episode.support_y, episode.tasks)


def grouped(points: Tensor, groups: int, *, seed: int = 0) -> Groups:
    """K-means of ``points`` [n, numbers]: the best of five tries of scikit-learn's. Raises EpisodeError without it.

    One group needs no search: its mean is the points' mean.
    """
    if groups == 1:
        return Groups(points.mean(0, keepdim=True), torch.zeros(len(points), dtype=torch.int64))
    try:
        from sklearn.cluster import KMeans
    except ImportError as error:
        raise EpisodeError(
            "K-means comes from scikit-learn, which is not installed; `pip install scikit-learn` adds it."
        ) from error
    found = KMeans(groups, n_init=5, random_state=seed).fit(points.cpu().double().numpy())
    means = torch.as_tensor(found.cluster_centers_).to(points)
    return Groups(means, nearest(points, means))


def nearest(points: Tensor, means: Tensor) -> Tensor:
    """The group whose mean is nearest, int64 [points], for points [n, numbers] and means [K, numbers]."""
    return torch.cdist(points, means).argmin(1)


def starts_of(groups: Groups, like: Params) -> list[Params]:
    """The means as K starts, with the names and shapes of ``like``."""
    return [from_vector(mean, like) for mean in groups.means]


def adapted_from(
    net: Net, loss: TaskLoss, starts: Sequence[Params], episode: Episode, rule: Rule, steps: int
) -> tuple[Tensor, Tensor]:
    """Support and query losses of every task after adapting from every start, [K, tasks] each, without history."""
    support, query = [], []
    for start in starts:
        with torch.no_grad():
            on_support = _on_support(net, loss, episode)
            phi = adapt(on_support, stack(start, checked(episode).tasks), rule, steps)
            support.append(on_support(phi))
            query.append(task_losses(loss, net(phi, episode.query_x), episode.query_y, episode.tasks))
    return torch.stack(support), torch.stack(query)


def purity(group: Tensor, family: Tensor) -> float:
    """The share of tasks whose family is the commonest of their group, in [0, 1]; both int64 [tasks].

    Chance is the share of the commonest family of all, or a little more where groups are small.
    """
    commonest = [torch.bincount(family[group == each]).max() for each in group.unique()]
    return sum(each.item() for each in commonest) / len(group)
