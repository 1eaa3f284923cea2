"""A file is whole or not there, a lock is its living owner's, and what killed processes left is cleared away."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlteach import files
from mlteach.errors import DataError
from mlteach.files import atomic_file, in_words, lock, one_sentence, write_atomic

HOLDS = """
import sys, time
from mlteach.files import atomic_file, lock
with lock(sys.argv[1]), atomic_file(sys.argv[2]) as part:
    part.write_text("half")
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path):
    """Another process that holds tmp_path/lock and has half of tmp_path/file written."""
    command = [sys.executable, "-c", HOLDS, str(tmp_path / "lock"), str(tmp_path / "file")]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ)
    assert child.stdout and child.stdout.readline() == "held\n"
    yield child
    child.kill()
    child.wait()


def seconds(path: Path, timeout: float = 30.0) -> float:
    began = time.monotonic()
    with lock(path, timeout):
        return time.monotonic() - began


def left_over(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir() if each.name.endswith(".part")]


def test_a_living_owner_keeps_its_lock_and_its_half_file_and_a_killed_one_neither(holder, tmp_path) -> None:
    hour = time.time() - 3600
    for part in tmp_path.iterdir():
        os.utime(part, (hour, hour))  # however old it looks
    write_atomic(tmp_path / "file", "whole")
    assert len(left_over(tmp_path)) == 1
    with (
        pytest.raises(TimeoutError, match=f"process {holder.pid} on .* has held .*lock for 0 s. Wait until"),
        lock(tmp_path / "lock", timeout=0.1),
    ):
        pass
    os.kill(holder.pid, signal.SIGKILL) if os.name != "nt" else holder.kill()
    holder.wait()
    future = time.time() + 3600
    os.utime(tmp_path / "lock", (future, future))
    assert seconds(tmp_path / "lock") < 1 and not (tmp_path / "lock").exists()
    assert len(left_over(tmp_path)) == 1
    write_atomic(tmp_path / "another", "x")
    assert left_over(tmp_path) == [] and (tmp_path / "file").read_text() == "whole"


@pytest.mark.parametrize("content", [b"", b"process 1 on elsewhere", b"\xff\x00", b"{}"])
@pytest.mark.parametrize("age", [-86400, 0, 3600])
def test_a_lock_file_that_nobody_holds_is_free_whatever_it_says(tmp_path, content, age) -> None:
    (tmp_path / "lock").write_bytes(content)
    os.utime(tmp_path / "lock", (time.time() + age,) * 2)
    assert seconds(tmp_path / "lock") < 1


def test_only_our_own_temporary_files_are_cleared_away(tmp_path) -> None:
    for name in (
        ".file.0123abcd.part",
        ".other.json.ffffffff.part",
        "film.part",
        ".x.part",
        ".x.0123abcd.parts",
    ):
        (tmp_path / name).write_text("x")
    (tmp_path / ".folder.0123abcd.part").mkdir()
    write_atomic(tmp_path / "file", "whole")
    assert {each.name for each in tmp_path.iterdir()} == {
        "film.part", ".x.part", ".x.0123abcd.parts", ".folder.0123abcd.part", "file"
    }  # fmt: skip


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path) -> None:
    write_atomic(tmp_path / "file", "old")
    with pytest.raises(KeyboardInterrupt), atomic_file(tmp_path / "file") as part:
        part.write_text("half")
        raise KeyboardInterrupt
    assert (tmp_path / "file").read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_a_file_system_without_locks_lets_everybody_in_and_removes_nothing(tmp_path, monkeypatch) -> None:
    def unknown(file: int) -> bool:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(files, "_hold", unknown)
    (tmp_path / ".file.0123abcd.part").write_text("perhaps somebody's")
    write_atomic(tmp_path / "file", "whole")
    assert seconds(tmp_path / "lock") < 1
    assert left_over(tmp_path) == [".file.0123abcd.part"]


def test_waiting_long_is_said(tmp_path, holder, monkeypatch, capsys) -> None:
    clock = iter(range(0, 1000, 6))
    monkeypatch.setattr(files.time, "monotonic", lambda: next(clock))
    with pytest.raises(TimeoutError), lock(tmp_path / "lock", timeout=20):
        pass
    assert (
        capsys.readouterr().err
        == f"Waiting for process {holder.pid} on {files.socket.gethostname()}, which holds {tmp_path / 'lock'}.\n"
    )


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO, errno.ENOTDIR])
def test_what_the_system_refuses_is_a_sentence(number: int) -> None:
    with pytest.raises(DataError) as caught, one_sentence(DataError, "keep the results"):
        raise OSError(number, os.strerror(number), "some/file")
    said = str(caught.value)
    assert said.startswith(f"Could not keep the results: {os.strerror(number)} (some/file). ")
    assert said.endswith("then try again; what was there before is as it was.")
    assert in_words(TimeoutError("A sentence.")) == "A sentence."
