"""Files that are either whole or not there, and one writer at a time."""

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it replaces ``path`` in one move, else it is removed.

    A reader sees the old file or the new one, never half of one, even if the process is killed while it writes.
    The temporary file lies in the same folder because a move is only atomic within one file system.
    Raises OSError as the system gives it (a read-only folder, a full disk); ``path`` is then as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    temporary.touch(exist_ok=False)  # not by `tempfile`, whose files no other user may read
    try:
        yield temporary
        # on the disk before the move, so that a power cut loses nothing
        with open(temporary, "rb+") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def write_atomic(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write ``content`` (text as UTF-8) to ``path``, whole or not at all. Raises OSError; see `atomic_file`."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def lock(path: str | os.PathLike[str], timeout: float = 300.0) -> Iterator[None]:
    """Hold the lock file ``path`` (made, then removed); a second process waits up to ``timeout`` seconds.

    A lock older than ``timeout`` belongs to a process that died, and is taken over. Raises TimeoutError.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + timeout
    while True:
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            break
        except (FileExistsError, PermissionError):
            # Windows says "permission" while another process removes it
            if not path.exists() and not os.access(path.parent, os.W_OK):
                raise
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > timeout:
                    path.unlink()
                    continue
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"Another process has held {path} for {timeout:.0f} s. If none is running, delete that file and try again."
                ) from None
            time.sleep(0.05)
    try:
        yield
    finally:
        with suppress(FileNotFoundError):
            path.unlink()
