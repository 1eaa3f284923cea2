"""Is it the rate that a start was trained for? MAML at three inner rates, three seeds each, nothing else changed.

    python -m studies.lesson11_trained_rates

Each start takes one step at several rates on the same unseen tasks, and its sharpness is measured on some of them. Writes
``data/results/11-trained-rates.json``. The training is lesson 06's recipe, and at 0.01 these are other runs of it; it goes on where it
was stopped, in ``runs/11-trained-rates``.
"""

import time

import torch

from mlteach.inner import adapt, sgd
from mlteach.measure.landscape import Loss
from mlteach.measure.ledger import data_folder, keep_results
from mlteach.nets import squared_error
from mlteach.params import Params, map_params, stack
from studies.lesson06_starts import FAMILY, MAML, NET, SEEDS, SHOTS, trained
from studies.lesson11_curvatures import LESSON, QUERIES, TASK_SEED, figure, top

TRAINED_AT = (0.005, 0.01, 0.02)
RATES = (0.0025, 0.005, 0.0075, 0.01, 0.0125, 0.015, 0.02, 0.03, 0.04)
TASKS, SHARP = 1000, 50


def landings(theta: Params) -> dict[float, torch.Tensor]:
    """The query loss [TASKS] after one step at each rate."""
    drawn = torch.Generator().manual_seed(TASK_SEED)
    x, y, query_x, query_y = FAMILY.sample(TASKS, SHOTS, QUERIES, generator=drawn, dtype=torch.float64)
    start = stack(theta, TASKS)
    with torch.no_grad():
        return {
            rate: squared_error(
                NET(adapt(lambda p: squared_error(NET(p, x), y), start, sgd(rate), 1), query_x), query_y
            )
            for rate in RATES
        }


def loss_of(x: torch.Tensor, y: torch.Tensor) -> Loss:
    """The support loss of one task."""
    return lambda params: squared_error(NET(params, x), y)


def sharpness(theta: Params) -> torch.Tensor:
    """The top eigenvalue [SHARP] of the support loss at the start, on some of the same tasks."""
    drawn = torch.Generator().manual_seed(TASK_SEED)
    x, y, _, _ = FAMILY.sample(TASKS, SHOTS, QUERIES, generator=drawn, dtype=torch.float64)
    found = [top(loss_of(x[k], y[k]), theta, tolerance=1e-3) for k in range(SHARP)]
    return torch.tensor(found, dtype=torch.float64)


def main() -> None:
    """Train, measure, write."""
    folder = data_folder().parent / "runs" / "11-trained-rates"
    folder.mkdir(parents=True, exist_ok=True)
    figures = []
    for rate in TRAINED_AT:
        began = time.monotonic()
        recipe = MAML | {"inner_rate": rate}
        runs = [trained(f"maml-at-{rate}", recipe, seed, folder) for seed in SEEDS]
        starts = [map_params(torch.Tensor.double, run.theta) for run in runs]
        landed = [landings(start) for start in starts]
        sharp = [sharpness(start) for start in starts]
        spent = time.monotonic() - began
        for step in RATES:
            each = [seen[step] for seen in landed]
            figures.append(
                figure(f"trained at {rate}.rate{step}", each, list(SEEDS), "mean squared error", spent)
            )
        figures.append(figure(f"trained at {rate}.top eigenvalue", sharp, list(SEEDS), "", spent))
        edge = [(each > 2 / rate).double() for each in sharp]
        figures.append(
            figure(f"trained at {rate}.above its edge", edge, list(SEEDS), "share of the tasks", spent)
        )
    about = {
        "recipe": MAML | {"inner_rate": TRAINED_AT},
        "tasks": TASKS,
        "rates": RATES,
    }
    keep_results(
        LESSON, "trained-rates", figures, command="python -m studies.lesson11_trained_rates", settings=about
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
