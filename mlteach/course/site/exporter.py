"""nbconvert with our templates: one executed notebook to one HTML file that asks for nothing but itself."""

import base64
import copy
import json
import re
from collections.abc import Collection
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbconvert.filters import Highlight2HTML
from nbconvert.filters.markdown_mistune import MarkdownWithMath
from nbconvert.filters.widgetsdatatypefilter import WidgetsDataTypeFilter
from traitlets.config import Config

from mlteach.course.lessons import NOTEBOOKS, LessonError
from mlteach.course.site.clean import clean, picture, said
from mlteach.course.site.markdown import DOLLAR, Page, Renderer, glue
from mlteach.course.site.policy import policy

HERE = Path(__file__).parent
#: STIX Two Math 2.11 (SIL Open Font License, see beside it) without what no lesson needs, for every page brings it: pyftsubset with
#: Latin and Greek, upright and italic, the other alphabets' letters that occur, operators, arrows and accents,
#: --layout-features=ssty,dtls,ccmp,kern --no-hinting.
FONT = "stix-two-math.woff2"
#: The end of the id of the promise, which stands in one cell with the title and apart from it on a page.
PROMISE = "-promise"
#: What of an output is shown: the first of these that it has. No JavaScript is among them.
SHOWN = (
    "application/vnd.jupyter.widget-view+json", "text/html", "text/markdown", "image/svg+xml", "text/latex", "image/png",
    "image/jpeg", "text/plain",
)  # fmt: skip


class Exporter(HTMLExporter):
    """``template``: the folder in ``templates/``. ``site``: what the template knows as ``site``, with the page in it."""

    def __init__(self, template: str, page: Page, site: dict[str, Any]) -> None:
        self.page, self.pictures = page, 0
        super().__init__(
            template_name=template,
            extra_template_basedirs=[str(HERE / "templates")],
            config=Config({"NbConvertBase": {"display_data_priority": list(SHOWN)}}),
        )
        self.environment.globals.update(
            file=file,
            font=font,
            program=program(),
            policy=policy,
            picture=self.picture,
            site={**site, "page": page},
        )

    def from_notebook_node(self, nb: Any, resources: Any = None, **kw: Any) -> Any:
        """The page of a notebook, and what is known of it. Raises LessonError, naming the cell, for what may not stand on one.

        HTMLExporter would read the finished page once more and write it anew, scripts and all; that pass looks for what
        is not on our pages, and what it does it with fails on some Python 3.11.
        """
        for cell in nb.cells:
            for output in cell.get("outputs", []):
                if (data := output.get("data")) and not set(data) & set(SHOWN):
                    raise LessonError(
                        f"{self.place(cell)} has an output that a page cannot show ({said(', '.join(data))}); give it a text or a picture."
                    )
        shown = copy.copy(nb)
        # the rest of the metadata, such as the name of another language, is of no use to a page
        widgets = {"widgets": nb.metadata["widgets"]} if "widgets" in nb.metadata else {}
        shown.metadata = nbformat.from_dict({"language_info": {"name": "python"}, **widgets})
        resources = self._init_resources(resources)
        highlight = Highlight2HTML(pygments_lexer="python", parent=self)
        self.register_filter("highlight_code", lambda *source, **about: coloured(highlight(*source, **about)))
        kinds = WidgetsDataTypeFilter(notebook_metadata=self._nb_metadata, parent=self, resources=resources)
        self.register_filter("filter_data_type", kinds)
        return TemplateExporter.from_notebook_node(self, shown, resources, **kw)

    def place(self, cell: Any) -> str:
        """How a cell is named when something is wrong with it."""
        return f"{self.page.name}: cell {str(cell.get('id', '?')).removesuffix(PROMISE)}"

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        cell = context.get("cell", {})
        renderer = Renderer(
            self.page, self.place(cell), path=str(NOTEBOOKS), attachments=cell.get("attachments", {})
        )
        return self.clean(context, glue(MarkdownWithMath(renderer=renderer).render(source)))

    @pass_context
    def clean(self, context: Any, html: str) -> str:
        pages = [f"{name}.html" for name in self.page.lessons]
        return clean(str(html), self.place(context.get("cell", {})), pages)

    @pass_context
    def picture(self, context: Any, output: Any, kind: str, css: str = "") -> str:
        self.pictures += 1
        return picture(output, kind, self.place(context.get("cell", {})), css, f"figure-{self.pictures}-")

    def default_filters(self) -> Any:
        yield from super().default_filters()
        yield ("markdown2html", self.markdown2html)
        yield ("clean", self.clean)


@cache
def file(name: str) -> str:
    """The text of a file in ``static/``."""
    return (HERE / "static" / name).read_text(encoding="utf-8")


@cache
def colours() -> frozenset[str]:
    """The kinds of words in code that have a colour of their own in ``look.css``, as Pygments calls them."""
    return frozenset(re.findall(r"\.highlight \.(\w+)", file("look.css")))


def coloured(code: str) -> str:
    """Highlighted code without the elements that have no colour: two of three, each of which a browser would have to read."""
    return re.sub(
        r'<span class="(\w+)">([^<]*)</span>', lambda it: it[0] if it[1] in colours() else it[2], code
    )


@cache
def program() -> str:
    """What runs on the page of a lesson besides its explorers."""
    return "".join(map(file, ("page.js", "guess.js", "code.js", "paper.js")))


@cache
def font() -> str:
    """The font of the formulas, in base 64."""
    return base64.b64encode((HERE / "static" / FONT).read_bytes()).decode("ascii")


def as_script(data: Any) -> str:
    """``data`` as JSON that may stand inside of a script element."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def self_contained(html: str, *, name: str, pages: Collection[str]) -> str:
    """Return ``html``, or raise LessonError when it asks for a file, holds a dead link, or a formula in dollars.

    ``pages``: the HTML files it may link to.
    """
    look = _Look(pages)
    look.feed(html)
    if look.wrong:
        raise LessonError(f"{name}: {look.wrong[0]}")
    return html.replace(DOLLAR, "$")


class _Look(HTMLParser):
    FETCHES = ("src", "srcset", "poster", "data", "background")
    QUIET = ("script", "style", "pre", "code", "math")

    def __init__(self, pages: Collection[str]) -> None:
        super().__init__()
        self.pages, self.wrong, self.inside, self.ids, self.asked = pages, [], [], set(), set()  # type: ignore[var-annotated]

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in self.QUIET:
            self.inside.append(tag)
        for key, value in attributes:
            value = value or ""
            fetched = key in self.FETCHES or (key == "href" and tag not in ("a", "area"))
            if fetched and not value.startswith(("data:", "#")):
                self.wrong.append(f'the page would ask for "{value}"; put the file beside the notebook.')
            elif key == "style" and "url(" in value:
                self.wrong.append(f'the page would ask for what "{value}" names. Leave it out.')
            elif (
                key == "href" and tag == "a" and not value.startswith(("https://", "http://", "mailto:", "#"))
            ):
                if value.partition("#")[0] not in self.pages:
                    self.wrong.append(
                        f'it links to "{value}", which is not on the site. Give a lesson or a whole address.'
                    )

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside and "$" in data:
            line = data.strip().partition("\n")[0]
            self.wrong.append(
                f'there is a dollar sign in "{line}": an unfinished formula? A price is written \\$5.'
            )
