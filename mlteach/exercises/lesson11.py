"""The exercises of lesson 11: loss landscapes."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake

# 11.1 ---------------------------------------------------------------------------------------------------------------


def fitted(direction: Tensor, weight: Tensor) -> Tensor:
    """The direction with every filter as long as the weight's; zero for a tensor with one axis."""
    if weight.ndim == 1:
        return torch.zeros_like(weight)
    ratio = weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)
    return direction * ratio.view(-1, *[1] * (weight.ndim - 1))


def _tensors() -> list[Case]:
    draw = torch.Generator().manual_seed(111)

    def pair(*shape: int) -> tuple[Tensor, Tensor]:
        direction, weight = torch.randn(2, *shape, generator=draw, dtype=torch.float64)
        return direction, weight * torch.linspace(0.5, 4, shape[0], dtype=torch.float64).view(
            -1, *[1] * (len(shape) - 1)
        )

    return [
        Case("a matrix [3, 5]", pair(3, 5)),
        Case("kernels [4, 2, 3, 3]", pair(4, 2, 3, 3)),
        Case("a bias [4]", pair(4)),
    ]


def _fit(
    ratio: Callable[[Tensor, Tensor], Tensor], *, bias: bool = False
) -> Callable[[Tensor, Tensor], Tensor]:
    """A wrong ratio for each filter; biases move by their own size, or stay as they should."""

    def wrong(direction: Tensor, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return direction * weight.abs() / direction.abs() if bias else torch.zeros_like(weight)
        return direction * ratio(direction, weight)

    return wrong


def _rows(tensor: Tensor) -> Tensor:
    return tensor.flatten(1).norm(dim=1).view(-1, *[1] * (tensor.ndim - 1))


def _columns(tensor: Tensor) -> Tensor:
    axes = [axis for axis in range(tensor.ndim) if axis != 1]
    return tensor.square().sum(axes, keepdim=True).sqrt()


def _slices(tensor: Tensor) -> Tensor:
    return tensor.square().sum([2, 3], keepdim=True).sqrt() if tensor.ndim == 4 else _rows(tensor)


def _whole_tensor(direction: Tensor, weight: Tensor) -> Tensor:
    return direction * weight.norm() / direction.norm()


FILTERS = Exercise(
    id="11.1",
    title="a direction that grows with the network",
    solution=fitted,
    cases=_tensors,
    mistakes=(
        Mistake(
            "You scale the tensor as a whole. Each filter, one slice along the first axis, has its own length and needs its "
            "own factor.",
            (_whole_tensor, _fit(lambda d, w: w.norm() / d.norm())),
        ),
        Mistake(
            "You multiply by the weight's length, but the direction still has its own as well. Divide by that first.",
            (_fit(lambda d, w: _rows(w)), _fit(lambda d, w: _rows(w), bias=True)),
        ),
        Mistake(
            "Your filters have length 1, whatever the network's are. Multiply by the length of the weight's filter.",
            (_fit(lambda d, w: 1 / _rows(d)), _fit(lambda d, w: 1 / _rows(d), bias=True)),
        ),
        Mistake(
            "You measure along the wrong axis. A filter is what feeds one output: a slice along the first axis.",
            (
                _fit(lambda d, w: _columns(w) / _columns(d)),
                _fit(lambda d, w: _columns(w) / _columns(d), bias=True),
            ),
        ),
        Mistake(
            "In a kernel you treat each 3 x 3 slice by itself. All input channels together feed one output: flatten them.",
            (_fit(lambda d, w: _slices(w) / _slices(d)),),
        ),
        Mistake(
            "You scale number by number, so only the signs of the direction are left. A filter keeps its direction and "
            "changes its length.",
            (lambda d, w: d * w.abs() / d.abs(), _fit(lambda d, w: w.abs() / d.abs())),
        ),
        Mistake(
            "That is the ratio of the squared lengths. Take the square root.",
            (_fit(lambda d, w: (_rows(w) / _rows(d)) ** 2),),
        ),
        Mistake(
            "The matrices are right. Tensors with one axis stay where they are: return zeros for them.",
            (_fit(lambda d, w: _rows(w) / _rows(d), bias=True), lambda d, w: d * _rows(w) / _rows(d)
             if w.ndim > 1 else d, lambda d, w: d * w.norm() / d.norm() if w.ndim == 1 else fitted(d, w)),
        ),
    ),
    hints=(
        "Three steps: the length of each filter of the direction, the length of each filter of the weight, and their ratio.",
        "`weight.flatten(1).norm(dim=1)` is one length for each filter. A tensor with `weight.ndim == 1` gets zeros.",
        "`return direction * ratio.view(-1, *[1] * (weight.ndim - 1))`, so that each filter meets its own factor.",
    ),
)  # fmt: skip

# 11.2 ---------------------------------------------------------------------------------------------------------------


def place(point: Tensor, origin: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Coordinates along x and y, and the distance to the plane."""
    offset = point - origin
    a, b = offset @ x / (x @ x), offset @ y / (y @ y)
    return a, b, (offset - a * x - b * y).norm()


def _planes() -> list[Case]:
    cases = []
    for seed, size in ((113, 6), (114, 40)):
        draw = torch.Generator().manual_seed(seed)
        point, origin, x, y = torch.randn(4, size, generator=draw, dtype=torch.float64)
        y = y - (y @ x) / (x @ x) * x
        cases.append(Case(f"{size} parameters", (point, origin, 0.3 * x, 2 * y)))
    return cases


def _place(
    by: Callable[[Tensor], Tensor] = lambda x: x @ x,
    *,
    origin_out: bool = False,
    distance: Callable[[Tensor, Tensor], Tensor] = lambda offset, left: left.norm(),
) -> Callable[..., Any]:
    def wrong(point: Tensor, origin: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        offset = point if origin_out else point - origin
        a, b = offset @ x / by(x), offset @ y / by(y)
        return a, b, distance(offset, offset - a * x - b * y)

    return wrong


PLACE = Exercise(
    id="11.2",
    title="where a point stands, and how far off the picture",
    solution=place,
    cases=_planes,
    mistakes=(
        Mistake(
            "You measure from zero. The picture's middle is origin: subtract it first.",
            (_place(origin_out=True),),
        ),
        Mistake(
            "x and y are not of length 1: divide by x @ x, so that origin + a x is the point's shadow.",
            (_place(lambda x: torch.ones_like(x[0])),),
        ),
        Mistake(
            "You divide by the length of x once: that is a distance, not a coordinate. Divide by x @ x.",
            (_place(lambda x: x.norm()),),
        ),
        Mistake(
            "Your third number is the distance to the origin. Take away what lies in the plane first.",
            (_place(distance=lambda offset, left: offset.norm()),),
        ),
        Mistake(
            "That is the squared distance. Take the square root.",
            (_place(distance=lambda offset, left: left @ left),),
        ),
        Mistake(
            "You return what is left over as a vector. Its length is asked for.",
            (_place(distance=lambda offset, left: left),),
        ),
        Mistake(
            "The distance is missing: a picture without it hides what it leaves out.",
            (lambda point, origin, x, y: place(point, origin, x, y)[:2],),
        ),
        Mistake(
            "That is the size of the shadow in the plane. What is asked is what the plane leaves out.",
            (_place(distance=lambda offset, left: (offset - left).norm()),),
        ),
    ),
    hints=(
        "First the offset from the origin. Then its shadow along x, and along y. Then what is left over.",
        "The shadow of the offset along x is `a * x` with `a = offset @ x / (x @ x)`. The two directions are at right angles.",
        "`return a, b, (offset - ...).norm()`",
    ),
)

# 11.3 ---------------------------------------------------------------------------------------------------------------

Loss = Callable[[Tensor], Tensor]


def hessian_times(loss: Loss, theta: Tensor, v: Tensor) -> Tensor:
    """The gradient of (gradient . v)."""
    (gradient,) = torch.autograd.grad(loss(theta), theta, create_graph=True)
    (product,) = torch.autograd.grad(gradient @ v, theta)
    return product


def _small_net(theta: Tensor) -> Tensor:
    x = torch.linspace(-1, 1, 7, dtype=theta.dtype)
    return ((torch.tanh(x[:, None] * theta[:3]) @ theta[3:6] - x.square()) ** 2).mean()


def _losses() -> list[Case]:
    draw = torch.Generator().manual_seed(112)

    def point(size: int) -> tuple[Tensor, Tensor]:
        theta, v = torch.randn(2, size, generator=draw, dtype=torch.float64)
        return theta.requires_grad_(), v

    return [
        Case("a network of six weights", (_small_net, *point(6))),
        Case("x y + y^3 on two weights", (lambda theta: theta[0] * theta[1] + theta[1] ** 3, *point(2))),
    ]


def _gradient(loss: Loss, theta: Tensor, create_graph: bool = False) -> Tensor:
    return torch.autograd.grad(loss(theta), theta, create_graph=create_graph)[0]


def _of_the_sum(loss: Loss, theta: Tensor) -> Tensor:
    return torch.autograd.grad(_gradient(loss, theta, True).sum(), theta)[0]


def _whole_step(loss: Loss, theta: Tensor, v: Tensor) -> Tensor:
    moved = (theta + v).detach().requires_grad_()
    return _gradient(loss, moved) - _gradient(loss, theta)


def _quadratic_form(loss: Loss, theta: Tensor, v: Tensor) -> Tensor:
    return hessian_times(loss, theta, v) @ v


HESSIAN = Exercise(
    id="11.3",
    title="the Hessian times a direction",
    solution=hessian_times,
    cases=_losses,
    mistakes=(
        Mistake(
            "That is the gradient: one derivative. The Hessian needs a second one, of gradient . v.",
            (lambda loss, theta, v: _gradient(loss, theta),),
        ),
        Mistake(
            "You multiply the gradient by v and stop there. Differentiate that product once more.",
            (
                lambda loss, theta, v: _gradient(loss, theta) * v,
                lambda loss, theta, v: _gradient(loss, theta) @ v,
            ),
        ),
        Mistake(
            "You differentiate the sum of the gradient: that is the Hessian times a vector of ones. Take gradient @ v.",
            (lambda loss, theta, v: _of_the_sum(loss, theta),),
        ),
        Mistake(
            "You multiply by v after the second derivative. v has to be inside it: differentiate gradient @ v.",
            (lambda loss, theta, v: _of_the_sum(loss, theta) * v,),
        ),
        Mistake(
            "A difference of two gradients, a whole v apart: that is right for a quadratic only. Differentiate instead.",
            (_whole_step,),
        ),
        Mistake("That is v . H v, one number. Return the vector H v.", (_quadratic_form,)),
    ),
    hints=(
        "The gradient's inner product with v is one number, and theta is still in it.",
        "`(gradient,) = torch.autograd.grad(loss(theta), theta, create_graph=True)`, so that it can be differentiated again.",
        "`torch.autograd.grad(gradient @ v, ...)`: by what, and which entry of the tuple?",
    ),
)

EXERCISES = (FILTERS, PLACE, HESSIAN)
