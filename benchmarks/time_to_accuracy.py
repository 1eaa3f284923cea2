"""How many seconds of training to 95 % of 5-way 1-shot? On real Omniglot, on whatever this machine has.

    .venv/bin/python -m pip install -c constraints.txt -e ".[benchmarks]"
    .venv/bin/python -m benchmarks.time_to_accuracy                       all: half an hour on two quiet cores
    .venv/bin/python -m benchmarks.time_to_accuracy ProtoNet ANIL         some of them
    .venv/bin/python -m benchmarks.time_to_accuracy choose                how two of the recipes were found: five minutes

Each recipe is trained from three seeds. It stops ten times on the way and is tried on 200 tasks of the *validation* characters:
the first time that it has the share it is after, its seconds are noted. At the end the 1000 test tasks of lesson 09 are asked,
once. Seconds are training alone, the drawing of tasks included, testing and loading left out.

- ProtoNet: distances to the mean of each class's pictures. No inner loop at all.
- ANIL: a head of zeros and one inner step, which is what some call MAML. Here it has its own name.
- MAML: lesson 09's recipe (40-way training, a head of zeros, two inner steps), so the body adapts.
- MAML by learn2learn: the same recipe, the same tasks in the same order, by learn2learn's own ``MAML``.
- MAML, long: the same with 64 filters, from one seed.

All recipes were chosen on validation characters: MAML's by ``python -m studies.lesson09_lecture_recipe``, ProtoNet's and ANIL's by
``choose``, which trains every candidate on about the same number of pictures and writes ``data/results/speed-choice.json``. A recipe
measured again replaces its row and leaves the others. Writes ``data/results/speed-time-to-accuracy.json``, its table in
``benchmarks/README.md`` and ``docs/speed-time-to-accuracy.png``. Keep the machine quiet meanwhile.
"""

import argparse
import functools
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from benchmarks import race
from benchmarks.peers import Setting, module
from benchmarks.peers.loops import learn2learn_maml
from mlteach.fit import Fit, fit
from mlteach.inner import Rule, sgd
from mlteach.measure import Interval, over_seeds, over_tasks, step_accuracy
from mlteach.nets import Conv4, cross_entropy
from mlteach.nets.loss import share_right
from mlteach.outer import maml_gradient, replayed
from mlteach.outer.chunks import over_chunks, tasks_at_once
from mlteach.outer.replay import Gradient
from mlteach.params import Params, gradient_of, leaves
from mlteach.tasks import Characters
from mlteach.tasks.episode import Episode
from studies.shared import tasks_of

SEEDS, LOOKS = (0, 1, 2), 10
VALIDATION_TASKS, CHOICE_TASKS, TEST_TASKS = 200, 600, 1000
MODES = ("transductive", "support")


@dataclass(frozen=True)
class Recipe:
    """One training run: what a task is, how it is learned from, how the start moves, and what is aimed at.

    after: the share, in percent, whose seconds are noted; aim: how many seconds it should take.
    """

    said: str
    method: str
    steps: int
    ways: int
    meta_batch: int
    outer_rate: float
    after: float
    aim: float | None
    inner_steps: int = 0
    rate_body: float = 0.0
    rate_head: float = 0.0
    test_share: float = 1.0  # of the inner rates, at test
    test_steps: int = 0
    filters: int = 32
    sharpness: float = 1.0  # ProtoNet: what squared distances are multiplied by in training
    seeds: tuple[int, ...] = SEEDS

    def net(self, ways: int) -> Conv4:
        """The network for so many classes."""
        return Conv4(ways, self.filters, head="flatten")


_MAML = Recipe("MAML", "MAML", 1400, 40, 2, 5e-3, 95.0, 60.0, 2, 0.4, 0.5, 0.025, 3)
RECIPES = {
    recipe.said: recipe
    for recipe in (
        Recipe("ProtoNet", "ProtoNet", 950, 40, 1, 7e-3, 95.0, 10.0, sharpness=0.05),
        Recipe("ANIL", "ANIL", 1250, 60, 1, 5e-3, 95.0, 20.0, 1, 0.0, 1.0, 1.0, 1),
        _MAML,
        replace(_MAML, said="MAML by learn2learn", method="learn2learn", aim=None),
        replace(_MAML, said="MAML, long", steps=2600, after=97.5, aim=300.0, filters=64, seeds=(0,)),
    )
}
QUERIES = 2  # a class, in training


def prototypes(net: Conv4, theta: Params, episode: Episode, mode: str = "transductive") -> Tensor:
    """Minus the squared distance of every query to the mean of each class's support pictures, [T, Q, ways].

    The features are those below `Conv4`'s head, read out by a head that is the identity. Transductive: batch norm sees both sets
    of a task together, as in training. Source: Snell, Swersky, Zemel 2017.
    """
    count, ways = episode.tasks, int(episode.support_y.max()) + 1
    eye = torch.eye(net.features, device=episode.support_x.device)
    params = {name: value.expand(count, *value.shape) for name, value in theta.items()} | {
        "head.weight": eye.expand(count, -1, -1),
        "head.bias": eye.new_zeros(count, net.features),
    }
    if mode == "transductive":
        both = net(params, torch.cat([episode.support_x, episode.query_x], 1))
        support, query = both.split([episode.support_x.shape[1], episode.query_x.shape[1]], 1)
    else:
        support = net(params, episode.support_x)
        query = net(params, episode.query_x, mode, support=episode.support_x)
    member = F.one_hot(episode.support_y, ways).to(support.dtype)
    mean = member.transpose(1, 2) @ support / member.sum(1).unsqueeze(-1)
    # |q - m|^2 = |q|^2 - 2 q m + |m|^2: one matrix product, and no tensor of all differences
    lengths = query.square().sum(-1, keepdim=True) + mean.square().sum(-1).unsqueeze(1)
    return 2 * query @ mean.transpose(1, 2) - lengths


def proto_gradient(
    net: Conv4, sharpness: float, theta: Params, episode: Episode
) -> tuple[Params, dict[str, Tensor]]:
    """An ordinary gradient: there is no inner loop."""
    point = leaves(theta)
    logits = sharpness * prototypes(net, point, episode)
    value = cross_entropy(logits, episode.query_y).mean()
    right = share_right(logits.detach(), episode.query_y).mean()
    return gradient_of(value, point), {"loss": value.detach(), "accuracy": right}


class _Scaled(nn.Linear):
    """A head whose output is multiplied by c: a step of rate a on its weights is one of a c^2 on c times its weights."""

    def __init__(self, inputs: int, outputs: int, c: float) -> None:
        super().__init__(inputs, outputs)
        self.c = c

    def forward(self, input: Tensor) -> Tensor:
        return self.c * super().forward(input)


def by_learn2learn(recipe: Recipe) -> Gradient:
    """The same meta-gradient by learn2learn's ``MAML``, one task after the other.

    It knows one inner rate. The head's, which differs, comes from a scale, and nothing else changes.
    """
    net = recipe.net(recipe.ways)
    theta = net.init(torch.Generator().manual_seed(0))
    nothing = torch.zeros(0)
    made = module(Setting(net, theta, Episode(nothing, nothing, nothing, nothing), 1, 0.0))
    head = _Scaled(net.features, recipe.ways, (recipe.rate_head / recipe.rate_body) ** 0.5)
    layers = nn.Sequential(*list(made)[:-1], head)  # type: ignore[call-overload]
    # by name: the network's order is not that of the dict that is trained
    body = dict(zip(theta, list(layers.parameters())[:-2], strict=False))
    learner_of = learn2learn_maml()(layers, lr=recipe.rate_body)

    def gradient(theta: Params, episode: Episode) -> tuple[Params, dict[str, Tensor]]:
        with torch.no_grad():
            layers.to(next(iter(theta.values())))
            for name, own in body.items():
                own.copy_(theta[name])
            head.weight.zero_()
            head.bias.zero_()
        layers.zero_grad()
        total, right = torch.zeros(()), torch.zeros(())
        for support_x, support_y, query_x, query_y in zip(*episode, strict=True):
            learner = learner_of.clone()
            for _ in range(recipe.inner_steps):
                learner.adapt(F.cross_entropy(learner(support_x), support_y))
            answer = learner(query_x)
            value = F.cross_entropy(answer, query_y) / episode.tasks
            value.backward()
            total = total + value.detach()
            right = right + (answer.argmax(1) == query_y).float().mean() / episode.tasks
        found = {name: body[name].grad.clone() for name in theta}  # type: ignore[union-attr]
        return found, {"loss": total, "accuracy": right}

    return gradient


def rule_of(net: Conv4, recipe: Recipe, share: float = 1.0) -> Rule:
    """Gradient descent with one rate for the body and one for the head."""
    rates = dict.fromkeys(net.body_names, share * recipe.rate_body)
    return sgd(rates | dict.fromkeys(net.head_names, share * recipe.rate_head))


def gradient_by(recipe: Recipe) -> Gradient:
    """What `fit` descends on."""
    net = recipe.net(recipe.ways)
    if recipe.method == "learn2learn":
        return by_learn2learn(recipe)
    if recipe.method == "ProtoNet":
        return functools.partial(proto_gradient, net, recipe.sharpness)
    only = net.head_names if recipe.method == "ANIL" else None
    return replayed(
        lambda theta, episode: maml_gradient(
            net, cross_entropy, theta, episode, rule_of(net, recipe), recipe.inner_steps, start=net.zero_head, only=only
        )
    )  # fmt: skip


def tested(recipe: Recipe, theta: Params, episodes: Sequence[Episode]) -> dict[str, Interval]:
    """Accuracy in percent on 5-way tasks, by the recipe's way to adapt, in both modes."""
    net = recipe.net(5)
    if recipe.method == "ProtoNet":

        def right(mode: str, part: Episode) -> Tensor:
            with torch.no_grad():
                return share_right(prototypes(net, theta, part, mode), part.query_y)

        each = {
            mode: torch.cat(
                [
                    answer
                    for batch in episodes
                    for answer in over_chunks(
                        functools.partial(right, mode), batch, tasks_at_once(batch.query_x)
                    )
                ]
            )
            for mode in MODES
        }
    else:
        each = step_accuracy(
            net, theta, episodes, rule_of(net, recipe, recipe.test_share), recipe.test_steps, start=net.zero_head, last=True,
            only=net.head_names if recipe.method == "ANIL" else None,
        )  # fmt: skip
    return {mode: over_tasks(values).scaled(100) for mode, values in each.items()}


def trained(
    recipe: Recipe, seed: int, train: Characters, look: Callable[[Params], float]
) -> tuple[Fit, list[tuple[float, float]]]:
    """The whole run, and what every look at the validation tasks saw: (seconds of training, percent right)."""
    net, gradient = recipe.net(recipe.ways), gradient_by(recipe)
    run, seen = Fit({}), []
    with tempfile.TemporaryDirectory() as folder:
        for part in range(1, LOOKS + 1):
            generator = torch.Generator().manual_seed(seed)
            theta = {name: value.to(train.images.device) for name, value in net.init(generator).items()}
            run = fit(
                gradient,
                {name: theta[name] for name in net.body_names},
                lambda g: train.sample(recipe.meta_batch, recipe.ways, 1, QUERIES, generator=g),
                steps=recipe.steps,
                generator=generator,
                lr=recipe.outer_rate,
                schedule="cosine",
                optimizer=functools.partial(torch.optim.Adam, fused=True),
                checkpoint=Path(folder) / "run.safetensors",
                every=recipe.steps,
                until=part * recipe.steps // LOOKS,
                progress=None,
            )
            seen.append((round(run.seconds, 2), look(run.theta)))
    return run, seen


def measure(recipe: Recipe, characters: Characters) -> dict[str, Any]:
    """Train from every seed; the figure for the ledger."""
    train, validation, test = characters.split("random")
    tries, tests = tasks_of(validation, VALIDATION_TASKS, 77), tasks_of(test, TEST_TASKS, 2)  # lesson 09's
    runs, answers = [], []
    for seed in tqdm(recipe.seeds, recipe.said, unit="seed", leave=False):
        run, seen = trained(
            recipe, seed, train, lambda theta: tested(recipe, theta, tries)["transductive"].mean
        )
        there = next((seconds for seconds, right in seen if right >= recipe.after), None)
        answers.append(tested(recipe, run.theta, tests))
        runs.append(
            {
                "seed": seed,
                "seconds": round(run.seconds, 1),
                "there": there,
                "seen": seen,
                "device": run.device,
            }
            | {mode: value.mean for mode, value in answers[-1].items()}
        )
    times = [run["there"] for run in runs]
    figure: dict[str, Any] = {"name": recipe.said, "recipe": vars(recipe), "runs": runs}
    for mode in MODES:
        over = over_seeds([each[mode].mean for each in answers]) if len(answers) > 1 else answers[0][mode]
        figure[mode] = {"value": over.mean, "interval": over.half_width}
    over = over_seeds([run["seconds"] for run in runs])
    figure["seconds"] = {"value": over.mean, "interval": over.half_width if len(runs) > 1 else None}
    figure["there"] = {
        "slowest": None if None in times else max(times),
        "quickest": min(filter(None, times), default=None),
    }
    return figure


def table(found: Sequence[dict[str, Any]]) -> str:
    """The figures as markdown."""
    lines = [
        "| | outer steps | seeds | training, s | after | there after, s | aim, s | test, transductive, % | support, % |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in found:
        recipe, there = row["recipe"], row["there"]
        spread = f"{there['quickest']:.1f} to {there['slowest']:.1f}" if there["slowest"] else "not always"
        if there["quickest"] is None:
            spread = "never"
        elif there["quickest"] == there["slowest"]:
            spread = f"{there['slowest']:.1f}"
        half = row["seconds"]["interval"]
        cells = [
            row["name"], str(recipe["steps"]), str(len(row["runs"])),
            f"{row['seconds']['value']:.1f}" + (f" ± {half:.1f}" if half is not None else ""),
            f"{recipe['after']:g} %", spread, f"{recipe['aim']:g}" if recipe["aim"] else "",
            *(f"{row[mode]['value']:.2f} ± {row[mode]['interval']:.2f}" for mode in MODES),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def said_of(kept: dict[str, Any]) -> str:
    """What stands in the README."""
    return f"{kept['cores']} CPU cores, {kept['device']}, torch {kept['versions']['torch']}, {kept['date'][:10]}.\n\n{table(kept['figures'])}"


def draw(found: Sequence[dict[str, Any]]) -> None:
    """The picture of it: how much of the validation tasks was solved after how many seconds."""
    if (tools := race.plotting()) is None:
        return
    plt, style = tools
    looks: dict[str, dict[str, Any]] = {
        "ProtoNet": style.method("metric") | {"marker": ""},
        "ANIL": style.method("maml") | {"linestyle": ":"},
        "MAML": style.method("maml"),
        "MAML by learn2learn": style.method("baseline"),
        "MAML, long": style.method("lstm"),
    }
    fig, ax = plt.subplots(figsize=(9, 5))
    for row in found:
        look, seen = looks[row["name"]], torch.tensor([run["seen"] for run in row["runs"]])
        for one in seen if len(seen) > 1 else ():
            ax.plot(*one.T, **look | {"linewidth": 0.7, "alpha": 0.5})
        (line,) = ax.plot(*seen.mean(0).T, **look)
        # the lines end close together, but rise apart: most names stand where theirs is near 88 %
        near = min(seen.mean(0).tolist(), key=lambda look: abs(look[1] - 88))[0]
        beside = {"x": near} | ({"dx": 8} if "learn2learn" in row["name"] else {"dx": -8, "ha": "right"})
        style.label_line(ax, line, row["name"], **({} if "long" in row["name"] else beside))
    ax.axhline(95, color=style.color("baseline"), linewidth=1)
    ticks = [1, 2, 5, 10, 20, 50, 100, 200]
    ax.set(xscale="log", xlabel="seconds of training", ylabel="right, % of validation tasks", ylim=(85, 98))
    ax.set_xticks(ticks, list(map(str, ticks)))
    ax.minorticks_off()
    ax.margins(x=0.25)
    ax.set_xlim(left=0.7)
    race.keep_picture(race.named("time-to-accuracy"), fig)
    plt.close(fig)


def candidates() -> dict[str, Recipe]:
    """What was compared: one change at a time, on about the same number of pictures."""
    proto, anil = RECIPES["ProtoNet"], RECIPES["ANIL"]

    def like(recipe: Recipe, **change: Any) -> Recipe:
        changed = replace(recipe, **change)
        pictures = recipe.steps * recipe.ways * recipe.meta_batch
        return replace(changed, steps=pictures // (changed.ways * changed.meta_batch))

    return {
        "ProtoNet: 40 ways, distances times 0.05, outer rate 0.007": proto,
        "ProtoNet: distances as they are": like(proto, sharpness=1.0),
        "ProtoNet: distances times 0.01": like(proto, sharpness=0.01),
        "ProtoNet: 60 ways": like(proto, ways=60),
        "ProtoNet: 20 ways": like(proto, ways=20),
        "ProtoNet: outer rate 0.02": like(proto, outer_rate=2e-2),
        "ProtoNet: outer rate 0.003": like(proto, outer_rate=3e-3),
        "ANIL: 60 ways, one task a step, head rate 1, outer rate 0.005": anil,
        "ANIL: 40 ways": like(anil, ways=40),
        "ANIL: 40 ways, two tasks": like(anil, ways=40, meta_batch=2),
        "ANIL: 20 ways, four tasks": like(anil, ways=20, meta_batch=4),
        "ANIL: head rate 4": like(anil, rate_head=4.0),
        "ANIL: head rate 0.3": like(anil, rate_head=0.3),
        "ANIL: outer rate 0.01": like(anil, outer_rate=1e-2),
        "ANIL: outer rate 0.002": like(anil, outer_rate=2e-3),
    }


def choose(named: Sequence[str], characters: Characters) -> None:
    """Train candidates once, try them on the validation tasks, and write down what was seen."""
    train, validation, _ = characters.split("random")
    tries = tasks_of(validation, CHOICE_TASKS, 77)
    rows = race.rows("choice")
    every = candidates()
    for name in tqdm(named or every, "candidates", unit="recipe"):
        run, _ = trained(every[name], SEEDS[0], train, lambda theta: 0.0)
        right = tested(every[name], run.theta, tries)["transductive"]
        rows[name] = {
            "name": name, "value": right.mean, "interval": right.half_width, "unit": "%", "tasks": CHOICE_TASKS,
            "steps": every[name].steps, "seconds": round(run.seconds, 1), "seeds": [SEEDS[0]],
        }  # fmt: skip
        kept = race.about() | {"command": "python -m benchmarks.time_to_accuracy choose"}
        kept |= {"figures": [rows[each] for each in every if each in rows]}
        race.keep("choice", kept, said_of_choice(kept))


def said_of_choice(kept: dict[str, Any]) -> str:
    """What stands in the README."""
    lines = ["| candidate | outer steps | training, s | validation, % |", "|---|--:|--:|--:|"]
    for row in kept["figures"]:
        cells = (
            row["name"],
            str(row["steps"]),
            f"{row['seconds']:.0f}",
            f"{row['value']:.1f} ± {row['interval']:.1f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Read the command line, train, test, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipes", nargs="*", metavar="RECIPE", help=f"default all: {', '.join(RECIPES)}")
    given = parser.parse_args().recipes or list(RECIPES)
    if given[0] == "choose":
        if unknown := set(given[1:]) - candidates().keys():
            parser.error(f"There is no candidate {min(unknown)!r}; choose from: {'; '.join(candidates())}.")
        choose(given[1:], Characters.omniglot())
        return
    if unknown := [name for name in given if name not in RECIPES]:
        parser.error(f"There is no recipe {unknown[0]!r}; choose from: {', '.join(RECIPES)}.")
    characters = Characters.omniglot(device="cuda" if torch.cuda.is_available() else "cpu")
    name = race.named("time-to-accuracy")
    rows = race.rows(name)
    for said in given:
        rows[said] = measure(RECIPES[said], characters)
        kept = race.about() | {
            "command": "python -m benchmarks.time_to_accuracy",
            "figures": [rows[each] for each in RECIPES if each in rows],
        }
        race.keep(name, kept, said_of(kept))
        draw(kept["figures"])
        print(table([rows[said]]), flush=True)


if __name__ == "__main__":
    main()
