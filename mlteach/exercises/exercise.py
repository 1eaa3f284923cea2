"""What an exercise is: a solution, cases to try it on, mistakes known by name, hints. Data, no behaviour."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Case:
    """One set of inputs (tensors in float64) the answer is tried on, with the name a learner reads when it fails."""

    name: str
    inputs: tuple[Any, ...]


@dataclass(frozen=True)
class Mistake:
    """A wrong answer we expect: ``message`` says what was done instead of what, ``wrong`` does exactly that.

    ``wrong`` may hold several answers when one misunderstanding can be written in several ways. A wrong answer whose
    numbers are right is told from the solution by what else it does: the gradients that flow back, the inputs it changes.
    ``hint`` is the number of the hint that helps with it, which the message then ends with.
    ``looks(inputs, right, came)`` tells a mistake that has too many spellings by a look at what came; it is asked last, and
    named where it is true on every case that is wrong. ``wrong`` may then be empty.
    """

    message: str
    wrong: tuple[Any, ...]
    hint: int = 0
    looks: Callable[[tuple[Any, ...], Any, Any], bool] | None = None


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lesson.

    ``solution`` is a function, tried on ``cases()``, or a value (number, string, tensor, tuple or dict of these)
    when there are no cases. ``observe(answer, *inputs)`` says what to look at instead of ``answer(*inputs)``,
    for example the gradient of a loss that the learner wrote.

    What the judge may be told besides:

    - ``outputs``: names of what comes out (or is observed), in order, as a learner knows them.
    - ``tolerance``: how far a number may be off, relative to the largest of its tensor. What is off by no more than
      float32 rounds is right "to single precision". Wider for numerical integration, or for constants printed short.
    - ``any_float``: a tensor may come in another floating-point type than the solution's. Single numbers always may.
    - ``differentiable``: the inputs through which gradients must flow as they do in the solution, a number that comes as a
      float included; ``()`` asks for none. None, the default: where nothing is observed, gradients must reach every
      input that they reach in the solution, from every tensor with an axis; where the answer agrees with the solution at
      inputs drawn nearby as well, they must be the same. Numbers and numpy arrays may come without.
    - ``second_order``: the gradients must themselves have the solution's gradients.
    - ``leading``: inputs that may have any number of leading axes, [..., n]; the judge adds cases with one and two more.
    - ``draw``: makes one more case from a seeded generator. The judge draws a few, the tests draw many.
    - ``called_twice``: every call is made twice, and the second must give the same; False where ``observe`` counts calls.
    - ``chain``: ``chain(inputs, output)`` gives the inputs of the next call, for an answer that is called on its own output.
    """

    id: str
    title: str
    solution: Any
    hints: tuple[str, ...]
    mistakes: tuple[Mistake, ...]
    cases: Callable[[], Sequence[Case]] | None = None
    observe: Callable[..., Any] | None = None
    tolerance: float = 1e-9
    outputs: tuple[str, ...] = ()
    any_float: bool = False
    differentiable: tuple[str, ...] | None = None
    second_order: bool = False
    leading: tuple[str, ...] = ()
    draw: Callable[[torch.Generator], Case] | None = None
    called_twice: bool = True
    chain: Callable[[tuple[Any, ...], Any], tuple[Any, ...]] | None = None
