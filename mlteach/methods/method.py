"""A method of learning to learn, whole: what it draws, what it learns, how that moves, and how it answers a new task.

    init(generator) -> theta                               what it begins with
    sample(characters, generator) -> episode               the tasks of one outer step
    gradient(theta, episode) -> gradient, numbers          what `mlteach.fit` follows
    adapt(theta, episode, share, norm) -> phi              what it makes of the support set; where nothing adapts, theta
    answer(phi, episode, norm) -> logits                   [tasks, Q, ways], for tasks it has never seen

Everything that lesson 21 compares is one such value, in a file of its own in this folder. A method of yours is one more.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.fit import Fit, Gradient, fit
from mlteach.metric import features_of
from mlteach.nets import Conv4
from mlteach.nets.loss import share_right
from mlteach.nets.norm import Mode, Statistics
from mlteach.outer import Scheduled
from mlteach.params import Params
from mlteach.tasks import Characters, Episode
from mlteach.tasks.episode import several

Family = Literal["floor", "step", "start", "first order", "metric", "memory", "attention"]
#: The body that all methods share: Conv-4 with 32 filters. How many ways its head has is each method's own affair.
FILTERS = 32
#: Whose statistics batch norm uses for the queries, and what this is called.
NORMS = {"transductive": "transductive", "support": "support", "fixed": "running"}


def body(ways: int = 5) -> Conv4:
    """The shared network, with a head for so many classes."""
    return Conv4(ways, FILTERS, head="flatten")


class Norm(NamedTuple):
    """How batch norm sees the queries: a mode of `mlteach.nets.norm`, and the fixed statistics where it is "running"."""

    mode: Mode = "transductive"
    running: dict[str, Statistics] | None = None


def bare_body(ways: int) -> Callable[[torch.Generator], Params]:
    """A fresh theta without a head: every task begins with one of its own, or needs none."""

    def init(generator: torch.Generator) -> Params:
        net = body(ways)
        theta = net.init(generator)
        return {name: theta[name] for name in net.body_names}

    return init


def features_under(theta: Params, episode: Episode, norm: Norm) -> tuple[Tensor, Tensor]:
    """What the body makes of support and queries, [tasks, S, d] and [tasks, Q, d], its batch norm as ``norm`` says."""
    return features_of(partial(body().features_of, running=norm.running), theta, episode, norm.mode)


def as_it_is(theta: Params, episode: Episode, share: float, norm: Norm) -> Params:
    """Nothing adapts."""
    return theta


class Method(NamedTuple):
    """One method. See the top of this file for its five functions.

    adapt: ``share`` is the length of its inner step at test beside that in training, one of ``shares``; `tuned` chooses it. Its
        batch norm has the statistics of the support set, or the fixed ones where ``norm`` has some.
    lr, schedule, clip, optimizer: as in `mlteach.fit`. scheduled: (outer steps) -> the gradient, where it changes while it trains.
    ways: the one number of classes that it can answer for; None: any. at_once: how many tasks adapt together at test, for memory.
    """

    name: str
    lesson: str
    family: Family
    init: Callable[[torch.Generator], Params]
    sample: Callable[[Characters, torch.Generator], Episode]
    gradient: Gradient
    answer: Callable[[Params, Episode, Norm], Tensor]
    adapt: Callable[[Params, Episode, float, Norm], Params] = as_it_is
    lr: float = 5e-3
    schedule: str = "cosine"
    clip: float | None = None
    optimizer: Any = torch.optim.Adam
    shares: tuple[float, ...] = (1.0,)
    scheduled: Callable[[int], Scheduled] | None = None
    ways: int | None = None
    at_once: int = 50

    @property
    def learns(self) -> bool:
        """Whether there is anything to train."""
        return bool(self.init(torch.Generator().manual_seed(0)))


class Trained(NamedTuple):
    """A method after its training: theta, the outer steps, the seconds of one core, and (seconds, score) on the way."""

    theta: Params
    steps: int
    seconds: float
    curve: list[tuple[float, float]]


def steps_within(method: Method, characters: Characters, seconds: float, repeats: int = 5) -> int:
    """How many outer steps fit into so many processor seconds of one thread, drawing and the optimizer included.

    By the median of a few very short trainings, each with its whole schedule: what else runs on the machine makes single ones slow.
    """
    some, spent = 10, []
    for k in range(repeats + 1):
        began = time.process_time()
        trained(method, characters, seconds=0, seed=k, steps=some, progress=None)
        spent.append((time.process_time() - began) / some)
    return max(1, round(seconds / sorted(spent[1:])[repeats // 2]))  # the first is slower


def trained(
    method: Method,
    characters: Characters,
    *,
    seconds: float,
    seed: int = 0,
    steps: int | None = None,
    score: Callable[[Params], float] | None = None,
    looks: int = 12,
    **how: Any,
) -> Trained:
    """Train a method for so many processor seconds of one thread. Only ``score`` is left out of them.

    steps: outer steps, where they are known; else `steps_within` says. score: theta -> a number, asked ``looks`` times.
    how: what `mlteach.fit.fit` takes besides, such as ``progress`` and ``checkpoint``.
    """
    if not method.learns:
        return Trained({}, 0, 0.0, [])
    steps = steps or steps_within(method, characters, seconds)
    generator, looked = torch.Generator().manual_seed(seed), [0.0]
    theta = method.init(generator)

    def judge(now: Params) -> float:
        began = time.process_time()
        found = score(now) if score else 0.0
        looked[0] += time.process_time() - began
        return found

    watch: dict[str, Any] = {"validate": judge, "every_validation": -(-steps // looks)} if score else {}
    began = time.process_time()
    run: Fit = fit(
        method.gradient if method.scheduled is None else method.scheduled(steps),
        theta, lambda g: method.sample(characters, g), steps=steps, generator=generator, lr=method.lr,
        schedule=method.schedule, clip=method.clip, optimizer=method.optimizer, **watch, **how,
    )  # fmt: skip
    took = time.process_time() - began - looked[0]
    seen = run.validation
    scores = seen[next(name for name in seen if name != "step")] if seen else []
    curve = [(took * at / run.step, value) for at, value in zip(seen.get("step", []), scores, strict=True)]
    return Trained(run.theta, run.step, took, curve)


@torch.no_grad()
def fixed_norm(theta: Params, pictures: Tensor) -> Norm:
    """Batch norm with the fixed statistics of pictures [N, 1, 28, 28] under theta's body; none where theta has no body.

    A row for each inner step (MAML++) counts with its last one.
    """
    net = body()
    if not set(net.body_names) <= theta.keys():
        return Norm()
    own = {name: theta[name] for name in net.body_names}
    last = {
        name: value[-1] if name in net.norm_names and value.ndim == 2 else value
        for name, value in own.items()
    }
    return Norm("running", net.running_statistics(last, pictures))


@torch.no_grad()
def right(
    method: Method,
    theta: Params,
    episodes: Iterable[Episode],
    norms: dict[str, Norm] | None = None,
    *,
    share: float = 1.0,
) -> dict[str, Tensor]:
    """For each way of batch norm, each task's share of right answers, [tasks], in [0, 1].

    norms: by name; else "transductive" and "support". Raises EpisodeError for a number of classes that the method is not made for.
    """
    norms = norms or {mode: Norm(mode) for mode in ("transductive", "support")}
    found: dict[str, list[Tensor]] = {name: [] for name in norms}
    for episode in several(episodes):
        ways = int(episode.support_y.max()) + 1
        if method.ways not in (None, ways):
            raise EpisodeError(
                f"{method.name} was trained with a head for {method.ways} classes and these tasks have {ways}; give it tasks of "
                f"{method.ways}, or choose a method whose head does not depend on their number."
            )
        for first in range(0, episode.tasks, method.at_once):
            part = episode.part(slice(first, first + method.at_once))
            adapted: dict[bool, Params] = {}  # the statistics of the queries play no part in it
            for name, norm in norms.items():
                fixed = norm.running is not None
                if fixed not in adapted:
                    adapted[fixed] = method.adapt(theta, part, share, norm)
                found[name].append(share_right(method.answer(adapted[fixed], part, norm), part.query_y))
    return {name: torch.cat(values) for name, values in found.items()}


def tuned(method: Method, theta: Params, episodes: Sequence[Episode]) -> float:
    """The share of its inner step with which a trained method is right most often on these tasks, batch norm transductive."""
    if len(method.shares) == 1:
        return method.shares[0]
    norm = {"": Norm()}
    scores = {share: right(method, theta, episodes, norm, share=share)[""].mean() for share in method.shares}
    return max(scores, key=lambda share: scores[share])
