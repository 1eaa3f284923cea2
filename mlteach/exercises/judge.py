"""Looks at an answer and says, in one sentence, what is wrong with it.

The answer runs on every case; what comes out is compared with the solution and, when it differs, with every catalogued
mistake and with every general relation the judge knows. A mistake is named only if it agrees with the answer on all
cases. Nothing here raises because of what a learner wrote: whatever happens becomes a sentence.
"""

import dis
import inspect
import warnings
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from types import EllipsisType
from typing import Any

import torch

from mlteach.exercises.behaviour import Finding, behaviour, wrong_behaviour
from mlteach.exercises.exercise import Exercise
from mlteach.exercises.findings import wrong_answer
from mlteach.exercises.flow import Flow, lost, same_flow
from mlteach.exercises.reference import Reference, is_close, reference
from mlteach.exercises.trial import Outcome
from mlteach.exercises.values import brief


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


def judge(exercise: Exercise, answer: Any) -> Verdict:
    """Compare ``answer`` with the solution and the catalogue of ``exercise``. Never raises.

    Randomness, the default type and whether gradients are recorded are afterwards as they were before.
    """
    state, dtype = torch.get_rng_state(), torch.get_default_dtype()
    try:
        with torch.enable_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of calls the learner has not made
            return _judge(reference(exercise), answer)
    except Exception as error:  # an object that breaks whatever touches it
        kind = f"{type(error).__name__} out of {brief(answer)}"
        return _not_yet(exercise, Finding(f"Your answer cannot be compared with anything: {kind}.", False))
    finally:
        torch.set_rng_state(state)
        torch.set_default_dtype(dtype)


def _judge(known: Reference, answer: Any) -> Verdict:
    exercise = known.exercise
    if is_untouched(answer):
        return _not_attempted(exercise)
    if finding := _wrong_kind(exercise, answer):
        return _not_yet(exercise, finding)
    came = known.outcomes(answer)
    if any(_has_ellipsis(outcome.returned) for outcome in came):
        return _not_attempted(exercise)
    with redirect_stdout(StringIO()):  # what it prints has been seen
        return _compared(known, answer, came)


def _compared(known: Reference, answer: Any, came: list[Outcome]) -> Verdict:
    exercise = known.exercise
    close = [is_close(r, c, exercise.tolerance) for r, c in zip(known.right, came, strict=True)]
    if not all(close):
        return _not_yet(exercise, _catalogued(known, came) or wrong_answer(known, answer, came))
    finding = wrong_behaviour(known, answer, came)
    flows: list[Flow] = []
    if finding is None and known.asks_for_gradients:
        flows = known.flows_of(answer)
        found = (lost(exercise, r, f, answer) for r, f in zip(known.flows, flows, strict=True))
        finding = next((Finding(sentence, True) for sentence in found if sentence), None)
    if finding is not None:
        return _not_yet(exercise, _catalogued_behaviour(known, came, flows) or finding)
    where = f" on all {len(came)} cases" if exercise.cases else ""
    rough = next((precision for precision in close if precision != "same"), None)
    return Verdict(True, True, f"{exercise.id}: correct{where}{f', right to {rough}' if rough else ''}.")


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
    return all(
        any(constant is e or (isinstance(e, str) and constant == e) for e in empty)
        for constant in code.co_consts
    ) and not any(step.opname.startswith(acts) for step in dis.get_instructions(code))


def _has_ellipsis(value: Any) -> bool:
    parts = value if isinstance(value, (tuple, list)) else [value]
    return any(isinstance(part, EllipsisType) for part in parts)


def _wrong_kind(exercise: Exercise, answer: Any) -> Finding | None:
    """A sentence if the answer cannot even be tried: no function, or one that takes other inputs."""
    if not exercise.cases:
        return Finding(f"A value is asked for, and {brief(answer)} came.", True) if callable(answer) else None
    names = list(inspect.signature(exercise.solution).parameters)
    call = f"{exercise.solution.__name__}({', '.join(names)})"
    if not callable(answer):
        return Finding(f"A function {call} is asked for, and {brief(answer)} came. Pass the function itself, without "
                       "calling it.", True)  # fmt: skip
    try:
        signature = inspect.signature(answer)
    except (TypeError, ValueError):  # some built-in functions do not tell
        return None
    try:
        signature.bind(*names)
    except TypeError:
        return Finding(f"Your function is called as {call}, but it takes {signature}.", True)
    return None


def _catalogued(known: Reference, came: list[Outcome]) -> Finding | None:
    """The mistake whose values are the answer's on every case."""
    tolerance = known.exercise.tolerance
    found = (mistake for mistake, wrong in known.mistakes if wrong.is_like(came, tolerance))
    return next((Finding(mistake.message, True, mistake.hint) for mistake in found), None)


def _catalogued_behaviour(known: Reference, came: list[Outcome], flows: list[Flow]) -> Finding | None:
    """The mistake that also has the right values, and does the same wrong to its inputs or to gradients."""
    for mistake, wrong in known.mistakes:
        if not wrong.is_like(came, known.exercise.tolerance):
            continue
        if not flows:  # something else than gradients is wrong: the mistake must show the same
            deeds = behaviour(known, wrong.outcomes)
            if any(deeds) and deeds == behaviour(known, came):
                return Finding(mistake.message, True, mistake.hint)
            continue
        names = known.exercise.differentiable
        if all(same_flow(w, f, names) for w, f in zip(wrong.flows, flows, strict=True)):
            return Finding(mistake.message, True, mistake.hint)
    return None


def _not_attempted(exercise: Exercise) -> Verdict:
    advice = "Replace the `...` in the cell above and run both cells again; the folded hints help."
    return Verdict(False, False, f"{exercise.id}: not attempted yet. {advice}")


def _not_yet(exercise: Exercise, finding: Finding) -> Verdict:
    """Where the mistake is not named, or a hint belongs to it, the sentence ends with the hint that helps."""
    number = finding.hint or (0 if finding.named else 1)
    advice = f' hint("{exercise.id}", {number}) may help.' if number else ""
    return Verdict(False, True, f"{exercise.id}: not yet. {finding.sentence}{advice}", finding.named)
