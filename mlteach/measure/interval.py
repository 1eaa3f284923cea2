"""A number and how sure we are of it."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Interval(NamedTuple):
    """A mean with the half width of its 95 % interval, over ``n`` tasks or seeds. Prints as ``95.3 ± 0.4``.

    In a dict or a list it prints with two digits of its half width, ``95.31 ± 0.42``, so that shares can be read too.
    """

    mean: float
    half_width: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.1f} ± {self.half_width:.1f}"

    def __repr__(self) -> str:
        size = self.half_width
        digits = 2 if not math.isfinite(size) or size <= 0 else max(0, 1 - math.floor(math.log10(size)))
        return f"{self.mean:.{digits}f} ± {self.half_width:.{digits}f}"

    def __format__(self, spec: str) -> str:
        """As text, so that a table can align it: ``f"{interval:>12}"``."""
        return format(str(self), spec)

    def scaled(self, factor: float) -> "Interval":
        """The same in another unit: ``interval.scaled(100)`` turns shares into percent."""
        return Interval(self.mean * factor, self.half_width * factor, self.n)


def over_tasks(values: Tensor | Sequence[float]) -> Interval:
    """Mean and 1.96 standard errors over many independent values (hundreds of tasks). Raises ValueError when empty.

    Source: the convention of every few-shot paper since Vinyals et al. 2016. Taught in: lesson 01.
    """
    values = values.detach().cpu() if isinstance(values, Tensor) else values  # not every device has float64
    sample = torch.as_tensor(values, dtype=torch.float64).flatten()
    if sample.numel() == 0:
        raise ValueError("An interval needs at least one value.")
    spread = sample.std().item() if sample.numel() > 1 else float("nan")
    return Interval(sample.mean().item(), 1.96 * spread / math.sqrt(sample.numel()), sample.numel())


# Two-sided 95 % points of Student's t for 1, 2, ... degrees of freedom: a handful of seeds is no large sample.
_STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)


def over_seeds(values: Sequence[float]) -> Interval:
    """Mean and 95 % interval over a few training runs, by Student's t. With one run the half width is nan."""
    interval = over_tasks(values)
    freedom = interval.n - 1
    if freedom < 1:
        return interval
    # beyond the table the first terms of the expansion in 1 / freedom, good to 0.003
    factor = _STUDENT[freedom - 1] if freedom <= len(_STUDENT) else 1.96 + 2.372 / freedom + 2.82 / freedom**2
    return interval._replace(half_width=interval.half_width / 1.96 * factor)


def floor_of(rate: float, queries: int, tasks: int) -> float:
    """The half width that counting alone gives: 1.96 sqrt(p (1 - p) / (queries * tasks)), p and result as shares.

    A published interval near this floor says how many queries were counted.
    """
    return 1.96 * math.sqrt(rate * (1 - rate) / (queries * tasks))
