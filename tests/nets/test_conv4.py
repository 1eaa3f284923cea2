"""Conv-4 against torch's own layers, alone and in batches of tasks, in all batch-norm modes."""

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd import gradcheck, gradgradcheck

from mlteach.errors import EpisodeError
from mlteach.inner import sgd
from mlteach.nets import Conv4, conv, cross_entropy
from mlteach.nets.conv import grouped_conv
from mlteach.outer import maml_gradient, maml_gradient_loop
from mlteach.params import Params, norm, stack, subtract, task
from mlteach.tasks import Episode

SHAPES = [
    {"pool": "stride", "head": "mean"},
    {"pool": "stride", "head": "flatten", "gamma": False},
    {"pool": "max", "head": "flatten"},
]


def torch_conv4(net: Conv4, params: Params, x: torch.Tensor) -> torch.Tensor:
    """The same network out of torch.nn modules: an independent computation."""
    layers: list[nn.Module] = []
    channels = 1
    for block in range(1, 5):
        conv = nn.Conv2d(
            channels, net.filters, 3, stride=2 if net.pool == "stride" else 1, padding=1, bias=False
        )
        norm = nn.BatchNorm2d(net.filters, track_running_stats=False)
        conv.weight.data = params[f"conv{block}.weight"]
        norm.weight.data = params.get(f"norm{block}.gamma", torch.ones(net.filters, dtype=x.dtype))
        norm.bias.data = params[f"norm{block}.beta"]
        layers += [conv, norm, nn.ReLU()] + ([nn.MaxPool2d(2)] if net.pool == "max" else [])
        channels = net.filters
    features = nn.Sequential(*layers)(x)
    features = features.mean((2, 3)) if net.head == "mean" else features.flatten(1)
    return F.linear(features, params["head.weight"], params["head.bias"])


@pytest.fixture
def g() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("shape", SHAPES)
def test_equals_torch_layers_alone_and_in_a_batch_of_tasks(shape, g):
    net = Conv4(5, filters=6, **shape)
    thetas = [net.init(g, torch.float64) for _ in range(3)]
    x = torch.rand(3, 8, 1, 28, 28, generator=g, dtype=torch.float64)
    batched = net({name: torch.stack([t[name] for t in thetas]) for name in thetas[0]}, x)
    for index, theta in enumerate(thetas):
        expected = torch_conv4(net, theta, x[index])
        torch.testing.assert_close(net(theta, x[index]), expected, rtol=0, atol=1e-12)
        torch.testing.assert_close(batched[index], expected, rtol=0, atol=1e-12)


def test_the_published_net_has_the_published_number_of_weights(g):
    theta = Conv4(5, filters=64, pool="stride", head="mean", gamma=False).init(g)
    weights = sum(v.numel() for n, v in theta.items() if "norm" not in n)
    assert (
        weights + 4 * 64 == 111_749
    )  # Finn's count has the four convolution biases, which batch norm cancels


def test_tasks_in_one_batch_do_not_see_each_other(g):
    net = Conv4(5, filters=4)
    params = stack(net.init(g), 2)
    x = torch.rand(2, 5, 1, 28, 28, generator=g)
    changed = x.clone()
    changed[1] = torch.rand(5, 1, 28, 28, generator=g)
    assert torch.equal(net(params, x)[0], net(params, changed)[0])
    alone = net(task(params, 0), x.flatten(0, 1))[
        :5
    ]  # all pictures of both tasks in one batch: other statistics
    assert (alone - net(params, x)[0]).abs().max() > 1e-3


@pytest.mark.parametrize("batched", [False, True])
def test_support_mode_answers_each_query_alone(g, batched):
    net = Conv4(5, filters=4)
    params, support = net.init(g), torch.rand(5, 1, 28, 28, generator=g)
    queries = torch.rand(7, 1, 28, 28, generator=g)
    if batched:
        params, support, queries = stack(params, 1), support[None], queries[None]

    def part(n: slice) -> torch.Tensor:
        return net(params, queries[..., n, :, :, :], "support", support=support)

    torch.testing.assert_close(part(slice(0, 1)), part(slice(None))[..., :1, :], atol=1e-5, rtol=1e-4)
    transductive = net(params, queries)
    assert (transductive - part(slice(None))).abs().max() > 1e-3
    # with the support itself as queries, both modes are the same
    torch.testing.assert_close(net(params, support, "support", support=support), net(params, support))


@pytest.mark.parametrize("batched", [False, True])
def test_running_mode_with_the_batch_s_own_statistics_is_transductive(g, batched):
    net = Conv4(5, filters=4)
    theta, x = net.init(g), torch.rand(9, 1, 28, 28, generator=g)
    running = net.running_statistics(theta, x)
    params, pictures = (stack(theta, 2), torch.stack([x, x])) if batched else (theta, x)
    torch.testing.assert_close(net(params, pictures, "running", running=running), net(params, pictures))


def test_grouped_convolution_is_right_to_the_second_derivative(g):
    x = torch.randn(2, 4, 5, 5, generator=g, dtype=torch.float64, requires_grad=True)
    w = torch.randn(6, 2, 3, 3, generator=g, dtype=torch.float64, requires_grad=True)
    for stride in (1, 2):
        torch.testing.assert_close(grouped_conv(x, w, stride, 2), F.conv2d(x, w, None, stride, 1, 1, 2))
        assert gradcheck(lambda a, b, s=stride: grouped_conv(a, b, s, 2), (x, w))
        assert gradgradcheck(lambda a, b, s=stride: grouped_conv(a, b, s, 2), (x, w))


def test_zero_head_fits_any_number_of_ways(g):
    theta = Conv4(20, filters=4).init(g)
    five = Conv4(5, filters=4)
    logits = five(five.zero_head(theta), torch.rand(3, 1, 28, 28, generator=g))
    assert logits.shape == (3, 5)
    assert not logits.any()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda net, p: net(p, torch.rand(5, 28, 28)), r"reads pictures \[N, 1, 28, 28\]"),
        (lambda net, p: net(stack(p, 2), torch.rand(5, 1, 28, 28)), r"\[tasks, N, 1, 28, 28\]"),
        (lambda net, p: net(p, torch.rand(5, 1, 28, 28), "support"), "needs the support pictures"),
        (
            lambda net, p: net(stack(p, 3), torch.rand(2, 5, 1, 28, 28)),
            "of 3 tasks do not go with pictures of 2",
        ),
        (
            lambda net, p: net(
                stack(p, 2), torch.rand(2, 5, 1, 28, 28), "support", support=torch.rand(5, 1, 28, 28)
            ),
            "do not go with",
        ),
        (
            lambda net, p: net(
                stack(p, 2), torch.rand(2, 5, 1, 28, 28), "support", support=torch.rand(1, 5, 1, 28, 28)
            ),
            "same tasks",
        ),
        (lambda net, p: net(p, torch.rand(5, 1, 28, 28), "running"), "needs statistics"),
        (lambda net, p: net(p, torch.rand(5, 1, 28, 28), "eval"), "no mode 'eval'"),
    ],
)
def test_wrong_shapes_and_modes_say_what_is_wanted(call, says, g):
    net = Conv4(5, filters=4)
    with pytest.raises(EpisodeError, match=says):
        call(net, net.init(g))


@pytest.mark.parametrize("side", [28, 7, 4, 1])
@pytest.mark.parametrize("stride", [1, 2])
def test_the_convolutions_of_a_gpu_are_torchs_own(stride, side):
    """By columns and one matrix product, where a CPU calls oneDNN: all three, for three tasks of four pictures."""
    g = torch.Generator().manual_seed(0)
    x = torch.randn(4, 3 * 2, side, side, generator=g, dtype=torch.float64)
    w = torch.randn(3 * 5, 2, 3, 3, generator=g, dtype=torch.float64)
    y = F.conv2d(x, w, None, stride, 1, 1, 3)
    torch.testing.assert_close(conv.conv_by_columns(x, w, stride, 3), y, rtol=1e-12, atol=1e-12)
    u = torch.randn(y.shape, generator=g, dtype=torch.float64)
    picture, kernel, _ = conv._backward(u, x, w, stride, 3, [True, True, False])
    torch.testing.assert_close(
        conv.picture_by_columns(u, w, x.shape, stride, 3), picture, rtol=1e-12, atol=1e-12
    )
    torch.testing.assert_close(
        conv.kernel_by_columns(u, x, w.shape, stride, 3), kernel, rtol=1e-12, atol=1e-11
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_with_the_convolutions_of_a_gpu_the_meta_gradient_is_the_same(shape, monkeypatch):
    """Also where batch norm reads what they leave: all pictures of a channel together."""
    net, g = Conv4(3, filters=4, **shape), torch.Generator().manual_seed(1)
    theta, y = net.init(g, torch.float64), torch.arange(3).expand(2, -1)
    x = torch.rand(2, 2, 3, 1, 28, 28, generator=g, dtype=torch.float64)

    def loss(
        logits: torch.Tensor, y: torch.Tensor
    ) -> torch.Tensor:  # one that the passes by hand do not know
        return cross_entropy(logits, y)

    arguments = (net, loss, theta, Episode(x[0], y, x[1], y), sgd(0.4), 2)
    plain = maml_gradient_loop(*arguments)
    monkeypatch.setattr(conv, "_forward", conv.conv_by_columns)
    monkeypatch.setattr(
        conv, "_picture_of", lambda y, w, like, *how: conv.picture_by_columns(y, w, like.shape, *how)
    )
    monkeypatch.setattr(
        conv, "_kernel_of", lambda y, x, like, *how: conv.kernel_by_columns(y, x, like.shape, *how)
    )
    found, _ = maml_gradient(*arguments)
    assert (norm(subtract(found, plain)) / norm(plain)).item() < 1e-10


@pytest.mark.parametrize("mode", ["transductive", "support", "running"])
@pytest.mark.parametrize("pool", ["stride", "max"])
def test_layers_and_features_are_what_the_logits_are_made_of(pool, mode):
    net = Conv4(5, filters=4, pool=pool, head="flatten")
    g = torch.Generator().manual_seed(0)
    theta = net.init(g, torch.float64)
    x, support = (torch.rand(2, n, 1, 28, 28, generator=g, dtype=torch.float64) for n in (6, 3))
    both = stack(theta, 2)
    given = {"support": support} if mode == "support" else {}
    if mode == "running":
        given = {"running": net.running_statistics(theta, x[0])}
    body = {name: both[name] for name in net.body_names}
    features, layers = net.features_of(body, x, mode, **given), net.layers(body, x, mode, **given)
    assert torch.equal(net.read(both, features), net(both, x, mode, **given))
    assert torch.equal(layers[-1].flatten(2), features) and len(layers) == 4
    assert [each.shape[:3] for each in layers] == [(2, 6, 4)] * 4
    for k in range(2):
        alone = {"support": support[k]} if mode == "support" else given
        for one, each in zip(net.layers(theta, x[k], mode, **alone), layers, strict=True):
            assert (one - each[k]).abs().max() < 1e-12
