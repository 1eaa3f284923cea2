"""Only what the build stored is signed; whatever else lies in notebooks/ stops nobody and is named in one sentence."""

import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.sign import NotebookNotary

from mlteach.course import lessons
from mlteach.course.build import stale
from mlteach.course.source import learner_notebook
from mlteach.course.trust import as_built, remember, trust_lessons

SCRIPT = nbformat.v4.new_output("display_data", {"text/html": "<script>document.title = 'foreign'</script>"})


def add_script(path: Path) -> None:
    notebook = nbformat.read(path, 4)
    notebook.cells[1].outputs = [SCRIPT]
    nbformat.write(notebook, path)


def edit_cell(path: Path) -> None:
    notebook = nbformat.read(path, 4)
    notebook.cells[1].source += "\nmine = 1"
    nbformat.write(notebook, path)


def swap(path: Path) -> None:
    """Another lesson's notebook, as the build stored that one."""
    other = path.with_name("97_other.ipynb")
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# 97")]), other)
    remember(other)
    path.write_bytes(other.read_bytes())
    other.unlink()


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


SPOILED: dict[str, Callable[[Path], object]] = {
    "a foreign output": add_script,
    "an edited cell": edit_cell,
    "another lesson's": swap,
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "empty": lambda path: path.write_bytes(b""),
    "no JSON": lambda path: path.write_text("hello"),
    "JSON, but no notebook": lambda path: path.write_text("[1, 2]"),
    "cells that are none": lambda path: path.write_text('{"cells": [3], "metadata": 5}'),
    "not text": lambda path: path.write_bytes(b"\xff\xfe\x00\x81"),
    "a folder": a_folder,
}


@pytest.fixture
def stored(course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The notebook of lesson 98 as the build stores it (without the kernel), and a signing key of this test's own."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    (tmp_path / "jupyter").mkdir()
    path = lessons.notebook(course)
    nbformat.write(learner_notebook(course), path)
    remember(path)
    return path


def signed(path: Path) -> bool:
    return NotebookNotary().check_signature(nbformat.read(path, 4))


def test_what_the_build_stored_is_signed(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not signed(stored)
    assert trust_lessons() == [] and signed(stored)
    assert capsys.readouterr().err == ""
    stored.write_bytes(stored.read_bytes().replace(b"\n", b"\r\n"))  # as git may check it out on Windows
    assert trust_lessons() == []


@pytest.mark.parametrize("kind", SPOILED)
def test_what_it_did_not_store_is_not_and_stops_nobody(
    stored: Path, course: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good = course.with_name("99_good.py")
    good.write_text(course.read_text())
    nbformat.write(learner_notebook(good), lessons.notebook(good))
    remember(lessons.notebook(good))
    SPOILED[kind](stored)
    assert stale(course)
    assert trust_lessons() == ["98_small.ipynb"]
    said = capsys.readouterr().err
    assert said.startswith("Not trusted, because it is not what the build stored: 98_small.ipynb;")
    assert said.count("\n") == 1
    assert signed(lessons.notebook(good))
    if kind in ("a foreign output", "an edited cell", "another lesson's"):
        assert not signed(stored)


@pytest.mark.parametrize("record", [None, "", "[]", "{", '{"98_small.ipynb": 5}', "\x00"])
def test_without_its_record_nothing_is_signed(
    stored: Path, course: Path, record: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    lessons.BUILT.unlink() if record is None else lessons.BUILT.write_text(record)
    assert trust_lessons() == ["98_small.ipynb"] and not signed(stored)
    assert capsys.readouterr().err.count("\n") == 1
    assert stale(course) == "was changed since it was built"
    remember(stored)
    assert trust_lessons() == [] and stale(course) is None


def test_a_foreign_output_in_a_fresh_notebook_is_stale(stored: Path, course: Path) -> None:
    assert stale(course) is None
    add_script(stored)
    assert stale(course) == "was changed since it was built"


def test_jupyters_own_folder_may_be_unusable(
    stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "file" / "jupyter"))
    assert trust_lessons() == ["98_small.ipynb"]
    said = capsys.readouterr().err
    assert said.startswith("Jupyter could not note which lessons to trust") and said.count("\n") == 1


def test_the_record_is_of_the_stored_lessons() -> None:
    """The one in the repository: every lesson is in it, and nothing else."""
    notebooks = [lessons.notebook(source) for source in lessons.sources()]
    assert [path.name for path in notebooks if not as_built(path, path.read_bytes())] == []
    assert sorted(json.loads(lessons.BUILT.read_text())) == sorted(path.name for path in notebooks)
