"""The set-up files agree, and importing costs what it should."""

import ast
import importlib
import os
import re
import subprocess
import sys
import time
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from mlteach.course.lessons import sources
from mlteach.course.source import read

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINNED = dict(
    line.split("==")
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if line and not line.startswith("#")
)
TRAINING = ("errors", "files", "params", "checkpoint", "tasks", "nets", "inner", "outer", "fit", "measure")
ALLOWED = {"torch", "numpy", "PIL", "safetensors", "tqdm"}
REFUSED = (
    "IPython",
    "anywidget",
    "ipywidgets",
    "jupytext",
    "matplotlib",
    "nbclient",
    "papermill",
    "pooch",
    "sklearn",
    "typer",
)


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_requirement_has_one_tested_version() -> None:
    from packaging.requirements import Requirement

    pinned = {plain(name): version for name, version in PINNED.items()}
    extras = PROJECT["optional-dependencies"]
    for text in PROJECT["dependencies"] + extras["course"] + extras["hub"] + extras["test"]:
        requirement = Requirement(text)
        assert plain(requirement.name) in pinned, f"{requirement.name} is missing in constraints.txt"
        assert requirement.specifier.contains(pinned[plain(requirement.name)]), text
    assert pinned["torch"] == "2.13.0"
    assert not [version for version in PINNED.values() if "+" in version], (
        "a local version cannot be had elsewhere"
    )


def test_conda_and_binder_get_the_course_without_test_tools_and_binder_no_cuda() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, last = environment["dependencies"]
    assert (python, pip) == ("python=3.12", "pip")
    assert last == {"pip": ["-c constraints.txt", "-e .[course]"]}
    assert PROJECT["requires-python"] == ">=3.11" and "(3, 11)" in (ROOT / "start.py").read_text()

    binder = ROOT / ".binder"
    lines = (binder / "requirements.txt").read_text().splitlines()
    wanted = [line for line in lines if not line.startswith("#")]
    assert (
        wanted
        == [
            "--extra-index-url https://download.pytorch.org/whl/cpu",
            "-c ../constraints.txt",  # pip looks for it from this file's folder, and for the course from its own
            f"torch=={PINNED['torch']}+cpu",  # the plain version would be taken with CUDA where the index is not reached
            "-e .[course]",
        ]
    )
    assert (binder / "runtime.txt").read_text() == "python-3.12\n"
    for name in ("postBuild", "start"):
        script = (binder / name).read_text()
        assert script.startswith("#!/usr/bin/env bash\n") and "\r" not in script
        assert os.name == "nt" or os.access(binder / name, os.X_OK)
    copied = re.search(
        r"^python - <<'PYTHON'\n(.*?)^PYTHON$", (binder / "postBuild").read_text(), re.M | re.S
    )
    assert copied
    for node in ast.parse(copied[1]).body:  # what it calls is there
        if isinstance(node, ast.ImportFrom) and node.module:
            assert all(hasattr(importlib.import_module(node.module), each.name) for each in node.names)
    assert (ROOT / "mlteach/course/jupyter/copies").is_dir()


def test_what_lessons_import_is_part_of_the_course() -> None:
    extras = PROJECT["optional-dependencies"]
    assert {*extras["lesson"]} < {*extras["course"]}
    cells = [cell for path in sources() for cell in read(path).cells if cell.cell_type == "code"]
    nodes = [node for cell in cells for node in ast.walk(ast.parse(cell.source))]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    foreign = {name.partition(".")[0] for name in names} - {"mlteach"} - sys.stdlib_module_names
    assert foreign <= ALLOWED | {"matplotlib", "scipy", "IPython"}  # scipy comes with scikit-learn


def test_the_version_is_the_same_everywhere() -> None:
    from mlteach import __version__

    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == __version__


def test_start_needs_only_the_standard_library() -> None:
    tree = ast.parse(
        (ROOT / "start.py").read_text(), feature_version=(3, 7)
    )  # an older Python must get as far as the sentence
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


def fresh(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120)


def test_importing_the_package_costs_nothing() -> None:
    def seconds(code: str) -> float:
        began = time.perf_counter()
        assert fresh(code).returncode == 0
        return time.perf_counter() - began

    bare, ours = (min(seconds(code) for _ in range(3)) for code in ("pass", "import mlteach"))
    assert ours - bare < 0.3
    assert fresh("import mlteach, sys; sys.exit('torch' in sys.modules)").returncode == 0


def test_training_code_needs_five_packages_only() -> None:
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for part in TRAINING
        for path in [ROOT / "mlteach" / f"{part}.py", *(ROOT / "mlteach" / part).rglob("*.py")]
        if path.exists()
    ]
    assert len(modules) > 10
    # torch brings packages of its own; so what is refused is asked for by name, from a list of everything else we use
    blocked = fresh(
        "import sys, importlib\n"
        f"for name in {REFUSED!r}: sys.modules[name] = None\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
    )
    assert blocked.returncode == 0, blocked.stderr.splitlines()[-1]


def test_training_code_names_five_packages_only() -> None:
    for part in TRAINING:
        for path in [ROOT / "mlteach" / f"{part}.py", *(ROOT / "mlteach" / part).rglob("*.py")]:
            for node in ast.parse(path.read_text()).body if path.exists() else ():
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                for name in (name.partition(".")[0] for name in names):
                    assert name in ALLOWED | {"mlteach"} or name in sys.stdlib_module_names, (
                        f"{path.name} imports {name}"
                    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "42"], "There is no lesson 42. The lessons are "),
        (["run", "00", "--profile", "huge"], "There is no profile huge."),
        (["build", "x"], "There is no lesson x."),
        (["test", "--cpu", "z80"], "torch knows no instruction set z80."),
    ],
)
def test_a_wrong_name_is_one_sentence(arguments: list[str], sentence: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mlteach", *arguments], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 1
    assert (
        done.stderr.startswith(sentence) and "Traceback" not in done.stderr and done.stderr.count("\n") == 1
    )


def test_help_has_examples_and_is_quick() -> None:
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "mlteach", "run", "--help"], capture_output=True, text=True, cwd=ROOT
    )
    assert time.perf_counter() - began < 2
    assert "--profile lecture" in done.stdout and "--record" in done.stdout


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """start.py, moved into a folder of its own with spaces in its name, where nothing is installed yet."""
    spec = spec_from_file_location("start", ROOT / "start.py")
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    root = tmp_path / "a folder with spaces"
    (root / ".venv").mkdir(parents=True)
    for name in ("pyproject.toml", "constraints.txt", ".venv/pyvenv.cfg"):
        (root / name).write_text("")
    monkeypatch.chdir(root)
    monkeypatch.setattr(module, "ROOT", root)
    monkeypatch.setattr(module, "VENV", root / ".venv")
    monkeypatch.setattr(module, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(module, "STAMP", root / ".venv" / "installed.txt")
    monkeypatch.setattr(module, "LOG", root / ".venv" / "install.log")
    return module


def test_an_old_python_is_told_in_words(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(start.sys, "version_info", (3, 9, 2))
    assert start.main() == 1
    assert "needs Python 3.11 or newer; this is Python 3.9." in capsys.readouterr().out


def test_the_stamp_knows_what_was_installed(start: ModuleType) -> None:
    assert not start.installed(start.TEST)
    start.STAMP.write_text(start.fingerprint(start.TEST))
    assert start.installed(start.TEST)
    (start.ROOT / "constraints.txt").write_text("torch==2.13.0")
    assert not start.installed(start.TEST)


@pytest.mark.parametrize(
    ("arguments", "has", "installs"),
    [
        ([], None, "COURSE"),
        (["run", "test"], None, "COURSE"),
        (["test", "tests"], None, "TEST"),
        (["check"], "COURSE", "TEST"),
        (["test", "--help"], "COURSE", None),
        (["lab"], "TEST", None),  # who has the tools keeps them
        (["lab"], "COURSE", None),
        (["test"], "TEST", None),
        (["study", "one.toml"], "COURSE", "STUDY"),
        (["study", "one.toml"], "TEST", None),  # dask is among the tools of the tests
        (["lab"], "STUDY", None),
        (["test"], "STUDY", "TEST"),
    ],
)
def test_the_tools_of_the_tests_come_with_the_first_test(
    start: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    has: str | None,
    installs: str | None,
) -> None:
    if has:
        start.STAMP.write_text(start.fingerprint(getattr(start, has)))
    asked: list[str] = []
    monkeypatch.setattr(start.sys, "argv", ["start.py", *arguments])
    monkeypatch.setattr(start, "install", asked.append)
    monkeypatch.setattr(start, "hand_over", lambda command: 0)
    assert start.main() == 0
    assert asked == ([getattr(start, installs)] if installs else [])
    assert "test" not in start.COURSE and start.TEST == ".[course,test]" and start.STUDY == ".[course,study]"


def test_browsers_come_without_an_environment(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(start.sys, "argv", ["start.py", "browsers"])
    monkeypatch.setattr(start, "install", lambda wanted: pytest.fail("nothing is to be installed"))
    monkeypatch.setattr(start, "hand_over", lambda command: asked.append(command) or 0)
    assert start.main() == 0
    ((python, *arguments),) = asked
    bare = [python, "-S", *arguments]  # without what is installed
    done = subprocess.run(
        bare, cwd=ROOT, env=os.environ | {"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and not done.stdout
    assert done.stderr.startswith(
        "Browsers are installed here where the system has apt-get. Install chromium"
    )


def test_a_failed_install_says_why_and_leaves_no_stamp(start: ModuleType) -> None:
    start.STAMP.write_text("of an earlier install")
    (start.ROOT / "constraints.txt").write_text("this is no requirement")
    with pytest.raises(
        start.SetUpError, match=r"pip could not install the course. It said:\n(.|\n)*install.log"
    ):
        start.install(start.TEST)
    assert not start.STAMP.exists() and not start.installed(start.TEST)


def fake_python(folder: Path, says: str, code: int) -> Path:
    """A program in the place of Python that says something and ends."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    path.chmod(0o755)
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_an_environment_that_cannot_be_made_says_why(
    start: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(start, "PYTHON", tmp_path / "nothing")  # moved away, or of a Python that is gone
    monkeypatch.setattr(start.sys, "executable", str(fake_python(tmp_path, "No module named ensurepip", 1)))
    assert start.main() == 1
    said = capsys.readouterr().err
    assert "It said: No module named ensurepip\n" in said and "sudo apt install python3-venv" in said
    assert str(start.ROOT) in said and not start.VENV.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_what_slows_every_start_and_is_never_used_is_taken_away(
    start: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tmp_path / "asked"
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "$@" >> {asked}\n')
    python.chmod(0o755)
    monkeypatch.setattr(start, "PYTHON", python)
    start.install(start.COURSE)
    _, installed, taken = asked.read_text().splitlines()
    assert installed.endswith("-e .[course]") and taken.endswith("uninstall --quiet --yes rfc3987-syntax")
    assert start.installed(start.COURSE)


@pytest.mark.parametrize("kind", ["uri", "iri"])
def test_jupyter_reads_events_without_it(kind: str) -> None:
    """`jsonschema` leaves a format unchecked that nothing installed knows; notebooks and JupyterLab's events know no "iri"."""
    code = """
import sys
sys.modules["rfc3987_syntax"] = None
import jsonschema, jupyter_events, nbformat
from nbformat.v4 import new_notebook
nbformat.validate(new_notebook())
print(jupyter_events.EventLogger().schemas, "KIND" in jsonschema.Draft7Validator.FORMAT_CHECKER.checkers)
"""
    done = fresh(code.replace("KIND", kind))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == str(kind == "uri")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_an_environment_of_an_old_python_is_made_anew(
    start: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "PYTHON", fake_python(tmp_path, "Python 3.9", 1))
    asked: list[list[str]] = []
    refusal = start.refusal
    monkeypatch.setattr(
        start, "refusal", lambda command: asked.append(command) or refusal([command[0], "-c", "1"])
    )
    with pytest.raises((start.SetUpError, OSError)):
        start.install(start.TEST)
    assert asked[1][1:] == ["-m", "venv", str(start.VENV)]


def test_a_file_in_the_place_of_the_environment_is_left_alone(
    start: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    (start.VENV / "pyvenv.cfg").unlink()
    start.STAMP.write_text("of an earlier install")
    assert not start.installed(start.TEST)  # half of it was deleted
    start.STAMP.unlink()
    start.VENV.rmdir()
    start.VENV.write_text("mine")
    assert start.main() == 1
    assert (
        ".venv is a file, and the course's environment belongs there. Move it away" in capsys.readouterr().err
    )
    assert start.VENV.read_text() == "mine"


@pytest.mark.parametrize("at", ["installed", "install", "hand_over"])
def test_what_the_system_refuses_while_setting_up_is_a_sentence(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], at: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device", "somewhere")

    for name in ("installed", "install", "hand_over"):
        monkeypatch.setattr(start, name, refuse if name == at else lambda *_: at == "hand_over")
    assert start.main() == 1
    said = capsys.readouterr().err
    assert said.startswith(
        "\nThe course could not be set up or started: No space left on device (somewhere). Check"
    )
    assert said.count("\n") == 2


def test_ctrl_c_while_setting_up_is_a_sentence(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(wanted: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(start, "install", stop)
    assert start.main() == 130
    assert (
        capsys.readouterr().out == "\nStopped. Call the same command again: it goes on from where it was.\n"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="two at once are left to pip there")
def test_a_second_start_waits_for_the_first_and_then_has_nothing_to_do(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import fcntl

    (start.ROOT / "runs").mkdir()
    first = open(start.ROOT / "runs" / "start.lock", "a")  # noqa: SIM115  (closed below)
    fcntl.flock(first, fcntl.LOCK_EX)
    waits = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            start.STAMP.write_text(start.fingerprint(start.TEST))
            first.close()

    monkeypatch.setattr(start.time, "sleep", sleep)
    monkeypatch.setattr(start, "install", lambda wanted: pytest.fail("installed a second time"))
    monkeypatch.setattr(start, "hand_over", lambda command: 0)
    assert start.main() == 0 and len(waits) == 3
    assert capsys.readouterr().out.count("Another start.py is installing the course here.") == 1
