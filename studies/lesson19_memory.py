"""Lesson 19: who recalls a label that was shown once, and what stands in the way?

    python -m studies.lesson19_memory arms      every learner, its label late or bound, three seeds; `--arm`, `--seed`: one run
    python -m studies.lesson19_memory rates     four of them at the other outer rate, on validation characters, one seed
    python -m studies.lesson19_memory long      the published MANN, and with a strength and vectors of its own, on 100,000 sequences
    python -m studies.lesson19_memory shots     the same lookup at the second showing and in 5-way 1-shot tasks
    python -m studies.lesson19_memory episode   one test sequence with what two of the arms do in it, for the explorer

One run is one line of ``runs/19-memory/WHAT.jsonl``, so that a command goes on where it was stopped. All learners see the features
of the same frozen network, lesson 09's, or halved pixels, and train with batches of 16 sequences of 5 classes and 10 showings; the arms named
"one head" and "no memory" have 3 classes. Adam, at 1e-3 with cosine to zero for lookups and attention and at a constant 3e-3 for all with an LSTM:
the one of these two that was better with the late label on validation characters (`rates` shows the other one). Seconds are of one core, by the
process's own clock. All are judged on the same 1000 sequences of test characters.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from mlteach.checkpoint import load_checkpoint, save_checkpoint
from mlteach.fit import fit
from mlteach.measure import over_seeds, over_tasks
from mlteach.measure.ledger import data_folder, keep_results
from mlteach.memory import (
    MANN,
    Alone,
    Attend,
    Eye,
    Lookup,
    ceiling,
    halved,
    recall,
    recall_gradient,
    recall_logits,
    sequences,
    showing,
)
from mlteach.nets import Conv4
from mlteach.params import Params
from mlteach.tasks import Characters, Episode

LESSON = "19_learning_with_memory"
WAYS, SHOWS, BATCH, LR = 5, 10, 16, 3e-3
SHOWN = (1, 2, 5, 10)  # the showings that are recorded, the paper's
EYE, PIXELS = 128, 196  # numbers a picture
Figure = dict[str, Any]


@dataclass(frozen=True)
class Arm:
    """A learner, what it sees, for how many updates it trains (0: not at all), and the size of its sequences."""

    learner: Any
    steps: int
    late: bool = True
    binding: bool = False
    eye: bool = True
    ways: int = WAYS
    shows: int = SHOWS
    lr: float = LR
    schedule: str = "constant"


def small(ways: int, **change: bool) -> MANN:
    """A MANN of half the size with one head, as in the paper or with one of its departures."""
    return MANN(2 * EYE, ways, hidden=128, slots=64, heads=1, **change)


def short(**change: bool) -> Arm:
    """Such a one on sequences of three classes, which are learned sooner."""
    return Arm(small(3, **change), 400, binding=True, ways=3)


ARMS = {
    "lookup, pixels, untrained": Arm(Lookup(PIXELS, 0), 0, eye=False),
    "lookup, untrained": Arm(Lookup(EYE, 0), 0),
    "lookup, pixels": Arm(Lookup(PIXELS), 2000, eye=False, lr=1e-3, schedule="cosine"),
    "lookup": Arm(Lookup(EYE), 1000, lr=1e-3, schedule="cosine"),
    "attention, late": Arm(Attend(EYE), 1000, lr=1e-3, schedule="cosine"),
    "attention, bound": Arm(Attend(2 * EYE), 1000, binding=True, lr=1e-3, schedule="cosine"),
    "LSTM, late": Arm(Alone(EYE), 1000),
    "LSTM, bound": Arm(Alone(2 * EYE), 1000, binding=True),
    "no offset": Arm(MANN(EYE), 80, late=False),
    "one head": short(),
    "one head, strength": short(strength=True),
    "one head, separate": short(separate=True),
    "one head, both": short(strength=True, separate=True),
    "no memory": replace(short(), learner=Alone(2 * EYE, 3, hidden=128)),
    "one head, both, late": replace(
        short(), learner=MANN(EYE, 3, 128, 64, heads=1, strength=True, separate=True), binding=False
    ),
}
#: The paper's 100,000 sequences, labels late: its network, and one that can read sharply and keep its keys apart from what it writes.
LONG = {
    "MANN": Arm(MANN(EYE), 6250, lr=1e-3),
    "MANN, both": Arm(MANN(EYE, strength=True, separate=True), 6250, lr=1e-3),
}
SHOWN_IN_EXPLORER = {"paper": "one head", "both": "one head, both"}  # their first seeds
DRAWN = ("attention, late", "attention, bound", "LSTM, late", "LSTM, bound")  # whose curves are recorded


def seeded(seed: int) -> torch.Generator:
    """A generator of its own."""
    return torch.Generator().manual_seed(seed)


def place(name: str) -> Any:
    """A file among the runs."""
    folder = data_folder().parent / "runs" / "19-memory"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


# The eye and what it sees ---------------------------------------------------------------------------------------------


@cache
def eye() -> Eye:
    """Lesson 09's network without its head, frozen; batch norm by 2000 training pictures."""
    kept = load_checkpoint(data_folder() / "checkpoints" / "09-maml-lecture.safetensors")
    net = Conv4(WAYS, kept.about["recipe"]["filters"], head="flatten")
    theta = {name: kept.tensors[f"theta.{name}"] for name in net.body_names}
    pictures = Characters.omniglot().split("random", "none").train.images.flatten(0, 1)
    some = torch.randperm(len(pictures), generator=seeded(1))[:2000]
    return Eye.frozen(net, theta, pictures[some].unsqueeze(1).float() / 255)


@cache
def rows(part: str, by_eye: bool) -> Tensor:
    """All pictures of a part of the characters, as the learners see them; kept on disk, for it takes some seconds."""
    file = place(f"{'eye' if by_eye else 'pixels'}-{part}.pt")
    if not file.exists():
        images = getattr(Characters.omniglot().split("random", "train"), part).images
        torch.save(torch.cat([eye()(each) if by_eye else halved(each) for each in images.split(200)]), file)
    return torch.load(file)


@cache
def drawn(part: str, by_eye: bool, count: int, ways: int = WAYS, shows: int = SHOWS) -> list[Episode]:
    """Sequences to be judged on, in batches of 50: the same for all learners."""
    draw = seeded({"validation": 77, "test": 2}[part])
    table = rows(part, by_eye)
    return [sequences(table, 50, ways=ways, shows=shows, generator=draw) for _ in range(0, count, 50)]


# Arms -----------------------------------------------------------------------------------------------------------------


def start(arm: Arm, seed: int) -> tuple[Params, torch.Generator]:
    """Fresh parameters and the generator that goes on from there."""
    draw = seeded(seed)
    theta = arm.learner.init(draw)
    if arm.steps == 0:  # chosen by hand: as sharp as tells two drawings of a class from two of different ones
        theta["sharpness"] = torch.tensor(30.0).log()
    return theta, draw


def train(arm: Arm, seed: int, every: int = 100, **more: Any) -> tuple[Any, float]:
    """The run, and its seconds of one core without validation."""
    theta, draw = start(arm, seed)
    table, looked = rows("train", arm.eye), drawn("validation", arm.eye, 100, arm.ways, arm.shows)
    how: dict[str, Any] = {"ways": arm.ways, "late": arm.late, "binding": arm.binding}
    spent = [0.0]

    def look(theta: Params) -> dict[str, float]:
        began = time.process_time()
        seen = 100 * recall(arm.learner, theta, looked, **how).mean(0)
        spent[0] += time.process_time() - began
        return {f"showing {k}": seen[k - 1].item() for k in (2, 1, 5, 10) if k <= arm.shows}

    more.setdefault("progress", None)
    began = time.process_time()
    run = fit(
        lambda theta, episode: recall_gradient(arm.learner, theta, episode, **how),
        theta, lambda draw: sequences(table, BATCH, ways=arm.ways, shows=arm.shows, generator=draw),
        steps=arm.steps, generator=draw, lr=arm.lr, schedule=arm.schedule, clip=10.0, validate=look, every_validation=every,
        **more,
    )  # fmt: skip
    return run, time.process_time() - began - spent[0]


def tested(arm: Arm, theta: Params, count: int = 1000) -> list[float]:
    """Percent right at each showing on test characters."""
    episodes = drawn("test", arm.eye, count, arm.ways, arm.shows)
    seen = recall(arm.learner, theta, episodes, ways=arm.ways, late=arm.late, binding=arm.binding)
    return (100 * seen.mean(0)).tolist()


def unread(arm: Arm, theta: Params) -> Params:
    """A MANN whose controller and head no longer see what is read: what it knows without its memory."""
    hidden = arm.learner.hidden
    head = theta["head.weight"].clone()
    head[:, hidden:] = 0
    return theta | {"read.weight": torch.zeros_like(theta["read.weight"]), "head.weight": head}


def result_of(arm: Arm, run: Any, seconds: float) -> Figure:
    """What a run is at the end on test characters, a MANN also with its reads blanked; its curve, and what it took."""
    blind = {"unread": tested(arm, unread(arm, run.theta), 200)} if isinstance(arm.learner, MANN) else {}
    return blind | {
        "test": tested(arm, run.theta),
        "curve": dict(run.validation),
        "seconds": seconds,
        "updates": run.step,
    }


def arm_run(name: str, seed: int) -> Figure:
    """One arm from one seed."""
    arm = ARMS[name]
    if not arm.steps:
        return {"test": tested(arm, start(arm, seed)[0]), "curve": {}, "seconds": 0.0, "updates": 0}
    run, seconds = train(arm, seed, every=max(20, arm.steps // 20))
    if seed == 0 and name in SHOWN_IN_EXPLORER.values():
        save_checkpoint(place(f"{name}.safetensors"), run.theta, {"arm": name})
    return result_of(arm, run, seconds)


def rate_run(name: str, seed: int) -> Figure:
    """One arm at the other of the two rates, on validation characters."""
    arm = ARMS[name]
    arm = (
        replace(arm, lr=3e-3, schedule="constant")
        if arm.lr < LR
        else replace(arm, lr=1e-3, schedule="cosine")
    )
    run, seconds = train(arm, seed, every=arm.steps)
    return {key: values[-1] for key, values in run.validation.items() if key != "step"} | {"seconds": seconds}


def long_place(name: str, seed: int) -> Any:
    """Where a long run keeps itself."""
    return place(f"long-{name.replace(', ', '-')}-{seed}.safetensors")


def long_run(name: str, seed: int) -> Figure:
    """One of the long arms, which keeps itself as it goes: its curve on validation characters, and at the end the test's."""
    arm = LONG[name]
    run, seconds = train(
        arm, seed, every=250, checkpoint=long_place(name, seed), progress=f"{name}, seed {seed}"
    )
    return result_of(arm, run, seconds)


# More -----------------------------------------------------------------------------------------------------------------


def shots() -> None:
    """What "second showing" is beside 5-way 1-shot: the same lookup, the same characters, asked in both ways."""
    table, draw = rows("test", True), seeded(2)
    learner = Lookup(EYE, 0)
    theta = start(Arm(learner, 0), 0)[0]
    second: list[Tensor] = []
    one: list[Tensor] = []
    five: list[Tensor] = []
    sixth: list[Tensor] = []
    for _ in range(20):
        episode = sequences(table, 50, ways=WAYS, shows=SHOWS, generator=draw)
        right = recall(learner, theta, [episode])
        second.append(right[:, 1])
        sixth.append(right[:, 5])
        for shot, found in ((1, one), (5, five)):
            found.append(few_shot(episode, theta, shot))
    told = {"second showing": second, "5-way 1-shot": one, "sixth showing": sixth, "5-way 5-shot": five}
    figures = [
        figure(name, each.mean, each.half_width, [0], "the untrained lookup on the frozen eye", tasks=each.n)
        for name, each in ((name, over_tasks(torch.cat(values)).scaled(100)) for name, values in told.items())
    ]
    keep_results(LESSON, "shots", figures, command="python -m studies.lesson19_memory shots")


def few_shot(episode: Episode, theta: Params, shots: int) -> Tensor:
    """The same drawings as a few-shot task: the first so many of each class are support, one later one of each is asked."""
    x, y = torch.nn.functional.normalize(episode.support_x, dim=-1), episode.support_y
    times = showing(y)
    support, asked = times <= shots, times == shots + 1
    address = (theta["sharpness"].exp() * x @ x.mT).masked_fill(~support.unsqueeze(1), -torch.inf).softmax(-1)
    answer = (address @ torch.nn.functional.one_hot(y, WAYS).to(x.dtype)).argmax(-1)
    return ((answer == y) & asked).double().sum(-1) / WAYS


def record_episode(seed: int = 4) -> None:
    """One test sequence for the explorer: what two of the arms ask of their memories, and answer. After ``arms``."""
    images = Characters.omniglot().split("random", "train").test.images
    places = torch.arange(images.shape[0] * images.shape[1]).view(*images.shape[:2], 1).float()
    where = sequences(places, 1, ways=3, shows=SHOWS, generator=seeded(seed))
    index = where.support_x[0, :, 0].long()
    features = rows("test", True).flatten(0, 1)[index].unsqueeze(0)
    episode = Episode(features, where.support_y, features, where.support_y)
    tensors: dict[str, Tensor] = {
        "pictures": images.flatten(0, 1)[index],
        "labels": where.support_y[0].to(torch.uint8),
    }
    for name, arm in SHOWN_IN_EXPLORER.items():
        steps: list[Any] = []
        theta = load_checkpoint(place(f"{arm}.safetensors")).tensors
        with torch.no_grad():
            logits = recall_logits(
                partial(ARMS[arm].learner, kept=steps), theta, episode, ways=3, binding=True
            )
        tensors[f"{name}.answers"] = logits[0].argmax(-1).to(torch.uint8)
        tensors[f"{name}.keys"] = torch.stack([wishes.key[0] for wishes, _, _ in steps])
        tensors[f"{name}.vectors"] = torch.stack([wishes.vector[0] for wishes, _, _ in steps])
        tensors[f"{name}.gates"] = torch.stack([wishes.gate[0] for wishes, _, _ in steps])
        tensors[f"{name}.sharpness"] = steps[0][0].sharpness.reshape(1)
    about = {"command": "python -m studies.lesson19_memory episode", "arms": SHOWN_IN_EXPLORER}
    save_checkpoint(data_folder() / "checkpoints" / "19-episode.safetensors", tensors, about)


# Rows and figures -----------------------------------------------------------------------------------------------------


def kept_rows(what: str, jobs: list[Figure], run: Callable[..., Figure], only: bool = False) -> list[Figure]:
    """The result of ``run`` for every job, those on file not run again. only: run them and give nothing back."""
    path = place(f"{what}.jsonl")
    for job in jobs:
        kept = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        if not any(row.items() >= job.items() for row in kept):
            row = job | run(**job)
            with path.open("a") as file:
                print(json.dumps(row), file=file)
            print(
                job, [round(value, 1) for value in row.get("test", [])], round(row["seconds"], 1), flush=True
            )
    kept = [json.loads(line) for line in path.read_text().splitlines()]
    return [] if only else [next(row for row in kept if row.items() >= job.items()) for job in jobs]


def figure(
    name: str,
    value: float,
    half: float | None,
    seeds: list[int],
    note: str,
    unit: str = "%",
    tasks: int | None = None,
) -> Figure:
    """One entry of the ledger."""
    return {
        "name": name, "value": round(value, 3), "interval": None if half is None else round(half, 3), "unit": unit,
        "seeds": seeds, "seconds": None, "device": "cpu", "tasks": tasks, "note": note,
    }  # fmt: skip


def over_runs(name: str, values: list[float], seeds: list[int], said: str, tasks: int) -> Figure:
    """The mean over the runs, with its interval over seeds where there is more than one."""
    half = over_seeds(values).half_width if len(values) > 1 else None
    return figure(name, sum(values) / len(values), half, seeds, said, tasks=tasks)


def arm_figures(found: list[Figure], drawn: tuple[str, ...] = (*DRAWN, *LONG)) -> Iterator[Figure]:
    """Each arm at each recorded showing, over seeds; its seconds and updates; of those drawn the curve on validation characters."""
    by: dict[str, list[Figure]] = {}
    for row in found:
        by.setdefault(row["name"], []).append(row)
    for name, runs in by.items():
        seeds = [row["seed"] for row in runs]
        for k in (k for k in SHOWN if k <= len(runs[0]["test"])):
            values = [row["test"][k - 1] for row in runs]
            said = "interval over seeds: " + ", ".join(f"{value:.2f}" for value in values)
            yield over_runs(f"{name}.{k}", values, seeds, said, 1000)
        for k in SHOWN if "unread" in runs[0] else ():
            values = [row["unread"][k - 1] for row in runs]
            said = "reads blanked, over seeds: " + ", ".join(f"{value:.2f}" for value in values)
            yield over_runs(f"{name}.unread.{k}", values, seeds, said, 200)
        for key, unit in (("updates", "updates"), ("seconds", "s")):
            mean = sum(row[key] for row in runs) / len(runs)
            yield figure(f"{name}.{key}", mean, None, seeds, "of one core" if key == "seconds" else "", unit)
        shown = runs[0]["curve"] if name in drawn else {}
        for at, step in enumerate(shown.get("step", [])):
            for k in (k for k in SHOWN if f"showing {k}" in runs[0]["curve"]):
                values = [row["curve"][f"showing {k}"][at] for row in runs]
                yield over_runs(f"{name}.curve.{k}.{step}", values, seeds, "over seeds", 100)


def ship_long(name: str = "MANN, both") -> None:
    """The long run that lesson 19 brings along, in half precision: what it answers with that is what the lesson shows."""
    kept = load_checkpoint(long_place(name, 0))
    tensors = {key: value.half() for key, value in kept.tensors.items() if key.startswith("theta.")}
    about = {
        "command": "python -m studies.lesson19_memory long",
        "arm": name,
        "updates": LONG[name].steps,
        "seed": 0,
    }
    save_checkpoint(data_folder() / "checkpoints" / "19-mann.safetensors", tensors, about)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["arms", "rates", "long", "shots", "episode"])
    parser.add_argument("--arm", action="append", help="these alone, and write no results yet")
    parser.add_argument("--seed", type=int, help="this one alone, and write no results yet")
    options = parser.parse_args()
    what, command = options.what, f"python -m studies.lesson19_memory {options.what}"
    if what == "shots":
        shots()
    elif what == "episode":
        record_episode()
    elif what == "rates":
        jobs = [
            {"name": name, "seed": 50}
            for name in ("attention, late", "attention, bound", "LSTM, late", "LSTM, bound")
        ]
        figures = [
            figure(f"{row['name']}.{k}", row[f"showing {k}"], None, [50], "the other rate, 100 validation sequences")
            for row in kept_rows(what, jobs, rate_run) for k in SHOWN
        ]  # fmt: skip
        keep_results(LESSON, what, figures, command=command)
    else:
        arms, run = (LONG, long_run) if what == "long" else (ARMS, arm_run)
        alone = options.arm is not None or options.seed is not None
        jobs = [
            {"name": name, "seed": seed}
            for name in options.arm or arms
            for seed in (
                [options.seed]
                if options.seed is not None
                else range(3 if what == "arms" and ARMS[name].steps else 1)
            )
        ]
        found = kept_rows(what, jobs, run, only=alone)
        if not alone:
            figures = [figure("ceiling", 100 * ceiling(WAYS), None, [], "H_5/5"), *arm_figures(found)]
            keep_results(LESSON, what, figures, command=command)
            if what == "long":
                ship_long()


if __name__ == "__main__":
    main()
