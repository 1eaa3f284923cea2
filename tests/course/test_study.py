"""A study gives the same numbers whatever happens to its workers, and does nothing twice."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from mlteach.checkpoint import load_checkpoint
from mlteach.course.study import study, table
from mlteach.course.study.file import read
from mlteach.course.study.target import StudyError, checkpoint_in
from mlteach.course.study.work import work
from tests.course import short_study

ROOT = Path(__file__).resolve().parents[2]
SHORT = """\
name = "short"
function = "tests.course.short_study:one"
seeds = [0, 1, 2, 3]

[grid]
rate = [0.01, 0.05, 0.1]
"""
RECORDS = """\
# %% tags=["parameters"]
PROFILE = "smoke"
SEEDS = [0]
RATE = 0.1

# %%
from mlteach.measure import record

record("accuracy", RATE + SEEDS[0], unit="share", seeds=SEEDS)
"""


def command(file: Path, output: Path, hold: str) -> "subprocess.Popen[str]":
    """The command with two workers, as a terminal starts it: in a group of its own, which Ctrl-C goes to."""
    arguments = ["-m", "mlteach", "study", str(file), "--output", str(output), "--workers", "2"]
    environment = os.environ | {short_study.HOLD: hold, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, env=environment, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=hears_ctrl_c,
    )  # fmt: skip


def hears_ctrl_c() -> None:
    """As from a terminal, whatever became of the signal here: one that is ignored or blocked is so in a child too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def wait_for(seen: Callable[[], Any], process: "subprocess.Popen[str]") -> None:
    until = time.monotonic() + 240
    while not seen():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until, "It never came."
        time.sleep(0.02)


def starts(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "starts.json").read_text())
    return found


def rows_in(folder: Path) -> list[dict[str, Any]]:
    path = folder / "table.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def no_workers(*_: object) -> None:
    raise StudyError("Workers were asked for.")


def gone(process: int) -> bool:
    try:
        return psutil.Process(process).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.skipif(os.name == "nt", reason="Windows has neither SIGKILL nor process groups")
def test_a_killed_worker_and_ctrl_c_change_no_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "short.toml"
    file.write_text(SHORT)
    runs, there, alone = read(file).runs, tmp_path / "two" / "short", tmp_path / "alone"
    assert len(runs) == 12
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    expected = [work(run, str(alone / run.key)) for run in runs]  # one process, one after the other
    torch.set_num_threads(threads)

    first, second = (
        there / run.key for run in (runs[0], runs[2])
    )  # each on its own worker, or one after the other
    process = command(file, tmp_path / "two", hold="0,2")
    try:
        wait_for((first / "held").exists, process)
        os.kill(starts(first)[0]["process"], signal.SIGKILL)
        wait_for(lambda: any(len(row["starts"]) > 1 for row in rows_in(there)), process)
        wait_for((second / "held").exists, process)
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=240)[1]
    finally:
        process.kill()
    assert process.returncode == 130 and "Traceback" not in said, said
    assert "rate 0.01, seed 0 had been broken off, and went on from step 50." in said
    assert "the same command goes on with the others, each from its checkpoint." in said
    done = rows_in(there)
    assert 1 <= len(done) < 12 and done[0]["starts"][1]["step"] == 50

    output = study(file, output=tmp_path / "two", workers=1)
    assert "| rate | loss |" in output and (there / "figure.png").read_bytes().startswith(b"\x89PNG")
    capsys.readouterr()
    rows = rows_in(there)
    for run, row, one in zip(runs, rows, expected, strict=True):
        assert row["parameters"] == run.parameters and row["seed"] == run.seed
        assert row["numbers"] == one["numbers"]  # every digit
        ours, theirs = (load_checkpoint(checkpoint_in(each / run.key)).tensors for each in (there, alone))
        assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in theirs)
    for folder in (first, second):
        before, after = starts(folder)
        assert (before["step"], after["step"]) == (0, 50) and before["process"] != after["process"]
    assert all(gone(each["process"]) for row in rows for each in row["starts"])

    monkeypatch.setattr("mlteach.course.study.run.connected", no_workers)
    assert study(file, output=tmp_path / "two") == output
    assert "12 of them done already" in capsys.readouterr().err
    assert [row["starts"] for row in rows] == [starts(there / run.key) for run in runs]


@pytest.mark.skipif(os.name == "nt", reason="Windows has neither SIGKILL nor process groups")
def test_ctrl_c_while_a_worker_starts_anew_is_no_traceback(tmp_path: Path) -> None:
    file = tmp_path / "short.toml"
    file.write_text(SHORT)
    first = tmp_path / "two" / "short" / read(file).runs[0].key
    process = command(file, tmp_path / "two", hold="0,2")
    try:
        wait_for((first / "held").exists, process)
        os.kill(starts(first)[0]["process"], signal.SIGKILL)
        time.sleep(1)  # the new one has begun, and is not there yet
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=240)[1]
    finally:
        process.kill()
    assert process.returncode == 130 and "Traceback" not in said, said


def test_a_lesson_is_run_with_its_seed_and_gives_its_figures(course: Path, tmp_path: Path) -> None:
    course.write_text(RECORDS)
    file = tmp_path / "lesson.toml"
    file.write_text('lesson = "98"\nseeds = [3]\n[grid]\nRATE = [0.1, 0.5]\n')
    run = read(file).runs[1]
    row = work(run, str(tmp_path / run.key))
    assert row["numbers"] == {"accuracy": 3.5} and row["parameters"] == {"RATE": 0.5}
    assert (tmp_path / run.key / "lesson.ipynb").exists()
    (tmp_path / run.key / "lesson.ipynb").unlink()
    assert work(run, str(tmp_path / run.key)) == row and not (tmp_path / run.key / "lesson.ipynb").exists()


def test_an_error_is_that_run_s_alone_and_other_code_is_another_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "fails.toml"
    file.write_text('function = "tests.course.short_study:fails"\nseeds = [0, 1]\n')
    good, bad = read(file).runs
    folder = tmp_path / "fails"
    row = work(good, str(folder / good.key))
    assert row["numbers"] == {"loss": None}  # JSON has no nan
    assert work(bad, str(folder / bad.key))["failed"].startswith("ZeroDivisionError: of seed 1 (")
    assert "in fails" in (folder / bad.key / "error.txt").read_text()
    (folder / "table.jsonl").write_text(json.dumps(row | {"code": "of-before"}) + "\n")
    monkeypatch.setattr("mlteach.course.study.run.connected", no_workers)
    with pytest.raises(StudyError, match="Workers were asked for."):
        study(file, output=tmp_path)
    assert "short_study.py has changed since" in capsys.readouterr().err
    assert (folder / "table.of-before.jsonl").exists() and not (folder / "table.jsonl").exists()


@pytest.mark.parametrize("file", sorted((ROOT / "studies").glob("*.toml")), ids=lambda file: file.stem)
def test_the_page_shows_what_was_recorded(file: Path) -> None:
    plan = read(file)
    rows = [json.loads(line) for line in file.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(row["parameters"], row["seed"]) for row in rows] == [(r.parameters, r.seed) for r in plan.runs]
    page = (ROOT / "docs" / "studies.md").read_text(encoding="utf-8")
    assert table.words(plan, rows) in page and f"../studies/{file.stem}.png" in page
