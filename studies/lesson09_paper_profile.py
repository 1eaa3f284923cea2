"""Lesson 09's paper profile without Jupyter: Finn's protocol, for a GPU machine that has only what training needs.

    python -m studies.lesson09_paper_profile --minutes 9
    python -m studies.lesson09_paper_profile --minutes 9 --method ANIL

Trains until the time is up or 60,000 meta-iterations are done, and keeps itself where the lesson looks:
``runs/09-paper/training/``. Call it again to go on, with the same numbers as if it had not stopped. When both are done,
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

STEPS, PIECE = 60_000, 500  # meta-iterations in all, and between two looks at the clock


def train(method: str, seed: int, minutes: float, steps: int = STEPS) -> Fit:
    """One piece of one training run. The settings are FINN's in lesson 09."""
    deadline = time.monotonic() + 60 * minutes
    device = "cuda" if torch.cuda.is_available() else "cpu"
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
    run = Fit({})
    while time.monotonic() < deadline and run.step < steps and not run.interrupted:
        generator = torch.Generator().manual_seed(seed)
        theta = {name: value.to(device) for name, value in net.init(generator).items()}
        run = fit(
            quick,
            theta,
            sample,
            steps=steps,
            generator=generator,
            checkpoint=path,
            until=run.step + PIECE,
            progress=None,
        )
        recent = run.history["accuracy"][-PIECE:]
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
        "--minutes", type=float, default=9.0, help="stop, and keep everything, after so many minutes"
    )
    options = parser.parse_args()
    train(options.method, options.seed, options.minutes)


if __name__ == "__main__":
    main()
