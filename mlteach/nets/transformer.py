"""A small transformer that reads pairs (x, y) and answers questions: attention with a softmax, and layers between.

Tokens are the pairs, and the questions with nothing in the place of y. A block adds to each token e_i, for every head,

    sum over the tokens j that i may see of softmax_j(q_i . k_j / sqrt(d)) v_j        q, k, v: three learned maps of normed tokens

through a map back, and then  D gelu(U e_i + u) + d,  a network of its own; both read tokens after layer norm. The answer is a linear
map of a question's last token. Nothing in it adapts: what it does with the pairs it has learned from other tasks.

Sources: Vaswani et al. 2017, the block; norm before, not after, as Radford et al. 2019; on pairs of a task Garg et al. 2022, whose
tokens are x and y by turns. Taught in: lesson 20, beside MAML.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.params import Params


def block_params(
    width: int, depth: int, generator: torch.Generator, dtype: torch.dtype = torch.float32
) -> Params:
    """Fresh parameters of ``depth`` blocks, ``block1.qkv`` [3 width, width] and so on; what a block adds begins small."""
    where: dict[str, Any] = {"generator": generator, "dtype": dtype, "device": generator.device}

    def matrix(outputs: int, inputs: int, size: float = 1.0) -> Tensor:
        return size * torch.randn(outputs, inputs, **where) / math.sqrt(inputs)

    theta: Params = {}
    for block in range(1, depth + 1):
        theta |= {
            f"block{block}.qkv": matrix(3 * width, width),
            f"block{block}.out": matrix(width, width, 0.3),
            f"block{block}.up": matrix(4 * width, width),
            f"block{block}.up bias": torch.zeros(4 * width, dtype=dtype, device=generator.device),
            f"block{block}.down": matrix(width, 4 * width, 0.3),
            f"block{block}.down bias": torch.zeros(width, dtype=dtype, device=generator.device),
        }
    return theta


def blocks(params: Params, tokens: Tensor, mask: Tensor, depth: int, heads: int) -> Tensor:
    """Tokens [tasks, n, width] through the blocks, normed at the end; mask [n, n] is True where a token may look.

    A block: attention by ``heads`` heads, then a layer of four times the width; each reads normed tokens and adds to them.
    """
    size = tokens.shape[-1:]
    for block in range(1, depth + 1):
        parts = (F.layer_norm(tokens, size) @ params[f"block{block}.qkv"].T).unflatten(-1, (3, heads, -1))
        query, key, value = (each.transpose(1, 2) for each in parts.unbind(-3))
        heard = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        tokens = tokens + heard.transpose(1, 2).flatten(2) @ params[f"block{block}.out"].T
        up = F.linear(F.layer_norm(tokens, size), params[f"block{block}.up"], params[f"block{block}.up bias"])
        tokens = tokens + F.linear(
            F.gelu(up), params[f"block{block}.down"], params[f"block{block}.down bias"]
        )
    return F.layer_norm(tokens, size)


Context = Literal["causal", "last", "open"]


def looks(pairs: int, questions: int, context: Context) -> Tensor:
    """Who may look at whom, [pairs + questions] squared. Nobody looks at a question but itself.

    "causal": a pair sees itself and those before it; question i sees the first i pairs, so that one pass answers for every
    length of context. "last": the same pairs, and every question sees all of them. "open": pairs see all pairs too, so that
    no order is left.
    """
    mask = torch.eye(pairs + questions, dtype=torch.bool)
    mask[:, :pairs] = True
    place = torch.arange(pairs)
    if context != "open":
        mask[:pairs, :pairs] = place[:, None] >= place
    if context == "causal":
        mask[pairs:, :pairs] = torch.arange(questions)[:, None] > place
    return mask


@dataclass(frozen=True)
class PairTransformer:
    """Reads pairs (x, y) of one number each, and answers: question i after the first i pairs.

    x and y are divided by ``x_scale`` and ``y_scale`` first, so that what comes in has the size 1.
    Parameters: ``in.*`` and ``out.*`` around the blocks of `block_params`. They have no task axis: nothing adapts.

    Source: Garg et al. 2022, section 2, in small; question tokens: lesson 20, where it is taught.
    """

    width: int = 64
    depth: int = 4
    heads: int = 4
    x_scale: float = 5.0
    y_scale: float = 3.0

    def init(self, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> Params:
        """Fresh parameters on the generator's device."""
        where: dict[str, Any] = {"dtype": dtype, "device": generator.device}

        def matrix(outputs: int, inputs: int, size: float = 1.0) -> Tensor:
            return size * torch.randn(outputs, inputs, generator=generator, **where) / math.sqrt(inputs)

        return {
            "in.first": matrix(self.width, 3), "in.bias": torch.zeros(self.width, **where),
            "in.second": matrix(self.width, self.width),
            **block_params(self.width, self.depth, generator, dtype),
            "out.weight": matrix(1, self.width, 0.1), "out.bias": torch.zeros(1, **where),
        }  # fmt: skip

    def __call__(
        self, params: Params, x: Tensor, y: Tensor, questions: Tensor, context: Context = "causal"
    ) -> Tensor:
        """Answers [tasks, Q, 1] for questions [tasks, Q, 1] after pairs x, y [tasks, N, 1].

        context: as in `looks`. Raises EpisodeError for other shapes.
        """
        if x.shape != y.shape or x.ndim != 3 or x.shape[-1] != 1 or questions.shape[-1] != 1:
            raise EpisodeError(
                f"This transformer reads x and y [tasks, N, 1] and questions [tasks, Q, 1]; these are {tuple(x.shape)}, "
                f"{tuple(y.shape)} and {tuple(questions.shape)}."
            )
        count, asked = x.shape[1], questions.shape[1]
        one, none = torch.ones_like(x), torch.zeros_like(questions)
        pairs = torch.cat([x / self.x_scale, y / self.y_scale, one], -1)
        tokens = torch.cat([pairs, torch.cat([questions / self.x_scale, none, none], -1)], 1)
        tokens = F.gelu(F.linear(tokens, params["in.first"], params["in.bias"])) @ params["in.second"].T
        mask = looks(count, asked, context).to(x.device)
        found = blocks(params, tokens, mask, self.depth, self.heads)[:, count:]
        return self.y_scale * F.linear(found, params["out.weight"], params["out.bias"])
