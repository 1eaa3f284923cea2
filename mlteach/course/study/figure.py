"""A study as a picture: means over seeds with their intervals, a panel for each number."""

import math
from numbers import Real
from typing import Any

from mlteach.course.study.file import Study
from mlteach.course.study.table import means, shown
from mlteach.course.study.work import Row

MARKERS = "osD^vPX*"
DPI = 90


def picture(study: Study, rows: list[Row]) -> bytes:
    """The figure as PNG. x is a parameter; every combination of the others is a line, darker as it comes later."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from mlteach.explore import style
    from mlteach.explore.figure import png

    numbers = shown(study, rows)
    with rc_context(style.rc()):
        fig = Figure(figsize=(8 if len(numbers) == 1 else 5 * len(numbers), 4.5))
        for ax, number in zip(fig.subplots(1, len(numbers), squeeze=False)[0], numbers, strict=True):
            _panel(ax, study, rows, number)
        fig.suptitle(study.title, x=0.01, ha="left", fontweight="bold")
        return png(fig, DPI, colours=64)


def _panel(ax: Any, study: Study, rows: list[Row], number: str) -> None:
    from matplotlib.ticker import LogFormatter
    from matplotlib.transforms import ScaledTranslation

    from mlteach.explore import style

    x = study.axes.x or next(iter(study.varied), None)
    lines: dict[str, list[tuple[Any, float, float]]] = {}
    for varied, found in means(study, rows, number):
        others = ", ".join(f"{study.words.get(n, n)} {v}" for n, v in varied.items() if n != x)
        lines.setdefault(others, []).append((varied.get(x or "", ""), found.mean, found.half_width))
    places = list(dict.fromkeys(point[0] for line in lines.values() for point in line))
    counted = all(isinstance(each, Real) and not isinstance(each, bool) for each in places)
    if counted:
        lines = {name: sorted(line) for name, line in lines.items()}
    hue = study.axes.method
    colours = style.steps(len(lines), hue) if len(lines) > 1 else [style.color(hue)]
    for n, ((name, line), colour) in enumerate(zip(lines.items(), colours, strict=True)):
        xs = [point[0] if counted else places.index(point[0]) for point in line]
        halves = [0 if math.isnan(point[2]) else point[2] for point in line]
        beside = 4 * (n - (len(lines) - 1) / 2)  # points, so that no bar hides another
        drawn = ax.errorbar(
            xs, [point[1] for point in line], yerr=halves, color=colour, marker=MARKERS[n % len(MARKERS)],
            linestyle="-" if counted else "none", capsize=4, elinewidth=1.5, linewidth=2, markersize=7, label=name,
        )  # fmt: skip
        for part in drawn.get_children():
            part.set_transform(ax.transData + ScaledTranslation(beside / 72, 0, ax.figure.dpi_scale_trans))
        if counted and name and len(lines) > 1:
            style.label_line(ax, drawn.lines[0], name, dx=8 + beside)
    if not counted:
        ax.set_xticks(range(len(places)), [str(each) for each in places])
        if len(lines) > 1:
            ax.legend()
    for axis in study.axes.log:
        if axis == "y" or counted:
            getattr(ax, f"set_{axis}scale")("log")
            getattr(ax, f"{axis}axis").set_major_formatter("{x:g}")  # 0.1, and not a power of ten
            getattr(ax, f"{axis}axis").set_minor_formatter(LogFormatter())
    if counted and len(places) <= 8:
        ax.set_xticks(places, [f"{each:g}" for each in places], minor=False)
        ax.set_xticks([], minor=True)
    seeds = len({row["seed"] for row in rows})
    bars = f"\nmean and 95 % interval over {seeds} seeds" if seeds > 1 else ""
    ax.set_xlabel(study.words.get(x or "", x or ""))
    ax.set_ylabel(study.words.get(number, number) + bars)
