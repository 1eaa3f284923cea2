"""A run keeps the notebook and its numbers; unknown names are refused before anything starts."""

import json
import os
from pathlib import Path

import pytest

from mlteach.course.lessons import LessonError
from mlteach.course.run import parse, run

RECORDS = """\
# %% tags=["parameters"]
PROFILE = "smoke"
SEED = 0

# %%
import json, os
from pathlib import Path

print(PROFILE, SEED, Path.cwd().name)
figure = {"name": "accuracy", "value": 0.95, "interval": 0.01, "unit": "share", "seeds": [SEED], "seconds": 1.0, "device": "cpu"}
kept = Path(os.environ["MLTEACH_RESULTS"])
kept.write_text(json.dumps([figure]))
kept.with_name("theta.safetensors").write_bytes(b"theta")
kept.with_name("theta.json").write_text("{}")
"""


def test_a_run_keeps_its_notebook_and_its_figures_and_records_them(course: Path, tmp_path: Path) -> None:
    course.write_text(RECORDS)
    older = tmp_path / "runs" / "98-lecture" / "older.safetensors"
    older.parent.mkdir(parents=True)
    older.write_bytes(b"of an earlier run")
    os.utime(older, (0, 0))
    folder = run("98", "lecture", parameters=["SEED=3"], record=True, progress=False)
    assert folder == tmp_path / "runs" / "98-lecture"
    assert "lecture 3 notebooks" in (folder / "lesson.ipynb").read_text()
    results = json.loads((folder / "results.json").read_text())
    assert results["figures"][0]["name"] == "accuracy" and results["figures"][0]["seeds"] == [3]
    assert results["profile"] == "lecture" and results["parameters"] == {"PROFILE": "lecture", "SEED": 3}
    assert {"python", "torch", "mlteach"} <= set(results["versions"])
    assert (tmp_path / "results" / "98-lecture.json").read_text() == (folder / "results.json").read_text()
    assert (tmp_path / "checkpoints" / "theta.safetensors").read_bytes() == b"theta"
    assert (tmp_path / "checkpoints" / "theta.json").exists()
    assert not (tmp_path / "checkpoints" / "older.safetensors").exists()


def test_a_failing_cell_keeps_the_notebook_up_to_there_and_earlier_results(
    course: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "runs" / "98-smoke"
    folder.mkdir(parents=True)
    (folder / "results.json").write_text("of an earlier run")
    course.write_text(RECORDS + "\n# %%\n1 / 0\n\n# %%\nprint('never')\n")
    with pytest.raises(
        LessonError, match=r"98_small stopped in code cell \d: ZeroDivisionError.*\nThe cell begins: 1 / 0"
    ):
        run("98", progress=False)
    assert "smoke 0 notebooks" in (folder / "lesson.ipynb").read_text()
    assert not (folder / "results.json").exists()
    assert (folder / "results.previous.json").read_text() == "of an earlier run"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("42", "smoke", []), "There is no lesson 42. The lessons are 98."),
        (("98", "huge", []), "There is no profile huge. Choose one of smoke, lecture, paper."),
        (
            ("98", "smoke", ["SEDE=1"]),
            "Lesson 98_small has no parameter SEDE. Its parameters are PROFILE, SEED.",
        ),
        (("98", "smoke", ["SEED"]), '"SEED" is not a parameter. Write it as NAME=VALUE, for example SEED=1.'),
    ],
)
def test_unknown_names_are_refused_before_anything_starts(
    course: Path, tmp_path: Path, arguments: tuple[str, str, list[str]], sentence: str
) -> None:
    lesson, profile, parameters = arguments
    with pytest.raises(LessonError) as caught:
        run(lesson, profile, parameters=parameters, progress=False)
    assert str(caught.value) == sentence
    assert not (tmp_path / "runs").exists()


def test_values_are_python_or_text() -> None:
    assert [parse(each)[1] for each in ("A=3", "A=[1, 2]", "A=0.5", "A=paper", "A=")] == [
        3,
        [1, 2],
        0.5,
        "paper",
        "",
    ]
