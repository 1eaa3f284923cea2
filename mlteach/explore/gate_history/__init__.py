"""GateHistory: what the gates of a meta-learner LSTM do while the learner learns an episode.

Each inner step moves every parameter of the learner by theta' = f theta - i gradient, with gates of its own. Here they
are seen layer by layer (the mean, and where four fifths of the coordinates lie), beside the learner's loss. Gradient
descent would be f = 1, i = alpha. The numbers are recorded, or watched now: nothing is trained here. Taught in: lesson 05.
"""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import traitlets as t
from matplotlib.figure import Figure
from torch import Tensor

from mlteach.checkpoint import load_checkpoint
from mlteach.errors import EpisodeError
from mlteach.explore import style
from mlteach.explore.base import Explorer, sig
from mlteach.explore.gate_history.watch import layer_name, watch
from mlteach.inner import Rule
from mlteach.measure.ledger import data_folder
from mlteach.params import Params
from mlteach.tasks.episode import Episode

RECORDED = "05-gates"
#: Kinds of layers are told apart by these, as in view.js.
_DASHES: tuple[Any, ...] = ("-", (0, (4, 2)), ":", "-.", (0, (8, 2)))


class GateHistory(Explorer):
    """Choose an episode, scrub the step, pick a layer.

        history = GateHistory.recorded()
        history.step, history.layer = 3, "conv 1"
        print(history.summary)

    forget, input: [episodes, steps, layers, 3], in [0, 1]: the gates' mean over a layer's coordinates, and their 10th
        and 90th percentile. layers: a name for each.
    support_loss, query_loss, accuracy: [episodes, steps + 1], before the first and after each step; accuracy in [0, 1].
    rate: alpha of the gradient descent to compare with. descent: [episodes, steps + 1, 3], what that comes to from the
        same start: support loss, query loss, accuracy; or None.
    pictures: of each episode's support set, uint8 [episodes, n, side, side] with ink 255; or None.

    Raises ``EpisodeError`` when the tables do not fit each other or hold no gates.
    """

    module = "gate_history"
    shows = ("episode", "step", "layer", "axis")
    size = (9.0, 6.4)

    episode = t.Int(0).tag(sync=True)
    step = t.Int(0, min=0, help="inner steps taken").tag(sync=True, most="steps")
    layer = t.Unicode(help="the layer that is looked at").tag(sync=True)
    axis = t.Enum(["linear", "logit"], default_value="linear", help="of the gates").tag(sync=True)
    layers = t.List(t.Unicode()).tag(sync=True)
    episodes = t.Int().tag(sync=True)
    steps = t.Int().tag(sync=True)
    rate = t.Float().tag(sync=True)
    forget = t.Bytes(help="float32 [episodes, steps, layers, 3]").tag(sync=True)
    input = t.Bytes(help="float32 [episodes, steps, layers, 3]").tag(sync=True)
    losses = t.Bytes(help="float32 [episodes, steps + 1, 3]").tag(sync=True)
    descent = t.Bytes(help="float32 [episodes, steps + 1, 3], or nothing").tag(sync=True)
    pictures = t.Bytes(help="uint8 [episodes, n, side, side], or nothing").tag(sync=True)
    side = t.Int(1).tag(sync=True)

    def __init__(
        self,
        forget: Any,
        input: Any,
        support_loss: Any,
        query_loss: Any,
        accuracy: Any,
        *,
        layers: list[str],
        rate: float,
        descent: Any = None,
        pictures: Any = None,
        **traits: Any,
    ) -> None:
        self._gates = {"forget": _gates(forget, "forget"), "input": _gates(input, "input")}
        episodes, steps, many, _ = self._gates["forget"].shape
        if self._gates["input"].shape != self._gates["forget"].shape:
            raise EpisodeError("The tables of both gates must have one shape, [episodes, steps, layers, 3].")
        if len(layers) != many or len(set(layers)) != many:
            raise EpisodeError(
                f"There are {len(set(layers))} different names for {many} layers; give one a layer."
            )
        if not 0 < rate <= 1:
            raise EpisodeError(
                f"The rate of gradient descent to compare with is {rate}; give one between 0 and 1."
            )
        wanted = (episodes, steps + 1)
        ours = [_table(x, name, wanted) for x, name in (
            (support_loss, "support_loss"), (query_loss, "query_loss"), (accuracy, "accuracy"))]  # fmt: skip
        self._scores = {"losses": np.stack(ours, -1)}
        if descent is not None:
            self._scores["descent"] = _table(descent, "descent", (*wanted, 3))
        for name, scores in self._scores.items():
            if scores.min() < 0 or scores[..., 2].max() > 1:
                raise EpisodeError(
                    f"The {name} are below 0, or an accuracy is above 1; give losses, and shares of right answers."
                )
        images = _pictures(pictures, episodes)
        super().__init__(
            layers=list(layers), episodes=episodes, steps=steps, rate=rate,
            losses=self._scores["losses"].tobytes(),
            descent=self._scores["descent"].tobytes() if descent is not None else b"",
            pictures=images.tobytes(), side=images.shape[-1],
            **{name: table.tobytes() for name, table in self._gates.items()},
            **{"layer": layers[0]} | traits,
        )  # fmt: skip

    @classmethod
    def recorded(cls, **traits: Any) -> "GateHistory":
        """The episodes that come with the course, as ``python -m studies.lesson05_meta_lstm`` recorded them.

        Raises CheckpointError when they are not there.
        """
        stored = load_checkpoint(data_folder() / "checkpoints" / f"{RECORDED}.safetensors")
        layers, rate = stored.about["layers"], stored.about["rate"]
        return cls(**stored.tensors, layers=layers, rate=rate, **traits)

    @classmethod
    def of(
        cls,
        net: Callable[..., Tensor],
        start: Params,
        rule: Rule,
        tasks: Episode,
        steps: int,
        *,
        rate: float,
        **traits: Any,
    ) -> "GateHistory":
        """What the gates of ``rule``, a meta-learner LSTM, do on these tasks, watched now.

        net: a Conv-4 of `mlteach.nets`; start: its parameters c_0. rate: of the gradient descent to compare with.
        """
        tables = watch(net, start, rule, tasks, steps, rate)
        return cls(**tables, layers=[layer_name(name) for name in start], rate=rate, **traits)

    @t.validate("episode", "step")
    def _in_range(self, proposal: dict[str, Any]) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        last = self.steps if name == "step" else self.episodes - 1
        if not 0 <= value <= last:
            raise t.TraitError(f"{name} must be 0 to {last}, not {value}.")
        return int(value)

    @t.validate("layer")
    def _is_there(self, proposal: dict[str, Any]) -> str:
        if proposal["value"] not in self.layers:
            raise t.TraitError(f"layer must be one of {', '.join(self.layers)}, not {proposal['value']!r}.")
        return str(proposal["value"])

    def gates(self, gate: str) -> np.ndarray:
        """This episode's ``"forget"`` or ``"input"`` gates, float32 [steps, layers, 3]: mean, 10th and 90th percentile."""
        return self._gates[gate][self.episode]

    def scores(self, of: str = "losses") -> np.ndarray:
        """This episode's support loss, query loss and query accuracy, float32 [steps + 1, 3]; or gradient ``"descent"``'s."""
        return self._scores[of][self.episode]

    @property
    def summary(self) -> str:
        def result(of: str) -> str:
            _, loss, right = self.scores(of)[self.step].tolist()
            return f"query loss {sig(loss)}, {math.floor(100 * right + 0.5)} % right"

        def span(gate: str) -> str:
            means = self.gates(gate)[self.step - 1, :, 0].tolist()
            low, high = min(means), max(means)
            ends = [f"{sig(v, 3)} ({self.layers[means.index(v)]})" for v in (low, high)]
            return f"{gate} gates {' to '.join(ends)}"

        if not self.step:
            return f"Episode {self.episode}, before the first of {self.steps} steps: {result('losses')}."
        f, i = (float(self.gates(g)[self.step - 1, self.layers.index(self.layer), 0]) for g in self._gates)
        text = (
            f"Episode {self.episode}, after step {self.step} of {self.steps}: {span('forget')}, {span('input')}; "
            f"{result('losses')}. In {self.layer}, {sig(100 * (1 - f))} % of each number is forgotten, and the gradient counts "
            f"{sig(i / self.rate)} times as much as in gradient descent (f = 1, i = {sig(self.rate, 3)})"
        )
        if "descent" in self._scores:
            text += f", which has {result('descent')}"
        return text + "."

    def draw(self, fig: Figure) -> None:
        """Both gates over the steps, a line a layer, and the learner's losses."""
        grid = fig.add_gridspec(2, 2, width_ratios=(1.2, 1))
        steps, picked = np.arange(1, self.steps + 1), self.layers.index(self.layer)
        for row, (gate, short) in enumerate((("forget", "f"), ("input", "i"))):
            ax, table = fig.add_subplot(grid[row, 0]), self.gates(gate)
            hue, kinds = style.cell(short)["color"], _kinds(self.layers)
            for k, name in enumerate(self.layers):
                this = k == picked
                (line,) = ax.plot(
                    steps,
                    table[:, k, 0],
                    color=hue,
                    linestyle=_DASHES[kinds[k] % len(_DASHES)],
                    linewidth=2.5 if this else 1,
                    alpha=1 if this else 0.6,
                )
                style.label_line(ax, line, name, dx=4, fontsize=8 if this else 7,
                                 fontweight="bold" if this else "normal", va="center")  # fmt: skip
            ax.fill_between(steps, table[:, picked, 1], table[:, picked, 2], color=hue, alpha=0.2)
            flat = (
                1 if gate == "forget" and self.axis == "linear" else 0.9999 if gate == "forget" else self.rate
            )
            (line,) = ax.plot(steps, [flat] * self.steps, **style.method("baseline") | dict(linewidth=1.5))
            named = 1 if gate == "forget" else sig(self.rate, 3)  # on the logit axis 1 lies infinitely far up
            style.label_line(ax, line, f"descent: {named}", dx=4, fontsize=8)
            ax.axvline(max(self.step, 0.7), color="black", linewidth=1)
            if self.axis == "logit":
                ax.set_yscale("logit")
                ax.yaxis.set_minor_formatter("")
            ax.set(xlim=(0.7, self.steps + 0.02), xticks=steps, title=f"{gate} gate {short}".capitalize())
            ax.set_xlabel("inner step" if row else "")
        ax, marked = fig.add_subplot(grid[:, 1]), range(self.steps + 1)
        for column, name, face in ((0, "support", None), (1, "query", "white")):
            look = style.method("truth") | dict(linewidth=2, marker="o", markersize=5, markerfacecolor=face)
            (line,) = ax.plot(marked, self.scores()[:, column], **look)
            style.label_line(ax, line, name, dx=5, fontsize=9)
        if "descent" in self._scores:
            (line,) = ax.plot(marked, self.scores("descent")[:, 1], **style.method("baseline"))
            style.label_line(ax, line, "descent", dx=5, fontsize=9)
        ax.axvline(self.step, color="black", linewidth=1)
        ax.set(
            yscale="log",
            xlabel="inner step",
            title=f"Loss; in the end {math.floor(100 * self.scores()[-1, 2] + 0.5)} % right",
            xticks=list(marked),
        )


def _kinds(layers: list[str]) -> list[int]:
    """Of each layer, the number of its kind: its name without the number at its end."""
    names = [re.sub(r"\s*\d*$", "", layer) for layer in layers]
    order = list(dict.fromkeys(names))
    return [order.index(name) for name in names]


def _array(values: Any) -> np.ndarray:
    return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)


def _gates(values: Any, name: str) -> np.ndarray:
    gates = _array(values).astype(np.float32)
    if gates.ndim != 4 or gates.shape[3] != 3 or not gates.size:
        raise EpisodeError(
            f"{name} must have the shape [episodes, steps, layers, 3] (mean, 10th and 90th percentile), not {list(gates.shape)}."
        )
    if not (gates.min() >= 0 and gates.max() <= 1 and (gates[..., 1] <= gates[..., 2]).all()):
        raise EpisodeError(
            f"{name} holds numbers that are no gates: they lie between 0 and 1, and the 10th percentile is not above the 90th."
        )
    return gates


def _table(values: Any, name: str, shape: tuple[int, ...]) -> np.ndarray:
    table = _array(values).astype(np.float32)
    if table.shape != shape or not np.isfinite(table).all():
        raise EpisodeError(
            f"{name} must be finite numbers of shape {list(shape)}, one before the first and after each step, not "
            f"{list(table.shape)}."
        )
    return table


def _pictures(values: Any, episodes: int) -> np.ndarray:
    images = np.zeros((episodes, 0, 1, 1), np.uint8) if values is None else _array(values)
    if (
        images.ndim != 4
        or len(images) != episodes
        or images.shape[2] != images.shape[3]
        or images.dtype != np.uint8
    ):
        raise EpisodeError(
            f"pictures must be uint8 [{episodes}, n, side, side], not {images.dtype} {list(images.shape)}."
        )
    return images
