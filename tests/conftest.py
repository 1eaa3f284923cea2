"""What all tests share."""

import os

import pytest
from hypothesis import settings

# Found examples are not kept between runs, and a busy machine is no failure: the same code gives the same verdict.
settings.register_profile("course", deadline=None, derandomize=True, database=None)
settings.load_profile("course")


@pytest.fixture(autouse=True, scope="session")
def no_window() -> None:
    """Figures are drawn into files; no test waits for a window."""
    os.environ.setdefault("MPLBACKEND", "agg")
