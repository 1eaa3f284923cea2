"""The exercises of lesson 03: gradient descent is an LSTM cell."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake

Gate = float | Tensor
Gates = Callable[[Any], Any]

# 03.1 ---------------------------------------------------------------------------------------------------------------


def cell(theta: Tensor, gradient: Tensor, f: Gate, i: Gate) -> Tensor:
    """The new memory: f of the old one, i of the candidate -gradient."""
    return f * theta + i * (-gradient)


def _cell_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(31)
    theta, gradient = torch.randn(2, 3, 4, generator=draw, dtype=torch.float64)
    rows, entries = (torch.rand(2, 3, size, generator=draw, dtype=torch.float64) for size in (1, 4))
    square = torch.randn(2, 3, 3, generator=draw, dtype=torch.float64)
    columns = torch.rand(2, 3, generator=draw, dtype=torch.float64)
    return [
        Case("gradient descent: f = 1, i = 0.1", (theta, gradient, 1.0, 0.1)),
        Case("plain numbers: f = 0.9, i = 0.3", (theta, gradient, 0.9, 0.3)),
        Case("one pair of gates for each row", (theta, gradient, rows[0], rows[1])),
        Case("one pair of gates for each weight", (theta, gradient, entries[0], entries[1])),
        Case("one pair of gates for each column", (square[0], square[1], columns[0], columns[1])),
        Case("one row, in single precision", (theta[:1].float(), gradient[:1].float(), 0.9, 0.3)),
    ]


def _draw_cell(draw: torch.Generator) -> Case:
    theta, gradient, f, i = torch.randn(4, 2, 3, generator=draw, dtype=torch.float64)
    return Case("gates drawn by chance, one for each weight", (theta, gradient, f.sigmoid(), i.sigmoid()))


def _cell_in_place(theta: Tensor, gradient: Tensor, f: Gate, i: Gate) -> Tensor:
    theta *= f
    theta -= i * gradient
    return theta


def _cell(
    f_is: Gates = lambda f: f,
    i_is: Gates = lambda i: i,
    memory: Gates = lambda theta: theta,
    candidate: Gates = lambda gradient: -gradient,
    new: Callable[..., Any] = lambda f, kept, i, written: f * kept + i * written,
) -> Callable[..., Any]:
    """A cell with something changed: a gate, the old memory, the candidate, how they are put together."""
    return lambda theta, gradient, f, i: new(f_is(f), memory(theta), i_is(i), candidate(gradient))


def _first(gate: Gate) -> Tensor:
    return torch.as_tensor(gate).flatten()[0]


def _mean(gate: Gate) -> Tensor:
    return torch.as_tensor(gate).mean()


def _sum(gate: Gate) -> Tensor:
    return torch.as_tensor(gate).sum()


def _sigmoid(gate: Gate) -> Tensor:
    return torch.sigmoid(torch.as_tensor(gate, dtype=torch.float64))


def _plus(gradient: Tensor) -> Tensor:
    return gradient


CELL = Exercise(
    id="03.1",
    title="the cell in one line",
    solution=cell,
    cases=_cell_cases,
    draw=_draw_cell,
    outputs=("the new memory",),
    differentiable=("theta", "gradient", "f", "i"),
    mistakes=(
        Mistake(
            "Your step goes uphill: the candidate is minus the gradient.", (_cell(candidate=_plus),), hint=2
        ),
        Mistake(
            "The gates are swapped: f belongs to the old memory theta, i to the candidate.",
            (
                lambda theta, gradient, f, i: i * theta + f * (-gradient),
                lambda theta, gradient, f, i: i * theta + f * gradient,
            ),
            hint=1,
        ),
        Mistake(
            "You left the tanh of the ordinary LSTM on the candidate. Here the candidate is -gradient itself, however "
            "long it is.",
            (
                _cell(candidate=lambda g: torch.tanh(-g)),
                _cell(candidate=torch.tanh),
                lambda theta, gradient, f, i: f * theta + torch.tanh(-i * gradient),
                lambda theta, gradient, f, i: torch.tanh(f * theta) + torch.tanh(-i * gradient),
                lambda theta, gradient, f, i: f * torch.tanh(theta) + i * torch.tanh(-gradient),
                lambda theta, gradient, f, i: torch.tanh(f * theta + i * torch.tanh(-gradient)),
            ),
            hint=2,
        ),
        Mistake(
            "You squash the memory, with the tanh of the ordinary LSTM or in another way. Here the weights are the memory itself, however large.",
            (
                _cell(new=lambda f, kept, i, written: (f * kept + i * written).clamp(-1, 1)),
                _cell(new=lambda f, kept, i, written: torch.sigmoid(f * kept + i * written)),
                _cell(new=lambda f, kept, i, written: torch.relu(f * kept + i * written)),
                _cell(new=lambda f, kept, i, written: torch.tanh(f * kept + i * written)),
                _cell(memory=torch.tanh),
                _cell(new=lambda f, kept, i, written: torch.tanh(f * kept) + i * written),
            ),
            hint=2,
        ),
        Mistake(
            "You put a sigmoid on the gates (or on the candidate). f and i come as gates already, and the candidate is -gradient itself.",
            (
                _cell(f_is=_sigmoid, i_is=_sigmoid),
                _cell(f_is=_sigmoid),
                _cell(i_is=_sigmoid),
                _cell(f_is=_sigmoid, i_is=_sigmoid, candidate=lambda g: torch.tanh(-g)),
                _cell(candidate=lambda g: torch.sigmoid(-g)),
            ),
            hint=2,
        ),
        Mistake(
            "You changed the gradient (its sign, its direction, its size). The candidate is -gradient as it comes.",
            (
                _cell(candidate=lambda g: -g.sign()),
                _cell(candidate=lambda g: -g / g.norm()),
                _cell(candidate=lambda g: -torch.nn.functional.normalize(g, dim=-1)),
                _cell(candidate=lambda g: -g.clamp(-1, 1)),
                _cell(candidate=lambda g: -g.abs()),
                _cell(candidate=lambda g: -g.mean()),
                _cell(candidate=lambda g: -g / g.abs().max()),
                _cell(candidate=lambda g: -(g**2)),
                _cell(candidate=lambda g: -g.sum()),
            ),
            hint=2,
        ),
        Mistake(
            "There is an output gate in your cell. The weights are the memory itself, shown whole: nothing comes after the sum.",
            (
                _cell(new=lambda f, kept, i, written: f * torch.tanh(f * kept + i * written)),
                _cell(new=lambda f, kept, i, written: i * torch.tanh(f * kept + i * written)),
                _cell(new=lambda f, kept, i, written: f * (f * kept + i * written)),
                _cell(new=lambda f, kept, i, written: i * (f * kept + i * written)),
            ),
            hint=2,
        ),
        Mistake(
            "The numbers are right, but you wrote them into theta itself, so the start is gone. Return a new tensor: "
            "no `*=`, `-=` or `add_`.",
            (_cell_in_place, lambda theta, gradient, f, i: theta.copy_(f * theta - i * gradient)),
        ),
        Mistake(
            "A gate enters as a root. It is multiplied as it is.",
            (_cell(i_is=lambda i: i**0.5), _cell(f_is=lambda f: f**0.5)),
            hint=1,
        ),
        Mistake(
            "The rate is in there twice: the input gate i is the learning rate, so the gradient meets it once.",
            (_cell(i_is=lambda i: i * i),),
            hint=1,
        ),
        Mistake(
            "The forget gate is in there twice: the old memory meets it once.",
            (_cell(f_is=lambda f: f * f),),
            hint=1,
        ),
        Mistake(
            "Your cell uses one gate for everything. A gate may be a tensor, one number for each row or each weight: "
            "multiply by it as it is and let it broadcast.",
            (
                _cell(f_is=_first, i_is=_first),
                _cell(f_is=float, i_is=float),
                _cell(f_is=_mean, i_is=_mean),
                _cell(f_is=_first),
                _cell(i_is=_first),
                _cell(f_is=_mean),
                _cell(f_is=_sum, i_is=_sum),
                _cell(f_is=_sum),
                _cell(i_is=_sum),
                _cell(i_is=_mean),
            ),
            hint=1,
        ),
        Mistake(
            "That is gradient descent, whatever the forget gate says: f is missing in front of theta.",
            (_cell(f_is=lambda f: 1), _cell(f_is=lambda f: 1, candidate=_plus)),
            hint=1,
        ),
        Mistake(
            "Your forget gate is added to the memory. A gate multiplies what it lets through: f * theta.",
            (
                _cell(new=lambda f, kept, i, written: f + kept + i * written),
                _cell(new=lambda f, kept, i, written: f + kept + i + written),
            ),
            hint=1,
        ),
        Mistake(
            "The input gate is missing: i says how much of the candidate is let in, i * (-gradient).",
            (
                _cell(i_is=lambda i: 1),
                _cell(i_is=lambda i: 1, candidate=_plus),
                _cell(i_is=lambda i: 0.1),
                _cell(new=lambda f, kept, i, written: f * kept + i + written),
            ),
            hint=3,
        ),
        Mistake(
            "Both gates are missing: that is a step of rate 1 which forgets nothing.",
            (
                _cell(f_is=lambda f: 1, i_is=lambda i: 1),
                _cell(f_is=lambda f: 1, i_is=lambda i: 1, candidate=_plus),
            ),
            hint=1,
        ),
        Mistake(
            "Your forget gate also closes on the candidate: f multiplies the old memory alone.",
            (
                _cell(new=lambda f, kept, i, written: f * (kept + i * written)),
                _cell(new=lambda f, kept, i, written: f * (kept - i * written)),
                _cell(new=lambda f, kept, i, written: f * (kept + written)),
            ),
            hint=1,
        ),
        Mistake(
            "Your input gate also closes on the old memory: i multiplies the candidate alone.",
            (
                _cell(new=lambda f, kept, i, written: i * (f * kept + written)),
                _cell(new=lambda f, kept, i, written: i * (kept + written)),
                _cell(new=lambda f, kept, i, written: f * i * kept + i * written),
            ),
            hint=1,
        ),
        Mistake(
            "You coupled the gates (1 - f or 1 - i in place of one). Here they are two, and free of each other.",
            (
                lambda theta, gradient, f, i: f * theta + (1 - f) * (-gradient),
                lambda theta, gradient, f, i: (1 - i) * theta + i * (-gradient),
                lambda theta, gradient, f, i: (1 - f) * theta + f * (-gradient),
                lambda theta, gradient, f, i: f * theta + (1 - f) * i * (-gradient),
            ),
            hint=1,
        ),
        Mistake(
            "You read a gate as the share that is lost. f is the share that is kept, i the share that is let in.",
            (
                _cell(f_is=lambda f: 1 - f),
                _cell(i_is=lambda i: 1 - i),
                _cell(f_is=lambda f: 1 - f, i_is=lambda i: 1 - i),
            ),
            hint=1,
        ),
        Mistake(
            "You add 1 to a gate (or theta comes in twice). It multiplies as it is: f = 1 keeps all, i = 0 lets nothing in.",
            (
                _cell(f_is=lambda f: 1 + f),
                _cell(i_is=lambda i: 1 + i),
                _cell(f_is=lambda f: 1 + f, i_is=lambda i: 1 + i),
            ),
            hint=1,
        ),
        Mistake(
            "You make the step twice. One call is one step.",
            (lambda theta, gradient, f, i: cell(cell(theta, gradient, f, i), gradient, f, i),),
            hint=1,
        ),
        Mistake(
            "You return the change, not the new memory: f * theta is missing.",
            (
                lambda theta, gradient, f, i: -i * gradient,
                lambda theta, gradient, f, i: i * gradient,
                lambda theta, gradient, f, i: f * theta - i * gradient - theta,
            ),
        ),
        Mistake(
            "The candidate is missing: you return what is kept of the old memory, and nothing is let in.",
            (lambda theta, gradient, f, i: f * theta, lambda theta, gradient, f, i: theta * 1),
            hint=3,
        ),
        Mistake(
            "You take the old memory away from the candidate (or a minus stands before everything): f * theta enters with its own sign.",
            (
                _cell(new=lambda f, kept, i, written: i * written - f * kept),
                _cell(new=lambda f, kept, i, written: -f * kept - i * written),
            ),
            hint=1,
        ),
        Mistake(
            "Theta is in your candidate as well. The candidate is -gradient, which already knows theta.",
            (
                lambda theta, gradient, f, i: f * theta + i * (-gradient * theta),
                lambda theta, gradient, f, i: f * theta + i * (theta - gradient),
                lambda theta, gradient, f, i: f * theta + i * (-gradient - theta),
                lambda theta, gradient, f, i: f * theta - i * (gradient + f * theta),
            ),
            hint=1,
        ),
        Mistake(
            "All of it is multiplied. New memory is a sum of two products: what is kept, and what is let in.",
            (
                lambda theta, gradient, f, i: f * theta * i * (-gradient),
                lambda theta, gradient, f, i: (f + i) * (theta - gradient),
                lambda theta, gradient, f, i: (f * theta) / (i * gradient),
            ),
            hint=1,
        ),
    ),
    hints=(
        "Read the line aloud: keep this much of the old memory, let in that much of the candidate. It is two products and one sum.",
        "The old memory is `theta`, the candidate is `-gradient`, the gates are `f` and `i`. Nothing is squashed.",
        "`return f * theta + ...`: what is let in, and through which gate?",
    ),
)

# 03.2 ---------------------------------------------------------------------------------------------------------------

Number = Callable[[float, float], float]


def gates_of_weight_decay(rate: float, decay: float) -> tuple[float, float]:
    """theta - rate * (gradient + decay * theta) = (1 - rate * decay) * theta + rate * (-gradient)."""
    return 1 - rate * decay, rate


def _draw_decay(draw: torch.Generator) -> Case:
    rate, decay = (
        round(x, 3) for x in torch.rand(2, generator=draw, dtype=torch.float64).clamp(0.01).tolist()
    )
    return Case(f"rate {rate}, decay {decay}", (rate, decay))


def _kept(rate: float, decay: float) -> float:
    return 1 - rate * decay


def _let_in(rate: float, decay: float) -> float:
    return rate


WRONG_F: dict[str, tuple[Number, ...]] = {
    "The rate is missing in f: the pull towards zero is a gradient like any other, so it is multiplied by the rate.": (
        lambda rate, decay: 1 - decay,
    ),
    "Your f is larger than 1, so the weights grow: the pull goes towards zero.": (
        lambda rate, decay: 1 + rate * decay,
        lambda rate, decay: 1 + decay,
    ),
    "That is the share that is lost. The forget gate says which share is kept.": (
        lambda rate, decay: rate * decay,
        lambda rate, decay: decay,
    ),
    "Your f is negative (the 1 of theta itself is missing): theta stands there once by itself, and once in the pull.": (
        lambda rate, decay: -rate * decay,
        lambda rate, decay: -decay,
    ),
    "Your f has the wrong sign. It says which share of theta is kept, from 0 to 1.": (
        lambda rate, decay: rate * decay - 1,
    ),
    "There is a 2 too many in f: the penalty is decay/2 * |theta|^2, and its gradient is decay * theta.": (
        lambda rate, decay: 1 - 2 * rate * decay,
        lambda rate, decay: 1 - 2 * decay,
    ),
    "There is a half too many in f: the penalty is decay/2 * |theta|^2, but its gradient is decay * theta, without the half.": (
        lambda rate, decay: 1 - rate * decay / 2,
        lambda rate, decay: 1 - decay / 2,
    ),
    "Your forget gate forgets nothing: theta also stands in the decay term. Collect both.": (
        lambda rate, decay: 1.0,
    ),
    "Your f knows nothing of the decay: what stands in front of theta is 1, less rate times decay.": (
        lambda rate, decay: 1 - rate,
        lambda rate, decay: 1 / rate,
        lambda rate, decay: 1 - rate**2,
    ),
    "Brackets: (1 - rate) * decay is not 1 - rate * decay. Only the product is taken away from 1.": (
        lambda rate, decay: (1 - rate) * decay,
        lambda rate, decay: (1 - rate) * (1 - decay),
        lambda rate, decay: rate * (1 - decay),
    ),
    "Rate and decay are added in your f. The rate multiplies the whole bracket, the decay term too.": (
        lambda rate, decay: 1 - rate - decay,
        lambda rate, decay: 1 - rate + decay,
    ),
    "Rate or decay enters squared, or as a root. Each stands there once.": (
        lambda rate, decay: 1 - rate * decay**2,
        lambda rate, decay: 1 - rate**2 * decay,
        lambda rate, decay: (1 - rate * decay) ** 2,
        lambda rate, decay: (1 - rate * decay) ** 0.5,
    ),
    "You divide one by the other. The decay is multiplied by the rate.": (
        lambda rate, decay: 1 - decay / rate,
        lambda rate, decay: 1 - rate / decay if decay else float("nan"),
    ),
    "That shrinks in another way (one over a sum, a power or an exponential): close for small steps, but not this line.": (
        lambda rate, decay: 1 / (1 + rate * decay),
        lambda rate, decay: (1 - decay) ** rate,
        lambda rate, decay: (1 - rate) ** decay,
        lambda rate, decay: 2.718281828459045 ** (-rate * decay),
    ),
}

WRONG_I: dict[str, tuple[Number, ...]] = {
    "Your input gate is negative. The minus already sits in the candidate, -gradient.": (
        lambda rate, decay: -rate,
    ),
    "You step first and shrink afterwards, so the gradient shrinks too. Both happen at the old theta: i is the rate.": (
        lambda rate, decay: rate * (1 - rate * decay),
        lambda rate, decay: rate * (1 - decay),
        lambda rate, decay: rate / (1 - rate * decay),
        lambda rate, decay: rate / (1 + rate * decay),
    ),
    "The decay is in your input gate. It belongs to theta alone, and what stands in front of -gradient is the rate.": (
        lambda rate, decay: rate * decay,
        lambda rate, decay: -rate * decay,
        lambda rate, decay: rate + decay,
        lambda rate, decay: rate * (1 + decay),
        lambda rate, decay: 1 + rate * decay,
        lambda rate, decay: rate + rate * decay,
        lambda rate, decay: rate * (1 + rate * decay),
    ),
    "Your input gate is 1, so the gradient is let in whole. What stands in front of -gradient is the rate.": (
        lambda rate, decay: 1.0,
    ),
    "You coupled the gates: i is not 1 - rate, nor 1 - f. What stands in front of -gradient is the rate.": (
        lambda rate, decay: 1 - rate,
        lambda rate, decay: 1 - decay,
        lambda rate, decay: 1 - rate * decay,
    ),
    "There is a half (or a 2) in your input gate. What stands in front of -gradient is the rate as it is.": (
        lambda rate, decay: rate / 2,
        lambda rate, decay: 2 * rate,
    ),
    "Your input gate lets nothing in. What stands in front of -gradient is the rate.": (
        lambda rate, decay: 0.0,
    ),
}


SOME_I = tuple(wrong[0] for wrong in list(WRONG_I.values())[:3])


def _gates(f: Number, i: Number) -> Callable[[float, float], tuple[float, float]]:
    return lambda rate, decay: (f(rate, decay), i(rate, decay))


WEIGHT_DECAY = Exercise(
    id="03.2",
    title="the gates of weight decay",
    solution=gates_of_weight_decay,
    cases=lambda: [
        Case("rate 0.1, decay 0.01", (0.1, 0.01)),
        Case("rate 0.5, decay 0.2", (0.5, 0.2)),
        Case("rate 0.1, no decay", (0.1, 0.0)),
        Case("rate 0.3, decay 0.7", (0.3, 0.7)),
    ],
    draw=_draw_decay,
    outputs=("f", "i"),
    mistakes=(
        Mistake(
            "The two gates are in the wrong order: return f first, then i.",
            (
                _gates(_let_in, _kept),
                *(_gates(_let_in, fs[0]) for fs in WRONG_F.values()),
                *(_gates(i, _kept) for i in SOME_I),
                _gates(lambda rate, decay: -rate, _kept),
            ),
            hint=3,
        ),
        Mistake(
            "Rate and decay have changed places: i is the rate, and the decay goes with theta.",
            (
                _gates(_kept, lambda rate, decay: decay),
                _gates(lambda rate, decay: 1 - rate, lambda rate, decay: decay),
            ),
            hint=2,
        ),
        *(
            Mistake(message, tuple(_gates(f, i) for f in fs for i in (_let_in, *SOME_I)), hint=2)
            for message, fs in WRONG_F.items()
        ),
        *(
            Mistake(message, tuple(_gates(_kept, i) for i in wrong), hint=3)
            for message, wrong in WRONG_I.items()
        ),
        Mistake(
            "You return one of the two gates (or both in one number). Both are asked for, f first, then i.",
            (
                _kept,
                _let_in,
                lambda rate, decay: 1 - rate * decay + rate,
                lambda rate, decay: (1 - rate * decay) * rate,
                *(f for wrong in WRONG_F.values() for f in wrong),
            ),
        ),
        Mistake(
            "You return a dict. Asked are the two numbers side by side: f, i.",
            (
                lambda rate, decay: {"f": 1 - rate * decay, "i": rate},
                lambda rate, decay: {"forget": 1 - rate * decay, "input": rate},
            ),
        ),
    ),
    hints=(
        "Weight decay adds the penalty decay/2 * |theta|^2 to the loss. What does it add to the gradient?",
        "Write down theta - rate * (gradient + decay * theta) and collect the two terms that contain theta.",
        "What stands in front of theta is f, what stands in front of -gradient is i.",
    ),
)

# 03.3 ---------------------------------------------------------------------------------------------------------------

Two = tuple[Tensor, Tensor]


def two_cells(theta: Tensor, m: Tensor, gradient: Tensor, rate: float, mu: float) -> Two:
    """The first cell gathers gradients; the second takes the first one's new memory as its candidate."""
    m = mu * m + gradient
    return theta - rate * m, m


def _two_cells_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(33)
    theta, m, gradient = torch.randn(3, 2, 3, generator=draw, dtype=torch.float64)
    return [
        Case("the first step: the velocity is zero", (theta, torch.zeros_like(m), gradient, 0.1, 0.9)),
        Case("a later step: rate 0.1, mu 0.9", (theta, m, gradient, 0.1, 0.9)),
        Case("a later step: rate 0.5, mu 0.3", (theta, m, gradient, 0.5, 0.3)),
    ]


def _draw_two_cells(draw: torch.Generator) -> Case:
    theta, m, gradient = torch.randn(3, 2, 3, generator=draw, dtype=torch.float64)
    rate, mu = (
        round(x, 3) for x in torch.rand(2, generator=draw, dtype=torch.float64).clamp(0.05, 0.95).tolist()
    )
    return Case(f"rate {rate}, mu {mu}", (theta, m, gradient, rate, mu))


def _two_cells_in_place(theta: Tensor, m: Tensor, gradient: Tensor, rate: float, mu: float) -> Two:
    m.mul_(mu).add_(gradient)
    return theta - rate * m, m


def _velocity(m: Tensor, g: Tensor, rate: float, mu: float) -> Tensor:
    return mu * m + g


def _moved(theta: Tensor, v: Tensor, m: Tensor, g: Tensor, rate: float, mu: float) -> Tensor:
    return theta - rate * v


def _two(
    velocity: Callable[..., Tensor] = _velocity,
    moved: Callable[..., Tensor] = _moved,
    give: Callable[[Tensor, Tensor], Any] = lambda theta, m: (theta, m),
) -> Callable[..., Any]:
    """Two cells with something changed: the velocity, how the weights move by it, what is returned."""

    def wrong(theta: Tensor, m: Tensor, gradient: Tensor, rate: float, mu: float) -> Any:
        v = velocity(m, gradient, rate, mu)
        return give(moved(theta, v, m, gradient, rate, mu), v)

    return wrong


def _by_its_own(theta: Tensor, v: Tensor, m: Tensor, g: Tensor, rate: float, mu: float) -> Tensor:
    """The rate is in the velocity already."""
    return theta - v


MOMENTUM = Exercise(
    id="03.3",
    title="momentum as a second cell in front",
    solution=two_cells,
    cases=_two_cells_cases,
    draw=_draw_two_cells,
    outputs=("theta", "m"),
    differentiable=("theta", "m", "gradient"),
    chain=lambda inputs, output: (*map(torch.as_tensor, output), *inputs[2:]),
    mistakes=(
        Mistake(
            "Your weights move by the old velocity. The gradient goes through the first cell and, in the same step, into the second.",
            (
                _two(moved=lambda theta, v, m, g, rate, mu: theta - rate * m),
                _two(moved=lambda theta, v, m, g, rate, mu: theta - rate * mu * m),
            ),
            hint=3,
        ),
        Mistake(
            "Your first cell averages: its input gate is 1 - mu. In torch.optim.SGD (dampening=0) that gate is 1, so the gradients add up.",
            (
                _two(lambda m, g, rate, mu: mu * m + (1 - mu) * g),
                _two(
                    lambda m, g, rate, mu: mu * m + (1 - mu) * g,
                    lambda theta, v, m, g, rate, mu: theta - rate * v / (1 - mu),
                ),
                _two(lambda m, g, rate, mu: (1 - mu) * m + mu * g),
                _two(lambda m, g, rate, mu: mu * m - (1 - mu) * g),
            ),
            hint=1,
        ),
        Mistake(
            "That is Nesterov's variant, which looks one step ahead. Here the second cell takes the new velocity as it is.",
            (
                _two(moved=lambda theta, v, m, g, rate, mu: theta - rate * (g + mu * v)),
                _two(moved=lambda theta, v, m, g, rate, mu: theta - rate * (g + mu * m) - rate * g),
                _two(moved=lambda theta, v, m, g, rate, mu: theta - rate * (v + g)),
                _two(moved=lambda theta, v, m, g, rate, mu: theta - rate * (v + mu * v)),
            ),
            hint=2,
        ),
        Mistake(
            "The rate went into the first cell. It is the input gate of the second: the velocity is a sum of plain gradients.",
            (
                _two(lambda m, g, rate, mu: mu * m + rate * g, _by_its_own),
                _two(lambda m, g, rate, mu: mu * m + rate * g),
                _two(lambda m, g, rate, mu: rate * (mu * m + g), _by_its_own),
                _two(lambda m, g, rate, mu: rate * (mu * m + g)),
                _two(lambda m, g, rate, mu: m + rate * g, _by_its_own),
                _two(lambda m, g, rate, mu: mu * m + rate * g, lambda theta, v, m, g, rate, mu: theta + v),
            ),
            hint=1,
        ),
        Mistake(
            "Your velocity gathers minus the step, rate and all, and is added to the weights, as some books have it. Here m gathers plain gradients, and the minus and the rate come after.",
            (
                _two(lambda m, g, rate, mu: mu * m - rate * g, lambda theta, v, m, g, rate, mu: theta + v),
                _two(lambda m, g, rate, mu: mu * m - rate * g, _by_its_own),
                _two(lambda m, g, rate, mu: mu * m - rate * g),
                _two(lambda m, g, rate, mu: m - rate * g, lambda theta, v, m, g, rate, mu: theta + v),
                _two(
                    lambda m, g, rate, mu: mu * m - rate * g,
                    lambda theta, v, m, g, rate, mu: theta + rate * v,
                ),
                _two(
                    lambda m, g, rate, mu: mu * m - rate * g, lambda theta, v, m, g, rate, mu: theta + mu * v
                ),
            ),
            hint=1,
        ),
        Mistake(
            "Your weights go uphill: the second cell takes minus the velocity.",
            (
                _two(moved=lambda theta, v, m, g, rate, mu: theta + rate * v),
                _two(moved=lambda theta, v, m, g, rate, mu: theta + rate * m),
                _two(moved=lambda theta, v, m, g, rate, mu: theta + v),
            ),
            hint=2,
        ),
        Mistake(
            "Your velocity gathers minus the gradient. That can be a convention, but here m gathers the gradient, as torch does, and the minus comes after.",
            (
                _two(lambda m, g, rate, mu: mu * m - g, lambda theta, v, m, g, rate, mu: theta + rate * v),
                _two(lambda m, g, rate, mu: mu * m - g),
                _two(lambda m, g, rate, mu: -mu * m - g, lambda theta, v, m, g, rate, mu: theta + rate * v),
                _two(lambda m, g, rate, mu: mu * m - g, lambda theta, v, m, g, rate, mu: theta + v),
            ),
            hint=1,
        ),
        Mistake(
            "mu is the forget gate of the first cell, the velocity's. You closed the weights' own memory with it.",
            (
                _two(lambda m, g, rate, mu: m + g, lambda theta, v, m, g, rate, mu: mu * theta - rate * v),
                _two(moved=lambda theta, v, m, g, rate, mu: mu * theta - rate * v),
                _two(moved=lambda theta, v, m, g, rate, mu: mu * theta - rate * g),
                _two(
                    lambda m, g, rate, mu: mu * m + g,
                    lambda theta, v, m, g, rate, mu: (1 - mu) * theta - rate * v,
                ),
                _two(
                    lambda m, g, rate, mu: mu * m + g,
                    lambda theta, v, m, g, rate, mu: mu * (theta - rate * v),
                ),
            ),
            hint=1,
        ),
        Mistake(
            "mu is the forget gate, so it stands before the old m. You put it on the gradient (or on both).",
            (
                _two(lambda m, g, rate, mu: m + mu * g),
                _two(lambda m, g, rate, mu: m - mu * g),
                _two(lambda m, g, rate, mu: mu * (m + g)),
                _two(lambda m, g, rate, mu: mu * g),
                _two(lambda m, g, rate, mu: m + (1 - mu) * g),
            ),
            hint=1,
        ),
        Mistake(
            "You meet mu twice. The velocity is closed by mu once, in the first cell, and then taken as it is.",
            (
                _two(moved=lambda theta, v, m, g, rate, mu: theta - rate * mu * v),
                _two(lambda m, g, rate, mu: mu * mu * m + g),
                _two(lambda m, g, rate, mu: mu * (mu * m + g)),
            ),
            hint=1,
        ),
        Mistake(
            "Your forget gate is 1 - mu. mu is the share of the velocity that is kept.",
            (
                _two(lambda m, g, rate, mu: (1 - mu) * m + g),
                _two(lambda m, g, rate, mu: m - mu * m + (1 - mu) * g),
            ),
            hint=1,
        ),
        Mistake(
            "Your velocity forgets nothing: mu is missing in front of the old m.",
            (_two(lambda m, g, rate, mu: m + g), _two(lambda m, g, rate, mu: m + g, _by_its_own)),
            hint=1,
        ),
        Mistake(
            "Your velocity is the gradient of this step alone: the old m is missing.",
            (
                _two(lambda m, g, rate, mu: g * 1),
                _two(lambda m, g, rate, mu: mu + g),
                _two(lambda m, g, rate, mu: mu * g + g),
            ),
            hint=1,
        ),
        Mistake(
            "Nothing new comes into your velocity: the gradient is missing.",
            (_two(lambda m, g, rate, mu: mu * m), _two(lambda m, g, rate, mu: m * 1)),
            hint=1,
        ),
        Mistake(
            "Rate and mu have changed places: mu is the forget gate of the velocity, the rate the input gate of the weights.",
            (
                _two(lambda m, g, rate, mu: rate * m + g, lambda theta, v, m, g, rate, mu: theta - mu * v),
                _two(moved=lambda theta, v, m, g, rate, mu: theta - mu * v),
            ),
            hint=1,
        ),
        Mistake(
            "The rate is missing: the second cell lets in `rate` times minus the velocity.",
            (_two(moved=_by_its_own), _two(moved=lambda theta, v, m, g, rate, mu: theta - rate - v)),
            hint=2,
        ),
        Mistake(
            "Your weights move by this step's gradient and not by the velocity, which is what momentum is for.",
            (
                _two(moved=lambda theta, v, m, g, rate, mu: theta - rate * g),
                _two(moved=lambda theta, v, m, g, rate, mu: theta - rate * g - mu * v),
                _two(moved=lambda theta, v, m, g, rate, mu: theta - rate * g + mu * m),
                _two(moved=lambda theta, v, m, g, rate, mu: theta - rate * g - mu * m),
                _two(moved=lambda theta, v, m, g, rate, mu: theta - g),
            ),
            hint=2,
        ),
        Mistake(
            "Your weights move by the plain sum of the old velocity and the gradient: mu is missing where the weights move.",
            (
                _two(moved=lambda theta, v, m, g, rate, mu: theta - rate * (m + g)),
                _two(moved=lambda theta, v, m, g, rate, mu: theta - rate * (v + m)),
            ),
            hint=2,
        ),
        Mistake(
            "You return the change of the weights. The new weights are asked for: theta minus that.",
            (
                _two(moved=lambda theta, v, m, g, rate, mu: -rate * v),
                _two(moved=lambda theta, v, m, g, rate, mu: rate * v),
            ),
            hint=2,
        ),
        Mistake(
            "The new weights are right, but you return the old velocity. Both memories have moved: return the new m.",
            (lambda theta, m, gradient, rate, mu: (two_cells(theta, m, gradient, rate, mu)[0], m * 1),),
            hint=2,
        ),
        Mistake(
            "You return a velocity that carries minus the rate. The first cell's memory is mu * m + gradient as it is.",
            (
                lambda theta, m, gradient, rate, mu: (
                    two_cells(theta, m, gradient, rate, mu)[0],
                    -rate * two_cells(theta, m, gradient, rate, mu)[1],
                ),
            ),
            hint=1,
        ),
        Mistake(
            "The two memories are in the wrong order: return the weights first, then the velocity.",
            (
                _two(give=lambda theta, m: (m, theta)),
                _two(lambda m, g, rate, mu: mu * m + (1 - mu) * g, give=lambda theta, m: (m, theta)),
                _two(
                    moved=lambda theta, v, m, g, rate, mu: theta - rate * m, give=lambda theta, m: (m, theta)
                ),
            ),
            hint=3,
        ),
        Mistake(
            "The numbers are right, but you wrote the velocity into m itself. Return a new tensor: no `*=`, `mul_` or `add_`.",
            (_two_cells_in_place,),
            hint=3,
        ),
    ),
    hints=(
        "Two memory lines, one after the other. The first has forget gate mu, input gate 1 and the gradient as its candidate.",
        "The second has forget gate 1, input gate `rate`, and minus the first one's *new* memory as its candidate.",
        "`m = mu * m + gradient`; now use this m for theta.",
    ),
)

# 03.4 ---------------------------------------------------------------------------------------------------------------

WITH = 0.25  # d/d alpha of (1 - alpha)^4 / 2 at 1.5
WITHOUT = -0.125  # theta_2 times -(g_1 + g_2) = 0.25 times -(1 - 0.5)

FIRST_IS: dict[str, tuple[float, ...]] = {
    "The first sign is turned round: the inner derivative of (1 - alpha) is -1, and (1 - alpha)^3 is negative too.": (
        -0.25,
    ),
    "The first is the slope of theta_2, which is -2 (1 - alpha). The loss is theta_2^2 / 2, so multiply it by theta_2.": (
        1.0,
        -1.0,
    ),
    "In the first the half of theta^2 / 2 is lost: the 4 of the power becomes a 2.": (0.5, -0.5),
    "In the first only one of the two factors (1 - alpha) is differentiated: theta_2 = (1 - alpha)^2 has two.": (
        0.125,
    ),
    "The first is theta_2 or the loss itself (1/32), not its slope.": (0.03125, 0.0625),
    "The first has a wrong power or factor: differentiate (1 - alpha)^4 / 2 by alpha, the inner minus too.": (
        -0.0625,
        2.0,
        -2.0,
    ),
}
SECOND_IS: dict[str, tuple[float, ...]] = {
    "The second sign is turned round: theta_2 = theta_0 - alpha * (g_1 + g_2), so its slope is minus (g_1 + g_2).": (
        0.125,
    ),
    "The second is the slope of theta_2 alone. The loss is theta_2^2 / 2, so multiply it by theta_2 = 0.25.": (
        -0.5,
        0.5,
    ),
    "The second is twice what it should be: is g_2 left out, or the half of theta^2 / 2 lost?": (-0.25,),
    "In the second g_2 has lost its sign: theta_1 = -0.5, so g_1 + g_2 is 1 - 0.5.": (-0.375, 0.375),
    "The second is a gradient on the way, g_1 = 1, not the slope of the loss by alpha.": (1.0, -1.0),
    "Without the edges alpha does not vanish: it still multiplies g_1 and g_2. Only the gradients are plain numbers.": (
        0.0,
    ),
    "In the second alpha is multiplied in once more. Differentiating by alpha takes it away.": (
        -0.1875,
        0.1875,
    ),
    "The second is the loss itself (1/32) or theta_2, not its slope.": (0.03125,),
}

BY_HAND = Exercise(
    id="03.4",
    title="two gradients by hand",
    solution=(WITH, WITHOUT),
    tolerance=1e-3,
    outputs=("the gradient with the edges", "the gradient without them"),
    mistakes=(
        Mistake(
            "Both numbers are there, in the wrong order: first with the dashed edges, then without.",
            ((-0.125, 0.25),),
        ),
        Mistake(
            "You kept the edges both times. Without them the two gradients, 1 and -0.5, are plain numbers that do not depend on alpha.",
            ((0.25, 0.25),),
            hint=3,
        ),
        Mistake(
            "You dropped the edges both times. With them theta_2 = (1 - alpha)^2, and alpha is to be differentiated in both factors.",
            ((-0.125, -0.125),),
            hint=2,
        ),
        Mistake(
            "Those are the slopes of theta_2. The loss is theta_2^2 / 2, so each is still to be multiplied by theta_2 = 0.25.",
            ((1.0, -0.5), (-0.5, 1.0)),
            hint=2,
        ),
        Mistake("You differentiated theta^2. The loss is theta^2 / 2.", ((0.5, -0.25), (-0.25, 0.5)), hint=2),
        Mistake(
            "Those are the gradients after one step, where the edges make no difference yet: theta_0 does not depend on alpha. Take two steps.",
            ((0.5, 0.5),),
            hint=1,
        ),
        Mistake(
            "The sizes are right, the signs are turned round: theta_2 = 0.25 is positive, and d theta_2 / d alpha is +1 with the edges.",
            ((-0.25, 0.125), (0.125, -0.25)),
            hint=2,
        ),
        Mistake(
            "Both are half of what they should be: the half of theta^2 / 2 goes with the 2 of the power.",
            ((0.125, -0.0625), (-0.0625, 0.125)),
            hint=2,
        ),
        Mistake(
            "Those are theta_1 = -0.5 and theta_2 = 0.25, the weights on the way. Asked is the slope of the final loss by alpha.",
            ((-0.5, 0.25),),
            hint=1,
        ),
        Mistake(
            "That is the final loss, theta_2^2 / 2 = 1/32. Asked is how it changes with alpha.",
            ((0.03125, 0.03125),),
            hint=2,
        ),
        Mistake(
            "Those are derivatives by theta. Asked is how the final loss changes with the rate alpha.",
            ((0.0625, 0.25), (0.25, 0.0625), (0.0625, 0.0625)),
            hint=1,
        ),
        *(
            Mistake(
                message,
                tuple((value, WITHOUT) for value in values if (value, WITHOUT) != (-0.125, -0.125)),
                hint=2,
            )
            for message, values in FIRST_IS.items()
        ),
        *(
            Mistake(message, tuple((WITH, value) for value in values if value != 0.25), hint=3)
            for message, values in SECOND_IS.items()
        ),
    ),
    hints=(
        "The gradient of theta^2/2 is theta. So theta_1 = theta_0 - alpha * theta_0 = (1 - alpha) * theta_0.",
        "With the edges: the loss is (1 - alpha)^4 / 2. Differentiate that by alpha and put in 1.5.",
        "Without them: theta_2 = theta_0 - alpha * g_1 - alpha * g_2 with g_1 = 1 and g_2 = theta_1 = -0.5 as plain numbers. "
        "The slope is theta_2 * -(g_1 + g_2).",
    ),
)

# 03.5 ---------------------------------------------------------------------------------------------------------------


def loss_after(theta: Tensor, alpha: Tensor, steps: int, keep_edges: bool) -> Tensor:
    """The loss theta^2 / 2 after some steps; without the edges each gradient is a constant."""
    for _ in range(steps):
        gradient = theta if keep_edges else theta.detach()
        theta = theta - alpha * gradient
    return theta**2 / 2


def _slopes(answer: Callable[..., Any], theta: Tensor, alpha: Tensor, steps: int) -> tuple[Any, ...]:
    """The loss and its slope d loss / d alpha, with the edges and without them: what exercise 03.5 is about."""

    def seen(keep_edges: bool) -> tuple[Any, Any]:
        rate = alpha.detach().clone().requires_grad_()
        loss = answer(theta, rate, steps, keep_edges)
        if not isinstance(loss, Tensor) or loss.numel() != 1 or not loss.requires_grad:
            return loss, torch.zeros_like(alpha)
        slope = torch.autograd.grad(loss.sum(), rate, allow_unused=True, materialize_grads=True)[0]
        return loss.detach(), slope

    return *seen(True), *seen(False)


def _slopes_cases() -> list[Case]:
    def number(x: float) -> Tensor:
        return torch.tensor(x, dtype=torch.float64)

    return [
        Case("the example: theta = 1, alpha = 1.5, 2 steps", (number(1.0), number(1.5), 2)),
        Case("theta = 2, alpha = 0.3, 3 steps", (number(2.0), number(0.3), 3)),
        Case("theta = -1, alpha = 0.1, 1 step", (number(-1.0), number(0.1), 1)),
        Case("theta = 0.7, alpha = 0.4, 5 steps", (number(0.7), number(0.4), 5)),
    ]


def _theta_after(theta: Tensor, alpha: Tensor, steps: int) -> Tensor:
    """Theta after some steps, with the edges."""
    for _ in range(steps):
        theta = theta - alpha * theta
    return theta


def _half_square(theta: Tensor) -> Tensor:
    return theta**2 / 2


def _cut_if_asked(theta: Tensor, keep_edges: bool) -> Tensor:
    return theta if keep_edges else theta.detach()


def _rolled(
    gradient: Callable[[Tensor], Tensor] = lambda theta: theta,
    step: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda theta, alpha, g: theta - alpha * g,
    loss: Callable[[Tensor], Any] = _half_square,
    steps: Callable[[int], int] = lambda n: n,
    cut: Callable[[Tensor, bool], Tensor] = _cut_if_asked,
    give: Callable[[list[Tensor]], Any] = lambda path: path[-1],
) -> Callable[..., Any]:
    """The loop with something changed: the gradient, the step, the loss, how many steps, the cut, what is given back."""

    def wrong(theta: Tensor, alpha: Tensor, n: int, keep_edges: bool) -> Any:
        path = [theta]
        for _ in range(steps(n)):
            theta = step(theta, alpha, cut(gradient(theta), keep_edges))
            path.append(theta)
        return loss(give(path))

    return wrong


def _uncut(theta: Tensor, keep_edges: bool) -> Tensor:
    return theta


def _always_cut(theta: Tensor, keep_edges: bool) -> Tensor:
    return theta.detach()


def _cut_and_more(cut: Callable[[Tensor, bool], Tensor]) -> tuple[Callable[..., Any], ...]:
    """Another cut, alone and with a second mistake."""
    return (
        _rolled(cut=cut),
        _rolled(cut=cut, loss=lambda theta: theta**2),
        _rolled(cut=cut, loss=lambda theta: theta),
        _rolled(cut=cut, steps=lambda n: n - 1),
        _rolled(cut=cut, gradient=lambda theta: 2 * theta),
        _rolled(cut=cut, step=lambda theta, alpha, g: theta + alpha * g),
    )


def _cut_more(step: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """Right with the edges, another step without them."""

    def wrong(theta: Tensor, alpha: Tensor, steps: int, keep_edges: bool) -> Tensor:
        for _ in range(steps):
            theta = theta - alpha * theta if keep_edges else step(theta, alpha)
        return theta**2 / 2

    return wrong


def _cut_at(where: Callable[[int, int], bool]) -> Callable[..., Tensor]:
    """Right with the edges; without them only the gradients of some steps are cut."""

    def wrong(theta: Tensor, alpha: Tensor, steps: int, keep_edges: bool) -> Tensor:
        for k in range(steps):
            theta = theta - alpha * _cut_if_asked(theta, keep_edges or not where(k, steps))
        return theta**2 / 2

    return wrong


def _slope_itself(theta: Tensor, alpha: Tensor, steps: int, keep_edges: bool) -> Tensor:
    return torch.autograd.grad(loss_after(theta, alpha, steps, keep_edges), alpha, materialize_grads=True)[0]


def _first_gradient(theta: Tensor, alpha: Tensor, steps: int, keep_edges: bool) -> Tensor:
    gradient = _cut_if_asked(theta, keep_edges)
    for _ in range(steps):
        theta = theta - alpha * gradient
    return theta**2 / 2


def _summed(path: list[Tensor]) -> Tensor:
    return torch.stack([theta**2 / 2 for theta in path[1:]]).sum()


AUTOGRAD = Exercise(
    id="03.5",
    title="the same two gradients by autograd",
    solution=loss_after,
    cases=_slopes_cases,
    observe=_slopes,
    outputs=(
        "the loss with the edges",
        "its slope by alpha with the edges",
        "the loss without the edges",
        "its slope by alpha without the edges",
    ),
    mistakes=(
        Mistake(
            "keep_edges changes nothing in what comes out: without the edges the gradient has to be detached, at every step.",
            _cut_and_more(_uncut),
            hint=3,
        ),
        Mistake(
            "You always cut the edges, even where keep_edges is True. (torch.autograd.grad cuts them by itself, unless create_graph=True.)",
            _cut_and_more(_always_cut),
            hint=3,
        ),
        Mistake(
            "It is the wrong way round: you cut the edges where keep_edges is True.",
            (lambda theta, alpha, steps, keep_edges: loss_after(theta, alpha, steps, not keep_edges),),
            hint=3,
        ),
        Mistake(
            "You cut too much. Detaching all of theta forgets the earlier steps as well: only the gradient is a constant, "
            "the memory line stays.",
            (
                _cut_more(lambda theta, alpha: theta.detach() - alpha * theta.detach()),
                _cut_more(lambda theta, alpha: theta.detach() - alpha * theta),
                lambda theta, alpha, steps, keep_edges: loss_after(
                    theta if keep_edges else _theta_after(theta, alpha, steps - 1).detach(),
                    alpha,
                    steps if keep_edges else 1,
                    keep_edges,
                ),
            ),
            hint=3,
        ),
        Mistake(
            "You start afresh at every step, with the edges and without: theta is detached, so the loss remembers one step only. The memory line stays.",
            (
                _rolled(step=lambda theta, alpha, g: theta.detach() - alpha * g.detach()),
                _rolled(
                    step=lambda theta, alpha, g: theta.detach() - alpha * theta.detach(),
                    loss=lambda theta: theta**2,
                ),
            ),
            hint=3,
        ),
        Mistake(
            "You cut the edge of one step only. Without the edges the gradient of every step is a constant.",
            (_cut_at(lambda k, steps: k == steps - 1),),
            hint=3,
        ),
        Mistake(
            "Without the edges nothing of alpha is left: you detached the whole step (or worked under no_grad). Detach the gradient alone.",
            (
                lambda theta, alpha, steps, keep_edges: loss_after(
                    theta, alpha if keep_edges else alpha.detach(), steps, keep_edges
                ),
            ),
            hint=3,
        ),
        Mistake(
            "You detached whole steps (or worked under no_grad) with the edges and without: alpha has no way into the loss. Detach the gradient alone, and only where keep_edges is False.",
            (
                lambda theta, alpha, steps, keep_edges: loss_after(theta, alpha.detach(), steps, keep_edges),
                lambda theta, alpha, steps, keep_edges: loss_after(theta, alpha, steps, keep_edges).item(),
            ),
            hint=3,
        ),
        Mistake(
            "Your steps go uphill: theta - alpha * gradient.",
            (
                _rolled(step=lambda theta, alpha, g: theta + alpha * g),
                _rolled(step=lambda theta, alpha, g: theta + alpha * g, loss=lambda theta: theta**2),
            ),
            hint=1,
        ),
        Mistake(
            "You return theta, not the loss theta^2 / 2.",
            (_rolled(loss=lambda theta: theta), _rolled(loss=lambda theta: theta / 2)),
            hint=1,
        ),
        Mistake(
            "The loss is theta^2 / 2, with the half: yours is twice as steep.",
            (_rolled(loss=lambda theta: theta**2),),
            hint=1,
        ),
        Mistake(
            "The loss is theta^2 / 2. Yours has another power or another factor.",
            (
                _rolled(loss=lambda theta: (theta / 2) ** 2),
                _rolled(loss=lambda theta: (2 * theta) ** 2 / 2),
                _rolled(loss=lambda theta: theta**3 / 2),
                _rolled(loss=lambda theta: theta**2 / 4),
                _rolled(loss=lambda theta: 2 * theta**2),
                _rolled(loss=lambda theta: theta.abs()),
                _rolled(loss=lambda theta: -(theta**2) / 2),
            ),
            hint=1,
        ),
        Mistake(
            "You are one step short.",
            (_rolled(steps=lambda n: n - 1), _rolled(steps=lambda n: max(n - 1, 1))),
            hint=1,
        ),
        Mistake("You make one step too many.", (_rolled(steps=lambda n: n + 1),), hint=1),
        Mistake(
            "You make one step, however many are asked for: is the `return` inside the loop, or is there no loop?",
            (_rolled(steps=lambda n: 1), _rolled(steps=lambda n: 1, cut=_uncut)),
            hint=1,
        ),
        Mistake(
            "You make two steps, however many are asked for: `steps` says how many.",
            (_rolled(steps=lambda n: 2),),
            hint=1,
        ),
        Mistake(
            "You use the gradient at the start for every step. It changes from step to step: the gradient at theta is theta, so take it inside the loop.",
            (
                _first_gradient,
                lambda theta, alpha, steps, keep_edges: (
                    loss_after(theta, alpha, steps, True)
                    if keep_edges
                    else _first_gradient(theta, alpha, steps, False)
                ),
            ),
            hint=1,
        ),
        Mistake(
            "Your gradient is 2 * theta (or theta / 2). The loss is theta^2 / 2, and the half takes the 2 away: the gradient is theta.",
            (
                _rolled(gradient=lambda theta: 2 * theta),
                _rolled(gradient=lambda theta: theta / 2),
                _rolled(gradient=lambda theta: 2 * theta, loss=lambda theta: theta**2),
            ),
            hint=1,
        ),
        Mistake(
            "You step by something else than the gradient (by the loss, by theta^2, by a sign). The gradient of theta^2 / 2 is theta.",
            (
                _rolled(gradient=lambda theta: theta**2 / 2),
                _rolled(gradient=lambda theta: theta**2),
                _rolled(gradient=torch.sign),
            ),
            hint=1,
        ),
        Mistake(
            "Your gradient is 1, or it is missing: the gradient of theta^2 / 2 at theta is theta.",
            (
                _rolled(gradient=torch.ones_like),
                _rolled(step=lambda theta, alpha, g: theta - alpha),
                _rolled(step=lambda theta, alpha, g: theta - g),
            ),
            hint=1,
        ),
        Mistake(
            "Your step multiplies where it should subtract: theta - alpha * gradient.",
            (
                _rolled(step=lambda theta, alpha, g: theta * alpha * g),
                _rolled(step=lambda theta, alpha, g: (theta - alpha) * g),
                _rolled(step=lambda theta, alpha, g: theta * alpha),
                _rolled(step=lambda theta, alpha, g: -alpha * g),
                _rolled(step=lambda theta, alpha, g: alpha * g),
            ),
            hint=1,
        ),
        Mistake(
            "The rate enters squared, or you divide by it: theta - alpha * gradient.",
            (
                _rolled(step=lambda theta, alpha, g: theta - alpha**2 * g),
                lambda theta, alpha, steps, keep_edges: _rolled(gradient=lambda theta: alpha * theta)(
                    theta, alpha, steps, keep_edges
                ),
                _rolled(step=lambda theta, alpha, g: theta - g / alpha),
            ),
            hint=1,
        ),
        Mistake(
            "There is weight decay in your step: theta shrinks by itself, and by its gradient once more. The gradient of theta^2 / 2 is all there is.",
            (
                _rolled(step=lambda theta, alpha, g: (1 - alpha) * theta - alpha * g),
                _rolled(step=lambda theta, alpha, g: (1 - alpha) * (theta - alpha * g)),
            ),
            hint=1,
        ),
        Mistake(
            "You add up the losses of all steps (or average them). Asked is the loss after the last step.",
            (
                _rolled(loss=lambda loss: loss, give=_summed),
                _rolled(loss=lambda loss: loss, give=lambda path: _summed(path) / (len(path) - 1)),
                _rolled(loss=lambda loss: loss, give=lambda path: _summed([path[0], *path])),
                _rolled(loss=lambda loss: loss, give=lambda path: _summed([path[0], *path[:-1]])),
            ),
            hint=1,
        ),
        Mistake(
            "You return the slope itself. Return the loss: the check differentiates it.",
            (_slope_itself,),
        ),
        Mistake(
            "You shared the rate out among the steps. Every step has the whole rate alpha.",
            (lambda theta, alpha, steps, keep_edges: loss_after(theta, alpha / steps, steps, keep_edges),),
            hint=1,
        ),
        Mistake(
            "You return the loss at the start. It is asked for after the steps.",
            (_rolled(give=lambda path: path[0]),),
            hint=1,
        ),
        Mistake(
            "You return more than the loss (or a list). One tensor with one number is asked for.",
            (
                _rolled(loss=lambda theta: (theta, theta**2 / 2)),
                _rolled(loss=lambda theta: (theta**2 / 2, theta)),
                _rolled(loss=lambda losses: losses, give=lambda path: [theta**2 / 2 for theta in path[1:]]),
                _rolled(loss=lambda losses: losses, give=lambda path: [theta**2 / 2 for theta in path]),
            ),
        ),
    ),
    hints=(
        "The loss is theta^2 / 2, so the gradient at theta is theta. The loop has two lines.",
        "An edge is dropped by `.detach()`: the same number, without a memory of where it came from.",
        "Detach the gradient, and nothing else: `gradient = theta if keep_edges else theta.detach()`.",
    ),
)


EXERCISES = (CELL, WEIGHT_DECAY, MOMENTUM, BY_HAND, AUTOGRAD)
