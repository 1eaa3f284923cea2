"""Tasks without a label: every picture is a class of its own, one changed copy is its support and another its query.

A `View` says how a copy is changed, `two_views` makes the task. Labels are the numbers of the pictures in the batch, dealt
by nobody. Two pictures of one character may meet in a batch, as different classes: nobody knows.

Source: Ni, Shu, Souri, Goldblum, Goldstein 2022 (contrastive learning as tasks); Chen et al. 2020 (two views of a picture).
Taught in: lesson 17.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.tasks.augment import covered, thickened, warped
from mlteach.tasks.episode import Episode


@dataclass(frozen=True)
class View:
    """What may be different in another copy of a picture; zero is none. Pixels, degrees and shares of `augment.warped`.

    thicken: the share of copies that a thicker pen draws. cover: the side of a square that is left out.
    """

    shift: float = 0.0
    bend: float = 0.0
    rotate: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    thicken: float = 0.0
    cover: int = 0

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Pictures [..., 1, height, width], each changed by itself."""
        if any((self.shift, self.bend, self.rotate, self.scale, self.shear)):
            x = warped(
                x, shift=self.shift, bend=self.bend, rotate=self.rotate, scale=self.scale, shear=self.shear,
                generator=generator,
            )  # fmt: skip
        if self.thicken:
            x = thickened(x, often=self.thicken, generator=generator)
        return covered(x, size=self.cover, generator=generator) if self.cover else x


def two_views(
    images: Tensor,
    pictures: int,
    view: View,
    *,
    generator: torch.Generator,
    tasks: int = 1,
    dtype: torch.dtype = torch.float32,
) -> Episode:
    """Tasks of so many different pictures, one way each: support [tasks, pictures, 1, height, width], queries likewise.

    images: uint8 [..., height, width], ink 255, without any label, such as ``Characters.images``. Picture n of the queries is
    another view of picture n of the support, and both have label n. Raises EpisodeError for more pictures than there are.
    """
    pool = images.flatten(0, -3)
    if not 1 <= pictures <= len(pool):
        raise EpisodeError(f"A batch of {pictures} pictures was asked for, and there are {len(pool)}.")
    order = torch.rand(tasks, len(pool), generator=generator, device=generator.device).topk(pictures).indices
    chosen = pool[order.to(pool.device)].unsqueeze(2).to(dtype) / 255
    label = torch.arange(pictures, device=pool.device).expand(tasks, -1)
    first, second = (view(chosen, generator) for _ in range(2))
    return Episode(first, label, second, label)
