"""Small stand-ins of higher, learn2learn and TorchOpt: the way each of them goes about it, in as few lines as that takes.

CI has none of the three. ``python -m studies.lesson06_is_it_maml`` runs the same variants with the packages themselves.
"""

import contextlib
import copy
import types
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call


class _Learner:
    """higher's functional module: the module, called with parameters that are held elsewhere."""

    def __init__(self, model: nn.Module, params: dict[str, Tensor]) -> None:
        self.model, self.params = model, params

    def __call__(self, x: Tensor) -> Tensor:
        return functional_call(self.model, self.params, (x,))


class _Stepper:
    """higher's differentiable SGD."""

    def __init__(self, learner: _Learner, rate: float, track: bool) -> None:
        self.learner, self.rate, self.track = learner, rate, track

    def step(self, loss: Tensor) -> None:
        params = self.learner.params
        found = torch.autograd.grad(loss, list(params.values()), create_graph=self.track)
        moved = {name: value - self.rate * g for (name, value), g in zip(params.items(), found, strict=True)}
        if not self.track:
            moved = {name: value.detach().requires_grad_() for name, value in moved.items()}
        self.learner.params = moved


@contextlib.contextmanager
def innerloop_ctx(
    model: nn.Module,
    inner: torch.optim.Optimizer,
    copy_initial_weights: bool = True,
    track_higher_grads: bool = True,
) -> Iterator[tuple[_Learner, _Stepper]]:
    """higher's context: copies of the weights unless told otherwise."""
    params: dict[str, Tensor] = dict(model.named_parameters())
    if copy_initial_weights:
        params = {name: value.detach().clone().requires_grad_() for name, value in params.items()}
    learner = _Learner(model, params)
    yield learner, _Stepper(learner, inner.param_groups[0]["lr"], track_higher_grads)


class MAML(nn.Module):
    """learn2learn's wrapper: clone() keeps the tie to the wrapped module, adapt() puts new tensors into the clone."""

    def __init__(self, module: nn.Module, lr: float, first_order: bool = False) -> None:
        super().__init__()
        self.module, self.lr, self.first_order = module, lr, first_order

    def forward(self, x: Tensor) -> Tensor:
        return self.module(x)

    def clone(self) -> "MAML":
        values = dict(self.module.named_parameters())
        module = copy.deepcopy(self.module)
        _put(module, {name: value.clone() for name, value in values.items()})
        return MAML(module, self.lr, self.first_order)

    def adapt(self, loss: Tensor) -> None:
        values = _values(self.module)
        found = torch.autograd.grad(loss, list(values.values()), create_graph=not self.first_order)
        _put(self.module, {n: v - self.lr * g for (n, v), g in zip(values.items(), found, strict=True)})


class MetaSGD:
    """TorchOpt's: the module itself holds the moved tensors afterwards."""

    def __init__(self, module: nn.Module, lr: float) -> None:
        self.module, self.lr = module, lr

    def step(self, loss: Tensor) -> None:
        values = _values(self.module)
        found = torch.autograd.grad(loss, list(values.values()), create_graph=True)
        _put(self.module, {n: v - self.lr * g for (n, v), g in zip(values.items(), found, strict=True)})


def extract_state_dict(module: nn.Module, by: str = "reference") -> dict[str, Tensor]:
    """The very tensors that the module holds."""
    assert by == "reference"
    return _values(module)


def recover_state_dict(module: nn.Module, state: dict[str, Tensor]) -> None:
    """Put them back."""
    _put(module, state)


def stop_gradient(module: nn.Module) -> None:
    """Cut what the module holds from where it came from."""
    for value in _values(module).values():
        value.detach_().requires_grad_()


def _values(module: nn.Module) -> dict[str, Tensor]:
    return {
        f"{path}.{name}".lstrip("."): value
        for path, part in module.named_modules()
        for name, value in part._parameters.items()
        if value is not None
    }


def _put(module: nn.Module, values: dict[str, Tensor]) -> None:
    for name, value in values.items():
        path, _, last = name.rpartition(".")
        module.get_submodule(path)._parameters[last] = value  # type: ignore[assignment]


def modules() -> dict[str, Any]:
    """What to put into sys.modules."""
    made = {}
    for name, parts in {
        "higher": {"innerloop_ctx": innerloop_ctx},
        "learn2learn.algorithms.maml": {"MAML": MAML},
        "torchopt": {
            "MetaSGD": MetaSGD, "extract_state_dict": extract_state_dict, "recover_state_dict": recover_state_dict,
            "stop_gradient": stop_gradient,
        },
    }.items():  # fmt: skip
        made[name] = types.ModuleType(name)
        vars(made[name]).update(parts)
    for package in ("learn2learn", "learn2learn.algorithms"):
        made[package] = types.ModuleType(package)
        made[package].__path__ = []  # type: ignore[attr-defined]
    return made
