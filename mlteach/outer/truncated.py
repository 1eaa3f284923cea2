"""How a learned optimizer is trained: long runs, differentiated a piece at a time.

    omega <- omega - beta * gradient by omega of  sum over t of  w_t L(theta_t(omega))

A run of 100 steps is cut into unrolls of 20. Each gives one gradient for omega; then the weights and the memories go on
from where they are, without their history. So the longest way back is 20 steps, and omega moves five times in a run.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from mlteach.inner.adapt import steps_of
from mlteach.inner.carry import Memory, carried, forgotten
from mlteach.inner.rule import Rule, State
from mlteach.outer.ahead import without
from mlteach.outer.unrolls import Unroll, Unrolls
from mlteach.params import Params, clip, detach, gradient_of, leaves
from mlteach.tasks.problem import Problems

Objective = Callable[[Problems, Params, int], Tensor]  # (problems, theta_t, t) -> [n]


def seen_loss(problems: Problems, theta: Params, t: int) -> Tensor:
    """The paper's objective: the loss that the optimizer sees at step t, [n]."""
    return problems.loss(theta, t)


def log_score(problems: Problems, theta: Params, t: int) -> Tensor:
    """The logarithm of the score, [n]: then a step from 0.01 to 0.001 counts as much as one from 10 to 1."""
    return (problems.score(theta) + 1e-8).log()


def unrolled(
    rule: Rule,
    problems: Problems,
    theta: Params,
    steps: Iterable[int],
    *,
    objective: Objective = seen_loss,
    first_order: bool = True,
) -> tuple[Tensor, Params]:
    """The objective's mean over the problems and over theta_(t+1) for t in ``steps``, and the last theta.

    first_order: the gradients of the problems count as constants, as in the paper. False keeps their dependence on theta.

    Source: Andrychowicz et al. 2016, equation 3 with w_t = 1. Taught in: lesson 04.
    """
    times = list(steps)
    walk = steps_of(problems.seen(times[0]), theta, rule, len(times), first_order=first_order)
    next(walk)  # theta itself, which no omega can change
    total, end = torch.zeros(()), theta
    for t, end in zip(times, walk, strict=True):
        total = total + objective(problems, end, t + 1).mean() / len(times)
    return total, end


class Truncated:
    """Meta-training of a learned optimizer by truncated unrolls, in the two functions that `fit` wants.

        training = Truncated(lstm.rule, lambda g: Quadratics().sample(64, generator=g))
        run = fit(training.gradient, lstm.init(g), training.sample, steps=1000, generator=g, ...)

    rule: makes the rule from omega. draw: new problems from the generator, at the beginning of every run.
    steps, unroll: the length of a run and of its pieces; the last piece is shorter where they do not fit.
    objective: what is descended on. second_order: keep the dependence of the problems' gradients on theta.
    limit: the gradient for omega is shortened to this length, or not if None.
    compiled: on a CPU, make a program of the unroll. A minute or more before the first one, once: it is kept for the next process
        (`mlteach.outer.ahead`) and serves all problems of the same shapes that `Problems.of` makes. Then many times the speed for
        a few problems, less for many (``python -m benchmarks.learned_optimizer``). The same numbers to rounding. Needs a C++
        compiler; where no program can be made, a warning says so, and it goes on without.

    Between two calls it remembers where the run is. A `fit` that is resumed at a multiple of ``pieces`` steps goes on with
    the same numbers as if it had not stopped; elsewhere it begins with new problems.

    Source: Andrychowicz et al. 2016, sections 2 and 3. Taught in: lesson 04.
    """

    def __init__(
        self,
        rule: Callable[[Params], Rule],
        draw: Callable[[torch.Generator], Problems],
        *,
        steps: int = 100,
        unroll: int = 20,
        objective: Objective = seen_loss,
        second_order: bool = False,
        limit: float | None = None,
        compiled: bool = False,
    ) -> None:
        self.rule, self.draw, self.objective = rule, draw, objective
        self.steps, self.unroll, self.second_order, self.limit = steps, unroll, second_order, limit
        self.compiled = compiled
        self._programs = Unrolls(rule, objective, first_order=not second_order) if compiled else None
        self._at: tuple[Problems, Params, State, int] | None = None  # where the run is; None between two runs

    @property
    def pieces(self) -> int:
        """How many unrolls, and so outer steps, one run gives."""
        return -(-self.steps // self.unroll)

    def sample(self, generator: torch.Generator) -> Problems:
        """The problems of the run that is under way, or new ones."""
        return self._at[0] if self._at else self.draw(generator)

    def gradient(self, omega: Params, problems: Problems) -> tuple[Params, dict[str, Tensor]]:
        """The gradient of the next piece for omega; ``loss`` is the objective's mean over the piece."""
        if self._at and self._at[0] is problems:
            _, theta, state, t = self._at
        else:
            theta, state, t = problems.start, None, 0
        end = min(t + self.unroll, self.steps)
        gradient, value, theta, state = self._unroll(omega, problems, detach(theta), state, range(t, end))
        more = end < self.steps
        self._at = (problems, detach(theta), forgotten(state), end) if more else None
        return gradient if self.limit is None else clip(gradient, self.limit), {"loss": value.detach()}

    def _unroll(
        self, omega: Params, problems: Problems, theta: Params, state: State | None, times: range
    ) -> Unroll:
        """One piece, by a program where one is wanted and can be made."""
        if self._programs is not None and next(iter(omega.values())).device.type == "cpu":
            try:
                return self._programs(omega, problems, theta, state, times)
            except (RuntimeError, TypeError) as error:
                without(error, stacklevel=3)
                self._programs = None
        memory: Memory = {} if state is None else {"state": state}
        point = leaves(omega)
        value, theta = unrolled(
            carried(self.rule(point), memory),
            problems,
            theta,
            times,
            objective=self.objective,
            first_order=not self.second_order,
        )
        return Unroll(gradient_of(value, point), value, theta, memory["state"])
