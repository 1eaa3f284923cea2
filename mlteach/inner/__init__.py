"""One inner step, and the loop over them: SGD, momentum and the LSTM cell are rules of one family."""

from mlteach.inner.adapt import adapt
from mlteach.inner.cell import lstm_cell
from mlteach.inner.momentum import momentum
from mlteach.inner.rule import Rule
from mlteach.inner.sgd import sgd

__all__ = ["Rule", "adapt", "lstm_cell", "momentum", "sgd"]
