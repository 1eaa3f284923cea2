"""Where the lessons are, and how they are named."""

from pathlib import Path

from mlteach.errors import MlteachError
from mlteach.home import home

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
SOURCES = NOTEBOOKS / "src"
HOME = home()  # the same, unless many share one course
MY = HOME / "my"  # a learner's own copies
RUNS = HOME / "runs"
RESULTS = ROOT / "data" / "results"
LECTURES = ROOT / "data" / "lectures"
CHECKPOINTS = ROOT / "data" / "checkpoints"
BUILT = ROOT / "data" / "built.json"
# JupyterLab saves explorers with a copy, so that they are alive when it is opened again; a user's own setting is stronger
LAB = Path(__file__).parent / "jupyter"  # what JupyterLab is told; its README says what each file does
PROFILES = ("smoke", "lecture", "paper")


class LessonError(MlteachError):
    """A lesson is unknown, badly written, or stopped with an error."""


def sources() -> list[Path]:
    """The sources of all lessons, in order. Raises LessonError outside a copy of the repository."""
    found = sorted(SOURCES.glob("[0-9][0-9]_*.py"))
    if not found:
        raise LessonError(
            f"There are no lessons in {SOURCES}. Clone the course's repository and call start.py in it."
        )
    return found


def source(lesson: str) -> Path:
    """The source of one lesson, named as "9", "09" or "09_omniglot_maml".

    Raises LessonError, naming those there are, also where two have its number: notebook, runs and records go by it.
    """
    wanted = lesson.removesuffix(".ipynb").removesuffix(".py")
    for path in sources():
        if wanted in (path.stem, path.stem[:2], path.stem[:2].lstrip("0")):
            twins = [each.name for each in sources() if each.name[:2] == path.name[:2]]
            if len(twins) > 1:
                raise LessonError(
                    f"There are two lessons {path.stem[:2]}: {' and '.join(twins)}. Give one of them another number."
                )
            return path
    known = ", ".join(path.stem[:2] for path in sources())
    raise LessonError(f"There is no lesson {lesson}. The lessons are {known}.")


def notebook(source: Path) -> Path:
    """The executed notebook that belongs to a source."""
    return NOTEBOOKS / f"{source.stem}.ipynb"


def checked_profile(profile: str) -> str:
    """Return ``profile``, or raise LessonError naming the three there are."""
    if profile not in PROFILES:
        raise LessonError(f"There is no profile {profile}. Choose one of {', '.join(PROFILES)}.")
    return profile
