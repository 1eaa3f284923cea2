"""Full context embeddings: every support picture is embedded in sight of the others, and the query in sight of all of them.

    g(x_i) = h>_i + h<_i + g'(x_i)          a two-way LSTM along the support set, and a skip
    h^_k, c_k = LSTM(f'(x), [h_(k-1), r_(k-1)], c_(k-1))
    h_k = h^_k + f'(x)                      the skip again
    r_(k-1) = sum_i softmax_i(h_(k-1) . g(x_i)) g(x_i)
    f(x) = h_K                              after K reads, each along the support set

h_0 is zero, so the first read is the mean. [h, r] are two vectors, one after the other: the LSTM has weights for each. With all
weights zero both LSTMs are silent, and f = f', g = g': matching as it was.

Source: Vinyals, Blundell, Lillicrap, Kavukcuoglu, Wierstra 2016, section 2.1.2 and appendix. Taught in: lesson 18.
"""

import torch
from torch import Tensor

from mlteach.metric.matching import init_matching, matching_logits
from mlteach.metric.reading import Reading
from mlteach.params import Params

WAYS = ("forth", "back")  # the two directions along the support set
READS = 3


def init_context(features: int, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> Params:
    """Weights uniform within 1/sqrt(features), as `torch.nn.LSTM` draws them, and the learned temperature."""
    shapes = {f"context.{way}.{part}": (4 * features, features) for way in WAYS for part in ("x", "h")}
    shapes |= {"context.read.x": (4 * features, features), "context.read.hr": (4 * features, 2 * features)}
    bound = features**-0.5
    theta = {
        name: bound * (2 * torch.rand(shape, generator=generator, dtype=dtype) - 1)
        for name, shape in shapes.items()
    }
    biases = {f"context.{each}.bias": torch.zeros(4 * features, dtype=dtype) for each in (*WAYS, "read")}
    return theta | biases | init_matching(dtype=dtype)


def _cell(gates: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """One LSTM step from the four gates before their squashing, [..., 4d]: (h, c)."""
    i, f, candidate, o = gates.chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * candidate.tanh()
    return o.sigmoid() * c.tanh(), c


def support_in_context(theta: Params, support: Tensor) -> Tensor:
    """g: [tasks, S, d] -> [tasks, S, d]. It depends on the order of the rows."""
    found = support
    for way in WAYS:
        rows = support if way == "forth" else support.flip(1)
        inputs = rows @ theta[f"context.{way}.x"].T + theta[f"context.{way}.bias"]
        h = c = torch.zeros_like(rows[:, 0])
        states = []
        for step in inputs.unbind(1):
            h, c = _cell(step + h @ theta[f"context.{way}.h"].T, c)
            states.append(h)
        along = torch.stack(states, 1)
        found = found + (along if way == "forth" else along.flip(1))
    return found


def query_in_context(theta: Params, support: Tensor, query: Tensor, reads: int = READS) -> Tensor:
    """f: queries [tasks, Q, d] before g(S) [tasks, S, d] -> [tasks, Q, d]; each query reads for itself."""
    inputs = query @ theta["context.read.x"].T + theta["context.read.bias"]
    h = c = torch.zeros_like(query)
    for _ in range(reads):
        r = (h @ support.mT).softmax(-1) @ support
        h, c = _cell(inputs + torch.cat([h, r], -1) @ theta["context.read.hr"].T, c)
        h = h + query
    return h if reads else query


def read_in_context(reads: int = READS) -> Reading:
    """Matching on embeddings in context, with the learned temperature."""

    def reading(theta: Params, support: Tensor, y: Tensor, query: Tensor, ways: int) -> Tensor:
        seen = support_in_context(theta, support)
        asked = query_in_context(theta, seen, query, reads)
        return matching_logits(seen, y, asked, ways, scale=theta["matching.log_scale"].exp())

    return reading
