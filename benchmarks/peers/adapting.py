"""MAML++ and implicit MAML one task after the other, as somebody would write them with torch alone, or with learn2learn."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from benchmarks.peers import Run, Setting, module
from benchmarks.peers.loops import inner_step, learn2learn_maml
from mlteach.nets.norm import EPSILON
from mlteach.params import Params
from mlteach.tasks import Episode


def multi_step_by_learn2learn(setting: Setting, weights: Sequence[float]) -> Run:
    """The multi-step loss by learn2learn's ``MAML``: the queries are asked after every ``adapt`` whose weight is not zero."""
    net = module(setting)
    maml = learn2learn_maml()(net, lr=setting.rate)
    support_x, support_y, query_x, query_y = setting.episode

    def run() -> list[Tensor]:
        net.zero_grad()
        for t in range(setting.episode.tasks):
            learner, total = maml.clone(), torch.zeros(())
            for weight in weights[1:]:
                learner.adapt(setting.task_loss(learner(support_x[t]), support_y[t]))
                if weight:
                    total = total + weight * setting.task_loss(learner(query_x[t]), query_y[t])
            (total / setting.episode.tasks).backward()
        return [parameter.grad for parameter in net.parameters()]  # type: ignore[misc]

    return run


def multi_step_by_hand(setting: Setting, weights: Sequence[float]) -> Run:
    """The same by ``functional_call`` and ``autograd.grad``."""
    net = module(setting)
    theta = dict(net.named_parameters())
    support_x, support_y, query_x, query_y = setting.episode

    def run() -> list[Tensor]:
        net.zero_grad()
        for t in range(setting.episode.tasks):
            phi: dict[str, Any] = theta
            total = torch.zeros(())
            for weight in weights[1:]:
                phi = inner_step(setting, net, phi, support_x[t], support_y[t])
                if weight:
                    answer = functional_call(net, phi, (query_x[t],))
                    total = total + weight * setting.task_loss(answer, query_y[t])
            (total / setting.episode.tasks).backward()
        return [parameter.grad for parameter in net.parameters()]  # type: ignore[misc]

    return run


def plus_plus(theta: Params, episode: Episode, names: Sequence[str], weights: Sequence[float]) -> Run:
    """MAML++ whole: batch norm's weights and a learned rate for each step, ``names`` adapt, the multi-step loss."""
    own = {name: value.clone().requires_grad_() for name, value in theta.items()}

    def net(phi: Params, step: int, x: Tensor) -> Tensor:
        for block in range(1, 5):
            x = F.conv2d(x, phi[f"conv{block}.weight"], stride=2, padding=1)
            gamma, beta = own[f"norm{block}.gamma"][step], own[f"norm{block}.beta"][step]
            x = F.relu(F.batch_norm(x, None, None, gamma, beta, training=True, eps=EPSILON))
        return F.linear(x.flatten(1), phi["head.weight"], phi["head.bias"])

    def run() -> list[Tensor]:
        for value in own.values():
            value.grad = None
        for support_x, support_y, query_x, query_y in zip(*episode, strict=True):
            phi, total = {name: own[name] for name in names}, torch.zeros(())
            for step, weight in enumerate(weights[1:]):
                value = F.cross_entropy(net(phi, step, support_x), support_y)
                slope = torch.autograd.grad(value, list(phi.values()), create_graph=True)
                phi = {
                    name: phi[name] - own[f"rate.{name}"][step] * g
                    for name, g in zip(names, slope, strict=True)
                }
                if weight:
                    total = total + weight * F.cross_entropy(net(phi, step + 1, query_x), query_y)
            (total / episode.tasks).backward()
        return [torch.zeros_like(value) if value.grad is None else value.grad for value in own.values()]

    return run


def implicit(setting: Setting, strength: float, solves: int) -> Run:
    """Implicit MAML as its authors' code goes: the steps without a record, then conjugate gradient, a task at a time."""
    net = module(setting)
    names = [name for name, _ in net.named_parameters()]
    theta = [value.detach() for value in net.parameters()]
    support_x, support_y, query_x, query_y = setting.episode

    def loss(phi: Sequence[Tensor], x: Tensor, y: Tensor) -> Tensor:
        return setting.task_loss(functional_call(net, dict(zip(names, phi, strict=True)), (x,)), y)

    def of_task(x: Tensor, y: Tensor, asked: Tensor, truth: Tensor) -> Tensor:
        phi = theta
        for _ in range(setting.steps):
            phi = [value.detach().requires_grad_() for value in phi]
            pull = sum((a - b).square().sum() for a, b in zip(phi, theta, strict=True))
            slope = torch.autograd.grad(loss(phi, x, y) + strength / 2 * pull, phi)
            phi = [value - setting.rate * g for value, g in zip(phi, slope, strict=True)]
        phi = [value.detach().requires_grad_() for value in phi]
        v = _flat(torch.autograd.grad(loss(phi, asked, truth), phi))
        slope = _flat(torch.autograd.grad(loss(phi, x, y), phi, create_graph=True))
        return _solved(
            lambda p: p + _flat(torch.autograd.grad(slope, phi, p, retain_graph=True)) / strength, v, solves
        )

    def run() -> list[Tensor]:
        total = sum(of_task(*task) for task in zip(support_x, support_y, query_x, query_y, strict=True))
        sizes = [value.numel() for value in theta]
        parts = (total / setting.episode.tasks).split(sizes)  # type: ignore[union-attr]
        return [part.view_as(value) for part, value in zip(parts, theta, strict=True)]

    return run


def implicit_unrolled_by_learn2learn(setting: Setting, strength: float) -> Run:
    """The other way to the same place: learn2learn's ``MAML`` through all the steps, with the same pull. It keeps the whole path."""
    net: nn.Module = module(setting)
    maml = learn2learn_maml()(net, lr=setting.rate)
    support_x, support_y, query_x, query_y = setting.episode

    def run() -> list[Tensor]:
        net.zero_grad()
        for t in range(setting.episode.tasks):
            learner = maml.clone()
            for _ in range(setting.steps):
                both = zip(learner.parameters(), net.parameters(), strict=True)
                pull = sum((a - b).square().sum() for a, b in both)
                learner.adapt(setting.task_loss(learner(support_x[t]), support_y[t]) + strength / 2 * pull)
            (setting.task_loss(learner(query_x[t]), query_y[t]) / setting.episode.tasks).backward()
        return [parameter.grad for parameter in net.parameters()]  # type: ignore[misc]

    return run


def _flat(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat([part.reshape(-1) for part in parts])


def _solved(times: Callable[[Tensor], Tensor], b: Tensor, solves: int) -> Tensor:
    """x of A x = b by conjugate gradient, the textbook's."""
    x, r = torch.zeros_like(b), b.clone()
    p, rr = r.clone(), r @ r
    for _ in range(solves):
        Ap = times(p)
        if (curvature := p @ Ap) <= 0:  # A is not positive there: no minimum, and nothing to go on with
            break
        length = rr / curvature
        x, r = x + length * p, r - length * Ap
        rr, before = r @ r, rr
        p = r + rr / before * p
    return x
