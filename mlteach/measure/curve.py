"""How fast an optimizer gets down: scores along a run, on problems that are the same for all who are compared."""

from collections.abc import Collection

import torch
from torch import Tensor

from mlteach.inner.adapt import steps_of
from mlteach.inner.rule import Rule
from mlteach.params import in_double
from mlteach.tasks.problem import Problems

LOWEST, HIGHEST = (
    1e-12,
    1e6,
)  # a run that is exact, or blew up, counts as this: one of them must not decide a mean


@torch.no_grad()
def log_losses(problems: Problems, rule: Rule, at: Collection[int]) -> Tensor:
    """log10 of each problem's score after the steps in ``at``: [len(at), n], float64, within -12 and 6.

    Raises ValueError without any step. Taught in: lesson 04.
    """
    if not at:
        raise ValueError("Name at least one step after which to look, such as at=[100].")
    found: dict[int, Tensor] = {}
    for t, theta in enumerate(steps_of(problems.seen(), problems.start, rule, max(at))):
        if t in at:
            found[t] = in_double(problems.score(theta))
    scores = torch.stack([found[t] for t in at]).nan_to_num(nan=HIGHEST, posinf=HIGHEST)
    return scores.clamp(LOWEST, HIGHEST).log10()
