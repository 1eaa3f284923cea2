"""The first number that differs, shown: where it stands, what went in there, with digits enough to see it."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from mlteach.exercises.exercise import Exercise
from mlteach.exercises.reference import Reference
from mlteach.exercises.trial import Outcome
from mlteach.exercises.values import Pair, Path, Unlike, apart, brief, brief_number, closeness, paired

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")


def ordinal(k: int) -> str:
    """The first, the second, ... number 7."""
    return f"the {ORDINALS[k]}" if k < len(ORDINALS) else f"number {k + 1}"


def labels(exercise: Exercise, path: Path) -> str:
    """What stands at ``path``, by the exercise's own names where it has them."""
    if not path:
        return "your answer"
    first, *rest = path
    if isinstance(first, int):
        name = f"`{exercise.outputs[first]}`" if first < len(exercise.outputs) else f"{ordinal(first)} value"
    else:
        name = f"`{first}`"
    return name + "".join(
        f" at `{part}`" if isinstance(part, str) else f", {ordinal(part)} part" for part in rest
    )


def unlike(exercise: Exercise, part: Unlike) -> str:
    """Another kind, in words that say where."""
    return f"in {labels(exercise, part.path)} {part.phrase}" if part.path else part.phrase


def first_difference(known: Reference, came: list[Outcome]) -> str:
    """The general sentence, for a mistake nobody foresaw."""
    exercise = known.exercise
    for case, right, yours in zip(known.cases, known.right, came, strict=True):
        where = f'On the case "{case.name}"' if exercise.cases else "Here"
        for part in paired(right.value, yours.value):
            if not isinstance(part, Pair):
                return f"{where} {unlike(exercise, part)}."
            if closeness(part, exercise.tolerance):
                continue
            inside = f" in {labels(exercise, part.path)}" if part.path else ""
            given = _given(exercise, known.given.get(case.name, {}), part)
            return f"{where}{inside} {_difference(part)}{given}."
    return "Your answer and the solution behave differently."


def _difference(pair: Pair) -> str:
    if not pair.is_tensor:
        right = brief(pair.expected) if isinstance(pair.expected, Tensor) else repr(pair.expected)
        return f"{right} was expected, {brief(pair.came)} came"
    if pair.expected.shape != pair.came.shape:
        return f"the shape {tuple(pair.expected.shape)} was expected, {tuple(pair.came.shape)} came"
    at = _first(pair)
    texts = apart(float(pair.expected[at]), float(pair.came[at]))
    entry = f"entry [{', '.join(map(str, at))}]: " if at else ""
    return f"{entry}{texts[0]} was expected, {texts[1]} came"


def _first(pair: Pair) -> tuple[int, ...]:
    """The index of the first entry that differs by more than the size of the whole explains."""
    a, b = pair.expected.detach().double(), pair.came.detach().cpu().double()
    off = (a - b).abs().nan_to_num(float("inf"))
    off[a == b] = 0
    off[a.isnan() & b.isnan()] = 0
    finite = off[off.isfinite()]
    least = 0.01 * float(finite.max()) if finite.numel() and not off.isinf().any() else 0.0
    return tuple(int(k) for k in (off > least).nonzero()[0]) if a.ndim else ()


def _given(exercise: Exercise, inputs: dict[str, Any], pair: Pair) -> str:
    """What went in there: the numbers, and the entries of tensors that are built like the output."""
    if not inputs or not pair.is_tensor or pair.expected.shape != pair.came.shape:
        return ""
    parts = list(_inputs(inputs, pair, _first(pair)))[:4]
    return f" (there {', '.join(parts)})" if parts else ""


def _inputs(inputs: dict[str, Any], pair: Pair, at: tuple[int, ...]) -> Iterator[str]:
    for name, value in inputs.items():
        if isinstance(value, (bool, str)):
            yield f"{name} = {value!r}"
        elif isinstance(value, (int, float)):
            yield f"{name} = {brief_number(value)}"
        elif isinstance(value, Tensor) and value.ndim == 0:
            yield f"{name} = {brief_number(float(value))}"
        elif isinstance(value, Tensor) and at and value.shape == pair.expected.shape:
            yield f"{name}[{', '.join(map(str, at))}] = {brief_number(float(value[at]))}"
        elif isinstance(value, Tensor) and value.numel() <= 3 and value.ndim == 1:
            yield f"{name} = [{', '.join(brief_number(float(x)) for x in value)}]"
