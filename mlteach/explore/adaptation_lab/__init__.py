"""AdaptationLab: networks with different starts adapt to the same few points of a sinusoid, side by side.

Choose the task (amplitude and phase), its support points, the inner rate and the number of steps. Every network makes
the same gradient steps on the same mean squared error, in all its parameters,

    theta_(k+1) = theta_k - alpha * gradient of (1 / K) * sum over the K support points of (f(x; theta_k) - y)^2

and is judged by its mean squared error on the truth over the x that it was trained on. Only the starts differ: they come
from MAML, FOMAML, Reptile, joint training, or from nowhere. Taught in: lessons 06, 07.
"""

import itertools
import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import torch
import traitlets as t
from matplotlib.figure import Figure

from mlteach.checkpoint import load_checkpoint
from mlteach.errors import EpisodeError
from mlteach.explore import style
from mlteach.explore.base import Explorer, sig
from mlteach.inner import adapt, sgd
from mlteach.measure.ledger import data_folder
from mlteach.nets import MLP, squared_error
from mlteach.params import Params, to_vector
from mlteach.tasks import Sinusoids
from mlteach.tasks.pool import mulberry32

#: Steps that are always made, so that the curve of errors shows what comes after the steps trained for.
LAST = 20
#: Most support points, and how far they may lie outside the x of training.
MOST, BEYOND = 20, 3.0
#: Points on which the error is taken, evenly over the x of training, and of a drawn curve.
JUDGED, DRAWN = 50, 81
#: An error this large is no number any more: the steps were too long.
FAR = 1e3
#: The task: from an error above HARD to one below LOW in one step, with at most so many points for one to three stars.
HARD, LOW, STARS = 8.0, 0.3, (10, 5, 2)

#: The hues of the starts by their names; any other name takes one of the rest.
_HUES = {"maml": "maml", "fomaml": "fomaml", "reptile": "reptile", "joint": "baseline", "random": "baseline"}
_REST = ("metric", "lstm", "warning")
#: The starts that come with the course: the name of the file, and of the line.
_RECORDED = {"maml": "MAML", "fomaml": "FOMAML", "reptile": "Reptile", "joint": "joint", "random": "random"}


def draw_points(shots: int, seed: int, low: float, high: float) -> list[float]:
    """``shots`` numbers from ``low`` to ``high`` with two digits after the point, the same in JavaScript."""
    numbers = itertools.islice(mulberry32(seed), shots)
    return [math.floor(100 * (low + (high - low) * each) + 0.5) / 100 for each in numbers]


class AdaptationLab(Explorer):
    """Choose support points and watch every start adapt to them.

        lab = AdaptationLab.recorded()
        lab.amplitude, lab.phase, lab.steps = 4.0, 0.5, 1
        lab.resample(10, seed=3)
        lab.mse("MAML")                     # float64 [21]: before, and after each of 20 steps
        print(lab.summary)

    starts: by name, the parameters of MLPs 1-...-1 of one shape (`MLP`), for example as trained a cell before. Names
        that begin with MAML, FOMAML, Reptile, joint or random are drawn as such.
    family: the tasks that they were trained on, for the ranges. trained: how many inner steps each start was trained for.
    fresh: which of them were trained in this session. They are shown and told as all are, but what is stored beside the
        widget leaves them out: their last digits differ from machine to machine.
    points: the support points' x; their y is the truth. Values far out of range raise ``TraitError``; amplitude, phase
        and points may leave the training range by a little, and the widget says so.

    Raises ``EpisodeError`` for starts that are no such networks or differ in shape.
    """

    module = "adaptation_lab"
    shows = ("amplitude", "phase", "points", "rate", "steps")
    size = (10.0, 6.4)

    amplitude = t.Float(4.0).tag(sync=True)
    phase = t.Float(0.6, help="radians").tag(sync=True)
    points = t.List(t.Float(), help="x of the support points").tag(sync=True)
    seed = t.Int(5, min=0, max=9999, help="that the points were last drawn from").tag(sync=True)
    rate = t.Float(0.01, min=0.0005, max=0.1, help="inner rate alpha").tag(sync=True)
    steps = t.Int(1, min=0, max=LAST, help="inner steps that are looked at").tag(sync=True)
    shown = t.List(t.Unicode(), help="the starts in the large picture").tag(sync=True)
    names = t.List(t.Unicode()).tag(sync=True)
    hues = t.List(t.Unicode()).tag(sync=True)
    trained = t.List(t.Int(allow_none=True), help="inner steps trained for").tag(sync=True)
    family = t.Dict(help="the ranges of amplitude, phase and x in training, and the phase's sign").tag(
        sync=True
    )
    sizes = t.List(t.Int()).tag(sync=True)
    activation = t.Enum(["relu", "tanh"], default_value="relu").tag(sync=True)
    weights = t.Bytes(help="float32 [starts, parameters]").tag(sync=True)

    def __init__(
        self,
        starts: dict[str, Params],
        *,
        family: Sinusoids | None = None,
        activation: str = "relu",
        trained: dict[str, int] | None = None,
        fresh: Collection[str] = (),
        **traits: Any,
    ) -> None:
        self._fresh = set(fresh)
        self._family = family or Sinusoids.finn()
        sizes = _sizes(starts)
        self._net = MLP(sizes, activation=activation)  # type: ignore[arg-type]
        order = self._net.init(torch.Generator())
        self._starts = {
            name: torch.stack([start[name].detach().cpu().float() for start in starts.values()])
            for name in order
        }
        vectors = [
            to_vector({name: start[name].detach().cpu().float() for name in order})
            for start in starts.values()
        ]
        ranges = {name: list(getattr(self._family, name)) for name in ("amplitude", "phase", "x")}
        rest = itertools.cycle(_REST)
        hues = [
            next((hue for key, hue in _HUES.items() if name.lower().startswith(key)), None) for name in starts
        ]
        super().__init__(
            names=list(starts), hues=[hue or next(rest) for hue in hues], sizes=list(sizes), activation=activation,
            trained=[(trained or {}).get(name) for name in starts], family=ranges | {"sign": self._family.sign},
            weights=torch.stack(vectors).numpy().astype("<f4").tobytes(),
            **{"shown": list(starts)[:4], "points": draw_points(10, 5, *self._family.x)} | traits,
        )  # fmt: skip

    @classmethod
    def recorded(
        cls, fresh: dict[str, Params] | None = None, *, trained: dict[str, int] | None = None, **traits: Any
    ) -> "AdaptationLab":
        """The starts that come with the course, as ``python -m studies.lesson06_starts`` trained them.

        fresh: starts of your own, by name, which stand before them; trained: the inner steps these were trained for.
        Raises CheckpointError when they are not there.
        """
        starts, trained = dict(fresh or {}), dict(trained or {})
        for file, name in _RECORDED.items():
            stored = load_checkpoint(data_folder() / "checkpoints" / f"06-{file}.safetensors")
            starts[name] = {key.removeprefix("theta."): value for key, value in stored.tensors.items()}
            if "inner_steps" in stored.about["settings"]:
                trained[name] = stored.about["settings"]["inner_steps"]
        return cls(starts, trained=trained, fresh=tuple(fresh or {}), **traits)

    @t.validate("amplitude", "phase")
    def _in_range(self, proposal: dict[str, Any]) -> float:
        name, value = proposal["trait"].name, proposal["value"]
        low, high = reach(self._family, name)
        if not low <= value <= high:
            raise t.TraitError(f"{name} must be {sig(low, 3)} to {sig(high, 3)}, not {value:g}.")
        return float(value)

    @t.validate("points")
    def _few_and_near(self, proposal: dict[str, Any]) -> list[float]:
        points, (low, high) = proposal["value"], reach(self._family, "x")
        if not 1 <= len(points) <= MOST:
            raise t.TraitError(f"Give 1 to {MOST} support points, not {len(points)}.")
        if not all(low <= x <= high for x in points):
            raise t.TraitError(f"Support points lie between {sig(low, 3)} and {sig(high, 3)}.")
        return list(points)

    @t.validate("shown")
    def _are_there(self, proposal: dict[str, Any]) -> list[str]:
        if unknown := [name for name in proposal["value"] if name not in self.names]:
            raise t.TraitError(f"There is no start {unknown[0]!r}; there are {', '.join(self.names)}.")
        return list(proposal["value"])

    def resample(self, shots: int, seed: int, half: str = "all") -> None:
        """Draw ``shots`` new support points from a seed: from "all" x of training, or its "left" or "right" half."""
        low, high = self._family.x
        middle = (low + high) / 2
        parts = {"all": (low, high), "left": (low, middle), "right": (middle, high)}
        if half not in parts:
            raise ValueError(f"There is no half {half!r}; choose one of {', '.join(parts)}.")
        with self.hold_sync():
            self.seed, self.points = seed, draw_points(shots, seed, *parts[half])

    def truth(self, x: np.ndarray) -> np.ndarray:
        """y of the task at ``x``, any shape."""
        return self.amplitude * np.sin(x + self._family.sign * self.phase)

    def _path(self) -> list[Params]:
        """All starts' parameters before and after each step, float64 with the starts as task axis."""
        x = torch.tensor(self.points, dtype=torch.float64).reshape(1, -1, 1).expand(len(self.names), -1, -1)
        y = torch.from_numpy(self.truth(x.numpy()))
        start = {name: value.double() for name, value in self._starts.items()}
        with torch.no_grad():
            return adapt(
                lambda params: squared_error(self._net(params, x), y), start, sgd(self.rate), LAST, path=True
            )

    def _outputs(self, params: Params, x: np.ndarray) -> np.ndarray:
        """Every start's outputs at ``x`` [n]: [starts, n]."""
        with torch.no_grad():
            inputs = torch.from_numpy(x).reshape(1, -1, 1).expand(len(self.names), -1, -1)
            return self._net(params, inputs).squeeze(-1).numpy()

    def _errors(self, path: list[Params]) -> np.ndarray:
        """[starts, LAST + 1], infinite from the step on at which an error was too large."""
        low, high = self._family.x
        x = low + (high - low) * (np.arange(JUDGED) + 0.5) / JUDGED
        with np.errstate(all="ignore"):  # steps that are too long end in infinities, which are said below
            errors = np.stack(
                [np.square(self._outputs(params, x) - self.truth(x)).mean(1) for params in path], 1
            )
        blown = np.logical_or.accumulate(~(errors <= FAR), axis=1)
        return np.where(blown, np.inf, errors)

    def mse(self, name: str) -> np.ndarray:
        """A start's mean squared error on the truth over the x of training, before and after each step: [21].

        Infinite from the step on at which it exceeded 1000. Raises ValueError for a name that is not there.
        """
        return self._errors(self._path())[self._which(name)]

    def predictions(self, name: str, x: Any = None, step: int | None = None) -> np.ndarray:
        """A start's outputs at ``x`` [n] after ``step`` steps (default: the trait). Raises ValueError as `mse`."""
        at = drawn(self._family) if x is None else np.asarray(x, dtype=np.float64)
        return self._outputs(self._path()[self.steps if step is None else step], at)[self._which(name)]

    def _which(self, name: str) -> int:
        if name not in self.names:
            raise ValueError(f"There is no start {name!r}; there are {', '.join(self.names)}.")
        return self.names.index(name)

    @property
    def outside(self) -> list[str]:
        """What leaves the training range: of "amplitude", "phase" and "points"."""
        low, high = self._family.x
        found = [
            name
            for name in ("amplitude", "phase")
            if not _within(getattr(self, name), getattr(self._family, name))
        ]
        return found + (["points"] if not all(low <= x <= high for x in self.points) else [])

    @property
    def stars(self) -> int:
        """0 to 3 stars for the task: a hard sinusoid of the training range, MAML, one step, few points."""
        return self._stars(self._errors(self._path()))

    def _stars(self, errors: np.ndarray) -> int:
        if "maml" not in self.hues or self.outside:
            return 0
        before, after = errors[self.hues.index("maml"), :2]
        return sum(len(self.points) <= most for most in STARS) if before > HARD and after < LOW else 0

    @property
    def summary(self) -> str:
        return self._said(self.names)

    @property
    def stored(self) -> str:
        """The summary without the starts that were trained in this session."""
        return self._said([name for name in self.names if name not in self._fresh])

    def _said(self, names: list[str]) -> str:
        ends, every = [], self._errors(self._path())
        for name, errors in zip(self.names, every, strict=True):
            if name not in names:
                continue
            blown = int(np.isinf(errors).argmax()) if np.isinf(errors).any() else LAST + 1
            lost = f"no number (blows up at step {blown})"
            ends.append(
                f"{name} {sig(errors[0])} to {lost if blown <= self.steps else sig(errors[self.steps])}"
            )
        text = (
            f"{self._formula}, {_count(len(self.points), 'point')}, rate {sig(self.rate, 3)}, {_count(self.steps, 'step')}. "
            f"MSE before and after: {', '.join(ends)}."
        )
        if self.outside:
            text += f" Outside the training range: {', '.join(self.outside)}."
        if stars := self._stars(every):
            text += f" One step, {_count(len(self.points), 'point')}: {'★' * stars}"
        return text

    @property
    def _formula(self) -> str:
        return f"{sig(self.amplitude, 3)} sin(x {'−' if self._family.sign < 0 else '+'} {sig(self.phase, 3)})"

    def draw(self, fig: Figure) -> None:
        """Each start step by step, light to dark; below, the error after each step."""
        rows = fig.subplot_mosaic(
            [[f"net {k}" for k in range(len(self.names))], ["curve"] * len(self.names)],
            height_ratios=(1, 1.25),
        )
        path, x, half = (
            self._path(),
            drawn(self._family),
            1.3 * max(self._family.amplitude[1], self.amplitude),
        )
        errors, curve = self._errors(path), rows["curve"]
        some = [*(step for step in (0, 1, 2, 3, 5, 10) if step < self.steps), self.steps]
        outputs = {step: self._outputs(path[step], x) for step in some}
        (low, high), (left, right) = self._family.x, reach(self._family, "x")
        points = np.array(self.points)
        for k, (name, hue) in enumerate(zip(self.names, self.hues, strict=True)):
            ax, look = rows[f"net {k}"], style.method(hue) | {"marker": None}
            if name.lower().startswith("random"):
                look["linestyle"] = (0, (1, 3))
            for zone in ((left, low), (high, right)):
                ax.axvspan(*zone, color="#e4e6ea", linewidth=0)
            shades = style.steps(max(len(some), 2), hue)[-len(some) :]
            for step, shade in zip(some, shades, strict=True):
                if np.isfinite(errors[k, step]):
                    ax.plot(x, outputs[step][k], color=shade, linewidth=1.6)
            ax.plot(x, self.truth(x), **style.method("truth"))
            ax.plot(points, self.truth(points), "ko", markersize=3.5)
            ax.set(xlim=(left, right), ylim=(-half, half), xticks=[low, 0, high])
            ax.set_title(name, fontsize=11 if len(self.names) < 6 else 8)
            ax.tick_params(labelleft=k == 0)
            (line,) = curve.semilogy(np.where(errors[k] <= 40, errors[k], np.nan), **look)
            style.label_line(curve, line, name, dx=5, fontsize=9)
        curve.axvline(self.steps, color="#9aa0a8", linewidth=1, linestyle=":")
        curve.set(
            xlim=(0, LAST), xticks=range(0, LAST + 1, 5), xlabel="inner steps", ylabel="mean squared error"
        )
        curve.set_title(
            f"{self._formula}, {_count(len(points), 'point')}, inner rate {sig(self.rate, 3)}", fontsize=10
        )


def reach(family: Sinusoids, name: str) -> tuple[float, float]:
    """How far amplitude, phase or x may go: beyond the training range, but not far."""
    low, high = getattr(family, name)
    if name == "amplitude":
        return low, 1.6 * high
    if name == "phase":
        return min(low, 0.0), max(high, 2 * math.pi)
    return low - BEYOND, high + BEYOND


def drawn(family: Sinusoids) -> np.ndarray:
    """The x at which curves are drawn: from end to end, [81]."""
    return np.linspace(*reach(family, "x"), DRAWN)


def _within(x: float, between: tuple[float, float]) -> bool:
    return between[0] <= x <= between[1]


def _count(n: int, word: str) -> str:
    return f"{n} {word}{'' if n == 1 else 's'}"


def _sizes(starts: dict[str, Params]) -> Sequence[int]:
    """The layers of the networks, or EpisodeError unless all are MLPs from one number to one, of one shape."""
    found = set()
    for name, start in starts.items():
        layers = len(start) // 2
        wanted = {f"layer{k}.{part}" for k in range(1, layers + 1) for part in ("weight", "bias")}
        if not start or set(start) != wanted:
            raise EpisodeError(
                f"The start {name!r} is no MLP: it has {', '.join(start) or 'no parameters'}. Give MLP(...).init's."
            )
        outs, ins = zip(*(start[f"layer{k}.weight"].shape for k in range(1, layers + 1)), strict=True)
        found.add((*ins, outs[-1]))
    if len(found) != 1 or (sizes := found.pop())[0] != 1 or sizes[-1] != 1:
        raise EpisodeError(
            "Give starts of one shape, from one input to one output, such as MLP((1, 40, 40, 1))."
        )
    return sizes
