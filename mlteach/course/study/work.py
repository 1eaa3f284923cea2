"""One run of a study, as a worker carries it out: from its checkpoint if it was begun before, and never twice.

All that is known of a run lies in its folder: ``starts.json`` (where and from which step it was begun, each time),
its checkpoint or notebook, and, once it is done, ``row.json``.
"""

import hashlib
import json
import math
import os
import platform
import socket
import time
import traceback
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mlteach.course.parameters import Given
from mlteach.course.study.target import StudyError, Target, checkpoint_in
from mlteach.errors import MlteachError
from mlteach.files import lock, write_atomic

Row = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One run: what, with which parameters and seed, and the checksum of the code that was asked for."""

    target: Target
    parameters: Given
    seed: int | None
    code: str

    @property
    def key(self) -> str:
        """A name that changes with the parameters, the seed and the code, and with nothing else."""
        text = json.dumps([self.code, self.parameters, self.seed], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def __str__(self) -> str:
        seed = {} if self.seed is None else {"seed": self.seed}
        return ", ".join(f"{name} {value}" for name, value in (self.parameters | seed).items()) or str(
            self.target
        )


def kept(folder: Path) -> Row | None:
    """The row of a run that is done, or None. Raises StudyError for one that is not whole."""
    path = folder / "row.json"
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(row, dict) or not {"parameters", "seed", "numbers"} <= row.keys():
            raise ValueError("no row")
        return row
    except FileNotFoundError:
        return None
    except ValueError:
        raise StudyError(f"{path} is not whole. Delete it, and the run is done again.") from None


def work(run: Run, folder: str) -> Row:
    """Do the run in ``folder`` and return its row, or {"failed": why}. What was done before is not done again.

    An error is an answer, so that the other runs go on, and nobody tries again what would fail again.
    """
    place = Path(folder)
    try:
        # A worker that was given up, and works on all the same, is waited for: two never write to one checkpoint.
        with lock(place / "run.lock", timeout=math.inf):
            return kept(place) or _done(run, place)
    except (Exception, SystemExit) as error:
        if isinstance(error, MlteachError):
            return {"failed": str(error)}
        write_atomic(place / "error.txt", traceback.format_exc())
        return {"failed": f"{type(error).__name__}: {error} ({place / 'error.txt'} says where)"}


def _done(run: Run, place: Path) -> Row:
    from mlteach.course.run import environment

    if (code := run.target.code()) != run.code:
        raise StudyError(
            f"{socket.gethostname()} has another version of {run.target.file}: all workers must see one folder of the course."
        )
    starts = _begun(place)
    began = time.monotonic()
    # no bars and no score, and sets in one order, as where outputs are compared
    with environment(TQDM_DISABLE="1", MLTEACH_PROGRESS="off", PYTHONHASHSEED="0"):
        found = run.target.run(run.target.given(run.parameters, run.seed), place)
    row: Row = {
        "parameters": run.parameters,
        "seed": run.seed,
        "numbers": found,
        "seconds": round(time.monotonic() - began, 2),
        "starts": starts,
        "code": code,
        "versions": {"python": platform.python_version(), "torch": version("torch").partition("+")[0]},
    }
    write_atomic(place / "row.json", json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
    return row


def _begun(place: Path) -> list[dict[str, Any]]:
    """Note that the run begins here, and return every start of it: host, process, step of the checkpoint."""
    path = place / "starts.json"
    starts = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    starts.append({"host": socket.gethostname(), "process": os.getpid(), "step": _step(place)})
    write_atomic(path, json.dumps(starts) + "\n")
    return list(starts)


def _step(place: Path) -> int:
    """The step that the checkpoint is at, as the file beside it says; 0 without one."""
    try:
        return int(json.loads(checkpoint_in(place).with_suffix(".json").read_text(encoding="utf-8"))["step"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0
