"""Looks at an answer and says, in one sentence, what is wrong with it.

The answer runs on every case; what comes out is compared with the solution and, when it differs, with every
catalogued mistake. A mistake is named only if it agrees with the answer on all cases. Nothing here raises because
of what a learner wrote: whatever happens becomes a sentence.
"""

import dis
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from types import EllipsisType
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise


@dataclass(frozen=True)
class Verdict:
    """What `check` found. ``attempted`` is False for an untouched stub; ``named`` is True where ``message`` says
    what was done wrong, and not only where the answer differs."""

    passed: bool
    attempted: bool
    message: str
    named: bool = False

    def _ipython_display_(self) -> None:
        """Show nothing: `check` has printed the message, and a notebook would show it a second time."""


@dataclass(frozen=True)
class Outcome:
    """What one case gave: a value or an error, and which inputs were changed on the way."""

    value: Any = None
    error: Exception | SystemExit | None = None
    changed: tuple[str, ...] = ()


def judge(exercise: Exercise, answer: Any) -> Verdict:
    """Compare ``answer`` with the solution and the catalogue of ``exercise``. Never raises."""
    if is_untouched(answer):
        return _not_attempted(exercise)
    if sentence := _wrong_kind(exercise, answer):
        return _not_yet(exercise, sentence)
    cases = list(exercise.cases()) if exercise.cases else [Case("your answer", ())]
    expected = [_try(exercise, exercise.solution, case) for case in cases]
    came = [_try(exercise, answer, case) for case in cases]
    if any(_has_ellipsis(outcome.value) for outcome in came):
        return _not_attempted(exercise)
    if all(_agree(e, c, exercise.tolerance) for e, c in zip(expected, came, strict=True)):
        where = f" on all {len(cases)} cases" if exercise.cases else ""
        return Verdict(True, True, f"{exercise.id}: correct{where}.")
    for mistake in exercise.mistakes:
        for wrong in mistake.wrong:
            if _same_behaviour([_try(exercise, wrong, case) for case in cases], came, exercise.tolerance):
                return _not_yet(exercise, mistake.message, named=True)
    return _not_yet(exercise, _first_difference(exercise, cases, expected, came))


def is_untouched(answer: Any) -> bool:
    """True for ``...``, None, a tuple with ``...`` in it, and a function whose body is ``...`` (or a docstring)."""
    if answer is None or _has_ellipsis(answer):
        return True
    code = getattr(answer, "__code__", None)
    if code is None:
        return False
    acts = (
        "LOAD_FAST",
        "LOAD_GLOBAL",
        "LOAD_NAME",
        "LOAD_DEREF",
        "LOAD_SMALL_INT",
        "CALL",
        "RAISE",
        "IMPORT",
        "BUILD",
    )
    empty = (None, ..., answer.__doc__)
    return all(constant in empty for constant in code.co_consts) and not any(
        step.opname.startswith(acts) for step in dis.get_instructions(code)
    )


def _has_ellipsis(value: Any) -> bool:
    parts = value if isinstance(value, (tuple, list)) else [value]
    return any(isinstance(part, EllipsisType) for part in parts)


def difference(expected: Any, came: Any, tolerance: float) -> str | None:
    """None where the two agree, else a phrase such as ``"the shape (3,) was expected, (1, 3) came"``."""
    if isinstance(expected, Tensor):
        return _tensor_difference(expected, came, tolerance)
    if isinstance(expected, (bool, str)) or expected is None:
        plain = came.item() if isinstance(came, Tensor) and came.dim() == 0 else came
        same = type(plain) is type(expected) and plain == expected
        return None if same else f"{expected!r} was expected, {_brief(came)} came"
    if isinstance(expected, (int, float)):
        return _number_difference(float(expected), came, tolerance)
    if isinstance(expected, Mapping):
        if not isinstance(came, Mapping) or set(came) != set(expected):
            return f"a dict with the names {sorted(expected)} was expected, {_brief(came)} came"
        parts = ((f"in [{key!r}] ", expected[key], came[key]) for key in expected)
    else:
        if not isinstance(came, (tuple, list)) or len(came) != len(expected):
            return f"{len(expected)} values were expected, {_brief(came)} came"
        parts = (
            (f"in value {k + 1} of {len(expected)} ", e, c)
            for k, (e, c) in enumerate(zip(expected, came, strict=True))
        )
    for where, e, c in parts:
        if phrase := difference(e, c, tolerance):
            return where + phrase
    return None


def _tensor_difference(expected: Tensor, came: Any, tolerance: float) -> str | None:
    if not isinstance(came, Tensor):
        return f"a tensor of shape {tuple(expected.shape)} was expected, {_brief(came)} came"
    if came.shape != expected.shape:
        return f"the shape {tuple(expected.shape)} was expected, {tuple(came.shape)} came"
    if came.is_complex() or came.is_meta or came.layout != torch.strided:
        return (
            f"a plain tensor of real numbers was expected, {came.dtype} {came.layout} on {came.device} came"
        )
    rounding = 1e-5 if came.dtype in (torch.float32, torch.float16, torch.bfloat16) else tolerance
    a, b = expected.detach().double(), came.detach().cpu().double()
    if torch.allclose(a, b, rtol=max(rounding, tolerance), atol=max(rounding, tolerance), equal_nan=True):
        return None
    return f"{_brief(a)} was expected, {_brief(b)} came"


def _number_difference(expected: float, came: Any, tolerance: float) -> str | None:
    try:
        number = came.item() if isinstance(came, Tensor) else came
        close = abs(float(number) - expected) <= tolerance * max(1.0, abs(expected))
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return f"the number {expected:.4g} was expected, {_brief(came)} came"
    if isinstance(number, (str, bool)):
        return f"the number {expected:.4g} was expected, {_brief(came)} came"
    return None if close else f"{expected:.4g} was expected, {float(number):.4g} came"


def _brief(value: Any) -> str:
    """A value in a few words: numbers where there are few, else a kind and a shape."""
    if isinstance(value, Tensor) and (value.is_meta or value.layout != torch.strided):
        return f"a tensor of shape {tuple(value.shape)} without readable numbers"
    if isinstance(value, Tensor):
        numbers = [f"{x:.4g}" for x in value.detach().flatten()[:4].tolist()]
        return f"[{', '.join(numbers)}{', ...' if value.numel() > 4 else ''}]"
    if isinstance(value, (bool, int, float)):
        return (
            f"{value!r} (a {type(value).__name__})" if isinstance(value, bool) else f"the number {value:.4g}"
        )
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, Mapping):
        return f"a dict with the names {sorted(map(str, value))}"
    return "None (is a `return` missing?)" if value is None else f"an object of type {type(value).__name__}"


def _wrong_kind(exercise: Exercise, answer: Any) -> str | None:
    """A sentence if the answer cannot even be tried: no function, or one that takes other inputs."""
    if not exercise.cases:
        return f"A value is asked for, and {_brief(answer)} came." if callable(answer) else None
    call = f"{exercise.solution.__name__}({', '.join(inspect.signature(exercise.solution).parameters)})"
    if not callable(answer):
        return f"A function {call} is asked for, and {_brief(answer)} came. Pass the function itself, without calling it."
    try:
        signature = inspect.signature(answer)
    except (TypeError, ValueError):  # some built-in functions do not tell
        return None
    try:
        signature.bind(*inspect.signature(exercise.solution).parameters)
    except TypeError:
        return f"Your function is called as {call}, but it takes {signature}."
    return None


def _try(exercise: Exercise, answer: Any, case: Case) -> Outcome:
    """Run ``answer`` on its own copy of the inputs of ``case``."""
    if not exercise.cases:
        return Outcome(value=answer)
    inputs = _copy(case.inputs)
    try:
        value = exercise.observe(answer, *inputs) if exercise.observe else answer(*inputs)
        value = _copy(value)  # a snapshot: what came may be one of the inputs
    except (Exception, SystemExit) as error:
        return Outcome(error=error)
    names = list(inspect.signature(exercise.observe or exercise.solution).parameters)[
        1 if exercise.observe else 0 :
    ]
    pairs = zip(names, case.inputs, inputs, strict=False)
    return Outcome(value=value, changed=tuple(name for name, a, b in pairs if _has_changed(a, b)))


def _copy(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, dict):
        return {key: _copy(part) for key, part in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(_copy, value))
    if isinstance(value, (tuple, list)):
        return type(value)(map(_copy, value))
    return value


def _has_changed(before: Any, after: Any) -> bool:
    if isinstance(before, (Tensor, dict, tuple, list, int, float)):
        return difference(before, after, 0.0) is not None
    return False


def _agree(expected: Outcome, came: Outcome, tolerance: float) -> bool:
    """The same value or the same kind of error, and the same inputs changed."""
    if expected.error or came.error:
        return type(expected.error) is type(came.error)
    return expected.changed == came.changed and difference(expected.value, came.value, tolerance) is None


def _same_behaviour(wrong: list[Outcome], came: list[Outcome], tolerance: float) -> bool:
    """A mistake is recognised if it agrees on every case and gives a value on one at least."""
    return any(w.error is None for w in wrong) and all(
        _agree(w, c, tolerance) for w, c in zip(wrong, came, strict=True)
    )


def _first_difference(
    exercise: Exercise, cases: list[Case], expected: list[Outcome], came: list[Outcome]
) -> str:
    """The general sentence, for a mistake nobody foresaw."""
    for case, right, yours in zip(cases, expected, came, strict=True):
        where = f'On the case "{case.name}"' if exercise.cases else "Here"
        if yours.error is not None:
            first_line = (str(yours.error).strip().splitlines() or ["no message"])[0][:160]
            return f"{where} your function stops with {type(yours.error).__name__}: {first_line}"
        if extra := [name for name in yours.changed if name not in right.changed]:
            return (f"{where} your function changes its input `{extra[0]}` in place, so the caller's value is lost. "
                    "Build a new tensor and return it.")  # fmt: skip
        if phrase := difference(right.value, yours.value, exercise.tolerance):
            return f"{where} {phrase}."
    return "Your answer and the solution behave differently."


def _not_attempted(exercise: Exercise) -> Verdict:
    advice = "Replace the `...` in the cell above and run both cells again; the folded hints help."
    return Verdict(False, False, f"{exercise.id}: not attempted yet. {advice}")


def _not_yet(exercise: Exercise, sentence: str, named: bool = False) -> Verdict:
    return Verdict(False, True, f"{exercise.id}: not yet. {sentence}", named)
