"""Lesson 17: trained without a label, how near does a network come to one with labels, and what carries it?

    python -m studies.lesson17_views choices    temperature, rate, batch and strength of the views, on validation characters
    python -m studies.lesson17_views alone      each kind of view alone and all together, four seconds, three seeds
    python -m studies.lesson17_views equal      two losses on views beside labels, fifteen seconds of one core, three seeds
    python -m studies.lesson17_views explorer   two small networks that the explorer looks through, one seed
    python -m studies.lesson17_views collapse   no other pictures at all: what keeps the rows apart, three seeds

One run is one line of ``runs/17-views/WHAT.jsonl``, so that each command goes on where it was stopped; at the end it writes
``data/results/17-WHAT.json``. Seconds are the process's own on one thread, evaluation excluded. Tests are lesson 09's 1000
tasks, 5 ways, 1 shot, 15 queries a class (``equal``), or the first 200 of them (all else, and one by one in ``equal``).
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import cache, partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from mlteach.checkpoint import save_checkpoint
from mlteach.fit import fit
from mlteach.measure import over_seeds
from mlteach.measure.ledger import data_folder, keep_results
from mlteach.measure.neighbour import centred
from mlteach.metric import prototype_accuracy
from mlteach.metric.contrastive import (
    byol_loss,
    contrastive_gradient,
    matching_loss,
    nt_xent,
    partners_found,
    unit,
)
from mlteach.nets import Conv4
from mlteach.nets.norm import EPSILON
from mlteach.params import Params, gradient_of, leaves, stack
from mlteach.tasks import Characters, Episode
from mlteach.tasks.interpolation import by_class
from mlteach.tasks.views import View, two_views
from studies.shared import Figure, figure, tasks_of

LESSON = "17_contrastive"
NET = Conv4(5, 32, head="flatten")
PICTURES, TEMPERATURE, LR = 64, 0.05, 5e-3
VIEW = View(shift=3, bend=1.5)
SECONDS = {"choices": 8, "alone": 4, "equal": 15, "collapse": 10}
TESTS = {"choices": 150, "alone": 200, "equal": 1000, "collapse": 200}

Move = Callable[[Params, Episode], Any]

#: Each kind of view alone, about as strong as hands differ. "centred": of drawings moved to their middle, in training and test.
ALONE = {
    "shift": View(shift=3),
    "bend": View(bend=1.5),
    "scale": View(scale=0.25),
    "rotate": View(rotate=20),
    "shear": View(shear=0.3),
    "cover": View(cover=8),
    "thicken": View(thicken=0.5),
    "shift + bend": VIEW,
    "all seven": View(shift=3, bend=1.5, scale=0.25, rotate=20, shear=0.3, cover=8, thicken=0.3),
    "cover most": View(cover=20),
    "shift, centred": View(shift=3),
    "bend, centred": View(bend=1.5),
    "thicken, centred": View(thicken=0.5),
}
#: One change at a time from a temperature of 0.1 and what stands above; so 0.05 was chosen.
CHOICES: dict[str, dict[str, Any]] = {
    "as above": {},
    **{f"temperature {each}": {"temperature": each} for each in (0.05, 0.2, 0.5)},
    **{f"rate {each}": {"lr": each} for each in (2e-3, 1e-2)},
    **{f"{each} pictures": {"pictures": each} for each in (32, 128)},
    "shift 2": {"view": View(shift=2, bend=1.5)},
    "shift 4.5": {"view": View(shift=4.5, bend=1.5)},
    "bend 1": {"view": View(shift=3, bend=1)},
    "bend 2.5": {"view": View(shift=3, bend=2.5)},
}


@cache
def splits() -> Any:
    """Training characters with their rotated copies, validation and test characters as they are."""
    return Characters.omniglot().split("random", rotations="train")


@cache
def drawn(where: str, tasks: int, seed: int = 2) -> list[Episode]:
    """Tasks to be judged on: for ``test`` and seed 2 those of lesson 09."""
    return tasks_of(getattr(splits(), where), tasks, seed)


def rows_at_one(params: Params, x: Tensor, *mode: Any, **more: Any) -> Tensor:
    """The network's features at length one."""
    return unit(NET.features_of(params, x, *mode, **more))


@cache
def middle_images() -> Tensor:
    """The training pictures, each centred on its ink."""
    parts = [centred(part[:, None] / 255) for part in splits().train.images.flatten(0, 1).split(4000)]
    return torch.cat([(255 * part[:, 0]).round().to(torch.uint8) for part in parts])


def middle(episode: Episode) -> Episode:
    """Every picture centred on its ink."""
    return episode._replace(support_x=centred(episode.support_x), query_x=centred(episode.query_x))


def judged(theta: Params, where: str, tasks: int, modes: tuple[str, ...], centre: bool = False) -> Figure:
    """Percent of right answers in each mode, nearest support picture by cosine."""
    episodes = drawn(where, tasks, 2 if where == "test" else 77)
    episodes = [middle(each) for each in episodes] if centre else episodes
    found = prototype_accuracy(rows_at_one, theta, episodes, modes=modes)
    return {mode: 100 * values.mean().item() for mode, values in found.items()}


def unlabelled(
    view: View, pictures: int = PICTURES, images: Tensor | None = None
) -> Callable[[torch.Generator], Episode]:
    """One batch of pictures, two views of each; which character a picture shows is not looked at."""
    pool = splits().train.images if images is None else images
    return lambda generator: two_views(pool, pictures, view, generator=generator)


def labelled(view: View, pictures: int = PICTURES) -> Callable[[torch.Generator], Episode]:
    """As many pictures of as many different characters: another drawing of the character in place of another view."""

    def sample(generator: torch.Generator) -> Episode:
        episode = by_class(splits().train.sample(1, pictures, 1, 1, generator=generator))
        both = {part: view(getattr(episode, part), generator) for part in ("support_x", "query_x")}
        return episode._replace(**both)

    return sample


def first_theta(generator: torch.Generator) -> Params:
    """The network's first parameters, without a head."""
    theta = NET.init(generator)
    return {name: theta[name] for name in NET.body_names}


def trained(
    move: Move, sample: Callable[[torch.Generator], Episode], seed: int, seconds: float, lr: float = LR, looks: int = 0,
    theta: Params | None = None,
) -> tuple[Any, Figure]:  # fmt: skip
    """A network after so many seconds of one core: how many steps that is, is measured before. ``looks``: so many in between."""
    generator = torch.Generator().manual_seed(seed)
    theta = first_theta(generator) | (theta or {})
    spent: list[float] = []
    for _ in range(30):  # the median: what else runs on the machine makes single steps slow
        began = time.process_time()
        move(theta, sample(torch.Generator().manual_seed(0)))
        spent.append(time.process_time() - began)
    steps = round(seconds / (1.08 * sorted(spent[5:])[12]))  # and Adam's own share
    look: dict[str, Any] = {}
    if looks:
        looked = [0.0]

        def judge(now: Params) -> float:
            began = time.process_time()
            found = judged(now, "test", 50, ("transductive",))["transductive"]
            looked[0] += time.process_time() - began
            return found

        look = {"validate": judge, "every_validation": -(-steps // looks)}
    began = time.process_time()
    run = fit(
        move, theta, sample, steps=steps, generator=generator, lr=lr, schedule="cosine", progress=None, **look
    )
    took = time.process_time() - began - (looked[0] if looks else 0)
    last = max(1, steps // 10)
    row: Figure = {"steps": steps, "seconds": round(took, 2), "loss": sum(run.history["loss"][-last:]) / last}
    if looks:
        row |= {"curve": list(run.validation[next(k for k in run.validation if k != "step")])}
    return run, row


def contrast(loss: Callable[..., Tensor], temperature: float = TEMPERATURE) -> Move:
    """The gradient of one loss on two views."""
    return partial(contrastive_gradient, NET.features_of, loss=partial(loss, temperature=temperature))


# The runs ------------------------------------------------------------------------------------------------------------


def choice(name: str, seed: int) -> Figure:
    """One candidate on validation characters."""
    has = CHOICES[name]
    sample = unlabelled(has.get("view", VIEW), has.get("pictures", PICTURES))
    run, row = trained(
        contrast(nt_xent, has.get("temperature", 0.1)), sample, seed, SECONDS["choices"], has.get("lr", LR)
    )
    return row | judged(run.theta, "validation", TESTS["choices"], ("transductive",))


def partners_of(view: View, see: Callable[[Tensor], Tensor], batches: int = 10) -> float:
    """How often a view is nearest to its partner among 64 pictures, in percent, on validation pictures nobody labelled."""
    generator = torch.Generator().manual_seed(5)
    episode = two_views(splits().validation.images, PICTURES, view, generator=generator, tasks=batches)
    found = [partners_found(see(a), see(b)) for a, b in zip(episode.support_x, episode.query_x, strict=True)]
    return 100 * torch.stack(found).mean().item()


def alone(name: str, seed: int) -> Figure:
    """One kind of view: accuracy, training loss, and how often pixels alone find the partner."""
    view, centre = ALONE[name], name.endswith("centred")
    images = middle_images() if centre else None
    run, row = trained(contrast(nt_xent), unlabelled(view, images=images), seed, SECONDS["alone"])
    see = partial(NET.features_of, run.theta)
    row |= {"pixels": partners_of(view, lambda x: x.flatten(1)), "partners": partners_of(view, see)}
    return row | judged(run.theta, "test", TESTS["alone"], ("transductive",), centre)


EQUAL: dict[str, tuple[Callable[..., Tensor], bool, View]] = {
    "NT-Xent, views": (nt_xent, False, VIEW),
    "matching, views": (matching_loss, False, VIEW),
    "matching, labels": (matching_loss, True, View()),
    "matching, labels and views": (matching_loss, True, VIEW),
}


def equal(name: str, seed: int) -> Figure:
    """One loss for fifteen seconds, with two views of a picture or with two drawings of a character."""
    loss, told, view = EQUAL[name]
    run, row = trained(
        contrast(loss), (labelled if told else unlabelled)(view), seed, SECONDS["equal"], looks=4
    )
    row |= judged(run.theta, "test", TESTS["equal"], ("transductive",))
    return row | judged(run.theta, "test", 200, ("support",))


# Without other pictures ----------------------------------------------------------------------------------------------

HIDDEN = 128


def predictor(generator: torch.Generator) -> Params:
    """A layer of ReLUs and a linear one, from rows to rows."""
    size = NET.features
    shapes = {"predict1": (HIDDEN, size), "predict2": (size, HIDDEN)}
    return {name: torch.randn(shape, generator=generator) / shape[1] ** 0.5 for name, shape in shapes.items()}


class Pull:
    """The gradient of pulling each view to the other: with a predictor or without, its target held still or not, or following."""

    def __init__(self, predict: bool, still: bool, follow: float | None = None) -> None:
        self.predict, self.still, self.follow = predict, still, follow
        self._target: Params | None = None

    def __call__(self, theta: Params, episode: Episode) -> Any:
        point, count = leaves(theta), episode.support_y.shape[1]
        both = torch.cat([episode.support_x, episode.query_x], 1)
        rows = NET.features_of(stack(point, 1), both)[0]
        goal, said = rows, rows
        if self.follow is not None:
            with torch.no_grad():
                old = self._target or theta
                self._target = {
                    name: old[name].lerp(theta[name].detach(), 1 - self.follow) for name in NET.body_names
                }
                goal = NET.features_of(stack(self._target, 1), both)[0]
        if self.predict:
            said = F.linear(F.relu(F.linear(rows, point["predict1"])), point["predict2"])
        loss = torch.zeros(())
        for one, other in ((slice(count), slice(count, None)), (slice(count, None), slice(count))):
            if self.still:
                loss = loss + byol_loss(said[one], goal[other]) / 2
            else:
                loss = loss + (2 - 2 * F.cosine_similarity(said[one], goal[other], dim=-1)).mean() / 2
        return gradient_of(loss, point), {"loss": loss.detach()}


#: predictor, target held still, how much of the target stays in each step.
COLLAPSE: dict[str, tuple[bool, bool, float | None] | None] = {
    "pull alone": (False, False, None),
    "held still": (False, True, None),
    "predictor": (True, False, None),
    "predictor, held still": (True, True, None),
    "BYOL: and a slow target": (True, True, 0.99),
    "NT-Xent": None,
}


@torch.no_grad()
def spread(theta: Params) -> Figure:
    """Of 1000 validation pictures: the mean cosine of two different ones, and in how many directions their rows lie."""
    generator = torch.Generator().manual_seed(6)
    seen = two_views(splits().validation.images, 1000, View(), generator=generator).support_x[0]
    rows = unit(NET.features_of(theta, seen)).double()
    similar = rows @ rows.T
    share = torch.linalg.svdvals(rows - rows.mean(0)).square()
    share = share / share.sum()
    return {
        "cosine": ((similar.sum() - similar.trace()) / (1000 * 999)).item(),
        "directions": torch.special.entr(share).sum().exp().item(),
    }


def collapse(name: str, seed: int) -> Figure:
    """One way to pull two views together."""
    way = COLLAPSE[name]
    move = contrast(nt_xent) if way is None else Pull(*way)
    more = predictor(torch.Generator().manual_seed(900 + seed)) if way and way[0] else {}
    run, row = trained(move, unlabelled(VIEW), seed, SECONDS["collapse"], theta=more)
    theta = {key: run.theta[key] for key in NET.body_names}
    return row | spread(theta) | judged(theta, "test", TESTS["collapse"], ("transductive", "support"))


# For the explorer ----------------------------------------------------------------------------------------------------


def explorer(steps: int = 600) -> None:
    """Two networks of 16 filters, their batch norm folded into kernels and biases, into ``data/checkpoints``."""
    net = Conv4(5, 16, head="flatten")
    tensors: Params = {}
    for name, kind in (("views", "shift + bend"), ("thicken", "thicken")):
        generator = torch.Generator().manual_seed(0)
        theta = {key: value for key, value in net.init(generator).items() if key in net.body_names}
        move = partial(contrastive_gradient, net.features_of, loss=partial(nt_xent, temperature=TEMPERATURE))
        run = fit(
            move,
            theta,
            unlabelled(ALONE[kind]),
            steps=steps,
            generator=generator,
            lr=LR,
            schedule="cosine",
            progress=kind,
        )
        seen = two_views(splits().train.images, 1000, View(), generator=generator).support_x[0]
        theta = {key: value.detach() for key, value in run.theta.items()}
        for block, (mean, variance) in enumerate(net.running_statistics(theta, seen).values(), 1):
            gain = theta[f"norm{block}.gamma"] / (variance.flatten() + EPSILON).sqrt()
            tensors[f"{name}.conv{block}"] = theta[f"conv{block}.weight"] * gain[:, None, None, None]
            tensors[f"{name}.bias{block}"] = theta[f"norm{block}.beta"] - mean.flatten() * gain
    about: Figure = {"steps": steps, "pictures": PICTURES, "temperature": TEMPERATURE, "seed": 0}
    about["command"] = "python -m studies.lesson17_views explorer"
    save_checkpoint(data_folder() / "checkpoints" / "17-views.safetensors", tensors, about)


# Rows and figures ----------------------------------------------------------------------------------------------------

RUNS: dict[str, tuple[Callable[..., Figure], Any, range]] = {
    "choices": (choice, CHOICES, range(50, 51)),
    "alone": (alone, ALONE, range(3)),
    "equal": (equal, EQUAL, range(3)),
    "collapse": (collapse, COLLAPSE, range(3)),
}
UNITS = {
    "loss": "nats",
    "steps": "updates",
    "seconds": "s of one core",
    "cosine": "",
    "directions": "directions",
}


def rows_of(what: str, only: str | None, seed: int | None) -> list[Figure]:
    """The result of every run, those that are on file not run again; ``only`` and ``seed``: some, and no results."""
    run, arms, seeds = RUNS[what]
    path = data_folder().parent / "runs" / "17-views" / f"{what}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    for job in tqdm([{"name": name, "seed": each} for each in seeds for name in arms], desc=what, unit="run"):
        passed = only not in (None, job["name"]) or seed not in (None, job["seed"])
        if passed or any(row.items() >= job.items() for row in kept):
            continue
        kept.append(job | run(**job))
        with path.open("a") as file:
            print(json.dumps(kept[-1]), file=file)
    if only is not None or seed is not None:
        raise SystemExit(f"{what} is on file as far as asked for")
    return kept


def figures_of(rows: list[Figure], what: str) -> list[Figure]:
    """Every number of every arm, over its seeds."""
    found = []
    for name in RUNS[what][1]:
        runs = sorted((row for row in rows if row["name"] == name), key=lambda row: row["seed"])
        for key in (key for key in runs[0] if key not in ("name", "seed")):
            values = [row[key] for row in runs]
            pairs = {key: values}
            if key == "curve":
                pairs = {f"curve.{k}": list(each) for k, each in enumerate(zip(*values, strict=True))}
            for label, each in pairs.items():
                mean = over_seeds(each) if len(each) > 1 else each[0]
                note = "over seeds: " + ", ".join(f"{value:.4g}" for value in each)
                seeds = [row["seed"] for row in runs]
                unit = UNITS.get(label, "%")
                found.append(figure(f"{name}.{label}", mean, unit, seeds, TESTS[what], note, digits=4))
    return found


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=[*RUNS, "explorer"])
    parser.add_argument("--arm", help="run this one alone, and write no results yet")
    parser.add_argument("--seed", type=int, help="run this seed alone, and write no results yet")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.what == "explorer":
        return explorer()
    rows = rows_of(options.what, options.arm, options.seed)
    about = {"views": {name: asdict(view) for name, view in ALONE.items()}} if options.what == "alone" else {}
    settings = {
        "pictures": PICTURES,
        "temperature": 0.1 if options.what == "choices" else TEMPERATURE,
        "rate": LR,
        "seconds_of_one_core": SECONDS[options.what],
    }
    keep_results(LESSON, options.what, figures_of(rows, options.what), settings=settings, **about,
                 command=f"python -m studies.lesson17_views {options.what}")  # fmt: skip


if __name__ == "__main__":
    main()
