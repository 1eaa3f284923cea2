"""How the meta-parameters move: gradients through the inner loop, first order, or by truncated unrolls."""

from mlteach.outer.by_hand import mlp_gradient
from mlteach.outer.conjugate import conjugate_gradient, richardson
from mlteach.outer.implicit import implicit_gradient
from mlteach.outer.in_context import in_context_gradient
from mlteach.outer.maml import maml_gradient, maml_gradient_loop, maml_losses
from mlteach.outer.replay import replayed
from mlteach.outer.reptile import reptile_gradient, shuffled
from mlteach.outer.schedule import Scheduled
from mlteach.outer.truncated import Truncated
from mlteach.outer.unicorn import tied_head

__all__ = [
    "Scheduled",
    "Truncated",
    "conjugate_gradient",
    "implicit_gradient",
    "in_context_gradient",
    "maml_gradient",
    "maml_gradient_loop",
    "maml_losses",
    "mlp_gradient",
    "replayed",
    "reptile_gradient",
    "richardson",
    "shuffled",
    "tied_head",
]
