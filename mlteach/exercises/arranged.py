"""Relations of place: other axes, another order, another shape; sums and means; functions of each number."""

import itertools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from mlteach.exercises.sheets import Sheets, alike_in_shape, all_are, all_become, entries, same


def shaped(sheets: Sheets) -> Iterator[str]:
    """The right numbers in another shape or in another place."""
    ranks = {e.ndim for s in sheets for e in s.right}
    top = max(ranks)
    if min(ranks) >= 2 and all_are(sheets, lambda e: e.transpose(-1, -2)):
        yield "is the right one transposed: rows and columns are exchanged"
    if top >= 3:
        for order in itertools.permutations(range(top)):
            if list(order) != sorted(order) and all_are(sheets, lambda e, o=order: e.permute(o)):  # type: ignore[misc]
                yield f"holds the right numbers with its axes in another order, {order}"
    for axis in range(top):
        if all_are(sheets, lambda e, a=axis: e.flip(a)):  # type: ignore[misc]
            along = f" along axis {axis}" if top > 1 else ""
            yield f"holds the right numbers in reverse order{along}"
    if top > 1 and all_are(sheets, lambda e: e.flip(*[list(range(e.ndim))])):
        yield "holds the right numbers in reverse order along every axis"
    if not alike_in_shape(sheets):
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
    if any(len(s.right) != 1 for s in sheets) or entries(sheets) < 4:
        return
    for axis in range(min(s.right[0].ndim for s in sheets)):
        along = f" along axis {axis}" if max(s.right[0].ndim for s in sheets) > 1 else ""
        parts = [(s.right[0], s.yours[0], s.right[0].shape[axis]) for s in sheets]
        if alike_in_shape(sheets) and max(n for *_, n in parts) > 2:
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
        if all_are(sheets, over):
            yield f"is one number, the {name} of what is asked for: one number for each entry is asked for"
        if all_become(sheets, over):
            yield f"is several numbers, and one is asked for: their {name}"
    for axis in range(top):
        for name, along in ALONG:
            if all_are(sheets, lambda x, f=along, a=axis: f(x, a)):  # type: ignore[misc]
                yield f"is the {name} along axis {axis} of what is asked for"
            if all_are(sheets, lambda x, f=along, a=axis: f(x, a).unsqueeze(a)):  # type: ignore[misc]
                yield f"is the {name} along axis {axis} of what is asked for, with the axis kept"
            if all_are(sheets, lambda x, f=along, a=axis: f(x, a).unsqueeze(a).expand_as(x)):  # type: ignore[misc]
                yield f"is the {name} along axis {axis} of what is asked for, the same for all entries"
            if all_become(sheets, lambda x, f=along, a=axis: f(x, a)):  # type: ignore[misc]
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
    if entries(sheets) < 2:
        return
    yield from (f"is {words}" for words, change in FUNCTIONS if all_are(sheets, change))
    if all_become(sheets, torch.ceil) or all_become(sheets, torch.round):
        yield "is not rounded"


def mixed(sheets: Sheets) -> Iterator[str]:
    """The right numbers in another order."""
    if entries(sheets) > 3 and alike_in_shape(sheets) and _sorted_alike(sheets):
        yield "holds the right numbers in another order"


def _sorted_alike(sheets: Sheets) -> bool:
    return all(
        same(e.flatten().sort().values, c.flatten().sort().values)
        for s in sheets
        for e, c in zip(s.right, s.yours, strict=True)
    )
