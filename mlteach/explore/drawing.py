"""A matplotlib figure as an SVG for both themes: its letters are letters, and each colour is one for light and one for dark.

    text = svg(fig)

Ink and paper are the variables ``--i`` and ``--p``. On a page of the site they are the page's own; alone, as in
JupyterLab, the drawing brings its own paper along. Any other colour is ``light-dark(...)``, see `style.dark`. What lies on a
coloured field, such as a contour picture, keeps its colour, because the field keeps its own. What a reader without such
CSS shows is the light one.

The same figure gives the same bytes. The site puts on a page what is written here, and nothing else: see
``course/site/drawing.py``.
"""

import base64
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from itertools import groupby
from typing import TYPE_CHECKING, Any, cast
from xml.sax.saxutils import escape

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.colors import to_hex
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D

from mlteach.explore import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: CSS pixels an inch; a figure's units are these.
PIXELS = 100
FONT = "system-ui, -apple-system, Segoe UI, Roboto, DejaVu Sans, sans-serif"


def svg(fig: "Figure", alt: str = "") -> str:
    """The figure as the text of an SVG that says ``alt``; it is left as it was, open and of the same resolution."""
    dpi = fig.dpi
    fig.dpi = PIXELS
    try:
        width, height = (float(v) for v in fig.bbox.size)
        drawn = _Renderer(width, height, _fields(fig))
        with _aligned(fig):
            fig.draw(drawn)
    finally:
        fig.dpi = dpi
    body = drawn.text()
    mark = (
        "f" + sha256(body.encode()).hexdigest()[:6]
    )  # so that two figures on one page do not share their parts
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}" '
        f'role="img" aria-label="{_quoted(alt)}" font-family="{FONT}" style="{ROOT}">'
    )
    return (head + body.replace(_MARK, mark) + "</svg>").replace('"', "'")  # which a notebook need not escape


def _quoted(text: str) -> str:
    """Text as XML, also between quotes of any kind."""
    return escape(text, {'"': "&#34;", "'": "&#39;"})


#: Ink and paper where the drawing stands alone.
ROOT = ";".join(
    ["color-scheme:light dark"]
    + [
        f"--{name}:light-dark({light},{style.dark(light)})"
        for name, light in (("i", "#000000"), ("p", "#ffffff"))
    ]
)
_STYLE = re.compile(r'style="([^"]*)" ')
_MARK = "\0"  # stands for the figure's own mark until that is known


def _fields(fig: "Figure") -> "list[Axes]":
    """The axes that a coloured field fills: a contour picture, a heat map, a colour bar."""
    from matplotlib.collections import QuadMesh
    from matplotlib.contour import ContourSet
    from matplotlib.image import AxesImage

    def is_field(artist: Any) -> bool:
        if isinstance(artist, AxesImage):
            return not _grey(artist.to_rgba(cast(Any, artist.get_array())))
        return isinstance(artist, QuadMesh) or (isinstance(artist, ContourSet) and artist.filled)

    return [ax for ax in fig.axes if any(map(is_field, ax.get_children()))]


def _grey(rgba: Any) -> bool:
    """Whether a picture, of any shape with the channels last, has no hue: it is ink on paper."""
    colours = np.asarray(rgba)[..., :3]
    return bool((colours == colours[..., :1]).all())


@contextmanager
def _aligned(fig: "Figure") -> Iterator[None]:
    """In the block, the id of every text is how its lines are aligned, which a renderer is told of a single line only."""
    from matplotlib.text import Text

    texts = [each for each in fig.findobj(Text) if isinstance(each, Text)]
    before = [each.get_gid() for each in texts]
    try:
        for each in texts:
            several = "\n" in each.get_text()
            each.set_gid(each._get_multialignment() if several else each.get_horizontalalignment())  # type: ignore[attr-defined]
        yield
    finally:
        for each, gid in zip(texts, before, strict=True):
            each.set_gid(gid)


def _number(value: float, digits: int = 1) -> str:
    """A coordinate, short."""
    text = f"{value:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else re.sub(r"^(-?)0\.", r"\1.", text)


class _Renderer(RendererBase):
    """Writes what matplotlib draws. Places are pixels from the top left corner; matplotlib's come from the bottom."""

    def __init__(self, width: float, height: float, fields: "Sequence[Axes]") -> None:
        super().__init__()
        self.width, self.height, self.fields = width, height, fields
        self.parts: list[tuple[str, str]] = []  # by what it is clipped, and the element
        self.shared: dict[str, str] = {}  # what is defined once -> its id
        self.run: tuple[tuple[str, str], list[str]] = (
            ("", ""),
            [],
        )  # neighbours that look the same share one <g>
        self.align = ["left"]
        self.stamped = False

    # ---- what matplotlib asks ------------------------------------------------------------------------------------
    def get_canvas_width_height(self) -> tuple[float, float]:
        return self.width, self.height

    def points_to_pixels(self, points: Any) -> Any:
        return points * PIXELS / 72

    def get_image_magnification(self) -> float:
        return style.DPI / PIXELS

    def open_group(self, s: str, gid: str | None = None) -> None:
        self.align.append(gid if s == "text" and gid else self.align[-1])

    def close_group(self, s: str) -> None:
        self.align.pop()

    # ---- what it draws -------------------------------------------------------------------------------------------
    def draw_path(self, gc: GraphicsContextBase, path: Path, transform: Any, rgbFace: Any = None) -> None:
        if self.stamped:
            self._stamp(gc, path, transform, rgbFace)
            return
        flip = transform + self._flip()
        filled = rgbFace is not None
        clip = None if filled else (-99, -99, self.width + 99, self.height + 99)
        line = self._line(path, flip, clip=clip, simplify=path.should_simplify and not filled)
        if not line:
            return
        self._add(self._look(gc, rgbFace), f'<path d="{line}"/>', gc)
        if gc.get_hatch() and (tile := gc.get_hatch_path()) is not None:
            colour = gc.get_hatch_color()
            pattern = (
                f'<pattern id="{{}}" patternUnits="userSpaceOnUse" width="72" height="72"><path d="{self._line(tile, Affine2D().scale(72, 72))}" '
                f'stroke="{to_hex(colour)}" fill="{to_hex(colour)}" style="fill:{themed(to_hex(colour))};stroke:{themed(to_hex(colour))}" stroke-width="{_number(gc.get_hatch_linewidth() * PIXELS / 72)}"/></pattern>'
            )
            self._add("", f'<path d="{line}" fill="url(#{self._define("h", pattern)})"/>', gc)

    def _stamp(self, gc: GraphicsContextBase, path: Path, transform: Any, face: Any) -> None:
        """One of many shapes that are alike. An edge of its own colour is drawn by a larger shape: half of the bytes."""
        matrix = np.array(transform.get_matrix())
        (x, y), matrix[:2, 2] = matrix[:2, 2].copy(), 0
        alone = face is not None and to_hex(face) == to_hex(gc.get_rgb()) and self._alpha(face, gc) == 1
        if alone:
            own = GraphicsContextBase()
            own.copy_properties(gc)
            own.set_linewidth(0)
            size = float(np.ptp(path.vertices @ matrix[:2, :2].T, axis=0).max())
            matrix[:2, :2] *= (size + self.points_to_pixels(gc.get_linewidth())) / size if size else 1
            gc = own
        if shape := self._line(path, Affine2D(matrix).scale(1, -1), digits=2):
            name = self._define("m", f'<path id="{{}}" d="{shape}"/>')
            place = f'x="{_number(x)}" y="{_number(self.height - y)}"'
            self._add(self._look(gc, face), f'<use href="#{name}" {place}/>', gc)

    def draw_markers(
        self,
        gc: GraphicsContextBase,
        marker_path: Path,
        marker_trans: Any,
        path: Path,
        trans: Any,
        rgbFace: Any = None,
    ) -> None:
        shape = self._line(marker_path, marker_trans + Affine2D().scale(1, -1), digits=2)
        places = [
            (x, y) for vertices, _ in path.iter_segments(trans + self._flip(), simplify=False)
            for x, y in [vertices[-2:]] if np.isfinite(x + y)
        ]  # fmt: skip
        if not shape or not places:
            return
        look = self._look(gc, rgbFace, open_line=len(np.asarray(marker_path.vertices)) < 3)
        if len(places) == 1:
            there = marker_trans + Affine2D().scale(1, -1).translate(*places[0])
            self._add(look, f'<path d="{self._line(marker_path, there, digits=2)}"/>', gc)
            return
        name = self._define("m", f'<path id="{{}}" d="{shape}"/>')
        for x, y in places:
            self._add(look, f'<use href="#{name}" x="{_number(x)}" y="{_number(y)}"/>', gc)

    def draw_path_collection(
        self,
        gc: Any,
        master_transform: Any,
        paths: Any,
        all_transforms: Any,
        offsets: Any,
        *args: Any,
        **kw: Any,
    ) -> None:
        self.stamped = len(paths) < len(offsets)
        super().draw_path_collection(gc, master_transform, paths, all_transforms, offsets, *args, **kw)
        self.stamped = False

    def draw_image(self, gc: GraphicsContextBase, x: float, y: float, im: Any, transform: Any = None) -> None:
        height, width = im.shape[:2]
        wide, high = width / self.get_image_magnification(), height / self.get_image_magnification()
        place = f'x="{_number(x)}" y="{_number(self.height - y - high)}" width="{_number(wide)}" height="{_number(high)}"'
        im = np.asarray(im)[::-1]
        if not _grey(im) or self._on_field(gc, (x + wide / 2, y + high / 2)):
            data = _png(im)
            self._add("", f'<image {place} preserveAspectRatio="none" href="{data}"/>', gc)
            return
        ink = (255 - im[..., 0].astype(float)) * im[..., 3] / 255  # how much ink stands where
        image = f'<image {place} preserveAspectRatio="none" href="{_png(ink.round().astype("uint8"))}"/>'
        name = self._define("i", f'<mask id="{{}}">{image}</mask>')
        self._add(self._paint("fill", "black", gc), f'<rect {place} mask="url(#{name})"/>', gc)

    def draw_text(
        self,
        gc: GraphicsContextBase,
        x: float,
        y: float,
        s: str,
        prop: Any,
        angle: float,
        ismath: Any = False,
        mtext: Any = None,
    ) -> None:
        field = self._on_field(gc, (x, self.height - y))
        paint = self._paint("fill", gc.get_rgb(), gc, field=field) + self._opacity("fill", gc.get_rgb(), gc)
        if ismath:  # a formula keeps the letters it was set in
            path = TextPath((0, 0), s, prop=prop, size=self.points_to_pixels(prop.get_size_in_points()))
            place = Affine2D().rotate_deg(angle).scale(1, -1).translate(x, y)
            self._add(paint, f'<path d="{self._line(path, place, digits=2)}"/>', gc)
            return
        width, _, _ = self.get_text_width_height_descent(s, prop, False)
        part, anchor = {"center": (0.5, "middle"), "right": (1, "end")}.get(self.align[-1], (0, ""))
        radians = np.deg2rad(angle)
        x, y = x + part * width * np.cos(radians), y - part * width * np.sin(radians)
        about = f'font-size="{_number(self.points_to_pixels(prop.get_size_in_points()))}"'
        about += ' font-weight="bold"' if prop.get_weight() in ("bold", "semibold", 600, 700) else ""
        about += ' font-style="italic"' if prop.get_style() in ("italic", "oblique") else ""
        about += f' text-anchor="{anchor}"' if anchor else ""
        turn = f' transform="rotate({_number(-angle)} {_number(x)} {_number(y)})"' if angle else ""
        self._add(
            f"{about} {paint}", f'<text x="{_number(x)}" y="{_number(y)}"{turn}>{_quoted(s)}</text>', gc
        )

    # ---- how it is written ---------------------------------------------------------------------------------------
    def text(self) -> str:
        """All that was drawn."""
        self._end_run()
        body = ""
        for clip, run in groupby(self.parts, key=lambda part: part[0]):
            inside = "".join(element for _, element in run)
            body += f'<g clip-path="url(#{clip})">{inside}</g>' if clip else inside
        return (
            f"<defs>{''.join(each.format(name) for each, name in self.shared.items())}</defs>"
            if self.shared
            else ""
        ) + body

    def _flip(self) -> Affine2D:
        return Affine2D().scale(1, -1).translate(0, self.height)

    def _add(self, look: str, element: str, gc: GraphicsContextBase) -> None:
        """Append an element with that look: attributes, of which those of style become one."""
        css = _STYLE.findall(look)
        look = _STYLE.sub("", look).strip() + (f' style="{";".join(css)}"' if css else "")
        kind = (self._clip(gc), look)
        if kind != self.run[0]:
            self._end_run()
            self.run = (kind, [])
        self.run[1].append(element)

    def _end_run(self) -> None:
        (clip, look), elements = self.run
        if len(elements) == 1 and look:
            name, _, rest = elements[0].partition(" ")
            self.parts.append((clip, f"{name} {look} {rest}"))
        elif elements:
            self.parts.append((clip, f"<g {look}>{''.join(elements)}</g>" if look else "".join(elements)))
        self.run = (("", ""), [])

    def _define(self, kind: str, element: str) -> str:
        """The id of an element that several use; {} stands for the id in its text."""
        return self.shared.setdefault(element, f"{_MARK}-{kind}{len(self.shared)}")

    def _line(
        self, path: Path, transform: Any, *, digits: int = 1, clip: Any = None, simplify: bool = False
    ) -> str:
        """The d of a path, each place told from the one before, which is short; "" where there is nothing of it."""
        letters = {Path.MOVETO: "m", Path.LINETO: "l", Path.CURVE3: "q", Path.CURVE4: "c"}
        text = last = ""
        at = start = np.zeros(2)
        pieces = path.iter_segments(
            transform, remove_nans=True, clip=clip, simplify=simplify, snap=False, curves=True
        )
        for vertices, code in pieces:
            if code == Path.CLOSEPOLY:
                text, last, at = text + "z", "", start
            elif code in letters and np.isfinite(vertices).all():
                points = np.round(vertices.reshape(-1, 2), digits)
                letter = "M" if not text else letters[code]
                words = [_number(v, digits) for v in (points - (at if text else 0)).ravel()]
                if letter == last == "l":
                    letter = "" if words[0].startswith("-") else " "
                text += letter + " ".join(words).replace(" -", "-")
                last, at = letter.strip() or last, points[-1]
                start = at if code == Path.MOVETO else start
        return text if re.search("[lqc]", text) else ""

    def _look(self, gc: GraphicsContextBase, face: Any, open_line: bool = False) -> str:
        """The attributes of a path: how it is filled and stroked."""
        field = self._on_field(gc)
        look = "" if gc.get_antialiased() else 'shape-rendering="crispEdges" '
        look += self._paint("fill", None if open_line else face, gc, field=field) + self._opacity(
            "fill", face, gc
        )
        edge = gc.get_rgb()
        width = self.points_to_pixels(gc.get_linewidth())
        if width and self._visible(edge, gc):
            look += self._paint("stroke", edge, gc, field=field) + self._opacity("stroke", edge, gc)
            look += f'stroke-width="{_number(width, 2)}" '
            cap, join = gc.get_capstyle(), gc.get_joinstyle()
            look += f'stroke-linecap="{"square" if cap == "projecting" else cap}" ' if cap != "butt" else ""
            look += f'stroke-linejoin="{join}" ' if join != "miter" else ""
            offset, dashes = gc.get_dashes()
            if dashes is not None:
                many = " ".join(_number(self.points_to_pixels(float(d)), 2) for d in cast(Any, dashes))
                look += f'stroke-dasharray="{many}" '
                look += (
                    f'stroke-dashoffset="{_number(self.points_to_pixels(float(offset)), 2)}" '
                    if offset
                    else ""
                )
        return look

    def _clip(self, gc: GraphicsContextBase) -> str:
        """The id of what clips the drawing now, "" for nothing."""
        path, transform = cast(Any, gc.get_clip_path())
        if path is not None:
            shape = f'<path d="{self._line(path, transform + self._flip())}"/>'
        elif (box := gc.get_clip_rectangle()) is not None:
            x, y, w, h = box.bounds
            place = f'x="{_number(x)}" y="{_number(self.height - y - h)}" width="{_number(w)}" height="{_number(h)}"'
            shape = f"<rect {place}/>"
        else:
            return ""
        return self._define("c", f'<clipPath id="{{}}">{shape}</clipPath>')

    def _on_field(self, gc: GraphicsContextBase, at: tuple[float, float] | None = None) -> bool:
        """Whether what is drawn lies on a coloured field: it is clipped by one, or ``at`` is in one."""
        box = gc.get_clip_rectangle()
        for ax in self.fields:
            x, y, w, h = ax.bbox.bounds
            if at is not None and x < at[0] < x + w and y < at[1] < y + h:
                return True
            if at is None and box is not None and np.allclose(box.bounds, (x, y, w, h), atol=0.5):
                return True
        return False

    def _visible(self, colour: Any, gc: GraphicsContextBase) -> bool:
        return colour is not None and self._alpha(colour, gc) > 0

    def _alpha(self, colour: Any, gc: GraphicsContextBase) -> float:
        if gc.get_forced_alpha():
            return float(gc.get_alpha())
        return float(colour[3]) if not isinstance(colour, str) and len(colour) > 3 else 1.0

    def _opacity(self, name: str, colour: Any, gc: GraphicsContextBase) -> str:
        if not self._visible(colour, gc):
            return ""
        alpha = self._alpha(colour, gc)
        return f'{name}-opacity="{_number(alpha, 3)}" ' if alpha < 1 else ""

    def _paint(self, name: str, colour: Any, gc: GraphicsContextBase, *, field: bool = False) -> str:
        """fill or stroke: an attribute for who knows no themes, a style for who does."""
        if not self._visible(colour, gc):
            return f'{name}="none" ' if name == "fill" else ""
        light = to_hex(colour)
        if field:
            return f'{name}="{light}" '
        return f'{name}="{light}" style="{name}:{themed(light)}" '


def themed(light: str) -> str:
    """A colour (``#rrggbb``) as CSS for both themes."""
    return {"#000000": "var(--i)", "#ffffff": "var(--p)"}.get(
        light
    ) or f"light-dark({light},{style.dark(light)})"


def _png(im: Any) -> str:
    """A picture as a data address: bytes, one channel or four."""
    from PIL import Image

    made = Image.fromarray(np.ascontiguousarray(im))
    out = io.BytesIO()
    made.save(out, "png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode("ascii")
