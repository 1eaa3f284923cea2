"""Exercises that say what is wrong: ``check("03.1", my_function)``, ``hint("03.1", 1)`` and ``progress()``.

The exercises of lesson NN are the tuple ``EXERCISES`` in ``lessonNN.py`` beside this file.
"""

import pkgutil
from importlib import import_module
from typing import Any, TypeVar

from mlteach.errors import MlteachError
from mlteach.exercises.exercise import Case, Exercise, Mistake
from mlteach.exercises.judge import Verdict, judge
from mlteach.exercises.score import record, scores, table

__all__ = [
    "Case",
    "Exercise",
    "ExerciseError",
    "Mistake",
    "Verdict",
    "check",
    "exercises",
    "find",
    "hint",
    "judge",
    "progress",
    "yours",
]

Answer = TypeVar("Answer")


class ExerciseError(MlteachError, LookupError):
    """There is no exercise, or no hint, of that name."""


def exercises() -> dict[str, Exercise]:
    """Every exercise of the course by its id, in the order of the lessons."""
    modules = sorted(
        module.name for module in pkgutil.iter_modules(__path__) if module.name.startswith("lesson")
    )
    every = [each for name in modules for each in import_module(f"{__name__}.{name}").EXERCISES]
    return {exercise.id: exercise for exercise in every}


def find(id: str) -> Exercise:
    """The exercise called ``id``, for example ``"03.1"``. Raises ExerciseError, which lists the ids there are."""
    known = exercises()
    if id not in known:
        raise ExerciseError(f"There is no exercise {id!r}. There are: {', '.join(known)}.")
    return known[id]


def check(id: str, answer: Any) -> Verdict:
    """Try ``answer`` on the reference cases of exercise ``id`` and print one sentence about it.

    Whatever the answer does, it ends in a sentence and not in a traceback. Attempts and what is solved are kept in
    my/progress.json, for `progress`. Raises ExerciseError for an unknown id.
    """
    verdict = judge(find(id), answer)
    if verdict.attempted:
        record(id, verdict.passed)
    print(verdict.message)
    return verdict


def yours(id: str, answer: Answer, otherwise: Answer) -> Answer:
    """What the lesson goes on with: ``answer`` where it passes the check of exercise ``id``, else ``otherwise``.

    Prints which of the two it is, so that nobody takes the course's own for theirs. Keeps no score: `check` does.
    Raises ExerciseError for an unknown id.
    """
    verdict, name = judge(find(id), answer), getattr(answer, "__name__", "answer")
    if verdict.passed:
        print(f"From here on the lesson runs your {name}.")
        return answer
    print(f"Until your {name} passes {id}, the lesson runs the course's own.")
    return otherwise


def progress() -> None:
    """Print how many exercises of each lesson are solved, and which are open."""
    print(table(list(exercises()), scores()))


def hint(id: str, number: int = 1) -> None:
    """Print hint ``number`` (from 1) of exercise ``id``. Raises ExerciseError if there is none."""
    hints = find(id).hints
    if number not in range(1, len(hints) + 1):
        raise ExerciseError(f"Exercise {id} has hints 1 to {len(hints)}; you asked for {number!r}.")
    print(f"Hint {number} of {len(hints)} for {id}: {hints[number - 1]}")
