"""ShiftMap: its cells and words by hand, what it refuses, and that JavaScript counts, colours and says the same."""

import base64
import json

import matplotlib
import numpy as np
import pytest
import traitlets

from mlteach.errors import DataError
from mlteach.explore import ShiftMap, shift_map, style
from mlteach.explore.scoreboard import FAMILIES
from mlteach.explore.shift_map import MODES, SHOWN, table_of

SHIFTS = ["as drawn", "turned", "thick", "half size"]


def pictures() -> dict[str, np.ndarray]:
    return {shift: np.full((3, 28, 28), k, np.uint8) for k, shift in enumerate(SHIFTS)}


def table(seed: int = 0) -> dict:
    """Every cell another number, one in ten missing."""
    rng = np.random.default_rng(seed)
    names = ["MAML", "matching", "attention reader", "nearest neighbour", "FOMAML"]

    def cell() -> list[float] | None:
        number = [round(float(rng.uniform(19, 99)), 2), float(rng.choice([0, 0.44, 2.1]))]
        return number if rng.random() < 0.9 else None

    return {
        "methods": [{"name": n, "lesson": "09", "family": f} for n, f in zip(names, FAMILIES, strict=False)],
        "shifts": SHIFTS,
        "right": {mode: [[cell() for _ in SHIFTS] for _ in names] for mode in MODES},
        "pictures": {shift: base64.b64encode(p.tobytes()).decode() for shift, p in pictures().items()},
    }


def test_a_cell_is_told_beside_what_was_drawn_and_beside_other_statistics():
    about = {"lesson": "18", "family": "metric"}
    numbers = {"as drawn.transductive": (96.0, 0.4), "thick.transductive": (56.5, 2.1), "thick.support": (55.96, None),
               "thick.fixed": (31.0, 1.9), "as drawn.fixed": (float("nan"), None)}  # fmt: skip
    figures = {
        f"full context.{key}": {"value": v, "interval": half} | about for key, (v, half) in numbers.items()
    }
    shown = ShiftMap(table_of(figures | {"full context.note": {"value": 1.0}}, pictures()))
    assert shown.method == "full context" and shown.shift == "thick" and shown.lost() == pytest.approx(39.5)
    assert shown.summary == (
        "full context, thick: 56.5 ± 2.1 % right with the queries in the batch norm, 39.5 points below as drawn. With the batch norm "
        "of the support set 56.0 %; with fixed statistics 31.0 ± 1.9 %. The map shows percent right."
    )
    before = shown.png()
    shown.shown = "lost"
    assert shown.png() != before
    shown.mode = "fixed"
    assert shown.lost() is None and "points below" not in shown.summary  # as drawn was not measured


def test_what_is_not_whole_is_refused(monkeypatch):
    whole = table()
    with pytest.raises(DataError, match="'as drawn' among its shifts"):
        ShiftMap(whole | {"shifts": SHIFTS[1:]})
    with pytest.raises(DataError, match="'support' must have 5 rows of 4"):
        ShiftMap(whole | {"right": whole["right"] | {"support": [[None] * 3] * 5}})
    with pytest.raises(DataError, match="drawings of 'thick'"):
        ShiftMap(whole | {"pictures": whole["pictures"] | {"thick": "AAAA"}})
    with pytest.raises(DataError, match="lacks its lesson"):
        table_of({"MAML.thick.fixed": {"value": 1.0}}, {})
    with pytest.raises(traitlets.TraitError, match="as drawn, turned"):
        ShiftMap(whole, shift="blue")
    with pytest.raises(traitlets.TraitError):
        ShiftMap(whole, mode="batch")
    monkeypatch.setattr(shift_map, "recorded", lambda lesson, profile: {})
    with pytest.raises(DataError, match=r"python -m studies\.lesson21_all makes them"):
        ShiftMap.recorded()


def test_javascript_counts_the_same_and_says_the_same(javascript):
    rng, data, ours = np.random.default_rng(1), [], []
    for seed in range(30):
        shown = ShiftMap(
            table(seed),
            mode=str(rng.choice(list(MODES))),
            shown=str(rng.choice(SHOWN)),
            shift=str(rng.choice(SHIFTS)),
        )
        shown.method = str(rng.choice(shown._names))
        data.append(
            {"state": {name: getattr(shown, name) for name in shown.shows}, "table": json.loads(shown.table)}
        )
        cell = shown.cell()
        ours.append([shown.lost() if shown.shown == "lost" else cell and cell[0], shown.summary])
    code = "data.map(({ state: s, table }) => [m.counted(table, s, s.method, s.shift), m.summary(s, table)])"
    assert javascript("shift_map", code, data) == ours


def test_the_colours_are_those_of_the_fallback_and_a_number_reads_on_each(javascript):
    shares = np.linspace(0, 1, 101)
    found = javascript(
        "shift_map", "data.map((x) => m.colour(x)).map((rgb) => [rgb, m.ink(rgb)])", shares.tolist()
    )
    for share, (rgb, ink) in zip(shares, found, strict=True):
        np.testing.assert_allclose(np.array(rgb) / 255, matplotlib.colormaps["cividis"](share)[:3], atol=0.08)
        light = style._luminance([v / 255 for v in rgb])
        assert ((light + 0.05) / 0.05 if ink == "#000" else 1.05 / (light + 0.05)) >= 4.5
