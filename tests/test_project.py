"""The set-up files agree, and importing costs what it should."""

import ast
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import yaml

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
    for text in PROJECT["dependencies"] + extras["course"] + extras["test"]:
        requirement = Requirement(text)
        assert plain(requirement.name) in pinned, f"{requirement.name} is missing in constraints.txt"
        assert requirement.specifier.contains(pinned[plain(requirement.name)]), text
    assert pinned["torch"] == "2.13.0"
    assert not [version for version in PINNED.values() if "+" in version], (
        "a local version cannot be had elsewhere"
    )


def test_the_environment_file_is_in_step() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, last = environment["dependencies"]
    assert (python, pip) == ("python=3.12", "pip")  # repo2docker reads the version from exactly this form
    assert last == {"pip": ["-c constraints.txt", "-e .[course,test]"]}
    assert PROJECT["requires-python"] == ">=3.11"
    start = (ROOT / "start.py").read_text()
    assert 'EXTRAS = ".[course,test]"' in start and "(3, 11)" in start


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
