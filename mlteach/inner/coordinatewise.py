"""The learned optimizer: one small LSTM, shared by all parameters, each of which keeps a memory of its own.

    theta_(t+1) = theta_t + u_t                                    the memory line, with a forget gate of 1
    u_t, h_(t+1) = scale * LSTM(features of gradient_t, h_t; omega)    for each coordinate by itself

Two layers of memory stand in front of the weights, where momentum has one and Adam has two. Set by hand, they are momentum
(`momentum_omega`); trained by gradient descent on the loss that they reach, they are what the data ask for.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mlteach.inner.preprocess import preprocess
from mlteach.inner.rule import Rule
from mlteach.params import Params, from_vector, to_vector

State = tuple[tuple[Tensor, Tensor], ...]  # for each layer the output h and the memory c, [N, width] each


@dataclass(frozen=True)
class CoordinatewiseLSTM:
    """The learned optimizer as an inner rule with parameters omega.

        lstm = CoordinatewiseLSTM()
        omega = lstm.init(generator)
        adapt(loss, theta, lstm.rule(omega), 100, first_order=True)

    layers: the width of each LSTM layer. With none, what is left is one linear map: gradient descent with a learned rate.
    scale: what the output is multiplied by. A fresh omega then begins with small steps.
    p: where `preprocess` takes a gradient for small; None leaves its two features out.
    raw: the gradient itself, times this, as one more feature; None leaves it out. Where p is None it must be given.

    It reads numbers of any shape, with and without a task axis: all coordinates of all tasks are rows of one matrix.

    Source: Andrychowicz et al. 2016, section 2.1 and appendix A; the raw feature beside the two is ours.
    Taught in: lesson 04.
    """

    layers: tuple[int, ...] = (20, 20)
    scale: float = 0.1
    p: float | None = 10.0
    raw: float | None = None

    def __post_init__(self) -> None:
        if self.p is None and self.raw is None:
            raise ValueError("With p=None and raw=None the LSTM sees nothing; give one of the two.")

    def features(self, gradient: Tensor) -> Tensor:
        """What the first layer sees of each number: [...] -> [..., 1 to 3]."""
        seen = [] if self.p is None else [preprocess(gradient, self.p)]
        return torch.cat([*seen, *([] if self.raw is None else [self.raw * gradient.unsqueeze(-1)])], -1)

    def init(self, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> Params:
        """Fresh omega on the generator's device, drawn as PyTorch draws its LSTM.

        For layer k = 1, 2, ...: ``layerk.input`` [4 width, inputs], ``layerk.hidden`` [4 width, width], ``layerk.bias``
        [4 width], gates in PyTorch's order (input, forget, candidate, output); and ``output.weight`` [width],
        ``output.bias`` [].
        """

        def uniform(bound: float, *shape: int) -> Tensor:
            unit = torch.rand(shape, generator=generator, dtype=dtype, device=generator.device)
            return bound * (2 * unit - 1)

        omega: Params = {}
        for k, (inputs, width) in enumerate(itertools.pairwise(self._widths), start=1):
            bound = 1 / math.sqrt(width)
            omega[f"layer{k}.input"] = uniform(bound, 4 * width, inputs)
            omega[f"layer{k}.hidden"] = uniform(bound, 4 * width, width)
            omega[f"layer{k}.bias"] = uniform(bound, 4 * width)
        bound = 1 / math.sqrt(self._widths[-1])
        return omega | {"output.weight": uniform(bound, self._widths[-1]), "output.bias": uniform(bound)}

    @property
    def _widths(self) -> tuple[int, ...]:
        return (2 * (self.p is not None) + (self.raw is not None), *self.layers)

    def rule(self, omega: Params) -> Rule:
        """The rule with these omega. The first memory of every coordinate is zero."""

        def init(theta: Params) -> State:
            count = sum(value.numel() for value in theta.values())
            empty = [omega["output.weight"].new_zeros(count, width) for width in self.layers]
            return tuple((memory, memory) for memory in empty)

        def step(
            theta: Params, gradient: Params, state: State, /, *, loss: Any = None
        ) -> tuple[Params, State]:
            x, after = self.features(to_vector(gradient)), []
            for k, memory in enumerate(state, start=1):
                after.append(
                    _cell(x, *memory, *(omega[f"layer{k}.{name}"] for name in ("input", "hidden", "bias")))
                )
                x = after[-1][0]
            move = self.scale * (x @ omega["output.weight"] + omega["output.bias"])
            return from_vector(to_vector(theta) + move, theta), tuple(after)

        return Rule(init, step)


def _cell(
    x: Tensor, h: Tensor, c: Tensor, input: Tensor, hidden: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor]:
    """``torch.lstm_cell`` in fewer, larger operations: a fifth quicker on a CPU with its gradient, twice without."""
    z = torch.addmm(bias, torch.cat([x, h], 1), torch.cat([input, hidden], 1).T)
    width = h.shape[1]
    i, f, _, o = torch.sigmoid(z).chunk(4, 1)
    c = f * c + i * torch.tanh(z[:, 2 * width : 3 * width])
    return o * torch.tanh(c), c


def momentum_omega(alpha: float, mu: float, small: float = 1e-4) -> tuple[CoordinatewiseLSTM, Params]:
    """A two-layer LSTM whose weights are set by hand so that it is gradient descent with momentum.

    The first layer passes the gradient on: its forget gate is shut. The second gathers: its forget gate is mu, its input
    gate is open. Both see the gradient times ``small``, where tanh is a straight line up to terms of the order small^2;
    the output undoes that. Returns the LSTM and its omega in float64.

    Source: momentum as two stacked memory cells, lesson 03, put into an ordinary LSTM. Taught in: lesson 04.
    """
    shut, open_ = -60.0, 60.0  # sigmoids of 1e-26, and of 1 to the last bit
    omega = {}
    for k, forget, enter in ((1, shut, small), (2, math.log(mu / (1 - mu)), 1.0)):
        omega[f"layer{k}.input"] = torch.tensor([[0.0], [0.0], [enter], [0.0]], dtype=torch.float64)
        omega[f"layer{k}.hidden"] = torch.zeros(4, 1, dtype=torch.float64)
        omega[f"layer{k}.bias"] = torch.tensor([open_, forget, 0.0, open_], dtype=torch.float64)
    omega["output.weight"] = torch.tensor([-alpha / small], dtype=torch.float64)
    omega["output.bias"] = torch.zeros((), dtype=torch.float64)
    return CoordinatewiseLSTM(layers=(1, 1), scale=1.0, p=None, raw=1.0), omega
