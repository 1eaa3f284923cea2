"""Lake's test: one alphabet, one hand shows, another asks; and the official file, made here as its authors lay it out."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mlteach.errors import DataError
from mlteach.tasks import Characters
from mlteach.tasks.lake import find_runs, official_runs, own_runs


def named_apart() -> Characters:
    """Three alphabets of 6, 4 and 2 characters, four hands; pixel 0 says which class, pixel 1 which hand."""
    images = torch.zeros(12, 4, 28, 28, dtype=torch.uint8)
    images[..., 0, 0] = torch.arange(12, dtype=torch.uint8)[:, None]
    images[..., 0, 1] = torch.arange(4, dtype=torch.uint8)
    alphabets = ["A"] * 6 + ["B"] * 4 + ["C"] * 2
    return Characters(images, tuple(f"{a}/{k}" for k, a in enumerate(alphabets)), tuple(alphabets), "glyphs")


def test_a_run_is_one_alphabet_and_two_hands() -> None:
    runs = own_runs(named_apart(), 40, generator=torch.Generator().manual_seed(0), ways=4)
    shown, asked = ((255 * x[..., 0, 0, :2]).round().long() for x in (runs.support_x, runs.query_x))
    assert shown[..., 0].equal(asked[..., 0]) and runs.query_y[0].tolist() == [0, 1, 2, 3]
    for support, query in zip(shown, asked, strict=True):
        assert len(support[:, 0].unique()) == 4 and (support[:, 0] < 6).unique().numel() == 1
        assert (
            support[:, 1].unique().numel() == query[:, 1].unique().numel() == 1
            and support[0, 1] != query[0, 1]
        )
    with pytest.raises(DataError, match="No alphabet has 7"):
        own_runs(named_apart(), 1, generator=torch.Generator().manual_seed(0), ways=7)


def packed(path: Path, runs: int = 20, above: str = "all_runs/") -> Path:
    """Every picture one black square, whose row says its number; test 01 belongs to class 20, 02 to 19, and so on."""
    with zipfile.ZipFile(path, "w") as archive:
        for run in range(1, runs + 1):
            lines = []
            for k in range(1, 21):
                lines.append(f"run{run:02}/test/item{k:02}.png run{run:02}/training/class{21 - k:02}.png")
                for name in lines[-1].split():
                    pixels = np.full((105, 105), 255, np.uint8)
                    row = int(name[-6:-4])
                    pixels[5 * row : 5 * row + 4, 40:60] = 0
                    held = io.BytesIO()
                    Image.fromarray(pixels).convert("1").save(held, "png")
                    archive.writestr(above + name, held.getvalue())
            archive.writestr(f"{above}run{run:02}/class_labels.txt", "\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("above", ["", "all_runs/"])
def test_the_official_file_is_read_with_its_answers(tmp_path: Path, above: str) -> None:
    runs = official_runs(packed(tmp_path / "all_runs.zip", above=above), whole=True)
    assert runs.support_x.shape == (20, 20, 1, 105, 105) and runs.query_y[3].tolist() == list(
        range(19, -1, -1)
    )
    assert runs.support_x[0, 4, 0, 25:29, 40:60].eq(1).all() and runs.support_x[0, 4].sum() == 80
    small = official_runs(tmp_path / "all_runs.zip")
    assert small.query_x.shape == (20, 20, 1, 28, 28) and 0.5 < small.query_x.max() <= 1


def test_what_is_not_there_or_not_whole_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_runs(tmp_path / "none.zip") is None
    with pytest.raises(DataError, match="download all_runs.zip"):
        official_runs(tmp_path / "none.zip")
    with pytest.raises(DataError, match="not the official"):
        official_runs(packed(tmp_path / "all_runs.zip", runs=2))
    (tmp_path / "bad.zip").write_bytes(b"nothing")
    with pytest.raises(DataError, match="not the official"):
        official_runs(tmp_path / "bad.zip")
    monkeypatch.setenv("MLTEACH_OMNIGLOT", str(tmp_path))
    assert find_runs() == tmp_path / "all_runs.zip"
