"""Shifts: what each does to a picture, that labels stay, and that noise is the same for everybody."""

import pytest
import torch

from mlteach.tasks import Characters
from mlteach.tasks.shifts import SHIFTS, shifted

EPISODE = Characters.glyphs(10).sample(2, 5, 1, 1, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shift", SHIFTS)
def test_pictures_change_and_labels_stay(shift):
    found = shifted(EPISODE, shift)
    assert torch.equal(found.support_y, EPISODE.support_y) and found.query_x.shape == EPISODE.query_x.shape
    assert torch.equal(found.query_x, EPISODE.query_x) == (shift == "as drawn")
    assert torch.equal(found.query_x, shifted(EPISODE, shift).query_x)


def test_what_each_does():
    dot = torch.zeros(1, 1, 28, 28)
    dot[0, 0, 4, 14] = 1.0
    assert SHIFTS["thick"](dot).sum() == 9
    assert SHIFTS["inverted"](dot).sum() == 28 * 28 - 1
    x = torch.zeros(1, 1, 28, 28)
    x[..., 4:24, 4:24] = 1.0
    assert SHIFTS["half size"](x).sum().item() == pytest.approx(100, rel=0.02)
    turned = SHIFTS["turned"](x)
    assert (
        turned.sum().item() == pytest.approx(400, rel=0.05)
        and turned[0, 0, 5, 5] == 0
        and turned[0, 0, 1, 14] > 0
    )
    noise = SHIFTS["noisy"](dot) - dot
    assert noise.std().item() == pytest.approx(0.3, rel=0.1)
    with pytest.raises(KeyError):
        shifted(EPISODE, "blurred")
