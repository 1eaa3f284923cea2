"""A lesson goes on with what a learner wrote: one that is quick here, all of them by ``python -m tests.lessons.solved``."""

from mlteach.course.lessons import source
from tests.lessons.solved import owed


def test_a_lesson_runs_on_right_answers() -> None:
    assert owed(source("11")) == []
