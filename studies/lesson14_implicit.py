"""Lesson 14: implicit MAML beside MAML and the unrolled proximal loop on sinusoids, at equal cost.

    python -m studies.lesson14_implicit

Cost is no clock here: one outer step of every arm is timed side by side, in turns, in processor seconds of one thread, and each
arm gets outer steps in the ratio of the medians. Inner rate and lambda are chosen on validation tasks with seed 0; the figures
are on 600 test tasks, three seeds. Both ratio and steps are recorded.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch

from mlteach.fit import fit
from mlteach.inner import adapt, proximal, sgd
from mlteach.measure import Interval, over_seeds
from mlteach.measure.ledger import data_folder, keep_results
from mlteach.nets import MLP, squared_error
from mlteach.outer import implicit_gradient, maml_gradient
from mlteach.params import Params, stack
from mlteach.tasks import Episode, Sinusoids
from studies.shared import figure

LESSON, SEEDS = "14_how_many_steps", (0, 1, 2)
FINN, NET = Sinusoids.finn(), MLP((1, 40, 40, 1), "tanh", "uniform")
META_BATCH, SHOTS, OUTER_RATE, CLIP = 25, 10, 5e-3, 10.0
BUDGET = 1000  # outer steps of the cheapest arm
RUNS = data_folder().parent / "runs" / "14-implicit"
LOOK = (0, 1, 5, 10, 30, 100)


class Arm(NamedTuple):
    """steps of the inner loop; solves: None for the unrolled gradient; the settings (rate, lambda) that are tried."""

    steps: int
    solves: int | None
    tried: tuple[tuple[float, float], ...]


PULLED = ((0.01, 2.0), (0.03, 0.5), (0.03, 2.0))
ARMS = {
    "MAML, 1 step": Arm(1, None, ((0.01, 0.0), (0.03, 0.0), (0.1, 0.0))),
    "MAML, 5 steps": Arm(5, None, ((0.01, 0.0), (0.03, 0.0), (0.1, 0.0))),
    "unrolled, 30 steps": Arm(30, None, PULLED),
    "implicit, 30 steps": Arm(30, 5, PULLED),
    "no solve, 30 steps": Arm(30, 0, PULLED),
}


def gradient_of(arm: Arm, rate: float, strength: float) -> Callable[[Params, Episode], Any]:
    """The arm's meta-gradient at a setting."""
    if arm.solves is None:
        rule = proximal(sgd(rate), strength) if strength else sgd(rate)
        return partial(maml_gradient, NET, squared_error, rule=rule, steps=arm.steps)
    return partial(
        implicit_gradient,
        NET,
        squared_error,
        rule=sgd(rate),
        steps=arm.steps,
        strength=strength,
        solves=arm.solves,
    )


def costs(rounds: int = 15) -> dict[str, float]:
    """The median cost of one outer step over that of the cheapest arm, taken in turns."""
    generator = torch.Generator().manual_seed(0)
    theta, episode = NET.init(generator), FINN.sample(META_BATCH, SHOTS, SHOTS, generator=generator)
    seen: dict[str, list[float]] = {name: [] for name in ARMS}
    for _ in range(rounds):
        for name, arm in ARMS.items():
            began = time.process_time()
            gradient_of(arm, *arm.tried[0])(theta, episode)
            seen[name].append(time.process_time() - began)
    medians = {name: statistics.median(values[2:]) for name, values in seen.items()}
    return {name: value / min(medians.values()) for name, value in medians.items()}


def trained(name: str, outer_steps: int, setting: tuple[float, float], seed: int) -> Params:
    """One run, which keeps itself."""
    generator = torch.Generator().manual_seed(seed)
    label = f"{name}-{setting[0]:g}-{setting[1]:g}-{seed}"
    return fit(
        gradient_of(ARMS[name], *setting),
        NET.init(generator),
        lambda g: FINN.sample(META_BATCH, SHOTS, SHOTS, generator=g),
        steps=outer_steps, generator=generator, lr=OUTER_RATE, schedule="cosine", clip=CLIP, progress=label,
        checkpoint=RUNS / f"{label.replace(', ', '-').replace(' ', '-')}.safetensors",
    ).theta  # fmt: skip


def errors(theta: Params, setting: tuple[float, float], tasks: Episode) -> dict[int, float]:
    """The test error after each number of steps in `LOOK`, with the arm's own inner loop."""
    rate, strength = setting
    rule = proximal(sgd(rate), strength) if strength else sgd(rate)
    with torch.no_grad():
        path = adapt(lambda p: squared_error(NET(p, tasks.support_x), tasks.support_y), stack(theta, tasks.tasks),
                     rule, max(LOOK), path=True)  # fmt: skip
        return {t: squared_error(NET(path[t], tasks.query_x), tasks.query_y).mean().item() for t in LOOK}


def main() -> None:
    """Measure the costs, choose, train, test, and write the file."""
    RUNS.mkdir(parents=True, exist_ok=True)
    watched = FINN.sample(300, SHOTS, 50, generator=torch.Generator().manual_seed(77))
    tasks = FINN.sample(600, SHOTS, 50, generator=torch.Generator().manual_seed(1))
    ratio, figures = costs(), []

    def add(name: str, found: Interval, unit: str, note: str = "") -> None:
        figures.append(figure(name, found, unit, SEEDS, 600, note, digits=4))

    for name, arm in ARMS.items():
        outer_steps = max(20, round(BUDGET / ratio[name]))
        tried = {
            setting: errors(trained(name, outer_steps, setting, 0), setting, watched)[arm.steps]
            for setting in arm.tried
        }
        best = min(
            tried, key=lambda setting: tried[setting] if tried[setting] == tried[setting] else float("inf")
        )
        found = [errors(trained(name, outer_steps, best, seed), best, tasks) for seed in SEEDS]
        said = f"rate {best[0]:g}, lambda {best[1]:g}; tried on validation tasks: "
        said += ", ".join(f"({a:g}, {b:g}) {value:.3f}" for (a, b), value in tried.items())
        add(f"{name}.error", over_seeds([each[arm.steps] for each in found]), "MSE", said)
        for t in LOOK:
            values = [each[t] for each in found]
            add(
                f"{name}.after {t}",
                over_seeds(values),
                "MSE",
                "seeds " + ", ".join(f"{v:.3f}" for v in values),
            )
        add(
            f"{name}.cost",
            Interval(ratio[name], 0.0, 1),
            "times",
            "one outer step, beside the cheapest arm's",
        )
        add(f"{name}.outer steps", Interval(outer_steps, 0.0, 1), "", "in the ratio of the costs")
        print(name, outer_steps, best, {t: [round(e[t], 3) for e in found] for t in LOOK}, flush=True)
        keep_results(LESSON, "implicit", figures, command="python -m studies.lesson14_implicit")


if __name__ == "__main__":
    main()
