"""Interpolated tasks for MAML, mixed at a hidden layer, through the one engine of `outer/maml.py`.

A task and its partner travel as one episode whose pictures have two channels, one of each (`beside`). The network `Mixed` runs
both through its first blocks, mixes what comes out, and goes on with the mixture. The layers below do not adapt (``only=``
`Mixed.above`), so in the inner loop and for the queries they are the start's, as the method has it, and the meta-gradient goes
through them.

Source: Yao, Zhang, Finn 2022, algorithm 1. Taught in: lesson 16.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.nets import Conv4
from mlteach.params import Params
from mlteach.tasks.episode import Episode


def beside(first: Episode, second: Episode) -> Episode:
    """The first task's labels, and pictures [tasks, N, 2, H, W]: those of the first and those of the second."""
    return first._replace(
        support_x=torch.cat([first.support_x, second.support_x], -3),
        query_x=torch.cat([first.query_x, second.query_x], -3),
    )


@dataclass(frozen=True)
class Mixed:
    """``net`` for pairs of pictures, mixed after block ``layer`` (0: the pictures themselves) with ``share`` of the first."""

    net: Conv4
    layer: int
    share: float

    def __post_init__(self) -> None:
        if not 0 <= self.layer <= 4:
            raise EpisodeError(f"layer is {self.layer}; a Conv4 has blocks 1 to 4, and 0 mixes its pictures.")

    @property
    def above(self) -> tuple[str, ...]:
        """The names of the parameters above the mixture: those that adapt."""
        below = {f"{kind}{block}" for kind in ("conv", "norm") for block in range(1, self.layer + 1)}
        names = (*self.net.body_names, *self.net.head_names)
        return tuple(name for name in names if name.split(".")[0] not in below)

    def __call__(self, params: Params, pairs: Tensor) -> Tensor:
        """Logits [(tasks,) N, ways] for pairs [(tasks,) N, 2, H, W]."""
        first, second = (self.net.blocks(params, pairs[..., k : k + 1, :, :], 0, self.layer) for k in (0, 1))
        between = self.share * first + (1 - self.share) * second
        return self.net.read(params, self.net.features_from(params, between, self.layer))
