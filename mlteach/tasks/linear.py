"""Linear regression: the family of tasks on which everything about one step of gradient descent can be written down."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.tasks.episode import Episode


@dataclass(frozen=True)
class LinearRegression:
    """Tasks y = w . x + noise, with x ~ N(0, scale^2 I) and w ~ N(0, I) of ``size`` numbers, the noise of variance ``noise``.

    Queries carry no noise: they ask for w . x itself. Source: Garg et al. 2022, section 3. Taught in: lesson 20.
    """

    size: int = 10
    noise: float = 0.25
    scale: float = 1.0

    def sample(
        self,
        tasks: int,
        shots: int,
        queries: int,
        *,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float32,
    ) -> Episode:
        """Support x [tasks, shots, size] and y [tasks, shots, 1], query likewise. Drawn in float64. Raises EpisodeError."""
        if min(tasks, shots, queries) < 1:
            raise EpisodeError(
                f"An episode needs one task, one shot and one query at least; these are {tasks}, {shots}, {queries}."
            )
        where: dict[str, Any] = {"generator": generator, "dtype": torch.float64, "device": generator.device}
        w = torch.randn(tasks, self.size, 1, **where)
        x, asked = (self.scale * torch.randn(tasks, count, self.size, **where) for count in (shots, queries))
        y = x @ w + self.noise**0.5 * torch.randn(tasks, shots, 1, **where)
        return Episode(x, y, asked, asked @ w).to(dtype=dtype)

    def best_rate(self, shots: int) -> float:
        """The rate of one step from w = 0 that is best on average over tasks: N / (N + d + 1 + noise) at scale 1."""
        squares, n = self.scale**2, shots
        return n / (squares * (n + self.size + 1) + self.noise)

    def step_loss(self, rate: float, shots: int) -> float:
        """The expected squared error after one step at this rate; d (1 - rate) at the best one, for scale 1."""
        squares, n = self.scale**2, shots
        bend = rate * rate * squares * (squares * (n + self.size + 1) + self.noise) / n
        return squares * self.size * (1 - 2 * rate * squares + bend)

    def ridge(self, episode: Episode) -> Tensor:
        """The best possible answers, those of Bayes: w = (X'X + noise I)^-1 X'y. [tasks, Q, 1]."""
        x, y = episode.support_x, episode.support_y
        damped = x.mT @ x + self.noise * torch.eye(self.size, dtype=x.dtype, device=x.device)
        return episode.query_x @ torch.linalg.solve(damped, x.mT @ y)
