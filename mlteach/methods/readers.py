"""Readers: a network that is not told to compare reads the support set as a sequence, and answers at its end.

The body learns as prototypes do, and what it makes of the pictures is what the reader reads; no gradient of the reader reaches
the body. A sequence is the support set in random order, each label one step late and bound to its picture (lesson 19), then
the query. The training tasks of the reader have five classes: those of the prototypes' twenty, in groups of five, grouped eight times over.
"""

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.memory import Alone, Attend, bound, labels_shown
from mlteach.methods.method import Family, Method, Norm, bare_body, body, features_under
from mlteach.metric import features_of, prototype_logits
from mlteach.nets import cross_entropy
from mlteach.nets.loss import share_right
from mlteach.params import Params, gradient_of, leaves
from mlteach.tasks import Characters, Episode

WAYS, GROUPS, QUERIES, SCALE = 5, 4, 2, 0.05
LENGTH = 3.0  # of a picture's features, once they are centred on the support set: what an LSTM reads well
FEATURES = body().features
STRIDES = (1, 3, 7, 9, 11, 13, 17, 19)  # those that share no factor with twenty


def read(learner: Any, centred: bool, theta: Params, support: Tensor, y: Tensor, query: Tensor) -> Tensor:
    """Logits [tasks, Q, 5]: one sequence for each query of features [tasks, Q, d], after support [tasks, 5, d] and y [tasks, 5]."""
    tasks, asked = query.shape[:2]
    shown = support.unsqueeze(1).expand(-1, asked, -1, -1)
    x = torch.cat([shown, query.unsqueeze(2)], 2).flatten(0, 1)  # [tasks * Q, 6, d]
    x = LENGTH * F.normalize(x - x[:, :-1].mean(1, keepdim=True) if centred else x, dim=-1)
    labels = F.pad(y, (0, 1)).unsqueeze(1).expand(-1, asked, -1).flatten(0, 1)
    own = {name.removeprefix("reader."): value for name, value in theta.items() if name.startswith("reader.")}
    logits = learner(own, bound(x), labels_shown(labels, WAYS, like=x))
    return logits[:, -1].unflatten(0, (tasks, asked))


def sample(characters: Characters, generator: torch.Generator) -> Episode:
    """One task of twenty classes, its pictures in random order."""
    return characters.sample(1, GROUPS * WAYS, 1, QUERIES, generator=generator)


def regrouped(episode: Episode, stride: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Four small tasks out of one of twenty classes: the places of their pictures, and labels dealt anew.

    Of the support places and labels, [4, 5] each, of the queries [4, 10]. Class k gets number ``stride`` k of twenty, in a circle:
    another stride puts other classes together. Within a small task the order of the big one stays, which is random.
    """
    support, query = (y[0] * stride % (GROUPS * WAYS) for y in (episode.support_y, episode.query_y))
    rows, asked = ((y // WAYS).argsort(stable=True).unflatten(0, (GROUPS, -1)) for y in (support, query))
    return rows, support[rows] % WAYS, asked, query[asked] % WAYS


def gradient(learner: Any, centred: bool, theta: Params, episode: Episode) -> Any:
    """The gradient of the prototypes' loss by the body, and of the reader's loss by the reader."""
    point = leaves(theta)
    support, query = features_of(body().features_of, point, episode)
    ways = GROUPS * WAYS
    logits = prototype_logits(support, episode.support_y, query, ways, scale=SCALE)
    parts = [regrouped(episode, stride) for stride in STRIDES]
    rows, y, asked, truth = (torch.cat(each) for each in zip(*parts, strict=True))
    answers = read(learner, centred, point, support.detach()[0][rows], y, query.detach()[0][asked])
    losses = cross_entropy(logits, episode.query_y).mean() + cross_entropy(answers, truth).mean()
    found = share_right(answers.detach(), truth).mean()
    return gradient_of(losses, point), {"loss": losses.detach(), "accuracy": found}


def reader(name: str, learner: Any, family: Family, *, centred: bool = True, **how: Any) -> Method:
    """A method out of a learner of recall (`mlteach.memory`) that reads pairs of features."""

    def init(generator: torch.Generator) -> Params:
        theta = bare_body(WAYS)(generator)
        own = {f"reader.{name}": value for name, value in learner.init(generator).items()}
        return theta | own

    def answer(theta: Params, episode: Episode, norm: Norm) -> Tensor:
        support, query = features_under(theta, episode, norm)
        return read(learner, centred, theta, support, episode.support_y, query)

    return Method(
        name, "19", family, init, sample, partial(gradient, learner, centred), answer, ways=WAYS, **how
    )


ATTENTION = reader("attention reader", Attend(2 * FEATURES), "attention", lr=3e-3, clip=10.0)
LSTM = reader("LSTM reader", Alone(2 * FEATURES), "memory", lr=3e-3, clip=10.0)
#: Not in the table: the same without centring, to see what centring does.
AS_THEY_COME = reader(
    "attention reader, not centred", Attend(2 * FEATURES), "attention", centred=False, lr=3e-3, clip=10.0
)
