"""The rows of lesson 12's studies: those of runs/12-ingredients.jsonl, and before them what the record holds already."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlteach.measure import over_seeds
from mlteach.measure.ledger import data_folder, read_json
from studies.shared import Figure, figure

Row = dict[str, Any]


def _path() -> Path:
    return data_folder().parent / "runs" / "12-ingredients.jsonl"


def stored() -> dict[str, Any]:
    """data/results/12-ingredients.json as it is, empty before the first time. Raises DataError for one that is not whole."""
    path = data_folder() / "results" / "12-ingredients.json"
    return read_json(path, "`git checkout` brings the stored one back.", dict) if path.exists() else {}


def recorded_rows() -> list[Row]:
    """The training runs that the record holds, as the rows that they were made of."""
    found = []
    for name, run in stored().get("runs", {}).items():
        for place, seed in enumerate(run["seeds"]):
            row = {
                "name": name, "seed": seed, "arm": run["arm"], "stopped": run["stopped"][place],
                "test": {mode: values[place] for mode, values in run["test"].items()},
                "norms": {"quantiles": run["quantiles"][place], "curve": run["norms"][place]},
            }  # fmt: skip
            found.append(row | ({"rates": run["rates"][place]} if "rates" in run else {}))
    return found


def rows() -> dict[str, Row]:
    """What has been run, by arm and seed. A row of the file replaces the record's."""
    path = _path()
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {f"{row['name']}#{row['seed']}": row for row in [*recorded_rows(), *map(json.loads, lines)]}


def note(row: Row) -> None:
    """Keep a row."""
    path = _path()
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def protocol_figures(found: Sequence[Row]) -> list[Figure]:
    """What the rows of `studies.lesson12_protocol` say: the last checkpoint, the best one, the five best together."""
    by_name: dict[str, list[Row]] = {}
    for row in found:
        if "protocol" in row:
            by_name.setdefault(row["name"], []).append(row)
    figures = []
    for name, of in by_name.items():
        of.sort(key=lambda row: int(row["seed"]))
        seeds, ways = [row["seed"] for row in of], of[0]["arm"]["ways"]
        for which in of[0]["protocol"]:
            ends = [row["protocol"][which] for row in of]
            said = f"{ways} ways, one query a class; over seeds: " + ", ".join(f"{each:.1f}" for each in ends)
            figures.append(
                figure(f"{name}.{which}", over_seeds(ends), "%", seeds, of[0]["tasks"], said, digits=2)
            )
    return figures
