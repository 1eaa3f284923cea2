"""Lesson 14: a learned head beside a head of zeros, over inner steps, rates and label orders; and the tied head elsewhere.

    python -m studies.lesson14_heads rates           both heads, trained with 1, 5 and 10 inner steps, three seeds each
    python -m studies.lesson14_heads steps           each of them after 0 to 20 steps at test, at three rates
    python -m studies.lesson14_heads orders          all 120 label orders of test tasks, and the vote over 5 and over 120
    python -m studies.lesson14_heads losses          zeros, a shared bias, a shared vector: sigmoids and squared error

Everything is 5-way 1-shot with the same recipe; only what is named differs. Rates are chosen on validation characters, the
figures are on lesson 09's test characters, in tasks of another draw. Runs keep themselves in ``runs/14-heads``, and a command goes
on where it was.
"""

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.checkpoint import save_checkpoint
from mlteach.fit import fit
from mlteach.inner import Rule, sgd
from mlteach.measure import (
    Interval,
    orders_of,
    over_seeds,
    over_tasks,
    permuted_accuracy,
    permuted_logits,
    spread_of,
    step_accuracy,
)
from mlteach.measure.ledger import data_folder, keep_results, recorded
from mlteach.nets import Conv4, cross_entropy
from mlteach.outer import maml_gradient, tied_head
from mlteach.params import Params
from mlteach.tasks import Characters, Episode
from studies.shared import Figure, beside_recorded, figure, tasks_of

LESSON, SEEDS = "14_how_many_steps", (0, 1, 2)
OUTER_STEPS, META_BATCH, QUERIES, OUTER_RATE, CLIP = 400, 4, 2, 5e-3, 1.0
HEADS = ("learned", "zero")
COUNTS = {1: (0.4, 2.0), 5: (0.1, 0.4), 10: None}  # the rates tried; None: those chosen for 5 steps
LOOK, TEST_STEPS = (0, 1, 2, 3, 5, 10, 20), 20
SHARES = (0.25, 1.0, 2.5)  # of the training rate, at test
TASKS, ORDER_TASKS = 100, 12
KEPT = 6  # tasks whose tables the explorer shows
NET = Conv4(5, 32, head="flatten")
RUNS = data_folder().parent / "runs" / "14-heads"


def percent(
    name: str, found: Interval, *, seeds: tuple[int, ...] = SEEDS, unit: str = "%", note: str = ""
) -> Figure:
    """One entry of the ledger."""
    return figure(name, found, unit, seeds, TASKS, note)


def keep(profile: str, figures: list[Figure], **about: Any) -> None:
    """Write figures beside those that are recorded already; one of the same name is replaced."""
    command = f"python -m studies.lesson14_heads {profile}"
    keep_results(LESSON, profile, beside_recorded(LESSON[:2], profile, figures), command=command, **about)


def trained(
    name: str, body: Callable[[Params], Params], start: Callable[[Params], Params], rule: Rule, steps: int, seed: int,
    loss: Callable[[Tensor, Tensor], Tensor] = cross_entropy, outer_steps: int = OUTER_STEPS,
) -> Params:  # fmt: skip
    """One training run, which keeps itself."""
    generator = torch.Generator().manual_seed(seed)
    train, _, _ = Characters.omniglot().split("random")
    run = fit(
        partial(maml_gradient, NET, loss, rule=rule, steps=steps, start=start),
        body(NET.init(generator)),
        lambda g: train.sample(META_BATCH, 5, 1, QUERIES, generator=g),
        steps=outer_steps, generator=generator, lr=OUTER_RATE, schedule="cosine", clip=CLIP, progress=name,
        checkpoint=RUNS / f"{name}.safetensors",
    )  # fmt: skip
    return run.theta


def body_of(theta: Params) -> Params:
    return {name: theta[name] for name in NET.body_names}


def run_of(head: str, steps: int, rate: float, seed: int) -> Params:
    """A learned head or a head of zeros, trained with so many inner steps at this rate."""
    start, keep = (dict, dict) if head == "learned" else (NET.zero_head, body_of)
    return trained(f"{head}-{steps}-{rate:g}-{seed}", keep, start, sgd(rate), steps, seed)


def start_of(head: str) -> Callable[[Params], Params]:
    return dict if head == "learned" else NET.zero_head


def train(counts: list[int]) -> None:
    """Seed 0 at every rate, the best on validation tasks, then the other seeds at that one."""
    _, validation, _ = Characters.omniglot().split("random")
    watched = tasks_of(validation, 100, 77)
    for steps in counts:
        rates = COUNTS[steps]
        for head in HEADS:
            figures: list[Figure] = []
            if rates is None:
                best = chosen(head, 5)
            else:
                found = {}
                for rate in rates:
                    theta = run_of(head, steps, rate, 0)
                    each = step_accuracy(NET, theta, watched, sgd(rate), steps, modes=["transductive"],
                                         start=start_of(head), last=True)  # fmt: skip
                    found[rate] = over_tasks(each["transductive"]).scaled(100)
                    note = "validation tasks, seed 0, interval over tasks"
                    figures.append(
                        percent(f"{head}.{steps}.tried {rate:g}", found[rate], seeds=(0,), note=note)
                    )
                    print(head, steps, rate, found[rate], flush=True)
                best = max(found, key=lambda rate: found[rate].mean)
            figures.append(percent(f"{head}.{steps}.rate", Interval(best, 0.0, 1), unit="", note="chosen"))
            keep("rates", figures, outer_steps=OUTER_STEPS)
            for seed in SEEDS:
                run_of(head, steps, best, seed)


def chosen(head: str, steps: int) -> float:
    return recorded("14", "rates")[f"{head}.{steps}.rate"]["value"]


def steps(counts: list[int]) -> None:
    """Test accuracy after 0 to 20 steps, at three shares of the rate each was trained with."""
    _, _, test = Characters.omniglot().split("random")
    tasks = tasks_of(test, TASKS, 1, queries=5)
    figures: list[Figure] = []
    for count in counts:
        for head in HEADS:
            rate = chosen(head, count)
            for share in SHARES if count == 5 else (1.0,):
                found = []
                for seed in SEEDS:
                    theta = run_of(head, count, rate, seed)
                    each = step_accuracy(NET, theta, tasks, sgd(share * rate), TEST_STEPS, modes=["transductive"],
                                         start=start_of(head))  # fmt: skip
                    found.append(100 * each["transductive"].mean(0))
                curve = torch.stack(found)
                for t in range(TEST_STEPS + 1):
                    values = [round(value, 2) for value in curve[:, t].tolist()]
                    said = f"rate {share * rate:g}; seeds " + ", ".join(map(str, values))
                    figures.append(percent(f"{head}.{count}.{share:g}.{t}", over_seeds(values), note=said))
                print(head, count, share, [round(curve[:, t].mean().item(), 1) for t in LOOK], flush=True)
                keep("steps", figures)


def vote(logits: Tensor) -> Tensor:
    """The mean over the orders of the probabilities: [..., orders, Q, ways] -> [..., 1, Q, ways]."""
    return logits.softmax(-1).mean(-3, keepdim=True)


def orders() -> None:
    """Both heads, trained with 5 steps, under all label orders; and the votes. Tables of a few tasks are kept for the explorer."""
    _, _, test = Characters.omniglot().split("random")
    tasks = tasks_of(test, ORDER_TASKS, 1)[0]
    every, figures = orders_of(5), []
    few = every[torch.randperm(120, generator=torch.Generator().manual_seed(0))[:5]]
    found: dict[str, list[float]] = {}
    table: dict[str, Tensor] = {}
    for head in HEADS:
        rate = chosen(head, 5)
        for seed in SEEDS:
            theta, shares = run_of(head, 5, rate, seed), []
            votes: dict[str, list[float]] = {"5": [], "120": []}
            one_task = range(ORDER_TASKS if head == "learned" else KEPT if seed == 0 else 2)
            for index in one_task:
                task = tasks.part(slice(index, index + 1))
                at = LOOK if seed == 0 and index < KEPT else (5,)
                logits = permuted_logits(NET, theta, task, sgd(rate), at, every, start=start_of(head))
                shares.append(permuted_accuracy(logits, task)[at.index(5)])
                if seed == 0 and index < KEPT:
                    table[f"{head}.{index}"] = permuted_accuracy(logits, task).float()
                at_5 = logits[at.index(5)]
                votes["120"].append(permuted_accuracy(vote(at_5), task).item())
                where = [int((every == order).all(1).nonzero()) for order in few]
                votes["5"].append(permuted_accuracy(vote(at_5[where]), task).item())
            rows = spread_of(torch.stack(shares))
            numbers = {
                "mean": sum(r.mean for r in rows) / len(rows), "best": sum(r.best for r in rows) / len(rows),
                "worst": sum(r.worst for r in rows) / len(rows), "spread": sum(r.spread for r in rows) / len(rows),
                "widest": max(r.spread for r in rows),
                "vote of 5": 100 * sum(votes["5"]) / len(rows), "vote of 120": 100 * sum(votes["120"]) / len(rows),
            }  # fmt: skip
            for what, value in numbers.items():
                found.setdefault(f"{head}.{what}", []).append(value)
            print(head, seed, {k: round(v, 1) for k, v in numbers.items()}, flush=True)
    # A few tasks for the head of zeros: its orders differ by rounding, and nothing is to be learned from more.
    for head in ("zero",):
        for seed in SEEDS:
            each = step_accuracy(NET, run_of(head, 5, chosen(head, 5), seed), [tasks], sgd(chosen(head, 5)), 5,
                                 modes=["transductive"], start=NET.zero_head, last=True)  # fmt: skip
            found.setdefault("zero.all tasks", []).append(100 * each["transductive"].mean().item())
    for name, values in found.items():
        said = f"{ORDER_TASKS} test tasks (zero: 6, 2, 2), 75 queries; seeds " + ", ".join(
            f"{v:.1f}" for v in values
        )
        figures.append(percent(name, over_seeds(values), note=said) | {"tasks": ORDER_TASKS})
    keep("orders", figures)
    folder = data_folder() / "checkpoints"
    kept = {head: torch.stack([table[f"{head}.{i}"] for i in range(KEPT)]) for head in HEADS}
    kept |= {"support": tasks.support_x[:KEPT, :, 0], "labels": tasks.support_y[:KEPT].float()}
    save_checkpoint(folder / "14-orders.safetensors", kept, {"steps": list(LOOK), "trained_with": 5})
    for head in HEADS:
        theta = run_of(head, 5, chosen(head, 5), 0)
        about = {"rate": chosen(head, 5), "steps": 5, "filters": 32, "outer_steps": OUTER_STEPS}
        save_checkpoint(folder / f"14-{head}.safetensors", {f"theta.{n}": v for n, v in theta.items()}, about)


# Where the shared vector is not the zero head ------------------------------------------------------------------------


def sigmoid_loss(logits: Tensor, y: Tensor) -> Tensor:
    """A sigmoid for each class, summed over classes: [tasks, N, ways], [tasks, N] -> [tasks]."""
    truth = F.one_hot(y, logits.shape[-1]).to(logits.dtype)
    return F.binary_cross_entropy_with_logits(logits, truth, reduction="none").sum(-1).mean(-1)


def square_loss(logits: Tensor, y: Tensor) -> Tensor:
    """Squared error on one-hot targets, summed over classes -> [tasks]."""
    return (logits - F.one_hot(y, logits.shape[-1]).to(logits.dtype)).square().sum(-1).mean(-1)


LOSSES = {"sigmoid": (sigmoid_loss, (0.1, 0.4)), "square": (square_loss, (0.02, 0.1))}
ARMS: dict[str, tuple[str, ...]] = {
    "zero": (),
    "bias": ("tied.bias",),
    "vector": ("tied.bias", "tied.weight"),
}
LOSS_STEPS, LOSS_OUTER = 3, 150


def begin_with(names: tuple[str, ...], theta: Params) -> Params:
    """The body, and of the tied head what ``names`` says: a number of zero, a vector drawn like a row of the head."""
    extra = {"tied.bias": torch.zeros(()), "tied.weight": theta["head.weight"][0].clone()}
    return body_of(theta) | {name: extra[name] for name in names}


def tied_run(
    loss_name: str,
    loss: Callable[[Tensor, Tensor], Tensor],
    arm: str,
    names: tuple[str, ...],
    rate: float,
    seed: int,
) -> Params:
    """One arm, trained."""
    label = f"{loss_name}-{arm}-{rate:g}-{seed}"
    body = partial(begin_with, names)
    return trained(label, body, tied_head(NET), sgd(rate), LOSS_STEPS, seed, loss, LOSS_OUTER)


def losses(names: list[str]) -> None:
    """Three starts of the head under two losses, three seeds: paired, same characters and order of episodes for each seed."""
    characters = Characters.omniglot().split("random")
    watched, tasks = tasks_of(characters[1], 100, 77), tasks_of(characters[2], TASKS, 1)
    figures: list[Figure] = []
    for loss_name in names:
        loss, rates = LOSSES[loss_name]

        def descent(net: Any, theta: Params, seen: Any, t: int, loss: Any = loss) -> Tensor:
            return loss(net(theta, seen.support_x), seen.support_y)

        def score(theta: Params, rate: float, episodes: list[Episode], descent: Any = descent) -> Tensor:
            each = step_accuracy(NET, theta, episodes, sgd(rate)._replace(objective=descent), LOSS_STEPS,
                                 modes=["transductive"], start=tied_head(NET), last=True)  # fmt: skip
            return 100 * each["transductive"].squeeze(1)

        found: dict[str, list[float]] = {}
        for arm, tied in ARMS.items():
            run = partial(tied_run, loss_name, loss, arm, tied)
            tried = {rate: score(run(rate, 0), rate, watched).mean().item() for rate in rates}
            best = max(tried, key=tried.__getitem__)
            found[arm] = [score(run(best, seed), best, tasks).mean().item() for seed in SEEDS]
            said = f"rate {best:g} of {', '.join(f'{r:g} ({v:.1f})' for r, v in tried.items())} on validation tasks"
            figures.append(percent(f"{loss_name}.{arm}", over_seeds(found[arm]), note=said))
            print(loss_name, arm, best, [round(v, 1) for v in found[arm]], flush=True)
        for arm in ("bias", "vector"):
            gain = [a - b for a, b in zip(found[arm], found["zero"], strict=True)]
            figures.append(
                percent(
                    f"{loss_name}.{arm} - zero", over_seeds(gain), unit="points", note="paired over seeds"
                )
            )
        gain = [a - b for a, b in zip(found["vector"], found["bias"], strict=True)]
        figures.append(
            percent(f"{loss_name}.vector - bias", over_seeds(gain), unit="points", note="paired over seeds")
        )
        keep("losses", figures)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["rates", "steps", "orders", "losses"])
    parser.add_argument(
        "parts", nargs="*", help="numbers of inner steps, or names of losses; all, if none is named"
    )
    options = parser.parse_args()
    RUNS.mkdir(parents=True, exist_ok=True)
    if options.what == "orders":
        orders()
    elif options.what == "losses":
        losses(options.parts or list(LOSSES))
    else:
        {"rates": train, "steps": steps}[options.what]([int(n) for n in options.parts or COUNTS])


if __name__ == "__main__":
    main()
