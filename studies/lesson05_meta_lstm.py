"""The meta-learner LSTM of lesson 05 on 5-way 1-shot Omniglot, and what its gates do on held-out episodes.

    python -m studies.lesson05_meta_lstm            trains, tests, and records the gates
    python -m studies.lesson05_meta_lstm choose     compares short runs of candidate recipes on the validation characters

Every choice is made on validation characters; the test characters are looked at once, after the last step. Batch norm
keeps no statistics from episode to episode. Within an episode the headline number uses the support set's statistics
alone, so that no query sees another ("support"); the transductive number stands beside it.

Writes ``data/checkpoints/05-meta-lstm.safetensors`` (the start c_0 and omega), ``data/checkpoints/05-gates.safetensors``
(what `mlteach.explore.GateHistory` shows) and, for ``choose``, ``data/results/05-choice.json``.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from mlteach.checkpoint import save_checkpoint
from mlteach.explore.gate_history.watch import layer_name, watch
from mlteach.fit import Fit, fit
from mlteach.inner import MetaLSTM, Rule, sgd
from mlteach.measure import Interval, over_tasks, step_accuracy
from mlteach.measure.ledger import data_folder, keep_results
from mlteach.nets import Conv4, cross_entropy
from mlteach.outer import maml_gradient
from mlteach.params import Params, clip
from mlteach.tasks import Characters, Episode

SEED, WAYS, SHOTS, QUERIES, TEST_TASKS, EPISODES = 0, 5, 1, 15, 1000, 6
RATES = (0.03, 0.1, 0.2, 0.4, 0.8, 1.6)
SCRATCH_STEPS = 25


@dataclass(frozen=True)
class Recipe:
    """How to train. The defaults are the choice."""

    filters: int = 16
    hidden: int = 20
    steps: int = 8
    input_bias: tuple[float, float] = (-1.5, -0.5)
    meta_batch: int = 2
    outer_rate: float = 1e-2
    clip: float = 0.25
    outer_steps: int = 5000

    @property
    def net(self) -> Conv4:
        return Conv4(WAYS, self.filters, head="flatten")

    @property
    def lstm(self) -> MetaLSTM:
        return MetaLSTM(self.hidden, input_bias=self.input_bias)


CHOSEN = Recipe()
SHORT = 300
CANDIDATES = {
    "8 steps, 2 tasks a step, outer rate 0.01 (chosen)": CHOSEN,
    "outer rate 0.001, as in the paper": replace(CHOSEN, outer_rate=1e-3),
    "outer rate 0.005": replace(CHOSEN, outer_rate=5e-3),
    "outer rate 0.02": replace(CHOSEN, outer_rate=2e-2),
    "input biases from -5 to -4, as in the paper": replace(CHOSEN, input_bias=(-5.0, -4.0)),
    "5 steps": replace(CHOSEN, steps=5),
}


def train(
    recipe: Recipe,
    characters: Characters,
    *,
    checkpoint: str | None = None,
    seed: int = SEED,
    rule: Callable[[Params], Rule] | None = None,
) -> Fit:
    """The start and omega, trained together: full unroll of the inner steps, their gradients held for constants.

    rule: another inner rule made of the same parameters; default the meta-learner LSTM's own.
    """
    net, lstm = recipe.net, recipe.lstm
    rule = rule or lstm.rule
    generator = torch.Generator().manual_seed(seed)

    def gradient(theta: Params, episode: Episode) -> tuple[Params, dict[str, Tensor]]:
        found, numbers = maml_gradient(
            net,
            cross_entropy,
            theta,
            episode,
            rule,
            recipe.steps,
            first_order=True,
            start=lstm.start,
            chunk=2,
        )
        return clip(found, recipe.clip), numbers

    return fit(
        gradient,
        net.init(generator) | lstm.init(generator),
        lambda g: characters.sample(recipe.meta_batch, WAYS, SHOTS, QUERIES, generator=g),
        steps=recipe.outer_steps,
        generator=generator,
        lr=recipe.outer_rate,
        schedule="cosine",
        checkpoint=checkpoint,
        about={"recipe": asdict(recipe)},
        progress=None if checkpoint is None else "training",
    )


def core_seconds(recipe: Recipe, characters: Characters, some: int = 20) -> float:
    """What the training costs one core: some of its steps, timed by the core's own clock, which a busy machine leaves alone."""
    began = time.process_time()
    train(replace(recipe, outer_steps=some), characters)
    return (time.process_time() - began) / some * recipe.outer_steps


def drawn(characters: Characters, tasks: int, seed: int) -> list[Episode]:
    """The same tasks for every method: batches of 20."""
    generator = torch.Generator().manual_seed(seed)
    return [characters.sample(20, WAYS, SHOTS, QUERIES, generator=generator) for _ in range(0, tasks, 20)]


def figure(values: Tensor | Interval) -> dict[str, float]:
    """Percent right with its 95 % interval over tasks."""
    each = values if isinstance(values, Interval) else over_tasks(values).scaled(100)
    return {"value": round(each.mean, 2), "interval": round(each.half_width, 2), "tasks": each.n}


def best_rate(net: Conv4, start: Params, episodes: list[Episode], steps: int) -> float:
    """The fixed rate of gradient descent with the most validation queries right (support statistics)."""
    found = {
        rate: step_accuracy(net, start, episodes, sgd(rate), steps, modes=["support"], last=True)[
            "support"
        ].mean()
        for rate in RATES
    }
    return max(found, key=lambda rate: found[rate])


def nearest(episode: Episode) -> Tensor:
    """Accuracy [T] of the nearest support picture, pixel by pixel: the floor."""
    support, query = episode.support_x.flatten(2), episode.query_x.flatten(2)
    says = episode.support_y.gather(1, torch.cdist(query, support).argmin(-1))
    return (says == episode.query_y).float().mean(-1)


def choose(train_on: Characters, validation: Characters) -> None:
    """Short runs of every candidate, judged on validation characters; writes 05-choice.json."""
    episodes, figures = drawn(validation, 200, 77), []
    for name, candidate in tqdm(CANDIDATES.items(), desc="candidates", unit="recipe"):
        run = train(replace(candidate, outer_steps=SHORT), train_on)
        lstm = candidate.lstm
        found = step_accuracy(
            candidate.net, run.theta, episodes, lstm.rule(run.theta), candidate.steps,
            modes=["support"], start=lstm.start, last=True,
        )["support"]  # fmt: skip
        about = {"unit": "%", "seeds": [SEED], "seconds": round(run.seconds, 1), "device": "cpu"}
        figures.append({"name": name, **figure(found), **about, "note": f"{SHORT} outer steps"})
        print(f"{name:56} {over_tasks(found).scaled(100)}")
    keep_results("05_the_meta_learner_lstm", "choice", figures, outer_steps=SHORT)


def main() -> None:
    """Train the chosen recipe, test it beside its baselines, and keep both files."""
    train_on, validation, test = Characters.omniglot().split("random")
    if sys.argv[1:] == ["choose"]:
        return choose(train_on, validation)
    recipe, folder = CHOSEN, data_folder()
    net, lstm = recipe.net, recipe.lstm
    run = train(recipe, train_on, checkpoint=str(folder.parent / "runs" / "05-meta-lstm.safetensors"))
    theta, rule = run.theta, lstm.rule(run.theta)
    start, scratch = lstm.start(theta), net.init(torch.Generator().manual_seed(SEED + 1))

    held_out, for_choice = drawn(test, TEST_TASKS, 78), drawn(validation, 200, 77)
    found = step_accuracy(net, theta, held_out, rule, recipe.steps, start=lstm.start)
    rate = best_rate(net, start, for_choice, recipe.steps)
    scratch_rate = best_rate(net, scratch, for_choice, SCRATCH_STEPS)
    baselines = {
        "gradient descent from the learned start": step_accuracy(
            net, start, held_out, sgd(rate), recipe.steps, modes=["support"], last=True
        )["support"],
        "gradient descent from a random start": step_accuracy(
            net, scratch, held_out, sgd(scratch_rate), SCRATCH_STEPS, modes=["support"], last=True
        )["support"],
        "nearest support picture": torch.cat([nearest(episode) for episode in held_out]),
    }
    about: dict[str, Any] = {
        "command": "python -m studies.lesson05_meta_lstm",
        "protocol": f"{WAYS}-way {SHOTS}-shot Omniglot, random split, {QUERIES} queries a class, test characters",
        "recipe": asdict(recipe),
        "learner": f"Conv4({WAYS}, {recipe.filters}, head='flatten'), {sum(v.numel() for v in start.values())} numbers",
        "seed": SEED,
        "seconds": round(run.seconds, 1),
        "core_seconds": round(core_seconds(recipe, train_on)),
        "device": "cpu",
        "unit": "%",
        "accuracy": {mode: figure(values[:, -1]) for mode, values in found.items()},
        "by_step": {
            mode: [round(100 * v, 2) for v in values.mean(0).tolist()] for mode, values in found.items()
        },
        "baselines": {name: figure(values) for name, values in baselines.items()},
        "baseline_settings": {
            "rate from the learned start": rate,
            "rate from a random start": scratch_rate,
            "steps from a random start": SCRATCH_STEPS,
        },
    }
    named = {f"theta.{name}": value for name, value in theta.items()}
    save_checkpoint(folder / "checkpoints" / "05-meta-lstm.safetensors", named, about)

    episode = test.sample(EPISODES, WAYS, SHOTS, QUERIES, generator=torch.Generator().manual_seed(79))
    tables = watch(net, start, rule, episode, recipe.steps, rate)
    save_checkpoint(
        folder / "checkpoints" / "05-gates.safetensors",
        tables,
        {
            **{key: about[key] for key in ("command", "protocol", "seed", "device")},
            "layers": [layer_name(name) for name in start],
            "rate": rate,
            "tables": "forget and input: mean, 10th and 90th percentile over a layer's coordinates; losses and accuracy "
            "with the support set's batch statistics; descent: gradient descent from the same start at this rate",
        },
    )
    print(
        json.dumps(
            {key: about[key] for key in ("seconds", "core_seconds", "accuracy", "by_step", "baselines")},
            indent=1,
        )
    )
    for gate in ("forget", "input"):
        means = tables[gate][..., 0].mean(0)
        for name, row in zip(start, means.T, strict=True):
            print(f"{gate:7} {layer_name(name):10}" + "".join(f"{v:7.3f}" for v in row.tolist()))


if __name__ == "__main__":
    main()
