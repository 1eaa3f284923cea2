"""Progress bars, in one place: shown to people, left out where outputs are stored and compared."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from tqdm.auto import tqdm


def bar_for(items: Sequence[Any], label: str | None, *, unit: str, initial: int = 0) -> Any:
    """A tqdm bar over ``items``, or a silent one for the label None or with TQDM_DISABLE set in the environment.

    tqdm's notebook bars do not heed TQDM_DISABLE by themselves; the build and the tests of the lessons rely on it.
    """
    hidden = label is None or bool(os.environ.get("TQDM_DISABLE"))
    bar = tqdm(items, desc=label, disable=hidden, unit=unit, total=len(items), initial=initial)
    if box := getattr(bar, "container", None):  # a notebook's: in a narrow window its numbers go below it
        box.layout.flex_flow = "row wrap"
    return bar


@contextmanager
def ticking(every: float = 1.0) -> Iterator[None]:
    """In the block, the bars that are shown count their seconds on, also while one step of theirs takes long."""
    over = Event()

    def tick() -> None:
        while not over.wait(every):
            for bar in list(tqdm._instances):
                bar.refresh()

    thread = Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
