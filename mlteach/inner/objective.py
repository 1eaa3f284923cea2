"""What the inner loop descends on: the support loss, or what a rule brings in its place."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.inner.adapt import Loss, OwnLoss
from mlteach.inner.rule import Objective, Rule, checked_steps
from mlteach.nets.loss import task_losses
from mlteach.nets.own import own_passes
from mlteach.nets.stepwise import net_at
from mlteach.tasks.episode import Seen


def objectives(
    net: Any,
    loss: Callable[[Tensor, Tensor], Tensor],
    seen: Seen,
    rule: Rule,
    steps: int,
    tasks: int | None,
) -> list[Loss]:
    """One function of the parameters for each inner step, phi -> [tasks]; a scalar where ``tasks`` is None.

    The support loss of the network as it is at that step, or the rule's own objective. Raises EpisodeError when one of them
    gives another shape.
    """
    own: Objective | None = getattr(rule, "objective", None)

    def at(t: int) -> Loss:
        here = net_at(net, t)
        if own is None:
            return lambda params: task_losses(loss, here(params, seen.support_x), seen.support_y, tasks)
        return lambda params: _checked(own(here, params, seen, t), tasks)

    if own is None and tasks is not None and net_at(net, 0) is net:
        passes = own_passes(net, loss, seen.support_x, seen.support_y)
        if passes is not None:
            return [OwnLoss(at(0), passes)] * checked_steps(steps)
    return [at(t) for t in range(checked_steps(steps))]


def _checked(value: Any, tasks: int | None) -> Tensor:
    wanted = () if tasks is None else (tasks,)
    if not isinstance(value, Tensor) or value.shape != wanted:
        gave = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
        raise EpisodeError(
            f"The rule's objective gave {gave}; let it return "
            f"{'a scalar' if tasks is None else f'one number for each of the {tasks} tasks'}."
        )
    return value
