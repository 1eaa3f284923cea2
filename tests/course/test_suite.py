"""What the checks print is read as it was written, in whatever locale CI runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlteach.course import suite, versions
from mlteach.course.lessons import ROOT

SHOWN = r"""
from mlteach.course.suite import call
call(["-c", r"import sys; sys.stdout.buffer.write(b'K\xc3\xa4se \xe2\x9c\x93'); sys.exit(1)"], None, quiet=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows names its locales otherwise")
def test_the_output_of_a_check_is_utf_8_in_any_locale() -> None:
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-c", SHOWN], capture_output=True, cwd=ROOT, env={**os.environ, **locale}
    )
    assert done.stdout.decode() == "K\u00e4se \u2713\n", done.stderr.decode()


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What is called to make an environment in a folder of the test; the environment itself is made, the rest is not."""
    commands: list[list[str]] = []
    make = subprocess.call

    def call(command: list[str], **how: object) -> int:
        commands.append(command)
        return make([*command, "--without-pip"], cwd=tmp_path) if "venv" in command else 0

    monkeypatch.setattr(versions, "ROOT", tmp_path)
    monkeypatch.setattr(versions.subprocess, "call", call)
    return commands


@pytest.mark.parametrize(("which", "resolution"), [("oldest", "lowest-direct"), ("newest", "highest")])
def test_other_versions_have_an_environment_of_their_own(
    which: str, resolution: str, called: list[list[str]], tmp_path: Path
) -> None:
    python = versions.environment(which)
    assert Path(python).is_relative_to(tmp_path / f".venv-{which}") and Path(python).exists()
    assert called[0] == [sys.executable, "-m", "venv", str(tmp_path / f".venv-{which}")]
    assert called[1][:4] == [python, "-m", "pip", "install"] and called[1][-1] == "uv"
    assert called[2][-4:] == ["--resolution", resolution, "--editable", ".[course,test]"]
    assert called[2][called[2].index("--python") + 1] == python
    (tmp_path / f".venv-{which}" / "mine").touch()
    versions.environment(which)  # that one has no pip: it was interrupted, and is made anew
    assert len(called) == 6 and not (tmp_path / f".venv-{which}" / "mine").exists()


def test_checks_run_in_the_environment_they_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(suite.subprocess, "call", lambda command, **how: ran.append(command) or 0)
    assert suite.run_pytest(["tests"], python="other") == 0
    assert ran == [["other", "-m", "pytest", "tests"]]
    assert {*versions.CHECKS} <= {name for name, _ in suite.CHECKS}
