"""The ingredients of MAML++ one by one, each left out, all, and beside them one line: clip the outer gradient, zero the head.

    python -m studies.lesson12_ingredients choose     plain MAML at several inner rates, judged on validation characters
    python -m studies.lesson12_ingredients settings   other lengths of the two schedules and other clips, judged there too
    python -m studies.lesson12_ingredients costs      what a step of each arm costs beside a plain one, measured side by side
    python -m studies.lesson12_ingredients train      every arm that has no row yet, judged on lesson 09's test tasks
    python -m studies.lesson12_ingredients keep       the rows as data/results/12-ingredients.json

`python -m studies.lesson12_protocol` trains 5 and 20 ways under the published protocol, with and without its ensemble.

5 ways, 1 shot, 5 inner steps, a learned head, Conv-4 with 32 filters, 4 tasks and one query a class in each of the outer
steps, Adam at .004; gamma and beta are learned in the outer loop alone. Every run writes one row to
runs/12-ingredients.jsonl, so the command can be stopped and called again; what the record holds already counts as done.
`train NAME ...` trains only these arms.
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import torch

from mlteach.errors import TrainingError
from mlteach.fit import fit
from mlteach.inner import Rule, sgd
from mlteach.inner.per_step import LearnedRates
from mlteach.measure import over_seeds, path_of, step_accuracy
from mlteach.measure.ledger import keep_results
from mlteach.nets import Conv4, cross_entropy
from mlteach.nets.per_step import PerStep, Running, moved
from mlteach.outer import maml_gradient
from mlteach.outer.multi_step import in_two_schedules
from mlteach.params import Params, norm
from mlteach.tasks import Characters, Episode, Split
from studies.lesson12_record import note, protocol_figures, rows, stored
from studies.shared import Figure, figure, tasks_of

LESSON, SEEDS = "12_maml_plus_plus", (0, 1, 2)
STEPS, OUTER_STEPS, BETA, TASKS = 5, 400, 4e-3, 4
BAD, RATES = 1.0, (0.1, 0.2, 0.4)  # the unstable inner rate, and those that the tuned one is chosen from
TEST_TASKS, VALIDATION_TASKS = 100, 100
#: What the arms' own settings were tried against, with seeds that no arm uses: a setting's values, the arms' own among them.
TRIED: dict[str, tuple[float, ...]] = {
    "clip": (0.25, 1.0, 4.0),
    "multi_step": (0.1, 0.5, 1.0),
    "first_order": (0.1, 0.3, 0.6),
}
TRIED_SEEDS = (7, 8, 9)


@dataclass(frozen=True)
class Arm:
    """What a run uses. The first five are the ingredients of MAML++, as shares of the training where they have a length."""

    alpha: float = BAD
    multi_step: float = 0.0  # anneal the weights of the multi-step loss over this share
    first_order: float = 0.0  # leave second derivatives out for this share, from the beginning
    norm_weights: bool = False  # gamma and beta of their own for each step
    rates: bool = False  # a learned rate for each tensor and step
    cosine: bool = False
    clip: float | None = None
    zero_head: bool = False
    read: str = ""  # running statistics that the inner loop reads: "", "per step" or "shared"
    ways: int = 5
    outer_steps: int = OUTER_STEPS


#: MAML++. Its released settings anneal over a tenth of the training, and leave the derivative order alone.
INGREDIENTS: dict[str, dict[str, Any]] = {
    "multi-step loss": {"multi_step": 0.5},
    "order annealing": {"first_order": 0.3},
    "norm weights": {"norm_weights": True},
    "learned rates": {"rates": True},
    "cosine": {"cosine": True},
}
ALL: dict[str, Any] = {key: value for each in INGREDIENTS.values() for key, value in each.items()}


def arms(tuned: float) -> dict[str, Arm]:
    """Every arm by name, in the order in which they are trained: what most sentences rest on comes first."""
    plain = Arm()
    found: dict[str, Arm] = {}
    for rate, alpha in (("bad", BAD), ("tuned", tuned)):
        at = replace(plain, alpha=alpha)
        found |= {
            f"{rate}/plain": at,
            f"{rate}/all": replace(at, **ALL),
            f"{rate}/clip": replace(at, clip=1.0),
            f"{rate}/zero head": replace(at, zero_head=True),
            f"{rate}/first order": replace(at, first_order=1.0),
        }
    found["bad/all + clip"] = replace(plain, **ALL, clip=1.0)
    own = replace(plain, alpha=tuned, norm_weights=True)
    found |= {
        "read/batch": own,
        "read/per step": replace(own, read="per step"),
        "read/shared": replace(own, read="shared"),
        "read/per step + clip": replace(own, read="per step", clip=1.0),
    }
    for rate, alpha in (("bad", BAD), ("tuned", tuned)):
        at = replace(plain, alpha=alpha)
        found |= {f"{rate}/only {name}": replace(at, **change) for name, change in INGREDIENTS.items()}
        found |= {
            f"{rate}/without {name}": replace(
                at, **{key: value for key, value in ALL.items() if key not in change}
            )
            for name, change in INGREDIENTS.items()
        }
    return found


def network(arm: Arm) -> PerStep:
    """The network of an arm, before it is given statistics to read."""
    return PerStep(Conv4(arm.ways, 32, head="flatten"), STEPS, weights=arm.norm_weights)


@dataclass(frozen=True)
class Setting:
    """What training and test share: the network, what adapts, where a task starts, and the rule made from theta."""

    net: PerStep
    only: tuple[str, ...]
    start: Callable[[Params], Params]
    rule: Callable[[Params], Rule]


def setting(arm: Arm) -> Setting:
    """The parts of an arm."""
    net = network(arm)
    only = tuple(f"conv{block}.weight" for block in (1, 2, 3, 4)) + net.net.head_names
    rates = LearnedRates(only, STEPS)

    def fixed(theta: Params) -> Rule:
        return sgd(arm.alpha)

    start = net.zero_head if arm.zero_head else rates.start
    return Setting(net, only, start, rates.rule if arm.rates else fixed)


def first(arm: Arm, generator: torch.Generator) -> Params:
    """Fresh parameters. The same draws for every arm of a seed, so that all see the same characters afterwards."""
    parts = setting(arm)
    theta = parts.net.init(parts.net.net.init(generator))
    if arm.zero_head:
        theta = {name: theta[name] for name in theta if name not in parts.net.net.head_names}
    return theta | (LearnedRates(parts.only, STEPS).init(arm.alpha) if arm.rates else {})


def gathered(parts: Setting, theta: Params, episode: Episode, *, shared: bool) -> list[Running]:
    """Statistics of support and query pictures after 0, 1, ..., steps inner steps; shared: their mean, each time."""
    path = path_of(parts.net, theta, episode, parts.rule(theta), STEPS, only=parts.only, start=parts.start)
    x = torch.cat([episode.support_x, episode.query_x], 1)
    with torch.no_grad():
        each = [parts.net.at(t).statistics(phi, x) for t, phi in enumerate(path)]
    if not shared:
        return each
    one = each[0]
    for count, more in enumerate(each[1:], 2):
        one = moved(one, more, 1 / count)
    return [one] * len(each)


class Reads:
    """Training that reads running statistics and moves them, in the open, after every outer step: 0.9 old + 0.1 new."""

    def __init__(self, arm: Arm, theta: Params, episodes: Iterable[Episode]) -> None:
        self.shared, self.parts = arm.read == "shared", setting(arm)
        for count, episode in enumerate(episodes, 1):
            new = gathered(self.parts, theta, episode, shared=self.shared)
            self.read(new, 1 / count)

    def read(self, new: list[Running], share: float) -> None:
        """Move what is read towards ``new``."""
        old = self.parts.net.running
        now = [moved(a, b, share) for a, b in zip(old, new, strict=True)] if old else new
        self.parts = replace(self.parts, net=self.parts.net.reading(now, always=True))

    def __call__(self, theta: Params, episode: Episode, **how: Any) -> Any:
        parts = self.parts
        found = maml_gradient(
            parts.net,
            cross_entropy,
            theta,
            episode,
            parts.rule,
            STEPS,
            only=parts.only,
            start=parts.start,
            **how,
        )
        self.read(gathered(parts, theta, episode, shared=self.shared), 0.1)
        return found


def trained(
    arm: Arm, split: Split, seed: int, *, progress: str | None = None, **validation: Any
) -> tuple[Setting, Params, dict[str, list[float]], str]:
    """The parts to test with, theta, the history, and what stopped the run if it did not end by itself."""
    generator = torch.Generator().manual_seed(seed)
    theta, parts = first(arm, generator), setting(arm)

    def sample(g: torch.Generator, tasks: int = TASKS) -> Episode:
        return split.train.sample(tasks, arm.ways, 1, 1, generator=g)

    reads = None
    if arm.read:
        drawn = torch.Generator().manual_seed(10 + seed)
        reads = Reads(arm, theta, [sample(drawn, 16) for _ in range(8)])
    base: Callable[..., Any] = reads or partial(_plain, parts)

    def with_norm(theta: Params, episode: Episode, **how: Any) -> Any:
        gradient, numbers = base(theta, episode, **how)
        return gradient, {**numbers, "norm": norm(gradient)}

    gradient = in_two_schedules(
        with_norm, STEPS, arm.outer_steps, over=arm.multi_step, first_order=arm.first_order
    )
    try:
        run = fit(
            gradient, theta, sample, steps=arm.outer_steps, generator=generator, lr=BETA, clip=arm.clip,
            schedule="cosine" if arm.cosine else "constant", progress=progress, **validation,
        )  # fmt: skip
        stopped = ""
    except TrainingError as error:
        assert error.run is not None
        run, stopped = error.run, str(error).split(".")[0]
    return (reads.parts if reads else parts), run.theta, run.history, stopped


def _plain(parts: Setting, theta: Params, episode: Episode, **how: Any) -> Any:
    return maml_gradient(
        parts.net, cross_entropy, theta, episode, parts.rule, STEPS, only=parts.only, start=parts.start, **how
    )


def judged(
    parts: Setting, theta: Params, episodes: list[Episode], modes: tuple[str, ...]
) -> dict[str, list[float]]:
    """Percent right after 0, 1, ..., 5 inner steps, for each mode of batch norm."""
    found = step_accuracy(
        parts.net, theta, episodes, parts.rule(theta), STEPS, modes=modes, only=parts.only, start=parts.start
    )
    return {
        mode: [round(100 * each, 2) for each in values.mean(0).tolist()] for mode, values in found.items()
    }


def row_of(name: str, arm: Arm, split: Split, seed: int) -> dict[str, Any]:
    """Train and test once."""
    parts, theta, history, stopped = trained(arm, split, seed)
    norms = torch.tensor(history["norm"], dtype=torch.float64)
    marks = torch.tensor([0.5, 0.9, 0.99, 1.0], dtype=torch.float64)
    modes = ("running",) if arm.read else ("transductive", "support")
    row: dict[str, Any] = {
        "name": name, "seed": seed, "arm": asdict(arm), "stopped": stopped,
        "test": judged(
            parts, theta, tasks_of(split.test, TEST_TASKS, 2, ways=arm.ways, queries=15 if arm.ways == 5 else 5), modes
        ),
        "norms": {"quantiles": [round(each, 3) for each in torch.quantile(norms, marks).tolist()],
                  "curve": [float(f"{each.median():.3g}") for each in norms.split(10)]},
    }  # fmt: skip
    if arm.rates:
        row["rates"] = {
            each.removeprefix("rate."): [round(rate, 4) for rate in value.tolist()]
            for each, value in theta.items()
            if each.startswith("rate.")
        }
    return row


def choose(split: Split) -> None:
    """Plain MAML at every candidate rate, one seed that no arm uses, on validation characters."""
    for alpha in (*RATES, BAD):
        name, arm = f"choice/{alpha}", Arm(alpha=alpha)
        if f"{name}#9" in rows():
            continue
        parts, theta, _, stopped = trained(arm, split, 9)
        test = judged(
            parts, theta, tasks_of(split.validation, VALIDATION_TASKS, 1), ("transductive", "support")
        )
        note({"name": name, "seed": 9, "arm": asdict(arm), "stopped": stopped, "test": test})
        print(name, test["transductive"], flush=True)


def settings(split: Split, only: str | None) -> None:
    """Each setting at several values, alone, at the bad and at the tuned rate; ``only`` one rate. Rows that are there stay."""
    for (rate, alpha), seed in itertools.product({"bad": BAD, "tuned": tuned()}.items(), TRIED_SEEDS):
        for setting, values in TRIED.items():
            for value in values:
                name = f"tried/{rate}/{setting}/{value:g}"
                if f"{name}#{seed}" in rows() or only not in (None, rate):
                    continue
                parts, theta, _, stopped = trained(Arm(alpha=alpha, **{setting: value}), split, seed)
                test = judged(
                    parts, theta, tasks_of(split.validation, VALIDATION_TASKS, 1), ("transductive",)
                )
                note({"name": name, "seed": seed, "stopped": stopped, "test": test})
                print(name, seed, test["transductive"], flush=True)


def _settings() -> list[Figure]:
    found: dict[str, dict[int, float]] = {}
    for row in rows().values():
        if row["name"].startswith("tried/"):
            found.setdefault(row["name"], {})[row["seed"]] = row["test"]["transductive"][-1]
    return [
        _over(name, list(values.values()), "%", list(values)) | {"tasks": VALIDATION_TASKS}
        for name, values in found.items()
    ]


def tuned() -> float:
    """The rate that plain MAML did best with on validation characters."""
    found = {
        float(each["name"].partition("/")[2]): each["value"]
        for each in (*stored().get("figures", []), *_choices())
        if each["name"].startswith("choice/")
    }
    return max(found, key=lambda alpha: found[alpha], default=RATES[0])


def plan(seeds: int) -> list[tuple[str, Arm, int]]:
    """Every run in the order in which it is trained: what most sentences rest on comes first."""
    found = arms(tuned())
    three = [
        name
        for name in found
        if name.rpartition("/")[2] in ("plain", "all", "clip", "zero head", "first order")
    ]
    three += ["bad/all + clip"]
    others = [name for name in found if name not in three]
    return [
        (name, found[name], seed) for names in (three, others) for seed in SEEDS[:seeds] for name in names
    ]


def train(split: Split, wanted: list[str], seeds: int) -> None:
    """Every run without a row."""
    for name, arm, seed in plan(seeds):
        if (not wanted or name in wanted or name.split("/")[0] in wanted) and f"{name}#{seed}" not in rows():
            twins = (
                row
                for row in rows().values()
                if "norms" in row and row["seed"] == seed and Arm(**row["arm"]) == arm
            )
            twin = next(twins, None)  # the same run under another name
            row = twin | {"name": name} if twin else row_of(name, arm, split, seed)
            note(row)
            print(name, seed, row["test"], row["norms"]["quantiles"], row["stopped"], flush=True)


def costs(split: Split) -> None:
    """What a step of each arm costs beside a plain one, its schedules included, in processor seconds of one process.

    Steps of all arms are taken in turn at ten places of the training; of each place the median counts.
    """
    generator = torch.Generator().manual_seed(0)
    drawn = {"plain": Arm(), "all": Arm(**ALL), "zero head": Arm(zero_head=True)}
    drawn |= {name: Arm(**change) for name, change in INGREDIENTS.items() if name != "cosine"}
    drawn |= {"first order": Arm(first_order=1.0)}
    starts = {name: first(arm, torch.Generator().manual_seed(0)) for name, arm in drawn.items()}
    took: dict[str, list[float]] = {name: [] for name in drawn}
    for done in torch.linspace(0.05, 0.95, 10).tolist():
        here: dict[str, list[float]] = {name: [] for name in drawn}
        for _ in range(5):
            episode = split.train.sample(TASKS, 5, 1, 1, generator=generator)
            for name, arm in drawn.items():
                gradient = in_two_schedules(
                    partial(_plain, setting(arm)),
                    STEPS,
                    100,
                    over=arm.multi_step,
                    first_order=arm.first_order,
                ).at(int(100 * done))
                began = time.process_time()
                gradient(starts[name], episode)
                here[name].append(time.process_time() - began)
        for name, seconds in here.items():
            took[name].append(statistics.median(seconds))
    ratio = {name: round(sum(seconds) / sum(took["plain"]), 2) for name, seconds in took.items()}
    note({"name": "costs", "seed": 0, "ratio": ratio})
    print(ratio)


def _choices() -> list[Figure]:
    return [
        figure(row["name"], row["test"]["transductive"][-1], "%", [row["seed"]], VALIDATION_TASKS,
               f"validation characters, {OUTER_STEPS} outer steps, plain MAML")
        for row in rows().values()
        if row["name"].startswith("choice/")
    ]  # fmt: skip


def keep() -> None:
    """All rows as one record: figures over the seeds, and the runs for the lesson's pictures.

    A figure whose rows are not there stays as it was recorded.
    """
    found = rows()
    ratio = found["costs#0"]["ratio"] if "costs#0" in found else {}
    figures = [
        figure(f"cost.{name}", value, "times a plain step", [0], None,
               "processor seconds; medians of steps taken in turn, over the schedules")
        for name, value in ratio.items()
    ]  # fmt: skip
    figures += _choices() + _settings()
    runs: dict[str, dict[str, Any]] = {}
    for row in sorted(found.values(), key=lambda row: row["seed"]):
        if "norms" in row:
            arm = {key: value for key, value in row["arm"].items() if value != getattr(Arm(), key)}
            run = runs.setdefault(
                row["name"], {"arm": arm, "seeds": [], "test": {}, "quantiles": [], "norms": []}
            )
            run["seeds"].append(row["seed"])
            for mode, values in row["test"].items():
                run["test"].setdefault(mode, []).append(values)
            run["quantiles"].append(row["norms"]["quantiles"])
            run["norms"].append(row["norms"]["curve"])
            run.setdefault("stopped", []).append(row["stopped"])
            if "rates" in row:
                run.setdefault("rates", []).append(row["rates"])
    for name, run in sorted(runs.items()):
        for mode, values in run["test"].items():
            ends = [each[-1] for each in values]
            figures.append(_over(f"{name}.{mode}", ends, "%", run["seeds"]))
        plain = runs.get(f"{name.split('/')[0]}/plain")
        if (
            plain
            and name != f"{name.split('/')[0]}/plain"
            and run["seeds"] == plain["seeds"][: len(run["seeds"])]
        ):
            pairs = zip(run["test"]["transductive"], plain["test"]["transductive"], strict=False)
            figures.append(
                _over(f"{name} - plain", [a[-1] - b[-1] for a, b in pairs], "points", run["seeds"])
            )
    figures += protocol_figures(list(found.values()))
    merged = {each["name"]: each for each in (*stored().get("figures", []), *figures)}
    path = keep_results(
        LESSON, "ingredients", list(merged.values()), command="python -m studies.lesson12_ingredients keep",
        outer_steps=OUTER_STEPS, inner_steps=STEPS, tasks=TEST_TASKS, runs=runs,
    )  # fmt: skip
    print(path, len(merged), "figures", len(runs), "arms")


def _over(name: str, values: list[float], unit: str, seeds: list[int]) -> Figure:
    said = "interval over seeds: " + ", ".join(f"{value:.1f}" for value in values)
    return figure(name, over_seeds(values), unit, seeds, TEST_TASKS, said, digits=2)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["choose", "settings", "costs", "train", "keep"])
    parser.add_argument("arms", nargs="*")
    parser.add_argument("--seeds", type=int, default=len(SEEDS))
    options = parser.parse_args()
    if options.what == "keep":
        return keep()
    split = Characters.omniglot().split("random")
    if options.what == "train":
        return train(split, options.arms, options.seeds)
    if options.what == "settings":
        return settings(split, options.arms[0] if options.arms else None)
    {"choose": choose, "costs": costs}[options.what](split)


if __name__ == "__main__":
    main()
