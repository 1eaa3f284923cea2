"""Values as they come from a learner: copied, laid beside the solution's, compared, and said in words.

A number may come as float, int, numpy number or one-element tensor, several as tuple, list, array or stacked tensor.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

Path = tuple[int | str, ...]
SINGLE = (
    1e-5  # what a number may be off by where precision alone is short, relative to the largest of its tensor
)
FLOAT32 = 1e-4  # the same for a number that is a float32 itself: rounding at each step, and an ill-conditioned one or two


@dataclass(frozen=True)
class Pair:
    """One tensor, number or word of the solution beside the answer's, and where in the whole it stands."""

    path: Path
    expected: Any
    came: Any
    plain: bool = False  # the answer's came as a number or an array, where the solution has a tensor

    @property
    def is_tensor(self) -> bool:
        """Whether both can be compared number by number."""
        return isinstance(self.expected, Tensor) and isinstance(self.came, Tensor)


@dataclass(frozen=True)
class Unlike:
    """The answer is built otherwise at ``path``: another kind, or another number of values."""

    path: Path
    phrase: str


def copy(value: Any) -> Any:
    """Tensors, arrays and what holds them, copied; a tensor becomes a leaf that needs a gradient if it did before."""
    if isinstance(value, Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, np.ndarray):
        return value.copy()
    return rebuilt(value, copy)


def rebuilt(value: Any, change: Any) -> Any:
    """A dict, tuple or list with ``change`` made to each part; anything else as it is."""
    if isinstance(value, dict):
        return {key: change(part) for key, part in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(change, value))
    if type(value) in (tuple, list):
        return type(value)(map(change, value))
    return value


def paired(expected: Any, came: Any, path: Path = ()) -> Iterator[Pair | Unlike]:
    """The parts of ``came`` beside those of ``expected``."""
    if isinstance(expected, np.ndarray) and _is_real(expected):
        expected = torch.as_tensor(expected)
    if isinstance(expected, (str, bool)) or expected is None or callable(expected):
        yield Pair(path, expected, came.item() if _is_single(came) else came)
    elif isinstance(expected, (int, float, np.number)) or (
        isinstance(expected, Tensor) and expected.ndim == 0
    ):
        number = as_number(came)
        if number is None and not (isinstance(came, (Tensor, np.ndarray)) and _is_real(came)):
            yield Unlike(
                path, f"the number {brief_number(_float(expected))} was expected, {brief(came)} came"
            )
        else:
            right = (
                expected if isinstance(expected, Tensor) else torch.tensor(expected, dtype=_dtype(expected))
            )
            yield Pair(
                path, right, torch.as_tensor(came) if number is None else number, not isinstance(came, Tensor)
            )
    elif isinstance(expected, Tensor):
        yield _tensor_pair(expected, came, path)
    elif isinstance(expected, Mapping):
        if not isinstance(came, Mapping) or set(came) != set(expected):
            yield Unlike(path, f"{brief(expected)} was expected, {brief(came)} came")
            return
        for key in expected:
            yield from paired(expected[key], came[key], (*path, key))
    elif isinstance(expected, (tuple, list)):
        if isinstance(came, (Tensor, np.ndarray)) and came.ndim > 0 and len(came) == len(expected):
            came = list(came)
        if not isinstance(came, (tuple, list)) or len(came) != len(expected):
            yield Unlike(path, f"{len(expected)} values were expected, {brief(came)} came")
            return
        for k, (e, c) in enumerate(zip(expected, came, strict=True)):
            yield from paired(e, c, (*path, k))
    else:
        yield Pair(path, expected, came)


def _tensor_pair(expected: Tensor, came: Any, path: Path) -> Pair | Unlike:
    if isinstance(came, (tuple, list)) and came and (stacked := _stacked(came)) is not None:
        if stacked.shape == expected.shape:
            same_kind = stacked.is_floating_point() == expected.is_floating_point()
            return Pair(path, expected, stacked.to(expected.dtype) if same_kind else stacked, True)
    if isinstance(came, (Tensor, np.ndarray)) and _is_real(came):
        return Pair(path, expected, torch.as_tensor(came), not isinstance(came, Tensor))
    if isinstance(came, (Tensor, np.ndarray)):
        return Unlike(path, f"a plain tensor of real numbers was expected, {brief(came)} came")
    return Unlike(path, f"a tensor of shape {tuple(expected.shape)} was expected, {brief(came)} came")


def _stacked(values: Any) -> Tensor | None:
    """A list of numbers, or a list of such lists, as one tensor; None where it is none."""
    if not isinstance(values, (tuple, list)):
        return as_number(values)
    parts = [_stacked(value) for value in values]
    if not parts or any(part is None or part.shape != parts[0].shape for part in parts):  # type: ignore[union-attr]
        return None
    kinds = [part.dtype for part in parts if part is not None]
    wide = torch.float64 if any(kind.is_floating_point for kind in kinds) else kinds[0]
    return torch.stack([part.to(wide) for part in parts if part is not None])


def _float(number: Any) -> float:
    return float(number.detach() if isinstance(number, Tensor) else number)


def _dtype(number: Any) -> torch.dtype:
    return torch.int64 if isinstance(number, (int, np.integer)) else torch.float64


def _is_real(value: Tensor | np.ndarray) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "fiub" and value.dtype.itemsize <= 8
    return not (value.is_complex() or value.is_meta or value.is_quantized) and value.layout == torch.strided


def _is_single(value: Any) -> bool:
    return isinstance(value, np.generic) or (
        isinstance(value, (Tensor, np.ndarray)) and _is_real(value) and value.reshape(-1).shape[0] == 1
    )


def as_number(value: Any) -> Tensor | None:
    """A number of any kind as a tensor without axes, still on its graph; None for what is no single number."""
    if isinstance(value, (bool, np.bool_)) or getattr(value, "dtype", None) in (torch.bool, np.bool_):
        return None
    if isinstance(value, (int, float, np.integer, np.floating)):
        try:
            return torch.tensor(value, dtype=_dtype(value))
        except (OverflowError, TypeError, RuntimeError):
            return torch.tensor(float("inf"), dtype=torch.float64)
    if isinstance(value, (Tensor, np.ndarray)) and _is_single(value):
        return torch.as_tensor(value).reshape(())
    return None


def closeness(pair: Pair, tolerance: float) -> str:
    """ "same", or the floating-point type to whose precision the two agree ("single precision"), or "" where they differ."""
    if not pair.is_tensor:
        if isinstance(pair.expected, Tensor):
            return ""
        try:
            return (
                "same" if type(pair.came) is type(pair.expected) and bool(pair.came == pair.expected) else ""
            )
        except Exception:
            return ""
    if pair.expected.shape != pair.came.shape:
        return ""
    a, b = pair.expected.detach(), pair.came.detach().cpu()
    if a.dtype == b.dtype and torch.equal(a, b):
        return "same"
    a, b = a.double(), b.double()
    finite = a.isfinite()
    if not torch.equal(finite, b.isfinite()):
        return ""
    if not bool(finite.all()):
        if not torch.equal(a[~finite].nan_to_num(7.0), b[~finite].nan_to_num(7.0)):
            return ""
        a, b = a[finite], b[finite]
    off, size = _largest(a - b), _largest(a)
    if off <= tolerance * max(size, 1e-3):
        return "same"
    if not pair.expected.is_floating_point():
        whole = pair.came.is_floating_point() and pair.came.dtype != torch.float64
        return "single precision" if whole and off <= torch.finfo(pair.came.dtype).eps * size else ""
    half = pair.came.dtype in (torch.float16, torch.bfloat16)
    if half and off <= 4 * torch.finfo(pair.came.dtype).eps * size:
        return f"the precision of {name_of(pair.came.dtype)}"
    rounded = torch.equal(b, b.float().double()) and not torch.equal(
        b, b.half().double()
    )  # and not typed short
    single = pair.came.dtype == torch.float32 or rounded
    return "single precision" if off <= (FLOAT32 if single else SINGLE) * max(size, 1e-2) else ""


def _largest(values: Tensor) -> float:
    return float(values.abs().max()) if values.numel() else 0.0


def agreement(expected: Any, came: Any, tolerance: float) -> str:
    """The worst closeness of all parts: "same", a precision, or "" if anything differs."""
    worst = "same"
    for pair in paired(expected, came):
        found = closeness(pair, tolerance) if isinstance(pair, Pair) else ""
        if not found:
            return ""
        worst = found if found != "same" else worst
    return worst


def has_changed(before: Any, after: Any) -> bool:
    """Whether an input is another than it was, to the last digit."""
    if not isinstance(before, (Tensor, np.ndarray, dict, tuple, list, int, float)):
        return False
    if isinstance(before, np.ndarray):
        before = torch.as_tensor(before) if _is_real(before) else 0
    return agreement(before, after, 0.0) != "same"


def name_of(dtype: torch.dtype) -> str:
    """A type without its "torch."."""
    return str(dtype).removeprefix("torch.")


def brief_number(value: float, digits: int = 4) -> str:
    """A number with ``digits`` digits that mean something."""
    return f"{value:.{digits}g}"


def apart(expected: float, came: float) -> tuple[str, str]:
    """Two numbers with as many digits as it takes to tell them apart."""
    for digits in range(4, 18):
        texts = brief_number(expected, digits), brief_number(came, digits)
        if texts[0] != texts[1]:
            break
    return texts


def brief(value: Any) -> str:
    """A value in a few words: numbers where there are few, else a kind and a shape."""
    if isinstance(value, Tensor) and not _is_real(value):
        where = " without readable numbers" if value.is_meta else ""
        return f"a tensor of shape {tuple(value.shape)} and type {name_of(value.dtype)}{where}"
    if isinstance(value, Tensor) and value.numel() == 1 and value.ndim == 0:
        return f"the number {brief_number(_float(value))} in a tensor"
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, (bool, np.bool_)):
        return f"{bool(value)} (a bool)"
    if isinstance(value, (int, float, np.number)) and not isinstance(value, np.complexfloating):
        try:
            return f"the number {brief_number(float(value))}"
        except OverflowError:
            return "a number too large to read"
    if type(value).__module__ == "torch.return_types":
        return f"all that torch.{type(value).__name__} gives (values and places)"
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, Mapping):
        names = ", ".join(sorted(map(str, value)))
        return f"a dict with the names {names[:80]}" if names else "an empty dict"
    if isinstance(value, str):
        return f"the text {value[:30]!r}"
    return "None (is a `return` missing?)" if value is None else f"an object of type {type(value).__name__}"
