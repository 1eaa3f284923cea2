"""`deploy/jupyterhub_config.py` by itself: which version is started, and how cores are shared out."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.robustness.rows_class import configured


def installed(courses: Path, *names: str) -> None:
    for name in names:
        (courses / name / ".venv" / "bin").mkdir(parents=True)
        (courses / name / ".venv" / "bin" / "python").touch()


def started(tmp_path: Path, **options: Any) -> SimpleNamespace:
    spawner = SimpleNamespace(user_options=options, environment={"OMP_NUM_THREADS": "1"})
    configured(tmp_path)["chosen"](spawner)  # type: ignore[operator]
    return spawner


def test_a_learner_gets_the_version_asked_for_and_a_folder_of_that_version(tmp_path: Path) -> None:
    installed(tmp_path, "2026-spring", "2026-autumn")
    (tmp_path / "notes").mkdir()
    for options, name in (
        ({}, "2026-spring"),
        ({"version": "2026-autumn"}, "2026-autumn"),
        ({"version": ["2026-autumn"]}, "2026-autumn"),  # as a form has it
        ({"version": "../../etc"}, "2026-spring"),
    ):
        spawner = started(tmp_path, **options)
        assert spawner.cmd[0] == str(tmp_path / name / ".venv" / "bin" / "python")
        assert spawner.cmd[1:] == ["-m", "mlteach", "hub"]
        assert spawner.environment == {"OMP_NUM_THREADS": "1", "MLTEACH_HOME": f"~/mlteach-{name}"}


def test_nobody_is_asked_where_there_is_one_version(tmp_path: Path) -> None:
    installed(tmp_path, "2026")
    assert configured(tmp_path)["choices"](None) == ""  # type: ignore[operator]
    installed(tmp_path, "2027")
    assert "<option>2027</option><option>2026</option>" in configured(tmp_path)["choices"](None)  # type: ignore[operator]


@pytest.mark.parametrize(("cores", "learners", "threads"), [(8, 30, "1"), (64, 30, "2"), (2, 30, "1")])
def test_cores_are_shared_out_and_nobody_has_less_than_one(
    cores: int, learners: int, threads: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    c: Any = configured(tmp_path, MLTEACH_LEARNERS=str(learners))["c"]
    given = c.Spawner.environment.to_dict()["update"]
    assert given["OMP_NUM_THREADS"] == given["MKL_NUM_THREADS"] == threads
