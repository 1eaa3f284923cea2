"""A folder of pages: written whole or not at all, and without touching a file that is not ours.

What was written stands, with its checksums, in a hidden list in the folder. A file that is not on it, or that was changed
since, belongs to somebody.
"""

import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from mlteach.course.lessons import HOME, ROOT, LessonError

#: Folders of the course itself, into which no page is written; nor into those that begin with a dot.
KEPT = ("benchmarks", "data", "docs", "mlteach", "my", "notebooks", "studies", "tests")
#: In seconds. What a killed run left behind is removed by the next one, when it is older than any run.
ABANDONED = 3600.0
ELSE = "Choose another folder with --output"

#: Checksums by file name; two of a file while a run is exchanging it.
Written = dict[str, list[str]]


def folder(output: Path) -> Path:
    """The folder that ``--output`` names: ``~`` is home, and what is not absolute lies in the learner's folder. Raises LessonError."""
    try:
        return HOME / output.expanduser()
    except RuntimeError as error:
        raise LessonError(f"{output}: the home of that user is not known. {ELSE}.") from error


def free(target: Path) -> Path:
    """Return ``target``, or raise LessonError where no pages may go: a file, a link, home, the course and its folders."""
    if target.is_symlink():
        raise LessonError(f"{target} is a link; name the folder that it leads to. {ELSE}.")
    real, ours = target.resolve(), {ROOT.resolve(), HOME.resolve()}
    kept = {*ours, Path.home().resolve()}
    if any(real in (each, *each.parents) for each in kept):
        raise LessonError(f"{target} holds more than pages, so none are written there. {ELSE}.")
    for course in filter(real.is_relative_to, ours):
        first = real.relative_to(course).parts[0].casefold()
        if first in KEPT or first.startswith("."):
            raise LessonError(
                f"{target} belongs to the course itself, so no pages are written there. {ELSE}."
            )
    if target.exists() and not target.is_dir():
        raise LessonError(f"{target} is a file, not a folder. {ELSE}.")
    return target


def publish(pages: Mapping[str, str], target: Path, *, kind: str, all_of_it: bool) -> None:
    """Write ``pages`` (HTML by file name) into the folder ``target``, all of them or none.

    ``kind`` ("site", "slides") names the list of what was written. With ``all_of_it`` what that list has besides is
    removed, unless it was changed. Raises LessonError, and has changed nothing, when a file that is not ours is in the
    way or the system refuses.
    """
    free(target)
    listed = target / f".mlteach-{kind}.json"
    try:
        before = _written(listed)
        texts = {name: html.encode() for name, html in pages.items()}
        sums = {name: _checksum(content) for name, content in texts.items()}
        for name in texts:
            path = target / name
            if os.path.lexists(path) and not _is_ours(path, [*before.get(name, ()), sums[name]]):
                raise LessonError(
                    f"{path} is in the way: this command has not written it, or it was changed since. Nothing was changed. "
                    f"Move it away, or choose another folder with --output."
                )
        gone = [name for name in before if all_of_it and name not in texts]
        after: Written = {} if all_of_it else dict(before)
        after |= {name: [each] for name, each in sums.items()}
        both = before | {name: [*before.get(name, ()), each] for name, each in sums.items()}
        with _workplace(target, kind) as work:
            for name, content in texts.items():
                _write(work / name, content)
            if not target.exists():
                _write(work / listed.name, _listing(after))
                os.rename(work, target)
                return
            _write(work / "both", _listing(both))
            _write(work / "after", _listing(after))  # from here on nothing needs room
            os.replace(work / "both", listed)  # whichever page is there if we are killed now, it is ours
            _exchange(work, target, list(texts), [n for n in gone if _is_ours(target / n, before[n])])
            os.replace(work / "after", listed)
    except OSError as error:
        raise LessonError(
            f"{target} could not be written: {error.strerror or error}. {ELSE}, or make room there."
        ) from error


def _exchange(work: Path, target: Path, names: list[str], gone: list[str]) -> None:
    """Move the files ``names`` from ``work`` to ``target``, remove ``gone``; if that fails, all is as it was."""
    kept = work / "before"
    kept.mkdir()
    for name in (*names, *gone):
        if (target / name).exists():
            _keep(target / name, kept / name)
    try:
        for name in names:
            os.replace(work / name, target / name)
        for name in gone:
            (target / name).unlink()
    except BaseException:
        for name in (*names, *gone):
            if (kept / name).exists():
                os.replace(kept / name, target / name)
            elif not (work / name).exists():  # it is new, and was moved already
                (target / name).unlink(missing_ok=True)
        raise


def _keep(path: Path, copy: Path) -> None:
    """The file ``path`` under a second name; where the file system has no such thing, as a copy."""
    try:
        os.link(path, copy)
    except OSError:
        shutil.copy2(path, copy)


@contextmanager
def _workplace(target: Path, kind: str) -> Iterator[Path]:
    """An empty folder on the file system of ``target``; it is gone afterwards, and so are folders made on the way to it."""
    home = target if target.exists() else target.parent
    made = [each for each in (home, *home.parents) if not each.exists()]
    home.mkdir(parents=True, exist_ok=True)
    for old in home.glob(f".mlteach-{kind}-*.part"):
        with suppress(OSError):
            if time.time() - old.stat().st_mtime > ABANDONED:
                shutil.rmtree(old)
    work = home / f".mlteach-{kind}-{uuid.uuid4().hex[:8]}.part"
    try:
        work.mkdir()
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        for each in made:
            with suppress(OSError):  # it holds something now
                each.rmdir()


def _written(listed: Path) -> Written:
    """What the list in a folder says; nothing where there is none. Raises LessonError for one that is not ours."""
    try:
        found = json.loads(listed.read_text(encoding="utf-8"))
        if not all(
            re.fullmatch(r"[\w.-]+\.(html|ipynb|md|py)", name) and list(map(str, sums)) == sums
            for name, sums in found.items()
        ):
            raise ValueError
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise LessonError(
            f"{listed} is not the list of pages it should be. Delete it, or choose another folder."
        ) from error
    return dict(found)


def _is_ours(path: Path, sums: list[str]) -> bool:
    """Whether ``path`` is a file with one of these checksums."""
    return path.is_file() and not path.is_symlink() and _checksum(path.read_bytes()) in sums


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _listing(written: Written) -> bytes:
    return (json.dumps(written, indent=1, sort_keys=True) + "\n").encode()


def _write(path: Path, content: bytes) -> None:
    with open(path, "xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # a disk that is full says so before anything is moved
