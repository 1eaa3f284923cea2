"""Conv-4's gradient and its Hessian times a vector with every derivative written out.

Kernels w, batch norm with mean and spread over a channel's pixels, loss L(l, y) of the logits l. conv, picture_of and kernel_of
are a convolution and its two derivatives (`mlteach.nets.conv`); a = gamma r, m = mean(g z).

    forward    c = conv(x, w),   z = (c - mean(c)) r,   n = gamma z + beta,   h = relu(pool(n)), the next block's x
               l = f W' + b for the features f: the last h, or its mean over the picture
    backward   e = dL/dl;   for W: e' f,   for b: the sum of e,   for f: e W
               g = what comes back for h, where h > 0, at the pixel that pooling took;   d = a (g - mean(g) - z m)
               for w: kernel_of(d, x),   for gamma: sum(g z),   for beta: sum(g),   for x: picture_of(d, w)

    H v        both passes again, differentiated in the direction (V, s, t) of (w, gamma, beta); R stands for "the change of":
               R c = conv(x, V) + conv(R x, w),   q = mean(R c z),   R n = a (R c - mean(R c) - z q) + s z + t
               R l = R f W' + f V' + t,   R e = (d2L/dl2) R l
               for W: R e' f + e' R f,   for b: the sum of R e,   for f: R e W + e V
               R h and R g pass where h and g passed
               R d = a (R g - mean(R g) - z mean(R g z)) + r (p - mean(p) - z (mean(p z) + a u))
                     with p = (s - a q) g - a m R c,   u = mean(g R c) - mean(g) mean(R c) - m q  (`mlteach.nets.norm_twice`)
               for w: kernel_of(R d, x) + kernel_of(d, R x),   for x: picture_of(R d, w) + picture_of(d, V)
               for gamma: sum(R g z) + count r u,   for beta: sum(R g)

Block 1 has one input channel: its norm is folded into its kernel (`mlteach.nets.folded`). The loss is differentiated by autograd:
l is small. ReLU and its mask work in place, and the picture's gradient, which nobody wants, is never computed.

The support gradient is one function to autograd whose derivative is H v: so any rule, any number of steps and whatever made the
parameters are autograd's as before. For a third derivative autograd goes through the network itself.

Source of the second pass: Pearlmutter 1994, "Fast exact multiplication by the Hessian".
"""

import functools
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mlteach.nets.conv import transformed
from mlteach.nets.conv4_blocks import Block, First, Last
from mlteach.nets.folded import Patches, patches_of
from mlteach.nets.loss import cross_entropy, squared_error, task_losses
from mlteach.nets.own import Found
from mlteach.params import Params

if TYPE_CHECKING:
    from mlteach.nets.conv4 import Conv4

LOSSES = (cross_entropy, squared_error)  # they depend on nothing but their arguments
BLOCKS = range(1, 5)
EXACT = (torch.float32, torch.float64)


class Conv4Passes:
    """`mlteach.nets.own.Passes` of a Conv-4 over the pictures x [tasks, N, 1, 28, 28] with the labels y."""

    def __init__(self, net: "Conv4", loss: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> None:
        self.net, self.loss, self.x, self.y = net, loss, x, y
        self.tasks, self.pictures = x.shape[:2]
        self.stride = 2 if net.pool == "stride" else 1
        self.names = (*net.body_names, *net.head_names)

    @property
    def largest(self) -> int:
        """The numbers in a task's largest maps, those of block 1."""
        return self.pictures * self.net.filters * (28 // self.stride) ** 2

    def fit(self, params: Params) -> bool:
        """Whether these are the network's parameters, one set for each task, in the pictures' precision."""
        return set(params) == set(self.names) and params["conv1.weight"].ndim == 5 and all(
            len(value) == self.tasks and value.dtype == self.x.dtype and value.device == self.x.device
            for value in params.values()
        )  # fmt: skip

    @functools.cached_property
    def seen(self) -> tuple[Tensor, Patches]:
        """The pictures as block 1 reads them, [N, tasks, 28, 28] channels last, and their patches: the same in every step."""
        # clone, not contiguous: for a single channel the latter leaves the slow layout
        x = self.x.transpose(0, 1).flatten(1, 2).clone(memory_format=torch.channels_last)
        return x, patches_of(x, self.stride)

    def gradient(self, params: Params, names: Collection[str] | None = None) -> Found:
        """Losses [tasks], logits [tasks, N, ways], and the losses' gradient for ``names`` (default all), without history."""
        with torch.no_grad():
            walk = Walk(self, params, self.names if names is None else names)
            losses, gradient = walk.back(again=False)
            return Found(losses, walk.last.outputs, gradient)

    def gradient_with_history(self, params: Params, names: Collection[str]) -> tuple[Tensor, Params]:
        """Losses [tasks] and their gradient for ``names``, to be differentiated further."""
        names = list(names)
        losses, *found = _Gradient.apply(self, names, *(params[name] for name in self.names))
        return losses, dict(zip(names, found, strict=True))

    def plainly(self, params: Params) -> Tensor:
        """The losses as autograd sees them."""
        return task_losses(self.loss, self.net(params, self.x), self.y, self.tasks)


def passes_of(
    net: "Conv4", loss: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor
) -> Conv4Passes | None:
    """`Conv4.passes`."""
    if loss not in LOSSES or x.device.type != "cpu" or x.dtype not in EXACT or x.requires_grad:
        return None
    if x.ndim != 5 or x.shape[2:] != (1, 28, 28) or not x.numel() or transformed():
        return None
    if torch.is_autocast_enabled("cpu") or y.requires_grad:
        return None
    return Conv4Passes(net, loss, x, y)


class Walk:
    """A forward pass, a backward pass as far down as ``names`` reach, and both once more in a direction.

    It keeps what the next of them needs, and none of its results: autograd hangs its graph on them, and the graph holds the walk.
    """

    def __init__(self, passes: Conv4Passes, params: Params, names: Collection[str]) -> None:
        net, self.passes, self.names = passes.net, passes, names
        ones = (
            {} if net.gamma else {f"norm{n}.gamma": torch.ones_like(params[f"norm{n}.beta"]) for n in BLOCKS}
        )
        self.params = params = params | ones
        self.lowest = min((int(name[4]) for name in names if not name.startswith("head")), default=5)
        x, patches = passes.seen
        self.blocks: list[First | Block] = []
        for number in BLOCKS:
            three = (
                params[f"conv{number}.weight"],
                params[f"norm{number}.gamma"],
                params[f"norm{number}.beta"],
            )
            if number == 1:
                self.blocks.append(First(x, patches, *three, passes.stride, net.pool))
            else:
                self.blocks.append(Block(x, *three, passes.stride, net.pool))
            x = self.blocks[-1].h
        self.last = Last(x, params["head.weight"], params["head.bias"], net.head)

    def back(self, *, again: bool) -> tuple[Tensor, Params]:
        """Losses [tasks] and gradient for the names, [tasks, ...] each; ``again``: whether H v comes later."""
        losses = self.last.judged(self.passes.loss, self.passes.y, again=again)
        found, g = self.last.back(down=self.lowest < 5)
        for number in range(4, self.lowest - 1, -1):
            block = self.blocks[number - 1] if again else self.blocks.pop()
            three, g = block.back(g, down=number > self.lowest, again=again)
            found |= named(number, three)
        return losses, {name: found[name] for name in self.names}

    def turned(self, by_loss: Tensor | None, v: Params) -> Params:
        """H v for all parameters, [tasks, ...] each, plus ``by_loss`` [tasks] times the gradient. What v lacks is zero in it."""
        v = {name: v[name] if name in v else torch.zeros_like(value) for name, value in self.params.items()}
        change: Tensor | None = None
        for number in range(self.lowest, 5):
            way = v[f"conv{number}.weight"], v[f"norm{number}.gamma"], v[f"norm{number}.beta"]
            change = self.blocks[number - 1].moved(change, *way)
        found, g = self.last.turned(change, v["head.weight"], v["head.bias"], by_loss)
        for number in reversed(BLOCKS):
            block = self.blocks[number - 1]
            if number >= self.lowest:
                three, g = block.turned(g)
            else:  # nothing here or below moves, and what comes down goes the first way
                three, g = block.back(g, down=number > 1, again=True)
            found |= named(number, three)
        return found


def named(number: int, three: tuple[Tensor, Tensor, Tensor]) -> Params:
    """A block's gradients by their names."""
    w, gamma, beta = three
    return {f"conv{number}.weight": w, f"norm{number}.gamma": gamma, f"norm{number}.beta": beta}


class _Gradient(torch.autograd.Function):
    """(parameters) -> losses and gradient; its derivative is H v."""

    @staticmethod
    def forward(ctx: Any, passes: Conv4Passes, names: list[str], *values: Tensor) -> tuple[Tensor, ...]:
        walk = Walk(passes, dict(zip(passes.names, values, strict=True)), names)
        losses, gradient = walk.back(again=True)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*values)
        ctx.passes, ctx.names, ctx.walk = passes, names, walk
        return losses, *gradient.values()

    @staticmethod
    def backward(ctx: Any, by_loss: Tensor | None, *v: Tensor | None) -> tuple[Tensor | None, ...]:
        values = ctx.saved_tensors
        given = {name: value for name, value in zip(ctx.names, v, strict=True) if value is not None}
        if torch.is_grad_enabled():  # a third derivative is wanted
            found = _plainly(ctx.passes, ctx.names, values, by_loss, given)
        else:
            found = ctx.walk.turned(by_loss, given)
        needs = zip(ctx.passes.names, ctx.needs_input_grad[2:], strict=True)
        return None, None, *(found[name] if need else None for name, need in needs)


def _plainly(
    passes: Conv4Passes, names: list[str], values: tuple[Tensor, ...], by_loss: Tensor | None, v: Params
) -> Params:
    """`Walk.turned` by autograd, for autograd to differentiate."""
    # views, so that what v owes to the parameters is not counted here: autograd follows that by itself
    params = {
        name: value.view_as(value) if value.requires_grad else value.detach().requires_grad_()
        for name, value in zip(passes.names, values, strict=True)
    }
    losses = passes.plainly(params)
    gradient = torch.autograd.grad(losses.sum(), [params[name] for name in names], create_graph=True)
    ends = [(g, v[name]) for name, g in zip(names, gradient, strict=True) if name in v]
    ends += [] if by_loss is None else [(losses, by_loss)]
    found = torch.autograd.grad(
        [end for end, _ in ends], list(params.values()), [each for _, each in ends],
        create_graph=True, allow_unused=True, materialize_grads=True,
    )  # fmt: skip
    return dict(zip(params, found, strict=True))
