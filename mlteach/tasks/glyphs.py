"""Characters that nobody ever wrote: strokes, joined by the habits of an invented script, in twenty hands.

A stand-in for Omniglot where there is none, about as hard for nearest neighbour on raw pixels (5-way 1-shot:
see tests/tasks/test_glyphs.py). Numbers come from numpy's RandomState, whose stream is frozen for good, and all
geometry is in float64, so that one seed gives the same pictures everywhere.
"""

import math

import numpy as np
import torch
from torch import Tensor

from mlteach.errors import DataError

DRAWERS = 20
FAMILY = 20  # classes in an alphabet
SIZE = 28

# A stroke is five control points: four steps of equal length, each turned by so many radians against the one before.
# Sharp strokes go straight from point to point, the others are splines.
_KINDS = {  # name: (turns, length in units of the character, sharp)
    "line": ((0.0, 0.0, 0.0, 0.0), 0.9, True),
    "corner": ((0.0, 0.0, 1.57, 0.0), 1.2, True),
    "zigzag": ((0.0, 2.1, -2.1, 2.1), 2.0, True),
    "arc": ((0.0, 0.5, 0.5, 0.5), 1.1, False),
    "bowl": ((0.0, 1.0, 1.0, 1.0), 1.4, False),
    "loop": ((0.0, 1.57, 1.57, 1.57), 1.5, False),
    "hook": ((0.0, 0.1, 1.2, 1.4), 1.4, False),
    "wave": ((0.0, 0.9, -0.9, -0.9), 1.4, False),
}
_TURNS, _LENGTH, _SHARP = (np.array(column) for column in zip(*_KINDS.values(), strict=True))
_LINE, _ZIGZAG = 0, 2
_STROKES = 4
_SAMPLES = 10  # points on each of the four spans of a stroke, so that they lie closer than a pixel


def draw(classes: int = 400, seed: int = 0) -> tuple[Tensor, tuple[str, ...]]:
    """Pictures uint8 [classes, 20, 28, 28], ink 255, and names "Script01/character01", 20 characters a script.

    Fewer classes are the first of more. Takes about two seconds for 400. Raises DataError for fewer than one.
    """
    if classes < 1 or seed < 0:
        raise DataError(
            f"{classes} classes from seed {seed} were asked for; ask for at least one, from seed 0 or more."
        )
    hands = _hands(np.random.RandomState([seed, 0]))
    scripts = range(math.ceil(classes / FAMILY))
    drawings = (_script(np.random.RandomState([seed, 1 + i]), hands) for i in scripts)
    images = np.concatenate([_render(*each, hands["pen"]) for each in drawings])
    names = (f"Script{i + 1:02d}/character{j + 1:02d}" for i in scripts for j in range(FAMILY))
    return torch.from_numpy(images[:classes]), tuple(
        name for name, _ in zip(names, range(classes), strict=False)
    )


def _hands(rng: np.random.RandomState) -> dict[str, np.ndarray]:
    """What is lasting in the way each drawer writes, [drawers] each; x and y in pixels."""
    return {
        "width": 0.88 * np.exp(0.1 * rng.randn(DRAWERS)),
        "height": np.exp(0.1 * rng.randn(DRAWERS)),
        "slant": 0.12 * rng.randn(DRAWERS),
        "tilt": 0.05 * rng.randn(DRAWERS),
        "pen": np.clip(1.6 + 0.1 * rng.randn(DRAWERS), 1.3, 1.9),
        "stray": 1.0 * np.exp(0.25 * rng.randn(DRAWERS)),
        "x": 13.3 + 0.6 * rng.randn(DRAWERS),
        "y": 13.0 + 0.6 * rng.randn(DRAWERS),
    }


def _script(rng: np.random.RandomState, hands: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The drawings of one alphabet: control points in pixels [characters, drawers, strokes, 5, 2], which are sharp.

    A stroke that a character does not have is NaN.
    """
    each = np.arange(FAMILY)

    def stray(sd: float, *shape: int) -> np.ndarray:
        """How far a drawing departs from the character, [characters, drawers, ...]: less in a careful hand."""
        return sd * hands["stray"].reshape(-1, *(1 for _ in shape)) * rng.randn(FAMILY, DRAWERS, *shape)

    # The habits of a script: the strokes it likes, how true its angles are, how many strokes it needs, and the
    # stem that some of its characters have in common, as the bar of Bengali.
    liked = 0.8 * rng.dirichlet(np.full(len(_KINDS), 0.5)) + 0.2 / len(_KINDS)
    loose = rng.uniform(0.03, 0.2)
    stem = rng.rand(FAMILY) < rng.uniform(0.0, 0.9)
    strokes = np.maximum(1 + stem, 1 + rng.binomial(_STROKES - 1, rng.uniform(0.3, 0.7), FAMILY))

    points = np.full((FAMILY, DRAWERS, _STROKES, 5, 2), np.nan)
    sharp = np.zeros((FAMILY, 1, _STROKES), bool)
    for stroke in range(_STROKES):
        first = (
            np.where(stem, 0, each) if stroke == 0 else each
        )  # the stem is the first stroke of character 0
        kind = rng.choice(len(_KINDS), FAMILY, p=liked)[first]
        if stroke == 0:
            kind = np.where((kind == _LINE) & (strokes == 1), _ZIGZAG, kind)  # a line alone is no character
        else:
            kind = np.where((kind == _ZIGZAG) | (rng.rand(FAMILY) < 0.35), _LINE, kind)
        sharp[:, 0, stroke] = _SHARP[kind]
        bend = rng.choice([-1.0, 1.0], FAMILY) * np.exp(0.15 * rng.randn(FAMILY))
        heading = math.pi / 4 * rng.choice(8, FAMILY, p=[0.2, 0.05] * 4) + loose * rng.randn(FAMILY)
        turns, heading = _TURNS[kind] * bend[first, None], heading[first]
        length = _LENGTH[kind] / 4 * np.exp(0.3 * rng.randn(FAMILY)) * (1.0 if stroke == 0 else 0.75)

        angle = heading[:, None, None] + stray(0.08, 1) + np.cumsum(turns[:, None] + stray(0.11, 4), -1)
        step = length[:, None, None] * np.exp(stray(0.12, 1) + stray(0.1, 4))
        path = np.zeros((FAMILY, DRAWERS, 5, 2))
        path[:, :, 1:] = np.cumsum(np.stack([step * np.cos(angle), step * np.sin(angle)], -1), 2)

        # It begins at, ends at or crosses a point of an earlier stroke; now and then it stands free.
        held = path[each, :, rng.choice([0, 0, 0, 4, 2], FAMILY)]
        at = np.broadcast_to(0.45 * rng.randn(FAMILY, 1, 2), (FAMILY, DRAWERS, 2))
        if stroke:
            earlier = (rng.rand(FAMILY) * np.minimum(stroke, strokes)).astype(int)
            joined = points[each, :, earlier, rng.choice([0, 0, 4, 4, 2, 1, 3], FAMILY)]
            at = np.where(rng.rand(FAMILY, 1, 1) < 0.15, at, joined)
        path += (at - held + stray(0.04, 2))[:, :, None]
        points[:, :, stroke] = np.where((stroke < strokes)[:, None, None, None], path, np.nan)
    return _place(rng, hands, points), sharp


def _place(rng: np.random.RandomState, hands: dict[str, np.ndarray], points: np.ndarray) -> np.ndarray:
    """Size, slant, tilt and put down each drawing the way its drawer does."""

    def per_drawing(usual: np.ndarray, sd: float) -> np.ndarray:
        return (usual + sd * rng.randn(FAMILY, DRAWERS))[:, :, None, None]

    low, high = np.nanmin(points, (2, 3), keepdims=True), np.nanmax(points, (2, 3), keepdims=True)
    x, y = np.moveaxis((points - (low + high) / 2) / (high - low).max(-1, keepdims=True), -1, 0)
    size = 17.0 * np.exp(per_drawing(0.16 * rng.randn(FAMILY, 1), 0.08))
    x, y = size * per_drawing(hands["width"], 0) * x, size * per_drawing(hands["height"], 0) * y
    x = x - per_drawing(hands["slant"], 0.05) * y
    tilt = per_drawing(hands["tilt"], 0.04)
    x, y = x * np.cos(tilt) - y * np.sin(tilt), x * np.sin(tilt) + y * np.cos(tilt)
    return np.stack([x + per_drawing(hands["x"], 1.25), y + per_drawing(hands["y"], 1.25)], -1)


def _bases() -> tuple[np.ndarray, np.ndarray]:
    """From five control points to points along the stroke, [4 * _SAMPLES, 5]: straight lines, Catmull-Rom splines."""
    ends = np.zeros((7, 5))  # the control points with one more beyond either end, mirrored
    ends[1:6], ends[0, :2], ends[6, 3:] = np.eye(5), (2, -1), (-1, 2)
    t = np.linspace(0, 1, _SAMPLES)[:, None]
    spans = [ends[i : i + 4] for i in range(4)]
    straight = [(1 - t) * b + t * c for _, b, c, _ in spans]
    spline = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in spans
    ]
    return np.concatenate(straight), np.concatenate(spline)


def _render(points: np.ndarray, sharp: np.ndarray, pen: np.ndarray) -> np.ndarray:
    """Ink each pixel by its distance to the nearest point of a stroke: uint8 [characters, drawers, 28, 28]."""
    straight, spline = (np.einsum("nk,...kd->...nd", basis, points) for basis in _bases())
    points = np.where(sharp[..., None, None], straight, spline)
    drawn = np.isfinite(points).all(-1)  # [characters, drawers, strokes, points]
    character, drawer = (each[:, None] for each in drawn.nonzero()[:2])
    path = points[drawn]  # [all points, (x, y)]
    # A pen of less than two pixels reaches no further than the eight neighbours.
    around = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), -1).reshape(9, 2)
    pixel = np.rint(path).astype(np.int64)[:, None] + around  # [all points, 9, (x, y)]
    distance = np.sqrt(np.square(pixel - path[:, None]).sum(-1))
    ink = np.clip(pen[drawer] / 2 + 0.5 - distance, 0, 1)
    inside = ((pixel >= 0) & (pixel < SIZE)).all(-1)
    where = ((character * DRAWERS + drawer) * SIZE + pixel[..., 1]) * SIZE + pixel[..., 0]
    canvas = np.zeros(len(drawn) * DRAWERS * SIZE * SIZE)
    np.maximum.at(canvas, where[inside], ink[inside])
    return np.rint(canvas * 255).astype(np.uint8).reshape(-1, DRAWERS, SIZE, SIZE)
