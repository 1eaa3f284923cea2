"""One visual language for every figure and explorer: a colour is a word, and a line style says it again.

    from mlteach.explore import style
    style.use()
    line, = ax.plot(steps, loss, **style.method("maml"))
    style.label_line(ax, line, "MAML")

The same colours stand in ``base/base.css`` for the explorers; a test keeps the two in step.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.text import Annotation

#: Dots per inch of every stored picture. Figures are shown at 100 CSS pixels an inch, so they stay sharp when projected.
DPI = 150

_METHODS: dict[str, dict[str, Any]] = {
    "baseline": dict(color="#6b6b6b", linestyle="--", linewidth=2.0),
    "lstm": dict(color="#CC79A7", linestyle="-", linewidth=2.5),
    "maml": dict(color="#0072B2", linestyle="-", linewidth=2.5),
    "fomaml": dict(color="#56B4E9", linestyle="-.", linewidth=2.5),
    "reptile": dict(color="#009E73", linestyle=":", linewidth=3.5),
    "metric": dict(color="#E69F00", linestyle="-", linewidth=2.5, marker="o", markersize=6),
    "warning": dict(color="#D55E00", linestyle="-", linewidth=2.5),
    "truth": dict(color="#000000", linestyle="-", linewidth=1.0),
}

#: The parts of an LSTM cell: their variable in base.css, on light ground and on dark. They read as text on both.
CELL: dict[str, tuple[str, str, str]] = {
    "c": ("cell", "#007CC2", "#4FA8E6"),
    "f": ("forget", "#C73F9E", "#F08AC8"),
    "i": ("input", "#A26B00", "#E69F00"),
    "g": ("candidate", "#008765", "#23bd93"),
}
_CELL_LINES: dict[str, Any] = {"c": "-", "f": "--", "i": "-.", "g": ":"}


def cell(part: str) -> dict[str, Any]:
    """Colour, line style and width of a part of a cell: memory ``c``, forget gate ``f``, input gate ``i``, candidate ``g``.

    The same colours in formulas (``{\\color{#007CC2}{c_t}}``), tables and explorers. Where a part is drawn, no line of the
    same picture has the colour of a method: purple would be the forget gate and the LSTM.

    Raises ``ValueError`` for another name.
    """
    if part not in CELL:
        raise ValueError(f"No part of a cell is called {part!r}. Choose one of: {', '.join(CELL)}.")
    return dict(color=CELL[part][1], linestyle=_CELL_LINES[part], linewidth=2.5)


def method(name: str) -> dict[str, Any]:
    """Colour, line style and width of a method, ready for ``ax.plot(x, y, **method("maml"))``.

    Names: baseline (gradient descent, fine-tuning, joint training), lstm (LSTM cell, learned optimizer, meta-learner
    LSTM), maml, fomaml, reptile, metric (metric and memory methods), warning (wrong, out of range), truth.

    Raises ``ValueError`` for a name that has no place in the language.
    """
    if name not in _METHODS:
        raise ValueError(f"No line style is called {name!r}. Choose one of: {', '.join(_METHODS)}.")
    return dict(_METHODS[name])


def color(name: str) -> str:
    """Colour of a method as ``#rrggbb``: for fills and markers, where a line style has no meaning."""
    return str(method(name)["color"])


def steps(n: int, name: str = "maml") -> list[str]:
    """``n`` colours of one hue from light to dark, for step 0, 1, ... n-1 of the inner loop."""
    from matplotlib.colors import to_hex, to_rgb

    base = to_rgb(color(name))
    shades = []
    for k in range(n):
        place = k / max(n - 1, 1)  # 0 is the first, lightest step
        if place < 0.6:  # from the hue mixed with white ...
            part = 0.7 * (1 - place / 0.6)
            r, g, b = (c + (1 - c) * part for c in base)
        else:  # ... through the hue itself, to the hue mixed with black
            part = 0.55 * (place - 0.6) / 0.4
            r, g, b = (c * (1 - part) for c in base)
        shades.append(to_hex((r, g, b)))
    return shades


def ink(colour: str) -> str:
    """The same hue, darkened until text in it reads on white (contrast 4.5 : 1, WCAG AA)."""
    from matplotlib.colors import to_hex, to_rgb

    rgb = to_rgb(colour)
    while 1.05 / (_luminance(rgb) + 0.05) < 4.5:
        rgb = tuple(0.95 * c for c in rgb)  # type: ignore[assignment]
    return str(to_hex(rgb))


#: The paper of the dark look, in base.css and on the pages.
DARK_PAPER = "#121418"
#: The hues that base.css has another shade of in the dark; the others of the language are the same in both.
_DARK = {"#000000": "#e6e8ec", "#ffffff": DARK_PAPER, "#6b6b6b": "#a3a3a3", "#0072b2": "#3d9fdc"}
_DARK |= {"#009e73": "#23bd93", "#d55e00": "#f0803a"}
_DARK |= {each: each for each in ("#cc79a7", "#56b4e9", "#e69f00", "#f0e442")}
_DARK |= {light.lower(): there.lower() for _, light, there in CELL.values()}


def dark(colour: str) -> str:
    """The colour that stands on dark paper where ``colour`` stands on white.

    It is the language's own, else the same hue with the same contrast, a little more where that is faint: what is weak
    stays weak, what is strong stays strong.
    """
    from matplotlib.colors import to_hex, to_rgb

    colour = str(to_hex(colour))
    hues = {light: there for light, there in _DARK.items() if light not in ("#000000", "#ffffff")}
    known = {
        ink(light): there for light, there in hues.items()
    } | _DARK  # a line's own label has the line's hue
    if colour in known:
        return known[colour]
    rgb = to_rgb(colour)
    contrast = 1.05 / (_luminance(rgb) + 0.05)
    contrast = max(contrast, min(1 + 1.6 * (contrast - 1), 3))
    wanted = min(contrast * (_luminance(to_rgb(DARK_PAPER)) + 0.05) - 0.05, 0.81)  # no whiter than the ink
    linear = [max(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4, 1e-4) for c in rgb]
    now = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    scale = min(wanted / now, 1 / max(linear))  # the same hue, as light as it can be ...
    white = (wanted - scale * now) / (1 - scale * now)  # ... and what is missing is white
    r, g, b = (scale * c + white * (1 - scale * c) for c in linear)
    r, g, b = (12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055 for c in (r, g, b))
    return str(to_hex((r, g, b)))


def _luminance(rgb: Sequence[float]) -> float:
    """Relative luminance of an sRGB colour (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def rc() -> dict[Any, Any]:
    """The matplotlib settings of the course, for ``plt.rc_context`` or ``rcParams.update``."""
    from cycler import cycler

    names = ("maml", "lstm", "reptile", "metric", "fomaml", "baseline")
    cycle = cycler(color=[color(n) for n in names], linestyle=[_METHODS[n]["linestyle"] for n in names])
    return {
        "figure.figsize": (8.0, 4.5),
        "figure.dpi": DPI,
        "savefig.dpi": DPI,
        "figure.constrained_layout.use": True,
        "figure.facecolor": "white",
        "font.family": "DejaVu Sans",
        "font.size": 13,
        "text.hinting": "no_hinting",  # else a text is wider at one resolution than at another, and no layout fits both
        "axes.titlesize": 15,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.labelsize": 13,
        "xtick.labelsize": 12,
        "ytick.labelsize": 12,
        "legend.fontsize": 12,
        "legend.frameon": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": cycle,
        "axes.unicode_minus": True,
        "lines.linewidth": 2.5,
        "image.cmap": "gray_r",  # ink is 1 and black
        "image.interpolation": "nearest",
    }


def use() -> None:
    """Set the look of the course for all figures that follow: large type, no box, labels at the lines."""
    import matplotlib

    matplotlib.rcParams.update(rc())


def label_line(
    ax: "Axes",
    line: "Line2D",
    text: str,
    *,
    x: float | None = None,
    dx: float = 6,
    dy: float = 0,
    **kwargs: Any,
) -> "Annotation":
    """Write ``text`` at ``line``, in the line's hue, instead of a legend.

    Without ``x`` the text stands to the right of the line's last finite point; with ``x`` (data units) it stands at the
    point of the line that is nearest. ``dx``, ``dy``: offset in points (1/72 inch). Further keywords go to
    ``ax.annotate``.

    Raises ``ValueError`` when the line has no finite point to stand at.
    """
    import numpy as np
    from matplotlib.colors import to_hex

    points = np.column_stack([np.asarray(d, dtype=float) for d in (line.get_xdata(), line.get_ydata())])
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        raise ValueError(f"The line for {text!r} has no finite point to put a label at.")
    at = points[-1] if x is None else points[np.abs(points[:, 0] - x).argmin()]
    look: dict[str, Any] = dict(color=ink(to_hex(line.get_color())), va="center", ha="left", fontsize=12)
    look |= dict(fontweight="bold", textcoords="offset points", annotation_clip=False) | kwargs
    return ax.annotate(text, (at[0], at[1]), xytext=(dx, dy), gid=_END if x is None else _AT, **look)


_END, _AT = "label at the end of a line", "label at a line"


def spread_labels(fig: "Figure") -> None:
    """Move the labels of `label_line` up and down, as little as can be, until none covers a line or another text.

    Where labels stand in the room to the right of the data, the axis ends with the data. ``figure.show`` calls it.
    """
    from matplotlib.text import Annotation

    for ax in fig.axes:
        _end_with_the_data(ax)
    fig.draw_without_rendering()  # places and sizes are known after a layout only
    for ax in fig.axes:
        texts = [text for text in ax.texts if isinstance(text, Annotation)]
        labels = [text for text in texts if text.get_gid() in (_END, _AT) and text.get_text()]
        labels.sort(key=lambda text: _middle(text))
        boxes = [text.get_window_extent() for text in labels]
        want = [_middle(text) for text in labels]
        lanes = [_lane(ax, text, labels) for text in labels]
        place = [min(max(y, low), high) for y, (low, high) in zip(want, lanes, strict=True)]
        order = sorted(range(len(labels)), key=lambda k: (place[k], want[k]))
        for _ in range(200):
            for n, low in enumerate(order):
                for high in order[n + 1 :]:
                    a, b = boxes[low], boxes[high]
                    short = (a.height + b.height) / 2 - (place[high] - place[low])
                    if short > 1e-6 and a.x0 < b.x1 and b.x0 < a.x1:
                        place[low], place[high] = place[low] - short / 2, place[high] + short / 2
            place = [min(max(y, low), high) for y, (low, high) in zip(place, lanes, strict=True)]
        for text, now, then in zip(labels, place, want, strict=True):
            dx, dy = text.get_position()
            text.set_position((dx, dy + (now - then) * 72 / fig.dpi))


def _end_with_the_data(ax: "Axes") -> None:
    """No tick, and no axis, below the room that was left for labels."""
    import numpy as np

    ends = [text.xy[0] for text in ax.texts if text.get_gid() == _END]  # type: ignore[attr-defined]
    low, high = ax.get_xlim()
    if not ends or not low < max(ends) < high or len(ax.get_shared_x_axes().get_siblings(ax)) > 1:
        return
    last = max(ends)
    reach = last + 1e-6 * abs(last - low)
    for minor in (False, True):
        ticks = np.asarray(ax.get_xticks(minor=minor), dtype=float)
        if (ticks > reach).any():
            names = [text.get_text() for text in ax.get_xticklabels(minor=minor)]
            fixed = type(ax.xaxis.get_major_formatter()).__name__ == "FixedFormatter" and not minor
            kept = ticks <= reach
            ax.set_xticks(ticks[kept], minor=minor)
            if fixed:
                ax.set_xticklabels([name for name, stays in zip(names, kept, strict=True) if stays])
    ax.set_xlim(low, high)
    ax.spines["bottom"].set_bounds(low, last)


def _lane(ax: "Axes", label: "Annotation", labels: "Sequence[Annotation]") -> tuple[float, float]:
    """Between which heights (pixels) the middle of a label may be: nothing is in its way there, and it is near.

    In its way are lines of the axes, its other texts, and the edges of the figure; other ``labels`` give way themselves.
    """
    import numpy as np

    box = label.get_window_extent()
    half = box.height / 2 + 1  # a pixel between them
    taken: list[tuple[float, float]] = []
    for line in ax.lines:
        inside = line.get_clip_on()
        left, right = (max(box.x0, ax.bbox.x0), min(box.x1, ax.bbox.x1)) if inside else (box.x0, box.x1)
        points = line.get_transform().transform(line.get_xydata())
        if line.get_linestyle() in ("None", "", " ") or not left < right or len(points) < 2:
            continue
        thick = line.get_linewidth() * ax.figure.dpi / 144
        for (x0, y0), (x1, y1) in zip(points[:-1], points[1:], strict=True):
            near, far = max(min(x0, x1), left), min(max(x0, x1), right)
            if near <= far and np.isfinite((x0, y0, x1, y1)).all():
                heights = (
                    [y0, y1] if x0 == x1 else [y0 + (y1 - y0) * (x - x0) / (x1 - x0) for x in (near, far)]
                )
                taken.append((min(heights) - thick, max(heights) + thick))
    axes = [ax.xaxis, ax.yaxis]
    others = [text for axis in axes for text in (*axis.get_ticklabels(), axis.label)]
    others += [ax.title, ax._left_title, ax._right_title]  # type: ignore[attr-defined]
    others += [text for text in ax.texts if text not in labels]
    for text in others:
        other = text.get_window_extent() if text.get_text() and text.get_visible() else None
        if other is not None and other.width and other.x0 < box.x1 and box.x0 < other.x1:
            taken.append((other.y0, other.y1))
    edges = [(-np.inf, half), (ax.figure.bbox.height - half, np.inf)]
    closed = sorted([(low - half, high + half) for low, high in taken] + edges)
    free, top = [], closed[0][1]
    for low, high in closed[1:]:
        if low > top:
            free.append((top, low))
        top = max(top, high)
    middle = _middle(label)
    return min(free, key=lambda lane: max(lane[0] - middle, middle - lane[1], 0), default=(middle, middle))


def _middle(text: "Annotation") -> float:
    box = text.get_window_extent()
    return float(box.y0 + box.y1) / 2
