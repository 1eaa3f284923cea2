"""The exercises of lesson 14: a vote over label orders, the shared vector's gradient, conjugate gradient."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake

# 14.1 ---------------------------------------------------------------------------------------------------------------


def vote(logits: Tensor, orders: Tensor) -> Tensor:
    """The mean probability of each of the task's own classes: undo each order, then average."""
    probabilities = logits.softmax(-1)
    return probabilities.gather(-1, orders[:, None].expand_as(probabilities)).mean(0)


def _undone(p: Tensor, orders: Tensor) -> Tensor:
    return p.gather(-1, orders[:, None].expand_as(p))


def _done_again(p: Tensor, orders: Tensor) -> Tensor:
    """The order applied once more: where the inverse was meant."""
    return torch.zeros_like(p).scatter(-1, orders[:, None].expand_as(p), p)


def _orders(seed: int, count: int, queries: int, ways: int) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(count, queries, ways, generator=draw, dtype=torch.float64)
    cycle = torch.arange(ways).roll(-1)  # not its own inverse from three classes on
    orders = torch.stack([torch.randperm(ways, generator=draw) for _ in range(count)])
    orders[0] = cycle
    return logits, orders


def _draw_orders(generator: torch.Generator) -> Case:
    count, queries = (int(n) for n in torch.randint(2, 5, (2,), generator=generator))
    ways = int(torch.randint(3, 6, (), generator=generator))
    seed = int(torch.randint(10_000, (), generator=generator))
    return Case(f"drawn, {count} orders, {ways} classes", _orders(seed, count, queries, ways))


VOTE = Exercise(
    id="14.1",
    title="a vote over label orders",
    solution=vote,
    cases=lambda: [
        Case("one order of three classes", _orders(1, 1, 4, 3)),
        Case("three orders of five classes", _orders(2, 3, 4, 5)),
        Case("as many orders as classes and queries", _orders(3, 4, 4, 4)),
    ],
    draw=_draw_orders,
    differentiable=(),
    mistakes=(
        Mistake(
            "The orders are not undone: in each of them column 0 is another character, so you average apples with pears.",
            (lambda z, o: z.softmax(-1).mean(0), lambda z, o: z.mean(0).softmax(-1), lambda z, o: z.mean(0)),
            1,
        ),
        Mistake(
            "You apply each order a second time instead of undoing it. Class c stands in column orders[i, c]: read there.",
            (lambda z, o: _done_again(z.softmax(-1), o).mean(0), lambda z, o: _undone(z.softmax(-1), o.argsort(-1)).mean(0),
             lambda z, o: _done_again(z, o).mean(0).softmax(-1)),
            2,
        ),
        Mistake(
            "You average the logits. An order that is sure of itself would shout down the others: average the probabilities.",
            (lambda z, o: _undone(z, o).mean(0).softmax(-1), lambda z, o: _undone(z, o).mean(0),
             lambda z, o: _undone(z, o).sum(0).softmax(-1), lambda z, o: _undone(z.log_softmax(-1), o).mean(0),
             lambda z, o: _undone(z.log_softmax(-1), o).mean(0).exp(), lambda z, o: _undone(z, o).sum(0)),
            3,
        ),
        Mistake(
            "You add the probabilities up. Their mean is a probability again.",
            (lambda z, o: _undone(z.softmax(-1), o).sum(0),),
        ),
        Mistake(
            "You count which class wins. The probabilities are averaged, the winner is sought later.",
            (lambda z, o: torch.nn.functional.one_hot(_undone(z, o).argmax(-1), z.shape[-1]).double().mean(0),
             lambda z, o: _undone(z, o).argmax(-1).mode(0).values, lambda z, o: vote(z, o).argmax(-1),
             lambda z, o: _undone(z, o).argmax(-1),
             lambda z, o: torch.nn.functional.one_hot(_undone(z, o).argmax(-1), z.shape[-1]).double().sum(0)),
        ),
        Mistake(
            "The orders are still there, one answer for each. Average over the first axis.",
            (lambda z, o: _undone(z.softmax(-1), o), lambda z, o: z.softmax(-1), lambda z, o: _undone(z, o)),
        ),
        Mistake(
            "You average over another axis. The orders are the first one, [orders, queries, classes].",
            (lambda z, o: _undone(z.softmax(-1), o).mean(1), lambda z, o: _undone(z.softmax(-1), o).mean(-1)),
        ),
        Mistake(
            "The softmax runs over another axis. A query's probabilities add up to one over the classes, the last axis.",
            (lambda z, o: _undone(z.softmax(0), o).mean(0), lambda z, o: _undone(z.softmax(1), o).mean(0)),
        ),
        Mistake(
            "There are logits in the mean, and a softmax on top of it, or two of them. One softmax, before the mean.",
            (lambda z, o: vote(z, o).softmax(-1), lambda z, o: vote(z, o).log(), lambda z, o: vote(z.softmax(-1), o),
             lambda z, o: vote(z, o).log_softmax(-1)),
        ),
        Mistake(
            "One order alone is in there, the same for all. Each has its own columns.",
            (lambda z, o: z.softmax(-1).mean(0)[:, o[0]], lambda z, o: _undone(z.softmax(-1), o)[0],
             lambda z, o: _undone(z.softmax(-1), o)[-1], lambda z, o: _undone(z.softmax(-1), o[:1].expand_as(o)).mean(0)),
        ),
        Mistake(
            "You take the largest, the smallest or the middle of the probabilities. Their mean is asked for.",
            (lambda z, o: _undone(z.softmax(-1), o).amax(0), lambda z, o: _undone(z.softmax(-1), o).median(0).values,
             lambda z, o: _undone(z.softmax(-1), o).amin(0), lambda z, o: _undone(z.softmax(-1), o).prod(0)),
        ),
        Mistake(
            "The queries are put in another order. Only the columns are: the last axis.",
            (lambda z, o: z.softmax(-1).mean(0).T, lambda z, o: vote(z, o).T),
        ),
        Mistake("That is one minus the probability.", (lambda z, o: 1 - vote(z, o),)),
    ),
    hints=(
        "After adapting under order i, column 0 is not class 0. In which column does class c stand?",
        "Class c of the task was given the label orders[i, c]. So its answer is in column orders[i, c]: torch.gather, or indexing with orders[i].",
        "Softmax first, then the columns, then the mean over the first axis.",
    ),
)  # fmt: skip

# 14.2 ---------------------------------------------------------------------------------------------------------------


def tied_gradient(error: Tensor, features: Tensor) -> Tensor:
    """The gradient for the one vector that all rows share: sum over pictures and classes of error times features."""
    return error.sum(1) @ features


def _errors(seed: int, pictures: int, ways: int, size: int) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    error = torch.randn(pictures, ways, generator=draw, dtype=torch.float64)
    return error, torch.randn(pictures, size, generator=draw, dtype=torch.float64)


def _draw_errors(generator: torch.Generator) -> Case:
    pictures, ways, size = (int(n) for n in torch.randint(2, 7, (3,), generator=generator))
    seed = int(torch.randint(10_000, (), generator=generator))
    return Case(f"drawn, {pictures} pictures, {ways} classes", _errors(seed, pictures, ways, size))


TIED = Exercise(
    id="14.2",
    title="the gradient that reaches a shared vector",
    solution=tied_gradient,
    cases=lambda: [
        Case("3 pictures, 5 classes, 4 features", _errors(1, 3, 5, 4)),
        Case("5 pictures, 5 classes, 5 features", _errors(2, 5, 5, 5)),
        Case("4 pictures, 2 classes, 1 feature", _errors(3, 4, 2, 1)),
    ],
    draw=_draw_errors,
    differentiable=(),
    mistakes=(
        Mistake(
            "That is the gradient of every row by itself. One vector stands in all rows, so it gets their sum.",
            (lambda e, f: e.T @ f, lambda e, f: f.T @ e),
            2,
        ),
        Mistake(
            "You take the mean over the classes. The vector is used once for each class, and the chain rule adds the uses up.",
            (lambda e, f: e.mean(1) @ f, lambda e, f: (e.T @ f).mean(0), lambda e, f: (f.T @ e).mean(1)),
            1,
        ),
        Mistake(
            "You take the mean over the pictures. That the loss is a mean is in the error already.",
            (lambda e, f: e.sum(1) @ f / len(f), lambda e, f: (e.sum(1, keepdim=True) * f).mean(0)),
        ),
        Mistake(
            "You add up the features by themselves, and the error by itself. Each picture's error goes with its own features.",
            (lambda e, f: e.sum() * f.sum(0), lambda e, f: e.sum() * f.mean(0), lambda e, f: e.mean() * f.sum(0)),
        ),
        Mistake(
            "That is one gradient for each picture. The vector is the same for all of them: add them up.",
            (lambda e, f: e.sum(1, keepdim=True) * f, lambda e, f: e.mean(1, keepdim=True) * f),
        ),
        Mistake(
            "You add the features up over the pictures or over themselves until one number is left. One number for each feature is asked for.",
            (lambda e, f: (e.sum(1) @ f).sum(), lambda e, f: e.sum(), lambda e, f: (e.sum(1) @ f).mean(),
             lambda e, f: (e.T @ f).sum(), lambda e, f: (e.sum(1) @ f).norm()),
        ),
        Mistake(
            "The features are missing: a logit changes with the vector as fast as the features are large.",
            (lambda e, f: e.sum(1), lambda e, f: e.sum(0)),
            1,
        ),
        Mistake(
            "You return zeros. That is what comes out for one loss, as you will see; here the error is any error.",
            (lambda e, f: torch.zeros_like(f[0]), lambda e, f: torch.zeros(f.shape[1], dtype=f.dtype)),
        ),
        Mistake(
            "The sign is turned round. The gradient is asked for, not the step against it.",
            (lambda e, f: -(e.sum(1) @ f),),
        ),
        Mistake(
            "You change the error before you use it. It is the derivative already: take it as it is.",
            (lambda e, f: e.abs().sum(1) @ f, lambda e, f: e.softmax(1).sum(1) @ f, lambda e, f: e.square().sum(1) @ f,
             lambda e, f: (e.softmax(1) - e).sum(1) @ f,),
        ),
        Mistake(
            "One class alone is in there. The vector stands in the row of every class.",
            (lambda e, f: e[:, 0] @ f, lambda e, f: e[:, -1] @ f, lambda e, f: e.amax(1) @ f, lambda e, f: (e.T @ f)[0]),
            2,
        ),
        Mistake("One picture alone is in there. Add up over all of them.", (lambda e, f: e[0].sum() * f[0],)),
        Mistake(
            "The error's root or square of its sum is in there. Add it up and multiply with the features, nothing else.",
            (lambda e, f: e.norm(dim=1) @ f, lambda e, f: e.sum(1).abs() @ f, lambda e, f: e.sum(1).square() @ f,
             lambda e, f: e.sum(1) @ f.square(), lambda e, f: e.prod(1) @ f),
        ),
        Mistake(
            "The shape has an axis too many: [features] is asked for.",
            (lambda e, f: (e.sum(1) @ f)[None], lambda e, f: (e.sum(1) @ f)[:, None],
             lambda e, f: (e.sum(1) @ f).expand(e.shape[1], -1)),
        ),
    ),
    hints=(
        "Write the logit of picture n for class c with the shared vector in it: w · f_n + ... How does it change with w?",
        "By the chain rule the gradient is the sum over n and c of error[n, c] times f_n: every row hands in its share.",
        "error.sum(1) is one number for each picture. What is left is a product with features.",
    ),
)  # fmt: skip

# 14.3 ---------------------------------------------------------------------------------------------------------------

Times = Callable[[Tensor], Tensor]


def conjugate_gradient(times: Times, b: Tensor, solves: int) -> Tensor:
    """x after ``solves`` iterations on A x = b, each task with its own step lengths."""
    return _solve(times, b, solves)


def _inner(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(-1, keepdim=True)


def _solve(
    times: Times, b: Tensor, solves: int, *, inner: Callable[[Tensor, Tensor], Tensor] = _inner,
    length: Callable[..., Any] = lambda rr, pAp: rr / pAp, beta: Callable[..., Any] = lambda new, rr: new / rr,
    sign: float = 1.0, grow: float = 1.0, from_old: bool = False, start: Callable[[Tensor], Tensor] = torch.zeros_like,
    mix: Callable[..., Tensor] = lambda r, beta, p, b: r + beta * p, end: Callable[..., Any] = lambda x, r, p: x,
    stale: bool = False, keep_r: bool = False,
) -> Any:  # fmt: skip
    """Conjugate gradient with one thing changed."""
    x, r = start(b), b
    p, rr = r, inner(r, r)
    for _ in range(solves):
        Ap = times(p)
        a = length(rr, inner(p, Ap))
        x = x + grow * a * p
        r_new = r if keep_r else r - sign * a * Ap
        new = inner(r_new, r_new)
        p = mix(r if from_old else r_new, beta(new, rr), p, b)
        r = r_new
        if not stale:
            rr = new
    return end(x, r, p)


def _observe_solve(answer: Callable[..., Any], A: Tensor, b: Tensor, solves: int) -> Any:
    given = b.clone()
    came = answer(lambda x: (A @ x.unsqueeze(-1)).squeeze(-1), given, solves)
    return came, given


def _systems(seed: int, tasks: int, n: int, solves: int) -> tuple[Tensor, Tensor, int]:
    draw = torch.Generator().manual_seed(seed)
    R = torch.randn(tasks, n, n, generator=draw, dtype=torch.float64)
    scales = torch.linspace(0.3, 2.0, tasks, dtype=torch.float64).view(-1, 1, 1)
    A = scales * (R @ R.mT / n) + torch.eye(n, dtype=torch.float64)
    return A, torch.randn(tasks, n, generator=draw, dtype=torch.float64) / scales.view(-1, 1), solves


def _draw_systems(generator: torch.Generator) -> Case:
    tasks, solves = (int(n) for n in torch.randint(2, 5, (2,), generator=generator))
    seed = int(torch.randint(10_000, (), generator=generator))
    return Case(f"drawn, {tasks} tasks, {solves} iterations", _systems(seed, tasks, 6, solves))


def _one_for_all(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum()


def _descent(rate: float | None) -> Callable[[Times, Tensor, int], Tensor]:
    """Gradient descent on the same system: by the best length for each step, or by a fixed rate."""

    def wrong(times: Times, b: Tensor, solves: int) -> Tensor:
        x = torch.zeros_like(b)
        for _ in range(solves):
            r = b - times(x)
            x = x + (_inner(r, r) / _inner(r, times(r)) if rate is None else rate) * r
        return x

    return wrong


def _with(**changed: Any) -> Callable[[Times, Tensor, int], Any]:
    return lambda times, b, solves: _solve(times, b, solves, **changed)


def _more(by: int) -> Callable[[Times, Tensor, int], Any]:
    return lambda times, b, solves: _solve(times, b, max(solves + by, 0))


SOLVE = Exercise(
    id="14.3",
    title="conjugate gradient for many tasks at once",
    solution=conjugate_gradient,
    cases=lambda: [
        Case("one task, one iteration", _systems(1, 1, 4, 1)),
        Case("three tasks, two iterations", _systems(2, 3, 6, 2)),
        Case("two tasks, four iterations", _systems(3, 2, 6, 4)),
        Case("no iteration", _systems(4, 2, 3, 0)),
    ],
    draw=_draw_systems,
    observe=_observe_solve,
    outputs=("x", "b afterwards"),
    tolerance=1e-7,
    mistakes=(
        Mistake(
            "The tasks share one step length. Each has its own system: sum over the last axis, and keep the task axis.",
            (_with(inner=_one_for_all),),
            2,
        ),
        Mistake(
            "That is steepest descent: the direction is the residual alone. Conjugate directions add the share beta of the one before.",
            (_descent(None), _with(beta=lambda new, rr: 0.0)),
            1,
        ),
        Mistake("That is gradient descent with a fixed rate, Richardson's way.", (_descent(1.0), _descent(0.1), _descent(0.5))),
        Mistake(
            "beta is upside down: the new residual's square over the old one's.",
            (_with(beta=lambda new, rr: rr / new),),
        ),
        Mistake(
            "beta compares lengths. It is the ratio of the squares.",
            (_with(beta=lambda new, rr: (new / rr).sqrt()), _with(beta=lambda new, rr: (new / rr) ** 2)),
        ),
        Mistake(
            "beta is taken from the same residual twice, so it is one. Keep the old square before you compute the new one.",
            (_with(beta=lambda new, rr: 1.0),),
        ),
        Mistake(
            "The old square is never replaced: rr must become the new one at the end of each iteration.",
            (_with(stale=True),),
        ),
        Mistake(
            "The new direction is made of the old residual. Update r first.",
            (_with(from_old=True),),
        ),
        Mistake(
            "The direction starts again from b. It is the residual of now, plus beta times the direction before.",
            (_with(mix=lambda r, beta, p, b: b + beta * p), _with(mix=lambda r, beta, p, b: r + beta * b)),
        ),
        Mistake(
            "beta stands at the wrong one, or has the wrong sign: p = r + beta * p.",
            (_with(mix=lambda r, beta, p, b: beta * r + p), _with(mix=lambda r, beta, p, b: r - beta * p),
             _with(mix=lambda r, beta, p, b: beta * (r + p))),
        ),
        Mistake(
            "The direction never changes: p = r + beta * p at the end of each iteration.",
            (_with(mix=lambda r, beta, p, b: p),),
        ),
        Mistake(
            "The residual is not updated, or with the wrong sign: it shrinks by a * A p.",
            (_with(sign=-1.0), _with(keep_r=True)),
        ),
        Mistake(
            "x moves the wrong way: it grows by a * p.",
            (_with(grow=-1.0), _with(end=lambda x, r, p: -x)),
        ),
        Mistake(
            "The step length is upside down: a = rr / (p · A p).",
            (_with(length=lambda rr, pAp: pAp / rr),),
        ),
        Mistake(
            "The step length is not (r · r) / (p · A p).",
            (_with(length=lambda rr, pAp: 1.0), _with(length=lambda rr, pAp: rr), _with(length=lambda rr, pAp: 1 / pAp),
             _with(length=lambda rr, pAp: (rr / pAp).sqrt()), _with(length=lambda rr, pAp: 0.5 * rr / pAp),
             _with(length=lambda rr, pAp: 0.1), _with(length=lambda rr, pAp: 0.01)),
        ),
        Mistake(
            "x starts at b, but r is then not b any more. Start x at zero.",
            (_with(start=lambda b: b), _with(start=torch.ones_like)),
        ),
        Mistake(
            "You return the residual or the direction. x is asked for.",
            (_with(end=lambda x, r, p: r), _with(end=lambda x, r, p: p), lambda times, b, solves: b, 
             _with(end=lambda x, r, p: torch.zeros_like(x))),
        ),
        Mistake(
            "You return x and something else beside it. x alone is asked for.",
            (_with(end=lambda x, r, p: (x, r)), _with(end=lambda x, r, p: [x, r])),
        ),
        Mistake(
            "You make one iteration too many or too few. One product with A each, so many as `solves` says.",
            (_more(1), _more(-1), lambda times, b, solves: _solve(times, b, 1), lambda times, b, solves: _solve(times, b, 10)),
        ),
        Mistake(
            "You multiply with A where it has to be solved for.",
            (lambda times, b, solves: times(b),),
        ),
    ),
    hints=(
        "Four things are carried along: x, the residual r, the direction p, and rr = r · r. All but x start from b.",
        "Every task has its own a and its own share: (p * Ap).sum(-1, keepdim=True) keeps the task axis, so that they multiply [tasks, n].",
        "In the loop: Ap; a = rr / (p · Ap); x + a p; r - a Ap; new = r · r; p = r + (new / rr) p; rr = new.",
    ),
)  # fmt: skip

EXERCISES = (VOTE, TIED, SOLVE)
