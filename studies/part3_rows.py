"""Lessons 12 to 16 in one table: every method on lesson 09's 1000 test tasks, trained for the same seconds of one core.

    python -m studies.part3_rows                      everything that has no row yet, then data/results/part3-rows.json
    python -m studies.part3_rows costs                what an outer step of each method costs, taken in turns in one process
    python -m studies.part3_rows choose 0.5           implicit MAML's pull, one candidate on validation characters
    python -m studies.part3_rows train MAML 0         one method, one seed
    python -m studies.part3_rows keep                 the rows as data/results/part3-rows.json

Two groups, each with plain MAML as its own control. *40 ways*: lesson 09's recipe (tasks of 40 classes, a head of zeros, two inner
steps, Adam at .005 with a cosine), and one thing changed. *5 ways*: lesson 12's tasks (5 classes, a learned head, five inner steps
at its tuned rate, Adam at .004), and one thing changed; MeTAL with lesson 15's settings. A method makes as many outer steps as
fit into ``BUDGET`` processor seconds by "costs", drawing the tasks included, testing not. The size of the inner step at test is chosen on validation
characters, for each run. One run is one line of runs/part3-rows.jsonl, so the command can be stopped and called again.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, NamedTuple

import torch

from mlteach.errors import TrainingError
from mlteach.fit import Gradient, fit
from mlteach.inner import Rule, proximal
from mlteach.inner.learned_loss import LearnedLoss
from mlteach.measure import over_seeds, step_accuracy
from mlteach.measure.ledger import data_folder, keep_results, recorded
from mlteach.methods.by_adapting import shortened
from mlteach.nets import Conv4, cross_entropy
from mlteach.outer import Scheduled, implicit_gradient, maml_gradient
from mlteach.outer.interpolated import Mixed, beside
from mlteach.outer.multi_step import in_two_schedules
from mlteach.params import Params
from mlteach.tasks import Characters, Episode, Split
from mlteach.tasks.augment import augmented
from mlteach.tasks.interpolation import by_class, mixing_share, partners
from studies import lesson12_ingredients as twelve
from studies.lesson13_networks import ANIL, OURS, Network
from studies.lesson16_few_tasks import BEND, HIDDEN, SHIFT
from studies.shared import figure, tasks_of

SEEDS, BUDGET = (0, 1, 2), 25
TEST_TASKS, VALIDATION_TASKS = 1000, 100
SHARES = (1.0, 0.1, 0.025)  # of the training's inner step, at test
NET = Conv4(5, 32, head="flatten")
PULLS, INNER, SOLVES = (0.5, 2.0), 8, 2  # implicit MAML: lambda, inner steps, products with the Hessian
MODES = ("transductive", "support")


class Test(NamedTuple):
    """How a trained start is tested, on 5 ways."""

    rule: Rule
    steps: int
    net: Any = NET
    start: Callable[[Params], Params] = NET.zero_head
    only: Collection[str] | None = None


@dataclass(frozen=True)
class Method:
    """gradient: for so many outer steps. The tasks come from ``sample``, theta at first from ``fresh``."""

    lesson: str
    ways: int
    fresh: Callable[[torch.Generator], Params]
    gradient: Callable[[int], Gradient | Scheduled]
    sample: Callable[[torch.Generator], Episode]
    test: Callable[[Params], Test]
    lr: float
    schedule: str = "cosine"
    clip: float | None = None


@cache
def split() -> Split:
    return Characters.omniglot().split("random")


# Lesson 09's recipe, and one thing changed ---------------------------------------------------------------------------


def like_lesson_09(lesson: str, network: Network = OURS, **change: Any) -> Method:
    """MAML as in lesson 09: two tasks of 40 ways, two inner steps in training and three at test."""

    def fresh(generator: torch.Generator) -> Params:
        theta = network.net.init(generator)
        return {name: theta[name] for name in network.net.body_names}

    usual = Method(
        lesson, network.ways, fresh, lambda steps: network.gradient, lambda g: network.sample(split().train, g),
        lambda theta: Test(network.rule(NET), 3, only=network.only(NET)), network.outer_rate,
    )  # fmt: skip
    return replace(usual, **change)


def implicit(pull: float) -> Method:
    """The start moved by the implicit gradient: more inner steps, held back by ``pull``, and few products with the Hessian."""
    net = OURS.net
    how: dict[str, Any] = {"strength": pull, "solves": SOLVES, "start": net.zero_head}
    gradient = partial(implicit_gradient, net, cross_entropy, rule=OURS.rule(net), steps=INNER, **how)
    return like_lesson_09(
        "14",
        gradient=lambda steps: gradient,
        test=lambda theta: Test(proximal(OURS.rule(NET), pull), INNER),
    )


def interpolated(dice: torch.Generator) -> Method:
    """Every step's tasks are mixtures of two, after one of the blocks that lesson 16 chose."""
    net = OURS.net

    def gradient(theta: Params, episode: Episode) -> Any:
        layer = HIDDEN.layers[int(torch.randint(len(HIDDEN.layers), (), generator=dice))]
        mixed = Mixed(net, layer, mixing_share(1, generator=dice).item())
        pairs = beside(episode, partners(episode))
        return maml_gradient(
            mixed, cross_entropy, theta, pairs, OURS.rule(net), OURS.inner_steps, only=mixed.above, start=net.zero_head
        )  # fmt: skip

    return like_lesson_09(
        "16", gradient=lambda steps: gradient, sample=lambda g: by_class(OURS.sample(split().train, g))
    )


def bent() -> Method:
    """Every picture shifted and bent by itself."""

    def sample(g: torch.Generator) -> Episode:
        return augmented(OURS.sample(split().train, g), shift=SHIFT, bend=BEND, generator=g)

    return like_lesson_09("16", sample=sample)


# Lesson 12's tasks, and one thing changed ----------------------------------------------------------------------------


def like_lesson_12(lesson: str, **change: Any) -> Method:
    """MAML as in lesson 12, at the inner rate that was best on validation characters."""
    tried = {
        name: each["value"]
        for name, each in recorded("12", "ingredients").items()
        if name.startswith("choice/")
    }
    arm = twelve.Arm(alpha=float(max(tried, key=tried.__getitem__).partition("/")[2]), **change)
    parts = twelve.setting(arm)

    def gradient(theta: Params, episode: Episode, **how: Any) -> Any:
        return maml_gradient(
            parts.net, cross_entropy, theta, episode, parts.rule, twelve.STEPS, only=parts.only, start=parts.start, **how
        )  # fmt: skip

    def scheduled(steps: int) -> Scheduled:
        return in_two_schedules(
            gradient, twelve.STEPS, steps, over=arm.multi_step, first_order=arm.first_order
        )

    return Method(
        lesson, 5, partial(twelve.first, arm), scheduled,
        lambda g: split().train.sample(twelve.TASKS, 5, 1, 1, generator=g),
        lambda theta: Test(parts.rule(theta), twelve.STEPS, parts.net, parts.start, parts.only), twelve.BETA,
        "cosine" if arm.cosine else "constant", arm.clip,
    )  # fmt: skip


def metal() -> Method:
    """A learned inner loss beside learned rates: lesson 15's settings."""
    kind = LearnedLoss(0.1, 3, ways=5)

    def fresh(generator: torch.Generator) -> Params:
        return kind.init(generator, NET.zero_head(NET.init(generator)))

    gradient = partial(maml_gradient, NET, cross_entropy, rule=kind.rule, steps=kind.steps, start=kind.start)
    return Method(
        "15", 5, fresh, lambda steps: gradient, lambda g: split().train.sample(4, 5, 1, 2, generator=g),
        lambda theta: Test(kind.rule(theta), kind.steps, start=kind.start), 4e-3, clip=1.0,
    )  # fmt: skip


def methods(seed: int = 0) -> dict[str, Method]:
    """All by name, the control of each group first."""
    return {
        "MAML": like_lesson_09("09"),
        "ANIL": like_lesson_09("13", ANIL),
        "implicit MAML": implicit(chosen_pull()),
        "task interpolation": interpolated(torch.Generator().manual_seed(1000 + seed)),
        "shift and bend": bent(),
        "MAML, 5 ways": like_lesson_12("12"),
        "clipped": like_lesson_12("12", clip=1.0),
        "zero head": like_lesson_12("14", zero_head=True),
        "MAML++": like_lesson_12("12", **twelve.ALL),
        "MeTAL": metal(),
    }


# Training and testing ------------------------------------------------------------------------------------------------


def tested(
    method: Method, theta: Params, share: float, tasks: list[Episode], modes: Any = MODES
) -> dict[str, float]:
    """Percent right in each mode, with inner steps of this share of the training's."""  # fmt: skip
    rule, steps, net, start, only = method.test(theta)
    found = step_accuracy(
        net, theta, tasks, shortened(rule, share), steps, modes=modes, only=only, start=start, last=True
    )
    return {mode: 100 * values.mean().item() for mode, values in found.items()}


def trained(method: Method, steps: int, seed: int) -> tuple[Params, int, float]:
    """theta, the outer steps it made, and what it took: processor seconds of one thread."""
    generator = torch.Generator().manual_seed(seed)
    theta, began = method.fresh(generator), time.process_time()
    try:
        run = fit(
            method.gradient(steps), theta, method.sample, steps=steps, generator=generator, lr=method.lr,
            schedule=method.schedule, clip=method.clip, progress=None,
        )  # fmt: skip
    except TrainingError as error:
        assert error.run is not None
        run = error.run
    return run.theta, run.step, time.process_time() - began


def train(name: str, seed: int) -> None:
    """One run: trained, the share chosen on validation characters, tested once."""
    method, steps = methods(seed)[name], round(BUDGET / rows()["costs"]["cost"][name])
    theta, made, seconds = trained(method, steps, seed)
    watched = tasks_of(split().validation, VALIDATION_TASKS, 77)
    tried = {share: tested(method, theta, share, watched, MODES[:1])[MODES[0]] for share in SHARES}
    share = max(tried, key=tried.__getitem__)
    test = tested(method, theta, share, tasks_of(split().test, TEST_TASKS, 2))
    note(
        {
            "run": f"{name}#{seed}",
            "test": test,
            "share": share,
            "tried": tried,
            "steps": made,
            "seconds": seconds,
        }
    )


def costs() -> None:
    """Processor seconds of an outer step of each method, the draw of its tasks included, all along its schedules."""
    ready = methods()
    generators = {name: torch.Generator().manual_seed(0) for name in ready}
    thetas = {name: method.fresh(generators[name]) for name, method in ready.items()}
    spent: dict[str, list[float]] = {name: [] for name in ready}
    for done in torch.linspace(0.05, 0.95, 8).tolist():
        here: dict[str, list[float]] = {name: [] for name in ready}
        for _ in range(3):
            for name, method in ready.items():
                gradient = method.gradient(100)
                gradient = gradient.at(int(100 * done)) if isinstance(gradient, Scheduled) else gradient
                began = time.process_time()
                gradient(thetas[name], method.sample(generators[name]))
                here[name].append(time.process_time() - began)
        for name, seconds in here.items():
            spent[name].append(statistics.median(seconds))
    note({"run": "costs", "cost": {name: statistics.mean(seconds) for name, seconds in spent.items()}})


def choose(pull: float) -> None:
    """Implicit MAML with this pull, a seed that no row has, half the steps of a row, on validation characters."""
    method, steps = implicit(pull), round(BUDGET / 2 / rows()["costs"]["cost"]["implicit MAML"])
    theta, made, seconds = trained(method, steps, 9)
    watched = tasks_of(split().validation, VALIDATION_TASKS, 77)
    tried = {share: tested(method, theta, share, watched, MODES[:1])[MODES[0]] for share in SHARES}
    note({"run": f"choice/{pull}", "tried": tried, "steps": made, "seconds": seconds})


def chosen_pull() -> float:
    """The pull that did best on validation characters; the first, until all have been tried."""
    kept = {pull: rows()[f"choice/{pull}"]["tried"] for pull in PULLS if f"choice/{pull}" in rows()}
    return max(kept, key=lambda pull: max(kept[pull].values()), default=PULLS[0])


# Rows ----------------------------------------------------------------------------------------------------------------


def rows() -> dict[str, dict[str, Any]]:
    """What has been run, by name and seed."""
    path = data_folder().parent / "runs" / "part3-rows.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {row["run"]: row for row in map(json.loads, lines)}


def note(row: dict[str, Any]) -> None:
    """Keep a row, and print it."""
    path = data_folder().parent / "runs" / "part3-rows.jsonl"
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    print(row, flush=True)


def keep() -> None:
    """Each method over the seeds, and what it is above the control of its group with the same seeds."""
    done, figures, listed = rows(), [], methods()
    listed["two starts"] = replace(listed["zero head"], lesson="15")  # studies.part3_two_starts
    for name, method in listed.items():
        control = "MAML" if method.ways == OURS.ways else "MAML, 5 ways"
        both = [seed for seed in SEEDS if {f"{name}#{seed}", f"{control}#{seed}"} <= done.keys()]
        if len(both) < 2:
            print(f"{name}: not yet two seeds that its control has too")
            continue
        runs, against = ({seed: done[f"{each}#{seed}"] for seed in both} for each in (name, control))
        shares = ", ".join(f"{run['share']:g}" for run in runs.values())
        how = f"{method.ways} ways in training; tested at {shares} of the inner step"
        seconds = statistics.mean(run["seconds"] for run in runs.values())
        for mode in MODES:
            values = [run["test"][mode] for run in runs.values()]
            said = f"{how}; by seed: " + ", ".join(f"{value:.2f}" for value in values)
            figures.append(
                figure(
                    f"{name}.{mode}", over_seeds(values), "%", list(runs), TEST_TASKS, said, seconds=seconds
                )
                | {"outer_steps": [run["steps"] for run in runs.values()], "lesson": method.lesson}
            )
            if name != control:
                gains = [run["test"][mode] - against[seed]["test"][mode] for seed, run in runs.items()]
                said = f"paired by seed with {control}: " + ", ".join(f"{gain:+.2f}" for gain in gains)
                figures.append(
                    figure(f"{name}.{mode}.gain", over_seeds(gains), "points", list(runs), TEST_TASKS, said)
                )
    for pull in PULLS:
        tried = done[f"choice/{pull}"]["tried"]
        said = f"implicit MAML with lambda {pull:g}, validation characters"
        figures.append(figure(f"choice/{pull:g}", max(tried.values()), "%", [9], VALIDATION_TASKS, said))
    cost = {name: round(1000 * seconds, 1) for name, seconds in done["costs"]["cost"].items()}
    path = keep_results(
        "part3",
        "rows",
        figures,
        command="python -m studies.part3_rows",
        budget=BUDGET,
        milliseconds_a_step=cost,
    )
    print(path)


def everything() -> None:
    """What has no row yet, in an order in which a part of it is a table too."""
    if "costs" not in rows():
        costs()
    for pull in PULLS:
        if f"choice/{pull}" not in rows():
            choose(pull)
    for seed in SEEDS:
        for name in methods():
            if f"{name}#{seed}" not in rows():
                train(name, seed)
    keep()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=["costs", "choose", "train", "keep"])
    parser.add_argument("of", nargs="*", help="a pull; or a method and a seed")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.what == "choose":
        choose(float(options.of[0]))
    elif options.what == "train":
        train(options.of[0], int(options.of[1]))
    else:
        {"costs": costs, "keep": keep, None: everything}[options.what]()


if __name__ == "__main__":
    main()
