"""Conv-4, the network of few-shot learning: four blocks of convolution, batch norm, ReLU, then a linear head."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.nets.conv import grouped_conv, transformed
from mlteach.nets.conv4_by_hand import passes_of
from mlteach.nets.norm import EPSILON, Mode, Statistics, normalise, statistics
from mlteach.nets.norm_twice import normalise_twice
from mlteach.nets.own import Passes
from mlteach.params import Params

BLOCKS = 4


@dataclass(frozen=True)
class Conv4:
    """A stateless Conv-4 for pictures [.., 1, 28, 28] with values in [0, 1].

    ways: the number of classes. filters: channels of every block.
    pool: "stride" halves the picture by convolving with stride 2 (Finn, Reptile), "max" by 2 x 2 max pooling.
    head: "mean" averages the last 2 x 2 map (Finn), "flatten" keeps all of it (Reptile).
    gamma: whether batch norm also scales (Finn's does not; shifting by beta it always does).
    head_std: the spread of the head's first weights; Finn's code draws them from N(0, 1).

    Parameters: ``conv1.weight`` [filters, 1, 3, 3], ``norm1.gamma``, ``norm1.beta`` [filters], ..., ``head.weight``
    [ways, features], ``head.bias`` [ways]. Convolutions have no bias: batch norm would take it away again.
    For a batch of tasks every parameter has a leading axis [tasks, ...], and so do the pictures.

    Source: Vinyals et al. 2016; Finn, Abbeel, Levine 2017, section 5.2 and the released code.
    Taught in: lesson 09.
    """

    ways: int
    filters: int = 64
    pool: Literal["stride", "max"] = "stride"
    head: Literal["mean", "flatten"] = "mean"
    gamma: bool = True
    head_std: float | None = None

    @property
    def features(self) -> int:
        """How many numbers the head reads."""
        side = {"stride": 2, "max": 1}[self.pool]
        return self.filters * (side * side if self.head == "flatten" else 1)

    @property
    def head_names(self) -> tuple[str, ...]:
        """The names of the head's parameters."""
        return "head.weight", "head.bias"

    @property
    def norm_names(self) -> tuple[str, ...]:
        """The names of batch norm's parameters."""
        kinds = ("gamma", "beta") if self.gamma else ("beta",)
        return tuple(f"norm{block}.{kind}" for block in range(1, BLOCKS + 1) for kind in kinds)

    @property
    def body_names(self) -> tuple[str, ...]:
        """The names of everything below the head."""
        return tuple(f"conv{block}.weight" for block in range(1, BLOCKS + 1)) + self.norm_names

    def init(self, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> Params:
        """Fresh parameters on the generator's device: Xavier-uniform kernels, beta 0, gamma 1, a normal head."""
        where: dict[str, Any] = {"dtype": dtype, "device": generator.device}
        theta, channels = {}, 1
        for block in range(1, BLOCKS + 1):
            bound = math.sqrt(6 / (9 * (channels + self.filters)))
            kernel = torch.rand(self.filters, channels, 3, 3, generator=generator, **where)
            theta[f"conv{block}.weight"] = (2 * kernel - 1) * bound
            if self.gamma:
                theta[f"norm{block}.gamma"] = torch.ones(self.filters, **where)
            theta[f"norm{block}.beta"] = torch.zeros(self.filters, **where)
            channels = self.filters
        std = self.head_std if self.head_std is not None else math.sqrt(2 / (self.features + self.ways))
        theta["head.weight"] = std * torch.randn(self.ways, self.features, generator=generator, **where)
        theta["head.bias"] = torch.zeros(self.ways, **where)
        return theta

    def zero_head(self, theta: Params) -> Params:
        """``theta`` with a head of zeros for ``self.ways`` classes, whatever head it had (or had not)."""
        like = theta["conv1.weight"]
        weight = like.new_zeros(self.ways, self.features)
        return {name: theta[name] for name in self.body_names} | {
            "head.weight": weight,
            "head.bias": like.new_zeros(self.ways),
        }

    def __call__(
        self,
        params: Params,
        x: Tensor,
        mode: Mode = "transductive",
        *,
        support: Tensor | None = None,
        running: dict[str, Statistics] | None = None,
    ) -> Tensor:
        """Logits [N, ways] for pictures [N, 1, 28, 28]; with a task axis on both, [tasks, N, ways] for [tasks, N, 1, 28, 28].

        The same as ``self.read(params, self.features_of(params, x, ...))``.

        mode: whose statistics batch norm uses (see `mlteach.nets.norm`). "support" needs the task's ``support``
        pictures [(tasks,) S, 1, 28, 28]; "running" needs ``running`` as `running_statistics` returns it.
        Raises EpisodeError when a mode lacks what it needs or the shapes do not fit.
        """
        return self._at(params, x, mode, support, running, lambda features: self.read(params, features))

    def passes(self, loss: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> Passes | None:
        """The gradient by hand (`mlteach.nets.own`) for pictures x [tasks, N, 1, 28, 28] with labels y, statistics transductive.

        For cross-entropy and squared error on a CPU, in float32 and float64; None elsewhere.
        """
        return passes_of(self, loss, x, y) if type(self) is Conv4 else None

    def features_of(
        self,
        params: Params,
        x: Tensor,
        mode: Mode = "transductive",
        *,
        support: Tensor | None = None,
        running: dict[str, Statistics] | None = None,
    ) -> Tensor:
        """What the head reads, [(tasks,) N, features]. The head itself need not be among the parameters. Else as the call."""
        return self._at(params, x, mode, support, running, lambda features: features)

    def layers(
        self,
        params: Params,
        x: Tensor,
        mode: Mode = "transductive",
        *,
        support: Tensor | None = None,
        running: dict[str, Statistics] | None = None,
    ) -> list[Tensor]:
        """What each of the four blocks gives, after ReLU and pooling: [(tasks,) N, filters, H, W] each. Else as the call."""
        kept: list[Tensor] = []
        self._at(params, x, mode, support, running, lambda features: features, kept)
        return [self._maps(params, each)[..., -x.shape[-4] :, :, :, :] for each in kept]

    def blocks(self, params: Params, x: Tensor, first: int = 0, last: int = BLOCKS) -> Tensor:
        """What block ``last`` gives for x, what block ``first`` gave: [(tasks,) N, filters, H, W]. Block 0 is the pictures.

        Batch norm is transductive: by the statistics of x. The end, from block ``first`` to the head: `features_from`.
        """
        if first == last:
            return x
        kept: list[Tensor] = []
        self._forward(params, x, kept=kept, first=first, last=last)
        return self._maps(params, kept[-1])

    def _maps(self, params: Params, x: Tensor) -> Tensor:
        """A block's maps as the network has them, all tasks' channels in a row, as [(tasks,) N, filters, H, W]."""
        found = x.unflatten(1, (-1, self.filters)).transpose(0, 1)
        return found if params["conv1.weight"].ndim == 5 else found[0]

    def features_from(self, params: Params, x: Tensor, first: int) -> Tensor:
        """What the head reads, [(tasks,) N, features], for x, what block ``first`` gave (see `blocks`)."""
        return self._forward(params, x, first=first)

    def read(self, params: Params, features: Tensor) -> Tensor:
        """The head: logits [(tasks,) N, ways] for features [(tasks,) N, features]."""
        weight, bias = params["head.weight"], params["head.bias"]
        if weight.ndim == 2:
            return F.linear(features, weight, bias)
        return torch.baddbmm(bias.unsqueeze(1), features, weight.transpose(1, 2))

    def _at(
        self,
        params: Params,
        x: Tensor,
        mode: Mode,
        support: Tensor | None,
        running: dict[str, Statistics] | None,
        end: Callable[[Tensor], Tensor],
        kept: list[Tensor] | None = None,
    ) -> Tensor:
        """``end`` of the features, under one of batch norm's modes; in ``kept`` what each block gives."""
        if mode == "support":
            if support is None:
                raise EpisodeError(
                    'Mode "support" needs the support pictures: net(params, x, "support", support=...).'
                )
            if support.ndim != x.ndim or support.shape[:-4] != x.shape[:-4]:
                raise EpisodeError(
                    f"Support pictures {tuple(support.shape)} do not go with pictures {tuple(x.shape)}; give both for the "
                    "same tasks."
                )
            count = support.shape[-4]
            both = torch.cat([support, x], dim=-4)
            return end(self._forward(params, both, anchors=count, kept=kept))[..., count:, :]
        if mode == "running":
            if running is None:
                raise EpisodeError(
                    'Mode "running" needs statistics gathered before: net(params, x, "running", running=...); '
                    "make them with net.running_statistics(params, pictures)."
                )
            return end(self._forward(params, x, running=running, kept=kept))
        if mode != "transductive":
            raise EpisodeError(f'There is no mode {mode!r}; choose "transductive", "support" or "running".')
        return end(self._forward(params, x, kept=kept))

    def running_statistics(
        self, params: Params, x: Tensor, running: dict[str, Statistics] | None = None
    ) -> dict[str, Statistics]:
        """Each block's mean and variance over the pictures x [(tasks,) N, 1, 28, 28]: [(tasks,) filters] each.

        running: what the blocks below are normalised by on the way, in place of the pictures' own statistics.
        """
        gathered: dict[str, Statistics] = {}
        self._forward(params, x, running=running, gathered=gathered)
        if x.ndim == 4:
            return gathered
        return {
            name: (mean.unflatten(0, (len(x), -1)), variance.unflatten(0, (len(x), -1)))
            for name, (mean, variance) in gathered.items()
        }

    def _forward(
        self,
        params: Params,
        x: Tensor,
        *,
        anchors: int | None = None,
        running: dict[str, Statistics] | None = None,
        gathered: dict[str, Statistics] | None = None,
        kept: list[Tensor] | None = None,
        first: int = 0,
        last: int = BLOCKS,
    ) -> Tensor:
        """The four blocks: features [(tasks,) N, features]. ``anchors``: only the first so many pictures give the batch statistics.

        ``first``: x are maps that this block gave, and the next one goes on. ``last``: the last one that runs.
        """
        batched = params["conv1.weight"].ndim == 5
        if x.ndim != 4 + batched or (x.shape[-3] != self.filters if first else x.shape[-3:] != (1, 28, 28)):
            wanted = "[tasks, N, 1, 28, 28]" if batched else "[N, 1, 28, 28]"
            raise EpisodeError(
                f"Conv4 reads pictures {wanted} with these parameters, and got {tuple(x.shape)}."
            )
        tasks = x.shape[0] if batched else 1
        if batched and len(params["conv1.weight"]) != tasks:
            raise EpisodeError(
                f"Parameters of {len(params['conv1.weight'])} tasks do not go with pictures of {tasks}; give one set of "
                "parameters for each task (`mlteach.params.stack`)."
            )
        if batched:  # the channels of all tasks stand in a row: [tasks, N, 1, H, W] -> [N, tasks, H, W]
            x = x.transpose(0, 1).flatten(1, 2)
            params = {
                name: value.flatten(0, 1)
                for name, value in params.items()
                if name.startswith(("conv", "norm"))
            }
            # oneDNN wants channels last. Clone, not contiguous: for a single channel the latter leaves the slow layout
            quick = x.device.type == "cpu" and not transformed()  # vmap knows no layouts
            layout = torch.channels_last if quick else torch.contiguous_format
            x = x.clone(memory_format=layout)
        stride = 2 if self.pool == "stride" else 1
        for block in range(first + 1, last + 1):
            kernel = params[f"conv{block}.weight"]
            gamma, beta = params.get(f"norm{block}.gamma"), params[f"norm{block}.beta"]
            if batched:
                kernel = kernel.contiguous(memory_format=layout)
                x = grouped_conv(x, kernel, stride, tasks)
            else:
                x = F.conv2d(x, kernel, None, stride, 1)
            if gathered is not None:
                gathered[f"norm{block}"] = statistics(x)
            if anchors is not None:
                x = normalise(x, gamma, beta, statistics(x[:anchors]))
            elif running is not None:
                mean, variance = running[f"norm{block}"]
                x = normalise(x, gamma, beta, (mean.repeat(tasks), variance.repeat(tasks)))
            elif batched:
                x = normalise_twice(x, gamma, beta, EPSILON)
            else:
                x = normalise(x, gamma, beta)
            x = F.relu(x)
            if self.pool == "max":
                x = F.max_pool2d(x, 2)
            if kept is not None:
                kept.append(x)
        if self.head == "mean":
            x = x.mean((2, 3), keepdim=True)
        features = x.unflatten(1, (tasks, -1)).flatten(2)  # [N, tasks, features]
        return features.transpose(0, 1) if batched else features[:, 0]
