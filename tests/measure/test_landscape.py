"""Pictures of a loss against plain loops, closed forms and exact symmetries; curvature against the whole Hessian."""

import math

import pytest
import torch
from torch import Tensor
from torch.func import hessian

from mlteach.inner import adapt, sgd
from mlteach.measure.curvature import hessian_vector, top_eigenvalue
from mlteach.measure.landscape import (
    filter_normalised,
    on_task,
    picture,
    plane_through,
    project,
    random_direction,
    rescaled,
    surface,
)
from mlteach.nets import MLP, Conv4, cross_entropy, squared_error
from mlteach.params import Params, add, dot, from_vector, norm, scale, stack, subtract, task, to_vector

NET = MLP((1, 7, 5, 1))


def g(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def net(seed: int = 0, biases: bool = True) -> Params:
    theta = NET.init(g(seed), torch.float64)
    return add(theta, scale(0.3, random_direction(theta, generator=g(seed + 50)))) if biases else theta


def data(seed: int = 0) -> tuple[Tensor, Tensor]:
    x = 10 * torch.rand(9, 1, generator=g(seed), dtype=torch.float64) - 5
    return x, 2 * torch.sin(x - 1)


def quadratic(seed: int = 0) -> tuple[Tensor, Tensor, Params]:
    """A positive matrix, a linear part, and parameters of two tensors with ten numbers in all."""
    a = torch.randn(10, 10, generator=g(seed), dtype=torch.float64)
    b = torch.randn(10, generator=g(seed + 1), dtype=torch.float64)
    theta = {"w": torch.randn(2, 4, generator=g(seed + 2), dtype=torch.float64)}
    theta["b"] = torch.randn(2, generator=g(seed + 3), dtype=torch.float64)
    return a @ a.T, b, theta


def quadratic_loss(a: Tensor, b: Tensor, params: Params) -> Tensor:
    """1/2 v.a.v + b.v for parameters with a leading axis."""
    v = torch.cat([value.flatten(1) for value in params.values()], 1)
    return 0.5 * ((v @ a) * v).sum(1) + v @ b


def test_every_filter_of_a_direction_is_as_long_as_the_networks():
    theta = Conv4(5, filters=4, head="flatten").init(g(1), torch.float64)
    direction = filter_normalised(random_direction(theta, generator=g(2)), theta)
    assert list(direction) == list(theta)
    for name, value in theta.items():
        if value.ndim < 2:
            assert direction[name].eq(0).all()
            continue
        for row, filter_ in zip(direction[name], value, strict=True):  # one by one, as the paper says it
            assert abs(row.norm() - filter_.norm()) < 1e-12


def test_a_direction_is_the_same_in_every_precision():
    theta = net()
    low = random_direction({name: value.float() for name, value in theta.items()}, generator=g(3))
    high = random_direction(theta, generator=g(3))
    for name in theta:
        assert torch.equal(low[name], high[name].float())


def test_the_surface_of_a_quadratic_is_the_quadratic():
    a, b, theta = quadratic()
    x, y = (random_direction(theta, generator=g(seed)) for seed in (5, 6))
    s, t = torch.linspace(-2, 1, 7, dtype=torch.float64), torch.linspace(0, 3, 4, dtype=torch.float64)
    found = surface(lambda params: quadratic_loss(a, b, params), theta, (x, y), (s, t), chunk=5)
    v, p, q = (to_vector(each) for each in (theta, x, y))
    h = torch.stack([p, q]) @ a @ torch.stack([p, q]).T
    slope = torch.stack([p, q]) @ (a @ v + b)
    i, j = torch.meshgrid(s, t, indexing="ij")
    exact = 0.5 * v @ a @ v + b @ v + i * slope[0] + j * slope[1]
    exact = exact + 0.5 * (h[0, 0] * i**2 + 2 * h[0, 1] * i * j + h[1, 1] * j**2)
    assert found.shape == (7, 4)
    torch.testing.assert_close(found, exact, rtol=1e-12, atol=1e-10)


@pytest.mark.parametrize("many", [1, 2, 3])
def test_the_batched_surface_equals_a_plain_loop(many):
    theta, (x, y) = net(), data()
    directions = [random_direction(theta, generator=g(k)) for k in range(many)]
    grid = [torch.linspace(-1, 1, n, dtype=torch.float64) for n in (5, 4, 3)][:many]
    found = surface(on_task(NET, squared_error, x, y), theta, directions, grid, chunk=7)
    plain = torch.empty([len(each) for each in grid], dtype=torch.float64)
    for index in torch.cartesian_prod(*map(torch.arange, plain.shape)).reshape(-1, many).tolist():
        point = theta
        for place, direction, k in zip(grid, directions, index, strict=True):
            point = add(point, scale(place[k].item(), direction))
        plain[tuple(index)] = squared_error(NET(point, x), y)
    torch.testing.assert_close(found, plain, rtol=0, atol=1e-10)
    assert not found.requires_grad


def test_a_rescaled_network_is_the_same_function_and_only_normalised_pictures_say_so():
    theta, task = net(3), on_task(NET, squared_error, *data())
    other = rescaled(theta, "layer1", "layer2", 5.0)
    x = torch.linspace(-9, 9, 50, dtype=torch.float64).unsqueeze(1)
    torch.testing.assert_close(NET(other, x), NET(theta, x), rtol=0, atol=1e-12)
    raw = [random_direction(theta, generator=g(seed)) for seed in (1, 2)]
    ticks = torch.linspace(-1, 1, 9, dtype=torch.float64)
    pictures = [surface(task, each, [filter_normalised(d, each) for d in raw], (ticks, ticks)) for each in (theta, other)]  # fmt: skip
    torch.testing.assert_close(pictures[0], pictures[1], rtol=1e-12, atol=1e-10)
    trap = [surface(task, each, raw, (ticks, ticks)) for each in (theta, other)]
    assert (trap[0] - trap[1]).abs().max() > 1


def test_a_plane_through_three_points_holds_them_at_their_true_distances():
    a, b, c = (net(seed) for seed in range(3))
    x, y = plane_through(a, b, c)
    assert abs(dot(x, y)) < 1e-14 and abs(norm(x) - 1) < 1e-14 and abs(norm(y) - 1) < 1e-14
    places = project([a, b, c], a, (x, y))
    assert places[:, 2].abs().max() < 1e-12  # none of them is off the plane
    assert places[1, 1].abs() < 1e-12 and places[1, 0] > 0 and places[2, 1] > 0
    for i, p in enumerate((a, b, c)):
        for j, q in enumerate((a, b, c)):
            assert abs((places[i, :2] - places[j, :2]).norm() - norm(subtract(p, q))) < 1e-12


def test_what_projection_leaves_out_is_at_right_angles_and_complete():
    theta = net()
    directions = [random_direction(theta, generator=g(seed)) for seed in (1, 2)]  # not orthogonal
    points = [net(seed) for seed in (4, 5)]
    places = project(points, theta, directions)
    for point, (i, j, distance) in zip(points, places.tolist(), strict=True):
        left = subtract(subtract(point, theta), add(scale(i, directions[0]), scale(j, directions[1])))
        assert max(abs(dot(left, d).item()) for d in directions) < 1e-10
        assert abs(norm(left).item() - distance) < 1e-10
    shown = add(theta, add(scale(0.4, directions[0]), scale(-1.5, directions[1])))
    torch.testing.assert_close(project([shown], theta, directions), torch.tensor([[0.4, -1.5, 0]], dtype=torch.float64), rtol=0, atol=1e-10)  # fmt: skip


def test_a_picture_holds_the_path_where_the_path_has_its_loss():
    theta, (x, y) = net(), data()
    path = adapt(lambda p: squared_error(NET(p, x), y), theta, sgd(0.01), 4, path=True)
    directions = plane_through(theta, path[-1], net(7))
    ends = project([path[-1]], theta, directions)[0].tolist()
    seen = picture(on_task(NET, squared_error, x, y), theta, directions, {"maml": path}, (0, ends[0], 0, 1), points=3)  # fmt: skip
    assert abs(seen.losses[0, 0] - squared_error(NET(theta, x), y)) < 1e-12
    assert abs(seen.losses[-1, 0] - squared_error(NET(path[-1], x), y)) < 1e-10
    assert seen.paths["maml"].shape == (5, 3) and seen.paths["maml"][2, 2] > 0


@pytest.mark.parametrize("change, message", [
    (dict(grid=(torch.zeros(2),)), "2 directions need as many"),
    (dict(loss=lambda p: torch.zeros(())), "on_task"),
])  # fmt: skip
def test_what_does_not_fit_is_said_in_a_sentence(change, message):
    theta = net()
    directions = (theta, theta)
    arguments = dict(loss=on_task(NET, squared_error, *data()), grid=(torch.zeros(2), torch.zeros(3))) | change  # fmt: skip
    with pytest.raises(ValueError, match=message):
        surface(arguments["loss"], theta, directions, arguments["grid"])


def test_three_points_on_a_line_and_layers_that_are_not_there_are_refused():
    theta = net()
    with pytest.raises(ValueError, match="lie on a line"):
        plane_through(theta, scale(2, theta), scale(3, theta))
    with pytest.raises(ValueError, match="positive"):
        rescaled(theta, "layer1", "layer2", -1)
    with pytest.raises(ValueError, match="layer9.weight"):
        rescaled(theta, "layer1", "layer9", 2)


SMOOTH = MLP((1, 4, 3, 1), activation="tanh")


@pytest.mark.parametrize("seed", range(4))
def test_curvature_equals_the_whole_hessian(seed):
    theta, (x, y) = SMOOTH.init(g(seed), torch.float64), data(seed)

    def loss(params: Params) -> Tensor:
        return squared_error(SMOOTH(params, x), y)

    whole = hessian(lambda v: loss(from_vector(v, theta)))(to_vector(theta))
    v = random_direction(theta, generator=g(seed + 9))
    torch.testing.assert_close(to_vector(hessian_vector(loss, theta, v)), whole @ to_vector(v), rtol=0, atol=1e-10)  # fmt: skip
    found = top_eigenvalue(loss, theta, generator=g(1), tolerance=1e-9, products=5000)
    values, vectors = torch.linalg.eigh(whole)
    assert abs(found.value - values[-1]) < 1e-10 * values[-1]
    assert abs(abs(to_vector(found.vector) @ vectors[:, -1]) - 1) < 1e-8
    assert found.residual <= 1e-9 * (values[-1] - values[0])


def test_the_largest_eigenvalue_is_found_when_a_negative_one_is_larger_in_size():
    spectrum = torch.tensor([-9.0, 0.5, 3.0, -1.0], dtype=torch.float64)
    found = top_eigenvalue(lambda p: 0.5 * (spectrum * p["v"] ** 2).sum(), {"v": torch.ones(4, dtype=torch.float64)}, generator=g())  # fmt: skip
    assert abs(found.value - 3) < 1e-8
    torch.testing.assert_close(found.vector["v"].abs(), torch.tensor([0.0, 0, 1, 0], dtype=torch.float64), rtol=0, atol=1e-5)  # fmt: skip


def test_the_largest_eigenvalue_is_found_between_two_ends_of_equal_size():
    spectrum = torch.tensor(
        [-3.0, 0.5, 3.0, -1.0], dtype=torch.float64
    )  # power iteration alone would never settle
    found = top_eigenvalue(lambda p: 0.5 * (spectrum * p["v"] ** 2).sum(), {"v": torch.ones(4, dtype=torch.float64)}, generator=g(), products=200)  # fmt: skip
    assert abs(found.value - 3) < 1e-8 and found.residual < 1e-5
    torch.testing.assert_close(found.vector["v"].abs(), torch.tensor([0.0, 0, 1, 0], dtype=torch.float64), rtol=0, atol=1e-5)  # fmt: skip


def test_a_curvature_that_was_stopped_early_says_how_far_off_it_may_be():
    a, _, theta = quadratic()
    found = top_eigenvalue(lambda p: 0.5 * to_vector(p) @ a @ to_vector(p), theta, generator=g(), products=3)
    assert found.products == 5  # three of the iteration, two to see that no negative end holds it up
    nearest = (torch.linalg.eigvalsh(a) - found.value).abs().min()
    assert 1e-6 < nearest <= found.residual


def test_no_curvature_where_the_loss_is_flat():
    found = top_eigenvalue(lambda p: (p["v"] ** 2).sum() * 0, {"v": torch.ones(4, dtype=torch.float64)}, generator=g())  # fmt: skip
    assert found.value == 0 and found.residual == 0


def test_filter_normalisation_sees_through_layers_but_not_through_units():
    theta, task = net(3), on_task(NET, squared_error, *data())
    factors = torch.exp(torch.randn(7, generator=g(4), dtype=torch.float64))
    other = theta | {
        "layer1.weight": factors[:, None] * theta["layer1.weight"],
        "layer1.bias": factors * theta["layer1.bias"],
        "layer2.weight": theta["layer2.weight"] / factors,
    }
    x = torch.linspace(-9, 9, 50, dtype=torch.float64).unsqueeze(1)
    torch.testing.assert_close(NET(other, x), NET(theta, x), rtol=0, atol=1e-12)
    raw, ticks = random_direction(theta, generator=g(1)), torch.linspace(-1, 1, 9, dtype=torch.float64)
    lines = [surface(task, each, [filter_normalised(raw, each)], [ticks]) for each in (theta, other)]
    assert (lines[0] - lines[1]).abs().max() > 0.1


@pytest.mark.parametrize("factor", [0.25, 4.0])
def test_the_hessian_of_a_rescaled_network_is_that_of_the_other_between_inverse_factors(factor):
    theta, (x, y) = net(2), data()
    other, v = rescaled(theta, "layer1", "layer2", factor), random_direction(theta, generator=g(8))
    times = {"layer1.weight": factor, "layer1.bias": factor, "layer2.weight": 1 / factor}

    def loss(params: Params) -> Tensor:
        return squared_error(NET(params, x), y)

    inner = {name: value / times.get(name, 1) for name, value in v.items()}
    between = {name: value / times.get(name, 1) for name, value in hessian_vector(loss, theta, inner).items()}
    torch.testing.assert_close(to_vector(hessian_vector(loss, other, v)), to_vector(between), rtol=1e-10, atol=1e-10)  # fmt: skip
    tops = [top_eigenvalue(loss, each, generator=g()).value for each in (theta, other)]
    assert abs(tops[1] / tops[0] - 1) > 0.5  # the same function, another sharpness


@pytest.mark.parametrize("side_by_side", [False, True])
def test_curvature_goes_through_convolutions_and_batch_norm(side_by_side):
    conv = Conv4(3, filters=2, head="flatten")
    theta = conv.init(g(2), torch.float64)
    x, y = torch.rand(3, 1, 28, 28, generator=g(1), dtype=torch.float64), torch.arange(3)
    v = random_direction(theta, generator=g(3))
    whole = hessian(lambda u: cross_entropy(conv(from_vector(u, theta), x), y))(to_vector(theta))
    if side_by_side:
        batch = lambda p: cross_entropy(conv(p, x[None].expand(2, *x.shape)), y[None].expand(2, 3)).sum()  # noqa: E731
        found = task(hessian_vector(batch, stack(theta, 2), stack(v, 2)), 1)
    else:
        found = hessian_vector(lambda p: cross_entropy(conv(p, x), y), theta, v)
    torch.testing.assert_close(to_vector(found), whole @ to_vector(v), rtol=0, atol=1e-10)


def test_around_a_head_of_zeros_the_normalised_landscape_is_flat():
    conv = Conv4(5, filters=4, head="flatten")
    theta = conv.zero_head(conv.init(g(0), torch.float64))
    x = torch.rand(5, 1, 28, 28, generator=g(1), dtype=torch.float64)
    ways = [filter_normalised(random_direction(theta, generator=g(seed)), theta) for seed in (1, 2)]
    ticks = torch.linspace(-1, 1, 3, dtype=torch.float64)
    found = surface(on_task(conv, cross_entropy, x, torch.arange(5)), theta, ways, (ticks, ticks))
    torch.testing.assert_close(found, torch.full_like(found, math.log(5)), rtol=0, atol=1e-12)


def test_descent_along_the_top_eigenvector_grows_beyond_two_over_the_curvature():
    a, _, _ = quadratic()
    values, vectors = torch.linalg.eigh(a)
    for share in (0.5, 1.9, 2.1):
        rate = share / values[-1].item()
        loss = lambda p: 0.5 * p["v"] @ a @ p["v"]  # noqa: E731
        end = adapt(loss, {"v": vectors[:, -1]}, sgd(rate), 9)["v"]
        torch.testing.assert_close(end, (1 - share) ** 9 * vectors[:, -1], rtol=0, atol=1e-10)
        assert (end.norm() > 1) == (share > 2)


def test_principal_components_of_a_random_walk_hold_six_over_pi_k_squared():
    points = 1000
    times = torch.arange(1, points + 1, dtype=torch.float64)
    walk = torch.minimum(
        times[:, None], times
    )  # in infinitely many dimensions: the inner products of its points
    centre = torch.eye(points, dtype=torch.float64) - 1 / points
    values = torch.linalg.eigvalsh(centre @ walk @ centre).flip(0)
    law = 6 / (math.pi * torch.arange(1, 5, dtype=torch.float64)) ** 2
    torch.testing.assert_close(values[:4] / values.sum(), law, rtol=1e-4, atol=0)
