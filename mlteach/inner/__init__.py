"""One inner step, and the loop over them: SGD, momentum, the LSTM cell and the meta-learner LSTM are rules of one family."""

from mlteach.inner.adapt import adapt
from mlteach.inner.cell import lstm_cell
from mlteach.inner.meta_lstm import MetaLSTM, gates
from mlteach.inner.momentum import momentum
from mlteach.inner.preprocess import preprocess
from mlteach.inner.rule import Rule
from mlteach.inner.sgd import sgd

__all__ = ["MetaLSTM", "Rule", "adapt", "gates", "lstm_cell", "momentum", "preprocess", "sgd"]
