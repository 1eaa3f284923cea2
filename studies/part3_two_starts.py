"""Lesson 15's several starts in the table of Part III: two starts of the "zero head" row, in the same seconds.

    python -m studies.part3_two_starts           every seed without a row, then `python -m studies.part3_rows keep`

Half of the seconds go into one start. Then 400 training tasks adapt from it, K-means cuts their adapted bodies into two groups (the
head is left out: its rows stand in the order of the labels, which says nothing of a task), and each group's start is trained for a quarter of
the seconds on tasks that lie nearest to it. A test task adapts from the first start, takes the start that is nearest, and adapts again.
"""

import time
from dataclasses import replace

import torch
from torch import Tensor

from mlteach.measure import path_of, step_accuracy
from mlteach.methods.by_adapting import shortened
from mlteach.outer.several_starts import Groups, grouped, nearest, starts_of
from mlteach.params import Params, to_rows
from mlteach.tasks import Episode
from studies import lesson12_ingredients as twelve
from studies.part3_methods import Method, split
from studies.part3_rows import (
    BUDGET,
    MODES,
    SEEDS,
    SHARES,
    TEST_TASKS,
    VALIDATION_TASKS,
    costs_known,
    keep,
    methods,
    note,
    rows,
    trained,
)
from studies.shared import tasks_of

NAME, STARTS, GROUPED, DRAWN = (
    "two starts",
    2,
    400,
    12,
)  # tasks that are grouped, and drawn for a step of four
SORTING = (
    1.0 + DRAWN / twelve.TASKS / 3
)  # what a step costs with its tasks sorted: adapting one is a third of a step of it


def points_of(method: Method, theta: Params, episode: Episode) -> Tensor:
    """Where each task's kernels end, [tasks, numbers]."""
    rule, steps, net, start, only = method.test(theta)
    phi = path_of(net, theta, episode, rule, steps, only=only, start=start)[-1]
    return to_rows({name: phi[name] for name in kernels(phi)})


def kernels(params: Params) -> list[str]:
    return [name for name in params if name.startswith("conv")]


def sorted_tasks(method: Method, theta: Params, groups: Groups, which: int, g: torch.Generator) -> Episode:
    """Four tasks, as far as there are so many among a dozen, that adapt from theta to places nearest to this group's mean."""
    while True:
        drawn = split().train.sample(DRAWN, 5, 1, 1, generator=g)
        ours = (nearest(points_of(method, theta, drawn), groups.means) == which).nonzero()[: twelve.TASKS, 0]
        if len(ours):
            return Episode(*(part[ours] for part in drawn))


def run(seed: int) -> None:
    """One row."""
    method = methods(seed)["zero head"]
    whole = BUDGET / costs_known()["zero head"]
    theta, made, seconds = trained(method, round(whole / 2), seed)
    began = time.process_time()
    drawn = split().train.sample(GROUPED, 5, 1, 1, generator=torch.Generator().manual_seed(300 + seed))
    groups = grouped(points_of(method, theta, drawn), STARTS, seed=seed)
    like = {name: theta[name] for name in kernels(theta)}
    starts = [theta | each for each in starts_of(groups, like)]
    seconds += time.process_time() - began
    for which, start in enumerate(starts):
        own = replace(
            method,
            fresh=lambda g, start=start: start,
            sample=lambda g, which=which: sorted_tasks(method, theta, groups, which, g),
        )
        starts[which], more, took = trained(
            own, round(whole / 2 / STARTS / SORTING), 100 * (which + 1) + seed
        )
        made, seconds = made + more, seconds + took

    def right(tasks: list[Episode], share: float, modes: tuple[str, ...]) -> dict[str, float]:
        chosen = torch.cat([nearest(points_of(method, theta, each), groups.means) for each in tasks])
        found = []
        for start in starts:
            rule, steps, net, begin, only = method.test(start)
            rule = shortened(rule, share)
            found.append(
                step_accuracy(net, start, tasks, rule, steps, modes=modes, only=only, start=begin, last=True)
            )
        return {
            mode: 100
            * torch.stack([each[mode][:, 0] for each in found]).gather(0, chosen[None]).mean().item()
            for mode in modes
        }

    watched = tasks_of(split().validation, VALIDATION_TASKS, 77)
    tried = {share: right(watched, share, MODES[:1])[MODES[0]] for share in SHARES}
    share = max(tried, key=tried.__getitem__)
    test = right(tasks_of(split().test, TEST_TASKS, 2), share, MODES)
    sizes = torch.bincount(groups.group, minlength=STARTS).tolist()
    note({"run": f"{NAME}#{seed}", "test": test, "share": share, "tried": tried, "steps": made, "seconds": seconds,
          "groups": sizes})  # fmt: skip


if __name__ == "__main__":
    torch.set_num_threads(1)
    for seed in SEEDS:
        if f"{NAME}#{seed}" not in rows():
            run(seed)
    keep()
