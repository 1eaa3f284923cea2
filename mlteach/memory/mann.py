"""A memory-augmented network: an LSTM that writes to the rows of a matrix and reads them by content.

    g_t        = sigmoid(alpha_t)                               the gate of each head
    w^w_t      = g_t w^r_{t-1} + (1 - g_t) w^lu_{t-1}           write where you read last, or to the least used row
    M_t(i)     = M_{t-1}(i) + w^w_t(i) k_t                      before that, the least used row is wiped
    w^r_t(i)   = softmax_i cos(k_t, M_t(i))                     read by content
    r_t        = sum_i w^r_t(i) M_t(i)
    w^u_t      = gamma w^u_{t-1} + w^r_t + w^w_t                usage: fades, and grows by use

k_t and alpha_t come from the LSTM's hidden state, which reads the input and the last r. With several heads the least used row
goes to the first head, the second least used to the second, and so on; only the least used one is wiped. Two departures can be
switched on: ``strength`` makes the cosine a learned number of times sharper, as in the neural Turing machine, and
``separate`` writes a vector of its own in place of the key that is read with.

Source: Santoro et al. 2016, equations 2 to 8. Taught in: lesson 19.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.params import Params

SMALL = 1e-6  # what an empty row holds: its length must not be zero


class Memory(NamedTuple):
    """What a MANN carries from step to step: rows [tasks, slots, width], read [tasks, heads, slots], usage [tasks, slots]."""

    rows: Tensor
    read: Tensor
    usage: Tensor


class Wishes(NamedTuple):
    """What the controller asks of its memory: key and vector [tasks, heads, width], gate [tasks, heads], sharpness (a number)."""

    key: Tensor
    vector: Tensor
    gate: Tensor
    sharpness: Tensor


def access(memory: Memory, wishes: Wishes, decay: float = 0.95) -> tuple[Memory, Tensor, Tensor]:
    """One write and one read: the memory after, the write weights [tasks, heads, slots], what is read [tasks, heads, width].

    Which row is least used is a choice, and no gradient passes through it.
    """
    rows, read, usage = memory
    heads, slots = read.shape[-2:]
    with torch.no_grad():
        # of rows that are used alike, and empty ones are, the first comes first
        order = usage.argsort(stable=True, dim=-1)
        least = F.one_hot(order[..., :heads], slots).to(rows.dtype)
        kept = 1 - least[..., 0, :].unsqueeze(-1)
    gate = wishes.gate.unsqueeze(-1)
    write = gate * read + (1 - gate) * least
    rows = rows * kept + write.mT @ wishes.vector
    lengths = rows.norm(dim=-1).clamp(min=SMALL).unsqueeze(-2)
    fits = F.normalize(wishes.key, dim=-1, eps=SMALL) @ rows.mT / lengths
    read = (wishes.sharpness * fits).softmax(-1)
    with torch.no_grad():
        usage = decay * usage + read.sum(-2) + write.sum(-2)
    return Memory(rows, read, usage), write, read @ rows


@dataclass(frozen=True)
class MANN:
    """The learner of the paper. features: numbers a step, labels not counted.

    Parameters: ``input.weight`` [4 hidden, features + ways], ``input.bias``, ``hidden.weight`` [4 hidden, hidden],
    ``read.weight`` [4 hidden, heads width], gates in the order input, forget, candidate, output; ``key.*``, ``gate.*`` of the
    heads, ``vector.*`` where it is separate, ``strength`` (a logarithm) where it is learned, ``head.*``.
    """

    features: int
    ways: int = 5
    hidden: int = 200
    slots: int = 128
    width: int = 40
    heads: int = 4
    decay: float = 0.95
    strength: bool = False
    separate: bool = False

    def init(self, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> Params:
        """Fresh parameters: uniform within 1/sqrt(what comes in), the forget gate open, a strength of e^2 if there is one."""
        hidden, read = self.hidden, self.heads * self.width
        sizes = {"input": (4 * hidden, self.features + self.ways), "hidden": (4 * hidden, hidden)}
        sizes |= {"read": (4 * hidden, read), "key": (read, hidden), "gate": (self.heads, hidden)}
        sizes |= {"vector": (read, hidden)} if self.separate else {}
        theta = {}
        for name, (out, into) in (sizes | {"head": (self.ways, hidden + read)}).items():
            edge = 1 / math.sqrt(into)
            theta[f"{name}.weight"] = (2 * torch.rand(out, into, generator=generator, dtype=dtype) - 1) * edge
            if name not in ("hidden", "read"):
                theta[f"{name}.bias"] = (2 * torch.rand(out, generator=generator, dtype=dtype) - 1) * edge
        theta["input.bias"][hidden : 2 * hidden] = 1.0
        if self.strength:
            theta["strength"] = torch.tensor(2.0, dtype=dtype)
        return theta

    def start(self, like: Tensor) -> Memory:
        """An empty memory for inputs [tasks, ...]; every head has read the first row."""
        tasks = len(like)
        read = like.new_zeros(tasks, self.heads, self.slots)
        read[..., 0] = 1
        return Memory(
            like.new_full((tasks, self.slots, self.width), SMALL), read, like.new_zeros(tasks, self.slots)
        )

    def wishes(self, params: Params, hidden: Tensor) -> Wishes:
        """What the heads ask for, from the hidden state [tasks, hidden]."""
        parts = {
            name: F.linear(hidden, params[f"{name}.weight"], params[f"{name}.bias"])
            for name in ("key", "gate", *(["vector"] if self.separate else []))
        }
        key = parts["key"].tanh().unflatten(-1, (self.heads, self.width))
        vector = parts["vector"].tanh().unflatten(-1, (self.heads, self.width)) if self.separate else key
        sharpness = params["strength"].exp() if self.strength else hidden.new_ones(())
        return Wishes(key, vector, parts["gate"].sigmoid(), sharpness)

    def __call__(
        self,
        params: Params,
        seen: Tensor,
        labels: Tensor,
        kept: list[tuple[Wishes, Memory, Tensor]] | None = None,
    ) -> Tensor:
        """Logits [tasks, T, ways] for features [tasks, T, d] and labels [tasks, T, ways].

        kept: a list that gets each step's wishes, the memory after it and its write weights.
        """
        pushed = F.linear(torch.cat([seen, labels], -1), params["input.weight"], params["input.bias"])
        recurrent = torch.cat([params["hidden.weight"], params["read.weight"]], 1).T
        memory, hidden = self.start(seen), seen.new_zeros(len(seen), self.hidden)
        cell, read, out = hidden, seen.new_zeros(len(seen), self.heads * self.width), []
        for push in pushed.unbind(1):
            i, f, g, o = torch.addmm(push, torch.cat([hidden, read], 1), recurrent).chunk(4, 1)
            cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
            hidden = o.sigmoid() * cell.tanh()
            wishes = self.wishes(params, hidden)
            memory, write, found = access(memory, wishes, self.decay)
            read = found.flatten(1)
            out.append(torch.cat([hidden, read], 1))
            if kept is not None:
                kept.append((wishes, memory, write))
        return F.linear(torch.stack(out, 1), params["head.weight"], params["head.bias"])
