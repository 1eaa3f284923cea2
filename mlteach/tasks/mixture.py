"""Regression tasks that are not all of one kind: mixtures of families, labels that lie, inputs that say something of the task."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.tasks.episode import Episode
from mlteach.tasks.sinusoids import Range, Sinusoids, uniform


class Family(Protocol):
    """Tasks of one kind: `draw` gives the hidden truth, numbers [tasks, 1, 1] each, and `value` the curve at x."""

    def draw(self, tasks: int, *, generator: torch.Generator) -> tuple[Tensor, ...]: ...

    def value(self, x: Tensor, *truth: Any) -> Tensor: ...


@dataclass(frozen=True)
class Polynomials:
    """y = c_0 + c_1 x + c_2 x^2 + ..., each coefficient uniform on its range. Taught in: lesson 15."""

    coefficients: tuple[Range, ...]

    @classmethod
    def lines(cls) -> "Polynomials":
        """Intercept in [-3, 3], slope in [-1, 1]."""
        return cls(((-3.0, 3.0), (-1.0, 1.0)))

    @classmethod
    def quadratics(cls) -> "Polynomials":
        """A line, and 0.2 x^2 at most."""
        return cls((*cls.lines().coefficients, (-0.2, 0.2)))

    def draw(self, tasks: int, *, generator: torch.Generator) -> tuple[Tensor, ...]:
        return tuple(uniform(between, (tasks, 1, 1), generator) for between in self.coefficients)

    def value(self, x: Tensor, *truth: Tensor) -> Tensor:
        return sum((c * x**power for power, c in enumerate(truth)), torch.zeros_like(x))


@dataclass(frozen=True)
class Mixture:
    """Tasks of several families, as many of each in the mean, with labels that may lie.

    noise: the standard deviation of what is added to every support label.
    outliers: the share of the support labels that are off, by a normal number of standard deviation ``off``.
    Query labels are the truth: they judge. Raises EpisodeError for a share outside [0, 1]. Taught in: lesson 15.
    """

    families: tuple[Family, ...] = (Sinusoids(),)
    x: Range = (-5.0, 5.0)
    noise: float = 0.0
    outliers: float = 0.0
    off: float = 5.0

    def __post_init__(self) -> None:
        if not 0 <= self.outliers <= 1:
            raise EpisodeError(f"outliers is {self.outliers}; give the share of the labels, from 0 to 1.")

    @classmethod
    def phases(cls, noise: float = 0.3) -> "Mixture":
        """Two families of sinusoids, A in [1, 5]: phases from 0 to 90 degrees, and from 180 to 270."""
        ranges = ((0.0, math.pi / 2), (math.pi, 1.5 * math.pi))
        return cls(tuple(Sinusoids(amplitude=(1.0, 5.0), phase=each) for each in ranges), noise=noise)

    @classmethod
    def formulas(cls, noise: float = 0.3) -> "Mixture":
        """Three families by formula: sinusoids of any phase, lines, quadratics."""
        waves = Sinusoids(phase=(0.0, 2 * math.pi))
        return cls((waves, Polynomials.lines(), Polynomials.quadratics()), noise=noise)

    def sample(
        self,
        tasks: int,
        shots: int,
        queries: int,
        *,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float32,
    ) -> Episode:
        """Draw tasks: support x and y [tasks, shots, 1], query x and y [tasks, queries, 1]. See `sample_with_family`."""
        return self.sample_with_family(tasks, shots, queries, generator=generator, dtype=dtype)[0]

    def sample_with_family(
        self,
        tasks: int,
        shots: int,
        queries: int,
        *,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float32,
    ) -> tuple[Episode, Tensor]:
        """The tasks, and the number of each one's family, int64 [tasks]: what grouping is to find out by itself.

        All is drawn in float64 and cast at the end, so one seed means the same tasks in every precision.
        """
        family = torch.randint(len(self.families), (tasks,), generator=generator, device=generator.device)
        support_x = uniform(self.x, (tasks, shots, 1), generator)
        query_x = uniform(self.x, (tasks, queries, 1), generator)
        support_y, query_y = torch.zeros_like(support_x), torch.zeros_like(query_x)
        for number, each in enumerate(self.families):
            truth, own = each.draw(tasks, generator=generator), (family == number)[:, None, None]
            support_y = torch.where(own, each.value(support_x, *truth), support_y)
            query_y = torch.where(own, each.value(query_x, *truth), query_y)
        support_y = lying(support_y, self.noise, self.outliers, self.off, generator=generator)
        return Episode(support_x, support_y, query_x, query_y).to(dtype=dtype), family


@dataclass(frozen=True)
class Windows:
    """Sinusoids y = A sin(x - phase) of which a task shows a window, ``width`` wide, at a place c anywhere in ``x``.

    told: whether the place says something of the task. Then it says the phase: (c - low) / (high - low) of pi. Else the
        phase is drawn by itself, and inputs without labels can help nobody.
    Taught in: lesson 15.
    """

    told: bool = True
    width: float = 3.0
    amplitude: Range = (0.1, 5.0)
    x: Range = (-5.0, 5.0)

    def sample(
        self,
        tasks: int,
        shots: int,
        queries: int,
        *,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float32,
    ) -> Episode:
        """Draw tasks: support x and y [tasks, shots, 1], query x and y [tasks, queries, 1], all of them in the task's window."""
        shape = (tasks, 1, 1)
        where = uniform((0.0, 1.0), shape, generator)
        phase = math.pi * (where if self.told else uniform((0.0, 1.0), shape, generator))
        size, (low, high) = uniform(self.amplitude, shape, generator), self.x
        left = low + (high - low - self.width) * where
        inputs = [left + uniform((0.0, self.width), (tasks, n, 1), generator) for n in (shots, queries)]
        labels = [size * torch.sin(x - phase) for x in inputs]
        return Episode(inputs[0], labels[0], inputs[1], labels[1]).to(dtype=dtype)


def lying(y: Tensor, noise: float, outliers: float, off: float, *, generator: torch.Generator) -> Tensor:
    """Labels with normal noise on all of them, and a share of ``outliers`` moved by a normal number times ``off``."""

    def normal() -> Tensor:
        return torch.randn(y.shape, generator=generator, dtype=y.dtype, device=y.device)

    y = y + noise * normal() if noise else y
    if not outliers:
        return y
    wrong = torch.rand(y.shape, generator=generator, dtype=y.dtype, device=y.device) < outliers
    return torch.where(wrong, y + off * normal(), y)


def drawn_from(
    pool: Episode, places: Sequence[int] | Tensor, tasks: int, *, generator: torch.Generator
) -> Episode:
    """A batch of tasks out of those at ``places`` of the pool, with replacement."""
    at = torch.as_tensor(places, device=pool.support_x.device)
    pick = at[torch.randint(len(at), (tasks,), generator=generator, device=generator.device)]
    return Episode(*(each[pick] for each in pool))
