"""The exercises of lesson 03: gradient descent is an LSTM cell."""

from collections.abc import Callable

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake

Gate = float | Tensor

# 03.1 ---------------------------------------------------------------------------------------------------------------


def cell(theta: Tensor, gradient: Tensor, f: Gate, i: Gate) -> Tensor:
    """The new memory: f of the old one, i of the candidate -gradient."""
    return f * theta + i * (-gradient)


def _cell_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(31)
    theta, gradient = torch.randn(2, 3, 4, generator=draw, dtype=torch.float64)
    rows, entries = (torch.rand(2, 3, size, generator=draw, dtype=torch.float64) for size in (1, 4))
    return [
        Case("gradient descent: f = 1, i = 0.1", (theta, gradient, 1.0, 0.1)),
        Case("plain numbers: f = 0.9, i = 0.3", (theta, gradient, 0.9, 0.3)),
        Case("one pair of gates for each row", (theta, gradient, rows[0], rows[1])),
        Case("one pair of gates for each weight", (theta, gradient, entries[0], entries[1])),
    ]


def _cell_in_place(theta: Tensor, gradient: Tensor, f: Gate, i: Gate) -> Tensor:
    theta *= f
    theta -= i * gradient
    return theta


def _first(gate: Gate) -> Tensor:
    return torch.as_tensor(gate).flatten()[0]


CELL = Exercise(
    id="03.1",
    title="the cell in one line",
    solution=cell,
    cases=_cell_cases,
    mistakes=(
        Mistake(
            "Your step goes uphill: the candidate is minus the gradient.",
            (lambda theta, gradient, f, i: f * theta + i * gradient,),
        ),
        Mistake(
            "The gates are swapped: f belongs to the old memory theta, i to the candidate.",
            (
                lambda theta, gradient, f, i: i * theta + f * (-gradient),
                lambda theta, gradient, f, i: i * theta + f * gradient,
            ),
        ),
        Mistake(
            "You left the tanh of the ordinary LSTM on the candidate. Here the candidate is -gradient itself, however "
            "long it is.",
            (lambda theta, gradient, f, i: f * theta + i * torch.tanh(-gradient),),
        ),
        Mistake(
            "You left the tanh of the ordinary LSTM on the memory. Here the weights are the memory itself.",
            (
                lambda theta, gradient, f, i: torch.tanh(f * theta - i * gradient),
                lambda theta, gradient, f, i: f * torch.tanh(theta) - i * gradient,
            ),
        ),
        Mistake(
            "The numbers are right, but you wrote them into theta itself, so the start is gone. Return a new tensor: "
            "no `*=`, `-=` or `add_`.",
            (_cell_in_place, lambda theta, gradient, f, i: theta.copy_(f * theta - i * gradient)),
        ),
        Mistake(
            "The rate is in there twice: the input gate i is the learning rate, so the gradient meets it once.",
            (lambda theta, gradient, f, i: f * theta - i * i * gradient,),
        ),
        Mistake(
            "Your cell uses one gate for everything. A gate may be a tensor, one number for each row or each weight: "
            "multiply by it as it is and let it broadcast.",
            (
                lambda theta, gradient, f, i: _first(f) * theta - _first(i) * gradient,
                lambda theta, gradient, f, i: float(f) * theta - float(i) * gradient,
                lambda theta, gradient, f, i: (
                    torch.as_tensor(f).mean() * theta - torch.as_tensor(i).mean() * gradient
                ),
            ),
        ),
        Mistake(
            "That is gradient descent, whatever the forget gate says: f is missing in front of theta.",
            (lambda theta, gradient, f, i: theta - i * gradient,),
        ),
        Mistake(
            "Your forget gate also closes on the candidate: f multiplies the old memory alone.",
            (lambda theta, gradient, f, i: f * (theta - i * gradient),),
        ),
        Mistake(
            "You return the change, not the new memory: f * theta is missing.",
            (lambda theta, gradient, f, i: -i * gradient, lambda theta, gradient, f, i: i * gradient),
        ),
    ),
    hints=(
        "Read the line aloud: keep this much of the old memory, let in that much of the candidate. It is two products and one sum.",
        "The old memory is `theta`, the candidate is `-gradient`, the gates are `f` and `i`. Nothing is squashed.",
        "`return f * theta + ...`: what is let in, and through which gate?",
    ),
)

# 03.2 ---------------------------------------------------------------------------------------------------------------


def gates_of_weight_decay(rate: float, decay: float) -> tuple[float, float]:
    """theta - rate * (gradient + decay * theta) = (1 - rate * decay) * theta + rate * (-gradient)."""
    return 1 - rate * decay, rate


WEIGHT_DECAY = Exercise(
    id="03.2",
    title="the gates of weight decay",
    solution=gates_of_weight_decay,
    cases=lambda: [
        Case("rate 0.1, decay 0.01", (0.1, 0.01)),
        Case("rate 0.5, decay 0.2", (0.5, 0.2)),
        Case("rate 0.1, no decay", (0.1, 0.0)),
    ],
    mistakes=(
        Mistake(
            "The rate is missing in f: the pull towards zero is a gradient like any other, so it is multiplied by the rate.",
            (lambda rate, decay: (1 - decay, rate),),
        ),
        Mistake(
            "Your f is larger than 1, so the weights grow: the pull goes towards zero.",
            (lambda rate, decay: (1 + rate * decay, rate),),
        ),
        Mistake(
            "That is the share that is lost. The forget gate says which share is kept.",
            (lambda rate, decay: (rate * decay, rate),),
        ),
        Mistake(
            "There is a 2 too many: the penalty is decay/2 * |theta|^2, and its gradient is decay * theta.",
            (lambda rate, decay: (1 - 2 * rate * decay, rate),),
        ),
        Mistake(
            "Your input gate is negative. The minus already sits in the candidate, -gradient.",
            (lambda rate, decay: (1 - rate * decay, -rate),),
        ),
        Mistake(
            "You step first and shrink afterwards, so the gradient shrinks too. Both happen at the old theta: i is the rate.",
            (lambda rate, decay: (1 - rate * decay, rate * (1 - rate * decay)),),
        ),
        Mistake(
            "The two gates are in the wrong order: return f first, then i.",
            (lambda rate, decay: (rate, 1 - rate * decay),),
        ),
    ),
    hints=(
        "Weight decay adds the penalty decay/2 * |theta|^2 to the loss. What does it add to the gradient?",
        "Write down theta - rate * (gradient + decay * theta) and collect the two terms that contain theta.",
        "What stands in front of theta is f, what stands in front of -gradient is i.",
    ),
)

# 03.3 ---------------------------------------------------------------------------------------------------------------


def two_cells(theta: Tensor, m: Tensor, gradient: Tensor, rate: float, mu: float) -> tuple[Tensor, Tensor]:
    """The first cell gathers gradients; the second takes the first one's new memory as its candidate."""
    m = mu * m + gradient
    return theta - rate * m, m


def _two_cells_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(33)
    theta, m, gradient = torch.randn(3, 5, generator=draw, dtype=torch.float64)
    return [
        Case("the first step: the velocity is zero", (theta, torch.zeros_like(m), gradient, 0.1, 0.9)),
        Case("a later step: rate 0.1, mu 0.9", (theta, m, gradient, 0.1, 0.9)),
        Case("a later step: rate 0.5, mu 0.3", (theta, m, gradient, 0.5, 0.3)),
    ]


def _two_cells_in_place(
    theta: Tensor, m: Tensor, gradient: Tensor, rate: float, mu: float
) -> tuple[Tensor, Tensor]:
    m.mul_(mu).add_(gradient)
    return theta - rate * m, m


MOMENTUM = Exercise(
    id="03.3",
    title="momentum as a second cell in front",
    solution=two_cells,
    cases=_two_cells_cases,
    mistakes=(
        Mistake(
            "Your weights move by the old velocity. The gradient goes through the first cell and, in the same step, into the second.",
            (lambda theta, m, gradient, rate, mu: (theta - rate * m, mu * m + gradient),),
        ),
        Mistake(
            "Your first cell averages: its input gate is 1 - mu. In torch.optim.SGD (dampening=0) that gate is 1, so the gradients add up.",
            (
                lambda theta, m, gradient, rate, mu: (
                    theta - rate * (mu * m + (1 - mu) * gradient),
                    mu * m + (1 - mu) * gradient,
                ),
            ),
        ),
        Mistake(
            "That is Nesterov's variant, which looks one step ahead. Here the second cell takes the new velocity as it is.",
            (
                lambda theta, m, gradient, rate, mu: (
                    theta - rate * (gradient + mu * (mu * m + gradient)),
                    mu * m + gradient,
                ),
            ),
        ),
        Mistake(
            "The rate went into the first cell. It is the input gate of the second: the velocity is a sum of plain gradients.",
            (
                lambda theta, m, gradient, rate, mu: (
                    theta - (mu * m + rate * gradient),
                    mu * m + rate * gradient,
                ),
            ),
        ),
        Mistake(
            "Your weights go uphill: the second cell takes minus the velocity.",
            (lambda theta, m, gradient, rate, mu: (theta + rate * (mu * m + gradient), mu * m + gradient),),
        ),
        Mistake(
            "Your velocity gathers minus the gradient. That can be a convention, but here m gathers the gradient, as torch does, and the minus comes after.",
            (lambda theta, m, gradient, rate, mu: (theta + rate * (mu * m - gradient), mu * m - gradient),),
        ),
        Mistake(
            "mu is the forget gate of the first cell, the velocity's. You closed the weights' own memory with it.",
            (
                lambda theta, m, gradient, rate, mu: (mu * theta - rate * (m + gradient), m + gradient),
                lambda theta, m, gradient, rate, mu: (
                    mu * theta - rate * (mu * m + gradient),
                    mu * m + gradient,
                ),
            ),
        ),
        Mistake(
            "Your velocity forgets nothing: mu is missing in front of the old m.",
            (lambda theta, m, gradient, rate, mu: (theta - rate * (m + gradient), m + gradient),),
        ),
        Mistake(
            "The two memories are in the wrong order: return the weights first, then the velocity.",
            (lambda theta, m, gradient, rate, mu: (mu * m + gradient, theta - rate * (mu * m + gradient)),),
        ),
        Mistake(
            "The numbers are right, but you wrote the velocity into m itself. Return a new tensor: no `*=`, `mul_` or `add_`.",
            (_two_cells_in_place,),
        ),
    ),
    hints=(
        "Two memory lines, one after the other. The first has forget gate mu, input gate 1 and the gradient as its candidate.",
        "The second has forget gate 1, input gate `rate`, and minus the first one's *new* memory as its candidate.",
        "`m = mu * m + gradient`; now use this m for theta.",
    ),
)

# 03.4 ---------------------------------------------------------------------------------------------------------------

BY_HAND = Exercise(
    id="03.4",
    title="two gradients by hand",
    solution=(0.25, -0.125),
    tolerance=1e-3,
    mistakes=(
        Mistake(
            "Both numbers are there, in the wrong order: first with the dashed edges, then without.",
            ((-0.125, 0.25),),
        ),
        Mistake(
            "You kept the edges both times. Without them the two gradients, 1 and -0.5, are plain numbers that do not depend on eta.",
            ((0.25, 0.25),),
        ),
        Mistake(
            "You dropped the edges both times. With them theta_2 = (1 - eta)^2, and eta is to be differentiated in both factors.",
            ((-0.125, -0.125),),
        ),
        Mistake(
            "Those are the slopes of theta_2. The loss is theta_2^2 / 2, so each is still to be multiplied by theta_2 = 0.25.",
            ((1.0, -0.5),),
        ),
        Mistake("You differentiated theta^2. The loss is theta^2 / 2.", ((0.5, -0.25),)),
        Mistake(
            "Those are the gradients after one step, where the edges make no difference yet: theta_0 does not depend on eta. Take two steps.",
            ((0.5, 0.5),),
        ),
        Mistake(
            "The sizes are right, the signs are turned round: theta_2 = 0.25 is positive, and d theta_2 / d eta is +1 with the edges.",
            ((-0.25, 0.125),),
        ),  # fmt: skip
    ),
    hints=(
        "The gradient of theta^2/2 is theta. So theta_1 = theta_0 - eta * theta_0 = (1 - eta) * theta_0.",
        "With the edges: the loss is (1 - eta)^4 / 2. Differentiate that by eta and put in 1.5.",
        "Without them: theta_2 = theta_0 - eta * g_1 - eta * g_2 with g_1 = 1 and g_2 = theta_1 = -0.5 as plain numbers. "
        "The slope is theta_2 * -(g_1 + g_2).",
    ),
)

# 03.5 ---------------------------------------------------------------------------------------------------------------


def loss_after(theta: Tensor, eta: Tensor, steps: int, keep_edges: bool) -> Tensor:
    """The loss theta^2 / 2 after some steps; without the edges each gradient is a constant."""
    for _ in range(steps):
        gradient = theta if keep_edges else theta.detach()
        theta = theta - eta * gradient
    return theta**2 / 2


def _slopes(answer: Callable[..., Tensor], theta: Tensor, eta: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """d loss / d eta with the edges and without them: what exercise 03.5 is about."""

    def slope(keep_edges: bool) -> Tensor:
        rate = eta.detach().clone().requires_grad_()
        loss = answer(theta, rate, steps, keep_edges)
        if isinstance(loss, Tensor) and not loss.requires_grad:
            return torch.zeros_like(eta)
        return torch.autograd.grad(loss, rate, allow_unused=True, materialize_grads=True)[0]

    return slope(True), slope(False)


def _slopes_cases() -> list[Case]:
    def number(x: float) -> Tensor:
        return torch.tensor(x, dtype=torch.float64)

    return [
        Case("the example: theta = 1, eta = 1.5, 2 steps", (number(1.0), number(1.5), 2)),
        Case("theta = 2, eta = 0.3, 3 steps", (number(2.0), number(0.3), 3)),
        Case("theta = -1, eta = 0.1, 1 step", (number(-1.0), number(0.1), 1)),
    ]


def _half_square(theta: Tensor) -> Tensor:
    return theta**2 / 2


def _unroll(
    theta: Tensor,
    eta: Tensor,
    steps: int,
    step: Callable[[Tensor, Tensor], Tensor],
    loss: Callable[[Tensor], Tensor] = _half_square,
) -> Tensor:
    for _ in range(steps):
        theta = step(theta, eta)
    return loss(theta)


AUTOGRAD = Exercise(
    id="03.5",
    title="the same two gradients by autograd",
    solution=loss_after,
    cases=_slopes_cases,
    observe=_slopes,
    mistakes=(
        Mistake(
            "keep_edges changes nothing in your loop: without the edges the gradient has to be detached.",
            (lambda theta, eta, steps, keep_edges: loss_after(theta, eta, steps, True),),
        ),
        Mistake(
            "You always cut the edges, even where keep_edges is True.",
            (lambda theta, eta, steps, keep_edges: loss_after(theta, eta, steps, False),),
        ),
        Mistake(
            "It is the wrong way round: you cut the edges where keep_edges is True.",
            (lambda theta, eta, steps, keep_edges: loss_after(theta, eta, steps, not keep_edges),),
        ),
        Mistake(
            "You cut too much. Detaching all of theta forgets the earlier steps as well: only the gradient is a constant, "
            "the memory line stays.",
            (
                lambda theta, eta, steps, keep_edges: (
                    loss_after(theta, eta, steps, True)
                    if keep_edges
                    else _unroll(theta, eta, steps, lambda theta, eta: theta.detach() - eta * theta.detach())
                ),
            ),
        ),
        Mistake(
            "Without the edges nothing of eta is left: you detached the whole step (or worked under no_grad). Detach the gradient alone.",
            (
                lambda theta, eta, steps, keep_edges: loss_after(
                    theta, eta if keep_edges else eta.detach(), steps, keep_edges
                ),
            ),
        ),
        Mistake(
            "Your steps go uphill: theta - eta * gradient.",
            (
                lambda theta, eta, steps, keep_edges: _unroll(
                    theta,
                    eta,
                    steps,
                    lambda theta, eta: theta + eta * (theta if keep_edges else theta.detach()),
                ),
            ),
        ),
        Mistake(
            "You return theta, not the loss theta^2 / 2.",
            (
                lambda theta, eta, steps, keep_edges: _unroll(
                    theta,
                    eta,
                    steps,
                    lambda theta, eta: theta - eta * (theta if keep_edges else theta.detach()),
                    lambda theta: theta,
                ),
            ),
        ),
        Mistake(
            "The loss is theta^2 / 2, with the half: yours is twice as steep.",
            (lambda theta, eta, steps, keep_edges: 2 * loss_after(theta, eta, steps, keep_edges),),
        ),
        Mistake(
            "You are one step short.",
            (lambda theta, eta, steps, keep_edges: loss_after(theta, eta, steps - 1, keep_edges),),
        ),
    ),
    hints=(
        "The loss is theta^2 / 2, so the gradient at theta is theta. The loop has two lines.",
        "An edge is dropped by `.detach()`: the same number, without a memory of where it came from.",
        "Detach the gradient, and nothing else: `gradient = theta if keep_edges else theta.detach()`.",
    ),
)

EXERCISES = (CELL, WEIGHT_DECAY, MOMENTUM, BY_HAND, AUTOGRAD)
