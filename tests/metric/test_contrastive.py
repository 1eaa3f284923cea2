"""NT-Xent and its relatives: plain loops, the identities between them, the gradient, and what a held target does."""

import math

import pytest
import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.metric.contrastive import (
    byol_loss,
    contrastive_gradient,
    matching_loss,
    nt_xent,
    partners_found,
    prototype_view_loss,
    same_view_surplus,
    symmetric_matching_loss,
)
from mlteach.nets import Conv4
from mlteach.params import Params, dot
from mlteach.tasks import Characters
from mlteach.tasks.views import View, two_views

NET = Conv4(5, 4, head="flatten")


def views(*shape: int) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(0)
    first, second = (torch.randn(shape, generator=g, dtype=torch.float64) for _ in range(2))
    return first, first + 0.7 * second


def cosine(a: Tensor, b: Tensor) -> float:
    return (a @ b / (a.norm() * b.norm())).item()


def test_both_losses_are_those_of_plain_loops() -> None:
    a, b = views(2, 6, 5)
    for task in range(2):
        all_views, matched, crossed = [*a[task], *b[task]], 0.0, 0.0
        for n, row in enumerate(all_views):
            others = [math.exp(cosine(row, each) / 0.2) for k, each in enumerate(all_views) if k != n]
            partner = math.exp(cosine(row, all_views[(n + 6) % 12]) / 0.2)
            crossed -= math.log(partner / sum(others)) / 12
        for n in range(6):
            chances = [math.exp(cosine(b[task, n], each) / 0.2) for each in a[task]]
            matched -= math.log(chances[n] / sum(chances)) / 6
        assert nt_xent(a, b, temperature=0.2)[task].item() == pytest.approx(crossed, abs=1e-10)
        assert matching_loss(a, b, temperature=0.2)[task].item() == pytest.approx(matched, abs=1e-10)


def test_nt_xent_is_symmetric_matching_and_its_surplus_and_prototypes_on_unit_rows_are_matching() -> None:
    a, b = views(3, 16, 8)
    for tau in (0.05, 0.5):
        both = (matching_loss(a, b, temperature=tau) + matching_loss(b, a, temperature=tau)) / 2
        torch.testing.assert_close(symmetric_matching_loss(a, b, temperature=tau), both, rtol=0, atol=1e-12)
        surplus = same_view_surplus(a, b, temperature=tau)
        torch.testing.assert_close(nt_xent(a, b, temperature=tau), both + surplus, rtol=0, atol=1e-12)
        assert (surplus > 0).all()
        near = prototype_view_loss(a, b, temperature=tau)
        torch.testing.assert_close(near, matching_loss(a, b, temperature=tau), rtol=0, atol=1e-12)
        assert (near - matching_loss(a, b, temperature=2 * tau)).abs().min() > 0.01


def test_the_gradient_is_that_of_finite_differences_and_asks_for_pairs() -> None:
    g = torch.Generator().manual_seed(1)
    theta = {name: value for name, value in NET.init(g, torch.float64).items() if name in NET.body_names}
    images = Characters.glyphs(20).images
    episode = two_views(images, 6, View(shift=2), generator=g, tasks=2, dtype=torch.float64)
    gradient, numbers = contrastive_gradient(NET.features_of, theta, episode)
    way = {name: torch.randn(each.shape, generator=g, dtype=each.dtype) for name, each in theta.items()}

    def at(step: float) -> float:
        moved: Params = {name: each + step * way[name] for name, each in theta.items()}
        return contrastive_gradient(NET.features_of, moved, episode)[1]["loss"].item()

    slope = (at(1e-7) - at(-1e-7)) / 2e-7  # a larger step crosses kinks of ReLUs
    assert dot(gradient, way).item() == pytest.approx(slope, rel=1e-5)
    assert 0 <= numbers["partners"] <= 1
    with pytest.raises(EpisodeError, match="two_views"):
        contrastive_gradient(NET.features_of, theta, episode._replace(query_y=episode.query_y.flip(1)))


def test_a_held_target_gets_no_gradient_and_the_loss_is_the_distance_of_unit_rows() -> None:
    a, b = (each.requires_grad_() for each in views(4, 6))
    loss = byol_loss(a, b)
    apart = (a / a.norm(dim=-1, keepdim=True) - b / b.norm(dim=-1, keepdim=True)).square().sum(-1)
    assert loss.item() == pytest.approx(apart.mean().item(), abs=1e-12)
    loss.backward()
    assert b.grad is None and a.grad.abs().max() > 0


def test_partners_are_found_where_they_are_nearest() -> None:
    rows = torch.eye(4)
    assert partners_found(rows, rows) == 1 and partners_found(rows, rows.roll(1, 0)) == 0
    assert partners_found(rows, rows[[0, 1, 3, 2]]) == 0.5
