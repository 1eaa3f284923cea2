"""The methods of Part III's table: lesson 09's recipe or lesson 12's, and one thing changed (`studies.part3_rows` trains them)."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F

from mlteach.fit import Gradient
from mlteach.inner import Rule, proximal
from mlteach.inner.learned_loss import LearnedLoss, PlainLoss
from mlteach.inner.start import SeesSupport, Start
from mlteach.measure.ledger import recorded
from mlteach.nets import Conv4, cross_entropy
from mlteach.outer import Scheduled, implicit_gradient, maml_gradient
from mlteach.outer.interpolated import Mixed, beside
from mlteach.outer.multi_step import in_two_schedules
from mlteach.params import Params
from mlteach.tasks import Characters, Episode, Split
from mlteach.tasks.augment import augmented
from mlteach.tasks.episode import Seen
from mlteach.tasks.interpolation import by_class, mixing_share, partners
from studies import lesson12_ingredients as twelve
from studies.lesson13_networks import ANIL, NIL, OURS, Network
from studies.lesson16_few_tasks import BEND, HIDDEN, SHIFT

NET = Conv4(5, 32, head="flatten")
INNER, SOLVES = 8, 2  # implicit MAML: inner steps, products with the Hessian


class Test(NamedTuple):
    """How a trained start is tested, on 5 ways."""

    rule: Rule
    steps: int
    net: Any = NET
    start: Start = NET.zero_head
    only: Collection[str] | None = None


@dataclass(frozen=True)
class Method:
    """gradient: for so many outer steps. The tasks come from ``sample``, theta at first from ``fresh``."""

    lesson: str
    ways: int
    fresh: Callable[[torch.Generator], Params]
    gradient: Callable[[int], Gradient | Scheduled]
    sample: Callable[[torch.Generator], Episode]
    test: Callable[[Params], Test]
    lr: float
    schedule: str = "cosine"
    clip: float | None = None


@cache
def split() -> Split:
    return Characters.omniglot().split("random")


# Lesson 09's recipe, and one thing changed ---------------------------------------------------------------------------


def like_lesson_09(lesson: str, network: Network = OURS, **change: Any) -> Method:
    """MAML as in lesson 09: two tasks of 40 ways, two inner steps in training and three at test."""

    def fresh(generator: torch.Generator) -> Params:
        theta = network.net.init(generator)
        return {name: theta[name] for name in network.net.body_names}

    usual = Method(
        lesson, network.ways, fresh, lambda steps: network.gradient, lambda g: network.sample(split().train, g),
        lambda theta: Test(network.rule(NET), 3, only=network.only(NET)), network.outer_rate,
    )  # fmt: skip
    return replace(usual, **change)


def implicit(pull: float) -> Method:
    """The start moved by the implicit gradient: more inner steps, held back by ``pull``, and few products with the Hessian."""
    net = OURS.net
    how: dict[str, Any] = {"strength": pull, "solves": SOLVES, "start": net.zero_head}
    gradient = partial(implicit_gradient, net, cross_entropy, rule=OURS.rule(net), steps=INNER, **how)
    return like_lesson_09(
        "14",
        gradient=lambda steps: gradient,
        test=lambda theta: Test(proximal(OURS.rule(NET), pull), INNER),
    )


def interpolated(dice: torch.Generator) -> Method:
    """Every step's tasks are mixtures of two, after one of the blocks that lesson 16 chose."""
    net = OURS.net

    def gradient(theta: Params, episode: Episode) -> Any:
        layer = HIDDEN.layers[int(torch.randint(len(HIDDEN.layers), (), generator=dice))]
        mixed = Mixed(net, layer, mixing_share(1, generator=dice).item())
        pairs = beside(episode, partners(episode))
        return maml_gradient(
            mixed, cross_entropy, theta, pairs, OURS.rule(net), OURS.inner_steps, only=mixed.above, start=net.zero_head
        )  # fmt: skip

    return like_lesson_09(
        "16", gradient=lambda steps: gradient, sample=lambda g: by_class(OURS.sample(split().train, g))
    )


def bent() -> Method:
    """Every picture shifted and bent by itself."""

    def sample(g: torch.Generator) -> Episode:
        return augmented(OURS.sample(split().train, g), shift=SHIFT, bend=BEND, generator=g)

    return like_lesson_09("16", sample=sample)


# Lesson 12's tasks, and one thing changed ----------------------------------------------------------------------------


def like_lesson_12(lesson: str, **change: Any) -> Method:
    """MAML as in lesson 12, at the inner rate that was best on validation characters."""
    tried = {
        name: each["value"]
        for name, each in recorded("12", "ingredients").items()
        if name.startswith("choice/")
    }
    arm = twelve.Arm(alpha=float(max(tried, key=tried.__getitem__).partition("/")[2]), **change)
    parts = twelve.setting(arm)

    def gradient(theta: Params, episode: Episode, **how: Any) -> Any:
        return maml_gradient(
            parts.net, cross_entropy, theta, episode, parts.rule, twelve.STEPS, only=parts.only, start=parts.start, **how
        )  # fmt: skip

    def scheduled(steps: int) -> Scheduled:
        return in_two_schedules(
            gradient, twelve.STEPS, steps, over=arm.multi_step, first_order=arm.first_order
        )

    return Method(
        lesson, 5, partial(twelve.first, arm), scheduled,
        lambda g: split().train.sample(twelve.TASKS, 5, 1, 1, generator=g),
        lambda theta: Test(parts.rule(theta), twelve.STEPS, parts.net, parts.start, parts.only), twelve.BETA,
        "cosine" if arm.cosine else "constant", arm.clip,
    )  # fmt: skip


def like_lesson_15(kind: PlainLoss) -> Method:
    """Learned rates from a head of zeros, three inner steps, and an inner loss: lesson 15's settings."""

    def fresh(generator: torch.Generator) -> Params:
        return kind.init(generator, NET.zero_head(NET.init(generator)))

    gradient = partial(maml_gradient, NET, cross_entropy, rule=kind.rule, steps=3, start=kind.start)
    return Method(
        "15", 5, fresh, lambda steps: gradient, lambda g: split().train.sample(4, 5, 1, 2, generator=g),
        lambda theta: Test(kind.rule(theta), 3, start=kind.start), 4e-3, clip=1.0,
    )  # fmt: skip


# No inner loop -------------------------------------------------------------------------------------------------------


def nearest_mean(theta: Params, seen: Seen) -> Params:
    """theta's body, and a head that answers with the class mean of the largest cosine (1-shot): its rows are their directions."""
    means = F.normalize(NET.features_of(theta, seen.support_x), dim=-1)
    weight = means.gather(-2, seen.support_y.argsort(-1)[..., None].expand_as(means))
    body = {name: theta[name] for name in NET.body_names}
    return body | {"head.weight": weight, "head.bias": weight.new_zeros(weight.shape[:-1])}


def nil() -> Method:
    """Lesson 13's NIL: the body alone is trained, and nothing adapts at test."""
    usual = like_lesson_09("13", NIL)
    return replace(usual, test=lambda theta: Test(OURS.rule(NET), 0, start=SeesSupport(nearest_mean)))


def methods(pull: float, seed: int = 0) -> dict[str, Method]:
    """All by name, the control of each group first. pull: of implicit MAML."""
    return {
        "MAML": like_lesson_09("09"),
        "ANIL": like_lesson_09("13", ANIL),
        "NIL": nil(),
        "implicit MAML": implicit(pull),
        "task interpolation": interpolated(torch.Generator().manual_seed(1000 + seed)),
        "shift and bend": bent(),
        "MAML, 5 ways": like_lesson_12("12"),
        "clipped": like_lesson_12("12", clip=1.0),
        "zero head": like_lesson_12("14", zero_head=True),
        "MAML++": like_lesson_12("12", **twelve.ALL),
        "learned rates": like_lesson_15(PlainLoss(0.1)),
        "MeTAL": like_lesson_15(LearnedLoss(0.1, 3, ways=5)),
    }
