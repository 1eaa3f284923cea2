"""The decision: an author's meta-gradient against slopes that no autograd took part in.

Two slopes along the same random way: of the query loss, adapted anew on either side (the truth), and of the same with every
inner gradient replayed as it was at theta (first order: the inner gradients are constants, whatever the rule makes of them).
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mlteach.measure.is_it_maml.slopes import TOLERANCE, Opinion, Slope
from mlteach.measure.is_it_maml.subject import Claim, Subject
from mlteach.measure.is_it_maml.verdict import NameOrder, SettledError, Verdict, names_in_words
from mlteach.measure.is_it_maml.watch import ReplayError, Watch
from mlteach.params import Params, add, dot, map_params, norm, scale, subtract

NUDGES = (1e-3, 1e-2)  # where theta lies on a kink, a point beside it tells as much about the code
NOTHING = 1e-9  # a slope this much smaller than the steepest is rounding
FAR = 1e-3  # a move that a name in use cannot hide
FURTHER = (0.1, 0.01, 0.001, 10.0, 100.0)  # the other step sizes, times the first


@dataclass
class Way:
    """A direction: the claim's slope along it, the true one, and first order's, which is a number where it is known
    already, a slope to be measured where it is not, and None where it cannot be had."""

    claimed: float
    true: Slope
    first: Slope | float | None

    def first_is(self, value: float) -> Opinion:
        """Is ``value`` the first-order slope?"""
        if isinstance(self.first, Slope):
            return self.first.asked(value)
        if self.first is None:
            return "unclear"
        return (
            "agrees" if abs(self.first - value) <= TOLERANCE * max(abs(self.first), abs(value)) else "differs"
        )

    def first_near(self, value: float) -> float:
        """The first-order slope, as near to ``value`` as the measurement allows; NaN where it cannot be had."""
        if isinstance(self.first, Slope):
            return self.first.near(value)
        return float("nan") if self.first is None else self.first


class Bench:
    """One subject at one theta, with what its author claims there."""

    def __init__(self, subject: Subject, theta: Params, claim: Claim, epsilon: float) -> None:
        self.subject, self.theta, self.claim = subject, theta, claim
        self.sizes = (epsilon, *(epsilon * times for times in FURTHER))
        self.replays = bool(claim.inner)
        self.first: Params | None = None  # the first-order gradient, once a replay has confirmed it
        self.asked_for_first = False

    def truth(self, direction: Params) -> Slope:
        """Of the query loss after adaptation."""
        return Slope(
            lambda size: self.subject.loss(self._moved(size, direction), Watch()), self.claim.loss, self.sizes
        )

    def constant(self, direction: Params, only: frozenset[int] | None = None) -> Slope | None:
        """Of the query loss with the inner gradients (or some of them) held at their values."""
        if not self.replays:
            return None

        def along(size: float) -> float:
            try:
                return self.subject.loss(self._moved(size, direction), Watch(self.claim.inner, only))
            except (ReplayError, RuntimeError, ValueError, TypeError):
                self.replays = False
                return float("nan")

        return Slope(along, self.claim.loss, self.sizes)

    def _moved(self, size: float, direction: Params) -> Params:
        return add(self.theta, scale(size, direction))

    def way(self, direction: Params) -> Way:
        """Everything there is along one direction."""
        claimed, measured = dot(self.claim.gradient, direction).item(), self.constant(direction)
        if not self.asked_for_first and measured is not None:
            self.asked_for_first = True
            self._look_for_first(direction, measured)
        known = None if self.first is None else dot(self.first, direction).item()
        return Way(claimed, self.truth(direction), measured if known is None else known)

    def _look_for_first(self, direction: Params, measured: Slope) -> None:
        """Autograd's first-order gradient costs one call. It is believed when replayed constants give the same slope."""
        try:
            found = self.subject.first_order(self.theta)
        except (RuntimeError, ValueError, TypeError, SettledError):
            return
        if measured.asked(dot(found, direction).item()) == "agrees":
            self.first = found


def judged(subject: Subject, *, directions: int, epsilon: float, seed: int) -> Verdict:
    """The verdict at theta; beside it, where theta itself says nothing (a kink)."""
    first: Verdict | None = None
    for size in (0.0, *NUDGES):
        generator = torch.Generator().manual_seed(seed + 1)
        theta = map_params(lambda value: value + size * _gaussian(value, generator), subject.theta)  # noqa: B023
        try:
            verdict = judged_at(subject, theta, directions=directions, epsilon=epsilon, seed=seed)
        except SettledError as stop:
            verdict = Verdict(stop.order, reason=stop.reason)
            if first is None:
                return verdict
            continue
        except (RuntimeError, TypeError, ValueError) as error:
            if not re.search(r"dtype|Double|Float|float64|MPS", said := str(error).strip()):
                raise
            return Verdict(
                "cannot tell",
                reason=f"in float64 the code stops: {said.splitlines()[0].rstrip('.')}. Let constants follow theta (zeros_like, .to(x))",
            )
        if verdict.order != "cannot tell" or verdict.reason != ROUGH:
            return verdict
        first = first or verdict
    assert first
    return first


ROUGH = (
    "the query loss has no clear slope here: steps of different lengths disagree. Kinks too close together (ReLU, max pooling), "
    "rounding to a lower precision or inner steps that diverge do that. Try a smaller inner rate, fewer steps, or tanh for ReLU"
)


def judged_at(subject: Subject, theta: Params, *, directions: int, epsilon: float, seed: int) -> Verdict:
    """The verdict at one theta. Raises SettledError where a look at the calls is enough."""
    claim = subject.claim(theta)
    bench = Bench(subject, theta, claim, epsilon)
    silent = [name for name, value in claim.gradient.items() if not value.any()]
    everything_lost = len(silent) == len(theta)
    if everything_lost and claim.by_value:
        raise SettledError(
            "cannot tell",
            "the numbers of theta were copied into a module's own parameters (load_state_dict, copy_ or .data), and from there no "
            "gradient can come back, be the code right or wrong. Use the module form: is_it_maml(model, step, support, query)",
        )
    aside = _set_aside(bench, silent)
    if len(aside) == len(theta):
        if "cannot tell" in aside.values():
            return _rough(bench)
        raise SettledError("cannot tell", _nothing_felt(claim))
    lost = [name for name in silent if name not in aside]

    generator = torch.Generator(device=_device(theta)).manual_seed(seed)
    ways, opinions = _looked(bench, directions, generator)
    if len(ways) < directions:
        return _rough(bench)
    if "agrees" not in opinions and not any(way.true.central(bench.sizes[0]) for way in ways):
        raise SettledError(
            "cannot tell",
            "the query loss does not change when the start moves a little, and yet its gradient is not zero. Return the very loss "
            "that the gradient belongs to, not an accuracy; where numbers are rounded on the way (a straight-through estimator), "
            "there is no slope to compare with",
        )
    error = _share(ways, [way.claimed for way in ways])
    evenly = "differs" if lost or "agrees" not in opinions else _each_counts(bench, generator)
    right = "differs" not in opinions and evenly == "agrees"
    if not right and "agrees" in opinions and evenly != "differs":
        return _rough(bench)  # a wrong gradient is wrong in every random direction, not in some
    verdict = Verdict("neither", error, _first_order_share(ways), notes=tuple(claim.notes), orders=aside)
    if right:
        verdict = _rightly(verdict, bench, ways, aside, generator)
        if verdict.order == "second" and (without := _ignored(bench)):
            raise SettledError("cannot tell", without)
        return verdict
    if everything_lost:
        return replace(verdict, order="none")
    if _all_agree(ways):
        return replace(
            verdict, order="first", orders={**dict.fromkeys(_rest(theta, aside), "first"), **aside}
        )
    times = _times([way.claimed for way in ways], [way.first_near(way.claimed) for way in ways])
    if times and 0.5 < times < 1.5:
        note = f"It is {times:.3f} times what constants give: the gradient at phi, past a weight decay?"
        named: dict[str, NameOrder] = dict.fromkeys(_rest(theta, aside), "first")
        return replace(verdict, order="first", orders={**named, **aside}, notes=(*claim.notes, note))
    _another_reason(bench)
    if not _steady(bench, error, generator):
        return Verdict("cannot tell", reason=ROUGH)
    return _wrongly(verdict, bench, ways, aside, generator)


def _looked(bench: Bench, directions: int, generator: torch.Generator) -> tuple[list[Way], list[Opinion]]:
    """As many clear ways as asked for, or fewer where too many are unclear; and whether the claim is right along each."""
    ways: list[Way] = []
    opinions: list[Opinion] = []
    unclear = 0
    while len(ways) < directions and 2 * unclear <= directions:
        direction = map_params(lambda value: _gaussian(value, generator), bench.theta)
        way = bench.way(scale(1 / norm(direction), direction))
        plainly = (
            opinions.count("differs") >= 2 and "agrees" not in opinions
        )  # what follows is for the percentage
        opinion: Opinion = "differs" if plainly else way.true.asked(way.claimed)
        if opinion == "unclear":
            unclear += 1
        else:
            ways.append(way)
            opinions.append(opinion)
    return ways, opinions


def _rough(bench: Bench) -> Verdict:
    """No slope to be had. Raises SettledError where a better reason is found."""
    _another_reason(bench)
    return Verdict("cannot tell", reason=ROUGH)


def _rightly(
    verdict: Verdict, bench: Bench, ways: list[Way], aside: dict[str, NameOrder], generator: torch.Generator
) -> Verdict:
    """The gradient is the true one: does first order differ from it?"""
    reason, order = "", "second"
    if not bench.claim.inner:
        order = "second" if bench.claim.moved else "both"
    elif _all_agree(ways):
        order = "both"
        if _unused(bench):
            reason = "the inner gradients do not reach the query loss (or are all zero). Compute it with the adapted parameters"
            return Verdict("cannot tell", reason=reason, notes=verdict.notes)
        if _identical(bench, generator):
            reason = (
                "The inner update does not change while theta moves a little, as with the signs of gradients: such a rule has no "
                "second order, and no task would separate the two."
            )
        else:
            reason = "Try another task, or a larger inner rate."
    named: dict[str, NameOrder] = dict.fromkeys(_rest(bench.theta, aside), order)  # type: ignore[arg-type]
    return replace(verdict, order=order, reason=reason, orders={**named, **aside})  # type: ignore[arg-type]


def _wrongly(
    verdict: Verdict, bench: Bench, ways: list[Way], aside: dict[str, NameOrder], generator: torch.Generator
) -> Verdict:
    """Neither as a whole: name by name, and what else can be recognised."""
    orders: dict[str, NameOrder] = {}
    errors: dict[str, float] = {}
    steepest = max(
        norm({"": each}).item() / math.sqrt(each.numel()) for each in bench.claim.gradient.values()
    )
    for name in _rest(bench.theta, aside):
        direction = map_params(torch.zeros_like, bench.theta)
        direction[name] = _gaussian(bench.theta[name], generator)
        way = bench.way(scale(1 / norm(direction), direction))
        true = way.true.near(way.claimed)
        errors[name] = abs(way.claimed - true) / max(abs(true), 1e-300)
        opinion = way.true.asked(way.claimed)
        if max(abs(true), abs(way.claimed)) < NOTHING * steepest:
            orders[name] = "no effect"
        elif opinion == "agrees":
            orders[name] = "both" if way.first_is(way.claimed) == "agrees" else "second"
        elif opinion == "unclear":
            orders[name] = "cannot tell"
        elif way.first_is(way.claimed) == "agrees":
            orders[name] = "first"
        else:
            orders[name] = "none" if not bench.claim.gradient[name].any() else "neither"
    if "second" in orders.values():  # where both are right, say so once
        orders = {name: "second" if order == "both" else order for name, order in orders.items()}
    found = set(orders.values()) - {"no effect"}
    if found == {"first"} or (found == {"first", "both"}):
        return replace(verdict, order="first", orders={**orders, **aside}, errors=errors)
    notes = [*verdict.notes, *_recognised(bench, ways, generator)]
    return replace(verdict, orders={**orders, **aside}, errors=errors, notes=tuple(notes))


def _recognised(bench: Bench, ways: list[Way], generator: torch.Generator) -> list[str]:
    """Well-known mistakes that are not a matter of single names."""
    claimed = [way.claimed for way in ways]
    claim = bench.claim
    if (times := _times(claimed, [way.true.near(way.claimed) for way in ways])) is not None:
        return [
            f"It is {_figure(times)} times the true meta-gradient: a sum for a mean, or a factor too many?"
        ]
    if (times := _times(claimed, [way.first_near(way.claimed) for way in ways])) is not None:
        return [f"It is {_figure(times)} times the first-order gradient."]
    if claim.cut:
        return [
            f"Nothing flows back through {names_in_words(claim.cut, bench.theta)} of phi: detached, or a fresh leaf?"
        ]
    if claim.difference is not None:
        pairs = [
            (claim.gradient[name].reshape(-1), value.reshape(-1)) for name, value in claim.difference.items()
        ]
        ours, theirs = (torch.cat(each) for each in zip(*pairs, strict=True))
        if theirs.any() and torch.cosine_similarity(ours, theirs, dim=0).abs() > 1 - 1e-9:
            return [
                "It is Reptile's difference theta - phi: a rule of its own, and no gradient of the query loss."
            ]
    if claim.normed_by_gathered:
        return [
            "Batch norm uses running statistics that step itself has gathered: they move with the start, and no gradient flows "
            "through them."
        ]
    constant = _constants(bench, generator)
    return (
        [
            f"The inner gradients of {names_in_words(constant, bench.theta)} are taken for constants, the others are not."
        ]
        if constant
        else []
    )


def _constants(bench: Bench, generator: torch.Generator) -> list[str]:
    """The names whose inner gradients, held constant, explain the claim; empty if no one such set does.

    Along each way the claim falls short of the truth by what the constants leave out. In one inner step that is a sum over
    names; so least squares finds the names, and a replay with just these constant confirms them.
    """
    names = bench.claim.names
    if not bench.replays or not 2 <= len(names) <= 24:
        return []
    ways = []
    for _ in range(len(names) + 2):
        direction = map_params(
            lambda value: _gaussian(value, generator) / math.sqrt(value.numel()), bench.theta
        )
        ways.append(scale(1 / norm(direction), direction))
    size = bench.sizes[0]
    truths = [bench.truth(way).central(size) for way in ways]
    short = [dot(bench.claim.gradient, way).item() - truth for way, truth in zip(ways, truths, strict=True)]
    columns = [
        [
            _central(bench, way, frozenset({place}), size) - truth
            for way, truth in zip(ways, truths, strict=True)
        ]
        for place in range(len(names))
    ]
    matrix, target = torch.tensor(columns, dtype=torch.float64).T, torch.tensor(short, dtype=torch.float64)
    if not matrix.isfinite().all() or not target.isfinite().all():
        return []
    share = torch.linalg.lstsq(matrix, target[:, None]).solution[:, 0]
    found = frozenset(place for place, each in enumerate(share.tolist()) if each > 0.5)
    if not found or len(found) == len(names):
        return []
    for way in ways[:3]:
        slope = bench.constant(way, found)
        if slope is None or slope.asked(dot(bench.claim.gradient, way).item()) != "agrees":
            return []
    return [names[place] for place in sorted(found)]


def _central(bench: Bench, way: Params, only: frozenset[int], size: float) -> float:
    slope = bench.constant(way, only)
    return float("nan") if slope is None else slope.central(size)


def _each_counts(bench: Bench, generator: torch.Generator) -> Opinion:
    """One or two more ways, in which every name weighs about as much as every other: a small one cannot hide."""
    claim = bench.claim.gradient
    lengths = {name: value.norm().item() / math.sqrt(value.numel()) for name, value in claim.items()}
    longest = max(lengths.values())
    for last in (False, True):
        direction = {
            name: _gaussian(value, generator) / math.sqrt(value.numel())
            * min(1e3, longest / max(lengths[name], 1e-300)) * (lengths[name] > 0)
            for name, value in bench.theta.items()
        }  # fmt: skip
        way = scale(1 / norm(direction), direction)
        if bench.truth(way).asked(dot(claim, way).item()) != "differs":
            return "unclear" if last else "agrees"
    return "differs"


def _set_aside(bench: Bench, silent: list[str]) -> dict[str, NameOrder]:
    """The names without a gradient whose moves the query loss does not feel either, or not clearly; the others are lost."""
    if not silent:
        return {}
    together = _felt(bench, silent)
    if together == "differs" and len(silent) in (1, len(bench.theta)):
        return {}
    each = {name: together if together == "agrees" else _felt(bench, [name]) for name in silent}
    quiet: NameOrder
    aside: dict[str, NameOrder] = {}
    for name, opinion in each.items():
        quiet = "unused" if name in bench.claim.unused else "no effect"
        if opinion != "differs":
            aside[name] = quiet if opinion == "agrees" else "cannot tell"
    return aside


def _felt(bench: Bench, names: list[str]) -> Opinion:
    """Is the slope along these names zero? A long move that changes nothing at all settles it at once."""
    generator = torch.Generator(device=_device(bench.theta)).manual_seed(1)
    direction = {
        name: _gaussian(value, generator) if name in names else torch.zeros_like(value)
        for name, value in bench.theta.items()
    }
    slope = bench.truth(scale(1 / norm(direction), direction))
    return "agrees" if slope.along(FAR) == bench.claim.loss else slope.asked(0.0)


def _beside(theta: Params) -> Params:
    """A point near theta, for what must count somewhere: at learned rates of zero, say, the inner gradients have no effect."""
    generator = torch.Generator().manual_seed(2)
    return map_params(lambda value: value + NUDGES[-1] * _gaussian(value, generator), theta)


def _ignored(bench: Bench) -> str:
    """A sentence where the query loss depends on one of the two sets only; empty where both count."""
    if abs(bench.claim.loss) > 1e6:  # diverged: what the data add is below the last digit
        return ""
    theta = _beside(bench.theta)
    try:
        loss = bench.subject.loss(theta, Watch())
        without = [
            each
            for each in ("support", "query")
            if bench.subject.with_other(each).loss(theta, Watch()) == loss
        ]
    except (RuntimeError, ValueError, TypeError, SettledError):  # the data are not to be changed like that
        return ""
    if not without:
        return ""
    why = {"support": "Is the query set used to adapt?", "query": "Is it the loss on the support set?"}[
        without[0]
    ]
    return (
        f"the query loss does not change with the {without[0]} set. {why} Where the code has data of its own, let it use the data "
        "that it is given"
    )


def _nothing_felt(claim: Claim) -> str:
    if len(claim.unused) < len(claim.gradient):
        return (
            "the query loss does not change when theta moves, though it is computed from it: its slope is 0 everywhere near. Try "
            "another theta (are all units dead?)"
        )
    return (
        "the query loss does not depend on theta: 0 = 0 proves nothing. Use the theta that is given; where a module adapts its own "
        "parameters, use the module form, is_it_maml(model, step, support, query), and build optimizers and wrappers inside step"
    )


def _another_reason(bench: Bench, calls: int = 3) -> None:
    """Raises SettledError where the loss is too large for slopes, or differs after all: two draws can agree by chance."""
    claim = bench.claim
    if abs(claim.loss) > 1e6:
        raise SettledError(
            "cannot tell",
            f"the query loss after adaptation is {claim.loss:.0e}: the inner steps diverge, and no digit of a slope is left. Try a "
            "smaller inner rate, or fewer steps",
        )
    for _ in range(calls):
        bench.subject.again(bench.theta, claim.loss)


def _steady(bench: Bench, error: float, generator: torch.Generator) -> bool:
    """Whether the claim itself stays where it is when theta's last digits change: else its error may be rounding."""
    shaken = map_params(lambda value: value * (1 + 1e-13 * _gaussian(value, generator)), bench.theta)
    other = bench.subject.claim(shaken).gradient
    return (
        norm(subtract(other, bench.claim.gradient)).item() < 0.2 * error * norm(bench.claim.gradient).item()
    )


def _all_agree(ways: Sequence[Way]) -> bool:
    """Whether the claim is the first-order gradient: along most ways clearly, and against none."""
    opinions = [way.first_is(way.claimed) for way in ways]
    return "differs" not in opinions and opinions.count("agrees") * 2 >= len(opinions)


def _unused(bench: Bench) -> bool:
    """Whether other inner gradients would have come to the same query loss."""
    others = [
        each._replace(given=tuple(None if g is None else -1.5 * g for g in each.given))
        for each in bench.claim.inner
    ]
    theta = _beside(bench.theta)
    try:
        return bench.subject.loss(theta, Watch(others)) == bench.subject.loss(theta, Watch(bench.claim.inner))
    except (ReplayError, RuntimeError, ValueError, TypeError):
        return False


def _identical(bench: Bench, generator: torch.Generator) -> bool:
    """Whether adapting anew gives the very loss that constants give."""
    direction = map_params(lambda value: _gaussian(value, generator), bench.theta)
    direction = scale(1 / norm(direction), direction)
    one, constant = bench.truth(direction).along(1e-5), bench.constant(direction)
    other = constant.along(1e-5) if constant else float("nan")
    return abs(one - other) <= 1e-14 * max(abs(one), abs(other))


def _share(ways: Sequence[Way], values: list[float]) -> float:
    """|values - truth| / |truth| over the ways."""
    truth = [way.true.near(way.claimed) for way in ways]
    return math.dist(values, truth) / max(math.hypot(*truth), 1e-300)


def _first_order_share(ways: Sequence[Way]) -> float:
    return _share(ways, [way.first_near(way.claimed) for way in ways])


def _times(claimed: list[float], measured: list[float]) -> float | None:
    """The one number by which all of ``claimed`` exceed ``measured``, if there is one."""
    if len(claimed) < 2 or not all(map(math.isfinite, measured)) or not any(measured):
        return None
    times = sum(a * b for a, b in zip(claimed, measured, strict=True)) / sum(b * b for b in measured)
    apart = math.dist(claimed, [times * each for each in measured])
    return times if times and apart <= 10 * TOLERANCE * math.hypot(*claimed) else None


def _figure(times: float) -> str:
    return f"{times:.0f}" if abs(times) >= 1e4 else f"{times:.4g}"


def _rest(theta: Params, aside: dict[str, NameOrder]) -> list[str]:
    return [name for name in theta if name not in aside]


def _device(theta: Params) -> torch.device:
    return next(iter(theta.values())).device


def _gaussian(like: Tensor, generator: torch.Generator) -> Tensor:
    drawn = torch.randn(like.shape, generator=generator, dtype=like.dtype, device=generator.device)
    return drawn.to(like.device)
