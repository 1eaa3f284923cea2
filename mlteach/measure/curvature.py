"""How sharply a loss bends at a point: the largest eigenvalue of its Hessian, without ever writing the Hessian down."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from mlteach.measure.landscape import random_direction
from mlteach.params import Params, detach, dot, gradient_of, leaves, norm, scale, subtract

Loss = Callable[[Params], Tensor]


class Curvature(NamedTuple):
    """An eigenvalue of the Hessian, its eigenvector of length 1, and how well they fit.

    ``residual`` is |H v - value v|: some eigenvalue lies at most this far from ``value``. ``products``: Hessian-vector
    products that were taken.
    """

    value: float
    vector: Params
    residual: float
    products: int


def hessian_vector(loss: Loss, theta: Params, vector: Params) -> Params:
    """The Hessian of the scalar ``loss`` at theta times ``vector``: the gradient of (gradient . vector).

    Source: Pearlmutter 1994. Taught in: lesson 11.
    """
    with torch.enable_grad():
        point = leaves(theta)
        gradient = dict(zip(
            point, torch.autograd.grad(loss(point), list(point.values()), create_graph=True), strict=True
        ))  # fmt: skip
        return detach(gradient_of(dot(gradient, vector), point))


def top_eigenvalue(
    loss: Loss,
    theta: Params,
    *,
    generator: torch.Generator,
    products: int = 1000,
    tolerance: float = 1e-6,
) -> Curvature:
    """The largest eigenvalue of the Hessian of the scalar ``loss`` at theta, by power iteration.

    Power iteration finds the eigenvalue of largest *size*. Should that one be negative, or should two ends of the spectrum
    of about equal size hold each other up, the iteration goes on with all eigenvalues moved up until none is negative:
    the result is the largest, not the farthest from zero. Stops when the residual is below ``tolerance`` times the size
    of the spectrum, or after ``products`` products (twice as many in those cases); then the residual says how good the
    value is. Gradient descent with a rate above 2 / value climbs along the vector.

    Taught in: lesson 11.
    """
    start = random_direction(theta, generator=generator)
    found = _power(loss, theta, start, 0.0, products, tolerance)
    shift = found.value
    if found.residual > 0.1 * abs(found.value):  # not settled: too few products, or torn between two ends?
        size = abs(found.value) + found.residual  # at least as large as either end, if it is torn
        moved = hessian_vector(loss, theta, found.vector)
        low = subtract(moved, scale(norm(moved), found.vector))  # what would remain is the negative end
        bend = dot(low, hessian_vector(loss, theta, low)) / dot(low, low)
        found = found._replace(products=found.products + 2)
        shift = -size if bend < -size / 4 else found.value
    if shift >= 0:
        return found
    other = _power(loss, theta, start, shift, products, tolerance)
    return other._replace(products=other.products + found.products)


def _power(
    loss: Loss, theta: Params, start: Params, shift: float, products: int, tolerance: float
) -> Curvature:
    """Power iteration on H - shift; the value is for H itself."""
    v = scale(1 / norm(start), start)
    for count in range(1, products + 1):
        moved = subtract(hessian_vector(loss, theta, v), scale(shift, v))
        value = dot(v, moved).item()
        residual, size = norm(subtract(moved, scale(value, v))).item(), norm(moved)
        if residual <= tolerance * max(abs(value), abs(shift)) or count == products or size == 0:
            break
        v = scale(1 / size, moved)
    return Curvature(value + shift, v, residual, count)
