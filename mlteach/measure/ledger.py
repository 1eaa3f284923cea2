"""Results are recorded where they are made and printed from where they were recorded; none is typed in by hand."""

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from mlteach.checkpoint import save_checkpoint
from mlteach.errors import DataError
from mlteach.files import write_atomic
from mlteach.measure.interval import Interval
from mlteach.params import Params

RECORD_TO = "MLTEACH_RESULTS"  # names the file that a run of a lesson collects its figures in


def data_folder() -> Path:
    """The course's ``data/`` folder: above the working directory, else beside the package. Raises DataError."""
    package = Path(__file__).resolve().parents[2]
    for folder in (Path.cwd(), *Path.cwd().parents, package):
        if (folder / "data" / "published.json").is_file():
            return folder / "data"
    raise DataError(
        "Cannot find the folder data/ with published.json. Run this from inside the course's folder."
    )


def record(
    name: str,
    value: float | Interval,
    *,
    unit: str,
    seeds: Sequence[int],
    seconds: float | None = None,
    device: str = "cpu",
    tasks: int | None = None,
    interval: float | None = None,
    note: str = "",
) -> None:
    """Keep a named figure of this run, if the run keeps figures (``start.py run`` does; else nothing happens).

    name: such as "maml.5way1shot.transductive". value: a number, or an `Interval` that brings its half width.
    interval: half width of the 95 % interval. seconds: what the training took. A name recorded again is replaced.
    """
    if isinstance(value, Interval):
        interval, tasks = value.half_width, tasks or value.n
        value = value.mean
    target = os.environ.get(RECORD_TO)
    if not target:
        return
    path = Path(target)
    figures = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    figures = [figure for figure in figures if figure["name"] != name]
    figure: dict[str, Any] = {
        "name": name,
        "value": value,
        "interval": interval,
        "unit": unit,
        "seeds": list(seeds),
        "seconds": None if seconds is None else round(seconds, 1),
        "device": device,
        "tasks": tasks,
        "note": note,
    }
    write_atomic(path, json.dumps([*figures, figure], indent=1) + "\n")


def keep_checkpoint(name: str, theta: Params, about: dict[str, Any]) -> None:
    """Keep parameters of this run as ``name``.safetensors beside its figures, if the run keeps figures.

    ``start.py run --record`` carries them on into ``data/checkpoints/``. Raises CheckpointError on a full disk.
    """
    target = os.environ.get(RECORD_TO)
    if target:
        named = {f"theta.{each}": value for each, value in theta.items()}
        save_checkpoint(Path(target).parent / f"{name}.safetensors", named, about)


def keep_results(lesson: str, profile: str, figures: Sequence[dict[str, Any]], **about: Any) -> Path:
    """Write ``data/results/NN-profile.json``, from where `recorded` reads it, and return its path.

    For a benchmark, which is no run of a lesson. lesson: its name, "05_the_meta_learner_lstm". about: what else to keep.
    """
    whole = {
        "lesson": lesson,
        "profile": profile,
        **about,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version(), "torch": torch.__version__.split("+")[0]},
        "figures": list(figures),
    }
    path = data_folder() / "results" / f"{lesson[:2]}-{profile}.json"
    write_atomic(path, json.dumps(whole, indent=2, ensure_ascii=False) + "\n")
    return path


def recorded(lesson: str, profile: str) -> dict[str, dict[str, Any]]:
    """The kept figures of a lesson by name, from ``data/results/NN-profile.json``; empty if that run was not kept."""
    path = data_folder() / "results" / f"{lesson}-{profile}.json"
    if not path.is_file():
        return {}
    return {figure["name"]: figure for figure in json.loads(path.read_text(encoding="utf-8"))["figures"]}


def published(name: str) -> dict[str, Any]:
    """A number out of a paper, with its source, from ``data/published.json``. Raises DataError for an unknown name."""
    numbers = json.loads((data_folder() / "published.json").read_text(encoding="utf-8"))
    if name not in numbers:
        raise DataError(f"No published number is called {name!r}; there are {', '.join(sorted(numbers))}.")
    return numbers[name]
