"""The exercises of lesson 09: MAML on Omniglot."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake
from mlteach.params import Params, gradient_of, leaves, to_vector

Loss = Callable[..., Tensor]
Data = tuple[Tensor, Tensor]


def _through(value: Tensor, theta: Params) -> Tensor:
    """The gradient of ``value`` by theta as one vector; zeros where nothing leads back."""
    if not value.requires_grad:
        return torch.zeros_like(to_vector(theta)).detach()
    return to_vector(gradient_of(value, theta))


def task_loss(params: Params, x: Tensor, y: Tensor) -> Tensor:
    """A small smooth network, so that second derivatives matter."""
    return (torch.tanh(x @ params["w"]) @ params["v"] - y).square().mean()


def _setting(seed: int, size: int) -> tuple[Params, Data, Data]:
    draw = torch.Generator().manual_seed(seed)
    theta = {
        "w": torch.randn(2, size, generator=draw, dtype=torch.float64),
        "v": torch.randn(size, generator=draw, dtype=torch.float64),
    }
    x = torch.randn(2, 6, 2, generator=draw, dtype=torch.float64)
    y = torch.randn(2, 6, generator=draw, dtype=torch.float64)
    return theta, (x[0], y[0]), (x[1], y[1])


# 09.1 ---------------------------------------------------------------------------------------------------------------


def inner_step(loss: Loss, theta: Params, alpha: float) -> Params:
    """theta - alpha * grad loss(theta), with the way back kept."""
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    return {name: value - alpha * g for (name, value), g in zip(theta.items(), gradient, strict=True)}


def _observe_step(answer: Callable[..., Params], theta: Params, data: Data, alpha: float) -> Any:
    """What comes out, and the gradient by theta of something computed from it: whether the way back is there."""
    start = leaves(theta)
    phi = answer(lambda params: task_loss(params, *data), start, alpha)
    if (
        not isinstance(phi, dict)
        or set(phi) != set(theta)
        or not all(isinstance(v, Tensor) for v in phi.values())
    ):
        return phi
    later = torch.stack(
        [(value * torch.arange(1, value.numel() + 1).view_as(value)).sum() for value in phi.values()]
    )
    kept = {
        name: value.detach().clone() for name, value in start.items()
    }  # theta after the step: was it changed?
    return {name: value.detach().clone() for name, value in phi.items()}, _through(later.sum(), start), kept


def _step_cases() -> list[Case]:
    cases = []
    for seed, size, alpha in ((1, 3, 0.1), (2, 5, 0.5)):
        theta, data, _ = _setting(seed, size)
        cases.append(Case(f"a network of {size} units, alpha = {alpha}", (theta, data, alpha)))
    return cases


def _step(sign: float = -1, *, create_graph: bool = True, power: int = 1) -> Callable[..., Params]:
    def wrong(loss: Loss, theta: Params, alpha: float) -> Params:
        gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=create_graph)
        return {n: v + sign * alpha**power * g for (n, v), g in zip(theta.items(), gradient, strict=True)}

    return wrong


def _step_detached(loss: Loss, theta: Params, alpha: float) -> Params:
    return {name: value.detach() for name, value in inner_step(loss, theta, alpha).items()}


def _step_in_place(loss: Loss, theta: Params, alpha: float) -> Params:
    gradient = torch.autograd.grad(loss(theta), list(theta.values()))
    with torch.no_grad():
        for value, g in zip(theta.values(), gradient, strict=True):
            value -= alpha * g
    return theta


def _step_change_only(loss: Loss, theta: Params, alpha: float) -> Params:
    return {name: value - theta[name] for name, value in inner_step(loss, theta, alpha).items()}


INNER_STEP = Exercise(
    id="09.1",
    title="one inner step that MAML can look through",
    solution=inner_step,
    cases=_step_cases,
    observe=_observe_step,
    mistakes=(
        Mistake(
            "The step is right, but its gradient is a constant to autograd, so this trains FOMAML, not MAML. Ask for "
            "the way back: create_graph=True.",
            (_step(create_graph=False),),
        ),
        Mistake(
            "phi is cut off from theta: no gradient reaches the start. Leave out .detach(), .data and torch.no_grad().",
            (_step_detached, lambda loss, theta, alpha: _step_detached(loss, leaves(theta), alpha)),
        ),
        Mistake(
            "Your step changes theta itself. The start must survive, for the next task: build new tensors.",
            (_step_in_place,),
        ),
        Mistake(
            "Your step goes uphill: subtract alpha times the gradient.",
            (_step(+1), _step(+1, create_graph=False)),
        ),
        Mistake("The rate is in there twice.", (_step(power=2),)),
        Mistake("The rate alpha is missing.", (_step(power=0),)),
        Mistake("You return the change alone. phi is theta plus the change.", (_step_change_only,)),
    ),
    hints=(
        "Two lines: the gradient of loss(theta) for every tensor in theta, then a new dict with theta moved against it.",
        "torch.autograd.grad(loss(theta), list(theta.values()), ...) gives one gradient for each name, in order.",
        "The outer loop differentiates this step too. Which argument of torch.autograd.grad keeps the way back?",
    ),
)

# 09.2 ---------------------------------------------------------------------------------------------------------------


def outer_loss(loss: Loss, adapt: Callable[..., Params], theta: Params, support: Data, query: Data) -> Tensor:
    """L_query(phi), with phi = adapt(theta, support)."""
    phi = adapt(theta, *support)
    return loss(phi, *query)


def _adapt(theta: Params, x: Tensor, y: Tensor) -> Params:
    return inner_step(lambda params: task_loss(params, x, y), theta, 0.3)


def _observe_outer(answer: Callable[..., Tensor], theta: Params, support: Data, query: Data) -> Any:
    start = leaves(theta)
    value = answer(task_loss, _adapt, start, support, query)
    if not isinstance(value, Tensor) or value.numel() != 1:
        return value
    return value.detach().clone(), _through(value, start)


def _outer_cases() -> list[Case]:
    return [Case(f"a network of {size} units", _setting(seed, size)) for seed, size in ((3, 3), (4, 5))]


def _outer_detached(
    loss: Loss, adapt: Callable[..., Params], theta: Params, support: Data, query: Data
) -> Tensor:
    phi = {name: value.detach() for name, value in adapt(theta, *support).items()}
    return loss(phi, *query)


def _outer_pooled(
    loss: Loss, adapt: Callable[..., Params], theta: Params, support: Data, query: Data
) -> Tensor:
    phi = adapt(theta, *support)
    return loss(phi, *support) + loss(phi, *query)


OUTER_LOSS = Exercise(
    id="09.2",
    title="the loss the outer loop descends on",
    solution=outer_loss,
    cases=_outer_cases,
    observe=_observe_outer,
    mistakes=(
        Mistake(
            "You used theta, not phi, in the outer loss: that is joint training, and nothing asks theta to adapt well.",
            (lambda loss, adapt, theta, support, query: loss(theta, *query),),
        ),
        Mistake(
            "You judge phi on the support set it has just learned from. Judge it on the query set.",
            (lambda loss, adapt, theta, support, query: loss(adapt(theta, *support), *support),),
        ),
        Mistake(
            "You adapt on the query set: the answers are looked up. Adapt on the support set.",
            (
                lambda loss, adapt, theta, support, query: loss(adapt(theta, *query), *query),
                lambda loss, adapt, theta, support, query: loss(adapt(theta, *query), *support),
            ),
        ),
        Mistake("You add the support loss. MAML's objective is the query loss alone.", (_outer_pooled,)),
        Mistake("phi is detached, so no gradient reaches theta and nothing is learned.", (_outer_detached,)),
        Mistake(
            "The value is right, but it is a plain number: return the tensor, so that autograd can go back from it.",
            (lambda loss, adapt, theta, support, query: loss(adapt(theta, *support), *query).item(),),
        ),
        Mistake(
            "You return the loss before any adapting, on the support set. First phi, then its query loss.",
            (lambda loss, adapt, theta, support, query: loss(theta, *support),),
        ),
    ),
    hints=(
        "Two questions: which parameters are judged, and on which pictures?",
        "phi = adapt(theta, ...) learns from the support set. Its loss is taken elsewhere.",
        "`return loss(phi, *...)`: not the set that phi has seen.",
    ),
)

# 09.3 ---------------------------------------------------------------------------------------------------------------


def half_width(accuracies: Tensor) -> Tensor:
    """1.96 standard errors of the mean over tasks."""
    return 1.96 * accuracies.std() / len(accuracies) ** 0.5


def _accuracy_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(93)
    return [
        Case(f"{count} tasks", ((torch.rand(count, generator=draw, dtype=torch.float64) * 0.3 + 0.7),))
        for count in (9, 600)
    ]


HALF_WIDTH = Exercise(
    id="09.3",
    title="how sure we are of an accuracy",
    solution=half_width,
    cases=_accuracy_cases,
    mistakes=(
        Mistake(
            "That is the spread of the tasks, not of their mean: more tasks must make it smaller. Divide by the square "
            "root of their number.",
            (lambda a: a.std(), lambda a: 1.96 * a.std()),
        ),
        Mistake(
            "That is one standard error. A 95 % interval reaches 1.96 of them to each side.",
            (lambda a: a.std() / len(a) ** 0.5,),
        ),
        Mistake(
            "Divide by the square root of the number of tasks, not by the number.",
            (lambda a: 1.96 * a.std() / len(a), lambda a: a.std() / len(a)),
        ),
        Mistake(
            "That is the variance over the number of tasks. Take the square root.",
            (
                lambda a: 1.96 * a.var() / len(a),
                lambda a: a.var() / len(a),
                lambda a: 1.96 * a.var() / len(a) ** 0.5,
            ),
        ),
        Mistake(
            "sqrt(p (1 - p) / n) is for single right-or-wrong answers. Here each number is already a mean over queries: "
            "use their spread.",
            (
                lambda a: 1.96 * (a.mean() * (1 - a.mean()) / len(a)).sqrt(),
                lambda a: (a.mean() * (1 - a.mean()) / len(a)).sqrt(),
            ),
        ),
        Mistake(
            "That is the whole width of the interval. The number after ± is half of it.",
            (lambda a: 2 * 1.96 * a.std() / len(a) ** 0.5,),
        ),
    ),
    hints=(
        "One number for each task comes in. How far may their mean be off?",
        "The standard error of a mean is the standard deviation over the square root of how many there are.",
        "95 % of a normal distribution lie within 1.96 standard errors.",
    ),
)

EXERCISES = (INNER_STEP, OUTER_LOSS, HALF_WIDTH)
