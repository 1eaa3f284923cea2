"""TaskMixer: two tasks of real characters, a share between them, and what each way to mix has been measured to gain.

    pictures   share * x_i + (1 - share) * x_j, pixel by pixel
    box        x_i with a box of x_j of the area 1 - share (CutMix)
    hidden     the same sum of the maps after block 1 of a trained Conv-4, of the filter that sees most

Beside it stand the recorded gains over the plain network, of the mixtures and of their rivals. Taught in: lesson 16.
"""

import math
from typing import Any

import numpy as np
import torch
import traitlets as t
from matplotlib.figure import Figure

from mlteach.checkpoint import load_checkpoint
from mlteach.explore import style
from mlteach.explore.base import Explorer, sig
from mlteach.measure.ledger import data_folder, recorded
from mlteach.nets import Conv4
from mlteach.tasks.pool import deal, unpack

CLASSES, PAIRS = 3, 6
SIDES = {"pictures": 28, "box": 28, "hidden": 14}
#: Where the box lies: this part of the room that is left above and before it.
CORNER = (0.4, 0.5)
WAYS = {
    "pictures": "the pictures, pixel by pixel",
    "box": "a box (CutMix)",
    "hidden": "the maps after block 1",
}
#: The arm of the study whose gain belongs to a way to mix; mixing pictures alone was no arm of it.
ARM_OF = {"pictures": "", "box": "CutMix", "hidden": "hidden mix"}
ARMS = ("label-sharing", "dropout", "hidden mix", "CutMix", "centring", "bend", "shift", "rotations", "shift + bend",
        "rotations + mix", "shift + bend + mix")  # fmt: skip


def mixture(first: np.ndarray, second: np.ndarray, share: float, how: str) -> np.ndarray:
    """Pictures [.., side, side] of values 0 to 255, mixed; float64."""
    first, second = first.astype(np.float64), second.astype(np.float64)
    if how != "box":
        return share * first + (1 - share) * second
    side = first.shape[-1]
    size = math.floor(side * math.sqrt(1 - share) + 0.5)
    top, left = (math.floor(part * (side - size)) for part in CORNER)
    mixed = first.copy()
    mixed[..., top : top + size, left : left + size] = second[..., top : top + size, left : left + size]
    return mixed


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """The root of the mean squared difference, as a share of the whole range."""
    return float(np.sqrt(np.square(a - b).mean()) / 255)


class TaskMixer(Explorer):
    """Slide the share from one task to the other, and choose where to mix.

        mixer = TaskMixer.recorded()
        mixer.share = 0.3
        print(mixer.summary)

    share: of task i. how: "pictures", "box" or "hidden". pair: which two tasks. count: 20 or 60 training characters, for
        the gains. A value outside a trait's range raises ``TraitError``.
    """

    module = "mixing"
    shows = ("share", "how", "pair", "count")
    size = (9.0, 4.2)

    share = t.Float(0.6, min=0.0, max=1.0, help="λ, the share of task i").tag(sync=True)
    how = t.Enum(list(WAYS), default_value="pictures").tag(sync=True)
    pair = t.Int(0, min=0, max=PAIRS - 1, help="which two tasks").tag(sync=True)
    count = t.Enum([20, 60], default_value=20, help="training characters").tag(sync=True)

    pictures = t.Bytes(help="uint8 [pairs, 2, classes, 28, 28]").tag(sync=True)
    maps = t.Bytes(help="uint8 [pairs, 2, classes, 14, 14]").tag(sync=True)
    gains = t.Dict(help='of "20" and "60": arm -> [points, half width]').tag(sync=True)

    def __init__(self, pictures: np.ndarray, maps: np.ndarray, gains: dict[str, Any], **traits: Any) -> None:
        self._seen = {"pictures": pictures, "box": pictures, "hidden": maps}
        super().__init__(pictures=pictures.tobytes(), maps=maps.tobytes(), gains=gains, **traits)

    @classmethod
    def recorded(cls, **traits: Any) -> "TaskMixer":
        """With the course's pool of characters, lesson 09's network, and the gains that lesson 16's study recorded."""
        place = data_folder() / "checkpoints"
        packed, about = load_checkpoint(place / "01-characters.safetensors")
        images = unpack(packed["pictures"].numpy().tobytes(), len(about["classes"]), -1, 28, 28)
        tasks = []
        for pair in range(PAIRS):
            dealt = deal(pair + 5, range(len(images)), images.shape[1], 2 * CLASSES, 1, 1)
            chosen = torch.stack(
                [images[k, hand[0]] for k, hand in zip(dealt.classes, dealt.support, strict=True)]
            )
            tasks.append(chosen.unflatten(0, (2, CLASSES)))
        pictures = torch.stack(tasks)
        kept = load_checkpoint(place / "09-maml-lecture.safetensors")
        theta = {name.removeprefix("theta."): value for name, value in kept.tensors.items()}
        net = Conv4(5, kept.about["recipe"]["filters"], head="flatten")
        with torch.no_grad():
            seen = net.blocks(theta, pictures.flatten(0, 2).unsqueeze(1).float() / 255, 0, 1)
        one = seen[:, seen.var((0, 2, 3)).argmax()]
        maps = (255 * one / one.amax()).round().to(torch.uint8).view(PAIRS, 2, CLASSES, 14, 14)
        figures = recorded("16", "characters")
        gains = {
            count: {
                arm: [figures[name]["value"], figures[name]["interval"]]
                for arm in ARMS
                if (name := f"{count}.{arm}.transductive.gain") in figures
            }
            for count in ("20", "60")
        }
        return cls(pictures.numpy(), maps.numpy(), gains, **traits)

    def mixed(self) -> np.ndarray:
        """What is seen in the middle, [classes, side, side], values 0 to 255."""
        first, second = self._seen[self.how][self.pair]
        return mixture(first, second, self.share, self.how)

    @property
    def summary(self) -> str:
        first, second = self._seen[self.how][self.pair].astype(np.float64)
        mixed = self.mixed()
        text = (
            f"Pair {self.pair + 1} of {PAIRS}, a share of {sig(self.share)} of task i, mixed: {WAYS[self.how]}. The mixture is "
            f"{sig(distance(mixed, first))} from task i and {sig(distance(mixed, second))} from task j, of at most 1."
        )
        gain = self.gains[str(self.count)].get(ARM_OF[self.how])
        if gain:
            text += f" With {self.count} characters {ARM_OF[self.how]} gained {sig(gain[0])} ± {sig(gain[1])} points."
        return text

    @property
    def stored(self) -> str:
        """Without the distances of maps, which differ in a last digit from machine to machine."""
        return f"Two tasks and their mixture: {WAYS[self.how]}, a share of {sig(self.share)} of task i."

    def draw(self, fig: Figure) -> None:
        """The two tasks with the mixture between them, and the gains."""
        grid = fig.add_gridspec(CLASSES, 4, width_ratios=[1, 1, 1, 3.4])
        first, second = self._seen[self.how][self.pair]
        for column, (name, pictures) in enumerate(
            (("task i", first), ("mixture", self.mixed()), ("task j", second))
        ):
            for row, picture in enumerate(pictures):
                ax = fig.add_subplot(grid[row, column])
                ax.imshow(picture, cmap="gray_r", vmin=0, vmax=255)
                ax.axis("off")
                if row == 0:
                    ax.set_title(name, loc="center")
        ax = fig.add_subplot(grid[:, 3])
        found = self.gains[str(self.count)]
        for place, (arm, (value, half)) in enumerate(found.items()):
            hue = "warning" if arm == ARM_OF[self.how] else "reptile"
            ax.errorbar(value, place, xerr=half, fmt="o", capsize=3, color=style.color(hue))
        ax.axvline(0, **style.method("baseline"))
        ax.set(
            yticks=range(len(found)),
            yticklabels=list(found),
            xlabel=f"points gained, {self.count} characters",
        )
