"""Lesson 07's record: the sinusoid demo of Reptile as it was published, and three runs of the same cost beside it.

    python -m studies.lesson07_sinusoids            (... lesson07_sinusoids curve: the course of the demo's runs alone)

The demo (Schulman's, which came with the paper): tasks A sin(x + phase) at 50 fixed x in [-5, 5], a 1-64-64-1 network
with tanh, 30,000 tasks one after the other; for each, gradient descent at rate 0.02 once through the 50 points in random
minibatches of 10, then a step towards the result, with a rate that goes from 0.1 to zero. So 150,000 minibatch gradients.
Beside it, each with as many: five tasks a step (batched), the same with Adam outside, and joint training.

Each is judged on tasks it has not seen: 32 steps of gradient descent on 10 of the 50 points, the mean squared error on
all 50. Three seeds. What was chosen (Adam's rate, and a best test rate for each) was chosen on other tasks. Writes
``data/results/07-demo.json``, the course of the demo's training in ``07-curve.json`` and, of the first seed,
``data/checkpoints/07-NAME``; long runs keep themselves in ``runs/``.
"""

import functools
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from mlteach.checkpoint import save_checkpoint
from mlteach.fit import Fit, fit
from mlteach.inner import sgd
from mlteach.inner.adapt import steps_of
from mlteach.measure import over_seeds, over_tasks
from mlteach.measure.ledger import data_folder, keep_results
from mlteach.nets import MLP, squared_error
from mlteach.outer import reptile_gradient
from mlteach.params import Params, stack
from mlteach.tasks import Episode, Sinusoids

FAMILY, NET = Sinusoids.reptile(), MLP((1, 64, 64, 1), activation="tanh", start="uniform")
POINTS, BATCH, RATE, GRADIENTS = 50, 10, 0.02, 150_000
SEEDS, TEST_SEED, VALIDATION_SEED, TASKS, CHUNK = (0, 1, 2), 1001, 1002, 1000, 250
STEPS, RATES = (0, 1, 2, 5, 10, 20, 32), (0.005, 0.01, 0.02, 0.03, 0.05, 0.1)


@dataclass(frozen=True)
class Recipe:
    """One way to train, at the same number of minibatch gradients."""

    tasks: int
    inner_steps: int
    outer: str
    outer_rate: float
    label: str

    @property
    def outer_steps(self) -> int:
        return GRADIENTS // (self.tasks * self.inner_steps)


SERIAL = Recipe(1, 5, "SGD", 0.1, "as published: one task a step")
RECIPES = {
    "serial": SERIAL,
    # a step of the mean of five differences, five times as long: five steps of the serial one
    "batched": Recipe(5, 5, "SGD", 0.5, "five tasks a step"),
    "adam": Recipe(5, 5, "Adam", 1e-3, "five tasks a step, Adam outside"),
    "joint": Recipe(5, 1, "Adam", 1e-3, "one inner step, which is joint training, Adam outside"),
}
ADAM_RATES = (3e-4, 1e-3, 3e-3)


def grid_tasks(tasks: int, generator: torch.Generator, shots: int = POINTS) -> Episode:
    """Tasks on the demo's 50 points: as support ``shots`` of them in random order, as queries all."""
    amplitude, phase = FAMILY.draw(tasks, generator=generator)
    x = torch.linspace(*FAMILY.x, POINTS, dtype=torch.float64).reshape(1, -1, 1).expand(tasks, -1, -1)
    order = torch.rand(tasks, POINTS, generator=generator).argsort(1)[:, :shots, None]
    support = x.gather(1, order)
    support_y, query_y = (FAMILY.value(each, amplitude, phase) for each in (support, x))
    return Episode(support, support_y, x, query_y).to(dtype=torch.float32)


def train(name: str, recipe: Recipe, seed: int) -> Fit:
    """One run, kept in runs/ on the way, and gone on with from there."""
    generator = torch.Generator().manual_seed(seed)
    outer: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "SGD": torch.optim.SGD,
        "Adam": torch.optim.Adam,
    }
    return fit(
        lambda theta, episode: reptile_gradient(
            NET, squared_error, theta, episode, sgd(RATE), recipe.inner_steps, batch=BATCH
        ),
        NET.init(generator),
        functools.partial(grid_tasks, recipe.tasks),
        steps=recipe.outer_steps, generator=generator, lr=recipe.outer_rate, schedule="linear",
        optimizer=outer[recipe.outer], every=5000, about=asdict(recipe), progress=f"{name}, seed {seed}",
        checkpoint=data_folder().parent / "runs" / "07-demo" / f"{name}-{recipe.outer_rate:g}-{seed}.safetensors",
    )  # fmt: skip


def errors(theta: Params, rate: float, seed: int, tasks: int = TASKS) -> dict[int, Tensor]:
    """Each unseen task's mean squared error on all 50 points, after some steps on 10 of them: [tasks], float64."""
    episode = grid_tasks(tasks, torch.Generator().manual_seed(seed), BATCH).to(dtype=torch.float64)
    found: dict[int, list[Tensor]] = {step: [] for step in STEPS}
    for first in range(0, tasks, CHUNK):
        part = episode.part(slice(first, first + CHUNK))
        start = stack({name: value.double() for name, value in theta.items()}, part.tasks)

        def loss(params: Params, part: Episode = part) -> Tensor:
            return squared_error(NET(params, part.support_x), part.support_y)

        with torch.no_grad():
            for step, phi in enumerate(steps_of(loss, start, sgd(rate), max(STEPS))):
                if step in found:
                    found[step].append(squared_error(NET(phi, part.query_x), part.query_y))
    return {step: torch.cat(parts) for step, parts in found.items()}


def best_rate(theta: Params) -> float:
    """The test rate with the lowest mean error after all steps, on validation tasks."""
    after = {rate: errors(theta, rate, VALIDATION_SEED)[STEPS[-1]].mean().item() for rate in RATES}
    return min(after, key=lambda rate: after[rate] if after[rate] == after[rate] else float("inf"))


def figures(name: str, starts: list[Params], seconds: list[float], label: str) -> list[dict[str, Any]]:
    """The mean over seeds with its interval, at the demo's test rate after each of STEPS, and at the best rate at the end."""
    rates = [best_rate(theta) for theta in starts]
    at_rate = [errors(theta, RATE, TEST_SEED) for theta in starts]
    at_best = [
        each if rate == RATE else errors(theta, rate, TEST_SEED)
        for theta, rate, each in zip(starts, rates, at_rate, strict=True)
    ]
    rows = [(f"{name}.after {step}", [run[step] for run in at_rate], label) for step in STEPS]
    said = ", ".join(f"{rate:g}" for rate in rates)
    rows += [
        (f"{name}.after {step}.best rate", [run[step] for run in at_best], f"test rates {said}")
        for step in (1, STEPS[-1])
    ]
    found = []
    for row, runs, note in rows:
        over = over_seeds([run.mean().item() for run in runs])
        found.append({
            "name": row, "value": round(over.mean, 4), "interval": round(over.half_width, 4), "unit": "MSE",
            "over_tasks": round(max(over_tasks(run).half_width for run in runs), 4),
            "median": round(torch.stack([run.median() for run in runs]).mean().item(), 4),
            "seeds": list(SEEDS), "seconds": round(sum(seconds) / len(seconds), 1), "device": "cpu", "tasks": TASKS,
            "note": note,
        })  # fmt: skip
    return found


def curve(window: int = 500) -> None:
    """The error after five inner steps in the demo's training, as means over ``window`` tasks, for each seed."""
    runs = {seed: torch.tensor(train("serial", SERIAL, seed).history["loss"]) for seed in SEEDS}
    means = {str(seed): loss.unfold(0, window, window).mean(1).tolist() for seed, loss in runs.items()}
    keep_results(
        "07_reptile", "curve", [], command="python -m studies.lesson07_sinusoids curve", window=window,
        serial={seed: [round(value, 3) for value in values] for seed, values in means.items()},
    )  # fmt: skip


def main() -> None:
    """Choose Adam's outer rate, train everything, judge it, write it down."""
    tried = {}
    for rate in ADAM_RATES:
        theta = train("adam", Recipe(5, 5, "Adam", rate, RECIPES["adam"].label), SEEDS[0]).theta
        tried[rate] = errors(theta, RATE, VALIDATION_SEED, 300)[STEPS[-1]].mean().item()
    chosen = min(tried, key=lambda rate: tried[rate])
    recipes = RECIPES | {"adam": Recipe(5, 5, "Adam", chosen, RECIPES["adam"].label)}
    rows = figures(
        "random", [NET.init(torch.Generator().manual_seed(seed)) for seed in SEEDS], [0.0], "nothing trained"
    )
    for name, recipe in recipes.items():
        runs = [train(name, recipe, seed) for seed in SEEDS]
        rows += figures(name, [run.theta for run in runs], [run.seconds for run in runs], recipe.label)
        print(
            name,
            [(row["name"], row["value"], row["interval"]) for row in rows[-len(STEPS) - 2 :]],
            flush=True,
        )
        if name in ("serial", "joint"):
            about = {
                "command": "python -m studies.lesson07_sinusoids", "seed": SEEDS[0], "step": runs[0].step,
                "seconds": round(runs[0].seconds, 1), "device": "cpu", "settings": asdict(recipe) | {
                    "inner_rate": RATE, "batch": BATCH, "points": POINTS, "schedule": "linear"},
                "network": {"sizes": list(NET.sizes), "activation": NET.activation, "start": NET.start},
                "query_mse": {row["name"]: row["value"] for row in rows if row["name"].startswith(f"{name}.")},
            }  # fmt: skip
            tensors = {f"theta.{each}": value for each, value in runs[0].theta.items()}
            save_checkpoint(data_folder() / "checkpoints" / f"07-{name}.safetensors", tensors, about)
    keep_results(
        "07_reptile", "demo", rows, command="python -m studies.lesson07_sinusoids",
        recipes={name: asdict(recipe) | {"outer_steps": recipe.outer_steps} for name, recipe in recipes.items()},
        adam_rate_chosen_on_validation_tasks={f"{rate:g}": round(value, 4) for rate, value in tried.items()},
        zero_shot_mse=round(FAMILY.zero_shot_mse(), 4),
    )  # fmt: skip
    curve()


if __name__ == "__main__":
    torch.set_num_threads(1)  # a second thread makes batches this small slower
    curve() if sys.argv[1:] == ["curve"] else main()
