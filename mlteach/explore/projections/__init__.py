"""Projections: every task has a curve of solutions, and Reptile looks for a start that is near all of them.

The plane is the space of parameters. Task tau is solved anywhere on its line or circle W, and its loss is
h/2 D(theta, W)^2 with the distance D. From a start theta,

    an inner step goes  phi <- phi - alpha h (phi - P(phi))          P(phi): the nearest point of W
    k of them leave     phi_k - P = (1 - alpha h)^k (theta - P)       and for k -> infinity phi is P itself
    Reptile goes        theta <- theta + beta (phi_k - theta)      for all tasks at once (their mean), or for each in turn

With exact projections that is gradient descent on the mean of D^2 / 2, whatever the h. With one inner step it is joint
training, where a steep task pulls harder. Source: Nichol, Achiam, Schulman 2018, section 5.2. Taught in: lesson 08.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import traitlets as t
from matplotlib.figure import Figure

from mlteach.explore import style
from mlteach.explore.base import Explorer, sig

Point = tuple[float, float]

#: Edges of the picture, the inner rate, and the outer steps that are shown.
BOX: tuple[Point, Point] = ((-2.5, 2.5), (-5 / 3, 5 / 3))
RATE, OUTER = 0.2, 40
#: The pull on the start, in units of the picture, that earns one, two and three stars: the shorter the better.
STARS = (0.15, 0.06, 0.02)


class Curve(NamedTuple):
    """The solutions of a task: a line through ``at`` with the normal (a, b) of length 1, or a circle around it.

    ``radius``: zero for a line. ``steep``: h, how steep the loss is beside the curve. ``label``: where its
    name stands.
    """

    at: Point
    normal: Point
    radius: float
    steep: float
    label: Point


# Normals of whole tenths, so that both languages hold the same numbers.
SCENES: dict[str, dict[str, Curve]] = {
    "two lines": {
        "A": Curve((0.6, 0.2), (0.6, 0.8), 0.0, 1.0, (1.15, -0.04)),
        "B": Curve((0.6, 0.2), (-0.96, 0.28), 0.0, 3.0, (1.05, 1.3)),
    },
    "three lines": {
        "A": Curve((0.0, -0.9), (0.0, 1.0), 0.0, 1.0, (-0.6, -0.84)),
        "B": Curve((0.8, 0.2), (0.8, 0.6), 0.0, 1.0, (0.35, 1.1)),
        "C": Curve((-0.9, 0.3), (-0.8, 0.6), 0.0, 4.0, (-2.0, -1.5)),
    },
    "circles": {
        "A": Curve((-0.7, -0.1), (1.0, 0.0), 1.1, 1.0, (-1.25, -1.46)),
        "B": Curve((0.8, 0.1), (1.0, 0.0), 1.0, 3.0, (0.4, -1.16)),
    },
}
STARTS: dict[str, Point] = {"two lines": (-1.6, -0.9), "three lines": (-1.7, 1.1), "circles": (-1.9, 1.2)}
ORDERS = ("all at once", "in turn")


def nearest(curve: Curve, x: float, y: float) -> Point:
    """P: the point of the curve that is nearest to (x, y)."""
    u, v = x - curve.at[0], y - curve.at[1]
    if not curve.radius:
        away = u * curve.normal[0] + v * curve.normal[1]
        return x - away * curve.normal[0], y - away * curve.normal[1]
    far = math.sqrt(u * u + v * v)
    if far < 1e-9:  # in the centre all are equally near: take the one to the right
        return curve.at[0] + curve.radius, curve.at[1]
    return curve.at[0] + curve.radius / far * u, curve.at[1] + curve.radius / far * v


def distance(curve: Curve, x: float, y: float) -> float:
    """D: how far (x, y) is from the curve."""
    a, b = nearest(curve, x, y)
    return math.sqrt((x - a) * (x - a) + (y - b) * (y - b))


def adapt(curve: Curve, x: float, y: float, inner: int, exact: bool) -> list[Point]:
    """The points of the inner loop: the start, and one after every step; with exact projection the start and P."""
    path = [(x, y)]
    for _ in range(1 if exact else inner):
        a, b = nearest(curve, x, y)
        part = 1.0 if exact else RATE * curve.steep
        x, y = x - part * (x - a), y - part * (y - b)
        path.append((x, y))
    return path


def pull(curves: list[Curve], x: float, y: float, inner: int, exact: bool) -> Point:
    """Reptile's arrow: the mean over the curves of (phi - theta)."""
    ends = [adapt(curve, x, y, inner, exact)[-1] for curve in curves]
    return sum(end[0] - x for end in ends) / len(ends), sum(end[1] - y for end in ends) / len(ends)


def walk(
    scene: str, start: Point, inner: int, exact: bool, beta: float, order: str, steps: int = OUTER
) -> list[Point]:
    """Reptile's path of outer steps from ``start``: [steps + 1]."""
    curves, (x, y), path = list(SCENES[scene].values()), start, [start]
    for step in range(steps):
        some = [curves[step % len(curves)]] if order == "in turn" else curves
        u, v = pull(some, x, y, inner, exact)
        x, y = x + beta * u, y + beta * v
        path.append((x, y))
    return path


def mean_square(scene: str, x: float, y: float) -> float:
    """What the second view says is made small: the mean over the tasks of D^2 / 2."""
    values = [distance(curve, x, y) for curve in SCENES[scene].values()]
    return sum(d * d / 2 for d in values) / len(values)


class Projections(Explorer):
    """Drag the start, choose how far training goes on each task, and watch where Reptile takes it.

        view = Projections("three lines", exact=True)
        view.start = (0.0, 0.5)
        print(view.summary)

    scene: "two lines" (they cross), "three lines" (they do not), "circles" (they cross twice). inner: steps of gradient
        descent on each task, unless ``exact``: then each task is solved in full. beta: the outer rate. order: all tasks
        in each outer step, or one after the other. A value outside a trait's range raises ``TraitError``.
    """

    module = "projections"
    shows = ("scene", "start", "inner", "exact", "beta", "order")
    size = (8.0, 3.6)

    scene = t.Enum(list(SCENES), default_value="three lines").tag(sync=True)
    start = t.Tuple(t.Float(), t.Float(), default_value=None, allow_none=True).tag(sync=True)
    inner = t.Int(3, min=1, max=20, help="inner steps k").tag(sync=True)
    exact = t.Bool(False, help="solve each task in full").tag(sync=True)
    beta = t.Float(0.3, min=0.05, max=1.0, help="outer rate").tag(sync=True)
    order = t.Enum(ORDERS, default_value=ORDERS[0]).tag(sync=True)

    def __init__(self, scene: str = "three lines", **traits: Any) -> None:
        super().__init__(scene=scene, **traits)

    @property
    def _from(self) -> Point:
        return self.start or STARTS[self.scene]

    def path(self) -> np.ndarray:
        """Reptile's outer steps from the start, float64 [41, 2]."""
        return np.array(self._walk())

    def _walk(self) -> list[Point]:
        return walk(self.scene, self._from, self.inner, self.exact, self.beta, self.order)

    @property
    def distances(self) -> dict[str, float]:
        """How far the start is from each task's solutions."""
        return {name: distance(curve, *self._from) for name, curve in SCENES[self.scene].items()}

    @property
    def pull(self) -> float:
        """The length of the mean of the tasks' arrows phi - theta at the start: zero where Reptile stays."""
        u, v = pull(list(SCENES[self.scene].values()), *self._from, self.inner, self.exact)
        return math.sqrt(u * u + v * v)

    @property
    def stars(self) -> int:
        """0 to 3 stars for the task: three lines, and a start that stays."""
        return sum(self.pull <= most for most in STARS) if self.scene == "three lines" else 0

    @property
    def summary(self) -> str:
        path = self._walk()
        inner = (
            "exact projection" if self.exact else f"{self.inner} inner step{'' if self.inner == 1 else 's'}"
        )
        before, after = (mean_square(self.scene, *point) for point in (path[0], path[-1]))
        from_each = ", ".join(f"{name} {sig(d)}" for name, d in self.distances.items())
        text = (
            f"{self.scene.capitalize()}, {inner}, β = {sig(self.beta, 3)}, tasks {self.order}. Distances from the start: "
            f"{from_each}; pull {sig(self.pull)}. Mean of D²/2: {sig(before)}, after {OUTER} outer steps {sig(after)}."
        )
        return text + (f" The start stays: {'★' * self.stars}" if self.stars else "")

    def draw(self, fig: Figure) -> None:
        """The curves with the inner paths and Reptile's path, and the mean of D^2 / 2 after each outer step."""
        plane, curve = fig.subplots(1, 2, width_ratios=(1.5, 1))
        around = np.linspace(0, 2 * np.pi, 121)
        truth, green = style.method("truth"), style.method("reptile")
        for name, (at, normal, radius, steep, label) in SCENES[self.scene].items():
            if radius:
                plane.plot(at[0] + radius * np.cos(around), at[1] + radius * np.sin(around), **truth)
            else:
                plane.axline(at, (at[0] - normal[1], at[1] + normal[0]), **truth)
            plane.text(*label, f"task {name}, h = {sig(steep)}", fontsize=9)
        for each in SCENES[self.scene].values():
            inner = np.array(adapt(each, *self._from, self.inner, self.exact))
            plane.plot(*inner.T, color=style.color("baseline"), linewidth=1)
            plane.scatter(*inner[1:].T, c=style.steps(len(inner), "baseline")[1:], s=14, zorder=3)
        path = self.path()
        plane.plot(*path.T, **green)
        plane.scatter(*path[-1], color=green["color"], s=50, zorder=4)
        plane.plot(*self._from, "ko", markersize=8, zorder=5)
        plane.set(xlim=BOX[0], ylim=BOX[1], xlabel="θ₁", ylabel="θ₂", aspect="equal")
        plane.set_title(f"{self.scene.capitalize()}: Reptile's path")
        curve.plot([mean_square(self.scene, *point) for point in path], **green)
        curve.set(xlabel="outer step", ylim=(0, None), title="Mean of D²/2")
