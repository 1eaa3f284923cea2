"""The map of the course: its parts and lessons as lesson 00 lists them, and the words of all pages to search in."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from mlteach.course.lessons import LessonError
from mlteach.course.site.exporter import HERE, as_script, file, self_contained
from mlteach.course.site.lesson import Lesson
from mlteach.course.site.policy import policy

PART = re.compile(r"\| \*\*(?P<numeral>[IVX]+)\*\* \| \*\*(?P<title>.+?)\*\* \|", re.M)
LINE = re.compile(r"\| (?P<number>\d\d) \| (?P<title>.+?) \| (?P<question>.+?) \|")
NOTE = re.compile(r"\s*\([^)]*\)$")
LINK = re.compile(r"\[(.+?)\]\([^)]*\)")


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
    environment.filters["e"] = escape
    words = [[*each] for lesson in lessons for each in sections(lesson, pages[lesson.name])]
    html = environment.get_template("map/index.html.j2").render(
        file=file, policy=policy, parts=parts(first, lessons), words=as_script(words), written=len(lessons)
    )
    return self_contained(html, name="The map", pages={f"{lesson.name}.html" for lesson in lessons})


def sections(lesson: Lesson, html: str) -> list[tuple[str, str, str, str]]:
    """(page, place on it, heading, words) of every section of a page."""
    from bs4 import BeautifulSoup

    article = BeautifulSoup(html, "html.parser").find("article")
    assert article is not None
    for left_out in (*article.find_all(["math", "pre"]), *article.find_all(class_="anchor")):
        left_out.decompose()
    found: list[tuple[str, str, str, list[str]]] = [(f"{lesson.name}.html", "", lesson.title, [])]
    for node in article.find_all(["h1", "h2", "h3", "p", "li", "td", "summary", "img"]):
        text = " ".join((str(node.get("alt", "")) if node.name == "img" else node.get_text(" ")).split())
        if node.name in ("h2", "h3"):
            found.append((f"{lesson.name}.html", str(node["id"]), text, []))
        elif node.name != "h1" and not node.find("p"):
            found[-1][3].append(text)
    return [(page, place, heading, " ".join(words)) for page, place, heading, words in found]
