"""Lesson 02's controls: which gates must be set for a hundred steps, and what it is that they keep out.

    python -m studies.lesson02_four_arms

The lesson's task (which bit was marked?), its networks, its 300 training steps. Each learner in four conditions: as in the
lesson; with a quiet line, where every bit but the marked one is 0; with a start that writes nothing of its own into the
memory (the LSTM's candidate begins without bias and without h, the RNN without bias); and with both. The four LSTMs then as
in the lesson once more, with 1000 training steps. The RNN's rate is chosen for each condition on sequences kept for that.

Writes ``data/results/02-arms.json`` after every group of runs, so that what is done stays.
"""

from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call
from tqdm import tqdm

from mlteach.fit import fit
from mlteach.measure import over_seeds
from mlteach.measure.ledger import keep_results
from mlteach.params import Params, clip

STEPS, SEEDS, TESTED = 100, (1, 2, 3, 4, 5), 2000
CHOOSE, TEST = 77, 99  # the seeds of the sequences that choose and that test, as in the lesson
INPUT, FORGET, CANDIDATE = range(3)  # where torch keeps the parts of an LSTM's vectors


@dataclass(frozen=True)
class Learner:
    """A network and how it starts. biases: by part of the LSTM. empty: nothing of its own flows into the memory."""

    kind: type[torch.nn.RNN] | type[torch.nn.LSTM]
    units: int
    rate: float
    biases: tuple[tuple[int, float], ...] = ()
    identity: bool = False
    empty: bool = False

    def net(self) -> torch.nn.Module:
        return self.kind(2, self.units, batch_first=True)

    def first(self, seed: int) -> Params:
        """The first weights: as torch draws them, but for what is special."""
        n, draw = self.units, torch.Generator().manual_seed(seed)
        shapes = {name: p.shape for name, p in self.net().named_parameters()} | {"answer": (n,)}
        theta = {name: (2 * torch.rand(s, generator=draw) - 1) / n**0.5 for name, s in shapes.items()}
        vectors = (theta["bias_ih_l0"], theta["bias_hh_l0"])
        biases = dict(self.biases) | ({CANDIDATE: 0.0} if self.empty and self.kind is torch.nn.LSTM else {})
        for part, bias in biases.items():
            for vector, value in zip(vectors, (bias, 0.0), strict=True):
                vector[part * n : (part + 1) * n] = value
        if self.identity:
            theta["weight_hh_l0"] = torch.eye(n)
        if self.empty and self.kind is torch.nn.LSTM:
            theta["weight_hh_l0"][CANDIDATE * n : (CANDIDATE + 1) * n] = 0
        elif self.empty:
            for vector in vectors:
                vector.zero_()
        return theta


def _rnn(**about: Any) -> tuple[Learner, ...]:
    return tuple(Learner(torch.nn.RNN, 16, rate, **about) for rate in (0.01, 0.003))


def _lstm(*biases: tuple[int, float]) -> tuple[Learner, ...]:
    return (Learner(torch.nn.LSTM, 8, 0.02, biases),)


#: What is compared, by the lesson's names; of several settings the best on the choosing sequences counts.
LEARNERS: Mapping[str, tuple[Learner, ...]] = {
    "RNN": _rnn(),
    "RNN, identity": _rnn(identity=True),
    "LSTM, as made": _lstm(),
    "LSTM, input shut": _lstm((INPUT, -5.0)),
    "LSTM, forget open": _lstm((FORGET, 5.0)),
    "LSTM, set to remember": _lstm((INPUT, -5.0), (FORGET, 5.0)),
}
#: (how loud the other bits are, whether the start is empty, training steps)
CONDITIONS: Mapping[str, tuple[float, bool, int]] = {
    "as in the lesson": (1.0, False, 300),
    "quiet": (0.0, False, 300),
    "empty": (1.0, True, 300),
    "quiet and empty": (0.0, True, 300),
    "patient": (1.0, False, 1000),
}


def left_out(name: str, condition: str) -> bool:
    """The RNN as torch makes it carries nothing so far, whatever it reads; and RNNs are slow to be patient with."""
    return (name == "RNN" and condition != "as in the lesson") or ("RNN" in name and condition == "patient")


def sample(n: int, loud: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """n sequences [n, STEPS, 2] of bits and marks, and the marked bits [n]; the other bits times ``loud``."""
    bits = torch.randint(0, 2, (n, STEPS), generator=generator)
    at = torch.randint(0, STEPS // 10, (n,), generator=generator)
    marks = F.one_hot(at, STEPS)
    heard = (2 * bits - 1) * torch.where(marks > 0, 1.0, loud)
    return torch.stack([heard, marks.float()], dim=-1), (bits * marks).sum(1).float()


def logit(net: torch.nn.Module, theta: Params, x: Tensor) -> Tensor:
    """What the net says at the last step, [n]."""
    states, _ = functional_call(net, {name: p for name, p in theta.items() if name != "answer"}, x)
    return states[:, -1] @ theta["answer"]


@torch.no_grad()
def percent_right(net: torch.nn.Module, theta: Params, loud: float, seed: int) -> float:
    """Right answers in 100 on sequences drawn from ``seed``."""
    x, bit = sample(TESTED, loud, torch.Generator().manual_seed(seed))
    return 100 * ((logit(net, theta, x) > 0) == (bit > 0)).float().mean().item()


def job(learner: Learner, loud: float, training_steps: int, seed: int) -> tuple[float, float]:
    """One run: right answers in 100 on the choosing sequences and on the tested ones."""
    torch.set_num_threads(1)
    net = learner.net()

    def gradient(theta: Params, episode: Any) -> tuple[Params, dict[str, float]]:
        x, bit = episode
        loss = F.binary_cross_entropy_with_logits(logit(net, theta, x), bit)
        found = torch.autograd.grad(loss, list(theta.values()))
        return clip(dict(zip(theta, found, strict=True)), 1.0), {"loss": loss.item()}

    def batch(draw: torch.Generator) -> Any:  # no episode: `fit` hands on whatever is drawn
        return sample(64, loud, draw)

    run = fit(
        gradient, learner.first(seed), batch, steps=training_steps,
        generator=torch.Generator().manual_seed(seed), lr=learner.rate, schedule="cosine", progress=None,
    )  # fmt: skip
    chosen, tested = (percent_right(net, run.theta, loud, seed) for seed in (CHOOSE, TEST))
    return chosen, tested


def main() -> None:
    """Every learner in every condition, and write."""
    figures = []
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        runs = {
            (name, condition): {
                setting: [
                    pool.submit(job, replace(setting, empty=empty), loud, steps, seed) for seed in SEEDS
                ]
                for setting in settings
            }
            for condition, (loud, empty, steps) in CONDITIONS.items()
            for name, settings in LEARNERS.items()
            if not left_out(name, condition)
        }
        for (name, condition), settings in tqdm(runs.items(), unit="group"):
            done = [[each.result() for each in group] for group in settings.values()]
            best = max(done, key=lambda group: sum(chosen for chosen, _ in group))
            right = [tested for _, tested in best]
            interval = over_seeds(right)
            figures.append({
                "name": f"{name}.{condition}", "value": round(interval.mean, 2), "unit": "% right",
                "interval": round(interval.half_width, 2), "seeds": list(SEEDS), "device": "cpu", "seconds": None,
                "tasks": TESTED, "each": [round(each, 2) for each in right],
                "note": f"{STEPS} steps, {CONDITIONS[condition][2]} training steps; the interval is over seeds",
            })  # fmt: skip
            keep_results(
                "02_rnn_and_lstm_from_the_inside",
                "arms",
                figures,
                command="python -m studies.lesson02_four_arms",
            )
            print(f"{name}, {condition}: {[round(each) for each in right]}", flush=True)


if __name__ == "__main__":
    main()
