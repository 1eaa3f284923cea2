"""Matching networks: attention to the support pictures, whose values are labels; the temperature is learned. And the same in full context.

Lesson 18's settings. In full context every picture is read after a look at all the others.
"""

from mlteach.methods.by_comparing import comparing
from mlteach.methods.method import body
from mlteach.metric import init_context, init_matching, read_in_context, read_matching

METHOD = comparing("matching", "18", read_matching(), extra=lambda generator: init_matching(), lr=1e-2)
CONTEXT = comparing(
    "full context", "18", read_in_context(),
    extra=lambda generator: init_context(body().features, generator),
)  # fmt: skip
