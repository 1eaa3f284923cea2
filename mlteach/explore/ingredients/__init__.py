"""Ingredients: the parts of MAML++ switched on and off, over runs that were recorded, at a bad and at a tuned inner rate.

Not every combination was run. What is shown is the recorded run that differs in the fewest switches, and it says so. The
study is ``python -m studies.lesson12_ingredients``. Taught in: lesson 12.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import traitlets as t
from matplotlib.figure import Figure

from mlteach.errors import DataError
from mlteach.explore import style
from mlteach.explore.base import Explorer, sig
from mlteach.measure.ledger import data_folder, read_json

#: The switches, and what a recorded run calls them: the five ingredients of MAML++, then two lines that are none of it.
SWITCHES = {
    "multi-step loss": "multi_step",
    "order annealing": "first_order",
    "norm weights": "norm_weights",
    "learned rates": "rates",
    "cosine": "cosine",
    "clip": "clip",
    "zero head": "zero_head",
}
ALL = tuple(SWITCHES)[:5]
RATES = ("bad", "tuned")


class Nearest(NamedTuple):
    """A recorded run, and in how many switches it differs from what is asked for."""

    run: dict[str, Any]
    away: int


def nearest(runs: Sequence[dict[str, Any]], rate: str, on: Sequence[str]) -> Nearest:
    """The run at this rate that differs in the fewest switches; of several the first."""
    here = [run for run in runs if run["rate"] == rate]
    best = min(here, key=lambda run: len(set(run["on"]) ^ set(on)))
    return Nearest(best, len(set(best["on"]) ^ set(on)))


def runs_of(record: dict[str, Any]) -> list[dict[str, Any]]:
    """What the explorer shows of a record of the study, one dict an arm. Raises DataError for one without such runs."""
    found = []
    for name, run in record.get("runs", {}).items():
        rate = name.split("/")[0]
        if rate not in RATES:
            continue
        layers: dict[str, list[float]] = {}
        for tensor in run["rates"][0] if "rates" in run else ():
            layer = tensor.removesuffix(".weight")
            if not layer.endswith(".bias"):
                each = [seed[tensor] for seed in run["rates"]]
                layers[layer] = [round(sum(step) / len(each), 3) for step in zip(*each, strict=True)]
        found.append({
            "rate": rate, "alpha": run["arm"].get("alpha", 1.0),
            "on": [switch for switch, key in SWITCHES.items() if run["arm"].get(key)],
            "accuracy": run["test"]["transductive"], "norms": run["norms"], "rates": layers,
        })  # fmt: skip
    if {run["rate"] for run in found} != set(RATES):
        raise DataError(
            "The record holds no runs at both inner rates; python -m studies.lesson12_ingredients makes them."
        )
    return sorted(found, key=lambda run: (RATES.index(run["rate"]), len(run["on"])))


class Ingredients(Explorer):
    """Switch ingredients on and off; accuracy after each inner step and gradient lengths over training answer.

        ingredients = Ingredients.recorded()
        ingredients.on = ["clip"]
        print(ingredients.summary)

    rate: the inner rate, "bad" (1) or "tuned" (chosen on validation characters). on: what is switched on, out of SWITCHES.
    Raises ``TraitError`` for another switch, ``DataError`` where no runs are recorded.
    """

    module = "ingredients"
    shows = ("rate", "on")
    size = (9.0, 3.6)

    rate = t.Enum(RATES, default_value="bad", help="the inner rate").tag(sync=True)
    on = t.List(t.Enum(tuple(SWITCHES)), help="what is switched on").tag(sync=True)
    runs = t.Unicode(help="the recorded runs, as JSON").tag(sync=True)
    every = t.Int(10, min=1, help="outer steps that one number of the norms stands for").tag(sync=True)

    def __init__(self, runs: Sequence[dict[str, Any]], **traits: Any) -> None:
        self._runs = list(runs)
        super().__init__(runs=json.dumps(self._runs, separators=(",", ":")), **traits)

    @classmethod
    def recorded(cls, **traits: Any) -> "Ingredients":
        """The runs that come with the course. Raises DataError when they are not there."""
        path = data_folder() / "results" / "12-ingredients.json"
        return cls(
            runs_of(read_json(path, "python -m studies.lesson12_ingredients makes it.", dict)), **traits
        )

    def nearest(self) -> Nearest:
        """The recorded run that is shown."""
        return nearest(self._runs, self.rate, self.on)

    @property
    def summary(self) -> str:
        run, away = self.nearest()
        asked, shown = _words(self.on), _words(run["on"])
        text = f"Inner rate {sig(run['alpha'])}, {asked}"
        if away:
            text += (
                f": not recorded. The nearest recorded run, {away} switch{'es' * (away > 1)} away, is {shown}"
            )
        ends = ", ".join(sig(each[-1], 3) for each in run["accuracy"])
        means = ", ".join(sig(mean, 3) for mean in _means(run["accuracy"]))
        every = sorted(norm for seed in run["norms"] for norm in seed)
        return (
            f"{text}. Right after 0 to {len(run['accuracy'][0]) - 1} inner steps: {means} %; at the end by seed {ends} %. "
            f"Length of the outer gradient: median {sig(every[len(every) // 2])}, most {sig(every[-1])}."
        )

    def draw(self, fig: Figure) -> None:
        """Accuracy over inner steps and gradient lengths over outer steps; plain MAML dashed."""
        left, right = fig.subplots(1, 2)
        run, plain = self.nearest().run, nearest(self._runs, self.rate, []).run
        for each, look in ((plain, style.method("baseline")), (run, style.method("maml"))):
            for seed in each["accuracy"]:
                left.plot(seed, **look | {"linewidth": 1, "alpha": 0.5})
            left.plot(_means(each["accuracy"]), **look)
            for seed in each["norms"]:
                right.semilogy(
                    [self.every * (k + 0.5) for k in range(len(seed))], seed, **look | {"linewidth": 1}
                )
        left.set(xlabel="inner steps", ylabel="right answers, %", ylim=(15, 100), title=_words(run["on"]))
        right.set(xlabel="outer step", ylabel="length of the gradient", title="dashed: plain MAML")


def _means(seeds: Sequence[Sequence[float]]) -> list[float]:
    return [sum(step) / len(seeds) for step in zip(*seeds, strict=True)]


def _words(on: Sequence[str]) -> str:
    """What is switched on, in the order of the switches."""
    if not on:
        return "plain MAML"
    rest = [switch for switch in SWITCHES if switch in on and not (set(ALL) <= set(on) and switch in ALL)]
    return " + ".join((["all of MAML++"] if set(ALL) <= set(on) else []) + rest)
