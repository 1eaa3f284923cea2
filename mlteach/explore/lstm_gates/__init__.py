"""LstmGates: a short sequence through one LSTM cell with one unit; shape its gates and see what it carries.

At every step t = 1 ... 24 the cell gets a value x_t and a mark m_t (1: "write here", -1: "read here"):

    c_t = f_t * c_(t-1) + i_t * g_t        h_t = o_t * tanh(c_t)

Set by hand, the gates f, i, o are whatever you draw, and the candidate is the value itself, g_t = x_t. Computed, they are
those of ``torch.nn.LSTMCell(2, 1)``: sigmoid(w x_t + v m_t + u h_(t-1) + b), and a tanh of the same for the candidate.
Beside it runs a plain RNN on the same values, h_t = tanh(x_t + u h_(t-1)).

Source: Hochreiter and Schmidhuber 1997; forget gates: Gers, Schmidhuber and Cummins 2000. Taught in: lesson 02.
"""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import traitlets as t
from matplotlib.figure import Figure

from mlteach.explore import style
from mlteach.explore.base import Explorer, sig

STEPS = 24
#: How far c at the end may be from the value to carry, for one and two stars; and for the third how loud h may be before.
NEAR, QUIET = (0.2, 0.05), 0.05
#: Gate by gate in the order of torch, then (w, v, u, b): for the value, the mark, the last h, and the bias.
GATES, PARTS = "ifgo", "wvub"
#: A cell nobody has trained: its gates look at nothing and stand half open.
UNTRAINED = (0.0, 0.0, 0.0, 0.0) * 2 + (1.4, 0.0, 0.0, 0.0) + (0.0, 0.0, 0.0, 0.0)

_AT = {3: 0.8}
_PULSES = dict.fromkeys((3, 6, 10, 14, 17, 21), 1.0)
_NOISE = (0.5, -0.3, 0.8, 0.4, -0.6, 0.3, 0.6, -0.2, 0.5, 0.6, -0.4, 0.2,
          -0.7, 0.6, 0.3, -0.5, 0.4, 0.7, -0.3, -0.6, 0.5, 0.2, -0.4, 0.6)  # fmt: skip


def _row(values: dict[int, float], rest: float = 0.0) -> tuple[float, ...]:
    """One number a step: those named (steps count from 1), and ``rest`` everywhere else."""
    return tuple(float(values.get(step, rest)) for step in range(1, STEPS + 1))


_OPEN = dict(forget=_row({}, 1), input=_row({}, 1), output=_row({}, 1), computed=False)
#: What to begin with: the sequence and the gates.
SCENES: dict[str, dict[str, Any]] = {
    "remember": dict(_OPEN, values=_row(_AT), marks=_row({3: 1, 24: -1})),
    "leak": dict(_OPEN, values=_row(_AT), marks=_row({3: 1, 24: -1}), forget=_row({}, 0.9)),
    "count": dict(_OPEN, values=_row(_PULSES), marks=_row({})),
    "start again": dict(_OPEN, values=_row(_PULSES), marks=_row({10: 1, 17: 1}), forget=_row({10: 0, 17: 0}, 1)),
    "distractors": dict(_OPEN, values=_NOISE, marks=_row({3: 1, 24: -1})),
}  # fmt: skip
_TASK = SCENES["distractors"]


class Trace(NamedTuple):
    """What happens at every step, float64 [24] each; ``left`` and ``rnn_left`` are d c_24 / d c_t and d h_24 / d h_t.

    ``left`` is the product of the forget gates after step t: the derivative along the memory line alone. ``part`` is
    what step t wrote, times what is left of it; these parts add up to c_24.
    """

    f: np.ndarray
    i: np.ndarray
    g: np.ndarray
    o: np.ndarray
    c: np.ndarray
    h: np.ndarray
    rnn: np.ndarray
    left: np.ndarray
    rnn_left: np.ndarray
    part: np.ndarray


def sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


class PerStep(t.TraitType[tuple[float, ...], Any]):
    """24 numbers between ``low`` and ``high``, one a step. One number alone stands for all steps."""

    def __init__(self, low: float, high: float, default: float, **kwargs: Any) -> None:
        self.low, self.high = low, high
        super().__init__((default,) * STEPS, **kwargs)

    def validate(self, obj: Any, value: Any) -> tuple[float, ...]:
        """``value`` as a tuple; raises ``TraitError`` that says what is asked for."""
        try:
            row = (float(value),) * STEPS if isinstance(value, Real) else tuple(float(v) for v in value)
        except (TypeError, ValueError):
            row = ()
        if len(row) != STEPS or not all(self.low <= v <= self.high for v in row):
            raise t.TraitError(
                f"{self.name} is one number from {self.low:g} to {self.high:g} for all steps, or a list of {STEPS}, "
                f"one for each step."
            )
        return row


class LstmGates(Explorer):
    """Shape the gates of one LSTM cell over 24 steps.

        cell = LstmGates("leak")
        cell.forget = 0.95                                             # all steps at once
        cell.input = [float(step == 3) for step in range(1, 25)]       # or step by step
        print(cell.summary)

    ``scene``: one of ``SCENES``, what to begin with. A value outside a trait's range raises ``TraitError``.
    """

    module = "lstm_gates"
    shows = ("scene", "computed", "recurrent", "step")
    size = (7.0, 6.0)

    values = PerStep(-1, 1, 0.0, help="x_t").tag(sync=True)
    marks = PerStep(-1, 1, 0.0, help="m_t: 1 write, -1 read").tag(sync=True)
    forget = PerStep(0, 1, 1.0, help="f_t, where the gates are set by hand").tag(sync=True)
    input = PerStep(0, 1, 1.0, help="i_t").tag(sync=True)
    output = PerStep(0, 1, 1.0, help="o_t").tag(sync=True)
    computed = t.Bool(False, help="the gates are computed from x, m and h by the weights").tag(sync=True)
    weights = t.Tuple(
        *[t.Float(min=-40, max=40)] * 16,
        default_value=UNTRAINED,
        help="for each of the gates i, f, g, o: w of x, v of m, u of h, and the bias b",
    ).tag(sync=True)
    recurrent = t.Float(1.0, min=0.0, max=3.0, help="u of the plain RNN").tag(sync=True)
    step = t.Int(3, min=1, max=STEPS, help="the step looked at").tag(sync=True)

    def __init__(self, scene: str = "remember", **traits: Any) -> None:
        super().__init__(**_scene(scene) | traits)

    def load(self, scene: str) -> None:
        """Begin again with a scene: its sequence, and its gates set by hand."""
        with self.hold_trait_notifications():
            for name, value in _scene(scene).items():
                setattr(self, name, value)

    @property
    def scene(self) -> str:
        """The scene whose sequence and gates these are; "your own" once something differs."""
        same = (
            name for name, scene in SCENES.items() if all(getattr(self, k) == v for k, v in scene.items())
        )
        return next(same, "your own")

    @staticmethod
    def weights_of(cell: Any) -> tuple[float, ...]:
        """The 16 ``weights`` of a ``torch.nn.LSTMCell(2, 1)``: its two bias vectors are added, as the cell does.

        Raises ``ValueError`` for a cell of another size.
        """
        if tuple(cell.weight_ih.shape) != (4, 2):
            raise ValueError("LstmGates shows a cell with two inputs and one unit: torch.nn.LSTMCell(2, 1).")
        bias = (cell.bias_ih + cell.bias_hh).tolist() if cell.bias else [0.0] * 4
        rows = zip(cell.weight_ih.tolist(), cell.weight_hh.tolist(), bias, strict=True)
        return tuple(number for (w, v), (u,), b in rows for number in (w, v, u, b))

    def trace(self) -> Trace:
        """All that happens on the way."""
        return self._trace(self.values)

    def _trace(self, values: Sequence[float]) -> Trace:
        rows: dict[str, list[float]] = {name: [] for name in Trace._fields}
        c = h = rnn = 0.0
        by_hand = zip(self.input, self.forget, values, self.output, strict=True)
        for x, m, (i, f, g, o) in zip(values, self.marks, by_hand, strict=True):
            if self.computed:
                w = self.weights
                i, f, g, o = (w[k] * x + w[k + 1] * m + w[k + 2] * h + w[k + 3] for k in (0, 4, 8, 12))
                i, f, g, o = sigmoid(i), sigmoid(f), math.tanh(g), sigmoid(o)
            c = f * c + i * g
            h = o * math.tanh(c)
            rnn = math.tanh(x + self.recurrent * rnn)
            for name, number in zip(
                ("f", "i", "g", "o", "c", "h", "rnn"), (f, i, g, o, c, h, rnn), strict=True
            ):
                rows[name].append(number)
        left = rnn_left = 1.0
        for k in reversed(range(STEPS)):
            rows["left"].insert(0, left)
            rows["rnn_left"].insert(0, rnn_left)
            rows["part"].insert(0, left * (rows["i"][k] * rows["g"][k]))
            left *= rows["f"][k]
            rnn_left *= self.recurrent * (1 - rows["rnn"][k] * rows["rnn"][k])
        return Trace(**{name: np.array(row) for name, row in rows.items()})

    @property
    def error(self) -> float | None:
        """How far c at the last step is from the value that stood at the mark; None outside the task's sequence.

        Counted for the sequence as it is and once more with the marked value turned round, and the worse of the two:
        distractors that happen to add up to the value would be luck.
        """
        return self._judged()[0] if self._on_task else None

    @property
    def stars(self) -> int:
        """0 to 3 stars for the task; the third asks for an h that is silent until the last step and then speaks."""
        if not self._on_task:
            return 0
        error, noise = self._judged()
        near = sum(error <= limit for limit in NEAR)
        return near + (near == 2 and noise <= QUIET)

    @property
    def _on_task(self) -> bool:
        return (self.values, self.marks) == (_TASK["values"], _TASK["marks"])

    def _judged(self) -> tuple[float, float]:
        """(error of c at the end, how far h is from silence before the end and from tanh of the value at it)."""
        error = noise = 0.0
        for sign in (1, -1):
            value = sign * self.values[2]
            trace = self._trace((*self.values[:2], value, *self.values[3:]))
            error = max(error, abs(float(trace.c[-1]) - value))
            noise = max(noise, abs(float(trace.h[-1]) - math.tanh(value)), float(np.abs(trace.h[:-1]).max()))
        return error, noise

    @property
    def summary(self) -> str:
        now, k = self.trace(), self.step - 1
        gates = ", ".join(f"{name} = {sig(getattr(now, name)[k])}" for name in "fio")
        text = f"Step {self.step}: {gates}; c = {sig(now.c[k])}, h = {sig(now.h[k])}."
        if self.step < STEPS:
            text += (
                f" A nudge to c here reaches step {STEPS} with {sig(100 * now.left[k])} % of its size"
                f" (in the RNN {sig(100 * now.rnn_left[k])} %); {_half_life(now.f[k + 1 :])}."
            )
        text += (
            f" At the end c = {sig(now.c[-1])}, h = {sig(now.h[-1])}, and in the RNN h = {sig(now.rnn[-1])}."
        )
        if self.error is not None:
            text += (
                f" The marked value was {sig(self.values[2])}; with it or its opposite c ends up to"
                f" {sig(self.error)} away. {'★' * self.stars}"
            )
        return text.rstrip()

    def draw(self, fig: Figure) -> None:
        """The sequence, the three gates, what is carried, and what is left of each step at the end."""
        now, steps = self.trace(), np.arange(1, STEPS + 1)
        top = fig.subplots(6, 1, sharex=True, height_ratios=(1.2, 0.7, 0.7, 0.7, 2.2, 1.6))
        memory, forget, grey = style.cell("c"), style.cell("f"), style.method("baseline")
        top[0].bar(steps, self.values, color="#55595f", width=0.8)
        top[0].axhline(0, color="black", linewidth=0.6)
        for step, mark in zip(steps, self.marks, strict=True):
            if mark:
                word = "write ▼" if mark > 0 else "read ▲"
                top[0].annotate(word, (step, 1.2), fontsize=9, ha="center", annotation_clip=False)
        top[0].set(ylim=(-1.1, 1.1), ylabel="x")
        for ax, name in zip(top[1:4], "fio", strict=True):
            hue = "#55595f" if name == "o" else style.cell(name)["color"]
            ax.bar(steps, getattr(now, name), color=hue, width=0.8)
            ax.set(ylim=(0, 1.05), yticks=(0, 1), ylabel=name)
        (c,) = top[4].plot(steps, now.c, **memory)
        (h,) = top[4].plot(steps, now.h, color="black", linestyle=":", linewidth=2)
        (rnn,) = top[4].plot(steps, now.rnn, **grey)
        for line, word in ((c, "c"), (h, "h"), (rnn, "RNN")):
            style.label_line(top[4], line, word, fontsize=9)
        top[4].axhline(0, color="black", linewidth=0.6)
        top[4].set_ylabel("carried")
        top[5].bar(steps, now.part, color=memory["color"], alpha=0.45, width=0.8)
        (left,) = top[5].plot(steps, now.left, **forget)
        top[5].plot(steps, np.minimum(now.rnn_left, 2), **grey)
        style.label_line(top[5], left, "left", fontsize=9)
        words = "bars: each step's part of the last c; line: what is left of a nudge to c"
        top[5].set_title(words, loc="left", fontsize=9, weight="normal")
        top[5].set(xlabel="step", ylabel="left", xticks=(1, 6, 12, 18, 24), xlim=(0, STEPS + 1))
        for ax in top:
            ax.yaxis.label.set(rotation=0, ha="right", va="center")


def _scene(name: str) -> dict[str, Any]:
    if name not in SCENES:
        raise t.TraitError(f"There is no scene {name!r}. Choose one of: {', '.join(SCENES)}.")
    return SCENES[name]


def _half_life(forget: np.ndarray) -> str:
    """When half of what the memory holds is gone, under the forget gates that follow."""
    left = 1.0
    for steps, f in enumerate(forget, 1):
        left *= f
        if left <= 0.5:
            return f"half of it is gone after {steps} step{'s' if steps > 1 else ''}"
    return "more than half of it is still there at the end"
