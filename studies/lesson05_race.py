"""Lesson 05's comparison: the meta-learner LSTM, MAML and plain matching, one network, one time, the same test tasks.

    python -m studies.lesson05_race

Each is trained from scratch for the same core-seconds (the clock of its own process, one thread: a busy machine does
not count), with three seeds, on the same characters, and tested on the same 1000 tasks as the long run of
`studies.lesson05_meta_lstm`. The outer steps that fit into the time are counted first, so that each has its whole schedule.
MAML's outer rate is chosen on validation characters, in runs of a quarter of the time. In training, batch norm takes
the queries' own statistics, for all three; the tests report "support", where no query sees another.

Writes ``data/results/05-race.json`` after every run, so that what is done stays.
"""

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from mlteach.fit import Fit, fit
from mlteach.inner import sgd
from mlteach.measure import over_seeds, over_tasks, step_accuracy
from mlteach.measure.ledger import keep_results
from mlteach.nets import Conv4, cross_entropy, share_right
from mlteach.outer import maml_gradient
from mlteach.params import Params, clip, gradient_of, leaves, stack
from mlteach.tasks import Characters, Episode
from studies.lesson05_meta_lstm import CHOSEN, QUERIES, SHOTS, TEST_TASKS, WAYS, drawn, nearest

CORE_SECONDS, SEEDS, TEMPERATURE = 100, (0, 1, 2), 10.0
Gradient = Callable[[Params, Episode], tuple[Params, dict[str, float]]]
#: The same body. With the identity for a head it shows its features.
FEATURES = Conv4(4 * CHOSEN.filters, CHOSEN.filters, head="flatten")


@dataclass(frozen=True)
class Maml:
    """MAML's settings: those of recipes for this learner, and the outer rate to choose."""

    steps: int = 5
    inner_rate: float = 0.4
    meta_batch: int = 8
    outer_rate: float = 5e-3
    clip: float = 1.0


OUTER_RATES = (2e-3, 5e-3, 1e-2)


def features(theta: Params) -> Params:
    """The body's parameters with a head that changes nothing: what the net returns are features."""
    width = FEATURES.features
    return theta | {"head.weight": torch.eye(width), "head.bias": torch.zeros(width)}


def match(theta: Params, episode: Episode, mode: Any = "transductive") -> Tensor:
    """Logits [T, Q, ways]: the cosine between the features of a query and of each class's one picture, times ten."""
    params = stack(features(theta), episode.tasks)
    support = F.normalize(FEATURES(params, episode.support_x), dim=-1)
    query = F.normalize(FEATURES(params, episode.query_x, mode, support=episode.support_x), dim=-1)
    order = episode.support_y.argsort(1)[:, None].expand(-1, query.shape[1], -1)
    return TEMPERATURE * (query @ support.mT).gather(2, order)


def cosine_of_pixels(episode: Episode) -> Tensor:
    """Accuracy [T] of matching without any training: the support picture at the smallest angle, in pixels."""
    support, query = (F.normalize(x.flatten(2), dim=-1) for x in (episode.support_x, episode.query_x))
    says = episode.support_y.gather(1, (query @ support.mT).argmax(-1))
    return (says == episode.query_y).float().mean(-1)


def contestant(name: str, maml: Maml) -> tuple[Callable[[torch.Generator], Params], Gradient, int, float]:
    """How to begin, the gradient, tasks a step, and the outer rate."""
    net, lstm = CHOSEN.net, CHOSEN.lstm

    def by_lstm(theta: Params, episode: Episode) -> tuple[Params, dict[str, float]]:
        found, numbers = maml_gradient(
            net, cross_entropy, theta, episode, lstm.rule, CHOSEN.steps, first_order=True, start=lstm.start, chunk=2
        )  # fmt: skip
        return clip(found, CHOSEN.clip), numbers

    def by_maml(theta: Params, episode: Episode) -> tuple[Params, dict[str, float]]:
        found, numbers = maml_gradient(net, cross_entropy, theta, episode, sgd(maml.inner_rate), maml.steps)
        return clip(found, maml.clip), numbers

    def by_matching(theta: Params, episode: Episode) -> tuple[Params, dict[str, float]]:
        point = leaves(theta)
        value = cross_entropy(match(point, episode), episode.query_y).mean()
        return gradient_of(value, point), {"loss": value.item()}

    def body(generator: torch.Generator) -> Params:
        return {each: value for each, value in net.init(generator).items() if each in net.body_names}

    return {
        "meta-LSTM": (lambda g: net.init(g) | lstm.init(g), by_lstm, CHOSEN.meta_batch, CHOSEN.outer_rate),
        "MAML": (net.init, by_maml, maml.meta_batch, maml.outer_rate),
        "matching": (body, by_matching, maml.meta_batch, 5e-3),
    }[name]


def train(name: str, maml: Maml, characters: Characters, seed: int, seconds: float) -> tuple[Fit, float]:
    """As many outer steps as fit into the core-seconds; and the core-seconds that they took."""
    begin, gradient, tasks, rate = contestant(name, maml)

    def run(steps: int) -> tuple[Fit, float]:
        generator = torch.Generator().manual_seed(seed)
        began = time.process_time()
        made = fit(
            gradient,
            begin(generator),
            lambda g: characters.sample(tasks, WAYS, SHOTS, QUERIES, generator=g),
            steps=steps, generator=generator, lr=rate, schedule="cosine", progress=None,
        )  # fmt: skip
        return made, time.process_time() - began

    run(3)  # the first steps are slower
    return run(max(1, round(seconds / (run(15)[1] / 15))))


def tested(name: str, theta: Params, maml: Maml, episodes: list[Episode]) -> Tensor:
    """Accuracy [tasks] after the inner steps, batch norm by the support set."""
    if name == "matching":
        with torch.no_grad():
            return torch.cat([share_right(match(theta, each, "support"), each.query_y) for each in episodes])
    net, lstm = CHOSEN.net, CHOSEN.lstm
    how: Any = {"modes": ["support"], "last": True}
    if name == "MAML":
        return step_accuracy(net, theta, episodes, sgd(maml.inner_rate), maml.steps, **how)["support"][:, -1]
    found = step_accuracy(net, theta, episodes, lstm.rule(theta), CHOSEN.steps, start=lstm.start, **how)
    return found["support"][:, -1]


def job(name: str, maml: Maml, seed: int, seconds: float, final: bool) -> tuple[Tensor, float, int]:
    """One run: accuracy on every task in percent, core-seconds, outer steps."""
    torch.set_num_threads(1)
    train_on, validation, test = Characters.omniglot().split("random")
    run, took = train(name, maml, train_on, seed, seconds)
    episodes = drawn(test, TEST_TASKS, 78) if final else drawn(validation, 200, 77)
    return 100 * tested(name, run.theta, maml, episodes), took, run.step


def write(figures: dict[str, dict[str, Any]], maml: Maml, choice: dict[str, float]) -> None:
    """``05-race.json`` as it stands."""
    keep_results(
        "05_the_meta_learner_lstm",
        "race",
        list(figures.values()),
        command="python -m studies.lesson05_race",
        maml=vars(maml),
        maml_chosen_by={"tasks": 200, "on": "validation characters", "accuracy": choice},
    )


def main() -> None:
    """Choose MAML's outer rate, race, and write."""
    torch.set_num_threads(1)
    figures: dict[str, dict[str, Any]] = {}
    test = Characters.omniglot().split("random")[2]
    for name, rule in (("nearest neighbour, pixels", nearest), ("cosine matching, pixels", cosine_of_pixels)):
        right = over_tasks(torch.cat([rule(each) for each in drawn(test, TEST_TASKS, 78)])).scaled(100)
        figures[name] = figure(name, right.mean, right.half_width, [], 0.0, "nothing is trained")
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        choices = {
            pool.submit(job, "MAML", Maml(outer_rate=rate), 0, CORE_SECONDS / 4, False): rate
            for rate in OUTER_RATES
        }
        choice = {f"{rate:g}": round(each.result()[0].mean().item(), 2) for each, rate in choices.items()}
        maml = Maml(outer_rate=float(max(choice, key=lambda rate: choice[rate])))
        runs = {
            pool.submit(job, name, maml, seed, CORE_SECONDS, True): (name, seed)
            for seed in SEEDS
            for name in ("meta-LSTM", "MAML", "matching")
        }
        means: dict[str, list[float]] = {}
        for each in tqdm(as_completed(runs), total=len(runs), unit="run"):
            (name, seed), (right, took, steps) = runs[each], each.result()
            one = over_tasks(right)
            note = f"{steps} outer steps; core-seconds; batch norm by the support set"
            figures[f"{name}.seed-{seed}"] = figure(
                f"{name}.seed-{seed}", one.mean, one.half_width, [seed], took, note
            )
            means.setdefault(name, []).append(one.mean)
            if len(means[name]) == len(SEEDS):
                every = over_seeds(means[name])
                figures[name] = figure(
                    name, every.mean, every.half_width, list(SEEDS), took, "mean and interval over seeds"
                )
            write(figures, maml, choice)
            print(f"{name}, seed {seed}: {one} after {steps} steps in {took:.0f} core-seconds", flush=True)


def figure(
    name: str, value: float, interval: float, seeds: list[int], seconds: float, note: str
) -> dict[str, Any]:
    """One line of the results."""
    return {
        "name": name, "value": round(value, 2), "interval": round(interval, 2), "unit": "%", "seeds": seeds,
        "seconds": round(seconds, 1), "device": "cpu", "tasks": TEST_TASKS, "note": note,
    }  # fmt: skip


if __name__ == "__main__":
    main()
