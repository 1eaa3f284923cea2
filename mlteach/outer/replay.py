"""A meta-gradient recorded once and replayed: what a GPU needs, where asking costs more than computing.

One meta-gradient is some thousand small operations. Python needs about ten microseconds to ask for each, a GPU two to do
it. But the operations are the same in every outer step, only the numbers change. So they are recorded into a CUDA graph, and
from then on the whole meta-gradient is one request.
"""

import warnings
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from mlteach.params import Params, detach, leaves, map_params
from mlteach.tasks.episode import Episode

Gradient = Callable[[Params, Episode], tuple[Params, Mapping[str, Tensor]]]

WARM_UP = 3  # libraries choose their kernels in the first calls, which must not be recorded


def replayed(gradient: Gradient) -> Gradient:
    """``gradient`` itself on a CPU; on a GPU the same numbers from a recording that is made at the first call.

        fit(replayed(lambda theta, episode: maml_gradient(net, cross_entropy, theta, episode, sgd(0.4), 1)), ...)

    gradient: what it does may depend on nothing but its two arguments: everything else (rates, counts, a random draw) is
        recorded as it was at the first call and stays so. It may not look at a number: no ``.item()``, no branch on a value.
    New shapes, a new precision or another GPU make a new recording. Where one cannot be made, a warning says so, and
    ``gradient`` is called step by step as on a CPU. Taught in: lesson 09.
    """
    recordings: dict[object, Gradient] = {}

    def run(theta: Params, episode: Episode) -> tuple[Params, Mapping[str, Tensor]]:
        tensors = [*theta.values(), *episode]
        if tensors[0].device.type != "cuda":
            return gradient(theta, episode)
        key = (*theta, *((each.shape, each.dtype, each.device) for each in tensors))
        if key not in recordings:
            try:
                recordings[key] = _recorded(gradient, theta, episode)
            except RuntimeError as error:
                warnings.warn(
                    f"This meta-gradient cannot be replayed, and is slower so: {error}", stacklevel=2
                )
                recordings[key] = gradient
        return recordings[key](theta, episode)

    return run


def _recorded(gradient: Gradient, theta: Params, episode: Episode) -> Gradient:
    """Record one call. A recording reads and writes always the same memory: numbers are copied there and back."""
    kept_theta, kept_episode = leaves(theta), Episode(*(each.clone() for each in episode))
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(WARM_UP):
            gradient(kept_theta, kept_episode)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found, numbers = gradient(kept_theta, kept_episode)

    def replay(theta: Params, episode: Episode) -> tuple[Params, Mapping[str, Tensor]]:
        with torch.no_grad():
            for kept, new in zip(
                [*kept_theta.values(), *kept_episode], [*theta.values(), *episode], strict=True
            ):
                kept.copy_(new, non_blocking=True)
            graph.replay()
            return map_params(Tensor.clone, detach(found)), map_params(Tensor.clone, dict(numbers))

    return replay
