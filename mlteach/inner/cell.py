"""The memory line of an LSTM cell as an update rule: theta' = f * theta + i * (-gradient)."""

from collections.abc import Callable

from torch import Tensor

from mlteach.inner.rule import Rate, Rule, State, checked_rate, rate_of
from mlteach.params import Params

# A gate that looks: (name, theta, gradient, t) -> a tensor that broadcasts against theta.
GateFunction = Callable[[str, Tensor, Tensor, int], Tensor]
Gate = Rate | GateFunction


def lstm_cell(forget: Gate = 1.0, input: Gate = 0.1) -> Rule:
    """c_t = f_t * c_(t-1) + i_t * c~_t, with theta as the memory c and the negative gradient as the candidate c~.

    A gate is a number, a tensor, one of these for each name, or a function ``gate(name, theta, gradient, t)`` that
    looks at what it opens for: a learned gate. With f = 1 and i = alpha this is gradient descent, bit for bit;
    with f = 1 - alpha * lambda it is weight decay. The state is the step count t = 0, 1, ...

    Source: Ravi and Larochelle 2017, equations 2 and 3. Taught in: lesson 03.
    """
    for gate in (forget, input):
        checked_rate(gate, "lstm_cell(forget=1.0, input=0.1)", gates=True)

    def open_gate(gate: Gate, name: str, theta: Tensor, gradient: Tensor, t: int) -> float | Tensor:
        return gate(name, theta, gradient, t) if callable(gate) else rate_of(gate, name)

    def step(
        theta: Params, gradient: Params, t: State, *, loss: Tensor | None = None
    ) -> tuple[Params, State]:
        memory = {}
        for name, c in theta.items():
            f = open_gate(forget, name, c, gradient[name], t)
            i = open_gate(input, name, c, gradient[name], t)
            memory[name] = f * c + i * (-gradient[name])
        return memory, t + 1

    return Rule(init=lambda theta: 0, step=step)
