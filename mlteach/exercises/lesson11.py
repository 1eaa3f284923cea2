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


def _scaled(came: Tensor, direction: Tensor) -> bool:
    """Whether every filter is a number times the direction's."""
    parts, filters = came.flatten(1), direction.flatten(1)
    share = (parts * filters).sum(1, keepdim=True) / filters.square().sum(1, keepdim=True)
    return torch.allclose(parts, share * filters, rtol=0, atol=1e-9)


def _whole_tensor(direction: Tensor, weight: Tensor) -> Tensor:
    return direction * weight.norm() / direction.norm()


def _measured(length: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """Filters made equal in another length: one number for each row of what is flattened."""

    def ratio(direction: Tensor, weight: Tensor) -> Tensor:
        factors = length(weight.flatten(1)) / length(direction.flatten(1))
        return factors.view(-1, *[1] * (weight.ndim - 1))

    return _fit(ratio)


def _with_bias(bias: Callable[[Tensor, Tensor], Any]) -> Callable[[Tensor, Tensor], Any]:
    """Right for matrices and kernels, something else for a tensor with one axis."""
    return lambda d, w: bias(d, w) if w.ndim == 1 else fitted(d, w)


def _draw_tensor(generator: torch.Generator) -> Case:
    axes = (2, 4)[int(torch.randint(2, (), generator=generator))]
    shape = [int(n) for n in torch.randint(2, 5, (axes,), generator=generator)]
    direction, weight = torch.randn(2, *shape, generator=generator, dtype=torch.float64)
    scales = torch.rand(shape[0], generator=generator, dtype=torch.float64) * 4 + 0.2
    return Case(f"drawn, {shape}", (direction, weight * scales.view(-1, *[1] * (axes - 1))))


FILTERS = Exercise(
    id="11.1",
    title="a direction that grows with the network",
    solution=fitted,
    cases=_tensors,
    draw=_draw_tensor,
    differentiable=(),
    mistakes=(
        Mistake(
            "The ratio is upside down: the direction's own length is what you divide by.",
            (_fit(lambda d, w: _rows(d) / _rows(w)), lambda d, w: d * d.norm() / w.norm() if w.ndim > 1 else torch.zeros_like(w)),
        ),
        Mistake(
            "That is the root of the ratio. Take the ratio of the lengths as it is.",
            (_fit(lambda d, w: (_rows(w) / _rows(d)).sqrt()),),
        ),
        Mistake(
            "All filters get one factor. Each has a length of its own, and so a factor of its own.",
            (
                _fit(lambda d, w: (_rows(w) / _rows(d))[0]),
                _fit(lambda d, w: (_rows(w) / _rows(d)).mean()),
                _fit(lambda d, w: _rows(w).mean() / _rows(d).mean()),
                _fit(lambda d, w: (_rows(w) / _rows(d)).max()),
                _fit(lambda d, w: _rows(w).mean() / _rows(d)),
                _fit(lambda d, w: _rows(w) / _rows(d).mean()),
                _fit(lambda d, w: w.norm() / _rows(d)),
                _fit(lambda d, w: _rows(w) / d.norm()),
            ),
        ),
        Mistake(
            "You measure the filters in another way. Their Euclidean length is meant: the root of the sum of the squares.",
            (
                _measured(lambda f: f.abs().amax(1)),
                _measured(lambda f: f.abs().sum(1)),
                _measured(lambda f: f.abs().mean(1)),
                _measured(lambda f: f.std(1)),
                _measured(lambda f: f.std(1, correction=0)),
                _measured(lambda f: f.sum(1)),
                _measured(lambda f: f.mean(1)),
            ),
        ),
        Mistake(
            "You scale the weight, or add it. What comes out is the direction, with the weight's lengths.",
            (
                lambda d, w: torch.zeros_like(w) if w.ndim == 1 else w * _rows(w) / _rows(d),
                lambda d, w: torch.zeros_like(w) if w.ndim == 1 else w * _rows(d) / _rows(w),
                lambda d, w: torch.zeros_like(w) if w.ndim == 1 else w / _rows(d),
                lambda d, w: torch.zeros_like(w) if w.ndim == 1 else w / _rows(w),
                lambda d, w: w,
                lambda d, w: torch.zeros_like(w) if w.ndim == 1 else w + d * _rows(w) / _rows(d),
                lambda d, w: torch.zeros_like(w) if w.ndim == 1 else w - d * _rows(w) / _rows(d),
            ),
        ),
        Mistake(
            "One filter is scaled, or returned, and the others are not. Each of them gets its own factor.",
            (
                lambda d, w: torch.zeros_like(w) if w.ndim == 1 else torch.cat([fitted(d, w)[:1], d[1:]]),
                lambda d, w: torch.zeros_like(w) if w.ndim == 1 else torch.cat([d[:-1], fitted(d, w)[-1:]]),
                lambda d, w: torch.zeros_like(w) if w.ndim == 1 else fitted(d, w)[0],
                lambda d, w: torch.zeros_like(w) if w.ndim == 1 else fitted(d, w)[-1],
                lambda d, w: torch.zeros_like(w) if w.ndim == 1 else torch.cat([fitted(d, w)[:1], torch.zeros_like(d[1:])]),
            ),
        ),
        Mistake(
            "Something is added to the length before you divide, so the filters come out too short. Drop it, or make it 1e-12.",
            tuple(
                _fit(lambda d, w, more=more: _rows(w) / (_rows(d) + more))  # type: ignore[misc]
                for more in (1, 0.1, 0.01, 1e-3, 1e-4)
            ),
        ),
        Mistake(
            "Each filter points where the direction's does, but it is not as long as the weight's filter.",
            (),
            looks=lambda inputs, right, came: inputs[1].ndim > 1 and _scaled(came, inputs[0]),
        ),
        Mistake(
            "Your filters no longer point where the direction's do. Each is multiplied by one number, the ratio of the lengths.",
            (),
            looks=lambda inputs, right, came: (
                inputs[1].ndim > 1 and came.shape == right.shape and not _scaled(came, inputs[0])
            ),
        ),
        Mistake(
            "You have exchanged the first two axes. What comes out has the shape of the weight.",
            (
                lambda d, w: torch.zeros_like(w) if w.ndim == 1 else fitted(d.mT, w.mT) if w.ndim == 2 else fitted(d.transpose(0, 1), w.transpose(0, 1)),
                lambda d, w: torch.zeros_like(w) if w.ndim == 1 else fitted(d, w).transpose(0, 1),
            ),
        ),
        Mistake(
            "The direction as it came is in your answer too, added or taken away. Only the scaled one is asked for.",
            (
                lambda d, w: torch.zeros_like(w) if w.ndim == 1 else d - d * _rows(w) / _rows(d),
                lambda d, w: torch.zeros_like(w) if w.ndim == 1 else d + d * _rows(w) / _rows(d),
            ),
        ),
        Mistake(
            "You add lengths to the direction, or take them away. To be as long it is multiplied.",
            (
                lambda d, w: torch.zeros_like(w) if w.ndim == 1 else d + _rows(w) - _rows(d),
                lambda d, w: torch.zeros_like(w) if w.ndim == 1 else d - _rows(d) + _rows(w),
                lambda d, w: torch.zeros_like(w) if w.ndim == 1 else d * (_rows(w) - _rows(d)),
                lambda d, w: torch.zeros_like(w) if w.ndim == 1 else d + _rows(w) / _rows(d),
                lambda d, w: torch.zeros_like(w) if w.ndim == 1 else d + _rows(w),
            ),
        ),
        Mistake(
            "For a tensor with one axis you return something else than zeros like it.",
            (
                _with_bias(lambda d, w: w),
                _with_bias(lambda d, w: torch.ones_like(w)),
                _with_bias(lambda d, w: 0.0),
                _with_bias(lambda d, w: 0),
                _with_bias(lambda d, w: torch.zeros(())),
                _with_bias(lambda d, w: torch.zeros(1)),
                _with_bias(lambda d, w: w * d),
                _with_bias(lambda d, w: d / d.norm()),
            ),
        ),
        Mistake(
            "You return the factors alone. Multiply the direction by them.",
            (
                lambda d, w: torch.zeros_like(w) if w.ndim == 1 else (_rows(w) / _rows(d)).flatten(),
                lambda d, w: torch.zeros_like(w) if w.ndim == 1 else _rows(w) / _rows(d),
                lambda d, w: torch.zeros_like(w) if w.ndim == 1 else _rows(w).flatten(),
            ),
        ),
        Mistake(
            "Your factors run along the wrong axis: factor k belongs to slice k of the first axis, so it needs axes of length 1 behind it.",
            (
                _fit(lambda d, w: w.flatten(1).norm(dim=0).view(w.shape[1:]) / d.flatten(1).norm(dim=0).view(w.shape[1:])),
                _fit(lambda d, w: w.norm(dim=0, keepdim=True) / d.norm(dim=0, keepdim=True)),
            ),
        ),
        Mistake(
            "You measure the last axis alone. In a kernel a filter has three axes: flatten all but the first.",
            (_fit(lambda d, w: w.norm(dim=-1, keepdim=True) / d.norm(dim=-1, keepdim=True)), _fit(lambda d, w: w.norm(dim=1, keepdim=True) / d.norm(dim=1, keepdim=True))),
        ),
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
            "Only the signs of the direction are left. Its numbers count, up to one factor for each filter.",
            (
                _fit(lambda d, w: _rows(w) / _rows(d) / d.abs()),
                _fit(lambda d, w: _rows(w) / d.abs()),
                _fit(lambda d, w: _rows(w) / _rows(d.sign()) / d.abs()),
            ),
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


def _parts(
    a: Callable[[Tensor, Tensor], Any] = lambda offset, x: offset @ x / (x @ x),
    b: Callable[[Tensor, Tensor], Any] | None = None,
    left: Callable[[Tensor, Tensor, Tensor], Any] = lambda offset, along_x, along_y: (
        offset - along_x - along_y
    ).norm(),
    offset: Callable[[Tensor, Tensor], Tensor] = lambda point, origin: point - origin,
) -> Callable[..., Any]:
    """The three numbers, one or more of them wrong; the third is taken from the right shadows."""

    def wrong(point: Tensor, origin: Tensor, x: Tensor, y: Tensor) -> Any:
        off = offset(point, origin)
        shadows = [v * (off @ v) / (v @ v) for v in (x, y)]
        return a(off, x), (b or a)(off, y), left(off, *shadows)

    return wrong


def _turned(order: tuple[int, ...]) -> Callable[..., Any]:
    return lambda *inputs: tuple(place(*inputs)[k] for k in order)


def _right_coordinate(offset: Tensor, x: Tensor) -> Tensor:
    return offset @ x / (x @ x)


def _shadow(point: Tensor, origin: Tensor, x: Tensor, y: Tensor) -> Tensor:
    a, b, _ = place(point, origin, x, y)
    return a * x + b * y


def _by_offset(
    point: Tensor, origin: Tensor, x: Tensor, y: Tensor, by: Callable[[Tensor, Tensor], Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Divided by something that holds the offset; the third number follows from the first two."""
    offset = point - origin
    a, b = offset @ x / by(offset, x), offset @ y / by(offset, y)
    return a, b, (offset - a * x - b * y).norm()


def _place_by(
    along: Callable[[Tensor, Tensor], Tensor], along_y: Callable[[Tensor, Tensor], Tensor] | None = None
) -> Callable[..., Any]:
    """Two wrong coordinates, or one, and the third number as it follows from them."""

    def wrong(point: Tensor, origin: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        offset = point - origin
        a, b = along(offset, x), (along_y or along)(offset, y)
        return a, b, (offset - a * x - b * y).norm()

    return wrong


def _place_at(offset: Tensor, x: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Two coordinates, and the third number as it follows from them."""
    return a, b, (offset - a * x - b * y).norm()


def _pythagoras(root: Callable[[Tensor], Tensor]) -> Callable[..., Any]:
    """The distance as if x and y were of length 1."""

    def wrong(point: Tensor, origin: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        a, b, _ = place(point, origin, x, y)
        offset = point - origin
        return a, b, root(offset @ offset - a**2 - b**2)

    return wrong


def _crossed(pick: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> Callable[..., Any]:
    """The right coordinates, and a distance from other ones."""

    def wrong(point: Tensor, origin: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        a, b, _ = place(point, origin, x, y)
        for_x, for_y = pick(a, b)
        return a, b, (point - origin - for_x * x - for_y * y).norm()

    return wrong


def _distance_fits(inputs: tuple[Any, ...], right: Any, came: Any) -> bool:
    """Whether the distance is that from the place with the coordinates that came."""
    point, origin, x, y = inputs
    a, b, distance = (float(each) for each in came)
    return abs(float((point - origin - a * x - b * y).norm()) - distance) < 1e-9


def _rounded(digits: int, count: int) -> Callable[..., Any]:
    """The first ``count`` of the three numbers rounded."""

    def wrong(point: Tensor, origin: Tensor, x: Tensor, y: Tensor) -> tuple[float, ...]:
        numbers = [float(each) for each in place(point, origin, x, y)]
        return (*(round(each, digits) for each in numbers[:count]), *numbers[count:])

    return wrong


def _draw_picture(generator: torch.Generator) -> Case:
    size = int(torch.randint(3, 12, (), generator=generator))
    point, origin, x, y = torch.randn(4, size, generator=generator, dtype=torch.float64)
    y = y - (y @ x) / (x @ x) * x
    lengths = torch.rand(2, generator=generator, dtype=torch.float64) * 2 + 0.2
    return Case(f"{size} parameters, drawn", (point, origin, lengths[0] * x, lengths[1] * y))


PLACE = Exercise(
    id="11.2",
    title="where a point stands, and how far off the picture",
    solution=place,
    cases=_planes,
    draw=_draw_picture,
    outputs=("the coordinate along x", "the coordinate along y", "the distance"),
    differentiable=(),
    mistakes=(
        Mistake(
            "Your third output is a point, or the way to it. Give how far the point is from its shadow: one number.",
            (
                lambda point, origin, x, y: (
                    *place(point, origin, x, y)[:2],
                    origin + _shadow(point, origin, x, y),
                ),
                lambda point, origin, x, y: (*place(point, origin, x, y)[:2], _shadow(point, origin, x, y)),
                lambda point, origin, x, y: (*place(point, origin, x, y)[:2], point - origin),
            ),
        ),
        Mistake(
            "@ and / go from left to right: put brackets around x @ x, and around y @ y.",
            (
                _place_by(lambda o, v: o @ v / v @ v),
                _place_by(lambda o, v: o @ v / v @ v, _right_coordinate),
                _place_by(_right_coordinate, lambda o, v: o @ v / v @ v),
            ),
        ),
        Mistake(
            "What is taken away is x and y as they are, or both with one coordinate. The shadow is a * x + b * y.",
            (
                lambda point, origin, x, y: (
                    *place(point, origin, x, y)[:2],
                    (point - origin - x - y).norm(),
                ),
                _crossed(lambda a, b: (a, a)),
                _crossed(lambda a, b: (b, b)),
            ),
        ),
        Mistake(
            "That is the distance as a share of something else, or another vector's. It is asked for as it is.",
            (
                _place(distance=lambda offset, left: left.norm() / offset.norm()),
                _place(distance=lambda offset, left: left @ left / (offset @ offset)),
                _place(distance=lambda offset, left: left.norm() / (offset - left).norm()),
                lambda point, origin, x, y: (*place(point, origin, x, y)[:2], (point - origin - x).norm()),
                lambda point, origin, x, y: (*place(point, origin, x, y)[:2], (point - x).norm()),
            ),
        ),
        Mistake(
            "You project the origin, or put the point in where the offset should stand. The offset is point - origin.",
            (
                lambda point, origin, x, y: _place_at(
                    point - origin, x, y, origin @ x / (x @ x), (point - origin) @ y / (y @ y)
                ),
                lambda point, origin, x, y: _place_at(
                    point - origin, x, y, (point - origin) @ x / (x @ x), origin @ y / (y @ y)
                ),
                lambda point, origin, x, y: _place_at(
                    point - origin, x, y, origin @ x / (x @ x), origin @ y / (y @ y)
                ),
            ),
        ),
        Mistake(
            "You divide one length by the other: right for an offset that points along x alone. Its shadow is offset @ x / (x @ x).",
            (
                _place_by(lambda o, v: o.norm() / v.norm()),
                _parts(lambda o, x: o.norm() / x.norm()),
            ),
        ),
        Mistake(
            "The coordinates are right. The distance is that of the point from its shadow, origin + a * x + b * y.",
            (),
            looks=lambda inputs, right, came: (
                len(came) == 3 and all(abs(float(came[k]) - float(right[k])) < 1e-9 for k in (0, 1))
            ),
        ),
        Mistake(
            "The distance is measured as it should, but the coordinates are not those of the shadow: what is left over has to be at "
            "right angles to x and to y.",
            (),
            looks=_distance_fits,
        ),
        Mistake(
            "You multiply by the length of x, or its square. Divide: an x twice as long makes the coordinate half as large.",
            (
                _place_by(lambda o, v: o @ v * (v @ v)),
                _place_by(lambda o, v: o @ v * v.norm()),
                _parts(lambda o, x: o @ x * (x @ x)),
                _parts(lambda o, x: o @ x * x.norm()),
            ),
        ),
        Mistake(
            "You take two of the point's own numbers. A coordinate is the shadow along x, and along y, which point anywhere.",
            (
                lambda point, origin, x, y: _place_at(point - origin, x, y, *(point - origin)[:2]),
                lambda point, origin, x, y: _place_at(point - origin, x, y, *point[:2]),
            ),
        ),
        Mistake(
            "x stands where y should, or y where x should: along y it is offset @ y / (y @ y).",
            (
                lambda point, origin, x, y: _place_at(
                    point - origin, x, y, *[(point - origin) @ x / (x @ x)] * 2
                ),
                lambda point, origin, x, y: _place_at(
                    point - origin, x, y, *[(point - origin) @ y / (y @ y)] * 2
                ),
                lambda point, origin, x, y: _place_at(
                    point - origin, x, y, (point - origin) @ x / (x @ x), (point - origin) @ x / (y @ y)
                ),
                lambda point, origin, x, y: _place_at(
                    point - origin, x, y, (point - origin) @ y / (x @ x), (point - origin) @ y / (y @ y)
                ),
                lambda point, origin, x, y: _place_at(
                    point - origin, y, x, (point - origin) @ x / (x @ x), (point - origin) @ y / (y @ y)
                ),
            ),
        ),
        Mistake(
            "Pythagoras holds for lengths: the shadow along x is a times as long as x, so its square is a**2 * (x @ x), not a**2.",
            (
                _pythagoras(lambda square: square.abs().sqrt()),
                _pythagoras(lambda square: square.clamp(min=0).sqrt()),
                _pythagoras(lambda square: square.sqrt()),
                _pythagoras(lambda square: square),
            ),
        ),
        Mistake(
            "One of the two coordinates is measured from zero: point in place of point - origin.",
            (
                lambda point, origin, x, y: _place_at(
                    point - origin, x, y, (point - origin) @ x / (x @ x), point @ y / (y @ y)
                ),
                lambda point, origin, x, y: _place_at(
                    point - origin, x, y, point @ x / (x @ x), (point - origin) @ y / (y @ y)
                ),
            ),
        ),
        Mistake(
            "Both coordinates are measured from zero, and the distance from the origin: take the offset all through.",
            (
                lambda point, origin, x, y: _place_at(
                    point - origin, x, y, point @ x / (x @ x), point @ y / (y @ y)
                ),
            ),
        ),
        Mistake(
            "The origin is taken away a second time: the offset has lost it already.",
            (
                lambda point, origin, x, y: (
                    *place(point, origin, x, y)[:2],
                    (point - origin - origin - _shadow(point, origin, x, y)).norm(),
                ),
            ),
        ),
        Mistake(
            "You round. Return the numbers as they are; how many digits to print is decided later.",
            tuple(_rounded(digits, count) for digits in (1, 2, 3, 4) for count in (2, 3)),
        ),
        Mistake(
            "One of the two coordinates is not divided by the square of its own direction's length.",
            (
                _parts(b=lambda offset, y: offset @ y),
                _place_by(_right_coordinate, lambda offset, y: offset @ y),
                _place_by(_right_coordinate, lambda offset, y: offset @ y / y.norm()),
                _place_by(lambda offset, x: offset @ x, _right_coordinate),
                _place_by(lambda offset, x: offset @ x / x.norm(), _right_coordinate),
                lambda point, origin, x, y: _place_by(_right_coordinate, lambda o, v: o @ v / (x @ x))(
                    point, origin, x, y
                ),
                lambda point, origin, x, y: _place_by(lambda o, v: o @ v / (y @ y), _right_coordinate)(
                    point, origin, x, y
                ),
                _parts(b=lambda offset, y: offset @ y / y.norm()),
                _parts(lambda offset, x: offset @ x, _right_coordinate),
                _parts(lambda offset, x: offset @ x / x.norm(), _right_coordinate),
                lambda point, origin, x, y: (
                    place(point, origin, x, y)[0],
                    (point - origin) @ y / (x @ x),
                    place(point, origin, x, y)[2],
                ),
                lambda point, origin, x, y: ((point - origin) @ x / (y @ y), *place(point, origin, x, y)[1:]),
            ),
        ),
        Mistake(
            "You divide by the offset's length: that is the cosine of an angle. A coordinate says how many times x.",
            (
                lambda point, origin, x, y: _by_offset(point, origin, x, y, lambda o, v: o.norm() * v.norm()),
                lambda point, origin, x, y: _by_offset(point, origin, x, y, lambda o, v: o @ o),
                lambda point, origin, x, y: _by_offset(point, origin, x, y, lambda o, v: o.norm()),
            ),
        ),
        Mistake(
            "The three numbers stand in another order: along x, along y, then the distance.",
            (
                _turned((1, 0, 2)),
                _turned((2, 0, 1)),
                _turned((0, 2, 1)),
                _turned((2, 1, 0)),
                _turned((1, 2, 0)),
            ),
        ),
        Mistake(
            "Only one shadow is taken away. What is left over lies off both directions.",
            (
                _parts(left=lambda o, sx, sy: (o - sx).norm()),
                _parts(left=lambda o, sx, sy: (o - sy).norm()),
            ),
        ),
        Mistake(
            "The shadows are added. Take them away from the offset: what is left is what the picture leaves out.",
            (
                _parts(left=lambda o, sx, sy: (o + sx + sy).norm()),
                _parts(left=lambda o, sx, sy: (o - sx + sy).norm()),
                _parts(left=lambda o, sx, sy: (o + sx - sy).norm()),
            ),
        ),
        Mistake(
            "The coordinates are right, but the distance is measured from the point as it is, not from its offset.",
            (
                lambda point, origin, x, y: (
                    *place(point, origin, x, y)[:2],
                    (point - _shadow(point, origin, x, y)).norm(),
                ),
                lambda point, origin, x, y: (
                    *place(point, origin, x, y)[:2],
                    (origin - _shadow(point, origin, x, y)).norm(),
                ),
                lambda point, origin, x, y: (
                    *place(point, origin, x, y)[:2],
                    (origin + _shadow(point, origin, x, y)).norm(),
                ),
                lambda point, origin, x, y: (*place(point, origin, x, y)[:2], point.norm()),
            ),
        ),
        Mistake(
            "You measure what is left over in another way. Its Euclidean length is meant: the root of the sum of the squares.",
            (
                _parts(left=lambda o, sx, sy: (o - sx - sy).abs().sum()),
                _parts(left=lambda o, sx, sy: (o - sx - sy).abs().max()),
                _parts(left=lambda o, sx, sy: (o - sx - sy).abs().mean()),
                _parts(left=lambda o, sx, sy: (o - sx - sy).sum()),
                _parts(left=lambda o, sx, sy: (o - sx - sy).sum().abs()),
                _parts(left=lambda o, sx, sy: (o - sx - sy).square().mean().sqrt()),
                _parts(left=lambda o, sx, sy: (o - sx - sy).square().mean()),
                _parts(left=lambda o, sx, sy: (o - sx - sy).std()),
            ),
        ),
        Mistake(
            "You return lengths along the directions. A coordinate says how many times x it is, whatever x's length.",
            (
                lambda point, origin, x, y: (
                    place(point, origin, x, y)[0] * x.norm(),
                    place(point, origin, x, y)[1] * y.norm(),
                    place(point, origin, x, y)[2],
                ),
                lambda point, origin, x, y: (
                    (place(point, origin, x, y)[0] * x).norm(),
                    (place(point, origin, x, y)[1] * y).norm(),
                    place(point, origin, x, y)[2],
                ),
            ),
        ),
        Mistake(
            "You return the shadows, which are vectors. Their coordinates are asked for: one number along x, one along y.",
            (
                lambda point, origin, x, y: (
                    place(point, origin, x, y)[0] * x,
                    place(point, origin, x, y)[1] * y,
                    place(point, origin, x, y)[2],
                ),
                lambda point, origin, x, y: (_shadow(point, origin, x, y), place(point, origin, x, y)[2]),
                lambda point, origin, x, y: (
                    origin + _shadow(point, origin, x, y),
                    place(point, origin, x, y)[2],
                ),
            ),
        ),
        Mistake(
            "You multiply number by number. The shadow takes the sum of the products: offset @ x.",
            (
                _place_by(lambda o, v: (o * v / (v * v)).mean()),
                _parts(lambda o, x: (o * x / (x * x)).mean()),
                _parts(lambda o, x: (o * x / (x * x)).sum()),
                _parts(lambda o, x: (o * x).mean() / (x @ x)),
                _parts(lambda o, x: o * x / (x @ x)),
                _parts(lambda o, x: (o / x).mean()),
                _parts(lambda o, x: o / x),
                _place_by(lambda o, v: o * v / (v * v)),
                _place_by(lambda o, v: o * v / (v @ v)),
                _place_by(lambda o, v: o * v),
            ),
        ),
        Mistake(
            "The coordinates have lost their sign: a point may lie on either side of the origin.",
            (_parts(lambda o, x: (o @ x / (x @ x)).abs()),),
        ),
        Mistake(
            "The offset is turned round: it is point - origin, the way from the middle of the picture to the point.",
            (_parts(offset=lambda point, origin: origin - point),),
        ),
        Mistake(
            "You take the origin away from x and y. They are directions already, not points.",
            (
                lambda point, origin, x, y: place(point, origin, x - origin, y - origin),
                lambda point, origin, x, y: _place_by(lambda o, v: o @ (v - origin) / (v @ v))(
                    point, origin, x, y
                ),
                lambda point, origin, x, y: _by_offset(
                    point, origin, x - origin, y - origin, lambda o, v: v @ v
                ),
                lambda point, origin, x, y: _place_by(
                    lambda o, v: o @ (v - origin) / ((v - origin) @ (v - origin))
                )(point, origin, x, y),
                lambda point, origin, x, y: (
                    (point - origin) @ (x - origin) / (x @ x),
                    (point - origin) @ (y - origin) / (y @ y),
                    place(point, origin, x, y)[2],
                ),
            ),
        ),
        Mistake(
            "You return one number alone, or two. Three are asked for: along x, along y, and the distance.",
            (
                lambda *inputs: place(*inputs)[2],
                lambda *inputs: place(*inputs)[0],
                lambda *inputs: place(*inputs)[1:],
                lambda *inputs: (place(*inputs)[:2], place(*inputs)[2]),
            ),
        ),
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


def _draw_loss(generator: torch.Generator) -> Case:
    theta, v = torch.randn(2, 6, generator=generator, dtype=torch.float64)
    return Case("a network of six weights, drawn", (_small_net, theta.requires_grad_(), v))


def _gradient(loss: Loss, theta: Tensor, create_graph: bool = False) -> Tensor:
    return torch.autograd.grad(loss(theta), theta, create_graph=create_graph)[0]


def _of_the_sum(loss: Loss, theta: Tensor) -> Tensor:
    return torch.autograd.grad(_gradient(loss, theta, True).sum(), theta)[0]


def _whole_step(loss: Loss, theta: Tensor, v: Tensor) -> Tensor:
    moved = (theta + v).detach().requires_grad_()
    return _gradient(loss, moved) - _gradient(loss, theta)


def _quadratic_form(loss: Loss, theta: Tensor, v: Tensor) -> Tensor:
    return hessian_times(loss, theta, v) @ v


def _hessian(loss: Loss, theta: Tensor) -> Tensor:
    rows = _gradient(loss, theta, True)
    return torch.stack([torch.autograd.grad(row, theta, retain_graph=True)[0] for row in rows])


def _of(scalar: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Loss, Tensor, Tensor], Tensor]:
    """The gradient of another number made of gradient and v."""
    return lambda loss, theta, v: torch.autograd.grad(scalar(_gradient(loss, theta, True), v), theta)[0]


def _then(change: Callable[[Tensor, Tensor], Any]) -> Callable[[Loss, Tensor, Tensor], Any]:
    """H v, and something done to it."""
    return lambda loss, theta, v: change(hessian_times(loss, theta, v), v)


def _apart(step: float, divided: bool = True, sides: int = 1) -> Callable[[Loss, Tensor, Tensor], Tensor]:
    """A difference of two gradients, the points a step along v apart."""

    def wrong(loss: Loss, theta: Tensor, v: Tensor) -> Tensor:
        at = theta.detach()
        ahead, behind = ((at + s * step * v).requires_grad_() for s in (1, 1 - sides))
        return (_gradient(loss, ahead) - _gradient(loss, behind)) / (sides * step if divided else 1)

    return wrong


def _at_v(loss: Loss, theta: Tensor, v: Tensor) -> Tensor:
    return hessian_times(loss, v.detach().clone().requires_grad_(), theta.detach())


HESSIAN = Exercise(
    id="11.3",
    title="the Hessian times a direction",
    solution=hessian_times,
    cases=_losses,
    draw=_draw_loss,
    differentiable=(),
    mistakes=(
        Mistake(
            "You multiply the gradient by itself. The direction that comes in is v.",
            (
                _of(lambda g, v: g @ g),
                _of(lambda g, v: g @ g / 2),
                _of(lambda g, v: g.norm()),
            ),
        ),
        Mistake(
            "You change v. It comes in with the length it should have.",
            (
                _of(lambda g, v: g @ v / v.norm()),
                _of(lambda g, v: g @ v.abs()),
                _of(lambda g, v: g @ v.sign()),
                _of(lambda g, v: g @ v**2),
            ),
        ),
        Mistake(
            "You change gradient @ v before you differentiate it: its square, its size, a cosine. Differentiate it as it is.",
            (
                _of(lambda g, v: (g @ v) ** 2),
                _of(lambda g, v: (g @ v) ** 2 / 2),
                _of(lambda g, v: (g * v).norm()),
                _of(lambda g, v: (g * v).square().sum()),
                _of(lambda g, v: g @ v / (g.norm() * v.norm())),
                _of(lambda g, v: (g - v).square().sum()),
                _of(lambda g, v: (g + v).square().sum()),
            ),
        ),
        Mistake(
            "You go on with H v: bring it to length 1, put it along v, divide by v @ v. H v itself is asked for.",
            (
                _then(lambda h, v: h / h.norm()),
                _then(lambda h, v: (h @ v) * v),
                _then(lambda h, v: (h @ v) * v / (v @ v)),
                _then(lambda h, v: h * v),
                lambda loss, theta, v: hessian_times(loss, theta, v) * theta,
                lambda loss, theta, v: hessian_times(loss, theta, v) * _gradient(loss, theta),
                _then(lambda h, v: h @ v / (v @ v)),
                _then(lambda h, v: h @ v / 2),
                _then(lambda h, v: h.norm()),
                _then(lambda h, v: h / (v @ v)),
                _then(lambda h, v: h.sum()),
            ),
        ),
        Mistake(
            "You take the step as well: v, or theta, minus H v. H v alone is asked for.",
            (
                _then(lambda h, v: v - h),
                _then(lambda h, v: v + h),
                lambda loss, theta, v: theta - hessian_times(loss, theta, v),
                lambda loss, theta, v: v - 0.1 * hessian_times(loss, theta, v),
            ),
        ),
        Mistake(
            "The gradient is in your answer too: added to H v, or taken away from it. backward() does that, it adds into .grad; "
            "torch.autograd.grad does not.",
            (
                lambda loss, theta, v: _gradient(loss, theta) + hessian_times(loss, theta, v),
                lambda loss, theta, v: _gradient(loss, theta) - hessian_times(loss, theta, v),
            ),
        ),
        Mistake(
            "You return the whole Hessian, a matrix. The point is to have H v without it, and as a vector.",
            (lambda loss, theta, v: _hessian(loss, theta),),
        ),
        Mistake(
            "You return a matrix: the Hessian with its columns, or its rows, times v. H v is their sum, a vector.",
            (
                lambda loss, theta, v: _hessian(loss, theta) * v,
                lambda loss, theta, v: _hessian(loss, theta) * v[:, None],
            ),
        ),
        Mistake(
            "You take the derivatives at theta moved along v. H v is taken at theta; v only says along what.",
            (
                lambda loss, theta, v: hessian_times(loss, (theta + v).detach().requires_grad_(), v),
                lambda loss, theta, v: hessian_times(loss, (theta - v).detach().requires_grad_(), v),
                lambda loss, theta, v: _gradient(loss, (theta + v).detach().requires_grad_()),
                lambda loss, theta, v: _gradient(loss, (theta - v).detach().requires_grad_()),
            ),
        ),
        Mistake(
            "One row of the Hessian is in your answer. H v takes all of them: entry i is row i times v.",
            (
                lambda loss, theta, v: _hessian(loss, theta)[0] * v,
                lambda loss, theta, v: _hessian(loss, theta)[0],
                lambda loss, theta, v: _hessian(loss, theta)[0] @ v,
                lambda loss, theta, v: _hessian(loss, theta)[-1] * v,
            ),
        ),
        Mistake(
            "You use the diagonal of the Hessian alone. The other entries mix the weights.",
            (
                lambda loss, theta, v: _hessian(loss, theta).diagonal() * v,
                lambda loss, theta, v: _hessian(loss, theta).diagonal(),
            ),
        ),
        Mistake(
            "You multiply gradients with each other. That is no second derivative, however good it may look near a minimum.",
            (
                lambda loss, theta, v: _gradient(loss, theta) * (_gradient(loss, theta) @ v),
                lambda loss, theta, v: torch.outer(_gradient(loss, theta), _gradient(loss, theta)),
                lambda loss, theta, v: _gradient(loss, theta) ** 2 * v,
                lambda loss, theta, v: _gradient(loss, theta) ** 2,
            ),
        ),
        Mistake(
            "You divide by the Hessian, as Newton's step does. The Hessian times v is asked for.",
            (
                lambda loss, theta, v: torch.linalg.solve(_hessian(loss, theta), v),
                lambda loss, theta, v: torch.linalg.solve(_hessian(loss, theta), _gradient(loss, theta)),
            ),
        ),
        Mistake(
            "You apply the Hessian twice.",
            (lambda loss, theta, v: hessian_times(loss, theta, hessian_times(loss, theta, v)),),
        ),
        Mistake(
            "Theta and v are exchanged: the loss is taken at theta, and v is the direction.",
            (_at_v, lambda loss, theta, v: _gradient(loss, v.detach().clone().requires_grad_())),
        ),
        Mistake(
            "A third derivative: you differentiate once too often.",
            (
                lambda loss, theta, v: torch.autograd.grad(
                    torch.autograd.grad(_gradient(loss, theta, True) @ v, theta, create_graph=True)[0] @ v,
                    theta,
                )[0],
            ),
        ),
        Mistake(
            "A difference of two gradients at points a good way apart is right for a quadratic alone. Differentiate instead.",
            (
                _apart(0.1),
                _apart(0.5),
                _apart(0.01),
                _apart(0.001),
                _apart(1e-4),
                _apart(0.01, sides=2),
                _apart(0.1, sides=2),
                _apart(0.5, sides=2),
                _apart(1, sides=2),
            ),
        ),
        Mistake(
            "A difference of two gradients has to be divided by the step between the points. (And autograd needs no step.)",
            (
                _apart(1e-5, False),
                _apart(1e-4, False),
                _apart(1e-3, False),
                _apart(1e-6, False),
                _apart(1e-2, False),
                _apart(1e-5, False, 2),
                _apart(0.1, False),
                _apart(1e-4, False, 2),
                _apart(1e-3, False, 2),
            ),
        ),
        Mistake(
            "That is the gradient: one derivative. The Hessian needs a second one, of gradient . v.",
            (lambda loss, theta, v: _gradient(loss, theta),),
        ),
        Mistake(
            "You multiply the gradient by v and stop there. Differentiate that product once more.",
            (
                lambda loss, theta, v: _gradient(loss, theta) * v,
                lambda loss, theta, v: _gradient(loss, theta) * v.sum(),
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
