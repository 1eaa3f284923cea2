"""MAML++: weights that sum to one, batch norm and rates by step, exact against a plain loop and finite differences."""

from functools import partial

import pytest
import torch

from mlteach.errors import EpisodeError, RuleError
from mlteach.fit import fit
from mlteach.inner import adapt, sgd
from mlteach.inner.per_step import LearnedRates, per_step
from mlteach.measure import is_it_maml, path_of, step_accuracy
from mlteach.nets import Conv4, cross_entropy
from mlteach.nets.per_step import PerStep, moved
from mlteach.outer import maml_gradient, maml_gradient_loop, maml_losses
from mlteach.outer.multi_step import RELEASED_FLOOR, annealed, in_two_schedules
from mlteach.params import leaves, norm, scale, subtract
from mlteach.tasks import Episode

STEPS = 3
NET = PerStep(Conv4(3, 4, head="flatten"), STEPS)
ONLY = (*(f"conv{block}.weight" for block in (1, 2, 3, 4)), *NET.net.head_names)
RATES = LearnedRates(ONLY, STEPS)
WEIGHTS = annealed(STEPS, 0.4)


@pytest.fixture
def episode() -> Episode:
    g = torch.Generator().manual_seed(0)
    x = torch.rand(2, 12, 1, 28, 28, generator=g, dtype=torch.float64)
    y = torch.arange(3).repeat(4).expand(2, 12)
    return Episode(x[:, :3], y[:, :3], x[:, 3:], y[:, 3:])


@pytest.fixture
def theta() -> dict[str, torch.Tensor]:
    """Every row of gamma, beta and the rates is another one, so that a wrong row shows."""
    g = torch.Generator().manual_seed(1)
    plain = NET.init(NET.net.init(g, torch.float64)) | RATES.init(0.3, torch.float64)
    return {
        name: value + 0.05 * torch.randn(value.shape, generator=g, dtype=torch.float64)
        for name, value in plain.items()
    }


HOW = {"rule": RATES.rule, "steps": STEPS, "only": ONLY, "start": RATES.start}


def test_the_weights_sum_to_one_at_every_epoch_and_are_the_papers():
    for steps in range(1, 11):
        for done in torch.linspace(0, 1.2, 121, dtype=torch.float64).tolist():
            weights = annealed(steps, done, RELEASED_FLOOR if done > 0.5 else 0.0)
            assert abs(sum(weights) - 1) < 1e-12 and len(weights) == steps + 1 and weights[0] == 0
            assert min(weights) >= 0 and weights[-1] > max(weights) - 1e-12
    assert annealed(5, 0.0)[1:] == pytest.approx([0.2] * 5)
    assert annealed(5, 0.5)[1:] == pytest.approx([0.1] * 4 + [0.6])
    assert annealed(5, 0.98, RELEASED_FLOOR)[1:] == pytest.approx([0.006] * 4 + [0.976])
    assert annealed(5, 1.0) == [0, 0, 0, 0, 0, 1]


def by_hand(theta, episode):
    """The whole of MAML++'s loss, one task after the other, with nothing of the engine."""
    total = torch.zeros((), dtype=torch.float64)
    for support_x, support_y, query_x, query_y in zip(*episode, strict=True):
        phi = {name: theta[name] for name in ONLY}
        for t in range(STEPS):
            row = {name: theta[name][t] for name in NET.net.norm_names}
            loss = cross_entropy(NET.net(phi | row, support_x), support_y)
            gradient = torch.autograd.grad(loss, [phi[name] for name in ONLY], create_graph=True)
            phi = {
                name: phi[name] - theta["rate." + name][t] * g for name, g in zip(ONLY, gradient, strict=True)
            }
            row = {name: theta[name][t + 1] for name in NET.net.norm_names}
            total = (
                total + WEIGHTS[t + 1] * cross_entropy(NET.net(phi | row, query_x), query_y) / episode.tasks
            )
    return total


def test_all_of_maml_plus_plus_is_exact_by_hand_by_loop_and_by_finite_differences(theta, episode):
    found, _ = maml_gradient(NET, cross_entropy, theta, episode, weights=WEIGHTS, **HOW)
    loop = maml_gradient_loop(NET, cross_entropy, theta, episode, weights=WEIGHTS, **HOW)
    at = {name: value.clone().requires_grad_() for name, value in theta.items()}
    hand = torch.autograd.grad(by_hand(at, episode), list(at.values()), allow_unused=True)
    for name, value in zip(at, hand, strict=True):
        assert value is not None and (found[name] - value).abs().max() < 1e-10, name
        assert (found[name] - loop[name]).abs().max() < 1e-10, name
    g, size = torch.Generator().manual_seed(2), 1e-7  # shorter than the way to the next kink of a ReLU
    for name in ("conv2.weight", "norm3.gamma", "rate.conv4.weight"):
        way = torch.randn(theta[name].shape, generator=g, dtype=torch.float64)
        ends = [by_hand(leaves(theta | {name: theta[name] + s * size * way}), episode) for s in (1, -1)]
        slope = (ends[0] - ends[1]).item() / (2 * size)
        assert slope == pytest.approx((found[name] * way).sum().item(), rel=1e-5, abs=1e-8), name


def test_is_it_maml_says_second(theta, episode):
    def adapted(start, x, y):
        losses = [partial(lambda t, phi: cross_entropy(NET.at(t)(phi, x), y), t) for t in range(STEPS)]
        return adapt(losses, RATES.start(start), RATES.rule(start), STEPS, only=ONLY)

    def loss(phi, x, y):
        return cross_entropy(NET.at(STEPS)(phi, x), y)

    assert is_it_maml(adapted, loss, theta, episode.part(slice(1))).order == "second"


def test_one_rate_everywhere_is_gradient_descent_and_one_row_everywhere_is_conv4(episode):
    plain = NET.net.init(torch.Generator().manual_seed(3), torch.float64)
    same = NET.init(plain) | RATES.init(0.3, torch.float64)
    ours, _ = maml_gradient(NET, cross_entropy, same, episode, **HOW)
    theirs, _ = maml_gradient(NET.net, cross_entropy, plain, episode, sgd(0.3), STEPS, only=ONLY)
    for name in theirs:
        value = ours[name].sum(0) if name in NET.net.norm_names else ours[name]
        assert (value - theirs[name]).abs().max() < 1e-10, name
    last_alone, _ = maml_gradient(NET, cross_entropy, same, episode, weights=annealed(STEPS, 1.0), **HOW)
    assert norm(subtract(last_alone, ours)) == 0


def test_running_statistics_are_read_where_the_mode_says_so_and_nowhere_else(theta, episode):
    phi = path_of(NET, theta, episode, RATES.rule(theta), STEPS, only=ONLY, start=RATES.start)[-1]
    net = NET.at(STEPS)
    seen = net.statistics(phi, episode.query_x)
    poison = {name: (mean * torch.nan, variance) for name, (mean, variance) in seen.items()}
    sets = [poison] * STEPS + [seen]
    reading = NET.reading(sets).at(STEPS)
    assert torch.equal(reading(phi, episode.query_x), net(phi, episode.query_x))
    assert reading(phi, episode.query_x, "running").isfinite().all()  # this step's own, not another's
    assert NET.reading(sets).at(0)(phi, episode.query_x, "running").isnan().all()
    always = NET.reading([seen] * (STEPS + 1), always=True)
    with torch.no_grad():
        losses, _ = maml_losses(always, cross_entropy, theta, episode, **HOW)
    assert losses.isfinite().all()
    with torch.no_grad():
        losses, _ = maml_losses(NET.reading(sets, always=True), cross_entropy, theta, episode, **HOW)
    assert losses.isnan().all()
    one = [net.net.running_statistics({n: v[k, STEPS] if n in NET.net.norm_names else v[k] for n, v in phi.items()},
                                      episode.query_x[k]) for k in range(2)]  # fmt: skip
    for name, (mean, variance) in seen.items():
        assert (mean - (one[0][name][0] + one[1][name][0]) / 2).abs().max() < 1e-12
        assert (variance - (one[0][name][1] + one[1][name][1]) / 2).abs().max() < 1e-12
    before = {name: mean.clone() for name, (mean, _) in seen.items()}
    later = moved(seen, {name: (mean + 1, variance) for name, (mean, variance) in seen.items()}, 0.1)
    assert all(torch.equal(before[name], seen[name][0]) for name in seen)  # a new value; nothing is changed
    assert all((later[name][0] - before[name] - 0.1).abs().max() < 1e-12 for name in seen)


def test_what_is_not_there_is_said(theta, episode):
    with pytest.raises(EpisodeError, match=r"net\.at\(0\)"):
        NET(theta, episode.query_x[0])
    with pytest.raises(EpisodeError, match="as many steps as were trained"):
        NET.at(STEPS + 1)
    with pytest.raises(EpisodeError, match="There are 1 sets of statistics; give 4"):
        NET.reading([{}])
    with pytest.raises(RuleError, match="as many steps as were trained"):
        step_accuracy(NET.net, NET.net.init(torch.Generator(), torch.float64), [episode],
                      per_step({n: torch.ones(1) for n in ONLY}), 2, only=ONLY)  # fmt: skip
    with pytest.raises(RuleError, match="no rates for 'w'"):
        per_step({"v": torch.ones(2)}).step(
            {"w": torch.ones(1)}, {"w": torch.ones(1)}, 0, loss=torch.ones(())
        )


def test_a_training_runs_through_both_schedules(theta, episode):
    seen = []

    def gradient(point, tasks, **how):
        seen.append((how["first_order"], [round(each, 6) for each in how["weights"]]))
        return scale(0.0, point), {"loss": torch.zeros(())}

    fit(
        in_two_schedules(gradient, 2, 8, over=0.5, first_order=0.25), {"w": torch.ones(1)}, lambda g: episode,
        steps=8, generator=torch.Generator(), progress=None,
    )  # fmt: skip
    assert [first for first, _ in seen] == [True] * 2 + [False] * 6
    assert [weights[1] for _, weights in seen] == [0.5, 0.375, 0.25, 0.125, 0, 0, 0, 0]
    assert all(sum(weights) == pytest.approx(1) for _, weights in seen)
