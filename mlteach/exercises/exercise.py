"""What an exercise is: a solution, cases to try it on, mistakes known by name, hints. Data, no behaviour."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    """One set of inputs (tensors in float64) the answer is tried on, with the name a learner reads when it fails."""

    name: str
    inputs: tuple[Any, ...]


@dataclass(frozen=True)
class Mistake:
    """A wrong answer we expect: ``message`` says what was done instead of what, ``wrong`` does exactly that.

    ``wrong`` may hold several answers when one misunderstanding can be written in several ways.
    """

    message: str
    wrong: tuple[Any, ...]


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lesson.

    ``solution`` is a function, tried on ``cases()``, or a value (number, string, tensor, tuple or dict of these)
    when there are no cases. ``observe(answer, *inputs)`` says what to look at instead of ``answer(*inputs)``,
    for example the gradient of a loss that the learner wrote.
    """

    id: str
    title: str
    solution: Any
    hints: tuple[str, ...]
    mistakes: tuple[Mistake, ...]
    cases: Callable[[], Sequence[Case]] | None = None
    observe: Callable[..., Any] | None = None
    tolerance: float = 1e-9
