"""The gradient with every derivative written out is the one that autograd finds."""

import pytest
import torch

from mlteach.errors import EpisodeError
from mlteach.inner import sgd
from mlteach.nets import MLP, squared_error
from mlteach.outer import maml_gradient, maml_gradient_loop, mlp_gradient
from mlteach.params import norm, subtract
from mlteach.tasks import Episode

NETS = [
    MLP((1, 40, 40, 1)), MLP((1, 12, 1), "tanh", "uniform"), MLP((3, 8, 9, 7, 2), "sigmoid"), MLP((2, 3)),
    MLP((1, 24, 24, 1), "tanh"),
]  # fmt: skip


def problem(net: MLP, points: int = 5, queries: int = 4):
    g = torch.Generator().manual_seed(0)
    theta = {name: value + 0.1 for name, value in net.init(g, torch.float64).items()}
    shapes = [
        (points, net.sizes[0]),
        (points, net.sizes[-1]),
        (queries, net.sizes[0]),
        (queries, net.sizes[-1]),
    ]
    return theta, Episode(*(torch.randn(3, *shape, generator=g, dtype=torch.float64) for shape in shapes))


@pytest.mark.parametrize("first_order", [False, True])
@pytest.mark.parametrize("steps", [0, 1, 2, 7])
@pytest.mark.parametrize("net", NETS, ids=str)
def test_it_is_the_gradient_of_the_loop(net: MLP, steps: int, first_order: bool) -> None:
    """Few points keep the factors, seven steps of five points make matrices of them: both ways are walked."""
    theta, episode = problem(net)
    how = {"alpha": 0.05, "steps": steps, "first_order": first_order}
    found, numbers = mlp_gradient(net, theta, episode, **how)
    plain = maml_gradient_loop(net, squared_error, theta, episode, sgd(0.05), steps, first_order=first_order)
    assert found.keys() == plain.keys() and all(found[name].shape == theta[name].shape for name in theta)
    assert norm(subtract(found, plain)) <= 1e-12 * norm(plain)
    fused, _ = mlp_gradient(net, theta, episode, **how, fused=True)
    assert norm(subtract(found, fused)) <= 1e-12 * norm(plain)
    _, engine = maml_gradient(net, squared_error, theta, episode, sgd(0.05), steps)
    torch.testing.assert_close(numbers["loss"].double(), engine["loss"].double())


def test_an_episode_that_does_not_fit_is_refused() -> None:
    net = MLP((1, 4, 1))
    theta, episode = problem(net)
    with pytest.raises(EpisodeError, match=r"targets \[tasks, N, 1\]"):
        mlp_gradient(net, theta, episode._replace(query_y=episode.query_y[..., 0]), alpha=0.1, steps=1)
