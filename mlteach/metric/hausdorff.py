"""The modified Hausdorff distance: how far the ink of one drawing is from the nearest ink of the other, on average.

    h(A, B) = mean over a in A of min over b in B of |a - b|,     H = max(h(A, B), h(B, A))

Both drawings are moved so that the middle of their ink is the origin. Nothing is learned: Lake, Salakhutdinov and Tenenbaum
take it as the baseline of their one-shot test.

Source: Dubuisson and Jain 1994, distance 6 and f2; Lake et al. 2015, the demo beside Omniglot. Taught in: lesson 18.
"""

import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.params import widest


def ink_of(picture: Tensor, threshold: float = 0.5) -> Tensor:
    """Where the ink is, [n, 2] in pixels about its middle, for a picture [..., height, width] in [0, 1].

    Raises EpisodeError for a picture without ink.
    """
    places = (picture.reshape(picture.shape[-2:]) > threshold).nonzero().to(widest(picture.device))
    if not len(places):
        raise EpisodeError("There is no ink in a picture; choose a lower threshold.")
    return places - places.mean(0)


def modified_hausdorff(first: Tensor, second: Tensor) -> Tensor:
    """The distance of two sets of points [n, 2] and [m, 2], a scalar."""
    far = torch.cdist(first, second)
    return torch.maximum(far.amin(1).mean(), far.amin(0).mean())


def hausdorff_table(queries: Tensor, supports: Tensor, threshold: float = 0.5) -> Tensor:
    """The distance of every query to every support picture, [Q, S], for pictures [Q, ..., H, W] and [S, ..., H, W]."""
    asked, shown = ([ink_of(each, threshold) for each in pictures] for pictures in (queries, supports))
    return torch.stack([torch.stack([modified_hausdorff(a, b) for b in shown]) for a in asked])
