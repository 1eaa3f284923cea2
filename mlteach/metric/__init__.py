"""Methods that compare: the support set is remembered as points, and a query gets the class of those it is near."""

from mlteach.metric.attention import init_linear, linear_logits, read_linear
from mlteach.metric.context import init_context, query_in_context, read_in_context, support_in_context
from mlteach.metric.hausdorff import hausdorff_table, ink_of, modified_hausdorff
from mlteach.metric.matching import init_matching, matching_logits, most_certain, read_matching
from mlteach.metric.proto_maml import prototype_start
from mlteach.metric.prototypes import (
    prototype_gradient,
    prototype_head,
    prototype_logits,
    prototype_loss,
    prototypes,
)
from mlteach.metric.reading import (
    features_of,
    prototype_accuracy,
    read_prototypes,
    reading_accuracy,
    reading_gradient,
)
from mlteach.metric.ridge import init_ridge, read_ridge, ridge_logits
from mlteach.metric.siamese import init_siamese, pair_loss, read_siamese, siamese_scores
from mlteach.metric.verify import Pairs, best_threshold, pairs, verified

__all__ = [
    "Pairs",
    "best_threshold",
    "features_of",
    "hausdorff_table",
    "init_context",
    "init_linear",
    "init_matching",
    "init_ridge",
    "init_siamese",
    "ink_of",
    "linear_logits",
    "matching_logits",
    "modified_hausdorff",
    "most_certain",
    "pair_loss",
    "pairs",
    "prototype_accuracy",
    "prototype_gradient",
    "prototype_head",
    "prototype_logits",
    "prototype_loss",
    "prototype_start",
    "prototypes",
    "query_in_context",
    "read_in_context",
    "read_linear",
    "read_matching",
    "read_prototypes",
    "read_ridge",
    "read_siamese",
    "reading_accuracy",
    "reading_gradient",
    "ridge_logits",
    "siamese_scores",
    "support_in_context",
    "verified",
]
