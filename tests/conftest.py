"""What all tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

BROWSER = Path(__file__).parent / "browser"

# Found examples are not kept between runs, and a busy machine is no failure: the same code gives the same verdict.
settings.register_profile("course", deadline=None, derandomize=True, database=None)
settings.load_profile("course")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests run on two cores, a file stays together, and all browsers are on one core."""
    for item in items:
        in_browser = BROWSER in item.path.parents
        item.add_marker(pytest.mark.xdist_group("browser" if in_browser else str(item.path)))


@pytest.fixture(autouse=True, scope="session")
def no_window() -> None:
    """Figures are drawn into files; no test waits for a window."""
    os.environ.setdefault("MPLBACKEND", "agg")
