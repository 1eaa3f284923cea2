"""Slides are the cells that say so; what the lecturer says stays out of the learner's way, and is never missing."""

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from mlteach.course.build import WIDGET_VIEW
from mlteach.course.lessons import LessonError, notebook
from mlteach.course.slides import build_slides, deck, lectured, missing, profile, slides
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


def ran(built: Any, said: str) -> Any:
    for each in built.cells:
        if each.cell_type == "code":
            each.outputs = [new_output("stream", name="stdout", text=f"{said}\n")]
    return built


def test_a_lecture_run_of_the_same_cells_is_what_is_projected(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course.write_text(
        TALK.replace(
            "# %% [markdown]\n# ## A question",
            '# %% tags=["parameters"]\nPROFILE = "smoke"\n\n# %% [markdown]\n# ## A question',
        )
    )
    stored = ran(learner_notebook(course), "quick")
    monkeypatch.setattr("mlteach.course.slides.RUNS", tmp_path)
    assert lectured(stored, course) is None and "drawn in a smoke run" in deck(stored, "98_small")
    run = ran(learner_notebook(course), "thorough")
    run.cells.insert(2, new_code_cell('PROFILE = "lecture"', metadata={"tags": ["injected-parameters"]}))
    run.metadata["papermill"] = {"parameters": {"PROFILE": "lecture"}}
    (tmp_path / f"{course.stem[:2]}-lecture").mkdir()
    nbformat.write(run, tmp_path / f"{course.stem[:2]}-lecture" / "lesson.ipynb")
    projected = lectured(stored, course)
    assert projected and profile(projected) == "lecture"
    html = deck(projected, "98_small")
    assert "thorough" in html and "quick" not in html and "drawn in a" not in html
    stored.cells[-2].source += "  # another cell"
    assert lectured(stored, course) is None  # an old run is not projected


def test_a_room_votes_for_letters() -> None:
    built = talk(
        cell("# 98 A", "slide", "1 min. Say."),
        cell("**Predict.** Which?\n\n- ( ) left\n- ( ) right", "slide", "42 min. Vote."),
    )
    html = deck(built, "98_small")
    assert re.findall(r"<li><strong>(.)</strong>\s+(\w+)", html) == [("A", "left"), ("B", "right")]
    assert "( )" in built.cells[1].source  # the notebook is as it was
