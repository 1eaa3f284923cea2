"""AttentionStep: layers of linear attention and steps of gradient descent on the same six points, computed each in its own way.

    the layers carry what is left of every answer:   r_j <- r_j - rate * mean_i r_i (x_i x_j),  and at the question likewise
    descent carries one weight:                      w <- w - rate * mean_j (w x_j - y_j) x_j,  and asks w x

They say the same. A slider makes all inputs and answers larger, with the same relation between them: then both overshoot, and
ridge regression does not. Taught in: lesson 20.
"""

from typing import NamedTuple

import numpy as np
import traitlets as t
from matplotlib.figure import Figure

from mlteach.explore import style
from mlteach.explore.base import Explorer, sig

POINTS = ((-1.9, -2.2), (-1.1, -0.9), (-0.4, -1.1), (0.4, 0.9), (1.0, 0.7), (1.7, 2.3))
REACH = (2.0, 2.4)  # how far a hand can pull a point
DAMPING = 0.25  # of ridge regression, as the noise of the lesson's tasks
SLOPES = (-2.0, 4.5)  # of the picture of the loss


class Said(NamedTuple):
    """What each says at the question, the weights after 0, 1, ... steps, and the curvature of the loss."""

    layers: float
    steps: float
    ridge: float
    weights: list[float]
    curvature: float


def by_attention(x: list[float], y: list[float], question: float, rate: float, layers: int) -> float:
    """The prediction of so many layers, which never form a weight."""
    left, slot = list(y), 0.0
    for _ in range(layers):
        say = sum(r * at for r, at in zip(left, x, strict=True)) / len(x)
        left, slot = (
            [r - rate * say * at for r, at in zip(left, x, strict=True)],
            slot - rate * say * question,
        )
    return -slot


def by_descent(x: list[float], y: list[float], rate: float, steps: int) -> list[float]:
    """The weights after 0, 1, ... steps on 1/2 mean (w x - y)^2."""
    weights = [0.0]
    for _ in range(steps):
        slope = sum((weights[-1] * at - is_) * at for at, is_ in zip(x, y, strict=True)) / len(x)
        weights.append(weights[-1] - rate * slope)
    return weights


class AttentionStep(Explorer):
    """Drag a point or the question; the layers and the steps answer, each in its own way.

        step = AttentionStep(layers=3)
        step.scale = 1.8
        print(step.summary)

    points: six pairs [x, y]. question: where both are asked. layers: of attention, and steps of descent. rate: of both. scale: all
        inputs and answers times this. A value outside a trait's range raises ``TraitError``.
    """

    module = "attention_step"
    shows = ("points", "question", "layers", "rate", "scale")
    size = (9.0, 4.0)

    points = t.List(
        t.List(t.Float(), minlen=2, maxlen=2), default_value=[list(p) for p in POINTS], minlen=6, maxlen=6
    ).tag(sync=True)
    question = t.Float(1.5, min=-2.0, max=2.0, help="the question x").tag(sync=True)
    layers = t.Int(1, min=0, max=8, help="layers, and steps").tag(sync=True)
    rate = t.Float(0.5, min=0.0, max=1.5, help="rate α").tag(sync=True)
    scale = t.Float(1.0, min=0.5, max=1.8, help="inputs times").tag(sync=True)

    @t.validate("points")
    def _inside(self, proposal: t.Bunch) -> list[list[float]]:
        value: list[list[float]] = proposal["value"]
        for x, y in value:
            if not (abs(x) <= REACH[0] and abs(y) <= REACH[1]):
                raise t.TraitError(
                    f"A point lies within {REACH[0]:g} across and {REACH[1]:g} up, and ({x:g}, {y:g}) came."
                )
        return value

    def said(self) -> Said:
        """All that is drawn, in float64."""
        x, y = ([self.scale * point[k] for point in self.points] for k in (0, 1))
        at = self.scale * self.question
        weights = by_descent(x, y, self.rate, self.layers)
        squares = sum(each * each for each in x)
        ridge = sum(a * b for a, b in zip(x, y, strict=True)) / (squares + DAMPING)
        return Said(
            by_attention(x, y, at, self.rate, self.layers),
            weights[-1] * at,
            ridge * at,
            weights,
            squares / len(x),
        )

    @property
    def summary(self) -> str:
        said = self.said()
        far = abs(said.layers - said.steps) / max(1.0, abs(said.steps))
        layers, steps = (
            f"{self.layers} {word}{'' if self.layers == 1 else 's'}" for word in ("layer", "step")
        )
        text = (
            f"At x = {sig(self.scale * self.question, 3)}, {layers} of attention say{'s' if self.layers == 1 else ''} {sig(said.layers, 4)}, {steps} of gradient descent {sig(said.steps, 4)}: "
            f"{'equal to rounding' if far < 1e-9 else 'not equal'}. Ridge regression says {sig(said.ridge, 4)}. Rate times curvature is "
            f"{sig(self.rate * said.curvature, 3)}"
        )
        beyond = self.rate * said.curvature
        return text + (
            ", above 2: every step leads further away."
            if beyond > 2
            else ", above 1: steps overshoot."
            if beyond > 1
            else "."
        )

    def draw(self, fig: Figure) -> None:
        """The points with both lines, and the loss with the steps."""
        left, right = fig.subplots(1, 2)
        said = self.said()
        x, y = (np.array([self.scale * point[k] for point in self.points]) for k in (0, 1))
        ends, at = np.array([-3.8, 3.8]), self.scale * self.question
        left.plot(
            ends, said.ridge / at * ends if at else 0 * ends, **style.method("truth") | {"linestyle": ":"}
        )
        left.plot(ends, said.weights[-1] * ends, **style.method("metric") | {"marker": ""})
        for a, b in zip(x, y, strict=True):
            left.plot([at, a], [0, b], color=style.CELL["c"][1], linewidth=0.3 + 0.5 * abs(a * at), alpha=0.5)
        left.plot(x, y, "o", color="black")
        left.plot(at, said.layers, "D", color=style.color("metric"), markersize=9)
        left.set(
            xlim=(-3.8, 3.8), ylim=(-4.5, 4.5), xlabel="x", title="Points, and what is said at the question"
        )
        slopes = np.linspace(*SLOPES, 100)

        def loss(w: np.ndarray) -> np.ndarray:
            return np.square(np.multiply.outer(w, x) - y).mean(-1) / 2

        weights = np.array([w for w in said.weights if SLOPES[0] <= w <= SLOPES[1]])
        right.plot(slopes, loss(slopes), **style.method("truth"))
        right.plot(weights, loss(weights), "o-", color=style.color("baseline"))
        right.set(
            xlim=SLOPES,
            ylim=(0, 2 * float(loss(np.zeros(1))[0]) + 0.01),
            xlabel="weight w",
            title="The loss, and the steps",
        )
