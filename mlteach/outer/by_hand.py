"""MAML's gradient of an MLP with every derivative written out: no autograd, the chain rule on one page.

Layers a_l = h_(l-1) W_l' + b_l, h_l = act(a_l) with slope s_l, squared error; e is its derivative by the last a.

    forward    h_l, s_l
    backward   d_L = e,  d_l = (d_(l+1) W_(l+1)) s_l       the gradient of W_l is d_l' h_(l-1), that of b_l the sum of d_l
    H v        both passes again, differentiated in the direction v = (V_l, c_l); R stands for "the change of":
               R a_l = R h_(l-1) W_l' + h_(l-1) V_l' + c_l,   R h_l = s_l R a_l
               R d_l = (R d_(l+1) W_(l+1) + d_(l+1) V_(l+1)) s_l + (d_(l+1) W_(l+1)) s'_l R a_l
               H v   = R d_l' h_(l-1) + d_l' R h_(l-1),   and the sum of R d_l

The meta-gradient is v = grad L_query(phi), then v <- v - alpha H v for each step, from the last to the first (`mlteach.outer.maml`).

Two things make it quick. Before the first step all tasks have one theta, so its products are one product over the points of all
tasks. And each change of a weight is a sum over points, d' h: as long as there are few points, the factors are kept and the
task's own matrix is never made. Half of the work is gone, and what is left are a few operations that a compiler can fuse:
``replayed(partial(mlp_gradient, net, alpha=0.01, steps=1, fused=True), compiled=True)``.

Source of the second pass: Pearlmutter 1994, "Fast exact multiplication by the Hessian".
"""

from typing import NamedTuple

import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.inner.rule import checked_steps
from mlteach.nets.mlp import MLP
from mlteach.params import Params
from mlteach.tasks.episode import Episode, checked


class Matrix(NamedTuple):
    """base + left' right: base [out, in], [tasks, out, in] or none; left [tasks, points, out], right [tasks, points, in] or none.

    fused: products of the factors are written as sums over the points, of which a compiler makes one loop with what comes next;
    without a compiler that is slower.
    """

    base: Tensor | None
    left: Tensor | None = None
    right: Tensor | None = None
    fused: bool = False

    def forth(self, h: Tensor) -> Tensor:
        """h M', for h [tasks, N, in]."""
        whole = None if self.base is None else h @ self.base.mT
        if self.left is None or self.right is None:
            return both(whole, None)
        return both(whole, self._rows(h @ self.right.mT, self.left))

    def back(self, d: Tensor) -> Tensor:
        """d M, for d [tasks, N, out]."""
        whole = None if self.base is None else d @ self.base
        if self.left is None or self.right is None:
            return both(whole, None)
        return both(whole, self._rows(d @ self.left.mT, self.right))

    def plus(self, *pairs: tuple[Tensor, Tensor]) -> "Matrix":
        """M + the sum of left' right over the pairs."""
        lefts = [each for each in (self.left, *(left for left, _ in pairs)) if each is not None]
        rights = [each for each in (self.right, *(right for _, right in pairs)) if each is not None]
        return self._replace(left=torch.cat(lefts, 1), right=torch.cat(rights, 1))

    def settled(self) -> "Matrix":
        """The same, made into one matrix for each task where that costs less than its factors, which are two products for one."""
        if self.left is None or self.right is None:
            return self
        points, outputs, inputs = self.left.shape[1], self.left.shape[2], self.right.shape[2]
        if 2 * points * (outputs + inputs) <= outputs * inputs:
            return self
        whole = self._rows(self.left.mT, self.right)
        return Matrix(whole if self.base is None else self.base + whole, fused=self.fused)

    def over_tasks(self) -> Tensor:
        """The sum over the tasks, [out, in]: the factors of all of them are one product."""
        if self.left is None or self.right is None:
            assert self.base is not None
            return self.base.sum(0)
        found = self.left.flatten(0, 1).mT @ self.right.flatten(0, 1)
        return found if self.base is None else found + self.base.sum(0)

    def _rows(self, weights: Tensor, rows: Tensor) -> Tensor:
        """weights [tasks, A, points] @ rows [tasks, points, B]."""
        if not self.fused:
            return weights @ rows
        found = weights[:, :, 0, None] * rows[:, 0, None, :]
        for point in range(1, rows.shape[1]):
            found = found + weights[:, :, point, None] * rows[:, point, None, :]
        return found


def both(a: Tensor | None, b: Tensor | None) -> Tensor:
    """The sum of two of which one may be missing."""
    if a is None or b is None:
        one = b if a is None else a
        assert one is not None, "a matrix of nothing"
        return one
    return a + b


class Passed(NamedTuple):
    """A forward and a backward pass: inputs of the layers, slopes, d_l, and what came back before the slope."""

    inputs: list[Tensor]
    slopes: list[Tensor]
    bends: list[Tensor | None]
    deltas: list[Tensor]
    backs: list[Tensor]
    outputs: Tensor


def mlp_gradient(
    net: MLP,
    theta: Params,
    episode: Episode,
    *,
    alpha: float,
    steps: int,
    first_order: bool = False,
    fused: bool = False,
) -> tuple[Params, dict[str, Tensor]]:
    """The gradient by theta of the mean query loss after ``steps`` steps of gradient descent at the rate ``alpha``, and the loss.

    The same numbers as ``maml_gradient(net, squared_error, theta, episode, sgd(alpha), steps)`` to rounding.
    fused: for a compiler (`replayed`), see `Matrix`.
    episode: inputs [tasks, N, in] and targets [tasks, N, out]. theta: as `MLP.init` gives it, without a task axis.
    Raises EpisodeError for an episode that does not fit the network, RuleError for a number of steps that is none.

    Source: Finn, Abbeel, Levine 2017, algorithm 2, for squared error. Taught in: lesson 06.
    """
    tasks, points = checked(episode).support_x.shape[:2]
    fits(net, episode)
    layers = range(1, len(net.sizes))
    weights = [Matrix(theta[f"layer{layer}.weight"], fused=fused) for layer in layers]
    biases = [theta[f"layer{layer}.bias"] for layer in layers]

    tape: list[tuple[list[Matrix], Passed]] = []
    for _ in range(checked_steps(steps)):
        seen = passed(net, weights, biases, episode.support_x, episode.support_y)
        tape.append((weights, seen))
        weights = [
            weight.plus((-alpha * d, h)).settled()
            for weight, d, h in zip(weights, seen.deltas, seen.inputs, strict=True)
        ]
        biases = [bias - alpha * over_points(d) for bias, d in zip(biases, seen.deltas, strict=True)]

    asked = passed(net, weights, biases, episode.query_x, episode.query_y, share=tasks)
    v = [Matrix(None, fused=fused).plus((d, h)) for d, h in zip(asked.deltas, asked.inputs, strict=True)]
    c = [over_points(d) for d in asked.deltas]
    for weights, seen in reversed([] if first_order else tape):
        v = [each.settled() for each in v]
        changes, moved = turned(weights, seen, v, c, 2 / (points * net.sizes[-1]))
        v = [
            each.plus((-alpha * change, h), *([(-alpha * d, move)] if move is not None else []))
            for each, change, h, d, move in zip(v, changes, seen.inputs, seen.deltas, moved, strict=True)
        ]
        c = [each - alpha * over_points(change) for each, change in zip(c, changes, strict=True)]

    found: Params = {}
    for layer, matrix, sums in zip(layers, v, c, strict=True):
        found[f"layer{layer}.weight"], found[f"layer{layer}.bias"] = matrix.over_tasks(), sums.sum((0, 1))
    return found, {"loss": (asked.outputs - episode.query_y).square().mean()}


def passed(
    net: MLP, weights: list[Matrix], biases: list[Tensor], x: Tensor, y: Tensor, *, share: int = 1
) -> Passed:
    """Forward and backward at the mean squared error of each task, divided by ``share``."""
    inputs, slopes, bends = [x], [], []
    for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True), 1):
        a = weight.forth(inputs[-1]) + bias
        if layer < len(weights):
            h, slope, bend = activated(net.activation, a)
            inputs.append(h)
            slopes.append(slope)
            bends.append(bend)
    deltas, backs = [(2 / (a.shape[1] * a.shape[2] * share)) * (a - y)], []
    for weight, slope in zip(weights[:0:-1], slopes[::-1], strict=True):
        backs.append(weight.back(deltas[-1]))
        deltas.append(backs[-1] * slope)
    return Passed(inputs, slopes, bends, deltas[::-1], backs[::-1], a)


def turned(
    weights: list[Matrix], seen: Passed, v: list[Matrix], c: list[Tensor], curve: float
) -> tuple[list[Tensor], list[Tensor | None]]:
    """How a pass changes in the direction (v, c): R d_l of every layer, and R h_(l-1) of its input (the data do not change).

    ``curve``: the second derivative of the loss by an output.
    """
    moved: list[Tensor | None] = [None]
    rises: list[Tensor] = []
    for layer, (weight, h, way, shift) in enumerate(zip(weights, seen.inputs, v, c, strict=True)):
        rise = way.forth(h) + shift
        if (before := moved[-1]) is not None:
            rise = rise + weight.forth(before)
        rises.append(rise)
        if layer < len(seen.slopes):
            moved.append(seen.slopes[layer] * rise)
    changes = [curve * rises[-1]]
    for layer in range(len(seen.slopes) - 1, -1, -1):
        above = layer + 1
        change = (weights[above].back(changes[-1]) + v[above].back(seen.deltas[above])) * seen.slopes[layer]
        if (bend := seen.bends[layer]) is not None:
            change = change + seen.backs[layer] * bend * rises[layer]
        changes.append(change)
    return changes[::-1], moved


def activated(name: str, a: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
    """act(a), its slope, and its second derivative, none where that is zero."""
    if name == "relu":
        slope = (a > 0).to(a.dtype)
        return a * slope, slope, None
    h = getattr(torch, name)(a)
    if name == "tanh":
        slope = 1 - h * h
        return h, slope, -2 * h * slope
    slope = h * (1 - h)
    return h, slope, (1 - 2 * h) * slope


def over_points(d: Tensor) -> Tensor:
    """The sum over a task's points, [tasks, 1, out]."""
    return d.sum(1, keepdim=True)


def fits(net: MLP, episode: Episode) -> None:
    """EpisodeError where an episode is not one of regression from and to the sizes of the network."""
    ends = net.sizes[0], net.sizes[-1]
    for part, x, y in (("support", episode.support_x, episode.support_y), ("query", episode.query_x, episode.query_y)):  # fmt: skip
        if x.ndim != 3 or y.ndim != 3 or (x.shape[-1], y.shape[-1]) != ends or x.shape[:2] != y.shape[:2]:
            raise EpisodeError(
                f"This network wants inputs [tasks, N, {ends[0]}] and targets [tasks, N, {ends[1]}], and the {part} set has "
                f"{tuple(x.shape)} and {tuple(y.shape)}."
            )
