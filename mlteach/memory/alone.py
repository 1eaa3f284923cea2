"""An LSTM alone: what it remembers must fit into its cell. The control of every memory.

    i, f, g, o = W [x_t, y_{t-1}] + b + U h_{t-1} + u          the four gates, from picture, late label and its own past
    c_t        = sigmoid(f) c_{t-1} + sigmoid(i) tanh(g)       all that it remembers
    h_t        = sigmoid(o) tanh(c_t)
    logits_t   = V h_t + v

Sources: Hochreiter and Schmidhuber 1997, Gers, Schmidhuber and Cummins 2000, the cell; Hochreiter, Younger and Conwell 2001, the cell
as a learner; Santoro et al. 2016, as a memory network's control. Taught in: lesson 19.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from mlteach.params import Params


@dataclass(frozen=True)
class Alone:
    """torch's own LSTM with a linear head. features: numbers a step, labels not counted.

    Parameters: ``lstm.*`` as `torch.nn.LSTM` names them, ``head.weight`` [ways, hidden], ``head.bias``.
    """

    features: int
    ways: int = 5
    hidden: int = 200

    def _modules(self, dtype: torch.dtype) -> nn.ModuleDict:
        with torch.device("meta"):
            return nn.ModuleDict(
                {
                    "lstm": nn.LSTM(self.features + self.ways, self.hidden, batch_first=True, dtype=dtype),
                    "head": nn.Linear(self.hidden, self.ways, dtype=dtype),
                }
            )

    def init(self, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> Params:
        """Fresh parameters: uniform within 1/sqrt(hidden), as torch draws them, and a forget gate that begins open."""
        edge = self.hidden**-0.5
        theta = {
            name: (2 * torch.rand(value.shape, generator=generator, dtype=dtype) - 1) * edge
            for name, value in self._modules(dtype).named_parameters()
        }
        theta["lstm.bias_ih_l0"][self.hidden : 2 * self.hidden] += 1.0
        return theta

    def __call__(self, params: Params, seen: Tensor, labels: Tensor) -> Tensor:
        """Logits [tasks, T, ways] for features [tasks, T, d] and labels [tasks, T, ways]."""
        modules = self._modules(seen.dtype)
        lstm = {name.removeprefix("lstm."): v for name, v in params.items() if name.startswith("lstm.")}
        hidden, _ = functional_call(modules["lstm"], lstm, (torch.cat([seen, labels], -1),))
        return nn.functional.linear(hidden, params["head.weight"], params["head.bias"])
