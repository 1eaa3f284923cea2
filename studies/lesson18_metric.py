"""Lesson 18: methods that compare, side by side: one Conv-4, the same episodes, the same seconds of one core.

    python -m studies.lesson18_metric rates ARM      outer rates, eight seconds each, on validation tasks; then forty seconds at the
                                                     best one for each of three seeds
    python -m studies.lesson18_metric measure ARM    what they do on lesson 09's test tasks, and on two other kinds
    python -m studies.lesson18_metric steps          ProtoMAML's inner steps at test, from the networks trained as prototypes
    python -m studies.lesson18_metric collect        writes data/results/18-arms.json and 18-rates.json out of all runs
    python -m studies.lesson18_metric map            five characters of one alphabet as the first matching network sees them, for MetricMap

Arms: prototypes, matching, without temperature, context, siamese. Every step is one task of 20 ways, one shot, two
queries a class. Seconds are the process's own, on one thread (`time.process_time`), with drawing, without measuring: so the load
of a machine does not count. Runs keep themselves in ``runs/18-metric``; what is there is not trained again.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mlteach.checkpoint import load_checkpoint, save_checkpoint
from mlteach.inner import sgd
from mlteach.measure import Interval, over_seeds, over_tasks, step_accuracy
from mlteach.measure.ledger import data_folder, keep_results
from mlteach.metric import (
    features_of,
    init_context,
    init_matching,
    init_siamese,
    matching_logits,
    pair_loss,
    prototype_logits,
    prototype_start,
    read_in_context,
    read_matching,
    read_prototypes,
    read_siamese,
    reading_accuracy,
    reading_gradient,
)
from mlteach.nets import Conv4
from mlteach.nets.loss import share_right
from mlteach.params import Params, clip, leaves
from mlteach.tasks import Characters, Episode

LESSON, SEEDS = "18_learning_a_metric", (0, 1, 2)
RUNS = data_folder().parent / "runs" / "18-metric"
NET = Conv4(20, 32, head="flatten")
SECONDS, TRIED, CLIP = 40.0, 8.0, 10.0
RATES = {"context": (5e-3, 1e-2), "siamese": (5e-3, 1e-2, 2e-2, 4e-2)}  # all others: (2e-3, 5e-3, 1e-2)
SCALE = 0.05  # of prototypes
INNER_RATES, INNER_STEPS, STEP_TASKS = (0.01, 0.1), 3, 100  # of ProtoMAML
ARMS = ("prototypes", "matching", "without temperature", "context", "siamese")
READINGS = {
    "prototypes": read_prototypes(SCALE),
    "matching": read_matching(),
    "without temperature": read_matching(1.0),
    "context": read_in_context(),
    "siamese": read_siamese,
}
GradientOf = Callable[[Params, Episode], tuple[Params, dict[str, Tensor]]]
Figure = dict[str, Any]


def start_of(arm: str, seed: int, net: Conv4 = NET) -> Params:
    """The same body for all arms of a seed, and what the arm adds."""
    generator = torch.Generator().manual_seed(seed)
    theta = net.init(generator)
    extra = {
        "matching": init_matching,
        "siamese": lambda: init_siamese(net.features),
        "context": lambda: init_context(net.features, generator),
    }.get(arm, dict)()
    return {name: theta[name] for name in net.body_names} | extra


def gradient_of_arm(arm: str, net: Conv4 = NET) -> GradientOf:
    loss = pair_loss if arm == "siamese" else None
    return lambda theta, episode: reading_gradient(net.features_of, READINGS[arm], theta, episode, loss=loss)


def trained(
    gradient: GradientOf,
    theta: Params,
    sample: Callable[[torch.Generator], Episode],
    *,
    seconds: float,
    rate: float,
    seed: int,
    updates: int | None = None,
) -> tuple[Params, dict[str, float]]:
    """Adam with a cosine over the seconds of this process, drawing included; theta, and what it took.

    updates: so many of them in place of the seconds, where a run is to match one that was made on a machine with nothing else to do.
    """
    point = leaves(theta)
    optimizer = torch.optim.Adam(list(point.values()))
    generator = torch.Generator().manual_seed(1000 + seed)
    used, steps, losses = 0.0, 0, []
    while used < seconds if updates is None else steps < updates:
        began = time.process_time()
        done = used / seconds if updates is None else steps / updates
        share = 0.5 * (1 + torch.tensor(torch.pi * min(1.0, done)).cos().item())
        optimizer.param_groups[0]["lr"] = rate * max(0.02, share)
        found, numbers = gradient(point, sample(generator))
        for name, value in clip(found, CLIP).items():
            point[name].grad = value.detach()
        optimizer.step()
        losses.append(float(numbers["loss"]))
        steps += 1
        used += time.process_time() - began
    last = losses[-200:]
    about = {"updates": steps, "seconds": round(used, 1), "loss": sum(last) / len(last)}
    return {name: value.detach() for name, value in point.items()}, about


def drawn(
    split: Characters, tasks: int, ways: int, shots: int, queries: int, seed: int, batch: int = 50
) -> list[Episode]:
    """As lesson 09 draws them: batches of 50 out of one seed. 1000 of 5 ways, 15 queries and seed 1 are its test tasks."""
    generator = torch.Generator().manual_seed(seed)
    return [
        split.sample(min(batch, tasks), ways, shots, queries, generator=generator)
        for _ in range(0, tasks, batch)
    ]


def scores(arm: str, theta: Params, episodes: list[Episode], modes: tuple[str, ...]) -> dict[str, Tensor]:
    """Each task's share of right answers, by the arm's own way to answer."""
    return reading_accuracy(NET.features_of, READINGS[arm], theta, episodes, modes=modes)


@torch.no_grad()
def read_otherwise(arm: str, theta: Params, episodes: list[Episode]) -> dict[str, float]:
    """The same network's features under other test rules: what of a method is its training, what its rule."""
    rules: dict[str, Callable[..., Tensor]] = {
        "cosine, t = 1": lambda *a: matching_logits(*a, scale=1.0),
        "cosine, t = 10": lambda *a: matching_logits(*a, scale=10.0),
        "cosine, t = 40": lambda *a: matching_logits(*a, scale=40.0),
        "squared distance": prototype_logits,
    }
    found: dict[str, list[Tensor]] = {name: [] for name in rules}
    for episode in episodes:
        support, query = features_of(NET.features_of, theta, episode)
        ways = int(episode.support_y.max()) + 1
        for name, rule in rules.items():
            found[name].append(share_right(rule(support, episode.support_y, query, ways), episode.query_y))
    return {name: 100 * torch.cat(values).mean().item() for name, values in found.items()}


def steps(seed: int) -> None:
    """ProtoMAML's inner steps at test, from a network that was trained as prototypes: what 0 to 3 of them give."""
    name = f"steps-{seed}"
    if stored(name):
        return
    kept = load_checkpoint(RUNS / f"prototypes-{seed}.safetensors")
    theta = {each: kept.tensors[f"theta.{each}"] for each in NET.body_names}
    test, net, row = Characters.omniglot().split("random").test, Conv4(5, NET.filters, head="flatten"), {}
    for shots in (1, 5):
        episodes = drawn(test, STEP_TASKS, 5, shots, 10, seed=1)
        for rate in INNER_RATES:
            found = step_accuracy(net, theta, episodes, sgd(rate), INNER_STEPS, modes=("transductive",),
                                  start=prototype_start(net, scale=SCALE))["transductive"]  # fmt: skip
            row[f"{shots} shots.{rate:g}"] = (100 * found.mean(0)).tolist()
    store(name, row)
    print(name, row, flush=True)


def store(name: str, row: dict[str, Any]) -> None:
    RUNS.mkdir(parents=True, exist_ok=True)
    (RUNS / f"{name}.json").write_text(json.dumps(row, indent=1))


def stored(name: str) -> dict[str, Any] | None:
    path = RUNS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def rates(arm: str) -> None:
    """The outer rates, seed 0, on 200 validation tasks."""
    name = f"rates-{arm}"
    if stored(name):
        return
    train, validation, _ = Characters.omniglot().split("random")
    watched = drawn(validation, 200, 5, 1, 15, seed=77)
    row = {}
    for rate in RATES.get(arm, (2e-3, 5e-3, 1e-2)):
        theta, about = trained(
            gradient_of_arm(arm), start_of(arm, 0), lambda g: train.sample(1, 20, 1, 2, generator=g),
            seconds=TRIED, rate=rate, seed=0,
        )  # fmt: skip
        value = over_tasks(scores(arm, theta, watched, ("transductive",))["transductive"]).scaled(100)
        row[f"{rate:g}"] = {"value": value.mean, "interval": value.half_width, **about}
        print(arm, rate, value, about, flush=True)
    store(name, row)


def chosen(arm: str) -> float:
    tried = stored(f"rates-{arm}")
    if not tried:
        raise SystemExit(f"Choose the rate first: python -m studies.lesson18_metric rates '{arm}'")
    return float(max(tried, key=lambda rate: tried[rate]["value"]))


def train(arm: str, seed: int) -> None:
    """One arm, one seed: its parameters, with what it took."""
    path = RUNS / f"{arm}-{seed}.safetensors"
    if path.exists():
        return
    train = Characters.omniglot().split("random").train
    theta, about = trained(
        gradient_of_arm(arm), start_of(arm, seed), lambda g: train.sample(1, 20, 1, 2, generator=g),
        seconds=SECONDS, rate=chosen(arm), seed=seed,
    )  # fmt: skip
    RUNS.mkdir(parents=True, exist_ok=True)
    about = {"arm": arm, "rate": chosen(arm), **about}
    save_checkpoint(path, {f"theta.{n}": v for n, v in theta.items()}, about)
    print(arm, seed, about, flush=True)


CELLS = {"5way1shot": (1000, 5, 1, 15), "5way5shot": (300, 5, 5, 5), "20way1shot": (200, 20, 1, 4)}


def measure(arm: str, seed: int, cell: str) -> None:
    """What one trained network does on the test tasks of one kind."""
    name = f"{arm}-{seed}-{cell}"
    if stored(name):
        return
    kept = load_checkpoint(RUNS / f"{arm}-{seed}.safetensors")
    theta = {name.removeprefix("theta."): value for name, value in kept.tensors.items()}
    test = Characters.omniglot().split("random").test
    episodes = drawn(test, *CELLS[cell], seed=1, batch=20 if cell == "20way1shot" else 50)
    modes = ("transductive", "support") if cell == "5way1shot" else ("transductive",)
    row: dict[str, Any] = {
        mode: 100 * values.mean().item() for mode, values in scores(arm, theta, episodes, modes).items()
    }
    if cell != "5way1shot":
        row["read"] = read_otherwise(arm, theta, episodes)
    store(name, row)
    print(name, row, flush=True)


def figure(name: str, values: list[float], *, unit: str = "%", note: str = "", seeds: Any = SEEDS) -> Figure:
    found = over_seeds(values) if len(values) > 1 else Interval(values[0], 0.0, 1)
    said = "seeds: " + ", ".join(f"{value:.2f}" for value in values) + (f"; {note}" if note else "")
    return {
        "name": name, "value": round(found.mean, 3), "interval": round(found.half_width, 3), "unit": unit,
        "seeds": list(seeds)[: len(values)], "seconds": SECONDS, "device": "cpu", "tasks": None, "note": said,
    }  # fmt: skip


def collect() -> None:
    """All runs into the ledger."""
    figures, tried = [], []
    arms = {arm: [seed for seed in SEEDS if (RUNS / f"{arm}-{seed}.safetensors").exists()] for arm in ARMS}
    means: dict[tuple[str, str], list[float]] = {}
    for arm, seeds in arms.items():
        for rate, each in (stored(f"rates-{arm}") or {}).items():
            tried.append(
                figure(f"{arm}.{rate}", [each["value"]], note=f"{each['updates']} updates", seeds=(0,))
            )
        if not seeds:
            continue
        for cell in CELLS:
            rows = [row for seed in seeds if (row := stored(f"{arm}-{seed}-{cell}"))]
            if len(rows) < len(seeds):
                continue
            for mode in ("transductive", "support"):
                if mode in rows[0]:
                    means[arm, f"{cell}.{mode}"] = values = [row[mode] for row in rows]
                    figures.append(figure(f"{arm}.{cell}.{mode}", values))
            for rule in rows[0].get("read", ()):
                figures.append(figure(f"{arm}.read.{cell}.{rule}", [row["read"][rule] for row in rows]))
        kept = [load_checkpoint(RUNS / f"{arm}-{seed}.safetensors") for seed in seeds]
        figures.append(figure(f"{arm}.updates", [each.about["updates"] for each in kept], unit=""))
        note = "last 200 updates, 20 ways"
        figures.append(figure(f"{arm}.loss", [each.about["loss"] for each in kept], unit="", note=note))
        figures.append(
            figure(f"{arm}.rate", [kept[0].about["rate"]], unit="", note="chosen on validation tasks")
        )
        if arm == "matching":
            learned = [each.tensors["theta.matching.log_scale"].exp().item() for each in kept]
            figures.append(figure(f"{arm}.temperature", learned, unit=""))
    walked = [row for seed in SEEDS if (row := stored(f"steps-{seed}"))]
    for setting in walked[0] if walked else ():
        for k in range(INNER_STEPS + 1):
            values = [row[setting][k] for row in walked]
            figures.append(figure(f"steps.{setting}.{k}", values) | {"tasks": STEP_TASKS})
            if k:
                gain = [row[setting][k] - row[setting][0] for row in walked]
                figures.append(
                    figure(f"steps.{setting}.{k}.gain", gain, unit="points", note="paired over seeds")
                )
    for first, second in (("context", "matching"), ("matching", "without temperature"), ("prototypes", "matching"),
                          ("matching", "siamese")):  # fmt: skip
        for cell in CELLS:
            a, b = (means.get((arm, f"{cell}.transductive"), []) for arm in (first, second))
            if len(a) == len(b) > 0:
                gain = [x - y for x, y in zip(a, b, strict=True)]
                note = "paired over seeds"
                figures.append(figure(f"{first} - {second}.{cell}", gain, unit="points", note=note))
    command = "python -m studies.lesson18_metric"
    keep_results(
        LESSON, "arms", figures, command=f"{command} rates ARM; measure ARM; collect", seconds_of="one core"
    )
    keep_results(LESSON, "rates", tried, command=f"{command} rates ARM; measure ARM; collect")
    for arm, name in (("matching", "18-matching"),):
        kept = load_checkpoint(RUNS / f"{arm}-0.safetensors")
        save_checkpoint(data_folder() / "checkpoints" / f"{name}.safetensors", kept.tensors,
                        {"arm": arm, "filters": NET.filters, "seconds": SECONDS})  # fmt: skip


MAP_CLASSES, MAP_SUPPORT, MAP_QUERIES, MAP_TRIED, MAP_WANTED = 5, 5, 2, 200, 0.8


@torch.no_grad()
def draw_map() -> None:
    """Of 200 sets of five test characters of one alphabet that on which one shot is right most nearly in four of five."""
    kept = load_checkpoint(RUNS / "matching-0.safetensors")
    theta = {name.removeprefix("theta."): value for name, value in kept.tensors.items()}
    test, best = Characters.omniglot().split("random").test, None
    generator, each = torch.Generator().manual_seed(18), MAP_SUPPORT + MAP_QUERIES
    for _ in range(MAP_TRIED):
        episode = test.sample(1, MAP_CLASSES, each, 1, generator=generator, within_alphabet=True)
        order = episode.support_y[0].argsort(stable=True)
        pictures = episode.support_x[0][order]
        features = NET.features_of(theta, pictures).double().unflatten(0, (MAP_CLASSES, each))
        logits = matching_logits(
            features[:, 0], torch.arange(MAP_CLASSES), features[:, 1:].flatten(0, 1), MAP_CLASSES
        )
        truth = torch.arange(MAP_CLASSES).repeat_interleave(each - 1)
        off = abs(share_right(logits, truth).item() - MAP_WANTED)
        if best is None or off < best[0]:
            best = (off, pictures.unflatten(0, (MAP_CLASSES, each)), features)
    assert best is not None
    _, pictures, features = best
    flat = features.flatten(0, 1)
    centre = flat.mean(0)
    plane = torch.linalg.svd(flat - centre, full_matrices=False).Vh[:2]
    stored_map = {
        "pictures": (255 * pictures[:, :, 0]).round().to(torch.uint8), "features": features.float(),
        "centre": centre.float(), "plane": plane.float(),
    }  # fmt: skip
    about = {"support": MAP_SUPPORT, "arm": "matching", "seed": 0}
    save_checkpoint(data_folder() / "checkpoints" / "18-map.safetensors", stored_map, about)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["rates", "measure", "steps", "collect", "map"])
    parser.add_argument("arm", nargs="?", choices=ARMS)
    parser.add_argument("--seeds", nargs="*", type=int, default=SEEDS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.what in ("collect", "map"):
        {"collect": collect, "map": draw_map}[options.what]()
        return
    if options.what == "rates":
        rates(options.arm)
    for seed in options.seeds:
        if options.what == "steps":
            steps(seed)
        elif options.what == "rates":
            train(options.arm, seed)
        else:
            for cell in CELLS:
                measure(options.arm, seed, cell)


if __name__ == "__main__":
    main()
