"""What was published on miniImageNet, 5 ways, by methods of the course: the rows to print, each with what it depends on.

Numbers and protocols stand in `data/published.json`; here is which, and in what order: by network. MAML is there four times, and
moves more with network, pre-training and protocol than the meta-learners on one network differ.
Taught in: lesson 21.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from mlteach.measure.ledger import published

#: Name in the ledger, with a gap for the shots, and what the table calls it.
ROWS: tuple[tuple[str, str], ...] = (
    ("ravi.finetune.miniimagenet.{}", "fine-tuning"),
    ("ravi.nearest.miniimagenet.{}", "nearest neighbour"),
    ("ravi.matching.miniimagenet.{}", "matching nets"),
    ("ravi.matching-fce.miniimagenet.{}", "matching nets, FCE"),
    ("ravi.meta-lstm.miniimagenet.{}", "meta-learner LSTM"),
    ("maml.miniimagenet.{}", "MAML"),
    ("fomaml.miniimagenet.{}", "FOMAML"),
    ("reptile.miniimagenet.{}", "Reptile"),
    ("reptile.miniimagenet.{}.transductive", "Reptile, transductive"),
    ("raghu.maml.miniimagenet.{}", "MAML by ANIL's authors"),
    ("raghu.anil.miniimagenet.{}", "ANIL"),
    ("maml.metal.miniimagenet.{}", "MAML by MeTAL's authors"),
    ("metal.miniimagenet.{}", "MeTAL"),
    ("prototypes-5way.miniimagenet.{}", "prototypes, 5 ways"),
    ("prototypes.miniimagenet.{}", "prototypes, more ways"),
    ("snail.miniimagenet.{}", "SNAIL"),
    ("unicorn.maml.miniimagenet.{}", "MAML by UNICORN's authors"),
    ("unicorn.miniimagenet.{}", "UNICORN-MAML"),
    ("leo.miniimagenet.{}", "LEO"),
)

#: Below the table.
MEANING = (
    "±: 95 % over test tasks; * another spread, or not found which. –: not found.",
    "queries: of each class. transductive: all queries of a task in one batch; beside",
    "support: one query with the support set; running: no query, averages of before.",
)


class Published(NamedTuple):
    """One method: what it is called, its network, and its two rows of the ledger (see `published`)."""

    said: str
    network: str
    one_shot: dict[str, Any]
    five_shot: dict[str, Any]


def mini_imagenet_table() -> list[Published]:
    """All methods in the order to print. Raises DataError where the ledger lacks one."""
    found = []
    for name, said in ROWS:
        one, five = (published(name.format(shots)) for shots in ("5way1shot", "5way5shot"))
        found.append(Published(said, one["network"], one, five))
    return found


def as_text(rows: Iterable[Published]) -> str:
    """The table as lines of 88 columns at most, a line above each network, and below what its words mean."""
    lines = [f"{'right answers, %':29}{'1-shot':14}{'5-shot':14}{'queries':>10}   batch norm at test"]
    network = None
    for row in rows:
        if row.network != network:
            network = row.network
            lines.append(f"{network}:")
        figures = (row.one_shot, row.five_shot)
        digits = max(
            len(str(figure[each] or 0).partition(".")[2])
            for figure in figures
            for each in ("value", "interval")
        )
        cells = "".join(f"{_cell(figure, digits):14}" for figure in figures)
        queries = ", ".join(dict.fromkeys(str(figure["queries_per_class"] or "–") for figure in figures))
        lines.append(f"  {row.said:27}{cells}{queries:>10}   {row.one_shot['batch_norm'] or '–'}")
    return "\n".join([*lines, *MEANING])


def _cell(figure: dict[str, Any], digits: int) -> str:
    """A value and its spread."""
    numbers = [each for each in (figure["value"], figure["interval"]) if each is not None]
    said = " ± ".join(f"{each:.{digits}f}" for each in numbers)
    return said + ("*" if "spread" in figure else "")
