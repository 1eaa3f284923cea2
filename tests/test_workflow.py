"""CI's own matrix, as its host reads it: each step is a command of start.py, each value one that there is."""

import re
import shlex
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from mlteach.__main__ import app
from mlteach.course import browsers, versions
from mlteach.errors import MlteachError

ROOT = Path(__file__).resolve().parents[1]
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
STEPS = [(name, step) for name, job in WORKFLOW["jobs"].items() for step in job["steps"]]
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
ENGINES = ["chromium", "firefox", "webkit"]


def values(job: str, key: str) -> list[str]:
    """What a key of a job's matrix takes, in order."""
    matrix: dict[str, Any] = WORKFLOW["jobs"][job]["strategy"]["matrix"]
    return matrix[key] if key in matrix else [row[key] for row in matrix["include"]]


@pytest.mark.parametrize(("job", "line"), [(job, step["run"]) for job, step in STEPS if "run" in step])
def test_each_step_is_a_command_of_start(job: str, line: str) -> None:
    python, start, command, *rest = shlex.split(re.sub(r"\$\{\{ matrix\.(\w+) \}\}", r"@\1", line))
    assert (python, start) == ("python", "start.py") and command in COMMANDS
    known = {name for each in COMMANDS[command].params for name in each.opts} | {"--engine"}
    for word, value in pairwise([*rest, ""]):
        if word.startswith("--"):
            assert word in known
            assert value.startswith("@") and values(job, value[1:])
        elif not word.startswith("@"):
            assert (ROOT / word).exists()


def test_other_steps_bring_the_files_and_the_python_and_nothing_else() -> None:
    assert {step["uses"].partition("@")[0] for _, step in STEPS if "uses" in step} == {
        "actions/checkout",
        "actions/setup-python",
    }
    assert len(STEPS) == sum("run" in step or "uses" in step for _, step in STEPS)


def test_the_matrix_has_what_there_is() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = project["requires-python"].removeprefix(">=")
    assert values("tests", "python")[0] == oldest == "3.11" and len(values("tests", "python")) == 4
    assert [name.partition("-")[0] for name in values("tests", "os")] == ["ubuntu", "macos", "windows"]
    assert {*values("versions", "with")} == {*versions.RESOLUTION}
    assert values("browsers", "engine") == ENGINES
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "\npython3 start.py browsers < /dev/null &" in ci and '\nwait "$browsers"\n' in ci


def test_browsers_are_installed_where_one_is_missing_and_a_sentence_says_where_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = {"apt-get", "google-chrome", "firefox", "Xvfb"}
    ran: list[list[str]] = []
    monkeypatch.setattr(browsers.shutil, "which", lambda name: name if name in here else None)
    monkeypatch.setattr(
        browsers.subprocess, "call", lambda command: ran.append(command) or int("xvfb" in command)
    )
    assert browsers.install() == "Installed webkit2gtk-driver."
    assert ran[0][-1] == "update" and ran[1][-2:] == ["--no-install-recommends", "webkit2gtk-driver"]
    here -= {"Xvfb"}
    with pytest.raises(
        MlteachError, match="Install webkit2gtk-driver, xvfb .* without them their tests are skipped"
    ):
        browsers.install()
    here -= {"apt-get"}
    with pytest.raises(MlteachError, match="where the system has apt-get. Install webkit2gtk-driver"):
        browsers.install()
    here |= {"WebKitWebDriver", "Xvfb"}
    assert browsers.install() == "Chromium, Firefox and WebKit are here."
