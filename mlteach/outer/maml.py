"""MAML and FOMAML: how the start moves, so that a few inner steps from it do well.

    phi   = theta - alpha * grad L_support(theta)        (one inner step; or several, of any rule)
    theta = theta - beta * grad_theta mean over tasks of L_query(phi)

The gradient is taken *through* the inner steps. FOMAML takes the same path but holds each inner gradient for a
constant, and so uses grad L_query at phi. ``first_order=True`` is the whole difference.

By the chain rule the gradient is found from back to front:

    v = grad L_query(phi)                                   nobody differentiates this again: first order is enough
    v <- v - alpha H_support(theta_t) v                     for each step of gradient descent, from the last to the first

`maml_gradient` does just that: with a stop at v where a task has many queries, which then go through a task at a time; in one
go of autograd where all of them are one batch. So the queries, most of a task's pictures, cost what they cost in ordinary
training, and their memory is free again before the support steps are walked back.

A network that knows its own gradient (`mlteach.nets.own`; Conv-4 does, on a CPU) gives it for the queries without autograd, and for
the support set as one function whose derivative is H v. The rules stay autograd's: any of them, for any number of steps.
"""

from collections.abc import Callable, Collection, Sequence

import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.inner import Rule
from mlteach.inner.adapt import steps_of
from mlteach.inner.objective import objectives
from mlteach.inner.rule import checked_steps, made_rule
from mlteach.inner.start import Start, begun
from mlteach.nets.loss import share_right, task_losses
from mlteach.nets.own import own_passes
from mlteach.nets.stepwise import net_at
from mlteach.outer.chunks import sum_over_chunks, tasks_at_once, walks_at_once
from mlteach.params import (
    Params,
    add,
    gradient_of,
    in_double,
    leaves,
    map_params,
    pull_back,
    scale,
    task,
)
from mlteach.tasks.episode import Episode, checked

Net = Callable[[Params, Tensor], Tensor]
TaskLoss = Callable[[Tensor, Tensor], Tensor]
RuleOf = Callable[[Params], Rule]  # a rule that is learned: made anew from the meta-parameters
Weights = Sequence[float] | Tensor  # of the query loss after 0, 1, ..., k inner steps: [k + 1]


def maml_losses(
    net: Net,
    loss: TaskLoss,
    theta: Params,
    episode: Episode,
    rule: Rule | RuleOf,
    steps: int,
    *,
    first_order: bool = False,
    only: Collection[str] | None = None,
    start: Start = dict,
    weights: Weights | None = None,
) -> tuple[Tensor, Tensor]:
    """Each task's query loss after adapting, L_query(phi) [tasks], and the query outputs [tasks, Q, ...].

    net(params, x) and loss(outputs, y) -> [tasks] work on a batch of tasks (`mlteach.nets`). Raises EpisodeError for a
        loss of another shape, RuleError for a rule that is none. A network that differs by inner step has a method ``at``
        (`mlteach.nets.stepwise`).
    rule: fixed, or a function that makes it from theta. A rule may bring what it descends on (`mlteach.inner.rule`).
    only: the names that adapt in the inner loop (default all).
    start: makes the inner loop's start from theta; the default is theta itself. Resetting the head goes here. One that reads the
        support set is a `mlteach.inner.start.SeesSupport`.
    weights: how much the query loss counts after 0, 1, ..., k steps, [k + 1]; the loss is then their weighted sum, the outputs
        those after the last step. By default the last step counts alone. Raises EpisodeError for another number of them.
    All tasks run side by side: theta is given a task axis, and every operation is batched over it.

    Source: Finn, Abbeel, Levine 2017, algorithm 2; weights: Antoniou, Edwards, Storkey 2019, section 4.1.
    Taught in: lessons 06, 09, 12.
    """
    counts, tasks = _weights(weights, steps), checked(episode).tasks
    made = made_rule(rule, theta)
    descent = objectives(net, loss, episode.seen, made, steps, tasks)
    begin = begun(start, theta, episode.seen, tasks)
    walk = steps_of(descent, begin, made, steps, first_order=first_order, only=only)
    total: Tensor | float = 0.0
    for t, (weight, phi) in enumerate(zip(counts, walk, strict=True)):
        if t == steps or _counts(weight):
            losses, outputs = _query_losses(net_at(net, t), loss, phi, episode)
            total = losses if weights is None else total + weight * losses
    return total, outputs  # type: ignore[return-value]  # the last step is always there


def maml_gradient(
    net: Net,
    loss: TaskLoss,
    theta: Params,
    episode: Episode,
    rule: Rule | RuleOf,
    steps: int,
    *,
    first_order: bool = False,
    only: Collection[str] | None = None,
    start: Start = dict,
    weights: Weights | None = None,
    chunk: int | None = None,
    query_dtype: torch.dtype | None = None,
) -> tuple[Params, dict[str, Tensor]]:
    """The gradient by theta of the mean query loss, and ``{"loss": ..., "accuracy": ...}`` (accuracy for labels only).

    The two numbers are those after the last step, and tensors of no dimension, so that nobody waits for a GPU who does not
    look at them.

    The same numbers as `maml_gradient_loop` to rounding (1e-10 in float64), computed for many tasks at once.
    rule: fixed, or a function that makes it from theta: then the gradient is for the rule's parameters as well.
    weights, and the rest: as in `maml_losses`.
    chunk: how many tasks run as one batch; by default what they are settles it (`mlteach.outer.chunks`).
    query_dtype: another precision for the query pass, such as torch.bfloat16: quicker where the processor has it, and not
        exact any more. The gradient is then off by some percent (Conv-4; ``python -m benchmarks.maml`` measures it). The
        inner steps and the way back through them keep theta's precision.

    Source: Finn, Abbeel, Levine 2017, algorithm 2; FOMAML: section 5.2, and Nichol et al. 2018, section 3.
    Taught in: lessons 06, 09, 12.
    """
    by_hand = own_passes(net_at(net, steps), loss, checked(episode).query_x, episode.query_y) is not None
    one_batch = not (by_hand and query_dtype is None) and tasks_at_once(episode.query_x) >= episode.tasks
    counts = _weights(weights, steps)
    if chunk is None:
        chunk = walks_at_once(net, loss, episode)

    def part(tasks: Episode) -> tuple[Params, dict[str, Tensor]]:
        point = leaves(theta)
        with torch.enable_grad():
            made, begin = made_rule(rule, point), begun(start, point, tasks.seen, tasks.tasks)
            descent = objectives(net, loss, tasks.seen, made, steps, tasks.tasks)
            walk = steps_of(descent, begin, made, steps, first_order=first_order, only=only)
            total, pulled = torch.zeros((), device=tasks.query_x.device), []
            for t, (weight, phi) in enumerate(zip(counts, walk, strict=True)):
                if t < steps and not _counts(weight):
                    continue
                here = net_at(net, t)
                if one_batch:  # autograd goes the same way without a stop
                    losses, outputs = _query_losses(here, loss, phi, tasks, query_dtype)
                    total = total + weight * losses.sum() / episode.tasks
                    numbers = _sums(losses, outputs, tasks.query_y)
                else:
                    v, numbers = query_gradient(here, loss, phi, tasks, query_dtype)
                    pulled.append((scale(weight / episode.tasks, v), phi))
            return (gradient_of(total, point) if one_batch else pull_back(pulled, point)), numbers

    gradient, sums = sum_over_chunks(part, episode, chunk)
    return gradient, {name: in_double(value) / episode.tasks for name, value in sums.items()}


def maml_gradient_loop(
    net: Net,
    loss: TaskLoss,
    theta: Params,
    episode: Episode,
    rule: Rule | RuleOf,
    steps: int,
    *,
    first_order: bool = False,
    only: Collection[str] | None = None,
    start: Start = dict,
    weights: Weights | None = None,
) -> Params:
    """The same gradient in the plainest way: one task after the other. The reference for `maml_gradient`.

    Source: Finn, Abbeel, Levine 2017, algorithm 2, line by line. Taught in: lesson 09.
    """
    point = leaves(theta)
    total = torch.zeros(())
    for index in range(checked(episode).tasks):
        one = Episode(*task(episode._asdict(), index).values())
        made = made_rule(rule, point)
        descent = objectives(net, loss, one.seen, made, steps, None)
        walk = steps_of(
            descent, begun(start, point, one.seen, None), made, steps, first_order=first_order, only=only
        )
        for t, (weight, phi) in enumerate(zip(_weights(weights, steps), walk, strict=True)):
            if _counts(weight):
                outputs = net_at(net, t)(phi, one.query_x)
                total = total + weight * task_losses(loss, outputs, one.query_y, None) / episode.tasks
    return gradient_of(total, point)


def _weights(weights: Weights | None, steps: int) -> Weights:
    """One weight for the query loss after each number of steps, 0 to k; by default the last counts alone."""
    if weights is None:
        return [0.0] * checked_steps(steps) + [1.0]
    if len(weights) != steps + 1:
        raise EpisodeError(
            f"There are {len(weights)} weights for {steps} steps; give {steps + 1}, for the query loss after 0, 1, ..., {steps} steps."
        )
    return weights


def _counts(weight: float | Tensor) -> bool:
    """Whether a query pass is worth its while; a tensor's value is not looked at, for which a GPU would have to wait."""
    return isinstance(weight, Tensor) or weight != 0


def _query_losses(
    net: Net, loss: TaskLoss, phi: Params, episode: Episode, dtype: torch.dtype | None = None
) -> tuple[Tensor, Tensor]:
    """L_query(phi) [tasks] and the outputs, which the network may compute in another precision."""
    if dtype is None:
        outputs = net(phi, episode.query_x)
    else:
        rounded = {name: value.to(dtype) for name, value in phi.items()}
        outputs = net(rounded, episode.query_x.to(dtype)).to(episode.query_x.dtype)
    return task_losses(loss, outputs, episode.query_y, episode.tasks), outputs


def query_gradient(
    net: Net, loss: TaskLoss, phi: Params, episode: Episode, dtype: torch.dtype | None = None
) -> tuple[Params, dict[str, Tensor]]:
    """grad L_query(phi) of every task, [tasks, ...] each in phi's order, without history, and the sums of losses and accuracies."""
    found: list[Params] = []
    sums: dict[str, Tensor] = {}
    whole = own_passes(net, loss, episode.query_x, episode.query_y) if dtype is None else None
    size = tasks_at_once(episode.query_x, None if whole is None else whole.largest)
    for first in range(0, episode.tasks, size):
        few = episode.part(slice(first, first + size))
        ends = {name: value[first : first + size].detach() for name, value in phi.items()}
        passes = None if whole is None else own_passes(net, loss, few.query_x, few.query_y)
        if passes is not None and passes.fit(ends):
            losses, outputs, gradient = passes.gradient(ends)
        else:
            ends = {name: value.requires_grad_() for name, value in ends.items()}
            losses, outputs = _query_losses(net, loss, ends, few, dtype)
            gradient = gradient_of(losses.sum(), ends)
        found.append({name: gradient[name] for name in phi})
        numbers = _sums(losses, outputs, few.query_y)
        sums = add(sums, numbers) if sums else numbers
    return found[0] if len(found) == 1 else map_params(lambda *parts: torch.cat(parts), *found), sums


def _sums(losses: Tensor, outputs: Tensor, y: Tensor) -> dict[str, Tensor]:
    """The sums over the tasks of what `maml_gradient` tells about them."""
    sums = {"loss": losses.detach().sum()}
    if not y.is_floating_point():
        sums["accuracy"] = share_right(outputs.detach(), y).sum()
    return sums
