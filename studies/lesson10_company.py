"""Whose company a query is answered in: lesson 10's question, asked of three methods' starts over the size of the batch.

    python -m studies.lesson10_company

The starts of lessons 09 and 10 (MAML, FOMAML, Reptile; three seeds of each, see ``studies.lesson10_starts``) adapt to the same
400 test tasks, 15 queries a class. Then each answers the same queries in batches of several sizes, dealt in two ways: *balanced*, as many of each class, for which
somebody must know the labels; and *at random*. Beside them one query alone beside the support set, and the statistics of the
support set, from which all others are counted, task by task. Writes ``data/results/10-company.json``, its
intervals over the seeds.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from tqdm import tqdm

from mlteach.measure import over_seeds, path_of
from mlteach.measure.ledger import keep_results
from mlteach.nets import Conv4
from mlteach.params import Params
from mlteach.tasks import Characters, Episode
from studies.lesson10_starts import SEEDS, STARTS, start_of
from studies.shared import figure, tasks_of

LESSON, TASKS, SEED = "10_omniglot_fomaml_and_reptile", 400, 2
SIZES = (5, 15, 25, 75)  # queries in a batch; 75 are all of them, and the two ways to deal them are one


def ends(
    name: str, seed: int, episodes: list[Episode], ways: int = 5
) -> Iterator[tuple[Conv4, Params, Episode]]:
    """The network, where its walk ends, [tasks, ...], and the tasks, for each batch of tasks."""
    body, rule, steps = start_of(name, seed)
    net = Conv4(ways, 32, head="flatten")
    for episode in tqdm(episodes, desc=f"{name}, seed {seed}", unit="batch"):
        yield net, path_of(net, body, episode, rule, steps, start=net.zero_head)[-1], episode


@torch.no_grad()
def beside_support(net: Conv4, phi: Params, episode: Episode) -> Tensor:
    """Percent of right answers [tasks], each query alone in one batch with the support set."""
    batches = [torch.cat([episode.support_x, each], 1) for each in episode.query_x.split(1, 1)]
    return _percent(torch.cat([net(phi, batch)[:, -1:] for batch in batches], 1), episode.query_y)


@torch.no_grad()
def by_support(net: Conv4, phi: Params, episode: Episode) -> Tensor:
    """Percent of right answers [tasks], by the statistics of the support set."""
    return _percent(net(phi, episode.query_x, "support", support=episode.support_x), episode.query_y)


@torch.no_grad()
def in_batches(net: Conv4, phi: Params, episode: Episode, size: int, balanced: bool, seed: int = 0) -> Tensor:
    """Percent of right answers [tasks], in batches of ``size`` queries: as many of each class, or as chance deals them."""
    x, y = episode.query_x, episode.query_y
    if balanced:  # sorted by class, then one of each class after the other
        order = y.argsort(stable=True, dim=1).unflatten(1, (int(y.max()) + 1, -1)).transpose(1, 2).flatten(1)
    else:
        order = torch.rand(y.shape, generator=torch.Generator().manual_seed(seed)).argsort(1)
    x = x.gather(1, order[..., None, None, None].expand_as(x))
    return _percent(torch.cat([net(phi, batch) for batch in x.split(size, 1)], 1), y.gather(1, order))


def _percent(logits: Tensor, y: Tensor) -> Tensor:
    return 100 * (logits.argmax(-1) == y).double().mean(1)


def gains(name: str, seed: int, episodes: list[Episode]) -> dict[str, float]:
    """What each company brings one start: percent by the support set, the others in points above it, means over the tasks."""
    found: dict[str, list[Tensor]] = {}
    for net, phi, episode in ends(name, seed, episodes):
        answers = {"support": by_support(net, phi, episode), "beside": beside_support(net, phi, episode)}
        for size in SIZES:
            for way in ("balanced", "random"):
                answers[f"{way}.{size}"] = in_batches(net, phi, episode, size, way == "balanced")
        for company, values in answers.items():
            found.setdefault(company, []).append(values)
    mean = {company: torch.cat(values).mean().item() for company, values in found.items()}
    above = {company: value - mean["support"] for company, value in mean.items() if company != "support"}
    apart = {
        f"balanced - random.{size}": mean[f"balanced.{size}"] - mean[f"random.{size}"] for size in SIZES[:-1]
    }
    return {"support": mean["support"], **above, **apart}


def main() -> None:
    """Measure all starts and write the file."""
    _, _, test = Characters.omniglot().split("random")
    episodes = tasks_of(test, TASKS, SEED)
    figures = []
    for name in STARTS:
        each = [gains(name, seed, episodes) for seed in SEEDS]
        for company in each[0]:
            values = [one[company] for one in each]
            found, above = over_seeds(values), company != "support"
            note = "above the support set's statistics, on the same tasks; " * above
            note += "interval over seeds: " + ", ".join(f"{value:.2f}" for value in values)
            new = figure(f"{name}.{company}", found, "points" if above else "%", SEEDS, TASKS, note)
            figures.append(new | {"by_seed": [round(value, 3) for value in values]})
            print(f"{name:8} {company:22} {found.mean:6.2f} ± {found.half_width:.2f}", flush=True)
    keep_results(LESSON, "company", figures, command="python -m studies.lesson10_company")


if __name__ == "__main__":
    main()
