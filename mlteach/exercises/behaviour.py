"""What an answer does besides giving values: to its inputs, at a second call, at the next step; and of which type they are."""

from dataclasses import dataclass
from typing import Any

import torch

from mlteach.exercises.complaint import complaint
from mlteach.exercises.reference import Reference
from mlteach.exercises.shown import labels
from mlteach.exercises.trial import Outcome
from mlteach.exercises.values import Pair, agreement, name_of, paired


@dataclass(frozen=True)
class Finding:
    """A sentence, whether it says what was done wrong, and the number of the hint that helps with it, or 0."""

    sentence: str
    named: bool
    hint: int = 0


def wrong_behaviour(known: Reference, answer: Any, came: list[Outcome]) -> Finding | None:
    """For an answer whose values are right: what it does besides, or of which type they are."""
    exercise = known.exercise
    for case, right, yours in zip(known.cases, known.right, came, strict=True):
        if found := deeds(right, yours):
            return found
        watched = exercise.differentiable or ()
        if left := [name for name in yours.left if name not in right.left and name in watched]:
            return Finding(f"The numbers are right, but your function leaves a gradient behind in `{left[0]}.grad`, to which "
                           "the next one will be added. torch.autograd.grad gives a gradient without keeping it.",
                           True)  # fmt: skip
        if exercise.chain is not None and not _goes_on(known, right, yours):
            return Finding(_not_on(case.name, yours, answer), True)
    if sentence := dtype_differs(known, came):
        return Finding(sentence, True)
    return None


def _goes_on(known: Reference, right: Outcome, yours: Outcome) -> bool:
    """Whether the call on its own output gives what the solution's gives."""
    if right.next_error or yours.next_error:
        return type(right.next_error) is type(yours.next_error)
    return bool(agreement(right.next, yours.next, known.exercise.tolerance))


def _not_on(case: str, yours: Outcome, answer: Any) -> str:
    if yours.next_error is None:
        return (f'One call is right, but the next one, on what it returned, is not (on the case "{case}"). What you hand on '
                "is not what the next step needs.")  # fmt: skip
    return (
        f"One call is right, but the next one, on what it returned, {complaint(yours.next_error, answer)[0]}"
    )


def behaviour(known: Reference, came: list[Outcome]) -> list[Any]:
    """What an answer does besides giving values; empty things where it does as the solution does."""
    found: list[Any] = [dtype_differs(known, came)]
    for right, yours in zip(known.right, came, strict=True):
        found += [set(yours.changed) - set(right.changed), yours.unsteady and not right.unsteady]
        found += [set(yours.left) - set(right.left)]
        if known.exercise.chain is not None:
            found += [not _goes_on(known, right, yours)]
    return found


def deeds(right: Outcome, yours: Outcome) -> Finding | None:
    if extra := [name for name in yours.changed if name not in right.changed]:
        return Finding(f"Your function changes its input `{extra[0]}` in place, so the caller's value is lost. Build a new "
                       "tensor and return it.", True)  # fmt: skip
    if yours.unsteady and not right.unsteady:
        return Finding("Called a second time on the same inputs your function gives something else: it keeps something "
                       "between calls (a `.grad`, a list, a global), or draws at random.", True)  # fmt: skip
    return None


def dtype_differs(known: Reference, came: list[Outcome]) -> str | None:
    """A sentence where right numbers come in another type than the solution's, and the type matters."""
    if not known.exercise.cases:
        return None
    for right, yours in zip(known.right, came, strict=True):
        if right.error or yours.error:
            continue
        for pair in paired(right.value, yours.value):
            if not isinstance(pair, Pair) or not pair.is_tensor or pair.expected.ndim == 0:
                continue
            asked, is_ = pair.expected.dtype, pair.came.dtype
            where = labels(known.exercise, pair.path)
            if asked.is_floating_point and is_.is_floating_point:
                if (
                    is_ != asked
                    and torch.finfo(is_).eps > torch.finfo(asked).eps
                    and not known.exercise.any_float
                ):
                    return (f"The numbers of {where} are right to the precision they have, but they come as {name_of(is_)} where "
                            f"{name_of(asked)} went in: leave out `.float()`, and make new tensors with dtype=x.dtype "
                            "or torch.zeros_like(x).")  # fmt: skip
            elif is_ != asked:
                kind = (
                    "whole numbers, torch.int64: labels and indices must be"
                    if asked == torch.int64
                    else name_of(asked)
                )
                return f"The numbers of {where} are right, but they come as {name_of(is_)}. Asked for are {kind}."
    return None
