"""New tasks between two tasks: interpolation, for when there are few tasks to learn from (MLTI).

    x = share * x_i + (1 - share) * x_j        share ~ Beta(2, 2), the same for support and query

Targets that are numbers are mixed as the inputs are. Labels are names that chance has dealt: class k of one task, mixed with
class k of the other, is a new class and is called k. That needs both tasks' pictures in the order of their labels
(`by_class`). Where both tasks hold other drawings of the *same* characters (`same_classes`), the mixture is one more drawing of
the same class: Yao et al. call that label-sharing.

What is mixed may be pictures, or the maps after any block of a network, in an `Episode` of maps.

Source: Yao, Zhang, Finn 2022, section 3. Taught in: lesson 16.
"""

import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.tasks.characters import Characters
from mlteach.tasks.episode import Episode, checked


def mixing_share(tasks: int, *, generator: torch.Generator, a: float = 2.0) -> Tensor:
    """How much of the first task is in each mixture: [tasks] from Beta(a, a), mean 1/2; Beta(2, 2) has variance 1/20.

    A Beta is one of two Gammas, as a share of both.
    """
    gammas = torch._standard_gamma(
        torch.full((2, tasks), float(a), device=generator.device), generator=generator
    )
    return gammas[0] / gammas.sum(0)


def by_class(episode: Episode) -> Episode:
    """The same tasks, each with its pictures in the order of their labels, as many of each."""

    def ordered(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        order = y.argsort(dim=1, stable=True)
        return torch.take_along_dim(x, order.view(*order.shape, *[1] * (x.ndim - 2)), 1), y.gather(1, order)

    support_x, support_y, query_x, query_y = checked(episode)
    return Episode(*ordered(support_x, support_y), *ordered(query_x, query_y))


def partners(episode: Episode) -> Episode:
    """For each task another one of the same episode, the one before it. Raises EpisodeError where there is only one."""
    if checked(episode).tasks < 2:
        raise EpisodeError("A task is mixed with another one, and there is only one; draw two or more.")
    return Episode(*(each.roll(1, 0) for each in episode))


def interpolate(first: Episode, second: Episode, share: float | Tensor) -> Episode:
    """The tasks between: ``share`` of the first and the rest of the second, inputs and targets that are numbers.

    share: one number, or one for each task, [tasks]. 1 gives the first task, 0 the inputs of the second.
    Raises EpisodeError for tasks that are not laid out alike: of other shapes, or with other labels in a place.
    """
    _alike(first, second)

    def mix(a: Tensor, b: Tensor) -> Tensor:
        if not a.is_floating_point():
            return a
        part = torch.as_tensor(share, dtype=a.dtype, device=a.device)
        part = part.view(-1, *[1] * (a.ndim - 1)) if part.ndim else part
        return part * a + (1 - part) * b

    return Episode(*(mix(a, b) for a, b in zip(first, second, strict=True)))


def cutmix(first: Episode, second: Episode, share: float | Tensor, *, generator: torch.Generator) -> Episode:
    """The first task's pictures, each with a box of the second's: 1 - share of the area, in a place drawn for each task.

    The box lies in the same place in all pictures of a task. Source: Yun et al. 2019, and the released code of MLTI.
    Raises EpisodeError as `interpolate` does.
    """
    _alike(first, second)
    height, width = first.support_x.shape[-2:]
    part = torch.as_tensor(share, dtype=torch.float32).expand(first.tasks)
    corner = torch.rand((2, first.tasks), generator=generator, device=generator.device).to(part.device)
    inside = []
    for size, at in ((height, corner[0]), (width, corner[1])):
        length = (size * (1 - part).clamp(min=0).sqrt()).round()
        begin = (at * (size - length + 1)).floor()
        place = torch.arange(size, device=part.device)
        inside.append((place >= begin[:, None]) & (place < (begin + length)[:, None]))
    box = (inside[0][:, :, None] & inside[1][:, None, :])[:, None, None].to(first.support_x.device)
    return first._replace(
        support_x=torch.where(box, second.support_x, first.support_x),
        query_x=torch.where(box, second.query_x, first.query_x),
    )


def same_classes(
    characters: Characters, tasks: int, ways: int, shots: int, queries: int, *, generator: torch.Generator
) -> Episode:
    """Tasks of the *same* characters under the same labels, each with drawings of its own, in the order of their labels.

    Raises EpisodeError where a character has too few drawings for all of them.
    """
    one = by_class(characters.sample(1, ways, tasks * shots, tasks * queries, generator=generator))

    def dealt(each: Tensor, count: int) -> Tensor:
        return each[0].unflatten(0, (ways, tasks, count)).transpose(0, 1).flatten(1, 2)

    return Episode(dealt(one.support_x, shots), dealt(one.support_y, shots),
                   dealt(one.query_x, queries), dealt(one.query_y, queries))  # fmt: skip


def _alike(first: Episode, second: Episode) -> None:
    """EpisodeError where a picture of one would be mixed with the wrong one of the other."""
    for part in ("support", "query"):
        one, other = (getattr(each, f"{part}_x") for each in (checked(first), checked(second)))
        if one.shape != other.shape:
            raise EpisodeError(
                f"The {part} sets have shapes {tuple(one.shape)} and {tuple(other.shape)}; draw both tasks with the same counts."
            )
        one, other = (getattr(each, f"{part}_y") for each in (first, second))
        if not one.is_floating_point() and not torch.equal(one, other):
            raise EpisodeError(
                f"The {part} sets have other labels in the same places, so that class 0 would be mixed with class 3; put both "
                "in order first: by_class(episode)."
            )
