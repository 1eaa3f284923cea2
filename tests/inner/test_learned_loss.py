"""Learned losses: they start as MAML to the last bit, and their gradient is that of the plain loop and of finite differences."""

import pytest
import torch

from mlteach.inner import adapt, sgd
from mlteach.inner.learned_loss import LearnedLoss, PlainLoss, RobustLoss, pseudo_huber, turned
from mlteach.inner.objective import objectives
from mlteach.measure import is_it_maml
from mlteach.nets import MLP, squared_error
from mlteach.outer import maml_gradient, maml_gradient_loop, maml_losses
from mlteach.params import Params, norm, subtract
from mlteach.tasks import Sinusoids
from mlteach.tasks.episode import Seen

NET = MLP((1, 6, 1), activation="tanh")
KINDS = {
    "rates": PlainLoss(),
    "robust": RobustLoss(),
    "without FiLM": LearnedLoss(hidden=3, film=False),
    "MeTAL": LearnedLoss(hidden=3),
    "MeTAL, query inputs": LearnedLoss(hidden=3, queries=True),
}
TASKS = Sinusoids.finn().sample(3, 5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def made(kind: PlainLoss, *, moved: bool) -> Params:
    """Fresh parameters; ``moved``: none is zero any more, so that nothing is the identity."""
    g = torch.Generator().manual_seed(1)
    theta = kind.init(g, NET.init(g, torch.float64))
    return (
        {n: v + 0.1 * torch.randn(v.shape, generator=g, dtype=v.dtype) for n, v in theta.items()}
        if moved
        else theta
    )


@pytest.mark.parametrize("name", KINDS)
def test_the_gradient_is_the_loops_and_that_of_finite_differences(name):
    kind = KINDS[name]
    theta = made(kind, moved=True)
    arguments = (NET, squared_error, theta, TASKS, kind.rule, 2)
    found, _ = maml_gradient(*arguments, start=kind.start)
    plain = maml_gradient_loop(*arguments, start=kind.start)
    assert (norm(subtract(found, plain)) / norm(plain)).item() < 1e-10
    g = torch.Generator().manual_seed(2)
    way = {n: torch.randn(v.shape, generator=g, dtype=v.dtype) for n, v in theta.items()}

    def loss(step: float) -> float:
        there = {n: v + step * way[n] for n, v in theta.items()}
        return maml_losses(NET, squared_error, there, TASKS, kind.rule, 2, start=kind.start)[0].mean().item()

    h = 1e-4  # differences of fourth order
    slope = (8 * (loss(h) - loss(-h)) - loss(2 * h) + loss(-2 * h)) / (12 * h)
    assert sum((found[n] * way[n]).sum() for n in way).item() == pytest.approx(slope, rel=1e-8)


@pytest.mark.parametrize("name", ["without FiLM", "MeTAL", "MeTAL, query inputs"])
def test_a_learned_loss_starts_as_maml_and_its_turn_as_the_identity(name):
    kind = KINDS[name]
    theta = made(kind, moved=False)
    ours, _ = maml_losses(NET, squared_error, theta, TASKS, kind.rule, 2, start=kind.start)
    theirs, _ = maml_losses(NET, squared_error, kind.start(theta), TASKS, sgd(0.01), 2)
    assert torch.equal(ours, theirs)
    if kind.film:
        weights = {n: torch.randn(3, 3, dtype=torch.float64) for n in ("weight1", "bias1", "weight2")}
        turn = turned(weights, theta, "loss.support0.film.", torch.randn(4, 5, dtype=torch.float64))
        assert all(torch.equal(turn[n], weights[n].expand(4, 3, 3)) for n in weights)


def test_a_robust_loss_is_the_squared_error_near_zero_and_a_line_far_out():
    near, far = torch.tensor([0.01, 1e6], dtype=torch.float64)
    assert pseudo_huber(near, 1.5).item() == pytest.approx(1e-4, rel=1e-4)
    assert pseudo_huber(far, 1.5).item() == pytest.approx(3e6, rel=1e-5)
    wide = made(KINDS["robust"], moved=False) | {"loss.width": torch.tensor(12.0, dtype=torch.float64)}
    kind = KINDS["robust"]
    ours, _ = maml_losses(NET, squared_error, wide, TASKS, kind.rule, 2, start=kind.start)
    theirs, _ = maml_losses(NET, squared_error, kind.start(wide), TASKS, sgd(0.01), 2)
    assert torch.allclose(ours, theirs, rtol=1e-6)


def test_the_order_of_the_parameters_changes_nothing():
    kind, theta = KINDS["MeTAL"], made(KINDS["MeTAL"], moved=True)
    turned_over = {name: theta[name] for name in reversed(theta)}
    losses = [
        maml_losses(NET, squared_error, each, TASKS, kind.rule, 2, start=kind.start)[0]
        for each in (theta, turned_over)
    ]
    assert torch.equal(*losses)


@pytest.mark.parametrize("name", KINDS)
def test_is_it_maml_says_second_and_not_where_the_steps_are_cut(name):
    kind = KINDS[name]
    theta = made(kind, moved=True)

    def inner_loop(cut: bool):
        def run(theta, x, y):
            rule = kind.rule(theta)
            descent = objectives(NET, squared_error, Seen(x, y, x), rule, 2, None)
            return adapt(descent, kind.start(theta), rule, 2, first_order=cut)

        return run

    def loss(phi: Params, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return squared_error(NET(phi, x), y)

    assert is_it_maml(inner_loop(cut=False), loss, theta, TASKS).order == "second"
    assert is_it_maml(inner_loop(cut=True), loss, theta, TASKS).order != "second"
