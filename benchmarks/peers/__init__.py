"""What we are measured against: other people's MAML, and the loops a user would write, all on the same numbers.

A peer is a function of a `Setting` that returns a function without arguments: call it, and it takes one meta-gradient and
returns it, in the order of `mlteach.params.to_vector`'s names. None of this is imported by the package.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from mlteach.nets import MLP, Conv4, cross_entropy, squared_error
from mlteach.nets.norm import EPSILON
from mlteach.params import Params
from mlteach.tasks.episode import Episode

Run = Callable[[], list[Tensor]]
Peer = Callable[["Setting"], Run]


@dataclass(frozen=True)
class Setting:
    """One meta-gradient: the network, where it is, the tasks, and how the inner loop goes."""

    net: Conv4 | MLP
    theta: Params
    episode: Episode
    steps: int
    rate: float
    first_order: bool = False

    @property
    def loss(self) -> Callable[[Tensor, Tensor], Tensor]:
        """Ours, for a batch of tasks: [T]."""
        return cross_entropy if isinstance(self.net, Conv4) else squared_error

    @property
    def task_loss(self) -> Callable[[Tensor, Tensor], Tensor]:
        """PyTorch's, for one task: a scalar."""
        return nn.functional.cross_entropy if isinstance(self.net, Conv4) else nn.functional.mse_loss

    def double(self, tasks: int) -> "Setting":
        """The first few tasks of it, in float64."""
        support_x, support_y, query_x, query_y = (each[:tasks] for each in self.episode)
        if isinstance(self.net, MLP):
            support_y, query_y = support_y.double(), query_y.double()
        return replace(
            self,
            theta={name: value.double() for name, value in self.theta.items()},
            episode=Episode(support_x.double(), support_y, query_x.double(), query_y),
        )


def module(setting: Setting) -> nn.Module:
    """The same network as anybody would write it with torch.nn, with the setting's parameters, in the same order."""
    net = setting.net
    layers: list[nn.Module] = []
    if isinstance(net, MLP):
        last = len(net.sizes) - 1
        for number in range(1, last + 1):
            layers.append(nn.Linear(net.sizes[number - 1], net.sizes[number]))
            if number < last:
                layers.append({"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}[net.activation]())
    else:
        channels = 1
        for _ in range(4):
            layers.append(
                nn.Conv2d(channels, net.filters, 3, 2 if net.pool == "stride" else 1, 1, bias=False)
            )
            layers += [nn.BatchNorm2d(net.filters, eps=EPSILON, track_running_stats=False), nn.ReLU()]
            layers += [nn.MaxPool2d(2)] if net.pool == "max" else []
            channels = net.filters
        layers += [nn.AdaptiveAvgPool2d(1)] if net.head == "mean" else []
        layers += [nn.Flatten(), nn.Linear(net.features, net.ways)]
    made = nn.Sequential(*layers).to(next(iter(setting.theta.values())))
    with torch.no_grad():
        for own, value in zip(made.parameters(), setting.theta.values(), strict=True):
            own.copy_(value)
    return made
