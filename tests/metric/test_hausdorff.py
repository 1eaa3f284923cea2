"""The modified Hausdorff distance: a loop over all points, symmetry, and nothing to do with where a drawing stands."""

import pytest
import torch

from mlteach.errors import EpisodeError
from mlteach.metric import hausdorff_table, ink_of, modified_hausdorff


def test_it_is_the_larger_of_two_means_of_nearest_distances() -> None:
    g = torch.Generator().manual_seed(0)
    a, b = (torch.randn(n, 2, generator=g, dtype=torch.float64) for n in (7, 4))
    ways = [sum(min((p - q).norm().item() for q in to) for p in of) / len(of) for of, to in ((a, b), (b, a))]
    assert modified_hausdorff(a, b).item() == pytest.approx(max(ways), abs=1e-12)
    assert modified_hausdorff(a, b) == modified_hausdorff(b, a) and modified_hausdorff(a, a) == 0


def test_a_moved_drawing_is_the_same_and_a_drawing_without_ink_is_refused() -> None:
    picture = torch.zeros(1, 12, 12)
    picture[0, 2:6, 3] = picture[0, 5, 3:7] = 1
    moved = picture.roll((3, 4), (1, 2))
    table = hausdorff_table(torch.stack([picture, moved]), torch.stack([picture, picture.mT]))
    assert table[:, 0].tolist() == pytest.approx([0, 0], abs=1e-6) and table[0, 1] > 0.3
    assert ink_of(picture).mean(0).abs().max() < 1e-12
    with pytest.raises(EpisodeError, match="no ink"):
        ink_of(torch.zeros(4, 4))
