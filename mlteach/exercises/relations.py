"""How a wrong answer is related to the right one: its minus, a multiple, its transpose, its neighbour, its sum.

A relation is found only if it holds for every number of every case, and if there are more numbers than it could fit by
luck. All sentences end what is begun by a subject, such as "Your answer" or "`c`".
"""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.values import brief_number


@dataclass(frozen=True)
class Sheet:
    """One case: what went in, by name, and the right numbers beside the learner's, output for output."""

    case: str
    inputs: dict[str, Any]
    right: tuple[Tensor, ...]
    yours: tuple[Tensor, ...]
    keys: tuple[int | str, ...] = ()  # where the outputs stand in a dict, one for one


Sheets = list[Sheet]
Finder = Callable[[Sheets], Iterator[str]]


def same(a: Tensor, b: Tensor) -> bool:
    """Equal shapes and equal numbers, up to what float32 rounds or nearly."""
    if a.shape != b.shape:
        return False
    if not bool((a.isfinite() == b.isfinite()).all()):
        return False
    kept = a.isfinite()
    a, b = a[kept], b[kept]
    if not a.numel():
        return True
    return bool((a - b).abs().max() <= 1e-6 * max(float(a.abs().max()), 1e-3))


def relation(sheets: Sheets) -> str | None:
    """What the answer is to the right one, or None."""
    if not sheets or not any(len(sheet.right) for sheet in sheets):
        return None
    return next((words for find in FINDERS for words in find(sheets)), None)


def _all(sheets: Sheets, change: Callable[[Tensor], Tensor]) -> bool:
    """Whether ``change`` makes the right numbers into the learner's, everywhere."""
    try:
        return all(same(change(e), c) for s in sheets for e, c in zip(s.right, s.yours, strict=True))
    except (RuntimeError, IndexError, ValueError, TypeError):
        return False


def _either(sheets: Sheets, change: Callable[[Tensor], Tensor]) -> bool:
    """Whether ``change`` makes the learner's numbers into the right ones, everywhere."""
    turned = [Sheet(s.case, s.inputs, s.yours, s.right) for s in sheets]
    return _all(turned, change)


def _alike_in_shape(sheets: Sheets) -> bool:
    return all(e.shape == c.shape for s in sheets for e, c in zip(s.right, s.yours, strict=True))


def _count(sheets: Sheets) -> int:
    """How many numbers there are to be explained."""
    return sum(e.numel() for s in sheets for e in s.right)


def _entries(sheets: Sheets) -> int:
    return len({round(float(x), 9) for s in sheets for e in s.right for x in e.flatten()[:64]})


# Each finder yields what it finds, the plainest first ------------------------------------------------------------------


def constant(sheets: Sheets) -> Iterator[str]:
    """The same number, whatever goes in."""
    numbers = torch.cat([c.flatten() for s in sheets for c in s.yours])
    if _entries(sheets) > 1 and numbers.numel() > 1 and bool((numbers == numbers[0]).all()):
        yield f"is {brief_number(float(numbers[0]))} everywhere, whatever goes in"


def an_input(sheets: Sheets) -> Iterator[str]:
    """One of the inputs as it came."""
    for name, rows in candidates(sheets):
        if _entries(sheets) < 2:
            continue
        for words, sign in (("is `{}` as it came in", 1), ("is minus `{}`, and nothing else", -1)):
            if all(
                same(sign * x, c)
                for s, row in zip(sheets, rows, strict=True)
                for x, c in zip(row, s.yours, strict=True)
            ):
                yield words.format(name)


def minus(sheets: Sheets) -> Iterator[str]:
    """The sign is turned."""
    if _all(sheets, torch.neg):
        yield "is the right one with its sign turned"


NICE = {
    2.0: "2", 0.5: "1/2", 3.0: "3", 1 / 3: "1/3", 4.0: "4", 0.25: "1/4", 10.0: "10", 0.1: "1/10", 100.0: "100",
    0.01: "1/100", math.pi: "pi", 1 / math.pi: "1/pi", 2 * math.pi: "2 pi", 180 / math.pi: "180/pi (degrees)",
    math.pi / 180: "pi/180 (degrees)", math.log(10): "ln 10 (another base of the logarithm)",
    1 / math.log(10): "1/ln 10 (another base of the logarithm)", math.log(2): "ln 2 (another base of the logarithm)",
    1 / math.log(2): "1/ln 2 (another base of the logarithm)", math.sqrt(2): "the root of 2",
    1 / math.sqrt(2): "1 over the root of 2", 1.96: "1.96", 1 / 1.96: "1/1.96", 1.96**2: "1.96 squared", 3.92: "2 * 1.96",
}  # fmt: skip


def nice(number: float) -> str | None:
    """The name of a number that people leave out or put in too often."""
    for value, name in NICE.items():
        if math.isclose(abs(number), value, rel_tol=1e-6):
            return f"-{name}" if number < 0 else name
    return None


OF_NUMBER: tuple[tuple[str, Callable[[float], float]], ...] = (
    ("{}", lambda v: v),
    ("1/{}", lambda v: 1 / v),
    ("(1 - {})", lambda v: 1 - v),
    ("1/(1 - {})", lambda v: 1 / (1 - v)),
    ("{} squared", lambda v: v * v),
    ("1/{} squared", lambda v: 1 / (v * v)),
    ("the root of {}", math.sqrt),
    ("1 over the root of {}", lambda v: 1 / math.sqrt(v)),
    ("2 {}", lambda v: 2 * v),
    ("{}/2", lambda v: v / 2),
    ("({} - 1)", lambda v: v - 1),
    ("1/({} - 1)", lambda v: 1 / (v - 1)),
    ("({} + 1)", lambda v: v + 1),
    ("({} - 1)/{}", lambda v: (v - 1) / v),
    ("{}/({} - 1)", lambda v: v / (v - 1)),
    ("the root of ({} - 1)/{}", lambda v: math.sqrt((v - 1) / v)),
    ("the root of {}/({} - 1)", lambda v: math.sqrt(v / (v - 1))),
)


def numbers_of(inputs: dict[str, Any]) -> Iterator[tuple[str, str, float]]:
    """The numbers among the inputs and the lengths of their axes: a name, what it stands for, the number."""
    for name, value in inputs.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield f"`{name}`", "", float(value)
        elif isinstance(value, Tensor) and value.ndim == 0:
            yield f"`{name}`", "", float(value)
        elif isinstance(value, Tensor):
            for axis, length in enumerate(value.shape):
                along = (
                    f"the length of axis {axis} of `{name}`" if value.ndim > 1 else f"the length of `{name}`"
                )
                yield "N", along, float(length)
            if value.ndim > 1:
                yield "N", f"the number of entries of `{name}`", float(value.numel())
        elif isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
            yield "N", f"the number of `{name}`", float(len(value))


def named_numbers(sheets: Sheets, numbers: list[float]) -> str | None:
    """What ``numbers``, one a case, are: all the same nice number, or something made of an input."""
    if all(math.isclose(number, numbers[0], rel_tol=1e-6, abs_tol=1e-12) for number in numbers):
        if found := nice(numbers[0]):
            return found
    if len({round(number, 9) for number in numbers}) < 2:
        return None
    known = [list(numbers_of(sheet.inputs)) for sheet in sheets]
    for sign, (at, (short, meaning, _)) in itertools.product((1, -1), enumerate(known[0])):
        for words, change in OF_NUMBER:
            try:
                values = [sign * change(row[at][2]) for row in known]
            except (ValueError, ZeroDivisionError, IndexError, OverflowError):
                continue
            if all(
                math.isclose(v, n, rel_tol=1e-6, abs_tol=1e-12) for v, n in zip(values, numbers, strict=True)
            ):
                said = ("minus " if sign < 0 else "") + words.format(short, short)
                return f"{said}, where N is {meaning}" if meaning else said
    return None


def _ratio(right: tuple[Tensor, ...], yours: tuple[Tensor, ...]) -> float | None:
    """The one number r with yours = r * right, if there is one."""
    a, b = torch.cat([e.flatten() for e in right]), torch.cat([c.flatten() for c in yours])
    if not a.numel() or not bool(a.isfinite().all() and b.isfinite().all()):
        return None
    top = a.abs().argmax()
    if float(a[top].abs()) < 1e-9:
        return None
    r = float(b[top] / a[top])
    return r if r != 0 and same(r * a, b) else None


def factor(sheets: Sheets) -> Iterator[str]:
    """A multiple of the right answer."""
    if not _alike_in_shape(sheets):
        return
    ratios = [_ratio(s.right, s.yours) for s in sheets]
    kept = [(s, r) for s, r in zip(sheets, ratios, strict=True) if r is not None]
    zero = all(
        r is not None or all(same(e, c) for e, c in zip(s.right, s.yours, strict=True))
        for s, r in zip(sheets, ratios, strict=True)
    )
    if not kept or not zero:
        return
    found = named_numbers([s for s, _ in kept], [r for _, r in kept])  # type: ignore[misc]
    if found:
        yield f"is right but for a factor: it is the right one times {found}"
    elif _entries(sheets) > 1 and all(math.isclose(r, kept[0][1], rel_tol=1e-6) for _, r in kept):  # type: ignore[arg-type]
        yield f"is right but for a factor: it is the right one times {brief_number(float(kept[0][1] or 0))}, on all cases"
    elif all(s.right[0].numel() > 2 for s, _ in kept):
        yield f"is right but for a factor, which is {', '.join(brief_number(float(r or 0)) for _, r in kept[:3])} from case to case"


def added(sheets: Sheets) -> Iterator[str]:
    """The right answer plus a number, or plus a multiple of an input."""
    if not _alike_in_shape(sheets) or any(len(s.right) != 1 for s in sheets):
        return
    rest = [s.yours[0] - s.right[0] for s in sheets]
    if all(x.numel() and same(x, x.flatten()[0].expand_as(x)) for x in rest) and (
        _count(sheets) > 1 or not sheets[0].inputs
    ):
        numbers = [float(x.flatten()[0]) for x in rest]
        if all(math.isclose(n, numbers[0], rel_tol=1e-6, abs_tol=1e-9) for n in numbers):
            if _entries(sheets) > 1:
                yield f"is the right one {'plus' if numbers[0] > 0 else 'minus'} {brief_number(abs(numbers[0]))}"
        elif found := named_numbers(sheets, numbers):
            yield f"is the right one plus {found}"
    if _count(sheets) < 4:
        return
    for name, rows in candidates(sheets):
        pairs = [_ratio(row, (r,)) for row, r in zip(rows, rest, strict=True)]
        ratios = [r for r in pairs if r is not None]
        if len(ratios) < len(pairs):
            continue
        if all(math.isclose(r, 1, rel_tol=1e-6) for r in ratios):
            yield f"is the right one plus `{name}`: it is in there once too often"
        elif all(math.isclose(r, -1, rel_tol=1e-6) for r in ratios):
            yield f"is the right one minus `{name}`: it is left out, or taken away once too often"
        elif found := named_numbers(sheets, ratios):
            yield f"is the right one plus `{name}` times {found}"


def candidates(sheets: Sheets) -> Iterator[tuple[str, list[tuple[Tensor, ...]]]]:
    """The inputs that are built as the outputs are: a tensor of the same shape, or a dict with the same names."""
    for name in sheets[0].inputs:
        rows: list[tuple[Tensor, ...]] = []
        for s in sheets:
            value = s.inputs.get(name)
            if isinstance(value, dict):
                value = tuple(value.get(key) for key in s.keys)
            parts = value if isinstance(value, tuple) else (value,)
            fits = len(parts) == len(s.right) and all(
                isinstance(x, Tensor) and x.shape == e.shape for x, e in zip(parts, s.right, strict=True)
            )
            if fits:
                rows.append(tuple(x.detach().double() for x in parts))
        if len(rows) == len(sheets):
            yield name, rows


def moved(sheets: Sheets) -> Iterator[str]:
    """A step away from an input: the wrong way, too far, not far enough."""
    if not _alike_in_shape(sheets) or _count(sheets) < 4:
        return
    for name, rows in candidates(sheets):
        if len(sheets[0].inputs) < 2:
            continue
        ratios = []
        for s, row in zip(sheets, rows, strict=True):
            steps = tuple(e - x for e, x in zip(s.right, row, strict=True))
            if all(same(e, x) and same(c, x) for e, c, x in zip(s.right, s.yours, row, strict=True)):
                continue  # no step is to be made here, and none is
            mine = tuple(c - x for c, x in zip(s.yours, row, strict=True))
            ratios.append((s, _ratio(steps, mine)))
        if not ratios or any(r is None for _, r in ratios):
            continue
        numbers = [float(r) for _, r in ratios if r is not None]
        if all(math.isclose(r, -1, rel_tol=1e-6) for r in numbers):
            yield f"goes the wrong way: `{name}` is moved by the right step, but with its sign turned"
        elif found := named_numbers([s for s, _ in ratios], numbers):
            yield f"goes the right way from `{name}`, but not the right distance: the step is the right one times {found}"


def shaped(sheets: Sheets) -> Iterator[str]:
    """The right numbers in another shape or in another place."""
    ranks = {e.ndim for s in sheets for e in s.right}
    top = max(ranks)
    if min(ranks) >= 2 and _all(sheets, lambda e: e.transpose(-1, -2)):
        yield "is the right one transposed: rows and columns are exchanged"
    if top >= 3:
        for order in itertools.permutations(range(top)):
            if list(order) != sorted(order) and _all(sheets, lambda e, o=order: e.permute(o)):  # type: ignore[misc]
                yield f"holds the right numbers with its axes in another order, {order}"
    for axis in range(top):
        if _all(sheets, lambda e, a=axis: e.flip(a)):  # type: ignore[misc]
            along = f" along axis {axis}" if top > 1 else ""
            yield f"holds the right numbers in reverse order{along}"
    if top > 1 and _all(sheets, lambda e: e.flip(*[list(range(e.ndim))])):
        yield "holds the right numbers in reverse order along every axis"
    if not _alike_in_shape(sheets):
        if all(same(e.flatten(), c.flatten()) for s in sheets for e, c in zip(s.right, s.yours, strict=True)):
            e, c = next(
                (e, c) for s in sheets for e, c in zip(s.right, s.yours, strict=True) if e.shape != c.shape
            )
            kind = (
                "an axis too many"
                if c.ndim > e.ndim
                else "an axis too few"
                if c.ndim < e.ndim
                else "other axes"
            )
            yield (f"holds the right numbers, but in the shape {tuple(c.shape)} where {tuple(e.shape)} is asked for: "
                   f"it has {kind}")  # fmt: skip
        if all(
            same(e.expand_as(c) if _expands(e, c) else e, c)
            for s in sheets
            for e, c in zip(s.right, s.yours, strict=True)
        ):
            yield "holds the right numbers several times over: something of another shape was added or multiplied (broadcasting)"


def _expands(e: Tensor, c: Tensor) -> bool:
    try:
        e.expand_as(c)
    except RuntimeError:
        return False
    return True


def shifted(sheets: Sheets) -> Iterator[str]:
    """The right numbers one place along, or with one too few or too many."""
    if any(len(s.right) != 1 for s in sheets) or _entries(sheets) < 4:
        return
    for axis in range(min(s.right[0].ndim for s in sheets)):
        along = f" along axis {axis}" if max(s.right[0].ndim for s in sheets) > 1 else ""
        parts = [(s.right[0], s.yours[0], s.right[0].shape[axis]) for s in sheets]
        if _alike_in_shape(sheets) and max(n for *_, n in parts) > 2:
            if all(same(e.narrow(axis, 0, n - 1), c.narrow(axis, 1, n - 1)) for e, c, n in parts):
                yield f"holds the right numbers one place too late{along}"
            if all(same(e.narrow(axis, 1, n - 1), c.narrow(axis, 0, n - 1)) for e, c, n in parts):
                yield f"holds the right numbers one place too early{along}"
        for words, takes in (("lacks the last", (0, -1)), ("lacks the first", (1, 0))):
            if all(
                c.ndim == e.ndim
                and n > 1
                and c.shape[axis] == n - 1
                and same(e.narrow(axis, takes[0], n - 1), c)
                for e, c, n in parts
            ):
                yield f"{words} of the numbers{along}; the others are right"
        for words, begins in (
            ("has one number too many at the end", 0),
            ("has one number too many at the beginning", 1),
        ):
            if all(
                c.ndim == e.ndim and c.shape[axis] == n + 1 and same(e, c.narrow(axis, begins, n))
                for e, c, n in parts
            ):
                yield f"{words}{along}; the others are right"


ALONG: tuple[tuple[str, Callable[[Tensor, int], Tensor]], ...] = (
    ("sum", lambda x, a: x.sum(a)),
    ("mean", lambda x, a: x.mean(a)),
    ("product", lambda x, a: x.prod(a)),
    ("largest entry", lambda x, a: x.amax(a)),
    ("smallest entry", lambda x, a: x.amin(a)),
    ("length", lambda x, a: x.norm(dim=a)),
    ("first entry", lambda x, a: x.select(a, 0)),
    ("last entry", lambda x, a: x.select(a, -1)),
)
OVER_ALL: tuple[tuple[str, Callable[[Tensor], Tensor]], ...] = (
    ("sum", lambda x: x.sum()),
    ("mean", lambda x: x.mean()),
    ("product", lambda x: x.prod()),
    ("largest entry", lambda x: x.max()),
    ("length", lambda x: x.norm()),
    ("squared length", lambda x: x.square().sum()),
    ("first entry", lambda x: x.flatten()[0]),
    ("last entry", lambda x: x.flatten()[-1]),
)


def reduced(sheets: Sheets) -> Iterator[str]:
    """A sum, mean or entry of what is asked for, or the numbers whose sum, mean or entry is asked for."""
    top = max(max(e.ndim, c.ndim) for s in sheets for e, c in zip(s.right, s.yours, strict=True))
    if top == 0:
        return
    for name, over in OVER_ALL:
        if _all(sheets, over):
            yield f"is one number, the {name} of what is asked for: one number for each entry is asked for"
        if _either(sheets, over):
            yield f"is several numbers, and one is asked for: their {name}"
    for axis in range(top):
        for name, along in ALONG:
            if _all(sheets, lambda x, f=along, a=axis: f(x, a)):  # type: ignore[misc]
                yield f"is the {name} along axis {axis} of what is asked for"
            if _all(sheets, lambda x, f=along, a=axis: f(x, a).unsqueeze(a)):  # type: ignore[misc]
                yield f"is the {name} along axis {axis} of what is asked for, with the axis kept"
            if _all(sheets, lambda x, f=along, a=axis: f(x, a).unsqueeze(a).expand_as(x)):  # type: ignore[misc]
                yield f"is the {name} along axis {axis} of what is asked for, the same for all entries"
            if _either(sheets, lambda x, f=along, a=axis: f(x, a)):  # type: ignore[misc]
                yield f"is not yet brought together: the {name} along its axis {axis} is asked for"


FUNCTIONS: tuple[tuple[str, Callable[[Tensor], Tensor]], ...] = (
    ("1 over the right one", torch.reciprocal),
    ("the square of the right one", torch.square),
    ("the square root of the right one", torch.sqrt),
    ("the absolute value of the right one", torch.abs),
    ("1 minus the right one: what is missing to 1", lambda x: 1 - x),
    ("the exponential of the right one", torch.exp),
    ("the logarithm of the right one", torch.log),
    ("the right one sent through a sigmoid", torch.sigmoid),
    ("the right one before its sigmoid", torch.logit),
    ("the right one sent through a tanh", torch.tanh),
    ("the right one before its tanh", torch.atanh),
    ("the right one rounded", torch.round),
    ("the right one rounded down", torch.floor),
    ("the right one rounded up", torch.ceil),
    ("the right one with everything below 0 cut off", lambda x: x.clamp_min(0)),
    ("the right one cut off at 0 and 1", lambda x: x.clamp(0, 1)),
    ("the sign of the right one", torch.sign),
    ("the right one brought to length 1", lambda x: x / x.norm()),
    ("the right one with its mean taken away", lambda x: x - x.mean()),
    ("the right one sent through a softmax", lambda x: x.softmax(-1)),
    ("the running sum of the right one", lambda x: x.cumsum(-1)),
)


def function(sheets: Sheets) -> Iterator[str]:
    """A function of the right answer, number by number."""
    if _entries(sheets) < 2:
        return
    yield from (f"is {words}" for words, change in FUNCTIONS if _all(sheets, change))
    if _either(sheets, torch.ceil) or _either(sheets, torch.round):
        yield "is not rounded"


def mixed(sheets: Sheets) -> Iterator[str]:
    """The right numbers in another order."""
    if _entries(sheets) > 3 and _alike_in_shape(sheets) and _sorted_alike(sheets):
        yield "holds the right numbers in another order"


def _sorted_alike(sheets: Sheets) -> bool:
    return all(
        same(e.flatten().sort().values, c.flatten().sort().values)
        for s in sheets
        for e, c in zip(s.right, s.yours, strict=True)
    )


FINDERS: tuple[Finder, ...] = (
    constant, an_input, minus, shaped, factor, added, moved, reduced, function, shifted, mixed,
)  # fmt: skip
