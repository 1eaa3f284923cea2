"""MethodMap: one table, read in Python and in JavaScript."""

import pytest
import traitlets

from mlteach.course.lessons import SOURCES
from mlteach.explore import MethodMap
from mlteach.explore.method_map import COLUMNS, METHODS


def test_every_choice_is_in_its_column_and_no_choice_is_idle() -> None:
    used = list(zip(*(row.choices for row in METHODS.values()), strict=True))
    for (_, _, choices), chosen in zip(COLUMNS.values(), used, strict=True):
        assert set(chosen) == set(choices)
    every = [choice for _, _, choices in COLUMNS.values() for choice in choices]
    assert len(every) == len(set(every))  # a choice alone says in which column it stands


def test_no_two_methods_make_the_same_choices() -> None:
    assert len({row.choices for row in METHODS.values()}) == len(METHODS)


def test_the_course_in_one_line() -> None:
    chart = MethodMap(method="MAML")
    assert chart.summary == (
        "MAML = a few-shot task + all weights + SGD + full meta-gradient. Taught in lesson 06. "
        "One choice away: FOMAML, Reptile, ANIL, Meta-SGD, MeTAL, TSA-MAML, Implicit MAML."
    )
    chart.method = "Siamese networks"
    assert chart.summary.endswith(
        "No other method is one choice away; 2 away: Prototypical networks, Matching networks, Contrastive learning, "
        "In-context learning, Joint training."
    )


def test_neighbours_are_neighbours_both_ways() -> None:
    methods = MethodMap().methods
    for name, row in methods.items():
        for choice, other in row["beside"].items():
            assert choice in METHODS[other].choices and choice not in METHODS[name].choices
            assert name in methods[other]["beside"].values()


def test_the_map_has_the_islands_that_lesson_00_names() -> None:
    rows, left, islands = MethodMap().methods, set(METHODS), []
    while left:
        reached, more = set(), {min(left)}
        while more:
            reached |= more
            more = {other for name in more for other in rows[name]["beside"].values()} - reached
        islands.append(reached)
        left -= reached
    assert sorted(map(len, islands)) == [1, 1, 2, 5, 10]
    assert {"Meta-learner LSTM", "Learned optimizer"} in islands and {"Siamese networks"} in islands


def test_a_method_knows_the_file_of_its_lesson_once_that_is_written() -> None:
    written = {path.stem[:2]: path.stem for path in SOURCES.glob("[0-9][0-9]_*.py")}
    for row in MethodMap().methods.values():
        assert row["page"] == written.get(row["lesson"], "")


def test_equations_are_parts_of_words_and_of_formulas(javascript) -> None:
    equations = [row.equation for row in METHODS.values()]
    for equation, found in zip(
        equations, javascript("method_map", "data.map(m.parts)", equations), strict=True
    ):
        assert " ".join(part["text"] for part in found) == equation.replace("  ", " ")
        assert not any("_" in part["text"] or "=" in part["text"] for part in found if part["words"])
    (said,) = javascript("method_map", "data.map(m.parts)", ["with a rate for w′ = w − a,  a = softmax"])
    assert said == [
        {"words": True, "text": "with a rate for"},
        {"words": False, "text": "w′ = w − a,"},
        {"words": False, "text": "a ="},
        {"words": True, "text": "softmax"},
    ]


def test_lessons_exist_in_the_plan() -> None:
    assert all(0 <= int(row.lesson) <= 20 and len(row.lesson) == 2 for row in METHODS.values())


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(traitlets.TraitError, match="FOMAML"):
        MethodMap(method="Adam")


def test_javascript_says_the_same(javascript) -> None:
    charts = [MethodMap(method=name) for name in METHODS]
    states = [{"method": c.method, "methods": c.methods} for c in charts]
    assert javascript("method_map", "data.map(m.summary)", states) == [c.summary for c in charts]
