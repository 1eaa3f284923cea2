"""What the machine can do at all: pictures through the plain network, forward and backward, with nothing to adapt to.

It is measured in turn with the contestants, in the same rounds, several ways; the quickest way is the limit. On a CPU each core
has batches of the queries of so many tasks, 1, 2, 4 and 8 by default: small ones stay in its cache, large ones are fewer calls.
On a GPU one batch is the whole meta-batch, or four of it. Pictures lie channels last, and the ReLU writes over what it gets, so
that its output takes no fresh memory.
"""

import functools
import statistics
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmarks.peers import Run, Setting, module

EACH = (1, 2, 4, 8)  # tasks a core


@dataclass(frozen=True)
class Limit:
    """The ways to use the machine by their names, and how many tasks of the setting one run of any of them is worth."""

    ways: Mapping[str, Run]
    tasks: float

    def quickest(self, seconds: Mapping[str, Sequence[float]]) -> str:
        """The way with the smallest median."""
        return min(self.ways, key=lambda way: statistics.median(seconds[way]))

    def share(self, seconds: Mapping[str, Sequence[float]], name: str, tasks: int) -> float:
        """The share of the limit that a contestant reached, the median of its shares within a round; it did ``tasks`` in a run."""
        most = seconds[self.quickest(seconds)]
        return statistics.median(
            (tasks / a) / (self.tasks / b) for a, b in zip(seconds[name], most, strict=True)
        )


@contextmanager
def of(setting: Setting, each: Sequence[int] = EACH) -> Iterator[Limit]:
    """The limit for a setting. each: how many tasks' queries are one batch; every way has the same number in all.

    A query passes once. A support picture passes once a step, and in second order three times: the gradient's own gradient
    has six convolutions where a gradient has three.
    """
    support, queries = setting.episode.support_x.shape[1], setting.episode.query_x.shape[1]
    work = queries + support * setting.steps * (1 if setting.first_order else 3)
    cores = torch.get_num_threads()
    if setting.episode.query_x.device.type != "cpu":
        cores, each = 1, (setting.episode.tasks, 4 * setting.episode.tasks)
    most = max(each) * cores
    with ThreadPoolExecutor(cores, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        ways = {f"the limit, {count} at once": _spread(setting, most, count, pool) for count in each}
        yield Limit(ways, most * queries / work)


def _spread(setting: Setting, most: int, count: int, pool: ThreadPoolExecutor) -> Run:
    """The queries of ``most`` tasks in batches of ``count``, over the pool's threads."""
    copies = -(-most // setting.episode.tasks)  # more tasks than there are: some come twice
    x, y = (torch.cat([part] * copies)[:most] for part in setting.episode[2:])
    runs = [
        _passed(setting, a.flatten(0, 1), b.flatten(0, 1))
        for a, b in zip(x.split(count), y.split(count), strict=True)
    ]
    return lambda: list(pool.map(lambda run: run(), runs))[0]


def _passed(setting: Setting, x: Tensor, y: Tensor) -> Run:
    """One batch, forward and backward."""
    net = module(setting).to(memory_format=torch.channels_last)
    for layer in net.modules():
        if isinstance(layer, nn.ReLU):
            layer.inplace = True
    # a clone, for pictures of one channel count as channels last as they are, and their strides do not
    x = x.clone(memory_format=torch.channels_last if x.ndim == 4 else torch.preserve_format)
    return functools.partial(_gradient, setting, net, x, y)


def _gradient(setting: Setting, net: nn.Module, x: Tensor, y: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(setting.task_loss(net(x), y), list(net.parameters())))
