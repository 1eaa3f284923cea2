"""Sinusoid regression: the smallest family of tasks on which learning to learn can be watched."""

import cmath
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.params import widest
from mlteach.tasks.episode import Episode

Range = tuple[float, float]


@dataclass(frozen=True)
class Sinusoids:
    """Tasks y = A sin(x + sign * phase), with A, phase (radians) and x uniform on their ranges.

    Three published variants carry a name because their errors are not comparable: the best error that is
    possible without adapting differs by a factor of a hundred between them (`zero_shot_mse`).
    Raises EpisodeError for a range that ends before it begins. Taught in: lesson 06.
    """

    amplitude: Range = (0.1, 5.0)
    phase: Range = (0.0, math.pi)
    x: Range = (-5.0, 5.0)
    sign: int = -1

    def __post_init__(self) -> None:
        for name in ("amplitude", "phase", "x"):
            low, high = getattr(self, name)
            if not low <= high:
                raise EpisodeError(f"The range of {name} is ({low}, {high}); give the smaller number first.")
        if self.sign not in (-1, 1):
            raise EpisodeError(f"sign is {self.sign}; give -1 for sin(x - phase) or +1 for sin(x + phase).")

    @classmethod
    def finn(cls) -> "Sinusoids":
        """Finn et al. 2017 (MAML), section 5.1: A in [0.1, 5], sin(x - phase), phase in [0, pi]."""
        return cls()

    @classmethod
    def reptile(cls) -> "Sinusoids":
        """Nichol et al. 2018 (Reptile), section 6.1: A in [0.1, 5], sin(x + phase), phase in [0, 2 pi]."""
        return cls(phase=(0.0, 2 * math.pi), sign=1)

    @classmethod
    def jang(cls) -> "Sinusoids":
        """The small-amplitude variant of Eric Jang's tutorial and of functorch: A in [0.1, 0.5]."""
        return cls(amplitude=(0.1, 0.5))

    def draw(self, tasks: int, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The hidden truth of some tasks: amplitude and phase, float64, each [tasks, 1, 1]."""
        shape = (tasks, 1, 1)
        return uniform(self.amplitude, shape, generator), uniform(self.phase, shape, generator)

    def value(self, x: Tensor, amplitude: Tensor, phase: Tensor) -> Tensor:
        """y = A sin(x + sign * phase), shapes broadcast: amplitude and phase as from `draw` fit x [tasks, S, 1]."""
        return amplitude * torch.sin(x + self.sign * phase)

    def sample(
        self,
        tasks: int,
        shots: int,
        queries: int,
        *,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ) -> Episode:
        """Draw tasks: support x and y [tasks, shots, 1], query x and y [tasks, queries, 1].

        All is drawn and computed in float64 on the generator's device, and cast at the end, so that one seed
        means the same tasks in every precision and on every device the result is sent to (default: the
        generator's). Raises EpisodeError for a count below one.
        """
        for name, count in (("tasks", tasks), ("shots", shots), ("queries", queries)):
            if count < 1:
                raise EpisodeError(f"{name} is {count}; an episode needs at least one.")
        amplitude, phase = self.draw(tasks, generator=generator)
        support_x = uniform(self.x, (tasks, shots, 1), generator)
        query_x = uniform(self.x, (tasks, queries, 1), generator)
        support_y, query_y = (self.value(x, amplitude, phase) for x in (support_x, query_x))
        return Episode(support_x, support_y, query_x, query_y).to(device=device, dtype=dtype)

    def best_predictor(self) -> Callable[[Tensor], Tensor]:
        """The function of x alone with the least expected squared error: f*(x) = E[y | x].

        f*(x) = E[A] Im(e^{ix} w) with w = E[e^{i sign phase}]. For `finn` this is -(5.1 / pi) cos x, for
        `reptile` it is zero: the phases cancel. A network trained on all tasks at once can get this far only.
        """
        mean, w = sum(self.amplitude) / 2, _mean_wave(self.phase, self.sign)
        return lambda x: mean * (w.real * torch.sin(x) + w.imag * torch.cos(x))

    def zero_shot_mse(self) -> float:
        """The expected squared error of `best_predictor`: E[A^2] E[sin^2(x + sign phase)] - E[f*(x)^2].

        3.005669 for `finn`, 4.251667 for `reptile`, 0.034421 for `jang`. Draw it into every plot of errors:
        below this line, and only there, something was learned from the support set.
        """
        low, high = self.amplitude
        mean, mean_square = (low + high) / 2, (low * low + low * high + high * high) / 3
        w, w2 = _mean_wave(self.phase, self.sign), _mean_wave(self.phase, 2 * self.sign)
        x2 = _mean_wave(self.x, 2)
        return mean_square * (1 - (w2 * x2).real) / 2 - mean**2 * (abs(w) ** 2 - (w * w * x2).real) / 2


def uniform(between: Range, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Numbers uniform on a range, in float64 where the generator's device has it."""
    low, high = between
    unit = torch.rand(shape, generator=generator, device=generator.device, dtype=widest(generator.device))
    return low + (high - low) * unit


def _mean_wave(between: Range, frequency: float) -> complex:
    """E[e^{i frequency t}] for t uniform: the wave at the middle, damped by sin(h) / h of half the angle swept."""
    low, high = between
    h = frequency * (high - low) / 2
    return cmath.exp(1j * frequency * (low + high) / 2) * (math.sin(h) / h if h else 1.0)
