"""Lesson 10's recipes for FOMAML and Reptile: chosen on validation characters, then run for two minutes with three seeds.

    python -m studies.lesson10_recipes choose      one change at a time, 25 core-seconds each, one thread
    python -m studies.lesson10_recipes layouts     how two cores make the most outer steps
    python -m studies.lesson10_recipes final       both recipes and both published settings, two cores, three seeds

Writes ``data/results/10-choice.json``, ``10-layouts.json``, ``10-runs.json`` after every run, and of the first seed
``data/checkpoints/10-reptile`` and ``10-fomaml``. A run that is recorded is not made again, so each command can be stopped
and called again; delete a file to begin anew. Only ``final`` touches the test characters: the 1000 tasks of lesson 09.
"""

import argparse
import itertools
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import torch

from mlteach.checkpoint import save_checkpoint
from mlteach.fit import Fit, fit
from mlteach.inner import Rule, adam, carried, sgd
from mlteach.inner.carry import Memory
from mlteach.measure import Interval, over_seeds, over_tasks, step_accuracy
from mlteach.measure.ledger import data_folder, keep_results, recorded
from mlteach.methods.reptile import one_task
from mlteach.nets import Conv4, cross_entropy
from mlteach.outer import maml_gradient, reptile_gradient
from mlteach.params import Params, add, scale
from mlteach.tasks import Characters, Episode
from studies.shared import figure, tasks_of

LESSON = "10_omniglot_fomaml_and_reptile"
CORE_SECONDS, VALIDATION_TASKS, TEST_TASKS, SEEDS = 25, 400, 1000, (0, 1, 2)
MODES = ("transductive", "support")


@dataclass(frozen=True)
class Recipe:
    """All that a run is made of. The rates are for the mean cross-entropy."""

    method: Literal["Reptile", "FOMAML"]
    ways: int  # classes in a training task; tests have 5
    shots: int
    queries: int  # of each class; for Reptile they give a number to look at, nothing more
    meta_batch: int
    inner_steps: int
    batch: int | None  # pictures in an inner step; None: the whole support set
    rate_body: float
    rate_head: float
    outer_rate: float
    schedule: str
    zero_head: bool = True
    filters: int = 32
    head: Literal["mean", "flatten"] = "flatten"
    gamma: bool = True
    head_std: float | None = None
    inner: Literal["sgd", "adam"] = "sgd"
    beta1: float = 0.0
    persistent: bool = True  # Adam's second moments go on from task to task, one task after the other
    outer: Literal["sgd", "adam"] = "sgd"
    overlap: bool = False  # FOMAML judged on the pictures it has adapted to: the trap
    test_steps: int = 5
    test_rates: tuple[float, ...] = (1.0, 0.3, 0.1, 0.03)  # shares of the inner rates that are tried at test

    def net(self, ways: int) -> Conv4:
        """The network: in training and at test they differ in the number of classes only."""
        return Conv4(ways, self.filters, head=self.head, gamma=self.gamma, head_std=self.head_std)

    def rule(self, share: float = 1.0) -> Rule:
        """The inner rule at a share of its rates."""
        net = self.net(5)
        rates: dict[str, Any] = dict.fromkeys(net.body_names, share * self.rate_body)
        rates |= dict.fromkeys(net.head_names, share * self.rate_head)
        return sgd(rates) if self.inner == "sgd" else adam(rates, self.beta1)

    def adapts(self) -> list[str] | None:
        """What the inner loop moves: in Finn's code, all but batch norm's shift."""
        net = self.net(5)
        names = (*net.body_names, *net.head_names)
        return None if self.gamma else [name for name in names if name not in net.norm_names]


REPTILE = Recipe("Reptile", 40, 19, 1, 2, 32, 20, 0.1, 1.0, 1.0, "linear", test_steps=10)
FIRST_REPTILE = replace(REPTILE, ways=20, meta_batch=1)  # where its search began
ADAM_INSIDE = replace(FIRST_REPTILE, inner="adam", persistent=False, rate_body=3e-3, rate_head=3e-2)
FOMAML = Recipe("FOMAML", 20, 1, 2, 4, 2, None, 0.2, 2.0, 5e-3, "cosine", outer="adam")
FIRST = replace(FOMAML, ways=40, meta_batch=2, inner_steps=5)  # where the search for it began
#: Reptile's settings for 5-way Omniglot in the paper's appendix, where it runs for 100,000 outer steps. (The README of the
#: authors' code gives each cell of the table its own: for this one rate 0.00044, batch 5, 12 steps, meta-batch 3.)
OPENAI = Recipe("Reptile", 5, 10, 1, 5, 5, 10, 1e-3, 1e-3, 1.0, "linear", zero_head=False, filters=64, inner="adam",
                test_steps=50, test_rates=(1.0,))  # fmt: skip
#: FOMAML as in Finn's code, its meta-gradient stopped: the protocol of lesson 09's paper profile, 60,000 outer steps.
FINN = Recipe("FOMAML", 5, 1, 1, 32, 1, None, 2.0, 2.0, 1e-3, "constant", zero_head=False, filters=64, head="mean",
              gamma=False, head_std=1.0, outer="adam", test_steps=3, test_rates=(1.0,))  # fmt: skip

CANDIDATES = {
    "Reptile: 20 ways, zero head, 32 steps": FIRST_REPTILE,
    "Reptile: 5 ways, as in the test": replace(FIRST_REPTILE, ways=5),
    "Reptile: 40 ways": replace(FIRST_REPTILE, ways=40),
    "Reptile: a learned head, five rows tested": replace(FIRST_REPTILE, zero_head=False),
    "Reptile: 8 steps, 5 shots, four tasks a step": replace(
        FIRST_REPTILE, inner_steps=8, shots=5, meta_batch=4
    ),
    "Reptile: two tasks a step": replace(FIRST_REPTILE, meta_batch=2),
    "Reptile: two tasks, outer rate 2": replace(FIRST_REPTILE, meta_batch=2, outer_rate=2.0),
    "Reptile: Adam outside, 0.01": replace(FIRST_REPTILE, outer="adam", outer_rate=1e-2, schedule="cosine"),
    "Reptile: Adam inside, new for each task": ADAM_INSIDE,
    "Reptile: Adam inside, two tasks a step": replace(ADAM_INSIDE, meta_batch=2),
    "Reptile: the same, outer rate 2": replace(ADAM_INSIDE, meta_batch=2, outer_rate=2.0),
    "Reptile: Adam inside, both rates halved": replace(ADAM_INSIDE, rate_body=1.5e-3, rate_head=1.5e-2),
    "Reptile: 40 ways, Adam inside": replace(ADAM_INSIDE, ways=40),
    "Reptile: 40 ways, two tasks a step": REPTILE,
    "Reptile: 60 ways, two tasks a step": replace(REPTILE, ways=60),
    "Reptile: 40 ways, both rates halved": replace(FIRST_REPTILE, ways=40, rate_body=0.05, rate_head=0.5),
    "Reptile: as published": OPENAI,
    "Reptile: as published, moments forgotten": replace(OPENAI, persistent=False),
    "Reptile: as published, momentum 0.9": replace(OPENAI, beta1=0.9),
    "FOMAML: 40 ways, zero head, 5 steps": FIRST,
    "FOMAML: 20 ways, four tasks a step": replace(FIRST, ways=20, meta_batch=4),
    "FOMAML: 5 ways, 16 tasks a step": replace(FIRST, ways=5, meta_batch=16),
    "FOMAML: a learned head, five rows tested": replace(FIRST, zero_head=False),
    "FOMAML: 2 steps": replace(FIRST, inner_steps=2),
    "FOMAML: 1 step, head rate 4 (ANIL's body)": replace(FIRST, inner_steps=1, rate_head=4.0),
    "FOMAML: 20 ways, four tasks, 2 steps": FOMAML,
    "FOMAML: the last minibatch overlaps": replace(FIRST, overlap=True),
    "FOMAML: as published": FINN,
}


def gradient_of(
    recipe: Recipe, memory: Memory
) -> Callable[[Params, Episode], tuple[Params, dict[str, float]]]:
    """The meta-gradient of a recipe. ``memory`` holds the inner Adam's state from one task to the next."""
    net = recipe.net(recipe.ways)
    how: Any = {"start": net.zero_head if recipe.zero_head else dict, "only": recipe.adapts()}

    def fomaml(theta: Params, episode: Episode) -> tuple[Params, dict[str, float]]:
        if recipe.overlap:
            episode = episode._replace(query_x=episode.support_x, query_y=episode.support_y)
        return maml_gradient(
            net, cross_entropy, theta, episode, recipe.rule(), recipe.inner_steps, first_order=True, **how
        )

    def reptile(theta: Params, episode: Episode, rule: Rule) -> tuple[Params, dict[str, float]]:
        return reptile_gradient(
            one_task,
            cross_entropy,
            theta,
            episode,
            rule,
            recipe.inner_steps,
            batch=recipe.batch,
            chunk=1,
            **how,
        )

    def one_after_the_other(theta: Params, episode: Episode) -> tuple[Params, dict[str, float]]:
        total, losses = scale(0.0, theta), 0.0
        for index in range(episode.tasks):
            one = episode.part(slice(index, index + 1))
            moved, numbers = reptile(theta, one, carried(recipe.rule(), memory))
            total, losses = add(total, scale(1 / episode.tasks, moved)), losses + numbers["loss"]
        return total, {"loss": losses / episode.tasks}

    if recipe.method == "FOMAML":
        return fomaml
    if recipe.inner == "adam" and recipe.persistent:
        return one_after_the_other
    return lambda theta, episode: reptile(theta, episode, recipe.rule())


def train(
    recipe: Recipe, characters: Characters, seed: int, steps: int, progress: str | None = None
) -> tuple[Fit, Memory]:
    """One training run, and the inner Adam's state at its end."""
    net, memory = recipe.net(recipe.ways), Memory()
    generator = torch.Generator().manual_seed(seed)
    theta = net.init(generator)
    if recipe.zero_head:
        theta = {name: theta[name] for name in net.body_names}
    run = fit(
        gradient_of(recipe, memory),
        theta,
        lambda g: characters.sample(recipe.meta_batch, recipe.ways, recipe.shots, recipe.queries, generator=g),
        steps=steps, generator=generator, lr=recipe.outer_rate, schedule=recipe.schedule,
        optimizer=torch.optim.SGD if recipe.outer == "sgd" else torch.optim.Adam, progress=progress,
    )  # fmt: skip
    return run, memory


def tested(
    recipe: Recipe, theta: Params, memory: Memory, episodes: list[Episode], share: float
) -> dict[str, torch.Tensor]:
    """Accuracy [tasks] in percent in both modes, after the recipe's test steps at a share of its rates.

    The inner Adam begins every test task with the moments that training left, and forgets what the task did to them.
    """
    net, rule = recipe.net(5), recipe.rule(share)
    if "state" in memory:
        rule = Rule(lambda theta: memory["state"], rule.step)

    def start(theta: Params) -> Params:
        if recipe.zero_head:
            return net.zero_head(theta)
        return {name: value[:5] if name in net.head_names else value for name, value in theta.items()}

    found = step_accuracy(
        net, theta, episodes, rule, recipe.test_steps, start=start, only=recipe.adapts(), last=True
    )
    return {mode: 100 * values[:, -1] for mode, values in found.items()}


class Results:
    """The figures of a file in data/results, written after each addition."""

    def __init__(self, part: str, **about: Any) -> None:
        self.part, self.about = part, about

    @property
    def figures(self) -> dict[str, dict[str, Any]]:
        """What is recorded by now, read anew: two commands may add to one file."""
        return recorded(LESSON[:2], self.part)

    def add(self, name: str, value: float, interval: float | None, unit: str, seeds: list[int], seconds: float,
            tasks: int | None, note: str, **more: Any) -> None:  # fmt: skip
        """Keep one figure."""
        found = value if interval is None else Interval(value, interval, 1)
        new = figure(name, found, unit, seeds, tasks, note, seconds=seconds) | more
        every = self.figures | {name: new}
        every = {each: every[each] for each in (*CANDIDATES, *every) if each in every}  # the table's order
        keep_results(LESSON, self.part, list(every.values()), **self.about)


def choose(only: str | None = None) -> None:
    """Each candidate for the same core-seconds, judged on validation characters at each of its test rates."""
    torch.set_num_threads(1)
    results = Results(
        "choice", command="python -m studies.lesson10_recipes choose", core_seconds=CORE_SECONDS
    )
    characters, validation, _ = Characters.omniglot().split("random")
    episodes = tasks_of(validation, VALIDATION_TASKS, 77)
    for name, recipe in CANDIDATES.items():
        if name in results.figures or (only and only not in name):
            continue
        train(recipe, characters, 0, 2)  # the first steps are slower
        began = time.process_time()
        train(recipe, characters, 0, 10)
        steps = max(1, round(CORE_SECONDS / ((time.process_time() - began) / 10)))
        began = time.process_time()
        run, memory = train(recipe, characters, 0, steps)
        took = time.process_time() - began
        shares = {share: tested(recipe, run.theta, memory, episodes, share) for share in recipe.test_rates}
        by = {share: {m: over_tasks(v) for m, v in found.items()} for share, found in shares.items()}
        best = max(by, key=lambda share: by[share]["transductive"].mean)
        value, interval, _ = by[best]["transductive"]
        seen = run.history.get("accuracy", [])[-50:]  # on what its outer loss looks at, in training
        results.add(
            name, value, interval, "%", [0], took, VALIDATION_TASKS,
            f"{run.step} outer steps, tested at {best:g} of the inner rates",
            support=round(by[best]["support"].mean, 3), test_rate=best, outer_steps=run.step,
            rates={f"{share:g}": round(each["transductive"].mean, 3) for share, each in by.items()},
            in_training=round(100 * sum(seen) / len(seen), 1) if seen else None, recipe=asdict(recipe),
        )  # fmt: skip
        print(f"{name:46} {by[best]['transductive']}  {results.figures[name]['rates']}  {run.step} in {took:.0f} s", flush=True)  # fmt: skip


def layouts() -> None:
    """Outer steps a second: one task on one or two of torch's threads, two tasks in two threads."""
    results = Results("layouts", command="python -m studies.lesson10_recipes layouts")
    characters = Characters.omniglot().split("random")[0]
    for recipe in (FIRST_REPTILE, FOMAML):
        for tasks, threads in ((1, 1), (1, 2), (2, 1), (2, 2)):
            torch.set_num_threads(threads)
            seconds = []
            for _ in range(4):
                run, _ = train(replace(recipe, meta_batch=tasks), characters, 0, 15)
                seconds.append(run.seconds / run.step)
            results.add(
                f"{recipe.method}.{tasks} tasks.{threads} threads", 1 / min(seconds[1:]), None, "outer steps/s", [0],
                sum(seconds), None, "the best of three times 15 outer steps",
            )  # fmt: skip
            print(
                recipe.method, tasks, threads, f"{1 / min(seconds[1:]):.2f} outer steps a second", flush=True
            )


#: What is trained for at most two minutes on two cores, and for how many outer steps.
FINALS = {
    "reptile": (REPTILE, 1600),
    "fomaml": (FOMAML, 5000),
    "reptile-published": (OPENAI, 1000),
    "fomaml-published": (FINN, 1600),
}


def final(only: str | None = None, seeds: tuple[int, ...] = SEEDS) -> None:
    """Train on two cores, choose the test rate on validation characters, test once, keep."""
    torch.set_num_threads(2)
    results = Results("runs", command="python -m studies.lesson10_recipes final", cores=2)
    characters, validation, test = Characters.omniglot().split("random")
    choosing, episodes = tasks_of(validation, VALIDATION_TASKS, 77), tasks_of(test, TEST_TASKS, 2)
    for seed, (name, (recipe, steps)) in itertools.product(seeds, FINALS.items()):
        if (only and f"{name}-{seed}" != only) or f"{name}.transductive.seed-{seed}" in results.figures:
            continue
        began = time.process_time()
        run, memory = train(recipe, characters, seed, steps, f"{name}, seed {seed}")
        core_seconds = round(time.process_time() - began, 1)
        tried = {
            share: tested(recipe, run.theta, memory, choosing, share)["transductive"].mean().item()
            for share in recipe.test_rates
            if len(recipe.test_rates) > 1
        } or {1.0: 0.0}
        rate = max(tried, key=lambda share: tried[share])
        found = tested(recipe, run.theta, memory, episodes, rate)
        found["difference"] = found["transductive"] - found["support"]  # task by task: the same tasks
        for mode, values in found.items():
            one = over_tasks(values)
            note = f"{run.step} outer steps, tested at {rate:g} of the inner rates"
            results.add(
                f"{name}.{mode}.seed-{seed}", one.mean, one.half_width, "%", [seed], run.seconds, TEST_TASKS, note,
                core_seconds=core_seconds, test_rate=rate, outer_steps=run.step,
            )  # fmt: skip
            kept = {
                f["seeds"][0]: f for n, f in results.figures.items() if n.startswith(f"{name}.{mode}.seed-")
            }
            every = over_seeds([f["value"] for f in kept.values()])
            alone = len(kept) == 1
            results.add(
                f"{name}.{mode}", every.mean, one.half_width if alone else every.half_width, "%", sorted(kept),
                max(f["seconds"] for f in kept.values()), TEST_TASKS,
                "interval over tasks, one seed" if alone else f"interval over {len(kept)} seeds", outer_steps=run.step,
            )  # fmt: skip
            print(f"{name}, seed {seed}, {mode}: {one}, {note}, {run.seconds:.0f} s", flush=True)
        if seed == seeds[0] and name in ("reptile", "fomaml"):
            tensors = {f"theta.{key}": value for key, value in run.theta.items()}
            about = {"recipe": asdict(recipe), "outer_steps": steps, "test_rate": rate, "seed": seed,
                     "seconds": round(run.seconds, 1)}  # fmt: skip
            save_checkpoint(data_folder() / "checkpoints" / f"10-{name}.safetensors", tensors, about)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["choose", "layouts", "final"])
    parser.add_argument("--only", help="this candidate, or this run and seed (reptile-0), alone")
    options = parser.parse_args()
    {"choose": choose, "layouts": lambda _: layouts(), "final": final}[options.what](options.only)


if __name__ == "__main__":
    main()
