"""Permutations: the orders are itertools', what it says of random tables, that JavaScript says the same, what it refuses."""

import itertools
from typing import Any

import numpy as np
import pytest
import traitlets

from mlteach.errors import EpisodeError
from mlteach.explore import Permutations
from mlteach.explore.permutations import ORDERS, said

TASKS, STEPS = 3, (0, 1, 5)


def tables(seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    shape = (TASKS, len(STEPS), 120)
    return {
        "learned": rng.integers(0, 76, shape) / 75,
        "zero": np.broadcast_to(rng.integers(0, 76, (*shape[:2], 1)) / 75, shape),
        "steps": STEPS,
        "support": rng.integers(0, 2, (TASKS, 5, 28, 28)),
    }


def test_it_says_what_is_in_the_tables() -> None:
    given = tables()
    given["learned"][1, 2], given["zero"] = 0.5, np.full((TASKS, 3, 120), 0.8)
    given["learned"][1, 2, 7], given["learned"][1, 2, 9] = 1.0, 0.0
    shown = Permutations(**given, task=1, order=9)
    assert shown.numbers("learned") == (50.0, 100.0, 0.0, 7, 9)
    assert shown.summary == (
        "Task 2 of 3 after 5 inner steps. Learned head: 50 % right on average, 0 to 100 % over 120 label orders, 0 % in the "
        f"marked one, {said(9)}. Head of zeros: 80 % in every order."
    )
    assert repr(shown) == "Permutations(task=1, at=2, order=9)"
    assert shown.png() != Permutations(**given).png()


def test_what_does_not_fit_is_refused() -> None:
    given = tables()
    with pytest.raises(EpisodeError, match="120 orders"):
        Permutations(**given | {"steps": (0, 1)})
    with pytest.raises(EpisodeError, match="pictures"):
        Permutations(**given | {"support": given["support"][:2]})
    for wrong in ({"task": 3}, {"at": 3}, {"order": 120}, {"order": -1}):
        with pytest.raises(traitlets.TraitError):
            Permutations(**given, **wrong)


def test_javascript_has_the_same_orders_and_says_the_same(javascript) -> None:
    assert tuple(itertools.permutations(range(5))) == ORDERS
    rng = np.random.default_rng(1)
    every = [
        Permutations(
            **tables(seed),
            task=int(rng.integers(TASKS)),
            at=int(rng.integers(3)),
            order=int(rng.integers(120)),
        )
        for seed in range(8)
    ]
    keys = ("task", "at", "order", "steps", "last_task", "last_look")
    states = [
        {
            "shares": np.frombuffer(each.shares, "<f4").tolist(),
            "state": {key: getattr(each, key) for key in keys},
        }
        for each in every
    ]
    look = "[m.summary(d.shares, d.state), m.numbers(m.percent(d.shares, d.state, 0)), m.said(d.state.order)]"
    theirs = javascript("permutations", f"data.map((d) => {look})", states)
    for each, (summary, numbers, words) in zip(every, theirs, strict=True):
        assert summary == each.summary and words == said(each.order)
        assert numbers == pytest.approx(each.numbers("learned")._asdict())
