"""An episode: a batch of tasks, each with a support set to learn from and a query set to be judged on."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from mlteach.errors import EpisodeError


class Seen(NamedTuple):
    """What may be known of an episode before anybody judges: all but the query labels.

    support_x, support_y, query_x [tasks, ...] as in `Episode`; for one task by itself without the task axis.
    """

    support_x: Tensor
    support_y: Tensor
    query_x: Tensor


class Episode(NamedTuple):
    """Tasks side by side; the task axis always comes first, even for one task.

    support_x [tasks, S, ...], support_y [tasks, S, ...]: what the inner loop sees.
    query_x   [tasks, Q, ...], query_y   [tasks, Q, ...]: what the outer loop judges by.
    Labels are int64 class positions [tasks, S] for classification, targets [tasks, S, outputs] for regression.
    Taught in: lesson 01.
    """

    support_x: Tensor
    support_y: Tensor
    query_x: Tensor
    query_y: Tensor

    @property
    def tasks(self) -> int:
        """The number of tasks."""
        return self.support_x.shape[0]

    @property
    def seen(self) -> Seen:
        """All but the query labels."""
        return Seen(self.support_x, self.support_y, self.query_x)

    def part(self, tasks: slice) -> "Episode":
        """Some of the tasks: ``episode.part(slice(0, 4))``. The task axis stays."""
        return Episode(*(each[tasks] for each in self))

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> "Episode":
        """The episode on another device, or with inputs and real-valued targets in another precision."""

        def move(each: Tensor) -> Tensor:
            return each.to(device=device, dtype=dtype if each.is_floating_point() else None)

        return Episode(*(move(each) for each in self))


def checked(episode: Episode) -> Episode:
    """Return ``episode``, or raise EpisodeError when it is none, or its four tensors do not belong together."""
    if not isinstance(episode, Episode):
        what = f"a {type(episode).__name__}"
        if isinstance(episode, list | tuple) and len(episode) and isinstance(episode[0], Episode):
            raise EpisodeError(
                f"One episode is wanted, a batch of tasks, and {what} of {len(episode)} came; give them one after the other."
            )
        raise EpisodeError(
            f"An episode is wanted, and {what} came; make one: Episode(support_x, support_y, query_x, query_y)."
        )
    support_x, support_y, query_x, query_y = episode
    lengths = {each.shape[0] if each.ndim else 0 for each in episode}
    if len(lengths) != 1 or min(each.ndim for each in episode) < 2:
        shapes = ", ".join(str(tuple(each.shape)) for each in episode)
        raise EpisodeError(
            f"An episode holds four tensors with the same leading task axis [tasks, ...]; these have shapes {shapes}. "
            "For one task add the axis with tensor.unsqueeze(0)."
        )
    for part, x, y in (("support", support_x, support_y), ("query", query_x, query_y)):
        if x.shape[1] != y.shape[1]:
            raise EpisodeError(
                f"The {part} set has {x.shape[1]} inputs but {y.shape[1]} labels a task; give one label for each input."
            )
    return episode


def several(episodes: Iterable[Episode]) -> list[Episode]:
    """The episodes as a list, or EpisodeError for one alone, for none, and for what are none."""
    if isinstance(episodes, Episode):
        raise EpisodeError(
            "Several episodes are wanted, and one came, whose parts would be taken for them; give a list: [episode]."
        )
    if not isinstance(episodes, Iterable):
        raise EpisodeError(
            f"A list of episodes is wanted, and a {type(episodes).__name__} came; give [episode, ...]."
        )
    found = list(episodes)
    if not found:
        raise EpisodeError(
            "There is no episode in the list (was it an iterator that is used up?); give one at least."
        )
    return [checked(each) for each in found]
