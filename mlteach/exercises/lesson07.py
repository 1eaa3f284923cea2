"""The exercises of lesson 07: Reptile."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake
from mlteach.params import Params

Adapt = Callable[[Params, Any], Params]

# 07.1 ---------------------------------------------------------------------------------------------------------------


def reptile_step(adapt: Adapt, theta: Params, tasks: Sequence[Any], epsilon: float) -> Params:
    """theta + epsilon * the mean over tasks of (adapt(theta, task) - theta)."""
    phis = [adapt(theta, task) for task in tasks]
    return {
        name: value + epsilon * sum(phi[name] - value for phi in phis) / len(phis)
        for name, value in theta.items()
    }


def _adapt(theta: Params, task: Tensor) -> Params:
    """Three steps of gradient descent on a quartic well around ``task``: not linear, so that order matters."""
    w, b = theta["w"], theta["b"]
    for _ in range(3):
        gap = w + b - task
        slope = gap + 0.3 * gap**3
        w, b = w - 0.1 * slope, b - 0.1 * slope.mean()
    return {"w": w, "b": b}


def _observe_step(
    answer: Callable[..., Params], theta: Params, tasks: tuple[Tensor, ...], epsilon: float
) -> Any:
    return answer(_adapt, theta, tasks, epsilon)


def _step_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(71)

    def case(count: int, epsilon: float) -> Case:
        theta = {
            "w": torch.randn(4, generator=draw, dtype=torch.float64),
            "b": torch.randn((), generator=draw, dtype=torch.float64),
        }
        tasks = tuple(torch.randn(count, 4, generator=draw, dtype=torch.float64))
        words = "one task" if count == 1 else f"{count} tasks"
        return Case(f"{words}, epsilon = {epsilon}", (theta, tasks, epsilon))

    return [case(1, 0.3), case(3, 0.1)]


def _moved(towards: Callable[..., Params]) -> Callable[..., Params]:
    """A wrong step that moves ``theta`` by epsilon towards what ``towards`` gives."""

    def wrong(adapt: Adapt, theta: Params, tasks: Sequence[Any], epsilon: float) -> Params:
        goal = towards(adapt, theta, tasks)
        return {name: value + epsilon * (goal[name] - value) for name, value in theta.items()}

    return wrong


def _mean(adapt: Adapt, theta: Params, tasks: Sequence[Any]) -> Params:
    phis = [adapt(theta, task) for task in tasks]
    return {name: torch.stack([phi[name] for phi in phis]).mean(0) for name in theta}


def _chained(adapt: Adapt, theta: Params, tasks: Sequence[Any]) -> list[Params]:
    phis = []
    for task in tasks:
        theta = adapt(theta, task)
        phis.append(theta)
    return phis


def _step_chained(adapt: Adapt, theta: Params, tasks: Sequence[Any], epsilon: float) -> Params:
    phis = _chained(adapt, theta, tasks)
    return {
        name: value + epsilon * sum(phi[name] - value for phi in phis) / len(phis)
        for name, value in theta.items()
    }


def _step_summed(adapt: Adapt, theta: Params, tasks: Sequence[Any], epsilon: float) -> Params:
    phis = [adapt(theta, task) for task in tasks]
    return {name: value + epsilon * sum(phi[name] - value for phi in phis) for name, value in theta.items()}


def _step_serial(adapt: Adapt, theta: Params, tasks: Sequence[Any], epsilon: float) -> Params:
    for task in tasks:
        phi = adapt(theta, task)
        theta = {name: value + epsilon * (phi[name] - value) for name, value in theta.items()}
    return theta


def _of_mean(formula: Callable[[Tensor, Tensor, float], Tensor]) -> Callable[..., Params]:
    def wrong(adapt: Adapt, theta: Params, tasks: Sequence[Any], epsilon: float) -> Params:
        mean = _mean(adapt, theta, tasks)
        return {name: formula(value, mean[name], epsilon) for name, value in theta.items()}

    return wrong


REPTILE_STEP = Exercise(
    id="07.1",
    title="one outer step of Reptile",
    solution=reptile_step,
    cases=_step_cases,
    observe=_observe_step,
    mistakes=(
        Mistake(
            "You go all the way to what training found: epsilon is missing. With one task that is plain SGD, task after task.",
            (_of_mean(lambda theta, phi, epsilon: phi),),
        ),
        Mistake(
            "You walk away from what training found. theta - phi is what an optimizer descends on; the step itself is "
            "theta + epsilon * (phi - theta).",
            (_of_mean(lambda theta, phi, epsilon: theta - epsilon * (phi - theta)),),
        ),
        Mistake(
            "The weights are swapped: you keep epsilon of theta. Keep 1 - epsilon of it, and take epsilon of phi.",
            (_of_mean(lambda theta, phi, epsilon: epsilon * theta + (1 - epsilon) * phi),),
        ),
        Mistake(
            "Each task goes on from where the one before it ended. In a batch every task starts from theta.",
            (
                _step_chained,
                _moved(lambda adapt, theta, tasks: _chained(adapt, theta, tasks)[-1]),
            ),
        ),
        Mistake(
            "You move after every task. That is serial Reptile; in a batch all tasks start from the same theta, and it "
            "moves once.",
            (_step_serial,),
        ),
        Mistake(
            "You add the differences up. Take their mean, or more tasks make a longer step.", (_step_summed,)
        ),
        Mistake(
            "Only the last task counts in your step. Take the mean over all of them.",
            (_moved(lambda adapt, theta, tasks: adapt(theta, tasks[-1])),),
        ),
        Mistake(
            "You return the change alone. The new start is theta plus that.",
            (_of_mean(lambda theta, phi, epsilon: epsilon * (phi - theta)),),
        ),
        Mistake(
            "theta + epsilon * phi grows without end: move by the difference phi - theta.",
            (_of_mean(lambda theta, phi, epsilon: theta + epsilon * phi),),
        ),
    ),
    hints=(
        "First let every task train from theta. Then one move, towards the mean of what came out.",
        "`phis = [adapt(theta, task) for task in tasks]`; the rest is one line for each name in theta.",
        "`value + epsilon * sum(phi[name] - value for phi in phis) / ...`: divided by what?",
    ),
)

# 07.2 ---------------------------------------------------------------------------------------------------------------


def gone(theta: Tensor, a: Tensor, h: Tensor, alpha: float, k: int) -> Tensor:
    """theta - phi_k after k steps on L = h/2 (theta - a)^2."""
    return (1 - (1 - alpha * h) ** k) * (theta - a)


def _well_cases() -> list[Case]:
    def number(value: float) -> Tensor:
        return torch.tensor(value, dtype=torch.float64)

    return [
        Case("one step", (number(2.0), number(0.5), number(1.0), 0.1, 1)),
        Case("five steps", (number(-1.0), number(1.0), number(3.0), 0.1, 5)),
        Case("a well that is shallow, twenty steps", (number(4.0), number(-1.0), number(0.2), 0.3, 20)),
    ]


GONE = Exercise(
    id="07.2",
    title="how far training goes in a round valley",
    solution=gone,
    cases=_well_cases,
    mistakes=(
        Mistake(
            "You take all k gradients at theta: that is joint training with a k times longer step. After the first step "
            "the gradient is smaller, because phi is nearer to a.",
            (lambda theta, a, h, alpha, k: k * alpha * h * (theta - a),),
        ),
        Mistake(
            "That is phi_k - theta, the way the weights went. Reptile's gradient is theta - phi_k.",
            (lambda theta, a, h, alpha, k: -gone(theta, a, h, alpha, k),),
        ),
        Mistake(
            "That is what is left, phi_k - a. What has been gone is the rest of theta - a.",
            (lambda theta, a, h, alpha, k: (1 - alpha * h) ** k * (theta - a),),
        ),
        Mistake(
            "That is phi_k itself. Subtract it from theta.",
            (lambda theta, a, h, alpha, k: a + (1 - alpha * h) ** k * (theta - a),),
        ),
        Mistake(
            "The curvature h is missing: the gradient of h/2 (theta - a)^2 is h (theta - a).",
            (lambda theta, a, h, alpha, k: (1 - (1 - alpha) ** k) * (theta - a),),
        ),
        Mistake(
            "You divided by alpha. That is the sum of the gradients; asked for is the difference itself.",
            (lambda theta, a, h, alpha, k: gone(theta, a, h, alpha, k) / alpha,),
        ),
        Mistake(
            "One step too few, or too many: k steps shrink the distance to a k times.",
            (
                lambda theta, a, h, alpha, k: gone(theta, a, h, alpha, k - 1),
                lambda theta, a, h, alpha, k: gone(theta, a, h, alpha, k + 1),
            ),
        ),
    ),
    hints=(
        "One step takes theta to theta - alpha h (theta - a). By which factor has the distance to a shrunk?",
        "Each step multiplies phi - a by (1 - alpha h). After k steps, phi_k - a = (1 - alpha h)^k (theta - a).",
        "theta - phi_k = (theta - a) - (phi_k - a). Put the second hint in.",
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
    ]


def _weighted(weights: Callable[[Sequence[int]], Sequence[float]]) -> Callable[..., Params]:
    def wrong(clients: Sequence[Params], sizes: Sequence[int]) -> Params:
        shares = weights(sizes)
        return {
            name: torch.stack([w * phi[name] for phi, w in zip(clients, shares, strict=True)]).sum(0)
            for name in clients[0]
        }

    return wrong


FEDERATED = Exercise(
    id="07.3",
    title="the server's half of federated averaging",
    solution=federated,
    cases=_client_cases,
    mistakes=(
        Mistake(
            "Every client counts the same in your mean. That is batched Reptile; federated averaging weighs a client by "
            "its number of examples.",
            (_weighted(lambda sizes: [1 / len(sizes)] * len(sizes)),),
        ),
        Mistake(
            "The weights add up to the number of examples. Divide by their total, so that they add up to 1.",
            (_weighted(lambda sizes: list(sizes)),),
        ),
        Mistake(
            "You divide by the number of clients. Divide by the number of examples of all of them.",
            (_weighted(lambda sizes: [n / len(sizes) for n in sizes]),),
        ),
        Mistake(
            "You add the weights up. The server takes their mean.",
            (_weighted(lambda sizes: [1.0] * len(sizes)),),
        ),
        Mistake(
            "Small clients count more than large ones: the weights are upside down.",
            (_weighted(lambda sizes: [1 / n / sum(1 / m for m in sizes) for n in sizes]),),
        ),
        Mistake(
            "You take the weights of the largest client alone.",
            (lambda clients, sizes: clients[max(range(len(sizes)), key=lambda i: sizes[i])],),
        ),
    ),
    hints=(
        "A mean over all examples, where each example votes for the weights that its client has found.",
        "Client k has a share of sizes[k] / sum(sizes) in every number.",
        "`sum(n / total * phi[name] for phi, n in zip(clients, sizes))`, for every name.",
    ),
)

EXERCISES = (REPTILE_STEP, GONE, FEDERATED)
