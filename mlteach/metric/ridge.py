"""Ridge regression as the reader: each task's linear classifier is not walked to but solved for, and gradients go through the solution.

    W = argmin |X W - Y|^2 + strength |W|^2 = X' (X X' + strength I)^-1 Y      X: support features [S, d], Y: labels, one-hot
    logits(x) = scale f(x) W

The system is S x S and not d x d, so a small support set costs little however many features there are. As the strength grows,
strength times the logits becomes linear attention's product (`mlteach.metric.attention`): one step from a head of zeros.

The paper also learns a number that is added to all logits. It cancels in softmax, so there is none here. Its authors' code differs
from its equation: a column of ones stands beside the features, and the strength is multiplied by S.

Source: Bertinetto, Henriques, Torr, Vedaldi 2019, equations 5 and 6 (R2-D2). Taught in: lesson 21.
"""

import math

import torch
from torch import Tensor

from mlteach.metric.reading import classes_of
from mlteach.params import Params

LOG_STRENGTH = "ridge.log_strength"
LOG_SCALE = "ridge.log_scale"


def ridge_logits(support: Tensor, y: Tensor, query: Tensor, ways: int, *, strength: float | Tensor) -> Tensor:
    """Values near 1 for the right class and 0 for others, [..., Q, ways], for features [..., S, d], [..., Q, d] and labels [..., S].

    strength: above 0. Raises EpisodeError for labels that are no whole numbers.
    """
    values = classes_of(y, ways).to(support.dtype)
    diagonal = torch.eye(support.shape[-2], dtype=support.dtype, device=support.device)
    return query @ support.mT @ torch.linalg.solve(support @ support.mT + strength * diagonal, values)


def init_ridge(strength: float = 1.0, scale: float = 10.0, dtype: torch.dtype = torch.float32) -> Params:
    """The start of both learned numbers, as logarithms; without a scale, softmax of values between 0 and 1 is nearly flat."""
    return {
        LOG_STRENGTH: torch.tensor(math.log(strength), dtype=dtype),
        LOG_SCALE: torch.tensor(math.log(scale), dtype=dtype),
    }


def read_ridge(theta: Params, support: Tensor, y: Tensor, query: Tensor, ways: int) -> Tensor:
    """Ridge regression as a reading; strength and scale are learned, exp of ``ridge.log_strength`` and ``ridge.log_scale``."""
    fitted = ridge_logits(support, y, query, ways, strength=theta[LOG_STRENGTH].exp())
    return theta[LOG_SCALE].exp() * fitted
