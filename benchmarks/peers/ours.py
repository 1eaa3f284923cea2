"""The course's own meta-gradient, as every lesson calls it; and what its two options make of it."""

import functools

import torch
from torch import Tensor

from benchmarks.peers import Run, Setting
from mlteach.inner import sgd
from mlteach.outer import maml_gradient, mlp_gradient, replayed, reptile_gradient
from mlteach.params import Params
from mlteach.tasks.episode import Episode


def ours(setting: Setting, query_dtype: torch.dtype | None = None, compiled: bool = False) -> Run:
    """`mlteach.outer.maml_gradient`; nothing is said to it about how to compute. On a GPU it is replayed."""

    def gradient(theta: Params, episode: Episode) -> tuple[Params, dict[str, Tensor]]:
        return maml_gradient(
            setting.net, setting.loss, theta, episode, sgd(setting.rate), setting.steps,
            first_order=setting.first_order, query_dtype=query_dtype,
        )  # fmt: skip

    quick = replayed(gradient, compiled=compiled)
    return lambda: list(quick(setting.theta, setting.episode)[0].values())


ours_rounded = functools.partial(ours, query_dtype=torch.bfloat16)
ours_compiled = functools.partial(ours, compiled=True)


def by_hand(setting: Setting, compiled: bool = False) -> Run:
    """`mlteach.outer.mlp_gradient`: every derivative of an MLP written out."""
    gradient = functools.partial(
        mlp_gradient, setting.net, alpha=setting.rate, steps=setting.steps, first_order=setting.first_order, fused=compiled
    )  # fmt: skip
    quick = replayed(gradient, compiled=compiled)
    return lambda: list(quick(setting.theta, setting.episode)[0].values())


by_hand_compiled = functools.partial(by_hand, compiled=True)


def our_reptile(setting: Setting) -> Run:
    """`mlteach.outer.reptile_gradient`: the same inner steps on the support set, and no query pass that counts."""

    def run() -> list[Tensor]:
        gradient, _ = reptile_gradient(
            setting.net, setting.loss, setting.theta, setting.episode, sgd(setting.rate), setting.steps
        )
        return list(gradient.values())

    return run
