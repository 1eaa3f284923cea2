"""Lesson 20: what does attention learn when it is trained on tasks, where one can know it, and where one can not?

    python -m studies.lesson20_in_context one         one linear layer: what it finds, three lengths of context, its failures
    python -m studies.lesson20_in_context deeper      two to four layers beside tuned descent and ridge regression
    python -m studies.lesson20_in_context sinusoids   a causal transformer on Finn's sinusoids, and on a wider family
    python -m studies.lesson20_in_context judge       those transformers beside MAML: points, shifts, order, the detector

One run is one line of ``runs/20-in-context/WHAT.jsonl``, so that each command goes on where it was stopped (``--part
'{"seed": 0}'`` runs these alone and writes no results); at the end it writes ``data/results/20-WHAT.json``. Three seeds
everywhere. Seconds are those of the process on one core, evaluation left out. Regression: 10 inputs, 20 pairs, noise variance 1/4, 20,000 test tasks.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from mlteach.checkpoint import load_checkpoint, params_from, save_checkpoint
from mlteach.fit import fit
from mlteach.inner import adapt, sgd
from mlteach.measure import Interval, over_seeds
from mlteach.measure.ledger import data_folder, keep_results
from mlteach.nets import MLP, LinearAttention, PairTransformer, squared_error
from mlteach.outer import in_context_gradient
from mlteach.params import Params, stack
from mlteach.tasks import Episode, LinearRegression, Sinusoids
from studies import shared

LESSON, SEEDS = "20_in_context_learning", (0, 1, 2)
RUNS = data_folder().parent / "runs" / "20-in-context"
Figure = shared.Figure

# Rows and figures ----------------------------------------------------------------------------------------------------


def rows_of(
    what: str, jobs: Iterable[dict[str, Any]], run: Callable[..., Figure], only: dict[str, Any] | None = None
) -> list[Figure]:
    """The result of ``run`` for every job, those on file not run again. ``only``: jobs like this one, and then an end."""
    jobs, path = list(jobs), RUNS / f"{what}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)

    def kept() -> list[Figure]:
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    for job in tqdm(jobs, desc=what, unit="run"):
        if (only and not job.items() >= only.items()) or any(row.items() >= job.items() for row in kept()):
            continue
        row = job | run(**job)
        with path.open("a") as file:
            print(json.dumps(row), file=file)
    if only:
        raise SystemExit(f"{only} of {what} is on file")
    rows = kept()
    return [next(row for row in rows if row.items() >= job.items()) for job in jobs]


def figure(
    name: str,
    found: Interval,
    unit: str,
    note: str,
    seeds: Iterable[int] = SEEDS,
    tasks: int | None = None,
) -> Figure:
    """One entry of the ledger; a number that is one alone has no interval."""
    value = found if found.n > 1 else found.mean
    return shared.figure(name, value, unit, list(seeds), tasks, note, digits=5)


def over(
    rows: list[Figure], name: str, key: str, unit: str, note: str = "", tasks: int | None = None
) -> Figure:
    """A number over the seeds, each of them in the note."""
    values = [row[key] for row in rows]
    said = f"{note}; seeds " if note else "seeds "
    said += ", ".join(f"{value:.4g}" for value in values)
    return figure(name, over_seeds(values), unit, said, [row["seed"] for row in rows], tasks)


# Regression ----------------------------------------------------------------------------------------------------------

SIZE, SHOTS, QUERIES, BATCH, TESTS = 10, 20, 10, 128, 20_000
FAMILY = LinearRegression(SIZE)
CONTEXTS, SCALES = (5, 10, 20, 40, 80), (0.5, 1.0, 1.5, 2.0)


@cache
def test_tasks(shots: int = SHOTS, scale: float = 1.0, tasks: int = 5000) -> Episode:
    """The same tasks for every arm."""
    draw = torch.Generator().manual_seed(99)
    return LinearRegression(SIZE, scale=scale).sample(
        tasks, shots, QUERIES, generator=draw, dtype=torch.float64
    )


def judged(net: Callable[..., Tensor], theta: Params, episode: Episode) -> float:
    """Squared error, in double precision."""
    double = {name: value.double() for name, value in theta.items()}
    with torch.no_grad():
        parts = [episode.part(slice(k, k + 2500)) for k in range(0, episode.tasks, 2500)]
        return (
            torch.cat([squared_error(net(double, *part.seen), part.query_y) for part in parts]).mean().item()
        )


def train_regression(
    net: Any,
    theta: Params,
    seed: int,
    *,
    steps: int,
    lr: float,
    shots: int = SHOTS,
    clip: float = 1.0,
    **more: Any,
) -> Any:
    return fit(
        partial(in_context_gradient, net, squared_error, cap=50.0), theta,
        lambda g: FAMILY.sample(BATCH, shots, QUERIES, generator=g),
        steps=steps, generator=torch.Generator().manual_seed(seed), lr=lr, schedule="cosine", clip=clip, progress=None, **more,
    )  # fmt: skip


def products(theta: Params) -> tuple[Tensor, float]:
    """What one layer does with inputs: the matrix M of x_q . M x_j y_j [size, size], and how much else its two products hold.

    The second number: the share of the other entries the answer depends on, in norm.
    """
    q, k, v, p = (theta[f"layer1.{name}"].double() for name in ("query", "key", "value", "out"))
    compare, carry = q.T @ k, p @ v
    matrix = -carry[-1, -1] * compare[:-1, :-1]
    rest = torch.cat([carry[-1, :-1] / carry[-1, -1].abs(), compare[:-1, -1] / compare[:-1, :-1].norm()])
    return matrix, rest.norm().item()


def one_run(shots: int, seed: int) -> Figure:
    """One layer from random weights."""
    net = LinearAttention(SIZE)
    watched = test_tasks(shots, tasks=2000)
    run = train_regression(  # five pairs say little: their gradient is noisier
        net, net.init(torch.Generator().manual_seed(100 + seed), std=0.3), seed, steps=1000 if shots == 5 else 500, lr=1e-2, shots=shots, clip=10.0,
        validate=lambda theta: judged(net, theta, watched), every_validation=25, better="lower",
    )  # fmt: skip
    matrix, rest = products(run.theta)
    best = FAMILY.best_rate(shots)
    limit = 1.02 * judged(net, net.descent([best]), watched)
    curve = dict(
        zip(run.validation["step"], next(v for k, v in run.validation.items() if k != "step"), strict=True)
    )
    eye = torch.eye(SIZE, dtype=torch.float64)
    row = {
        "error": judged(net, run.theta, test_tasks(shots, tasks=TESTS)), "rate": matrix.diagonal().mean().item(), "rest": rest,
        "cosine": ((matrix * eye).sum() / matrix.norm() / eye.norm()).item(),
        "within": min((step for step, value in curve.items() if value < limit), default=None), "curve": list(curve.items()),
    }  # fmt: skip
    if shots == SHOTS:
        row |= {f"context.{n}": judged(net, run.theta, test_tasks(n)) for n in CONTEXTS}
        row |= {f"scale.{s:g}": judged(net, run.theta, test_tasks(SHOTS, s)) for s in SCALES}
    return row


def one(only: dict[str, Any] | None) -> list[Figure]:
    every = rows_of("one", [{"shots": n, "seed": s} for s in SEEDS for n in (5, SHOTS, 80)], one_run, only)
    figures, net = [], LinearAttention(SIZE)
    for n in (5, SHOTS, 80):
        rows = [row for row in every if row["shots"] == n]
        best = net.descent([FAMILY.best_rate(n)])
        figures += [
            over(rows, f"{n}.error", "error", "squared error", "one trained layer", TESTS),
            over(rows, f"{n}.rate", "rate", "", "mean of the diagonal of the learned product"),
            over(rows, f"{n}.cosine", "cosine", "", "of the learned product with the identity"),
            over(rows, f"{n}.rest", "rest", "", "norm of the other entries beside those the construction uses"),
            over(rows, f"{n}.within", "within", "steps", "until within 2 % of the best step"),
            figure(f"{n}.step", Interval(judged(net, best, test_tasks(n, tasks=TESTS)), 0, 1), "squared error",
                   "one step at the best rate, same tasks", tasks=TESTS),
            figure(f"{n}.ridge", Interval(ridge_error(test_tasks(n, tasks=TESTS)), 0, 1), "squared error", "same tasks", tasks=TESTS),
        ]  # fmt: skip
    rows = [row for row in every if row["shots"] == SHOTS]
    for k, (step, _) in enumerate(rows[0]["curve"]):
        figures.append(
            figure(
                f"curve.{step}",
                over_seeds([row["curve"][k][1] for row in rows]),
                "squared error",
                "2000 tasks",
            )
        )
    for kind, values in (("context", CONTEXTS), ("scale", SCALES)):
        for value in values:
            tasks = test_tasks(value) if kind == "context" else test_tasks(SHOTS, value)
            name, own = f"{kind}.{value:g}", LinearRegression(SIZE, scale=1.0 if kind == "context" else value)
            shots = value if kind == "context" else SHOTS
            for arm, error in (
                ("fixed", judged(net, net.descent([FAMILY.best_rate(SHOTS)]), tasks)),
                ("best", judged(net, net.descent([own.best_rate(int(shots))]), tasks)),
                ("ridge", ridge_error(tasks)),
            ):
                figures.append(
                    figure(f"{name}.{arm}", Interval(error, 0, 1), "squared error", "", tasks=tasks.tasks)
                )
            figures.append(over(rows, f"{name}.layer", name, "squared error", "", tasks.tasks))
    return figures


def ridge_error(tasks: Episode) -> float:
    return squared_error(FAMILY.ridge(tasks), tasks.query_y).mean().item()


def written(net: LinearAttention, bends: bool) -> Callable[..., Tensor]:
    """Descent with learned rates (and bends, for GD++), as a network whose parameters are these numbers."""

    def answer(params: Params, x: Tensor, y: Tensor, questions: Tensor) -> Tensor:
        found: Tensor | float = 0.0
        for layer in range(net.layers):
            pull = x.mT @ y / x.shape[-2]
            found, y = (
                found + params["rates"][layer] * questions @ pull,
                y - params["rates"][layer] * x @ pull,
            )
            if bends:
                gram = params["bends"][layer] * (x.mT @ x) / x.shape[-2]
                x, questions = x - x @ gram, questions - questions @ gram
        return found  # type: ignore[return-value]  # there is a layer

    return answer


def deeper_run(arm: str, layers: int, seed: int) -> Figure:
    """Some layers: descent with tuned rates, or attention from the construction with noise, or from random weights."""
    net, g = LinearAttention(SIZE, layers), torch.Generator().manual_seed(100 + seed)
    if arm in ("gd", "gd++"):
        start = {"rates": torch.full((layers,), 0.1)} | (
            {"bends": torch.full((layers,), 0.1)} if arm == "gd++" else {}
        )
        answer = written(net, arm == "gd++")
        run = train_regression(answer, start, seed, steps=400, lr=3e-2)
        return {
            "error": judged(answer, run.theta, test_tasks(tasks=TESTS)),
            "rates": [v.tolist() for v in run.theta.values()],
        }
    begin = {name: value + 0.02 * torch.randn(value.shape, generator=g)
             for name, value in net.descent([0.4] * layers, dtype=torch.float32).items()}  # fmt: skip
    if arm == "random":
        begin = net.init(g)
    run = train_regression(net, begin, seed, steps=2000 if arm == "random" else 1200, lr=3e-3)
    tasks = test_tasks(tasks=TESTS)
    double = {name: value.double() for name, value in run.theta.items()}
    with torch.no_grad():
        each = squared_error(net(double, *tasks.seen), tasks.query_y)
    twice = judged(net, run.theta, test_tasks(SHOTS, 2.0))
    return {
        "error": each.mean().item(),
        "median": each.median().item(),
        "worst": each.max().item(),
        "twice": twice,
    }


def deeper(only: dict[str, Any] | None) -> list[Figure]:
    arms = (
        [("gd", n) for n in (2, 3, 4)]
        + [("gd++", n) for n in (2, 3, 4)]
        + [("written", n) for n in (2, 3, 4)]
    )
    arms += [("random", 2)]
    every = rows_of(
        "deeper", [{"arm": a, "layers": n, "seed": s} for s in SEEDS for a, n in arms], deeper_run, only
    )
    figures = []
    for arm, n in arms:
        rows = [row for row in every if (row["arm"], row["layers"]) == (arm, n)]
        figures.append(over(rows, f"{arm}.{n}", "error", "squared error", "", TESTS))
        if "twice" in rows[0]:
            figures += [
                over(rows, f"{arm}.{n}.{key}", key, "squared error", "", TESTS)
                for key in ("median", "worst", "twice")
            ]
    figures.append(
        figure(
            "ridge", Interval(ridge_error(test_tasks(tasks=TESTS)), 0, 1), "squared error", "", tasks=TESTS
        )
    )
    return figures


# Sinusoids -----------------------------------------------------------------------------------------------------------

FINN = Sinusoids.finn()
FAMILIES = {"finn": FINN, "wide": Sinusoids(amplitude=(0.1, 10.0), phase=(0.0, 2 * math.pi))}
SHIFTS = {
    "finn": FINN,
    "phase": Sinusoids(phase=(math.pi, 2 * math.pi)),
    "amplitude": Sinusoids(amplitude=(5.0, 10.0)),
}
POINTS = 40
AT = (1, 2, 3, 5, 7, 10, 15, 20, 30, 39)
NET = PairTransformer(48)
STEPS, LR, WAVES = 800, 2e-3, 32
MAML_NET, MAML_RATE, MAML_STARTS = MLP((1, 40, 40, 1)), 0.01, ("06-maml", "06-maml-seed1", "06-maml-seed2")


def waves(family: Sinusoids, tasks: int, seed: int) -> Episode:
    return family.sample(tasks, POINTS, POINTS, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def by_points(theta: Params, episode: Episode) -> Tensor:
    """The squared error of question k after k points, [tasks, questions]."""
    parts = [episode.part(slice(k, k + 250)) for k in range(0, episode.tasks, 250)]
    return torch.cat([(NET(theta, *part.seen) - part.query_y).square()[..., 0] for part in parts])


def sinusoid_run(family: str, seed: int) -> Figure:
    """A transformer on tasks of one family; its parameters stay in ``runs/``."""
    watched, began, apart = waves(FINN, 200, 77), time.process_time(), 0.0
    curve: list[tuple[int, float, float]] = []

    def look(theta: Params) -> float:
        nonlocal apart
        now = time.process_time()
        error = by_points(theta, watched)[:, 8:13].mean().item()
        curve.append((50 * (len(curve) + 1), round(now - began - apart, 1), error))
        apart += time.process_time() - now
        return error

    generator = torch.Generator().manual_seed(seed)
    run = fit(
        partial(in_context_gradient, NET, squared_error), NET.init(generator),
        lambda g: FAMILIES[family].sample(WAVES, POINTS, POINTS, generator=g),
        steps=STEPS, generator=generator, lr=LR, schedule="warm cosine", clip=1.0,
        optimizer=partial(torch.optim.Adam, betas=(0.9, 0.98)), progress=None,
        validate=look, every_validation=50, better="lower",
    )  # fmt: skip
    save_checkpoint(
        RUNS / f"{family}-{seed}.safetensors",
        {f"theta.{n}": v for n, v in run.theta.items()},
        {"steps": STEPS},
    )
    return {"steps": STEPS, "seconds": curve[-1][1], "curve": curve}


def transformer(family: str, seed: int) -> Params:
    kept = load_checkpoint(RUNS / f"{family}-{seed}.safetensors")
    return params_from(kept, NET.init(torch.Generator()))


@torch.no_grad()
def maml_errors(start: str, episode: Episode, points: int, steps: int = 10) -> list[Tensor]:
    """MAML's squared errors on the queries after 0 to ``steps`` inner steps on the first ``points``, each [tasks]."""
    theta = params_from(
        load_checkpoint(data_folder() / "checkpoints" / f"{start}.safetensors"),
        MAML_NET.init(torch.Generator()),
    )
    x, y = episode.support_x[:, :points], episode.support_y[:, :points]
    path = adapt(
        lambda p: squared_error(MAML_NET(p, x), y),
        stack(theta, episode.tasks),
        sgd(MAML_RATE),
        steps,
        path=True,
    )
    return [squared_error(MAML_NET(phi, episode.query_x), episode.query_y) for phi in path]


@torch.no_grad()
def orders(theta: Params, points: int = 10, times: int = 20) -> Figure:
    """Shuffle the context: how far answers move, beside how wrong they are; the mean over orders; and an open context."""
    episode = FINN.sample(300, points, 20, generator=torch.Generator().manual_seed(5))
    x, y, asked = episode.seen
    dice = torch.Generator().manual_seed(6)
    answers = torch.stack(
        [
            NET(theta, x[:, o], y[:, o], asked, "last")
            for o in (torch.randperm(points, generator=dice) for _ in range(times))
        ]
    )
    opened = NET(theta, x, y, asked, "open")

    def root(values: Tensor) -> float:
        return values.square().mean().sqrt().item()

    return {
        "order.moves": root(answers - answers.mean(0)), "order.error": root(answers - episode.query_y),
        "order.vote": root(answers.mean(0) - episode.query_y), "order.open": root(opened - episode.query_y),
        "order.maml": maml_order(episode, dice, points),
    }  # fmt: skip


def maml_order(episode: Episode, dice: torch.Generator, points: int) -> float:
    """The same for MAML's ten steps: rounding."""
    theta = params_from(
        load_checkpoint(data_folder() / "checkpoints" / "06-maml.safetensors"),
        MAML_NET.init(torch.Generator()),
    )
    answers = []
    for order in (torch.randperm(points, generator=dice) for _ in range(5)):
        x, y = episode.support_x[:, order], episode.support_y[:, order]
        phi = adapt(
            lambda p, x=x, y=y: squared_error(MAML_NET(p, x), y),
            stack(theta, episode.tasks),
            sgd(MAML_RATE),
            10,
        )
        answers.append(MAML_NET(phi, episode.query_x))
    every = torch.stack(answers)
    return (every - every.mean(0)).square().mean().sqrt().item()


@torch.no_grad()
def own_errors(theta: Params, episode: Episode, points: int = 20) -> tuple[Tensor, Tensor]:
    """For each task: the error on its own context's later half, each point foretold from those before it; and on its queries."""
    x, y = episode.support_x[:, :points], episode.support_y[:, :points]
    told = (NET(theta, x, y, x) - y).square()[:, points // 2 :].mean((1, 2))
    return told, squared_error(NET(theta, x, y, episode.query_x, "last"), episode.query_y)


def alarms(theta: Params) -> Figure:
    """The detector: an alarm where a context foretells itself worse than 95 % of the family's own do."""
    limit = own_errors(theta, waves(FINN, 1000, 41))[0].quantile(0.95)
    found: Figure = {"alarm.limit": limit.item()}
    bad_from = FINN.zero_shot_mse()
    for name, family in SHIFTS.items():
        told, error = own_errors(theta, waves(family, 1000, 42))
        alarm, bad = told > limit, error > bad_from
        found |= {f"alarm.{name}.rung": 100 * alarm.double().mean().item(), f"alarm.{name}.bad": 100 * bad.double().mean().item(),
                  f"alarm.{name}.missed": 100 * (bad & ~alarm).double().mean().item()}  # fmt: skip
    return found


def judge_run(family: str, seed: int) -> Figure:
    theta, row = transformer(family, seed), {}
    for name, shift in SHIFTS.items():
        errors = by_points(theta, waves(shift, 1000 if family == "finn" else 500, 11))
        row |= {f"{name}.{n}": errors[:, n].mean().item() for n in AT}
        row |= {f"{name}.{n}.median": errors[:, n].median().item() for n in (10, 39)}
    if family == "finn":
        half = {n: v.half().float() for n, v in theta.items()}
        row["half"] = by_points(half, waves(FINN, 1000, 11))[:, 10].mean().item()
        row |= orders(theta) | alarms(theta)
    return row


def maml_run(start: str, seed: int) -> Figure:
    row = {}
    for name, shift in SHIFTS.items():
        episode = waves(shift, 1000, 11)
        for n in AT:
            path = maml_errors(start, episode, n)
            row |= {f"{name}.{n}.{steps}": path[steps].mean().item() for steps in (1, 5, 10)}
    return row


def judge(only: dict[str, Any] | None) -> list[Figure]:
    every = rows_of("judge", [{"family": f, "seed": s} for f in FAMILIES for s in SEEDS], judge_run, only)
    maml = rows_of("maml", [{"start": name, "seed": k} for k, name in enumerate(MAML_STARTS)], maml_run)
    figures = [figure("zero-shot", Interval(FINN.zero_shot_mse(), 0, 1), "squared error", "closed form")]
    for family in FAMILIES:
        rows = [row for row in every if row["family"] == family]
        for key in rows[0]:
            if key not in ("family", "seed"):
                unit = "%" if key.startswith("alarm") and "limit" not in key else "squared error"
                figures.append(over(rows, f"{family}.{key}", key, unit, "", 1000))
    for row in maml:  # each start by itself: where ten steps run away on a single task, the mean says nothing and is left out
        for key, value in row.items():
            if key not in ("start", "seed") and math.isfinite(value) and value < 100:
                note = f"start {row['start']} of lesson 06"
                figures.append(
                    figure(
                        f"maml{row['seed']}.{key}",
                        Interval(value, 0, 1),
                        "squared error",
                        note,
                        [row["seed"]],
                        1000,
                    )
                )
    theta = transformer("finn", 0)
    about = {"what": "a causal transformer on Finn's sinusoids, float16", "steps": STEPS, "lesson": LESSON}
    save_checkpoint(
        data_folder() / "checkpoints" / "20-transformer.safetensors",
        {f"theta.{n}": v.half() for n, v in theta.items()},
        about,
    )
    return figures


def sinusoids(only: dict[str, Any] | None) -> list[Figure]:
    every = rows_of(
        "sinusoids", [{"family": f, "seed": s} for s in SEEDS for f in FAMILIES], sinusoid_run, only
    )
    figures = []
    for family in FAMILIES:
        rows = [row for row in every if row["family"] == family]
        figures.append(over(rows, f"{family}.seconds", "seconds", "s", f"of one core, {STEPS} steps"))
        for k, (step, _, _) in enumerate(rows[0]["curve"]):
            for place, what in ((1, "seconds"), (2, "error")):
                values = over_seeds([row["curve"][k][place] for row in rows])
                figures.append(
                    figure(
                        f"{family}.curve.{step}.{what}",
                        values,
                        "s" if place == 1 else "squared error",
                        "at 8 to 12 points, 200 tasks",
                    )
                )
    return figures


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = {"one": one, "deeper": deeper, "sinusoids": sinusoids, "judge": judge}
    parser.add_argument("what", choices=commands)
    parser.add_argument(
        "--part", type=json.loads, help="run these alone, such as '{\"seed\": 0}', and write no results yet"
    )
    options = parser.parse_args()
    figures = commands[options.what](options.part)
    keep_results(
        LESSON, options.what, figures, command=f"python -m studies.lesson20_in_context {options.what}"
    )


if __name__ == "__main__":
    main()
