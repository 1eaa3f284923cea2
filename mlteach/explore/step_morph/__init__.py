"""StepMorph: the update rule of gradient descent turns into the memory line of an LSTM cell, term by term.

    theta_t = theta_(t-1) - alpha * grad L(theta_(t-1))        as everyone writes it
    theta_t = theta_(t-1) + alpha * (-grad L(theta_(t-1)))     the minus goes to the gradient
    theta_t = 1 * theta_(t-1) + alpha * (-grad L(theta_(t-1))) the 1 is written
    c_t     = f * c_(t-1) + i * c~_t                           four parts get new names

Beside it stands one real step on a small loss, computed by the first line and by the last. Taught in: lesson 03.
"""

from typing import NamedTuple

import traitlets as t
from matplotlib.figure import Figure

from mlteach.explore import style
from mlteach.explore.base import Explorer, sig

#: The lowest point of the loss L(theta) = (theta - LOW)^2 / 2.
LOW = 2.0


class Stop(NamedTuple):
    """A place where the line rests: its name, the line, what happened on the way to it, and the line in TeX."""

    name: str
    line: str
    said: str
    tex: str


STOPS = (
    Stop(
        "as everyone writes it", "θₜ = θₜ₋₁ − α ∇L(θₜ₋₁)", "One step against the gradient",
        r"$\theta_t \;=\; \theta_{t-1} \;-\; \alpha\,\nabla L(\theta_{t-1})$",
    ),
    Stop(
        "the minus moves", "θₜ = θₜ₋₁ + α (−∇L(θₜ₋₁))", "To take away is to add the negative: the minus goes to the gradient",
        r"$\theta_t \;=\; \theta_{t-1} \;+\; \alpha\,(-\nabla L(\theta_{t-1}))$",
    ),
    Stop(
        "the 1 is written", "θₜ = 1 · θₜ₋₁ + α · (−∇L(θₜ₋₁))", "The old weights are kept whole: a factor of 1 comes to light",
        r"$\theta_t \;=\; 1\cdot\theta_{t-1} \;+\; \alpha\cdot(-\nabla L(\theta_{t-1}))$",
    ),
    Stop(
        "new names", "cₜ = f · cₜ₋₁ + i · c̃ₜ", "Four parts get the names they have in an LSTM cell",
        r"$c_t \;=\; f\cdot c_{t-1} \;+\; i\cdot\tilde c_t$",
    ),
)  # fmt: skip

#: What each part of the cell is in gradient descent.
PARTS = {
    "memory": "the weights θ are the memory c",
    "forget gate": "the 1 is the forget gate f",
    "input gate": "the rate α is the input gate i",
    "candidate": "minus the gradient is the candidate c̃",
}


class Numbers(NamedTuple):
    """One step on L(theta) = (theta - 2)^2 / 2: what goes in, and the new weight as both lines compute it."""

    gradient: float
    candidate: float
    descent: float
    cell: float
    difference: float


def one_step(theta: float, rate: float) -> Numbers:
    """The step by the first line, ``theta - rate * gradient``, and by the last, ``f * c + i * candidate``."""
    gradient = theta - LOW
    forget, gate, candidate = 1.0, rate, -gradient
    descent, cell = theta - rate * gradient, forget * theta + gate * candidate
    return Numbers(gradient, candidate, descent, cell, abs(descent - cell))


class StepMorph(Explorer):
    """Play it, or pull the line from gradient descent to the LSTM cell and back.

        morph = StepMorph()
        morph.at = 3
        print(morph.summary)

    at: 0 to 3, where the whole numbers are the stops and what lies between is on the way. part: lights up one part in all
        lines: "memory", "forget gate", "input gate", "candidate", or "" for none. theta, rate: of the step in numbers.
        A value outside a trait's range raises ``TraitError``.
    """

    module = "step_morph"
    shows = ("at", "part", "theta", "rate")
    size = (8.0, 3.0)

    at = t.Float(0.0, min=0.0, max=3.0, help="from gradient descent to the cell").tag(sync=True)
    part = t.Enum(("", *PARTS), default_value="").tag(sync=True)
    theta = t.Float(0.3, min=-3.0, max=5.0, help="the weight before the step, θ").tag(sync=True)
    rate = t.Float(0.1, min=0.01, max=1.5, help="rate α, the input gate").tag(sync=True)

    def numbers(self) -> Numbers:
        """The step in numbers: float64, and ``difference`` is 0, not small."""
        return one_step(self.theta, self.rate)

    @property
    def summary(self) -> str:
        k, numbers = int(self.at), self.numbers()
        here = STOPS[k]
        if self.at == k:
            text = f"Stop {k} of 3, {here.name}: {here.line}. {here.said}."
        else:
            text = f"{sig(100 * (self.at - k))} % of the way from {here.line} to {STOPS[k + 1].line}."
        if self.part:
            text += f" Lit: {PARTS[self.part]}."
        return (
            f"{text} From θ = {sig(self.theta, 3)} with α = {sig(self.rate, 3)} both ways of writing give "
            f"{sig(numbers.cell, 4)}; difference {sig(numbers.difference)}."
        )

    def draw(self, fig: Figure) -> None:
        """The four lines under each other, the one where it stands in bold, and the step in numbers."""
        ax = fig.subplots()
        ax.set(xlim=(0, 1), ylim=(-1.0, 3.6))
        ax.axis("off")
        now = round(self.at)
        for k, stop in enumerate(STOPS):
            here = k == now
            ax.text(0.0, 3 - k, stop.name, va="center", color="black" if here else "#55595f", weight="bold" if here else None)  # fmt: skip
            ax.text(0.34, 3 - k, stop.tex, va="center", fontsize=17, color="black" if here else "#55595f")
        names = (("memory", "c"), ("forget gate", "f"), ("input gate", "i"), ("candidate", "g"))
        for column, (name, part) in enumerate(names):
            lit = name == self.part
            ax.text(
                0.25 * column, -0.85, name, color=style.cell(part)["color"], weight="bold" if lit else None
            )
        numbers = self.numbers()
        ax.set_title(
            f"From {sig(self.theta, 3)}, at rate {sig(self.rate, 3)}, both lead to {sig(numbers.cell, 4)}"
        )
