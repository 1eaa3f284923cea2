"""FrozenLayers: freeze groups of layers in the inner loop, and see what of the answer and of the features is left as it was.

A Conv-4 adapts to a new task in five steps. Five groups can be held still while it does: the four blocks and the head. For all 32
ways to choose them it is recorded how many queries it then gets right, and how alike each layer's answers are before and after
the inner loop (linear CKA). Two networks: a trained start, and the fresh one that its training began with. Taught in: lesson 13.
"""

import math
from typing import Any

import numpy as np
import traitlets as t
from matplotlib.figure import Figure

from mlteach.checkpoint import load_checkpoint
from mlteach.errors import EpisodeError
from mlteach.explore import style
from mlteach.explore.base import Explorer, sig
from mlteach.measure.ledger import data_folder

RECORDED = "13-frozen"
GROUPS = ("conv1", "conv2", "conv3", "conv4", "head")
NETS, RATES, MODES = ("trained", "fresh"), ("full", "small"), ("transductive", "support")
PATTERNS = 2 ** len(GROUPS)


def pattern_of(frozen: tuple[str, ...] | list[str]) -> int:
    """The row of the tables: bit 0 is conv1, bit 4 the head; set where the group is frozen."""
    return sum(1 << bit for bit, group in enumerate(GROUPS) if group in frozen)


def percent(share: float) -> int:
    """A share in whole percent, halves up as in JavaScript."""
    return math.floor(100 * share + 0.5)


class FrozenLayers(Explorer):
    """Freeze layers by hand; choose the network, the rates, and whose statistics batch norm reads.

        layers = FrozenLayers.recorded()
        layers.frozen = ["conv1", "conv2", "conv3", "conv4"]
        print(layers.summary)

    frozen: the groups held still, out of ``GROUPS``. net: the start, "trained" or "fresh". rates: of the inner loop, "full" as in
        training or "small". mode: of batch norm for the queries, "transductive" or "support".
    accuracy: [2 nets, 2 rates, 32 patterns, 2 modes], shares of right answers; row k of the patterns freezes the groups whose bit
        is set in k. alike: [2, 2, 32, 5], CKA of each group's answers before and after the inner loop.

    Raises EpisodeError for tables of other shapes, TraitError for a value that a trait has not.
    """

    module = "frozen_layers"
    shows = ("frozen", "net", "rates", "mode")
    size = (8.4, 3.8)

    frozen = t.List(t.Enum(GROUPS), help="groups held still").tag(sync=True)
    net = t.Enum(NETS, default_value="trained", help="the start").tag(sync=True)
    rates = t.Enum(RATES, default_value="full", help="rates of the inner loop").tag(sync=True)
    mode = t.Enum(MODES, default_value="support", help="batch norm").tag(sync=True)
    accuracy = t.Bytes(help="float32 [2, 2, 32, 2]").tag(sync=True)
    alike = t.Bytes(help="float32 [2, 2, 32, 5]").tag(sync=True)

    def __init__(self, accuracy: Any, alike: Any, **traits: Any) -> None:
        self._right = _table(accuracy, "accuracy", (2, 2, PATTERNS, len(MODES)))
        self._alike = _table(alike, "alike", (2, 2, PATTERNS, len(GROUPS)))
        super().__init__(accuracy=self._right.tobytes(), alike=self._alike.tobytes(), **traits)

    @classmethod
    def recorded(cls, **traits: Any) -> "FrozenLayers":
        """The networks that come with the course, as ``python -m studies.lesson13_reuse combine`` measured them.

        Raises CheckpointError when they are not there.
        """
        tables = load_checkpoint(data_folder() / "checkpoints" / f"{RECORDED}.safetensors").tensors
        return cls(tables["accuracy"], tables["cka"], **traits)

    @t.validate("frozen")
    def _in_order(self, proposal: dict[str, Any]) -> list[str]:
        return [group for group in GROUPS if group in proposal["value"]]

    def _at(self) -> tuple[int, int]:
        return NETS.index(self.net), RATES.index(self.rates)

    def right(self, frozen: list[str] | None = None) -> float:
        """The share of right answers with these groups frozen (those that are)."""
        pattern = pattern_of(self.frozen if frozen is None else frozen)
        return float(self._right[(*self._at(), pattern, MODES.index(self.mode))])

    def similarity(self) -> np.ndarray:
        """CKA of each group's answers before and after the inner loop, float32 [5]."""
        return self._alike[(*self._at(), pattern_of(self.frozen))]

    @property
    def summary(self) -> str:
        names = ", ".join(self.frozen) or "nothing"
        text = f"{self.net.capitalize()} network, {self.rates} rates, {names} frozen: {percent(self.right())} % right ({self.mode})"
        if self.frozen:
            text += f"; with nothing frozen {percent(self.right([]))} %"
        each = ", ".join(
            f"{group} {sig(float(v))}" for group, v in zip(GROUPS, self.similarity(), strict=True)
        )
        return f"{text}. Alike before and after (CKA): {each}."

    def draw(self, fig: Figure) -> None:
        """Bars of similarity, and every pattern's accuracy over how many groups it freezes."""
        left, side = fig.subplots(1, 2, width_ratios=(1.5, 1))
        names = [name.removeprefix("conv") for name in GROUPS]
        still = [group in self.frozen for group in GROUPS]
        hues = [style.color("baseline" if held else "maml") for held in still]
        left.bar(
            names,
            self.similarity(),
            color=hues,
            hatch=["//" if held else "" for held in still],
            edgecolor="white",
        )
        left.set(ylim=(0, 1.05), xlabel="layer; hatched: frozen", title="Alike before and after (CKA)")
        every = self._right[(*self._at(), slice(None), MODES.index(self.mode))]
        side.plot([k.bit_count() for k in range(PATTERNS)], 100 * every, "o", color="#9aa0a8", markersize=4)
        side.plot(len(self.frozen), 100 * self.right(), "o", color=style.color("maml"), markersize=11)
        side.axhline(20, **style.method("baseline") | {"linewidth": 1})
        side.set(ylim=(0, 100), xlim=(-0.4, 5.4), xlabel="groups frozen", title="Right answers, %")


def _table(values: Any, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Float32 of this shape, shares, or EpisodeError."""
    table = np.asarray(values, dtype="<f4")
    if table.shape != shape:
        raise EpisodeError(f"The table {name} must be {list(shape)}, not {list(table.shape)}.")
    if not ((table >= 0) & (table <= 1 + 1e-6)).all():
        raise EpisodeError(f"The table {name} holds shares from 0 to 1, and one is not.")
    return table
