"""How the lecture recipe of lesson 09 was chosen: one change at a time, judged on the validation characters alone.

    python -m studies.lesson09_lecture_recipe

Trains each candidate for the same number of outer steps on about the same number of pictures a step, tests it at
several shares of its training rates, and writes ``data/results/09-choice.json``, which lesson 09 prints. The test
characters are not touched.
"""

from dataclasses import dataclass, replace

import torch
from tqdm import tqdm

from mlteach.fit import fit
from mlteach.inner import sgd
from mlteach.measure import over_tasks, step_accuracy
from mlteach.measure.ledger import keep_results
from mlteach.nets import Conv4, cross_entropy
from mlteach.outer import maml_gradient
from mlteach.params import Params
from mlteach.tasks import Characters
from studies.shared import tasks_of

SEED, OUTER_STEPS, VALIDATION_TASKS = 0, 600, 400
TEST_RATES, TEST_STEPS = (1.0, 0.1, 0.025), 3


@dataclass(frozen=True)
class Candidate:
    """One recipe. The defaults are the one that was chosen."""

    ways: int = 40
    meta_batch: int = 2
    zero_head: bool = True
    inner_steps: int = 2
    rate_body: float = 0.4
    rate_head: float = 0.5
    outer_rate: float = 5e-3


CHOSEN = Candidate()
CANDIDATES = {
    "40 ways, zero head, two steps (chosen)": CHOSEN,
    "20 ways": replace(CHOSEN, ways=20, meta_batch=4),
    "5 ways, as in the test": replace(CHOSEN, ways=5, meta_batch=16),
    "a learned head, its first five rows tested": replace(CHOSEN, zero_head=False),
    "three inner steps": replace(CHOSEN, inner_steps=3),
    "one inner step, head rate 4 (this is ANIL)": replace(CHOSEN, inner_steps=1, rate_head=4.0),
    "head rate 2": replace(CHOSEN, rate_head=2.0),
    "body rate 0.1": replace(CHOSEN, rate_body=0.1),
    "body rate 1": replace(CHOSEN, rate_body=1.0),
    "outer rate 0.01": replace(CHOSEN, outer_rate=1e-2),
}


def measure(candidate: Candidate, characters: Characters, seed: int = SEED) -> dict:
    """Train one candidate and return its figure for the ledger: the best of the test rates, and which that was."""
    train, validation, _ = characters.split("random")
    net, net5 = (Conv4(ways, 32, head="flatten") for ways in (candidate.ways, 5))
    generator = torch.Generator().manual_seed(seed)
    theta = net.init(generator)
    if candidate.zero_head:
        theta = {name: theta[name] for name in net.body_names}

    def start5(theta: Params) -> Params:
        if candidate.zero_head:
            return net5.zero_head(theta)
        return {name: value[:5] if name in net.head_names else value for name, value in theta.items()}

    def rule(share: float = 1.0):
        rates = dict.fromkeys(net.body_names, share * candidate.rate_body)
        return sgd(rates | dict.fromkeys(net.head_names, share * candidate.rate_head))

    run = fit(
        lambda theta, episode: maml_gradient(
            net,
            cross_entropy,
            theta,
            episode,
            rule(),
            candidate.inner_steps,
            start=net.zero_head if candidate.zero_head else dict,
        ),
        theta,
        lambda g: train.sample(candidate.meta_batch, candidate.ways, 1, 2, generator=g),
        steps=OUTER_STEPS,
        generator=generator,
        lr=candidate.outer_rate,
        schedule="cosine",
        progress=None,
    )
    episodes = tasks_of(validation, VALIDATION_TASKS, 77)
    found = {}
    for share in TEST_RATES:
        curve = step_accuracy(
            net5, run.theta, episodes, rule(share), TEST_STEPS, modes=["transductive"], start=start5
        )
        found[share] = over_tasks(curve["transductive"][:, -1]).scaled(100)
    best = max(found, key=lambda share: found[share].mean)
    return {
        "value": found[best].mean,
        "interval": found[best].half_width,
        "unit": "%",
        "seeds": [seed],
        "seconds": round(run.seconds, 1),
        "device": "cpu",
        "tasks": VALIDATION_TASKS,
        "note": f"tested at {best:g} of the training rates, {run.seconds:.0f} s",
    }


def main() -> None:
    """Measure every candidate and write the file."""
    characters = Characters.omniglot()
    figures = [
        {"name": name, **measure(candidate, characters)}
        for name, candidate in tqdm(CANDIDATES.items(), desc="candidates", unit="recipe")
    ]
    keep_results("09_omniglot_maml", "choice", figures, outer_steps=OUTER_STEPS)
    for figure in figures:
        print(f"{figure['name']:46} {figure['value']:5.1f} ± {figure['interval']:.1f}   {figure['note']}")


if __name__ == "__main__":
    main()
