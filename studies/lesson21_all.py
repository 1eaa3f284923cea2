"""Lesson 21: every method of the course on lesson 09's test tasks, after the same seconds of one core.

    python -m studies.lesson21_all                 everything that has no row yet, then the results
    python -m studies.lesson21_all costs           what an outer step of each costs, what it holds, what a new task costs
    python -m studies.lesson21_all prices          what a new task costs, measured again
    python -m studies.lesson21_all run MAML 0      one method, one seed: trained, then judged
    python -m studies.lesson21_all five            MAML beside the meta-learner LSTM, in numbers; the readers' bodies read as prototypes
    python -m studies.lesson21_all keep            data/results/21-all.json, 21-shifts.json, 21-curves.json and 21-tasks.safetensors

All methods are those of `mlteach.methods`, with the settings of the lesson they come from. Each makes as many outer steps as fit into
``SECONDS`` processor seconds of one thread, by "costs", drawing included; a cosine (Reptile: a straight line) runs over them. The size of
the inner step at test is chosen on validation characters for each run; methods without one have nothing to choose. The curve over the
seconds is on other validation tasks. Seconds to 90 and to 95 %: of the first look from which on two in a row are above it.

One run is one file in ``runs/21-all``, so that the command can be stopped and called again. A method with fewer than two runs there
keeps the figures that are stored.
"""

import argparse
import json
import statistics
import time
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.checkpoint import load_checkpoint, save_checkpoint
from mlteach.measure import over_seeds, path_of
from mlteach.measure.held import held_bytes
from mlteach.measure.ledger import data_folder, keep_results, recorded
from mlteach.methods import (
    METHODS,
    Method,
    Norm,
    adapting,
    body,
    fixed_norm,
    maml,
    meta_lstm,
    readers,
    right,
    steps_within,
    trained,
    tuned,
)
from mlteach.methods.by_adapting import shortened
from mlteach.methods.method import features_under
from mlteach.metric import linear_logits
from mlteach.nets import cross_entropy
from mlteach.outer import maml_gradient
from mlteach.params import Params, gradient_of, leaves
from mlteach.tasks import Characters, Episode, Split
from mlteach.tasks.shifts import SHIFTS, shifted
from studies.shared import beside_recorded, figure, tasks_of

LESSON, SEEDS, SECONDS = "21_all_of_them", (0, 1, 2), 60
TEST_TASKS, SHIFT_TASKS, WATCHED, LOOKS = 1000, 100, 100, 12
NORMS = ("transductive", "support", "fixed")
GOALS = (90, 95)
RUNS = data_folder().parent / "runs" / "21-all"
COMMAND = "python -m studies.lesson21_all"


@cache
def split() -> Split:
    return Characters.omniglot().split("random")


# Shifts ---------------------------------------------------------------------------------------------------------------


ONE_ALPHABET = "one alphabet"
ALL_SHIFTS = (*SHIFTS, ONE_ALPHABET)


@cache
def under(shift: str) -> list[Episode]:
    """The first test tasks under a shift; "one alphabet": as many tasks whose classes are of one alphabet."""
    if shift != ONE_ALPHABET:
        return [shifted(each, shift) for each in tasks_of(split().test, SHIFT_TASKS, 2)]
    generator = torch.Generator().manual_seed(2)
    return [
        split().test.sample(50, 5, 1, 15, generator=generator, within_alphabet=True)
        for _ in range(0, SHIFT_TASKS, 50)
    ]


# Runs -----------------------------------------------------------------------------------------------------------------


#: Trained beside the table, for a control.
EXTRA = {readers.AS_THEY_COME.name: readers.AS_THEY_COME}


def row(name: str) -> dict[str, Any] | None:
    path = RUNS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def result(name: str, seed: int) -> dict[str, Any] | None:
    """The row of a run that was judged. One that is trained alone has a file of this name too, beside its parameters."""
    found = row(f"{name}-{seed}")
    return found if found and "shifts" in found else None


def note(name: str, found: dict[str, Any]) -> None:
    RUNS.mkdir(parents=True, exist_ok=True)
    (RUNS / f"{name}.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    print(name, {key: value for key, value in found.items() if key not in ("curve", "shifts")}, flush=True)


def place(name: str, seed: int) -> Path:
    RUNS.mkdir(parents=True, exist_ok=True)
    return RUNS / f"{name}-{seed}.safetensors"


def price(method: Method, theta: Params, repeats: int = 15) -> dict[str, float]:
    """Milliseconds of one core for a new task, five drawings and five questions, and for one more question: medians."""
    draw = torch.Generator().manual_seed(0)
    tasks = {queries: split().test.sample(1, 5, 1, queries, generator=draw) for queries in (1, 19)}  # a class
    spent: dict[int, list[float]] = {queries: [] for queries in tasks}
    with torch.no_grad():
        for _ in range(repeats):
            for queries, episode in tasks.items():
                began = time.process_time()
                phi = method.adapt(theta, episode, 1.0, Norm())
                method.answer(phi, episode, Norm("support"))
                spent[queries].append(time.process_time() - began)
    few, many = (1000 * statistics.median(values) for values in spent.values())
    return {"task": few, "question": max(0.0, many - few) / (5 * (19 - 1))}


def prices() -> None:
    """The price of a new task again, the methods one after the other: on a machine that does nothing else."""
    for name in METHODS:
        if made := row(f"cost-{name}"):
            method = METHODS[name]
            note(f"cost-{name}", made | price(method, method.init(torch.Generator().manual_seed(0)), 31))


def cost(name: str) -> None:
    """Outer steps within the seconds; bytes held in one; a new task and one more question, in ms; learned numbers."""
    method = (METHODS | EXTRA)[name]
    found: dict[str, Any] = {"steps": 0, "held": 0}
    theta = method.init(torch.Generator().manual_seed(0))
    if method.learns:
        found["steps"] = steps_within(method, split().train, SECONDS)
        episode = method.sample(split().train, torch.Generator().manual_seed(0))
        move = method.gradient if method.scheduled is None else method.scheduled(10).at(9)
        found["held"] = held_bytes(lambda: move(theta, episode))
    found["parameters"] = sum(value.numel() for value in theta.values())
    found |= price(method, theta)
    note(f"cost-{name}", found)


def train(name: str, seed: int) -> tuple[Params, dict[str, Any]]:
    """theta and what is known of its training; what stands on disk is not trained again."""
    path, method = place(name, seed), (METHODS | EXTRA)[name]
    if not path.exists():
        watched = tasks_of(split().validation, WATCHED, 78)

        def score(theta: Params) -> float:
            return (
                100 * right(method, theta, watched, {"": Norm()}, share=method.shares[-1])[""].mean().item()
            )

        if row(f"cost-{name}") is None:
            cost(name)
        made = row(f"cost-{name}")
        assert made is not None
        run = trained(
            method, split().train, seconds=SECONDS, seed=seed, steps=made["steps"] or 1, score=score,
            looks=LOOKS if made["task"] < 50 else 4, progress=None
        )  # fmt: skip
        about = {"steps": run.steps, "seconds": run.seconds, "curve": run.curve}
        about["share"] = tuned(method, run.theta, tasks_of(split().validation, 100, 77))
        if not run.theta:
            return {}, about
        save_checkpoint(path, {f"theta.{key}": value for key, value in run.theta.items()}, about)
    kept = load_checkpoint(path)
    return {key.removeprefix("theta."): value for key, value in kept.tensors.items()}, kept.about


def norms_of(theta: Params) -> dict[str, Norm]:
    """Batch norm in three ways; the fixed statistics are those of 1000 training pictures."""
    pictures = split().train.sample(10, 50, 1, 1, generator=torch.Generator().manual_seed(3))
    return {
        "transductive": Norm(), "support": Norm("support"),
        "fixed": fixed_norm(theta, torch.cat([pictures.support_x, pictures.query_x], 1).flatten(0, 1)),
    }  # fmt: skip


def judge(name: str, seed: int) -> None:
    """One run on the 1000 test tasks, on two other kinds of tasks, and under every shift."""
    method: Method = METHODS[name]
    theta, about = train(name, seed)
    norms, share = norms_of(theta), about["share"]
    each = right(method, theta, tasks_of(split().test, TEST_TASKS, 2), norms, share=share)
    values = torch.stack([each[mode] for mode in NORMS])  # 75 questions a task
    save_checkpoint(
        RUNS / f"{name}-{seed}-tasks.safetensors", {"right": (75 * values).round().to(torch.uint8)}, {}
    )
    found: dict[str, Any] = {mode: 100 * each[mode].mean().item() for mode in NORMS}
    one = {"": norms["transductive"]}
    five = tasks_of(split().test, 300, 2, shots=5, queries=5)
    found["5 shots"] = 100 * right(method, theta, five, one, share=share)[""].mean().item()
    if method.ways is None:
        twenty = tasks_of(split().test, 100, 2, ways=20, queries=4, at_once=20)
        found["20 ways"] = 100 * right(method, theta, twenty, one, share=share)[""].mean().item()
    found["shifts"] = {
        shift: {mode: 100 * values.mean().item() for mode, values in
                right(method, theta, under(shift), norms, share=share).items()}
        for shift in ALL_SHIFTS
    }  # fmt: skip
    note(f"{name}-{seed}", found | about)


def run(name: str, seed: int) -> None:
    """One method, one seed, if it is not there yet."""
    if row(f"cost-{name}") is None:
        cost(name)
    if result(name, seed) is None:
        judge(name, seed)


# MAML beside the meta-learner LSTM, and what a reader's body can do ---------------------------------------------------


def products(theta: Params, episode: Episode, norm: Norm) -> Tensor:
    """Linear attention whatever theta has beside its body: the rate moves no answer."""
    support, query = features_under(theta, episode, norm)
    return linear_logits(support, episode.support_y, query, int(episode.support_y.max()) + 1, rate=1.0)


def centred(method: Method) -> Method:
    """A method that compares, its features less the mean of the support set's before they are read."""

    def answer(theta: Params, episode: Episode, norm: Norm) -> Tensor:
        support, query = features_under(theta, episode, norm)
        middle = support.mean(1, keepdim=True)
        return linear_logits(
            support - middle, episode.support_y, query - middle, int(episode.support_y.max()) + 1, rate=1.0
        )

    return method._replace(answer=answer)


#: Name -> what was trained, and how it is read here.
OTHERWISE: dict[str, tuple[str, Method]] = {
    "attention reader, body": ("attention reader", METHODS["prototypes"]),
    "LSTM reader, body": ("LSTM reader", METHODS["prototypes"]),
    "linear attention, centred": ("linear attention", centred(METHODS["linear attention"])),
    "linear attention, read as prototypes": ("linear attention", METHODS["prototypes"]),
    "prototypes, read by products": ("prototypes", METHODS["linear attention"]._replace(answer=products)),
    "prototypes, by products, centred": ("prototypes", centred(METHODS["linear attention"])),
    "attention reader, not centred": ("attention reader, not centred", readers.AS_THEY_COME),
}


def steps_of(rule: Any, theta: Params, start: Any, steps: int, tasks: Episode) -> tuple[Tensor, Tensor]:
    """Of each inner step the cosine with minus the support gradient, and its length, [tasks, steps] each."""
    net = body()
    path = path_of(net, theta, tasks, rule, steps, start=start)
    cosines, lengths = [], []
    for before, after in zip(path[:-1], path[1:], strict=True):
        point = leaves(before)
        losses = cross_entropy(net(point, tasks.support_x), tasks.support_y)
        down = gradient_of(losses.sum(), point)
        rows = [
            torch.cat([each[name].flatten(1) for name in point], 1)
            for each in (down, {name: after[name] - before[name] for name in point})
        ]
        cosines.append(F.cosine_similarity(-rows[0], rows[1]))
        lengths.append(rows[1].norm(dim=1))
    return torch.stack(cosines, 1), torch.stack(lengths, 1)


def five(seed: int) -> None:
    """The differences between MAML and the meta-learner LSTM that can be counted, for one seed; and two bodies read otherwise."""
    found: dict[str, Any] = {}
    tasks, few = tasks_of(split().test, 50, 2), tasks_of(split().test, 10, 2, at_once=10)[0]
    parts = {
        "MAML": (lambda theta: maml.RULE, lambda net: net.zero_head, 3),
        "meta-learner LSTM": (meta_lstm.LSTM.rule, lambda net: meta_lstm.LSTM.start, meta_lstm.STEPS),
    }
    for name, (rule, start, steps) in parts.items():
        if result(name, seed) is None:
            continue
        theta, about = train(name, seed)
        share = about["share"]
        turned, long = steps_of(shortened(rule(theta), share), theta, start(body()), steps, few)
        found[name] = {
            "cosine": turned.mean().item(),
            "length": long.mean().item(),
            "steps": steps,
            "longer": {},
        }
        for times in (1, 2, 4):
            test = adapting(body, rule, times * steps, start)
            method = METHODS[name]._replace(answer=test.answer, adapt=test.adapt)
            scores = right(method, theta, tasks, {"": Norm("support")}, share=share)[""]
            found[name]["longer"][str(times)] = 100 * scores.mean().item()
    if result("MAML", seed) is not None:
        theta, _ = train("MAML", seed)
        episode = METHODS["MAML"].sample(split().train, torch.Generator().manual_seed(9))
        whole, cut = (
            torch.cat([value.flatten() for value in maml_gradient(
                body(40), cross_entropy, theta, episode, maml.RULE, 2, start=body(40).zero_head, first_order=first
            )[0].values()])
            for first in (False, True)
        )  # fmt: skip
        found["outer cosine"] = F.cosine_similarity(whole, cut, dim=0).item()
    for name, (trained_as, method) in OTHERWISE.items():
        if trained_as in METHODS and result(trained_as, seed) is None:
            continue
        theta, _ = train(trained_as, seed)
        norms = norms_of(theta)
        found[name] = {
            shift: {mode: 100 * values.mean().item() for mode, values in
                    right(method, theta, under(shift), norms).items()}
            for shift in ALL_SHIFTS
        }  # fmt: skip
    note(f"five-{seed}", found)


def keep_five() -> None:
    """These over the seeds: data/results/21-five.json."""
    rows = {seed: found for seed in SEEDS if (found := row(f"five-{seed}"))}
    if len(rows) < 2:
        print("five: not yet two seeds")
        return
    figures: list[dict[str, Any]] = []

    def over(name: str, values: list[float], unit: str, tasks: int) -> None:
        said = "by seed: " + ", ".join(f"{value:.3f}" for value in values)
        figures.append(figure(name, over_seeds(values), unit, list(rows)[: len(values)], tasks, said))

    for name in ("MAML", "meta-learner LSTM"):
        if len(there := [each[name] for each in rows.values() if name in each]) < 2:
            continue
        for key in ("cosine", "length"):
            over(f"{name}.{key}", [each[key] for each in there], "", 10)
        for times in ("1", "2", "4"):
            over(f"{name}.steps x{times}", [each["longer"][times] for each in there], "%", 50)
    if all("outer cosine" in each for each in rows.values()):
        over("outer cosine", [each["outer cosine"] for each in rows.values()], "", 2)
    for name in OTHERWISE:
        if not all(name in each for each in rows.values()):
            continue
        for shift in ALL_SHIFTS:
            for mode in NORMS:
                values = [each[name][shift][mode] for each in rows.values()]
                over(f"{name}.{shift}.{mode}", values, "%", SHIFT_TASKS)
    whole = beside_recorded("21", "five", figures)
    print(keep_results(LESSON, "five", whole, command=f"{COMMAND} five", budget=SECONDS))


# Results --------------------------------------------------------------------------------------------------------------


def seconds_to(curve: list[tuple[float, float]], goal: float) -> float | None:
    """Seconds of the first look that is at the goal together with the next one; the last look needs no other."""
    for k, (seconds, value) in enumerate(curve):
        if value >= goal and (k + 1 == len(curve) or curve[k + 1][1] >= goal):
            return seconds
    return None


def keep() -> None:
    """All runs as results: the table, the shifts, the curves, and every task's number of right answers."""
    table: list[dict[str, Any]] = []
    shifts: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    counts: dict[str, Tensor] = {}
    before = load_checkpoint(data_folder() / "checkpoints" / "21-tasks.safetensors").tensors
    for name, method in METHODS.items():
        rows = {seed: found for seed in SEEDS if (found := result(name, seed))}
        made = row(f"cost-{name}")
        if len(rows) < 2 or made is None:
            print(f"{name}: not two runs here, so what is stored stays")
            for part, figures in (("all", table), ("shifts", shifts), ("curves", curves)):
                stored = recorded("21", part)
                figures += [stored[each] for each in stored if each.startswith(f"{name}.")]
            if name in before:
                counts[name] = before[name]
            continue
        seeds, more = list(rows), {"lesson": method.lesson, "family": method.family}
        took = statistics.mean(each["seconds"] for each in rows.values())

        def over(
            values: list[float], unit: str, to: list[dict[str, Any]], key: str, tasks: int | None = None, note: str = "",
            *, name: str = name, seeds: list[int] = seeds, took: float = took, more: dict[str, Any] = more,
        ) -> None:  # fmt: skip
            """One figure over the seeds; seeds that never got there leave none."""
            said = "by seed: " + ", ".join(f"{value:.2f}" for value in values) + (f"; {note}" if note else "")
            to.append(
                figure(f"{name}.{key}", over_seeds(values), unit, seeds, tasks, said, seconds=took) | more
            )

        shares = ", ".join(f"{each['share']:g}" for each in rows.values())
        steps = ", ".join(str(each["steps"]) for each in rows.values())
        for mode in NORMS:
            note_ = f"{steps} outer steps; tested at {shares} of the inner step"
            over([each[mode] for each in rows.values()], "%", table, mode, TEST_TASKS, note_)
        over([each["5 shots"] for each in rows.values()], "%", table, "5 shots", 300)
        if method.ways is None:
            over([each["20 ways"] for each in rows.values()], "%", table, "20 ways", 100)
        for goal in GOALS:
            reached = [seconds_to(each["curve"], goal) for each in rows.values()]
            if all(value is not None for value in reached):
                over(
                    [value for value in reached if value is not None],
                    "s",
                    table,
                    f"seconds to {goal}",
                    WATCHED,
                )
        for key, unit, value in (
            ("cost", "ms", made["task"]), ("question", "ms", made["question"]), ("parameters", "", made["parameters"]),
            ("memory", "MB", made["held"] / 1e6),
        ):  # fmt: skip
            table.append(figure(f"{name}.{key}", value, unit, [0], None) | more)
        for shift in ALL_SHIFTS:
            for mode in NORMS:
                over(
                    [each["shifts"][shift][mode] for each in rows.values()],
                    "%",
                    shifts,
                    f"{shift}.{mode}",
                    SHIFT_TASKS,
                )
        for look in range(min(len(each["curve"]) for each in rows.values())):
            at = statistics.mean(each["curve"][look][0] for each in rows.values())
            over([each["curve"][look][1] for each in rows.values()], "%", curves, str(look), WATCHED)
            curves[-1] |= {"seconds": round(at, 2), "steps": round(made["steps"] * at / took)}
        tasks = [
            load_checkpoint(RUNS / f"{name}-{seed}-tasks.safetensors").tensors["right"] for seed in seeds
        ]
        counts[name] = torch.stack(tasks)
    keep_five()
    for part, figures in (("all", table), ("shifts", shifts), ("curves", curves)):
        print(keep_results(LESSON, part, figures, command=COMMAND, budget=SECONDS))
    kept = data_folder() / "checkpoints"
    about = {"norms": list(NORMS), "questions": 75, "seeds": list(SEEDS)}
    save_checkpoint(kept / "21-tasks.safetensors", counts, about)
    save_checkpoint(kept / "21-shifts.safetensors", {shift: pictures_of(shift) for shift in ALL_SHIFTS}, {})


def pictures_of(shift: str) -> Tensor:
    """Three support drawings as they come under a shift, bytes [3, 28, 28]."""
    return (255 * under(shift)[0].support_x[0, :3, 0].clamp(0, 1)).round().to(torch.uint8)


def everything() -> None:
    """What is missing, seed by seed, so that a part of it is a table too."""
    for seed in SEEDS:
        for name in METHODS:
            run(name, seed)
        if row(f"five-{seed}") is None:
            five(seed)
    keep()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=["costs", "prices", "run", "five", "keep"])
    parser.add_argument("name", nargs="?", choices=list(METHODS))
    parser.add_argument("seed", nargs="?", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.what == "costs":
        for name in METHODS:
            cost(name)
    elif options.what == "prices":
        prices()
    elif options.what == "run":
        run(options.name, options.seed)
    elif options.what == "five":
        for seed in SEEDS:
            five(seed)
        keep_five()
    elif options.what == "keep":
        keep()
    else:
        everything()


if __name__ == "__main__":
    main()
