"""Kill a training again and again at random moments, start it again, and compare the end with a run nobody killed.

    python tests/training/kills.py 50

Each round is a child of this process (forked: torch is imported once), killed with SIGKILL after a random time; the
training writes its checkpoint at every other step, so that some kills fall into a write. Prints a table, and ends with
status 1 if any bit differs. Needs an operating system that forks.
"""

import os
import random
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path

import torch

from mlteach.checkpoint import load_checkpoint
from mlteach.fit import Fit, fit
from mlteach.inner import sgd
from mlteach.nets import MLP, squared_error
from mlteach.outer import maml_gradient
from mlteach.tasks.episode import Episode

STEPS, EVERY = 400, 2
NET = MLP((1, 40, 40, 1), activation="tanh")


def sample(g: torch.Generator) -> Episode:
    x = torch.randn(4, 10, 1, generator=g)
    y = x * torch.randn(4, 1, 1, generator=g)
    return Episode(x[:, :5], y[:, :5], x[:, 5:], y[:, 5:])


def train(path: Path | None) -> Fit:
    def gradient(theta, episode):
        return maml_gradient(NET, squared_error, theta, episode, sgd(0.1), 1)

    def validate(theta):
        return -sum(value.square().sum() for value in theta.values())

    return fit(
        gradient,
        NET.init(torch.Generator().manual_seed(1)),
        sample,
        steps=STEPS,
        generator=torch.Generator().manual_seed(0),
        schedule="cosine",
        clip=5.0,
        validate=validate,
        every_validation=10,
        checkpoint=path,
        every=EVERY,
        progress=None,
    )


def in_child(path: Path, after: float | None) -> bool:
    """Train in a child process; kill it after so many seconds. Whether it was still at work then."""
    child = os.fork()
    if child == 0:
        try:
            train(path)
        finally:
            os._exit(0)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def rounds(kills: int, seed: int = 0) -> tuple[list[tuple[int, int, bool, bool]], bool]:
    """(round, step on the disk, whether it was killed at work, whether in a write), and whether all bits are the same.

    kills: how many at work there are to be; a training that had ended by then begins anew.
    """
    drawn, found, whole, ended = random.Random(seed), [], train(None), True
    with tempfile.TemporaryDirectory() as folder:
        path, started = Path(folder) / "run.safetensors", time.perf_counter()
        train(path)
        took = time.perf_counter() - started  # one training, with all its writes
        path.unlink()
        while sum(killed for _, _, killed, _ in found) < kills:
            killed = in_child(path, drawn.uniform(0.0, 0.25) * took)
            part = list(Path(folder).glob(".*.part"))
            step = load_checkpoint(path).about["step"] if path.exists() else 0  # readable after every kill
            found.append((len(found) + 1, step, killed, bool(part)))
            for each in part:
                each.unlink()
            if step == STEPS:
                ended &= same(train(path), whole)
                path.unlink()
        in_child(path, None)
        return found, ended and same(train(path), whole)


def same(a: Fit, b: Fit) -> bool:
    """To the last bit: parameters, history, validation, and the best."""
    assert a.best is not None and b.best is not None
    tensors = all(
        torch.equal(a.theta[n], b.theta[n]) and torch.equal(a.best.theta[n], b.best.theta[n]) for n in b.theta
    )
    return tensors and (a.step, a.history, a.validation, a.best[1:]) == (
        b.step,
        b.history,
        b.validation,
        b.best[1:],
    )


def main(kills: int) -> int:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", DeprecationWarning)  # Python's, about forks of processes with threads
    found, equal = rounds(kills)
    print("round  step on the disk  killed at work  within a write")
    for number, step, killed, writing in found:
        print(
            f"{number:5}  {step:16}  {'yes' if killed else 'had ended':>14}  {'yes' if writing else '':>14}"
        )
    in_writes = sum(writing for *_, writing in found)
    verdict = "every bit is the same as in a run nobody killed" if equal else "BITS DIFFER"
    print(f"{kills} kills at work, as many resumes, {in_writes} of them within a write: {verdict}")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 50))
