"""Where a wrong answer is right: on some cases, at some entries; and where it is no number at all."""

from collections.abc import Iterator

import torch
from torch import Tensor

from mlteach.exercises.sheets import Sheets, same


def not_numbers(sheets: Sheets) -> Iterator[str]:
    """Entries that are nan or infinite, and what went in there."""
    wrong = [
        (s, c, ~c.isfinite() & e.isfinite())
        for s in sheets
        for e, c in zip(s.right, s.yours, strict=True)
        if e.shape == c.shape and bool((~c.isfinite() & e.isfinite()).any())
    ]
    if not wrong:
        return
    s, c, mask = wrong[0]
    kind = "nan" if bool(c[mask].isnan().any()) else "infinite"
    rest = all(
        same(e[c.isfinite()], c[c.isfinite()]) for s in sheets for e, c in zip(s.right, s.yours, strict=True)
        if e.shape == c.shape
    )  # fmt: skip
    besides = "; everywhere else it is right" if rest and not bool(mask.all()) else ""
    for name, value in s.inputs.items():
        if isinstance(value, Tensor) and value.shape == c.shape and torch.equal(value == 0, mask):
            yield f"is {kind} where `{name}` is 0{besides}"
    for name, value in s.inputs.items():
        if not isinstance(value, Tensor) or value.shape != c.shape or not torch.equal(value < 0, mask):
            continue
        if len(mask) > 3 if mask.ndim else True:  # of two or three entries it may be luck
            yield f"is {kind} where `{name}` is negative{besides}"
    why = (
        "0/0, infinity minus infinity, or the logarithm or root of a negative number"
        if kind == "nan"
        else "a division by 0, the logarithm of 0, or a number that grows too large"
    )
    yield f'is {kind} on the case "{s.case}": {why}{besides}'


def some_entries(sheets: Sheets) -> Iterator[str]:
    """Right at some entries of every case, wrong at others that can be told apart by what went in or by their place."""
    # what is hardly more than zero tells nothing
    pairs = [
        (s, e, c)
        for s in sheets
        for e, c in zip(s.right, s.yours, strict=True)
        if not e.numel() or float(e.abs().max()) > 1e-9 or bool((e == 0).all())
    ]
    if any(e.shape != c.shape for _, e, c in pairs):
        return
    good = [(e - c).abs() <= 1e-8 * max(float(e.abs().max()) if e.numel() else 0, 1e-3) for _, e, c in pairs]
    if not any(bool(g.any()) for g in good) or all(bool(g.all()) for g in good):
        return
    for name in sheets[0].inputs:
        inputs = [s.inputs[name] for s, *_ in pairs]
        if not all(
            isinstance(x, Tensor) and x.shape == g.shape and x.ndim for x, g in zip(inputs, good, strict=True)
        ):
            continue
        x, g = torch.cat([x.flatten().double() for x in inputs]), torch.cat([g.flatten() for g in good])
        if torch.equal(x == 0, ~g):
            yield f"is right except where `{name}` is 0"
        if torch.equal(x == 0, g):
            yield f"is right where `{name}` is 0 and wrong elsewhere"
            continue
        signs = bool((x > 0).any()) and bool((x < 0).any())
        if len(g) < 6 or not 2 <= int(g.sum()) <= len(g) - 2:
            continue  # too few to tell from luck
        if signs and (torch.equal(x > 0, g) or torch.equal(x >= 0, g)):
            yield f"is right where `{name}` is positive, wrong where it is negative"
        elif signs and (torch.equal(x < 0, g) or torch.equal(x <= 0, g)):
            yield f"is right where `{name}` is negative, wrong where it is positive"
        elif x.abs()[g].min() > x.abs()[~g].max():
            yield f"is right where `{name}` is large, wrong where it is small"
        elif x.abs()[g].max() < x.abs()[~g].min():
            yield f"is right where `{name}` is small, wrong where it is large"
    for axis in range(min(g.ndim for g in good)):
        long = [g.movedim(axis, 0) for g in good if g.shape[axis] > 2]
        along = f" along axis {axis}" if max(g.ndim for g in good) > 1 else ""
        for words, at, rest in (("first", 0, slice(1, None)), ("last", -1, slice(None, -1))):
            if long and all(not bool(g[at].any()) and bool(g[rest].all()) for g in long):
                yield f"is right but for the {words} entry{along}"
            elif long and all(bool(g[at].all()) and not bool(g[rest].all()) for g in long):
                if len(long) > 1 and all(float(g[rest].double().mean()) < 0.5 for g in long):
                    yield f"is right at the {words} entry{along} alone"


def some_cases(sheets: Sheets) -> Iterator[tuple[str, int]]:
    """Right on some cases, wrong on others; and on how many it is right."""
    right = [s.case for s in sheets if all(same(e, c) for e, c in zip(s.right, s.yours, strict=True))]
    wrong = [s.case for s in sheets if s.case not in right]
    if right and wrong:
        yield f'is right for "{right[0]}"{_more(right)}, wrong for "{wrong[0]}"{_more(wrong)}', len(right)


def _more(names: list[str]) -> str:
    return f" and {len(names) - 1} more" if len(names) > 1 else ""
