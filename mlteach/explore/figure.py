"""The one way a figure enters a lesson: as a picture with a sentence that says what it shows.

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


def show(fig: "Figure", alt: str, *, colours: int | None = None) -> None:
    """Display ``fig`` as a PNG with the alternative text ``alt``, then close it.

    colours: keep so many only, at most 256. 64 are enough for lines and flat shades, and a third of the bytes: for a lesson
    with many pictures.
    Raises ``ValueError`` when ``alt`` is shorter than a sentence.
    """
    from IPython.display import display

    data = png(fig)
    if colours:
        data = _fewer(data, colours)
    display(Picture(data, sentence(alt), width=round(100 * fig.get_figwidth())))


class Picture:
    """A PNG that carries its alternative text (and its width in CSS pixels) wherever Jupyter stores or shows it."""

    def __init__(self, data: bytes, alt: str, width: int | None = None) -> None:
        self.data, self.alt, self.width = data, alt, width

    def __repr__(self) -> str:
        return self.alt

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        about: dict[str, Any] = {"alt": self.alt}
        if self.width:
            about["width"] = self.width
        data = {"text/plain": self.alt, "image/png": base64.b64encode(self.data).decode("ascii")}
        return data, {"image/png": about}


def png(fig: "Figure", dpi: int = DPI) -> bytes:
    """The figure as PNG bytes, the same on every call; closes the figure.

    Name and date of the program that drew it are left out: they would change the file with every release.
    """
    spread_labels(fig)
    out = io.BytesIO()
    fig.savefig(out, format="png", dpi=dpi, metadata={"Software": None})
    _close(fig)
    return out.getvalue()


def _fewer(data: bytes, colours: int) -> bytes:
    """The same picture with a palette."""
    from PIL import Image

    out = io.BytesIO()
    Image.open(io.BytesIO(data)).convert("RGB").quantize(colours).save(out, "png", optimize=True)
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
