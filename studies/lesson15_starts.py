"""Several starts (lesson 15): do groups of adapted parameters find the families, and what is a start for each group worth?

    python -m studies.lesson15_starts phases      sinusoids of two phase ranges, three seeds
    python -m studies.lesson15_starts formulas    sinusoids, lines and quadratics, three seeds
    python -m studies.lesson15_starts purities    how pure groups are after 0 to 3000 outer steps of MAML, three seeds
    python -m studies.lesson15_starts order       Omniglot: do adapted parameters tell characters, or the order of the labels?

Every arm goes on from the same MAML start, for as many tasks in all: "one" on all tasks with K times as many in a step, "tsa" with
a start for each group, "families" with the true ones, "random" with groups drawn by lot. "longer" is "one" with K times the steps,
so K times the tasks. All are tested on the same 1000 tasks. Runs are kept in ``runs/15-starts``, where they go on if they were
stopped. Writes ``data/results/15-starts.json``, ``15-order.json`` and the starts of seed 0, ``data/checkpoints/15-phases``.
"""

import argparse
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mlteach.checkpoint import save_checkpoint
from mlteach.fit import fit
from mlteach.inner import sgd
from mlteach.measure import Interval, over_seeds
from mlteach.measure.ledger import data_folder, keep_results, recorded
from mlteach.nets import MLP, Conv4, cross_entropy, squared_error
from mlteach.outer import maml_gradient
from mlteach.outer.several_starts import (
    Groups,
    adapted_from,
    adapted_points,
    grouped,
    nearest,
    purity,
    starts_of,
)
from mlteach.params import Params
from mlteach.tasks import Characters, Episode
from mlteach.tasks.mixture import Mixture, drawn_from
from studies.shared import Figure
from studies.shared import figure as entry

LESSON, SEEDS = "15_task_adaptive_losses_and_starts", (0, 1, 2)
NET = MLP()
POOL, TESTED, QUERIES = 6000, 1000, 50


@dataclass(frozen=True)
class Setting:
    """One mixture, how it is adapted to, and for how many outer steps step 1 and step 3 of several starts train."""

    tasks: Mixture
    groups: int
    shots: int
    inner_steps: int
    rate: float
    first: int
    then: int
    meta_batch: int = 8
    outer_rate: float = 1e-3

    @property
    def rule(self) -> Any:
        return sgd(self.rate)


PHASES = Setting(Mixture.phases(), 2, 5, 2, 0.005, 4000, 2500)
SETTINGS = {
    "phases": PHASES,
    "formulas": Setting(Mixture.formulas(), 3, 10, 5, 0.005, 1500, 600),
}


def maml(setting: Setting, theta: Params, tasks: int, places: Tensor | None, pool: Episode | None, steps: int, seed: int, name: str) -> Params:  # fmt: skip
    """MAML from theta: on fresh tasks where there is no pool, else on the pool's tasks at ``places``."""

    def sample(g: torch.Generator) -> Episode:
        if pool is None or places is None:
            return setting.tasks.sample(tasks, setting.shots, 20, generator=g)
        return drawn_from(pool, places, tasks, generator=g)

    def gradient(params: Params, episode: Episode) -> Any:
        return maml_gradient(NET, squared_error, params, episode, setting.rule, setting.inner_steps)

    folder = data_folder().parent / "runs" / "15-starts"
    folder.mkdir(parents=True, exist_ok=True)
    run = fit(
        gradient, theta, sample, steps=steps, generator=torch.Generator().manual_seed(seed), lr=setting.outer_rate,
        schedule="cosine", clip=10.0, progress=name, checkpoint=folder / f"{name}.safetensors", every=1000,
    )  # fmt: skip
    return run.theta


def arms(
    name: str, setting: Setting, seed: int
) -> tuple[dict[str, float], dict[str, list[Params]], Params, Groups]:
    """Train every arm of one seed; the test error of each, the arms' starts, the first start and its groups."""
    k, batch, tag = setting.groups, setting.meta_batch, f"{name}-{seed}"
    theta = NET.init(torch.Generator().manual_seed(seed))
    theta = maml(setting, theta, k * batch, None, None, setting.first, seed, f"{tag}-first")
    drawn = torch.Generator().manual_seed(1000 + seed)
    pool, family = setting.tasks.sample_with_family(POOL, setting.shots, 20, generator=drawn)
    points = adapted_points(NET, squared_error, theta, pool, setting.rule, setting.inner_steps)
    groups = grouped(points, k, seed=seed)
    by_lot = torch.randint(k, (POOL,), generator=drawn)

    def own(kind: str, number: int, start: Params, member: Tensor) -> Params:
        places = member.nonzero()[:, 0]
        return maml(
            setting, start, batch, places, pool, setting.then, seed + 100 * number, f"{tag}-{kind}-{number}"
        )

    everywhere = torch.arange(POOL)
    starts = {
        "one": [maml(setting, theta, k * batch, everywhere, pool, setting.then, seed, f"{tag}-one")],
        "tsa": [own("tsa", i, start, groups.group == i) for i, start in enumerate(starts_of(groups, theta))],
        "families": [own("families", i, theta, family == i) for i in range(k)],
        "random": [own("random", i, theta, by_lot == i) for i in range(k)],
    }
    if name == "phases":
        longer = maml(setting, theta, k * batch, everywhere, pool, k * setting.then, seed, f"{tag}-longer")
        starts["longer"] = [longer]
    return judged(setting, theta, starts, groups, pool, family), starts, theta, groups


def judged(
    setting: Setting,
    theta: Params,
    starts: dict[str, list[Params]],
    groups: Groups,
    pool: Episode,
    family: Tensor,
) -> dict[str, float]:
    """The mean query error of each arm on the same unseen tasks, and how pure the groups are."""
    drawn = torch.Generator().manual_seed(99)
    test, true = setting.tasks.sample_with_family(TESTED, setting.shots, QUERIES, generator=drawn)
    how: Any = (setting.rule, setting.inner_steps)
    near = nearest(adapted_points(NET, squared_error, theta, test, *how), groups.means)
    by_lot = torch.randint(setting.groups, (TESTED,), generator=drawn)
    found, chosen = {}, {"tsa": near, "families": true, "random": by_lot}
    for kind, each in starts.items():
        support, query = adapted_from(NET, squared_error, each, test, *how)
        group = chosen.get(kind, torch.zeros(TESTED, dtype=torch.int64))
        found[kind] = query.gather(0, group[None]).mean().item()
        if kind == "tsa":
            found["tsa, by support loss"] = query.gather(0, support.argmin(0)[None]).mean().item()
            found["tsa, best in hindsight"] = query.min(0).values.mean().item()
    _, before = adapted_from(NET, squared_error, [theta], test, *how)
    found |= {
        "first": before.mean().item(),
        "purity": purity(groups.group, family),
        "purity, new tasks": purity(near, true),
    }
    found["purity of the support points"] = purity(grouped(binned(pool), setting.groups).group, family)
    found["chance"] = torch.bincount(family).max().item() / len(family)
    return found


def binned(episode: Episode, bins: int = 11) -> Tensor:
    """The support points themselves as a vector [tasks, bins]: labels summed near 11 places of x. No network is asked."""
    places = torch.linspace(-5, 5, bins)
    return (episode.support_y * torch.exp(-(episode.support_x - places).square())).sum(1)


def purities(setting: Setting, seeds: tuple[int, ...]) -> list[Figure]:
    """How pure groups are after so many outer steps of MAML, and after so many steps of adapting."""
    figures = []
    lengths = (0, 300, 1000, 3000)
    found: dict[tuple[int, int], list[float]] = {}
    for seed in seeds:
        for length in lengths:
            theta = NET.init(torch.Generator().manual_seed(seed))
            if length:
                theta = maml(setting, theta, 16, None, None, length, seed, f"purity-{seed}-{length}")
            drawn = torch.Generator().manual_seed(2000 + seed)
            pool, family = setting.tasks.sample_with_family(2000, setting.shots, 1, generator=drawn)
            for steps in (1, 2, 5):
                points = adapted_points(NET, squared_error, theta, pool, setting.rule, steps)
                found.setdefault((length, steps), []).append(
                    purity(grouped(points, setting.groups, seed=seed).group, family)
                )
    for (length, steps), values in found.items():
        figures.append(
            figure(f"purity.{length} outer.{steps} inner", over_seeds(values), "share", seeds, 2000, values)
        )
    return figures


def figure(
    name: str, found: Interval, unit: str, seeds: tuple[int, ...], tasks: int, values: list[float]
) -> Figure:
    """One entry of the ledger, the seeds' own values in its note."""
    return entry(name, found, unit, seeds, tasks, ", ".join(f"{v:.3f}" for v in values), digits=4)


def keep(profile: str, new: list[Figure]) -> None:
    """Add to the record what was found, in place of what it was before."""
    kept = recorded(LESSON[:2], profile) | {each["name"]: each for each in new}
    keep_results(LESSON, profile, list(kept.values()), command=f"python -m studies.lesson15_starts {profile}")


def mixture(name: str) -> None:
    """All arms of a setting, three seeds: errors, and differences from one start in pairs."""
    setting, found = SETTINGS[name], {}
    for seed in SEEDS:
        numbers, starts, theta, groups = arms(name, setting, seed)
        print(name, seed, {key: round(value, 3) for key, value in numbers.items()}, flush=True)
        for key, value in numbers.items():
            found.setdefault(key, []).append(value)
        if name == "phases" and seed == 0:
            kept = {f"first.{n}": v for n, v in theta.items()} | {"means": groups.means}
            for kind in ("one", "tsa", "random"):
                for i, each in enumerate(starts[kind]):
                    kept |= {f"{kind}{i}.{n}": v for n, v in each.items()}
            about = {"made by": "studies.lesson15_starts phases", "seed": seed, "rate": setting.rate, "shots": setting.shots, "steps": setting.inner_steps}  # fmt: skip
            save_checkpoint(data_folder() / "checkpoints" / "15-phases.safetensors", kept, about)
    figures = []
    for key, values in found.items():
        unit = "share" if "purity" in key or key == "chance" else "query MSE"
        figures.append(figure(f"{name}.{key}", over_seeds(values), unit, SEEDS, TESTED, values))
        if unit == "query MSE" and key not in ("one", "first"):
            apart = [a - b for a, b in zip(values, found["one"], strict=True)]
            figures.append(
                figure(
                    f"{name}.{key} minus one", over_seeds(apart), "query MSE, paired", SEEDS, TESTED, apart
                )
            )
    keep("starts", figures)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=[*SETTINGS, "purities", "order"])
    torch.set_num_threads(1)
    what = parser.parse_args().what
    if what == "order":
        order()
    elif what == "purities":
        keep("starts", purities(PHASES, SEEDS))
    else:
        mixture(what)


# The order of the labels ---------------------------------------------------------------------------------------------

SETS, ORDERS, DRAWINGS = 6, 6, 4  # sets of five characters, orders of their labels, draws of other writers


def order() -> None:
    """How far apart adapted parameters of Omniglot tasks lie: same characters and order, same characters, other characters."""
    _, _, test = Characters.omniglot().split("random")
    found: dict[str, list[float]] = {}
    for seed in SEEDS:
        for head in ("learned", "zero"):
            for key, value in apart(head, seed, test).items():
                found.setdefault(f"{head} head.{key}", []).append(value)
                print(seed, head, key, round(value, 3), flush=True)
    tasks = SETS * ORDERS * DRAWINGS
    keep("order", [figure(key, over_seeds(values), "distance" if "purity" not in key else "share", SEEDS, tasks, values) for key, values in found.items()])  # fmt: skip


def trained_on_characters(head: str, seed: int) -> tuple[Conv4, Params]:
    """A Conv-4 of 16 filters after 200 outer steps of MAML, five inner steps at rate 0.1: it need not be good."""
    train, _, _ = Characters.omniglot().split("random")
    net = Conv4(5, 16, head="flatten")
    theta = net.init(torch.Generator().manual_seed(seed))
    start = net.zero_head if head == "zero" else dict
    begin = {name: theta[name] for name in net.body_names} if head == "zero" else theta
    folder = data_folder().parent / "runs" / "15-starts"
    folder.mkdir(parents=True, exist_ok=True)
    run = fit(
        lambda params, episode: maml_gradient(net, cross_entropy, params, episode, sgd(0.1), 3, start=start),
        begin, lambda g: train.sample(4, 5, 1, 2, generator=g), steps=200, generator=torch.Generator().manual_seed(seed),
        lr=4e-3, schedule="cosine", clip=1.0, progress=f"{head} head, seed {seed}", checkpoint=folder / f"order-{head}-{seed}.safetensors",
    )  # fmt: skip
    return net, start(run.theta)


def apart(head: str, seed: int, test: Characters) -> dict[str, float]:
    """Mean distances of adapted bodies and heads between tasks, by what the two tasks share; and what K-means finds."""
    net, theta = trained_on_characters(head, seed)
    g = torch.Generator().manual_seed(seed)
    tasks, tag = [], []
    for which in range(SETS):
        characters = torch.randperm(len(test), generator=g)[:5]
        for number in range(ORDERS):
            labels = torch.randperm(5, generator=g)
            for _ in range(DRAWINGS):
                writers = torch.randperm(20, generator=g)[:5]
                x = test.images[characters, writers].unsqueeze(1).float() / 255
                tasks.append((x, labels))
                tag.append((which, which * ORDERS + number))
    x, y = (torch.stack([each[i] for each in tasks]) for i in (0, 1))
    episode = Episode(x, y, x[:, :1], y[:, :1])
    points = adapted_points(net, cross_entropy, theta, episode, sgd(0.1), 5) - torch.cat(
        [v.flatten() for v in theta.values()]
    )
    sizes = torch.cat([torch.full((theta[n].numel(),), n in net.head_names) for n in theta])
    characters, orders = torch.tensor(tag).T
    same, alike = characters[:, None] == characters, orders[:, None] == orders
    off, found = ~torch.eye(len(tag), dtype=torch.bool), {}
    for part, own in (("all", points), ("body", points[:, ~sizes])):
        distance = torch.cdist(own, own)
        unit = distance[off].mean()  # in units of the mean distance of all pairs
        found[f"{part}.same characters, same order"] = (distance[alike & off].mean() / unit).item()
        found[f"{part}.same characters, other order"] = (distance[same & ~alike].mean() / unit).item()
        found[f"{part}.other characters"] = (distance[~same].mean() / unit).item()
        group = grouped(own, SETS, seed=seed).group
        found[f"{part}.purity by characters"] = purity(group, characters)
    found["chance, purity"] = (
        sum(purity(torch.randint(SETS, (len(tag),), generator=g), characters) for _ in range(20)) / 20
    )
    return found


if __name__ == "__main__":
    main()
