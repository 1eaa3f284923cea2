"""More drawings out of one: every picture shifted and bent by itself, as another hand might have drawn it.

The rival of interpolation (`mlteach.tasks.interpolation`): it makes no new tasks, and says what does not matter about a
drawing. Two of them of one picture are the two views of a task without labels (`mlteach.tasks.views`). Rotations as *classes*
are `Characters.rotated`; centring, which learns nothing, is `mlteach.measure.centred`.

Taught in: lessons 16 and 17.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.tasks.episode import Episode, checked

KNOTS = 4  # the bend is drawn on a grid of so many knots a side, and is smooth between them


def warped(
    x: Tensor,
    *,
    shift: float = 0.0,
    bend: float = 0.0,
    rotate: float = 0.0,
    scale: float = 0.0,
    shear: float = 0.0,
    generator: torch.Generator,
    knots: int = KNOTS,
) -> Tensor:
    """Pictures [..., 1, height, width], each moved, turned, stretched and bent by itself; nothing lies beyond the edge.

    shift: by up to so many pixels in either direction, uniform. bend: each knot of a coarse grid moves by a normal number of
    so many pixels, and what lies between them moves in between. rotate: by up to so many degrees. scale: either side becomes
    up to exp(scale) times as long or as short, each for itself. shear: a line a pixel further down is pushed sideways by up
    to so many pixels. All in one resampling. Raises EpisodeError for sizes below zero.
    """
    if min(shift, bend, rotate, scale, shear) < 0:
        raise EpisodeError(
            f"shift, bend, rotate, scale and shear are {shift}, {bend}, {rotate}, {scale} and {shear}; give pixels, degrees or shares, 0 for none."
        )
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
    if rotate or scale or shear:
        turned = _linear(count, rotate, scale, shear, where).to(x.device)
        still = torch.einsum("hwi,nji->nhwj", still * half, turned) / half
    grid = (still + by.permute(0, 2, 3, 1) / half).to(x.dtype)
    return F.grid_sample(flat, grid, mode="bilinear", padding_mode="zeros", align_corners=True).view_as(x)


def _linear(count: int, rotate: float, scale: float, shear: float, where: dict[str, Any]) -> Tensor:
    """Where a pixel of the new picture looks, around the middle: a turn times a stretch with a shear, [count, 2, 2]."""
    turn, wide, high, push = 2 * torch.rand(4, count, **where) - 1
    angle, zero = math.radians(rotate) * turn, torch.zeros_like(turn)
    rotation = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], -1).unflatten(1, (2, 2))
    stretch = torch.stack([(scale * wide).exp(), shear * push, zero, (scale * high).exp()], -1).unflatten(
        1, (2, 2)
    )
    return rotation @ stretch


def thickened(x: Tensor, *, often: float = 0.5, most: float = 0.6, generator: torch.Generator) -> Tensor:
    """Pictures [..., 1, height, width], a share ``often`` of them drawn with a thicker pen.

    most: how much of the thickest line, each pixel the largest of its 3 x 3 neighbours, is mixed with the picture.
    """
    flat = x.reshape(-1, 1, *x.shape[-2:])
    drawn = torch.rand(len(flat), 1, 1, 1, generator=generator, device=generator.device).to(x.device)
    thick = torch.lerp(flat, F.max_pool2d(flat, 3, 1, 1), most)
    return torch.where(drawn < often, thick, flat).view_as(x)


def covered(x: Tensor, *, size: int, generator: torch.Generator) -> Tensor:
    """Pictures [..., 1, height, width], each without the ink in a square of so many pixels a side that lies within it."""
    flat = x.reshape(-1, 1, *x.shape[-2:])
    count, _, height, width = flat.shape
    if not 0 <= size <= min(height, width):
        raise EpisodeError(f"A square of {size} pixels does not lie within {height} x {width}.")
    hidden = []
    for side in (height, width):
        first = torch.randint(side - size + 1, (count, 1), generator=generator, device=generator.device)
        place = torch.arange(side, device=generator.device)
        hidden.append((place >= first) & (place < first + size))
    square = hidden[0][:, None, :, None] & hidden[1][:, None, None, :]
    return flat.masked_fill(square.to(x.device), 0).view_as(x)


def augmented(
    episode: Episode, *, shift: float = 0.0, bend: float = 0.0, generator: torch.Generator
) -> Episode:
    """The episode with every picture, support and query, warped by itself. See `warped`."""
    support_x, query_x = (
        warped(x, shift=shift, bend=bend, generator=generator)
        for x in (checked(episode).support_x, episode.query_x)
    )
    return episode._replace(support_x=support_x, query_x=query_x)
