"""Every method that the course compares, one file each, and what trains and tests them all alike. Taught in: lesson 21."""

from mlteach.methods import (
    anil,
    linear_attention,
    maml,
    maml_plus_plus,
    matching,
    meta_lstm,
    metal,
    nearest,
    no_labels,
    proto_maml,
    prototypes,
    readers,
    reptile,
    ridge,
    siamese,
)
from mlteach.methods.by_adapting import adapting
from mlteach.methods.by_comparing import comparing
from mlteach.methods.method import (
    Method,
    Norm,
    Trained,
    body,
    fixed_norm,
    right,
    steps_within,
    trained,
    tuned,
)

#: By name, in the order of the lessons.
METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        nearest.METHOD,
        meta_lstm.METHOD,
        maml.METHOD,
        maml.FIVE_WAYS,
        maml.FOMAML,
        reptile.METHOD,
        maml_plus_plus.METHOD,
        anil.METHOD,
        metal.METHOD,
        maml.SHIFTED,
        no_labels.METHOD,
        siamese.METHOD,
        matching.METHOD,
        matching.CONTEXT,
        prototypes.METHOD,
        proto_maml.METHOD,
        readers.ATTENTION,
        readers.LSTM,
        linear_attention.METHOD,
        ridge.METHOD,
    )
}

__all__ = [
    "METHODS",
    "Method",
    "Norm",
    "Trained",
    "adapting",
    "body",
    "comparing",
    "fixed_norm",
    "right",
    "steps_within",
    "trained",
    "tuned",
]
