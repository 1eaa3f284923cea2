"""What the tests of studies run: a small MAML on sinusoids, a third of a second; where asked, it stands still in its middle."""

import os
import time
from pathlib import Path

import torch

from mlteach.fit import fit
from mlteach.inner import sgd
from mlteach.nets import MLP, squared_error
from mlteach.outer import maml_gradient
from mlteach.tasks import Sinusoids

HOLD = (
    "MLTEACH_TEST_HOLD"  # the seeds of the runs at inner rate 0.01 that stand still when they are first begun
)
STEPS, EVERY, HELD = 100, 25, 60  # it stands still after 60 steps; 50 of them are in its checkpoint
NET = MLP((1, 40, 40, 1), activation="tanh")


def one(*, rate: float, seed: int, checkpoint: Path) -> dict[str, float]:
    def validate(theta: dict[str, torch.Tensor]) -> float:
        asked = rate == 0.01 and str(seed) in os.environ.get(HOLD, "").split(",")
        if asked and not (mark := checkpoint.with_name("held")).exists():
            mark.touch()
            while True:
                time.sleep(60)
        return sum(float(value.square().sum()) for value in theta.values())

    generator = torch.Generator().manual_seed(seed)
    run = fit(
        lambda theta, episode: maml_gradient(NET, squared_error, theta, episode, sgd(rate), 1),
        NET.init(generator),
        lambda g: Sinusoids.finn().sample(4, 5, 5, generator=g),
        steps=STEPS,
        generator=generator,
        validate=validate,
        every_validation=HELD,
        checkpoint=checkpoint,
        every=EVERY,
        progress=None,
    )
    return {"loss": run.history["loss"][-1], "theta": run.validation["score"][-1]}


def fails(*, seed: int, checkpoint: Path) -> dict[str, float]:
    if seed:
        raise ZeroDivisionError("of seed 1")
    return {"loss": float("nan")}


def no_number(checkpoint: Path) -> dict[str, str]:
    return {"loss": "low"}
