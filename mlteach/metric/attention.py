"""Linear attention over (embedding, label): a query looks at the support pictures and takes over their labels, without a softmax.

    logits(x) = rate mean over j of (f(x) . f(x_j)) (onehot(y_j) - 1/C)     a zero head's first MAML step

Nothing adapts: the keys are the support features, the values their labels, and f is learned by the outer loop. With a softmax
over cosines it is a matching network (`mlteach.metric.matching`). Taught in: lesson 20.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.params import Params

LOG_RATE = "linear.log_rate"


def linear_logits(support: Tensor, y: Tensor, query: Tensor, ways: int, *, rate: float | Tensor) -> Tensor:
    """Logits [..., Q, ways] of one layer of linear attention: one step of gradient descent of a head of zeros, at this rate."""
    values = F.one_hot(y, ways).to(support.dtype) - 1 / ways
    return rate / support.shape[-2] * (query @ support.mT @ values)


def init_linear(dtype: torch.dtype = torch.float32) -> Params:
    """The learned rate's start: 1."""
    return {LOG_RATE: torch.zeros((), dtype=dtype)}


def read_linear(theta: Params, support: Tensor, y: Tensor, query: Tensor, ways: int) -> Tensor:
    """Linear attention as a reading; its rate is learned, exp of ``linear.log_rate``."""
    return linear_logits(support, y, query, ways, rate=theta[LOG_RATE].exp())
