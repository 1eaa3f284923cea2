"""Linear attention with weights written by hand is gradient descent, to rounding; the transformer keeps its masks."""

from functools import partial

import pytest
import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.inner import adapt, sgd
from mlteach.nets import LinearAttention, PairTransformer, squared_error
from mlteach.nets.attention import as_tokens, earlier, gradient_weights, linear_layer
from mlteach.outer import in_context_gradient
from mlteach.params import Params, stack
from mlteach.tasks import LinearRegression, Sinusoids

SIZE, SHOTS, TASKS = 10, 20, 5
FAMILY = LinearRegression(SIZE)
NEAR = {"rtol": 0, "atol": 1e-12}


def drawn(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    episode = FAMILY.sample(
        TASKS, SHOTS, 7, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )
    return episode.support_x, episode.support_y, episode.query_x


def half_error(x: Tensor, y: Tensor, params: Params) -> Tensor:
    """1/2 mean (w . x - y)^2 of each task."""
    return (x @ params["w"].unsqueeze(-1) - y).square().sum((1, 2)) / (2 * x.shape[1])


def descent(x: Tensor, y: Tensor, rate: float, steps: int, start: Tensor) -> list[Params]:
    """The course's own inner loop on it."""
    return adapt(partial(half_error, x, y), stack({"w": start}, len(x)), sgd(rate), steps, path=True)


@pytest.mark.parametrize("seed", [None, 3])
def test_one_layer_is_one_step_of_adapt_from_any_start(seed: int | None) -> None:
    x, y, asked = drawn()
    start = torch.zeros(SIZE, dtype=torch.float64)
    if seed is not None:
        start = torch.randn(SIZE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    weights = gradient_weights(SIZE, 0.7, start=start)
    tokens = linear_layer(weights, as_tokens(x, y, asked, start), SHOTS)
    stepped = descent(x, y, 0.7, 1, start)[1]["w"].unsqueeze(-1)
    torch.testing.assert_close(-tokens[:, SHOTS:, -1:], asked @ stepped, **NEAR)


def test_ten_layers_are_ten_steps_and_each_pair_carries_its_residual() -> None:
    x, y, asked = drawn()
    net, start = LinearAttention(SIZE, 10), torch.zeros(SIZE, dtype=torch.float64)
    states = net.each_layer(net.descent([0.5] * 10), x, y, asked)
    for tokens, phi in zip(states, descent(x, y, 0.5, 10, start), strict=True):
        w = phi["w"].unsqueeze(-1)
        torch.testing.assert_close(-tokens[:, SHOTS:, -1:], asked @ w, **NEAR)
        torch.testing.assert_close(tokens[:, :SHOTS, -1:], y - x @ w, **NEAR)


def test_layers_of_unequal_rates_are_steps_of_these_rates() -> None:
    x, y, asked = drawn()
    rates, w = (0.7, 0.1, 0.4, 0.9, 0.2), torch.zeros(TASKS, SIZE, dtype=torch.float64)
    net = LinearAttention(SIZE, 5)
    states = net.each_layer(net.descent(rates), x, y, asked)
    for rate, tokens in zip(rates, states[1:], strict=True):
        w = adapt(partial(half_error, x, y), {"w": w}, sgd(rate), 1)["w"]
        torch.testing.assert_close(-tokens[:, SHOTS:, -1:], asked @ w.unsqueeze(-1), **NEAR)
    turned = net(net.descent(rates[::-1]), x, y, asked)  # steps on one quadratic commute
    torch.testing.assert_close(turned, net(net.descent(rates), x, y, asked), **NEAR)


def test_the_last_bend_of_gd_plus_plus_never_matters_and_the_one_before_does() -> None:
    x, y, asked = drawn()
    net, rates = LinearAttention(SIZE, 3), (0.3, 0.5, 0.8)
    plain = net(net.descent(rates, [0.2, 0.4, 0.0]), x, y, asked)
    torch.testing.assert_close(net(net.descent(rates, [0.2, 0.4, 0.9]), x, y, asked), plain, **NEAR)
    assert (net(net.descent(rates, [0.2, 0.0, 0.0]), x, y, asked) - plain).abs().max() > 0.1
    one = LinearAttention(SIZE, 1)  # so that with one layer GD++ is gradient descent
    torch.testing.assert_close(
        one(one.descent([0.5], [0.7]), x, y, asked), one(one.descent([0.5]), x, y, asked), **NEAR
    )


def test_gd_plus_plus_bends_the_inputs_as_its_plain_loop_does() -> None:
    x, y, asked = drawn()
    net, steps = LinearAttention(SIZE, 3), ((0.3, 0.2), (0.5, 0.4), (0.8, 0.1))
    came = net(net.descent(*zip(*steps, strict=True)), x, y, asked)
    found: Tensor | float = 0.0
    for rate, bend in steps:
        pull, gram = x.mT @ y / SHOTS, x.mT @ x / SHOTS
        found, y = found + rate * asked @ pull, y - rate * x @ pull
        x, asked = x - bend * x @ gram, asked - bend * asked @ gram
    torch.testing.assert_close(came, found, **NEAR)


def test_under_a_causal_mask_every_prefix_has_made_its_own_step() -> None:
    x, y, _ = drawn()
    tokens = as_tokens(x, y, x[:, :0])
    moved = linear_layer(gradient_weights(SIZE, 0.5), tokens, SHOTS, mask=earlier(SHOTS))
    start = torch.zeros(SIZE, dtype=torch.float64)
    for n in range(1, SHOTS):
        w = descent(x[:, :n], y[:, :n], 0.5, 1, start)[1]["w"]
        torch.testing.assert_close((y - moved[..., -1:])[:, n, 0], (x[:, n] * w).sum(-1), **NEAR)
    torch.testing.assert_close(moved[:, 0], tokens[:, 0], **NEAR)  # the first has nobody to look at


def test_only_the_products_of_the_matrices_count() -> None:
    x, y, asked = drawn()
    weights, tokens = gradient_weights(SIZE, 0.5), as_tokens(x, y, asked)
    a = torch.randn(SIZE + 1, SIZE + 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    back = torch.linalg.inv(a)
    other = {
        "query": a @ weights["query"],
        "key": back.T @ weights["key"],
        "value": a @ weights["value"],
        "out": weights["out"] @ back,
    }
    torch.testing.assert_close(
        linear_layer(other, tokens, SHOTS), linear_layer(weights, tokens, SHOTS), rtol=0, atol=1e-11
    )
    with pytest.raises(EpisodeError, match="Attention reads pairs"):
        as_tokens(x, y[:, :3], asked)


def test_the_best_rate_and_its_loss_are_those_of_many_tasks() -> None:
    family = LinearRegression(4, scale=1.5)
    episode = family.sample(20_000, 8, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    net, best = LinearAttention(4), family.best_rate(8)
    for rate in (best, 0.5 * best, 1.3 * best):
        error = squared_error(net(net.descent([rate]), *episode.seen), episode.query_y).mean().item()
        assert error == pytest.approx(family.step_loss(rate, 8), rel=0.03)
        assert family.step_loss(rate, 8) >= family.step_loss(best, 8)
    assert LinearRegression().step_loss(LinearRegression().best_rate(20), 20) == pytest.approx(
        10 * (1 - 0.64)
    )
    assert squared_error(family.ridge(episode), episode.query_y).mean() < 0.2 * family.step_loss(best, 8)
    with pytest.raises(EpisodeError, match="at least"):
        family.sample(0, 1, 1, generator=torch.Generator())


def test_question_i_of_the_transformer_sees_the_first_i_pairs_and_an_open_context_has_no_order() -> None:
    net, g = PairTransformer(16, 2, 2), torch.Generator().manual_seed(0)
    params = net.init(g, torch.float64)
    episode = Sinusoids.finn().sample(2, 6, 7, generator=g, dtype=torch.float64)
    x, y, asked = episode.seen
    whole = net(params, x, y, asked)
    for n in (1, 4, 6):  # the rest of the context, and the other questions, do not matter
        torch.testing.assert_close(
            net(params, x[:, :n], y[:, :n], asked[:, : n + 1])[:, n], whole[:, n], **NEAR
        )
    torch.testing.assert_close(net(params, x, y, asked, "last")[:, 6], whole[:, 6], **NEAR)
    turned = [4, 2, 0, 5, 1, 3]
    opened, again = (net(params, x[:, order], y[:, order], asked, "open") for order in (range(6), turned))
    torch.testing.assert_close(opened, again, **NEAR)
    assert (net(params, x[:, turned], y[:, turned], asked) - whole).abs()[
        :, 6
    ].max() > 1e-6  # a causal one has
    with pytest.raises(EpisodeError, match="This transformer reads"):
        net(params, x[0], y[0], asked)


def test_the_outer_gradient_is_that_of_finite_differences_and_a_cap_stops_it() -> None:
    net, episode = (
        LinearAttention(3, 2),
        LinearRegression(3).sample(4, 6, 2, generator=torch.Generator().manual_seed(2), dtype=torch.float64),
    )
    theta = net.init(torch.Generator().manual_seed(1), torch.float64)
    gradient, numbers = in_context_gradient(net, squared_error, theta, episode)

    def at(step: float) -> float:
        moved = {n: v + step * gradient[n] for n, v in theta.items()}
        return squared_error(net(moved, *episode.seen), episode.query_y).mean().item()

    slope = sum(v.square().sum().item() for v in gradient.values())
    assert (at(1e-6) - at(-1e-6)) / 2e-6 == pytest.approx(slope, rel=1e-6)
    assert numbers["loss"].item() == pytest.approx(at(0.0))
    stopped, _ = in_context_gradient(net, squared_error, theta, episode, cap=1e-3)
    assert all((v == 0).all() for v in stopped.values())
