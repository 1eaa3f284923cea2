"""Lesson 07's control: does Reptile's inner loop need other points in every step?

    python -m studies.lesson07_minibatches

The demo's tasks and network, five tasks an outer step, 6000 outer steps, and k inner steps at rate 0.02. What differs is
only what an inner step sees of a task's 50 points: "minibatches", the next 10 of them; "same", the first 10 in every step;
"all", all 50 in every step. At k = 1 there is no later step, so the first two are one. Twice over: with Adam outside, and
with plain SGD, whose steps are as long as the difference is.

Judged on 1000 tasks never seen: five steps of gradient descent on 10 of the 50 points, or on all 50, mean squared error on
all 50. Five seeds, which train side by side. Writes ``data/results/07-minibatches.json`` as it goes, and goes on from there.
"""

import json
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from mlteach.inner import adapt, sgd
from mlteach.inner.adapt import steps_of
from mlteach.measure import over_seeds
from mlteach.measure.ledger import data_folder, keep_results
from mlteach.nets import squared_error
from mlteach.params import Params, map_params, stack, task
from mlteach.progress import bar_for
from mlteach.tasks import Episode
from studies.lesson07_sinusoids import BATCH, CHUNK, NET, POINTS, RATE, TASKS, TEST_SEED, grid_tasks

SEEDS, META_BATCH, OUTER_STEPS, JUDGED = (0, 1, 2, 3, 4), 5, 6000, 5
#: The outer optimizers with their rates (those of `lesson07_sinusoids`' recipes) and the inner steps they are tried with.
OUTER: dict[str, tuple[type[torch.optim.Optimizer], float, tuple[int, ...]]] = {
    "SGD": (torch.optim.SGD, 0.5, (5, 2)),
    "Adam": (torch.optim.Adam, 1e-3, (2, 5, 1, 10)),
}
ARMS = {
    "minibatches": "other ten points in every inner step",
    "same": "the same ten points in every inner step",
    "all": "all fifty points in every inner step",
}


def seen(arm: str, step: int) -> Tensor:
    """Which of a task's points inner step ``step`` sees, integers."""
    if arm == "all":
        return torch.arange(POINTS)
    return (torch.arange(BATCH) + (step * BATCH if arm == "minibatches" else 0)) % POINTS


def trained(optimizer: str, arm: str, k: int) -> Params:
    """The starts of all seeds after training: every tensor [seeds, ...]."""
    draws = [torch.Generator().manual_seed(seed) for seed in SEEDS]
    starts = [NET.init(draw) for draw in draws]
    theta = {name: torch.stack([start[name] for start in starts]).requires_grad_() for name in starts[0]}
    make, rate, _ = OUTER[optimizer]
    outer = make(theta.values(), lr=rate)  # type: ignore[call-arg]
    linear = torch.optim.lr_scheduler.LambdaLR(outer, lambda done: 1 - done / OUTER_STEPS)
    for _ in bar_for(range(OUTER_STEPS), f"{optimizer}, {arm}, k = {k}", unit="step"):
        drawn = [grid_tasks(META_BATCH, draw) for draw in draws]
        x, y = (torch.cat(each) for each in list(zip(*drawn, strict=True))[:2])
        inner = iter(range(k))

        def loss(params: Params, x: Tensor = x, y: Tensor = y, inner: Iterator[int] = inner) -> Tensor:
            which = seen(arm, next(inner))  # called once for each step
            return squared_error(NET(params, x[:, which]), y[:, which])

        with torch.no_grad():
            each = map_params(lambda value: value.repeat_interleave(META_BATCH, 0), theta)
            phi = adapt(loss, each, sgd(RATE), k)
            for name, value in theta.items():
                value.grad = (each[name] - phi[name]).unflatten(0, (len(SEEDS), META_BATCH)).mean(1)
        outer.step()
        linear.step()
    return {name: value.detach() for name, value in theta.items()}


def judged(theta: Params, points: int) -> float:
    """The mean error on unseen tasks after JUDGED steps on so many of their points."""
    episode = grid_tasks(TASKS, torch.Generator().manual_seed(TEST_SEED), points).to(dtype=torch.float64)
    start, found = map_params(Tensor.double, theta), []
    for first in range(0, TASKS, CHUNK):
        part = episode.part(slice(first, first + CHUNK))

        def loss(params: Params, part: Episode = part) -> Tensor:
            return squared_error(NET(params, part.support_x), part.support_y)

        with torch.no_grad():
            *_, phi = steps_of(loss, stack(start, part.tasks), sgd(RATE), JUDGED)
            found.append(squared_error(NET(phi, part.query_x), part.query_y))
    return torch.cat(found).mean().item()


def figures(optimizer: str, arm: str, k: int) -> list[dict[str, Any]]:
    """Train one arm, and judge it on few points and on all."""
    theta, rows = trained(optimizer, arm, k), []
    for points in (BATCH, POINTS):
        each = [judged(task(theta, place), points) for place in range(len(SEEDS))]
        over = over_seeds(each)
        rows.append({
            "name": f"{optimizer}.{arm}.{k}.judged on {points}", "value": round(over.mean, 3),
            "interval": round(over.half_width, 3), "unit": "MSE", "seeds": list(SEEDS), "seconds": None,
            "device": "cpu", "tasks": TASKS, "note": ARMS[arm], "each": [round(value, 3) for value in each],
        })  # fmt: skip
        print(rows[-1]["name"], rows[-1]["value"], rows[-1]["interval"], rows[-1]["each"], flush=True)
    return rows


def main() -> None:
    """Train every arm that is not recorded yet, judge it, write it down."""
    file = data_folder() / "results" / "07-minibatches.json"
    rows: list[dict[str, Any]] = (
        json.loads(file.read_text(encoding="utf-8"))["figures"] if file.exists() else []
    )
    wanted = [(name, arm, k) for name, (*_, ks) in OUTER.items() for k in ks for arm in ARMS]
    for optimizer, arm, k in wanted:
        done = f"{optimizer}.{arm}.{k}.judged on {BATCH}" in {row["name"] for row in rows}
        if done or (k == 1 and arm == "same"):  # with one step there is no later one: "minibatches" is "same"
            continue
        rows += figures(optimizer, arm, k)
        keep_results(
            "07_reptile", "minibatches", rows, command="python -m studies.lesson07_minibatches",
            outer_steps=OUTER_STEPS, tasks_a_step=META_BATCH, inner_rate=RATE,
            outer_rates={name: rate for name, (_, rate, _) in OUTER.items()},
        )  # fmt: skip


if __name__ == "__main__":
    torch.set_num_threads(1)  # a second thread makes batches this small slower
    main()
