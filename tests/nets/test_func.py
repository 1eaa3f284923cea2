"""Conv-4 and the MLP under ``torch.func``: grad, grad of grad, jvp and vmap, against plain autograd in float64."""

import itertools

import pytest
import torch
from torch.func import grad, hessian, jacrev, jvp, vmap

from mlteach.nets import MLP, Conv4, cross_entropy, squared_error
from mlteach.nets.conv import grouped_conv
from mlteach.nets.norm_twice import normalise_twice
from mlteach.params import Params, dot, gradient_of, leaves, map_params, norm, stack, subtract

F64 = torch.float64


def relative(a: Params, b: Params) -> float:
    return (norm(subtract(a, b)) / norm(b)).item()


def agree(loss, theta: Params) -> None:
    """First and second derivatives, backward and forward, to 1e-10."""
    point = leaves(theta)
    names = list(point)
    first = torch.autograd.grad(loss(point), list(point.values()), create_graph=True)
    plain = dict(zip(names, first, strict=True))
    assert relative(grad(loss)(theta), map_params(torch.Tensor.detach, plain)) < 1e-10
    way = map_params(torch.sin, theta)
    assert torch.isclose(jvp(loss, (theta,), (way,))[1], dot(plain, way), rtol=1e-10)
    second = gradient_of(dot(plain, way), point)
    assert relative(grad(lambda p: dot(grad(loss)(p), way))(theta), second) < 1e-10
    ahead = jvp(grad(loss), (theta,), (way,))[1]
    assert relative(ahead, second) < 1e-10


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("mode", ["transductive", "support"])
@pytest.mark.parametrize(
    ("pool", "head", "gamma"), itertools.product(["stride", "max"], ["mean", "flatten"], [True, False])
)
def test_conv4(pool, head, gamma, mode, batched):
    g = torch.Generator().manual_seed(0)
    net = Conv4(3, filters=3, pool=pool, head=head, gamma=gamma)
    theta = net.init(g, F64)
    pictures = torch.rand(2, 2, 4, 1, 28, 28, generator=g, dtype=F64)
    y = (torch.arange(4) % 3).expand(2, 4)
    if batched:
        theta = map_params(
            lambda v: v * (1 + 0.1 * torch.rand(v.shape, generator=g, dtype=F64)), stack(theta, 2)
        )
    else:
        pictures, y = pictures[:, 0], y[0]
    x, support = pictures
    agree(lambda p: cross_entropy(net(p, x, mode, support=support), y).sum(), theta)


@pytest.mark.parametrize("batched", [False, True])
def test_mlp(batched):
    g = torch.Generator().manual_seed(0)
    net = MLP((1, 5, 1), activation="tanh")
    theta, x = net.init(g, F64), torch.randn(2, 6, 1, generator=g, dtype=F64)
    theta, x = (map_params(torch.clone, stack(theta, 2)), x) if batched else (theta, x[0])
    agree(lambda p: squared_error(net(p, x), x.sin()).sum(), theta)


def test_a_map_over_networks_is_the_task_axis():
    g = torch.Generator().manual_seed(0)
    net = Conv4(3, filters=3)
    many = map_params(lambda *each: torch.stack(each), *(net.init(g, F64) for _ in range(4)))
    x = torch.rand(4, 5, 1, 28, 28, generator=g, dtype=F64)
    torch.testing.assert_close(vmap(net)(many, x), net(many, x), rtol=0, atol=1e-12)
    halves = map_params(lambda v: v.unflatten(0, (2, 2)), many)  # a map over batches of tasks
    torch.testing.assert_close(
        vmap(net)(halves, x.unflatten(0, (2, 2))).flatten(0, 1), net(many, x), rtol=0, atol=1e-12
    )
    y = torch.arange(5).expand(4, -1) % 3
    each = vmap(grad(lambda p, a, b: cross_entropy(net(p, a), b)))(many, x, y)
    point = leaves(many)
    assert relative(each, gradient_of(cross_entropy(net(point, x), y).sum(), point)) < 1e-10


def test_maml_by_transforms_alone_is_maml():
    """The published recipe in JAX's manner: grad of (loss after one step by grad)."""
    g = torch.Generator().manual_seed(0)
    net = Conv4(3, filters=3, pool="max")
    theta, x = net.init(g, F64), torch.rand(2, 2, 6, 1, 28, 28, generator=g, dtype=F64)
    y = (torch.arange(6) % 3).expand(2, 6)

    def one_task(p, a, b, labels):
        inner = grad(lambda q: cross_entropy(net(q, a), labels))(p)
        return cross_entropy(net({n: p[n] - 0.4 * inner[n] for n in p}, b), labels)

    found = grad(lambda p: vmap(one_task, in_dims=(None, 0, 0, 0))(p, *x, y).mean())(theta)
    from mlteach.inner import sgd
    from mlteach.outer import maml_gradient
    from mlteach.tasks import Episode

    ours, _ = maml_gradient(net, cross_entropy, theta, Episode(x[0], y, x[1], y), sgd(0.4), 1)
    assert relative(found, ours) < 1e-10


def test_the_parts_to_the_second_derivative():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(2, 4, 3, 3, generator=g, dtype=F64)
    w = torch.randn(4, 2, 3, 3, generator=g, dtype=F64, requires_grad=True)
    gamma, beta = torch.randn(4, generator=g, dtype=F64), torch.randn(4, generator=g, dtype=F64)

    def value(kernel):
        return normalise_twice(grouped_conv(x, kernel, 1, 2), gamma, beta, 1e-5).pow(3).sum()

    plain = torch.autograd.functional.hessian(value, w.detach())
    torch.testing.assert_close(hessian(value)(w.detach()), plain, rtol=1e-9, atol=1e-9)
    first = jacrev(value)(w.detach())
    torch.testing.assert_close(first, torch.autograd.grad(value(w), w)[0], rtol=1e-10, atol=1e-10)
