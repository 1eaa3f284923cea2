"""Tries an answer on a case: what comes out, what it does to its inputs, and whether it does the same when called again."""

import inspect
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise
from mlteach.exercises.values import agreement, copy, has_changed


@dataclass(frozen=True)
class Outcome:
    """What one case gave. ``returned`` is what the answer itself gave, ``value`` what is looked at; often the same.

    ``changed`` are the inputs that are not as they were, ``left`` those with a gradient left behind in ``.grad``.
    ``unsteady`` means that a second call on the same inputs gave something else. ``next`` is the call on its own output.
    """

    value: Any = None
    returned: Any = None
    error: BaseException | None = None
    changed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    unsteady: bool = False
    next: Any = None
    next_error: BaseException | None = None


class Probe:
    """An answer that is watched: each call is made twice, its inputs are compared with a copy made before."""

    def __init__(self, answer: Callable[..., Any], names: tuple[str, ...], twice: bool) -> None:
        self.answer, self.names, self.twice = answer, names, twice
        self.returned: Any = None
        self.changed: dict[str, None] = {}
        self.left: dict[str, None] = {}
        self.unsteady = False

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """Call the answer and remember what there is to see."""
        given = dict(zip(self.names, inputs, strict=False)) | named
        before = copy(given)
        grads = {name: _has_grad(value) for name, value in given.items()}
        value = self.answer(*inputs, **named)
        self.returned = copy(value)
        changed = [name for name in given if has_changed(before[name], given[name])]
        self.changed |= dict.fromkeys(changed)
        if self.twice and not changed:
            try:
                with redirect_stdout(StringIO()):  # what it prints has been seen
                    again = self.answer(*inputs, **named)
                self.unsteady |= not _alike(self.returned, again)
            except Exception:
                self.unsteady = True
        self.left |= {name: None for name, v in given.items() if _has_grad(v) and not grads[name]}
        return value


def _has_grad(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value.is_leaf and value.grad is not None
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ()
    return any(map(_has_grad, parts))


def _alike(first: Any, second: Any) -> bool:
    """Whether two calls gave the same; what cannot be compared counts as the same."""
    if isinstance(first, (Tensor, int, float, dict, tuple, list)):
        return bool(agreement(first, second, 1e-12))
    return type(first) is type(second)


def names_of(exercise: Exercise) -> tuple[str, ...]:
    """The names of what the learner's function takes."""
    return tuple(inspect.signature(exercise.solution).parameters) if exercise.cases else ()


def input_names(exercise: Exercise) -> tuple[str, ...]:
    """The names of what a case holds: the observer's where there is one."""
    if exercise.observe is None:
        return names_of(exercise)
    return tuple(inspect.signature(exercise.observe).parameters)[1:]


def attempt(exercise: Exercise, answer: Any, case: Case, once: bool = False) -> Outcome:
    """Run ``answer`` on its own copy of the inputs of ``case``. Whatever an answer raises is part of the outcome."""
    if not exercise.cases:
        return Outcome(value=answer, returned=answer)
    inputs = copy(case.inputs)
    probe = Probe(answer, names_of(exercise), exercise.called_twice and not once)
    seen: dict[str, Any] = {}
    try:
        output = exercise.observe(probe, *inputs) if exercise.observe else probe(*inputs)
        seen = {
            "value": copy(output),
            "returned": probe.returned,
        }  # a snapshot: what came may be one of the inputs
    except (Exception, SystemExit) as error:
        seen = {"error": error, "returned": probe.returned}
    if exercise.chain is not None and "value" in seen:
        try:
            inputs = exercise.chain(copy(case.inputs), output)
            seen["next"] = copy(exercise.observe(probe, *inputs) if exercise.observe else probe(*inputs))
        except (Exception, SystemExit) as error:
            seen["next_error"] = error
    return Outcome(**seen, changed=tuple(probe.changed), left=tuple(probe.left), unsteady=probe.unsteady)
