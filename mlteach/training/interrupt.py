"""The stop button: the first click ends a run after the step it is in, the second at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def deferred_interrupt(patient: bool = False) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Turn the first interrupt into a flag, so that no step is left half done. Only the main thread gets signals.

    A second one raises KeyboardInterrupt, except while the other flag says that the parameters are being moved.
    patient: a second one does nothing more: where others wait for this process, it may not leave in the middle of a step.
    """
    asked, moving = threading.Event(), threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked, moving
        return

    def note(number: int, frame: FrameType | None) -> None:
        if asked.is_set() and not moving.is_set() and not patient:
            raise KeyboardInterrupt
        asked.set()

    before = signal.signal(signal.SIGINT, note)
    try:
        yield asked, moving
    finally:
        signal.signal(signal.SIGINT, before)
