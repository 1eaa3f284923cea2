"""A figure's SVG, put into the page itself, where it has the page's letters and colours.

Only what ``mlteach.explore.drawing`` writes gets through: every element, every attribute and every value is on a list, and
the text is written anew from what was read. Anything else is no drawing of ours, and stays a picture in an ``<img>``.
"""

import re
from collections.abc import Iterator
from html import escape
from xml.etree import ElementTree

NAMESPACE = "{http://www.w3.org/2000/svg}"
_COLOUR = r"#[0-9a-f]{6}"
_PAINT = rf"(?:var\(--[ip]\)|light-dark\({_COLOUR},{_COLOUR}\))"
_NUMBER = r"-?(?:\d{1,6}(?:\.\d{1,4})?|\.\d{1,4})"
_ID = r"f[0-9a-f]{6}-[a-z]\d{1,5}"
#: What an attribute may be, in whatever element it stands. No value reaches out: an address is an id, or a PNG's bytes.
ATTRIBUTES = {
    **dict.fromkeys(("x", "y", "width", "height", "stroke-width", "stroke-dashoffset", "font-size"), _NUMBER),
    **dict.fromkeys(("fill-opacity", "stroke-opacity"), _NUMBER),
    "d": r"[MmLlQqCcZz\d .\-]*",
    "id": _ID,
    "href": rf"#{_ID}|data:image/png;base64,[A-Za-z0-9+/]+={{0,2}}",
    **dict.fromkeys(("clip-path", "mask"), rf"url\(#{_ID}\)"),
    "fill": rf"none|{_COLOUR}|url\(#{_ID}\)",
    "stroke": _COLOUR,
    "style": rf"(?:fill|stroke):{_PAINT}(?:;stroke:{_PAINT})?",
    "stroke-dasharray": rf"{_NUMBER}(?: {_NUMBER})*",
    "stroke-linecap": "round|square",
    "stroke-linejoin": "round|bevel",
    "shape-rendering": "crispEdges",
    "patternUnits": "userSpaceOnUse",
    "preserveAspectRatio": "none",
    "text-anchor": "middle|end",
    "font-weight": "bold",
    "font-style": "italic",
    "transform": rf"rotate\({_NUMBER} {_NUMBER} {_NUMBER}\)",
}
ELEMENTS = frozenset("defs g path rect use image text clipPath mask pattern".split())
SIZE = re.compile(rf"0 0 ({_NUMBER}) ({_NUMBER})")
#: In pixels: a drawing shrinks with its page until its smallest letters have this size, then its frame scrolls. The usual
#: figure, 8 inches wide with letters of 12 points, stands whole on a telephone.
LEAST_LETTERS = 7.5


class _ForeignError(Exception):
    """It holds what our drawings do not."""


def drawing(svg: str, alt: str, mark: str) -> str | None:
    """The drawing as HTML that says ``alt``, its ids beginning with ``mark``; None where it is not one of ours."""
    if "<!" in svg or "<?" in svg:  # a document type can make a long text of a short one
        return None
    try:
        root = ElementTree.fromstring(svg)
        size = SIZE.fullmatch(root.get("viewBox", ""))
        if root.tag != f"{NAMESPACE}svg" or not size or root.text or not alt:
            return None
        inside = "".join(part for child in root for part in _written(child, mark))
    except (ElementTree.ParseError, _ForeignError, RecursionError):
        return None
    width = float(size[1])
    letters = [float(each.get("font-size", "inf")) for each in root.iter(f"{NAMESPACE}text")]
    least = min(width, width * LEAST_LETTERS / min(letters, default=float("inf")))
    return (
        f'<svg viewBox="{size[0]}" width="{size[1]}" height="{size[2]}" role="img" aria-label="{escape(alt)}" '
        f'style="--width:{width:g}px;--least:{least:.0f}px">{inside}</svg>'
    )


def _written(element: ElementTree.Element, mark: str) -> Iterator[str]:
    """An element and what is in it, written anew. Raises _ForeignError."""
    name = element.tag.removeprefix(NAMESPACE)
    if name not in ELEMENTS or element.tag == name or (element.tail or "").strip():
        raise _ForeignError
    if (element.text or "").strip() and name != "text":
        raise _ForeignError
    yield f"<{name}"
    for key, value in element.items():
        if not re.fullmatch(ATTRIBUTES.get(key, r"(?!)"), value, re.ASCII):
            raise _ForeignError
        yield f' {key}="{re.sub(rf"(?<=#){_ID}|^{_ID}$", lambda found: mark + found[0][8:], value)}"'
    yield ">"
    yield escape(element.text or "") if name == "text" else ""
    for child in element:
        yield from _written(child, mark)
    yield f"</{name}>"
