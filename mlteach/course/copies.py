"""A learner's own copies of the lessons, in ``my/``: made without results, brought up to date, never overwritten.

    my/03_gradient_descent_is_an_lstm_cell.ipynb    where the learner works
    my/03_….2026-11-28_201503.ipynb                 an older copy, put aside by ``reset``
    my/backups/                                     every copy as it was before anything was changed in it

A copy is made from the lesson's source. What is shown in it before a cell is run are the explorers that stand before the
lesson's first prediction: they are its opening picture and answer nothing.
"""

import hashlib
import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat

from mlteach.course import lessons
from mlteach.course.align import align, what
from mlteach.course.build import WIDGET_STATE, WIDGET_VIEW, aged_explorer
from mlteach.course.lessons import LessonError
from mlteach.course.merge import OURS, Merged, came, came_alive, merge, with_ids
from mlteach.course.source import learner_notebook
from mlteach.course.trust import as_built
from mlteach.files import lock, write_atomic

PREDICTION = "**Predict.**"
PATIENCE = 60.0  # seconds to wait for another process that writes copies


def place(source: Path) -> Path:
    """Where the learner's copy of the lesson with this source is."""
    return lessons.MY / f"{source.stem}.ipynb"


def bring(sources: list[Path] | None = None) -> list[str]:
    """Make the copies that are missing and carry the others over to their lesson's new version.

    Returns what the learner should know, a sentence each. A copy that cannot be read is put into my/backups/ and made
    anew; a lesson that cannot be read is named, and the others are brought. Raises LessonError where my/ cannot be
    written to.
    """
    said: list[str] = []
    made = 0
    with writing():
        for source in sources if sources is not None else lessons.sources():
            try:
                sentence = bring_one(source)
            except (LessonError, UnicodeDecodeError) as error:
                sentence = f"{source.name} could not be copied to {lessons.MY.name}/: {error}"
            made += sentence == ""
            if sentence:
                said.append(sentence)
    if made:
        copies = "a copy of your own" if made == 1 else f"{made} copies of your own"
        said.append(
            f"Made {copies} in {lessons.MY.name}/, without results: run the cells to see them. What you write there stays."
        )
    return said


def bring_one(source: Path) -> str | None:
    """Make or renew one copy; returns what to say of it: None where nothing was done, "" where it was made."""
    target, lesson = place(source), fresh(source)
    former = renamed(source)
    if former is not None and not os.path.lexists(target):
        os.replace(former, target)
    for _ in range(3):
        if not os.path.lexists(target):
            store(target, lesson, trusted=True)
            return ""
        try:
            content = target.read_bytes() if target.is_file() else b""  # a pipe would be waited for
        except PermissionError:
            return f"{relative(target)} cannot be read, so it was left as it is. Make it readable to go on with it."
        except OSError:  # a folder, or a link to nothing
            content = b""
        try:
            mine, trusted = known(content, lesson)
        except ValueError as error:
            kept = put_aside(target, lessons.MY / "backups")
            store(target, lesson, trusted=True)
            return f"{relative(target)} {error}. It is now {relative(kept)}, unchanged, and a fresh copy is in its place."
        was, now = mine.metadata[OURS], lesson.metadata[OURS]
        if was["version"] == now["version"] and (not now["alive"] or was.get("alive") == now["alive"]):
            return None
        merged = merge(mine, lesson)
        nbformat.validate(merged.notebook)
        backup = None if as_it_came(mine) else keep(content, target, lessons.MY / "backups")
        if target.read_bytes() == content:  # else it was saved in this moment: look again
            store(target, merged.notebook, trusted=trusted)
            return report(target, merged, backup)
    return f"{relative(target)} is being written by another program, so it was left as it is."


def reset(source: Path) -> str:
    """Put the learner's copy aside, under its name with the date, and make a fresh one; returns what was done.

    Raises LessonError where my/ cannot be written to, or for a malformed source.
    """
    target, lesson = place(source), fresh(source)
    with writing():
        old = put_aside(target, lessons.MY) if os.path.lexists(target) else None
        store(target, lesson, trusted=True)
    kept = f" The old one is {relative(old)}." if old else ""
    return f"{relative(target)} is a fresh copy.{kept}"


def keep_typed(source: Path) -> Path | None:
    """Keep the stored notebook of a lesson in my/backups/ if somebody has typed into it; returns where it is then.

    For the build, which is about to replace it. Raises LessonError where it cannot be kept.
    """
    stored = lessons.notebook(source)
    if not typed_into(source):
        return None
    with writing():
        return keep(stored.read_bytes(), stored, lessons.MY / "backups")


def typed_into(source: Path) -> bool:
    """Whether the stored notebook of a lesson holds a text that is not in its source. What cannot be read counts too."""
    stored = lessons.notebook(source)
    try:
        content = stored.read_bytes()
    except OSError:
        return False
    try:
        cells = parse(content).cells
    except ValueError:
        return bool(content.strip())
    if as_built(stored, content):
        return False  # the source has changed since, not the notebook
    written = {cell.source.strip() for cell in learner_notebook(source).cells}
    return any(cell.source.strip() not in written | {""} or cell.get("attachments") for cell in cells)


def fresh(source: Path) -> Any:
    """A lesson as a learner first gets it (a notebook node): no results, explorers only before the first prediction.

    Raises LessonError and UnicodeDecodeError for a malformed source.
    """
    notebook = learner_notebook(source)
    for cell in notebook.cells:
        cell.metadata.get("slideshow", {}).pop("notes", None)  # what the lecturer says may tell an answer
    show_opening(notebook, lessons.notebook(source))
    written = [(*what(cell), cell.metadata) for cell in notebook.cells]
    shown = [(what(cell), cell.outputs) for cell in notebook.cells if cell.get("outputs")]
    notebook.metadata[OURS] = nbformat.from_dict(
        {
            "lesson": source.stem,
            "version": checksum([source.stem, written]),
            "alive": checksum([shown, notebook.metadata.widgets]) if shown else "",
            "came": came(notebook.cells),
        }
    )
    return notebook


def checksum(content: Any) -> str:
    """The same for the same content, and for no other."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def show_opening(notebook: Any, stored: Path) -> None:
    """Take over from the stored lesson the explorers that stand before the first prediction; changes ``notebook``.

    Only what is made by this package, script and all, so that a copy may be trusted whoever has saved the lesson.
    """
    opening: list[Any] = []
    for cell in notebook.cells:
        if PREDICTION in cell.source:
            break
        opening.append(cell)
    try:
        whole = parse(stored.read_bytes())
    except (OSError, ValueError):
        return
    models = whole.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    outputs = {what(cell): cell.outputs for cell in whole.cells if came_alive(cell)}
    state: dict[str, Any] = {}
    for cell in opening:
        for out in outputs.get(what(cell), []):
            model = out.get("data", {}).get(WIDGET_VIEW, {}).get("model_id", "")
            layout = models.get(model, {}).get("state", {}).get("layout", "").removeprefix("IPY_MODEL_")
            if is_ours(models.get(model)) and is_layout(models.get(layout)):
                state |= {model: models[model], layout: models[layout]}
                data = {
                    kind: out.data[kind]
                    for kind in (WIDGET_VIEW, "image/png", "text/plain")
                    if kind in out.data
                }
                cell.outputs.append(nbformat.v4.new_output("display_data", data, metadata=out.metadata))
    if state:
        notebook.metadata["widgets"] = nbformat.from_dict(
            {WIDGET_STATE: {"state": state, "version_major": 2, "version_minor": 0}}
        )


def is_ours(model: Any) -> bool:
    """Whether a stored widget is an explorer of this package with the script it has now."""
    if not model or model.get("model_module") != "anywidget":
        return False
    home = str(model["state"].get("_anywidget_id", "")).split(".")
    try:
        return len(home) == 4 and home[:2] == ["mlteach", "explore"] and aged_explorer({"": model}) is None
    except (OSError, KeyError):  # of a name we have no script for, or without one
        return False


def is_layout(model: Any) -> bool:
    """Whether a stored widget is a layout, which has no script."""
    return bool(model) and (model.get("model_module"), model.get("model_name")) == (
        "@jupyter-widgets/base",
        "LayoutModel",
    )


def parse(content: bytes) -> Any:
    """The notebook node in ``content``, of format 4.5, every cell with an id of its own. Raises ValueError."""
    try:
        raw = json.loads(content.decode("utf-8-sig"))
        if raw["nbformat"] < 4:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                raw = nbformat.convert(nbformat.from_dict(raw), 4)
        with_ids(raw["cells"])
        for cell in raw["cells"]:
            mend(cell)
        raw["nbformat_minor"] = max(5, raw["nbformat_minor"])
        text = json.dumps(raw, ensure_ascii=False)
        text.encode()  # half a character, which could not be written again
        notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
        return notebook
    except Exception as error:  # whatever a file may hold instead of a notebook
        raise ValueError("is not a whole notebook") from error


def mend(cell: Any) -> None:
    """Make of a cell that another program has written what the format asks for; nothing of it is lost. Changes ``cell``."""
    if isinstance(cell["source"], list):
        cell["source"] = "".join(cell["source"])
    if not isinstance(cell.get("metadata"), dict):
        cell["metadata"] = {}
    tags = cell["metadata"].get("tags", [])
    if not isinstance(tags, list) or len(set(map(str, tags))) < len(tags) or not all(map(is_tag, tags)):
        del cell["metadata"]["tags"]
    runs: dict[str, Any] = {"outputs": [], "execution_count": None} if cell["cell_type"] == "code" else {}
    cell |= {key: cell.get(key) or nothing for key, nothing in runs.items()}
    kept = {"id", "cell_type", "metadata", "source", *(runs or ["attachments"])}
    for key in cell.keys() - kept:  # of a cell that was of another kind: an output, a picture
        if part := cell.pop(key):
            cell["metadata"].setdefault(key, part)


def is_tag(tag: Any) -> bool:
    """Whether a notebook may have it as a tag."""
    return isinstance(tag, str) and bool(tag) and "," not in tag


def known(content: bytes, lesson: Any) -> tuple[Any, bool]:
    """The learner's copy in ``content``, and whether Jupyter trusts it. Raises ValueError where it is no copy of the lesson.

    A copy that no longer says what it came with (other programs drop what they do not know) is compared with the
    lesson as it is now: what differs then counts as the learner's.
    """
    notebook = parse(content)
    mark = notebook.metadata.get(OURS)
    if not (isinstance(mark, dict) and same_lesson(str(mark.get("lesson")), lesson.metadata[OURS].lesson)):
        cells = lesson.metadata[OURS].came
        found = align(cells, notebook.cells)  # whose ids may be an older version's
        if len(found) < len(cells) / 2 or mark is not None:
            raise ValueError("is not a copy of this lesson")
        notebook.metadata[OURS] = nbformat.from_dict(
            {"version": "", "came": [cells[k] for k in sorted(found)], "lesson": lesson.metadata[OURS].lesson}
        )
    elif not whole_mark(mark):
        raise ValueError("does not say what it came with")
    return notebook, is_trusted(content)


def whole_mark(mark: Any) -> bool:
    """Whether a copy's own note of what it came with is whole."""
    wanted = {"id": str, "cell_type": str, "source": str, "metadata": dict}
    return (
        isinstance(mark.get("version"), str)
        and isinstance(mark.get("came"), list)
        and all(
            isinstance(cell, dict) and all(isinstance(cell.get(k), kind) for k, kind in wanted.items())
            for cell in mark["came"]
        )
    )


def same_lesson(one: str, other: str) -> bool:
    """Whether two stems, such as 09_omniglot_maml, can be of one lesson: it may get another number or another name."""
    return one[:2] == other[:2] or one[3:] == other[3:]


def renamed(source: Path) -> Path | None:
    """The one copy of a lesson that had another name or number when the copy was made, if there is one."""
    current = [path.stem for path in lessons.sources()]
    found = []
    for path in lessons.MY.glob("[0-9][0-9]_*.ipynb"):
        if path.stem in current or "." in path.stem:  # a lesson's copy as it is; an older one, put aside
            continue
        named = [stem for stem in current if stem[3:] == path.stem[3:]]
        if (named or [stem for stem in current if same_lesson(stem, path.stem)]) == [source.stem]:
            try:
                found += [path] if parse(path.read_bytes()).metadata[OURS]["lesson"] == path.stem else []
            except (OSError, ValueError, KeyError, TypeError):
                continue
    return found[0] if len(found) == 1 else None


def as_it_came(notebook: Any) -> bool:
    """Whether a copy holds nothing of the learner's: the cells it came with, in order, never run."""
    cells = notebook.cells
    return [what(cell) for cell in cells] == [
        what(cell) for cell in notebook.metadata[OURS]["came"]
    ] and not any(
        cell.get("execution_count")
        or cell.get("attachments")
        or (cell.get("outputs") and not came_alive(cell))
        for cell in cells
    )


def report(target: Path, merged: Merged, backup: Path | None) -> str:
    """What a merge did, in a sentence or two."""
    parts = [
        f"{len(merged.new)} new" if merged.new else "",
        f"{len(merged.renewed)} changed" if merged.renewed else "",
        f"{len(merged.gone)} dropped" if merged.gone else "",
    ]
    cells = ", ".join(part for part in parts if part)
    text = f"{relative(target)}: the lesson has a new version{f' (cells: {cells})' if cells else ''}."
    if merged.kept:
        text += f" Your {count(merged.kept, 'cell')} stayed as {'it was' if len(merged.kept) == 1 else 'they were'}."
    if merged.both:
        text += (
            f" The lesson has changed {which(merged.both, merged.kept)} too: a note above holds its version."
        )
    if merged.dropped:
        text += f" The lesson no longer has {which(merged.dropped, merged.kept)}: a note above says so."
    if backup is not None:
        text += f" As it was before: {relative(backup)}."
    return text


def which(some: list[str], all_of_them: list[str]) -> str:
    """So many of those just named: "it", "2 of them", "all of them"."""
    if len(some) < len(all_of_them):
        return f"{len(some)} of them"
    return "it" if len(all_of_them) <= 1 else "all of them"


def count(things: list[str], name: str) -> str:
    """A number of things in words: "1 cell", "2 cells"."""
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def store(target: Path, notebook: Any, *, trusted: bool) -> None:
    """Write a copy, whole or not at all, and sign it for Jupyter if it is trusted."""
    write_atomic(target, nbformat.writes(notebook) + "\n")
    if trusted:
        with notary() as office:
            office.sign(notebook)


def is_trusted(content: bytes) -> bool:
    """Whether Jupyter trusts a notebook as it is on the disk: it was signed there when it was made or saved."""
    with notary() as office:
        return bool(office.check_signature(nbformat.reads(content.decode("utf-8-sig"), as_version=4)))
    return False


@contextmanager
def notary() -> Iterator[Any]:
    """Jupyter's notary. Where it cannot work, nothing is signed, and explorers come alive when their cells are run."""
    from nbformat.sign import NotebookNotary

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield NotebookNotary()
    except Exception:  # Jupyter's own folder: read-only, full, or its database malformed
        return


def keep(content: bytes, path: Path, folder: Path) -> Path:
    """Write ``content`` of ``path`` into ``folder``, under its name with the date, beside all that is there."""
    target = dated(path, folder)
    write_atomic(target, content)
    return target


def put_aside(path: Path, folder: Path) -> Path:
    """Move ``path`` into ``folder``, under its name with the date, beside all that is there."""
    folder.mkdir(parents=True, exist_ok=True)
    target = dated(path, folder)
    os.replace(path, target)
    return target


def dated(path: Path, folder: Path) -> Path:
    """A name that is free: that of ``path`` with date and time in it, and a number where that is taken."""
    name = f"{path.stem}.{datetime.now():%Y-%m-%d_%H%M%S}"
    names = (folder / f"{name}{f'-{k}' if k else ''}{path.suffix}" for k in range(1_000_000))
    return next(each for each in names if not os.path.lexists(each))


def relative(path: Path) -> str:
    """A path as it is said to the learner: from the course's folder, with slashes."""
    return f"{lessons.MY.name}/{path.relative_to(lessons.MY).as_posix()}"


@contextmanager
def writing() -> Iterator[None]:
    """One process at a time writes copies. Raises LessonError where my/ cannot be written to, or is held too long."""
    try:
        lessons.MY.mkdir(parents=True, exist_ok=True)
        with lock(lessons.MY / ".lock", timeout=PATIENCE):
            yield
    except TimeoutError as error:
        raise LessonError(str(error)) from error
    except OSError as error:
        raise LessonError(
            f"Your copies in {lessons.MY} cannot be written ({error.strerror or error}). Make the folder writable and free "
            "some space, or put the course into a folder of your own; `lab --executed` opens the lessons themselves."
        ) from error
