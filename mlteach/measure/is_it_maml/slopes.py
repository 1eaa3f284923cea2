"""Slopes by finite differences that know how far they can be trusted.

One step size is never right everywhere: too long, and a ReLU or a max pool changes sides within the step; too short, and
rounding drowns the difference. So there are several, and a slope counts where three neighbours agree.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Opinion = Literal["agrees", "differs", "unclear"]

TOLERANCE = 1e-4  # central differences in float64 are good to about 1e-8; a wrong gradient is off by percents
ROUNDING = 1e-15  # of the loss, in one difference: some units in float64's last place
CLEAR = 5  # a value differs when it is this many times the slope's own uncertainty away
PLAIN = 100  # so far away that two steps are enough
NOWHERE = float("inf")


@dataclass
class Slope:
    """The slope at 0 of ``along``, a function of how far one goes, measured on demand.

    middle: along(0). sizes: the steps to try, the most trusted first.
    """

    along: Callable[[float], float]
    middle: float
    sizes: tuple[float, ...]
    _central: dict[float, float] = field(default_factory=dict)
    _kink: dict[float, float] = field(default_factory=dict)

    def central(self, size: float) -> float:
        """(along(size) - along(-size)) / 2 size; remembered."""
        if size not in self._central:
            ahead, behind = self.along(size), self.along(-size)
            self._central[size] = (ahead - behind) / (2 * size)
            self._kink[size] = abs(ahead - 2 * self.middle + behind) / (2 * size)  # a bend, or a corner
        return self._central[size]

    def best(self) -> tuple[float, float]:
        """The most trustworthy slope and its uncertainty: how much it changes with the step, and to the other side."""
        found, sizes = (float("nan"), NOWHERE), sorted(self.sizes)
        for short, middle, long in zip(sizes, sizes[1:], sizes[2:], strict=False):
            near = [self.central(size) for size in (short, middle, long)]
            doubt = max(near) - min(near) + self._kink[middle] + ROUNDING * abs(self.middle) / middle
            if doubt < found[1]:
                found = (near[1], doubt)
        return found

    def asked(self, value: float) -> Opinion:
        """Is ``value`` this slope? Where the first two steps leave no doubt, the others are spared."""
        for count, size in enumerate(self.sizes):
            measured = self.central(size)
            allowed = TOLERANCE * max(abs(value), abs(measured))
            if count == 0:
                allowed += ROUNDING * abs(self.middle) / size
            if abs(measured - value) <= allowed:
                return "agrees"
            if count == 1:
                doubt = (
                    abs(measured - self.central(self.sizes[0])) + self._kink[size] + self._kink[self.sizes[0]]
                )
                if abs(measured - value) > PLAIN * doubt:
                    return "differs"
        best, doubt = self.best()
        return "differs" if abs(best - value) > CLEAR * doubt else "unclear"

    def near(self, value: float) -> float:
        """The measurement to report beside ``value``: the first that agrees with it, else the best of those made."""
        made = [self._central.get(size) for size in self.sizes]
        for measured in made:
            if measured is not None and abs(measured - value) <= TOLERANCE * max(abs(value), abs(measured)):
                return measured
        if None not in made:
            best, doubt = self.best()
            if doubt < NOWHERE:
                return best
        return self.central(self.sizes[0])
