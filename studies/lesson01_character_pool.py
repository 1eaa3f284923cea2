"""The characters that the EpisodeInspector brings along, so that it works without a download of Omniglot.

    python -m studies.lesson01_character_pool

Takes a small pool of lesson 09's test characters, in four grey levels, and writes ``data/checkpoints/01-characters``:
pictures as safetensors, and as JSON which characters they are and how well they can be told apart, by nearest neighbour
on pixels and by lesson 09's recorded network, which has never seen them. Prints the same with all 256 grey levels.
"""

import time

import torch

from mlteach.checkpoint import load_checkpoint, save_checkpoint
from mlteach.inner import sgd
from mlteach.measure import Interval, over_tasks, step_accuracy
from mlteach.measure.ledger import data_folder
from mlteach.nets import Conv4
from mlteach.tasks import Characters, Episode
from mlteach.tasks.pool import deal, pack, pool_of

TASKS, WAYS, SHOTS, QUERIES = 400, 5, 1, 5


def episodes(pool: Characters, classes: list[int]) -> Episode:
    """The tasks of the seeds 1, 2, ... of these classes."""
    deals = [deal(seed, classes, pool.images.shape[1], WAYS, SHOTS, QUERIES) for seed in range(1, TASKS + 1)]

    def pictures(part: str) -> torch.Tensor:
        rows = [[pool.images[c, d] for c, hand in zip(each.classes, getattr(each, part), strict=True) for d in hand]
                for each in deals]  # fmt: skip
        return torch.stack([torch.stack(row) for row in rows]).unsqueeze(2) / 255

    labels = [
        torch.arange(WAYS).repeat_interleave(n).expand(TASKS, -1).contiguous() for n in (SHOTS, QUERIES)
    ]
    return Episode(pictures("support"), labels[0], pictures("query"), labels[1])


def nearest_neighbour(episode: Episode) -> Interval:
    """Share of queries whose nearest support picture has their label, in percent."""
    distance = torch.cdist(episode.query_x.flatten(2).double(), episode.support_x.flatten(2).double())
    answer = episode.support_y.gather(1, distance.argmin(2))
    return over_tasks((answer == episode.query_y).double().mean(1)).scaled(100)


def measure(pool: Characters) -> dict[str, dict[str, str]]:
    """Accuracy with its interval, in percent: of classes from any alphabet, and from each alone."""
    kept = load_checkpoint(data_folder() / "checkpoints" / "09-maml-lecture.safetensors")
    recipe, theta = kept.about["recipe"], {n.removeprefix("theta."): v for n, v in kept.tensors.items()}
    net = Conv4(WAYS, recipe["filters"], head=recipe["head"])
    found = {}
    for place in ("any", *dict.fromkeys(pool.alphabets)):
        tasks = episodes(pool, [k for k, name in enumerate(pool.alphabets) if place in ("any", name)])
        seen = step_accuracy(net, theta, [tasks], sgd(recipe["rate_head"] * recipe["test_rate"]), recipe["test_steps"],
                             only=net.head_names, start=net.zero_head, last=True)  # fmt: skip
        network = {mode: str(over_tasks(values).scaled(100)) for mode, values in seen.items()}
        found[place] = {"nearest neighbour": str(nearest_neighbour(tasks))} | network
        print(f"{place:24}", found[place])
    return found


def main() -> None:
    """Choose, measure, write."""
    began = time.perf_counter()
    test = Characters.omniglot().split("random").test
    pool = pool_of(test)
    print("four grey levels")
    measured = measure(pool)
    print("all grey levels")
    whole = test.part([test.names.index(name) for name in pool.names])
    measure(Characters(whole.images[:, : pool.images.shape[1]], whole.names, whole.alphabets, whole.source))
    shape = *pool.images.shape[:2], 28 * 28 // 4
    about = {
        "command": "python -m studies.lesson01_character_pool",
        "source": "Omniglot (Lake, Salakhutdinov, Tenenbaum 2015), MIT licence",
        "split": "test characters of Characters.split('random')",
        "classes": pool.names,
        "accuracy": {
            "unit": "%",
            "tasks": TASKS,
            "ways": WAYS,
            "shots": SHOTS,
            "queries": QUERIES,
            **measured,
        },
        "network": "09-maml-lecture, its head alone adapted",
        "device": "cpu",
        "seconds": round(time.perf_counter() - began, 1),
    }
    packed = torch.frombuffer(bytearray(pack(pool.images)), dtype=torch.uint8).view(shape)
    save_checkpoint(data_folder() / "checkpoints" / "01-characters.safetensors", {"pictures": packed}, about)


if __name__ == "__main__":
    main()
