"""What is wrong with the values of an answer that no catalogued mistake explains, in the learner's terms."""

import dis
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from torch import Tensor

from mlteach.exercises.behaviour import Finding, deeds
from mlteach.exercises.complaint import complaint, is_own
from mlteach.exercises.edits import NUDGES, ignored
from mlteach.exercises.exercise import Exercise
from mlteach.exercises.multiples import minus, nice, ratio
from mlteach.exercises.partly import not_numbers, some_cases, some_entries
from mlteach.exercises.reference import Reference, is_close
from mlteach.exercises.relations import relation
from mlteach.exercises.rows import is_right, joined, other_order, sheets_of
from mlteach.exercises.sheets import Sheets, entries
from mlteach.exercises.shown import first_difference, labels, ordinal, unlike
from mlteach.exercises.trial import Outcome, names_of
from mlteach.exercises.values import Pair, agreement, brief, paired


def wrong_answer(known: Reference, answer: Any, came: list[Outcome]) -> Finding:
    """For an answer whose values are wrong: the first thing that explains them, or where they begin to differ."""
    for find in (
        _stopped,
        _built_otherwise,
        _besides,
        _related,
        _edited,
        _deaf,
        _twice_wrong,
        _looked_at,
        _partial,
    ):
        if finding := find(known, answer, came):
            return finding
    return Finding(first_difference(known, came), False)


def _returns(answer: Any) -> bool:
    """Whether a function returns something else than a constant somewhere."""
    steps = list(dis.get_instructions(answer))
    ends = [k for k, step in enumerate(steps) if step.opname == "RETURN_VALUE"]
    return any(not steps[k - 1].opname.startswith("LOAD_CONST") for k in ends)


def _stopped(known: Reference, answer: Any, came: list[Outcome]) -> Finding | None:
    for case, right, yours in zip(known.cases, known.right, came, strict=True):
        where = f'On the case "{case.name}" your function'
        if yours.returned is None and right.returned is not None and known.exercise.cases:
            if yours.error is None or not is_own(yours.error):
                always = all(each.returned is None for each in came)
                who = "Your function" if always else where
                grad = "grad" in getattr(getattr(answer, "__code__", None), "co_names", ())
                cause = (
                    "Is it a `.grad` that was never filled?"
                    if grad and _returns(answer)
                    else "Is a `return` missing?"
                )
                return Finding(f"{who} returns nothing (None). {cause}", True)
        if yours.error is None or type(yours.error) is type(right.error):
            continue
        if is_own(yours.error) or right.returned is None:
            stopped, named = complaint(yours.error, answer)
            return Finding(f"{where} {stopped}", named)
        if sentence := _structure(known.exercise, right.returned, yours.returned):
            return Finding(sentence, True)
        for part in paired(right.returned, yours.returned):
            if isinstance(part, Pair) and part.is_tensor and part.expected.shape != part.came.shape:
                return Finding(f"{where} returns the shape {tuple(part.came.shape)} where {tuple(part.expected.shape)} is "
                               "asked for.", False)  # fmt: skip
        stopped, named = complaint(yours.error, answer)
        return Finding(f"{where} returns something that cannot be used: it {stopped}", named)
    return None


def _built_otherwise(known: Reference, answer: Any, came: list[Outcome]) -> Finding | None:
    """Another number of values, another kind of thing."""
    exercise = known.exercise
    for right, yours in zip(known.right, came, strict=True):
        if yours.error or not (sentence := _structure(exercise, right.value, yours.value)):
            continue
        if exercise.observe:  # what is observed is the checker's; what was returned is the learner's
            own = _structure(replace(exercise, outputs=()), right.returned, yours.returned)
            return Finding(
                own or f"Your function returns {brief(yours.returned)}, which cannot be used. {sentence}",
                True,
            )
        return Finding(sentence, True)
    return None


def _structure(exercise: Exercise, right: Any, yours: Any) -> str | None:
    """A sentence where ``yours`` is built otherwise than ``right``."""
    for part in paired(right, yours):
        if not isinstance(part, Pair):
            return _surplus(exercise, right, yours) or f"{_start(unlike(exercise, part))}."
    return None


def _start(text: str) -> str:
    return text[0].upper() + text[1:]


def _surplus(exercise: Exercise, right: Any, yours: Any) -> str | None:
    """More or fewer values than are asked for, with those that are right."""
    if not isinstance(yours, (tuple, list)) and not (
        isinstance(right, (tuple, list)) and isinstance(yours, Tensor)
    ):
        return None

    def is_(a: Any, b: Any) -> bool:
        return bool(agreement(a, b, exercise.tolerance))

    if not isinstance(right, (tuple, list)):
        places = [k for k, part in enumerate(yours) if is_(right, part)]
        if places:
            return f"You return {brief(yours)}, and one value is asked for: {ordinal(places[0])} of yours, which is right, alone."
        return None
    mine = list(yours) if isinstance(yours, (tuple, list)) else [yours]
    missing = [k for k, part in enumerate(right) if not any(is_(part, m) for m in mine)]
    names = ", ".join(labels(exercise, (k,)) for k in range(len(right)))
    if len(mine) > len(right):
        extra = "; yours begin with these and bring more" if all(map(is_, right, mine)) else ""
        return f"You return {len(mine)} values, and {len(right)} are asked for: {names}{extra}."
    if len(mine) < len(right) and missing and len(missing) < len(right):
        lost = " and ".join(labels(exercise, (k,)) for k in missing[:3])
        return f"You return {brief(yours)}, and {len(right)} values are asked for: {lost} {'is' if len(missing) == 1 else 'are'} missing."
    return None


def _besides(known: Reference, answer: Any, came: list[Outcome]) -> Finding | None:
    return next((found for r, c in zip(known.right, came, strict=True) if (found := deeds(r, c))), None)


def _subjects(known: Reference, came: list[Outcome]) -> Iterator[tuple[str, str, Sheets]]:
    """What a relation may hold for: (what is said first, the subject, its numbers). All together, then one by one."""
    rows = sheets_of(known, came)
    wrong = [(path, sheets) for path, sheets in rows if not is_right(sheets)]
    if not wrong:
        return
    if len(rows) == 1 or len(wrong) == len(rows):
        yield "", "Your answer", joined(rows)
    if len(rows) == 1:
        return
    right = [labels(known.exercise, path) for path, _ in rows if path not in [p for p, _ in wrong]]
    said = f"{_start(' and '.join(right[:3]))} {'is' if len(right) == 1 else 'are'} right. " if right else ""
    if 1 < len(wrong) < len(rows):
        yield said, "The rest of your answer", joined(wrong)
    for path, sheets in wrong:
        yield said, _start(labels(known.exercise, path)), sheets


def _related(known: Reference, answer: Any, came: list[Outcome]) -> Finding | None:
    rows = sheets_of(known, came)
    if 1 < len(rows) <= 5 and (found := other_order(rows)) is not None:
        names = ", ".join(labels(known.exercise, path) for path, _ in rows)
        return Finding(f"The values are right, but in another order{found}: return {names}.", True)
    for said, subject, sheets in _subjects(known, came):
        if found := next(not_numbers(sheets), None) or relation(sheets):
            return Finding(f"{said}{subject} {found}.", True)
    return None


def _edited(known: Reference, answer: Any, came: list[Outcome]) -> Finding | None:
    """The solution with one of its inputs changed, or that with its sign turned."""
    if not known.exercise.cases or any(c.error for c in came):
        return None
    for words, wrong in known.edited:
        if wrong.is_like(came, 1e-8):
            return Finding(
                f"Your answer is what comes out with {words}{'' if words.endswith('?') else '.'}", True
            )
    return None


def _deaf(known: Reference, answer: Any, came: list[Outcome]) -> Finding | None:
    """An input that is not read, though it matters."""
    exercise = known.exercise
    if not exercise.cases or any(c.error for c in came):
        return None
    for name in names_of(exercise):
        tried = [r for k in range(NUDGES) if (r := _unmoved(known, answer, came, name, k)) is not None]
        if len(tried) > 1 and all(tried):
            return Finding(f"Your answer does not depend on `{name}`, and it should.", True)
    return None


def _unmoved(known: Reference, answer: Any, came: list[Outcome], name: str, k: int) -> bool | None:
    """Whether the answer stays as it is when an input is another and the solution's changes; None where that does not."""
    right = known.outcomes(ignored(known.exercise, known.exercise.solution, name, k), once=True)
    before = list(zip(right, known.right, strict=True))
    if any(r.error or agreement(r.value, now.value, 1e-9) == "same" for r, now in before):
        return None
    yours = known.outcomes(ignored(known.exercise, answer, name, k), once=True)
    return all(
        not y.error and agreement(c.value, y.value, 1e-12) == "same" for c, y in zip(came, yours, strict=True)
    )


def _twice_wrong(known: Reference, answer: Any, came: list[Outcome]) -> Finding | None:
    """A known mistake and, on top of it, a sign or a well-known factor."""
    for mistake, wrong in known.mistakes:
        last = len(came) - 1
        if not any(_on_top(known, {last: wrong.on(last)}, came)):
            continue
        found = next(_on_top(known, {k: wrong.on(k) for k in range(len(came))}, came), None)
        if found:
            return Finding(f"{mistake.message} Besides, {found}.", True, mistake.hint)
    return None


def _on_top(known: Reference, wrong: dict[int, Outcome], came: list[Outcome]) -> Iterator[str]:
    rows = sheets_of(known, came, wrong)
    sheets = joined(rows)
    if not sheets or entries(sheets) < 2:
        return
    if next(minus(sheets), None):
        yield "the sign is turned"
    ratios = [ratio(sheet.right, sheet.yours) for sheet in sheets]
    numbers = [r for r in ratios if r is not None]
    if len(numbers) == len(ratios) and all(math.isclose(r, numbers[0], rel_tol=1e-6) for r in numbers):
        if name := nice(numbers[0]):
            yield f"it is multiplied by {name}"


def _looked_at(known: Reference, answer: Any, came: list[Outcome]) -> Finding | None:
    """A mistake that is told by a look, on every case that is wrong."""
    wrong = [
        (case.inputs, right.value, yours.value)
        for case, right, yours in zip(known.cases, known.right, came, strict=True)
        if not is_close(right, yours, known.exercise.tolerance)
    ]
    for mistake in known.exercise.mistakes:
        if mistake.looks and all(_sees(mistake.looks, *each) for each in wrong):
            return Finding(mistake.message, True, mistake.hint)
    return None


def _sees(looks: Callable[..., bool], inputs: tuple[Any, ...], right: Any, came: Any) -> bool:
    try:
        return bool(looks(inputs, right, came))
    except Exception:  # what came is nothing that can be looked at so
        return False


def _partial(known: Reference, answer: Any, came: list[Outcome]) -> Finding | None:
    """Right at some entries, or on some cases: a diagnosis where these can be told apart or are the greater part."""
    for said, subject, sheets in _subjects(known, came):
        for words in some_entries(sheets):
            return Finding(f"{said}{subject} {words}. {first_difference(known, came)}", True)
    for said, subject, sheets in _subjects(known, came):
        for words, right in some_cases(sheets):
            return Finding(
                f"{said}{subject} {words}. {first_difference(known, came)}", 2 * right >= len(sheets)
            )
    return None
