"""The right numbers beside the learner's, case for case, and what can be asked of all of them at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor


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


def all_are(sheets: Sheets, change: Callable[[Tensor], Tensor]) -> bool:
    """Whether ``change`` makes the right numbers into the learner's, everywhere."""
    try:
        return all(same(change(e), c) for s in sheets for e, c in zip(s.right, s.yours, strict=True))
    except (RuntimeError, IndexError, ValueError, TypeError):
        return False


def all_become(sheets: Sheets, change: Callable[[Tensor], Tensor]) -> bool:
    """Whether ``change`` makes the learner's numbers into the right ones, everywhere."""
    turned = [Sheet(s.case, s.inputs, s.yours, s.right) for s in sheets]
    return all_are(turned, change)


def alike_in_shape(sheets: Sheets) -> bool:
    return all(e.shape == c.shape for s in sheets for e, c in zip(s.right, s.yours, strict=True))


def count(sheets: Sheets) -> int:
    """How many numbers there are to be explained."""
    return sum(e.numel() for s in sheets for e in s.right)


def entries(sheets: Sheets) -> int:
    return len({round(float(x), 9) for s in sheets for e in s.right for x in e.flatten()[:64]})


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
