"""What each process of `test_ranks` does under torchrun; what it finds it writes down, by its rank.

torchrun --standalone --nproc-per-node=4 tests/training/on_ranks.py four FOLDER
"""

import json
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from mlteach.errors import TrainingError
from mlteach.fit import Fit, fit
from mlteach.inner import sgd
from mlteach.nets import MLP, squared_error
from mlteach.outer import maml_gradient
from mlteach.params import to_vector
from mlteach.tasks.episode import Episode

RANK = int(os.environ.get("RANK", "0"))
net = MLP((1, 6, 1), activation="tanh")
gradient = partial(maml_gradient, net, squared_error, rule=sgd(0.1), steps=1)


def sample(generator: torch.Generator, tasks: int = 6) -> Episode:
    x = torch.randn(tasks, 10, 1, generator=generator, dtype=torch.float64)
    y = x * torch.randn(tasks, 1, 1, generator=generator, dtype=torch.float64)
    return Episode(x[:, :5], y[:, :5], x[:, 5:], y[:, 5:])


def size(theta: Any) -> float:
    return to_vector(theta).square().sum().item()


def train(tasks: int = 6, **options: Any) -> Fit:
    """Fifty steps in float64. Only the first process begins where all shall."""
    seed = RANK if options.get("distributed") else 0
    theta = net.init(torch.Generator().manual_seed(1 + seed), torch.float64)
    given: dict[str, Any] = {"gradient": gradient, "steps": 50, "lr": 1e-2, "progress": None}
    given |= {"generator": torch.Generator().manual_seed(seed), "sample": partial(sample, tasks=tasks)}
    return fit(theta=theta, **given | options)


def spoiled(how: Callable[[], float], rank: int, step: int) -> Callable[..., Any]:
    """The gradient function, but in one step of one process ``how`` happens, and its answer is the loss."""
    calls = 0

    def function(theta: Any, episode: Episode) -> Any:
        nonlocal calls
        calls += 1
        found, numbers = gradient(theta, episode)
        return found, ({"loss": how()} if (RANK, calls) == (rank, step) else numbers)

    return function


def clicked() -> float:
    for _ in range(2):  # a second one may not tear the step apart
        signal.raise_signal(signal.SIGINT)
    return 1.0


def fails() -> float:
    raise OSError("no such data")


def killed() -> float:
    if sys.platform == "win32":
        os._exit(1)
    os.kill(os.getpid(), signal.SIGKILL)
    return 0.0


def ended(**options: Any) -> str:
    """What a run that cannot go on says, and after how many steps."""
    try:
        train(distributed=True, **options)
    except TrainingError as error:
        return f"after {error.run.step}: {error}" if error.run else str(error)
    except OSError as error:
        return f"its own: {error}"
    return "nothing"


def told(run: Fit) -> dict[str, Any]:
    return {
        "theta": to_vector(run.theta).tolist(),
        "loss": run.history["loss"],
        "step": run.step,
        "seconds": run.seconds,
        "stopped": run.stopped,
        "validation": run.validation,
        "best": run.best and [run.best.step, run.best.score, size(run.best.theta)],
    }


def slowly(theta: Any, episode: Episode) -> Any:
    time.sleep(0.02 * (1 + RANK))
    return gradient(theta, episode)


def four(folder: Path) -> dict[str, Any]:
    """All that can be seen without a process dying."""
    judged = {"validate": size, "every_validation": 20, "clip": 0.5}
    begun, own = folder / "begun by one.safetensors", folder / "begun by four.safetensors"
    train(distributed=True, checkpoint=own, until=20, **judged)
    return {
        "Adam": told(train(distributed=True)),
        "SGD": told(train(distributed=True, optimizer=torch.optim.SGD)),
        "fewer tasks than processes": told(train(distributed=True, tasks=3)),
        "begun by one": told(train(distributed=True, checkpoint=begun, **judged)),
        "not a number": ended(gradient=spoiled(lambda: float("nan"), rank=1, step=4)),
        "an error": ended(gradient=spoiled(fails, rank=2, step=3)),
        "another plan": ended(steps=50 + RANK),
        "one alone validates": ended(validate=None if RANK else size),
        "other tasks": ended(sample=lambda g: sample(g, 6 + RANK % 2)),
        "no episode": ended(sample=lambda g: "tasks"),
        "an interrupt": told(train(distributed=True, gradient=spoiled(clicked, rank=3, step=5))),
        "seconds": told(train(distributed=True, gradient=slowly, seconds=0.5)),
    }


def two(folder: Path) -> dict[str, Any]:
    """A process is killed, and torchrun starts all again."""
    path, attempt = folder / "killed.safetensors", int(os.environ["TORCHELASTIC_RESTART_COUNT"])
    first = attempt == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = train(
            distributed=True,
            gradient=spoiled(killed, rank=1, step=33) if first else gradient,
            checkpoint=path,
            every=10,
            may_differ=["gradient"],
        )
    return {"attempt": attempt, "killed": told(found), "whole": told(train(distributed=True))}


if __name__ == "__main__":
    torch.set_num_threads(1)
    part, folder = sys.argv[1], Path(sys.argv[2])
    found = {"four": four, "two": two}[part](folder)
    (folder / f"{part}-{RANK}.json").write_text(json.dumps(found))
