"""MAML one task after the other: by learn2learn, higher and TorchOpt, each as its own examples show it, and by hand."""

import importlib
import subprocess
import sys
import tarfile
import types
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from benchmarks.peers import Run, Setting, module

KEPT = Path(__file__).resolve().parents[2] / "runs" / "peers"
LEARN2LEARN = "learn2learn-0.2.0"


def learn2learn(setting: Setting) -> Run:
    """learn2learn 0.2.0, its own unmodified ``MAML``: a clone for each task, ``adapt`` for each step."""
    net = module(setting)
    maml = learn2learn_maml()(net, lr=setting.rate, first_order=setting.first_order)
    support_x, support_y, query_x, query_y = setting.episode

    def run() -> list[Tensor]:
        net.zero_grad()
        for t in range(setting.episode.tasks):
            learner = maml.clone()
            for _ in range(setting.steps):
                learner.adapt(setting.task_loss(learner(support_x[t]), support_y[t]))
            (setting.task_loss(learner(query_x[t]), query_y[t]) / setting.episode.tasks).backward()
        return [parameter.grad for parameter in net.parameters()]  # type: ignore[misc]

    return run


def higher(setting: Setting) -> Run:
    """higher 0.2.1: ``innerloop_ctx`` around the module and an SGD; second order only, as in its MAML example."""
    package = importlib.import_module("higher")
    net = module(setting)
    inner = torch.optim.SGD(net.parameters(), lr=setting.rate)
    support_x, support_y, query_x, query_y = setting.episode

    def run() -> list[Tensor]:
        net.zero_grad()
        for t in range(setting.episode.tasks):
            with package.innerloop_ctx(net, inner, copy_initial_weights=False) as (learner, stepper):
                for _ in range(setting.steps):
                    stepper.step(setting.task_loss(learner(support_x[t]), support_y[t]))
                (setting.task_loss(learner(query_x[t]), query_y[t]) / setting.episode.tasks).backward()
        return [parameter.grad for parameter in net.parameters()]  # type: ignore[misc]

    return run


def torchopt(setting: Setting) -> Run:
    """TorchOpt: ``MetaSGD``, and the module's state taken out and put back around each task."""
    package = importlib.import_module("torchopt")
    net = module(setting)
    parameters = list(net.parameters())
    inner = package.MetaSGD(net, lr=setting.rate)
    support_x, support_y, query_x, query_y = setting.episode
    first_net = package.extract_state_dict(net, by="reference", detach_buffers=True)
    first_inner = package.extract_state_dict(inner, by="reference")

    def run() -> list[Tensor]:
        for parameter in parameters:
            parameter.grad = None
        for t in range(setting.episode.tasks):
            for _ in range(setting.steps):
                inner.step(setting.task_loss(net(support_x[t]), support_y[t]))
            (setting.task_loss(net(query_x[t]), query_y[t]) / setting.episode.tasks).backward()
            package.recover_state_dict(net, first_net)
            package.recover_state_dict(inner, first_inner)
        return [parameter.grad for parameter in parameters]  # type: ignore[misc]

    return run


def by_hand(setting: Setting) -> Run:
    """The plain loop with ``torch.func.functional_call`` and ``autograd.grad``, as PyTorch's tutorials have it."""
    net = module(setting)
    theta = dict(net.named_parameters())
    support_x, support_y, query_x, query_y = setting.episode

    def run() -> list[Tensor]:
        net.zero_grad()
        for t in range(setting.episode.tasks):
            phi: dict[str, Any] = theta
            for _ in range(setting.steps):
                phi = inner_step(setting, net, phi, support_x[t], support_y[t])
            answer = functional_call(net, phi, (query_x[t],))
            (setting.task_loss(answer, query_y[t]) / setting.episode.tasks).backward()
        return [parameter.grad for parameter in net.parameters()]  # type: ignore[misc]

    return run


def inner_step(setting: Setting, net: nn.Module, phi: dict[str, Any], x: Tensor, y: Tensor) -> dict[str, Any]:
    """phi after one step of gradient descent on a task's support set, with its history in second order."""
    value = setting.task_loss(functional_call(net, phi, (x,)), y)
    slope = torch.autograd.grad(value, list(phi.values()), create_graph=not setting.first_order)
    return {name: old - setting.rate * g for (name, old), g in zip(phi.items(), slope, strict=True)}


def learn2learn_maml() -> Any:
    """Its class out of its source distribution, without the packages for games and pictures that the whole would need."""
    if "learn2learn.algorithms.maml" not in sys.modules:
        folder = KEPT / LEARN2LEARN
        if not folder.is_dir():
            _fetch_learn2learn()
        for name, part in (("learn2learn", ""), ("learn2learn.algorithms", "algorithms")):
            package = types.ModuleType(name)
            package.__path__ = [str(folder / "learn2learn" / part)]
            sys.modules[name] = package
    return importlib.import_module("learn2learn.algorithms.maml").MAML


def _fetch_learn2learn() -> None:
    """Download and unpack; nothing of it is built. Raises CalledProcessError with pip's words."""
    KEPT.mkdir(parents=True, exist_ok=True)
    name, version = LEARN2LEARN.split("-")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-build-isolation", "--no-binary", ":all:", f"{name}=={version}", "-d", str(KEPT)]  # fmt: skip
    subprocess.run(command, check=True)
    with tarfile.open(KEPT / f"{LEARN2LEARN}.tar.gz") as archive:
        archive.extractall(KEPT, filter="data")
