"""The exercises of lesson 05: the meta-learner LSTM."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake
from mlteach.params import Params

# 05.1 ---------------------------------------------------------------------------------------------------------------

Moved = tuple[Tensor, Tensor, Tensor]


def cell(h: Tensor, theta: Tensor, f: Tensor, i: Tensor, gradient: Tensor, omega: Params) -> Moved:
    """h [N, H]; theta, the gates f and i of the step before, gradient [N]: the new theta and the new gates."""
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"] + omega["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"] + omega["b_I"])
    return f * theta - i * gradient, f, i


def _cell_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(51)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=draw, dtype=torch.float64)

    def case(name: str, n: int, hidden: int) -> Case:
        omega = {
            "W_F": normal(hidden + 2),
            "b_F": normal() + 1,
            "W_I": normal(hidden + 2),
            "b_I": normal() - 1,
        }
        gates = (torch.sigmoid(normal(n)), torch.sigmoid(normal(n)))
        return Case(name, (normal(n, hidden), normal(n), *gates, 2 * normal(n), omega))

    return [case("one coordinate", 1, 2), case("six coordinates", 6, 3)]


def _more_coordinates(draw: torch.Generator) -> Case:
    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=draw, dtype=torch.float64)

    n, hidden = (int(torch.randint(low, 6, (), generator=draw)) for low in (2, 1))
    omega = {"W_F": normal(hidden + 2), "b_F": normal(), "W_I": normal(hidden + 2), "b_I": normal()}
    gates = (torch.sigmoid(normal(n)), torch.sigmoid(normal(n)))
    return Case(f"{n} coordinates, drawn", (normal(n, hidden), normal(n), *gates, normal(n), omega))


@dataclass
class _Seen:
    """What a changed cell may read: the inputs, and the new gates once they are there."""

    h: Tensor
    theta: Tensor
    f: Tensor
    i: Tensor
    gradient: Tensor
    omega: Params
    new_f: Tensor
    new_i: Tensor


Part = Callable[[_Seen], Any]
Reads = Callable[[_Seen], Sequence[Tensor]]


def _cell(
    reads_f: Reads = lambda s: (s.h, s.theta, s.f),
    reads_i: Reads = lambda s: (s.h, s.theta, s.i),
    gate_f: Callable[[Tensor, Tensor], Tensor] = lambda read, bias: torch.sigmoid(read + bias),
    gate_i: Callable[[Tensor, Tensor], Tensor] = lambda read, bias: torch.sigmoid(read + bias),
    names: Sequence[str] = ("W_F", "b_F", "W_I", "b_I"),
    move: Part = lambda s: s.new_f * s.theta - s.new_i * s.gradient,
    give: Callable[[Tensor, _Seen], Any] = lambda theta, s: (theta, s.new_f, s.new_i),
    cut: Sequence[str] = (),
) -> Callable[..., Any]:
    """`cell` with something else in one of its places. ``cut`` names the inputs that the gates read detached."""

    def wrong(h: Tensor, theta: Tensor, f: Tensor, i: Tensor, gradient: Tensor, omega: Params) -> Any:
        s = _Seen(h, theta, f, i, gradient, omega, f, i)
        seen = _Seen(h, theta, f, i, gradient, omega, f, i)
        for name in cut:
            if name == "omega":
                seen.omega = {key: value.detach() for key, value in omega.items()}
            else:
                setattr(seen, name, getattr(seen, name).detach())

        def opened(parts: Sequence[Tensor], weight: str, bias: str, gate: Callable[..., Tensor]) -> Tensor:
            read = torch.cat([part if part.dim() == 2 else part[:, None] for part in parts], 1)
            return gate(read @ seen.omega[weight], seen.omega[bias])

        s.new_f = seen.new_f = opened(reads_f(seen), names[0], names[1], gate_f)
        s.new_i = seen.new_i = opened(reads_i(seen), names[2], names[3], gate_i)
        return give(move(s), s)

    return wrong


def _both(gate: Callable[[Tensor, Tensor], Tensor], **changes: Any) -> Callable[..., Any]:
    return _cell(gate_f=gate, gate_i=gate, **changes)


def _theta_moved_first(
    h: Tensor, theta: Tensor, f: Tensor, i: Tensor, gradient: Tensor, omega: Params, *, twice: bool = False
) -> Moved:
    new_f = cell(h, theta, f, i, gradient, omega)[1]
    kept = new_f * theta
    new_i = cell(h, kept, f, i, gradient, omega)[2]
    return (new_f * kept if twice else kept) - new_i * gradient, new_f, new_i


def _reads_first_theta(s: _Seen, gate: Tensor) -> Sequence[Tensor]:
    return s.theta, gate, s.h


def _sigmoid(read: Tensor, bias: Tensor) -> Tensor:
    return torch.sigmoid(read + bias)


def _plain(read: Tensor, bias: Tensor) -> Tensor:
    return read + bias


def _detached(*which: int) -> Callable[..., Any]:
    """The right answer with some of its three parts cut off."""
    return _cell(
        give=lambda theta, s: tuple(
            part.detach() if k in which else part for k, part in enumerate((theta, s.new_f, s.new_i))
        )
    )


CELL = Exercise(
    id="05.1",
    title="two learned gates and a memory",
    solution=cell,
    cases=_cell_cases,
    draw=_more_coordinates,
    outputs=("the new theta", "the new f", "the new i"),
    differentiable=("h", "theta", "f", "i", "omega"),
    mistakes=(
        Mistake(
            "You climb: the candidate is minus the gradient.",
            (
                _cell(move=lambda s: s.new_f * s.theta + s.new_i * s.gradient),
                _cell(
                    move=lambda s: s.new_f * s.theta + s.new_i * s.gradient,
                    give=lambda theta, s: (theta, s.new_i, s.new_f),
                ),
                _cell(
                    move=lambda s: s.new_f * s.theta + s.new_i * s.gradient,
                    give=lambda theta, s: (theta, s.f, s.i),
                ),
            ),
            hint=3,
        ),
        Mistake(
            "You squashed the candidate with a tanh, as an ordinary LSTM does. Here it is minus the gradient, as long as it is.",
            (
                _cell(move=lambda s: s.new_f * s.theta - s.new_i * s.gradient.tanh()),
                _cell(move=lambda s: s.new_f * s.theta + s.new_i * s.gradient.tanh()),
                _cell(move=lambda s: s.new_f * s.theta - s.new_i * s.gradient.sigmoid()),
                _cell(move=lambda s: (s.new_f * s.theta - s.new_i * s.gradient).tanh()),
            ),
            hint=3,
        ),
        Mistake(
            "You step by the sign or by another function of the gradient. The candidate is minus the gradient, as long as it is.",
            (
                _cell(move=lambda s: s.new_f * s.theta - s.new_i * s.gradient.sign()),
                _cell(move=lambda s: s.new_f * s.theta - s.new_i * s.gradient.square()),
                _cell(move=lambda s: s.new_f * s.theta - s.new_i * s.gradient.abs()),
                _cell(move=lambda s: s.new_f * s.theta - s.new_i * s.gradient / (s.gradient.norm() + 1e-12)),
                _cell(move=lambda s: s.new_f * s.theta - s.new_i * s.gradient.mean()),
                _cell(move=lambda s: s.new_f * s.theta - s.new_i * s.gradient.norm()),
                _cell(move=lambda s: s.new_f * s.theta - s.new_i * s.gradient / len(s.theta)),
                _cell(move=lambda s: s.new_f * s.theta - s.new_i * s.gradient.sum()),
            ),
            hint=3,
        ),
        Mistake(
            "The gradient is missing in your step: the input gate lets in minus the gradient.",
            (
                _cell(move=lambda s: s.new_f * s.theta - s.new_i),
                _cell(move=lambda s: s.new_f * s.theta),
                _cell(move=lambda s: s.new_f * s.theta + s.new_i),
                _cell(move=lambda s: s.new_f * s.theta + s.new_i * s.theta),
                _cell(move=lambda s: s.new_f * s.theta - s.new_i * s.theta),
            ),
            hint=3,
        ),
        Mistake(
            "You took 1 - f for the input gate. It has weights of its own, W_I and b_I.",
            (
                _cell(
                    move=lambda s: s.new_f * s.theta - (1 - s.new_f) * s.gradient,
                    give=lambda theta, s: (theta, s.new_f, 1 - s.new_f),
                ),
                _cell(move=lambda s: s.new_f * s.theta - (1 - s.new_f) * s.gradient),
            ),
            hint=1,
        ),
        Mistake(
            "1 - i stands where f or i belongs. The forget gate has weights of its own, W_F and b_F, and an open input gate lets in.",
            (
                _cell(
                    move=lambda s: (1 - s.new_i) * s.theta - s.new_i * s.gradient,
                    give=lambda theta, s: (theta, 1 - s.new_i, s.new_i),
                ),
                _cell(move=lambda s: (1 - s.new_i) * s.theta - s.new_i * s.gradient),
                _cell(move=lambda s: s.new_f * s.theta - (1 - s.new_i) * s.gradient),
            ),
            hint=1,
        ),
        Mistake(
            "You keep the share 1 - f of theta. An open forget gate keeps: f * theta.",
            (_cell(move=lambda s: (1 - s.new_f) * s.theta - s.new_i * s.gradient),),
            hint=3,
        ),
        Mistake(
            "The forget gate is missing in your step: theta is kept whole, as gradient descent does.",
            (
                _cell(move=lambda s: s.theta - s.new_i * s.gradient),
                _cell(move=lambda s: s.theta + s.new_i * s.gradient),
                _cell(move=lambda s: s.theta - s.gradient),
                _cell(move=lambda s: s.new_f + s.theta - s.new_i * s.gradient),
            ),
            hint=3,
        ),
        Mistake(
            "The input gate is missing in your step: the gradient comes in whole.",
            (
                _cell(move=lambda s: s.new_f * s.theta - s.gradient),
                _cell(move=lambda s: s.new_f * s.theta + s.gradient),
            ),
            hint=3,
        ),
        Mistake(
            "One gate does the work of both in your step: f is for theta, i is for the gradient.",
            (
                _cell(move=lambda s: s.new_f * s.theta - s.new_f * s.gradient),
                _cell(move=lambda s: s.new_i * s.theta - s.new_i * s.gradient),
            ),
            hint=3,
        ),
        Mistake(
            "The gates have changed places in your step: f keeps theta, i lets the gradient in.",
            (
                _cell(move=lambda s: s.new_i * s.theta - s.new_f * s.gradient),
                _cell(move=lambda s: s.new_i * s.theta + s.new_f * s.gradient),
            ),
            hint=3,
        ),
        Mistake(
            "Your forget gate shrinks the step as well. It is for theta alone: f * theta - i * gradient.",
            (
                _cell(move=lambda s: s.new_f * (s.theta - s.new_i * s.gradient)),
                _cell(move=lambda s: s.new_f * s.theta - s.new_f * s.new_i * s.gradient),
            ),
            hint=3,
        ),
        Mistake(
            "The weights of the two gates have changed places: W_F and b_F are for f, W_I and b_I for i.",
            (
                _cell(names=("W_I", "b_I", "W_F", "b_F")),
                _cell(names=("W_I", "b_F", "W_F", "b_I")),
            ),
        ),
        Mistake(
            "Your two gates share weights. W_F and b_F are for f, W_I and b_I for i.",
            (
                _cell(names=("W_F", "b_F", "W_F", "b_F")),
                _cell(names=("W_I", "b_I", "W_I", "b_I")),
                _cell(names=("W_F", "b_F", "W_F", "b_I")),
                _cell(names=("W_I", "b_F", "W_I", "b_I")),
            ),
        ),
        Mistake(
            "The biases are mixed up: b_F is for f, b_I for i.",
            (
                _cell(names=("W_F", "b_I", "W_I", "b_F")),
                _cell(names=("W_F", "b_F", "W_I", "b_F")),
                _cell(names=("W_F", "b_I", "W_I", "b_I")),
            ),
            hint=1,
        ),
        Mistake(
            "The biases b_F and b_I are missing.", (_both(lambda read, bias: torch.sigmoid(read)),), hint=1
        ),
        Mistake("The bias b_F is missing.", (_cell(gate_f=lambda read, bias: torch.sigmoid(read)),), hint=1),
        Mistake("The bias b_I is missing.", (_cell(gate_i=lambda read, bias: torch.sigmoid(read)),), hint=1),
        Mistake(
            "The biases are added to the sum, before the sigmoid, with a plus.",
            (
                _both(lambda read, bias: torch.sigmoid(read - bias)),
                _both(lambda read, bias: torch.sigmoid(read) + bias),
                _both(lambda read, bias: torch.sigmoid(read * bias)),
                _both(lambda read, bias: torch.sigmoid(read) * bias),
                _cell(gate_i=lambda read, bias: torch.sigmoid(read - bias)),
                _cell(gate_i=lambda read, bias: torch.sigmoid(read) + bias),
                _cell(gate_f=lambda read, bias: torch.sigmoid(read) + bias),
            ),
            hint=1,
        ),
        Mistake(
            "The new theta is right, but you return the sums before the sigmoid. The next step reads the gates. (The "
            "authors' released code does feed back the sums; their equations do not.)",
            (
                _both(
                    _plain,
                    move=lambda s: s.new_f.sigmoid() * s.theta - s.new_i.sigmoid() * s.gradient,
                ),
            ),
        ),
        Mistake(
            "Your gates are not squashed: both go through a sigmoid.",
            (_both(_plain), _cell(gate_f=_plain), _cell(gate_i=_plain)),
            hint=1,
        ),
        Mistake(
            "Your gates go through a tanh, so they can be negative. A gate is a share from 0 to 1: sigmoid.",
            (
                _both(lambda read, bias: torch.tanh(read + bias)),
                _cell(gate_f=lambda read, bias: torch.tanh(read + bias)),
                _cell(gate_i=lambda read, bias: torch.tanh(read + bias)),
            ),
            hint=1,
        ),
        Mistake(
            "Your gates go through another function. A gate is a share from 0 to 1, of each coordinate by itself: the sigmoid of its sum.",
            (
                _both(lambda read, bias: torch.softmax(read + bias, 0)),
                _both(lambda read, bias: torch.relu(read + bias)),
                _both(lambda read, bias: torch.exp(read + bias)),
                _both(lambda read, bias: torch.nn.functional.softplus(read + bias)),
                _both(lambda read, bias: torch.nn.functional.hardsigmoid(read + bias)),
                _both(lambda read, bias: torch.sigmoid(torch.sigmoid(read + bias))),
                _cell(move=lambda s: s.new_f * s.theta - s.new_i.tanh() * s.gradient),
                _cell(move=lambda s: s.new_f.tanh() * s.theta - s.new_i.tanh() * s.gradient),
                _cell(move=lambda s: s.new_f.sigmoid() * s.theta - s.new_i.sigmoid() * s.gradient),
                _both(lambda read, bias: torch.sigmoid(-(read + bias))),
                _both(lambda read, bias: torch.sigmoid(read + bias).mean().expand_as(read)),
                _both(lambda read, bias: torch.sigmoid(read + bias).round()),
            ),
            hint=1,
        ),
        Mistake(
            "Your gates do not read theta. How large a number is tells whether to shrink it.",
            (
                _cell(lambda s: (s.h, 0 * s.theta, s.f), lambda s: (s.h, 0 * s.theta, s.i)),
                _cell(reads_f=lambda s: (s.h, 0 * s.theta, s.f)),
                _cell(reads_i=lambda s: (s.h, 0 * s.theta, s.i)),
            ),
            hint=1,
        ),
        Mistake(
            "Your gates do not read what they were at the step before.",
            (
                _cell(lambda s: (s.h, s.theta, 0 * s.f), lambda s: (s.h, s.theta, 0 * s.i)),
                _cell(reads_f=lambda s: (s.h, s.theta, 0 * s.f)),
                _cell(reads_i=lambda s: (s.h, s.theta, 0 * s.i)),
                _cell(lambda s: (s.h, s.theta, torch.ones_like(s.f)), lambda s: (s.h, s.theta, 0 * s.i)),
            ),
            hint=1,
        ),
        Mistake(
            "Your gates read h alone. They read theta, and what they were at the step before, as well.",
            (_cell(lambda s: (s.h, 0 * s.theta, 0 * s.f), lambda s: (s.h, 0 * s.theta, 0 * s.i)),),
            hint=1,
        ),
        Mistake(
            "Your gates do not read h, which is all that the first layer has to say.",
            (_cell(lambda s: (0 * s.h, s.theta, s.f), lambda s: (0 * s.h, s.theta, s.i)),),
            hint=1,
        ),
        Mistake(
            "Your gates read the gradient where they should read theta. What the gradient is like, h tells them.",
            (
                _cell(lambda s: (s.h, s.gradient, s.f), lambda s: (s.h, s.gradient, s.i)),
                _cell(lambda s: (s.h, s.theta, s.gradient), lambda s: (s.h, s.theta, s.gradient)),
                _cell(reads_i=lambda s: (s.h, s.gradient, s.i)),
                _cell(reads_f=lambda s: (s.h, s.gradient, s.f)),
            ),
            hint=1,
        ),
        Mistake(
            "Your input gate reads the new forget gate. It reads itself, one step ago.",
            (_cell(reads_i=lambda s: (s.h, s.theta, s.new_f)),),
            hint=1,
        ),
        Mistake(
            "Your input gate reads the old forget gate. It reads itself, one step ago.",
            (_cell(reads_i=lambda s: (s.h, s.theta, s.f)),),
            hint=1,
        ),
        Mistake(
            "Your forget gate reads the input gate. It reads itself, one step ago.",
            (
                _cell(reads_f=lambda s: (s.h, s.theta, s.i)),
                _cell(lambda s: (s.h, s.theta, s.i), lambda s: (s.h, s.theta, s.f)),
                _cell(lambda s: (s.h, s.theta, s.i), lambda s: (s.h, s.theta, s.new_f)),
            ),
            hint=1,
        ),
        Mistake(
            "You moved theta with the gates of the step before. First the gates open, then theta moves.",
            (
                _cell(move=lambda s: s.f * s.theta - s.i * s.gradient),
                _cell(move=lambda s: s.f * s.theta - s.new_i * s.gradient),
                _cell(move=lambda s: s.new_f * s.theta - s.i * s.gradient),
            ),
        ),
        Mistake(
            "Your input gate reads a theta that has already been moved. Both gates read theta as it came in.",
            (
                _theta_moved_first,
                functools.partial(_theta_moved_first, twice=True),
                _cell(reads_i=lambda s: (s.h, s.new_f * s.theta - s.i * s.gradient, s.i)),
                _cell(
                    lambda s: (s.h, s.f * s.theta - s.i * s.gradient, s.f),
                    lambda s: (s.h, s.f * s.theta - s.i * s.gradient, s.i),
                ),
                _cell(lambda s: (s.h, s.theta - s.gradient, s.f), lambda s: (s.h, s.theta - s.gradient, s.i)),
            ),
            hint=1,
        ),
        Mistake(
            "What the gates read is in another order than the weights expect: first h, then theta, then the gate before.",
            (
                _cell(lambda s: _reads_first_theta(s, s.f), lambda s: _reads_first_theta(s, s.i)),
                _cell(lambda s: (s.f, s.theta, s.h), lambda s: (s.i, s.theta, s.h)),
                _cell(lambda s: (s.f, s.h, s.theta), lambda s: (s.i, s.h, s.theta)),
                _cell(lambda s: (s.theta, s.h, s.f), lambda s: (s.theta, s.h, s.i)),
                _cell(lambda s: (s.h, s.f, s.theta), lambda s: (s.h, s.i, s.theta)),
            ),
            hint=2,
        ),
        Mistake(
            "You return the gates that came in. The next step reads the new ones.",
            (
                _cell(give=lambda theta, s: (theta, s.f, s.i)),
                _cell(give=lambda theta, s: (theta, s.new_f, s.i)),
                _cell(give=lambda theta, s: (theta, s.f, s.new_i)),
                _cell(
                    move=lambda s: s.f * s.theta - s.i * s.gradient, give=lambda theta, s: (theta, s.f, s.i)
                ),
            ),
            hint=3,
        ),
        Mistake(
            "You return the theta that came in. Return the one that has moved.",
            (_cell(give=lambda theta, s: (s.theta, s.new_f, s.new_i)),),
            hint=3,
        ),
        Mistake(
            "You return the change of theta. Return where theta stands after it.",
            (
                _cell(give=lambda theta, s: (theta - s.theta, s.new_f, s.new_i)),
                _cell(give=lambda theta, s: (-s.new_i * s.gradient, s.new_f, s.new_i)),
            ),
            hint=3,
        ),
        Mistake(
            "The order of what you return is another. It is theta, f, i.",
            (
                _cell(give=lambda theta, s: (theta, s.new_i, s.new_f)),
                _cell(give=lambda theta, s: (s.new_f, s.new_i, theta)),
                _cell(give=lambda theta, s: (s.new_f, theta, s.new_i)),
                _cell(give=lambda theta, s: (s.new_i, s.new_f, theta)),
                _cell(give=lambda theta, s: (s.new_i, theta, s.new_f)),
            ),
            hint=3,
        ),
        Mistake(
            "You return too little. The next step needs the new theta, and the new f and i.",
            (
                _cell(give=lambda theta, s: theta),
                _cell(give=lambda theta, s: (theta, s.new_f)),
                _cell(give=lambda theta, s: (theta, s.new_i)),
                _cell(give=lambda theta, s: (s.new_f, s.new_i)),
            ),
            hint=3,
        ),
        Mistake(
            "You return columns, [N, 1]. theta and the gates come in as [N] and go out as [N].",
            (
                _cell(give=lambda theta, s: (theta[:, None], s.new_f[:, None], s.new_i[:, None])),
                _cell(give=lambda theta, s: (theta, s.new_f[:, None], s.new_i[:, None])),
                _cell(give=lambda theta, s: (theta[:, None], s.new_f, s.new_i)),
            ),
            hint=2,
        ),
        Mistake(
            "Broadcasting has made a table [N, N] of your theta: a column [N, 1] met a row [N]. The matrix product with W_F, [H + 2], "
            "gives [N].",
            (
                _cell(move=lambda s: s.new_f[:, None] * s.theta - s.new_i[:, None] * s.gradient),
                _cell(
                    move=lambda s: s.new_f[:, None] * s.theta - s.new_i[:, None] * s.gradient,
                    give=lambda theta, s: (theta, s.new_f[:, None], s.new_i[:, None]),
                ),
            ),
            hint=2,
        ),
        Mistake(
            "The numbers are right, but you cut them off from omega: the gates could never be learned. Leave out .detach(), .data, "
            ".item() and no_grad.",
            (
                _cell(cut=("omega",)),
                _detached(0, 1, 2),
                _detached(1, 2),
                _detached(0),
                _detached(1),
                _detached(2),
                _cell(cut=("h", "theta", "f", "i", "omega")),
                _cell(move=lambda s: s.new_f.detach() * s.theta - s.new_i.detach() * s.gradient),
                _cell(move=lambda s: s.new_f * s.theta - s.new_i.detach() * s.gradient),
                _cell(
                    move=lambda s: s.new_f.detach() * s.theta - s.new_i.detach() * s.gradient, cut=("omega",)
                ),
                _cell(move=lambda s: s.new_f.detach() * s.theta - s.new_i * s.gradient),
            ),
        ),
        Mistake(
            "The numbers are right, but theta's memory line is cut: no gradient goes back through f * theta, and c0, the learned start, "
            "hears nothing. Leave theta attached.",
            (
                _cell(move=lambda s: s.new_f * s.theta.detach() - s.new_i * s.gradient),
                _cell(move=lambda s: (s.new_f * s.theta).detach() - s.new_i * s.gradient),
                _cell(move=lambda s: s.new_f * s.theta.detach() - s.new_i * s.gradient, cut=("theta",)),
            ),
        ),
        Mistake(
            "The numbers are right, but what the gates read is cut off: gradients go back through h, theta and the gates before. "
            "Only the gradient of the loss counts as a constant.",
            (
                _cell(cut=("theta",)),
                _cell(cut=("f", "i")),
                _cell(cut=("f",)),
                _cell(cut=("i",)),
                _cell(cut=("h",)),
                _cell(cut=("theta", "f", "i")),
                _cell(cut=("h", "theta", "f", "i")),
            ),
        ),
    ),
    hints=(
        "Each gate is a sigmoid of one sum over h, theta and its own last value, plus a bias. Then theta moves.",
        "`torch.cat([h, theta[:, None], f[:, None]], 1)` is [N, H + 2]; times W_F that is one sum for each coordinate.",
        "The last line is lesson 03's: f * theta + i * (-gradient), with the new gates. Return it, f and i.",
    ),
)

# 05.2 ---------------------------------------------------------------------------------------------------------------


def for_the_gate(f: Tensor, gradients: Tensor, at_the_end: Tensor, t: int) -> Tensor:
    """d L_query / d i_t for every coordinate, with the gradients held constant. f, gradients [T, N], at_the_end [N]."""
    return -f[t + 1 :].prod(0) * at_the_end * gradients[t]


def _gate_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(52)

    def case(name: str, steps: int, t: int) -> Case:
        f = 0.5 + 0.5 * torch.rand(steps, 3, generator=draw, dtype=torch.float64)
        gradients = torch.randn(steps, 3, generator=draw, dtype=torch.float64)
        return Case(name, (f, gradients, torch.randn(3, generator=draw, dtype=torch.float64), t))

    return [
        case("the first of four steps", 4, 0),
        case("the third of five", 5, 2),
        case("the last of three", 3, 2),
    ]


def _more_gates(draw: torch.Generator) -> Case:
    steps = int(torch.randint(3, 7, (), generator=draw))
    t = int(torch.randint(0, steps, (), generator=draw))
    f = 0.3 + 0.7 * torch.rand(steps, 4, generator=draw, dtype=torch.float64)
    gradients = torch.randn(steps, 4, generator=draw, dtype=torch.float64)
    at_the_end = torch.randn(4, generator=draw, dtype=torch.float64)
    return Case(f"t = {t} of {steps} steps, drawn", (f, gradients, at_the_end, t))


Gate = Callable[[Tensor, Tensor, Tensor, int], Any]


def _told(
    gates: Callable[[Tensor, int], Any] = lambda f, t: f[t + 1 :].prod(0),
    then: Callable[[Tensor, int], Any] = lambda gradients, t: gradients[t],
    end: Callable[[Tensor, Tensor], Any] = lambda at_the_end, gradients: at_the_end,
    whole: Callable[[Any], Any] = lambda product: -product,
) -> Gate:
    """`for_the_gate` with something else in one of its places."""

    def wrong(f: Tensor, gradients: Tensor, at_the_end: Tensor, t: int) -> Any:
        return whole(gates(f, t) * end(at_the_end, gradients) * then(gradients, t))

    return wrong


def _either_sign(*mistakes: Mistake) -> tuple[Mistake, ...]:
    """Each mistake, known with the sign turned round as well: who forgets a factor may forget the minus too."""

    def turned(wrong: Gate) -> Gate:
        return lambda f, gradients, at_the_end, t: -wrong(f, gradients, at_the_end, t)

    return tuple(replace(m, wrong=(*m.wrong, *(turned(each) for each in m.wrong))) for m in mistakes)


GATE = Exercise(
    id="05.2",
    title="what an input gate is told",
    solution=for_the_gate,
    cases=_gate_cases,
    draw=_more_gates,
    differentiable=(),
    any_float=True,
    mistakes=(
        Mistake(
            "The sign is turned round. Opening the gate moves theta against the gradient.",
            (_told(whole=lambda product: product), _told(whole=torch.abs)),
            hint=2,
        ),
        *_either_sign(
            Mistake(
                "Your product holds one gate too many: f_t closes on what was there before step t, not on what step t brings.",
                (
                    _told(lambda f, t: f[t:].prod(0)),
                    _told(lambda f, t: f[t:].prod(0), whole=lambda product: product),
                ),
                hint=2,
            ),
            Mistake(
                "Your product holds one gate too few. All the forget gates after step t stand between it and the end, the last one too.",
                (
                    _told(lambda f, t: f[t + 2 :].prod(0)),
                    _told(lambda f, t: f[t + 1 : -1].prod(0)),
                    _told(lambda f, t: f[t:-1].prod(0)),
                ),
                hint=2,
            ),
            Mistake(
                "You multiplied the gates up to t. What step t brings passes the gates that come after it.",
                (
                    _told(lambda f, t: f[:t].prod(0)),
                    _told(lambda f, t: f[: t + 1].prod(0)),
                    _told(lambda f, t: f[1 : t + 1].prod(0)),
                    _told(lambda f, t: f[: t + 2].prod(0)),
                ),
                hint=2,
            ),
            Mistake(
                "You multiplied all forget gates. Only those after t stand between step t and the end.",
                (
                    _told(lambda f, t: f.prod(0)),
                    _told(lambda f, t: f[:-1].prod(0)),
                    _told(lambda f, t: f[1:].prod(0)),
                ),
                hint=2,
            ),
            Mistake(
                "Only one forget gate is in your answer. What step t brings passes all the gates after it: multiply them.",
                (
                    _told(lambda f, t: f[t]),
                    _told(lambda f, t: f[t - 1]),
                    _told(lambda f, t: f[-1]),
                    _told(lambda f, t: f[t] ** (len(f) - t - 1)),
                    _told(lambda f, t: f[t] ** (len(f) - t)),
                    _told(lambda f, t: f[-1] ** (len(f) - t - 1)),
                    _told(lambda f, t: f[min(t + 1, len(f) - 1)]),
                    _told(lambda f, t: f[t + 1] if t + 1 < len(f) else torch.ones_like(f[t])),
                ),
                hint=2,
            ),
            Mistake(
                "The forget gates are missing: what step t brings is partly forgotten before the end.",
                (_told(lambda f, t: 1), _told(lambda f, t: 1, whole=lambda product: product)),
                hint=2,
            ),
            Mistake(
                "You add the forget gates up, or take their mean. A change passes one gate after the other: multiply.",
                (
                    _told(lambda f, t: f[t + 1 :].sum(0)),
                    _told(lambda f, t: f[t + 1 :].mean(0)),
                    _told(lambda f, t: f[t:].sum(0)),
                    _told(lambda f, t: f[t + 1 :].log().sum(0)),
                    _told(lambda f, t: f[t + 1 :].sum(0).exp()),
                    _told(lambda f, t: f[t:].mean(0)),
                    _told(lambda f, t: f.sum(0)),
                    _told(lambda f, t: f.mean(0)),
                ),
                hint=2,
            ),
            Mistake(
                "You multiply by what is forgotten, 1 - f. What is kept counts: f.",
                (
                    _told(lambda f, t: (1 - f[t + 1 :]).prod(0)),
                    _told(lambda f, t: 1 - f[t + 1 :].prod(0)),
                    _told(lambda f, t: (1 - f[t:]).prod(0)),
                ),
                hint=2,
            ),
            Mistake(
                "You divide by the forget gates. A change shrinks on its way to the end: multiply.",
                (
                    _told(lambda f, t: 1 / f[t + 1 :].prod(0)),
                    _told(lambda f, t: f[: t + 1].prod(0) / f.prod(0)),
                ),
                hint=2,
            ),
            Mistake(
                "Your product runs over the coordinates as well, or over them alone. It runs over the steps, axis 0, for each coordinate by itself.",
                (
                    _told(lambda f, t: f[t + 1 :].prod()),
                    _told(lambda f, t: f[t:].prod()),
                    _told(lambda f, t: f.prod()),
                    _told(lambda f, t: f[t + 1 :].prod(1)[:1].sum()),
                ),
                hint=3,
            ),
            Mistake(
                "Your product runs the wrong way, or leaves a row for each step. Take the product of what comes after t, one number for each coordinate.",
                (
                    _told(lambda f, t: f.cumprod(0)[-1] / f[t]),
                    _told(lambda f, t: f[t + 1 :].cumprod(0)),
                    lambda f, gradients, at_the_end, t: -(f[t + 1 :] * at_the_end * gradients[t]).prod(0),
                    _told(lambda f, t: f.flip(0).cumprod(0)[t]),
                    _told(lambda f, t: f[t + 1 :]),
                ),
                hint=3,
            ),
            Mistake(
                "You summed over the coordinates. Each coordinate has a gate of its own: one number for each.",
                (
                    _told(whole=lambda product: -product.sum()),
                    _told(whole=lambda product: product.sum()),
                    _told(whole=lambda product: -product.mean()),
                    lambda f, gradients, at_the_end, t: -f[t + 1 :].prod(0) * (at_the_end @ gradients[t]),
                    lambda f, gradients, at_the_end, t: -(at_the_end @ gradients[t]),
                    lambda f, gradients, at_the_end, t: (
                        -(f[t + 1 :].prod(0) * at_the_end).sum() * gradients[t]
                    ),
                    lambda f, gradients, at_the_end, t: (
                        -(f[t + 1 :].prod(0) * gradients[t]).sum() * at_the_end
                    ),
                    lambda f, gradients, at_the_end, t: -f[t + 1 :].prod(0) * at_the_end.sum() * gradients[t],
                    lambda f, gradients, at_the_end, t: f[t + 1 :].prod(0) * (at_the_end @ gradients[t]),
                ),
                hint=2,
            ),
            Mistake(
                "You took the gradient of another step. `t` counts from 0, so step t's is gradients[t].",
                (
                    _told(then=lambda gradients, t: gradients[t - 1]),
                    _told(then=lambda gradients, t: gradients[min(t + 1, len(gradients) - 1)]),
                    _told(then=lambda gradients, t: gradients[-1]),
                    _told(then=lambda gradients, t: gradients[0]),
                    _told(then=lambda gradients, t: gradients[-t]),
                    _told(then=lambda gradients, t: gradients[-t - 1]),
                    _told(lambda f, t: f[t:].prod(0), lambda gradients, t: gradients[t - 1]),
                    _told(
                        lambda f, t: f[t:].prod(0),
                        lambda gradients, t: gradients[min(t + 1, len(gradients) - 1)],
                    ),
                ),
            ),
            Mistake(
                "You put several steps' gradients in. The gate of step t lets in the gradient of step t alone.",
                (
                    _told(then=lambda gradients, t: gradients.sum(0)),
                    _told(then=lambda gradients, t: gradients.mean(0)),
                    _told(then=lambda gradients, t: gradients[t:].sum(0)),
                    _told(then=lambda gradients, t: gradients[t + 1 :].sum(0)),
                    _told(then=lambda gradients, t: gradients[: t + 1].sum(0)),
                    _told(then=lambda gradients, t: gradients[t:].prod(0)),
                    _told(then=lambda gradients, t: gradients[t + 1 :].prod(0)),
                    _told(then=lambda gradients, t: gradients[:t].sum(0)),
                    _told(then=lambda gradients, t: gradients),
                ),
            ),
            Mistake(
                "The gradient of step t is missing: a gate before a gradient of zero changes nothing.",
                (
                    _told(then=lambda gradients, t: 1),
                    _told(then=lambda gradients, t: 1, whole=lambda product: product),
                ),
                hint=2,
            ),
            Mistake(
                "You took another function of a gradient. Both come in as they are: their product says whether they agree.",
                (
                    _told(then=lambda gradients, t: gradients[t].sign()),
                    _told(then=lambda gradients, t: gradients[t].square()),
                    _told(then=lambda gradients, t: gradients[t].abs()),
                    _told(then=lambda gradients, t: 1 / gradients[t]),
                    _told(then=lambda gradients, t: gradients[t].norm()),
                    _told(then=lambda gradients, t: gradients[t].tanh()),
                    lambda f, gradients, at_the_end, t: (
                        -f[t + 1 :].prod(0)
                        * torch.nn.functional.cosine_similarity(at_the_end, gradients[t], dim=0)
                    ),
                    _told(end=lambda at_the_end, gradients: at_the_end.sign()),
                    _told(end=lambda at_the_end, gradients: at_the_end.square()),
                ),
            ),
            Mistake(
                "You took a gradient of the run where the one of the query loss belongs, or the other way round.",
                (
                    _told(end=lambda at_the_end, gradients: gradients[-1]),
                    lambda f, gradients, at_the_end, t: -f[t + 1 :].prod(0) * gradients[t].square(),
                    lambda f, gradients, at_the_end, t: -f[t + 1 :].prod(0) * at_the_end.square(),
                ),
            ),
            Mistake(
                "You add the two gradients. The chain rule multiplies: how much the end changes, times how much that matters.",
                (
                    lambda f, gradients, at_the_end, t: -f[t + 1 :].prod(0) * (at_the_end + gradients[t]),
                    lambda f, gradients, at_the_end, t: -f[t + 1 :].prod(0) * (at_the_end - gradients[t]),
                    lambda f, gradients, at_the_end, t: -(f[t + 1 :].prod(0) + at_the_end * gradients[t]),
                    lambda f, gradients, at_the_end, t: -f[t + 1 :].prod(0) * at_the_end - gradients[t],
                    lambda f, gradients, at_the_end, t: -f[t + 1 :].prod(0) * gradients[t] + at_the_end,
                ),
                hint=1,
            ),
            Mistake(
                "The gradient at the end is missing: the query loss has to want the change.",
                (
                    _told(end=lambda at_the_end, gradients: 1),
                    _told(end=lambda at_the_end, gradients: 1, whole=lambda product: product),
                ),
                hint=1,
            ),
            Mistake(
                "That is what the forget gate is told, or something like it. The input gate lets in minus the gradient of step t.",
                (
                    lambda f, gradients, at_the_end, t: f[t + 1 :].prod(0) * at_the_end * f[t],
                    lambda f, gradients, at_the_end, t: (
                        -f[t + 1 :].prod(0) * at_the_end * gradients[t] * f[t] * (1 - f[t])
                    ),
                ),
            ),
            Mistake(
                "Your answer has an axis too many: a row, a column or a table [N, N]. The answer for step t is [N].",
                (
                    _told(whole=lambda product: -product[None]),
                    lambda f, gradients, at_the_end, t: -torch.outer(at_the_end, gradients[t]),
                    lambda f, gradients, at_the_end, t: (
                        -f[t + 1 :].prod(0) * torch.outer(at_the_end, gradients[t])
                    ),
                    lambda f, gradients, at_the_end, t: (
                        -f[t + 1 :].prod(0)[:, None] * at_the_end * gradients[t]
                    ),
                    _told(whole=lambda product: -product[:, None]),
                ),
            ),
        ),
    ),
    hints=(
        "Nudge i_t. By how much does theta_t change? Then follow that change along the memory line to the end.",
        "theta_t changes by -gradients[t] times the nudge, and each later step multiplies that by its forget gate.",
        "At the end the loss changes by at_the_end times it. `f[t + 1 :].prod(0)` is 1 for the last step.",
    ),
)

EXERCISES = (CELL, GATE)
