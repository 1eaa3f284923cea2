"""What explorers share that draw with ``pen.js`` and run a network with ``conv4.js``: strokes, and a body as bytes."""

from collections.abc import Sequence

import traitlets as t

from mlteach.params import Params

#: [[x0, y0, x1, y1, ...], ...], in pixels of 28 from the upper left corner; `mlteach.tasks.pen.ink` makes a picture of them.
Strokes = list[list[float]]


def checked_strokes(value: Sequence[Sequence[float]]) -> Strokes:
    """Strokes as floats. Raises ``TraitError`` for half a point, for none, and for one that is off the paper."""
    for stroke in value:
        if len(stroke) < 2 or len(stroke) % 2 or not all(0 <= v <= 28 for v in stroke):
            raise t.TraitError(
                "A stroke is a list [x0, y0, x1, y1, ...] of at least one point, each number from 0 to 28."
            )
    return [[float(v) for v in stroke] for stroke in value]


def body_bytes(body: Params) -> bytes:
    """A Conv-4's body as ``bodyOf`` in ``conv4.js`` reads it: of each block the kernel, gamma and beta, little-endian float32."""
    names = [f"{kind}{block}.{each}" for block in range(1, 5) if body
             for kind, each in (("conv", "weight"), ("norm", "gamma"), ("norm", "beta"))]  # fmt: skip
    return b"".join(body[name].numpy().astype("<f4").tobytes() for name in names)
