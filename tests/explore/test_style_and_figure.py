"""The visual language, and the one way a figure enters a lesson."""

import base64
import struct
import subprocess
import sys

import matplotlib
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from mlteach.explore import style
from mlteach.explore.figure import Picture, png, show

ALT = "The loss falls from four to one within two steps."


@pytest.fixture(autouse=True)
def _settings():
    with matplotlib.rc_context():
        matplotlib.use("agg")
        yield
    plt.close("all")


def luminance(colour: str) -> float:
    return style._luminance(to_rgb(colour))


def test_style_and_figure_need_no_widgets() -> None:
    code = "import sys, mlteach.explore.style, mlteach.explore.figure; print({'anywidget', 'torch', 'IPython'} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"
    )


def test_every_method_has_its_own_colour_and_only_known_names_are_taken() -> None:
    names = ["baseline", "lstm", "maml", "fomaml", "reptile", "metric", "warning"]
    assert len({style.color(n) for n in names}) == len(names)
    style.method("maml")["color"] = "red"  # a caller's changes stay with the caller
    assert style.color("maml") == "#0072B2"
    with pytest.raises(ValueError, match="Choose one of: baseline"):
        style.method("adam")


def test_the_look_is_large_and_open() -> None:
    style.use()
    rc = matplotlib.rcParams
    sizes = [
        "font.size",
        "axes.titlesize",
        "axes.labelsize",
        "xtick.labelsize",
        "ytick.labelsize",
        "legend.fontsize",
    ]
    assert min(rc[s] for s in sizes) >= 12
    assert not rc["axes.spines.top"] and not rc["axes.spines.right"]
    assert rc["font.family"] == ["DejaVu Sans"]


@pytest.mark.parametrize("n", [1, 2, 5, 20])
def test_steps_go_from_light_to_dark(n: int) -> None:
    shades = style.steps(n, "lstm")
    light = [luminance(c) for c in shades]
    assert len(shades) == n and light == sorted(light, reverse=True) and len(set(shades)) == n


def test_labels_stand_at_the_line_and_can_be_read() -> None:
    fig, ax = plt.subplots()
    for name in ("baseline", "lstm", "fomaml", "metric"):
        (line,) = ax.plot([0, 1, 2], [1, 2, float("nan")], **style.method(name))
        label = style.label_line(ax, line, name)
        assert label.xy == (1, 2)
        assert 1.05 / (luminance(label.get_color()) + 0.05) >= 4.5
    assert style.label_line(ax, line, "near", x=0.2).xy == (0, 1)
    with pytest.raises(ValueError, match="no finite point"):
        style.label_line(ax, ax.plot([], [])[0], "empty")


def test_labels_at_the_ends_do_not_cover_each_other() -> None:
    style.use()
    fig, ax = plt.subplots()
    labels = [style.label_line(ax, ax.plot([0, 1], [0, y])[0], f"line {y}") for y in (1, 1.001, 1.002, 0.2)]
    style.spread_labels(fig)
    fig.draw_without_rendering()
    boxes = [label.get_window_extent() for label in labels]
    for k, a in enumerate(boxes):
        assert all(min(a.y1, b.y1) - max(a.y0, b.y0) < 1 for b in boxes[k + 1 :])
    assert [label.get_position()[1] for label in labels][3] == 0  # the one that stood alone has not moved


def test_show_stores_picture_text_and_width_and_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    style.use()
    fig, ax = plt.subplots()
    ax.plot([4, 2, 1])
    show(fig, alt=f"  {ALT}\n")
    assert not plt.get_fignums()
    data, about = shown[0]._repr_mimebundle_()
    assert data["text/plain"] == about["image/png"]["alt"] == repr(shown[0]) == ALT
    assert about["image/png"]["width"] == 800
    picture = base64.b64decode(data["image/png"])
    assert struct.unpack(">II", picture[16:24]) == (1200, 675)
    assert b"tEXt" not in picture and b"Software" not in picture


def test_a_picture_with_fewer_colours_has_the_same_size_and_fewer_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    for colours in (None, 64, 64):
        fig, ax = plt.subplots()
        ax.plot([4, 2, 1], **style.method("maml"))
        show(fig, alt=ALT, colours=colours)
    full, few, again = (each.data for each in shown)
    assert (
        full[16:24] == few[16:24] and len(few) < 0.6 * len(full) and few == again and few[25] == 3
    )  # a palette


def test_the_same_figure_is_the_same_file() -> None:
    def draw() -> Figure:
        fig = Figure()
        fig.subplots().plot([4, 2, 1], **style.method("reptile"))
        return fig

    assert png(draw()) == png(draw())


@pytest.mark.parametrize("alt", ["", "loss", "a plot of loss", None, 3])
def test_a_figure_without_a_sentence_is_refused(alt) -> None:
    with pytest.raises(ValueError, match="alt"):
        show(plt.figure(), alt=alt)


def test_a_picture_prints_its_sentence() -> None:
    assert repr(Picture(b"", ALT)) == ALT
