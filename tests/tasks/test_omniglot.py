"""Whatever is wrong with the data ends in one sentence that says what to do, and nothing is lost."""

import errno
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mlteach.errors import DataError
from mlteach.tasks import Characters, omniglot

COUNTS = (3, 2)  # characters in the small archives made here
REAL = os.environ.get("MLTEACH_OMNIGLOT")


def png(seed: int, size: int = 105) -> bytes:
    """A picture as in the archives: one bit, ink 0, here a box at a place that depends on the seed."""
    picture = Image.new("1", (size, size), 1)
    left = 5 + seed % 40
    picture.paste(0, (left, 20, left + 40, 80))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def make(folder: Path, change=lambda members: None) -> list[Path]:
    """Two small archives with the layout of the official ones, after ``change`` had its way with the first."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, (name, count) in enumerate(zip(omniglot.ARCHIVES, COUNTS, strict=True)):
        stem = Path(name).stem
        members = {
            f"{stem}/Script{part}/character{c + 1:02d}/{c:04d}_{d + 1:02d}.png": png(part + c * 20 + d)
            for c in range(count)
            for d in range(20)
        }
        if part == 0:
            change(members)
        with zipfile.ZipFile(folder / name, "w") as archive:
            for member, content in members.items():
                # without a date: the same bytes whenever it is made
                archive.writestr(zipfile.ZipInfo(member), content)
    return [folder / name for name in omniglot.ARCHIVES]


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch) -> list[Path]:
    """A project folder and a user's cache folder of this test's own, and no Omniglot known to it."""
    both = [tmp_path / "project", tmp_path / "user"]
    monkeypatch.setattr(omniglot, "folders", lambda: both)
    monkeypatch.delenv("MLTEACH_OMNIGLOT", raising=False)
    monkeypatch.setattr(omniglot, "URL", "http://127.0.0.1:9")  # nobody listens there: no network
    return both


def left_over(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir()) if folder.exists() else []


def refused(archives: list[Path], *words: str) -> None:
    with pytest.raises(DataError) as caught:
        omniglot.cached(archives, COUNTS)
    sentence = str(caught.value)
    assert "\n" not in sentence and sentence.endswith(".") and str(archives[0]) in sentence
    assert "delete it and take the archive from" in sentence
    for word in words:
        assert word in sentence


# What is right


def test_archives_become_one_array_and_are_read_once(tmp_path, places, monkeypatch):
    archives = make(tmp_path / "given")
    images, names = omniglot.cached(archives, COUNTS)
    assert images.shape == (5, 20, 28, 28) and images.dtype == torch.uint8
    assert names[0] == "Script0/character01" and names[-1] == "Script1/character02"
    assert images[0, 0, 10, 5] == 255 and images[0, 0, 0, 0] == 0  # ink is 255
    assert left_over(places[0]) == [omniglot.CACHE]
    monkeypatch.setattr(omniglot, "unpack", lambda *_: pytest.fail("unpacked again"))
    again, same = omniglot.cached(archives, COUNTS)
    assert torch.equal(again, images) and same == names
    for archive in archives:
        archive.unlink()
    assert torch.equal(omniglot.load(download=False)[0], images)  # the cache alone is enough


def test_pictures_are_antialiased():
    shrunk = omniglot.shrink(png(3))
    assert shrunk.shape == (28, 28) and ((shrunk > 20) & (shrunk < 235)).any()


def test_other_archives_mean_another_cache(tmp_path):
    first, _ = omniglot.cached(make(tmp_path / "a"), COUNTS)
    second, _ = omniglot.cached(make(tmp_path / "b", lambda m: m.update({next(iter(m)): png(39)})), COUNTS)
    assert not torch.equal(first, second)


def test_where_the_archives_are_looked_for(tmp_path, places, monkeypatch):
    assert omniglot.find() == []
    in_project = make(places[0])
    assert omniglot.find() == in_project
    named = make(tmp_path / "named")
    monkeypatch.setenv("MLTEACH_OMNIGLOT", str(tmp_path / "named"))
    assert omniglot.find() == named
    assert omniglot.find(make(tmp_path / "given")[0].parent) == [
        tmp_path / "given" / name for name in omniglot.ARCHIVES
    ]


def test_the_project_is_found_from_the_package_and_else_from_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.undo()
    root = Path(__file__).parents[2]
    (tmp_path / "mlteach").mkdir()
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path / "notebooks")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert omniglot.folders() == [root / "data" / "omniglot", tmp_path / "cache" / "mlteach" / "omniglot"]
    monkeypatch.setattr(omniglot, "__file__", "/elsewhere/mlteach/tasks/omniglot.py")  # an installed package
    assert omniglot.folders()[0] == tmp_path / "data" / "omniglot"


@pytest.mark.skipif(not REAL, reason="the environment variable MLTEACH_OMNIGLOT is not set")
def test_the_real_thing(monkeypatch):
    monkeypatch.undo()
    characters = Characters.omniglot(download=False)
    assert characters.images.shape == (1623, 20, 28, 28) and len(set(characters.alphabets)) == 50
    assert (
        characters.names[0] == "Alphabet_of_the_Magi/character01"
        and characters.names[-1] == "ULOG/character26"
    )
    with zipfile.ZipFile(Path(REAL) / "images_evaluation.zip") as archive:
        member = sorted(n for n in archive.namelist() if "/Tibetan/character07/" in n and n.endswith(".png"))[
            4
        ]
        shrunk = omniglot.shrink(archive.read(member))
    row = characters.names.index("Tibetan/character07")
    np.testing.assert_array_equal(characters.images[row, 4].numpy(), shrunk)
    assert (
        60 < characters.images.double().div(255).sum((2, 3)).mean() < 70
    )  # pixels of ink: few, so ink is not paper


# What is wrong with an archive


def test_truncated_archive(tmp_path, places):
    archives = make(tmp_path / "given")
    whole = archives[0].read_bytes()
    archives[0].write_bytes(whole[: len(whole) // 2])
    refused(archives, "cut short or damaged")
    assert left_over(places[0]) == []  # no cache, no lock, nothing half written
    archives[0].write_bytes(whole)
    assert len(omniglot.cached(archives, COUNTS)[1]) == 5


def test_damaged_picture(tmp_path):
    refused(
        make(tmp_path / "given", lambda m: m.update({next(iter(m)): b"no picture"})), "cut short or damaged"
    )


def test_picture_of_another_size(tmp_path):
    refused(
        make(tmp_path / "given", lambda m: m.update({next(iter(m)): png(0, 64)})), "64 x 64, not 105 x 105"
    )


@pytest.mark.parametrize(
    "path", ["../evil.png", "/etc/evil.png", "images_background/../../evil.png", "C:/evil.png"]
)
def test_path_that_leaves_its_folder(tmp_path, places, path):
    refused(make(tmp_path / "given", lambda m: m.update({path: png(0)})), path, "nothing was unpacked")
    assert not list(tmp_path.rglob("evil.png")) and left_over(places[0]) == []


def test_missing_character(tmp_path):
    def drop(members):
        for name in [each for each in members if "character02" in each]:
            del members[name]

    refused(make(tmp_path / "given", drop), "holds 2 characters where 3 belong")


def test_missing_drawer(tmp_path):
    refused(
        make(tmp_path / "given", lambda m: m.pop(next(iter(m)))), "Script0/character01 has 19 of 20 pictures"
    )


# No data


def test_folder_without_archives(tmp_path, monkeypatch):
    with pytest.raises(
        DataError, match="holds no images_background.zip and no images_evaluation.zip; name the folder"
    ):
        Characters.omniglot(tmp_path)
    monkeypatch.setenv("MLTEACH_OMNIGLOT", str(tmp_path))
    with pytest.raises(DataError, match="which MLTEACH_OMNIGLOT names, holds no"):
        Characters.omniglot()


def test_no_network_and_no_data(places, capsys):
    with pytest.raises(
        DataError, match="downloaded .the network answered with ConnectionError.; .*put them into .*project"
    ) as caught:
        Characters.omniglot()
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="ruled out; allow that, or download images_background.zip"):
        Characters.omniglot(download=False)
    capsys.readouterr()
    characters = Characters.load()
    printed = capsys.readouterr().out
    assert characters.source == "glyphs" and printed.count("\n") == 1
    assert printed.startswith("Going on with procedural glyphs in place of Omniglot: Omniglot is not here")
    assert left_over(places[0]) == []


def test_download_with_a_wrong_checksum_is_not_kept(places, tmp_path, monkeypatch):
    make(tmp_path / "mirror")
    monkeypatch.setattr(omniglot, "URL", (tmp_path / "mirror").as_uri())
    pooch = pytest.importorskip("pooch")

    def from_disk(url, known_hash, fname, path, progressbar):
        def copy(url, output_file, _):
            Path(output_file).write_bytes((tmp_path / "mirror" / fname).read_bytes())

        return retrieve(url, known_hash, fname=fname, path=path, downloader=copy)

    retrieve = pooch.retrieve
    monkeypatch.setattr(pooch, "retrieve", from_disk)
    with pytest.raises(DataError, match="MD5 hash of downloaded file .* does not match"):
        omniglot.load()
    assert left_over(places[0]) == []
    right = {name: pooch.file_hash(str(tmp_path / "mirror" / name), alg="md5") for name in omniglot.ARCHIVES}
    monkeypatch.setattr(omniglot, "ARCHIVES", right)
    assert [each.parent for each in omniglot.fetch(True)] == [places[0]] * 2
    assert left_over(places[0]) == sorted(right)


# Nowhere to put it


def refuse_in(monkeypatch, folders: list[Path], number: int, name: str) -> None:
    """Writing into these folders fails with this error of the system."""
    original = getattr(omniglot, name)

    def failing(path, *rest):
        if Path(path).parent in folders:
            raise OSError(number, os.strerror(number), str(path))
        return original(path, *rest)

    monkeypatch.setattr(omniglot, name, failing)


@pytest.mark.parametrize(
    ("number", "name"), [(errno.EACCES, "lock"), (errno.EROFS, "lock"), (errno.ENOSPC, "write_atomic")]
)
def test_read_only_or_full_folder_sends_the_cache_to_the_users_own(
    tmp_path, places, monkeypatch, capsys, number, name
):
    refuse_in(monkeypatch, places[:1], number, name)
    images, _ = omniglot.cached(make(tmp_path / "given"), COUNTS)
    assert left_over(places[0]) == [] and left_over(places[1]) == [omniglot.CACHE]
    monkeypatch.setattr(omniglot, "unpack", lambda *_: pytest.fail("unpacked again"))
    assert torch.equal(omniglot.cached(make(tmp_path / "given"), COUNTS)[0], images)


@pytest.mark.parametrize(("number", "name"), [(errno.EACCES, "lock"), (errno.ENOSPC, "write_atomic")])
def test_no_room_anywhere_keeps_the_pictures_in_memory(tmp_path, places, monkeypatch, capsys, number, name):
    refuse_in(monkeypatch, places, number, name)
    calls = []
    unpack = omniglot.unpack
    monkeypatch.setattr(omniglot, "unpack", lambda *given: calls.append(1) or unpack(*given))
    images, names = omniglot.cached(make(tmp_path / "given"), COUNTS)
    assert len(images) == len(names) == 5 and len(calls) == 1
    printed = capsys.readouterr().err
    assert "in memory and complete, but could not be kept" in printed and os.strerror(number) in printed
    assert left_over(places[0]) == left_over(places[1]) == []


def test_full_disk_while_downloading_ends_in_a_sentence(places, monkeypatch):
    refuse_in(monkeypatch, places, errno.ENOSPC, "lock")
    with pytest.raises(DataError, match="could not be downloaded .*No space left"):
        omniglot.load()


# The cache


def spoil_pixels(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1000] ^= 255
    path.write_bytes(content)


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_pixels,
        lambda p: p.write_bytes(p.read_bytes()[:-5000]),
        lambda p: p.write_bytes(b""),
        lambda p: p.write_text("x" * 99),
    ],
    ids=["one pixel", "cut short", "empty", "no safetensors"],
)
def test_corrupt_cache_is_built_anew(tmp_path, places, spoil):
    archives = make(tmp_path / "given")
    images, _ = omniglot.cached(archives, COUNTS)
    spoil(places[0] / omniglot.CACHE)
    assert omniglot.read_cache(places[0] / omniglot.CACHE, None) is None
    assert torch.equal(omniglot.cached(archives, COUNTS)[0], images)
    assert omniglot.read_cache(places[0] / omniglot.CACHE, None) is not None


def test_interrupted_unpacking_leaves_nothing_behind(tmp_path, places, monkeypatch):
    archives = make(tmp_path / "given")
    shrink, seen = omniglot.shrink, []

    def interrupted(content):
        seen.append(1)
        if len(seen) > 30:
            raise KeyboardInterrupt
        return shrink(content)

    with monkeypatch.context() as patch:
        patch.setattr(omniglot, "shrink", interrupted)
        with pytest.raises(KeyboardInterrupt):
            omniglot.cached(archives, COUNTS)
    assert left_over(places[0]) == []
    assert len(omniglot.cached(archives, COUNTS)[1]) == 5


BUILDER = """
import os, sys, time
from pathlib import Path
from mlteach.tasks import omniglot
here = Path(sys.argv[1])
omniglot.folders = lambda: [here / "cache"]
unpack = omniglot.unpack
def slow(*args):
    print("unpacked")
    time.sleep(0.5)
    return unpack(*args)
omniglot.unpack = slow
(here / f"ready{os.getpid()}").touch()
while len(list(here.glob("ready*"))) < 2:  # both begin together
    time.sleep(0.01)
print(len(omniglot.cached([here / "given" / name for name in omniglot.ARCHIVES], (3, 2))[1]), "classes")
"""


def test_two_processes_at_once_unpack_once(tmp_path):
    make(tmp_path / "given")
    command = [sys.executable, "-c", BUILDER, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(Path(omniglot.__file__).parents[2])}
    pipe = subprocess.PIPE
    two = [subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment) for _ in range(2)]
    said = [each.communicate(timeout=120) for each in two]
    assert [out.count("5 classes") for out, _ in said] == [1, 1], said
    assert sum(out.count("unpacked") for out, _ in said) == 1, said
    assert left_over(tmp_path / "cache") == [omniglot.CACHE]
