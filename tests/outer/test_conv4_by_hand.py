"""Conv-4's gradient with every derivative written out is the one that autograd finds, and it is the one that is taken."""

import gc
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.inner import Rule, adapt, momentum, sgd
from mlteach.inner.adapt import value_and_gradient
from mlteach.inner.objective import objectives
from mlteach.nets import Conv4, conv4, cross_entropy, squared_error
from mlteach.nets.conv4_by_hand import Walk
from mlteach.nets.per_step import PerStep
from mlteach.outer import maml_gradient, maml_gradient_loop, maml_losses
from mlteach.outer.chunks import tasks_at_once
from mlteach.params import (
    Params,
    from_vector,
    gradient_of,
    leaves,
    map_params,
    norm,
    stack,
    subtract,
    to_vector,
)
from mlteach.tasks import Episode

F64 = torch.float64
NET = Conv4(3, filters=4, head="flatten")


def pictures(tasks: int = 3, ways: int = 3, shots: int = 1, queries: int = 2) -> Episode:
    g, y = torch.Generator().manual_seed(0), torch.arange(ways)
    support_x, query_x = (
        torch.rand(tasks, ways * each, 1, 28, 28, generator=g, dtype=F64) for each in (shots, queries)
    )
    return Episode(support_x, y.repeat(shots).expand(tasks, -1), query_x, y.repeat(queries).expand(tasks, -1))


def somewhere(net: Conv4) -> Params:
    """No parameter at its first, special value: gamma is not one, beta and the head's bias are not zero."""
    g = torch.Generator().manual_seed(1)
    theta = net.init(g, F64)
    return {n: v + 0.1 * torch.randn(v.shape, generator=g, dtype=F64) for n, v in theta.items()}


def relative(a: Params, b: Params) -> float:
    return (norm(subtract(a, b)) / norm(b)).item()


def autograd_refused(*_: object) -> Tensor:
    raise AssertionError(
        "the network's grouped convolution was called: autograd does it, not the passes by hand"
    )


@pytest.fixture
def by_hand_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes through the network itself with a batch of tasks fails. The plain loop has no batch."""
    monkeypatch.setattr(conv4, "grouped_conv", autograd_refused)


SHAPES = [{"pool": pool, "head": head, "gamma": gamma} for pool, head, gamma in (
    ("stride", "mean", False), ("stride", "flatten", True), ("max", "mean", True), ("max", "flatten", False)
)]  # fmt: skip


@pytest.mark.parametrize("first_order", [False, True])
@pytest.mark.parametrize("steps", [0, 1, 5])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_it_is_the_gradient_of_the_loop(shape, steps, first_order, by_hand_alone):
    net = Conv4(3, filters=4, **shape)
    arguments = (net, cross_entropy, somewhere(net), pictures(), sgd(0.3), steps)
    plain = maml_gradient_loop(*arguments, first_order=first_order)
    quick, numbers = maml_gradient(*arguments, first_order=first_order)
    assert relative(quick, plain) < 1e-10
    if steps == 5 and not first_order:  # and second order is not small beside it
        assert relative(maml_gradient(*arguments, first_order=True)[0], plain) > 0.05


def two_moments(theta, gradient, state, *, loss):
    """Adam in small, smooth where a gradient is zero."""
    mean = {name: 0.9 * state[0][name] + 0.1 * g for name, g in gradient.items()}
    square = {name: 0.9 * state[1][name] + 0.1 * g * g for name, g in gradient.items()}
    moved = {name: theta[name] - 0.1 * mean[name] / (square[name] + 1e-3).sqrt() for name in gradient}
    return moved, (mean, square)


MOMENTS = Rule(init=lambda theta: (map_params(torch.zeros_like, theta),) * 2, step=two_moments)


def learned(theta: Params):
    """Meta-SGD: one rate for each number."""
    rates = {f"rate.{name}": torch.full_like(value, 0.1) for name, value in theta.items()}
    return theta | rates, {
        "rule": lambda point: sgd({name: point[f"rate.{name}"] for name in theta}),
        "start": lambda point: {name: point[name] for name in theta},
    }


def looks_at_the_loss(theta: Params):
    """A rule whose step is as long as the loss is large: so the losses are differentiated too."""

    def step(theta, gradient, state, *, loss):
        return {
            name: value - 0.1 * loss.reshape(loss.shape + (1,) * (value.ndim - loss.ndim)) * gradient[name]
            for name, value in theta.items()
        }, state

    return theta, {"rule": sgd(0.1)._replace(step=step)}


CASES = {
    "momentum": lambda theta: (theta, {"rule": momentum(0.1, 0.9)}),
    "two moments": lambda theta: (theta, {"rule": MOMENTS}),
    "learned rates": learned,
    "a rule that looks at the loss": looks_at_the_loss,
    "ANIL": lambda theta: (theta, {"rule": sgd(0.3), "only": NET.head_names}),
    "blocks 3 and 4": lambda theta: (theta, {"rule": sgd(0.3), "only": ("conv3.weight", "norm4.beta")}),
    "block 1": lambda theta: (theta, {"rule": sgd(0.3), "only": ("norm1.gamma",)}),
    "a zero head": lambda theta: ({n: theta[n] for n in NET.body_names}, {"rule": sgd(0.3), "start": NET.zero_head}),
    "weights": lambda theta: (theta, {"rule": sgd(0.3), "weights": [0.2, 0.3, 0.5]}),
}  # fmt: skip


@pytest.mark.parametrize("first_order", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_with_any_rule_start_and_weights(case, first_order, by_hand_alone):
    theta, how = CASES[case](somewhere(NET))
    how |= {"steps": 2, "first_order": first_order}
    plain = maml_gradient_loop(NET, cross_entropy, theta, pictures(), **how)
    assert relative(maml_gradient(NET, cross_entropy, theta, pictures(), **how)[0], plain) < 1e-10


@pytest.mark.parametrize(("ways", "shots", "queries"), [(2, 3, 1), (5, 1, 8)])
def test_with_other_ways_and_shots_chunks_and_a_squared_error(ways, shots, queries, by_hand_alone):
    net, episode = replace(NET, ways=ways), pictures(4, ways, shots, queries)
    answers = torch.nn.functional.one_hot(torch.arange(ways)).to(F64)
    curves = Episode(episode.support_x, answers[episode.support_y], episode.query_x, answers[episode.query_y])
    for loss, tasks in ((cross_entropy, episode), (squared_error, curves)):
        arguments = (net, loss, somewhere(net), tasks, sgd(0.2), 2)
        plain = maml_gradient_loop(*arguments)
        for chunk in (None, 1, 3):
            assert relative(maml_gradient(*arguments, chunk=chunk)[0], plain) < 1e-10


def test_loss_and_accuracy_are_those_of_the_network():
    arguments = (NET, cross_entropy, somewhere(NET), pictures(), sgd(0.3), 2)
    _, numbers = maml_gradient(*arguments)
    losses, outputs = maml_losses(*arguments)
    assert numbers["loss"].item() == pytest.approx(losses.mean().item(), rel=1e-12)
    right = (outputs.argmax(-1) == arguments[3].query_y).double().mean()
    assert numbers["accuracy"].item() == pytest.approx(right.item())


def other_loss(logits: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy under a name that the network does not know: autograd does it."""
    return cross_entropy(logits, y)


class Halved(Conv4):
    """Somebody's own network, which inherits from Conv4 and computes something else."""

    def __call__(self, params, x, *mode, **more):
        return super().__call__(params, x, *mode, **more) / 2


def without_gamma(theta: Params) -> Params:
    return {name: value for name, value in theta.items() if "gamma" not in name}


NOT_COVERED = {
    **{
        f"another loss {shape}": (net := Conv4(3, filters=4, **shape), other_loss, somewhere(net))
        for shape in SHAPES
    },
    "another network": (Halved(3, filters=4), cross_entropy, somewhere(Halved(3, filters=4))),
    "another network's parameters": (NET, cross_entropy, without_gamma(somewhere(NET))),
    "batch norm by step": (per := PerStep(NET, 2), cross_entropy, per.init(somewhere(NET))),
}


@pytest.mark.parametrize("case", NOT_COVERED)
def test_what_it_does_not_cover_goes_through_autograd(case, monkeypatch):
    net, loss, theta = NOT_COVERED[case]
    arguments = (net, loss, theta, pictures(), sgd(0.3), 2)
    assert relative(maml_gradient(*arguments)[0], maml_gradient_loop(*arguments)) < 1e-10
    monkeypatch.setattr(conv4, "grouped_conv", autograd_refused)
    with pytest.raises(AssertionError, match="autograd does it"):
        maml_gradient(*arguments)


def test_rounded_queries_go_through_autograd_and_the_inner_steps_do_not():
    arguments = (NET, somewhere(NET), pictures(), sgd(0.3), 1)
    net, theta, episode, *how = arguments
    both = [
        maml_gradient(net, loss, theta, episode, *how, query_dtype=torch.bfloat16)[0]
        for loss in (cross_entropy, other_loss)
    ]
    assert relative(*both) < 1e-10


def test_a_label_that_does_not_count_does_not_count_and_one_too_large_is_refused():
    episode = pictures(queries=4)
    masked = episode._replace(query_y=torch.where(episode.query_y == 0, -100, episode.query_y))
    arguments = (NET, cross_entropy, somewhere(NET), masked, sgd(0.3), 1)
    assert relative(maml_gradient(*arguments)[0], maml_gradient_loop(*arguments)) < 1e-10
    with pytest.raises(EpisodeError, match=r"outside 0..2"):
        maml_gradient(*arguments[:3], pictures(ways=4), sgd(0.3), 1)


def directions(theta: Params, count: int) -> list[Params]:
    g = torch.Generator().manual_seed(5)
    return [{n: torch.randn(v.shape, generator=g, dtype=F64) for n, v in theta.items()} for _ in range(count)]


@pytest.mark.parametrize("only", [None, NET.head_names])
def test_third_derivatives_are_autograds(only):
    theta, episode = somewhere(NET), pictures(tasks=2)
    (way,) = directions(theta, 1)

    def third(loss) -> Params:
        point = leaves(theta)
        losses, _ = maml_losses(NET, loss, point, episode, sgd(0.3), 2, only=only)
        first = torch.autograd.grad(losses.mean(), list(point.values()), create_graph=True)
        along = sum((g * w).sum() for g, w in zip(first, way.values(), strict=True))
        return gradient_of(along, point)

    assert relative(third(cross_entropy), third(other_loss)) < 1e-10


def test_under_torch_func_autograd_does_it():
    theta, episode = somewhere(NET), pictures(tasks=2)

    def total(vector: Tensor, loss) -> Tensor:
        return maml_losses(NET, loss, from_vector(vector, theta), episode, sgd(0.3), 1)[0].mean()

    found = torch.func.grad(partial(total, loss=cross_entropy))(to_vector(theta))
    plain = to_vector(maml_gradient_loop(NET, cross_entropy, theta, episode, sgd(0.3), 1))
    torch.testing.assert_close(found, plain, rtol=1e-9, atol=1e-12)


def test_the_gradient_of_pictures_is_autograds():
    """An adversary who moves the support pictures: they are among what is differentiated by."""
    episode = pictures(tasks=2)

    def by_pictures(loss) -> Tensor:
        x = episode.support_x.clone().requires_grad_()
        losses, _ = maml_losses(NET, loss, somewhere(NET), episode._replace(support_x=x), sgd(0.3), 1)
        return torch.autograd.grad(losses.sum(), x)[0]

    torch.testing.assert_close(by_pictures(cross_entropy), by_pictures(other_loss))
    assert by_pictures(cross_entropy).any()


def test_the_graph_may_be_walked_twice_and_the_order_of_the_names_stays(by_hand_alone):
    theta = stack(somewhere(NET), 3)
    at = leaves(dict(reversed(theta.items())))
    loss = objectives(NET, cross_entropy, pictures().seen, sgd(0.3), 1, 3)[0]
    _, gradient = value_and_gradient(loss, at, list(at), first_order=False)
    assert list(gradient) == list(at)
    ways = directions(at, 2)
    v, w = (
        torch.autograd.grad(
            list(gradient.values()), list(at.values()), [way[name] for name in gradient], retain_graph=True
        )
        for way in ways
    )
    left = sum((a * ways[1][name]).sum() for name, a in zip(at, v, strict=True))
    right = sum((b * ways[0][name]).sum() for name, b in zip(at, w, strict=True))
    assert left.item() == pytest.approx(right.item(), rel=1e-12)  # w'Hv = v'Hw


def test_without_a_record_nothing_is_kept(by_hand_alone):
    theta, episode = stack(somewhere(NET), 3), pictures()
    loss = objectives(NET, cross_entropy, episode.seen, sgd(0.3), 2, 3)
    with torch.no_grad():
        phi = adapt(loss, theta, sgd(0.3), 2)
    assert not any(value.requires_grad for value in phi.values())
    kept = adapt(loss, leaves(theta), sgd(0.3), 2)
    assert all(value.requires_grad for value in kept.values()) and relative(phi, kept) == 0


def test_what_was_kept_for_the_way_back_is_gone_after_it():
    """The graph holds the walk. Did the walk hold a result, on which the graph hangs, neither would ever be free."""
    gc.collect()
    gc.disable()
    try:
        before = sum(isinstance(each, Walk) for each in gc.get_objects())
        maml_gradient(NET, cross_entropy, somewhere(NET), pictures(), sgd(0.3), 2)
        assert sum(isinstance(each, Walk) for each in gc.get_objects()) == before
    finally:
        gc.enable()


def test_a_batch_holds_as_many_tasks_as_keep_its_largest_layer_in_the_cache(monkeypatch):
    finn, lecture = Conv4(5, filters=64), Conv4(5, filters=32)
    for net, pictures, tasks, threads, expected in [
        (finn, 75, 32, 1, 1), (finn, 5, 32, 1, 8), (lecture, 25, 16, 1, 4), (lecture, 25, 9, 1, 3),
        (lecture, 5, 64, 1, 16), (lecture, 5, 16, 2, 8), (replace(finn, pool="max"), 5, 16, 2, 2),
    ]:  # fmt: skip
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        x, y = torch.zeros(tasks, pictures, 1, 28, 28), torch.zeros(tasks, pictures, dtype=torch.long)
        passes = net.passes(cross_entropy, x, y)
        assert passes is not None
        assert tasks_at_once(x, passes.largest) == expected
