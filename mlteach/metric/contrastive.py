"""Contrastive learning: every picture is a class of its own, one view of it the support picture, another the query.

With unit rows a_n (support) and b_n (query), cosines over a temperature are logits, and the n-th of N ways is right:

    matching(a, b) = mean_n  -log  exp(b_n . a_n / tau) / sum_m exp(b_n . a_m / tau)

That is the loss of a matching network at one shot; averaged over both directions it is that of CLIP. NT-Xent, the loss
of SimCLR, asks each of the 2 N views for its partner among all *other* views, those of its own side included. So it is the
symmetric matching loss plus the mean of log(1 + S / C), S the sum over the own side and C that over the other
(`same_view_surplus`). A prototypical network on unit rows, with its distance divided by 2 tau, has the matching loss.

`byol_loss` has no other pictures at all: a predictor of one view's row is pulled to the other view's, which is held still.

Sources: Vinyals et al. 2016, section 2.1; Chen, Kornblith, Norouzi, Hinton 2020, equation 1 and algorithm 1; Ni et al. 2022,
sections 3 and 4; Grill et al. 2020, section 3.1. Taught in: lesson 17.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.metric.prototypes import Features, prototype_logits
from mlteach.params import Params, gradient_of, leaves, stack
from mlteach.tasks.episode import Episode, checked

#: (support rows [..., N, d], query rows [..., N, d]) -> [...]; row n of one belongs to row n of the other.
ViewLoss = Callable[[Tensor, Tensor], Tensor]


def unit(features: Tensor) -> Tensor:
    """Every row [..., d] at length one. A row of zeros stays one."""
    return F.normalize(features, dim=-1)


def matching_loss(support: Tensor, query: Tensor, *, temperature: float = 0.1) -> Tensor:
    """Each query's loss on finding its own support picture by cosine: [..., N, d] twice -> [...]."""
    return _own(unit(query) @ unit(support).mT / temperature)


def symmetric_matching_loss(support: Tensor, query: Tensor, *, temperature: float = 0.1) -> Tensor:
    """The mean of `matching_loss` in both directions, either view as the support picture: [..., N, d] twice -> [...]."""
    similar = unit(query) @ unit(support).mT / temperature
    return (_own(similar) + _own(similar.mT)) / 2


def prototype_view_loss(support: Tensor, query: Tensor, *, temperature: float = 0.1) -> Tensor:
    """The loss of a prototypical network with one shot of each picture: [..., N, d] twice -> [...].

    Its rows are at length one and its squared distances are divided by twice the temperature: `matching_loss`, exactly.
    """
    y = torch.arange(support.shape[-2], device=support.device).expand(support.shape[:-1])
    return _own(
        prototype_logits(unit(support), y, unit(query), support.shape[-2], scale=1 / (2 * temperature))
    )


def nt_xent(support: Tensor, query: Tensor, *, temperature: float = 0.1) -> Tensor:
    """The normalised, temperature-scaled cross entropy of SimCLR over 2 N views: [..., N, d] twice -> [...]."""
    both = unit(torch.cat([support, query], -2))
    count = support.shape[-2]
    similar = both @ both.mT / temperature
    itself = torch.eye(2 * count, dtype=torch.bool, device=both.device)
    chances = similar.masked_fill(itself, -torch.inf).log_softmax(-1)
    partner = chances.roll(count, -1)  # on the diagonal: view n of one side under view n of the other
    return -partner.diagonal(dim1=-2, dim2=-1).mean(-1)


def same_view_surplus(support: Tensor, query: Tensor, *, temperature: float = 0.1) -> Tensor:
    """What `nt_xent` has above `symmetric_matching_loss`: the mean of log(1 + S / C), [..., N, d] twice -> [...].

    S: the sum of exp(cosine / temperature) over the other pictures of a view's own side. C: that over the other side.
    """
    a, b = unit(support), unit(query)
    itself = torch.eye(a.shape[-2], dtype=torch.bool, device=a.device)
    found = []
    for own, other in ((a, b), (b, a)):
        same = (own @ own.mT / temperature).masked_fill(itself, -torch.inf).logsumexp(-1)
        cross = (own @ other.mT / temperature).logsumexp(-1)
        found.append(F.softplus(same - cross).mean(-1))
    return (found[0] + found[1]) / 2


def byol_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """2 - 2 cosine of each prediction and its target, which no gradient enters: [..., N, d] twice -> [...]."""
    return (2 - 2 * (unit(predicted) * unit(target.detach())).sum(-1)).mean(-1)


def partners_found(support: Tensor, query: Tensor) -> Tensor:
    """The share of queries that are nearest, by cosine, to their own support row: [..., N, d] twice -> [...]."""
    nearest = (unit(query) @ unit(support).mT).argmax(-1)
    own = torch.arange(support.shape[-2], device=support.device)
    return (nearest == own).to(support.dtype).mean(-1)


def contrastive_gradient(
    features: Features, theta: Params, episode: Episode, *, loss: ViewLoss = nt_xent
) -> tuple[Params, dict[str, Tensor]]:
    """The gradient by theta of the mean loss of both views, and ``{"loss": ..., "partners": ...}``, for `mlteach.fit`.

    features: (params, x [tasks, N, ...]) -> [tasks, N, d]. Both views go through it as one batch.
    episode: of `mlteach.tasks.views.two_views`: query n belongs to support picture n. Raises EpisodeError for another.
    """
    if not torch.equal(checked(episode).support_y, episode.query_y):
        raise EpisodeError("Query n must belong to support picture n; make the episode with two_views.")
    point, count = leaves(theta), episode.support_y.shape[1]
    both = torch.cat([episode.support_x, episode.query_x], 1)
    rows = features(stack(point, episode.tasks), both)
    losses = loss(rows[:, :count], rows[:, count:])
    found = partners_found(rows[:, :count].detach(), rows[:, count:].detach())
    return gradient_of(losses.mean(), point), {"loss": losses.detach().mean(), "partners": found.mean()}


def _own(logits: Tensor) -> Tensor:
    """The mean loss of rows [..., N, N] whose right class is their own number."""
    return -logits.log_softmax(-1).diagonal(dim1=-2, dim2=-1).mean(-1)
