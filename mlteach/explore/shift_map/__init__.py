"""ShiftMap: how many answers each method keeps when the pictures of a task are changed, with a switch for batch norm's statistics.

Training saw no such change. What was measured is ``python -m studies.lesson21_all``. Taught in: lesson 21.
"""

import base64
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import traitlets as t
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mlteach.checkpoint import load_checkpoint
from mlteach.errors import DataError
from mlteach.explore.base import Explorer
from mlteach.explore.method_map import page_of
from mlteach.explore.scoreboard import FAMILIES, MAKE, tenth
from mlteach.measure.ledger import data_folder, recorded

#: What batch norm reads for the queries, as a sentence says it.
MODES = {
    "transductive": "the queries in the batch norm",
    "support": "the batch norm of the support set",
    "fixed": "fixed statistics",
}
SHOWN = ("right", "lost")
UNCHANGED, CHANCE, EXAMPLES, SIDE = "as drawn", 20, 3, 28

Cell = Sequence[float] | None


def with_half(cell: Cell) -> str:
    """Percent with half of the interval, or in words that there is none."""
    if cell is None:
        return "not measured"
    return tenth(cell[0]) + (f" ± {tenth(cell[1])}" if cell[1] else "") + " %"


def table_of(figures: Mapping[str, Mapping[str, Any]], pictures: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """What the explorer shows of a record of the study, whose figures are named ``method.shift.mode``, and of example drawings,
    {shift: uint8 [3, 28, 28]}. Raises DataError where something is missing."""
    cells: dict[tuple[str, str, str], Cell] = {}
    methods: dict[str, dict[str, str]] = {}
    for name, figure in figures.items():
        method, shift, mode = name.rsplit(".", 2) if name.count(".") >= 2 else ("", "", "")
        if mode not in MODES:
            continue
        if not {"lesson", "family"} <= set(figure):
            raise DataError(f"The figure {name} lacks its lesson or its family. {MAKE} makes it again.")
        methods.setdefault(method, {"name": method, "lesson": figure["lesson"], "family": figure["family"]})
        value = figure["value"]
        found = value is not None and math.isfinite(value)
        cells[method, shift, mode] = [value, figure.get("interval") or 0.0] if found else None
    if not cells:
        raise DataError(f"No shifts are recorded for lesson 21. {MAKE} makes them.")
    shifts = list(dict.fromkeys(shift for _, shift, _ in cells))
    right = {
        mode: [[cells.get((method, shift, mode)) for shift in shifts] for method in methods] for mode in MODES
    }
    drawn = {
        shift: base64.b64encode(np.asarray(each, np.uint8).tobytes()).decode()
        for shift, each in pictures.items()
    }
    return {"methods": list(methods.values()), "shifts": shifts, "right": right, "pictures": drawn}


class ShiftMap(Explorer):
    """Methods by shifts, coloured by percent right or by what is lost to "as drawn"; one cell is told about.

        map = ShiftMap.recorded()
        map.mode, map.shift = "fixed", "thick"
        print(map.summary)

    mode: of batch norm for the queries, of MODES. shown: "right" or "lost". method, shift: the chosen cell.
    table: {"methods": [{"name", "lesson", "family"}], "shifts": [names, "as drawn" among them], "right": {mode: [methods][shifts] of
        [mean, half of the 95 % interval] in percent, or None}, "pictures": {shift: base64 of three drawings, uint8 [3, 28, 28]}}.
    Raises DataError for a table that is not whole, TraitError for a value that a trait has not.
    """

    module = "shift_map"
    shows = ("mode", "shown", "method", "shift")
    size = (8.4, 5.2)

    mode = t.Enum(list(MODES), default_value="transductive", help="what batch norm reads").tag(sync=True)
    shown = t.Enum(SHOWN, default_value="right", help="percent right, or points lost").tag(sync=True)
    method = t.Unicode(help="the chosen row").tag(sync=True)
    shift = t.Unicode(help="the chosen column").tag(sync=True)
    table = t.Unicode(help="the table, as JSON").tag(sync=True)

    def __init__(self, table: Mapping[str, Any], **traits: Any) -> None:
        self._table = _whole(table)
        self._names = [each["name"] for each in self._table["methods"]]
        last = [shift for shift in self._table["shifts"] if shift != UNCHANGED][:1] or [UNCHANGED]
        cell = {"method": self._names[0], "shift": last[0]}
        super().__init__(table=json.dumps(self._table, separators=(",", ":")), **cell | traits)

    @classmethod
    def recorded(cls, **traits: Any) -> "ShiftMap":
        """All methods as they were measured. Raises DataError when they are not there, CheckpointError for the drawings."""
        figures = recorded("21", "shifts")
        if not figures:
            raise DataError(f"No shifts are recorded for lesson 21. {MAKE} makes them.")
        drawn = load_checkpoint(data_folder() / "checkpoints" / "21-shifts.safetensors").tensors
        return cls(table_of(figures, {shift: each.numpy() for shift, each in drawn.items()}), **traits)

    @t.validate("method", "shift")
    def _known(self, proposal: dict[str, Any]) -> str:
        there = self._names if proposal["trait"].name == "method" else self._table["shifts"]
        if proposal["value"] not in there:
            raise t.TraitError(f"There is no {proposal['value']!r}; there are {', '.join(there)}.")
        return str(proposal["value"])

    def cell(self, shift: str | None = None, mode: str | None = None, method: str | None = None) -> Cell:
        """[percent right, half of its interval] or None, of the chosen cell or of one beside it."""
        row: list[Cell] = self._table["right"][mode or self.mode][self._names.index(method or self.method)]
        return row[self._table["shifts"].index(shift or self.shift)]

    def _right(self, shift: str, method: str) -> float | None:
        cell = self.cell(shift, method=method)
        return None if cell is None else cell[0]

    def lost(self, shift: str | None = None, method: str | None = None) -> float | None:
        """Points lost to "as drawn" in this mode; negative where something is won."""
        shift, method = shift or self.shift, method or self.method
        here, there = self._right(shift, method), self._right(UNCHANGED, method)
        return None if here is None or there is None else there - here

    @property
    def summary(self) -> str:
        text = f"{self.method}, {self.shift}: {with_half(self.cell())}{' right' if self.cell() else ''} with {MODES[self.mode]}"
        lost = self.lost()
        if self.shift != UNCHANGED and lost is not None:
            text += f", {tenth(abs(lost))} points {'below' if lost >= 0 else 'above'} {UNCHANGED}"
        others = "; ".join(
            f"with {words} {with_half(self.cell(mode=mode))}"
            for mode, words in MODES.items()
            if mode != self.mode
        )
        return f"{text}. {others[0].upper()}{others[1:]}. The map shows {'points lost' if self.shown == 'lost' else 'percent right'}."

    def draw(self, fig: Figure) -> None:
        """The map with its numbers; bright is good in both."""
        ax, shifts = fig.subplots(), self._table["shifts"]
        lost = self.shown == "lost"
        rows = [
            [self.lost(shift, each) if lost else self._right(shift, each) for shift in shifts]
            for each in self._names
        ]
        values = np.array(rows, dtype=float)
        low = 0 if lost else CHANCE
        ax.imshow(
            values, cmap="cividis_r" if lost else "cividis", aspect="auto", vmin=low, vmax=low + 100 - CHANCE
        )
        for (row, column), value in np.ndenumerate(values):
            bright = np.isnan(value) or ((value - low) / (100 - CHANCE) > 0.5) != lost
            text = "–" if np.isnan(value) else f"{value:.0f}"
            ink = "black" if bright else "white"
            ax.text(column, row, text, ha="center", va="center", fontsize=8, color=ink)
        here = (shifts.index(self.shift) - 0.5, self._names.index(self.method) - 0.5)
        for edge, width in (("white", 5.0), ("black", 2.5)):
            ax.add_patch(Rectangle(here, 1, 1, fill=False, edgecolor=edge, linewidth=width, clip_on=False))
        ax.set_xticks(range(len(shifts)), shifts, fontsize=8)
        ax.set_yticks(range(len(self._names)), self._names, fontsize=8)
        ax.set_title(f"{'Points lost' if lost else 'Right, %'}: with {MODES[self.mode]}")


def _whole(table: Mapping[str, Any]) -> dict[str, Any]:
    """The table with each method's hue and page. Raises DataError where it is not whole."""
    methods, shifts = [dict(each) for each in table["methods"]], list(table["shifts"])
    if not methods or UNCHANGED not in shifts:
        raise DataError(f"A map of shifts needs methods, and {UNCHANGED!r} among its shifts.")
    for each in methods:
        if each["family"] not in FAMILIES:
            raise DataError(
                f"{each['name']} is of the family {each['family']!r}; there are {', '.join(FAMILIES)}."
            )
        each |= {"hue": FAMILIES[each["family"]].hue, "page": page_of(each["lesson"])}
    right = {mode: table["right"].get(mode, ()) for mode in MODES}
    for mode, rows in right.items():
        if len(rows) != len(methods) or any(len(row) != len(shifts) for row in rows):
            raise DataError(f"The table for {mode!r} must have {len(methods)} rows of {len(shifts)} cells.")
    size = EXAMPLES * SIDE * SIDE
    for shift in shifts:
        if len(base64.b64decode(table["pictures"].get(shift, ""))) != size:
            raise DataError(
                f"The drawings of {shift!r} must be {EXAMPLES} of {SIDE} x {SIDE}, a byte a pixel."
            )
    return {
        "methods": methods,
        "shifts": shifts,
        "right": right,
        "pictures": {k: table["pictures"][k] for k in shifts},
    }
