"""One loop for all methods that compare: a network makes features, and a *reading* turns support and query into logits.

    reading(theta, support [tasks, S, d], y [tasks, S], query [tasks, Q, d], ways) -> logits [tasks, Q, ways]

A reading may have parameters of its own among theta's: a temperature, the weights of a Siamese network, two LSTMs. Nothing
adapts, so theta has no task axis there. Prototypes, matching networks, Siamese networks and full context embeddings differ in
their reading and in nothing else. Taught in: lesson 18.
"""

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.metric.prototypes import prototype_logits
from mlteach.nets.loss import cross_entropy, share_right
from mlteach.params import Params, gradient_of, leaves, stack
from mlteach.tasks.episode import Episode, checked, several

Reading = Callable[[Params, Tensor, Tensor, Tensor, int], Tensor]
#: The loss of each task, [tasks], of (theta, support, support_y, query, query_y, ways).
ReadingLoss = Callable[[Params, Tensor, Tensor, Tensor, Tensor, int], Tensor]


def classes_of(y: Tensor, ways: int) -> Tensor:
    """Which row belongs to which class, bool [..., S, ways], for labels [..., S]. Raises EpisodeError for what are none."""
    if y.is_floating_point():
        raise EpisodeError(f"Labels are whole numbers, the classes' positions; these are {y.dtype}.")
    return y.unsqueeze(-1) == torch.arange(ways, device=y.device)


def read_prototypes(scale: float) -> Reading:
    """Prototypes as a reading, with the inverse temperature ``scale``."""
    return lambda theta, support, y, query, ways: prototype_logits(support, y, query, ways, scale=scale)


def features_of(
    features: Callable[..., Tensor], theta: Params, episode: Episode, mode: str = "transductive"
) -> tuple[Tensor, Tensor]:
    """Features of support [tasks, S, d] and queries [tasks, Q, d]: one batch to the network, under a batch-norm mode."""
    count = checked(episode).support_y.shape[1]
    both = torch.cat([episode.support_x, episode.query_x], 1)
    found = features(stack(theta, episode.tasks), both, mode, support=episode.support_x)
    return found[:, :count], found[:, count:]


def reading_gradient(
    features: Callable[..., Tensor],
    reading: Reading,
    theta: Params,
    episode: Episode,
    *,
    loss: ReadingLoss | None = None,
) -> tuple[Params, dict[str, Tensor]]:
    """The gradient by theta of the mean query loss, and ``{"loss": ..., "accuracy": ...}``, for `mlteach.fit`.

    features: such as `mlteach.nets.Conv4.features_of`; it passes over what it does not know of theta.
    loss: in place of the cross-entropy of the reading's logits.
    """
    point = leaves(theta)
    support, query = features_of(features, point, episode)
    ways = int(episode.support_y.max()) + 1
    logits = reading(point, support, episode.support_y, query, ways)
    if loss is None:
        losses = cross_entropy(logits, episode.query_y)
    else:
        losses = loss(point, support, episode.support_y, query, episode.query_y, ways)
    right = share_right(logits.detach(), episode.query_y).mean()
    return gradient_of(losses.mean(), point), {"loss": losses.detach().mean(), "accuracy": right}


@torch.no_grad()
def reading_accuracy(
    features: Callable[..., Tensor],
    reading: Reading,
    theta: Params,
    episodes: Iterable[Episode],
    *,
    modes: Sequence[str] = ("transductive", "support"),
) -> dict[str, Tensor]:
    """For each batch-norm mode, each task's share of right answers, [tasks], in [0, 1]."""
    found: dict[str, list[Tensor]] = {mode: [] for mode in modes}
    for episode in several(episodes):
        ways = int(episode.support_y.max()) + 1
        for mode in modes:
            support, query = features_of(features, theta, episode, mode)
            logits = reading(theta, support, episode.support_y, query, ways)
            found[mode].append(share_right(logits, episode.query_y))
    return {mode: torch.cat(values) for mode, values in found.items()}


def prototype_accuracy(
    features: Callable[..., Tensor],
    theta: Params,
    episodes: Iterable[Episode],
    *,
    modes: Sequence[str] = ("transductive", "support"),
) -> dict[str, Tensor]:
    """For each mode, each task's share of right answers by prototypes, [tasks], in [0, 1]; the scale does not change an answer.

    features: takes a batch-norm mode as `mlteach.nets.Conv4.features_of` does. "transductive": support and queries are one
        batch, as in training. "support": the queries are answered one by one, by the statistics of the support set.
    """
    return reading_accuracy(features, read_prototypes(1.0), theta, episodes, modes=modes)
