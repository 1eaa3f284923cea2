"""A training run: what is learned, and what was seen on the way."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from mlteach.params import Params


class Best(NamedTuple):
    """The meta-parameters that did best in validation, after which step, and their score there."""

    theta: Params
    step: int
    score: float


@dataclass
class Fit:
    """What a training run leaves behind.

    theta: the meta-parameters. step: how many outer steps were made. seconds: the time they took, evaluation left out.
    history: for every name (loss, accuracy, ...) one number a step.
    device: what it trained on, in words.
    stopped: why it ended before its last step: asked to ("interrupt"), out of time ("seconds"), at ``until``, or "".
    validation: for every name that ``validate`` gave one number a validation, and under "step" after which step it was.
    best: the best of those validations, or None.
    """

    theta: Params
    step: int = 0
    seconds: float = 0.0
    history: dict[str, list[float]] = field(default_factory=dict)
    device: str = "cpu"
    stopped: Literal["", "interrupt", "seconds", "until"] = ""
    validation: dict[str, list[float]] = field(default_factory=dict)
    best: Best | None = None

    @property
    def interrupted(self) -> bool:
        """Whether it stopped early because it was asked to."""
        return self.stopped == "interrupt"
