"""Handwritten characters, and episodes of them: N ways, K shots, drawn on the device by index arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from mlteach.errors import DataError, EpisodeError
from mlteach.params import widest
from mlteach.tasks import glyphs, omniglot, splits
from mlteach.tasks.episode import Episode

Device = torch.device | str | None


@dataclass(frozen=True, eq=False)
class Characters:
    """Classes of characters, each drawn by the same number of people.

    images    uint8 [classes, drawers, 28, 28], ink is 255; Omniglot has 20 drawers
    names     of the classes, "Alphabet/character01"; a rotated copy is a class "Alphabet/character01/rot90"
    alphabets of the classes; that of a rotated copy is "Alphabet/rot90"
    source    "omniglot" or "glyphs"; "miniimagenet" for its photographs, which have no ink: white is 255 (`mini_imagenet`)

    Raises DataError when the four do not belong together. Taught in: lesson 01.
    """

    images: Tensor
    names: tuple[str, ...]
    alphabets: tuple[str, ...]
    source: str

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != torch.uint8:
            raise DataError(
                f"Pictures come as uint8 [classes, drawers, height, width]; these are {self.images.dtype} "
                f"{tuple(self.images.shape)}. Convert them first."
            )
        if not len(self.images) == len(self.names) == len(self.alphabets) == len(set(self.names)):
            raise DataError(
                f"{len(self.images)} classes of pictures came with {len(set(self.names))} different names and "
                f"{len(self.alphabets)} alphabets; give one of each for every class."
            )

    @classmethod
    def omniglot(
        cls, path: str | PathLike[str] | None = None, *, download: bool = True, device: Device = None
    ) -> "Characters":
        """The 1623 characters of Omniglot (Lake et al. 2015), 28 x 28, antialiased.

        Looked for in ``path``, in the folder named by MLTEACH_OMNIGLOT, in data/omniglot/, then downloaded.
        Raises DataError when they cannot be had, or are damaged; the sentence says what to do.
        """
        images, names = omniglot.load(path, download=download)
        return cls(images, names, tuple(name.split("/")[0] for name in names), "omniglot").to(device)

    @classmethod
    def glyphs(cls, classes: int = 400, seed: int = 0, device: Device = None) -> "Characters":
        """Characters invented from strokes: a stand-in for Omniglot that needs no data. See `glyphs.draw`."""
        images, names = glyphs.draw(classes, seed)
        return cls(images, names, tuple(name.split("/")[0] for name in names), "glyphs").to(device)

    @classmethod
    def load(cls, path: str | PathLike[str] | None = None, *, device: Device = None) -> "Characters":
        """Omniglot where it can be had, else glyphs and one printed line that says so and why."""
        try:
            return cls.omniglot(path, device=device)
        except DataError as error:
            print(f"Going on with procedural glyphs in place of Omniglot: {error}")
            return cls.glyphs(device=device)

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        alphabets = len(set(self.alphabets))
        return f"Characters({len(self)} classes of {alphabets} alphabets, source={self.source!r})"

    def __add__(self, other: "Characters") -> "Characters":
        """Both sets of classes in one, in this order."""
        images = torch.cat([self.images, other.images])
        return Characters(images, self.names + other.names, self.alphabets + other.alphabets, self.source)

    def to(self, device: Device) -> "Characters":
        """The same characters with their pictures on another device (None: where they are)."""
        if device is None:
            return self
        return Characters(self.images.to(device), self.names, self.alphabets, self.source)

    def part(self, classes: Sequence[int]) -> "Characters":
        """Some of the classes, by position, in the order given."""
        index = torch.as_tensor(classes, dtype=torch.int64, device=self.images.device)
        names, alphabets = (tuple(each[i] for i in classes) for each in (self.names, self.alphabets))
        return Characters(self.images[index], names, alphabets, self.source)

    def rotated(self) -> "Characters":
        """These classes and their copies turned by 90, 180 and 270 degrees as further classes: four times as many.

        Santoro et al. 2016 began it. A character and its copy may meet in one episode, as different classes.
        """
        images = torch.cat([self.images.rot90(turn, (2, 3)) for turn in range(4)])
        turns = ("", "/rot90", "/rot180", "/rot270")
        names, alphabets = (
            tuple(name + turn for turn in turns for name in each) for each in (self.names, self.alphabets)
        )
        return Characters(images, names, alphabets, self.source)

    def split(
        self,
        scheme: Literal["random", "lake", "vinyals"] = "random",
        rotations: Literal["train", "all", "none"] = "train",
    ) -> "Split":
        """Training, validation and test classes; `splits.split` says which. The same on every call and machine.

        ``rotations``: whose rotated copies are added as classes. "train" is Reptile's and MAML++'s protocol;
        "all" is that of MAML's code, of Vinyals and of Snell. Raises DataError for other words, and as `splits.split`.
        """
        if rotations not in ("train", "all", "none"):
            raise DataError(f'rotations is "{rotations}"; choose "train", "all" or "none".')
        parts = [self.part(each) for each in splits.split(scheme, self.names, self.alphabets, self.source)]
        turned = {"train": 1, "all": 3, "none": 0}[rotations]
        return Split(*(part.rotated() if i < turned else part for i, part in enumerate(parts)))

    def sample(
        self,
        tasks: int,
        ways: int,
        shots: int,
        queries: int,
        *,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float32,
        within_alphabet: bool = False,
    ) -> Episode:
        """Draw tasks: x [tasks, ways * shots, 1, 28, 28] in [0, 1] with ink 1, y int64 in 0..ways-1; queries likewise.

        ``shots`` and ``queries`` count pictures of each class. In a task no class comes twice, no support picture
        is among the queries, which class gets which label is random, and pictures stand in random order.
        ``within_alphabet`` takes the classes of a task from one alphabet, all alphabets being equally likely.
        Numbers are drawn on the generator's device, pictures are picked where they are.
        Raises EpisodeError for more than the data can give.
        """
        drawers = self.images.shape[1]
        if min(tasks, ways, shots, queries) < 1:
            raise EpisodeError(
                f"{tasks} tasks, {ways} ways, {shots} shots and {queries} queries were asked for; ask for at least one of each."
            )
        if shots + queries > drawers:
            raise EpisodeError(
                f"{shots} shots and {queries} queries a class were asked for, but each class has {drawers} pictures; "
                f"ask for {drawers} together at most."
            )
        classes = self._classes(tasks, ways, generator, within_alphabet)  # [tasks, ways]: position is label
        # Every class of every task shuffles its drawers for itself.
        deal = _random(generator, tasks, ways, drawers).argsort(-1)
        return Episode(
            *self._pictures(classes, deal[..., :shots], generator, dtype),
            *self._pictures(classes, deal[..., shots : shots + queries], generator, dtype),
        )

    def _classes(self, tasks: int, ways: int, generator: torch.Generator, within_alphabet: bool) -> Tensor:
        if ways > len(self):
            raise EpisodeError(
                f"{ways} ways were asked for, but there are only {len(self)} classes; ask for fewer ways or use a larger split."
            )
        if not within_alphabet:
            return _distinct(tasks, ways, len(self), generator)
        members, sizes = self._members
        large_enough = (sizes >= ways).nonzero().squeeze(1)
        if not len(large_enough):
            raise EpisodeError(
                f"{ways} ways within one alphabet were asked for, but the largest alphabet here has {int(sizes.max())} "
                'classes; ask for fewer ways, or for a split by whole alphabets ("lake" or "vinyals").'
            )
        draw = torch.randint(len(large_enough), (tasks,), generator=generator, device=generator.device)
        alphabet = large_enough.to(draw.device)[draw]
        members, sizes = members.to(draw.device)[alphabet], sizes.to(draw.device)[alphabet].unsqueeze(1)
        return members.gather(1, _distinct(tasks, ways, sizes, generator))

    @cached_property
    def _members(self) -> tuple[Tensor, Tensor]:
        """The classes of each alphabet, int64 [alphabets, the largest size], filled up with -1; the sizes [alphabets]."""
        classes: dict[str, list[int]] = {}
        for number, alphabet in enumerate(self.alphabets):
            classes.setdefault(alphabet, []).append(number)
        rows = [torch.tensor(each) for each in classes.values()]
        sizes = torch.tensor([len(row) for row in rows])
        return pad_sequence(rows, batch_first=True, padding_value=-1), sizes

    def _pictures(
        self, classes: Tensor, drawers: Tensor, generator: torch.Generator, dtype: torch.dtype
    ) -> tuple[Tensor, Tensor]:
        """Pictures [tasks, ways * n, 1, 28, 28] and labels, for classes [tasks, ways] and drawers [tasks, ways, n]."""
        tasks, ways, n = drawers.shape
        order = _random(generator, tasks, ways * n).argsort(-1)
        labels = order // n  # position in the shuffled episode -> label; order % n is the shot
        index = classes.gather(1, labels) * self.images.shape[1] + drawers.flatten(1).gather(1, order)
        device, (height, width) = self.images.device, self.images.shape[2:]
        # index_select of whole rows: twenty times faster on a CPU than images[classes, drawers]
        x = self.images.flatten(0, 1).index_select(0, index.flatten().to(device))
        return x.view(tasks, ways * n, 1, height, width).to(dtype).div_(255), labels.to(device)


class Split(NamedTuple):
    """Characters to train on, to choose settings by, and to report numbers on. No class is in two of them."""

    train: Characters
    validation: Characters
    test: Characters


def _random(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.rand(shape, generator=generator, device=generator.device, dtype=widest(generator.device))


def _distinct(tasks: int, ways: int, n: int | Tensor, generator: torch.Generator) -> Tensor:
    """For every task ``ways`` different numbers below n (one, or [tasks, 1]) in random order, int64 [tasks, ways].

    The k-th is drawn from the n - k numbers that the first k leave, as a place among them. So from the last to the first,
    each number moves up the later ones that are not below it. Work and memory do not grow with n, where the usual way, the
    largest of n random scores, does.
    """
    picked = _random(generator, tasks, ways)
    picked = (picked * (n - torch.arange(ways, device=picked.device))).long()
    for k in reversed(range(ways)):
        later = picked[:, k + 1 :]
        later += later >= picked[:, k : k + 1]
    return picked
