"""Lesson 03's record: what its sentences about causes rest on, each with the arm that takes the cause away.

    python -m studies.lesson03_gates [edges|forgetting|second_memory]

``edges``: the cell of the lesson, trained on noisy bowls with the dashed edges kept and dropped, and with its forget gate opened
less at the start. ``forgetting``: the same cell where every start is on a plateau, with its forget gate free, held at 1, and so
wide open at the start that its sigmoid has no slope; and each of them with forgetting or stepping turned off at some steps.
``second_memory``: bowls without noise, where momentum wins: is it the second memory, the range of the gate, or what was
descended on?

All seeds of an arm are trained side by side: every parameter and every batch has them on its first axis, [seeds, ...], and Adam moves
each entry by itself. A seed draws its first weights and its problems anew. Writes ``data/results/03-*.json``.
"""

import math
import sys
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, Self

import torch
from torch import Tensor

from mlteach.fit import fit
from mlteach.measure import over_seeds
from mlteach.measure.ledger import keep_results
from mlteach.params import Params

#: Dimensions, inner steps, size of the noise: the lesson's.
D, T, NOISE = 10, 20, 0.3
CENTRE = 1.5 * torch.randn(D, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
SEEDS = tuple(range(1, 11))
BATCH, TEST, TEST_SEED, HIDDEN = 64, 1024, 99, 8
#: Of a plateau: how wide its valley is, and how far away the starts are drawn.
WIDTH, FAR = math.sqrt(D), 3.0

Gates = Callable[[Tensor, Tensor, int], tuple[Tensor | float, Tensor | float]]


def normal(draw: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=draw, dtype=torch.float64)


class World(Protocol):
    """Problems of every seed: their losses and gradients at theta [seeds, n, D], and where each begins."""

    def start(self, omega: Params) -> Tensor: ...
    def loss(self, theta: Tensor) -> Tensor: ...
    def gradient(self, theta: Tensor, t: int) -> Tensor: ...


class Bowls(NamedTuple):
    """The bowls of the lesson, from the same draws. H: W^T W, [seeds, n, D, D], lowest: [seeds, n, D], tilt: [seeds, T, n, D]."""

    H: Tensor
    lowest: Tensor
    tilt: Tensor

    @classmethod
    def draw(cls, n: int, draw: torch.Generator, noise: float = NOISE) -> Self:
        W = normal(draw, n, 2 * D, D) / math.sqrt(2 * D)
        return cls(W.mT @ W, CENTRE + normal(draw, n, D), noise * normal(draw, T, n, D))

    def start(self, omega: Params) -> Tensor:
        return omega["c0"][:, None].expand(-1, self.lowest.shape[1], -1)

    def _slope(self, theta: Tensor) -> Tensor:
        return (self.H * (theta - self.lowest)[..., None, :]).sum(-1)

    def loss(self, theta: Tensor) -> Tensor:
        return 0.5 * ((theta - self.lowest) * self._slope(theta)).sum(-1)

    def gradient(self, theta: Tensor, t: int) -> Tensor:
        return self._slope(theta) + self.tilt[:, t]


class Plateaus(NamedTuple):
    """A valley of depth 1 near zero, in a plain where the gradient says next to nothing. far, lowest: [seeds, n, D]."""

    far: Tensor
    lowest: Tensor

    @classmethod
    def draw(cls, n: int, draw: torch.Generator) -> Self:
        return cls(FAR * normal(draw, n, D), normal(draw, n, D))

    def start(self, omega: Params) -> Tensor:
        return self.far

    def _height(self, theta: Tensor) -> Tensor:
        return (-((theta - self.lowest).square().sum(-1)) / (2 * WIDTH**2)).exp()

    def loss(self, theta: Tensor) -> Tensor:
        return 1 - self._height(theta)

    def gradient(self, theta: Tensor, t: int) -> Tensor:
        return (theta - self.lowest) / WIDTH**2 * self._height(theta)[..., None]


def stacked(draw: Callable[[torch.Generator], Any], generators: list[torch.Generator]) -> Any:
    """Each seed's own draw, side by side."""
    parts = [draw(generator) for generator in generators]
    return type(parts[0])(*(torch.stack(each) for each in zip(*parts, strict=True)))


def first_omega(forget: float, outputs: int = 2, gate: float = -2.2) -> Params:
    """The lesson's gates before training, [seeds, ...] each. forget, gate: the biases of both gates; a third output is mu's."""
    rows = []
    for seed in SEEDS:
        draw = torch.Generator().manual_seed(1000 + seed)
        bias = torch.tensor([forget, gate, 0.0][:outputs], dtype=torch.float64)
        rows.append(
            {
                "W1": 0.3 * normal(draw, 2, HIDDEN), "b1": torch.zeros(HIDDEN, dtype=torch.float64),
                "W2": 0.1 * normal(draw, HIDDEN, outputs), "b2": bias, "c0": torch.zeros(D, dtype=torch.float64),
            }
        )  # fmt: skip
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


def gates(omega: Params, gradient: Tensor, t: int) -> Tensor:
    """What the gate network says before its sigmoids, [seeds, n, D, outputs]."""
    size = (gradient.abs() + 0.01).log() / 5
    seen = torch.stack([size, torch.full_like(gradient, 2 * t / T - 1)], dim=-1)
    flat = seen.flatten(1, 2)
    hidden = torch.tanh(flat @ omega["W1"] + omega["b1"][:, None])
    return (hidden @ omega["W2"] + omega["b2"][:, None]).unflatten(1, gradient.shape[1:])


def as_is(f: Tensor, i: Tensor, t: int) -> tuple[Tensor | float, Tensor | float]:
    return f, i


def unrolled(
    omega: Params, world: World, *, first_order: bool = False, change: Gates = as_is, widest: float = 1.0
) -> Tensor:
    """T steps of the cell, [seeds, n, D]. change: what is done to the gates (f, i) of step t. widest: i when it is wide open.

    With a third output of the gates, the candidate is minus a second memory, with that gate for mu.
    """
    theta = world.start(omega)
    m = torch.zeros_like(theta)
    for t in range(T):
        gradient = world.gradient(theta, t)
        gradient = gradient.detach() if first_order else gradient
        opened = torch.sigmoid(gates(omega, gradient, t)).unbind(-1)
        m = opened[2] * m + gradient if len(opened) == 3 else gradient
        f, i = change(opened[0], widest * opened[1], t)
        theta = f * theta + i * (-m)
    return theta


def scheduled(omega: Params, world: World, *, change: Gates = as_is) -> Tensor:
    """T steps with a rate of its own for each and, where there are such, a mu of its own for each: nothing looks at a gradient."""
    theta = world.start(omega)
    m = torch.zeros_like(theta)
    for t in range(T):
        mu = torch.sigmoid(omega["mu"][:, t, None, None]) if "mu" in omega else 0.0
        m = mu * m + world.gradient(theta, t)
        theta = theta - omega["rate"][:, t, None, None].exp() * m
    return theta


def trained(
    follow: Callable[[Params, World], Tensor],
    omega: Params,
    draw: Callable[[int, torch.Generator], Any],
    steps: int,
    logs: bool = False,
) -> Params:
    """Every seed of an arm, descended on its mean final loss, or on the mean of its logarithm."""
    generators = [torch.Generator().manual_seed(seed) for seed in SEEDS]

    def gradient(omega: Params, world: World) -> tuple[Params, dict[str, float]]:
        final = world.loss(follow(omega, world))
        aim = ((final + 1e-12).log() if logs else final).mean(1).sum()
        found = torch.autograd.grad(aim, list(omega.values()), allow_unused=True, materialize_grads=True)
        return dict(zip(omega, found, strict=True)), {"loss": final.detach().mean().item()}

    return fit(
        gradient, omega, lambda _: stacked(lambda each: draw(BATCH, each), generators), steps=steps,
        generator=torch.Generator().manual_seed(0), lr=0.05, schedule="cosine", progress=None,
    ).theta  # fmt: skip


def tested(world: Any) -> Any:
    """The same fresh problems for every seed."""
    return type(world)(*(each[None].expand(len(SEEDS), *each.shape) for each in world))


def row(name: str, each: Tensor, unit: str, note: str) -> dict[str, Any]:
    """One figure: its mean over the seeds with the interval, and every seed's own."""
    over = over_seeds(each.tolist())
    print(f"{name:42} {over!r}", flush=True)
    return {
        "name": name, "value": over.mean, "interval": over.half_width, "unit": unit, "each": [round(x, 5) for x in each.tolist()],
        "seeds": list(SEEDS), "seconds": None, "device": "cpu", "tasks": TEST, "note": note,
    }  # fmt: skip


def from_zero(omega: Params) -> Params:
    return omega | {"c0": torch.zeros_like(omega["c0"])}


@torch.no_grad()
def logs(follow: Callable[[Params, World], Tensor], omega: Params, world: World) -> Tensor:
    """log10 of the final loss, the mean over the fresh problems, [seeds]."""
    return world.loss(follow(omega, world)).log10().mean(1)


def edges(steps: int = 1000) -> None:
    """Dashed edges kept or dropped, and where the forget gate begins."""
    fresh = tested(Bowls.draw(TEST, torch.Generator().manual_seed(TEST_SEED)))
    note, unit, rows = f"{steps} meta-steps of {BATCH} noisy bowls", "log10 loss", []
    kept: dict[str, Tensor] = {}
    arms = {
        "kept": (6.0, False),
        "dropped": (6.0, True),
        "forget.4.5": (4.5, False),
        "forget.37": (37.0, False),
    }
    for name, (forget, first_order) in arms.items():

        def follow(omega: Params, world: World, first_order: bool = first_order) -> Tensor:
            return unrolled(omega, world, first_order=first_order)

        omega = trained(follow, first_omega(forget), Bowls.draw, steps)
        ends = {"from-zero": logs(follow, from_zero(omega), fresh), "from-c0": logs(follow, omega, fresh)}
        rows += [row(f"{name}.{place}", each, unit, note) for place, each in ends.items()]
        if name == "dropped":
            rows += [
                row(f"cost.{place}", each - kept[place], unit, "dropped less kept, seed by seed; " + note)
                for place, each in ends.items()
            ]
        if name == "kept":
            kept = ends
    keep_results(
        "03_gradient_descent_is_an_lstm_cell", "edges", rows, command="python -m studies.lesson03_gates edges"
    )


#: What is done to the gates of a trained cell: forgetting turned off, or stepping.
CHANGES: dict[str, Gates] = {
    "as-trained": as_is,
    "f-1-throughout": lambda f, i, t: (1.0, i),
    "f-1-from-4": lambda f, i, t: (f if t < 3 else 1.0, i),
    "only-forgets-from-4": lambda f, i, t: (f, i if t < 3 else 0.0),
    "only-forgets": lambda f, i, t: (f, 0.0),
    "stops-after-3": lambda f, i, t: (f, i) if t < 3 else (1.0, 0.0),
}


@torch.no_grad()
def forget_gates(omega: Params, world: World) -> list[Tensor]:
    """The forget gate at every step, the mean over weights and problems, [seeds] each."""
    seen: list[Tensor] = []

    def watched(f: Tensor, i: Tensor, t: int) -> tuple[Tensor | float, Tensor | float]:
        seen.append(f.mean((1, 2)))
        return f, i

    unrolled(omega, world, change=watched)
    return seen


def forgetting(steps: int = 300) -> None:
    """Starts on a plateau: the forget gate free, held at 1, and too wide open to learn."""
    fresh = tested(Plateaus.draw(TEST, torch.Generator().manual_seed(TEST_SEED)))
    note, rows = f"{steps} meta-steps of {BATCH} starts on a plateau", []
    rows.append(row("start", fresh.loss(fresh.far).mean(1), "loss", "where every problem begins"))
    for name, forget, change in (
        ("free", 6.0, as_is), ("held", 6.0, CHANGES["f-1-throughout"]), ("bias-37", 37.0, as_is),
    ):  # fmt: skip
        omega = trained(
            lambda omega, world, change=change: unrolled(omega, world, change=change),
            first_omega(forget),
            Plateaus.draw,
            steps,
        )
        for what, other in CHANGES.items() if name == "free" else [("as-trained", change)]:
            with torch.no_grad():
                end = fresh.loss(unrolled(omega, fresh, change=other)).mean(1)
            rows.append(row(f"{name}.{what}", end, "loss", note))
        if name == "free":
            rows += [
                row(f"gate.f.{t + 1}", f, "gate", note) for t, f in enumerate(forget_gates(omega, fresh))
            ]
    keep_results(
        "03_gradient_descent_is_an_lstm_cell",
        "forgetting",
        rows,
        command="python -m studies.lesson03_gates forgetting",
    )


def second_memory(steps: int = 500) -> None:
    """Bowls without noise: one memory or two, gates that look or a schedule, the mean loss or its logarithm."""
    fresh = tested(Bowls.draw(TEST, torch.Generator().manual_seed(TEST_SEED), 0.0))
    rows = []

    def quiet(n: int, draw: torch.Generator) -> Bowls:
        return Bowls.draw(n, draw, 0.0)

    def schedule(two: bool) -> Params:
        """Rates near 0.4, each a little another one: from equal rates all would stay equal for long."""
        start = {"c0": torch.zeros(len(SEEDS), D, dtype=torch.float64)}
        noise = [normal(torch.Generator().manual_seed(1000 + seed), T) for seed in SEEDS]
        start["rate"] = math.log(0.4) + 0.3 * torch.stack(noise)
        return start | ({"mu": torch.zeros(len(SEEDS), T, dtype=torch.float64)} if two else {})

    arms: dict[str, tuple[Callable[[Params, World], Tensor], Params]] = {
        "one-memory": (unrolled, first_omega(6.0)),
        "two-memories": (unrolled, first_omega(6.0, outputs=3)),
        "one-memory-wide": (
            lambda omega, world: unrolled(omega, world, widest=12.0),
            first_omega(6.0, gate=-4.6),
        ),
        "rates": (scheduled, schedule(two=False)),
        "rates-and-mu": (scheduled, schedule(two=True)),
    }
    for name, (follow, omega) in arms.items():
        for aim in ("mean", "log"):
            found = trained(follow, omega, quiet, steps, logs=aim == "log")
            note = f"{steps} meta-steps of {BATCH} bowls without noise, on the {aim} of the loss"
            rows.append(row(f"{name}.{aim}", logs(follow, found, fresh), "log10 loss", note))
            if name == "rates" and aim == "log":
                steps_of = enumerate(found["rate"].exp().unbind(1), 1)
                rows += [row(f"rate.{t}", rate, "rate", note) for t, rate in steps_of]
    keep_results(
        "03_gradient_descent_is_an_lstm_cell",
        "second-memory",
        rows,
        command="python -m studies.lesson03_gates second_memory",
    )


def main() -> None:
    """Run what is asked for, else all of it."""
    torch.set_num_threads(1)
    for run in (edges, forgetting, second_memory):
        if len(sys.argv) < 2 or run.__name__ in sys.argv[1:]:
            run()


if __name__ == "__main__":
    main()
