"""A course of one small lesson, in a folder of its own."""

from pathlib import Path

import pytest

from mlteach.course import build, lectures, lessons, run

LESSON = """\
# %% [markdown]
# # 98 A lesson to test the tools with

# %% tags=["parameters"]
PROFILE = "smoke"
SEED = 0

# %%
import sys

from ipywidgets import IntSlider
from tqdm import tqdm
from tqdm.notebook import tqdm as tqdm_widget

total = sum(tqdm(range(10), disable=False))
total = sum(tqdm_widget(range(10), total=total - 35, disable=False))
print("total", total)
print("a word of warning", file=sys.stderr)

# %%
slider = IntSlider(3)
slider

# %% tags=["exercise"]
def double(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION

# %%
print(double(2))

# %%
from IPython.display import display

dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
display({"image/png": dot}, raw=True, metadata={"image/png": {"alt": "One red dot, alone on the page."}, "noise": 1})
"""


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a course whose only lesson is 98; returns the path of its source."""
    sources = tmp_path / "notebooks" / "src"
    sources.mkdir(parents=True)
    for module, name, value in (
        (lessons, "NOTEBOOKS", sources.parent),
        (lessons, "SOURCES", sources),
        (lessons, "BUILT", tmp_path / "data" / "built.json"),
        (lessons, "MY", tmp_path / "my"),
        (lectures, "LECTURES", tmp_path / "lectures"),
        (lectures, "RUNS", tmp_path / "runs"),
        (run, "NOTEBOOKS", sources.parent),
        (run, "RUNS", tmp_path / "runs"),
        (run, "RESULTS", tmp_path / "results"),
        (run, "CHECKPOINTS", tmp_path / "checkpoints"),
    ):
        monkeypatch.setattr(module, name, value)
    assert build.notebook is lessons.notebook
    path = sources / "98_small.py"
    path.write_text(LESSON)
    return path
