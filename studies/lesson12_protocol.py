"""Lesson 12 under the published protocol of MAML++: one query a class, and five checkpoints that answer together or not.

    python -m studies.lesson12_protocol five          5 ways
    python -m studies.lesson12_protocol twenty        20 ways
    python -m studies.lesson12_ingredients keep       the rows into data/results/12-ingredients.json

The rate is the one that lesson 12 chose with 5 ways. A run keeps ten checkpoints. Judged on test characters are the last one, the
one that is best on validation characters, and the mean answer of the five that are best there, after five inner steps.
"""

import argparse
import statistics
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from mlteach.measure import path_of
from mlteach.nets.loss import share_right
from mlteach.params import Params
from mlteach.tasks import Characters, Episode, Split
from studies.lesson12_ingredients import ALL, SEEDS, STEPS, Arm, Setting, setting, trained, tuned
from studies.lesson12_record import note, rows
from studies.shared import tasks_of

EVERY, ENSEMBLE = 40, 5


@dataclass(frozen=True)
class Protocol:
    """How many tasks judge. With 5 ways a task has a quarter of the queries, so there are more tasks, the published 600."""

    ways: int
    test: int
    validation: int


PROTOCOLS = {"five": Protocol(5, 600, 160), "twenty": Protocol(20, 200, 40)}


def arms(alpha: float, ways: int) -> dict[str, Arm]:
    """What the published table has, plain and all, and the one line that gains most with 5 ways."""
    plain = Arm(alpha=alpha, ways=ways)
    return {"plain": plain, "all": replace(plain, **ALL), "zero head": replace(plain, zero_head=True)}


def together(parts: Setting, thetas: list[Params], episodes: list[Episode]) -> float:
    """Percent right of the mean answer (probabilities) of several checkpoints after the last inner step, transductive."""
    right: list[float] = []
    for episode in episodes:
        answers = []
        for theta in thetas:
            phi = path_of(
                parts.net, theta, episode, parts.rule(theta), STEPS, only=parts.only, start=parts.start
            )[-1]
            with torch.no_grad():
                answers.append(parts.net.at(STEPS)(phi, episode.query_x).softmax(-1))
        right += share_right(torch.stack(answers).mean(0), episode.query_y).tolist()
    return round(100 * statistics.mean(right), 2)


def row_of(name: str, arm: Arm, protocol: Protocol, split: Split, seed: int) -> dict[str, Any]:
    """Train once, keep ten checkpoints, and judge as published: the last, the best one, the five best together."""
    judge, test = (
        tasks_of(characters, tasks, draw, ways=arm.ways, queries=1)
        for characters, tasks, draw in (
            (split.validation, protocol.validation, 1),
            (split.test, protocol.test, 2),
        )
    )
    parts, kept = setting(arm), []

    def score(theta: Params) -> float:
        kept.append((together(parts, [theta], judge), theta))
        return kept[-1][0]

    _, theta, history, stopped = trained(arm, split, seed, validate=score, every_validation=EVERY)
    best = [each for _, each in sorted(kept, key=lambda pair: pair[0], reverse=True)[:ENSEMBLE]]
    curve = [float(f"{each.median():.3g}") for each in torch.tensor(history["norm"]).split(10)]
    return {
        "name": name, "seed": seed, "arm": asdict(arm), "stopped": stopped, "validation": [value for value, _ in kept],
        "protocol": {"last": together(parts, [theta], test), "best": together(parts, best[:1], test),
                     "together": together(parts, best, test)},
        "tasks": protocol.test, "lengths": curve,
    }  # fmt: skip


def train(split: Split, which: str, seeds: int) -> None:
    """Every run that has no row."""
    protocol = PROTOCOLS[which]
    for seed in SEEDS[:seeds]:
        for label, arm in arms(tuned(), protocol.ways).items():
            name = f"{which}/{label}"
            if f"{name}#{seed}" not in rows():
                row = row_of(name, arm, protocol, split, seed)
                note(row)
                print(name, seed, row["protocol"], row["validation"], row["stopped"], flush=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("which", choices=list(PROTOCOLS))
    parser.add_argument("--seeds", type=int, default=len(SEEDS))
    options = parser.parse_args()
    train(Characters.omniglot().split("random"), options.which, options.seeds)


if __name__ == "__main__":
    main()
