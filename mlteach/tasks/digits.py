"""8 x 8 digits: a data set so small that a network is trained on it in a second, and a hundred of them in a minute."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal, Protocol

import torch
from torch import Tensor

from mlteach.errors import DataError, EpisodeError
from mlteach.params import Params
from mlteach.tasks.problem import Problems


class Net(Protocol):
    """What is trained on the digits: a network as in `mlteach.nets`."""

    def init(self, generator: torch.Generator, dtype: torch.dtype = ...) -> Params: ...
    def __call__(self, params: Params, x: Tensor, /) -> Tensor: ...


@dataclass(frozen=True)
class Digits:
    """1797 handwritten digits: x [N, 64] in [0, 1], y [N] of int64, 0 to 9.

    They come with scikit-learn, which is loaded when they are. Source: E. Alpaydin and C. Kaynak, Optical Recognition of
    Handwritten Digits, UCI 1998 (its test part). Taught in: lesson 04.
    """

    x: Tensor
    y: Tensor

    @classmethod
    def load(cls, half: Literal["all", "train", "test"] = "all") -> "Digits":
        """All digits, or one of two halves, 898 to learn an optimizer on and 899 to test it. Raises DataError."""
        x, y = _digits()
        part = {"all": slice(None), "train": slice(0, 898), "test": slice(898, None)}[half]
        return cls(x[part], y[part])

    def problems(
        self,
        net: Net,
        loss: Callable[[Tensor, Tensor], Tensor],
        problems: int,
        *,
        steps: int,
        generator: torch.Generator,
        batch: int = 64,
        dtype: torch.dtype = torch.float32,
    ) -> Problems:
        """Training ``net`` from ``problems`` random starts, each on its own minibatches of ``batch`` digits.

        loss(outputs, y) -> [n], such as `mlteach.nets.cross_entropy`. steps: minibatches are drawn for this many steps
        and one more; they depend on the generator alone, so optimizers can be compared on the same ones.
        The score is the loss on all digits at hand. Raises EpisodeError for a count below one.
        """
        if problems < 1 or steps < 1:
            raise EpisodeError(f"problems is {problems} and steps is {steps}; each must be at least one.")
        inits = [net.init(generator, dtype) for _ in range(problems)]
        start = {name: torch.stack([each[name] for each in inits]) for name in inits[0]}
        chosen = torch.randint(len(self.y), (steps + 1, problems, batch), generator=generator)
        return Problems.of(
            start,
            OnBatch(net, loss),
            OnAll(net, loss),
            data={"x": self.x.to(dtype), "y": self.y},
            batches={"chosen": chosen},
        )


@dataclass(frozen=True)
class OnBatch:
    """The loss of a network on the digits of a minibatch, [n]: those at the places ``chosen`` [n, batch] of ``x`` and ``y``."""

    net: Net
    loss: Callable[[Tensor, Tensor], Tensor]

    def __call__(self, theta: Params, data: Params) -> Tensor:
        x, y = data["x"][data["chosen"]], data["y"][data["chosen"]]
        return self.loss(self.net(theta, x), y)


class OnAll(OnBatch):
    """The same on all digits at hand."""

    def __call__(self, theta: Params, data: Params) -> Tensor:
        count = next(iter(theta.values())).shape[0]
        x, y = data["x"].expand(count, -1, -1), data["y"].expand(count, -1)
        return self.loss(self.net(theta, x), y)


@cache
def _digits() -> tuple[Tensor, Tensor]:
    """Shuffled once and for all, so that both halves hold every writer's hand."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise DataError(
            "The digits come with scikit-learn, which is not installed here; install it: pip install scikit-learn."
        ) from error
    pixels, labels = load_digits(return_X_y=True)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    return torch.tensor(pixels / 16)[order], torch.tensor(labels)[order].long()
