"""Starts for sinusoids: five that lessons 06 and 11 and two explorers bring along, and lesson 06's table over three seeds.

    python -m studies.lesson06_starts            (or with names: ... lesson06_starts maml reptile)
    python -m studies.lesson06_starts record     (with names it only trains these: ... record maml meta-sgd)

The first trains a 1-40-40-1 network by joint training, MAML, FOMAML and Reptile, each from the same random start, and
writes ``data/checkpoints/06-NAME``: the parameters as safetensors, and as JSON how they were made and the query MSE after
some steps of gradient descent on tasks that none of them has seen. One seed.

The second trains each again with two more seeds, and some more (other shots, learned rates, other published ranges) with
three, in ``runs/06-starts``, where it goes on if it was stopped. It tests all of them on the same tasks, with 5, 10 and
20 shots, before and after some steps, and out of range, and writes ``data/results/06-starts.json`` and
``data/checkpoints/06-maml-seed1`` and ``-seed2``.
"""

import math
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mlteach.checkpoint import load_checkpoint, params_from, save_checkpoint
from mlteach.fit import Fit, Gradient, fit
from mlteach.inner import adapt, sgd
from mlteach.inner.rule import Rate
from mlteach.measure import over_seeds, over_tasks
from mlteach.measure.ledger import data_folder, keep_results
from mlteach.nets import MLP, squared_error
from mlteach.outer import maml_gradient, reptile_gradient
from mlteach.params import Params, map_params, stack
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


#: What only the table needs. Rates of a range's published variant: functorch adapts its small sinusoids at 0.1.
MORE: dict[str, Recipe] = {
    "maml-5-shots": MAML | {"shots": 5},
    "maml-20-shots": MAML | {"shots": 20},
    "meta-sgd": MAML | {"learned_rates": True},
    "maml-openai-ranges": MAML | {"ranges": "reptile"},
    "maml-functorch-ranges": MAML | {"ranges": "jang", "inner_rate": 0.1},
}
SEEDS = (0, 1, 2)
CHOICE_SEED = 2  # of the tasks that rates are chosen on; nothing is reported on them
TESTED_SHOTS, TESTED_STEPS = (5, 10, 20), (0, 1, 2, 5, 10)
OUT_OF_RANGE = {  # the same family, continued where training ended
    "amplitude 5 to 8": Sinusoids(amplitude=(5.0, 8.0)),
    "phase pi to 2 pi": Sinusoids(phase=(math.pi, 2 * math.pi)),
    "x 5 to 10": Sinusoids(x=(5.0, 10.0)),
}


def family_of(recipe: Recipe) -> Sinusoids:
    """The tasks that a recipe trains on."""
    family: Sinusoids = getattr(Sinusoids, recipe.get("ranges", "finn"))()
    return family


def gradient_for(name: str, recipe: Recipe) -> Gradient:
    """The meta-gradient of a method. Joint training is MAML without inner steps."""
    rule, steps = sgd(recipe["inner_rate"]), recipe["inner_steps"]
    if name == "reptile":
        return lambda theta, episode: reptile_gradient(
            NET, squared_error, theta, episode, rule, steps, batch=recipe["batch"]
        )
    if recipe.get("learned_rates"):
        return lambda theta, episode: maml_gradient(
            NET,
            squared_error,
            theta,
            episode,
            lambda meta: sgd(rates_in(meta)),
            steps,
            start=start_in,
        )
    return lambda theta, episode: maml_gradient(
        NET, squared_error, theta, episode, rule, steps, first_order=name == "fomaml"
    )


def start_in(meta: Params) -> Params:
    """The start among meta-parameters that may hold learned rates too."""
    return {name: value for name, value in meta.items() if not name.startswith("rate.")}


def rates_in(meta: Params) -> Params:
    """The learned rates, one for each number of the start (Meta-SGD, Li et al. 2017, equation 2)."""
    return {name.removeprefix("rate."): value for name, value in meta.items() if name.startswith("rate.")}


def errors(
    theta: Params, rate: Rate, steps: Collection[int], *, shots: int = SHOTS, tasks: Sinusoids = FAMILY,
    seed: int = TEST_SEED,
) -> dict[int, Tensor]:  # fmt: skip
    """The query MSE [TASKS] of unseen tasks after each of ``steps``, in float64; the same tasks for every caller."""
    drawn = torch.Generator().manual_seed(seed)
    episode = tasks.sample(TASKS, shots, QUERIES, generator=drawn, dtype=torch.float64)
    start = stack(map_params(torch.Tensor.double, theta), TASKS)

    def loss(params: Params) -> Tensor:
        return squared_error(NET(params, episode.support_x), episode.support_y)

    with torch.no_grad():
        path = adapt(loss, start, sgd(rate), max(steps), path=True)
        return {step: squared_error(NET(path[step], episode.query_x), episode.query_y) for step in steps}


def measure(theta: Params, rate: float, steps: Collection[int]) -> dict[str, Any]:
    """Query MSE of unseen tasks: mean with its 95 % interval, and median. None where gradient descent blew up."""
    found = {}
    for step, mse in errors(theta, rate, steps).items():
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


def trained(name: str, recipe: Recipe, seed: int, folder: Path | None = None) -> Fit:
    """Train ``recipe`` from the random start of ``seed``. With a folder it writes there, and goes on from there."""
    generator = torch.Generator().manual_seed(seed)
    theta, sizes = NET.init(generator), (recipe["meta_batch"], recipe["shots"], recipe["queries"])
    if recipe.get("learned_rates"):
        theta |= {
            f"rate.{each}": torch.full_like(value, recipe["inner_rate"]) for each, value in theta.items()
        }
    return fit(
        gradient_for(name, recipe),
        theta,
        lambda g: family_of(recipe).sample(*sizes, generator=g),
        steps=recipe["outer_steps"],
        generator=generator,
        lr=recipe["outer_rate"],
        schedule=recipe["schedule"],
        checkpoint=folder and folder / f"{name}-{seed}.safetensors",
        every=5_000,
        about=recipe if folder else None,
        progress=f"{name}, seed {seed}",
    )


def make(name: str) -> tuple[Params, dict[str, Any]]:
    """Train one start; return it and what is said about it."""
    recipe = RECIPES[name]
    theta, seconds = NET.init(torch.Generator().manual_seed(SEED)), 0.0
    if recipe:
        run = trained(name, recipe, SEED)
        theta, seconds = run.theta, run.seconds
    about = {
        "command": "python -m studies.lesson06_starts",
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


def shipped(name: str) -> Fit:
    """A start as the first command left it in ``data/checkpoints``."""
    stored = load_checkpoint(data_folder() / "checkpoints" / f"06-{name}.safetensors")
    like = NET.init(torch.Generator())
    return Fit(params_from(stored, like), stored.about["step"], stored.about["seconds"])


def runs_of(name: str, folder: Path) -> list[Fit]:
    """The training runs of one recipe, one for each seed; the shipped start is the first where there is one."""
    recipe = (RECIPES | MORE)[name]
    if recipe is None:  # nothing is trained
        return [Fit(NET.init(torch.Generator().manual_seed(seed))) for seed in SEEDS]
    ready = [shipped(name)] if name in RECIPES else []
    return ready + [trained(name, recipe, seed, folder) for seed in SEEDS[len(ready) :]]


def figure(name: str, each: list[Tensor], runs: list[Fit], note: str = "") -> dict[str, Any]:
    """One entry of the record out of every seed's errors [TASKS]: intervals over the seeds and over the tasks."""
    means = [values.mean().item() for values in each]
    seeds, tasks = over_seeds(means), over_tasks(torch.stack(each).mean(0))
    numbers = {
        "value": seeds.mean,
        "interval": seeds.half_width,
        "interval_over_tasks": tasks.half_width,
        "median": torch.stack([values.median() for values in each]).mean().item(),
        "worst_seed": max(means),
    }
    return {
        "name": name,
        **{key: round(number, 4) if abs(number) < FAR else None for key, number in numbers.items()},
        "over_100": sum(
            int((~(values <= 100)).sum()) for values in each
        ),  # tasks of all seeds; an infinity is one
        "unit": "mean squared error",
        "seeds": list(SEEDS),
        "seconds": round(min(run.seconds for run in runs), 1),  # the others may have shared the machine
        "device": "cpu",
        "tasks": TASKS,
        "note": note,
    }


def figures_of(name: str, runs: list[Fit]) -> list[dict[str, Any]]:
    """Everything that is measured of one recipe."""
    recipe = (RECIPES | MORE)[name] or MAML
    starts = [start_in(run.theta) for run in runs]
    rates: list[Rate] = [rates_in(run.theta) or recipe["inner_rate"] for run in runs]
    if (
        name == "reptile"
    ):  # trained at another rate with minibatches; tested as the others are, and at its best below
        rates = [RATE for run in runs]

    def of(
        label: str, steps: Collection[int], rates: list[Rate], note: str = "", **how: Any
    ) -> list[dict[str, Any]]:
        found = [errors(theta, rate, steps, **how) for theta, rate in zip(starts, rates, strict=True)]
        return [figure(f"{label}.step{step}", [each[step] for each in found], runs, note) for step in steps]

    own, figures = family_of(recipe), []
    for shots in TESTED_SHOTS if own == FAMILY else (SHOTS,):
        figures += of(f"{name}.{shots}shot", TESTED_STEPS, rates, shots=shots, tasks=own)
    if name in ("joint", "maml", "fomaml", "reptile"):
        for label, tasks in OUT_OF_RANGE.items():
            figures += of(f"{name}.{label}", (0, 1, 10), rates, tasks=tasks)
        for steps in (1, 10):  # at the rate that is best on other tasks
            tried = {
                rate: sum(
                    errors(theta, rate, [steps], seed=CHOICE_SEED)[steps].mean().item() for theta in starts
                )
                for rate in RATES
            }
            best = min(tried, key=lambda rate: tried[rate] if tried[rate] < FAR else FAR)
            figures += of(
                f"{name}.best rate", [steps], [best] * len(runs), f"rate {best}, chosen on other tasks"
            )
    return figures


def keep_other_mamls(runs: list[Fit]) -> None:
    """Bring along MAML's other runs: in the second a single task of its thousand blows up on five points, as lesson 06 shows."""
    for seed, run in list(zip(SEEDS, runs, strict=True))[1:]:
        about = {
            "command": "python -m studies.lesson06_starts record",
            "seed": seed,
            "step": run.step,
            "settings": MAML,
            "seconds": round(run.seconds, 1),
            "device": "cpu",
        }
        tensors = {f"theta.{each}": value for each, value in run.theta.items()}
        save_checkpoint(data_folder() / "checkpoints" / f"06-maml-seed{seed}.safetensors", tensors, about)


def record(names: list[str]) -> None:
    """Train what is missing; without names, also test everything and write the record."""
    folder = data_folder().parent / "runs" / "06-starts"
    folder.mkdir(parents=True, exist_ok=True)
    runs = {name: runs_of(name, folder) for name in names or RECIPES | MORE}
    if "maml" in runs:
        keep_other_mamls(runs["maml"])
    if names:
        return
    figures = [each for name, found in runs.items() for each in figures_of(name, found)]
    first = {name: [errors(run.theta, RATE, [1])[1] for run in runs[name]] for name in ("maml", "fomaml")}
    apart = [b - a for a, b in zip(*first.values(), strict=True)]  # task by task: the same tasks for both
    figures.append(figure("fomaml minus maml.10shot.step1", apart, runs["fomaml"], "each task by itself"))
    keep_results(
        "06_maml_on_sinusoids",
        "starts",
        figures,
        command="python -m studies.lesson06_starts record",
        network={"sizes": list(NET.sizes), "activation": NET.activation, "start": NET.start},
        settings={name: recipe for name, recipe in (RECIPES | MORE).items() if recipe},
        test={"tasks": TASKS, "queries": QUERIES, "seed": TEST_SEED, "rates chosen on seed": CHOICE_SEED},
    )
    print("\n".join(f"{each['name']:42} {each['value']} ± {each['interval']}" for each in figures))


def main(names: list[str]) -> None:
    """Make, measure and write each."""
    torch.set_num_threads(1)  # a second thread makes batches this small slower
    if names[:1] == ["record"]:
        return record(names[1:])
    for name in names or RECIPES:
        theta, about = make(name)
        tensors = {f"theta.{each}": value for each, value in theta.items()}
        save_checkpoint(data_folder() / "checkpoints" / f"06-{name}.safetensors", tensors, about)
        found = [f"{step} {each['mean']}" for step, each in about["query_mse"].items() if step != "rate"]
        print(f"{name:8} {about['seconds']:6.1f} s   query MSE {', '.join(found)}")


if __name__ == "__main__":
    main(sys.argv[1:])
