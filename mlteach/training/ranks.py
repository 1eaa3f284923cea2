"""One training on several processes: each takes a share of every meta-batch, and all make the same step.

    torchrun --nproc-per-node=4 train.py            train.py calls fit(..., distributed=True)

Every process (a *rank*) draws the whole meta-batch from the same generator, and computes the gradient of its own tasks. The
gradients are averaged, each weighted by its tasks; so the step is the one that a single process makes, to rounding, whatever
the number of processes, whether it divides the meta-batch or not.

What happens to one process alone (an error, a click, the end of its time) is told to all before anybody acts on it: if one
left, the others would wait for it. `Alone` is the same for one process, which has nobody to ask.
"""

import atexit
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from mlteach import errors
from mlteach.errors import MlteachError, TrainingError
from mlteach.params import Params, detach, map_params, widest
from mlteach.tasks.episode import Episode
from mlteach.training.run import Fit

Value = TypeVar("Value")
Numbers = Mapping[str, Tensor | float]


class Share(NamedTuple):
    """Of one meta-batch: all of it, the tasks of this process, and what part of all tasks they are."""

    whole: Any
    tasks: Any
    weight: float


class Alone:
    """One process, which does everything itself. What a method is for, `Ranks` says."""

    rank, size = 0, 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that shows, validates and writes."""
        return self.rank == 0

    def begin(
        self,
        run: Fit,
        optimizer: torch.optim.Optimizer,
        generator: torch.Generator,
        settings: Mapping[str, Any],
    ) -> None:
        return None

    def share(self, episode: Any) -> Share:
        return Share(episode, episode, 1.0)

    def mean(self, found: Params, numbers: Numbers, share: Share) -> tuple[Params, Numbers]:
        return found, numbers

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()

    def any(self, here: bool) -> bool:
        return here

    def first(self, value: Value) -> Value:
        return value


@contextmanager
def _met() -> Iterator[None]:
    """Whatever needs the other processes: TrainingError where one of them is gone."""
    try:
        yield
    except RuntimeError as error:
        raise TrainingError(
            f"Another process of this training is gone, or did not answer ({_line(error)}). Look for its own last words, then "
            "start all of them again: from a checkpoint they go on, and torchrun --max-restarts=3 starts them again by itself."
        ) from error


class Ranks(Alone):
    """This process among others, in the default group of torch.distributed.

    On a GPU nobody waits for it here: gradients and numbers are summed there, what has to be known at once goes from CPU to CPU.
    """

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size
        self._compared = False

    def begin(
        self,
        run: Fit,
        optimizer: torch.optim.Optimizer,
        generator: torch.Generator,
        settings: Mapping[str, Any],
    ) -> None:
        """Put all processes where the first one is: its parameters, memories, generator, steps and curves.

        settings: what all must have been given alike. Raises TrainingError where they, the parameters or the kind of
        device differ, and where two processes use one GPU; on all processes.
        """
        device = next(iter(run.theta.values())).device
        shapes = {
            f"parameter {name}": f"{value.dtype} {list(value.shape)}" for name, value in run.theta.items()
        }
        everybody = self._gathered(({**settings, "the device": device.type, **shapes}, _place(device)))
        _alike([each for each, _ in everybody])
        _apart([place for _, place in everybody])
        there: dict[str, Any] = {
            "run": _on_cpu(replace(run, theta=detach(run.theta))),
            "optimizer": _on_cpu(optimizer.state_dict()["state"]),
            "generator": generator.get_state(),
        }
        there = self.first(there)
        if self.leads:
            return
        first: Fit = there["run"]
        with torch.no_grad():
            for name, value in run.theta.items():
                value.copy_(first.theta[name])
        optimizer.load_state_dict(
            {"state": there["optimizer"], "param_groups": optimizer.state_dict()["param_groups"]}
        )
        generator.set_state(there["generator"])
        run.step, run.seconds, run.device = first.step, first.seconds, first.device
        run.history, run.validation = first.history, first.validation
        run.best = first.best and first.best._replace(
            theta={name: value.to(run.theta[name].device) for name, value in first.best.theta.items()}
        )

    def share(self, episode: Any) -> Share:
        """This process's tasks. One that has none, for there are fewer than processes, takes the first, and it counts nothing."""
        if not isinstance(episode, Episode) or not episode.tasks:
            raise TrainingError(
                f"sample gave a {type(episode).__name__}, and only the tasks of an Episode can be shared out over {self.size} "
                "processes; train it without distributed=True."
            )
        begin, end = (place * episode.tasks // self.size for place in (self.rank, self.rank + 1))
        own = slice(begin, end) if begin < end else slice(0, 1)
        return Share(episode, episode.part(own), (end - begin) / episode.tasks)

    def mean(self, found: Params, numbers: Numbers, share: Share) -> tuple[Params, Numbers]:
        """The mean over all tasks of the meta-batch, out of each process's mean over its own; the numbers too."""
        if not self._compared:
            self._compare(numbers, share.whole)
        device = next(iter(found.values())).device
        row = [torch.as_tensor(value, dtype=widest(device), device=device) for value in numbers.values()]
        parts = [*found.values(), *row]
        if share.weight:
            weighted = [each * share.weight for each in parts]
        else:  # of a task that is another's; times zero it might still be no number
            weighted = [torch.zeros_like(each) for each in parts]
        whole = self._summed(weighted)
        summed, shown = whole[: len(found)], whole[len(found) :]
        return dict(zip(found, summed, strict=True)), dict(zip(numbers, shown, strict=True))

    @contextmanager
    def together(self) -> Iterator[None]:
        """All do what stands within, each in its own way, and go on when all are done. An error of one is raised on all."""
        error: BaseException | None = None
        try:
            yield
        except BaseException as caught:  # an interrupt too: nobody leaves without a word
            error = caught
        if not self.any(error is not None):
            return
        told = self._gathered(None if error is None else (type(error).__name__, str(error)))
        if error is not None:
            raise error
        raise next(self._theirs(rank, *each) for rank, each in enumerate(told) if each)

    @_met()
    def any(self, here: bool) -> bool:
        """Whether it is so on any process."""
        flag = torch.tensor([here], dtype=torch.uint8)
        dist.all_reduce(flag, dist.ReduceOp.MAX)
        return bool(flag)

    @_met()
    def first(self, value: Value) -> Value:
        """The first process's value, for all. Another's is not looked at."""
        box = [value]
        dist.broadcast_object_list(box, src=0, device=torch.device("cpu"))
        return box[0]

    @_met()
    def _gathered(self, value: Any) -> list[Any]:
        """The values of all processes, in their order."""
        found = [None] * self.size
        dist.all_gather_object(found, value)
        return found

    @_met()
    def _summed(self, parts: list[Tensor]) -> list[Tensor]:
        """The sums of these tensors over the processes, one message for each precision."""
        whole = list(parts)
        for kind in dict.fromkeys(each.dtype for each in parts):
            places = [place for place, each in enumerate(parts) if each.dtype == kind]
            flat = torch.cat([parts[place].detach().reshape(-1) for place in places])
            dist.all_reduce(flat)
            pieces = flat.split([parts[place].numel() for place in places])
            for place, piece in zip(places, pieces, strict=True):
                whole[place] = piece.view_as(parts[place])
        return whole

    def _compare(self, numbers: Numbers, episode: Episode) -> None:
        """At the first step: all have drawn the same meta-batch, and show the same numbers. Else TrainingError, on all."""
        ours = list(numbers), [list(each.shape) for each in episode]
        means = torch.stack([each.to(widest(each.device)).mean().cpu() for each in episode])
        everybody = self._gathered((ours, means))
        first, meant = everybody[0]
        for rank, (theirs, drawn) in enumerate(everybody):
            near = drawn.isclose(meant, rtol=1e-3, atol=1e-6, equal_nan=True)
            if theirs != first or not near.all():
                raise TrainingError(
                    f"Processes 0 and {rank} drew different tasks, or show different numbers. Let sample draw from its generator "
                    "alone, and the same on every process: the tasks are shared out afterwards."
                )
        self._compared = True

    def _theirs(self, rank: int, kind: str, words: str) -> BaseException:
        """What another process ended with, as it is raised here."""
        if kind == "KeyboardInterrupt":
            return KeyboardInterrupt()
        known = getattr(errors, kind, None)
        if isinstance(known, type) and issubclass(known, MlteachError):
            return known(words)
        return TrainingError(
            f"Process {rank} of {self.size} ended with {kind} ({_line(words)}), and so all end. Mend what it says there, then start "
            "all of them again."
        )


def joined(distributed: bool, device: torch.device) -> Alone:
    """This process among those that torchrun started, or `Alone` where it started none.

    Raises TrainingError where torch cannot talk to other processes, or does not find them.
    """
    begun = dist.is_available() and dist.is_initialized()
    if not distributed or not (begun or "RANK" in os.environ) or os.environ.get("WORLD_SIZE") == "1":
        return Alone()
    if not dist.is_available() or not dist.is_gloo_available():
        what = "gloo" if dist.is_available() else "torch.distributed"
        raise TrainingError(
            f"This torch was built without {what}, which processes need to talk to each other; install one from pytorch.org, or "
            "train in one process, without torchrun."
        )
    if device.type not in ("cpu", "cuda"):
        raise TrainingError(f"Several processes train on CPUs or on CUDA's GPUs, and theta is on {device}.")
    if not begun:
        _start(device)
    elif "cpu" not in dist.get_backend_config():
        raise TrainingError(
            "torch.distributed was begun without words from CPU to CPU; leave its beginning to fit, or begin with "
            'init_process_group("cpu:gloo,cuda:nccl").'
        )
    size = dist.get_world_size()
    return Ranks(dist.get_rank(), size) if size > 1 else Alone()


def own_device() -> torch.device:
    """The device for this process: its own GPU, which becomes torch's current one, where there is CUDA; else the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
    if device.index >= torch.cuda.device_count():
        raise TrainingError(
            f"There is no GPU for process {device.index} of this machine, which has {torch.cuda.device_count()}; start one "
            "process for each: torchrun --nproc-per-node=gpu."
        )
    torch.cuda.set_device(device)
    return device


def _start(device: torch.device) -> None:
    """Find the others. Words go from CPU to CPU; sums over GPUs by NCCL where torch has it."""
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" and dist.is_nccl_available() else "gloo"
    try:
        store, rank, size = next(dist.rendezvous("env://"))
        dist.init_process_group(backend, store=_of_this_attempt(store), rank=rank, world_size=size)
    except (RuntimeError, ValueError) as error:
        raise TrainingError(
            f"The processes of this training did not find each other ({_line(error)}). Start them with torchrun, which tells "
            "each where the others are: torchrun --nproc-per-node=2 train.py"
        ) from error
    atexit.register(_leave)


def _of_this_attempt(store: Any) -> Any:
    """The store in which processes look up each other's addresses, without those of processes that are gone.

    torchrun lends all attempts the same one (pytorch/pytorch issue 135712). Its count of attempts tells them apart, on one
    machine; machines count each for itself, and so need the variable that docs/many_machines.md names.
    """
    on_one = os.environ.get("LOCAL_WORLD_SIZE") == os.environ["WORLD_SIZE"]
    return dist.PrefixStore(
        f"attempt {os.environ.get('TORCHELASTIC_RESTART_COUNT', 0) if on_one else 0}", store
    )


def _leave() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


def _place(device: torch.device) -> str | None:
    """Where a GPU is; of a CPU, which processes may share, nothing."""
    if device.type == "cpu":
        return None
    return f"{torch.device('cuda', torch.cuda.current_device()) if device.index is None else device} of {socket.gethostname()}"


def _alike(everybody: list[dict[str, Any]]) -> None:
    """Raise TrainingError unless all processes say the same."""
    for rank, theirs in enumerate(everybody):
        for name in everybody[0] | theirs:
            ours, other = (each.get(name, "missing") for each in (everybody[0], theirs))
            if ours != other:
                raise TrainingError(
                    f"{name} is {ours} in process 0 and {other} in process {rank}; give all processes the same."
                )


def _apart(places: list[str | None]) -> None:
    """Raise TrainingError where two processes are at one place."""
    for rank, place in enumerate(places):
        if place is not None and places.index(place) < rank:
            raise TrainingError(
                f"Processes {places.index(place)} and {rank} both have theta on {place}; give each its own, for example "
                "mlteach.training.ranks.own_device()."
            )


def _on_cpu(value: Any) -> Any:
    """The same with all tensors on the CPU, to be sent."""
    if isinstance(value, Tensor):
        return value.detach().cpu()
    if isinstance(value, dict):
        return {key: _on_cpu(part) for key, part in value.items()}
    if isinstance(value, Fit):
        best = value.best and value.best._replace(theta=map_params(_on_cpu, value.best.theta))
        return replace(value, theta=map_params(_on_cpu, value.theta), best=best)
    return value


def _line(error: object) -> str:
    """The first sentence of what an error says."""
    return (str(error).strip().splitlines() or ["without a word"])[0].split(". ")[0].rstrip(".")
