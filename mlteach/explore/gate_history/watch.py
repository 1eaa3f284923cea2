"""What `GateHistory` shows, of a meta-learner LSTM that adapts to an episode: the gates layer by layer, losses and accuracy."""

from collections.abc import Callable

import torch
from torch import Tensor

from mlteach.inner import Rule, gates, sgd
from mlteach.measure.accuracy import path_of
from mlteach.nets import cross_entropy, share_right
from mlteach.params import Params, stack
from mlteach.tasks.episode import Episode

_KINDS = {"weight": "conv", "gamma": "scale", "beta": "shift"}


def layer_name(name: str) -> str:
    """As a reader says it: "conv1.weight" is conv 1, gamma of batch norm is scale, its beta is shift."""
    if name.startswith("head"):
        return "head" if name.endswith("weight") else "head bias"
    module, kind = name.split(".")
    return f"{_KINDS[kind]} {module[-1]}"


def watch(
    net: Callable[..., Tensor], start: Params, rule: Rule, episode: Episode, steps: int, rate: float
) -> dict[str, Tensor]:
    """The tables of `GateHistory` by their names; descent goes from the same start with this rate.

    Losses and accuracy with the support set's batch statistics, so that no query sees another.
    """
    seen = gates(
        lambda params: cross_entropy(net(params, episode.support_x), episode.support_y),
        stack(start, episode.tasks),
        rule,
        steps,
    )
    ours = _scores(net, seen.path, episode)
    order = episode.support_y.argsort(1)[:, :, None, None]
    pictures = (255 * episode.support_x[:, :, 0]).round().to(torch.uint8)
    return {
        "forget": torch.stack([_spread(each) for each in seen.forget], 1),
        "input": torch.stack([_spread(each) for each in seen.input], 1),
        "support_loss": ours[..., 0],
        "query_loss": ours[..., 1],
        "accuracy": ours[..., 2],
        "descent": _scores(net, path_of(net, start, episode, sgd(rate), steps), episode),
        "pictures": pictures.gather(1, order.expand_as(pictures)),
    }


def _spread(gate: Params) -> Tensor:
    """Mean, 10th and 90th percentile over a layer's coordinates: [tasks, layers, 3]."""
    rows = []
    for value in gate.values():
        flat = value.flatten(1)
        low, high = torch.quantile(flat, torch.tensor([0.1, 0.9]), dim=1)
        rows.append(torch.stack([flat.mean(1), low, high], -1))
    return torch.stack(rows, 1)


def _scores(net: Callable[..., Tensor], path: list[Params], episode: Episode) -> Tensor:
    """Support loss, query loss and query accuracy before and after each step: [tasks, steps + 1, 3]."""
    found = []
    with torch.no_grad():
        for phi in path:
            logits = net(phi, episode.query_x, "support", support=episode.support_x)
            support = cross_entropy(net(phi, episode.support_x), episode.support_y)
            found.append(
                torch.stack(
                    [support, cross_entropy(logits, episode.query_y), share_right(logits, episode.query_y)],
                    -1,
                )
            )
    return torch.stack(found, 1)
