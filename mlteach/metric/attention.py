"""Attention over (embedding, label): a query looks at the support pictures and takes over their labels.

    softmax:  p(x) = sum over j of softmax_j(s cos(f(x), f(x_j))) onehot(y_j)         a matching network
    linear:   logits(x) = rate mean over j of (f(x) . f(x_j)) (onehot(y_j) - 1/C)     a zero head's first MAML step

Nothing adapts: the keys are the support features, the values their labels, and f is learned by the outer loop.

Source: Vinyals et al. 2016, equations 1 and 2 (without full context embeddings); the second: lesson 20, where both are taught.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.nets.conv4 import Conv4
from mlteach.nets.loss import share_right
from mlteach.nets.norm import Mode
from mlteach.params import Params, stack
from mlteach.tasks.episode import Episode, checked, several


def attention_logits(
    support: Tensor, y: Tensor, query: Tensor, ways: int, *, sharpness: float | Tensor
) -> Tensor:
    """log p, [..., Q, ways], for features [..., S, d] and [..., Q, d] and labels y [..., S].

    sharpness: the inverse temperature s. Cosines lie between -1 and 1: with s = 1 nobody can be sure of anything.
    A class without a support picture has log p = -inf.
    """
    cosines = F.normalize(query, dim=-1) @ F.normalize(support, dim=-1).mT
    looks = (sharpness * cosines).log_softmax(-1)
    member = F.one_hot(y, ways).bool().mT.unsqueeze(-3)  # [..., 1, ways, S]
    return looks.unsqueeze(-2).masked_fill(~member, -torch.inf).logsumexp(-1)


def linear_logits(support: Tensor, y: Tensor, query: Tensor, ways: int, *, rate: float | Tensor) -> Tensor:
    """Logits [..., Q, ways] of one layer of linear attention: one step of gradient descent of a head of zeros, at this rate."""
    values = F.one_hot(y, ways).to(support.dtype) - 1 / ways
    return rate / support.shape[-2] * (query @ support.mT @ values)


@dataclass(frozen=True)
class AttentionReader:
    """``net``'s features, and one attention layer that reads labels off the support set.

    Parameters: those of the net's body, and ``sharpness`` (its logarithm) for "softmax", ``rate`` (likewise) for "linear".
    """

    net: Conv4
    looks: Literal["softmax", "linear"] = "softmax"

    def init(self, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> Params:
        """A fresh body; sharpness e^2, rate 1."""
        theta = self.net.init(generator, dtype)
        body = {name: theta[name] for name in self.net.body_names}
        if self.looks == "softmax":
            return body | {"sharpness": torch.tensor(2.0, dtype=dtype)}
        return body | {"rate": torch.tensor(0.0, dtype=dtype)}

    def features(
        self, params: Params, x: Tensor, y: Tensor, questions: Tensor, mode: Mode
    ) -> tuple[Tensor, Tensor]:
        """Of support and queries, [tasks, S, d] and [tasks, Q, d]: one batch, or "support": by the support's statistics."""
        body = stack({name: params[name] for name in self.net.body_names}, x.shape[0])
        both = self.net.features_of(body, torch.cat([x, questions], 1), mode, support=x)
        return both[:, : x.shape[1]], both[:, x.shape[1] :]

    def __call__(
        self, params: Params, x: Tensor, y: Tensor, questions: Tensor, mode: Mode = "transductive"
    ) -> Tensor:
        """Logits [tasks, Q, ways] for pictures x [tasks, S, 1, 28, 28] with labels y, and questions likewise."""
        support, query = self.features(params, x, y, questions, mode)
        ways = int(y.max()) + 1
        if self.looks == "softmax":
            return attention_logits(support, y, query, ways, sharpness=params["sharpness"].exp())
        return linear_logits(support, y, query, ways, rate=params["rate"].exp())


@torch.no_grad()
def reader_accuracy(
    reader: AttentionReader,
    theta: Params,
    episodes: Iterable[Episode],
    *,
    modes: Sequence[Mode] = ("transductive", "support"),
) -> dict[str, Tensor]:
    """For each mode, each task's share of right answers, [tasks], in [0, 1]."""
    found: dict[str, list[Tensor]] = {mode: [] for mode in modes}
    for episode in several(episodes):
        seen = checked(episode).seen
        for mode in modes:
            found[mode].append(share_right(reader(theta, *seen, mode), episode.query_y))
    return {mode: torch.cat(values) for mode, values in found.items()}
