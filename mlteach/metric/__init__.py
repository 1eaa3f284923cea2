"""Methods that compare: no inner gradient step, the support set is remembered as points."""

from mlteach.metric.prototypes import (
    prototype_accuracy,
    prototype_gradient,
    prototype_head,
    prototype_logits,
    prototype_loss,
    prototypes,
)

__all__ = [
    "prototype_accuracy",
    "prototype_gradient",
    "prototype_head",
    "prototype_logits",
    "prototype_loss",
    "prototypes",
]
