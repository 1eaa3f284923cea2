"""The exercises of lesson 13: an inner loop for some of the layers, similarity of representations, and no inner loop at all."""

from collections.abc import Callable, Collection
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake
from mlteach.params import Params, gradient_of, leaves, to_vector

Loss = Callable[[Params], Tensor]

# 13.1 ---------------------------------------------------------------------------------------------------------------


def inner_loop(loss: Loss, theta: Params, alpha: float, steps: int, moves: Collection[str]) -> Params:
    """phi after some steps of gradient descent in which the parameters named in ``moves`` move, and no others."""
    phi = dict(theta)
    for _ in range(steps):
        gradient = torch.autograd.grad(loss(phi), [phi[name] for name in moves], create_graph=True)
        phi |= {name: phi[name] - alpha * g for name, g in zip(moves, gradient, strict=True)}
    return phi


def _net(params: Params, x: Tensor, y: Tensor) -> Tensor:
    """A small smooth network of three layers, so that second derivatives matter."""
    hidden = torch.tanh(torch.tanh(x @ params["first"]) @ params["second"])
    return (hidden @ params["head"] - y).square().mean()


def _observe_loop(
    answer: Callable[..., Params],
    theta: Params,
    data: tuple[Tensor, Tensor],
    alpha: float,
    steps: int,
    moves: list[str],
) -> Any:
    """phi, the gradient by theta of something computed from it, and theta afterwards."""
    start = leaves(theta)
    phi = answer(lambda params: _net(params, *data), start, alpha, steps, list(moves))
    if not isinstance(phi, dict) or not all(isinstance(value, Tensor) for value in phi.values()):
        return phi
    detached = {name: value.detach().clone() for name, value in phi.items()}
    if set(phi) != set(theta):
        return detached
    later = torch.stack([(phi[name].sin() * (1 + k)).sum() for k, name in enumerate(theta)]).sum()
    through = (
        gradient_of(later, start)
        if later.requires_grad
        else {n: torch.zeros_like(v) for n, v in theta.items()}
    )
    return detached, to_vector(through), {name: value.detach().clone() for name, value in start.items()}


def _loop_cases() -> list[Case]:
    cases = []
    for seed, steps, moves in ((1, 3, ["head"]), (2, 2, ["second", "head"]), (3, 2, ["first"])):
        draw = torch.Generator().manual_seed(seed)
        sizes = {"first": (2, 4), "second": (4, 3), "head": (3,)}
        theta = {n: torch.randn(size, generator=draw, dtype=torch.float64) for n, size in sizes.items()}
        x, y = (
            torch.randn(6, 2, generator=draw, dtype=torch.float64),
            torch.randn(6, generator=draw, dtype=torch.float64),
        )
        cases.append(Case(f"{steps} steps of {' and '.join(moves)}", (theta, (x, y), 0.3, steps, moves)))
    return cases


def _loop(
    change: Callable[[Tensor, Tensor, float], Tensor] = lambda v, g, a: v - a * g,
    *,
    who: Callable[[Params, Collection[str]], list[str]] = lambda theta, moves: list(moves),
    begin: Callable[[Params, Collection[str]], Params] = lambda theta, moves: dict(theta),
    at: Callable[[Params, Params], Params] = lambda theta, phi: phi,
    count: Callable[[int], int] = lambda steps: steps,
    end: Callable[[Params, Params, Collection[str]], Any] = lambda theta, phi, moves: phi,
    graph: bool = True,
) -> Callable[..., Any]:
    """The inner loop with one thing done otherwise."""

    def wrong(loss: Loss, theta: Params, alpha: float, steps: int, moves: Collection[str]) -> Any:
        phi, names = begin(theta, moves), who(theta, moves)
        for _ in range(count(steps)):
            point = at(theta, phi)
            gradient = torch.autograd.grad(
                loss(point),
                [point[name] for name in names],
                create_graph=graph,
                allow_unused=True,
                materialize_grads=True,
            )
            phi = phi | {name: change(phi[name], g, alpha) for name, g in zip(names, gradient, strict=True)}
        return end(theta, phi, moves)

    return wrong


def _cut(values: Params, names: Collection[str]) -> Params:
    return {name: value.detach() if name in names else value for name, value in values.items()}


def _others(theta: Params, moves: Collection[str]) -> list[str]:
    return [name for name in theta if name not in moves]


def _loop_in_place(loss: Loss, theta: Params, alpha: float, steps: int, moves: Collection[str]) -> Params:
    for _ in range(steps):
        gradient = torch.autograd.grad(loss(theta), [theta[name] for name in moves])
        with torch.no_grad():
            for name, g in zip(moves, gradient, strict=True):
                theta[name] -= alpha * g
    return theta


def _loop_path(loss: Loss, theta: Params, alpha: float, steps: int, moves: Collection[str]) -> list[Params]:
    return [inner_loop(loss, theta, alpha, k, moves) for k in range(steps + 1)]


INNER_LOOP = Exercise(
    id="13.1",
    title="an inner loop in which some layers are frozen",
    solution=inner_loop,
    cases=_loop_cases,
    observe=_observe_loop,
    outputs=("phi", "the gradient that reaches theta", "theta afterwards"),
    mistakes=(
        Mistake(
            "The inner gradients are constants to autograd, so this trains first-order ANIL. Keep the way back: create_graph=True.",
            (_loop(graph=False), _loop(lambda v, g, a: v - a * g.detach())),
        ),
        Mistake(
            "You cut the frozen layers off from theta. They are frozen in the inner loop alone: the outer loop learns them, so no "
            ".detach() and no torch.no_grad() for them.",
            (
                _loop(begin=lambda theta, moves: _cut(dict(theta), _others(theta, moves))),
                _loop(end=lambda theta, phi, moves: _cut(phi, _others(theta, moves))),
            ),
        ),
        Mistake(
            "phi is cut off from theta: no gradient reaches the start, and nothing would be learned.",
            (
                _loop(end=lambda theta, phi, moves: _cut(phi, phi)),
                _loop(begin=lambda theta, moves: {n: v.detach().requires_grad_() for n, v in theta.items()}),
                _loop(end=lambda theta, phi, moves: _cut(phi, phi), graph=False),
            ),
        ),
        Mistake(
            "What moves has lost its tie to theta: phi = theta - ... must hold theta itself, not a detached copy.",
            (
                _loop(
                    begin=lambda theta, moves: {
                        n: v.detach().requires_grad_() if n in moves else v for n, v in theta.items()
                    }
                ),
                _loop(lambda v, g, a: v.detach() - a * g),
                _loop(end=lambda theta, phi, moves: _cut(phi, moves)),
            ),
        ),
        Mistake(
            "All layers move. Only those named in moves do; the others come out as they went in.",
            (
                _loop(who=lambda theta, moves: list(theta)),
                _loop(who=lambda theta, moves: list(theta), graph=False),
            ),
        ),
        Mistake(
            "You freeze what should move, and move what should be frozen: moves names the layers that adapt.",
            (_loop(who=_others), _loop(who=_others, graph=False)),
        ),
        Mistake(
            "You move the head whatever moves says.",
            (_loop(who=lambda theta, moves: ["head"]),),
        ),
        Mistake(
            "You move the first of the names in moves alone.",
            (_loop(who=lambda theta, moves: list(moves)[:1]),),
        ),
        Mistake(
            "You return the layers that move without the frozen ones. phi is a whole network.",
            (_loop(end=lambda theta, phi, moves: {name: phi[name] for name in moves}),),
        ),
        Mistake(
            "Every step takes its gradient at theta. From the second step on it is taken where the last one led.",
            (_loop(at=lambda theta, phi: theta), _loop(at=lambda theta, phi: theta, graph=False)),
        ),
        Mistake(
            "The number of steps is not what was asked for.",
            (
                _loop(count=lambda steps: 1),
                _loop(count=lambda steps: steps - 1),
                _loop(count=lambda steps: steps + 1),
            ),
        ),
        Mistake("You return every step. The last phi alone is asked for.", (_loop_path,)),
        Mistake(
            "Your loop changes theta itself. The start must survive, for the next task: build a new dict.",
            (_loop_in_place,),
        ),
        Mistake(
            "Your steps go uphill: subtract alpha times the gradient.", (_loop(lambda v, g, a: v + a * g),)
        ),
        Mistake(
            "The rate is missing, or it is in there twice.",
            (_loop(lambda v, g, a: v - g), _loop(lambda v, g, a: v - a * a * g)),
        ),
        Mistake(
            "You return the change. phi is theta plus the change.",
            (
                _loop(end=lambda theta, phi, moves: {name: phi[name] - theta[name] for name in phi}),
                _loop(lambda v, g, a: -a * g),
            ),
        ),
    ),
    hints=(
        "It is lesson 09's inner step in a loop, with one change: the gradient is asked for the tensors in moves alone.",
        "Begin with phi = dict(theta). In each step take torch.autograd.grad(loss(phi), [phi[name] for name in moves], ...).",
        "Keep the way back (create_graph=True), and put the new tensors into phi by name: phi = phi | {name: phi[name] - alpha * g ...}.",
    ),
)

# 13.2 ---------------------------------------------------------------------------------------------------------------


def linear_cka(x: Tensor, y: Tensor) -> Tensor:
    """|Y'X|^2 / (|X'X| |Y'Y|) with centred columns, for x [n, d] and y [n, e]."""
    x, y = x - x.mean(0), y - y.mean(0)
    return (y.T @ x).square().sum() / ((x.T @ x).norm() * (y.T @ y).norm())


def _representations(seed: int, n: int, d: int, e: int) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    x = (
        torch.randn(n, d, generator=draw, dtype=torch.float64)
        * torch.linspace(0.5, 2, d, dtype=torch.float64)
        + 0.7
    )
    y = x @ torch.randn(d, e, generator=draw, dtype=torch.float64) + torch.randn(
        n, e, generator=draw, dtype=torch.float64
    )
    return x, y + 0.4


def _cka_cases() -> list[Case]:
    return [
        Case("6 pictures, 3 and 4 features", _representations(1, 6, 3, 4)),
        Case("9 pictures, 5 features each", _representations(2, 9, 5, 5)),
        Case("5 pictures, more features than pictures", _representations(3, 5, 8, 6)),
    ]


def _cka(
    centre: Callable[[Tensor], Tensor] = lambda x: x - x.mean(0),
    top: Callable[[Tensor, Tensor], Tensor] = lambda x, y: (y.T @ x).square().sum(),
    own: Callable[[Tensor], Tensor] = lambda x: (x.T @ x).norm(),
    end: Callable[[Tensor], Any] = lambda value: value,
    other: Callable[[Tensor], Tensor] | None = None,
) -> Callable[..., Any]:
    def wrong(x: Tensor, y: Tensor) -> Any:
        x, y = centre(x), (other or centre)(y)
        return end(top(x, y) / (own(x) * own(y)))

    return wrong


def _same_size(x: Tensor, y: Tensor) -> Tensor:
    """A product of corresponding features: where they differ in number, of as many as both have."""
    few = min(x.shape[1], y.shape[1])
    return (x[:, :few] * y[:, :few]).sum()


LINEAR_CKA = Exercise(
    id="13.2",
    title="linear CKA",
    solution=linear_cka,
    cases=_cka_cases,
    outputs=("the similarity",),
    mistakes=(
        Mistake(
            "Your columns are not centred: take from each feature its mean over the pictures, or what all pictures share counts "
            "as likeness.",
            (_cka(lambda x: x), _cka(lambda x: x, other=lambda y: y - y.mean(0)), _cka(other=lambda y: y)),
        ),
        Mistake(
            "You centre each picture over its features. Each feature is centred over the pictures: mean(0).",
            (_cka(lambda x: x - x.mean(1, keepdim=True)), _cka(lambda x: x - x.mean())),
        ),
        Mistake(
            "You standardise the features. CKA centres them and leaves their spread: a feature that varies more counts for more.",
            (
                _cka(lambda x: (x - x.mean(0)) / x.std(0)),
                _cka(lambda x: (x - x.mean(0)) / x.std(0, correction=0)),
                _cka(lambda x: F.normalize(x - x.mean(0), dim=1)),
            ),
        ),
        Mistake(
            "You normalise with |X|^2, the trace of X'X. The denominator has the length of the whole matrix X'X.",
            (
                _cka(own=lambda x: x.square().sum()),
                _cka(own=lambda x: x.norm()),
                _cka(own=lambda x: torch.trace(x.T @ x)),
            ),
        ),
        Mistake(
            "You do not normalise: a network twice as large would be another.",
            (_cka(own=lambda x: x.new_ones(())), _cka(own=lambda x: x.new_tensor(len(x)))),
        ),
        Mistake(
            "The denominator is squared: it has |X'X| once and |Y'Y| once.",
            (_cka(own=lambda x: (x.T @ x).square().sum()),),
        ),
        Mistake(
            "The length above is to be squared: the sum of the squares of Y'X.",
            (_cka(top=lambda x, y: (y.T @ x).norm()), _cka(end=lambda value: value.sqrt())),
        ),
        Mistake(
            "You sum the entries of Y'X before you square, or do not square them.",
            (
                _cka(top=lambda x, y: (y.T @ x).sum()),
                _cka(top=lambda x, y: (y.T @ x).sum().square()),
                _cka(top=lambda x, y: (y.T @ x).abs().sum()),
                _cka(top=lambda x, y: (y.T @ x).square().mean()),
            ),
        ),
        Mistake(
            "You compare each feature with the one of the same number. The features of two networks have no common order.",
            (
                _cka(top=_same_size, own=lambda x: x.norm()),
                _cka(top=_same_size),
                _cka(top=lambda x, y: torch.trace((y.T @ x)[: x.shape[1], : y.shape[1]])),
            ),
        ),
        Mistake(
            "The denominator mixes X and Y: each stands in a product with itself.",
            (
                lambda x, y: (
                    _cka(own=lambda each: each.new_ones(()))(x, y)
                    / ((y - y.mean(0)).T @ (x - x.mean(0))).norm() ** 2
                ),
                lambda x, y: (
                    _cka(own=lambda each: each.new_ones(()))(x, y)
                    / ((x - x.mean(0)).T @ (x - x.mean(0))).norm() ** 2
                ),
                lambda x, y: (
                    _cka(own=lambda each: each.new_ones(()))(x, y)
                    / ((y - y.mean(0)).T @ (y - y.mean(0))).norm() ** 2
                ),
            ),
        ),
        Mistake("You return how unlike they are. Alike is 1.", (_cka(end=lambda value: 1 - value),)),
        Mistake(
            "Two matrices of pairs are multiplied entry by entry, and their columns are centred first: X X' * Y Y', not X X' @ Y Y'.",
            (lambda x, y: ((x @ x.T) @ (y @ y.T)).sum() / ((x @ x.T).norm() * (y @ y.T).norm()),),
        ),
        Mistake(
            "A likeness is one number, a tensor without axes.",
            (_cka(end=lambda value: (value, value)),),
        ),
    ),
    hints=(
        "First take from every column of X and of Y its mean over the pictures.",
        "Above stands the sum of the squares of all entries of Y.T @ X. Below stand two lengths: (X.T @ X).norm() and the same of Y.",
        "x, y = x - x.mean(0), y - y.mean(0), then (y.T @ x).square().sum() / ((x.T @ x).norm() * (y.T @ y).norm()).",
    ),
)

# 13.3 ---------------------------------------------------------------------------------------------------------------


def nearest_mean(support: Tensor, labels: Tensor, query: Tensor, ways: int) -> Tensor:
    """Cosine of each query's features [Q, d] with the mean of each class of the support [S, d]: [Q, ways]."""
    means = torch.stack([support[labels == way].mean(0) for way in range(ways)])
    return F.normalize(query, dim=1) @ F.normalize(means, dim=1).T


def _few(seed: int, ways: int, shots: int, queries: int, size: int) -> tuple[Tensor, Tensor, Tensor, int]:
    draw = torch.Generator().manual_seed(seed)
    labels = torch.arange(ways).repeat(shots)[torch.randperm(ways * shots, generator=draw)]
    if torch.equal(labels[:ways], torch.arange(ways)):
        labels = labels.flip(0)
    centres = (
        torch.rand(ways, size, generator=draw, dtype=torch.float64)
        * torch.linspace(0.5, 3, ways, dtype=torch.float64)[:, None]
    )
    support = centres[labels] + torch.rand(len(labels), size, generator=draw, dtype=torch.float64)
    query = centres[torch.randint(ways, (queries,), generator=draw)] + torch.rand(
        queries, size, generator=draw, dtype=torch.float64
    )
    return support, labels, query, ways


def _mean_cases() -> list[Case]:
    return [
        Case("3 classes, one picture each", _few(1, 3, 1, 4, 5)),
        Case("4 classes, three pictures each", _few(2, 4, 3, 5, 6)),
        Case("2 classes, two pictures each", _few(3, 2, 2, 6, 3)),
    ]


def _means(support: Tensor, labels: Tensor, ways: int) -> Tensor:
    return torch.stack([support[labels == way].mean(0) for way in range(ways)])


def _one_hot(labels: Tensor, ways: int, like: Tensor) -> Tensor:
    return F.one_hot(labels, ways).to(like.dtype)


def _unit(x: Tensor, dim: int = 1) -> Tensor:
    return F.normalize(x, dim=dim)


def _scored(score: Callable[[Tensor, Tensor], Any]) -> Callable[..., Any]:
    """A score of the query and the class means."""
    return lambda support, labels, query, ways: score(query, _means(support, labels, ways))


NEAREST_MEAN = Exercise(
    id="13.3",
    title="NIL: no head and no inner loop",
    solution=nearest_mean,
    cases=_mean_cases,
    outputs=("the scores",),
    mistakes=(
        Mistake(
            "You return the class. The scores are asked for, one for each class; argmax comes later.",
            (
                _scored(lambda q, m: (_unit(q) @ _unit(m).T).argmax(1)),
                _scored(lambda q, m: (_unit(q) @ _unit(m).T).argmax(-1).double()),
            ),
        ),
        Mistake(
            "Those are inner products: a class with long features would win everywhere. Divide by both lengths.",
            (_scored(lambda q, m: q @ m.T), _scored(lambda q, m: q @ m.T / q.shape[1] ** 0.5)),
        ),
        Mistake(
            "One of the two has not the length 1: a cosine is divided by the length of the query and by that of the mean.",
            (_scored(lambda q, m: _unit(q) @ m.T), _scored(lambda q, m: q @ _unit(m).T)),
        ),
        Mistake(
            "You measure distances. NIL compares directions: the cosine of the angle between query and mean.",
            (
                _scored(lambda q, m: -torch.cdist(q, m)),
                _scored(lambda q, m: torch.cdist(q, m)),
                _scored(lambda q, m: -torch.cdist(q, m).square()),
                _scored(lambda q, m: torch.cdist(q, m).square()),
                _scored(lambda q, m: -torch.cdist(_unit(q), _unit(m))),
                _scored(lambda q, m: -torch.cdist(_unit(q), _unit(m)).square()),
            ),
        ),
        Mistake(
            "You return the angle's opposite sign or one minus the cosine. The largest score is the likeliest class.",
            (_scored(lambda q, m: 1 - _unit(q) @ _unit(m).T), _scored(lambda q, m: -_unit(q) @ _unit(m).T)),
        ),
        Mistake(
            "You turn the scores into probabilities. The cosines themselves are asked for.",
            (
                _scored(lambda q, m: (_unit(q) @ _unit(m).T).softmax(1)),
                _scored(lambda q, m: (_unit(q) @ _unit(m).T).log_softmax(1)),
                _scored(lambda q, m: (_unit(q) @ _unit(m).T).softmax(0)),
            ),
        ),
        Mistake(
            "Queries and classes have changed places: a row for each query, a column for each class.",
            (_scored(lambda q, m: _unit(m) @ _unit(q).T),),
        ),
        Mistake(
            "You divide by lengths taken over the pictures. Each picture's features have a length of their own: dim=1.",
            (
                _scored(lambda q, m: _unit(q, 0) @ _unit(m, 0).T),
                _scored(lambda q, m: _unit(q) @ _unit(m, 0).T),
                _scored(lambda q, m: _unit(q, 0) @ _unit(m).T),
                _scored(lambda q, m: (q / q.norm()) @ (m / m.norm()).T),
            ),
        ),
        Mistake(
            "You give every picture the length 1 before you take the mean. That is another mean: take it of the features as they are.",
            (
                lambda s, y, q, n: _unit(q) @ _unit(_means(_unit(s), y, n)).T,
                lambda s, y, q, n: _unit(q) @ _means(_unit(s), y, n).T,
                lambda s, y, q, n: _unit(q) @ _unit(s).T @ _one_hot(y, n, s),
                lambda s, y, q, n: (_unit(q) @ _unit(s).T).softmax(1) @ _one_hot(y, n, s),
            ),
        ),
        Mistake(
            "That compares with single pictures. A class is the mean of all of its support pictures.",
            (
                lambda s, y, q, n: _unit(q) @ _unit(s).T,
                lambda s, y, q, n: torch.stack(
                    [(_unit(q) @ _unit(s).T)[:, y == k].amax(1) for k in range(n)], 1
                ),
                lambda s, y, q, n: _unit(q) @ _unit(torch.stack([s[y == k][0] for k in range(n)])).T,
            ),
        ),
        Mistake(
            "The classes stand in the order in which they come in the support set. Column n belongs to the label n.",
            (
                lambda s, y, q, n: (
                    _unit(q) @ _unit(torch.stack([s[y == k].mean(0) for k in dict.fromkeys(y.tolist())])).T
                ),
                lambda s, y, q, n: _unit(q) @ _unit(s.reshape(n, -1, s.shape[1]).mean(1)).T,
                lambda s, y, q, n: _unit(q) @ _unit(s.reshape(-1, n, s.shape[1]).mean(0)).T,
            ),
        ),
        Mistake(
            "You centre the features first. NIL takes the cosine of the features as they are.",
            (
                lambda s, y, q, n: _unit(q - s.mean(0)) @ _unit(_means(s - s.mean(0), y, n)).T,
                _scored(
                    lambda q, m: _unit(q - q.mean(1, keepdim=True)) @ _unit(m - m.mean(1, keepdim=True)).T
                ),
            ),
        ),
        Mistake(
            "You return the class means. Each query is to be compared with them.",
            (_scored(lambda q, m: m), _scored(lambda q, m: _unit(m))),
        ),
    ),
    hints=(
        "Two steps: the mean of the support features of each label, then a cosine of each query with each mean.",
        "support[labels == n].mean(0) is the mean of class n; torch.stack puts the means of all labels on top of one another.",
        "F.normalize(..., dim=1) gives each row the length 1; then the cosines are one matrix product, queries @ means.T.",
    ),
)

EXERCISES = (INNER_LOOP, LINEAR_CKA, NEAREST_MEAN)
