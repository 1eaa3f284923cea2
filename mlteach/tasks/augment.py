"""More drawings out of one: every picture shifted and bent by itself, as another hand might have drawn it.

The rival of interpolation (`mlteach.tasks.interpolation`): it makes no new tasks, and says what does not matter about a
drawing. Rotations as *classes* are `Characters.rotated`; centring, which learns nothing, is `mlteach.measure.centred`.

Taught in: lesson 16.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.tasks.episode import Episode, checked

KNOTS = 4  # the bend is drawn on a grid of so many knots a side, and is smooth between them


def warped(
    x: Tensor, *, shift: float = 0.0, bend: float = 0.0, generator: torch.Generator, knots: int = KNOTS
) -> Tensor:
    """Pictures [..., 1, height, width], each moved and bent by itself; nothing lies beyond the edge.

    shift: by up to so many pixels in either direction, uniform. bend: each knot of a coarse grid moves by a normal number of
    so many pixels, and what lies between them moves in between. Raises EpisodeError for sizes below zero.
    """
    if min(shift, bend) < 0:
        raise EpisodeError(f"shift is {shift} and bend {bend}; give pixels, 0 for none.")
    flat = x.reshape(-1, 1, *x.shape[-2:])
    count, _, height, width = flat.shape
    where: dict[str, Any] = {"generator": generator, "device": generator.device}
    by = shift * (2 * torch.rand(count, 2, 1, 1, **where) - 1)
    if bend:
        drawn = bend * torch.randn(count, 2, knots, knots, **where)
        by = by + F.interpolate(drawn, size=(height, width), mode="bilinear", align_corners=True)
    by = by.to(x.device).expand(count, 2, height, width)
    lines = (torch.linspace(-1, 1, size, device=x.device) for size in (width, height))
    still = torch.stack(torch.meshgrid(*lines, indexing="xy"), -1)
    half = torch.tensor(
        [(width - 1) / 2, (height - 1) / 2], device=x.device
    )  # pixels from the middle to the edge
    grid = (still + by.permute(0, 2, 3, 1) / half).to(x.dtype)
    return F.grid_sample(flat, grid, mode="bilinear", padding_mode="zeros", align_corners=True).view_as(x)


def augmented(
    episode: Episode, *, shift: float = 0.0, bend: float = 0.0, generator: torch.Generator
) -> Episode:
    """The episode with every picture, support and query, warped by itself. See `warped`."""
    support_x, query_x = (
        warped(x, shift=shift, bend=bend, generator=generator)
        for x in (checked(episode).support_x, episode.query_x)
    )
    return episode._replace(support_x=support_x, query_x=query_x)
