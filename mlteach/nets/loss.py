"""Losses and scores that keep the task axis: one number for each task, never one for the batch."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.errors import EpisodeError, MlteachError


def cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Mean cross-entropy of each task: logits [tasks, N, ways] and labels [tasks, N] -> [tasks]; without task axis a scalar.

    Raises EpisodeError for labels that are no class positions, or not one for each input; on a GPU torch itself
    reports a position that is too large.
    """
    _check_labels(logits, y)
    try:
        each = F.cross_entropy(logits.flatten(0, -2), y.flatten(), reduction="none").view(y.shape)
    except IndexError as error:  # what torch says on a CPU
        raise EpisodeError(
            f"A label lies outside 0..{logits.shape[-1] - 1} ({error}); give the network as many ways as the episode has."
        ) from error
    return each.mean(-1)


def squared_error(outputs: Tensor, y: Tensor) -> Tensor:
    """Mean squared error of each task: [tasks, N, outputs] twice -> [tasks]; without task axis a scalar.

    Raises EpisodeError for two shapes: broadcasting would compare every output with every target.
    """
    if outputs.shape != y.shape:
        raise EpisodeError(
            f"The outputs have shape {tuple(outputs.shape)} and the targets {tuple(y.shape)}; give targets "
            "[tasks, N, outputs], if need be with tensor.unsqueeze(-1)."
        )
    return (outputs - y).square().mean((-2, -1))


def share_right(logits: Tensor, y: Tensor) -> Tensor:
    """The share of right answers of each task, in [0, 1]: logits [tasks, N, ways], labels [tasks, N] -> [tasks].

    In percent, after adapting and with an interval over tasks: `mlteach.measure.accuracy`.

    Raises EpisodeError as `cross_entropy` does.
    """
    _check_labels(logits, y)
    return (logits.argmax(-1) == y).to(logits.dtype).mean(-1)


def task_losses(
    loss: Callable[[Tensor, Tensor], Any], outputs: Tensor, y: Tensor, tasks: int | None
) -> Tensor:
    """loss(outputs, y), [tasks] or for None a scalar; EpisodeError for a loss that fails, or gives another shape.

    A mean over the tasks would make every inner step as many times too short as there are tasks, and nothing would say so.
    """
    wanted = () if tasks is None else (tasks,)
    advice = (
        f"give {'one number' if tasks is None else 'one number for each task, [tasks],'} as mlteach.nets.cross_entropy and "
        "squared_error do."
    )
    try:
        losses = loss(outputs, y)
    except (MlteachError, MemoryError, torch.OutOfMemoryError):
        raise
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        name = getattr(loss, "__name__", type(loss).__name__)
        raise EpisodeError(
            f"The loss {name} fails on outputs {tuple(outputs.shape)} and targets {tuple(y.shape)} of {y.dtype} "
            f"({str(error).splitlines()[0] if str(error) else type(error).__name__}); {advice}"
        ) from error
    if not isinstance(losses, Tensor) or losses.shape != wanted:
        gave = f"shape {tuple(losses.shape)}" if isinstance(losses, Tensor) else f"a {type(losses).__name__}"
        for_what = "one task" if tasks is None else f"{tasks} tasks"
        raise EpisodeError(f"The loss gave {gave} for {for_what}; {advice}")
    return losses


def _check_labels(logits: Tensor, y: Tensor) -> None:
    """Without a look at the labels' values, for which a GPU would have to wait."""
    if logits.shape[:-1] != y.shape or y.is_floating_point():
        raise EpisodeError(
            f"Logits of shape {tuple(logits.shape)} need labels {tuple(logits.shape[:-1])} of whole numbers, the classes' "
            f"positions; these are {tuple(y.shape)} of {y.dtype}. For regression use squared_error."
        )
