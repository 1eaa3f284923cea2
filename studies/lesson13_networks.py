"""The networks of lesson 13, and what one outer step of each costs beside the others.

    python -m studies.lesson13_networks costs    the costs of one outer step, measured side by side in one process
    python -m studies.lesson13_networks equal_steps  the same of MAML and ANIL with one inner step each, and with two
    python -m studies.lesson13_networks at_test  the same of adapting to a task: all moving, the head alone, class means
    python -m studies.lesson13_networks train    all networks, three seeds each; goes on where it was stopped

Every network is a Conv4 of 32 filters. *maml5* is the textbook's: five ways, a learned head, five inner steps at one rate for
all layers, the outer gradient clipped. *steep* is the same with a head rate ten times the body's. *ours* is the recipe of lesson
09 (40 ways, a head of zeros, two inner steps), *anil* adapts the head alone, *nil* has no inner loop: the nearest class mean by
cosine. *anil* and *nil* take as many outer steps as *ours*; *anil, equal cost* and *nil, equal cost* as many as cost the same,
by ``data/results/13-costs.json``. The starts stand in ``runs/13/``; the lesson's are kept in ``data/checkpoints/``.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from mlteach.checkpoint import load_checkpoint, params_from, save_checkpoint
from mlteach.fit import fit
from mlteach.inner import Rule, sgd
from mlteach.measure import path_of
from mlteach.measure.ledger import data_folder, keep_results, recorded
from mlteach.nets import Conv4, cross_entropy
from mlteach.outer import maml_gradient
from mlteach.params import Params, gradient_of, leaves, stack
from mlteach.tasks import Characters, Episode
from studies.shared import beside_recorded, figure

LESSON, SEEDS = "13_rapid_learning_or_feature_reuse", (0, 1, 2)
STEPS_5, STEPS_40 = 900, 800  # outer steps of the 5-way networks, and of those that train with 40 ways
REPEATS = 15  # of each outer step, for its cost


@dataclass(frozen=True)
class Network:
    """How one of them is trained. The rates are for the mean cross-entropy."""

    ways: int
    tasks: int
    queries: int  # a class, in training
    inner_steps: int
    body_rate: float
    head_rate: float
    zero_head: bool
    steps: int  # outer steps
    outer_rate: float
    clip: float | None = None
    head_only: bool = False
    scale: float = 10.0  # of NIL's cosines in training, before the softmax; 1 is none

    @property
    def net(self) -> Conv4:
        """As it is trained."""
        return Conv4(self.ways, 32, head="flatten")

    def start(self, net: Conv4) -> Callable[[Params], Params]:
        """What the inner loop begins with."""
        return net.zero_head if self.zero_head else dict

    def only(self, net: Conv4) -> Collection[str] | None:
        """The names that adapt in the inner loop."""
        return net.head_names if self.head_only else None

    def rates(self, net: Conv4, share: float = 1.0) -> dict[str, Any]:
        """A rate for each name, as a share of the training's."""
        rates = dict.fromkeys(net.body_names, share * self.body_rate)
        return rates | dict.fromkeys(net.head_names, share * self.head_rate)

    def rule(self, net: Conv4, share: float = 1.0) -> Rule:
        """Gradient descent with these rates."""
        return sgd(self.rates(net, share))

    def fresh(self, seed: int, dtype: torch.dtype = torch.float32) -> Params:
        """theta before training."""
        theta = self.net.init(torch.Generator().manual_seed(seed), dtype)
        return {name: theta[name] for name in self.net.body_names} if self.zero_head else theta

    def gradient(self, theta: Params, episode: Episode) -> tuple[Params, dict[str, Any]]:
        """One outer step's gradient."""
        net = self.net
        if not self.inner_steps:
            return nil_gradient(net, theta, episode, self.scale)
        return maml_gradient(
            net, cross_entropy, theta, episode, self.rule(net), self.inner_steps,
            only=self.only(net), start=self.start(net),
        )  # fmt: skip

    def sample(self, train: Characters, generator: torch.Generator) -> Episode:
        """The tasks of one outer step."""
        return train.sample(self.tasks, self.ways, 1, self.queries, generator=generator)


MAML5 = Network(5, 4, 3, 5, 0.1, 0.1, zero_head=False, steps=STEPS_5, outer_rate=4e-3, clip=1.0)
STEEP = Network(5, 4, 3, 5, 0.1, 1.0, zero_head=False, steps=STEPS_5, outer_rate=4e-3, clip=1.0)
OURS = Network(40, 2, 2, 2, 0.4, 0.5, zero_head=True, steps=STEPS_40, outer_rate=5e-3)
ANIL = Network(40, 2, 2, 1, 0.0, 4.0, zero_head=True, steps=STEPS_40, outer_rate=5e-3, head_only=True)
NIL = Network(40, 2, 2, 0, 0.0, 0.0, zero_head=True, steps=STEPS_40, outer_rate=5e-3)
BARE = replace(NIL, scale=1.0)


def equal_cost(network: Network, name: str) -> Network:
    """The same with as many outer steps as cost what those of *ours* do."""
    ratio = recorded(LESSON[:2], "costs")[f"ours / {name}"]["value"]
    return replace(network, steps=round(STEPS_40 * ratio))


def networks() -> dict[str, Network]:
    """All of them by name."""
    found = {
        "maml5": MAML5,
        "ours": OURS,
        "anil": ANIL,
        "nil": NIL,
        "nil, bare cosines": BARE,
        "steep": STEEP,
    }
    return found | {"anil, equal cost": equal_cost(ANIL, "anil"), "nil, equal cost": equal_cost(NIL, "nil")}


def nil_gradient(net: Conv4, body: Params, episode: Episode, scale: float) -> tuple[Params, dict[str, Any]]:
    """The gradient by the body of the queries' cross-entropy, when the support's class means answer by their cosine (1-shot)."""
    point = leaves(body)
    phi = stack(point, episode.tasks)
    support, query = (
        F.normalize(net.features_of(phi, x), dim=-1) for x in (episode.support_x, episode.query_x)
    )
    order = episode.support_y.argsort(1)[..., None].expand_as(support)
    logits = scale * query @ support.gather(1, order).transpose(1, 2)
    losses = cross_entropy(logits, episode.query_y)
    right = (logits.argmax(-1) == episode.query_y).double().mean()
    return gradient_of(losses.mean(), point), {"loss": losses.mean().detach(), "accuracy": right}


def medians(arms: dict[str, Network]) -> dict[str, float]:
    """Median processor seconds of one outer step of each, the arms taking turns."""
    train, _, _ = Characters.omniglot().split("random")
    generator = torch.Generator().manual_seed(0)
    given = {name: (each.fresh(0), each.sample(train, generator)) for name, each in arms.items()}
    spent: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(REPEATS + 2):
        for name, each in arms.items():
            began = time.process_time()
            each.gradient(*given[name])
            spent[name].append(time.process_time() - began)
    return {name: statistics.median(values[2:]) for name, values in spent.items()}


def ratio(middle: dict[str, float], name: str, other: str) -> dict[str, Any]:
    """How many outer steps of ``other`` cost as much as one of ``name``."""
    said = f"outer steps of {other} that cost as much as one of {name}: medians of {REPEATS}, taking turns, one thread"
    return figure(f"{name} / {other}", middle[name] / middle[other], "times", [0], None, said, digits=2)


def keep_costs(figures: list[dict[str, Any]]) -> None:
    """Write them beside the costs that are recorded already, and print them."""
    for each in figures:
        print(each["name"], each["value"])
    command = "python -m studies.lesson13_networks costs equal_steps"
    keep_results(LESSON, "costs", beside_recorded(LESSON[:2], "costs", figures), command=command)


def costs() -> None:
    """How many outer steps of each other network fit into one of ours."""
    middle = medians({"maml5": MAML5, "ours": OURS, "anil": ANIL, "nil": NIL})
    keep_costs([ratio(middle, "ours", name) for name in middle if name != "ours"])


def equal_steps() -> None:
    """MAML and ANIL with as many inner steps each: one, and two."""
    one, two = replace(OURS, inner_steps=1), replace(ANIL, inner_steps=2)
    middle = medians({"ours": OURS, "anil": ANIL, "ours, 1 step": one, "anil, 2 steps": two})
    keep_costs([ratio(middle, "ours, 1 step", "anil"), ratio(middle, "ours", "anil, 2 steps")])


def at_test() -> None:
    """Median processor seconds to make *maml5* ready for 50 tasks: five steps of all, of the head alone, or class means (NIL)."""
    _, _, test = Characters.omniglot().split("random")
    tasks = test.sample(50, 5, 1, 1, generator=torch.Generator().manual_seed(0))
    net, theta = MAML5.net, MAML5.fresh(0)
    path = partial(path_of, net, theta, tasks, MAML5.rule(net), MAML5.inner_steps)
    with torch.no_grad():
        ways: dict[str, Callable[[], Any]] = {
            "all": path, "head": partial(path, only=net.head_names),
            "class means": lambda: net.features_of(stack(theta, tasks.tasks), tasks.support_x),
        }  # fmt: skip
        spent: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(REPEATS + 2):
            for name, run in ways.items():
                began = time.process_time()
                run()
                spent[name].append(time.process_time() - began)
    middle = {name: statistics.median(values[2:]) for name, values in spent.items()}
    figures = [
        figure(f"all / {name}", middle["all"] / middle[name], "times", [0], 50,
               f"five steps of all layers cost so many times what {name} costs: medians of {REPEATS}, taking turns, one thread",
               digits=2)
        for name in ways if name != "all"
    ]  # fmt: skip
    for each in figures:
        print(each["name"], each["value"])
    keep_results(LESSON, "costs-at-test", figures, command="python -m studies.lesson13_networks at_test")


def place_of(name: str, seed: int) -> str:
    """Where a network's training stands."""
    return str(
        data_folder().parent
        / "runs"
        / "13"
        / f"{name.replace(', ', '-').replace(' ', '-')}-{seed}.safetensors"
    )


def trained(name: str, seed: int) -> Params:
    """A network's start after training; trains it where it is not whole."""
    network, place = networks()[name], Path(place_of(name, seed))
    if place.exists() and (stored := load_checkpoint(place)).about["step"] == network.steps:
        return params_from(stored, network.fresh(seed))
    train, _, _ = Characters.omniglot().split("random")
    generator = torch.Generator().manual_seed(seed)
    theta = network.net.init(generator)
    theta = {each: theta[each] for each in network.fresh(seed)}
    run = fit(
        network.gradient, theta, lambda g: network.sample(train, g), steps=network.steps, generator=generator,
        lr=network.outer_rate, schedule="cosine", clip=network.clip, progress=f"{name}, seed {seed}",
        checkpoint=place, every=200,
    )  # fmt: skip
    return {each: value.detach() for each, value in run.theta.items()}


def train_all() -> None:
    """Every network, and for the lesson what it goes on with: two of them, seed 0."""
    for seed in SEEDS:
        for name in networks():
            theta = trained(name, seed)
            if seed == 0 and name in ("maml5", "ours"):
                named = {f"theta.{each}": value for each, value in theta.items()}
                save_checkpoint(
                    data_folder() / "checkpoints" / f"13-{name}.safetensors", named,
                    {"network": vars(networks()[name]), "seed": seed},
                )  # fmt: skip


def kept(name: str, dtype: torch.dtype = torch.float32) -> Params:
    """The start of *maml5* or *ours*, seed 0, as the lesson has it."""
    network = networks()[name]
    stored = load_checkpoint(data_folder() / "checkpoints" / f"13-{name}.safetensors")
    return params_from(stored, network.fresh(0, dtype))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    every = {"costs": costs, "equal_steps": equal_steps, "at_test": at_test, "train": train_all}
    parser.add_argument("what", nargs="+", choices=list(every))
    for what in parser.parse_args().what:
        every[what]()


if __name__ == "__main__":
    main()
