"""Where what belongs to one learner stands: copies, runs, score, caches.

That is the course's own folder, for who has one. Many learners share one course that none of them may write into: then
it is a folder of each learner's own, which MLTEACH_HOME names, or ``mlteach`` in their home directory.
"""

import os
from contextlib import suppress
from pathlib import Path

from mlteach.errors import MlteachError

VARIABLE = "MLTEACH_HOME"
#: The folder that holds the package and, in a clone of the repository, the lessons.
COURSE = Path(__file__).resolve().parents[1]


def home() -> Path:
    """The folder of the learner's own my/ and runs/. Raises MlteachError where MLTEACH_HOME names no whole path."""
    if chosen := os.environ.get(VARIABLE):
        try:
            named = Path(chosen).expanduser()
        except RuntimeError as error:  # "~somebody", who has no home here
            raise MlteachError(
                f"The folder {chosen}, which {VARIABLE} names, cannot be found ({error}); write its whole path."
            ) from error
        if not named.is_absolute():
            raise MlteachError(
                f"{VARIABLE} names {chosen}, which is another folder in every notebook; write its whole path."
            )
        return named
    if (COURSE / "notebooks").is_dir() and not os.access(COURSE, os.W_OK):
        with suppress(
            RuntimeError
        ):  # a user without a home, who is then told that the course cannot be written to
            return Path.home() / "mlteach"
    return COURSE


def shared() -> bool:
    """Whether the course is somebody else's, to be read and not written to."""
    return home() != COURSE


def furnish() -> None:
    """Make the learner's folder, with a link ``data`` to the recorded results. Nothing where the course is the learner's own.

    Lessons find results and ``runs/`` beside each other; without the link, which Windows may refuse, they read the
    course's results and only a *paper* run keeps no training to go on from. Raises OSError where the folder cannot be made.
    """
    place, data = home(), COURSE / "data"
    if place == COURSE:
        return
    place.mkdir(parents=True, exist_ok=True)
    link = place / "data"
    if os.path.lexists(link) and not link.is_symlink():
        return  # the learner's own
    with suppress(OSError):
        if link.is_symlink() and Path(os.readlink(link)) != data:  # of another version of the course
            link.unlink()
        link.symlink_to(data, target_is_directory=True)
