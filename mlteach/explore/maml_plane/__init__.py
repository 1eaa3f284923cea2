"""MamlPlane: one start, three tasks, and what MAML, FOMAML, Reptile and joint training make of the start.

The plane is the space of parameters. Task i is a quadratic bowl with its lowest point a_i and its Hessian H_i. From theta,

    phi <- phi - alpha H_i (phi - a_i)                 k inner steps, which begin at theta
    g_i =  H_i (phi_i - a_i)                           the gradient after the steps
    theta <- theta - beta * mean over i of             one outer step of

        (I - alpha H_i)^k g_i                          MAML: the gradient is pulled back through every step
        g_i                                            FOMAML: it is not
        theta - phi_i                                  Reptile
        H_i (theta - a_i)                              joint training: the gradient before the steps

Each of them is W_i (theta - a_i) with a matrix W_i of its own, so each rests where the sum of W_i (theta - a_i) is zero. Sources: Finn,
Abbeel, Levine 2017; Nichol, Achiam, Schulman 2018. Taught in: lesson 06.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import traitlets as t
from matplotlib.figure import Figure

from mlteach.explore import style
from mlteach.explore.base import Explorer, sig

Point = tuple[float, float]
Matrix = tuple[float, float, float, float]  # row by row

#: Edges of the picture, and how far a path may run before it is cut: squares of it would overflow.
BOX: tuple[Point, Point] = ((-2.5, 2.5), (-1.65, 1.65))
FAR = 1e3
#: The outer rate of every method, and the outer steps that can be followed.
BETA, OUTER = 0.4, 60
#: The loss after the steps, in units of the least there is, that earns one, two and three stars.
STARS = (1.3, 1.12, 1.05)
START: Point = (0.0, 0.6)
METHODS = {"MAML": "maml", "FOMAML": "fomaml", "Reptile": "reptile", "joint training": "baseline"}


class Bowl(NamedTuple):
    """A task: ``steep`` is the curvature along ``normal`` (of length 1), ``flat`` the one across it, ``low`` the lowest point."""

    kind: str
    normal: Point
    steep: float
    flat: float
    low: Point

    @property
    def hessian(self) -> Matrix:
        (p, q), s, f = self.normal, self.steep, self.flat
        cross = s * p * q - f * p * q
        return s * p * p + f * q * q, cross, cross, s * q * q + f * p * p


# Normals of whole tenths, so that both languages hold the same numbers.
BOWLS = {
    "A": Bowl("steep", (0.8, 0.6), steep=3.2, flat=2.8, low=(1.4, 0.5)),
    "B": Bowl("flat", (0.6, 0.8), steep=0.6, flat=0.35, low=(-1.5, 0.8)),
    "C": Bowl("ravine", (0.8, -0.6), steep=3.6, flat=0.5, low=(0.5, -1.0)),
}


def times(m: Matrix, v: Point) -> Point:
    """Matrix times vector."""
    return m[0] * v[0] + m[1] * v[1], m[2] * v[0] + m[3] * v[1]


def product(m: Matrix, n: Matrix) -> Matrix:
    """Matrix times matrix."""
    (a, c), (b, d) = times(m, (n[0], n[2])), times(m, (n[1], n[3]))
    return a, b, c, d


def loss(bowl: Bowl, point: Point) -> float:
    """(point - low)^T H (point - low) / 2."""
    away = point[0] - bowl.low[0], point[1] - bowl.low[1]
    g = times(bowl.hessian, away)
    return 0.5 * (g[0] * away[0] + g[1] * away[1])


def gradient(bowl: Bowl, point: Point) -> Point:
    """H (point - low)."""
    return times(bowl.hessian, (point[0] - bowl.low[0], point[1] - bowl.low[1]))


def adapt(bowl: Bowl, theta: Point, alpha: float, k: int) -> list[Point]:
    """theta, and the point after each of ``k`` steps of gradient descent."""
    path = [theta]
    for _ in range(k):
        (x, y), (g, h) = path[-1], gradient(bowl, path[-1])
        path.append((x - alpha * g, y - alpha * h))
    return path


def pull_back(bowl: Bowl, v: Point, alpha: float, k: int) -> list[Point]:
    """v, and what is left of it on its way back through each of ``k`` steps, the last first: v <- v - alpha H v."""
    found = [v]
    for _ in range(k):
        (x, y), (g, h) = found[-1], times(bowl.hessian, found[-1])
        found.append((x - alpha * g, y - alpha * h))
    return found


def pull(bowl: Bowl, method: str, theta: Point, alpha: float, k: int) -> Point:
    """The task's part of the outer gradient of a method."""
    if method == "joint training":
        return gradient(bowl, theta)
    phi = adapt(bowl, theta, alpha, k)[-1]
    if method == "Reptile":
        return theta[0] - phi[0], theta[1] - phi[1]
    g = gradient(bowl, phi)
    return pull_back(bowl, g, alpha, k)[-1] if method == "MAML" else g


def mean(points: list[Point]) -> Point:
    """The mean of some vectors."""
    return sum(p[0] for p in points) / len(points), sum(p[1] for p in points) / len(points)


def walk(bowls: list[Bowl], method: str, theta: Point, alpha: float, k: int, steps: int) -> list[Point]:
    """The start after 0, 1, ..., ``steps`` outer steps; fewer when it runs away."""
    path = [theta]
    for _ in range(steps):
        x, y = path[-1]
        g, h = mean([pull(bowl, method, (x, y), alpha, k) for bowl in bowls])
        x, y = x - BETA * g, y - BETA * h
        if not (abs(x) <= FAR and abs(y) <= FAR):
            break
        path.append((x, y))
    return path


def weight(bowl: Bowl, method: str, alpha: float, k: int) -> Matrix:
    """W, with which a task's part of the outer gradient is W (theta - low)."""
    h = bowl.hessian
    if method == "joint training":
        return h
    step: Matrix = (1 - alpha * h[0], -alpha * h[1], -alpha * h[2], 1 - alpha * h[3])
    m: Matrix = (1.0, 0.0, 0.0, 1.0)
    for _ in range(k):
        m = product(step, m)
    if method == "Reptile":
        return 1 - m[0], -m[1], -m[2], 1 - m[3]
    return product(product(m, h), m) if method == "MAML" else product(h, m)


def rest(bowls: list[Bowl], method: str, alpha: float, k: int) -> Point | None:
    """Where the outer gradient is zero: [sum of W]^-1 sum of W low. None where the method is drawn to no place at all."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    u, v = 0.0, 0.0
    for bowl in bowls:
        w, to = weight(bowl, method, alpha, k), times(weight(bowl, method, alpha, k), bowl.low)
        a, b, c, d = a + w[0], b + w[1], c + w[2], d + w[3]
        u, v = u + to[0], v + to[1]
    det = a * d - b * c
    if a + d <= 0 or det <= 1e-9 * (a + d) * (a + d):  # flat or falling in some direction: it does not stay
        return None
    return (d * u - b * v) / det, (a * v - c * u) / det


def before(bowls: list[Bowl], theta: Point) -> float:
    """The mean loss at theta: what joint training descends."""
    return sum(loss(bowl, theta) for bowl in bowls) / len(bowls)


def after(bowls: list[Bowl], theta: Point, alpha: float, k: int) -> float:
    """The mean loss after each task's ``k`` steps: what MAML descends."""
    return sum(loss(bowl, adapt(bowl, theta, alpha, k)[-1]) for bowl in bowls) / len(bowls)


def times_least(bowls: list[Bowl], theta: Point, alpha: float, k: int) -> float:
    """The loss after the steps in units of the least there is, which is that at MAML's resting place; infinite without one."""
    best = rest(bowls, "MAML", alpha, k)
    if best is None:
        return math.inf
    # The floor keeps 0 / 0 from counting, where all tasks have one and the same lowest point.
    return (after(bowls, theta, alpha, k) + 1e-12) / (after(bowls, best, alpha, k) + 1e-12)


class MamlPlane(Explorer):
    """Drag the start and the tasks' lowest points, choose a method, take inner and outer steps.

        plane = MamlPlane("MAML")
        plane.k, plane.outer = 3, 20
        print(plane.summary)

    method: whose outer gradient is drawn. alpha, k: rate and number of the inner steps. start: theta before any outer step.
    optima: the lowest points of the bowls A, B, C. None for either: the explorer's own. outer: how many outer steps of the
        method have been made. task: "guess" covers losses and pulls until the place is judged, as the panel "Your task" does.
    A value outside a trait's range raises ``TraitError``.
    """

    module = "maml_plane"
    shows = ("method", "alpha", "k", "start", "optima", "outer", "task")
    size = (7.6, 4.8)

    method = t.Enum(list(METHODS), default_value="MAML", help="method").tag(sync=True)
    alpha = t.Float(0.25, min=0.01, max=0.6, help="inner rate alpha").tag(sync=True)
    k = t.Int(1, min=0, max=8, help="inner steps k").tag(sync=True)
    start = t.Tuple(t.Float(), t.Float(), default_value=None, allow_none=True).tag(sync=True)
    optima = t.Tuple(
        *(t.Tuple(t.Float(), t.Float()) for _ in BOWLS), default_value=None, allow_none=True
    ).tag(sync=True)
    outer = t.Int(0, min=0, max=OUTER, help="outer steps made").tag(sync=True)
    task = t.Enum(["closed", "guess", "judged"], default_value="closed").tag(sync=True)

    def __init__(self, method: str = "MAML", **traits: Any) -> None:
        super().__init__(method=method, **traits)

    @t.validate("start", "optima")
    def _in_the_box(self, proposal: dict[str, Any]) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        (a, b), (c, d) = BOX
        for x, y in [] if value is None else [value] if name == "start" else value:
            if not (a <= x <= b and c <= y <= d):
                raise t.TraitError(
                    f"{name} must lie within {a:g} to {b:g} and {c:g} to {d:g}, not ({x}, {y})."
                )
        return value

    @property
    def bowls(self) -> dict[str, Bowl]:
        """The tasks as they lie now, by name."""
        lows = self.optima or [bowl.low for bowl in BOWLS.values()]
        return {name: bowl._replace(low=low) for (name, bowl), low in zip(BOWLS.items(), lows, strict=True)}

    @property
    def _list(self) -> list[Bowl]:
        return list(self.bowls.values())

    def walk(self) -> np.ndarray:
        """theta before and after each outer step, float64 [outer + 1, 2]; fewer rows when it runs away."""
        return np.array(self._walk())

    def _walk(self) -> list[Point]:
        return walk(self._list, self.method, self.start or START, self.alpha, self.k, self.outer)

    @property
    def theta(self) -> Point:
        """The start after the outer steps that have been made."""
        return self._walk()[-1]

    def phis(self) -> np.ndarray:
        """Where each task's inner steps end, float64 [3, 2]."""
        return np.array([adapt(bowl, self.theta, self.alpha, self.k)[-1] for bowl in self._list])

    def gradients(self) -> np.ndarray:
        """Each task's gradient at its phi, float64 [3, 2]."""
        return np.array([gradient(bowl, phi) for bowl, phi in zip(self._list, self.phis(), strict=True)])

    def pulls(self) -> np.ndarray:
        """Each task's part of the method's outer gradient, float64 [3, 2]: for MAML the gradient at phi, pulled back."""
        return np.array([pull(bowl, self.method, self.theta, self.alpha, self.k) for bowl in self._list])

    def meta_gradient(self) -> np.ndarray:
        """The mean of the pulls, float64 [2]."""
        return np.array(mean([(float(x), float(y)) for x, y in self.pulls()]))

    def rest(self, method: str | None = None) -> Point | None:
        """Where a method (this one) leaves theta, in closed form; None where it is drawn to no place at all."""
        if method is not None and method not in METHODS:
            raise ValueError(f"No method is called {method!r}. Choose one of: {', '.join(METHODS)}.")
        return rest(self._list, method or self.method, self.alpha, self.k)

    @property
    def losses(self) -> tuple[float, float]:
        """The mean loss at theta, and after each task's inner steps from there."""
        return before(self._list, self.theta), after(self._list, self.theta, self.alpha, self.k)

    @property
    def score(self) -> float:
        """The mean loss after the inner steps in units of the least there is. 1 is the best start of all."""
        return times_least(self._list, self.theta, self.alpha, self.k)

    @property
    def counts(self) -> bool:
        """Whether a place earns stars: set by hand, among the explorer's own bowls, where joint training's start is none."""
        if self.outer or self.optima:
            return False
        joint = rest(self._list, "joint training", self.alpha, self.k)
        return joint is not None and times_least(self._list, joint, self.alpha, self.k) > STARS[0]

    @property
    def stars(self) -> int:
        """0 to 3 stars for the task: put theta where the inner steps help all tasks most."""
        return sum(self.score <= most for most in STARS) if self.counts else 0

    @property
    def summary(self) -> str:
        path, bowls = self._walk(), self._list
        (x, y), steps = path[-1], f"{self.k} inner step{'' if self.k == 1 else 's'}"
        text = f"{self.method}, α = {sig(self.alpha, 3)}, k = {self.k}: θ = ({sig(x, 3)}, {sig(y, 3)})"
        if len(path) <= self.outer:
            return f"{text}: it runs away at outer step {len(path)}."
        if self.outer:
            text += f" after {self.outer} outer step{'' if self.outer == 1 else 's'}"
        if self.task == "guess":
            return f"{text}. Losses and pulls are covered until you press Judge."
        pulls = [pull(bowl, self.method, (x, y), self.alpha, self.k) for bowl in bowls]
        each = ", ".join(f"{name} {sig(length(p))}" for name, p in zip(BOWLS, pulls, strict=True))
        text += (
            f", mean loss {sig(before(bowls, (x, y)))}, after {steps} {sig(after(bowls, (x, y), self.alpha, self.k))}. "
            f"Pulls on θ: {each}; their mean {sig(length(mean(pulls)))}."
        )
        if self.task == "judged":
            text += f" The loss after the steps is {sig(self.score, 3)} times the least there is: {self.stars} of 3 stars."
        return text

    def draw(self, fig: Figure) -> None:
        """The bowls, the inner paths, and minus each gradient: at phi, pulled back at theta, and their mean."""
        from matplotlib.patches import Ellipse

        land, path, look = fig.subplots(), self._walk(), style.method(METHODS[self.method])
        theta, covered = path[-1], self.task == "guess"
        for name, bowl in self.bowls.items():
            turned = math.degrees(math.atan2(bowl.normal[1], bowl.normal[0]))
            for level in LEVELS:
                size = 2 * math.sqrt(2 * level / bowl.steep), 2 * math.sqrt(2 * level / bowl.flat)
                land.add_patch(Ellipse(bowl.low, *size, angle=turned, fill=False, color="#c9cdd3"))
            land.plot(*bowl.low, "k+", markersize=9)
            land.annotate(
                f"{name} {bowl.kind}", bowl.low, xytext=(6, 5), textcoords="offset points", fontsize=9
            )
        if len(path) > 1:
            land.plot(*np.transpose(path), **look, zorder=4)
        for name, bowl in self.bowls.items():
            inner, here = (
                adapt(bowl, theta, self.alpha, self.k),
                pull(bowl, self.method, theta, self.alpha, self.k),
            )
            if self.method != "joint training":
                land.plot(*np.transpose(inner), **style.method("truth"), marker=".", zorder=3)
                land.annotate(f"φ {name}", inner[-1], xytext=(5, -11), textcoords="offset points", fontsize=9)
            if covered:
                continue
            if self.method in ("MAML", "FOMAML"):
                _arrow(land, inner[-1], reach(gradient(bowl, inner[-1])), look["color"], 1.2, alpha=0.6)
            _arrow(land, theta, self._seen(here), look["color"], 1.6, text=name)
        if not covered:
            total = mean([pull(bowl, self.method, theta, self.alpha, self.k) for bowl in self._list])
            _arrow(land, theta, self._seen(total), look["color"], 4, text="mean")
        land.plot(*theta, "ko", markersize=9, zorder=6)
        land.set(xlim=BOX[0], ylim=BOX[1], xlabel="θ₁", ylabel="θ₂", aspect="equal")
        land.set_title(f"{self.method}: where the start is pulled")

    def _seen(self, v: Point) -> Point:
        """A part of the outer gradient as its arrow: Reptile's ends at phi."""
        return v if self.method == "Reptile" else reach(v)


#: Losses of the ellipses that are drawn. And arrows: their length grows with the gradient's, by less and less.
LEVELS = (0.05, 0.2, 0.45)
LONG, GROWS = 1.3, 1.8


def length(v: Point) -> float:
    """Of a vector."""
    return math.sqrt(v[0] * v[0] + v[1] * v[1])


def reach(v: Point) -> Point:
    """A gradient as long as its arrow is drawn: short ones to scale, none longer than ``LONG``."""
    size = length(v)
    part = LONG * math.tanh(GROWS * size / LONG) / size if size else 0.0
    return part * v[0], part * v[1]


def _arrow(ax: Any, at: Point, v: Point, color: str, width: float, text: str = "", **look: Any) -> None:
    """An arrow from ``at`` to ``at - v``: where a gradient pulls. Nothing where it would be a dot."""
    if length(v) < 0.03:
        return
    tip, shape = (
        (at[0] - v[0], at[1] - v[1]),
        dict(arrowstyle="-|>", lw=width, color=color, shrinkA=0, shrinkB=0),
    )
    ax.annotate("", tip, at, arrowprops=shape | look, zorder=5)
    ax.annotate(text, tip, xytext=(3, 3), textcoords="offset points", color=style.ink(color), fontsize=9,
                fontweight="bold", annotation_clip=True)  # fmt: skip
