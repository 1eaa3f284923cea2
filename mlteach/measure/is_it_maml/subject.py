"""Somebody's MAML behind one face, whether it is functions of dicts or a module and a step.

A subject can be asked two things: what the query loss is at a theta (`loss`), and what its author's meta-gradient is there
(`claim`). Every call gets copies, so that nothing of the author's is moved.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from mlteach.measure.is_it_maml.reading import number_of
from mlteach.measure.is_it_maml.verdict import SettledError
from mlteach.measure.is_it_maml.watch import Seen, Watch
from mlteach.params import Params

SAME = 1e-8  # two calls that differ by a larger share are not the same function


@dataclass
class Claim:
    """The author's own numbers at theta.

    gradient: the meta-gradient, zeros where nothing came. unused: names that autograd did not meet on its way.
    inner: the inner gradients as they were seen. names: the name behind each place of what `torch.autograd.grad` returned.
    difference: theta - phi, where phi can be seen (Reptile's direction). notes: sentences to add to the verdict.
    """

    loss: float
    gradient: Params
    unused: list[str]
    inner: list[Seen]
    names: list[str] = field(default_factory=list)
    difference: Params | None = None
    moved: bool = True  # phi is more than theta itself
    notes: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)  # names of phi without history
    by_value: bool = False  # theta's numbers went into a module's own parameters
    normed_by_gathered: bool = False  # batch norm by running statistics that were gathered on the way


class Subject(ABC):
    """What is judged. theta: the float64 parameters that are moved."""

    theta: Params

    @abstractmethod
    def loss(self, theta: Params, watch: Watch) -> float:
        """The query loss after adaptation from ``theta``."""

    @abstractmethod
    def claim(self, theta: Params) -> Claim:
        """The meta-gradient as the author computes it. Raises SettledError when the code cannot be judged or is plainly wrong."""

    @abstractmethod
    def with_other(self, which: Literal["support", "query"]) -> "Subject":
        """The same with one set a little changed. Raises ValueError where it holds nothing that could be changed."""

    @abstractmethod
    def first_order(self, theta: Params) -> Params:
        """What autograd makes of the author's code when inner gradients are constants."""

    @staticmethod
    def _same_again(call: Callable[[], Any], first: float) -> bool:
        """Whether a second call, on what the first has left, comes to the same loss."""
        try:
            return same(first, number_of(call())[0])
        except RuntimeError:  # such as going back through a graph that hangs on the .grad of the first call
            return False

    def again(self, theta: Params, first: float) -> None:
        """Call on the same inputs once more. Raises SettledError where another loss comes out."""
        if same(first, self.loss(theta, Watch())):
            return
        torch.manual_seed(0)
        one = self.loss(theta, Watch())
        torch.manual_seed(0)
        if same(one, self.loss(theta, Watch())):
            raise SettledError(
                "cannot tell",
                "two calls on the same inputs differ: the code draws at random (dropout, a random minibatch?). Switch that "
                "off, or begin with torch.manual_seed(0)",
            )
        raise SettledError(
            "cannot tell",
            "two calls on the same inputs differ: something is carried from one call to the next (running statistics, an "
            "optimizer's state), or drawn by a generator of its own, random or numpy. Make it afresh in every call",
        )


def same(a: float, b: float) -> bool:
    """Equal up to the order of sums on a GPU; two NaN are the same."""
    return a == b or (math.isnan(a) and math.isnan(b)) or abs(a - b) <= SAME * max(abs(a), abs(b), 1e-300)
