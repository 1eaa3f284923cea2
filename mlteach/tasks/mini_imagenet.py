"""miniImageNet for who has it: Ravi and Larochelle's classes and tasks, at a size at which the course's networks run.

This is NOT the published protocol. There the photographs are 84 x 84 in colours, and the networks larger. Here they are grey and
28 x 28, so that every method of the course reads them as it reads characters: the same 64, 16 and 20 classes and the same kind of
task, no number to lay beside a published one. Nothing is inverted, 0 is black and 1 is white: a photograph has no ink. And
nothing is turned: a photograph on its side is no other class.

The photographs are ImageNet's and may not be passed on, so nothing is downloaded. What must lie in one folder:

    train.csv  val.csv (or validation.csv)  test.csv     the lists, each with the header filename,label
    images/                                              the photographs they name, as JPEG of any size

The `.pkl` caches that also go round are never opened: a pickle can run any program.

Source: Vinyals et al. 2016; the lists are those of Ravi and Larochelle 2017. Taught in: lesson 21.
"""

import csv
import hashlib
import os
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image

from mlteach.errors import DataError
from mlteach.progress import bar_for
from mlteach.tasks import omniglot
from mlteach.tasks.characters import Characters, Device, Split
from mlteach.tasks.omniglot import SIZE, Loaded

Part = Literal["train", "validation", "test"]
#: The parts, and how their lists may be called.
LISTS: dict[Part, tuple[str, ...]] = {
    "train": ("train.csv",),
    "validation": ("val.csv", "validation.csv"),
    "test": ("test.csv",),
}
COUNTS, PICTURES = (64, 16, 20), 600  # classes in each part, pictures in each class
CACHE = "grey-28.safetensors"
ADDRESS = "https://github.com/twitter-research/meta-learning-lstm/tree/master/data/miniImagenet"
LAYOUT = "train.csv, val.csv, test.csv and the folder images/"


def load(
    path: str | os.PathLike[str] | None = None,
    *,
    device: Device = None,
    counts: tuple[int, int, int] = COUNTS,
    pictures: int = PICTURES,
) -> Split:
    """The pools of miniImageNet: uint8 [64, 600, 28, 28] to train on, 16 classes to choose by, 20 to test on; grey, white 255.

    A class is called "train/n01532829" and its alphabet "train". Classes stand by name, the pictures of a class likewise.
    Looked for in ``path``, in the folder that MLTEACH_MINIIMAGENET names, in data/mini-imagenet/. Reading 60,000 photographs takes
    a minute, once: the array is kept beside the lists (else in the user's cache folder) and belongs to these lists; delete it if
    you change a photograph. ``counts``, ``pictures``: of a set that somebody made smaller. Raises DataError when there is none, or
    it is not whole; the sentence says what to do.
    """
    folder = find(path)
    if folder is None:
        raise DataError(
            f"miniImageNet is not here, and it may not be passed on, so it is not downloaded; put {LAYOUT} into the "
            "course's folder data/mini-imagenet, or name their folder in the environment variable MLTEACH_MINIIMAGENET. The lists "
            f"are at {ADDRESS}, the photographs in ImageNet (ILSVRC 2012)."
        )
    listed = _listed([_list(folder, names) for names in LISTS.values()], counts, pictures)
    made_of = hashlib.sha256(repr(listed).encode()).hexdigest()
    images, names = omniglot.kept_or_made(
        [folder / CACHE, folders()[1] / CACHE],
        lambda file: omniglot.read_cache(file, made_of, pictures),
        lambda: _read(folder / "images", listed),
        made_of,
        "miniImageNet",
        again="reads all photographs again",
    )
    parts = [name.partition("/")[0] for name in names]
    whole = Characters(images, names, tuple(parts), "miniimagenet").to(device)
    return Split(*(whole.part([i for i, part in enumerate(parts) if part == each]) for each in LISTS))


def find(path: str | os.PathLike[str] | None = None) -> Path | None:
    """The folder that holds the three lists; None where nobody put one. Raises DataError for a folder that lacks some of them."""
    named = path if path is not None else os.environ.get("MLTEACH_MINIIMAGENET")
    origin = ", which MLTEACH_MINIIMAGENET names," if path is None and named else ""
    try:
        folder = Path(named).expanduser() if named else folders()[0]
    except RuntimeError as error:  # "~somebody", who has no home here
        raise DataError(
            f"The folder {os.fspath(named or '~')}{origin} cannot be found ({error}); write its whole path."
        ) from error
    if not named and not folder.is_dir():
        return None
    lists = [_list(folder, names) for names in LISTS.values()]
    missing = [file.name for file in lists if not os.path.isfile(file)]
    if not missing:
        return folder
    lacks = f"The folder {folder}{origin} holds no {' and no '.join(missing)}"
    if pickles := sorted(each.name for each in folder.glob("*.pkl")):
        raise DataError(
            f"{lacks}, but {pickles[0]}, which is not opened: a pickle can run any program. Get the photographs themselves, and "
            f"put {LAYOUT} there; the lists are at {ADDRESS}."
        )
    raise DataError(f"{lacks}; name the folder that holds {LAYOUT}. The lists are at {ADDRESS}.")


def folders() -> list[Path]:
    """data/mini-imagenet/ of the project, and the user's cache folder, where the array may be kept."""
    return [each.with_name("mini-imagenet") for each in omniglot.folders()]


def shrunk(file: Path) -> np.ndarray:
    """A photograph as uint8 [28, 28], grey, squeezed to a square as the lists' authors squeeze it to theirs. Raises OSError, ValueError."""
    with Image.open(file, formats=["JPEG"]) as image:
        image.draft("L", (2 * SIZE, 2 * SIZE))  # of a large JPEG only what this size needs is decoded
        return np.asarray(image.convert("L").resize((SIZE, SIZE), Image.Resampling.LANCZOS))


def _list(folder: Path, names: tuple[str, ...]) -> Path:
    """The first of these names that is there, else the first of them."""
    return folder / next((name for name in names if os.path.isfile(folder / name)), names[0])


def _listed(lists: list[Path], counts: tuple[int, ...], pictures: int) -> dict[str, list[str]]:
    """The file names of each class "part/label", both in order. Raises DataError for lists that are not whole or share a class."""
    found: dict[str, list[str]] = {}
    listed_in: dict[str, Path] = {}  # of every class and of every picture
    for part, file, count in zip(LISTS, lists, counts, strict=True):
        classes: dict[str, list[str]] = {}
        for name, label in _rows(file):
            classes.setdefault(label, []).append(name)
        for label, names in sorted(classes.items()):
            for each in (label, *names):
                if each in listed_in:
                    raise DataError(
                        f"{each} is listed twice, in {listed_in[each].name} and {file.name} of {file.parent}; a class belongs in one "
                        f"list, or what is tested on was trained on. Take the lists from {ADDRESS}."
                    )
                listed_in[each] = file
            if len(names) != pictures:
                raise DataError(
                    f"{file} lists {len(names)} pictures of the class {label} where {pictures} belong; take the list from {ADDRESS}."
                )
            found[f"{part}/{label}"] = sorted(names)
        if len(classes) != count:
            raise DataError(
                f"{file} lists {len(classes)} classes where {count} belong; take the list from {ADDRESS}."
            )
    return found


def _rows(file: Path) -> list[tuple[str, str]]:
    """File name and label of each line of a list. Raises DataError for a file that is no such list."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
        header, *rows = [[each.strip() for each in row] for row in csv.reader(lines) if row] or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{file} cannot be read ({error}); make it readable for you, or take the list from {ADDRESS}."
        ) from error
    if header != ["filename", "label"]:
        raise DataError(
            f"{file} does not begin with the line filename,label; write that line above the others, or take the list from {ADDRESS}."
        )
    for row in rows:
        if len(row) != 2 or not all(row) or set(row[0]) & {"/", "\\", ":"} or row[0] == "..":
            raise DataError(
                f'{file} has the line "{",".join(row)}", which is no name of a picture with its label; take the list from {ADDRESS}.'
            )
    return [(name, label) for name, label in rows]


def _read(folder: Path, listed: dict[str, list[str]]) -> Loaded:
    """All photographs, shrunk. Raises DataError for the first that is missing or damaged."""
    files = [folder / name for names in listed.values() for name in names]
    images = np.empty((len(files), SIZE, SIZE), np.uint8)
    with bar_for(files, "Reading miniImageNet", unit=" pictures") as bar:
        for target, file in zip(images, bar, strict=True):
            try:
                target[:] = shrunk(file)
            except FileNotFoundError as error:
                raise DataError(
                    f"{file} is not there, though a list names it; unpack the photographs into {folder} again, all of them."
                ) from error
            except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
                raise DataError(
                    f"{file} is damaged or no JPEG ({error}); replace it by the photograph of that name, then try again."
                ) from error
    stacked = images.reshape(len(listed), -1, SIZE, SIZE)
    return torch.from_numpy(stacked), tuple(listed)
