"""Networks that know their own gradient: passes written out by hand, which `mlteach.outer.maml_gradient` takes where they are.

A network that has them says so by a method ``passes(loss, x, y)``, which returns its `Passes` over these inputs, or None where
autograd is to do it: for a loss it does not know, on another device, under ``torch.func``.
"""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from mlteach.params import Params


class Found(NamedTuple):
    """Of a batch of tasks: losses [tasks], outputs [tasks, N, ...], the losses' gradient, [tasks, ...] each."""

    losses: Tensor
    outputs: Tensor
    gradient: Params


class Passes(Protocol):
    """A network's own passes over inputs x [tasks, N, ...] with labels y.

    largest: how many numbers a task's largest layer has; by it the tasks of a batch are counted (`mlteach.outer.chunks`).
    """

    @property
    def largest(self) -> int: ...

    def fit(self, params: Params) -> bool:
        """Whether the passes are right for these parameters, [tasks, ...] each; else autograd is to do it."""

    def gradient(self, params: Params, names: Collection[str] | None = None) -> Found:
        """The losses' gradient for ``names`` (default all), without history. Raises what the loss raises."""

    def gradient_with_history(self, params: Params, names: Collection[str]) -> tuple[Tensor, Params]:
        """Losses and gradient that autograd can differentiate further, to any order."""


def own_passes(net: Any, loss: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> Passes | None:
    """The network's own passes, or None."""
    return net.passes(loss, x, y) if hasattr(net, "passes") else None
