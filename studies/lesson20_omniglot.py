"""Lesson 20: attention over (embedding, label) on lesson 09's Omniglot tasks, and a transformer that is told nothing.

    python -m studies.lesson20_omniglot      two readers, 40 seconds of one core each, three seeds

- softmax: one layer of softmax attention, cosine keys, labels as values: a matching network
- transformer: two blocks over tokens (embedding, label vector), random weights

Both share the body (Conv4, 32 filters), the tasks (two of 40 ways a step, one shot, two queries) and Adam at 5e-3, cosine, lesson
16's settings; the transformer's gradient is clipped at 1. The sharpness is learned, from e^2. Steps are as many as fit into the
seconds by a measurement before each run; both are noted. Tested on lesson 09's 1000 tasks (5 ways, one shot, 15 queries), the
transformer on the first 200. One run is one line of ``runs/20-in-context/omniglot.jsonl``; ``--part '{"seed": 0}'`` runs these
alone and writes no results. The end writes ``data/results/20-omniglot.json``.
"""

import argparse
import json
import math
import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.fit import fit
from mlteach.measure.ledger import keep_results
from mlteach.metric import init_matching, read_matching, reading_accuracy, reading_gradient
from mlteach.metric.matching import LOG_SCALE
from mlteach.nets import Conv4
from mlteach.nets.norm import Mode
from mlteach.nets.transformer import block_params, blocks, looks
from mlteach.params import Params
from mlteach.tasks import Characters, Episode
from studies.lesson20_in_context import LESSON, over, rows_of
from studies.shared import Figure, tasks_of

SECONDS, LR, WAYS, TASKS, QUERIES = 40.0, 5e-3, 40, 2, 2
NET = Conv4(WAYS, 32, head="flatten")
WIDTH, HEADS = 64, 4  # of the transformer's label vectors, and of its attention
ARMS = {"softmax": 1000, "transformer": 200}  # and the tasks each is tested on
SEEDS = (0, 1, 2)


def free_params(generator: torch.Generator) -> Params:
    """Of `read_freely`: two blocks, a map of features, a row for each of 40 labels, and a vector for the query's."""
    return block_params(2 * WIDTH, 2, generator) | {
        "up": torch.randn(WIDTH, NET.features, generator=generator) / NET.features**0.5,
        "labels": torch.randn(WAYS, WIDTH, generator=generator), "unknown": torch.zeros(WIDTH),
        "out": torch.randn(WIDTH, 2 * WIDTH, generator=generator) / WIDTH,
    }  # fmt: skip


def read_freely(theta: Params, support: Tensor, y: Tensor, query: Tensor, ways: int) -> Tensor:
    """A reading by a transformer of two blocks over tokens (embedding, label vector): nothing tells it to compare."""
    seen = torch.cat([support, query], 1)
    asked = theta["unknown"].expand(*query.shape[:2], WIDTH)
    label = torch.cat([theta["labels"][y], asked], 1)
    tokens = torch.cat([F.layer_norm(seen, seen.shape[-1:]) @ theta["up"].T, label], -1)
    mask = looks(y.shape[1], query.shape[1], "open")
    found = blocks(theta, tokens, mask, 2, HEADS)[:, y.shape[1] :]
    return found @ theta["out"].T @ theta["labels"][:ways].T


@cache
def splits() -> Any:
    return Characters.omniglot().split("random")


def sample(generator: torch.Generator) -> Episode:
    return splits().train.sample(TASKS, WAYS, 1, QUERIES, generator=generator)


def steps_within(seconds: float, gradient: Callable[..., Any], theta: Params) -> int:
    """How many steps fit into the seconds of one core."""
    draw, began = torch.Generator().manual_seed(0), 0.0
    for k in range(25):
        began = time.process_time() if k == 5 else began
        gradient(theta, sample(draw))
    return round(seconds * 20 / (time.process_time() - began) / 50) * 50


def run_of(arm: str, seed: int) -> Figure:
    """Train one reader and judge it."""
    reading = read_matching() if arm == "softmax" else read_freely
    generator = torch.Generator().manual_seed(seed)
    gradient, theta = partial(reading_gradient, NET.features_of, reading), NET.init(generator)
    own = init_matching(math.e**2) if arm == "softmax" else free_params(generator)
    theta = {name: theta[name] for name in NET.body_names} | own
    steps, began = steps_within(SECONDS, gradient, theta), time.process_time()
    run = fit(
        gradient, theta, sample, steps=steps, generator=generator, lr=LR, schedule="cosine",
        clip=None if arm == "softmax" else 1.0, progress=None,
    )  # fmt: skip
    row = {"steps": steps, "seconds": round(time.process_time() - began, 1)}
    row["training"] = 100 * torch.tensor(run.history["accuracy"][-100:]).mean().item()
    if arm == "softmax":
        row["sharpness"] = run.theta[LOG_SCALE].exp().item()
    modes: tuple[Mode, ...] = ("transductive", "support") if arm == "softmax" else ("transductive",)
    tasks = tasks_of(splits().test, ARMS[arm], 2)
    found = reading_accuracy(NET.features_of, reading, run.theta, tasks, modes=modes)
    return row | {mode: 100 * values.mean().item() for mode, values in found.items()}


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", type=json.loads, help="run these alone, such as '{\"seed\": 0}'")
    options = parser.parse_args()
    every = rows_of("omniglot", [{"arm": a, "seed": s} for a in ARMS for s in SEEDS], run_of, options.part)
    figures = []
    for arm, tasks in ARMS.items():
        rows = [row for row in every if row["arm"] == arm]
        for key, unit in {
            "transductive": "%",
            "support": "%",
            "training": "%",
            "sharpness": "",
            "steps": "steps",
            "seconds": "s",
        }.items():
            if key in rows[0]:
                figures.append(over(rows, f"{arm}.{key}", key, unit, "", tasks))
    keep_results(LESSON, "omniglot", figures, command="python -m studies.lesson20_omniglot")


if __name__ == "__main__":
    main()
