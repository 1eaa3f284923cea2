"""A recipe's meta-gradient by learn2learn's own ``MAML``, one task after the other."""

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.peers import Setting, module
from benchmarks.peers.loops import learn2learn_maml
from mlteach.outer.replay import Gradient
from mlteach.params import Params
from mlteach.tasks.episode import Episode

if TYPE_CHECKING:
    from benchmarks.recipes import Recipe


class _Scaled(nn.Linear):
    """A head whose output is multiplied by c: a step of rate a on its weights is one of a c^2 on c times its weights."""

    def __init__(self, inputs: int, outputs: int, c: float) -> None:
        super().__init__(inputs, outputs)
        self.c = c

    def forward(self, input: Tensor) -> Tensor:
        return self.c * super().forward(input)


def by_learn2learn(recipe: "Recipe") -> Gradient:
    """The same meta-gradient by learn2learn's ``MAML``, one task after the other.

    It knows one inner rate. The head's, which differs, comes from a scale, and nothing else changes.
    """
    net = recipe.net(recipe.ways)
    theta = net.init(torch.Generator().manual_seed(0))
    nothing = torch.zeros(0)
    made = module(Setting(net, theta, Episode(nothing, nothing, nothing, nothing), 1, 0.0))
    head = _Scaled(net.features, recipe.ways, (recipe.rate_head / recipe.rate_body) ** 0.5)
    layers = nn.Sequential(*list(made)[:-1], head)  # type: ignore[call-overload]
    # by name: the network's order is not that of the dict that is trained
    body = dict(zip(theta, list(layers.parameters())[:-2], strict=False))
    learner_of = learn2learn_maml()(layers, lr=recipe.rate_body)

    def gradient(theta: Params, episode: Episode) -> tuple[Params, dict[str, Tensor]]:
        with torch.no_grad():
            layers.to(next(iter(theta.values())))
            for name, own in body.items():
                own.copy_(theta[name])
            head.weight.zero_()
            head.bias.zero_()
        layers.zero_grad()
        total, right = torch.zeros(()), torch.zeros(())
        for support_x, support_y, query_x, query_y in zip(*episode, strict=True):
            learner = learner_of.clone()
            for _ in range(recipe.inner_steps):
                learner.adapt(F.cross_entropy(learner(support_x), support_y))
            answer = learner(query_x)
            value = F.cross_entropy(answer, query_y) / episode.tasks
            value.backward()
            total = total + value.detach()
            right = right + (answer.argmax(1) == query_y).float().mean() / episode.tasks
        found = {name: body[name].grad.clone() for name in theta}  # type: ignore[union-attr]
        return found, {"loss": total, "accuracy": right}

    return gradient
