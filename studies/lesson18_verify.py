"""Lesson 18: are two drawings the same character? The Siamese network at the question that it was trained on.

    python -m studies.lesson18_verify run ARM    siamese or matching, three seeds: trained, then judged on pairs
    python -m studies.lesson18_verify pixels     the distance of the drawings themselves, as they are and prepared
    python -m studies.lesson18_verify collect    writes data/results/18-verify.json and the first Siamese network's checkpoint

Body, rate and tasks of training are those of `studies.lesson18_metric`, and as many updates as its forty seconds had in the mean: the
recorded ones, so that neither the machine nor what else runs on it counts. A matching
network's score of a pair is the cosine. Pairs are those of `mlteach.metric.pairs`: half of one character, half of two, out of all
characters or out of one alphabet. The threshold is chosen on validation pairs of the same kind. Batch norm: "fixed", by the
statistics of 1000 training pictures, so that a pair is answered for itself; "transductive", fifty pairs in a batch. What is there
in ``runs/18-metric`` is not made again.
"""

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.checkpoint import load_checkpoint, save_checkpoint
from mlteach.measure import over_seeds, over_tasks
from mlteach.measure.ledger import data_folder, keep_results, recorded
from mlteach.measure.neighbour import SIGMA, blurred, centred
from mlteach.metric import Pairs, best_threshold, pairs, siamese_scores, verified
from mlteach.params import Params
from mlteach.tasks import Characters
from studies.lesson18_metric import (
    LESSON,
    NET,
    RUNS,
    SECONDS,
    SEEDS,
    drawn,
    gradient_of_arm,
    scores,
    start_of,
    store,
    stored,
    trained,
)
from studies.shared import Figure, beside_recorded, figure

ARMS = ("siamese", "matching")
KINDS = {"any": False, "one alphabet": True}
VALIDATION, TEST, BATCH = 5_000, 10_000, 50
MODES = ("fixed", "transductive")
Score = Callable[[Tensor, Tensor], Tensor]


def drawn_pairs(kind: str) -> tuple[Pairs, Pairs]:
    """Validation and test pairs, the same for all."""
    _, validation, test = Characters.omniglot().split("random")
    return tuple(
        pairs(part, count, generator=torch.Generator().manual_seed(seed), within_alphabet=KINDS[kind])
        for part, count, seed in ((validation, VALIDATION, 77), (test, TEST, 1))
    )  # type: ignore[return-value]


def scored(score: Score, drawn: Pairs) -> Tensor:
    """Each pair's score, [n], fifty pairs at a time."""
    return torch.cat(
        [score(*each) for each in zip(drawn.first.split(BATCH), drawn.second.split(BATCH), strict=True)]
    )


def judged(score: Score, kind: str) -> dict[str, Any]:
    """Percent right of the test pairs at the threshold that validation pairs chose, and what of either half."""
    watched, asked = drawn_pairs(kind)
    threshold = best_threshold(scored(score, watched), watched.same)
    found = scored(score, asked)
    right = 100 * verified(found, asked.same, threshold).double()
    return {
        "right": right.mean().item(), "half": over_tasks(right).half_width, "threshold": threshold,
        "same": right[asked.same].mean().item(), "other": right[~asked.same].mean().item(),
        "even": 100 * verified(found, asked.same, 0.0).double().mean().item(),
    }  # fmt: skip


def by_network(arm: str, theta: Params, mode: str) -> Score:
    """The arm's own score of a pair. Fixed statistics are those of 1000 training pictures."""
    drawn = Characters.omniglot().split("random").train.sample(
        10, 50, 1, 1, generator=torch.Generator().manual_seed(3)
    )  # fmt: skip
    body = {name: theta[name] for name in NET.body_names}
    fixed = NET.running_statistics(body, torch.cat([drawn.support_x, drawn.query_x], 1).flatten(0, 1))
    features = partial(NET.features_of, body)

    def score(first: Tensor, second: Tensor) -> Tensor:
        both = torch.cat([first, second])
        seen = features(both, "running", running=fixed) if mode == "fixed" else features(both)
        one, two = seen.chunk(2)
        if arm == "matching":
            return F.cosine_similarity(one, two, dim=-1)
        return siamese_scores(theta, one.unsqueeze(1), two.unsqueeze(1)).flatten()

    return score


def network(arm: str, seed: int) -> tuple[Params, dict[str, Any]]:
    """One arm as `studies.lesson18_metric` trains it, at the rate that is recorded."""
    path = RUNS / f"verify-{arm}-{seed}.safetensors"
    if not path.exists():
        train, before = Characters.omniglot().split("random").train, recorded("18", "arms")
        theta, about = trained(
            gradient_of_arm(arm), start_of(arm, seed), lambda g: train.sample(1, 20, 1, 2, generator=g),
            seconds=SECONDS, rate=before[f"{arm}.rate"]["value"], seed=seed,
            updates=round(before[f"{arm}.updates"]["value"]),
        )  # fmt: skip
        RUNS.mkdir(parents=True, exist_ok=True)
        save_checkpoint(path, {f"theta.{name}": value for name, value in theta.items()}, about)
    kept = load_checkpoint(path)
    return {name.removeprefix("theta."): value for name, value in kept.tensors.items()}, kept.about


@torch.no_grad()
def judge(arm: str, seed: int) -> None:
    """One network on all pairs, and on lesson 09's tasks, which say whether it is like the recorded ones."""
    if stored(f"verify-{arm}-{seed}-pairs"):
        return
    with torch.enable_grad():
        theta, about = network(arm, seed)
    test = Characters.omniglot().split("random").test
    tasks = scores(arm, theta, drawn(test, 1000, 5, 1, 15, seed=1), ("transductive",))["transductive"]
    row: dict[str, Any] = {"updates": about["updates"], "5way1shot": 100 * tasks.mean().item()}
    for mode in MODES:
        row[mode] = {kind: judged(by_network(arm, theta, mode), kind) for kind in KINDS}
    store(f"verify-{arm}-{seed}-pairs", row)
    print(arm, seed, row, flush=True)


def by_pixels(prepare: bool) -> Score:
    """Minus the distance of two drawings: as they are, or centred and blurred as lesson 01's floor."""

    def score(first: Tensor, second: Tensor) -> Tensor:
        seen = [blurred(centred(each), SIGMA) if prepare else each for each in (first, second)]
        return -(seen[0] - seen[1]).flatten(1).norm(dim=1)

    return score


def untrained() -> None:
    """What costs no training, on the same pairs."""
    for name, prepare in (("pixels", False), ("prepared pixels", True)):
        if not stored(f"verify-{name}"):
            row = {kind: judged(by_pixels(prepare), kind) for kind in KINDS}
            store(f"verify-{name}", row)
            print(name, row, flush=True)


def collect() -> None:
    """All runs into the ledger. Over seeds where something was trained; over the pairs where not."""
    figures: list[Figure] = []
    for name in ("pixels", "prepared pixels"):
        for kind, each in (stored(f"verify-{name}") or {}).items():
            said = f"interval over pairs; {each['same']:.1f} % of the equal pairs, {each['other']:.1f} % of the others"
            made = figure(f"{name}.{kind}", each["right"], "%", (), TEST, said)
            figures.append(made | {"interval": round(each["half"], 3)})
    for arm in ARMS:
        rows = {seed: row for seed in SEEDS if (row := stored(f"verify-{arm}-{seed}-pairs"))}
        if len(rows) < 2:
            print(f"{arm}: not two runs here, so none of it is kept")
            continue

        def over(name: str, values: list[float], tasks: int | None, unit: str = "%", *, arm: str = arm,
                 seeds: tuple[int, ...] = tuple(rows)) -> None:  # fmt: skip
            said = "interval over seeds: " + ", ".join(f"{value:.2f}" for value in values)
            figures.append(figure(f"{arm}.{name}", over_seeds(values), unit, seeds, tasks, said))

        over("updates", [row["updates"] for row in rows.values()], None, "")
        over("5way1shot", [row["5way1shot"] for row in rows.values()], 1000)
        for mode in MODES:
            for kind in KINDS:
                each = [row[mode][kind] for row in rows.values()]
                over(f"{kind}.{mode}", [one["right"] for one in each], TEST)
                over(f"{kind}.{mode}.same", [one["same"] for one in each], TEST // 2)
                over(f"{kind}.{mode}.other", [one["other"] for one in each], TEST // 2)
                over(f"{kind}.{mode}.threshold", [one["threshold"] for one in each], VALIDATION, "")
                if arm == "siamese":
                    over(f"{kind}.{mode}.even", [one["even"] for one in each], TEST)
    both = [[stored(f"verify-{arm}-{seed}-pairs") for seed in SEEDS] for arm in ("matching", "siamese")]
    for kind in KINDS if all(all(rows) for rows in both) else ():
        gain = [a["fixed"][kind]["right"] - b["fixed"][kind]["right"] for a, b in zip(*both, strict=True)]
        figures.append(
            figure(f"matching - siamese.{kind}", over_seeds(gain), "points", SEEDS, TEST, "paired over seeds")
        )
    command = "python -m studies.lesson18_verify run ARM; pixels; collect"
    whole = beside_recorded("18", "verify", figures)
    print(keep_results(LESSON, "verify", whole, command=command))
    if not (RUNS / "verify-siamese-0.safetensors").exists():
        return
    kept = load_checkpoint(RUNS / "verify-siamese-0.safetensors")
    save_checkpoint(data_folder() / "checkpoints" / "18-siamese.safetensors", kept.tensors,
                    {"arm": "siamese", "filters": NET.filters, "updates": kept.about["updates"]})  # fmt: skip


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["run", "pixels", "collect"])
    parser.add_argument("arm", nargs="?", choices=ARMS)
    parser.add_argument("--seeds", nargs="*", type=int, default=SEEDS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.what == "collect":
        collect()
    elif options.what == "pixels":
        untrained()
    else:
        for seed in options.seeds:
            judge(options.arm, seed)


if __name__ == "__main__":
    main()
