"""How many bytes autograd keeps alive for the way back: counted, so that it is the same number on every machine."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class _Tally:
    """Bytes of the storages that are kept at the moment, each counted once, and the most there were."""

    def __init__(self) -> None:
        self.uses: dict[int, int] = {}
        self.now = self.most = 0


class _Kept:
    """A tensor that autograd keeps; when it lets go, the tally knows."""

    def __init__(self, tally: _Tally, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        self.tally, self.tensor, self.key, self.size = tally, tensor, storage.data_ptr(), storage.nbytes()
        tally.uses[self.key] = tally.uses.get(self.key, 0) + 1
        if tally.uses[self.key] == 1:
            tally.now += self.size
            tally.most = max(tally.most, tally.now)

    def __del__(self) -> None:
        self.tally.uses[self.key] -= 1
        if not self.tally.uses[self.key]:
            self.tally.now -= self.size


def held_bytes(run: Callable[[], Any]) -> int:
    """The most bytes that autograd held for a way back while ``run()`` ran; one storage counts once.

    Taught in: lesson 14.
    """
    tally = _Tally()
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: _Kept(tally, tensor), lambda kept: kept.tensor
    ):
        run()
    return tally.most
