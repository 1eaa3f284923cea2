"""Truncated unrolls against plain loops and finite differences."""

import pytest
import torch

from mlteach.fit import fit
from mlteach.inner import CoordinatewiseLSTM
from mlteach.nets import MLP, cross_entropy
from mlteach.outer.truncated import Truncated, log_score, seen_loss, unrolled
from mlteach.params import Params, detach, from_vector, leaves, norm, subtract, to_vector
from mlteach.tasks import Digits, Problems, Quadratics

LSTM = CoordinatewiseLSTM(layers=(4, 3), raw=0.1)


def omega_of(seed: int = 0) -> Params:
    return LSTM.init(torch.Generator().manual_seed(seed), torch.float64)


def quadratics(count: int = 3, seed: int = 0) -> Problems:
    return Quadratics(4).sample(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def digits(count: int = 2, seed: int = 0) -> Problems:
    net = MLP((64, 3, 10), "sigmoid", "uniform")
    return Digits.load("train").problems(
        net,
        cross_entropy,
        count,
        steps=12,
        batch=8,
        generator=torch.Generator().manual_seed(seed),
        dtype=torch.float64,
    )


def plain(
    omega: Params, problems: Problems, steps: int, unroll: int, objective, *, keep: bool
) -> list[Params]:
    """The gradients of the pieces in the plainest way: a loop over steps, torch's cells, autograd."""
    found, theta = [], problems.start
    count = to_vector(theta).numel()
    zeros = [torch.zeros(count, width, dtype=torch.float64) for width in LSTM.layers]
    memory = [(zero, zero) for zero in zeros]
    for first in range(0, steps, unroll):
        point = leaves(omega)
        total = torch.zeros((), dtype=torch.float64)
        times = range(first, min(first + unroll, steps))
        for t in times:
            at = theta if keep and t > first else leaves(theta)
            gradient = torch.autograd.grad(problems.loss(at, t).sum(), list(at.values()), create_graph=keep)
            x = LSTM.features(torch.cat([g.reshape(-1) for g in gradient]))
            for k in (1, 2):
                memory[k - 1] = torch.lstm_cell(
                    x, memory[k - 1], *(point[f"layer{k}.{n}"] for n in ("input", "hidden", "bias"))
                )
                x = memory[k - 1][0]
            move = LSTM.scale * (x @ point["output.weight"] + point["output.bias"])
            theta = from_vector(to_vector(theta) + move, theta)
            total = total + objective(problems, theta, t + 1).mean() / len(times)
        found.append(dict(zip(point, torch.autograd.grad(total, list(point.values())), strict=True)))
        theta, memory = detach(theta), [(h.detach(), c.detach()) for h, c in memory]
    return found


def relative(a: Params, b: Params) -> float:
    return (norm(subtract(a, b)) / norm(b)).item()


@pytest.mark.parametrize("problems", [quadratics, digits])
@pytest.mark.parametrize("objective", [seen_loss, log_score])
@pytest.mark.parametrize(("steps", "unroll"), [(8, 8), (8, 3)])
@pytest.mark.parametrize("keep", [False, True])
def test_the_pieces_equal_the_plain_loop(problems, objective, steps, unroll, keep):
    omega = omega_of()
    training = Truncated(
        LSTM.rule, lambda g: problems(), steps=steps, unroll=unroll, objective=objective, second_order=keep
    )
    generator = torch.Generator()
    assert training.pieces == -(-steps // unroll)
    for expected in plain(omega, problems(), steps, unroll, objective, keep=keep):
        gradient, numbers = training.gradient(omega, training.sample(generator))
        assert relative(gradient, expected) < 1e-10
        assert set(numbers) == {"loss"}
    assert training._at is None  # the run is over: the next one begins with new problems


def test_problems_side_by_side_are_the_problems_one_by_one():
    omega, problems = omega_of(), quadratics(5)
    steps = range(6)

    def gradient(problems: Problems) -> Params:
        point = leaves(omega)
        value, _ = unrolled(LSTM.rule(point), problems, problems.start, steps, objective=log_score)
        return dict(zip(point, torch.autograd.grad(value, list(point.values())), strict=True))

    def one(k: int) -> Problems:
        def loss(theta: Params, t: int = 0) -> torch.Tensor:
            return problems.loss({"theta": theta["theta"].expand(5, -1)}, t)[k : k + 1]

        return Problems({"theta": problems.start["theta"][k : k + 1]}, loss, loss)

    each = [gradient(one(k)) for k in range(5)]
    mean = {name: torch.stack([g[name] for g in each]).mean(0) for name in omega}
    assert relative(gradient(problems), mean) < 1e-10


def test_with_second_derivatives_the_gradient_is_what_finite_differences_say():
    omega, problems = omega_of(), quadratics()

    def value(vector: torch.Tensor) -> torch.Tensor:
        rule = LSTM.rule(from_vector(vector, omega))
        return unrolled(rule, problems, problems.start, range(6), objective=log_score, first_order=False)[0]

    training = Truncated(
        LSTM.rule, lambda g: problems, steps=6, unroll=6, objective=log_score, second_order=True
    )
    gradient = to_vector(training.gradient(omega, problems)[0])
    at = to_vector(omega)
    for index in range(0, len(at), 17):
        move = torch.zeros_like(at)
        move[index] = 1e-6
        with torch.no_grad():
            numeric = (value(at + move) - value(at - move)) / 2e-6
        assert gradient[index].item() == pytest.approx(numeric.item(), rel=1e-5, abs=1e-8)


def test_without_them_it_is_the_slope_with_all_gradients_held_at_their_numbers():
    """First order means this and nothing else: move omega, but feed the LSTM the gradients it had before."""
    omega, problems = omega_of(), quadratics()
    training = Truncated(LSTM.rule, lambda g: problems, steps=6, unroll=6)
    gradient = to_vector(training.gradient(omega, problems)[0])
    seen: list[torch.Tensor] = []

    def run(omega: Params, replay: bool) -> torch.Tensor:
        rule, theta = LSTM.rule(omega), problems.start
        state, total = rule.init(theta), torch.zeros(())
        for t in range(6):
            if not replay:
                seen.append(torch.func.grad(lambda p: problems.loss(p, 0).sum())(theta)["theta"])
            theta, state = rule.step(theta, {"theta": seen[t]}, state, loss=total)
            total = total + problems.loss(theta, t + 1).mean() / 6
        return total

    run(omega, replay=False)
    at = to_vector(omega)
    for index in range(0, len(at), 17):
        move = torch.zeros_like(at)
        move[index] = 1e-6
        ahead, behind = (run(from_vector(at + s * move, omega), replay=True) for s in (1, -1))
        assert gradient[index].item() == pytest.approx(((ahead - behind) / 2e-6).item(), rel=1e-5, abs=1e-8)


def test_dropping_the_dependence_changes_the_gradient():
    """The check of the check: on these problems the two differ by far more than rounding."""
    omega, problems = omega_of(), quadratics()
    kept, dropped = (
        Truncated(LSTM.rule, lambda g: problems, steps=6, unroll=6, second_order=keep).gradient(
            omega, problems
        )[0]
        for keep in (True, False)
    )
    assert relative(dropped, kept) > 1e-3


def test_a_long_gradient_is_shortened():
    training = Truncated(LSTM.rule, lambda g: quadratics(), steps=6, unroll=6, limit=1e-3)
    gradient, _ = training.gradient(omega_of(), training.sample(torch.Generator()))
    assert norm(gradient).item() == pytest.approx(1e-3)


def test_fit_goes_on_after_a_whole_run_with_the_same_numbers(tmp_path):
    def run(**how):
        generator = torch.Generator().manual_seed(5)
        training = Truncated(LSTM.rule, lambda g: Quadratics(4).sample(3, generator=g), steps=9, unroll=4)
        return fit(
            training.gradient,
            LSTM.init(generator),
            training.sample,
            steps=9,
            generator=generator,
            progress=None,
            **how,
        )

    straight = run()
    path = tmp_path / "run.safetensors"
    run(checkpoint=path, until=6)  # two runs of three pieces
    resumed = run(checkpoint=path)
    assert resumed.step == 9 and straight.history == resumed.history
    assert all(torch.equal(straight.theta[name], resumed.theta[name]) for name in straight.theta)
    assert straight.theta["layer1.bias"].ne(LSTM.init(torch.Generator().manual_seed(5))["layer1.bias"]).all()
