"""Slides are the cells that say so; what the lecturer says stays out of the learner's way, and is never missing."""

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from mlteach.course import lectures
from mlteach.course.build import WIDGET_VIEW
from mlteach.course.lessons import LessonError, notebook, sources
from mlteach.course.slides import build_slides, deck, keep, lectured, missing, slides
from mlteach.course.source import learner_notebook

TALK = """\
# %% [markdown] slideshow={"slide_type": "slide"}
# # 98 A talk
#
# A promise.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Say the promise.

# %% [markdown]
# ## A question?
#
# Long text for readers.

# %% slideshow={"slide_type": "subslide"}
print("shown")

# %% slideshow={"slide_type": "fragment", "code": false}
print("at the next key")

# %% [markdown] slideshow={"slide_type": "notes"}
# 41.5 min. Ask $x_1$ people.
#
# Then wait.

# %% [markdown] slideshow={"slide_type": "skip"}
# Not shown.
"""


def cell(text: str, kind: str | None = None, notes: str | None = None) -> Any:
    about = {key: value for key, value in (("slide_type", kind), ("notes", notes)) if value}
    return new_markdown_cell(text, metadata={"slideshow": about} if about else {})


def talk(*cells: Any) -> Any:
    return new_notebook(cells=list(cells))


def test_notes_leave_the_learners_notebook_and_slides_keep_them(course: Path) -> None:
    course.write_text(TALK)
    built = learner_notebook(course)
    assert not [each for each in built.cells if "41.5 min" in each.source]
    first, second = slides(built)
    assert (first.title, first.minutes, first.said) == ("98 A talk", 1, "Say the promise.")
    assert (second.title, second.minutes) == ("A question?", 41.5)
    assert second.said == "Ask $x_1$ people.\n\nThen wait."
    assert [each.source for each in second.cells] == ['print("shown")', 'print("at the next key")']
    assert list(missing(built)) == []


def test_notes_without_a_slide_are_refused(course: Path) -> None:
    course.write_text(TALK.replace('# %% [markdown] slideshow={"slide_type": "slide"}', "# %% [markdown]"))
    with pytest.raises(
        LessonError, match="notes must follow a cell that is on a slide: 1 min. Say the promise."
    ):
        learner_notebook(course)
    course.write_text(TALK + '\n# %% [markdown] slideshow={"slide_type": "notes"}\n# 1 min. Once.\n' * 2)
    with pytest.raises(LessonError, match="notes must follow"):
        learner_notebook(course)


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ([cell("a")], "it has no slides"),
        ([cell("a", "slide")], "needs one notes cell"),
        ([cell("a", "slide", "Say it.")], "needs one notes cell"),
        ([cell("a", "slide", "42 min. Say."), cell("b", "-", "1 min. More.")], "needs one notes cell"),
        ([cell("a", "slide", "39.5 min. Say it.")], "its slides take 39.5 minutes"),
        ([cell("a", "slide", "47.5 min. Say it.")], "its slides take 47.5 minutes"),
        ([cell("a", "fragment", "42 min. Say it.")], "goes on with a slide, but none has begun"),
        ([cell("a", "sldie")], 'is a "sldie" on the slides'),
    ],
)
def test_what_a_lecture_lacks_is_said(cells: list[Any], sentence: str) -> None:
    assert [said for said in missing(talk(*cells)) if sentence in said]


def test_a_slide_goes_on_under_the_last_title_unless_it_has_one() -> None:
    found = slides(
        talk(
            cell("## One `x`"),
            cell("text", "slide"),
            cell("## Two", "slide"),
            cell("a", "-"),
            cell("b", "slide"),
        )
    )
    assert [slide.title for slide in found] == ["One `x`", "Two", "Two"]
    assert [len(slide.cells) for slide in found] == [1, 2, 1]


def test_the_deck_shows_what_is_tagged_and_keeps_the_notes(course: Path) -> None:
    course.write_text(TALK)
    built = learner_notebook(course)
    for each in built.cells:
        if each.cell_type == "code":
            each.outputs = [new_output("stream", name="stdout", text=f"said by {each.id}\n")]
    html = deck(built, "98_small")
    assert "Long text for readers" not in html and "Not shown" not in html
    assert html.count('<section class="slide"') == 2 and "Slide 2 of 2" in html
    assert re.search(r'<aside class="notes" data-minutes="41.5">.*<math.*Then wait.', html, re.S)
    assert re.search(r'<div class="part">(?:(?!class="part).)*said by 98-002', html, re.S)
    assert re.search(r'<div class="part fragment no-code">(?:(?!class="part).)*said by 98-003', html, re.S)
    assert '<h2 class="title">A question?</h2>' in html


def test_slides_of_a_stale_or_untagged_lesson_are_refused(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LessonError, match="was never built. Run: python3 start.py build 98"):
        build_slides(course, tmp_path / "slides")
    nbformat.write(talk(cell("# 98 A"), new_code_cell("1")), notebook(course))
    monkeypatch.setattr("mlteach.course.site.lesson.stale", lambda source: None)
    with pytest.raises(LessonError, match="Lesson 98 has no slides yet. CONTRIBUTING.md says how"):
        build_slides(course, tmp_path / "slides")
    assert not (tmp_path / "slides").exists()


def explorer() -> Any:
    data = {WIDGET_VIEW: {"model_id": "m"}, "text/plain": "Explorer()"}
    return new_code_cell(
        "Explorer()", outputs=[new_output("display_data", data)], metadata={"slideshow": {"slide_type": "-"}}
    )


def test_an_explorer_has_a_slide_of_its_own() -> None:
    crowded = talk(cell("text", "slide", "42 min. Say it."), explorer())
    assert "shows an explorer and more" in next(missing(crowded))
    alone = explorer()
    alone.metadata["slideshow"] = {"slide_type": "slide", "notes": "42 min. Turn it."}
    assert list(missing(talk(alone))) == []


LEARNS = TALK.replace(
    "# %% [markdown]\n# ## A question",
    '# %% tags=["parameters"]\nPROFILE = "smoke"\n\n# %% [markdown]\n# ## A question',
)


def ran(source: Path, said: str, profile: str | None = None) -> Any:
    """The lesson's notebook as a run leaves it, in which every code cell prints ``said``."""
    built = learner_notebook(source)
    for each in built.cells:
        if each.cell_type == "code":
            each.outputs = [new_output("stream", name="stdout", text=f"{said}\n")]
    if profile:
        given = new_code_cell(f'PROFILE = "{profile}"', metadata={"tags": ["injected-parameters"]})
        built.cells.insert(2, given)
        built.metadata["papermill"] = {"parameters": {"PROFILE": profile}}
    return built


def keep_run(run: Any) -> None:
    path = lectures.RUNS / "98-lecture" / "lesson.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(run, path)


def test_a_recorded_lecture_run_is_what_is_projected_until_the_code_changes(course: Path) -> None:
    course.write_text(LEARNS)
    stored = ran(course, "quick")
    assert "drawn in a smoke run" in deck(lectured(stored, course), "98_small")
    with pytest.raises(LessonError, match="has no lecture run in .* --profile lecture"):
        keep(course)
    keep_run(ran(course, "thorough", "lecture"))
    kept = keep(course).read_bytes()
    assert keep(course).read_bytes() == kept and b"thorough" in kept
    (lectures.RUNS / "98-lecture" / "lesson.ipynb").unlink()  # a fresh clone
    html = deck(lectured(stored, course), "98_small")
    assert "thorough" in html and "quick" not in html and "drawn in a" not in html

    course.write_text(LEARNS.replace("A promise", "Another promise"))  # no code
    assert "drawn in a" not in deck(lectured(ran(course, "quick"), course), "98_small")
    course.write_text(LEARNS.replace('print("at', 'print("late at'))
    html = deck(lectured(ran(course, "quick"), course), "98_small")
    assert "thorough" in html and "quick" in html  # the first cell still fits
    assert "drawn in a smoke run" in html
    course.write_text(LEARNS.replace('"smoke"', '"smoke"  # another code'))
    html = deck(lectured(ran(course, "quick"), course), "98_small")
    assert "thorough" not in html and "drawn in a smoke run" in html

    keep_run(ran(course, "my own", "lecture"))  # counts before the recorded one
    assert "my own" in deck(lectured(ran(course, "quick"), course), "98_small")
    stopped = ran(course, "my own", "lecture")
    stopped.cells[-2].metadata["papermill"], stopped.cells[-2].outputs = {"status": "pending"}, []
    keep_run(stopped)
    html = deck(lectured(ran(course, "quick"), course), "98_small")
    assert "my own" in html and "quick" in html  # a run that has not come so far
    with pytest.raises(LessonError, match="is no lecture run of all"):
        keep(course)
    for profile in ("smoke", "paper"):
        keep_run(ran(course, "my own", profile))
        with pytest.raises(
            LessonError, match="is no lecture run of all slides of lesson 98_small as it is now"
        ):
            keep(course)


@pytest.mark.parametrize(
    "content",
    [
        "[",
        "{}",
        '{"cells": {"a": [{"output_type": "stream"}]}}',
        '{"cells": {"a": [{"output_type": "display_data", "metadata": {}, "data": {"W": {"model_id": "m"}}}]}}'
        .replace("W", WIDGET_VIEW),
    ],
)  # fmt: skip
def test_a_damaged_record_is_named(course: Path, content: str) -> None:
    lectures.LECTURES.mkdir()
    (lectures.LECTURES / "98.json").write_text(content)
    with pytest.raises(LessonError, match=r"98.json is not a whole record of a lecture run. Get it back"):
        lectured(ran(course, "quick"), course)


def test_what_a_record_holds_is_refused_on_slides_as_in_a_notebook(course: Path) -> None:
    course.write_text(LEARNS)
    run = ran(course, "thorough", "lecture")
    run.cells[-2].outputs = [new_output("display_data", {"text/html": "<b onclick=hurt()>a</b>"})]
    keep_run(run)
    keep(course)
    (lectures.RUNS / "98-lecture" / "lesson.ipynb").unlink()
    with pytest.raises(LessonError, match='cell 98-00. has "onclick" at its <b>'):
        deck(lectured(ran(course, "quick"), course), "98_small")


def test_a_cell_that_only_shows_an_explorer_may_come_and_go() -> None:
    def last(*code: str) -> str:
        return list(lectures.keys(new_notebook(cells=[new_code_cell(each) for each in code])).values())[-1]

    begin = "from mlteach.explore import GradientCell, style\nx = 3"
    shows = "cell = GradientCell(rate=x)\nfor k in (1, 2):\n    cell.step = k\n    print(cell.summary)"
    alone = last(begin, "print(x)")
    assert last(begin, shows, "print(x)") == alone
    assert last(begin.replace("GradientCell, ", ""), "print(x)") == alone
    assert last(begin, shows, "k = 1", "print(x, k)") == last(begin, "k = 1", "print(x, k)")
    for other in (
        last(begin, shows, "x = k"),  # it reads what the explorer's cell made
        last(begin, shows, "def f():\n    return k", "print(x)"),
        last(begin, "cell = GradientCell(rate=draw())", "print(x)"),  # it may draw a random number
        last(begin, shows + "\nx += 1", "print(x)"),
        last(begin.replace("style", "others"), "print(x)"),
        last(begin.replace("3", "4"), "print(x)"),
    ):
        assert other != alone
    assert last(begin, shows) != last(begin.replace("3", "4"), shows)


def test_every_recorded_lecture_run_is_of_its_lesson_as_it_is_now() -> None:
    """The slides of a lesson without one say that they are drawn in a smoke run."""
    assert any(lectures.path_of(source).exists() for source in sources())
    assert list(lectures.wrong()) == []


def test_a_record_that_is_out_of_date_or_too_large_is_named(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course.write_text(LEARNS)
    keep_run(ran(course, "thorough", "lecture"))
    keep(course)
    assert list(lectures.wrong()) == []
    monkeypatch.setattr(lectures, "MOST_BYTES", 100)
    course.write_text(LEARNS.replace('print("at', 'print("late at'))
    old, large = lectures.wrong()
    assert old.startswith("1 code cells on the slides of lesson 98 are not") and "over 100;" in large


def test_a_room_votes_for_letters() -> None:
    built = talk(
        cell("# 98 A", "slide", "1 min. Say."),
        cell("**Predict.** Which?\n\n- ( ) left\n- ( ) right", "slide", "42 min. Vote."),
    )
    html = deck(built, "98_small")
    assert re.findall(r"<li><strong>(.)</strong>\s+(\w+)", html) == [("A", "left"), ("B", "right")]
    assert "( )" in built.cells[1].source  # the notebook is as it was
