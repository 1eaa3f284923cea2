"""The visual language, and the one way a figure enters a lesson."""

import base64
import re
import struct
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from mlteach.explore import style
from mlteach.explore.drawing import svg
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


def test_a_label_covers_no_line_and_no_number_of_the_axis() -> None:
    style.use()
    fig, ax = plt.subplots(figsize=(6, 3))
    ends = {"struck by the other": 0.5, "two lines\nat the bottom": 0.02}
    labels = [style.label_line(ax, ax.plot([0, 300], [1, y])[0], name) for name, y in ends.items()]
    other = ax.axhline(0.5, color="black")
    ax.set(xlim=(0, 500), ylim=(0, 1.1), xticks=[0, 150, 300])
    near = style.label_line(ax, other, "at a line", x=0.1)
    style.spread_labels(fig)
    fig.draw_without_rendering()
    boxes = [label.get_window_extent() for label in (*labels, near)]
    line = ax.transData.transform((0, 0.5))[1]
    assert all(box.y0 >= line or box.y1 <= line for box in (boxes[0], boxes[2]))
    numbers = [text.get_window_extent() for text in ax.get_xticklabels()]
    assert not any(number.overlaps(box) for number in numbers for box in boxes)
    assert labels[1].get_window_extent().y0 >= 0


def test_an_axis_ends_with_the_data_where_labels_have_room() -> None:
    fig, ax = plt.subplots()
    style.label_line(ax, ax.plot([0, 12], [0, 1])[0], "a long label")
    ax.set(xlim=(0, 20), xticks=range(0, 21, 4))
    style.spread_labels(fig)
    assert list(ax.get_xticks()) == [0, 4, 8, 12] and ax.get_xlim() == (0, 20)
    assert ax.spines["bottom"].get_bounds() == (0, 12)


def test_a_colour_in_the_dark_is_seen_as_well_as_in_the_light() -> None:
    paper = luminance(style.DARK_PAPER)
    hues = [style.color(name) for name in style._METHODS]
    for colour in (*hues, *map(style.ink, hues), "#55595f", *style.steps(5), "#f1f2f4"):
        light = 1.05 / (luminance(colour) + 0.05)
        there = (luminance(style.dark(colour)) + 0.05) / (paper + 0.05)
        assert there >= min(light, 4.4) * 0.98, colour  # 3 : 1 for lines, 4.5 : 1 for text
    assert style.dark("white") == style.DARK_PAPER
    css = (Path(style.__file__).parent / "base" / "base.css").read_text()
    for name, light in ((name, style.color(name)) for name in style._METHODS if name != "truth"):
        found = re.search(rf"--{name}: (?:light-dark\(#\w+, )?(#\w+)", css)
        assert found and style.dark(light) == found[1].lower()


def drawn() -> Figure:
    """Something of everything that lessons draw."""
    fig = Figure(figsize=(6, 3))
    left, right = fig.subplots(1, 2)
    left.plot([4, 2, 1], **style.method("reptile"))
    left.scatter([0, 1, 2], [1, 2, 3], c=["black", "white", "#E69F00"], edgecolors="black")
    left.bar([0, 1], [1, 2], hatch="//", alpha=0.5, yerr=[0.1, 0.2])
    left.text(1, 3, 'say "it\'s" < 3\ntwice', ha="center")
    left.set(title="MAML's", xlabel=r"$\theta_0$ and words", ylabel="up", yscale="log")
    right.contourf([[1, 2], [3, 4]])
    right.plot([0, 1], [0, 1], color="black")
    inset = left.inset_axes((0.6, 0.6, 0.3, 0.3))
    inset.imshow([[0, 1], [0.5, 0]], cmap="gray_r")
    return fig


def test_a_drawing_is_the_same_twice_and_has_a_colour_for_the_dark() -> None:
    text = svg(drawn(), ALT)
    assert text == svg(drawn(), ALT) and len(text) < 40_000
    root = ElementTree.fromstring(text)
    assert root.get("aria-label") == ALT and '"' not in text
    words = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {'say "it\'s" < 3', "twice", "MAML's"} <= set(words)
    assert "light-dark(#009e73,#23bd93)" in text and "var(--i)" in text and "var(--p)" in text
    on_field = [each for each in root.iter() if each.get("fill") == "none" and each.get("stroke") == "#000000" and not each.get("style")]  # fmt: skip
    assert len(on_field) == 1  # the black line on the contour picture stays black
    assert text.count("<mask") == 1 and "date" not in text


def test_what_cannot_be_a_small_drawing_is_a_large_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    monkeypatch.setattr("mlteach.explore.figure.MOST_BYTES", 100)
    show(drawn(), alt=ALT)
    data, about = shown[0]._repr_mimebundle_()
    assert "image/svg+xml" not in data and set(about) == {"image/png"}
    assert struct.unpack(">II", shown[0].data[16:24]) == (900, 450)


def test_show_stores_drawing_picture_text_and_width_and_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    style.use()
    fig, ax = plt.subplots()
    ax.plot([4, 2, 1])
    show(fig, alt=f"  {ALT}\n")
    assert not plt.get_fignums()
    data, about = shown[0]._repr_mimebundle_()
    assert (
        data["text/plain"]
        == about["image/png"]["alt"]
        == about["image/svg+xml"]["alt"]
        == repr(shown[0])
        == ALT
    )
    assert about["image/png"]["width"] == 800 and "width='800' height='450'" in data["image/svg+xml"]
    picture = base64.b64decode(data["image/png"])
    assert struct.unpack(">II", picture[16:24]) == (640, 360)
    assert picture[25] == 3 and b"tEXt" not in picture and b"Software" not in picture  # a palette


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
