"""The exercises of lesson 21: a gain on the same tasks with its interval, and ridge regression as the reader."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake
from mlteach.measure import over_seeds, over_tasks

Wrong = Callable[..., Any]

# 21.1 ---------------------------------------------------------------------------------------------------------------


def paired(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """The mean gain of the second method over the first on the same tasks, and half of its 95 % interval."""
    difference = second - first
    return difference.mean(), 1.96 * difference.std() / len(difference) ** 0.5


def _tasks(generator: torch.Generator, count: int, gain: float, shared: float) -> tuple[Tensor, Tensor]:
    """Percent right of two methods, of which ``shared`` says how much of what is hard for the first is hard for the second."""
    hard, *own = (4 * torch.randn(count, generator=generator, dtype=torch.float64) for _ in range(3))
    first = 75 + hard + 0.4 * own[0]
    return first, 75 + gain + shared * hard + 0.4 * own[1]


def _paired_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(211)
    return [
        Case("20 tasks, hard for both or for neither", _tasks(draw, 20, 1.5, 1.0)),
        Case("300 tasks, the second method is worse", _tasks(draw, 300, -2.0, 1.3)),
        Case("50 tasks, what is hard for one is easy for the other", _tasks(draw, 50, 1.0, -0.8)),
    ]


def _draw_paired(generator: torch.Generator) -> Case:
    count = int(torch.randint(8, 400, (), generator=generator))
    gain, shared = (4 * torch.rand(2, generator=generator, dtype=torch.float64) - 2).tolist()
    return Case(f"drawn, {count} tasks", _tasks(generator, count, gain, shared))


def _pair(
    by: Callable[[Tensor, Tensor], Tensor] = lambda a, b: b - a,
    mean: Callable[[Tensor], Tensor] = torch.mean,
    spread: Callable[[Tensor], Tensor] = torch.std,
    factor: float = 1.96,
    power: float = 0.5,
) -> Wrong:
    """Both numbers from other differences, another middle, another spread, factor or power of n."""

    def wrong(first: Tensor, second: Tensor) -> Any:
        difference = by(first, second)
        return mean(difference), factor * spread(difference) / len(difference) ** power

    return wrong


def _half(half: Callable[[Tensor, Tensor], Any]) -> Wrong:
    """The right gain beside another half width."""
    return lambda first, second: ((second - first).mean(), half(first, second))


def _gain(gain: Callable[[Tensor, Tensor], Any]) -> Wrong:
    """Another gain beside the right half width."""
    return lambda first, second: (gain(first, second), paired(first, second)[1])


def _width(values: Tensor) -> Tensor:
    return 1.96 * values.std() / len(values) ** 0.5


def _overlap(first: Tensor, second: Tensor) -> Tensor:
    top = torch.minimum(first.mean() + _width(first), second.mean() + _width(second))
    return top - torch.maximum(first.mean() - _width(first), second.mean() - _width(second))


def _is_students(inputs: tuple[Any, ...], right: Any, came: Any) -> bool:
    """Whether the gain is right and the half width is that of Student's t."""
    difference = inputs[1] - inputs[0]
    wider = over_seeds(difference.tolist()).half_width / over_tasks(difference).half_width
    return abs(float(came[0] / right[0]) - 1) < 1e-6 and abs(float(came[1] / right[1]) - wider) < 4e-3


PAIRED = Exercise(
    id="21.1",
    title="a gain on the same tasks, and how sure it is",
    solution=paired,
    cases=_paired_cases,
    draw=_draw_paired,
    differentiable=(),
    outputs=("the gain", "half of its interval"),
    tolerance=5e-5,  # of 1.96, three digits of 1.959964, both are right
    mistakes=(
        Mistake(
            "You add the variances of the two methods, as if each had had tasks of its own. These are the same tasks: what is hard for one is hard "
            "for the other, and that drops out of each task's difference.",
            (
                _half(lambda a, b: 1.96 * ((a.var() + b.var()) / len(a)).sqrt()),
                _half(lambda a, b: ((a.var() + b.var()) / len(a)).sqrt()),
                _half(lambda a, b: 1.96 * (a.var() + b.var()).sqrt()),
                _half(lambda a, b: 1.96 * ((a.var(correction=0) + b.var(correction=0)) / len(a)).sqrt()),
                _half(lambda a, b: 1.96 * ((a.var() + b.var()) / 2 / len(a)).sqrt()),
                _half(lambda a, b: 1.96 * (a.var() + b.var()) / len(a)),
            ),
            hint=1,
        ),
        Mistake(
            "You put both methods into one pot. Its spread tells how much tasks differ; what counts is how much the differences do.",
            (
                _half(lambda a, b: 1.96 * torch.cat([a, b]).std() / len(a) ** 0.5),
                _half(lambda a, b: 1.96 * torch.cat([a, b]).std() / (2 * len(a)) ** 0.5),
                _half(lambda a, b: 1.96 * torch.cat([a - a.mean(), b - b.mean()]).std() / len(a) ** 0.5),
            ),
            hint=1,
        ),
        Mistake(
            "You put two half widths together, one of each method. The half width of the difference is none of their sums: take the difference "
            "of each task first.",
            (
                _half(lambda a, b: _width(a) + _width(b)),
                _half(lambda a, b: (_width(a) + _width(b)) / 2),
                _half(lambda a, b: (_width(a) + _width(b)) / 1.96),
                _half(lambda a, b: _width(b) - _width(a)),
                _half(lambda a, b: (_width(b) - _width(a)).abs()),
                _half(lambda a, b: torch.maximum(_width(a), _width(b))),
                _half(lambda a, b: torch.minimum(_width(a), _width(b))),
            ),
            hint=1,
        ),
        Mistake(
            "You ask whether two intervals overlap. They may, and the gain be sure all the same: the interval of the difference is asked for.",
            (
                _half(_overlap),
                _half(lambda a, b: _overlap(a, b).clamp(min=0)),
                _half(lambda a, b: _overlap(a, b) / 2),
                _half(lambda a, b: float(_overlap(a, b) > 0)),
                _half(lambda a, b: float(_overlap(a, b) <= 0)),
            ),
            hint=1,
        ),
        Mistake(
            "That is the interval of one method alone. The gain needs that of the difference.",
            (
                _half(lambda a, b: _width(a)),
                _half(lambda a, b: _width(b)),
                _half(lambda a, b: a.std() / len(a) ** 0.5),
                _half(lambda a, b: b.std() / len(b) ** 0.5),
                _half(lambda a, b: 1.96 * a.std()),
                _half(lambda a, b: 1.96 * b.std()),
            ),
            hint=1,
        ),
        Mistake(
            "The gain has its sign turned. What the second method gains over the first is second - first.",
            (_pair(by=lambda a, b: a - b),),
        ),
        Mistake(
            "You take sizes without their sign. A task that got worse counts against the gain.",
            (
                _pair(by=lambda a, b: (b - a).abs()),
                _gain(lambda a, b: (b - a).abs().mean()),
                _half(lambda a, b: _width((b - a).abs())),
                _gain(lambda a, b: (b - a).mean().abs()),
                _pair(by=lambda a, b: (b - a).square()),
                _pair(by=lambda a, b: (b - a).clamp(min=0)),
            ),
        ),
        Mistake(
            "That is the standard deviation: how far one task is from the mean, however many there are. How far the mean may be off falls with the "
            "root of their number.",
            (_pair(power=0), _pair(power=0, factor=1), _pair(power=0, factor=1, spread=lambda d: d.std(correction=0))),
            hint=2,
        ),
        Mistake(
            "You divide by the number of tasks. The standard error falls with its root.",
            (_pair(power=1), _pair(power=1, factor=1)),
            hint=2,
        ),
        Mistake(
            "A power binds before a division: n ** 1 / 2 is half of n. Write n ** 0.5.",
            (_half(lambda a, b: 1.96 * (b - a).std() / len(a) ** 1 / 2),),
            hint=2,
        ),
        Mistake(
            "Under the root stands the number of tasks, each counted once. The n - 1 is in std() already.",
            (
                _half(lambda a, b: 1.96 * (b - a).std() / (len(a) - 1) ** 0.5),
                _half(lambda a, b: 1.96 * (b - a).std() / (2 * len(a)) ** 0.5),
                _half(lambda a, b: 1.96 * (b - a).std() / (2 * len(a) - 2) ** 0.5),
            ),
            hint=2,
        ),
        Mistake(
            "You multiply by the root of the number of tasks. The more tasks, the surer the gain: divide.",
            (_pair(power=-0.5), _pair(power=-0.5, factor=1)),
            hint=2,
        ),
        Mistake(
            "That is a variance. The standard error has a root over it.",
            (
                _pair(spread=torch.var),
                _pair(spread=torch.var, power=1),
                _pair(spread=torch.var, power=1, factor=1),
                _pair(spread=torch.var, power=0),
                _pair(spread=torch.var, power=0, factor=1),
                _half(lambda a, b: 1.96**2 * (b - a).var() / len(a)),
            ),
            hint=2,
        ),
        Mistake(
            "You divide the squares by n. These tasks are a sample of all there are: n - 1, which std() does by itself.",
            (
                _pair(spread=lambda d: d.std(correction=0)),
                _pair(spread=lambda d: d.std(correction=0), factor=1),
                _pair(spread=lambda d: d.std(correction=0), factor=3.92),
            ),
            hint=2,
        ),
        Mistake(
            "That is one standard error. The 95 % interval reaches 1.96 of them to each side.",
            (_pair(factor=1),),
            hint=3,
        ),
        Mistake(
            "That is the whole width. Asked for is half of it, the number after ±.",
            (_pair(factor=3.92),),
            hint=3,
        ),
        Mistake(
            "Your factor is not that of a 95 % interval, which is 1.96.",
            tuple(_pair(factor=factor) for factor in (1.645, 2.576, 2, 3, 0.98, 0.95, 1.69, 1.28)),
            hint=3,
        ),
        Mistake(
            "That is Student's t, which is for a handful of runs. Over tasks the papers take 1.96, and so does this exercise.",
            (),
            looks=_is_students,
        ),
        Mistake(
            "You divide by a method's percent. The gain is asked for in percentage points, so that nothing is divided.",
            (
                _pair(by=lambda a, b: 100 * (b - a) / a),
                _pair(by=lambda a, b: (b - a) / a),
                _pair(by=lambda a, b: b / a),
                _pair(by=lambda a, b: (b - a) / b),
                _pair(by=lambda a, b: 100 * (b - a) / b),
                _gain(lambda a, b: 100 * (b.mean() - a.mean()) / a.mean()),
                _gain(lambda a, b: (b.mean() - a.mean()) / a.mean()),
                _gain(lambda a, b: 100 * ((b - a) / a).mean()),
                _pair(by=lambda a, b: (b - a) / (100 - a)),
            ),
        ),
        Mistake(
            "The numbers are percent already. You multiply or divide by a hundred once more.",
            (
                _pair(by=lambda a, b: 100 * (b - a)),
                _pair(by=lambda a, b: (b - a) / 100),
                _gain(lambda a, b: 100 * (b - a).mean()),
                _gain(lambda a, b: (b - a).mean() / 100),
                _half(lambda a, b: 100 * _width(b - a)),
                _half(lambda a, b: _width(b - a) / 100),
            ),
        ),
        Mistake(
            "You take the formula of single right or wrong answers, p (1 - p). Here each number is a task's: use the spread of the differences.",
            (
                _half(lambda a, b: 1.96 * (b.mean() * (100 - b.mean()) / len(a)).sqrt()),
                _half(lambda a, b: 1.96 * (a.mean() * (100 - a.mean()) / len(a)).sqrt()),
                _half(lambda a, b: 1.96 * ((a.mean() * (100 - a.mean()) + b.mean() * (100 - b.mean())) / len(a)).sqrt()),
            ),
        ),
        Mistake(
            "You take the median. Asked for is the mean: its standard error is that of the formula.",
            (
                _pair(mean=torch.median),
                _pair(mean=lambda d: d.quantile(0.5)),
                _gain(lambda a, b: b.median() - a.median()),
                _gain(lambda a, b: b.quantile(0.5) - a.quantile(0.5)),
            ),
        ),
        Mistake(
            "You add up the gains. Their mean is asked for.",
            (_pair(mean=torch.sum), _pair(mean=lambda d: d.sum() / (len(d) - 1))),
        ),
        Mistake(
            "You count the tasks that the second method wins. Asked for is by how many percentage points it is better.",
            (
                _gain(lambda a, b: (b > a).double().mean()),
                _gain(lambda a, b: 100 * (b > a).double().mean()),
                _gain(lambda a, b: (b > a).sum()),
                _gain(lambda a, b: (b - a).sign().mean()),
                _pair(by=lambda a, b: (b > a).double()),
                _pair(by=lambda a, b: 100 * (b > a).double()),
                _pair(by=lambda a, b: (b - a).sign()),
            ),
        ),
        Mistake(
            "You rank the tasks. Asked for are the mean and the standard error of the differences themselves.",
            (
                _pair(by=lambda a, b: b.argsort().argsort().double() - a.argsort().argsort()),
                _pair(by=lambda a, b: (b - a).argsort().argsort().double()),
                _half(lambda a, b: _width(b.argsort().argsort().double() - a.argsort().argsort())),
            ),
        ),
        Mistake(
            "Task 7 of the first method belongs to task 7 of the second. You pair them otherwise, so what they have in common does not drop out.",
            (
                _pair(by=lambda a, b: b.sort().values - a.sort().values),
                _pair(by=lambda a, b: b - a.flip(0)),
                _pair(by=lambda a, b: (b[:, None] - a).flatten()),
                _half(lambda a, b: 1.96 * (b[:, None] - a).std() / len(a) ** 0.5),
            ),
        ),
        Mistake(
            "You measure the differences from zero. Their spread is measured from their own mean: std() does that.",
            (
                _pair(spread=lambda d: d.square().mean().sqrt()),
                _pair(spread=lambda d: d.norm() / (len(d) - 1) ** 0.5),
            ),
            hint=2,
        ),
        Mistake(
            "You measure the spread in another way: the standard deviation is meant, the root of the mean square.",
            (
                _pair(spread=lambda d: (d - d.mean()).abs().mean()),
                _pair(spread=lambda d: d.max() - d.min()),
                _pair(spread=lambda d: d.quantile(0.75) - d.quantile(0.25)),
                _half(lambda a, b: ((b - a).quantile(0.975) - (b - a).quantile(0.025)) / 2),
            ),
            hint=2,
        ),
        Mistake(
            "These are the ends of the interval. Asked for are its middle and half of its width.",
            (lambda a, b: ((b - a).mean() - _width(b - a), (b - a).mean() + _width(b - a)),),
        ),
        Mistake(
            "The second number says how many standard errors the gain is away from zero, or how sure that is. Asked for is half of the interval.",
            (
                _half(lambda a, b: (b - a).mean() / ((b - a).std() / len(a) ** 0.5)),
                _half(lambda a, b: (b - a).mean() / (b - a).std()),
                _half(lambda a, b: (b - a).mean() / _width(b - a)),
                _half(lambda a, b: torch.special.erfc(((b - a).mean() / (b - a).std() * len(a) ** 0.5).abs() / 2**0.5)),
            ),
        ),
        Mistake(
            "The two are the right ones, the other way round: the gain comes first.",
            (lambda a, b: paired(a, b)[::-1],),
        ),
        Mistake(
            "You return one number. Two are asked for: the gain, and half of its interval.",
            (lambda a, b: (b - a).mean(), lambda a, b: _width(b - a)),
        ),
        Mistake(
            "You return the mean of one method, or of both. Asked for is by how much they differ.",
            (
                _gain(lambda a, b: b.mean()),
                _gain(lambda a, b: a.mean()),
                _gain(lambda a, b: (a.mean() + b.mean()) / 2),
                _pair(by=lambda a, b: a + b),
                _pair(by=lambda a, b: (a + b) / 2),
            ),
        ),
        Mistake(
            "You return one number for each task. The gain is their mean.",
            (_gain(lambda a, b: b - a), _half(lambda a, b: 1.96 * (b - a - (b - a).mean()).abs() / len(a) ** 0.5)),
        ),
    ),
    hints=(
        "Form the difference of each task first. Everything else is about these n numbers.",
        "The standard error of a mean of n numbers is their standard deviation, with n - 1, over the square root of n.",
        "d = second - first; then d.mean() and 1.96 * d.std() / len(d) ** 0.5.",
    ),
)  # fmt: skip

# 21.2 ---------------------------------------------------------------------------------------------------------------


def ridge_logits(support: Tensor, y: Tensor, query: Tensor, ways: int, strength: float) -> Tensor:
    """What a ridge regression of the labels on the support features says of each query, [Q, ways]."""
    labels = F.one_hot(y, ways).to(support.dtype)
    damped = support.T @ support + strength * torch.eye(support.shape[1], dtype=support.dtype)
    return query @ torch.linalg.solve(damped, support.T @ labels)


def _shown(generator: torch.Generator, ways: int, shots: int, queries: int, size: int) -> tuple[Any, ...]:
    """Features whose mean is not zero and whose rows differ in length, dealt in any order."""
    y = torch.arange(ways).repeat_interleave(shots)[torch.randperm(ways * shots, generator=generator)]
    support, query = (
        0.3 + torch.randn(n, size, generator=generator, dtype=torch.float64) for n in (len(y), queries)
    )
    return support, y, query, ways


def _ridge_cases() -> list[Case]:
    """More pictures than features and fewer, and no two of S, d, Q and ways alike."""
    draw = torch.Generator().manual_seed(212)
    return [
        Case("six pictures of four features, a strength of 0.5", (*_shown(draw, 3, 2, 5, 4), 0.5)),
        Case("four pictures of seven features, a strength of 2", (*_shown(draw, 2, 2, 3, 7), 2.0)),
        Case("five pictures of nine features, a strength of 0.1", (*_shown(draw, 5, 1, 4, 9), 0.1)),
    ]


def _draw_ridge(generator: torch.Generator) -> Case:
    ways, shots = (int(torch.randint(2, 5, (), generator=generator)) for _ in range(2))
    queries = int(torch.randint(1, 5, (), generator=generator)) + (ways + 1) * shots
    # more features than pictures or fewer, never as many
    size = ways * shots + int(torch.randint(1, 4, (), generator=generator)) * (-1) ** shots
    strength = 0.1 + 3 * float(torch.rand((), generator=generator, dtype=torch.float64))
    return Case(
        f"drawn, {ways * shots} pictures of {size} features, a strength of {strength:.2f}",
        (*_shown(generator, ways, shots, queries, size), strength),
    )


def _one_hot(y: Tensor, ways: int) -> Tensor:
    return F.one_hot(y, ways).double()


def _solved(support: Tensor, values: Tensor, strength: Any) -> Tensor:
    """W, [d, ways]."""
    damped = support.T @ support + strength * torch.eye(support.shape[1], dtype=support.dtype)
    return torch.linalg.solve(damped, support.T @ values)


def _fitted(
    rows: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] = lambda s, q: (s, q),
    values: Callable[[Tensor, int], Tensor] = _one_hot,
    strength: Callable[[float, Tensor], Any] = lambda by, s: by,
    solved: Callable[[Tensor, Tensor, Any], Tensor] = _solved,
    end: Callable[[Tensor], Any] = lambda logits: logits,
) -> Wrong:
    """The solution with other features, other labels, another strength, another W, or something done at the end."""

    def wrong(support: Tensor, y: Tensor, query: Tensor, ways: int, by: float) -> Any:
        seen, asked = rows(support, query)
        return end(asked @ solved(seen, values(y, ways), strength(by, support)))

    return wrong


def _unit(x: Tensor) -> Tensor:
    return F.normalize(x, dim=-1)


def _with_ones(x: Tensor) -> Tensor:
    return torch.cat([x, torch.ones_like(x[:, :1])], 1)


def _with_intercept(support: Tensor, y: Tensor, query: Tensor, ways: int, by: float) -> Tensor:
    middle, values = support.mean(0), _one_hot(y, ways)
    return (query - middle) @ _solved(support - middle, values - values.mean(0), by) + values.mean(0)


def _shares(values: Tensor) -> Tensor:
    return values / values.sum(0).clamp(min=1)


def _damped_everywhere(support: Tensor, values: Tensor, by: Any) -> Tensor:
    return torch.linalg.solve(support.T @ support + by, support.T @ values)


def _damped_everywhere_of_pictures(support: Tensor, values: Tensor, by: Any) -> Tensor:
    return support.T @ torch.linalg.solve(support @ support.T + by, values)


def _by_queries(support: Tensor, y: Tensor, query: Tensor, ways: int, by: float) -> Tensor:
    damped = query.T @ query + by * torch.eye(query.shape[1], dtype=query.dtype)
    return query @ torch.linalg.solve(damped, support.T @ _one_hot(y, ways))


def _by_all(support: Tensor, y: Tensor, query: Tensor, ways: int, by: float) -> Tensor:
    both = torch.cat([support, query])
    damped = both.T @ both + by * torch.eye(query.shape[1], dtype=query.dtype)
    return query @ torch.linalg.solve(damped, support.T @ _one_hot(y, ways))


def _no_way_back(support: Tensor, values: Tensor, by: Any) -> Tensor:
    return _solved(support, values, by).detach()


RIDGE = Exercise(
    id="21.2",
    title="ridge regression as the reader",
    solution=ridge_logits,
    cases=_ridge_cases,
    draw=_draw_ridge,
    outputs=("the logits",),
    differentiable=("support", "query"),
    mistakes=(
        Mistake(
            "The ridge is missing: that is least squares, which with few pictures fits them exactly, noise and all. Add strength to the diagonal.",
            (
                _fitted(solved=lambda x, v, by: torch.linalg.pinv(x) @ v),
                _fitted(strength=lambda by, s: 0.0),
                _fitted(solved=lambda x, v, by: x.T @ torch.linalg.pinv(x @ x.T) @ v),
            ),
            hint=2,
        ),
        Mistake(
            "The strength is multiplied or divided by the number of pictures, as if one of the two squares were a mean over them. Both are sums.",
            (
                _fitted(strength=lambda by, s: by * len(s)),
                _fitted(strength=lambda by, s: by / len(s)),
            ),
            hint=2,
        ),
        Mistake(
            "The strength is multiplied or divided by the number of features. What is weighed is the sum of W's squares.",
            (
                _fitted(strength=lambda by, s: by * s.shape[1]),
                _fitted(strength=lambda by, s: by / s.shape[1]),
                _fitted(strength=lambda by, s: by * s.shape[1] ** 0.5),
            ),
            hint=2,
        ),
        Mistake(
            "The strength comes squared, or as its root. In the system it stands as it is; only rows laid below the features carry its root.",
            (
                _fitted(strength=lambda by, s: by**2),
                _fitted(strength=lambda by, s: by**0.5),
            ),
            hint=2,
        ),
        Mistake(
            "You divide by the strength. The larger it is, the smaller W has to be: it is added as it is.",
            (_fitted(strength=lambda by, s: 1 / by),),
            hint=2,
        ),
        Mistake(
            "A factor of two stands at the strength. Both squares have the same factor in their gradients, and it cancels.",
            (_fitted(strength=lambda by, s: 2 * by), _fitted(strength=lambda by, s: by / 2)),
            hint=2,
        ),
        Mistake(
            "The strength has the wrong sign. It is added to the diagonal, and that makes the system solvable.",
            (_fitted(strength=lambda by, s: -by),),
            hint=2,
        ),
        Mistake(
            "The strength is added to every entry. It belongs on the diagonal: strength * torch.eye(...).",
            (_fitted(solved=_damped_everywhere), _fitted(solved=_damped_everywhere_of_pictures)),
            hint=3,
        ),
        Mistake(
            "The labels go in as numbers, as if class 2 were twice class 1. Give each class a column of its own, with F.one_hot.",
            (
                _fitted(values=lambda y, ways: y.double()),
                _fitted(values=lambda y, ways: y.double()[:, None]),
                _fitted(values=lambda y, ways: y.double()[:, None].expand(-1, ways)),
            ),
            hint=1,
        ),
        Mistake(
            "The labels are centred: 1/ways is taken from each. Those are the values of lesson 20's linear attention; here they are one-hot as they are.",
            (
                _fitted(values=lambda y, ways: _one_hot(y, ways) - 1 / ways),
                _fitted(end=lambda p: p - p.mean(-1, keepdim=True)),
                _fitted(end=lambda p: p - 1 / p.shape[-1]),
            ),
            hint=1,
        ),
        Mistake(
            "The labels are 1 and -1. One-hot is 1 and 0.",
            (_fitted(values=lambda y, ways: 2 * _one_hot(y, ways) - 1),),
            hint=1,
        ),
        Mistake(
            "The labels are divided by the number of pictures, of a class or of all. One-hot rows hold a 1.",
            (
                _fitted(values=lambda y, ways: _shares(_one_hot(y, ways))),
                _fitted(values=lambda y, ways: _one_hot(y, ways) / len(y)),
                _fitted(values=lambda y, ways: _one_hot(y, ways) / len(y) ** 0.5),
            ),
        ),
        Mistake(
            "The labels do not follow y: the pictures were dealt in any order, and y says whose each one is.",
            (
                _fitted(values=lambda y, ways: _one_hot(y.sort().values, ways)),
                _fitted(values=lambda y, ways: _one_hot(torch.arange(len(y)) % ways, ways)),
            ),
            hint=1,
        ),
        Mistake(
            "There are queries in the system. W is fitted to the support set alone, before anybody asks.",
            (_by_queries, _by_all),
            hint=2,
        ),
        Mistake(
            "Nothing is solved: that is linear attention, one step of gradient descent from zero. Between the two products stands an inverse.",
            (
                _fitted(solved=lambda x, v, by: x.T @ v),
                _fitted(solved=lambda x, v, by: x.T @ v / by),
                _fitted(solved=lambda x, v, by: x.T @ v * by),
                _fitted(solved=lambda x, v, by: x.T @ v / len(x)),
                _fitted(solved=lambda x, v, by: x.T @ v / (1 + by)),
                _fitted(solved=lambda x, v, by: x.T @ v / (len(x) + by)),
                _fitted(solved=lambda x, v, by: x.T @ v / (len(x) * by)),
                _fitted(solved=lambda x, v, by: x.T @ _shares(v)),
            ),
            hint=2,
        ),
        Mistake(
            "You multiply by the system's matrix. W is what it has to be multiplied by: torch.linalg.solve.",
            (
                _fitted(solved=lambda x, v, by: (x.T @ x + by * torch.eye(x.shape[1], dtype=x.dtype)) @ x.T @ v),
                _fitted(solved=lambda x, v, by: x.T @ (x @ x.T + by * torch.eye(len(x), dtype=x.dtype)) @ v),
            ),
            hint=2,
        ),
        Mistake(
            "You divide entry by entry, or by the diagonal alone. The inverse of a matrix is another thing: torch.linalg.solve.",
            (
                _fitted(solved=lambda x, v, by: (1 / (x.T @ x + by * torch.eye(x.shape[1], dtype=x.dtype))) @ x.T @ v),
                _fitted(solved=lambda x, v, by: x.T @ (1 / (x @ x.T + by * torch.eye(len(x), dtype=x.dtype))) @ v),
                _fitted(solved=lambda x, v, by: x.T @ v / (x.square().sum(0)[:, None] + by)),
                _fitted(solved=lambda x, v, by: x.T @ (v / (x.square().sum(1)[:, None] + by))),
            ),
            hint=2,
        ),
        Mistake(
            "Softmax is in it already. Asked for are the values that the regression gives; the loss takes softmax itself.",
            (
                _fitted(end=lambda p: p.softmax(-1)),
                _fitted(end=lambda p: p.log_softmax(-1)),
                _fitted(end=lambda p: -p.log_softmax(-1)),
                _fitted(end=lambda p: p.softmax(0)),
                _fitted(end=lambda p: p.sigmoid()),
            ),
        ),
        Mistake(
            "There is a logarithm at the end. A regression's values are no probabilities: return them as they are.",
            (
                _fitted(end=lambda p: -p.log()),
                _fitted(end=lambda p: p.log()),
                _fitted(end=lambda p: p.clamp(min=1e-6).log()),
                _fitted(end=lambda p: p.abs().log()),
            ),
        ),
        Mistake(
            "You bring the values into the range of probabilities, by cutting or by dividing. Return them as they are.",
            (
                _fitted(end=lambda p: p.clamp(0, 1)),
                _fitted(end=lambda p: p.clamp(min=0)),
                _fitted(end=lambda p: p / p.sum(-1, keepdim=True)),
                _fitted(end=lambda p: F.normalize(p, p=1, dim=-1)),
            ),
        ),
        Mistake(
            "You return the answer, or the largest value. Asked for are the logits of all classes.",
            (
                _fitted(end=lambda p: p.argmax(-1)),
                _fitted(end=lambda p: p.amax(-1)),
                _fitted(end=lambda p: F.one_hot(p.argmax(-1), p.shape[-1])),
            ),
        ),
        Mistake(
            "The mean of the features is taken off first. That is not in the formula: W works on the features as they are.",
            (
                _fitted(rows=lambda s, q: (s - s.mean(0), q - s.mean(0))),
                _fitted(rows=lambda s, q: (s - s.mean(0), q)),
                _fitted(rows=lambda s, q: (s - s.mean(0), q - q.mean(0))),
                _fitted(rows=lambda s, q: (s - s.mean(1, keepdim=True), q - q.mean(1, keepdim=True))),
            ),
        ),
        Mistake(
            "There is a bias in it: a column of ones, or an intercept as scikit-learn fits it by default. W alone is asked for.",
            (
                _fitted(rows=lambda s, q: (_with_ones(s), _with_ones(q))),
                _with_intercept,
            ),
        ),
        Mistake(
            "Rows are brought to length 1. That belongs to a cosine; the regression takes the features as they are.",
            (
                _fitted(rows=lambda s, q: (_unit(s), _unit(q))),
                _fitted(rows=lambda s, q: (_unit(s), q)),
                _fitted(rows=lambda s, q: (s, _unit(q))),
                _fitted(rows=lambda s, q: (F.normalize(s, dim=0), q)),
                _fitted(rows=lambda s, q: (F.normalize(s, dim=0), F.normalize(q, dim=0))),
            ),
        ),
        Mistake(
            "The products are divided by the features' number or its root, as softmax attention does. There is no such factor in the formula.",
            (
                _fitted(rows=lambda s, q: (s, q / s.shape[1] ** 0.5)),
                _fitted(rows=lambda s, q: (s / s.shape[1] ** 0.5, q)),
                _fitted(rows=lambda s, q: (s, q / s.shape[1])),
            ),
        ),
        Mistake(
            "You return W, [d, ways]. Asked for is what it says of the queries: query @ W.",
            (lambda support, y, query, ways, by: _solved(support, _one_hot(y, ways), by),
             lambda support, y, query, ways, by: _solved(support, _one_hot(y, ways), by).T),
            hint=3,
        ),
        Mistake(
            "You ask the support pictures, whose labels are known. Ask the queries: query @ W.",
            (lambda support, y, query, ways, by: support @ _solved(support, _one_hot(y, ways), by),),
            hint=3,
        ),
        Mistake(
            "Queries and classes are the wrong way round: one row for each query, [Q, ways].",
            (_fitted(end=lambda p: p.T),),
        ),
        Mistake(
            "You measure how far queries are from the columns of W. Those are no prototypes: the logits are products, query @ W.",
            (
                lambda support, y, query, ways, by: -torch.cdist(query, _solved(support, _one_hot(y, ways), by).T),
                lambda support, y, query, ways, by: -torch.cdist(query, _solved(support, _one_hot(y, ways), by).T).square(),
                lambda support, y, query, ways, by: _unit(query) @ F.normalize(_solved(support, _one_hot(y, ways), by), dim=0),
            ),
            hint=3,
        ),
        Mistake(
            "No gradient reaches the features: nothing would be learned. Leave out .detach(), torch.no_grad() and numpy.",
            (
                _fitted(end=lambda p: p.detach()),
                _fitted(solved=_no_way_back),
                _fitted(rows=lambda s, q: (s, q.detach())),
            ),
        ),
    ),
    hints=(
        "Labels become rows first: F.one_hot(y, ways), in the features' type.",
        "The matrix support @ support.T is [S, S]. Add strength times the identity of that size, and solve for the labels.",
        "torch.linalg.solve(support @ support.T + strength * torch.eye(len(support)), labels) is [S, ways]; query @ support.T times that is the answer.",
    ),
)  # fmt: skip

EXERCISES = (PAIRED, RIDGE)
