"""Lecture runs for the slides of who has not run one: what such a run drew and printed, kept in data/lectures/NN.json.

The record has one entry for each code cell on a slide, under a checksum of the code that the cell's outputs can depend
on. So it is used for those cells alone whose code, and whose predecessors' code, is still the one that ran; texts, notes
and metadata may change. An entry holds the cell's outputs, or null where the run drew and printed what the stored
notebook holds, and for explorers: they show what is recorded, whatever the run.
"""

import ast
import dis
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

from mlteach.course.build import views, without_bars, words_and_width
from mlteach.course.lessons import LECTURES, RUNS, LessonError, notebook, sources
from mlteach.course.parameters import SEEDS
from mlteach.course.source import learner_notebook

#: The run that is projected.
LECTURE = "lecture"
#: All records together; a clone should stay small.
MOST_BYTES = 3_000_000
#: What a cell may call that only shows an explorer.
QUIET = frozenset("print range zip enumerate len sum min max round dict list tuple".split())
QUIET_NODES = (ast.Expr, ast.Assign, ast.For, ast.ImportFrom)
Outputs = dict[str, list[Any] | None]


def keys(lesson: Any) -> dict[str, str]:
    """Of each code cell of a notebook (by its id) a checksum of the code that its outputs can depend on.

    That is its own code and all code before it, without the import of explorers and without the cells that only show
    some: on such a cell depend those that name what it made or set, and all after them.
    """
    return {cell.id: key for cell, key, _ in _followed(lesson)}


def _followed(lesson: Any) -> Iterator[tuple[Any, str, bool]]:
    """The code cells of a notebook, the key of each, and whether it only shows explorers."""
    classes: set[str] = set()  # of explorers
    explorers: set[str] = set()
    shown: dict[str, str] = {}  # of each name that such a cell has made or set: its key
    needed = ""
    for cell in code_cells(lesson):
        tree = _tree(cell.source)
        reads, binds = _names(tree)
        classes |= _classes(tree)
        explorers |= _explorers(tree, classes)
        read = [shown[name] for name in sorted(reads & shown.keys())]
        key = _sum(needed, *read, _without_imports(cell.source, tree))
        only_shows = _only_shows(tree, classes | explorers)
        if only_shows:
            shown |= dict.fromkeys(binds | (reads & explorers), key)
        else:
            needed = key
            shown = {name: each for name, each in shown.items() if name not in binds}
        yield cell, key, only_shows


def code_cells(lesson: Any) -> Iterator[Any]:
    """The code cells of a notebook, without the one that papermill put in."""
    for cell in lesson.cells:
        if cell.cell_type == "code" and "injected-parameters" not in cell.metadata.get("tags", []):
            yield cell


def on_slides(lesson: Any, *, explorers: bool = True) -> list[str]:
    """The keys of the code cells of a notebook that stand on a slide, or of those that do not only show explorers."""
    return [
        key
        for cell, key, only_shows in _followed(lesson)
        if cell.metadata.get("slideshow", {}).get("slide_type", "skip") != "skip"
        if explorers or not only_shows
    ]


def of_run(run: Any, stored: Any) -> Outputs:
    """What the notebook of a run drew and printed, by `keys`; None for an explorer and where ``stored`` has the same.

    Cells that it has not run, or that stopped it, are left out.
    """
    known, now = keys(stored), keys(run)
    before = {known[cell.id]: plain(cell.outputs) for cell in code_cells(stored)}
    found = Outputs()
    for cell in code_cells(run):
        if cell.metadata.get("papermill", {}).get("status", "completed") != "completed":
            continue
        outputs, key = plain(cell.outputs), now[cell.id]
        found[key] = None if views(cell) or outputs == before.get(key) else outputs
    return found


def plain(outputs: Any) -> list[Any]:
    """``outputs`` without what differs from run to run, as JSON has them."""
    kept = json.loads(json.dumps(without_bars(outputs)))
    for output in kept:
        output |= {"execution_count": None} if "execution_count" in output else {}
        output |= {"metadata": words_and_width(output["metadata"])} if "metadata" in output else {}
    return kept


def recording(source: Path, run: Any) -> tuple[Path, str]:
    """Where the record of the lecture run of a lesson belongs, and its text, the same for the same outputs.

    ``run``: its notebook; explorers may have come since. Raises LessonError for a run of another profile, with other
    parameters or of other code, or one that stopped.
    """
    from mlteach.course.site.lesson import read

    now, given = learner_notebook(source), run.metadata.get("papermill", {}).get("parameters", {})
    found = of_run(run, read(notebook(source)) if notebook(source).exists() else now)
    other = given.get("PROFILE") != LECTURE or given.keys() - {"PROFILE", *SEEDS}
    if other or set(on_slides(now, explorers=False)) - found.keys():
        raise LessonError(
            f"That is no lecture run of all slides of lesson {source.stem} as it is now, with its own parameters. "
            f"Run: python3 start.py run {source.stem[:2]} --profile {LECTURE}"
        )
    cells = {key: found.get(key) for key in on_slides(now)}
    content = {"lesson": source.stem, "profile": LECTURE, "cells": cells}
    return path_of(source), json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def path_of(source: Path) -> Path:
    """Where the record of a lesson is."""
    return LECTURES / f"{source.stem[:2]}.json"


def recorded(source: Path) -> Outputs:
    """The record of a lesson; empty where there is none. Raises LessonError where it is none of ours."""
    from mlteach.course.site.lesson import sound

    path = path_of(source)
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        made = _as_notebook(cells)
        sound(made)
        if any(views(cell) for cell in made.cells):
            raise ValueError("it holds an explorer")
        return dict(cells)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise LessonError(f"{path} cannot be read: {error.strerror}.") from error
    except Exception as error:  # whatever stands in it
        raise LessonError(
            f"{path} is not a whole record of a lecture run. Get it back with git, or make it anew: python3 start.py "
            f"run {source.stem[:2]} --profile lecture, then python3 start.py slides {source.stem[:2]} --record"
        ) from error


def wrong() -> Iterator[str]:
    """What is wrong with the records of all lessons, one sentence each; a lesson without a record is not.

    Raises LessonError for a record that is none.
    """
    records = [source for source in sources() if path_of(source).exists()]
    for source in records:
        lacks = set(on_slides(learner_notebook(source), explorers=False)) - set(recorded(source))
        if lacks:
            number = source.stem[:2]
            yield (
                f"{len(lacks)} code cells on the slides of lesson {number} are not those of its recorded lecture run. Run: "
                f"python3 start.py run {number} --profile lecture, then python3 start.py slides {number} --record"
            )
    size = sum(path_of(source).stat().st_size for source in records)
    if size > MOST_BYTES:
        yield f"The files in {LECTURES} have {size:,} bytes together, over {MOST_BYTES:,}; draw smaller pictures."


def last_run(source: Path) -> Any | None:
    """The notebook of the last lecture run in runs/; None without one. Raises LessonError where it is no whole one."""
    from mlteach.course.site.lesson import read

    path = RUNS / f"{source.stem[:2]}-{LECTURE}" / "lesson.ipynb"
    return read(path) if path.exists() else None


def _as_notebook(cells: Any) -> Any:
    import nbformat

    made = [
        nbformat.v4.new_code_cell(id=key, outputs=nbformat.from_dict(outputs or []))
        for key, outputs in cells.items()
    ]
    return nbformat.v4.new_notebook(cells=made)


def _sum(*parts: str) -> str:
    return hashlib.sha256("\0".join(part.strip() for part in parts).encode()).hexdigest()[:32]


def _tree(code: str) -> ast.Module:
    try:
        tree = ast.parse(code)
        compile(tree, "cell", "exec")
    except (SyntaxError, ValueError):
        return ast.parse("...")  # which shows no explorer
    return tree


def _names(tree: ast.Module) -> tuple[set[str], set[str]]:
    """The names that code takes from what ran before it, its functions' included, and those that it binds."""
    reads, binds, inner = set(), set(), []
    whole = compile(tree, "cell", "exec")
    for step in dis.get_instructions(whole):
        if step.opname == "STORE_NAME":
            binds.add(step.argval)
        elif step.opname in ("LOAD_NAME", "DELETE_NAME") and step.argval not in binds:
            reads.add(step.argval)
    waiting = [each for each in whole.co_consts if isinstance(each, CodeType)]
    while waiting:
        inner.append(waiting.pop())
        waiting += [each for each in inner[-1].co_consts if isinstance(each, CodeType)]
    for code in inner:
        reads |= set(code.co_names) - binds  # attributes among them: a few too many
    return reads, binds


def _classes(tree: ast.Module) -> set[str]:
    """The classes of explorers that a cell imports."""
    ours = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and _is_ours(node))
    return {name.asname or name.name for node in ours for name in node.names if _is_class(name)}


def _explorers(tree: ast.Module, classes: set[str]) -> set[str]:
    """The names of the explorers that a cell makes."""
    return {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        if _root(node.value.func) in classes
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _without_imports(code: str, tree: ast.Module) -> str:
    """``code`` without the explorers' classes that it imports; such a line is moved to the end."""
    lines, moved = code.split("\n"), []
    for node in reversed(tree.body):
        if isinstance(node, ast.ImportFrom) and _is_ours(node):
            del lines[node.lineno - 1 : node.end_lineno]
            moved += [
                f"{node.module}.{name.name} {name.asname}" for name in node.names if not _is_class(name)
            ]
    return "\n".join([*lines, *sorted(moved)])


def _is_class(name: ast.alias) -> bool:
    return name.name[:1].isupper() and not name.name.isupper()


def _is_ours(node: ast.ImportFrom) -> bool:
    return (node.module or "").split(".")[:2] == ["mlteach", "explore"]


def _root(node: ast.expr) -> str | None:
    """The name that an expression such as a.b[0].c begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _only_shows(tree: ast.Module, explorers: set[str]) -> bool:
    """Whether a cell makes, sets and shows explorers and does nothing else, such as to train or to draw a number."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if not names & explorers:
        return False
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and not isinstance(node, QUIET_NODES):
            return False
        if isinstance(node, ast.ImportFrom) and not _is_ours(node):
            return False
        if isinstance(node, ast.Call) and _root(node.func) not in explorers | QUIET:
            return False
        if isinstance(node, ast.NamedExpr | ast.Await | ast.Yield):
            return False
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            if _root(node) not in explorers:
                return False
    return True
