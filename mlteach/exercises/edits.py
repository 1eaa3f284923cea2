"""What would come out if the right function were given something else: another input, none, its square, its neighbour.

An answer that equals the solution with one input changed has that input wrong, whatever its formula looks like.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise
from mlteach.exercises.trial import names_of
from mlteach.exercises.values import copy

NUMBERS: tuple[tuple[str, Callable[[float], float]], ...] = (
    ("1 in place of `{0}`: is `{0}` left out?", lambda v: 1.0),
    ("0 in place of `{0}`: is `{0}` left out?", lambda v: 0.0),
    ("minus `{0}` in place of `{0}`: a sign is turned", lambda v: -v),
    ("1 - `{0}` in place of `{0}`", lambda v: 1 - v),
    ("`{0}` squared in place of `{0}`", lambda v: v * v),
    ("the root of `{0}` in place of `{0}`", math.sqrt),
    ("1/`{0}` in place of `{0}`", lambda v: 1 / v),
    ("twice `{0}` in place of `{0}`", lambda v: 2 * v),
    ("half of `{0}` in place of `{0}`", lambda v: v / 2),
    ("`{0}` + 1 in place of `{0}`: one too many", lambda v: v + 1),
    ("`{0}` - 1 in place of `{0}`: one too few", lambda v: v - 1),
    ("`{0}` + 2 in place of `{0}`: two too many", lambda v: v + 2),
    ("e to the `{0}` in place of `{0}`", math.exp),
    ("the logarithm of `{0}` in place of `{0}`", math.log),
    ("the absolute value of `{0}` in place of `{0}`", abs),
)
WHOLE = {2, 7, 9, 10, 11, 14} | {0, 1}  # the places of those that keep a whole number whole
TENSORS: tuple[tuple[str, Callable[[Tensor], Tensor]], ...] = (
    ("ones in place of `{0}`: is `{0}` left out?", torch.ones_like),
    ("zeros in place of `{0}`: is `{0}` left out?", torch.zeros_like),
    ("minus `{0}` in place of `{0}`: a sign is turned", torch.neg),
    ("1 - `{0}` in place of `{0}`", lambda v: 1 - v),
    ("the squares of `{0}` in place of `{0}`", torch.square),
    ("twice `{0}` in place of `{0}`", lambda v: 2 * v),
    ("half of `{0}` in place of `{0}`", lambda v: v / 2),
    ("the absolute values of `{0}` in place of `{0}`", torch.abs),
    ("the roots of `{0}` in place of `{0}`", torch.sqrt),
    ("`{0}` transposed", lambda v: v.transpose(-1, -2)),
    ("`{0}` in reverse order", lambda v: v.flip(0)),
    ("the mean of `{0}` in place of each of its entries", lambda v: v.mean().expand_as(v).clone()),
    ("the sum of `{0}` in place of each of its entries", lambda v: v.sum().expand_as(v).clone()),
    ("the first entry of `{0}` in place of all", lambda v: v[:1].expand_as(v).clone()),
    ("the last entry of `{0}` in place of all", lambda v: v[-1:].expand_as(v).clone()),
    ("`{0}` moved on by one place", lambda v: v.roll(1, 0)),
    ("`{0}` moved back by one place", lambda v: v.roll(-1, 0)),
    ("a sigmoid of `{0}` in place of `{0}`", torch.sigmoid),
    ("a tanh of `{0}` in place of `{0}`", torch.tanh),
    ("the exponential of `{0}` in place of `{0}`", torch.exp),
    ("the logarithm of `{0}` in place of `{0}`", torch.log),
    ("the signs of `{0}` in place of `{0}`", torch.sign),
    ("`{0}` brought to length 1", lambda v: v / v.norm()),
    ("`{0}` with its mean taken away", lambda v: v - v.mean()),
)
SEQUENCES: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("the first of `{0}` alone", lambda v: v[:1]),
    ("the last of `{0}` alone", lambda v: v[-1:]),
    ("`{0}` in reverse order", lambda v: v[::-1]),
    ("the last of `{0}` left out", lambda v: v[:-1]),
    ("the first of `{0}` left out", lambda v: v[1:]),
)


def edits(exercise: Exercise, cases: list[Case]) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Wrong answers made of the solution by changing what one of its inputs is, each with its words."""
    names = names_of(exercise)
    sample = given_to(exercise, cases[0])
    for name in names:
        value = sample.get(name)
        if isinstance(value, bool):
            yield f"not `{name}` in place of `{name}`", _with(exercise, name, lambda v: not v)
            yield f"`{name}` always True", _with(exercise, name, lambda v: True)
            yield f"`{name}` always False", _with(exercise, name, lambda v: False)
        elif isinstance(value, (int, float)) or (isinstance(value, Tensor) and value.ndim == 0):
            for k, (words, change) in enumerate(NUMBERS):
                if not isinstance(value, int) or k in WHOLE:
                    yield words.format(name), _with(exercise, name, _on_number(change))
        elif isinstance(value, Tensor) and value.is_floating_point():
            for words, turn in TENSORS:
                yield words.format(name), _with(exercise, name, turn)
        elif isinstance(value, Tensor):
            yield f"`{name}` in reverse order", _with(exercise, name, lambda v: v.flip(0))
        elif isinstance(value, dict) and value and all(isinstance(v, Tensor) for v in value.values()):
            for words, turn in TENSORS[:8]:
                yield words.format(name), _with(exercise, name, _on_each(turn))
        elif isinstance(value, (tuple, list)) and len(value) > 0 and not hasattr(value, "_fields"):
            for words, pick in SEQUENCES:
                yield words.format(name), _with(exercise, name, pick)
    pairs = [
        (a, b)
        for a, b in itertools.combinations(names, 2)
        if _build(sample.get(a)) == _build(sample.get(b)) is not None
    ]
    for a, b in pairs:
        yield f"`{a}` and `{b}` exchanged", _renamed(exercise, {a: b, b: a})
        yield f"`{a}` in place of `{b}`", _renamed(exercise, {b: a})
        yield f"`{b}` in place of `{a}`", _renamed(exercise, {a: b})
    for (a, b), (c, d) in itertools.combinations(pairs, 2):
        if len({a, b, c, d}) == 4:
            yield (
                f"`{a}` and `{b}` exchanged, and `{c}` and `{d}` too",
                _renamed(exercise, {a: b, b: a, c: d, d: c}),
            )
            yield f"`{a}` in place of `{b}`, and `{c}` in place of `{d}`", _renamed(exercise, {b: a, d: c})
            yield f"`{b}` in place of `{a}`, and `{d}` in place of `{c}`", _renamed(exercise, {a: b, c: d})


def _on_each(change: Callable[[Tensor], Tensor]) -> Callable[[Any], Any]:
    return lambda value: {key: change(part) for key, part in value.items()}


def _on_number(change: Callable[[float], float]) -> Callable[[Any], Any]:
    def turned(value: Any) -> Any:
        if isinstance(value, Tensor):
            return torch.full_like(value, change(float(value)))
        return type(value)(change(value))

    return turned


def given_to(exercise: Exercise, case: Case) -> dict[str, Any]:
    """What the learner's function is given on a case, also where something is observed."""
    seen: dict[str, Any] = {}

    def spy(*inputs: Any) -> Any:
        seen.update(copy(dict(zip(names_of(exercise), inputs, strict=False))) if not seen else {})
        return exercise.solution(*inputs)

    inputs = copy(case.inputs)
    if exercise.observe:
        exercise.observe(spy, *inputs)
    else:
        spy(*inputs)
    return seen


def _given(exercise: Exercise, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[..., Any]:
    def answer(*inputs: Any) -> Any:
        return exercise.solution(**change(dict(zip(names_of(exercise), inputs, strict=True))))

    return answer


def _renamed(exercise: Exercise, names: dict[str, str]) -> Callable[..., Any]:
    """The solution with some inputs taken for others."""
    return _given(exercise, lambda given: given | {name: given[other] for name, other in names.items()})


def _with(exercise: Exercise, name: str, change: Callable[[Any], Any]) -> Callable[..., Any]:
    return _given(exercise, lambda given: given | {name: change(given[name])})


def _build(value: Any) -> Any:
    """How a value is built, so that one can stand in another's place; None for what cannot be exchanged."""
    if isinstance(value, Tensor):
        return value.dtype.is_floating_point, value.ndim
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, dict):
        return tuple(sorted((str(key), _build(part)) for key, part in value.items()))
    if isinstance(value, (tuple, list)):
        return tuple(map(_build, value))
    return None


NUDGES = 3


def nudged(value: Any, k: int) -> Any:
    """Another value of the same kind, in one of several ways; None if there is no telling."""
    if isinstance(value, bool) or isinstance(value, str) or callable(value):
        return None
    if isinstance(value, int):
        return value + 1 + k
    if isinstance(value, float):
        return (1.1 * value + 0.01, 0.6 * value, -value)[k]
    if isinstance(value, Tensor) and value.is_floating_point():
        bend = torch.linspace(0.01, 0.03, value.numel(), dtype=torch.float64).view(value.shape).to(value)
        other = (1.1 * value + bend, 0.6 * value.flip(0) if value.ndim else 0.6 * value, bend - value)[k]
        return other.detach().requires_grad_(value.requires_grad)
    if isinstance(value, dict):
        parts = {key: nudged(part, k) for key, part in value.items()}
        return None if any(part is None for part in parts.values()) else parts
    return None


def ignored(exercise: Exercise, answer: Callable[..., Any], name: str, k: int) -> Callable[..., Any]:
    """``answer`` with its input ``name`` nudged: where nothing comes of it, the answer does not read it."""

    def other(*inputs: Any) -> Any:
        given = dict(zip(names_of(exercise), inputs, strict=True))
        value = nudged(given[name], k)
        if value is None:
            raise TypeError("no other value of this kind is known")
        return answer(*(given | {name: value}).values())

    return other
