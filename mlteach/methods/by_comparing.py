"""Methods that compare: the features of support and queries go through a *reading*, and nothing adapts."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from mlteach.methods.method import Family, Method, Norm, bare_body, body, features_under
from mlteach.metric import reading_gradient
from mlteach.metric.reading import Reading
from mlteach.params import Params
from mlteach.tasks import Characters, Episode


def comparing(
    name: str,
    lesson: str,
    reading: Reading,
    *,
    extra: Callable[[torch.Generator], Params] = lambda generator: {},
    loss: Any = None,
    tasks: int = 1,
    ways: int = 20,
    family: Family = "metric",
    **how: Any,
) -> Method:
    """A method out of a reading (`mlteach.metric.reading`): tasks of ``ways`` classes, one shot, two queries a class.

    extra: what theta has beside the body. loss: as `reading_gradient` takes it. how: the rest of `Method`, over what stands here.
    """

    def init(generator: torch.Generator) -> Params:
        return bare_body(ways)(generator) | extra(generator)

    def sample(characters: Characters, generator: torch.Generator) -> Episode:
        return characters.sample(tasks, ways, 1, 2, generator=generator)

    def answer(theta: Params, episode: Episode, norm: Norm) -> Tensor:
        support, query = features_under(theta, episode, norm)
        return reading(theta, support, episode.support_y, query, int(episode.support_y.max()) + 1)

    gradient = partial(reading_gradient, body(ways).features_of, reading, loss=loss)
    return Method(name, lesson, family, init, sample, gradient, answer, **({"clip": 10.0} | how))
