"""The inner loop: a few steps of a rule on the support loss, with the whole path differentiable."""

import functools
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.inner.rule import Rule, checked_rule, checked_steps
from mlteach.nets.own import Passes
from mlteach.params import Params

Loss = Callable[[Params], Tensor]


@dataclass(frozen=True)
class OwnLoss:
    """A loss of the parameters whose gradient the network has written out by hand (`mlteach.nets.own`)."""

    loss: Loss
    passes: Passes

    def __call__(self, params: Params) -> Tensor:
        """As the loss itself."""
        return self.loss(params)


def steps_of(
    loss: Loss | Sequence[Loss],
    theta: Params,
    rule: Rule,
    steps: int,
    *,
    first_order: bool = False,
    only: Collection[str] | None = None,
) -> Iterator[Params]:
    """Yield theta_0 = theta, theta_1, ..., theta_steps. See `adapt`."""
    names = list(theta) if only is None else [name for name in theta if name in only]
    if only is not None and (unknown := set([only] if isinstance(only, str) else only) - theta.keys()):
        raise ValueError(f"No parameter is called {sorted(unknown)[0]!r}; there are {', '.join(theta)}.")
    rule, steps = checked_rule(rule), checked_steps(steps)
    losses: list[Loss] = [loss] * steps if callable(loss) else list(loss)
    if len(losses) != steps:
        raise EpisodeError(
            f"There are {len(losses)} losses for {steps} steps; give one for all, or one for each step."
        )
    state = rule.init({name: theta[name] for name in names})
    yield theta
    for each in losses:
        value, gradient = value_and_gradient(each, theta, names, first_order=first_order)
        moved, state = rule.step({name: theta[name] for name in names}, gradient, state, loss=value)
        theta = theta | moved
        yield theta


def value_and_gradient(
    loss: Loss, theta: Params, names: list[str], *, first_order: bool
) -> tuple[Tensor, Params]:
    """The losses [tasks] (or a scalar) at theta and their gradient for ``names``.

    Tasks are independent: the gradient of their sum holds each task's own gradient in its own slice.
    First order means that the gradient is a constant: what it was computed from is forgotten.
    """
    forget = first_order or not torch.is_grad_enabled()
    if isinstance(loss, OwnLoss) and names and loss.passes.fit(theta):
        if forget:
            losses, _, gradient = loss.passes.gradient(theta, names)
            return losses, gradient
        return loss.passes.gradient_with_history(theta, names)
    with torch.enable_grad():
        # Views, so that each is a variable of its own, also where a start has made the head from the body (ProtoMAML).
        point = {
            name: value.view_as(value)
            if value.requires_grad and not forget
            else value.detach().requires_grad_(name in names)
            for name, value in theta.items()
        }
        value = _checked(loss(point), point, names)
        gradients = torch.autograd.grad(
            value.sum(),
            [point[name] for name in names],
            create_graph=not forget,
            allow_unused=True,  # a parameter the loss does not use stays where it is
            materialize_grads=True,
        )
    return (value.detach() if forget else value), dict(zip(names, gradients, strict=True))


def _checked(value: Any, point: Params, names: list[str]) -> Tensor:
    """A loss, or EpisodeError: a scalar, or one number for each task, [tasks], that depends on the parameters."""
    if not isinstance(value, Tensor):
        raise EpisodeError(
            f"The loss gave a {type(value).__name__}; let it return a tensor, one number for each task."
        )
    if value.ndim > 1 or (value.ndim == 1 and all(point[name].shape[:1] != value.shape for name in names)):
        raise EpisodeError(
            f"The loss gave shape {tuple(value.shape)}, and no parameter begins with such an axis; give one loss for each "
            "task, [tasks], and one alone for parameters without a task axis, as mlteach.nets.cross_entropy and squared_error do."
        )
    if not value.requires_grad:
        raise EpisodeError(
            "The loss does not depend on the parameters that adapt: were they detached, or was it computed from others? Let it "
            "use the parameters it is given."
        )
    return value


@overload
def adapt(
    loss: Loss | Sequence[Loss],
    theta: Params,
    rule: Rule,
    steps: int,
    *,
    first_order: bool = ...,
    only: Collection[str] | None = ...,
    path: Literal[False] = ...,
) -> Params: ...


@overload
def adapt(
    loss: Loss | Sequence[Loss],
    theta: Params,
    rule: Rule,
    steps: int,
    *,
    first_order: bool = ...,
    only: Collection[str] | None = ...,
    path: Literal[True],
) -> list[Params]: ...


def adapt(
    loss: Loss | Sequence[Loss],
    theta: Params,
    rule: Rule,
    steps: int,
    *,
    first_order: bool = False,
    only: Collection[str] | None = None,
    path: bool = False,
) -> Params | list[Params]:
    """Make ``steps`` steps of ``rule`` from ``theta`` on ``loss``; return phi, or the path [theta_0, ..., phi].

    loss: maps parameters to the support losses, [tasks] when they carry a leading task axis, else a scalar. Or one such
        function for each step (`mlteach.inner.objective`).
    first_order: treat each gradient as a constant (FOMAML, Ravi and Larochelle). phi still depends on theta through
        the steps' sum, and on the rule's own meta-parameters.
    only: the names that adapt; the others stay (ANIL adapts the head alone). Raises ValueError for an unknown one,
        RuleError for what is no rule or no number of steps, EpisodeError for a loss of another kind.
    Under ``torch.no_grad()`` nothing is recorded: use that to evaluate.

    Source: Finn, Abbeel, Levine 2017, equation 1, repeated. Taught in: lessons 03, 09.
    """
    walk = steps_of(loss, theta, rule, steps, first_order=first_order, only=only)
    return list(walk) if path else functools.reduce(lambda before, after: after, walk)
