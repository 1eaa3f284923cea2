"""Checkpoints: tensors as safetensors, everything else as JSON, written whole or not at all. No pickle anywhere.

``run.safetensors`` holds all that is needed to go on; ``run.json`` beside it repeats what a person wants to read.
"""

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from mlteach.errors import CheckpointError
from mlteach.files import write_atomic
from mlteach.params import Params

VERSION = 1


class Checkpoint(NamedTuple):
    """What a file holds: named tensors (on the CPU) and a dict of JSON values that says what they are."""

    tensors: dict[str, Tensor]
    about: dict[str, Any]


def save_checkpoint(path: str | os.PathLike[str], tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    """Write ``tensors`` and ``about`` to ``path`` (ending in .safetensors) and ``about`` to the .json beside it.

    The old files stay whole until the new ones are. Raises CheckpointError when the disk is full or read-only, or for
    a path that ends otherwise.
    """
    path = safetensors_path(path)
    flat = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    content = save(flat, metadata={"mlteach": json.dumps({"version": VERSION, "about": about})})
    try:
        write_atomic(path, content)
        write_atomic(path.with_suffix(".json"), json.dumps(about, indent=1) + "\n")
    except OSError as error:
        raise CheckpointError(
            f"Could not write {path}: {error.strerror or error}. What was learned is still in memory, and any earlier "
            "checkpoint is untouched. Free some space or choose another folder, then save again."
        ) from error


def safetensors_path(path: str | os.PathLike[str]) -> Path:
    """``path``, or CheckpointError unless it ends in .safetensors: "run.json" would be overwritten by its own twin."""
    path = Path(path)
    if path.suffix != ".safetensors":
        raise CheckpointError(
            f"A checkpoint's name ends in .safetensors; call {path} {path.name}.safetensors."
        )
    return path


def load_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint that `save_checkpoint` wrote.

    Raises CheckpointError for a file that is missing, cut short, not a checkpoint, or of another version.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"There is no checkpoint at {path}. Train first, or check the path.")
    try:
        with safe_open(path, framework="pt") as file:
            header = (file.metadata() or {}).get("mlteach")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a dict)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is cut short or is no checkpoint ({error}). Delete it and train again, or take a copy that is whole."
        ) from error
    if header is None:
        raise CheckpointError(
            f"{path} holds tensors, but not from mlteach. Choose a checkpoint that `fit` wrote."
        )
    stored = json.loads(header)
    if stored.get("version") != VERSION:
        raise CheckpointError(
            f"{path} has checkpoint version {stored.get('version')}, and this mlteach reads version {VERSION}. "
            "Read it with the mlteach that wrote it, or train again."
        )
    return Checkpoint(tensors, stored["about"])


def params_from(checkpoint: Checkpoint, like: Params, prefix: str = "theta.") -> Params:
    """The parameters in a checkpoint, on the device and in the precision of ``like``.

    Raises CheckpointError when names or shapes differ from ``like``: the checkpoint is of another network.
    """
    found = {n.removeprefix(prefix): v for n, v in checkpoint.tensors.items() if n.startswith(prefix)}
    for name in like.keys() | found.keys():
        ours = tuple(like[name].shape) if name in like else "missing"
        theirs = tuple(found[name].shape) if name in found else "missing"
        if ours != theirs:
            raise CheckpointError(
                f"This checkpoint is of another network: {name} is {theirs} in the file and {ours} here. "
                "Build the network with the settings it was trained with, or choose another file."
            )
    return {name: found[name].to(value) for name, value in like.items()}
