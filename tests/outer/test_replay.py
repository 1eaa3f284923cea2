"""A replayed meta-gradient gives the numbers of the one that was recorded."""

import shutil

import pytest
import torch

from mlteach.inner import sgd
from mlteach.nets import MLP, Conv4, cross_entropy, squared_error
from mlteach.outer import maml_gradient, maml_gradient_loop, maml_losses, replayed
from mlteach.params import Params, norm, subtract
from mlteach.tasks import Episode

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
DEVICES = ["cpu", pytest.param("cuda", marks=gpu)]
NETS = {
    "Finn's": Conv4(5, filters=6, head="mean", gamma=False),
    "max pool": Conv4(5, filters=4, pool="max", head="flatten"),
}


def pictures(device: str, tasks: int = 3, seed: int = 0) -> Episode:
    g = torch.Generator().manual_seed(seed)
    y = torch.arange(5).expand(tasks, -1)
    x = torch.rand(2, tasks, 5, 1, 28, 28, generator=g, dtype=torch.float64)
    return Episode(x[0], y, x[1], y).to(device=device)


def relative(a: Params, b: Params) -> float:
    return (norm(subtract({n: v.cpu() for n, v in a.items()}, b)) / norm(b)).item()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("first_order", [False, True])
@pytest.mark.parametrize("name", NETS)
def test_new_numbers_new_shapes_and_moved_parameters_are_seen(name, first_order, device):
    net = NETS[name]
    theta = net.init(torch.Generator().manual_seed(1), torch.float64)
    there = {name: value.to(device) for name, value in theta.items()}
    quick = replayed(
        lambda t, e: maml_gradient(net, cross_entropy, t, e, sgd(0.4), 2, first_order=first_order)
    )
    for round_, tasks in enumerate((3, 3, 2, 3)):
        episode = pictures(device, tasks, seed=round_)
        found, numbers = quick(there, episode)
        at = {name: value.cpu() for name, value in there.items()}
        plain = maml_gradient_loop(
            net, cross_entropy, at, episode.to(device="cpu"), sgd(0.4), 2, first_order=first_order
        )
        assert relative(found, plain) < 1e-10
        assert numbers["loss"].ndim == 0 and 0 <= numbers["accuracy"] <= 1
        with torch.no_grad():
            for name, value in there.items():
                value.sub_(0.1 * found[name])  # in place, as an optimizer does


@pytest.mark.skipif(
    shutil.which("g++") is None and shutil.which("clang++") is None, reason="needs a compiler"
)
def test_a_compiled_meta_gradient_is_the_same_and_sees_new_numbers():
    net, g = MLP((1, 4, 1), "tanh"), torch.Generator().manual_seed(0)
    theta = net.init(g, torch.float64)
    quick = replayed(lambda t, e: maml_gradient(net, squared_error, t, e, sgd(0.1), 1), compiled=True)
    threads = torch.get_num_threads()
    for _ in range(3):
        episode = Episode(*(torch.randn(2, 3, 1, generator=g, dtype=torch.float64) for _ in range(4)))
        found, numbers = quick(theta, episode)
        plain = maml_gradient_loop(net, squared_error, theta, episode, sgd(0.1), 1)
        losses, _ = maml_losses(net, squared_error, theta, episode, sgd(0.1), 1)
        assert relative(found, plain) < 1e-10
        assert numbers["loss"].item() == pytest.approx(losses.mean().item(), rel=1e-10)
        theta = subtract(theta, found)
    assert torch.get_num_threads() == threads


@gpu
def test_what_was_returned_is_not_overwritten_by_the_next_call():
    net = NETS["Finn's"]
    theta = {n: v.cuda() for n, v in net.init(torch.Generator().manual_seed(1), torch.float64).items()}
    quick = replayed(lambda t, e: maml_gradient(net, cross_entropy, t, e, sgd(0.4), 1))
    first, _ = quick(theta, pictures("cuda"))
    kept = {name: value.clone() for name, value in first.items()}
    quick(theta, pictures("cuda", seed=1))
    assert all(torch.equal(first[name], kept[name]) for name in kept)


@gpu
def test_a_gradient_that_looks_at_its_numbers_is_called_step_by_step_with_a_warning():
    net = NETS["Finn's"]
    theta = {n: v.cuda() for n, v in net.init(torch.Generator().manual_seed(1), torch.float64).items()}

    def curious(t: Params, e: Episode):
        found, numbers = maml_gradient(net, cross_entropy, t, e, sgd(0.4), 1)
        return found, {"loss": torch.tensor(numbers["loss"].item())}

    with pytest.warns(UserWarning, match="cannot be replayed"):
        found, _ = replayed(curious)(theta, pictures("cuda"))
    plain, _ = maml_gradient(net, cross_entropy, theta, pictures("cuda"), sgd(0.4), 1)
    assert relative(found, {n: v.cpu() for n, v in plain.items()}) < 1e-10


def test_a_coarser_precision_for_the_queries_costs_what_it_says_and_is_never_the_default():
    net, episode = Conv4(5, filters=16), pictures("cpu", tasks=4)
    theta = net.init(torch.Generator().manual_seed(1), torch.float64)
    arguments = (net, cross_entropy, theta, episode, sgd(0.1), 1)
    exact, _ = maml_gradient(*arguments)
    assert relative(maml_gradient_loop(*arguments), exact) < 1e-10
    off = {
        dtype: relative(maml_gradient(*arguments, query_dtype=dtype)[0], exact)
        for dtype in (torch.float64, torch.float32, torch.bfloat16)
    }
    assert off[torch.float64] < 1e-12 < off[torch.float32] < 1e-4 < off[torch.bfloat16] < 0.2
