"""Lesson 14: UNICORN's vector where it is not the head of zeros for another reason, and why squared error scatters so.

    python -m studies.lesson14_vector cosine     a head of cosines: five learned rows, one drawn vector left alone, one learned
    python -m studies.lesson14_vector reads      a rule that reads the weights: zeros, and a learned vector
    python -m studies.lesson14_vector square     the vector under squared error: the seeds of ``lesson14_heads losses`` at a
                                                 quarter of its rate, and two more seeds at its rate

The recipe is that of ``studies.lesson14_heads losses``: 5-way 1-shot, 150 outer steps, three inner ones, the rate chosen on
validation characters with seed 0, the figures on 100 test tasks. Arms of one seed see the same episodes in the same order, so
differences are paired. Runs keep themselves in ``runs/14-heads``, and a command goes on where it was.
"""

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.fit import fit
from mlteach.inner import Rule, sgd
from mlteach.measure import over_seeds, step_accuracy
from mlteach.measure.ledger import keep_results
from mlteach.nets import cross_entropy
from mlteach.outer import maml_gradient, tied_head
from mlteach.params import Params
from mlteach.tasks import Characters, Episode
from studies.lesson14_heads import (
    CLIP,
    LESSON,
    LOSS_OUTER,
    LOSS_STEPS,
    META_BATCH,
    NET,
    OUTER_RATE,
    QUERIES,
    RUNS,
    SEEDS,
    TASKS,
    begin_with,
    body_of,
    square_loss,
)
from studies.shared import Figure, beside_recorded, figure, tasks_of

MORE_SEEDS = (3, 4)
SCALE = 5.0  # what cosines are multiplied by before the softmax, as in the lesson
LEAST = 0.1  # a tensor's length is sqrt(LEAST^2 + |W|^2), so that zeros can leave where they are
FLOOR = 1e-2  # and a gradient's sqrt(FLOOR^2 + |g|^2), so that rounding is not made a step


def cosine(params: Params, x: Tensor, mode: Any = "transductive", *, support: Tensor | None = None) -> Tensor:
    """Logits [tasks, N, ways] that are cosines of features and rows, times `SCALE`."""
    features = F.normalize(NET.features_of(params, x, mode, support=support), dim=-1)
    return SCALE * features @ F.normalize(params["head.weight"], dim=-1).transpose(-1, -2)


def reads(rate: float, counted: float | Tensor = 0.0) -> Rule:
    """A rule in the manner of LARS: every tensor's step is a share of its own length.

    counted: a length that the head's rows are taken to have besides their own: counted^2 under the root. Under softmax one
    vector w in five rows is just this, with sqrt(5) |w|: what the rows gain sums to zero, so it stands at right angles to w.
    Source: You, Gitman, Ginsburg 2017 (LARS), with `LEAST` and `FLOOR`. Taught in: lesson 14.
    """

    def step(theta: Params, gradient: Params, state: Any, /, *, loss: Tensor) -> tuple[Params, Any]:
        def length(
            value: Tensor, besides: float | Tensor
        ) -> Tensor:  # of each task's tensor, and smooth at zero
            squared = value.flatten(1).square().sum(1) + besides
            return squared.sqrt().view(-1, *[1] * (value.ndim - 1))

        def stepped(name: str) -> Tensor:
            own = counted**2 if name == "head.weight" else 0.0
            share = length(theta[name], LEAST**2 + own) / length(gradient[name], FLOOR**2)
            return theta[name] - rate * share * gradient[name]

        return {name: stepped(name) for name in theta}, state

    return Rule(lambda theta: None, step)


def reads_counted(rate: float, theta: Params) -> Rule:
    """`reads` with its length out of theta, where theta has one."""
    return reads(rate, theta.get("counted", 0.0))


def plain(rate: float, theta: Params) -> Rule:
    """Gradient descent, whatever theta is."""
    return sgd(rate)


def drawn_vector(theta: Params) -> Params:
    return begin_with(("tied.weight",), theta)


def left_alone(vector: Tensor, theta: Params) -> Params:
    """A start with this vector in every row, which nobody trains."""
    return tied_head(NET)(theta | {"tied.weight": vector})


class Arm(NamedTuple):
    """What is learned, and how the head begins a task: both out of the drawn network."""

    body: Callable[[Params], Params]
    start: Callable[[Params], Callable[[Params], Params]]


class Kind(NamedTuple):
    """One way out of the proof."""

    net: Callable[..., Tensor]
    loss: Callable[[Tensor, Tensor], Tensor]
    rule: Callable[[float, Params], Rule]
    rates: tuple[float, ...]
    arms: dict[str, Arm]


TIED = Arm(drawn_vector, lambda theta: tied_head(NET))
ZERO = Arm(body_of, lambda theta: NET.zero_head)
KINDS = {
    "cosine": Kind(
        cosine, cross_entropy, plain, (0.1, 0.4),
        {
            "rows": Arm(dict, lambda theta: dict),
            "vector": TIED,
            "drawn": Arm(body_of, lambda theta: partial(left_alone, theta["head.weight"][0].clone())),
        },
    ),
    "reads": Kind(
        NET, cross_entropy, reads_counted, (0.05, 0.2),
        {"zero": ZERO, "vector": TIED},
    ),
    "square": Kind(
        NET, square_loss, plain, (0.02, 0.005),
        {"vector": Arm(partial(begin_with, ("tied.bias", "tied.weight")), lambda theta: tied_head(NET))},
    ),
}  # fmt: skip
RIVALS = {"cosine": ("rows", "drawn"), "reads": ("zero",)}


def run(kind_name: str, arm_name: str, rate: float, seed: int) -> tuple[Params, Callable[[Params], Params]]:
    """One training run, which keeps itself, and the start it was trained with."""
    kind = KINDS[kind_name]
    arm, generator = kind.arms[arm_name], torch.Generator().manual_seed(seed)
    train, _, _ = Characters.omniglot().split("random")
    drawn = NET.init(generator)
    start = arm.start(drawn)
    found = fit(
        partial(maml_gradient, kind.net, kind.loss, rule=partial(kind.rule, rate), steps=LOSS_STEPS, start=start),
        arm.body(drawn),
        lambda g: train.sample(META_BATCH, 5, 1, QUERIES, generator=g),
        steps=LOSS_OUTER, generator=generator, lr=OUTER_RATE, schedule="cosine", clip=CLIP,
        progress=f"{kind_name}, {arm_name}, {rate:g}, {seed}",
        checkpoint=RUNS / f"{kind_name}-{arm_name}-{rate:g}-{seed}.safetensors",
    )  # fmt: skip
    return found.theta, start


def score(kind_name: str, arm: str, rate: float, seed: int, tasks: list[Episode]) -> float:
    """Percent of right answers of one run, which is trained if it is not there."""
    kind = KINDS[kind_name]
    theta, start = run(kind_name, arm, rate, seed)

    def descent(net: Any, theta: Params, seen: Any, t: int) -> Tensor:
        return kind.loss(net(theta, seen.support_x), seen.support_y)

    rule = kind.rule(rate, theta)._replace(objective=descent)
    found = step_accuracy(
        kind.net, theta, tasks, rule, LOSS_STEPS, modes=["transductive"], start=start, last=True
    )
    return 100 * found["transductive"].mean().item()


def percent(name: str, values: list[float], seeds: tuple[int, ...], unit: str, said: str = "") -> Figure:
    """One entry of the ledger, with every seed's value in its note."""
    each = "seeds " + ", ".join(f"{value:.1f}" for value in values)
    return figure(name, over_seeds(values), unit, seeds, TASKS, f"{said}; {each}" if said else each)


def keep(figures: list[Figure]) -> None:
    """Write figures beside those that are recorded already; one of the same name is replaced."""
    command = "python -m studies.lesson14_vector cosine reads square"
    keep_results(LESSON, "vector", beside_recorded(LESSON[:2], "vector", figures), command=command)


def compared(kind_name: str) -> None:
    """Each arm at its best rate, three seeds."""
    characters = Characters.omniglot().split("random")
    watched, tasks = tasks_of(characters[1], 100, 77), tasks_of(characters[2], TASKS, 1)
    figures, found = [], {}
    for arm in KINDS[kind_name].arms:
        tried = {rate: score(kind_name, arm, rate, 0, watched) for rate in KINDS[kind_name].rates}
        best = max(tried, key=tried.__getitem__)
        found[arm] = [score(kind_name, arm, best, seed, tasks) for seed in SEEDS]
        said = (
            f"rate {best:g} of {', '.join(f'{r:g} ({v:.1f})' for r, v in tried.items())} on validation tasks"
        )
        figures.append(percent(f"{kind_name}.{arm}", found[arm], SEEDS, "%", said))
        print(kind_name, arm, tried, [round(value, 1) for value in found[arm]], flush=True)
        for other in RIVALS[kind_name]:
            if {"vector", other} <= found.keys() and arm in ("vector", other):
                gain = [a - b for a, b in zip(found["vector"], found[other], strict=True)]
                name = f"{kind_name}.vector - {other}"
                figures.append(percent(name, gain, SEEDS, "points", "paired over seeds"))
        keep(figures)


def square() -> None:
    """The vector under squared error: the first seeds at a quarter of the recorded rate, and more seeds at that."""
    tasks = tasks_of(Characters.omniglot().split("random")[2], TASKS, 1)
    same, short = KINDS["square"].rates
    for name, rate, seeds in (("short", short, SEEDS), ("more", same, MORE_SEEDS)):
        found = [score("square", "vector", rate, seed, tasks) for seed in seeds]
        print(name, [round(value, 1) for value in found], flush=True)
        keep([percent(f"square.vector, {name}", found, seeds, "%", f"rate {rate:g}")])


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="+", choices=list(KINDS))
    RUNS.mkdir(parents=True, exist_ok=True)
    for what in parser.parse_args().what:
        square() if what == "square" else compared(what)


if __name__ == "__main__":
    main()
