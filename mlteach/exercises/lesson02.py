"""The exercises of lesson 02: RNN and LSTM from the inside."""

import math
from collections.abc import Callable
from itertools import permutations
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake

# 02.1 ---------------------------------------------------------------------------------------------------------------


def rnn_step(x: Tensor, h: Tensor, W: Tensor, U: Tensor, b: Tensor) -> Tensor:
    """x [batch, inputs] and the old state h [batch, units], weights W [units, inputs], U [units, units], b [units]."""
    return torch.tanh(x @ W.T + h @ U.T + b)


def _rnn_case(draw: torch.Generator, batch: int, inputs: int, units: int) -> tuple[Tensor, ...]:
    shapes = ((batch, inputs), (batch, units), (units, inputs), (units, units), (units,))
    return tuple(torch.randn(*shape, generator=draw, dtype=torch.float64) for shape in shapes)


def _rnn_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(20)
    return [
        Case("two inputs, three units, a batch of four", _rnn_case(draw, 4, 2, 3)),
        Case("three inputs, three units, a batch of three", _rnn_case(draw, 3, 3, 3)),
        Case("five inputs, two units, a batch of one", _rnn_case(draw, 1, 5, 2)),
        Case("one input, one unit", _rnn_case(draw, 1, 1, 1)),
    ]


def _draw_rnn(draw: torch.Generator) -> Case:
    batch, inputs, units = torch.randint(1, 6, (3,), generator=draw).tolist()
    return Case(f"{inputs} inputs, {units} units, a batch of {batch}", _rnn_case(draw, batch, inputs, units))


def _rnn(z: Callable[..., Tensor], squash: Callable[[Tensor], Tensor] = torch.tanh) -> Callable[..., Tensor]:
    """A step that squashes another sum."""
    return lambda x, h, W, U, b: squash(z(x, h, W, U, b))


def _sum(x: Tensor, h: Tensor, W: Tensor, U: Tensor, b: Tensor) -> Tensor:
    return x @ W.T + h @ U.T + b


RNN_STEP = Exercise(
    id="02.1",
    title="one step of the RNN",
    solution=rnn_step,
    cases=_rnn_cases,
    draw=_draw_rnn,
    outputs=("the new h",),
    chain=lambda inputs, output: (inputs[0], torch.as_tensor(output), *inputs[2:]),
    mistakes=(
        Mistake(
            "The tanh is missing: the new state is the squashed sum.",
            (_sum, _rnn(_sum, lambda z: z.clamp(-1, 1)), _rnn(_sum, lambda z: z / (1 + z.abs()))),
            hint=3,
        ),
        Mistake(
            "You squash with another curve. The new state lies between -1 and 1: tanh.",
            (
                _rnn(_sum, torch.sigmoid),
                _rnn(_sum, torch.relu),
                _rnn(_sum, torch.sin),
                _rnn(_sum, torch.atan),
            ),
            hint=3,
        ),
        Mistake(
            "You squash twice. One tanh round the whole sum is enough.",
            (
                _rnn(_sum, lambda z: torch.tanh(torch.tanh(z))),
                _rnn(lambda x, h, W, U, b: _sum(x, torch.tanh(h), W, U, b)),
                _rnn(lambda x, h, W, U, b: _sum(torch.tanh(x), h, W, U, b)),
                lambda x, h, W, U, b: torch.tanh(torch.tanh(x @ W.T) + torch.tanh(h @ U.T) + b),
            ),
            hint=3,
        ),
        Mistake(
            "The bias b is missing.",
            (
                _rnn(lambda x, h, W, U, b: x @ W.T + h @ U.T),
                lambda x, h, W, U, b: x @ W.T + h @ U.T,
            ),
            hint=3,
        ),
        Mistake(
            "The bias stands outside the tanh. It belongs to the sum that is squashed.",
            (
                lambda x, h, W, U, b: torch.tanh(x @ W.T + h @ U.T) + b,
                lambda x, h, W, U, b: torch.tanh(x @ W.T + h @ U.T) - b,
            ),
            hint=3,
        ),
        Mistake(
            "The bias is added once. You take it twice (torch's two vectors are one here), or take it away.",
            (
                _rnn(lambda x, h, W, U, b: _sum(x, h, W, U, 2 * b)),
                _rnn(lambda x, h, W, U, b: _sum(x, h, W, U, -b)),
            ),
            hint=3,
        ),
        Mistake(
            "The old state h is missing: without it the network remembers nothing.",
            (
                _rnn(lambda x, h, W, U, b: x @ W.T + b),
                _rnn(lambda x, h, W, U, b: x @ W.T + U.sum(1) + b),
                _rnn(lambda x, h, W, U, b: x @ W.T),
            ),
            hint=2,
        ),
        Mistake(
            "What comes in, x, is missing.",
            (_rnn(lambda x, h, W, U, b: h @ U.T + b), _rnn(lambda x, h, W, U, b: h @ U.T)),
            hint=2,
        ),
        Mistake(
            "You squash the parts one by one. The tanh goes round the whole sum.",
            (
                lambda x, h, W, U, b: torch.tanh(x @ W.T + b) + torch.tanh(h @ U.T),
                lambda x, h, W, U, b: torch.tanh(x @ W.T) + torch.tanh(h @ U.T + b),
                lambda x, h, W, U, b: torch.tanh(x @ W.T) + torch.tanh(h @ U.T) + b,
                lambda x, h, W, U, b: torch.tanh(x @ W.T) + torch.tanh(h @ U.T) + torch.tanh(b),
                lambda x, h, W, U, b: torch.tanh(x @ W.T + b) + h @ U.T,
                lambda x, h, W, U, b: torch.tanh(x @ W.T) + h @ U.T + b,
                lambda x, h, W, U, b: x @ W.T + torch.tanh(h @ U.T + b),
                lambda x, h, W, U, b: x @ W.T + b + torch.tanh(h @ U.T),
            ),
            hint=3,
        ),
        Mistake(
            "You add the old state itself. In this network it comes in through U alone.",
            (
                lambda x, h, W, U, b: h + rnn_step(x, h, W, U, b),
                _rnn(lambda x, h, W, U, b: _sum(x, h, W, U, b) + h),
                _rnn(lambda x, h, W, U, b: x @ W.T + h + b),
                lambda x, h, W, U, b: h + torch.tanh(x @ W.T + b),
                lambda x, h, W, U, b: (h + rnn_step(x, h, W, U, b)) / 2,
            ),
            hint=2,
        ),
        Mistake(
            "You multiply what comes in with what was there. The step adds the two.",
            (
                _rnn(lambda x, h, W, U, b: (x @ W.T) * (h @ U.T) + b),
                _rnn(lambda x, h, W, U, b: (x @ W.T + b) * (h @ U.T)),
                _rnn(lambda x, h, W, U, b: (x @ W.T) * (h @ U.T + b)),
                lambda x, h, W, U, b: torch.tanh(x @ W.T + b) * torch.tanh(h @ U.T),
                lambda x, h, W, U, b: torch.tanh(x @ W.T + b) * h,
            ),
            hint=2,
        ),
        Mistake(
            "One of the two parts is taken away. The step adds them.",
            (
                _rnn(lambda x, h, W, U, b: x @ W.T - h @ U.T + b),
                _rnn(lambda x, h, W, U, b: h @ U.T - x @ W.T + b),
                _rnn(lambda x, h, W, U, b: -_sum(x, h, W, U, b)),
            ),
            hint=2,
        ),
        Mistake(
            "U is not transposed. With the batch in rows each weight stands on the right, transposed: h @ U.T.",
            (
                _rnn(lambda x, h, W, U, b: x @ W.T + h @ U + b),
                lambda x, h, W, U, b: x @ W.T + h @ U + b,
                _rnn(lambda x, h, W, U, b: x @ W.T + h @ U),
            ),
            hint=1,
        ),
        Mistake(
            "W is not transposed. With the batch in rows each weight stands on the right, transposed: x @ W.T.",
            (
                _rnn(lambda x, h, W, U, b: x @ W + h @ U.T + b),
                _rnn(lambda x, h, W, U, b: x @ W + h @ U + b),
                lambda x, h, W, U, b: x @ W + h @ U + b,
            ),
            hint=1,
        ),
        Mistake(
            "The batch stands in the rows of x and h, so the weights stand on the right, transposed: x @ W.T. Yours stand on the left.",
            (
                _rnn(lambda x, h, W, U, b: W @ x + U @ h + b),
                _rnn(lambda x, h, W, U, b: (W @ x.T + U @ h.T) + b),
                _rnn(lambda x, h, W, U, b: W @ x.T + U @ h.T + b[:, None]),
                _rnn(lambda x, h, W, U, b: W.T @ x + U.T @ h + b),
            ),
            hint=1,
        ),
        Mistake(
            "The weights have changed places: W is for what comes in, U for what was there.",
            (
                _rnn(lambda x, h, W, U, b: x @ U.T + h @ W.T + b),
                _rnn(lambda x, h, W, U, b: x @ U + h @ W + b),
                _rnn(lambda x, h, W, U, b: x @ W.T + h @ W.T + b),
                _rnn(lambda x, h, W, U, b: x @ U.T + h @ U.T + b),
            ),
            hint=2,
        ),
        Mistake(
            "You multiply number by number (`*`). A weight matrix mixes all numbers of a row: `@`.",
            (
                _rnn(lambda x, h, W, U, b: x * W + h * U + b),
                _rnn(lambda x, h, W, U, b: x * W.T + h * U.T + b),
                _rnn(lambda x, h, W, U, b: x @ W.T + h * U + b),
                _rnn(lambda x, h, W, U, b: x @ W.T + h * U.T + b),
            ),
            hint=1,
        ),
        Mistake(
            "You return more than the new state.",
            (
                lambda x, h, W, U, b: (rnn_step(x, h, W, U, b),) * 2,
                lambda x, h, W, U, b: (rnn_step(x, h, W, U, b), _sum(x, h, W, U, b)),
                lambda x, h, W, U, b: (rnn_step(x, h, W, U, b), h),
            ),
        ),
        Mistake(
            "You mixed over the batch. Every sequence of the batch has a state of its own.",
            (
                lambda x, h, W, U, b: rnn_step(x, h, W, U, b).mean(0),
                lambda x, h, W, U, b: rnn_step(x, h, W, U, b).sum(0),
                lambda x, h, W, U, b: rnn_step(x, h, W, U, b)[0],
            ),
        ),
        Mistake(
            "The numbers are right, but you wrote the new state into h itself. Return a new tensor.",
            (lambda x, h, W, U, b: h.copy_(rnn_step(x, h, W, U, b)),),
        ),
    ),
    hints=(
        "The batch stands in the rows: `x @ W.T` is W times x for every row at once.",
        "What comes in goes through W, what was there goes through U. The two are added.",
        "Add b as well, and put the whole sum through `torch.tanh`.",
    ),
)

# 02.2 ---------------------------------------------------------------------------------------------------------------


def left(f: Tensor) -> Tensor:
    """d c_T / d c_t along the memory line, for every step t: the product of the forget gates after t."""
    later = torch.cat([f[1:], torch.ones_like(f[:1])])
    return later.flip(0).cumprod(0).flip(0)


def _left_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(21)
    return [
        Case("f = 0.9 at six steps", (torch.full((6,), 0.9, dtype=torch.float64),)),
        Case("three different gates", (torch.tensor([0.9, 0.5, 0.8], dtype=torch.float64),)),
        Case(
            "one gate is closed: f = [1, 1, 0, 1, 0.5]",
            (torch.tensor([1, 1, 0, 1, 0.5], dtype=torch.float64),),
        ),
        Case("eight different gates", (torch.rand(8, generator=draw, dtype=torch.float64),)),
    ]


def _draw_left(draw: torch.Generator) -> Case:
    steps = int(torch.randint(2, 12, (), generator=draw))
    return Case(f"{steps} gates drawn by chance", (torch.rand(steps, generator=draw, dtype=torch.float64),))


Gates = Callable[[Tensor, int], Tensor]
Line = Callable[[Tensor], Tensor]


def _after(f: Tensor, t: int) -> Tensor:
    return f[t + 1 :]


def _own_and_after(f: Tensor, t: int) -> Tensor:
    return f[t:]


def _product(gates: Tensor) -> Tensor:
    return gates.prod()


def _at_each_step(which: Gates = _after, how: Line = _product) -> Line:
    """Some gates for each step, made one number in some way."""
    return lambda f: torch.stack([how(which(f, t)) for t in range(len(f))])


def _steps_left(f: Tensor) -> Tensor:
    return torch.arange(len(f) - 1, -1, -1)


def _with_last(last: Line) -> Line:
    """Multiplied from behind as it should be, but with another number than 1 at the end."""
    return lambda f: torch.cat([f[1:], last(f)]).flip(0).cumprod(0).flip(0)


LEFT = Exercise(
    id="02.2",
    title="what is left at the end",
    solution=left,
    cases=_left_cases,
    draw=_draw_left,
    outputs=("what is left",),
    any_float=True,
    mistakes=(
        Mistake(
            "Your product begins one gate too early: f_t closes on the memory before step t, and what step t holds "
            "passes only the gates after it. At the last step nothing follows, so 1 is left.",
            (
                _at_each_step(_own_and_after),
                lambda f: torch.cat([_at_each_step(_own_and_after)(f)[:-1], torch.ones_like(f[:1])]),
            ),
            hint=1,
        ),
        Mistake(
            "Your product begins one gate too late: the first gate that a nudge at step t meets is f at step t+1.",
            (
                _at_each_step(lambda f, t: f[t + 2 :]),
                lambda f: torch.cat([f[2:], torch.ones_like(f[:2])])[: len(f)].flip(0).cumprod(0).flip(0),
            ),
            hint=1,
        ),
        Mistake(
            "Your product stops one gate too early: the last gate, f at step T, still closes on what the steps before it hold.",
            (
                _at_each_step(lambda f, t: f[t + 1 : -1]),
                _at_each_step(lambda f, t: f[t:-1]),
                lambda f: torch.cat([f[:-1].flip(0).cumprod(0).flip(0), torch.ones_like(f[:1])]),
            ),
            hint=1,
        ),
        Mistake(
            "You multiplied from the first step up to t. What matters for the end are the gates that are still to come.",
            (
                lambda f: f.cumprod(0),
                _at_each_step(lambda f, t: f[:t]),
                _at_each_step(lambda f, t: f[1 : t + 1]),
                lambda f: torch.cat([f[1:], torch.ones_like(f[:1])]).cumprod(0),
                lambda f: f.cumprod(0) / f,
            ),
            hint=2,
        ),
        Mistake(
            "The numbers are there, but in reverse: entry 0 belongs to the first step. Flip back after multiplying.",
            (
                lambda f: left(f).flip(0),
                lambda f: f.flip(0).cumprod(0),
                lambda f: torch.cat([torch.ones_like(f[:1]), f.flip(0)[:-1]]).cumprod(0).roll(0),
                lambda f: torch.cat([torch.ones_like(f[:1]), f.flip(0)]).cumprod(0),
            ),
            hint=3,
        ),
        Mistake(
            "You took the gate of one step for all steps that follow. Each later step has a gate of its own: multiply those.",
            (
                lambda f: f ** _steps_left(f),
                lambda f: f ** (_steps_left(f) + 1),
                lambda f: f ** torch.arange(len(f)),
                lambda f: f ** torch.arange(1, len(f) + 1),
                lambda f: f ** len(f),
                lambda f: f[0] ** _steps_left(f),
                lambda f: f[-1] ** _steps_left(f),
                lambda f: torch.cat([f[1:], torch.ones_like(f[:1])]) ** _steps_left(f),
                lambda f: f[0] ** (_steps_left(f) + 1),
            ),
            hint=1,
        ),
        Mistake(
            "You took one gate, the mean of all, for every step. A single closed gate must leave 0 of everything before it.",
            (
                lambda f: f.mean() ** _steps_left(f),
                lambda f: f.mean() ** (_steps_left(f) + 1),
                lambda f: f.mean() ** torch.arange(len(f)),
                _at_each_step(how=lambda g: g.mean() ** len(g) if len(g) else torch.ones_like(g.sum())),
                _at_each_step(_own_and_after, lambda g: g.mean() ** len(g)),
            ),
            hint=1,
        ),
        Mistake(
            "You put 0 where nothing follows. At the last step nothing is lost: a nudge there arrives whole, 1.",
            (
                _with_last(lambda f: torch.zeros_like(f[:1])),
                lambda f: torch.cat([left(f)[:-1], torch.zeros_like(f[:1])]),
                lambda f: torch.cat([_at_each_step(_own_and_after)(f)[1:], torch.zeros_like(f[:1])]),
            ),
            hint=2,
        ),
        Mistake(
            "At the last step no gate follows, and yet you multiply one in there: a nudge at the last step arrives whole, 1.",
            (
                _with_last(lambda f: f[-1:]),
                _with_last(lambda f: f[:1]),
                lambda f: torch.cat([left(f)[:-1], f[-1:]]),
                lambda f: torch.cat([left(f)[:-1], f[:1]]),
            ),
            hint=2,
        ),
        Mistake(
            "You shifted the gates the wrong way: the 1 belongs to the end, after the last gate, and it is the first gate that drops out.",
            (
                lambda f: torch.cat([torch.ones_like(f[:1]), f[:-1]]).flip(0).cumprod(0).flip(0),
                lambda f: _at_each_step(_own_and_after)(f).roll(1),
                lambda f: torch.cat([torch.ones_like(f[:1]), _at_each_step(_own_and_after)(f)[:-1]]),
            ),
            hint=3,
        ),
        Mistake(
            "You multiplied all the other gates, those before step t too. Those closed before the nudge came: only the later ones count.",
            (_at_each_step(lambda f, t: torch.cat([f[:t], f[t + 1 :]])), lambda f: f.prod() / f),
            hint=1,
        ),
        Mistake(
            "You multiply two gates for each step. A nudge passes all the gates after it, up to the end.",
            (
                lambda f: torch.cat([f[:-1] * f[1:], f[-1:]]),
                lambda f: torch.cat([f[:-1] * f[1:], torch.ones_like(f[:1])]),
                _at_each_step(lambda f, t: f[t + 1 : t + 3]),
                _at_each_step(lambda f, t: f[t : t + 2]),
            ),
            hint=1,
        ),
        Mistake(
            "You took only the next gate. A nudge passes all gates up to the end: multiply them up.",
            (
                lambda f: torch.cat([f[1:], torch.ones_like(f[:1])]),
                lambda f: torch.cat([f[1:], torch.zeros_like(f[:1])]),
            ),
            hint=1,
        ),
        Mistake(
            "You return the gates themselves, moved or turned round at most. What is left at the end is a product of gates.",
            (
                lambda f: f * 1,
                lambda f: f.roll(-1),
                lambda f: f.roll(1),
                lambda f: f.flip(0),
                lambda f: f.sort()[0],
            ),
            hint=1,
        ),
        Mistake(
            "You added the gates up. Each gate lets a share through, and shares of shares are multiplied.",
            (
                _at_each_step(how=lambda g: g.sum()),
                _at_each_step(_own_and_after, lambda g: g.sum()),
                lambda f: f.cumsum(0),
                lambda f: torch.cat([f[1:], torch.ones_like(f[:1])]).flip(0).cumsum(0).flip(0),
            ),
            hint=1,
        ),
        Mistake(
            "You took the mean of the later gates. Each lets a share of the rest through: multiply them.",
            (
                _at_each_step(how=lambda g: g.mean()),
                _at_each_step(how=lambda g: g.mean() if len(g) else torch.ones_like(g.sum())),
                _at_each_step(_own_and_after, lambda g: g.mean()),
                _at_each_step(how=lambda g: g.prod() ** (1 / max(len(g), 1))),
                _at_each_step(_own_and_after, lambda g: g.prod() ** (1 / len(g))),
            ),
            hint=1,
        ),
        Mistake(
            "You took the smallest (or the largest) of the later gates. Every one of them takes its part: multiply them all.",
            (
                lambda f: torch.cat([f[1:], torch.ones_like(f[:1])]).flip(0).cummin(0)[0].flip(0),
                lambda f: f.flip(0).cummin(0)[0].flip(0),
                lambda f: torch.cat([f[1:], torch.zeros_like(f[:1])]).flip(0).cummax(0)[0].flip(0),
                lambda f: torch.cat([f[1:].flip(0).cummax(0)[0].flip(0), torch.ones_like(f[:1])]),
                lambda f: f.flip(0).cummax(0)[0].flip(0),
            ),
            hint=1,
        ),
        Mistake(
            "You return the logarithm of what is left. Take exp of the sum, or multiply the gates.",
            (
                lambda f: left(f).log(),
                _at_each_step(how=lambda g: g.log().sum()),
                lambda f: _at_each_step(_own_and_after)(f).log(),
            ),
            hint=3,
        ),
        Mistake(
            "You divide by a product of gates, and a gate may be closed: 0 / 0 is nan. Multiply up from the end instead.",
            (
                lambda f: f.prod() / f.cumprod(0),
                lambda f: f.prod() / torch.cat([torch.ones_like(f[:1]), f[:-1].cumprod(0)]),
                lambda f: f.cumprod(0)[-1] / f.cumprod(0),
                lambda f: (f.log().sum() - f.log().cumsum(0)).exp(),
            ),
            hint=3,
        ),
        Mistake(
            "You return one number, what is left of one step. Every step is asked for: a tensor as long as f.",
            (
                lambda f: f[1:].prod(),
                lambda f: f.prod(),
                lambda f: f[1:].prod().reshape(1),
                lambda f: f.prod().reshape(1),
                lambda f: f.prod().expand(len(f)),
                lambda f: f[1:].prod().expand(len(f)),
                lambda f: f[:-1].prod(),
                lambda f: f[-1] * 1,
            ),
            hint=2,
        ),
        Mistake(
            "There is one step too few: the last step counts too, and of a nudge there 1 is left.",
            (
                lambda f: left(f)[:-1],
                lambda f: _at_each_step(_own_and_after)(f)[:-1],
                lambda f: left(f)[1:],
            ),
            hint=2,
        ),
        Mistake(
            "There is one step too many: f has T gates, and the answer T numbers. The product with the very first gate belongs to no step.",
            (
                lambda f: torch.cat([f, torch.ones_like(f[:1])]).flip(0).cumprod(0).flip(0),
                lambda f: torch.cat([left(f), torch.ones_like(f[:1])]),
                lambda f: torch.cat([torch.ones_like(f[:1]), f.cumprod(0)]),
            ),
            hint=2,
        ),
        Mistake(
            "That is what is gone. What is left is asked for.",
            (
                lambda f: 1 - left(f),
                _at_each_step(how=lambda g: (1 - g).prod()),
                _at_each_step(_own_and_after, lambda g: (1 - g).prod()),
                lambda f: 1 - _at_each_step(_own_and_after)(f),
                lambda f: 1 - f.cumprod(0),
            ),
        ),
        Mistake(
            "You put the gates through a sigmoid once more. f holds gates already, shares from 0 to 1.",
            (
                lambda f: left(torch.sigmoid(f)),
                lambda f: torch.sigmoid(left(f)),
                lambda f: _at_each_step(_own_and_after)(torch.sigmoid(f)),
            ),
        ),
        Mistake(
            "You added up what is left of several steps (or divided by that sum). Each step stands alone: the share of its own nudge.",
            (
                lambda f: left(f).flip(0).cumsum(0).flip(0),
                lambda f: left(f).cumsum(0),
                lambda f: left(f) / left(f).sum(),
                lambda f: left(f).sum(),
            ),
            hint=3,
        ),
        Mistake(
            "That is in per cent. A share is asked for, from 0 to 1.",
            (lambda f: 100 * left(f), lambda f: 100 * _at_each_step(_own_and_after)(f)),
        ),
        Mistake(
            "You multiplied by other things than gates: on the memory line there is no slope f (1 - f) and no matrix, only f itself.",
            (
                lambda f: left(f * (1 - f)),
                lambda f: left(f) * f * (1 - f),
                lambda f: left(f**2),
                lambda f: left(torch.tanh(f)),
            ),
            hint=1,
        ),
    ),
    hints=(
        "A nudge to c at step t is multiplied by f at step t+1, then at t+2, and so on to the end.",
        "Work from the end: at the last step 1 is left; one step earlier, the last gate; then that times the gate before.",
        "Drop the first gate, put a 1 at the end, and multiply up from behind: `flip(0).cumprod(0).flip(0)`.",
    ),
)

# 02.3 ---------------------------------------------------------------------------------------------------------------

Pair = tuple[Tensor, Tensor]


def step(z: Tensor, c: Tensor) -> Pair:
    """The four sums z [..., 4n] in the order of torch (i, f, g, o) and the memory c [..., n]: the new h and c."""
    i, f, g, o = z.chunk(4, dim=-1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def _sums(draw: torch.Generator, *shape: int) -> Tensor:
    return 1.5 * torch.randn(*shape, generator=draw, dtype=torch.float64)


def _step_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(22)

    def both(*shape: int) -> tuple[Tensor, Tensor]:
        return _sums(draw, *shape[:-1], 4 * shape[-1]), 1.5 * _sums(draw, *shape)

    return [
        Case("five units, a batch of three", both(3, 5)),
        Case("one unit, a batch of one", both(1, 1)),
        Case("an empty memory", (both(2, 3)[0], torch.zeros(2, 3, dtype=torch.float64))),
        Case("four units, a batch of four", both(4, 4)),
        Case("two units and no batch: z of shape [8], c of shape [2]", both(2)),
        Case("two tasks, a batch of three, two units: z of shape [2, 3, 8]", both(2, 3, 2)),
    ]


def _draw_step(draw: torch.Generator) -> Case:
    batch, units = torch.randint(1, 6, (2,), generator=draw).tolist()
    return Case(
        f"{units} units, a batch of {batch}", (_sums(draw, batch, 4 * units), _sums(draw, batch, units))
    )


def _same(x: Tensor) -> Tensor:
    return x


def _memory(f: Tensor, c: Tensor, i: Tensor, g: Tensor) -> Tensor:
    return f * c + i * g


def _says(o: Tensor, new: Tensor, c: Tensor, g: Tensor) -> Tensor:
    return o * torch.tanh(new)


def _step(
    order: str = "ifgo",
    gates: tuple[Line, ...] = (torch.sigmoid,) * 3,
    squash: Line = torch.tanh,
    memory: Callable[..., Tensor] = _memory,
    says: Callable[..., Tensor] = _says,
    give: Callable[[Tensor, Tensor], Any] = lambda h, c: (h, c),
    parts: Callable[[Tensor], Any] = lambda z: z.chunk(4, dim=-1),
    taken_for: dict[str, str] | None = None,
) -> Callable[[Tensor, Tensor], Any]:
    """A cell with something changed: the order of the sums, the squashing of i, f, o or g, what c or h is made of."""

    def wrong(z: Tensor, c: Tensor) -> Any:
        part = dict(zip(order, parts(z), strict=True))
        part |= {role: part[other] for role, other in (taken_for or {}).items()}
        i, f, o = (gate(part[name]) for gate, name in zip(gates, "ifo", strict=True))
        g = squash(part["g"])
        new = memory(f, c, i, g)
        return give(says(o, new, c, g), new)

    return wrong


def _gates(gate: Line) -> tuple[Callable[[Tensor, Tensor], Any], ...]:
    """All three gates made by ``gate``; then one of them; then two."""
    sets = [tuple(gate if k in which else torch.sigmoid for k in range(3)) for which in
            ((0, 1, 2), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2))]  # fmt: skip
    return tuple(_step(gates=each) for each in sets)


def _in_order(order: str) -> tuple[Callable[[Tensor, Tensor], Any], ...]:
    """Another order of the sums, alone and with a second mistake."""
    return (
        _step(order),
        _step(order, squash=torch.sigmoid),
        _step(order, squash=_same),
        _step(order, says=lambda o, new, c, g: o * new),
        _step(order, says=lambda o, new, c, g: o * torch.tanh(c)),
        _step(order, memory=lambda f, c, i, g: torch.tanh(f * c + i * g)),
        _step(order, memory=lambda f, c, i, g: c + i * g),
        _step(order, give=lambda h, c: (c, h)),
    )


def _step_in_place(z: Tensor, c: Tensor) -> Pair:
    h, new = step(z, c)
    return h, c.copy_(new)


STEP = Exercise(
    id="02.3",
    title="one step of the cell",
    solution=step,
    cases=_step_cases,
    draw=_draw_step,
    outputs=("h", "c"),
    leading=("z", "c"),
    differentiable=("z", "c"),
    chain=lambda inputs, output: (inputs[0], torch.as_tensor(output[1])),
    mistakes=(
        Mistake(
            "Input gate and forget gate have changed places: torch's order is i, f, g, o, and f stands before the old memory, i before the candidate.",
            _in_order("figo"),
            hint=1,
        ),
        Mistake(
            "Candidate and output gate have changed places: torch's order is i, f, g, o (input, forget, candidate, output).",
            _in_order("ifog"),
            hint=1,
        ),
        Mistake(
            "Your order of the four parts is another than torch's: it is i, f, g, o (input, forget, candidate, output).",
            tuple(
                _step("".join(order))
                for order in permutations("ifgo")
                if "".join(order) not in ("ifgo", "figo", "ifog")
            ),
            hint=1,
        ),
        Mistake(
            "You use one of the four parts twice, and another not at all: i lets in, f keeps, g is written, o shows.",
            tuple(_step(taken_for={role: other}) for role in "ifgo" for other in "ifgo" if role != other),
            hint=1,
        ),
        Mistake(
            "You put a sigmoid on the candidate g. It is what is written, and may be negative: tanh.",
            (_step(squash=torch.sigmoid), _step(squash=lambda g: torch.tanh(torch.sigmoid(g)))),
            hint=2,
        ),
        Mistake(
            "The tanh on the candidate g is missing.",
            (_step(squash=_same), _step(squash=lambda g: g.clamp(-1, 1)), _step(squash=torch.relu)),
            hint=2,
        ),
        Mistake(
            "The tanh on the way out is missing: h = o * tanh(c).",
            (
                _step(says=lambda o, new, c, g: o * new),
                _step(squash=_same, says=lambda o, new, c, g: o * new),
            ),
            hint=2,
        ),
        Mistake(
            "On the way out you put a sigmoid (or something else) where a tanh belongs: h = o * tanh(c) may be negative.",
            (
                _step(says=lambda o, new, c, g: o * torch.sigmoid(new)),
                _step(says=lambda o, new, c, g: o * torch.relu(new)),
            ),
            hint=2,
        ),
        Mistake(
            "You squash the product. The output gate decides how much of tanh(c) is shown: h = o * tanh(c), and o stands outside.",
            (
                _step(says=lambda o, new, c, g: torch.tanh(o * new)),
                _step(says=lambda o, new, c, g: torch.tanh(o * torch.tanh(new))),
            ),
            hint=2,
        ),
        Mistake(
            "One or more of your gates are not squashed: i, f and o go through a sigmoid first.",
            _gates(_same),
            hint=2,
        ),
        Mistake(
            "One or more of your gates go through a tanh, so they can be negative. A gate is a share from 0 to 1: sigmoid.",
            _gates(torch.tanh),
            hint=2,
        ),
        Mistake(
            "One or more of your gates are squashed twice. One sigmoid is enough.",
            (
                *_gates(lambda x: torch.sigmoid(torch.sigmoid(x))),
                *_gates(lambda x: torch.tanh(torch.sigmoid(x))),
            ),
            hint=2,
        ),
        Mistake(
            "One or more of your gates are cut to a share by a clamp, a relu or a threshold. A gate glides from 0 to 1: sigmoid.",
            (
                *_gates(torch.relu),
                *_gates(lambda x: x.clamp(0, 1)),
                *_gates(lambda x: (x > 0).to(x)),
                *_gates(torch.nn.functional.hardsigmoid),
            ),
            hint=2,
        ),
        Mistake(
            "One or more of your gates are exponentials, which have no upper bound. A gate is a share from 0 to 1: 1 / (1 + exp(-z)).",
            (
                *_gates(torch.exp),
                *_gates(lambda x: torch.exp(-x)),
            ),
            hint=2,
        ),
        Mistake(
            "You read a gate as the share that is lost, 1 - f. A gate is the share that is kept, let in or shown.",
            (
                *_gates(lambda x: torch.sigmoid(-x)),
                _step(memory=lambda f, c, i, g: c - f + i * g),
                _step(memory=lambda f, c, i, g: f * (1 - c) + i * g),
            ),
            hint=3,
        ),
        Mistake(
            "Your gates go through a softmax, so they compete with each other. Each gate is a share of its own: sigmoid.",
            (
                *_gates(lambda x: x.softmax(-1)),
                _step(
                    parts=lambda z: [torch.logit(part) for part in z.softmax(-1).chunk(4, dim=-1)],
                    squash=_same,
                ),
            ),
            hint=2,
        ),
        Mistake(
            "You squash all four parts at once, and then again one by one. Once is enough: three are shares (sigmoid), the candidate is a content (tanh).",
            (
                _step(parts=lambda z: torch.sigmoid(z).chunk(4, dim=-1)),
                _step(parts=lambda z: torch.tanh(z).chunk(4, dim=-1)),
            ),
            hint=2,
        ),
        Mistake(
            "Nothing is squashed, neither the gates nor the candidate: z are bare sums.",
            (
                _step(gates=(_same,) * 3, squash=_same),
                _step(gates=(_same,) * 3, squash=_same, says=lambda o, new, c, g: o * new),
            ),
            hint=2,
        ),
        Mistake(
            "Your h shows the old memory. First the memory moves, then h shows the new one.",
            (
                _step(says=lambda o, new, c, g: o * torch.tanh(c)),
                _step(says=lambda o, new, c, g: o * c),
            ),
            hint=3,
        ),
        Mistake(
            "Your h shows the candidate. It shows the memory, what was kept and what was written: h = o * tanh(c).",
            (
                _step(says=lambda o, new, c, g: o * g),
                _step(says=lambda o, new, c, g: o * torch.tanh(g)),
            ),
            hint=3,
        ),
        Mistake(
            "Your h shows the memory through no output gate: h = o * tanh(c).",
            (_step(says=lambda o, new, c, g: torch.tanh(new)),),
            hint=3,
        ),
        Mistake(
            "Your output gate is added. A gate multiplies what it lets through: h = o * tanh(c).",
            (
                _step(says=lambda o, new, c, g: o + torch.tanh(new)),
                _step(says=lambda o, new, c, g: o + new),
                _step(says=lambda o, new, c, g: torch.tanh(new) - o),
            ),
            hint=3,
        ),
        Mistake(
            "The sigmoid and the tanh of the last line have changed places: the gate o gets the sigmoid, the memory the tanh.",
            (_step(says=lambda o, new, c, g: torch.tanh(torch.logit(o)) * torch.sigmoid(new)),),
            hint=1,
        ),
        Mistake(
            "You return the output gate for h. The gate says how much is shown; what is shown is o * tanh(c).",
            (
                _step(says=lambda o, new, c, g: o),
                _step(says=lambda o, new, c, g: o, give=lambda h, c: (c, h)),
            ),
            hint=3,
        ),
        Mistake(
            "You squashed the memory itself. c stays as it is, so that it can be kept; only h shows a tanh of it.",
            (
                _step(memory=lambda f, c, i, g: torch.tanh(f * c + i * g), says=lambda o, new, c, g: o * new),
                _step(memory=lambda f, c, i, g: torch.tanh(f * c + i * g)),
                _step(give=lambda h, c: (h, torch.tanh(c))),
                _step(memory=lambda f, c, i, g: f * torch.tanh(c) + i * g),
                _step(memory=lambda f, c, i, g: (f * c + i * g).clamp(-1, 1)),
                _step(memory=lambda f, c, i, g: torch.sigmoid(f * c + i * g)),
                _step(memory=lambda f, c, i, g: f * torch.sigmoid(c) + i * g),
            ),
            hint=2,
        ),
        Mistake(
            "Your memory keeps everything: the forget gate f is missing in front of the old c.",
            (
                _step(memory=lambda f, c, i, g: c + i * g),
                _step(memory=lambda f, c, i, g: c + f * i * g),
            ),
            hint=3,
        ),
        Mistake(
            "Your memory takes in the candidate whole: the input gate i is missing in front of g.",
            (
                _step(memory=lambda f, c, i, g: f * c + g),
                _step(memory=lambda f, c, i, g: f * c + i + g),
            ),
            hint=3,
        ),
        Mistake(
            "Your forget gate closes on the candidate too: f stands before the old memory alone, i before the candidate.",
            (_step(memory=lambda f, c, i, g: f * (c + i * g)),),
            hint=3,
        ),
        Mistake(
            "Your input gate closes on the old memory too: i stands before the candidate alone, f before the old memory.",
            (_step(memory=lambda f, c, i, g: i * (f * c + g)),),
            hint=3,
        ),
        Mistake(
            "All of it is multiplied. The new memory is a sum of two products: what is kept, and what is let in.",
            (
                _step(memory=lambda f, c, i, g: f * c * i * g),
                _step(memory=lambda f, c, i, g: (f + i) * (c + g)),
                _step(memory=lambda f, c, i, g: (f + c) * (i + g)),
            ),
            hint=3,
        ),
        Mistake(
            "You coupled the gates: in this cell the input gate is a gate of its own, not 1 - f (and f not 1 - i).",
            (
                _step(memory=lambda f, c, i, g: f * c + (1 - f) * g),
                _step(memory=lambda f, c, i, g: (1 - i) * c + i * g),
                _step(memory=lambda f, c, i, g: (1 - f) * c + f * g),
                _step(memory=lambda f, c, i, g: i * c + (1 - i) * g),
            ),
            hint=3,
        ),
        Mistake(
            "You divide by the sum of the gates (or by 2). The gates need not add up to 1, and the memory may grow: it counts.",
            (
                _step(memory=lambda f, c, i, g: (f * c + i * g) / (f + i)),
                _step(memory=lambda f, c, i, g: (f * c + i * g) / 2),
            ),
            hint=3,
        ),
        Mistake(
            "You shift a sum before it is squashed (a bias of 1?). The biases are in z already.",
            (*_gates(lambda x: torch.sigmoid(x + 1)), *_gates(lambda x: torch.sigmoid(x - 1))),
            hint=2,
        ),
        Mistake(
            "Your candidate is taken away from the memory. It is added, and brings its sign along.",
            (
                _step(memory=lambda f, c, i, g: f * c - i * g),
                _step(memory=lambda f, c, i, g: i * g - f * c),
            ),
            hint=3,
        ),
        Mistake(
            "The old memory is missing: c = f * c + i * g, with the c that comes in.",
            (
                _step(memory=lambda f, c, i, g: i * g),
                _step(memory=lambda f, c, i, g: f + i * g),
                _step(memory=lambda f, c, i, g: f * g + i * g),
            ),
            hint=3,
        ),
        Mistake(
            "You return the old memory. The new one is asked for, the one that h shows.",
            (
                lambda z, c: (step(z, c)[0], c),
                _step(memory=lambda f, c, i, g: c * 1),
                _step(memory=lambda f, c, i, g: f * c),
            ),
            hint=3,
        ),
        Mistake(
            "The two are in the wrong order: return h first, then c.",
            (
                _step(give=lambda h, c: (c, h)),
                _step(says=lambda o, new, c, g: o * torch.tanh(c), give=lambda h, c: (c, h)),
            ),
            hint=3,
        ),
        Mistake(
            "You return one of the two (or one of them twice). Both are asked for: h, then c.",
            (
                _step(give=lambda h, c: h),
                _step(give=lambda h, c: c),
                _step(give=lambda h, c: (h, h)),
                _step(give=lambda h, c: (c, c.clone())),
                _step(give=lambda h, c: torch.cat([h, c], -1)),
            ),
            hint=3,
        ),
        Mistake(
            "You return more than h and c.",
            (
                lambda z, c: (*step(z, c), torch.sigmoid(z.chunk(4, -1)[3])),
                lambda z, c: (torch.sigmoid(z.chunk(4, -1)[3]), *step(z, c)),
                lambda z, c: (step(z, c)[0], *step(z, c)),
                lambda z, c: (step(z, c)[0], step(z, c)),
            ),
            hint=3,
        ),
        Mistake(
            "You took every fourth number. The four parts lie one behind the other, n numbers each: `z.chunk(4, dim=-1)`.",
            (
                _step(parts=lambda z: [z[..., k::4] for k in range(4)]),
                _step(parts=lambda z: z.unflatten(-1, (-1, 4)).unbind(-1)),
            ),
            hint=1,
        ),
        Mistake(
            "You cut z along the wrong axis. The four parts lie along the last one: `z.chunk(4, dim=-1)`.",
            (
                _step(parts=lambda z: z.chunk(4)),
                _step(parts=lambda z: z.reshape(4, *z.shape[:-1], z.shape[-1] // 4)),
                _step(parts=lambda z: [z[k] for k in range(4)]),
                _step(parts=lambda z: [z[:, k] for k in range(4)]),
                _step(parts=lambda z: [z[..., k] for k in range(4)]),
            ),
            hint=1,
        ),
        Mistake(
            "Your answer is right for two axes, [batch, 4n], and for no others. Count from behind: the last axis is -1, whatever comes before it.",
            (
                _step(parts=lambda z: z.chunk(4, dim=1)),
                _step(
                    parts=lambda z: [
                        z[:, k * (z.shape[1] // 4) : (k + 1) * (z.shape[1] // 4)] for k in range(4)
                    ]
                ),
                _step(parts=lambda z: _two_axes(z).chunk(4, dim=1)),
            ),
            hint=1,
        ),
        Mistake(
            "The numbers are right, but you wrote the new memory into c itself. Return a new tensor: no `*=` or `add_`.",
            (_step_in_place,),
        ),
    ),
    hints=(
        "`z.chunk(4, dim=-1)` gives the four parts in torch's order: input, forget, candidate, output.",
        "Three of them are gates and go through a sigmoid. The candidate goes through a tanh.",
        "First c = f * c + i * g, then h = o * tanh(c), with that new c. Return h, c.",
    ),
)


def _two_axes(z: Tensor) -> Tensor:
    _, _ = z.shape
    return z


# 02.4 ---------------------------------------------------------------------------------------------------------------


def forget_bias(steps: int, share: float) -> float:
    """The bias of a forget gate that leaves ``share`` of the memory after ``steps`` steps: the logit of share^(1/steps)."""
    f = share ** (1 / steps)
    return math.log(f / (1 - f))


def _bias_cases() -> list[Case]:
    return [
        Case("half is left after 100 steps", (100, 0.5)),
        Case("half is left after 1 step", (1, 0.5)),
        Case("a tenth is left after 24 steps", (24, 0.1)),
        Case("0.9 is left after 7 steps", (7, 0.9)),
        Case("a hundredth is left after 2 steps", (2, 0.01)),
    ]


def _draw_bias(draw: torch.Generator) -> Case:
    steps, share = (
        int(torch.randint(1, 200, (), generator=draw)),
        float(torch.rand((), generator=draw).clamp(0.02, 0.98)),
    )
    return Case(f"{share:.3f} is left after {steps} steps", (steps, round(share, 3)))


def _logit(f: float) -> float:
    return math.log(f / (1 - f))


def _root(steps: int, share: float) -> float:
    return share ** (1 / steps)


Bias = Callable[[int, float], float]


def _for_gates(*gates: Bias) -> tuple[Bias, ...]:
    """The bias, minus the bias, and the gate itself, for each way to get the gate."""
    biases: list[Bias] = [_bias_of(gate) for gate in gates]
    return (*biases, *(_minus(bias) for bias in biases), *gates)


def _bias_of(gate: Bias) -> Bias:
    return lambda steps, share: _logit(gate(steps, share))


def _minus(bias: Bias) -> Bias:
    return lambda steps, share: -bias(steps, share)


BIAS = Exercise(
    id="02.4",
    title="a bias that remembers",
    solution=forget_bias,
    cases=_bias_cases,
    draw=_draw_bias,
    outputs=("bias",),
    mistakes=(
        Mistake(
            "That is the gate. The bias is asked for, the number whose sigmoid is the gate.", (_root,), hint=3
        ),
        Mistake(
            "You squashed the gate once more. The bias is the number *before* the sigmoid: undo it.",
            (
                lambda steps, share: 1 / (1 + math.exp(-_root(steps, share))),
                lambda steps, share: 1 / (1 + math.exp(_root(steps, share))),
                lambda steps, share: math.tanh(_root(steps, share)),
            ),
            hint=3,
        ),
        Mistake(
            "You undid an exponential, not a sigmoid. The inverse of the sigmoid is log(f / (1 - f)).",
            (
                lambda steps, share: math.log(_root(steps, share)),
                lambda steps, share: -math.log(_root(steps, share)),
                lambda steps, share: math.log(share),
                lambda steps, share: -math.log(share),
                lambda steps, share: math.log(1 - _root(steps, share)),
                lambda steps, share: -math.log(1 - _root(steps, share)),
                lambda steps, share: math.exp(_root(steps, share)),
            ),
            hint=3,
        ),
        Mistake(
            "You undid a tanh (or another curve), not a sigmoid. The inverse of the sigmoid is log(f / (1 - f)).",
            (
                lambda steps, share: math.atanh(_root(steps, share)),
                lambda steps, share: math.tan(math.pi * (_root(steps, share) - 0.5)),
                lambda steps, share: 2 * math.atanh(_root(steps, share)),
                lambda steps, share: math.asin(_root(steps, share)),
                lambda steps, share: math.log(math.expm1(_root(steps, share))),
                lambda steps, share: torch.special.ndtri(
                    torch.tensor(_root(steps, share), dtype=torch.float64)
                ).item(),
            ),
            hint=3,
        ),
        Mistake(
            "You left the logarithm out: the sigmoid holds an exponential, and that is undone by a logarithm.",
            (
                lambda steps, share: _root(steps, share) / (1 - _root(steps, share)),
                lambda steps, share: (1 - _root(steps, share)) / _root(steps, share),
                lambda steps, share: 1 - 1 / _root(steps, share),
            ),
            hint=3,
        ),
        Mistake(
            "The logarithm of a fraction is a difference: log(f) - log(1 - f). Yours adds, or takes away something else.",
            (
                lambda steps, share: math.log(_root(steps, share)) + math.log(1 - _root(steps, share)),
                lambda steps, share: math.log(_root(steps, share)) - 1,
                lambda steps, share: math.log(_root(steps, share)) + 1,
                lambda steps, share: math.log(_root(steps, share)) - _root(steps, share),
                lambda steps, share: math.log(_root(steps, share)) * math.log(1 - _root(steps, share)),
            ),
            hint=3,
        ),
        Mistake(
            "You took a root of the odds, or of the bias. The root belongs to the share, before anything else: f = share ** (1 / steps).",
            (
                lambda steps, share: (share / (1 - share)) ** (1 / steps),
                lambda steps, share: (_root(steps, share) / (1 - _root(steps, share))) ** (1 / steps),
                lambda steps, share: math.log(_root(steps, share) / (1 - share)),
                lambda steps, share: math.log(share / (1 - _root(steps, share))),
            ),
            hint=2,
        ),
        Mistake(
            "The logarithm is that of the whole fraction, f over 1 - f. You took it of a part, and divided afterwards.",
            (
                lambda steps, share: math.log(_root(steps, share)) / (1 - _root(steps, share)),
                lambda steps, share: math.log(_root(steps, share)) / math.log(1 - _root(steps, share)),
                lambda steps, share: math.log(1 - _root(steps, share)) / math.log(_root(steps, share)),
            ),
            hint=3,
        ),
        Mistake(
            "Below the line stands 1 - f, the share that is lost, not 1 + f (and not f - 1).",
            (
                lambda steps, share: math.log(_root(steps, share) / (1 + _root(steps, share))),
                lambda steps, share: math.log(1 / _root(steps, share) + 1),
                lambda steps, share: -math.log(1 / _root(steps, share) + 1),
                lambda steps, share: math.log(1 / _root(steps, share)) - 1,
                lambda steps, share: math.log((1 + _root(steps, share)) / (1 - _root(steps, share))) / 4,
                lambda steps, share: math.log(1 + _root(steps, share)),
            ),
            hint=3,
        ),
        Mistake(
            "That is another logarithm. The sigmoid is made of e to the power z, so undo it with the natural one, math.log.",
            (
                lambda steps, share: forget_bias(steps, share) / math.log(10),
                lambda steps, share: forget_bias(steps, share) / math.log(2),
                lambda steps, share: -forget_bias(steps, share) / math.log(10),
                lambda steps, share: -forget_bias(steps, share) / math.log(2),
            ),
            hint=3,
        ),
        Mistake(
            "You shared the loss out evenly: 1 - (1 - share) / steps. But each step takes its part of what is still there, "
            "so f is the root of the share.",
            _for_gates(lambda steps, share: 1 - (1 - share) / steps),
            hint=2,
        ),
        Mistake(
            "That is the bias for one step only. The gate closes at every step: take the root, share ** (1 / steps), first.",
            (lambda steps, share: _logit(share), lambda steps, share: -_logit(share)),
            hint=2,
        ),
        Mistake(
            "The sign is turned round: your gate is nearly closed.",
            (
                _minus(forget_bias),
                lambda steps, share: math.log(1 / _root(steps, share) - 1),
            ),
            hint=3,
        ),
        Mistake(
            "You multiplied the bias of one step by the number of steps. Shares multiply; biases do not add up.",
            (
                lambda steps, share: steps * _logit(share),
                lambda steps, share: steps * forget_bias(steps, share),
            ),
            hint=2,
        ),
        Mistake(
            "You divided the bias by the number of steps. What is shared among the steps is the logarithm of the share, not the bias: take the root first.",
            (
                lambda steps, share: _logit(share) / steps,
                lambda steps, share: forget_bias(steps, share) / steps,
                lambda steps, share: -_logit(share) / steps,
            ),
            hint=3,
        ),
        Mistake(
            "You divided the share by the number of steps. The root is asked for: f ** steps = share, so f = share ** (1 / steps).",
            (*_for_gates(lambda steps, share: share / steps), lambda steps, share: 1 - share / steps),
            hint=2,
        ),
        Mistake(
            "You took the power instead of the root: f ** steps = share, so f = share ** (1 / steps).",
            (
                _bias_of(lambda steps, share: share**steps),
                _minus(_bias_of(lambda steps, share: share**steps)),
                lambda steps, share: share**steps,
                lambda steps, share: math.log(share**steps / (1 - share)),
                lambda steps, share: steps * math.log(share),
                lambda steps, share: -steps * math.log(share),
            ),
            hint=2,
        ),
        Mistake(
            "Your root is out by one: the memory passes the gate `steps` times, so it is the `steps`-th root.",
            (
                *_for_gates(lambda steps, share: share ** (1 / (steps + 1))),
                *_for_gates(lambda steps, share: share ** (1 / (steps - 1))),
                *_for_gates(lambda steps, share: share ** (1 / (steps - 1)) if steps > 1 else share),
            ),
            hint=2,
        ),
        Mistake(
            "You took a square root, whatever the number of steps. It is the root that belongs to so many steps: share ** (1 / steps).",
            (
                *_for_gates(lambda steps, share: math.sqrt(share)),
                *_for_gates(lambda steps, share: share ** (1 / 2) / steps),
                *_for_gates(lambda steps, share: share ** (1 / math.sqrt(steps))),
            ),
            hint=2,
        ),
        Mistake(
            "You computed with what is lost, 1 - share. Asked is that `share` is left.",
            (
                *_for_gates(lambda steps, share: (1 - share) ** (1 / steps)),
                *_for_gates(lambda steps, share: 1 - (1 - share) ** (1 / steps)),
                lambda steps, share: (1 - share) / steps,
            ),
            hint=1,
        ),
        Mistake(
            "Your gate is that of a time constant (1 - 1/steps, or an exponential of -1/steps), which leaves about a third. Asked is that `share` is left: f ** steps = share.",
            (
                *_for_gates(lambda steps, share: math.exp(-1 / steps)),
                *_for_gates(lambda steps, share: math.exp(-share / steps)),
                lambda steps, share: math.log(steps),
                lambda steps, share: math.log(steps - 1),
                lambda steps, share: math.log(steps + 1),
                lambda steps, share: 1 - 1 / steps,
            ),
            hint=1,
        ),
        Mistake(
            "You took one half for the share. `share` says how much is to be left: f ** steps = share.",
            _for_gates(lambda steps, share: 0.5 ** (1 / steps)),
            hint=1,
        ),
        Mistake(
            "You read the share as per cent. It is a number between 0 and 1.",
            (
                *_for_gates(lambda steps, share: (share / 100) ** (1 / steps)),
                lambda steps, share: math.log((100 * share) ** (1 / steps)),
            ),
            hint=1,
        ),
        Mistake(
            "`steps` and `share` have changed places: share ** (1 / steps).",
            (
                lambda steps, share: steps ** (1 / share),
                *_for_gates(lambda steps, share: steps**-share),
                lambda steps, share: math.log(steps ** (1 / share)),
            ),
            hint=2,
        ),
    ),
    hints=(
        "A gate f leaves f ** steps of the memory after so many steps. Set that equal to the share.",
        "So f = share ** (1 / steps). Which number has this sigmoid?",
        "The inverse of the sigmoid is the logit: math.log(f / (1 - f)).",
    ),
)

EXERCISES = (RNN_STEP, LEFT, STEP, BIAS)
