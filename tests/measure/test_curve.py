import pytest
import torch

from mlteach.inner import sgd
from mlteach.measure import log_losses
from mlteach.tasks import Problems, Quadratics


def test_the_curve_is_that_of_the_closed_form():
    """On a theta^2 / 2 gradient descent multiplies theta by 1 - rate a at every step (identity I-9)."""
    a = torch.tensor([[1.0], [2.0]], dtype=torch.float64)

    def loss(theta, t=0):
        return (a * theta["theta"].square() / 2).sum(-1)

    problems = Problems({"theta": torch.tensor([[1.0], [3.0]], dtype=torch.float64)}, loss, loss)
    found = log_losses(problems, sgd(0.3), [0, 2, 5])
    assert found.shape == (3, 2)
    for row, t in zip(found, (0, 2, 5), strict=True):
        expected = a[:, 0] / 2 * (problems.start["theta"][:, 0] * (1 - 0.3 * a[:, 0]) ** t).square()
        torch.testing.assert_close(row, expected.log10())


def test_a_run_that_blows_up_or_is_exact_counts_as_a_bound():
    problems = Quadratics(3).sample(4, generator=torch.Generator().manual_seed(0))
    assert (log_losses(problems, sgd(1e3), [50]) == 6).all()
    nothing = Problems(
        problems.start, lambda theta, t: 0 * theta["theta"].sum(-1), lambda theta: 0 * theta["theta"].sum(-1)
    )
    assert (log_losses(nothing, sgd(0.1), [1]) == -12).all()


def test_steps_may_be_asked_for_in_any_order():
    problems = Quadratics(3).sample(4, generator=torch.Generator().manual_seed(0))
    there, back = (log_losses(problems, sgd(0.01), at) for at in ([1, 5], [5, 1]))
    assert torch.equal(there, back.flip(0))
    with pytest.raises(ValueError, match="at least one step"):
        log_losses(problems, sgd(0.1), [])
