"""What every lesson owes its reader, as far as a machine can see it in the learner's notebook.

The rules look at the unexecuted notebook of a source, so they cost no kernel. Each yields sentences; none means good.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mlteach.course.reading import LONGEST, reading
from mlteach.course.slides import missing, slides
from mlteach.course.source import exercises, learner_notebook

CHECK = re.compile(r"""\bcheck\(\s*["'](\d\d\.\d+)["']""")
LINK = re.compile(r"\]\([^)\s]+\)")
#: What fits beside the contents of a page, in a JupyterLab cell of a small laptop and on a slide.
COLUMNS = 88
CHOICE = re.compile(r"^[-*] \( \) +(.+)$", re.M)
SENTENCE = re.compile(r".+?[.!?:](?=\s|$)", re.S)
Rule = Callable[["Lesson"], Iterator[str]]


class Lesson:
    """A lesson's cells, and its text by headings."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.number = path.stem[:2]
        self.notebook: Any = learner_notebook(path)
        self.cells: list[Any] = self.notebook.cells
        self.prose = [cell.source for cell in self.cells if cell.cell_type == "markdown"]
        self.code = [cell.source for cell in self.cells if cell.cell_type == "code"]
        self.exercises = exercises(path)

    def section(self, title: str) -> str | None:
        """The prose under the first heading that contains ``title``, up to the next heading; None without one."""
        text = "\n\n".join(self.prose)
        found = re.search(rf"^#+ [^\n]*\b{title}\b[^\n]*$(.*?)(?=^#+ |\Z)", text, re.I | re.M | re.S)
        return found[1] if found else None


def broken(path: Path) -> list[str]:
    """What the lesson whose source is ``path`` still owes its reader, one sentence each."""
    lesson = Lesson(path)
    rules = FEWER.get(lesson.number, EVERY)
    return [f"{path.name}: {sentence}" for rule in rules for sentence in rule(lesson)]


def opening(lesson: Lesson) -> Iterator[str]:
    """The first cell: title, promise, abilities, prerequisites, minutes, and what each profile costs."""
    first = lesson.prose[0] if lesson.cells[0].cell_type == "markdown" else ""
    if not re.match(rf"# {lesson.number}\b.*\w", first):
        yield f'its first cell must begin with "# {lesson.number} Title".'
    if not re.search(r"^# [^\n]+\n+(?!#|\*\*|- )[A-Z>*_][^\n]{20,}", first):
        yield "a sentence of promise must follow the title."
    abilities = re.search(r"you will be able to\W*\n+((?:[-*] .*\n(?:  .*\n)*)+)", first + "\n", re.I)
    count = len(re.findall(r"^[-*] ", abilities[1], re.M)) if abilities else 0
    if not 3 <= count <= 5:
        yield f'its first cell must list three to five points after "You will be able to"; there are {count}.'
    if not re.search(rf"Prerequisites(?:[^\n]|\n(?!\n))*{LINK.pattern}", first):
        yield 'its first cell needs a line "Prerequisites" with links.'
    measured = reading(lesson.notebook)
    if (said := re.search(r"\b(\d+) minutes of reading\b", first)) is None:
        yield f"its first cell must say how many minutes of reading it is; it is {measured.promised} minutes of reading."
    elif int(said[1]) != measured.promised:
        yield f"it is {measured.promised} minutes of reading ({measured.minutes:.1f} by the rule), not {said[1]}."
    if measured.minutes > LONGEST:
        yield f"it is {measured.minutes:.0f} minutes of reading; over {LONGEST} it is two lessons, or needs an appendix."
    for profile in ("smoke", "lecture", "paper"):
        if not re.search(rf"\b{profile}\b[^\n]*(\d|no GPU|nothing|the same)", first, re.I):
            yield f"its first cell must say in one line what the profile {profile} costs."


def parameters(lesson: Lesson) -> Iterator[str]:
    """One cell tagged `parameters`, which sets the smoke profile."""
    tagged = [cell.source for cell in lesson.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1 or not re.search(r'^PROFILE\b.*= "smoke"', tagged[0], re.M):
        yield 'it needs exactly one cell tagged "parameters", with the line PROFILE = "smoke".'


def predicts(lesson: Lesson) -> Iterator[str]:
    """The reader commits to a guess, and only then opens the explanation."""
    asked = next((place for place, text in enumerate(lesson.prose) if "**Predict" in text), None)
    if asked is None or "<details>" not in "".join(lesson.prose[asked:]):
        yield 'it has no block that begins "**Predict.**", followed by its explanation folded away in <details>.'


def answers(lesson: Lesson) -> Iterator[str]:
    """The explanation of a prediction with choices begins with the right one; no heading and no promise has its number."""
    text = "\n\n".join(lesson.prose)
    headings = " ".join(re.findall(r"^#+ (.*)$", text, re.M))
    promised = headings + " " + lesson.prose[0].split("**Prerequisites")[0]
    for block in re.split(r"^\*\*Predict\.\*\*", text, flags=re.M)[1:]:
        question, _, explained = block.partition("<details>")
        if not (choices := CHOICE.findall(question)):
            continue
        explanation = explained.partition("</summary>")[2].strip()
        begins = SENTENCE.match(explanation)
        first = (begins[0] if begins else explanation).lower()
        whole, clause = ([_said(choice, stop) for choice in choices] for stop in (": ", r"[,:;.] "))
        named = {first.find(said): said for said in clause + whole if said in first}
        if not named:
            yield f'the explanation of "{question.strip()[:50]} ..." must begin with one of its choices.'
            continue
        for number in re.findall(r"\d+(?:[.,]\d+)*", named[min(named)]):
            if re.search(rf"(?<![\w.]){re.escape(number)}(?![\w]|[.,]\d)", promised):
                yield f'a heading or the first cell gives "{number}" away, the answer to "{question.strip()[:50]} ...".'


def _said(choice: str, stop: str) -> str:
    """What an explanation may repeat of a choice: its words up to where a reason, or another clause, begins."""
    return re.split(stop, choice.lower())[0].rstrip(".")


def explores(lesson: Lesson) -> Iterator[str]:
    """An explorer is shown, and driven from Python, so that its summary is compared."""
    code = "\n".join(lesson.code)
    if not re.search(r"from mlteach\.explore\S* import .*\b[A-Z]\w+", code):
        yield "it imports no explorer from mlteach.explore."
    if not re.search(r"print\(.*\.summary\b", code):
        yield "it prints no explorer's summary."
    if found := re.search(r"\binteract(ive\w*)?\b|\bimport .*\bOutput\b|widgets\.Output\b", code):
        yield f"it uses {found[0]}, which swallows errors; make an explorer."


def closes(lesson: Lesson) -> Iterator[str]:
    """What you learned, a quiz with explained answers, references with links, and the next lesson."""
    if lesson.section("What you learned") is None:
        yield 'it has no section "What you learned".'
    quiz = lesson.section("Quiz") or ""
    if not 2 <= quiz.count("<details>") <= 3:
        yield f'its section "Quiz" needs two or three folded answers; there are {quiz.count("<details>")}.'
    for answer in re.findall(r"</summary>(.*?)</details>", quiz, re.S):
        if len(answer.split()) < 8:
            yield f'the quiz answer "{answer.strip()}" does not explain itself.'
    if not re.search(r"\]\(https?://", lesson.section("References") or ""):
        yield 'it has no section "References" with links.'
    if not LINK.search(lesson.section("Next") or ""):
        yield 'it has no section "Next" with a link.'


def two_exercises(lesson: Lesson) -> Iterator[str]:
    """Two exercises or more."""
    if len(lesson.exercises) < 2:
        yield f"it has {len(lesson.exercises)} exercises; it needs two."


def exercise_blocks(lesson: Lesson) -> Iterator[str]:
    """Every exercise has a stub, a check, three hints and a solution."""
    for position, exercise in enumerate(lesson.exercises, 1):
        found = CHECK.search(exercise.check)
        if not found or found[1] != f"{lesson.number}.{position}":
            yield f'the cell after exercise {position} must call check("{lesson.number}.{position}", ...).'
    places = [place for place, cell in enumerate(lesson.cells) if "exercise" in cell.metadata.get("tags", [])]
    if len(places) != len(lesson.exercises):
        yield f'{len(places)} cells are tagged "exercise", but {len(lesson.exercises)} hold a fenced solution.'
    hints = re.findall(r"<summary>\W*Hint (\d)", "\n".join(lesson.prose))
    if sorted(hints) != sorted(["1", "2", "3"] * len(lesson.exercises)):
        yield f"its {len(lesson.exercises)} exercises need Hint 1, 2 and 3 each, folded away; there are {len(hints)} hints."


def built(lesson: Lesson) -> Iterator[str]:
    """One exercise writes what the lesson is about, and the lesson goes on with it."""
    code = "\n".join(lesson.code)
    if not re.search(rf"""\byours\(\s*["']{lesson.number}\.\d""", code):
        yield f'no exercise is used: say mine = yours("{lesson.number}.1", answer, otherwise=...) and go on with it.'


def columns(lesson: Lesson) -> Iterator[str]:
    """Code that never scrolls sideways, solutions included."""
    for code in [*lesson.code, *(exercise.solved for exercise in lesson.exercises)]:
        for line in code.split("\n"):
            if len(line) > COLUMNS:
                yield f'no code line over {COLUMNS} columns; {len(line)} has "{line.strip()[:60]} ...".'


def places(lesson: Lesson) -> Iterator[str]:
    """Words that hold on paper and on a page, where nobody runs a cell."""
    for text in lesson.prose:
        for found in re.findall(r"[^\n]*\b(?:next|following) cell\b[^\n]*", text):
            yield f'say what comes, in place of "the next cell": "{found.strip()[:60]} ...".'


def pitfall(lesson: Lesson) -> Iterator[str]:
    """A trap that bites people, with its symptom on screen."""
    if lesson.section("Pitfall") is None:
        yield 'it has no section "Pitfall".'


def lectures(lesson: Lesson) -> Iterator[str]:
    """Its slides have notes and minutes, fill a lecture, and end with what was learned."""
    found = list(missing(lesson.notebook))
    yield from found
    if not found and slides(lesson.notebook)[-1].title != "What you learned":
        yield 'its last slide must be "What you learned".'


def welcomes(lesson: Lesson) -> Iterator[str]:
    """The first slides of a course may be over sooner than a lecture."""
    yield from missing(lesson.notebook, shortest=0)


EVERY: tuple[Rule, ...] = (
    opening,
    parameters,
    predicts,
    answers,
    explores,
    closes,
    two_exercises,
    exercise_blocks,
    built,
    columns,
    places,
    pitfall,
    lectures,
)
#: What teaches no method owes less: the map of the course, and the page of all explorers.
FEWER: dict[str, tuple[Rule, ...]] = {
    "00": (
        opening,
        parameters,
        predicts,
        answers,
        explores,
        closes,
        exercise_blocks,
        built,
        columns,
        places,
        welcomes,
    ),  # fmt: skip
    "90": (opening, parameters, explores, columns, places),
}
