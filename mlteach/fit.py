"""The one training loop of the course: sample an episode, take the meta-gradient, move.

It shows its progress, keeps its history, survives an interrupt, and goes on from a checkpoint to the same numbers.
"""

import json
import math
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from mlteach.checkpoint import load_checkpoint, params_from, safetensors_path, save_checkpoint
from mlteach.errors import CheckpointError
from mlteach.params import Params, detach, leaves
from mlteach.progress import bar_for
from mlteach.tasks.episode import Episode

Gradient = Callable[[Params, Episode], tuple[Params, Mapping[str, Tensor | float]]]
Optimizer = Callable[[list[Tensor]], torch.optim.Optimizer]

# On a GPU numbers are looked at after so many steps: until somebody looks, it need not be waited for.
LOOK = 20

SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    "cosine": lambda done: 0.5 * (1 + math.cos(math.pi * done)),
    "linear": lambda done: 1 - done,
}


@dataclass
class Fit:
    """What a training run leaves behind.

    theta: the meta-parameters. step: how many outer steps were made. seconds: the time they took, evaluation left out.
    history: for every name (loss, accuracy, ...) one number a step.
    interrupted: whether it stopped early because it was asked to. device: what it trained on, in words.
    """

    theta: Params
    step: int = 0
    seconds: float = 0.0
    history: dict[str, list[float]] = field(default_factory=dict)
    interrupted: bool = False
    device: str = "cpu"


def fit(
    gradient: Gradient,
    theta: Params,
    sample: Callable[[torch.Generator], Episode],
    *,
    steps: int,
    generator: torch.Generator,
    lr: float = 1e-3,
    schedule: str = "constant",
    optimizer: Optimizer = torch.optim.Adam,
    checkpoint: str | os.PathLike[str] | None = None,
    every: int = 500,
    until: int | None = None,
    about: dict[str, Any] | None = None,
    progress: str | None = "training",
) -> Fit:
    """Train ``theta`` for ``steps`` outer steps and return a `Fit`.

    gradient: (theta, episode) -> (gradient for theta, numbers to show), for example a partial of `maml_gradient`. On a
        GPU wrap it in `mlteach.outer.replayed`.
    sample: draws the meta-batch of one step from the generator.
    lr, schedule: the outer rate beta and how it changes: "constant", "cosine" or "linear" to zero at ``steps``.
    optimizer: makes the outer optimizer from a list of tensors; its rate is set at every step.
    checkpoint: a .safetensors path. Written ``every`` so many steps and at the end; if it exists, the run goes on
        from it, bit for bit as if it had never stopped. ``about`` (JSON values) is stored and compared.
    until: stop after this step, as if interrupted; the schedule still runs to ``steps``.
    progress: the bar's label, or None for no bar.

    An interrupt (the stop button, Ctrl-C) ends the run after the step it is in; everything learned is returned, and
    written if there is a checkpoint. A second one ends it at once, at the last whole step. A checkpoint that cannot
    be written (a full disk) is a warning: training goes on, and tries again when the next is due.

    Raises CheckpointError when the checkpoint is damaged, belongs to a run with other settings, another optimizer or
    another kind of generator, or does not end in .safetensors; ValueError for a schedule that does not exist.
    Taught in: lesson 09.
    """
    if schedule not in SCHEDULES:
        raise ValueError(f"There is no schedule {schedule!r}; choose one of {', '.join(SCHEDULES)}.")
    settings = json.loads(json.dumps({"steps": steps, "lr": lr, "schedule": schedule} | (about or {})))
    run = Fit(leaves(theta))
    tensors = list(run.theta.values())
    opt = optimizer(tensors)
    if checkpoint is not None and safetensors_path(checkpoint).exists():
        _resume(checkpoint, run, opt, generator, settings)
    last = min(steps, steps if until is None else until)
    bar = bar_for(range(steps), progress, unit="step", initial=run.step)
    device = tensors[0].device if tensors else torch.device("cpu")
    if run.step < last:
        run.device = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    unseen: list[
        Mapping[str, Tensor | float]
    ] = []  # the numbers of the last steps, which nobody has looked at yet
    saved, drawn = run.step, generator.get_state()  # drawn: what the generator was after the last whole step
    try:
        with _deferred_interrupt() as (stop, moving):
            while run.step < last and not stop.is_set():
                started = time.perf_counter()
                found, numbers = gradient(run.theta, sample(generator))
                for name, value in run.theta.items():
                    value.grad = found[name]
                moving.set()
                for group in opt.param_groups:
                    group["lr"] = lr * SCHEDULES[schedule](run.step / steps)
                opt.step()
                run.step += 1
                unseen.append(numbers)
                due = checkpoint is not None and run.step - saved >= every
                if due or device.type == "cpu" or len(unseen) == LOOK or run.step == last:
                    _look(unseen, run.history)
                run.seconds += time.perf_counter() - started
                drawn = generator.get_state()
                moving.clear()
                bar.update()
                bar.set_postfix(
                    {name: f"{_recent(seen):.3f}" for name, seen in run.history.items()}, refresh=False
                )
                if due and checkpoint is not None:
                    _write(checkpoint, run, opt, generator, settings)
                    saved = run.step
            run.interrupted = stop.is_set()
    except KeyboardInterrupt:  # the second one: theta is at the last whole step, and so must the generator be
        run.interrupted = True
        generator.set_state(drawn)
    finally:
        bar.close()
    _look(unseen, run.history)
    if checkpoint is not None and run.step > saved:
        with _deferred_interrupt() as (stop, _):  # an impatient click now must not cost the result
            _write(checkpoint, run, opt, generator, settings)
        run.interrupted |= stop.is_set()
    run.theta = detach(run.theta)
    return run


def _look(unseen: list[Mapping[str, Tensor | float]], history: dict[str, list[float]]) -> None:
    """Move what is unseen into the history, as floats: one wait for the device, not one for each number."""
    for name in unseen[0] if unseen else ():
        values = [each[name] for each in unseen]
        if isinstance(values[0], Tensor):
            values = torch.stack(values).tolist()  # type: ignore[arg-type]
        history.setdefault(name, []).extend(map(float, values))
    unseen.clear()


def _recent(numbers: list[float], count: int = 50) -> float:
    """The mean of the last few numbers: single meta-batches jump too much to be read."""
    return sum(numbers[-count:]) / len(numbers[-count:])


@contextmanager
def _deferred_interrupt() -> Iterator[tuple[threading.Event, threading.Event]]:
    """Turn the first interrupt into a flag, so that no step is left half done. Only the main thread gets signals.

    A second one raises KeyboardInterrupt, except while the other flag says that the parameters are being moved.
    """
    asked, moving = threading.Event(), threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked, moving
        return

    def note(number: int, frame: FrameType | None) -> None:
        if asked.is_set() and not moving.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = signal.signal(signal.SIGINT, note)
    try:
        yield asked, moving
    finally:
        signal.signal(signal.SIGINT, before)


def _write(
    path: str | os.PathLike[str],
    run: Fit,
    opt: torch.optim.Optimizer,
    generator: torch.Generator,
    settings: dict[str, Any],
) -> None:
    tensors = {f"theta.{name}": value for name, value in run.theta.items()}
    for index, state in opt.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{key}": torch.as_tensor(value) for key, value in state.items()}
    tensors["generator"] = generator.get_state()
    for name, numbers in run.history.items():
        tensors[f"history.{name}"] = torch.tensor(numbers, dtype=torch.float64)
    about = {"step": run.step, "seconds": run.seconds, "device": run.device, "settings": settings}
    about["optimizer"] = type(opt).__name__
    try:
        save_checkpoint(path, tensors, about)
    except CheckpointError as error:  # hours of training are not to be lost with it
        warnings.warn(str(error), stacklevel=3)


def _resume(
    path: str | os.PathLike[str],
    run: Fit,
    opt: torch.optim.Optimizer,
    generator: torch.Generator,
    settings: dict[str, Any],
) -> None:
    stored = load_checkpoint(path)
    theirs = stored.about.get("settings", {})
    if "optimizer" in stored.about:  # older checkpoints do not say
        theirs = theirs | {"optimizer": stored.about["optimizer"]}
        settings = settings | {"optimizer": type(opt).__name__}
    differ = [key for key in settings.keys() | theirs.keys() if settings.get(key) != theirs.get(key)]
    if differ:
        said = "; ".join(
            f"{key} was {theirs.get(key)!r}, is now {settings.get(key)!r}" for key in sorted(differ)
        )
        raise CheckpointError(
            f"{path} belongs to another run: {said}. Give this run its own checkpoint path, or delete that file."
        )
    found = params_from(stored, run.theta)
    with torch.no_grad():
        for name, value in run.theta.items():
            value.copy_(found[name])
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in stored.tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".")
            state.setdefault(int(index), {})[key] = value
    opt.load_state_dict({"state": state, "param_groups": opt.state_dict()["param_groups"]})
    try:
        generator.set_state(stored.tensors["generator"])
    except RuntimeError as error:
        raise CheckpointError(
            f"{path} holds the state of another kind of generator than one on {generator.device} ({error}). Go on with a "
            "generator on the device it was trained with, or choose another checkpoint path."
        ) from error
    run.step, run.seconds = stored.about["step"], stored.about["seconds"]
    run.device = stored.about.get("device", "cpu")  # older checkpoints do not say
    prefix = "history."
    run.history = {
        n.removeprefix(prefix): v.tolist() for n, v in stored.tensors.items() if n.startswith(prefix)
    }
