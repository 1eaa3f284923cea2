"""The meta-learner LSTM: the step is learned, and with it the start. Lesson 05's settings, on the shared body."""

from functools import partial

from mlteach.inner import MetaLSTM
from mlteach.methods.by_adapting import adapting, drawing
from mlteach.methods.method import Method, body
from mlteach.nets import cross_entropy
from mlteach.outer import maml_gradient

STEPS = 8
LSTM = MetaLSTM(20, input_bias=(-1.5, -0.5))

TEST = adapting(body, LSTM.rule, STEPS, lambda net: LSTM.start)
METHOD = Method(
    "meta-learner LSTM", "05", "step",
    lambda generator: body().init(generator) | LSTM.init(generator),
    drawing(tasks=2, ways=5, shots=1, queries=15),
    partial(
        maml_gradient, body(), cross_entropy, rule=LSTM.rule, steps=STEPS, first_order=True, start=LSTM.start, chunk=2
    ),
    TEST.answer, TEST.adapt,
    lr=1e-2, clip=0.25, ways=5, at_once=2,
)  # fmt: skip
