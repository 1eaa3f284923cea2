import pytest
import torch
import torch.nn as nn

from mlteach.errors import EpisodeError
from mlteach.nets import MLP, cross_entropy, share_right, squared_error
from mlteach.params import stack


@pytest.mark.parametrize(("name", "layer"), [("relu", nn.ReLU), ("tanh", nn.Tanh), ("sigmoid", nn.Sigmoid)])
def test_equals_torch_layers_alone_and_in_a_batch_of_tasks(name, layer):
    g = torch.Generator().manual_seed(0)
    net = MLP((2, 7, 3), activation=name)
    theta = net.init(g, torch.float64)
    same = nn.Sequential(nn.Linear(2, 7), layer(), nn.Linear(7, 3)).double()
    for value, found in zip(same.parameters(), theta.values(), strict=True):
        value.data = found
    x = torch.randn(4, 6, 2, generator=g, dtype=torch.float64)
    torch.testing.assert_close(net(theta, x[0]), same(x[0]))
    torch.testing.assert_close(net(stack(theta, 4), x), same(x))


def test_losses_keep_the_task_axis():
    g = torch.Generator().manual_seed(0)
    logits, y = torch.randn(3, 10, 5, generator=g), torch.randint(5, (3, 10), generator=g)
    for index in range(3):
        assert torch.isclose(
            cross_entropy(logits, y)[index], nn.functional.cross_entropy(logits[index], y[index])
        )
        assert torch.isclose(
            share_right(logits, y)[index], (logits[index].argmax(1) == y[index]).float().mean()
        )
        assert torch.isclose(squared_error(logits, logits * 0)[index], logits[index].square().mean())
    assert cross_entropy(logits[0], y[0]).ndim == 0


def test_finn_s_loss_is_ways_times_the_mean():
    """Identity I-17: the released MAML sums cross-entropy / shots, so its rate 0.4 is 2.0 on the mean for 5 ways."""
    g = torch.Generator().manual_seed(0)
    ways, shots = 5, 2
    logits = torch.randn(ways * shots, ways, generator=g, dtype=torch.float64, requires_grad=True)
    y = torch.arange(ways).repeat(shots)
    finn = torch.autograd.grad(nn.functional.cross_entropy(logits, y, reduction="sum") / shots, logits)[0]
    mean = torch.autograd.grad(cross_entropy(logits, y), logits)[0]
    torch.testing.assert_close(finn, ways * mean)


def test_a_wrong_shape_says_what_is_wanted():
    net = MLP()
    with pytest.raises(EpisodeError, match=r"reads \[N, 1\]"):
        net(net.init(torch.Generator().manual_seed(0)), torch.rand(10))


@pytest.mark.parametrize("tasks", [(), (1,), (6,)])
def test_targets_that_would_broadcast_are_refused(tasks):
    outputs, y = torch.randn(*tasks, 6, 1), torch.randn(*tasks, 6)
    with pytest.raises(EpisodeError, match=r"unsqueeze\(-1\)"):
        squared_error(outputs, y)


@pytest.mark.parametrize(
    ("y", "says"),
    [
        (torch.zeros(1, 4, 1, dtype=torch.int64), r"need labels \(1, 4\)"),
        (torch.zeros(1, 4), "whole numbers"),
        (torch.full((1, 4), 3), r"outside 0\.\.2"),
    ],
)
def test_labels_that_do_not_fit_are_refused(y, says):
    logits = torch.randn(1, 4, 3)
    with pytest.raises(EpisodeError, match=says):
        cross_entropy(logits, y)
    if "outside" not in says:
        with pytest.raises(EpisodeError, match=says):
            share_right(logits, y)
