"""Recall: one sequence of pictures, and the label of each comes one step late.

    sees:     x_1, -      x_2, y_1      x_3, y_2   ...        answers:   y_1?   y_2?   y_3?   ...

Five classes are shown ten times each, in any order, under labels dealt anew. At its first showing a class can be guessed at
best; from the second on, whoever remembers is right. So accuracy is counted by showing. Nothing is set apart to learn from:
the sequence is support set and queries in one, and stands in an `Episode` as both.

Source: Santoro et al. 2016, section 2. Taught in: lesson 19.
"""

from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.nets.loss import cross_entropy
from mlteach.params import Params, gradient_of, leaves
from mlteach.tasks.episode import Episode, checked, several

#: (params, seen [tasks, T, features], labels [tasks, T, ways]) -> logits [tasks, T, ways]. Step t may use steps 1 to t of both.
Learner = Callable[[Params, Tensor, Tensor], Tensor]


def sequences(
    rows: Tensor, tasks: int, *, ways: int = 5, shows: int = 10, generator: torch.Generator
) -> Episode:
    """Sequences [tasks, ways * shows, ...] out of rows [classes, drawings, ...]: bytes come as 0 to 1, numbers as they are.

    In a sequence no class and no drawing comes twice, the order is random, and so is which class has which label 0 to ways - 1.
    Raises EpisodeError for more than there is.
    """
    classes, drawings = rows.shape[:2]
    if min(tasks, ways, shows) < 1 or ways > classes or shows > drawings:
        raise EpisodeError(
            f"{tasks} sequences of {ways} classes with {shows} showings were asked for, and there are {classes} classes of "
            f"{drawings} drawings; ask for one at least, and for no more than there are."
        )
    picked = torch.rand(tasks, classes, generator=generator).topk(ways).indices  # position is label
    hands = torch.rand(tasks, ways, drawings, generator=generator).argsort(-1)[..., :shows]
    order = torch.rand(tasks, ways * shows, generator=generator).argsort(-1)
    y = order // shows
    place = picked.gather(1, y) * drawings + hands.flatten(1).gather(1, order)
    x = rows.flatten(0, 1)[place.flatten().to(rows.device)].unflatten(0, place.shape)
    x, y = x.float() / 255 if x.dtype == torch.uint8 else x, y.to(rows.device)
    return Episode(x, y, x, y)


def labels_shown(y: Tensor, ways: int, *, late: bool = True, like: Tensor | None = None) -> Tensor:
    """What is shown of labels [tasks, T]: one-hot [tasks, T, ways], one step late, the first all zeros.

    late: False shows each label with its own picture, and there is nothing left to remember. like: a tensor of the type wanted.
    """
    shown = F.one_hot(y, ways).to(torch.get_default_dtype() if like is None else like.dtype)
    return F.pad(shown, (0, 0, 1, 0))[..., :-1, :] if late else shown


def bound(x: Tensor) -> Tensor:
    """Each step's features beside those of the step before, [tasks, T, 2 d]: with a late label come both that belong together."""
    return torch.cat([x, F.pad(x, (0, 0, 1, 0))[..., :-1, :]], -1)


def showing(y: Tensor) -> Tensor:
    """How often the class of each step has been shown by then, itself included, for labels [..., T]: 1, 2, ..."""
    same = y.unsqueeze(-1) == y.unsqueeze(-2)
    return same.tril().sum(-1)


def ceiling(ways: int) -> float:
    """The best share of right answers at the first showing: 1/ways, 1/(ways - 1), ..., 1 on average.

    Whoever knows that a class is new guesses among the labels that are left: H_n / n, for five .457.
    """
    return sum(1 / left for left in range(1, ways + 1)) / ways


def recall_logits(
    learner: Learner,
    params: Params,
    episode: Episode,
    *,
    ways: int = 5,
    late: bool = True,
    binding: bool = False,
) -> Tensor:
    """What a learner answers at each step, [tasks, T, ways]. late: see `labels_shown`; binding: whether it sees `bound`."""
    x = checked(episode).support_x
    return learner(
        params, bound(x) if binding else x, labels_shown(episode.support_y, ways, late=late, like=x)
    )


def recall_gradient(
    learner: Learner,
    theta: Params,
    episode: Episode,
    *,
    ways: int = 5,
    late: bool = True,
    binding: bool = False,
) -> tuple[Params, dict[str, Tensor]]:
    """The gradient by theta of the mean loss over all steps, and numbers to show, for `mlteach.fit`."""
    point = leaves(theta)
    logits = recall_logits(learner, point, episode, ways=ways, late=late, binding=binding)
    loss = cross_entropy(logits, episode.support_y).mean()
    times, right = showing(episode.support_y), logits.argmax(-1) == episode.support_y
    seen = {name: right[times == time].double().mean() for time, name in ((1, "first"), (2, "second"))}
    return gradient_of(loss, point), {"loss": loss.detach()} | seen


def by_showing(right: Tensor, y: Tensor, shows: int = 10) -> Tensor:
    """Of right answers [tasks, T] and labels [tasks, T] each task's share at the 1st, 2nd, ... showing, [tasks, shows]."""
    times = showing(y)
    return torch.stack(
        [
            (right & (times == k)).double().sum(-1) / (times == k).sum(-1).clamp(min=1)
            for k in range(1, shows + 1)
        ],
        -1,
    )


@torch.no_grad()
def recall(
    learner: Learner,
    theta: Params,
    episodes: Iterable[Episode],
    *,
    ways: int = 5,
    late: bool = True,
    binding: bool = False,
) -> Tensor:
    """Each task's share of right answers at the 1st, 2nd, ... showing, [tasks, shows], in [0, 1]."""
    found = []
    for episode in several(episodes):
        logits = recall_logits(learner, theta, episode, ways=ways, late=late, binding=binding)
        found.append(
            by_showing(
                logits.argmax(-1) == episode.support_y, episode.support_y, episode.support_y.shape[1] // ways
            )
        )
    return torch.cat(found)
