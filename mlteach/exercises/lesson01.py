"""The exercises of lesson 01: a task is a data point."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake

Four = tuple[Tensor, Tensor, Tensor, Tensor]

# 01.1 ---------------------------------------------------------------------------------------------------------------


def deal(pictures: Tensor, order: Tensor, shots: int) -> Four:
    """Support pictures and labels, query pictures and labels, class after class."""
    ways = len(pictures)
    shuffled = torch.stack([pictures[way, order[way]] for way in range(ways)])
    support, query = shuffled[:, :shots], shuffled[:, shots:]
    labels = torch.arange(ways)
    return (
        support.flatten(0, 1),
        labels.repeat_interleave(support.shape[1]),
        query.flatten(0, 1),
        labels.repeat_interleave(query.shape[1]),
    )


def _deal_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(11)
    cases = []
    for ways, drawers, shots in ((3, 5, 1), (4, 6, 2)):
        pictures = torch.rand(ways, drawers, 2, 2, generator=draw, dtype=torch.float64)
        order = torch.rand(ways, drawers, generator=draw).argsort(1)
        cases.append(Case(f"{ways} classes, {drawers} drawers, {shots} shots", (pictures, order, shots)))
    return cases


def _dealt(
    shuffle: Callable[[Tensor, Tensor], Tensor],
    overlap: bool = False,
    tiled: bool = False,
    swapped: bool = False,
) -> Callable[..., Four]:
    """A wrong deal: other shuffling, support pictures left among the queries, labels in another order, sets swapped."""

    def wrong(pictures: Tensor, order: Tensor, shots: int) -> Four:
        ways, shuffled = len(pictures), shuffle(pictures, order)
        support, query = shuffled[:, :shots], shuffled if overlap else shuffled[:, shots:]
        labels = torch.arange(ways)
        y = [
            labels.repeat(part.shape[1]) if tiled else labels.repeat_interleave(part.shape[1])
            for part in (support, query)
        ]
        four = support.flatten(0, 1), y[0], query.flatten(0, 1), y[1]
        return (*four[2:], *four[:2]) if swapped else four

    return wrong


def _each(pictures: Tensor, order: Tensor) -> Tensor:
    return torch.stack([pictures[way, order[way]] for way in range(len(pictures))])


DEAL = Exercise(
    id="01.1",
    title="support and query from a row of drawers",
    solution=deal,
    cases=_deal_cases,
    mistakes=(
        Mistake(
            "The support pictures are also among the queries. Whoever has seen a picture need not recognise it: the "
            "queries begin after the first `shots`.",
            (_dealt(_each, overlap=True),),
        ),
        Mistake(
            "You did not shuffle: every task would learn from the same drawers. Put the pictures of a class in the order "
            "`order[way]` first.",
            (_dealt(lambda p, o: p), _dealt(lambda p, o: p, overlap=True)),
        ),
        Mistake(
            "All classes are shuffled in the order of class 0. Each class has an order of its own: `order[way]`.",
            (_dealt(lambda p, o: p[:, o[0]]),),
        ),
        Mistake(
            "That undoes the order instead of following it: picture `order[way][0]` comes first.",
            (_dealt(lambda p, o: _each(p, o.argsort(1))),),
        ),
        Mistake(
            "Pictures and labels do not go together: the pictures stand class after class, so the labels are 0, 0, ..., "
            "1, 1, ... (`repeat_interleave`), not 0, 1, 2, 0, 1, 2.",
            (_dealt(_each, tiled=True),),
        ),
        Mistake(
            "Support and query are swapped: the support set holds `shots` pictures of each class.",
            (_dealt(_each, swapped=True), lambda p, o, s: _dealt(_each)(p, o, p.shape[1] - s)),
        ),
    ),
    hints=(
        "Three steps: shuffle each class by its own order, cut after `shots`, write the labels beside them.",
        "pictures[way, order[way]] are the pictures of one class in their new order. torch.stack puts the classes together.",
        "flatten(0, 1) makes [ways, n, ...] into [ways * n, ...], class after class. Which repeat makes 0, 0, 1, 1?",
    ),
)

# 01.2 ---------------------------------------------------------------------------------------------------------------


def nearest_neighbour(support_x: Tensor, support_y: Tensor, query_x: Tensor) -> Tensor:
    """For each query the label of the support picture at the smallest squared distance."""
    distance = (query_x[:, None] - support_x[None]).square().flatten(2).sum(2)  # [queries, support]
    return support_y[distance.argmin(1)]


def _neighbour_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(12)
    cases = []
    for support, queries, ways in ((3, 6, 3), (8, 5, 4)):
        y = torch.arange(support).remainder(ways)[torch.randperm(support, generator=draw)]
        x = torch.rand(support + queries, 1, 4, 4, generator=draw, dtype=torch.float64)
        cases.append(Case(f"{support} support pictures, {queries} queries", (x[:support], y, x[support:])))
    return cases


def _distances(support_x: Tensor, query_x: Tensor) -> Tensor:
    return (query_x[:, None] - support_x[None]).square().flatten(2).sum(2)


NEAREST = Exercise(
    id="01.2",
    title="the nearest neighbour in pixels",
    solution=nearest_neighbour,
    cases=_neighbour_cases,
    mistakes=(
        Mistake(
            "You return which support picture is nearest. The answer is that picture's label: support_y[...].",
            (lambda s, y, q: _distances(s, q).argmin(1),),
        ),
        Mistake(
            "That is the support picture farthest away. The nearest has the smallest distance: argmin.",
            (
                lambda s, y, q: y[_distances(s, q).argmax(1)],
                lambda s, y, q: _distances(s, q).argmax(1),
            ),
        ),
        Mistake(
            "You look for the query nearest to each support picture. Turn it round: one answer for each query.",
            (
                lambda s, y, q: _distances(s, q).argmin(0),
                lambda s, y, q: y[_distances(s, q).argmin(0).remainder(len(y))],
            ),
        ),
        Mistake(
            "The difference is summed without squaring, so too much ink here cancels too little there.",
            (
                lambda s, y, q: y[(q[:, None] - s[None]).flatten(2).sum(2).argmin(1)],
                lambda s, y, q: y[(q[:, None] - s[None]).flatten(2).sum(2).abs().argmin(1)],
            ),
        ),
    ),
    hints=(
        "One distance for each pair of a query and a support picture: a table [queries, support].",
        "query_x[:, None] - support_x[None] holds all differences at once. Square them, and sum over the pixels.",
        "argmin along the support axis says which picture. The answer is not its number but its label.",
    ),
)

# 01.3 ---------------------------------------------------------------------------------------------------------------


def tasks_needed(rate: float, queries: int, half_width: float) -> int:
    """The smallest n with 1.96 sqrt(rate (1 - rate) / (queries n)) <= half_width."""
    return math.ceil(1.96**2 * rate * (1 - rate) / (queries * half_width**2))


def _needed_cases() -> list[Case]:
    return [
        Case(f"rate {rate}, {queries} queries a task, ± {half_width}", (rate, queries, half_width))
        for rate, queries, half_width in ((0.95, 75, 0.003), (0.5, 5, 0.01), (0.987, 5, 0.004))
    ]


def _needed(square: bool = True, per_query: bool = True, z: float = 1.96, up: bool = True) -> Any:
    def wrong(rate: float, queries: int, half_width: float) -> int:
        spread = rate * (1 - rate) if square else math.sqrt(rate * (1 - rate))
        n = (
            (z**2 if square else z)
            * spread
            / ((queries if per_query else 1) * half_width ** (2 if square else 1))
        )
        return math.ceil(n) if up else math.floor(n)

    return wrong


TASKS_NEEDED = Exercise(
    id="01.3",
    title="how many test tasks an interval needs",
    solution=tasks_needed,
    cases=_needed_cases,
    mistakes=(
        Mistake(
            "That is the number of queries. Each task brings `queries` of them: divide.",
            (_needed(per_query=False), _needed(per_query=False, up=False)),
        ),
        Mistake(
            "Half the width needs four times the tasks: the half width enters squared.",
            (_needed(square=False), _needed(square=False, per_query=False)),
        ),
        Mistake("That is for one standard error. A 95 % interval reaches 1.96 of them.", (_needed(z=1),)),
        Mistake("You round down, and the interval is a little too wide. Round up.", (_needed(up=False),)),
        Mistake(
            "You return a fraction of a task. Round up to the next whole number: math.ceil.",
            (lambda r, q, h: 1.96**2 * r * (1 - r) / (q * h**2),),
        ),
    ),
    hints=(
        "Begin with the half width that counting alone gives, and ask for which n it is small enough.",
        "half_width = 1.96 * sqrt(rate * (1 - rate) / (queries * n)). Solve for n: square both sides.",
        "n = 1.96**2 * rate * (1 - rate) / (queries * half_width**2), rounded up.",
    ),
)

EXERCISES = (DEAL, NEAREST, TASKS_NEEDED)
