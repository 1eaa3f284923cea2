"""The judge on every plausible answer of the bank: none accepted, none refused, at least four in five named."""

import functools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mlteach.exercises import exercises, find
from mlteach.exercises.bank import Bank, Tried, banks, counts, joined, learned, text_of, tried
from mlteach.exercises.reference import Reference, is_close

IDS = list(exercises())


@functools.cache
def outcome(id: str) -> list[Tried]:
    assert id in banks(), f"exercise {id} has no bank: write it in mlteach/exercises/bank/lesson{id[:2]}.py"
    return list(tried(id, banks()[id]))


def said(id: str, labels: list[str]) -> str:
    """The sentences of some answers, to be read when a test fails."""
    return "".join(f"\n  {t.label}: {t.verdict.message}" for t in outcome(id) if t.label in labels)


@pytest.mark.parametrize("id", IDS)
def test_no_wrong_answer_is_accepted_and_no_right_one_refused(id: str) -> None:
    found = counts(outcome(id))
    assert not found.accepted, said(id, found.accepted)
    assert not found.refused, said(id, found.refused)


@pytest.mark.parametrize("id", IDS)
def test_at_least_twenty_wrong_answers_and_four_in_five_are_named(id: str) -> None:
    found = counts(outcome(id))
    assert len(found.wrong) >= 20
    assert len(found.named) >= 0.8 * len(found.wrong), said(id, found.generic)


@pytest.mark.parametrize("id", IDS)
def test_the_likeliest_mistakes_are_named(id: str) -> None:
    found, pitfalls = counts(outcome(id)), banks()[id].pitfalls
    assert pitfalls and set(pitfalls) <= set(found.wrong)
    unnamed = [label for label in pitfalls if label not in found.named]
    assert not unnamed, said(id, unnamed)


@pytest.mark.parametrize("id", IDS)
def test_what_is_said_can_be_read(id: str) -> None:
    for t in outcome(id):
        assert "\n" not in t.verdict.message and len(t.verdict.message) < 500, t
        assert "cannot be compared" not in t.verdict.message, t  # the judge itself has stopped


def test_every_bank_belongs_to_an_exercise() -> None:
    assert set(banks()) <= set(IDS)


def test_an_edit_that_does_not_fit_is_an_error() -> None:
    bank = Bank(name="f", base="def f(x):\n    return x + x\n", wrong={})
    assert text_of(bank, ("return x", "return -x")) == "def f(x):\n    return -x + x\n"
    assert text_of(bank, (("return x", "return 2"), ("+ x", ""))) == "def f(x):\n    return 2 \n"
    for edit in (("y", "x"), ("x", "y")):
        with pytest.raises(ValueError, match="times in the text"):
            text_of(bank, edit)


def test_two_sets_from_two_bases_are_one_bank() -> None:
    bank = Bank(name="f", base="def f(x): return x + x\n", wrong={"three": ("x + x", "x + x + x")})
    more = Bank(
        name="f",
        base="def f(x): return 2 * x\n",
        wrong={"none": ("2", "0")},
        right={"half": ("2 *", "4 / 2 *")},
    )
    both = joined(bank, more)
    assert both.wrong["none"] == "def f(x): return 0 * x\n" and set(both.wrong) == {"three", "none"}
    assert [learned(both, text_of(both, answer))(3) for answer in both.right.values()] == [6, 6]
    with pytest.raises(ValueError, match="the same label: half, none"):
        joined(both, more)


@functools.cache
def right_answers(id: str) -> list[tuple[str, object]]:
    bank = banks()[id]
    texts = {"base": bank.base, **{label: text_of(bank, answer) for label, answer in bank.right.items()}}
    return [(label, learned(bank, text, label)) for label, text in texts.items()]


@pytest.mark.parametrize("id", [id for id in IDS if find(id).draw])
@settings(max_examples=10)
@given(seed=st.integers(0, 2**63 - 1))
def test_right_answers_are_right_on_any_drawn_case(id: str, seed: int) -> None:
    exercise = find(id)
    assert exercise.draw is not None
    known = Reference(exercise, [exercise.draw(torch.Generator().manual_seed(seed))])
    assert known.right[0].error is None
    for label, answer in right_answers(id):
        (came,) = known.outcomes(answer)
        assert is_close(known.right[0], came, exercise.tolerance), (label, known.cases[0].inputs)
