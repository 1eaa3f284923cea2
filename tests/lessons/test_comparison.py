"""The test of the tests: nbval, as the suite calls it, catches a number that is not what the lesson computes."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from mlteach.course import lint
from mlteach.course.lessons import NOTEBOOKS, ROOT, notebook, sources

SMALL = [
    (
        "from ipywidgets import Output\n\nout = Output()\nwith out:\n    print('into the widget')\nprint('loss 0.1234')",
        nbformat.v4.new_output("stream", name="stdout", text="loss 0.1234\n"),
    ),
    (
        "import sys\nfrom tqdm.notebook import tqdm\n\nfor _ in tqdm(range(3), disable=False):\n    pass\nprint('\\r100%|####| 5/5', file=sys.stderr)\nimport warnings\nwarnings.warn('news of a library', FutureWarning)\nwarnings.warn_explicit('more news', UserWarning, warnings.__file__, 1)\nimport logging\nlogging.warning('a log')\n{'accuracy': 0.95}",
        nbformat.v4.new_output("execute_result", {"text/plain": "{'accuracy': 0.95}"}, execution_count=2),
    ),
]


def compare(path: Path) -> subprocess.CompletedProcess[str]:
    """Run the suite's pytest on one notebook; -p conftest, because the notebook lies outside the repository."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "conftest",
        "-c",
        str(ROOT / "pyproject.toml"),
        str(path),
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cells = [
        nbformat.v4.new_code_cell(source, outputs=[output], execution_count=count)
        for count, (source, output) in enumerate(SMALL, 1)
    ]
    path = tmp_path_factory.mktemp("comparison") / "97_small.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_a_true_notebook_passes(stored: Path) -> None:
    done = compare(stored)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


@pytest.mark.parametrize(("true", "false"), [("loss 0.1234", "loss 0.1235"), ("0.95", "0.96")])
def test_a_tampered_number_fails(stored: Path, tmp_path: Path, true: str, false: str) -> None:
    tampered = json.loads(stored.read_text())
    for cell in tampered["cells"]:
        cell["outputs"] = json.loads(json.dumps(cell["outputs"]).replace(true, false))
    assert json.dumps(tampered["cells"]) != json.dumps(json.loads(stored.read_text())["cells"])
    path = tmp_path / "97_small.ipynb"
    path.write_text(json.dumps(tampered))
    done = compare(path)
    assert done.returncode == 1, done.stdout
    assert "1 failed, 1 passed" in done.stdout


def test_hardly_any_cell_is_left_out_of_the_comparison() -> None:
    notebooks = [json.loads(notebook(source).read_text()) for source in sources()]
    cells = [cell for each in notebooks for cell in lint.code_cells(each)]
    left_out = [cell["id"] for cell in cells if lint.exempt(cell)]
    assert len(left_out) <= 0.03 * len(cells), f"{len(left_out)} of {len(cells)} code cells: {left_out}"


@pytest.mark.parametrize("notebook", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem[:2])
def test_no_stored_output_says_where_on_a_machine_it_was_made(notebook: Path) -> None:
    """An absolute path of two parts or more is one of the machine that built the lesson."""
    texts = [
        output.get("text", "") + output.get("data", {}).get("text/plain", "")
        for cell in nbformat.read(notebook, 4).cells if cell.cell_type == "code" for output in cell.outputs
    ]  # fmt: skip
    assert re.findall(r"(?<![\w:/.<])/\w[\w.-]*/\w[\w./-]*", "\n".join(texts)) == []


def test_where_the_time_went_is_said_for_a_long_run_alone(pytestconfig: pytest.Config) -> None:
    said = next(
        plugin for plugin in pytestconfig.pluginmanager.get_plugins() if hasattr(plugin, "where_time_went")
    )
    took = [
        ("tests/inner/test_a.py::one", 30.0),
        ("tests/inner/test_b.py::two", 30.0),
        ("notebooks/01_a.ipynb::Cell 1", 20.0),
    ]
    reports = [SimpleNamespace(nodeid=name, duration=seconds) for name, seconds in took] + [SimpleNamespace()]
    lines = said.where_time_went(reports)
    assert [line.split() for line in lines[1:]] == [
        ["60.0", "s", "75", "%", "tests/inner"], ["20.0", "s", "25", "%", "notebooks/01_a.ipynb"]]  # fmt: skip
    assert said.where_time_went(reports[:1]) == []
