"""Relations of size: a minus, a factor, something added, a step too long; and the numbers they are made of."""

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.sheets import Sheets, alike_in_shape, all_are, candidates, count, entries, same
from mlteach.exercises.values import apart, brief_number


def constant(sheets: Sheets) -> Iterator[str]:
    """The same number, whatever goes in."""
    numbers = torch.cat([c.flatten() for s in sheets for c in s.yours])
    if entries(sheets) > 1 and numbers.numel() > 1 and bool((numbers == numbers[0]).all()):
        yield f"is {brief_number(float(numbers[0]))} everywhere, whatever goes in"


def an_input(sheets: Sheets) -> Iterator[str]:
    """One of the inputs as it came."""
    for name, rows in candidates(sheets):
        if entries(sheets) < 2:
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
    if all_are(sheets, torch.neg):
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


def ratio(right: tuple[Tensor, ...], yours: tuple[Tensor, ...]) -> float | None:
    """The one number r with yours = r * right, if there is one."""
    a, b = torch.cat([e.flatten() for e in right]), torch.cat([c.flatten() for c in yours])
    if not a.numel() or a.shape != b.shape or not bool(a.isfinite().all() and b.isfinite().all()):
        return None
    top = a.abs().argmax()
    if float(a[top].abs()) < 1e-9:
        return None
    r = float(b[top] / a[top])
    return r if r != 0 and same(r * a, b) else None


def factor(sheets: Sheets) -> Iterator[str]:
    """A multiple of the right answer."""
    if not alike_in_shape(sheets):
        return
    ratios = [ratio(s.right, s.yours) for s in sheets]
    kept = [s for s, r in zip(sheets, ratios, strict=True) if r is not None]
    numbers = [r for r in ratios if r is not None]
    zero = all(
        r is not None or all(same(e, c) for e, c in zip(s.right, s.yours, strict=True))
        for s, r in zip(sheets, ratios, strict=True)
    )
    if not kept or not zero:
        return
    if found := named_numbers(kept, numbers):
        yield f"is right but for a factor: it is the right one times {found}"
    elif entries(sheets) > 1 and all(math.isclose(number, numbers[0], rel_tol=1e-6) for number in numbers):
        yield f"is right but for a factor: it is the right one times {apart(1.0, numbers[0])[1]}, on all cases"
    elif {round(number, 6) for number in numbers} == {1.0, -1.0}:
        yield "is right on some cases, and the right one with its sign turned on others"
    elif all(s.right[0].numel() > 2 for s in kept):
        some = ", ".join(map(brief_number, numbers[:3]))
        yield f"is right but for a factor, another one on each case: {some}"


def added(sheets: Sheets) -> Iterator[str]:
    """The right answer plus a number, or plus a multiple of an input."""
    if not alike_in_shape(sheets) or any(len(s.right) != 1 for s in sheets):
        return
    rest = [s.yours[0] - s.right[0] for s in sheets]
    if all(x.numel() and same(x, x.flatten()[0].expand_as(x)) for x in rest) and (
        count(sheets) > 1 or not sheets[0].inputs
    ):
        numbers = [float(x.flatten()[0]) for x in rest]
        if all(math.isclose(n, numbers[0], rel_tol=1e-6, abs_tol=1e-9) for n in numbers):
            if entries(sheets) > 1:
                yield f"is the right one {'plus' if numbers[0] > 0 else 'minus'} {brief_number(abs(numbers[0]))}"
        elif found := named_numbers(sheets, numbers):
            yield f"is the right one plus {found}"
    if count(sheets) < 4:
        return
    for name, rows in candidates(sheets):
        pairs = [ratio(row, (r,)) for row, r in zip(rows, rest, strict=True)]
        ratios = [r for r in pairs if r is not None]
        if len(ratios) < len(pairs):
            continue
        if all(math.isclose(r, 1, rel_tol=1e-6) for r in ratios):
            yield f"is the right one plus `{name}`: it is in there once too often"
        elif all(math.isclose(r, -1, rel_tol=1e-6) for r in ratios):
            yield f"is the right one minus `{name}`: it is left out, or taken away once too often"
        elif found := named_numbers(sheets, ratios):
            yield f"is the right one plus `{name}` times {found}"


def mirrored(sheets: Sheets) -> Iterator[str]:
    """An input, or a number, minus the right answer; or a straight line of it."""
    if not alike_in_shape(sheets) or any(len(s.right) != 1 for s in sheets):
        return
    sums = [s.yours[0] + s.right[0] for s in sheets]
    if count(sheets) > 3:
        for name, rows in candidates(sheets):
            if all(same(row[0], both) for row, both in zip(rows, sums, strict=True)):
                yield f"is `{name}` minus the right one"
    if all(x.numel() and same(x, x.flatten()[0].expand_as(x)) for x in sums):
        if found := named_numbers(sheets, [float(x.flatten()[0]) for x in sums]):
            yield f"is the right one taken away from {found}"
    right, yours = (torch.cat([getattr(s, side)[0].flatten() for s in sheets]) for side in ("right", "yours"))
    if entries(sheets) < 4 or not bool(right.isfinite().all() and yours.isfinite().all()):
        return
    low, high = right.argmin(), right.argmax()
    slope = float((yours[high] - yours[low]) / (right[high] - right[low]))
    begins = float(yours[low] - slope * right[low])
    if slope and same(slope * right + begins, yours):
        yield f"is {brief_number(slope)} times the right one {'plus' if begins > 0 else 'minus'} {brief_number(abs(begins))}"


def moved(sheets: Sheets) -> Iterator[str]:
    """A step away from an input: the wrong way, too far, not far enough."""
    if not alike_in_shape(sheets) or count(sheets) < 4:
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
            ratios.append((s, ratio(steps, mine)))
        if not ratios or any(r is None for _, r in ratios):
            continue
        numbers = [float(r) for _, r in ratios if r is not None]
        if all(math.isclose(r, -1, rel_tol=1e-6) for r in numbers):
            yield f"goes the wrong way: `{name}` is moved by the right step, but with its sign turned"
        elif found := named_numbers([s for s, _ in ratios], numbers):
            yield f"goes the right way from `{name}`, but not the right distance: the step is the right one times {found}"
