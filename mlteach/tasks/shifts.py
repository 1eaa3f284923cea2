"""The same tasks, their pictures changed in a way that no training task was: turned, thick, half the size, inverted, noisy.

Support and queries change alike, so a person would hardly mind. Taught in: lesson 21.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.tasks.episode import Episode, checked

NOISE = 0.3


def _mapped(*rows: tuple[float, float]) -> Callable[[Tensor], Tensor]:
    """Pictures [N, 1, side, side] through a linear map of the plane: what is seen at (x, y) stood at the map of it."""

    def change(x: Tensor) -> Tensor:
        plane = torch.tensor([[*row, 0.0] for row in rows], dtype=x.dtype, device=x.device).expand(
            len(x), 2, 3
        )
        grid = F.affine_grid(plane, list(x.shape), align_corners=False)
        return F.grid_sample(x, grid, align_corners=False)

    return change


def _noisy(x: Tensor) -> Tensor:
    """A normal number on every pixel, the same each time."""
    return x + NOISE * torch.randn(x.shape, generator=torch.Generator().manual_seed(5), dtype=x.dtype).to(
        x.device
    )


_HALF = 0.5**0.5
#: Name -> what happens to pictures [N, 1, 28, 28].
SHIFTS: dict[str, Callable[[Tensor], Tensor]] = {
    "as drawn": lambda x: x,
    "turned": _mapped((_HALF, -_HALF), (_HALF, _HALF)),
    "thick": lambda x: F.max_pool2d(x, 3, 1, 1),
    "half size": _mapped((2.0, 0.0), (0.0, 2.0)),
    "inverted": lambda x: 1 - x,
    "noisy": _noisy,
}


def shifted(episode: Episode, shift: str) -> Episode:
    """The episode with all its pictures changed by one of `SHIFTS`; labels stay. Raises KeyError for another word."""
    change = SHIFTS[shift]

    def changed(x: Tensor) -> Tensor:
        return change(x.flatten(0, 1)).view_as(x)

    return checked(episode)._replace(support_x=changed(episode.support_x), query_x=changed(episode.query_x))
