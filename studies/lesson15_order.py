"""The order of the labels (lesson 15): do adapted parameters of Omniglot tasks tell characters, or how the labels were dealt?

    python -m studies.lesson15_order

Pairs of tasks that share characters and order, characters alone, or neither: how far apart their adapted parameters lie, with a
learned head and with a head of zeros, and what K-means finds in them. Three seeds. Writes ``data/results/15-order.json``.
"""

import torch

from mlteach.fit import fit
from mlteach.inner import sgd
from mlteach.measure import over_seeds
from mlteach.measure.ledger import data_folder
from mlteach.nets import Conv4, cross_entropy
from mlteach.outer import maml_gradient
from mlteach.outer.several_starts import adapted_points, grouped, purity
from mlteach.params import Params
from mlteach.tasks import Characters, Episode
from studies.lesson15_starts import SEEDS, figure, keep

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
    torch.set_num_threads(1)
    order()
