"""Omniglot (Lake, Salakhutdinov and Tenenbaum 2015, MIT licence): found, checked by content, unpacked once, cached.

The archives are read where they lie and never unpacked onto the disk. What is kept is one array of all
pictures in one file, with its checksum and the checksums of the archives it was made of.
"""

import errno
import hashlib
import io
import json
import os
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from tqdm import tqdm

from mlteach.errors import DataError
from mlteach.files import lock, write_atomic
from mlteach.home import shared

URL = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python"
ARCHIVES = {  # name: MD5 of the official file
    "images_background.zip": "68d2efa1b9178cc56df9314c21c6e718",
    "images_evaluation.zip": "6b91aef0f799c5bb55b94e3f2daec811",
}
# What the official files hold, whoever packed them: SHA-256 over names and pixels of all pictures, sorted by name.
CONTENT = {
    "images_background.zip": "306aabf16afaaaf1c294c247b9f9c91f85f28cc13d8647562a5ce87e78f513a0",
    "images_evaluation.zip": "0fcf5207111d2e1bbc6b4f741a5da4e19adcf44dfa9dd08f0d1da35953037dd8",
}
#: The same for what is made of them: `_checksum` of all pictures at 28 x 28 and the names of the classes.
ARRAY = "f3a3106ff72c344008fbabd9a583b1b9583f78fae5596e3b3fd8f59fd3fb3334"
COUNTS = (964, 659)  # characters in each
DRAWERS = 20
SIZE = 28
CACHE = "characters.safetensors"
PNG = b"\x89PNG\r\n\x1a\n"
PICTURE = re.compile(r"[^/]+/character\d\d/\d{4}_\d\d\.png")
#: Bytes, many times what the official files need: more is no Omniglot, and is not read.
LARGEST_ARCHIVE, LARGEST_PICTURE, LARGEST_CACHE = 2**26, 2**16, 2**27

# Errors that say a folder cannot be written to or the disk is full: another folder may do.
_CANNOT_WRITE = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.ENOTDIR,
    errno.EEXIST,
)

Loaded = tuple[Tensor, tuple[str, ...]]


def load(path: str | os.PathLike[str] | None = None, *, download: bool = True) -> Loaded:
    """All pictures, uint8 [1623, 20, 28, 28] with ink 255, and the names of the classes, "Alphabet/character01".

    Background characters come first, then evaluation, each sorted by name. Where the archives are looked for:
    ``path``, the folder named by MLTEACH_OMNIGLOT, data/omniglot/, a download. The array is cached in
    data/omniglot/, else in the user's cache folder; where neither can be written it is kept in memory only, and
    a line on stderr says so. Raises DataError when the data cannot be had or are damaged.
    """
    archives = find(path)
    if not archives:
        for folder in folders():  # somebody may have brought the cache without the archives
            if (loaded := read_cache(folder / CACHE, None)) and official(loaded):
                return loaded
        archives = fetch(download)
    return cached(archives)


def find(path: str | os.PathLike[str] | None = None) -> list[Path]:
    """The two archives, or none. Raises DataError when a folder that was named does not hold both."""
    named = path if path is not None else os.environ.get("MLTEACH_OMNIGLOT")
    origin = "" if path is not None else ", which MLTEACH_OMNIGLOT names,"
    try:
        places = [Path(named).expanduser()] if named else folders()
    except RuntimeError as error:  # "~somebody", who has no home here
        raise DataError(
            f"The folder {os.fspath(named or '~')}{origin} cannot be found ({_short(error)}); write its whole path."
        ) from error
    for folder in places:
        archives = [folder / name for name in ARCHIVES]
        try:
            missing = [each.name for each in archives if not each.is_file()]
        except OSError as error:
            raise DataError(
                f"The folder {folder}{origin} cannot be looked into ({_short(error)}); make it readable for you, or name another."
            ) from error
        if not missing:
            return archives
        if named:
            raise DataError(
                f"The folder {folder}{origin} holds no {' and no '.join(missing)}; name the folder that holds both "
                f"archives of Omniglot, or none to let them be downloaded from {URL}."
            )
    return []


def folders() -> list[Path]:
    """Where archives and cache may lie, best first: data/omniglot/ of the project, the user's cache folder.

    The project is found upwards from this file, then from the current folder (a notebook runs in its own).
    """
    here = Path.cwd()
    above = [*Path(__file__).resolve().parents, here, *here.parents]
    projects = (each for each in above if (each / "pyproject.toml").is_file() and (each / "mlteach").is_dir())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return [next(projects, here) / "data" / "omniglot", cache / "mlteach" / "omniglot"]


def to_write(places: Sequence[Path]) -> list[Path]:
    """``places``, which are `folders` or files in them, in the order in which to write: where many share a course, one's own first."""
    return list(places[::-1] if shared() else places)


def fetch(download: bool) -> list[Path]:
    """Download the official archives, each whole or not at all. Raises DataError when that is forbidden or fails."""
    by_hand = (
        f"download {' and '.join(ARCHIVES)} from {URL} on another machine and put them into {to_write(folders())[0]}, "
        "or name their folder in the environment variable MLTEACH_OMNIGLOT."
    )
    if not download:
        raise DataError(f"Omniglot is not here, and downloading it was ruled out; allow that, or {by_hand}")
    for folder in to_write(folders()):
        try:
            import pooch

            with lock(folder / "download.lock"):
                for name, md5 in ARCHIVES.items():
                    if not (folder / name).exists():
                        source = f"{URL}/{name}"
                        pooch.retrieve(source, f"md5:{md5}", fname=name, path=folder, progressbar=True)
            return [folder / name for name in ARCHIVES]
        # No network is an OSError, a wrong checksum a ValueError.
        except (OSError, ValueError, ImportError) as error:
            reason = error
            if getattr(error, "errno", None) not in _CANNOT_WRITE:
                break
    message = f"Omniglot is not here and could not be downloaded ({_short(reason)}); {by_hand}"
    raise DataError(message) from reason


def cached(archives: list[Path], counts: tuple[int, ...] = COUNTS) -> Loaded:
    """The pictures of these archives: from the cache if it was made of them, else unpacked and then cached.

    ``counts``: how many characters each archive must hold. Of several processes one unpacks, the others wait.
    """
    made_of = " ".join(map(_digest, archives))

    def kept(file: Path) -> Loaded | None:
        found = read_cache(file, made_of)
        return found if found and (counts != COUNTS or official(found)) else None

    files = [folder / CACHE for folder in folders()]
    return kept_or_made(
        files, kept, lambda: unpack(archives, counts), made_of, "Omniglot", again="unpacks it again"
    )


def kept_or_made(
    files: Sequence[Path],
    kept: Callable[[Path], Loaded | None],
    make: Callable[[], Loaded],
    made_of: str,
    what: str,
    *,
    again: str,
) -> Loaded:
    """What one of these caches holds, else what ``make`` gives, then kept in the first of them that can be written.

    ``kept`` reads one and gives None for what is of no use. Of several processes one makes it, the others wait. Where
    none can be written it is in memory only, and a line on stderr says so, and what the next start does ``again``.
    """
    for file in files:
        if loaded := kept(file):
            return loaded
    loaded, reason = None, None
    files = to_write(files)
    for file in files:
        try:
            with lock(file.with_name(f"{file.name}.lock")):  # whoever waited here finds the work done
                loaded = kept(file) or loaded or make()
                write_cache(file, loaded, made_of)
                return loaded
        except OSError as error:
            reason = reason or error
    print(
        f"{what} is in memory and complete, but could not be kept in {files[0].parent} ({_short(reason)}), so the next "
        f"start {again}. Make room there or make the folder writable.",
        file=sys.stderr,
    )
    return loaded or make()


def unpack(archives: list[Path], counts: tuple[int, ...]) -> Loaded:
    """Check the content of the archives and shrink the pictures to 28 x 28. Raises DataError, says which file it is.

    Of as many characters as Omniglot has, names and pixels must be Omniglot's.
    """
    members = []
    for archive, count in zip(archives, counts, strict=True):
        with _readable(archive), zipfile.ZipFile(archive) as opened:
            members.append(_members(archive, opened.infolist(), count))
    images = np.empty((sum(counts), DRAWERS, SIZE, SIZE), np.uint8)
    names = [name for each in members for name in sorted(each)]
    with tqdm(total=len(names) * DRAWERS, desc="Unpacking Omniglot", unit=" pictures", leave=False) as bar:
        row = iter(images)
        for archive, characters in zip(archives, members, strict=True):
            content = hashlib.sha256()
            with _readable(archive), zipfile.ZipFile(archive) as opened:
                for name in sorted(characters):
                    for target, member in zip(next(row), sorted(characters[name]), strict=True):
                        pixels = bitmap(_read(opened, characters[name][member]))
                        target[:] = shrunk(pixels)
                        content.update(f"{member}\0".encode() + np.packbits(pixels).tobytes())
                    bar.update(DRAWERS)
            if counts == COUNTS and content.hexdigest() != CONTENT[archive.name]:
                raise DataError(
                    f"{archive} has the layout of Omniglot, but other pictures or names; delete it and take the archive "
                    f"from {URL}, or leave it out to have it downloaded."
                )
    return torch.from_numpy(images), tuple(names)


def bitmap(png: bytes) -> np.ndarray:
    """A picture as in the archives, bool [105, 105], ink False. Raises ValueError for one that is none."""
    if not png.startswith(PNG):
        raise ValueError("a picture is no PNG")
    width, height = int.from_bytes(png[16:20]), int.from_bytes(png[20:24])
    if (width, height) != (105, 105):  # asked before Pillow makes room for it
        raise ValueError(f"a picture is {width} x {height}, not 105 x 105")
    with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
        if image.mode != "1":
            raise ValueError(f"a picture is in colours or grey levels ({image.mode}), not black and white")
        pixels = np.asarray(image)
    if pixels.mean() < 0.5:
        raise ValueError("a picture is mostly ink, so black and white are exchanged")
    return pixels


def shrink(png: bytes) -> np.ndarray:
    """A 105 x 105 picture of one bit, ink 0, as 28 x 28 grey levels, ink 255. Raises ValueError for another one."""
    return shrunk(bitmap(png))


def shrunk(pixels: np.ndarray) -> np.ndarray:
    """What `bitmap` gives, as uint8 [28, 28], ink 255."""
    # Grey before it is resized: Pillow resizes pictures of one bit without antialiasing, whatever it is asked for.
    grey = Image.fromarray(np.where(pixels, np.uint8(0), np.uint8(255)))
    return np.asarray(grey.resize((SIZE, SIZE), Image.Resampling.LANCZOS))


def read_cache(path: Path, made_of: str | None, pictures: int = DRAWERS) -> Loaded | None:
    """What `write_cache` wrote, or None if it is not there, not whole, or not made of these archives (None: of any).

    ``pictures``: how many of each class there must be.
    """
    try:
        if not path.is_file() or path.stat().st_size > LARGEST_CACHE:
            return None
        with safe_open(path, "pt") as stored:
            about = stored.metadata()
            images = stored.get_tensor("images").clone()  # a copy, for the file may be replaced
        names = tuple(json.loads(about["names"]))
        shape = (len(names), pictures, SIZE, SIZE)
        sound = images.dtype == torch.uint8 and images.shape == shape
        if not sound or about["checksum"] != _checksum(images, names):
            return None
        return (images, names) if made_of in (None, about["made_of"]) else None
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RecursionError):
        return None


def official(loaded: Loaded) -> bool:
    """Whether these are Omniglot's pictures, as any version of Pillow from 10 on shrinks them, under its names."""
    return _checksum(*loaded) == ARRAY


def write_cache(path: Path, loaded: Loaded, made_of: str) -> None:
    """Keep the pictures in one safetensors file with names and checksum, whole or not at all. Raises OSError."""
    images, names = loaded
    about = {"names": json.dumps(names), "checksum": _checksum(images, names), "made_of": made_of}
    write_atomic(path, save({"images": images}, about))


def _members(
    archive: Path, entries: list[zipfile.ZipInfo], count: int
) -> dict[str, dict[str, zipfile.ZipInfo]]:
    """The pictures of each character, "Alphabet/character01" -> name -> member. Raises DataError if it is not all there."""
    characters: dict[str, dict[str, zipfile.ZipInfo]] = {}

    def refuse(entry: zipfile.ZipInfo, why: str) -> DataError:
        return DataError(
            f'{archive} holds "{entry.filename}", {why}, so it is not the original and nothing was unpacked; delete it '
            f"and take the archive from {URL}."
        )

    for entry in entries:
        name = entry.filename
        parts = name.split("/")
        if ".." in parts or name.startswith("/") or "\\" in name or ":" in parts[0]:
            raise refuse(entry, "a path that leaves its folder")
        if len(parts) == 4 and name.endswith(".png") and parts[0] == archive.stem:
            within = name.removeprefix(f"{parts[0]}/")
            if not PICTURE.fullmatch(within):
                raise refuse(entry, "which is not how Omniglot calls a picture")
            if entry.flag_bits & 1:
                raise refuse(entry, "which is encrypted")
            if max(entry.file_size, entry.compress_size) > LARGEST_PICTURE:
                raise refuse(entry, f"a picture of {entry.file_size:,} bytes")
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise refuse(entry, "packed in an unusual way")
            pictures = characters.setdefault(f"{parts[1]}/{parts[2]}", {})
            if within in pictures:
                raise refuse(entry, "which it holds twice")
            pictures[within] = entry
    short = sorted(name for name, pictures in characters.items() if len(pictures) != DRAWERS)
    if short or len(characters) != count:
        which = (
            f"{short[0]} has {len(characters[short[0]])} of {DRAWERS} pictures"
            if short
            else "each of them whole"
        )
        raise DataError(
            f"{archive} holds {len(characters)} characters where {count} belong ({which}); delete it and take the "
            f"archive from {URL}, or leave it out to have it downloaded."
        )
    return characters


def _read(opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """A member's bytes, no more than it declares, whatever it would unpack to. Raises what `_readable` knows."""
    with opened.open(entry) as member:
        content = member.read(LARGEST_PICTURE + 1)
    if len(content) != entry.file_size:
        raise ValueError(f"{entry.filename} is not as long as it says")
    return content


def _digest(archive: Path) -> str:
    """The SHA-256 of a file. Raises DataError where it cannot be read or is far too large."""
    try:
        if (size := archive.stat().st_size) > LARGEST_ARCHIVE:
            raise DataError(
                f"{archive} is {size / 2**20:,.0f} MB, far more than Omniglot needs; delete it and take the archive from {URL}."
            )
        return hashlib.sha256(archive.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(
            f"{archive} cannot be read ({error.strerror or error}); make it readable for you, or delete it and take the "
            f"archive from {URL}."
        ) from error


@contextmanager
def _readable(archive: Path) -> Iterator[None]:
    """Whatever goes wrong while an archive is read becomes one sentence."""
    try:
        yield
    except (  # of the last four: encrypted, an unknown packing, an old trick, and Pillow's own word for a bomb
        OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error, struct.error, SyntaxError, RuntimeError,
        NotImplementedError, OverflowError, Image.DecompressionBombError,
    ) as error:  # fmt: skip
        raise DataError(
            f"{archive} is cut short or damaged ({_short(error)}); delete it and take the archive from {URL}, or leave "
            "it out to have it downloaded."
        ) from error


def _checksum(images: Tensor, names: tuple[str, ...]) -> str:
    return hashlib.sha256(json.dumps(names).encode() + images.contiguous().numpy().tobytes()).hexdigest()


def _short(error: BaseException | None) -> str:
    """The first line of what was said, or the kind of error, which says more where the network failed."""
    if type(error).__module__.startswith("requests"):
        return f"the network answered with {type(error).__name__}"
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")
