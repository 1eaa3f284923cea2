"""Implicit MAML against closed forms, the unrolled gradient, Richardson's iteration and finite differences."""

import pytest
import torch

from mlteach.inner import adam, adapt, momentum, proximal, sgd
from mlteach.measure import is_it_maml
from mlteach.measure.held import held_bytes
from mlteach.nets import MLP, Conv4, cross_entropy, squared_error
from mlteach.outer import conjugate_gradient, implicit_gradient, maml_gradient, maml_gradient_loop, richardson
from mlteach.params import Params, from_vector, norm, subtract, to_vector
from mlteach.tasks import Sinusoids
from mlteach.tasks.episode import Episode

LAMBDA = 2.0


def linear(params: Params, x: torch.Tensor) -> torch.Tensor:
    return x @ params["w"].unsqueeze(-1)


def line_tasks(tasks: int = 3, n: int = 6, points: int = 5) -> tuple[Params, Episode]:
    g = torch.Generator().manual_seed(0)
    x = torch.randn(2, tasks, points, n, generator=g, dtype=torch.float64)
    y = torch.randn(2, tasks, points, 1, generator=g, dtype=torch.float64)
    theta = {"w": torch.randn(n, generator=g, dtype=torch.float64)}
    return theta, Episode(x[0], y[0], x[1], y[1])


def bowl(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The Hessian [tasks, n, n] of a squared error of lines, and minus its gradient at zero [tasks, n]."""
    return 2 * x.mT @ x / x.shape[1], (2 * x.mT @ y / x.shape[1]).squeeze(-1)


def relative(a: Params, b: Params) -> float:
    return (norm(subtract(a, b)) / norm(b)).item()


def test_on_lines_it_is_the_closed_form():
    theta, episode = line_tasks()
    (H, b), (Q, c) = bowl(*episode[:2]), bowl(*episode[2:])
    A = H + LAMBDA * torch.eye(6, dtype=torch.float64)
    phi = torch.linalg.solve(A, b + LAMBDA * theta["w"])
    v = (Q @ phi.unsqueeze(-1)).squeeze(-1) - c
    exact = {"w": LAMBDA * torch.linalg.solve(A, v).mean(0)}
    found, _ = implicit_gradient(
        linear, squared_error, theta, episode, sgd(0.05), 600, strength=LAMBDA, solves=8
    )
    assert relative(found, exact) < 1e-10
    unrolled, _ = maml_gradient(linear, squared_error, theta, episode, proximal(sgd(0.05), LAMBDA), 600)
    assert relative(unrolled, exact) < 1e-10


def test_k_unrolled_steps_are_k_richardson_steps():
    theta, episode = line_tasks()
    k, rate = 7, 0.05
    rule = proximal(sgd(rate), LAMBDA)
    unrolled, _ = maml_gradient(linear, squared_error, theta, episode, rule, k)
    begin = {"w": theta["w"].expand(3, -1)}
    phi = adapt(lambda p: squared_error(linear(p, episode.support_x), episode.support_y), begin, rule, k)
    (H, _), (Q, c) = bowl(*episode[:2]), bowl(*episode[2:])
    v = (Q @ phi["w"].unsqueeze(-1)).squeeze(-1) - c
    x = richardson(lambda u: (H @ u.unsqueeze(-1)).squeeze(-1) + LAMBDA * u, LAMBDA * v, k, rate, v)
    assert relative(unrolled, {"w": x.mean(0)}) < 1e-12


@pytest.mark.parametrize("rule", [sgd(0.05), momentum(0.03, 0.5)])
def test_at_convergence_it_is_the_unrolled_gradient(rule):
    net = MLP((1, 6, 1), "tanh", "uniform")
    g = torch.Generator().manual_seed(0)
    theta = net.init(g, torch.float64)
    episode = Sinusoids.jang().sample(2, 10, 10, generator=g, dtype=torch.float64)
    unrolled, _ = maml_gradient(net, squared_error, theta, episode, proximal(rule, LAMBDA), 200)
    implicit, numbers = implicit_gradient(
        net, squared_error, theta, episode, rule, 200, strength=LAMBDA, solves=25
    )
    assert relative(implicit, unrolled) < 1e-6
    assert numbers["loss"] > 0
    early, _ = implicit_gradient(net, squared_error, theta, episode, rule, 5, strength=LAMBDA, solves=25)
    assert relative(early, unrolled) > 1e-4
    three, _ = implicit_gradient(net, squared_error, theta, episode, rule, 200, strength=LAMBDA, chunk=1)
    assert relative(three, implicit_gradient(
        net, squared_error, theta, episode, rule, 200, strength=LAMBDA)[0]) < 1e-10  # fmt: skip


def test_each_task_is_solved_as_if_alone():
    g = torch.Generator().manual_seed(0)
    R = torch.randn(4, 7, 7, generator=g, dtype=torch.float64)
    A = R @ R.mT + torch.tensor([0.5, 1, 10, 100], dtype=torch.float64).view(4, 1, 1) * torch.eye(7)
    b = torch.randn(4, 7, generator=g, dtype=torch.float64)
    b[3] = 0  # done before it begins

    def times(x: torch.Tensor) -> torch.Tensor:
        return (A @ x.unsqueeze(-1)).squeeze(-1)

    assert torch.allclose(conjugate_gradient(times, b, 20), torch.linalg.solve(A, b), rtol=1e-9, atol=1e-10)
    for i in range(4):
        alone = conjugate_gradient(lambda x, i=i: A[i] @ x, b[i], 3)
        assert torch.allclose(conjugate_gradient(times, b, 3)[i], alone, rtol=1e-12, atol=1e-14)
    assert torch.equal(conjugate_gradient(lambda x: -x, b, 5), torch.zeros_like(b))  # no downhill at all


@pytest.mark.parametrize("rule", [sgd(0.05), momentum(0.05, 0.9), adam(0.05)])
def test_the_pull_is_the_squared_distance_as_a_loss(rule):
    theta, episode = line_tasks()
    support = episode.part(slice(0, 1))
    begin = {"w": theta["w"].clone().requires_grad_()}

    def loss(params: Params) -> torch.Tensor:
        return squared_error(linear(params, support.support_x[0]), support.support_y[0])

    def with_it(params: Params) -> torch.Tensor:
        return loss(params) + LAMBDA / 2 * (params["w"] - begin["w"]).square().sum()

    pulled, plain = adapt(loss, begin, proximal(rule, LAMBDA), 4), adapt(with_it, begin, rule, 4)
    assert torch.allclose(pulled["w"], plain["w"], rtol=1e-12)
    batched, _ = maml_gradient(linear, squared_error, theta, episode, proximal(rule, LAMBDA), 4)
    looped = maml_gradient_loop(linear, squared_error, theta, episode, proximal(rule, LAMBDA), 4)
    assert relative(batched, looped) < 1e-10


def test_finite_differences_call_it_second_order():
    theta, episode = line_tasks()

    def inner(theta: Params, x: torch.Tensor, y: torch.Tensor) -> Params:
        return adapt(lambda p: squared_error(linear(p, x), y), theta, proximal(sgd(0.05), LAMBDA), 150)

    def gradient(solves: int):
        return lambda theta, one: implicit_gradient(
            linear, squared_error, theta, one, sgd(0.05), 150, strength=LAMBDA, solves=solves
        )[0]

    def loss(phi: Params, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return squared_error(linear(phi, x), y)

    assert is_it_maml(inner, loss, theta, episode, meta_gradient=gradient(8)).order == "second"
    assert is_it_maml(inner, loss, theta, episode, meta_gradient=gradient(0)).order != "second"


def test_it_holds_as_much_however_many_steps_there_were():
    net = MLP((1, 6, 1), "tanh", "uniform")
    g = torch.Generator().manual_seed(0)
    theta = net.init(g, torch.float64)
    episode = Sinusoids.jang().sample(2, 10, 10, generator=g, dtype=torch.float64)

    def implicit(steps: int) -> int:
        return held_bytes(lambda: implicit_gradient(
            net, squared_error, theta, episode, sgd(0.05), steps, strength=LAMBDA, solves=5))  # fmt: skip

    def unrolled(steps: int) -> int:
        rule = proximal(sgd(0.05), LAMBDA)
        return held_bytes(lambda: maml_gradient(net, squared_error, theta, episode, rule, steps))

    assert implicit(2) == implicit(20) == implicit(200) > 0
    each = (unrolled(22) - unrolled(2)) / 20
    assert unrolled(42) == pytest.approx(unrolled(2) + 40 * each, rel=0.01)
    assert each > 0.5 * implicit(2)  # every unrolled step holds about as much as the other does in all


def test_it_is_a_network_of_layers_too_that_is_solved_for():
    """Conv-4 has a gradient by hand, and a dict of its own order: against autograd's, and a solver of its own, one task after the other."""
    net, g = Conv4(3, 4, head="flatten", head_std=0.1), torch.Generator().manual_seed(0)
    theta = net.init(g, torch.float64)
    x = torch.rand(2, 6, 1, 28, 28, generator=g, dtype=torch.float64)
    y = torch.arange(3).repeat(2, 2)
    episode = Episode(x, y, x.flip(1), y)
    rate, strength, steps, solves = 0.01, 50.0, 3, 4
    found, _ = implicit_gradient(
        net, cross_entropy, theta, episode, sgd(rate), steps, strength=strength, solves=solves
    )
    slow = []
    for task in range(2):

        def loss(params: Params, x: torch.Tensor, task: int = task) -> torch.Tensor:
            return torch.nn.functional.cross_entropy(net(params, x[task]), y[task])

        phi = theta
        for _ in range(steps):
            at = {name: value.detach().requires_grad_() for name, value in phi.items()}
            pull = sum((at[name] - theta[name]).square().sum() for name in theta)
            slopes = torch.autograd.grad(loss(at, episode.support_x) + strength / 2 * pull, list(at.values()))
            phi = {
                name: value.detach() - rate * slope
                for (name, value), slope in zip(at.items(), slopes, strict=True)
            }
        at = {name: value.detach().requires_grad_() for name, value in phi.items()}
        v = to_vector(dict(enumerate(torch.autograd.grad(loss(at, episode.query_x), list(at.values())))))
        kept = torch.autograd.grad(loss(at, episode.support_x), list(at.values()), create_graph=True)
        slope = to_vector(dict(enumerate(kept)))

        def times(u: torch.Tensor, slope: torch.Tensor = slope, at: Params = at) -> torch.Tensor:
            turned = torch.autograd.grad(slope, list(at.values()), u, retain_graph=True)
            return u + to_vector(dict(enumerate(turned))) / strength

        slow.append(conjugate_gradient(times, v, solves))
    expected = from_vector(sum(slow) / 2, theta)
    assert relative(found, expected) < 1e-10
