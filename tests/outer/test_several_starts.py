"""Several starts: with one group they are MAML to the last bit, and groups are what they should be."""

import torch

from mlteach.exercises import find
from mlteach.inner import sgd
from mlteach.nets import MLP, squared_error
from mlteach.outer import maml_gradient, maml_losses
from mlteach.outer.several_starts import (
    adapted_from,
    adapted_points,
    grouped,
    nearest,
    purity,
    starts_of,
)
from mlteach.params import from_vector, map_params
from mlteach.tasks.mixture import Mixture, drawn_from

F64 = torch.float64
NET, HOW = MLP((1, 5, 1), activation="tanh"), (sgd(0.02), 2)


def setting():
    g = torch.Generator().manual_seed(0)
    theta = NET.init(g, F64)
    episode, family = Mixture.phases().sample_with_family(40, 5, 6, generator=g, dtype=F64)
    return theta, episode, family, adapted_points(NET, squared_error, theta, episode, *HOW)


def test_one_group_is_maml_from_the_mean_solution_to_the_last_bit():
    theta, episode, _, points = setting()
    groups = grouped(points, 1)
    (start,) = starts_of(groups, theta)
    mean = from_vector(points.mean(0), theta)
    assert all(torch.equal(start[name], mean[name]) for name in theta) and not groups.group.any()
    everywhere = (groups.group == 0).nonzero()[:, 0]
    own, all_of_them = (
        drawn_from(episode, at, 8, generator=torch.Generator().manual_seed(1))
        for at in (everywhere, range(40))
    )
    ours, _ = maml_gradient(NET, squared_error, start, own, *HOW)
    theirs, _ = maml_gradient(NET, squared_error, mean, all_of_them, *HOW)
    assert all(torch.equal(ours[name], theirs[name]) for name in theta)
    _, query = adapted_from(NET, squared_error, [start], episode, *HOW)
    assert torch.equal(query[0], maml_losses(NET, squared_error, mean, episode, *HOW)[0])


def test_groups_are_nearest_means_and_a_common_shift_changes_none():
    theta, episode, _, points = setting()
    groups = grouped(points, 3)
    for number in range(
        3
    ):  # a fixed point: means are the groups' means, and each point is in the nearest one's group
        assert torch.allclose(groups.means[number], points[groups.group == number].mean(0))
    assert torch.equal(nearest(points, groups.means), groups.group)
    shift = 3 * torch.randn(points.shape[1], generator=torch.Generator().manual_seed(2), dtype=F64)
    assert purity(groups.group, grouped(points + shift, 3).group) == 1
    worse = grouped(points, 2)
    cost = [(points - g.means[g.group]).square().sum() for g in (grouped(points, 1), worse, groups)]
    assert cost[0] > cost[1] > cost[2]
    far = [theta, map_params(lambda v: v + 9, theta)]
    support, _ = adapted_from(NET, squared_error, far, episode, *HOW)
    assert not support.argmin(0).any()  # the start by support loss is the one that fits


def test_no_step_of_k_means_raises_the_cost_and_a_translation_moves_the_means_alone():
    """Cost: the squared distances to the own mean. Each half of a step (groups, then means) can only lower it."""
    _, _, _, points = setting()
    step = find("15.3").solution
    shift = torch.randn(points.shape[1], generator=torch.Generator().manual_seed(3), dtype=F64)
    for seed in range(5):
        draw = torch.Generator().manual_seed(seed)
        means = points[torch.randperm(len(points), generator=draw)[:4]]
        costs = []
        for _ in range(12):
            group = nearest(points, means)
            costs.append((points - means[group]).square().sum())
            there, elsewhere = step(points, means), step(points + shift, means + shift)
            assert torch.equal(there[1], group) and torch.equal(elsewhere[1], group)
            assert torch.allclose(elsewhere[0], there[0] + shift, atol=1e-12)
            means = there[0]
            costs.append((points - means[group]).square().sum())
        assert all(after <= before + 1e-12 for before, after in zip(costs, costs[1:], strict=False))
        assert costs[-1] < 0.95 * costs[0]


def test_purity_is_the_share_of_the_commonest_family():
    group, family = torch.tensor([0, 0, 0, 1, 1, 1]), torch.tensor([2, 2, 0, 1, 1, 0])
    assert purity(group, family) == 4 / 6 and purity(family, family) == 1
