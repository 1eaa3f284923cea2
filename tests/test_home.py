"""Where a learner's own things stand: in the course's folder, unless many share it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlteach import home
from mlteach.errors import MlteachError
from mlteach.exercises import score
from mlteach.tasks import omniglot


def test_it_is_the_course_for_who_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(home.VARIABLE, raising=False)
    assert home.home() == home.COURSE and not home.shared()
    home.furnish()
    assert not (home.COURSE / "data").is_symlink()


def test_the_variable_names_another_and_who_may_not_write_gets_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv(home.VARIABLE, "~/here")
    assert home.home() == tmp_path / "here" and home.shared()
    monkeypatch.delenv(home.VARIABLE)
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (home.COURSE, os.W_OK))
    assert home.home() == tmp_path / "mlteach"


@pytest.mark.parametrize("named", ["my course", "~nosuchuser/course"])
def test_a_folder_that_is_none_is_a_sentence_and_stops_no_check(
    named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(home.VARIABLE, named)
    monkeypatch.delenv(score.VARIABLE, raising=False)
    with pytest.raises(MlteachError, match=f"{named}.*write its whole path"):
        home.home()
    score.record("03.1", True)
    assert score.place() is None and score.scores() == {}


def test_what_is_fetched_or_made_goes_to_the_learners_own_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    mine = tmp_path / "mlteach" / "omniglot"
    assert omniglot.to_write(omniglot.folders())[-1] == mine
    monkeypatch.setenv(home.VARIABLE, str(tmp_path))
    assert omniglot.folders()[-1] == mine and omniglot.to_write(omniglot.folders())[0] == mine


def test_two_versions_bring_their_results_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(home.VARIABLE, str(tmp_path / "me"))
    for version in ("spring", "autumn", "autumn"):
        monkeypatch.setattr(home, "COURSE", tmp_path / version)
        (tmp_path / version / "data").mkdir(parents=True, exist_ok=True)
        home.furnish()
        assert (tmp_path / "me" / "data").resolve() == tmp_path / version / "data"
    (tmp_path / "me" / "data").unlink()
    (tmp_path / "me" / "data").mkdir()  # somebody's own
    home.furnish()
    assert not (tmp_path / "me" / "data").is_symlink()


def test_copies_runs_and_score_stand_there_and_lessons_find_results_beside_them(tmp_path: Path) -> None:
    program = (
        "import json; from mlteach.course import lessons, copies, run; from mlteach.exercises import score;"
        "from mlteach.home import furnish; from mlteach.measure.ledger import data_folder; import os;"
        "furnish(); copies.bring([lessons.source('00')]); os.chdir(lessons.MY);"
        "print(json.dumps([str(p) for p in (copies.place(lessons.source('00')), run.RUNS, score.place(), data_folder())]))"
    )
    kept = {name: value for name, value in os.environ.items() if name != score.VARIABLE}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=kept | {home.VARIABLE: str(tmp_path), "JUPYTER_DATA_DIR": str(tmp_path / "jupyter")},
        cwd=home.COURSE,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    copy, runs, scored, data = map(Path, json.loads(done.stdout))
    assert copy == tmp_path / "my" / "00_start_here.ipynb" and copy.is_file()
    assert (runs, scored) == (tmp_path / "runs", tmp_path / "my" / "progress.json")
    assert data == tmp_path / "data" and (data / "published.json").is_file()
