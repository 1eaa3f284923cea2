"""LossLandscape: the loss around a start before and after meta-training, and two tasks that pull one start about.

Scene "network": recorded pictures of a network's support loss on planes through parameter space, with the adaptation
paths of several starts projected on them, and how far off the plane each point really is. Scene "tasks": two valleys
over two parameters, computed live (`two_tasks`, beside this file). Taught in: lesson 11.
"""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import traitlets as t
from matplotlib.figure import Figure

from mlteach.checkpoint import load_checkpoint
from mlteach.errors import EpisodeError
from mlteach.explore import style
from mlteach.explore.base import Explorer, sig
from mlteach.explore.loss_landscape import two_tasks
from mlteach.measure.landscape import Picture
from mlteach.measure.ledger import data_folder

RECORDED = "11-landscapes"

#: From low losses to high: lightness falls all the way, and no step needs red told from green. As in view.js, in every theme.
RAMP = ("#fffdf0", "#fbeeb0", "#e3cf7c", "#b9ab78", "#8a8a80", "#5a6480", "#2c4172", "#0b2350")

#: What the course's names mean, in words. A lesson's own names stand as they are.
WORDS = {
    "before": "before meta-training", "after": "after meta-training",
    "filter": "filter-normalised directions", "raw": "raw directions",
    "rescaled": "raw directions, layers rescaled", "points": "the plane of start, adapted and jointly trained",
    "path": "the plane of the path",
    "random": "the random start", "joint": "joint training", "maml": "MAML", "fomaml": "FOMAML", "reptile": "Reptile",
}  # fmt: skip
AXES = {"points": ("towards adapted", "towards jointly trained"), "path": ("along step 1", "towards adapted")}
_LOOK = {"random": "truth", "joint": "baseline", "maml": "maml", "fomaml": "fomaml", "reptile": "reptile"}

Key = tuple[str, str, str]


class LossLandscape(Explorer):
    """Choose a picture and scrub the inner steps; or drag a start over two tasks.

        landscape = LossLandscape.recorded()
        landscape.start, landscape.step = "after", 5
        print(landscape.summary)

    pictures: a `mlteach.measure.landscape.Picture` for every (task, start, plane), all with the same grid and paths.
    scores: for every (task, path) support loss and query loss before the first and after each inner step, and if you
        have it the top eigenvalue: [steps + 1, 2] or [steps + 1, 3].
    Without pictures only the scene "tasks" is there. A path that is farther off the plane than the picture is wide is not
    drawn.

    Raises ``EpisodeError`` when the tables do not fit each other.
    """

    module = "loss_landscape"
    shows = ("scene", "task", "start", "plane", "view", "step", "theta", "rate", "inner", "meta", "ground")
    size = (8.5, 4.4)

    scene = t.Enum(["network", "tasks"], default_value="tasks").tag(sync=True)

    task = t.Unicode(help="whose loss is drawn").tag(sync=True)
    start = t.Unicode(help="around which start").tag(sync=True)
    plane = t.Unicode(help="along which directions").tag(sync=True)
    view = t.Enum(["contour", "3-D"], default_value="contour").tag(sync=True)
    step = t.Int(0, help="inner steps that are shown").tag(sync=True)
    turn = t.Float(35.0, min=-180.0, max=180.0, help="of the 3-D view, degrees").tag(sync=True)
    tilt = t.Float(40.0, min=10.0, max=85.0, help="of the 3-D view, degrees; 90 is from above").tag(sync=True)

    theta = t.Tuple(t.Float(), t.Float(), default_value=(-0.7, 0.2), help="the shared start").tag(sync=True)
    rate = t.Float(0.15, min=0.01, max=0.25, help="inner rate alpha").tag(sync=True)
    inner = t.Int(5, min=1, max=10, help="Reptile's inner steps, k").tag(sync=True)
    meta = t.Int(0, min=0, max=200, help="meta-steps that are followed").tag(sync=True)
    ground = t.Enum(["joint", "adapted"], default_value="joint", help="loss that is drawn").tag(sync=True)

    tasks = t.List(t.Unicode()).tag(sync=True)
    starts = t.List(t.Unicode()).tag(sync=True)
    planes = t.List(t.Unicode()).tag(sync=True)
    methods = t.List(t.Unicode()).tag(sync=True)
    points = t.Int(0, help="of the grid along one axis").tag(sync=True)
    steps = t.Int(0).tag(sync=True)
    tables = t.Bytes(help="float32 [tasks, starts, planes, n, n], support losses").tag(sync=True)
    frames = t.Bytes(help="float32 [tasks, starts, planes, 5], extent and unit").tag(sync=True)
    paths = t.Bytes(help="float32 [tasks, starts, planes, methods, steps + 1, 3]").tag(sync=True)
    scores = t.Bytes(help="float32 [tasks, methods, steps + 1, 3]").tag(sync=True)

    def __init__(
        self,
        pictures: Mapping[Key, Picture] | None = None,
        scores: Mapping[tuple[str, str], Any] | None = None,
        **traits: Any,
    ) -> None:
        self._tables, names = _stacked(pictures or {}, scores or {})
        tables, first = self._tables, {}
        if names["tasks"]:
            first = {"scene": "network", "task": names["tasks"][0], "plane": names["planes"][0]}
            first |= {"start": names["starts"][-1], "step": tables["paths"].shape[4] - 1}
        super().__init__(
            points=tables["tables"].shape[-1], steps=max(tables["paths"].shape[4] - 1, 0), **names,
            **{name: table.tobytes() for name, table in tables.items()}, **{**first, **traits},
        )  # fmt: skip

    @classmethod
    def recorded(cls, **traits: Any) -> "LossLandscape":
        """The pictures that come with the course, as ``python -m studies.lesson11_landscapes`` recorded them.

        Raises CheckpointError when they are not there.
        """
        stored, about = load_checkpoint(data_folder() / "checkpoints" / f"{RECORDED}.safetensors")
        losses, extents, units, paths, scores = (
            stored[name] for name in ("losses", "extents", "units", "paths", "scores")
        )
        pictures = {
            (task, start, plane): Picture(
                losses[i, j, k], tuple(extents[i, j, k].tolist()),
                dict(zip(about["methods"], paths[i, j, k], strict=True)), units[i, j, k].item(),
            )
            for i, task in enumerate(about["tasks"])
            for j, start in enumerate(about["starts"])
            for k, plane in enumerate(about["planes"])
        }  # fmt: skip
        table = {
            (task, method): scores[i, m]
            for i, task in enumerate(about["tasks"])
            for m, method in enumerate(about["methods"])
        }
        return cls(pictures, table, **traits)

    @t.validate("scene")
    def _has_pictures(self, proposal: dict[str, Any]) -> str:
        if proposal["value"] == "network" and not self._tables["tables"].size:
            raise t.TraitError(
                'scene can be "tasks" only: hand in pictures, or take LossLandscape.recorded().'
            )
        return str(proposal["value"])

    @t.validate("task", "start", "plane")
    def _is_there(self, proposal: dict[str, Any]) -> str:
        name, value = proposal["trait"].name, proposal["value"]
        known = getattr(self, f"{name}s")
        if known and value not in known:
            raise t.TraitError(f"{name} must be one of {', '.join(known)}, not {value!r}.")
        return str(value)

    @t.validate("step")
    def _in_range(self, proposal: dict[str, Any]) -> int:
        if not 0 <= proposal["value"] <= self.steps:
            raise t.TraitError(f"step must be 0 to {self.steps}, not {proposal['value']}.")
        return int(proposal["value"])

    @t.validate("theta")
    def _in_the_box(self, proposal: dict[str, Any]) -> tuple[float, float]:
        x, y = proposal["value"]
        (a, b), (c, d) = two_tasks.BOX
        if not (a <= x <= b and c <= y <= d):
            raise t.TraitError(
                f"theta must lie within {a:g} to {b:g} and {c:.3g} to {d:.3g}, not ({x}, {y})."
            )
        return x, y

    # ---- the network

    @property
    def _at(self) -> tuple[int, int, int]:
        return self.tasks.index(self.task), self.starts.index(self.start), self.planes.index(self.plane)

    def losses(self) -> np.ndarray:
        """The support losses of the picture, float32 [n, n]: first axis, second axis."""
        return self._tables["tables"][self._at]

    def extent(self) -> np.ndarray:
        """Ends of the first and of the second axis, float32 [4]."""
        return self._tables["frames"][self._at][:4]

    def path(self, method: str) -> np.ndarray:
        """Two coordinates and the distance to the plane, float32 [steps + 1, 3]."""
        return self._tables["paths"][self._at][self.methods.index(method)]

    def score(self, method: str) -> np.ndarray:
        """Support loss, query loss and top eigenvalue (nan where not given), float32 [steps + 1, 3]."""
        return self._tables["scores"][self._at[0], self.methods.index(method)]

    def width(self) -> float:
        """The picture's longer side as a distance between parameters. What is farther off the plane is not drawn."""
        a, b, c, d, unit = self._tables["frames"][self._at].tolist()
        return max(b - a, d - c) * unit

    # ---- two tasks

    def arrows(self) -> dict[str, tuple[float, float]]:
        """Where each method would move the start: minus its meta-gradient, by ``two_tasks.move``."""
        x, y = self.theta
        return {
            m: two_tasks.move(m, x, y, self.rate, self.inner) for m in ("joint", "maml", "fomaml", "reptile")
        }

    def follow(self, method: str) -> list[tuple[float, float]]:
        """The start after 0, 1, ..., ``meta`` meta-steps of a method."""
        x, y = self.theta
        return two_tasks.walk(method, x, y, self.rate, self.inner, self.meta)

    @property
    def stars(self) -> int:
        """0 to 3 stars for the task of the scene "tasks"."""
        x, y = self.theta
        return two_tasks.stars(x, y, self.rate)

    # ---- in words and as a picture

    @property
    def summary(self) -> str:
        return self._network_in_words() if self.scene == "network" else self._tasks_in_words()

    def _network_in_words(self) -> str:
        table, wide = self.losses(), self.width()
        text = (
            f"{self.task}, {WORDS.get(self.start, self.start)}, {WORDS.get(self.plane, self.plane)}: support loss "
            f"{sig(float(table.min()))} to {sig(float(table.max()))} in the picture. After {self.step} of {self.steps} steps"
        )
        parts = []
        for method in self.methods:
            off, query = float(self.path(method)[self.step, 2]), float(self.score(method)[self.step, 1])
            place = "on the plane" if off < 1e-3 * wide else f"{sig(off)} off the plane"
            place += "" if off <= wide else ", not drawn"
            parts.append(f"{WORDS.get(method, method)} has query loss {sig(query)} ({place})")
        return f"{text}: {'; '.join(parts)}. The picture is {sig(wide)} wide."

    def _tasks_in_words(self) -> str:
        (x, y), rate = self.theta, self.rate
        here, then = two_tasks.joint(x, y), two_tasks.after(x, y, rate)
        times, share = here / two_tasks.joint(*two_tasks.BEST), then / two_tasks.after(*two_tasks.BEST, rate)
        arrows = self.arrows()
        turned = [
            f"{WORDS[m]}'s by {sig(two_tasks.angle(arrows['joint'], arrows[m]))}"
            for m in ("maml", "fomaml", "reptile")
        ]
        text = (
            f"Start ({sig(x, 3)}, {sig(y, 3)}): mean loss {sig(here)}, {sig(times)} times its minimum; {sig(then)} after one "
            f"step at rate {sig(rate, 3)}, {sig(share)} times as much as from joint training's best start. Against joint "
            f"training's arrow, {', '.join(turned)} degrees."
        )
        if self.meta:
            ends = [(m, self.follow(m)) for m in arrows]
            found = [
                f"{sig(two_tasks.after(*path[-1], rate))} for {WORDS[m]}"
                if len(path) > self.meta
                else f"none for {WORDS[m]}, which runs away"
                for m, path in ends
            ]
            text += f" Loss after one step when {self.meta} meta-steps are made: {', '.join(found)}."
        return text + (f" {'★' * self.stars}" if self.stars else "")

    def draw(self, fig: Figure) -> None:
        """The picture with its paths, or the two tasks with the arrows."""
        from matplotlib.colors import LinearSegmentedColormap, LogNorm

        ramp = LinearSegmentedColormap.from_list("loss", RAMP)
        if self.scene == "network":
            self._draw_network(fig, ramp, LogNorm)
        else:
            self._draw_tasks(fig, ramp, LogNorm)

    def _draw_network(self, fig: Figure, ramp: Any, norm: Any) -> None:
        solid = self.view == "3-D"
        table, (a, b, c, d), last = self.losses(), self.extent().tolist(), self.step + 1
        i, _, k = self._at
        both = self._tables["tables"][i, :, k]  # one scale of colours for all starts
        colours = norm(max(both.min(), both.max() * 1e-5), both.max(), clip=True)
        u, v = (np.linspace(*ends, self.points) for ends in ((a, b), (c, d)))
        land: Any = fig.add_subplot(1, 2, 1, projection="3d" if solid else None)
        if solid:
            height = np.log10(table)
            land.plot_surface(*np.meshgrid(u, v, indexing="ij"), height, facecolors=ramp(colours(table)), rstride=1, cstride=1, shade=False)  # fmt: skip
            land.set(zlabel="log10 loss", zlim=(np.log10(colours.vmin), np.log10(colours.vmax)))
            land.view_init(self.tilt, self.turn - 90)
            land.tick_params(labelsize=7)
        else:
            seen = _shades(land, u, v, table.T, ramp, colours)
            land.contour(u, v, table.T, levels=_levels(colours.vmin, colours.vmax), colors="#55595f", linewidths=0.5)  # fmt: skip
            fig.colorbar(seen, ax=land, label="support loss", shrink=0.8)
            land.set(xlim=(a, b), ylim=(c, d), box_aspect=1)
        curve = fig.add_subplot(1, 2, 2)
        for method in self.methods:
            look, path = style.method(_LOOK.get(method, "lstm")), self.path(method)[:last]
            hue = _LOOK.get(method, "lstm")
            if path[-1, 2] <= self.width():
                height = [np.log10(self.score(method)[:last, 0])] if solid else []
                land.plot(
                    *path[:, :2].T, *height, **look | dict(zorder=5, path_effects=_casing(look["linewidth"]))
                )
                if not solid:
                    land.scatter(*path[:, :2].T, c=style.steps(last, hue), s=14, zorder=6)
            (line,) = curve.semilogy(self.score(method)[:last, 1], **look)
            style.label_line(curve, line, WORDS.get(method, method), fontsize=8)
        names = AXES.get(self.plane, ("first direction", "second direction"))
        land.set(xlabel=names[0], ylabel=names[1])
        land.set_title(WORDS.get(self.start, self.start).capitalize())
        curve.set(xlabel="inner step", title="Query loss", xlim=(0, max(self.step, 1)))
        style.spread_labels(fig)

    def _draw_tasks(self, fig: Figure, ramp: Any, norm: Any) -> None:
        ((a, b), (c, d)), land = two_tasks.BOX, cast(Any, fig.subplots())
        x, y = np.meshgrid(np.linspace(a, b, 151), np.linspace(c, d, 101))
        value: Any = (
            two_tasks.joint if self.ground == "joint" else lambda p, q: two_tasks.after(p, q, self.rate)
        )
        table = value(x, y)
        seen = _shades(land, x, y, table, ramp, norm(0.1, 30, clip=True))
        fig.colorbar(seen, ax=land, label="loss", shrink=0.9)
        land.contour(x, y, table, levels=_levels(0.005, 300), colors="#55595f", linewidths=0.5)
        for name, task in two_tasks.TASKS.items():
            land.plot(x[0], task.p + task.q * x[0] + task.r * x[0] ** 2, color="black", linewidth=1)
            low = task.low, task.p + task.q * task.low + task.r * task.low**2
            land.plot(*low, "k*", markersize=10)
            land.annotate(f"task {name}", low, xytext=(8, 6 if name == "A" else -14), textcoords="offset points", fontweight="bold", path_effects=_casing(0))  # fmt: skip
        arrows = self.arrows()
        longest = max(max(np.hypot(*arrow) for arrow in arrows.values()), 1e-12)
        for method, (p, q) in arrows.items():
            size, look = np.hypot(p, q), style.method(_LOOK[method])
            if self.meta:
                land.plot(*np.transpose(self.follow(method)), **look, path_effects=_casing(look["linewidth"]))
            if size:
                long = 0.8 * (size / longest) ** 0.5 / size
                tip = self.theta[0] + long * p, self.theta[1] + long * q
                land.annotate(
                    "", tip, self.theta, arrowprops=dict(arrowstyle="-|>", lw=3, color=look["color"])
                )
                land.annotate(WORDS[method], tip, xytext=(5, 3), textcoords="offset points", color=style.ink(look["color"]),
                              fontweight="bold", fontsize=9, path_effects=_casing(0))  # fmt: skip
        land.plot(*self.theta, "ko", markersize=9)
        title = "Mean loss" if self.ground == "joint" else "Mean loss after one inner step"
        land.set(xlim=(a, b), ylim=(c, d), xlabel="θ₁", ylabel="θ₂", title=title, aspect="equal")


def _casing(width: float) -> list[Any]:
    """White around lines and letters, so that they stand out from any colour."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=width + 2.5, foreground="white")]


def _shades(ax: Any, x: np.ndarray, y: np.ndarray, table: np.ndarray, ramp: Any, colours: Any) -> Any:
    """The loss in flat shades from its ``vmin`` to its ``vmax``: a third of the bytes of a smooth picture."""
    from matplotlib.cm import ScalarMappable

    edges = np.geomspace(colours.vmin, colours.vmax, 25)
    inside = np.clip(table, edges[0] * (1 + 1e-9), edges[-1] * (1 - 1e-9))
    ax.contourf(x, y, inside, levels=edges, cmap=ramp, norm=colours, antialiased=False)
    return ScalarMappable(colours, ramp)  # a scale with round numbers on it


def _levels(low: float, high: float) -> list[float]:
    """1, 2, 5, 10, ... between two losses."""
    found = [m * 10.0**p for p in range(-12, 13) for m in (1, 2, 5)]
    return [level for level in found if low < level < high]


def _array(values: Any) -> np.ndarray:
    return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values, dtype=np.float32)


def _stacked(
    pictures: Mapping[Key, Picture], scores: Mapping[tuple[str, str], Any]
) -> tuple[dict[str, np.ndarray], dict[str, list[str]]]:
    """All tables as arrays, and the names along their axes; EpisodeError for what is missing or does not fit."""
    names: dict[str, list[str]] = {
        name: list(dict.fromkeys(key[axis] for key in pictures))
        for axis, name in enumerate(("tasks", "starts", "planes"))
    }
    names["methods"] = list(next(iter(pictures.values())).paths) if pictures else []
    if not pictures:
        empty = {"tables": (0, 0, 0, 0, 0), "frames": (0, 0, 0, 5), "paths": (0, 0, 0, 0, 0, 3), "scores": (0, 0, 0, 3)}  # fmt: skip
        return {name: np.zeros(shape, np.float32) for name, shape in empty.items()}, names
    keys = [(a, b, c) for a in names["tasks"] for b in names["starts"] for c in names["planes"]]
    if missing := [key for key in keys if key not in pictures]:
        raise EpisodeError(f"There is no picture for {missing[0]}; give one for every task, start and plane.")
    pairs = [(task, method) for task in names["tasks"] for method in names["methods"]]
    if missing_scores := [pair for pair in pairs if pair not in scores]:
        raise EpisodeError(f"There are no scores for {missing_scores[0]}; give them for every task and path.")
    if odd := [key for key in keys if list(pictures[key].paths) != names["methods"]]:
        raise EpisodeError(
            f"The picture {odd[0]} has other paths than the first; give all pictures the same."
        )

    shape = tuple(len(names[name]) for name in ("tasks", "starts", "planes"))
    rows = {
        "tables": [_array(pictures[key].losses) for key in keys],
        "frames": [_array((*pictures[key].extent, pictures[key].unit)) for key in keys],
        "paths": [np.stack([_array(path) for path in pictures[key].paths.values()]) for key in keys],
        "scores": [_array(scores[pair]) for pair in pairs],
    }
    for name, parts in rows.items():
        if len({part.shape for part in parts}) > 1:
            sizes = sorted({str(list(part.shape)) for part in parts})
            raise EpisodeError(
                f"The {name} have different shapes, {' and '.join(sizes)}; make them all alike."
            )
    n, steps = rows["tables"][0].shape, rows["paths"][0].shape[1]
    if len(n) != 2 or n[0] != n[1] or n[0] < 2:
        raise EpisodeError(f"The losses of a picture must be [n, n] with n above 1, not {list(n)}.")
    if rows["scores"][0].shape not in ((steps, 2), (steps, 3)):
        raise EpisodeError(
            f"Paths of {steps} points need scores of shape [{steps}, 2] or [{steps}, 3], not {list(rows['scores'][0].shape)}."
        )
    rows["scores"] = [
        np.pad(p, ((0, 0), (0, 3 - p.shape[1])), constant_values=np.nan) for p in rows["scores"]
    ]
    found = {name: np.stack(parts).reshape(*shape, *parts[0].shape) for name, parts in rows.items() if name != "scores"}  # fmt: skip
    found["scores"] = np.stack(rows["scores"]).reshape(shape[0], len(names["methods"]), steps, 3)
    positive = found["tables"].min() > 0 and found["scores"][..., :2].min() > 0
    if not positive or not all(np.isfinite(found[name]).all() for name in ("tables", "frames", "paths")):
        raise EpisodeError("Losses must be above 0, and all numbers finite: colours and axes go by their logarithms.")  # fmt: skip
    return found, names
