"""A bar that is shown counts on while one step takes long."""

import io
import time
from contextlib import nullcontext

import pytest
from tqdm.auto import tqdm

from mlteach.progress import ticking


@pytest.mark.parametrize("ticks", [True, False])
def test_a_long_step_moves_the_clock_of_a_bar_and_adds_no_step(ticks: bool) -> None:
    seen = io.StringIO()
    with tqdm(total=2, file=seen, disable=False) as bar, ticking(0.02) if ticks else nullcontext():
        drawn = seen.getvalue().count("\r")
        deadline = time.monotonic() + (20 if ticks else 0.3)
        while time.monotonic() < deadline and seen.getvalue().count("\r") < drawn + 3:
            time.sleep(0.02)
        assert (seen.getvalue().count("\r") >= drawn + 3) is ticks
        assert bar.n == 0


def test_it_ends_with_its_block_and_leaves_what_is_hidden_alone() -> None:
    seen = io.StringIO()
    with tqdm(total=2, file=seen, disable=True), ticking(0.01):
        time.sleep(0.05)
    assert not seen.getvalue()
    with tqdm(total=2, file=seen, disable=False):
        with ticking(0.01):
            pass
        drawn = seen.getvalue()
        time.sleep(0.05)
        assert seen.getvalue() == drawn
