"""Methods that adapt: inner steps on the support set, then the network answers."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mlteach.inner import Rule
from mlteach.inner.start import Start
from mlteach.measure import path_of
from mlteach.methods.method import Family, Method, Norm, bare_body, body
from mlteach.nets import Conv4
from mlteach.nets.stepwise import net_at
from mlteach.params import Params
from mlteach.tasks import Characters, Episode

#: The lengths of an inner step at test, beside that in training, that are tried on validation characters.
SHARES = (1.0, 0.3, 0.1, 0.03)


def shortened(rule: Rule, share: float) -> Rule:
    """The same rule with steps of this share of its length."""
    if share == 1:
        return rule

    def step(theta: Params, gradient: Params, state: Any, *, loss: Tensor) -> tuple[Params, Any]:
        there, state = rule.step(theta, gradient, state, loss=loss)
        return {name: theta[name] + share * (there[name] - theta[name]) for name in theta}, state

    return rule._replace(step=step)


class Fixed(NamedTuple):
    """A network whose every call has the fixed statistics of ``norm``."""

    net: Any
    norm: Norm

    def at(self, step: int) -> "Fixed":
        return Fixed(net_at(self.net, step), self.norm)

    def __call__(self, params: Params, x: Tensor) -> Tensor:
        return self.net(params, x, "running", running=self.norm.running)


class Adapting(NamedTuple):
    """The two halves of a test, as `Method` takes them."""

    adapt: Callable[[Params, Episode, float, Norm], Params]
    answer: Callable[[Params, Episode, Norm], Tensor]


def adapting(
    net_for: Callable[[int], Any],
    rule: Callable[[Params], Rule],
    steps: int,
    start: Callable[[Any], Start],
    only: Callable[[Any], Collection[str]] | None = None,
) -> Adapting:
    """So many inner steps, then the network answers. net_for, start, only: for the task's number of classes, of its network."""

    def net_of(episode: Episode) -> Any:
        return net_for(int(episode.support_y.max()) + 1)

    def adapt(theta: Params, episode: Episode, share: float, norm: Norm) -> Params:
        net = net_of(episode)
        taken, names, begin = shortened(rule(theta), share), only(net) if only else None, start(net)
        seen: Any = net if norm.running is None else Fixed(net, norm)
        return path_of(seen, theta, episode, taken, steps, only=names, start=begin)[-1]

    def answer(phi: Params, episode: Episode, norm: Norm) -> Tensor:
        net = net_at(net_of(episode), steps)
        return net(phi, episode.query_x, norm.mode, support=episode.support_x, running=norm.running)

    return Adapting(adapt, answer)


def drawing(
    tasks: int, ways: int, shots: int, queries: int
) -> Callable[[Characters, torch.Generator], Episode]:
    """`Method.sample`: so many tasks an outer step."""
    return lambda characters, generator: characters.sample(tasks, ways, shots, queries, generator=generator)


def two_rates(net: Conv4, in_body: float, in_head: float) -> dict[str, Any]:
    """A rate for each name: one for the body, one for the head."""
    return dict.fromkeys(net.body_names, in_body) | dict.fromkeys(net.head_names, in_head)


def with_zero_head(
    name: str,
    lesson: str,
    gradient: Any,
    rule: Rule,
    test_steps: int,
    sample: Callable[[Characters, torch.Generator], Episode],
    ways: int,
    *,
    family: Family = "start",
    only: Callable[[Any], Collection[str]] | None = None,
    **how: Any,
) -> Method:
    """A method whose tasks all begin with a head of zeros, so that it trains with ``ways`` classes and answers for any number.

    gradient: (net, theta, episode) -> as `Method.gradient`. The size of its inner step at test is chosen among `SHARES`.
    """
    test = adapting(body, lambda theta: rule, test_steps, lambda net: net.zero_head, only)
    return Method(
        name, lesson, family, bare_body(ways), sample, partial(gradient, body(ways)), test.answer, test.adapt,
        **({"shares": SHARES} | how),
    )  # fmt: skip
