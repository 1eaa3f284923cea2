"""The exercises of lesson 17: NT-Xent, finding partners, and a target that is held still."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake

Wrong = Callable[..., Any]


def _unit(x: Tensor) -> Tensor:
    return F.normalize(x, dim=-1)


def _views(seed: int, count: int, size: int) -> tuple[Tensor, Tensor]:
    """Rows of two views: partners are alike, and none is of length one."""
    g = torch.Generator().manual_seed(seed)
    first, noise, long = (torch.randn(count, size, generator=g, dtype=torch.float64) for _ in range(3))
    return first, (first + 0.7 * noise) * (0.5 + long[:, :1].abs())


# 17.1 ---------------------------------------------------------------------------------------------------------------


def nt_xent(a: Tensor, b: Tensor, temperature: float) -> Tensor:
    """Each of 2 N views asked for its partner among all other views: the mean loss."""
    both = F.normalize(torch.cat([a, b]), dim=-1)
    similar = both @ both.T / temperature
    similar = similar.masked_fill(torch.eye(len(both), dtype=torch.bool), -torch.inf)
    count = len(a)
    partner = torch.cat([torch.arange(count) + count, torch.arange(count)])
    return F.cross_entropy(similar, partner)


def _nt_cases() -> list[Case]:
    return [
        Case("four pictures, temperature 0.5", (*_views(1, 4, 3), 0.5)),
        Case("six pictures, temperature 0.2", (*_views(2, 6, 5), 0.2)),
        Case("three pictures, as many features, temperature 1.5", (*_views(3, 3, 3), 1.5)),
    ]


def _draw_nt(generator: torch.Generator) -> Case:
    count, size = (int(torch.randint(3, 8, (), generator=generator)) for _ in range(2))
    temperature = 0.2 + float(torch.rand((), generator=generator, dtype=torch.float64))
    return Case(
        f"drawn, {count} pictures, temperature {temperature:.2f}",
        (*_views(int(torch.randint(99, (), generator=generator)), count, size), temperature),
    )


def _all_views(
    change: Callable[[Tensor, int, float], Any], unit: Callable[[Tensor], Tensor] = _unit
) -> Wrong:
    """A wrong answer out of the cosines of all views [2 N, 2 N], N and the temperature."""

    def wrong(a: Tensor, b: Tensor, temperature: float) -> Any:
        both = unit(torch.cat([a, b]))
        return change(both @ both.T, len(a), temperature)

    return wrong


def _two_sides(change: Callable[[Tensor, float], Any], unit: Callable[[Tensor], Tensor] = _unit) -> Wrong:
    """A wrong answer out of the cosines of b with a alone, [N, N]."""
    return lambda a, b, temperature: change(unit(b) @ unit(a).T, temperature)


def _without_itself(s: Tensor, fill: float = -torch.inf) -> Tensor:
    return s.masked_fill(torch.eye(len(s), dtype=torch.bool), fill)


def _partner(n: int) -> Tensor:
    return torch.cat([torch.arange(n) + n, torch.arange(n)])


def _right(s: Tensor, n: int, t: float, **how: Any) -> Tensor:
    return F.cross_entropy(_without_itself(s / t), _partner(n), **how)


def _odds(s: Tensor, n: int, t: float) -> Tensor:
    """The partner over the others, without the partner below the line."""
    logits = _without_itself(s / t)
    own = logits[torch.arange(2 * n), _partner(n)]
    rest = logits.scatter(1, _partner(n)[:, None], -torch.inf)
    return (rest.logsumexp(1) - own).mean()


def _same_side_only(s: Tensor, n: int, t: float) -> Tensor:
    """The partner and the own side; the other side's strangers are missing."""
    logits = _without_itself(s / t)
    own = logits[torch.arange(2 * n), _partner(n)]
    side = torch.cat([logits[:n, :n], logits[n:, n:]])
    return (torch.cat([own[:, None], side], 1).logsumexp(1) - own).mean()


NT_XENT = Exercise(
    id="17.1",
    title="NT-Xent, the loss of two views",
    solution=nt_xent,
    cases=_nt_cases,
    draw=_draw_nt,
    outputs=("the loss",),
    differentiable=("a", "b"),
    mistakes=(
        Mistake(
            "That is the matching loss: each view of one side among the views of the other. NT-Xent asks among all other views, "
            "those of its own side included.",
            (
                _two_sides(lambda s, t: F.cross_entropy(s / t, torch.arange(len(s)))),
                _two_sides(lambda s, t: F.cross_entropy(s.T / t, torch.arange(len(s)))),
                _two_sides(
                    lambda s, t: (F.cross_entropy(s / t, torch.arange(len(s))) + F.cross_entropy(s.T / t, torch.arange(len(s)))) / 2
                ),
                _two_sides(
                    lambda s, t: F.cross_entropy(s / t, torch.arange(len(s))) + F.cross_entropy(s.T / t, torch.arange(len(s)))
                ),
            ),
            hint=1,
        ),
        Mistake(
            "A view is compared with itself: cosine 1, the largest there is, so every view loses against itself. Put -inf there.",
            (
                _all_views(lambda s, n, t: F.cross_entropy(s / t, _partner(n))),
                _all_views(lambda s, n, t: F.cross_entropy(_without_itself(s / t, 0.0), _partner(n))),
                _all_views(lambda s, n, t: F.cross_entropy((s - torch.eye(2 * n)) / t, _partner(n))),
                _all_views(lambda s, n, t: F.cross_entropy((s * (1 - torch.eye(2 * n))) / t, _partner(n))),
                _all_views(lambda s, n, t: F.cross_entropy(_without_itself(s / t, -1.0), _partner(n))),
                _all_views(lambda s, n, t: F.cross_entropy(_without_itself(s, -1.0) / t, _partner(n))),
            ),
            hint=3,
        ),
        Mistake(
            "Rows are not at length one: a long row is then similar to all others. Divide each by its length first.",
            (
                _all_views(lambda s, n, t: _right(s, n, t), lambda x: x),
                _all_views(lambda s, n, t: _right(s, n, t), lambda x: x / x.norm()),
                _all_views(lambda s, n, t: _right(s, n, t), lambda x: F.normalize(x, dim=0)),
                _all_views(lambda s, n, t: _right(s, n, t), lambda x: x / x.sum(-1, keepdim=True)),
                _all_views(lambda s, n, t: _right(s, n, t), lambda x: x / x.square().sum(-1, keepdim=True)),
                _all_views(lambda s, n, t: _right(s, n, t), lambda x: x.softmax(-1)),
            ),
            hint=2,
        ),
        Mistake(
            "The temperature divides the cosines: a small one makes the softmax sharp.",
            (
                _all_views(lambda s, n, t: _right(s, n, 1 / t)),
                _all_views(lambda s, n, t: _right(s, n, 1.0)),
                _all_views(lambda s, n, t: _right(s, n, 1.0) / t),
                _all_views(lambda s, n, t: _right(s, n, t) * t),
                _all_views(lambda s, n, t: _right(s, n, t**0.5)),
                _all_views(lambda s, n, t: _right(s, n, t * t)),
                _all_views(lambda s, n, t: _right(s, n, 2 * t)),
            ),
        ),
        Mistake(
            "The wrong view is called right. View n of the first N has its partner at n + N, view n of the last N at n - N.",
            (
                _all_views(lambda s, n, t: F.cross_entropy(_without_itself(s / t), torch.arange(2 * n).flip(0))),
                _all_views(lambda s, n, t: F.cross_entropy(_without_itself(s / t), (torch.arange(2 * n) + 1) % (2 * n))),
                _all_views(lambda s, n, t: F.cross_entropy(_without_itself(s / t), torch.arange(2 * n) ^ 1)),
                _all_views(lambda s, n, t: F.cross_entropy(s / t, torch.arange(2 * n))),
                _all_views(lambda s, n, t: F.cross_entropy(_without_itself(s / t), torch.arange(2 * n))),
                _all_views(lambda s, n, t: F.cross_entropy(s / t, torch.arange(2 * n) % n)),
                _all_views(lambda s, n, t: F.cross_entropy(_without_itself(s / t, -1e9), torch.arange(2 * n) % n)),
                _all_views(lambda s, n, t: F.cross_entropy(_without_itself(s / t), torch.arange(2 * n) % n)),
            ),
            hint=3,
        ),
        Mistake(
            "Only one side is asked. All 2 N views look for their partner; the loss is the mean over all of them.",
            (
                _all_views(lambda s, n, t: F.cross_entropy(_without_itself(s / t)[:n], _partner(n)[:n])),
                _all_views(lambda s, n, t: F.cross_entropy(_without_itself(s / t)[n:], _partner(n)[n:])),
            ),
        ),
        Mistake(
            "That is the sum over views, or half of it. Asked for is the mean over all 2 N.",
            (
                _all_views(lambda s, n, t: _right(s, n, t, reduction="sum")),
                _all_views(lambda s, n, t: _right(s, n, t, reduction="sum") / n),
                _all_views(lambda s, n, t: _right(s, n, t) / 2),
                _all_views(lambda s, n, t: _right(s, n, t, reduction="none")),
            ),
        ),
        Mistake(
            "The partner is missing below the line. The softmax runs over all other views, the partner included.",
            (_all_views(_odds),),
        ),
        Mistake(
            "The other side's strangers are missing. Each view is asked among all other 2 N - 1.",
            (_all_views(_same_side_only),),
        ),
        Mistake(
            "The sign is wrong: this grows when partners come together. A loss is minus the log of the right one's share.",
            (_all_views(lambda s, n, t: -_right(s, n, t)),),
        ),
        Mistake(
            "The logarithm is missing, or the softmax: the loss of a view is minus the log of its partner's share.",
            (
                _all_views(lambda s, n, t: (-_right(s, n, t, reduction="none")).exp().mean()),
                _all_views(lambda s, n, t: -(-_right(s, n, t, reduction="none")).exp().mean()),
                _all_views(lambda s, n, t: 1 - (-_right(s, n, t, reduction="none")).exp().mean()),
                _all_views(lambda s, n, t: -s[torch.arange(2 * n), _partner(n)].mean() / t),
                _all_views(lambda s, n, t: 1 - s[torch.arange(2 * n), _partner(n)].mean()),
                _all_views(lambda s, n, t: -(-_right(s, n, t, reduction="none")).exp().mean().log()),
            ),
        ),
        Mistake(
            "The softmax is taken twice: F.cross_entropy takes it itself. Give it the cosines over the temperature.",
            (
                _all_views(lambda s, n, t: F.cross_entropy(_without_itself(s / t).softmax(-1), _partner(n))),
                _all_views(lambda s, n, t: F.cross_entropy((s / t).softmax(-1), _partner(n))),
            ),
        ),
        Mistake(
            "That compares by distance. NT-Xent compares by cosine: products of rows at length one.",
            (
                lambda a, b, t: F.cross_entropy(_without_itself(-torch.cdist(_unit(torch.cat([a, b])), _unit(torch.cat([a, b]))) / t), _partner(len(a))),
                lambda a, b, t: F.cross_entropy(_without_itself(-torch.cdist(torch.cat([a, b]), torch.cat([a, b])).square() / t), _partner(len(a))),
                lambda a, b, t: F.cross_entropy(_without_itself(-torch.cdist(_unit(torch.cat([a, b])), _unit(torch.cat([a, b]))).square() / t), _partner(len(a))),
            ),
        ),
        Mistake(
            "One of the two views is cut off from the gradient. Both sides learn here: leave out .detach().",
            (
                lambda a, b, t: nt_xent(a.detach(), b, t),
                lambda a, b, t: nt_xent(a, b.detach(), t),
                lambda a, b, t: nt_xent(a.detach(), b.detach(), t),
            ),
        ),
    ),
    hints=(
        "One matrix: put both sides into 2 N rows and compare every row with every other. Then it is a classification with 2 N classes.",
        "both = F.normalize(torch.cat([a, b]), dim=-1) are rows of length one; both @ both.T / temperature are the logits.",
        "masked_fill with torch.eye(2 * n, dtype=torch.bool) puts -inf on the diagonal. The right class of row n is n + N in the first half and n - N in the second: F.cross_entropy does the rest.",
    ),
)  # fmt: skip

# 17.2 ---------------------------------------------------------------------------------------------------------------


def partners_found(a: Tensor, b: Tensor) -> Tensor:
    """The share of rows of b whose nearest row of a, by cosine, is their partner."""
    nearest = (F.normalize(b, dim=-1) @ F.normalize(a, dim=-1).T).argmax(-1)
    return (nearest == torch.arange(len(a))).double().mean()


def _found_cases() -> list[Case]:
    return [
        Case("eight pictures of three numbers", _mixed_up(4, 8, 3)),
        Case("ten pictures of four numbers", _mixed_up(5, 10, 4)),
        Case("six pictures, rows of very different length", _mixed_up(11, 6, 3)),
    ]


def _mixed_up(seed: int, count: int, size: int) -> tuple[Tensor, Tensor]:
    """Rows of which some are nearest to their partner and some are not, of very different lengths."""
    g = torch.Generator().manual_seed(seed)
    first, noise = (torch.randn(count, size, generator=g, dtype=torch.float64) for _ in range(2))
    long = torch.randn(2, count, 1, generator=g, dtype=torch.float64).exp()
    return first * long[0], (first + 0.9 * noise) * long[1]


def _draw_found(generator: torch.Generator) -> Case:
    count, size, seed = (
        int(torch.randint(low, high, (), generator=generator)) for low, high in ((6, 14), (3, 6), (0, 999))
    )
    return Case(f"drawn, {count} pictures of {size} numbers", _mixed_up(seed, count, size))


def _nearest(change: Callable[[Tensor], Any], unit: Callable[[Tensor], Tensor] = _unit) -> Wrong:
    """A wrong answer out of the cosines of b with a, [N, N]."""
    return lambda a, b: change(unit(b) @ unit(a).T)


def _share(hit: Tensor) -> Tensor:
    return hit.double().mean()


def _places(s: Tensor) -> Tensor:
    return torch.arange(len(s))


FOUND = Exercise(
    id="17.2",
    title="how often the nearest is the partner",
    solution=partners_found,
    cases=_found_cases,
    draw=_draw_found,
    any_float=True,
    outputs=("the share",),
    differentiable=(),
    mistakes=(
        Mistake(
            "Each row of a looks for its partner among b here. Asked is the other way: queries b, support a. argmax(-1) of b @ a.T.",
            (
                _nearest(lambda s: _share(s.argmax(0) == _places(s))),
                lambda a, b: _share((_unit(a) @ _unit(b).T).argmax(-1) == torch.arange(len(a))),
            ),
            hint=2,
        ),
        Mistake(
            "Rows are not at length one, or not along the features: a long row of a is then the nearest for all. Normalise both, dim=-1.",
            (
                _nearest(lambda s: _share(s.argmax(-1) == _places(s)), lambda x: x),
                _nearest(lambda s: _share(s.argmax(-1) == _places(s)), lambda x: F.normalize(x, dim=0)),
                lambda a, b: _share((_unit(b) @ a.T).argmax(-1) == torch.arange(len(a))),
                _nearest(
                    lambda s: _share(s.argmax(-1) == _places(s)), lambda x: x - x.mean(-1, keepdim=True)
                ),
            ),
            hint=2,
        ),
        Mistake(
            "That is the nearest by distance of the rows as they are. By cosine, only the direction counts.",
            (lambda a, b: _share(torch.cdist(b, a).argmin(-1) == torch.arange(len(a))),),
            hint=2,
        ),
        Mistake(
            "argmin finds the least similar. With cosines the nearest is the largest.",
            (_nearest(lambda s: _share(s.argmin(-1) == _places(s))),),
        ),
        Mistake(
            "You count those that are lost. Asked for is the share that is found.",
            (_nearest(lambda s: _share(s.argmax(-1) != _places(s))),),
        ),
        Mistake(
            "That is a count, or percent. Asked for is a share between 0 and 1.",
            (
                _nearest(lambda s: (s.argmax(-1) == _places(s)).double().sum()),
                _nearest(lambda s: (s.argmax(-1) == _places(s)).sum()),
                _nearest(lambda s: 100 * _share(s.argmax(-1) == _places(s))),
            ),
        ),
        Mistake(
            "One yes or no for each query. Asked for is one number: their mean.",
            (
                _nearest(lambda s: s.argmax(-1) == _places(s)),
                _nearest(lambda s: (s.argmax(-1) == _places(s)).double()),
                _nearest(lambda s: (s.argmax(-1) == _places(s)).all().double()),
            ),
        ),
        Mistake(
            "That is how similar partners are, or how likely. Found or not is decided among all: is the partner the most similar?",
            (
                _nearest(lambda s: s.diagonal().mean()),
                _nearest(lambda s: s.softmax(-1).diagonal().mean()),
                _nearest(lambda s: _share(s.diagonal() > 0.5)),
                _nearest(lambda s: _share(s.diagonal() > 0)),
                _nearest(lambda s: _share(s.diagonal() > s.mean())),
                _nearest(lambda s: _share(s.diagonal() > s.mean(-1))),
                _nearest(lambda s: _share(s.diagonal() > 0.9)),
            ),
            hint=1,
        ),
        Mistake(
            "A row is asked for itself here: one side with the same side. Compare b with a.",
            (
                lambda a, b: _share((_unit(a) @ _unit(a).T).argmax(-1) == torch.arange(len(a))),
                lambda a, b: _share((_unit(b) @ _unit(b).T).argmax(-1) == torch.arange(len(a))),
            ),
        ),
        Mistake(
            "Among the two or three nearest is not enough: the partner must be the first.",
            (
                _nearest(lambda s: _share((s.topk(2, -1).indices == _places(s)[:, None]).any(-1))),
                _nearest(lambda s: _share((s.topk(3, -1).indices == _places(s)[:, None]).any(-1))),
            ),
        ),
        Mistake(
            "Both must find each other here. Asked for is one direction: does the query find its support picture?",
            (_nearest(lambda s: _share((s.argmax(-1) == _places(s)) & (s.argmax(0) == _places(s)))),),
        ),
    ),
    hints=(
        "It is the accuracy of a task with one shot: each row of b is a query, each row of a a class of its own.",
        "F.normalize(b, dim=-1) @ F.normalize(a, dim=-1).T are the cosines, a row for each query; argmax(-1) says which support row is nearest.",
        "The partner of query n is support row n: compare with torch.arange(len(a)) and take the mean of the yeses, as numbers.",
    ),
)

# 17.3 ---------------------------------------------------------------------------------------------------------------


def pull(predicted: Tensor, target: Tensor) -> Tensor:
    """2 - 2 cosine, the mean over rows; no gradient enters the target."""
    return (2 - 2 * F.cosine_similarity(predicted, target.detach(), dim=-1)).mean()


def _pull_cases() -> list[Case]:
    return [
        Case("four rows of three numbers", _views(7, 4, 3)),
        Case("six rows of five numbers", _views(8, 6, 5)),
    ]


def _draw_pull(generator: torch.Generator) -> Case:
    count, size, seed = (
        int(torch.randint(low, high, (), generator=generator)) for low, high in ((2, 7), (3, 7), (0, 999))
    )
    return Case(f"drawn, {count} rows of {size} numbers", _views(seed, count, size))


def _look(answer: Callable[..., Any], predicted: Tensor, target: Tensor) -> tuple[Any, Any, Any]:
    """The loss, and its gradients for the prediction and for the target; zeros where none flows."""
    p, t = (each.detach().clone().requires_grad_() for each in (predicted, target))
    loss = answer(p, t)
    if not isinstance(loss, Tensor) or loss.numel() != 1 or not loss.requires_grad:
        return loss.detach() if isinstance(loss, Tensor) else loss, torch.zeros_like(p), torch.zeros_like(t)
    found = torch.autograd.grad(loss.sum(), [p, t], allow_unused=True, materialize_grads=True)
    return loss.detach(), found[0], found[1]


def _cosines(change: Callable[[Tensor], Tensor]) -> Wrong:
    """A wrong answer out of each row's cosine, its target held still."""
    return lambda p, t: change(F.cosine_similarity(p, t.detach(), dim=-1))


PULL = Exercise(
    id="17.3",
    title="pulled to a target that is held still",
    solution=pull,
    cases=_pull_cases,
    draw=_draw_pull,
    observe=_look,
    outputs=("the loss", "the gradient for the prediction", "the gradient for the target"),
    mistakes=(
        Mistake(
            "The number is right, and the target moves, too: its gradient is not zero. Hold it still with target.detach().",
            (
                lambda p, t: (2 - 2 * F.cosine_similarity(p, t, dim=-1)).mean(),
                lambda p, t: (_unit(p) - _unit(t)).square().sum(-1).mean(),
            ),
            hint=2,
        ),
        Mistake(
            "You hold the prediction still and let the target move. It is the other way round: the predictor learns.",
            (
                lambda p, t: (2 - 2 * F.cosine_similarity(p.detach(), t, dim=-1)).mean(),
                lambda p, t: (_unit(p.detach()) - _unit(t)).square().sum(-1).mean(),
            ),
            hint=2,
        ),
        Mistake(
            "Nothing learns: both are cut off. Only the target is held still.",
            (
                lambda p, t: pull(p.detach(), t),
                lambda p, t: pull(p, t).detach(),
            ),
            hint=2,
        ),
        Mistake(
            "The sign is wrong: this pushes the two views apart.",
            (
                _cosines(lambda c: (2 * c - 2).mean()),
                _cosines(lambda c: (2 * c).mean()),
                _cosines(lambda c: (2 + 2 * c).mean()),
                _cosines(lambda c: c.mean()),
            ),
            hint=3,
        ),
        Mistake(
            "A constant or a factor is off: the squared distance of two rows at length one is 2 - 2 cosine.",
            (
                _cosines(lambda c: (1 - c).mean()),
                _cosines(lambda c: (-c).mean()),
                _cosines(lambda c: (-2 * c).mean()),
                _cosines(lambda c: (1 - 2 * c).mean()),
                _cosines(lambda c: (2 - c).mean()),
                lambda p, t: (_unit(p) - _unit(t.detach())).square().mean(),
                lambda p, t: (_unit(p) - _unit(t.detach())).norm(dim=-1).mean(),
            ),
            hint=3,
        ),
        Mistake(
            "That is the sum over rows, or one number a row. Asked for is the mean.",
            (
                _cosines(lambda c: (2 - 2 * c).sum()),
                _cosines(lambda c: 2 - 2 * c),
            ),
        ),
        Mistake(
            "Lengths count here. Bring both rows to length one first: only their directions are compared.",
            (
                lambda p, t: (p - t.detach()).square().sum(-1).mean(),
                lambda p, t: F.mse_loss(p, t.detach()),
                lambda p, t: (2 - 2 * (p * t.detach()).sum(-1)).mean(),
                lambda p, t: (2 - 2 * (_unit(p) * t.detach()).sum(-1)).mean(),
                lambda p, t: (2 - 2 * (p * _unit(t.detach())).sum(-1)).mean(),
                lambda p, t: (_unit(p) - t.detach()).square().sum(-1).mean(),
            ),
            hint=3,
        ),
        Mistake(
            "The cosine runs along the wrong axis, or over all rows at once. A row is one picture: dim=-1.",
            (
                lambda p, t: (2 - 2 * F.cosine_similarity(p, t.detach(), dim=0)).mean(),
                lambda p, t: 2 - 2 * F.cosine_similarity(p.flatten(), t.detach().flatten(), dim=0),
                lambda p, t: 2 - 2 * F.cosine_similarity(p.mean(0), t.detach().mean(0), dim=0),
            ),
        ),
        Mistake(
            "Every row is compared with every other. Here are no other pictures: row n with row n.",
            (
                lambda p, t: (2 - 2 * _unit(p) @ _unit(t.detach()).T).mean(),
                lambda p, t: F.cross_entropy(_unit(p) @ _unit(t.detach()).T, torch.arange(len(p))),
            ),
        ),
    ),
    hints=(
        "No other pictures, no softmax: row n of the prediction is to point where row n of the target points.",
        "target.detach() has the same numbers and lets no gradient through.",
        "With rows at length one the squared distance is 2 - 2 cosine: F.cosine_similarity(..., dim=-1) gives a cosine for each row; take the mean.",
    ),
)

EXERCISES = (NT_XENT, FOUND, PULL)
