"""Permutations: one task, its five characters numbered in all 120 ways, and how often each network is right.

A dot is one label order. A network whose head was learned answers differently in each of them; one whose head starts from
zeros cannot tell them apart, and its dots lie on a line. The accuracies are recorded, nothing is trained here.
Taught in: lesson 14.
"""

import itertools
from typing import Any, NamedTuple

import numpy as np
import traitlets as t
from matplotlib.figure import Figure

from mlteach.checkpoint import load_checkpoint
from mlteach.errors import EpisodeError
from mlteach.explore import style
from mlteach.explore.base import Explorer, sig
from mlteach.measure.ledger import data_folder

RECORDED, WAYS, SIDE = "14-orders", 5, 28
HEADS = ("learned", "zero")
#: Order i gives class c of the task the label ORDERS[i][c].
ORDERS = tuple(itertools.permutations(range(WAYS)))


class Numbers(NamedTuple):
    """One head under all label orders: percent right, and which order is the best and the worst (the first of equals)."""

    mean: float
    best: float
    worst: float
    best_order: int
    worst_order: int


class Permutations(Explorer):
    """Choose a task, a number of inner steps, and a label order.

        permutations = Permutations.recorded()
        permutations.at = 4
        print(permutations.summary)

    learned, zero: shares of right answers in [0, 1], [tasks, looks, 120], in the order of ``ORDERS``. steps: after how many
        inner steps each look was. support: the five support pictures of each task in the order of its classes, [tasks, 5, 28, 28].
    task, at, order: what is looked at; ``at`` counts the looks, so ``steps[at]`` inner steps were made.

    Raises ``EpisodeError`` when the tables do not fit each other.
    """

    module = "permutations"
    shows = ("task", "at", "order")
    size = (8.0, 4.2)

    task = t.Int(0, min=0, help="the task").tag(sync=True, most="last_task")
    at = t.Int(0, min=0, help="which number of inner steps").tag(sync=True, most="last_look")
    order = t.Int(0, min=0, max=len(ORDERS) - 1, help="the label order that is marked").tag(sync=True)
    steps = t.List(t.Int()).tag(sync=True)
    last_task = t.Int().tag(sync=True)
    last_look = t.Int().tag(sync=True)
    shares = t.Bytes(help="float32 [2 heads, tasks, looks, 120]").tag(sync=True)
    pictures = t.Bytes(help="float32 [tasks, 5, 28, 28]").tag(sync=True)

    def __init__(self, learned: Any, zero: Any, steps: Any, support: Any, **traits: Any) -> None:
        self._shares = np.stack([np.asarray(each, dtype="<f4") for each in (learned, zero)])
        pictures = np.asarray(support, dtype="<f4")
        tasks = self._shares.shape[1]
        if self._shares.shape != (2, tasks, len(steps), len(ORDERS)):
            raise EpisodeError(
                f"The tables have shape {self._shares.shape[1:]}; give shares [tasks, {len(steps)} looks, {len(ORDERS)} orders]."
            )
        if pictures.shape != (tasks, WAYS, SIDE, SIDE):
            raise EpisodeError(
                f"The pictures have shape {pictures.shape}; give [{tasks}, {WAYS}, {SIDE}, {SIDE}]."
            )
        super().__init__(
            steps=list(steps), last_task=tasks - 1, last_look=len(steps) - 1,
            shares=self._shares.tobytes(), pictures=pictures.tobytes(), **{"at": len(steps) - 1} | traits,
        )  # fmt: skip

    @classmethod
    def recorded(cls, **traits: Any) -> "Permutations":
        """The tasks that come with the course, as ``python -m studies.lesson14_heads orders`` recorded them.

        Raises CheckpointError when they are not there.
        """
        tables, about = load_checkpoint(data_folder() / "checkpoints" / f"{RECORDED}.safetensors")
        support = np.stack(
            [
                pictures[labels.argsort()].numpy()
                for pictures, labels in zip(tables["support"], tables["labels"], strict=True)
            ]
        )
        return cls(tables["learned"], tables["zero"], about["steps"], support, **traits)

    @t.validate("task", "at")
    def _inside(self, proposal: Any) -> int:
        last = self.last_task if proposal["trait"].name == "task" else self.last_look
        if proposal["value"] > last:
            raise t.TraitError(
                f"{proposal['trait'].name} is {proposal['value']}; the last one here is {last}."
            )
        return int(proposal["value"])

    def numbers(self, head: str) -> Numbers:
        """What the 120 orders give one of `HEADS` at this task and look, in percent, float64."""
        percent = 100 * self._shares[HEADS.index(head), self.task, self.at].astype(np.float64)
        best, worst = int(percent.argmax()), int(percent.argmin())
        return Numbers(float(percent.mean()), float(percent[best]), float(percent[worst]), best, worst)

    @property
    def summary(self) -> str:
        learned, zero = self.numbers("learned"), self.numbers("zero")
        steps = self.steps[self.at]
        here = 100 * float(self._shares[0, self.task, self.at, self.order])
        flat = (
            f"{sig(zero.best, 3)} % in every order"
            if zero.best == zero.worst
            else f"{sig(zero.worst, 3)} to {sig(zero.best, 3)} %"
        )
        return (
            f"Task {self.task + 1} of {self.last_task + 1} after {steps} inner step{'' if steps == 1 else 's'}. Learned head: "
            f"{sig(learned.mean, 3)} % right on average, {sig(learned.worst, 3)} to {sig(learned.best, 3)} % over 120 label orders, "
            f"{sig(here, 3)} % in the marked one, {said(self.order)}. Head of zeros: {flat}."
        )

    def draw(self, fig: Figure) -> None:
        """The dots of both heads over the orders, the best and the worst marked."""
        ax = fig.subplots()
        learned, zero = (100 * self._shares[k, self.task, self.at] for k in range(2))
        ax.plot(learned, "o", markersize=4, color=style.color("maml"), alpha=0.8)
        ax.plot(zero, "s", markersize=2.5, color="black")
        numbers = self.numbers("learned")
        for name, place in (("best", numbers.best_order), ("worst", numbers.worst_order)):
            ax.plot(place, learned[place], "o", markersize=11, fillstyle="none", color=style.color("warning"))
            ax.annotate(
                f"{name}: {said(place)}",
                (place, learned[place]),
                xytext=(0, 9 if name == "best" else -15),
                textcoords="offset points",
                ha="left" if place < 60 else "right",
            )
        ax.set(
            xlim=(-1, len(ORDERS)), ylim=(0, 108), xlabel="label order, 1 to 120", ylabel="right answers, %"
        )
        spread = sig(numbers.best - numbers.worst, 2)
        ax.set_title(f"The same task, numbered otherwise: {spread} points apart with a learned head")


def said(order: int) -> str:
    """A label order in words: which number each of the task's characters got, "3 1 2 5 4"."""
    return " ".join(str(label + 1) for label in ORDERS[order])
