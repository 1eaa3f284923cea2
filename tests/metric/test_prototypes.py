"""Prototypes: the plain loop, the equal linear head, the gradient against finite differences, mixtures on the way."""

import pytest
import torch

from mlteach.errors import EpisodeError
from mlteach.metric import (
    prototype_accuracy,
    prototype_gradient,
    prototype_head,
    prototype_logits,
    prototype_loss,
    prototypes,
)
from mlteach.nets import Conv4
from mlteach.params import Params, dot, stack
from mlteach.tasks import Characters, Episode
from mlteach.tasks.interpolation import by_class, interpolate, partners

NET = Conv4(5, 4, head="flatten")


def made() -> tuple[Params, Episode]:
    g = torch.Generator().manual_seed(0)
    theta = NET.init(g, torch.float64)
    episode = Characters.glyphs(30).sample(3, 5, 2, 2, generator=g, dtype=torch.float64)
    return {name: theta[name] for name in NET.body_names}, by_class(episode)


def test_logits_are_those_of_a_plain_loop_and_of_a_linear_head() -> None:
    g = torch.Generator().manual_seed(1)
    support, query = (torch.randn(2, n, 6, generator=g, dtype=torch.float64) for n in (9, 4))
    y = torch.stack([torch.randperm(9, generator=g) % 3 for _ in range(2)])
    logits = prototype_logits(support, y, query, 3, scale=0.5)
    for task in range(2):
        for q in range(4):
            for k in range(3):
                mean = support[task][y[task] == k].mean(0)
                assert logits[task, q, k].item() == pytest.approx(
                    -0.5 * (query[task, q] - mean).square().sum().item(), abs=1e-10
                )
    weight, bias = prototype_head(support, y, 3, scale=0.5)
    linear = query @ weight.mT + bias.unsqueeze(1)
    torch.testing.assert_close(logits.softmax(-1), linear.softmax(-1), rtol=0, atol=1e-12)
    with pytest.raises(EpisodeError, match="a label for each row"):
        prototypes(support, y[:, :3], 3)


def test_the_gradient_is_that_of_finite_differences_with_and_without_a_mixture() -> None:
    theta, episode = made()
    for layer in (0, 2):
        how = {
            "scale": 0.05,
            "below": lambda params, x, layer=layer: NET.blocks(params, x, 0, layer),
            "mix": (lambda maps: interpolate(maps, partners(maps), 0.3)) if layer else None,
        }

        def features(params: Params, x: torch.Tensor, layer: int = layer) -> torch.Tensor:
            return NET.features_from(params, x, layer)

        gradient, numbers = prototype_gradient(features, theta, episode, **how)
        way = {
            n: torch.randn(v.shape, generator=torch.Generator().manual_seed(2), dtype=v.dtype)
            for n, v in theta.items()
        }

        def at(step: float, way: Params = way, how: dict = how, features=features) -> float:
            moved = {n: v + step * way[n] for n, v in theta.items()}
            return prototype_loss(features, stack(moved, 3), episode, **how)[0].mean().item()

        assert dot(gradient, way).item() == pytest.approx((at(1e-6) - at(-1e-6)) / 2e-6, rel=1e-5)
        assert numbers["loss"].item() == pytest.approx(at(0.0), abs=1e-12)


def test_accuracy_judges_tasks_one_by_one_in_both_modes() -> None:
    theta, episode = made()
    both = prototype_accuracy(NET.features_of, theta, [episode])
    alone = prototype_accuracy(NET.features_of, theta, [episode.part(slice(k, k + 1)) for k in range(3)])
    assert set(both) == {"transductive", "support"}
    for mode in both:
        torch.testing.assert_close(both[mode], alone[mode])
    with pytest.raises(EpisodeError):
        prototype_accuracy(NET.features_of, theta, episode)
