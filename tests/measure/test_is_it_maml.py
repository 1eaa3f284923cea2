"""The detector against true MAML and against the ways in which well-known code goes wrong."""

import copy

import pytest
import torch

from mlteach.inner import adapt, sgd
from mlteach.measure import is_it_maml
from mlteach.nets import MLP, Conv4, cross_entropy, squared_error
from mlteach.params import Params
from mlteach.tasks.episode import Episode

ALPHA = 0.1
net = MLP((1, 10, 10, 1), activation="tanh")


def loss_fn(params: Params, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return squared_error(net(params, x), y)


def step(theta: Params, x, y, *, create_graph: bool) -> Params:
    gradients = torch.autograd.grad(loss_fn(theta, x, y), list(theta.values()), create_graph=create_graph)
    return {n: v - ALPHA * g for (n, v), g in zip(theta.items(), gradients, strict=True)}


def true_maml(theta, x, y):
    for _ in range(3):
        theta = step(theta, x, y, create_graph=True)
    return theta


def no_create_graph(theta, x, y):
    return step(theta, x, y, create_graph=False)


def through_data(theta, x, y):
    """The update of ``parameter.data`` on a copy, seen in many repositories."""
    theirs = copy.deepcopy({n: v.detach() for n, v in theta.items()})
    point = {n: v.requires_grad_() for n, v in theirs.items()}
    for n, g in zip(point, torch.autograd.grad(loss_fn(point, x, y), list(point.values())), strict=True):
        point[n].data -= ALPHA * g
    return point


def in_place(theta, x, y):
    gradients = torch.autograd.grad(loss_fn(theta, x, y), list(theta.values()))
    with torch.no_grad():
        for value, g in zip(theta.values(), gradients, strict=True):
            value -= ALPHA * g
    return theta


def half_detached(theta, x, y):
    theta = step(theta, x, y, create_graph=True)
    return {n: (v.detach() if n == "layer1.weight" else v) for n, v in theta.items()}


@pytest.fixture
def setting() -> tuple[Params, Episode]:
    g = torch.Generator().manual_seed(0)
    episode = Episode(*(torch.randn(2, 8, 1, generator=g) for _ in range(4)))
    return net.init(g), episode


@pytest.mark.parametrize(
    ("adapt_fn", "order", "says"),
    [
        (true_maml, "second", "MAML: second order"),
        (no_create_graph, "first", "FOMAML: first order"),
        (through_data, "none", "no gradient reaches theta"),
        (in_place, "in place", "changes theta itself"),
        (half_detached, "neither", "Neither MAML nor FOMAML"),
        (lambda theta, x, y: theta, "both", "cannot tell them apart"),
    ],
)
def test_each_kind_is_named(adapt_fn, order, says, setting):
    verdict = is_it_maml(adapt_fn, loss_fn, *setting)
    assert verdict.order == order
    assert says in str(verdict) and "\n" not in str(verdict)
    assert verdict.is_maml == (order in ("second", "both"))


def test_the_start_given_is_not_touched(setting):
    theta, episode = setting
    before = {name: value.clone() for name, value in theta.items()}
    is_it_maml(in_place, loss_fn, theta, episode)
    assert all(torch.equal(theta[name], before[name]) for name in theta)


def test_a_claimed_gradient_is_judged_instead(setting):
    theta, episode = setting

    def twice_too_large(start, one):
        x, y, qx, qy = (each[0] for each in one)
        found = torch.autograd.grad(loss_fn(true_maml(start, x, y), qx, qy), list(start.values()))
        return {name: 2 * value for name, value in zip(start, found, strict=True)}

    verdict = is_it_maml(true_maml, loss_fn, theta, episode, meta_gradient=twice_too_large)
    assert verdict.order == "neither"
    assert verdict.error == pytest.approx(1, abs=1e-4)


def test_the_package_s_own_conv_net_passes():
    conv = Conv4(5, filters=4, head="flatten")
    g = torch.Generator().manual_seed(0)
    y = torch.arange(5)
    episode = Episode(
        torch.rand(1, 5, 1, 28, 28, generator=g),
        y[None],
        torch.rand(1, 10, 1, 28, 28, generator=g),
        y.repeat(2)[None],
    )

    def loss(params, x, y):
        return cross_entropy(conv(params, x), y)

    def adapt_fn(theta, x, y, first_order=False):
        return adapt(lambda p: loss(p, x, y), theta, sgd(0.4), 2, first_order=first_order)

    theta = conv.init(g)
    assert is_it_maml(adapt_fn, loss, theta, episode).order == "second"
    assert is_it_maml(lambda *a: adapt_fn(*a, first_order=True), loss, theta, episode).order == "first"


def test_it_judges_alike_under_no_grad(setting):
    theta, episode = setting
    with torch.no_grad():
        assert is_it_maml(true_maml, loss_fn, theta, episode).order == "second"


def test_what_an_adaptation_returns_beside_parameters_is_no_matter(setting):
    theta, episode = setting

    def counting(theta, x, y):
        return true_maml(theta, x, y) | {"steps": torch.tensor(3)}

    assert is_it_maml(counting, loss_fn, theta, episode).order == "second"
