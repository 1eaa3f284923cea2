"""Methods that compare, as somebody would write them with torch alone: one task after the other, a network of torch.nn."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.peers import Run, Setting, module
from mlteach.nets import Conv4
from mlteach.params import Params
from mlteach.tasks import Episode

#: (what is learned beside the body, support [S, d], labels [S], query [Q, d], labels [Q], ways) -> the loss of one task.
Loss = Callable[[dict[str, Tensor], Tensor, Tensor, Tensor, Tensor, int], Tensor]


def prototypes(scale: float) -> Loss:
    """The squared distance to each class's mean."""

    def loss(
        extra: dict[str, Tensor], support: Tensor, y: Tensor, query: Tensor, truth: Tensor, ways: int
    ) -> Tensor:
        means = torch.stack([support[y == way].mean(0) for way in range(ways)])
        distances = (query.unsqueeze(1) - means).square().sum(-1)
        return F.cross_entropy(-scale * distances, truth)

    return loss


def matching(
    extra: dict[str, Tensor], support: Tensor, y: Tensor, query: Tensor, truth: Tensor, ways: int
) -> Tensor:
    """Attention by cosine, sharper by a learned temperature; the values are the labels."""
    fits = F.cosine_similarity(query.unsqueeze(1), support.unsqueeze(0), dim=-1)
    attention = (extra["matching.log_scale"].exp() * fits).softmax(-1)
    return F.nll_loss((attention @ F.one_hot(y, ways).to(attention)).log(), truth)


def linear_attention(
    extra: dict[str, Tensor], support: Tensor, y: Tensor, query: Tensor, truth: Tensor, ways: int
) -> Tensor:
    """The same without a softmax: plain products."""
    values = F.one_hot(y, ways).to(support) - 1 / ways
    logits = extra["linear.log_rate"].exp() / len(support) * (query @ support.T @ values)
    return F.cross_entropy(logits, truth)


def comparing(net: Conv4, theta: Params, episode: Episode, loss: Loss) -> Run:
    """The gradient of the mean loss over tasks. theta: the body, in any order, and what is learned beside it."""
    whole = net.init(torch.Generator().manual_seed(0))  # for the names in the order of the layers, and a head
    whole = {name: theta.get(name, value).to(next(iter(theta.values()))) for name, value in whole.items()}
    layers = module(Setting(net, whole, episode, 0, 0.0))
    body = nn.Sequential(*list(layers)[:-1])  # type: ignore[call-overload]
    own = dict(zip(whole, body.parameters(), strict=False))
    extra = {name: value.clone().requires_grad_() for name, value in theta.items() if name not in own}
    learned = own | extra

    def run() -> list[Tensor]:
        for value in learned.values():
            value.grad = None
        for support_x, support_y, query_x, query_y in zip(*episode, strict=True):
            found = body(torch.cat([support_x, query_x]))
            support, query = found.split([len(support_x), len(query_x)])
            value = loss(extra, support, support_y, query, query_y, net.ways)
            (value / episode.tasks).backward()
        return [learned[name].grad for name in theta]  # type: ignore[misc]

    return run


def attention_layer(theta: Params, episode: Episode) -> Run:
    """A layer of linear self-attention over pairs, in ``nn.Linear`` and ``einsum``, all tasks one batch; the squared error."""
    support_x, support_y, query_x, query_y = episode
    width = support_x.shape[-1] + 1
    maps = nn.ModuleDict(
        {name: nn.Linear(width, width, bias=False) for name in ("query", "key", "value", "out")}
    )
    maps.to(support_x)
    with torch.no_grad():
        for name, layer in maps.items():
            layer.weight.copy_(theta[f"layer1.{name}"])  # type: ignore[union-attr]

    def run() -> list[Tensor]:
        maps.zero_grad()
        pairs = torch.cat([support_x, support_y], -1)
        asked = torch.cat([query_x, torch.zeros_like(query_y)], -1)
        looks = torch.einsum("tqd,tkd->tqk", maps["query"](asked), maps["key"](pairs)) / pairs.shape[1]
        read = torch.einsum("tqk,tkd->tqd", looks, maps["value"](pairs))
        answer = -(asked + maps["out"](read))[..., -1:]
        F.mse_loss(answer, query_y).backward()
        return [maps[name.removeprefix("layer1.")].weight.grad for name in theta]  # type: ignore[union-attr, misc]

    return run
