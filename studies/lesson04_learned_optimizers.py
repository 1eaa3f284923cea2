"""Lesson 04's match: optimizers learned on quadratics and on digits, against five tuned ones.

    python -m studies.lesson04_learned_optimizers              all of it: half an hour on one core
    python -m studies.lesson04_learned_optimizers quadratics   one family alone; the other is ``digits``
    python -m studies.lesson04_learned_optimizers choices      what each choice in the recipe brings, on quadratics

Trains three seeds of each family, tunes each rival's rate on problems of its own for each horizon, and lets all of them
run on the same fresh problems. Writes ``data/checkpoints/04-FAMILY.safetensors`` (what was learned),
``data/checkpoints/04-FAMILY-curves.safetensors`` (the mean curves) and ``data/results/04-FAMILY.json`` (the figures).
A training that is stopped goes on where it was: it keeps itself in ``runs/04-training/``.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from mlteach.checkpoint import save_checkpoint
from mlteach.fit import Fit, fit
from mlteach.inner import CoordinatewiseLSTM, Rule, adam, momentum, nesterov, rmsprop, sgd
from mlteach.measure import log_losses, over_seeds, over_tasks
from mlteach.measure.ledger import data_folder, keep_results
from mlteach.nets import MLP, cross_entropy
from mlteach.outer.truncated import Objective, Truncated, log_score, seen_loss
from mlteach.tasks import Digits, Problems, Quadratics

SEEDS = (1, 2, 3)
TUNING, TEST = 10_000, 20_000  # seeds of the problems the rivals are tuned on, and of those everybody meets
RIVALS: dict[str, Callable[[float], Rule]] = {
    "SGD": sgd,
    "momentum": lambda rate: momentum(rate, 0.9),
    "Nesterov": lambda rate: nesterov(rate, 0.9),
    "RMSprop": rmsprop,
    "Adam": adam,
}
Sample = Callable[[int, int, torch.Generator], Problems]  # (problems, steps, generator)


@dataclass(frozen=True)
class Case:
    """One kind of problem to be tested on: where the rivals are tuned, where all are judged, and after which steps."""

    tuning: Sample
    test: Sample
    steps: tuple[int, ...]


@dataclass(frozen=True)
class Family:
    """What is learned on, how, and what it is tested on. ``rates``: the grid, in powers of ten, first and last."""

    lstm: CoordinatewiseLSTM
    draw: Callable[[torch.Generator], Problems]
    updates: int
    cases: dict[str, Case]
    tuned_on: int
    tested_on: int
    per_decade: int
    rates: dict[str, tuple[float, float]]
    objective: Objective = log_score
    limit: float | None = None
    second_order: bool = False
    lr: float = 1e-2
    steps: int = 100
    unroll: int = 20

    def grid(self, rival: str) -> list[float]:
        """The rates that are tried."""
        low, high = self.rates[rival]
        return [10 ** (k / self.per_decade) for k in range(round(low * self.per_decade), round(high * self.per_decade) + 1)]  # fmt: skip


def on_quadratics(size: float) -> Sample:
    return lambda n, steps, g: Quadratics(size=size).sample(n, generator=g)


def on_digits(half: Any, net: MLP) -> Sample:
    return lambda n, steps, g: Digits.load(half).problems(net, cross_entropy, n, steps=steps, generator=g)


def digits_case(net: MLP, *steps: int) -> Case:
    return Case(on_digits("train", net), on_digits("test", net), steps)


BASE = MLP((64, 20, 10), "sigmoid", "uniform")
DESCENT, SCALED = (-4.0, 0.5), (-3.0, 0.5)
FAMILIES = {
    "quadratics": Family(
        CoordinatewiseLSTM(raw=0.1),
        lambda g: Quadratics().sample(64, generator=g),
        updates=5000,
        cases={
            "as trained": Case(on_quadratics(1.0), on_quadratics(1.0), (100, 200, 500)),
            "W three times smaller": Case(on_quadratics(1 / 3), on_quadratics(1 / 3), (100,)),
            "W three times larger": Case(on_quadratics(3.0), on_quadratics(3.0), (100,)),
        },
        tuned_on=256,
        tested_on=256,
        per_decade=8,
        rates={"SGD": DESCENT, "momentum": DESCENT, "Nesterov": DESCENT, "RMSprop": SCALED, "Adam": SCALED},
    ),
    "digits": Family(
        CoordinatewiseLSTM(raw=10.0),
        lambda g: on_digits("train", BASE)(1, 100, g),
        updates=16_000,
        unroll=5,  # as many runs of 100 steps, four times as many updates, as `choices` suggests
        cases={
            "as trained": digits_case(BASE, 100, 200, 500),
            "40 units": digits_case(replace(BASE, sizes=(64, 40, 10)), 100, 200),
            "two layers": digits_case(replace(BASE, sizes=(64, 20, 20, 10)), 100, 200),
            "ReLU": digits_case(replace(BASE, activation="relu"), 100, 200),
        },
        tuned_on=16,
        tested_on=50,
        per_decade=4,
        rates={"SGD": (-1.5, 1.25), "momentum": (-1.5, 1.0), "Nesterov": (-1.5, 1.0), "RMSprop": (-2.5, -0.5), "Adam": (-2.5, -0.5)},
        limit=1.0,
    ),
}  # fmt: skip
QUADRATICS = replace(FAMILIES["quadratics"], draw=lambda g: Quadratics().sample(16, generator=g), updates=400)
PAPER = CoordinatewiseLSTM()
CHOICES = {
    "our recipe": QUADRATICS,
    "second derivatives kept": replace(QUADRATICS, second_order=True),
    "as published: p = 10 alone, sum of losses": replace(
        QUADRATICS, lstm=PAPER, objective=seen_loss, lr=3e-3
    ),
    "one layer of 20": replace(QUADRATICS, lstm=CoordinatewiseLSTM(layers=(20,), raw=0.1)),
    "unrolls of 5": replace(QUADRATICS, unroll=5, updates=1600),
    "second derivatives kept, shortened to 1": replace(QUADRATICS, second_order=True, limit=1.0),
}


def train(name: str, family: Family, seed: int) -> Fit:
    """One learned optimizer."""
    training = Truncated(
        family.lstm.rule,
        family.draw,
        steps=family.steps,
        unroll=family.unroll,
        objective=family.objective,
        second_order=family.second_order,
        limit=family.limit,
    )
    generator = torch.Generator().manual_seed(seed)
    omega = family.lstm.init(generator)
    run = fit(
        training.gradient,
        omega,
        training.sample,  # type: ignore[arg-type]
        steps=family.updates,
        generator=generator,
        lr=family.lr,
        schedule="cosine",
        checkpoint=data_folder().parent / "runs" / "04-training" / f"{name}-{seed}.safetensors",
        every=100 * training.pieces,
        progress=None,
    )
    recent = run.history["loss"][-50:]
    print(f"{name} {seed}: {run.step} updates, {run.seconds:.0f} s, objective {sum(recent) / len(recent):.3f}", flush=True)  # fmt: skip
    return run


@dataclass
class Record:
    """The figures and the curves of one family, as they come."""

    family: Family
    figures: list[dict[str, Any]] = field(default_factory=list)
    curves: dict[str, Tensor] = field(default_factory=dict)

    def add(
        self, name: str, values: Tensor, seeds: Sequence[int], seconds: float | None, **more: Any
    ) -> None:
        """One figure: ``values`` [problems], log10 of the loss."""
        mean, half, count = over_tasks(values)
        self.figures.append(
            {"name": name, "value": mean, "interval": half, "unit": "log10 loss", "seeds": list(seeds)}
            | {"seconds": seconds, "device": "cpu", "tasks": count, **more}
        )
        print(f"{name:44} {mean:7.3f} ± {half:.3f} {more.get('note', '')}", flush=True)


def every(last: int) -> list[int]:
    """The steps a curve is drawn through."""
    return list(range(0, 21)) + list(range(25, 101, 5)) + list(range(110, last + 1, 10))


def measure(name: str, case: Case, record: Record, runs: Sequence[Fit]) -> None:
    """Tune the rivals, then let everybody run on the same problems."""
    family, last = record.family, max(case.steps)
    best: dict[str, dict[int, float]] = {}
    practice = case.tuning(family.tuned_on, last, torch.Generator().manual_seed(TUNING))
    for rival, rule in RIVALS.items():
        tried = {rate: log_losses(practice, rule(rate), case.steps).mean(1) for rate in family.grid(rival)}
        best[rival] = {t: min(tried, key=lambda rate: tried[rate][k].item()) for k, t in enumerate(case.steps)}  # noqa: B023  # fmt: skip
    fresh = case.test(family.tested_on, last, torch.Generator().manual_seed(TEST))
    at = every(last)
    learned = [log_losses(fresh, family.lstm.rule(run.theta), at) for run in runs]
    for seed, curve in zip(SEEDS, learned, strict=True):
        record.curves[f"{name}.LSTM.{seed}"] = curve.mean(1)
    mean = torch.stack(learned).mean(0)
    record.curves[f"{name}.steps"] = torch.tensor(at)
    seconds = round(sum(run.seconds for run in runs), 1)
    for t in case.steps:
        ours = mean[at.index(t)]
        each = [curve[at.index(t)].mean().item() for curve in learned]
        record.add(
            f"{name}.{t}.LSTM", ours, SEEDS, seconds, each=each, over_seeds=over_seeds(each).half_width
        )
        for rival, rule in RIVALS.items():
            rate, grid = best[rival][t], family.grid(rival)
            theirs = log_losses(fresh, rule(rate), at)
            edge = ", the edge of the grid" if rate in (grid[0], grid[-1]) else ""
            gap = over_tasks(ours - theirs[at.index(t)])
            ahead = [over_tasks(curve[at.index(t)] - theirs[at.index(t)]) for curve in learned]
            record.add(
                f"{name}.{t}.{rival}",
                theirs[at.index(t)],
                [],
                None,
                rate=rate,
                difference=gap.mean,
                difference_interval=gap.half_width,
                difference_each=[[one.mean, one.half_width] for one in ahead],
                note=f"rate {rate:.3g}{edge}; LSTM minus this {gap.mean:+.3f} ± {gap.half_width:.3f}",
            )
            record.curves[f"{name}.{rival}.{t}"] = theirs.mean(1)  # at the rate that is best for t steps


def write(name: str, family: Family, figures: list[dict[str, Any]]) -> None:
    """Keep the figures where the lesson prints them from."""
    keep_results(
        "04_learning_to_learn_by_gradient_descent",
        name,
        figures,
        command=f"python -m studies.lesson04_learned_optimizers {name}",
        recipe=settings(family),
    )


def settings(family: Family) -> dict[str, Any]:
    """The recipe in JSON values."""
    return {
        "lstm": {key: value for key, value in vars(family.lstm).items()},
        "objective": family.objective.__name__,
        "updates": family.updates,
        "lr": family.lr,
        "schedule": "cosine",
        "steps": family.steps,
        "unroll": family.unroll,
        "limit": family.limit,
        "grid": {rival: [round(rate, 6) for rate in family.grid(rival)] for rival in RIVALS},
        "tuned_on": family.tuned_on,
    }


def match(name: str) -> None:
    """Train, tune, test and write one family."""
    family = FAMILIES[name]
    runs = [train(name, family, seed) for seed in SEEDS]
    about = {
        "command": f"python -m studies.lesson04_learned_optimizers {name}",
        "seeds": list(SEEDS),
        "seconds": [round(run.seconds, 1) for run in runs],
        "device": "cpu",
        "recipe": settings(family),
    }
    omega = {f"theta.seed{seed}.{key}": value for seed, run in zip(SEEDS, runs, strict=True) for key, value in run.theta.items()}  # fmt: skip
    folder = data_folder() / "checkpoints"
    record = Record(family)
    for case_name, case in family.cases.items():
        measure(case_name, case, record, runs)
    quality = {f["name"]: [f["value"], f["interval"]] for f in record.figures if f["name"].endswith("LSTM")}
    save_checkpoint(folder / f"04-{name}.safetensors", omega, about | {"log10_loss": quality})
    save_checkpoint(folder / f"04-{name}-curves.safetensors", record.curves, {key: about[key] for key in ("command", "seeds", "device")})  # fmt: skip
    write(name, family, record.figures)


def choices() -> None:
    """One change to the recipe at a time, with a small part of its budget; all on the same test problems."""
    record = Record(QUADRATICS)
    fresh = on_quadratics(1.0)(256, 100, torch.Generator().manual_seed(TEST))
    for name, family in CHOICES.items():
        runs = [train(f"choice-{list(CHOICES).index(name)}", family, seed) for seed in SEEDS]
        curves = [log_losses(fresh, family.lstm.rule(run.theta), [100])[0] for run in runs]
        each = [curve.mean().item() for curve in curves]
        seconds = sum(run.seconds for run in runs) / len(runs)
        record.add(
            name,
            torch.stack(curves).mean(0),
            SEEDS,
            round(seconds, 1),
            each=each,
            over_seeds=over_seeds(each).half_width,
            note=f"{min(each):.2f} to {max(each):.2f} over the seeds",
        )
        write("choices", QUADRATICS, record.figures)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=["quadratics", "digits", "choices", []], default=[])
    torch.set_num_threads(1)
    for part in parser.parse_args().parts or ["quadratics", "digits", "choices"]:
        choices() if part == "choices" else match(part)


if __name__ == "__main__":
    main()
