"""Checkpoints: tensors as safetensors, everything else as JSON, written whole or not at all. No pickle anywhere.

``run.safetensors`` holds all that is needed to go on; ``run.json`` beside it repeats what a person wants to read.
The file carries the SHA-256 of all its bytes (its own 64 digits taken for zeros), so that one flipped bit is found.
"""

import hashlib
import json
import os
import re
import stat
import struct
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from mlteach.errors import CheckpointError
from mlteach.files import write_atomic
from mlteach.params import Params

VERSION = 2
UNSEALED = 1  # the version before this one had no checksum; what was trained with it can still be read

BLANK = "0" * 64
SEAL = re.compile(
    rb'\\"sha256\\": \\"([0-9a-f]{64})\\"'
)  # JSON within the header's JSON: its quotes are escaped


class Checkpoint(NamedTuple):
    """What a file holds: named tensors (on the CPU) and a dict of JSON values that says what they are."""

    tensors: dict[str, Tensor]
    about: dict[str, Any]


def save_checkpoint(path: str | os.PathLike[str], tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    """Write ``tensors`` and ``about`` to ``path`` (ending in .safetensors) and ``about`` to the .json beside it.

    The old files stay whole until the new ones are. Raises CheckpointError when the disk is full or read-only, for a
    path that ends otherwise, and for an ``about`` that is not JSON.
    """
    path = safetensors_path(path)
    try:
        readable = json.dumps(about, indent=1) + "\n"
        header = json.dumps({"version": VERSION, "sha256": BLANK, "about": about})
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"What is said about {path.name} must be JSON: numbers, texts, lists and dicts ({error}). Give tensors as "
            "tensors, and other things as text."
        ) from error
    content = _sealed(save(_apart(tensors), metadata={"mlteach": header}))
    try:
        write_atomic(path, content)
        write_atomic(path.with_suffix(".json"), readable)
    except OSError as error:
        raise CheckpointError(
            f"Could not write {path}: {error.strerror or error}. What was learned is still in memory, and any earlier "
            "checkpoint is untouched. Free some space or choose another folder, then save again."
        ) from error


def _apart(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors on the CPU, each with memory of its own: safetensors writes nothing that two names share."""
    found: dict[str, Tensor] = {}
    for name, value in tensors.items():
        flat = value.detach().cpu().contiguous()
        shared = any(flat.data_ptr() == other.data_ptr() for other in found.values())
        found[name] = flat.clone() if shared else flat
    return found


def _sealed(content: bytes) -> bytes:
    """The file with the digest of its bytes in the place of the 64 zeros."""
    blank = SEAL.search(content)
    assert blank is not None, "the header was written a line ago"
    digest = hashlib.sha256(content).hexdigest().encode()
    return content[: blank.start(1)] + digest + content[blank.end(1) :]


def _is_whole(content: bytes) -> bool:
    """Whether the digest that a file carries is that of its bytes."""
    seal = SEAL.search(content)
    if seal is None:
        return False
    blank = content[: seal.start(1)] + BLANK.encode() + content[seal.end(1) :]
    return hashlib.sha256(blank).hexdigest().encode() == seal[1]


def safetensors_path(path: str | os.PathLike[str]) -> Path:
    """``path`` with ``~`` for the home folder. CheckpointError unless it ends in .safetensors, and for a folder.

    "run.json" would be overwritten by its own twin.
    """
    try:
        path = Path(path).expanduser()
    except RuntimeError as error:
        raise CheckpointError(f"There is no home folder for {path} ({error}); write the path out.") from error
    except TypeError as error:
        raise CheckpointError(f"A checkpoint is the path of a file, and {path!r} came ({error}).") from error
    if path.suffix != ".safetensors":
        raise CheckpointError(
            f"A checkpoint's name ends in .safetensors; call {path} {path.name}.safetensors."
        )
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return path
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} cannot be reached: {getattr(error, 'strerror', None) or error}. Choose another path, in a folder that may "
            "be read."
        ) from error
    if is_folder:
        raise CheckpointError(
            f"{path} is a folder; give the path of a file in it, such as {path / path.name}."
        )
    return path


def load_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint that `save_checkpoint` wrote.

    Raises CheckpointError for a file that is missing, a folder, unreadable, cut short, damaged in any bit, not a
    checkpoint, or of another version.
    """
    path = safetensors_path(path)
    if not path.is_file():
        raise CheckpointError(f"There is no checkpoint at {path}. Train first, or check the path.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read: {error.strerror or error}. Make it readable, or choose another path."
        ) from error
    stored = _header(path, content)
    try:
        # by name: the library gives them in an order of the moment, and what is made of them shall be the same each time
        return Checkpoint(dict(sorted(load(content).items())), stored["about"])
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, str(error)) from error


def _header(path: Path, content: bytes) -> dict[str, Any]:
    """What a file says of itself, once it is known to be whole. Raises CheckpointError."""
    if not content:
        raise _damaged(path, "it is empty")
    try:
        (length,) = struct.unpack_from(
            "<Q", content
        )  # safetensors: the length of the header, then the header
        metadata = json.loads(content[8 : 8 + length].decode()).get("__metadata__") or {}
    except (struct.error, ValueError, OverflowError, AttributeError, RecursionError) as error:
        raise _damaged(path, str(error)) from error
    if length > len(content):
        raise _damaged(path, "it ends within its header")
    if not isinstance(metadata, dict) or "mlteach" not in metadata:
        raise CheckpointError(
            f"{path} holds tensors, but not from mlteach. Choose a checkpoint that `fit` wrote."
        )
    try:
        stored = json.loads(metadata["mlteach"])
        version = stored["version"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _damaged(path, f"what it says of itself cannot be read: {error}") from error
    if type(version) is not int or version not in (UNSEALED, VERSION):
        raise CheckpointError(
            f"{path} has checkpoint version {json.dumps(version)}, and this mlteach reads versions {UNSEALED} and "
            f"{VERSION}. Read it with the mlteach that wrote it, or train again."
        )
    if version != UNSEALED and not _is_whole(content):
        raise _damaged(path, "its checksum is not that of its content")
    if not isinstance(stored.get("about"), dict):
        raise _damaged(path, "it does not say what it is about")
    return stored


def _damaged(path: Path, why: str) -> CheckpointError:
    return CheckpointError(
        f"{path} is cut short, damaged or no checkpoint ({why}). Delete it and train again, or take a copy that is whole."
    )


def params_from(checkpoint: Checkpoint, like: Params, prefix: str = "theta.") -> Params:
    """The parameters in a checkpoint, on the device and in the precision of ``like``.

    Raises CheckpointError when names or shapes differ from ``like`` (the checkpoint is of another network), when whole
    numbers stand where ``like`` has real ones, and when a number is not finite.
    """
    found = {n.removeprefix(prefix): v for n, v in checkpoint.tensors.items() if n.startswith(prefix)}
    for name in like | found:  # in the network's order, so that the same file gives the same sentence
        ours = tuple(like[name].shape) if name in like else "missing"
        theirs = tuple(found[name].shape) if name in found else "missing"
        if ours != theirs:
            raise CheckpointError(
                f"This checkpoint is of another network: {name} is {theirs} in the file and {ours} here. "
                "Build the network with the settings it was trained with, or choose another file."
            )
        if found[name].is_floating_point() != like[name].is_floating_point():
            raise CheckpointError(
                f"This checkpoint is of another network: {name} is {found[name].dtype} in the file and {like[name].dtype} "
                "here. Choose another file."
            )
        if not found[name].isfinite().all():
            raise CheckpointError(
                f"This checkpoint holds numbers in {name} that are not finite: the run had diverged. Train again, with a "
                "lower rate."
            )
    return {name: found[name].to(value) for name, value in like.items()}
