"""Many tasks as a few batches: one large batch on a GPU, small ones spread over threads on a CPU."""

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch

from mlteach.params import Params, add
from mlteach.tasks.episode import Episode

CPU_CHUNK = 4  # tasks to a batch: more fall out of the processor's cache, fewer pay more for each call


@functools.cache
def _pool(workers: int) -> ThreadPoolExecutor:
    """Threads that each use one core; setting torch's threads in the caller would not reach them."""
    return ThreadPoolExecutor(workers, initializer=lambda: torch.set_num_threads(1))


def sum_over_chunks(
    function: Callable[[Episode], tuple[Params, Params]], episode: Episode, chunk: int | None = None
) -> tuple[Params, Params]:
    """Apply ``function`` to parts of the tasks and add up both dicts of tensors that it returns.

    The parts and the order of the sum depend on ``chunk`` (by default on torch's number of threads), never on which
    thread was first, so on one machine the result is the same in every run.
    """
    threads = torch.get_num_threads() if episode.support_x.device.type == "cpu" else 1
    if chunk is None:
        chunk = episode.tasks
        if episode.support_x.device.type == "cpu":
            chunk = min(CPU_CHUNK, -(-episode.tasks // threads))
    parts = [episode.part(slice(first, first + chunk)) for first in range(0, episode.tasks, chunk)]
    workers = min(threads, len(parts))
    results = map(function, parts) if workers == 1 else _pool(workers).map(function, parts)
    total, sums = next(iter_results := iter(results))
    for gradient, more in iter_results:
        total, sums = add(total, gradient), add(sums, more)
    return total, sums
