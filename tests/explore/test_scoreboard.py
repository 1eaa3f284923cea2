"""Scoreboard: its front against a brute force, what it refuses, and that JavaScript finds and says the same."""

import json

import numpy as np
import pytest
import traitlets

from mlteach.errors import DataError
from mlteach.explore import Scoreboard, scoreboard
from mlteach.explore.scoreboard import COLUMNS, FAMILIES, amount, front, rows_of


def table(seed: int = 0, count: int = 17) -> list[dict]:
    """Rows with ties, zeros, gaps, and numbers of all sizes."""
    rng, rows = np.random.default_rng(seed), []
    for k in range(count):
        values = {
            key: [round(float(rng.uniform(30, 99)), 1), float(rng.choice([0, 0.44, 1.25]))] if column.up
            else [float(rng.choice([0, 0.0213, 33, 12345, 1.6e6])), float(rng.choice([0, 5]))]
            for key, column in COLUMNS.items() if rng.random() < 0.8
        }  # fmt: skip
        family = list(FAMILIES)[k % len(FAMILIES)]
        name = "MAML" if k == 2 else f"method {k}"
        rows.append({"name": name, "lesson": f"{k % 22:02}", "family": family, "values": values})
    return rows


def test_the_front_is_what_no_other_point_beats():
    rng = np.random.default_rng(1)
    for up in ((True, True), (True, False), (False, True), (False, False)):
        points = [tuple(map(float, p)) if rng.random() < 0.9 else None for p in rng.integers(0, 9, (30, 2))]
        signs = np.where(up, 1, -1)
        there = {k: signs * p for k, p in enumerate(points) if p is not None}
        brute = [
            k for k, p in there.items()
            if not any((q >= p).all() and (q > p).any() for q in there.values())
        ]  # fmt: skip
        found = front(points, up)
        assert sorted(found) == brute and len(brute) > 1
        assert [there[k][0] for k in found] == sorted((there[k][0] for k in brute), reverse=True)


def test_the_summary_has_axes_values_and_front_and_what_cannot_be_is_refused():
    rows = [
        {"name": "MAML", "lesson": "09", "family": "start", "values": {"transductive": [95.14, 0.4], "seconds": [33, 5]}},
        {"name": "matching", "lesson": "18", "family": "metric", "values": {"transductive": [94.9, 0.3], "seconds": [11, 2]}},
        {"name": "slow", "lesson": "06", "family": "floor", "values": {"transductive": [94.8, 0.3], "parameters": [111_936, 0]}},
    ]  # fmt: skip
    board = Scoreboard(rows)
    assert board.summary == (
        "Across: seconds of training to 95 %; up: right with the queries in the batch norm, %. MAML (learned start): 33 ± 5 s; "
        "95.1 ± 0.4 %. On the front, beaten by no other: matching, MAML."
    )
    board.chosen, board.y = "slow", "parameters"
    assert "slow (the floor): never reached 95 %; 112k. No method has a value in both" in board.summary
    board.least, board.y = 95, "transductive"
    assert "On the front of those right in at least 95 %, beaten by no other: MAML." in board.summary
    assert json.loads(board.rows)[0]["page"].startswith("09_")
    assert board.png() != Scoreboard(rows).png()
    with pytest.raises(traitlets.TraitError, match="MAML, matching, slow"):
        board.chosen = "Maml"
    with pytest.raises(DataError, match="each name once"):
        Scoreboard([rows[0], rows[0]])
    with pytest.raises(DataError, match="of the family 'luck'"):
        Scoreboard([rows[0] | {"family": "luck"}])
    with pytest.raises(DataError, match="has values in speed"):
        Scoreboard([rows[0] | {"values": {"speed": [1, 0]}}])
    with pytest.raises(DataError, match="must be .mean, half"):
        Scoreboard([rows[0] | {"values": {"cost": [1, -1]}}])


def test_a_record_of_the_study_becomes_rows(monkeypatch):
    about = {"lesson": "14", "family": "start"}
    figures = {
        "implicit MAML.fixed": {"value": 90.0, "interval": 1.5} | about,
        "implicit MAML.seconds to 95": {"value": float("inf"), "interval": None} | about,
        "implicit MAML.seconds to 90": {"value": 20.0, "interval": 1.0} | about,
        "implicit MAML.parameters": {"value": 111_936, "interval": None} | about,
        "implicit MAML.curve": {"value": 1.0} | about,
    }
    (row,) = rows_of(figures)
    assert row["name"] == "implicit MAML" and row["family"] == "start"
    assert row["values"] == {"fixed": [90.0, 1.5], "seconds": None, "parameters": [111_936, 0.0]}
    with pytest.raises(DataError, match="lacks its lesson"):
        rows_of({"MAML.cost": {"value": 1.0}})
    monkeypatch.setattr(scoreboard, "recorded", lambda lesson, profile: {})
    with pytest.raises(DataError, match=r"python -m studies\.lesson21_all makes them"):
        Scoreboard.recorded()


def test_javascript_finds_the_same_front_and_says_the_same(javascript):
    rng, data, ours = np.random.default_rng(2), [], []
    for seed in range(40):
        rows = table(seed)
        x, y = (str(key) for key in rng.choice(list(COLUMNS), 2))
        board = Scoreboard(
            rows, x=x, y=y, chosen=rows[rng.integers(len(rows))]["name"], least=int(rng.choice([0, 50]))
        )
        data.append(
            {"state": {name: getattr(board, name) for name in board.shows}, "rows": json.loads(board.rows)}
        )
        ours.append(board.summary)
    words = json.loads(board.words)
    assert javascript("scoreboard", "data.all.map((d) => m.summary(d.state, d.rows, data.words))", {"all": data, "words": words}) == ours  # fmt: skip
    sizes = [0.0, 0.0213, 33.25, 9994.9, 9995.0, 111_936.0, 999_499.0, 999_500.0, 1.6e6]
    assert javascript("scoreboard", "data.map((x) => m.amount(x))", sizes) == [amount(x) for x in sizes]


def test_better_is_further_along_its_axis_and_names_cover_nothing(javascript):
    rng = np.random.default_rng(3)
    right, cost = [[v, 0.5] for v in (20.0, 90, 95, 99.5, 100)], [[v, 0] for v in (0.0, 0.5, 20, 4000)]
    for up, values in ((True, right), (False, cost)):
        column = {"up": up}
        at, marks = javascript(
            "scoreboard",
            "((axis) => [data.values.map((v) => axis.at(v[0])), axis.marks.map(axis.at)])(m.axis(data.column, data.values, 0, 400))",
            {"column": column, "values": values},
        )
        assert (np.diff(at) > 0).all() and 0 < at[0] and at[-1] < 400
        assert (
            len(marks) >= 3 and (np.diff(sorted(marks)) > 40).all() and 0 <= min(marks) and max(marks) <= 400
        )
    dots, widths = rng.uniform(60, 340, (17, 2)).round(1), rng.uniform(30, 130, 17).round(1)
    room = {"left": 0, "right": 400, "top": 0, "bottom": 400}
    spots = javascript("scoreboard", "m.beside(data.dots, data.widths, data.dots.map((_, k) => k), data.room)",
                       {"dots": dots.tolist(), "widths": widths.tolist(), "room": room})  # fmt: skip
    boxes = [(x + s[0], y + s[1] - 13, x + s[0] + w, y + s[1] + 4) for (x, y), w, s in zip(dots, widths, spots, strict=True) if s]  # fmt: skip
    others = boxes[1:] + [(x - 8, y - 8, x + 8, y + 8) for x, y in dots]
    assert spots[0] and len(boxes) > 5
    for k, a in enumerate(boxes[1:]):
        assert not any(
            a[0] < b[2] and a[2] > b[0] and a[1] < b[3] and a[3] > b[1]
            for n, b in enumerate(others)
            if n != k
        )
