"""Files that are either whole or not there, and one writer at a time.

Who holds a file is asked of the operating system. It lets go of a file in the moment a process ends, however it ends,
and never before: so what a killed process left is taken over at once, and no clock and no age of a file matters.
"""

import errno
import os
import re
import socket
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from mlteach.errors import MlteachError

PART = re.compile(r"\..+\.[0-9a-f]{8}\.part")
# What a file system answers that knows no locks: some network folders.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL)
_WHAT_TO_DO = {
    errno.ENOSPC: "Make room on that disk",
    errno.EDQUOT: "Make room in your quota",
    errno.EACCES: "Make the folder writable for you",
    errno.EPERM: "Make the folder writable for you",
    errno.EROFS: "Work in a copy that can be written to",
    errno.EISDIR: "Move that folder away",
    errno.ENOTDIR: "Move away the file that stands where a folder should",
    errno.EEXIST: "Move away the file that stands where a folder should",
}

if sys.platform == "win32":
    import msvcrt

    def _hold(file: int) -> bool:
        """Hold an open file until it is closed; whether nobody else does. Raises OSError."""
        os.lseek(file, 2**30, os.SEEK_SET)  # far behind what is written: a locked byte can be read by nobody
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True
else:
    import fcntl

    def _hold(file: int) -> bool:
        """Hold an open file until it is closed; whether nobody else does. Raises OSError."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it replaces ``path`` in one move, else it is removed.

    A reader sees the old file or the new one, never half of one, even if the process is killed while it writes.
    The temporary file lies in the same folder because a move is only atomic within one file system; those that
    killed processes left there are removed. Raises OSError as the system gives it (a read-only folder, a full disk);
    ``path`` is then as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_left_over(path.parent)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    # not by `tempfile`, whose files no other user may read
    held = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with suppress(OSError):  # where there are no locks, nobody removes what was left over either
            _hold(held)
        yield temporary
        # on the disk before the move, so that a power cut loses nothing
        with open(temporary, "rb+") as written:
            os.fsync(written.fileno())
        if sys.platform == "win32":  # which moves no open file
            held = _closed(held)
        os.replace(temporary, path)
    finally:
        with suppress(FileNotFoundError):
            if sys.platform == "win32":
                held = _closed(held)
            temporary.unlink()
        _closed(held)


def _closed(file: int) -> int:
    if file >= 0:
        os.close(file)
    return -1


def write_atomic(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write ``content`` (text as UTF-8) to ``path``, whole or not at all. Raises OSError; see `atomic_file`."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def write_all(contents: dict[Path, bytes]) -> None:
    """Write several files: all of them, or none where one cannot be written. Raises OSError; see `atomic_file`."""
    with ExitStack() as stack:
        for path, content in contents.items():
            stack.enter_context(atomic_file(path)).write_bytes(content)


def remove_left_over(folder: Path) -> None:
    """Remove the temporary files in ``folder`` whose processes are gone. What cannot be removed stays."""
    for name in os.listdir(folder):
        if PART.fullmatch(name):
            with suppress(OSError):
                file = os.open(folder / name, os.O_RDWR)
                try:
                    if _hold(file) and sys.platform != "win32":
                        os.unlink(folder / name)
                finally:
                    os.close(file)
                if sys.platform == "win32":  # which removes no open file, so a living process keeps its own
                    os.unlink(folder / name)


@contextmanager
def lock(path: str | os.PathLike[str], timeout: float = 300.0) -> Iterator[None]:
    """Hold the lock file ``path`` (made, then removed); a second process waits up to ``timeout`` seconds.

    The file says who holds it. A lock whose process has ended is free, whatever the file's content and date. Where the
    file system knows no locks, everybody gets it. Raises TimeoutError, naming the owner, and OSError.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    began, told = time.monotonic(), False
    while (file := _take(path)) is None:
        waited = time.monotonic() - began
        if waited >= timeout:
            raise TimeoutError(
                f"{_owner(path)} has held {path} for {timeout:.0f} s. Wait until it is done or end it, then try again."
            )
        if waited > 5 and not told:
            told = True
            print(f"Waiting for {_owner(path)}, which holds {path}.", file=sys.stderr, flush=True)
        time.sleep(0.05)
    try:
        yield
    finally:
        mine = _same(file, path)
        if sys.platform == "win32":  # which removes no open file
            os.close(file)
        if mine:
            with suppress(OSError):
                path.unlink()
        if sys.platform != "win32":
            os.close(file)  # after its name is gone: nobody can have got hold of it meanwhile


def _take(path: Path) -> int | None:
    """The lock file, open and held, or None while another process holds it. Raises OSError."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError:
        if sys.platform == "win32":
            return None  # so it says while another process removes the file
        if not path.is_file():
            raise
        file = os.open(path, os.O_RDONLY)  # another user's; it can be held all the same
    try:
        held = _hold(file)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            os.close(file)
            raise
        held = True
    if not held or not _same(file, path):  # its owner removed it between the two
        os.close(file)
        return None
    with suppress(OSError):  # a courtesy, which a full disk may refuse
        os.ftruncate(file, 0)
        os.lseek(file, 0, os.SEEK_SET)
        os.write(file, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
    return file


def _same(file: int, path: Path) -> bool:
    """Whether the open file is the one called ``path``."""
    try:
        return os.path.samestat(os.fstat(file), os.stat(path))
    except OSError:
        return False


def _owner(path: Path) -> str:
    """Who wrote a lock file: "process 123 on somewhere"."""
    try:
        said = path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        said = ""
    return said if said.startswith("process ") else "Another process"


@contextmanager
def one_sentence(kind: type[MlteachError], doing: str) -> Iterator[None]:
    """What the system refuses while ``doing`` something ("run lesson 03") becomes one sentence of the error ``kind``."""
    try:
        yield
    except OSError as error:
        raise kind(in_words(error, doing)) from error


def in_words(error: OSError, doing: str = "go on") -> str:
    """An error of the system as a sentence that says what to do."""
    if error.errno is None:
        return str(error)
    at = f" ({error.filename})" if error.filename else ""
    advice = _WHAT_TO_DO.get(error.errno, "Look at that file and its folder")
    return f"Could not {doing}: {error.strerror}{at}. {advice}, then try again; what was there before is as it was."
