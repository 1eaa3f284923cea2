"""The exercises of lesson 12: MAML++."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake
from mlteach.params import Params, gradient_of, leaves, stack, to_vector

# 12.1 ---------------------------------------------------------------------------------------------------------------


def step_weights(steps: int, done: float) -> list[float]:
    """Equal at first, the last alone in the end, 1 together always."""
    early = max(1 - done, 0) / steps
    return [0.0] + [early] * (steps - 1) + [1 - (steps - 1) * early]


def _weights(
    early: Callable[[int, float], float] = lambda k, done: max(1 - done, 0) / k,
    last: Callable[[int, float, float], float] = lambda k, done, e: 1 - (k - 1) * e,
    first: float | None = 0.0,
) -> Callable[[int, float], list[float]]:
    """Weights from another rule for the earlier steps, for the last one, or for the loss before any step."""

    def wrong(steps: int, done: float) -> list[float]:
        e = early(steps, done)
        found = [e] * (steps - 1) + [last(steps, done, e)]
        return found if first is None else [first, *found]

    return wrong


def _counted_from_zero(steps: int, done: float) -> list[float]:
    early = max(1 - done, 0) / (steps + 1)
    return [early] * steps + [1 - steps * early]


def _one_more(steps: int, done: float) -> list[float]:
    early = max(1 - done, 0) / steps
    return [0.0] + [early] * steps + [1 - steps * early]


STEP_WEIGHTS = Exercise(
    id="12.1",
    title="the weights of the multi-step loss",
    solution=step_weights,
    cases=lambda: [
        Case(f"{steps} inner steps, {done:.0%} of the annealing over", (steps, done))
        for steps, done in ((5, 0.0), (5, 0.5), (3, 0.25), (5, 1.0), (2, 0.9), (5, 0.99), (4, 1.3), (1, 0.5))
    ],
    draw=lambda g: Case(
        "a drawn one",
        (int(torch.randint(1, 9, (), generator=g)), 1.2 * torch.rand((), generator=g).item()),
    ),
    differentiable=(),
    mistakes=(
        Mistake(
            "Past the end of the annealing your earlier weights are negative. From done = 1 on the last step counts alone: "
            "let 1 - done not fall below 0.",
            (_weights(lambda k, d: (1 - d) / k),),
            hint=2,
        ),
        Mistake(
            "Every step counts the same all the time. While training goes on, the earlier weights fall to 0.",
            (_weights(lambda k, d: 1 / k), _weights(lambda k, d: 1 / k if d < 1 else 0.0)),
        ),
        Mistake(
            "Only the last step counts: that is MAML without the multi-step loss. At done = 0 all steps count the same.",
            (_weights(lambda k, d: 0.0), _weights(lambda k, d: 0.0, lambda k, d, e: 1.0)),
        ),
        Mistake(
            "The list is one short: the loss before the first step has a place, the first, and the weight 0.",
            (_weights(first=None), _weights(lambda k, d: (1 - d) / k, first=None)),
            hint=1,
        ),
        Mistake(
            "The list is one too long: 0 for before the first step, steps - 1 earlier ones, and the last.",
            (_one_more,),
            hint=1,
        ),
        Mistake(
            "The loss before the first step counts in yours. No step has led there: its weight is 0.",
            (
                _counted_from_zero,
                _weights(first=1.0),
                lambda k, d: [max(1 - d, 0) / k, *step_weights(k, d)[1:]],
            ),
            hint=1,
        ),
        Mistake(
            "The weights do not sum to 1: the last one gets what the others leave.",
            (
                _weights(last=lambda k, d, e: 1.0),
                _weights(last=lambda k, d, e: d),
                _weights(last=lambda k, d, e: 1 - e),
                _weights(last=lambda k, d, e: 1 / k),
                _weights(last=lambda k, d, e: e),
                _weights(last=lambda k, d, e: 1 - k * e),
                _weights(last=lambda k, d, e: 1 / k + d),
                _weights(lambda k, d: max(1 - d, 0), last=lambda k, d, e: d),
            ),
            hint=3,
        ),
        Mistake(
            "At done = 0 each of the steps has the same weight, 1 / steps. You divide by another number.",
            (
                _weights(lambda k, d: max(1 - d, 0)),
                _weights(lambda k, d: max(1 - d, 0) / (k + 1)),
                _weights(lambda k, d: max(1 - d, 0) / max(k - 1, 1)),
            ),
            hint=2,
        ),
        Mistake(
            "You go the other way: at done = 0 all count the same, at done = 1 the last alone.",
            (_weights(lambda k, d: min(d, 1) / k), _weights(lambda k, d: d / k)),
            hint=2,
        ),
        Mistake(
            "The earlier weights fall along a straight line. Yours bend.",
            (
                _weights(lambda k, d: max(1 - d, 0) ** 2 / k),
                _weights(lambda k, d: (1 - min(d, 1) ** 2) / k),
                _weights(lambda k, d: max(1 - d, 0) ** 0.5 / k),
                _weights(lambda k, d: 0.5 * (1 + float(torch.cos(torch.tensor(torch.pi * min(d, 1))))) / k),
                _weights(lambda k, d: 2.718281828459045 ** (-d) / k),
                _weights(lambda k, d: max(1 / k - d, 0)),
            ),
            hint=2,
        ),
        Mistake(
            "The last step comes first in yours. The list runs from before the first step to after the last.",
            (lambda k, d: [0.0, *step_weights(k, d)[:0:-1]], lambda k, d: step_weights(k, d)[::-1]),
        ),
        Mistake(
            "You keep a floor under the earlier weights, as the released code does. Here they fall to 0.",
            (
                _weights(lambda k, d: max(1 - d, 0.03) / k),
                _weights(lambda k, d: max((1 - d) / k, 0.03)),
                lambda k, d: (
                    _weights(lambda k, d: max(1 - d, 0.03) / k)(k, d) if d < 1 else step_weights(k, d)
                ),
            ),
        ),
    ),
    hints=(
        "One weight for each number of steps from 0 to `steps`. The first is 0.",
        "The earlier ones are 1 / steps at first and fall along a straight line: max(1 - done, 0) / steps.",
        "There are steps - 1 earlier ones. The last gets 1 minus their sum.",
    ),
)

# 12.2 ---------------------------------------------------------------------------------------------------------------

Losses = Callable[[Params, int], Tensor]


def multi_step_loss(
    support_loss: Losses,
    query_loss: Losses,
    phi: Params,
    rates: Params,
    weights: Sequence[float],
    first_order: bool,
) -> Tensor:
    """The query losses after each step, weighted, with a rate for each tensor and step; the mean over the tasks."""
    total = weights[0] * query_loss(phi, 0)
    for t in range(len(weights) - 1):
        gradient = torch.autograd.grad(
            support_loss(phi, t).sum(), list(phi.values()), create_graph=not first_order
        )
        phi = {name: phi[name] - rates[name][t] * g for name, g in zip(phi, gradient, strict=True)}
        total = total + weights[t + 1] * query_loss(phi, t + 1)
    return total.mean()


def _losses(scales: Tensor, data: tuple[Tensor, Tensor]) -> Losses:
    """A small smooth network for many tasks, whose units are scaled by another number at each step: [tasks]."""
    x, y = data

    def loss(phi: Params, t: int) -> Tensor:
        hidden = torch.tanh(x @ phi["w"]) * scales[t]
        return ((hidden @ phi["v"].unsqueeze(-1)).squeeze(-1) - y).square().mean(-1)

    return loss


def _observe_loss(answer: Callable[..., Any], theta: Params, rates: Params, scales: Tensor, support: Any, query: Any,
                  weights: list[float], first_order: bool) -> Any:  # fmt: skip
    """The loss, and its gradient for the start, the rates and the scales of each step."""
    at, learned, by_step = leaves(theta), leaves(rates), scales.clone().requires_grad_()
    tasks = len(support[0])
    value = answer(
        _losses(by_step, support),
        _losses(by_step, query),
        stack(at, tasks),
        dict(learned),
        weights,
        first_order,
    )
    if not isinstance(value, Tensor) or value.numel() != 1 or not value.requires_grad:
        return value
    every = at | {f"rate of {n}": v for n, v in learned.items()} | {"scales": by_step}
    found = gradient_of(value.reshape(()), every)
    return (
        value.detach().clone().reshape(()),
        to_vector({name: found[name] for name in at}),
        to_vector({name: each for name, each in found.items() if name.startswith("rate")}),
        found["scales"],
    )


def _loss_case(name: str, seed: int, weights: list[float], first_order: bool, tasks: int = 3) -> Case:
    g, steps = torch.Generator().manual_seed(seed), len(weights) - 1
    theta = {
        "w": torch.randn(2, 4, generator=g, dtype=torch.float64),
        "v": torch.randn(4, generator=g, dtype=torch.float64),
    }
    rates = {each: 0.1 + 0.2 * torch.rand(steps, generator=g, dtype=torch.float64) for each in theta}
    scales = 0.7 + 0.6 * torch.rand(steps + 1, 4, generator=g, dtype=torch.float64)
    x = torch.randn(2, tasks, 5, 2, generator=g, dtype=torch.float64)
    y = torch.randn(2, tasks, 5, generator=g, dtype=torch.float64)
    return Case(name, (theta, rates, scales, (x[0], y[0]), (x[1], y[1]), weights, first_order))


def _loss_cases() -> list[Case]:
    return [
        _loss_case("two steps, second order", 1, [0.0, 0.4, 0.6], False),
        _loss_case("three steps, second order", 2, [0.1, 0.2, 0.3, 0.4], False),
        _loss_case("three steps, first order", 3, [0.1, 0.2, 0.3, 0.4], True),
        _loss_case("the last step alone", 4, [0.0, 0.0, 1.0], False, tasks=2),
    ]


def _multi(
    inner: Callable[[Tensor], Tensor] = torch.sum,
    outer: Callable[[Tensor], Tensor] = torch.mean,
    keep: Callable[[bool], bool] = lambda first_order: not first_order,
    at_support: Callable[[int], int] = lambda t: t,
    at_query: Callable[[int], int] = lambda t: t + 1,
    rate: Callable[[Params, str, int], Any] = lambda rates, name, t: rates[name][t],
    weight: Callable[[Sequence[float], int], float] = lambda weights, t: weights[t + 1],
    before: Callable[[Sequence[float]], float] = lambda weights: weights[0],
    after: bool = True,
    stays: bool = False,
    cut: bool = False,
    judged: str = "query",
    at_first: str = "",
    learned: str = "support",
    gives: Callable[[list[Tensor], Tensor, Params], Any] | None = None,
) -> Callable[..., Any]:
    """The multi-step loss with something done otherwise."""

    def wrong(support_loss: Losses, query_loss: Losses, phi: Params, rates: Params, weights: Sequence[float],
              first_order: bool) -> Any:  # fmt: skip
        sets = {
            "support": support_loss,
            "query": query_loss,
            "both": lambda p, t: support_loss(p, t) + query_loss(p, t),
        }
        first, each = phi, []
        total = before(weights) * sets[at_first or judged](phi, 0)
        for t in range(len(weights) - 1):
            from_here = first if stays else phi
            loss = inner(sets[learned](from_here, at_support(t)))
            gradient = torch.autograd.grad(
                loss, list(from_here.values()), create_graph=keep(first_order), retain_graph=True
            )
            moved = {
                n: from_here[n] - rate(rates, n, t) * g for n, g in zip(from_here, gradient, strict=True)
            }
            if cut:
                moved = {n: value.detach().requires_grad_() for n, value in moved.items()}
            if judged == "support" and not after:
                each.append(support_loss(phi, t))
            else:
                each.append(sets[judged](moved if after else phi, at_query(t)))
            total = total + weight(weights, t) * each[-1]
            phi = moved
        return outer(total) if gives is None else gives(each, total, phi)

    return wrong


MULTI_STEP_LOSS = Exercise(
    id="12.2",
    title="the loss of MAML++",
    solution=multi_step_loss,
    cases=_loss_cases,
    observe=_observe_loss,
    outputs=(
        "the loss",
        "its gradient for the start",
        "its gradient for the rates",
        "its gradient for what belongs to a step",
    ),
    mistakes=(
        Mistake(
            "The inner gradient is a constant to autograd all the time. Only where first_order says so: "
            "create_graph=not first_order.",
            (_multi(keep=lambda first_order: False),),
            hint=3,
        ),
        Mistake(
            "You keep the way back even where first_order asks to leave it out: create_graph=not first_order.",
            (_multi(keep=lambda first_order: True),),
            hint=3,
        ),
        Mistake(
            "You have first_order the wrong way round: it is there to leave second derivatives out.",
            (_multi(keep=lambda first_order: first_order),),
            hint=3,
        ),
        Mistake(
            "In the inner loop you take the mean over the tasks, so each task steps by its rate divided by their number. Take "
            "the sum: a task's parameters are in its own loss alone.",
            (_multi(inner=torch.mean), _multi(inner=torch.mean, keep=lambda first_order: False)),
            hint=2,
        ),
        Mistake(
            "You add up the tasks. Their mean is asked for, or beta would grow with the meta-batch.",
            (_multi(outer=torch.sum),),
        ),
        Mistake(
            "One number for each task comes out. The mean over the tasks is asked for.",
            (_multi(outer=lambda total: total),),
        ),
        Mistake(
            "The rate is not that of this tensor and this step: rates[name][t].",
            (
                _multi(rate=lambda r, n, t: r[n][0]),
                _multi(rate=lambda r, n, t: r[n][-1]),
                _multi(rate=lambda r, n, t: r[n][-1 - t]),
                _multi(rate=lambda r, n, t: r[n].mean()),
                _multi(rate=lambda r, n, t: r["w"][t]),
                _multi(rate=lambda r, n, t: r["v"][t]),
                _multi(rate=lambda r, n, t: 1.0),
                _multi(rate=lambda r, n, t: 0.1),
            ),
            hint=2,
        ),
        Mistake(
            "The rates are cut off: with .detach(), .item() or float() nobody learns them. Use rates[name][t] as it is.",
            (_multi(rate=lambda r, n, t: r[n][t].detach()),),
        ),
        Mistake("Your inner step goes uphill: subtract.", (_multi(rate=lambda r, n, t: -r[n][t]),)),
        Mistake(
            "The support loss of step t is that of the network at step t: support_loss(phi, t).",
            (_multi(at_support=lambda t: 0), _multi(at_support=lambda t: t + 1)),
        ),
        Mistake(
            "After step t the network has made t + 1 steps: query_loss(phi, t + 1).",
            (_multi(at_query=lambda t: t), _multi(at_query=lambda t: 0), _multi(at_query=lambda t: -1)),
            hint=1,
        ),
        Mistake(
            "Only the last query loss counts in yours. Each has its weight.",
            (
                _multi(gives=lambda each, total, phi: each[-1].mean()),
                _multi(before=lambda w: 0.0, weight=lambda w, t: float(t == len(w) - 2)),
                _multi(before=lambda w: 0.0, weight=lambda w, t: w[-1] if t == len(w) - 2 else 0.0),
            ),
            hint=1,
        ),
        Mistake(
            "The weights are shifted by one: weights[0] belongs to the loss before the first step, weights[t + 1] to the one "
            "after step t.",
            (
                _multi(weight=lambda w, t: w[t]),
                _multi(weight=lambda w, t: w[t], before=lambda w: 0.0),
                _multi(weight=lambda w, t: w[t], before=lambda w: w[-1]),
            ),
            hint=1,
        ),
        Mistake(
            "The loss before the first step is missing. Its weight is 0 in MAML++, and in weights it has a place of its own.",
            (_multi(before=lambda w: 0.0),),
            hint=1,
        ),
        Mistake(
            "You leave the weights out.",
            (
                _multi(weight=lambda w, t: 1.0, before=lambda w: 0.0),
                _multi(weight=lambda w, t: 1.0, before=lambda w: 1.0),
                _multi(weight=lambda w, t: 1.0),
                _multi(gives=lambda each, total, phi: torch.stack(each).mean()),
            ),
        ),
        Mistake(
            "You divide by the number of steps as well. The weights sum to 1 already.",
            (
                lambda s, q, p, r, w, f: multi_step_loss(s, q, p, r, w, f) / (len(w) - 1),
                lambda s, q, p, r, w, f: multi_step_loss(s, q, p, r, w, f) / len(w),
            ),
        ),
        Mistake(
            "You judge before the step, where the last one has led. First step, then judge.",
            (_multi(after=False), _multi(after=False, at_query=lambda t: t)),
            hint=1,
        ),
        Mistake(
            "Each of your steps begins where the task began. Go on from where the last one has ended.",
            (_multi(stays=True),),
        ),
        Mistake(
            "You cut phi off after each step, so that no gradient reaches the start but through nothing. Leave .detach() out.",
            (_multi(cut=True),),
        ),
        Mistake(
            "You judge on the support set, from which phi has just learned.",
            (
                _multi(judged="support"),
                _multi(judged="support", at_first="query"),
                _multi(judged="support", after=False),
            ),
        ),
        Mistake(
            "You add the support loss to what is judged.",
            (_multi(judged="both"), _multi(judged="both", at_first="query")),
        ),
        Mistake(
            "You adapt on the query set: the answers are looked up.",
            (_multi(learned="query"), _multi(learned="both")),
        ),
        Mistake(
            "The weighted sum of the losses, one number, is asked for. You return something else.",
            (
                _multi(gives=lambda each, total, phi: phi),
                _multi(gives=lambda each, total, phi: each),
                _multi(gives=lambda each, total, phi: torch.stack(each)),
                _multi(gives=lambda each, total, phi: (total.mean(), phi)),
                _multi(gives=lambda each, total, phi: (phi, total.mean())),
                _multi(gives=lambda each, total, phi: total.mean().item()),
                _multi(gives=lambda each, total, phi: total.mean().detach()),
            ),
        ),
    ),
    hints=(
        "Begin with weights[0] * query_loss(phi, 0). After step t add weights[t + 1] * query_loss(phi, t + 1).",
        "A step: the gradient of support_loss(phi, t).sum(), and phi[name] - rates[name][t] * g for each name.",
        "create_graph=not first_order keeps the way back, or leaves it out.",
    ),
)

# 12.3 ---------------------------------------------------------------------------------------------------------------

Running = dict[str, tuple[Tensor, Tensor]]
Answers = Callable[[Running], Tensor]


def is_read(answer: Answers, running: Running) -> bool:
    """Whether the answer changes with any of the statistics."""
    before = answer(running)
    for name, (mean, variance) in running.items():
        for changed in ((mean + 1, variance), (mean, 2 * variance + 1)):
            if not torch.equal(answer(running | {name: changed}), before):
                return True
    return False


def _reader(blocks: Sequence[str], which: str) -> Answers:
    """A program that reads some of the statistics of some blocks."""

    def answer(running: Running) -> Tensor:
        x = torch.linspace(-1, 1, 6, dtype=torch.float64).view(3, 2)
        for block in ("norm1", "norm2", "norm3"):
            mean, variance = running[block]
            own = x.mean(0), x.var(0, correction=0)
            m = mean if block in blocks and which != "variance" else own[0]
            v = variance if block in blocks and which != "mean" else own[1]
            x = torch.tanh((x - m) / (v + 1e-5).sqrt() + 0.1)
        return x

    return answer


READERS = {
    "everything is read": (("norm1", "norm2", "norm3"), "both"),
    "nothing is read: the batch's own statistics": ((), "both"),
    "only means are read": (("norm1", "norm2", "norm3"), "mean"),
    "only variances are read": (("norm1", "norm2", "norm3"), "variance"),
    "only the last block is read": (("norm3",), "both"),
    "only the first block is read": (("norm1",), "both"),
    "only the second block's variance is read": (("norm2",), "variance"),
    "only the second block's mean is read": (("norm2",), "mean"),
}


def _running(seed: int = 5) -> Running:
    g = torch.Generator().manual_seed(seed)
    return {
        f"norm{block}": (
            torch.zeros(2, dtype=torch.float64)
            if block == 2
            else torch.randn(2, generator=g, dtype=torch.float64),
            torch.rand(2, generator=g, dtype=torch.float64) + 0.5,
        )
        for block in (1, 2, 3)
    }


def _observe_read(answer: Callable[..., Any], blocks: Sequence[str], which: str, running: Running) -> Any:
    """What is said, and whether the statistics are as they were."""
    given = {name: (mean.clone(), variance.clone()) for name, (mean, variance) in running.items()}
    said = answer(_reader(blocks, which), given)
    kept = given.keys() == running.keys() and all(
        torch.equal(a, b) for name in given for a, b in zip(given[name], running[name], strict=True)
    )
    return said, kept


def _changed(
    names: Callable[[list[str]], list[str]],
    change: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]],
    *,
    together: bool = False,
    says: Callable[[bool], Any] = lambda differs: differs,
    every: bool = False,
) -> Callable[..., Any]:
    """A look at what some change does to some blocks, one by one or all together."""

    def look(answer: Answers, running: Running) -> Any:
        chosen = names(list(running))
        groups = [chosen] if together else [[name] for name in chosen]
        before = answer(running)
        found = [
            not torch.equal(answer(running | {name: change(*running[name]) for name in group}), before)
            for group in groups
        ]
        return says(all(found) if every else any(found))

    return look


def _in_place(answer: Answers, running: Running) -> bool:
    before = answer(running)
    for mean, variance in running.values():
        mean += 1
        variance += 1
    return not torch.equal(answer(running), before)


def _overwritten(answer: Answers, running: Running) -> bool:
    before = answer(running)
    for name, (mean, variance) in list(running.items()):
        running[name] = (mean + 1, variance + 1)
    return not torch.equal(answer(running), before)


_EVERY = list
IS_READ = Exercise(
    id="12.3",
    title="are the running statistics read?",
    solution=is_read,
    cases=lambda: [Case(name, (*reader, _running())) for name, reader in READERS.items()],
    observe=_observe_read,
    outputs=("what it says", "whether the statistics are as they were"),
    differentiable=(),
    mistakes=(
        Mistake(
            "Your test changes the statistics that it was given, and leaves them so. Put changed ones into a new dict.",
            (_in_place, _overwritten),
        ),
        Mistake(
            "You change means alone. A program that reads only variances goes unnoticed.",
            (
                _changed(_EVERY, lambda m, v: (m + 1, v)),
                _changed(_EVERY, lambda m, v: (m + 1, v), together=True),
                _changed(_EVERY, lambda m, v: (2 * m, v)),
                _changed(_EVERY, lambda m, v: (2 * m, v), together=True),
            ),
            hint=2,
        ),
        Mistake(
            "You change variances alone. A program that reads only means goes unnoticed.",
            (
                _changed(_EVERY, lambda m, v: (m, v + 1)),
                _changed(_EVERY, lambda m, v: (m, v + 1), together=True),
            ),
            hint=2,
        ),
        Mistake(
            "You look at one block. A program may read another: change them all.",
            (
                _changed(lambda names: names[:1], lambda m, v: (m + 1, v + 1)),
                _changed(lambda names: names[-1:], lambda m, v: (m + 1, v + 1)),
                _changed(lambda names: names[:2], lambda m, v: (m + 1, v + 1)),
                _changed(lambda names: names[1:2], lambda m, v: (m + 1, v + 1)),
                _changed(lambda names: names[1:], lambda m, v: (m + 1, v + 1)),
            ),
            hint=2,
        ),
        Mistake(
            "Your change may be none: a mean of 0, doubled or with its sign turned, is 0. Add something.",
            (
                _changed(_EVERY, lambda m, v: (2 * m, 2 * v)),
                _changed(_EVERY, lambda m, v: (2 * m, 2 * v), together=True),
                _changed(_EVERY, lambda m, v: (-m, v + 1)),
                _changed(_EVERY, lambda m, v: (-m, v + 1), together=True),
                _changed(_EVERY, lambda m, v: (torch.zeros_like(m), torch.ones_like(v))),
                _changed(_EVERY, lambda m, v: (torch.zeros_like(m), torch.ones_like(v)), together=True),
            ),
            hint=3,
        ),
        Mistake(
            "Yours is true where every block matters. One that is read is enough.",
            (
                _changed(_EVERY, lambda m, v: (m + 1, v + 1), every=True),
                _changed(_EVERY, lambda m, v: (m + 1, v), every=True),
            ),
        ),
        Mistake(
            "You have it the wrong way round: an answer that changes shows that something is read.",
            (
                lambda answer, running: not is_read(answer, running),
                _changed(_EVERY, lambda m, v: (m + 1, v + 1), says=lambda differs: not differs, every=True),
                _changed(_EVERY, lambda m, v: (m + 1, v), says=lambda differs: not differs),
                _changed(_EVERY, lambda m, v: (m, v + 1), says=lambda differs: not differs),
            ),
        ),
        Mistake(
            "You ask twice with the same statistics, so nothing can differ. Change them in between.",
            (
                lambda answer, running: False,
                lambda answer, running: not torch.equal(answer(running), answer(dict(running))),
            ),
            hint=1,
        ),
        Mistake(
            "It says yes to everything. Where the batch's own statistics are used, changed ones change nothing.",
            (lambda answer, running: True,),
        ),
        Mistake(
            "Say True or False: a bool is asked for.",
            (
                lambda answer, running: int(is_read(answer, running)),
                lambda answer, running: str(is_read(answer, running)),
                lambda answer, running: "yes" if is_read(answer, running) else "no",
                lambda answer, running: None if not is_read(answer, running) else True,
                lambda answer, running: is_read(answer, running) or None,
            ),
            looks=lambda inputs, right, came: (
                not isinstance(came[0] if isinstance(came, tuple) else came, bool)
            ),
        ),
    ),
    hints=(
        "Ask once with the statistics as they are, and again with changed ones. Is the answer another?",
        "Change the mean of a block, and its variance, each for itself, in every block.",
        "running | {name: (mean + 1, variance)} is a new dict; torch.equal says whether two answers are the same.",
    ),
)

EXERCISES = (STEP_WEIGHTS, MULTI_STEP_LOSS, IS_READ)
