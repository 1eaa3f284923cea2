"""The exercises of lesson 05: the meta-learner LSTM."""

from collections.abc import Callable

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake
from mlteach.params import Params

# 05.1 ---------------------------------------------------------------------------------------------------------------

Moved = tuple[Tensor, Tensor, Tensor]


def cell(h: Tensor, theta: Tensor, f: Tensor, i: Tensor, gradient: Tensor, phi: Params) -> Moved:
    """h [N, H]; theta, the gates f and i of the step before, gradient [N]: the new theta and the new gates."""
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ phi["W_F"] + phi["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ phi["W_I"] + phi["b_I"])
    return f * theta - i * gradient, f, i


def _cell_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(51)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=draw, dtype=torch.float64)

    def case(name: str, n: int, hidden: int) -> Case:
        phi = {"W_F": normal(hidden + 2), "b_F": normal() + 1, "W_I": normal(hidden + 2), "b_I": normal() - 1}
        gates = (torch.sigmoid(normal(n)), torch.sigmoid(normal(n)))
        return Case(name, (normal(n, hidden), normal(n), *gates, 2 * normal(n), phi))

    return [case("one coordinate", 1, 2), case("six coordinates", 6, 3)]


def _cell(
    gate: Callable[[Tensor], Tensor] = torch.sigmoid,
    sign: float = -1.0,
    squash: Callable[[Tensor], Tensor] = lambda x: x,
    bias: float = 1.0,
    theta_read: float = 1.0,
    gate_read: float = 1.0,
) -> Callable[..., Moved]:
    """A cell with something changed."""

    def wrong(h: Tensor, theta: Tensor, f: Tensor, i: Tensor, gradient: Tensor, phi: Params) -> Moved:
        def opened(before: Tensor, name: str) -> Tensor:
            seen = torch.cat([h, theta_read * theta[:, None], gate_read * before[:, None]], 1)
            return gate(seen @ phi[f"W_{name}"] + bias * phi[f"b_{name}"])

        f, i = opened(f, "F"), opened(i, "I")
        return f * theta + i * squash(sign * gradient), f, i

    return wrong


def _logit(p: Tensor) -> Tensor:
    return torch.log(p / (1 - p))


def _coupled(h: Tensor, theta: Tensor, f: Tensor, i: Tensor, gradient: Tensor, phi: Params) -> Moved:
    _, f, _ = cell(h, theta, f, i, gradient, phi)
    return f * theta - (1 - f) * gradient, f, 1 - f


def _sums_returned(h: Tensor, theta: Tensor, f: Tensor, i: Tensor, gradient: Tensor, phi: Params) -> Moved:
    theta, f, i = cell(h, theta, f, i, gradient, phi)
    return theta, _logit(f), _logit(i)


def _new_f_for_i(h: Tensor, theta: Tensor, f: Tensor, i: Tensor, gradient: Tensor, phi: Params) -> Moved:
    new = cell(h, theta, f, i, gradient, phi)[1]
    return new * theta - (i := cell(h, theta, f, new, gradient, phi)[2]) * gradient, new, i


def _old_f_for_i(h: Tensor, theta: Tensor, f: Tensor, i: Tensor, gradient: Tensor, phi: Params) -> Moved:
    new = cell(h, theta, f, i, gradient, phi)[1]
    return new * theta - (i := cell(h, theta, f, f, gradient, phi)[2]) * gradient, new, i


def _old_gates(h: Tensor, theta: Tensor, f: Tensor, i: Tensor, gradient: Tensor, phi: Params) -> Moved:
    _, new_f, new_i = cell(h, theta, f, i, gradient, phi)
    return f * theta - i * gradient, new_f, new_i


def _moved_first(h: Tensor, theta: Tensor, f: Tensor, i: Tensor, gradient: Tensor, phi: Params) -> Moved:
    _, f, _ = cell(h, theta, f, i, gradient, phi)
    kept = f * theta
    _, _, i = cell(h, kept, f, i, gradient, phi)
    return kept - i * gradient, f, i


def _theta_first(h: Tensor, theta: Tensor, f: Tensor, i: Tensor, gradient: Tensor, phi: Params) -> Moved:
    f = torch.sigmoid(torch.cat([theta[:, None], f[:, None], h], 1) @ phi["W_F"] + phi["b_F"])
    i = torch.sigmoid(torch.cat([theta[:, None], i[:, None], h], 1) @ phi["W_I"] + phi["b_I"])
    return f * theta - i * gradient, f, i


CELL = Exercise(
    id="05.1",
    title="two learned gates and a memory",
    solution=cell,
    cases=_cell_cases,
    mistakes=(
        Mistake("You climb: the candidate is minus the gradient.", (_cell(sign=1.0),)),
        Mistake(
            "You squashed the candidate with a tanh, as an ordinary LSTM does. Here it is minus the gradient, as long as it is.",
            (_cell(squash=torch.tanh),),
        ),
        Mistake(
            "You took 1 - f for the input gate. It has weights of its own, W_I and b_I.",
            (_coupled,),
        ),
        Mistake(
            "The new theta is right, but you return the sums before the sigmoid. The next step reads the gates. (The "
            "authors' released code does feed back the sums; their equations do not.)",
            (_sums_returned,),
        ),
        Mistake(
            "Your gates are not squashed: both go through a sigmoid.",
            (_cell(gate=lambda x: x),),
        ),
        Mistake(
            "Your gates go through a tanh, so they can be negative. A gate is a share from 0 to 1: sigmoid.",
            (_cell(gate=torch.tanh),),
        ),
        Mistake("The biases b_F and b_I are missing.", (_cell(bias=0.0),)),
        Mistake(
            "Your gates do not read theta. How large a number is tells whether to shrink it.",
            (_cell(theta_read=0.0),),
        ),
        Mistake(
            "Your gates do not read what they were at the step before.",
            (_cell(gate_read=0.0),),
        ),
        Mistake(
            "Your input gate reads the new forget gate. It reads itself, one step ago.",
            (_new_f_for_i,),
        ),
        Mistake(
            "Your input gate reads the old forget gate. It reads itself, one step ago.",
            (_old_f_for_i,),
        ),
        Mistake(
            "You moved theta with the gates of the step before. First the gates open, then theta moves.",
            (_old_gates,),
        ),
        Mistake(
            "Your input gate reads a theta that has already been shrunk. Both gates read theta as it came in.",
            (_moved_first,),
        ),
        Mistake(
            "What the gates read is in another order than the weights expect: first h, then theta, then the gate before.",
            (_theta_first,),
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


GATE = Exercise(
    id="05.2",
    title="what an input gate is told",
    solution=for_the_gate,
    cases=_gate_cases,
    mistakes=(
        Mistake(
            "The sign is turned round. Opening the gate moves theta against the gradient.",
            (lambda f, gradients, at_the_end, t: -for_the_gate(f, gradients, at_the_end, t),),
        ),
        Mistake(
            "Your product holds one gate too many: f_t closes on what was there before step t, not on what step t brings.",
            (lambda f, gradients, at_the_end, t: -f[t:].prod(0) * at_the_end * gradients[t],),
        ),
        Mistake(
            "You multiplied the gates up to t. What step t brings passes the gates that come after it.",
            (
                lambda f, gradients, at_the_end, t: -f[:t].prod(0) * at_the_end * gradients[t],
                lambda f, gradients, at_the_end, t: -f[: t + 1].prod(0) * at_the_end * gradients[t],
            ),
        ),
        Mistake(
            "You multiplied all forget gates. Only those after t stand between step t and the end.",
            (lambda f, gradients, at_the_end, t: -f.prod(0) * at_the_end * gradients[t],),
        ),
        Mistake(
            "The forget gates are missing: what step t brings is partly forgotten before the end.",
            (lambda f, gradients, at_the_end, t: -at_the_end * gradients[t],),
        ),
        Mistake(
            "You summed over the coordinates. Each coordinate has a gate of its own: one number for each.",
            (lambda f, gradients, at_the_end, t: for_the_gate(f, gradients, at_the_end, t).sum(),),
        ),
        Mistake(
            "The gradient of step t is missing: a gate before a gradient of zero changes nothing.",
            (lambda f, gradients, at_the_end, t: -f[t + 1 :].prod(0) * at_the_end,),
        ),
        Mistake(
            "The gradient at the end is missing: the query loss has to want the change.",
            (lambda f, gradients, at_the_end, t: -f[t + 1 :].prod(0) * gradients[t],),
        ),
    ),
    hints=(
        "Nudge i_t. By how much does theta_t change? Then follow that change along the memory line to the end.",
        "theta_t changes by -gradients[t] times the nudge, and each later step multiplies that by its forget gate.",
        "At the end the loss changes by at_the_end times it. `f[t + 1 :].prod(0)` is 1 for the last step.",
    ),
)

EXERCISES = (CELL, GATE)
