"""The learners that learn nothing: nearest neighbour on pixels, and on pixels that were centred and blurred first."""

import math

import torch
from torch import Tensor

from mlteach.tasks.episode import Episode, checked

SIGMA = 1.5
"""The blur, in pixels, that was best on validation characters (``python -m studies.lesson01_floor``)."""


def centred(x: Tensor) -> Tensor:
    """Pictures [..., height, width], each moved by whole pixels until its ink's centre of mass is in the middle.

    What leaves is lost. A picture without ink stays where it is. Taught in: lesson 01.
    """
    flat = x.reshape(-1, *x.shape[-2:])
    ink = flat.sum((1, 2)).clamp(min=1e-9)
    down, across = (_off_the_middle(flat.sum(axis), ink) for axis in (2, 1))
    rows, columns = (torch.arange(size, device=x.device) + by[:, None]
                     for size, by in zip(x.shape[-2:], (down, across), strict=True))  # fmt: skip
    moved = flat[torch.arange(len(flat))[:, None, None], rows.clamp(0, x.shape[-2] - 1)[:, :, None],
                 columns.clamp(0, x.shape[-1] - 1)[:, None]]  # fmt: skip
    there = _inside(rows, x.shape[-2])[:, :, None] & _inside(columns, x.shape[-1])[:, None]
    return (moved * there).reshape(x.shape)


def blurred(x: Tensor, sigma: float) -> Tensor:
    """Pictures [..., size, size] under a Gaussian of ``sigma`` pixels, with nothing beyond the edge; 0 blurs nothing.

    A Gaussian blurs rows and columns apart, so it is a matrix from either side. Taught in: lesson 01.
    """
    if sigma == 0:
        return x
    place = torch.arange(x.shape[-1], dtype=x.dtype, device=x.device)
    bell = torch.exp(-(((place[:, None] - place) / sigma) ** 2) / 2) / (sigma * math.sqrt(2 * math.pi))
    return bell @ x @ bell


def nearest_neighbour(episode: Episode, *, centre: bool = False, sigma: float = 0) -> Tensor:
    """The share of queries [tasks] whose nearest support picture (squared distance of pixels) has their label.

    centre, sigma: prepare all pictures by `centred` and `blurred` first. ``centre=True, sigma=SIGMA`` is the floor of the
    course: nothing in it was learned. Raises EpisodeError for what is no episode. Taught in: lesson 01.
    """
    support, query = (
        blurred(centred(x) if centre else x, sigma).flatten(2).double()
        for x in (checked(episode).support_x, episode.query_x)
    )
    # without |q|^2, which changes no order
    distance = support.square().sum(2)[:, None] - 2 * query @ support.mT
    answer = episode.support_y.gather(1, distance.argmin(2))
    return (answer == episode.query_y).double().mean(1)


def _off_the_middle(line: Tensor, ink: Tensor) -> Tensor:
    """By how many whole pixels the centre of mass of ``line`` [n, size] is off its middle, int64 [n]."""
    place = torch.arange(line.shape[1], dtype=line.dtype, device=line.device)
    off = line @ place / ink - (line.shape[1] - 1) / 2
    return torch.where(line.sum(1) > 0, off, 0).round().long()


def _inside(place: Tensor, size: int) -> Tensor:
    return (place >= 0) & (place < size)
