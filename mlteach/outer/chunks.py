"""Many tasks as a few batches: one large batch on a GPU, small ones spread over threads on a CPU.

How many tasks a batch holds is settled by what is being run. A few points a task: all tasks in one batch, for what costs
there is the number of calls. A few pictures: eight tasks to a batch, and the batches spread over threads. Many pictures:
each task by itself, for it fills the processor's cache alone, and a convolution of one task is the quicker kind.

A network that makes its own passes (`mlteach.nets.own`) says how many numbers its largest layer has for a task. Then a batch has as
many tasks as keep that layer within the cache of a core.
"""

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import torch
from torch import Tensor

from mlteach.nets.own import own_passes
from mlteach.nets.stepwise import net_at
from mlteach.params import Params, add
from mlteach.tasks.episode import Episode

Result = TypeVar("Result")

POINTS, PICTURES = 1_000, 20_000  # so many numbers in a task's inputs are a few points, a few pictures
LAYER = 650_000  # so many numbers of one layer stay in a core's cache: 2.5 MiB in float32
CPU_CHUNK = 8  # tasks of a few pictures to a batch: more fall out of the cache, fewer pay more for each call


def tasks_at_once(x: Tensor, largest: int | None = None) -> int:
    """How many tasks to run as one batch, for inputs x [tasks, ...]; ``largest``: the numbers in a task's largest layer, where known."""
    if largest is not None:
        most = max(1, min(LAYER // largest, -(-len(x) // torch.get_num_threads())))
        return -(-len(x) // -(-len(x) // most))  # as many batches as that makes, and all alike
    numbers = x[0].numel()
    if x.device.type != "cpu" or numbers <= POINTS:
        return len(x)
    return 1 if numbers > PICTURES else min(CPU_CHUNK, -(-len(x) // torch.get_num_threads()))


def walks_at_once(net: Any, loss: Callable[[Tensor, Tensor], Tensor], episode: Episode) -> int:
    """How many tasks make their inner steps as one batch: by the support set, and by the network's own passes over it."""
    own = own_passes(net_at(net, 0), loss, episode.support_x, episode.support_y)
    return tasks_at_once(episode.support_x, None if own is None else own.largest)


@functools.cache
def _pool(workers: int) -> ThreadPoolExecutor:
    """Threads that each use one core; setting torch's threads in the caller would not reach them."""
    return ThreadPoolExecutor(workers, initializer=lambda: torch.set_num_threads(1))


# A forked process inherits the pool but none of its threads, and would wait for them for ever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)


def over_chunks(
    function: Callable[[Episode], Result], episode: Episode, chunk: int | None = None
) -> list[Result]:
    """Apply ``function`` to parts of the tasks, in threads on a CPU, and return the results in the tasks' order.

    chunk: how many tasks a part has; default: what `tasks_at_once` says of the support set.
    """
    threads = torch.get_num_threads() if episode.support_x.device.type == "cpu" else 1
    if chunk is None:
        chunk = tasks_at_once(episode.support_x)
    parts = [episode.part(slice(first, first + chunk)) for first in range(0, episode.tasks, chunk)]
    workers = min(threads, len(parts))
    return list(map(function, parts) if workers == 1 else _pool(workers).map(function, parts))


def sum_over_chunks(
    function: Callable[[Episode], tuple[Params, Params]], episode: Episode, chunk: int | None = None
) -> tuple[Params, Params]:
    """Apply ``function`` to parts of the tasks and add up both dicts of tensors that it returns.

    The parts and the order of the sum depend on ``chunk`` (by default on torch's number of threads), never on which
    thread was first, so on one machine the result is the same in every run.
    """
    (total, sums), *others = over_chunks(function, episode, chunk)
    for gradient, more in others:
        total, sums = add(total, gradient), add(sums, more)
    return total, sums
