"""Numbers in sentences that move an explorer: ``<span data-moves="GradientCell.forget">0.9</span>``.

In JupyterLab such a number is text. On a page and on a slide it is a control, and what it may become is read here from
the explorer's trait, so that nobody types a range twice.
"""

import math
import re
from collections.abc import Collection, Iterator
from html import unescape
from typing import Any

import traitlets as t

from mlteach.course.lessons import LessonError
from mlteach.course.site.clean import MOVES, said

NUMBER = re.compile(r"<span\s+data-moves=\"(?P<name>[^\"]*)\"\s*>(?P<text>[^<]*)</span>")
#: Steps from one end of a range to the other, about: a hand's width and a tap of a key are felt, both.
STEPS = 200
#: From this ratio of its ends on a range is spaced by ratio.
FAR = 100


def moves(notebook: Any, *, name: str, shown: Collection[str] | None = None) -> dict[str, dict[str, Any]]:
    """``{"GradientCell.forget": {"name": its words, "min", "max", "step", "log"}}`` of all numbers in a notebook's text.

    A trait that is one of several, or on and off, has ``values`` instead of a range. ``shown``: the names of the
    explorers there must be; None where a number may stay text (a slide). Raises LessonError, naming the cell.
    """
    found: dict[str, dict[str, Any]] = {}
    for cell in notebook.cells:
        if cell.cell_type != "markdown" or "data-moves" not in cell.source:
            continue
        place = f"{name}: cell {cell.id}"
        numbers = NUMBER.findall(cell.source)
        if len(numbers) != cell.source.count("data-moves"):
            raise LessonError(
                f"{place} has a number that moves an explorer, written in a way that is not read. "
                'Write <span data-moves="GradientCell.forget">0.9</span>.'
            )
        for moved, text in numbers:
            about = found[moved] = trait(moved, place)
            if shown is not None and moved.partition(".")[0] not in shown:
                raise LessonError(
                    f"{place} has a number that moves {moved}, and no such explorer is shown. Show one, or write the number alone."
                )
            if not _fits(unescape(text).strip(), about):
                raise LessonError(
                    f'{place} has a number that moves {moved}; it cannot become "{said(text)}". Write {_range(about)}.'
                )
    return found


def trait(moved: str, place: str) -> dict[str, Any]:
    """What ``"GradientCell.forget"`` may become. Raises LessonError when there is no such trait, or it has no range."""
    from mlteach import explore

    home, _, key = moved.partition(".")
    if not MOVES.fullmatch(moved) or home not in explore.__all__:
        raise LessonError(
            f'{place} moves "{said(moved)}", and there is no such explorer. Choose one of {", ".join(explore.__all__)}, and a trait.'
        )
    found = getattr(explore, home).class_own_traits(sync=True).get(key)
    about = dict(_about(found)) if found is not None else {}
    if not about:
        names = [
            each
            for each, one in getattr(explore, home).class_own_traits(sync=True).items()
            if dict(_about(one))
        ]
        raise LessonError(
            f'{place} moves "{said(moved)}", which has no range to move in. {home} has {", ".join(sorted(names))}.'
        )
    return {"name": found.help or key.replace("_", " "), **about}


def _about(trait: Any) -> Iterator[tuple[str, Any]]:
    """Range and step, or values, of a trait; nothing when it has neither."""
    if isinstance(trait, t.Enum):
        yield "values", list(trait.values or ())
    elif isinstance(trait, t.Bool):
        yield "values", [False, True]
    elif isinstance(trait, t.Int | t.Float) and trait.min is not None and not math.isinf(trait.min):
        low, high, most = trait.min, trait.max, trait.metadata.get("most")
        if most is None and (high is None or math.isinf(high)):
            return
        yield "min", low
        if most is None:
            yield "max", high
        else:
            yield "most", most  # the end of its range is another trait of the explorer
        if isinstance(trait, t.Int):
            yield "step", 1
        elif low > 0 and high / low >= FAR:
            yield "log", True
        else:
            yield "step", _round((high - low) / STEPS)


def _round(step: float) -> float:
    """The nearest of 1, 2 and 5 times a power of ten, by ratio."""
    power = math.floor(math.log10(step))
    choices = [float(f"{digit}e{power}") for digit in (1, 2, 5, 10)]
    return min(choices, key=lambda each: abs(math.log(each / step)))


def _fits(text: str, about: dict[str, Any]) -> bool:
    """Whether a sentence's number is one that the trait can have."""
    if "values" in about:
        return text in _words(about)
    try:
        value = float(text.replace("−", "-"))
    except ValueError:
        return False
    return bool(about["min"] <= value <= about.get("max", math.inf))


def _range(about: dict[str, Any]) -> str:
    if "values" in about:
        return "one of " + ", ".join(_words(about))
    return f"a number from {about['min']:g}" + (f" to {about['max']:g}" if "max" in about else " on")


def _words(about: dict[str, Any]) -> list[str]:
    return [{True: "on", False: "off"}.get(each, str(each)) for each in about["values"]]
