"""Which notebooks Jupyter may trust: those whose content is what the build stored, and no others.

Jupyter shows an untrusted notebook with pictures in place of explorers, and lets a trusted one run whatever script its
stored outputs bring, before any cell is run. So the build keeps a checksum of every notebook it writes in
data/built.json, and only a notebook with that checksum is signed. An edited or foreign one opens all the same: its
explorers come alive when its cells are run.
"""

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mlteach.course import lessons
from mlteach.files import lock, write_atomic


def checksum(content: bytes) -> str:
    """The checksum of a notebook's bytes, the same whatever a checkout does to the ends of its lines."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def built() -> dict[str, str]:
    """What the build stored: name of the notebook -> checksum. Empty where the record is missing or malformed."""
    try:
        stored = json.loads(lessons.BUILT.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}


def remember(notebook: Path) -> None:
    """Keep the checksum of a notebook that was just built. Raises OSError."""
    with lock(lessons.BUILT.with_suffix(".lock")):  # two builds at once both stay in the record
        stored = built() | {notebook.name: checksum(notebook.read_bytes())}
        write_atomic(lessons.BUILT, json.dumps(stored, indent=0, sort_keys=True) + "\n")


def as_built(notebook: Path, content: bytes) -> bool:
    """Whether ``content`` is what the build stored as ``notebook``."""
    return built().get(notebook.name) == checksum(content)


def trust_lessons(notebooks: Iterable[Path] | None = None) -> list[str]:
    """Sign the notebooks (all lessons if none are named) that are as built; returns the names of the others.

    A notebook that cannot be read stops nothing. What was not signed is said in one sentence on stderr.
    """
    from jupyter_core.paths import jupyter_data_dir
    from nbformat.sign import NotebookNotary

    chosen = list(notebooks) if notebooks is not None else [*map(lessons.notebook, lessons.sources())]
    left: list[str] = []
    try:
        Path(jupyter_data_dir()).mkdir(parents=True, exist_ok=True)  # which nbformat leaves to Jupyter
        notary = NotebookNotary()
        for path in filter(lambda path: path.exists(), chosen):
            if known := whole(path):
                notary.sign(known)
            else:
                left.append(path.name)
    except Exception as error:  # Jupyter's own folder: read-only, full, or its database malformed
        print(
            f"Jupyter could not note which lessons to trust ({error}), so explorers are pictures until their cells are run.",
            file=sys.stderr,
        )
        return [path.name for path in chosen]
    if left:
        print(
            f"Not trusted, because it is not what the build stored: {', '.join(left)}; its explorers come alive when its "
            "cells are run. To have the stored one back, keep a copy of this one and call `git checkout notebooks`.",
            file=sys.stderr,
        )
    return left


def whole(path: Path) -> Any:
    """The notebook node at ``path`` if it is as built, else None, also for one that cannot be read."""
    import nbformat

    try:
        content = path.read_bytes()
        return nbformat.reads(content.decode("utf-8"), as_version=4) if as_built(path, content) else None
    except Exception:  # whatever is wrong with one notebook must not keep the others from opening
        return None
