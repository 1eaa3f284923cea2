"""Things to see and to hold: figures, the course's visual language, and one interactive explorer per idea.

Explorers are imported when they are asked for, so that ``mlteach.explore.style`` and ``mlteach.explore.figure`` work
on a machine that has matplotlib alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlteach.explore.adaptation_lab import AdaptationLab
    from mlteach.explore.attention_step import AttentionStep
    from mlteach.explore.episode_inspector import EpisodeInspector
    from mlteach.explore.frozen_layers import FrozenLayers
    from mlteach.explore.gate_history import GateHistory
    from mlteach.explore.gradient_cell import GradientCell
    from mlteach.explore.ingredients import Ingredients
    from mlteach.explore.learned_step import LearnedStep
    from mlteach.explore.loss_landscape import LossLandscape
    from mlteach.explore.loss_pull import LossPull
    from mlteach.explore.lstm_gates import LstmGates
    from mlteach.explore.maml_plane import MamlPlane
    from mlteach.explore.memory_rows import MemoryRows
    from mlteach.explore.method_map import MethodMap
    from mlteach.explore.metric_map import MetricMap
    from mlteach.explore.mixing import TaskMixer
    from mlteach.explore.permutations import Permutations
    from mlteach.explore.projections import Projections
    from mlteach.explore.scoreboard import Scoreboard
    from mlteach.explore.shift_map import ShiftMap
    from mlteach.explore.step_morph import StepMorph
    from mlteach.explore.two_views import TwoViews
    from mlteach.explore.unrolled_chain import UnrolledChain

__all__ = [
    "AdaptationLab",
    "AttentionStep",
    "EpisodeInspector",
    "FrozenLayers",
    "GateHistory",
    "GradientCell",
    "Ingredients",
    "LearnedStep",
    "LossLandscape",
    "LossPull",
    "LstmGates",
    "MamlPlane",
    "MemoryRows",
    "MethodMap",
    "MetricMap",
    "Permutations",
    "Projections",
    "Scoreboard",
    "ShiftMap",
    "StepMorph",
    "TaskMixer",
    "TwoViews",
    "UnrolledChain",
]

_HOME = {
    "AdaptationLab": "adaptation_lab",
    "AttentionStep": "attention_step",
    "EpisodeInspector": "episode_inspector",
    "FrozenLayers": "frozen_layers",
    "GateHistory": "gate_history",
    "GradientCell": "gradient_cell",
    "Ingredients": "ingredients",
    "LearnedStep": "learned_step",
    "LossLandscape": "loss_landscape",
    "LossPull": "loss_pull",
    "LstmGates": "lstm_gates",
    "MamlPlane": "maml_plane",
    "MemoryRows": "memory_rows",
    "MethodMap": "method_map",
    "MetricMap": "metric_map",
    "Permutations": "permutations",
    "Projections": "projections",
    "Scoreboard": "scoreboard",
    "ShiftMap": "shift_map",
    "StepMorph": "step_morph",
    "TaskMixer": "mixing",
    "TwoViews": "two_views",
    "UnrolledChain": "unrolled_chain",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"mlteach.explore has no {name!r}; it has {', '.join(__all__)}.")
    return getattr(import_module(f"mlteach.explore.{_HOME[name]}"), name)
