"""Ridge regression: the other form of its solution, scikit-learn, its limit, gradients by finite differences."""

import pytest
import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.metric import (
    init_ridge,
    linear_logits,
    read_ridge,
    reading_accuracy,
    reading_gradient,
    ridge_logits,
)
from mlteach.nets import Conv4
from mlteach.params import dot
from mlteach.tasks import Characters

WAYS = 3


def points(size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Two tasks: features of 6 support pictures with their labels, and of 4 queries."""
    g = torch.Generator().manual_seed(0)
    support, query = (torch.randn(2, n, size, generator=g, dtype=torch.float64) + 0.5 for n in (6, 4))
    y = torch.stack([torch.randperm(6, generator=g) % WAYS for _ in range(2)])
    return support, y, query


@pytest.mark.parametrize("size", [2, 9])
def test_it_is_the_system_of_d_equations_and_scikit_learn_s(size: int) -> None:
    from sklearn.linear_model import Ridge

    support, y, query = points(size)
    found = ridge_logits(support, y, query, WAYS, strength=0.7)
    values = torch.nn.functional.one_hot(y, WAYS).double()
    normal = support.mT @ support + 0.7 * torch.eye(size, dtype=torch.float64)
    weights = torch.linalg.solve(normal, support.mT @ values)
    torch.testing.assert_close(found, query @ weights, rtol=0, atol=1e-10)
    for task in range(2):
        theirs = Ridge(alpha=0.7, fit_intercept=False).fit(support[task].numpy(), values[task].numpy())
        predicted = torch.from_numpy(theirs.predict(query[task].numpy()))
        torch.testing.assert_close(found[task], predicted, rtol=0, atol=1e-10)
    with pytest.raises(EpisodeError, match="whole numbers"):
        ridge_logits(support, y.double(), query, WAYS, strength=0.7)


def test_a_strong_ridge_is_linear_attention() -> None:
    support, y, query = points(5)
    strong = 1e9 * ridge_logits(support, y, query, WAYS, strength=1e9)
    product = query @ support.mT @ torch.nn.functional.one_hot(y, WAYS).double()
    torch.testing.assert_close(strong, product, rtol=0, atol=1e-6)
    step = linear_logits(support, y, query, WAYS, rate=6.0)  # its centred labels move all classes alike
    torch.testing.assert_close(strong.softmax(-1), step.softmax(-1), rtol=0, atol=1e-6)


def test_gradients_are_those_of_finite_differences_through_the_solution_and_the_network() -> None:
    support, y, query = points(5)
    strength = torch.tensor(0.7, dtype=torch.float64)
    inputs = [each.requires_grad_() for each in (support, query, strength)]
    assert torch.autograd.gradcheck(lambda s, q, by: ridge_logits(s, y, q, WAYS, strength=by), inputs)

    g = torch.Generator().manual_seed(0)
    net = Conv4(WAYS, 4, head="flatten")
    episode = Characters.glyphs(20).sample(2, WAYS, 2, 2, generator=g, dtype=torch.float64)
    theta = {n: v for n, v in net.init(g, torch.float64).items() if n in net.body_names}
    theta |= init_ridge(0.5, 4.0, torch.float64)
    gradient, numbers = reading_gradient(net.features_of, read_ridge, theta, episode)
    assert {"ridge.log_strength", "ridge.log_scale"} < set(gradient)
    way = {n: torch.randn(v.shape, generator=g, dtype=v.dtype) for n, v in theta.items()}

    def at(step: float) -> float:
        moved = {name: value + step * way[name] for name, value in theta.items()}
        return reading_gradient(net.features_of, read_ridge, moved, episode)[1]["loss"].item()

    assert dot(gradient, way).item() == pytest.approx((at(1e-6) - at(-1e-6)) / 2e-6, rel=1e-5)
    for name in init_ridge():  # each of the two by itself: in the sum above they would hardly be seen
        way = {n: torch.ones_like(v) if n == name else torch.zeros_like(v) for n, v in theta.items()}
        assert gradient[name].item() == pytest.approx((at(1e-6) - at(-1e-6)) / 2e-6, rel=1e-5)
    both = reading_accuracy(net.features_of, read_ridge, theta, [episode])
    alone = reading_accuracy(
        net.features_of, read_ridge, theta, [episode.part(slice(k, k + 1)) for k in range(2)]
    )
    assert all(torch.equal(both[mode], alone[mode]) for mode in ("transductive", "support"))
