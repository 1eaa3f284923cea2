"""Cases of lessons for other systems, and of other versions of what the course needs."""

from importlib import util

from mlteach.course import suite, versions
from mlteach.course.grading import export as to_nbgrader
from mlteach.course.hosted import export as to_colab
from mlteach.course.hosted import first_cell
from mlteach.course.lessons import source
from tests.robustness.table import Room, case

ELSEWHERE, OTHERS = "Lessons elsewhere: Colab, Kaggle, nbgrader", "The suite, and other versions"


def foreign(room: Room, code: str) -> str:
    """What the first cell of an exported lesson says in a kernel that has no course."""
    room.patch.setenv("HOME", str(room.folder))
    room.patch.setenv("USERPROFILE", str(room.folder))
    room.patch.setattr(util, "find_spec", lambda name: None)
    names = {"__name__": "__main__", "print": lambda *said, **how: None}
    try:
        exec(code, names)
    except Exception as error:
        return error._render_traceback_()[0]  # type: ignore[attr-defined, no-any-return]
    return "nothing"


@case(
    ELSEWHERE,
    "the kernel has no course, and cannot download it",
    "The course could not be downloaded (fatal: …): allow this notebook the internet (on Kaggle: Settings), or choose a kernel "
    "that has the course, and run this cell again.",
)
def no_network(room: Room) -> str:
    return foreign(room, first_cell((room.folder / "nothing").as_uri(), "main"))


@case(
    ELSEWHERE,
    "the kernel has no course, and its server has no git",
    "The course could not be downloaded (git: …): allow this notebook the internet (on Kaggle: Settings), or choose a kernel "
    "that has the course, and run this cell again.",
)
def no_git(room: Room) -> str:
    room.patch.setenv("PATH", str(room.folder))
    return foreign(room, first_cell("https://127.0.0.1/course", "main"))


@case(
    ELSEWHERE,
    "the kernel has no course, and its Python is too old",
    "This kernel is Python … and the course needs 3.11 or newer: choose another kernel, and run this cell again.",
)
def old_kernel(room: Room) -> str:
    return foreign(room, first_cell("https://127.0.0.1/course", "main").replace("(3, 11)", "(9, 9)"))


@case(
    ELSEWHERE,
    "`export colab` in a folder that does not come from GitHub",
    "/srv/course is no repository on GitHub, and Colab and Kaggle open no other. Name yours: --repository OWNER/NAME.",
)
def not_github(room: Room) -> None:
    to_colab([source("03")], room.folder / "colab", repository="/srv/course", branch="main")


@case(
    ELSEWHERE,
    "`export nbgrader` of a lesson without exercises",
    "Lesson 90 has no exercises, so there is nothing to grade in it.",
)
def nothing_to_grade(room: Room) -> None:
    to_nbgrader(source("90"), room.folder / "grading")


@case(
    ELSEWHERE,
    "`export nbgrader` over a notebook that a teacher has changed",
    "… is in the way: this command has not written it, or it was changed since. Nothing was changed. Move it away, or choose "
    "another folder with --output.",
)
def changed(room: Room) -> None:
    to_nbgrader(source("00"), room.folder / "grading").write_text("mine")
    to_nbgrader(source("00"), room.folder / "grading")


@case(
    OTHERS,
    "other versions than there are: `test --with old`",
    "There are no versions called old. Choose one of oldest, newest.",
)
def unknown_versions(room: Room) -> None:
    versions.environment("old")


@case(
    OTHERS,
    "other versions cannot be installed",
    ".venv-oldest could not be made (above is what was said; python…: 2). Check the network and the free disk space (6 GB "
    "where torch comes with CUDA), then call this again: it goes on from there.",
)
def no_versions(room: Room) -> None:
    room.patch.setattr(versions, "is_of_this_python", lambda python: True)
    room.patch.setattr(versions.subprocess, "call", lambda command, **how: 2)
    versions.environment("oldest")


@case(
    OTHERS,
    "the course was installed without the tools of its tests",
    "The tools of the tests are not installed here. Call python3 start.py test, or install them with: pip install -e "
    '".[course,test]"',
)
def no_tools(room: Room) -> None:
    room.patch.setattr(suite, "find_spec", lambda name: None)
    suite.run_pytest(["tests"])
