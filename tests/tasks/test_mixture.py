"""Mixtures of families: the curves are those of their family, labels lie as often as was asked, windows tell what they say."""

import pytest
import torch

from mlteach.errors import EpisodeError
from mlteach.tasks import Sinusoids
from mlteach.tasks.mixture import Mixture, Polynomials, Windows

F64 = torch.float64


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_task_is_a_curve_of_its_family():
    mixture = Mixture.formulas(noise=0.0)
    episode, family = mixture.sample_with_family(300, 12, 6, generator=seeded(), dtype=F64)
    assert torch.bincount(family).min() > 60
    for number, columns in ((0, "sin cos"), (1, "1 x"), (2, "1 x x2")):
        own = family == number
        basis = {
            "1": torch.ones_like,
            "x": lambda x: x,
            "x2": torch.square,
            "sin": torch.sin,
            "cos": torch.cos,
        }
        fit, seen = (
            torch.cat([basis[c](x[own]) for c in columns.split()], -1)
            for x in (episode.support_x, episode.query_x)
        )
        found = torch.linalg.lstsq(fit, episode.support_y[own]).solution
        assert (seen @ found - episode.query_y[own]).abs().max() < 1e-8


def test_support_labels_lie_as_often_as_asked_and_query_labels_never():
    clean, lying = (Mixture((Polynomials(((2.0, 2.0),)),), outliers=share) for share in (0.0, 0.2))
    episode = lying.sample(2000, 10, 5, generator=seeded(), dtype=F64)
    wrong = (episode.support_y - 2).abs() > 1e-9
    assert wrong.double().mean().item() == pytest.approx(0.2, abs=0.01)
    assert (episode.support_y - 2)[wrong].std().item() == pytest.approx(5, rel=0.05)
    assert (episode.query_y == 2).all() and (clean.sample(5, 10, 5, generator=seeded()).support_y == 2).all()
    with pytest.raises(EpisodeError, match="share of the labels"):
        Mixture((Sinusoids(),), outliers=1.5)


def test_a_window_tells_the_phase_or_nothing():
    for told in (True, False):
        episode = Windows(told=told).sample(500, 20, 20, generator=seeded(), dtype=F64)
        x = torch.cat([episode.support_x, episode.query_x], 1)
        assert (x.amax(1) - x.amin(1)).max() <= 3
        middle, y = x.mean((1, 2)), episode.support_y
        basis = torch.cat([torch.sin(episode.support_x), -torch.cos(episode.support_x)], -1)
        a, b = torch.linalg.lstsq(basis, y).solution.squeeze(-1).T
        phase = torch.atan2(b, a)
        r = torch.corrcoef(torch.stack([middle, phase]))[0, 1].abs().item()
        assert r > 0.95 if told else r < 0.15
