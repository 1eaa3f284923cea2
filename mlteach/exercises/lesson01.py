"""The exercises of lesson 01: a task is a data point."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake

# 01.1 ---------------------------------------------------------------------------------------------------------------

Four = tuple[Tensor, Tensor, Tensor, Tensor]


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
    return [_deal_case(draw, *sizes) for sizes in ((3, 4, 1), (4, 5, 2), (2, 18, 2), (3, 3, 1))]


def _deal_case(draw: torch.Generator, ways: int, drawers: int, shots: int) -> Case:
    pictures = torch.rand(ways, drawers, 28, 28, generator=draw)
    order = torch.rand(ways, drawers, generator=draw).argsort(1)
    return Case(f"{ways} classes, {drawers} drawers, shots = {shots}", (pictures, order, shots))


def _draw_deal(draw: torch.Generator) -> Case:
    ways, drawers = int(torch.randint(2, 4, (), generator=draw)), int(torch.randint(4, 7, (), generator=draw))
    return _deal_case(draw, ways, drawers, int(torch.randint(1, drawers - 1, (), generator=draw)))


def _each(pictures: Tensor, order: Tensor) -> Tensor:
    return torch.stack([pictures[way, order[way]] for way in range(len(pictures))])


def _cut(shuffled: Tensor, shots: int) -> tuple[Tensor, Tensor]:
    return shuffled[:, :shots], shuffled[:, shots:]


def _class_after_class(part: Tensor) -> Tensor:
    return part.flatten(0, 1)


def _labels(ways: int, each: int) -> Tensor:
    return torch.arange(ways).repeat_interleave(each)


def _dealt(
    shuffle: Callable[[Tensor, Tensor], Tensor] = _each,
    cut: Callable[[Tensor, int], tuple[Tensor, Tensor]] = _cut,
    lay: Callable[[Tensor], Tensor] = _class_after_class,
    support_labels: Callable[[int, int], Tensor] = _labels,
    query_labels: Callable[[int, int], Tensor] = _labels,
    give: Callable[..., Any] = lambda *four: four,
) -> Callable[..., Any]:
    """A deal with something changed: the shuffling, the cut, how pictures lie, the labels, what is returned."""

    def wrong(pictures: Tensor, order: Tensor, shots: int) -> Any:
        support, query = cut(shuffle(pictures, order), shots)
        y = support_labels(len(pictures), support.shape[1]), query_labels(len(pictures), query.shape[1])
        return give(lay(support), y[0], lay(query), y[1])

    return wrong


def _labelled(labels: Callable[[int, int], Tensor]) -> tuple[Callable[..., Any], ...]:
    """Both sets, the support alone, the queries alone with other labels."""
    return (
        _dealt(support_labels=labels, query_labels=labels),
        _dealt(support_labels=labels),
        _dealt(query_labels=labels),
    )


def _cut_as(*cuts: Callable[[Tensor, int], tuple[Tensor, Tensor]]) -> tuple[Callable[..., Any], ...]:
    """Other cuts: with the right shuffling, with none, and with labels that are wrong besides."""
    return tuple(
        made
        for cut in cuts
        for made in (
            _dealt(cut=cut),
            _dealt(cut=cut, shuffle=_as_they_lie),
            _dealt(cut=cut, support_labels=_tiled, query_labels=_tiled),
            _dealt(cut=cut, support_labels=_from_one, query_labels=_from_one),
        )
    )


def _as_they_lie(pictures: Tensor, order: Tensor) -> Tensor:
    return pictures


def _tiled(ways: int, each: int) -> Tensor:
    return torch.arange(ways).repeat(each)


def _from_one(ways: int, each: int) -> Tensor:
    return _labels(ways, each) + 1


def _drawer_after_drawer(part: Tensor) -> Tensor:
    return part.transpose(0, 1).flatten(0, 1)


def _by_number(pictures: Tensor, order: Tensor, shots: int) -> Four:
    """The drawers with a number below shots, in the row that order gives."""
    ways = len(pictures)
    support = torch.stack([pictures[way, order[way][order[way] < shots]] for way in range(ways)])
    query = torch.stack([pictures[way, order[way][order[way] >= shots]] for way in range(ways)])
    return (
        support.flatten(0, 1),
        _labels(ways, support.shape[1]),
        query.flatten(0, 1),
        _labels(ways, query.shape[1]),
    )


DEAL = Exercise(
    id="01.1",
    title="support and query from a row of drawers",
    solution=deal,
    cases=_deal_cases,
    draw=_draw_deal,
    outputs=("support_x", "support_y", "query_x", "query_y"),
    differentiable=(),
    mistakes=(
        Mistake(
            "The support pictures are also among the queries. Whoever has seen a picture need not recognise it: the "
            "queries begin after the first `shots`.",
            _cut_as(
                lambda x, shots: (x[:, :shots], x),
                lambda x, shots: (x[:, :shots], x[:, :shots]),
                lambda x, shots: (x[:, :shots], x[:, :-shots]),
                lambda x, shots: (x[:, : x.shape[1] - shots], x[:, shots:]),
                lambda x, shots: (x[:, :shots], torch.cat([x[:, shots:], x[:, :shots]], 1)),
            ),
            hint=1,
        ),
        Mistake(
            "One picture of each class is in both sets: the queries begin one drawer too early.",
            _cut_as(
                lambda x, shots: (x[:, :shots], x[:, shots - 1 :]),
                lambda x, shots: (x[:, : shots + 1], x[:, shots:]),
            ),
            hint=1,
        ),
        Mistake(
            "One picture of each class is in neither set: the queries begin right where the support set ends.",
            _cut_as(
                lambda x, shots: (x[:, :shots], x[:, shots + 1 :]),
                lambda x, shots: (x[:, : shots - 1], x[:, shots:]),
                lambda x, shots: (x[:, :shots], x[:, shots:-1]),
                lambda x, shots: (x[:, 1 : shots + 1], x[:, shots + 1 :]),
            ),
            hint=1,
        ),
        Mistake(
            "Your cut is one off: the support set holds `shots` pictures of each class, and `[:shots]` is already that many.",
            _cut_as(
                lambda x, shots: (x[:, : shots + 1], x[:, shots + 1 :]),
                lambda x, shots: (x[:, : shots - 1], x[:, shots - 1 :]),
                lambda x, shots: (x[:, 1 : shots + 1], x[:, shots:]),
            ),
            hint=1,
        ),
        Mistake(
            "You keep as many queries as there are shots. All the other drawers are asked: `shots` is the size of the support set alone.",
            _cut_as(
                lambda x, shots: (x[:, :shots], x[:, shots : 2 * shots]),
                lambda x, shots: (x[:, :shots], x[:, -shots:]),
            ),
            hint=1,
        ),
        Mistake(
            "You keep a fixed number of queries. All drawers after the first `shots` are asked, however many there are.",
            _cut_as(
                lambda x, shots: (x[:, :shots], x[:, shots : shots + 15]),
                lambda x, shots: (x[:, :shots], x[:, shots:15]),
            ),
            hint=1,
        ),
        Mistake(
            "You keep one picture of each class, however many are asked for: in a task with more shots the support set holds `shots` of each.",
            _cut_as(
                lambda x, shots: (x[:, :1], x[:, 1:]),
                lambda x, shots: (x[:, :1], x[:, shots:]),
                lambda x, shots: (x[:, :shots], x[:, shots : shots + 1]),
                lambda x, shots: (x[:, :shots], x[:, -1:]),
            ),
            hint=1,
        ),
        Mistake(
            "You did not shuffle: every task would learn from the same drawers. Put the pictures of a class in the order "
            "`order[way]` first.",
            (_dealt(_as_they_lie), *_cut_as(lambda x, shots: (x[:, shots:], x[:, :shots]))[1:]),
            hint=2,
        ),
        Mistake(
            "All classes are shuffled in the order of one class. Each class has an order of its own: `order[way]`.",
            (
                _dealt(lambda p, o: p[:, o[0]]),
                _dealt(lambda p, o: p[:, o[-1]]),
                _dealt(lambda p, o: p[:, o[1]]),
            ),
            hint=2,
        ),
        Mistake(
            "That undoes the order instead of following it: picture `order[way][0]` comes first.",
            (
                _dealt(lambda p, o: _each(p, o.argsort(1))),
                _dealt(lambda p, o: torch.zeros_like(p).scatter(1, o[:, :, None, None].expand_as(p), p)),
            ),
            hint=2,
        ),
        Mistake(
            "You went through `order` from behind. The first `shots` drawers of `order[way]` are the support set.",
            (
                _dealt(lambda p, o: _each(p, o.flip(1))),
                *_cut_as(
                    lambda x, shots: (x[:, -shots:], x[:, :-shots]),
                    lambda x, shots: (x[:, -shots:].flip(1), x[:, :-shots].flip(1)),
                ),
            ),
            hint=2,
        ),
        Mistake(
            "Only one of the two sets follows `order`, so a picture may be in both. Shuffle first, then cut.",
            (
                lambda p, o, s: (*_dealt()(p, o, s)[:2], *_dealt(_as_they_lie)(p, o, s)[2:]),
                lambda p, o, s: (*_dealt(_as_they_lie)(p, o, s)[:2], *_dealt()(p, o, s)[2:]),
            ),
            hint=2,
        ),
        Mistake(
            "The right drawers are in each set, but they stand there in another row than `order` gives.",
            (
                _dealt(cut=lambda x, shots: (x[:, :shots].flip(1), x[:, shots:])),
                lambda p, o, s: _dealt(
                    lambda p, o: _each(p, torch.cat([o[:, :s].sort(1)[0], o[:, s:].sort(1)[0]], 1))
                )(p, o, s),
            ),
            hint=2,
        ),
        Mistake(
            "Pictures and labels do not go together: the pictures stand class after class, so the labels are 0, 0, ..., "
            "1, 1, ... (`repeat_interleave`), not 0, 1, 2, 0, 1, 2.",
            (*_labelled(_tiled), _dealt(_as_they_lie, support_labels=_tiled, query_labels=_tiled)),
            hint=3,
        ),
        Mistake(
            "Pictures and labels do not go together: your pictures stand drawer after drawer, your labels class after class.",
            (_dealt(lay=_drawer_after_drawer),),
            hint=3,
        ),
        Mistake(
            "Your pictures and labels stand drawer after drawer: 0, 1, 2, 0, 1, 2. They go together, but asked is class after class: "
            "all pictures of class 0 first.",
            (_dealt(lay=_drawer_after_drawer, support_labels=_tiled, query_labels=_tiled),),
            hint=3,
        ),
        Mistake(
            "Your labels begin at 1. They are 0 to N-1, as every classifier's outputs are counted.",
            _labelled(_from_one),
            hint=3,
        ),
        Mistake(
            "Your labels are one-hot rows. Asked is one whole number for each picture.",
            _labelled(lambda ways, each: torch.eye(ways)[_labels(ways, each)]),
            hint=3,
        ),
        Mistake(
            "Your labels number the drawers (or the pictures). A label says which of the N classes a picture belongs to: 0 to N-1.",
            (
                *_labelled(lambda ways, each: torch.arange(each).repeat(ways)),
                *_labelled(lambda ways, each: torch.arange(ways * each)),
                *_labelled(lambda ways, each: torch.arange(each).repeat_interleave(ways)),
                lambda p, o, s: _dealt(
                    support_labels=lambda ways, each: o[:, :s].flatten(),
                    query_labels=lambda ways, each: o[:, s:].flatten(),
                )(p, o, s),
                lambda p, o, s: _dealt(
                    support_labels=lambda ways, each: o[:, :s], query_labels=lambda ways, each: o[:, s:]
                )(p, o, s),
            ),
            hint=3,
        ),
        Mistake(
            "All your labels are the same, so nobody could tell the classes apart: the pictures of class 0 get 0, those of class 1 get 1, ...",
            (
                *_labelled(lambda ways, each: torch.zeros(ways * each, dtype=torch.long)),
                *_labelled(lambda ways, each: torch.ones(ways * each, dtype=torch.long)),
            ),
            hint=3,
        ),
        Mistake(
            "Your labels lie in a table [ways, n], the pictures in one row. Both lie in one row: a label for each picture.",
            (
                *_labelled(lambda ways, each: torch.arange(ways)[:, None].expand(ways, each)),
                *_labelled(lambda ways, each: _labels(ways, each)[:, None]),
            ),
            hint=3,
        ),
        Mistake(
            "There is one label for each class. Each picture needs one: repeat the class's label for all its pictures.",
            _labelled(lambda ways, each: torch.arange(ways)),
            hint=3,
        ),
        Mistake(
            "There are more or fewer labels than pictures in one of the sets: count the pictures of a class in each set, `shots` in one, all the others in the other.",
            (
                lambda p, o, s: _dealt(query_labels=lambda ways, each: _labels(ways, s))(p, o, s),
                lambda p, o, s: _dealt(support_labels=lambda ways, each: _labels(ways, o.shape[1] - s))(
                    p, o, s
                ),
                lambda p, o, s: _dealt(query_labels=lambda ways, each: _labels(ways, o.shape[1]))(p, o, s),
                lambda p, o, s: _dealt(support_labels=lambda ways, each: _labels(ways, s + 1))(p, o, s),
                lambda p, o, s: _dealt(query_labels=lambda ways, each: _labels(ways, each + 1))(p, o, s),
                lambda p, o, s: _dealt(query_labels=lambda ways, each: _labels(ways, each - 1))(p, o, s),
                lambda p, o, s: _dealt(
                    support_labels=lambda ways, each: _labels(ways, o.shape[1]),
                    query_labels=lambda ways, each: _labels(ways, o.shape[1]),
                )(p, o, s),
            ),
            hint=3,
        ),
        Mistake(
            "Support and query are swapped: the support set holds `shots` pictures of each class, and comes first.",
            (
                *_cut_as(
                    lambda x, shots: (x[:, shots:], x[:, :shots]),
                    lambda x, shots: (x[:, : x.shape[1] - shots], x[:, x.shape[1] - shots :]),
                )[:1],
                _dealt(cut=lambda x, shots: (x[:, : x.shape[1] - shots], x[:, x.shape[1] - shots :])),
            ),
            hint=1,
        ),
        Mistake(
            "The four are there in another order. Asked is: support_x, support_y, query_x, query_y.",
            (
                _dealt(give=lambda sx, sy, qx, qy: (sx, qx, sy, qy)),
                _dealt(give=lambda sx, sy, qx, qy: (sy, sx, qy, qx)),
                _dealt(give=lambda sx, sy, qx, qy: (sy, qy, sx, qx)),
                _dealt(give=lambda sx, sy, qx, qy: (qx, sx, qy, sy)),
                _dealt(give=lambda sx, sy, qx, qy: (sx, sy, qy, qx)),
            ),
        ),
        Mistake(
            "You return two pairs. Asked are four things side by side: support_x, support_y, query_x, query_y.",
            (
                _dealt(give=lambda sx, sy, qx, qy: ((sx, sy), (qx, qy))),
                _dealt(give=lambda sx, sy, qx, qy: ((sx, qx), (sy, qy))),
            ),
        ),
        Mistake(
            "You return the pictures without labels (or only one of the two sets). Asked are four things: support_x, support_y, query_x, query_y.",
            (
                _dealt(give=lambda sx, sy, qx, qy: (sx, qx)),
                _dealt(give=lambda sx, sy, qx, qy: (sx, sy)),
                _dealt(give=lambda sx, sy, qx, qy: (sy, qy)),
                _dealt(give=lambda sx, sy, qx, qy: (qx, qy)),
                _dealt(give=lambda sx, sy, qx, qy: sx),
                _dealt(give=lambda sx, sy, qx, qy: (sx, sy, qx)),
                _dealt(lay=lambda part: part, give=lambda sx, sy, qx, qy: (sx, qx)),
            ),
        ),
        Mistake(
            "Your pictures lie in a table [ways, n, 28, 28]. Class after class means one row of pictures: [ways * n, 28, 28].",
            (
                _dealt(lay=lambda part: part),
                _dealt(lay=lambda part: part.transpose(0, 1)),
                _dealt(
                    lay=lambda part: part,
                    support_labels=lambda ways, each: torch.arange(ways)[:, None].expand(ways, each),
                    query_labels=lambda ways, each: torch.arange(ways)[:, None].expand(ways, each),
                ),
            ),
            hint=3,
        ),
        Mistake(
            "You flattened the pictures too. A picture stays 28 x 28; only the first two axes, ways and drawers, become one.",
            (
                _dealt(lay=lambda part: part.flatten(0, 1).flatten(1)),
                _dealt(lay=lambda part: part.flatten(1)),
                _dealt(lay=lambda part: part.flatten(2)),
                _dealt(lay=lambda part: part.flatten()),
            ),
            hint=3,
        ),
        Mistake(
            "Your pictures have an axis of length 1 that was not asked for: [n, 28, 28], as in `pictures`.",
            (
                _dealt(lay=lambda part: part.flatten(0, 1)[:, None]),
                _dealt(lay=lambda part: part.flatten(0, 1)[None]),
                _dealt(lay=lambda part: part.flatten(0, 1)[..., None]),
            ),
            hint=3,
        ),
        Mistake(
            "Your cut by `shots` looks at the number of the drawer. It is the place in `order` that counts: the first `shots` of `order[way]`.",
            (_by_number,),
            hint=2,
        ),
        Mistake(
            "Your numbers of classes or drawers are fixed, 5 or 20. Another task has others: count them, `len(pictures)`, `order.shape[1]`.",
            (
                *_labelled(lambda ways, each: _labels(5, each)),
                lambda p, o, s: _dealt(query_labels=lambda ways, each: _labels(ways, 20 - s))(p, o, s),
                lambda p, o, s: _dealt(query_labels=lambda ways, each: _labels(ways, 15))(p, o, s),
                *_labelled(lambda ways, each: torch.arange(5)),
            ),
            hint=2,
        ),
        Mistake(
            "One class is missing: `range(ways)` counts from 0 to ways - 1, and every class is dealt.",
            (_dealt(lambda p, o: _each(p[1:], o[1:])), _dealt(lambda p, o: _each(p[:-1], o[:-1]))),
            hint=2,
        ),
        Mistake(
            "You stacked the classes along the drawers' axis, so the cut goes through the classes. torch.stack makes a new first axis if you let it.",
            (_dealt(lambda p, o: _each(p, o).transpose(0, 1)),),
            hint=2,
        ),
        Mistake(
            "Your pictures of all classes lie in one pile, and the cut goes through the pictures. torch.stack keeps the classes apart.",
            (_dealt(lambda p, o: torch.cat([p[way, o[way]] for way in range(len(p))])),),
            hint=2,
        ),
        Mistake(
            "You cut the whole pile after `shots` pictures, so only the first classes are in the support set. Cut each class.",
            (
                lambda p, o, s: (
                    _each(p, o).flatten(0, 1)[:s],
                    _labels(len(p), o.shape[1])[:s],
                    _each(p, o).flatten(0, 1)[s:],
                    _labels(len(p), o.shape[1])[s:],
                ),
                lambda p, o, s: (
                    _each(p, o).flatten(0, 1)[: s * len(p)],
                    _labels(len(p), o.shape[1])[: s * len(p)],
                    _each(p, o).flatten(0, 1)[s * len(p) :],
                    _labels(len(p), o.shape[1])[s * len(p) :],
                ),
                lambda p, o, s: (
                    _each(p, o)[:s].flatten(0, 1),
                    _labels(len(p), o.shape[1])[: s * o.shape[1]],
                    _each(p, o)[s:].flatten(0, 1),
                    _labels(len(p), o.shape[1])[s * o.shape[1] :],
                ),
            ),
            hint=2,
        ),
        Mistake(
            "`order` says which drawers, and you took it for classes (or for all classes at once): choose the class first, `pictures[way, order[way]]`.",
            (
                _dealt(lambda p, o: p[o]),
                _dealt(lambda p, o: p[o][:, 0]),
                _dealt(lambda p, o: torch.stack([p[o[way]][:, way] for way in range(len(p))])),
                _dealt(lambda p, o: p[:, o].flatten(1, 2)),
                _dealt(lambda p, o: p[:, o]),
            ),
            hint=2,
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
    sizes = ((5, 12, 5, 1), (8, 14, 4, 1), (20, 12, 5, 0.15), (6, 6, 3, 1), (5, 1, 3, 1))
    return [_neighbour_case(draw, *each) for each in sizes]


def _neighbour_case(draw: torch.Generator, support: int, queries: int, ways: int, faint: float) -> Case:
    """Drawings of few patches, some darker than others, so that other ways to compare find other neighbours."""
    y = torch.arange(support).remainder(ways)[torch.randperm(support, generator=draw)]
    ink = torch.rand(support + queries, 1, 4, 4, generator=draw, dtype=torch.float64)
    dark = torch.rand(support + queries, 1, 1, 1, generator=draw, dtype=torch.float64)
    x = (
        torch.where(ink < 0.3, 0, faint * ink**2 * (dark + 0.2))
        .repeat_interleave(7, 2)
        .repeat_interleave(7, 3)
    )
    name = f"{support} support pictures, {queries} quer{'y' if queries == 1 else 'ies'}"
    return Case(name, (x[:support], y, x[support:]))


def _draw_neighbour(draw: torch.Generator) -> Case:
    ways, each, queries = torch.randint(2, 5, (3,), generator=draw).tolist()
    return _neighbour_case(draw, ways * (each + 1), 3 * queries, ways, 1)


Table = Callable[[Tensor, Tensor], Tensor]
"""A number for each pair of pictures, support [s, ...] and queries [q, ...]: [q, s]."""


def _differences(support_x: Tensor, query_x: Tensor) -> Tensor:
    return (query_x[:, None] - support_x[None]).flatten(2)


def _distances(support_x: Tensor, query_x: Tensor) -> Tensor:
    return (
        torch.cdist(query_x.flatten(1), support_x.flatten(1), compute_mode="donot_use_mm_for_euclid_dist")
        ** 2
    )


def _products(support_x: Tensor, query_x: Tensor) -> Tensor:
    return query_x.flatten(1) @ support_x.flatten(1).T


def _cosines(support_x: Tensor, query_x: Tensor) -> Tensor:
    return torch.cosine_similarity(query_x.flatten(1)[:, None], support_x.flatten(1)[None], dim=-1)


def _compared(*tables: Table) -> tuple[Callable[[Tensor, Tensor, Tensor], Tensor], ...]:
    """The label, and the number, of the support picture with the smallest entry in each table."""

    def label(table: Table) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
        return lambda s, y, q: y[table(s, q).argmin(1)]

    def number(table: Table) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
        return lambda s, y, q: table(s, q).argmin(1)

    return tuple(make(table) for make in (label, number) for table in tables)


def _scaled(how: Callable[[Tensor], Tensor]) -> Table:
    """Distances between pictures that were changed first, each by itself ([n, pixels] to [n, pixels])."""
    return lambda s, q: _distances(how(s.flatten(1)), how(q.flatten(1)))


def _classes(
    reduce: Callable[[Tensor], Tensor], power: float = 1
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """The class whose support pictures have the smallest reduced distance (to some power)."""

    def wrong(s: Tensor, y: Tensor, q: Tensor) -> Tensor:
        d = _distances(s, q) ** power
        return torch.stack([reduce(d[:, y == way]) for way in range(int(y.max()) + 1)], 1).argmin(1)

    return wrong


def _prototypes(s: Tensor, y: Tensor, q: Tensor) -> Tensor:
    return _distances(torch.stack([s[y == way].mean(0) for way in range(int(y.max()) + 1)]), q).argmin(1)


def _majority(k: int) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    return lambda s, y, q: y[_distances(s, q).argsort(1)[:, :k]].mode(1)[0]


def _majority_or_nearest(k: int) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    def wrong(s: Tensor, y: Tensor, q: Tensor) -> Tensor:
        near = y[_distances(s, q).argsort(1)[:, :k]]
        votes = (near[:, :, None] == near[:, None]).sum(2)
        return near.gather(1, votes.argmax(1, keepdim=True))[:, 0]

    return wrong


def _best_so_far(s: Tensor, y: Tensor, q: Tensor) -> Tensor:
    """The best distance is carried over from query to query."""
    smallest, which = _distances(s, q).min(1)
    return torch.stack([y[which[smallest[: k + 1].argmin()]] for k in range(len(q))])


NEAREST = Exercise(
    id="01.2",
    title="the nearest neighbour in pixels",
    solution=nearest_neighbour,
    outputs=("labels",),
    cases=_neighbour_cases,
    draw=_draw_neighbour,
    mistakes=(
        Mistake(
            "You return which support picture is nearest. The answer is that picture's label: support_y[...].",
            (
                lambda s, y, q: _distances(s, q).argmin(1),
                lambda s, y, q: _distances(s, q).argmin(1, keepdim=True),
            ),
            hint=3,
        ),
        Mistake(
            "Your labels are right only if the support pictures stand in the order of their classes, and they need not: look each label up, support_y[...].",
            (
                lambda s, y, q: _distances(s, q).argmin(1) % (y.max() + 1),
                lambda s, y, q: _distances(s, q).argmin(1) // (len(y) // (y.max() + 1)),
                lambda s, y, q: y.sort()[0][_distances(s, q).argmin(1)],
                lambda s, y, q: y.unique()[_distances(s, q).argmin(1) % len(y.unique())],
            ),
            hint=3,
        ),
        Mistake(
            "That is the support picture farthest away. The nearest has the smallest distance: argmin.",
            _compared(lambda s, q: -_distances(s, q)),
            hint=3,
        ),
        Mistake(
            "That is the second nearest. The nearest is the one at place 0 of the sorted distances.",
            (
                lambda s, y, q: y[_distances(s, q).argsort(1)[:, 1]],
                lambda s, y, q: _distances(s, q).argsort(1)[:, 1],
            ),
            hint=3,
        ),
        Mistake(
            "You look along the wrong axis: for the query nearest to each support picture. Turn it round: one answer for each query.",
            (
                lambda s, y, q: _distances(s, q).argmin(0),
                lambda s, y, q: y[_distances(s, q).argmin(0).remainder(len(y))],
                lambda s, y, q: y[_distances(s, q).argmin(0).clamp(max=len(y) - 1)],
                lambda s, y, q: y[_distances(s, q).argmin(0)],
                lambda s, y, q: y[_distances(s, q).argmax(0).remainder(len(y))],
            ),
            hint=3,
        ),
        Mistake(
            "You took one minimum over the whole table, so there is one answer for all queries. Each query has a nearest picture of its own: give argmin an axis.",
            (
                lambda s, y, q: _distances(s, q).argmin(),
                lambda s, y, q: y[_distances(s, q).argmin()],
                lambda s, y, q: y[_distances(s, q).argmin() % len(y)],
                lambda s, y, q: y[_distances(s, q).argmin() // len(y)],
                lambda s, y, q: y[_distances(s, q).sum(0).argmin()],
                lambda s, y, q: y[_distances(s, q).sum(0).argmin()].expand(len(q)),
                lambda s, y, q: y[_distances(s, q)[0].argmin()].expand(len(q)),
            ),
            hint=3,
        ),
        Mistake(
            "The difference is summed without squaring, so too much ink here cancels too little there.",
            _compared(
                lambda s, q: _differences(s, q).sum(2),
                lambda s, q: _differences(s, q).sum(2).abs(),
                lambda s, q: -_differences(s, q).sum(2),
                lambda s, q: _differences(s, q).pow(3).sum(2),
            ),
            hint=2,
        ),
        Mistake(
            "You compare the pictures' sums of squares. Take the difference of each pixel first, then square it.",
            _compared(
                lambda s, q: q.flatten(1).square().sum(1)[:, None] - s.flatten(1).square().sum(1),
                lambda s, q: (q.flatten(1).square().sum(1)[:, None] - s.flatten(1).square().sum(1)).abs(),
            ),
            hint=2,
        ),
        Mistake(
            "You add the pictures instead of subtracting one from the other: the distance is made of differences.",
            _compared(lambda s, q: (q[:, None] + s[None]).flatten(2).square().sum(2)),
            hint=2,
        ),
        Mistake(
            "You return each label once, or the commonest. Asked is one label for each query, in the queries' order.",
            (
                lambda s, y, q: nearest_neighbour(s, y, q).unique(),
                lambda s, y, q: nearest_neighbour(s, y, q).mode()[0],
                lambda s, y, q: nearest_neighbour(s, y, q).sort()[0],
                lambda s, y, q: y.unique(),
            ),
            hint=3,
        ),
        Mistake(
            "You return all labels of the support set. Asked is one label for each query, that of its nearest picture.",
            (
                lambda s, y, q: y * 1,
                lambda s, y, q: y[None].expand(len(q), -1),
                lambda s, y, q: y[_distances(s, q).argsort(1)],
            ),
            hint=3,
        ),
        Mistake(
            "You add up absolute differences. Asked is the squared distance: each difference is squared before they are added.",
            _compared(lambda s, q: _differences(s, q).abs().sum(2)),
            hint=2,
        ),
        Mistake(
            "You raise the differences to another power. Asked is the squared distance, ** 2.",
            _compared(
                lambda s, q: _differences(s, q).pow(4).sum(2),
                lambda s, q: _differences(s, q).abs().pow(3).sum(2),
                lambda s, q: _differences(s, q).abs().sqrt().sum(2),
            ),
            hint=2,
        ),
        Mistake(
            "You add up along one axis of the pictures only, so there are many distances for each pair. Sum over all pixels: one number for each pair.",
            _compared(
                lambda s, q: (q[:, None] - s[None]).square().sum(-1),
                lambda s, q: (q[:, None] - s[None]).square().sum(-2),
                lambda s, q: (q[:, None] - s[None]).square().sum(2),
                lambda s, q: (q[:, None] - s[None]).square().sum((2, 3)),
                lambda s, q: (q[:, None] - s[None]).square().sum((2, 4)),
            ),
            hint=2,
        ),
        Mistake(
            "The same support picture wins for every query, the first or the last. Does your distance tell pictures apart, and is the best one kept and compared with?",
            (
                lambda s, y, q: y[-1:].expand(len(q)),
                lambda s, y, q: y[:1].expand(len(q)),
                lambda s, y, q: y[-1:],
                lambda s, y, q: y[:1],
                lambda s, y, q: torch.zeros(len(q), dtype=torch.long),
                *_compared(
                    lambda s, q: _differences(s, q).prod(2), lambda s, q: _differences(s, q).abs().amin(2)
                ),
            ),
            hint=1,
        ),
        Mistake(
            "You compare by the one pixel that differs most. All pixels count: square the differences and add them up.",
            _compared(lambda s, q: _differences(s, q).abs().amax(2), lambda s, q: _differences(s, q).amax(2)),
            hint=2,
        ),
        Mistake(
            "You compare by products of pixels (a similarity, which likes dark pictures), not by the squared distance.",
            _compared(
                _products,
                lambda s, q: -_products(s, q),
                lambda s, q: _products(s**2, q**2),
                lambda s, q: -_products(s**2, q**2),
            ),
            hint=2,
        ),
        Mistake(
            "You compare by the angle between two pictures (the cosine), which overlooks how dark they are. Asked is the squared distance.",
            _compared(
                _cosines, lambda s, q: -_cosines(s, q), _scaled(lambda x: torch.nn.functional.normalize(x))
            ),
            hint=2,
        ),
        Mistake(
            "You changed the pictures before comparing them (centred, scaled or rounded). Asked is the distance between the pixels as they are.",
            _compared(
                _scaled(lambda x: x - x.mean(1, keepdim=True)),
                _scaled(lambda x: (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True)),
                _scaled(lambda x: x / x.amax(1, keepdim=True)),
                _scaled(lambda x: x / x.sum(1, keepdim=True)),
                _scaled(lambda x: (x > 0.5).double()),
                _scaled(lambda x: (x > 0).double()),
                _scaled(lambda x: x.square()),
                _scaled(lambda x: x.sqrt()),
                _scaled(lambda x: x.softmax(1)),
                lambda s, q: (q[:, None] != s[None]).flatten(2).sum(2),
            ),
            hint=2,
        ),
        Mistake(
            "Written out, the squared distance is |q|^2 - 2 q.s + |s|^2. Your product q.s enters once instead of twice.",
            _compared(
                lambda s, q: s.flatten(1).square().sum(1) - _products(s, q),
            ),
            hint=2,
        ),
        Mistake(
            "You compare with the mean picture of each class. That is a good idea (a prototype), but not the nearest neighbour: single pictures are compared.",
            (_prototypes,),
            hint=3,
        ),
        Mistake(
            "You let all pictures of a class speak together. The nearest neighbour is the one support picture that lies nearest.",
            (
                _classes(lambda d: d.mean(1)),
                _classes(lambda d: d.sum(1)),
                _classes(lambda d: d.amax(1)),
                _classes(lambda d: d.mean(1), 0.5),
                _classes(lambda d: d.sum(1), 0.5),
                lambda s, y, q: _distances(
                    torch.stack([s[y == way].sum(0) for way in range(int(y.max()) + 1)]), q
                ).argmin(1),
            ),
            hint=3,
        ),
        Mistake(
            "You let several neighbours vote. The label of the one nearest is asked for.",
            (_majority(3), _majority(5), _majority(2), _majority_or_nearest(3), _majority_or_nearest(5)),
            hint=3,
        ),
        Mistake(
            "You mix the labels by weights. A label is a name, and the mean of class 0 and class 2 is not class 1: take the label of the nearest.",
            (
                lambda s, y, q: (-_distances(s, q)).softmax(1) @ y.double(),
                lambda s, y, q: _distances(s, q).softmax(1) @ y.double(),
                lambda s, y, q: ((-_distances(s, q)).softmax(1) @ y.double()).round().long(),
                lambda s, y, q: _products(s, q).softmax(1) @ y.double(),
            ),
            hint=3,
        ),
        Mistake(
            "You return how near it is (a distance, a probability). Asked is the label of the nearest picture.",
            (
                lambda s, y, q: (-_distances(s, q)).softmax(1).amax(1),
                lambda s, y, q: _distances(s, q).amin(1),
                lambda s, y, q: _distances(s, q).amin(1).sqrt(),
                lambda s, y, q: _distances(s, q).amin(0),
                lambda s, y, q: _distances(s, q).min(),
            ),
            hint=3,
        ),
        Mistake(
            "You return the whole table of distances. Look for the smallest in each row, and give its label.",
            (
                lambda s, y, q: _distances(s, q),
                lambda s, y, q: _distances(s, q).sqrt(),
                lambda s, y, q: _distances(s, q).T,
            ),
            hint=3,
        ),
        Mistake(
            "You return one-hot rows (or a score for each class). Asked is one whole number for each query.",
            (
                lambda s, y, q: torch.eye(int(y.max()) + 1)[nearest_neighbour(s, y, q)],
                lambda s, y, q: torch.nn.functional.one_hot(nearest_neighbour(s, y, q)),
                lambda s, y, q: (-_distances(s, q)).softmax(1) @ torch.eye(int(y.max()) + 1).double()[y],
                lambda s, y, q: (-_distances(s, q)).softmax(1),
            ),
            hint=3,
        ),
        Mistake(
            "You return more than the labels. One label for each query is all that is asked for.",
            (
                lambda s, y, q: (nearest_neighbour(s, y, q), _distances(s, q)),
                lambda s, y, q: (nearest_neighbour(s, y, q), _distances(s, q).amin(1)),
                lambda s, y, q: (_distances(s, q).amin(1), nearest_neighbour(s, y, q)),
                lambda s, y, q: (_distances(s, q).argmin(1), nearest_neighbour(s, y, q)),
                lambda s, y, q: (nearest_neighbour(s, y, q), _distances(s, q).argmin(1)),
            ),
            hint=3,
        ),
        Mistake(
            "The best distance is carried over from query to query. Each query begins anew: nothing has been compared yet.",
            (_best_so_far,),
            hint=3,
        ),
        Mistake(
            "You answer for one query only. Asked is one label for each of the queries.",
            (lambda s, y, q: nearest_neighbour(s, y, q)[:1], lambda s, y, q: nearest_neighbour(s, y, q)[-1:]),
            hint=3,
        ),
        Mistake(
            "Your labels lie in a table with an axis of length 1. One label for each query: a tensor [queries].",
            (
                lambda s, y, q: nearest_neighbour(s, y, q)[:, None],
                lambda s, y, q: nearest_neighbour(s, y, q)[None],
            ),
            hint=3,
        ),
        Mistake(
            "Your answer goes by the number of the query, as if each were nearest to itself. Compare each query with the support pictures.",
            (lambda s, y, q: y[_distances(q, q).argmin(1) % len(y)],),
            hint=3,
        ),
        Mistake(
            "You compare a part of the pictures only (one pixel, one row or column). Sum over all pixels.",
            _compared(
                lambda s, q: (q[:, None] - s[None])[..., 0, 14, 14].square(),
                lambda s, q: (q[:, None] - s[None])[..., 0, :, 14].square().sum(-1),
                lambda s, q: (q[:, None] - s[None])[..., 0, 12, :].square().sum(-1),
            ),
            hint=2,
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
    n = 1.96**2 * rate * (1 - rate) / (queries * half_width**2)
    return math.ceil(round(n, 6))  # 2401.0000000000005 is 2401: the rest is rounding


def _needed_cases() -> list[Case]:
    """Numbers whose last digits hang on no rounding: 1.96 or 1.959964, float32 or float64, it is the same n.
    The last two are whole before they are rounded up, in whatever order they are computed."""
    return [
        Case(f"rate {rate}, {queries} queries a task, ± {half_width}", (rate, queries, half_width))
        for rate, queries, half_width in (
            (0.953, 75, 0.0031),
            (0.487, 5, 0.0113),
            (0.987, 5, 0.0041),
            (0.213, 25, 0.0207),
            (0.437, 75, 0.0063),
            (0.5, 25, 0.00392),
            (0.5, 16, 0.0098),
        )
    ]  # fmt: skip


def _draw_needed(draw: torch.Generator) -> Case:
    """As those: not near a whole number, nor with so many tasks that the digits of 1.96 matter."""
    while True:
        rate, width = torch.rand(2, generator=draw, dtype=torch.float64).tolist()
        rate, queries, half_width = (
            round(0.03 + 0.94 * rate, 3),
            int(torch.randint(1, 100, (), generator=draw)),
            round(0.002 + 0.04 * width, 4),
        )
        n = 1.96**2 * rate * (1 - rate) / (queries * half_width**2)
        if 3 < n < 3000 and 0.2 < n % 1 < 0.9:
            return Case(f"rate {rate}, {queries} queries a task, ± {half_width}", (rate, queries, half_width))


def _needed(
    z: float = 1.96**2,
    spread: Callable[[float], float] = lambda r: r * (1 - r),
    per: Callable[[float, float], float] = lambda q, h: q * h**2,
    end: Callable[[float], float] = math.ceil,
) -> Callable[[float, int, float], float]:
    return lambda rate, queries, half_width: end(z * spread(rate) / per(queries, half_width))


def _rounded_anyhow(**changed: Any) -> tuple[Callable[[float, int, float], float], ...]:
    """The same mistake rounded up, down, to the nearest, and not at all."""
    return tuple(_needed(**changed, end=end) for end in (math.ceil, math.floor, round, float))


def _width(z: float, rate: float, queries: float, n: float) -> float:
    return z * math.sqrt(rate * (1 - rate) / (queries * n))


TASKS_NEEDED = Exercise(
    id="01.3",
    title="how many test tasks an interval needs",
    solution=tasks_needed,
    outputs=("n",),
    cases=_needed_cases,
    draw=_draw_needed,
    mistakes=(
        Mistake(
            "That is the number of queries. Each task brings `queries` of them: divide.",
            _rounded_anyhow(per=lambda q, h: h**2),
            hint=3,
        ),
        Mistake(
            "You multiply by the queries. The more a task brings, the fewer tasks it takes: divide by them.",
            _rounded_anyhow(per=lambda q, h: h**2 / q),
            hint=3,
        ),
        Mistake(
            "You multiply by the squared half width: `a / b * c` divides by b alone. Put brackets round what is divided by.",
            (_needed(per=lambda q, h: q / h**2, end=float),),
            hint=3,
        ),
        Mistake(
            "The fraction is upside down: a smaller half width must need more tasks.",
            (
                _needed(
                    z=1.96**-2, spread=lambda r: 1 / (r * (1 - r)), per=lambda q, h: 1 / (q * h**2), end=float
                ),
            ),
            hint=3,
        ),
        Mistake(
            "Your n is 0 or 1 whatever is asked. Look at the brackets (`a / b * c` divides by b alone, `rate * 1 - rate` is 0), or at the condition of your loop.",
            (lambda r, q, h: 1, lambda r, q, h: 0),
            hint=3,
        ),
        Mistake(
            "That is the ratio of the two half widths. The width shrinks as 1/sqrt(n), so square the ratio.",
            _rounded_anyhow(
                z=1.96, spread=lambda r: math.sqrt(r * (1 - r)), per=lambda q, h: math.sqrt(q) * h
            ),
            hint=1,
        ),
        Mistake(
            "The brackets are too wide: you square the queries as well, or take a root of them. Only the half width is squared.",
            (
                *_rounded_anyhow(per=lambda q, h: (q * h) ** 2),
                *_rounded_anyhow(per=lambda q, h: math.sqrt(q) * h**2),
            ),
            hint=3,
        ),
        Mistake(
            "Half the width needs four times the tasks: the half width enters squared.",
            (
                *_rounded_anyhow(per=lambda q, h: q * h),
                *_rounded_anyhow(z=1.96, per=lambda q, h: q * h),
                *_rounded_anyhow(z=1.96, spread=lambda r: math.sqrt(r * (1 - r)), per=lambda q, h: q * h),
                *_rounded_anyhow(z=1.96, spread=lambda r: math.sqrt(r * (1 - r)), per=lambda q, h: h),
                *_rounded_anyhow(per=lambda q, h: h),
            ),
            hint=2,
        ),
        Mistake(
            "The 1.96 is not squared. When both sides are squared, so is it.",
            (*_rounded_anyhow(z=1.96), *_rounded_anyhow(z=1.96 * 2)),
            hint=2,
        ),
        Mistake(
            "That is for one standard error. A 95 % interval reaches 1.96 of them.",
            _rounded_anyhow(z=1),
            hint=2,
        ),
        Mistake(
            "That is an interval of another level than 95 %: take 1.96 standard errors (1.645 is for 90 %, 2.576 for 99 %).",
            (
                *_rounded_anyhow(z=1.645**2),
                *_rounded_anyhow(z=1.64**2),
                *_rounded_anyhow(z=1.65**2),
                *_rounded_anyhow(z=2.576**2),
                *_rounded_anyhow(z=2.58**2),
                *_rounded_anyhow(z=1.28**2),
            ),
            hint=2,
        ),
        Mistake(
            "Your 1.96 has a slip in it, or another power than 2.",
            (
                *_rounded_anyhow(z=1.69**2),
                *_rounded_anyhow(z=1.9**2),
                *_rounded_anyhow(z=1.95**2),
                *_rounded_anyhow(z=1.99**2),
                *_rounded_anyhow(z=1.96**3),
                *_rounded_anyhow(z=1.96**4),
            ),
            hint=2,
        ),
        Mistake(
            "You took 2 (or 3) standard errors. Asked is 1.96 of them, and four per cent of the tasks hang on it.",
            (*_rounded_anyhow(z=4), *_rounded_anyhow(z=9)),
            hint=2,
        ),
        Mistake(
            "You read `half_width` as the whole width (or as half of it). It reaches from the middle to one end.",
            (
                *_rounded_anyhow(per=lambda q, h: q * (h / 2) ** 2),
                *_rounded_anyhow(per=lambda q, h: q * (2 * h) ** 2),
                *_rounded_anyhow(per=lambda q, h: q * h**2 / 2),
                *_rounded_anyhow(per=lambda q, h: 2 * q * h**2),
            ),
            hint=2,
        ),
        Mistake(
            "The root is still on rate * (1 - rate). When both sides are squared it goes.",
            _rounded_anyhow(spread=lambda r: math.sqrt(r * (1 - r))),
            hint=2,
        ),
        Mistake(
            "You took the variance for the standard error: its root comes first, or the square goes from both sides.",
            (*_rounded_anyhow(spread=lambda r: (r * (1 - r)) ** 2, per=lambda q, h: (q * h) ** 2),),
            hint=2,
        ),
        Mistake(
            "You took the half width as a share of the rate. It is in the same unit as the rate, as it is.",
            _rounded_anyhow(per=lambda q, h: q * h**2, spread=lambda r: (1 - r) / r),
            hint=2,
        ),
        Mistake(
            "Your spread is not rate * (1 - rate), which is the variance of one answer, right or wrong.",
            (
                *_rounded_anyhow(spread=lambda r: r),
                *_rounded_anyhow(spread=lambda r: 1 - r),
                *_rounded_anyhow(spread=lambda r: r**2),
                *_rounded_anyhow(spread=lambda r: (1 - r) ** 2),
                *_rounded_anyhow(spread=lambda r: (r * (1 - r)) ** 2),
                *_rounded_anyhow(spread=lambda r: r * (1 + r)),
                *_rounded_anyhow(spread=lambda r: 1 - r**2),
                *_rounded_anyhow(spread=lambda r: math.sqrt(r) * (1 - r)),
            ),
            hint=2,
        ),
        Mistake(
            "You took the worst case, a rate of one half (or no rate at all). The rate is known: rate * (1 - rate) is smaller where learners are good.",
            (
                *_rounded_anyhow(spread=lambda r: 0.25),
                *_rounded_anyhow(spread=lambda r: 0.5),
                *_rounded_anyhow(spread=lambda r: 1.0),
            ),
            hint=2,
        ),
        Mistake(
            "You counted in per cent somewhere. Rate and half width are both shares between 0 and 1.",
            (
                *_rounded_anyhow(per=lambda q, h: q * (h / 100) ** 2),
                _needed(per=lambda q, h: q * (100 * h) ** 2, end=float),
                *_rounded_anyhow(spread=lambda r: r * (100 - r)),
                *_rounded_anyhow(spread=lambda r: 100 * r * (100 - 100 * r)),
                *_rounded_anyhow(spread=lambda r: r / 100 * (1 - r / 100)),
                *_rounded_anyhow(
                    spread=lambda r: r / 100 * (1 - r / 100), per=lambda q, h: q * (h / 100) ** 2
                ),
            ),
            hint=2,
        ),
        Mistake(
            "The half width enters with a power above 2. When both sides are squared, so is it, once.",
            (*_rounded_anyhow(per=lambda q, h: q * h**3), *_rounded_anyhow(per=lambda q, h: q * h**4)),
            hint=2,
        ),
        Mistake(
            "You round down, and the interval is a little too wide. Round up.",
            (_needed(end=math.floor),),
            hint=3,
        ),
        Mistake(
            "You round to the nearest, and half of the time the interval is a little too wide. Round up.",
            (_needed(end=round), _needed(end=lambda n: math.floor(n + 0.5))),
            hint=3,
        ),
        Mistake(
            "You round up to a ten or a hundred. The smallest n is asked for, to the single task.",
            (
                _needed(end=lambda n: 10 * math.ceil(n / 10)),
                _needed(end=lambda n: 100 * math.ceil(n / 100)),
                _needed(end=lambda n: 1 + 10 * math.ceil((n - 1) / 10)),
            ),
            hint=3,
        ),
        Mistake(
            "You add one even where the number is whole already: 100 tasks are enough where the formula gives 100. Round up.",
            (_needed(end=lambda n: math.floor(n) + 1), _needed(end=lambda n: round(n + 0.5))),
            hint=3,
        ),
        Mistake(
            "That is one task more than needed (or one fewer). Rounding up is all that has to be done.",
            (
                _needed(end=lambda n: math.ceil(n) + 1),
                _needed(end=lambda n: math.ceil(n) - 1),
                _needed(end=lambda n: math.ceil(n + 1) + 1),
            ),
            hint=3,
        ),
        Mistake(
            "You return a fraction of a task. Round up to the next whole number: math.ceil.",
            (
                _needed(end=float),
                _needed(end=lambda n: round(n, 1)),
                _needed(end=lambda n: round(n, 2)),
                _needed(end=lambda n: round(n, 3)),
            ),
            hint=3,
        ),
        Mistake(
            "You return the half width that counting alone gives. Asked is how many tasks make it small enough: solve for n.",
            (
                lambda r, q, h: _width(1.96, r, q, 1),
                lambda r, q, h: _width(1, r, q, 1),
                lambda r, q, h: h / _width(1.96, r, q, 1),
            ),
            hint=1,
        ),
    ),
    hints=(
        "Begin with the half width that counting alone gives, and ask for which n it is small enough.",
        "half_width = 1.96 * sqrt(rate * (1 - rate) / (queries * n)). Solve for n: square both sides.",
        "n = 1.96**2 * rate * (1 - rate) / (queries * half_width**2), rounded up.",
    ),
)

EXERCISES = (DEAL, NEAREST, TASKS_NEEDED)
