"""A run in a file: written every so many steps, and read again to go on as if it had never stopped.

Whatever does not belong is found before anything is changed: another run's settings, a missing or misshapen part, a
number that is none.
"""

import math
import os
import sys
import warnings
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mlteach.checkpoint import Checkpoint, load_checkpoint, params_from, safetensors_path, save_checkpoint
from mlteach.errors import CheckpointError
from mlteach.params import Params
from mlteach.training.identity import Digests, describe, differences, moving_too, settled, unknown
from mlteach.training.run import Best, Fit

Optimizer = Callable[[list[Tensor]], torch.optim.Optimizer]

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

TORCH = ".".join(torch.__version__.split(".")[:2])


class Keeper:
    """The checkpoint of a run.

        keeper = Keeper(path, run, optimizer, opt, generator, settings)     reads it, if it is there
        keeper.write()                                                      writes it, whole or not at all

    settings: what makes the run this one and no other. Values of any kind; `describe` makes JSON of them. They are looked at
    again at every write: what is another by then is no setting.
    may_differ: the names of settings in which the file's run may be another.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        run: Fit,
        optimizer: Optimizer,
        opt: torch.optim.Optimizer,
        generator: torch.Generator,
        settings: Mapping[str, Any],
        may_differ: Collection[str] = (),
    ) -> None:
        self.path, self.run, self.opt, self.generator = safetensors_path(path), run, opt, generator
        self.settings = dict(settings) | {"optimizer": _OptionsOf(opt), "dtype": _dtypes(run.theta)}
        self.settings["seed"] = generator.initial_seed()
        self._digests: Digests = {}
        self.described: dict[str, Any] = describe(self.settings, self._digests)
        may_differ = [may_differ] if isinstance(may_differ, str) else list(may_differ)
        if self.path.exists():
            self._resume(optimizer, may_differ)
        self.saved, self.judged = run.step, len(run.validation.get("step", ()))
        self.tried = self.saved  # the step of the last attempt to write
        self._best_beside: int | None = None  # the step of the best parameters that lie beside the file
        if untold := unknown(self.described):
            warnings.warn(
                f"Whether {self.path.name} belongs to this run cannot be told from {', '.join(untold)}: if that changes, "
                "choose another path. What else makes the run can be said with about={...}.",
                stacklevel=4,
            )

    @property
    def is_behind(self) -> bool:
        """Whether the run has gone on since it was written."""
        return (self.run.step, len(self.run.validation.get("step", ()))) != (self.saved, self.judged)

    @property
    def is_there(self) -> bool:
        """Whether there is a file."""
        return self.path.exists()

    def write(self) -> None:
        """Write the run as it is; the best parameters first, into a file beside it. A full disk is a warning.

        What of the two can be written is.
        """
        run, best = self.run, self.run.best
        self.tried = run.step
        self.described = settled(self.described, describe(self.settings, self._digests))
        tensors = {f"theta.{name}": value for name, value in run.theta.items()}
        for index, state in self.opt.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in _as_tensors(state).items()}
        tensors["generator"] = self.generator.get_state()
        for kind, curves in (("history", run.history), ("validation", run.validation)):
            for name, numbers in curves.items():
                tensors[f"{kind}.{name}"] = torch.tensor(numbers, dtype=torch.float64)
        about = {
            "step": run.step,
            "seconds": run.seconds,
            "device": run.device,
            "history": list(run.history),
            "validation": list(run.validation),
            "best": best and {"step": best.step, "score": best.score},
            "python": PYTHON,
            "torch": TORCH,
            "settings": self.described,
        }
        if best:
            tensors |= {f"best.{name}": value for name, value in best.theta.items()}
            if self._best_beside != best.step:
                named = {f"theta.{name}": value for name, value in best.theta.items()}
                said = {"step": best.step, "score": best.score, "device": run.device}
                if self._written(self.path.with_suffix(".best.safetensors"), named, said):
                    self._best_beside = best.step
        if self._written(self.path, tensors, about):
            self.saved, self.judged = run.step, len(run.validation.get("step", ()))

    def _written(self, path: Path, tensors: dict[str, Tensor], about: dict[str, Any]) -> bool:
        """Whether a file could be written; else a warning, for hours of training are not to be lost with it."""
        try:
            save_checkpoint(path, tensors, about)
        except CheckpointError as error:
            warnings.warn(str(error), stacklevel=4)
            return False
        return True

    def _resume(self, optimizer: Optimizer, may_differ: list[str]) -> None:
        """Read the file into the run. Nothing is moved before all of it is known to be right."""
        stored, run = load_checkpoint(self.path), self.run
        about = _checked_about(self.path, stored)
        self._same_run(about, may_differ)
        theta = params_from(stored, run.theta)
        _exact(self.path, stored, {f"theta.{name}": value for name, value in run.theta.items()})
        state = _checked_state(self.path, stored, optimizer, run, about["step"])
        history = _curves(self.path, stored, "history", about.get("history"), about["step"])
        validation = _curves(self.path, stored, "validation", about.get("validation"), None)
        judged = validation.get("step", [])
        if not all(0 <= each <= about["step"] and each == int(each) for each in judged) or judged != sorted(
            set(judged)
        ):
            raise _wrong(self.path, f"it says that validation was after the steps {judged}")
        best = _checked_best(self.path, stored, about, run.theta)
        if "generator" not in stored.tensors:
            raise _wrong(self.path, "the state of the generator is missing")
        known = ("theta.", "optimizer.", "history.", "validation.", "best.")
        if strange := [n for n in stored.tensors if not n.startswith(known) and n != "generator"]:
            raise _wrong(self.path, f"it holds {strange[0]!r}, which belongs to no run")
        try:
            self.generator.set_state(stored.tensors["generator"])
        except (RuntimeError, TypeError) as error:
            raise CheckpointError(
                f"{self.path} holds the state of another kind of generator than one on {self.generator.device} ({error}). Go "
                "on with a generator on the device it was trained with, or choose another checkpoint path."
            ) from error
        self.opt.load_state_dict({"state": state, "param_groups": self.opt.state_dict()["param_groups"]})
        with torch.no_grad():
            for name, value in run.theta.items():
                value.copy_(theta[name])
        run.step, run.seconds, run.history = about["step"], about["seconds"], history
        run.validation, run.best = validation, best
        validation.get("step", [])[:] = map(int, validation.get("step", []))
        run.device = about.get("device", "cpu")  # older checkpoints do not say
        here = next(iter(run.theta.values())).device.type
        if (
            (run.device in ("cpu", "mps") or here in ("cpu", "mps"))
            and run.device != here
            and run.step < self.settings["steps"]
        ):
            warnings.warn(
                f"{self.path.name} was trained on {run.device} and goes on on {here}: the numbers will be the same to rounding only.",
                stacklevel=5,
            )

    def _same_run(self, about: dict[str, Any], may_differ: list[str]) -> None:
        """Raise CheckpointError unless the file's settings are this run's. Going on to more steps is said."""
        theirs, ours = about["settings"], self.described
        if "python" not in about:  # the version before said less: its rates, and what ``about`` said
            theirs = theirs | ({"optimizer": about["optimizer"]} if "optimizer" in about else {})
            ours = {key: ours[key] for key in ("steps", "lr", "schedule")} | (ours["about"] or {})
            ours |= {"optimizer": type(self.opt).__name__} if "optimizer" in theirs else {}
        else:
            self.described = moving_too(theirs, ours)
            if about.get("torch") != TORCH and isinstance(
                theirs.get("optimizer"), dict
            ):  # another one's optimizers have other options, left as they are
                shared = theirs["optimizer"].keys() & ours["optimizer"].keys()
                theirs, ours = (
                    each | {"optimizer": {key: each["optimizer"][key] for key in shared}}
                    for each in (theirs, ours)
                )
        if "seed" not in theirs:  # older checkpoints do not say
            ours = {name: part for name, part in ours.items() if name != "seed"}
        steps, was = self.settings["steps"], theirs.get("steps")
        if about["step"] > steps:
            raise CheckpointError(
                f"{self.path} has made {about['step']} steps already, and only {steps} are asked for. Give it more steps, or "
                "choose another checkpoint path."
            )
        code = about.get("python") == PYTHON
        constant = ours["schedule"] == "constant" and theirs.get("schedule") == "constant"
        allowed = [*may_differ, "steps"] if constant else may_differ
        differ = differences(theirs, ours, allowed=allowed, code=code)
        if "steps" in differ:
            differ["steps"] += (
                f" (the rate follows a {ours['schedule']} to the last step, so the first {about['step']} steps to {steps} would "
                f"have been others than those to {was})"
            )
        if differ:
            raise CheckpointError(
                f"{self.path} belongs to another run: {'; '.join(f'{at} {what}' for at, what in differ.items())}. Give this run "
                f"its own checkpoint path, or delete that file; to go on from it all the same, say may_differ={list(differ)}."
            )
        if constant and was != steps:
            warnings.warn(
                f"{self.path.name} was to make {was} steps, has made {about['step']}, and goes on to {steps}.",
                stacklevel=6,
            )


class Onlooker(Keeper):
    """The checkpoint of a run that another process reads and writes: it knows how far it is written, and touches no file."""

    def __init__(self, path: str | os.PathLike[str], run: Fit) -> None:
        self.path, self.run = safetensors_path(path), run
        self.write()

    @property
    def is_there(self) -> bool:
        return self.saved > 0

    def write(self) -> None:
        """Note that it is written now."""
        self.saved = self.tried = self.run.step
        self.judged = len(self.run.validation.get("step", ()))


class _OptionsOf:
    """An optimizer's options, for `describe`: all but the rate, which `fit` sets at every step."""

    def __init__(self, opt: torch.optim.Optimizer) -> None:
        self.opt = opt

    @property
    def made_with(self) -> dict[str, Any]:
        own = {name: part for name, part in vars(self.opt).items() if not name.startswith("_")}
        options = {name: part for group in self.opt.param_groups for name, part in group.items()}
        left_out = ("params", "lr", "initial_lr", "state", "param_groups", "defaults")
        found = {name: part for name, part in (own | options).items() if name not in left_out}
        return {"is": type(self.opt).__qualname__} | found


def _as_tensors(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """What an optimizer remembers of one parameter; a plain number becomes a tensor, and None is left out."""
    return {key: torch.as_tensor(value) for key, value in state.items() if value is not None}


def _dtypes(theta: Params) -> Any:
    kinds = {name: str(value.dtype).removeprefix("torch.") for name, value in theta.items()}
    return next(iter(kinds.values())) if len(set(kinds.values())) == 1 else kinds


def _wrong(path: os.PathLike[str], what: str) -> CheckpointError:
    return CheckpointError(
        f"Nothing can go on from {path}: {what}. Delete it and train again, or take a copy that is whole."
    )


def _checked_about(path: os.PathLike[str], stored: Checkpoint) -> dict[str, Any]:
    """What the file says of its run: a step, seconds and settings that can be."""
    about = stored.about
    step: Any = about.get("step")
    seconds: Any = about.get("seconds")
    if type(step) is not int or step < 0:
        raise _wrong(path, f"it says that {step!r} steps were made")
    if type(seconds) not in (int, float) or not 0 <= seconds < math.inf:
        raise _wrong(path, f"it says that they took {seconds!r} seconds")
    if not isinstance(settings := about.get("settings"), dict):
        raise _wrong(path, "it does not say with which settings")
    planned = settings.get("steps")
    if type(planned) is not int or step > planned:
        raise _wrong(path, f"it says that {step} of {planned!r} steps were made")
    for name, kind in (("device", str), ("python", str), ("history", list), ("validation", list)):
        if not isinstance(about.get(name, kind()), kind):
            raise _wrong(path, f"what it says of its {name} is {about[name]!r}")
    return about


def _exact(path: os.PathLike[str], stored: Checkpoint, like: Mapping[str, Tensor]) -> None:
    """Raise CheckpointError unless these tensors are there, in the very shape and precision."""
    for name, wanted in like.items():
        found = stored.tensors.get(name)
        if found is None:
            raise _wrong(path, f"{name} is missing")
        if (found.shape, found.dtype) != (wanted.shape, wanted.dtype):
            ours, theirs = (f"{each.dtype} {list(each.shape)}" for each in (wanted, found))
            raise _wrong(path, f"{name} is {theirs}, where this run has {ours}")


def _checked_state(
    path: os.PathLike[str], stored: Checkpoint, optimizer: Optimizer, run: Fit, step: int
) -> dict[int, dict[str, Tensor]]:
    """The optimizer's memories. What they must be, a step of such an optimizer on other parameters tells."""
    given = {name: value for name, value in stored.tensors.items() if name.startswith("optimizer.")}
    if step:
        trial = [torch.zeros_like(value).requires_grad_() for value in run.theta.values()]
        for value in trial:
            value.grad = torch.zeros_like(value)
        probe = optimizer(trial)
        probe.step()
        made = probe.state_dict()["state"]
        like = {
            f"optimizer.{k}.{key}": part
            for k, parts in made.items()
            for key, part in _as_tensors(parts).items()
        }
        _exact(path, stored, like)
        if strange := given.keys() - like.keys():
            raise _wrong(path, f"it holds {min(strange)!r}, and this optimizer remembers no such thing")
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in given.items():
        if not value.isfinite().all():
            raise _wrong(path, f"{name} is not finite")
        _, index, key = name.split(".", 2)
        if key == "step" and not 0 <= float(value.max()) <= step:
            raise _wrong(path, f"{name} is {float(value.max()):g}, and {step} steps were made")
        state.setdefault(int(index), {})[key] = value
    return state


def _curves(
    path: os.PathLike[str], stored: Checkpoint, kind: str, names: list[str] | None, length: int | None
) -> dict[str, list[float]]:
    """The history or the validation: one row of numbers for each name, all of one length."""
    given = {n.removeprefix(f"{kind}."): v for n, v in stored.tensors.items() if n.startswith(f"{kind}.")}
    if names is not None and sorted(map(str, names)) != sorted(set(map(str, names))):
        raise _wrong(path, f"a name of its {kind} is in it twice")
    for name in given if names is None else dict.fromkeys([*names, *given]):
        if name not in given or (names is not None and name not in names):
            raise _wrong(
                path, f"{kind}.{name} is {'missing' if name not in given else 'in it, and not listed'}"
            )
        row = given[name]
        length = row.numel() if length is None else length
        if row.shape != (length,) or row.dtype != torch.float64:
            theirs = f"{row.dtype} {list(row.shape)}"
            raise _wrong(path, f"{kind}.{name} is {theirs}, where float64 {[length]} should be")
        if kind == "history" and not row.isfinite().all():
            raise _wrong(path, f"{kind}.{name} is not finite")
    return {name: given[name].tolist() for name in (given if names is None else names)}


def _checked_best(
    path: os.PathLike[str], stored: Checkpoint, about: dict[str, Any], like: Params
) -> Best | None:
    """The best parameters in validation, if there were any."""
    best = about.get("best")
    if best is None:
        return None
    if (
        not isinstance(best, dict)
        or type(best.get("step")) is not int
        or type(best.get("score")) not in (int, float)
        or not 0 <= best["step"] <= about["step"]
        or not abs(best["score"]) < sys.float_info.max
    ):
        raise _wrong(path, f"what it says of the best step is {best!r}")
    _exact(path, stored, {f"best.{name}": value for name, value in like.items()})
    return Best(params_from(stored, like, "best."), best["step"], float(best["score"]))
