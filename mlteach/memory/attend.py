"""A lookup that learns what is a key, what is a value, and what to look for: causal self-attention over the steps so far.

    A_t = sum over s <= t of softmax_s(q_t . k_s / sqrt(d)) v_s        q, k, v: three learned maps of each step

Each layer adds A, through a map, to what it got, and then a small network of its own; both after layer norm.

Source: Vaswani et al. 2017; on this task Mishra et al. 2018 (SNAIL). Taught in: lesson 19.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.params import Params


@dataclass(frozen=True)
class Attend:
    """A small causal transformer. features: numbers a step, labels not counted. steps: the longest sequence.

    Parameters: ``embed.*``, ``place`` [steps, width], for each layer n ``n.norm.*``, ``n.qkv.*``, ``n.out.*``, ``n.norm2.*``,
    ``n.up.*``, ``n.down.*``, then ``norm.*`` and ``head.*``.
    """

    features: int
    ways: int = 5
    width: int = 64
    layers: int = 2
    heads: int = 4
    steps: int = 50

    def init(self, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> Params:
        """Fresh parameters: uniform within 1/sqrt(what comes in), places normal with a spread of 0.1, norms at 1 and 0."""
        width = self.width
        sizes = {"embed": (width, self.features + self.ways)}
        for n in range(self.layers):
            sizes |= {f"{n}.qkv": (3 * width, width), f"{n}.out": (width, width)}
            sizes |= {f"{n}.up": (2 * width, width), f"{n}.down": (width, 2 * width)}
        theta = {"place": 0.1 * torch.randn(self.steps, width, generator=generator, dtype=dtype)}
        for name, (out, into) in (sizes | {"head": (self.ways, width)}).items():
            for part, shape in (("weight", (out, into)), ("bias", (out,))):
                drawn = torch.rand(shape, generator=generator, dtype=dtype)
                theta[f"{name}.{part}"] = (2 * drawn - 1) * into**-0.5
        for name in ("norm", *(f"{n}.{norm}" for n in range(self.layers) for norm in ("norm", "norm2"))):
            theta[f"{name}.weight"] = torch.ones(width, dtype=dtype)
            theta[f"{name}.bias"] = torch.zeros(width, dtype=dtype)
        return theta

    def __call__(self, params: Params, seen: Tensor, labels: Tensor) -> Tensor:
        """Logits [tasks, T, ways] for features [tasks, T, d] and labels [tasks, T, ways]."""

        def linear(name: str, x: Tensor) -> Tensor:
            return F.linear(x, params[f"{name}.weight"], params[f"{name}.bias"])

        def norm(name: str, x: Tensor) -> Tensor:
            return F.layer_norm(x, (self.width,), params[f"{name}.weight"], params[f"{name}.bias"])

        x = linear("embed", torch.cat([seen, labels], -1)) + params["place"][: seen.shape[1]]
        for n in range(self.layers):
            qkv = linear(f"{n}.qkv", norm(f"{n}.norm", x)).unflatten(-1, (3, self.heads, -1))
            q, k, v = (each.transpose(1, 2) for each in qkv.unbind(2))  # [tasks, heads, T, d]
            found = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + linear(f"{n}.out", found.transpose(1, 2).flatten(2))
            x = x + linear(f"{n}.down", F.gelu(linear(f"{n}.up", norm(f"{n}.norm2", x))))
        return linear("head", norm("norm", x))
