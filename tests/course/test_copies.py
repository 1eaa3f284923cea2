"""A learner's own copies in my/: made without results, carried over, never overwritten, whatever lies there."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import nbformat
import pytest

from mlteach.course import build, copies, lessons
from mlteach.course.copies import bring, keep_typed, place, reset
from mlteach.course.lessons import LessonError
from mlteach.course.merge import OURS, WIDGET_STATE, WIDGET_VIEW

PREDICT = "# %% [markdown]\n# **Predict.** Which number comes out?\n\n"


@pytest.fixture(autouse=True)
def jupyters_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jupyter's notary signs in a folder of this test."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))


def read(path: Path) -> Any:
    return nbformat.read(path, 4)


def texts(path: Path) -> list[str]:
    return [cell.source for cell in read(path).cells]


def write(path: Path, change: Any) -> None:
    """Change a copy as a program would that knows nothing of ours."""
    notebook = read(path)
    change(notebook.cells)
    path.write_text(nbformat.writes(notebook), encoding="utf-8")


def revise(course: Path, old: str, new: str) -> None:
    """A new version of the lesson."""
    text = course.read_text(encoding="utf-8")
    assert text.count(old) == 1
    course.write_text(text.replace(old, new), encoding="utf-8")


def backups() -> list[Path]:
    return sorted((lessons.MY / "backups").glob("*"))


def solve(cells: Any) -> None:
    """What a learner does: an answer, a note, a run."""
    stub = next(cell for cell in cells if cell.source.startswith("def double"))
    stub.source = "def double(x):\n    return x + x"
    cells.insert(cells.index(stub) + 1, nbformat.v4.new_markdown_cell("Übung: dasselbe wie zweimal x"))
    cells[1].execution_count, cells[1].source = 1, cells[1].source.replace("smoke", "lecture")


def test_a_copy_has_no_results_and_is_made_once(course: Path) -> None:
    revise(course, "# %%\nslider", '# %% [markdown] slideshow={"slide_type": "slide"}\n# Look.\n\n# %% [markdown] '
           'slideshow={"slide_type": "notes"}\n# 1 min. It is 45.\n\n# %%\nslider')  # fmt: skip
    (said,) = bring()
    assert said.startswith("Made a copy of your own in my/, without results")
    copied = read(place(course))
    nbformat.validate(copied)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in copied.cells)
    assert "def double(x):\n    ..." in texts(place(course))
    assert any("<summary>Solution</summary>" in text for text in texts(place(course)))
    assert "It is 45" not in place(course).read_text()
    content = place(course).read_bytes()
    assert copies.is_trusted(content)
    assert bring() == [] and place(course).read_bytes() == content and not backups()


def test_three_versions(course: Path) -> None:
    """The story: what is carried, kept and shown over three versions of a lesson; ``pytest -s`` prints it."""
    story = ["version 1", *bring()]
    write(place(course), solve)

    revise(course, "# %%\nprint(double(2))", "# %% [markdown]\n# A new thought.\n\n# %%\nprint(double(3))")
    revise(course, "# # 98 A lesson", "# # 98 A better lesson")
    story += ["version 2: a cell is new, two have changed", *bring()]
    second = texts(place(course))
    assert second[0].startswith("# 98 A better lesson")
    at = second.index("def double(x):\n    return x + x")
    assert second[at + 1 : at + 4] == ["Übung: dasselbe wie zweimal x", "A new thought.", "print(double(3))"]
    assert 'PROFILE = "lecture"' in second[1]

    revise(course, "def double(x):\n    ### BEGIN", 'def double(x):\n    """Twice x."""\n    ### BEGIN')
    revise(course, "# %%\nslider = IntSlider(3)\nslider\n\n", "")
    story += ["version 3: the exercise has changed, a cell is dropped", *bring(), *bring()]
    third = texts(place(course))
    at = third.index("def double(x):\n    return x + x")
    assert "Both changed" in third[at - 1] and '"""Twice x."""' in third[at - 1]
    assert third[at + 1] == "Übung: dasselbe wie zweimal x" and not any("slider = " in text for text in third)
    assert read(place(course)).cells[1].execution_count == 1
    nbformat.validate(read(place(course)))
    assert [texts(path) for path in backups()] != [] and len(backups()) == 2
    print("\n" + "\n".join(story))
    assert (
        "(cells: 1 new, 2 changed). Your 3 cells stayed as they were. As it was before: my/backups/98_"
        in story[3]
    )
    assert (
        "(cells: 1 changed, 1 dropped). Your 3 cells stayed as they were. The lesson has changed 1 of them too"
        in story[5]
    )
    assert len(story) == 6


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b'{"cells": [', b"null", b"[1]", b'{"nbformat": 9}', b"[" * 9999, "Übung".encode("latin-1"), b"\x00" * 50,
     json.dumps(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("of somebody else")])).encode(),
     json.dumps(nbformat.v4.new_notebook(metadata={OURS: {"lesson": "03_other"}})).encode(),
     json.dumps(nbformat.v4.new_notebook(metadata={OURS: {"lesson": "98_small", "came": "x", "version": ""}})).encode(),
     json.dumps(nbformat.v4.new_notebook(metadata={OURS: {"lesson": "98_small", "came": [{}], "version": ""}})).encode()],
    # Named, for a cell's id is another in every process, and two that share the tests must call them alike.
    ids="empty newline torn null list version-9 deep latin-1 zeros another other-lesson came-text came-empty".split(),
)  # fmt: skip
def test_what_is_no_copy_is_kept_and_stops_nobody(course: Path, content: bytes) -> None:
    shutil.copy(course, course.with_name("99_other.py"))
    place(course).parent.mkdir()
    place(course).write_bytes(content)
    said = bring()
    assert [path.read_bytes() for path in backups()] == [content]
    assert any(f"It is now my/backups/{backups()[0].name}, unchanged" in sentence for sentence in said)
    assert any("def double" in text for text in texts(place(course)))
    assert (lessons.MY / "99_other.ipynb").exists()
    assert bring() == []


@pytest.mark.skipif(os.name == "nt", reason="Windows asks for a right to make links")
def test_a_folder_or_a_link_to_nothing_in_its_place_is_kept(course: Path) -> None:
    place(course).mkdir(parents=True)
    (place(course) / "inside.txt").write_text("mine")
    bring()
    assert (backups()[0] / "inside.txt").read_text() == "mine" and place(course).is_file()
    place(course).unlink()
    place(course).symlink_to("nowhere")
    bring()
    assert place(course).is_file() and not place(course).is_symlink()


def test_a_copy_that_lost_its_ids_and_our_note_is_carried_all_the_same(course: Path) -> None:
    bring()
    write(place(course), solve)
    raw = json.loads(place(course).read_text())
    raw["nbformat_minor"] = 4
    del raw["metadata"][OURS]
    for cell in raw["cells"]:
        del cell["id"]
    place(course).write_text(json.dumps(raw))
    revise(course, "# %%\nprint(double(2))", "# %% [markdown]\n# A new thought.\n\n# %%\nprint(double(2))")
    bring()
    now = texts(place(course))
    assert {"def double(x):\n    return x + x", "Übung: dasselbe wie zweimal x", "A new thought."} <= set(now)
    assert len(backups()) == 1 and "def double(x):\n    ..." not in now
    assert bring() == []


def test_line_ends_are_nobodys_change(course: Path) -> None:
    bring()
    write(
        place(course),
        lambda cells: [cell.update(source=cell.source.replace("\n", "\r\n") + "\n") for cell in cells],
    )
    revise(course, "# # 98 A lesson", "# # 98 A better lesson")
    (said,) = bring()
    assert "(cells: 1 changed)" in said and "stayed" not in said


def test_half_a_character_is_kept(course: Path) -> None:
    bring()
    content = place(course).read_text().replace("double", "\\ud83d", 1)
    place(course).write_text(content)
    bring()
    assert backups()[0].read_text() == content


def test_an_untouched_copy_becomes_the_new_version_without_a_backup(course: Path) -> None:
    bring()
    revise(course, "# # 98 A lesson", "# # 98 A better lesson")
    bring()
    new = read(place(course))
    place(course).unlink()
    bring()
    assert new.cells == read(place(course)).cells and not backups()


def test_a_malformed_lesson_leaves_the_other_copies(course: Path) -> None:
    other = course.with_name("99_other.py")
    other.write_bytes(b"# %% [markdown]\n# \xff")
    course.with_name("97_fence.py").write_text("# %%\n### BEGIN SOLUTION\n")
    said = bring()
    assert len(said) == 3 and said[0].startswith("97_fence.py could not be copied to my/: ")
    assert said[1].startswith("99_other.py could not be copied")
    assert place(course).exists() and not place(other).exists()


def test_a_full_disk_and_a_folder_that_cannot_be_written_are_a_sentence(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring()
    write(place(course), solve)
    before = place(course).read_bytes()
    revise(course, "# # 98 A lesson", "# # 98 A better lesson")

    def full(path: Path, content: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(copies, "write_atomic", full)
        for action in (bring, lambda: reset(course)):
            with pytest.raises(LessonError, match=r"cannot be written \(No space left on device\)"):
                action()
    kept = [place(course), *lessons.MY.glob("98_small.2*.ipynb")]
    assert before in [path.read_bytes() for path in kept if path.exists()]
    monkeypatch.setattr(lessons, "MY", course)  # a file
    with pytest.raises(LessonError, match="cannot be written"):
        bring()


def test_several_at_once_make_one_copy_and_carry_it_once(course: Path) -> None:
    def at_once() -> None:
        crowd = [threading.Thread(target=bring) for _ in range(6)]
        for each in crowd:
            each.start()
        for each in crowd:
            each.join()

    at_once()
    write(place(course), solve)
    revise(course, "# # 98 A lesson", "# # 98 A better lesson")
    at_once()
    assert len(backups()) == 1 and texts(place(course))[0].startswith("# 98 A better lesson")
    assert sorted(path.name for path in lessons.MY.iterdir()) == ["98_small.ipynb", "backups"]


def test_what_is_saved_while_the_copy_is_carried_is_not_overwritten(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring()
    write(place(course), solve)
    revise(course, "# # 98 A lesson", "# # 98 A better lesson")
    keep, late = copies.keep, iter([True, False])

    def slow(*arguments: Any) -> Path:
        if next(late):
            write(place(course), lambda cells: cells.append(nbformat.v4.new_markdown_cell("saved meanwhile")))
        return keep(*arguments)

    monkeypatch.setattr(copies, "keep", slow)
    bring()
    assert texts(place(course))[-1] == "saved meanwhile" and "better" in texts(place(course))[0]


def test_reset_keeps_every_old_copy_and_progress(course: Path) -> None:
    bring()
    (lessons.MY / "progress.json").write_text("{}")
    for k in range(3):
        write(place(course), lambda cells, k=k: cells.append(nbformat.v4.new_markdown_cell(f"mine {k}")))
        said = reset(course)
    old = sorted(lessons.MY.glob("98_small.2*.ipynb"))
    assert {texts(path)[-1] for path in old} == {"mine 0", "mine 1", "mine 2"}
    assert said.startswith("my/98_small.ipynb is a fresh copy. The old one is my/98_small.2")
    assert not any("mine" in text for text in texts(place(course)))
    assert bring() == [] and (lessons.MY / "progress.json").read_text() == "{}" and len(old) == 3


@pytest.mark.parametrize(("now", "also"), [("98_tiny", None), ("97_small", None), ("97_small", "98_other")])
def test_a_lesson_with_another_name_or_number_takes_its_copy_along(
    course: Path, now: str, also: str | None
) -> None:
    bring()
    write(place(course), solve)
    (lessons.MY / "98_mine.ipynb").write_text("a file of the learner's")
    course = course.rename(course.with_name(f"{now}.py"))
    if also:
        course.with_name(f"{also}.py").write_text("# %% [markdown]\n# # 98 Another lesson\n")
    bring()
    assert "Übung: dasselbe wie zweimal x" in texts(place(course))
    assert not (lessons.MY / "98_small.ipynb").exists() and len(backups()) == 1
    assert (lessons.MY / "98_mine.ipynb").read_text() == "a file of the learner's"
    assert not also or texts(lessons.MY / f"{also}.ipynb") == ["# 98 Another lesson"]
    assert bring() == []


def test_only_what_was_trusted_stays_trusted(course: Path) -> None:
    bring()
    script = nbformat.v4.new_output("display_data", {"text/html": "<script>alert(1)</script>"})
    write(place(course), lambda cells: cells[2].outputs.append(script))
    revise(course, "# # 98 A lesson", "# # 98 A better lesson")
    bring()
    assert not copies.is_trusted(place(course).read_bytes())
    copies.store(
        place(course), read(place(course)), trusted=True
    )  # as Jupyter does when it has run the cell itself
    revise(course, "# # 98 A better", "# # 98 The best")
    bring()
    assert copies.is_trusted(place(course).read_bytes())


def test_every_lesson_as_a_learner_first_gets_it() -> None:
    """No results, folded solutions, and links that lead to the learner's other copies."""
    for source in lessons.sources():
        copied = copies.fresh(source)
        nbformat.validate(copied)
        before = True
        for cell in copied.cells:
            before = before and copies.PREDICTION not in cell.source
            outputs = cell.get("outputs", [])
            assert before or not outputs, f"{source.stem}: {cell.id} is answered before it is run"
            assert all(WIDGET_VIEW in out.data for out in outputs)
            assert not cell.get("execution_count") and "notes" not in cell.metadata.get("slideshow", {})
            for link in re.findall(r"\]\(([^)#]+\.ipynb)", cell.source):
                assert (lessons.SOURCES / link).with_suffix(".py").exists(), f"{source.stem} links to {link}"


class TestOpening:
    """Explorers before the first prediction are there, alive; a later one comes with its cell."""

    @pytest.fixture
    def explorers(self, course: Path) -> Path:
        """A copy of the page of all explorers, with a prediction in the midst of it."""
        page = lessons.ROOT / "notebooks" / "src" / "90_every_explorer.py"
        course.unlink()
        target = course.with_name(page.name)
        text = page.read_text()
        cut = text.index("# %% [markdown]", text.index("= LstmGates"))
        target.write_text(text[:cut] + PREDICT + text[cut:])
        shutil.copy(lessons.ROOT / "notebooks" / f"{page.stem}.ipynb", lessons.notebook(target))
        return target

    def shown(self, source: Path) -> list[str]:
        """The explorers that a copy shows before anything is run, by the id of their class."""
        copied = copies.fresh(source)
        models = copied.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
        views = [out.data[WIDGET_VIEW].model_id for cell in copied.cells for out in cell.get("outputs", [])]
        assert set(views) <= set(models) and len(models) == 2 * len(views)
        return [models[view].state["_anywidget_id"].rpartition(".")[2] for view in views]

    def test_those_before_the_first_prediction(self, explorers: Path) -> None:
        assert self.shown(explorers) == ["MethodMap", "EpisodeInspector", "LstmGates"]

    def test_only_ours_are_taken_over(self, explorers: Path) -> None:
        stored = lessons.notebook(explorers)
        notebook = read(stored)
        models = notebook.metadata.widgets[WIDGET_STATE].state
        ours = [name for name, model in models.items() if model.model_name == "AnyModel"]
        models[ours[0]].state["_esm"] += "\nalert(1)"
        models[ours[1]].state["_anywidget_id"] = "mlteach.explore.nobody.Nobody"
        stored.write_text(nbformat.writes(notebook))
        assert self.shown(explorers) == ["LstmGates"]
        stored.write_text("no notebook")
        assert self.shown(explorers) == []

    def test_a_lesson_run_in_its_own_place_changes_no_copy(self, explorers: Path) -> None:
        bring()
        content = place(explorers).read_bytes()
        lessons.notebook(explorers).write_text("saved by somebody, without its explorers")
        assert bring() == [] and place(explorers).read_bytes() == content

    def test_a_new_version_renews_those_not_run_and_leaves_those_run(self, explorers: Path) -> None:
        bring()
        write(place(explorers), self.run_the_first)
        revise(explorers, PREDICT, "")  # now all of them are an opening
        bring()
        copied = read(place(explorers))
        models = copied.metadata.widgets[WIDGET_STATE].state
        views = [out.data[WIDGET_VIEW].model_id for cell in copied.cells for out in cell.get("outputs", [])]
        assert views[0] == "f" * 32 and len(views) > 5 and set(views[1:]) <= set(models)
        assert self.second_view not in views

    second_view = "00000000000000000000000000000003"  # the explorer whose cell was run and showed nothing

    @staticmethod
    def run_the_first(cells: Any) -> None:
        first, second, *_ = (cell for cell in cells if cell.get("outputs"))
        first.execution_count, second.execution_count = 3, 4
        first.outputs[0].data[WIDGET_VIEW]["model_id"] = "f" * 32
        second.outputs = []


class TestBuild:
    """The build replaces what it has stored; what somebody has typed into it is kept."""

    @pytest.fixture
    def built(self, course: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The notebook of the lesson, built without running it."""
        monkeypatch.setattr(build, "execute", lambda *_, **__: None)
        return build.build(course)

    def test_of_an_untouched_notebook_nothing_is_kept(self, course: Path, built: Path) -> None:
        write(built, lambda cells: cells[1].update(execution_count=4))  # run, and run again
        build.build(course)
        assert not copies.typed_into(course) and keep_typed(course) is None and not lessons.MY.exists()

    def test_of_one_whose_source_has_changed_nothing_is_kept(self, course: Path, built: Path) -> None:
        text = course.read_text(encoding="utf-8")
        course.write_text(text + "\n# %% [markdown]\n# A sentence more.\n", encoding="utf-8")
        build.build(course)
        course.write_text(text, encoding="utf-8")  # the sentence is in the notebook alone
        assert not copies.typed_into(course)
        write(built, solve)
        assert copies.typed_into(course)

    @pytest.mark.parametrize(
        "change", [solve, lambda cells: cells.append(nbformat.v4.new_markdown_cell("mine"))]
    )
    def test_what_was_typed_is_kept_and_said(
        self, course: Path, built: Path, change: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write(built, change)
        content = built.read_bytes()
        assert copies.typed_into(course)
        build.build(course)
        assert [path.read_bytes() for path in backups()] == [content] and built.read_bytes() != content
        assert (
            f"Somebody has typed into 98_small.ipynb; as it was, it is now {backups()[0]}"
            in capsys.readouterr().out
        )

    def test_an_unreadable_one_is_kept_too(self, course: Path, built: Path) -> None:
        built.write_text("{ half a notebook, and answers in it")
        build.build(course)
        assert backups()[0].read_text() == "{ half a notebook, and answers in it"

    def test_where_it_cannot_be_kept_it_is_not_replaced(
        self, course: Path, built: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(built, solve)
        content = built.read_bytes()
        monkeypatch.setattr(lessons, "MY", course)  # a file
        with pytest.raises(LessonError, match="cannot be written"):
            build.build(course)
        assert built.read_bytes() == content


class TestCommand:
    """What `lab`, `reset` and `build --check` do and say."""

    @pytest.fixture
    def called(self, course: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
        """The commands that would have been started."""
        from mlteach import __main__ as line

        calls: list[list[str]] = []
        monkeypatch.setattr(lessons, "ROOT", lessons.MY.parent)
        monkeypatch.setattr("mlteach.course.trust.trust_lessons", lambda: [])
        monkeypatch.setattr(line, "attend", lambda command, **_: calls.append(command) or 0)
        return calls

    @staticmethod
    def say(*arguments: str) -> None:
        from mlteach.__main__ import app

        with pytest.raises(SystemExit) as ended:
            app(list(arguments))
        assert ended.value.code in (0, None)

    def test_lab_opens_the_copy_and_shows_my_first(
        self, called: list[list[str]], course: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.say("lab", "98")
        assert (
            str(Path("my/98_small.ipynb")) in called[0]
            and f"--FileContentsManager.preferred_dir={lessons.MY}" in called[0]
        )
        assert "JupyterLab opens my/98_small.ipynb" in capsys.readouterr().out

    @pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C otherwise")
    def test_a_server_that_is_told_to_stop_has_the_time_it_needs(self) -> None:
        server = (
            "import signal, sys, time\n"
            "def stop(*_): time.sleep(0.8); print('kernels stopped', flush=True); sys.exit(7)\n"
            "signal.signal(signal.SIGINT, stop); print('up', flush=True); time.sleep(60)"
        )
        program = f"import sys; from mlteach.__main__ import attend; sys.exit(attend([sys.executable, '-c', {server!r}]))"
        child = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert child.stdout is not None and child.stdout.readline() == "up\n"
        os.killpg(child.pid, signal.SIGINT)  # as a terminal does: to the command and to the server
        assert child.communicate(timeout=20)[0] == "kernels stopped\n" and child.returncode == 7

    def test_lab_executed_opens_the_lesson_and_makes_no_copy(
        self, called: list[list[str]], course: Path
    ) -> None:
        from mlteach.__main__ import app

        with pytest.raises(LessonError, match="98_small.ipynb was never built"):
            app(["lab", "--executed", "98"])
        lessons.notebook(course).write_text("{}")
        self.say("lab", "--executed", "98")
        assert str(Path("notebooks/98_small.ipynb")) in called[0]
        assert not lessons.MY.exists()

    def test_a_lesson_that_cannot_be_copied_opens_nothing(
        self, called: list[list[str]], course: Path
    ) -> None:
        from mlteach.__main__ import app

        course.write_text("# %%\n### BEGIN SOLUTION\n")
        with pytest.raises(LessonError, match="could not be made"):
            app(["lab", "98"])
        assert not called

    def test_reset(self, called: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
        self.say("reset", "98")
        assert capsys.readouterr().out == "my/98_small.ipynb is a fresh copy.\n"

    def test_build_check_says_that_nothing_is_lost(
        self, course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        from mlteach.__main__ import app

        monkeypatch.setattr(build, "execute", lambda *_, **__: None)
        write(build.build(course), solve)
        with pytest.raises(SystemExit):
            app(["build", "--check", "98"])
        said = capsys.readouterr().out
        assert "start.py build 98 (what was typed into it is kept in my/backups/ first)" in said


@pytest.mark.parametrize(
    "change",
    [
        lambda cell: cell["metadata"].update(tags="x"),
        lambda cell: cell["metadata"].update(tags=None),
        lambda cell: cell["metadata"].update(tags=[1, "a"]),
        lambda cell: cell["metadata"].update(tags=["a", "a"]),
        lambda cell: cell["metadata"].update(tags=["a,b"]),
        lambda cell: cell.update(metadata=None),
        lambda cell: cell.pop("metadata"),
        lambda cell: cell.pop("outputs", None),
        lambda cell: cell.pop("execution_count", None),
        lambda cell: cell.update(cell_type="markdown"),  # with the outputs it had
        lambda cell: cell.update(cell_type="raw"),
        lambda cell: cell.update(cell_type="code"),
        lambda cell: cell.update(attachments={"a.png": {"image/png": "Mine"}}),
        lambda cell: cell.update(id=None),
        lambda cell: cell.update(id=7),
        lambda cell: cell.update(source="".join(cell["source"])),
        lambda cell: cell.update(mine="Mine"),
    ],
)
def test_what_another_program_leaves_in_a_cell_does_not_cost_the_copy(course: Path, change: Any) -> None:
    bring()
    path = place(course)
    for k in range(len(read(path).cells)):
        write(path, solve)
        raw = json.loads(path.read_text(encoding="utf-8"))
        change(raw["cells"][k])
        path.write_text(json.dumps(raw), encoding="utf-8")
        course.write_text(
            f"{course.read_text(encoding='utf-8')}\n# %% [markdown]\n# New {k}.\n", encoding="utf-8"
        )
        (said,) = bring()
        assert "has a new version" in said, said
        nbformat.validate(read(path))
        content = path.read_text(encoding="utf-8")
        assert "Übung" in content and f"New {k}" in content
        assert "Mine" in content or "Mine" not in json.dumps(raw)
        path.unlink()
        bring()
