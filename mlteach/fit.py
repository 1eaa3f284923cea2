"""The one training loop of the course: sample an episode, take the meta-gradient, move.

It shows its progress, keeps its history and the best of its validations, survives an interrupt, stops at the first number
that is none, and goes on from a checkpoint to the same numbers.
"""

import math
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from typing import Any, Literal

import torch
from torch import Tensor

from mlteach.errors import TrainingError
from mlteach.outer.schedule import Scheduled
from mlteach.params import Params, detach, leaves, map_params
from mlteach.params import clip as shortened
from mlteach.progress import bar_for
from mlteach.tasks.episode import Episode
from mlteach.training.checks import checked_gradient, checked_options, checked_scores, checked_start
from mlteach.training.interrupt import deferred_interrupt
from mlteach.training.keeping import Keeper, Onlooker, Optimizer
from mlteach.training.last_good import NotFiniteError, Watch
from mlteach.training.ranks import Alone, joined
from mlteach.training.run import Best, Fit

__all__ = ["SCHEDULES", "Best", "Fit", "Gradient", "Optimizer", "fit"]

Gradient = Callable[[Params, Episode], tuple[Params, Mapping[str, Tensor | float]]]
Validate = Callable[[Params], Any]

# On a GPU numbers are looked at after so many steps: until somebody looks, it need not be waited for.
LOOK = 20

SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    "cosine": lambda done: 0.5 * (1 + math.cos(math.pi * done)),
    "linear": lambda done: 1 - done,
    "warm cosine": lambda done: min(1.0, 10 * done + 0.001) * 0.5 * (1 + math.cos(math.pi * done)),
}


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
    clip: float | None = None,
    validate: Validate | None = None,
    every_validation: int = 500,
    better: Literal["higher", "lower"] = "higher",
    checkpoint: str | os.PathLike[str] | None = None,
    every: int = 500,
    until: int | None = None,
    seconds: float | None = None,
    about: dict[str, Any] | None = None,
    may_differ: Collection[str] = (),
    distributed: bool = False,
    progress: str | None = "training",
) -> Fit:
    """Train ``theta`` for ``steps`` outer steps and return a `Fit`.

    gradient: (theta, episode) -> (gradient for theta, numbers to show), for example a partial of `maml_gradient`. On a
        GPU wrap it in `mlteach.outer.replayed`; one that changes while it trains is `mlteach.outer.Scheduled`.
    sample: draws the meta-batch of one step from the generator.
    lr, schedule: the outer rate beta and how it changes: "constant", "cosine" or "linear" to zero at ``steps``; "warm cosine" rises
        over the first tenth of them (transformers need it).
    optimizer: makes the outer optimizer from a list of tensors; its rate is set at every step.
    clip: a gradient longer than this is shortened to it; all parameters count as one vector. None: as it is.
    validate: theta -> a number, an `Interval` or a dict of them. Called after every ``every_validation`` steps and after the
        last, on a copy; what it gives makes the curve `Fit.validation`. Of a dict the first entry is the score, and the
        parameters with the ``better`` score are `Fit.best`. Draw its tasks once, so that it gives the same each time.
    checkpoint: a .safetensors path. Written ``every`` so many steps and at the end; if it exists, the run goes on
        from it, bit for bit as if it had never stopped. The best parameters stand beside it, in NAME.best.safetensors.
        ``about`` (JSON values) is stored and compared.
    until: stop after this step, as if interrupted; the schedule still runs to ``steps``.
    seconds: stop after so many seconds of training, those before a resume included, validation left out. The schedule still
        runs to ``steps``.
    may_differ: the settings, by name, in which the checkpoint's run may be another.
    distributed: share each meta-batch out over the processes that torchrun started; below. Without torchrun there is one.
    progress: the bar's label, or None for no bar.

    **The same run.** A checkpoint is resumed by the run that wrote it: with the same steps, rate, schedule, clip, optimizer
    and its options, precision, and the same settings in ``gradient`` and ``sample``, wherever they stand
    (`mlteach.training.identity`). Else CheckpointError says what was and what is now. More steps at a constant rate
    are the same run; it goes on, and a warning says so. What else may change is named in ``may_differ``: ["lr"], ["steps"].

    **Numbers that are none.** At the first one that is not finite, in what ``gradient`` gives or in theta, TrainingError says
    what and where. Its ``run`` is the `Fit` after the last good step. An earlier checkpoint stays as it is; where there is
    none yet, that last good state is written.

    **Several processes** (``torchrun --nproc-per-node=4 train.py``, ``distributed=True``). All draw the same meta-batch, each
    computes the gradient of its own tasks, and their mean moves theta: on 1, 2 or 4 processes the same, to rounding. For that
    ``gradient`` must give the *mean over the episode's tasks*, of the gradient and of its numbers, and each task's part must
    depend on that task alone, as with all that `mlteach.outer` has for episodes; `Scheduled` and `replayed` may wrap it. What
    couples tasks (a norm, negatives or a clip over the whole meta-batch, within ``gradient``), what ``gradient`` remembers from
    call to call and what it draws at random would be another training. All begin where the first process is. It alone shows
    the bar, validates, and reads and writes the checkpoint, with which any number of processes goes on. All stop at the same
    step, an error of one ends all, and the `Fit` is the same on all (`mlteach.training.ranks`).

    An interrupt (the stop button, Ctrl-C) ends the run after the step it is in; everything learned is returned, and
    written if there is a checkpoint. A second one ends it at once, at the last whole step; not where there are several processes.
    A checkpoint that cannot be written (a full disk) is a warning: training goes on, and tries again when the next is due. An
    error in ``gradient``, ``sample`` or ``validate`` is let through, and what was learned before it is written too.

    Raises CheckpointError when the checkpoint is damaged, belongs to another run or to another kind of generator, or does
    not end in .safetensors; TrainingError (a ValueError) for options that cannot be, for parameters that are tied (one tensor
    under two names), and as above. Taught in: lesson 09.
    """
    checked_options(
        gradient, sample, SCHEDULES, steps=steps, lr=lr, schedule=schedule, optimizer=optimizer, clip=clip, validate=validate,
        every_validation=every_validation, better=better, every=every, seconds=seconds,
    )  # fmt: skip
    run = Fit(leaves(checked_start(theta)))
    tensors = list(run.theta.values())
    opt = optimizer(tensors)
    device = tensors[0].device
    ranks = joined(distributed, device)
    keeper = None
    settings: dict[str, Any] = {"steps": steps, "lr": lr, "schedule": schedule, "clip": clip}
    with ranks.together():
        if checkpoint is not None and ranks.leads:
            made_of = settings | {"gradient": gradient, "sample": sample, "about": about or {}}
            keeper = Keeper(checkpoint, run, optimizer, opt, generator, made_of, may_differ)
    settings |= {"until": until, "seconds": seconds, "every": every, "every_validation": every_validation}
    settings |= {"having validate": validate is not None, "having a checkpoint": checkpoint is not None}
    ranks.begin(run, opt, generator, settings)
    if checkpoint is not None and not ranks.leads:
        keeper = Onlooker(checkpoint, run)
    last = min(steps, steps if until is None else until)
    bar = bar_for(range(steps), progress if ranks.leads else None, unit="step", initial=run.step)
    if run.step < last:
        run.device = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    watch, shown = Watch(run, opt, generator), set(run.history)

    def out_of_time() -> bool:
        return seconds is not None and run.seconds >= seconds

    def validation_is_due() -> bool:
        if validate is None or run.step in run.validation.get("step", ()):
            return False
        return run.step == steps or (run.step > 0 and (run.step % every_validation == 0 or out_of_time()))

    with closing(bar), _rescued(run, watch, keeper), deferred_interrupt(ranks.size > 1) as (stop, moving):
        if validation_is_due():  # a run that ended between a step and its validation
            _judge(validate, run, better, ranks)
        while run.step < last and not ranks.any(stop.is_set()) and not out_of_time():
            started = time.perf_counter()
            with ranks.together():
                move = gradient.at(run.step) if isinstance(gradient, Scheduled) else gradient
                share = ranks.share(sample(generator))
                found, numbers = checked_gradient(move(run.theta, share.tasks), run.theta, shown)
            found, numbers = ranks.mean(found, numbers, share)
            shown = set(numbers)
            for name, value in (found if clip is None else shortened(found, clip)).items():
                run.theta[name].grad = value.detach()
            moving.set()
            for group in opt.param_groups:
                group["lr"] = lr * SCHEDULES[schedule](run.step / steps)
            opt.step()
            run.step += 1
            watch.unseen.append(numbers)
            to_write = keeper is not None and run.step - keeper.tried >= every
            if _looks_each_step(device) or len(watch.unseen) == LOOK or to_write:
                watch.look()
            run.seconds = ranks.first(run.seconds + time.perf_counter() - started)
            watch.drawn = generator.get_state()
            moving.clear()
            bar.update()
            bar.set_postfix({n: f"{_recent(seen):.3f}" for n, seen in run.history.items()}, refresh=False)
            if validation_is_due():
                watch.look()
                _judge(validate, run, better, ranks)
            if keeper is not None and to_write:
                keeper.write()
        watch.look()
        run.stopped = "interrupt" if ranks.any(stop.is_set()) else _why(run, steps, out_of_time())
    clicked = False
    with ranks.together():
        if keeper is not None and keeper.is_behind:
            # an impatient click now must not cost the result
            with deferred_interrupt(ranks.size > 1) as (stop, _):
                keeper.write()
            clicked = stop.is_set()
    run.stopped = "interrupt" if ranks.any(clicked) else run.stopped
    run.theta = detach(run.theta)
    return run


def _looks_each_step(device: torch.device) -> bool:
    """Where nobody has to be waited for."""
    return device.type == "cpu"


def _why(run: Fit, steps: int, late: bool) -> Literal["", "seconds", "until"]:
    """Why a run that nobody interrupted is over."""
    if run.step == steps:
        return ""
    return "seconds" if late else "until"


def _judge(validate: Validate | None, run: Fit, better: str, ranks: Alone) -> None:
    """Add what ``validate`` says of theta to the curve, and keep theta if it is the best so far."""
    assert validate is not None
    theta = map_params(Tensor.clone, detach(run.theta))
    with ranks.together():
        scores = checked_scores(validate(theta), run.validation) if ranks.leads else {}
    scores = ranks.first(scores)
    for name, value in ({"step": run.step} | scores).items():
        run.validation.setdefault(name, []).append(value)
    score = next(iter(scores.values()))
    sign = 1 if better == "higher" else -1
    if math.isfinite(score) and (run.best is None or sign * score > sign * run.best.score):
        run.best = Best(map_params(Tensor.clone, detach(run.theta)), run.step, score)


def _recent(numbers: list[float], count: int = 50) -> float:
    """The mean of the last few numbers: single meta-batches jump too much to be read."""
    return sum(numbers[-count:]) / len(numbers[-count:])


@contextmanager
def _rescued(run: Fit, watch: Watch, keeper: Keeper | None) -> Iterator[None]:
    """Whatever ends a run, what it has learned is kept: returned after an interrupt, in ``error.run`` and the checkpoint else."""
    try:
        try:
            yield
        except KeyboardInterrupt:  # the second one
            run.stopped = "interrupt"  # theta is at the last whole step, and so must the generator be
            watch.generator.set_state(watch.drawn)
            watch.look()
    except (Exception, SystemExit) as error:
        with suppress(RuntimeError):  # of a GPU that is lost with its memory
            watch.restore()
            too_late = isinstance(error, NotFiniteError) and keeper is not None and keeper.is_there
            if (
                keeper is not None and keeper.is_behind and not too_late
            ):  # just before it diverges a run is no better
                keeper.write()
        run.theta = detach(run.theta)
        if isinstance(error, NotFiniteError):
            raise TrainingError(_diverged(error, run, keeper), run) from None
        if isinstance(error, TrainingError):
            error.run = run
        raise


def _diverged(error: NotFiniteError, run: Fit, keeper: Keeper | None) -> str:
    kept = (
        "" if keeper is None or not keeper.is_there else f", and {keeper.path.name} holds step {keeper.saved}"
    )
    return (
        f"Training stopped: {error}. The last good state, after {run.step} steps, is in this error's run{kept}. Give a lower "
        "lr or a lower rate of the inner rule, or shorten long gradients with clip=1.0."
    )
