"""UNICORN's head: one learned vector is the first row of every class."""

from collections.abc import Callable

from mlteach.nets.conv4 import Conv4
from mlteach.params import Params


def tied_head(net: Conv4) -> Callable[[Params], Params]:
    """A ``start`` for `mlteach.outer.maml_gradient`: all rows of ``net``'s head from one vector, all biases from one number.

    It reads "tied.weight" [features] and "tied.bias" [] out of theta; either may be missing and is then zero, so without both it
    is ``net.zero_head``. Two classes that begin equal are told apart by their support pictures alone: whatever the labels'
    order, the answer is the same.

    Source: Ye and Chao 2022, section 5 (UNICORN-MAML). Taught in: lesson 14.
    """

    def start(theta: Params) -> Params:
        zero = net.zero_head(theta)
        for name in ("weight", "bias"):
            if f"tied.{name}" in theta:
                zero[f"head.{name}"] = theta[f"tied.{name}"].expand(zero[f"head.{name}"].shape)
        return zero

    return start
