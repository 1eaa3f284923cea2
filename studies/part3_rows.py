"""Lessons 12 to 16 in one table: every method on lesson 09's 1000 test tasks, trained for the same seconds of one core.

    python -m studies.part3_rows                      everything that has no row yet, then data/results/part3-rows.json
    python -m studies.part3_rows costs                what an outer step costs of each method that has no cost yet, beside its control
    python -m studies.part3_rows choose 0.5           implicit MAML's pull, one candidate on validation characters
    python -m studies.part3_rows train MAML 0         one method, one seed
    python -m studies.part3_rows keep                 the rows as data/results/part3-rows.json

Two groups, each with plain MAML as its own control. *40 ways*: lesson 09's recipe (tasks of 40 classes, a head of zeros, two inner
steps, Adam at .005 with a cosine), and one thing changed. *5 ways*: lesson 12's tasks (5 classes, a learned head, five inner steps
at its tuned rate, Adam at .004), and one thing changed; MeTAL with lesson 15's settings, and learned rates alone with the same. A method makes as many outer steps as
fit into ``BUDGET`` processor seconds by "costs", drawing the tasks included, testing not. The size of the inner step at test is chosen on validation
characters, for each run. One run is one line of runs/part3-rows.jsonl, so the command can be stopped and called again; a method whose runs are not
there keeps the row that is recorded.
"""

import argparse
import json
import re
import statistics
import time
from dataclasses import replace
from typing import Any

import torch

from mlteach.errors import TrainingError
from mlteach.fit import fit
from mlteach.measure import over_seeds, step_accuracy
from mlteach.measure.ledger import data_folder, keep_results, recorded
from mlteach.methods.by_adapting import shortened
from mlteach.outer import Scheduled
from mlteach.params import Params
from mlteach.tasks import Episode
from studies import part3_methods
from studies.lesson13_networks import OURS
from studies.part3_methods import Method, implicit, split
from studies.shared import Figure, figure, tasks_of

SEEDS, BUDGET = (0, 1, 2), 25
TEST_TASKS, VALIDATION_TASKS = 1000, 100
SHARES = (1.0, 0.1, 0.025)  # of the training's inner step, at test
PULLS = (0.5, 2.0)  # implicit MAML's lambda
MODES = ("transductive", "support")


def methods(seed: int = 0) -> dict[str, Method]:
    """All by name, the control of each group first."""
    return part3_methods.methods(chosen_pull(), seed)


def control_of(method: Method) -> str:
    """The plain MAML of its group."""
    return "MAML" if method.ways == OURS.ways else "MAML, 5 ways"


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
    method, steps = methods(seed)[name], round(BUDGET / costs_known()[name])
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


def costs_known() -> dict[str, float]:
    """Seconds of an outer step of each method that has been measured."""
    path = data_folder() / "results" / "part3-rows.json"
    had = json.loads(path.read_text(encoding="utf-8"))["milliseconds_a_step"] if path.exists() else {}
    return {name: each / 1000 for name, each in had.items()} | rows().get("costs", {}).get("cost", {})


def costs() -> None:
    """Processor seconds of an outer step of each method without a cost, the draw of its tasks included, all along its schedules.

    Its control takes turns with it. Where the control's cost is known, what counts is the ratio of the two.
    """
    known, every = costs_known(), methods()
    new = [name for name in every if name not in known]
    ready = {
        name: every[name] for name in every if name in {*new, *(control_of(every[each]) for each in new)}
    }
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
    took = {name: statistics.mean(seconds) for name, seconds in spent.items()}
    for name in new:
        control = control_of(every[name])
        known[name] = took[name] * known.get(control, took[control]) / took[control]
    note({"run": "costs", "cost": known, "measured": took})


def choose(pull: float) -> None:
    """Implicit MAML with this pull, a seed that no row has, half the steps of a row, on validation characters."""
    method, steps = implicit(pull), round(BUDGET / 2 / costs_known()["implicit MAML"])
    theta, made, seconds = trained(method, steps, 9)
    watched = tasks_of(split().validation, VALIDATION_TASKS, 77)
    tried = {share: tested(method, theta, share, watched, MODES[:1])[MODES[0]] for share in SHARES}
    note({"run": f"choice/{pull}", "tried": tried, "steps": made, "seconds": seconds})


def chosen_pull() -> float:
    """The pull that did best on validation characters; the first, until all have been tried."""
    tried = {pull: each for pull in PULLS if (each := best_of(pull)) is not None}
    return max(tried, key=tried.__getitem__, default=PULLS[0])


def best_of(pull: float) -> float | None:
    """Percent right with this pull on validation characters, at its best share; None where it was not tried."""
    if row := rows().get(f"choice/{pull}"):
        return max(row["tried"].values())
    return recorded("part3", "rows").get(f"choice/{pull:g}", {}).get("value")


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


def by_seed(name: str, mode: str) -> dict[int, float]:
    """Percent right of each seed: of the runs, else as the record has it."""
    done = rows()
    runs = {seed: done[f"{name}#{seed}"] for seed in SEEDS if f"{name}#{seed}" in done}
    if runs:
        return {seed: run["test"][mode] for seed, run in runs.items()}
    kept = recorded("part3", "rows").get(f"{name}.{mode}")
    return dict(zip(kept["seeds"], each_seed(kept["note"]), strict=True)) if kept else {}


def each_seed(note: str) -> list[float]:
    """The seeds' own values, out of a figure's note."""
    return [float(each) for each in re.findall(r"-?[0-9.]+", note.partition("by seed: ")[2])]


def gain(name: str, control: str, mode: str, key: str) -> Figure | None:
    """What the method is above another with the same seeds; None without two of them."""
    ours, theirs = by_seed(name, mode), by_seed(control, mode)
    both = [seed for seed in SEEDS if {seed} <= ours.keys() & theirs.keys()]
    if len(both) < 2:
        return None
    gains = [ours[seed] - theirs[seed] for seed in both]
    said = f"paired by seed with {control}: " + ", ".join(f"{each:+.2f}" for each in gains)
    return figure(key, over_seeds(gains), "points", both, TEST_TASKS, said)


def keep() -> None:
    """Each method over the seeds, and what it is above the control of its group with the same seeds."""
    done, listed = rows(), methods()
    kept = recorded("part3", "rows")
    listed["two starts"] = replace(listed["zero head"], lesson="15")  # studies.part3_two_starts
    new: list[Figure | None] = []
    for name, method in listed.items():
        runs = {seed: done[f"{name}#{seed}"] for seed in SEEDS if f"{name}#{seed}" in done}
        if len(runs) < 2:
            continue
        shares = ", ".join(f"{run['share']:g}" for run in runs.values())
        how = f"{method.ways} ways in training; tested at {shares} of the inner step"
        took = statistics.mean(run["seconds"] for run in runs.values())
        busy = took > 1.5 * BUDGET  # the steps are as many as "costs" allows; what was dearer is the machine
        seconds = None if busy else took
        how += "; trained on a busy machine, so without its seconds" if busy else ""
        for mode in MODES:
            values = [run["test"][mode] for run in runs.values()]
            said = f"{how}; by seed: " + ", ".join(f"{value:.2f}" for value in values)
            entry = figure(f"{name}.{mode}", over_seeds(values), "%", list(runs), TEST_TASKS, said, seconds=seconds)  # fmt: skip
            new.append(
                entry | {"outer_steps": [run["steps"] for run in runs.values()], "lesson": method.lesson}
            )
            if name != control_of(method):
                new.append(gain(name, control_of(method), mode, f"{name}.{mode}.gain"))
    for mode in MODES:
        if "learned rates#0" in done or "MeTAL#0" in done:
            new.append(gain("MeTAL", "learned rates", mode, f"MeTAL minus learned rates.{mode}"))
    for pull in PULLS:
        if row := done.get(f"choice/{pull}"):
            said = f"implicit MAML with lambda {pull:g}, validation characters"
            new.append(figure(f"choice/{pull:g}", max(row["tried"].values()), "%", [9], VALIDATION_TASKS, said))  # fmt: skip
    figures = kept | {each["name"]: each for each in new if each is not None}
    cost = {name: round(1000 * seconds, 1) for name, seconds in costs_known().items()}
    path = keep_results(
        "part3",
        "rows",
        list(figures.values()),
        command="python -m studies.part3_rows",
        budget=BUDGET,
        milliseconds_a_step=cost,
    )
    print(path)


def everything() -> None:
    """What has no row yet, in an order in which a part of it is a table too."""
    if methods().keys() - costs_known().keys():
        costs()
    for pull in PULLS:
        if best_of(pull) is None:
            choose(pull)
    kept = recorded("part3", "rows")
    missing = [name for name in methods() if f"{name}.support" not in kept]
    for seed in SEEDS:
        for name in missing:
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
