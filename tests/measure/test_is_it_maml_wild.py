"""is_it_maml on code in the manner of many authors: each right once, and wrong in the ways such code goes wrong."""

import copy
import functools
import math
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.func import grad as func_grad

from mlteach.errors import MlteachError
from mlteach.measure import is_it_maml as is_it_maml_as_it_comes
from mlteach.measure.is_it_maml import Verdict
from mlteach.tasks import Episode

# Authors' own habits: .backward(create_graph=True), a flattened target beside a column.
pytestmark = pytest.mark.filterwarnings("ignore:Using backward", "ignore:Using a target size")

is_it_maml = functools.partial(is_it_maml_as_it_comes, directions=2)  # enough here, and half the time
CASES: list[Any] = []


def says(
    order: str, *arguments: Any, words: str = ""
) -> Callable[[Callable[..., Verdict]], Callable[..., Verdict]]:
    """The decorated function, called with ``arguments``, is to get this verdict."""

    def kept(function: Callable[..., Verdict]) -> Callable[..., Verdict]:
        label = "-".join([function.__name__, *map(str, arguments)])
        CASES.append(pytest.param(function, arguments, order, words, id=f"{label}-{order}"))
        return function

    return kept


def sines(count: int = 8) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Support and query of one sinusoid."""
    drawn = torch.Generator().manual_seed(3)
    xs = [torch.rand(count, 1, generator=drawn) * 6 - 3 for _ in range(2)]
    return (xs[0], 2 * torch.sin(xs[0] + 1)), (xs[1], 2 * torch.sin(xs[1] + 1))


def pictures(ways: int = 3, shots: int = 2) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Support and query of one task: [6, 1, 8, 8] with labels."""
    drawn = torch.Generator().manual_seed(4)
    means = torch.randn(ways, 1, 8, 8, generator=drawn)
    labels = torch.arange(ways).repeat(shots)
    one, two = (means[labels] + 0.5 * torch.randn(len(labels), 1, 8, 8, generator=drawn) for _ in range(2))
    return (one, labels), (two, labels)


def one_task(support: tuple[Tensor, Tensor], query: tuple[Tensor, Tensor]) -> Episode:
    return Episode(*(each[None] for each in (*support, *query)))


def mlp(act: type[nn.Module] = nn.Tanh) -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(1, 12), act(), nn.Linear(12, 12), act(), nn.Linear(12, 1))


def conv(norm: bool = True, act: Callable[[], nn.Module] = nn.ReLU) -> nn.Sequential:
    torch.manual_seed(1)
    layers: list[nn.Module] = []
    for inputs in (1, 6):
        layers += [
            nn.Conv2d(inputs, 6, 3, padding=1),
            *([nn.BatchNorm2d(6)] if norm else []),
            act(),
            nn.MaxPool2d(2),
        ]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(24, 3))


# --- a list of weights that a net keeps itself, zipped and mapped


class ListNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.vars, self.stats = nn.ParameterList(), nn.ParameterList()
        for inputs in (1, 5):
            weight = nn.Parameter(torch.ones(5, inputs, 3, 3))
            nn.init.kaiming_normal_(weight)
            self.vars.extend([weight, nn.Parameter(torch.zeros(5))])
            self.vars.extend([nn.Parameter(torch.ones(5)), nn.Parameter(torch.zeros(5))])
            self.stats.extend(
                nn.Parameter(each, requires_grad=False) for each in (torch.zeros(5), torch.ones(5))
            )
        last = nn.Parameter(torch.ones(3, 20))
        nn.init.kaiming_normal_(last)
        self.vars.extend([last, nn.Parameter(torch.zeros(3))])

    def forward(self, x: Tensor, vars: Any = None, bn_training: bool = True) -> Tensor:
        vars = self.vars if vars is None else vars
        for block in range(2):
            w, b, scale, shift = vars[4 * block : 4 * block + 4]
            x = F.conv2d(x, w, b, padding=1)
            mean, var = self.stats[2 * block], self.stats[2 * block + 1]
            x = F.batch_norm(x, mean, var, weight=scale, bias=shift, training=bn_training)
            x = F.max_pool2d(F.relu(x, inplace=True), 2)
        return F.linear(x.view(x.size(0), -1), vars[-2], vars[-1])

    def parameters(self, recurse: bool = True) -> Any:
        return self.vars


@says("second", "create")
@says("first", "forgotten")
@says("first", "retain")
@says("none", "item")
@says("neither", "last only detached")
def zip_and_map(variant: str) -> Verdict:
    def step(net: ListNet, spt: Any, qry: Any) -> Tensor:
        losses_q = [0.0] * 2
        how = {"create": {"create_graph": True}, "retain": {"retain_graph": True}}.get(
            variant, {"create_graph": variant != "forgotten"}
        )
        grad = torch.autograd.grad(
            F.cross_entropy(net(spt[0], net.parameters()), spt[1]), net.parameters(), **how
        )
        fast = list(map(lambda p: p[1] - 0.1 * p[0], zip(grad, net.parameters(), strict=True)))
        for k in range(1, 2):
            loss = F.cross_entropy(net(spt[0], fast), spt[1])
            grad = torch.autograd.grad(loss, fast, **how)
            if variant == "last only detached" and k == 1:
                grad = [each.detach() for each in grad]
            fast = list(map(lambda p: p[1] - 0.1 * p[0], zip(grad, fast, strict=True)))
            losses_q[k] = F.cross_entropy(net(qry[0], fast), qry[1])
        loss_q = losses_q[-1]
        if variant == "item":
            return torch.tensor(loss_q.item(), requires_grad=True)
        loss_q.backward()
        return loss_q

    return is_it_maml(ListNet(), step, *pictures())


# --- meta-modules with params=


class MetaLinear(nn.Linear):
    def forward(self, x: Tensor, params: Any = None) -> Tensor:
        params = OrderedDict(self.named_parameters()) if params is None else params
        return F.linear(x, params["weight"], params.get("bias"))


class MetaNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.features = nn.ModuleDict({"one": MetaLinear(1, 12), "two": MetaLinear(12, 12)})
        self.head = MetaLinear(12, 1)

    def sub(self, params: Any, prefix: str) -> Any:
        if params is None:
            return None
        return OrderedDict((k[len(prefix) + 1 :], v) for k, v in params.items() if k.startswith(prefix + "."))

    def forward(self, x: Tensor, params: Any = None) -> Tensor:
        for name in ("one", "two"):
            x = torch.sigmoid(self.features[name](x, self.sub(params, f"features.{name}")))
        return self.head(x, self.sub(params, "head"))


def gradient_update(
    model: nn.Module, loss: Tensor, params: Any = None, step_size: Any = 0.5, first_order: bool = False
) -> Any:
    params = OrderedDict(model.named_parameters()) if params is None else params
    grads = torch.autograd.grad(loss, params.values(), create_graph=not first_order)
    out = OrderedDict()
    for (name, param), grad in zip(params.items(), grads, strict=True):
        rate = step_size[name] if isinstance(step_size, dict) else step_size
        out[name] = param - rate * grad
    return out


@says("second", False, 1, "mean")
@says("first", True, 1, "mean")
@says("second", False, 3, "mean")
@says("first", True, 3, "mean")
@says("neither", False, 1, "sum", words="3 times")
def params_keyword(first_order: bool, steps: int, returned: str) -> Verdict:
    """A batch of three tasks, looped over in one step."""
    support, query = sines()
    batch = [
        tuple(torch.stack([each * k for k in (1.0, 0.5, -1.0)]) for each in part) for part in (support, query)
    ]

    def step(model: nn.Module, train: Any, test: Any) -> Tensor:
        model.zero_grad()
        outer = torch.tensor(0.0)
        for task, (x, y, xq, yq) in enumerate(zip(*train, *test, strict=True)):
            params = None
            for _ in range(steps):
                inner = F.mse_loss(model(x, params=params), y)
                model.zero_grad() if task == 0 else None
                params = gradient_update(model, inner, params, first_order=first_order)
            outer += F.mse_loss(model(xq, params=params), yq)
        if returned == "sum":
            outer.backward()
            return outer / 3
        outer.div_(3)
        outer.backward()
        return outer

    return is_it_maml(MetaNet(), step, *batch)


@says("second")
@says("none", "state_dict")
def step_sizes_of_each_name(start: str = "") -> Verdict:
    def step(model: nn.Module, train: Any, test: Any) -> Tensor:
        params = None
        if start:
            params = OrderedDict((k, v.clone().requires_grad_()) for k, v in model.state_dict().items())
        rates = {name: 0.1 * (i + 1) for i, name in enumerate(dict(model.named_parameters()))}
        params = gradient_update(
            model, F.mse_loss(model(train[0], params), train[1]), params, step_size=rates
        )
        loss = F.mse_loss(model(test[0], params), test[1])
        loss.backward()
        return loss

    return is_it_maml(MetaNet(), step, *sines())


# --- weights by name, learned rates for every layer and step, a batch norm for every step, a loss after every step


class StepNorm(nn.Module):
    def __init__(self, width: int, steps: int) -> None:
        super().__init__()
        self.running_mean = nn.Parameter(torch.zeros(steps, width), requires_grad=False)
        self.running_var = nn.Parameter(torch.ones(steps, width), requires_grad=False)
        self.weight, self.bias = (
            nn.Parameter(torch.ones(steps, width)),
            nn.Parameter(torch.zeros(steps, width)),
        )

    def forward(self, x: Tensor, num_step: int) -> Tensor:
        mean, var = self.running_mean[num_step], self.running_var[num_step]
        return F.batch_norm(x, mean, var, self.weight[num_step], self.bias[num_step], training=True)


class PlusNet(nn.Module):
    def __init__(self, steps: int) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.layer_dict = nn.ModuleDict(
            {"conv0": nn.Conv2d(1, 4, 3), "norm0": StepNorm(4, steps), "linear": nn.Linear(36, 3)}
        )
        self.rates = nn.ParameterDict()
        for name, _ in self.inner():
            self.rates[name.replace(".", "-")] = nn.Parameter(torch.full((steps,), 0.1))

    def inner(self) -> Any:
        return [(n, p) for n, p in self.layer_dict.named_parameters() if p.requires_grad and "norm" not in n]

    def forward(self, x: Tensor, weights: dict[str, Tensor], num_step: int) -> Tensor:
        x = F.conv2d(x, weights["conv0.weight"], weights["conv0.bias"])
        x = F.max_pool2d(F.leaky_relu(self.layer_dict["norm0"](x, num_step)), 2)
        return F.linear(x.flatten(1), weights["linear.weight"], weights["linear.bias"])


@says("second", "all")
@says("first", "first order")
@says("neither", "rates detached", words="no gradient reaches rates")
def rates_of_every_layer_and_step(variant: str) -> Verdict:
    steps = 2

    def step(net: PlusNet, spt: Any, qry: Any) -> Tensor:
        weights = dict(net.inner())
        importance = np.array([0.4, 0.6], dtype=np.float32)
        losses = []
        for k in range(steps):
            loss = F.cross_entropy(net(spt[0], weights, k), spt[1])
            grads = torch.autograd.grad(
                loss, weights.values(), create_graph=variant != "first order", allow_unused=True
            )
            updated = {}
            for name, grad in dict(zip(weights.keys(), grads, strict=True)).items():
                rate = net.rates[name.replace(".", "-")][k]
                updated[name] = (
                    weights[name] - (rate.detach() if variant == "rates detached" else rate) * grad
                )
            weights = updated
            losses.append(importance[k] * F.cross_entropy(net(qry[0], weights, k), qry[1]))
        total = torch.sum(torch.stack(losses))
        total.backward()
        return total

    return is_it_maml(PlusNet(steps), step, *pictures())


# --- modules cloned with their history


def cloned(module: nn.Module) -> nn.Module:
    clone = module.__new__(type(module))
    clone.__dict__ = module.__dict__.copy()
    clone._parameters = {k: None if p is None else p.clone() for k, p in module._parameters.items()}
    clone._buffers = {k: None if b is None else b.clone() for k, b in module._buffers.items()}
    clone._modules = {k: cloned(m) for k, m in module._modules.items()}
    return clone


def replaced(module: nn.Module, grads: Any, rate: float) -> None:
    for child in module.modules():
        for name, value in child._parameters.items():
            if value is not None:
                child._parameters[name] = value - rate * next(grads)


@says("second", "clone")
@says("first", "first order")
@says("none", "deepcopy")
@says("cannot tell", "given", words="no longer holds")
def cloned_with_history(variant: str) -> Verdict:
    def step(model: nn.Module, spt: Any, qry: Any) -> Tensor:
        learner = {"deepcopy": copy.deepcopy, "given": lambda m: m}.get(variant, cloned)(model)
        for _ in range(2):
            grads = torch.autograd.grad(
                F.cross_entropy(learner(spt[0]), spt[1]),
                list(learner.parameters()),
                create_graph=variant != "first order",
            )
            replaced(learner, iter(grads), 0.2)
        loss = F.cross_entropy(learner(qry[0]), qry[1])
        loss.backward()
        return loss

    return is_it_maml(conv(), step, *pictures())


# --- higher


@says("second", False, True)
@says("none", True, True)
@says("none", False, False)
def omniglot_by_higher(copied: bool, tracked: bool) -> Verdict:
    higher = pytest.importorskip("higher")

    def step(net: nn.Module, spt: Any, qry: Any) -> Tensor:
        net.train()
        inner_opt = torch.optim.SGD(
            [{"params": net[0].parameters(), "lr": 0.05}, {"params": net[1:].parameters()}], lr=1e-1
        )
        losses = []
        for _ in range(2):
            with higher.innerloop_ctx(
                net, inner_opt, copy_initial_weights=copied, track_higher_grads=tracked
            ) as (fnet, diffopt):
                for _ in range(2):
                    diffopt.step(F.cross_entropy(fnet(spt[0]), spt[1]))
                loss = F.cross_entropy(fnet(qry[0]), qry[1]) / 2
                losses.append(loss.detach())
                loss.backward()
        return sum(losses)

    return is_it_maml(conv(), step, *pictures())


@says("second", "all")
@says("second", "learned rate")
def adam_by_higher(variant: str) -> Verdict:
    higher = pytest.importorskip("higher")

    def step(net: nn.Module, spt: Any, qry: Any) -> Tensor:
        opt = torch.optim.Adam(net.parameters(), lr=0.01)
        override = {"lr": [net.rate]} if variant == "learned rate" else None
        with higher.innerloop_ctx(net, opt, copy_initial_weights=False, override=override) as (fnet, diffopt):
            for _ in range(2):
                diffopt.step(F.mse_loss(fnet(spt[0]), spt[1]))
            loss = F.mse_loss(fnet(qry[0]), qry[1])
        loss.backward()
        return loss

    net = mlp()
    if variant == "learned rate":
        net.rate = nn.Parameter(torch.tensor(0.02))  # type: ignore[assignment]
    return is_it_maml(net, step, *sines())


# --- torch.func


@says("second", "tasks")
@says("none", "no_grad")
@says("first", "stop")
def vmapped(variant: str) -> Verdict:
    batch = [tuple(torch.stack([each, -each]) for each in part) for part in sines()]

    def step(net: nn.Module, spt: Any, qry: Any) -> Tensor:
        params = dict(net.named_parameters())

        def loss_for_task(n: int, x: Tensor, y: Tensor, xq: Tensor, yq: Tensor) -> Tensor:
            def compute(p: Any, x: Tensor, y: Tensor) -> Tensor:
                return F.mse_loss(functional_call(net, p, (x,)), y)

            new = params
            for _ in range(n):
                grads = func_grad(compute)(new, x, y)
                if variant == "stop":
                    grads = {k: g.detach() for k, g in grads.items()}
                new = {k: new[k] - 0.05 * g for k, g in grads.items()}
            return compute(new, xq, yq)

        if variant == "no_grad":
            with torch.no_grad():
                loss = torch.vmap(functools.partial(loss_for_task, 2))(*spt, *qry).sum()
            return loss
        loss = torch.vmap(functools.partial(loss_for_task, 2))(*spt, *qry).sum()
        loss.backward()
        return loss

    return is_it_maml(mlp(), step, *batch)


# --- hooks that put the averaged gradients in place of a dummy loss's own


@says("second", 2)
@says("first", 1)
def gradients_through_hooks(order: int) -> Verdict:
    def step(model: nn.Module, spt: Any, qry: Any) -> Tensor:
        task_gradients, task_losses = [], []
        for sign in (1, -1):
            fast = OrderedDict(model.named_parameters())
            for _ in range(2):
                loss = F.mse_loss(functional_call(model, fast, (spt[0],)), sign * spt[1])
                gradients = torch.autograd.grad(loss, fast.values(), create_graph=order == 2)
                fast = OrderedDict(
                    (name, p - 0.05 * g) for (name, p), g in zip(fast.items(), gradients, strict=True)
                )
            loss = F.mse_loss(functional_call(model, fast, (qry[0],)), sign * qry[1])
            at = fast.values() if order == 1 else model.parameters()
            task_gradients.append(dict(zip(fast, torch.autograd.grad(loss, list(at)), strict=True)))
            task_losses.append(loss)
        mean = {k: torch.stack([g[k] for g in task_gradients]).mean(dim=0) for k in task_gradients[0]}
        hooks = [p.register_hook(lambda grad, name=name: mean[name]) for name, p in model.named_parameters()]
        model.zero_grad()
        F.mse_loss(model(torch.zeros_like(spt[0])), torch.zeros_like(spt[1])).backward()
        for hook in hooks:
            hook.remove()
        return torch.stack(task_losses).mean()

    return is_it_maml(mlp(), step, *sines())


# --- implicit gradients


@says("second", 40, 4)
@says("first", 40, 1, words="0.67")
@says("neither", 2, 4)
def implicit(inner_steps: int, cg_steps: int) -> Verdict:
    def step(model: nn.Module, spt: Any, qry: Any) -> Tensor:
        lam = 2.0
        fast = copy.deepcopy(model)
        start = [p.detach().clone() for p in model.parameters()]
        for _ in range(inner_steps):
            loss = F.mse_loss(fast(spt[0]), spt[1])
            loss = loss + lam / 2 * sum(
                ((p - s) ** 2).sum() for p, s in zip(fast.parameters(), start, strict=True)
            )
            grads = torch.autograd.grad(loss, list(fast.parameters()))
            with torch.no_grad():
                for p, g in zip(fast.parameters(), grads, strict=True):
                    p -= 0.2 * g
        phi = list(fast.parameters())
        outer = F.mse_loss(fast(qry[0]), qry[1])
        b = torch.cat([g.reshape(-1) for g in torch.autograd.grad(outer, phi)])
        inner = torch.cat(
            [
                g.reshape(-1)
                for g in torch.autograd.grad(F.mse_loss(fast(spt[0]), spt[1]), phi, create_graph=True)
            ]
        )

        def product(v: Tensor) -> Tensor:
            hv = torch.cat([h.reshape(-1) for h in torch.autograd.grad(inner @ v, phi, retain_graph=True)])
            return v + hv / lam

        x, r = torch.zeros_like(b), b.clone()
        p = r.clone()
        for _ in range(cg_steps):
            ap = product(p)
            a = (r @ r) / (p @ ap)
            x, fresh = x + a * p, r - a * ap
            if fresh.norm() < 1e-12:
                break
            p, r = fresh + (fresh @ fresh) / (r @ r) * p, fresh
        offset = 0
        for own in model.parameters():
            own.grad = x[offset : offset + own.numel()].view_as(own).clone()
            offset += own.numel()
        return outer.detach()

    torch.manual_seed(0)
    (sx, sy), (qx, qy) = sines()
    return is_it_maml(nn.Linear(1, 1), step, (sx / 2, sy), (qx / 2, qy))


@says("second", 1e-3)
@says("neither", 3.0)
def hessian_free(delta: float) -> Verdict:
    def step(model: nn.Module, spt: Any, qry: Any) -> float:
        params = {k: v.detach() for k, v in model.named_parameters()}

        def grads(at: dict[str, Tensor], data: Any) -> tuple[dict[str, Tensor], float]:
            at = {k: v.detach().requires_grad_() for k, v in at.items()}
            loss = F.mse_loss(functional_call(model, at, (data[0],)), data[1])
            return dict(zip(at, torch.autograd.grad(loss, list(at.values())), strict=True)), loss.item()

        inner, _ = grads(params, spt)
        outer, loss = grads({k: v - 0.1 * inner[k] for k, v in params.items()}, qry)
        up, _ = grads({k: v + delta * outer[k] for k, v in params.items()}, spt)
        down, _ = grads({k: v - delta * outer[k] for k, v in params.items()}, spt)
        for k, p in model.named_parameters():
            p.grad = outer[k] - 0.1 * (up[k] - down[k]) / (2 * delta)
        return loss

    return is_it_maml(mlp(), step, *sines())


# --- part of a network adapts


class BodyHead(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.body = nn.Sequential(nn.Linear(1, 12), nn.Tanh(), nn.Linear(12, 8), nn.Tanh())
        self.head = nn.Linear(8, 1)


@says("second", "head")
@says("second", "body")
@says("first", "head first")
@says("neither", "body frozen in the inner loop")
@says("neither", "features detached", words="second order for head")
def part_adapts(variant: str) -> Verdict:
    def step(model: BodyHead, spt: Any, qry: Any) -> Tensor:
        part = model.body if variant == "body" else model.head
        if "frozen" in variant:
            for p in model.body.parameters():
                p.requires_grad_(False)
        fast = dict(part.named_parameters())
        run = functools.partial(functional_call, part)
        for _ in range(2):
            if variant == "body":
                predicted = model.head(run(fast, (spt[0],)))
            else:
                predicted = run(fast, (model.body(spt[0]),))
            grads = torch.autograd.grad(
                F.mse_loss(predicted, spt[1]), list(fast.values()), create_graph="first" not in variant
            )
            fast = {k: v - 0.1 * g for (k, v), g in zip(fast.items(), grads, strict=True)}
        if "frozen" in variant:
            for p in model.body.parameters():
                p.requires_grad_(True)
        if variant == "body":
            loss = F.mse_loss(model.head(run(fast, (qry[0],))), qry[1])
        else:
            features = model.body(qry[0])
            loss = F.mse_loss(run(fast, (features.detach() if "features" in variant else features,)), qry[1])
        loss.backward()
        return loss

    return is_it_maml(BodyHead(), step, *sines())


@says("second", "rates")
@says("neither", "through data", words="no gradient reaches the rest")
@says("second", "buffers")
def rates_in_the_module(variant: str) -> Verdict:
    class MetaSGD(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = mlp()
            rates = [torch.rand_like(p) * 0.1 for p in self.net.parameters()]
            if variant == "buffers":
                for i, rate in enumerate(rates):
                    self.register_buffer(f"rate{i}", rate)
            else:
                self.rates = nn.ParameterList(rates)

    def step(model: Any, spt: Any, qry: Any) -> Tensor:
        names, values = zip(*model.net.named_parameters(), strict=True)
        rates = (
            [model.get_buffer(f"rate{i}") for i in range(len(names))]
            if variant == "buffers"
            else list(model.rates)
        )
        if variant == "through data":
            rates = [rate.data for rate in rates]
        loss = F.mse_loss(model.net(spt[0]), spt[1])
        grads = torch.autograd.grad(loss, values, create_graph=True)
        fast = dict(
            zip(names, [p - r * g for p, r, g in zip(values, rates, grads, strict=True)], strict=False)
        )
        outer = F.mse_loss(functional_call(model.net, fast, (qry[0],)), qry[1])
        outer.backward()
        return outer

    torch.manual_seed(0)
    return is_it_maml(MetaSGD(), step, *sines())


@says("second", "whole")
@says("first", "first order")
@says("neither", "matrices detached")
def curvature(variant: str) -> Verdict:
    """Gradients are multiplied by learned matrices on either side, which begin as the identity."""
    torch.manual_seed(0)
    model = nn.ModuleDict({"net": nn.Sequential(nn.Linear(1, 10), nn.Tanh(), nn.Linear(10, 1))})
    model["left"] = nn.ParameterList([nn.Parameter(torch.eye(10)), nn.Parameter(torch.eye(1))])
    model["right"] = nn.ParameterList([nn.Parameter(torch.eye(1)), nn.Parameter(torch.eye(10))])

    def step(model: Any, spt: Any, qry: Any) -> Tensor:
        params = dict(model["net"].named_parameters())
        grads = torch.autograd.grad(
            F.mse_loss(model["net"](spt[0]), spt[1]),
            list(params.values()),
            create_graph=variant != "first order",
        )
        fast, weights = {}, 0
        for (name, p), g in zip(params.items(), grads, strict=True):
            if g.ndim == 2:
                left, right = model["left"][weights], model["right"][weights]
                if "matrices" in variant:
                    left = left.detach()
                g, weights = left @ g @ right, weights + 1
            fast[name] = p - 0.1 * g
        outer = F.mse_loss(functional_call(model["net"], fast, (qry[0],)), qry[1])
        outer.backward()
        return outer

    return is_it_maml(model, step, *sines())


@says("second", "warp")
@says("first", "first order")
def warp_layers(variant: str) -> Verdict:
    """Layers in between that only the outer loop learns."""

    def step(model: Any, spt: Any, qry: Any) -> Tensor:
        fast = [p for i in (0, 4) for p in model[i].parameters()]

        def run(x: Tensor) -> Tensor:
            x = torch.tanh(model[2](torch.tanh(F.linear(x, fast[0], fast[1]))))
            return F.linear(x, fast[2], fast[3])

        for _ in range(3):
            grads = torch.autograd.grad(F.mse_loss(run(spt[0]), spt[1]), fast, create_graph=variant == "warp")
            fast = [p - 0.05 * g for p, g in zip(fast, grads, strict=True)]
        outer = F.mse_loss(run(qry[0]), qry[1])
        outer.backward()
        return outer

    return is_it_maml(mlp(), step, *sines())


class Context(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(6)
        self.one, self.two = nn.Linear(1 + 4, 12), nn.Linear(12, 1)
        self.reset()

    def reset(self) -> None:
        self.context = torch.zeros(4, requires_grad=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.two(torch.tanh(self.one(torch.cat((x, self.context.expand(x.shape[0], -1)), dim=1))))


@says("second", "create_graph")
@says("first", "first order")
@says("cannot tell", "no reset", words="something stays in it")
def context_parameters(variant: str) -> Verdict:
    def step(model: Context, spt: Any, qry: Any) -> Tensor:
        if variant != "no reset":
            model.reset()
        for _ in range(2):
            loss = F.mse_loss(model(spt[0]), spt[1])
            grad = torch.autograd.grad(loss, model.context, create_graph=variant == "create_graph")[0]
            model.context = model.context - 1.0 * grad
            if variant == "no reset":
                model.context = model.context.detach().requires_grad_()
        outer = F.mse_loss(model(qry[0]), qry[1])
        outer.backward()
        return outer

    return is_it_maml(Context(), step, *sines())


@says("neither", "difference")
@says("first", "first-order")
@says("none", "forgotten")
@says("in place", "outer step")
def copies_and_optimizers(variant: str) -> Verdict:
    def step(model: nn.Module, spt: Any, qry: Any) -> float:
        outer_opt = torch.optim.Adam(model.parameters(), lr=1e-2)
        outer_opt.zero_grad()
        task = copy.deepcopy(model)
        opt = torch.optim.SGD(task.parameters(), lr=0.1)
        for _ in range(3):
            opt.zero_grad()
            loss = F.mse_loss(task(spt[0]), spt[1])
            loss.backward()
            opt.step()
        opt.zero_grad()
        outer = F.mse_loss(task(qry[0]), qry[1])
        if variant != "difference":
            outer.backward()
        if variant != "forgotten":
            for p, q in zip(model.parameters(), task.parameters(), strict=True):
                p.grad = (p.data - q.data) if variant == "difference" else q.grad.clone()
        if variant == "outer step":
            outer_opt.step()
        return outer.item()

    return is_it_maml(mlp(), step, *sines())


@says("first", "load_state_dict")
@says("first", "restored")
@says("in place", "not restored")
@says("none", "vector")
def numbers_copied(variant: str) -> Verdict:
    def step(model: nn.Module, spt: Any, qry: Any) -> Tensor:
        if variant in ("load_state_dict", "vector"):
            learner = mlp()
            if variant == "vector":
                flat = nn.utils.parameters_to_vector(model.parameters())
                nn.utils.vector_to_parameters(flat, learner.parameters())
            else:
                learner.load_state_dict(model.state_dict())
        else:
            learner = model
            before = {k: v.clone() for k, v in model.state_dict().items()}
        for _ in range(2):
            learner.zero_grad()
            F.mse_loss(learner(spt[0]), spt[1]).backward()
            for p in learner.parameters():
                p.data -= 0.1 * p.grad.data
        learner.zero_grad()
        outer = F.mse_loss(learner(qry[0]), qry[1])
        outer.backward()
        if variant == "load_state_dict":
            for p, q in zip(model.parameters(), learner.parameters(), strict=True):
                p.grad = q.grad
        elif variant == "restored":
            model.load_state_dict(before)
        return outer

    return is_it_maml(mlp(), step, *sines())


# --- functions


def dense(params: dict[str, Tensor], x: Tensor) -> Tensor:
    return (
        torch.tanh(torch.tanh(x @ params["w1"] + params["b1"]) @ params["w2"] + params["b2"]) @ params["w3"]
        + params["b3"]
    )


def dense_start(width: int = 10) -> dict[str, Tensor]:
    torch.manual_seed(7)
    sizes = [(1, width), (width, width), (width, 1)]
    start: dict[str, Tensor] = {}
    for i, (a, b) in enumerate(sizes, 1):
        start[f"w{i}"], start[f"b{i}"] = torch.randn(a, b) / a**0.5, torch.zeros(b)
    return start


def dense_loss(params: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
    return ((dense(params, x) - y) ** 2).mean()


@says("second", "new dict")
@says("cannot tell", "same dict", words="dict(theta)")
@says("in place", "in place on data")
@says("none", "no_grad")
@says("first", "forgotten")
@says("none", "leaf again")
@says("second", "one by one")
@says("neither", "a key forgotten in the update")
def dictionaries(variant: str) -> Verdict:
    def adapt(params: dict[str, Tensor], x: Tensor, y: Tensor) -> dict[str, Tensor]:
        for _ in range(2):
            graph = variant != "forgotten"
            loss = dense_loss(params, x, y)
            if variant == "one by one":
                grads = [torch.autograd.grad(loss, p, create_graph=True)[0] for p in params.values()]
            else:
                grads = torch.autograd.grad(loss, list(params.values()), create_graph=graph)
            if variant == "same dict":
                for k, g in zip(list(params), grads, strict=True):
                    params[k] = params[k] - 0.1 * g
            elif variant == "in place on data":
                for k, g in zip(params, grads, strict=True):
                    params[k].data.sub_(0.1 * g)
            elif variant == "no_grad":
                with torch.no_grad():
                    params = {k: p - 0.1 * g for (k, p), g in zip(params.items(), grads, strict=True)}
                params = {k: p.requires_grad_() for k, p in params.items()}
            elif variant == "leaf again":
                params = {
                    k: (p - 0.1 * g).detach().requires_grad_()
                    for (k, p), g in zip(params.items(), grads, strict=True)
                }
            else:
                params = {k: p - 0.1 * g for (k, p), g in zip(params.items(), grads, strict=True)}
                if "forgotten in" in variant:
                    params["w2"] = params["w2"].detach().requires_grad_()
        return params

    return is_it_maml(adapt, dense_loss, dense_start(), one_task(*sines()))


class Learner:
    """An object that adapts when called; its rates are a plain float32 array."""

    def __init__(self, steps: int, order: int) -> None:
        self.steps, self.order, self.rate = steps, order, np.float32(0.1)

    def __call__(self, params: Any, x: Tensor, y: Tensor) -> Any:
        params = list(params)
        for _ in range(self.steps):
            loss = self.loss(params, x, y)
            grads = torch.autograd.grad(loss, params, create_graph=self.order == 2)
            params = [p - self.rate * g for p, g in zip(params, grads, strict=True)]
        return params

    @staticmethod
    def loss(params: Any, x: Tensor, y: Tensor) -> Tensor:
        w1, b1, w2, b2 = params
        return F.mse_loss(F.linear(torch.tanh(F.linear(x, w1, b1)), w2, b2), y)


@says("second", 2, "list")
@says("first", 1, "list")
@says("second", 2, "tuple")
@says("second", 2, "ParameterList")
@says("second", 2, "generator")
@says("second", 2, "partial")
@says("second", 2, "lambda")
def callables(order: int, kind: str) -> Verdict:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
    learner = Learner(3, order)
    start = {"list": list, "tuple": tuple, "ParameterList": nn.ParameterList}.get(
        kind, lambda values: values
    )(net.parameters())
    adapt: Any = learner
    if kind == "partial":
        adapt = functools.partial(learner.__call__)
    if kind == "lambda":
        adapt = lambda theta, x, y: (w for w in learner(theta, x, y))  # noqa: E731
    return is_it_maml(adapt, Learner.loss, start, one_task(*sines()))


@says("second", "pairs")
@says("first", "pairs first order")
@says("second", "nested")
def nested_parameters(variant: str) -> Verdict:
    """A list of (weight, bias), a dict of dicts."""
    start = dense_start()
    pairs = [(start[f"w{i}"], start[f"b{i}"]) for i in (1, 2, 3)]
    create = "first" not in variant

    def run(pairs: Any, x: Tensor) -> Tensor:
        if isinstance(pairs, dict):
            pairs = [(each["w"], each["b"]) for each in pairs.values()]
        for w, b in pairs[:-1]:
            x = torch.tanh(x @ w + b)
        return x @ pairs[-1][0] + pairs[-1][1]

    def loss(pairs: Any, x: Tensor, y: Tensor) -> Tensor:
        return F.mse_loss(run(pairs, x), y)

    def adapt(pairs: Any, x: Tensor, y: Tensor) -> Any:
        flat = [
            v
            for each in (pairs.values() if isinstance(pairs, dict) else pairs)
            for v in (each.values() if isinstance(each, dict) else each)
        ]
        grads = iter(torch.autograd.grad(loss(pairs, x, y), flat, create_graph=create))
        if isinstance(pairs, dict):
            return {k: {n: v - 0.1 * next(grads) for n, v in each.items()} for k, each in pairs.items()}
        return [tuple(v - 0.1 * next(grads) for v in each) for each in pairs]

    given: Any = (
        {f"layer{i}": {"w": w, "b": b} for i, (w, b) in enumerate(pairs)} if variant == "nested" else pairs
    )
    return is_it_maml(adapt, loss, given, one_task(*sines()))


@says("second", True)
@says("first", False)
def cloned_list(create: bool) -> Verdict:
    """The sinusoid of the tutorials: clones of the weights of a model, run by a method."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = mlp(nn.ReLU)

        def parameterised(self, x: Tensor, weights: list[Tensor]) -> Tensor:
            x = F.relu(F.linear(x, weights[0], weights[1]))
            x = F.relu(F.linear(x, weights[2], weights[3]))
            return F.linear(x, weights[4], weights[5])

    class Maml:
        def __init__(self, model: Net) -> None:
            self.model, self.weights, self.criterion = model, list(model.parameters()), nn.MSELoss()

        def inner_loop(self, task: Any, query: Any) -> Tensor:
            temp = [w.clone() for w in self.weights]
            for _ in range(3):
                loss = self.criterion(self.model.parameterised(task[0], temp), task[1]) / len(task[0])
                grad = torch.autograd.grad(loss, temp, create_graph=create)
                temp = [w - 0.3 * g for w, g in zip(temp, grad, strict=True)]
            return self.criterion(self.model.parameterised(query[0], temp), query[1])

    def step(model: Net, spt: Any, qry: Any) -> Tensor:
        maml = Maml(model)
        grads = torch.autograd.grad(loss := maml.inner_loop(spt, qry), maml.weights)
        for w, g in zip(maml.weights, grads, strict=True):
            w.grad = g
        return loss

    return is_it_maml(Net(), step, *sines(10))


@says("cannot tell", "self.net", words="inside step")
@says("second", "given")
def a_trainer_that_has_its_own_net(variant: str) -> Verdict:
    class Trainer:
        def __init__(self, net: nn.Module) -> None:
            self.net = net

        def train_step(self, spt: Any, qry: Any) -> Tensor:
            params = dict(self.net.named_parameters())
            grads = torch.autograd.grad(
                F.mse_loss(self.net(spt[0]), spt[1]), list(params.values()), create_graph=True
            )
            fast = {k: p - 0.1 * g for (k, p), g in zip(params.items(), grads, strict=True)}
            loss = F.mse_loss(functional_call(self.net, fast, (qry[0],)), qry[1])
            loss.backward()
            return loss

    net = mlp()
    trainer = Trainer(net)
    if variant == "given":
        return is_it_maml(net, lambda model, s, q: Trainer(model).train_step(s, q), *sines())
    return is_it_maml(net, lambda model, s, q: trainer.train_step(s, q), *sines())


# --- layers that remember, draw, share


def plain_step(
    create: bool = True, rate: float = 0.1, before: Any = None, after: Any = None, loss: Any = F.cross_entropy
) -> Any:
    def step(model: nn.Module, spt: Any, qry: Any) -> Tensor:
        kept = before(model) if before else None
        params = {k: p for k, p in model.named_parameters() if p.requires_grad}
        for _ in range(2):
            inner = loss(functional_call(model, params, (spt[0],)), spt[1])
            grads = torch.autograd.grad(inner, list(params.values()), create_graph=create)
            params = {k: p - rate * g for (k, p), g in zip(params.items(), grads, strict=True)}
        if after == "eval":
            model.eval()
        outer = loss(functional_call(model, params, (qry[0],)), qry[1])
        outer.backward()
        if callable(after):
            after(model, kept)
        return outer

    return step


def _buffers(model: nn.Module) -> dict[str, Tensor]:
    return {k: v.clone() for k, v in model.named_buffers()}


def _put_back(model: nn.Module, kept: dict[str, Tensor]) -> None:
    model.train()
    for name, value in model.named_buffers():
        value.copy_(kept[name])


@says("second", "train")
@says("first", "train first")
@says("second", "eval")
@says("second", "instance")
@says("second", "no statistics")
@says("cannot tell", "eval for the query", words="something stays in it")
@says("neither", "eval for the query, put back", words="running statistics")
def batch_norms(variant: str) -> Verdict:
    model = conv()
    if variant == "eval":
        model.eval()
    if variant == "instance":
        model[1], model[5] = nn.InstanceNorm2d(6, affine=True), nn.GroupNorm(2, 6)
    if variant == "no statistics":
        model[1] = nn.BatchNorm2d(6, track_running_stats=False)
    after: Any = None
    if "query" in variant:
        after = "eval"
    if "put back" in variant:
        inner = plain_step(after="eval")

        def step(model: nn.Module, spt: Any, qry: Any) -> Tensor:
            kept = _buffers(model)
            loss = inner(model, spt, qry)
            _put_back(model, kept)
            return loss

        return is_it_maml(model, step, *pictures())
    return is_it_maml(model, plain_step("first" not in variant, after=after), *pictures())


@says("cannot tell", "drawn", words="torch.manual_seed(0)")
@says("second", "seeded")
@says("second", "eval")
def dropout(variant: str) -> Verdict:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Dropout(0.3), nn.Linear(16, 1))
    if variant == "eval":
        model.eval()
    seeded = (lambda model: torch.manual_seed(0)) if variant == "seeded" else None
    return is_it_maml(model, plain_step(before=seeded, loss=F.mse_loss), *sines())


@says("second", "own weight")
@says("first", "own weight first")
@says("first", "old weight first")
@says("cannot tell", "spectral", words="something stays in it")
@says("second", "spectral eval")
@says("second", "orthogonal")
def reparametrised(variant: str) -> Verdict:
    torch.manual_seed(0)
    layer = nn.Linear(8, 8)
    if "old" in variant:
        layer = nn.utils.weight_norm(layer)
    elif "weight" in variant:

        class Unit(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                return x / x.norm(dim=1, keepdim=True)

        nn.utils.parametrize.register_parametrization(layer, "weight", Unit())
    elif "spectral" in variant:
        layer = nn.utils.parametrizations.spectral_norm(layer)
    else:
        layer = nn.utils.parametrizations.orthogonal(layer, orthogonal_map="cayley")
    model = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), layer, nn.Tanh(), nn.Linear(8, 1))
    if "eval" in variant:
        model.eval()
    return is_it_maml(model, plain_step("first" not in variant, loss=F.mse_loss), *sines())


@says("second", "create")
@says("first", "forgotten")
def tied(variant: str) -> Verdict:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.embed, self.mix, self.out = nn.Embedding(9, 6), nn.Linear(6, 6), nn.Linear(6, 9)
            self.out.weight = self.embed.weight

        def forward(self, x: Tensor) -> Tensor:
            return self.out(torch.tanh(self.mix(self.embed(x).mean(1))))

    drawn = torch.Generator().manual_seed(0)
    data = [
        (torch.randint(9, (6, 4), generator=drawn), torch.randint(9, (6,), generator=drawn)) for _ in range(2)
    ]
    return is_it_maml(Tied(), plain_step(variant == "create"), *data)


@says("second", "LSTM", True)
@says("first", "LSTM", False)
@says("second", "GRU", True)
@says("second", "cell", True)
def recurrent(kind: str, create: bool) -> Verdict:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.cell: nn.Module = (
                nn.LSTMCell(1, 6) if kind == "cell" else getattr(nn, kind)(1, 6, batch_first=True)
            )
            self.out = nn.Linear(6, 1)

        def forward(self, x: Tensor) -> Tensor:
            if kind == "cell":
                state = (torch.zeros(len(x), 6), torch.zeros(len(x), 6))
                for t in range(x.shape[1]):
                    state = self.cell(x[:, t], state)
                return self.out(state[0])
            return self.out(self.cell(x)[0][:, -1])

    drawn = torch.Generator().manual_seed(0)
    data = [(torch.randn(5, 4, 1, generator=drawn), torch.randn(5, 1, generator=drawn)) for _ in range(2)]
    return is_it_maml(Net(), plain_step(create, rate=0.5, loss=F.mse_loss), *data)


@says("second", True)
@says("first", False)
def transformer(create: bool) -> Verdict:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.up, self.down = nn.Linear(1, 8), nn.Linear(8, 1)
            self.block = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            with nn.attention.sdpa_kernel(nn.attention.SDPBackend.MATH):
                return self.down(self.block(self.up(x)[None])[0])

    return is_it_maml(Net(), plain_step(create, loss=F.mse_loss), *sines(5))


@says("second", "frozen")
@says("first", "frozen first")
@says("second", "inplace")
@says("second", "sum")
@says("second", "selu")
@says("second", "prelu")
def odd_networks(variant: str) -> Verdict:
    model = conv(
        act=functools.partial(nn.ReLU, inplace=True)
        if variant == "inplace"
        else {"selu": nn.SELU, "prelu": nn.PReLU}.get(variant, nn.ReLU)
    )
    if "frozen" in variant:
        for p in model[:4].parameters():
            p.requires_grad_(False)
    loss = functools.partial(F.cross_entropy, reduction="sum") if variant == "sum" else F.cross_entropy
    return is_it_maml(model, plain_step("first" not in variant, rate=0.02, loss=loss), *pictures())


@says("second", "float32 everywhere")
@says("second", "numpy")
@says("second", "one hot")
@says("second", "flat")
@says("second", "broadcast")
def types_and_shapes(variant: str) -> Verdict:
    def step(model: nn.Module, spt: Any, qry: Any) -> Tensor:
        params = dict(model.named_parameters())
        rate: Any = torch.FloatTensor([0.05])
        if variant == "numpy":
            rate = torch.from_numpy(np.full(1, 0.05, dtype=np.float32))

        def loss(params: Any, data: Any) -> Tensor:
            x, y = data
            if variant == "float32 everywhere":
                x, y = x.float(), y.type(torch.FloatTensor).to(torch.float32)
            out = functional_call(model, params, (x,))
            if variant == "one hot":
                hot = F.one_hot((y > 0).long().flatten(), 2).float()
                return F.mse_loss(torch.cat([out, -out], 1), hot)
            if variant == "flat":
                return nn.MSELoss()(out.squeeze(), y.squeeze(1))
            if variant == "broadcast":
                return ((out - y.squeeze(1)) ** 2).mean()
            weights = torch.ones(len(y), 1, dtype=torch.float32)
            return (weights * (out - y) ** 2).sum() / weights.sum()

        for _ in range(2):
            grads = torch.autograd.grad(loss(params, spt), list(params.values()), create_graph=True)
            params = {k: p - rate.type_as(p) * g for (k, p), g in zip(params.items(), grads, strict=True)}
        outer = loss(params, qry)
        outer.backward()
        return outer

    return is_it_maml(mlp(), step, *sines())


# --- .grad and .backward inside


@says("second", "emptied")
@says("second", "zero_grad")
@says("neither", "left")
@says("first", "retain")
@says("cannot tell", "emptied at the end", words="end of step")
@says("second", "filled at first", words="zero_grad() between tasks")
def backward_inside(variant: str) -> Verdict:
    def step(model: nn.Module, spt: Any, qry: Any) -> Tensor:
        if variant != "filled at first":
            model.zero_grad()
        loss = F.mse_loss(model(spt[0]), spt[1])
        loss.backward(create_graph=variant != "retain", retain_graph=True)
        fast = {k: p - 0.1 * p.grad for k, p in model.named_parameters()}
        if variant == "zero_grad":
            model.zero_grad()
        elif variant != "left":
            for p in model.parameters():
                p.grad = None
        outer = F.mse_loss(functional_call(model, fast, (qry[0],)), qry[1])
        outer.backward()
        if "at the end" in variant:
            model.zero_grad()
        return outer

    return is_it_maml(mlp(), step, *sines())


@says("cannot tell", "returned", words="parameter.grad")
@says("second", "put")
def gradients_by_autograd_grad(variant: str) -> Verdict:
    def step(model: nn.Module, spt: Any, qry: Any) -> Any:
        params = dict(model.named_parameters())
        grads = torch.autograd.grad(
            F.mse_loss(model(spt[0]), spt[1]), list(params.values()), create_graph=True
        )
        fast = {k: p - 0.1 * g for (k, p), g in zip(params.items(), grads, strict=True)}
        outer = F.mse_loss(functional_call(model, fast, (qry[0],)), qry[1])
        found = torch.autograd.grad(outer, list(params.values()))
        if variant == "put":
            for p, g in zip(params.values(), found, strict=True):
                p.grad = g
        return outer, found

    return is_it_maml(mlp(), step, *sines())


@says("second", "loose")
@says("neither", "tight")
@says("second", "inner")
@says("neither", "inner, size detached")
def clipped(variant: str) -> Verdict:
    def step(model: nn.Module, spt: Any, qry: Any) -> Tensor:
        params = dict(model.named_parameters())
        for _ in range(2):
            grads = torch.autograd.grad(
                F.mse_loss(functional_call(model, params, (spt[0],)), spt[1]),
                list(params.values()),
                create_graph=True,
            )
            if "inner" in variant:
                size = torch.sqrt(sum((g**2).sum() for g in grads))  # type: ignore[arg-type]
                size = size.detach() if "detached" in variant else size
                grads = tuple(g * torch.clamp(0.5 / size, max=1.0) for g in grads)
            params = {k: p - 0.2 * g for (k, p), g in zip(params.items(), grads, strict=True)}
        outer = F.mse_loss(functional_call(model, params, (qry[0],)), qry[1])
        outer.backward()
        if variant in ("loose", "tight"):
            nn.utils.clip_grad_norm_(model.parameters(), 1e3 if variant == "loose" else 1e-2)
            norms = [p.grad.norm().item() for p in model.parameters() if p.grad is not None]
            assert all(map(math.isfinite, norms))
        return outer

    return is_it_maml(mlp(), step, *sines())


@says("second", "differentiable")
@says("first", "forgotten")
@says("none", "detached")
def torch_optim_differentiable(variant: str) -> Verdict:
    def step(model: nn.Module, spt: Any, qry: Any) -> Tensor:
        names = [k for k, _ in model.named_parameters()]
        start = [p.clone() for p in model.parameters()]
        if variant == "detached":
            start = [p.detach() for p in start]
        fast = [s.clone() if variant != "detached" else s.requires_grad_() for s in start]
        for _ in range(2):
            loss = F.mse_loss(functional_call(model, dict(zip(names, fast, strict=True)), (spt[0],)), spt[1])
            grads = torch.autograd.grad(loss, fast, create_graph=variant != "forgotten")
            fast = [f.clone() for f in fast]
            opt = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1, differentiable=True)
            opt.param_groups[0]["params"] = fast
            for f, g in zip(fast, grads, strict=True):
                f.grad = g
            opt.step()
            if variant == "detached":
                fast = [f.detach().requires_grad_() for f in fast]
        outer = F.mse_loss(functional_call(model, dict(zip(names, fast, strict=True)), (qry[0],)), qry[1])
        outer.backward()
        return outer

    return is_it_maml(mlp(), step, *sines())


@says("second", "create")
@says("neither", "forgotten", words="may be FOMAML")
def threads(variant: str) -> Verdict:
    """One task in each thread."""

    def step(model: nn.Module, spt: Any, qry: Any) -> Tensor:
        def task(sign: int) -> Tensor:
            params = dict(model.named_parameters())
            grads = torch.autograd.grad(
                F.mse_loss(functional_call(model, params, (spt[0],)), sign * spt[1]),
                list(params.values()),
                create_graph=variant == "create",
            )
            params = {k: p - 0.1 * g for (k, p), g in zip(params.items(), grads, strict=True)}
            return F.mse_loss(functional_call(model, params, (qry[0],)), sign * qry[1])

        with ThreadPoolExecutor(1) as pool:
            total = sum(pool.map(task, (1, -1)))
        total.backward()  # type: ignore[union-attr]
        return total  # type: ignore[return-value]

    return is_it_maml(mlp(), step, *sines())


@says("second", "whole")
@says("neither", "head a fresh leaf")
@says("neither", "prototypes detached")
def prototypes_for_a_head(variant: str) -> Verdict:
    def step(body: nn.Module, spt: Any, qry: Any) -> Tensor:
        z = body(spt[0])
        centres = torch.stack([z[spt[1] == c].mean(0) for c in range(3)])
        if "detached" in variant:
            centres = centres.detach()
        w, b = 2 * centres, -(centres**2).sum(1)
        if "leaf" in variant:
            w, b = w.detach().requires_grad_(), b.detach().requires_grad_()
        params = dict(body.named_parameters())
        for _ in range(2):
            loss = F.cross_entropy(F.linear(functional_call(body, params, (spt[0],)), w, b), spt[1])
            grads = torch.autograd.grad(
                loss, [*params.values(), *([w, b] if w.requires_grad else [])], create_graph=True
            )
            params = {k: p - 0.05 * g for (k, p), g in zip(params.items(), grads, strict=False)}
            if w.requires_grad:
                w, b = w - 0.05 * grads[-2], b - 0.05 * grads[-1]
        outer = F.cross_entropy(F.linear(functional_call(body, params, (qry[0],)), w, b), qry[1])
        outer.backward()
        return outer

    return is_it_maml(conv(norm=False, act=nn.Tanh), step, *pictures())


@says("second", "ridge")
@says("neither", "features of the query detached")
def closed_form(variant: str) -> Verdict:
    """No inner gradient at all: ridge regression on features."""

    def step(body: nn.Module, spt: Any, qry: Any) -> Tensor:
        z, zq = body(spt[0]), body(qry[0])
        zq = zq.detach() if "detached" in variant else zq
        w = torch.linalg.solve(z.T @ z + 0.1 * torch.eye(z.shape[1]), z.T @ F.one_hot(spt[1], 3).float())
        loss = F.cross_entropy(zq @ w, qry[1])
        loss.backward()
        return loss

    return is_it_maml(conv(norm=False, act=nn.Tanh)[:-1], step, *pictures())


@says("second", "right")
@says("cannot tell", "query to adapt", words="support")
@says("cannot tell", "support to judge", words="query")
@says("cannot tell", "own data", words="support")
def sets(variant: str) -> Verdict:
    support, query = sines()
    inner = plain_step(loss=F.mse_loss)

    def step(model: nn.Module, spt: Any, qry: Any) -> Tensor:
        if variant == "query to adapt":
            return inner(model, qry, qry)
        if variant == "support to judge":
            return inner(model, spt, spt)
        if variant == "own data":
            return inner(model, support, query)
        return inner(model, spt, qry)

    return is_it_maml(mlp(), step, support, query)


@says("cannot tell", "query to adapt", words="support")
@says("cannot tell", "support to judge", words="query")
def sets_of_functions(variant: str) -> Verdict:
    support, query = sines()

    def adapt(params: Any, x: Tensor, y: Tensor) -> Any:
        x, y = query if variant == "query to adapt" else (x, y)
        grads = torch.autograd.grad(dense_loss(params, x, y), list(params.values()), create_graph=True)
        return {k: p - 0.1 * g for (k, p), g in zip(params.items(), grads, strict=True)}

    def loss(params: Any, x: Tensor, y: Tensor) -> Tensor:
        return dense_loss(params, *(support if variant == "support to judge" else (x, y)))

    return is_it_maml(adapt, loss, dense_start(), one_task(support, query))


@says("second", "tuple")
@says("second", "float")
@says("second", "accuracy first")
@says("cannot tell", "accuracy alone", words="very loss")
@says("cannot tell", "dict", words="Return a scalar tensor")
@says("cannot tell", "nothing", words="returns None")
@says("cannot tell", "losses of tasks", words="2 losses")
def what_step_returns(variant: str) -> Verdict:
    inner = plain_step()

    def step(model: nn.Module, spt: Any, qry: Any) -> Any:
        loss = inner(model, spt, qry)
        if variant == "losses of tasks":
            loss2 = inner(model, spt, qry)
            return [loss, loss2]
        accuracy = (model(qry[0]).argmax(1) == qry[1]).float().mean()
        return {
            "tuple": (loss, accuracy),
            "float": loss.item(),
            "accuracy first": (accuracy, loss),
            "dict": {"loss": loss},
            "accuracy alone": accuracy,
        }.get(variant)

    return is_it_maml(conv(), step, *pictures())


@says("second", "forward")
@says("first", "first order")
@says("neither", "rate detached", words="no gradient reaches log_rate")
def everything_in_forward(variant: str) -> Verdict:
    class Maml(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net, self.log_rate = mlp(), nn.Parameter(torch.tensor(-2.0))

        def forward(self, sx: Tensor, sy: Tensor, qx: Tensor) -> Tensor:
            params = dict(self.net.named_parameters())
            rate = self.log_rate.exp()
            rate = rate.item() if "rate" in variant else rate
            for _ in range(2):
                grads = torch.autograd.grad(
                    F.mse_loss(functional_call(self.net, params, (sx,)), sy),
                    list(params.values()),
                    create_graph=variant != "first order",
                )
                params = {k: p - rate * g for (k, p), g in zip(params.items(), grads, strict=True)}
            return functional_call(self.net, params, (qx,))

    def step(maml: nn.Module, spt: Any, qry: Any) -> Tensor:
        loss = F.mse_loss(maml(*spt, qry[0]), qry[1])
        loss.backward()
        return loss

    return is_it_maml(Maml(), step, *sines())


@says("second", "returned only")
@says("second", "momentum by hand")
@says("first", "momentum by hand first")
@says("second", "proximal")
def other_rules(variant: str) -> Verdict:
    def step(model: nn.Module, spt: Any, qry: Any) -> Tensor:
        start = dict(model.named_parameters())
        params, speed = dict(start), {k: torch.zeros_like(p) for k, p in start.items()}
        for _ in range(3):
            loss = F.mse_loss(functional_call(model, params, (spt[0],)), spt[1])
            if variant == "proximal":
                loss = loss + 0.1 * sum(((p - start[k]) ** 2).sum() for k, p in params.items())
            grads = torch.autograd.grad(loss, list(params.values()), create_graph="first" not in variant)
            speed = {k: 0.9 * v + g for (k, v), g in zip(speed.items(), grads, strict=True)}
            params = {k: p - 0.03 * speed[k] for k, p in params.items()}
        outer = F.mse_loss(functional_call(model, params, (qry[0],)), qry[1])
        if variant != "returned only":
            outer.backward()
        return outer

    return is_it_maml(mlp(), step, *sines())


# --- more ways to write it


@says("second", "adam")
@says("second", "sgd with momentum")
@says("none", "stopped")
def by_torchopt(variant: str) -> Verdict:
    torchopt = pytest.importorskip("torchopt")

    def adapt(params: Any, x: Tensor, y: Tensor) -> Any:
        rule = torchopt.adam(0.05) if variant == "adam" else torchopt.sgd(0.05, momentum=0.9)
        state = rule.init(params)
        for _ in range(2):
            grads = torch.autograd.grad(dense_loss(params, x, y), tuple(params.values()), create_graph=True)
            updates, state = rule.update(dict(zip(params, grads, strict=True)), state, inplace=False)
            params = torchopt.apply_updates(params, updates, inplace=False)
        return torchopt.utils.stop_gradient(params) or params if variant == "stopped" else params

    if variant == "stopped":
        return is_it_maml(
            lambda p, x, y: {k: v.detach() for k, v in adapt(p, x, y).items()},
            dense_loss,
            dense_start(),
            one_task(*sines()),
        )
    return is_it_maml(adapt, dense_loss, dense_start(), one_task(*sines()))


@says("second", "func.grad")
@says("second", "grad_and_value")
@says("second", "jacrev")
@says("second", "hvp")
@says("first", "hvp left out")
@says("neither", "hvp added")
@says("second", "finite in all numbers")
def outer_gradient_by_other_means(variant: str) -> Verdict:
    def step(model: nn.Module, spt: Any, qry: Any) -> Tensor:
        params = {k: v.detach() for k, v in model.named_parameters()}

        def loss(p: Any, data: Any) -> Tensor:
            return ((functional_call(model, p, (data[0],)) - data[1]) ** 2).mean()

        def outer(p: Any) -> Tensor:
            slope = func_grad(loss)(p, spt)
            return loss({k: v - 0.1 * slope[k] for k, v in p.items()}, qry)

        value = outer(params)
        if variant.startswith("hvp"):
            slope = func_grad(loss)(params, spt)
            at_phi = func_grad(loss)({k: v - 0.1 * slope[k] for k, v in params.items()}, qry)
            _, curved = torch.func.jvp(lambda p: func_grad(loss)(p, spt), (params,), (at_phi,))
            factor = {"hvp": -0.1, "hvp left out": 0.0, "hvp added": 0.1}[variant]
            found = {k: g + factor * curved[k] for k, g in at_phi.items()}
        elif variant == "func.grad":
            found = func_grad(outer)(params)
        elif variant == "grad_and_value":
            found, value = torch.func.grad_and_value(outer)(params)
        elif variant == "jacrev":
            found = torch.func.jacrev(outer)(params)
        else:
            found = {}
            for k, v in params.items():
                found[k] = torch.zeros_like(v)
                for i in range(v.numel()):
                    h = torch.zeros(v.numel()).index_fill(0, torch.tensor(i), 1e-5).view_as(v)
                    found[k].view(-1)[i] = (outer(params | {k: v + h}) - outer(params | {k: v - h})) / 2e-5
        for k, p in model.named_parameters():
            p.grad = found[k]
        return value

    torch.manual_seed(0)
    return is_it_maml(nn.Sequential(nn.Linear(1, 3), nn.Tanh(), nn.Linear(3, 1)), step, *sines(4))


@says("second", "until the loss is small")
@says("second", "checkpointed")
@says("second", "autocast")
@says("second", "gradients normalised")
@says("both", "signs")
@says("second", "pseudo labels")
@says("neither", "loss scaled", words="65536 times")
@says("second", "hook")
@says("neither", "hook halves")
@says("cannot tell", "own generator", words="generator")
@says("cannot tell", "random minibatch", words="torch.manual_seed(0)")
@says("in place", "head zeroed")
@says("second", "zero start of the rates")
@says("second", "grad mode toggled")
@says("second", "class of the loss")
@says("second", "query of one")
@says("cannot tell", "straight through", words="rounded")
@says("neither", "loss of the last step detached and added")
@says("second", "tasks accumulate")
def odd_loops(variant: str) -> Verdict:
    numbers = np.random.default_rng(0)

    def step(model: Any, spt: Any, qry: Any) -> Tensor:
        if variant == "head zeroed":
            nn.init.zeros_(model[-1].weight)
        criterion = nn.SmoothL1Loss() if variant == "class of the loss" else nn.MSELoss()
        toggled = torch.set_grad_enabled(False) if variant == "grad mode toggled" else None
        params = dict(model.named_parameters())

        def forward(params: Any, x: Tensor) -> Tensor:
            if variant == "checkpointed":
                return torch.utils.checkpoint.checkpoint(
                    lambda x: functional_call(model, params, (x,)), x, use_reentrant=False
                )
            with torch.autocast("cpu", enabled=variant == "autocast"):
                out = functional_call(model, params, (x,))
            return out + (out.round() - out).detach() if variant == "straight through" else out

        if toggled:
            torch.set_grad_enabled(True)
        for k in range(3):
            x, y = spt
            if variant == "own generator":
                chosen = torch.from_numpy(numbers.permutation(len(x))[:4])
                x, y = x[chosen], y[chosen]
            elif variant == "random minibatch":
                chosen = torch.randperm(len(x))[:4]
                x, y = x[chosen], y[chosen]
            elif variant == "pseudo labels" and k:
                x, y = torch.cat([x, qry[0]]), torch.cat([y, forward(params, qry[0]).detach().sign()])
            loss = criterion(forward(params, x), y)
            if variant == "until the loss is small" and loss < 1.5:
                break
            grads = torch.autograd.grad(loss, list(params.values()), create_graph=True)
            if variant == "gradients normalised":
                grads = tuple(g / (g.norm() + 1e-8) for g in grads)
            elif variant == "signs":
                grads = tuple(g.sign() for g in grads)
            params = {k: p - 0.03 * g for (k, p), g in zip(params.items(), grads, strict=True)}
        xq, yq = (each[:1] for each in qry) if variant == "query of one" else qry
        outer = criterion(forward(params, xq), yq)
        hooks = []
        if variant.startswith("hook"):
            by = 0.5 if "halves" in variant else 1.0
            hooks = [p.register_hook(lambda g: g * by) for p in model.parameters()]
        if variant == "loss of the last step detached and added":
            outer = outer + loss.detach()
        if variant == "tasks accumulate":
            for _ in range(2):
                (outer / 2).backward(retain_graph=True)
        else:
            (outer * (65536 if variant == "loss scaled" else 1)).backward()
        for hook in hooks:
            hook.remove()
        return outer

    return is_it_maml(mlp(), step, *sines())


@says("both", "zero", words="larger inner rate")
@says("both", "gated", words="larger inner rate")
def learned_rates_of_zero(variant: str) -> Verdict:
    """At rates of zero the support set has no say yet, and the gradient is right all the same."""
    start = dense_start() | {"rate": torch.zeros(())}

    def adapt(params: Any, x: Tensor, y: Tensor) -> Any:
        names = [k for k in params if k != "rate"]
        grads = torch.autograd.grad(dense_loss(params, x, y), [params[k] for k in names], create_graph=True)
        rate = torch.tanh(params["rate"]) if variant == "gated" else params["rate"]
        return {k: params[k] - rate * g for k, g in zip(names, grads, strict=True)}

    return is_it_maml(adapt, dense_loss, start, one_task(*sines()))


def _misused(kind: str) -> Any:
    net, (support, query) = mlp(), sines()
    theta, episode, step = dict(net.named_parameters()), one_task(support, query), plain_step(loss=F.mse_loss)
    adapt: Any = lambda params, x, y: params  # noqa: E731
    return {
        "theta and episode swapped": lambda: is_it_maml(adapt, dense_loss, episode, theta),  # type: ignore[arg-type]
        "step before model": lambda: is_it_maml(step, net, support, query),  # type: ignore[call-overload]
        "a class": lambda: is_it_maml(nn.Linear, step, support, query),  # type: ignore[call-overload]
        "no sets": lambda: is_it_maml(net, step),  # type: ignore[call-overload]
        "an episode for the sets": lambda: is_it_maml(net, step, episode),  # type: ignore[call-overload]
        "no directions": lambda: is_it_maml(adapt, dense_loss, theta, episode, directions=0),
        "no length": lambda: is_it_maml(adapt, dense_loss, theta, episode, epsilon=0),
        "an iterator": lambda: is_it_maml(net, step, iter([support]), iter([query])),
        "lazy": lambda: is_it_maml(nn.LazyLinear(1), step, support, query),
        "no parameters": lambda: is_it_maml(nn.Tanh(), step, support, query),
        "step last": lambda: is_it_maml(net, support, query, step),  # type: ignore[call-overload]
    }[kind]


@pytest.mark.parametrize(
    ("kind", "words"),
    {
        "theta and episode swapped": "changed places",
        "step before model": "The model comes first",
        "a class": "Linear(...)",
        "no sets": "is_it_maml(model, step, support, query)",
        "an episode for the sets": "episode.support_x[0]",
        "no directions": "at least 1",
        "no length": "between 0 and 1",
        "an iterator": "next(support)",
        "lazy": "call it once",
        "no parameters": "nothing to move",
        "step last": "step is of type tuple",
    }.items(),
)
def test_misuse_is_one_sentence(kind: str, words: str) -> None:
    with pytest.raises(MlteachError) as caught:
        _misused(kind)()
    assert words in str(caught.value)


def test_an_error_in_the_code_says_what_it_was_given() -> None:
    support, query = sines()
    with pytest.raises(ValueError, match="mine") as caught:
        is_it_maml(mlp(), lambda *_: exec("raise ValueError('mine')"), support, query)
    assert "step(model, support, query)" in caught.value.__notes__[0]
    with pytest.raises(ValueError, match="mine") as caught:
        is_it_maml(
            lambda *_: exec("raise ValueError('mine')"), dense_loss, dense_start(), Episode(*support, *query)
        )
    assert "without its task axis: the support set is x [1], y [1]" in caught.value.__notes__[0]


@pytest.mark.parametrize(("fails", "mode"), [(False, False), (True, True)])
def test_nothing_of_the_user_s_changes(fails: bool, mode: bool) -> None:
    model = conv()
    for p in model.parameters():
        p.grad = torch.ones_like(p)

    def step(model: nn.Module, spt: Any, qry: Any) -> Tensor:
        torch.manual_seed(11)
        loss = plain_step()(model, spt, qry)
        if fails:
            torch.set_grad_enabled(False)
            torch.set_default_dtype(torch.float16)
            raise RuntimeError("mine")
        return loss

    def everything() -> list[Any]:
        own = [v.clone() for v in model.state_dict().values()] + [
            p.grad.clone() for p in model.parameters() if p.grad is not None
        ]
        return [
            torch.get_default_dtype(),
            torch.is_grad_enabled(),
            model.training,
            torch.get_rng_state().tolist(),
            *(v.tolist() for v in own),
        ]

    with torch.set_grad_enabled(mode):
        before = everything()
        if fails:
            with pytest.raises(RuntimeError, match="mine"):
                is_it_maml(model, step, *pictures())
        else:
            assert is_it_maml(model, step, *pictures()).order == "second"
        assert everything() == before


@pytest.mark.parametrize(("function", "arguments", "order", "words"), CASES)
def test_wild(function: Callable[..., Verdict], arguments: tuple[Any, ...], order: str, words: str) -> None:
    verdict = function(*arguments)
    assert verdict.order == order, str(verdict)
    assert words.lower() in str(verdict).lower()
