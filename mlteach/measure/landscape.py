"""Pictures of a loss around a point in parameter space, and what such a picture leaves out.

    x, y = (filter_normalised(random_direction(theta, generator=g), theta) for _ in range(2))
    ticks = torch.linspace(-1, 1, 41)
    picture = surface(on_task(net, squared_error, support_x, support_y), theta, (x, y), (ticks, ticks))
    places = project(path, theta, (x, y))            two coordinates, and the distance to the plane, for every step

A picture shows two directions out of thousands. `project` says how far from the picture a point lies: read it first.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mlteach.params import Params, dot, map_params, norm, scale, subtract, to_vector, widest

Loss = Callable[[Params], Tensor]

CHUNK = 256  # points of a grid to a batch


def on_task(
    net: Callable[[Params, Tensor], Tensor], loss: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor
) -> Loss:
    """The loss of one task as `surface` wants it: parameters with a leading axis [G, ...] to losses [G].

    x [N, ...], y [N, ...]: the task's examples, without a task axis. net and loss as in `mlteach.nets`.
    """

    def batched(params: Params) -> Tensor:
        points = len(next(iter(params.values())))
        return loss(net(params, x.expand(points, *x.shape)), y.expand(points, *y.shape))

    return batched


def random_direction(theta: Params, *, generator: torch.Generator) -> Params:
    """A direction with standard normal numbers, one for each parameter, in the shapes and precision of ``theta``.

    Drawn in float64 and cast, so that one seed is the same direction in every precision.
    """
    where: dict[str, Any] = {"device": generator.device, "dtype": widest(generator.device)}
    return {
        name: torch.randn(value.shape, generator=generator, **where).to(value)
        for name, value in theta.items()
    }


def filter_normalised(direction: Params, theta: Params) -> Params:
    """``direction`` with every filter as long as the same filter of ``theta``; zero for biases and norms.

    A filter is what feeds one output: a row of a weight matrix [out, in], a slice of a kernel [out, in, h, w]. Tensors
    with one axis (biases, the scale and shift of a normalisation) do not move, as in the paper's pictures.
    A ReLU network can grow one layer and shrink the next without a change in what it computes. Along raw directions
    the picture changes all the same; along these it does not.

    Source: Li, Xu, Taylor, Studer, Goldstein 2018, section 4 (and option "biasbn" of their code). Taught in: lesson 11.
    """

    def each(d: Tensor, w: Tensor) -> Tensor:
        if w.ndim < 2:
            return torch.zeros_like(w)
        ratio = w.flatten(1).norm(dim=1) / d.flatten(1).norm(dim=1)
        return d * ratio.reshape(-1, *[1] * (w.ndim - 1))

    return map_params(each, direction, theta)


def plane_through(origin: Params, second: Params, third: Params) -> tuple[Params, Params]:
    """Two orthogonal directions of length 1 that span the plane through three points.

    The first points from ``origin`` to ``second``; ``third`` lies on the side of the second. A unit along either axis
    is then a unit of distance between parameters. Raises ValueError when the three lie on a line.

    Source: Garipov et al. 2018, section 4 (their pictures). Taught in: lesson 11.
    """
    along, across = subtract(second, origin), subtract(third, origin)
    whole = max(norm(along).item(), norm(across).item())
    x = scale(1 / norm(along).clamp_min(1e-300), along)
    for _ in range(2):  # twice, so that rounding leaves no part along x
        across = subtract(across, scale(dot(across, x), x))
    if not min(norm(along).item(), norm(across).item()) > 1e-6 * whole:
        raise ValueError("The three points lie on a line, so they span no plane. Choose another third point.")
    return x, scale(1 / norm(across), across)


def surface(
    loss: Loss,
    theta: Params,
    directions: Sequence[Params],
    grid: Sequence[Tensor],
    *,
    chunk: int = CHUNK,
) -> Tensor:
    """Losses at theta + a_i * directions[0] + b_j * directions[1]: [len(a), len(b)] for ``grid`` = (a, b).

    Any number of directions, with one axis of the result for each. loss: [G, ...] parameters to [G] losses (`on_task`);
    ``chunk`` points go through it as one batch. Nothing is recorded for a gradient. (matplotlib draws the transpose.)
    Raises ValueError for a grid that does not fit the directions or a loss that mixes the points.

    Taught in: lesson 11.
    """
    if len(grid) != len(directions) or not directions:
        raise ValueError(
            f"{len(directions)} directions need as many rows of places; the grid has {len(grid)}."
        )
    places = torch.cartesian_prod(*(each.to(next(iter(theta.values()))) for each in grid))
    found = []
    with torch.no_grad():
        for part in places.reshape(-1, len(grid)).split(chunk):
            points = {
                name: value + torch.tensordot(part, torch.stack([d[name] for d in directions]), dims=1)
                for name, value in theta.items()
            }
            found.append(loss(points))
            if found[-1].shape != part.shape[:1]:
                raise ValueError(
                    f"The loss gave shape {tuple(found[-1].shape)} for {len(part)} points; give one number a point, as "
                    "on_task does."
                )
    return torch.cat(found).reshape([len(each) for each in grid])


def project(points: Sequence[Params], theta: Params, directions: Sequence[Params]) -> Tensor:
    """Where each point falls on the plane at theta, and how far off the plane it is: float64 [len(points), 3].

    The last column is the Euclidean distance between the point and its place on the plane; the columns before it are
    its coordinates along ``directions`` (of any length, not parallel, need not be orthogonal). float64 throughout.

    Taught in: lesson 11.
    """
    origin = to_vector(theta).double()
    basis = torch.stack([to_vector(each).double() for each in directions], dim=1)
    offsets = torch.stack([to_vector(each).double() for each in points]) - origin
    q, r = torch.linalg.qr(basis)
    coordinates = torch.linalg.solve_triangular(r, (offsets @ q).T, upper=True).T
    left = offsets - coordinates @ basis.T
    return torch.cat([coordinates, left.norm(dim=1, keepdim=True)], dim=1).detach()


class Picture(NamedTuple):
    """A loss on a plane with paths on it, ready to be drawn (`mlteach.explore.LossLandscape`)."""

    losses: Tensor
    """[n, n]: losses[i, j] at a_i along the first axis, b_j along the second."""
    extent: tuple[float, float, float, float]
    """First and last a, first and last b; the places between are equally far apart."""
    paths: dict[str, Tensor]
    """[steps + 1, 3] by name: coordinates, and the distance to the plane."""
    unit: float
    """How far the parameters move along one unit of the axes: to set a distance to the plane beside the picture's width."""


def picture(
    loss: Loss,
    theta: Params,
    directions: tuple[Params, Params],
    paths: dict[str, Sequence[Params]],
    extent: tuple[float, float, float, float],
    *,
    points: int = 41,
) -> Picture:
    """`surface` on a square grid of ``points`` x ``points``, and `project` for every path.

    directions: of equal length, as two from `plane_through` and two from `filter_normalised` are. Taught in: lesson 11.
    """
    grid = [torch.linspace(*ends, points, dtype=torch.float64) for ends in (extent[:2], extent[2:])]
    places = {name: project(path, theta, directions) for name, path in paths.items()}
    return Picture(surface(loss, theta, directions, grid), extent, places, norm(directions[0]).item())


def rescaled(theta: Params, first: str, second: str, factor: float) -> Params:
    """The same function in other numbers: ReLU layer ``first`` times ``factor``, layer ``second`` after it divided.

    ``first`` and ``second`` are layers (``"layer1"``), with ``.weight`` and ``.bias``; relu(c z) = c relu(z) for c > 0,
    so the second layer takes back what the first adds. Raises ValueError for a factor that is not positive and for a
    layer that is not there.

    Source: Dinh, Pascanu, Bengio, Bengio 2017, section 3. Taught in: lesson 11.
    """
    if not factor > 0:
        raise ValueError(f"The factor is {factor}; a ReLU takes only a positive one through itself.")
    if missing := {f"{first}.weight", f"{second}.weight"} - theta.keys():
        raise ValueError(f"No parameter is called {sorted(missing)[0]!r}; there are {', '.join(theta)}.")
    times = {f"{first}.weight": factor, f"{first}.bias": factor, f"{second}.weight": 1 / factor}
    return {name: times.get(name, 1.0) * value for name, value in theta.items()}
