"""Where the inner loop begins: at something made from theta alone, or from theta and the support set."""

from collections.abc import Callable
from dataclasses import dataclass

from mlteach.params import Params, stack
from mlteach.tasks.episode import Seen


@dataclass(frozen=True)
class SeesSupport:
    """A start that reads the support set, as ProtoMAML's head does.

    begin: (theta with a task axis on every tensor, what is seen of the tasks) -> each task's start. Of one task by itself both come
        without that axis. Gradients pass through it.
    """

    begin: Callable[[Params, Seen], Params]


Start = Callable[[Params], Params] | SeesSupport


def begun(start: Start, theta: Params, seen: Seen, tasks: int | None) -> Params:
    """Each task's start, [tasks, ...]; for ``tasks`` None that of one task without axis."""
    if isinstance(start, SeesSupport):
        return start.begin(theta if tasks is None else stack(theta, tasks), seen)
    return start(theta) if tasks is None else stack(start(theta), tasks)
