"""A multilayer perceptron as a function of its parameters."""

import itertools
import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.params import Params


@dataclass(frozen=True)
class MLP:
    """Linear layers of the given ``sizes`` with an activation between them (none after the last).

    Parameters: ``layer1.weight`` [out, in], ``layer1.bias`` [out], ...; for a batch of tasks [tasks, out, in], [tasks, out].
    The default is the sinusoid network of MAML, 1-40-40-1 with ReLU; Reptile's is (1, 64, 64, 1) with tanh.
    start: how `init` draws. "he": He-normal weights, zero biases. "uniform": both from U(-b, b) with b = 1 / sqrt(inputs),
        as ``torch.nn.Linear`` does.

    Source: Finn, Abbeel, Levine 2017, section 5.1. Taught in: lessons 04, 06.
    """

    sizes: tuple[int, ...] = (1, 40, 40, 1)
    activation: Literal["relu", "tanh", "sigmoid"] = "relu"
    start: Literal["he", "uniform"] = "he"

    def init(self, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> Params:
        """Fresh parameters on the generator's device."""
        where: dict[str, Any] = {"dtype": dtype, "device": generator.device}
        theta = {}
        for layer, (inputs, outputs) in enumerate(itertools.pairwise(self.sizes), start=1):
            if self.start == "uniform":
                unit = torch.rand(outputs, inputs + 1, generator=generator, **where)
                drawn = (2 * unit - 1) / math.sqrt(inputs)
                theta[f"layer{layer}.weight"], theta[f"layer{layer}.bias"] = drawn[:, 1:], drawn[:, 0]
                continue
            weight = torch.randn(outputs, inputs, generator=generator, **where)
            theta[f"layer{layer}.weight"] = weight * math.sqrt(2 / inputs)
            theta[f"layer{layer}.bias"] = torch.zeros(outputs, **where)
        return theta

    def __call__(self, params: Params, x: Tensor) -> Tensor:
        """Outputs [N, out] for x [N, in]; with a task axis on parameters and x, [tasks, N, out]. Raises EpisodeError."""
        batched = params["layer1.weight"].ndim == 3
        if x.ndim != 2 + batched or x.shape[-1] != self.sizes[0]:
            wanted = f"[tasks, N, {self.sizes[0]}]" if batched else f"[N, {self.sizes[0]}]"
            raise EpisodeError(f"This MLP reads {wanted} with these parameters, and got {tuple(x.shape)}.")
        last = len(self.sizes) - 1
        for layer in range(1, last + 1):
            weight, bias = params[f"layer{layer}.weight"], params[f"layer{layer}.bias"]
            if batched:
                x = torch.baddbmm(bias.unsqueeze(1), x, weight.transpose(1, 2))
            else:
                x = torch.addmm(bias, x, weight.T)
            if layer < last:
                x = getattr(torch, self.activation)(x)
        return x
