"""miniImageNet out of its lists and photographs, made small here; what is wrong with them is in tests/robustness/rows_data.py."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mlteach.errors import DataError
from mlteach.tasks import mini_imagenet, omniglot

COUNTS, PICTURES = (3, 2, 2), 5
LABELS = {"train": ("n03", "n01", "n02"), "val": ("n12", "n11"), "test": ("n21", "n22")}


def photograph(label: str, number: int) -> np.ndarray:
    """Waves of colour, which JPEG keeps: uint8 [height, width, 3], no two alike, none square."""
    kind = int(label[1:])
    y, x = np.mgrid[0 : 90 + kind, 0 : 140 + 10 * number]
    slow = [
        100 + 6 * number + 50 * np.sin(x / (20 + kind) + c) + 30 * np.cos(y / 30 + kind) for c in range(3)
    ]
    waves = [
        each + 20 * np.sin(x / 2) for each in slow
    ]  # so fast that it is told by which weights it was resized
    return np.stack(waves, -1).round().clip(0, 255).astype(np.uint8)


def make(folder: Path) -> Path:
    (folder / "images").mkdir(parents=True)
    for part, labels in LABELS.items():
        lines = ["filename,label"]
        for label in labels:
            for number in (4, 0, 3, 1, 2):
                name = f"{label}{number:08}.jpg"
                Image.fromarray(photograph(label, number)).save(folder / "images" / name, quality=98)
                lines.append(f"{name},{label}")
        (folder / f"{part}.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A project folder and a user's cache folder of this test's own, and no miniImageNet known to it."""
    both = [tmp_path / "project" / "omniglot", tmp_path / "user" / "omniglot"]
    monkeypatch.setattr(omniglot, "folders", lambda: both)
    monkeypatch.delenv("MLTEACH_MINIIMAGENET", raising=False)
    return [each.with_name("mini-imagenet") for each in both]


def lanczos(n: int) -> np.ndarray:
    """The weights [28, n] that resize n pixels to 28: a windowed sinc, written out."""
    scale = n / 28
    x = (np.arange(n)[None] + 0.5 - (np.arange(28)[:, None] + 0.5) * scale) / scale
    weights = np.where(abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)
    return weights / weights.sum(1, keepdims=True)


def test_photographs_are_grey_squeezed_and_in_order(tmp_path: Path) -> None:
    split = mini_imagenet.load(make(tmp_path / "given"), counts=COUNTS, pictures=PICTURES)
    assert [each.names for each in split] == [
        ("train/n01", "train/n02", "train/n03"),
        ("validation/n11", "validation/n12"),
        ("test/n21", "test/n22"),
    ]
    assert set(split.test.alphabets) == {"test"} and split.train.source == "miniimagenet"
    for part in split:
        assert part.images.shape[1:] == (PICTURES, 28, 28) and part.images.dtype == torch.uint8
        for name, pictures in zip(part.names, part.images, strict=True):
            for number, found in enumerate(pictures):
                grey = photograph(name.partition("/")[2], number) @ np.array([0.299, 0.587, 0.114])
                wanted = lanczos(grey.shape[0]) @ grey @ lanczos(grey.shape[1]).T
                assert abs(found.numpy() - wanted).max() < 3  # JPEG, and rounding to whole levels twice
    episode = split.train.sample(2, 3, 1, 4, generator=torch.Generator().manual_seed(0))
    assert (
        episode.query_x.shape == (2, 12, 1, 28, 28)
        and 0 <= episode.query_x.min() < episode.query_x.max() <= 1
    )


def test_of_a_large_photograph_the_same_comes_out(tmp_path: Path) -> None:
    y, x = np.mgrid[0:400, 0:600]
    large = (120 + 60 * np.sin(x / 75) + 50 * np.cos(y / 50)).round().astype(np.uint8)
    Image.fromarray(large).save(tmp_path / "large.jpg", quality=98)
    wanted = lanczos(400) @ large @ lanczos(600).T
    assert abs(mini_imagenet.shrunk(tmp_path / "large.jpg") - wanted).max() < 3


def test_the_photographs_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make(tmp_path / "given")
    first = mini_imagenet.load(folder, counts=COUNTS, pictures=PICTURES)
    assert sorted(each.name for each in folder.iterdir()) == [
        "grey-28.safetensors", "images", "test.csv", "train.csv", "val.csv",
    ]  # fmt: skip
    monkeypatch.setattr(mini_imagenet, "shrunk", lambda file: pytest.fail("read again"))
    (folder / "val.csv").rename(folder / "validation.csv")  # as others call it: the same lists all the same
    again = mini_imagenet.load(folder, counts=COUNTS, pictures=PICTURES)
    assert all(a.images.equal(b.images) and a.names == b.names for a, b in zip(first, again, strict=True))
    text = (folder / "test.csv").read_text()
    (folder / "test.csv").write_text(text.replace(",n22", ",n23"))  # other lists
    with pytest.raises(pytest.fail.Exception, match="read again"):
        mini_imagenet.load(folder, counts=COUNTS, pictures=PICTURES)


def test_where_it_is_looked_for(tmp_path: Path, places: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    assert mini_imagenet.find() is None
    in_project = make(places[0])
    assert mini_imagenet.find() == in_project
    named = make(tmp_path / "named")
    monkeypatch.setenv("MLTEACH_MINIIMAGENET", str(named))
    assert mini_imagenet.find() == named
    assert mini_imagenet.find(in_project) == in_project
    with pytest.raises(DataError, match="holds no train.csv and no val.csv and no test.csv"):
        mini_imagenet.find(tmp_path)
