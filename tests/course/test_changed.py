"""What a change touches is found, and what it cannot touch is left out."""

import subprocess

import pytest

from mlteach.course import changed, suite
from mlteach.course.changed import Touched, changed_files, touched_by
from mlteach.course.lessons import sources
from mlteach.errors import MlteachError

EVERY = [source.stem[:2] for source in sources()]


@pytest.mark.parametrize(
    ("file", "tests", "lessons", "browser"),
    [
        ("notebooks/src/12_maml_plus_plus.py", [], ["12"], []),
        ("data/results/19-arms.json", [], ["19"], []),
        ("data/built.json", [], [], []),
        ("studies/lesson07_minibatches.py", [], ["07"], []),
        ("mlteach/exercises/bank/lesson07.py", ["tests/exercises"], ["07"], []),
        ("mlteach/explore/metric_map/view.js", ["tests/explore/test_metric_map.py"], ["18", "90"], ["MetricMap"]),
        ("mlteach/memory/mann.py", ["tests/memory/test_memory.py"], ["19", "21"], []),
        ("tests/inner/test_rules.py", [], [], []),
        ("README.md", ["tests/test_project.py", "tests/robustness"], [], []),
    ],
)  # fmt: skip
def test_a_file_touches_what_is_made_of_it(
    file: str, tests: list[str], lessons: list[str], browser: list[str]
) -> None:
    found = touched_by([file])
    assert found is not None
    assert set(tests) <= set(found.tests) and (found.lessons, found.browser) == (lessons, browser)
    assert "tests/tasks" not in found.tests and "tests/tasks/test_omniglot.py" not in found.tests


def test_what_all_rests_on_touches_all_lessons_and_what_is_unknown_everything() -> None:
    found = touched_by(["mlteach/params.py"])
    assert found is not None and found.lessons == EVERY
    assert touched_by(["notebooks/src/12_maml_plus_plus.py", "pyproject.toml"]) is None
    assert touched_by([".ci/run"]) is None
    assert touched_by([]) == Touched([], [], [])


def test_a_lesson_is_proven_by_its_contract_its_slides_and_its_numbers() -> None:
    commands = Touched([], ["07"], ["TwoViews"]).commands()
    assert commands == [
        ["tests/lessons/test_contract.py", "tests/browser/test_decks.py", "-k", "07_reptile"],
        ["notebooks/07_reptile.ipynb"],
        ["tests/browser", "-k", "TwoViews"],
    ]


def test_git_is_asked_and_a_commit_that_is_none_is_said(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changed, "ROOT", tmp_path)
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    (tmp_path / "old.py").write_text("1")
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "one"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    (tmp_path / "old.py").write_text("2")
    (tmp_path / "new.py").write_text("3")
    assert changed_files("HEAD") == ["new.py", "old.py"]
    with pytest.raises(MlteachError, match="since nowhere"):
        changed_files("nowhere")


def test_it_says_what_it_runs(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(changed, "changed_files", lambda since: ["notebooks/src/07_reptile.py"])
    monkeypatch.setattr(suite, "call", lambda arguments, *rest, **more: asked.append(list(arguments)) or 0)
    assert suite.run_changed() == 0
    assert "1 files have changed. They touch lesson 07." in capsys.readouterr().out
    assert "notebooks/07_reptile.ipynb" in asked[-1] and not any("tests" in each for each in asked)
    monkeypatch.setattr(changed, "changed_files", lambda since: [])
    assert suite.run_changed("main") == 0 and "Nothing has changed since main." in capsys.readouterr().out
