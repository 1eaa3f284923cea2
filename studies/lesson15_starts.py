"""Several starts (lesson 15): do groups of adapted parameters find the families, and what is a start for each group worth?

    python -m studies.lesson15_starts phases      sinusoids of two phase ranges, three seeds
    python -m studies.lesson15_starts formulas    sinusoids, lines and quadratics, three seeds
    python -m studies.lesson15_starts purities    how pure groups are after 0 to 3000 outer steps of MAML, three seeds
    python -m studies.lesson15_starts formulas --only data longer    train these arms alone, and leave the record of the others as it is

Every arm goes on from the same MAML start, for as many tasks in all: "one" on all tasks with K times as many in a step, "tsa" with
a start for each group, "families" with the true ones, "random" with groups drawn by lot, "data" with K-means of the support points
themselves (`binned`): no network is asked, neither for the groups nor for where a new task belongs. "longer" is "one" with K times the
steps, so K times the tasks. All are tested on the same 1000 tasks. Runs are kept in ``runs/15-starts``, where they go on if they were
stopped. Writes ``data/results/15-starts.json`` and the starts of seed 0, ``data/checkpoints/15-phases``.
"""

import argparse
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mlteach.checkpoint import save_checkpoint
from mlteach.fit import fit
from mlteach.inner import sgd
from mlteach.measure import Interval, over_seeds
from mlteach.measure.ledger import data_folder, keep_results, recorded
from mlteach.nets import MLP, squared_error
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
from mlteach.tasks import Episode
from mlteach.tasks.mixture import Mixture, drawn_from
from studies.shared import Figure, beside_recorded
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
    name: str, setting: Setting, seed: int, only: Collection[str] = ()
) -> tuple[dict[str, float], dict[str, list[Params]], Params, Groups]:
    """Train the arms of one seed, all or ``only`` some; the test error of each, the arms' starts, the first start, its groups."""
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

    everywhere, by_data = torch.arange(POOL), grouped(binned(pool), k)
    train: dict[str, Callable[[], list[Params]]] = {
        "one": lambda: [maml(setting, theta, k * batch, everywhere, pool, setting.then, seed, f"{tag}-one")],
        "tsa": lambda: [own("tsa", i, start, groups.group == i) for i, start in enumerate(starts_of(groups, theta))],
        "families": lambda: [own("families", i, theta, family == i) for i in range(k)],
        "random": lambda: [own("random", i, theta, by_lot == i) for i in range(k)],
        "data": lambda: [own("data", i, theta, by_data.group == i) for i in range(k)],
        "longer": lambda: [maml(setting, theta, k * batch, everywhere, pool, k * setting.then, seed, f"{tag}-longer")],
    }  # fmt: skip
    starts = {kind: each() for kind, each in train.items() if not only or kind in only}
    return judged(setting, theta, starts, groups, by_data, pool, family), starts, theta, groups


def judged(
    setting: Setting,
    theta: Params,
    starts: dict[str, list[Params]],
    groups: Groups,
    by_data: Groups,
    pool: Episode,
    family: Tensor,
) -> dict[str, float]:
    """The mean query error of each arm on the same unseen tasks, and how pure the groups are."""
    drawn = torch.Generator().manual_seed(99)
    test, true = setting.tasks.sample_with_family(TESTED, setting.shots, QUERIES, generator=drawn)
    how: Any = (setting.rule, setting.inner_steps)
    near = nearest(adapted_points(NET, squared_error, theta, test, *how), groups.means)
    by_lot = torch.randint(setting.groups, (TESTED,), generator=drawn)
    own = nearest(binned(test), by_data.means)
    found, chosen = {}, {"tsa": near, "families": true, "random": by_lot, "data": own}
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
    found["purity of the support points"] = purity(by_data.group, family)
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
    kept = beside_recorded(LESSON[:2], profile, new)
    keep_results(LESSON, profile, kept, command=f"python -m studies.lesson15_starts {profile}")


def stored(key: str) -> list[float]:
    """What is recorded of an arm, seed by seed."""
    return [float(value) for value in recorded(LESSON[:2], "starts")[key]["note"].split(", ")]


def mixture(name: str, only: Collection[str]) -> None:
    """The arms of a setting, three seeds: errors, and differences from one start in pairs."""
    setting = SETTINGS[name]
    found: dict[str, list[float]] = {}
    for seed in SEEDS:
        numbers, starts, theta, groups = arms(name, setting, seed, only)
        print(name, seed, {key: round(value, 3) for key, value in numbers.items()}, flush=True)
        for key, value in numbers.items():
            if not only or key in only:
                found.setdefault(key, []).append(value)
        if name == "phases" and seed == 0 and not only:
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
            one = found.get("one") or stored(f"{name}.one")
            apart = [a - b for a, b in zip(values, one, strict=True)]
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
    parser.add_argument("what", choices=[*SETTINGS, "purities"])
    parser.add_argument("--only", nargs="*", default=(), help="arms of a setting, such as data longer")
    torch.set_num_threads(1)
    asked = parser.parse_args()
    if asked.what == "purities":
        keep("starts", purities(PHASES, SEEDS))
    else:
        mixture(asked.what, asked.only)


if __name__ == "__main__":
    main()
