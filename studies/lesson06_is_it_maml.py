"""Ten ways in which people write MAML, right and wrong, and what `is_it_maml` says of each; higher, learn2learn and TorchOpt too.

    python -m studies.lesson06_is_it_maml            prints the table
    python -m studies.lesson06_is_it_maml --write    and puts it into docs/is_it_maml.md

The packages come with ``pip install -e ".[benchmarks]"``; learn2learn is fetched. The tests run the same table with small
stand-ins of the three packages, and the blocks of the page beside it.
"""

import argparse
import copy
import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, grad_and_value
from torch.nn.functional import linear, mse_loss

from benchmarks.peers.loops import learn2learn_maml
from mlteach.measure import is_it_maml
from mlteach.measure.is_it_maml.verdict import Verdict
from mlteach.tasks import Episode

PAGE = Path(__file__).resolve().parents[1] / "docs" / "is_it_maml.md"
RATE, STEPS = 0.1, 2
Step = Callable[[nn.Module, Any, Any], Any]
Adapt = Callable[[Any, Tensor, Tensor], Any]


@dataclass(frozen=True)
class Variant:
    """One way to write it: which pattern, what is done, the order it should be found to have, and the judgement."""

    pattern: str
    said: str
    order: str
    judge: Callable[[], Verdict]


# ---------------------------------------------------------------------------------------------- the task


def network() -> nn.Module:
    """1-8-8-1 with tanh, always the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))


def task() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """A support and a query set of 8 points of a sine."""
    generator = torch.Generator().manual_seed(1)
    support, query = (torch.rand(8, 1, generator=generator) * 4 - 2 for _ in range(2))
    return (support, torch.sin(2 * support)), (query, torch.sin(2 * query))


def loss_of(model: nn.Module, params: dict[str, Tensor], data: tuple[Tensor, Tensor]) -> Tensor:
    """The model's squared error with other parameters."""
    return mse_loss(functional_call(model, params, (data[0],)), data[1])


def by_module(step: Step) -> Verdict:
    """The module form."""
    return is_it_maml(network(), step, *task())


def by_functions(adapt: Adapt, theta: Any = None, **more: Any) -> Verdict:
    """The form with functions of dicts; the start is the network's parameters."""
    net, ((x, y), (qx, qy)) = network(), task()

    def loss(params: Any, x: Tensor, y: Tensor) -> Tensor:
        if not isinstance(params, dict):
            params = dict(zip(dict(net.named_parameters()), params, strict=True))
        return loss_of(net, {name: params[name] for name, _ in net.named_parameters()}, (x, y))

    start = dict(net.named_parameters()) if theta is None else theta
    return is_it_maml(adapt, loss, start, Episode(x[None], y[None], qx[None], qy[None]), **more)


def descend(
    params: dict[str, Tensor], loss: Callable[[dict[str, Tensor]], Tensor], create_graph: bool = True
) -> dict[str, Tensor]:
    """One inner step."""
    found = torch.autograd.grad(loss(params), list(params.values()), create_graph=create_graph)
    return {name: value - RATE * g for (name, value), g in zip(params.items(), found, strict=True)}


# ---------------------------------------------------------------------------------------------- 1. functions of dicts


def _functional(how: str) -> Verdict:
    net = network()

    def adapt(theta: dict[str, Tensor], x: Tensor, y: Tensor) -> dict[str, Tensor]:
        def loss(params: dict[str, Tensor]) -> Tensor:
            return loss_of(net, params, (x, y))

        if how == "constant":
            return {name: torch.ones_like(value) for name, value in theta.items()}
        if how == "copy":
            theta = {name: value.detach().clone().requires_grad_() for name, value in theta.items()}
            found = torch.autograd.grad(loss(theta), list(theta.values()))
            for value, g in zip(theta.values(), found, strict=True):
                value.data -= RATE * g
            return theta
        if how == "in place":
            found = torch.autograd.grad(loss(theta), list(theta.values()))
            with torch.no_grad():
                for value, g in zip(theta.values(), found, strict=True):
                    value -= RATE * g
            return theta
        if how == "backward":
            loss(theta).backward(create_graph=True)
            return {name: value - RATE * value.grad for name, value in theta.items()}  # type: ignore[operator]
        for _ in range(STEPS):
            theta = descend(theta, loss, create_graph=how != "no graph")
        return theta

    return by_functions(adapt)


# ---------------------------------------------------------------------------------------------- 2. torch.func


def _torch_func(how: str) -> Step:
    def step(model: nn.Module, support: Any, query: Any) -> Tensor:
        def outer(params: dict[str, Tensor]) -> Tensor:
            for _ in range(STEPS):
                slope = grad(lambda inner: loss_of(model, inner, support))(params)
                if how == "detached":
                    slope = {name: g.detach() for name, g in slope.items()}
                params = {name: value - RATE * slope[name] for name, value in params.items()}
            if how == "one cut":
                params = params | {"0.weight": params["0.weight"].detach()}
            if how == "all cut":
                params = {name: value.detach() for name, value in params.items()}
            return loss_of(model, params, query)

        found, loss = grad_and_value(outer)(dict(model.named_parameters()))
        for name, value in model.named_parameters():
            value.grad = found[name].detach()
        return loss.detach()

    return step


# ---------------------------------------------------------------------------------------------- 3. deepcopy and an optimizer


def _deepcopy(how: str) -> Step:
    def step(model: nn.Module, support: Any, query: Any) -> float:
        learner = model if how == "itself" else copy.deepcopy(model)
        inner = torch.optim.SGD(learner.parameters(), lr=RATE)
        for _ in range(STEPS):
            inner.zero_grad()
            mse_loss(learner(support[0]), support[1]).backward()
            inner.step()
        if how != "not cleared":
            inner.zero_grad()
        loss = mse_loss(learner(query[0]), query[1])
        loss.backward()
        if how not in ("itself", "not copied"):
            for own, adapted in zip(model.parameters(), learner.parameters(), strict=True):
                own.grad = adapted.grad
        return loss.item()

    return step


# ---------------------------------------------------------------------------------------------- 4. higher


def _higher(how: str) -> Step:
    def step(model: nn.Module, support: Any, query: Any) -> Tensor:
        import higher

        inner = torch.optim.SGD(model.parameters(), lr=RATE)
        options = {"copy_initial_weights": how == "copies", "track_higher_grads": how != "no tracking"}
        with higher.innerloop_ctx(model, inner, **options) as (learner, stepper):
            for _ in range(STEPS):
                stepper.step(mse_loss(learner(support[0]), support[1]))
            loss = mse_loss((model if how == "unadapted" else learner)(query[0]), query[1])
            loss.backward()
        return loss.detach()

    return step


# ---------------------------------------------------------------------------------------------- 5. learn2learn


def _learn2learn(how: str) -> Step:
    outside = learn2learn_maml()(network(), lr=RATE)

    def step(model: nn.Module, support: Any, query: Any) -> Tensor:
        maml = (
            outside
            if how == "outside"
            else learn2learn_maml()(model, lr=RATE, first_order=how == "first order")
        )
        learner = copy.deepcopy(maml) if how == "deepcopy" else maml.clone()
        for _ in range(STEPS):
            learner.adapt(mse_loss(learner(support[0]), support[1]))
        loss = mse_loss(learner(query[0]), query[1])
        loss.backward()
        return loss

    return step


# ---------------------------------------------------------------------------------------------- 6. TorchOpt


def _torchopt(how: str) -> Step:
    def step(model: nn.Module, support: Any, query: Any) -> Tensor:
        import torchopt

        inner = torchopt.MetaSGD(model, lr=RATE)
        start = torchopt.extract_state_dict(model, by="reference")
        for _ in range(STEPS):
            inner.step(mse_loss(model(support[0]), support[1]))
        if how == "stopped":
            torchopt.stop_gradient(model)
        if how == "too early":
            torchopt.recover_state_dict(model, start)
        loss = mse_loss(model(query[0]), query[1])
        loss.backward()
        if how != "not put back":
            torchopt.recover_state_dict(model, start)
        return loss

    return step


# ---------------------------------------------------------------------------------------------- 7. fast weights as attributes


def _fast_weights(how: str) -> Step:
    def step(model: nn.Module, support: Any, query: Any) -> Tensor:
        layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]

        def weights() -> list[Tensor]:
            return [
                getattr(each, "fast_" + name, getattr(each, name))
                for each in layers
                for name in ("weight", "bias")
            ]

        def run(x: Tensor) -> Tensor:
            pairs = weights()
            for weight, bias in zip(pairs[:-2:2], pairs[1:-2:2], strict=True):
                x = linear(x, weight, bias).tanh()
            return linear(x, *pairs[-2:])

        for _ in range(STEPS):
            found = torch.autograd.grad(
                mse_loss(run(support[0]), support[1]), weights(), create_graph=how != "no graph"
            )
            moved = [value - RATE * g for value, g in zip(weights(), found, strict=True)]
            if how == "one cut":
                moved[0] = moved[0].detach().requires_grad_()
            for place, layer in enumerate(layers):
                layer.fast_weight, layer.fast_bias = moved[2 * place : 2 * place + 2]
        loss = mse_loss(run(query[0]), query[1])
        for layer in layers:
            if how != "left there":
                del layer.fast_weight, layer.fast_bias
        loss.backward()
        return loss

    return step


# ---------------------------------------------------------------------------------------------- 8. named_parameters


def _by_hand(how: str) -> Step:
    def step(model: nn.Module, support: Any, query: Any) -> Tensor:
        params = dict(model.named_parameters())
        for _ in range(1 if how == "one constant" else STEPS):
            found = torch.autograd.grad(
                loss_of(model, params, support), list(params.values()), create_graph=how != "no graph"
            )
            if how == "one constant":
                found = (found[0].detach(), *found[1:])
            if how == "in place":
                for value, g in zip(params.values(), found, strict=True):
                    value.data -= RATE * g
            else:
                params = {
                    name: value - RATE * g for (name, value), g in zip(params.items(), found, strict=True)
                }
        loss = loss_of(model, params, query)
        (loss * 2 if how == "twice" else loss).backward()
        return loss

    return step


# ---------------------------------------------------------------------------------------------- 9. Reptile


def _reptile(how: str) -> Verdict:
    net = network()

    def adapt(theta: dict[str, Tensor], x: Tensor, y: Tensor) -> dict[str, Tensor]:
        for _ in range(STEPS):
            theta = descend(theta, lambda params: loss_of(net, params, (x, y)), create_graph=False)
        return theta

    def direction(theta: dict[str, Tensor], episode: Episode) -> dict[str, Tensor]:
        x, y = episode.support_x[0], episode.support_y[0]
        phi = adapt(theta, x, y)
        if how == "phi":
            return {name: value.detach() for name, value in phi.items()}
        if how == "support":
            found = torch.autograd.grad(loss_of(net, theta, (x, y)), list(theta.values()))
            return dict(zip(theta, found, strict=True))
        if how == "nothing":
            return {name: (theta[name] - theta[name]).detach() for name in theta}
        return {name: (theta[name] - phi[name]).detach() for name in theta}

    return by_functions(adapt, meta_gradient=direction)


# ---------------------------------------------------------------------------------------------- 10. lists, Meta-SGD, ANIL


def _list(how: str) -> Verdict:
    net = network()
    names = [name for name, _ in net.named_parameters()]

    def adapt(theta: list[Tensor], x: Tensor, y: Tensor) -> Any:
        for _ in range(STEPS):
            loss = loss_of(net, dict(zip(names, theta, strict=True)), (x, y))
            found = torch.autograd.grad(loss, theta, create_graph=how != "no graph")
            theta = [value - RATE * g for value, g in zip(theta, found, strict=True)]
        return theta

    return by_functions(adapt, list(net.parameters()))


def _meta_sgd(how: str) -> Verdict:
    net = network()
    theta = dict(net.named_parameters())
    generator = torch.Generator().manual_seed(2)
    rates = {f"rate.{n}": 0.05 + 0.1 * torch.rand(v.shape, generator=generator) for n, v in theta.items()}

    def adapt(start: dict[str, Tensor], x: Tensor, y: Tensor) -> dict[str, Tensor]:
        params = {name: start[name] for name in theta}
        loss = loss_of(net, params, (x, y))
        found = torch.autograd.grad(loss, list(params.values()), create_graph=how != "no graph")
        rate = {name: start[f"rate.{name}"] for name in theta}
        if how == "rates cut":
            rate = {name: value.detach() for name, value in rate.items()}
        return {name: params[name] - rate[name] * g for name, g in zip(params, found, strict=True)}

    return by_functions(adapt, theta | rates)


def _anil(how: str) -> Verdict:
    net = network()

    def adapt(theta: dict[str, Tensor], x: Tensor, y: Tensor) -> dict[str, Tensor]:
        seen = {
            n: v.detach() if how == "features cut" and not n.startswith("4") else v for n, v in theta.items()
        }
        head = {name: value for name, value in theta.items() if name.startswith("4")}
        for _ in range(STEPS):
            head = descend(
                head, lambda params: loss_of(net, seen | params, (x, y)), create_graph=how != "no graph"
            )
        return theta | head

    return by_functions(adapt)


def _rows(pattern: str, judge: Callable[[str], Verdict], **variants: tuple[str, str]) -> list[Variant]:
    """One pattern: under each keyword (underscores are spaces) the words for it and the order it should have."""
    return [
        Variant(pattern, said, order, functools.partial(judge, how.replace("_", " ")))
        for how, (said, order) in variants.items()
    ]


def _modules(pattern: str, make: Callable[[str], Step], **variants: tuple[str, str]) -> list[Variant]:
    return _rows(pattern, lambda how: by_module(make(how)), **variants)


VARIANTS = [
    *_rows(
        "1 functions of dicts", _functional,
        right=("`create_graph=True`", "second"),
        no_graph=("without `create_graph`", "first"),
        copy=("a copy, moved through `.data`", "none"),
        in_place=("theta moved in place", "in place"),
        backward=("`.backward(create_graph=True)`, `.grad` never emptied", "accumulates"),
        constant=("theta is not used", "cannot tell"),
    ),
    *_modules(
        "2 `torch.func`", _torch_func,
        right=("`grad` inside `grad`", "second"),
        detached=("inner gradients detached", "first"),
        one_cut=("one tensor of phi detached", "neither"),
        all_cut=("phi detached", "none"),
    ),
    *_modules(
        "3 `deepcopy` and an optimizer", _deepcopy,
        right=("the copy's gradients handed back: FOMAML", "first"),
        not_copied=("gradients not handed back", "none"),
        not_cleared=("`zero_grad` missing before the query", "neither"),
        itself=("the model itself adapted", "in place"),
    ),
    *_modules(
        "4 `higher`", _higher,
        right=("`copy_initial_weights=False`", "second"),
        copies=("`copy_initial_weights` left at True", "none"),
        no_tracking=("`track_higher_grads=False`", "none"),
        unadapted=("query loss of the unadapted model", "cannot tell"),
    ),
    *_modules(
        "5 `learn2learn`", _learn2learn,
        right=("`clone`, `adapt`", "second"),
        first_order=("`first_order=True`", "first"),
        deepcopy=("`deepcopy` for `clone`", "none"),
        outside=("wrapped outside `step`", "cannot tell"),
    ),
    *_modules(
        "6 `torchopt`", _torchopt,
        right=("`MetaSGD`, state put back", "second"),
        stopped=("`stop_gradient` before the query", "none"),
        too_early=("state put back before the query", "cannot tell"),
        not_put_back=("state not put back", "cannot tell"),
    ),
    *_modules(
        "7 fast weights as attributes", _fast_weights,
        right=("put, used, deleted", "second"),
        no_graph=("without `create_graph`", "first"),
        one_cut=("one of them detached", "neither"),
        left_there=("not deleted afterwards", "cannot tell"),
    ),
    *_modules(
        "8 `named_parameters` by hand", _by_hand,
        right=("`create_graph=True`", "second"),
        no_graph=("without `create_graph`", "first"),
        one_constant=("one inner gradient detached", "neither"),
        in_place=("parameters moved through `.data`", "in place"),
        twice=("a loss counted twice", "neither"),
    ),
    *_rows(
        "9 Reptile", _reptile,
        right=("theta - phi: a rule of its own", "neither"),
        phi=("phi itself", "neither"),
        support=("the support gradient", "neither"),
        nothing=("theta - theta", "none"),
    ),
    *_rows(
        "10 a list of tensors", _list,
        right=("`create_graph=True`", "second"),
        no_graph=("without `create_graph`", "first"),
    ),
    *_rows(
        "10 Meta-SGD", _meta_sgd,
        right=("start and rates in one dict", "second"),
        no_graph=("without `create_graph`", "first"),
        rates_cut=("rates detached", "neither"),
    ),
    *_rows(
        "10 ANIL", _anil,
        right=("the head alone adapts", "second"),
        no_graph=("without `create_graph`", "first"),
        features_cut=("features detached in the inner loop", "neither"),
    ),
]  # fmt: skip


def table() -> tuple[str, int]:
    """The table in markdown, and how many verdicts are not what they should be."""
    lines, wrong = ["| pattern | variant | `order` | what it says |", "|---|---|---|---|"], 0
    for variant in VARIANTS:
        verdict = variant.judge()
        wrong += verdict.order != variant.order
        mark = "" if verdict.order == variant.order else f" (should be {variant.order})"
        lines.append(f"| {variant.pattern} | {variant.said} | {verdict.order}{mark} | {verdict} |")
    return "\n".join(lines), wrong


def main() -> None:
    """Print the table; exit with 1 where a verdict is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/is_it_maml.md")
    write = parser.parse_args().write
    rows, wrong = table()
    print(rows)
    if write:
        page = PAGE.read_text(encoding="utf-8")
        kept = re.sub(
            r"(<!-- table -->\n).*(<!-- end -->)",
            lambda found: f"{found[1]}{rows}\n{found[2]}",
            page,
            flags=re.S,
        )
        PAGE.write_text(kept, encoding="utf-8")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
