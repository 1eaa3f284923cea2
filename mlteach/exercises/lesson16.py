"""The exercises of lesson 16: fewer tasks, interpolation, and its rivals."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake

# 16.2 ---------------------------------------------------------------------------------------------------------------


def between(x_i: Tensor, y_i: Tensor, x_j: Tensor, y_j: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Class k of one task mixed with class k of the other, in the order of the labels."""
    i, j = y_i.argsort(stable=True), y_j.argsort(stable=True)
    return share * x_i[i] + (1 - share) * x_j[j], y_i[i]


def _dealt(generator: torch.Generator, ways: int, each: int, size: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """So many rows of each class, dealt in any order."""
    order = torch.randperm(ways * each, generator=generator)
    x = torch.rand(ways * each, *size, generator=generator, dtype=torch.float64)
    return x, torch.arange(ways).repeat_interleave(each)[order]


def _pair(seed: int, ways: int, each: int, size: tuple[int, ...], share: float) -> tuple[Any, ...]:
    generator = torch.Generator().manual_seed(seed)
    return (*_dealt(generator, ways, each, size), *_dealt(generator, ways, each, size), share)


def _between_cases() -> list[Case]:
    return [
        Case("five classes, one picture of each, a share of 0.3", _pair(1, 5, 1, (1, 3, 3), 0.3)),
        Case("three classes, two pictures of each, a share of 0.8", _pair(2, 3, 2, (1, 2, 2), 0.8)),
        Case("maps of a hidden layer, 4 x 2 x 2", _pair(3, 4, 1, (4, 2, 2), 0.6)),
    ]


def _draw_between(generator: torch.Generator) -> Case:
    ways, each = (int(torch.randint(low, high, (), generator=generator)) for low, high in ((2, 6), (1, 4)))
    share = float(torch.rand((), generator=generator, dtype=torch.float64))
    first, second = (_dealt(generator, ways, each, (1, 2, 2)) for _ in range(2))
    return Case(f"drawn, {ways} classes, a share of {share:.2f}", (*first, *second, share))


def _mixing(change: Callable[..., Any]) -> Callable[..., Any]:
    """A wrong answer out of both tasks in the order of their labels, the labels and the share."""

    def wrong(x_i: Tensor, y_i: Tensor, x_j: Tensor, y_j: Tensor, share: float) -> Any:
        i, j = y_i.argsort(stable=True), y_j.argsort(stable=True)
        return change(x_i[i], x_j[j], y_i[i], share)

    return wrong


def _as_they_come(*, labels: int) -> Callable[..., Any]:
    """No order at all: row n with row n."""

    def wrong(x_i: Tensor, y_i: Tensor, x_j: Tensor, y_j: Tensor, share: float) -> Any:
        mixed = share * x_i + (1 - share) * x_j
        return mixed, (y_i, y_j, y_i.sort().values, share * y_i + (1 - share) * y_j)[labels]

    return wrong


def _half_ordered(which: str) -> Callable[..., Any]:
    """One of the tasks put in order, the other not; or one of them in the order of the other."""

    def wrong(x_i: Tensor, y_i: Tensor, x_j: Tensor, y_j: Tensor, share: float) -> Any:
        i, j = y_i.argsort(stable=True), y_j.argsort(stable=True)
        if which == "first":
            return share * x_i[i] + (1 - share) * x_j, y_i[i]
        if which == "second":
            return share * x_i + (1 - share) * x_j[j], y_j[j]
        if which == "both by first":
            return share * x_i[i] + (1 - share) * x_j[i], y_i[i]
        if which == "both by second":
            return share * x_i[j] + (1 - share) * x_j[j], y_j[j]
        return share * x_i[i] + (1 - share) * x_j[j], y_i if which == "labels of i" else y_j

    return wrong


def _by_mask(x_i: Tensor, y_i: Tensor, x_j: Tensor, y_j: Tensor, share: float) -> Any:
    """The order of the first task kept, the second put beside it: right but for the order that is asked for."""
    rank = y_i.argsort(stable=True).argsort()
    other = x_j[y_j.argsort(stable=True)][rank]
    return share * x_i + (1 - share) * other, y_i


def _downwards(x_i: Tensor, y_i: Tensor, x_j: Tensor, y_j: Tensor, share: float) -> Any:
    x, y = between(x_i, y_i, x_j, y_j, share)
    return x.flip(0), y.flip(0)


def _own_place(x_i: Tensor, y_i: Tensor, x_j: Tensor, y_j: Tensor, share: float) -> Any:
    """The labels taken for places: x[y] in place of x[argsort(y)]."""
    return share * x_i[y_i] + (1 - share) * x_j[y_j], y_i.sort().values


BETWEEN = Exercise(
    id="16.2",
    title="a task between two tasks",
    solution=between,
    cases=_between_cases,
    draw=_draw_between,
    outputs=("the pictures", "the labels"),
    differentiable=("x_i", "x_j"),
    mistakes=(
        Mistake(
            "You mix row by row as the pictures were dealt: class 0 of one task with class 3 of the other, in every row anew. So a "
            "label says nothing of what is in its row. Put both tasks in the order of their labels first.",
            tuple(_as_they_come(labels=k) for k in range(4)),
            hint=2,
        ),
        Mistake(
            "Only one of the two tasks is in the order of its labels. Each needs an order of its own.",
            (_half_ordered("first"), _half_ordered("second")),
            hint=2,
        ),
        Mistake(
            "Both tasks are put in the order of one. Each was dealt for itself: take y_i.argsort() for one and y_j.argsort() for "
            "the other.",
            (_half_ordered("both by first"), _half_ordered("both by second")),
            hint=2,
        ),
        Mistake(
            "The pictures are in the order of the labels and the labels are not: y has to move with x.",
            (_half_ordered("labels of i"), _half_ordered("labels of j")),
        ),
        Mistake(
            "You pick rows by their labels, x[y]. A label is a class; where its rows stand is what y.argsort() says.",
            (_own_place,),
            hint=2,
        ),
        Mistake(
            "The mixture is right, and stands in the order the first task was dealt in. Return it in the order of the labels, 0 first: "
            "support and queries of other tasks must find their class in the same place.",
            (_by_mask,),
        ),
        Mistake("The labels run downwards. Class 0 comes first.", (_downwards,)),
        Mistake(
            "The shares are swapped: share belongs to task i, the rest to task j.",
            (
                _mixing(lambda a, b, y, s: ((1 - s) * a + s * b, y)),
                _mixing(lambda a, b, y, s: (b + s * (b - a), y)),
            ),
            hint=3,
        ),
        Mistake(
            "The two shares must sum to one: share of the first, 1 - share of the second.",
            (
                _mixing(lambda a, b, y, s: (s * a + b, y)),
                _mixing(lambda a, b, y, s: (a + s * b, y)),
                _mixing(lambda a, b, y, s: (a + (1 - s) * b, y)),
                _mixing(lambda a, b, y, s: (s * a + s * b, y)),
                _mixing(lambda a, b, y, s: ((1 - s) * (a + b), y)),
                _mixing(lambda a, b, y, s: (a + b, y)),
                _mixing(lambda a, b, y, s: (s * a - (1 - s) * b, y)),
                _mixing(lambda a, b, y, s: (s * (a - b), y)),
                _mixing(lambda a, b, y, s: (s * a + (s - 1) * b, y)),
            ),
            hint=3,
        ),
        Mistake(
            "You take half of each. The share is given.",
            (
                _mixing(lambda a, b, y, s: ((a + b) / 2, y)),
                _mixing(lambda a, b, y, s: (0.5 * a + 0.5 * b, y)),
            ),
        ),
        Mistake(
            "That is one of the two tasks, not what lies between them.",
            (
                _mixing(lambda a, b, y, s: (a, y)),
                _mixing(lambda a, b, y, s: (b, y)),
                _mixing(lambda a, b, y, s: (s * a, y)),
                _mixing(lambda a, b, y, s: ((1 - s) * b, y)),
                _mixing(lambda a, b, y, s: (a if s > 0.5 else b, y)),
            ),
        ),
        Mistake(
            "The mixture is squeezed afterwards. A picture between two pictures needs no more than the sum.",
            (
                _mixing(lambda a, b, y, s: ((s * a + (1 - s) * b) / 2, y)),
                _mixing(lambda a, b, y, s: ((s * a + (1 - s) * b).clamp(0, 1).round(), y)),
                _mixing(lambda a, b, y, s: ((s**0.5) * a + ((1 - s) ** 0.5) * b, y)),
            ),
        ),
        Mistake(
            "You keep the brighter of the two, or multiply them. Interpolation adds shares.",
            (
                _mixing(lambda a, b, y, s: (torch.maximum(s * a, (1 - s) * b), y)),
                _mixing(lambda a, b, y, s: (torch.maximum(a, b), y)),
                _mixing(lambda a, b, y, s: (a**s * b ** (1 - s), y)),
                _mixing(lambda a, b, y, s: (a * b, y)),
            ),
        ),
        Mistake(
            "A label is a name that chance has dealt, no number: half of class 0 and half of class 4 is not class 2. What is mixed of "
            "class k and class k is a new class, and is called k.",
            (
                _mixing(lambda a, b, y, s: (s * a + (1 - s) * b, s * y + (1 - s) * y.flip(0))),
                _mixing(lambda a, b, y, s: (s * a + (1 - s) * b, s * y)),
                _mixing(lambda a, b, y, s: (s * a + (1 - s) * b, y + int(y.max()) + 1)),
                _mixing(lambda a, b, y, s: (s * a + (1 - s) * b, torch.arange(len(y)))),
            ),
        ),
        Mistake(
            "Both tasks stand one after the other. Asked for is one task, of as many pictures as each has.",
            (
                _mixing(lambda a, b, y, s: (torch.cat([s * a, (1 - s) * b]), torch.cat([y, y]))),
                _mixing(lambda a, b, y, s: (torch.cat([a, b]), torch.cat([y, y]))),
            ),
        ),
        Mistake(
            "The pictures come alone, or after the labels. Return pictures and labels, in this order.",
            (
                lambda x_i, y_i, x_j, y_j, share: between(x_i, y_i, x_j, y_j, share)[0],
                lambda x_i, y_i, x_j, y_j, share: between(x_i, y_i, x_j, y_j, share)[::-1],
            ),
        ),
        Mistake(
            "The mixture is cut off from the pictures: mixed at a hidden layer, a gradient has to pass through it. Leave out "
            ".detach() and torch.no_grad().",
            (
                _mixing(lambda a, b, y, s: ((s * a + (1 - s) * b).detach(), y)),
                _mixing(lambda a, b, y, s: (s * a + (1 - s) * b.detach(), y)),
            ),
        ),
    ),
    hints=(
        "Two things: bring both tasks into one order, then add a share of one to the rest of the other.",
        "order = y_i.argsort(stable=True) says where the rows of class 0 stand, then those of class 1, and so on: x_i[order] is in the order of its labels. The other task has an order of its own.",
        "share * first + (1 - share) * second, and the labels of either, which are the same by now.",
    ),
)

# 16.1 ---------------------------------------------------------------------------------------------------------------


def prototype_logits(support: Tensor, y: Tensor, query: Tensor, ways: int) -> Tensor:
    """Minus the squared distance of each query to the mean of each class, [Q, ways]."""
    means = torch.stack([support[y == k].mean(0) for k in range(ways)])
    return -(query[:, None] - means).square().sum(-1)


def _points(generator: torch.Generator, ways: int, shots: int, queries: int, size: int) -> tuple[Any, ...]:
    x, y = _dealt(generator, ways, shots, (size,))
    return x, y, torch.rand(queries, size, generator=generator, dtype=torch.float64), ways


def _logit_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(162)
    return [
        Case("three classes, two shots of each", _points(draw, 3, 2, 4, 5)),
        Case("five classes, one shot of each", _points(draw, 5, 1, 3, 4)),
        Case("two classes, three shots, as many features as queries", _points(draw, 2, 3, 6, 6)),
    ]


def _draw_logits(generator: torch.Generator) -> Case:
    ways, shots, queries, size = (int(torch.randint(2, 6, (), generator=generator)) for _ in range(4))
    return Case(f"drawn, {ways} classes, {shots} shots", _points(generator, ways, shots, queries, size))


def _by_means(change: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """Something else of queries [Q, 1, d] and class means [ways, d]."""

    def wrong(support: Tensor, y: Tensor, query: Tensor, ways: int) -> Tensor:
        return change(query[:, None], torch.stack([support[y == k].mean(0) for k in range(ways)]))

    return wrong


def _by_class(change: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """Something else than the mean for a class."""

    def wrong(support: Tensor, y: Tensor, query: Tensor, ways: int) -> Tensor:
        means = torch.stack([change(support[y == k]) for k in range(ways)])
        return -(query[:, None] - means).square().sum(-1)

    return wrong


def _each_shot(join: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """The distance to each support picture, joined over the shots of a class."""

    def wrong(support: Tensor, y: Tensor, query: Tensor, ways: int) -> Tensor:
        far = (query[:, None] - support).square().sum(-1)
        return -torch.stack([join(far[:, y == k]) for k in range(ways)], 1)

    return wrong


def _in_rows(support: Tensor, y: Tensor, query: Tensor, ways: int) -> Tensor:
    """The support set taken for ordered by class."""
    means = support.unflatten(0, (ways, -1)).mean(1)
    return -(query[:, None] - means).square().sum(-1)


def _first_rows(support: Tensor, y: Tensor, query: Tensor, ways: int) -> Tensor:
    return -(query[:, None] - support[:ways]).square().sum(-1)


LOGITS = Exercise(
    id="16.1",
    title="logits of a prototypical network",
    solution=prototype_logits,
    cases=_logit_cases,
    draw=_draw_logits,
    outputs=("the logits",),
    mistakes=(
        Mistake(
            "The nearest class gets the smallest logit: softmax would choose the farthest. Put a minus before the distance.",
            (
                _by_means(lambda q, c: (q - c).square().sum(-1)),
                _by_means(lambda q, c: (q - c).norm(dim=-1)),
            ),
            hint=3,
        ),
        Mistake(
            "That is the distance, not its square. With squares the logits are linear in the features, which the lesson needs next.",
            (_by_means(lambda q, c: -(q - c).norm(dim=-1)), _by_means(lambda q, c: -(q - c).abs().sum(-1))),
            hint=3,
        ),
        Mistake(
            "Squares are summed over the features, not averaged: with a mean all logits are smaller by the number of features.",
            (
                _by_means(lambda q, c: -(q - c).square().mean(-1)),
                _by_means(lambda q, c: -(q - c).norm(dim=-1) / q.shape[-1] ** 0.5),
            ),
        ),
        Mistake(
            "The differences are summed before they are squared, so that one feature can make good for another.",
            (_by_means(lambda q, c: -(q - c).sum(-1).square()), _by_means(lambda q, c: -(q - c).sum(-1))),
        ),
        Mistake(
            "You compare by a product. Without -|c|^2 a class with long features wins everywhere: take the distance.",
            (
                _by_means(lambda q, c: (q * c).sum(-1)),
                _by_means(lambda q, c: 2 * (q * c).sum(-1)),
                _by_means(lambda q, c: torch.cosine_similarity(q, c, dim=-1)),
            ),
        ),
        Mistake(
            "|q|^2 is missing. Softmax does not notice, and it is another number: asked for is the whole distance.",
            (
                _by_means(lambda q, c: 2 * (q * c).sum(-1) - c.square().sum(-1)),
                _by_means(lambda q, c: (q * c).sum(-1) - c.square().sum(-1) / 2),
            ),
        ),
        Mistake(
            "These are probabilities, or their logarithms. The loss makes them itself: return the logits.",
            (
                _by_means(lambda q, c: (-(q - c).square().sum(-1)).softmax(-1)),
                _by_means(lambda q, c: (-(q - c).square().sum(-1)).log_softmax(-1)),
                _by_means(lambda q, c: (-(q - c).square().sum(-1)).exp()),
                _by_means(lambda q, c: 1 / (1e-8 + (q - c).square().sum(-1))),
            ),
        ),
        Mistake(
            "A class is the sum of its features here. It is their mean: else more shots push a class away.",
            (_by_class(lambda rows: rows.sum(0)),),
            hint=2,
        ),
        Mistake(
            "A class is the mean of its features, all shots alike. Yours is another centre.",
            (
                _by_class(lambda rows: rows.median(0).values),
                _by_class(lambda rows: rows[0]),
                _by_class(lambda rows: rows[-1]),
                _by_class(lambda rows: rows.amax(0)),
                _by_class(lambda rows: rows.mean(0) / rows.mean(0).norm()),
            ),
            hint=2,
        ),
        Mistake(
            "You measure to each support picture and join the distances. First the mean of the features, then one distance: with one "
            "shot both are the same, with more they are not.",
            (
                _each_shot(lambda d: d.mean(1)),
                _each_shot(lambda d: d.amin(1)),
                _each_shot(lambda d: d.sum(1)),
            ),
            hint=2,
        ),
        Mistake(
            "You take the support set to stand in the order of its classes. It was dealt: y says whose each row is.",
            (_in_rows, _first_rows),
            hint=2,
        ),
        Mistake(
            "Queries and classes are the wrong way round: one row for each query, [Q, ways].",
            (
                lambda support, y, query, ways: prototype_logits(support, y, query, ways).T,
                lambda support, y, query, ways: prototype_logits(support, y, query, ways).flatten(),
            ),
        ),
        Mistake(
            "You return the answer. Asked for are the logits it is read from.",
            (
                lambda support, y, query, ways: prototype_logits(support, y, query, ways).argmax(1),
                lambda support, y, query, ways: prototype_logits(support, y, query, ways).amax(1),
            ),
        ),
        Mistake(
            "A factor has come in. Asked for is minus the squared distance, as it is.",
            (
                lambda support, y, query, ways: prototype_logits(support, y, query, ways) / 2,
                lambda support, y, query, ways: prototype_logits(support, y, query, ways) * 2,
                lambda support, y, query, ways: (
                    prototype_logits(support, y, query, ways) / support.shape[1] ** 0.5
                ),
            ),
        ),
        Mistake(
            "No gradient reaches the features: nothing would be learned. Leave out .detach(), torch.no_grad() and numpy.",
            (
                lambda support, y, query, ways: prototype_logits(support.detach(), y, query, ways),
                lambda support, y, query, ways: prototype_logits(support, y, query, ways).detach(),
                lambda support, y, query, ways: prototype_logits(support, y, query.detach(), ways),
            ),
        ),
    ),
    hints=(
        "Two lines: the mean of each class, then the distance of each query to each mean.",
        "support[y == k].mean(0) is the prototype of class k; torch.stack puts all of them into [ways, d].",
        "query[:, None] - means has the shape [Q, ways, d]. Square it, sum over the last axis, and mind the sign.",
    ),
)

# 16.3 ---------------------------------------------------------------------------------------------------------------

Answer = Callable[[Tensor, Tensor, Tensor], Tensor]


def unmoved(answer: Answer, support_x: Tensor, support_y: Tensor, query_x: Tensor, ways: int) -> Tensor:
    """The share of queries whose answer stays when the support labels are moved on by one."""
    before = answer(support_x, support_y, query_x).argmax(-1)
    after = answer(support_x, (support_y + 1) % ways, query_x).argmax(-1)
    return (before == after).double().mean()


def _reads(ways: int) -> Answer:
    """A learner that reads the support set: its logits are minus the distance to the nearest picture of each class."""

    def answer(support_x: Tensor, support_y: Tensor, query_x: Tensor) -> Tensor:
        far = (query_x[:, None] - support_x).norm(dim=-1)  # torch.cdist waits for threads
        tie = -1e-9 * (torch.arange(ways) - 1).square()  # of classes that are equally near it says class 1
        return tie - torch.stack([far.masked_fill(support_y != k, 100.0).amin(1) for k in range(ways)], 1)

    return answer


def _by_heart(ways: int) -> Answer:
    """A learner that does not: it knows the class of each picture by heart, and the labels move its logits by a trifle."""

    def answer(support_x: Tensor, support_y: Tensor, query_x: Tensor) -> Tensor:
        known = query_x @ torch.arange(3.0 * ways, dtype=query_x.dtype).sin().view(-1, ways)
        return known + 1e-6 * _reads(ways)(support_x, support_y, query_x)

    return answer


def _partly(ways: int) -> Answer:
    """Reads the support set for a part of the queries, and knows the others by heart."""
    known = _by_heart(ways)

    def answer(support_x: Tensor, support_y: Tensor, query_x: Tensor) -> Tensor:
        knows = (query_x[:, :1] > 0.45).to(query_x.dtype)
        return knows * (known(support_x, support_y, query_x) - 1.5) + (1 - knows) * _reads(ways)(
            support_x, support_y, query_x
        )

    return answer


def _unmoved_inputs(answer: Answer, seed: int, ways: int, shots: int, queries: int) -> tuple[Any, ...]:
    generator = torch.Generator().manual_seed(seed)
    support_x, support_y = _dealt(generator, ways, shots, (3,))
    return (
        answer,
        support_x,
        support_y,
        torch.rand(queries, 3, generator=generator, dtype=torch.float64),
        ways,
    )


def _unmoved_cases() -> list[Case]:
    return [
        Case("nearest neighbour, which reads its support set", _unmoved_inputs(_reads(5), 4, 5, 1, 20)),
        Case("nearest neighbour, 3 ways, 3 shots", _unmoved_inputs(_reads(3), 8, 3, 3, 30)),
        Case("a network that knows all classes by heart", _unmoved_inputs(_by_heart(5), 5, 5, 1, 20)),
        Case("one that knows some by heart, 3 ways, 2 shots", _unmoved_inputs(_partly(3), 6, 3, 2, 30)),
        Case("the same with 4 ways", _unmoved_inputs(_partly(4), 7, 4, 1, 30)),
        Case("the same with 4 shots", _unmoved_inputs(_partly(4), 9, 4, 4, 40)),
        Case("nearest neighbour, 4 ways, 4 shots", _unmoved_inputs(_reads(4), 10, 4, 4, 40)),
    ]


def _asking(look: Callable[..., Any]) -> Callable[..., Any]:
    """Something else made of both answers."""

    def wrong(answer: Answer, support_x: Tensor, support_y: Tensor, query_x: Tensor, ways: int) -> Any:
        before = answer(support_x, support_y, query_x)
        return look(before, answer(support_x, (support_y + 1) % ways, query_x), ways)

    return wrong


def _changing(change: Callable[..., tuple[Tensor, Tensor, Tensor]]) -> Callable[..., Any]:
    """Something else than the labels is changed."""

    def wrong(answer: Answer, support_x: Tensor, support_y: Tensor, query_x: Tensor, ways: int) -> Any:
        before = answer(support_x, support_y, query_x).argmax(-1)
        after = answer(*change(support_x, support_y, query_x, ways)).argmax(-1)
        return (before == after).double().mean()

    return wrong


UNMOVED = Exercise(
    id="16.3",
    title="does it read its support set?",
    solution=unmoved,
    cases=_unmoved_cases,
    outputs=("the share",),
    differentiable=(),
    mistakes=(
        Mistake(
            "You count the answers that move, or that follow the labels. Asked for is the share that stays: what is known by heart.",
            (
                _asking(lambda a, b, w: (a.argmax(-1) != b.argmax(-1)).double().mean()),
                _asking(lambda a, b, w: ((a.argmax(-1) + 1) % w == b.argmax(-1)).double().mean()),
            ),
            hint=3,
        ),
        Mistake(
            "You count the queries. Asked for is their share, between 0 and 1.",
            (
                _asking(lambda a, b, w: (a.argmax(-1) == b.argmax(-1)).double().sum()),
                _asking(lambda a, b, w: 100 * (a.argmax(-1) == b.argmax(-1)).double().mean()),
            ),
        ),
        Mistake(
            "You compare the logits. They move a little where the answer stays: compare the classes, argmax(-1).",
            (
                _asking(lambda a, b, w: (a == b).double().mean()),
                _asking(lambda a, b, w: torch.isclose(a, b).double().mean()),
                _asking(lambda a, b, w: (a - b).abs().mean()),
                _asking(lambda a, b, w: (a - b).square().mean()),
                _asking(lambda a, b, w: (a.softmax(-1) * b.softmax(-1)).sum(-1).mean()),
                _asking(lambda a, b, w: torch.cosine_similarity(a, b, dim=-1).mean()),
            ),
            hint=3,
        ),
        Mistake(
            "That is yes or no for all queries at once. Some may be known by heart and others not: take the share.",
            (
                _asking(lambda a, b, w: float((a.argmax(-1) == b.argmax(-1)).all())),
                _asking(lambda a, b, w: float((a.argmax(-1) == b.argmax(-1)).any())),
                _asking(lambda a, b, w: bool((a.argmax(-1) == b.argmax(-1)).all())),
                _asking(lambda a, b, w: float((a.argmax(-1) == b.argmax(-1)).double().mean() > 0.5)),
            ),
        ),
        Mistake(
            "argmax goes over the queries here. The class is the largest in a row: argmax(-1).",
            (_asking(lambda a, b, w: (a.argmax(0) == b.argmax(0)).double().mean()),),
        ),
        Mistake(
            "One yes or no for each query. Asked for is one number: their mean.",
            (
                _asking(lambda a, b, w: a.argmax(-1) == b.argmax(-1)),
                _asking(lambda a, b, w: (a.argmax(-1) == b.argmax(-1)).double()),
            ),
        ),
        Mistake(
            "Nothing can move this way: you ask twice with the same labels, or move pictures and labels together, which is the same support "
            "set in another order. Leave the pictures where they are and change the labels.",
            (
                _changing(lambda x, y, q, w: (x, y, q)),
                _changing(lambda x, y, q, w: (x.roll(1, 0), y.roll(1, 0), q)),
                _changing(lambda x, y, q, w: (x.flip(0), y.flip(0), q)),
                _asking(lambda a, b, w: (a.argmax(-1) == a.argmax(-1)).double().mean()),
            ),
            hint=2,
        ),
        Mistake(
            "Not every class gets another label this way: one that keeps its own cannot tell. Move all of them on by one.",
            (
                _changing(lambda x, y, q, w: (x, w - 1 - y, q)),
                _changing(lambda x, y, q, w: (x, torch.where(y == 0, 1, torch.where(y == 1, 0, y)), q)),
            ),
            hint=2,
        ),
        Mistake(
            "The labels are rolled along the set: with two pictures of a class, some keep their label. Move the numbers on, not their places.",
            (
                _changing(lambda x, y, q, w: (x, y.roll(1), q)),
                _changing(lambda x, y, q, w: (x, y.roll(-1), q)),
                _changing(lambda x, y, q, w: (x, y.flip(0), q)),
            ),
            hint=2,
        ),
        Mistake(
            "The labels must stay labels, 0 to ways - 1: after the last comes 0, by % ways.",
            (
                _changing(lambda x, y, q, w: (x, (y + 1).clamp(max=w - 1), q)),
                _changing(lambda x, y, q, w: (x, y * 0, q)),
                _changing(lambda x, y, q, w: (x, y + 1, q)),
                _changing(lambda x, y, q, w: (x, (y + 1) % (w + 1), q)),
            ),
            hint=2,
        ),
        Mistake(
            "You change the pictures. That asks whether it looks at them; the labels tell whether it reads who is who.",
            (
                _changing(lambda x, y, q, w: (x * 0, y, q)),
                _changing(lambda x, y, q, w: (x, y, q * 0)),
                _changing(lambda x, y, q, w: (x, y, q.flip(0))),
                _changing(lambda x, y, q, w: (x + 1, y, q)),
            ),
            hint=2,
        ),
    ),
    hints=(
        "Ask twice, with the same pictures and with other support labels, and compare what it says.",
        "(support_y + 1) % ways gives every class the next one's label, and the last one label 0.",
        "answer(...) gives logits [Q, ways]: argmax(-1) is what it says. Where both are equal it did not move; take the mean of that.",
    ),
)

EXERCISES = (LOGITS, BETWEEN, UNMOVED)
