"""Cases of the data: Omniglot's archives, the cached array, recorded numbers."""

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file

from mlteach.measure import ledger
from mlteach.tasks import Characters, lake, mini_imagenet, omniglot
from tests.robustness.table import Room, case

ARCHIVES, CACHE, NUMBERS = "Archives of Omniglot", "The cached array", "Recorded numbers"
RUNS = "The official runs of Lake's test"
PHOTOGRAPHS = "The photographs of miniImageNet"
COUNTS = (1, 1)
FIRST = "images_background/Script/character01/0001_01.png"
Members = dict[str, bytes]


def picture(number: int = 0, kind: str = "PNG", mode: str = "1", ink: int = 0) -> bytes:
    drawn = Image.new("1", (105, 105), 1 - ink)
    drawn.paste(ink, (5 + number, 20, 45 + number, 80))
    out = io.BytesIO()
    drawn.convert(mode).save(out, kind)
    return out.getvalue()


def archives(room: Room, change: Callable[[Members], object] = lambda members: None) -> list[Path]:
    """Two archives of one character each, after ``change`` had its way with the first."""
    room.patch.setattr(omniglot, "folders", lambda: [room.folder / "cache"])
    room.patch.setattr(omniglot, "URL", "URL")
    room.patch.delenv("MLTEACH_OMNIGLOT", raising=False)
    for part, name in enumerate(omniglot.ARCHIVES):
        members = {
            f"{Path(name).stem}/Script/character01/{part + 1:04d}_{d + 1:02d}.png": picture(d)
            for d in range(20)
        }
        if part == 0:
            change(members)
        with zipfile.ZipFile(room.folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in members.items():
                archive.writestr(member, content)
    return [room.folder / name for name in omniglot.ARCHIVES]


def end(sentence: str = "or leave it out to have it downloaded") -> str:
    return f"; delete it and take the archive from URL, {sentence}."


CUT = "…images_background.zip is cut short or damaged ({})" + end()
NOT = '…images_background.zip holds "{}", {}, so it is not the original and nothing was unpacked; delete it and take the archive from URL.'


def replaced(content: bytes) -> Callable[[Members], object]:
    return lambda members: members.update({FIRST: content})


def renamed(new: str) -> Callable[[Members], object]:
    return lambda members: members.update({new: members.pop(FIRST)})


for wrong, change, said in (
    ("a GIF named .png", replaced(picture(kind="GIF")), CUT.format("a picture is no PNG")),
    ("a picture in colours", replaced(picture(mode="RGBA")), CUT.format("a picture is in colours or grey levels (RGBA), not black and white")),
    ("inverted ink", replaced(picture(ink=1)), CUT.format("a picture is mostly ink, so black and white are exchanged")),
    ("a picture of 30000 x 30000", replaced(picture()[:16] + (30000).to_bytes(4) * 2 + picture()[24:]), CUT.format("a picture is 30000 x 30000, not 105 x 105")),
    ("a picture cut short", replaced(picture()[:60]), CUT.format("…")),
    ("a bomb: 64 MB of nothing, well packed", replaced(bytes(2**26)), NOT.format(FIRST, "a picture of 67,108,864 bytes")),
    ("a mangled name", renamed(FIRST.replace("character01", "charact\u00e9r01")), NOT.format("…", "which is not how Omniglot calls a picture")),
    ("a path that leaves its folder", renamed("images_background/../../evil.png"), NOT.format("images_background/../../evil.png", "a path that leaves its folder")),
    ("a drawer is missing", lambda m: m.pop(FIRST), "…images_background.zip holds 1 characters where 1 belong (Script/character01 has 19 of 20 pictures)" + end()),
):  # fmt: skip

    @case(ARCHIVES, wrong, said)
    def bad_member(room: Room, change=change) -> None:
        omniglot.cached(archives(room, change), COUNTS)


@case(
    ARCHIVES,
    "a picture twice, another missing",
    "…images_background.zip has the layout of Omniglot, but other pictures or names" + end(),
)
def picture_twice(room: Room) -> None:
    """Whatever `archives` makes is not Omniglot's content: told as soon as there are as many characters as Omniglot has."""
    room.patch.setattr(omniglot, "COUNTS", COUNTS)
    omniglot.cached(archives(room, replaced(picture(1))), COUNTS)


@case(ARCHIVES, "an encrypted member", NOT.format(FIRST, "which is encrypted"))
def encrypted(room: Room) -> None:
    found = archives(room)
    content = bytearray(found[0].read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    found[0].write_bytes(content)
    omniglot.cached(found, COUNTS)


@case(ARCHIVES, "an archive cut short", CUT.format("…"))
def cut_short(room: Room) -> None:
    found = archives(room)
    found[0].write_bytes(found[0].read_bytes()[:2000])
    omniglot.cached(found, COUNTS)


@case(
    ARCHIVES,
    "an archive that may not be read",
    "…images_background.zip cannot be read (Permission denied); make it readable for you, or delete it and take the archive "
    "from URL.",
)
def unreadable(room: Room) -> None:
    def denied(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    found = archives(room)
    room.patch.setattr(Path, "read_bytes", denied)
    omniglot.cached(found, COUNTS)


@case(
    ARCHIVES,
    "a file of 3 GB in the place of an archive",
    "…images_background.zip is 3,072 MB, far more than Omniglot needs; delete it and take the archive from URL.",
)
def huge(room: Room) -> None:
    found = archives(room)
    with open(found[0], "wb") as file:
        file.truncate(3 * 2**30)
    omniglot.cached(found, COUNTS)


@case(
    ARCHIVES,
    "MLTEACH_OMNIGLOT=~nosuchuser",
    "The folder ~nosuchuser, which MLTEACH_OMNIGLOT names, cannot be found (…); write its whole path.",
)
def nobody(room: Room) -> None:
    room.patch.setenv("MLTEACH_OMNIGLOT", "~nosuchuser")
    Characters.omniglot()


@case(
    ARCHIVES,
    "a folder without the archives",
    "The folder …, which MLTEACH_OMNIGLOT names, holds no images_background.zip and no images_evaluation.zip; name the folder "
    "that holds both archives of Omniglot, or none to let them be downloaded from ….",
)
def empty_folder(room: Room) -> None:
    room.patch.setenv("MLTEACH_OMNIGLOT", str(room.folder))
    Characters.omniglot()


@case(
    ARCHIVES,
    "no data and no network",
    "Omniglot is not here and could not be downloaded (the network answered with …); download images_background.zip and "
    "images_evaluation.zip from … on another machine and put them into …, or name their folder in the environment variable "
    "MLTEACH_OMNIGLOT.",
)
def no_network(room: Room) -> None:
    room.patch.setattr(omniglot, "folders", lambda: [room.folder])
    room.patch.setattr(omniglot, "URL", "http://127.0.0.1:9")
    room.patch.delenv("MLTEACH_OMNIGLOT", raising=False)
    Characters.omniglot()


# The cached array


def spoil_bytes(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1000] ^= 255
    path.write_bytes(content)


for wrong, spoil in (
    ("one pixel differs", spoil_bytes),
    ("it is cut short", lambda p: p.write_bytes(p.read_bytes()[:-500])),
    ("it is empty", lambda p: p.write_bytes(b"")),
    ("it is another file", lambda p: p.write_text("hello" * 99)),
    ("it holds other tensors", lambda p: save_file({"x": torch.zeros(3)}, p)),
    ("its pictures have another shape", lambda p: save_file({"images": torch.zeros(2, 20, 27, 28, dtype=torch.uint8)}, p, {"names": '["a", "b"]', "checksum": "", "made_of": ""})),
    ("its pictures have another type", lambda p: save_file({"images": torch.zeros(2, 20, 28, 28)}, p, {"names": '["a", "b"]', "checksum": "", "made_of": ""})),
    ("its names are no JSON", lambda p: save_file({"images": torch.zeros(2, 20, 28, 28, dtype=torch.uint8)}, p, {"names": "{", "checksum": "", "made_of": ""})),
    ("it is a link into the void", lambda p: (p.unlink(), p.symlink_to("nowhere"))),
):  # fmt: skip

    @case(CACHE, f"{wrong}: it is made anew")
    def bad_cache(room: Room, spoil=spoil) -> None:
        found = archives(room)
        images, _ = omniglot.cached(found, COUNTS)
        spoil(room.folder / "cache" / omniglot.CACHE)
        assert torch.equal(omniglot.cached(found, COUNTS)[0], images)
        assert omniglot.read_cache(room.folder / "cache" / omniglot.CACHE, None)


@case(
    CACHE, "a process was killed while it unpacked, and left its lock, dated in the future: it is made anew"
)
def killed(room: Room) -> None:
    left = room.folder / "cache" / f"{omniglot.CACHE}.lock"
    left.parent.mkdir()
    left.write_text("process 1 on elsewhere\n")
    os.utime(left, (2**32, 2**32))
    omniglot.cached(archives(room), COUNTS)
    assert omniglot.read_cache(left.with_name(omniglot.CACHE), None)


@case(
    CACHE,
    "it holds something else than Omniglot, with a right checksum, and the archives are not here",
    "Omniglot is not here, and downloading it was ruled out; allow that, or download …",
)
def foreign_cache(room: Room) -> None:
    for each in archives(room):
        each.unlink()
    images = torch.zeros(2, 20, 28, 28, dtype=torch.uint8)
    (room.folder / "cache").mkdir()
    omniglot.write_cache(
        room.folder / "cache" / omniglot.CACHE, (images, ("A/character01", "B/character01")), ""
    )
    Characters.omniglot(download=False)


@case(
    CACHE,
    "a folder stands in its place",
    "Omniglot is in memory and complete, but could not be kept in … (… Is a directory: …), so the next start unpacks it again. Make room there or make the folder writable.",
)
def folder_as_cache(room: Room) -> None:
    (room.folder / "cache" / omniglot.CACHE / "mine").mkdir(parents=True)
    omniglot.cached(archives(room), COUNTS)


# Recorded numbers


def numbers(room: Room, name: str, content: str) -> None:
    """A course's data folder in which one file holds ``content``."""
    (room.folder / "data" / "results").mkdir(parents=True)
    (room.folder / "data" / "published.json").write_text("{}")
    (room.folder / "data" / name).write_text(content)
    room.patch.chdir(room.folder)


BACK = "`git checkout data/{}` brings the stored one back."


@case(
    RUNS,
    "all_runs.zip is nowhere",
    "The official runs are not here; download all_runs.zip from https://github.com/brendenlake/omniglot/… and put it beside "
    "Omniglot's archives, into ….",
)
def no_runs(room: Room) -> None:
    lake.official_runs(room.folder / "all_runs.zip")


@case(
    RUNS,
    "all_runs.zip is no archive",
    "…all_runs.zip is not the official all_runs.zip (File is not a zip file); download it again from https://github.com/…",
)
def torn_runs(room: Room) -> None:
    (room.folder / "all_runs.zip").write_bytes(b"half of it")
    lake.official_runs(room.folder / "all_runs.zip")


def photographs(room: Room, change: Callable[[Path], object] = lambda folder: None) -> Path:
    """A folder of three lists of one class with two photographs each, after ``change`` had its way with it."""
    room.patch.setattr(
        omniglot, "folders", lambda: [room.folder / "project" / "x", room.folder / "user" / "x"]
    )
    room.patch.delenv("MLTEACH_MINIIMAGENET", raising=False)
    folder = room.folder / "given"
    (folder / "images").mkdir(parents=True)
    for number, part in enumerate(("train", "val", "test")):
        names = [f"n0{number}{k}.jpg" for k in range(2)]
        for name in names:
            Image.new("RGB", (40, 30), (90, 60, 30)).save(folder / "images" / name)
        lines = ["filename,label", *(f"{name},n0{number}" for name in names)]
        (folder / f"{part}.csv").write_text("\n".join(lines) + "\n")
    change(folder)
    return folder


def rewritten(name: str, old: str, new: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text((folder / name).read_text().replace(old, new))


def only_pickles(folder: Path) -> None:
    for each in folder.glob("*.csv"):
        each.unlink()
    (folder / "mini-imagenet-cache-train.pkl").write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")


AT = "the list from https://github.com/twitter-research/meta-learning-lstm/tree/master/data/miniImagenet."
for wrong, spoil, said in (
    ("a list lies elsewhere", lambda folder: (folder / "val.csv").unlink(), "The folder …given holds no val.csv; name the folder that holds train.csv, val.csv, test.csv and the folder images/. The lists are at https://github.com/…."),
    ("only the caches that others pickled are there: none is opened", only_pickles, "The folder …given holds no train.csv and no val.csv and no test.csv, but mini-imagenet-cache-train.pkl, which is not opened: a pickle can run any program. Get the photographs themselves, and put train.csv, val.csv, test.csv and the folder images/ there; the lists are at https://github.com/…."),
    ("a list without its header", rewritten("train.csv", "filename,label\n", ""), f"…train.csv does not begin with the line filename,label; write that line above the others, or take {AT}"),
    ("a list is no text", lambda folder: (folder / "test.csv").write_bytes(b"\xff\xfe\x00"), f"…test.csv cannot be read (…); make it readable for you, or take {AT}"),
    ("a line that leaves the folder", rewritten("test.csv", "n020.jpg", "../n020.jpg"), f'…test.csv has the line "../n020.jpg,n02", which is no name of a picture with its label; take {AT}'),
    ("a class with too few pictures", rewritten("val.csv", "n011.jpg,n01\n", ""), f"…val.csv lists 1 pictures of the class n01 where 2 belong; take {AT}"),
    ("a class is missing", rewritten("test.csv", "n020.jpg,n02\nn021.jpg,n02\n", ""), f"…test.csv lists 0 classes where 1 belong; take {AT}"),
    ("two lists share a class", rewritten("test.csv", ",n02", ",n00"), "n00 is listed twice, in train.csv and test.csv of …given; a class belongs in one list, or what is tested on was trained on. Take the lists from https://github.com/…."),
    ("a photograph that a list names is missing", lambda folder: (folder / "images" / "n021.jpg").unlink(), "…n021.jpg is not there, though a list names it; unpack the photographs into …images again, all of them."),
    ("a photograph is cut short", lambda folder: (folder / "images" / "n000.jpg").write_bytes((folder / "images" / "n001.jpg").read_bytes()[:400]), "…n000.jpg is damaged or no JPEG (…); replace it by the photograph of that name, then try again."),
    ("the folder cannot be written to: it is read, and kept in the user's cache folder", lambda folder: (folder / mini_imagenet.CACHE).mkdir(), ""),
):  # fmt: skip

    @case(PHOTOGRAPHS, wrong, said)
    def bad_photographs(room: Room, spoil: Callable[[Path], object] = spoil) -> None:
        split = mini_imagenet.load(photographs(room, spoil), counts=(1, 1, 1), pictures=2)
        assert (
            split.test.images.shape == (1, 2, 28, 28)
            and len(list(room.folder.glob("user/**/*.safetensors"))) == 1
        )


@case(
    PHOTOGRAPHS,
    "they are nowhere",
    "miniImageNet is not here, and it may not be passed on, so it is not downloaded; put train.csv, val.csv, test.csv and the folder "
    "images/ into …mini-imagenet, or name their folder in the environment variable MLTEACH_MINIIMAGENET. The lists are at "
    "https://github.com/…, the photographs in ImageNet (ILSVRC 2012).",
)
def no_photographs(room: Room) -> None:
    photographs(room)
    mini_imagenet.load()


@case(
    PHOTOGRAPHS,
    "MLTEACH_MINIIMAGENET=~nosuchuser",
    "The folder ~nosuchuser, which MLTEACH_MINIIMAGENET names, cannot be found (…); write its whole path.",
)
def nobody_s_photographs(room: Room) -> None:
    room.patch.setenv("MLTEACH_MINIIMAGENET", "~nosuchuser")
    mini_imagenet.load()


@case(
    NUMBERS, "a record is no JSON", "…98-smoke.json is no JSON (…). " + BACK.format("results/98-smoke.json")
)
def record_no_json(room: Room) -> None:
    numbers(room, "results/98-smoke.json", "{")
    ledger.recorded("98", "smoke")


@case(
    NUMBERS,
    "a record holds NaN",
    "…98-smoke.json is no JSON (NaN is no number of JSON). " + BACK.format("results/98-smoke.json"),
)
def record_nan(room: Room) -> None:
    numbers(room, "results/98-smoke.json", '{"figures": [{"name": "x", "value": NaN}]}')
    ledger.recorded("98", "smoke")


@case(
    NUMBERS,
    "a record holds no figures",
    "…98-smoke.json is not a whole record: its figures have no names. "
    + BACK.format("results/98-smoke.json"),
)
def record_empty(room: Room) -> None:
    numbers(room, "results/98-smoke.json", '{"figures": [{}]}')
    ledger.recorded("98", "smoke")


@case(
    NUMBERS,
    "the published numbers are no JSON",
    "…published.json is no JSON (…). " + BACK.format("published.json"),
)
def published_no_json(room: Room) -> None:
    numbers(room, "published.json", "")
    ledger.published("maml")


@case(
    NUMBERS, "a published number that there is not", "No published number is called 'maml'; there are other."
)
def published_unknown(room: Room) -> None:
    numbers(room, "published.json", '{"other": {}}')
    ledger.published("maml")


@case(
    NUMBERS,
    "the figures of this run are no JSON",
    "…figures.json is no JSON (…). Delete it and run the lesson again.",
)
def run_no_json(room: Room) -> None:
    room.patch.setenv(ledger.RECORD_TO, str(room.folder / "figures.json"))
    (room.folder / "figures.json").write_text("{")
    ledger.record("x", 1.0, unit="", seeds=[0])


@case(NUMBERS, "a figure is not finite: it is kept as null, with a note")
def not_finite(room: Room) -> None:
    room.patch.setenv(ledger.RECORD_TO, str(room.folder / "figures.json"))
    ledger.record("x", float("inf"), unit="", seeds=[0])
    assert "Infinity" not in (room.folder / "figures.json").read_text()
