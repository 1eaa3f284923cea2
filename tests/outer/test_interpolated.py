"""Mixed tasks for MAML: the plain loop, finite differences, and that a share of one is MAML itself."""

import pytest
import torch

from mlteach.errors import EpisodeError
from mlteach.inner import adapt, sgd
from mlteach.measure import is_it_maml
from mlteach.nets import Conv4, cross_entropy
from mlteach.outer import maml_gradient, maml_gradient_loop, maml_losses
from mlteach.outer.interpolated import Mixed, beside
from mlteach.params import Params, dot, norm, subtract
from mlteach.tasks import Characters, Episode
from mlteach.tasks.interpolation import by_class, interpolate, partners

NET = Conv4(5, 4, head="flatten")


def made() -> tuple[Params, Episode]:
    g = torch.Generator().manual_seed(0)
    return NET.init(g, torch.float64), by_class(
        Characters.glyphs(30).sample(3, 5, 1, 2, generator=g, dtype=torch.float64)
    )


@pytest.mark.parametrize("layer", [0, 2, 4])
def test_the_gradient_is_that_of_the_loop_and_of_finite_differences(layer: int) -> None:
    theta, episode = made()
    mixed, pairs = Mixed(NET, layer, 0.3), beside(episode, partners(episode))
    how = {"rule": sgd(0.2), "steps": 2, "only": mixed.above}
    found, _ = maml_gradient(mixed, cross_entropy, theta, pairs, **how)
    looped = maml_gradient_loop(mixed, cross_entropy, theta, pairs, **how)
    assert norm(subtract(found, looped)) < 1e-10 * (1 + norm(found))
    way = {
        n: torch.randn(v.shape, generator=torch.Generator().manual_seed(1), dtype=v.dtype)
        for n, v in theta.items()
    }

    def at(step: float) -> float:
        moved = {n: v + step * way[n] for n, v in theta.items()}
        return maml_losses(mixed, cross_entropy, moved, pairs, **how)[0].mean().item()

    assert dot(found, way).item() == pytest.approx((at(1e-6) - at(-1e-6)) / 2e-6, rel=1e-4)
    if layer:
        assert norm({"below": found["conv1.weight"]}) > 0  # it reaches the layers that do not adapt


def test_a_share_of_one_is_maml_and_mixing_pictures_is_maml_on_mixed_pictures() -> None:
    theta, episode = made()
    pairs = beside(episode, partners(episode))
    plain, _ = maml_gradient(NET, cross_entropy, theta, episode, sgd(0.2), 2)
    assert (
        norm(subtract(maml_gradient(Mixed(NET, 3, 1.0), cross_entropy, theta, pairs, sgd(0.2), 2)[0], plain))
        < 1e-10
    )
    between = interpolate(episode, partners(episode), 0.3)
    mixed, _ = maml_gradient(NET, cross_entropy, theta, between, sgd(0.2), 2)
    assert (
        norm(subtract(maml_gradient(Mixed(NET, 0, 0.3), cross_entropy, theta, pairs, sgd(0.2), 2)[0], mixed))
        < 1e-10
    )


@pytest.mark.parametrize("layer", [0, 2, 4])
def test_is_it_maml_says_second(layer: int) -> None:
    theta, episode = made()
    mixed, pairs = Mixed(NET, layer, 0.3), beside(episode, partners(episode))

    def loss(params: Params, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return cross_entropy(mixed(params, x), y)

    def inner(start: Params, x: torch.Tensor, y: torch.Tensor, first_order: bool = False) -> Params:
        rule, only = sgd(0.2), mixed.above
        return adapt(lambda phi: loss(phi, x, y), start, rule, 2, only=only, first_order=first_order)

    def packaged(start: Params, one: Episode) -> Params:
        return maml_gradient(mixed, cross_entropy, start, one, sgd(0.2), 2, only=mixed.above)[0]

    assert is_it_maml(inner, loss, theta, pairs).order == "second"
    assert is_it_maml(inner, loss, theta, pairs, meta_gradient=packaged).order == "second"
    assert is_it_maml(lambda *a: inner(*a, first_order=True), loss, theta, pairs).order == "first"


def test_after_the_last_block_the_head_alone_adapts() -> None:
    assert Mixed(NET, 4, 0.5).above == NET.head_names
    assert set(Mixed(NET, 0, 0.5).above) == {*NET.body_names, *NET.head_names}
    with pytest.raises(EpisodeError, match="blocks 1 to 4"):
        Mixed(NET, 5, 0.5)
