"""Lesson 16: where nobody knows an augmentation, is interpolation the right tool?

    python -m studies.lesson16_no_augmentation sinusoids   MAML on five sinusoids, seven arms, five sets of tasks
    python -m studies.lesson16_no_augmentation features    ProtoNet on tables of numbers, 20 characters, six arms, five sets
    python -m studies.lesson16_no_augmentation labels      the same tasks with labels fixed and permuted, three sets

**Sinusoids.** y = a sin(x - phase), five training tasks with any number of points, ten a support set; new tasks at test. Two
mixtures are sinusoids again only if both tasks were measured at the same inputs. **Features.** 196 numbers a drawing (its
2 x 2 blocks, in an order nobody tells), for which shift and bend mean nothing. **Labels.** Each of 20 characters always has the
same label, or the labels of the same tasks are dealt anew.

All arms of one part take the same number of outer steps; one run is one line of ``runs/16-few-tasks/``.
"""

import argparse
import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.fit import Fit, fit
from mlteach.inner import adapt, sgd
from mlteach.measure import over_seeds, path_of
from mlteach.measure.ledger import keep_results
from mlteach.metric import prototype_accuracy, prototype_gradient
from mlteach.nets import MLP, Conv4, cross_entropy, share_right, squared_error
from mlteach.outer import maml_gradient
from mlteach.params import Params, stack
from mlteach.tasks import Characters, Episode, Sinusoids
from mlteach.tasks.interpolation import by_class, interpolate, mixing_share, partners
from studies.lesson16_few_tasks import drawn, few
from studies.lesson16_rows import LESSON, rows_of, with_gains
from studies.shared import Figure, figure

# Sinusoids -----------------------------------------------------------------------------------------------------------

CURVE, FAMILY = MLP(activation="tanh"), Sinusoids.finn()
KNOWN, SHOTS, AT_ONCE = 5, 10, 5  # training tasks, points, tasks a step
CURVE_STEPS, CURVE_RULE, CURVE_INNER = 1200, sgd(0.05), 2
CURVE_ARMS = (
    "none",
    "mix",
    "mix, same inputs",
    "turn, same inputs",
    "noise on inputs",
    "dropout",
    "weight decay",
)
NOISE, DROP, DECAY = 0.3, 0.2, 0.1


def curve_tasks(arm: str, seed: int, dice: torch.Generator) -> Callable[[torch.Generator], Episode]:
    """One step's tasks of the five that there are, as the arm changes them."""
    amplitude, phase = FAMILY.draw(KNOWN, generator=torch.Generator().manual_seed(200 + seed))

    def sample(generator: torch.Generator) -> Episode:
        pair = torch.rand(AT_ONCE, KNOWN, generator=generator).argsort(1)[:, :2].T  # a task and its partner
        first, other = 10 * torch.rand(2, AT_ONCE, 2 * SHOTS, 1, generator=generator, dtype=torch.float64) - 5
        inputs = (first, first if "same" in arm else other)
        one, two = (
            Episode(x[:, :SHOTS], y[:, :SHOTS], x[:, SHOTS:], y[:, SHOTS:])
            for x, y in (
                (x, FAMILY.value(x, amplitude[i], phase[i])) for x, i in zip(inputs, pair, strict=True)
            )
        )
        if arm.startswith("mix") and torch.rand((), generator=dice) < 0.5:
            one = interpolate(one, two, mixing_share(AT_ONCE, generator=dice))
        if arm.startswith("turn") and torch.rand((), generator=dice) < 0.5:  # shares whose squares sum to one
            angle = 2 * math.pi * torch.rand(AT_ONCE, 1, 1, generator=dice, dtype=torch.float64)
            one = one._replace(**{
                y: angle.cos() * getattr(one, y) + angle.sin() * getattr(two, y) for y in ("support_y", "query_y")
            })  # fmt: skip
        if arm == "noise on inputs":
            one = one._replace(**{
                x: getattr(one, x) + NOISE * torch.randn(getattr(one, x).shape, generator=dice)
                for x in ("support_x", "query_x")
            })  # fmt: skip
        return one.to(dtype=torch.float32)

    return sample


def with_dropout(theta: Params, dice: torch.Generator) -> Params:
    """theta with some units of the second hidden layer silenced, the same ones in the inner loop and after it."""
    kept = (torch.rand(40, generator=dice) >= DROP) / (1 - DROP)
    return theta | {"layer3.weight": theta["layer3.weight"] * kept}


def curve_run(name: str, seed: int) -> Figure:
    """Squared error on 300 new sinusoids, at the end and at the best of ten looks, and on the training tasks."""
    dice = torch.Generator().manual_seed(1000 + seed)

    def gradient(theta: Params, episode: Episode) -> Any:
        start = partial(with_dropout, dice=dice) if name == "dropout" else dict
        return maml_gradient(CURVE, squared_error, theta, episode, CURVE_RULE, CURVE_INNER, start=start)

    def error(theta: Params, tasks: Episode) -> float:
        def support(params: Params) -> Tensor:
            return squared_error(CURVE(params, tasks.support_x), tasks.support_y)

        with torch.no_grad():
            phi = adapt(support, stack(theta, tasks.tasks), CURVE_RULE, CURVE_INNER)
            return squared_error(CURVE(phi, tasks.query_x), tasks.query_y).mean().item()

    new = {what: FAMILY.sample(300, SHOTS, 50, generator=torch.Generator().manual_seed(seed_of))
           for what, seed_of in (("validation", 6), ("test", 5))}  # fmt: skip
    own = curve_tasks("none", seed, dice)
    owned = [own(torch.Generator().manual_seed(7 + k)) for k in range(8)]
    generator = torch.Generator().manual_seed(seed)
    run = fit(
        gradient, CURVE.init(generator), curve_tasks(name, seed, dice), steps=CURVE_STEPS, generator=generator, lr=5e-3,
        schedule="cosine", clip=1.0, optimizer=optimizer_of(name), progress=None, better="lower",
        validate=lambda theta: error(theta, new["validation"]), every_validation=CURVE_STEPS // 10,
    )  # fmt: skip
    assert run.best is not None
    train = sum(error(run.theta, tasks) for tasks in owned) / len(owned)
    return {
        "test": error(run.theta, new["test"]),
        "early": error(run.best.theta, new["test"]),
        "training": train,
    }


def optimizer_of(name: str) -> Any:
    """Adam, with decay where the arm is that."""
    return partial(torch.optim.AdamW, weight_decay=DECAY) if name == "weight decay" else torch.optim.Adam


# Features ------------------------------------------------------------------------------------------------------------

NUMBERS = 196
TABLE = MLP((NUMBERS, 128, 64))
TABLE_STEPS, TABLE_SCALE, TABLE_LR = 400, 0.1, 2e-3
TABLE_ARMS = ("none", "mix", "swap", "noise on inputs", "dropout", "weight decay")
TABLE_NOISE, TABLE_DROP = 0.15, 0.3


@cache
def shuffle() -> Tensor:
    """The order in which the numbers of a drawing are told: always the same, and nobody knows it."""
    return torch.randperm(NUMBERS, generator=torch.Generator().manual_seed(4))


def tabled(episode: Episode) -> Episode:
    """Each drawing as 196 numbers."""

    def told(x: Tensor) -> Tensor:
        return F.avg_pool2d(x.flatten(0, 1), 2).flatten(1)[:, shuffle()].unflatten(0, x.shape[:2])

    return episode._replace(support_x=told(episode.support_x), query_x=told(episode.query_x))


def swapped(first: Episode, second: Episode, share: Tensor, dice: torch.Generator) -> Episode:
    """CutMix where there are no neighbours: some numbers of the first task's drawings, the others from the second's."""
    keep = torch.rand((first.tasks, 1, NUMBERS), generator=dice) < share.view(-1, 1, 1)
    return first._replace(
        support_x=torch.where(keep, first.support_x, second.support_x),
        query_x=torch.where(keep, first.query_x, second.query_x),
    )


def table_run(name: str, seed: int) -> Figure:
    """Accuracy of a ProtoNet on tables of new characters, at the end and at the best of ten looks on validation."""
    dice, characters = torch.Generator().manual_seed(1000 + seed), few(20, seed)

    def sample(generator: torch.Generator) -> Episode:
        episode = tabled(by_class(characters.sample(2, 10, 1, 4, generator=generator)))
        if name == "noise on inputs":
            episode = episode._replace(**{
                x: getattr(episode, x) + TABLE_NOISE * torch.randn(getattr(episode, x).shape, generator=dice)
                for x in ("support_x", "query_x")
            })  # fmt: skip
        return episode

    def mix(episode: Episode) -> Episode:
        other, share = partners(episode), mixing_share(episode.tasks, generator=dice)
        return swapped(episode, other, share, dice) if name == "swap" else interpolate(episode, other, share)

    def features(params: Params, x: Tensor) -> Tensor:
        found = TABLE(params, x)
        if name != "dropout":
            return found
        return found * (torch.rand(found.shape, generator=dice) >= TABLE_DROP) / (1 - TABLE_DROP)

    def gradient(theta: Params, episode: Episode) -> Any:
        mixes = name in ("mix", "swap") and torch.rand((), generator=dice) < 0.5
        return prototype_gradient(features, theta, episode, scale=TABLE_SCALE, mix=mix if mixes else None)

    def score(theta: Params, where: str, tasks: int, seed_of: int) -> float:
        episodes = [tabled(each) for each in drawn(where, tasks, seed=seed_of)]
        found = prototype_accuracy(
            lambda params, x, mode, support: TABLE(params, x), theta, episodes, modes=["transductive"]
        )
        return 100 * found["transductive"].mean().item()

    generator = torch.Generator().manual_seed(seed)
    run: Fit = fit(
        gradient, TABLE.init(generator), sample, steps=TABLE_STEPS, generator=generator, lr=TABLE_LR, schedule="cosine",
        optimizer=optimizer_of(name), progress=None, every_validation=TABLE_STEPS // 10,
        validate=lambda theta: score(theta, "validation", 100, 77),
    )  # fmt: skip
    assert run.best is not None
    training = 100 * sum(float(each) for each in run.history["accuracy"][-50:]) / 50
    return {
        "test": score(run.theta, "test", 200, 2),
        "early": score(run.best.theta, "test", 200, 2),
        "training": training,
    }


# Labels --------------------------------------------------------------------------------------------------------------

FIVE = Conv4(5, 32, head="flatten")
LABEL_RULE, LABEL_INNER, LABEL_STEPS = sgd(0.4), 1, 200
LABELS = ("fixed", "permuted")


def grouped_tasks(characters: Characters, permuted: bool, tasks: int, queries: int) -> Callable[..., Episode]:
    """Tasks of one character out of each of five groups. The group is the label; or the labels are dealt anew for each task."""
    groups = [characters.part(range(k, len(characters), 5)) for k in range(5)]

    def sample(generator: torch.Generator) -> Episode:
        parts = [group.sample(tasks, 1, 1, queries, generator=generator) for group in groups]
        label = torch.arange(5).expand(tasks, 5)
        if permuted:
            label = torch.rand(tasks, 5, generator=generator).argsort(1)
        return Episode(
            torch.cat([part.support_x for part in parts], 1), label,
            torch.cat([part.query_x for part in parts], 1), label.repeat_interleave(queries, 1),
        )  # fmt: skip

    return sample


def answers(theta: Params, episode: Episode, turned: int = 0, steps: int = LABEL_INNER) -> Tensor:
    """What the network says of the queries [tasks, Q] after adapting to support labels moved on by ``turned``."""
    episode = episode._replace(support_y=(episode.support_y + turned) % 5)
    phi = path_of(FIVE, theta, episode, LABEL_RULE, steps)[-1]
    with torch.no_grad():
        return FIVE(phi, episode.query_x)


def label_run(name: str, seed: int) -> Figure:
    """MAML with a learned head on grouped tasks: own and new tasks, before and after adapting, and the detector."""
    characters = few(20, seed)
    sample = grouped_tasks(characters, name == "permuted", 4, 4)
    generator = torch.Generator().manual_seed(seed)
    run = fit(
        lambda theta, episode: maml_gradient(FIVE, cross_entropy, theta, episode, LABEL_RULE, LABEL_INNER),
        FIVE.init(generator), sample, steps=LABEL_STEPS, generator=generator, lr=2e-3, schedule="cosine", clip=1.0,
        progress=None,
    )  # fmt: skip
    own = grouped_tasks(characters, name == "permuted", 50, 10)(torch.Generator().manual_seed(8))
    row: Figure = {}
    for what, tasks in (("own", own), ("new", drawn("test", 50)[0])):
        before, after = (answers(run.theta, tasks, steps=steps) for steps in (0, LABEL_INNER))
        row[f"{what} before"] = 100 * share_right(before, tasks.query_y).mean().item()
        row[f"{what} after"] = 100 * share_right(after, tasks.query_y).mean().item()
        moved = answers(run.theta, tasks, turned=1)
        row[f"{what} unmoved"] = 100 * (moved.argmax(-1) == after.argmax(-1)).double().mean().item()
    return row


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["sinusoids", "features", "labels"])
    parser.add_argument("--part", type=int, help="run this one set alone, and write no results yet")
    options = parser.parse_args()
    what = options.what
    names, run, sets = {"sinusoids": (CURVE_ARMS, curve_run, 5), "features": (TABLE_ARMS, table_run, 5),
                        "labels": (LABELS, label_run, 3)}[what]  # fmt: skip
    rows = rows_of(what, [{"name": n, "seed": s} for s in range(sets) for n in names], run, options.part)
    keys = tuple(key for key in rows[0] if key not in ("name", "seed"))
    if what == "labels":
        figures = [
            figure(f"{name}.{key}", over_seeds([row[key] for row in rows if row["name"] == name]), "%", range(sets), 50,
                   "over character sets: " + ", ".join(f"{row[key]:.1f}" for row in rows if row["name"] == name))
            for name in names for key in keys
        ]  # fmt: skip
    else:
        unit = ("squared error", "squared error") if what == "sinusoids" else ("%", "points")
        figures = list(with_gains(rows, lambda row: "5" if what == "sinusoids" else "20", keys, 200, unit))
    keep_results(LESSON, what, figures, command=f"python -m studies.lesson16_no_augmentation {what}")


if __name__ == "__main__":
    main()
