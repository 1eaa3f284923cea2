"""How fast does an optimizer learn to optimize? Ours beside the tutorials' loop and a jitted JAX program.

    .venv/bin/python -m pip install -c constraints.txt -e ".[course,benchmarks]"
    .venv/bin/python -m benchmarks.learned_optimizer

One meta-gradient of lesson 04's LSTM (two layers of 20, one memory for each coordinate): an unroll of 20 steps and the way
back, the problems' gradients counted as constants. On quadratics of ten dimensions, and on the digits network 64-20-10 with
its 1510 coordinates. The LSTM sees the plain gradient (``p=None, raw=1``), the same for all.

The serial loop unrolls one problem after the other, with ``torch.nn.LSTMCell`` called for each tensor. It asks for each loss
once, for its value and its gradient, and so does JAX, which has the problems side by side by ``vmap``. Each row: unrolls of one
problem a second, the ratio to the serial loop in the same round, the distance of the gradient to the serial loop's in float64.
*Compiled* is ``Truncated(..., compiled=True)``: a program of the whole unroll, made once (a minute or more for each case the first
time; kept for the next). One torch thread; JAX takes as many as it likes.

Writes ``data/results/speed-learned-optimizer.json`` and its table in ``benchmarks/README.md``. Keep the machine quiet meanwhile.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks import race
from benchmarks.peers import Run
from mlteach.inner import CoordinatewiseLSTM
from mlteach.nets import MLP, cross_entropy
from mlteach.outer.truncated import Truncated, unrolled
from mlteach.params import Params, gradient_of, leaves
from mlteach.tasks import Digits, Problems, Quadratics

BASE, STEPS, ROUNDS, BATCH = "a serial loop", 20, 15, 64
ROWS = 12_000  # coordinates at once, for the machine's limit
LSTM = CoordinatewiseLSTM(p=None, raw=1.0)
NET = MLP((64, 20, 10), "sigmoid", "uniform")


@dataclass(frozen=True)
class Setting:
    """One meta-gradient: where phi is, the problems as ours, and what a loop of one's own would make them from.

    data: tensors [n, ...] that belong to the problems. One problem is a slice of each.
    loss(theta, data, t), jax_loss(theta, data, t): the loss of one problem, a scalar; theta is a list.
    """

    phi: Params
    problems: Problems
    data: tuple[Tensor, ...]
    loss: Callable[[Sequence[Tensor], Sequence[Tensor], int], Tensor]
    jax_loss: Callable[[Any, Any, Any], Any]


def quadratics(count: int, dtype: torch.dtype) -> Setting:
    """The same quadratics every time. W and y are drawn a second time, as `Quadratics` draws them."""
    problems = Quadratics().sample(count, generator=torch.Generator().manual_seed(0), dtype=dtype)
    again = torch.Generator().manual_seed(0)
    W, y = (torch.randn(count, *shape, generator=again, dtype=torch.float64) for shape in ((10, 10), (10,)))

    def loss(theta: Any, data: Any, t: Any) -> Any:
        return ((data[0] @ theta[0] - data[1]) ** 2).sum()

    return Setting(_phi(dtype), problems, (W.to(dtype), y.to(dtype)), loss, loss)


def digits(count: int, dtype: torch.dtype) -> Setting:
    """The same starts and minibatches every time. The minibatches are drawn a second time, as `Digits` draws them."""
    own, again = (torch.Generator().manual_seed(0) for _ in range(2))
    half = Digits.load("train")
    problems = half.problems(NET, cross_entropy, count, steps=STEPS, generator=own, batch=BATCH, dtype=dtype)
    for _ in range(count):  # the starts come first
        NET.init(again, dtype)
    chosen = torch.randint(len(half.y), (STEPS + 1, count, BATCH), generator=again).transpose(0, 1)

    def loss(theta: Sequence[Tensor], data: Sequence[Tensor], t: int) -> Tensor:
        weight1, bias1, weight2, bias2 = theta
        hidden = torch.sigmoid(F.linear(data[0][t], weight1, bias1))
        return F.cross_entropy(F.linear(hidden, weight2, bias2), data[1][t])

    def jax_loss(theta: Any, data: Any, t: Any) -> Any:
        import jax

        weight1, bias1, weight2, bias2 = theta
        hidden = jax.nn.sigmoid(data[0][t] @ weight1.T + bias1)
        logs = jax.nn.log_softmax(hidden @ weight2.T + bias2)
        return -jax.numpy.take_along_axis(logs, data[1][t][:, None], axis=1).mean()

    return Setting(_phi(dtype), problems, (half.x.to(dtype)[chosen], half.y[chosen]), loss, jax_loss)


def _phi(dtype: torch.dtype) -> Params:
    phi = LSTM.init(torch.Generator().manual_seed(1))
    return {name: value.to(dtype) for name, value in phi.items()}


def serial(setting: Setting) -> Run:
    """One problem after the other, as tutorials have it; their gradients add up in ``.grad``."""
    cells, output = [nn.LSTMCell(1, 20), nn.LSTMCell(20, 20)], nn.Linear(20, 1)
    learned = nn.ModuleList([*cells, output]).to(setting.phi["output.bias"].dtype)
    inside = [each for cell in cells for each in (cell.weight_ih, cell.weight_hh, cell.bias_ih)]
    parameters = [*inside, output.weight, output.bias]
    with torch.no_grad():
        for own, value in zip(parameters, setting.phi.values(), strict=True):
            own.copy_(value.view_as(own))
        for cell in cells:
            cell.bias_hh.zero_()  # ours has one bias where LSTMCell adds two

    def move(gradient: Tensor, memory: list[Any]) -> tuple[Tensor, list[Any]]:
        first = cells[0](gradient.reshape(-1, 1), memory[0])
        second = cells[1](first[0], memory[1])
        return LSTM.scale * output(second[0]).view_as(gradient), [first, second]

    def run() -> list[Tensor]:
        learned.zero_grad()
        for n in range(setting.problems.count):
            data = [each[n] for each in setting.data]
            theta = [value[n].clone().requires_grad_() for value in setting.problems.start.values()]
            memories: list[Any] = [[None, None] for _ in theta]
            value, total = setting.loss(theta, data, 0), torch.zeros(())
            for t in range(STEPS):
                gradients = torch.autograd.grad(value, theta, retain_graph=True)
                for k, gradient in enumerate(gradients):
                    moved, memories[k] = move(gradient, memories[k])
                    theta[k] = theta[k] + moved
                value = setting.loss(theta, data, t + 1)
                total = total + value
            (total / (STEPS * setting.problems.count)).backward()
        return [parameter.grad for parameter in parameters]  # type: ignore[misc]

    return run


def ours(setting: Setting) -> Run:
    """`mlteach.outer.truncated.unrolled` on all problems at once, as `Truncated` calls it."""

    def run() -> list[Tensor]:
        phi = leaves(setting.phi)
        value, _ = unrolled(LSTM.rule(phi), setting.problems, setting.problems.start, range(STEPS))
        return list(gradient_of(value, phi).values())

    return run


def compiled(setting: Setting) -> Run:
    """`mlteach.outer.Truncated`, compiled: the problems are an input, so what was made once serves all of these shapes."""
    training = Truncated(
        LSTM.rule, lambda generator: setting.problems, steps=STEPS, unroll=STEPS, compiled=True
    )
    return lambda: list(training.gradient(setting.phi, setting.problems)[0].values())


def jax_vmap(setting: Setting) -> Run:
    """A scan over the steps, a vmap over the problems, compiled once."""
    import jax
    from jax.flatten_util import ravel_pytree

    if setting.phi["output.bias"].dtype == torch.float64:
        jax.config.update("jax_enable_x64", True)
    np = jax.numpy

    def cell(x: Any, memory: Any, inputs: Any, hidden: Any, bias: Any) -> Any:
        both = np.concatenate([x, memory[0]], 1) @ np.concatenate([inputs, hidden], 1).T
        i, f, g, o = np.split(both + bias, 4, axis=1)
        c = jax.nn.sigmoid(f) * memory[1] + jax.nn.sigmoid(i) * np.tanh(g)
        return jax.nn.sigmoid(o) * np.tanh(c), c

    def mean_loss(phi: Any, start: Any, data: Any) -> Any:
        flat, unflat = ravel_pytree(start)

        def loss(flat: Any, t: Any) -> Any:
            return setting.jax_loss(unflat(flat), data, t)

        def step(carry: Any, t: Any) -> Any:
            flat, first, second = carry
            value, gradient = jax.value_and_grad(loss)(flat, t)
            first = cell(jax.lax.stop_gradient(gradient)[:, None], first, *phi[:3])
            second = cell(first[0], second, *phi[3:6])
            return (flat + LSTM.scale * (second[0] @ phi[6] + phi[7]), first, second), value

        empty = (np.zeros((flat.size, 20), flat.dtype),) * 2
        (end, *_), values = jax.lax.scan(step, (flat, empty, empty), np.arange(STEPS))
        return (values[1:].sum() + loss(end, STEPS)) / STEPS  # values[0] is the start's, before any move

    def objective(phi: Any, start: Any, data: Any) -> Any:
        return jax.vmap(mean_loss, (None, 0, 0))(phi, start, data).mean()

    told = (setting.phi.values(), setting.problems.start.values(), setting.data)
    arguments = [[np.asarray(each.numpy()) for each in tensors] for tensors in told]
    gradient = jax.jit(jax.grad(objective))

    def run() -> list[Tensor]:
        found = jax.block_until_ready(gradient(*arguments))
        return [torch.from_numpy(jax.device_get(each).copy()) for each in found]

    return run


def limit(setting: Setting) -> float:
    """The most unrolls a second there could be: PyTorch's own LSTM of this size through 20 steps and back.

    Nothing else of an unroll is in it: no problem, no update of theta. As many coordinates at once as here, or many more: the
    quicker of the two.
    """
    whole = nn.LSTM(1, 20, 2).to(setting.phi["output.bias"].dtype)
    own = sum(value[0].numel() for value in setting.problems.start.values())

    def passed(rows: int) -> Run:
        x = torch.zeros(STEPS, rows, 1)
        return lambda: list(torch.autograd.grad(whole(x)[0].sum(), list(whole.parameters())))

    seconds = race.timed({str(n): passed(n) for n in (own * setting.problems.count, ROWS)}, 7, "the limit")
    return max(int(rows) / statistics.median(taken) for rows, taken in seconds.items()) / own


PEERS = {BASE: serial, "JAX, vmap": jax_vmap, "mlteach": ours, "mlteach, compiled": compiled}
CASES = {
    "quadratics, 1 problem": (quadratics, 1, None),
    "quadratics, 16 problems": (quadratics, 16, None),
    "quadratics, 128 problems": (quadratics, 128, 20.0),
    "digits, 1 problem": (digits, 1, None),
    "digits, 8 problems": (digits, 8, None),
}


def measure(said: str, rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """All figures of one case."""
    made, count, _ = CASES[said]
    exact, setting = made(count, torch.float64), made(count, torch.float32)
    base = serial(exact)()
    errors = {name: race.error(peer(exact)(), base) for name, peer in PEERS.items()}
    most = limit(setting)
    commands = {name: ["benchmarks.learned_optimizer", "--alone", said, name] for name in PEERS}
    seconds = race.meet(commands, lambda name: PEERS[name](setting), rounds, said)
    found = race.figures(seconds, dict.fromkeys(seconds, count), BASE)
    for figure in found:
        name = figure["name"]
        figure |= {
            "unit": "unrolls/s",
            "case": said,
            "error": errors[name],
            "share": round(figure["value"] / most, 3),
            "peak_mb": round(race.peak_memory(*commands[name])),
        }
    return found


def alone(said: str, name: str, served: bool) -> None:
    """One contestant in a process of its own."""
    made, count, _ = CASES[said]
    race.alone(PEERS[name](made(count, torch.float32)), served)


def table(found: Sequence[dict[str, Any]]) -> str:
    """The figures as markdown, a table for each case."""
    headings = {
        said: f"**{said}**" + (f" (aim {aim:g} times the serial loop)" if aim else "")
        for said, (_, _, aim) in CASES.items()
    }
    return race.case_tables(found, headings, unit="unrolls/s", base="the serial loop")


def said_of(kept: dict[str, Any]) -> str:
    """What stands in the README."""
    versions = f"torch {kept['versions']['torch']}, jax {kept['versions']['jax']}"
    how = f"One torch thread on {kept['cores']} CPU cores, JAX as it likes, {versions}, {kept['date'][:10]}."
    return f"{how}\n\n{table(kept['figures'])}".rstrip()


def main() -> None:
    """Read the command line, measure, write."""
    race.cases(
        "learned-optimizer",
        __doc__,
        [*CASES],
        unit="case",
        measure=measure,
        alone=alone,
        table=table,
        said_of=said_of,
    )


if __name__ == "__main__":
    main()
