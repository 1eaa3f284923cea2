"""Nesterov, RMSprop and Adam against torch.optim; a state that is carried on."""

import pytest
import torch

from mlteach.inner import adam, adapt, carried, nesterov, rmsprop
from mlteach.inner.carry import forgotten
from mlteach.params import Params, task


def problem() -> tuple[Params, torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    theta = {"a": torch.randn(3, 4, generator=g, dtype=torch.float64)}
    theta["b"] = torch.randn(5, generator=g, dtype=torch.float64)
    return theta, torch.randn(4, 5, generator=g, dtype=torch.float64)


def loss_of(matrix: torch.Tensor):
    return lambda p: (torch.tanh(p["a"] @ matrix) * p["b"]).square().sum() + p["a"].sin().sum()


@pytest.mark.parametrize(
    ("rule", "optimizer", "options"),
    [
        (nesterov(0.03, 0.9), torch.optim.SGD, {"lr": 0.03, "momentum": 0.9, "nesterov": True}),
        (rmsprop(0.03), torch.optim.RMSprop, {"lr": 0.03}),
        (rmsprop(0.03, beta=0.9, eps=1e-3), torch.optim.RMSprop, {"lr": 0.03, "alpha": 0.9, "eps": 1e-3}),
        (adam(0.03), torch.optim.Adam, {"lr": 0.03}),
        (adam(0.03, beta1=0.0), torch.optim.Adam, {"lr": 0.03, "betas": (0.0, 0.999)}),
        (adam(0.03, 0.5, 0.9, 1e-3), torch.optim.Adam, {"lr": 0.03, "betas": (0.5, 0.9), "eps": 1e-3}),
    ],
    ids=["nesterov", "rmsprop", "rmsprop, other constants", "adam", "adam, beta1 = 0", "adam, others"],
)
def test_rules_equal_torch_optim_to_rounding(rule, optimizer, options):
    theta, matrix = problem()
    ours = adapt(loss_of(matrix), theta, rule, 30, first_order=True)
    point = {name: value.clone().requires_grad_() for name, value in theta.items()}
    theirs = optimizer(list(point.values()), **options)
    for _ in range(30):
        theirs.zero_grad()
        loss_of(matrix)(point).backward()
        theirs.step()
    for name in theta:
        torch.testing.assert_close(ours[name], point[name].detach(), rtol=1e-11, atol=1e-11)


def test_with_beta1_zero_adam_begins_with_a_step_of_the_sign():
    theta, matrix = problem()
    gradient = torch.func.grad(loss_of(matrix))(theta)
    phi = adapt(loss_of(matrix), theta, adam(0.01, beta1=0.0), 1, first_order=True)
    for name, g in gradient.items():
        torch.testing.assert_close(phi[name], theta[name] - 0.01 * g / (g.abs() + 1e-8))


@pytest.mark.parametrize("rule", [nesterov(0.1, 0.9), rmsprop(0.1), adam(0.1)])
def test_tasks_side_by_side_are_the_tasks_one_by_one(rule):
    g = torch.Generator().manual_seed(1)
    theta = {"a": torch.randn(4, 3, generator=g, dtype=torch.float64)}
    centre = torch.randn(4, 3, generator=g, dtype=torch.float64)
    together = adapt(lambda p: (p["a"] - centre).cosh().log().sum(-1), theta, rule, 10, first_order=True)
    for k in range(4):
        alone = adapt(
            lambda p, k=k: (p["a"] - centre[k]).cosh().log().sum(), task(theta, k), rule, 10, first_order=True
        )
        torch.testing.assert_close(alone["a"], together["a"][k], rtol=1e-12, atol=1e-12)


def test_a_carried_state_goes_on_where_the_last_loop_ended():
    theta, matrix = problem()
    memory: dict = {}
    rule = carried(adam(0.03), memory)
    halfway = adapt(loss_of(matrix), theta, rule, 7, first_order=True)
    assert memory["state"].t == 7
    ours = adapt(loss_of(matrix), halfway, rule, 8, first_order=True)
    whole = adapt(loss_of(matrix), theta, adam(0.03), 15, first_order=True)
    afresh = adapt(loss_of(matrix), halfway, adam(0.03), 8, first_order=True)
    for name in theta:
        assert torch.equal(ours[name], whole[name]) and not torch.equal(afresh[name], whole[name])


def test_forgotten_keeps_the_numbers_and_the_shape_of_a_state_and_drops_its_history():
    theta, matrix = problem()
    memory: dict = {}
    start = {name: value.requires_grad_() for name, value in theta.items()}
    adapt(loss_of(matrix), start, carried(adam(0.03), memory), 2)
    state = memory["state"]
    assert state.m["a"].requires_grad
    bare = forgotten({"one": (state, 3)})["one"][0]
    assert type(bare) is type(state) and bare.t == 2
    assert not bare.m["a"].requires_grad and torch.equal(bare.m["a"], state.m["a"])
