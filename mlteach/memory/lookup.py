"""A soft lookup: a dictionary that answers every question, by a mean of its values.

    a_i = softmax(s * q . k_i)        the address: how well the question q fits each key, s times as sharp
    read = sum a_i v_i                the read: the values, each as much as its address says

`Lookup` is the learner of recall made of it. Keys are the pictures shown before, values their labels, bound to them by hand; one
more place stands for "none of these", and holds the labels that nobody has used. It is a matching network over the past.

Sources: Weston, Chopra, Bordes 2015; Sukhbaatar et al. 2015; Vinyals et al. 2016. Taught in: lesson 19.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.params import Params


def addresses(question: Tensor, keys: Tensor, sharpness: float | Tensor = 1.0) -> Tensor:
    """Weights [..., n] that sum to one, for a question [..., d] and keys [..., n, d]."""
    return (sharpness * (keys @ question.unsqueeze(-1)).squeeze(-1)).softmax(-1)


def lookup(question: Tensor, keys: Tensor, values: Tensor, sharpness: float | Tensor = 1.0) -> Tensor:
    """What is read, [..., v]: values [..., n, v], each as much as its address says."""
    return (addresses(question, keys, sharpness).unsqueeze(-2) @ values).squeeze(-2)


@dataclass(frozen=True)
class Lookup:
    """Recall by lookup among the steps before.

    features: numbers a step. width: numbers of a key, a learned linear map of the features; 0: the features themselves are
    the key, and nothing is learned but the two numbers below.

    Parameters: ``key.weight`` [width, features], ``sharpness`` (its logarithm), ``new``: the cosine from which on a key fits
    better than "none of these".
    """

    features: int
    width: int = 64

    def init(self, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> Params:
        """Fresh parameters: a uniform key map, a sharpness of 10, half way to a perfect fit for what is new."""
        theta = {
            "sharpness": torch.tensor(math.log(10.0), dtype=dtype),
            "new": torch.tensor(0.5, dtype=dtype),
        }
        if self.width:
            bound = self.features**-0.5
            drawn = torch.rand(self.width, self.features, generator=generator, dtype=dtype)
            theta["key.weight"] = (2 * drawn - 1) * bound
        return theta

    def __call__(self, params: Params, seen: Tensor, labels: Tensor) -> Tensor:
        """Logarithms of probabilities [tasks, T, ways], for features [tasks, T, d] and late labels [tasks, T, ways]."""
        x = F.linear(seen, params["key.weight"]) if self.width else seen
        keys, sharpness = F.normalize(x, dim=-1), params["sharpness"].exp()
        past = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril(-1)
        fits = keys @ keys.mT
        none = params["new"].expand(*fits.shape[:-1], 1)
        open_to = F.pad(past, (0, 1), value=True)  # the place for "none of these" always is
        address = (sharpness * torch.cat([fits, none], -1)).masked_fill(~open_to, -torch.inf).softmax(-1)
        values = F.pad(labels[:, 1:], (0, 0, 0, 1))  # the label of a picture comes with the next
        unused = 1 - (past.to(x.dtype) @ values).clamp(max=1)
        unused = unused / unused.sum(-1, keepdim=True).clamp(min=1)
        return (address[..., :-1] @ values + address[..., -1:] * unused + 1e-4).log()
