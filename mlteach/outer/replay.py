"""A meta-gradient recorded once and replayed, where asking costs more than computing.

One meta-gradient is some thousand small operations. Python and autograd need about ten microseconds to ask for each, a GPU
two to do it. But the operations are the same in every outer step, only the numbers change. So they are recorded: on a GPU
into a CUDA graph, one request from then on; on a CPU, where wanted, into a list that PyTorch's compiler makes a program of.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from mlteach.outer.ahead import program_of, without
from mlteach.params import Params, detach, leaves, map_params
from mlteach.tasks.episode import Episode

Gradient = Callable[[Params, Episode], tuple[Params, Mapping[str, Tensor]]]

WARM_UP = 3  # libraries choose their kernels in the first calls, which must not be recorded


def replayed(gradient: Gradient, *, compiled: bool = False) -> Gradient:
    """The same numbers as ``gradient`` from a recording of its first call. On a CPU, without more said, ``gradient`` itself.

        fit(replayed(lambda theta, episode: maml_gradient(net, cross_entropy, theta, episode, sgd(0.4), 1)), ...)

    gradient: what it does may depend on nothing but its two arguments: everything else (rates, counts, a random draw) is
        recorded as it was at the first call and stays so. It may not look at a number: no ``.item()``, no branch on a value.
    compiled: on a CPU, trace and compile it. Ten seconds to a minute before the first step, once: the program is kept for the next
        process (`mlteach.outer.ahead`). Then several times the speed for networks as small as the sinusoids'; of no use for
        pictures. Needs a C++ compiler.

    New shapes, a new precision or another device make a new recording. Where one cannot be made, a warning says so, and
    ``gradient`` is called step by step. Taught in: lesson 09.
    """
    recordings: dict[object, Gradient] = {}

    def run(theta: Params, episode: Episode) -> tuple[Params, Mapping[str, Tensor]]:
        tensors = [*theta.values(), *episode]
        on_gpu = tensors[0].device.type == "cuda"
        if not (on_gpu or compiled):
            return gradient(theta, episode)
        key = (*theta, *((each.shape, each.dtype, each.device) for each in tensors))
        if key not in recordings:
            try:
                recordings[key] = (_recorded if on_gpu else _compiled)(gradient, theta, episode)
            except RuntimeError as error:
                without(error, stacklevel=2)
                recordings[key] = gradient
        return recordings[key](theta, episode)

    # what makes a run, for its checkpoint: the recordings are none of it
    run.made_with = {"gradient": gradient, "compiled": compiled}  # type: ignore[attr-defined]
    return run


def _recorded(gradient: Gradient, theta: Params, episode: Episode) -> Gradient:
    """Record one call on a GPU. A recording reads and writes always the same memory: numbers are copied there and back."""
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


def _compiled(gradient: Gradient, theta: Params, episode: Episode) -> Gradient:
    """Trace one call, below autograd: what is left is a list of operations that knows no derivatives. Compile that."""
    names: list[str] = []

    def flat(*tensors: Tensor) -> list[Tensor]:
        values = dict(zip(theta, tensors, strict=False))
        found, numbers = gradient(values, Episode(*tensors[len(theta) :]))
        names[:] = numbers
        return [found[name] for name in theta] + list(numbers.values())

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # chunks of tasks in other threads would not be seen
    try:
        # traced as the program will have them
        arguments = [each.contiguous() for each in (*detach(theta).values(), *episode)]
        traced = make_fx(flat)(*arguments)
        with torch.no_grad():
            program = program_of(traced, arguments)
    finally:
        torch.set_num_threads(threads)

    def replay(theta: Params, episode: Episode) -> tuple[Params, Mapping[str, Tensor]]:
        with torch.no_grad():
            results = program(*detach(theta).values(), *episode)
        return dict(zip(theta, results, strict=False)), dict(zip(names, results[len(theta) :], strict=True))

    return replay
