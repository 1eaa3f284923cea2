"""Many tasks as a few batches: one large batch on a GPU, small ones spread over threads on a CPU."""

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from mlteach.params import Params, add
from mlteach.tasks.episode import Episode

Result = TypeVar("Result")

CPU_CHUNK = 4  # tasks to a batch: more fall out of the processor's cache, fewer pay more for each call


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
    """Apply ``function`` to parts of the tasks, in threads on a CPU, and return the results in the tasks' order."""
    on_cpu = episode.support_x.device.type == "cpu"
    threads = torch.get_num_threads() if on_cpu else 1
    if chunk is None:
        chunk = min(CPU_CHUNK, -(-episode.tasks // threads)) if on_cpu else episode.tasks
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
