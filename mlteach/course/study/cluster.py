"""The workers: processes on this machine, or those of a dask scheduler that is running already."""

import importlib.util
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from typing import Any

from mlteach.course.study.target import StudyError

PATIENCE = 10  # seconds for a scheduler to answer
#: For each worker: one thread to compute with, and no word about what one that was ended in its work has left.
ALONE = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore:resource_tracker"}
INSTALL = 'python -m pip install -c constraints.txt -e ".[course,study]"'


@contextmanager
def connected(scheduler: str | None, workers: int | None, runs: int) -> Iterator[Any]:
    """A `distributed.Client` for so many runs: of the scheduler at this address, else of processes started here.

    workers: how many processes; without it one for each core that this process may use. Each has one thread and computes
    with one, so that the numbers do not depend on how many there are. Raises StudyError where dask is missing, nobody
    answers, or a worker is one in which runs would disturb each other.
    """
    try:
        import distributed
    except ImportError:
        raise StudyError(f"Studies are run by dask, which is not installed here. Install it with: {INSTALL}") from None  # fmt: skip
    # what goes wrong is said in a sentence
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    if scheduler is not None:
        try:
            client = distributed.Client(scheduler, timeout=PATIENCE)
        except (OSError, ValueError) as error:
            raise StudyError(
                f"No scheduler answers at {scheduler} ({type(error).__name__}). Give the address that `dask scheduler` prints, "
                "such as tcp://host:8786, or leave out --scheduler."
            ) from error
        with client:
            _one_thread_each(client)
            yield client
        return
    import dask
    from dask.system import CPU_COUNT

    count = min(runs, workers or CPU_COUNT)
    if hasattr(signal, "pthread_sigmask"):
        resource_tracker.ensure_running()  # now: whoever starts it hears Ctrl-C afterwards
    with (
        # no run waits behind another for hours while a worker has nothing to do
        dask.config.set({"distributed.scheduler.worker-saturation": 1.0}),
        _ctrl_c(heard=False),
        distributed.LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            env=ALONE,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            memory_limit=0,  # a run that needs much is not killed for it while the machine has it
            silence_logs=logging.CRITICAL,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.register_worker_callbacks(_left_to_us)
        try:
            with _ctrl_c(heard=True):
                yield client
        finally:
            _all_begun(client, count)


def _all_begun(client: Any, count: int) -> None:
    """Wait for a worker that is starting in the place of a lost one: ended meanwhile, it would complain at length."""
    with suppress(TimeoutError):
        client.wait_for_workers(count, timeout=PATIENCE)


def dashboard(client: Any) -> str:
    """Where dask shows what its workers do, or that it cannot."""
    if importlib.util.find_spec("bokeh") is None:
        return f"Dask's dashboard needs bokeh, which is not installed here; nothing else does. To have it: {INSTALL}"
    return f"Dask's dashboard: {client.dashboard_link}"


def _one_thread_each(client: Any) -> None:
    for address, threads in client.nthreads().items():
        if threads > 1:
            raise StudyError(
                f"The worker at {address} does {threads} runs at once in one process, where they would share settings. Start "
                "workers with --nthreads 1, and more of them."
            )


# A terminal sends Ctrl-C to every process of a group, and a worker leaves it to the one that started it. From its first moment: one that
# ended while it starts would be waited for. What a thread is deaf to, its threads and processes are too.


@contextmanager
def _ctrl_c(heard: bool) -> Iterator[None]:
    """Whether this thread, and whatever is started within, hears Ctrl-C; unheard, it waits for us until the end."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    how = signal.SIG_UNBLOCK if heard else signal.SIG_BLOCK
    before = signal.pthread_sigmask(how, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _left_to_us() -> None:
    """In a worker: ignore Ctrl-C, and hand on no deafness to what it starts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
