"""Lesson 08's record: do the gradients of a task's minibatches agree at a trained start, and is that enough?

    python -m studies.lesson07_sinusoids && python -m studies.lesson08_agreement

First, at every start that `studies.lesson07_sinusoids` trained (it goes on from ``runs/``): the cosine between the gradients
of two disjoint minibatches, of one task and, as a control, of two tasks.

Then the term by itself. Joint training gets the reward that the expansion of Reptile names, and nothing else: it descends
on L - weight * (b_1 . b_2), with b_1 and b_2 the gradients of two halves of a task's points at the start. No inner loop.
Reptile's own weight, with five inner steps at rate 0.02, would be alpha (k - 1) / 4 = 0.02. Beside it Reptile for as many
outer steps. Three seeds each; whoever's error is no number has blown up. Writes ``data/results/08-agreement.json``.
"""

import json
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from mlteach.fit import Fit, Gradient, fit
from mlteach.inner import sgd
from mlteach.measure import over_seeds, over_tasks
from mlteach.measure.ledger import data_folder, keep_results
from mlteach.nets import squared_error
from mlteach.outer import reptile_gradient
from mlteach.params import Params, gradient_of, leaves
from mlteach.tasks import Episode
from studies.lesson07_sinusoids import (
    BATCH,
    NET,
    POINTS,
    RATE,
    SEEDS,
    TASKS,
    TEST_SEED,
    Recipe,
    errors,
    grid_tasks,
    train,
)

#: Of the reward; None: Reptile itself.
WEIGHTS = {
    "reward.0": 0.0,
    "reward.0.001": 0.001,
    "reward.0.003": 0.003,
    "reward.0.02": 0.02,
    "reptile": None,
}
OUTER_STEPS, META_BATCH, OUTER_RATE, JUDGED, FAR = 1500, 5, 1e-3, (0, 1, 5, 32), 1e3


def per_task(theta: Params, tasks: int) -> Params:
    """Theta once for each task, as leaves of its own: then the gradient of a sum is each task's own gradient."""
    return leaves({name: value.repeat(tasks, *[1] * value.ndim) for name, value in theta.items()})


def cosines(theta: Params, seed: int = TEST_SEED) -> dict[str, Tensor]:
    """The cosine between the gradients at theta of two disjoint minibatches of 10 points, float64 [TASKS] each.

    "same": both of one task. "other": of two tasks, the control.
    """
    drawn = grid_tasks(TASKS, torch.Generator().manual_seed(seed), 2 * BATCH).to(dtype=torch.float64)
    point, vectors = per_task({name: value.double() for name, value in theta.items()}, TASKS), []
    for half in (slice(0, BATCH), slice(BATCH, None)):
        x, y = drawn.support_x[:, half], drawn.support_y[:, half]
        found = gradient_of(squared_error(NET(point, x), y).sum(), point)
        vectors.append(torch.cat([each.flatten(1) for each in found.values()], dim=1))
    a, b = vectors
    return {
        "same": torch.cosine_similarity(a, b, dim=1),
        "other": torch.cosine_similarity(a, b.roll(1, 0), dim=1),
    }


def rewarded(weight: float) -> Gradient:
    """The gradient of the mean over the tasks of L - weight * (b_1 . b_2)."""

    def gradient(theta: Params, episode: Episode) -> tuple[Params, dict[str, float]]:
        point, half = per_task(theta, episode.tasks), POINTS // 2
        losses, found = [], []
        for part in (slice(0, half), slice(half, None)):
            value = squared_error(NET(point, episode.support_x[:, part]), episode.support_y[:, part])
            losses.append(value)
            found.append(torch.autograd.grad(value.sum(), list(point.values()), create_graph=True))
        product = torch.stack([(a * b).sum() for a, b in zip(*found, strict=True)]).sum()
        value = (torch.stack(losses).mean(0).sum() - weight * product) / episode.tasks
        moved = {name: each.sum(0) for name, each in gradient_of(value, point).items()}
        return moved, {"loss": torch.stack(losses).mean().item()}

    return gradient


def trained(weight: float | None, seed: int) -> Fit:
    """Joint training with the reward, or Reptile, from one seed."""
    generator = torch.Generator().manual_seed(seed)

    def reptile(theta: Params, episode: Episode) -> tuple[Params, dict[str, float]]:
        return reptile_gradient(NET, squared_error, theta, episode, sgd(RATE), 5, batch=BATCH)

    return fit(
        reptile if weight is None else rewarded(weight),
        NET.init(generator), lambda g: grid_tasks(META_BATCH, g), steps=OUTER_STEPS, generator=generator,
        lr=OUTER_RATE, schedule="linear", progress=None,
    )  # fmt: skip


def row(name: str, runs: list[Tensor], unit: str, seconds: float | None, note: str) -> dict[str, Any]:
    """One figure: the mean over seeds with its interval. None where a run has blown up."""
    means = [run.mean().item() for run in runs]
    fine = all(abs(mean) < FAR for mean in means)
    over = over_seeds(means)
    return {
        "name": name, "value": round(over.mean, 3) if fine else None, "interval": round(over.half_width, 3) if fine else None,
        "unit": unit, "over_tasks": round(max(over_tasks(run).half_width for run in runs), 3) if fine else None,
        "seeds": list(SEEDS), "seconds": seconds, "device": "cpu", "tasks": TASKS, "note": note,
    }  # fmt: skip


def main() -> None:
    """Measure at the demo's starts, train with the reward alone, write it down."""
    torch.set_num_threads(1)  # a second thread makes batches this small slower
    stored = json.loads((data_folder() / "results" / "07-demo.json").read_text(encoding="utf-8"))["recipes"]
    kept, note = {field.name for field in fields(Recipe)}, "two disjoint minibatches of 10 points"
    starts = {"random": [NET.init(torch.Generator().manual_seed(seed)) for seed in SEEDS]}
    for name, settings in stored.items():
        recipe = Recipe(**{key: value for key, value in settings.items() if key in kept})
        starts[name] = [train(name, recipe, seed).theta for seed in SEEDS]
    rows = []
    for name, thetas in starts.items():
        found = [cosines(theta) for theta in thetas]
        rows += [
            row(f"{name}.{which}", [each[which] for each in found], "cosine", None, note)
            for which in found[0]
        ]
    for name, weight in WEIGHTS.items():
        runs = [trained(weight, seed) for seed in SEEDS]
        seconds = round(sum(run.seconds for run in runs) / len(runs), 1)
        said = f"{OUTER_STEPS} outer steps of {META_BATCH} tasks"
        after = [errors(run.theta, RATE, TEST_SEED) for run in runs]
        rows += [row(f"{name}.after {k}", [each[k] for each in after], "MSE", seconds, said) for k in JUDGED]
        rows.append(
            row(f"{name}.cosine", [cosines(run.theta)["same"] for run in runs], "cosine", seconds, note)
        )
        print(name, [(each["name"], each["value"], each["interval"]) for each in rows[-5:]], flush=True)
    keep_results(
        "08_why_first_order_works", "agreement", rows, command="python -m studies.lesson08_agreement"
    )


if __name__ == "__main__":
    main()
