"""The one way a figure enters a lesson: as a drawing with a sentence that says what it shows.

    show(fig, alt="The loss falls from 4.1 to 0.2 within five steps, then stays there.")

The sentence is the alternative text for a screen reader and, as ``text/plain``, what a test compares with the stored
output. So it must say the message of the figure, and hold no number that changes from machine to machine.
"""

import base64
import io
from typing import TYPE_CHECKING, Any

from mlteach.explore.style import DPI, spread_labels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Fewest words that can say what a figure shows.
WORDS = 5
#: Of a drawing, which a notebook keeps as it is; and the dots an inch of the PNG beside it.
MOST_BYTES, SMALL_DPI = 150_000, 80


def show(fig: "Figure", alt: str, *, colours: int = 256) -> None:
    """Display ``fig`` with the alternative text ``alt``, then close it.

    It is stored as a drawing (SVG) that is light or dark as the page is, and as a small PNG for whoever shows no drawings.
    What cannot be drawn in ``MOST_BYTES`` is a PNG alone, a large one, of so many ``colours``, at most 256.
    Raises ``ValueError`` when ``alt`` is shorter than a sentence.
    """
    from IPython.display import display

    from mlteach.explore.drawing import svg

    alt, width = sentence(alt), round(100 * fig.get_figwidth())
    settle(fig)
    try:
        drawn = svg(fig, alt)
    except NotImplementedError:  # a shaded triangle, a text set by TeX
        drawn = ""
    fits = 0 < len(drawn) <= MOST_BYTES
    data = png(fig, SMALL_DPI if fits else DPI, colours=32 if fits else colours)
    display(Picture(data, alt, width, drawn if fits else ""))


class Picture:
    """A PNG that carries its alternative text (and its width in CSS pixels) wherever Jupyter stores or shows it.

    ``svg``: the same as a drawing, which is shown in its stead where that is possible.
    """

    def __init__(self, data: bytes, alt: str, width: int | None = None, svg: str = "") -> None:
        self.data, self.alt, self.width, self.svg = data, alt, width, svg

    def __repr__(self) -> str:
        return self.alt

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        about: dict[str, Any] = {"alt": self.alt}
        if self.width:
            about["width"] = self.width
        data = {"text/plain": self.alt, "image/png": base64.b64encode(self.data).decode("ascii")}
        if self.svg:
            data["image/svg+xml"] = self.svg
        return data, {kind: dict(about) for kind in data if kind != "text/plain"}


def settle(fig: "Figure") -> None:
    """Find the place of everything, once: to lay a figure out takes longer than to draw it, and labels are spread for one layout."""
    from matplotlib.layout_engine import PlaceHolderLayoutEngine

    if not isinstance(fig.get_layout_engine(), PlaceHolderLayoutEngine):
        spread_labels(fig)
        fig.set_layout_engine("none")


def png(fig: "Figure", dpi: int = DPI, *, colours: int = 256) -> bytes:
    """The figure as PNG bytes with a palette of at most ``colours``, the same on every call; closes the figure."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    settle(fig)
    fig.dpi = dpi
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba()))
    _close(fig)
    out = io.BytesIO()
    drawn.convert("RGB").quantize(colours).save(out, "png", optimize=True)
    return out.getvalue()


def sentence(alt: str) -> str:
    """``alt`` on one line, or ``ValueError`` when it is no sentence."""
    if not isinstance(alt, str):
        raise ValueError(f"alt must be a sentence that says what the figure shows, not {type(alt).__name__}.")
    line = " ".join(alt.split())
    if len(line.split()) < WORDS:
        raise ValueError(
            f"The alternative text {line!r} is too short: say in a sentence of at least {WORDS} words what the figure "
            'shows, for example show(fig, alt="The loss falls to 0.2 within five steps.").'
        )
    return line


def _close(fig: "Figure") -> None:
    """Forget the figure, if pyplot knows it, so that Jupyter does not draw it a second time at the end of the cell."""
    import sys

    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(fig)
