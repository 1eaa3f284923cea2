"""What differs from step to step: the query loss after every step, a network by step, a rule's own objective, a schedule."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.fit import fit
from mlteach.inner import adapt, sgd
from mlteach.measure.accuracy import path_of, step_accuracy
from mlteach.nets import MLP, Conv4, cross_entropy, squared_error
from mlteach.outer import Scheduled, maml_gradient, maml_gradient_loop, maml_losses
from mlteach.params import Params, from_vector, norm, subtract, to_vector
from mlteach.tasks.episode import Episode

F64 = torch.float64


@dataclass(frozen=True)
class Scaled:
    """A network whose output is scaled by a parameter of its own after each inner step."""

    net: MLP | Conv4
    step: int = 0

    def at(self, step: int) -> "Scaled":
        return Scaled(self.net, step)

    def __call__(self, params: Params, x: Tensor, *mode: str, **given: Tensor) -> Tensor:
        outputs = self.net(params, x, *mode, **given)
        return outputs * params["scales"][..., self.step].reshape(-1, 1, 1).squeeze(
            0 if outputs.ndim == 2 else ()
        )


def bent(theta: Params):
    """A rule with an objective of its own: a smoothed absolute error, and the size of what is said of the queries."""

    def objective(net, params, seen, t):
        off = (net(params, seen.support_x) - seen.support_y).abs()
        far = net(params, seen.query_x).square().mean((-2, -1))
        return (off + theta["width"].exp()).log().mean((-2, -1)) + 0.1 * (t + 1) * far

    return sgd(0.05)._replace(objective=objective)


def case(kind: str) -> tuple:
    g = torch.Generator().manual_seed(3)
    if kind == "curves":
        net, loss = Scaled(MLP((1, 7, 1), activation="tanh")), squared_error
        episode = Episode(*(torch.randn(3, 6, 1, generator=g, dtype=F64) for _ in range(4)))
        rule = bent
    else:  # 30 pictures a task: the queries go through a task at a time, and there is a stop at phi
        net, loss = Scaled(Conv4(5, filters=4, head="flatten")), cross_entropy
        y = torch.arange(5)
        x = (torch.rand(3, 5 * n, 1, 28, 28, generator=g, dtype=F64) for n in (1, 6))
        episode = Episode(next(x), y.expand(3, -1), next(x), y.repeat(6).expand(3, -1))
        rule = sgd(0.1)
    theta = net.net.init(g, F64) | {"scales": torch.tensor([1.0, 0.8, 1.3], dtype=F64)}
    return net, loss, theta | {"width": torch.tensor(-1.0, dtype=F64)}, episode, rule, 2


@pytest.mark.parametrize(
    "weights", [None, [0.0, 0.5, 2.0], torch.tensor([0.2, 0.3, 0.5], dtype=F64)], ids=str
)
@pytest.mark.parametrize("first_order", [False, True])
@pytest.mark.parametrize("kind", ["curves", "pictures"])
def test_the_gradient_of_a_stepwise_loss_equals_the_plain_loop(kind, first_order, weights):
    options = {"first_order": first_order, "weights": weights}
    quick, _ = maml_gradient(*case(kind), **options)
    plain = maml_gradient_loop(*case(kind), **options)
    assert (norm(subtract(quick, plain)) / norm(plain)).item() < 1e-10
    if weights is not None:
        assert plain["scales"][1] != 0  # the network after one step is asked too


def test_and_finite_differences():
    net, loss, theta, episode, rule, steps = case("curves")
    weights = [0.1, 0.4, 0.5]
    found, numbers = maml_gradient(net, loss, theta, episode, rule, steps, weights=weights)

    def value(vector: Tensor) -> Tensor:
        start = from_vector(vector, theta)
        return maml_losses(net, loss, start, episode, rule, steps, weights=weights)[0].mean()

    at, h = to_vector(theta), 1e-6
    steps_h = h * torch.eye(len(at), dtype=F64)
    central = torch.stack([(value(at + e) - value(at - e)) / (2 * h) for e in steps_h])
    assert (central - to_vector(found)).abs().max() < 1e-8
    assert found["width"] != 0
    last = maml_losses(net, loss, theta, episode, rule, steps)[0].mean()
    assert numbers["loss"] == pytest.approx(last.item())  # what is told is the loss after the last step


def test_accuracy_walks_with_the_same_network_and_objective():
    net, _, theta, episode, _, steps = case("pictures")

    def objective(net, params, seen, t):
        return cross_entropy(net(params, seen.support_x), seen.support_y) * (t + 1)

    rule = sgd(0.1)._replace(objective=objective)
    with torch.no_grad():
        path = path_of(net, theta, episode, rule, steps)
        plain = path_of(net.at(0), theta, episode, sgd(0.1), 1)
    assert (norm(subtract(path[1], plain[1]))).item() < 1e-12
    assert (norm(subtract(path[2], path_of(net, theta, episode, sgd(0.1), 2)[2]))).item() > 1e-3
    each = step_accuracy(net, theta, [episode], rule, steps)["transductive"]
    last = step_accuracy(net, theta, [episode], rule, steps, last=True)["transductive"]
    assert torch.equal(each[:, -1:], last) and each.shape == (3, steps + 1)


def test_what_does_not_fit_is_said():
    net, loss, theta, episode, _, steps = case("curves")
    with pytest.raises(EpisodeError, match="give 3, for the query loss"):
        maml_gradient(net, loss, theta, episode, sgd(0.1), steps, weights=[1.0])
    with pytest.raises(EpisodeError, match="one for each step"):
        adapt([lambda params: params["a"].sum()], {"a": torch.zeros(2)}, sgd(0.1), 3)
    rule = sgd(0.1)._replace(objective=lambda net, params, seen, t: torch.zeros(()))
    with pytest.raises(EpisodeError, match="one number for each of the 3 tasks"):
        maml_gradient(net, loss, theta, episode, rule, steps)


def test_fit_asks_a_schedule_at_every_step_and_through_a_resume(tmp_path):
    net, asked = MLP((1, 4, 1)), []

    def make(step: int):
        asked.append(step)
        return lambda theta, episode: maml_gradient(
            net, squared_error, theta, episode, sgd(0.01), 1, first_order=step < 2
        )

    def sample(generator):
        return Episode(*(torch.randn(2, 3, 1, generator=generator) for _ in range(4)))

    theta = net.init(torch.Generator().manual_seed(0))
    for until in (2, None):
        fit(Scheduled(make), theta, sample, steps=4, generator=torch.Generator().manual_seed(1), until=until,
            checkpoint=tmp_path / "run.safetensors", progress=None)  # fmt: skip
    assert asked == [0, 1, 2, 3]
