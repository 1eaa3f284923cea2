"""Why the meta-learner LSTM of lesson 05 forgets: its gates set by hand, step by step and layer by layer, and trained without.

    python -m studies.lesson05_forgetting            both parts
    python -m studies.lesson05_forgetting long [0 1] the recorded long run, seed 0, and further ones
    python -m studies.lesson05_forgetting short [0]  short runs, of these seeds or of three

On test tasks, in the support mode, each answer a difference task by task:

- the recorded long run: what it costs never to forget, only to forget, or to stop, from step 4 on; whose forgetting it is; and
  what the forget gates have to be told about the gradient, when it does not move a weight any more itself;
- short runs, other seeds: the first of these;
- short runs, the same seeds: trained with forget gates that are 1 from the first outer step to the last.

Writes ``data/results/05-forgetting-long.json`` and ``05-forgetting-short.json``; what is recorded there of other seeds
stays. What is trained is kept in ``runs/``, outside git, and gone on with from there.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from mlteach.checkpoint import load_checkpoint, params_from
from mlteach.explore.gate_history.watch import layer_name
from mlteach.inner import Rule, adapt
from mlteach.inner.meta_lstm import MetaState
from mlteach.measure import over_seeds, over_tasks, recorded
from mlteach.measure.ledger import data_folder, keep_results
from mlteach.nets import cross_entropy, share_right
from mlteach.params import Params, from_vector, stack, to_vector
from mlteach.tasks import Characters, Episode
from studies.lesson05_meta_lstm import CHOSEN, drawn, train

#: ``LATE``: the steps before the first that is changed; so many tasks for the long run, and for each short one.
TASKS, TASKS_SHORT, LATE, SHORT, SEEDS = 200, 100, 3, 600, (0, 1, 2)
Change = Callable[[Params, Params], tuple[Params, Params]]  # the gates f, i -> what is put in their place
Told = Callable[[Params], Params]  # the gradient -> what the gates are told in its place


def alike(value: float, gate: Params) -> Params:
    """A gate set by hand, the same for every weight."""
    return {name: torch.full_like(each, value) for name, each in gate.items()}


def kind(name: str) -> str:
    """ "conv", "scale", "shift", "head" or "head bias": a layer's kind, without its number."""
    return layer_name(name).rstrip(" 0123456789")


def only_forgetting(*kinds: str, by_layer: bool = False) -> Change:
    """Nothing is learned, and these kinds of layers alone forget; ``by_layer``: every weight of a layer as its mean does."""

    def change(f: Params, i: Params) -> tuple[Params, Params]:
        own = {
            name: torch.full_like(each, each.mean().item()) if by_layer else each for name, each in f.items()
        }
        return {name: own[name] if kind(name) in kinds else torch.ones_like(f[name]) for name in f}, alike(
            0, i
        )

    return change


KINDS = ("conv", "scale", "shift", "head", "head bias")
#: What is changed, and after how many steps.
CHANGES: dict[str, tuple[int, Change]] = {
    "never forget": (0, lambda f, i: (alike(1, f), i)),
    "never forget, from step 4 on": (LATE, lambda f, i: (alike(1, f), i)),
    "only forget, from step 4 on": (LATE, only_forgetting(*KINDS)),
    "stop after step 3": (LATE, only_forgetting()),
}
NEVER = {"never forget": CHANGES["never forget"]}
WHOSE: dict[str, tuple[int, Change]] = {
    "only the head's weights forget, from step 4 on": (LATE, only_forgetting("head")),
    "all but the head's weights forget, from step 4 on": (LATE, only_forgetting(*{*KINDS} - {"head"})),
    "each weight forgets as its layer's mean, from step 4 on": (LATE, only_forgetting(*KINDS, by_layer=True)),
}


def shuffled(gradient: Params) -> Params:
    """Within each layer and task, the gradients of other weights."""
    draw = torch.Generator().manual_seed(0)
    return {
        name: each.flatten(1)[:, torch.randperm(each[0].numel(), generator=draw)].reshape(each.shape)
        for name, each in gradient.items()
    }


#: From step 4 on nothing is learned, everything may forget, and the gates are told this about the gradient.
TOLD: dict[str, Told] = {
    "told nothing": lambda gradient: alike(0, gradient),
    "told another weight's gradient": shuffled,
    "told the signs alone": lambda gradient: {name: 1e-5 * each.sign() for name, each in gradient.items()},
    "told the opposite signs": lambda gradient: {name: -each for name, each in gradient.items()},
}


def after(
    theta: Params, episode: Episode, changes: dict[str, tuple[int, Change]], told: dict[str, Told]
) -> dict[str, Tensor]:
    """Each task's accuracy in percent [tasks], batch norm by the support set: of the whole meta-learner, and of each change."""
    net, rule, states = CHOSEN.net, CHOSEN.lstm.rule(theta), []

    def support_loss(params: Params) -> Tensor:
        return cross_entropy(net(params, episode.support_x), episode.support_y)

    def watched(theta: Params, gradient: Params, state: MetaState, /, *, loss: Tensor) -> Any:
        states.append(state)
        return rule.step(theta, gradient, state, loss=loss)

    def changed(change: Change, first: int, tell: Told = dict) -> Rule:
        def step(theta: Params, gradient: Params, state: MetaState, /, *, loss: Tensor) -> Any:
            _, state = rule.step(theta, tell(gradient), state, loss=loss)
            f, i = change(from_vector(state.forget, theta), from_vector(state.input, theta))
            moved = {name: f[name] * theta[name] - i[name] * gradient[name] for name in theta}
            return moved, state._replace(forget=to_vector(f), input=to_vector(i))

        return Rule(lambda theta: states[first], step)

    def right(phi: Params) -> Tensor:
        return 100 * share_right(
            net(phi, episode.query_x, "support", support=episode.support_x), episode.query_y
        )

    with torch.no_grad():
        begin = stack(CHOSEN.lstm.start(theta), episode.tasks)
        path = adapt(support_loss, begin, Rule(rule.init, watched), CHOSEN.steps, path=True)
        found = {"the whole meta-learner": right(path[-1])}
        for name, (first, change) in changes.items():
            rest = CHOSEN.steps - first if name != "stop after step 3" else 0
            found[name] = right(adapt(support_loss, path[first], changed(change, first), rest))
        for name, tell in told.items():
            rule_told = changed(only_forgetting(*KINDS), LATE, tell)
            found[name] = right(adapt(support_loss, path[LATE], rule_told, CHOSEN.steps - LATE))
    return found


def never_forgetting(theta: Params) -> Rule:
    """The meta-learner whose forget gates are 1: no weights, and a bias at which float32's sigmoid is exactly 1."""
    weight, bias = theta["lstm.forget.weight"], theta["lstm.forget.bias"]
    ones = {"lstm.forget.weight": torch.zeros_like(weight), "lstm.forget.bias": torch.full_like(bias, 40.0)}
    return CHOSEN.lstm.rule(theta | ones)


def short_run(seed: int, forgets: bool, characters: Characters) -> Params:
    """The parameters after a short run of this seed, with forget gates that are learned or 1."""
    recipe, rule = replace(CHOSEN, outer_steps=SHORT), None if forgets else never_forgetting
    name = f"05-forgetting-short-{seed}-{'learned' if forgets else 'one'}.safetensors"
    return train(
        recipe, characters, checkpoint=str(data_folder().parent / "runs" / name), seed=seed, rule=rule
    ).theta


def figure(name: str, unit: str, seeds: list[int], interval: Any, note: str) -> dict[str, Any]:
    """One line of the results; without seeds, or with one, an interval over the tasks, else over the seeds."""
    return {
        "name": name, "value": round(interval.mean, 2), "interval": round(interval.half_width, 2), "unit": unit,
        "seeds": seeds, "device": "cpu", "tasks": interval.n if len(seeds) < 2 else None, "note": note,
    }  # fmt: skip


def measured(theta: Params, episodes: list[Episode], *what: Any) -> dict[str, Tensor]:
    """`after`, of many batches of tasks."""
    batches = [after(theta, each, *what) for each in tqdm(episodes, unit="batch")]
    return {name: torch.cat([batch[name] for batch in batches]) for name in batches[0]}


def lines(found: dict[str, Tensor], seed: int) -> list[dict[str, Any]]:
    """What each change costs, as lines of the results."""
    found = dict(found)
    whole = found.pop("the whole meta-learner")
    apart = {name: over_tasks(values - whole) for name, values in found.items()}
    about = "minus the whole meta-learner, task by task"
    each = [figure(f"{name}.seed-{seed}", "points", [seed], cost, about) for name, cost in apart.items()]
    right = figure(f"the whole meta-learner.seed-{seed}", "%", [seed], over_tasks(whole), "right answers")
    return [*each, right]


def long_run(seed: int, characters: Characters) -> Params:
    """The parameters of the long run: for seed 0 the course's, else trained here."""
    if seed:
        kept = data_folder().parent / "runs" / f"05-forgetting-long-{seed}.safetensors"
        return train(CHOSEN, characters, checkpoint=str(kept), seed=seed).theta
    some = CHOSEN.net.init(torch.Generator()) | CHOSEN.lstm.init(torch.Generator())
    return params_from(load_checkpoint(data_folder() / "checkpoints" / "05-meta-lstm.safetensors"), some)


def long_run_of(seed: int, test: Characters, train_on: Characters) -> list[dict[str, Any]]:
    """The long run of one seed: all that is changed and told."""
    found = measured(long_run(seed, train_on), drawn(test, TASKS, 78), CHANGES | WHOSE, TOLD)
    return lines(found, seed)


def short_run_of(seed: int, test: Characters, train_on: Characters) -> list[dict[str, Any]]:
    """The short runs of one seed: the main changes, and the one that was trained without forgetting."""
    episodes = drawn(test, TASKS_SHORT, 78)
    told = {name: TOLD[name] for name in ("told nothing", "told the opposite signs")}
    found = measured(short_run(seed, True, train_on), episodes, CHANGES, told)
    without = measured(short_run(seed, False, train_on), episodes, NEVER, {})
    return lines(found | {"trained without forgetting": without["never forget"]}, seed)


def together(figures: list[dict[str, Any]], outer_steps: int) -> list[dict[str, Any]]:
    """The figures of single seeds, and behind them the mean of each over the seeds, with its interval."""
    by_name = dict[str, list[dict[str, Any]]]()
    for each in figures:
        by_name.setdefault(each["name"].rsplit(".", 1)[0], []).append(each)
    about = f"mean and interval over the seeds, {outer_steps} outer steps each"
    return figures + [
        figure(name, each[0]["unit"], [seed for one in each for seed in one["seeds"]],
               over_seeds([one["value"] for one in each]), about)
        for name, each in by_name.items() if len(each) > 1
    ]  # fmt: skip


def main() -> None:
    """Train what is missing, intervene, and write: ``long``, ``short``, or both."""
    seeds = tuple(map(int, sys.argv[2:]))
    torch.set_num_threads(1)
    train_on, _, test = Characters.omniglot().split("random")
    parts = {
        "long": (long_run_of, seeds or (0,), CHOSEN.outer_steps),
        "short": (short_run_of, seeds or SEEDS, SHORT),
    }
    for name in sys.argv[1:2] or parts:
        run_of, wanted, outer_steps = parts[name]
        kept = recorded("05", f"forgetting-{name}").values()
        figures = [each for each in kept if len(each["seeds"]) == 1 and each["seeds"][0] not in wanted]
        for seed in wanted:
            figures += run_of(seed, test, train_on)
        figures.sort(key=lambda each: each["seeds"])
        of = sorted({seed for each in figures for seed in each["seeds"]})
        keep_results(
            "05_the_meta_learner_lstm", f"forgetting-{name}", together(figures, outer_steps),
            command=f"python -m studies.lesson05_forgetting {name} {' '.join(map(str, of))}", outer_steps=outer_steps,
        )  # fmt: skip


if __name__ == "__main__":
    main()
