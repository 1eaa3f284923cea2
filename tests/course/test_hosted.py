"""Lessons for Colab and Kaggle: their first cell brings the course where it is missing, or says in one sentence what to do."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import nbformat
import pytest

from mlteach.course.hosted import export, first_cell
from mlteach.course.lessons import ROOT, LessonError, notebook, source, sources

#: Runs the cell as a notebook does, and says what it shows.
SHOW = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
done = shell.run_cell(sys.stdin.read())
if done.success:
    shell.run_cell("import mlteach.exercises, mlteach.measure.ledger as l; print('from', l.data_folder())")
"""


def show(python: Path | str, code: str, home: Path, **environment: str) -> str:
    """What the cell shows in a kernel of this Python, at work in ``home``, which is its user's home too."""
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PIP_USER")}
    own = {"HOME": str(home), "USERPROFILE": str(home), "IPYTHONDIR": str(home / "ipython")}
    done = subprocess.run(
        [str(python), "-c", SHOW],
        input=code,
        capture_output=True,
        text=True,
        cwd=home,
        env=clean | own | environment,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with torch, IPython and pip, those of this one, but without the course."""
    folder = tmp_path_factory.mktemp("foreign")
    venv.create(folder, symlinks=os.name != "nt")
    base = {"base": str(folder), "platbase": str(folder)}
    site = Path(sysconfig.get_path("purelib", scheme="venv", vars=base))
    # An editable course is known by a .pth file over there, and those are read in an environment's own folder alone.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course as a git repository somewhere else, as it is in this folder now."""
    folder = tmp_path_factory.mktemp("elsewhere") / "course"
    folder.mkdir()
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    for name in listed.stdout.splitlines():
        if name.startswith(("mlteach/", "pyproject", "README", "LICENSE", "data/published")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).exists():
                (folder / name).write_bytes((ROOT / name).read_bytes())
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], [*who, "commit", "-qm", "all"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


@pytest.mark.parametrize("number", [path.stem[:2] for path in sources()])
def test_a_stored_lesson_in_a_kernel_without_the_course_ends_in_one_sentence(
    foreign: Path, tmp_path: Path, number: str
) -> None:
    cells = nbformat.read(notebook(source(number)), as_version=4).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    first = next(k for k, cell in enumerate(code) if "mlteach" in cell)
    assert show(foreign, "\n".join(code[: first + 1]), tmp_path) == (
        "This kernel does not have the course: open this lesson by `python3 start.py` in the course's folder, or choose a "
        "kernel that has it and run the cell again.\n"
    )


def test_a_kernel_without_the_course_gets_it_and_the_next_cell_can_import_it(
    foreign: Path, course: Path, tmp_path: Path
) -> None:
    said = show(foreign, first_cell(course.as_uri(), "main"), tmp_path)
    lines = said.splitlines()
    assert lines[:2] == ["The course is being downloaded ...", "The course is being installed ..."], said
    assert lines[2] == "Ready: go on with the next cell."
    assert Path(lines[3].removeprefix("from ")).is_relative_to(tmp_path / "learning-to-learn"), said
    again = show(foreign, first_cell(course.as_uri(), "main"), tmp_path)
    assert again.startswith("This kernel has the course: go on with the next cell.\n")  # a new kernel, later


def test_where_it_cannot_be_had_the_notebook_shows_one_sentence_and_no_traceback(tmp_path: Path) -> None:
    code = first_cell((tmp_path / "nothing").as_uri(), "main").replace(
        'find_spec("mlteach") is not', "sys is"
    )
    begun, told = show(sys.executable, code, tmp_path).splitlines()
    assert begun == "The course is being downloaded ..."
    assert told.startswith("The course could not be downloaded (fatal: ") and told.endswith(
        "this cell again."
    )
    assert not list(tmp_path.glob("learning-to-learn"))


def test_what_is_written_opens_with_that_cell_and_links_to_its_neighbours(tmp_path: Path) -> None:
    page = export(
        [source("03"), source("04")], tmp_path / "cloud", repository="git@github.com:who/it.git", branch="b"
    )
    made = nbformat.read(tmp_path / "cloud" / f"{source('03').stem}.ipynb", as_version=4)
    nbformat.validate(made)
    first, title = made.cells[:2]
    assert first.cell_type == "code" and 'COURSE, VERSION = "https://github.com/who/it", "b"' in first.source
    assert "noqa" not in first.source and "@" not in first.source
    assert title.source.startswith("# 03 ") and not any(cell.get("outputs") for cell in made.cells)
    text = "".join(cell.source for cell in made.cells)
    assert (
        "](https://colab.research.google.com/github/who/it/blob/b/cloud/04_" in text and "](04_" not in text
    )
    assert "notes" not in str([cell.metadata for cell in made.cells])
    table = page.read_text(encoding="utf-8")
    assert (
        "| 04 Learning to learn by gradient descent by gradient descent | [![" in table
        and table.count("kernels/welcome") == 2
    )
    with pytest.raises(LessonError, match="is no repository on GitHub.*--repository OWNER/NAME"):
        export([source("03")], tmp_path, repository="/srv/course", branch="main")
