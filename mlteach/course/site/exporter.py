"""nbconvert with our templates: one executed notebook to one HTML file that asks for nothing but itself."""

import base64
import json
from collections.abc import Collection
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import MarkdownWithMath

from mlteach.course.lessons import NOTEBOOKS, LessonError
from mlteach.course.site.markdown import Page, Renderer, glue

HERE = Path(__file__).parent
#: STIX Two Math 2.11 (SIL Open Font License, see beside it) without what no lesson needs: pyftsubset with Latin, Greek,
#: mathematical letters, operators, arrows and accents, --layout-features=ssty,dtls,ccmp,kern --no-hinting.
FONT = "stix-two-math.woff2"


class Exporter(HTMLExporter):
    """``template``: the folder in ``templates/``. ``site``: what the template knows as ``site``, with the page in it."""

    def __init__(self, template: str, page: Page, site: dict[str, Any]) -> None:
        self.page = page
        super().__init__(template_name=template, extra_template_basedirs=[str(HERE / "templates")])
        self.environment.globals.update(file=file, font=font, site={**site, "page": page})

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        renderer = Renderer(
            self.page, path=str(NOTEBOOKS), attachments=context.get("cell", {}).get("attachments", {})
        )
        return glue(MarkdownWithMath(renderer=renderer).render(source))

    def default_filters(self) -> Any:
        yield from super().default_filters()
        yield ("markdown2html", self.markdown2html)


@cache
def file(name: str) -> str:
    """The text of a file in ``static/``."""
    return (HERE / "static" / name).read_text(encoding="utf-8")


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
    return html


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
                self.wrong.append(f'the page would ask for what "{value}" names.')
            elif (
                key == "href" and tag == "a" and not value.startswith(("https://", "http://", "mailto:", "#"))
            ):
                if value.partition("#")[0] not in self.pages:
                    self.wrong.append(f'it links to "{value}", which is not on the site.')

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside and "$" in data:
            line = data.strip().partition("\n")[0]
            self.wrong.append(
                f'there is a dollar sign in "{line}": an unfinished formula? A price is written \\$5.'
            )
