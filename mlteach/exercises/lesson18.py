"""The exercises of lesson 18: matching networks, the modified Hausdorff distance, and whether the order of the support set matters."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake

# 18.1 ---------------------------------------------------------------------------------------------------------------


def matching_logits(support: Tensor, y: Tensor, query: Tensor, ways: int, scale: float) -> Tensor:
    """log p(class | query) of a matching network, [Q, ways]."""
    similarity = F.normalize(query, dim=-1) @ F.normalize(support, dim=-1).T
    attention = (scale * similarity).softmax(-1)
    return torch.stack([attention[:, y == k].sum(-1) for k in range(ways)], -1).log()


def _points(generator: torch.Generator, ways: int, shots: int, queries: int, size: int) -> tuple[Any, ...]:
    y = torch.arange(ways).repeat_interleave(shots)[torch.randperm(ways * shots, generator=generator)]
    support, query = (
        torch.rand(n, size, generator=generator, dtype=torch.float64) + 0.1 for n in (len(y), queries)
    )
    return support * torch.linspace(0.5, 2, len(y)).double().unsqueeze(1), y, query, ways


def _matching_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(181)
    return [
        Case("three classes, two shots of each, a scale of 5", (*_points(draw, 3, 2, 4, 5), 5.0)),
        Case("five classes, one shot of each, a scale of 1", (*_points(draw, 5, 1, 3, 4), 1.0)),
        Case("two classes, three shots of each, a scale of 20", (*_points(draw, 2, 3, 6, 6), 20.0)),
    ]


def _draw_matching(generator: torch.Generator) -> Case:
    ways, shots, queries, size = (int(torch.randint(2, 6, (), generator=generator)) for _ in range(4))
    scale = 1 + 10 * float(torch.rand((), generator=generator, dtype=torch.float64))
    return Case(
        f"drawn, {ways} classes, {shots} shots", (*_points(generator, ways, shots, queries, size), scale)
    )


def _cosine(query: Tensor, support: Tensor) -> Tensor:
    return F.normalize(query, dim=-1) @ F.normalize(support, dim=-1).T


def _gathered(weights: Tensor, y: Tensor, ways: int, join: Callable[[Tensor], Tensor]) -> Tensor:
    return torch.stack([join(weights[:, y == k]) for k in range(ways)], -1)


def _total(weights: Tensor) -> Tensor:
    return weights.sum(-1)


def _wrong(
    similarity: Callable[[Tensor, Tensor], Tensor] = _cosine,
    attend: Callable[[Tensor, float], Tensor] = lambda s, t: (t * s).softmax(-1),
    join: Callable[[Tensor], Tensor] = _total,
    end: Callable[[Tensor], Tensor] = torch.log,
) -> Callable[..., Tensor]:
    """The solution with one of its four steps done otherwise."""

    def wrong(support: Tensor, y: Tensor, query: Tensor, ways: int, scale: float) -> Tensor:
        return end(_gathered(attend(similarity(query, support), scale), y, ways, join))

    return wrong


def _by_score(join: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """Scores joined in each class first, softmax over classes afterwards."""

    def wrong(support: Tensor, y: Tensor, query: Tensor, ways: int, scale: float) -> Tensor:
        return _gathered(scale * _cosine(query, support), y, ways, join).log_softmax(-1)

    return wrong


def _in_rows(support: Tensor, y: Tensor, query: Tensor, ways: int, scale: float) -> Tensor:
    attention = (scale * _cosine(query, support)).softmax(-1)
    return attention.unflatten(1, (ways, -1)).sum(-1).log()


MATCHING = Exercise(
    id="18.1",
    title="a matching network",
    solution=matching_logits,
    cases=_matching_cases,
    draw=_draw_matching,
    outputs=("the logarithms",),
    differentiable=("support", "query"),
    mistakes=(
        Mistake(
            "That is the product, not the cosine: a support picture with long features wins everywhere. Bring both to length 1.",
            (
                _wrong(similarity=lambda q, s: q @ s.T),
                _wrong(similarity=lambda q, s: q @ s.T / s.shape[1] ** 0.5),
                _wrong(similarity=lambda q, s: q @ s.T / s.shape[1]),
            ),
            hint=2,
        ),
        Mistake(
            "Only one of the two has length 1. A cosine divides by both lengths; here the temperature of each query differs.",
            (
                _wrong(similarity=lambda q, s: q @ F.normalize(s, dim=-1).T),
                _wrong(similarity=lambda q, s: F.normalize(q, dim=-1) @ s.T),
            ),
            hint=2,
        ),
        Mistake(
            "You bring the columns to length 1. A picture is a row: normalise along its features, dim=-1.",
            (_wrong(similarity=lambda q, s: F.normalize(q, dim=0) @ F.normalize(s, dim=0).T),),
            hint=2,
        ),
        Mistake(
            "That is a distance. The paper's matching network compares by the cosine.",
            (
                _wrong(similarity=lambda q, s: -(q[:, None] - s).square().sum(-1)),
                _wrong(similarity=lambda q, s: -(q[:, None] - s).norm(dim=-1)),
                _wrong(
                    similarity=lambda q, s: (
                        -(F.normalize(q, dim=-1)[:, None] - F.normalize(s, dim=-1)).square().sum(-1)
                    )
                ),
                _wrong(similarity=lambda q, s: 1 - _cosine(q, s)),
                _wrong(similarity=lambda q, s: -_cosine(q, s)),
            ),
        ),
        Mistake(
            "The scale is missing. Without it cosines between -1 and 1 go into softmax, and it stays nearly flat.",
            (_wrong(attend=lambda s, t: s.softmax(-1)),),
            hint=2,
        ),
        Mistake(
            "You divide by the scale. It is an inverse temperature: the larger, the sharper. Multiply.",
            (_wrong(attend=lambda s, t: (s / t).softmax(-1)),),
            hint=2,
        ),
        Mistake(
            "The scale stands outside of softmax. What sharpens it is a factor inside.",
            (
                _wrong(attend=lambda s, t: t * s.softmax(-1)),
                lambda support, y, query, ways, scale: scale * matching_logits(support, y, query, ways, 1.0),
            ),
            hint=2,
        ),
        Mistake(
            "Softmax runs over the queries. Each query divides its attention over the support pictures: dim=-1.",
            (_wrong(attend=lambda s, t: (t * s).softmax(0)),),
            hint=2,
        ),
        Mistake(
            "There is no softmax over the support pictures. Their exponentials must be divided by the sum of all.",
            (
                _wrong(attend=lambda s, t: (t * s).exp()),
                _wrong(attend=lambda s, t: t * s, end=lambda p: p),
                _wrong(attend=lambda s, t: (t * s).sigmoid()),
                _wrong(attend=lambda s, t: t * s / (t * s).sum(-1, keepdim=True)),
            ),
            hint=2,
        ),
        Mistake(
            "The cosines of a class are joined before softmax. First softmax over all support pictures, then the sum over a class: with one "
            "shot both are the same, with more they are not.",
            (
                _by_score(_total),
                _by_score(lambda rows: rows.mean(-1)),
                _by_score(lambda rows: rows.amax(-1)),
            ),
            hint=3,
        ),
        Mistake(
            "A class gets the sum of the attention on its pictures, so that all classes sum to one. Yours is another number.",
            (
                _wrong(join=lambda rows: rows.mean(-1)),
                _wrong(join=lambda rows: rows.amax(-1)),
            ),
            hint=3,
        ),
        Mistake(
            "The logarithm is taken before the sum: that adds logarithms, and multiplies probabilities. Sum first.",
            (
                _wrong(attend=lambda s, t: (t * s).log_softmax(-1), end=lambda p: p),
                _wrong(
                    attend=lambda s, t: (t * s).log_softmax(-1),
                    join=lambda rows: rows.mean(-1),
                    end=lambda p: p,
                ),
            ),
            hint=3,
        ),
        Mistake(
            "These are probabilities. Asked for are their logarithms: the loss then needs no second softmax.",
            (_wrong(end=lambda p: p),),
            hint=3,
        ),
        Mistake(
            "Softmax comes twice. The sums over the classes are probabilities already; a port of this method did that too.",
            (
                _wrong(end=lambda p: p.softmax(-1)),
                _wrong(end=lambda p: p.log_softmax(-1)),
            ),
        ),
        Mistake(
            "That is the loss's sign. Asked for is the logarithm itself, which is below zero.",
            (_wrong(end=lambda p: -p.log()),),
        ),
        Mistake(
            "You take the support set to stand in the order of its classes. It was dealt: y says whose each row is.",
            (
                _in_rows,
                lambda support, y, query, ways, scale: (scale * _cosine(query, support)).log_softmax(-1)[
                    :, :ways
                ],
            ),
            hint=3,
        ),
        Mistake(
            "Queries and classes are the wrong way round: one row for each query, [Q, ways].",
            (lambda support, y, query, ways, scale: matching_logits(support, y, query, ways, scale).T,),
        ),
        Mistake(
            "You return the answer. Asked for are the logarithms it is read from.",
            (
                lambda support, y, query, ways, scale: matching_logits(support, y, query, ways, scale).argmax(
                    -1
                ),
            ),
        ),
        Mistake(
            "No gradient reaches the features: nothing would be learned. Leave out .detach(), torch.no_grad() and numpy.",
            (
                lambda support, y, query, ways, scale: matching_logits(
                    support, y, query, ways, scale
                ).detach(),
                lambda support, y, query, ways, scale: matching_logits(
                    support.detach(), y, query, ways, scale
                ),
                lambda support, y, query, ways, scale: matching_logits(
                    support, y, query.detach(), ways, scale
                ),
            ),
        ),
    ),
    hints=(
        "Three steps: how similar is each query to each support picture, how much attention does each picture get, how much does a class get.",
        "F.normalize(query, dim=-1) has rows of length 1; the product of two such matrices holds the cosines, [Q, S]. (scale * cosines).softmax(-1) divides a query's attention over the support pictures.",
        "attention[:, y == k].sum(-1) is what class k gets. torch.stack(..., -1) puts the classes side by side, and .log() comes last.",
    ),
)

# 18.2 ---------------------------------------------------------------------------------------------------------------


def modified_hausdorff(a: Tensor, b: Tensor) -> Tensor:
    """How far the ink of one drawing is from the nearest ink of the other: the larger of the two means, a scalar."""
    far = torch.cdist(a, b)
    return torch.maximum(far.amin(1).mean(), far.amin(0).mean())


def _ink(generator: torch.Generator, n: int, m: int) -> tuple[Tensor, Tensor]:
    a, b = (10 * torch.rand(k, 2, generator=generator, dtype=torch.float64) for k in (n, m))
    return a - a.mean(0), b - b.mean(0)


def _hausdorff_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(182)
    return [
        Case("five points and eight", _ink(draw, 5, 8)),
        Case("nine points and three", _ink(draw, 9, 3)),
        Case("six points and six", _ink(draw, 6, 6)),
    ]


def _draw_hausdorff(generator: torch.Generator) -> Case:
    n, m = (int(torch.randint(2, 12, (), generator=generator)) for _ in range(2))
    return Case(f"drawn, {n} points and {m}", _ink(generator, n, m))


def _from_far(change: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    return lambda a, b: change(torch.cdist(a, b))


HAUSDORFF = Exercise(
    id="18.2",
    title="the modified Hausdorff distance",
    solution=modified_hausdorff,
    cases=_hausdorff_cases,
    draw=_draw_hausdorff,
    differentiable=(),
    mistakes=(
        Mistake(
            "You look from one drawing alone. A dot lies near any drawing that passes through it; look from the other one too, and take the "
            "larger of the two.",
            (_from_far(lambda d: d.amin(1).mean()), _from_far(lambda d: d.amin(0).mean())),
            hint=1,
        ),
        Mistake(
            "Both directions are there, and joined otherwise: the distance is the larger of the two means.",
            (
                _from_far(lambda d: (d.amin(1).mean() + d.amin(0).mean()) / 2),
                _from_far(lambda d: d.amin(1).mean() + d.amin(0).mean()),
                _from_far(lambda d: torch.minimum(d.amin(1).mean(), d.amin(0).mean())),
                _from_far(lambda d: torch.cat([d.amin(1), d.amin(0)]).mean()),
            ),
            hint=3,
        ),
        Mistake(
            "That is Hausdorff's own distance: one stray dot of ink decides it. The modified one takes the mean over the points.",
            (
                _from_far(lambda d: torch.maximum(d.amin(1).amax(), d.amin(0).amax())),
                _from_far(lambda d: d.amin(1).amax()),
                _from_far(lambda d: torch.maximum(d.amin(1).median(), d.amin(0).median())),
            ),
            hint=2,
        ),
        Mistake(
            "You take the mean over all pairs. Each point looks for the nearest one, and the mean is over points.",
            (_from_far(lambda d: d.mean()), _from_far(lambda d: d.amin())),
            hint=2,
        ),
        Mistake(
            "Each point looks for the farthest one. It is the nearest that counts.",
            (
                _from_far(lambda d: torch.maximum(d.amax(1).mean(), d.amax(0).mean())),
                _from_far(lambda d: d.amax()),
            ),
            hint=2,
        ),
        Mistake(
            "The distances are summed. A long line would be far from everything: take the mean over its points.",
            (_from_far(lambda d: torch.maximum(d.amin(1).sum(), d.amin(0).sum())),),
            hint=2,
        ),
        Mistake(
            "The distances are squared, or not Euclid's.",
            (
                _from_far(lambda d: torch.maximum(d.square().amin(1).mean(), d.square().amin(0).mean())),
                _from_far(
                    lambda d: torch.maximum(d.square().amin(1).mean(), d.square().amin(0).mean()).sqrt()
                ),
                lambda a, b: torch.maximum(
                    torch.cdist(a, b, p=1).amin(1).mean(), torch.cdist(a, b, p=1).amin(0).mean()
                ),
                lambda a, b: torch.maximum(
                    torch.cdist(a, b, p=float("inf")).amin(1).mean(),
                    torch.cdist(a, b, p=float("inf")).amin(0).mean(),
                ),
            ),
            hint=2,
        ),
        Mistake(
            "You return both means. The distance is one number, the larger of them.",
            (
                lambda a, b: (torch.cdist(a, b).amin(1).mean(), torch.cdist(a, b).amin(0).mean()),
                _from_far(lambda d: torch.stack([d.amin(1).mean(), d.amin(0).mean()])),
            ),
            hint=3,
        ),
        Mistake(
            "That is a similarity. Asked for is the distance: 0 for the same drawing, and larger the less they share.",
            (lambda a, b: -modified_hausdorff(a, b), lambda a, b: 1 / (1 + modified_hausdorff(a, b))),
        ),
        Mistake(
            "Yours is 0 whatever the drawings are. Their middles lie on one another already, and in its own drawing a point's nearest "
            "neighbour is itself: look in the other one.",
            (
                lambda a, b: (a.mean(0) - b.mean(0)).norm(),
                lambda a, b: torch.maximum(
                    torch.cdist(a, a).amin(1).mean(), torch.cdist(b, b).amin(1).mean()
                ),
                lambda a, b: torch.cdist(a, a).amin(1).mean(),
            ),
        ),
        Mistake(
            "You measure point by point in the order they come. The points of a drawing have no order.",
            (lambda a, b: (a[: min(len(a), len(b))] - b[: min(len(a), len(b))]).norm(dim=1).mean(),),
        ),
    ),
    hints=(
        "Each point of one drawing looks for the nearest point of the other. Then the same from the other side.",
        "torch.cdist(a, b) holds all distances, [n, m]. .amin(1) is the nearest point of b for each of a, and its .mean() is one direction.",
        "torch.maximum(far.amin(1).mean(), far.amin(0).mean())",
    ),
)

# 18.3 ---------------------------------------------------------------------------------------------------------------


def unmoved_by_order(answer: Callable[..., Tensor], support: Tensor, query: Tensor, order: Tensor) -> Tensor:
    """The share of queries that choose the same support picture when the pictures are shown in another order."""
    before = answer(support, query).argmax(-1)
    after = order[answer(support[order], query).argmax(-1)]
    return (before == after).double().mean()


def _nearest(support: Tensor, query: Tensor) -> Tensor:
    return -torch.cdist(query, support)


def _constant(support: Tensor, query: Tensor) -> Tensor:
    return query.new_zeros(len(query), len(support))


def _by_place(support: Tensor, query: Tensor) -> Tensor:
    """Half of the answer is where a picture stands."""
    return -torch.cdist(query, support) - 0.4 * torch.arange(len(support)).to(query)


def _order_inputs(
    generator: torch.Generator, answer: Callable[..., Tensor], ways: int, queries: int
) -> tuple[Any, ...]:
    support, query = (torch.rand(n, 3, generator=generator, dtype=torch.float64) for n in (ways, queries))
    order = torch.randperm(ways, generator=generator)
    while torch.equal(order[order], torch.arange(ways)):  # an order that is not its own inverse
        order = torch.randperm(ways, generator=generator)
    return answer, support, query, order


def _order_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(183)
    return [
        Case("the nearest picture", _order_inputs(draw, _nearest, 5, 12)),
        Case("the same score for all", _order_inputs(draw, _constant, 6, 7)),
        Case("the nearest picture, and its place", _order_inputs(draw, _by_place, 5, 40)),
    ]


def _draw_order(generator: torch.Generator) -> Case:
    ways = int(torch.randint(4, 8, (), generator=generator))
    return Case(f"drawn, {ways} pictures", _order_inputs(generator, _by_place, ways, 30))


def _compared(change: Callable[[Tensor, Tensor, Tensor], Any]) -> Callable[..., Any]:
    """Something else of the places chosen before and after, and the order."""

    def wrong(answer: Callable[..., Tensor], support: Tensor, query: Tensor, order: Tensor) -> Any:
        return change(answer(support, query).argmax(-1), answer(support[order], query).argmax(-1), order)

    return wrong


def _share(same: Tensor) -> Tensor:
    return same.double().mean()


def _queries_too(answer: Callable[..., Tensor], support: Tensor, query: Tensor, order: Tensor) -> Tensor:
    turned = torch.arange(len(query)).roll(1)
    return _share(
        answer(support, query).argmax(-1) == order[answer(support[order], query[turned]).argmax(-1)]
    )


UNMOVED = Exercise(
    id="18.3",
    title="does the order of the support set matter?",
    solution=unmoved_by_order,
    cases=_order_cases,
    draw=_draw_order,
    outputs=("the share",),
    differentiable=(),
    any_float=True,
    mistakes=(
        Mistake(
            "You compare places. After the shuffle the same picture stands at another place: order[place] says which picture it is.",
            (_compared(lambda before, after, order: _share(before == after)),),
            hint=3,
        ),
        Mistake(
            "You go the wrong way through the order. In support[order] the picture at place k is picture order[k]: the place chosen after the "
            "shuffle goes through order, the one chosen before it does not.",
            (
                _compared(lambda before, after, order: _share(before == order.argsort()[after])),
                _compared(lambda before, after, order: _share(order[before] == after)),
            ),
            hint=3,
        ),
        Mistake(
            "That is the share that moves. Asked for is the share that stays.",
            (
                _compared(lambda before, after, order: _share(before != order[after])),
                _compared(lambda before, after, order: _share(before != after)),
            ),
        ),
        Mistake(
            "That is a count, or percent. Asked for is a share between 0 and 1.",
            (
                _compared(lambda before, after, order: (before == order[after]).sum()),
                _compared(lambda before, after, order: (before == order[after]).double().sum()),
                _compared(lambda before, after, order: 100 * _share(before == order[after])),
            ),
        ),
        Mistake(
            "You ask whether all stay, or any. Asked for is the share of them.",
            (
                _compared(lambda before, after, order: (before == order[after]).all()),
                _compared(lambda before, after, order: (before == order[after]).any()),
                _compared(lambda before, after, order: (before == order[after]).all().double()),
                _compared(lambda before, after, order: (before == order[after]).any().double()),
            ),
        ),
        Mistake(
            "You ask the same question twice, so that nothing can move. The second time the support set stands in another order.",
            (
                lambda answer, support, query, order: _share(
                    answer(support, query).argmax(-1) == answer(support, query).argmax(-1)
                ),
                lambda answer, support, query, order: _share(
                    answer(support, query).argmax(-1) == order[answer(support, query).argmax(-1)]
                ),
            ),
            hint=2,
        ),
        Mistake(
            "You take the smallest score. The answer is the picture with the largest.",
            (
                lambda answer, support, query, order: _share(
                    answer(support, query).argmin(-1) == order[answer(support[order], query).argmin(-1)]
                ),
            ),
        ),
        Mistake(
            "You look along the queries. Each query chooses among the support pictures: argmax(-1).",
            (
                lambda answer, support, query, order: _share(
                    answer(support, query).argmax(0) == answer(support[order], query).argmax(0)
                ),
            ),
        ),
        Mistake(
            "You compare scores. They may differ in the last digit although the answer is the same; compare what is chosen.",
            (
                lambda answer, support, query, order: _share(
                    answer(support, query) == answer(support[order], query)
                ),
                lambda answer, support, query, order: _share(
                    answer(support, query)[:, order] == answer(support[order], query)
                ),
                lambda answer, support, query, order: _share(
                    (answer(support, query)[:, order] == answer(support[order], query)).all(-1)
                ),
            ),
        ),
        Mistake(
            "The queries are in another order too, so that each is compared with another one. Only the support set moves.",
            (_queries_too,),
        ),
        Mistake(
            "You return the answers one by one. Asked for is one number, their mean.",
            (
                _compared(lambda before, after, order: before == order[after]),
                _compared(lambda before, after, order: (before == order[after]).double()),
            ),
        ),
    ),
    hints=(
        "Ask twice, with the same pictures and the support set in another order, and compare which picture is chosen.",
        "answer(support[order], query).argmax(-1) gives places in the shuffled set.",
        "The picture at place k of support[order] is picture order[k]. So order[places] are pictures again; compare them with what was chosen before, and take the mean.",
    ),
)

EXERCISES = (MATCHING, HAUSDORFF, UNMOVED)
