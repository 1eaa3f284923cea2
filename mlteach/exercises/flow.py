"""Whether gradients flow back through an answer as they do through the solution.

Looked at only where the numbers are right. Unless the exercise names its ``differentiable`` inputs, the inputs are nudged
first: there a right answer in another form has the solution's gradients, without the kinks at round numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.complaint import complaint
from mlteach.exercises.exercise import Case, Exercise
from mlteach.exercises.trial import input_names
from mlteach.exercises.values import Pair, agreement, copy, paired, rebuilt

CUTS = "`.detach()`, `.data`, `.item()`, `float()`, `torch.tensor(...)` and `torch.no_grad()` cut it"


@dataclass(frozen=True)
class Flow:
    """The gradients of one call: for each output its value and, by input, what flows back (None: nothing does)."""

    value: Any = None
    outputs: tuple[tuple[Pair, dict[str, Tensor | None]], ...] = ()
    second: dict[str, Tensor | None] | None = None
    error: Exception | None = None


def flow(exercise: Exercise, answer: Any, case: Case, value: Any, nudge: bool) -> Flow:
    """Call ``answer`` with inputs that need gradients and go back from each output; ``value`` tells how it is built."""
    draw = torch.Generator().manual_seed(7)
    leaves: dict[str, Tensor] = {}

    def prepared(part: Any, name: str) -> Any:
        if isinstance(part, Tensor) and part.is_floating_point():
            part = part.detach().clone()
            if nudge:
                up = 0.5 + 0.5 * torch.rand(part.shape, generator=draw, dtype=torch.float64).to(part)
                part = part + 1e-4 * up * (part.abs() + 0.1)
            leaves[name] = part.requires_grad_()
            return part
        if isinstance(part, dict):
            return {key: prepared(value, f"{name}[{key!r}]") for key, value in part.items()}
        if isinstance(part, (tuple, list)):
            count = iter(range(len(part)))
            return rebuilt(part, lambda value: prepared(value, f"{name}[{next(count)}]"))
        return copy(part)

    inputs = [prepared(part, name) for part, name in zip(case.inputs, input_names(exercise), strict=False)]
    try:
        came = exercise.observe(answer, *inputs) if exercise.observe else answer(*inputs)
        outputs, all_gradients = [], []
        for k, pair in enumerate(paired(value, came)):
            if not isinstance(pair, Pair) or not isinstance(pair.expected, Tensor):
                continue
            found: dict[str, Tensor | None] = dict.fromkeys(leaves)
            if isinstance(pair.came, Tensor) and pair.came.requires_grad:
                weights = _weights(pair.came, k)
                gradients = torch.autograd.grad(
                    (pair.came * weights).sum(), list(leaves.values()), retain_graph=True, allow_unused=True,
                    create_graph=exercise.second_order,
                )  # fmt: skip
                found = dict(zip(leaves, gradients, strict=True))
                all_gradients += [(g * _weights(g, k + 1)).sum() for g in gradients if g is not None]
            outputs.append((pair, found))
        second = None
        if exercise.second_order:
            second = dict.fromkeys(leaves)
            if (total := sum(all_gradients, torch.zeros(()))).requires_grad:
                back = torch.autograd.grad(total, list(leaves.values()), allow_unused=True, retain_graph=True)
                second = dict(zip(leaves, back, strict=True))
    except Exception as error:
        return Flow(error=error)
    return Flow(copy(came), tuple(outputs), second)


def _weights(like: Tensor, seed: int) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return (0.5 + torch.rand(like.shape, generator=draw, dtype=torch.float64)).to(like.dtype)


def same_flow(a: Flow, b: Flow, names: tuple[str, ...] | None) -> bool:
    """Whether two answers let the same gradients through."""
    if a.error or b.error:
        return type(a.error) is type(b.error)
    return len(a.outputs) == len(b.outputs) and not list(_losses(a, b, names, True, 1e-6)) + list(
        _losses(b, a, names, True, 1e-6)
    )


def lost(exercise: Exercise, right: Flow, yours: Flow, answer: Any) -> str | None:
    """A sentence about the gradients that the solution lets through and the answer does not; None where all flow."""
    declared = exercise.differentiable
    if right.error:
        return None
    if yours.error:
        if declared is None:
            return None  # numpy, or tensors filled entry by entry: no way back, and nobody has asked for one
        return f"The numbers are right, but with inputs that need gradients it {complaint(yours.error, answer)[0]}"
    same = agreement(right.value, yours.value, 1e-12) == "same"
    losses = list(_losses(right, yours, declared, same or declared is not None, 1e-6 if same else 1e-3))
    if not losses:
        return None
    kind, output, leaf = losses[0]
    if kind == "cut":
        cut = [loss for loss in losses if loss[0] == "cut"]
        every = {n for _, g in right.outputs for n, v in g.items() if _is_felt(v) and _watched(n, declared)}
        inputs = list(dict.fromkeys(n for _, o, n in cut if o == output))
        into = (
            "the inputs"
            if set(inputs) == every and len(every) > 1
            else " and ".join(f"`{n}`" for n in inputs[:3])
        )
        start = f" from {_output_name(exercise, output)}" if len(right.outputs) > 1 else ""
        return (f"The numbers are right, but the gradient is cut: nothing flows back{start} to {into}. "
                f"{CUTS}.")  # fmt: skip
    if kind == "nan":
        return (f"The numbers are right, but the gradient that flows back to `{leaf}` is nan. `where` computes both of "
                "its branches, and a gradient of infinity times zero is nan: clamp before the logarithm, the root or the "
                "division.")  # fmt: skip
    if kind == "second":
        return (f"The numbers and their gradients are right, but the second derivative by `{leaf}` is not: the gradient "
                "is a constant to autograd somewhere. create_graph=True keeps the way back.")  # fmt: skip
    return (f"The numbers are right, but the gradient that flows back to `{leaf}` is another one: a part of the way "
            f"is cut, or goes where it should not. {CUTS}.")  # fmt: skip


def _output_name(exercise: Exercise, output: int) -> str:
    if output < len(exercise.outputs):
        return f"`{exercise.outputs[output]}`"
    return (
        f"the {('first', 'second', 'third', 'fourth')[output]} value" if output < 4 else f"value {output + 1}"
    )


def _is_felt(gradient: Tensor | None) -> bool:
    return gradient is not None and bool((gradient != 0).any())


def _watched(leaf: str, names: tuple[str, ...] | None) -> bool:
    return names is None or leaf in names or leaf.split("[")[0] in names


def _losses(
    right: Flow, yours: Flow, names: tuple[str, ...] | None, compare: bool, tolerance: float
) -> Iterator[tuple[str, int, str]]:
    """(what is lost, from which output, to which input). Without names, plain numbers need no gradient."""
    for k, ((pair, gradients), (came, found)) in enumerate(zip(right.outputs, yours.outputs, strict=False)):
        if names is None and (came.plain or pair.expected.ndim == 0):
            continue
        for leaf, gradient in gradients.items():
            if not _watched(leaf, names):
                continue
            mine = found.get(leaf)
            if _is_felt(gradient) and not _is_felt(mine):
                yield "cut", k, leaf
            elif compare and gradient is not None and mine is not None:
                yield from ((kind, k, leaf) for kind in _unlike(gradient, mine, tolerance, names is not None))
    if right.second is not None and yours.second is not None:
        for leaf, gradient in right.second.items():
            mine = yours.second.get(leaf)
            felt = _is_felt(gradient) and _watched(leaf, names)
            if felt and (mine is None or list(_unlike(gradient, mine, tolerance, True))):  # type: ignore[arg-type]
                yield "second", 0, leaf


def _unlike(gradient: Tensor, mine: Tensor, tolerance: float, strict: bool) -> Iterator[str]:
    a, b = gradient.detach().double(), mine.detach().double()
    if a.shape != b.shape or not bool(a.isfinite().all()):
        return
    if not bool(b.isfinite().all()):
        if strict:
            yield "nan"
        return
    if bool((a - b).abs().max() > tolerance * max(float(a.abs().max()), 1e-6)):
        yield "differs"
