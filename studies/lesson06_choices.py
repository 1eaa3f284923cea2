"""What the batch of tasks and the inner rate do to MAML on sinusoids: lesson 06's two controls, three seeds each.

    python -m studies.lesson06_choices            (or with names, which keeps what is recorded of the others:
                                                   ... lesson06_choices batch-1)

Every arm is MAML as lesson 06 trains it in its lecture profile, 8000 outer steps, with one choice changed: as many outer steps, another number of tasks in
each (and for a single task a lower outer rate too, because its gradient is the noisiest), or another inner rate, 0.001, which is
what the command in Finn's released code runs with. As many outer steps are not as many tasks, so two arms with 25 tasks stop
where those with 5 and with 1 have ended: after as many *tasks*, that is 1600 and 320 steps. Writes ``data/results/06-choices.json``: the query MSE after one step at the
rate trained with, on the 1000 tasks of the other record, and rate times largest curvature of the support loss at the start.
Runs are kept in ``runs/06-choices``, where they go on if they were stopped.
"""

import sys
from typing import Any

import torch

from mlteach.fit import Fit
from mlteach.measure import over_seeds, recorded
from mlteach.measure.curvature import top_eigenvalue
from mlteach.measure.ledger import data_folder, keep_results
from mlteach.nets import squared_error
from mlteach.params import Params, map_params
from studies.lesson06_starts import (
    FAMILY,
    MAML,
    NET,
    QUERIES,
    SEEDS,
    SHOTS,
    TASKS,
    TEST_SEED,
    Recipe,
    errors,
    figure,
    trained,
)

SHORT = MAML | {"outer_steps": 8_000, "outer_rate": 5e-3}  # what the lesson trains in its lecture profile
ARMS: dict[str, Recipe] = {
    "batch-25": SHORT,
    "batch-5": SHORT | {"meta_batch": 5},
    "batch-1": SHORT | {"meta_batch": 1},
    "batch-1-slow": SHORT | {"meta_batch": 1, "outer_rate": 1e-3},
    "batch-25-tasks-of-5": SHORT | {"outer_steps": 1_600},
    "batch-25-tasks-of-1": SHORT | {"outer_steps": 320},
    "rate-0.001": SHORT | {"inner_rate": 0.001},
}
BENT, BENT_SEED = 60, 2  # tasks whose curvature is taken: those of the lesson's figure


def curvatures(theta: Params) -> list[float]:
    """The largest eigenvalue of the Hessian of each of ``BENT`` tasks' support loss at theta, in float64."""
    theta = map_params(torch.Tensor.double, theta)
    drawn = torch.Generator().manual_seed(BENT_SEED)
    tasks = FAMILY.sample(600, SHOTS, 100, generator=drawn, dtype=torch.float64).part(slice(0, BENT))
    found = []
    for x, y in zip(tasks.support_x, tasks.support_y, strict=True):

        def loss(params: Params, x: torch.Tensor = x, y: torch.Tensor = y) -> torch.Tensor:
            return squared_error(NET(params, x), y)

        start = torch.Generator().manual_seed(0)
        found.append(top_eigenvalue(loss, theta, generator=start, products=30, tolerance=1e-2).value)
    return found


def bent(name: str, runs: list[Fit], rate: float) -> dict[str, Any]:
    """The entry for rate times curvature: its median over the tasks, the mean of the seeds' with an interval."""
    medians = [float(torch.tensor(curvatures(run.theta)).median()) * rate for run in runs]
    over = over_seeds(medians)
    return {
        "name": f"{name}.rate times curvature",
        "value": round(over.mean, 3),
        "interval": round(over.half_width, 3),
        "unit": "median over tasks",
        "seeds": list(SEEDS),
        "seconds": 0,
        "device": "cpu",
        "tasks": BENT,
        "note": "largest eigenvalue of the Hessian of the support loss at the start",
    }


def main(names: list[str]) -> None:
    """Train what is missing of these arms or of all, test them, and write the record; other arms stay as they are there."""
    torch.set_num_threads(1)
    folder = data_folder().parent / "runs" / "06-choices"
    folder.mkdir(parents=True, exist_ok=True)
    kept = recorded("06", "choices")
    for name in names or ARMS:
        found, rate = [trained(name, ARMS[name], seed, folder) for seed in SEEDS], ARMS[name]["inner_rate"]
        after = [errors(run.theta, rate, [1])[1] for run in found]
        new = [figure(f"{name}.step1", after, found) | {"seconds": 0}]
        if name in ("batch-25", "rate-0.001"):  # the pair that differs in the inner rate alone
            new.append(bent(name, found, rate))
        kept |= {each["name"]: each for each in new}
    figures = sorted(kept.values(), key=lambda each: list(ARMS).index(each["name"].rsplit(".", 1)[0]))
    keep_results(
        "06_maml_on_sinusoids",
        "choices",
        figures,
        command="python -m studies.lesson06_choices",
        network={"sizes": list(NET.sizes), "activation": NET.activation, "start": NET.start},
        settings=ARMS,
        test={"tasks": TASKS, "queries": QUERIES, "seed": TEST_SEED, "shots": SHOTS},
    )
    print("\n".join(f"{each['name']:34} {each['value']} ± {each['interval']}" for each in figures))


if __name__ == "__main__":
    main(sys.argv[1:])
