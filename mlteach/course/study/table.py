"""The rows of a study: a file with one a line, and a table of means over seeds."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

from mlteach.course.parameters import Given
from mlteach.course.study.file import Study
from mlteach.course.study.target import StudyError
from mlteach.course.study.work import Row
from mlteach.files import write_atomic
from mlteach.measure import Interval, over_seeds


def write(path: Path, rows: list[Row]) -> None:
    """Write the rows as JSON lines, whole or not at all. Raises OSError."""
    write_atomic(path, "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows))


def shown(study: Study, rows: list[Row]) -> list[str]:
    """The numbers that table and figure show: those of the file, else the first that the runs give.

    Raises StudyError for one that they do not give.
    """
    given = list(dict.fromkeys(name for row in rows for name in row["numbers"]))
    for name in study.axes.y:
        if name not in given:
            raise StudyError(f'The runs give {", ".join(given)}, and y in [figure] asks for "{name}". The rows are kept; mend that.')  # fmt: skip
    return list(study.axes.y) or given[:1]


def means(study: Study, rows: list[Row], number: str) -> Iterator[tuple[Given, Interval]]:
    """Each combination of parameters with the mean of one number over its seeds, and how sure that is."""
    groups: dict[str, tuple[Given, list[float]]] = {}
    for row in rows:
        varied = {name: row["parameters"].get(name) for name in study.varied}
        value = row["numbers"].get(number)
        groups.setdefault(repr(varied), (varied, []))[1].append(math.nan if value is None else value)
    for varied, values in groups.values():
        yield varied, over_seeds(values)


def words(study: Study, rows: list[Row]) -> str:
    """The means over seeds as a Markdown table, with their 95 % intervals by Student's t."""
    numbers = shown(study, rows)
    found = [list(means(study, rows, number)) for number in numbers]
    head = [study.words.get(name, name) for name in (*study.varied, *numbers)]
    lines = [head, ["---"] * len(head)]
    for same in zip(*found, strict=True):
        lines.append([*(_cell(value) for value in same[0][0].values()), *(_mean(each) for _, each in same)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    return "" if value is None else str(value).replace("|", "\\|")


def _mean(found: Interval) -> str:
    return repr(found) if found.n > 1 else f"{found.mean:.3g}"
