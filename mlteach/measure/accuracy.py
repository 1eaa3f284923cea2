"""How well a start adapts: query accuracy over many tasks, step by step, in more than one batch-norm mode."""

from collections.abc import Callable, Collection, Iterable, Sequence

import torch
from torch import Tensor

from mlteach.inner import Rule, adapt
from mlteach.inner.objective import objectives
from mlteach.inner.rule import checked_rule
from mlteach.inner.start import Start, begun
from mlteach.measure.interval import Interval, over_tasks
from mlteach.nets.loss import cross_entropy, share_right
from mlteach.nets.stepwise import net_at
from mlteach.outer.chunks import over_chunks, tasks_at_once, walks_at_once
from mlteach.params import Params
from mlteach.progress import bar_for
from mlteach.tasks.episode import Episode, checked, several

MODES = ("transductive", "support")


def path_of(
    net: Callable[..., Tensor],
    theta: Params,
    episode: Episode,
    rule: Rule,
    steps: int,
    *,
    only: Collection[str] | None = None,
    start: Start = dict,
) -> list[Params]:
    """The parameters of every task before and after each inner step, [tasks, ...] each, without history.

    Taught in: lesson 09.
    """
    with torch.no_grad():
        begin = begun(start, theta, checked(episode).seen, episode.tasks)
        return adapt(
            objectives(net, cross_entropy, episode.seen, checked_rule(rule), steps, episode.tasks),
            begin,
            rule,
            steps,
            only=only,
            path=True,
        )


def step_accuracy(
    net: Callable[..., Tensor],
    theta: Params,
    episodes: Iterable[Episode],
    rule: Rule,
    steps: int,
    *,
    modes: Sequence[str] = MODES,
    only: Collection[str] | None = None,
    start: Start = dict,
    progress: str | None = None,
    last: bool = False,
) -> dict[str, Tensor]:
    """For each mode, each task's share of right answers after 0, 1, ..., steps inner steps: [tasks, steps + 1], in [0, 1].

    episodes: batches of tasks; draw them once and use the same for every method that is compared.
    modes: how batch norm treats the queries (`mlteach.nets.norm`). Adaptation itself is the same in all.
    last: judge after the last step alone, [tasks, 1].
    Raises EpisodeError for one episode where a list of them belongs, and for modes that are none.
    """
    if isinstance(modes, str):
        modes = [modes]

    def scores(part: Episode) -> dict[str, Tensor]:
        path = path_of(net, theta, part, rule, steps, only=only, start=start)[-1 if last else 0 :]
        few = tasks_at_once(part.query_x)  # tasks that walk together need not be asked together
        groups = [slice(first, first + few) for first in range(0, part.tasks, few)]

        def right(phi: Params, t: int, mode: str, some: slice) -> Tensor:
            mine, asked = {name: value[some] for name, value in phi.items()}, part.part(some)
            logits = net_at(net, t)(mine, asked.query_x, mode, support=asked.support_x)
            return share_right(logits, asked.query_y)

        with torch.no_grad():
            return {
                mode: torch.stack(
                    [
                        torch.cat([right(phi, t, mode, some) for some in groups])
                        for t, phi in enumerate(path, steps + 1 - len(path))
                    ],
                    dim=1,
                ).cpu()
                for mode in modes
            }

    found: dict[str, list[Tensor]] = {mode: [] for mode in modes}
    for episode in bar_for(several(episodes), progress, unit="batch"):
        for part in over_chunks(scores, episode, walks_at_once(net, cross_entropy, checked(episode))):
            for mode in modes:
                found[mode].append(part[mode])
    return {mode: torch.cat(batches) for mode, batches in found.items()}


def accuracy(
    net: Callable[..., Tensor],
    theta: Params,
    episodes: Iterable[Episode],
    rule: Rule,
    steps: int,
    *,
    modes: Sequence[str] = MODES,
    only: Collection[str] | None = None,
    start: Start = dict,
    progress: str | None = None,
) -> dict[str, Interval]:
    """For each mode, the mean query accuracy in percent after ``steps`` inner steps, with its interval over tasks.

    Both modes by default, side by side: one number alone is how published tables came to be compared that cannot be.
    For several training seeds give their means to `over_seeds`. Raises EpisodeError as `step_accuracy` does.
    Taught in: lesson 09.
    """
    each = step_accuracy(
        net, theta, episodes, rule, steps, modes=modes, only=only, start=start, progress=progress, last=True
    )
    return {mode: over_tasks(values).scaled(100) for mode, values in each.items()}
