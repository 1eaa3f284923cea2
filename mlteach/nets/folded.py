"""Batch norm folded into the kernel before it, where the pictures have one channel: two layers become one convolution.

A pixel of conv(x, w) is w . patch, nine numbers each. So its mean and variance over all pixels follow from the patches' own mean
mu [9] and covariance C [9, 9], which no filter changes:

    mean = w . mu,   variance = w . C w,   r = 1 / sqrt(variance + eps),   a = gamma r
    gamma (conv(x, w) - mean) r + beta = conv(x, k) + b,   with   k = a w,   b = beta - a mean

This is exact, and whatever batch norm does to the largest maps of the network, in any derivative, is done to nine numbers a filter.
Given the gradients K for k and B for b, that is kernel_of(g, x) and the sum of g for a gradient g of the maps,

    G = K - B mu,   l = w . G
    the gradient for w: a (G - r^2 l C w),   for gamma: r l,   for beta: B

In the direction (V, s, t) of (w, gamma, beta), R standing for "the change of",

    R r = -r^3 (C w . V),   R a = s r + gamma R r
    R k = R a w + a V,      R b = t - R a mean - a (V . mu)
    R G = R K - R B mu,     R l = V . G + w . R G
    for w:     R a (G - r^2 l C w) + a (R G - (2 r R r l + r^2 R l) C w - r^2 l C V)
    for gamma: R r l + r R l,   for beta: R B
"""

from typing import NamedTuple

import torch
from torch import Tensor

from mlteach.nets.conv import columns
from mlteach.nets.norm import EPSILON

Three = tuple[Tensor, Tensor, Tensor]  # for w [tasks, filters, 9], gamma and beta [tasks, filters]


class Patches(NamedTuple):
    """What the kernels of block 1 see of the pictures: mean mu [tasks, 1, 9] and covariance C [tasks, 9, 9]."""

    mean: Tensor
    spread: Tensor


def patches_of(x: Tensor, stride: int) -> Patches:
    """Of all tasks' pictures x [N, tasks, H, W]."""
    seen = columns(x, stride, x.shape[1])  # [tasks, 9, pixels]
    centre = seen.mean(2, keepdim=True)
    seen = seen.sub_(centre)  # before the products: float32 would lose digits the other way round
    return Patches(centre.mT, seen @ seen.mT / seen.shape[2])


class Folded:
    """Block 1's w [tasks, filters, 9], gamma, beta [tasks, filters] as one ``kernel`` and ``bias`` of the same shapes."""

    def __init__(self, patches: Patches, w: Tensor, gamma: Tensor, beta: Tensor) -> None:
        self.patches, self.w, self.gamma = patches, w, gamma
        self.spread_w = w @ patches.spread  # C w
        self.mean = (w * patches.mean).sum(2)
        self.r = torch.rsqrt(inner(w, self.spread_w) + EPSILON)
        self.a = gamma * self.r
        self.kernel, self.bias = rows(self.a) * w, beta - self.a * self.mean

    def back(self, by_kernel: Tensor, by_bias: Tensor) -> Three:
        """The gradients for w, gamma and beta, given K and B."""
        self.G = by_kernel - rows(by_bias) * self.patches.mean
        self.length = inner(self.w, self.G)
        # the gradient for w without its a
        self.straight = self.G - rows(self.r**2 * self.length) * self.spread_w
        return rows(self.a) * self.straight, self.r * self.length, by_bias

    def moved(self, V: Tensor, s: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """R k and R b."""
        self.V = V
        self.change_r = -(self.r**3) * inner(self.spread_w, V)
        self.change_a = s * self.r + self.gamma * self.change_r
        change_b = t - self.change_a * self.mean - self.a * (V * self.patches.mean).sum(2)
        return rows(self.change_a) * self.w + rows(self.a) * V, change_b

    def turned(self, by_kernel: Tensor, by_bias: Tensor) -> Three:
        """How the three gradients change, given R K and R B; after `back` and `moved`."""
        r, change_r, length = self.r, self.change_r, self.length
        change_G = by_kernel - rows(by_bias) * self.patches.mean
        change_l = inner(self.V, self.G) + inner(self.w, change_G)
        bent = (
            change_G
            - rows(2 * r * change_r * length + r**2 * change_l) * self.spread_w
            - rows(r**2 * length) * (self.V @ self.patches.spread)
        )
        for_w = rows(self.change_a) * self.straight + rows(self.a) * bent
        return for_w, change_r * length + r * change_l, by_bias


def rows(value: Tensor) -> Tensor:
    """One number for each filter, beside its nine."""
    return value.unsqueeze(-1)


def inner(a: Tensor, b: Tensor) -> Tensor:
    """a . b of each filter."""
    return (a * b).sum(-1)
