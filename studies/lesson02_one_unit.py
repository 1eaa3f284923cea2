"""Lesson 02's cell with one unit: how often does training find the gates that one draws by hand, and what tells it to?

    python -m studies.lesson02_one_unit

The lesson's task (hold the later of two marked values, say it when asked), cell and 600 training steps, over 16 seeds: as in
the lesson; without the part of the loss that asks for silence; and with the biases as torch draws them, not set. What is
counted are the lesson's six tests of the gates, on the sequence that the explorer shows.

Writes ``data/results/02-unit.json``.
"""

from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call
from tqdm import tqdm

from mlteach.explore import LstmGates
from mlteach.fit import fit
from mlteach.measure.ledger import keep_results
from mlteach.params import Params

STEPS, SEEDS = 24, tuple(range(1, 17))
#: (weight of the silence in the loss, whether the biases are set)
ARMS: Mapping[str, tuple[float, bool]] = {
    "as in the lesson": (0.1, True),
    "silence not asked for": (0.0, True),
    "biases not set": (0.1, False),
}
TESTS = ("input opens", "input shut", "forget closes", "forget open", "output opens", "output shut")


def marked(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Sequences [n, STEPS, 2] of values and marks, and the value at the later mark, [n]."""
    values = 2 * torch.rand(n, STEPS, generator=generator) - 1
    at = torch.randint(0, STEPS // 2, (n, 2), generator=generator)
    marks = F.one_hot(at, STEPS).amax(1).float()
    marks[:, -1] = -1
    return torch.stack([values, marks], dim=-1), values.gather(1, at.amax(1, keepdim=True))[:, 0]


def as_drawn(cell: torch.nn.LSTMCell) -> list[bool]:
    """The lesson's six tests, in the order of ``TESTS``."""
    gates = LstmGates("distractors", computed=True, weights=LstmGates.weights_of(cell)).trace()
    write, between, read = 2, slice(3, 23), 23  # in the list: steps 3, 4 to 23, and 24
    found = (
        gates.i[write] > 0.5, gates.i[between].max() < 0.3, gates.f[write] < 0.5, gates.f[between].min() > 0.9,
        gates.o[read] > 0.5, gates.o[between].max() < 0.2,
    )  # fmt: skip
    return [bool(each) for each in found]


def job(silence_counts: float, set_biases: bool, seed: int) -> list[bool]:
    """One run, and what its gates do."""
    torch.set_num_threads(1)
    unit, draw = torch.nn.LSTM(2, 1, batch_first=True), torch.Generator().manual_seed(seed)

    def hold_and_say(theta: Params, episode: Any) -> tuple[Params, dict[str, float]]:
        x, wanted = episode
        says = functional_call(unit, theta, (x,))[0][..., 0]
        silence = says[:, :-1].square().mean()
        loss = F.mse_loss(says[:, -1], torch.tanh(wanted)) + silence_counts * silence
        found = torch.autograd.grad(loss, list(theta.values()))
        return dict(zip(theta, found, strict=True)), {"loss": loss.item()}

    def batch(draw: torch.Generator) -> Any:  # no episode: `fit` hands on whatever is drawn
        return marked(64, draw)

    first = {name: torch.rand(p.shape, generator=draw) - 0.5 for name, p in unit.named_parameters()}
    if set_biases:
        first["bias_ih_l0"][:2] = torch.tensor([-5.0, 5.0])
    run = fit(hold_and_say, first, batch, steps=600, generator=draw, lr=0.05,
              schedule="cosine", progress=None)  # fmt: skip
    cell = torch.nn.LSTMCell(2, 1)
    cell.load_state_dict({name.removesuffix("_l0"): value.detach() for name, value in run.theta.items()})
    return as_drawn(cell)


def main() -> None:
    """Every arm, and write."""
    figures: list[dict[str, Any]] = []
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        runs = {arm: [pool.submit(job, *about, seed) for seed in SEEDS] for arm, about in ARMS.items()}
        for arm, group in tqdm(runs.items(), unit="arm"):
            found = [each.result() for each in group]
            rates = dict(zip(TESTS, (sum(seen) for seen in zip(*found, strict=True)), strict=True))
            for test, count in (rates | {"all six": sum(map(all, found))}).items():
                figures.append({
                    "name": f"{arm}.{test}", "value": count, "unit": f"of {len(SEEDS)} runs", "interval": None,
                    "seeds": list(SEEDS), "seconds": None, "device": "cpu", "tasks": None, "note": "",
                })  # fmt: skip
            keep_results(
                "02_rnn_and_lstm_from_the_inside",
                "unit",
                figures,
                command="python -m studies.lesson02_one_unit",
            )
            print(arm, rates, "all six:", sum(map(all, found)), flush=True)


if __name__ == "__main__":
    main()
