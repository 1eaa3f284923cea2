"""The score: kept where it is wanted, never a reason to stop, never lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlteach.exercises import check, exercises, judge, progress, score


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "my" / "progress.json"
    monkeypatch.setenv(score.VARIABLE, str(path))
    return path


def test_attempts_are_counted_until_it_is_solved(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check("03.4", ...)
    assert not kept.exists()  # nothing was attempted
    for answer in ((1.0, 2.0), (0.5, -0.125), (0.25, -0.125), (0.0, 0.0)):
        check("03.4", answer)
    (one,) = score.scores().values()
    assert one["attempts"] == 3 and len(one["solved"]) == 10
    assert list(kept.parent.iterdir()) == [kept]  # no lock and no half-written file is left
    capsys.readouterr()
    progress()
    rows = capsys.readouterr().out.splitlines()
    assert "03       1 of 5   03.1, 03.2, 03.3, 03.5" in rows
    assert rows[-1] == f"Solved: 1 of {len(exercises())} exercises."


def test_open_exercises_come_with_their_attempts() -> None:
    kept = {"01.1": {"attempts": 2, "solved": None}, "02.1": {"attempts": 1, "solved": "2026-01-01"}}
    rows = score.table(["01.1", "01.2", "02.1"], kept).splitlines()
    assert rows == [
        "lesson   solved   open", "01       0 of 2   01.1 (2 attempts), 01.2", "02       1 of 1", "Solved: 1 of 3 exercises.",
    ]  # fmt: skip


def test_off_keeps_nothing_and_a_judge_alone_keeps_nothing(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge(exercises()["03.4"], (0.25, -0.125))
    assert not kept.exists()
    monkeypatch.setenv(score.VARIABLE, "off")
    check("03.4", (0.25, -0.125))
    assert score.place() is None and score.scores() == {} and not kept.exists()


def test_tests_and_builds_keep_no_score() -> None:
    from mlteach.course.build import kernel_environment

    assert os.environ[score.VARIABLE] == "off" and kernel_environment()[score.VARIABLE] == "off"


def test_without_the_variable_it_is_in_the_learners_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(score.VARIABLE)
    assert score.place() == Path(__file__).parents[2] / "my" / "progress.json"


@pytest.mark.parametrize(
    "content",
    ["", "[", "[]", "null", "{}", '{"exercises": 3}', '{"exercises": {"03.4": 1}}', "\udcff", "[" * 100_000,
     '{"exercises": {"03.4": {"attempts": "many", "solved": null}}}'],
)  # fmt: skip
def test_what_cannot_be_read_is_put_aside_and_a_new_score_begun(kept: Path, content: str) -> None:
    kept.parent.mkdir()
    kept.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert score.scores() == {}
    for _ in range(2):
        assert not check("03.4", (1.0, 2.0)).passed
    aside = kept.with_name("progress.unreadable.json")
    assert aside.read_bytes() == content.encode("utf-8", "surrogateescape")
    assert score.scores() == {"03.4": {"attempts": 2, "solved": None}}
    kept.write_text("[")
    score.record("03.4", True)
    assert kept.with_name("progress.unreadable.1.json").exists()


def test_where_nothing_can_be_written_the_check_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv(score.VARIABLE, str(tmp_path / "file" / "progress.json"))
    assert check("03.4", (0.25, -0.125)).passed

    def refused(*_: object, **__: object) -> None:
        raise PermissionError("read-only")

    monkeypatch.setenv(score.VARIABLE, str(tmp_path / "progress.json"))
    monkeypatch.setattr(score, "write_atomic", refused)
    assert check("03.4", (0.25, -0.125)).passed and not (tmp_path / "progress.json").exists()


def test_two_processes_at_once_lose_nothing(kept: Path) -> None:
    # the module by its file: without the package around it, torch need not be loaded
    code = """
import sys
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("score", sys.argv[2])
score = module_from_spec(spec)
spec.loader.exec_module(score)
for k in range(25):
    score.record(sys.argv[1] + str(k), k % 2 == 0)
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    both = [
        subprocess.Popen([sys.executable, "-c", code, name, score.__file__], env=environment)
        for name in ("a", "b")
    ]  # fmt: skip
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    assert len(json.loads(kept.read_text())["exercises"]) == 50
