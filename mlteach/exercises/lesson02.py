"""The exercises of lesson 02: RNN and LSTM from the inside."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake

# 02.1 ---------------------------------------------------------------------------------------------------------------


def left(f: Tensor) -> Tensor:
    """d c_T / d c_t along the memory line, for every step t: the product of the forget gates after t."""
    later = torch.cat([f[1:], torch.ones_like(f[:1])])
    return later.flip(0).cumprod(0).flip(0)


def _left_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(21)
    return [
        Case("f = 0.9 at six steps", (torch.full((6,), 0.9, dtype=torch.float64),)),
        Case(
            "one gate is closed: f = [1, 1, 0, 1, 0.5]",
            (torch.tensor([1, 1, 0, 1, 0.5], dtype=torch.float64),),
        ),
        Case("eight different gates", (torch.rand(8, generator=draw, dtype=torch.float64),)),
    ]


def _with_own(f: Tensor) -> Tensor:
    return f.flip(0).cumprod(0).flip(0)


LEFT = Exercise(
    id="02.1",
    title="what is left at the end",
    solution=left,
    cases=_left_cases,
    mistakes=(
        Mistake(
            "Your product begins one gate too early: f_t closes on the memory before step t, and what step t holds "
            "passes only the gates after it. At the last step nothing follows, so 1 is left.",
            (_with_own,),
        ),
        Mistake(
            "You multiplied from the first step up to t. What matters for the end are the gates that are still to come.",
            (
                lambda f: f.cumprod(0),
                lambda f: torch.cat([torch.ones_like(f[:1]), f[:-1].cumprod(0)]),
            ),
        ),
        Mistake(
            "You took the gate of step t for all steps that follow. Each later step has a gate of its own: multiply those.",
            (lambda f: f ** torch.arange(len(f) - 1, -1, -1),),
        ),
        Mistake(
            "You took one gate, the mean of all, for every step. A single closed gate must leave 0 of everything before it.",
            (lambda f: f.mean() ** torch.arange(len(f) - 1, -1, -1),),
        ),
        Mistake(
            "You return one number, what is left of the first step. Every step is asked for: a tensor as long as f.",
            (lambda f: f[1:].prod(), lambda f: f.prod()),
        ),
        Mistake(
            "That is what is gone. What is left is asked for.",
            (lambda f: 1 - left(f),),
        ),
        Mistake(
            "The numbers are there, but in reverse: entry 0 belongs to the first step.",
            (lambda f: left(f).flip(0),),
        ),
    ),
    hints=(
        "A nudge to c at step t is multiplied by f at step t+1, then at t+2, and so on to the end.",
        "Work from the end: at the last step 1 is left; one step earlier, the last gate; then that times the gate before.",
        "Drop the first gate, put a 1 at the end, and multiply up from behind: `flip(0).cumprod(0).flip(0)`.",
    ),
)

# 02.2 ---------------------------------------------------------------------------------------------------------------

Pair = tuple[Tensor, Tensor]


def step(z: Tensor, c: Tensor) -> Pair:
    """The four sums z [..., 4n] in the order of torch (i, f, g, o) and the memory c [..., n]: the new h and c."""
    i, f, g, o = z.chunk(4, dim=-1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def _step_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(22)

    def normal(*shape: int) -> Tensor:
        return 1.5 * torch.randn(*shape, generator=draw, dtype=torch.float64)

    return [
        Case("one unit", (normal(1, 4), normal(1, 1))),
        Case("five units, a batch of three", (normal(3, 20), normal(3, 5))),
        Case("an empty memory", (normal(2, 12), torch.zeros(2, 3, dtype=torch.float64))),
    ]


def _step(
    order: str = "ifgo",
    squash: Callable[[Tensor], Tensor] = torch.tanh,
    show: Callable[[Tensor], Tensor] = torch.tanh,
    gate: Callable[[Tensor], Tensor] = torch.sigmoid,
    old: bool = False,
) -> Callable[[Tensor, Tensor], Pair]:
    """A cell with something changed."""

    def wrong(z: Tensor, c: Tensor) -> Pair:
        parts = dict(zip(order, z.chunk(4, dim=-1), strict=True))
        new = gate(parts["f"]) * c + gate(parts["i"]) * squash(parts["g"])
        return gate(parts["o"]) * show(c if old else new), new

    return wrong


def _same(x: Tensor) -> Tensor:
    return x


def _step_by_slices(z: Tensor, c: Tensor) -> Pair:
    return step(torch.stack([z[..., k::4] for k in range(4)], dim=-2).flatten(-2), c)


def _step_in_place(z: Tensor, c: Tensor) -> Pair:
    h, new = step(z, c)
    return h, c.copy_(new)


STEP = Exercise(
    id="02.2",
    title="one step of the cell",
    solution=step,
    cases=_step_cases,
    mistakes=(
        Mistake(
            "Your order of the four parts is another than torch's: it is i, f, g, o (input, forget, candidate, output).",
            (_step("figo"), _step("ifog"), _step("igfo"), _step("fiog"), _step("ofig")),
        ),
        Mistake(
            "You put a sigmoid on the candidate g. It is what is written, and may be negative: tanh.",
            (_step(squash=torch.sigmoid),),
        ),
        Mistake("The tanh on the candidate g is missing.", (_step(squash=_same),)),
        Mistake(
            "The tanh on the way out is missing: h = o * tanh(c).",
            (_step(show=_same),),
        ),
        Mistake("Your gates are not squashed: i, f and o go through a sigmoid first.", (_step(gate=_same),)),
        Mistake(
            "Your gates go through a tanh, so they can be negative. A gate is a share from 0 to 1: sigmoid.",
            (_step(gate=torch.tanh),),
        ),
        Mistake(
            "Your h shows the old memory. First the memory moves, then h shows the new one.",
            (_step(old=True),),
        ),
        Mistake(
            "You squashed the memory itself. c stays as it is, so that it can be kept; only h shows a tanh of it.",
            (lambda z, c: (step(z, c)[0], torch.tanh(step(z, c)[1])),),
        ),
        Mistake("The two are in the wrong order: return h first, then c.", (lambda z, c: step(z, c)[::-1],)),
        Mistake(
            "You took every fourth number. The four parts lie one behind the other, n numbers each: `z.chunk(4, dim=-1)`.",
            (_step_by_slices,),
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

# 02.3 ---------------------------------------------------------------------------------------------------------------


def forget_bias(steps: int, share: float) -> float:
    """The bias of a forget gate that leaves ``share`` of the memory after ``steps`` steps: the logit of share^(1/steps)."""
    f = share ** (1 / steps)
    return math.log(f / (1 - f))


def _bias_cases() -> list[Case]:
    return [
        Case("half is left after 100 steps", (100, 0.5)),
        Case("half is left after 1 step", (1, 0.5)),
        Case("a tenth is left after 24 steps", (24, 0.1)),
    ]


BIAS = Exercise(
    id="02.3",
    title="a bias that remembers",
    solution=forget_bias,
    cases=_bias_cases,
    mistakes=(
        Mistake(
            "That is the gate. The bias is asked for, the number whose sigmoid is the gate.",
            (lambda steps, share: share ** (1 / steps),),
        ),
        Mistake(
            "You undid an exponential, not a sigmoid. The inverse of the sigmoid is log(f / (1 - f)).",
            (lambda steps, share: math.log(share ** (1 / steps)),),
        ),
        Mistake(
            "You shared the loss out evenly: 1 - (1 - share) / steps. But each step takes its part of what is still there, "
            "so f is the root of the share.",
            (lambda steps, share: math.log(steps / (1 - share) - 1),),
        ),
        Mistake(
            "That is the bias for one step only. The gate closes at every step: take the root, share ** (1 / steps), first.",
            (lambda steps, share: math.log(share / (1 - share)),),
        ),
        Mistake(
            "The sign is turned round: your gate is nearly closed.",
            (lambda steps, share: -forget_bias(steps, share),),
        ),
        Mistake(
            "You multiplied the bias of one step by the number of steps. Shares multiply; biases do not add up.",
            (lambda steps, share: steps * math.log(share / (1 - share)),),
        ),
        Mistake(
            "You divided the share by the number of steps. The root is asked for: f ** steps = share, so f = share ** (1 / steps).",
            (lambda steps, share: math.log(share / steps / (1 - share / steps)),),
        ),
    ),
    hints=(
        "A gate f leaves f ** steps of the memory after so many steps. Set that equal to the share.",
        "So f = share ** (1 / steps). Which number has this sigmoid?",
        "The inverse of the sigmoid is the logit: math.log(f / (1 - f)).",
    ),
)

EXERCISES = (LEFT, STEP, BIAS)
