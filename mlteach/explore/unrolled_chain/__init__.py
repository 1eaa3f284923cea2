"""UnrolledChain: an inner loop laid out in a row, forward to the query loss and back again along its edges.

One weight, a bowl h/2 (theta - s)^2 to learn from (support) and a bowl h/2 (theta - q)^2 to be judged on (query):

    gradient_t = h * (theta_(t-1) - s)       theta_t = f * theta_(t-1) + i * (-gradient_t)       L = h/2 * (theta_T - q)^2

Backward, with slope_t for the derivative of L with respect to theta_t:

    slope_T = h * (theta_T - q)              slope_(t-1) = slope_t * f  -  slope_t * i * h

The last term travels along the dashed edge from theta_(t-1) into gradient_t. Where that edge is cut, the gradient counts as a
number that fell from the sky, and the term is gone: FOMAML, where theta_0 is what is learned. Taught in: lessons 03 to 06.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import traitlets as t
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from mlteach.explore import style
from mlteach.explore.base import Explorer, sig

#: The longest chain.
MOST = 5


class Reading(NamedTuple):
    """What a lesson learns through the chain. ``weight``, ``forget``, ``gate``: its letters; ``learned``: some of "start", "gate",
    "forget"; ``kept``, ``cut``: what the gradient is called with the dashed edges and without."""

    weight: str
    forget: str
    gate: str
    learned: tuple[str, ...]
    kept: str
    cut: str


READINGS: dict[str, Reading] = {
    "gates": Reading("θ", "f", "i", ("gate", "forget"), "all kept", "all cut"),
    "learned optimizer": Reading("θ", "1", "ω", ("gate",), "all kept", "all cut"),
    "meta-learner LSTM": Reading("c", "f", "i", ("start", "gate", "forget"), "all kept", "all cut"),
    "MAML": Reading("θ", "1", "α", ("start",), "MAML", "FOMAML"),
}


class Slopes(NamedTuple):
    """Derivatives of the query loss.

    weights: for theta_0 ... theta_T, [T + 1]. gates, forgets: for the gates of each step as if it had its own, [T]. start: for
    theta_0. gate, forget: for the one gate that all steps share, the sum over the steps.
    """

    weights: tuple[float, ...]
    gates: tuple[float, ...]
    forgets: tuple[float, ...]
    start: float
    gate: float
    forget: float


class _Edges(t.Tuple):
    """Five times True or False; one of them alone stands for all five."""

    def validate(self, obj: Any, value: Any) -> Any:
        given = (
            (value,) * MOST
            if isinstance(value, (bool, np.bool_))
            else tuple(value)
            if isinstance(value, Iterable)
            else ()
        )
        if len(given) != MOST or not all(isinstance(each, (bool, np.bool_)) for each in given):
            raise t.TraitError(
                f"keep says of the dashed edges of steps 1 to {MOST} whether each is kept: True, False or {MOST} of them, not {value!r}."
            )
        return tuple(map(bool, given))


class UnrolledChain(Explorer):
    """Play it forward and back, cut the dashed edges, watch what arrives.

        chain = UnrolledChain(reading="MAML", steps=2, rate=0.4)
        chain.keep = False
        print(chain.summary)

    reading: whose letters, and what is learned: "gates" (lesson 03), "learned optimizer" (04), "meta-learner LSTM" (05), "MAML"
        (06). The two that have no forget gate of their own are shown with f = 1. keep: which dashed edges are kept, five times
        True or False, or one for all. at: the moment that is shown, 0 to ``last``; None is the last. A value outside a trait's
        range raises ``TraitError``.
    """

    module = "unrolled_chain"
    shows = ("reading", "steps", "rate", "forget", "curvature", "start", "support", "query", "keep", "at")
    size = (8.4, 3.8)

    reading = t.Enum(list(READINGS), default_value="gates").tag(sync=True)
    steps = t.Int(3, min=1, max=MOST, help="steps T").tag(sync=True)
    rate = t.Float(0.4, min=0.05, max=2.5, help="input gate, the rate").tag(sync=True)
    forget = t.Float(1.0, min=0.5, max=1.0, help="forget gate").tag(sync=True)
    curvature = t.Float(1.0, min=0.1, max=2.0, help="curvature h of both bowls").tag(sync=True)
    start = t.Float(1.0, min=-2.0, max=2.0, help="where the chain begins").tag(sync=True)
    support = t.Float(0.0, min=-2.0, max=2.0, help="lowest point of the support bowl, s").tag(sync=True)
    query = t.Float(0.0, min=-2.0, max=2.0, help="lowest point of the query bowl, q").tag(sync=True)
    keep = _Edges(default_value=(True,) * MOST).tag(sync=True)
    at = t.Int(None, min=0, allow_none=True, help="moment of the chain").tag(sync=True)

    @property
    def last(self) -> int:
        """The last moment: two for each step forward, the loss, and one for each slope on the way back."""
        return 3 * self.steps + 2

    @property
    def _f(self) -> float:
        return self.forget if READINGS[self.reading].forget == "f" else 1.0

    def path(self) -> list[float]:
        """theta_0 ... theta_T."""
        theta = self.start
        path = [theta]
        for _ in range(self.steps):
            theta = self._f * theta + self.rate * -(self.curvature * (theta - self.support))
            path.append(theta)
        return path

    @property
    def loss(self) -> float:
        """The query loss at theta_T."""
        apart = self.path()[-1] - self.query
        return 0.5 * self.curvature * apart * apart

    def slopes(self, keep: tuple[bool, ...] | bool | None = None) -> Slopes:
        """Backward through the chain with the dashed edges in ``keep``: all, none, one by one, or as they are set."""
        edges = self.keep if keep is None else (keep,) * MOST if isinstance(keep, bool) else keep
        path, h = self.path(), self.curvature
        slope = h * (path[-1] - self.query)
        weights, gates, forgets = [slope], [], []
        for k in range(self.steps, 0, -1):
            before = path[k - 1]
            gates.append(slope * -(h * (before - self.support)))
            forgets.append(slope * before)
            slope = slope * self._f - (slope * self.rate * h if edges[k - 1] else 0.0)
            weights.append(slope)
        return Slopes(
            tuple(weights[::-1]), tuple(gates[::-1]), tuple(forgets[::-1]), slope, _sum(gates), _sum(forgets)
        )

    def learned(self) -> dict[str, tuple[float, float, float]]:
        """What this reading learns -> its derivative with every dashed edge, as they are set, and with none."""
        found = (self.slopes(True), self.slopes(), self.slopes(False))
        letters = _letters(self.reading)
        return {
            letters[part]: (getattr(found[0], part), getattr(found[1], part), getattr(found[2], part))
            for part in READINGS[self.reading].learned
        }

    @property
    def moment(self) -> str:
        """What happens at the moment that is shown, with its numbers."""
        return moment(self)

    @property
    def summary(self) -> str:
        kept = sum(self.keep[: self.steps])
        edges = (
            "all dashed edges"
            if kept == self.steps
            else "no dashed edge"
            if not kept
            else f"{kept} of {self.steps} dashed edges"
        )
        reading = READINGS[self.reading]
        gates = f"{reading.gate} = {sig(self.rate, 3)}" + (
            f", f = {sig(self.forget, 3)}" if reading.forget == "f" else ""
        )
        text = f"{self.reading[0].upper()}{self.reading[1:]}: {self.steps} step{'' if self.steps == 1 else 's'}, {gates}, {edges}. Query loss {sig(self.loss)}."
        for name, (every, drawn, none) in self.learned().items():
            text += f" Its slope for {name}: {sig(drawn, 3)}; with every dashed edge {sig(every, 3)}, with none {sig(none, 3)}"
            text += ", which has the opposite sign." if every * none < 0 else "."
        return text if self.at is None else f"{text} {self.moment}"

    def draw(self, fig: Figure) -> None:
        """The chain with its values, and the slopes that came back, as the dashed edges are set."""
        ax = fig.subplots()
        reading, path, found = READINGS[self.reading], self.path(), self.slopes()
        colours = {part: style.cell(part)["color"] for part in "cfig"}
        red = style.color("warning")

        def arrow(a: tuple[float, float], b: tuple[float, float], **look: Any) -> None:
            ax.add_patch(
                FancyArrowPatch(a, b, arrowstyle="-|>", mutation_scale=14, shrinkA=0, shrinkB=0, **look)
            )

        def put(x: float, y: float, text: str, colour: str = "black", **look: Any) -> None:
            ax.text(x, y, text, color=colour, ha="center", va="center", **look)

        for k, (theta, slope) in enumerate(zip(path, found.weights, strict=True)):
            put(k, 1, f"${reading.weight.replace('θ', chr(92) + 'theta ')}_{k}$", colours["c"], fontsize=14,
                bbox=dict(boxstyle="circle,pad=0.3", facecolor="white", edgecolor=colours["c"]))  # fmt: skip
            put(k, 1.36, sig(theta, 3), fontsize=10)
            put(k, 1.58, f"slope {sig(slope, 3)}", fontsize=9, weight="bold")
            arrow((k + 0.17, 1), (k + (0.83 if k < self.steps else 0.8), 1), color=colours["c"], linewidth=2)
            if k == self.steps:
                break
            gradient = self.curvature * (theta - self.support)
            put(k + 0.5, 0.2, "−∇L", colours["g"], fontsize=12,
                bbox=dict(boxstyle="round,pad=0.3", facecolor="white", edgecolor=colours["g"]))  # fmt: skip
            put(k + 0.5, -0.08, sig(-gradient, 3), fontsize=10)
            put(k + 0.5, 1.12, reading.forget, colours["f"], fontsize=12)
            put(k + 0.86, 0.5, reading.gate, colours["i"], fontsize=12)
            put(k + 0.5, -0.52, "S", fontsize=11)
            arrow((k + 0.5, -0.43), (k + 0.5, -0.16), color="black", linewidth=1)
            kept = self.keep[k]
            arrow(
                (k + 0.1, 0.82),
                (k + 0.4, 0.34),
                color=red,
                linestyle="--",
                linewidth=2,
                alpha=1 if kept else 0.3,
            )
            if not kept:
                put(k + 0.25, 0.58, "×", red, fontsize=18)
            arrow((k + 0.6, 0.34), (k + 0.9, 0.82), color=colours["i"], linewidth=1.5)
        end = self.steps + 1
        put(
            end,
            1,
            "L",
            fontsize=14,
            bbox=dict(boxstyle="round,pad=0.4", facecolor="white", edgecolor="black"),
        )
        put(end, 1.36, sig(self.loss), fontsize=10)
        put(end, -0.52, "Q", fontsize=11)
        arrow((end, -0.43), (end, 0.8), color="black", linewidth=1)
        ax.set(xlim=(-0.4, end + 0.4), ylim=(-0.7, 1.8))
        ax.axis("off")
        (name, (every, drawn, none)), *_ = self.learned().items()
        ax.set_title(
            f"Slope for {name}: {sig(drawn, 3)} ({sig(every, 3)} with every dashed edge, {sig(none, 3)} with none)",
            fontsize=10,
        )


def moment(chain: UnrolledChain) -> str:
    """What happens at the moment that is shown, with its numbers. ``moment`` in view.js writes the same text."""
    last, steps = chain.last, chain.steps
    now = last if chain.at is None else min(chain.at, last)
    reading, path, found, h = READINGS[chain.reading], chain.path(), chain.slopes(), chain.curvature
    w, slopes = reading.weight, found.weights
    if now == 0:
        return f"It begins at {w}{_low(0)} = {sig(path[0], 3)}."
    if now <= 2 * steps:
        k = (now + 1) // 2
        gradient = h * (path[k - 1] - chain.support)
        if now % 2:
            return f"Forward: at {w}{_low(k - 1)} the support batch has the gradient {sig(gradient, 3)}."
        return f"Forward: {w}{_low(k)} = {sig(chain._f, 3)} · {_bracket(path[k - 1])} + {sig(chain.rate, 3)} · {_bracket(-gradient)} = {sig(path[k], 3)}."
    if now == 2 * steps + 1:
        return f"Forward: at {w}{_low(steps)} the query loss is {sig(chain.loss, 3)}."
    if now == 2 * steps + 2:
        return f"Back: the slope at {w}{_low(steps)} is {sig(slopes[steps], 3)}."
    k = last - now  # the weight that it arrives at
    text = f"Back to {w}{_low(k)}: {sig(slopes[k + 1], 3)} · {sig(chain._f, 3)} along the memory, "
    if chain.keep[k]:
        text += f"{sig(slopes[k + 1], 3)} · {_bracket(-chain.rate * h)} along the dashed edge"
    else:
        text += "nothing along the dashed edge, which is cut"
    text += f"; together {sig(slopes[k], 3)}."
    if "gate" in reading.learned:
        text += f" Step {k + 1} has the share {sig(found.gates[k], 3)} in the slope for {reading.gate}."
    return text


def _sum(numbers: list[float]) -> float:
    """Added from left to right: as JavaScript does, and not as ``sum`` of Python 3.12 does."""
    total = 0.0
    for number in numbers:
        total = total + number
    return total


def _letters(reading: str) -> dict[str, str]:
    weight, forget, gate = READINGS[reading][:3]
    return {"start": f"{weight}₀", "gate": gate, "forget": forget}


def _low(k: int) -> str:
    return "₀₁₂₃₄₅"[k]


def _bracket(x: float) -> str:
    """A factor: in brackets where it has a sign."""
    text = sig(x, 3)
    return f"({text})" if text.startswith("-") else text
