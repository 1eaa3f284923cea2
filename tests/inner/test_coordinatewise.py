"""The learned optimizer against torch.nn.LSTMCell, and the identities I-4 and I-8."""

import pytest
import torch

from mlteach.inner import CoordinatewiseLSTM, adapt, momentum, preprocess, sgd
from mlteach.inner.coordinatewise import momentum_omega
from mlteach.params import Params, task, to_vector

LSTM = CoordinatewiseLSTM(layers=(5, 4), raw=0.3)


def omega_of(lstm: CoordinatewiseLSTM, seed: int = 0) -> Params:
    return lstm.init(torch.Generator().manual_seed(seed), torch.float64)


def problem(*shapes: tuple[int, ...], seed: int = 0):
    """A loss that mixes all parameters, one number for each task where there is a task axis."""
    g = torch.Generator().manual_seed(seed)
    theta = {str(k): torch.randn(shape, generator=g, dtype=torch.float64) for k, shape in enumerate(shapes)}
    weight = {
        name: torch.randn(value.shape, generator=g, dtype=torch.float64) for name, value in theta.items()
    }
    return theta, weight


def mixed(theta: Params, weight: Params, tasks: bool = False) -> torch.Tensor:
    parts = [(weight[name] * value).tanh() + value.square() / 9 for name, value in theta.items()]
    sums = [part.flatten(1).sum(1) if tasks else part.sum() for part in parts]
    return torch.stack(sums).sum(0) + torch.stack(sums).prod(0) / 50


def test_it_is_a_stack_of_torch_s_own_cells_for_each_coordinate():
    omega = omega_of(LSTM)
    first, second = torch.nn.LSTMCell(3, 5, dtype=torch.float64), torch.nn.LSTMCell(5, 4, dtype=torch.float64)
    for k, cell in ((1, first), (2, second)):
        cell.weight_ih.data, cell.weight_hh.data = omega[f"layer{k}.input"], omega[f"layer{k}.hidden"]
        cell.bias_ih.data, cell.bias_hh.data = omega[f"layer{k}.bias"], torch.zeros_like(cell.bias_hh)
    theta, weight = problem((3, 2), (4,))
    ours = adapt(lambda p: mixed(p, weight), theta, LSTM.rule(omega), 6, first_order=True)
    memory = [
        [
            (torch.zeros(5).double(), torch.zeros(5).double()),
            (torch.zeros(4).double(), torch.zeros(4).double()),
        ]
        for _ in range(10)
    ]
    at = {name: value.clone() for name, value in theta.items()}
    for _ in range(6):
        gradient = torch.func.grad(mixed)(at, weight)
        n = 0
        for name in at:
            moved = at[name].flatten().clone()
            for k, g in enumerate(gradient[name].flatten()):
                seen = torch.cat([preprocess(g), 0.3 * g[None]])
                memory[n][0] = first(seen, memory[n][0])
                memory[n][1] = second(memory[n][0][0], memory[n][1])
                moved[k] += 0.1 * (memory[n][1][0] @ omega["output.weight"] + omega["output.bias"])
                n += 1
            at[name] = moved.view_as(at[name]).detach()
    for name in theta:
        torch.testing.assert_close(ours[name], at[name], rtol=1e-12, atol=1e-12)


def test_i8_without_layers_it_is_gradient_descent_with_a_learned_rate():
    lstm = CoordinatewiseLSTM(layers=(), scale=1.0, p=None, raw=1.0)
    omega = omega_of(lstm)
    omega = {
        "output.weight": torch.full_like(omega["output.weight"], -0.03),
        "output.bias": omega["output.bias"] * 0,
    }
    theta, weight = problem((3, 2), (4,))
    ours = adapt(lambda p: mixed(p, weight), theta, lstm.rule(omega), 20)
    theirs = adapt(lambda p: mixed(p, weight), theta, sgd(0.03), 20)
    for name in theta:
        torch.testing.assert_close(ours[name], theirs[name], rtol=1e-12, atol=1e-12)


def test_i8_it_does_not_know_which_coordinate_it_serves():
    """Permute the coordinates, and the result is permuted; cut the same coordinates into other shapes, and it is the same."""
    omega = omega_of(LSTM)
    theta, weight = problem((12,))
    order = torch.randperm(12, generator=torch.Generator().manual_seed(3))

    def end(theta: Params, weight: Params) -> torch.Tensor:
        return to_vector(adapt(lambda p: mixed(p, weight), theta, LSTM.rule(omega), 8, first_order=True))

    plain = end(theta, weight)
    permuted = end({"0": theta["0"][order]}, {"0": weight["0"][order]})
    torch.testing.assert_close(permuted, plain[order], rtol=1e-12, atol=1e-12)
    cut = [{"0": each["0"].view(3, 4)} for each in (theta, weight)]
    torch.testing.assert_close(end(*cut), plain, rtol=1e-12, atol=1e-12)
    assert not torch.allclose(permuted, plain)


def test_equal_coordinates_stay_equal_and_different_gradients_part_them():
    """Shared weights do not make the parameters equal: what they have seen does."""
    omega = omega_of(LSTM)
    theta = {"w": torch.full((3,), 0.7, dtype=torch.float64)}
    slopes = torch.tensor([1.0, 1.0, 2.0], dtype=torch.float64)
    end = adapt(lambda p: (slopes * p["w"].square()).sum(), theta, LSTM.rule(omega), 5, first_order=True)["w"]
    assert abs(end[0] - end[1]) < 1e-12 and abs(end[0] - end[2]) > 1e-4


@pytest.mark.parametrize("first_order", [True, False])
def test_tasks_side_by_side_are_the_tasks_one_by_one(first_order):
    omega = omega_of(LSTM)
    theta, weight = problem((4, 3, 2), (4, 5))
    rule = LSTM.rule(omega)
    together = adapt(lambda p: mixed(p, weight, tasks=True), theta, rule, 7, first_order=first_order)
    for k in range(4):
        alone = adapt(
            lambda p, k=k: mixed(p, task(weight, k)), task(theta, k), rule, 7, first_order=first_order
        )
        for name in theta:
            torch.testing.assert_close(alone[name], together[name][k], rtol=1e-12, atol=1e-12)


def test_i4_two_layers_set_by_hand_are_momentum_the_more_exactly_the_smaller_the_numbers():
    theta, weight = problem((3, 2), (4,))

    def gap(small: float) -> float:
        lstm, omega = momentum_omega(0.05, 0.8, small)
        ours = adapt(lambda p: mixed(p, weight), theta, lstm.rule(omega), 25, first_order=True)
        theirs = adapt(lambda p: mixed(p, weight), theta, momentum(0.05, 0.8), 25, first_order=True)
        return max((ours[name] - theirs[name]).abs().max().item() for name in theta)

    assert gap(1e-4) < 1e-7
    assert gap(1e-2) / gap(1e-3) == pytest.approx(100, rel=0.05)  # the error is of the order small^2


@pytest.mark.parametrize(("p", "raw", "width"), [(10.0, None, 2), (None, 0.5, 1), (10.0, 0.5, 3)])
def test_what_it_sees(p, raw, width):
    lstm = CoordinatewiseLSTM(p=p, raw=raw)
    g = torch.tensor([[0.2, -3.0]], dtype=torch.float64)
    seen = lstm.features(g)
    assert seen.shape == (1, 2, width) and omega_of(lstm)["layer1.input"].shape == (80, width)
    if raw:
        assert torch.equal(seen[..., -1], raw * g)


def test_an_lstm_that_would_see_nothing_is_refused():
    with pytest.raises(ValueError, match="sees nothing"):
        CoordinatewiseLSTM(p=None)
