"""Lesson 07's control: does Reptile's inner loop need other points in every step?

    python -m studies.lesson07_minibatches

The demo's tasks and network, five tasks an outer step, 6000 outer steps, and k inner steps at rate 0.02. What differs is
only what an inner step sees of a task's 50 points: "minibatches", the next 10 of them; "same", the first 10 in every step;
"all", all 50 in every step. Twice over: with plain SGD outside, whose steps are as long as the difference is, and with
Adam, whose steps are not.

Judged on 1000 tasks never seen: five steps of gradient descent on 10 of the 50 points, or on all 50, mean squared error on
all 50. Five seeds, which train side by side. Writes ``data/results/07-minibatches.json`` as it goes, and goes on from there.
"""

import itertools
import json
from typing import Any

import torch
from torch import Tensor

from mlteach.inner import sgd
from mlteach.inner.adapt import steps_of
from mlteach.measure import over_seeds
from mlteach.measure.ledger import data_folder, keep_results
from mlteach.nets import squared_error
from mlteach.params import Params, gradient_of, leaves, map_params, norm, stack, subtract, task
from mlteach.progress import bar_for
from mlteach.tasks import Episode
from studies.lesson07_sinusoids import BATCH, CHUNK, NET, POINTS, RATE, TASKS, TEST_SEED, grid_tasks

SEEDS, KS, META_BATCH, OUTER_STEPS, JUDGED = (0, 1, 2, 3, 4), (5, 2, 3, 10), 5, 6000, 5
#: The outer optimizers with their rates, those of `lesson07_sinusoids`' recipes.
OUTER: dict[str, tuple[type[torch.optim.Optimizer], float]] = {
    "SGD": (torch.optim.SGD, 0.5),
    "Adam": (torch.optim.Adam, 1e-3),
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


def slope(theta: Params, x: Tensor, y: Tensor) -> Params:
    """The gradient of each task's mean squared error, by hand: here autograd would take most of the time.

    theta: the demo's network for each task, [tasks, ...]. x, y: [tasks, points, 1]. `main` compares it with autograd.
    """
    (w1, b1), (w2, b2), (w3, b3) = (
        (theta[f"layer{n}.weight"], theta[f"layer{n}.bias"].unsqueeze(1)) for n in (1, 2, 3)
    )
    first = torch.tanh(torch.baddbmm(b1, x, w1.mT))
    second = torch.tanh(torch.baddbmm(b2, first, w2.mT))
    at_3 = (torch.baddbmm(b3, second, w3.mT) - y) * (2 / x.shape[1])
    at_2 = at_3 @ w3 * (1 - second.square())
    at_1 = at_2 @ w2 * (1 - first.square())
    found: Params = {}
    for n, at, into in ((1, at_1, x), (2, at_2, first), (3, at_3, second)):
        found |= {f"layer{n}.weight": at.mT @ into, f"layer{n}.bias": at.sum(1)}
    return found


def trained(optimizer: str, arm: str, k: int) -> Params:
    """The starts of all seeds after training: every tensor [seeds, ...]."""
    draws = [torch.Generator().manual_seed(seed) for seed in SEEDS]
    starts = [NET.init(draw) for draw in draws]
    theta = {name: torch.stack([start[name] for start in starts]) for name in starts[0]}
    tasks = [grid_tasks(META_BATCH * OUTER_STEPS, draw)[:2] for draw in draws]
    x, y = (torch.stack(each).unflatten(1, (OUTER_STEPS, META_BATCH)) for each in zip(*tasks, strict=True))
    make, rate = OUTER[optimizer]
    outer = make(theta.values(), lr=rate)  # type: ignore[call-arg]
    linear = torch.optim.lr_scheduler.LambdaLR(outer, lambda done: 1 - done / OUTER_STEPS)
    with torch.no_grad():
        for step in bar_for(range(OUTER_STEPS), f"{optimizer}, {arm}, k = {k}", unit="step"):
            xs, ys = x[:, step].flatten(0, 1), y[:, step].flatten(0, 1)
            phi = {name: value.repeat_interleave(META_BATCH, 0) for name, value in theta.items()}
            for inner in range(k):
                which = seen(arm, inner)
                gradient = slope(phi, xs[:, which], ys[:, which])
                phi = {name: value - RATE * gradient[name] for name, value in phi.items()}
            for name, value in theta.items():
                value.grad = value - phi[name].unflatten(0, (len(SEEDS), META_BATCH)).mean(1)
            outer.step()
            linear.step()
    return theta


def agrees() -> None:
    """Stop where `slope` is not autograd's gradient."""
    episode = grid_tasks(3, torch.Generator().manual_seed(0))
    theta = leaves(map_params(torch.clone, stack(NET.init(torch.Generator().manual_seed(0)), 3)))
    right = gradient_of(squared_error(NET(theta, episode.support_x), episode.support_y).sum(), theta)
    found = slope(theta, episode.support_x, episode.support_y)
    assert norm(subtract(found, right)) < 1e-5 * norm(right)


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
    agrees()
    file = data_folder() / "results" / "07-minibatches.json"
    rows: list[dict[str, Any]] = (
        json.loads(file.read_text(encoding="utf-8"))["figures"] if file.exists() else []
    )
    wanted = list(itertools.product(KS, OUTER, ARMS))
    for k, optimizer, arm in wanted:
        if f"{optimizer}.{arm}.{k}.judged on {BATCH}" in {row["name"] for row in rows}:
            continue
        rows += figures(optimizer, arm, k)
        keep_results(
            "07_reptile", "minibatches", rows, command="python -m studies.lesson07_minibatches",
            outer_steps=OUTER_STEPS, tasks_a_step=META_BATCH, inner_rate=RATE,
            outer_rates={name: rate for name, (_, rate) in OUTER.items()},
        )  # fmt: skip


if __name__ == "__main__":
    torch.set_num_threads(1)  # a second thread makes batches this small slower
    main()
