"""Lessons for servers that do not have the course: Google Colab, Kaggle, any notebook service.

    colab/README.md     a table with a badge for each lesson: Colab, Kaggle, Binder
    colab/03_….ipynb    the lesson without results; its first cell (jupyter/first_cell.py) fetches the course where the
                        kernel has none, and ends in one sentence where it cannot

Colab and Kaggle read notebooks from a public repository on GitHub, so the folder is committed there.
"""

import re
import subprocess
from pathlib import Path
from typing import Any

from mlteach.course.lessons import LAB, ROOT, LessonError, sources
from mlteach.course.site.folder import publish
from mlteach.course.source import first_line, learner_notebook, read

GITHUB = re.compile(r"(?:https://github\.com/|git@github\.com:|^)([\w.-]+/[\w.-]+?)(?:\.git)?/?")
NEIGHBOUR = re.compile(r"\]\((\d\d_\w+\.ipynb)(?=[)#])")
FIRST_CELL = LAB / "first_cell.py"
README = """\
# The lessons in the cloud

`python3 start.py export colab` has written these notebooks and this page. The first cell of each installs the course where
it is missing. What you write is gone when the session ends: save a copy (*File > Save a copy in Drive* on Colab, *Save
Version* on Kaggle), or work on your own computer. On Kaggle, allow the notebook the internet under *Settings*.

| lesson | Colab | Kaggle | Binder |
|---|---|---|---|
"""


def export(chosen: list[Path], target: Path, *, repository: str, branch: str) -> Path:
    """Write the lessons with these sources, and a page of badges, into the folder ``target``; returns the page.

    ``repository``: OWNER/NAME on GitHub, where the folder will be. Raises LessonError for another name, and where a file
    is in the way.
    """
    import nbformat

    found = GITHUB.fullmatch(repository)
    if found is None:
        raise LessonError(
            f"{repository or 'This folder'} is no repository on GitHub, and Colab and Kaggle open no other. "
            "Name yours: --repository OWNER/NAME."
        )
    place = Place(found[1], branch, target)
    notebooks = {path.stem: hosted(path, place) for path in chosen}
    for notebook in notebooks.values():
        nbformat.validate(notebook)
    files = {f"{name}.ipynb": nbformat.writes(notebook) + "\n" for name, notebook in notebooks.items()}
    there = [path for path in sources() if path in chosen or (target / f"{path.stem}.ipynb").exists()]
    files["README.md"] = README + "".join(f"{badges(path, place)}\n" for path in there)
    publish(files, target, kind="colab", all_of_it=False)
    return target / "README.md"


class Place:
    """Where the exported notebooks will be: a repository on GitHub, its branch, the folder in it."""

    def __init__(self, repository: str, branch: str, target: Path) -> None:
        self.course = f"https://github.com/{repository}"
        self.branch = branch
        folder = target.relative_to(ROOT).as_posix() if target.is_relative_to(ROOT) else target.name
        self.colab = f"https://colab.research.google.com/github/{repository}/blob/{branch}/{folder}"
        self.kaggle = f"https://kaggle.com/kernels/welcome?src={self.course}/blob/{branch}/{folder}"
        self.binder = f"https://mybinder.org/v2/gh/{repository}/{branch}?urlpath=lab/tree/my"


def hosted(source: Path, place: Place) -> Any:
    """A lesson without results, its first cell the one that fetches the course; links to lessons lead to Colab."""
    import nbformat

    notebook = learner_notebook(source)
    for cell in notebook.cells:
        cell.metadata.get("slideshow", {}).pop("notes", None)  # what the lecturer says may tell an answer
        if cell.cell_type == "markdown":
            cell.source = NEIGHBOUR.sub(rf"]({place.colab}/\1", cell.source)
    first = nbformat.v4.new_code_cell(first_cell(place.course, place.branch), id=f"{source.stem[:2]}-course")
    notebook.cells.insert(0, first)
    return notebook


def first_cell(course: str, version: str) -> str:
    """The code of the cell that installs the course from the git address ``course`` at its branch ``version``."""
    code = FIRST_CELL.read_text(encoding="utf-8")
    code = re.sub(r"  # noqa: \w+  \(.*\)$", "", code, flags=re.M)
    return code.replace("@COURSE@", course).replace("@VERSION@", version).rstrip("\n")


def badges(source: Path, place: Place) -> str:
    """The row of a lesson in the table."""
    title, file = first_line(read(source).cells[0].source).lstrip("# "), f"{source.stem}.ipynb"
    colab = (
        f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({place.colab}/{file})"
    )
    kaggle = (
        f"[![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)]({place.kaggle}/{file})"
    )
    binder = f"[![Open in Binder](https://mybinder.org/badge_logo.svg)]({place.binder}/{file})"
    return f"| {title} | {colab} | {kaggle} | {binder} |"


def origin() -> str:
    """The address that git has for this folder's repository; empty where it has none."""
    try:
        done = subprocess.run(
            ["git", "remote", "get-url", "origin"], cwd=ROOT, capture_output=True, text=True
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
