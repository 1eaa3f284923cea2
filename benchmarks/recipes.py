"""The recipes whose time to accuracy is measured: what a task is, how it is learned from, and how a trained one is tried.

Chosen on validation characters: MAML's by ``python -m studies.lesson09_lecture_recipe``, the others by
``python -m benchmarks.time_to_accuracy choose``, which trains every candidate on about the same number of pictures.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from mlteach.inner import Rule, sgd
from mlteach.measure import Interval, over_tasks, step_accuracy
from mlteach.metric import (
    features_of,
    init_linear,
    init_matching,
    read_linear,
    read_matching,
    read_prototypes,
    reading_gradient,
)
from mlteach.metric.reading import Reading
from mlteach.nets import Conv4, cross_entropy
from mlteach.nets.loss import share_right
from mlteach.outer import maml_gradient, replayed
from mlteach.outer.chunks import over_chunks, tasks_at_once
from mlteach.outer.replay import Gradient
from mlteach.params import Params
from mlteach.tasks import Characters
from mlteach.tasks.augment import augmented
from mlteach.tasks.episode import Episode

SEEDS = (0, 1, 2)
MODES = ("transductive", "support")
QUERIES = 2  # a class, in training
COMPARING = ("ProtoNet", "matching", "attention")


@dataclass(frozen=True)
class Recipe:
    """One training run: what a task is, how it is learned from, how the start moves, and what is aimed at.

    after: the share, in percent, whose seconds are noted; aim: how many seconds it should take.
    """

    said: str
    method: str
    steps: int
    ways: int
    meta_batch: int
    outer_rate: float
    after: float
    aim: float | None
    inner_steps: int = 0
    rate_body: float = 0.0
    rate_head: float = 0.0
    test_share: float = 1.0  # of the inner rates, at test
    test_steps: int = 0
    filters: int = 32
    sharpness: float = 1.0  # ProtoNet: what squared distances are multiplied by in training
    seeds: tuple[int, ...] = SEEDS
    shift: float = 0.0  # every picture by itself, in pixels
    bend: float = 0.0
    clip: float | None = None

    def net(self, ways: int) -> Conv4:
        """The network for so many classes."""
        return Conv4(ways, self.filters, head="flatten")

    def init(self, generator: torch.Generator) -> Params:
        """Where training begins: the body, and what a reading learns beside it."""
        net = self.net(self.ways)
        theta = net.init(generator)
        extra = {"matching": init_matching, "attention": init_linear}.get(self.method, dict)()
        return {name: theta[name] for name in net.body_names} | extra

    def sample(self, characters: Characters, generator: torch.Generator) -> Episode:
        """The tasks of one outer step."""
        episode = characters.sample(self.meta_batch, self.ways, 1, QUERIES, generator=generator)
        if not (self.shift or self.bend):
            return episode
        return augmented(episode, shift=self.shift, bend=self.bend, generator=generator)

    def reading(self) -> Reading:
        """How a method that compares turns features into logits."""
        readings = {
            "ProtoNet": read_prototypes(self.sharpness),
            "matching": read_matching(),
            "attention": read_linear,
        }
        return readings[self.method]

    def rule(self, net: Conv4, share: float = 1.0) -> Rule:
        """Gradient descent with one rate for the body and one for the head."""
        rates = dict.fromkeys(net.body_names, share * self.rate_body)
        return sgd(rates | dict.fromkeys(net.head_names, share * self.rate_head))

    def gradient(self) -> Gradient:
        """What `mlteach.fit` descends on."""
        net = self.net(self.ways)
        if self.method == "learn2learn":
            from benchmarks.peers.recipe import by_learn2learn

            return by_learn2learn(self)
        if self.method in COMPARING:
            return functools.partial(reading_gradient, net.features_of, self.reading())
        only = net.head_names if self.method == "ANIL" else None
        return replayed(
            lambda theta, episode: maml_gradient(
                net, cross_entropy, theta, episode, self.rule(net), self.inner_steps, start=net.zero_head, only=only
            )
        )  # fmt: skip

    def tested(
        self, theta: Params, episodes: Sequence[Episode], modes: Sequence[str] = MODES
    ) -> dict[str, Interval]:
        """Accuracy in percent on 5-way tasks, by the recipe's way to adapt, in these modes of batch norm."""
        net = self.net(5)
        if self.method in COMPARING:
            each = {mode: _compared(net, self.reading(), theta, episodes, mode) for mode in modes}
        else:
            each = step_accuracy(
                net, theta, episodes, self.rule(net, self.test_share), self.test_steps, start=net.zero_head, last=True,
                only=net.head_names if self.method == "ANIL" else None, modes=modes,
            )  # fmt: skip
        return {mode: over_tasks(values).scaled(100) for mode, values in each.items()}


def _compared(net: Conv4, reading: Reading, theta: Params, episodes: Sequence[Episode], mode: str) -> Tensor:
    """Each task's share of right answers, [tasks]."""

    @torch.no_grad()
    def right(part: Episode) -> Tensor:
        support, query = features_of(net.features_of, theta, part, mode)
        return share_right(reading(theta, support, part.support_y, query, net.ways), part.query_y)

    parts = (over_chunks(right, batch, tasks_at_once(batch.query_x)) for batch in episodes)
    return torch.cat([found for batch in parts for found in batch])


_MAML = Recipe("MAML", "MAML", 1400, 40, 2, 5e-3, 95.0, 30.0, 2, 0.4, 0.5, 0.025, 3)
RECIPES = {
    recipe.said: recipe
    for recipe in (
        Recipe("ProtoNet", "ProtoNet", 950, 40, 1, 7e-3, 95.0, 8.0, sharpness=0.05),
        Recipe("matching", "matching", 950, 40, 1, 1e-2, 95.0, 15.0, clip=10.0),
        Recipe("attention", "attention", 1700, 40, 1, 5e-3, 95.0, 15.0, clip=10.0),
        Recipe("ANIL", "ANIL", 1250, 60, 1, 5e-3, 95.0, 15.0, 1, 0.0, 1.0, 1.0, 1),
        _MAML,
        replace(_MAML, said="MAML by learn2learn", method="learn2learn", aim=None),
        replace(_MAML, said="MAML, long", steps=2600, after=97.5, aim=300.0, filters=64, seeds=(0,)),
        Recipe("by any method", "matching", 4000, 40, 1, 1e-2, 97.5, 60.0, clip=10.0, shift=3.0, bend=1.5),
    )
}


def candidates() -> dict[str, Recipe]:
    """What was compared: one change at a time, on about the same number of pictures."""
    proto, anil, matching = RECIPES["ProtoNet"], RECIPES["ANIL"], RECIPES["matching"]
    attention, any_method = RECIPES["attention"], RECIPES["by any method"]

    def like(recipe: Recipe, **change: Any) -> Recipe:
        changed = replace(recipe, **change)
        pictures = recipe.steps * recipe.ways * recipe.meta_batch
        return replace(changed, steps=pictures // (changed.ways * changed.meta_batch))

    return {
        "ProtoNet: 40 ways, distances times 0.05, outer rate 0.007": proto,
        "ProtoNet: distances as they are": like(proto, sharpness=1.0),
        "ProtoNet: distances times 0.01": like(proto, sharpness=0.01),
        "ProtoNet: 60 ways": like(proto, ways=60),
        "ProtoNet: 20 ways": like(proto, ways=20),
        "ProtoNet: outer rate 0.02": like(proto, outer_rate=2e-2),
        "ProtoNet: outer rate 0.003": like(proto, outer_rate=3e-3),
        "ANIL: 60 ways, one task a step, head rate 1, outer rate 0.005": anil,
        "ANIL: 40 ways": like(anil, ways=40),
        "ANIL: 40 ways, two tasks": like(anil, ways=40, meta_batch=2),
        "ANIL: 20 ways, four tasks": like(anil, ways=20, meta_batch=4),
        "ANIL: head rate 4": like(anil, rate_head=4.0),
        "ANIL: head rate 0.3": like(anil, rate_head=0.3),
        "ANIL: outer rate 0.01": like(anil, outer_rate=1e-2),
        "ANIL: outer rate 0.002": like(anil, outer_rate=2e-3),
        "matching: 40 ways, outer rate 0.01": matching,
        "matching: 60 ways": like(matching, ways=60),
        "matching: 20 ways": like(matching, ways=20),
        "matching: outer rate 0.02": like(matching, outer_rate=2e-2),
        "matching: outer rate 0.005": like(matching, outer_rate=5e-3),
        "attention: 40 ways, one task a step, outer rate 0.005": attention,
        "attention: 60 ways": like(attention, ways=60),
        "attention: 40 ways, two tasks": like(attention, ways=40, meta_batch=2),
        "attention: outer rate 0.01": like(attention, outer_rate=1e-2),
        "by any method: matching, 40 ways, every picture shifted and bent": any_method,
        "by any method: pictures as they are": like(any_method, shift=0.0, bend=0.0),
        "by any method: shifted by 2 pixels, bent by 1": like(any_method, shift=2.0, bend=1.0),
        "by any method: 60 ways": like(any_method, ways=60),
        "by any method: prototypes": like(any_method, method="ProtoNet", sharpness=0.05, outer_rate=7e-3),
    }
