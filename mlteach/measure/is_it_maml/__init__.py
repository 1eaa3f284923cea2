"""Is it really MAML? Not everything of that name is: the meta-gradient may silently be first order.

The test needs no trust in anybody's autograd: it moves theta a little, adapts again, and looks at the query loss.
`watch` sees inner gradients while the code runs, `functions` and `modules` call it, `slopes` measures, `judge` decides, `verdict`
says it.
"""

from collections.abc import Callable, Iterable
from typing import Any, overload

from torch import Tensor, nn

from mlteach.errors import MlteachError
from mlteach.measure.is_it_maml.functions import Functions
from mlteach.measure.is_it_maml.judge import judged
from mlteach.measure.is_it_maml.modules import ModuleAndStep
from mlteach.measure.is_it_maml.verdict import Order, Verdict
from mlteach.measure.is_it_maml.watch import double_precision
from mlteach.params import Params
from mlteach.tasks.episode import Episode

__all__ = ["Order", "Verdict", "is_it_maml"]


@overload
def is_it_maml(
    adapt_fn: Callable[..., Any],
    loss_fn: Callable[..., Any],
    theta: Params | Iterable[Any] | nn.Module,
    episode: Episode,
    *,
    meta_gradient: Callable[..., Any] | None = ...,
    directions: int = ...,
    epsilon: float = ...,
    seed: int = ...,
) -> Verdict: ...


@overload
def is_it_maml(
    model: nn.Module,
    step: Callable[[nn.Module, Any, Any], Tensor | float],
    support: Any,
    query: Any,
    *,
    directions: int = ...,
    epsilon: float = ...,
    seed: int = ...,
) -> Verdict: ...


def is_it_maml(  # type: ignore[misc]
    adapt_fn: Any = None,
    loss_fn: Any = None,
    theta: Any = None,
    episode: Any = None,
    *,
    model: Any = None,
    step: Any = None,
    support: Any = None,
    query: Any = None,
    meta_gradient: Callable[..., Any] | None = None,
    directions: int = 4,
    epsilon: float = 1e-6,
    seed: int = 0,
) -> Verdict:
    """Compare a meta-gradient with central differences in float64, and with the first-order gradient. There are two ways in.

        is_it_maml(adapt_fn, loss_fn, theta, episode)       functions of parameters
        is_it_maml(model, step, support, query)             a module, and what is done with it for one task

    adapt_fn(theta, support_x, support_y) -> phi: anybody's inner loop, for one task, no task axis.
    loss_fn(phi, x, y) -> scalar: the loss on one task's data.
    theta: the start: a dict, list or tuple of tensors, or a module's parameters. Functions get the same kind.
    episode: the first task of it is used. meta_gradient(theta, episode) -> gradient: if given, this is judged instead of
        autograd through ``adapt_fn``; it gets the one-task episode with its task axis.

    model: an ``nn.Module``. step(model, support, query) adapts by whatever library, returns the query loss, and leaves the
        meta-gradient in ``.grad`` of the model's parameters; the model it gets is a fresh copy, to be left as it was found.
    support, query: what step wants, tensors in tuples, lists or dicts.

    All numbers are float64 copies, and the default dtype is float64 meanwhile. directions: how many random ones are tried.
    epsilon: the length of the first move; shorter and longer ones follow where it does not settle the matter.
    Raises MlteachError (a sentence) when what is given cannot be read. What the code itself raises is passed on.

    Source: the definition, Finn, Abbeel, Levine 2017, equation 2; no library's word is taken for it.
    Taught in: lessons 06, 09. Ten patterns, plugged in: docs/is_it_maml.md.
    """
    if directions < 1 or not 0 < epsilon < 1:
        raise MlteachError(
            f"directions is {directions} and epsilon {epsilon}; at least 1 direction is wanted, and a length between 0 and 1."
        )
    if isinstance(adapt_fn, nn.Module) and not isinstance(episode, Episode):  # the second way, by position
        model, step, support, query = adapt_fn, loss_fn, theta, episode
    subject = (
        Functions(adapt_fn, loss_fn, theta, episode, meta_gradient)
        if model is None
        else ModuleAndStep(model, step, support, query)
    )
    with double_precision(next(iter(subject.theta.values())).device):
        return judged(subject, directions=directions, epsilon=epsilon, seed=seed)
