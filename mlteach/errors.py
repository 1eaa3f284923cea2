"""What can go wrong, by name. Every message is a sentence that says what to do next."""

from typing import Any


class MlteachError(Exception):
    """Base of all errors raised on purpose by this package."""


class DataError(MlteachError):
    """The data are missing, cut short, or not what they should be."""


class CheckpointError(MlteachError):
    """A checkpoint cannot be read, or belongs to another run, shape or version."""


class EpisodeError(MlteachError, ValueError):
    """An episode was asked for that the data cannot give, or has the wrong shape."""


class RuleError(MlteachError, ValueError):
    """An inner rule, its rate or its number of steps is not one."""


class TrainingError(MlteachError, ValueError):
    """Training cannot begin or cannot go on.

    run: what was learned before (`mlteach.fit.Fit`): the last step at which every number was finite; None if it never began.
    """

    def __init__(self, message: str, run: Any = None) -> None:
        super().__init__(message)
        self.run = run
