"""The kernels that lessons are executed in: what they are told, and how they end when somebody presses Ctrl-C."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Its transport is not encrypted, about which it warns otherwise.
ARGUMENTS = ["--IPKernelApp.log_level=40"]
DIED = (
    "its kernel ended, most likely because memory ran out; close other programs or choose a smaller profile"
)


def kernel_environment() -> dict[str, str]:
    """The environment in which outputs are stored and compared: no bars, no results file, no score, one hash seed."""
    kept = {name: value for name, value in os.environ.items() if name != "MLTEACH_RESULTS"}
    return kept | {"PYTHONHASHSEED": "0", "TQDM_DISABLE": "1", "MLTEACH_PROGRESS": "off"}


@contextmanager
def stoppable() -> Iterator[dict[str, Any]]:
    """Ctrl-C ends the kernels of the block, and KeyboardInterrupt comes when their clients have closed in good order.

    Yields the arguments by which a client of nbclient or papermill takes part. A client torn out of its work would
    print a page of errors of its transport, and leave the kernel running.
    """
    from jupyter_client.manager import AsyncKernelManager

    started: list[Any] = []
    told = False

    class Kernel(AsyncKernelManager):  # type: ignore[misc, unused-ignore]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)

    def stop(number: int, frame: Any) -> None:
        nonlocal told
        processes = [getattr(each.provisioner, "process", None) for each in started]
        if told or not any(processes):  # asked twice, or nothing runs yet
            raise KeyboardInterrupt
        told = True
        for process in filter(None, processes):
            process.kill()

    quiet = logging.root.manager.disable
    logging.disable()  # what goes wrong is raised; the clients would say it a second time
    arguments = {"kernel_manager_class": Kernel, "kernel_name": "python3", "extra_arguments": ARGUMENTS}
    # only the main thread hears of Ctrl-C
    hears = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, stop) if hears else None
    try:
        yield arguments
    except Exception:
        if told:
            raise KeyboardInterrupt from None
        raise
    finally:
        logging.disable(quiet)
        if hears:
            signal.signal(signal.SIGINT, before)
    if told:
        raise KeyboardInterrupt
