"""Say in one line whether two computations agree."""

from typing import NamedTuple

import torch
from torch import Tensor

from mlteach.params import Params, to_vector


def difference(ours: Params | Tensor, theirs: Params | Tensor) -> float:
    """The largest absolute difference between two tensors, or two dicts of them, name by name.

    Raises ValueError for shapes or names that differ.
    """
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if odd := sorted(ours.keys() ^ theirs.keys()):
            raise ValueError(f"Cannot compare: only one of the two has {', '.join(odd)}.")
        gaps = [difference(ours[name], theirs[name]) for name in ours]
        return torch.tensor(gaps, dtype=torch.float64).max().item()  # Python's max can lose a nan
    a, b = (to_vector(each) if isinstance(each, dict) else torch.as_tensor(each) for each in (ours, theirs))
    if a.shape != b.shape:
        raise ValueError(f"Cannot compare shapes {tuple(a.shape)} and {tuple(b.shape)}.")
    return (a.detach().cpu().double() - b.detach().cpu().double()).abs().max().item()


class Agreement(NamedTuple):
    """What `compare` found. True where the two agree; a notebook shows nothing, because the line is printed already."""

    gap: float
    agrees: bool

    def __bool__(self) -> bool:
        return self.agrees

    def _ipython_display_(self) -> None:
        pass


def compare(
    name: str, ours: Params | Tensor, other: str, theirs: Params | Tensor, *, to: float = 1e-6
) -> Agreement:
    """Print one line, "exact" or "largest difference ...", and return whether they agree to ``to``.

    The difference is printed as an upper bound, a power of ten, so that it reads the same on another processor.

    Taught in: lesson 03.
    """
    gap = difference(ours, theirs)
    if gap == 0:
        verdict = "exact, the largest difference is 0"
    elif gap <= to:
        verdict = f"equal to rounding, the largest difference is below {to:.0e}"
    else:
        verdict = f"NOT equal, the largest difference is {gap:.1e}"
    print(f"{name} and {other}: {verdict}")
    return Agreement(gap, gap <= to)
