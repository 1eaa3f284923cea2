"""Cases of exercises: whatever an answer does, one sentence is said of it."""

import contextlib
import io
from collections.abc import Callable
from typing import Any

import torch

from mlteach.exercises import check, hint, progress, score
from tests.robustness.table import Room, case

EXERCISES = "Exercises"
LAST = "Solved: 0 of … exercises."


def told(room: Room, say: Callable[..., object], *given: Any) -> str:
    """What is printed, where the score is kept in the room."""
    room.patch.setenv(score.VARIABLE, str(room.folder / "progress.json"))
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        say(*given)
    return out.getvalue().strip()


def raises(theta, gradient, f, i):
    return f * theta - i * theta.grads


def changes(theta, gradient, f, i):
    gradient *= i
    return f * theta - gradient


def returns_nothing(theta, gradient, f, i):
    f * theta - i * gradient  # noqa: B018


def ends(theta, gradient, f, i):
    raise SystemExit


def untouched(theta, gradient, f, i): ...


NOT_YET = "03.1: not yet. "
CASE = 'On the case "gradient descent: f = 1, i = 0.1" your function '
for wrong, answer, said in (
    ("an answer that was not written yet", untouched, "03.1: not attempted yet. Replace the `...` in the cell above and run both cells again; the folded hints help."),
    ("an answer that raises an error", raises, NOT_YET + CASE + "stops at `return f * theta - i * theta.grads`: a `Tensor` has no `.grads` (AttributeError)."),
    ("an answer that ends the program", ends, NOT_YET + CASE + "stops at `raise SystemExit`: SystemExit: no message. hint(\"03.1\", 1) may help."),
    ("an answer that changes its input", changes, NOT_YET + "Your function changes its input `gradient` in place, so the caller's value is lost. Build a new tensor and return it."),
    ("an answer that returns nothing", returns_nothing, NOT_YET + "Your function returns nothing (None). Is a `return` missing?"),
    ("an answer that takes other inputs", lambda theta, gradient: theta, NOT_YET + "Your function is called as cell(theta, gradient, f, i), but it takes (theta, gradient)."),
    ("an answer that is no function", 0.5, NOT_YET + "A function cell(theta, gradient, f, i) is asked for, and the number 0.5 came. Pass the function itself, without calling it."),
    ("an answer of another shape", lambda theta, gradient, f, i: torch.cat([f * theta - i * gradient] * 2), NOT_YET + CASE.replace("your function ", "the shape (3, 4) was expected, (6, 4) came. ") + "hint(\"03.1\", 1) may help."),
    ("an answer that cuts the gradient", lambda theta, gradient, f, i: (f * theta - i * gradient).detach(), NOT_YET + "The numbers are right, but the gradient is cut: nothing flows back to the inputs. `.detach()`, `.data`, `.item()`, `float()`, `torch.tensor(...)` and `torch.no_grad()` cut it."),
):  # fmt: skip

    @case(EXERCISES, wrong, said)
    def answered(room: Room, answer: Any = answer) -> str:
        return told(room, check, "03.1", answer)


@case(EXERCISES, "an exercise that there is not", "There is no exercise '03.99'. There are: 00.1, ….")
def no_exercise(room: Room) -> None:
    check("03.99", 1)


@case(EXERCISES, "a hint that there is not", "Exercise 03.1 has hints 1 to 3; you asked for 9.")
def no_hint(room: Room) -> None:
    hint("03.1", 9)


@case(EXERCISES, "the score cannot be read: the next check puts it aside and begins a new one", LAST)
def no_score(room: Room) -> str:
    (room.folder / "progress.json").write_text("{")
    told(room, check, "03.1", 0.5)
    assert (room.folder / "progress.unreadable.json").read_text() == "{"
    return told(room, progress).splitlines()[-1]


@case(EXERCISES, "the score cannot be written: the check says what it has to say", "03.4: correct.")
def score_refused(room: Room) -> str:
    (room.folder / "progress.json").mkdir()
    return told(room, check, "03.4", (0.25, -0.125))
