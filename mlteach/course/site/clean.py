"""What a lesson's text and outputs may put on a page: nothing that runs, nothing that asks for anything.

bleach reads HTML as browsers do, and writes anew what stands on the lists below; anything else becomes text or is left
out. So that nobody wonders where it went, what is refused is named first, with its cell.
"""

import base64
import binascii
import re
from collections.abc import Collection, Mapping
from functools import cache
from html import escape, unescape
from html.parser import HTMLParser
from typing import Any

from mlteach.course.lessons import LessonError
from mlteach.course.site.drawing import drawing

#: Elements of text, and of formulas (MathML Core without what holds HTML or a link).
TEXT = frozenset(
    "a abbr b blockquote br caption cite code col colgroup dd del details dfn div dl dt em figcaption figure h1 h2 h3 h4 h5 "
    "h6 hr i img ins kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr u ul "
    "var wbr".split()
)
FORMULA = frozenset(
    "math menclose merror mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms mspace msqrt mstyle "
    "msub msubsup msup mtable mtd mtext mtr munder munderover none".split()
)
#: Attributes of any element, of some, and of formulas.
ANYWHERE = frozenset("id title lang dir role tabindex aria-label aria-hidden aria-level".split())
OF = {
    "img": frozenset(["alt", "width", "height"]),
    "td": frozenset(["colspan", "rowspan", "headers"]),
    "th": frozenset(["colspan", "rowspan", "headers", "scope"]),
    "ol": frozenset(["start", "type", "reversed"]),
    "details": frozenset(["open"]),
}
#: A number that moves an explorer says which trait, at a <span> and in this form alone (see moves.py).
MOVES = re.compile(r"[A-Z]\w*\.[a-z]\w*", re.ASCII)
OF_FORMULA = frozenset(
    "accent accentunder columnalign columnlines columnspacing columnspan depth display displaystyle fence form height "
    "largeop linethickness lspace mathbackground mathcolor mathsize mathvariant maxsize minsize movablelimits notation "
    "rowalign rowlines rowspacing rowspan rspace scriptlevel separator stretchy symmetric voffset width".split()
)
#: None of them takes a picture.
PROPERTIES = frozenset(
    "color background-color text-align justify-items vertical-align font-weight font-style text-decoration white-space "
    "padding padding-left padding-right padding-top padding-bottom border border-top border-bottom border-left "
    "border-right min-width max-width width height".split()
)
#: What this package and Pygments write; a class of the page's own, such as "slide" or "explorer", is not for a lesson.
CLASS = re.compile(
    r"anchor|file|formula|glued|table|prime|dataframe|highlight|hl-\w+|menclose-\w+|[a-z][a-z0-9]{0,2}"
)
PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*")
ELSEWHERE = ("https://", "http://", "mailto:", "#")
PAGE = re.compile(r"[\w-]+\.html(?:#.*)?")
#: Elements that hold a look alone. Tables bring them along; a page has its own look.
STYLE = re.compile(r"<style\b.*?</style\s*>", re.DOTALL | re.IGNORECASE)
FETCHES = (
    "src",
    "srcset",
    "poster",
    "data",
    "background",
    "srcdoc",
    "action",
    "formaction",
    "manifest",
    "ping",
)
REACHES = re.compile(r"url|image|src|@|\\|expression|behavior|binding", re.IGNORECASE)
MARKUP = re.compile(r"<[A-Za-z/!?]")


def clean(html: str, place: str, pages: Collection[str] | None = None) -> str:
    """``html`` with nothing in it that runs or asks for anything; comments, styles and strange attributes are left out.

    ``place`` is named ("lesson: cell 03-001"); ``pages`` are the files it may link to (without: any name of a page).
    Raises LessonError for an element, address or handler that a page does not take.
    """
    html = STYLE.sub("", html.replace("\0", ""))
    report = _Report(pages)
    try:
        report.feed(html)
        report.close()
    except AssertionError:  # of Python's reader, at a declaration it does not know
        report.wrong.append("holds a declaration, which a page does not take. The sign < is written &lt;.")
    if report.wrong:
        raise LessonError(f"{place} {report.wrong[0]}")
    return str(_cleaner().clean(html))


def unmarked(value: Any, place: str) -> Any:
    """Return ``value``, the state of an explorer, or raise LessonError when a text in it holds markup: they draw by HTML."""
    found = [value]
    while found:
        each = found.pop()
        if isinstance(each, str) and MARKUP.search(each):
            raise LessonError(
                f'{place} shows an explorer whose state holds HTML: "{said(each)}". Set it to plain text.'
            )
        if isinstance(each, Mapping):
            found += [*each, *each.values()]
        elif isinstance(each, list | tuple):
            found += each
    return value


def picture(output: Any, kind: str, place: str, css: str = "", mark: str = "") -> str:
    """A stored picture as an ``<img>``, in which a browser runs no script and asks for nothing, not even for an SVG.

    A drawing that ``mlteach.explore.figure.show`` has made stands in the page itself, so that it has the page's letters
    and colours; ``mark`` is then the beginning of its ids. Raises LessonError when its bytes, its words or its width are not what they should be.
    """
    stored, about = output["data"][kind], output.get("metadata", {}).get(kind, {})
    about = about if isinstance(about, Mapping) else {}
    if kind == "image/svg+xml":
        if drawn := drawing("".join(stored), str(about.get("alt", "")), mark):
            return drawn
        stored = base64.b64encode(str(stored).encode()).decode("ascii")
    try:
        stored = "".join(str(stored).split())
        base64.b64decode(stored, validate=True)
    except (binascii.Error, ValueError) as error:
        raise LessonError(
            f"{place} shows a picture ({kind}) whose bytes are not base 64. Run its cell again."
        ) from error
    words, size = about.get("alt", "No description has been provided for this image"), ""
    for side in ("width", "height"):
        if (pixels := about.get(side)) and not re.fullmatch(r"\d{1,5}(\.\d+)?", str(pixels)):
            raise LessonError(
                f'{place} shows a picture whose {side} is "{said(str(pixels))}", not a number of pixels. Give one, or leave it out.'
            )
        size += f' {side}="{pixels}"' if pixels and side == "width" else ""
    return f'<img class="{css}" src="data:{kind};base64,{stored}" alt="{escape(str(words))}"{size}>'


def said(value: str) -> str:
    """A value as a message names it: on one line, not long."""
    return "".join(each if each.isprintable() else " " for each in value).strip()[:80]


class _Report(HTMLParser):
    """Says what a lesson's HTML holds that a page does not take. It only reports: bleach decides what is written."""

    def __init__(self, pages: Collection[str] | None) -> None:
        super().__init__()
        self.pages, self.wrong = pages, list[str]()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in TEXT | FORMULA:
            self.wrong.append(
                f"holds the element <{tag}>, which a page does not take: it shows text, tables, formulas, pictures and explorers. "
                "The sign itself is written &lt;."
            )
        for key, value in attributes:
            self.attribute(tag, key, (value or "").strip(), said(value or ""))

    def attribute(self, tag: str, key: str, value: str, said: str) -> None:
        if key.startswith("on"):
            self.wrong.append(
                f'has "{key}" at its <{tag}>; nothing runs on a page but the course\'s explorers. Leave it out.'
            )
        elif key == "src" and tag == "img" and value.startswith("data:"):
            if not PICTURE.fullmatch(value):
                self.wrong.append(
                    f'shows "{said}", which is not a picture in base 64. Put the file beside the notebook.'
                )
        elif key in FETCHES or (key.endswith("href") and tag != "a"):
            self.wrong.append(
                f'holds "{said}", so the page would ask for "{said}"; put the file beside the notebook.'
            )
        elif key == "style" and REACHES.search(value):
            self.wrong.append(f'has a style, so the page would ask for what "{said}" names. Leave it out.')
        elif key == "href" and not value.startswith(ELSEWHERE):
            known = PAGE.fullmatch(value) and (
                self.pages is None or value.partition("#")[0] in {*self.pages, "index.html"}
            )
            if not known:
                self.wrong.append(
                    f'has a link: it links to "{said}", which is not on the site. Give a lesson or a whole address.'
                )


def _kept(tag: str, key: str, value: str) -> bool:
    """Whether bleach keeps an attribute."""
    value = unescape(value)  # as a browser will read it
    if key == "class":
        return all(CLASS.fullmatch(word) for word in value.split())
    if key == "style":
        return not REACHES.search(value)
    if key == "href":
        return tag == "a" and (value.startswith(ELSEWHERE) or bool(PAGE.fullmatch(value)))
    if key == "src":
        return tag == "img" and bool(PICTURE.fullmatch(value))
    if key == "data-moves":
        return tag == "span" and bool(MOVES.fullmatch(value))
    return key in ANYWHERE or key in OF.get(tag, ()) or (tag in FORMULA and key in OF_FORMULA)


@cache
def _cleaner() -> Any:
    from bleach.css_sanitizer import CSSSanitizer
    from bleach.sanitizer import Cleaner

    return Cleaner(
        tags=TEXT | FORMULA,
        attributes=_kept,
        protocols=frozenset(["http", "https", "mailto", "data"]),  # which address where: `_kept` is stricter
        css_sanitizer=CSSSanitizer(PROPERTIES, frozenset()),
    )
