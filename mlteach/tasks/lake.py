"""Lake's one-shot test: twenty characters of one unseen alphabet, one person draws them, another asks which is which.

It is harder than characters from anywhere: letters of one alphabet resemble each other, and both hands are new. The official
twenty runs are a file of its own beside Omniglot, all_runs.zip; `official_runs` reads it. `own_runs` draws as many as you like
in the same way, from the same alphabets.

Source: Lake, Salakhutdinov, Tenenbaum 2015; the file and its demo at https://github.com/brendenlake/omniglot. Taught in: lesson 18.
"""

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from mlteach.errors import DataError
from mlteach.tasks.characters import Characters
from mlteach.tasks.episode import Episode
from mlteach.tasks.omniglot import LARGEST_ARCHIVE, LARGEST_PICTURE, folders, shrunk, to_write

RUNS, WAYS = 20, 20
FILE = "all_runs.zip"
ADDRESS = "https://github.com/brendenlake/omniglot/tree/master/python/one-shot-classification"


def own_runs(characters: Characters, runs: int, *, generator: torch.Generator, ways: int = WAYS) -> Episode:
    """Runs as tasks of ``ways`` ways, one shot, one query: all support pictures of a run by one drawer, all queries by another.

    Each run takes its characters from one alphabet, all large enough ones being equally likely. Query i is of class i; a
    reader of several pictures must not know that. Raises DataError where no alphabet is large enough.
    """
    alphabets: dict[str, list[int]] = {}
    for place, name in enumerate(characters.alphabets):
        alphabets.setdefault(name, []).append(place)
    large = [places for places in alphabets.values() if len(places) >= ways]
    if not large:
        raise DataError(f'No alphabet has {ways} characters; take the split "lake", or fewer ways.')
    classes, hands = [], []
    for _ in range(runs):
        places = torch.tensor(large[int(torch.randint(len(large), (), generator=generator))])
        classes.append(places[torch.randperm(len(places), generator=generator)[:ways]])
        hands.append(torch.randperm(characters.images.shape[1], generator=generator)[:2])
    rows, hand = torch.stack(classes), torch.stack(hands)
    shown, asked = (characters.images[rows, hand[:, k, None]].unsqueeze(2) for k in (0, 1))
    y = torch.arange(ways).expand(runs, ways)
    return Episode(shown.float() / 255, y, asked.float() / 255, y)


def find_runs(path: str | os.PathLike[str] | None = None) -> Path | None:
    """The file of the official runs: ``path``, or all_runs.zip where Omniglot's archives lie; None where there is none."""
    named = os.environ.get("MLTEACH_OMNIGLOT")
    places = [Path(path)] if path is not None else [Path(named) / FILE] if named else []
    places += [folder / FILE for folder in folders()] if path is None else []
    return next((place for place in places if place.is_file()), None)


def official_runs(path: str | os.PathLike[str] | None = None, *, whole: bool = False) -> Episode:
    """The twenty official runs as tasks of 20 ways: x [20, 20, 1, 28, 28] in [0, 1], ink 1; ``whole``: 105 x 105.

    Support pictures and queries stand in the order of their files, and y says which belong together. Raises DataError where the
    file is not there (and says where to get it) or is not whole.
    """
    found = find_runs(path)
    if found is None:
        raise DataError(
            f"The official runs are not here; download {FILE} from {ADDRESS} and put it beside Omniglot's archives, into "
            f"{to_write(folders())[0]}."
        )
    try:
        if found.stat().st_size > LARGEST_ARCHIVE:
            raise ValueError("it is too large")
        with zipfile.ZipFile(found) as archive:
            above = next((n for n in archive.namelist() if n.endswith("run01/class_labels.txt")), "")
            above = above.removesuffix("run01/class_labels.txt")  # whether or not the runs lie in a folder
            every = [_run(archive, above, f"run{number:02}", whole) for number in range(1, RUNS + 1)]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{found} is not the official {FILE} ({error}); download it again from {ADDRESS}."
        ) from error
    return Episode(*(torch.stack(parts) for parts in zip(*every, strict=True)))


def _run(
    archive: zipfile.ZipFile, above: str, name: str, whole: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One run, out of its file of labels: a line is a test picture and the training picture of its class."""
    lines = archive.read(f"{above}{name}/class_labels.txt").decode().splitlines()
    pairs = [line.split() for line in lines if line]
    if len(pairs) != WAYS or any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"{name} has {len(pairs)} pairs")
    asked, shown = (sorted(names) for names in zip(*pairs, strict=True))
    answer = dict(pairs)
    y = torch.tensor([shown.index(answer[each]) for each in asked])
    support, queries = (
        torch.stack([_picture(archive, above + each, whole) for each in names]) for names in (shown, asked)
    )
    return support, torch.arange(WAYS), queries, y


def _picture(archive: zipfile.ZipFile, name: str, whole: bool) -> Tensor:
    if archive.getinfo(name).file_size > LARGEST_PICTURE:
        raise ValueError(f"{name} is too large")
    with Image.open(io.BytesIO(archive.read(name)), formats=["PNG"]) as image:
        if image.size != (105, 105):
            raise ValueError(f"{name} is {image.size[0]} x {image.size[1]}")
        paper = np.asarray(image.convert("L")) >= 128
    pixels = np.where(paper, np.uint8(0), np.uint8(255)) if whole else shrunk(paper)
    return torch.from_numpy(pixels.copy()).unsqueeze(0).float() / 255
