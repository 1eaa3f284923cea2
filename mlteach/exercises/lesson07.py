"""The exercises of lesson 07: Reptile."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake
from mlteach.params import Params, add, gradient_of, leaves, map_params

Loss = Callable[[Params, Any], Tensor]
Tasks = Sequence[Sequence[Any]]
Adapt = Callable[[Params, Any], Params]

# 07.1 ---------------------------------------------------------------------------------------------------------------


def reptile_step(loss: Loss, theta: Params, tasks: Tasks, beta: float, alpha: float) -> Params:
    """The start after one outer step of Reptile: theta + beta * the mean over the tasks of (phi - theta).

    A task is a list of minibatches, and phi is where one step of gradient descent on each of them leads from theta.
    """
    phis = []
    for minibatches in tasks:
        phi = theta
        for minibatch in minibatches:
            point = leaves(phi)
            gradient = gradient_of(loss(point, minibatch), point)
            phi = {name: value - alpha * gradient[name] for name, value in phi.items()}
        phis.append(phi)
    return {
        name: value + beta * sum(phi[name] - value for phi in phis) / len(phis)
        for name, value in theta.items()
    }


def _well(phi: Params, minibatch: Tensor) -> Tensor:
    """A quartic well around ``minibatch``: its gradient is not linear, so that the order of the steps matters."""
    gap = phi["w"] + phi["b"] - minibatch
    return (gap.square() / 2 + 0.075 * gap**4).mean()


def _observe_step(
    answer: Callable[..., Params],
    theta: Params,
    tasks: tuple[tuple[Tensor, ...], ...],
    beta: float,
    alpha: float,
) -> Any:
    return answer(_well, theta, tasks, beta, alpha)


def _step_case(draw: torch.Generator, count: int, k: int, beta: float, alpha: float, more: str = "") -> Case:
    theta = {
        "w": torch.randn(4, generator=draw, dtype=torch.float64),
        "b": torch.randn((), generator=draw, dtype=torch.float64),
    }
    tasks = tuple(tuple(torch.randn(k, 4, generator=draw, dtype=torch.float64)) for _ in range(count))
    words = f"{count} task{'s' if count > 1 else ''}, {k} inner step{'s' if k > 1 else ''}"
    return Case(f"{words}, beta = {beta:.2g}, alpha = {alpha:.2g}{more}", (theta, tasks, beta, alpha))


def _step_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(71)
    sizes = ((1, 3, 0.3, 0.2), (3, 2, 0.1, 0.4), (4, 5, 0.6, 0.3))
    return [_step_case(draw, *each) for each in sizes]


def _more_tasks(draw: torch.Generator) -> Case:
    count, k = (int(torch.randint(2, 6, (), generator=draw)) for _ in range(2))
    beta, alpha = (0.05 + 0.5 * torch.rand(2, generator=draw, dtype=torch.float64)).tolist()
    return _step_case(draw, count, k, beta, alpha, ", drawn")


Answer = Callable[[Loss, Params, Tasks, float, float], Any]
Inner = Callable[[Loss, Params, Sequence[Any], float, float], Params]


def _slope(loss: Loss, phi: Params, minibatch: Any) -> Params:
    point = leaves(phi)
    return gradient_of(loss(point, minibatch), point)


def _moved(phi: Params, gradient: Params, rate: float) -> Params:
    return {name: value - rate * gradient[name] for name, value in phi.items()}


def _inner(
    rate: Callable[[float, float, int], float] = lambda alpha, beta, k: alpha,
    batches: Callable[[Sequence[Any]], Sequence[Any]] = lambda batches: batches,
    change: Callable[[Tensor], Tensor] = lambda gradient: gradient,
    still: bool = False,
) -> Inner:
    """The inner loop, with another rate, other minibatches, other gradients, or (still) all of them at theta."""

    def adapt(loss: Loss, theta: Params, minibatches: Sequence[Any], alpha: float, beta: float) -> Params:
        phi = theta
        for minibatch in batches(minibatches):
            gradient = map_params(change, _slope(loss, theta if still else phi, minibatch))
            phi = _moved(phi, gradient, rate(alpha, beta, len(minibatches)))
        return phi

    return adapt


def _from_the_start(
    loss: Loss, theta: Params, minibatches: Sequence[Any], alpha: float, beta: float
) -> Params:
    """Gradients at phi, but each step begins at theta again."""
    phi = theta
    for minibatch in minibatches:
        phi = _moved(theta, _slope(loss, phi, minibatch), alpha)
    return phi


def _piling_up(loss: Loss, theta: Params, minibatches: Sequence[Any], alpha: float, beta: float) -> Params:
    """Every step goes along the sum of the gradients so far, as `.grad` keeps it."""
    phi, kept = theta, map_params(torch.zeros_like, theta)
    for minibatch in minibatches:
        kept = add(kept, _slope(loss, phi, minibatch))
        phi = _moved(phi, kept, alpha)
    return phi


def _at_once(share: Callable[[int], float]) -> Inner:
    """One step on all minibatches together."""

    def adapt(loss: Loss, theta: Params, minibatches: Sequence[Any], alpha: float, beta: float) -> Params:
        phi = theta
        for minibatch in minibatches:
            phi = _moved(phi, _slope(loss, theta, minibatch), alpha * share(len(minibatches)))
        return phi

    return adapt


def _whole(step: "Step", inner: Inner | None = None) -> Answer:
    """An answer out of an outer step and an inner loop, the right one where none is given."""
    inner = inner or _inner()

    def answer(loss: Loss, theta: Params, tasks: Tasks, beta: float, alpha: float) -> Any:
        return step(lambda start, task: inner(loss, start, task, alpha, beta), theta, tasks, beta)

    return answer


def _outer_step(adapt: Adapt, theta: Params, tasks: Sequence[Any], beta: float) -> Params:
    """The outer half of the solution."""
    phis = [adapt(theta, task) for task in tasks]
    return {
        name: value + beta * sum(phi[name] - value for phi in phis) / len(phis)
        for name, value in theta.items()
    }


def _with(inner: Inner) -> tuple[Answer, ...]:
    """The right outer step, and a move after every task, around another inner loop."""
    return _whole(_outer_step, inner), _whole(_serial(), inner)


def _swapped_rates(loss: Loss, theta: Params, tasks: Tasks, beta: float, alpha: float) -> Params:
    return reptile_step(loss, theta, tasks, alpha, beta)


def _outer_alpha(loss: Loss, theta: Params, tasks: Tasks, beta: float, alpha: float) -> Params:
    return reptile_step(loss, theta, tasks, alpha, alpha)


def _together(loss: Loss, theta: Params, tasks: Tasks, beta: float, alpha: float) -> Params:
    """The tasks walk together, each step by the mean of their gradients."""
    phi = theta
    for step in zip(*tasks, strict=True):
        for minibatch in step:
            phi = _moved(phi, _slope(loss, phi, minibatch), alpha / len(step))
    return {name: value + beta * (phi[name] - value) for name, value in theta.items()}


Step = Callable[[Adapt, Params, Sequence[Any], float], Any]
Formula = Callable[[Tensor, Tensor, float], Tensor]


def _all(adapt: Adapt, theta: Params, tasks: Sequence[Any]) -> list[Params]:
    return [adapt(theta, task) for task in tasks]


def _chained(adapt: Adapt, theta: Params, tasks: Sequence[Any]) -> list[Params]:
    phis = []
    for task in tasks:
        theta = adapt(theta, task)
        phis.append(theta)
    return phis


def _towards(theta: Tensor, goal: Tensor, beta: float) -> Tensor:
    return theta + beta * (goal - theta)


def _step(
    formula: Formula = _towards,
    phis: Callable[[Adapt, Params, Sequence[Any]], list[Params]] = _all,
    goal: Callable[[Tensor], Tensor] = lambda phis: phis.mean(0),
    share: Callable[[float, int], float] = lambda beta, count: beta,
) -> Step:
    """`reptile_step` with something else in one of its places; ``goal`` makes one of all phis, on axis 0."""

    def wrong(adapt: Adapt, theta: Params, tasks: Sequence[Any], beta: float) -> Params:
        found = phis(adapt, theta, tasks)
        part = share(beta, len(tasks))
        return {
            n: formula(value, goal(torch.stack([phi[n] for phi in found])), part)
            for n, value in theta.items()
        }

    return wrong


def _serial(
    share: Callable[[float, int], float] = lambda beta, count: beta, formula: Formula = _towards
) -> Step:
    """A move after every task, each from where the one before has led."""

    def wrong(adapt: Adapt, theta: Params, tasks: Sequence[Any], beta: float) -> Params:
        for task in tasks:
            phi = adapt(theta, task)
            theta = {n: formula(value, phi[n], share(beta, len(tasks))) for n, value in theta.items()}
        return theta

    return wrong


def _divided_with_theta(adapt: Adapt, theta: Params, tasks: Sequence[Any], beta: float) -> Params:
    summed = _step(share=lambda beta, count: beta * count)(adapt, theta, tasks, beta)
    return {name: value / len(tasks) for name, value in summed.items()}


def _theta_taken_once(adapt: Adapt, theta: Params, tasks: Sequence[Any], beta: float) -> Params:
    phis, n = _all(adapt, theta, tasks), len(tasks)
    return {
        name: value + beta * (torch.stack([phi[name] for phi in phis]).sum(0) - value) / n
        for name, value in theta.items()
    }


def _of_differences(function: Callable[[Tensor], Tensor]) -> Step:
    """A step by the mean of another function of each difference phi - theta."""

    def wrong(adapt: Adapt, theta: Params, tasks: Sequence[Any], beta: float) -> Params:
        phis = _all(adapt, theta, tasks)
        return {
            name: value + beta * torch.stack([function(phi[name] - value) for phi in phis]).mean(0)
            for name, value in theta.items()
        }

    return wrong


def _one_by_one(adapt: Adapt, theta: Params, tasks: Sequence[Any], beta: float) -> Params:
    """All tasks start from theta, but the moves are made one after the other."""
    new = theta
    for phi in _all(adapt, theta, tasks):
        new = {name: _towards(value, phi[name], beta) for name, value in new.items()}
    return new


def _in_place(adapt: Adapt, theta: Params, tasks: Sequence[Any], beta: float) -> Params:
    phis = _all(adapt, theta, tasks)
    for name, value in theta.items():
        value += beta * (torch.stack([phi[name] for phi in phis]).mean(0) - value)
    return theta


def _into_the_dict(adapt: Adapt, theta: Params, tasks: Sequence[Any], beta: float) -> Params:
    theta.update(_outer_step(adapt, dict(theta), tasks, beta))
    return theta


def _this_alone(name: str) -> Step:
    return _of_the_step(lambda new, phis: {name: new[name]})


def _of_the_step(form: Callable[[Params, list[Params]], Any]) -> Step:
    def wrong(adapt: Adapt, theta: Params, tasks: Sequence[Any], beta: float) -> Any:
        return form(_outer_step(adapt, theta, tasks, beta), _all(adapt, theta, tasks))

    return wrong


_OTHER_FORMULAS: tuple[Formula, ...] = (
    lambda theta, goal, beta: goal,
    lambda theta, goal, beta: theta - beta * (goal - theta),
    lambda theta, goal, beta: beta * theta + (1 - beta) * goal,
    lambda theta, goal, beta: beta * (goal - theta),
    lambda theta, goal, beta: theta + beta * goal,
)


def _own_beta(fixed: float) -> Step:
    return _step(share=lambda beta, count: fixed)


def _lifted(mistake: Mistake) -> Mistake:
    """A mistake in the outer step, around the right inner loop."""
    return replace(mistake, wrong=tuple(map(_whole, mistake.wrong)))


INNER_MISTAKES = (
    Mistake(
        "All your gradients are taken at theta: that is joint training with a longer step. Take each at phi, where the steps before have led.",
        (*_with(_inner(still=True)), *_with(_at_once(lambda k: 1 / k))),
        hint=2,
    ),
    Mistake(
        "Each inner step begins at theta again, so only the last one is left. phi goes on from where it is.",
        _with(_from_the_start),
        hint=2,
    ),
    Mistake(
        "Your gradients pile up: backward() adds each to what is in .grad already. Set it to zero before every step, or use gradient_of.",
        _with(_piling_up),
        hint=2,
    ),
    Mistake(
        "You use one minibatch of each task, once. Make a step on every one of them.",
        (*_with(_inner(batches=lambda each: each[:1])), *_with(_inner(batches=lambda each: each[-1:]))),
        hint=1,
    ),
    Mistake(
        "Every inner step sees the same minibatch. Step number i goes down on minibatch i.",
        (
            *_with(_inner(batches=lambda each: [each[0]] * len(each))),
            *_with(_inner(batches=lambda each: [each[-1]] * len(each))),
        ),
        hint=1,
    ),
    Mistake(
        "You leave a minibatch out, or take one twice: k minibatches, k steps, in their order.",
        (
            *_with(_inner(batches=lambda each: each[:-1])),
            *_with(_inner(batches=lambda each: each[1:])),
            *_with(_inner(batches=lambda each: [*each, each[-1]])),
            *_with(_inner(batches=lambda each: each[::-1])),
        ),
        hint=1,
    ),
    Mistake(
        "You climb in the inner loop: gradient descent goes *minus* alpha times the gradient.",
        _with(_inner(rate=lambda alpha, beta, k: -alpha)),
        hint=2,
    ),
    Mistake(
        "alpha is missing in the inner loop: a step is alpha times the gradient.",
        _with(_inner(rate=lambda alpha, beta, k: 1.0)),
        hint=2,
    ),
    Mistake(
        "The two rates are mixed up. alpha is the size of an inner step, beta how far the start follows.",
        (
            _swapped_rates,
            _outer_alpha,
            *_with(_inner(rate=lambda alpha, beta, k: beta)),
            *_with(_inner(rate=lambda alpha, beta, k: alpha * beta)),
        ),
    ),
    Mistake(
        "Your inner steps are divided by their number. Each is alpha times its gradient, in full.",
        _with(_inner(rate=lambda alpha, beta, k: alpha / k)),
        hint=2,
    ),
    Mistake(
        "You change the gradient: its sign, its direction alone, or its square. An inner step is alpha times the gradient as it is.",
        (
            *_with(_inner(change=torch.sign)),
            *_with(_inner(change=torch.square)),
            *_with(_inner(change=lambda g: g / (g.norm() + 1e-12))),
            *_with(_inner(change=torch.abs)),
        ),
        hint=2,
    ),
    Mistake(
        "Your inner rate is a number of your own. Take the alpha that is handed over.",
        tuple(
            answer
            for fixed in (0.02, 0.1, 0.01, 0.001)
            for answer in _with(_inner(rate=lambda alpha, beta, k, fixed=fixed: fixed))  # type: ignore[misc]
        ),
    ),
    Mistake(
        "The tasks share one phi. Each has a walk of its own, from theta.",
        (_together,),
        hint=1,
    ),
)

REPTILE_STEP = Exercise(
    id="07.1",
    title="Reptile, one outer step",
    solution=reptile_step,
    cases=_step_cases,
    draw=_more_tasks,
    observe=_observe_step,
    any_float=True,
    mistakes=(
        *INNER_MISTAKES,
        *map(
            _lifted,
            (
                Mistake(
                    "You go all the way to what training found: beta is missing. With one task that is plain SGD, task after task.",
                    (
                        _step(lambda theta, goal, beta: goal),
                        _step(lambda theta, goal, beta: goal, goal=lambda phis: phis[-1]),
                    ),
                ),
                Mistake(
                    "You walk away from what training found. theta - phi is what an optimizer descends on; the step itself goes from theta towards phi.",
                    (_step(lambda theta, goal, beta: theta - beta * (goal - theta)),),
                ),
                Mistake(
                    "The weights are swapped: you keep beta of theta. Keep 1 - beta of it, and take beta of phi.",
                    (_step(lambda theta, goal, beta: beta * theta + (1 - beta) * goal),),
                ),
                Mistake(
                    "Each task goes on from where the one before it ended. In a batch every task starts from theta.",
                    (
                        _step(phis=_chained),
                        _step(phis=_chained, goal=lambda phis: phis[-1]),
                        _step(lambda theta, goal, beta: goal, phis=_chained, goal=lambda phis: phis[-1]),
                        _step(lambda theta, goal, beta: goal, phis=_chained),
                        _step(phis=_chained, goal=lambda phis: phis.sum(0)),
                        _step(phis=_chained, share=lambda beta, count: beta / count),
                        _step(phis=_chained, share=lambda beta, count: beta * count),
                        _step(
                            phis=_chained, goal=lambda phis: phis[-1], share=lambda beta, count: beta / count
                        ),
                        *(_step(other, phis=_chained) for other in _OTHER_FORMULAS),
                        *(
                            _step(other, phis=_chained, goal=lambda phis: phis[-1])
                            for other in _OTHER_FORMULAS
                        ),
                    ),
                    hint=1,
                ),
                Mistake(
                    "You move after every task. That is serial Reptile; in a batch all tasks start from the same theta, and it "
                    "moves once.",
                    (
                        _serial(),
                        _serial(lambda beta, count: beta / count),
                        _serial(formula=lambda theta, phi, beta: theta - beta * (phi - theta)),
                    ),
                    hint=1,
                ),
                Mistake(
                    "All tasks start from theta, but you move once for each of them, so the last one counts most. It moves once, towards their mean.",
                    (_one_by_one,),
                    hint=1,
                ),
                Mistake(
                    "You add the differences up. Take their mean, or more tasks make a longer step.",
                    (
                        _step(share=lambda beta, count: beta * count),
                        _step(
                            lambda theta, goal, beta: theta - beta * (goal - theta),
                            share=lambda beta, count: beta * count,
                        ),
                    ),
                    hint=3,
                ),
                Mistake(
                    "You add the weights of all the phis up and go towards that. Go towards their mean.",
                    (
                        _step(goal=lambda phis: phis.sum(0)),
                        _step(
                            lambda theta, goal, beta: (1 - beta) * theta + beta * goal,
                            goal=lambda phis: phis.sum(0),
                        ),
                        _step(lambda theta, goal, beta: goal, goal=lambda phis: phis.sum(0)),
                    ),
                    hint=3,
                ),
                Mistake(
                    "You divide by another number than that of the tasks, or twice. The mean divides by len(tasks), once.",
                    (
                        _step(share=lambda beta, count: beta / count),
                        _divided_with_theta,
                        _theta_taken_once,
                        _step(share=lambda beta, count: beta * count / max(count - 1, 1)),
                        _step(share=lambda beta, count: beta * count / (count + 1)),
                        _step(goal=lambda phis: phis.sum(0) / max(len(phis) - 1, 1)),
                        _step(goal=lambda phis: phis.sum(0) / (len(phis) + 1)),
                        _step(
                            lambda theta, goal, beta: theta + (goal - theta) * beta,
                            share=lambda beta, count: 1 / count,
                        ),
                    ),
                    hint=3,
                ),
                Mistake(
                    "Only the last task counts in your step: what the loop made of the others is overwritten. Take the mean over all of them.",
                    (
                        _step(goal=lambda phis: phis[-1]),
                        _step(goal=lambda phis: phis[-1], share=lambda beta, count: beta / count),
                        *(_step(other, goal=lambda phis: phis[-1]) for other in _OTHER_FORMULAS[1:]),
                        _step(goal=lambda phis: phis[-1] / len(phis)),
                    ),
                    hint=2,
                ),
                Mistake(
                    "Only the first task counts in your step. Take the mean over all of them.",
                    (
                        _step(goal=lambda phis: phis[0]),
                        _step(goal=lambda phis: phis[0]),
                        _step(goal=lambda phis: phis[0], share=lambda beta, count: beta / count),
                        *(_step(other, goal=lambda phis: phis[0]) for other in _OTHER_FORMULAS),
                    ),
                    hint=2,
                ),
                Mistake(
                    "You return the change alone. The new start is theta plus that.",
                    (
                        _step(lambda theta, goal, beta: beta * (goal - theta)),
                        _step(lambda theta, goal, beta: beta * (theta - goal)),
                        _step(lambda theta, goal, beta: goal - theta),
                        _step(lambda theta, goal, beta: theta - goal),
                    ),
                ),
                Mistake(
                    "theta + beta * phi grows without end: move by the difference phi - theta.",
                    (
                        _step(lambda theta, goal, beta: theta + beta * goal),
                        _step(lambda theta, goal, beta: theta - beta * goal),
                    ),
                    hint=3,
                ),
                Mistake(
                    "Two weights that add up to 1 are asked for: 1 - beta for theta, beta for the mean of the phis. Yours do not.",
                    (
                        _step(lambda theta, goal, beta: beta * goal),
                        _step(lambda theta, goal, beta: (1 - beta) * theta),
                        _step(lambda theta, goal, beta: (1 - beta) * goal),
                        _step(lambda theta, goal, beta: goal - beta * theta),
                        _step(lambda theta, goal, beta: goal + beta * theta),
                        _step(lambda theta, goal, beta: (1 - beta) * theta + goal),
                        _step(lambda theta, goal, beta: beta * goal - theta),
                        _step(lambda theta, goal, beta: (1 + beta) * theta + beta * goal),
                        _step(lambda theta, goal, beta: theta + beta * goal - theta),
                        _step(lambda theta, goal, beta: beta * (theta + goal)),
                        _step(lambda theta, goal, beta: theta + beta * (theta + goal)),
                    ),
                    hint=3,
                ),
                Mistake(
                    "You take another function of the differences: their sign, their square, or their direction alone. They count as they are.",
                    (
                        *map(_of_differences, (torch.sign, torch.square, torch.abs)),
                        _of_differences(lambda difference: difference / (difference.norm() + 1e-12)),
                        _step(lambda theta, goal, beta: theta + beta * (goal - theta).sign()),
                        _step(
                            lambda theta, goal, beta: theta + beta * (goal - theta) / (goal - theta).norm()
                        ),
                    ),
                ),
                Mistake(
                    "You begin the move at phi. It begins at theta and goes a part of the way to phi.",
                    (_step(lambda theta, goal, beta: goal + beta * (goal - theta)),),
                ),
                Mistake(
                    "beta stands in the wrong place: the difference is multiplied by it, once.",
                    (
                        _step(lambda theta, goal, beta: theta + (goal - theta) / beta),
                        _step(lambda theta, goal, beta: theta + beta * goal - beta),
                        _step(lambda theta, goal, beta: beta * theta + (goal - theta)),
                        _step(lambda theta, goal, beta: theta + beta**2 * (goal - theta)),
                        _step(lambda theta, goal, beta: theta + beta + (goal - theta)),
                        _step(lambda theta, goal, beta: theta + (1 - beta) * (theta - goal)),
                    ),
                    hint=3,
                ),
                Mistake(
                    "Your beta is a number of your own. Take the one that is handed over.",
                    tuple(map(_own_beta, (0.5, 0.1, 0.01, 0.25, 0.001))),
                ),
                Mistake(
                    "You go towards the median of the phis, or their sum over something. Go towards their mean.",
                    (
                        _step(goal=lambda phis: phis.median(0).values),
                        _step(goal=lambda phis: phis.amax(0)),
                        _step(goal=lambda phis: phis.amin(0)),
                    ),
                ),
                Mistake(
                    "You take the mean over the numbers of a tensor as well. It runs over the tasks alone, for each number by itself.",
                    (
                        _step(goal=lambda phis: phis.mean()),
                        _step(lambda theta, goal, beta: theta + beta * (goal - theta).mean()),
                        _step(lambda theta, goal, beta: theta + beta * (goal - theta).sum()),
                        _step(lambda theta, goal, beta: theta + beta * (goal - theta).norm()),
                        _step(
                            goal=lambda phis: (
                                phis.flatten(1).norm(dim=1).max() if phis.dim() > 1 else phis.max()
                            )
                        ),
                        _step(goal=lambda phis: phis.mean().expand_as(phis[0])),
                        _step(goal=lambda phis: phis.sum()),
                    ),
                ),
                Mistake(
                    "You mix the tasks into one and train on that. Train on each, then take the mean of what came out.",
                    (
                        _step(
                            phis=lambda adapt, theta, tasks: [
                                adapt(theta, [sum(step) / len(step) for step in zip(*tasks, strict=True)])
                            ]
                        ),
                    ),
                ),
                Mistake(
                    "Your step changes the theta that was handed over. Every task of the next batch needs the old start until all have trained: build new "
                    "tensors, in a new dict.",
                    (_in_place, _into_the_dict),
                ),
                Mistake(
                    "Nothing moves: what you return is the start itself.",
                    (_step(lambda theta, goal, beta: theta), lambda adapt, theta, tasks, beta: theta),
                ),
                Mistake(
                    "You return something else than a new start: a dict with the names of theta is asked for, all of them.",
                    (
                        _of_the_step(lambda new, phis: list(new.values())),
                        _of_the_step(lambda new, phis: tuple(new.values())),
                        _of_the_step(lambda new, phis: list(new.items())),
                        _of_the_step(lambda new, phis: phis),
                        _of_the_step(lambda new, phis: (new, phis)),
                        *map(_this_alone, ("w", "b")),
                        *(_of_the_step(lambda new, phis, only=only: new[only]) for only in ("w", "b")),  # type: ignore[misc]
                    ),
                ),
            ),
        ),
    ),
    hints=(
        "Two loops: over the tasks, and inside over a task's minibatches. Every task begins with phi = theta.",
        "An inner step: `point = leaves(phi)`, then `gradient = gradient_of(loss(point, minibatch), point)`, and phi goes alpha times "
        "that downhill. Collect the phis.",
        "After the loops one move: `value + beta * sum(phi[name] - value for phi in phis) / ...`, for every name: divided by what?",
    ),
)

# 07.2 ---------------------------------------------------------------------------------------------------------------


def gone(theta: Tensor, a: Tensor, h: Tensor, alpha: float, k: int) -> Tensor:
    """theta - phi after k steps on L = h/2 (theta - a)^2."""
    return (1 - (1 - alpha * h) ** k) * (theta - a)


def _well_cases() -> list[Case]:
    def number(value: float) -> Tensor:
        return torch.tensor(value, dtype=torch.float64)

    return [
        Case("one step", (number(2.0), number(0.5), number(1.0), 0.1, 1)),
        Case("five steps", (number(-1.0), number(1.0), number(3.0), 0.1, 5)),
        Case("a well that is shallow, twenty steps", (number(4.0), number(-1.0), number(0.2), 0.3, 20)),
        Case(
            "a well so steep that each step jumps over the bottom, three steps",
            (number(0.5), number(2.0), number(5.0), 0.3, 3),
        ),
    ]


def _more_wells(draw: torch.Generator) -> Case:
    theta, a = torch.randn(2, generator=draw, dtype=torch.float64)
    h = 0.2 + 2 * torch.rand((), generator=draw, dtype=torch.float64)
    alpha = 0.05 + 0.4 * torch.rand((), generator=draw, dtype=torch.float64).item()
    k = int(torch.randint(2, 9, (), generator=draw))
    return Case(f"{k} steps, drawn", (theta, a, h, alpha, k))


Way = Callable[[Tensor, Tensor, Tensor, float, int], Any]


def _gone(
    share: Callable[[Any, int], Any] = lambda x, k: 1 - (1 - x) ** k,
    rate: Callable[[Tensor, float], Any] = lambda h, alpha: alpha * h,
    distance: Callable[[Tensor, Tensor], Any] = lambda theta, a: theta - a,
) -> Way:
    """`gone` with another share of the way (of alpha h and k), another rate, or another distance."""
    return lambda theta, a, h, alpha, k: share(rate(h, alpha), k) * distance(theta, a)


def _left(x: Any, k: int) -> Any:
    return (1 - x) ** k


def _down(slope: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Way:
    """k steps down another slope."""

    def wrong(theta: Tensor, a: Tensor, h: Tensor, alpha: float, k: int) -> Tensor:
        phi = theta
        for _ in range(k):
            phi = phi - alpha * slope(phi, a, h)
        return theta - phi

    return wrong


def _in_place_down(theta: Tensor, a: Tensor, h: Tensor, alpha: float, k: int) -> Tensor:
    start = theta
    for _ in range(k):
        theta -= alpha * h * (theta - a)
    return start - theta


GONE = Exercise(
    id="07.2",
    title="how far training goes in a round valley",
    solution=gone,
    cases=_well_cases,
    draw=_more_wells,
    differentiable=(),
    any_float=True,
    tolerance=1e-6,
    mistakes=(
        Mistake(
            "You take all k gradients at theta: that is joint training with a k times longer step. After the first step "
            "the gradient is smaller, because phi is nearer to a.",
            (
                _gone(lambda x, k: k * x),
                _gone(lambda x, k: 1 - (1 - k * x)),
                _gone(lambda x, k: -k * x),
            ),
            hint=1,
        ),
        Mistake(
            "That is phi - theta, the way the weights went. Reptile's gradient is theta - phi.",
            (_gone(distance=lambda theta, a: a - theta),),
            hint=3,
        ),
        Mistake(
            "That is what is left, phi - a. What has been gone is the rest of theta - a.",
            (_gone(_left), _gone(lambda x, k: -((1 - x) ** k))),
            hint=3,
        ),
        Mistake(
            "That is where training ends, phi itself. Subtract it from theta.",
            (
                lambda theta, a, h, alpha, k: a + (1 - alpha * h) ** k * (theta - a),
                lambda theta, a, h, alpha, k: theta - alpha * h * (theta - a),
                lambda theta, a, h, alpha, k: theta - k * alpha * h * (theta - a),
                lambda theta, a, h, alpha, k: (1 - alpha * h) ** k * theta,
                lambda theta, a, h, alpha, k: theta + (1 - alpha * h) ** k * (theta - a),
            ),
            hint=3,
        ),
        Mistake(
            "That is one step, however large k is. Each of the k steps shrinks what the one before has left.",
            (_gone(lambda x, k: x), _gone(lambda x, k: 1 - x), _gone(lambda x, k: -x)),
            hint=2,
        ),
        Mistake(
            "The curvature h is missing: the gradient of h/2 (theta - a)^2 is h (theta - a).",
            (
                _gone(rate=lambda h, alpha: alpha),
                _gone(lambda x, k: k * x, rate=lambda h, alpha: alpha),
                _gone(_left, rate=lambda h, alpha: alpha),
            ),
            hint=1,
        ),
        Mistake(
            "The rate alpha is missing: one step moves by alpha times the gradient.",
            (
                _gone(rate=lambda h, alpha: h),
                _gone(lambda x, k: k * x, rate=lambda h, alpha: h),
                lambda theta, a, h, alpha, k: alpha * (1 - (1 - h) ** k) * (theta - a),
                lambda theta, a, h, alpha, k: h * (1 - (1 - alpha) ** k) * (theta - a),
            ),
            hint=1,
        ),
        Mistake(
            "The gradient of h/2 (theta - a)^2 is h (theta - a): the two of the square and the half cancel. Each step shrinks the distance by "
            "alpha times h.",
            (
                _gone(rate=lambda h, alpha: alpha * h / 2),
                _gone(rate=lambda h, alpha: 2 * alpha * h),
                _gone(rate=lambda h, alpha: alpha * h**2),
                _gone(rate=lambda h, alpha: alpha**2 * h),
                _gone(rate=lambda h, alpha: alpha / h),
                _gone(rate=lambda h, alpha: h / alpha),
                _gone(rate=lambda h, alpha: alpha + h),
                _gone(rate=lambda h, alpha: alpha * h.sqrt()),
                _gone(lambda x, k: k * x, rate=lambda h, alpha: alpha * h / 2),
            ),
            hint=1,
        ),
        Mistake(
            "You divided by alpha, by h or by k. That is a sum or a mean of gradients; asked for is the difference itself.",
            (
                lambda theta, a, h, alpha, k: gone(theta, a, h, alpha, k) / alpha,
                lambda theta, a, h, alpha, k: gone(theta, a, h, alpha, k) / (alpha * h),
                lambda theta, a, h, alpha, k: gone(theta, a, h, alpha, k) / h,
                lambda theta, a, h, alpha, k: gone(theta, a, h, alpha, k) / k,
                lambda theta, a, h, alpha, k: gone(theta, a, h, alpha, k) / (alpha * k),
                lambda theta, a, h, alpha, k: gone(theta, a, h, alpha, k) * alpha,
                lambda theta, a, h, alpha, k: gone(theta, a, h, alpha, k) * h,
                lambda theta, a, h, alpha, k: gone(theta, a, h, alpha, k) * k,
            ),
        ),
        Mistake(
            "One step too few, or too many: k steps shrink the distance to a exactly k times.",
            (
                _gone(lambda x, k: 1 - (1 - x) ** (k - 1)),
                _gone(lambda x, k: 1 - (1 - x) ** (k + 1)),
                _gone(lambda x, k: 1 - (1 - x) ** (2 * k)),
            ),
            hint=2,
        ),
        Mistake(
            "The steps multiply: k of them make (1 - alpha h) to the power k, the whole bracket. The power, or k, stands elsewhere in yours.",
            (
                _gone(lambda x, k: 1 - (1 - x) * k),
                _gone(lambda x, k: 1 - (1 - x**k)),
                _gone(lambda x, k: (1 - (1 - x)) ** k),
                _gone(lambda x, k: 1 - x**k),
                _gone(lambda x, k: (1 - x) * k),
                _gone(lambda x, k: k * (1 - (1 - x)) ** k),
                _gone(lambda x, k: 1 - (1 - x) ** (1 / k)),
                _gone(lambda x, k: 1 - k ** (1 - x)),
                _gone(lambda x, k: 1 - (1 - x / k) ** k),
                lambda theta, a, h, alpha, k: (1 - (1 - alpha * h**k)) * (theta - a),
                lambda theta, a, h, alpha, k: (1 - (1 - alpha) ** k * h) * (theta - a),
                lambda theta, a, h, alpha, k: (1 - (1 - h) ** k * alpha) * (theta - a),
                lambda theta, a, h, alpha, k: (1 - (1 - alpha**k * h)) * (theta - a),
                lambda theta, a, h, alpha, k: (theta - a) ** k * (1 - (1 - alpha * h) ** k),
            ),
            hint=2,
        ),
        Mistake(
            "A bracket is missing: the difference of 1 and the power is taken first, and the whole of it multiplies theta - a.",
            (
                lambda theta, a, h, alpha, k: 1 - (1 - alpha * h) ** k * (theta - a),
                lambda theta, a, h, alpha, k: theta - a - (1 - alpha * h) ** k,
                lambda theta, a, h, alpha, k: theta - (1 - alpha * h) ** k * theta - a,
                lambda theta, a, h, alpha, k: (1 - alpha * h) ** k * (theta - a) - theta,
                lambda theta, a, h, alpha, k: (theta - a) * (1 - alpha * h) ** k - 1,
                lambda theta, a, h, alpha, k: (1 - 1 - alpha * h) ** k * (theta - a),
                lambda theta, a, h, alpha, k: theta - a * (1 - alpha * h) ** k,
                lambda theta, a, h, alpha, k: theta - (a - (1 - alpha * h) ** k * (theta - a)),
                lambda theta, a, h, alpha, k: theta - (1 - alpha * h) ** k * a,
            ),
            hint=3,
        ),
        Mistake(
            "The loss, or its distance squared, stands where its slope belongs: each step goes alpha h (theta - a).",
            (
                _down(lambda phi, a, h: h / 2 * (phi - a) ** 2),
                lambda theta, a, h, alpha, k: h / 2 * (theta - a) ** 2 * (1 - (1 - alpha * h) ** (2 * k)),
                _down(lambda phi, a, h: h * (phi - a) ** 2),
                _down(lambda phi, a, h: (phi - a) ** 2),
                _down(lambda phi, a, h: h * (phi - a).abs()),
                _down(lambda phi, a, h: h * (phi - a).sign()),
                _down(lambda phi, a, h: h * phi - a),
                lambda theta, a, h, alpha, k: (theta - a) * (1 - alpha * h * (theta - a)) ** k,
                lambda theta, a, h, alpha, k: (theta - a) * (1 - (1 - alpha * h * (theta - a)) ** k),
            ),
            hint=1,
        ),
        Mistake(
            "You climb: with 1 + alpha h the distance to a grows at each step. Gradient descent shrinks it.",
            (
                _gone(lambda x, k: 1 - (1 + x) ** k),
                _gone(lambda x, k: (1 + x) ** k),
                _gone(lambda x, k: (1 + x) ** k - 1),
            ),
            hint=2,
        ),
        Mistake(
            "The exponential is for a slope that is followed without steps. Steps of length alpha make (1 - alpha h)^k.",
            (
                _gone(lambda x, k: 1 - torch.exp(-x * k)),
                _gone(lambda x, k: torch.exp(-x * k)),
                _gone(lambda x, k: 1 - torch.exp(-x)),
                _gone(lambda x, k: 1 - (1 + x) ** -k),
                _gone(lambda x, k: 1 - math.exp(-k * float(x))),
                lambda theta, a, h, alpha, k: (1 - math.exp(-alpha * k)) * (theta - a),
            ),
            hint=2,
        ),
        Mistake(
            "That is the first terms of the series only. All of it is asked for: a power, in one line.",
            (
                _gone(lambda x, k: k * x - k * (k - 1) / 2 * x**2),
                _gone(lambda x, k: k * x + k * (k - 1) / 2 * x**2),
                _gone(lambda x, k: k * x - k**2 / 2 * x**2),
            ),
        ),
        Mistake(
            "What shrinks is the distance to the bottom, theta - a. In its place you have something else, or nothing.",
            (
                _gone(distance=lambda theta, a: theta),
                _gone(distance=lambda theta, a: a),
                _gone(distance=lambda theta, a: -a),
                _gone(distance=lambda theta, a: theta + a),
                _gone(distance=lambda theta, a: 1),
                _gone(distance=lambda theta, a: (theta - a).square()),
                _gone(distance=lambda theta, a: theta * a),
                _gone(distance=lambda theta, a: (theta - a).square() / 2),
                lambda theta, a, h, alpha, k: (1 - (1 - alpha * h) ** k) * (theta - a) + theta,
                lambda theta, a, h, alpha, k: gone(theta, a, h, alpha, k) * h / 2 * (theta - a),
                lambda theta, a, h, alpha, k: (1 - (1 - alpha * h) ** k) * h / 2 * (theta - a) ** 2,
            ),
            hint=3,
        ),
        Mistake(
            "You lost the direction: the difference is negative where theta lies below a, or where training jumps over the bottom.",
            (
                _gone(distance=lambda theta, a: (theta - a).abs()),
                _gone(lambda x, k: 1 - abs(1 - x) ** k),
                _gone(lambda x, k: abs(1 - (1 - x) ** k), distance=lambda theta, a: (theta - a).abs()),
            ),
        ),
        Mistake(
            "That is all of the way to a. k steps go a part of it.",
            (_gone(lambda x, k: 1), _gone(lambda x, k: -1)),
        ),
        Mistake(
            "You sum the shares of what is left. One step goes alpha h of what is left before it: that factor is missing, or a step too many is in the sum.",
            (
                _gone(lambda x, k: x * sum((1 - x) ** j for j in range(1, k))),
                _gone(lambda x, k: x * sum((1 - x) ** j for j in range(1, k + 1))),
                _gone(lambda x, k: sum((1 - x) ** j for j in range(1, k + 1))),
            ),
        ),
        Mistake(
            "That is what the last step goes. Asked for is what all k have gone together.",
            (_gone(lambda x, k: x * (1 - x) ** (k - 1)), _gone(lambda x, k: x * (1 - x) ** k)),
        ),
        Mistake(
            "You move theta itself, so start and end are the same tensor, and their difference is zero. Begin with a copy, or with phi = phi - ... "
            "(This is the pitfall at the end of the lesson.)",
            (_in_place_down,),
        ),
    ),
    hints=(
        "One step takes theta to theta - alpha h (theta - a). By which factor has the distance to a shrunk?",
        "Each step multiplies the distance to a by (1 - alpha h). After k steps, phi - a = (1 - alpha h)^k (theta - a).",
        "theta - phi = (theta - a) - (phi - a). Put the second hint in.",
    ),
)

# 07.3 ---------------------------------------------------------------------------------------------------------------


def federated(clients: Sequence[Params], sizes: Sequence[int]) -> Params:
    """The mean of the clients' weights, each counted as often as it has examples."""
    total = sum(sizes)
    return {
        name: torch.stack([n / total * phi[name] for phi, n in zip(clients, sizes, strict=True)]).sum(0)
        for name in clients[0]
    }


def _client_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(73)

    def clients(count: int) -> tuple[Params, ...]:
        return tuple(
            {
                "w": torch.randn(2, 3, generator=draw, dtype=torch.float64),
                "b": torch.randn(2, generator=draw, dtype=torch.float64),
            }
            for _ in range(count)
        )

    return [
        Case("two clients, one of them large", (clients(2), (90, 10))),
        Case("four clients", (clients(4), (5, 20, 1, 14))),
        Case("three clients, two of a size", (clients(3), (12, 30, 12))),
    ]


def _more_clients(draw: torch.Generator) -> Case:
    count = int(torch.randint(2, 6, (), generator=draw))
    clients = tuple({"w": torch.randn(2, 3, generator=draw, dtype=torch.float64)} for _ in range(count))
    sizes = tuple(torch.randint(1, 50, (count,), generator=draw).tolist())
    return Case(f"{count} clients, drawn", (clients, sizes))


def _weighted(weights: Callable[[Sequence[int]], Sequence[float]]) -> Callable[..., Params]:
    def wrong(clients: Sequence[Params], sizes: Sequence[int]) -> Params:
        shares = weights(sizes)
        return {
            name: torch.stack([w * phi[name] for phi, w in zip(clients, shares, strict=True)]).sum(0)
            for name in clients[0]
        }

    return wrong


def _in_proportion(count: Callable[[int], float]) -> Callable[..., Params]:
    """A mean with the weights count(n) / sum(count(n))."""
    return _weighted(lambda sizes: [count(n) / sum(map(count, sizes)) for n in sizes])


def _alone(which: Callable[[Sequence[int]], int]) -> Callable[..., Params]:
    return lambda clients, sizes: clients[which(sizes)]


def _each(formula: Callable[[Tensor, Tensor], Any]) -> Callable[..., Params]:
    """``formula`` of all clients' values on axis 0 and of their shares, shaped to go with them."""

    def wrong(clients: Sequence[Params], sizes: Sequence[int]) -> Params:
        new = {}
        for name, first in clients[0].items():
            shares = torch.tensor(sizes, dtype=first.dtype).view(-1, *[1] * first.dim()) / sum(sizes)
            new[name] = formula(torch.stack([phi[name] for phi in clients]), shares)
        return new

    return wrong


def _running(share: Callable[[Sequence[int], int], float]) -> Callable[..., Params]:
    def wrong(clients: Sequence[Params], sizes: Sequence[int]) -> Params:
        new = dict(clients[0])
        for k in range(1, len(clients)):
            new = {n: value + share(sizes, k) * (clients[k][n] - value) for n, value in new.items()}
        return new

    return wrong


def _divided_on_the_way(total: bool) -> Callable[..., Params]:
    def wrong(clients: Sequence[Params], sizes: Sequence[int]) -> Params:
        new, seen = map_params(torch.zeros_like, clients[0]), 0
        for phi, n in zip(clients, sizes, strict=True):
            seen += n
            by = sum(sizes) if total else seen
            new = {name: (value + n * phi[name]) / by for name, value in new.items()}
        return new

    return wrong


def _first_in_place(clients: Sequence[Params], sizes: Sequence[int]) -> Params:
    new = clients[0]
    for name, value in new.items():
        value *= sizes[0] / sum(sizes)
        for phi, n in zip(clients[1:], sizes[1:], strict=True):
            value += n / sum(sizes) * phi[name]
    return new


def _all_in_place(clients: Sequence[Params], sizes: Sequence[int]) -> Params:
    for phi, n in zip(clients, sizes, strict=True):
        for value in phi.values():
            value *= n / sum(sizes)
    return {name: torch.stack([phi[name] for phi in clients]).sum(0) for name in clients[0]}


def _given(form: Callable[[Params], Any]) -> Callable[..., Any]:
    return lambda clients, sizes: form(federated(clients, sizes))


def _only(name: str) -> Callable[..., Any]:
    return _given(lambda new: {key: value for key, value in new.items() if key == name})


FEDERATED = Exercise(
    id="07.3",
    title="the server's half of federated averaging",
    solution=federated,
    cases=_client_cases,
    draw=_more_clients,
    differentiable=(),
    any_float=True,
    tolerance=1e-6,
    mistakes=(
        Mistake(
            "Every client counts the same in your mean. That is batched Reptile; federated averaging weighs a client by "
            "its number of examples.",
            (_weighted(lambda sizes: [1 / len(sizes)] * len(sizes)),),
            hint=2,
        ),
        Mistake(
            "The weights add up to the number of examples. Divide by their total, so that they add up to 1.",
            (_weighted(lambda sizes: list(sizes)),),
            hint=2,
        ),
        Mistake(
            "You divide by the number of clients. Divide by the number of examples of all of them.",
            (
                _weighted(lambda sizes: [n / len(sizes) for n in sizes]),
                _weighted(lambda sizes: [n / (len(sizes) - 1) for n in sizes]),
            ),
            hint=2,
        ),
        Mistake(
            "You divide twice: the shares already add up to 1, so their sum is the mean.",
            (
                _weighted(lambda sizes: [n / sum(sizes) / len(sizes) for n in sizes]),
                _weighted(lambda sizes: [n / sum(sizes) ** 2 for n in sizes]),
            ),
        ),
        Mistake(
            "You divide by the largest client, or by one client's size. Divide by the number of examples of all of them, so that the weights add up to 1.",
            (
                _weighted(lambda sizes: [n / max(sizes) for n in sizes]),
                _weighted(lambda sizes: [n / min(sizes) for n in sizes]),
                _weighted(lambda sizes: [n / sizes[0] for n in sizes]),
                _weighted(lambda sizes: [n / sizes[-1] for n in sizes]),
                _weighted(lambda sizes: [n / (sum(sizes) - 1) for n in sizes]),
                _weighted(lambda sizes: [n / math.sqrt(sum(m * m for m in sizes)) for n in sizes]),
            ),
            hint=2,
        ),
        Mistake(
            "You add the weights up. The server takes their mean.",
            (_weighted(lambda sizes: [1.0] * len(sizes)),),
        ),
        Mistake(
            "Your sum is divided by the number of examples, but no client is counted as often as it has them.",
            (
                _weighted(lambda sizes: [1 / sum(sizes)] * len(sizes)),
                _weighted(lambda sizes: [1 / n for n in sizes]),
                _weighted(lambda sizes: [len(sizes) / sum(sizes)] * len(sizes)),
            ),
            hint=2,
        ),
        Mistake(
            "Small clients count more than large ones: the weights are upside down.",
            (
                _in_proportion(lambda n: 1 / n),
                _weighted(lambda sizes: [sum(sizes) / n for n in sizes]),
                _weighted(lambda sizes: [1 - n / sum(sizes) for n in sizes]),
                _weighted(lambda sizes: [(1 - n / sum(sizes)) / (len(sizes) - 1) for n in sizes]),
                _weighted(lambda sizes: [sum(sizes) / n / len(sizes) for n in sizes]),
            ),
            hint=2,
        ),
        Mistake(
            "You take the weights of one client alone. Every client has a say, by the number of its examples.",
            (
                _alone(lambda sizes: max(range(len(sizes)), key=lambda i: sizes[i])),
                _alone(lambda sizes: min(range(len(sizes)), key=lambda i: sizes[i])),
                _alone(lambda sizes: 0),
                _alone(lambda sizes: -1),
            ),
            hint=1,
        ),
        Mistake(
            "Only the last client is left: each turn of the loop overwrites what was there. Add up.",
            (
                _weighted(lambda sizes: [0.0] * (len(sizes) - 1) + [sizes[-1] / sum(sizes)]),
                _weighted(lambda sizes: [0.0] * (len(sizes) - 1) + [float(sizes[-1])]),
            ),
        ),
        Mistake(
            "The first or the last client is missing in your sum.",
            (
                _weighted(lambda sizes: [0.0] + [n / sum(sizes) for n in sizes[1:]]),
                _weighted(lambda sizes: [n / sum(sizes) for n in sizes[:-1]] + [0.0]),
                _weighted(lambda sizes: [0.0] + [n / sum(sizes[1:]) for n in sizes[1:]]),
                _weighted(lambda sizes: [sizes[0] / sum(sizes)] + [0.0] * (len(sizes) - 1)),
                _weighted(lambda sizes: [n / sum(sizes) for n in sizes[:2]] + [0.0] * (len(sizes) - 2)),
                _weighted(lambda sizes: [n / sum(sizes[:2]) for n in sizes[:2]] + [0.0] * (len(sizes) - 2)),
            ),
        ),
        Mistake(
            "A client's share grows like the number of its examples itself: not its root, logarithm, square or softmax.",
            (
                _in_proportion(lambda n: n**0.5),
                _in_proportion(lambda n: n**2),
                _in_proportion(math.log1p),
                _in_proportion(lambda n: math.log(n + 1e-12)),
                _weighted(lambda sizes: torch.softmax(torch.tensor(sizes, dtype=torch.float64), 0).tolist()),
                _weighted(
                    lambda sizes: torch.softmax(
                        torch.tensor(sizes, dtype=torch.float64) / sum(sizes), 0
                    ).tolist()
                ),
                _weighted(lambda sizes: [n**0.5 / sum(sizes) ** 0.5 for n in sizes]),
            ),
            hint=1,
        ),
        Mistake(
            "// throws away what is behind the point, and every share is 0. Divide by /.",
            (
                _weighted(lambda sizes: [n // sum(sizes) for n in sizes]),
                _weighted(lambda sizes: [round(n / sum(sizes)) for n in sizes]),
            ),
        ),
        Mistake(
            "A client gets the size of another one. The sizes belong to the clients in the order they come in.",
            (
                _weighted(lambda sizes: [n / sum(sizes) for n in sizes[::-1]]),
                _weighted(lambda sizes: [n / sum(sizes) for n in sorted(sizes)]),
                _weighted(lambda sizes: [n / sum(sizes) for n in sorted(sizes, reverse=True)]),
                _weighted(lambda sizes: [n / sum(sizes) for n in (*sizes[1:], sizes[0])]),
            ),
            hint=2,
        ),
        Mistake(
            "In your running mean the last clients count too much. A new client has the share of its examples among those seen so far.",
            (
                _running(lambda sizes, k: 0.5),
                _running(lambda sizes, k: sizes[k] / sum(sizes)),
                _running(lambda sizes, k: sizes[k] / (sizes[k] + sizes[k - 1])),
            ),
        ),
        Mistake(
            "You divide inside the loop, again and again, so the first clients shrink away. Add up first, and divide once.",
            (_divided_on_the_way(total=True), _divided_on_the_way(total=False)),
        ),
        Mistake(
            "That is the median, the largest or the smallest of the clients' numbers. The server takes their mean, weighed by examples.",
            (
                _each(lambda values, shares: values.median(0).values),
                _each(lambda values, shares: values.amax(0)),
                _each(lambda values, shares: values.amin(0)),
                _each(lambda values, shares: (values * shares).amax(0)),
            ),
        ),
        Mistake(
            "Your mean runs over the numbers of a tensor as well. It runs over the clients alone: every tensor keeps its shape.",
            (
                _each(lambda values, shares: (values * shares).sum()),
                _each(lambda values, shares: (values * shares).sum(0).mean()),
                _each(lambda values, shares: (values * shares).mean()),
                _each(lambda values, shares: (values * shares).flatten(1).sum(1)),
                _each(lambda values, shares: (values.flatten(1).mean(1) * shares.flatten()).sum()),
                _each(
                    lambda values, shares: (
                        (values.flatten(1).mean(1) * shares.flatten()).sum().expand_as(values[0])
                    )
                ),
                _each(lambda values, shares: (values * shares).sum(-1)),
            ),
            hint=3,
        ),
        Mistake(
            "You weigh the clients but do not add them up: the axis of the clients is still there.",
            (
                _each(lambda values, shares: values * shares),
                _each(lambda values, shares: list(values * shares)),
                _each(lambda values, shares: tuple(values * shares)),
                _each(lambda values, shares: (values * shares).sum(0, keepdim=True)),
            ),
            hint=3,
        ),
        Mistake(
            "You change a client's own tensors. They belong to the client: build new ones.",
            (_first_in_place, _all_in_place),
        ),
        Mistake(
            "A dict is asked for, with all the names that the clients' dicts have.",
            (
                _given(lambda new: list(new.values())),
                _given(lambda new: tuple(new.values())),
                _given(lambda new: list(new.items())),
                _given(lambda new: [new]),
                *map(_only, ("w", "b")),
                _given(lambda new: new["w"]),
                _given(lambda new: torch.cat([value.flatten() for value in new.values()])),
            ),
        ),
        Mistake(
            "A share is a factor: it multiplies what its client has found. You add it, or use it as a power, or weigh what is left of the mean.",
            (
                _each(lambda values, shares: (values + shares).sum(0)),
                _each(lambda values, shares: (shares * (values - values.mean(0))).sum(0)),
                _each(lambda values, shares: (values**shares).sum(0)),
            ),
        ),
        Mistake(
            "You return the shares. Asked for are the weights that they make of the clients'.",
            (
                lambda clients, sizes: [n / sum(sizes) for n in sizes],
                lambda clients, sizes: {name: [n / sum(sizes) for n in sizes] for name in clients[0]},
            ),
        ),
    ),
    hints=(
        "A mean over all examples, where each example votes for the weights that its client has found.",
        "Client k has a share of sizes[k] / sum(sizes) in every number.",
        "`sum(n / total * phi[name] for phi, n in zip(clients, sizes))`, for every name.",
    ),
)

EXERCISES = (REPTILE_STEP, GONE, FEDERATED)
