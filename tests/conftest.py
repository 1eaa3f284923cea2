"""What all tests share."""

import os
from typing import Any

import pytest
from hypothesis import settings

# Found examples are not kept between runs, and a busy machine is no failure: the same code gives the same verdict.
settings.register_profile("course", deadline=None, derandomize=True, database=None)
settings.load_profile("course")

#: Files whose tests share what is dear to set up: JupyterLab, nbgrader, an environment without the course.
SHARED = ("browser/test_lab.py", "grading/test_nbgrader.py", "course/test_hosted.py")
#: Files in which those of the same values do: a page, a deck, an explorer, all answers of an exercise.
SHARED_BY_VALUES = (
    "browser/test_engines.py",
    "browser/test_decks.py",
    "browser/test_static.py",
    "exercises/test_bank.py",
)
#: What explorers say is compared between the engines; one page of each has them all.
COMPARED = ("test_an_explorer_answers_and_says_what_python_says", "test_numbers_at_ticks_are_not_read_aloud")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With ``--dist loadscope``, of several processes one has all tests for which the same is set up: see `shared_by`.

    Not by marks: xdist 3.8 writes them into ids, which pytest 9.2 no longer lets it do, and says nothing.
    """
    if config.getvalue("dist") != "loadscope":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Shared(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return shared_by(nodeid)

    return Shared(config, log)


def shared_by(test: str) -> str:
    """A name for what a test shares, by its id: those of one name run one after the other in one process."""
    path, _, rest = test.partition("::")
    if path.endswith(".ipynb"):  # a lesson stays with its kernel
        return path
    file = path.removeprefix("tests/")
    name, _, values = rest.rstrip("]").partition("[")
    if file.startswith("browser/") and (values.startswith(("firefox", "webkit")) or name in COMPARED):
        return "engines"
    if file in SHARED:
        return file
    return f"{file} {values}" if file in SHARED_BY_VALUES and values else test


@pytest.fixture(autouse=True, scope="session")
def no_window() -> None:
    """Figures are drawn into files; no test waits for a window."""
    os.environ.setdefault("MPLBACKEND", "agg")
