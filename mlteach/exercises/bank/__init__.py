"""Plausible answers to every exercise, right and wrong, as data: what the judge is measured by.

The answers to the exercises of lesson NN are the dict ``BANK`` in ``lessonNN.py`` beside this file, by exercise id.
A second set, from another base, is the ``BANK`` of ``lessonNN_again.py``.
``python -m mlteach.exercises.bank`` prints what the judge makes of them.
"""

import contextlib
import io
import linecache
import math
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

import torch

from mlteach.exercises import Verdict, find, judge

Edit = tuple[str, str]
Answer = str | Edit | tuple[Edit, ...]


@dataclass(frozen=True)
class Bank:
    """Answers to one exercise, each as the text a learner would write in the exercise's cell.

    ``name`` is what goes to ``check(id, ...)``; ``base`` is a right answer. The others are whole texts, or one edit
    (old, new) of ``base``, or several; each ``old`` stands in it exactly once. ``setup`` defines what the lesson has
    at that cell; torch, math, Tensor and F are always there. ``pitfalls`` are labels out of ``wrong``: the
    likeliest mistakes, which must be named.
    """

    name: str
    base: str
    wrong: Mapping[str, Answer]
    right: Mapping[str, Answer] = field(default_factory=dict)
    pitfalls: tuple[str, ...] = ()
    setup: str = ""


@dataclass(frozen=True)
class Tried:
    """What the judge said of one answer. ``is_right`` says what it should have found."""

    label: str
    is_right: bool
    verdict: Verdict


def banks() -> dict[str, Bank]:
    """The bank of every exercise that has one, by exercise id."""
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found: dict[str, Bank] = {}
    for name in modules:
        if name.startswith("lesson"):
            for id, bank in import_module(f"{__name__}.{name}").BANK.items():
                found[id] = joined(found[id], bank) if id in found else bank
    return found


def joined(bank: Bank, more: Bank) -> Bank:
    """One bank with the answers of both, which may start from two bases. Raises ValueError where a label stands in both."""
    texts = {label: text_of(more, answer) for label, answer in more.wrong.items()}
    right = {f"the base of {len(more.right)} more": more.base}
    right |= {label: text_of(more, answer) for label, answer in more.right.items()}
    if twice := {*bank.wrong, *bank.right} & {*texts, *right}:
        raise ValueError(f"two answers have the same label: {', '.join(sorted(twice))}")
    return replace(bank, wrong={**bank.wrong, **texts}, right={**bank.right, **right})


def text_of(bank: Bank, answer: Answer) -> str:
    """The whole text of ``answer``. Raises ValueError if an edit does not fit the base."""
    if isinstance(answer, str):
        return answer
    text = bank.base
    for old, new in (answer,) if isinstance(answer[0], str) else answer:
        if text.count(old) != 1:
            raise ValueError(
                f"{old!r} stands {text.count(old)} times in the text to be edited, not once:{text}"
            )
        text = text.replace(old, new)
    return text


def learned(bank: Bank, text: str, label: str = "answer") -> Any:
    """What ``text`` defines under the bank's name, run as a cell would run it, with its lines known to tracebacks."""
    cell = f"<cell {label}>"
    linecache.cache[cell] = (len(text), None, text.splitlines(keepends=True), cell)
    names: dict[str, Any] = {
        "torch": torch, "math": math, "Tensor": torch.Tensor, "F": torch.nn.functional,
    }  # fmt: skip
    exec(compile(bank.setup, "<setup>", "exec"), names)
    exec(compile(text, cell, "exec"), names)
    return eval(bank.name, names)


def tried(id: str, bank: Bank) -> Iterator[Tried]:
    """Every answer of one bank with its verdict: the base, the right ones, the wrong ones."""
    exercise = find(id)
    answers = [("base", True, bank.base)]
    answers += [(label, True, text_of(bank, answer)) for label, answer in bank.right.items()]
    answers += [(label, False, text_of(bank, answer)) for label, answer in bank.wrong.items()]
    for label, is_right, text in answers:
        with contextlib.redirect_stdout(io.StringIO()):  # some print where they should return
            verdict = judge(exercise, learned(bank, text, label))
        yield Tried(label, is_right, verdict)


@dataclass(frozen=True)
class Counts:
    """How the judge did on one bank; the fields are lists of labels."""

    wrong: list[str]
    named: list[str]
    generic: list[str]
    accepted: list[str]
    right: list[str]
    refused: list[str]


def counts(every: list[Tried]) -> Counts:
    """Sort the answers of one bank by what the judge said."""
    wrong, right = [t for t in every if not t.is_right], [t for t in every if t.is_right]
    return Counts(
        wrong=[t.label for t in wrong],
        named=[t.label for t in wrong if not t.verdict.passed and t.verdict.named],
        generic=[t.label for t in wrong if not t.verdict.passed and not t.verdict.named],
        accepted=[t.label for t in wrong if t.verdict.passed],
        right=[t.label for t in right],
        refused=[t.label for t in right if not t.verdict.passed],
    )
