"""Learned inner losses (lesson 15): MeTAL beside learned rates alone and beside a robust loss with one learned width.

    python -m studies.lesson15_losses ratios      what one outer step of each arm costs, side by side in one process
    python -m studies.lesson15_losses outliers    a fifth of the support labels is off
    python -m studies.lesson15_losses clean       the same tasks with the truth for labels
    python -m studies.lesson15_losses pulls       how hard a far label pulls on the networks of the first part
    python -m studies.lesson15_losses windows     inputs without labels: where they tell the task, and where they do not

(``--seed 0`` trains one seed of a part and records nothing; runs are kept in ``runs/15-losses``, where they go on.)

All arms of a part see the same batches of tasks, five seeds, and are tested on the same 1000 tasks with clean labels. "metal, short"
makes as many fewer outer steps as MeTAL's step costs more ("ratios"): the same price as the squared error's. Writes
``data/results/15-losses.json`` and the arms of seed 0 with outliers, ``data/checkpoints/15-losses``.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from mlteach.checkpoint import load_checkpoint, save_checkpoint
from mlteach.explore import LossPull
from mlteach.explore.loss_pull import AWAY
from mlteach.fit import fit
from mlteach.inner.learned_loss import LearnedLoss, PlainLoss, RobustLoss
from mlteach.inner.rule import Objective
from mlteach.measure import over_seeds
from mlteach.measure.ledger import data_folder, keep_results, recorded
from mlteach.nets import MLP, squared_error
from mlteach.outer import maml_gradient, maml_losses
from mlteach.params import Params
from mlteach.tasks import Episode, Sinusoids
from mlteach.tasks.mixture import Mixture, Windows
from studies.lesson15_starts import Figure, figure
from studies.shared import beside_recorded

LESSON, SEEDS = "15_task_adaptive_losses_and_starts", (0, 1, 2, 3, 4)
STEPS, OUTER_STEPS, SHOTS, BATCH, RATE, OUTER_RATE = 2, 2000, 10, 12, 0.01, 2e-3
TESTED, QUERIES = 1000, 50
WINDOW_STEPS = 1200  # outer steps of the arms on windows
WAVES = (Sinusoids.finn(),)
TASKS = {"outliers": Mixture(WAVES, outliers=0.2), "clean": Mixture(WAVES)}
ARMS: dict[str, PlainLoss] = {
    "mse": PlainLoss(RATE),
    "robust": RobustLoss(RATE),
    "learned": LearnedLoss(RATE, STEPS, film=False),
    "metal": LearnedLoss(RATE, STEPS),
    "queries": LearnedLoss(RATE, STEPS, queries=True),
}


@dataclass(frozen=True)
class Told:
    """The rival of query inputs in the loss: the network itself reads the middle of the task's inputs beside each input."""

    net: MLP = MLP((2, 40, 40, 1))

    def init(self, generator: torch.Generator) -> Params:
        return self.net.init(generator)

    def __call__(self, params: Params, x: Tensor) -> Tensor:
        return self.net(params, torch.cat([x, x.mean(-2, keepdim=True).expand_as(x)], -1))


@dataclass(frozen=True)
class OthersQueries(LearnedLoss):
    """The control: the loss on query inputs reads those of another task."""

    queries: bool = True

    def objective(self, theta: Params) -> Objective:
        own = super().objective(theta)
        return lambda net, params, seen, t: own(
            net, params, seen._replace(query_x=seen.query_x.roll(1, 0)), t
        )


def trained(kind: PlainLoss, net: Any, sample: Callable[[torch.Generator], Episode], steps: int, seed: int, name: str) -> Params:  # fmt: skip
    """All that the kind of loss has to learn, after so many outer steps; kept where it goes on if it was stopped."""
    theta = kind.init(torch.Generator().manual_seed(seed), net.init(torch.Generator().manual_seed(seed)))

    def gradient(params: Params, episode: Episode) -> Any:
        return maml_gradient(net, squared_error, params, episode, kind.rule, STEPS, start=kind.start)

    folder = data_folder().parent / "runs" / "15-losses"
    folder.mkdir(parents=True, exist_ok=True)
    run = fit(
        gradient, theta, sample, steps=steps, generator=torch.Generator().manual_seed(seed), lr=OUTER_RATE,
        schedule="cosine", clip=10.0, progress=name, checkpoint=folder / f"{name}.safetensors", every=1000,
    )  # fmt: skip
    return run.theta


def error(kind: PlainLoss, net: Any, theta: Params, test: Episode) -> float:
    """The mean query error after the inner steps, labels of the queries clean."""
    with torch.no_grad():
        losses, _ = maml_losses(net, squared_error, theta, test, kind.rule, STEPS, start=kind.start)
    return losses.mean().item()


def cost_of(arms: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """What each arm costs as a multiple of the first: in turn, the median of so many rounds, processor seconds."""
    took: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(rounds):
        for name, arm in arms.items():
            before = time.process_time()
            arm()
            took[name].append(time.process_time() - before)
    medians = {name: statistics.median(each) for name, each in took.items()}
    first = next(iter(medians.values()))
    return {name: median / first for name, median in medians.items()}


def ratios() -> None:
    """The cost of one outer step of each arm as a multiple of the first's."""
    net, drawn = MLP(), torch.Generator().manual_seed(0)
    episode = TASKS["clean"].sample(BATCH, SHOTS, 20, generator=drawn)
    arms = {
        name: partial(maml_gradient, net, squared_error, kind.init(drawn, net.init(drawn)), episode, kind.rule, STEPS, start=kind.start)
        for name, kind in ARMS.items()
    }  # fmt: skip
    keep([figure(f"cost.{name}", over_seeds([ratio]), "steps of the first arm", (0,), BATCH, [ratio]) | {"interval": None} for name, ratio in cost_of(arms, 200).items()])  # fmt: skip


def sinusoids(part: str, seeds: tuple[int, ...]) -> None:
    """All arms at equal steps, and MeTAL at the others' cost as well."""
    cost = {
        name: each["value"]
        for name, each in recorded(LESSON[:2], "losses").items()
        if name.startswith("cost.")
    }
    arms = {name: (ARMS[name], OUTER_STEPS) for name in ("mse", "robust", "metal")}
    arms["metal, short"] = (ARMS["metal"], round(OUTER_STEPS * cost["cost.mse"] / cost["cost.metal"]))
    if part == "outliers":
        arms["learned"] = (ARMS["learned"], OUTER_STEPS)
    net, tasks, found, kept = MLP(), TASKS[part], {}, {}
    test = tasks.sample(TESTED, SHOTS, QUERIES, generator=torch.Generator().manual_seed(99))
    for seed in seeds:
        for name, (kind, steps) in arms.items():
            theta = trained(
                kind,
                net,
                lambda g: tasks.sample(BATCH, SHOTS, 20, generator=g),
                steps,
                seed,
                f"{part}-{name}-{seed}",
            )
            found.setdefault(name, []).append(error(kind, net, theta, test))
            print(part, seed, name, round(found[name][-1], 3), flush=True)
            if name == "robust":
                found.setdefault("width", []).append(theta["loss.width"].exp().item())
            if part == "outliers" and seed == 0 and name in ("mse", "robust", "metal"):
                kept |= {f"{name}.{n}": v for n, v in theta.items()}
    if seeds != SEEDS:
        return
    if kept:
        about = {
            "made by": "studies.lesson15_losses outliers",
            "seed": 0,
            "steps": STEPS,
            "shots": SHOTS,
            "outer steps": OUTER_STEPS,
        }
        save_checkpoint(data_folder() / "checkpoints" / "15-losses.safetensors", kept, about)
    pairs = [
        ("metal", "mse"),
        ("metal", "robust"),
        ("metal, short", "mse"),
        ("metal, short", "robust"),
        ("robust", "mse"),
    ]
    if part == "outliers":
        pairs += [("learned", "mse"), ("metal", "learned")]
    steps_made = {name: steps for name, (_, steps) in arms.items()}
    write(part, found, pairs, steps_made)


def run_of(name: str) -> Params:
    """The parameters of a run that is finished: of the part "outliers" or "clean"."""
    kept = load_checkpoint(data_folder().parent / "runs" / "15-losses" / f"{name}.safetensors").tensors
    return {key.removeprefix("theta."): value for key, value in kept.items() if key.startswith("theta.")}


def pulls() -> None:
    """How far a label at 10 pulls beside one at 5, and beside the same where FiLM is told a hundredth of the support loss."""
    found: dict[str, list[float]] = {}
    for seed in SEEDS:
        thetas = {name: run_of(f"outliers-{name}-{seed}") for name in ("mse", "robust", "metal")}
        pull = LossPull(thetas)
        pull.load("one wild label")
        far, half = (AWAY.tolist().index(place) for place in (10.0, 5.0))
        for name in thetas:
            moved = pull.moved(name)
            found.setdefault(f"pull.{name}, twice as far", []).append(float(moved[far] / moved[half]))
        told = {}
        for factor in (0.1, 10.0):
            pull.told = factor
            told[factor] = float(pull.moved("metal")[far])
        found.setdefault("pull.metal, told 10 over told 0.1", []).append(told[10.0] / told[0.1])
    keep([figure(key, over_seeds(values), "times", SEEDS, 1, values) for key, values in found.items()])


def windows(seeds: tuple[int, ...]) -> None:
    """A loss on the query inputs: with the real ones, with another task's, where windows tell the phase and where not."""
    net, found, told = MLP(), {}, Windows(told=True)
    kinds = {
        "mse": ARMS["mse"],
        "metal": ARMS["metal"],
        "queries": ARMS["queries"],
        "others' queries": OthersQueries(RATE, STEPS),
    }
    for seed in seeds:
        for tasks, names in ((told, list(kinds)), (Windows(told=False), ["metal", "queries"])):
            test = tasks.sample(TESTED, 5, QUERIES, generator=torch.Generator().manual_seed(99))
            mark = "" if tasks.told else ", windows that tell nothing"
            nets = {f"{name}{mark}": (kinds[name], net) for name in names}
            if tasks.told:
                nets["told"] = (ARMS["mse"], Told())
            for name, (kind, reads) in nets.items():
                theta = trained(
                    kind,
                    reads,
                    lambda g, tasks=tasks: tasks.sample(BATCH, 5, 20, generator=g),
                    WINDOW_STEPS,
                    seed,
                    f"windows-{name}-{seed}",
                )
                found.setdefault(name, []).append(error(kind, reads, theta, test))
                print("windows", seed, name, round(found[name][-1], 3), flush=True)
    if seeds != SEEDS:
        return
    lone = ", windows that tell nothing"
    pairs = [("queries", "metal"), ("queries", "others' queries"), ("others' queries", "metal"), ("metal", "mse"), ("told", "mse"), ("told", "queries"), (f"queries{lone}", f"metal{lone}")]  # fmt: skip
    write("windows", found, pairs, dict.fromkeys(found, WINDOW_STEPS))


def write(
    part: str, found: dict[str, list[float]], pairs: list[tuple[str, str]], steps: dict[str, int]
) -> None:
    """Each arm over the seeds, and the pairs' differences."""
    figures = [
        figure(
            f"{part}.{name}",
            over_seeds(values),
            "width" if name == "width" else "query MSE",
            SEEDS,
            TESTED,
            values,
        )
        | {"outer_steps": steps.get(name, OUTER_STEPS)}
        for name, values in found.items()
    ]
    for a, b in pairs:
        apart = [x - y for x, y in zip(found[a], found[b], strict=True)]
        figures.append(
            figure(f"{part}.{a} minus {b}", over_seeds(apart), "query MSE, paired", SEEDS, TESTED, apart)
        )
    keep(figures)


def keep(new: list[Figure]) -> None:
    """Add to the record what was found, in place of what it was before."""
    kept = beside_recorded(LESSON[:2], "losses", new)
    keep_results(LESSON, "losses", kept, command="python -m studies.lesson15_losses PART")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["ratios", *TASKS, "pulls", "windows"])
    parser.add_argument("--seed", type=int, help="train this seed alone, and record nothing yet")
    torch.set_num_threads(1)
    asked = parser.parse_args()
    seeds = SEEDS if asked.seed is None else (asked.seed,)
    if asked.what in TASKS:
        sinusoids(asked.what, seeds)
    elif asked.what == "pulls":
        pulls()
    elif asked.what == "windows":
        windows(seeds)
    else:
        ratios()


if __name__ == "__main__":
    main()
