"""ProtoMAML through the one engine: no step is a prototypical network, and a zero head's first step is its start without the bias."""

import pytest
import torch

from mlteach.inner import sgd
from mlteach.measure import path_of
from mlteach.metric import prototype_logits, prototype_start, prototypes
from mlteach.nets import Conv4, cross_entropy
from mlteach.outer import maml_gradient, maml_gradient_loop
from mlteach.params import Params, gradient_of, leaves, stack
from mlteach.tasks import Characters, Episode

NET = Conv4(4, 4, head="flatten")


def made(shots: int) -> tuple[Params, Episode]:
    g = torch.Generator().manual_seed(0)
    theta = NET.init(g, torch.float64)
    episode = Characters.glyphs(30).sample(2, 4, shots, 3, generator=g, dtype=torch.float64)
    return {name: theta[name] for name in NET.body_names}, episode


def close(a: Params, b: Params) -> None:
    assert set(a) == set(b)
    for name, value in a.items():
        torch.testing.assert_close(value, b[name], rtol=0, atol=1e-10)


@pytest.mark.parametrize("shots", [1, 3])
def test_without_a_step_it_is_a_prototypical_network_gradient_included(shots: int) -> None:
    theta, episode = made(shots)
    ours, _ = maml_gradient(
        NET, cross_entropy, theta, episode, sgd(0.1), 0, start=prototype_start(NET, scale=0.3)
    )
    point = leaves(theta)
    params = stack(point, 2)
    support, query = (NET.features_of(params, x) for x in (episode.support_x, episode.query_x))
    logits = prototype_logits(support, episode.support_y, query, 4, scale=0.3)
    close(ours, gradient_of(cross_entropy(logits, episode.query_y).mean(), point))


@pytest.mark.parametrize("steps", [1, 2])
def test_the_engine_gives_what_its_loop_gives(steps: int) -> None:
    theta, episode = made(2)
    how = {"rule": sgd(0.1), "steps": steps, "start": prototype_start(NET, scale=0.1)}
    close(
        maml_gradient(NET, cross_entropy, theta, episode, **how)[0],
        maml_gradient_loop(NET, cross_entropy, theta, episode, **how),
    )


def test_the_first_step_takes_body_and_head_for_apart_though_one_is_made_of_the_other() -> None:
    """By a functional gradient, whose arguments are variables of their own whatever they were computed from."""
    theta, episode = made(2)
    start, rate = prototype_start(NET, scale=0.1), 0.1
    ours, _ = maml_gradient(NET, cross_entropy, theta, episode, sgd(rate), 1, start=start)
    point = leaves(theta)
    phi = start.begin(stack(point, 2), episode.seen)

    def support(phi: Params) -> torch.Tensor:
        return cross_entropy(NET(phi, episode.support_x), episode.support_y).sum()

    down = torch.func.grad(support)(phi)
    moved = {name: value - rate * down[name] for name, value in phi.items()}
    close(ours, gradient_of(cross_entropy(NET(moved, episode.query_x), episode.query_y).mean(), point))


@pytest.mark.parametrize("shots", [1, 3])
def test_a_zero_head_s_first_step_is_prototypes_about_their_mean(shots: int) -> None:
    theta, episode = made(shots)
    rule = sgd(dict.fromkeys(NET.body_names, 0.4) | dict.fromkeys(NET.head_names, 2.0 * 4))
    phi = path_of(NET, theta, episode, rule, 1, start=NET.zero_head)[1]
    centres = prototypes(NET.features_of(stack(theta, 2), episode.support_x), episode.support_y, 4)
    torch.testing.assert_close(
        phi["head.weight"], 2 * (centres - centres.mean(1, keepdim=True)), rtol=0, atol=1e-12
    )
    assert phi["head.bias"].abs().max() < 1e-14
    close({n: phi[n] for n in NET.body_names}, stack(theta, 2))


def test_at_one_shot_and_full_scale_no_step_moves_and_at_a_small_scale_one_does() -> None:
    theta, episode = made(1)
    moved = []
    for scale in (1000.0, 0.1):
        path = path_of(NET, theta, episode, sgd(0.1), 1, start=prototype_start(NET, scale=scale))
        moved.append(max((path[1][name] - path[0][name]).abs().max().item() for name in path[0]))
    assert moved[0] < 1e-10 < 1e-4 < moved[1]
