"""Every registered exercise keeps its word: the solution passes, each known mistake is called by its name."""

import inspect
import re
from pathlib import Path

import pytest
import torch

from mlteach.exercises import Exercise, ExerciseError, check, exercises, find, hint, judge, yours

ALL = list(exercises().values())
MISTAKES = [
    (exercise, mistake, wrong) for exercise in ALL for mistake in exercise.mistakes for wrong in mistake.wrong
]
SOURCES = Path(__file__).parents[2] / "notebooks" / "src"


def names(value):
    return value.id if isinstance(value, Exercise) else None


def parameters(exercise: Exercise) -> str:
    return ", ".join(inspect.signature(exercise.solution).parameters)


def write(source: str):
    """A function as a learner would write it."""
    namespace: dict = {"torch": torch}
    exec(source, namespace)
    return namespace["answer"]


@pytest.mark.parametrize("exercise", ALL, ids=names)
def test_the_solution_passes(exercise):
    verdict = judge(exercise, exercise.solution)
    assert (verdict.passed, verdict.attempted) == (True, True), verdict.message
    assert verdict.message.startswith(f"{exercise.id}: correct")


@pytest.mark.parametrize(("exercise", "mistake", "wrong"), MISTAKES, ids=names)
def test_every_known_mistake_gets_its_own_message(exercise, mistake, wrong):
    verdict = judge(exercise, wrong)
    assert not verdict.passed and verdict.attempted
    advice = f' hint("{exercise.id}", {mistake.hint}) may help.' if mistake.hint else ""
    assert verdict.message == f"{exercise.id}: not yet. {mistake.message}{advice}"
    assert mistake.hint in range(len(exercise.hints) + 1)


@pytest.mark.parametrize("exercise", ALL, ids=names)
def test_messages_and_hints_are_there_and_distinct(exercise):
    messages = [mistake.message for mistake in exercise.mistakes]
    assert len(messages) >= 3 and len(set(messages)) == len(messages)
    assert len(exercise.hints) == 3


@pytest.mark.parametrize("exercise", ALL, ids=names)
def test_an_untouched_stub_is_not_an_attempt(exercise):
    stubs = [..., None, (..., ...), [1.0, ...]]
    if exercise.cases:
        head = f"def answer({parameters(exercise)}):"
        stubs += [
            write(f"{head}\n    {body}")
            for body in ("...", "pass", "return ...", '"""What to do."""\n    ...')
        ]
    for stub in stubs:
        verdict = judge(exercise, stub)
        assert not verdict.attempted and not verdict.passed
        assert "not attempted yet" in verdict.message


def garbage(exercise: Exercise):
    """Answers no one should give, and someone will."""
    plain = ["text", object(), {"a": 1}, [], float("nan"), float("inf"), 1 + 2j, torch.ones(0), int, print,
             torch.nn.Linear(2, 2), torch.full((3, 4), torch.nan), (float("nan"),) * 2, ("a", "b"), torch.eye(9)]  # fmt: skip
    yield from plain
    if not exercise.cases:
        return
    names = parameters(exercise)
    first = names.split(",")[0]
    bodies = ["raise ValueError('broken')", "return 1 / 0", "return undefined_name", "return 0.5", "return 'text'",
              f"return torch.full((7, 3), torch.nan) + 0 * torch.as_tensor({first}).sum()", f"{first} = 1",
              f"return torch.as_tensor({first}).double() * float('nan')", f"return [{first}] * 9", "return object()",
              "return torch.ones(2, dtype=torch.complex64)", "return torch.ones(2, device='meta')", "return {}",
              "return answer(*[None] * 99)", f"return answer({names})", "raise SystemExit(1)",
              f"return lambda: {first}"]  # fmt: skip
    yield from (write(f"def answer({names}):\n    {body}") for body in bodies)
    yield write("def answer():\n    return 1")
    yield write("def answer(a, b, c, d, e, f, g, h):\n    return a")
    yield write("def answer(*, only_by_name):\n    return only_by_name")


@pytest.mark.parametrize("exercise", ALL, ids=names)
def test_garbage_gets_a_sentence(exercise):
    for answer in garbage(exercise):
        verdict = judge(exercise, answer)
        assert verdict.attempted and not verdict.passed, answer
        assert verdict.message.startswith(f"{exercise.id}: not yet. ") and "Traceback" not in verdict.message
        assert "cannot be compared" not in verdict.message  # the judge itself has stopped
        assert "\n" not in verdict.message and 30 < len(verdict.message) < 400


def test_general_sentences_name_the_case_and_what_was_expected():
    said = judge(find("03.1"), lambda theta, gradient, f, i: f * theta - 3 * i * gradient).message
    assert (
        'On the case "gradient descent: f = 1, i = 0.1"' in said and "was expected" in said and "came" in said
    )
    assert "takes (x)" in judge(find("03.1"), lambda x: x).message
    assert "without calling it" in judge(find("03.1"), torch.ones(2)).message
    assert (
        "the shape (3, 4) was expected"
        in judge(find("03.1"), lambda a, b, f, i: (f * a - i * b + 1)[:1]).message
    )
    assert "A tensor of shape (3, 4) was expected" in judge(find("03.1"), lambda a, b, f, i: 0.5).message
    assert "ZeroDivisionError" in judge(find("03.1"), lambda a, b, f, i: 1 / 0).message
    assert (
        "`return` missing"
        in judge(find("03.1"), write("def answer(a, b, f, i):\n    c = f * a - i * b")).message
    )


def test_changing_an_input_in_place_is_named():
    def answer(theta, gradient, f, i):
        gradient *= i
        return f * theta - gradient

    assert "changes its input `gradient` in place" in judge(find("03.1"), answer).message


def test_single_precision_and_plain_numbers_are_accepted():
    rounded = judge(find("03.1"), lambda theta, gradient, f, i: (f * theta - i * gradient).float().double())
    assert rounded.passed and rounded.message.endswith(", right to single precision.")
    assert judge(find("03.4"), [torch.tensor(0.25), -0.125]).passed


def test_check_prints_once_and_a_notebook_shows_nothing_more(capsys):
    verdict = check("03.4", (0.25, -0.125))
    assert capsys.readouterr().out == "03.4: correct.\n" and verdict.passed
    verdict._ipython_display_()
    assert capsys.readouterr().out == ""


def test_hints_are_printed_and_unknown_names_are_explained(capsys):
    hint("03.1", 2)
    assert capsys.readouterr().out.startswith("Hint 2 of 3 for 03.1: ")
    for call in (lambda: check("99.9", 1), lambda: hint("99.9", 1)):
        with pytest.raises(ExerciseError, match=r"no exercise '99.9'. There are: .*03.1, 03.2"):
            call()
    with pytest.raises(ExerciseError, match="hints 1 to 3; you asked for 4"):
        hint("03.1", 4)


def plain(text: str) -> str:
    """The words alone: in a folded hint code is marked with tags, in a printed one with backticks."""
    return re.sub(r"\s+", " ", re.sub(r"</?code>|`", "", text))


@pytest.mark.parametrize("exercise", ALL, ids=names)
def test_the_lesson_folds_the_same_hints_and_asks_for_the_same_function(exercise):
    sources = list(SOURCES.glob(f"{exercise.id.split('.')[0]}_*.py"))
    if not sources:
        pytest.skip("the lesson is not written yet")
    text = plain(re.sub(r"(?m)^# ?", "", sources[0].read_text(encoding="utf-8")))
    assert f'check("{exercise.id}"' in text
    missing = [hint for hint in exercise.hints if plain(hint) not in text]
    assert not missing
    if exercise.cases:
        written = re.search(rf"def {exercise.solution.__name__}\((.*?)\):", text)
        assert written and re.sub(r"=[^,]+", "", written[1]) == parameters(exercise)


def test_a_lesson_goes_on_with_what_passes(capsys: pytest.CaptureFixture[str]) -> None:
    right = find("01.1").solution

    def stub(*inputs): ...

    assert yours("01.1", right, otherwise=stub) is right
    assert capsys.readouterr().out == f"From here on the lesson runs your {right.__name__}.\n"
    assert yours("01.1", stub, otherwise=right) is right
    assert capsys.readouterr().out == "Until your stub passes 01.1, the lesson runs the course's own.\n"
    with pytest.raises(ExerciseError, match="no exercise '01.99'"):
        yours("01.99", right, otherwise=right)
