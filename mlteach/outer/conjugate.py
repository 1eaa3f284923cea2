"""Conjugate gradient: A x = b where A is only known by what it does to a vector, for many tasks side by side."""

from collections.abc import Callable

import torch
from torch import Tensor


def conjugate_gradient(times: Callable[[Tensor], Tensor], b: Tensor, solves: int) -> Tensor:
    """x after ``solves`` iterations on A x = b from x = 0; one iteration is one product with A.

    times: x -> A x, both [..., n], with A symmetric and positive for each task. b: [..., n]. Every task has step lengths of
    its own, as if it were solved alone. A direction along which A is not positive, or a residual that is zero, ends that
    task's iteration where it is.

    Source: Hestenes and Stiefel 1952. Taught in: lesson 14.
    """
    x, r = torch.zeros_like(b), b
    p, rr = r, r.square().sum(-1, keepdim=True)
    for _ in range(solves):
        Ap = times(p)
        curvature = (p * Ap).sum(-1, keepdim=True)
        length = torch.where(curvature > 0, rr / curvature, 0.0)
        x, r = x + length * p, r - length * Ap
        new = r.square().sum(-1, keepdim=True)
        p, rr = r + torch.where(rr > 0, new / rr, 0.0) * p, new
    return x


def richardson(times: Callable[[Tensor], Tensor], b: Tensor, solves: int, rate: float, x: Tensor) -> Tensor:
    """x after ``solves`` steps of gradient descent on A x = b from ``x``: x <- x - rate (A x - b). All [..., n].

    What going back through unrolled steps amounts to: the slow way to the same place.

    Source: Richardson 1910. Taught in: lesson 14.
    """
    for _ in range(solves):
        x = x - rate * (times(x) - b)
    return x
