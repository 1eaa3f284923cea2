"""Convolutions for many tasks at once, quick to differentiate twice.

n tasks with n different kernels are one convolution with n groups: pictures [N, n*C, H, W], kernels [n*O, C, 3, 3].
A convolution is linear in the picture and linear in the kernel, so y . conv(x, w) is a form in three arguments,
linear in each. Its three partial derivatives are the three operations a convolution layer needs:

    conv(x, w) -> y        picture_of(y, w) -> x        kernel_of(y, x) -> w

and the derivative of any of them is again one of the three. PyTorch's own second derivative does not use
this: it takes the groups one after the other. Here all orders run on the same quick kernels: on a CPU oneDNN's grouped
convolution, on a GPU one batched matrix product, since there a convolution of many groups is slow (`columns`).
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def _forward(x: Tensor, w: Tensor, stride: int, groups: int) -> Tensor:
    """conv(x, w), by what is quick on the device."""
    if x.device.type == "cpu":
        return F.conv2d(x, w, None, stride, 1, 1, groups)
    return conv_by_columns(x, w, stride, groups)


def _picture_of(y: Tensor, w: Tensor, like: Tensor, stride: int, groups: int) -> Tensor:
    """picture_of(y, w), of the shape of ``like``."""
    if y.device.type == "cpu":
        return _backward(y, like, w, stride, groups, [True, False, False])[0]
    return picture_by_columns(y, w, like.shape, stride, groups)


def _kernel_of(y: Tensor, x: Tensor, like: Tensor, stride: int, groups: int) -> Tensor:
    """kernel_of(y, x), of the shape of ``like``."""
    if y.device.type == "cpu":
        return _backward(y, x, like, stride, groups, [False, True, False])[1]
    return kernel_by_columns(y, x, like.shape, stride, groups)


def _backward(
    y: Tensor, x: Tensor, w: Tensor, stride: int, groups: int, mask: list[bool]
) -> tuple[Tensor, ...]:
    """PyTorch's convolution backward for kernel 3 and padding 1: (picture, kernel, bias) for what ``mask`` asks."""
    return torch.ops.aten.convolution_backward(
        y, x, w, None, [stride, stride], [1, 1], [1, 1], False, [0, 0], groups, mask
    )


def columns(x: Tensor, stride: int, groups: int) -> Tensor:
    """What each output pixel sees, as a column: pictures [N, G*C, H, W] -> [G, C*9, N*H'*W'] ("im2col").

    Then a convolution is a matrix product, and G of them are one batched product.
    """
    window = F.pad(x, (1, 1, 1, 1)).unflatten(1, (groups, -1)).unfold(3, 3, stride).unfold(4, 3, stride)
    return window.permute(1, 2, 5, 6, 0, 3, 4).flatten(4).flatten(1, 3)  # copies once, into the new order


def _rows(y: Tensor, groups: int) -> Tensor:
    """[N, G*O, H', W'] -> [G, O, N*H'*W']: a view of what `conv_by_columns` gives."""
    return y.transpose(0, 1).unflatten(0, (groups, -1)).flatten(2)


def conv_by_columns(x: Tensor, w: Tensor, stride: int, groups: int) -> Tensor:
    """conv(x, w). In memory the result lies channel by channel, all its pictures together: batch norm reads it so."""
    kernels = w.reshape(groups, -1, w[0].numel())
    count, side = len(x), [(length - 1) // stride + 1 for length in x.shape[2:]]
    found = torch.bmm(kernels, columns(x, stride, groups))
    return found.flatten(0, 1).unflatten(1, (count, *side)).transpose(0, 1)


def kernel_by_columns(y: Tensor, x: Tensor, shape: torch.Size, stride: int, groups: int) -> Tensor:
    """kernel_of(y, x), of this shape."""
    return torch.bmm(_rows(y, groups), columns(x, stride, groups).transpose(1, 2)).view(shape)


def picture_by_columns(y: Tensor, w: Tensor, shape: torch.Size, stride: int, groups: int) -> Tensor:
    """picture_of(y, w), of this shape: each pixel gathers what the up to nine windows that saw it send back."""
    kernels = w.reshape(groups, -1, w[0].numel())
    (count, channels, height, width), (down, right) = shape, y.shape[2:]
    sent = torch.bmm(kernels.transpose(1, 2), _rows(y, groups))
    sent = sent.view(channels, 3, 3, count, down, right)
    x = y.new_zeros(channels, count, height + 2, width + 2)
    for i in range(3):
        for j in range(3):
            x[:, :, i : i + stride * down : stride, j : j + stride * right : stride] += sent[:, i, j]
    return x[:, :, 1:-1, 1:-1].transpose(0, 1)


def transformed() -> bool:
    """Whether a ``torch.func`` transform (grad, vmap, jvp, ...) is at work: it wants operations that it knows."""
    return torch._C._are_functorch_transforms_active()


class _Conv(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor, stride: int, groups: int) -> Tensor:
        ctx.save_for_backward(x, w)
        ctx.how = stride, groups
        return _forward(x, w, stride, groups)

    @staticmethod
    def backward(ctx: Any, y: Tensor) -> tuple[Tensor | None, ...]:
        x, w = ctx.saved_tensors
        need_x, need_w, *_ = ctx.needs_input_grad
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
        return _picture_of(y, w, like, stride, groups)

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
        return _kernel_of(y, x, like, stride, groups)

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

    Differentiable any number of times, by ``torch.autograd`` and by ``torch.func``: under its transforms PyTorch's own
    convolution computes the same, more slowly.
    """
    if transformed():
        return F.conv2d(x, w, None, stride, 1, 1, groups)
    return _Conv.apply(x, w, stride, groups)
