"""TwoViews: eight pictures, each a class of its own, and another view of all of them that a hand can shift, turn and bend.

    view 2     every picture moved by (right, down) pixels, turned around its middle, bent along a wave of so many pixels
    eye        what turns a picture into a row: a network trained without labels on shifted and bent views, one trained on
               views by a thicker pen alone, or the pixels as they are
    matrix     the cosine of each view 2 (a row) with each view 1 (a column): the logits of an 8-way task, but for a temperature

The networks are Conv-4 with 16 filters; batch norm uses the statistics of 1000 training pictures, folded into the kernels.
Taught in: lesson 17.
"""

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import traitlets as t
from matplotlib.figure import Figure

from mlteach.checkpoint import load_checkpoint
from mlteach.explore import style
from mlteach.explore.base import Explorer, sig
from mlteach.measure.ledger import data_folder
from mlteach.tasks.pool import unpack

COUNT, SIDE, FILTERS, BLOCKS = 8, 28, 16, 4
MIDDLE = (SIDE - 1) / 2
EYES = {
    "views": "a network trained on shifted and bent views",
    "thicken": "a network trained on views by a thicker pen",
    "pixels": "the pixels as they are",
}


def moved(picture: np.ndarray, right: float, down: float, turn: float, bend: float) -> np.ndarray:
    """Another view of a picture [28, 28], float64; nothing lies beyond the edge."""
    v, u = np.meshgrid(np.arange(SIDE) - MIDDLE - down, np.arange(SIDE) - MIDDLE - right, indexing="ij")
    c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    x, y = c * u + s * v, c * v - s * u
    across, along = x + bend * np.sin(2 * np.pi * y / SIDE), y + bend * np.sin(2 * np.pi * x / SIDE)
    return _between(picture.astype(np.float64), across + MIDDLE, along + MIDDLE)


def _between(picture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The picture's value at places that are no whole numbers: of the four pixels around them."""
    wide = np.pad(picture, 1)
    x, y = np.clip(x, -1, SIDE) + 1, np.clip(y, -1, SIDE) + 1
    left, top = np.minimum(np.floor(x), SIDE).astype(int), np.minimum(np.floor(y), SIDE).astype(int)
    p, q = x - left, y - top
    upper = (1 - p) * wide[top, left] + p * wide[top, left + 1]
    lower = (1 - p) * wide[top + 1, left] + p * wide[top + 1, left + 1]
    return (1 - q) * upper + q * lower


def rows_of(weights: list[tuple[np.ndarray, np.ndarray]] | None, pictures: np.ndarray) -> np.ndarray:
    """Rows at length one, [N, d], of pictures [N, 28, 28] with values 0 to 255; ``weights``: kernels and biases, or None."""
    x = torch.from_numpy(pictures.astype(np.float64))[:, None] / 255
    for kernel, bias in weights or ():
        x = F.relu(F.conv2d(x, torch.from_numpy(kernel).double(), torch.from_numpy(bias).double(), 2, 1))
    return F.normalize(x.flatten(1), dim=-1).numpy()


class TwoViews(Explorer):
    """Move view 2 by hand, and look at the matrix of cosines.

        views = TwoViews.recorded(right=3)
        views.eye = "thicken"
        print(views.summary)

    right, down: in pixels. turn: in degrees. bend: the height of the wave, in pixels. picture: which of the eight is seen.
    eye: "views", "thicken" or "pixels". A value outside a trait's range raises ``TraitError``.
    """

    module = "two_views"
    shows = ("right", "down", "turn", "bend", "picture", "eye")
    size = (8.0, 3.6)

    right = t.Float(2.0, min=-6.0, max=6.0, help="pixels to the right").tag(sync=True)
    down = t.Float(1.0, min=-6.0, max=6.0, help="pixels down").tag(sync=True)
    turn = t.Float(0.0, min=-45.0, max=45.0, help="degrees").tag(sync=True)
    bend = t.Float(0.0, min=-4.0, max=4.0, help="the height of a wave, in pixels").tag(sync=True)
    picture = t.Int(0, min=0, max=COUNT - 1, help="which picture").tag(sync=True)
    eye = t.Enum(list(EYES), default_value="views").tag(sync=True)

    pictures = t.Bytes(help="uint8 [8, 28, 28]").tag(sync=True)
    weights = t.Bytes(help="float32: of both networks, kernel and bias of each block").tag(sync=True)

    def __init__(
        self, pictures: np.ndarray, networks: dict[str, list[tuple[np.ndarray, np.ndarray]]], **traits: Any
    ) -> None:
        self._pictures, self._networks = pictures, networks
        flat = [part for name in ("views", "thicken") for pair in networks[name] for part in pair]
        weights = b"".join(part.astype("<f4").tobytes() for part in flat)
        super().__init__(pictures=pictures.tobytes(), weights=weights, **traits)

    @classmethod
    def recorded(cls, **traits: Any) -> "TwoViews":
        """With eight of the course's characters and the two networks that lesson 17's study trained."""
        place = data_folder() / "checkpoints"
        packed, about = load_checkpoint(place / "01-characters.safetensors")
        images = unpack(packed["pictures"].numpy().tobytes(), len(about["classes"]), -1, SIDE, SIDE)
        chosen = torch.arange(COUNT) * (len(images) // COUNT)
        tensors = load_checkpoint(place / "17-views.safetensors").tensors
        networks = {
            name: [
                (tensors[f"{name}.conv{k}"].numpy(), tensors[f"{name}.bias{k}"].numpy())
                for k in range(1, BLOCKS + 1)
            ]
            for name in ("views", "thicken")
        }
        return cls(images[chosen, 0].numpy(), networks, **traits)

    def other(self) -> np.ndarray:
        """View 2 of all eight, [8, 28, 28], values 0 to 255."""
        return np.stack([moved(each, self.right, self.down, self.turn, self.bend) for each in self._pictures])

    def cosines(self) -> np.ndarray:
        """Of each view 2 (rows) with each view 1 (columns), [8, 8]."""
        weights = self._networks.get(self.eye)
        return rows_of(weights, self.other()) @ rows_of(weights, self._pictures).T

    @property
    def summary(self) -> str:
        similar = self.cosines()
        found = int((similar.argmax(1) == np.arange(COUNT)).sum())
        row = similar[self.picture]
        near = int(row.argmax())
        said = "its own view 1" if near == self.picture else f"picture {near + 1}, a stranger"
        return (
            f"View 2: {sig(self.right)} to the right, {sig(self.down)} down, turned by {sig(self.turn)} degrees, bent by {sig(self.bend)}. Seen "
            f"by {EYES[self.eye]}, picture {self.picture + 1} has a cosine of {sig(row[self.picture])} with its own view 1, and the nearest is "
            f"{said}. {found} of {COUNT} find their partner."
        )

    @property
    def stored(self) -> str:
        """Without cosines, whose last digit may differ from machine to machine."""
        return (
            f"Two views of eight pictures and the cosines between them, seen by {EYES[self.eye]}; view 2 is {sig(self.right)} to the right, "
            f"{sig(self.down)} down, turned by {sig(self.turn)} degrees and bent by {sig(self.bend)}."
        )

    def draw(self, fig: Figure) -> None:
        """Both views of the picture, and the matrix."""
        grid = fig.add_gridspec(1, 3, width_ratios=[1, 1, 1.6])
        shown = {"view 1": self._pictures[self.picture], "view 2": self.other()[self.picture]}
        for column, (name, picture) in enumerate(shown.items()):
            ax = fig.add_subplot(grid[column])
            ax.imshow(picture, cmap="gray_r", vmin=0, vmax=255)
            ax.set(xticks=[], yticks=[])
            ax.set_title(name, loc="center")
        ax = fig.add_subplot(grid[2])
        similar = self.cosines()
        ax.imshow(similar, cmap="gray_r", vmin=0, vmax=1)
        for row, column in enumerate(similar.argmax(1)):
            ax.plot(
                column,
                row,
                "o" if row == column else "x",
                color=style.color("metric" if row == column else "warning"),
            )
        ax.set(
            xticks=range(COUNT), xticklabels=range(1, COUNT + 1), yticks=range(COUNT), yticklabels=range(1, COUNT + 1),
            xlabel="view 1 of picture", ylabel="view 2 of picture",
        )  # fmt: skip
        ax.set_title("cosines", loc="center")
