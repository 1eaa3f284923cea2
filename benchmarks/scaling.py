"""How much quicker do several processes train? Tasks a second on one and on more, and the share of the ideal.

    .venv/bin/python -m benchmarks.scaling                1 and 2 processes, one torch thread each: a few minutes
    .venv/bin/python -m benchmarks.scaling 1 2 4 8        so many; on GPUs one for each

Whole training steps of `mlteach.fit` on real Omniglot, with sampling, optimizer and everything that the processes tell each
other. All groups of processes are there from the beginning and take turns, round by round; who has no turn sleeps. The ideal is as
many times the tasks a second of one process as there are processes.

On paper: what eight GPUs would move. It follows from the number of parameters and is not measured.

Writes ``data/results/speed-scaling.json`` and its tables in ``benchmarks/README.md``. Keep the machine quiet meanwhile.
"""

import argparse
import os
import sys
import time
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from tqdm import tqdm

from benchmarks import race
from benchmarks.maml import CASES
from mlteach.fit import fit
from mlteach.inner import sgd
from mlteach.nets import cross_entropy
from mlteach.outer import maml_gradient, replayed
from mlteach.tasks import Characters
from mlteach.tasks.episode import Episode
from mlteach.training.ranks import joined, own_device

STEPS = {"finn": 2, "lecture": 10}  # outer steps in a round
ROUNDS = 5
GPUS = 8
LINKS = {"10 Gbit/s": 1.25e9, "100 Gbit/s": 12.5e9}  # bytes a second, one way


def serve(key: str) -> None:
    """One of a group of processes: they train some steps for every line that the first of them reads."""
    torch.set_num_threads(1)
    device = own_device()
    group = joined(True, device)
    case, train = CASES[key], Characters.omniglot(device=device).split("random").train
    gradient = replayed(partial(maml_gradient, case.net, cross_entropy, rule=sgd(0.4), steps=case.steps))

    def sample(generator: torch.Generator) -> Episode:
        return train.sample(case.meta_batch, case.net.ways, 1, case.queries, generator=generator)

    while group.first(group.leads and bool(sys.stdin.readline())):
        generator = torch.Generator().manual_seed(0)
        theta = {name: value.to(device) for name, value in case.net.init(generator).items()}
        fit(gradient, theta, sample, steps=STEPS[key], generator=generator, distributed=True, progress=None)
        if group.leads:
            print("done", flush=True)


def measure(key: str, counts: list[int]) -> list[dict[str, Any]]:
    """Tasks a second of every group of processes, and the share of the ideal, round by round."""
    case = CASES[key]
    with ExitStack() as groups:
        runs = {
            named(count): groups.enter_context(
                race.elsewhere(
                    "torch.distributed.run",
                    "--standalone",
                    "--local-addr=127.0.0.1",
                    f"--nproc-per-node={count}",
                    "-m",
                    "benchmarks.scaling",
                    "--serve",
                    key,
                )
            )
            for count in counts
        }
        seconds = race.timed(runs, ROUNDS, case.said)
    tasks = dict.fromkeys(runs, case.meta_batch * STEPS[key])
    found = race.figures(seconds, tasks, named(counts[0]), case=key)
    for count, figure in zip(counts, found, strict=True):
        figure |= {"processes": count, "share": round(figure["ratio"] * counts[0] / count, 3)}
    return found


def named(count: int) -> str:
    return "1 process" if count == 1 else f"{count} processes"


def on_paper(key: str) -> dict[str, Any]:
    """What each of eight GPUs sends in a step, if the sum goes round in a ring: 2 (n - 1) / n times the gradient's bytes."""
    case = CASES[key]
    numbers = sum(value.numel() for value in case.net.init(torch.Generator()).values())
    moved = 2 * (GPUS - 1) / GPUS * 4 * numbers
    milliseconds = {name: round(1000 * moved / speed, 3) for name, speed in LINKS.items()}
    tasks = -(-case.meta_batch // GPUS)
    return {
        "case": key,
        "gpus": GPUS,
        "tasks": tasks,
        "parameters": numbers,
        "bytes": round(moved),
        "ms": milliseconds,
    }


def table(found: list[dict[str, Any]]) -> str:
    """The measured figures as markdown."""
    lines = ["| | processes | tasks/s | slowest to quickest | times one process | share of the ideal |", "|---|--:|--:|--:|--:|--:|"]  # fmt: skip
    for row in found:
        cells = [
            CASES[row["case"]].said, str(row["processes"]), f"{row['value']:.1f}", f"{row['slowest']:.1f} to {row['quickest']:.1f}",
            f"{row['ratio']:.2f}", f"{row['share']:.0%}",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def paper_table(paper: list[dict[str, Any]]) -> str:
    """What was computed, as markdown."""
    links = " | ".join(f"ms at {name}" for name in LINKS)
    lines = [
        f"| {GPUS} GPUs, on paper | tasks each | parameters | MB each sends a step | {links} |",
        f"|---|{'--:|' * (3 + len(LINKS))}",
    ]
    for row in paper:
        times = [f"{row['ms'][name]:.2f}" for name in LINKS]
        cells = [CASES[row["case"]].said, str(row["tasks"]), f"{row['parameters']:,}", f"{row['bytes'] / 1e6:.2f}", *times]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def said_of(kept: dict[str, Any]) -> str:
    """What stands in the README."""
    how = f"{kept['cores']} CPU cores, {kept['device']}, torch {kept['versions']['torch']}, {kept['date'][:10]}."
    if kept["load"] > 1.5 * kept["cores"]:
        how += f" **The machine was busy with other things (load {kept['load']:.0f}): measure again.**"
    paper = "Computed, not measured, and without the time that a message takes however short it is:"
    return f"{how}\n\n{table(kept['figures'])}\n\n{paper}\n\n{paper_table(kept['paper'])}"


def main() -> None:
    """Read the command line, measure, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "processes",
        nargs="*",
        type=int,
        default=[1, 2],
        help="how many; the first is what others are compared with",
    )
    parser.add_argument("--serve", choices=[*STEPS], help="be one of the processes")
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
        return
    begun = time.perf_counter()
    before = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0  # not on Windows
    found = [
        figure for key in tqdm(STEPS, "settings", unit="setting") for figure in measure(key, given.processes)
    ]
    kept = race.about() | {
        "command": " ".join(["python -m benchmarks.scaling", *map(str, given.processes)]),
        "seconds": round(time.perf_counter() - begun),
        "load": round(before, 1),
        "torch_threads": 1,
        "figures": found,
        "paper": [on_paper(key) for key in STEPS],
    }
    race.keep(race.named("scaling"), kept, said_of(kept))
    print(said_of(kept))


if __name__ == "__main__":
    main()
