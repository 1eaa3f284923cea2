"""What is wrong with an answer that no catalogued mistake explains, in the learner's terms."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.complaint import complaint, is_own
from mlteach.exercises.edits import ignored
from mlteach.exercises.partly import not_numbers, some_cases, some_entries
from mlteach.exercises.reference import Reference
from mlteach.exercises.relations import Sheet, Sheets, relation, same
from mlteach.exercises.shown import first_difference, labels, ordinal, unlike
from mlteach.exercises.trial import Outcome, names_of
from mlteach.exercises.values import Pair, agreement, brief, closeness, name_of, paired


@dataclass(frozen=True)
class Finding:
    """A sentence, and whether it says what was done wrong."""

    sentence: str
    named: bool


def wrong_behaviour(known: Reference, came: list[Outcome]) -> Finding | None:
    """For an answer whose values are right: what it does besides, or of which type they are."""
    exercise = known.exercise
    for case, right, yours in zip(known.cases, known.right, came, strict=True):
        if found := _deeds(right, yours):
            return found
        watched = exercise.differentiable or ()
        if left := [name for name in yours.left if name not in right.left and name in watched]:
            return Finding(f"The numbers are right, but your function leaves a gradient behind in `{left[0]}.grad`, to which "
                           "the next one will be added. torch.autograd.grad gives a gradient without keeping it.",
                           True)  # fmt: skip
        if exercise.chain is not None and not agreement(right.next, yours.next, exercise.tolerance):
            return Finding(f'One call is right, but the next one, on what it returned, is not (on the case "{case.name}"). '
                           "What you hand on is not what the next step needs.", True)  # fmt: skip
    if sentence := dtype_differs(known, came):
        return Finding(sentence, True)
    return None


def behaviour(known: Reference, came: list[Outcome]) -> list[Any]:
    """What an answer does besides giving values; empty things where it does as the solution does."""
    deeds: list[Any] = [dtype_differs(known, came)]
    for right, yours in zip(known.right, came, strict=True):
        deeds += [set(yours.changed) - set(right.changed), yours.unsteady and not right.unsteady]
        deeds += [set(yours.left) - set(right.left)]
        if known.exercise.chain is not None:
            deeds += [not agreement(right.next, yours.next, known.exercise.tolerance)]
    return deeds


def _deeds(right: Outcome, yours: Outcome) -> Finding | None:
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


def wrong_answer(known: Reference, answer: Any, came: list[Outcome]) -> Finding:
    """For an answer whose values are wrong: the first thing that explains them, or where they begin to differ."""
    for find in (_stopped, _built_otherwise, _besides, _related, _edited, _deaf, _partial):
        if finding := find(known, answer, came):
            return finding
    return Finding(first_difference(known, came), False)


def _stopped(known: Reference, answer: Any, came: list[Outcome]) -> Finding | None:
    for case, right, yours in zip(known.cases, known.right, came, strict=True):
        where = f'On the case "{case.name}" your function'
        if yours.returned is None and right.returned is not None and known.exercise.cases:
            if yours.error is None or not is_own(yours.error, answer):
                return Finding("Your function returns nothing (None). Is a `return` missing?", True)
        if yours.error is None or type(yours.error) is type(right.error):
            continue
        if is_own(yours.error, answer) or right.returned is None:
            sentence, named = complaint(yours.error, answer)
            before = "called on its own output " if yours.stops_next else ""
            return Finding(f"{where}, {before}{sentence}" if before else f"{where} {sentence}", named)
        for part in paired(right.returned, yours.returned):
            if not isinstance(part, Pair):
                return Finding(
                    f"Your function returns {brief(yours.returned)}: {unlike(known.exercise, part)}.", True
                )
            if part.is_tensor and part.expected.shape != part.came.shape:
                return Finding(f"{where} returns the shape {tuple(part.came.shape)} where {tuple(part.expected.shape)} is "
                               "asked for.", False)  # fmt: skip
        sentence, named = complaint(yours.error, answer)
        return Finding(f"{where} returns something that cannot be used: it {sentence}", named)
    return None


def _built_otherwise(known: Reference, answer: Any, came: list[Outcome]) -> Finding | None:
    """Another number of values, another kind of thing."""
    for right, yours in zip(known.right, came, strict=True):
        if yours.error:
            continue
        for part in paired(right.value, yours.value):
            if isinstance(part, Pair):
                continue
            return Finding(
                _surplus(known, right.value, yours.value) or f"{_start(unlike(known.exercise, part))}.", True
            )
    return None


def _start(text: str) -> str:
    return text[0].upper() + text[1:]


def _surplus(known: Reference, right: Any, yours: Any) -> str | None:
    """More or fewer values than are asked for, with those that are right."""
    if not isinstance(yours, (tuple, list)) and not (
        isinstance(right, (tuple, list)) and isinstance(yours, Tensor)
    ):
        return None
    exercise = known.exercise

    def is_(a: Any, b: Any) -> bool:
        return bool(agreement(a, b, exercise.tolerance))

    if not isinstance(right, (tuple, list)):
        places = [k for k, part in enumerate(yours) if is_(right, part)]
        if places:
            return f"You return {len(yours)} values, and one is asked for: {ordinal(places[0])} of yours, which is right, alone."
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
    return next((found for r, c in zip(known.right, came, strict=True) if (found := _deeds(r, c))), None)


def sheets_of(known: Reference, came: list[Outcome]) -> list[tuple[tuple[int | str, ...], Sheets]]:
    """The numbers of all cases, output for output; empty where there is more to compare than numbers."""
    rows: dict[tuple[int | str, ...], Sheets] = {}
    for case, right, yours in zip(known.cases, known.right, came, strict=True):
        if right.error or yours.error:
            return []
        inputs = known.given.get(case.name, {})
        groups: dict[tuple[int | str, ...], list[Pair]] = {}
        for pair in paired(right.value, yours.value):
            if not isinstance(pair, Pair):
                return []
            if pair.is_tensor:
                groups.setdefault(() if _is_one(known, right.value) else pair.path[:1], []).append(pair)
            elif closeness(pair, known.exercise.tolerance) == "":
                return []
        for path, pairs in groups.items():
            numbers = [(p.expected.detach().double(), p.came.detach().cpu().double()) for p in pairs]
            keys = tuple(p.path[-1] for p in pairs if p.path)
            sheet = Sheet(case.name, inputs, tuple(e for e, _ in numbers), tuple(c for _, c in numbers), keys)
            rows.setdefault(path, []).append(sheet)
    return list(rows.items())


def _is_one(known: Reference, value: Any) -> bool:
    """Whether a list is one thing to the learner: where it is long, or of another length from case to case."""
    if not isinstance(value, (tuple, list)) or known.exercise.outputs:
        return False
    lengths = {len(r.value) for r in known.right if isinstance(r.value, (tuple, list))}
    return len(lengths) > 1 or max(lengths) > 5


def _joined(rows: list[tuple[tuple[int | str, ...], Sheets]]) -> Sheets:
    """Several outputs as one, where each has every case."""
    count = {len(sheets) for _, sheets in rows}
    if len(count) != 1:
        return []
    return [
        Sheet(
            s[0].case,
            s[0].inputs,
            sum((x.right for x in s), ()),
            sum((x.yours for x in s), ()),
            sum((x.keys for x in s), ()),
        )
        for s in zip(*(sheets for _, sheets in rows), strict=True)
    ]


def _is_right(sheets: Sheets) -> bool:
    return all(same(e, c) for s in sheets for e, c in zip(s.right, s.yours, strict=True))


def _subjects(known: Reference, came: list[Outcome]) -> Iterator[tuple[str, str, Sheets]]:
    """What a relation may hold for: (what is said first, the subject, its numbers). All together, then one by one."""
    rows = sheets_of(known, came)
    wrong = [(path, sheets) for path, sheets in rows if not _is_right(sheets)]
    if not wrong:
        return
    if len(rows) == 1 or len(wrong) == len(rows):
        yield "", "Your answer", _joined(rows)
    if len(rows) == 1:
        return
    right = [labels(known.exercise, path) for path, _ in rows if path not in [p for p, _ in wrong]]
    said = f"{_start(' and '.join(right[:3]))} {'is' if len(right) == 1 else 'are'} right. " if right else ""
    if 1 < len(wrong) < len(rows):
        yield said, "The rest of your answer", _joined(wrong)
    for path, sheets in wrong:
        yield said, _start(labels(known.exercise, path)), sheets


def _related(known: Reference, answer: Any, came: list[Outcome]) -> Finding | None:
    rows = sheets_of(known, came)
    if 1 < len(rows) <= 5 and (found := _other_order(rows)) is not None:
        names = ", ".join(labels(known.exercise, path) for path, _ in rows)
        return Finding(f"The values are right, but in another order{found}: return {names}.", True)
    for said, subject, sheets in _subjects(known, came):
        for words in (w for w in not_numbers(sheets) if sheets):
            return Finding(f"{said}{subject} {words}.", True)
        if words := relation(sheets):
            return Finding(f"{said}{subject} {words}.", True)
    return None


def _other_order(rows: list[tuple[tuple[int | str, ...], Sheets]]) -> str | None:
    """Whether each output is right in another's place, one for one."""
    places = []
    for _, mine in rows:
        found = [
            k for k, (_, theirs) in enumerate(rows)
            if len(theirs) == len(mine) and all(
                len(t.right) == len(m.yours) and all(same(e, c) for e, c in zip(t.right, m.yours, strict=True))
                for t, m in zip(theirs, mine, strict=True)
            )
        ]  # fmt: skip
        places.append(found[0] if found else None)
    if None in places or sorted(places) != list(range(len(rows))):  # type: ignore[type-var]
        return None
    return " (from back to front)" if places == list(range(len(rows)))[::-1] and len(rows) > 2 else ""


def _edited(known: Reference, answer: Any, came: list[Outcome]) -> Finding | None:
    """The solution with one of its inputs changed, or that with its sign turned."""
    if not known.exercise.cases or any(c.error for c in came):
        return None
    for words, outcomes in known.edited:
        if all(bool(agreement(w.value, c.value, 1e-8)) for w, c in zip(outcomes, came, strict=True)):
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
        right = known.outcomes(ignored(exercise, exercise.solution, name), once=True)
        if any(r.error for r in right) or any(
            agreement(a.value, b.value, 1e-9) == "same" for a, b in zip(right, known.right, strict=True)
        ):
            continue
        yours = known.outcomes(ignored(exercise, answer, name), once=True)
        if all(
            not y.error and agreement(c.value, y.value, 1e-12) == "same"
            for c, y in zip(came, yours, strict=True)
        ):
            return Finding(f"Your answer does not depend on `{name}`, and it should.", True)
    return None


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
