"""Contrastive learning: every picture its own class, two views of it support and query. No label is looked at in training.

Lesson 17's settings. At test a query takes the label of the support picture nearest by cosine.
"""

from functools import partial

import torch
from torch import Tensor

from mlteach.methods.method import Method, Norm, bare_body, body, features_under
from mlteach.metric import prototype_logits
from mlteach.metric.contrastive import contrastive_gradient, nt_xent, unit
from mlteach.params import Params
from mlteach.tasks import Characters, Episode
from mlteach.tasks.views import View, two_views

PICTURES, TEMPERATURE, VIEW = 64, 0.05, View(shift=3, bend=1.5)


def sample(characters: Characters, generator: torch.Generator) -> Episode:
    """One batch of pictures, two views of each."""
    return two_views(characters.images, PICTURES, VIEW, generator=generator)


def answer(theta: Params, episode: Episode, norm: Norm) -> Tensor:
    """Prototypes of rows at length one."""
    support, query = (unit(each) for each in features_under(theta, episode, norm))
    return prototype_logits(support, episode.support_y, query, int(episode.support_y.max()) + 1)


METHOD = Method(
    "no labels", "17", "metric", bare_body(5), sample,
    partial(contrastive_gradient, body().features_of, loss=partial(nt_xent, temperature=TEMPERATURE)), answer,
)  # fmt: skip
