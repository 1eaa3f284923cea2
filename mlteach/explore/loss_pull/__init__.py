"""LossPull: how hard does one support point pull, under three inner losses? Drag its label away and see who follows.

Three networks adapt to the same ten points in two steps: by the squared error, by a robust loss with one learned width, and by
MeTAL's learned loss, which a task's state turns (FiLM). Each has its own start and its own learned rates. Beside the curves stands
the pull: how far a point moves the network's own answer at its place in the first step, against how far its label is away,

    moved = -k pull(r) / 10,   pull = derivative of the inner loss by the answer,   k = sum over tensors of rate * |d answer / d tensor|^2

to first order, with the task's state held as it is. Taught in: lesson 15.
"""

from typing import Any

import numpy as np
import torch
import traitlets as t
from matplotlib.figure import Figure

from mlteach.checkpoint import load_checkpoint
from mlteach.explore import style
from mlteach.explore.base import Explorer, sig
from mlteach.inner import adapt
from mlteach.inner.learned_loss import (
    TENSORS,
    LearnedLoss,
    PlainLoss,
    RobustLoss,
    plain,
    pseudo_huber,
    read_residual,
    said_of,
    state_of,
    turned,
)
from mlteach.inner.objective import objectives
from mlteach.measure.ledger import data_folder
from mlteach.nets import MLP, squared_error
from mlteach.params import Params, gradient_of, leaves
from mlteach.tasks.episode import Seen

XS = (-4.6, -3.7, -2.9, -1.8, -0.9, 0.2, 1.1, 2.3, 3.4, 4.5)
STEPS, HIDDEN, WIDE, FAR = 2, 16, 40, 10.0
#: Name -> how it is told, and the hue of its lines.
LOSSES = {"mse": ("squared error", "baseline"), "robust": ("robust", "reptile"), "metal": ("MeTAL", "maml")}
KINDS: dict[str, PlainLoss] = {
    "mse": PlainLoss(),
    "robust": RobustLoss(),
    "metal": LearnedLoss(steps=STEPS, hidden=HIDDEN),
}
SCENES: dict[str, tuple[float, ...]] = {
    "one wild label": (0, 0, 0, 0, 0, 0, 0, -7.0, 0, 0),
    "two wild labels": (0, 6.0, 0, 0, 0, 0, 0, -7.0, 0, 0),
    "all true": (0,) * 10,
}
GRID = np.linspace(-5, 5, 41)  # where the error is taken and curves are drawn
AWAY = np.linspace(-FAR, FAR, 41)  # label minus answer, of the curves of the pull


class LossPull(Explorer):
    """Drag a support point's label and watch three losses.

        pull = LossPull.recorded()
        pull.off = [0, 0, 0, 0, 0, 0, 0, -9, 0, 0]
        print(pull.summary)

    arms: "mse", "robust" and "metal", each all that it learned (`mlteach.inner.learned_loss`), for MLP 1-40-40-1.
    off: how far each label is from the truth, -10 to 10. at: the point that is looked at, 0 to 9. told: how many times the real
        support loss FiLM is told, for the pull alone. A value outside a trait's range raises ``TraitError``.
    """

    module = "loss_pull"
    shows = ("off", "at", "steps", "told")
    size = (10.0, 3.8)

    amplitude = t.Float(3.0, min=0.1, max=5.0).tag(sync=True)
    phase = t.Float(1.0, min=0.0, max=3.14, help="radians").tag(sync=True)
    off = t.List(t.Float(min=-FAR, max=FAR), minlen=10, maxlen=10, help="label minus truth").tag(sync=True)
    at = t.Int(7, min=0, max=9, help="the point looked at").tag(sync=True)
    steps = t.Int(STEPS, min=0, max=STEPS, help="inner steps made").tag(sync=True)
    told = t.Float(1.0, min=0.1, max=10.0, help="times the support loss, as FiLM is told it").tag(sync=True)
    shapes: t.List = t.List(help="[arm, name, shape], in the order of weights").tag(sync=True)
    weights = t.Bytes(help="all that the arms learned, float32").tag(sync=True)

    def __init__(self, arms: dict[str, Params], **traits: Any) -> None:
        self._arms = {name: {n: v.detach().float() for n, v in arms[name].items()} for name in LOSSES}
        parts = [(arm, n, v) for arm, own in self._arms.items() for n, v in own.items()]
        super().__init__(
            shapes=[[arm, n, list(v.shape)] for arm, n, v in parts],
            weights=b"".join(v.numpy().astype("<f4").tobytes() for _, _, v in parts),
            **{"off": list(SCENES["one wild label"])} | traits,
        )

    @classmethod
    def recorded(cls, **traits: Any) -> "LossPull":
        """Seed 0 of ``studies.lesson15_losses outliers``. Raises CheckpointError when it is not there."""
        stored = load_checkpoint(data_folder() / "checkpoints" / "15-losses.safetensors").tensors
        arms = {
            arm: {n.removeprefix(f"{arm}."): v for n, v in stored.items() if n.startswith(f"{arm}.")}
            for arm in LOSSES
        }
        return cls(arms, **traits)

    def load(self, scene: str) -> None:
        """A scene's labels. Raises ValueError for one that is not there."""
        if scene not in SCENES:
            raise ValueError(f"There is no scene {scene!r}; choose one of {', '.join(SCENES)}.")
        self.off = [float(each) for each in SCENES[scene]]

    def truth(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.amplitude * np.sin(x - self.phase))

    def _points(self) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.tensor(XS, dtype=torch.float64)[:, None]
        return x, torch.from_numpy(self.truth(x.numpy())) + torch.tensor(self.off, dtype=torch.float64)[
            :, None
        ]

    def _theta(self, arm: str) -> Params:
        return {n: v.double() for n, v in self._arms[arm].items()}

    def curve(self, arm: str) -> np.ndarray:
        """The network's answers on ``GRID`` after ``steps`` steps: [41]."""
        theta, kind, (x, y), net = self._theta(arm), KINDS[arm], self._points(), MLP()
        rule = kind.rule(theta)
        with torch.no_grad():
            descent = objectives(net, squared_error, Seen(x, y, x), rule, self.steps, None)
            phi = adapt(descent, kind.start(theta), rule, self.steps)
            return np.asarray(net(phi, torch.from_numpy(GRID)[:, None]).squeeze(-1).numpy())

    def error(self, arm: str) -> float:
        """The mean squared error on the truth."""
        return float(np.square(self.curve(arm) - self.truth(GRID)).mean())

    def moved(self, arm: str, away: np.ndarray | None = None) -> np.ndarray:
        """How far point ``at`` moves the answer at its place in the first step, were its label so far ``away``: [n]."""
        theta, kind, (x, y), net = self._theta(arm), KINDS[arm], self._points(), MLP()
        start = leaves(kind.start(theta))
        each = gradient_of(net(start, x[self.at : self.at + 1]).sum(), start)
        k = sum(theta[f"rate.{n}"] * g.square().sum() for n, g in each.items())
        far = torch.from_numpy(AWAY if away is None else np.asarray(away, dtype=np.float64))[:, None]
        with torch.no_grad():
            answers = net(start, x)
        here = answers[self.at].expand_as(far).clone().requires_grad_()
        label = answers[self.at] + far
        if arm == "robust":
            loss = pseudo_huber(here - label, theta["loss.width"].exp())
        else:
            loss = (here - label).square()
        total = loss.sum()
        if arm == "metal":
            state = state_of(self.told * plain(answers, y).mean(-1), kind.start(theta), 1)
            own = {name: theta[f"loss.support0.{name}"] for name in TENSORS}
            total = (
                total
                + said_of(turned(own, theta, "loss.support0.film.", state), read_residual(here, label)).sum()
            )
        (pull,) = torch.autograd.grad(total, here)
        return np.asarray((-k * pull / len(XS)).detach().squeeze(-1).numpy())

    def away(self, arm: str) -> float:
        """Label minus answer at the point that is looked at, before the first step."""
        x, y = self._points()
        with torch.no_grad():
            return (y - MLP()(KINDS[arm].start(self._theta(arm)), x))[self.at].item()

    @property
    def summary(self) -> str:
        wild = sum(abs(each) > 1e-9 for each in self.off)
        lie = "all labels true" if not wild else f"{wild} of 10 labels off"
        errors = ", ".join(f"{said} {sig(self.error(arm))}" for arm, (said, _) in LOSSES.items())
        pulls = ", ".join(
            f"{said} {sig(float(self.moved(arm, np.array([self.away(arm)]))[0]))}"
            for arm, (said, _) in LOSSES.items()
        )
        told = "" if self.told == 1 else f" FiLM is told {sig(self.told)} times the support loss."
        return (
            f"{sig(self.amplitude, 3)} sin(x − {sig(self.phase, 3)}), {lie}. Error after {self.steps} steps: {errors}. "
            f"Point {self.at + 1}, off by {sig(self.off[self.at], 3)}, moves its own answer in the first step by: {pulls}.{told}"
        )

    def draw(self, fig: Figure) -> None:
        """The three fits, and the three pulls."""
        left, right = fig.subplots(1, 2)
        x, y = (each.squeeze(-1).numpy() for each in self._points())
        left.plot(GRID, self.truth(GRID), color="black", linewidth=1)
        left.plot(x, y, "o", color="black")
        for arm, (said, hue) in LOSSES.items():
            line, = left.plot(GRID, self.curve(arm), **style.method(hue))  # fmt: skip
            right.plot(AWAY, self.moved(arm), **style.method(hue))
            away = self.away(arm)
            right.plot(away, self.moved(arm, np.array([away])), "o", color=line.get_color())
            right.annotate(said, (AWAY[-1], self.moved(arm)[-1]), xytext=(4, 0), textcoords="offset points")
        left.set(xlabel="x", ylabel="y", title=f"After {self.steps} steps")
        right.set(
            xlabel="label minus answer",
            ylabel="moves its answer by",
            title=f"The pull of point {self.at + 1}",
        )
