"""A kept program is found again under its name, and reads numbers in whatever order they lie in memory."""

import shutil

import pytest
import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from mlteach.outer import ahead

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None and shutil.which("clang++") is None, reason="needs a compiler"
)


def sums(x: Tensor) -> list[Tensor]:
    return [x.sum(1) + x[:, 0]]


def test_a_program_is_found_again_and_reads_numbers_in_any_order(monkeypatch, tmp_path) -> None:
    """Drawn as a part of something wider, kept, and then read from a file: so theta comes in two orders."""
    monkeypatch.setattr(ahead, "kept_programs", lambda: tmp_path)
    strided = torch.arange(12.0).view(3, 4)[:, 1:]
    plain = strided.clone()
    assert strided.stride() != plain.stride()
    for _ in range(2):  # the second one is loaded: compiling it did not change what names are made from
        program = ahead.program_of(make_fx(sums)(strided), [strided])
        for each in (strided, plain, plain.T.contiguous().T):
            assert torch.equal(program(each)[0], sums(plain)[0])
        monkeypatch.setattr(ahead, "_compile", None)
