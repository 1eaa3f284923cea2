"""Lesson 09's paper profile without Jupyter: Finn's protocol, for a GPU machine that has only what training needs.

    python -m studies.lesson09_paper_profile --minutes 9
    python -m studies.lesson09_paper_profile --minutes 9 --method ANIL
    torchrun --nproc-per-node=gpu -m studies.lesson09_paper_profile --minutes 9

Trains until the time is up or 60,000 meta-iterations are done, and keeps itself where the lesson looks:
``runs/09-paper/training/``. Call it again to go on, with the same numbers as if it had not stopped. Where there are several
GPUs, torchrun shares each meta-batch of 32 tasks out over them (docs/many_machines.md); a notebook cannot do that. The same
training, to rounding, and it may go on with another number of GPUs, or with one, in the lesson. When both are done,
``python3 start.py run 09 --profile paper --record`` finds them trained, tests them, and keeps the figures.
"""

import argparse
import time

import torch

from mlteach.fit import Fit, fit
from mlteach.inner import sgd
from mlteach.measure.ledger import data_folder
from mlteach.nets import Conv4, cross_entropy
from mlteach.outer import maml_gradient, replayed
from mlteach.params import Params
from mlteach.tasks import Characters
from mlteach.tasks.episode import Episode
from mlteach.training.ranks import joined, own_device

STEPS, PIECE = 60_000, 500  # meta-iterations in all, and between two lines about them


def train(method: str, seed: int, minutes: float, steps: int = STEPS) -> Fit:
    """One piece of one training run. The settings are FINN's in lesson 09."""
    began, device = time.monotonic(), own_device()
    group = joined(True, device)
    characters, _, _ = Characters.omniglot(device=device).split("random")
    net = Conv4(ways=5, filters=64, head="mean", gamma=False, head_std=1.0)
    weights = [name for name in (*net.body_names, *net.head_names) if name not in net.norm_names]
    only = list(net.head_names) if method == "ANIL" else weights

    def gradient(theta: Params, episode: Episode) -> tuple[Params, dict[str, float]]:
        return maml_gradient(net, cross_entropy, theta, episode, sgd(2.0), 1, only=only)

    def sample(generator: torch.Generator) -> Episode:
        return characters.sample(32, 5, 1, 1, generator=generator)

    quick = replayed(gradient)
    path = data_folder().parent / "runs" / "09-paper" / "training" / f"{method}-{seed}.safetensors"

    def go_on(until: int, seconds: float | None = None) -> Fit:
        generator = torch.Generator().manual_seed(seed)
        theta = {name: value.to(device) for name, value in net.init(generator).items()}
        return fit(
            quick,
            theta,
            sample,
            steps=steps,
            generator=generator,
            checkpoint=path,
            until=until,
            seconds=seconds,
            distributed=True,
            progress=None,
        )

    run = go_on(until=0)  # where it is, and how long that took
    seconds = group.first(run.seconds + 60 * minutes - (time.monotonic() - began))  # loading the data counts
    while run.step < steps and run.stopped == "until" and run.seconds < seconds:
        run = go_on(run.step + PIECE, seconds)
        recent = run.history["accuracy"][-PIECE:]
        if group.leads:
            print(
                f"{method} {run.step} of {steps} meta-iterations, {1000 * run.seconds / run.step:.1f} ms each, "
                f"query accuracy {100 * sum(recent) / len(recent):.1f} %",
                flush=True,
            )
    return run


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--method", choices=["MAML", "ANIL"], default="MAML")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--minutes",
        type=float,
        default=9.0,
        help="stop, and keep everything, after so many minutes",
    )
    options = parser.parse_args()
    train(options.method, options.seed, options.minutes)


if __name__ == "__main__":
    main()
