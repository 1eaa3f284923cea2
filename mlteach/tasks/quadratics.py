"""Random quadratics: the smallest family of problems on which an optimizer can be learned."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.params import Params, widest
from mlteach.tasks.problem import Problems


@dataclass(frozen=True)
class Quadratics:
    """Problems L(theta) = |W theta - y|^2 with all entries of W [D, D] and y [D] from N(0, 1).

    size: every entry of W is multiplied by this. 1 is the paper's; another size is another distribution.
    start: the standard deviation of the first theta, around zero.

    Source: Andrychowicz et al. 2016, section 3.1. Raises EpisodeError for a dimension below one. Taught in: lesson 04.
    """

    dimensions: int = 10
    size: float = 1.0
    start: float = 0.01

    def __post_init__(self) -> None:
        if self.dimensions < 1:
            raise EpisodeError(f"dimensions is {self.dimensions}; a quadratic needs at least one.")

    def sample(
        self, problems: int, *, generator: torch.Generator, dtype: torch.dtype = torch.float32
    ) -> Problems:
        """Draw problems; theta is one tensor, ``{"theta": [n, D]}``. Drawn in float64 and cast, as all tasks are."""
        if problems < 1:
            raise EpisodeError(f"problems is {problems}; draw at least one.")

        def normal(*shape: int) -> Tensor:
            kind = widest(generator.device)
            return torch.randn(shape, generator=generator, dtype=kind, device=generator.device)

        D = self.dimensions
        W, y = (self.size * normal(problems, D, D)).to(dtype), normal(problems, D).to(dtype)
        start = {"theta": (self.start * normal(problems, D)).to(dtype)}

        return Problems.of(start, squared_length, squared_length, data={"W": W, "y": y})


def squared_length(theta: Params, data: Params) -> Tensor:
    """|W theta - y|^2 of each problem, [n]."""
    error = torch.matmul(data["W"], theta["theta"].unsqueeze(-1)).squeeze(-1) - data["y"]
    return error.square().sum(-1)
