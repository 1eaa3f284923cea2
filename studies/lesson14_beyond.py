"""Lesson 14: a learned head and a head of zeros, trained with five inner steps, after 50 and 100 of them at test.

    python -m studies.lesson14_beyond            seed 0, whose networks come with the course
    python -m studies.lesson14_beyond 0 1 2      three seeds: trains the others (``lesson14_heads rates``) where they are not there

The tasks are those of ``studies.lesson14_heads steps``, the rate is the training's. What is recorded there after 0 to 20 steps
stays as it is; 20 stands here again, so that the networks can be seen to be the same.
"""

import argparse

import torch

from mlteach.checkpoint import load_checkpoint, params_from
from mlteach.inner import sgd
from mlteach.measure import over_seeds, path_of
from mlteach.measure.ledger import data_folder, keep_results, recorded
from mlteach.nets import share_right
from mlteach.params import Params
from mlteach.tasks import Characters
from studies.lesson14_heads import HEADS, LESSON, NET, RUNS, TASKS, body_of, chosen, run_of, start_of
from studies.shared import figure, tasks_of

STEPS, LOOK = 5, (5, 20, 50, 100)
AT_ONCE = 10  # tasks whose 100 steps are kept side by side


def network(head: str, seed: int) -> Params:
    """A network that was trained with five steps: the course's own where it has it."""
    if seed:
        return run_of(head, STEPS, chosen(head, STEPS), seed)
    drawn = NET.init(torch.Generator().manual_seed(0))
    stored = load_checkpoint(data_folder() / "checkpoints" / f"14-{head}.safetensors")
    return params_from(stored, drawn if head == "learned" else body_of(drawn))


@torch.no_grad()
def beyond(seeds: list[int]) -> None:
    """Percent of right answers after each of `LOOK` steps, by head."""
    tasks = tasks_of(Characters.omniglot().split("random")[2], TASKS, 1, queries=5)
    every = recorded(LESSON[:2], "beyond")
    for head in HEADS:
        rate, curves = chosen(head, STEPS), []
        for seed in seeds:
            theta, right = network(head, seed), {t: [] for t in LOOK}
            for part in (
                batch.part(slice(i, i + AT_ONCE)) for batch in tasks for i in range(0, batch.tasks, AT_ONCE)
            ):
                path = path_of(NET, theta, part, sgd(rate), max(LOOK), start=start_of(head))
                for t in LOOK:
                    right[t].append(share_right(NET(path[t], part.query_x), part.query_y))
            curves.append({t: 100 * torch.cat(right[t]).mean() for t in LOOK})
        for t in LOOK:
            values = [curve[t].item() for curve in curves]
            found = over_seeds(values) if len(values) > 1 else values[0]  # one seed has no interval
            said = f"rate {rate:g}; seeds " + ", ".join(f"{value:.2f}" for value in values)
            every[f"{head}.{t}"] = figure(f"{head}.{t}", found, "%", seeds, TASKS, said)
            print(f"{head}.{t}", found, said, flush=True)
    keep_results(LESSON, "beyond", list(every.values()), command="python -m studies.lesson14_beyond")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("seeds", nargs="*", type=int, default=[0])
    RUNS.mkdir(parents=True, exist_ok=True)
    beyond(parser.parse_args().seeds)


if __name__ == "__main__":
    main()
