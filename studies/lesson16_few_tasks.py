"""Lesson 16: with 20 or 60 training characters, what does interpolating tasks bring, and what do its rivals?

    python -m studies.lesson16_few_tasks choices      settings of each arm, on validation characters
    python -m studies.lesson16_few_tasks characters   ProtoNet, all arms, 20 and 60 characters, five character sets
    python -m studies.lesson16_few_tasks longer       60 characters, four of the arms, four times as many steps, three sets
    python -m studies.lesson16_few_tasks maml         MAML with a head of zeros, six arms, 20 and 60 characters, three sets
    python -m studies.lesson16_few_tasks curves       training and test tasks while it trains, three arms, three sets
    python -m studies.lesson16_few_tasks costs        what a step of each arm costs, beside a plain one

One run is one line of ``runs/16-few-tasks/WHAT.jsonl``, so that each command goes on where it was stopped; at the end it writes
``data/results/16-WHAT.json``. ``--add`` trains only what is not recorded there. All arms take the same number of outer steps from the same start on the same characters, and are
tested on the first 200 of lesson 09's test tasks: 5 ways, 1 shot, 15 queries a class.
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from mlteach.fit import Fit, fit
from mlteach.inner import sgd
from mlteach.measure import Interval, over_seeds, step_accuracy
from mlteach.measure.ledger import keep_results
from mlteach.measure.neighbour import centred
from mlteach.metric import prototype_accuracy, prototype_gradient
from mlteach.nets import Conv4, cross_entropy
from mlteach.outer import maml_gradient
from mlteach.outer.interpolated import Mixed, beside
from mlteach.params import Params
from mlteach.tasks import Characters, Episode
from mlteach.tasks.augment import augmented
from mlteach.tasks.interpolation import by_class, cutmix, interpolate, mixing_share, partners, same_classes
from studies.lesson16_rows import LESSON, kept_as_they_are, rows_of, with_gains
from studies.shared import Figure, figure, tasks_of

FILTERS, WAYS, QUERIES, TASKS = 32, 10, 4, 2  # of a training step
SCALE, LR, STEPS = 0.05, 5e-3, 300
NET = Conv4(5, FILTERS, head="flatten")  # for prototypes the number of ways is no matter
LAYERS = (0, 1, 2, 3)


@dataclass(frozen=True)
class Arm:
    """What is done to the tasks in training, and nothing else differs.

    mix: "", "hidden" (after one of ``layers``), "cutmix", "sharing" (the same characters). often: in which share of the steps.
    """

    mix: str = ""
    often: float = 0.5
    layers: tuple[int, ...] = LAYERS
    shift: float = 0.0
    bend: float = 0.0
    rotations: bool = False
    centre: bool = False
    dropout: float = 0.0


PLAIN = Arm()
#: Chosen by ``choices``; the rivals shift and bend a little below the best that was tried there.
SHIFT, BEND, DROPOUT = 3.0, 1.5, 0.1
HIDDEN, CUTMIX, SHARING = Arm("hidden", 1.0, (1, 2, 3)), Arm("cutmix", 1.0), Arm("sharing")
WARP = Arm(shift=SHIFT, bend=BEND)
ARMS = {
    "none": PLAIN,
    "hidden mix": HIDDEN,
    "CutMix": CUTMIX,
    "label-sharing": SHARING,
    "dropout": Arm(dropout=DROPOUT),
    "centring": Arm(centre=True),
    "shift": Arm(shift=SHIFT),
    "bend": Arm(bend=BEND),
    "shift + bend": WARP,
    "rotations": Arm(rotations=True),
    "rotations + mix": replace(HIDDEN, rotations=True),
    "shift + bend + mix": replace(HIDDEN, shift=SHIFT, bend=BEND),
    "centring + mix": replace(HIDDEN, centre=True),
    "dropout + mix": replace(HIDDEN, dropout=DROPOUT),
}
#: Those that are trained longer, too, with 60 characters; and those that MAML trains with.
LONGER = ("none", "hidden mix", "shift + bend", "rotations")
MAML_ARMS = ("none", "hidden mix", "CutMix", "label-sharing", "rotations", "shift + bend")
#: One change at a time, on validation characters.
CHOICES = {
    "none": PLAIN,
    **{f"hidden mix, every {round(1 / often)}. step, blocks {layers[0]}-{layers[-1]}": Arm("hidden", often, layers)
       for often, layers in itertools.product((0.5, 1.0), ((0,), (1, 2, 3), LAYERS))},
    **{f"{name}, every {round(1 / often)}. step": Arm(mix, often)
       for (name, mix), often in itertools.product((("CutMix", "cutmix"), ("label-sharing", "sharing")), (0.5, 1.0))},
    **{f"dropout {share}": Arm(dropout=share) for share in (0.1, 0.3, 0.5)},
    **{f"shift {pixels}": Arm(shift=pixels) for pixels in (2.0, 3.0, 4.5)},
    **{f"bend {pixels}": Arm(bend=pixels) for pixels in (1.0, 1.5, 2.5)},
}  # fmt: skip


# Characters and tasks ------------------------------------------------------------------------------------------------


@cache
def splits() -> Any:
    """Training, validation and test characters, none of them turned."""
    return Characters.omniglot().split("random", rotations="none")


def few(count: int, seed: int) -> Characters:
    """So many training characters, another set for each seed."""
    order = torch.randperm(len(splits().train), generator=torch.Generator().manual_seed(100 + seed))
    return splits().train.part(order[:count].tolist())


@cache
def drawn(where: str, tasks: int, queries: int = 15, seed: int = 2) -> list[Episode]:
    """Tasks to be judged on: for ``test`` and seed 2 the first of lesson 09's."""
    return tasks_of(getattr(splits(), where), tasks, seed, queries=queries)


def middle(episode: Episode) -> Episode:
    """Every picture centred on its ink."""
    return episode._replace(support_x=centred(episode.support_x), query_x=centred(episode.query_x))


def sampler(arm: Arm, characters: Characters, ways: int = WAYS, tasks: int = TASKS) -> Callable[..., Episode]:
    """One step's tasks, in the order of their labels, with what the arm does to pictures."""
    characters = characters.rotated() if arm.rotations else characters

    def sample(generator: torch.Generator) -> Episode:
        if arm.mix == "sharing":
            episode = same_classes(characters, tasks, ways, 1, QUERIES, generator=generator)
        else:
            episode = by_class(characters.sample(tasks, ways, 1, QUERIES, generator=generator))
        if arm.shift or arm.bend:
            episode = augmented(episode, shift=arm.shift, bend=arm.bend, generator=generator)
        return middle(episode) if arm.centre else episode

    return sample


# ProtoNet ------------------------------------------------------------------------------------------------------------


def gradient_for(arm: Arm, dice: torch.Generator) -> Callable[[Params, Episode], Any]:
    """The arm's gradient; ``dice`` says when and where it mixes, and what it drops."""

    def mix(episode: Episode) -> Episode:
        other, share = partners(episode), mixing_share(episode.tasks, generator=dice)
        if arm.mix == "cutmix":
            return cutmix(episode, other, share, generator=dice)
        return interpolate(episode, other, share)

    def gradient(theta: Params, episode: Episode) -> Any:
        layer, how = 0, {}
        if arm.mix and torch.rand((), generator=dice) < arm.often:
            pick = int(torch.randint(len(arm.layers), (), generator=dice))
            layer, how = 0 if arm.mix == "cutmix" else arm.layers[pick], {"mix": mix}

        def features(params: Params, maps: Tensor) -> Tensor:
            found = NET.features_from(params, maps, layer)
            if not arm.dropout:
                return found
            kept = torch.rand(found.shape, generator=dice) >= arm.dropout
            return found * kept / (1 - arm.dropout)

        below = partial(NET.blocks, last=layer) if layer else None
        return prototype_gradient(features, theta, episode, scale=SCALE, below=below, **how)

    return gradient


def train_prototypes(arm: Arm, count: int, seed: int, steps: int = STEPS, **more: Any) -> Fit:
    """A ProtoNet on so many characters."""
    generator = torch.Generator().manual_seed(seed)
    theta = NET.init(generator)
    return fit(
        gradient_for(arm, torch.Generator().manual_seed(1000 + seed)), {name: theta[name] for name in NET.body_names},
        sampler(arm, few(count, seed)), steps=steps, generator=generator, lr=LR, schedule="cosine", progress=None, **more,
    )  # fmt: skip


def judged(theta: Params, episodes: list[Episode], arm: Arm, modes: tuple[str, ...]) -> dict[str, float]:
    """Percent of right answers in each mode."""
    if arm.centre:
        episodes = [middle(each) for each in episodes]
    found = prototype_accuracy(NET.features_of, theta, episodes, modes=modes)
    return {mode: 100 * values.mean().item() for mode, values in found.items()}


def own_tasks(count: int, seed: int) -> list[Episode]:
    """Tasks of the training characters themselves, their drawings as they are."""
    return tasks_of(few(count, seed), 50, 3)


def choice(name: str, seed: int) -> Figure:
    """One candidate on validation characters."""
    arm = CHOICES[name]
    run = train_prototypes(arm, 20, seed)
    return judged(run.theta, drawn("validation", 150, seed=77), arm, ("transductive",))


def character_run(name: str, count: int, seed: int, steps: int = STEPS) -> Figure:
    """One arm on test characters, and on its own."""
    arm = ARMS[name]
    run = train_prototypes(arm, count, seed, steps)
    found = judged(run.theta, drawn("test", 200), arm, ("transductive", "support"))
    own = judged(run.theta, own_tasks(count, seed), arm, ("transductive",))["transductive"]
    return found | {"training tasks": own}


def curve_run(name: str, seed: int, steps: int = 600) -> Figure:
    """Accuracy on tasks of the 20 training characters and of new ones, every hundred steps."""
    arm = ARMS[name]

    def look(theta: Params) -> dict[str, float]:
        one = {"transductive"}
        new = judged(theta, drawn("test", 100), arm, tuple(one))["transductive"]
        return {"new": new, "own": judged(theta, own_tasks(20, seed), arm, tuple(one))["transductive"]}

    run = train_prototypes(arm, 20, seed, steps, validate=look, every_validation=100)
    loss = torch.tensor(run.history["loss"]).unflatten(0, (-1, 100)).mean(1)
    return {
        "step": run.validation["step"],
        "new": run.validation["new"],
        "own": run.validation["own"],
        "loss": loss.tolist(),
    }


# MAML ----------------------------------------------------------------------------------------------------------------

RATES = {"body": 0.4, "head": 0.5}  # lesson 09's recipe
TEST_RATE, TEST_STEPS = 0.025, 3


def rule_for(net: Conv4, share: float = 1.0) -> Any:
    """Gradient descent with lesson 09's rates."""
    rates = dict.fromkeys(net.body_names, share * RATES["body"])
    return sgd(rates | dict.fromkeys(net.head_names, share * RATES["head"]))


def maml_run(name: str, count: int, seed: int) -> Figure:
    """One arm with MAML: two inner steps from a head of zeros, the layers above the mixture adapt. Boxes mix pictures: all do."""
    arm, net = ARMS[name], Conv4(WAYS, FILTERS, head="flatten")
    dice = torch.Generator().manual_seed(1000 + seed)

    def gradient(theta: Params, episode: Episode) -> Any:
        how: dict[str, Any] = {"rule": rule_for(net), "steps": 2, "start": net.zero_head}
        if arm.mix == "cutmix" and torch.rand((), generator=dice) < arm.often:
            share = mixing_share(episode.tasks, generator=dice)
            episode = cutmix(episode, partners(episode), share, generator=dice)
        elif arm.mix and torch.rand((), generator=dice) < arm.often:
            layer = arm.layers[int(torch.randint(len(arm.layers), (), generator=dice))]
            mixed = Mixed(net, layer, mixing_share(1, generator=dice).item())
            return maml_gradient(
                mixed, cross_entropy, theta, beside(episode, partners(episode)), only=mixed.above, **how
            )
        return maml_gradient(net, cross_entropy, theta, episode, **how)

    generator = torch.Generator().manual_seed(seed)
    theta = net.init(generator)
    run = fit(
        gradient, {each: theta[each] for each in net.body_names}, sampler(arm, few(count, seed)), steps=STEPS,
        generator=generator, lr=LR, schedule="cosine", progress=None,
    )  # fmt: skip
    found = step_accuracy(
        NET,
        run.theta,
        drawn("test", 200),
        rule_for(NET, TEST_RATE),
        TEST_STEPS,
        start=NET.zero_head,
        last=True,
    )
    return {mode: 100 * values.mean().item() for mode, values in found.items()}


# Cost ----------------------------------------------------------------------------------------------------------------


def costs(rounds: int = 25) -> None:
    """What a step of each arm costs, as a ratio to a plain one: one step of each in turn, medians."""
    theta = {
        name: value
        for name, value in NET.init(torch.Generator().manual_seed(0)).items()
        if name in NET.body_names
    }
    ready = {}
    for name, arm in ARMS.items():
        generator = torch.Generator().manual_seed(0)
        ready[name] = (sampler(arm, few(20, 0)), gradient_for(arm, generator), generator)
    spent: dict[str, list[float]] = {name: [] for name in ready}
    for _ in tqdm(range(rounds), desc="costs"):
        for name, (sample, gradient, generator) in ready.items():
            began = time.process_time()
            gradient(theta, sample(generator))
            spent[name].append(time.process_time() - began)
    plain = statistics.median(spent["none"])
    figures = [
        figure(name, Interval(statistics.median(values) / plain, 0.0, rounds), "times", [0], None,
               "a step beside a plain one, medians of steps in turn")
        for name, values in spent.items()
    ]  # fmt: skip
    keep_results(LESSON, "costs", figures, command="python -m studies.lesson16_few_tasks costs")


# What to run ---------------------------------------------------------------------------------------------------------


def by_count(row: Figure) -> str:
    """The group of a row: how many characters there were."""
    return str(row["count"])


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["choices", "characters", "longer", "maml", "curves", "costs"])
    parser.add_argument("--seeds", type=int, help="so many character sets")
    parser.add_argument("--part", type=int, help="run this one set alone, and write no results yet")
    parser.add_argument("--add", action="store_true", help="train only what is not recorded")
    options = parser.parse_args()
    what, command = options.what, f"python -m studies.lesson16_few_tasks {options.what}"
    both = ("transductive", "support")
    if what == "costs":
        costs()
    elif what == "choices":
        jobs = [
            {"name": name, "seed": seed} for seed in range(50, 50 + (options.seeds or 1)) for name in CHOICES
        ]
        rows = rows_of(what, jobs, choice, options.part)
        keep_results(
            LESSON, what, list(with_gains(rows, lambda row: "20", ("transductive",), 150)), command=command
        )
    elif what in ("characters", "longer", "maml"):
        several: dict[str, tuple[Callable[..., Figure], tuple[str, ...], tuple[int, ...], int]] = {
            "characters": (character_run, tuple(ARMS), (20, 60), 5),
            "longer": (partial(character_run, steps=4 * STEPS), LONGER, (60,), 3),
            "maml": (maml_run, MAML_ARMS, (20, 60), 3),
        }
        run, names, counts, sets = several[what]
        jobs = [{"name": name, "count": count, "seed": seed}
                for seed in range(options.seeds or sets) for count in counts for name in names]  # fmt: skip
        rows = rows_of(what, jobs, run, options.part, by_count if options.add else None)
        keys = both if what == "maml" else (*both, "training tasks")
        figures = list(with_gains(rows, by_count, keys, 200))
        if options.add:
            figures = kept_as_they_are(what, figures)
        about = {"arms": {name: asdict(arm) for name, arm in ARMS.items()}} if what == "characters" else {}
        keep_results(LESSON, what, figures, command=command, **about)
    else:
        names = ("none", "hidden mix", "shift + bend")
        rows = rows_of(
            what,
            [{"name": n, "seed": s} for s in range(options.seeds or 3) for n in names],
            curve_run,
            options.part,
        )
        figures = [
            figure(f"{name}.{key}.{step}", over_seeds([row[key][k] for row in rows if row["name"] == name]),
                   "nats" if key == "loss" else "%", range(options.seeds or 3), 100, "over character sets")
            for name in names for key in ("new", "own", "loss") for k, step in enumerate(rows[0]["step"])
        ]  # fmt: skip
        keep_results(LESSON, what, figures, command=command)


if __name__ == "__main__":
    main()
