"""Results are recorded where they are made and printed from where they were recorded; none is typed in by hand."""

import json
import math
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from mlteach.checkpoint import save_checkpoint
from mlteach.errors import DataError
from mlteach.files import in_words, one_sentence, write_atomic
from mlteach.measure.interval import Interval
from mlteach.params import Params

RECORD_TO = "MLTEACH_RESULTS"  # names the file that a run of a lesson collects its figures in
NOT_FINITE = ("nan", "inf", "-inf")  # JSON has no numbers for these


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
    A value that is not finite is kept as null, with a note of what it was, out of which `recorded` makes it again.
    Raises DataError when the run's file cannot be read or written.
    """
    if isinstance(value, Interval):
        interval, tasks = value.half_width, tasks or value.n
        value = value.mean
    target = os.environ.get(RECORD_TO)
    if not target:
        return
    path = Path(target)
    figures = read_json(path, "Delete it and run the lesson again.", list) if path.exists() else []
    figures = [each for each in figures if isinstance(each, dict) and each.get("name") != name]
    value = value if isinstance(value, int) else float(value)
    if not math.isfinite(value):
        note = f"{note} ({value})".strip()
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
    write_json(path, [*figures, figure], indent=1)


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

    For a benchmark, which is no run of a lesson. lesson: its name, "05_the_meta_learner_lstm", of which the part before the first
    underline is kept ("part3" for what belongs to several). about: what else to keep.
    """
    whole = {
        "lesson": lesson,
        "profile": profile,
        **about,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version(), "torch": torch.__version__.split("+")[0]},
        "figures": list(figures),
    }
    path = data_folder() / "results" / f"{lesson.partition('_')[0]}-{profile}.json"
    write_json(path, whole, indent=2, ensure_ascii=False)
    return path


def recorded(lesson: str, profile: str) -> dict[str, dict[str, Any]]:
    """The kept figures of a lesson by name, from ``data/results/NN-profile.json``; empty if that run was not kept.

    A value that was not finite is what its note says, nan or inf; None where a study kept none. Raises DataError for a file
    that is not a whole record.
    """
    path = data_folder() / "results" / f"{lesson}-{profile}.json"
    if not path.exists():
        return {}
    again = f"`git checkout {path.parent.parent.name}/results/{path.name}` brings the stored one back."
    stored = read_json(path, again, dict)
    try:
        found = {str(figure["name"]): dict(figure) for figure in stored["figures"]}
    except (KeyError, TypeError, ValueError):
        raise DataError(f"{path} is not a whole record: its figures have no names. {again}") from None
    for figure in found.values():
        was = str(figure.get("note", "")).rpartition("(")[2].removesuffix(")")
        if figure.get("value") is None and was in NOT_FINITE:
            figure["value"] = float(was)
    return found


def published(name: str) -> dict[str, Any]:
    """A number out of a paper, with its source, from ``data/published.json``.

    Raises DataError for an unknown name or a file that is not whole.
    """
    path = data_folder() / "published.json"
    numbers = read_json(path, "`git checkout data/published.json` brings the stored one back.", dict)
    if name not in numbers:
        raise DataError(f"No published number is called {name!r}; there are {', '.join(sorted(numbers))}.")
    return numbers[name]


def read_json(path: Path, again: str, kind: type[list[Any]] | type[dict[str, Any]]) -> Any:
    """The list or object of a JSON file. Raises DataError, which ends with ``again``: how to get a whole one."""

    def refuse(number: str) -> None:
        raise ValueError(f"{number} is no number of JSON")

    try:
        stored = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    except OSError as error:
        raise DataError(in_words(error, f"read {path.name}")) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON ({error}). {again}") from error
    if not isinstance(stored, kind):
        raise DataError(f"{path} holds no {'object' if kind is dict else 'list'}. {again}")
    return stored


def write_json(path: Path, content: Any, **layout: Any) -> None:
    """Write ``content`` as JSON that every program reads: what is not finite becomes null. Raises DataError."""
    with one_sentence(DataError, f"keep {path.name}"):
        write_atomic(path, json.dumps(_finite(content), allow_nan=False, **layout) + "\n")


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _finite(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
