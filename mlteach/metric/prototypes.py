"""Prototypical networks: a class is the mean of its support features, and a query belongs to the nearest mean.

    c_k = mean of f(x) over the support pictures of class k
    logit_k(x) = -scale * |f(x) - c_k|^2

Nothing adapts: f is learned by the outer loop, through ordinary gradients. Multiplied out, |f|^2 - 2 f . c_k + |c_k|^2, and
softmax forgets |f|^2, which all classes share: so this is a linear head W = 2 scale C, b = -scale |c|^2 that nobody trained
(`prototype_head`).

Source: Snell, Swersky, Zemel 2017, sections 2.3 and 2.4. Taught in: lesson 16.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.nets.loss import cross_entropy, share_right
from mlteach.params import Params, gradient_of, leaves, stack
from mlteach.tasks.episode import Episode, checked

Features = Callable[[Params, Tensor], Tensor]
Mix = Callable[[Episode], Episode]


def prototypes(features: Tensor, y: Tensor, ways: int) -> Tensor:
    """The mean of each class: features [..., S, d] and labels [..., S] -> [..., ways, d].

    Raises EpisodeError for labels that are not one for each row. A class without a row gets nan: it has no mean.
    """
    if features.shape[:-1] != y.shape or y.is_floating_point():
        raise EpisodeError(
            f"Features {tuple(features.shape)} need a label for each row, whole numbers {tuple(features.shape[:-1])}; these "
            f"are {tuple(y.shape)} of {y.dtype}."
        )
    member = F.one_hot(y, ways).to(features.dtype)
    return member.mT @ features / member.sum(-2).unsqueeze(-1)


def prototype_logits(support: Tensor, y: Tensor, query: Tensor, ways: int, *, scale: float = 1.0) -> Tensor:
    """-scale * squared distance to each prototype, [..., Q, ways], for features [..., S, d] and [..., Q, d].

    scale: an inverse temperature. Squared distances grow with the number of features: with hundreds of them 1 is much.
    """
    means = prototypes(support, y, ways)
    products = query @ means.mT
    lengths = query.square().sum(-1, keepdim=True) + means.square().sum(-1).unsqueeze(-2)
    return scale * (2 * products - lengths)


def prototype_head(support: Tensor, y: Tensor, ways: int, *, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    """The same as a linear head: weight [..., ways, d] and bias [..., ways], whose softmax is that of `prototype_logits`."""
    means = prototypes(support, y, ways)
    return 2 * scale * means, -scale * means.square().sum(-1)


def prototype_loss(
    features: Features,
    params: Params,
    episode: Episode,
    *,
    scale: float = 1.0,
    below: Features | None = None,
    mix: Mix | None = None,
) -> tuple[Tensor, Tensor]:
    """Each task's loss on its queries [tasks], and the logits [tasks, Q, ways], for parameters [tasks, ...].

    features: (params, x [tasks, N, ...]) -> [tasks, N, d]. Support and queries go through it as one batch.
    mix: changes the episode on the way, such as `mlteach.tasks.interpolation.interpolate` with a partner. What it sees are
        inputs, or the maps that ``below`` makes of them; then ``features`` goes on from there.
    """
    x = torch.cat([checked(episode).support_x, episode.query_x], 1)
    hidden, count = x if below is None else below(params, x), episode.support_y.shape[1]
    if mix is not None:
        episode = mix(Episode(hidden[:, :count], episode.support_y, hidden[:, count:], episode.query_y))
        hidden = torch.cat([episode.support_x, episode.query_x], 1)
    found = features(params, hidden)
    ways = int(episode.support_y.max()) + 1
    logits = prototype_logits(found[:, :count], episode.support_y, found[:, count:], ways, scale=scale)
    return cross_entropy(logits, episode.query_y), logits


def prototype_gradient(
    features: Features, theta: Params, episode: Episode, **how: Any
) -> tuple[Params, dict[str, Tensor]]:
    """The gradient by theta of the mean query loss, and ``{"loss": ..., "accuracy": ...}``, for `mlteach.fit`.

    how: ``scale``, ``below``, ``mix`` of `prototype_loss`.
    """
    point = leaves(theta)
    losses, logits = prototype_loss(features, stack(point, checked(episode).tasks), episode, **how)
    gradient = gradient_of(losses.mean(), point)
    return gradient, {
        "loss": losses.detach().mean(),
        "accuracy": share_right(logits.detach(), episode.query_y).mean(),
    }
