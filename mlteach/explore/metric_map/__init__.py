"""MetricMap: five characters in the plane of a trained network's two widest directions, and a query to drag or to draw.

    nearest     the support drawing at the smallest distance
    prototypes  softmax of -0.05 |f(x) - c_k|^2, c_k the mean of class k
    matching    softmax of scale * cosine to each support drawing, summed over a class

The features are 128 numbers, recorded. A dragged query moves by dx and dy along two of their directions; all three methods then
compute with all 128. What somebody draws goes through the network where it is drawn, with the batch-norm statistics of the recorded
drawings, so that it moves none of them. Taught in: lesson 18.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
import traitlets as t
from matplotlib.figure import Figure

from mlteach.checkpoint import load_checkpoint
from mlteach.explore import style
from mlteach.explore.base import Explorer, sig
from mlteach.explore.base.drawn import Strokes, body_bytes, checked_strokes
from mlteach.measure.ledger import data_folder
from mlteach.nets import Conv4
from mlteach.params import Params
from mlteach.tasks.pen import ink

CLASSES, SUPPORT, QUERIES, FEATURES = 5, 5, 2, 128
OWN = CLASSES * QUERIES  # the query that somebody drew
NET = Conv4(CLASSES, FEATURES // 4, head="flatten")
NAMES = "ABCDE"
HUES = ("maml", "warning", "reptile", "lstm", "metric")
PROTOTYPE_SCALE = 0.05
FAR = 5.4  # the picture's edge either way


class Said(NamedTuple):
    """What the methods say of a query: a share of each class, [classes], twice, and the class of the nearest drawing."""

    matching: np.ndarray
    prototypes: np.ndarray
    nearest: int


def _shares(logits: np.ndarray) -> np.ndarray:
    each = np.exp(logits - logits.max())
    return each / each.sum()


def answers(support: np.ndarray, query: np.ndarray, scale: float) -> Said:
    """The three methods on features [classes, shots, d] and one query [d], float64."""
    flat = support.reshape(-1, support.shape[-1])
    cosines = flat @ query / np.linalg.norm(flat, axis=1) / np.linalg.norm(query)
    attention = _shares(scale * cosines).reshape(support.shape[:2])
    centres = support.mean(1)
    far = np.square(flat - query).sum(1)
    return Said(
        attention.sum(1),
        _shares(-PROTOTYPE_SCALE * np.square(centres - query).sum(1)),
        int(far.argmin()) // support.shape[1],
    )


class MetricMap(Explorer):
    """Drag a query through a learned space, and see what each method says of it.

        place = MetricMap.recorded()
        place.dx = -3
        print(place.summary)

    query: which of ten drawings, two of each class; 10 is the one of your own. dx, dy: how far it was moved from where the network
        puts it. scale: the inverse temperature of matching. shots: 1 or 5 support drawings of each class. strokes: what you drew,
        [[x0, y0, x1, y1, ...], ...] in pixels of 28 from the upper left corner. A value outside a range raises ``TraitError``.
    """

    module = "metric_map"
    shows = ("query", "dx", "dy", "scale", "shots")
    size = (9.0, 4.4)

    query = t.Int(0, min=0, max=OWN, help="which drawing").tag(sync=True)
    dx = t.Float(0.0, min=-2 * FAR, max=2 * FAR, help="moved across").tag(sync=True)
    dy = t.Float(0.0, min=-2 * FAR, max=2 * FAR, help="moved up").tag(sync=True)
    scale = t.Float(10.0, min=1.0, max=60.0, help="t, the inverse temperature of matching").tag(sync=True)
    shots = t.Enum([1, SUPPORT], default_value=1).tag(sync=True)
    strokes = t.List(t.List(t.Float())).tag(sync=True)

    pictures = t.Bytes(help="uint8 [classes, support + queries, 28, 28]").tag(sync=True)
    features = t.Bytes(help="float32 [classes, support + queries, 128]").tag(sync=True)
    plane = t.Bytes(help="float32 [3, 128]: the middle, and two directions of length 1").tag(sync=True)
    theta = t.Bytes(help="float32: of each block the kernel, gamma, beta").tag(sync=True)

    def __init__(
        self, pictures: np.ndarray, features: np.ndarray, plane: np.ndarray, body: Params, **traits: object
    ) -> None:
        self._body = {name: body[name].float().double() for name in NET.body_names}
        given = torch.from_numpy(pictures).double().flatten(0, 1)[:, None] / 255
        self._running = NET.running_statistics(self._body, given)
        self._features, self._plane = (
            each.astype(np.float32).astype(np.float64) for each in (features, plane)
        )
        super().__init__(
            pictures=pictures.tobytes(),
            features=features.astype("<f4").tobytes(),
            plane=plane.astype("<f4").tobytes(),
            theta=body_bytes(self._body),
            **traits,
        )

    @t.validate("strokes")
    def _are_points(self, proposal: dict[str, Any]) -> Strokes:
        return checked_strokes(proposal["value"])

    @classmethod
    def recorded(cls, **traits: object) -> "MetricMap":
        """With the map that lesson 18's study recorded of its matching network."""
        place = data_folder() / "checkpoints"
        kept = load_checkpoint(place / "18-map.safetensors").tensors
        trained = load_checkpoint(place / "18-matching.safetensors").tensors
        body = {name: trained[f"theta.{name}"] for name in NET.body_names}
        plane = np.concatenate([kept["centre"].numpy()[None], kept["plane"].numpy()])
        return cls(kept["pictures"].numpy(), kept["features"].numpy(), plane, body, **traits)

    @property
    def support(self) -> np.ndarray:
        """The features that are shown, [classes, shots, 128]."""
        return self._features[:, : self.shots]

    def drawn(self) -> np.ndarray:
        """The features of what somebody drew, by the statistics of the recorded drawings, [128]."""
        x = torch.from_numpy(ink(self.strokes)).double()[None, None] / 255
        with torch.no_grad():
            return NET.features_of(self._body, x, "running", running=self._running)[0].numpy()

    def moved(self) -> np.ndarray:
        """The query's features where it was dragged to, [128]."""
        own = (
            self.drawn()
            if self.query == OWN
            else self._features[self.query // QUERIES, SUPPORT + self.query % QUERIES]
        )
        return own + self.dx * self._plane[1] + self.dy * self._plane[2]

    def said(self) -> Said:
        """What the methods say of it there."""
        return answers(self.support, self.moved(), self.scale)

    def place(self, features: np.ndarray) -> np.ndarray:
        """Where features [..., 128] lie in the plane, [..., 2]."""
        return (features - self._plane[0]) @ self._plane[1:].T

    @property
    def summary(self) -> str:
        said = self.said()
        if self.query < OWN:
            which = f"Query {self.query + 1}, a drawing of class {NAMES[self.query // QUERIES]}"
        else:
            which = "Your drawing" if self.strokes else "An empty sheet"
        where = f", moved by {sig(self.dx)} across and {sig(self.dy)} up" if self.dx or self.dy else ""
        k, c = int(said.matching.argmax()), int(said.prototypes.argmax())
        shown = "one drawing of each class" if self.shots == 1 else f"{self.shots} drawings of each class"
        return (
            f"{which}{where}, beside {shown}. The nearest drawing is of class "
            f"{NAMES[said.nearest]}. Prototypes say {NAMES[c]}, with a share of {sig(said.prototypes[c])}. Matching with t = "
            f"{sig(self.scale)} says {NAMES[k]}, with a share of {sig(said.matching[k])}."
        )

    def draw(self, fig: Figure) -> None:
        """The plane with its letters, and the shares of both methods."""
        plane, bars = fig.subplots(1, 2, width_ratios=[3, 2])
        for k, each in enumerate(self.place(self.support)):
            for x, y in each:
                plane.annotate(
                    NAMES[k], (x, y), ha="center", va="center", color=style.color(HUES[k]), fontsize=12
                )
        plane.plot(*self.place(self.moved()), "o", color=style.color("truth"), markersize=9)
        plane.set(xlim=(-FAR, FAR), ylim=(-FAR, FAR), xlabel="widest direction", ylabel="second widest")
        said = self.said()
        for shift, name, shares in ((-0.2, "matching", said.matching), (0.2, "prototypes", said.prototypes)):
            bars.barh([k + shift for k in range(CLASSES)], shares, height=0.36, label=name,
                      color=style.color("metric" if name == "matching" else "reptile"))  # fmt: skip
        bars.set(yticks=range(CLASSES), yticklabels=list(NAMES), xlim=(0, 1), xlabel="share")
        bars.invert_yaxis()
        bars.legend(frameon=False)
