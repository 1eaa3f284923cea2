"""What MAML, FOMAML and Reptile descend on, to first order in the inner rate alpha.

One task, k minibatch losses L_1, ..., L_k in an order, k steps of gradient descent from theta on them in that order:

    phi_1 = theta,   g_i = grad L_i(phi_i),   phi_(i+1) = phi_i - alpha g_i

    MAML      the gradient by theta of L_k(phi_k)       (the last minibatch judges, the others adapt)
    FOMAML    g_k
    Reptile   g_1 + ... + g_k = (theta - phi_(k+1)) / alpha

Taylor at theta: g_i = b_i - alpha H_i (b_1 + ... + b_(i-1)) + O(alpha^2), with b_i = grad L_i(theta) and the Hessian H_i.
In the mean over all orders every b_i is AvgGrad, and every H_i b_j with i != j is AvgGradInner, so each method becomes

    c AvgGrad - alpha d AvgGradInner + O(alpha^2)

with c, d = 1, 2(k - 1) for MAML; 1, k - 1 for FOMAML; k, k(k - 1)/2 for Reptile. `coefficients` measures them.

Source: Nichol, Achiam, Schulman 2018, section 5. Taught in: lesson 08.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mlteach.params import Params, add, dot, map_params, norm, scale, subtract

Loss = Callable[[Params], Tensor]
METHODS = ("maml", "fomaml", "reptile")


class Coefficients(NamedTuple):
    """c and d in c AvgGrad - alpha d AvgGradInner, and what of the derivative points elsewhere.

    ``residual``: the larger of the two distances between what was measured and its multiple, as a share of it.
    """

    grad: float
    inner: float
    residual: float


def avg_grad(losses: Sequence[Loss], theta: Params) -> Params:
    """AvgGrad: the mean of the minibatches' gradients at theta, which is what joint training descends on."""
    return scale(1 / len(losses), _sum([torch.func.grad(loss)(theta) for loss in losses]))


def avg_grad_inner(losses: Sequence[Loss], theta: Params) -> Params:
    """AvgGradInner: the mean over all pairs i != j of H_i b_j at theta. Raises ValueError for fewer than two losses.

    It is the gradient of half the mean inner product b_i . b_j. All three methods descend on a sum
    that holds *minus* AvgGradInner, so they climb that product: towards gradients that agree.
    """
    if len(losses) < 2:
        raise ValueError("AvgGradInner is a mean over pairs of minibatches; give at least two losses.")
    gradients = [torch.func.grad(loss)(theta) for loss in losses]
    products = []
    for i, loss in enumerate(losses):
        others = _sum([b for j, b in enumerate(gradients) if j != i])
        products.append(torch.func.jvp(torch.func.grad(loss), (theta,), (others,))[1])
    return scale(1 / (len(losses) * (len(losses) - 1)), _sum(products))


def gradient_product(losses: Sequence[Loss], theta: Params) -> Tensor:
    """The mean over all pairs i != j of b_i . b_j at theta, a scalar: positive where one minibatch's step helps another."""
    gradients = [torch.func.grad(loss)(theta) for loss in losses]
    pairs = itertools.combinations(gradients, 2)
    return torch.stack([dot(a, b) for a, b in pairs]).mean()


def outer_gradient(method: str, losses: Sequence[Loss], theta: Params, alpha: float | Tensor) -> Params:
    """What ``method`` ("maml", "fomaml", "reptile") descends on, for minibatches in the order given.

    Raises ValueError for another method.
    """
    if method not in METHODS:
        raise ValueError(f"There is no method {method!r}; choose one of {', '.join(METHODS)}.")
    if method == "maml":

        def last(start: Params) -> Tensor:
            return losses[-1](_walk(losses[:-1], start, alpha)[0])

        return torch.func.grad(last)(theta)
    _, met = _walk(losses, theta, alpha)
    return met[-1] if method == "fomaml" else _sum(met)


def expected(method: str, losses: Sequence[Loss], theta: Params, alpha: float | Tensor) -> Params:
    """The exact mean of `outer_gradient` over all k! orders of the k minibatches."""
    orders = list(itertools.permutations(losses))
    return scale(1 / len(orders), _sum([outer_gradient(method, order, theta, alpha) for order in orders]))


def coefficients(method: str, losses: Sequence[Loss], theta: Params) -> Coefficients:
    """c and d of ``method``, from `expected` and its exact derivative by alpha at alpha = 0 (forward mode, no steps).

    losses: smooth functions of dicts of tensors, at least two; all k! orders are taken, so k is at most 5 or so.
    """
    zero = torch.zeros((), dtype=next(iter(theta.values())).dtype)
    both = torch.func.jvp(
        lambda alpha: expected(method, losses, theta, alpha), (zero,), (torch.ones_like(zero),)
    )
    found, residuals = [], []
    for measured, term in (
        (both[0], avg_grad(losses, theta)),
        (scale(-1, both[1]), avg_grad_inner(losses, theta)),
    ):
        factor = (dot(measured, term) / dot(term, term)).item()
        found.append(factor)
        residuals.append((norm(subtract(measured, scale(factor, term))) / norm(measured)).item())
    return Coefficients(found[0], found[1], max(residuals))


def _walk(losses: Sequence[Loss], theta: Params, alpha: float | Tensor) -> tuple[Params, list[Params]]:
    """Gradient descent on the losses in turn: where it ends, and the gradients it met."""
    phi, met = theta, []
    for loss in losses:
        met.append(torch.func.grad(loss)(phi))
        phi = subtract(phi, scale(alpha, met[-1]))
    return phi, met


def _sum(parts: Sequence[Params]) -> Params:
    total = map_params(torch.zeros_like, parts[0])
    for part in parts:
        total = add(total, part)
    return total
