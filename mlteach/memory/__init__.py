"""Methods that remember: what was shown in a sequence is written down, and read again. No inner gradient step."""

from mlteach.memory.alone import Alone
from mlteach.memory.attend import Attend
from mlteach.memory.eye import Eye, halved
from mlteach.memory.lookup import Lookup, addresses, lookup
from mlteach.memory.mann import MANN, Memory, Wishes, access
from mlteach.memory.recall import (
    Learner,
    bound,
    by_showing,
    ceiling,
    labels_shown,
    recall,
    recall_gradient,
    recall_logits,
    sequences,
    showing,
)

__all__ = [
    "MANN",
    "Alone",
    "Attend",
    "Eye",
    "Learner",
    "Lookup",
    "Memory",
    "Wishes",
    "access",
    "addresses",
    "bound",
    "by_showing",
    "ceiling",
    "halved",
    "labels_shown",
    "lookup",
    "recall",
    "recall_gradient",
    "recall_logits",
    "sequences",
    "showing",
]
