"""Ingredients: the nearest recorded run, what is said of it, and that JavaScript finds and says the same."""

import itertools

import numpy as np
import pytest
import traitlets

from mlteach.errors import DataError
from mlteach.explore import Ingredients
from mlteach.explore.ingredients import ALL, RATES, SWITCHES, nearest, runs_of


def record() -> dict:
    """A record of the study's shape: plain, all and single ingredients at both rates, numbers drawn."""
    rng = np.random.default_rng(0)
    ons = [[], list(SWITCHES.values())[:5], ["multi_step"], ["clip"]]
    runs = {}
    for rate, on in itertools.product(RATES, ons):
        arm = {key: 0.5 for key in on} | ({"alpha": 0.1} if rate == "tuned" else {})
        run = {
            "arm": arm, "seeds": [0, 1],
            "test": {"transductive": rng.uniform(20, 80, (2, 6)).round(2).tolist()},
            "norms": (10 ** rng.uniform(-1, 4, (2, 40))).round(3).tolist(),
        }  # fmt: skip
        if "rates" in on:
            names = ("conv1.weight", "head.weight", "head.bias")
            run["rates"] = [{name: rng.uniform(0, 1, 5).tolist() for name in names} for _ in range(2)]
        runs[f"{rate}/{'+'.join(on)}"] = run
    return {"runs": runs | {"read/batch": {}}}


def test_the_nearest_run_differs_in_the_fewest_switches_and_it_says_so():
    runs = runs_of(record())
    assert len(runs) == 8 and runs[0]["on"] == [] and runs[0]["rate"] == "bad"
    assert nearest(runs, "tuned", []).run["alpha"] == 0.1 and nearest(runs, "bad", ["clip"]).away == 0
    found = nearest(runs, "bad", [*ALL, "clip"])
    assert found.run["on"] == list(ALL) and found.away == 1
    shown = Ingredients(runs, on=["multi-step loss", "cosine"])
    assert (
        "multi-step loss + cosine: not recorded. The nearest recorded run, 1 switch away, is multi-step loss."
        in shown.summary
    )
    assert "not recorded" not in Ingredients(runs, on=list(ALL)).summary
    layers = nearest(runs, "bad", ALL).run["rates"]
    assert list(layers) == ["conv1", "head"]  # biases are left out
    every = record()["runs"]["bad/" + "+".join(list(SWITCHES.values())[:5])]["rates"]
    assert layers["conv1"][2] == pytest.approx(np.mean([seed["conv1.weight"][2] for seed in every]), abs=1e-3)
    with pytest.raises(traitlets.TraitError):
        Ingredients(runs, on=["luck"])
    with pytest.raises(DataError, match="no runs at both inner rates"):
        runs_of({"runs": {}})


def test_what_is_recorded_can_be_shown_and_drawn():
    shown = Ingredients.recorded()
    assert shown.nearest().away == 0 and "plain MAML" in shown.summary
    shown.on = list(ALL)
    assert shown.nearest().away == 0 and shown.nearest().run["rates"]
    assert shown.png() != Ingredients.recorded().png()


def test_javascript_finds_the_same_run_and_says_the_same(javascript):
    runs = runs_of(record())
    rng = np.random.default_rng(1)
    states = [
        {"rate": str(rng.choice(RATES)), "on": [name for name in SWITCHES if rng.random() < 0.4]}
        for _ in range(60)
    ]
    states += [{"rate": "bad", "on": []}, {"rate": "tuned", "on": list(ALL)}]
    theirs = javascript(
        "ingredients", "data.states.map((s) => [m.nearest(data.runs, s.rate, s.on).away, m.summary(s, data.runs)])",
        {"runs": runs, "states": states},
    )  # fmt: skip
    for state, (away, summary) in zip(states, theirs, strict=True):
        shown = Ingredients(runs, **state)
        assert away == shown.nearest().away and summary == shown.summary
