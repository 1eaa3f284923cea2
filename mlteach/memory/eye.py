"""An eye that no longer learns: the body of a trained Conv-4, which turns every picture into features once and for all.

What is left to learn is then memory alone, and a step costs as little as with pixels. Batch norm takes fixed statistics, so a
picture's features depend on no other picture. They are standardised by those of the pictures that the statistics are of.

Taught in: lesson 19.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.nets import Conv4
from mlteach.nets.norm import Statistics
from mlteach.params import Params

LENGTH = 3.0  # of a picture's features, about: what an LSTM reads well


@dataclass(frozen=True)
class Eye:
    """A frozen body. running: batch norm's statistics, by block. mean, spread: of the features, [features]."""

    net: Conv4
    theta: Params
    running: dict[str, Statistics]
    mean: Tensor
    spread: Tensor

    @classmethod
    def frozen(cls, net: Conv4, theta: Params, pictures: Tensor) -> "Eye":
        """By the statistics of pictures [N, 1, 28, 28]."""
        with torch.no_grad():
            running = net.running_statistics(theta, pictures)
            seen = net.features_of(theta, pictures, "running", running=running)
        return cls(net, theta, running, seen.mean(0), seen.std(0))

    @torch.no_grad()
    def __call__(self, images: Tensor, at_once: int = 2000) -> Tensor:
        """Features [classes, drawings, d] of pictures [classes, drawings, 28, 28], bytes, as `Characters.images` are."""
        parts = images.flatten(0, 1).unsqueeze(1).split(at_once)
        seen = torch.cat(
            [
                self.net.features_of(self.theta, x.float() / 255, "running", running=self.running)
                for x in parts
            ]
        )
        scaled = (seen - self.mean) / (self.spread + 1e-3) * LENGTH * seen.shape[-1] ** -0.5
        return scaled.unflatten(0, images.shape[:2])


def halved(images: Tensor) -> Tensor:
    """The pictures themselves at half the size, as numbers from 0 to 1, [classes, drawings, 196]: what an eye is compared to."""
    small = F.avg_pool2d(images.flatten(0, 1).float() / 255, 2)
    return small.flatten(1).unflatten(0, images.shape[:2])
