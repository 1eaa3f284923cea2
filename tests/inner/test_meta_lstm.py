"""The meta-learner LSTM: by hand, against gradient descent and FOMAML (I-5), finite differences, and the plain loop."""

import math
import os

import pytest
import torch
from torch import Tensor

from mlteach.checkpoint import load_checkpoint, params_from
from mlteach.errors import EpisodeError
from mlteach.inner import MetaLSTM, adapt, gates, preprocess, sgd
from mlteach.measure import step_accuracy
from mlteach.measure.ledger import data_folder
from mlteach.nets import MLP, Conv4, cross_entropy, squared_error
from mlteach.outer import maml_gradient, maml_gradient_loop
from mlteach.params import Params, clip, from_vector, norm, stack, subtract, to_vector
from mlteach.tasks import Characters, Episode

F64 = torch.float64
needs_omniglot = pytest.mark.skipif(
    not os.environ.get("MLTEACH_OMNIGLOT"), reason="the environment variable MLTEACH_OMNIGLOT is not set"
)
LSTM = MetaLSTM(hidden=3, forget_bias=(1.0, 2.0), input_bias=(-1.0, 0.0))  # gates far from 0 and 1
NET = MLP((1, 4, 1), activation="tanh")


def curves(tasks: int = 3) -> Episode:
    g = torch.Generator().manual_seed(0)
    return Episode(*(torch.randn(tasks, 6, 1, generator=g, dtype=F64) for _ in range(4)))


def pictures(tasks: int = 3) -> Episode:
    g = torch.Generator().manual_seed(0)
    y = torch.arange(5).expand(tasks, -1)
    x = torch.rand(2, tasks, 5, 1, 28, 28, generator=g, dtype=F64)
    return Episode(x[0], y, x[1], y.flip(1))


def meta_parameters(net=NET, lstm: MetaLSTM = LSTM, wide: float = 1.0) -> Params:
    """The start and omega; the gates' weights are made ``wide``, so that what the gates read matters."""
    g = torch.Generator().manual_seed(1)
    omega = lstm.init(g, F64)
    for gate in ("forget", "input"):
        weight = omega[f"lstm.{gate}.weight"]
        omega[f"lstm.{gate}.weight"] = wide * torch.randn(weight.shape, generator=g, dtype=F64)
    return net.init(g, F64) | omega


def relative(a: Params, b: Params) -> float:
    return (norm(subtract(a, b)) / norm(b)).item()


def test_i7_preprocessing_gives_size_and_direction():
    x = torch.tensor([math.e**-2, -(math.e**3), 0.5 * math.e**-10, 0.0], dtype=F64)
    expected = torch.tensor([[-0.2, 1], [0.3, -1], [-1, 0.5], [-1, 0]], dtype=F64)
    torch.testing.assert_close(preprocess(x), expected)
    edge = torch.tensor(math.exp(-10.0), dtype=F64)
    torch.testing.assert_close(
        preprocess(edge * (1 - 1e-9)), preprocess(edge * (1 + 1e-9)), rtol=0, atol=1e-8
    )
    assert preprocess(torch.zeros(2, 3), p=4.0).shape == (2, 3, 2)


def test_two_steps_of_one_coordinate_by_hand():
    """L = a theta^2 / 2, every number computed with math alone."""
    lstm, a, theta = MetaLSTM(hidden=2), 1.7, -0.8
    omega = meta_parameters(NET, lstm)
    found = gates(lambda p: a * p["x"] ** 2 / 2, {"x": torch.tensor(theta, dtype=F64)}, lstm.rule(omega), 2)

    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    def dot(weights: list[float], values: list[float]) -> float:
        return sum(w * v for w, v in zip(weights, values, strict=True))

    by_input, by_hidden, bias = (
        omega[f"lstm.layer1.{name}"].tolist() for name in ("input", "hidden", "bias")
    )
    h, c, f, i = [0.0, 0.0], [0.0, 0.0], 1.0, 0.0
    for t in range(2):
        loss, gradient = a * theta**2 / 2, a * theta
        seen = [math.log(loss) / 10, 1.0, math.log(abs(gradient)) / 10, math.copysign(1, gradient)]
        open_, keep, new, show = (
            [dot(by_input[r], seen) + dot(by_hidden[r], h) + bias[r] for r in (2 * k, 2 * k + 1)]
            for k in range(4)
        )  # torch's order: input, forget, candidate, output
        c = [sigmoid(keep[k]) * c[k] + sigmoid(open_[k]) * math.tanh(new[k]) for k in range(2)]
        h = [sigmoid(show[k]) * math.tanh(c[k]) for k in range(2)]
        f = sigmoid(
            dot(omega["lstm.forget.weight"].tolist(), [*h, theta, f]) + omega["lstm.forget.bias"].item()
        )
        i = sigmoid(
            dot(omega["lstm.input.weight"].tolist(), [*h, theta, i]) + omega["lstm.input.bias"].item()
        )
        theta = f * theta - i * gradient
        assert found.forget[t]["x"].item() == pytest.approx(f, abs=1e-14)
        assert found.input[t]["x"].item() == pytest.approx(i, abs=1e-14)
        assert found.path[t + 1]["x"].item() == pytest.approx(theta, abs=1e-14)


@pytest.mark.parametrize("first_order", [True, False])
@pytest.mark.parametrize("case", ["curves", "pictures"])
def test_batched_over_tasks_equals_the_plain_loop(case: str, first_order: bool):
    net, loss, episode = {
        "curves": (NET, squared_error, curves()),
        "pictures": (Conv4(5, filters=3, head="flatten"), cross_entropy, pictures()),
    }[case]
    arguments = (net, loss, meta_parameters(net), episode, LSTM.rule, 3)
    options = {"first_order": first_order, "start": LSTM.start}
    plain = maml_gradient_loop(*arguments, **options)
    assert all(value.any() for name, value in plain.items() if name.startswith("lstm."))
    for chunk in (2, 3):
        assert relative(maml_gradient(*arguments, **options, chunk=chunk)[0], plain) < 1e-10


def gradient_descent(alpha: float) -> Params:
    """Omega whose biases alone fix the gates at f = 1, exactly, and i = alpha."""
    omega = meta_parameters()
    return omega | {
        "lstm.forget.weight": torch.zeros(5, dtype=F64),
        "lstm.input.weight": torch.zeros(5, dtype=F64),
        "lstm.forget.bias": torch.tensor(40.0, dtype=F64),
        "lstm.input.bias": torch.tensor(alpha / (1 - alpha), dtype=F64).log(),
    }


def test_i5_with_fixed_gates_it_is_gradient_descent_and_the_start_s_gradient_is_fomaml_s():
    theta, episode, alpha = gradient_descent(0.3), curves(), 0.3
    start = LSTM.start(theta)

    def loss(params: Params) -> Tensor:
        return squared_error(NET(params, episode.support_x), episode.support_y)

    begin = stack(start, episode.tasks)
    ours, theirs = (adapt(loss, begin, rule, 4, path=True) for rule in (LSTM.rule(theta), sgd(alpha)))
    for a, b in zip(ours, theirs, strict=True):
        assert relative(a, b) < 1e-14
    for first_order in (True, False):  # not detached, it is MAML's
        found, _ = maml_gradient(
            NET, squared_error, theta, episode, LSTM.rule, 4, first_order=first_order, start=LSTM.start
        )
        maml, _ = maml_gradient(NET, squared_error, start, episode, sgd(alpha), 4, first_order=first_order)
        assert relative(LSTM.start(found), maml) < 1e-13


def objective(
    theta: Params, episode: Episode, steps: int, replay: list[tuple[Params, Tensor]] | None
) -> Tensor:
    """The mean query loss; with ``replay`` from recorded gradients and losses, which do not follow theta."""

    def loss(params: Params) -> Tensor:
        return squared_error(NET(params, episode.support_x), episode.support_y)

    begin, rule = stack(LSTM.start(theta), episode.tasks), LSTM.rule(theta)
    if replay is None:
        end = adapt(loss, begin, rule, steps)
    else:
        end, state = begin, rule.init(begin)
        for gradient, value in replay:
            end, state = rule.step(end, gradient, state, loss=value)
    return squared_error(NET(end, episode.query_x), episode.query_y).mean()


@pytest.mark.parametrize("first_order", [True, False])
def test_the_meta_gradient_equals_central_differences(first_order: bool):
    """For the start and for omega. With the gradients detached, differences are taken along the recorded gradients."""
    theta, episode, steps = meta_parameters(wide=0.5), curves(), 3
    replay: list[tuple[Params, Tensor]] | None = None
    if first_order:
        x, y = episode.support_x, episode.support_y
        replay = []
        for point in gates(
            lambda p: squared_error(NET(p, x), y), stack(LSTM.start(theta), 3), LSTM.rule(theta), steps
        ).path[:-1]:
            point = {name: value.requires_grad_() for name, value in point.items()}
            value = squared_error(NET(point, x), y)
            found = torch.autograd.grad(value.sum(), list(point.values()))
            replay.append((dict(zip(point, found, strict=True)), value.detach()))
    gradient = to_vector(
        maml_gradient(
            NET, squared_error, theta, episode, LSTM.rule, steps, first_order=first_order, start=LSTM.start
        )[0]
    )
    at = to_vector(theta).detach()
    for index in range(at.numel()):
        move = torch.zeros_like(at)
        move[index] = 1e-6
        ahead, behind = (
            objective(from_vector(at + s * move, theta), episode, steps, replay) for s in (1, -1)
        )
        numeric = (ahead - behind).item() / 2e-6
        assert gradient[index].item() == pytest.approx(numeric, rel=1e-5, abs=1e-8)


def test_i8_the_weights_are_shared_so_the_order_of_coordinates_does_not_matter():
    theta, matrix = (
        {"x": torch.randn(6, generator=torch.Generator().manual_seed(2), dtype=F64)},
        torch.rand(6),
    )
    rule, order = LSTM.rule(meta_parameters()), torch.tensor([3, 0, 5, 1, 2, 4])
    straight = adapt(lambda p: (matrix * p["x"] ** 2).sum(), theta, rule, 3)["x"]
    turned = adapt(lambda p: (matrix[order] * p["x"] ** 2).sum(), {"x": theta["x"][order]}, rule, 3)["x"]
    torch.testing.assert_close(turned, straight[order])


def test_gates_tells_what_moved_the_parameters():
    theta, episode = meta_parameters(), curves()
    begin = stack(LSTM.start(theta), episode.tasks)

    def loss(params: Params) -> Tensor:
        return squared_error(NET(params, episode.support_x), episode.support_y)

    seen = gates(loss, begin, LSTM.rule(theta), 3)
    assert len(seen.path) == 4 and len(seen.forget) == len(seen.input) == 3
    end = adapt(loss, begin, LSTM.rule(theta), 3)
    for name in begin:
        assert torch.equal(seen.path[-1][name], end[name].detach())
        assert seen.forget[0][name].shape == begin[name].shape
    for t in range(3):
        point = {name: value.requires_grad_() for name, value in seen.path[t].items()}
        found = torch.autograd.grad(loss(point).sum(), list(point.values()))
        for (name, value), g in zip(point.items(), found, strict=True):
            moved = seen.forget[t][name] * value - seen.input[t][name] * g
            torch.testing.assert_close(
                seen.path[t + 1][name].detach(), moved.detach(), rtol=1e-12, atol=1e-12
            )


def test_at_the_beginning_little_is_forgotten_and_little_is_learned():
    lstm = MetaLSTM()
    omega = lstm.init(torch.Generator().manual_seed(0))
    assert all(name.startswith("lstm.") for name in omega) and lstm.start(omega) == {}
    seen = gates(lambda p: (p["x"] ** 2).sum(), {"x": torch.linspace(-1, 1, 9)}, lstm.rule(omega), 5)
    for forget, enter in zip(seen.forget, seen.input, strict=True):
        assert 0.97 < forget["x"].min() and forget["x"].max() < 1
        assert 0.005 < enter["x"].min() and enter["x"].max() < 0.03


def test_a_loss_that_does_not_fit_the_parameters_is_refused():
    rule, theta = LSTM.rule(meta_parameters()), {"x": torch.ones(2, 4, dtype=F64)}
    with pytest.raises(EpisodeError, match="one loss for each task"):
        adapt(lambda p: p["x"].sum(0), theta, rule, 1)


def test_clip_shortens_long_gradients_only():
    a = {"x": torch.tensor([3.0, 0.0]), "y": torch.tensor(4.0)}
    assert norm(clip(a, 0.25)).item() == pytest.approx(0.25)
    assert all(torch.equal(clip(a, 6.0)[name], a[name]) for name in a)
    assert not to_vector(clip({"x": torch.zeros(2)}, 1.0)).isnan().any()


@needs_omniglot
def test_the_shipped_one_learns_new_characters_as_its_record_says():
    stored = load_checkpoint(data_folder() / "checkpoints" / "05-meta-lstm.safetensors")
    recipe, claim = stored.about["recipe"], stored.about["accuracy"]["support"]
    net, lstm = Conv4(5, recipe["filters"], head="flatten"), MetaLSTM(recipe["hidden"])
    g = torch.Generator().manual_seed(5)
    theta = params_from(stored, net.init(g) | lstm.init(g))
    test = Characters.omniglot(download=False).split("random").test
    episodes = [test.sample(20, 5, 1, 15, generator=g) for _ in range(2)]
    found = step_accuracy(
        net, theta, episodes, lstm.rule(theta), recipe["steps"], modes=["support"], start=lstm.start
    )["support"]
    assert found[:, 0].mean() < 0.3  # before the first step it guesses
    assert 100 * found[:, -1].mean().item() == pytest.approx(claim["value"], abs=6)
    assert claim["tasks"] >= 600 and claim["interval"] < 1
