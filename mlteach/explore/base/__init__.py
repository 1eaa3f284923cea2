"""What every explorer is: state in traits, one JavaScript module, a text that says what is seen, a picture for the rest.

An explorer ``GradientCell`` is a folder, ``gradient_cell/``: ``__init__.py`` (traits, the mathematics in float64, the summary),
``view.js`` (the same mathematics and the drawing, an ES module that imports its helpers from ``base.js`` here), and where it
needs one a ``view.css``.
It runs from Python without any browser:

    cell = GradientCell(surface="ravine")
    cell.forget = 0.9
    print(cell.summary)

Errors are loud on both sides: a wrong trait raises in the notebook, a failure in JavaScript is shown in the widget.
"""

import base64
import math
import re
from decimal import ROUND_HALF_UP, Context
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import anywidget
from matplotlib import rc_context
from matplotlib.figure import Figure

from mlteach.explore import figure, style

_BASE = Path(__file__).parent
_EXPLORE = _BASE.parent
#: Of an explorer's picture: enough for lines and a scale of eight, and a third of the bytes.
COLOURS = 64
_IMPORT = re.compile(r'^import\s*\{(?:(?!\bas\b)[^}])*\}\s*from\s*"\.\./base/(\w+)\.js";\n', re.MULTILINE)
_PART = re.compile(r'^export \* from "\./(\w+\.js)";$', re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(/\*\*.*?\*/|//[^\n]*)\s*?\n?", re.MULTILINE | re.DOTALL)
_BETWEEN = re.compile(r'^import \{[^}]*\} from "\./\w+\.js";\n', re.MULTILINE)


@cache
def script(name: str) -> str:
    """The JavaScript of explorer ``name`` as the one ES module that anywidget takes: the parts of base, then its ``view.js``.

    In the files the view imports its helpers from ``../base/base.js``, which lists the parts of every explorer, and from those
    that only some need, such as ``../base/pen.js``; here all stand in one text, so the lines that import go; a helper cannot be
    given another name by ``as``, because it stands there under its own. Comments stay in the files: every widget stores its
    text, and a page has nine.

    Raises ``RuntimeError`` when the explorer's file lacks that line, because then the two texts would not fit.
    """
    own, more = _view(name)
    return _base() + "".join(_part(f"{each}.js") for each in more) + _COMMENT.sub("", own)


def _view(name: str) -> tuple[str, list[str]]:
    """The text of an explorer's ``view.js`` without its imports, and what it imports beside ``base.js``, by name."""
    text = (_EXPLORE / name / "view.js").read_text(encoding="utf-8")
    found = _IMPORT.findall(text)
    if found.count("base") != 1:
        raise RuntimeError(
            f'{name}/view.js must have exactly one line: import {{ ... }} from "../base/base.js"; without "as".'
        )
    return _IMPORT.sub("", text), [each for each in found if each != "base"]


@cache
def _base() -> str:
    """The parts that ``base.js`` lists, in its order, as one text."""
    return "".join(map(_part, _PART.findall((_BASE / "base.js").read_text(encoding="utf-8"))))


def _part(file: str) -> str:
    """One of the parts, without what it imports from others: they stand before it."""
    return _COMMENT.sub("", _BETWEEN.sub("", (_BASE / file).read_text(encoding="utf-8")))


@cache
def stylesheet(name: str) -> str:
    """``base.css``, those of the other parts that the view imports, then ``view.css``, where there are any."""
    parts = (_BASE / f"{each}.css" for each in ("base", *_view(name)[1]))
    files = (*parts, _EXPLORE / name / "view.css")
    return "".join(file.read_text(encoding="utf-8") for file in files if file.exists())


class Explorer(anywidget.AnyWidget):
    """Base of all explorers. A subclass names its module and its public traits, and writes two things.

    class GradientCell(Explorer):
        module = "gradient_cell"        its folder
        shows = ("surface", "forget")   the traits that stand in the repr
        summary                         what is seen, in one or two sentences, numbers to two or three digits
        draw(fig)                       the same, drawn with matplotlib, for places where no JavaScript runs
    """

    module: ClassVar[str]
    shows: ClassVar[tuple[str, ...]] = ()
    #: Of the picture that stands in for the widget, in inches.
    size: ClassVar[tuple[float, float]] = (7.0, 3.5)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "module" in cls.__dict__:
            cls._esm, cls._css = script(cls.module), stylesheet(cls.module)
        super().__init_subclass__(**kwargs)

    @property
    def summary(self) -> str:
        """What is seen at this moment, as text. The widget shows the same text and reads it to a screen reader."""
        raise NotImplementedError

    @property
    def stored(self) -> str:
        """The sentence that is stored beside the widget: the summary, or what of it is the same on every machine."""
        return self.summary

    def draw(self, fig: Figure) -> None:
        """Draw what is seen into an empty figure of ``size`` inches."""
        raise NotImplementedError

    def png(self) -> bytes:
        """The picture that stands in for the widget on paper, on GitHub, and wherever else no JavaScript runs."""
        with rc_context(style.rc() | {"font.size": 10, "axes.titlesize": 11, "figure.dpi": 100}):
            fig = Figure(figsize=self.size)
            self.draw(fig)
            return figure.png(fig, 100, colours=COLOURS)

    def __repr__(self) -> str:
        state = ", ".join(f"{name}={_short(getattr(self, name))}" for name in self.shows)
        return f"{type(self).__name__}({state})"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live widget, and beside it a picture and a sentence for every place where the widget cannot live."""
        data, about = super()._repr_mimebundle_(**kwargs) or ({}, {})
        alt = f"{type(self).__name__}. {self.stored}"
        data |= {"text/plain": alt, "image/png": base64.b64encode(self.png()).decode("ascii")}
        return data, {**about, "image/png": {"alt": alt}}


def _short(value: Any) -> str:
    """A trait's value in a ``repr``: the same on every machine, floats to three digits."""
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, tuple):
        return "(" + ", ".join(_short(v) for v in value) + ")"
    return repr(value)


def sig(x: float, digits: int = 2) -> str:
    """``x`` to ``digits`` significant digits: 0.012, 340, 1.2e-5. ``sig`` in base.js writes the same text.

    Decimal, because JavaScript rounds a tie up where Python's formatting rounds it to even.
    """
    if not math.isfinite(x):
        return "no number" if math.isnan(x) else "infinite"
    rounded = Context(prec=digits, rounding=ROUND_HALF_UP).create_decimal(x)
    if not rounded:
        return "0"
    if -4 < rounded.adjusted() < 4:
        return _trim(f"{rounded:f}")
    mantissa, exponent = f"{rounded:e}".split("e")
    return f"{_trim(mantissa)}e{int(exponent)}"


def _trim(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
