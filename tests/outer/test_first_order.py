"""FOMAML and Reptile as readings of one walk, and Reptile's inner Adam as its authors run it. Lesson 10's identities."""

import torch

from mlteach.inner import adam, carried, sgd
from mlteach.nets import MLP, Conv4, cross_entropy, squared_error
from mlteach.outer import maml_gradient, reptile_gradient
from mlteach.params import Params, add, gradient_of, leaves, norm, scale, subtract
from mlteach.tasks import Sinusoids
from mlteach.tasks.episode import Episode

NET = MLP((1, 16, 16, 1), activation="tanh")


def setting(tasks: int = 1) -> tuple[Params, Episode]:
    g = torch.Generator().manual_seed(1)
    theta = NET.init(g, torch.float64)
    return theta, Sinusoids.reptile().sample(tasks, 12, 4, generator=g, dtype=torch.float64)


def relative(a: Params, b: Params) -> float:
    return (norm(subtract(a, b)) / norm(b)).item()


def test_fomaml_is_the_last_gradient_of_a_walk_and_reptile_the_sum_of_all():
    theta, episode = setting()
    x, y, query_x, query_y = (each[0] for each in episode)
    for batches in (
        [(x, y)] * 3 + [(query_x, query_y)],
        [(x[i : i + 4], y[i : i + 4]) for i in (0, 4, 8, 0)],
    ):
        point, gradients = theta, []
        for batch_x, batch_y in batches:
            here = leaves(point)
            gradients.append(gradient_of((NET(here, batch_x) - batch_y).square().mean(), here))
            point = subtract(point, scale(0.05, gradients[-1]))
        if batches[-1][0] is query_x:
            found, _ = maml_gradient(NET, squared_error, theta, episode, sgd(0.05), 3, first_order=True)
            assert relative(found, gradients[-1]) < 1e-10
        else:
            total = gradients[0]
            for each in gradients[1:]:
                total = add(total, each)
            found, _ = reptile_gradient(NET, squared_error, theta, episode, sgd(0.05), 4, batch=4)
            assert relative(scale(1 / 0.05, found), total) < 1e-10


def test_carried_moments_are_torchs_adam_with_the_weights_taken_back_after_each_task():
    """The authors' way: the optimizer runs on, step count and all; only the weights return to the start."""
    theta, episode = setting(tasks=3)
    theirs = leaves(theta)
    optimizer = torch.optim.Adam(list(theirs.values()), 0.01, betas=(0.0, 0.999))
    memory: dict = {}
    for index in range(episode.tasks):
        one = episode.part(slice(index, index + 1))
        with torch.no_grad():
            for name, value in theirs.items():
                value.copy_(theta[name])
        for k in range(5):
            which = [(4 * k + i) % 12 for i in range(4)]
            optimizer.zero_grad()
            (NET(theirs, one.support_x[0, which]) - one.support_y[0, which]).square().mean().backward()
            optimizer.step()
        expected = {name: theta[name] - value.detach() for name, value in theirs.items()}
        rule = carried(adam(0.01, beta1=0.0), memory)
        kept, _ = reptile_gradient(NET, squared_error, theta, one, rule, 5, batch=4)
        assert relative(kept, expected) < 1e-9
        fresh, _ = reptile_gradient(NET, squared_error, theta, one, adam(0.01, beta1=0.0), 5, batch=4)
        assert (relative(fresh, expected) > 0.05) is (index > 0)


def test_with_a_head_of_zeros_and_one_step_fomaml_is_first_order_anil():
    net = Conv4(3, filters=4, head="flatten")
    g = torch.Generator().manual_seed(0)
    theta = net.init(g, torch.float64)
    body = {name: theta[name] for name in net.body_names}
    x = torch.rand(2, 2, 6, 1, 28, 28, generator=g, dtype=torch.float64)
    y = torch.arange(3).repeat(2).expand(2, -1)
    episode = Episode(x[0], y, x[1], y)
    for steps, same in ((1, True), (2, False)):
        both = [
            maml_gradient(net, cross_entropy, body, episode, sgd(0.4), steps, first_order=True, start=net.zero_head, only=only)[0]
            for only in (None, net.head_names)
        ]  # fmt: skip
        gap = relative(*both)
        assert (gap < 1e-10) if same else (gap > 1e-3)
