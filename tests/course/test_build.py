"""A build is whole or not there, byte for byte repeatable, and stale when its source has changed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from mlteach.course.build import WIDGET_STATE, WIDGET_VIEW, build, stale, without_bars
from mlteach.course.lessons import LessonError
from mlteach.course.lint import lint


def test_a_rebuild_is_byte_for_byte_the_same_and_clean(course: Path) -> None:
    assert stale(course) == "was never built"
    first = build(course, progress=False).read_bytes()
    target = build(course, progress=False)
    assert target.read_bytes() == first
    assert stale(course) is None
    assert lint(target) == []

    notebook = nbformat.read(target, 4)
    prints, shows, picture = notebook.cells[2], notebook.cells[3], notebook.cells[-1]
    assert [out.text for out in prints.outputs] == ["total 45\n", "a word of warning\n"]
    assert picture.outputs[0].metadata == {"image/png": {"alt": "One red dot, alone on the page."}}
    models = notebook.metadata.widgets[WIDGET_STATE].state
    slider = models[shows.outputs[0].data[WIDGET_VIEW].model_id]
    assert slider.model_name == "IntSliderModel" and slider.state.value == 3
    assert slider.state.layout.removeprefix("IPY_MODEL_") in models
    assert not [model for model in models.values() if "Progress" in model.model_name]

    course.write_text(course.read_text().replace("range(10)", "range(11)"))
    assert stale(course) == "differs from its source from cell 98-002 on"
    target.write_text(target.read_text()[:-100])
    assert stale(course) == "is not a whole notebook"


def test_a_widget_is_stored_as_it_was_where_it_is_shown(course: Path) -> None:
    course.write_text(
        """# %%
from ipywidgets import HBox, IntSlider
slider = IntSlider(3)
box = HBox([slider])
slider

# %%
slider.value = 4
box

# %%
slider.value = 7
slider

# %%
box

# %%
slider
"""
    )
    target = build(course, progress=False)
    notebook = nbformat.read(target, 4)
    models = notebook.metadata.widgets[WIDGET_STATE].state
    first, before, second, box, again = (
        models[cell.outputs[0].data[WIDGET_VIEW].model_id].state for cell in notebook.cells
    )
    assert (first.value, second.value) == (3, 7) and again is second
    inside = [models[each.children[0].removeprefix("IPY_MODEL_")].state for each in (before, box)]
    assert inside[0].value == 4 and inside[1] is second
    assert sorted(models) == [f"{k:032x}" for k in range(len(models))]
    assert build(course, progress=False).read_text() == nbformat.writes(notebook) + "\n"


def test_a_notebook_whose_explorer_has_changed_since_is_stale(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course.write_text("# %%\nfrom mlteach.explore import MethodMap\n\nMethodMap()\n")
    target = build(course, progress=False)
    assert stale(course) is None
    target.write_text(target.read_text().replace("function", "function ", 1))
    assert stale(course) == "shows MethodMap as it was before its script changed"


def test_a_failing_cell_is_named_and_the_old_notebook_stays(course: Path) -> None:
    target = course.parent.parent / "98_small.ipynb"
    target.write_text("the old one")
    course.write_text(course.read_text().replace('print("total", total)', 'print("total", totl)'))
    with pytest.raises(
        LessonError, match="98_small stopped in cell 98-002: NameError: name 'totl' is not defined"
    ) as caught:
        build(course, progress=False)
    assert "The cell begins: import sys" in str(caught.value)
    assert target.read_text() == "the old one"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_build_leaves_the_old_notebook(course: Path) -> None:
    target, began = course.parent.parent / "98_small.ipynb", course.parent / "began"
    target.write_text("the old one")
    course.write_text(
        f"# %%\nimport os, pathlib\npathlib.Path({str(began)!r}).write_text(str(os.getpid()))\nwhile True: pass\n"
    )
    code = "import sys; from pathlib import Path; from mlteach.course.build import build; build(Path(sys.argv[1]), target=Path(sys.argv[2]))"
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(course), str(target)], stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while not (began.exists() and began.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        child.kill()
        child.wait()
        if began.exists():
            os.kill(int(began.read_text()), signal.SIGKILL)
    assert began.exists(), "the build never reached its first cell"
    assert target.read_text() == "the old one"
    assert [path.name for path in target.parent.iterdir()] == ["src", "98_small.ipynb"] or not list(
        target.parent.glob("*.part")
    )


def test_bars_are_dropped_and_other_lines_stay() -> None:
    outputs = [
        nbformat.v4.new_output("stream", name="stderr", text="\r  0%|    | 0/5 [00:00<?, ?it/s]"),
        nbformat.v4.new_output("stream", name="stderr", text="\r100%|####| 5/5\nA warning: 50 % of it\n"),
        nbformat.v4.new_output("stream", name="stdout", text="a"),
        nbformat.v4.new_output("stream", name="stdout", text="\nb\n"),
    ]
    before = json.dumps(outputs)
    assert [out.text for out in without_bars(outputs)] == ["A warning: 50 % of it\n", "a\nb\n"]
    assert json.dumps(outputs) == before


TORCH = "/somewhere/.venv/lib/python3.11/site-packages/torch/nn/functional.py"
CELL = "/tmp/ipykernel_123/456.py"
WORDS = {
    "in a library's file": (f"{TORCH}:12: UserWarning: The old way.\n  old_way()\n", ""),
    "in a checkout called mlteach": (f"/home/me/mlteach{TORCH[10:]}:12: UserWarning: Old.\n  old()\n", ""),
    "of what will change": (f"{CELL}:3: FutureWarning: It will change.\n  torch.old()\n", ""),
    "of what a library calls so": (f"{CELL}:3: MatplotlibDeprecationWarning: It will.\n  draw()\n", ""),
    "of several lines": (f"{TORCH}:12: UserWarning: One,\ntwo,\nthree.\n  old_way()\nours\n", "ours\n"),
    "with no code": (f"{TORCH}:12: UserWarning: One.\nours\n", "ours\n"),
    "twice": (f"a\n{TORCH}:1: UserWarning: A.\n{TORCH}:1: UserWarning: B.\n  b()\nb\n", "a\nb\n"),
    "of Python's own": ("/usr/lib/python3.12/random.py:9: RuntimeWarning: Oh.\n  random()\nours", "ours"),
    "in a log": (
        "WARNING:jax._src.xla_bridge:No GPU.\nWARNING:mlteach.fit:Stop.\n",
        "WARNING:mlteach.fit:Stop.\n",
    ),
    "of a first import": ("Matplotlib is building the font cache; this may take a moment.\nours\n", "ours\n"),
    "of importing": ("<frozen importlib._bootstrap>:241: RuntimeWarning: size changed\n", ""),
    "of torch's C++": (
        "[W1128 19:00:00.000000000 NNPACK.cpp:61] Could not initialize NNPACK!\nours\n",
        "ours\n",
    ),
    "a cell's own": (f"{CELL}:3: UserWarning: mine\n  warnings.warn('mine')\n", None),
    "a cell's arithmetic": (f"{CELL}:3: RuntimeWarning: divide by zero\n  1 / zero\n", None),
    "the course's own": (
        "/home/me/course/mlteach/fit.py:208: UserWarning: stopped\n  warnings.warn(1)\n",
        None,
    ),
    "the installed course's": (f"{TORCH.replace('torch', 'mlteach')}:208: UserWarning: stopped\n  x\n", None),
    "an error": ('Traceback (most recent call last):\n  File "a.py", line 3\nFutureError: x\n', None),
    "words": ("FutureWarning is a word, 3: of ours\n  and indented\n", None),
}


@pytest.mark.parametrize("name", WORDS)
def test_warnings_of_libraries_are_dropped_and_our_own_and_errors_stay(name: str) -> None:
    text, left = WORDS[name]
    outputs = [nbformat.v4.new_output("stream", name="stderr", text=text)]
    assert "".join(out.text for out in without_bars(outputs)) == (text if left is None else left)
    printed = [nbformat.v4.new_output("stream", name="stdout", text=text)]
    assert without_bars(printed)[0].text == text  # what a lesson prints is not touched


def test_what_a_real_library_warns_of_is_dropped_to_its_end() -> None:
    import warnings

    from torch.nn import functional

    line = next(
        n for n, code in enumerate(Path(functional.__file__).read_text().splitlines(), 1) if code.strip()
    )
    said = warnings.formatwarning("a\n  b\nc", UserWarning, functional.__file__, line)
    assert (
        without_bars([nbformat.v4.new_output("stream", name="stderr", text=said + "  ours\n")])[0].text
        == "  ours\n"
    )
