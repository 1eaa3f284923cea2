"""Matching networks: a query is labelled by the support pictures it resembles, each as much as it resembles.

    a_i = softmax over the support of scale * cos(f(x), g(x_i))
    p(class k | x) = sum of a_i over the support pictures of class k

This is attention: queries look up keys g(x_i) whose values are labels. Cosines lie between -1 and 1. So without a ``scale``
(an inverse temperature) one support picture of n gets at most e / (e + (n - 1) / e), and the training loss cannot fall below
minus the logarithm of that (`most_certain`).

Source: Vinyals, Blundell, Lillicrap, Kavukcuoglu, Wierstra 2016, section 2.1. Taught in: lesson 18.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.metric.reading import Reading, classes_of
from mlteach.params import Params

LOG_SCALE = "matching.log_scale"


def matching_logits(
    support: Tensor, y: Tensor, query: Tensor, ways: int, *, scale: float | Tensor = 1.0
) -> Tensor:
    """log p(class | query), [..., Q, ways], for features [..., S, d] and [..., Q, d] and labels [..., S].

    A class without a support picture gets -inf. The logarithm is taken of the sum over a class, by logsumexp, and not in the sum.
    """
    similarity = F.normalize(query, dim=-1) @ F.normalize(support, dim=-1).mT
    attention = (scale * similarity).log_softmax(-1)
    other = ~classes_of(y, ways).mT.unsqueeze(-3)  # [..., 1, ways, S]
    return attention.unsqueeze(-2).masked_fill(other, -math.inf).logsumexp(-1)


def read_matching(scale: float | None = None) -> Reading:
    """Matching as a reading. scale: fixed; None: learned, exp of ``matching.log_scale``."""

    def reading(theta: Params, support: Tensor, y: Tensor, query: Tensor, ways: int) -> Tensor:
        by = theta[LOG_SCALE].exp() if scale is None else scale
        return matching_logits(support, y, query, ways, scale=by)

    return reading


def init_matching(scale: float = 10.0, dtype: torch.dtype = torch.float32) -> Params:
    """The learned temperature's start."""
    return {LOG_SCALE: torch.tensor(math.log(scale), dtype=dtype)}


def most_certain(ways: int, *, scale: float = 1.0, least: float = -1.0) -> float:
    """The largest probability that one picture of each of ``ways`` classes can get: own cosine 1, all others ``least``.

    Vectors in general reach -1. Features after a ReLU have no negative entry, so their cosines end at 0.
    """
    return 1 / (1 + (ways - 1) * math.exp(scale * (least - 1)))
