"""What the inner loop changes, and what of it matters: the measurements of lesson 13 on its networks, three seeds each.

    python -m studies.lesson13_reuse freeze      layers frozen at test, at full and at small rates, at equal steps and equal loss
    python -m studies.lesson13_reuse company     the body frozen, and whose statistics batch norm reads
    python -m studies.lesson13_reuse similar     CKA and CCA before and after adapting, by layer, with references
    python -m studies.lesson13_reuse moved       how far the kernels move, at equal lengths, beside fresh kernels merely enlarged
    python -m studies.lesson13_reuse table       every network with its own inner loop and by nearest class mean (NIL)
    python -m studies.lesson13_reuse combine     all 32 ways to freeze five groups of layers, for the explorer

Each writes its own ``data/results/13-*.json``, ``combine`` ``data/checkpoints/13-frozen.safetensors``. The test tasks are the first
of lesson 09's, 15 queries a class. Intervals are over the seeds, of differences too: arms share seed and tasks. The networks
come from ``studies.lesson13_networks``, which trains what is missing.
"""

import argparse
import itertools
from collections.abc import Callable, Collection, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.checkpoint import save_checkpoint
from mlteach.inner import Rule
from mlteach.measure import Interval, cca, cka, debiased_cka, over_seeds, path_of, svcca
from mlteach.measure.ledger import data_folder, keep_results
from mlteach.measure.similarity import points
from mlteach.nets import Conv4, cross_entropy, share_right
from mlteach.outer import maml_gradient
from mlteach.params import Params, norm, subtract, task
from mlteach.tasks import Characters, Episode
from studies.lesson13_networks import LESSON, MAML5, OURS, SEEDS, Network, networks, trained
from studies.shared import Figure, figure, tasks_of

MODES = ("transductive", "support")
GROUPS = ("conv1", "conv2", "conv3", "conv4", "head")
KERNELS = [f"{block}.weight" for block in GROUPS[:4]]
FREEZE_TASKS, TABLE_TASKS, FEW_TASKS, MOVED_TASKS = 80, 1000, 30, 8
#: How each adapts at test, as share of its training's rates, and steps: as it was trained, and more gently.
TESTS = {
    "maml5": {"full": (1.0, 5), "small": (0.2, 5)},
    "steep": {"full": (1.0, 5), "small": (0.2, 5)},
    "ours": {"full": (1.0, 2), "small": (0.025, 3)},
    "anil": {"full": (1.0, 1), "small": (0.025, 3)},
}
#: What is frozen, by name.
FROZEN: dict[str, tuple[str, ...]] = {
    "nothing": (), "layer 1": GROUPS[:1], "layers 1-2": GROUPS[:2], "layers 1-3": GROUPS[:3], "body": GROUPS[:4],
    "head": GROUPS[4:],
}  # fmt: skip
LOOKED_AT = (0, 1, 2, 3, 5, 10, 20, 40)  # inner steps of the curves
MOST_STEPS = 100  # a frozen body is given this many to reach the other's support loss

Found = dict[str, list[float]]


def group_names(net: Conv4, groups: Collection[str]) -> list[str]:
    """The parameters of these groups: a block's kernel and its batch norm, or the head."""
    of = {
        name: "head" if name.startswith("head") else f"conv{name.split('.')[0][-1]}" for name in names_of(net)
    }
    return [name for name, group in of.items() if group in groups]


def names_of(net: Conv4) -> tuple[str, ...]:
    """All parameters."""
    return (*net.body_names, *net.head_names)


def moving(net: Conv4, frozen: Collection[str]) -> list[str]:
    """The parameters that adapt when these groups are frozen."""
    return group_names(net, [group for group in GROUPS if group not in frozen])


def test_tasks(count: int) -> list[Episode]:
    """The first so many of lesson 09's test tasks."""
    _, _, test = Characters.omniglot().split("random")
    return tasks_of(test, count, 2)


@torch.no_grad()
def right(net: Conv4, phi: Params, episode: Episode, mode: str) -> Tensor:
    """Percent of right answers [tasks]."""
    logits = net(phi, episode.query_x, mode, support=episode.support_x)  # type: ignore[arg-type]
    return 100 * share_right(logits, episode.query_y)


@torch.no_grad()
def support_loss(net: Conv4, phi: Params, episode: Episode) -> Tensor:
    """[tasks]"""
    return cross_entropy(net(phi, episode.support_x), episode.support_y)


def figures_of(found: Found, unit: Callable[[str], str], tasks: int, note: str = "") -> list[Figure]:
    """Entries of the ledger: the mean over the seeds and its interval."""
    every = {
        name: over_seeds(values) if len(values) > 1 else Interval(values[0], 0.0, 1)
        for name, values in found.items()
    }
    said = {
        name: (note + "; " if note else "") + "by seed: " + ", ".join(f"{value:.4g}" for value in values)
        for name, values in found.items()
    }
    return [
        figure(name, each, unit(name), SEEDS[: len(found[name])], tasks, said[name], digits=4)
        for name, each in every.items()
    ]


def keep(what: str, found: Found, unit: Callable[[str], str], tasks: int, note: str = "") -> None:
    """Write what was found, and print it."""
    figures = figures_of(found, unit, tasks, note)
    for each in figures:
        print(f"{each['name']:48} {each['value']:9.3f} ± {each['interval']:.3f}", flush=True)
    keep_results(LESSON, what, figures, command=f"python -m studies.lesson13_reuse {what}")


def mean(values: Iterable[Tensor]) -> float:
    """Of all numbers in some tensors."""
    return torch.cat([each.flatten() for each in values]).double().mean().item()


# Freezing ------------------------------------------------------------------------------------------------------------


def freeze() -> None:
    """Groups frozen at test; and a frozen body given the steps that its support loss needs."""
    tests, net = test_tasks(FREEZE_TASKS), Conv4(5, 32, head="flatten")
    found: Found = {}

    def add(name: str, value: float) -> None:
        found.setdefault(name, []).append(value)

    for seed, name in itertools.product(SEEDS, ("maml5", "ours", "steep")):
        theta, network = trained(name, seed), networks()[name]
        for rates, (share, steps) in TESTS[name].items():
            how: dict[str, Any] = {"rule": network.rule(net, share), "start": network.start(net)}
            whole: dict[str, float] = {}
            for frozen, groups in FROZEN.items():
                if name == "steep" and frozen not in ("nothing", "body"):
                    continue
                ends = [
                    (path_of(net, theta, each, steps=steps, only=moving(net, groups), **how)[-1], each)
                    for each in tests
                ]
                for mode in MODES:
                    share_of = mean(right(net, phi, each, mode) for phi, each in ends)
                    add(f"{name}.{rates}.{mode}.{frozen}", share_of)
                    if frozen == "nothing":
                        whole[mode] = share_of
                    else:
                        add(f"{name}.{rates}.{mode}.{frozen} - nothing", share_of - whole[mode])
                if frozen == "nothing":
                    low = mean(support_loss(net, phi, each) for phi, each in ends)
                    add(f"{name}.{rates}.support loss", low)
            longer = equal_loss(net, network, theta, tests, share, low)
            add(f"{name}.{rates}.steps of the body frozen for the same support loss", float(longer[0]))
            for mode in MODES:
                at = mean(right(net, phi, each, mode) for phi, each in zip(longer[1], tests, strict=True))
                add(f"{name}.{rates}.{mode}.body, same support loss - nothing", at - whole[mode])
            if name == "maml5":
                curves(net, network, theta, tests, share, rates, add)
    keep("freeze", found, lambda name: "steps" if ".steps" in name else "nats" if "loss" in name and "same" not in name else
         "points" if " - " in name else "%", FREEZE_TASKS)  # fmt: skip


def equal_loss(
    net: Conv4, network: Network, theta: Params, tests: list[Episode], share: float, low: float
) -> tuple[int, list[Params]]:
    """The fewest steps after which a network with a frozen body has so low a mean support loss, and where they end."""
    paths = [
        path_of(
            net,
            theta,
            each,
            network.rule(net, share),
            MOST_STEPS,
            only=net.head_names,
            start=network.start(net),
        )
        for each in tests
    ]
    for step in range(1, MOST_STEPS + 1):
        if mean(support_loss(net, path[step], each) for path, each in zip(paths, tests, strict=True)) <= low:
            break
    return step, [path[step] for path in paths]


def curves(
    net: Conv4,
    network: Network,
    theta: Params,
    tests: list[Episode],
    share: float,
    rates: str,
    add: Callable[[str, float], None],
) -> None:
    """Accuracy by the support's statistics after some of many steps, all moving and with a frozen body."""
    for frozen in ("nothing", "body"):
        paths = [
            path_of(
                net, theta, each, network.rule(net, share), LOOKED_AT[-1], only=moving(net, FROZEN[frozen])
            )
            for each in tests
        ]
        for step in LOOKED_AT:
            seen = mean(
                right(net, path[step], each, "support") for path, each in zip(paths, tests, strict=True)
            )
            add(f"curve.{rates}.{frozen}.{step}", seen)


# Whose statistics ----------------------------------------------------------------------------------------------------


@torch.no_grad()
def inner_statistics(net: Conv4, path: list[Params], episode: Episode, momentum: float) -> Tensor:
    """Percent right [tasks], with running statistics that begin at (0, 1) and follow the support set through the inner steps."""
    found = []
    for index in range(episode.tasks):
        support_x, _, query_x, query_y = (each[index] for each in episode)
        running: Any = {
            f"norm{block}": (torch.zeros(net.filters), torch.ones(net.filters)) for block in range(1, 5)
        }
        for phi in path[:-1]:
            now = net.running_statistics(task(phi, index), support_x)
            running = {
                block: tuple(
                    (1 - momentum) * old + momentum * new
                    for old, new in zip(running[block], now[block], strict=True)
                )
                for block in running
            }
        logits = net(task(path[-1], index), query_x, "running", running=running)
        found.append(100 * (logits.argmax(-1) == query_y).double().mean())
    return torch.stack(found)


def company() -> None:
    """All moving and the body frozen, under five ways to normalise the queries."""
    train, _, _ = Characters.omniglot().split("random")
    pictures = train.sample(1, 40, 5, 1, generator=torch.Generator().manual_seed(3)).support_x[0]
    tests, net = test_tasks(FREEZE_TASKS), Conv4(5, 32, head="flatten")
    found: Found = {}
    for seed, name in itertools.product(SEEDS, ("maml5", "ours")):
        theta, network = trained(name, seed), networks()[name]
        rates = "full" if name == "maml5" else "small"
        share, steps = TESTS[name][rates]
        with torch.no_grad():
            gathered = net.running_statistics(theta, pictures)
        scores: dict[str, dict[str, float]] = {}
        for frozen in ("nothing", "body"):
            paths = [
                path_of(
                    net,
                    theta,
                    each,
                    network.rule(net, share),
                    steps,
                    only=moving(net, FROZEN[frozen]),
                    start=network.start(net),
                )
                for each in tests
            ]
            both = list(zip(paths, tests, strict=True))
            with torch.no_grad():
                scores[frozen] = {
                    **{mode: mean(right(net, path[-1], each, mode) for path, each in both) for mode in MODES},
                    "running, of training": mean(
                        100
                        * share_right(net(path[-1], each.query_x, "running", running=gathered), each.query_y)
                        for path, each in both
                    ),
                    "running, of the inner loop": mean(
                        inner_statistics(net, path, each, 0.1) for path, each in both
                    ),
                    "running, its last step": mean(
                        inner_statistics(net, path, each, 1.0) for path, each in both
                    ),
                }
        for mode in scores["body"]:
            for frozen in scores:
                found.setdefault(f"{name}.{mode}.{frozen}", []).append(scores[frozen][mode])
            found.setdefault(f"{name}.{mode}.body - nothing", []).append(
                scores["body"][mode] - scores["nothing"][mode]
            )
    keep("company", found, lambda name: "points" if " - " in name else "%", FREEZE_TASKS)


# Similarity ----------------------------------------------------------------------------------------------------------


@torch.no_grad()
def similar() -> None:
    """CKA and CCA of each layer's answers to a task's queries, before and after the inner loop, in float64."""
    tests, net = test_tasks(FEW_TASKS)[0], Conv4(5, 32, head="flatten")
    tests = tests.to(dtype=torch.float64)
    found: Found = {}
    noise = torch.Generator().manual_seed(5)
    for seed, name in itertools.product(SEEDS, ("maml5", "ours")):
        network = networks()[name]
        theta = {each: value.double() for each, value in trained(name, seed).items()}
        fresh = network.fresh(seed, torch.float64)
        share, steps = TESTS[name]["full"]
        path = path_of(net, theta, tests, network.rule(net, share), steps, start=network.start(net))
        seen: dict[str, list[float]] = {}
        for index in range(tests.tasks):
            x, other = tests.query_x[index], tests.query_x[(index + 1) % tests.tasks]
            before, after = (seen_by(net, task(path[at], index), x) for at in (0, -1))
            newborn, elsewhere = seen_by(net, fresh, x), seen_by(net, theta, other)
            for layer, a in enumerate(before, 1):
                b, c, d = after[layer - 1], newborn[min(layer - 1, 3)], elsewhere[min(layer - 1, 3)]
                place = f"layer {layer}" if layer < 5 else "head"
                values = {
                    "cka.after": cka(a.flatten(1), b.flatten(1)),
                    "debiased.after": debiased_cka(a.flatten(1), b.flatten(1)),
                }
                if layer < 5:
                    random = torch.randn(a.shape, generator=noise, dtype=a.dtype)
                    values |= {
                        "cka.fresh": cka(a.flatten(1), c.flatten(1)), "debiased.fresh": debiased_cka(a.flatten(1), c.flatten(1)),
                        "cka.other pictures": cka(a.flatten(1), d.flatten(1)),
                        "debiased.other pictures": debiased_cka(a.flatten(1), d.flatten(1)),
                        "cca.after": cca(points(a), points(b)), "cca.fresh": cca(points(a), points(c)),
                        "cca.noise": cca(points(a), points(random)),
                        "svcca.after": svcca(points(a), points(b)), "svcca.noise": svcca(points(a), points(random)),
                    }  # fmt: skip
                    if index < 5:
                        values["cca of 75 pictures.noise"] = cca(a.flatten(1), random.flatten(1))
                for what, value in values.items():
                    seen.setdefault(f"{name}.{what}.{place}", []).append(value.item())
        for what, numbers in seen.items():
            finite = [
                each for each in numbers if each == each
            ]  # a head of zeros says nothing before it adapts
            if finite:
                found.setdefault(what, []).append(sum(finite) / len(finite))
    keep("similar", found, lambda name: "share", FEW_TASKS)


def seen_by(net: Conv4, params: Params, x: Tensor) -> list[Tensor]:
    """What each block makes of the pictures, and where there is a head its logits."""
    blocks = net.layers(params, x)
    return [*blocks, net.read(params, blocks[-1].flatten(1))] if "head.weight" in params else blocks


# How far the kernels move --------------------------------------------------------------------------------------------


def at_lengths_of(theta: Params, like: Params) -> Params:
    """theta with kernels as long as those of ``like``: the same function, for batch norm takes lengths out again."""
    return theta | {name: theta[name] * (like[name].norm() / theta[name].norm()) for name in KERNELS}


def movement(network: Network, rule: Rule, steps: int, theta: Params, tasks: Episode) -> dict[str, float]:
    """Percent that the inner loop moves each kernel, and percent of the meta-gradient that hangs on the body's moving."""
    net = network.net
    how: Any = {"rule": rule, "steps": steps, "start": network.start(net)}
    phi = path_of(net, theta, tasks, **how)[-1]
    moved = {
        name.split(".")[0]: 100
        * ((phi[name] - theta[name]).flatten(1).norm(dim=1) / theta[name].norm()).mean().item()
        for name in KERNELS
    }
    whole, _ = maml_gradient(net, cross_entropy, theta, tasks, **how)
    without, _ = maml_gradient(net, cross_entropy, theta, tasks, only=net.head_names, **how)
    return moved | {"apart": 100 * (norm(subtract(whole, without)) / norm(whole)).item()}


def moved() -> None:
    """Fresh kernels, fresh ones merely enlarged, trained ones, and trained ones at the fresh ones' lengths."""
    train, _, _ = Characters.omniglot().split("random")
    found: Found = {}
    for seed, name in itertools.product(SEEDS, ("maml5", "ours", "anil")):
        network = networks()[name]
        like = (
            MAML5 if name == "maml5" else OURS
        )  # anil is asked what its body would do if it moved as ours does
        net, generator = network.net, torch.Generator().manual_seed(1)
        groups = MOVED_TASKS // 4 * (5 if name == "maml5" else 1)
        drawn = [
            train.sample(4, network.ways, 1, 2, generator=generator, dtype=torch.float64)
            for _ in range(groups)
        ]
        fresh = network.fresh(seed, torch.float64)
        theta = {each: value.double() for each, value in trained(name, seed).items()}
        for kernel in KERNELS:
            longer = (theta[kernel].norm() / fresh[kernel].norm()).item()
            found.setdefault(f"{name}.longer.{kernel.split('.')[0]}", []).append(longer)
        looks = {
            "fresh": fresh, "fresh, enlarged": at_lengths_of(fresh, theta), "trained": theta,
            "trained, fresh lengths": at_lengths_of(theta, fresh),
        }  # fmt: skip
        for look, params in looks.items():
            each = [movement(network, like.rule(net), like.inner_steps, params, tasks) for tasks in drawn]
            for what in each[0]:
                value = sum(numbers[what] for numbers in each) / len(each)
                found.setdefault(f"{name}.{look}.{what}", []).append(value)
        for what in ("conv1", "conv4", "apart"):
            a, b = (found[f"{name}.{look}.{what}"][-1] for look in ("trained", "fresh, enlarged"))
            found.setdefault(f"{name}.trained / enlarged.{what}", []).append(a / b)
            a, b = (found[f"{name}.{look}.{what}"][-1] for look in ("trained, fresh lengths", "fresh"))
            found.setdefault(f"{name}.equal lengths / fresh.{what}", []).append(a / b)
    keep("moved", found, lambda name: "times" if "longer" in name or " / " in name else "%", MOVED_TASKS)


# Who needs a head, and who a loop ------------------------------------------------------------------------------------


@torch.no_grad()
def nearest_mean(net: Conv4, theta: Params, episode: Episode, mode: str) -> Tensor:
    """Percent right [tasks] of NIL: the class whose support picture's features have the largest cosine with the query's (1-shot)."""
    params = {name: value.expand(episode.tasks, *value.shape) for name, value in theta.items()}
    support = net.features_of(params, episode.support_x)
    query = net.features_of(params, episode.query_x, mode, support=episode.support_x)  # type: ignore[arg-type]
    cosines = F.normalize(query, dim=-1) @ F.normalize(support, dim=-1).mT
    answers = episode.support_y.gather(1, cosines.argmax(-1))
    return 100 * (answers == episode.query_y).double().mean(1)


def table() -> None:
    """Each network as it was trained to be used, and by nearest class mean; fresh ones beside them."""
    tests, net = test_tasks(TABLE_TASKS), Conv4(5, 32, head="flatten")
    found: Found = {}
    for seed in SEEDS:
        nets = {name: trained(name, seed) for name in networks()} | {"fresh": MAML5.fresh(seed)}
        for (name, theta), mode in itertools.product(nets.items(), MODES):
            by_mean = mean(nearest_mean(net, theta, each, mode) for each in tests)
            found.setdefault(f"{name}.nearest mean.{mode}", []).append(by_mean)
        for name, theta in nets.items():
            if name.startswith("nil"):
                continue
            network = networks().get(name, MAML5)
            kind = name.partition(",")[0]
            share, steps = TESTS[kind if kind in TESTS else "maml5"][
                "full" if not network.zero_head else "small"
            ]
            ends = [
                (
                    path_of(
                        net,
                        theta,
                        each,
                        network.rule(net, share),
                        steps,
                        only=network.only(net),
                        start=network.start(net),
                    )[-1],
                    each,
                )
                for each in tests
            ]
            for mode in MODES:
                own = mean(right(net, phi, each, mode) for phi, each in ends)
                found.setdefault(f"{name}.own.{mode}", []).append(own)
                by_mean = found[f"{name}.nearest mean.{mode}"][-1]
                found.setdefault(f"{name}.nearest mean - own.{mode}", []).append(by_mean - own)

        def used(name: str, mode: str) -> float:
            return found[f"{name}.{'nearest mean' if name.startswith('nil') else 'own'}.{mode}"][-1]

        pairs = [(name, "ours") for name in ("anil", "anil, equal cost", "nil", "nil, equal cost")]
        for (name, other), mode in itertools.product([*pairs, ("nil, bare cosines", "nil")], MODES):
            gain = used(name, mode) - used(other, mode)
            found.setdefault(f"{name} - {other}.{mode}", []).append(gain)
    keep("table", found, lambda name: "points" if " - " in name else "%", TABLE_TASKS)


# For the explorer ----------------------------------------------------------------------------------------------------


@torch.no_grad()
def combine() -> None:
    """Accuracy and CKA by layer for all 32 ways to freeze five groups: a trained and a fresh network, two rates, seed 0."""
    tests, net = test_tasks(FEW_TASKS)[0], Conv4(5, 32, head="flatten")
    nets = {"trained": trained("maml5", 0), "fresh": MAML5.fresh(0)}
    accuracy, alike = torch.zeros(2, 2, 32, 2), torch.zeros(2, 2, 32, 5)
    for (k, theta), (r, (share, steps)) in itertools.product(
        enumerate(nets.values()), enumerate(TESTS["maml5"].values())
    ):
        first: list[Tensor] = []
        for pattern in range(32):
            frozen = [group for bit, group in enumerate(GROUPS) if pattern >> bit & 1]
            count = steps if moving(net, frozen) else 0
            path = path_of(net, theta, tests, MAML5.rule(net, share), count, only=moving(net, frozen) or None)
            ends = [seen_by_all(net, phi, tests) for phi in ((path[-1],) if first else (path[0], path[-1]))]
            first = first or ends[0]
            after = ends[-1]
            accuracy[k, r, pattern, 0] = share_right(after[-1], tests.query_y).mean()
            accuracy[k, r, pattern, 1] = right(net, path[-1], tests, "support").mean() / 100
            for layer, (a, b) in enumerate(zip(first, after, strict=True)):
                alike[k, r, pattern, layer] = cka(a.flatten(2).double(), b.flatten(2).double()).mean()
    save_checkpoint(
        data_folder() / "checkpoints" / "13-frozen.safetensors", {"accuracy": accuracy, "cka": alike},
        {
            "networks": list(nets), "rates": list(TESTS["maml5"]), "groups": list(GROUPS), "modes": list(MODES),
            "tasks": tests.tasks, "steps": TESTS["maml5"]["full"][1], "seed": 0,
            "command": "python -m studies.lesson13_reuse combine",
        },
    )  # fmt: skip
    print(accuracy[:, :, [0, 15, 16, 31]], alike[:, :, 0])


def seen_by_all(net: Conv4, phi: Params, tasks: Episode) -> list[Tensor]:
    """What each block and the head make of the queries, [tasks, N, ...] each."""
    blocks = net.layers(phi, tasks.query_x)
    return [*blocks, net.read(phi, blocks[-1].flatten(2))]


def main() -> None:
    """Read the command line."""
    every = {each.__name__: each for each in (freeze, company, similar, moved, table, combine)}
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=list(every))
    every[parser.parse_args().what]()


if __name__ == "__main__":
    main()
