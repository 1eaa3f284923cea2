"""Losses and scores that keep the task axis: one number for each task, never one for the batch."""

import torch.nn.functional as F
from torch import Tensor


def cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Mean cross-entropy of each task: logits [T, N, ways] and labels [T, N] -> [T]; without task axis a scalar."""
    each = F.cross_entropy(logits.flatten(0, -2), y.flatten(), reduction="none").view(y.shape)
    return each.mean(-1)


def squared_error(outputs: Tensor, y: Tensor) -> Tensor:
    """Mean squared error of each task: [T, N, outputs] twice -> [T]; without task axis a scalar."""
    return (outputs - y).square().mean((-2, -1))


def accuracy(logits: Tensor, y: Tensor) -> Tensor:
    """The share of right answers of each task, in [0, 1]: logits [T, N, ways], labels [T, N] -> [T]."""
    return (logits.argmax(-1) == y).to(logits.dtype).mean(-1)
