"""One layer of linear attention over (features, label): a zero head's first MAML step. Lesson 20's settings for attention."""

from mlteach.methods.by_comparing import comparing
from mlteach.metric import init_linear, read_linear

METHOD = comparing(
    "linear attention", "20", read_linear, extra=lambda generator: init_linear(), tasks=2, ways=40,
    family="attention",
)  # fmt: skip
