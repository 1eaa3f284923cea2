import math

import pytest
import torch

from mlteach.errors import EpisodeError
from mlteach.tasks import Sinusoids

PUBLISHED = {"finn": 3.005669, "reptile": 4.251667, "jang": 0.034421}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", PUBLISHED)
def test_zero_shot_error_is_the_known_number_and_what_sampling_gives(name):
    family = getattr(Sinusoids, name)()
    assert family.zero_shot_mse() == pytest.approx(PUBLISHED[name], abs=5e-7)
    episode = family.sample(100_000, 1, 10, generator=seeded(), dtype=torch.float64)
    errors = (family.best_predictor()(episode.query_x) - episode.query_y).square().mean((1, 2))
    assert errors.mean().item() == pytest.approx(PUBLISHED[name], abs=4 * errors.std().item() / 100_000**0.5)


@pytest.mark.parametrize("sign", [-1, 1])
def test_closed_form_holds_for_any_ranges(sign):
    family = Sinusoids(amplitude=(1.0, 2.0), phase=(0.3, 1.9), x=(-1.0, 2.5), sign=sign)
    middle = (torch.arange(400, dtype=torch.float64) + 0.5) / 400  # midpoint rule
    x, phase = -1 + 3.5 * middle[:, None], 0.3 + 1.6 * middle[None, :]
    f = 1.5 * torch.sin(x + sign * phase).mean(1, keepdim=True)
    torch.testing.assert_close(family.best_predictor()(x), f, atol=1e-5, rtol=0)
    second = 7 / 3 * torch.sin(x + sign * phase).square()  # E[A^2] = 7/3 on [1, 2]
    assert family.zero_shot_mse() == pytest.approx((second - f.square()).mean().item(), abs=1e-5)


def test_ranges_of_one_point_leave_nothing_to_learn():
    family = Sinusoids(amplitude=(2.0, 2.0), phase=(0.5, 0.5))
    assert family.zero_shot_mse() == pytest.approx(0, abs=1e-12)
    x = torch.linspace(-5, 5, 11, dtype=torch.float64)
    torch.testing.assert_close(family.best_predictor()(x), 2 * torch.sin(x - 0.5))


def test_two_points_give_the_whole_task_away():
    episode = Sinusoids.finn().sample(50, 2, 10, generator=seeded(), dtype=torch.float64)

    def features(x):
        return torch.cat([x.sin(), x.cos()], -1)

    fit = torch.linalg.lstsq(features(episode.support_x), episode.support_y).solution
    assert (features(episode.query_x) @ fit - episode.query_y).square().median() < 1e-24


def test_shapes_ranges_and_the_hidden_truth():
    family = Sinusoids.finn()
    episode = family.sample(7, 5, 10, generator=seeded(3))
    assert [tuple(each.shape) for each in episode] == [(7, 5, 1), (7, 5, 1), (7, 10, 1), (7, 10, 1)]
    assert episode.support_x.dtype == torch.float32
    assert episode.query_x.abs().max() <= 5
    amplitude, phase = family.draw(7, generator=seeded(3))  # the first numbers `sample` draws
    assert 0.1 <= amplitude.min() and amplitude.max() <= 5 and 0 <= phase.min() and phase.max() <= math.pi
    exact = family.sample(7, 5, 10, generator=seeded(3), dtype=torch.float64)
    torch.testing.assert_close(exact.query_y, amplitude * torch.sin(exact.query_x - phase), rtol=0, atol=0)
    torch.testing.assert_close(exact.query_y.float(), episode.query_y, rtol=0, atol=0)


def test_bad_requests_end_in_a_sentence():
    with pytest.raises(EpisodeError, match="shots is 0"):
        Sinusoids.finn().sample(1, 0, 1, generator=seeded())
    with pytest.raises(EpisodeError, match="smaller number first"):
        Sinusoids(amplitude=(5.0, 0.1))
    with pytest.raises(EpisodeError, match="give -1"):
        Sinusoids(sign=2)
