"""What the checks print is read as it was written, in whatever locale CI runs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlteach.course import suite, versions
from mlteach.course.lessons import ROOT
from tests.conftest import shared_by

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


def test_what_is_set_up_once_stays_with_one_process() -> None:
    def shares(*tests: str) -> bool:
        return len({shared_by(f"tests/{test}") for test in tests}) == 1

    engines, decks = "browser/test_engines.py::test_", "browser/test_decks.py::test_"
    answers = f"{engines}an_explorer_answers_and_says_what_python_says[chromium-GradientCell]"
    assert shares("browser/test_lab.py::test_fits[400-light]", "browser/test_lab.py::test_a_restart")
    assert shares(f"{engines}links[firefox-03_x]", f"{decks}keys[webkit-06_x]", answers)
    assert shares(f"{engines}links[chromium-03_x]", f"{engines}axe[chromium-03_x]")
    assert shares("exercises/test_bank.py::test_a[03.1]", "exercises/test_bank.py::test_b[03.1]")
    assert not shares(f"{engines}links[chromium-03_x]", f"{engines}links[chromium-04_x]")
    assert not shares(f"{engines}links[chromium-03_x]", f"{decks}keys[chromium-03_x]")
    assert not shares("test_fit.py::test_a[1]", "test_fit.py::test_b[1]")
    cells = [
        shared_by(f"notebooks/{lesson}.ipynb::Cell {cell}")
        for lesson in ("03_x", "04_x")
        for cell in range(9)
    ]
    assert len(set(cells[:9])) == len(set(cells[9:])) == 1 and len(set(cells)) == 2


def test_the_processes_keep_to_it(tmp_path: Path) -> None:
    """Ten values, and two tests of each: whoever has the first has the second."""
    folder = tmp_path / "tests" / "exercises"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "conftest.py", folder.parent)
    (folder / "test_bank.py").write_text(
        "import os, pathlib, pytest, time\n"
        "both = pytest.mark.parametrize('id', range(10))\n"
        "def note(id):\n"
        "    time.sleep(0.02)\n"
        "    with (pathlib.Path(__file__).parent / f'{id}.txt').open('a') as out: print(os.environ['PYTEST_XDIST_WORKER'], file=out)\n"
        "@both\ndef test_a(id): note(id)\n"
        "@both\ndef test_b(id): note(id)\n"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:nbval", *suite.TWO, "tests"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    had = [path.read_text().split() for path in folder.glob("*.txt")]
    assert len(had) == 10 and all(len(set(each)) == 1 and len(each) == 2 for each in had), had
    assert {each[0] for each in had} == {"gw0", "gw1"}
