"""Methods that compare: no inner gradient step, the support set is remembered as points."""

from mlteach.metric.attention import AttentionReader, attention_logits, linear_logits, reading_accuracy
from mlteach.metric.prototypes import (
    prototype_accuracy,
    prototype_gradient,
    prototype_head,
    prototype_logits,
    prototype_loss,
    prototypes,
)

__all__ = [
    "AttentionReader",
    "attention_logits",
    "linear_logits",
    "prototype_accuracy",
    "prototype_gradient",
    "prototype_head",
    "prototype_logits",
    "prototype_loss",
    "prototypes",
    "reading_accuracy",
]
