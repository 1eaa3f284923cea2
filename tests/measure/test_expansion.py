"""The expansion of lesson 08: coefficients over all orders, AvgGradInner by other means, and where the series ends."""

import itertools

import pytest
import torch

from mlteach.inner import adapt, sgd
from mlteach.measure.expansion import (
    METHODS,
    avg_grad,
    avg_grad_inner,
    coefficients,
    expected,
    gradient_product,
    outer_gradient,
)
from mlteach.nets import MLP, squared_error
from mlteach.params import (
    Params,
    add,
    from_vector,
    gradient_of,
    leaves,
    norm,
    scale,
    subtract,
    to_vector,
)

NET = MLP((1, 4, 1), activation="tanh")
EXACT = {
    "maml": lambda k: (1, 2 * (k - 1)),
    "fomaml": lambda k: (1, k - 1),
    "reptile": lambda k: (k, k * (k - 1) / 2),
}


def setting(k: int, points: int = 3, seed: int = 0):
    """k minibatches of a smooth regression task that is not quadratic, and a start; float64."""
    g = torch.Generator().manual_seed(seed)
    x = torch.rand(k, points, 1, generator=g, dtype=torch.float64) * 4 - 2
    y = torch.sin(2 * x) + 0.1 * torch.randn(x.shape, generator=g, dtype=torch.float64)
    losses = [lambda theta, x=a, y=b: squared_error(NET(theta, x), y) for a, b in zip(x, y, strict=True)]
    return losses, NET.init(g, torch.float64)


def relative(a: Params, b: Params) -> float:
    return (norm(subtract(a, b)) / norm(b)).item()


@pytest.mark.parametrize("k", [2, 3, 4, 5])
@pytest.mark.parametrize("method", METHODS)
def test_i23c_the_coefficients_over_all_orders(method, k):
    found = coefficients(method, *setting(k))
    c, d = EXACT[method](k)
    assert abs(found.grad - c) < 1e-8 * c
    assert abs(found.inner - d) < 1e-8 * d
    assert found.residual < 1e-8


@pytest.mark.parametrize("method", METHODS)
def test_the_derivative_agrees_with_finite_differences(method):
    losses, theta = setting(3)
    h = 1e-5
    ahead, behind = (expected(method, losses, theta, sign * h) for sign in (1, -1))
    slope = scale(1 / (2 * h), subtract(ahead, behind))
    assert relative(slope, scale(-EXACT[method](3)[1], avg_grad_inner(losses, theta))) < 1e-6


@pytest.mark.parametrize("k", [2, 4])
def test_i23d_avg_grad_inner_is_the_gradient_of_half_the_inner_product(k):
    losses, theta = setting(k)
    point = leaves(theta)
    half = gradient_product(losses, point) / 2
    assert relative(avg_grad_inner(losses, theta), gradient_of(half, point)) < 1e-12


def test_avg_grad_inner_is_hessian_times_gradient_written_out():
    losses, theta = setting(3)
    vector = to_vector(theta)
    total = torch.zeros_like(vector)
    for i, j in itertools.permutations(range(3), 2):
        hessian = torch.func.hessian(lambda v, i=i: losses[i](from_vector(v, theta)))(vector)
        total += hessian @ to_vector(torch.func.grad(losses[j])(theta))
    torch.testing.assert_close(to_vector(avg_grad_inner(losses, theta)), total / 6, rtol=1e-12, atol=1e-12)


def test_the_outer_gradients_are_those_of_the_inner_loop():
    """Against `adapt`, whose way back autograd keeps: it has no part in the module under test."""
    losses, theta, alpha = *setting(4), 0.07
    last = losses[-1]
    for method, first_order in (("maml", False), ("fomaml", True)):
        point = leaves(theta)
        turn = iter(losses[:-1])
        phi = adapt(lambda p, turn=turn: next(turn)(p), point, sgd(alpha), 3, first_order=first_order)
        assert relative(outer_gradient(method, losses, theta, alpha), gradient_of(last(phi), point)) < 1e-12
    turn = iter(losses)
    with torch.no_grad():
        phi = adapt(lambda p: next(turn)(p), theta, sgd(alpha), 4)
    assert (
        relative(outer_gradient("reptile", losses, theta, alpha), scale(1 / alpha, subtract(theta, phi)))
        < 1e-12
    )


def test_for_two_quadratics_the_series_ends():
    """k = 2, L_i = (theta - a_i)' A_i (theta - a_i) / 2: FOMAML has no further term, MAML's last is alpha^2 A_1 A_2 b_1."""
    g = torch.Generator().manual_seed(2)
    a, root = torch.randn(2, 5, generator=g).double(), torch.randn(2, 5, 5, generator=g).double()
    A = root @ root.mT
    losses = [lambda p, i=i: (p["w"] - a[i]) @ A[i] @ (p["w"] - a[i]) / 2 for i in (0, 1)]
    theta, alpha = {"w": torch.randn(5, generator=g).double()}, 0.05
    b = [A[i] @ (theta["w"] - a[i]) for i in (0, 1)]
    fomaml = b[1] - alpha * A[1] @ b[0]
    maml = b[1] - alpha * (A[1] @ b[0] + A[0] @ b[1]) + alpha**2 * A[0] @ A[1] @ b[0]
    for method, wanted in (("fomaml", fomaml), ("maml", maml)):
        found = outer_gradient(method, losses, theta, alpha)["w"]
        torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_what_is_left_out_falls_with_alpha_squared(method):
    losses, theta = setting(3)
    (c, d), gap = EXACT[method](3), []
    for alpha in (0.01, 0.005):
        two = subtract(scale(c, avg_grad(losses, theta)), scale(alpha * d, avg_grad_inner(losses, theta)))
        gap.append(norm(subtract(expected(method, losses, theta, alpha), two)))
    assert (gap[0] / gap[1]).log2().item() == pytest.approx(2, abs=0.1)


def test_a_step_along_avg_grad_inner_makes_gradients_agree_more():
    losses, theta = setting(4)
    way = avg_grad_inner(losses, theta)
    moved = add(theta, scale(1e-5 / norm(way), way))
    gained = gradient_product(losses, moved) - gradient_product(losses, theta)
    assert gained.item() == pytest.approx(2 * 1e-5 * norm(way).item(), rel=1e-3)


def test_what_cannot_be_asked_is_refused():
    losses, theta = setting(2)
    with pytest.raises(ValueError, match="at least two"):
        avg_grad_inner(losses[:1], theta)
    with pytest.raises(ValueError, match="maml, fomaml, reptile"):
        outer_gradient("MAML++", losses, theta, 0.1)
