"""What is known of an exercise before anybody answers: its cases, and what the solution and the known mistakes make of them.

Computed once and kept, so that a check costs the learner's own calls and little more.
"""

from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.edits import edits, given_to
from mlteach.exercises.exercise import Case, Exercise, Mistake
from mlteach.exercises.flow import Flow, flow
from mlteach.exercises.trial import Outcome, attempt, input_names
from mlteach.exercises.values import agreement, copy

DRAWN = 3  # cases drawn beside those the exercise lists
KEPT: dict[int, "Reference"] = {}


class Reference:
    """The cases of an exercise and the outcomes that answers are compared with."""

    def __init__(self, exercise: Exercise, cases: list[Case] | None = None) -> None:
        self.exercise = exercise
        self.cases = all_cases(exercise) if cases is None else cases
        self.right = self.outcomes(exercise.solution)

    @cached_property
    def given(self) -> dict[str, dict[str, Any]]:
        """What the learner's function is given, by the name of the case, also where something is observed."""
        if not self.exercise.cases:
            return {}
        return {case.name: given_to(self.exercise, case) for case in self.cases}

    def outcomes(self, answer: Any, once: bool = False) -> list[Outcome]:
        """What ``answer`` makes of every case; with ``once`` nothing is called a second time."""
        return [attempt(self.exercise, answer, case, once) for case in self.cases]

    @cached_property
    def mistakes(self) -> list[tuple[Mistake, "Wrong"]]:
        """Every catalogued wrong answer."""
        return [(m, Wrong(self, wrong)) for m in self.exercise.mistakes for wrong in m.wrong]

    @cached_property
    def flows(self) -> list[Flow]:
        """The gradients of the solution on every case."""
        return self.flows_of(self.exercise.solution)

    @cached_property
    def nudges(self) -> bool:
        """Whether inputs are nudged before gradients are taken: where none are declared, and the solution bears it."""
        if self.exercise.differentiable is not None:
            return False
        tried = [self._flow(self.exercise.solution, k, True) for k in range(len(self.cases))]
        return all(f.error is None and _finite(f) for f in tried)

    def flows_of(self, answer: Any) -> list[Flow]:
        """The gradients of ``answer`` on every case."""
        return [self._flow(answer, k, self.nudges) for k in range(len(self.cases))]

    def _flow(self, answer: Any, k: int, nudge: bool) -> Flow:
        return flow(self.exercise, answer, self.cases[k], self.right[k].value, nudge)

    @cached_property
    def asks_for_gradients(self) -> bool:
        """Whether gradients are compared at all."""
        if not self.exercise.cases or self.exercise.differentiable == ():
            return False
        return self.exercise.observe is None or self.exercise.differentiable is not None

    @cached_property
    def edited(self) -> list[tuple[str, "Wrong"]]:
        """The solution with one input changed, change after change, in words."""
        if not self.exercise.cases:
            return []
        return [(words, Wrong(self, wrong)) for words, wrong in edits(self.exercise, self.cases)]


class Wrong:
    """An answer known to be wrong. It is tried case by case, each once, and no further than needed to rule it out."""

    def __init__(self, known: Reference, answer: Any) -> None:
        self.known, self.answer = known, answer
        self._tried: dict[int, Outcome] = {}

    def on(self, k: int) -> Outcome:
        """What comes out on case number ``k``."""
        if k not in self._tried:
            self._tried[k] = attempt(self.known.exercise, self.answer, self.known.cases[k], once=True)
        return self._tried[k]

    @cached_property
    def outcomes(self) -> list[Outcome]:
        """What comes out on every case when each call is made twice, as a learner's are."""
        return self.known.outcomes(self.answer)

    @cached_property
    def flows(self) -> list[Flow]:
        """The gradients on every case."""
        return self.known.flows_of(self.answer)

    def is_like(self, came: list[Outcome], tolerance: float) -> bool:
        """Whether it gives what ``came`` on every case, and a value on one at least."""
        # from the last, which is the least special, to the first
        alike = (is_close(self.on(k), came[k], tolerance) for k in reversed(range(len(came))))
        return all(alike) and any(self.on(k).error is None for k in range(len(came)))


def is_close(right: Outcome, came: Outcome, tolerance: float) -> str:
    """How close the values of one case are: "same", a precision, or "" where they differ."""
    if right.error or came.error:
        return "same" if type(right.error) is type(came.error) else ""
    return agreement(right.value, came.value, tolerance)


def _finite(found: Flow) -> bool:
    gradients = [g for _, by in found.outputs for g in by.values() if g is not None]
    values = [pair.came for pair, _ in found.outputs if isinstance(pair.came, Tensor)]
    return all(bool(x.isfinite().all()) for x in gradients + values)


def reference(exercise: Exercise) -> Reference:
    """The reference of ``exercise``, computed at the first call."""
    kept = KEPT.get(id(exercise))
    if kept is None or kept.exercise is not exercise:
        if len(KEPT) > 100:
            KEPT.clear()
        KEPT[id(exercise)] = kept = Reference(exercise)
    return kept


def all_cases(exercise: Exercise) -> list[Case]:
    """The listed cases, a few drawn ones, and each listed one with more leading axes where these are allowed."""
    if exercise.cases is None:
        return [Case("your answer", ())]
    cases = list(exercise.cases())
    if exercise.draw is not None:
        cases += [exercise.draw(torch.Generator().manual_seed(seed)) for seed in range(1, DRAWN + 1)]
    if exercise.leading:
        for more, words in ((1, "one more leading axis"), (2, "two more leading axes")):
            cases.append(Case(f"{cases[0].name}, with {words}", _led(exercise, cases[0], more)))
    return cases


def _led(exercise: Exercise, case: Case, more: int) -> tuple[Any, ...]:
    """The inputs of ``case`` with leading axes: the second entry is the first one moved along its last axis."""

    def change(value: Any) -> Any:
        value = copy(value)
        for _ in range(more):
            value = torch.stack([value, value.roll(1, -1)])
        return value

    named = zip(input_names(exercise), case.inputs, strict=True)
    return tuple(change(value) if name in exercise.leading else value for name, value in named)
