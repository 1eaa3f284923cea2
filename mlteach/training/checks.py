"""What `fit` is given, looked at before it begins: each mistake is one sentence."""

import math
import numbers
from collections.abc import Callable, Collection, Mapping
from typing import Any

from torch import Tensor

from mlteach.errors import TrainingError
from mlteach.params import Params


def checked_options(gradient: Any, sample: Any, schedules: Collection[str], **given: Any) -> None:
    """Raise TrainingError for what cannot be: `fit`'s options by name."""
    for name, what, example in (
        (
            "gradient",
            gradient,
            "lambda theta, episode: maml_gradient(net, loss, theta, episode, sgd(0.1), 1)",
        ),
        ("sample", sample, "lambda generator: sinusoids.sample(25, 5, 10, generator=generator)"),
        ("optimizer", given["optimizer"], "torch.optim.Adam, or partial(torch.optim.SGD, momentum=0.9)"),
        ("validate", given["validate"], "lambda theta: accuracy(net, theta, episodes, rule, 5)"),
    ):
        if not callable(what) and not (name == "validate" and what is None):
            raise TrainingError(
                f"{name} is a function, and {_said(what)} came; give one to be called, such as {example}."
            )
    if given["schedule"] not in schedules:
        raise TrainingError(
            f"There is no schedule {given['schedule']!r}; choose one of {', '.join(schedules)}."
        )
    if given["better"] not in ("higher", "lower"):
        raise TrainingError(
            f'better is "higher" or "lower" (of the scores in validation), and {given["better"]!r} came.'
        )
    for name, least in (("steps", 0), ("every", 1), ("every_validation", 1)):
        value = given[name]
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
            raise TrainingError(f"{name} is a whole number from {least} on, and {_said(value)} came.")
    for name, least in (("lr", 0), ("clip", 0), ("seconds", 0)):
        value = given[name]
        if value is None and name != "lr":
            continue
        if (
            isinstance(value, bool)
            or not isinstance(value, numbers.Real)
            or not least <= float(value) < math.inf
        ):
            raise TrainingError(f"{name} is a finite number from {least} on, and {_said(value)} came.")
    if given["clip"] == 0:
        raise TrainingError("clip=0 would leave nothing of a gradient; give its greatest length, or None.")


def checked_start(theta: Params) -> Params:
    """theta, or TrainingError: it holds tensors of real, finite numbers, each one under one name."""
    if not isinstance(theta, Mapping) or not theta:
        raise TrainingError(
            f"theta is a dict of tensors by name, and {_said(theta)} came; give net.init(generator)."
        )
    for name, value in theta.items():
        if not isinstance(value, Tensor) or not value.is_floating_point():
            kind = value.dtype if isinstance(value, Tensor) else _said(value)
            raise TrainingError(
                f"theta holds {kind} as {name!r}; give tensors of real numbers, such as float32."
            )
        if not value.isfinite().all():
            raise TrainingError(
                f"{name} is not finite before the first step; look at where theta comes from."
            )
    places: dict[tuple[Any, int], str] = {}
    for name, value in theta.items():
        place = (value.device, value.data_ptr())
        if value.numel() and place in places:
            raise TrainingError(
                f"{places[place]!r} and {name!r} are one tensor in theta, and training would move them apart. Keep one name "
                "and let the network use it twice; or give clones, if they are to part."
            )
        places[place] = name
    return dict(theta)


def checked_gradient(
    given: Any, theta: Params, before: Collection[str]
) -> tuple[Params, Mapping[str, Tensor | float]]:
    """What the gradient function gave, for theta's names; or TrainingError. before: what it showed in the last step, if any."""
    if (
        not isinstance(given, tuple)
        or len(given) != 2
        or not all(isinstance(each, Mapping) for each in given)
    ):
        raise TrainingError(
            f"The gradient function gave {_said(given)}; let it return two dicts, the gradient by name and the numbers to "
            'show: return found, {"loss": loss}.'
        )
    found, shown = given
    for name, value in theta.items():
        if not isinstance(part := found.get(name), Tensor):
            raise TrainingError(
                f"The gradient function gave {'nothing' if part is None else _said(part)} for {name!r}; give a tensor for "
                "every name of theta, zeros for what does not move."
            )
        if (part.shape, part.dtype, part.device) != (value.shape, value.dtype, value.device):
            ours, theirs = (f"{each.dtype} {list(each.shape)} on {each.device}" for each in (value, part))
            raise TrainingError(
                f"The gradient for {name!r} is {theirs}, and the parameter is {ours}; give one like it."
            )
    if before and shown.keys() != set(before):
        raise TrainingError(
            f"The gradient function showed {', '.join(before)} before, and shows {', '.join(shown)} now; show the same in every "
            "step."
        )
    for name, number in shown.items():
        if isinstance(number, Tensor) and number.ndim:
            raise TrainingError(
                f"The gradient function shows {name!r} of shape {list(number.shape)}; show one number, such as its mean."
            )
    return {name: found[name] for name in theta}, shown


def checked_scores(given: Any, before: Collection[str]) -> dict[str, float]:
    """What ``validate`` gave, as numbers by name: of an interval its mean. Raises TrainingError.

    before: the names of the curve so far, "step" among them; empty at the first validation.
    """
    scores = given if isinstance(given, Mapping) else {"score": given}
    if not scores or "step" in scores:
        raise TrainingError(
            f"validate gave {list(scores)}; give one score at least, under any name but 'step'."
        )
    if before and {"step", *scores} != set(before):
        raise TrainingError(
            f"validate gave {', '.join(scores)}, and before {', '.join(each for each in before if each != 'step')}; give the "
            "same each time."
        )
    found: dict[str, float] = {}
    for name, value in scores.items():
        middle = getattr(value, "mean", value)  # an Interval's; a tensor's is a function
        try:
            found[name] = float(value if isinstance(middle, Callable) else middle)  # type: ignore[arg-type]
        except (TypeError, ValueError, RuntimeError) as error:
            raise TrainingError(
                f"validate gave {_said(value)} as {name!r}; give a number or an interval."
            ) from error
    return found


def _said(value: Any) -> str:
    """A thing as it stands in a sentence."""
    if isinstance(value, bool | int | float | str) or value is None:
        return repr(value)
    if isinstance(value, Tensor):
        return f"a tensor {list(value.shape)}"
    return f"a {value.__name__}" if isinstance(value, type) else f"a {type(value).__name__}"
