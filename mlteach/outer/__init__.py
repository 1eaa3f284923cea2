"""How the meta-parameters move: gradients through the inner loop, or first order."""

from mlteach.outer.maml import maml_gradient, maml_gradient_loop, maml_losses

__all__ = ["maml_gradient", "maml_gradient_loop", "maml_losses"]
