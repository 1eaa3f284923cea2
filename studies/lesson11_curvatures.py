"""How sharply the loss bends where adaptation passes, for lesson 11: sinusoids over three seeds, then characters.

    python -m studies.lesson11_curvatures              (or some of: ... lesson11_curvatures sinusoids rates characters)

``sinusoids`` takes the starts of lesson 06 (it trains those that ``studies.lesson06_starts record`` has not left in
``runs/06-starts``), adapts each to the same tasks by gradient descent and measures gradient norm, top Hessian eigenvalue
and the curvature along the step. It writes ``data/results/11-curvature.json``.

``rates`` takes one step from each of these starts at several rates, on 1000 tasks, and writes
``data/results/11-rates.json``: the query loss where it lands.

``characters`` takes lesson 09's network and a random one, adapts both to the same episodes of held-out characters as
lesson 09 tests (head of zeros, its test rates), measures the same, and draws support and query loss around the adapted
network in filter-normalised directions. It writes ``data/results/11-characters.json`` and
``data/checkpoints/11-characters``. Batch norm: the support loss normalises the five support pictures by themselves; the
query loss uses the support set's statistics, so each query is answered alone.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mlteach.checkpoint import load_checkpoint, params_from, save_checkpoint
from mlteach.inner import adapt, sgd
from mlteach.measure import over_seeds, over_tasks, path_of
from mlteach.measure.curvature import hessian_vector, top_eigenvalue
from mlteach.measure.landscape import Loss, filter_normalised, on_task, project, random_direction, surface
from mlteach.measure.ledger import data_folder, keep_results
from mlteach.nets import Conv4, cross_entropy, squared_error
from mlteach.nets.loss import share_right
from mlteach.params import Params, detach, dot, gradient_of, leaves, map_params, norm, stack, task
from mlteach.tasks import Characters
from studies import shared
from studies.lesson06_starts import FAMILY, NET, RATE, RECIPES, SEEDS, SHOTS, runs_of

TASKS, QUERIES, TASK_SEED = 100, 100, 111
STEPS = (0, 1, 2, 5, 10, 50, 100)
RATES = (0.0025, 0.005, 0.0075, 0.01, 0.0125, 0.015, 0.02, 0.03)
LESSON = "11_loss_landscapes"

EPISODES, EPISODE_SEED, POINTS, REACH = 20, 112, 25, 1.0
BODY_RATE, HEAD_RATE, SHARE, INNER = (
    0.4,
    0.5,
    0.025,
    3,
)  # lesson 09's lecture recipe, tested at this share of its rates


def top(loss: Loss, theta: Params, **how: Any) -> float:
    """The largest Hessian eigenvalue, from one fixed start of the iteration."""
    return top_eigenvalue(loss, theta, generator=torch.Generator().manual_seed(0), **how).value


def first_step(loss: Loss, theta: Params, rate: float) -> tuple[float, float, float]:
    """The curvature along the gradient, and the share of the loss that a step leaves: by the quadratic, and really."""
    point = leaves(theta)
    value = loss(point)
    slope = gradient_of(value, point)
    square = dot(slope, slope)
    along = (dot(slope, hessian_vector(loss, theta, slope)) / square).item()
    there = {name: theta[name] - rate * slope[name] for name in theta}
    expected = 1 - (rate * square * (1 - rate * along / 2) / value).item()
    return along, expected, (loss(there) / value).item()


def figure(name: str, each: list[Tensor], seeds: list[int], unit: str, seconds: float, note: str = "") -> dict[str, Any]:  # fmt: skip
    """One entry of the record from every seed's values [tasks]: the mean over tasks, then mean and interval over seeds."""
    means = [values.mean().item() for values in each]
    over = over_seeds(means) if len(seeds) > 1 else over_tasks(each[0])
    return shared.figure(name, over, unit, seeds, len(each[0]), note, digits=4, seconds=seconds) | {
        "interval_over_tasks": round(over_tasks(torch.stack(each).mean(0)).half_width, 4),
        "median": round(torch.stack([values.median() for values in each]).mean().item(), 4),
        "each": [round(mean, 4) for mean in means],
    }


def along_the_path(theta: Params) -> dict[str, Tensor]:
    """Everything that is measured of one start, [tasks] by name."""
    episode = FAMILY.sample(TASKS, SHOTS, QUERIES, generator=torch.Generator().manual_seed(TASK_SEED), dtype=torch.float64)  # fmt: skip
    rows: dict[str, list[float]] = {}
    for index in range(TASKS):
        x, y, query_x, query_y = (each[index] for each in episode)

        def loss(params: Params, x: Tensor = x, y: Tensor = y) -> Tensor:
            return squared_error(NET(params, x), y)

        path = [detach(p) for p in adapt(loss, theta, sgd(RATE), max(STEPS), first_order=True, path=True)]
        losses = [loss(p).item() for p in path]
        found: dict[str, float] = {
            "steps that climb": sum(b > a for a, b in zip(losses[:-1], losses[1:], strict=True))
        }
        names = ("curvature along the step", "left by the quadratic", "left by the step")
        found |= dict(zip(names, first_step(loss, theta, RATE), strict=True))
        for step in STEPS:
            point = leaves(path[step])
            found[f"gradient norm.step{step}"] = norm(gradient_of(loss(point), point)).item()
            found[f"top eigenvalue.step{step}"] = top(loss, path[step], tolerance=1e-3)
            found[f"query loss.step{step}"] = squared_error(NET(path[step], query_x), query_y).item()
        for name, value in found.items():
            rows.setdefault(name, []).append(value)
    table = {name: torch.tensor(values, dtype=torch.float64) for name, values in rows.items()}
    for step in STEPS:
        table[f"above the edge.step{step}"] = (table[f"top eigenvalue.step{step}"] > 2 / RATE).double()
    return table


def sinusoids() -> None:
    """Measure every start of lesson 06, three seeds each."""
    folder = data_folder().parent / "runs" / "06-starts"
    folder.mkdir(parents=True, exist_ok=True)
    figures = []
    for name in RECIPES:
        began = time.monotonic()
        found = [along_the_path(map_params(torch.Tensor.double, run.theta)) for run in runs_of(name, folder)]
        for what in found[0]:
            unit = "share of the tasks" if "edge" in what else ""
            figures.append(
                figure(f"{name}.{what}", [each[what] for each in found], list(SEEDS), unit, time.monotonic() - began)
            )  # fmt: skip
        print(f"{name:8} {time.monotonic() - began:5.0f} s", flush=True)
    about = {"rate": RATE, "shots": SHOTS, "tasks": TASKS, "seed of the tasks": TASK_SEED, "steps": STEPS}
    keep_results(
        LESSON,
        "curvature",
        figures,
        command="python -m studies.lesson11_curvatures sinusoids",
        settings=about,
    )


def rates() -> None:
    """Where one step lands, by its rate."""
    folder = data_folder().parent / "runs" / "06-starts"
    folder.mkdir(parents=True, exist_ok=True)
    drawn = torch.Generator().manual_seed(TASK_SEED)
    x, y, query_x, query_y = FAMILY.sample(1000, SHOTS, QUERIES, generator=drawn, dtype=torch.float64)
    figures = []
    for name in RECIPES:
        began = time.monotonic()
        starts = [stack(map_params(torch.Tensor.double, run.theta), 1000) for run in runs_of(name, folder)]
        for rate in RATES:
            with torch.no_grad():
                landed = [
                    adapt(lambda p: squared_error(NET(p, x), y), start, sgd(rate), 1) for start in starts
                ]
                found = [squared_error(NET(phi, query_x), query_y) for phi in landed]
            figures.append(figure(f"{name}.rate{rate}", found, list(SEEDS), "mean squared error", time.monotonic() - began))  # fmt: skip
    keep_results(LESSON, "rates", figures, command="python -m studies.lesson11_curvatures rates", rates=RATES)


def characters() -> None:
    """Measure and draw lesson 09's network and a random one on the same held-out episodes."""
    began = time.monotonic()
    net = Conv4(5, 32, head="flatten")
    fresh = net.init(torch.Generator().manual_seed(0), torch.float64)
    fresh = {name: fresh[name] for name in net.body_names}
    stored = load_checkpoint(data_folder() / "checkpoints" / "09-maml-lecture.safetensors")
    starts = {"random": fresh, "maml": params_from(stored, fresh)}
    full = dict.fromkeys(net.body_names, BODY_RATE) | dict.fromkeys(net.head_names, HEAD_RATE)
    _, _, test = Characters.omniglot().split("random")
    episode = test.sample(EPISODES, 5, 1, 15, generator=torch.Generator().manual_seed(EPISODE_SEED)).to(dtype=torch.float64)  # fmt: skip
    figures: list[dict[str, Any]] = []
    tables: dict[str, Tensor] = {}
    for name, theta in starts.items():
        rates: dict[str, Any] = {each: SHARE * rate for each, rate in full.items()}
        path = path_of(net, theta, episode, sgd(rates), INNER, start=net.zero_head)
        rows: dict[str, list[float]] = {}
        for index in range(EPISODES):
            for key, value in of_episode(net, [task(p, index) for p in path], episode, index, full).items():
                rows.setdefault(key, []).append(value)
        for key, values in rows.items():
            figures.append(figure(f"{name}.{key}", [torch.tensor(values, dtype=torch.float64)], [0], "", time.monotonic() - began))  # fmt: skip
        tables |= {
            f"{name}.{key}": table for key, table in drawn(net, [task(p, 0) for p in path], episode).items()
        }
        print(f"{name:8} {time.monotonic() - began:5.0f} s", flush=True)
    settings = {
        "rates": {"body": BODY_RATE, "head": HEAD_RATE, "share": SHARE}, "inner steps": INNER, "episodes": EPISODES,
        "seed": {"episodes": EPISODE_SEED, "random start": 0, "directions": 0}, "starts": "a random one; 09-maml-lecture",
        "reach": REACH, "batch norm": "support loss: its own statistics; query loss: the support set's",
        "tables": "NAME.support, NAME.query: loss [n, n] around the adapted network; NAME.path: places and distance",
    }  # fmt: skip
    about = {"command": "python -m studies.lesson11_curvatures characters", **settings, "seconds": round(time.monotonic() - began, 1), "device": "cpu"}  # fmt: skip
    save_checkpoint(data_folder() / "checkpoints" / "11-characters.safetensors", tables, about)
    keep_results(LESSON, "characters", figures, command=about["command"], settings=settings)


def support_of(net: Conv4, episode: Any, index: int) -> Callable[[Params], Tensor]:
    """The support loss of one episode, for parameters without a task axis."""
    x, y = episode.support_x[index], episode.support_y[index]
    return lambda params: cross_entropy(net(params, x), y)


def of_episode(
    net: Conv4, path: list[Params], episode: Any, index: int, full: dict[str, float]
) -> dict[str, float]:
    """The numbers of one episode."""
    loss = support_of(net, episode, index)
    x, y, support = episode.query_x[index], episode.query_y[index], episode.support_x[index]
    found = {}
    for step, phi in enumerate(path):
        point = leaves(phi)
        value = loss(point)
        found[f"gradient norm.step{step}"] = norm(gradient_of(value, point)).item()
        found[f"top eigenvalue.step{step}"] = top(loss, phi, tolerance=1e-2, products=150)
        with torch.no_grad():
            logits = net(phi, x, "support", support=support)
        found[f"support loss.step{step}"] = value.item()
        found[f"query loss.step{step}"] = cross_entropy(logits, y).item()
        found[f"right answers.step{step}"] = 100 * share_right(logits, y).item()
    # Rates differ by layer: with theta = sqrt(rate) u a step is theta's, made by u at rate 1, so 2 is the edge for u.
    root = {name: rate**0.5 for name, rate in full.items()}
    scaled = {name: value / root[name] for name, value in path[0].items()}
    edge = top(lambda u: loss({name: root[name] * value for name, value in u.items()}), scaled, tolerance=1e-2, products=150)  # fmt: skip
    return found | {"rate times curvature": edge}


def drawn(net: Conv4, path: list[Params], episode: Any) -> dict[str, Tensor]:
    """Support and query loss of the first episode around the adapted network, and where its path lies."""
    phi = map_params(torch.Tensor.float, path[-1])
    g = torch.Generator().manual_seed(0)
    directions = [filter_normalised(random_direction(phi, generator=g), phi) for _ in range(2)]
    x, y, query_x, query_y = (each[0].float() if each.is_floating_point() else each[0] for each in episode)

    def answered_alone(params: Params, queries: Tensor) -> Tensor:
        return net(params, queries, "support", support=x.expand(len(queries), *x.shape))

    ticks = torch.linspace(-REACH, REACH, POINTS)
    losses = {"support": on_task(net, cross_entropy, x, y), "query": on_task(answered_alone, cross_entropy, query_x, query_y)}  # fmt: skip
    found = {name: surface(loss, phi, directions, (ticks, ticks), chunk=32) for name, loss in losses.items()}
    return found | {"path": project(path, phi, directions).float()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    every = {"sinusoids": sinusoids, "rates": rates, "characters": characters}
    for asked in sys.argv[1:] or every:
        every[asked]()
