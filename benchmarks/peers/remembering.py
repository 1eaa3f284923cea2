"""The memory network one episode after the other, as somebody would write it with torch alone."""

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.peers import Run
from mlteach.memory import MANN
from mlteach.memory.mann import SMALL
from mlteach.params import Params
from mlteach.tasks import Episode


def mann(net: MANN, theta: Params, episode: Episode) -> Run:
    """The gradient of the mean loss over all steps of all episodes; the label of a picture comes one step late."""
    own = {name: value.clone().requires_grad_() for name, value in theta.items()}

    def logits(x: Tensor, labels: Tensor) -> Tensor:
        """[T, ways] for features [T, d] and late labels [T, ways]."""
        into = torch.cat([own["input.weight"], own["read.weight"]], 1)
        none = torch.zeros_like(own["input.bias"])
        rows = x.new_full((net.slots, net.width), SMALL)
        read, usage = x.new_zeros(net.heads, net.slots), x.new_zeros(net.slots)
        read[:, 0] = 1
        h, c, found, out = (
            x.new_zeros(net.hidden),
            x.new_zeros(net.hidden),
            x.new_zeros(net.heads * net.width),
            [],
        )
        for step in torch.cat([x, labels], 1):
            h, c = (
                each.squeeze(0)
                for each in torch.lstm_cell(
                    torch.cat([step, found])[None], (h[None], c[None]), into, own["hidden.weight"], own["input.bias"], none
                )
            )  # fmt: skip
            key = F.linear(h, own["key.weight"], own["key.bias"]).tanh().view(net.heads, net.width)
            gate = F.linear(h, own["gate.weight"], own["gate.bias"]).sigmoid().unsqueeze(1)
            with torch.no_grad():
                order = usage.argsort(stable=True)[: net.heads]
                least = F.one_hot(order, net.slots).to(x)
                kept = torch.ones_like(usage)
                kept[order[0]] = 0
            write = gate * read + (1 - gate) * least
            rows = rows * kept.unsqueeze(1) + write.T @ key
            read = F.cosine_similarity(key.unsqueeze(1), rows.unsqueeze(0), dim=-1, eps=SMALL).softmax(-1)
            found = (read @ rows).flatten()
            with torch.no_grad():
                usage = net.decay * usage + read.sum(0) + write.sum(0)
            out.append(torch.cat([h, found]))
        return F.linear(torch.stack(out), own["head.weight"], own["head.bias"])

    def run() -> list[Tensor]:
        for value in own.values():
            value.grad = None
        for x, y in zip(episode.support_x, episode.support_y, strict=True):
            late = F.pad(F.one_hot(y, net.ways).to(x), (0, 0, 1, 0))[:-1]
            (F.cross_entropy(logits(x, late), y) / episode.tasks).backward()
        return [value.grad for value in own.values()]  # type: ignore[misc]

    return run
