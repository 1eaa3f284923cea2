"""Pictures of the sinusoid loss around five starts, for lesson 11 and its explorer.

    python -m studies.lesson11_landscapes

Takes the starts that ``python -m studies.lesson06_starts`` left in ``data/checkpoints/06-*`` and adapts each to a few
tasks by gradient descent. Draws the support loss, which the inner loop descends, around the random start (before
meta-training) and around MAML's (after), on five planes each, and projects every path on every plane. Writes
``data/checkpoints/11-landscapes``: the tables as safetensors, and as JSON how they were made.
"""

import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mlteach.checkpoint import load_checkpoint, params_from, save_checkpoint
from mlteach.inner import adapt, sgd
from mlteach.measure import difference
from mlteach.measure.curvature import top_eigenvalue
from mlteach.measure.landscape import (
    Loss,
    Picture,
    filter_normalised,
    on_task,
    picture,
    plane_through,
    project,
    random_direction,
    rescaled,
)
from mlteach.measure.ledger import data_folder
from mlteach.nets import MLP, squared_error
from mlteach.params import Params, detach, norm, scale, subtract
from mlteach.tasks import Sinusoids

NET, FAMILY, RATE, SHOTS, QUERIES, STEPS = MLP((1, 40, 40, 1)), Sinusoids.finn(), 0.01, 10, 100, 10
SUPPORT_SEED, DIRECTION_SEED, POINTS, FACTOR, MARGIN = 11, 0, 37, 3.0, 0.3
#: (amplitude, phase in radians): one weak sinusoid, and two strong ones at either end of the phases.
TASKS = {"weak, phase 0.6": (1.0, 0.6), "strong, phase 0.6": (4.0, 0.6), "strong, phase 2.6": (4.0, 2.6)}
METHODS = ("random", "joint", "maml", "fomaml", "reptile")
STARTS = {"before": "random", "after": "maml"}
PLANES = ("path", "points", "filter", "raw", "rescaled")


def load(folder: Path) -> dict[str, Params]:
    """The five starts, in float64. Raises CheckpointError for one that is missing."""
    like = NET.init(torch.Generator().manual_seed(0), torch.float64)
    return {name: params_from(load_checkpoint(folder / f"06-{name}.safetensors"), like) for name in METHODS}


def examples(truth: tuple[float, float], generator: torch.Generator) -> tuple[Tensor, ...]:
    """Support x and y [10, 1], drawn, and query x and y [100, 1], evenly spread; float64."""
    (low, high), (a, b) = FAMILY.x, (torch.tensor(each, dtype=torch.float64) for each in truth)
    x = low + (high - low) * torch.rand(SHOTS, 1, generator=generator, dtype=torch.float64)
    query_x = torch.linspace(low, high, QUERIES, dtype=torch.float64).unsqueeze(1)
    return x, FAMILY.value(x, a, b), query_x, FAMILY.value(query_x, a, b)


def around(places: Tensor, stretched: bool) -> tuple[float, float, float, float]:
    """A frame around points [n, 2] with a margin: a square, or stretched to fit each axis by itself."""
    low, high = places.min(0).values, places.max(0).values
    wide = high - low if stretched else (high - low).max().expand(2)
    middle, half = (low + high) / 2, (0.5 + MARGIN) * wide
    (a, b), (h, g) = middle.tolist(), half.tolist()
    return a - h, a + h, b - g, b + g


def pictures(loss: Loss, paths: dict[str, list[Params]], name: str) -> dict[str, Picture]:
    """The five planes at the start of path ``name``, all paths on each."""
    path, joint = paths[name], paths["joint"][0]
    start = path[0]
    g = torch.Generator().manual_seed(DIRECTION_SEED)  # the same two directions before and after
    drawn = [random_direction(start, generator=g) for _ in range(2)]
    filters = tuple(filter_normalised(each, start) for each in drawn)
    # As long as the filter-normalised ones, so that one unit of the axes is as far in both pictures.
    raw = tuple(scale(norm(f) / norm(d), d) for f, d in zip(filters, drawn, strict=True))
    grown = rescaled(start, "layer1", "layer2", FACTOR)
    moved = {each: [rescaled(p, "layer1", "layer2", FACTOR) for p in path] for each, path in paths.items()}
    corners = [start, path[-1], joint]
    plane, near = plane_through(*corners), plane_through(start, path[1], path[-1])
    # The joint start is tens of times as far away as adaptation goes, so that plane is stretched; the near one is not.
    frame = around(project(corners, start, plane)[:, :2], stretched=True)
    close, unit = around(project(path, start, near)[:, :2], stretched=False), (-1.0, 1.0, -1.0, 1.0)
    found = {
        "filter": picture(loss, start, filters, paths, unit, points=POINTS),
        "raw": picture(loss, start, raw, paths, unit, points=POINTS),
        "rescaled": picture(loss, grown, raw, moved, unit, points=POINTS),
        "points": picture(loss, start, plane, paths, frame, points=POINTS),
        "path": picture(loss, start, near, paths, close, points=POINTS),
    }
    again = picture(
        loss, grown, tuple(filter_normalised(each, grown) for each in drawn), {}, unit, points=POINTS
    )
    if difference(again.losses.log(), found["filter"].losses.log()) > 1e-9:
        raise RuntimeError("Rescaled layers must give the same filter-normalised picture.")
    return found


def make(thetas: dict[str, Params]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tables and what is said about them."""
    began, generator = time.monotonic(), torch.Generator().manual_seed(SUPPORT_SEED)
    drawn: list[dict[str, dict[str, Picture]]] = []
    scores, seen = [], {}
    for task, truth in TASKS.items():
        x, y, query_x, query_y = examples(truth, generator)

        def support(params: Params, x: Tensor = x, y: Tensor = y) -> Tensor:
            return squared_error(NET(params, x), y)

        paths = {
            name: [detach(p) for p in adapt(support, theta, sgd(RATE), STEPS, path=True)]
            for name, theta in thetas.items()
        }
        for name, path in paths.items():
            rows = [
                [
                    support(p).item(),
                    squared_error(NET(p, query_x), query_y).item(),
                    top_eigenvalue(
                        support, p, generator=torch.Generator().manual_seed(0), tolerance=1e-4
                    ).value,
                ]
                for p in path
            ]
            scores.append(rows)
            seen[f"{name}, {task}"] = {
                "query_mse": [round(row[1], 3) for row in rows],
                "top_eigenvalue": [round(row[2], 1) for row in rows],
                "distance_moved": round(norm(subtract(path[-1], path[0])).item(), 3),
            }
        drawn.append({start: pictures(on_task(NET, squared_error, x, y), paths, name) for start, name in STARTS.items()})  # fmt: skip

    def table(of: Any) -> Tensor:
        return torch.stack([
            torch.stack([torch.stack([torch.as_tensor(of(start[plane])) for plane in PLANES]) for start in task.values()])
            for task in drawn
        ]).float()  # fmt: skip

    tables = {
        "losses": table(lambda p: p.losses),
        "extents": table(lambda p: p.extent),
        "units": table(lambda p: p.unit),
        "paths": table(lambda p: torch.stack(list(p.paths.values()))),
        "scores": torch.tensor(scores).reshape(len(TASKS), len(METHODS), STEPS + 1, 3),
    }
    about = {
        "command": "python -m studies.lesson11_landscapes",
        "made_from": [f"06-{name}" for name in METHODS],
        "tables": {
            "losses": "support loss [task, start, plane, n, n]",
            "extents": "ends of both axes [task, start, plane, 4]",
            "units": "distance between parameters along one unit of the axes [task, start, plane]",
            "paths": "two coordinates and the distance to the plane [task, start, plane, method, step, 3]",
            "scores": "support loss, query loss, top Hessian eigenvalue of the support loss [task, method, step, 3]",
        },
        "tasks": {name: {"amplitude": a, "phase": b} for name, (a, b) in TASKS.items()},
        "starts": list(STARTS),
        "planes": list(PLANES),
        "methods": list(METHODS),
        "seed": {"support": SUPPORT_SEED, "directions": DIRECTION_SEED},
        "settings": {"rate": RATE, "shots": SHOTS, "queries": QUERIES, "steps": STEPS, "factor": FACTOR},
        "seconds": round(time.monotonic() - began, 1),
        "device": "cpu",
        "measured": seen,
    }
    return tables, about


def main(source: Path, target: Path) -> None:
    """Draw, and write."""
    torch.set_num_threads(1)
    tables, about = make(load(source))
    save_checkpoint(target / "11-landscapes.safetensors", tables, about)
    for name, rows in about["measured"].items():
        print(f"{name:28} query MSE {rows['query_mse'][0]:.2f} -> {rows['query_mse'][-1]:.2f}")


if __name__ == "__main__":
    checkpoints = data_folder() / "checkpoints"
    main(*(Path(each) for each in sys.argv[1:3]) if len(sys.argv) > 2 else (checkpoints, checkpoints))
