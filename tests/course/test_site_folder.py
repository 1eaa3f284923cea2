"""The folder of a site is exchanged as a whole, or is as it was; a file that is somebody's is never lost."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from mlteach.course.lessons import ROOT, LessonError, notebook
from mlteach.course.site import build_site
from mlteach.course.site import folder as made
from mlteach.course.site.folder import folder, free, publish
from mlteach.course.slides import build_slides

OLD = {"00_a.html": "old a", "01_b.html": "old b", "index.html": "old map"}
NEW = {"00_a.html": "new a", "02_c.html": "new c", "index.html": "new map"}


def site(pages: dict[str, str], target: Path, kind: str = "site") -> None:
    publish(pages, target, kind=kind, all_of_it=kind == "site")


def held(target: Path) -> dict[str, str]:
    """The files in a folder, hidden or not."""
    return {path.name: path.read_text() for path in sorted(target.iterdir()) if path.is_file()}


def pages(target: Path) -> dict[str, str]:
    return {name: text for name, text in held(target).items() if not name.startswith(".")}


def test_a_site_is_written_exchanged_and_holds_no_stale_page(tmp_path: Path) -> None:
    for target in (tmp_path / "new" / "site", tmp_path / "empty"):
        if target.name == "empty":
            target.mkdir()
        for each in (OLD, OLD, NEW, OLD):
            site(each, target)
            assert pages(target) == each
        assert set(held(target)) == {".mlteach-site.json", *OLD}
    if os.name != "nt":
        usual = tmp_path / "usual"
        usual.mkdir()
        assert (tmp_path / "new" / "site").stat().st_mode == usual.stat().st_mode


@pytest.mark.parametrize("name", ["00_a.html", "index.html", "02_c.html"])
@pytest.mark.parametrize("how", ["before", "changed", "folder", "link", "dead link"])
def test_a_file_in_the_way_stops_it_and_nothing_is_changed(name: str, how: str, tmp_path: Path) -> None:
    target, path, mine = tmp_path / "site", tmp_path / "site" / name, tmp_path / "mine.html"
    target.mkdir()
    mine.write_text(NEW[name])  # a link to it is not ours, though what it leads to looks like it
    if how != "before":
        site(OLD, target)
    path.unlink(missing_ok=True)
    if how in ("before", "changed"):
        path.write_text("mine")
    elif how == "folder":
        path.mkdir()
    else:
        path.symlink_to(mine if how == "link" else tmp_path / "nowhere")
    before = {each.name: each.lstat().st_ino for each in target.iterdir()}
    with pytest.raises(
        LessonError, match=f"{name} is in the way: .* Move it away, or choose another folder with --output"
    ):
        site(NEW, target)
    assert {each.name: each.lstat().st_ino for each in target.iterdir()} == before
    assert mine.read_text() == NEW[name]


def test_what_is_not_ours_stays_and_a_stale_page_that_was_changed_too(tmp_path: Path) -> None:
    (tmp_path / "CNAME").write_text("mine")
    (tmp_path / "07_mine.html").write_text("mine")
    site(OLD, tmp_path)
    (tmp_path / "01_b.html").write_text("old b, with my notes")
    site(NEW, tmp_path)
    assert pages(tmp_path) == {
        "CNAME": "mine",
        "07_mine.html": "mine",
        "01_b.html": "old b, with my notes",
        **NEW,
    }


def test_slides_gather_and_do_not_take_the_place_of_a_page(tmp_path: Path) -> None:
    site({"03_a.html": "slides"}, tmp_path, "slides")
    site({"04_b.html": "slides"}, tmp_path, "slides")
    site({"03_a.html": "slides, anew"}, tmp_path, "slides")
    assert pages(tmp_path) == {"03_a.html": "slides, anew", "04_b.html": "slides"}
    with pytest.raises(LessonError, match=r"03_a.html is in the way"):
        site({"03_a.html": "a page"}, tmp_path)
    assert pages(tmp_path)["03_a.html"] == "slides, anew"


@pytest.mark.parametrize(
    "text", ["", "[]", '{"../x.html": ["a"]}', '{"a.html": 3}', '{"a/b.html": []}', "\0", "[" * 9000]
)
def test_a_list_that_is_none_is_a_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / ".mlteach-site.json").write_text(text)
    with pytest.raises(LessonError, match="is not the list of pages it should be. Delete it, or"):
        site(NEW, tmp_path)
    assert held(tmp_path) == {".mlteach-site.json": text}


def test_whatever_call_of_the_system_fails_the_old_site_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full, a right that is lost: at every call in turn, and at each of them once Ctrl-C."""
    calls = [
        (os, "fsync"),
        (os, "replace"),
        (os, "link"),
        (made.Path, "unlink"),
        (made.Path, "mkdir"),
        (made.Path, "read_bytes"),
    ]
    tried = 0
    for problem in (OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()):
        for owner, name in calls:
            for count in (1, 3, 5):
                target = tmp_path / str(tried)
                site(OLD, target)
                left, real = [count], getattr(owner, name)

                def failing(
                    *args: Any, left: Any = left, real: Any = real, problem: Any = problem, **more: Any
                ) -> Any:
                    left[0] -= 1
                    if left[0] == 0:
                        raise problem
                    return real(*args, **more)

                monkeypatch.setattr(owner, name, failing)
                try:
                    site(NEW, target)
                except (LessonError, KeyboardInterrupt) as error:
                    monkeypatch.undo()
                    if isinstance(error, LessonError):
                        assert "could not be written: No space left on device." in str(error)
                    assert pages(target) in (OLD, NEW), (
                        name,
                        count,
                    )  # new: when only the list was still to be written
                else:
                    monkeypatch.undo()
                    assert pages(target) == NEW
                tried += 1
                assert not list(target.glob("*.part")), (name, count)
                site(NEW, target)  # and the next call goes through
                assert pages(target) == NEW
                if left[0] > 0:  # it was not called so often
                    break
    assert tried > 20


def test_a_new_folder_that_fails_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LessonError, match="could not be written: No space left on device"):
        site(NEW, tmp_path / "a" / "b" / "site")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_killed_at_any_place_the_next_call_finds_only_its_own(tmp_path: Path) -> None:
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom mlteach.course.site.folder import publish\n"
        "count, real = int(sys.argv[2]), os.replace\n"
        "def replace(*args):\n    global count\n    count -= 1\n    count or os.kill(os.getpid(), 9)\n    real(*args)\n"
        f"os.replace = replace\npublish({NEW!r}, Path(sys.argv[1]), kind='site', all_of_it=True)\n"
    )
    for count in (1, 3, 5):
        target = tmp_path / str(count)
        site(OLD, target)
        done = subprocess.run([sys.executable, "-c", program, str(target), str(count)], cwd=ROOT, timeout=60)
        assert done.returncode == -signal.SIGKILL
        for name, text in pages(target).items():
            assert text in (OLD.get(name), NEW.get(name))
        assert {"00_a.html", "index.html"} <= set(pages(target))
        for left in target.glob("*.part"):
            os.utime(left, (0, 0))
        site(NEW, target)
        assert pages(target) == NEW and not list(target.glob("*.part"))


# ---- where it may be ---------------------------------------------------------------------------------------------


def test_the_folders_that_hold_more_than_pages_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home" / "me"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home" / "me"))
    (tmp_path / "home" / "me").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "home")
    (tmp_path / "dead").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").write_text("mine")
    inside = [
        ROOT / name
        for name in (
            "notebooks",
            "notebooks/src",
            "notebooks/site",
            "mlteach",
            ".git",
            ".git/x",
            "data",
            "site/../tests",
        )
    ]
    more = [ROOT, ROOT.parent, Path("/"), tmp_path / "home", tmp_path / "home" / "me", ROOT / "site" / ".."]
    for target, sentence in (
        *((each, "belongs to the course itself") for each in inside),
        *((each, "holds more than pages") for each in more),
        (tmp_path / "link", "is a link"), (tmp_path / "dead", "is a link"), (tmp_path / "file", "is a file"),
    ):  # fmt: skip
        with pytest.raises(LessonError, match=sentence) as caught:
            site(NEW, target)
        assert "Choose another folder with --output" in str(caught.value) and "\n" not in str(caught.value)
    assert (tmp_path / "file").read_text() == "mine" and not list((tmp_path / "home").glob("*.html"))
    with pytest.raises(LessonError, match="could not be written: .*Choose another folder"):
        site(NEW, tmp_path / "file" / "site")
    for good in (ROOT / "site", ROOT / "slides", ROOT / "runs" / "site", tmp_path / "home" / "me" / "site"):
        assert free(good) == good


def test_home_is_written_as_a_shell_writes_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert folder(Path("~/site")) == tmp_path / "site"
    assert folder(Path("site")) == ROOT / "site" and folder(tmp_path / "x") == tmp_path / "x"
    if os.name != "nt":
        with pytest.raises(LessonError, match="the home of that user is not known"):
            folder(Path("~nosuchuserhere/site"))


def test_a_folder_without_rights_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> None:  # as the system says it; root would be let in
        raise PermissionError(errno.EACCES, "Permission denied")

    site(OLD, tmp_path)
    for call in ("mkdir", "read_text", "read_bytes"):
        with monkeypatch.context() as while_it_lasts:
            while_it_lasts.setattr(Path, call, refused)
            with pytest.raises(
                LessonError, match="could not be written: Permission denied. Choose another folder"
            ):
                site(NEW, tmp_path)
        assert pages(tmp_path) == OLD


# ---- notebooks that are none -------------------------------------------------------------------------------------

WHOLE = new_notebook(cells=[new_markdown_cell("# 98 Small\n\nA promise."), new_code_cell("1")])


def broken(**changes: Any) -> str:
    text: dict[str, Any] = json.loads(nbformat.writes(WHOLE))
    cells = changes.pop("cells", None)
    if cells is not None:
        text["cells"] = cells
    return json.dumps(text | changes)


CELL = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "a"}
CODE = {"cell_type": "code", "id": "a", "metadata": {}, "source": "a", "execution_count": None}
VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
BROKEN: dict[str, str | bytes] = {
    "empty": "", "half": nbformat.writes(WHOLE)[:200], "no JSON": "<html>", "a list": "[]", "null": "null", "a number": "3",
    "latin-1": "é".encode("latin-1") * 9, "nul": b"\0" * 64, "deep": "[" * 100_000, "no cells": "{}", "version 9": broken(nbformat=9),
    "version text": broken(nbformat="4"), "half a character": broken(cells=[CELL | {"source": "a\ud800"}]), "cells a dict": broken(cells={}), "cells of text": broken(cells=["a"]),
    "no id": broken(cells=[{k: v for k, v in CELL.items() if k != "id"}]), "id with a tag": broken(cells=[CELL | {"id": '"><b>'}]),
    "source a number": broken(cells=[CELL | {"source": 3}]), "no metadata": broken(cells=[{k: v for k, v in CELL.items() if k != "metadata"}]),
    "kind of cell": broken(cells=[CELL | {"cell_type": "video"}]), "outputs a dict": broken(cells=[CODE | {"outputs": {}}]),
    "output's kind": broken(cells=[CODE | {"outputs": [{"output_type": "song"}]}]),
    "slideshow": broken(cells=[CELL | {"metadata": {"slideshow": "slide"}}]), "kind of slide": broken(cells=[CELL | {"metadata": {"slideshow": {"slide_type": []}}}]),
    "notes": broken(cells=[CELL | {"metadata": {"slideshow": {"notes": 3}}}]),
    "view": broken(cells=[CODE | {"outputs": [{"output_type": "display_data", "metadata": {}, "data": {VIEW: {"model_id": {}}}}]}]),
    "view a text": broken(cells=[CODE | {"outputs": [{"output_type": "display_data", "metadata": {}, "data": {VIEW: "a"}}]}]),
    "widgets": broken(metadata={"widgets": []}), "widgets' state": broken(metadata={"widgets": {STATE: {"state": []}}}),
    "a model": broken(metadata={"widgets": {STATE: {"state": {"a": {"state": 3}}}}}),
    "buffers": broken(metadata={"widgets": {STATE: {"state": {"a": {"state": {}, "buffers": [{"path": 3}]}}}}}),
}  # fmt: skip


@pytest.mark.parametrize("how", BROKEN)
def test_a_notebook_that_is_none_stops_the_site_by_name_and_in_one_sentence(
    how: str, course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mlteach.course.site.lesson.stale", lambda source: None)
    text = BROKEN[how]
    notebook(course).write_bytes(text.encode() if isinstance(text, str) else text)
    for write in (
        lambda: build_site(tmp_path / "site", progress=False),
        lambda: build_slides(course, tmp_path / "slides"),
    ):
        with pytest.raises(
            LessonError, match=r"98_small.ipynb is not a whole notebook \(.+\). Rebuild it: "
        ) as caught:
            write()
        assert "\n" not in str(caught.value) and str(caught.value).endswith("python3 start.py build 98")
    assert not (tmp_path / "site").exists() and not (tmp_path / "slides").exists()
    assert capfd.readouterr() == ("", "")


def test_a_notebook_that_cannot_be_read_is_a_sentence_and_another_ones_slides_are_made(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlteach.course.site.lesson.stale", lambda source: None)
    cell = new_markdown_cell(
        "# 98 Small", metadata={"slideshow": {"slide_type": "slide", "notes": "12 min. Say."}}
    )
    nbformat.write(new_notebook(cells=[cell]), notebook(course))
    other = course.with_name("97_other.py")
    other.write_text("# %%\n1\n")
    notebook(other).mkdir()  # as unreadable as a file can be, for root too
    with pytest.raises(LessonError, match="97_other.ipynb cannot be read: Is a directory"):
        build_site(tmp_path / "site", progress=False)
    assert build_slides(course, tmp_path / "slides").read_text().count('<section class="slide"') == 1
