"""What adapts: stateless networks, functions of a dict of parameters, and the losses on their outputs."""

from mlteach.nets.attention import LinearAttention
from mlteach.nets.conv4 import Conv4
from mlteach.nets.loss import cross_entropy, share_right, squared_error
from mlteach.nets.mlp import MLP
from mlteach.nets.norm import normalise
from mlteach.nets.stepwise import net_at
from mlteach.nets.transformer import PairTransformer

__all__ = [
    "MLP",
    "Conv4",
    "LinearAttention",
    "PairTransformer",
    "cross_entropy",
    "net_at",
    "normalise",
    "share_right",
    "squared_error",
]
