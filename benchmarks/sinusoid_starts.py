"""Five starts for Finn's sinusoids, which lessons 06 and 11 and two explorers bring along.

    python -m benchmarks.sinusoid_starts            (or with names: ... sinusoid_starts maml reptile)

Trains a 1-40-40-1 network by joint training, MAML, FOMAML and Reptile, each from the same random start, and writes
``data/checkpoints/06-NAME``: the parameters as safetensors, and as JSON how they were made and the query MSE after some
steps of gradient descent on tasks that none of them has seen. One seed; lesson 06 records several.
"""

import sys
from collections.abc import Collection
from typing import Any

import torch

from mlteach.checkpoint import save_checkpoint
from mlteach.fit import Gradient, fit
from mlteach.inner import adapt, sgd
from mlteach.measure import over_tasks
from mlteach.measure.ledger import data_folder
from mlteach.nets import MLP, squared_error
from mlteach.outer import maml_gradient, reptile_gradient
from mlteach.params import Params, stack
from mlteach.tasks import Sinusoids

# Uniform, because from He's larger start joint training ends where gradient descent at Finn's rate blows up.
NET, FAMILY = MLP((1, 40, 40, 1), start="uniform"), Sinusoids.finn()
SEED, RATE, SHOTS = 0, 0.01, 10  # the rate of Finn et al. 2017, section 5.1
TEST_SEED, TASKS, QUERIES, STEPS = 1, 1000, 100, (0, 1, 5, 10)
FAR = 1e4  # a larger error is no number any more
RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)  # each start is also judged at the best of these

Recipe = dict[str, Any]  # what goes into the JSON is what the training reads

MAML: Recipe = {
    "outer_steps": 25_000, "meta_batch": 25, "shots": SHOTS, "queries": 10, "inner_steps": 1, "inner_rate": RATE,
    "outer": "Adam", "outer_rate": 2e-3, "schedule": "cosine",
}  # fmt: skip
RECIPES: dict[str, Recipe | None] = {
    "random": None,
    "joint": MAML | {"inner_steps": 0, "outer_steps": 10_000, "outer_rate": 1e-3},
    "maml": MAML,
    "fomaml": MAML,
    # Five inner steps at rate 0.02 on minibatches of 10 out of 50 points, as in the demo of Nichol et al. 2018. Theirs are
    # other tasks, another network, one task a step and gradient descent outside.
    "reptile": MAML
    | {
        "outer_steps": 10_000,
        "meta_batch": 10,
        "inner_steps": 5,
        "inner_rate": 0.02,
        "shots": 50,
        "batch": 10,
        "queries": 1,
    },
}


def gradient_for(name: str, recipe: Recipe) -> Gradient:
    """The meta-gradient of a method. Joint training is MAML without inner steps."""
    rule, steps, tasks = sgd(recipe["inner_rate"]), recipe["inner_steps"], recipe["meta_batch"]
    if name == "reptile":
        return lambda theta, episode: reptile_gradient(
            NET, squared_error, theta, episode, rule, steps, batch=recipe["batch"], chunk=tasks
        )
    return lambda theta, episode: maml_gradient(
        NET, squared_error, theta, episode, rule, steps, first_order=name == "fomaml", chunk=tasks
    )


def measure(theta: Params, rate: float, steps: Collection[int]) -> dict[str, Any]:
    """Query MSE of unseen tasks: mean with its 95 % interval, and median. None where gradient descent blew up."""
    drawn = torch.Generator().manual_seed(TEST_SEED)
    episode = FAMILY.sample(TASKS, SHOTS, QUERIES, generator=drawn, dtype=torch.float64)
    start = stack({name: value.double() for name, value in theta.items()}, TASKS)

    def loss(params: Params) -> torch.Tensor:
        return squared_error(NET(params, episode.support_x), episode.support_y)

    with torch.no_grad():
        path = adapt(loss, start, sgd(rate), max(steps), path=True)
        after = {step: squared_error(NET(path[step], episode.query_x), episode.query_y) for step in steps}
    found = {}
    for step, mse in after.items():
        mean = over_tasks(mse)
        numbers = {"mean": mean.mean, "half_width": mean.half_width, "median": mse.median().item()}
        finite = {name: round(number, 4) if abs(number) < FAR else None for name, number in numbers.items()}
        found["after 1 step" if step == 1 else f"after {step} steps"] = finite
    return found


def best_rate(theta: Params) -> dict[str, Any]:
    """The rate with the lowest mean after one step, and what it gives."""
    found = {rate: measure(theta, rate, [1])["after 1 step"] for rate in RATES}
    best = min(found, key=lambda rate: found[rate]["mean"] if found[rate]["mean"] is not None else FAR)
    return {"rate": best, "after 1 step": found[best]}


def make(name: str) -> tuple[Params, dict[str, Any]]:
    """Train one start; return it and what is said about it."""
    generator, recipe = torch.Generator().manual_seed(SEED), RECIPES[name]
    theta, seconds = NET.init(generator), 0.0
    if recipe:
        sizes = recipe["meta_batch"], recipe["shots"], recipe["queries"]
        run = fit(
            gradient_for(name, recipe),
            theta,
            lambda g: FAMILY.sample(*sizes, generator=g),
            steps=recipe["outer_steps"],
            generator=generator,
            lr=recipe["outer_rate"],
            schedule=recipe["schedule"],
            progress=name,
        )
        theta, seconds = run.theta, run.seconds
    about = {
        "command": "python -m benchmarks.sinusoid_starts",
        "tasks": "Finn's sinusoids (Finn, Abbeel, Levine 2017, section 5.1)",
        "network": {"sizes": list(NET.sizes), "activation": NET.activation, "start": NET.start},
        "seed": SEED,
        "step": recipe["outer_steps"] if recipe else 0,
        "settings": recipe or {},
        "seconds": round(seconds, 1),
        "device": "cpu",
        "test": {
            "shots": SHOTS,
            "tasks": TASKS,
            "queries": QUERIES,
            "seed": TEST_SEED,
            "interval": "95 % over tasks",
        },
        "query_mse": {"rate": RATE, **measure(theta, RATE, STEPS)},
        "query_mse_at_best_rate": best_rate(theta),
    }
    return theta, about


def main(names: list[str]) -> None:
    """Make, measure and write each."""
    torch.set_num_threads(1)  # a second thread makes batches this small slower
    for name in names or RECIPES:
        theta, about = make(name)
        tensors = {f"theta.{each}": value for each, value in theta.items()}
        save_checkpoint(data_folder() / "checkpoints" / f"06-{name}.safetensors", tensors, about)
        found = [f"{step} {each['mean']}" for step, each in about["query_mse"].items() if step != "rate"]
        print(f"{name:8} {about['seconds']:6.1f} s   query MSE {', '.join(found)}")


if __name__ == "__main__":
    main(sys.argv[1:])
