"""What was learned: accuracy with its interval, whether a meta-gradient is one, and the record of results."""

from mlteach.measure.accuracy import accuracy, path_of, step_accuracy
from mlteach.measure.compare import compare, difference
from mlteach.measure.curve import log_losses
from mlteach.measure.interval import Interval, floor_of, over_seeds, over_tasks
from mlteach.measure.is_it_maml import is_it_maml
from mlteach.measure.ledger import published, record, recorded
from mlteach.measure.neighbour import blurred, centred, nearest_neighbour
from mlteach.measure.permutations import orders_of, permuted_accuracy, permuted_logits, spread_of
from mlteach.measure.similarity import canonical_correlations, cca, cka, debiased_cka, svcca

__all__ = [
    "Interval",
    "accuracy",
    "blurred",
    "canonical_correlations",
    "cca",
    "centred",
    "cka",
    "compare",
    "debiased_cka",
    "difference",
    "floor_of",
    "is_it_maml",
    "log_losses",
    "nearest_neighbour",
    "orders_of",
    "over_seeds",
    "over_tasks",
    "path_of",
    "permuted_accuracy",
    "permuted_logits",
    "published",
    "record",
    "recorded",
    "spread_of",
    "step_accuracy",
    "svcca",
]
