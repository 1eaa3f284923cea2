"""Tasks between two tasks: what the ends are, what is refused, and pictures that are shifted and bent."""

import pytest
import torch

from mlteach.errors import EpisodeError
from mlteach.tasks import Characters, Episode, Sinusoids
from mlteach.tasks.augment import augmented, warped
from mlteach.tasks.interpolation import by_class, cutmix, interpolate, mixing_share, partners, same_classes

GLYPHS = Characters.glyphs(30)


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def two() -> tuple[Episode, Episode]:
    one = by_class(GLYPHS.sample(3, 5, 1, 2, generator=draw(), dtype=torch.float64))
    return one, partners(one)


def test_a_share_of_one_is_the_first_task_and_swapping_tasks_and_shares_changes_nothing() -> None:
    one, other = two()
    assert all(map(torch.equal, interpolate(one, other, 1.0), one))
    assert torch.equal(interpolate(one, other, 0.0).query_x, other.query_x)
    shares = torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64)
    mixed, back = interpolate(one, other, shares), interpolate(other, one, 1 - shares)
    torch.testing.assert_close(mixed.support_x, back.support_x, rtol=0, atol=1e-12)
    by_hand = 0.9 * one.query_x[2] + 0.1 * one.query_x[1]  # the partner is the task before
    torch.testing.assert_close(mixed.query_x[2], by_hand, rtol=0, atol=1e-12)


def test_targets_are_mixed_and_sinusoids_at_the_same_inputs_stay_sinusoids() -> None:
    family, x = Sinusoids.finn(), torch.linspace(-5, 5, 9, dtype=torch.float64).view(1, 9, 1)
    a, phase = family.draw(2, generator=draw(1))
    one, other = (
        Episode(x, family.value(x, a[[k]], phase[[k]]), x, family.value(x, a[[k]], phase[[k]]))
        for k in (0, 1)
    )
    mixed = interpolate(one, other, 0.3).query_y.flatten()
    waves = torch.cat([x.sin(), x.cos()], -1)[0]
    fitted = waves @ torch.linalg.lstsq(waves, mixed).solution
    torch.testing.assert_close(mixed, fitted, rtol=0, atol=1e-10)


def test_shares_have_the_moments_of_beta_and_mixed_labels_mix_the_loss() -> None:
    shares = mixing_share(200_000, generator=draw())
    assert shares.mean() == pytest.approx(0.5, abs=0.002) and shares.var() == pytest.approx(1 / 20, abs=0.001)
    logits, y = (
        torch.randn(6, 4, generator=draw(), dtype=torch.float64),
        torch.rand(2, 6, 4, generator=draw(), dtype=torch.float64),
    )
    y = y.softmax(-1)
    loss = torch.nn.functional.cross_entropy
    torch.testing.assert_close(
        loss(logits, 0.3 * y[0] + 0.7 * y[1]), 0.3 * loss(logits, y[0]) + 0.7 * loss(logits, y[1])
    )


def test_cutmix_takes_a_box_of_the_area_that_is_left() -> None:
    one, other = two()
    ones, zeros = (each._replace(support_x=torch.full_like(each.support_x, value), query_x=torch.full_like(each.query_x, value))
                   for each, value in ((one, 1.0), (other, 0.0)))  # fmt: skip
    mixed = cutmix(ones, zeros, torch.tensor([1.0, 0.75, 0.0]), generator=draw())
    assert mixed.support_x.mean((1, 2, 3, 4)).tolist() == pytest.approx([1.0, 0.75, 0.0], abs=0.01)
    assert torch.equal(mixed.support_x[1, 0], mixed.query_x[1, 5])  # the same box in the whole task


def test_tasks_that_do_not_fit_are_refused_in_a_sentence() -> None:
    dealt = GLYPHS.sample(2, 5, 1, 2, generator=draw(3))
    with pytest.raises(EpisodeError, match="put both in order first"):
        interpolate(dealt, partners(dealt), 0.5)
    one, _ = two()
    with pytest.raises(EpisodeError, match="the same counts"):
        interpolate(one, one.part(slice(0, 2)), 0.5)
    with pytest.raises(EpisodeError, match="only one"):
        partners(one.part(slice(0, 1)))
    with pytest.raises(EpisodeError, match="give pixels"):
        warped(one.query_x, shift=-1, generator=draw())


def test_label_sharing_deals_other_drawings_of_the_same_characters() -> None:
    shared = same_classes(GLYPHS, 2, 5, 1, 3, generator=draw(2))
    assert torch.equal(shared.query_y[0], shared.query_y[1]) and shared.support_x.shape == (2, 5, 1, 28, 28)
    assert not torch.equal(shared.support_x[0], shared.support_x[1])
    pixels = {
        tuple(picture.flatten().tolist()): k for k, each in enumerate(GLYPHS.images / 255) for picture in each
    }
    whose = [[pixels[tuple(picture.flatten().tolist())] for picture in task] for task in shared.support_x]
    assert whose[0] == whose[1]


def test_a_shift_moves_a_picture_and_nothing_else() -> None:
    x = torch.zeros(200, 1, 28, 28)
    x[:, 0, 14, 14] = 1
    still = warped(x, generator=draw())
    torch.testing.assert_close(still, x, rtol=0, atol=1e-5)
    moved = warped(x, shift=3, generator=draw())
    place = torch.arange(28.0)
    rows, columns = (moved.sum(axis).squeeze(1) @ place - 14 for axis in (3, 2))
    assert moved.sum((1, 2, 3)).sub(1).abs().max() < 1e-4
    for off in (rows, columns):
        assert off.abs().max() <= 3.001 and off.std() == pytest.approx(3 / 3**0.5, abs=0.3)
    bent = augmented(two()[0].to(dtype=torch.float32), bend=1.5, generator=draw())
    assert (
        bent.query_x - two()[0].query_x
    ).abs().mean() > 0.005 and 0 <= bent.query_x.min() <= bent.query_x.max() <= 1.0001
