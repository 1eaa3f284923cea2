"""Lesson 18: Lake's question. Twenty characters of one unseen alphabet, one drawer shows, another asks.

    python -m studies.lesson18_lake untrained        pixels and the modified Hausdorff distance
    python -m studies.lesson18_lake try NAME         one of four recipes, fifteen seconds, on validation alphabets
    python -m studies.lesson18_lake long             one recipe for longer (--seconds), one seed (--seeds); --updates: so many
                                                     of them, as a run of those seconds made on a machine with nothing else to do
    python -m studies.lesson18_lake train NAME       a recipe for fifteen seconds, three seeds
    python -m studies.lesson18_lake collect              writes data/results/18-lake.json and the checkpoint of the longest run

All train a matching network with a learned temperature on tasks of 20 ways out of the background alphabets without the five of
validation (the split "lake", rotations as classes), and are judged on 600 runs of `mlteach.tasks.lake.own_runs` from the evaluation
alphabets: the error, in percent. Seconds are the process's own, on one thread. "collect" keeps the stored figures of what has no run
in ``runs/18-metric``, and the stored seeds of what has some.
"""

import argparse
import json
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from mlteach.checkpoint import load_checkpoint, save_checkpoint
from mlteach.measure import Interval, over_seeds, over_tasks
from mlteach.measure.ledger import data_folder, keep_results, recorded
from mlteach.metric import features_of, hausdorff_table, init_matching, read_matching, reading_gradient
from mlteach.nets import Conv4
from mlteach.params import Params
from mlteach.tasks import Characters, Episode
from mlteach.tasks.augment import augmented
from mlteach.tasks.lake import own_runs
from studies.lesson18_metric import RUNS, SEEDS, store, stored, trained
from studies.shared import beside_recorded

LESSON = "18_learning_a_metric"
TRIED, SHORT, LONG, RATE = 15.0, 15.0, 60.0, 5e-3
TEST_RUNS, WATCHED = 600, 200


class Recipe(NamedTuple):
    """within: tasks out of one alphabet each. bend, shift: pixels of `augmented`. filters: of the Conv-4."""

    within: bool
    bend: float = 0.0
    shift: float = 0.0
    filters: int = 32
    pool: str = "stride"


RECIPES = {
    "mixed": Recipe(False),
    "within": Recipe(True),
    "within, bent": Recipe(True, bend=1.0, shift=1.0),
    "within, 64 filters": Recipe(True, filters=64),
    "within, max pooling": Recipe(True, pool="max"),
    "within, 64 filters, bent": Recipe(True, bend=1.0, shift=1.0, filters=64),
}

TRIES = ("within", "within, bent", "within, 64 filters", "within, max pooling")
#: For the long run. The four tie after fifteen seconds on validation alphabets; of what needs longer to pay, it takes two.
LONGEST = "within, 64 filters, bent"


def net_of(recipe: Recipe) -> Conv4:
    return Conv4(20, recipe.filters, pool=recipe.pool, head="flatten")  # type: ignore[arg-type]


def judged(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Errors in percent of each run, [runs], for scores [runs, Q, S] whose query i is of class i: each query for itself; and
    when every label may be given once (`linear_sum_assignment`)."""
    truth = torch.arange(scores.shape[1])
    alone = (scores.argmax(2) != truth).double().mean(1)
    once = torch.stack(
        [(torch.tensor(linear_sum_assignment(-each.numpy())[1]) != truth).double().mean() for each in scores]
    )
    return 100 * alone, 100 * once


@torch.no_grad()
def cosines(net: Conv4, theta: Params, runs: Episode, mode: str = "transductive") -> Tensor:
    """[runs, Q, S]."""
    found = []
    for first in range(0, runs.tasks, 50):
        support, query = features_of(net.features_of, theta, runs.part(slice(first, first + 50)), mode)
        found.append(F.normalize(query, dim=-1) @ F.normalize(support, dim=-1).mT)
    return torch.cat(found)


def run(
    name: str, seed: int, seconds: float, updates: int | None = None
) -> tuple[Conv4, Params, dict[str, float]]:
    """Train one recipe."""
    recipe = RECIPES[name]
    net = net_of(recipe)
    theta = net.init(torch.Generator().manual_seed(seed))
    start = {each: theta[each] for each in net.body_names} | init_matching()
    train = Characters.omniglot().split("lake").train

    def sample(generator: torch.Generator) -> Episode:
        episode = train.sample(1, 20, 1, 2, generator=generator, within_alphabet=recipe.within)
        if not recipe.bend:
            return episode
        return augmented(episode, shift=recipe.shift, bend=recipe.bend, generator=generator)

    def gradient(theta: Params, episode: Episode) -> tuple[Params, dict[str, Tensor]]:
        return reading_gradient(net.features_of, read_matching(), theta, episode)

    theta, about = trained(gradient, start, sample, seconds=seconds, rate=RATE, seed=seed, updates=updates)
    return net, theta, about


def runs_of(part: str) -> Episode:
    split = Characters.omniglot().split("lake")
    which, count, seed = {"test": (split.test, TEST_RUNS, 1), "validation": (split.validation, WATCHED, 77)}[
        part
    ]
    return own_runs(which, count, generator=torch.Generator().manual_seed(seed))


def attempt(name: str) -> None:
    """One recipe on validation alphabets."""
    if stored(f"lake-try-{name}"):
        return
    net, theta, about = run(name, 0, TRIED)
    alone, _ = judged(cosines(net, theta, runs_of("validation")))
    value = over_tasks(alone)
    store(f"lake-try-{name}", {"value": value.mean, "interval": value.half_width, **about})
    print(name, value, about, flush=True)


def train(name: str, seed: int, seconds: float, updates: int | None = None) -> None:
    """One recipe, judged on the test runs."""
    title = f"lake-{name}-{seed}-{seconds:g}"
    if stored(title):
        return
    net, theta, about = run(name, seed, seconds, updates)
    row: dict[str, Any] = dict(about)
    for mode in ("transductive", "support"):
        alone, once = (over_tasks(each) for each in judged(cosines(net, theta, runs_of("test"), mode)))
        row[mode] = {"alone": [alone.mean, alone.half_width], "once": [once.mean, once.half_width]}
    save_checkpoint(RUNS / f"{title}.safetensors", {f"theta.{n}": v for n, v in theta.items()},
                    {"recipe": RECIPES[name]._asdict(), "seconds": seconds})  # fmt: skip
    store(title, row)
    print(title, row, flush=True)


def untrained() -> None:
    """What costs no training, on the same runs."""
    if stored("lake-untrained"):
        return
    tests, row = runs_of("test"), {}
    flat = [each.flatten(2) for each in (tests.query_x, tests.support_x)]
    tables = {"pixels": -torch.cdist(*flat), "modified Hausdorff": -torch.stack(
        [hausdorff_table(asked, shown, 0.4) for asked, shown in zip(tests.query_x, tests.support_x, strict=True)]
    )}  # fmt: skip
    for name, scores in tables.items():
        alone, once = (over_tasks(each) for each in judged(scores))
        row[name] = {"alone": [alone.mean, alone.half_width], "once": [once.mean, once.half_width]}
        print(name, row[name], flush=True)
    store("lake-untrained", row)


def figure(name: str, found: Interval, *, seeds: Any, seconds: float | None, note: str) -> dict[str, Any]:
    return {
        "name": name, "value": round(found.mean, 3), "interval": round(found.half_width, 3), "unit": "% error",
        "seeds": list(seeds), "seconds": seconds, "device": "cpu", "tasks": TEST_RUNS, "note": note,
    }  # fmt: skip


Row = dict[str, Any]  # of one run: updates, and what it is right in, by mode of batch norm


def earlier(name: str, seconds: float) -> dict[int, Row]:
    """The runs of a recipe that are stored and whose files are gone, as far as their figures tell: by seed."""
    rows: dict[int, Row] = {}
    for mode in ("transductive", "support"):
        for how in ("alone", "once"):
            found = recorded("18", "lake").get(f"{name}.{seconds:g}.{mode}.{how}")
            if found is None:
                continue
            said = dict(part.split(": ") for part in found["note"].split("; ")[1:])
            values = [float(each) for each in said["seeds"].split(", ")]
            if len(values) == 1:
                values = [found["value"]]  # with all its digits
            for seed, value, updates in zip(found["seeds"], values, said["updates"].split(", "), strict=True):
                row = rows.setdefault(seed, {"updates": int(updates), "transductive": {}, "support": {}})
                row[mode][how] = [value, found["interval"]]
    return rows


def collect() -> None:
    """All runs into the ledger. Over one seed the interval is over runs of the test, over several over the seeds."""
    figures = []
    for name, each in (stored("lake-untrained") or {}).items():
        for how, (value, half) in each.items():
            found = Interval(value, half, TEST_RUNS)
            figures.append(figure(f"{name}.{how}", found, seeds=(), seconds=None, note="interval over runs"))
    for name in RECIPES:
        tried = stored(f"lake-try-{name}")
        if tried:
            found = Interval(tried["value"], tried["interval"], WATCHED)
            said = f"validation alphabets; {tried['updates']} updates"
            figures.append(
                figure(f"{name}.tried", found, seeds=(0,), seconds=TRIED, note=said) | {"tasks": WATCHED}
            )
    here: dict[tuple[str, float], dict[int, Row]] = {}
    for path in sorted(RUNS.glob("lake-*-*-*.json")):
        name, seed, seconds = path.stem.removeprefix("lake-").rsplit("-", 2)
        here.setdefault((name, float(seconds)), {})[int(seed)] = json.loads(path.read_text())
    groups = {key: sorted((earlier(*key) | rows).items()) for key, rows in here.items()}
    for (name, seconds), rows in groups.items():
        seeds = [seed for seed, _ in rows]
        for mode in ("transductive", "support"):
            for how in ("alone", "once"):
                values = [row[mode][how][0] for _, row in rows]
                found = over_seeds(values) if len(rows) > 1 else Interval(*rows[0][1][mode][how], TEST_RUNS)
                over = "seeds" if len(rows) > 1 else "runs of the test"
                said = f"interval over {over}; seeds: " + ", ".join(f"{v:.2f}" for v in values)
                said += "; updates: " + ", ".join(str(row["updates"]) for _, row in rows)
                figures.append(
                    figure(f"{name}.{seconds:g}.{mode}.{how}", found, seeds=seeds, seconds=seconds, note=said)
                )
    paired = [groups.get((name, seconds)) for name, seconds in (("within", SHORT), ("mixed", SHORT))]
    if all(paired):
        gain = [
            a["transductive"]["alone"][0] - b["transductive"]["alone"][0]
            for (_, a), (_, b) in zip(*paired, strict=True)
        ]  # type: ignore[misc]
        figures.append(
            figure("within - mixed", over_seeds(gain), seeds=SEEDS, seconds=SHORT, note="paired over seeds")
        )
    keep_results(
        LESSON,
        "lake",
        beside_recorded("18", "lake", figures),
        command="python -m studies.lesson18_lake untrained; try NAME; long; train NAME; collect",
    )
    longest = max(
        RUNS.glob("lake-*-0-*.safetensors"), key=lambda p: float(p.stem.rsplit("-", 1)[1]), default=None
    )
    if longest is not None:
        kept = load_checkpoint(longest)
        save_checkpoint(data_folder() / "checkpoints" / "18-lake.safetensors", kept.tensors, kept.about)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["untrained", "try", "long", "train", "collect"])
    parser.add_argument("name", nargs="?", choices=RECIPES)
    parser.add_argument("--seconds", type=float, default=LONG, help="of the long run")
    parser.add_argument("--updates", type=int, help="of the long run, in place of its seconds")
    parser.add_argument("--seeds", nargs="*", type=int)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.what == "collect":
        collect()
    elif options.what == "untrained":
        untrained()
    elif options.what == "try":
        attempt(options.name)
    elif options.what == "long":
        for seed in options.seeds or (0,):
            train(LONGEST, seed, options.seconds, options.updates)
    else:
        for seed in options.seeds or SEEDS:
            train(options.name, seed, SHORT)


if __name__ == "__main__":
    main()
