"""Unrolls of a rule with parameters by compiled programs.

One unroll is some thousand operations on tensors of a few hundred numbers, and asking for them takes most of the time. But they
are the same few, step for step. So one step and its way back are traced, as autograd walks them, and laid out as often as wanted
(`mlteach.outer.laid_out`). Tracing one step takes a second where all of them take many; compiling the whole takes a minute or
two, once: the program is kept for the next process (`mlteach.outer.ahead`).
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from mlteach.inner.adapt import steps_of
from mlteach.inner.carry import Memory, carried
from mlteach.inner.rule import Rule, State
from mlteach.outer.ahead import Program, program_of
from mlteach.outer.laid_out import Inputs, Results, cut, in_place, laid_out
from mlteach.params import Params, add, leaves, pull_back
from mlteach.tasks.problem import Problems

VERSION = "2"  # of how steps are traced and laid out; another one makes other programs


class Unroll(NamedTuple):
    """What an unroll gives: the gradient for omega, the objective's mean, and where theta and the state are then."""

    gradient: Params
    value: Tensor
    theta: Params
    state: State


class Unrolls:
    """A program for each length and each kind of problems; all of one rule under one objective.

    rule: makes the rule from omega. objective, first_order: as in `mlteach.outer.truncated.unrolled`.
    """

    def __init__(
        self,
        rule: Callable[[Params], Rule],
        objective: Callable[[Problems, Params, Any], Tensor],
        *,
        first_order: bool,
    ) -> None:
        self.rule, self.objective, self.first_order = rule, objective, first_order
        self._programs: dict[Any, Program] = {}

    def __call__(
        self, omega: Params, problems: Problems, theta: Params, state: State | None, times: range
    ) -> Unroll:
        """The unroll from ``theta`` and ``state`` (None for the rule's first one) through the steps ``times``.

        Raises RuntimeError or TypeError where no program can be made: for problems that `Problems.of` did not make, a state that
        holds something else than tensors, a step that looks at a number, an objective that looks at t, no C++ compiler.
        """
        if problems.functions is None:
            raise RuntimeError("the problems do not say which tensors they read; make them with Problems.of")
        point = leaves(omega)
        memories, form = tree_flatten(self.rule(point).init(theta) if state is None else state)
        if not all(isinstance(each, Tensor) for each in memories):
            raise RuntimeError("the rule's state holds something that is no tensor")
        batches = [each[times.start : times.stop + 1] for each in problems.batches.values()]
        if any(len(each) <= len(times) for each in batches):
            raise RuntimeError(f"the problems have no batch for step {times.stop}")
        parts = [omega.values(), theta.values(), memories, problems.data.values(), batches]
        given = [each.detach() for part in parts for each in part]

        told = (*problems.data, *problems.batches)
        key = (len(times), *omega, *theta, *told, str(form), *map(_kind, given), problems.functions)
        if key not in self._programs:
            names = [*omega], [*theta]
            self._programs[key] = self._made(problems, names, form, len(times), cut(given, parts))
        with torch.no_grad():
            found = self._programs[key](*given)
        floats = [each for each in memories if each.is_floating_point()]
        (value,), by_omega, ends, after, pulls = cut(found, ([0], omega, theta, memories, floats))
        gradient = _through_the_start(dict(zip(omega, by_omega, strict=True)), floats, pulls, point)
        return Unroll(gradient, value, dict(zip(theta, ends, strict=True)), tree_unflatten(after, form))

    def _made(
        self,
        problems: Problems,
        names: tuple[list[str], list[str]],
        form: TreeSpec,
        steps: int,
        parts: list[list[Tensor]],
    ) -> Program:
        """Trace a step at the numbers in ``parts`` (omega, theta, state, data, batches), and make the program of all steps."""
        omega, theta, state, data, batches = ([each.contiguous() for each in part] for part in parts)
        now, then = ([each[t] for each in batches] for t in (0, 1))
        held = [k for k, each in enumerate(state) if each.is_floating_point()]
        pulls = [[torch.zeros_like(each) for each in part] for part in (theta, [state[k] for k in held])]
        like = Inputs(omega, theta, state, data, now, then, *pulls)

        def step(*flat: Tensor) -> list[Tensor]:
            results = self._step(problems, names, form, steps, Inputs(*cut(flat, like)))
            return [each for part in results for each in part]

        arguments = [each for part in like for each in part]
        traced = make_fx(step)(*arguments)
        if any(map(in_place, traced.graph.nodes)):  # some derivatives do, and then one node has two values
            traced = make_fx(torch.func.functionalize(traced, remove="mutations"))(*arguments)
        with torch.no_grad():
            return program_of(
                traced,
                [*omega, *theta, *state, *data, *batches],
                made=lambda one: laid_out(one, like, held, steps),
                made_with=f"{steps} steps, {VERSION}",
            )

    def _step(
        self,
        problems: Problems,
        names: tuple[list[str], list[str]],
        form: TreeSpec,
        steps: int,
        given: Inputs,
    ) -> Results:
        """One step and its way back, as autograd walks it."""
        assert problems.functions is not None
        told = dict(zip(problems.data, given.data, strict=True))
        with torch.enable_grad():
            omega, theta = (
                dict(zip(of, map(_point, part), strict=True))
                for of, part in zip(names, given[:2], strict=True)
            )
            state = [*map(_point, given.state)]
            here, there = (
                Problems.of(
                    theta, *problems.functions, data=told | dict(zip(problems.batches, batch, strict=True))
                )
                for batch in (given.now, given.then)
            )
            memory: Memory = {"state": tree_unflatten(state, form)}
            rule = carried(self.rule(omega), memory)
            _, end = steps_of(here.seen(), theta, rule, 1, first_order=self.first_order)
            value = self.objective(there, end, AnyStep()).mean() / steps
            after, after_form = tree_flatten(memory["state"])
            if after_form != form or [*map(_kind, after)] != [*map(_kind, state)]:
                raise RuntimeError("the rule's state changes its form from step to step")
            ends = [value, *end.values(), *(each for each in after if each.is_floating_point())]
            pulls = [torch.ones_like(value), *given.d_theta, *given.d_state]
            moving = [(end, pull) for end, pull in zip(ends, pulls, strict=True) if end.requires_grad]
            parts = (omega.values(), theta.values(), [each for each in state if each.requires_grad])
            found = torch.autograd.grad(
                [end for end, _ in moving],
                [each for part in parts for each in part],
                [pull for _, pull in moving],
                allow_unused=True,
                materialize_grads=True,
            )
        return Results([value], [*end.values()], after, *cut(found, [[*part] for part in parts]))


class AnyStep:
    """The number of a step in a program that is the same for all steps: who looks at it ends the tracing."""

    def _refuse(self, *_: Any) -> Any:
        raise RuntimeError("the objective looks at the number of the step")

    __eq__ = __hash__ = __bool__ = __index__ = __int__ = __float__ = __str__ = __repr__ = _refuse


def _through_the_start(
    gradient: Params, states: Sequence[Tensor], pulls: Sequence[Tensor], omega: Params
) -> Params:
    """The gradient by omega, with what comes through the rule's first state where that is made from omega."""
    moving = [(state, pull) for state, pull in zip(states, pulls, strict=True) if state.requires_grad]
    if not moving:
        return gradient
    return add(
        gradient,
        pull_back([({str(k): pull}, {str(k): state}) for k, (state, pull) in enumerate(moving)], omega),
    )


def _point(value: Tensor) -> Tensor:
    """The same numbers, ready to be differentiated by where they can be."""
    return value.detach().requires_grad_(value.is_floating_point())


def _kind(value: Any) -> Any:
    """What a program is made for: another kind of tensor needs another."""
    return (value.shape, value.dtype) if isinstance(value, Tensor) else type(value)
