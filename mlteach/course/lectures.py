"""Lecture runs for the slides of who has not run one: what such a run drew and printed, kept in data/lectures/NN.json.

The record has one entry for each code cell on a slide, under a checksum of the code that the cell's outputs can depend
on. So it is used for those cells alone whose code, and whose predecessors' code, is still the one that ran; texts, notes
and metadata may change. An entry holds the cell's outputs, or null where the run drew and printed what the stored
notebook holds, and for explorers: they show what is recorded, whatever the run.
"""

import ast
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
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

    That is its own code and all code before it, without the cells that only show explorers and without the import of
    their classes: on those depends no cell but one that names what they made, and all after it.
    """
    explorers: set[str] = set()
    made: set[str] = set()  # by cells that only show
    everything = needed = ""
    found = {}
    for cell in code_cells(lesson):
        everything = _sum(everything, cell.source)
        tree = _tree(cell.source)
        bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not _is_read(node)}
        explorers |= _explorers(tree, explorers)
        if _only_shows(tree, explorers):
            made |= bound
            found[cell.id] = everything
            continue
        named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        needed = everything if made & named else _sum(needed, _without_imports(cell.source, tree))
        found[cell.id] = needed
    return found


def code_cells(lesson: Any) -> Iterator[Any]:
    """The code cells of a notebook, without the one that papermill put in."""
    for cell in lesson.cells:
        if cell.cell_type == "code" and "injected-parameters" not in cell.metadata.get("tags", []):
            yield cell


def on_slides(lesson: Any) -> list[str]:
    """The keys of the code cells of a notebook that stand on a slide."""
    known = keys(lesson)
    return [
        known[cell.id]
        for cell in code_cells(lesson)
        if cell.metadata.get("slideshow", {}).get("slide_type", "skip") != "skip"
    ]


def of_run(run: Any, stored: Any) -> Outputs:
    """What the notebook of a run drew and printed, by `keys`; null for an explorer and where ``stored`` has the same."""
    known, now = keys(stored), keys(run)
    before = {known[cell.id]: plain(cell.outputs) for cell in code_cells(stored)}
    found = Outputs()
    for cell in code_cells(run):
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

    ``run``: its notebook. Raises LessonError for a run of another profile, with other parameters or of other code.
    """
    from mlteach.course.site.lesson import read

    now, given = learner_notebook(source), run.metadata.get("papermill", {}).get("parameters", {})
    other = given.get("PROFILE") != LECTURE or given.keys() - {"PROFILE", *SEEDS}
    if other or list(keys(run).values()) != list(keys(now).values()):
        raise LessonError(
            f"That is no lecture run of lesson {source.stem} as it is now, with its own parameters. "
            f"Run: python3 start.py run {source.stem[:2]} --profile {LECTURE}"
        )
    found = of_run(run, read(notebook(source)) if notebook(source).exists() else now)
    cells = {key: found[key] for key in on_slides(now)}
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
        lacks = set(on_slides(learner_notebook(source))) - set(recorded(source))
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


def _sum(before: str, code: str) -> str:
    return hashlib.sha256(f"{before}\0{code.strip()}".encode()).hexdigest()[:32]


def _tree(code: str) -> ast.Module:
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError):
        return ast.parse("...")  # which shows no explorer


def _is_read(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Load)


def _explorers(tree: ast.Module, known: set[str]) -> set[str]:
    """The names in a cell that are explorers, or classes of them; ``known`` are those of the cells before."""
    found = set(known)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and _is_ours(node):
            found |= {name.asname or name.name for name in node.names if _is_class(name)}
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and _root(node.value.func) in found
        ):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


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
