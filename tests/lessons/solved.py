"""Runs lessons as somebody would who has solved every exercise: python -m tests.lessons.solved 06 11

Each lesson is executed in smoke with the folded solutions in place of the stubs. Every check must pass, and wherever the
lesson goes on with an answer, it must be the learner's. Without numbers all lessons run, about as long as a build.
"""

import re
import sys
from pathlib import Path
from typing import Any

from mlteach.course.build import execute
from mlteach.course.lessons import source, sources
from mlteach.course.source import exercises, learner_notebook


def solved(path: Path) -> Any:
    """The lesson's notebook, executed with its solutions."""
    notebook = learner_notebook(path)
    answers = iter(exercises(path))
    for cell in notebook.cells:
        if "exercise" in cell.metadata.get("tags", []):
            cell.source = next(answers).solved
    execute(notebook, name=path.stem)
    return notebook


def words(notebook: Any) -> str:
    """All that its cells printed."""
    cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    return "".join(output.get("text", "") for cell in cells for output in cell.outputs)


def owed(path: Path) -> list[str]:
    """What does not go on with a right answer, one sentence each."""
    said, code = words(solved(path)), "\n".join(cell.source for cell in learner_notebook(path).cells)
    passed = re.findall(r"^(\d\d\.\d+): correct", said, re.M)
    asked = re.findall(r"""^check\(\s*["'](\d\d\.\d+)""", code, re.M)
    used = len(re.findall(r"""\byours\(\s*["']\d\d\.""", code))
    found = [f"the solution of {each} does not pass" for each in sorted(set(asked) - set(passed))]
    if (ours := len(re.findall(r"^From here on the lesson runs your", said, re.M))) != used:
        found.append(f"{ours} of {used} answers are used")
    return found


if __name__ == "__main__":
    wrong = 0
    for lesson in [source(number) for number in sys.argv[1:]] or sources():
        sentences = owed(lesson)
        wrong += len(sentences)
        print(f"{lesson.stem}: {'; '.join(sentences) or 'every answer passes and is used'}", flush=True)
    sys.exit(bool(wrong))
