"""Parameters are dicts of tensors; this is their arithmetic.

With these few functions an algorithm reads as its equation: ``subtract(theta, scale(alpha, gradient))``.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Params = dict[str, Tensor]


def map_params(function: Callable[..., Tensor], *params: Params) -> Params:
    """Apply ``function`` to the tensors of the same name in each of ``params``."""
    return {name: function(*(each[name] for each in params)) for name in params[0]}


def add(a: Params, b: Params) -> Params:
    """a + b, name by name."""
    return map_params(torch.add, a, b)


def subtract(a: Params, b: Params) -> Params:
    """a - b, name by name."""
    return map_params(torch.sub, a, b)


def scale(factor: float | Tensor, a: Params) -> Params:
    """factor * a, name by name."""
    return {name: factor * value for name, value in a.items()}


def dot(a: Params, b: Params) -> Tensor:
    """The inner product of a and b as two long vectors, a scalar."""
    return torch.stack([(a[name] * b[name]).sum() for name in a]).sum()


def norm(a: Params) -> Tensor:
    """The Euclidean length of a as one long vector, a scalar."""
    return dot(a, a).sqrt()


def clip(a: Params, limit: float) -> Params:
    """a, shortened to the length ``limit`` where it is longer."""
    return scale((limit / norm(a)).clamp(max=1), a)


def widest(device: torch.device) -> torch.dtype:
    """float64, or float32 on a device that has no more (Apple's)."""
    return torch.float32 if device.type == "mps" else torch.float64


def in_double(value: Tensor) -> Tensor:
    """value in float64, or as it is on a device that has none."""
    return value if value.device.type == "mps" else value.double()


def detach(a: Params) -> Params:
    """The same numbers without their history."""
    return map_params(Tensor.detach, a)


def leaves(a: Params) -> Params:
    """The same numbers, without history, ready to be differentiated by."""
    return {name: value.detach().clone().requires_grad_() for name, value in a.items()}


def gradient_of(value: Tensor, by: Params) -> Params:
    """The gradient of the scalar ``value`` for each tensor of ``by``; zeros for those it does not depend on."""
    found = torch.autograd.grad(value, list(by.values()), allow_unused=True, materialize_grads=True)
    return dict(zip(by, found, strict=True))


def pull_back(pairs: Sequence[tuple[Params, Params]], by: Params) -> Params:
    """Gradients v for ``through``, pairs (v, through), as one gradient for ``by``, from which all was computed: v times the Jacobian."""
    moving = [
        (v[name], value) for v, through in pairs for name, value in through.items() if value.requires_grad
    ]
    found = torch.autograd.grad(
        [value for _, value in moving],
        list(by.values()),
        [v for v, _ in moving],
        allow_unused=True,
        materialize_grads=True,
    )
    return dict(zip(by, found, strict=True))


def stack(a: Params, tasks: int) -> Params:
    """Give every tensor a leading task axis of length ``tasks``; a view, so that gradients sum over the tasks."""
    return {name: value.expand(tasks, *value.shape) for name, value in a.items()}


def to_rows(a: Params) -> Tensor:
    """Each task's parameters as one row, [tasks, n], in the order of the names: `to_vector` for stacked ones."""
    return torch.cat([value.flatten(1) for value in a.values()], dim=1)


def from_rows(rows: Tensor, like: Params) -> Params:
    """The inverse of `to_rows`, with the names and shapes of ``like``."""
    parts = rows.split([value[0].numel() for value in like.values()], dim=1)
    return {name: part.reshape(like[name].shape) for name, part in zip(like, parts, strict=True)}


def task(a: Params, index: int) -> Params:
    """The parameters of one task out of stacked ones: [tasks, ...] -> [...]."""
    return {name: value[index] for name, value in a.items()}


def to_vector(a: Params) -> Tensor:
    """All numbers in one vector, in the order of the names in the dict."""
    return torch.cat([value.reshape(-1) for value in a.values()])


def from_vector(vector: Tensor, like: Params) -> Params:
    """The inverse of `to_vector`, with the names and shapes of ``like``."""
    sizes = [value.numel() for value in like.values()]
    return {n: part.reshape(like[n].shape) for n, part in zip(like, vector.split(sizes), strict=True)}
