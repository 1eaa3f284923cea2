"""MemoryRows: a recorded sequence, and what two memory-augmented networks do with their rows in it.

Recorded are the pictures, and what each network asks of its memory at each step: keys, vectors, gates. All else is computed here
from lesson 19's equations, so that the read can be made sharper by hand:

    write   g r_{t-1} + (1 - g) least used        rows   wiped where least used, + write * vector
    read    softmax(s cos(key, row))              usage  0.95 usage + read + write

Both see labels bound to their pictures: what is written at a step is the picture and the label of the step before. Taught in: lesson 19.
"""

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import traitlets as t
from matplotlib.figure import Figure

from mlteach.checkpoint import load_checkpoint
from mlteach.explore import style
from mlteach.explore.base import Explorer, sig
from mlteach.measure.ledger import data_folder

RECORDED, STEPS, SLOTS, DECAY, SMALL = "19-episode", 30, 64, 0.95, 1e-6
LEARNERS = {"paper": "as in the paper", "both": "with a strength and a write vector"}


class Asked(NamedTuple):
    """What a network asks of its memory: keys and vectors [steps, heads, width], gates [steps, heads], its own sharpness."""

    keys: np.ndarray
    vectors: np.ndarray
    gates: np.ndarray
    sharpness: float


class Seen(NamedTuple):
    """A memory after each step: rows [steps, slots, width]; usage, write and read, summed over heads, [steps, slots]; since: when
    each row was last wiped, 0 for never, else the step counted from 1."""

    rows: np.ndarray
    usage: np.ndarray
    write: np.ndarray
    read: np.ndarray
    since: np.ndarray


def replay(asked: Asked, slots: int, sharper: float) -> Seen:
    """The memory over the sequence, float64, with the read ``sharper`` times as sharp as the network's own."""
    heads, width = asked.keys.shape[1:]
    rows, usage = np.full((slots, width), SMALL), np.zeros(slots)
    read, since = np.eye(slots)[[0] * heads], np.zeros(slots, dtype=int)
    kept: list[tuple[np.ndarray, ...]] = []
    for step, (keys, vectors, gates) in enumerate(zip(asked.keys, asked.vectors, asked.gates, strict=True)):
        least = np.argsort(usage, kind="stable")[:heads]
        write = gates[:, None] * read + (1 - gates[:, None]) * np.eye(slots)[least]
        rows = rows.copy()
        rows[least[0]] = 0
        rows = rows + write.T @ vectors
        since = since.copy()
        since[least] = step + 1
        lengths = np.maximum(np.sqrt(np.square(rows).sum(1)), SMALL)
        fits = keys @ rows.T / lengths / np.maximum(np.sqrt(np.square(keys).sum(1)), SMALL)[:, None]
        powers = np.exp(sharper * asked.sharpness * (fits - fits.max(1, keepdims=True)))
        read = powers / powers.sum(1, keepdims=True)
        usage = DECAY * usage + read.sum(0) + write.sum(0)
        kept.append((rows, usage, write.sum(0), read.sum(0), since))
    return Seen(*(np.stack(each) for each in zip(*kept, strict=True)))


class MemoryRows(Explorer):
    """Go through a sequence step by step, and look at the rows.

        rows = MemoryRows.recorded()
        rows.step = 20
        print(rows.summary)

    learner: "paper" or "both". step: 1 to 30. sharper: how many times as sharp as the network's own the read is; what it asks and
        answers stays as recorded. A value outside a trait's range raises ``TraitError``.
    """

    module = "memory_rows"
    shows = ("learner", "step", "sharper")
    size = (9.0, 4.4)

    learner = t.Enum(list(LEARNERS), default_value="paper").tag(sync=True)
    step = t.Int(12, min=1, max=STEPS, help="the step").tag(sync=True)
    sharper = t.Float(1.0, min=1.0, max=20.0, help="how many times as sharp the read is").tag(sync=True)

    pictures = t.Bytes(help="uint8 [30, 28, 28]").tag(sync=True)
    labels = t.List(t.Int()).tag(sync=True)
    answers = t.Dict(help="learner -> 30 labels").tag(sync=True)
    sizes = t.Dict(help="learner -> [heads, width, slots]").tag(sync=True)
    asked = t.Bytes(
        help="float32: for each learner keys, vectors, gates, sharpness, one after the other"
    ).tag(sync=True)

    def __init__(
        self,
        pictures: np.ndarray,
        labels: np.ndarray,
        asked: dict[str, Asked],
        answers: dict[str, Any],
        **traits: Any,
    ) -> None:
        double = np.float64
        self._asked = {
            name: Asked(
                each.keys.astype(double),
                each.vectors.astype(double),
                each.gates.astype(double),
                each.sharpness,
            )
            for name, each in asked.items()
        }
        packed = [np.ravel(part) for name in LEARNERS for part in asked[name]]
        super().__init__(
            pictures=np.asarray(pictures, dtype=np.uint8).tobytes(), labels=[int(label) for label in labels],
            answers={name: [int(answer) for answer in answers[name]] for name in LEARNERS},
            sizes={name: [*asked[name].keys.shape[1:], SLOTS] for name in LEARNERS},
            asked=np.concatenate(packed).astype("<f4").tobytes(), **traits,
        )  # fmt: skip

    @classmethod
    def recorded(cls, **traits: Any) -> "MemoryRows":
        """The sequence that ``python -m studies.lesson19_memory episode`` recorded. Raises CheckpointError when it is not there."""
        found = load_checkpoint(data_folder() / "checkpoints" / f"{RECORDED}.safetensors").tensors
        tables = {name: value.numpy() for name, value in found.items()}
        asked = {
            name: Asked(
                tables[f"{name}.keys"],
                tables[f"{name}.vectors"],
                tables[f"{name}.gates"],
                found[f"{name}.sharpness"].item(),
            )
            for name in LEARNERS
        }
        answers = {name: found[f"{name}.answers"].tolist() for name in LEARNERS}
        return cls(found["pictures"].numpy(), found["labels"].numpy(), asked, answers, **traits)

    @cached_property
    def _replays(self) -> dict[tuple[str, float], Seen]:
        return {}

    def seen(self) -> Seen:
        """The memory over the whole sequence, as it is set now."""
        now = (self.learner, self.sharper)
        if now not in self._replays:
            self._replays[now] = replay(self._asked[self.learner], SLOTS, self.sharper)
        return self._replays[now]

    def same(self) -> np.ndarray:
        """Which rows were begun with an earlier picture of the character that is shown now, [slots]."""
        since, label = self.seen().since[self.step - 1], self.labels[self.step - 1]
        return np.array([k > 1 and self.labels[k - 2] == label for k in since])

    @property
    def summary(self) -> str:
        at, seen = self.step - 1, self.seen()
        times = self.labels[: self.step].count(self.labels[at])
        heads = self.sizes[self.learner][0]
        right = "right" if self.answers[self.learner][at] == self.labels[at] else "wrong"
        same, read, write = self.same(), seen.read[at] / heads, seen.write[at] / heads
        return (
            f"Step {self.step} of {STEPS}, showing {times} of its character; the network is {right}. It reads with {sig(read.max())} "
            f"in row {int(read.argmax()) + 1} at most, and writes with {sig(write.max())} to row {int(write.argmax()) + 1}. Of the read, "
            f"{sig(100 * read[same].sum())} % lies on rows of this character, which are {int(same.sum())} of {len(same)}."
        )

    @property
    def stored(self) -> str:
        """Without numbers of the read, which may differ in a last digit from machine to machine."""
        return f"The rows of a memory at step {self.step} of {STEPS}: {LEARNERS[self.learner]}."

    def draw(self, fig: Figure) -> None:
        """The picture, the rows, and their usage, write and read."""
        at, seen, same = self.step - 1, self.seen(), self.same()
        axes = fig.subplots(1, 5, width_ratios=[1, 1.3, 1, 1, 1])
        axes[0].imshow(np.frombuffer(self.pictures, dtype=np.uint8).reshape(STEPS, 28, 28)[at], cmap="gray_r")
        axes[0].set_title(f"step {self.step}", loc="center")
        axes[0].axis("off")
        axes[1].imshow(seen.rows[at], aspect="auto", cmap="PuOr", vmin=-1, vmax=1, interpolation="nearest")
        axes[1].set_title("rows", loc="center")
        slots = np.arange(len(same))
        for ax, name, values in zip(
            axes[2:], ("usage", "write", "read"), (seen.usage, seen.write, seen.read), strict=True
        ):
            ax.barh(slots, values[at], height=1.0, color=style.color("metric"))
            ax.set_ylim(len(same) - 0.5, -0.5)
            ax.set_title(name, loc="center")
        axes[4].plot(np.zeros(int(same.sum())), slots[same], "k>", markersize=4)
        for ax in axes[2:]:
            ax.set_yticks([])
