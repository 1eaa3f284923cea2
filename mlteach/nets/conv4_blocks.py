"""The blocks of a Conv-4 and its head, forth and back, and how both change: the lines of `mlteach.nets.conv4_by_hand`'s equations.

Maps are [N, tasks * filters, H, W], channels last; kernels, gammas and betas come and go with their task axis, [tasks, ...].
"""

from collections.abc import Callable

import torch
from torch import Tensor

from mlteach.nets.folded import Folded, Patches, Three
from mlteach.nets.loss import task_losses
from mlteach.nets.norm import EPSILON
from mlteach.params import Params

aten = torch.ops.aten
AXES = (0, 2, 3)
LAST = torch.channels_last


class Convolution:
    """3 x 3 convolutions of so many groups, and their derivatives."""

    def __init__(self, stride: int, groups: int) -> None:
        self.how = ([stride, stride], [1, 1], [1, 1], False, [0, 0], groups)

    def forth(self, x: Tensor, w: Tensor, bias: Tensor | None = None) -> Tensor:
        """conv(x, w), with a bias where there is one."""
        return aten.convolution(x, w, bias, *self.how)

    def back(self, y: Tensor, x: Tensor, w: Tensor, mask: list[bool]) -> tuple[Tensor, Tensor, Tensor]:
        """picture_of(y, w), kernel_of(y, x) and the sum of y, as ``mask`` asks for them."""
        return aten.convolution_backward(y, x, w, [len(w)] if mask[2] else None, *self.how, mask)


class Rising:
    """h = relu(pool(n)): the way of a change, and of a gradient back."""

    def __init__(self, n: Tensor, pool: str) -> None:
        """In n's own memory where nothing is pooled."""
        self.where: Tensor | None = None
        self.shape = n.shape
        if pool == "max":  # before ReLU, which changes neither the largest nor, where it passes, its place
            n, self.where = aten.max_pool2d_with_indices(n, [2, 2], [2, 2])
        self.h = n.relu_()

    def back(self, g: Tensor) -> Tensor:
        """g for n, given that for h, whose memory it takes."""
        aten.threshold_backward.grad_input(g, self.h, 0, grad_input=g)
        if self.where is None:
            return g
        like = torch.empty(self.shape, dtype=g.dtype, memory_format=LAST)  # only its shape is read
        return aten.max_pool2d_with_indices_backward(
            g, like, [2, 2], [2, 2], [0, 0], [1, 1], False, self.where
        )

    def moved(self, n: Tensor) -> Tensor:
        """R h, given R n, whose memory it takes."""
        if self.where is not None:
            pixels, places = (each.permute(0, 2, 3, 1).flatten(1, 2) for each in (n, self.where))
            taken = pixels.gather(1, places).unflatten(1, self.h.shape[2:])
            n = taken.permute(0, 3, 1, 2)
        aten.threshold_backward.grad_input(n, self.h, 0, grad_input=n)
        return n


class First:
    """Block 1, whose norm is folded into its kernel."""

    def __init__(
        self, x: Tensor, patches: Patches, w: Tensor, gamma: Tensor, beta: Tensor, stride: int, pool: str
    ) -> None:
        self.x, self.shape, self.conv = x, w.shape, Convolution(stride, len(w))
        self.folded = Folded(patches, w.flatten(2), gamma, beta)
        self.kernel = self._kernel(self.folded.kernel)
        self.end = Rising(self.conv.forth(x, self.kernel, self.folded.bias.flatten()), pool)
        self.h = self.end.h

    def back(self, g: Tensor, *, down: bool, again: bool) -> tuple[Three, Tensor]:
        """The gradients, and nothing for the pictures."""
        return self._named(self.folded.back(*self._sums(g))), g

    def moved(self, x: Tensor | None, V: Tensor, s: Tensor, t: Tensor) -> Tensor:
        """R h."""
        kernel, bias = self.folded.moved(V.flatten(2), s, t)
        return self.end.moved(self.conv.forth(self.x, self._kernel(kernel), bias.flatten()))

    def turned(self, g: Tensor) -> tuple[Three, Tensor]:
        """How the gradients change."""
        return self._named(self.folded.turned(*self._sums(g))), g

    def _sums(self, g: Tensor) -> tuple[Tensor, Tensor]:
        """K and B of the maps' gradient."""
        _, by_kernel, by_bias = self.conv.back(self.end.back(g), self.x, self.kernel, [False, True, True])
        tasks = self.shape[0]
        return by_kernel.reshape(tasks, -1, 9), by_bias.view(tasks, -1)

    def _kernel(self, rows: Tensor) -> Tensor:
        return rows.view(-1, 1, 3, 3)

    def _named(self, three: Three) -> Three:
        w, gamma, beta = three
        return w.view(self.shape), gamma, beta


class Block:
    """Blocks 2 to 4."""

    def __init__(self, x: Tensor, w: Tensor, gamma: Tensor, beta: Tensor, stride: int, pool: str) -> None:
        self.x, self.tasks, self.conv = x, len(w), Convolution(stride, len(w))
        self.w, self.gamma = self._kernel(w), gamma.flatten()
        self.c: Tensor = self.conv.forth(x, self.w)
        n, self.mean, self.r = aten.native_batch_norm(
            self.c, self.gamma, beta.flatten(), None, None, True, 0.0, EPSILON
        )
        self.end = Rising(n, pool)
        self.h = self.end.h

    def back(self, g: Tensor, *, down: bool, again: bool) -> tuple[Three, Tensor]:
        """The gradients, and that for x; ``down``: whether that one is wanted, ``again``: whether H v comes later."""
        g = self.end.back(g)
        d, sum_gz, sum_g = self._normed(g)
        if again:
            self.g, self.d, self.sum_gz, self.sum_g = g, d, sum_gz, sum_g
        else:
            del self.c, self.end, self.h  # before the convolution asks for memory
        by_x, by_w, _ = self.conv.back(d, self.x, self.w, [down, True, False])
        return self._named(by_w, sum_gz, sum_g), by_x

    def moved(self, x: Tensor | None, V: Tensor, s: Tensor, t: Tensor) -> Tensor:
        """R h, given R x, none where nothing below moves."""
        self.change_x, self.V, self.s = x, self._kernel(V), s.flatten()
        self.change_c = self.conv.forth(self.x, self.V)
        if x is not None:
            self.change_c += self.conv.forth(x, self.w)
        n, self.sum_qz, self.sum_c = self._normed(self.change_c)  # a (R c - mean(R c) - z q)
        n.addcmul_(self.c, across(self.s * self.r)).add_(across(t.flatten() - self.s * self.r * self.mean))
        return self.end.moved(n)

    def turned(self, g: Tensor) -> tuple[Three, Tensor]:
        """How the gradients change, and that for x."""
        g = self.end.back(g)
        d, sum_gz, sum_g = self._normed(g)
        count = self.c.numel() // self.c.shape[1]
        r, a = self.r, self.gamma * self.r
        m, q, mean_g, mean_c = (each / count for each in (self.sum_gz, self.sum_qz, self.sum_g, self.sum_c))
        u = (self.g * self.change_c).sum(AXES) / count - mean_g * mean_c - m * q
        # r (p - mean(p) - z (mean(p z) + a u)) is an affine map of g, R c and c, one number a channel; z = r c - r mean(c)
        by_g, by_c = self.s - a * q, -a * m
        by_z = by_g * m + by_c * q + a * u
        d.addcmul_(self.g, across(r * by_g)).addcmul_(self.change_c, across(r * by_c))
        d.addcmul_(self.c, across(-r * r * by_z))
        d.add_(across(r * (self.mean * r * by_z - by_g * mean_g - by_c * mean_c)))
        by_x, by_w, _ = self.conv.back(d, self.x, self.w, [True, True, False])
        if self.change_x is not None:
            more_x, more_w, _ = self.conv.back(self.d, self.change_x, self.V, [True, True, False])
            by_x, by_w = by_x.add_(more_x), by_w + more_w
        else:
            by_x = by_x.add_(self.conv.back(self.d, self.x, self.V, [True, False, False])[0])
        del self.change_x, self.change_c, self.V  # the steps before this one want their memory
        return self._named(by_w, sum_gz + count * r * u, sum_g), by_x

    def _normed(self, g: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """a (g - mean(g) - z m), sum(g z) and sum(g), by torch's kernel."""
        return aten.native_batch_norm_backward(
            g, self.c, self.gamma, None, None, self.mean, self.r, True, EPSILON, [True, True, True]
        )

    def _kernel(self, w: Tensor) -> Tensor:
        return w.flatten(0, 1).contiguous(memory_format=LAST)

    def _named(self, w: Tensor, gamma: Tensor, beta: Tensor) -> Three:
        return w.unflatten(0, (self.tasks, -1)), gamma.view(self.tasks, -1), beta.view(self.tasks, -1)


class Last:
    """The head and the loss."""

    def __init__(self, h: Tensor, weight: Tensor, bias: Tensor, head: str) -> None:
        self.shape, self.mean, self.tasks = h.shape, head == "mean", len(weight)
        self.weight, self.features = weight, self._read(h)
        self.outputs = torch.baddbmm(bias.unsqueeze(1), self.features, weight.mT)

    def judged(self, loss: Callable[[Tensor, Tensor], Tensor], y: Tensor, *, again: bool) -> Tensor:
        """The losses [tasks]; e is found on the way."""
        with torch.enable_grad():
            self.at = self.outputs.detach().requires_grad_()
            losses = task_losses(loss, self.at, y, self.tasks)
            (self.slope,) = torch.autograd.grad(losses.sum(), self.at, create_graph=again)
        self.e = self.slope.detach()
        return losses.detach()

    def back(self, *, down: bool) -> tuple[Params, Tensor]:
        """The head's gradients, and that for the last block; an empty one unless it is wanted."""
        found = {"head.weight": self.e.mT @ self.features, "head.bias": self.e.sum(1)}
        return found, self._write(self.e @ self.weight) if down else self.e.new_empty(0)

    def turned(self, h: Tensor | None, V: Tensor, t: Tensor, by_loss: Tensor | None) -> tuple[Params, Tensor]:
        """How they change, given R h of the last block; plus ``by_loss`` [tasks] times the gradient."""
        change = torch.baddbmm(t.unsqueeze(1), self.features, V.mT)
        features = None if h is None else self._read(h)
        if features is not None:
            change = change.baddbmm_(features, self.weight.mT)
        with torch.enable_grad():
            (e,) = torch.autograd.grad(self.slope, self.at, change, retain_graph=True)
        if by_loss is not None:
            e = e + by_loss[:, None, None] * self.e
        weight = e.mT @ self.features
        if features is not None:
            weight = weight + self.e.mT @ features
        return {"head.weight": weight, "head.bias": e.sum(1)}, self._write(e @ self.weight + self.e @ V)

    def _read(self, h: Tensor) -> Tensor:
        """Features [tasks, N, features] of the last block's maps."""
        if self.mean:
            h = h.mean((2, 3), keepdim=True)
        return h.unflatten(1, (self.tasks, -1)).flatten(2).transpose(0, 1)

    def _write(self, by_features: Tensor) -> Tensor:
        """The gradient for the maps, given that for the features: new memory."""
        count, channels, *side = self.shape
        rows = by_features.transpose(0, 1).reshape(count, -1)
        if self.mean:
            maps = (rows / (side[0] * side[1]))[:, :, None, None].expand(self.shape)
        else:
            maps = rows.view(self.shape)
        return maps.clone(memory_format=LAST)


def across(value: Tensor) -> Tensor:
    """One number for each channel, for all its pixels."""
    return value[:, None, None]
