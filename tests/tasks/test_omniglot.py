"""Whatever is wrong with the data ends in one sentence that says what to do, and nothing is lost."""

import errno
import hashlib
import io
import os
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file

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
    with pytest.raises(DataError, match="Omniglot is not here"):  # another cache than Omniglot's is not
        omniglot.load(download=False)
    monkeypatch.setattr(omniglot, "official", lambda loaded: True)
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


def picture(kind: str = "PNG", mode: str = "1", size: int = 105, ink: int = 0) -> bytes:
    drawn = Image.new("1", (size, size), 1 - ink)
    drawn.paste(ink, (5, 20, 45, 80))
    out = io.BytesIO()
    drawn.convert(mode).save(out, kind)
    return out.getvalue()


def first(change):
    """A change of the first picture."""
    return lambda members: members.update({next(iter(members)): change})


def rename(old: str, new: str):
    def change(members):
        for name in list(members):
            members[name.replace(old, new, 1)] = members.pop(name)

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (first(picture("GIF")), "a picture is no PNG"),
        (first(picture("JPEG", "L")), "a picture is no PNG"),
        (first(picture(mode="RGBA")), "in colours or grey levels (RGBA)"),
        (first(picture(mode="L")), "in colours or grey levels (L)"),
        (first(picture(ink=1)), "mostly ink, so black and white are exchanged"),
        (first(picture()[:60]), "cut short or damaged"),
        (first(picture()[:20]), "cut short or damaged"),
        (first(omniglot.PNG), "not 105 x 105"),
        (first(b""), "a picture is no PNG"),
        (first(png(0)[:16] + (30000).to_bytes(4) * 2 + png(0)[24:]), "30000 x 30000, not 105 x 105"),
        (first(bytes(2**20)), "a picture of 1,048,576 bytes"),
        (rename("character01", "character1"), "not how Omniglot calls a picture"),
        (rename("/0000_01", "/0000_01 (copy)"), "not how Omniglot calls a picture"),
        (rename("character01/0000", "character01/oooo"), "not how Omniglot calls a picture"),
    ],
)
def test_pictures_that_are_none_of_omniglot(tmp_path, places, change, words, recwarn):
    refused(make(tmp_path / "given", change), words)
    assert left_over(places[0]) == [] and not recwarn.list


def patched(archive: Path, change) -> None:
    """The archive after ``change`` had its way with the header of its first member, in both places where it stands."""
    content = bytearray(archive.read_bytes())
    change(content, content.index(b"PK\x03\x04"), content.index(b"PK\x01\x02"))
    archive.write_bytes(content)


def encrypted(content, local, central):
    content[local + 6] |= 1
    content[central + 8] |= 1


def lying(content, local, central):
    """It says that a picture of 9,999 bytes unpacks to 100."""
    content[local + 22 : local + 26] = content[central + 24 : central + 28] = (100).to_bytes(4, "little")


def unknown_packing(content, local, central):
    content[local + 8] = content[central + 10] = 99


def wrong_sum(content, local, central):
    content[local + 14] ^= 1
    content[central + 16] ^= 1


@pytest.mark.parametrize(
    ("change", "words"),
    [(encrypted, "which is encrypted"), (lying, "cut short or damaged"), (unknown_packing, "packed in an unusual way"), (wrong_sum, "cut short or damaged")],
)  # fmt: skip
def test_members_that_are_not_what_they_declare(tmp_path, change, words):
    archives = make(tmp_path / "given", first(png(0) + bytes(9000)))
    patched(archives[0], change)
    refused(archives, words)


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    archives = make(tmp_path / "given")
    with zipfile.ZipFile(archives[0], "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images_background/Script0/character01/0000_01.png", bytes(2**26))
        archive.writestr("images_background/readme.txt", bytes(2**20))
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("it was unpacked"))
    refused(archives, "a picture of 67,108,864 bytes")


def test_a_member_that_unpacks_to_more_than_it_says_is_read_no_further(tmp_path):
    archives = make(tmp_path / "given")
    with zipfile.ZipFile(archives[0], "w", zipfile.ZIP_DEFLATED) as archive:
        for character in (1, 2, 3):
            for drawer in range(1, 21):
                member = f"images_background/Script0/character{character:02d}/0000_{drawer:02d}.png"
                archive.writestr(member, bytes(2**24) if character == drawer == 1 else png(0))
    content = archives[0].read_bytes()
    archives[0].write_bytes(content.replace((2**24).to_bytes(4, "little"), (600).to_bytes(4, "little")))
    tracemalloc.start()
    refused(archives, "cut short or damaged")
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


def test_an_archive_that_is_far_too_large_or_unreadable_is_not_read(tmp_path, monkeypatch):
    archives = make(tmp_path / "given")
    with monkeypatch.context() as patch:
        patch.setattr(omniglot, "LARGEST_ARCHIVE", 1000)
        refused(archives, "far more than Omniglot needs")

    def denied(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "read_bytes", denied)
    refused(archives, "cannot be read (Permission denied); make it readable for you, or delete it")


def test_of_omniglots_own_number_of_characters_the_content_must_be_omniglots(tmp_path, places, monkeypatch):
    """As for the official archives, with the small ones in their place: whoever packed them, nothing else passes."""
    archives = make(tmp_path / "given")
    monkeypatch.setattr(omniglot, "COUNTS", COUNTS)
    refused(archives, "has the layout of Omniglot, but other pictures or names")
    content = {}
    for archive in archives:
        whole = hashlib.sha256()
        with zipfile.ZipFile(archive) as opened:
            for name in sorted(opened.namelist()):
                pixels = np.packbits(omniglot.bitmap(opened.read(name)))
                whole.update(name.partition("/")[2].encode() + b"\0" + pixels.tobytes())
        content[archive.name] = whole.hexdigest()
    monkeypatch.setattr(omniglot, "CONTENT", content)
    images, names = omniglot.cached(archives, COUNTS)
    monkeypatch.setattr(omniglot, "ARRAY", omniglot._checksum(images, names))
    assert torch.equal(omniglot.load(download=False)[0], images)

    def swap(members):
        a, b, *_ = members
        members[a], members[b] = members[b], members[a]

    def repack(members):  # in another order, with a file of the packer's own
        for name in sorted(members, reverse=True):
            members[name] = members.pop(name)
        members["__MACOSX/images_background/._Script0"] = b"x"

    assert torch.equal(omniglot.cached(make(tmp_path / "repacked", repack), COUNTS)[0], images)
    for number, change in enumerate(
        (swap, first(png(7)), rename("Script0", "Script9"), rename("0000_01", "0009_01"))
    ):
        other = make(tmp_path / f"other{number}", change)
        refused(other, "has the layout of Omniglot, but other pictures or names")

    # and the cache: another array with a checksum of its own is made anew, and alone is not Omniglot
    made_of = " ".join(map(omniglot._digest, archives))
    omniglot.write_cache(places[0] / omniglot.CACHE, (255 - images, names), made_of)
    assert torch.equal(omniglot.cached(archives, COUNTS)[0], images)
    omniglot.write_cache(places[0] / omniglot.CACHE, (images, names[::-1]), made_of)
    with pytest.raises(DataError, match="Omniglot is not here"):
        omniglot.load(download=False)


# No data


def test_folder_without_archives(tmp_path, monkeypatch):
    with pytest.raises(
        DataError, match="holds no images_background.zip and no images_evaluation.zip; name the folder"
    ):
        Characters.omniglot(tmp_path)
    monkeypatch.setenv("MLTEACH_OMNIGLOT", str(tmp_path))
    with pytest.raises(DataError, match="which MLTEACH_OMNIGLOT names, holds no"):
        Characters.omniglot()


@pytest.mark.parametrize("name", ["~nosuchuser", "~nosuchuser/omniglot"])
def test_a_home_that_nobody_has(monkeypatch, name):
    with pytest.raises(DataError, match=f"The folder {name} cannot be found .*; write its whole path."):
        Characters.omniglot(name)
    monkeypatch.setenv("MLTEACH_OMNIGLOT", name)
    with pytest.raises(DataError, match=f"The folder {name}, which MLTEACH_OMNIGLOT names, cannot be found"):
        Characters.omniglot()


def test_a_home_of_ones_own_and_a_folder_that_cannot_be_looked_into(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    make(tmp_path / "given")
    assert omniglot.find("~/given")[0] == tmp_path / "given" / "images_background.zip"
    with pytest.raises(DataError, match="cannot be looked into .*File name too long"):
        omniglot.find("x" * 5000)


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


def rewrite(path: Path, images: torch.Tensor | None = None, **about: str | None) -> None:
    """The cache with other pictures or another word about them; None leaves the word out."""
    with safe_open(path, "pt") as stored:
        whole = stored.metadata() | about
        images = stored.get_tensor("images") if images is None else images
    save_file({"images": images}, path, {name: word for name, word in whole.items() if word is not None})


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_pixels,
        lambda p: p.write_bytes(p.read_bytes()[:-5000]),
        lambda p: p.write_bytes(b""),
        lambda p: p.write_text("x" * 99),
        lambda p: rewrite(p, images=torch.zeros(5, 20, 28, 27, dtype=torch.uint8)),
        lambda p: rewrite(p, images=torch.zeros(5, 20, 28, 28)),
        lambda p: rewrite(p, images=torch.zeros(4, 20, 28, 28, dtype=torch.uint8)),
        lambda p: rewrite(p, names="{"),
        lambda p: rewrite(p, names="5"),
        lambda p: rewrite(p, names='["a", 1, null, {}, []]'),
        lambda p: rewrite(p, checksum="0"),
        lambda p: rewrite(p, checksum=None),
        lambda p: rewrite(p, made_of=None),
        lambda p: save_file({"other": torch.zeros(3)}, p),
        lambda p: (p.unlink(), p.symlink_to("nowhere")),
    ],
    ids=["one pixel", "cut short", "empty", "no safetensors", "shape", "dtype", "count", "no JSON", "no list", "no names", "sum",
         "no sum", "of nothing", "foreign", "a dangling link"],
)  # fmt: skip
def test_corrupt_cache_is_built_anew(tmp_path, places, spoil):
    archives = make(tmp_path / "given")
    images, _ = omniglot.cached(archives, COUNTS)
    spoil(places[0] / omniglot.CACHE)
    assert omniglot.read_cache(places[0] / omniglot.CACHE, None) is None
    assert torch.equal(omniglot.cached(archives, COUNTS)[0], images)
    assert omniglot.read_cache(places[0] / omniglot.CACHE, None) is not None


def test_a_folder_in_the_place_of_the_cache_is_left_alone(tmp_path, places):
    (places[0] / omniglot.CACHE / "mine").mkdir(parents=True)
    images, _ = omniglot.cached(make(tmp_path / "given"), COUNTS)
    assert (places[0] / omniglot.CACHE / "mine").is_dir() and left_over(places[1]) == [omniglot.CACHE]


def test_interrupted_unpacking_leaves_nothing_behind(tmp_path, places, monkeypatch):
    archives = make(tmp_path / "given")
    shrunk, seen = omniglot.shrunk, []

    def interrupted(content):
        seen.append(1)
        if len(seen) > 30:
            raise KeyboardInterrupt
        return shrunk(content)

    with monkeypatch.context() as patch:
        patch.setattr(omniglot, "shrunk", interrupted)
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
