"""How long a lesson takes: `reading` is the rule, ``python -m mlteach.course.reading`` prints it for every lesson.

200 words a minute and half a minute for every code cell. What belongs to an exercise (its cell, its check, its hints and
solution), bookkeeping, and what stands after the heading "Appendix" is not counted.
"""

import re
from dataclasses import dataclass
from typing import Any

from mlteach.course.slides import slides

WORDS_A_MINUTE, MINUTES_A_CELL = 200, 0.5
#: Longer than this, and a lesson is two, or a lesson and an appendix.
LONGEST = 60
APPENDIX = re.compile(r"^#+ Appendix\b", re.M)
_CHECK = re.compile(r"""\bcheck\(\s*["']\d\d\.""")
_EXERCISE_FOLD = re.compile(r"<details>\s*<summary>\W*(?:<b>)?(?:Hint|Solution)\b.*?</details>", re.S)
_FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$", re.S)
_MARKUP = re.compile(r"<[^>]+>|\]\([^)\s]+\)|^\W*\|[-| :]+\|\s*$|[|*_`#>]+", re.M)


@dataclass(frozen=True)
class Reading:
    """What there is to read of a lesson: ``words`` of text, and ``cells`` of code that are no exercise."""

    words: int
    cells: int

    @property
    def minutes(self) -> float:
        """By the rule, not rounded."""
        return self.words / WORDS_A_MINUTE + MINUTES_A_CELL * self.cells

    @property
    def promised(self) -> int:
        """What the lesson says: up to the next five minutes."""
        return 5 * -int(-self.minutes // 5)


def words(text: str) -> int:
    """The words of a text cell that are read; a formula is one word."""
    plain = _MARKUP.sub(" ", _FORMULA.sub(" formula ", _EXERCISE_FOLD.sub(" ", text)))
    return len(re.findall(r"\S*\w\S*", plain))


def reading(notebook: Any) -> Reading:
    """What is to be read of a learner's notebook, up to its appendix."""
    count, cells = 0, 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            if APPENDIX.search(cell.source):
                break
            count += words(cell.source)
        elif not {"setup", "parameters", "exercise"} & set(cell.metadata.get("tags", [])):
            cells += not _CHECK.search(cell.source)
    return Reading(count, cells)


def table() -> str:
    """Every lesson: minutes of reading and of lecture, the share of code, exercises and predictions."""
    from mlteach.course.lessons import sources
    from mlteach.course.source import exercises, learner_notebook

    rows = ["lesson  reading  lecture  words  code cells  lines that are code  exercises  predictions"]
    for path in sources():
        notebook, number = learner_notebook(path), path.stem[:2]
        found = reading(notebook)
        lines = {
            kind: sum(len(cell.source.splitlines()) for cell in notebook.cells if cell.cell_type == kind)
            for kind in ("code", "markdown")
        }
        share = 100 * lines["code"] / sum(lines.values())
        asked = sum(cell.source.count("**Predict") for cell in notebook.cells if cell.cell_type == "markdown")
        lecture = sum(slide.minutes for slide in slides(notebook))
        rows.append(
            f"{number:6}  {found.minutes:3.0f} min  {lecture:3.0f} min  {found.words:5}  {found.cells:10}  "
            f"{share:17.0f} %  {len(exercises(path)):9}  {asked:11}"
        )
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
