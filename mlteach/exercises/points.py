"""What a grading program asks of an answer: nothing is raised where it earns its points."""

from typing import Any

from mlteach.errors import MlteachError
from mlteach.exercises import find, judge


class NoPointsError(MlteachError, AssertionError):
    """The answer does not pass the check of its exercise, or there is none yet; the message is what `check` says."""


def earned(id: str, answer: Any) -> None:
    """Return where ``answer`` passes the check of exercise ``id``, else raise NoPointsError with what the check says.

    Keeps no score. Raises ExerciseError for an unknown id.
    """
    verdict = judge(find(id), answer)
    if not verdict.passed:
        raise NoPointsError(verdict.message)
