"""Two tasks over two parameters, and where four methods would move one start that both share.

Each task's loss is a curved valley: steep across, flat along, with a lowest point on its floor. The second is twice as
steep as the first. All is sums and products in one order, so that JavaScript computes the same, operation by operation.
"""

import math
from typing import NamedTuple

Point = tuple[float, float]

#: Edges of the picture, and how far a path may run before it is cut: squares of it would overflow.
BOX: tuple[Point, Point] = ((-2.5, 2.5), (-5 / 3, 5 / 3))
FAR = 1e3
#: The outer rate of every method, and the joint loss (in units of its minimum) that earns one, two and three stars.
META_RATE, STARS = 0.1, (3, 10, 20)
#: What the loss after one step may be, as a share of the same from joint training's best start, for a start to count.
LIKED = 0.5


class Valley(NamedTuple):
    """L = steep / 2 (y - c(x))^2 + flat / 2 (x - low)^2 with the floor c(x) = p + q x + r x^2."""

    steep: float
    flat: float
    low: float
    p: float
    q: float
    r: float


TASKS = {
    "A": Valley(steep=3.0, flat=0.35, low=-0.65, p=1.0, q=-0.3, r=-0.25),
    "B": Valley(steep=6.0, flat=0.65, low=0.8, p=-0.6, q=0.25, r=-0.35),
}


def loss(task: Valley, x: float, y: float) -> float:
    """The loss of one task."""
    u, v = y - (task.p + task.q * x + task.r * x * x), x - task.low
    return 0.5 * task.steep * u * u + 0.5 * task.flat * v * v


def gradient(task: Valley, x: float, y: float) -> Point:
    """Its gradient."""
    u, slope = y - (task.p + task.q * x + task.r * x * x), task.q + 2 * task.r * x
    return -task.steep * u * slope + task.flat * (x - task.low), task.steep * u


def hessian(task: Valley, x: float, y: float) -> tuple[float, float, float]:
    """Its second derivatives: xx, xy, yy."""
    u, slope = y - (task.p + task.q * x + task.r * x * x), task.q + 2 * task.r * x
    return task.steep * (slope * slope - 2 * task.r * u) + task.flat, -task.steep * slope, task.steep


def adapt(task: Valley, x: float, y: float, rate: float, steps: int = 1) -> Point:
    """The point after ``steps`` steps of gradient descent."""
    for _ in range(steps):
        gx, gy = gradient(task, x, y)
        x, y = x - rate * gx, y - rate * gy
    return x, y


def joint(x: float, y: float) -> float:
    """The mean of both losses: what joint training descends."""
    a, b = (loss(task, x, y) for task in TASKS.values())
    return (a + b) / 2


def after(x: float, y: float, rate: float) -> float:
    """The mean of both losses after one inner step each: what MAML descends."""
    a, b = (loss(task, *adapt(task, x, y, rate)) for task in TASKS.values())
    return (a + b) / 2


def move(method: str, x: float, y: float, rate: float, inner: int) -> Point:
    """Minus the meta-gradient of ``joint``, ``maml``, ``fomaml`` (one inner step each) or ``reptile`` (``inner`` steps).

    Reptile's difference is divided by inner * rate, so that with one step it is joint training's gradient.
    """
    sx, sy = 0.0, 0.0
    for task in TASKS.values():
        if method == "reptile":
            px, py = adapt(task, x, y, rate, inner)
            gx, gy = (x - px) / (inner * rate), (y - py) / (inner * rate)
        elif method == "joint":
            gx, gy = gradient(task, x, y)
        else:
            gx, gy = gradient(task, *adapt(task, x, y, rate))
            if method == "maml":  # times I - rate H at the start
                xx, xy, yy = hessian(task, x, y)
                gx, gy = gx - rate * (xx * gx + xy * gy), gy - rate * (xy * gx + yy * gy)
        sx, sy = sx + gx, sy + gy
    return -sx / 2, -sy / 2


def walk(method: str, x: float, y: float, rate: float, inner: int, steps: int) -> list[Point]:
    """The start after 0, 1, ..., ``steps`` meta-steps; fewer when it runs away."""
    path = [(x, y)]
    for _ in range(steps):
        dx, dy = move(method, x, y, rate, inner)
        x, y = x + META_RATE * dx, y + META_RATE * dy
        if not (abs(x) <= FAR and abs(y) <= FAR):
            break
        path.append((x, y))
    return path


#: Joint training's best start: the lowest point of the mean loss.
BEST: Point = walk("joint", 0.0, 0.0, 0.1, 1, 2000)[-1]


def score(x: float, y: float, rate: float) -> float:
    """The joint loss at a start in units of its minimum, if one step leads far enough below; else 0."""
    liked = after(x, y, rate) <= LIKED * after(*BEST, rate)
    return joint(x, y) / joint(*BEST) if liked else 0.0


def stars(x: float, y: float, rate: float) -> int:
    """0 to 3 stars for that."""
    return sum(score(x, y, rate) >= limit for limit in STARS)


def angle(a: Point, b: Point) -> float:
    """The angle between two arrows in degrees, 0 to 180; 0 when one has no length."""
    if not (math.hypot(*a) and math.hypot(*b)):
        return 0.0
    return abs(math.atan2(a[0] * b[1] - a[1] * b[0], a[0] * b[0] + a[1] * b[1])) * 180 / math.pi
