"""The course's own meta-gradient, as every lesson calls it."""

from torch import Tensor

from benchmarks.peers import Run, Setting
from mlteach.inner import sgd
from mlteach.outer import maml_gradient, reptile_gradient


def ours(setting: Setting) -> Run:
    """`mlteach.outer.maml_gradient`; nothing is said to it about how to compute."""

    def run() -> list[Tensor]:
        gradient, _ = maml_gradient(
            setting.net, setting.loss, setting.theta, setting.episode, sgd(setting.rate), setting.steps,
            first_order=setting.first_order,
        )  # fmt: skip
        return list(gradient.values())

    return run


def our_reptile(setting: Setting) -> Run:
    """`mlteach.outer.reptile_gradient`: the same inner steps on the support set, and no query pass that counts."""

    def run() -> list[Tensor]:
        gradient, _ = reptile_gradient(
            setting.net, setting.loss, setting.theta, setting.episode, sgd(setting.rate), setting.steps
        )
        return list(gradient.values())

    return run
