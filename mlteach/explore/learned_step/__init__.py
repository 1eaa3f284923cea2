"""LearnedStep: what a learned optimizer does with the gradients it has seen, beside SGD, momentum and Adam.

Paint the gradients of one weight, step by step. Each optimizer reads them and proposes a step; the curves beside show what
it would propose if the gradient at the step you look at were another. Taught in: lesson 04.
"""

import math
from typing import Any

import numpy as np
import traitlets as t
from matplotlib.figure import Figure

from mlteach.errors import DataError
from mlteach.explore import style
from mlteach.explore.base import Explorer, sig
from mlteach.params import Params

STEPS, WIDTH, P = 16, 20, 10.0
OPTIMIZERS = ("learned", "SGD", "momentum", "Adam")
MU, BETA1, BETA2, EPS = 0.9, 0.9, 0.999, 1e-8

_UP_DOWN = tuple(1.0 if k % 2 == 0 else -1.0 for k in range(STEPS))
#: The gradients of a scene as shares of ``unit``. The noise is a slope of 0.3 under numbers that average to nothing.
SCENES: dict[str, tuple[float, ...]] = {
    "the same again": (0.5,) * STEPS,
    "up and down": tuple(0.5 * sign for sign in _UP_DOWN),
    "getting smaller": tuple(round(0.7**k, 2) for k in range(STEPS)),
    "one large": tuple(1.0 if k == 4 else 0.05 for k in range(STEPS)),
    "turning back": tuple(0.5 if k < 8 else -0.5 for k in range(STEPS)),
    "noise on a slope": (0.7, -0.4, 0.9, 0.2, -0.3, 1.0, 0.1, 0.4, -0.6, 0.8, 0.5, -0.2, 0.9, -0.1, 0.6, 0.3),
}


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-z)))


class LearnedStep(Explorer):
    """Paint gradients, see the steps.

        step = LearnedStep(omega, raw=10.0)         omega of a CoordinatewiseLSTM with layers (20, 20) and all three features
        step = LearnedStep.recorded("digits")     the one that the course ships
        step.load("up and down")
        print(step.summary)

    rates: of SGD, momentum (0.9) and Adam. Raises ``ValueError`` for a omega of another shape, ``TraitError`` for a value out
    of range or a scene that does not exist.
    """

    module = "learned_step"
    shows = ("scene", "unit", "step")

    gradients = t.Tuple(*[t.Float(min=-1, max=1)] * STEPS, help="as shares of unit").tag(sync=True)
    unit = t.Float(0.01, min=1e-5, max=1.0, help="what a full bar means").tag(sync=True)
    step = t.Int(STEPS, min=1, max=STEPS, help="the step looked at").tag(sync=True)
    weights = t.Bytes(help="omega, little-endian float32, in the order of the names").tag(sync=True)
    raw = t.Float(help="what the raw gradient is multiplied by").tag(sync=True)
    scale = t.Float(0.1, help="of the output").tag(sync=True)
    rates = t.Tuple(t.Float(), t.Float(), t.Float(), default_value=(3.0, 1.0, 0.1)).tag(sync=True)

    def __init__(self, omega: Params, raw: float, scene: str = "the same again", **traits: Any) -> None:
        self._omega = _checked(omega)
        content = b"".join(value.astype("<f4").tobytes() for value in self._omega.values())
        super().__init__(weights=content, raw=raw, gradients=_scene(scene), **traits)

    @classmethod
    def recorded(cls, family: str = "digits", seed: int = 1, **traits: Any) -> "LearnedStep":
        """The optimizer learned on "digits" or "quadratics", and the rivals' rates as tuned. Raises DataError."""
        from mlteach.checkpoint import load_checkpoint
        from mlteach.measure.ledger import data_folder, recorded

        kept = load_checkpoint(data_folder() / "checkpoints" / f"04-{family}.safetensors")
        prefix = f"theta.seed{seed}."
        omega = {n.removeprefix(prefix): v for n, v in kept.tensors.items() if n.startswith(prefix)}
        if not omega:
            raise DataError(f"No seed {seed} is kept; there are {kept.about['seeds']}.")
        figures = recorded("04", family)
        rates = tuple(figures[f"as trained.100.{name}"]["rate"] for name in OPTIMIZERS[1:])
        lstm = kept.about["recipe"]["lstm"]
        return cls(omega, lstm["raw"], **{"rates": rates, "scale": lstm["scale"]} | traits)

    def load(self, scene: str) -> None:
        """Begin with the gradients of a scene."""
        self.gradients = _scene(scene)

    @property
    def scene(self) -> str:
        """The scene whose gradients these are; "your own" once one differs."""
        return next((name for name, values in SCENES.items() if values == self.gradients), "your own")

    def _lstm(self, g: np.ndarray, memory: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
        """One step of the LSTM for many gradients [n]: the updates [n] and the memories (h1, c1, h2, c2), [n, 20] each."""
        size = np.log(np.maximum(np.abs(g), math.exp(-P))) / P
        x = np.stack([size, np.clip(math.exp(P) * g, -1, 1), self.raw * g], 1)
        after = []
        for k in (0, 1):
            h, c = memory[2 * k : 2 * k + 2]
            z = x @ self._omega[f"layer{k + 1}.input"].T + h @ self._omega[f"layer{k + 1}.hidden"].T
            i, f, candidate, o = np.split(z + self._omega[f"layer{k + 1}.bias"], 4, axis=1)
            c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(candidate)
            x = _sigmoid(o) * np.tanh(c)
            after += [x, c]
        return self.scale * (x @ self._omega["output.weight"] + self._omega["output.bias"]), after

    def updates(self, gradients: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """What each optimizer adds to the weight at each step: [STEPS] by name; for gradients [STEPS, n], [STEPS, n]."""
        seen = self.unit * np.array(self.gradients) if gradients is None else gradients
        many = seen[:, None] if seen.ndim == 1 else seen
        n = many.shape[1]
        memory = [np.zeros((n, WIDTH)) for _ in range(4)]
        velocity = m = v = np.zeros(n)
        rows: dict[str, list[np.ndarray]] = {name: [] for name in OPTIMIZERS}
        descent, gathered, adam = self.rates
        for k, g in enumerate(many, start=1):
            learned, memory = self._lstm(g, memory)
            velocity = MU * velocity + g
            m, v = BETA1 * m + (1 - BETA1) * g, BETA2 * v + (1 - BETA2) * g * g
            step = -adam * (m / (1 - BETA1**k)) / (np.sqrt(v / (1 - BETA2**k)) + EPS)
            for name, update in zip(
                OPTIMIZERS, (learned, -descent * g, -gathered * velocity, step), strict=True
            ):
                rows[name].append(update)
        return {name: np.stack(row).reshape(seen.shape) for name, row in rows.items()}

    def responses(self, shares: np.ndarray) -> dict[str, np.ndarray]:
        """What each would add at the step looked at, if the gradient there were ``unit`` times each of ``shares``."""
        many = np.repeat(self.unit * np.array(self.gradients)[:, None], len(shares), axis=1)
        many[self.step - 1] = self.unit * shares
        return {name: rows[self.step - 1] for name, rows in self.updates(many).items()}

    @property
    def summary(self) -> str:
        rows, k = self.updates(), self.step - 1
        said = ", ".join(f"{name} {sig(rows[name][k])}" for name in OPTIMIZERS[1:])
        total = ", ".join(f"{name} {sig(_total(rows[name]))}" for name in OPTIMIZERS)
        return (
            f"Step {self.step}: the gradient is {sig(self.unit * self.gradients[k])}. The learned optimizer adds "
            f"{sig(rows['learned'][k])} to the weight; {said}. All {STEPS} steps together: {total}."
        )

    def draw(self, fig: Figure) -> None:
        """The gradients, the steps, and the step as a function of the gradient."""
        grid = fig.add_gridspec(2, 2, width_ratios=(1.5, 1), height_ratios=(1, 2))
        top, low, side = (
            fig.add_subplot(grid[0, 0]),
            fig.add_subplot(grid[1, 0]),
            fig.add_subplot(grid[:, 1]),
        )
        steps = range(1, STEPS + 1)
        top.bar(steps, self.unit * np.array(self.gradients), color="#55595f")
        top.set(title="The gradients of one weight", xticks=[], ylim=(-self.unit, self.unit))
        shares = np.linspace(-1, 1, 41)
        answers = self.responses(shares)
        for name, row in self.updates().items():
            look = dict(LOOKS[name])
            (line,) = low.plot(steps, row, **look)
            style.label_line(low, line, name, fontsize=9)
            side.plot(self.unit * shares, answers[name], **look)
        low.set(title="What each adds to the weight", xlabel="step", xlim=(0.5, STEPS + 0.5))
        side.plot(self.unit * self.gradients[self.step - 1], self.updates()["learned"][self.step - 1], "ko")
        side.set(title=f"at step {self.step}", xlabel="if the gradient were")
        for ax in (top, low, side):
            ax.axhline(0, color="black", linewidth=0.6)
            ax.ticklabel_format(axis="both", scilimits=(-3, 3), useMathText=True)


LOOKS: dict[str, dict[str, Any]] = {
    "learned": style.method("lstm"),
    "SGD": style.method("baseline"),
    "momentum": style.method("baseline") | {"linestyle": ":"},
    "Adam": style.method("baseline") | {"linestyle": "-."},
}


def _total(updates: np.ndarray) -> float:
    """The sum; exactly zero where steps up and down cancel to rounding, so that every machine says the same."""
    total, way = float(updates.sum()), float(np.abs(updates).sum())
    return total if abs(total) > 1e-9 * way else 0.0


def _scene(name: str) -> tuple[float, ...]:
    if name not in SCENES:
        raise t.TraitError(f"There is no scene {name!r}. Choose one of: {', '.join(SCENES)}.")
    return SCENES[name]


def _checked(omega: Params) -> dict[str, np.ndarray]:
    """omega in float64 numbers that float32 holds, or ValueError."""
    shapes = {
        "layer1.input": (4 * WIDTH, 3),
        "layer1.hidden": (4 * WIDTH, WIDTH),
        "layer1.bias": (4 * WIDTH,),
    }
    shapes |= {"layer2.input": (4 * WIDTH, WIDTH), "layer2.hidden": (4 * WIDTH, WIDTH)}
    shapes |= {"layer2.bias": (4 * WIDTH,), "output.weight": (WIDTH,), "output.bias": ()}
    found = {name: tuple(value.shape) for name, value in omega.items()}
    if found != shapes:
        raise ValueError(
            "LearnedStep shows a CoordinatewiseLSTM with layers (20, 20) that sees p = 10 and the raw gradient; "
            "this omega is of another one."
        )
    return {name: omega[name].detach().float().double().numpy() for name in shapes}
