"""Prototypical networks: the nearest class mean. Lesson 18's settings."""

from mlteach.methods.by_comparing import comparing
from mlteach.metric import read_prototypes

SCALE = 0.05

METHOD = comparing("prototypes", "18", read_prototypes(SCALE))
