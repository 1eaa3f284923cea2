"""The exercise of lesson 00: weights are a dict."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake
from mlteach.params import Params

Answer = Callable[[Params, Params, float], Any]


def step_down(theta: Params, gradient: Params, alpha: float) -> Params:
    """New weights: each tensor of theta minus alpha times the gradient of the same name."""
    return {name: theta[name] - alpha * gradient[name] for name in theta}


def _case(draw: torch.Generator, name: str, shapes: dict[str, tuple[int, ...]], alpha: float) -> Case:
    def like() -> Params:
        return {key: torch.randn(shape, generator=draw, dtype=torch.float64) for key, shape in shapes.items()}

    theta, gradient = like(), like()
    # the same names in another order: they go together by name, not by place
    return Case(name, (theta, dict(reversed(gradient.items())), alpha))


def _cases() -> list[Case]:
    draw = torch.Generator().manual_seed(1)
    one = {"weight": (1, 2), "bias": (1,)}
    two = {"layer1.weight": (4, 3), "layer1.bias": (4,), "layer2.weight": (2, 4), "layer2.bias": (2,)}
    fifty = {"weight": (5, 2, 3), "bias": (5, 2)}
    return [
        _case(draw, "one layer, alpha = 0.1", one, 0.1),
        _case(draw, "two layers, alpha = 0.03", two, 0.03),
        _case(draw, "five networks side by side, alpha = 0.5", fifty, 0.5),
    ]


def _drawn(draw: torch.Generator) -> Case:
    rows, columns = torch.randint(1, 5, (2,), generator=draw).tolist()
    alpha = round(0.01 + torch.rand((), generator=draw).item() / 2, 3)
    return _case(
        draw, f"a layer of {rows} x {columns}, alpha = {alpha}", {"w": (rows, columns), "b": (rows,)}, alpha
    )


def _each(change: Callable[[Tensor, Tensor, float], Tensor]) -> Answer:
    """Something else for every name."""
    return lambda theta, gradient, alpha: {name: change(theta[name], gradient[name], alpha) for name in theta}


def _as(form: Callable[[Params], Any]) -> Answer:
    """The right tensors in another form."""
    return lambda theta, gradient, alpha: form(step_down(theta, gradient, alpha))


def _some(choose: Callable[[int, int], bool], keep: bool) -> Answer:
    """Only some names move, those at places that are chosen; the others stay, or are lost."""

    def wrong(theta: Params, gradient: Params, alpha: float) -> Params:
        moved = step_down(theta, gradient, alpha)
        chosen = {name: moved[name] for k, name in enumerate(theta) if choose(k, len(theta))}
        return theta | chosen if keep else chosen

    return wrong


def _in_place(theta: Params, gradient: Params, alpha: float) -> Params:
    for name in theta:
        theta[name] -= alpha * gradient[name]
    return theta


def _into_the_dict(theta: Params, gradient: Params, alpha: float) -> Params:
    for name in theta:
        theta[name] = theta[name] - alpha * gradient[name]
    return theta


STEP = Exercise(
    id="00.1",
    title="one step of gradient descent on a dict",
    solution=step_down,
    cases=_cases,
    draw=_drawn,
    mistakes=(
        Mistake(
            "You go uphill. The gradient points to where the loss grows: subtract it.",
            (_each(lambda t, g, a: t + a * g), _each(lambda t, g, a: a * g + t * 1)),
            hint=2,
        ),
        Mistake(
            "You take the whole gradient. The step is alpha times the gradient.",
            (_each(lambda t, g, a: t - g), _each(lambda t, g, a: t + g)),
            hint=2,
        ),
        Mistake(
            "alpha is a factor of the gradient, and only of it: theta - alpha * gradient. You multiply something else, or divide by it.",
            (
                _each(lambda t, g, a: a * (t - g)),
                _each(lambda t, g, a: a * t - g),
                _each(lambda t, g, a: t - g / a),
                _each(lambda t, g, a: (1 - a) * t - a * g),
                _each(lambda t, g, a: (1 - a) * t + a * g),
                _each(lambda t, g, a: t - a**2 * g),
                _each(lambda t, g, a: t - a - g),
                _each(lambda t, g, a: t * (1 - a * g)),
            ),
            hint=2,
        ),
        Mistake(
            "You return the step alone. The new weights are the old ones minus the step.",
            (
                _each(lambda t, g, a: -a * g),
                _each(lambda t, g, a: a * g),
                _each(lambda t, g, a: g * 1),
                _each(lambda t, g, a: -g),
            ),
            hint=2,
        ),
        Mistake(
            "The two are swapped: you move the gradient by the weights.",
            (
                _each(lambda t, g, a: g - a * t),
                _each(lambda t, g, a: a * g - t),
                _each(lambda t, g, a: g - t),
            ),
            hint=2,
        ),
        Mistake(
            "Nothing has moved: these are the weights as they came.",
            (lambda theta, gradient, alpha: dict(theta), _each(lambda t, g, a: t.clone())),
            hint=1,
        ),
        Mistake(
            "You take the gradient's direction alone. Its size belongs to the step: alpha * gradient.",
            (
                _each(lambda t, g, a: t - a * g.sign()),
                _each(lambda t, g, a: t - a * g / g.norm()),
                _each(lambda t, g, a: t - a * g.abs()),
            ),
            hint=2,
        ),
        Mistake(
            "You take one number for a whole tensor (a mean or a sum). Each weight has a slope of its own: subtract tensor from tensor.",
            (
                _each(lambda t, g, a: t - a * g.mean()),
                _each(lambda t, g, a: t - a * g.sum()),
                _each(lambda t, g, a: (t - a * g).sum()),
                _each(lambda t, g, a: (t - a * g).mean()),
            ),
            hint=2,
        ),
        Mistake(
            "Some names are missing, or did not move. Go through all of them: `for name in theta`.",
            (
                _some(lambda k, n: k == 0, keep=False),
                _some(lambda k, n: k == n - 1, keep=False),
                _some(lambda k, n: k == 0, keep=True),
                _some(lambda k, n: k == n - 1, keep=True),
                _some(lambda k, n: k < n - 1, keep=False),
                _some(lambda k, n: k % 2 == 0, keep=False),
                _some(lambda k, n: k % 2 == 0, keep=True),
                _some(lambda k, n: k % 2 == 1, keep=True),
                _some(lambda k, n: k % 2 == 1, keep=False),
            ),
            hint=1,
        ),
        Mistake(
            "You change theta itself. The start must survive, for the next task: build new tensors, in a new dict.",
            (_in_place, _into_the_dict),
            hint=3,
        ),
        Mistake(
            "A dict is asked for, with the names that theta has. You return the tensors without their names, or under others.",
            (
                _as(lambda new: list(new.values())),
                _as(lambda new: tuple(new.values())),
                _as(lambda new: list(new.items())),
                _as(lambda new: torch.cat([value.flatten() for value in new.values()])),
                _as(lambda new: next(iter(new.values()))),
                _as(lambda new: list(new.values())[-1]),
                _as(lambda new: dict(enumerate(new.values()))),
                _as(lambda new: list(new)),
                _as(lambda new: set(new)),
                _as(lambda new: {f"new_{name}": value for name, value in new.items()}),
                _as(lambda new: {"theta": new}),
            ),
            hint=3,
        ),
        Mistake(
            "You return more than the new weights. One dict is all that is asked for.",
            (
                lambda theta, gradient, alpha: (step_down(theta, gradient, alpha), gradient),
                lambda theta, gradient, alpha: (theta, step_down(theta, gradient, alpha)),
                lambda theta, gradient, alpha: [step_down(theta, gradient, alpha)],
            ),
            hint=3,
        ),
    ),
    hints=(
        "Go through the names: for each, the tensor theta[name] and its slope gradient[name].",
        "One tensor's new value is theta[name] - alpha * gradient[name].",
        "{name: ... for name in theta} builds a new dict and leaves theta as it was.",
    ),
)

EXERCISES = (STEP,)
