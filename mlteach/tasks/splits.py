"""Which characters are trained on, chosen by, and tested on: the splits that published numbers refer to.

They are not the same task. Over shuffled characters ("random") the classes of a test task come mostly from
different alphabets, which is easiest; whole unseen alphabets ("lake", "vinyals") are harder.
"""

import hashlib
from collections.abc import Sequence

from mlteach.errors import DataError

# Characters stand in the order of the archives: 964 of the background, then 659 of the evaluation, each by name.
OMNIGLOT, BACKGROUND = 1623, 964

# The five alphabets on which Vinyals et al. chose their settings; all are background alphabets, 172 characters.
VALIDATION = ("Armenian", "Bengali", "Early_Aramaic", "Hebrew", "Mkhedruli_(Georgian)")

Indices = tuple[list[int], list[int], list[int]]


def split(scheme: str, names: Sequence[str], alphabets: Sequence[str], source: str) -> Indices:
    """The positions of the training, validation and test classes, each in ascending order.

    "random": 1100 / 100 / 423 of the 1623 characters, drawn over all alphabets (Finn et al. 2017 use these
        sizes, their shuffle is not recorded); the same shares of any other set. The order is that of a hash of
        each name, so it is the same with every version of every library.
    "lake": Lake et al. 2015, the evaluation archive (20 alphabets, 659 characters) is the test set. They give no
        validation set; here it is the five background alphabets of `VALIDATION` (172), and 792 are left to
        train on. ``split.train + split.validation`` is the whole background set of 964.
    "vinyals": Vinyals et al. 2016, as released by Snell et al. 2017: 1028 / 172 / 423. The test set is the last
        423 characters: 12 evaluation alphabets and 4 characters of Gurmukhi, the rest of which is trained on.

    Raises DataError for an unknown scheme, for sets that hold rotated copies already, and for "lake" and
    "vinyals" of anything but the whole of Omniglot.
    """
    if scheme not in ("random", "lake", "vinyals"):
        raise DataError(f'There is no split "{scheme}"; choose "random", "lake" or "vinyals".')
    if any("/rot" in name for name in names):
        raise DataError(
            "There are rotated copies among these characters; split first, and let split() rotate."
        )
    n = len(names)
    if scheme == "random":
        order = sorted(range(n), key=lambda i: hashlib.sha256(names[i].encode()).digest())
        train, validation = round(n * 1100 / OMNIGLOT), round(n * 100 / OMNIGLOT)
        parts = order[:train], order[train : train + validation], order[train + validation :]
        return tuple(sorted(part) for part in parts)  # type: ignore[return-value]
    if source != "omniglot" or n != OMNIGLOT:
        raise DataError(
            f'The split "{scheme}" is defined for the {OMNIGLOT} characters of Omniglot only, '
            f'and these are {n} of "{source}"; use split("random").'
        )
    test = BACKGROUND if scheme == "lake" else OMNIGLOT - 423
    held_out = [i for i in range(test) if alphabets[i] in VALIDATION]
    return sorted(set(range(test)) - set(held_out)), held_out, list(range(test, n))
