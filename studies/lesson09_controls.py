"""The controls of lesson 09: what training did to the body, whose protocol a number was measured under, and the head.

    python -m studies.lesson09_controls reuse       how far the inner loop moves fresh and trained kernels, three seeds each
    python -m studies.lesson09_controls protocols   the starts of lessons 09 and 10 under the papers' protocols, three seeds
    python -m studies.lesson09_controls heads       a head of zeros and a learned one, 5 ways in training and test, three seeds

Each writes its own ``data/results/09-*.json``. Seed 0 is the recorded network, seeds 1 and 2 are trained by
``studies.lesson10_starts``. ``heads`` is judged on validation characters, ``protocols`` on test characters.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from mlteach.inner import sgd
from mlteach.measure import Interval, over_seeds, over_tasks, path_of
from mlteach.measure.ledger import keep_results, recorded
from mlteach.nets import Conv4, cross_entropy
from mlteach.outer import maml_gradient
from mlteach.params import Params, norm, subtract
from mlteach.tasks import Characters, Episode
from studies.lesson09_lecture_recipe import CHOSEN, measure
from studies.lesson10_company import beside_support, by_support, ends, in_batches
from studies.lesson10_starts import SEEDS, STARTS, start_of
from studies.shared import Figure, figure, tasks_of

LESSON = "09_omniglot_maml"
NET_40 = Conv4(40, 32, head="flatten")
RULE = sgd(
    dict.fromkeys(NET_40.body_names, CHOSEN.rate_body) | dict.fromkeys(NET_40.head_names, CHOSEN.rate_head)
)
KERNELS = [name for name in NET_40.body_names if "conv" in name]
REUSE_TASKS = 20  # training tasks of 40 ways that every network is looked at on, four at a time


# What training did to the body ---------------------------------------------------------------------------------------


def fresh_body(seed: int) -> Params:
    """The body before training, in double precision."""
    theta = Conv4(5, 32, head="flatten").init(torch.Generator().manual_seed(seed), torch.float64)
    return {name: theta[name] for name in NET_40.body_names}


def trained_body(seed: int) -> Params:
    """The body after the lecture recipe."""
    return {name: value.double() for name, value in start_of("maml", seed)[0].items()}


def at_lengths_of(body: Params, like: Params) -> Params:
    """The same function, for batch norm takes lengths out again, with kernels as long as those of ``like``."""
    return body | {name: body[name] * (like[name].norm() / body[name].norm()) for name in KERNELS}


def body_use(body: Params, tasks: Episode) -> dict[str, float]:
    """Percent that the inner loop moves the kernels (the block that moves most), and what the meta-gradient owes to that."""
    how: Any = {"rule": RULE, "steps": CHOSEN.inner_steps, "start": NET_40.zero_head}
    phi = path_of(NET_40, body, tasks, **how)[-1]
    moved = {
        name: ((phi[name] - body[name]).flatten(1).norm(dim=1) / body[name].norm()).mean().item()
        for name in KERNELS
    }
    maml, _ = maml_gradient(NET_40, cross_entropy, body, tasks, **how)
    without, _ = maml_gradient(NET_40, cross_entropy, body, tasks, only=NET_40.head_names, **how)
    return {
        "moved": 100 * max(moved.values()),
        "apart": 100 * (norm(subtract(maml, without)) / norm(maml)).item(),
    }


def reuse(seeds: int) -> None:
    """Fresh kernels, trained ones, and trained ones at the fresh ones' lengths, on the same training tasks.

    The intervals are over the seeds; with one seed over the groups of four tasks.
    """
    train, _, _ = Characters.omniglot().split("random")
    generator = torch.Generator().manual_seed(1)
    drawn = [
        train.sample(4, 40, 1, 2, generator=generator, dtype=torch.float64) for _ in range(REUSE_TASKS // 4)
    ]
    found: dict[str, list[float]] = {}
    alone: dict[str, Interval] = {}
    for seed in SEEDS[:seeds]:
        fresh, trained = fresh_body(seed), trained_body(seed)
        longer = [(trained[name].norm() / fresh[name].norm()).item() for name in KERNELS]
        found.setdefault("longer.least", []).append(min(longer))
        found.setdefault("longer.most", []).append(max(longer))
        networks = {
            "fresh": fresh,
            "trained": trained,
            "trained, fresh lengths": at_lengths_of(trained, fresh),
        }
        for name, body in networks.items():
            each = [body_use(body, tasks) for tasks in drawn]
            for what in each[0]:
                alone[f"{name}.{what}"] = one = over_tasks([numbers[what] for numbers in each])
                found.setdefault(f"{name}.{what}", []).append(one.mean)
                print(f"seed {seed}, {name}, {what}: {one.mean:.2f} ± {one.half_width:.2f} %", flush=True)
    figures = [
        figure(name, over_seeds(values) if seeds > 1 else alone.get(name, Interval(values[0], 0.0, 1)),
               "times" if "longer" in name else "%", list(SEEDS[:seeds]), REUSE_TASKS,
               "interval over " + ("tasks" if seeds == 1 else "seeds") + ": "
               + ", ".join(f"{value:.2f}" for value in values))
        for name, values in found.items()
    ]  # fmt: skip
    keep_results(LESSON, "reuse", figures, command="python -m studies.lesson09_controls reuse")


# Whose protocol ------------------------------------------------------------------------------------------------------

CELLS = {
    "5way1shot": (5, 1),
    "5way5shot": (5, 5),
    "20way1shot": (20, 1),
    "20way5shot": (20, 5),
}
#: Test tasks of each cell. Fewer than the papers' (600 and 10,000) make the interval wider, and nothing else.
TASKS = {"5way1shot": 600, "5way5shot": 200, "20way1shot": 200, "20way5shot": 60}
Answers = Callable[[Conv4, Params, Episode], Tensor]


def together(net: Conv4, phi: Params, episode: Episode) -> Tensor:
    """All queries of a task in one batch."""
    return in_batches(net, phi, episode, episode.query_y.shape[1], balanced=True)


def asked(episode: Episode, queries: int) -> Episode:
    """The same tasks with so many queries of each class, the first of them."""
    ways = int(episode.query_y.max()) + 1
    order = episode.query_y.argsort(stable=True, dim=1).unflatten(1, (ways, -1))[..., :queries].flatten(1)
    x = episode.query_x.gather(
        1, order[..., None, None, None].expand(*order.shape, *episode.query_x.shape[2:])
    )
    return episode._replace(query_x=x, query_y=episode.query_y.gather(1, order))


def under(
    name: str, seed: int, test: Characters, cell: str, protocols: dict[str, tuple[int, Answers]]
) -> dict[str, float]:
    """A start's mean on one set of tasks, under several protocols: queries of each class, and what a batch holds."""
    ways, shots = CELLS[cell]
    most = max(queries for queries, _ in protocols.values())
    drawn = tasks_of(
        test, TASKS[cell], 2, ways=ways, shots=shots, queries=most, at_once=50 if ways == 5 else 20
    )
    found: dict[str, list[Tensor]] = {protocol: [] for protocol in protocols}
    for net, phi, episode in ends(name, seed, drawn, ways):
        for protocol, (queries, answers) in protocols.items():
            found[protocol].append(answers(net, phi, asked(episode, queries)))
    return {protocol: torch.cat(values).mean().item() for protocol, values in found.items()}


def protocols() -> None:
    """Each start, each cell of the papers' tables: under MAML's protocol, Reptile's two, and ours."""
    characters = Characters.omniglot()
    plain = characters.split("random", rotations="train").test
    turned = characters.split("random", rotations="all").test
    figures: list[Figure] = []
    for cell, (_, shots) in CELLS.items():
        on_turned: dict[str, tuple[int, Answers]] = {"as MAML": (shots, together)}
        on_plain = {"as Reptile": (1, beside_support), "as Reptile, transductive": (1, together)}
        if cell == "5way1shot":  # ours, and one thing changed on the way to MAML's
            on_turned |= {"ours, turned too": (15, together)}
            on_plain |= {"ours": (15, together), "ours, by support": (15, by_support)}
        for name in STARTS:
            for test, asks in ((turned, on_turned), (plain, on_plain)):
                each = [under(name, seed, test, cell, asks) for seed in SEEDS]
                for protocol, (queries, _) in asks.items():
                    values = [one[protocol] for one in each]
                    found, note = over_seeds(values), f"{queries} queries a class; interval over seeds: "
                    note += ", ".join(f"{value:.2f}" for value in values)
                    new = figure(f"{name}.{cell}.{protocol}", found, "%", SEEDS, TASKS[cell], note)
                    figures.append(new | {"by_seed": [round(value, 3) for value in values]})
                    print(f"{name:8} {cell:11} {protocol:26} {found}", flush=True)
            keep_results(
                LESSON, "protocols", figures, command="python -m studies.lesson09_controls protocols"
            )


# The head ------------------------------------------------------------------------------------------------------------


def heads(seeds: int) -> None:
    """A head of zeros and a learned head, both trained and tested with 5 ways: three seeds of the same outer steps.

    What is recorded is not trained again, so the command can be stopped and called again.
    """
    characters = Characters.omniglot()
    at_5 = replace(CHOSEN, ways=5, meta_batch=16)
    candidates = {"learned": replace(at_5, zero_head=False), "zero": at_5}
    for seed in tqdm(SEEDS[:seeds], desc="heads", unit="seed"):
        for name, candidate in candidates.items():
            figures = recorded(LESSON[:2], "heads")
            if f"{name}.seed-{seed}" in figures:
                continue
            run = measure(candidate, characters, seed)
            run["note"] = run["note"].rpartition(",")[0]  # how long it took is no matter here
            figures[f"{name}.seed-{seed}"] = {"name": f"{name}.seed-{seed}", **run, "seconds": None}
            runs = [each for key, each in figures.items() if key.startswith(f"{name}.seed-")]
            alone = Interval(runs[0]["value"], runs[0]["interval"], runs[0]["tasks"])
            every = over_seeds([each["value"] for each in runs]) if len(runs) > 1 else alone
            seeds = [each["seeds"][0] for each in runs]
            said = "5 ways in training and in test; interval over " + ("tasks" if len(runs) == 1 else "seeds")
            figures[name] = figure(name, every, "%", seeds, run["tasks"], said)
            keep_results(
                LESSON, "heads", list(figures.values()), command="python -m studies.lesson09_controls heads"
            )
            print(f"{name}, seed {seed}: {run['value']:.1f} ± {run['interval']:.1f} %", flush=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["reuse", "protocols", "heads"])
    parser.add_argument(
        "--seeds", type=int, default=len(SEEDS), help="so many training runs, for reuse and heads"
    )
    options = parser.parse_args()
    if options.what == "protocols":
        protocols()
    else:
        {"reuse": reuse, "heads": heads}[options.what](options.seeds)


if __name__ == "__main__":
    main()
