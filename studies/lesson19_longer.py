"""Lesson 19: does the bound learner pass 90 % at the second showing, given more updates than the arms of ``lesson19_memory``?

    python -m studies.lesson19_longer choices   attention, label bound, 2000 updates at three outer rates, on validation characters, one seed
    python -m studies.lesson19_longer bound     the same at the best of these, and its control with the label late, on test characters, three seeds

What is trained, seen and judged is as in `studies.lesson19_memory`, and so is how runs are kept. The rate is the one that was best at the
second showing. The late label has the same rate; and where that is another one, also the rate of its arm in ``lesson19_memory``.
"""

import argparse
from dataclasses import replace

from mlteach.measure.ledger import keep_results, recorded
from mlteach.memory import Attend
from studies.lesson19_memory import (
    EYE,
    LESSON,
    SHOWN,
    Arm,
    Figure,
    arm_figures,
    figure,
    kept_rows,
    result_of,
    train,
)

UPDATES = 2000
RATES = {
    "1e-3, cosine": (1e-3, "cosine"),
    "3e-3, cosine": (3e-3, "cosine"),
    "3e-3": (3e-3, "constant"),
}
LEARNERS = {
    "attention, late": Arm(Attend(EYE), UPDATES),
    "attention, bound": Arm(Attend(2 * EYE), UPDATES, binding=True),
}
CHOICE_SEED, SEEDS = 50, (0, 1, 2)


def at_rate(name: str, rate: str) -> Arm:
    """A learner at one of the rates."""
    lr, schedule = RATES[rate]
    return replace(LEARNERS[name], lr=lr, schedule=schedule)


def choice_run(name: str, rate: str, seed: int) -> Figure:
    """What a learner is after the last update at a rate, on validation characters."""
    run, seconds = train(at_rate(name, rate), seed, every=UPDATES)
    return {key: values[-1] for key, values in run.validation.items() if key != "step"} | {"seconds": seconds}


def bound_run(name: str, rate: str, seed: int) -> Figure:
    """A learner at a rate on test characters, with its curve."""
    arm = at_rate(name, rate)
    run, seconds = train(arm, seed, every=100)
    return result_of(arm, run, seconds)


def choices() -> list[Figure]:
    """The bound learner at all rates, from one seed."""
    jobs: list[Figure] = [{"name": "attention, bound", "rate": r, "seed": CHOICE_SEED} for r in RATES]
    return [
        figure(f"{row['name']}, {row['rate']}.{k}", row[f"showing {k}"], None, [CHOICE_SEED], "100 validation sequences")
        for row in kept_rows("choices", jobs, choice_run) for k in SHOWN
    ]  # fmt: skip


def best() -> str:
    """The rate that was best for the bound learner at the second showing of validation sequences. After ``choices``."""
    found = recorded("19", "choices")
    return max(RATES, key=lambda rate: float(found[f"attention, bound, {rate}.2"]["value"]))


def bound() -> list[Figure]:
    """Bound and late at the bound learner's rate, and late at the rate of its shorter arm; over the seeds, and each by itself."""
    rate, own = best(), "1e-3, cosine"
    arms = {name: (name, rate) for name in LEARNERS}
    if own != rate:
        arms["attention, late, at 1e-3"] = ("attention, late", own)
    rows: list[Figure] = []
    for said, (name, at) in arms.items():
        jobs: list[Figure] = [{"name": name, "rate": at, "seed": seed} for seed in SEEDS]
        found = kept_rows("bound", jobs, bound_run)
        rows += [row | {"name": said} for row in found]
        rows += [row | {"name": f"{said}, seed {row['seed']}"} for row in found]
    rates = [figure(f"{said}.rate", RATES[at][0], None, [], at, "") for said, (_, at) in arms.items()]
    return [*rates, *arm_figures(rows, drawn=tuple(arms))]


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["choices", "bound"])
    what = parser.parse_args().what
    figures = choices() if what == "choices" else bound()
    keep_results(LESSON, what, figures, command=f"python -m studies.lesson19_longer {what}")


if __name__ == "__main__":
    main()
