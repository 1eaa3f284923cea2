"""Lesson 04's controls: for each cause that the lesson names, the same race with that cause taken away or put in alone.

    python -m studies.lesson04_controls            all of it: a quarter of an hour on one free core
    python -m studies.lesson04_controls scale      one part alone

The parts: ``scale`` and ``one-number`` (bowls of another scale, and ReLU: its step times one number, tuned as a rival's
rate is), ``silence`` (ReLU: are gradients of
exactly zero what it cannot read?), ``on-ReLU`` (one that is trained on ReLU, with a tenth of the updates, beside one trained on
sigmoid with as many), ``horizon`` (bowls: trained on runs of 100 and of 500 steps),
``shrinking`` (bowls: its steps made to die away after the 100th). Three seeds each; the problems are those of
`studies.lesson04_learned_optimizers`. Writes ``data/results/04-controls.json`` and keeps what other parts measured.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from mlteach.checkpoint import load_checkpoint, params_from
from mlteach.inner import Rule
from mlteach.measure import log_losses, over_seeds, over_tasks, recorded
from mlteach.measure.ledger import data_folder, keep_results
from mlteach.nets import MLP
from mlteach.params import Params, from_vector, to_vector
from mlteach.tasks import Digits, Problems
from studies.lesson04_learned_optimizers import (
    BASE,
    FAMILIES,
    QUADRATICS,
    RIVALS,
    SEEDS,
    TEST,
    TUNING,
    Family,
    digits_case,
    on_digits,
    train,
)

Figure = dict[str, Any]
#: What the learned step is multiplied by, four to a power of ten.
NUMBERS = {
    "quadratics": [10 ** (k / 4) for k in range(-5, 9)],
    "digits": [10 ** (k / 4) for k in range(-5, 2)],
}
RELU = replace(BASE, activation="relu")


def kept(name: str) -> list[Params]:
    """The three learned optimizers of a race, as they come with the course."""
    lstm = FAMILIES[name].lstm
    whole = load_checkpoint(data_folder() / "checkpoints" / f"04-{name}.safetensors")
    found = []
    for seed in SEEDS:
        prefix = f"theta.seed{seed}."
        own = {key: value for key, value in whole.tensors.items() if key.startswith(prefix)}
        found.append(params_from(whole._replace(tensors=own), lstm.init(torch.Generator()), prefix))
    return found


def times(rule: Rule, number: float) -> Rule:
    """The same rule with every step multiplied by ``number``."""

    def step(theta: Params, gradient: Params, state: Any, /, *, loss: Tensor) -> tuple[Params, Any]:
        after, state = rule.step(theta, gradient, state, loss=loss)
        return {name: theta[name] + number * (after[name] - theta[name]) for name in theta}, state

    return Rule(rule.init, step)


def sparing_the_silent(rule: Rule) -> Rule:
    """The same rule, asked only where the gradient is not exactly zero: elsewhere weight and memory stay as they are."""

    def step(theta: Params, gradient: Params, state: Any, /, *, loss: Tensor) -> tuple[Params, Any]:
        after, new = rule.step(theta, gradient, state, loss=loss)
        spoke = (to_vector(gradient) != 0).unsqueeze(-1)
        moved = torch.where(spoke[:, 0], to_vector(after), to_vector(theta))
        state = tuple((torch.where(spoke, h, was_h), torch.where(spoke, c, was_c))
                      for (h, c), (was_h, was_c) in zip(new, state, strict=True))  # fmt: skip
        return from_vector(moved, theta), state

    return Rule(rule.init, step)


@dataclass(frozen=True)
class Leaky(MLP):
    """A network with one hidden layer whose units let ``leak`` of a negative input pass: 0 is ReLU."""

    leak: float = 0.0

    def __call__(self, params: Params, x: Tensor) -> Tensor:
        names = (("layer1.bias", "layer1.weight"), ("layer2.bias", "layer2.weight"))
        for number, (bias, weight) in enumerate(names):
            x = torch.baddbmm(params[bias].unsqueeze(1), x, params[weight].transpose(1, 2))
            x = x if number else torch.nn.functional.leaky_relu(x, self.leak)
        return x


def figure(name: str, curves: Sequence[Tensor], **more: Any) -> Figure:
    """``curves``: log10 losses [problems] of each seed, on the same problems."""
    mean, half, count = over_tasks(torch.stack(list(curves)).mean(0))
    each = [curve.mean().item() for curve in curves]
    print(f"{name:44} {mean:7.3f} ± {half:.3f}  {', '.join(f'{value:.3f}' for value in each)} {more}", flush=True)  # fmt: skip
    return {"name": name, "value": mean, "interval": half, "unit": "log10 loss", "seeds": list(SEEDS),
            "seconds": None, "device": "cpu", "tasks": count, "each": each, "over_seeds": over_seeds(each).half_width, **more}  # fmt: skip


def quietest(rules: Callable[[float], Rule], numbers: Sequence[float], practice: Problems) -> float:
    """Of the numbers, the one whose rule is lowest after 100 steps on the problems to practise on."""
    return min(numbers, key=lambda number: log_losses(practice, rules(number), [100]).mean().item())


def one_number(part: str, name: str, *cases: str) -> list[Figure]:
    """Each learned optimizer with its step times one number, tuned for each seed as a rival's rate is: 100 steps."""
    family, found = FAMILIES[name], []
    for case_name in cases:
        case = family.cases[case_name]
        practice = case.tuning(family.tuned_on, 100, torch.Generator().manual_seed(TUNING))
        fresh = case.test(family.tested_on, max(case.steps), torch.Generator().manual_seed(TEST))
        best, curves = [], []
        for omega in kept(name):

            def rule(number: float, omega: Params = omega) -> Rule:
                return times(family.lstm.rule(omega), number)

            best.append(quietest(rule, NUMBERS[name], practice))
            curves.append(log_losses(fresh, rule(best[-1]), [100])[0])
        found.append(figure(f"{part}.{case_name}", curves, numbers=best))
    return found


def silent(problems: Problems) -> float:
    """The share of gradients of exactly zero at the start, behind pixels that are ever inked, per cent."""
    inked = Digits.load("test").x.sum(0) > 0
    slope = torch.func.grad(lambda theta: problems.loss(theta, 0).sum())(problems.start)
    return 100 * (slope["layer1.weight"][..., inked] == 0).float().mean().item()


def silence(problems: int = 20) -> list[Figure]:
    """Networks from ReLU to a straight line, and ReLU with the silent coordinates left in peace: 100 steps."""
    family, found = FAMILIES["digits"], []
    for name, net, spared in (
        ("ReLU", Leaky(BASE.sizes, "relu", "uniform", 0.0), False),
        ("ReLU, silent ones spared", Leaky(BASE.sizes, "relu", "uniform", 0.0), True),
        ("leak 0.3", Leaky(BASE.sizes, "relu", "uniform", 0.3), False),
        ("straight line", Leaky(BASE.sizes, "relu", "uniform", 1.0), False),
    ):
        case = digits_case(net, 100)
        practice = case.tuning(family.tuned_on, 100, torch.Generator().manual_seed(TUNING))
        fresh = case.test(problems, 100, torch.Generator().manual_seed(TEST))
        rules = [family.lstm.rule(omega) for omega in kept("digits")]
        curves = [log_losses(fresh, sparing_the_silent(rule) if spared else rule, [100])[0] for rule in rules]
        rate = quietest(RIVALS["Adam"], family.grid("Adam"), practice)
        adam = over_tasks(log_losses(fresh, RIVALS["Adam"](rate), [100])[0])
        found.append(
            figure(f"silence.{name}", curves, silent=silent(fresh), adam=[adam.mean, adam.half_width])
        )
    return found


def trained(family: Family, name: str) -> list[Params]:
    return [train(f"control-{name.replace(' ', '-')}", family, seed).theta for seed in SEEDS]


def on_relu() -> list[Figure]:
    """Trained on ReLU networks, and on sigmoid ones, with a tenth of the race's updates: both on ReLU and at home, 100 steps."""
    family, found = FAMILIES["digits"], []
    for home, net in (("ReLU", RELU), ("sigmoid", BASE)):

        def draw(generator: torch.Generator, net: MLP = net) -> Problems:
            return on_digits("train", net)(1, family.steps, generator)

        short = replace(family, updates=1600, draw=draw)
        omegas = trained(short, f"on {home}")
        for away in ("ReLU", "as trained"):
            case = family.cases[away]
            fresh = case.test(family.tested_on, max(case.steps), torch.Generator().manual_seed(TEST))
            curves = [log_losses(fresh, family.lstm.rule(omega), [100])[0] for omega in omegas]
            found.append(figure(f"on-ReLU.trained on {home}.{away.replace('as trained', 'sigmoid')}", curves))
    return found


def horizon() -> list[Figure]:
    """On the bowls: runs of 100 and of 500 steps, in pieces of 5, with as many updates."""
    small = replace(QUADRATICS, unroll=5, updates=1600)
    fresh, found = small.cases["as trained"].test(256, 500, torch.Generator().manual_seed(TEST)), []
    for name, family in (("runs of 100", small), ("runs of 500", replace(small, steps=500))):
        ends = [
            log_losses(fresh, family.lstm.rule(omega), [100, 200, 500]) for omega in trained(family, name)
        ]
        found += [figure(f"horizon.{name}.{t}", [end[k] for end in ends]) for k, t in enumerate((100, 200, 500))]  # fmt: skip
    return found


def shrinking() -> list[Figure]:
    """On the bowls, step 500: the learned steps become shorter by the same factor at each step after the 100th."""
    family, found = FAMILIES["quadratics"], []
    fresh = family.cases["as trained"].test(family.tested_on, 500, torch.Generator().manual_seed(TEST))
    for factor in (0.995, 0.99, 0.98):

        def shrunk(rule: Rule, factor: float = factor) -> Rule:
            def init(theta: Params) -> Any:
                return 0, rule.init(theta)

            def step(theta: Params, gradient: Params, state: Any, /, *, loss: Tensor) -> tuple[Params, Any]:
                t, own = state
                after, own = times(rule, factor ** max(0, t - 100)).step(theta, gradient, own, loss=loss)
                return after, (t + 1, own)

            return Rule(init, step)

        curves = [log_losses(fresh, shrunk(family.lstm.rule(omega)), [500])[0] for omega in kept("quadratics")]  # fmt: skip
        found.append(figure(f"shrinking.{factor:g}", curves))
    return found


PARTS: dict[str, Callable[[], list[Figure]]] = {
    "scale": lambda: one_number("scale", "quadratics", "W three times smaller", "W three times larger"),
    "one-number": lambda: one_number("one-number", "digits", "ReLU"),
    "silence": silence,
    "on-ReLU": on_relu,
    "horizon": horizon,
    "shrinking": shrinking,
}


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    torch.set_num_threads(1)
    for part in parser.parse_args().parts or PARTS:
        new = PARTS[part]()
        figures = [
            each for name, each in recorded("04", "controls").items() if not name.startswith(f"{part}.")
        ]
        keep_results(
            "04_learning_to_learn_by_gradient_descent",
            "controls",
            sorted([*figures, *new], key=lambda each: list(PARTS).index(each["name"].split(".")[0])),
            command="python -m studies.lesson04_controls",
            recipe={
                "numbers": {name: [round(number, 6) for number in grid] for name, grid in NUMBERS.items()}
            },
        )


if __name__ == "__main__":
    main()
