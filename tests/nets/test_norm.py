"""Batch norm and torch.func: ours is right to second order under vmap, torch's own is not (yet)."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck, gradgradcheck
from torch.func import grad, vmap

from mlteach.nets import normalise
from mlteach.nets.norm_twice import normalise_twice

TASKS = 3


def native(x: torch.Tensor, gamma: torch.Tensor) -> torch.Tensor:
    return F.batch_norm(x, None, None, gamma, None, training=True)


def ours(x: torch.Tensor, gamma: torch.Tensor) -> torch.Tensor:
    return normalise(x, gamma, None)


def second_order_error(norm: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> float:
    """How far grad(vmap(grad)) through ``norm`` is from central differences, as a share, in a random direction."""
    g = torch.Generator().manual_seed(0)
    x, target = (torch.randn(TASKS, 6, 4, 3, 3, generator=g, dtype=torch.float64) for _ in range(2))
    w, way = (torch.randn(4, generator=g, dtype=torch.float64) for _ in range(2))

    def inner(w, x, target):
        return (torch.sin(norm(torch.sin(x * w[:, None, None]), w)) * target).sum()

    def outer(w, x, target):
        return inner(w - 0.1 * grad(inner)(w, x, target), x, target)

    def total(w):
        return sum(outer(w, x[i], target[i]) for i in range(TASKS))

    under_vmap = grad(lambda w: vmap(outer, (None, 0, 0))(w, x, target).sum())(w) @ way
    truth = (total(w + 1e-5 * way) - total(w - 1e-5 * way)) / 2e-5
    return ((under_vmap - truth) / truth).abs().item()


def test_our_batch_norm_is_right_to_second_order_under_vmap():
    assert second_order_error(ours) < 1e-7


def test_torch_batch_norm_is_still_wrong_under_vmap():
    """When this fails, torch has mended it: `normalise` may then become one call of F.batch_norm."""
    assert second_order_error(native) > 0.01


def test_normalise_equals_torch():
    g = torch.Generator().manual_seed(1)
    x = torch.randn(6, 4, 3, 3, generator=g, dtype=torch.float64)
    gamma, beta = torch.randn(2, 4, generator=g, dtype=torch.float64)
    torch.testing.assert_close(
        normalise(x, gamma, beta), F.batch_norm(x, None, None, gamma, beta, training=True)
    )
    torch.testing.assert_close(
        normalise(x, None, None), F.batch_norm(x, None, None, None, None, training=True)
    )


def test_a_single_picture_on_a_1x1_map_normalises_to_beta():
    """Identity I-22: nothing of the picture is left, so a batch of one is at chance."""
    x = torch.randn(1, 4, 1, 1, generator=torch.Generator().manual_seed(0))
    beta = torch.arange(4.0)
    assert torch.equal(normalise(x, torch.ones(4), beta).flatten(), beta)


@pytest.mark.parametrize("gamma", [True, False])
def test_the_quick_batch_norm_is_right_to_the_second_derivative(gamma):
    g = torch.Generator().manual_seed(0)
    x, weight, beta = (
        torch.randn(shape, generator=g, dtype=torch.float64, requires_grad=True)
        for shape in ((3, 4, 2, 2), 4, 4)
    )
    inputs = (x, weight, beta) if gamma else (x, beta)

    def quick(x, *rest):
        return normalise_twice(x, rest[0] if gamma else None, rest[-1], 1e-5)

    torch.testing.assert_close(quick(*inputs), normalise(x, weight if gamma else None, beta))
    assert gradcheck(quick, inputs)
    assert gradgradcheck(quick, inputs)


def test_a_third_derivative_of_the_quick_batch_norm_is_right_too():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(3, 2, 2, 2, generator=g, dtype=torch.float64, requires_grad=True)
    gamma, beta = torch.randn(2, 2, generator=g, dtype=torch.float64)
    found = []
    for norm in (lambda x: normalise_twice(x, gamma, beta, 1e-5), lambda x: normalise(x, gamma, beta)):
        value = norm(x).sin().sum()
        for _ in range(3):
            (gradient,) = torch.autograd.grad(value, x, create_graph=True)
            value = gradient.square().sum()
        found.append(gradient)
    torch.testing.assert_close(*found)
