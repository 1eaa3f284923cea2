"""What somebody draws, as a picture like Omniglot's own."""

from collections.abc import Sequence

import numpy as np

SIDE = 28
#: Omniglot was drawn with a square pen of 5 pixels on paper of 105, and shrinks to 28. A stroke's ink then falls with the
#: distance d from its middle like (REACH - d) / SLOPE, in pixels of 28: fitted to shrunk lines, 0.012 off on average.
REACH, SLOPE = 1.15, 0.9


def ink(strokes: Sequence[Sequence[float]]) -> np.ndarray:
    """A picture uint8 [28, 28], ink 255, of strokes [x0, y0, x1, y1, ...] in pixels from the upper left corner.

    JavaScript does the same operations in the same order, so the two pictures are equal, not merely close.
    """
    y, x = np.mgrid[0:SIDE, 0:SIDE] + 0.5
    canvas = np.zeros((SIDE, SIDE))
    for stroke in strokes:
        points = list(zip(stroke[::2], stroke[1::2], strict=True))
        for (ax, ay), (bx, by) in zip(points, points[1:] or points, strict=False):
            dx, dy = bx - ax, by - ay
            length = dx * dx + dy * dy
            along = ((x - ax) * dx + (y - ay) * dy) / length if length else np.zeros_like(x)
            along = np.clip(along, 0, 1)
            ex, ey = x - ax - along * dx, y - ay - along * dy
            canvas = np.maximum(canvas, np.clip((REACH - np.sqrt(ex * ex + ey * ey)) / SLOPE, 0, 1))
    return np.floor(255 * canvas + 0.5).astype(np.uint8)
