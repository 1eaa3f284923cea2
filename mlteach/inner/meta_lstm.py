"""The meta-learner LSTM: an LSTM cell whose memory is the learner's parameters, with gates that are learned.

    theta_t = f_t * theta_(t-1) + i_t * (-gradient_t)                         the memory line
    f_t = sigmoid(W_F [h_t, theta_(t-1), f_(t-1)] + b_F)                      the forget gate
    i_t = sigmoid(W_I [h_t, theta_(t-1), i_(t-1)] + b_I)                      the input gate
    h_t = an ordinary LSTM, reading loss_t and gradient_t, two numbers each   the first layer

One small LSTM serves every coordinate of theta: the weights are shared, the memories are not. theta_0 = c_0 is learned
along with them. Losses and gradients count as constants in training (``adapt(..., first_order=True)``).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.inner.adapt import adapt
from mlteach.inner.preprocess import preprocess
from mlteach.inner.rule import Rule
from mlteach.params import Params, from_vector, to_vector

PREFIX = "lstm."


class MetaState(NamedTuple):
    """What the rule carries from step to step, for all N coordinates of all tasks in one row, in theta's order.

    hidden, cell: of the first layer, [N, hidden]. forget, input: the gates of the last step, [N], in (0, 1).
    """

    hidden: Tensor
    cell: Tensor
    forget: Tensor
    input: Tensor


class Gates(NamedTuple):
    """What `gates` saw. path: theta_0 ... theta_T. forget, input: the gates of steps 1 ... T, with theta's shapes."""

    path: list[Params]
    forget: list[Params]
    input: list[Params]


Cell = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Params], tuple[Tensor, Tensor, Tensor]]


def meta_cell(
    h: Tensor, theta: Tensor, f: Tensor, i: Tensor, gradient: Tensor, omega: Params
) -> tuple[Tensor, Tensor, Tensor]:
    """The second layer: the new theta and the new gates, [N] each.

    h [N, hidden]: what the first layer says. theta, gradient, and the gates f, i of the step before: [N]. omega: ``W_F``,
    ``W_I`` [hidden + 2], for h, then theta, then the gate, and the biases ``b_F``, ``b_I`` [].

    Taught in: lesson 05, exercise 05.1.
    """

    def gate(before: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return torch.sigmoid(h @ weight[:-2] + weight[-2] * theta + weight[-1] * before + bias)

    f, i = gate(f, omega["W_F"], omega["b_F"]), gate(i, omega["W_I"], omega["b_I"])
    return f * theta + i * (-gradient), f, i


@dataclass(frozen=True)
class MetaLSTM:
    """The meta-learner LSTM as an inner rule with parameters omega of its own.

        lstm = MetaLSTM()
        theta = net.init(generator) | lstm.init(generator)      the start c_0 and omega in one dict
        maml_gradient(net, loss, theta, episode, lstm.rule, 8, first_order=True, start=lstm.start)

    hidden: the width of the first layer. p: where `preprocess` takes a number for small.
    forget_bias, input_bias: between which values the biases are drawn. The default begins with f near 1 and i near 0.01:
        almost nothing is forgotten, and little is learned until omega has found out how. The equations do not say between
        which values; the authors' released code draws forget biases from 4 to 5 and input biases from -5 to -4, and Mark
        Dong's rewrite in PyTorch forget biases from 4 to 6, which is the default here, and the same input biases.

    The gates of the step before enter as gates, as in the paper's equations; the authors' released code feeds them back
    before the sigmoid. The first layer starts like PyTorch's LSTM, where that code draws from U(-0.01, 0.01). Before the
    first step the gates to be fed back are f = 1 and i = 0: everything is kept, and nothing came in.

    Source: Ravi and Larochelle 2017, equations 2 and 3, sections 3.2 to 3.4. Taught in: lesson 05.
    """

    hidden: int = 20
    p: float = 10.0
    forget_bias: tuple[float, float] = (4.0, 6.0)
    input_bias: tuple[float, float] = (-5.0, -4.0)

    def init(self, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> Params:
        """Fresh omega on the generator's device; every name begins with "lstm.".

        ``lstm.layer1.input`` [4 hidden, 4], ``lstm.layer1.hidden`` [4 hidden, hidden], ``lstm.layer1.bias`` [4 hidden];
        for both gates ``lstm.forget.weight`` [hidden + 2] (for h, theta and the gate before) and ``lstm.forget.bias`` [].
        """
        where: dict[str, Any] = {"dtype": dtype, "device": generator.device}

        def uniform(low: float, high: float, *shape: int) -> Tensor:
            return low + (high - low) * torch.rand(shape, generator=generator, **where)

        bound = 1 / math.sqrt(self.hidden)
        return {
            "lstm.layer1.input": uniform(-bound, bound, 4 * self.hidden, 4),
            "lstm.layer1.hidden": uniform(-bound, bound, 4 * self.hidden, self.hidden),
            "lstm.layer1.bias": uniform(-bound, bound, 4 * self.hidden),
            "lstm.forget.weight": uniform(-0.01, 0.01, self.hidden + 2),
            "lstm.forget.bias": uniform(*self.forget_bias),
            "lstm.input.weight": uniform(-0.01, 0.01, self.hidden + 2),
            "lstm.input.bias": uniform(*self.input_bias),
        }

    def start(self, theta: Params) -> Params:
        """The learned start c_0: what in ``theta`` is not omega."""
        return {name: value for name, value in theta.items() if not name.startswith(PREFIX)}

    def rule(self, omega: Params, cell: Cell = meta_cell) -> Rule:
        """The rule with these omega; other names in the dict are passed over. It works with and without a task axis.

        cell: another second layer, with the arguments of `meta_cell`.
        """
        layer1 = [omega[f"lstm.layer1.{name}"] for name in ("input", "hidden", "bias")]
        layer2 = {
            f"{kind}_{letter}": omega[f"lstm.{gate}.{name}"]
            for letter, gate in (("F", "forget"), ("I", "input"))
            for kind, name in (("W", "weight"), ("b", "bias"))
        }

        def init(theta: Params) -> MetaState:
            memory = layer1[0].new_zeros(sum(value.numel() for value in theta.values()), self.hidden)
            return MetaState(memory, memory, memory.new_ones(len(memory)), memory.new_zeros(len(memory)))

        def step(
            theta: Params, gradient: Params, state: MetaState, /, *, loss: Tensor
        ) -> tuple[Params, MetaState]:
            g = to_vector(gradient)
            seen = torch.cat([_spread(preprocess(loss, self.p), theta), preprocess(g, self.p)], 1)
            h, memory = torch.lstm_cell(seen, (state.hidden, state.cell), *layer1)
            moved, forget, enter = cell(h, to_vector(theta), state.forget, state.input, g, layer2)
            return from_vector(moved, theta), MetaState(h, memory, forget, enter)

        return Rule(init, step)


def _spread(features: Tensor, theta: Params) -> Tensor:
    """The features of each task's loss, [tasks, 2] or [2], at every coordinate of theta: [N, 2], in `to_vector`'s order."""
    tasks = features.shape[:-1]
    if any(value.shape[: len(tasks)] != tasks for value in theta.values()):
        raise EpisodeError(
            f"The loss has shape {tuple(tasks)}, and the parameters do not begin with it; give one loss for each task, "
            "and a task axis to all parameters or to none (`mlteach.params.stack`)."
        )
    features = features.reshape(-1, 1, 2)
    return torch.cat(
        [features.expand(-1, value.numel() // len(features), 2).flatten(0, 1) for value in theta.values()]
    )


def gates(loss: Callable[[Params], Tensor], theta: Params, rule: Rule, steps: int) -> Gates:
    """Adapt as `adapt` does, and report the gates as well, in theta's shapes; nothing is recorded for a gradient.

    Taught in: lesson 05.
    """
    seen: list[MetaState] = []

    def step(theta: Params, gradient: Params, state: Any, /, *, loss: Tensor) -> tuple[Params, MetaState]:
        theta, state = rule.step(theta, gradient, state, loss=loss)
        seen.append(state)
        return theta, state

    with torch.no_grad():
        path = adapt(loss, theta, Rule(rule.init, step), steps, path=True)
    return Gates(
        path,
        [from_vector(state.forget, theta) for state in seen],
        [from_vector(state.input, theta) for state in seen],
    )
