"""One inner step, and the loop over them: SGD, momentum, Adam, the LSTM cell and the learned LSTMs are rules of one family."""

from mlteach.inner.adam import adam
from mlteach.inner.adapt import adapt
from mlteach.inner.carry import carried
from mlteach.inner.cell import lstm_cell
from mlteach.inner.coordinatewise import CoordinatewiseLSTM
from mlteach.inner.meta_lstm import MetaLSTM, gates, meta_cell
from mlteach.inner.momentum import momentum
from mlteach.inner.nesterov import nesterov
from mlteach.inner.preprocess import preprocess
from mlteach.inner.proximal import proximal
from mlteach.inner.rmsprop import rmsprop
from mlteach.inner.rule import Rule
from mlteach.inner.sgd import sgd

__all__ = [
    "CoordinatewiseLSTM",
    "MetaLSTM",
    "Rule",
    "adam",
    "adapt",
    "carried",
    "gates",
    "lstm_cell",
    "meta_cell",
    "momentum",
    "nesterov",
    "preprocess",
    "proximal",
    "rmsprop",
    "sgd",
]
