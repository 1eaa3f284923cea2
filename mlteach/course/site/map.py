"""The map of the course: its parts and lessons as lesson 00 lists them, and the words of all pages to search in."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, NamedTuple

from mlteach.course.lessons import NOTEBOOKS, LessonError
from mlteach.course.site.clean import clean
from mlteach.course.site.exporter import HERE, as_script, file, self_contained
from mlteach.course.site.lesson import Lesson
from mlteach.course.site.markdown import Page, Renderer, glue
from mlteach.course.site.policy import policy

PART = re.compile(r"\| \*\*(?P<numeral>[IVX]+)\*\* \| \*\*(?P<title>.+?)\*\* \|", re.M)
LINE = re.compile(r"\| (?P<number>\d\d) \| (?P<title>.+?) \| (?P<question>.+?) \|")
#: Where an exercise is checked, and which.
CHECK = re.compile(r"^check\(\"(\d\d\.\d+)\"", re.M)
NOTE = re.compile(r"\s*\([^)]*\)$")
LINK = re.compile(r"\[(.+?)\]\([^)]*\)")
PARAGRAPH = re.compile(r"</?p>")
#: What a reader opens when it is time: hints, solutions, answers, and what follows a prediction.
COVERED = "details:not(.source), .covered"
#: A formula of so many signs is one as it stands in a line of text; a longer one is left out.
SHORT = 8
#: What is no sentence of the lesson's: code, and what the page itself says.
NO_WORDS = "pre, button, .anchor, .note, .todo, .say, .source > summary"


@dataclass
class Row:
    """A lesson on the map; ``lesson`` is None as long as it is not written."""

    number: str
    title: str
    question: str
    lesson: Lesson | None


@dataclass
class Part:
    """A part of the course; the first, which has no numeral, is the way in."""

    numeral: str
    title: str
    rows: list[Row] = field(default_factory=list)


def parts(first: Any, lessons: Sequence[Lesson]) -> list[Part]:
    """The parts of the course, read from the table in lesson 00 (a notebook node), and what stands in no table."""
    written = {lesson.number: lesson for lesson in lessons}
    found = [Part("", "Begin here")]
    for line in "\n".join(cell.source for cell in first.cells if cell.cell_type == "markdown").splitlines():
        if part := PART.match(line):
            found.append(Part(part["numeral"], part["title"]))
        elif row := LINE.match(line):
            title = NOTE.sub("", LINK.sub(r"\1", row["title"]))
            found[-1].rows.append(
                Row(row["number"], title, row["question"], written.pop(row["number"], None))
            )
    if not any(part.rows for part in found):
        raise LessonError("Lesson 00 has no table of the lessons, from which the map of the course is made.")
    if written:
        found.append(
            Part("", "Besides", [Row(each.number, each.name_alone, "", each) for each in written.values()])
        )
    return found


def course_map(first: Any, lessons: Sequence[Lesson], pages: Mapping[str, str]) -> str:
    """The HTML of the map. ``pages``: that of every lesson, by name, to search in."""
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=False, keep_trailing_newline=True
    )
    names = [lesson.name for lesson in lessons]
    environment.filters.update(e=escape, inline=lambda said: inline(said, names))
    words = [each for lesson in lessons for each in sections(lesson, pages[lesson.name])]
    found = parts(first, lessons)
    html = environment.get_template("map/index.html.j2").render(
        file=file, policy=policy, parts=found, words=as_script(words), written=len(lessons),
        first=next((row for part in found for row in part.rows if row.lesson), None),
    )  # fmt: skip
    return self_contained(html, name="The map", pages={f"{name}.html" for name in names})


class Sentence(Renderer):
    """Markdown alone: HTML in a sentence is shown as it was typed."""

    def _html(self, html: str) -> str:
        return escape(html)


def inline(markdown: str, lessons: Collection[str]) -> str:
    """One sentence of a lesson as HTML: emphasis, code and formulas as on its page, links as their words."""
    from nbconvert.filters.markdown_mistune import MarkdownWithMath

    renderer = Sentence(Page("The map", lessons), "The map", path=str(NOTEBOOKS), attachments={})
    html = MarkdownWithMath(renderer=renderer).render(LINK.sub(r"\1", markdown))
    return clean(PARAGRAPH.sub("", glue(html)).strip(), "The map:", [f"{name}.html" for name in lessons])


class Section(NamedTuple):
    """What the search finds: a section of a page, its heading and its words.

    ``kind``: "exercise 03.2" where the section has one, "figure" and "explorer" of what is one, else nothing.
    ``covered``: words of what a reader opens, such as hints and answers. They lead here and are not shown.
    """

    page: str
    place: str
    heading: str
    words: str
    kind: str = ""
    covered: str = ""


def sections(lesson: Lesson, html: str) -> list[Section]:
    """All that can be found on a page, the figures after the section they stand in."""
    from bs4 import BeautifulSoup

    page, soup = f"{lesson.name}.html", BeautifulSoup(html, "html.parser")
    article = soup.find("article")
    assert article is not None
    for code in article.find_all("pre"):
        for number in CHECK.findall(code.get_text()):
            if number.startswith(lesson.number):  # another lesson's is shown there, not set
                code.insert_before(soup.new_tag("data", value=number))
    for left_out in article.select(NO_WORDS):
        left_out.decompose()
    for formula in article.find_all("math"):
        signs = formula.get_text()
        formula.replace_with(signs if len(signs) <= SHORT else "…")
    covered = {id(each) for fold in article.select(COVERED) for each in fold.find_all(True)}
    found: list[list[Any]] = [["", lesson.title, [], "", []]]
    figures: dict[tuple[str, str], Section] = {}
    for node in article.select("h1, h2, h3, p, li, td, summary, figure, data"):
        text, hidden = " ".join(node.get_text(" ").split()), id(node) in covered
        if node.name == "summary":
            hidden = id(node.parent) in covered  # what a fold asks is seen
            text = "" if len(text.split()) < 3 else text  # "Hint 1" asks nothing
        if node.name in ("h2", "h3"):
            found.append([str(node["id"]), text, [], "", []])
        elif node.name == "data":
            found[-1][3] = f"{found[-1][3] + ',' if found[-1][3] else 'exercise'} {node['value']}"
        elif node.name == "figure":
            shown = node.find_all(["img", "svg"])
            alt = " ".join(str(each.get("alt") or each.get("aria-label", "")) for each in shown)
            kind = "explorer" if "explorer" in (node.get("class") or ()) else "figure"
            caption, home = (
                kind == "figure" and node.find("figcaption"),
                node if node.get("id") else node.find_parent(id=True),
            )
            about = " ".join(caption.get_text(" ").split()) if caption and not hidden else found[-1][1]
            place = str(home["id"]) if home else found[-1][0]
            # of one that is shown twice the later counts: above it stands what it is about
            figures.pop((kind, alt), None)
            figures[kind, alt] = Section(
                page, place, about, "" if hidden else alt, kind, alt if hidden else ""
            )
        elif node.name != "h1" and not node.find("p") and text:
            found[-1][4 if hidden else 2].append(text)
    texts = [
        Section(page, place, heading, " ".join(words), kind, " ".join(folded))
        for place, heading, words, kind, folded in found
    ]
    return [*texts, *figures.values()]
