"""Nearest neighbour, and what is done to drawings before it: centred means centred, and blurred loses nothing."""

import pytest
import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.measure import blurred, centred, nearest_neighbour
from mlteach.measure.neighbour import SIGMA
from mlteach.tasks import Characters, Episode


def off(x: Tensor) -> Tensor:
    """How far the ink's centre of mass is from the middle, [..., 2], in pixels."""
    place = torch.arange(x.shape[-1], dtype=x.dtype) - (x.shape[-1] - 1) / 2
    ink = x.sum((-2, -1))
    return torch.stack([x.sum(-1) @ place / ink, x.sum(-2) @ place / ink], -1)


@pytest.fixture(scope="module")
def strokes() -> Tensor:
    """Small drawings [6, 1, 28, 28] anywhere in their pictures."""
    draw = torch.Generator().manual_seed(0)
    x = torch.zeros(6, 1, 28, 28, dtype=torch.float64)
    for k, (row, column) in enumerate(torch.randint(8, 14, (6, 2), generator=draw).tolist()):
        x[k, 0, row : row + 6, column : column + 6] = torch.rand(6, 6, generator=draw, dtype=torch.float64)
    return x


def test_a_centred_drawing_has_its_ink_in_the_middle_and_all_of_it(strokes: Tensor) -> None:
    assert off(strokes).abs().max() > 1
    moved = centred(strokes)
    assert off(moved).abs().max() <= 0.5 + 1e-9  # whole pixels
    assert torch.allclose(moved.sum((-2, -1)), strokes.sum((-2, -1)))
    assert torch.equal(centred(moved), moved)
    assert torch.equal(centred(torch.zeros(2, 5, 7)), torch.zeros(2, 5, 7))


def test_blur_keeps_the_ink_and_where_it_is(strokes: Tensor) -> None:
    soft = blurred(strokes, 1.5)
    assert torch.allclose(soft.sum((-2, -1)), strokes.sum((-2, -1)), rtol=1e-3)
    assert torch.allclose(off(soft), off(strokes), atol=0.05)
    assert soft.amax() < strokes.amax() and torch.equal(blurred(strokes, 0), strokes)


def test_a_drawing_that_was_moved_is_found_only_when_centred(strokes: Tensor) -> None:
    y = torch.arange(6)
    task = Episode(strokes[None], y[None], strokes.roll((7, -6), (2, 3))[None], y[None])
    assert nearest_neighbour(task, centre=True) == 1 > nearest_neighbour(task)
    with pytest.raises(EpisodeError):
        nearest_neighbour(strokes)  # type: ignore[arg-type]


def test_what_is_known_about_drawings_beats_pixels_on_glyphs() -> None:
    tasks = Characters.glyphs(classes=60).sample(40, 5, 1, 5, generator=torch.Generator().manual_seed(1))
    raw, prepared = nearest_neighbour(tasks), nearest_neighbour(tasks, centre=True, sigma=SIGMA)
    assert prepared.shape == (40,) and prepared.mean() > raw.mean() + 0.1
