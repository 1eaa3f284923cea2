"""Inner rules against torch.optim and against each other. Identities I-1 to I-6 of the course."""

import pytest
import torch

from mlteach.inner import Rule, adapt, lstm_cell, momentum, sgd
from mlteach.params import Params

DTYPES = [torch.float32, torch.float64]


def problem(dtype: torch.dtype) -> tuple[Params, torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    theta = {"a": torch.randn(3, 4, generator=g, dtype=dtype), "b": torch.randn(5, generator=g, dtype=dtype)}
    return theta, torch.randn(4, 5, generator=g, dtype=dtype)


def loss_of(matrix: torch.Tensor):
    return lambda p: (torch.tanh(p["a"] @ matrix) * p["b"]).square().sum() + p["a"].sin().sum()


def torch_path(theta: Params, loss, steps: int, **options) -> Params:
    point = {name: value.clone().requires_grad_() for name, value in theta.items()}
    optimizer = torch.optim.SGD(list(point.values()), **options)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(point).backward()
        optimizer.step()
    return point


@pytest.mark.parametrize("dtype", DTYPES)
def test_i1_the_cell_with_f_1_and_i_alpha_is_gradient_descent_bit_for_bit(dtype):
    theta, matrix = problem(dtype)
    cell = adapt(loss_of(matrix), theta, lstm_cell(1.0, 0.03), 20)
    descent = adapt(loss_of(matrix), theta, sgd(0.03), 20)
    assert all(torch.equal(cell[name], descent[name]) for name in theta)


@pytest.mark.parametrize(
    ("rule", "options"),
    [
        (sgd(0.03), {"lr": 0.03}),
        (lstm_cell(1 - 0.03 * 0.2, 0.03), {"lr": 0.03, "weight_decay": 0.2}),  # I-3
        (momentum(0.03, 0.9), {"lr": 0.03, "momentum": 0.9}),  # I-4
    ],
    ids=["sgd", "weight decay is a forget gate", "momentum"],
)
def test_rules_equal_torch_optim_to_rounding(rule, options):
    theta, matrix = problem(torch.float64)
    ours = adapt(loss_of(matrix), theta, rule, 20)
    theirs = torch_path(theta, loss_of(matrix), 20, **options)
    for name in theta:
        torch.testing.assert_close(ours[name].detach(), theirs[name].detach(), rtol=1e-12, atol=1e-12)


def test_i4_momentum_is_two_cells_one_in_front_of_the_other():
    theta, matrix = problem(torch.float64)
    mu, alpha = 0.9, 0.03
    gather, move = lstm_cell(mu, 1.0), lstm_cell(1.0, alpha)

    def step(theta, gradient, memory, *, loss=None):
        # the first cell's memory is -m: it forgets by mu and takes the negative gradient in
        memory, _ = gather.step(memory, gradient, 0, loss=loss)
        theta, _ = move.step(theta, {name: -memory[name] for name in memory}, 0, loss=loss)
        return theta, memory

    stacked = Rule(
        init=lambda theta: {name: torch.zeros_like(value) for name, value in theta.items()}, step=step
    )
    ours, ready = (adapt(loss_of(matrix), theta, rule, 15) for rule in (stacked, momentum(alpha, mu)))
    for name in theta:
        torch.testing.assert_close(ours[name], ready[name], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("dtype", "bias"), [(torch.float32, 17.0), (torch.float64, 37.0)])
def test_i2_a_sigmoid_gate_opens_fully_only_from_here_on(dtype, bias):
    assert torch.sigmoid(torch.tensor(bias, dtype=dtype)) == 1
    assert torch.sigmoid(torch.tensor(bias - 1, dtype=dtype)) < 1
    eta = torch.tensor(0.01, dtype=dtype)
    torch.testing.assert_close(torch.sigmoid(torch.log(eta / (1 - eta))), eta)


def test_i5_with_detached_gradients_the_start_s_gradient_is_the_product_of_the_forget_gates():
    theta, matrix = problem(torch.float64)
    forget = [0.99, 0.9, 0.95]
    start = {name: value.requires_grad_() for name, value in theta.items()}
    rule = lstm_cell(lambda name, c, g, t: torch.tensor(forget[t], dtype=c.dtype), 0.03)
    phi = adapt(loss_of(matrix), start, rule, 3, first_order=True)
    test_loss = loss_of(matrix.flip(0))
    through = torch.autograd.grad(test_loss(phi), list(start.values()))
    at_phi = {name: value.detach().requires_grad_() for name, value in phi.items()}
    direct = torch.autograd.grad(test_loss(at_phi), list(at_phi.values()))
    for a, b in zip(through, direct, strict=True):
        torch.testing.assert_close(a, b * torch.tensor(forget, dtype=torch.float64).prod())


def test_i6_the_gradient_for_an_input_gate():
    theta, matrix = problem(torch.float64)
    gates = [torch.tensor(0.03, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    forget = 0.97
    rule = lstm_cell(forget, lambda name, c, g, t: gates[t])
    path = adapt(loss_of(matrix), theta, rule, 3, first_order=True, path=True)
    test_loss = loss_of(matrix.flip(0))
    found = torch.autograd.grad(test_loss(path[-1]), gates)

    def gradient(loss, at):
        point = {name: value.detach().requires_grad_() for name, value in at.items()}
        return dict(zip(point, torch.autograd.grad(loss(point), list(point.values())), strict=True))

    outer = gradient(test_loss, path[-1])
    for t in range(3):
        inner = gradient(loss_of(matrix), path[t])
        expected = -(forget ** (2 - t)) * sum((outer[name] * inner[name]).sum() for name in theta)
        torch.testing.assert_close(found[t], expected)


def test_rates_may_differ_by_name_and_be_learned():
    theta, matrix = problem(torch.float64)
    alpha = {"a": torch.tensor(0.1, dtype=torch.float64, requires_grad=True), "b": 0.0}
    phi = adapt(loss_of(matrix), theta, sgd(alpha), 1)
    assert torch.equal(phi["b"], theta["b"])
    (found,) = torch.autograd.grad(loss_of(matrix)(phi), alpha["a"])
    start = {name: value.requires_grad_() for name, value in theta.items()}
    inner = torch.autograd.grad(loss_of(matrix)(start), start["a"])[0]
    outer = torch.autograd.grad(
        loss_of(matrix)(at := {**phi, "a": phi["a"].detach().requires_grad_()}), at["a"]
    )[0]
    torch.testing.assert_close(found, -(inner * outer).sum())  # identity I-14


def test_only_the_named_parameters_adapt():
    theta, matrix = problem(torch.float64)
    phi = adapt(loss_of(matrix), theta, sgd(0.1), 3, only=["b"])
    assert torch.equal(phi["a"], theta["a"]) and not torch.equal(phi["b"], theta["b"])


def test_the_path_holds_every_step_and_evaluation_records_nothing():
    theta, matrix = problem(torch.float64)
    path = adapt(loss_of(matrix), theta, sgd(0.1), 4, path=True)
    assert len(path) == 5 and path[0] is theta
    start = {name: value.requires_grad_() for name, value in theta.items()}
    with torch.no_grad():
        phi = adapt(loss_of(matrix), start, sgd(0.1), 4)
    assert not any(value.requires_grad for value in phi.values())
    torch.testing.assert_close(phi["a"], path[-1]["a"].detach())


def test_i9_dropping_the_dependence_can_flip_the_sign():
    """L = a theta^2 / 2 with eta a = 1.5, two steps: the exact derivative is +0.25 of a unit, the detached -0.125."""
    a, theta0 = 1.0, 1.0
    found = {}
    for first_order in (False, True):
        eta = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
        theta = {"x": torch.tensor(theta0, dtype=torch.float64)}
        phi = adapt(lambda p: a * p["x"] ** 2 / 2, theta, sgd(eta), 2, first_order=first_order)
        (found[first_order],) = torch.autograd.grad(a * phi["x"] ** 2 / 2, eta)
    exact = -(a**2) * 2 * theta0**2 * (1 - 1.5 * a) ** 3
    assert found[False].item() == pytest.approx(exact) == pytest.approx(0.25)
    assert found[True].item() == pytest.approx(-0.125)


@pytest.mark.parametrize("only", [["a", "head"], "head"])
def test_a_name_that_no_parameter_has_is_refused(only):
    theta, matrix = problem(torch.float64)
    with pytest.raises(ValueError, match="'head'; there are a, b"):
        adapt(loss_of(matrix), theta, sgd(0.1), 1, only=only)
