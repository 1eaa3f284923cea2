"""The exercises of lesson 09: MAML on Omniglot."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake
from mlteach.params import Params, gradient_of, leaves, stack, to_vector

Loss = Callable[..., Tensor]
Data = tuple[Tensor, Tensor]


def _through(value: Tensor, theta: Params) -> Tensor:
    """The gradient of ``value`` by theta as one vector; zeros where nothing leads back."""
    if not value.requires_grad:
        return torch.zeros_like(to_vector(theta)).detach()
    return to_vector(gradient_of(value, theta))


def task_loss(params: Params, x: Tensor, y: Tensor) -> Tensor:
    """A small smooth network, so that second derivatives matter."""
    return (torch.tanh(x @ params["w"]) @ params["v"] - y).square().mean()


def _setting(seed: int, size: int) -> tuple[Params, Data, Data]:
    draw = torch.Generator().manual_seed(seed)
    theta = {
        "w": torch.randn(2, size, generator=draw, dtype=torch.float64),
        "v": torch.randn(size, generator=draw, dtype=torch.float64),
    }
    x = torch.randn(2, 6, 2, generator=draw, dtype=torch.float64)
    y = torch.randn(2, 6, generator=draw, dtype=torch.float64)
    return theta, (x[0], y[0]), (x[1], y[1])


# 09.1 ---------------------------------------------------------------------------------------------------------------


def inner_step(loss: Loss, theta: Params, alpha: float) -> Params:
    """theta - alpha * grad loss(theta), with the way back kept."""
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    return {name: value - alpha * g for (name, value), g in zip(theta.items(), gradient, strict=True)}


def _observe_step(answer: Callable[..., Params], theta: Params, data: Data, alpha: float) -> Any:
    """What comes out, and the gradient by theta of something computed from it: whether the way back is there."""
    start = leaves(theta)
    phi = answer(lambda params: task_loss(params, *data), start, alpha)
    if (
        not isinstance(phi, dict)
        or set(phi) != set(theta)
        or not all(isinstance(v, Tensor) for v in phi.values())
    ):
        return phi
    later = torch.stack(
        [(value * torch.arange(1, value.numel() + 1).view_as(value)).sum() for value in phi.values()]
    )
    kept = {
        name: value.detach().clone() for name, value in start.items()
    }  # theta after the step: was it changed?
    return {name: value.detach().clone() for name, value in phi.items()}, _through(later.sum(), start), kept


def _step_cases() -> list[Case]:
    cases = []
    for seed, size, alpha in ((1, 3, 0.1), (2, 5, 0.5)):
        theta, data, _ = _setting(seed, size)
        cases.append(Case(f"a network of {size} units, alpha = {alpha}", (theta, data, alpha)))
    theta, data, _ = _setting(5, 4)
    return [*cases, Case("its tensors the other way round", ({n: theta[n] for n in ("v", "w")}, data, 0.2))]


def _stepped(change: Callable[[Tensor, Tensor, float], Tensor]) -> Callable[..., Params]:
    """phi from a wrong formula of value, gradient and rate, with the way back kept."""

    def wrong(loss: Loss, theta: Params, alpha: float) -> Params:
        gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
        return {n: change(v, g, alpha) for (n, v), g in zip(theta.items(), gradient, strict=True)}

    return wrong


def _step_theta_cut(loss: Loss, theta: Params, alpha: float) -> Params:
    """The gradient keeps its way back, theta itself does not."""
    return {n: value - theta[n] + theta[n].detach() for n, value in inner_step(loss, theta, alpha).items()}


def _step_some(count: int) -> Callable[..., Params]:
    """The first, or the last, of the tensors alone."""

    def wrong(loss: Loss, theta: Params, alpha: float) -> Params:
        phi = inner_step(loss, theta, alpha)
        names = list(theta)[:count] if count > 0 else list(theta)[count:]
        return {name: phi[name] if name in names else theta[name] for name in theta}

    return wrong


def _step_mixed(loss: Loss, theta: Params, alpha: float) -> Params:
    """One number of the gradient for all."""
    first = next(iter(torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)))
    return {name: value - alpha * first.sum() for name, value in theta.items()}


def _step_one_for_all(place: int) -> Callable[..., Params]:
    """The gradient of one tensor, whole, for all of them."""

    def wrong(loss: Loss, theta: Params, alpha: float) -> Params:
        g = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)[place]
        return {name: value - alpha * g for name, value in theta.items()}

    return wrong


def _step_one_after_other(loss: Loss, theta: Params, alpha: float) -> Params:
    """Each tensor's gradient where the tensors before it have moved already."""
    phi = dict(theta)
    for name in phi:
        phi[name] = (
            phi[name]
            - alpha
            * torch.autograd.grad(loss(phi), list(phi.values()), create_graph=True)[list(phi).index(name)]
        )
    return phi


def _step_same_for_all(place: int) -> Callable[..., Params]:
    """One tensor of phi under every name."""

    def wrong(loss: Loss, theta: Params, alpha: float) -> Params:
        value = list(inner_step(loss, theta, alpha).values())[place]
        return dict.fromkeys(theta, value)

    return wrong


def _step_by_name(loss: Loss, theta: Params, alpha: float) -> Params:
    """The names in the order of the alphabet, the gradients in theta's."""
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    return {name: theta[name] - alpha * g for name, g in zip(sorted(theta), gradient, strict=True)}


def _step_turned(loss: Loss, theta: Params, alpha: float) -> Params:
    """The gradients in the order in which they do not belong; where shapes differ, torch spreads them."""
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)[::-1]
    return {n: v - alpha * g for (n, v), g in zip(theta.items(), gradient, strict=True)}


def _steps(count: int) -> Callable[..., Params]:
    def wrong(loss: Loss, theta: Params, alpha: float) -> Params:
        for _ in range(count):
            theta = inner_step(loss, theta, alpha)
        return theta

    return wrong


def _step_collected(loss: Loss, theta: Params, alpha: float) -> Params:
    loss(theta).backward(create_graph=True)
    return {name: value - alpha * value.grad for name, value in theta.items()}  # type: ignore[operator]


def _step(sign: float = -1, *, create_graph: bool = True, power: int = 1) -> Callable[..., Params]:
    def wrong(loss: Loss, theta: Params, alpha: float) -> Params:
        gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=create_graph)
        return {n: v + sign * alpha**power * g for (n, v), g in zip(theta.items(), gradient, strict=True)}

    return wrong


def _step_detached(loss: Loss, theta: Params, alpha: float) -> Params:
    return {name: value.detach() for name, value in inner_step(loss, theta, alpha).items()}


def _step_in_place(loss: Loss, theta: Params, alpha: float) -> Params:
    gradient = torch.autograd.grad(loss(theta), list(theta.values()))
    with torch.no_grad():
        for value, g in zip(theta.values(), gradient, strict=True):
            value -= alpha * g
    return theta


def _step_change_only(loss: Loss, theta: Params, alpha: float) -> Params:
    return {name: value - theta[name] for name, value in inner_step(loss, theta, alpha).items()}


INNER_STEP = Exercise(
    id="09.1",
    title="one inner step that MAML can look through",
    solution=inner_step,
    cases=_step_cases,
    observe=_observe_step,
    outputs=("phi", "the gradient that reaches theta", "theta afterwards"),
    mistakes=(
        Mistake(
            "The gradient keeps its way back, but theta itself was cut off before you subtracted: phi = theta - ... must hold "
            "theta as it came in, without .detach() or .data.",
            (_step_theta_cut,),
        ),
        Mistake(
            "backward() adds into .grad and leaves it there, so the second step on the same theta finds the first one's "
            "gradient. Use torch.autograd.grad, which keeps nothing.",
            (_step_collected,),
        ),
        Mistake(
            "phi is a dict with theta's names, as theta is. You return the tensors without their names.",
            (
                lambda loss, theta, alpha: list(inner_step(loss, theta, alpha).values()),
                lambda loss, theta, alpha: tuple(inner_step(loss, theta, alpha).values()),
            ),
        ),
        Mistake(
            "You return phi and something else beside it. phi alone is asked for.",
            (
                lambda loss, theta, alpha: (inner_step(loss, theta, alpha), loss(theta)),
                lambda loss, theta, alpha: (loss(theta), inner_step(loss, theta, alpha)),
                lambda loss, theta, alpha: (
                    inner_step(loss, theta, alpha),
                    torch.autograd.grad(loss(theta), list(theta.values())),
                ),
            ),
        ),
        Mistake(
            "You return the gradient. phi is theta, moved against it.",
            (_stepped(lambda v, g, a: g), _stepped(lambda v, g, a: a * g), _stepped(lambda v, g, a: -g)),
        ),
        Mistake(
            "You change the gradient before you use it: one step of gradient descent takes it as it is, long or short.",
            (
                _stepped(lambda v, g, a: v - a * g / g.norm()),
                _stepped(lambda v, g, a: v - a * g / (g.norm() + 1e-8)),
                _stepped(lambda v, g, a: v - a * g.sign()),
                _stepped(lambda v, g, a: v - a * g.clamp(-1, 1)),
                _stepped(lambda v, g, a: v - a * g.abs()),
                _stepped(lambda v, g, a: v - a * g**2),
                _stepped(lambda v, g, a: v - a * g.mean()),
                _stepped(lambda v, g, a: v - a * g.sum()),
                _stepped(lambda v, g, a: v - a * g.sum(0)),
                _stepped(lambda v, g, a: v - a * g.mean(0)),
                _stepped(lambda v, g, a: v - a * g.sum(-1, keepdim=True)),
                _stepped(lambda v, g, a: v - a * g.mean(-1, keepdim=True)),
            ),
        ),
        Mistake(
            "You shrink theta as well: that is weight decay, and nobody asked for it.",
            (
                _stepped(lambda v, g, a: (1 - a) * v - a * g),
                _stepped(lambda v, g, a: v - a * (v + g)),
                _stepped(lambda v, g, a: (1 - a) * (v - g)),
                _stepped(lambda v, g, a: (1 - a) * v + a * g),
            ),
        ),
        Mistake(
            "You multiply theta by its gradient, or by one minus it. A step subtracts.",
            (
                _stepped(lambda v, g, a: v * (1 - a * g)),
                _stepped(lambda v, g, a: v - a * v * g),
                _stepped(lambda v, g, a: (v - g) * a),
                _stepped(lambda v, g, a: a * v - g),
                _stepped(lambda v, g, a: a * v - a * g),
            ),
        ),
        Mistake(
            "The gradient has lost its place: each tensor of theta has one of its own, in the order of theta.values().",
            (_step_mixed, _step_turned, _step_by_name, _step_one_for_all(0), _step_one_for_all(-1)),
        ),
        Mistake(
            "You move one tensor and take the next one's gradient where that has led. All gradients are taken at theta.",
            (_step_one_after_other,),
        ),
        Mistake(
            "The same tensor stands under every name. Go through names, tensors and gradients in one loop: zip(theta.items(), ...).",
            (_step_same_for_all(0), _step_same_for_all(-1)),
        ),
        Mistake(
            "You move some tensors of theta and leave the others. All of them move.",
            (_step_some(1), _step_some(-1)),
        ),
        Mistake(
            "You take more than one step. One is asked for; the loop stands elsewhere.",
            (_steps(2), _steps(3), _steps(5)),
        ),
        Mistake(
            "The step is right, but its gradient is a constant to autograd, so this trains FOMAML, not MAML. Ask for "
            "the way back: create_graph=True.",
            (_step(create_graph=False),),
        ),
        Mistake(
            "phi is cut off from theta: no gradient reaches the start. .detach(), .data, torch.no_grad(), deepcopy and nn.Parameter "
            "all do that: leave them out.",
            (_step_detached, lambda loss, theta, alpha: _step_detached(loss, leaves(theta), alpha)),
        ),
        Mistake(
            "Your step changes theta itself. The start must survive, for the next task: build new tensors.",
            (_step_in_place,),
        ),
        Mistake(
            "Your step goes uphill: subtract alpha times the gradient.",
            (_step(+1), _step(+1, create_graph=False)),
        ),
        Mistake("The rate is in there twice.", (_step(power=2),)),
        Mistake("The rate alpha is missing.", (_step(power=0),)),
        Mistake("You return the change alone. phi is theta plus the change.", (_step_change_only,)),
    ),
    hints=(
        "Two lines: the gradient of loss(theta) for every tensor in theta, then a new dict with theta moved against it.",
        "torch.autograd.grad(loss(theta), list(theta.values()), ...) gives one gradient for each name, in order.",
        "The outer loop differentiates this step too. Which argument of torch.autograd.grad keeps the way back?",
    ),
)

# 09.2 ---------------------------------------------------------------------------------------------------------------


def outer_loss(loss: Loss, adapt: Callable[..., Params], theta: Params, support: Data, query: Data) -> Tensor:
    """L_query(phi), with phi = adapt(theta, support)."""
    phi = adapt(theta, *support)
    return loss(phi, *query)


def _adapt(theta: Params, x: Tensor, y: Tensor) -> Params:
    return inner_step(lambda params: task_loss(params, x, y), theta, 0.3)


def _observe_outer(answer: Callable[..., Tensor], theta: Params, support: Data, query: Data) -> Any:
    start = leaves(theta)
    given = dict(start)
    value = answer(task_loss, _adapt, given, support, query)
    if not isinstance(value, Tensor) or value.numel() != 1:
        return value
    kept = {name: each.detach().clone() for name, each in given.items()}  # was theta changed?
    return value.detach().clone(), _through(value, start), kept


def _outer_cases() -> list[Case]:
    return [Case(f"a network of {size} units", _setting(seed, size)) for seed, size in ((3, 3), (4, 5))]


def _outer_detached(
    loss: Loss, adapt: Callable[..., Params], theta: Params, support: Data, query: Data
) -> Tensor:
    phi = {name: value.detach() for name, value in adapt(theta, *support).items()}
    return loss(phi, *query)


def _outer_in_place(detached: bool) -> Callable[..., Tensor]:
    """phi is put into theta's own dict, cut off from where it came from or not."""

    def wrong(loss: Loss, adapt: Callable[..., Params], theta: Params, support: Data, query: Data) -> Tensor:
        phi = adapt(theta, *support)
        theta.update({name: value.detach() for name, value in phi.items()} if detached else phi)
        return loss(theta if detached else phi, *query)

    return wrong


def _outer_in_place_beside(
    loss: Loss, adapt: Callable[..., Params], theta: Params, support: Data, query: Data
) -> Tensor:
    """theta's dict gets phi's numbers, but the loss keeps its way back."""
    phi = adapt(theta, *support)
    value = loss(phi, *query)
    theta.update({name: each.detach() for name, each in phi.items()})
    return value


def _outer_first_order(
    loss: Loss, adapt: Callable[..., Params], theta: Params, support: Data, query: Data
) -> Tensor:
    """Adapting moves theta by constants."""
    phi = {
        name: theta[name] + (value - theta[name]).detach() for name, value in adapt(theta, *support).items()
    }
    return loss(phi, *query)


def _outer_of_some(which: slice) -> Callable[..., Tensor]:
    """Judged on some of the queries."""
    return lambda loss, adapt, theta, support, query: loss(
        adapt(theta, *support), query[0][which], query[1][which]
    )


def _way(size: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """How far phi is from theta."""

    def wrong(loss: Loss, adapt: Callable[..., Params], theta: Params, support: Data, query: Data) -> Tensor:
        phi = adapt(theta, *support)
        return size(to_vector({name: theta[name] - phi[name] for name in theta}))

    return wrong


def _adapted_to(x: str, y: str) -> Callable[..., Tensor]:
    """Adapted to the pictures of one set with the labels of another."""

    def wrong(loss: Loss, adapt: Callable[..., Params], theta: Params, support: Data, query: Data) -> Tensor:
        data = {"support": support, "query": query}
        return loss(adapt(theta, data[x][0], data[y][1]), *query)

    return wrong


def _outer_pooled(
    loss: Loss, adapt: Callable[..., Params], theta: Params, support: Data, query: Data
) -> Tensor:
    phi = adapt(theta, *support)
    return loss(phi, *support) + loss(phi, *query)


def _blend(*parts: tuple[float, str, str]) -> Callable[..., Tensor]:
    """A sum of losses, each a factor, "phi" or "theta", and the set it is judged on."""

    def wrong(loss: Loss, adapt: Callable[..., Params], theta: Params, support: Data, query: Data) -> Tensor:
        at, data = {"theta": theta, "phi": adapt(theta, *support)}, {"support": support, "query": query}
        return torch.stack([factor * loss(at[who], *data[where]) for factor, who, where in parts]).sum()

    return wrong


def _adapted(*sets: str, judged: str = "query") -> Callable[..., Tensor]:
    """Adapted on these sets, one after the other."""

    def wrong(loss: Loss, adapt: Callable[..., Params], theta: Params, support: Data, query: Data) -> Tensor:
        data = {"support": support, "query": query}
        for each in sets:
            theta = adapt(theta, *data[each])
        return loss(theta, *data[judged])

    return wrong


def _mislabelled(x: str, y: str) -> Callable[..., Tensor]:
    def wrong(loss: Loss, adapt: Callable[..., Params], theta: Params, support: Data, query: Data) -> Tensor:
        data = {"support": support, "query": query}
        return loss(adapt(theta, *support), data[x][0], data[y][1])

    return wrong


OUTER_LOSS = Exercise(
    id="09.2",
    title="the loss the outer loop descends on",
    solution=outer_loss,
    cases=_outer_cases,
    observe=_observe_outer,
    outputs=("the loss", "its gradient for theta", "theta afterwards"),
    mistakes=(
        Mistake(
            "You mix the support loss in. MAML's objective is the query loss of phi alone.",
            (
                _blend((0.5, "phi", "query"), (0.5, "phi", "support")),
                _blend((1, "phi", "query"), (1, "theta", "support")),
                _blend((0.5, "phi", "query"), (0.5, "theta", "support")),
                _blend((1, "phi", "query"), (-1, "phi", "support")),
            ),
        ),
        Mistake(
            "You mix in the loss of theta, before adapting. Only how good phi is counts.",
            (
                _blend((1, "phi", "query"), (1, "theta", "query")),
                _blend((0.5, "phi", "query"), (0.5, "theta", "query")),
            ),
        ),
        Mistake(
            "That is what adapting brings, the loss after minus the loss before. A start that begins badly would be rewarded; "
            "the loss after it is asked for.",
            (
                _blend((1, "phi", "query"), (-1, "theta", "query")),
                _blend((-1, "phi", "query"), (1, "theta", "query")),
                _blend((1, "theta", "support"), (-1, "phi", "support")),
            ),
        ),
        Mistake(
            "You adapt more than once. `adapt` makes all inner steps by itself.",
            (_adapted("support", "support"), _adapted("support", "support", "support")),
        ),
        Mistake(
            "You adapt on the query set too, so the answers are known before the question is asked.",
            (_adapted("support", "query"), _adapted("query", "support"), _adapted("query", "query")),
        ),
        Mistake(
            "Pictures and labels of different sets are put together. `support` and `query` are pairs (x, y): keep each together.",
            (
                _mislabelled("query", "support"),
                _mislabelled("support", "query"),
                _adapted_to("support", "query"),
                _adapted_to("query", "support"),
            ),
        ),
        Mistake(
            "You put phi into theta's own dict. The start must survive, for the next task: phi is a dict of its own.",
            (_outer_in_place(False), _outer_in_place(True), _outer_in_place_beside),
        ),
        Mistake(
            "That is how far phi is from theta, which has to do with Reptile. MAML asks how good phi is on the query set.",
            (
                _way(lambda way: way.square().sum()),
                _way(lambda way: way.square().sum() / 2),
                _way(lambda way: way.square().mean()),
                _way(lambda way: way.norm()),
            ),
        ),
        Mistake(
            "You return what is not a loss: one number is asked for, the query loss of phi.",
            (
                lambda loss, adapt, theta, support, query: adapt(theta, *support),
                lambda loss, adapt, theta, support, query: torch.autograd.grad(
                    loss(adapt(theta, *support), *query), list(theta.values())
                ),
                lambda loss, adapt, theta, support, query: gradient_of(
                    loss(adapt(theta, *support), *query), theta
                ),
            ),
        ),
        Mistake(
            "You return something else beside the loss. The loss alone is asked for.",
            (
                lambda loss, adapt, theta, support, query: (
                    loss(adapt(theta, *support), *query),
                    adapt(theta, *support),
                ),
                lambda loss, adapt, theta, support, query: (
                    adapt(theta, *support),
                    loss(adapt(theta, *support), *query),
                ),
                lambda loss, adapt, theta, support, query: (
                    loss(adapt(theta, *support), *query),
                    loss(adapt(theta, *support), *support),
                ),
            ),
        ),
        Mistake(
            "You used theta, not phi, in the outer loss: that is joint training, and nothing asks theta to adapt well.",
            (lambda loss, adapt, theta, support, query: loss(theta, *query),),
        ),
        Mistake(
            "You judge phi on the support set it has just learned from. Judge it on the query set.",
            (lambda loss, adapt, theta, support, query: loss(adapt(theta, *support), *support),),
        ),
        Mistake(
            "You adapt on the query set: the answers are looked up. Adapt on the support set.",
            (
                lambda loss, adapt, theta, support, query: loss(adapt(theta, *query), *query),
                lambda loss, adapt, theta, support, query: loss(adapt(theta, *query), *support),
            ),
        ),
        Mistake("You add the support loss. MAML's objective is the query loss alone.", (_outer_pooled,)),
        Mistake(
            "The value is right, but no gradient reaches theta, so nothing is learned: theta, phi or the loss is cut off by "
            ".detach(), .data or torch.no_grad().",
            (_outer_detached,),
        ),
        Mistake(
            "The value is right, but its gradient takes the inner step for a constant: that is FOMAML. Give phi to the loss as adapt "
            "returns it.",
            (_outer_first_order,),
        ),
        Mistake(
            "You judge on some of the query pictures. The loss is that of all of them.",
            tuple(_outer_of_some(slice(*which)) for which in ((1,), (2,), (3,), (1, None), (None, -1))),
        ),
        Mistake(
            "phi is nowhere in what you return. Adapt first: theta's own loss is what joint training descends on.",
            (
                _blend((1, "theta", "support"), (1, "theta", "query")),
                _blend((0.5, "theta", "support"), (0.5, "theta", "query")),
            ),
        ),
        Mistake(
            "The value is right, but it is a plain number: return the tensor, so that autograd can go back from it.",
            (lambda loss, adapt, theta, support, query: loss(adapt(theta, *support), *query).item(),),
        ),
        Mistake(
            "You return the loss before any adapting, on the support set. First phi, then its query loss.",
            (lambda loss, adapt, theta, support, query: loss(theta, *support),),
        ),
    ),
    hints=(
        "Two questions: which parameters are judged, and on which pictures?",
        "phi = adapt(theta, ...) learns from the support set. Its loss is taken elsewhere.",
        "`return loss(phi, *...)`: not the set that phi has seen.",
    ),
)

# 09.3 ---------------------------------------------------------------------------------------------------------------

Losses = Callable[[Params], Tensor]
Begin = Callable[[Params], Params]


def meta_gradient(
    support_loss: Losses, query_loss: Losses, begin: Begin, theta: Params, steps: int, alpha: dict[str, float]
) -> Params:
    """The gradient by theta of the mean query loss after the inner steps, all tasks side by side."""
    theta = leaves(theta)  # as they come in the lesson; the judge also calls this on copies that are none
    phi = begin(theta)
    for _ in range(steps):
        gradient = torch.autograd.grad(support_loss(phi).sum(), list(phi.values()), create_graph=True)
        phi = {name: phi[name] - alpha[name] * g for name, g in zip(phi, gradient, strict=True)}
    found = torch.autograd.grad(query_loss(phi).mean(), list(theta.values()))
    return dict(zip(theta, found, strict=True))


def _losses(params: Params, x: Tensor, y: Tensor) -> Tensor:
    """The losses of all tasks, [tasks]; one set of parameters without a task axis serves them all."""
    return ((torch.tanh(x @ params["w"]) @ params["v"].unsqueeze(-1)).squeeze(-1) - y).square().mean(-1)


def _observe_meta(
    answer: Callable[..., Any], theta: Params, support: Data, query: Data, steps: int, alpha: dict[str, float]
) -> Any:
    """What comes out, and theta afterwards. Where theta has no "v", every task begins with zeros there."""
    start, tasks = leaves(theta), len(support[0])

    def begin(params: Params) -> Params:
        if "v" in params:
            return stack(params, tasks)
        zeros = params["w"].new_zeros(tasks, params["w"].shape[1]).requires_grad_()
        return stack(params, tasks) | {"v": zeros}

    found = answer(
        lambda phi: _losses(phi, *support), lambda phi: _losses(phi, *query), begin, start, steps, dict(alpha)
    )
    if isinstance(found, dict):
        found = {name: v.detach() if isinstance(v, Tensor) else v for name, v in found.items()}
    return found, {name: value.detach().clone() for name, value in start.items()}


def _meta_setting(seed: int, tasks: int, steps: int, head: bool) -> tuple[Any, ...]:
    draw = torch.Generator().manual_seed(seed)
    theta = {"w": torch.randn(2, 3, generator=draw, dtype=torch.float64)}
    if head:
        theta["v"] = torch.randn(3, generator=draw, dtype=torch.float64)
    x = torch.randn(2, tasks, 6, 2, generator=draw, dtype=torch.float64)
    y = torch.randn(2, tasks, 6, generator=draw, dtype=torch.float64)
    return theta, (x[0], y[0]), (x[1], y[1]), steps, {"w": 0.1, "v": 0.3}


def _meta_cases() -> list[Case]:
    return [
        Case("three tasks, one inner step", _meta_setting(6, 3, 1, True)),
        Case("four tasks, three inner steps", _meta_setting(7, 4, 3, True)),
        Case("five tasks that begin with a head of zeros, two inner steps", _meta_setting(8, 5, 2, False)),
    ]


def _draw_meta(generator: torch.Generator) -> Case:
    seed, tasks, steps = (int(torch.randint(2, 6, (), generator=generator)) for _ in range(3))
    return Case(f"{tasks} tasks, {steps} inner steps, drawn", _meta_setting(100 + seed, tasks, steps, True))


def _meta(
    *,
    inner: Callable[[Tensor], Tensor] = torch.sum,
    outer: Callable[[Tensor], Tensor] = torch.mean,
    rate: Callable[[dict[str, float], str], float] = lambda alpha, name: alpha[name],
    steps: Callable[[int], int] = lambda k: k,
    create_graph: bool = True,
    judged: str = "query",
    learned: str = "support",
    at: str = "phi",
    by: str = "theta",
    stays: bool = False,
    gives: Callable[[Params, Params, Tensor], Any] = lambda found, theta, loss: found,
) -> Callable[..., Any]:
    """The solution with one of its parts replaced. ``stays``: every step is taken from where the task began."""

    def wrong(
        support_loss: Losses, query_loss: Losses, begin: Begin, theta: Params, k: int, alpha: dict[str, float]
    ) -> Any:
        losses = {"support": support_loss, "query": query_loss}
        first = phi = begin(theta)
        for _ in range(steps(k)):
            here = first if stays else phi
            value = inner(losses[learned](here))
            gradient = torch.autograd.grad(value, list(here.values()), create_graph=create_graph)
            phi = {n: here[n] - rate(alpha, n) * g for n, g in zip(here, gradient, strict=True)}
        loss = outer(losses[judged](phi if at == "phi" else first))
        named = theta if by == "theta" else phi
        found = torch.autograd.grad(loss, list(named.values()), retain_graph=True)
        return gives(dict(zip(named, found, strict=True)), theta, loss.detach())

    return wrong


def _meta_shared(
    support_loss: Losses, query_loss: Losses, begin: Begin, theta: Params, steps: int, alpha: dict[str, float]
) -> Params:
    """One phi for all tasks: theta is not laid out."""

    def shared(params: Params) -> Params:
        return {name: value[0] for name, value in begin(params).items()}

    return meta_gradient(support_loss, query_loss, shared, theta, steps, alpha)


def _meta_pooled(
    support_loss: Losses, query_loss: Losses, begin: Begin, theta: Params, steps: int, alpha: dict[str, float]
) -> Params:
    def both(phi: Params) -> Tensor:
        return support_loss(phi) + query_loss(phi)

    return meta_gradient(support_loss, both, begin, theta, steps, alpha)


META_GRADIENT = Exercise(
    id="09.3",
    title="the meta-gradient of all tasks side by side",
    solution=meta_gradient,
    cases=_meta_cases,
    observe=_observe_meta,
    draw=_draw_meta,
    outputs=("the gradient", "theta afterwards"),
    mistakes=(
        Mistake(
            "In the inner loop you take the mean over the tasks, and so each task steps by its rate divided by their number. "
            "Take the sum: a task's parameters are in its own loss alone, so its gradient stays its own.",
            (_meta(inner=torch.mean), _meta(inner=torch.mean, create_graph=False)),
            hint=2,
        ),
        Mistake(
            "You go back from the sum of the query losses. The mean over the tasks is asked for, or beta would grow with the "
            "size of the meta-batch.",
            (_meta(outer=torch.sum), _meta(outer=torch.sum, inner=torch.mean)),
        ),
        Mistake(
            "The inner gradient is a constant to autograd, so this is FOMAML's meta-gradient. Keep the way back: "
            "create_graph=True.",
            (_meta(create_graph=False), _meta(create_graph=False, outer=torch.sum)),
            hint=3,
        ),
        Mistake(
            "You go back to phi and stop there: the gradient at the end of each task's walk, [tasks, ...]. Go on to theta.",
            (_meta(by="phi"), _meta(by="phi", outer=torch.sum)),
        ),
        Mistake(
            "Only one inner step counts in what you return: you take one, or each of them begins where the task began. Take "
            "`steps` of them, each from where the last has ended.",
            (_meta(stays=True), _meta(steps=lambda k: 1)),
        ),
        Mistake(
            "You take another number of inner steps than `steps` says.",
            (_meta(steps=lambda k: k + 1), _meta(steps=lambda k: k - 1), _meta(steps=lambda k: 2)),
        ),
        Mistake(
            "You judge phi on the support set, which it has just learned from. The outer loss is the query loss.",
            (_meta(judged="support"),),
        ),
        Mistake(
            "You adapt on the query set: the answers are looked up. The inner steps descend on the support loss.",
            (_meta(learned="query"), _meta(learned="query", judged="support")),
        ),
        Mistake("You add the support loss to what the outer loop looks at.", (_meta_pooled,)),
        Mistake(
            "You judge where the tasks begin, not where their inner steps have led. That is joint training.",
            (_meta(at="begin"), _meta(at="begin", judged="support")),
        ),
        Mistake(
            "All tasks share one phi, so they pull at the same parameters. begin(theta) gives each its own, [tasks, ...].",
            (_meta_shared,),
            hint=1,
        ),
        Mistake(
            "Your inner step goes uphill: subtract.",
            (_meta(rate=lambda alpha, name: -alpha[name]),),
        ),
        Mistake(
            "The rate is not the one of that name: alpha[name].",
            (
                _meta(rate=lambda alpha, name: 1.0),
                _meta(rate=lambda alpha, name: next(iter(alpha.values()))),
                _meta(rate=lambda alpha, name: alpha["v"]),
                _meta(rate=lambda alpha, name: alpha[name] ** 2),
            ),
        ),
        Mistake(
            "You move theta. The gradient alone is asked for; the outer optimizer steps with it.",
            (
                _meta(gives=lambda found, theta, loss: {n: theta[n] - found[n] for n in theta}),
                _meta(gives=lambda found, theta, loss: {n: theta[n] - 0.1 * found[n] for n in theta}),
                _meta(gives=lambda found, theta, loss: {n: -found[n] for n in theta}),
            ),
        ),
        Mistake(
            "You return the gradients without their names: a dict with theta's names is asked for.",
            (
                _meta(gives=lambda found, theta, loss: tuple(found.values())),
                _meta(gives=lambda found, theta, loss: list(found.values())),
            ),
        ),
        Mistake(
            "You return something beside the gradient, or in its place. The gradient alone is asked for.",
            (
                _meta(gives=lambda found, theta, loss: (found, loss)),
                _meta(gives=lambda found, theta, loss: (loss, found)),
                _meta(gives=lambda found, theta, loss: loss),
            ),
        ),
    ),
    hints=(
        "phi = begin(theta), and from there on it is exercise 09.1, for all tasks in one go.",
        "Inside: the sum of the losses, or each task would step by a share of its rate. Outside: their mean.",
        "torch.autograd.grad twice: by list(phi.values()) with the way back kept, then by list(theta.values()).",
    ),
)

# 09.4 ---------------------------------------------------------------------------------------------------------------


def half_width(accuracies: Tensor) -> Tensor:
    """1.96 standard errors of the mean over tasks."""
    return 1.96 * accuracies.std() / len(accuracies) ** 0.5


def _accuracy_cases() -> list[Case]:
    draw = torch.Generator().manual_seed(93)
    return [
        Case(f"{count} tasks", ((torch.rand(count, generator=draw, dtype=torch.float64) * 0.3 + 0.7),))
        for count in (9, 600)
    ]


def _draw_accuracies(generator: torch.Generator) -> Case:
    count = int(torch.randint(5, 900, (), generator=generator))
    rate = torch.rand((), generator=generator, dtype=torch.float64) * 0.6 + 0.2
    return Case(
        f"{count} tasks, drawn", (torch.rand(count, generator=generator, dtype=torch.float64) * 0.2 + rate,)
    )


def _with(
    spread: Callable[[Tensor], Tensor], factor: float = 1.96, power: float = 0.5
) -> Callable[[Tensor], Tensor]:
    """A width from another measure of spread, another factor, another power of the number of tasks."""
    return lambda a: factor * spread(a) / len(a) ** power


HALF_WIDTH = Exercise(
    id="09.4",
    title="how sure we are of an accuracy",
    solution=half_width,
    cases=_accuracy_cases,
    draw=_draw_accuracies,
    differentiable=(),
    tolerance=5e-5,  # of 1.96, three digits of 1.959964, both are right
    mistakes=(
        Mistake(
            "You divide the squares by n, which is right if these tasks were all there are. They are a sample: std() without "
            "a correction of your own divides by n - 1.",
            (
                _with(lambda a: a.std(correction=0)),
                lambda a: a.std(correction=0),
                _with(lambda a: a.std(correction=0), 1),
            ),
        ),
        Mistake(
            "std() has taken the n - 1 into account already. The root of the number of tasks, n, comes on top.",
            (lambda a: 1.96 * a.std() / (len(a) - 1) ** 0.5,),
        ),
        Mistake(
            "Your factor belongs to another interval. For 95 % it is 1.96: 1.645 is for 90 %, 2.576 for 99 %.",
            (
                _with(lambda a: a.std(), 1.645),
                _with(lambda a: a.std(), 2.576),
                _with(lambda a: a.std(), 1.6449),
                _with(lambda a: a.std(), 2.5758),
                _with(lambda a: a.std(), 2.58),
                _with(lambda a: a.std(), 1.28),
                _with(lambda a: a.std(), 3),
            ),
        ),
        Mistake(
            "Your factor is rounded, or has a slip: 95 % of a normal distribution lie within 1.96 standard errors.",
            tuple(_with(lambda a: a.std(), factor) for factor in (2, 1.69, 1.9, 1.95, 1.97)),
        ),
        Mistake(
            "You multiply by a share of the repetitions, 95 %. What holds that share is 1.96 standard errors.",
            tuple(_with(lambda a: a.std(), factor) for factor in (0.95, 0.975, 0.05, 0.025)),
        ),
        Mistake(
            "A power binds before a division: n ** 1 / 2 is half of n. Write n ** 0.5, or (1 / 2) in brackets.",
            (lambda a: 1.96 * a.std() / len(a) ** 1 / 2, lambda a: a.std() / len(a) ** 1 / 2),
        ),
        Mistake(
            "You round the root of the number of tasks. Leave it as it is: 600 tasks have the root 24.49.",
            (
                lambda a: 1.96 * a.std() / math.isqrt(len(a)),
                lambda a: 1.96 * a.std() / round(len(a) ** 0.5),
                lambda a: 1.96 * a.std() / math.ceil(len(a) ** 0.5),
            ),
        ),
        Mistake(
            "You multiply by the root of the number of tasks. More tasks must make the interval narrower: divide.",
            (lambda a: 1.96 * a.std() * len(a) ** 0.5, lambda a: a.std() * len(a) ** 0.5),
        ),
        Mistake(
            "The number of tasks goes in by its square root, n ** 0.5, and not by its logarithm or another power.",
            (
                lambda a: 1.96 * a.std() / math.log(len(a)),
                lambda a: 1.96 * a.std() / math.log2(len(a)),
                lambda a: 1.96 * a.std() / math.log(len(a)) ** 0.5,
                _with(lambda a: a.std(), power=0.25),
                _with(lambda a: a.std(), power=1 / 3),
            ),
        ),
        Mistake(
            "You divide by the mean as well: that is how large the interval is beside the accuracy. Leave it in points.",
            (
                _with(lambda a: a.std() / a.mean()),
                _with(lambda a: 100 * a.std() / a.mean()),
                _with(lambda a: a.std() / a.mean(), 1),
            ),
        ),
        Mistake(
            "You add up the squares and do not divide: the standard deviation is the root of their sum over n - 1.",
            (
                _with(lambda a: (a - a.mean()).norm()),
                _with(lambda a: (a - a.mean()).square().sum()),
                lambda a: 1.96 * (a - a.mean()).norm(),
            ),
        ),
        Mistake(
            "You square the number of tasks where its root is asked for.",
            (_with(lambda a: a.std(), 1.96, 2), _with(lambda a: a.std(), 1, 2)),
        ),
        Mistake(
            "You take the mean, or the sum, where the spread is asked for. How sure we are depends on how much tasks differ.",
            (
                _with(lambda a: a.mean()),
                _with(lambda a: a.mean(), 1),
                _with(lambda a: a.median()),
                _with(lambda a: 1 - a.mean()),
                _with(lambda a: a.sum()),
            ),
        ),
        Mistake(
            "You measure the accuracies from zero. Their spread is measured from their own mean: std() does that.",
            (
                _with(lambda a: a.norm()),
                _with(lambda a: a.square().mean().sqrt()),
                _with(lambda a: a.square().mean().sqrt(), 1),
                _with(lambda a: a.norm() / (len(a) - 1) ** 0.5),
            ),
        ),
        Mistake(
            "You measure the spread in another way: the standard deviation is asked for, the root of the mean square.",
            (
                _with(lambda a: (a - a.mean()).abs().mean()),
                _with(lambda a: a.max() - a.min()),
                _with(lambda a: (a.max() - a.min()) / 2),
                _with(lambda a: (a - a.median()).abs().median()),
                _with(lambda a: a.quantile(0.75) - a.quantile(0.25)),
                lambda a: (a.max() - a.min()) / 2,
                lambda a: (a.quantile(0.975) - a.quantile(0.025)) / 2,
                lambda a: a.quantile(0.975) - a.mean(),
                lambda a: a.quantile(0.975) - a.median(),
                lambda a: a.quantile(0.975) - a.quantile(0.025),
            ),
        ),
        Mistake(
            "The root is taken once too often: std() is the root of the variance already.",
            (
                _with(lambda a: a.std() ** 0.5),
                _with(lambda a: a.std() ** 0.5, 1),
                lambda a: (1.96 * a.std() / len(a)) ** 0.5,
                lambda a: 1.96 * (a.std() / len(a)) ** 0.5,
            ),
        ),
        Mistake(
            "You return an end of the interval. Half its width is asked for: the number after ±.",
            (
                lambda a: a.mean() + half_width(a),
                lambda a: a.mean() - half_width(a),
                lambda a: (a.mean() - half_width(a), a.mean() + half_width(a)),
            ),
        ),
        Mistake(
            "You return the mean as well. The number after ± is asked for, alone.",
            (lambda a: (a.mean(), half_width(a)),),
        ),
        Mistake(
            "You put in a number of tasks of your own. Take it from what comes in: len(accuracies).",
            tuple(
                lambda a, n=n: 1.96 * a.std() / n**0.5 for n in (5, 9, 10, 15, 20, 25, 32, 75, 100, 600, 1000)
            ),
        ),
        Mistake(
            "You return one number for each task. How sure we are is one number for all of them.",
            (
                lambda a: 1.96 * (a - a.mean()).abs() / len(a) ** 0.5,
                lambda a: 1.96 * (a - a.mean()) / len(a) ** 0.5,
                lambda a: 1.96 * a / len(a) ** 0.5,
                lambda a: (a - a.mean()) / a.std(),
            ),
        ),
        Mistake(
            "You round. Return the number as it is; how many digits to print is decided later.",
            tuple(lambda a, d=d: round(float(half_width(a)), d) for d in (1, 2, 3, 4))
            + tuple(lambda a, d=d: round(100 * float(half_width(a)), d) for d in (0, 1, 2)),
        ),
        Mistake(
            "That is the spread of the tasks, not of their mean: more tasks must make it smaller. Divide by the square "
            "root of their number.",
            (lambda a: a.std(), lambda a: 1.96 * a.std()),
        ),
        Mistake(
            "That is one standard error. A 95 % interval reaches 1.96 of them to each side.",
            (lambda a: a.std() / len(a) ** 0.5,),
        ),
        Mistake(
            "Divide by the square root of the number of tasks, not by the number.",
            (lambda a: 1.96 * a.std() / len(a), lambda a: a.std() / len(a)),
        ),
        Mistake(
            "That is the variance over the number of tasks. Take the square root.",
            (
                lambda a: 1.96 * a.var() / len(a),
                lambda a: a.var() / len(a),
                lambda a: 1.96 * a.var() / len(a) ** 0.5,
            ),
        ),
        Mistake(
            "sqrt(p (1 - p) / n) is for single right-or-wrong answers. Here each number is already a mean over queries: "
            "use their spread.",
            (
                lambda a: 1.96 * (a.mean() * (1 - a.mean()) / len(a)).sqrt(),
                lambda a: (a.mean() * (1 - a.mean()) / len(a)).sqrt(),
            ),
        ),
        Mistake(
            "That is the whole width of the interval. The number after ± is half of it.",
            (lambda a: 2 * 1.96 * a.std() / len(a) ** 0.5,),
        ),
    ),
    hints=(
        "One number for each task comes in. How far may their mean be off?",
        "The standard error of a mean is the standard deviation over the square root of how many there are.",
        "95 % of a normal distribution lie within 1.96 standard errors.",
    ),
)

EXERCISES = (INNER_STEP, OUTER_LOSS, META_GRADIENT, HALF_WIDTH)
