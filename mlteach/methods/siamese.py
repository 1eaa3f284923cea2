"""Siamese networks: the same or not, a pair at a time. Lesson 18's settings."""

from mlteach.methods.by_comparing import comparing
from mlteach.methods.method import body
from mlteach.metric import init_siamese, pair_loss, read_siamese

METHOD = comparing(
    "Siamese", "18", read_siamese, loss=pair_loss, lr=4e-2,
    extra=lambda generator: init_siamese(body().features),
)  # fmt: skip
