"""The exercises of lesson 20: linear self-attention, the step written into its weights, and a detector for strange tasks."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake

# 20.1 ---------------------------------------------------------------------------------------------------------------


def attend(tokens: Tensor, context: int, Q: Tensor, K: Tensor, V: Tensor, P: Tensor) -> Tensor:
    """One layer of linear self-attention: each token plus what the pairs say to it."""
    seen = tokens[..., :context, :]
    weights = (tokens @ Q.T) @ (seen @ K.T).mT / context
    return tokens + weights @ (seen @ V.T) @ P.T


def _layer(seed: int, n: int, context: int, width: int) -> tuple[Any, ...]:
    draw = torch.Generator().manual_seed(seed)
    tokens, *weights = (
        torch.randn(rows, width, generator=draw, dtype=torch.float64) for rows in (n, *[width] * 4)
    )
    return tokens, context, *weights


def _draw_layer(generator: torch.Generator) -> Case:
    n, width, seed = (
        int(torch.randint(low, high, (), generator=generator)) for low, high in ((3, 7), (2, 5), (0, 10_000))
    )
    context = int(torch.randint(1, n, (), generator=generator))
    return Case(f"drawn, {context} pairs of {n} tokens", _layer(seed, n, context, width))


def _layer_with(change: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A wrong answer out of the tokens, the pairs and the four matrices."""

    def wrong(tokens: Tensor, context: int, Q: Tensor, K: Tensor, V: Tensor, P: Tensor) -> Tensor:
        return change(tokens, tokens[..., :context, :], Q, K, V, P)

    return wrong


def _count(s: Tensor) -> int:
    return s.shape[-2]


def _says(t: Tensor, s: Tensor, Q: Tensor, K: Tensor, V: Tensor, P: Tensor) -> Tensor:
    return ((t @ Q.T) @ (s @ K.T).mT / _count(s)) @ (s @ V.T) @ P.T


ATTEND = Exercise(
    id="20.1",
    title="a layer of linear self-attention",
    solution=attend,
    cases=lambda: [
        Case("four pairs and a question, tokens of three numbers", _layer(1, 5, 4, 3)),
        Case("three pairs and three questions", _layer(2, 6, 3, 4)),
        Case("one pair", _layer(3, 2, 1, 3)),
    ],
    draw=_draw_layer,
    leading=("tokens",),
    outputs=("the tokens",),
    mistakes=(
        Mistake(
            "That is what the pairs say. The layer adds it to the token that was there: tokens + ...",
            (_layer_with(_says),),
            hint=3,
        ),
        Mistake(
            "You take it away where it is added.",
            (_layer_with(lambda t, s, *w: t - _says(t, s, *w)),),
            hint=3,
        ),
        Mistake(
            "You sum over the pairs. With the mean a layer does the same for a context of any length: divide by their number.",
            (_layer_with(lambda t, s, *w: t + _says(t, s, *w) * _count(s)),),
            hint=2,
        ),
        Mistake(
            "You divide by the number of all tokens. What is averaged are the pairs, so divide by context.",
            (_layer_with(lambda t, s, *w: t + _says(t, s, *w) * _count(s) / t.shape[-2]),),
            hint=2,
        ),
        Mistake(
            "All tokens are looked at, the questions too. Keys and values come from the first `context` tokens alone: a question has no answer to tell.",
            (_layer_with(lambda t, s, *w: t + _says(t, t, *w)), _layer_with(lambda t, s, *w: t + _says(t, t, *w) * t.shape[-2] / _count(s)),
             _layer_with(lambda t, s, *w: t + _says(t, t, *w) * t.shape[-2])),
            hint=2,
        ),
        Mistake(
            "Queries and keys have changed places: the token that asks goes through Q, the pair that is looked at through K.",
            (_layer_with(lambda t, s, Q, K, V, P: t + _says(t, s, K, Q, V, P)),),
            hint=2,
        ),
        Mistake(
            "There is a softmax in it. This layer has none: its weights may be negative, and that is what makes it a gradient step.",
            (_layer_with(lambda t, s, Q, K, V, P: t + ((t @ Q.T) @ (s @ K.T).mT).softmax(-1) @ (s @ V.T) @ P.T),
             _layer_with(lambda t, s, Q, K, V, P: t + ((t @ Q.T) @ (s @ K.T).mT / _count(s)).softmax(-1) @ (s @ V.T) @ P.T),
             _layer_with(lambda t, s, Q, K, V, P: t + ((t @ Q.T) @ (s @ K.T).mT / t.shape[-1] ** 0.5).softmax(-1) @ (s @ V.T) @ P.T)),
        ),
        Mistake(
            "You divide by the root of the width, as softmax attention does to keep its logits small. Here the mean over the pairs is meant.",
            (_layer_with(lambda t, s, *w: t + _says(t, s, *w) * _count(s) / t.shape[-1] ** 0.5),
             _layer_with(lambda t, s, *w: t + _says(t, s, *w) / t.shape[-1] ** 0.5)),
        ),
        Mistake(
            "A matrix works from the wrong side. Tokens are rows, so Q e is tokens @ Q.T, and likewise for K, V and P.",
            (_layer_with(lambda t, s, Q, K, V, P: t + _says(t, s, Q.T, K.T, V.T, P.T)),
             _layer_with(lambda t, s, Q, K, V, P: t + _says(t, s, Q.T, K, V, P)), _layer_with(lambda t, s, Q, K, V, P: t + _says(t, s, Q, K.T, V, P)),
             _layer_with(lambda t, s, Q, K, V, P: t + _says(t, s, Q, K, V.T, P)), _layer_with(lambda t, s, Q, K, V, P: t + _says(t, s, Q, K, V, P.T)),
             _layer_with(lambda t, s, Q, K, V, P: t + _says(t, s, Q.T, K.T, V, P)), _layer_with(lambda t, s, Q, K, V, P: t + _says(t, s, Q, K, V.T, P.T))),
            hint=2,
        ),
        Mistake(
            "P is missing: it writes what the pairs say into the token.",
            (_layer_with(lambda t, s, Q, K, V, P: t + _says(t, s, Q, K, V, torch.eye(len(P), dtype=P.dtype))),),
            hint=3,
        ),
        Mistake(
            "V is missing: a pair says V e, not e itself.",
            (_layer_with(lambda t, s, Q, K, V, P: t + _says(t, s, Q, K, torch.eye(len(P), dtype=P.dtype), P)),),
        ),
        Mistake(
            "Q or K is missing: what is compared are Q e and K e.",
            (_layer_with(lambda t, s, Q, K, V, P: t + _says(t, s, torch.eye(len(P), dtype=P.dtype), K, V, P)),
             _layer_with(lambda t, s, Q, K, V, P: t + _says(t, s, Q, torch.eye(len(P), dtype=P.dtype), V, P)),
             _layer_with(lambda t, s, Q, K, V, P: t + _says(t, s, torch.eye(len(P), dtype=P.dtype), torch.eye(len(P), dtype=P.dtype), V, P))),
            hint=2,
        ),
        Mistake(
            "P and V have changed places: first V makes what a pair says, then P writes it.",
            (_layer_with(lambda t, s, Q, K, V, P: t + _says(t, s, Q, K, P, V)),),
            hint=3,
        ),
        Mistake(
            "The layer gives all tokens back, the pairs too: the next layer reads them.",
            (_layer_with(lambda t, s, *w: (t + _says(t, s, *w))[..., _count(s) :, :]), _layer_with(lambda t, s, *w: (t + _says(t, s, *w))[..., -1, :]),
             _layer_with(lambda t, s, *w: (t + _says(t, s, *w))[..., :, -1]), _layer_with(lambda t, s, *w: s + _says(s, s, *w))),
        ),
    ),
    hints=(
        "Three products: how much each pair counts for each token, the values summed with these weights, and P. Then add.",
        "Tokens are rows, so Q e is tokens @ Q.T. With seen = tokens[..., :context, :] the weights are (tokens @ Q.T) @ (seen @ K.T).mT / context, of shape [..., n, context].",
        "tokens + weights @ (seen @ V.T) @ P.T",
    ),
)  # fmt: skip

# 20.2 ---------------------------------------------------------------------------------------------------------------

Four = tuple[Tensor, Tensor, Tensor, Tensor]


def step_weights(size: int, rate: float) -> Four:
    """Q, K, V, P of a layer that is one step of gradient descent from w = 0."""
    compare = torch.eye(size + 1, dtype=torch.float64)
    compare[-1, -1] = 0
    value = torch.zeros(size + 1, size + 1, dtype=torch.float64)
    value[-1, -1] = -1
    return compare, compare, value, rate * torch.eye(size + 1, dtype=torch.float64)


def _what_it_does(answer: Callable[[int, float], Any], size: int, rate: float) -> Tensor:
    """The tokens after a layer with these weights: other matrices may do the same."""
    draw = torch.Generator().manual_seed(size)
    tokens = torch.randn(size + 4, size + 1, generator=draw, dtype=torch.float64)
    tokens[-2:, -1] = 0  # two questions
    Q, K, V, P = answer(size, rate)
    return attend(tokens, size + 2, Q, K, V, P)


def _draw_step(generator: torch.Generator) -> Case:
    size, rate = int(torch.randint(1, 6, (), generator=generator)), float(torch.rand((), generator=generator))
    return Case(f"drawn, {size} inputs, a rate of {rate:.2f}", (size, rate))


def _four(change: Callable[..., Any]) -> Callable[..., Any]:
    """A wrong answer out of Q, K, V, P as they should be, the identity and the rate."""

    def wrong(size: int, rate: float) -> Any:
        return change(*step_weights(size, rate), torch.eye(size + 1, dtype=torch.float64), rate)

    return wrong


STEP = Exercise(
    id="20.2",
    title="a gradient step as a layer's weights",
    solution=step_weights,
    cases=lambda: [
        Case("three inputs, a rate of 0.5", (3, 0.5)),
        Case("one input, a rate of 0.1", (1, 0.1)),
        Case("five inputs, a rate of 0.3", (5, 0.3)),
    ],
    draw=_draw_step,
    observe=_what_it_does,
    outputs=("the tokens after your layer",),
    differentiable=(),
    mistakes=(
        Mistake(
            "The sign of V. A pair says the residual w . x - y, and with w = 0 that is -y.",
            (_four(lambda q, k, v, p, i, a: (q, k, -v, p)), _four(lambda q, k, v, p, i, a: (q, k, v, -p)),
             _four(lambda q, k, v, p, i, a: (-q, k, v, p)), _four(lambda q, k, v, p, i, a: (q, -k, v, p))),
            hint=2,
        ),
        Mistake(
            "The comparison takes the last slot in, where the answers stand. A step compares inputs alone: a 0 at the end of the diagonal of Q and K.",
            (_four(lambda q, k, v, p, i, a: (i, i, v, p)),),
            hint=1,
        ),
        Mistake(
            "The rate is missing: the layer takes a step of rate 1.",
            (_four(lambda q, k, v, p, i, a: (q, k, v, i)),),
            hint=3,
        ),
        Mistake(
            "The rate is in it twice, or its square: put it into P alone.",
            (_four(lambda q, k, v, p, i, a: (q, k, a * v, p)), _four(lambda q, k, v, p, i, a: (a * q, k, v, p)),
             _four(lambda q, k, v, p, i, a: (a * q, a * k, v, i)), _four(lambda q, k, v, p, i, a: (a * q, a * k, v, p))),
            hint=3,
        ),
        Mistake(
            "The rate divides. A larger rate is a larger step.",
            (_four(lambda q, k, v, p, i, a: (q, k, v, i / a)),),
        ),
        Mistake(
            "You divide by the number of inputs, or of slots. The layer takes the mean over pairs by itself; nothing else is divided.",
            (_four(lambda q, k, v, p, i, a: (q, k, v, p / (len(i) - 1))), _four(lambda q, k, v, p, i, a: (q, k, v, p / len(i)))),
        ),
        Mistake(
            "There is a factor of two: the loss has one half in front, so its gradient is residual times input.",
            (_four(lambda q, k, v, p, i, a: (q, k, v, 2 * p)), _four(lambda q, k, v, p, i, a: (q, k, v, p / 2))),
        ),
        Mistake(
            "V moves the inputs as well. Every token's x has to stay, or the next layer compares something else: all of V is zero but its last entry.",
            (_four(lambda q, k, v, p, i, a: (q, k, i, p)), _four(lambda q, k, v, p, i, a: (q, k, -i, p)),
             _four(lambda q, k, v, p, i, a: (q, k, i + 2 * v, p)), _four(lambda q, k, v, p, i, a: (q, k, q, p))),
            hint=2,
        ),
        Mistake(
            "The layer adds nothing. P has to keep the last slot, the only one that V writes to, and Q and K must both pick the inputs. Are the four in the order Q, K, V, P?",
            (_four(lambda q, k, v, p, i, a: (q, k, v, a * q)), _four(lambda q, k, v, p, i, a: (q, k, 0 * v, p)),
             _four(lambda q, k, v, p, i, a: (i - q, i - q, v, p)), _four(lambda q, k, v, p, i, a: (q, i - q, v, p)), _four(lambda q, k, v, p, i, a: (0 * q, k, v, p))),
            hint=1,
        ),
        Mistake(
            "The entry of V stands in a corner of its own: it takes from the last slot and writes to the last slot, V[-1, -1].",
            (_four(lambda q, k, v, p, i, a: (q, k, v.flip(0), p)), _four(lambda q, k, v, p, i, a: (q, k, v.flip(1), p)),
             _four(lambda q, k, v, p, i, a: (q, k, v.flip(0, 1), p))),
            hint=2,
        ),
        Mistake(
            "The 0 of Q and K stands at the wrong end: the last slot is the answer's, the first are the inputs'.",
            (_four(lambda q, k, v, p, i, a: (q.flip(0, 1), k.flip(0, 1), v, p)), _four(lambda q, k, v, p, i, a: (q, k.flip(0, 1), v, p)),
             _four(lambda q, k, v, p, i, a: (q.flip(0, 1), k, v, p))),
            hint=1,
        ),
        Mistake(
            "The four stand in another order. Asked for is Q, K, V, P.",
            (_four(lambda q, k, v, p, i, a: (p, v, q, k)),),
        ),
    ),
    hints=(
        "Q and K: the identity, with a 0 at the end. What does V have to make of (x, y), if w0 is zero?",
        "V is zero but for its last entry. The residual is w0 . x - y, so that entry is -1.",
        "compare = torch.eye(size + 1); compare[-1, -1] = 0 for Q and K, V = torch.zeros(size + 1, size + 1); V[-1, -1] = -1, P = rate * torch.eye(size + 1), all with dtype=torch.float64.",
    ),
)  # fmt: skip

# 20.3 ---------------------------------------------------------------------------------------------------------------

Answer = Callable[[Tensor, Tensor, Tensor], Tensor]


def foretold(answer: Answer, x: Tensor, y: Tensor) -> Tensor:
    """Mean squared error on the later half of a context, each point from those before."""
    errors = [
        (answer(x[:i], y[:i], x[i : i + 1]) - y[i : i + 1]).square().mean()
        for i in range(len(x) // 2, len(x))
    ]
    return torch.stack(errors).mean()


def _recent(x: Tensor, y: Tensor, questions: Tensor) -> Tensor:
    """A reader that looks at order: the nearer in time, the more a pair counts."""
    weight = 0.5 ** torch.arange(len(x) - 1, -1, -1, dtype=x.dtype)
    return (weight @ y / weight.sum()).expand(len(questions), 1) + 0.1 * questions


def _line(x: Tensor, y: Tensor, questions: Tensor) -> Tensor:
    """A damped line through zero."""
    return questions * (x * y).sum() / ((x * x).sum() + 1)


def _context(seed: int, points: int) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    x, y = torch.randn(2, points, 1, generator=draw, dtype=torch.float64)
    return x, y + 0.5 * x


def _draw_context(generator: torch.Generator) -> Case:
    points, seed, which = (
        int(torch.randint(low, high, (), generator=generator)) for low, high in ((4, 12), (0, 10_000), (0, 2))
    )
    return Case(f"drawn, {points} points", ((_recent, _line)[which], *_context(seed, points)))


def _foretelling(
    points: Callable[[int], range] = lambda n: range(n // 2, n),
    seen: Callable[[int, int], tuple[int, int]] = lambda i, n: (0, i),
    each: Callable[[Tensor, Tensor], Tensor] = lambda said, came: (said - came).square().mean(),
    join: Callable[[Tensor], Any] = torch.mean,
) -> Callable[..., Any]:
    """A wrong detector: other points, another context for each, another error, or another sum."""

    def wrong(answer: Answer, x: Tensor, y: Tensor) -> Any:
        found = []
        for i in points(len(x)):
            first, last = seen(i, len(x))
            found.append(each(answer(x[first:last], y[first:last], x[i : i + 1]), y[i : i + 1]))
        return join(torch.stack(found))

    return wrong


def _all_at_once(answer: Answer, x: Tensor, y: Tensor) -> Tensor:
    half = len(x) // 2
    return (answer(x[:half], y[:half], x[half:]) - y[half:]).square().mean()


def _hindsight(answer: Answer, x: Tensor, y: Tensor) -> Tensor:
    half = len(x) // 2
    return (answer(x, y, x[half:]) - y[half:]).square().mean()


def _whole_hindsight(answer: Answer, x: Tensor, y: Tensor) -> Tensor:
    return (answer(x, y, x) - y).square().mean()


FORETOLD = Exercise(
    id="20.3",
    title="does it foretell its own context?",
    solution=foretold,
    cases=lambda: [
        Case("six points and a reader that looks at order", (_recent, *_context(1, 6))),
        Case("nine points and a line", (_line, *_context(2, 9))),
        Case("eleven points and a reader that looks at order", (_recent, *_context(3, 11))),
    ],
    draw=_draw_context,
    differentiable=(),
    mistakes=(
        Mistake(
            "The learner has seen the point it is asked about: it reads the whole context, or the pair itself. Then it foretells nothing. Before point i stand x[:i].",
            (_hindsight, _whole_hindsight, _foretelling(seen=lambda i, n: (0, i + 1)), _foretelling(seen=lambda i, n: (0, n)),
             _foretelling(points=lambda n: range(n), seen=lambda i, n: (0, n)), _foretelling(points=lambda n: range(n), seen=lambda i, n: (0, i + 1))),
            hint=2,
        ),
        Mistake(
            "All of the later half is asked after the first half alone. Each point may use all that stand before it, those of the later half too.",
            (_all_at_once,),
            hint=2,
        ),
        Mistake(
            "Points of the first half are asked too. After a point or two nobody can know the task: that measures how hard tasks are, not whether it reads them.",
            (_foretelling(points=lambda n: range(1, n)), _foretelling(points=lambda n: range(2, n)), _foretelling(points=lambda n: range(1, n // 2)), _foretelling(points=lambda n: range(1, n // 2 + 1))),
            hint=2,
        ),
        Mistake(
            "Only the last point is asked. One error says little; take the later half.",
            (_foretelling(points=lambda n: range(n - 1, n)),),
        ),
        Mistake(
            "The later half begins a point too late, or ends a point too early: range(len(x) // 2, len(x)).",
            (_foretelling(points=lambda n: range(n // 2 + 1, n)), _foretelling(points=lambda n: range(n // 2, n - 1)), _foretelling(points=lambda n: range((n + 1) // 2, n)),
             _foretelling(points=lambda n: range(n // 2 - 1, n)), _foretelling(points=lambda n: range(n // 2 + 1, n - 1))),
            hint=2,
        ),
        Mistake(
            "Points before are missing: before point i stand all of x[:i], not only the one just before, nor all but it.",
            (_foretelling(seen=lambda i, n: (i - 1, i)), _foretelling(seen=lambda i, n: (0, i - 1)), _foretelling(seen=lambda i, n: (1, i)), _foretelling(seen=lambda i, n: (n // 4, i))),
            hint=2,
        ),
        Mistake(
            "That is the absolute error, or the error with its sign. Errors of both signs must not make good for each other: square them.",
            (_foretelling(each=lambda s, c: (s - c).abs().mean()), _foretelling(each=lambda s, c: (s - c).mean()), _foretelling(each=lambda s, c: (c - s).mean())),
            hint=3,
        ),
        Mistake(
            "You take a root at the end. Asked for is the mean of the squares.",
            (_foretelling(join=lambda e: e.mean().sqrt()),),
        ),
        Mistake(
            "You sum over the points. With the mean, contexts of all lengths have one limit.",
            (_foretelling(join=torch.sum), _foretelling(join=lambda e: e.sum() / 2)),
            hint=3,
        ),
        Mistake(
            "You divide by the length of the whole context. Only its later half was asked.",
            (lambda answer, x, y: foretold(answer, x, y) * (len(x) - len(x) // 2) / len(x),),
        ),
        Mistake(
            "The errors come one by one. Return their mean, one number.",
            (_foretelling(join=lambda e: e),),
        ),
        Mistake(
            "You return the worst error, or the median. Asked for is the mean.",
            (_foretelling(join=torch.max), _foretelling(join=torch.median), _foretelling(join=torch.min)),
        ),
        Mistake(
            "You compare with the input, or with the wrong point's answer: what is asked as x[i:i + 1] came as y[i:i + 1].",
            (lambda answer, x, y: torch.stack([(answer(x[:i], y[:i], x[i : i + 1]) - x[i : i + 1]).square().mean() for i in range(len(x) // 2, len(x))]).mean(),
             lambda answer, x, y: torch.stack([(answer(x[:i], y[:i], x[i : i + 1]) - y[i - 1 : i]).square().mean() for i in range(len(x) // 2, len(x))]).mean(),
             lambda answer, x, y: torch.stack([answer(x[:i], y[:i], x[i : i + 1]).square().mean() for i in range(len(x) // 2, len(x))]).mean()),
        ),
    ),
    hints=(
        "Go through the later half. For each point: who stands before it, what does the learner say, what came?",
        "The later half is range(len(x) // 2, len(x)). Before point i stand x[:i] and y[:i]; it is asked as x[i:i + 1].",
        "torch.stack([(answer(x[:i], y[:i], x[i:i + 1]) - y[i:i + 1]).square().mean() for i in ...]).mean()",
    ),
)  # fmt: skip

EXERCISES = (ATTEND, STEP, FORETOLD)
