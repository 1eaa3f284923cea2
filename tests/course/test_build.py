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
