"""Reptile against a plain loop over tasks, the sum of its gradients, joint training, and closed forms."""

import pytest
import torch

from mlteach.checkpoint import load_checkpoint, params_from
from mlteach.errors import EpisodeError
from mlteach.fit import fit
from mlteach.inner import adam, adapt, lstm_cell, momentum, sgd
from mlteach.measure.ledger import data_folder
from mlteach.nets import MLP, Conv4, cross_entropy, squared_error
from mlteach.outer import maml_gradient, reptile_gradient, shuffled
from mlteach.params import Params, gradient_of, leaves, norm, scale, stack, subtract
from mlteach.tasks import Sinusoids
from mlteach.tasks.episode import Episode

NET = MLP((1, 16, 16, 1), activation="tanh")
RULES = {
    "sgd": sgd(0.05),
    "momentum": momentum(0.02, 0.9),
    "Adam": adam(0.01, beta1=0.0),
    "LSTM cell": lstm_cell(0.98, lambda name, c, gradient, t: 0.1 * torch.sigmoid(gradient)),
}


def start(seed: int = 0) -> Params:
    return NET.init(torch.Generator().manual_seed(seed), torch.float64)


def sinusoids(tasks: int = 5, shots: int = 12, seed: int = 1) -> Episode:
    g = torch.Generator().manual_seed(seed)
    return Sinusoids.reptile().sample(tasks, shots, 3, generator=g, dtype=torch.float64)


def relative(a: Params, b: Params) -> float:
    return (norm(subtract(a, b)) / norm(b)).item()


def plain(theta: Params, episode: Episode, rule, steps: int, batch: int) -> Params:
    """One task after the other, one minibatch after the other, with nothing of the package but the rule."""
    total = {name: torch.zeros_like(value) for name, value in theta.items()}
    for x, y in zip(episode.support_x, episode.support_y, strict=True):
        phi, state = leaves(theta), rule.init(theta)
        for k in range(steps):
            which = [(k * batch + i) % len(x) for i in range(batch)]
            value = (NET(phi, x[which]) - y[which]).square().mean()
            moved, state = rule.step(phi, gradient_of(value, phi), state, loss=value.detach())
            phi = leaves(moved)
        total = {name: total[name] + (theta[name] - phi[name].detach()) for name in theta}
    return scale(1 / episode.tasks, total)


@pytest.mark.parametrize(("steps", "batch"), [(1, None), (4, None), (3, 4), (5, 5)])
@pytest.mark.parametrize("rule", RULES)
def test_the_task_batched_difference_equals_the_plain_loop(rule, steps, batch):
    theta, episode = start(), sinusoids()
    expected = plain(theta, episode, RULES[rule], steps, batch or 12)
    for chunk in (1, 2, 5):
        found, numbers = reptile_gradient(
            NET, squared_error, theta, episode, RULES[rule], steps, batch=batch, chunk=chunk
        )
        assert relative(found, expected) < 1e-10
        assert numbers["loss"] > 0 and not any(value.requires_grad for value in found.values())


def test_i23b_the_difference_over_alpha_is_the_sum_of_the_gradients_on_the_way():
    theta, episode, alpha, steps, batch = start(), sinusoids(tasks=1), 0.05, 4, 3
    found, _ = reptile_gradient(NET, squared_error, theta, episode, sgd(alpha), steps, batch=batch)
    point, total = leaves(theta), None
    for k in range(steps):
        x, y = (each[0, k * batch : (k + 1) * batch] for each in episode[:2])
        gradient = gradient_of((NET(point, x) - y).square().mean(), point)
        total = gradient if total is None else {name: total[name] + gradient[name] for name in total}
        point = leaves(subtract(point, scale(alpha, gradient)))
    assert relative(scale(1 / alpha, found), total) < 1e-10


def test_i23a_with_one_step_reptile_is_joint_training():
    """One step: alpha times the gradient of the mean loss, which is MAML without inner steps. Two are something else."""
    theta, episode, alpha = start(), sinusoids(), 0.05
    joint, _ = maml_gradient(
        NET, squared_error, theta, Episode(*episode[:2], *episode[:2]), sgd(alpha), steps=0
    )
    for steps, same in ((1, True), (2, False)):
        found, _ = reptile_gradient(NET, squared_error, theta, episode, sgd(alpha), steps)
        assert (relative(scale(1 / alpha / steps, found), joint) < 1e-10) is same
        assert same or relative(scale(1 / alpha / steps, found), joint) > 1e-3


@pytest.mark.parametrize("tasks", [1, 3])
def test_in_fit_with_sgd_it_is_algorithm_1_and_2(tasks):
    """phi <- phi + beta mean(phi_k - phi), beta going linearly to zero, written out."""
    beta, steps = 0.5, 6

    def sample(g: torch.Generator) -> Episode:
        return Sinusoids.reptile().sample(tasks, 10, 1, generator=g, dtype=torch.float64)

    run = fit(
        lambda theta, episode: reptile_gradient(NET, squared_error, theta, episode, sgd(0.02), 2, batch=5),
        start(), sample, steps=steps, generator=torch.Generator().manual_seed(3),
        lr=beta, schedule="linear", optimizer=torch.optim.SGD, progress=None,
    )  # fmt: skip
    theta, g = start(), torch.Generator().manual_seed(3)
    for step in range(steps):
        difference = plain(theta, sample(g), sgd(0.02), 2, 5)
        theta = subtract(theta, scale(beta * (1 - step / steps), difference))
    assert relative(run.theta, theta) < 1e-10


def test_on_quadratics_the_difference_has_a_closed_form():
    """L = |theta - a|^2 / 2: theta - phi_k = (1 - (1 - alpha)^k) (theta - a), and so the mean of the a is where it rests."""
    a = torch.randn(6, 1, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    theta = {"theta": torch.randn(4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)}

    def away(params: Params, x: torch.Tensor) -> torch.Tensor:
        return params["theta"].unsqueeze(-2) - x

    def loss(outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return outputs.square().sum((-2, -1)) / 2

    episode, alpha, k = Episode(a, a, a, a), 0.1, 7
    found, _ = reptile_gradient(away, loss, theta, episode, sgd(alpha), k)
    expected = (1 - (1 - alpha) ** k) * (theta["theta"] - a.mean((0, 1)))
    torch.testing.assert_close(found["theta"], expected, rtol=1e-12, atol=1e-12)


def test_a_head_that_is_reset_adapts_but_does_not_move():
    net = Conv4(3, filters=4, head="flatten")
    theta = net.init(torch.Generator().manual_seed(0), torch.float64)
    body = {name: theta[name] for name in net.body_names}
    g = torch.Generator().manual_seed(1)
    x, y = (
        torch.rand(2, 6, 1, 28, 28, generator=g, dtype=torch.float64),
        torch.arange(3).repeat(2).expand(2, -1),
    )
    arguments = (net, cross_entropy, body, Episode(x, y, x, y), sgd(0.4))
    one, _ = reptile_gradient(*arguments, 1, start=net.zero_head)
    two, _ = reptile_gradient(*arguments, 2, start=net.zero_head)
    assert set(two) == set(body)
    assert norm(one) < 1e-12 < norm(two)  # through a head of zeros no gradient reaches the body


def test_shuffled_keeps_pairs_and_mixes_each_task_in_its_own_way():
    x = torch.arange(20.0).view(2, 10, 1)
    episode = Episode(x, 10 * x, x[:, :3], x[:, :3])
    mixed = shuffled(episode, torch.Generator().manual_seed(0))
    assert torch.equal(mixed.support_y, 10 * mixed.support_x)
    assert torch.equal(mixed.support_x.sort(1).values, x)
    assert not torch.equal(mixed.support_x[0], mixed.support_x[1] - 10)
    assert torch.equal(mixed.query_x, episode.query_x)
    again = shuffled(episode, torch.Generator().manual_seed(0))
    assert torch.equal(again.support_x, mixed.support_x)


@pytest.mark.parametrize("batch", [0, 13])
def test_a_minibatch_that_does_not_fit_is_refused(batch):
    with pytest.raises(EpisodeError, match="give 1 to 12"):
        reptile_gradient(NET, squared_error, start(), sinusoids(), sgd(0.1), 1, batch=batch)


def batches(episode: Episode, steps: int, batch: int):
    """The minibatches of every task, in the order in which its inner steps see them."""
    for x, y in zip(*episode[:2], strict=True):
        yield [(x[k * batch : (k + 1) * batch], y[k * batch : (k + 1) * batch]) for k in range(steps)]


def torch_sgd(theta: Params, parts, lr: float) -> Params:
    """What `torch.optim.SGD` makes of theta on minibatches, one after the other: nothing of the package but the network."""
    weights = leaves(theta)
    optimizer = torch.optim.SGD(weights.values(), lr=lr)
    for x, y in parts:
        optimizer.zero_grad()
        (NET(weights, x) - y).square().mean().backward()
        optimizer.step()
    return {name: value.detach() for name, value in weights.items()}


def reptile(episodes: list[Episode], *, beta: float, steps: int, batch: int, alpha: float = 0.05) -> Params:
    """The package's Reptile on these episodes, in turn."""
    drawn = iter(episodes)
    return fit(
        lambda theta, episode: reptile_gradient(NET, squared_error, theta, episode, sgd(alpha), steps, batch=batch),
        start(), lambda g: next(drawn), steps=len(episodes), generator=torch.Generator(), lr=beta,
        optimizer=torch.optim.SGD, progress=None,
    ).theta  # fmt: skip


def test_i23a_serial_with_one_step_is_sgd_on_the_tasks_with_rate_beta_alpha():
    episodes = [sinusoids(tasks=1, seed=seed) for seed in range(6)]
    parts = [part for episode in episodes for (part,) in batches(episode, 1, 12)]
    found = reptile(episodes, beta=0.3, steps=1, batch=12)
    assert relative(found, torch_sgd(start(), parts, 0.3 * 0.05)) < 1e-12


def test_with_beta_one_and_one_task_a_step_it_is_sgd_that_stays_k_steps_with_a_task():
    episodes = [sinusoids(tasks=1, seed=seed) for seed in range(4)]
    parts = [part for episode in episodes for task in batches(episode, 3, 4) for part in task]
    expected = torch_sgd(start(), parts, 0.05)
    assert relative(reptile(episodes, beta=1.0, steps=3, batch=4), expected) < 1e-12
    assert relative(reptile(episodes, beta=0.5, steps=3, batch=4), expected) > 1e-3


def test_i23g_on_a_single_task_it_is_lookahead():
    """Zhang, Lucas, Hinton, Ba 2019, algorithm 1: fast weights make k steps, slow ones follow by beta."""
    episodes, beta = (
        [shuffled(sinusoids(tasks=1), torch.Generator().manual_seed(s)) for s in range(5)],
        0.4,
    )
    slow = start()
    for episode in episodes:
        (parts,) = batches(episode, 3, 4)
        fast = torch_sgd(slow, parts, 0.05)
        slow = {name: value + beta * (fast[name] - value) for name, value in slow.items()}
    assert relative(reptile(episodes, beta=beta, steps=3, batch=4), slow) < 1e-12


def test_i23g_with_beta_one_it_is_federated_averaging_of_clients_that_all_take_part():
    """McMahan et al. 2017, algorithm 1, C = 1, clients of one size. Other sizes weigh, and then it is not."""
    clients = sinusoids(tasks=4)
    rounds = [shuffled(clients, torch.Generator().manual_seed(s)) for s in range(3)]

    def averaged(shares: list[float]) -> Params:
        server = start()
        for each in rounds:
            local = [torch_sgd(server, parts, 0.05) for parts in batches(each, 3, 4)]
            server = {n: sum(w * phi[n] for w, phi in zip(shares, local, strict=True)) for n in server}
        return server

    found = reptile(rounds, beta=1.0, steps=3, batch=4)
    assert relative(found, averaged([0.25] * 4)) < 1e-12
    assert relative(found, averaged([0.7, 0.1, 0.1, 0.1])) > 1e-3


def test_i23g_one_round_of_it_is_the_parallel_sgd_of_zinkevich():
    """Zinkevich et al. 2010, algorithm 3: every machine runs SGD over its share of the data, and one mean at the end."""
    shares = sinusoids(tasks=3)
    local = [torch_sgd(start(), parts, 0.05) for parts in batches(shares, 12, 1)]
    mean = {name: torch.stack([phi[name] for phi in local]).mean(0) for name in local[0]}
    assert relative(reptile([shares], beta=1.0, steps=12, batch=1), mean) < 1e-12


def test_i23e_on_affine_manifolds_it_rests_at_the_least_squares_point():
    """Task tau: |A theta - b|^2 / 2 with fewer rows than theta has entries, solved anywhere on an affine manifold. Trained
    to the end, a task projects on it, and Reptile rests where the mean of theta - P theta is zero."""
    g = torch.Generator().manual_seed(4)
    rows = torch.linalg.qr(
        torch.randn(5, 4, 2, generator=g, dtype=torch.float64)
    ).Q.mT  # orthonormal: [5, 2, 4]
    b = torch.randn(5, 2, 1, generator=g, dtype=torch.float64)

    def outputs(params: Params, x: torch.Tensor) -> torch.Tensor:
        return x @ params["theta"].unsqueeze(-1)

    def loss(outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (outputs - y).square().sum((-2, -1)) / 2

    episode, theta = Episode(rows, b, rows, b), {"theta": torch.ones(4, dtype=torch.float64)}
    projected, _ = reptile_gradient(outputs, loss, theta, episode, sgd(0.9), 20)
    away = (rows.mT @ (rows @ theta["theta"].unsqueeze(-1) - b)).squeeze(
        -1
    )  # theta - P theta, in closed form
    torch.testing.assert_close(projected["theta"], away.mean(0), rtol=1e-12, atol=1e-12)
    run = fit(
        lambda theta, episode: reptile_gradient(outputs, loss, theta, episode, sgd(0.9), 20),
        theta, lambda g: episode, steps=600, generator=g, lr=1.0, optimizer=torch.optim.SGD, progress=None,
    )  # fmt: skip
    expected = torch.linalg.lstsq(rows.reshape(10, 4), b.reshape(10, 1)).solution.squeeze(-1)
    torch.testing.assert_close(run.theta["theta"], expected, rtol=1e-9, atol=1e-9)


def test_the_recorded_start_learns_in_a_few_steps_and_that_of_joint_training_does_not():
    """Lesson 07's checkpoints do what their JSON says, coarsely: both are flat, and only one can be trained quickly."""
    net = MLP((1, 64, 64, 1), activation="tanh")
    episode = Sinusoids.reptile().sample(
        200, 10, 50, generator=torch.Generator().manual_seed(7), dtype=torch.float64
    )
    like = net.init(torch.Generator(), torch.float64)

    def error(phi: Params) -> float:
        return squared_error(net(phi, episode.query_x), episode.query_y).mean().item()

    after = {}
    for name in ("serial", "joint"):
        theta = params_from(load_checkpoint(data_folder() / "checkpoints" / f"07-{name}.safetensors"), like)
        with torch.no_grad():
            path = adapt(
                lambda phi: squared_error(net(phi, episode.support_x), episode.support_y),
                stack(theta, 200), sgd(0.02), 5, path=True,
            )  # fmt: skip
        assert error(path[0]) > 3.5
        after[name] = error(path[-1])
    assert after["serial"] < 0.5 and after["joint"] > 3
