"""How fast are the other methods of the course? Each beside what somebody would write for it with torch, or with learn2learn.

    .venv/bin/python -m pip install -c constraints.txt -e ".[benchmarks]"
    .venv/bin/python -m benchmarks.methods             all: four minutes on two quiet cores
    .venv/bin/python -m benchmarks.methods --quick     two rounds of everything, printed and not kept

One gradient of the outer loop, on the same numbers, in turns:

- MAML++: its multi-step loss alone, which learn2learn's user writes in three lines, and all of it, beside a loop over tasks.
- Implicit MAML: beside a loop over tasks, and beside learn2learn through all the steps, which is another gradient short of the
  inner loop's end, and so has no distance.
- Methods that compare: prototypes, matching networks and linear attention over Conv-4, and the attention layer of lesson 20.
- The memory network: beside a loop over episodes.

Each row: tasks a second, the ratio to the first row in the same round, the distance of the gradient to it in float64. Writes
``data/results/speed-methods.json`` and its table in ``benchmarks/README.md``. Keep the machine quiet meanwhile.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import torch
from tqdm import tqdm

from benchmarks import race
from benchmarks.peers import Run, Setting, adapting, comparing, remembering
from mlteach.inner import sgd
from mlteach.memory import MANN, recall_gradient, sequences
from mlteach.methods import METHODS, maml_plus_plus
from mlteach.methods.prototypes import SCALE
from mlteach.nets import MLP, Conv4
from mlteach.nets.attention import LinearAttention
from mlteach.nets.loss import squared_error
from mlteach.outer import implicit_gradient, maml_gradient
from mlteach.outer.multi_step import annealed
from mlteach.params import Params, gradient_of, leaves
from mlteach.tasks import Characters, Episode, LinearRegression, Sinusoids

ROUNDS, QUICK = 9, 2
LOOP, OURS, L2L = "plain loop", "mlteach", "learn2learn"
STEPS = 5
HALF_WAY = annealed(STEPS, 0.5)  # of the multi-step loss: all steps count, the last one most

Contestants = dict[str, Run]


@dataclass(frozen=True)
class Case:
    """One gradient, and everybody who computes it. made: in a precision, who is compared first.

    tasks: how many it has, ``unit`` a second. threads: torch's; None: a core each. another: who computes another gradient.
    """

    said: str
    made: Callable[[torch.dtype], Contestants]
    tasks: int
    unit: str = "tasks/s"
    threads: int | None = None
    repeats: int = 1
    another: tuple[str, ...] = ()


@cache
def characters() -> Characters:
    """The training characters."""
    return Characters.omniglot().split("random").train


def drawn(tasks: int, ways: int, queries: int, dtype: torch.dtype) -> Episode:
    """The same tasks every time."""
    generator = torch.Generator().manual_seed(0)
    return characters().sample(tasks, ways, 1, queries, generator=generator).to(dtype=dtype)


def begun(init: Callable[[torch.Generator], Params], dtype: torch.dtype) -> Params:
    """The same start every time."""
    return {name: value.to(dtype) for name, value in init(torch.Generator().manual_seed(1)).items()}


def gradient_by(function: Callable[..., Any], *given: Any, **how: Any) -> Run:
    """Ours: the gradient of ``function(*given, **how)``."""
    return lambda: list(function(*given, **how)[0].values())


def lecture(dtype: torch.dtype, steps: int, rate: float, tasks: int = 16) -> Setting:
    """The lecture net on real characters."""
    net = Conv4(5, 32, head="flatten", head_std=0.1)
    return Setting(net, begun(net.init, dtype), drawn(tasks, 5, 5, dtype), steps, rate)


def multi_step(dtype: torch.dtype) -> Contestants:
    """MAML with the multi-step loss."""
    s = lecture(dtype, STEPS, 0.1)
    own = partial(maml_gradient, s.net, s.loss, s.theta, s.episode, sgd(s.rate), s.steps)
    return {
        L2L: adapting.multi_step_by_learn2learn(s, HALF_WAY),
        LOOP: adapting.multi_step_by_hand(s, HALF_WAY),
        OURS: gradient_by(own, weights=HALF_WAY),
    }


def plus_plus(dtype: torch.dtype) -> Contestants:
    """All of MAML++, as `mlteach.methods` trains it."""
    theta, episode = begun(maml_plus_plus.init, dtype), drawn(4, 5, 1, dtype)
    return {
        LOOP: adapting.plus_plus(theta, episode, maml_plus_plus.ONLY, HALF_WAY),
        OURS: gradient_by(maml_plus_plus.gradient, theta, episode, weights=HALF_WAY),
    }


def implicit(
    setting_of: Callable[[torch.dtype], Setting], strength: float, dtype: torch.dtype
) -> Contestants:
    """Implicit MAML with five products with the Hessian, a system solved by conjugate gradient."""
    s = setting_of(dtype)
    return {
        LOOP: adapting.implicit(s, strength, 5),
        f"{L2L}, unrolled": adapting.implicit_unrolled_by_learn2learn(s, strength),
        OURS: gradient_by(
            implicit_gradient, s.net, s.loss, s.theta, s.episode, sgd(s.rate), s.steps, strength=strength, solves=5
        ),
    }  # fmt: skip


def sines(dtype: torch.dtype) -> Setting:
    """Sixteen steps on 25 sinusoids."""
    net = MLP((1, 40, 40, 1), "tanh", "uniform")
    episode = Sinusoids.finn().sample(25, 10, 10, generator=torch.Generator().manual_seed(0)).to(dtype=dtype)
    return Setting(net, begun(net.init, dtype), episode, 16, 0.02)


def compared(
    name: str, loss: comparing.Loss, tasks: int, ways: int, queries: int, dtype: torch.dtype
) -> Contestants:
    """A method that compares, with the settings of `mlteach.methods`."""
    method = METHODS[name]
    theta, episode = begun(method.init, dtype), drawn(tasks, ways, queries, dtype)
    return {
        LOOP: comparing.comparing(Conv4(ways, 32, head="flatten"), theta, episode, loss),
        OURS: gradient_by(method.gradient, theta, episode),
    }


def attention(dtype: torch.dtype) -> Contestants:
    """The attention layer of lesson 20, on linear regression: everybody has all tasks in one batch."""
    net = LinearAttention(10)
    theta = begun(net.init, dtype)
    episode = LinearRegression().sample(256, 20, 10, generator=torch.Generator().manual_seed(0), dtype=dtype)

    def gradient() -> tuple[Params, None]:
        point = leaves(theta)
        answer = net(point, episode.support_x, episode.support_y, episode.query_x)
        return gradient_of(squared_error(answer, episode.query_y).mean(), point), None

    return {"plain torch": comparing.attention_layer(theta, episode), OURS: gradient_by(gradient)}


def remembered(dtype: torch.dtype) -> Contestants:
    """The paper's MANN on sequences of fifty, with random numbers for the features of an eye."""
    net, g = MANN(128), torch.Generator().manual_seed(0)
    episode = sequences(torch.randn(50, 20, 128, generator=g), 16, generator=g).to(dtype=dtype)
    theta = begun(net.init, dtype)
    return {
        LOOP: remembering.mann(net, theta, episode),
        OURS: gradient_by(recall_gradient, net, theta, episode),
    }


UNROLLED = (f"{L2L}, unrolled",)
by_means = comparing.prototypes(SCALE)
CASES = (
    Case("multi-step loss, the lecture net, 5 steps, 16 tasks", multi_step, 16),
    Case("MAML++, 5 steps, 4 tasks", plus_plus, 4),
    Case("implicit MAML, sinusoids, 16 steps, 25 tasks", partial(implicit, sines, 10.0), 25, threads=1, another=UNROLLED),
    Case("implicit MAML, the lecture net, 16 steps, 8 tasks", partial(implicit, partial(lecture, steps=16, rate=0.1, tasks=8), 0.5), 8, another=UNROLLED),
    Case("prototypes, 20 ways, 1 task", partial(compared, "prototypes", by_means, 1, 20, 2), 1, repeats=10),
    Case("prototypes, 5 ways, 16 tasks", partial(compared, "prototypes", by_means, 16, 5, 5), 16, repeats=3),
    Case("matching, 20 ways, 1 task", partial(compared, "matching", comparing.matching, 1, 20, 2), 1, repeats=10),
    Case("matching, 5 ways, 16 tasks", partial(compared, "matching", comparing.matching, 16, 5, 5), 16, repeats=3),
    Case("linear attention, 40 ways, 2 tasks", partial(compared, "linear attention", comparing.linear_attention, 2, 40, 2), 2, repeats=5),
    Case("the attention layer, 256 tasks", attention, 256, threads=1, repeats=20),
    Case("the memory network (MANN), 16 episodes of 50", remembered, 16, "episodes/s", threads=1),
)  # fmt: skip


def measure(case: Case, rounds: int) -> list[dict[str, Any]]:
    """All figures of one case."""
    before = torch.get_num_threads()
    torch.set_num_threads(case.threads or before)
    try:
        exact = case.made(torch.float64)
        base = next(iter(exact))
        truth = exact[base]()
        errors = {name: race.error(run(), truth) for name, run in exact.items() if name not in case.another}
        runs = {name: race.repeated(run, case.repeats) for name, run in case.made(torch.float32).items()}
        seconds = race.timed(runs, rounds, case.said)
    finally:
        torch.set_num_threads(before)
    found = race.figures(seconds, dict.fromkeys(runs, case.tasks * case.repeats), base)
    return [
        figure
        | {"case": case.said, "unit": case.unit, "threads": case.threads, "error": errors.get(figure["name"])}
        for figure in found
    ]


def table(found: Sequence[dict[str, Any]]) -> str:
    """The figures as markdown."""
    lines = [
        "| | | a second | slowest to quickest | times the first | gradient's distance |",
        "|---|---|--:|--:|--:|--:|",
    ]
    said = ""
    for row in found:
        unit = row["unit"].removesuffix("/s")
        cells = [
            row["case"] if row["case"] != said else "", row["name"], f"{_short(row['value'])} {unit}",
            f"{_short(row['slowest'])} to {_short(row['quickest'])}", f"{row['ratio']:.2f}",
            "another gradient" if row["error"] is None else f"{row['error']:.0e}",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
        said = row["case"]
    return "\n".join(lines)


def _short(value: float) -> str:
    """A number with about three digits."""
    return f"{value:,.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


def said_of(kept: dict[str, Any]) -> str:
    """What stands in the README."""
    return f"{kept['cores']} CPU cores, {kept['device']}, torch {kept['versions']['torch']}, {kept['date'][:10]}.\n\n{table(kept['figures'])}"


def main() -> None:
    """Read the command line, measure, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="two rounds of everything, printed and not kept")
    quick = parser.parse_args().quick
    begun_at, found = time.perf_counter(), []
    for case in tqdm(CASES, "cases", unit="case"):
        found += measure(case, QUICK if quick else ROUNDS)
    print(table(found))
    if quick:
        return
    kept = race.about() | {
        "device": "cpu",  # whatever else the machine has
        "command": "python -m benchmarks.methods",
        "seconds": round(time.perf_counter() - begun_at),
        "figures": found,
    }
    race.keep("methods", kept, said_of(kept))


if __name__ == "__main__":
    main()
