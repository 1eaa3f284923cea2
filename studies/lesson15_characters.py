"""Learned inner losses on Omniglot (lesson 15): MeTAL beside learned rates alone and beside losses with one learned number.

    python -m studies.lesson15_characters ratios    what one outer step of each arm costs, side by side in one process
    python -m studies.lesson15_characters           the arms that have no figure yet, five seeds each
    python -m studies.lesson15_characters temperature robust --seeds 3    these arms, three of the seeds
    python -m studies.lesson15_characters choices   learned rates, also longer, and MeTAL at four outer rates, on validation characters

5-way 1-shot, a Conv4 of 16 filters, a head of zeros, 350 outer steps; all learn their start and a rate for each tensor, see the same
batches of tasks, and are judged on lesson 09's 1000 test tasks. "rates, longer" makes as many more outer steps as MeTAL's step costs
more. Runs are kept in ``runs/15-characters``, where they go on. Adds to ``data/results/15-losses.json``.
"""

import argparse
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.fit import fit
from mlteach.inner.learned_loss import LearnedLoss, PlainLoss
from mlteach.inner.rule import Objective
from mlteach.measure import accuracy, over_seeds
from mlteach.measure.ledger import data_folder, recorded
from mlteach.nets import Conv4, cross_entropy
from mlteach.outer import maml_gradient
from mlteach.params import Params
from mlteach.tasks import Characters, Episode
from mlteach.tasks.episode import Seen
from studies.lesson15_losses import LESSON, SEEDS, TESTED, cost_of, keep
from studies.lesson15_starts import figure
from studies.shared import Figure, tasks_of

FILTERS, STEPS, RATE, OUTER_STEPS, TASKS = 16, 3, 0.1, 350, 4
NET = Conv4(5, FILTERS, head="flatten")
OUTER_RATE, OUTER_RATES = 4e-3, (2e-3, 4e-3, 8e-3, 16e-3)  # the constant, and what it is laid beside
JUDGED = 400  # validation tasks
MODES = ("transductive", "support")
PAIRS = [
    ("metal", "rates"), ("metal", "rates, longer"), ("temperature", "rates"), ("robust", "rates"), ("metal", "temperature"),
    ("metal", "robust"),
]  # fmt: skip


@dataclass(frozen=True)
class OneNumber(PlainLoss):
    """Learned rates, and a cross-entropy with one learned number z; ``at``: where z begins."""

    at: float = 0.0

    def init(self, generator: torch.Generator, learner: Params) -> Params:
        first = next(iter(learner.values())).flatten()[0]
        return super().init(generator, learner) | {"loss.number": torch.full_like(first, self.at)}

    def each(self, logits: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """The loss of each picture [(tasks,) N], for logits [(tasks,) N, ways] and labels [(tasks,) N]."""
        raise NotImplementedError

    def objective(self, theta: Params) -> Objective:
        def own(net: Any, params: Params, seen: Seen, t: int) -> Tensor:
            return self.each(net(params, seen.support_x), seen.support_y, theta["loss.number"]).mean(-1)

        return own


@dataclass(frozen=True)
class Temperature(OneNumber):
    """The cross-entropy of the logits divided by e^z: at z = 0 the cross-entropy itself."""

    def each(self, logits: Tensor, y: Tensor, z: Tensor) -> Tensor:
        return -own_log_p(logits * (-z).exp(), y)


@dataclass(frozen=True)
class RobustCrossEntropy(OneNumber):
    """(1 - p^z) / z of the label's probability p: the cross-entropy for z to 0, the absolute error at z = 1.

    A picture pulls p^z times as hard as by the cross-entropy, so what is far off pulls less.
    Source: Zhang and Sabuncu 2018, equation 6 (generalized cross-entropy).
    """

    at: float = 0.1

    def each(self, logits: Tensor, y: Tensor, z: Tensor) -> Tensor:
        return -torch.expm1(z * own_log_p(logits, y)) / z


def own_log_p(logits: Tensor, y: Tensor) -> Tensor:
    """The logarithm of each label's probability, [(tasks,) N]."""
    return F.log_softmax(logits, -1).gather(-1, y.unsqueeze(-1)).squeeze(-1)


@dataclass(frozen=True)
class ForCharacters(LearnedLoss):
    """MeTAL with the cross-entropy; batch norm's gamma and beta stay where they are."""

    ways: int = 5
    steps: int = STEPS


KINDS: dict[str, PlainLoss] = {
    "rates": PlainLoss(RATE),
    "metal": ForCharacters(RATE),
    "temperature": Temperature(RATE),
    "robust": RobustCrossEntropy(RATE),
}


def ratios() -> None:
    """The cost of one outer step of each arm as a multiple of the first's; those that are recorded stay as they are."""
    drawn = torch.Generator().manual_seed(0)
    pictures = sample(drawn, Characters.omniglot().split("random").train)
    arms = {
        name: partial(maml_gradient, NET, cross_entropy, kind.init(drawn, NET.zero_head(NET.init(drawn))), pictures, kind.rule, STEPS, start=kind.start)
        for name, kind in KINDS.items()
    }  # fmt: skip
    had = recorded(LESSON[:2], "losses")
    new = {f"cost.characters.{name}": ratio for name, ratio in cost_of(arms, 20).items()}
    print({name: round(ratio, 2) for name, ratio in new.items()})
    keep([figure(name, over_seeds([ratio]), "steps of the first arm", (0,), TASKS, [ratio]) | {"interval": None}
          for name, ratio in new.items() if name not in had])  # fmt: skip


def sample(g: torch.Generator, train: Characters) -> Episode:
    """The tasks of an outer step."""
    return train.sample(TASKS, 5, 1, 2, generator=g)


def trained(kind: PlainLoss, steps: int, seed: int, name: str, lr: float = OUTER_RATE) -> Params:
    """All that the kind of loss has to learn, after so many outer steps."""
    train, _, _ = Characters.omniglot().split("random")
    learner = NET.zero_head(NET.init(torch.Generator().manual_seed(seed)))
    theta = kind.init(torch.Generator().manual_seed(seed), learner)
    folder = data_folder().parent / "runs" / "15-characters"
    folder.mkdir(parents=True, exist_ok=True)

    def gradient(params: Params, episode: Episode) -> Any:
        return maml_gradient(NET, cross_entropy, params, episode, kind.rule, STEPS, start=kind.start)

    run = fit(
        gradient, theta, lambda g: sample(g, train), steps=steps, generator=torch.Generator().manual_seed(seed), lr=lr,
        schedule="cosine", clip=1.0, progress=f"{name} {seed}", checkpoint=folder / f"{name}-{seed}.safetensors", every=100,
    )  # fmt: skip
    return run.theta


def characters(names: list[str], seeds: tuple[int, ...] = SEEDS) -> None:
    """Train these arms; their accuracies, what they learned of a number, and all differences that have both sides."""
    had = recorded(LESSON[:2], "losses")
    test = tasks_of(Characters.omniglot().split("random").test, TESTED, seed=2)
    found: dict[str, list[float]] = {}
    steps = dict.fromkeys(KINDS, OUTER_STEPS) | {"rates, longer": longer()}
    for seed in seeds:
        for name in names:
            kind = KINDS[name.partition(",")[0]]
            theta = trained(kind, steps[name], seed, name)
            scores = accuracy(NET, theta, test, kind.rule(theta), STEPS, start=kind.start)
            for mode, score in scores.items():
                found.setdefault(f"{name}.{mode}", []).append(score.mean)
            if "loss.number" in theta:
                found.setdefault(f"{name}.number", []).append(theta["loss.number"].item())
            print(seed, name, {mode: round(score.mean, 2) for mode, score in scores.items()}, flush=True)
    figures = [
        figure(f"characters.{key}", over_seeds(values), "number" if "number" in key else "%", seeds, TESTED, values)
        | {"outer_steps": steps[key.rpartition(".")[0]]}
        for key, values in found.items()
    ]  # fmt: skip
    for mode in MODES:
        for pair in PAIRS:
            if not set(pair) & set(names):
                continue
            ours, theirs = (
                dict(zip(seeds, found[key], strict=True))
                if key in found
                else by_seed(had[f"characters.{key}"])
                for key in (f"{each}.{mode}" for each in pair)
            )
            both = tuple(seed for seed in SEEDS if seed in ours and seed in theirs)
            apart = [ours[seed] - theirs[seed] for seed in both]
            key = f"characters.{pair[0]} minus {pair[1]}.{mode}"
            figures.append(figure(key, over_seeds(apart), "points, paired", both, TESTED, apart))
    keep(figures)


def choices() -> None:
    """Three arms at each outer rate, three seeds, on validation characters; and what MeTAL gains where each has its best."""
    tasks = tasks_of(Characters.omniglot().split("random").validation, JUDGED, seed=1)
    found: dict[str, dict[float, list[float]]] = {}
    for name, steps in (("rates", OUTER_STEPS), ("metal", OUTER_STEPS), ("rates, longer", longer())):
        kind, rows = KINDS[name.partition(",")[0]], found.setdefault(name, {})
        for lr in OUTER_RATES:
            for seed in SEEDS[:3]:
                theta = trained(kind, steps, seed, f"{name}, outer {lr:g}", lr)
                scores = accuracy(NET, theta, tasks, kind.rule(theta), STEPS, start=kind.start)
                rows.setdefault(lr, []).append(scores["transductive"].mean)
            print(name, lr, over_seeds(rows[lr]), flush=True)
    figures = [
        figure(
            f"choices.{name}.{lr:g}", over_seeds(values), "% of validation tasks", SEEDS[:3], JUDGED, values
        )
        for name, rows in found.items()
        for lr, values in rows.items()
    ]
    best = {name: max(rows.values(), key=sum) for name, rows in found.items()}
    for name in ("rates", "rates, longer"):
        apart = [ours - theirs for ours, theirs in zip(best["metal"], best[name], strict=True)]
        unit = "points, paired, each at its best outer rate"
        figures.append(
            figure(f"choices.metal minus {name}", over_seeds(apart), unit, SEEDS[:3], JUDGED, apart)
        )
    keep(figures)


def longer() -> int:
    """The outer steps of learned rates that MeTAL's price pays for."""
    return round(OUTER_STEPS * recorded(LESSON[:2], "losses")["cost.characters.metal"]["value"])


def by_seed(kept: Figure) -> dict[int, float]:
    """What is recorded of an arm, by seed."""
    return dict(zip(kept["seeds"], map(float, kept["note"].split(", ")), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arms = [*KINDS, "rates, longer"]
    parser.add_argument(
        "arms", nargs="*", metavar="arm", help=f"ratios, choices, or some of: {'; '.join(arms)}"
    )
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="so many of the five seeds")
    torch.set_num_threads(1)
    asked = parser.parse_args()
    if asked.arms == ["ratios"]:
        ratios()
        return
    if asked.arms == ["choices"]:
        choices()
        return
    had = recorded(LESSON[:2], "losses")
    missing = [name for name in arms if f"characters.{name}.support" not in had]
    characters(asked.arms or missing, SEEDS[: asked.seeds])


if __name__ == "__main__":
    main()
