"""Lesson 16: the rows of its studies, kept as they come, and what of them is on record already.

One run is one line of ``runs/16-few-tasks/WHAT.jsonl``. Where those lines are gone, the figures of each set of characters still
stand in the notes of ``data/results/16-WHAT.json``, to two digits: with ``--add`` they are read from there, and only the arms
that are missing are trained.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from tqdm import tqdm

from mlteach.measure import over_seeds
from mlteach.measure.ledger import data_folder, recorded
from studies.shared import Figure, figure

LESSON = "16_fewer_tasks"
OVER_SETS = "interval over character sets: "

Group = Callable[[Figure], str]


def on_record(what: str, group: Group, jobs: list[dict[str, Any]]) -> list[Figure]:
    """The rows of those jobs of which every figure is recorded, out of the notes."""
    found: dict[tuple[str, str, int], dict[str, float]] = {}
    for each in recorded(LESSON[:2], what).values():
        values = each["note"].removeprefix(OVER_SETS)
        if values == each["note"]:
            continue
        where, name, key = each["name"].split(".")
        for seed, value in zip(each["seeds"], values.split(", "), strict=True):
            found.setdefault((where, name, seed), {})[key] = float(value)
    keys = [(job, (group(job), job["name"], job["seed"])) for job in jobs]
    return [job | found[key] for job, key in keys if key in found]


def rows_of(
    what: str,
    jobs: list[dict[str, Any]],
    run: Callable[..., Figure],
    only: int | None = None,
    add_to: Group | None = None,
) -> list[Figure]:
    """The result of ``run`` for every job, those that are on file not run again. ``only``: one seed, and no results.

    add_to: how a job's group is called; with it, what `on_record` finds is not run again either.
    """
    path = data_folder().parent / "runs" / "16-few-tasks" / f"{what}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    if add_to is not None:
        kept += on_record(what, add_to, jobs)
    for job in tqdm(jobs, desc=what, unit="run"):
        if only not in (None, job["seed"]) or any(row.items() >= job.items() for row in kept):
            continue
        row = job | run(**job)
        kept.append(row)
        with path.open("a") as file:
            print(json.dumps(row), file=file)
    if only is not None:
        raise SystemExit(f"set {only} of {what} is on file")
    first = (next((row for row in kept if row.items() >= job.items()), None) for job in jobs)
    return [row for row in first if row is not None]


def with_gains(
    rows: list[Figure],
    group: Group,
    keys: tuple[str, ...],
    tasks: int,
    units: tuple[str, str] = ("%", "points"),
) -> Iterator[Figure]:
    """Each arm's number over sets of tasks, and what it is above "none" with the same set, paired."""
    by: dict[tuple[str, str], dict[int, Figure]] = {}
    for row in rows:
        by.setdefault((group(row), row["name"]), {})[row["seed"]] = row
    for (where, name), runs in by.items():
        seeds = sorted(runs)
        for key in keys:
            values = [runs[seed][key] for seed in seeds]
            said = OVER_SETS + ", ".join(f"{value:.2f}" for value in values)
            yield figure(f"{where}.{name}.{key}", over_seeds(values), units[0], seeds, tasks, said)
            plain = by[where, "none"]
            if name != "none":
                gains = [runs[seed][key] - plain[seed][key] for seed in seeds]
                said = "paired by character set: " + ", ".join(f"{gain:+.2f}" for gain in gains)
                yield figure(f"{where}.{name}.{key}.gain", over_seeds(gains), units[1], seeds, tasks, said)


def kept_as_they_are(what: str, figures: list[Figure]) -> list[Figure]:
    """The figures, but the recorded one wherever it is of the same sets: notes have two digits, and it was made of all."""
    before = recorded(LESSON[:2], what)
    return [
        before[each["name"]]
        if each["name"] in before and before[each["name"]]["seeds"] == each["seeds"]
        else each
        for each in figures
    ]
