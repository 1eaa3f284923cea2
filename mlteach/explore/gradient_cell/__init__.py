"""GradientCell: gradient descent and an LSTM cell walk down the same surface, step by step.

The cell's memory is the point, its candidate is minus the gradient, its gates are two numbers; a second cell in front
gathers gradients (momentum):

    m_t = mu * m_(t-1) + gradient at c_(t-1)        c_t = f * c_(t-1) + i * (-m_t)

With f = 1, i = rate, mu = 0 that is gradient descent, to the last bit. Taught in: lesson 03.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import traitlets as t
from matplotlib.figure import Figure

from mlteach.explore import style
from mlteach.explore.base import Explorer, sig

Point = tuple[float, float]

#: The picture shows this far to each side of a surface's centre.
HALF: Point = (2.5, 5 / 3)
#: A path that gets this far from zero is cut there: it has run away, and squares of it would overflow.
FAR = 1e3
#: Steps that count in the task, and the scores that earn one, two and three stars.
TASK_STEPS, STARS = 20, (1.05, 10, 500)


class Surface(NamedTuple):
    """A loss over two parameters, its gradient, and where to look at it. ``low``: the minimum, for the task's mirror."""

    loss: Callable[[float, float], float]
    gradient: Callable[[float, float], Point]
    centre: Point
    start: Point
    low: Point


# Sums and products only, in one order: JavaScript computes the same, operation by operation.
SURFACES: dict[str, Surface] = {
    "bowl": Surface(
        lambda x, y: 0.5 * ((x - 1.2) * (x - 1.2) + (y - 0.3) * (y - 0.3)),
        lambda x, y: (x - 1.2, y - 0.3),
        centre=(1.2, 0.3), start=(-0.8, 1.1), low=(1.2, 0.3),
    ),
    "ravine": Surface(
        lambda x, y: 0.5 * ((x - 1.2) * (x - 1.2) + 30 * (y - 0.3) * (y - 0.3)),
        lambda x, y: (x - 1.2, 30 * (y - 0.3)),
        centre=(1.2, 0.3), start=(-0.8, 1.1), low=(1.2, 0.3),
    ),
    "saddle": Surface(
        lambda x, y: 0.5 * x * x + 0.25 * (y * y - 1) * (y * y - 1),
        lambda x, y: (x, y * (y * y - 1)),
        centre=(0.0, 0.0), start=(-2.0, 0.1), low=(0.0, 1.0),
    ),
    "rosenbrock": Surface(
        lambda x, y: 0.25 * (1 - x) * (1 - x) + 1.25 * (y - x * x) * (y - x * x),
        lambda x, y: (-0.5 * (1 - x) - 5 * x * (y - x * x), 2.5 * (y - x * x)),
        centre=(0.0, 0.6), start=(-1.2, 1.0), low=(1.0, 1.0),
    ),
}  # fmt: skip


def walk(surface: str, start: Point, forget: float, gate: float, momentum: float, steps: int) -> list[Point]:
    """Points c_0 ... c_steps of the cell; fewer when it runs away. ``gate``: the input gate."""
    (x, y), gradient = start, SURFACES[surface].gradient
    v, w, path = 0.0, 0.0, [start]
    for _ in range(steps):
        gx, gy = gradient(x, y)
        v, w = momentum * v + gx, momentum * w + gy
        x, y = forget * x + gate * -v, forget * y + gate * -w
        if not (abs(x) <= FAR and abs(y) <= FAR):
            break
        path.append((x, y))
    return path


def descend(surface: str, start: Point, rate: float, steps: int) -> list[Point]:
    """Points of gradient descent with a fixed rate, written as everyone writes it."""
    (x, y), gradient = start, SURFACES[surface].gradient
    path = [start]
    for _ in range(steps):
        gx, gy = gradient(x, y)
        x, y = x - rate * gx, y - rate * gy
        if not (abs(x) <= FAR and abs(y) <= FAR):
            break
        path.append((x, y))
    return path


def _end(surface: str, path: list[Point], steps: int) -> float:
    """Loss at the end of a path; infinite when it ran away."""
    return SURFACES[surface].loss(*path[-1]) if len(path) == steps + 1 else float("inf")


@cache
def best_rate(surface: str, start: Point) -> tuple[float, float]:
    """(rate, loss) of the fixed rate, out of 151 from 0.001 to 1, with the lowest loss after ``TASK_STEPS`` steps."""
    rates = [10 ** (-3 + k / 50) for k in range(151)]
    losses = [_end(surface, descend(surface, start, rate, TASK_STEPS), TASK_STEPS) for rate in rates]
    k = int(np.argmin(losses))
    return rates[k], losses[k]


class Paths(NamedTuple):
    """Both paths, float64 [steps + 1, 2] each, not-a-number from the step on at which a path ran away."""

    descent: np.ndarray
    cell: np.ndarray


class GradientCell(Explorer):
    """Drag the start, turn the gates, watch both paths.

        cell = GradientCell(surface="ravine")
        cell.forget = 0.9
        print(cell.summary)

    ``start=None`` is the surface's own start. A value outside a trait's range raises ``TraitError``.
    """

    module = "gradient_cell"
    shows = ("surface", "start", "forget", "input", "momentum", "rate", "steps")

    surface = t.Enum(list(SURFACES), default_value="ravine").tag(sync=True)
    start = t.Tuple(t.Float(), t.Float(), default_value=None, allow_none=True).tag(sync=True)
    forget = t.Float(1.0, min=0.8, max=1.02, help="forget gate f").tag(sync=True)
    input = t.Float(0.05, min=0.001, max=1.0, help="input gate i").tag(sync=True)
    momentum = t.Float(0.0, min=0.0, max=0.95, help="forget gate of the second cell, mu").tag(sync=True)
    rate = t.Float(0.05, min=0.001, max=1.0, help="learning rate of gradient descent").tag(sync=True)
    steps = t.Int(20, min=1, max=100).tag(sync=True)

    def __init__(self, surface: str = "ravine", **traits: Any) -> None:
        super().__init__(surface=surface, **traits)

    @property
    def _from(self) -> Point:
        return self.start or SURFACES[self.surface].start

    def _walks(self) -> tuple[list[Point], list[Point]]:
        descent = descend(self.surface, self._from, self.rate, self.steps)
        return descent, walk(self.surface, self._from, self.forget, self.input, self.momentum, self.steps)

    def paths(self) -> Paths:
        """Gradient descent's path and the cell's, from the same start."""
        both = [np.full((self.steps + 1, 2), np.nan) for _ in range(2)]
        for array, path in zip(both, self._walks(), strict=True):
            array[: len(path)] = path
        return Paths(*both)

    @property
    def score(self) -> float:
        """How many times lower the cell's loss is after 20 steps than that of gradient descent at its best fixed rate.

        Counted from the start and from its mirror image across the minimum, and the worse of the two: a forget gate
        that pulls towards zero helps from one side only, and that would be luck.
        """
        (x, y), (a, b) = self._from, SURFACES[self.surface].low
        ratios = []
        for start in ((x, y), (2 * a - x, 2 * b - y)):
            ours = walk(self.surface, start, self.forget, self.input, self.momentum, TASK_STEPS)
            # The floor keeps a start on the minimum itself (0 / 0) from counting as a win.
            theirs, end = (
                best_rate(self.surface, start)[1] + 1e-12,
                _end(self.surface, ours, TASK_STEPS) + 1e-12,
            )
            ratios.append(theirs / end)
        return min(ratios)

    @property
    def stars(self) -> int:
        """0 to 3 stars for the task, which is set on the ravine."""
        return sum(self.score >= s for s in STARS) if self.surface == "ravine" else 0

    @property
    def summary(self) -> str:
        descent, cell = self._walks()
        gates = f"f = {sig(self.forget, 3)}, i = {sig(self.input, 3)}"
        apart = max(max(abs(a - c), abs(b - d)) for (a, b), (c, d) in zip(descent, cell, strict=False))
        if self.forget == 1 and self.momentum == 0 and self.input == self.rate:
            return f"{gates}: the cell is gradient descent; largest difference {sig(apart)}."
        ends = [self._end_in_words(who, path) for who, path in (
            ("the cell", cell), (f"gradient descent (rate {sig(self.rate, 3)})", descent))]  # fmt: skip
        text = f"{gates}, momentum {sig(self.momentum, 3)}: {ends[0]}; {ends[1]}."
        if not any("leaves" in end for end in ends):
            text = text[:-1] + f"; the paths differ by up to {sig(apart)}."
        if self.stars:
            text += f" After {TASK_STEPS} steps {sig(self.score)} times below the best fixed rate: {'★' * self.stars}"
        return text

    def _end_in_words(self, who: str, path: list[Point]) -> str:
        (a, b), (w, h) = SURFACES[self.surface].centre, HALF
        seen = [k for k, (x, y) in enumerate(path) if abs(x - a) <= w and abs(y - b) <= h]
        last = seen[-1] if seen else -1
        if last < self.steps:
            return f"{who} leaves the picture at step {last + 1}"
        return f"{who} ends at loss {sig(SURFACES[self.surface].loss(*path[-1]))}"

    def draw(self, fig: Figure) -> None:
        """The surface with both paths, and the loss after each step."""
        land, curve = fig.subplots(1, 2, width_ratios=(1.5, 1))
        surface, ((a, b), (w, h)) = SURFACES[self.surface], (SURFACES[self.surface].centre, HALF)
        x, y = np.meshgrid(np.linspace(a - w, a + w, 121), np.linspace(b - h, b + h, 81))
        levels = [0.02 * 2.0**k for k in range(14)]
        heights: Any = surface.loss
        land.contour(x, y, heights(x, y), levels=levels, colors="#c9cdd3", linewidths=0.8)
        land.set(xlim=(a - w, a + w), ylim=(b - h, b + h), title=f"The {self.surface}")
        land.set(xlabel="θ₁", ylabel="θ₂")
        paths = self.paths()
        trails = (
            ("cell", style.cell("c"), paths.cell),
            ("gradient\ndescent", style.method("baseline"), paths.descent),
        )
        for label, look, path in trails:
            land.plot(*path.T, **look)
            land.scatter(*path.T, color=look["color"], s=12, zorder=3)
            (line,) = curve.semilogy([surface.loss(*p) + 1e-12 for p in path], **look)
            style.label_line(curve, line, label, dx=5, fontsize=9)
        land.plot(*self._from, "ko", markersize=8)
        curve.set(xlabel="step", title="Loss after each step")
