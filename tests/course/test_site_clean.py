"""Nothing that a notebook holds runs on a page or asks for anything: it is refused by name, becomes text, or is left out."""

import base64
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from mlteach.course.build import WIDGET_STATE, WIDGET_VIEW
from mlteach.course.lessons import LessonError, notebook
from mlteach.course.site import page
from mlteach.course.site.clean import clean, picture, unmarked
from mlteach.course.site.drawing import drawing
from mlteach.course.site.lesson import Lesson, about
from mlteach.course.site.map import course_map
from mlteach.course.site.policy import policy
from mlteach.course.slides import deck
from mlteach.explore.base import script, stylesheet
from tests.course.injections import HOST, INJECTIONS
from tests.course.sealed import assert_sealed, harm

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.mark.parametrize("more", ["", "<p>before <b>and ", "<details><summary>a</summary>"])
def test_nothing_that_runs_or_asks_comes_through(more: str) -> None:
    refused = 0
    for injection in INJECTIONS:
        try:
            written = clean(more + injection, "98_small: cell 98-001")
        except LessonError as error:
            refused += 1
            assert re.match(r"98_small: cell 98-001 (holds|has|shows) .{20,}", str(error)), injection
            assert str(error).isprintable()
        else:
            assert harm(written) == [], injection
    assert refused > 0.8 * len(INJECTIONS)  # somebody who writes one is told, and not left to wonder


def test_what_lessons_need_comes_through_as_it_was() -> None:
    for html in (
        "<details><summary>Hint</summary><p>Look <strong>here</strong> <code>a &lt; b</code>.</p></details>",
        '<table><thead><tr><th style="text-align: right;">a</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>',
        '<div class="table" tabindex="0" role="group" aria-label="Table"><p>a &amp; b &nbsp; c</p></div>',
        '<h2 id="How?-2">How?<a class="anchor" href="#How?-2" aria-label="Link to this section">#</a></h2>',
        '<p><a href="https://arxiv.org/abs/1703.03400?a=1&amp;b=2">a</a> <a href="98_small.html#How">b</a></p>',
        f'<img src="data:image/png;base64,{DOT}" alt="A dot, &quot;red&quot;." width="300">',
        '<math display="block"><mrow style="color: #007CC2;"><msub><mi>θ</mi><mn>1</mn></msub></mrow><mspace width="1em"></mspace></math>',
        '<div class="highlight"><pre><span class="n">x</span> <span class="o">&lt;</span> <span class="mi">3</span></pre></div>',
    ):
        assert clean(html, "x", ["98_small.html"]) == html


def test_a_look_that_a_table_brings_along_is_left_out() -> None:
    table = '<div><style scoped>\n.dataframe td { vertical-align: top; }\n</style><table border="1" class="dataframe"><tr><td>1</td></tr></table></div>'
    assert (
        clean(table, "x") == '<div><table class="dataframe"><tbody><tr><td>1</td></tr></tbody></table></div>'
    )


def test_a_class_of_the_page_itself_is_not_for_a_lesson() -> None:
    for name in ("slide", "explorer", "stage", "notes", "finish", "clock", "a explorer"):
        assert "class" not in clean(f'<div class="{name}">a</div>', "x")


@pytest.mark.parametrize(
    ("about", "data", "sentence"),
    [
        ({"width": '1" onload="hurt()'}, DOT, "a picture whose width is"),
        ({"width": "100%"}, DOT, "a picture whose width is"),
        ({"height": "javascript:"}, DOT, "a picture whose height is"),
        ({}, 'AA" onerror="hurt()', "whose bytes are not base 64"),
        ({}, f"{DOT}<script>", "whose bytes are not base 64"),
    ],
)
def test_a_picture_that_is_none_is_refused(about: Any, data: str, sentence: str) -> None:
    with pytest.raises(LessonError, match="98: cell 1 shows") as caught:
        picture({"data": {"image/png": data}, "metadata": {"image/png": about}}, "image/png", "98: cell 1")
    assert sentence in str(caught.value)


def test_a_pictures_words_are_words_and_an_svg_is_a_picture() -> None:
    words = {"image/png": {"alt": "a<b \"c\" onerror='x'", "width": 300}}
    made = picture({"data": {"image/png": DOT + "\n"}, "metadata": words}, "image/png", "x")
    assert made.endswith('alt="a&lt;b &quot;c&quot; onerror=&#x27;x&#x27;" width="300">')
    drawn = "<svg xmlns='http://www.w3.org/2000/svg' onload='hurt()'><script>hurt()</script></svg>"
    made = picture(
        {"data": {"image/svg+xml": drawn}}, "image/svg+xml", "x"
    )  # in <img> its script does not run
    assert re.fullmatch(
        r'<img class="" src="data:image/svg\+xml;base64,[A-Za-z0-9+/=]+" alt="No [\w ]+">', made
    )


def figure() -> str:
    from matplotlib.figure import Figure

    from mlteach.explore.drawing import svg

    fig = Figure(figsize=(3, 2))
    ax = fig.subplots()
    ax.plot([1, 2], label="a")
    ax.bar([0, 1], [1, 2], hatch="//")
    ax.scatter([0, 1, 2], [0, 1, 2], c=["red", "white", "black"])
    ax.imshow([[0, 1], [1, 0]], cmap="gray_r")
    ax.set(title="a < b & c", xlabel="$x$")
    return svg(fig, "Two lines.")


def test_a_drawing_of_ours_stands_in_the_page_with_ids_of_its_own() -> None:
    made = drawing(figure(), 'a "line" <b>', "figure-7-")
    assert made
    found = harm(made.replace("<svg", "<g").replace("</svg", "</g"))
    assert len(found) == 1 and found[0].startswith("href=data:image/png;base64,")  # the picture in it
    assert 'style="--width:300px;--least:162px"' in made  # 7.5 pixels for letters of 10 points
    assert 'role="img" aria-label="a &quot;line&quot; &lt;b&gt;"' in made and "a &lt; b &amp; " in made
    ids = re.findall(r'id="([^"]*)"', made)
    used = set(re.findall(r'(?:href="|url\()#([^")]*)', made))
    assert (
        used == set(ids)
        and len(ids) == len(set(ids)) > 3
        and all(each.startswith("figure-7-") for each in ids)
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<defs>", "<script>hurt()</script><defs>"),
        ("<defs>", "<foreignObject><p>a</p></foreignObject><defs>"),
        ("<defs>", "<style>*{fill:red}</style><defs>"),
        ("<defs>", "<a href='javascript:hurt()'><path d='M0 0'/></a><defs>"),
        ("<defs>", f"<image href='{HOST}/a.png' width='1' height='1'/><defs>"),
        ("<defs>", "<image href='data:image/svg+xml;base64,AAAA'/><defs>"),
        ("<defs>", f"<use href='{HOST}/a.svg#a'/><defs>"),
        ("<defs>", "<h:p xmlns:h='http://www.w3.org/1999/xhtml'>a</h:p><defs>"),
        ("<defs>", "words<defs>"),
        ("<path ", "<path onload='hurt()' "),
        ("<path ", "<path class='slide' "),
        ("style='fill:", "style='position:fixed;fill:"),
        ("style='fill:var(--p)", f"style='fill:url({HOST})"),
        ("clip-path='url(#", f"clip-path='url({HOST}#"),
        ("<svg", "<!DOCTYPE svg [<!ENTITY a 'b'>]><svg"),
        ("<svg", "<?xml-stylesheet href='a.css'?><svg"),
        ("</svg>", "<g>" * 5000 + "</g>" * 5000 + "</svg>"),
        ("</svg>", ""),
    ],
)
def test_a_drawing_with_anything_else_in_it_stays_outside_of_the_page(old: str, new: str) -> None:
    text = figure()
    assert old in text
    assert drawing(text.replace(old, new, 1), "Two lines.", "f-") is None
    made = picture({"data": {"image/svg+xml": text.replace(old, new, 1)}}, "image/svg+xml", "x")
    assert re.fullmatch(r'<img class="" src="data:image/svg\+xml;base64,[A-Za-z0-9+/=]+" alt="[^"]+">', made)


def test_the_state_of_an_explorer_holds_no_markup() -> None:
    kept = {"a": ["x < y", 3, None, {"b": "a<3 & b>2"}]}
    assert unmarked(kept, "x") is kept
    for state in ({"a": ["<img src=x>"]}, {"<b>": 1}, {"a": {"b": ("c", "</p>")}}, {"a": "<!--"}):
        with pytest.raises(LessonError, match="98: cell 1 shows an explorer whose state holds HTML"):
            unmarked(state, "98: cell 1")


# ---- whole pages -------------------------------------------------------------------------------------------------

HURT = (f"<script src={HOST}>hurt()</script>", "<img src=data:, onerror=hurt()><svg onload=hurt()>")
MODEL = {
    "_esm": script("gradient_cell"),
    "_css": stylesheet("gradient_cell"),
    "_anywidget_id": "mlteach.explore.gradient_cell.GradientCell",
}


def shown(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> Any:
    return new_code_cell("1", outputs=[new_output("display_data", data=data, metadata=metadata or {})])


def widget(state: dict[str, Any], view: str = "m") -> tuple[list[Any], dict[str, Any]]:
    cell = shown({WIDGET_VIEW: {"model_id": view}, "image/png": DOT}, {"image/png": {"alt": "A dot."}})
    return [cell], {"widgets": {WIDGET_STATE: {"state": {view: {"state": state}}}}}


Make = Callable[[str], tuple[list[Any], dict[str, Any]]]
#: Every place of a notebook that ends on a page, as cells and metadata with the text in it.
PLACES: dict[str, Make] = {
    "notes": lambda bad: ([new_markdown_cell("## How?")], {}),
    "markdown": lambda bad: ([new_markdown_cell(bad)], {}),
    "title": lambda bad: ([new_markdown_cell(f"# 98 {bad}\n\nA promise.")], {}),
    "promise": lambda bad: ([new_markdown_cell(f"# 98 Small\n\nA {bad} promise.")], {}),
    "heading": lambda bad: ([new_markdown_cell(f"## How {bad}?")], {}),
    "quiz": lambda bad: (
        [new_markdown_cell(f"<details><summary>Why {bad}?</summary>\n\nSo {bad}.\n\n</details>")],
        {},
    ),
    "link": lambda bad: ([new_markdown_cell(f'[a {bad}](https://x.example "{bad}")')], {}),
    "code in text": lambda bad: ([new_markdown_cell(f"```{bad}\n{bad}\n```\n`{bad}`")], {}),
    "alt in text": lambda bad: (
        [new_markdown_cell(f"![{bad}](attachment:a)", attachments={"a": {"image/png": DOT}})],
        {},
    ),
    "attachment": lambda bad: (
        [new_markdown_cell("![a](attachment:a)", attachments={"a": {"image/png": bad}})],
        {},
    ),
    "attachment's kind": lambda bad: (
        [new_markdown_cell("![a](attachment:a)", attachments={"a": {bad: DOT}})],
        {},
    ),
    "formula": lambda bad: ([new_markdown_cell(f"$\\text{{{bad}}}$")], {}),
    "code": lambda bad: ([new_code_cell(bad)], {}),
    "stream": lambda bad: ([new_code_cell("1", outputs=[new_output("stream", name="stdout", text=bad)])], {}),
    "error": lambda bad: (
        [new_code_cell("1", outputs=[new_output("error", ename=bad, evalue=bad, traceback=[bad])])],
        {},
    ),
    "raw": lambda bad: ([nbformat.v4.new_raw_cell(bad)], {}),
    "text/plain": lambda bad: ([shown({"text/plain": bad})], {}),
    "text/html": lambda bad: ([shown({"text/html": bad})], {}),
    "text/markdown": lambda bad: ([shown({"text/markdown": bad})], {}),
    "text/latex": lambda bad: ([shown({"text/latex": f"$\\text{{{bad}}}$ {bad}"})], {}),
    "image/svg+xml": lambda bad: ([shown({"image/svg+xml": f"<svg>{bad}</svg>"})], {}),
    "image/png": lambda bad: ([shown({"image/png": f'{DOT}">{bad}'})], {}),
    "alt": lambda bad: ([shown({"image/png": DOT}, {"image/png": {"alt": f'">{bad}'}})], {}),
    "width": lambda bad: (
        [shown({"image/png": DOT}, {"image/png": {"alt": "A.", "width": f'3">{bad}'}})],
        {},
    ),
    "application/javascript": lambda bad: (
        [shown({"application/javascript": "hurt()", "text/html": bad})],
        {},
    ),
    "javascript alone": lambda bad: ([shown({"application/javascript": "hurt()"})], {}),
    "mermaid": lambda bad: ([shown({"text/vnd.mermaid": bad})], {}),
    "cell's tags": lambda bad: (
        [new_code_cell("1", metadata={"tags": [bad.replace(",", ""), "exercise"]})],
        {},
    ),
    "language": lambda bad: (
        [new_code_cell("x = 1")],
        {"language_info": {"name": f'p">{bad}', "pygments_lexer": f'"{bad}'}},
    ),
    "foreign widget": lambda bad: widget({"_esm": "hurt()", "_css": "", "_anywidget_id": "other.Widget"}),
    "foreign script": lambda bad: widget(MODEL | {"_esm": MODEL["_esm"] + "\nhurt()"}),
    "foreign style": lambda bad: widget(MODEL | {"_css": f"</style>{bad}"}),
    "foreign name": lambda bad: widget(MODEL | {"_anywidget_id": f"mlteach.explore.{bad}"}),
    "no such explorer": lambda bad: widget(MODEL | {"_anywidget_id": "mlteach.explore.nobody.Nobody"}),
    "its base": lambda bad: widget(MODEL | {"_anywidget_id": "mlteach.explore.base.Explorer"}),
    "explorer's state": lambda bad: widget(MODEL | {"step": bad}),
    "explorer's number": lambda bad: widget(dict(MODEL), view=f'm">{bad}'),
}


#: Where there is nothing to show without it.
REFUSED = (
    "attachment", "image/png", "width", "javascript alone", "mermaid", "foreign widget", "foreign script", "foreign style",
    "foreign name", "no such explorer", "its base", "explorer's state",
)  # fmt: skip


def named(cells: list[Any], metadata: dict[str, Any]) -> Any:
    made = new_notebook(cells=cells, metadata=metadata)
    for number, cell in enumerate(made.cells):
        cell.id = f"98-{number:03d}"
    return made


@pytest.mark.parametrize("place", PLACES)
def test_no_place_of_a_notebook_lets_anything_through(
    place: str, tmp_path: Path, course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "98_small.ipynb"
    for bad in HURT:
        cells, metadata = PLACES[place](bad)
        made = named(cells, metadata)
        nbformat.write(made, path)
        lesson = about(made, "98_small")
        lectured = nbformat.from_dict(made)
        for cell in lectured.cells:
            cell.metadata["slideshow"] = {
                "slide_type": "slide",
                "notes": "12 min. Say " + bad * (place == "notes"),
            }
        for slides in (False, True):
            try:
                html = deck(lectured, "98_small") if slides else page(path, [lesson])
            except LessonError as error:
                assert re.match(r"98_small: (cell 98-00\d|The formula|there is a dollar)", str(error)), error
                continue
            assert place not in REFUSED and (place != "notes" or not slides)
            assert_sealed(html)
            if not slides:
                assert_sealed(course_map(named([new_markdown_cell(ROAD)], {}), [lesson], {"98_small": html}))


ROAD = "| | lesson | the question |\n|---|---|---|\n| 98 | a<b & <i>c</i> | Is a<b? |"


def test_the_policy_lets_in_what_is_named_and_nothing_else() -> None:
    rules = dict(each.partition(" ")[::2] for each in policy("a()", "b()").split("; "))
    first = base64.b64encode(hashlib.sha256(b"a()").digest()).decode()
    assert rules["default-src"] == "'none'" and rules["script-src"].startswith(f"'sha256-{first}' 'sha256-")
    assert (
        rules["script-src"].endswith(" blob:")
        and "unsafe" not in rules["script-src"] + rules["script-src-attr"]
    )
    for name in ("connect-src", "frame-src", "object-src", "base-uri", "form-action"):
        assert rules[name] == "'none'"
    assert rules["img-src"] == rules["font-src"] == "data:"


def test_a_title_with_a_sign_in_it_is_that_title_everywhere(tmp_path: Path) -> None:
    from bs4 import BeautifulSoup

    made = named([new_markdown_cell("# 98 Is a<b & c>d?\n\nIf a<b, c.\n\n## Why a<b?\n\ntext")], {})
    path = tmp_path / "98_small.ipynb"
    nbformat.write(made, path)
    lesson = about(made, "98_small")
    other = Lesson("99_after", "99 After a<b", "If a<b.", "5")
    title = "98 Is a<b & c>d?"
    html = page(path, [Lesson("97_before", "97 a<b", "", ""), lesson, other])
    read = BeautifulSoup(html, "html.parser")
    assert read.title.string == read.find(class_="here").string == title  # type: ignore[union-attr]
    assert read.h1.get_text() == title and read.find(class_="contents").a.string == "Why a<b?"  # type: ignore[union-attr]
    assert (
        read.find(rel="prev").get_text() == "Before97 a<b"
        and read.find(rel="next").get_text() == "Next99 After a<b"
    )  # type: ignore[union-attr]
    assert read.find("meta", attrs={"name": "description"})["content"] == "If a<b, c."  # type: ignore[index]
    road = BeautifulSoup(
        course_map(named([new_markdown_cell(ROAD)], {}), [lesson], {"98_small": html}), "html.parser"
    )
    assert road.find(class_="lesson").a.string == "a<b & <i>c</i>"  # type: ignore[union-attr]
    assert "Is a<b?" in road.find(class_="lesson").get_text()  # type: ignore[union-attr]
    assert '"98 Is a\\u003cb & c>d?"' in road.find(id="words").string  # type: ignore[union-attr, operator]
    made.cells[0].metadata["slideshow"] = {"slide_type": "slide", "notes": "12 min. a<b"}
    slides = BeautifulSoup(deck(made, "98_small"), "html.parser")
    assert slides.title.string == f"{title} · slides" and slides.main["aria-label"] == title  # type: ignore[union-attr, index]


def test_a_file_of_somewhere_else_is_not_put_on_a_page(course: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(base64.b64decode(DOT))
    (notebook(course).parent / "mine.png").write_bytes(base64.b64decode(DOT))
    (notebook(course).parent / "link.png").symlink_to(tmp_path / "secret.png")
    from mlteach.course.site.markdown import Page, Renderer

    look = Renderer(Page("98_small"), "98_small: cell 1", path=str(notebook(course).parent))
    assert look._embed_image_or_attachment("mine.png").startswith("data:image/png;base64,")
    for name in ("../secret.png", "link.png", str(tmp_path / "secret.png"), "a\0.png"):
        try:
            assert look._embed_image_or_attachment(name) == name
        except LessonError as error:
            assert str(error).startswith("98_small: cell 1 shows")
    with pytest.raises(LessonError, match='98_small: cell 1 shows "attachment:a", which is not there'):
        look._embed_image_or_attachment("attachment:a")
