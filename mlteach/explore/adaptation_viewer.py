"""AdaptationViewer: one recorded few-shot episode, query by query, before and after every inner step.

Scrub the step and see which queries turn from wrong to right; pick one and see how its class probabilities move. The
numbers are recorded: nothing is trained here. Taught in: lesson 09.
"""

import math
from typing import Any

import numpy as np
import traitlets as t
from matplotlib.figure import Figure

from mlteach.errors import EpisodeError
from mlteach.explore import style
from mlteach.explore.base import Explorer

SIDE = 28  # pixels


class AdaptationViewer(Explorer):
    """Scrub the inner step of a recorded episode.

        viewer = AdaptationViewer(support, support_labels, query, query_labels, probabilities)
        viewer.step = 1
        print(viewer.summary)

    ``support`` [ways * shots, 28, 28] and ``query`` [Q, 28, 28] are pictures: uint8 with ink 255, or floats with ink 1;
    a channel axis of length 1 is welcome. ``support_labels`` and ``query_labels`` are in 0 .. ways-1.
    ``probabilities`` [steps + 1, Q, ways]: for each query before the first and after each inner step.
    ``support_mode``: the same again, with batch statistics from the support set; the first are then called transductive.
    ``names``: of the classes, else A, B, C, ...

    Raises ``EpisodeError`` when the shapes do not fit each other or a row of probabilities does not sum to 1.
    """

    module = "adaptation_viewer"
    shows = ("ways", "shots", "step", "picked", "mode")
    size = (8.0, 4.2)

    step = t.Int(0, help="inner steps taken").tag(sync=True)
    picked = t.Int(0, help="the query that is looked at").tag(sync=True)
    mode = t.Unicode("transductive").tag(sync=True)
    modes = t.List(t.Unicode()).tag(sync=True)
    ways = t.Int().tag(sync=True)
    steps = t.Int().tag(sync=True)
    names = t.List(t.Unicode()).tag(sync=True)
    support_labels = t.List(t.Int()).tag(sync=True)
    query_labels = t.List(t.Int()).tag(sync=True)
    support = t.Bytes(help="uint8 [ways * shots, 28, 28]").tag(sync=True)
    query = t.Bytes(help="uint8 [Q, 28, 28]").tag(sync=True)
    probabilities = t.Bytes(help="float32 [modes, steps + 1, Q, ways]").tag(sync=True)

    def __init__(
        self,
        support: Any,
        support_labels: Any,
        query: Any,
        query_labels: Any,
        probabilities: Any,
        *,
        support_mode: Any = None,
        names: list[str] | None = None,
        **traits: Any,
    ) -> None:
        tables = [_table(probabilities, "probabilities")]
        if support_mode is not None:
            tables.append(_table(support_mode, "support_mode"))
            if tables[0].shape != tables[1].shape:
                shapes = " and ".join(str(list(p.shape)) for p in tables)
                raise EpisodeError(
                    f"The two modes have shapes {shapes}; record both for the same steps and queries."
                )
        self._p = np.stack(tables)
        _, length, queries, ways = self._p.shape
        s, q = _pictures(support, "support"), _pictures(query, "query")
        s_labels, q_labels = (
            _labels(support_labels, len(s), ways, "support"),
            _labels(query_labels, len(q), ways, "query"),
        )
        if len(q) != queries:
            raise EpisodeError(
                f"There are {len(q)} query pictures but probabilities for {queries}; give one row a query."
            )
        names = list(names) if names else [chr(ord("A") + k) if k < 26 else f"class {k}" for k in range(ways)]
        if len(names) != ways:
            raise EpisodeError(
                f"There are {len(names)} names for {ways} classes; give one a class, or none at all."
            )
        super().__init__(
            support=s.tobytes(), query=q.tobytes(), support_labels=s_labels, query_labels=q_labels, ways=ways,
            probabilities=self._p.tobytes(), steps=length - 1, names=names,
            modes=["transductive", "support"][: len(tables)], **traits,
        )  # fmt: skip

    @t.validate("step", "picked")
    def _in_range(self, proposal: dict[str, Any]) -> int:
        name, last = (
            proposal["trait"].name,
            self.steps if proposal["trait"].name == "step" else len(self.query_labels) - 1,
        )
        if not 0 <= proposal["value"] <= last:
            raise t.TraitError(f"{name} must be 0 to {last}, not {proposal['value']}.")
        return int(proposal["value"])

    @t.validate("mode")
    def _is_there(self, proposal: dict[str, Any]) -> str:
        if proposal["value"] not in self.modes:
            raise t.TraitError(f"mode must be one of {', '.join(self.modes)}, not {proposal['value']!r}.")
        return str(proposal["value"])

    @property
    def shots(self) -> int:
        return len(self.support_labels) // self.ways

    def _right(self, step: int, mode: str) -> np.ndarray:
        """bool [Q]: is the most probable class the true one?"""
        return self._p[self.modes.index(mode), step].argmax(-1) == np.array(self.query_labels)

    def accuracy(self, step: int | None = None, mode: str | None = None) -> float:
        """Share of queries that are right after ``step`` inner steps (default: the step that is shown)."""
        return float(self._right(self.step if step is None else step, mode or self.mode).mean())

    @property
    def summary(self) -> str:
        right, n = int(self._right(self.step, self.mode).sum()), len(self.query_labels)
        p = self._p[self.modes.index(self.mode), self.step, self.picked]
        how = f" ({self.mode})" if len(self.modes) > 1 else ""
        says = int(p.argmax())
        return (
            f"After {self.step} of {self.steps} inner steps{how}: {right} of {n} queries right "
            f"({math.floor(100 * right / n + 0.5)} %). Query {self.picked} is {self.names[self.query_labels[self.picked]]}; "
            f"the network says {self.names[says]} with probability {math.floor(10 * float(p[says]) + 0.5) / 10:.1f}."
        )

    def draw(self, fig: Figure) -> None:
        """A row a class (support framed, then its queries, the wrong ones crossed), and accuracy after each step."""
        grid, curve = fig.subplots(1, 2, width_ratios=(1.4, 1))
        support = np.frombuffer(self.support, np.uint8).reshape(-1, SIDE, SIDE)
        query = np.frombuffer(self.query, np.uint8).reshape(-1, SIDE, SIDE)
        right, says = (
            self._right(self.step, self.mode),
            self._p[self.modes.index(self.mode), self.step].argmax(-1),
        )
        for row in range(self.ways):
            mine = [("support", support[k], True, row) for k, y in enumerate(self.support_labels) if y == row]
            mine += [
                ("query", query[k], right[k], says[k]) for k, y in enumerate(self.query_labels) if y == row
            ]
            for column, (kind, picture, ok, said) in enumerate(mine):
                x, y = column + (0.3 if kind == "query" else 0), -row
                grid.imshow(picture, extent=(x, x + 0.9, y, y + 0.9), vmin=0, vmax=255)
                look = dict(ec="black", lw=2) if kind == "support" else dict(ec="#6b6b6b", lw=0.8)
                if not ok:
                    look = dict(ec=style.color("warning"), lw=2)
                    grid.text(x + 0.9, y, f"✗{self.names[said]}", color=style.ink(style.color("warning")), fontsize=8,
                              ha="right", va="bottom", weight="bold")  # fmt: skip
                grid.add_patch(_frame(x, y, look))
            grid.text(-0.15, -row + 0.45, self.names[row], ha="right", va="center")
        most = max(self.query_labels.count(row) for row in range(self.ways)) + self.shots
        grid.set(xlim=(-0.2, most + 0.4), ylim=(1.05 - self.ways - 0.2, 1.05))
        grid.axis("off")
        grid.set_title(f"After step {self.step}: {math.floor(100 * right.mean() + 0.5)} % right")
        for k, mode in enumerate(self.modes):
            look = style.method("maml") | (dict(linestyle="--") if k else {})
            (line,) = curve.plot([100 * self.accuracy(j, mode) for j in range(self.steps + 1)], **look)
            if len(self.modes) > 1:
                style.label_line(curve, line, mode, dx=4, fontsize=9)
        curve.plot(self.step, 100 * self.accuracy(), "o", color=style.color("maml"), markersize=9)
        curve.set(ylim=(0, 103), xlabel="inner step", title="Queries right (%)", xticks=range(self.steps + 1))


def _frame(x: float, y: float, look: dict[str, Any]) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), 0.9, 0.9, fill=False, **look)


def _array(values: Any, name: str) -> np.ndarray:
    """A NumPy array from a NumPy array, a list, or a torch tensor on any device that asks for a gradient or not."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    try:
        return np.asarray(values)
    except ValueError as problem:
        raise EpisodeError(f"{name} must be a rectangular array of numbers.") from problem


def _table(values: Any, name: str) -> np.ndarray:
    p = _array(values, name).astype(np.float32)
    if p.ndim != 3 or 0 in p.shape:
        raise EpisodeError(f"{name} must have the shape [steps + 1, queries, ways], not {list(p.shape)}.")
    if not np.isfinite(p).all() or p.min() < 0 or np.abs(p.sum(-1) - 1).max() > 1e-3:
        raise EpisodeError(
            f"The rows of {name} must be probabilities that sum to 1; put the logits through a softmax."
        )
    return p


def _pictures(values: Any, name: str) -> np.ndarray:
    x = _array(values, name)
    x = x[:, 0] if x.ndim == 4 and x.shape[1] == 1 else x
    if x.ndim != 3 or x.shape[1:] != (SIDE, SIDE) or not len(x):
        raise EpisodeError(
            f"{name} must be pictures [n, {SIDE}, {SIDE}], not an array of shape {list(x.shape)}."
        )
    return x if x.dtype == np.uint8 else (255 * np.clip(x, 0, 1)).round().astype(np.uint8)


def _labels(values: Any, n: int, ways: int, name: str) -> list[int]:
    labels = _array(values, name).reshape(-1)
    if len(labels) != n:
        raise EpisodeError(
            f"There are {len(labels)} {name} labels for {n} {name} pictures; give one a picture."
        )
    if labels.min() < 0 or labels.max() >= ways:
        raise EpisodeError(f"The {name} labels must be 0 to {ways - 1}, because there are {ways} classes.")
    return [int(y) for y in labels]
