"""Two numbers in place of one, so that an LSTM can read gradients whose sizes span many powers of ten."""

import math

import torch
from torch import Tensor


def preprocess(x: Tensor, p: float = 10.0) -> Tensor:
    """Size and direction of each number, both within reach of an LSTM: [...] -> [..., 2].

        (log|x| / p, sign x)   where |x| >= e^-p
        (-1, e^p x)            where it is smaller

    The two lines meet at |x| = e^-p; written with clamps, they are one.

    Source: Andrychowicz et al. 2016, appendix A. Taught in: lessons 04, 05.
    """
    return torch.stack([x.abs().clamp_min(math.exp(-p)).log() / p, (math.exp(p) * x).clamp(-1, 1)], -1)
