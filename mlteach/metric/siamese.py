"""Siamese networks: two pictures through one network, and the answer to "is it the same?"

    score(x, x') = b + sum_j w_j |f_j(x) - f_j(x')|,    p(same) = sigmoid(score)

It is trained on pairs and never sees a task. Afterwards a query gets the class whose support pictures score highest.

Source: Koch, Zemel, Salakhutdinov 2015, section 3. Taught in: lesson 18.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.metric.reading import classes_of
from mlteach.params import Params

WEIGHT, BIAS = "siamese.weight", "siamese.bias"


def init_siamese(features: int, dtype: torch.dtype = torch.float32) -> Params:
    """Every feature counts against "same", equally."""
    return {WEIGHT: torch.full((features,), -0.1, dtype=dtype), BIAS: torch.zeros((), dtype=dtype)}


def siamese_scores(theta: Params, first: Tensor, second: Tensor) -> Tensor:
    """The score of every pair, [..., Q, S], for features [..., Q, d] and [..., S, d]: symmetric, b for a picture and itself."""
    return (first.unsqueeze(-2) - second.unsqueeze(-3)).abs() @ theta[WEIGHT] + theta[BIAS]


def read_siamese(theta: Params, support: Tensor, y: Tensor, query: Tensor, ways: int) -> Tensor:
    """A class's mean score over its support pictures, [..., Q, ways]."""
    member = classes_of(y, ways).to(query.dtype)
    return siamese_scores(theta, query, support) @ member / member.sum(-2).unsqueeze(-2)


def pair_loss(theta: Params, support: Tensor, y: Tensor, query: Tensor, query_y: Tensor, ways: int) -> Tensor:
    """Binary cross-entropy over all pairs of a query and a support picture, [tasks]; equal and unequal pairs weigh a half each.

    Without the halves a network of 20 ways does well that always says "another". Raises EpisodeError for a single class.
    """
    if ways < 2:
        raise EpisodeError("Pairs need two classes at least: with one there is no unequal pair.")
    scores = siamese_scores(theta, query, support)
    same = (query_y.unsqueeze(-1) == y.unsqueeze(-2)).to(scores.dtype)
    each = F.binary_cross_entropy_with_logits(scores, same, reduction="none")
    equal, other = ((each * part).sum((-2, -1)) / part.sum((-2, -1)) for part in (same, 1 - same))
    return (equal + other) / 2
