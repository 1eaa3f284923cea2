"""A checkpoint is read to the bit or refused in one sentence, whatever has happened to the file."""

import json
import os
import random
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save, save_file

from mlteach import checkpoint as ck
from mlteach.errors import CheckpointError

TENSORS = {"theta.w": torch.arange(12.0).reshape(3, 4), "step": torch.tensor(3), "half": torch.ones(3).half()}
ABOUT = {"step": 3, "settings": {"rate": 0.4, "name": "Ü"}}


@pytest.fixture
def path(tmp_path) -> Path:
    target = tmp_path / "run.safetensors"
    ck.save_checkpoint(target, TENSORS, ABOUT)
    return target


def header_of(content: bytes) -> dict:
    (length,) = struct.unpack_from("<Q", content)
    return json.loads(content[8 : 8 + length])


def one_sentence(error: pytest.ExceptionInfo[CheckpointError]) -> None:
    text = str(error.value)
    assert text[0].isupper() or text.startswith("/") and text.endswith(".") and "\n" not in text, text


def test_what_was_written_is_read(path):
    tensors, about = ck.load_checkpoint(path)
    assert about == ABOUT and tensors.keys() == TENSORS.keys()
    assert all(
        torch.equal(tensors[name], value) and tensors[name].dtype == value.dtype
        for name, value in TENSORS.items()
    )
    again = path.with_name("again.safetensors")
    ck.save_checkpoint(again, TENSORS, ABOUT)
    assert again.read_bytes() == path.read_bytes()  # nothing of the moment is in it


def test_one_flipped_bit_anywhere_is_found(path):
    whole = path.read_bytes()
    header_bits = 8 * (8 + struct.unpack_from("<Q", whole)[0])
    bits = random.Random(0).sample(range(8 * len(whole)), 1500)
    bits += random.Random(1).sample(range(header_bits), 1500) + list(range(header_bits, 8 * len(whole)))
    for bit in bits:
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        with pytest.raises(CheckpointError) as error:
            ck.load_checkpoint(path)
        one_sentence(error)


def test_a_file_cut_anywhere_or_with_something_added_is_found(path):
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 7), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match="empty" if not length else "cut short"):
            ck.load_checkpoint(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(CheckpointError, match="checksum"):
        ck.load_checkpoint(path)


def test_two_halves_of_two_checkpoints_are_no_checkpoint(path):
    first = path.read_bytes()
    ck.save_checkpoint(path, TENSORS | {"theta.w": TENSORS["theta.w"] + 1}, ABOUT)
    second = path.read_bytes()
    assert len(first) == len(second)
    path.write_bytes(first[: len(first) // 2] + second[len(first) // 2 :])
    with pytest.raises(CheckpointError, match="checksum"):
        ck.load_checkpoint(path)


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("no JSON", "what it says of itself cannot be read"),
        ("[]", "what it says of itself cannot be read"),
        ("null", "what it says of itself cannot be read"),
        ("{}", "what it says of itself cannot be read.*version"),
        ('{"version": "1", "about": {}}', 'version "1"'),
        ('{"version": true, "about": {}}', "version true"),
        ('{"version": 1.0, "about": {}}', "version 1.0"),
        ('{"version": null, "about": {}}', "version null"),
        ('{"version": 3, "about": {}}', "version 3"),
        ('{"version": -1, "about": {}}', "version -1"),
        ('{"version": 2, "about": {}}', "checksum"),
        ('{"version": 1}', "does not say what it is about"),
        ('{"version": 1, "about": []}', "does not say what it is about"),
        ("[" * 100_000, "what it says of itself cannot be read"),
    ],
)
def test_what_a_crafted_file_says_of_itself_is_checked(path, header, says):
    path.write_bytes(save({"w": torch.zeros(2)}, metadata={"mlteach": header}))
    with pytest.raises(CheckpointError, match=says) as error:
        ck.load_checkpoint(path)
    one_sentence(error)


def test_a_file_of_the_version_before_has_no_checksum_and_is_read(path):
    header = json.dumps({"version": 1, "about": {"step": 7}})
    path.write_bytes(save({"theta.w": torch.ones(2)}, metadata={"mlteach": header}))
    tensors, about = ck.load_checkpoint(path)
    assert about == {"step": 7} and torch.equal(tensors["theta.w"], torch.ones(2))


@pytest.mark.parametrize(
    "content",
    [b"", b"\0", b"12345678", b"\xff" * 64, struct.pack("<Q", 2**63) + b"{}", b"\2" + b"\0" * 7 + b"[]"],
)
def test_what_is_no_safetensors_file_at_all(path, content):
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="cut short, damaged or no checkpoint"):
        ck.load_checkpoint(path)


def test_tensors_of_somebody_else_are_named(path):
    save_file({"w": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match="not from mlteach"):
        ck.load_checkpoint(path)


def test_paths_that_cannot_be(tmp_path, path):
    folder = tmp_path / "folder.safetensors"
    folder.mkdir()
    for given, says in (
        (tmp_path / "none.safetensors", "no checkpoint at"),
        (tmp_path / "run.json", r"call .* run\.json\.safetensors"),
        (tmp_path / "run", r"run\.safetensors"),
        (folder, "is a folder"),
        ("~nobody-of-this-name/run.safetensors", "no home folder"),
        (5, "is the path of a file, and 5 came"),
        (tmp_path / f"{'x' * 5000}.safetensors", "cannot be reached: File name too long"),
    ):
        with pytest.raises(CheckpointError, match=says):
            ck.load_checkpoint(given)
    with pytest.raises(CheckpointError, match="is a folder"):
        ck.save_checkpoint(folder, TENSORS, ABOUT)


def test_a_file_that_may_not_be_read_says_so(path, monkeypatch):
    def refused(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(CheckpointError, match="cannot be read: Permission denied"):
        ck.load_checkpoint(path)


def test_the_home_folder_is_meant_by_its_sign(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    ck.save_checkpoint("~/runs/a.safetensors", TENSORS, ABOUT)
    assert sorted(os.listdir(tmp_path / "runs")) == ["a.json", "a.safetensors"] and not Path("~").exists()
    assert ck.load_checkpoint("~/runs/a.safetensors").about == ABOUT


def test_tensors_that_share_their_memory_are_written_apart(path):
    w = torch.ones(3)
    ck.save_checkpoint(path, {"a": w, "b": w, "c": w[:2]}, {})
    tensors = ck.load_checkpoint(path).tensors
    assert torch.equal(tensors["a"], w) and torch.equal(tensors["b"], w) and torch.equal(tensors["c"], w[:2])


def test_what_is_said_about_it_must_be_json(path):
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match="must be JSON"):
        ck.save_checkpoint(path, TENSORS, {"rate": torch.tensor(0.4)})
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (torch.tensor([1.0, float("nan")]), "not finite"),
        (torch.tensor([1.0, float("inf")]), "not finite"),
        (torch.tensor([1, 2]), "int64 in the file and torch.float32"),
        (torch.zeros(3), r"w is \(3,\) in the file and \(2,\) here"),
    ],
)
def test_parameters_out_of_a_file_are_numbers_of_the_right_kind(value, says):
    with pytest.raises(CheckpointError, match=says):
        ck.params_from(ck.Checkpoint({"theta.w": value}, {}), {"w": torch.zeros(2)})


def test_parameters_out_of_a_file_take_the_precision_they_are_asked_for():
    found = ck.params_from(
        ck.Checkpoint({"theta.w": torch.ones(2)}, {}), {"w": torch.zeros(2, dtype=torch.float64)}
    )
    assert found["w"].dtype == torch.float64


def test_the_course_s_own_checkpoints_are_read():
    folder = Path(__file__).parents[1] / "data" / "checkpoints"
    files = sorted(folder.glob("*.safetensors"))
    assert files and all(ck.load_checkpoint(each).tensors for each in files)


def test_tensors_come_back_in_the_order_of_their_names(tmp_path):
    """The library's own order changes from process to process, and with it whatever is built from it."""
    path = tmp_path / "many.safetensors"
    ck.save_checkpoint(path, {f"t{k}": torch.zeros(1) for k in (7, 3, 11, 5, 2, 9)}, {})
    found = list(ck.load_checkpoint(path).tensors)
    assert found == sorted(found)
