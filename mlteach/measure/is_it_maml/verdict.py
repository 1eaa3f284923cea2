"""What is_it_maml found, in one line."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

Order = Literal["second", "first", "both", "none", "neither", "in place", "accumulates", "cannot tell"]
#: For one parameter also "unused": autograd never meets it, and the loss does not feel it; "no effect": only the latter.
NameOrder = Literal["second", "first", "both", "none", "neither", "cannot tell", "unused", "no effect"]

_SAID = {
    "second": "second order for {}",
    "first": "first order for {}",
    "both": "right for {}, where first and second order coincide",
    "none": "no gradient reaches {}",
    "neither": "neither order for {}",
    "cannot tell": "cannot tell for {}",
}
_ASIDE = {"unused": "Never used: {}.", "no effect": "Without effect on this loss: {}."}


class SettledError(Exception):
    """The verdict is clear, or out of reach, before any slope is measured."""

    def __init__(self, order: Order, reason: str = "") -> None:
        super().__init__(reason)
        self.order, self.reason = order, reason


@dataclass(frozen=True)
class Verdict:
    """What `is_it_maml` found. Prints as one line.

    order: "second" (MAML), "first" (FOMAML), "both" (they coincide on this task), "none" (no gradient reaches theta),
        "neither" (wrong in another way), "in place" (the adaptation changes theta itself), "accumulates" (it leaves gradients
        in theta's .grad, which the next task adds to), "cannot tell" (``reason`` says why, and what to do).
    error: the distance between the meta-gradient and central differences, as a share of the latter; NaN if not measured.
    error_first_order: the same for the first-order gradient, whose inner gradients are constants.
    orders: for each name of theta its own order; also "unused" and "no effect".
    errors: for each name the share that its gradient is off, where names were measured one by one.
    notes: further sentences.
    """

    order: Order
    error: float = float("nan")
    error_first_order: float = float("nan")
    reason: str = ""
    orders: Mapping[str, NameOrder] = field(default_factory=dict)
    errors: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def is_maml(self) -> bool:
        """Whether the meta-gradient is the true one. False too where this cannot tell: ask ``order``."""
        return self.order in ("second", "both")

    def __str__(self) -> str:
        return " ".join([self._found(), *self._by_name(), *self.notes]).replace("\n", " ")

    def _found(self) -> str:
        off, first = _percent(self.error), _percent(self.error_first_order)
        what = self.reason or "theta"
        measured = self.error_first_order == self.error_first_order
        return {
            "second": "MAML: second order. It agrees with finite differences; "
            + (
                f"first order would be {first} off."
                if measured
                else "no inner gradient was seen, so there is no first order to compare with."
            ),
            "first": f"FOMAML: first order, {off} off the true meta-gradient. The inner gradients are taken for constants "
            "(is create_graph=True missing?).",
            "both": "MAML, and FOMAML too: on this task the two coincide, so this cannot tell them apart. "
            + (self.reason or "Try another task."),
            "none": "Not MAML: no gradient reaches theta. Was the update made through .data, .detach() or a deep copy?",
            "neither": f"Neither MAML nor FOMAML: {off} off the true meta-gradient, which first order is {first} off."
            if measured
            else f"Not MAML: {off} off the true meta-gradient. First order could not be measured, so it may be FOMAML or not.",
            "in place": f"Not MAML: the adaptation changes {'the model' if what == 'model' else 'theta'} itself. "
            + (
                "Adapt a copy, or put the start back; an outer optimizer's step does not belong here."
                if what == "model"
                else "Make new tensors in the inner step."
            ),
            "accumulates": "Not MAML from the second task on: the adaptation leaves its gradients in .grad of theta, and the "
            "next call adds to them. Use torch.autograd.grad, or empty .grad before each inner step.",
            "cannot tell": f"Cannot tell, because {self.reason}{'' if self.reason.endswith('?') else '.'}",
        }[self.order]

    def _by_name(self) -> list[str]:
        """Grouped: the order that most names have is said of the rest."""
        groups: dict[str, list[str]] = {}
        for name, order in self.orders.items():
            groups.setdefault(order, []).append(name)
        judged = sorted((each for each in groups if each in _SAID), key=lambda each: len(groups[each]))
        said = []
        if len(judged) > 1:
            parts = [_SAID[each].format(names_in_words(groups[each], self.orders)) for each in judged[:-1]]
            parts.append(_SAID[judged[-1]].format("the rest"))
            said.append(_sentence("; ".join(parts)))
        said += [
            text.format(names_in_words(groups[each], self.orders))
            for each, text in _ASIDE.items()
            if each in groups
        ]
        return said


def names_in_words(names: Collection[str], among: Collection[str] = ()) -> str:
    """The first few names, and how many more; a layer of which every part ``among`` all names is meant goes by its own."""
    layers: dict[str, list[str]] = {}
    for name in among:
        layers.setdefault(name.rpartition(".")[0], []).append(name)
    short = []
    for name in names:
        layer = name.rpartition(".")[0]
        parts = layers.get(layer, [])
        said = layer if layer and len(parts) > 1 and set(parts) <= set(names) else name
        if said not in short:
            short.append(said)
    shown = ", ".join(short[:4])
    return shown if len(short) <= 4 else f"{shown} and {len(short) - 4} more"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _percent(share: float) -> str:
    if share != share:
        return "an unknown share"
    return f"{100 * share:.0f} %" if share < 10 else "far"
