"""Batch norm that is quick to differentiate twice: its second derivative written out.

MAML differentiates the gradient of the support loss, so it needs the derivative of batch norm's derivative. Autograd
builds that from some thirty passes over the pictures; on paper most of them cancel. With the means over a channel

    a = gamma r,  r = 1 / sqrt(variance + eps),  z = (x - mean) r,
    m = mean(g z),  q = mean(u z),  e = mean(g u) - mean(g) mean(u) - m q

the gradient for x, given the gradient g for the output, is a (g - mean(g) - z m). Given in turn a gradient u for that, and
s, t for the gradients of gamma and beta, what flows back is

    for g:      a (u - mean(u) - z q) + s z + t
    for x:      r (p - mean(p) - z (mean(p z) + a e)),   p = (s - a q) g - a m u
    for gamma:  count * r * e

Each line needs only per-channel sums and one pass. The sums of u and u z come with torch's own first-order kernel.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.nets.conv import transformed
from mlteach.nets.norm import normalise

AXES = (0, 2, 3)


def _first_order(
    g: Tensor, x: Tensor, gamma: Tensor, mean: Tensor, r: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients for x, gamma and beta, by torch's kernel: a (g - mean(g) - z m), sum(g z), sum(g)."""
    return torch.ops.aten.native_batch_norm_backward(
        g, x, gamma, None, None, mean, r, True, eps, [True, True, True]
    )


def _plainly(g: Tensor, x: Tensor, gamma: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """`_first_order` in plain operations, for autograd to differentiate."""
    centred = x - x.mean(AXES, keepdim=True)
    r = torch.rsqrt(centred.square().mean(AXES, keepdim=True) + eps)
    z = centred * r
    dx = gamma[:, None, None] * r * (g - g.mean(AXES, keepdim=True) - z * (g * z).mean(AXES, keepdim=True))
    return dx, (g * z).sum(AXES), g.sum(AXES)


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
        y, mean, r = torch.ops.aten.native_batch_norm(x, gamma, beta, None, None, True, 0.0, eps)
        ctx.save_for_backward(x, gamma, mean, r)
        ctx.eps = eps
        return y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        x, gamma, mean, r = ctx.saved_tensors
        if torch.is_grad_enabled():
            dx, dgamma, dbeta = _NormGradient.apply(g, x, gamma, mean, r, ctx.eps)
        else:
            dx, dgamma, dbeta = _first_order(g, x, gamma, mean, r, ctx.eps)
        return dx, dgamma, dbeta, None


class _NormGradient(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, g: Tensor, x: Tensor, gamma: Tensor, mean: Tensor, r: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        dx, dgamma, dbeta = _first_order(g, x, gamma, mean, r, eps)
        ctx.save_for_backward(g, x, gamma, mean, r, dgamma, dbeta)
        ctx.eps = eps
        return dx, dgamma, dbeta

    @staticmethod
    def backward(ctx: Any, u: Tensor, s: Tensor, t: Tensor) -> tuple[Tensor | None, ...]:
        g, x, gamma, mean, r, sum_gz, sum_g = ctx.saved_tensors
        if torch.is_grad_enabled():  # a third derivative is wanted: plain operations, right to any order
            # views, so that what g owes to x is not counted here: autograd follows that by itself
            g, x, gamma = (each.view_as(each) for each in (g, x, gamma))
            wanted = [each for each in (g, x, gamma) if each.requires_grad]
            found = iter(
                torch.autograd.grad(_plainly(g, x, gamma, ctx.eps), wanted, (u, s, t), create_graph=True)
            )
            return *(next(found) if each.requires_grad else None for each in (g, x, gamma)), None, None, None
        count = x.numel() // x.shape[1]
        for_g, sum_uz, sum_u = _first_order(u, x, gamma, mean, r, ctx.eps)
        a, m, q, mean_g, mean_u = gamma * r, sum_gz / count, sum_uz / count, sum_g / count, sum_u / count
        e = (g * u).sum(AXES) / count - mean_g * mean_u - m * q

        def channels(value: Tensor) -> Tensor:
            return value[:, None, None]

        # each line below is an affine map of g, u and x, one number a channel; z = r x - r mean
        for_g = torch.addcmul(for_g, x, channels(s * r)).add_(channels(t - s * r * mean))
        by_g, by_u = s - a * q, -a * m
        by_z = by_g * m + by_u * q + a * e  # mean(p z) + a e
        shift = r * (mean * r * by_z - by_g * mean_g - by_u * mean_u)
        for_x = (g * channels(r * by_g)).addcmul_(u, channels(r * by_u))
        for_x = for_x.addcmul_(x, channels(-r * r * by_z)).add_(channels(shift))
        return for_g, for_x, count * r * e, None, None, None


def normalise_twice(x: Tensor, gamma: Tensor | None, beta: Tensor, eps: float) -> Tensor:
    """gamma (x - mean) / sqrt(variance + eps) + beta with x's own statistics: x [N, channels, H, W], others [channels].

    Quick to the second derivative, right to any. Under ``torch.func`` transforms `normalise` computes it.
    """
    if transformed():
        return normalise(x, gamma, beta)
    if not (torch.is_grad_enabled() and (x.requires_grad or beta.requires_grad)):
        return F.batch_norm(x, None, None, gamma, beta, training=True, eps=eps)
    return _Norm.apply(x, torch.ones_like(beta) if gamma is None else gamma, beta, eps)
