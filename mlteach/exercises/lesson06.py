"""The exercises of lesson 06: MAML on sinusoids."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake
from mlteach.params import Params, gradient_of, leaves, map_params

Loss = Callable[[Params], Tensor]

# 06.1 ---------------------------------------------------------------------------------------------------------------


def best_guess(x: Tensor) -> Tensor:
    """E[A] times the mean of sin(x - phase) over phases from 0 to pi, which is -(2 / pi) cos x."""
    return -(5.1 / math.pi) * torch.cos(x)


def _places() -> list[Case]:
    x = torch.linspace(-5, 5, 11, dtype=torch.float64)
    return [Case("x from -5 to 5", (x,)), Case("a column of x", (x[:4, None] + 0.3,))]


BEST_GUESS = Exercise(
    id="06.1",
    title="the best guess for a task nobody has seen",
    solution=best_guess,
    cases=_places,
    mistakes=(
        Mistake(
            "That is a sinusoid of the mean amplitude and the mean phase. The mean of sines is flatter than the sine of the "
            "mean: they cancel in part. Average sin(x - phase) over the phases.",
            (lambda x: 2.55 * torch.sin(x - math.pi / 2), lambda x: -2.55 * torch.cos(x)),
        ),
        Mistake(
            "Upside down: that is the mean of sin(x + phase). Here the phase is subtracted.",
            (lambda x: 5.1 / math.pi * torch.cos(x),),
        ),
        Mistake(
            "Zero is right where the phases go all the way round and cancel. Here they cover half a turn.",
            (torch.zeros_like,),
        ),
        Mistake(
            "That is the mean over the phases. The amplitudes have a mean too: multiply by it.",
            (lambda x: -(2 / math.pi) * torch.cos(x),),
        ),
        Mistake(
            "The mean of numbers between 0.1 and 5 is not 2.5.",
            (lambda x: -(5 / math.pi) * torch.cos(x),),
        ),
        Mistake(
            "You took the largest amplitude. A guess for all tasks takes the mean one.",
            (lambda x: -(10 / math.pi) * torch.cos(x),),
        ),
        Mistake(
            "The phases cover a range of length pi, so their mean is the integral divided by pi.",
            (lambda x: -(2.55 / math.pi) * torch.cos(x), lambda x: -5.1 * torch.cos(x)),
        ),
        Mistake(
            "The integral of sin(x - phase) over the phase is cos(x - phase), taken from 0 to pi. What is left is a cosine of x.",
            (
                lambda x: -(5.1 / math.pi) * torch.sin(x),
                lambda x: 5.1 / math.pi * torch.sin(x),
                lambda x: 2.55 * torch.sin(x),
            ),
        ),
    ),
    hints=(
        "A squared error is smallest at the mean. So average y = A sin(x - phase) over all tasks, at each x by itself.",
        "Amplitude and phase are drawn independently: the mean of the product is the product of the means. The mean of A is 2.55.",
        "The mean of sin(x - phase) over phases from 0 to pi is (cos(x - pi) - cos(x)) / pi, and cos(x - pi) is -cos(x).",
    ),
)

# 06.2 ---------------------------------------------------------------------------------------------------------------


def meta_gradient(theta: Tensor, alpha: float, A: Tensor, a: Tensor, B: Tensor, b: Tensor) -> Tensor:
    """(I - alpha A) B (phi - b), with phi = theta - alpha A (theta - a)."""
    phi = theta - alpha * A @ (theta - a)
    back = B @ (phi - b)
    return back - alpha * A @ back


def _bowls() -> list[Case]:
    cases = []
    for seed, size, alpha in ((1, 2, 0.1), (2, 3, 0.3)):
        draw = torch.Generator().manual_seed(seed)
        root = torch.randn(2, size, size, generator=draw, dtype=torch.float64)
        A, B = root @ root.transpose(1, 2) / size
        theta, a, b = torch.randn(3, size, generator=draw, dtype=torch.float64)
        cases.append(Case(f"{size} parameters, alpha = {alpha}", (theta, alpha, A, a, B, b)))
    return cases


Bowl = Callable[[Tensor, float, Tensor, Tensor, Tensor, Tensor], Tensor]


def _phi(theta: Tensor, alpha: float, A: Tensor, a: Tensor) -> Tensor:
    return theta - alpha * A @ (theta - a)


def _through(factor: Callable[[Tensor, float, Tensor, Tensor], Tensor]) -> Bowl:
    """The answer with another factor in front of B (phi - b), from (the identity, alpha, A, B)."""

    def wrong(theta: Tensor, alpha: float, A: Tensor, a: Tensor, B: Tensor, b: Tensor) -> Tensor:
        return factor(torch.eye(len(theta)).to(A), alpha, A, B) @ (B @ (_phi(theta, alpha, A, a) - b))

    return wrong


def _swapped(theta: Tensor, alpha: float, A: Tensor, a: Tensor, B: Tensor, b: Tensor) -> Tensor:
    away = _phi(theta, alpha, A, a) - b
    return B @ (away - alpha * A @ away)


def _judged_on_support(theta: Tensor, alpha: float, A: Tensor, a: Tensor, B: Tensor, b: Tensor) -> Tensor:
    return meta_gradient(theta, alpha, A, a, A, a)


def _at_theta(theta: Tensor, alpha: float, A: Tensor, a: Tensor, B: Tensor, b: Tensor) -> Tensor:
    back = B @ (theta - b)
    return back - alpha * A @ back


META_GRADIENT = Exercise(
    id="06.2",
    title="MAML's gradient by hand",
    solution=meta_gradient,
    cases=_bowls,
    mistakes=(
        Mistake(
            "That is FOMAML: the gradient at phi as it stands. But phi moves with theta, and by less than theta moves. The "
            "factor (I - alpha A) is missing in front.",
            (_through(lambda one, alpha, A, B: one),),
        ),
        Mistake(
            "That is joint training: the query gradient at theta, before any step. Judge phi.",
            (lambda theta, alpha, A, a, B, b: B @ (theta - b),),
        ),
        Mistake(
            "The query gradient is taken at theta. The chain rule takes it where the query loss is taken, at phi.",
            (_at_theta,),
        ),
        Mistake(
            "The order is wrong: matrices do not commute. The chain rule has the step's factor on the left, (I - alpha A) B "
            "(phi - b).",
            (_swapped,),
        ),
        Mistake(
            "The sign: phi = theta - alpha A (theta - a), so its derivative is I minus alpha A.",
            (_through(lambda one, alpha, A, B: one + alpha * A),),
        ),
        Mistake(
            "The factor holds the Hessian of the loss that the step goes down. That is the support loss, with A.",
            (_through(lambda one, alpha, A, B: one - alpha * B),),
        ),
        Mistake(
            "The rate alpha is missing in the factor.",
            (_through(lambda one, alpha, A, B: one - A), _through(lambda one, alpha, A, B: -A)),
        ),
        Mistake(
            "You judge phi on the support set it has just learned from. The outer loss has B and b.",
            (_judged_on_support,),
        ),
        Mistake(
            "That is the factor of two steps. Here there is one.",
            (_through(lambda one, alpha, A, B: (one - alpha * A) @ (one - alpha * A)),),
        ),
    ),
    hints=(
        "Two lines: where the step ends, and the chain rule through it.",
        "The gradient of the support loss is A (theta - a). So phi = theta - alpha * A @ (theta - a), and d phi / d theta = I - alpha A.",
        "`back = B @ (phi - b)` is the query gradient at phi. What does the factor (I - alpha A) make of it?",
    ),
)

# 06.3 ---------------------------------------------------------------------------------------------------------------


def meta_sgd_step(loss: Loss, theta: Params, rates: Params) -> Params:
    """theta - rates * gradient, each number with a rate of its own, with the way back to both."""
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    return {name: theta[name] - rates[name] * g for name, g in zip(theta, gradient, strict=True)}


def _setting(seed: int, size: int) -> tuple[Params, Params, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64)

    theta = {"w": normal(2, size), "v": normal(size)}
    rates = {name: 0.05 + 0.2 * torch.rand(v.shape, generator=draw).double() for name, v in theta.items()}
    return theta, rates, normal(6, 2), normal(6)


def _observe_meta_sgd(
    answer: Callable[..., Params], theta: Params, rates: Params, x: Tensor, y: Tensor
) -> Any:
    """What comes out, its way back to the start and to the rates, and whether the start was changed."""

    def loss(params: Params) -> Tensor:
        return (torch.tanh(x @ params["w"]) @ params["v"] - y).square().mean()

    start, rates = leaves(theta), leaves(rates)
    phi = answer(loss, start, rates)
    kept = map_params(lambda value: value.detach().clone(), start)
    if not isinstance(phi, dict) or set(phi) != set(theta):
        return phi
    if not all(isinstance(value, Tensor) for value in phi.values()):
        return phi
    later = torch.stack([(v * torch.arange(1, v.numel() + 1).view_as(v)).sum() for v in phi.values()]).sum()
    both = start | {f"rate of {name}": value for name, value in rates.items()}
    back = gradient_of(later, both) if later.requires_grad else map_params(torch.zeros_like, both)
    return map_params(lambda value: value.detach().clone(), phi), back, kept


def _meta_sgd(
    part: Callable[[Tensor], Tensor] = lambda rate: rate, sign: float = -1, *, create_graph: bool = True
) -> Callable[..., Params]:
    def wrong(loss: Loss, theta: Params, rates: Params) -> Params:
        gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=create_graph)
        return {n: theta[n] + sign * part(rates[n]) * g for n, g in zip(theta, gradient, strict=True)}

    return wrong


def _detached(loss: Loss, theta: Params, rates: Params) -> Params:
    return map_params(torch.Tensor.detach, meta_sgd_step(loss, theta, rates))


def _in_place(loss: Loss, theta: Params, rates: Params) -> Params:
    gradient = torch.autograd.grad(loss(theta), list(theta.values()))
    with torch.no_grad():
        for name, g in zip(theta, gradient, strict=True):
            theta[name] -= rates[name] * g
    return theta


META_SGD_STEP = Exercise(
    id="06.3",
    title="a step whose rates are learned",
    solution=meta_sgd_step,
    cases=lambda: [
        Case(f"a network of {size} units", _setting(seed, size)) for seed, size in ((1, 3), (2, 4))
    ],
    observe=_observe_meta_sgd,
    mistakes=(
        Mistake(
            "The step is right, but its gradient is a constant to autograd: the rates would be learned, the start only to "
            "first order. Ask for the way back with create_graph=True.",
            (_meta_sgd(create_graph=False),),
        ),
        Mistake(
            "The rates are cut off from the result, so they can never be learned. Use the tensors themselves, without "
            ".detach() or .item().",
            (_meta_sgd(torch.Tensor.detach),),
        ),
        Mistake(
            "phi is cut off from the start and from the rates: nothing can be learned. Leave out .detach() and torch.no_grad().",
            (_detached, lambda loss, theta, rates: _detached(loss, leaves(theta), rates)),
        ),
        Mistake(
            "You made one rate out of many. Each number of theta has a rate of its own, in the same place.",
            (_meta_sgd(torch.Tensor.mean), _meta_sgd(torch.Tensor.sum)),
        ),
        Mistake(
            "Your step goes uphill: subtract the rate times the gradient.",
            (_meta_sgd(sign=1), _meta_sgd(sign=1, create_graph=False)),
        ),
        Mistake("The rates are missing.", (_meta_sgd(torch.ones_like),)),
        Mistake(
            "You step by the exponential of the rates. Learning their logarithm is a good idea, but here they are the rates.",
            (_meta_sgd(torch.exp),),
        ),
        Mistake(
            "Your step changes theta itself. The start must survive, for the next task: build new tensors.",
            (_in_place,),
        ),
    ),
    hints=(
        "It is MAML's inner step, with a tensor where the number alpha stood.",
        "The gradient as before: torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True).",
        "`return {name: theta[name] - rates[name] * ... for name, g in zip(theta, gradient)}`",
    ),
)

EXERCISES = (BEST_GUESS, META_GRADIENT, META_SGD_STEP)
