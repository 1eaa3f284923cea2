"""Conv-4 whose batch norm differs from inner step to inner step: MAML++'s per-step weights and per-step running statistics.

Two things that the paper gives each inner step of its own, and that are two things here:

- gamma and beta, [steps + 1, filters] in the parameters in place of [filters]: row t is read after t inner steps,
- running statistics, which are read where the mode says "running", and nowhere else. They are a value that the network is
  given (``net.reading(statistics)``); no call changes them. Who wants them to move writes a line that moves them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.nets.conv4 import Conv4
from mlteach.nets.norm import Mode, Statistics
from mlteach.params import Params

Running = dict[str, Statistics]  # "norm1" ... "norm4": mean and variance, [filters] each


@dataclass(frozen=True)
class PerStep:
    """``net`` with batch norm of its own after 0, 1, ..., ``steps`` inner steps; ``at(t)`` is the network after t of them.

    weights: gamma and beta are [steps + 1, filters]; False: one for all steps, as in ``net``.
    running: the statistics to read, one for each number of steps (for one shared set the same one each time).
    mode: whose statistics a call uses that names no mode; "running" makes the inner loop itself read them.

    Source: Antoniou, Edwards, Storkey 2019, section 4, "BNWB" and "BNRS". Taught in: lesson 12.
    """

    net: Conv4
    steps: int
    weights: bool = True
    running: tuple[Running, ...] | None = None
    mode: Mode = "transductive"
    step: int | None = None

    def at(self, step: int) -> "PerStep":
        """The network after so many inner steps. Raises EpisodeError past the last one it has weights for."""
        if not 0 <= step <= self.steps:
            raise EpisodeError(
                f"This network has batch norm for 0 to {self.steps} inner steps, and step {step} was asked for; take as many "
                "steps as were trained."
            )
        return replace(self, step=step)

    def reading(self, running: Sequence[Running], *, always: bool = False) -> "PerStep":
        """The same network with these running statistics, for 0, 1, ..., ``steps`` steps.

        always: every call reads them that names no mode, the inner loop's among them. Raises EpisodeError for another number.
        """
        if len(running) != self.steps + 1:
            raise EpisodeError(
                f"There are {len(running)} sets of statistics; give {self.steps + 1}, for 0 to {self.steps} inner steps."
            )
        return replace(self, running=tuple(running), mode="running" if always else self.mode)

    def init(self, theta: Params) -> Params:
        """Parameters of ``net`` laid out for this network: every step begins with the same gamma and beta."""
        if not self.weights:
            return dict(theta)
        rows = {name: theta[name].repeat(self.steps + 1, 1) for name in self.net.norm_names}
        return theta | rows

    def zero_head(self, theta: Params) -> Params:
        """As `Conv4.zero_head`."""
        return self.net.zero_head(theta)

    def __call__(
        self,
        params: Params,
        x: Tensor,
        mode: Mode | None = None,
        *,
        support: Tensor | None = None,
        running: Running | None = None,
    ) -> Tensor:
        """Logits as `Conv4` gives them, with this step's gamma and beta. mode "running" reads this step's statistics."""
        if running is None and self.running is not None:
            running = self.running[self._step]
        return self.net(self._rows(params), x, mode or self.mode, support=support, running=running)

    def statistics(self, params: Params, x: Tensor) -> Running:
        """Mean and variance of what each batch norm is given for pictures x [tasks, N, 1, 28, 28]: means over the tasks.

        Normalised on the way as the network does it: by the batch, or by what it reads. Without history.
        """
        read = self.running[self._step] if self.mode == "running" and self.running is not None else None
        each = self.net.running_statistics(self._rows(params), x, read)
        return {
            name: (mean.detach().mean(0), variance.detach().mean(0))
            for name, (mean, variance) in each.items()
        }

    @property
    def _step(self) -> int:
        if self.step is None:
            raise EpisodeError(
                "This network differs by inner step; say which one: net.at(0) before the first step."
            )
        return self.step

    def _rows(self, params: Params) -> Params:
        """The parameters with gamma and beta of this step alone."""
        if not self.weights:
            return params
        return params | {name: params[name][..., self._step, :] for name in self.net.norm_names}


def moved(old: Running, new: Running, share: float) -> Running:
    """Running statistics one step on: (1 - share) of the old and ``share`` of the new. A new value; nothing is changed."""
    return {
        name: tuple((1 - share) * a + share * b for a, b in zip(old[name], new[name], strict=True))  # type: ignore[misc]
        for name in old
    }
