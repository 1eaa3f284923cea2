"""Linear self-attention, and the weights under which it *is* gradient descent.

A token is a pair e_j = (x_j, y_j); a question is (x, 0). A layer adds to every token what the context has to say to it:

    e <- e + P mean over j in the context of V e_j (K e_j . Q e)

There is no softmax: who looks like whom is a plain product. Written by hand (`gradient_weights`) the layer is one step of
gradient descent on 1/2 mean (w . x_j - y_j)^2:

    Q = K = diag(1, ..., 1, 0)     compares inputs
    V = (   1    0 )               the last row is the residual w0 . x_j - y_j
        (  w0   -1 )
    P = diag(-gamma, ..., -gamma, eta)     eta is the rate; gamma bends the inputs too (GD++), 0 for plain descent

The question's last slot then holds minus the prediction. With w0 = 0 each pair's last slot holds its residual, so that the
same layer again is the next step.

Source: von Oswald et al. 2023, proposition 1; GD++ is theirs as well. Taught in: lesson 20.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.params import Params

MATRICES = ("query", "key", "value", "out")  # Q, K, V, P


def linear_layer(weights: Params, tokens: Tensor, context: int, *, mask: Tensor | None = None) -> Tensor:
    """One layer: tokens [..., n, width] -> the same shape. The first ``context`` tokens are looked at, by all.

    weights: "query", "key", "value", "out", each [width, width].
    mask: [n, context] of 0 and 1, who may look at whom; each token then takes the mean over what it sees (0 where it is
        nothing). None: everybody sees the whole context.
    """
    seen = tokens[..., :context, :]
    looks = (tokens @ weights["query"].T) @ (seen @ weights["key"].T).mT
    if mask is None:
        looks = looks / context
    else:
        looks = looks * mask / mask.sum(-1, keepdim=True).clamp(min=1)
    return tokens + looks @ (seen @ weights["value"].T) @ weights["out"].T


def gradient_weights(
    size: int,
    rate: float | Tensor,
    *,
    start: Tensor | None = None,
    curvature: float | Tensor = 0.0,
    dtype: torch.dtype = torch.float64,
) -> Params:
    """The weights of a layer that is one step of gradient descent, for inputs of ``size`` numbers.

    rate: eta. start: w0, [size]; None for zeros. curvature: GD++'s gamma, by which x <- x - gamma mean_j x_j (x_j . x).
    """
    compare = torch.eye(size + 1, dtype=dtype)
    compare[-1, -1] = 0
    value = torch.eye(size + 1, dtype=dtype)
    value[-1, -1] = -1
    if start is not None:
        value[-1, :-1] = start.to(dtype)
    scales = torch.full((size + 1,), -float(curvature), dtype=dtype)
    scales[-1] = float(rate)
    return {"query": compare, "key": compare.clone(), "value": value, "out": torch.diag(scales)}


def as_tokens(x: Tensor, y: Tensor, questions: Tensor, start: Tensor | None = None) -> Tensor:
    """Pairs x [..., N, size], y [..., N, 1] and questions [..., Q, size] as tokens [..., N + Q, size + 1].

    A question's last slot holds minus what is predicted before the first layer: -w0 . x, or 0.
    """
    if x.shape[:-1] != y.shape[:-1] or x.shape[-1] != questions.shape[-1] or y.shape[-1] != 1:
        raise EpisodeError(
            f"Attention reads pairs x [..., N, size], y [..., N, 1] and questions [..., Q, size]; these are {tuple(x.shape)}, "
            f"{tuple(y.shape)} and {tuple(questions.shape)}."
        )
    guess = torch.zeros_like(questions[..., :1]) if start is None else questions @ start.unsqueeze(-1)
    return torch.cat([torch.cat([x, y], -1), torch.cat([questions, -guess], -1)], -2)


def earlier(count: int, *, dtype: torch.dtype = torch.float64) -> Tensor:
    """The causal mask [count, count]: each token sees those before it, and not itself."""
    return torch.tril(torch.ones(count, count, dtype=dtype), -1)


@dataclass(frozen=True)
class LinearAttention:
    """Some layers of linear self-attention that read pairs (x, y) and answer questions, with x of ``size`` numbers.

    Parameters: ``layer1.query``, ``layer1.key``, ``layer1.value``, ``layer1.out`` [size + 1, size + 1], ``layer2.query``, ...
    Source: von Oswald et al. 2023. Taught in: lesson 20.
    """

    size: int
    layers: int = 1

    def init(
        self, generator: torch.Generator, dtype: torch.dtype = torch.float32, *, std: float = 0.2
    ) -> Params:
        """Random weights."""
        where: dict[str, Any] = {"generator": generator, "dtype": dtype, "device": generator.device}
        width = self.size + 1
        return {
            f"layer{layer}.{name}": std * torch.randn(width, width, **where)
            for layer in range(1, self.layers + 1)
            for name in MATRICES
        }

    def descent(
        self,
        rates: Sequence[float],
        curvatures: Sequence[float] | None = None,
        *,
        dtype: torch.dtype = torch.float64,
    ) -> Params:
        """Weights written by hand: as many steps of gradient descent (GD++ with ``curvatures``) as there are layers."""
        bends = [0.0] * self.layers if curvatures is None else curvatures
        steps = zip(rates, bends, strict=True)
        return {
            f"layer{layer}.{name}": value
            for layer, (rate, bend) in enumerate(steps, start=1)
            for name, value in gradient_weights(self.size, rate, curvature=bend, dtype=dtype).items()
        }

    def each_layer(self, params: Params, x: Tensor, y: Tensor, questions: Tensor) -> list[Tensor]:
        """The tokens before the first layer and after each, [..., N + Q, size + 1]."""
        tokens = as_tokens(x, y, questions)
        states = [tokens]
        for layer in range(1, self.layers + 1):
            weights = {name: params[f"layer{layer}.{name}"] for name in MATRICES}
            tokens = linear_layer(weights, tokens, x.shape[-2])
            states.append(tokens)
        return states

    def __call__(self, params: Params, x: Tensor, y: Tensor, questions: Tensor) -> Tensor:
        """Predictions [..., Q, 1] for questions [..., Q, size], after pairs x [..., N, size] and y [..., N, 1]."""
        return -self.each_layer(params, x, y, questions)[-1][..., x.shape[-2] :, -1:]
