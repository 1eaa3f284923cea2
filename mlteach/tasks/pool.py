"""A pool of characters small enough to travel in a page, and tasks of it that Python and JavaScript deal alike.

JavaScript cannot draw from a ``torch.Generator``, so these tasks come from a generator of four lines that every
language computes to the last bit.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.tasks.characters import Characters

_WORD = 0xFFFFFFFF


def mulberry32(seed: int) -> Iterator[float]:
    """Endless numbers in [0, 1) from a seed of 32 bits: Tommy Ettinger's public-domain generator.

    Good for dealing cards, too small for simulation. Written on unsigned 32-bit words, as JavaScript has them.
    """
    word = seed & _WORD
    while True:
        word = (word + 0x6D2B79F5) & _WORD
        mixed = ((word ^ word >> 15) * (word | 1)) & _WORD
        mixed ^= (mixed + (mixed ^ mixed >> 7) * (mixed | 61)) & _WORD
        yield (mixed ^ mixed >> 14) / 2**32


class Deal(NamedTuple):
    """One task: its classes in the order of their labels, and who drew the support and query pictures of each."""

    classes: list[int]
    support: list[list[int]]  # [ways][shots] drawers
    query: list[list[int]]  # [ways][queries] drawers


def deal(seed: int, classes: Sequence[int], drawers: int, ways: int, shots: int, queries: int) -> Deal:
    """A task of ``ways`` of these classes. Every class shuffles its drawers by a seed of its own.

    So one more way, shot or query adds pictures and leaves the others where they were: a change shows its own effect.
    Raises EpisodeError for more than there is. Taught in: lesson 01.
    """
    if min(ways, shots, queries) < 1 or ways > len(classes) or shots + queries > drawers:
        raise EpisodeError(
            f"{ways} ways, {shots} shots and {queries} queries a class were asked for; there are {len(classes)} classes "
            f"of {drawers} pictures each. Ask for at least one of each, and for no more than that."
        )
    chosen = _shuffled(seed, classes)[:ways]
    hands = [_shuffled(1009 * seed + 1 + each, range(drawers)) for each in chosen]
    return Deal(chosen, [hand[:shots] for hand in hands], [hand[drawers - queries :] for hand in hands])


def _shuffled(seed: int, things: Sequence[int]) -> list[int]:
    """All of them in random order (Fisher and Yates, from the front)."""
    order, numbers = list(things), mulberry32(seed)
    for k in range(len(order)):
        j = k + int(next(numbers) * (len(order) - k))
        order[k], order[j] = order[j], order[k]
    return order


def pool_of(characters: Characters, alphabets: int = 5, classes: int = 10, drawers: int = 8) -> Characters:
    """The alphabets with the most characters, the first ``classes`` of each, by the first ``drawers`` people.

    Four grey levels are left of the pictures, two bits a pixel instead of eight. That costs about a point of few-shot
    accuracy, or less: ``python -m studies.lesson01_character_pool`` prints both.
    """
    largest = [alphabet for alphabet, _ in Counter(characters.alphabets).most_common(alphabets)]
    kept: list[int] = []
    for alphabet in largest:
        kept += [k for k, name in enumerate(characters.alphabets) if name == alphabet][:classes]
    part = characters.part(kept)
    grey = (part.images[:, :drawers].float() / 85).round().to(torch.uint8) * 85
    return Characters(grey, part.names, part.alphabets, part.source)


def pack(images: Tensor) -> bytes:
    """Pictures of four grey levels (0, 85, 170, 255) as two bits a pixel; the first pixel of four in the lowest bits."""
    levels = (images.cpu().numpy() // 85).reshape(-1, 4)
    return (levels << np.array([0, 2, 4, 6], np.uint8)).sum(1, dtype=np.uint8).tobytes()


def unpack(packed: bytes, *shape: int) -> Tensor:
    """The pictures that `pack` took, as uint8 of this shape."""
    levels = np.frombuffer(packed, np.uint8)[:, None] >> np.array([0, 2, 4, 6], np.uint8) & 3
    return torch.from_numpy(levels * np.uint8(85)).view(shape)
