"""The meta-gradient against finite differences, Hessians, closed forms, and the plain loop over tasks."""

import functools
import math
import os
import subprocess
import sys
import textwrap

import pytest
import torch
from torch.func import hessian

from mlteach.errors import EpisodeError
from mlteach.inner import adapt, lstm_cell, momentum, sgd
from mlteach.nets import MLP, Conv4, cross_entropy, squared_error
from mlteach.outer import maml_gradient, maml_gradient_loop, maml_losses
from mlteach.outer.chunks import sum_over_chunks, tasks_at_once
from mlteach.params import Params, from_vector, gradient_of, leaves, norm, subtract, to_vector
from mlteach.tasks import Sinusoids
from mlteach.tasks.episode import Episode


def pictures(tasks: int = 5, ways: int = 5, shots: int = 1, queries: int = 3, seed: int = 0) -> Episode:
    g = torch.Generator().manual_seed(seed)
    y = torch.arange(ways)
    return Episode(
        torch.rand(tasks, ways * shots, 1, 28, 28, generator=g, dtype=torch.float64),
        y.repeat(shots).expand(tasks, -1),
        torch.rand(tasks, ways * queries, 1, 28, 28, generator=g, dtype=torch.float64),
        y.repeat(queries).expand(tasks, -1),
    )


def curves(tasks: int = 4, seed: int = 0) -> Episode:
    g = torch.Generator().manual_seed(seed)
    return Episode(*(torch.randn(tasks, 6, 1, generator=g, dtype=torch.float64) for _ in range(4)))


def relative(a: Params, b: Params) -> float:
    return (norm(subtract(a, b)) / norm(b)).item()


NETS = {
    "Finn's": Conv4(5, filters=6, head="mean", gamma=False),
    "flat head": Conv4(5, filters=6, head="flatten"),
    "max pool": Conv4(5, filters=4, pool="max", head="flatten"),
}
RULES = {
    "sgd": sgd(0.4),
    "momentum": momentum(0.1, 0.9),
    "LSTM cell": lstm_cell(0.98, lambda name, c, gradient, t: 0.2 * torch.sigmoid(gradient)),
}


@pytest.mark.parametrize("first_order", [False, True])
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", NETS)
def test_i16_the_task_batched_gradient_equals_the_plain_loop(name, rule, steps, first_order):
    net = NETS[name]
    theta = net.init(torch.Generator().manual_seed(1), torch.float64)
    arguments = (net, cross_entropy, theta, pictures(), RULES[rule], steps)
    plain = maml_gradient_loop(*arguments, first_order=first_order)
    for chunk in (2, 5):
        quick, numbers = maml_gradient(*arguments, first_order=first_order, chunk=chunk)
        assert relative(quick, plain) < 1e-10
        assert 0 <= numbers["accuracy"] <= 1


@pytest.mark.parametrize("first_order", [False, True])
def test_tasks_with_many_pictures_run_one_by_one_and_few_together_to_the_same_gradient(first_order):
    net, episode = NETS["Finn's"], pictures(tasks=3, queries=6)  # 30 pictures: each task by itself
    few = episode._replace(query_x=episode.query_x[:, :5], query_y=episode.query_y[:, :5])
    assert [tasks_at_once(x) for x in (torch.zeros(25, 10, 1), episode.query_x)] == [25, 1]
    assert tasks_at_once(few.query_x.repeat(30, 1, 1, 1, 1)) == 8
    theta = net.init(torch.Generator().manual_seed(1), torch.float64)
    for each in (episode, few):
        arguments = (net, cross_entropy, theta, each, sgd(0.4), 2)
        quick, numbers = maml_gradient(*arguments, first_order=first_order)
        assert relative(quick, maml_gradient_loop(*arguments, first_order=first_order)) < 1e-10
        losses, outputs = maml_losses(*arguments, first_order=first_order)
        assert numbers["loss"] == pytest.approx(losses.mean().item(), rel=1e-12)
        assert numbers["accuracy"] == pytest.approx(
            (outputs.argmax(-1) == each.query_y).double().mean().item()
        )


def test_the_same_for_anil_a_reset_head_and_regression():
    net, episode = NETS["flat head"], pictures()
    theta = net.init(torch.Generator().manual_seed(1), torch.float64)
    body = {name: theta[name] for name in net.body_names}
    for options in ({"only": net.head_names}, {"start": net.zero_head}):
        arguments = (net, cross_entropy, body if "start" in options else theta, episode, sgd(0.4), 2)
        assert (
            relative(maml_gradient(*arguments, **options)[0], maml_gradient_loop(*arguments, **options))
            < 1e-10
        )
    mlp = MLP(activation="tanh")
    arguments = (
        mlp,
        squared_error,
        mlp.init(torch.Generator().manual_seed(2), torch.float64),
        curves(),
        sgd(0.1),
        3,
    )
    assert relative(maml_gradient(*arguments)[0], maml_gradient_loop(*arguments)) < 1e-10
    assert set(maml_gradient(*arguments)[1]) == {"loss"}


def test_many_tasks_in_one_batch_are_not_one_large_task():
    """The check of the check (I-16): mixing the tasks' pictures must change the gradient."""
    net, episode = NETS["flat head"], pictures(tasks=2)
    theta = net.init(torch.Generator().manual_seed(1), torch.float64)
    mixed = Episode(*(each.flatten(0, 1).unsqueeze(0) for each in episode))
    apart, _ = maml_gradient(net, cross_entropy, theta, episode, sgd(0.4), 1)
    together, _ = maml_gradient(net, cross_entropy, theta, mixed, sgd(0.4), 1)
    assert relative(together, apart) > 0.05


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_the_gradient_equals_central_differences(steps):
    mlp = MLP((1, 8, 1), activation="tanh")
    theta, episode = mlp.init(torch.Generator().manual_seed(0), torch.float64), curves()

    def objective(vector: torch.Tensor) -> float:
        losses, _ = maml_losses(mlp, squared_error, from_vector(vector, theta), episode, sgd(0.1), steps)
        return losses.mean().item()

    gradient = to_vector(maml_gradient(mlp, squared_error, theta, episode, sgd(0.1), steps)[0])
    at = to_vector(theta)
    for index in range(0, at.numel(), 3):
        move = torch.zeros_like(at)
        move[index] = 1e-5
        numeric = (objective(at + move) - objective(at - move)) / 2e-5
        assert gradient[index].item() == pytest.approx(numeric, abs=1e-7)


@pytest.mark.parametrize("steps", [1, 3])
def test_i10_i11_the_gradient_is_the_product_of_the_steps_jacobians(steps):
    """grad = prod_t (I - alpha H_support(theta_t)) grad L_query(theta_T), from t = 0 on the left to T - 1."""
    mlp, alpha = MLP((1, 5, 1), activation="tanh"), 0.1
    theta, episode = mlp.init(torch.Generator().manual_seed(0), torch.float64), curves(tasks=1)

    def loss(vector: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return squared_error(mlp(from_vector(vector, theta), x), y)

    support = functools.partial(loss, x=episode.support_x[0], y=episode.support_y[0])
    query = functools.partial(loss, x=episode.query_x[0], y=episode.query_y[0])
    path = adapt(lambda p: support(to_vector(p)), theta, sgd(alpha), steps, path=True)
    points = [to_vector(point).detach() for point in path]
    expected = torch.func.grad(query)(points[-1])
    for point in reversed(points[:-1]):
        expected = expected - alpha * hessian(support)(point) @ expected
    found = to_vector(maml_gradient(mlp, squared_error, theta, episode, sgd(alpha), steps)[0])
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


def quadratics(tasks: int, size: int = 4):
    """L_A = (theta - a)' A (theta - a) / 2 and L_B likewise, as an episode: x holds the matrix, y the centre."""
    g = torch.Generator().manual_seed(3)
    root = torch.randn(2, tasks, size, size, generator=g, dtype=torch.float64)
    matrix = root @ root.transpose(-1, -2) / size
    centre = torch.randn(2, tasks, size, 1, generator=g, dtype=torch.float64)
    episode = Episode(matrix[0], centre[0], matrix[1], centre[1])

    def net(params, x):
        return torch.cat([x, params["theta"].unsqueeze(-1)], dim=-1)

    def loss(outputs, centre):
        matrix, theta = outputs[..., :-1], outputs[..., -1:]
        away = theta - centre
        return (away.transpose(-1, -2) @ matrix @ away).squeeze((-1, -2)) / 2

    return net, loss, episode


@pytest.mark.parametrize("steps", [1, 4])
def test_i12_quadratics_have_a_closed_form_and_descent_finds_its_optimum(steps):
    net, loss, episode = quadratics(tasks=6)
    a_matrix, a, b_matrix, b = episode
    alpha, eye = 0.2, torch.eye(4, dtype=torch.float64)
    m = torch.linalg.matrix_power(eye - alpha * a_matrix, steps)
    theta = {"theta": torch.randn(4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)}
    adapted = a + m @ (theta["theta"][:, None] - a)
    expected = (m @ b_matrix @ (adapted - b)).mean(0).squeeze(-1)
    found, numbers = maml_gradient(net, loss, theta, episode, sgd(alpha), steps)
    torch.testing.assert_close(found["theta"], expected, rtol=1e-12, atol=1e-12)
    best = torch.linalg.solve((m @ b_matrix @ m).sum(0), (m @ b_matrix @ (b - (eye - m) @ a)).sum(0)).squeeze(
        -1
    )
    at_best, _ = maml_gradient(net, loss, {"theta": best}, episode, sgd(alpha), steps)
    assert at_best["theta"].abs().max() < 1e-10


def test_i13_first_order_differs_unless_the_rate_is_zero():
    net, episode = NETS["flat head"], pictures()
    theta = net.init(torch.Generator().manual_seed(1), torch.float64)
    for alpha, same in ((0.4, False), (0.0, True)):
        full, _ = maml_gradient(net, cross_entropy, theta, episode, sgd(alpha), 1)
        first, _ = maml_gradient(net, cross_entropy, theta, episode, sgd(alpha), 1, first_order=True)
        assert (relative(first, full) < 1e-12) is same
        assert same or relative(first, full) > 0.01


def test_i13_first_order_is_enough_where_the_hessian_sends_the_query_gradient_to_zero():
    """Support bends in two directions only; a query loss along the others feels no second order, any other does."""
    net, loss, (a_matrix, a, b_matrix, b) = quadratics(tasks=3)
    flat = torch.diag(torch.tensor([1.0, 1.0, 0.0, 0.0], dtype=torch.float64))
    theta = {"theta": torch.randn(4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)}
    across = torch.eye(4, dtype=torch.float64) - flat
    for query, same in ((across @ b_matrix @ across, True), (b_matrix, False)):
        arguments = (net, loss, theta, Episode(flat @ a_matrix @ flat, a, query, b), sgd(0.3), 2)
        full, _ = maml_gradient(*arguments)
        first, _ = maml_gradient(*arguments, first_order=True)
        assert (relative(first, full) < 1e-12) is same
        assert same or relative(first, full) > 0.01


def sine_episode(tasks: int = 4) -> Episode:
    return Sinusoids.finn().sample(
        tasks, 10, 10, generator=torch.Generator().manual_seed(5), dtype=torch.float64
    )


def test_i14_each_learned_rate_has_minus_the_product_of_the_two_gradients():
    """Meta-SGD: one rate for each number, through the rule that the gradient is taken through. Mean over the tasks."""
    mlp, episode = MLP((1, 6, 6, 1), start="uniform"), sine_episode()
    theta = mlp.init(torch.Generator().manual_seed(0), torch.float64)
    meta = theta | {f"rate.{name}": torch.full_like(value, 0.05) for name, value in theta.items()}

    def rates_of(point: Params) -> Params:
        return {name: point[f"rate.{name}"] for name in theta}

    found, _ = maml_gradient(
        mlp, squared_error, meta, episode, lambda point: sgd(rates_of(point)), 1, start=lambda point: {n: point[n] for n in theta}
    )  # fmt: skip
    expected = {name: torch.zeros_like(value) for name, value in theta.items()}
    for x, y, query_x, query_y in zip(*episode, strict=True):
        inner = torch.func.grad(lambda p, x=x, y=y: squared_error(mlp(p, x), y))(theta)
        phi = {name: theta[name] - 0.05 * inner[name] for name in theta}
        outer = torch.func.grad(lambda p, x=query_x, y=query_y: squared_error(mlp(p, x), y))(phi)
        expected = {name: expected[name] - inner[name] * outer[name] / episode.tasks for name in theta}
    assert relative(rates_of(found), expected) < 1e-12
    fixed, _ = maml_gradient(mlp, squared_error, theta, episode, sgd(0.05), 1)
    assert relative({name: found[name] for name in theta}, fixed) < 1e-12


def test_i15_features_without_their_history_lose_the_cross_term_of_anil():
    """ANIL's body does not adapt, but its meta-gradient runs through the head's step too. A detach there breaks it."""
    mlp, episode, alpha = MLP((1, 6, 6, 1), activation="tanh", start="uniform"), sine_episode(tasks=1), 0.1
    theta = mlp.init(torch.Generator().manual_seed(0), torch.float64)
    head = [name for name in theta if name.startswith("layer3")]
    anil, _ = maml_gradient(mlp, squared_error, theta, episode, sgd(alpha), 1, only=head)
    x, y, query_x, query_y = (each[0] for each in episode)

    def features(point: Params, x: torch.Tensor) -> torch.Tensor:
        for layer in ("layer1", "layer2"):
            x = torch.tanh(x @ point[f"{layer}.weight"].T + point[f"{layer}.bias"])
        return x

    def by_hand(*, detached: bool) -> Params:
        point = leaves(theta)
        seen = features(point, x).detach() if detached else features(point, x)
        support = squared_error(seen @ point["layer3.weight"].T + point["layer3.bias"], y)
        gradient = torch.autograd.grad(support, [point[name] for name in head], create_graph=True)
        weight, bias = (point[name] - alpha * g for name, g in zip(head, gradient, strict=True))
        return gradient_of(squared_error(features(point, query_x) @ weight.T + bias, query_y), point)

    assert relative(by_hand(detached=False), anil) < 1e-12
    cut = by_hand(detached=True)
    body = [name for name in theta if name not in head]
    assert relative({n: cut[n] for n in body}, {n: anil[n] for n in body}) > 1e-3
    assert relative({n: cut[n] for n in head}, {n: anil[n] for n in head}) < 1e-12


def test_i16_for_the_sinusoid_network_batch_loop_and_one_large_task():
    mlp, episode = MLP(start="uniform"), sine_episode()
    theta = mlp.init(torch.Generator().manual_seed(0), torch.float64)
    arguments = (mlp, squared_error, theta)
    batched, _ = maml_gradient(*arguments, episode, sgd(0.01), 2)
    assert relative(batched, maml_gradient_loop(*arguments, episode, sgd(0.01), 2)) < 1e-12
    mixed = Episode(*(each.flatten(0, 1).unsqueeze(0) for each in episode))
    assert relative(maml_gradient(*arguments, mixed, sgd(0.01), 2)[0], batched) > 0.05


def test_i17_a_rate_for_the_summed_loss_is_ways_times_smaller():
    """Finn's code sums cross-entropy over the classes: its rate 0.4 makes the step of 2.0 on the mean for 5 ways."""
    net, episode = NETS["flat head"], pictures()
    theta = net.init(torch.Generator().manual_seed(1), torch.float64)

    def summed(
        logits: torch.Tensor, y: torch.Tensor
    ) -> torch.Tensor:  # over the classes, mean over the shots
        return 5 * cross_entropy(logits, y)

    finn, _ = maml_gradient(net, summed, theta, episode, sgd(0.4), 2)
    mean, _ = maml_gradient(net, cross_entropy, theta, episode, sgd(2.0), 2)
    assert relative({name: value / 5 for name, value in finn.items()}, mean) < 1e-12


@pytest.mark.parametrize("name", ["finn", "reptile", "jang"])
def test_i34_joint_training_rests_at_the_best_zero_shot_predictor(name):
    """MAML without inner steps, for a model that is linear in sin x and cos x, over a fine grid of phases and x."""
    family = getattr(Sinusoids, name)()

    def grid(between: tuple[float, float], count: int) -> torch.Tensor:
        low, high = between
        return low + (high - low) * (torch.arange(count, dtype=torch.float64) + 0.5) / count

    def model(params: Params, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x.sin(), x.cos()], -1) @ params["w"].unsqueeze(-1)

    phase = grid(family.phase, 4096)[:, None, None]
    x = grid(family.x, 60).expand(4096, -1).unsqueeze(-1)
    middle = torch.tensor(sum(family.amplitude) / 2, dtype=torch.float64)  # the gradient is linear in A
    y = family.value(x, middle, phase)
    places = torch.tensor([math.pi / 2, 0.0], dtype=torch.float64)
    best = {"w": family.best_predictor()(places)}
    gradient, _ = maml_gradient(model, squared_error, best, Episode(x, y, x, y), sgd(0.01), 0, chunk=4096)
    assert gradient["w"].abs().max() < 1e-7
    expected = {"finn": (0.0, -5.1 / math.pi), "reptile": (0.0, 0.0), "jang": (0.0, -0.6 / math.pi)}[name]
    torch.testing.assert_close(best["w"], torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-12)
    low, high = family.amplitude
    zero = (low**2 + low * high + high**2) / 6  # E[A^2] / 2, the error of the answer 0
    assert zero == pytest.approx({"finn": 4.251667, "reptile": 4.251667, "jang": 0.0516667}[name], abs=1e-6)
    nothing, numbers = maml_gradient(
        model, squared_error, {"w": torch.zeros(2, dtype=torch.float64)},
        Episode(x, y, x, y), sgd(0.01), 0, chunk=4096,
    )  # fmt: skip
    assert numbers["loss"] == pytest.approx(middle.item() ** 2 / 2, rel=1e-6)  # of the mean amplitude
    assert (nothing["w"].norm().item() < 1e-7) is (name == "reptile")


def test_i15_anil_is_maml_with_inner_rate_zero_on_the_body():
    net, episode = NETS["flat head"], pictures()
    theta = net.init(torch.Generator().manual_seed(1), torch.float64)
    rates = {name: 0.4 if name in net.head_names else 0.0 for name in theta}
    anil, _ = maml_gradient(net, cross_entropy, theta, episode, sgd(0.4), 2, only=net.head_names)
    maml, _ = maml_gradient(net, cross_entropy, theta, episode, sgd(rates), 2)
    assert relative(anil, maml) < 1e-12


@pytest.mark.parametrize(("steps", "same"), [(1, True), (2, False)])
def test_with_a_zero_head_one_step_maml_is_anil_and_two_steps_are_not(steps, same):
    """The body's first gradient vanishes, because the head it would come through is zero."""
    net, episode = NETS["flat head"], pictures()
    theta = net.init(torch.Generator().manual_seed(1), torch.float64)
    body = {name: theta[name] for name in net.body_names}
    arguments = (net, cross_entropy, body, episode, sgd(0.4), steps)
    maml, _ = maml_gradient(*arguments, start=net.zero_head)
    anil, _ = maml_gradient(*arguments, start=net.zero_head, only=net.head_names)
    assert (relative(maml, anil) < 1e-10) is same
    assert same or relative(maml, anil) > 1e-3


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_unicorn_is_maml_from_a_zero_head_and_its_vector_gets_no_gradient(steps):
    """UNICORN starts all rows of the head from one learned vector (Ye and Chao 2022). Softmax forgets what all rows
    share, in the logits and in the body's gradient alike, so the vector changes nothing, after any number of steps.
    """
    net, episode = NETS["flat head"], pictures()
    theta = net.init(torch.Generator().manual_seed(1), torch.float64)
    body = {name: theta[name] for name in net.body_names}
    vector = torch.randn(net.features, generator=torch.Generator().manual_seed(2), dtype=torch.float64)

    def tied(point: Params) -> Params:
        rest = {name: value for name, value in point.items() if name != "vector"}
        bias = point["vector"].new_zeros(net.ways)
        return rest | {"head.weight": point["vector"].expand(net.ways, -1), "head.bias": bias}

    found, _ = maml_gradient(
        net, cross_entropy, body | {"vector": vector}, episode, sgd(0.4), steps, start=tied
    )
    zero, _ = maml_gradient(net, cross_entropy, body, episode, sgd(0.4), steps, start=net.zero_head)
    assert relative({name: found[name] for name in body}, zero) < 1e-10
    assert found["vector"].norm() < 1e-12


def test_the_result_does_not_depend_on_which_thread_is_first():
    net, episode = Conv4(5, filters=6), pictures(tasks=8).to(dtype=torch.float32)
    theta = net.init(torch.Generator().manual_seed(1))
    runs = [maml_gradient(net, cross_entropy, theta, episode, sgd(0.4), 1, chunk=2)[0] for _ in range(3)]
    assert all(torch.equal(runs[0][name], run[name]) for run in runs for name in theta)


def test_chunks_cover_every_task_once():
    episode = curves(tasks=7)
    seen, _ = sum_over_chunks(lambda part: ({"sum": part.support_x.sum(0)}, {}), episode, 3)
    torch.testing.assert_close(seen["sum"], episode.support_x.sum(0))


def test_meta_parameters_may_be_more_than_a_start():
    """Learned rates (Meta-SGD) are one dict with theta: the rule reads them, `start` leaves them out. Identity I-14."""
    mlp = MLP((1, 5, 1), activation="tanh")
    theta, episode = mlp.init(torch.Generator().manual_seed(0), torch.float64), curves(tasks=1)
    meta = leaves(theta | {"alpha": torch.tensor(0.1, dtype=torch.float64)})
    losses, _ = maml_losses(
        mlp, squared_error, meta, episode, sgd(meta["alpha"]), 1, start=lambda m: {n: m[n] for n in theta}
    )
    (found,) = torch.autograd.grad(losses.sum(), meta["alpha"])
    inner = torch.func.grad(lambda p: squared_error(mlp(p, episode.support_x[0]), episode.support_y[0]))(
        theta
    )
    phi = {name: theta[name] - 0.1 * inner[name] for name in theta}
    outer = torch.func.grad(lambda p: squared_error(mlp(p, episode.query_x[0]), episode.query_y[0]))(phi)
    torch.testing.assert_close(found, -sum((inner[name] * outer[name]).sum() for name in theta))


def test_an_episode_without_task_axis_is_refused_with_advice():
    mlp = MLP()
    theta = mlp.init(torch.Generator().manual_seed(0))
    bare = Episode(*(torch.rand(5) for _ in range(4)))
    with pytest.raises(EpisodeError, match="unsqueeze"):
        maml_gradient(mlp, squared_error, theta, bare, sgd(0.1), 1)
    uneven = Episode(torch.rand(2, 5, 1), torch.rand(2, 4, 1), torch.rand(2, 5, 1), torch.rand(2, 5, 1))
    with pytest.raises(EpisodeError, match="5 inputs but 4 labels"):
        maml_gradient(mlp, squared_error, theta, uneven, sgd(0.1), 1)


def test_i19_the_first_head_step_from_zero_makes_a_nearest_mean_classifier():
    """All logits are equal at first, so the loss is log N; one step gives w_c = (alpha / N) (mu_c - mu)."""
    net, episode, alpha = NETS["flat head"], pictures(shots=2), 0.4
    theta = net.init(torch.Generator().manual_seed(1), torch.float64)
    begin = net.zero_head(theta)
    x, y = episode.support_x[0], episode.support_y[0]
    assert cross_entropy(net(begin, x), y).item() == pytest.approx(math.log(5))
    phi = adapt(lambda p: cross_entropy(net(p, x), y), begin, sgd(alpha), 1)
    identity = Conv4(net.features, filters=net.filters, head="flatten")  # a head that shows its features
    show = begin | {
        "head.weight": torch.eye(net.features, dtype=torch.float64),
        "head.bias": torch.zeros(net.features, dtype=torch.float64),
    }
    features = identity(show, x)
    means = torch.stack([features[y == label].mean(0) for label in range(5)])
    torch.testing.assert_close(phi["head.weight"], alpha / 5 * (means - features.mean(0)))
    assert phi["head.bias"].abs().max() < 1e-15


def test_a_loss_that_is_not_one_number_a_task_is_refused():
    net = MLP((1, 4, 1))
    theta = net.init(torch.Generator().manual_seed(0), torch.float64)
    with pytest.raises(EpisodeError, match=r"shape \(\) for 2 tasks"):
        maml_gradient(net, torch.nn.functional.mse_loss, theta, curves(), sgd(0.1), 1, chunk=2)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_makes_its_own_threads():
    script = """
        import os, signal, time, torch
        from mlteach.outer.chunks import over_chunks
        from mlteach.tasks import Episode
        torch.set_num_threads(2)
        episode = Episode(*(torch.zeros(4, 1) for _ in range(4)))
        over_chunks(lambda part: time.sleep(0.2), episode, 2)  # long enough for both threads to be started
        child = os.fork()
        if not child:
            signal.alarm(5)  # ends it should it wait for ever
            os._exit(over_chunks(lambda part: part.tasks, episode, 2) != [2, 2])
        raise SystemExit(os.waitpid(child, 0)[1] != 0)
    """
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", textwrap.dedent(script)], check=False)
    assert done.returncode == 0
