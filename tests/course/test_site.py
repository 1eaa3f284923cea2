"""Pages ask for nothing but themselves; what cannot be shown on one is refused, with the lesson and the place named."""

import json
import re
import shutil
import subprocess
import unicodedata
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest
from fontTools.ttLib import TTFont
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from mlteach.course.build import WIDGET_STATE, WIDGET_VIEW
from mlteach.course.lessons import LessonError, notebook, sources
from mlteach.course.site import MOST_BYTES, all_lessons, build_page, build_site, page
from mlteach.course.site.clean import clean
from mlteach.course.site.explorers import explorers
from mlteach.course.site.exporter import FONT, HERE, coloured, file, self_contained
from mlteach.course.site.formulas import mathml
from mlteach.course.site.lesson import Lesson, about, read
from mlteach.course.site.map import course_map, parts, sections
from mlteach.course.site.moves import moves
from mlteach.explore.base import script, stylesheet
from tests.course.sealed import assert_sealed

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+?)\$", re.DOTALL)
LESSONS = [
    Lesson("97_before", "97 Before", "A promise.", "5"),
    Lesson("98_small", "98 Small", "A promise.", "5"),
    Lesson("99_after", "99 After", "Another.", "5"),
]


MODEL = {
    "_esm": script("gradient_cell"),
    "_css": stylesheet("gradient_cell"),
    "_anywidget_id": "mlteach.explore.gradient_cell.GradientCell",
    "step": 3,
    "data": None,
}


def explorer_output(model: str) -> Any:
    data = {WIDGET_VIEW: {"model_id": model}, "image/png": DOT, "text/plain": "A dot."}
    return new_output("display_data", data=data, metadata={"image/png": {"alt": "A red dot, alone."}})


def make(*cells: Any, models: dict[str, Any] | None = None) -> Any:
    made = new_notebook(cells=[new_markdown_cell("# 98 Small\n\nA promise.\n\n5 minutes"), *cells])
    for number, cell in enumerate(made.cells):
        cell.id = f"98-{number:03d}"
    if models:
        made.metadata["widgets"] = nbformat.from_dict({WIDGET_STATE: {"state": models}})
    return made


@pytest.fixture
def html(tmp_path: Path) -> Callable[..., str]:
    def build(*cells: Any, **more: Any) -> str:
        path = tmp_path / "98_small.ipynb"
        nbformat.write(make(*cells, **more), path)
        return build_page(path, tmp_path / "98.html", LESSONS).read_text(encoding="utf-8")

    return build


def article(html: str) -> str:
    return html.partition("<article>")[2].partition("</article>")[0]


# ---- every lesson ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source", [source for source in sources() if notebook(source).exists()], ids=lambda path: path.stem
)
def test_every_lesson_becomes_a_page_that_needs_nothing_else(source: Path) -> None:
    html = page(notebook(source), all_lessons())  # raises when it would ask for a file or link into the void
    assert len(html.encode()) < MOST_BYTES
    assert "$$" not in article(html) and "\\frac" not in article(html)
    assert not re.search(r"@import|url\((?!data:|#)", html)
    assert_sealed(html)
    stored = read(notebook(source))
    shown = sum(
        WIDGET_VIEW in out.get("data", {}) for cell in stored.cells for out in cell.get("outputs", [])
    )
    again = html.partition('<div class="opening">')[2].partition("</figure>")[0].count('class="explorer"')
    assert html.count('<figure class="explorer"') == shown + again
    packed = explorers(stored, name="")
    for text in filter(None, (packed["base"], *packed["modules"])):
        assert html.count(json.dumps(text, ensure_ascii=False).replace("<", "\\u003c")) == 1


def test_a_stale_lesson_is_refused_before_anything_is_written(course: Path, tmp_path: Path) -> None:
    with pytest.raises(LessonError, match=r"98_small.ipynb was never built. Run: python3 start.py build 98"):
        build_site(tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_a_site_is_a_map_and_a_page_a_lesson(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "# 98 Small\n\nA promise.\n\n| | lesson | question |\n|---|---|---|\n| 98 | Small | What? |"
    nbformat.write(make(new_markdown_cell(text)), notebook(course))
    monkeypatch.setattr("mlteach.course.site.lesson.stale", lambda source: None)
    site = tmp_path / "site"
    site.mkdir()
    (site / "97_mine.html").write_text("kept")
    for _ in range(2):
        assert build_site(site, progress=False) == site / "index.html"
        found = sorted(path.name for path in site.iterdir())
        assert found == [".mlteach-site.json", "97_mine.html", "98_small.html", "index.html"]


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "98_small.ipynb").write_text(nbformat.writes(make()))
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(LessonError, match="could not be written: .*Choose another folder with --output"):
        build_page(tmp_path / "98_small.ipynb", tmp_path / "taken" / "98.html", LESSONS)


# ---- formulas ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tex", "part"),
    [
        (r"\theta_{t-1}", "<msub><mi>θ</mi>"),
        (r"\hat\theta + \tilde c + \bar x", "<mover"),
        (r"\mathbf{x}\,\boldsymbol\theta\,\mathbb R", "𝐱"),
        (r"L_{\text{query}}", "<mtext>query</mtext>"),
        (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", "<mtable"),
        (r"f = \begin{cases} 1 & x > 0 \\ 0 & \text{else} \end{cases}", "<mo>{</mo>"),
        (r"\tfrac12 \lVert W\theta - y \rVert^2", "<mfrac"),
        (r"{\color{#007CC2}{c_t}} + f_t", "color:light-dark(#007CC2,#4fa8e6)"),
        (r"\widetilde\phi + \overline{x} + \vec v", "<mover"),
        (r"L''", '<mo class="prime">'),
        (r"\bigl(I - \alpha H\bigr)\,\nabla", "∇"),
    ],
)
def test_formulas_become_mathml(tex: str, part: str) -> None:
    for display in (False, True):
        made = mathml(tex, display=display)
        assert made.startswith("<math") and part in made and "\\" not in made
        assert ('display="block"' in made) == display


def test_a_colour_ends_with_its_group() -> None:
    made = mathml(r"{\color{#007CC2}{c_t}} + f_t", display=True)
    coloured = made.partition("color:light-dark(#007CC2,")[2].partition("</mrow>")[0]
    assert "<mi>c</mi>" in coloured and "<mi>f</mi>" not in coloured


@pytest.mark.parametrize("tex", [r"\nosuchcommand x", r"\frac{a}{b", r"x^", r"\begin{nosuch} a \end{nosuch}"])
def test_a_formula_that_cannot_be_read_names_the_lesson_and_itself(
    html: Callable[..., str], tex: str
) -> None:
    with pytest.raises(LessonError, match=r"98_small: The formula .* cannot be read") as caught:
        html(new_markdown_cell(f"As ${tex}$ shows."))
    assert tex in str(caught.value)


def test_markdown_leaves_formulas_alone(html: Callable[..., str]) -> None:
    said = article(
        html(new_markdown_cell("$a_1 * b_2 * c_3$ and *words* and `$HOME_DIR`\n\n$$x_1 < y_1 * z$$"))
    )
    assert said.count("<math") == 2 and said.count("<em>") == 1
    assert "<code>$HOME_DIR</code>" in said and "&lt;" in said


def test_a_formula_in_html_is_one_too(html: Callable[..., str]) -> None:
    said = article(
        html(new_markdown_cell("<details><summary>Why $\\theta_0$?</summary>It is $x_1$.</details>"))
    )
    assert said.count("<math") == 2 and "$" not in said


def test_a_comma_stays_with_its_formula(html: Callable[..., str]) -> None:
    said = article(html(new_markdown_cell("The rate ($\\alpha$), and $\\beta$ too.")))
    (glued,) = re.findall(r'<span class="glued">(.*?)</span>', said)
    assert glued.startswith("(<math") and glued.endswith("</math>),")


def test_a_lost_dollar_is_found(html: Callable[..., str]) -> None:
    with pytest.raises(LessonError, match="there is a dollar sign in"):
        html(new_markdown_cell("This costs $5 and no more."))


# ---- text --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "It costs \\$5.",
        "It costs \\$5 and \\$6 or $x$",
        "## It costs \\$5",
        "<p>costs \\$5</p>",
        "| a |\n|-|\n| \\$5 |",
    ],
)
def test_a_price_is_no_formula(html: Callable[..., str], text: str) -> None:
    page = html(new_markdown_cell(text))
    assert "$5" in article(page) and "\ue024" not in page


def test_a_price_in_a_title_is_one_everywhere(tmp_path: Path) -> None:
    made = make()
    made.cells[0].source = "# 98 What \\$5 buys\n\nFor \\$6.\n\n5 minutes"
    path = tmp_path / "98_small.ipynb"
    nbformat.write(made, path)
    lesson = about(made, "98_small")
    page = build_page(path, tmp_path / "98.html", [lesson]).read_text(encoding="utf-8")
    road = make(new_markdown_cell("| | lesson | the question |\n|---|---|---|\n| 98 | a | b |"))
    both = page, course_map(road, [lesson], {"98_small": page})
    assert "<title>98 What $5 buys" in page and all(
        "For $6." in each and "\ue024" not in each for each in both
    )


def test_a_heading_is_found_whatever_it_is_called(html: Callable[..., str]) -> None:
    names = [
        "theme",
        "lesson",
        "done",
        "100 % sure",
        "[a link](https://x.example) in it",
        "![](attachment:a)",
        "same",
        "same",
    ]
    cells = [new_markdown_cell(f"## {name}", attachments={"a": {"image/png": DOT}}) for name in names]
    page = html(*cells)
    ids = re.findall(r' id="([^"]*)"', page)
    links = re.findall(r'<li class="level2"><a href="#([^"]+)">(.*?)</a></li>', page)
    assert len(ids) == len(set(ids)) and len(links) == len(names)
    assert all(f'<h2 id="{place}"' in page and "<a" not in text for place, text in links)


def test_folded_text_stays_inside_its_fold(html: Callable[..., str]) -> None:
    said = article(
        html(new_markdown_cell("<details><summary>Hint</summary>\n\nLook **here**.\n\n</details>\n\nAfter."))
    )
    assert re.search(
        r"<details><summary>Hint</summary>\s*<p>Look <strong>here</strong>.</p>\s*</details>\s*<p>After", said
    )


def test_links_lead_to_pages_and_files_are_named(html: Callable[..., str]) -> None:
    said = article(
        html(
            new_markdown_cell(
                "[a](99_after.ipynb) [b](99_after.ipynb#How) [c](../data/README.md) [d](https://x.org)"
            )
        )
    )
    assert (
        'href="99_after.html"' in said
        and 'href="99_after.html#How"' in said
        and 'href="https://x.org"' in said
    )
    assert "(<code>data/README.md</code> in your copy of the course)" in said and "ipynb" not in said


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[a](42_nowhere.ipynb)", "links to 42_nowhere.ipynb, and there is no such lesson"),
        ("![a picture](https://x.org/a.png)", 'would ask for "https://x.org/a.png"'),
        ('<img src="nowhere.png" alt="none">', 'would ask for "nowhere.png"'),
        ('<a href="other.html">a</a>', 'it links to "other.html", which is not on the site'),
        ('<p style="background: url(https://x.org/a.png)">a</p>', "would ask for what"),
    ],
)
def test_what_would_need_another_file_is_refused(html: Callable[..., str], text: str, sentence: str) -> None:
    with pytest.raises(LessonError, match="98_small") as caught:
        html(new_markdown_cell(text))
    assert sentence in str(caught.value)


def test_scripts_and_styles_may_hold_what_text_may_not() -> None:
    kept = "<script>const $ = 1;</script><pre>$HOME</pre><img src='data:,'>"
    assert self_contained(kept, name="x", pages=()) == kept


def test_a_page_has_its_place(html: Callable[..., str]) -> None:
    made = html(new_markdown_cell("## How?\n\n### How?"))
    assert 'lang="en"' in made and "<title>98 Small</title>" in made and 'content="A promise."' in made
    assert '<a rel="prev" href="97_before.html">' in made and '<a rel="next" href="99_after.html">' in made
    assert 'id="How?"' in made and 'id="How?-2"' in made and 'href="#How?-2">How?</a></li>' in made


def test_folded_cells_and_exercises(html: Callable[..., str]) -> None:
    out = new_output("stream", name="stdout", text="a  sentence\n")
    columns = new_output("stream", name="stdout", text="one     two\n")
    said = article(
        html(
            new_code_cell("hidden = 1", outputs=[out], metadata={"jupyter": {"source_hidden": True}}),
            new_code_cell("answer = ...", outputs=[columns], metadata={"tags": ["exercise"]}),
        )
    )
    assert re.search(
        r'<details class="source"><summary>Show the code</summary>.*hidden.*?</details>', said, re.S
    )
    assert "lab 98</pre>" in said and said.count('class="printed columns"') == 1


# ---- the story ---------------------------------------------------------------------------------------------------


def figure(alt: str = "A red dot. Alone.") -> Any:
    data = {"image/png": DOT, "text/plain": alt}
    return new_output("display_data", data=data, metadata={"image/png": {"alt": alt, "width": 800}})


def printed(text: str) -> Any:
    return new_output("stream", name="stdout", text=text)


def tagged(code: str, *tags: str, outputs: tuple[Any, ...] = ()) -> Any:
    return new_code_cell(code, outputs=list(outputs), metadata={"tags": list(tags)})


PREDICTION = """It falls.

**Predict.** How far?

- ( ) By *one* metre,
  or two.
- ( ) By $x_1$.

```
# no heading
<details> no answer
```

<details><summary>Why</summary>secret 0</details>"""


def covers(html: str) -> list[tuple[str, str]]:
    """(number of the guess, text) of everything that is covered."""
    from bs4 import BeautifulSoup

    found = BeautifulSoup(html, "html.parser").select(".covered")
    return [(str(each["data-covers"]), each.select_one(".under").get_text(" ", strip=True)) for each in found]  # type: ignore[union-attr]


def test_what_answers_a_prediction_is_covered_up_to_the_next_heading(html: Callable[..., str]) -> None:
    made = html(
        new_markdown_cell(PREDICTION),
        new_code_cell("x = 1", outputs=[printed("secret 1")]),
        new_markdown_cell("secret 2\n\n## What now?\n\nin sight"),
        new_code_cell("y = 1", outputs=[printed("in sight")]),
        tagged("show(fig, alt='secret 3')", "answer", outputs=(figure(),)),
        new_markdown_cell("**Predict.** And then?\n\nSay it."),
        tagged("z = 1", "open", outputs=(printed("in sight"),)),
        new_code_cell("w = 1", outputs=[printed("secret 4")]),
        new_code_cell('print("secret 5:", w > 0)'),
        new_markdown_cell("## The end\n\n**Predict.** Nobody answers this.\n\n## Really"),
    )
    found = covers(made)
    assert [(number, re.findall(r"secret \d", text)) for number, text in found] == [
        ("1", ["secret 0"]), ("1", ["secret 1"]), ("1", ["secret 2"]), ("1", ["secret 3"]), ("2", ["secret 4"]), ("2", ["secret 5"])
    ]  # fmt: skip
    assert "x = 1" not in found[1][1] and "z = 1" not in str(
        found
    )  # code stays, but for what names its own result
    assert len(re.findall(r'<a href="#guess-1">your guess</a>', made)) == 1
    assert made.count('class="say"') == 1 and made.count("data-guess=") == 2
    choices = re.findall(r'<li><button type="button">(.*?)</button></li>', made)
    assert choices[0] == "By <em>one</em> metre, or two." and "<math>" in choices[1] and len(choices) == 2
    words = " ".join(each.words for each in sections(about(make(), "98_small"), made))
    assert "in sight" in words and "secret" not in words


def test_a_prediction_is_known_by_its_words(html: Callable[..., str]) -> None:
    def keys(text: str) -> list[str]:
        return re.findall(
            r'data-key="(\w{8})"', html(new_markdown_cell(text), new_code_cell("x", outputs=[printed("y")]))
        )

    assert (
        keys("**Predict.** How?") == keys("Before.\n\n**Predict.** How?") != keys("**Predict.** How, then?")
    )


@pytest.mark.parametrize(
    ("cells", "opens"),
    [
        ([new_code_cell("", outputs=[figure()]), new_code_cell("", outputs=[explorer_output("m")])], 2),
        ([new_code_cell("", outputs=[figure()]), new_markdown_cell("**Predict.** a"), new_code_cell("", outputs=[figure()])], 1),
        ([new_markdown_cell("**Predict.** a"), new_code_cell("", outputs=[figure()])], None),
        ([new_markdown_cell("**Predict.** a\n\n## b"), tagged("", "opening", outputs=(figure(),))], 1),
        ([new_code_cell("", outputs=[explorer_output("m")]), tagged("", "opening", outputs=(figure(),))], 2),
    ],
)  # fmt: skip
def test_a_lesson_opens_on_a_picture_that_answers_nothing(
    html: Callable[..., str], cells: list[Any], opens: int | None
) -> None:
    made = article(html(*cells, models={"m": {"state": MODEL}}))
    early = re.findall(r'aria-label="Figure (\d), shown early"', made)
    assert early == ([str(opens)] if opens else [])
    if opens:
        assert made.index("<h1") < made.index('class="opening"') < made.index("A promise.")
        assert made.count(f'id="figure-{opens}"') == 1


def test_an_opening_that_would_spoil_is_refused(html: Callable[..., str]) -> None:
    with pytest.raises(
        LessonError, match="98_small: cell 98-002 is tagged opening, but it answers a prediction"
    ):
        html(new_markdown_cell("**Predict.** a"), tagged("", "opening", outputs=(figure(),)))
    with pytest.raises(LessonError, match="it shows neither a figure nor an explorer"):
        html(tagged("", "opening", outputs=(printed("a"),)))


def test_setup_is_one_line_and_neighbours_share_it(html: Callable[..., str]) -> None:
    made = html(
        tagged("import a\nimport b", "setup"), tagged('PROFILE = "smoke"', "parameters"),
        new_markdown_cell("text"), tagged("import c", "setup", outputs=(printed("loaded"),)),
    )  # fmt: skip
    assert re.findall(r"Setup<span> · (\d+) lines", made) == ["3", "1"]
    folds = re.findall(r'<details class="source setup">(.*?)</details>', made, re.S)
    assert len(folds) == 2 and "PROFILE" in folds[0] and "loaded" not in folds[1] and "loaded" in made


def test_figures_have_numbers_and_say_nothing_twice_to_a_screen_reader(html: Callable[..., str]) -> None:
    made = article(
        html(
            new_markdown_cell("## figure 2"),
            new_code_cell("", outputs=[figure(), figure("A blue dot, alone.")]),
        )
    )
    assert re.findall(r'<figure class="picture" id="(figure-\d)" aria-label="(Figure \d)">', made) == [
        ("figure-1", "Figure 1"), ("figure-2", "Figure 2")
    ]  # fmt: skip
    assert '<a href="#figure-2">Figure 2</a><span aria-hidden="true"> A blue dot, alone.</span>' in made
    assert '<a href="#figure-1">Figure 1</a><span aria-hidden="true"> A red dot.</span>' in made
    assert (
        "--wide: 800px" in made
        and '<h2 id="figure-2-2"' in made
        and 'aria-label="Link to section figure 2"' in made
    )


def test_a_link_to_a_paper_says_which(html: Callable[..., str]) -> None:
    made = html(
        new_markdown_cell("As [Finn](https://x.org/maml) says, [his code](https://x.org/code), and [others](https://x.org/else)."),
        new_markdown_cell("## References\n\n- Chelsea Finn *et al.*, [Model-agnostic](https://x.org/maml), 2017. Good. [Code](https://x.org/code).\n\n## Next"),
    )  # fmt: skip
    told = dict(re.findall(r'<a href="https://x.org/(\w+)" title="([^"]*)">', made))
    assert told == {"maml": "Chelsea Finn et al., Model-agnostic, 2017", "code": "Code"}
    assert '<a href="https://x.org/maml">Model-agnostic</a>' in made  # where it can be read anyway


@pytest.mark.parametrize(
    "text",
    [
        "**1.** Why `so`?\n\n<details><summary>Answer</summary>\n\nBecause.\n\n</details>",
        "<details><summary>1. Why `so`?</summary>\n\nBecause.\n\n</details>",
    ],
)
def test_a_quiz_has_one_layout(html: Callable[..., str], text: str) -> None:
    said = article(html(new_markdown_cell(f"## Quiz\n\n{text}")))
    assert re.search(
        r"<p><strong>1.</strong> Why <code>so</code>\?</p>\s*<details><summary>Answer 1</summary>\s*<p>Because.",
        said,
    )


# ---- explorers ---------------------------------------------------------------------------------------------------


def test_two_explorers_of_a_kind_share_a_script(html: Callable[..., str]) -> None:
    stored = {"state": MODEL, "buffers": [{"path": ["data"], "data": "AAAA", "encoding": "base64"}]}
    made = html(
        new_code_cell("a", outputs=[explorer_output("m1"), explorer_output("m2")]),
        new_code_cell("a", outputs=[explorer_output("m1")]),
        models={"m1": stored, "m2": stored, "unseen": stored},
    )
    assert (
        made.count('<figure class="explorer"') == 4 and made.count("export default") == 1
    )  # one is the opening
    assert made.count(MODEL["_css"]) == 1 and made.count('alt="A red dot, alone."') == 4
    packed = json.loads(re.search(r'id="explorers"[^>]*>(.*?)</script>', made, re.S)[1])  # type: ignore[index]
    assert packed["modules"] == [MODEL["_esm"]] and set(packed["models"]) == {"m1", "m2"}
    assert packed["models"]["m1"] == {
        "kind": "GradientCell",
        "module": 0,
        "state": {"step": 3, "data": None},
        "buffers": {"data": "AAAA"},
    }


def test_a_widget_that_would_be_dead_is_refused(html: Callable[..., str]) -> None:
    with pytest.raises(LessonError, match="98_small: cell 98-001 shows a widget that is no explorer"):
        html(new_code_cell("a", outputs=[explorer_output("m1")]), models={"m1": {"state": {"value": 3}}})


# ---- numbers that move an explorer -------------------------------------------------------------------------------


def moving(*numbers: tuple[str, str]) -> Any:
    return new_markdown_cell(
        " and ".join(f'<span data-moves="{name}">{text}</span>' for name, text in numbers)
    )


SHOWN = new_code_cell("a", outputs=[explorer_output("m1")])


def test_a_number_is_text_with_the_name_of_what_it_moves_and_its_range_is_the_traits(
    html: Callable[..., str],
) -> None:
    cell = moving(("GradientCell.forget", "0.9"), ("GradientCell.input", "0.05"), ("GradientCell.steps", "20"),
                  ("GradientCell.surface", "bowl"))  # fmt: skip
    made = html(cell, SHOWN, models={"m1": {"state": MODEL}})
    assert '<span data-moves="GradientCell.forget">0.9</span>' in article(made)
    moves = json.loads(re.search(r'id="explorers"[^>]*>(.*?)</script>', made, re.S)[1])["moves"]  # type: ignore[index]
    assert moves == {
        "GradientCell.forget": {"name": "forget gate f", "min": 0.8, "max": 1.02, "step": 0.001},
        "GradientCell.input": {"name": "input gate i", "min": 0.001, "max": 1.0, "log": True},
        "GradientCell.steps": {"name": "steps", "min": 1, "max": 100, "step": 1},
        "GradientCell.surface": {"name": "surface", "values": ["bowl", "ravine", "saddle", "rosenbrock"]},
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('<span data-moves="GradientCell.forgot">1</span>', "no range to move in. GradientCell has forget, input"),
        ('<span data-moves="GradientCell.start">1</span>', "no range to move in"),
        ('<span data-moves="GradientCell.tabbable">on</span>', "no range to move in"),
        ('<span data-moves="Gradient.forget">1</span>', "there is no such explorer. Choose one of AdaptationLab"),
        ('<span data-moves="LstmGates.step">3</span>', "no such explorer is shown"),
        ('<span data-moves="GradientCell.forget">2</span>', 'become "2". Write a number from 0.8 to 1.02'),
        ('<span data-moves="GradientCell.forget">much</span>', 'become "much"'),
        ('<span data-moves="GradientCell.surface">lake</span>', 'become "lake". Write one of bowl, ravine'),
        ('<b data-moves="GradientCell.forget">1</b>', "written in a way that is not read"),
    ],
)  # fmt: skip
def test_a_number_that_could_move_nothing_is_refused_with_its_cell(
    html: Callable[..., str], text: str, sentence: str
) -> None:
    with pytest.raises(LessonError, match="98_small: cell 98-002") as caught:
        html(SHOWN, new_markdown_cell(text), models={"m1": {"state": MODEL}})
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    "source", [each for each in sources() if each.stem < "90"], ids=lambda path: path.stem
)
def test_every_lesson_has_a_number_that_moves_its_explorer(source: Path) -> None:
    assert moves(jupytext.read(source), name=source.stem)


def test_only_a_span_says_what_it_moves_and_only_by_name() -> None:
    kept = '<span data-moves="GradientCell.forget">1</span>'
    assert clean(kept, "here") == kept
    for other in ('<b data-moves="GradientCell.forget">1</b>', '<span data-moves="a b">1</span>', '<span data-move="A.b" data-model="m">1</span>',
                  '<span data-moves="A.b\n">1</span>'):  # fmt: skip
        assert "data" not in clean(other, "here")


# ---- the map -----------------------------------------------------------------------------------------------------

ROAD = (
    "| | lesson | the question it answers |\n|---|---|---|\n| 00 | Start here | What is it? |\n"
    "| **I** | **The part** | |\n| 98 | [Small](98_small.ipynb) | How? |\n| 03 | Later (not written yet) | Why? |"
)


def test_the_map_has_parts_and_what_is_not_written() -> None:
    small = Lesson("98_small", "98 Small", "A promise.", "5")
    begin, part, besides = parts(make(new_markdown_cell(ROAD)), [small, LESSONS[2]])
    assert [row.title for row in begin.rows] == ["Start here"] and begin.rows[0].lesson is None
    assert (part.numeral, part.title) == ("I", "The part")
    assert [(row.number, row.title, row.lesson) for row in part.rows] == [
        ("98", "Small", small),
        ("03", "Later", None),
    ]
    assert [row.lesson for row in besides.rows] == [LESSONS[2]]
    with pytest.raises(LessonError, match="has no table of the lessons"):
        parts(make(), [small])


def test_the_map_is_self_contained_and_its_words_are_those_of_the_pages(html: Callable[..., str]) -> None:
    made = html(new_markdown_cell("## One\n\nalpha $\\beta$ `gamma`\n\n- delta\n\n## Two\n\nepsilon"))
    lesson = about(make(), "98_small")
    found = sections(lesson, made)
    assert [(each.place, each.heading, each.words) for each in found] == [
        ("", "98 Small", "A promise. 5 minutes"),
        ("One", "One", "alpha β gamma delta"),
        ("Two", "Two", "epsilon"),
    ]
    text = course_map(make(new_markdown_cell(ROAD)), [lesson], {"98_small": made})
    assert 'href="98_small.html"' in text and "Not written yet." in text and 'data-lesson="98"' in text


def test_the_search_has_exercises_and_figures_and_shows_nothing_that_is_folded(
    html: Callable[..., str],
) -> None:
    picture = new_output(
        "display_data", data={"image/png": DOT}, metadata={"image/png": {"alt": "A red dot."}}
    )
    made = html(
        new_markdown_cell(
            "## Your turn\n\nopen\n\n<details><summary>Why is it so?</summary>\n\nsecret\n\n</details>"
        ),
        new_code_cell('check("98.1", answer)\ncheck("98.2", answer)'),
        new_markdown_cell("## Seen"),
        new_code_cell("a", outputs=[picture, explorer_output("m1")]),
        models={"m1": {"state": MODEL}},
    )
    covered = made.replace("<article>", '<article><div class="covered" id="guess"><p>told</p>').replace(
        "</article>", "</div></article>"
    )
    lesson = about(make(), "98_small")
    _, turn, seen, figure, explorer = sections(lesson, made)
    assert (turn.kind, turn.words, turn.covered) == ("exercise 98.1, 98.2", "open Why is it so?", "secret")
    assert (seen.kind, seen.words, seen.covered) == ("", "", "")
    assert (figure.kind, figure.words) == ("figure", "A red dot.") and figure.place
    assert (explorer.kind, explorer.words, explorer.heading) == ("explorer", "A red dot, alone.", "Seen")
    first, *_, figure, explorer = sections(lesson, covered)
    assert "told" in first.covered and not any(each.words for each in (first, figure, explorer))
    assert figure.covered == "A red dot." and figure.heading == "Seen"


def test_a_sentence_on_the_map_is_set_as_on_its_page(html: Callable[..., str]) -> None:
    made = make()
    made.cells[
        0
    ].source = "# 98 Small\n\nMore *tasks*, `code`, $x_1$ and [a page](99_after.ipynb).\n\n5 minutes"
    lesson = about(made, "98_small")
    assert lesson.promise == "More tasks, code, $x_1$ and a page."
    row = ROAD.replace("How?", "How *much*?")
    text = course_map(make(new_markdown_cell(row)), [lesson], {"98_small": html()})
    assert "More <em>tasks</em>, <code>code</code>, <math>" in text and "</math> and a page.</p>" in text
    assert "How <em>much</em>?" in text and 'id="go-on" href="98_small.html"' in text


# ---- JavaScript --------------------------------------------------------------------------------------------------


@pytest.fixture
def node(tmp_path: Path) -> Callable[[str, str], Any]:
    """``node("host.js", "...")``: what a program returns that has a file of ``static/`` as the module ``m``."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("Node is not installed: the JavaScript of the pages is not tested here.")

    def run(name: str, code: str) -> Any:
        module = tmp_path / f"{name}.mjs"
        module.write_text(file(name), encoding="utf-8")
        body = f"import * as m from {json.dumps(module.as_uri())};\nconst run = async () => {{ {code} }};\n"
        done = subprocess.run(
            [program, "--input-type=module", "-e", body + "console.log(JSON.stringify(await run()));"],
            capture_output=True, text=True, encoding="utf-8", timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


STORE = """
const store = {modules: ["one"], models: {a: {module: 0, state: {x: 1, list: [1, 2], other: "IPY_MODEL_b"}, buffers: {data: "AQID"}},
                                          b: {module: 0, state: {x: 2}, buffers: {}}}};
const said = [];
const widget = {initialize: ({model}) => { said.push("init " + model.get("x")); },
  render: ({model, el, signal}) => { said.push("render"); signal.addEventListener("abort", () => said.push("abort")); return () => said.push("gone"); }};
let loads = 0;
const host = m.host(store, async () => { loads++; return {default: async () => widget}; });
const el = {replaceChildren() {}};
"""


def test_two_views_share_one_model_which_is_made_once(node: Callable[[str, str], Any]) -> None:
    said, loads, same, number = node(
        "host.js",
        STORE
        + """
        const down = await host.show("a", el); await host.show("a", el); await host.show("b", el); await down();
        const other = await host.model("a").widget_manager.get_model("IPY_MODEL_b");
        return [said, loads, other === host.model("b"), other.get("x")];""",
    )
    assert said == ["init 1", "render", "render", "init 2", "render", "abort", "gone"]
    assert (loads, same, number) == (1, True, 2)


def test_a_model_tells_what_changes_and_only_that(node: Callable[[str, str], Any]) -> None:
    assert node(
        "host.js",
        STORE
        + """
        const model = host.model("a"), heard = [];
        const listen = (self, value) => heard.push([value, model.get("y")]);
        model.on("change:x", listen); model.on("change", () => heard.push("any"));
        model.set("x", 1); model.set("list", [1, 2]);  // as they were
        model.set({x: 5, y: 6});                       // both are set before anyone hears
        model.off("change:x", listen); model.set("x", 7); model.off(); model.set("x", 8);
        model.save_changes(); model.send({});
        const data = model.get("data");
        return [heard, data instanceof DataView, data.getUint8(2), model.keys().sort()];""",
    ) == [[[5, 6], "any", "any"], True, 3, ["data", "list", "other", "x", "y"]]


def test_an_explorer_without_state_fails_by_name(node: Callable[[str, str], Any]) -> None:
    assert "not stored on this page" in node(
        "host.js", STORE + 'try { await host.show("c", el); } catch (e) { return e.message; }'
    )


def test_the_search_finds_all_words_and_headings_first(node: Callable[[str, str], Any]) -> None:
    found = node(
        "map.js",
        """
        const all = [["a", "", "A forget gate", "learned"], ["b", "", "Other", "the forget gate is learned"], ["c", "", "Gate", "only"],
                     ["d", "", "Café", "naïve"], ["e", "", "Turn", "do it", "exercise 03.2", "the answer"]];
        return ["forget gate", "GATE forg", "nothing here", "  ", "cafe naive", "ate", "exercise 03.2 turn", "answer"].map((q) => m.search(all, q).map(([p]) => p));""",
    )
    assert found == [["a", "b"], ["a", "b"], [], [], ["d"], ["a", "c", "b"], ["e"], ["e"]]


def test_an_excerpt_shows_the_word_and_is_cut_at_words(node: Callable[[str, str], Any]) -> None:
    words = " ".join(f"word{k}" for k in range(200))
    cut = node("map.js", f"return m.excerpt({json.dumps(words)}, 'word150', 80);")
    assert "word150" in cut and cut.startswith("… ") and cut.endswith(" …") and len(cut) < 90
    assert node("map.js", "return m.excerpt('short text', 'text');") == "short text"


def test_a_number_goes_in_steps_from_end_to_end(node: Callable[[str, str], Any]) -> None:
    gate, rate, scene, switch = node(
        "numbers.js",
        """
        const tell = (range, x, read) => { const r = m.ruler(range); return [r.next(x, 1), r.next(x, -10), r.value(-1), r.value(2), r.value(r.at(x)), r.say(r.low), r.read(read)]; };
        return [tell({min: 0.8, max: 1.02, step: 0.001}, 0.9, "−0.9"), tell({min: 0.001, max: 1, log: true}, 0.05, "0.05"),
                tell({values: ["a", "b", "c"]}, "c", "b"), tell({values: [false, true]}, true, "off")];""",
    )
    assert gate == [0.901, 0.89, 0.8, 1.02, 0.9, "0.8", -0.9]
    assert rate == [0.053, 0.028, 0.001, 1, 0.05, "0.001", 0.05]
    assert scene == ["a", "b", "a", "c", "c", "a", "b"] and switch == [
        False,
        True,
        False,
        True,
        True,
        "off",
        False,
    ]


def test_the_picture_on_the_map_learns_by_its_own_gradient(node: Callable[[str, str], Any]) -> None:
    differences, before, start, step, both = node(
        "plane.js",
        """
        const s = {theta: [-0.7, 0.4], f: 0.9, i: 0.3}, h = 1e-5, d = m.slope(s);
        const by = (a, b) => (m.after(a) - m.after(b)) / (2 * h), t = s.theta;
        const apart = [d.theta[0] - by({...s, theta: [t[0] + h, t[1]]}, {...s, theta: [t[0] - h, t[1]]}),
          d.theta[1] - by({...s, theta: [t[0], t[1] + h]}, {...s, theta: [t[0], t[1] - h]}),
          d.f - by({...s, f: s.f + h}, {...s, f: s.f - h}), d.i - by({...s, i: s.i + h}, {...s, i: s.i - h})];
        const learned = (what, from) => { let now = from; for (let n = 0; n < 80; n++) now = m.learn(now, what); return now; };
        const started = learned("start", m.FIRST), stepped = learned("step", m.FIRST);
        return [apart, m.after(m.FIRST), m.after(started), m.after(stepped), m.after(learned("step", started))];""",
    )
    assert max(map(abs, differences)) < 1e-8
    assert start < 0.5 * before and step < 0.5 * before and both < 0.5 * start


def test_the_font_comes_with_its_licence() -> None:
    assert "SIL OPEN FONT LICENSE Version 1.1" in file("stix-two-math.LICENSE.txt")
    assert (HERE / "static" / FONT).read_bytes()[:4] == b"wOF2"


def test_the_font_has_every_letter_of_every_formula() -> None:
    """A letter by itself is drawn as the italic one, another letter; accents that stretch come from the system's fonts."""
    known = {chr(code) for code in TTFont(HERE / "static" / FONT).getBestCmap()}
    italic = {"h": "\u210e"}
    for code in range(0x1D434, 0x1D71C):
        if unicodedata.name(chr(code), "").startswith("MATHEMATICAL ITALIC "):
            italic[chr(int(unicodedata.decomposition(chr(code)).split()[1], 16))] = chr(code)
    drawn: set[str] = set()
    for path in sources():
        for cell in jupytext.read(path).cells:
            for block, inline in FORMULA.findall(cell.source if cell.cell_type == "markdown" else ""):
                made = mathml(block or inline, display=bool(block))
                drawn |= {italic.get(each, each) for each in re.findall("<mi>(.)</mi>", made)}
                drawn |= set(unescape(re.sub("<[^>]*>", "", made)))
    assert len(drawn) > 150  # they were found
    assert not (missing := drawn - known - set("\u02c6\u02dc\u00af\ufe00")), missing


def test_code_has_elements_for_what_has_a_colour_alone() -> None:
    code = '<div class="highlight"><pre><span></span><span class="k">def</span> <span class="nf">f</span><span class="p">(</span><span class="n">x</span><span class="p">):</span>'
    assert coloured(code) == (
        '<div class="highlight"><pre><span></span><span class="k">def</span> <span class="nf">f</span>(x):'
    )
