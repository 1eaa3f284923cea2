"""The text of a lesson as HTML: nbconvert's reading of markdown, with formulas, links and tables made for a page."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from html import escape, unescape
from pathlib import Path, PurePosixPath
from typing import Any

from nbconvert.filters.markdown_mistune import InvalidNotebook, IPythonRenderer

from mlteach.course.lessons import LessonError
from mlteach.course.site.clean import said
from mlteach.course.site.formulas import mathml

TAG = re.compile(r"<[^>]*>")
LINK = re.compile(r"</?a\b[^>]*>", re.IGNORECASE)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
MATH_IN_HTML = re.compile(r"(?<![\\$])\$(?!\$)([^$<>\n]+?)(?<!\\)\$(?!\$)")
IMAGE = re.compile(r"""(<img\b[^>]*\bsrc=["'])([^"']+)""")
#: A formula with the punctuation at it; a browser would break the line between them.
AT_MATH = re.compile(r"([(\[]?)(<math>(?:(?!</math>).)*</math>)([,.;:!?)\]]*)", re.DOTALL)
#: In the place of a dollar that is one, "\\$5", until the page has been looked at for unfinished formulas.
DOLLAR = "\ue024"
#: What a page itself calls its parts; a heading of that name gets a number.
NUMBERED = re.compile(r"(figure|guess)-\d+|cell-\d\d-\d+")
RESERVED = frozenset(
    "theme lesson done unkept explorers stage course search query count hits map progress words code".split()
)
LESSON_LINK = re.compile(r"(?P<stem>\d\d_\w+)\.ipynb(?P<place>#.*)?")


@dataclass
class Heading:
    """A heading of a page: its level, its id, and its text as HTML without links."""

    level: int
    id: str
    html: str

    @property
    def text(self) -> str:
        return unescape(TAG.sub("", self.html))


@dataclass
class Page:
    """What is known of a page while it is made: the lessons it may link to, and the headings met so far."""

    name: str
    lessons: Collection[str] = ()
    headings: list[Heading] = field(default_factory=list)
    #: What the lesson's list of references says of an address.
    references: Mapping[str, str] = field(default_factory=dict)


class Renderer(IPythonRenderer):
    """Formulas become MathML, links to lessons become links to pages, wide tables scroll by themselves."""

    def __init__(self, page: Page, place: str, **kwargs: Any) -> None:
        super().__init__(escape=False, embed_images=True, exclude_anchor_links=True, **kwargs)
        self.page, self.place = page, place

    def block_math(self, body: str) -> str:
        # a formula that is wider than the page scrolls, so the keyboard must be able to reach it
        return f'<span class="formula" tabindex="0" role="group" aria-label="Formula">{self._math(body, True)}</span>'

    def inline_math(self, body: str) -> str:
        return self._math(body, False)

    def text(self, text: str) -> str:
        return (
            DOLLAR if text == "$" else str(super().text(text))
        )  # as an escaped sign comes, and nothing else

    def latex_environment(self, name: str, body: str) -> str:
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")

    def _math(self, tex: str, display: bool) -> str:
        try:
            return mathml(tex, display=display)
        except LessonError as error:
            raise LessonError(f"{self.page.name}: {error}") from error

    def _embed_image_or_attachment(self, src: str) -> str:
        try:
            if not src.startswith("attachment:"):
                home = Path(self.path).resolve()
                if not (home / src).resolve().is_relative_to(home):
                    return src  # a file of somewhere else on this machine is not put on a page
            return str(super()._embed_image_or_attachment(src))
        except (InvalidNotebook, OSError, ValueError, AttributeError, StopIteration, TypeError) as error:
            raise LessonError(
                f'{self.place} shows "{said(src)}", which is not there. Attach it, or put the file beside the notebook.'
            ) from error

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        taken = {heading.id for heading in self.page.headings} | RESERVED
        # as JupyterLab names it; of a picture alone there is nothing to name
        name = base = re.sub(r"\s+", "-", unescape(TAG.sub("", text)).strip()) or "section"
        number = 1
        while name in taken or NUMBERED.fullmatch(name):
            number += 1
            name = f"{base}-{number}"
        self.page.headings.append(Heading(level, name, LINK.sub("", text)))
        place, said = escape(name), escape(self.page.headings[-1].text)
        if level == 1:
            return f'<h1 id="{place}">{text}</h1>\n'
        link = f'<a class="anchor" href="#{place}" aria-label="Link to section {said}">#</a>'
        # named, because a screen reader would take the link's name for a part of the heading
        return f'<h{level} id="{place}" aria-label="{said}">{text}{link}</h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        if found := LESSON_LINK.fullmatch(url):
            if found["stem"] not in self.page.lessons:
                raise LessonError(
                    f"{self.page.name} links to {url}, and there is no such lesson. Link to one that there is."
                )
            return f'<a href="{found["stem"]}.html{escape(found["place"] or "")}">{text}</a>'
        if url.startswith(("#", "https://", "http://", "mailto:")):
            listed = self.page.headings and self.page.headings[-1].text == "References"
            about = None if listed else self.page.references.get(url.partition("#")[0])
            return str(super().link(text, url, title or about))
        # a file of the repository: it is not on the site, so say where the reader has it
        place = PurePosixPath("notebooks", url)
        return f'{text} <span class="file">(<code>{escape(_plain(place))}</code> in your copy of the course)</span>'

    def table(self, text: str) -> str:
        text = text.replace("<th></th>", "<td></td>")  # an empty corner is no heading
        return (
            f'<div class="table" tabindex="0" role="group" aria-label="Table"><table>\n{text}</table></div>\n'
        )

    def block_html(self, html: str) -> str:
        return self._html(html) + "\n"

    def inline_html(self, html: str) -> str:
        return self._html(html)

    def _html(self, html: str) -> str:
        """HTML as it was written, but for comments, pictures, and formulas, which JupyterLab finds in it too.

        Not through nbconvert, which closes the <details> that the next block is to close.
        """
        html = IMAGE.sub(
            lambda found: found[1] + self._embed_image_or_attachment(found[2]), COMMENT.sub("", html)
        )
        html = MATH_IN_HTML.sub(lambda found: self.inline_math(unescape(found[1])), html)
        return html.replace("\\$", DOLLAR)


def glue(html: str) -> str:
    """Keep a formula in a line of text on one line with the comma or the bracket at it."""
    return AT_MATH.sub(
        lambda found: f'<span class="glued">{found[0]}</span>' if found[1] or found[3] else found[0], html
    )


def _plain(path: PurePosixPath) -> str:
    """A relative path without its ``..``."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
