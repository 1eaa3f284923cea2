"""The score: which exercises are solved, in a small file in the learner's own folder that never leaves the machine.

The file is ``my/progress.json`` in the learner's folder (`mlteach.home`). MLTEACH_PROGRESS=off keeps no score; another path keeps it there.
A score is never a reason to stop: where it cannot be written, a check says what it has to say all the same.
"""

import json
import os
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

from mlteach.errors import MlteachError
from mlteach.files import lock, write_atomic
from mlteach.home import COURSE, home, shared

VARIABLE = "MLTEACH_PROGRESS"
WAIT = 10.0  # seconds for another notebook that is writing


def place() -> Path | None:
    """Where the score is kept; None where it is not."""
    chosen = os.environ.get(VARIABLE, "")
    if chosen.lower() == "off":
        return None
    if chosen:
        return Path(chosen).expanduser()
    try:
        return home() / "my" / "progress.json" if shared() or (COURSE / "notebooks").is_dir() else None
    except MlteachError:  # which the commands say
        return None


def record(id: str, solved: bool) -> None:
    """Count one attempt at exercise ``id``, and the day on which it was first solved. Attempts after that are not counted.

    An unreadable file is put aside as ``progress.unreadable.json`` and a new one begun.
    """
    path = place()
    if path is None:
        return
    with suppress(OSError), lock(path.with_name(f".{path.name}.lock"), timeout=WAIT):
        known, readable = _read(path)
        if not readable:
            os.replace(path, _free(path.with_suffix(".unreadable.json")))
        one = known.setdefault(id, {"attempts": 0, "solved": None})
        if one["solved"]:
            return
        one["attempts"] += 1
        one["solved"] = date.today().isoformat() if solved else None
        write_atomic(path, json.dumps({"exercises": known}, indent=1, sort_keys=True) + "\n")


def scores() -> dict[str, dict[str, Any]]:
    """What is kept, by exercise: ``attempts`` and the day ``solved``, or None. Empty where nothing can be read."""
    path = place()
    return {} if path is None else _read(path)[0]


def _read(path: Path) -> tuple[dict[str, dict[str, Any]], bool]:
    """The entries that are what they should be, and whether the file could be read at all (or is not there)."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))["exercises"]
        return {id: _entry(one) for id, one in kept.items() if isinstance(id, str)}, True
    except FileNotFoundError:
        return {}, True
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}, False


def _entry(one: dict[str, Any]) -> dict[str, Any]:
    attempts, solved = one["attempts"], one["solved"]
    if not isinstance(attempts, int) or not (solved is None or isinstance(solved, str)):
        raise TypeError("not a score")
    return {"attempts": attempts, "solved": solved}


def _free(path: Path) -> Path:
    """``path``, or its name with a number where that is taken."""
    numbered = (path.with_suffix(f".{k}.json") for k in range(1, 1000))
    return path if not path.exists() else next(other for other in numbered if not other.exists())


def table(ids: list[str], kept: dict[str, dict[str, Any]]) -> str:
    """One row a lesson: how many of its exercises are solved, and which are open, those tried with their attempts."""
    rows = ["lesson   solved   open"]
    for lesson in sorted({id.split(".")[0] for id in ids}):
        mine = [id for id in ids if id.split(".")[0] == lesson]
        left = [id for id in mine if not kept.get(id, {}).get("solved")]
        rows.append(
            f"{lesson:<8} {len(mine) - len(left)} of {len(mine):<3} {', '.join(_open(id, kept) for id in left)}".rstrip()
        )
    done = sum(bool(kept.get(id, {}).get("solved")) for id in ids)
    rows.append(f"Solved: {done} of {len(ids)} exercises.")
    return "\n".join(rows)


def _open(id: str, kept: dict[str, dict[str, Any]]) -> str:
    attempts = kept.get(id, {}).get("attempts", 0)
    return f"{id} ({attempts} attempt{'s' if attempts > 1 else ''})" if attempts else id
