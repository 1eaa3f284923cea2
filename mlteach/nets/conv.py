"""Convolutions for many tasks at once, quick to differentiate twice.

T tasks with T different kernels are one convolution with T groups: pictures [N, T*C, H, W], kernels [T*O, C, 3, 3].
A convolution is linear in the picture and linear in the kernel, so y . conv(x, w) is a form in three arguments,
linear in each. Its three partial derivatives are the three operations a convolution layer needs:

    conv(x, w) -> y        picture_of(y, w) -> x        kernel_of(y, x) -> w

and the derivative of any of them is again one of the three. PyTorch's own second derivative does not use
this: it takes the groups one after the other. Here all orders run on the same quick kernels.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def _backward(
    y: Tensor, x: Tensor, w: Tensor, stride: int, groups: int, mask: list[bool]
) -> tuple[Tensor, ...]:
    """PyTorch's convolution backward for kernel 3 and padding 1: (picture, kernel, bias) for what ``mask`` asks."""
    return torch.ops.aten.convolution_backward(
        y, x, w, None, [stride, stride], [1, 1], [1, 1], False, [0, 0], groups, mask
    )


class _Conv(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor, stride: int, groups: int) -> Tensor:
        ctx.save_for_backward(x, w)
        ctx.how = stride, groups
        return F.conv2d(x, w, None, stride, 1, 1, groups)

    @staticmethod
    def backward(ctx: Any, y: Tensor) -> tuple[Tensor | None, ...]:
        x, w = ctx.saved_tensors
        need_x, need_w, *_ = ctx.needs_input_grad
        if not torch.is_grad_enabled():  # nobody will differentiate again: both in one call
            stride, groups = ctx.how
            dx, dw, _ = _backward(y, x, w, stride, groups, [need_x, need_w, False])
            return dx, dw, None, None
        return (
            _Picture.apply(y, w, x, *ctx.how) if need_x else None,
            _Kernel.apply(y, x, w, *ctx.how) if need_w else None,
            None,
            None,
        )


class _Picture(torch.autograd.Function):
    """picture_of(y, w); ``like`` gives the shape only."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, w: Tensor, like: Tensor, stride: int, groups: int) -> Tensor:
        ctx.save_for_backward(y, w)
        ctx.like, ctx.how = like.detach(), (stride, groups)
        return _backward(y, like, w, stride, groups, [True, False, False])[0]

    @staticmethod
    def backward(ctx: Any, x: Tensor) -> tuple[Tensor | None, ...]:
        y, w = ctx.saved_tensors
        need_y, need_w, *_ = ctx.needs_input_grad
        return (
            _Conv.apply(x, w, *ctx.how) if need_y else None,
            _Kernel.apply(y, x, w, *ctx.how) if need_w else None,
            None,
            None,
            None,
        )


class _Kernel(torch.autograd.Function):
    """kernel_of(y, x); ``like`` gives the shape only."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, x: Tensor, like: Tensor, stride: int, groups: int) -> Tensor:
        ctx.save_for_backward(y, x)
        ctx.like, ctx.how = like.detach(), (stride, groups)
        return _backward(y, x, like, stride, groups, [False, True, False])[1]

    @staticmethod
    def backward(ctx: Any, w: Tensor) -> tuple[Tensor | None, ...]:
        y, x = ctx.saved_tensors
        need_y, need_x, *_ = ctx.needs_input_grad
        return (
            _Conv.apply(x, w, *ctx.how) if need_y else None,
            _Picture.apply(y, w, x, *ctx.how) if need_x else None,
            None,
            None,
            None,
        )


def grouped_conv(x: Tensor, w: Tensor, stride: int, groups: int) -> Tensor:
    """3 x 3 convolution with padding 1 and no bias: x [N, G*C, H, W], w [G*O, C, 3, 3] -> [N, G*O, H', W'].

    Differentiable any number of times. It has no rule for ``torch.func`` transforms: there, call
    ``torch.nn.functional.conv2d``, as the networks do for a single task.
    """
    return _Conv.apply(x, w, stride, groups)
