"""The one table of the browser tests and of the benchmark: for each explorer, how to make, key, drag and set it.

A new explorer is one row here, and a cell ``snake_case_name = Name...`` in ``notebooks/src/90_*.py``.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlteach import explore


@dataclass(frozen=True)
class Keys:
    """A control by its label, and the keys that change the picture."""

    label: str
    press: tuple[str, ...]


@dataclass(frozen=True)
class Drag:
    """What to take in the hand by its label, where in its box (fractions), and how far to pull it (pixels).

    A finger pulls it as far down as the mouse did to the right; ``sideways``: no, because there it scrolls the page.
    """

    label: str
    by: tuple[float, float]
    at: tuple[float, float] = (0.5, 0.5)
    sideways: bool = False


@dataclass(frozen=True)
class Row:
    """``make``: as on the page of all explorers. ``set``: a trait and a value it has not there."""

    make: Callable[[], Any]
    keys: Keys
    set: tuple[str, Any]
    drag: Drag | None = None


ROWS = {
    "AdaptationLab": Row(
        lambda: explore.AdaptationLab.recorded(points=[-4.6, -3.5, -2.6, -1.4, -0.3]),
        Keys("inner steps", ("ArrowRight",) * 2),
        ("amplitude", 2.0),
        Drag("Support point 1", (40, 15)),
    ),
    "AttentionStep": Row(
        lambda: explore.AttentionStep(layers=2),
        Keys("rate α", ("ArrowRight",) * 9),
        ("scale", 1.5),
        Drag("Point 6", (20, -15)),
    ),
    "EpisodeInspector": Row(
        lambda: explore.EpisodeInspector.recorded(),
        Keys("inner steps", ("ArrowRight",) * 3),
        ("seed", 7),
        Drag("Pad to draw on", (60, 50), at=(0.3, 0.3)),
    ),
    "FrozenLayers": Row(
        lambda: explore.FrozenLayers.recorded(frozen=["conv1"]),
        Keys("head", ("Space",)),
        ("net", "fresh"),
    ),
    "GateHistory": Row(
        lambda: explore.GateHistory.recorded(step=3),
        Keys("Inner step", ("ArrowRight",)),
        ("layer", "head"),
        Drag("Input gate over the steps, one line a layer", (-60, 0), sideways=True),
    ),
    "GradientCell": Row(
        lambda: explore.GradientCell(surface="ravine"),
        Keys("input gate i", ("ArrowRight",) * 7),
        ("forget", 0.9),
        Drag("Start of both paths", (60, -20)),
    ),
    "Ingredients": Row(
        lambda: explore.Ingredients.recorded(on=["multi-step loss"]),
        Keys("clip", ("Space",)),
        ("rate", "tuned"),
    ),
    "LearnedStep": Row(
        lambda: explore.LearnedStep.recorded("quadratics"),
        Keys("gradients, step by step", ("ArrowDown", "ArrowDown", "ArrowLeft")),
        ("unit", 0.1),
        Drag("gradients, step by step", (50, 20), at=(0.3, 0.4)),
    ),
    "LossLandscape": Row(
        lambda: explore.LossLandscape.recorded(scene="tasks"),
        Keys("inner rate α", ("ArrowLeft",) * 3),
        ("inner", 8),
        Drag("The shared start", (60, -20)),
    ),
    "LossPull": Row(
        lambda: explore.LossPull.recorded(),
        Keys("Support point 8", ("ArrowUp",) * 4),
        ("steps", 1),
        Drag("Support point 8", (40, 40)),
    ),
    "LstmGates": Row(
        lambda: explore.LstmGates("distractors"),
        Keys("forget gate f, step by step", ("ArrowDown", "ArrowDown", "ArrowRight")),
        ("recurrent", 2.0),
        Drag("value x, step by step", (50, 20), at=(0.3, 0.4)),
    ),
    "MamlPlane": Row(
        lambda: explore.MamlPlane("MAML"),
        Keys("inner steps k", ("ArrowRight",) * 2),
        ("method", "FOMAML"),
        Drag("The start θ", (60, 30)),
    ),
    "MemoryRows": Row(
        lambda: explore.MemoryRows.recorded(), Keys("step", ("ArrowRight",) * 9), ("learner", "both")
    ),
    "MethodMap": Row(explore.MethodMap, Keys("MAML", ("ArrowRight",)), ("method", "Reptile")),
    "MetricMap": Row(
        lambda: explore.MetricMap.recorded(),
        Keys("query", ("ArrowRight",) * 7),
        ("shots", 5),
        Drag("The query", (60, 30)),
    ),
    "Permutations": Row(
        lambda: explore.Permutations.recorded(task=5, at=4),
        Keys("marked order", ("ArrowRight",) * 3),
        ("at", 1),
    ),
    "Projections": Row(
        lambda: explore.Projections("three lines", exact=True),
        Keys("outer rate β", ("ArrowRight",) * 4),
        ("scene", "circles"),
        Drag("The start", (60, 20)),
    ),
    "Scoreboard": Row(lambda: explore.Scoreboard.recorded(), Keys("MAML", ("ArrowRight",)), ("y", "fixed")),
    "ShiftMap": Row(
        lambda: explore.ShiftMap.recorded(method="MAML", shift="thick"),
        Keys("MAML, thick", ("ArrowRight",)),
        ("mode", "fixed"),
    ),
    "StepMorph": Row(explore.StepMorph, Keys("how far", ("ArrowRight",) * 7), ("at", 2.0)),
    "TaskMixer": Row(
        lambda: explore.TaskMixer.recorded(), Keys("share λ of task i", ("ArrowRight",) * 9), ("how", "box")
    ),
    "TwoViews": Row(
        lambda: explore.TwoViews.recorded(),
        Keys("bend, pixels", ("ArrowRight",) * 9),
        ("turn", 20.0),
        Drag("View 2: drag it, or move it with the arrow keys", (20, 12)),
    ),
    "UnrolledChain": Row(
        explore.UnrolledChain,
        Keys("Dashed edge from θ₁ into the gradient of step 2", ("Space",)),
        ("reading", "MAML"),
    ),
}


#: A card so wide is at most so tall, in pixels: on a laptop and a slide, and in a cell of JupyterLab.
TALLEST = {960: 640, 720: 720}
#: Explorers that are taller still, or whose control is out of sight of its picture on a telephone. A name goes when its
#: explorer fits, and a test says so; none comes back.
NOT_ONE_SCREEN: set[str] = set()

#: Some traits of the static page's model of an explorer, a function of its element and their names; bytes as lists of numbers.
STATE = """
(root, names) => {
  const model = root.closest("figure").explorer, bytes = (view) => [...new Uint8Array(view.buffer, view.byteOffset, view.byteLength)];
  const plain = (value) => ArrayBuffer.isView(value) ? { bytes: bytes(value) } : value;
  return Object.fromEntries(names.map((name) => [name, plain(model.get(name))]));
}
"""


def traits(name: str) -> list[str]:
    """The names of an explorer's own traits that a page has too."""
    from ipywidgets import DOMWidget

    synced = getattr(explore, name).class_traits(sync=True)
    return [trait for trait in synced if trait not in DOMWidget.class_traits() and trait[0] != "_"]


def summary_of(name: str, state: dict[str, Any]) -> str:
    """What Python says of an explorer in the state that a page has (``STATE``)."""
    twin = ROWS[name].make()
    twin.set_state(
        {k: bytes(v["bytes"]) if isinstance(v, dict) and "bytes" in v else v for k, v in state.items()}
    )
    return str(twin.summary)


def variable(name: str) -> str:
    """The name an explorer has on the page of all explorers: ``gradient_cell`` for ``GradientCell``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def title(name: str) -> str:
    """An explorer's heading, which is its name for a screen reader."""
    from mlteach.explore.base import script

    found = re.findall(r'explorer\(\w+, \{\s*title: "(.+?)"', script(getattr(explore, name).module))
    assert len(found) == 1, f"{name} must give explorer() one title"
    return str(found[0])
