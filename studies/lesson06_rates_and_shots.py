"""One run of a study on dask: MAML on sinusoids at an inner rate and a number of shots.

    python3 start.py study studies/lesson06_rates_and_shots.toml

The file of that name says which rates, shots and seeds. Every run trains as lesson 06 does in its lecture profile, with fewer outer steps,
and is tested with the rate and the shots it was trained with, on 1000 tasks that none has seen. `docs/studies.md` shows
what came of it.
"""

from pathlib import Path

import torch

from mlteach.fit import fit
from studies.lesson06_starts import FAMILY, MAML, NET, errors, gradient_for


def one(inner_rate: float, shots: int, outer_steps: int, seed: int, checkpoint: Path) -> dict[str, float]:
    """Train from the random start of ``seed``; the query MSE of unseen tasks before a step and after one."""
    recipe = MAML | {"inner_rate": inner_rate, "shots": shots, "outer_steps": outer_steps, "outer_rate": 5e-3}
    generator = torch.Generator().manual_seed(seed)
    run = fit(
        gradient_for("maml", recipe),
        NET.init(generator),
        lambda g: FAMILY.sample(recipe["meta_batch"], shots, recipe["queries"], generator=g),
        steps=outer_steps,
        generator=generator,
        lr=recipe["outer_rate"],
        schedule=recipe["schedule"],
        checkpoint=checkpoint,
        every=500,
        progress=None,
    )
    found = errors(run.theta, inner_rate, (0, 1), shots=shots)
    return {"mse": found[1].mean().item(), "before": found[0].mean().item()}
