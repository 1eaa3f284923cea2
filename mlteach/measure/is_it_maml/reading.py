"""What came out of somebody's code, read with care: losses, gradients, histories."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mlteach.measure.is_it_maml.containers import flattened, kind_of, refilled
from mlteach.measure.is_it_maml.verdict import SettledError
from mlteach.measure.is_it_maml.watch import Seen, Watch
from mlteach.params import Params


def number_of(loss: Any) -> tuple[float, list[str]]:
    """The loss as a number, and a sentence if it came in an odd shape."""
    if isinstance(loss, Tensor) and not loss.is_complex():
        if loss.ndim == 0:
            return loss.item(), []
        if loss.numel() == 0:
            raise SettledError("cannot tell", "the query loss is empty. Is the query set?")
        kind = "its one number" if loss.numel() == 1 else "the sum of its numbers"
        return loss.sum().item(), [
            f"The loss has the shape {list(loss.shape)}, not []; {kind} was judged (did something broadcast?)."
        ]
    try:
        return float(loss), []
    except (TypeError, ValueError):
        raise SettledError(
            "cannot tell", f"the query loss is {kind_of(loss)}. Return a scalar tensor"
        ) from None


def the_loss(several: Sequence[Any]) -> Any:
    """The loss among what step returned, such as (loss, accuracy) or (accuracy, loss)."""
    scalars = [each for each in several if isinstance(each, Tensor) and each.numel() == 1]
    losses = [each for each in scalars if each.requires_grad]
    if len(losses) > 1:
        raise SettledError(
            "cannot tell",
            f"step returns {len(losses)} losses, and which of them the gradients belong to is not said. Return that one alone "
            "(of several tasks their mean, if that is what backward() was called on)",
        )
    return losses[0] if losses else several[0] if scalars and several[0] is scalars[0] else several


def changed_data(data: Any) -> Any:
    """Numbers a little nearer to zero, each by another share. Raises ValueError where none changes."""
    changed = False

    def moved(value: Any) -> Any:
        nonlocal changed
        if isinstance(value, Tensor) and value.is_floating_point():
            nearer = 1 - torch.linspace(5e-4, 1e-3, value.numel(), device=value.device).reshape(value.shape)
            changed = changed or bool(value.any())
            return value * nearer
        return value

    data = refilled(data, map(moved, [value for _, value in flattened(data)]))
    if not changed:
        raise ValueError("nothing to change")
    return data


def gradient_for(loss: Any, by: Params) -> tuple[Params, list[str]]:
    """The gradient of ``loss``, zeros where nothing leads back; and the names that autograd did not meet."""
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return {name: torch.zeros_like(value) for name, value in by.items()}, list(by)
    found = torch.autograd.grad(loss.sum(), list(by.values()), allow_unused=True)
    pairs = list(zip(by.items(), found, strict=True))
    unused = [name for (name, _), g in pairs if g is None]
    return {name: torch.zeros_like(v) if g is None else g for (name, v), g in pairs}, unused


def places_of(seen: list[Seen], point: Params) -> list[str]:
    """Which name each place in the inner gradients belongs to; empty where that is not clear."""
    known = {id(value): name for name, value in point.items()}
    for each in seen:
        names = [known.get(number, "") for number, _ in each.inputs]
        if names and all(names) and len(set(names)) == len(names):
            return names if all(len(other.inputs) == len(names) for other in seen) else []
    shapes = [value.shape for value in point.values()]
    every = seen and all([shape for _, shape in each.inputs] == shapes for each in seen)
    return list(point) if every else []


def is_cut(value: Tensor, start: Tensor | None) -> bool:
    """Whether phi's tensor leads nowhere: theta's own would lead to theta."""
    return value.is_leaf and value is not start


def ends_in_a_module(loss: Any) -> bool:
    """Whether the graph of ``loss`` begins at an nn.Parameter."""
    ahead, met = [getattr(loss, "grad_fn", None)], set()
    while ahead:
        node = ahead.pop()
        if node is None or node in met:
            continue
        met.add(node)
        if isinstance(getattr(node, "variable", None), nn.Parameter):
            return True
        ahead += [each for each, _ in node.next_functions]
    return False


def refuse_not_finite(values: Mapping[str, Tensor], where: str, advice: str = "") -> None:
    for name, value in values.items():
        if value.is_floating_point() and not value.isfinite().all():
            kind = "NaN" if value.isnan().any() else "infinite numbers"
            raise SettledError(
                "cannot tell",
                f"{where} holds {kind} (first in {name})"
                + (f". {advice}" if advice else ". Mend that first"),
            )


def refuse_emptied(arrived: list[bool], watch: Watch, own: Params) -> None:
    """Raises SettledError where a gradient was there, and nothing is left of it in ``.grad``."""
    if arrived[0]:
        raise SettledError(
            "cannot tell",
            "backward() has reached the model, and yet its .grad is empty or zero after step. Leave the meta-gradient there: take "
            "zero_grad() away from the end of step",
        )
    last = {number for number, _ in watch.seen[-1].inputs} if watch.seen else set()
    if not watch.backwards and last & {id(each) for each in own.values()}:
        raise SettledError(
            "cannot tell",
            "step leaves nothing in .grad of the model: what torch.autograd.grad returned is not put there. Let it set "
            "parameter.grad for each of model.parameters(), or call backward()",
        )


def first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0].rstrip(".")
