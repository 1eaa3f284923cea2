"""Scoreboard: the table of all methods as a picture. The reader chooses what each axis shows; a dot leads to its lesson.

What was measured is ``python -m studies.lesson21_all``. The line through the picture is the front: the methods beside which no
other is as good in both and better in one, by their means. Taught in: lesson 21.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import traitlets as t
from matplotlib.figure import Figure

from mlteach.errors import DataError
from mlteach.explore import style
from mlteach.explore.base import Explorer, sig
from mlteach.explore.method_map import page_of
from mlteach.measure.ledger import recorded

MAKE = "python -m studies.lesson21_all"
#: The ticks of percent right, and the least percent wrong that has a place of its own.
RIGHT, LEAST = (20, 50, 80, 90, 95, 98, 99, 99.5), 0.1


class Column(NamedTuple):
    """What an axis can show: its words there, its name in a list, the unit, whether more is better, and what is said of a method
    without a value. Costs are spaced by their logarithm, percent right by the logarithm of what is wrong: between 95 and 99 lies
    as much as between 75 and 95."""

    words: str
    short: str
    unit: str
    up: bool
    none: str = "not measured"


def _right(words: str, short: str) -> Column:
    return Column(f"right {words}, %", short, "%", up=True)


def _cost(words: str, short: str, unit: str, none: str = "not measured") -> Column:
    return Column(words, short, unit, up=False, none=none)


COLUMNS = {
    "transductive": _right("with the queries in the batch norm", "queries in the norm"),
    "support": _right("with the batch norm of the support set", "norm of the support"),
    "fixed": _right("with batch norm's fixed statistics", "fixed statistics"),
    "5 shots": _right("with five shots", "five shots"),
    "20 ways": _right("among twenty", "among twenty"),
    "seconds": _cost("seconds of training to 95 %", "training to 95 %", "s", "never reached 95 %"),
    "cost": _cost("one new task, ms", "one new task", "ms"),
    "question": _cost("one more question, ms", "one more question", "ms"),
    "parameters": _cost("learned numbers", "learned numbers", ""),
    "memory": _cost("held for one outer step, MB", "held for one step", "MB"),
}


#: What the study calls a column, where that says more.
RECORDED_AS = {"seconds to 95": "seconds"}


class Family(NamedTuple):
    """Methods of one kind: in words, their colour in base.css and in `style`, their shape for matplotlib."""

    words: str
    hue: str
    colour: str
    marker: str


FAMILIES = {
    "floor": Family("the floor", "baseline", style.color("baseline"), "P"),
    "step": Family("learned step", "lstm", style.color("lstm"), "D"),
    "start": Family("learned start", "maml", style.color("maml"), "o"),
    "first order": Family("start, first order", "fomaml", style.color("fomaml"), "^"),
    "metric": Family("metric", "metric", style.color("metric"), "s"),
    "memory": Family("memory", "metric", style.color("metric"), "X"),
    "attention": Family("attention", "attention", "#F0E442", "h"),
}
WORDS = {"columns": {key: column._asdict() for key, column in COLUMNS.items()}} | {
    "families": {name: {"words": family.words, "hue": family.hue} for name, family in FAMILIES.items()}
}


def front(points: Sequence[tuple[float, float] | None], up: tuple[bool, bool]) -> list[int]:
    """Which points no other one beats: none is as good in both numbers and better in one. From the best in the first on.

    up: whether more is better, of each number. A point that is None is on no front.
    """
    signs = [1 if more else -1 for more in up]
    better = {k: (signs[0] * p[0], signs[1] * p[1]) for k, p in enumerate(points) if p is not None}
    kept: list[int] = []
    for k in sorted(better, key=lambda k: (-better[k][0], -better[k][1])):
        if not kept or better[k][1] > better[kept[-1]][1] or better[k] == better[kept[-1]]:
            kept.append(k)
    return kept


def amount(x: float, digits: int = 3) -> str:
    """A number in few letters: 0.012, 340, 112k, 1.5M."""
    if abs(x) >= 999_500:
        return f"{sig(x / 1e6, digits)}M"
    return f"{sig(x / 1e3, digits)}k" if abs(x) >= 9995 else sig(x, digits)


def tenth(x: float) -> str:
    """A number to one decimal, halves up as in JavaScript."""
    return f"{math.floor(10 * x + 0.5) / 10:.1f}"


def told(key: str, value: Sequence[float] | None) -> str:
    """A value of a column with its interval and unit, or in words that there is none."""
    column = COLUMNS[key]
    if value is None:
        return column.none
    mean, half = value
    percent = column.unit == "%"
    text = tenth(mean) if percent else amount(mean)
    if half:
        text += f" ± {tenth(half) if percent else amount(half, 2)}"
    return f"{text} {column.unit}".rstrip()


def rows_of(figures: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows in a record of the study, whose figures are named ``method.column``. Raises DataError for one without method."""
    rows: dict[str, dict[str, Any]] = {}
    for name, figure in figures.items():
        method, _, column = name.rpartition(".")
        column = RECORDED_AS.get(column, column)
        if column not in COLUMNS:
            continue
        if not {"lesson", "family"} <= set(figure):
            raise DataError(f"The figure {name} lacks its lesson or its family. {MAKE} makes it again.")
        row = rows.setdefault(
            method, {"name": method, "lesson": figure["lesson"], "family": figure["family"], "values": {}}
        )
        value = figure["value"]
        found = value is not None and math.isfinite(value)
        row["values"][column] = [value, figure.get("interval") or 0.0] if found else None
    if not rows:
        raise DataError(f"No methods are recorded for lesson 21. {MAKE} makes them.")
    return list(rows.values())


class Scoreboard(Explorer):
    """All methods as dots; each axis shows what is chosen for it.

        board = Scoreboard.recorded()
        board.x = "cost"
        print(board.summary)

    rows: one dict a method, {"name", "lesson": "09", "family": of FAMILIES, "values": {column: [mean, half of the 95 % interval], or
        None}}; a column that is missing is None. x, y: of COLUMNS. chosen: the name of the method that is told about. least: percent
        right with the queries in the batch norm that a method must have to be shown, unless it is the chosen one, and to be on the front.
    Raises DataError for rows that cannot be shown, TraitError for another column or name.
    """

    module = "scoreboard"
    shows = ("x", "y", "chosen", "least")
    size = (8.0, 4.6)

    x = t.Enum(list(COLUMNS), default_value="seconds", help="what the axis across shows").tag(sync=True)
    y = t.Enum(list(COLUMNS), default_value="transductive", help="what the axis up shows").tag(sync=True)
    chosen = t.Unicode("MAML", help="the method told about").tag(sync=True)
    least = t.Int(0, min=0, max=95, help="percent right, at least").tag(sync=True)
    rows = t.Unicode(help="the rows, as JSON").tag(sync=True)
    words = t.Unicode(json.dumps(WORDS), help="what the columns and families are called, as JSON").tag(
        sync=True
    )

    def __init__(
        self,
        rows: Sequence[Mapping[str, Any]],
        x: str = "seconds",
        y: str = "transductive",
        chosen: str = "MAML",
        **traits: Any,
    ) -> None:
        self._rows = {row["name"]: _whole(row) for row in rows}
        if len(self._rows) < len(rows) or not rows:
            raise DataError("A scoreboard needs methods, and each name once.")
        text = json.dumps(list(self._rows.values()), separators=(",", ":"))
        super().__init__(rows=text, x=x, y=y, chosen=chosen, **traits)

    @classmethod
    def recorded(cls, **traits: Any) -> "Scoreboard":
        """All methods of the course as they were measured. Raises DataError when they are not there."""
        return cls(rows_of(recorded("21", "all")), **traits)

    @t.validate("chosen")
    def _known(self, proposal: dict[str, Any]) -> str:
        if proposal["value"] not in self._rows:
            raise t.TraitError(
                f"No method is called {proposal['value']!r}; there are {', '.join(self._rows)}."
            )
        return str(proposal["value"])

    def points(self) -> list[tuple[float, float] | None]:
        """Each method's two means; None where one is missing, and for those that are right too seldom."""
        both = [
            (row["values"][self.x], row["values"][self.y]) if self._enough(row) else (None, None)
            for row in self._rows.values()
        ]
        return [(a[0], b[0]) if a and b else None for a, b in both]

    def _enough(self, row: Mapping[str, Any]) -> bool:
        right = row["values"]["transductive"]
        return not self.least or bool(right and right[0] >= self.least)

    def front(self) -> list[str]:
        """The names on the front, from the best in what the axis across shows."""
        names = list(self._rows)
        return [names[k] for k in front(self.points(), (COLUMNS[self.x].up, COLUMNS[self.y].up))]

    @property
    def summary(self) -> str:
        row = self._rows[self.chosen]
        ahead = ", ".join(self.front())
        values = "; ".join(told(key, row["values"][key]) for key in (self.x, self.y))
        text = f"Across: {COLUMNS[self.x].words}; up: {COLUMNS[self.y].words}. "
        text += f"{self.chosen} ({FAMILIES[row['family']].words}): {values}."
        if not ahead:
            return f"{text} No method has a value in both columns."
        among = f" of those right in at least {self.least} %" if self.least else ""
        return f"{text} On the front{among}, beaten by no other: {ahead}."

    def draw(self, fig: Figure) -> None:
        """The dots with their intervals and the front; named are those on it and the chosen one."""
        ax, names, places = fig.subplots(), list(self._rows), self.points()
        ahead = [names.index(name) for name in self.front()]
        line = np.array([places[k] for k in ahead]).reshape(-1, 2)
        ax.plot(*line.T, **style.method("truth"))
        for k, (row, place) in enumerate(zip(self._rows.values(), places, strict=True)):
            if place is None:
                continue
            family, halves = FAMILIES[row["family"]], [row["values"][key][1] for key in (self.x, self.y)]
            ax.errorbar(*place, xerr=halves[0], yerr=halves[1], color=family.colour, fmt=family.marker, markersize=8, elinewidth=1.2,
                        markeredgecolor="black", markeredgewidth=1.6 if names[k] == self.chosen else 0.6)  # fmt: skip
            if k in ahead or names[k] == self.chosen:
                ax.annotate(names[k], place, xytext=(6, 5), textcoords="offset points", fontsize=9)
        for axis, key in ((ax.xaxis, self.x), (ax.yaxis, self.y)):
            self._space(axis, key)
        missing = [
            name
            for name, place in zip(names, places, strict=True)
            if not place and self._enough(self._rows[name])
        ]
        ax.set_title(
            "Not here: " + ", ".join(missing) if missing else "", fontsize=8, weight="normal", wrap=True
        )

    def _space(self, axis: Any, key: str) -> None:
        """Words, scale and ticks of an axis."""
        axis.set_label_text(COLUMNS[key].words, fontsize=9)
        across = axis.axis_name == "x"
        set_scale = axis.axes.set_xscale if across else axis.axes.set_yscale
        shown = [point[0 if across else 1] for point in self.points() if point]
        if COLUMNS[key].up:
            spaced = (lambda v: -np.log10(np.maximum(100 - v, LEAST)), lambda v: 100 - 10**-v)
            set_scale("function", functions=spaced)
            marks: Sequence[float] = (*RIGHT, 96, 97) if min(shown, default=0) > 90 else RIGHT
        elif above := [v for v in shown if v > 0]:
            set_scale("log") if len(above) == len(shown) else set_scale("symlog", linthresh=min(above) / 2)
            round_ = [n * 10.0**k for k in range(-3, 8) for n in (1, 2, 5)]
            marks = [0, *(v for v in round_ if v >= min(above) / 2)]
        else:
            return
        low, high = axis.get_view_interval()
        axis.set_ticks([v for v in marks if low <= v <= high])
        axis.set_ticks([], minor=True)
        axis.set_major_formatter(lambda v, _: amount(float(v)))


def _whole(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with a value or None in every column, and with the file of its lesson. Raises DataError."""
    name, family, values = row["name"], row["family"], row["values"]
    if family not in FAMILIES:
        raise DataError(f"{name} is of the family {family!r}; there are {', '.join(FAMILIES)}.")
    if unknown := set(values) - set(COLUMNS):
        raise DataError(
            f"{name} has values in {', '.join(sorted(unknown))}; the columns are {', '.join(COLUMNS)}."
        )
    found = {key: values.get(key) for key in COLUMNS}
    for key, value in found.items():
        if value is not None and not (len(value) == 2 and all(map(math.isfinite, value)) and value[1] >= 0):
            raise DataError(f"{name}'s {key} must be [mean, half of the interval] or None, not {value}.")
    return {
        "name": name,
        "lesson": row["lesson"],
        "page": page_of(row["lesson"]),
        "family": family,
        "values": found,
    }
