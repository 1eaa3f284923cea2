"""The bytes that autograd holds: counted on a chain whose bytes are known, and let go of."""

import torch

from mlteach.measure.held import held_bytes


def test_a_chain_of_squares_holds_one_tensor_a_step():
    x = torch.randn(1000, dtype=torch.float64, requires_grad=True)

    def chain(steps: int) -> None:
        y = x
        for _ in range(steps):
            y = y.square()

    assert held_bytes(lambda: chain(1)) == 8000
    assert held_bytes(lambda: chain(5)) == 5 * 8000
    assert held_bytes(lambda: [chain(5) for _ in range(3)]) == 5 * 8000  # let go of in between
    with torch.no_grad():
        assert held_bytes(lambda: chain(5)) == 0
