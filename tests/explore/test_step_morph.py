"""StepMorph: both lines give one number to the last bit, what it says, and that JavaScript computes the same."""

import numpy as np
import pytest
import traitlets

from mlteach.explore import StepMorph
from mlteach.explore.step_morph import LOW, PARTS, STOPS, one_step


def test_both_ways_of_writing_the_step_agree_to_the_last_bit() -> None:
    rng = np.random.default_rng(0)
    for theta, rate in zip(rng.uniform(-3, 5, 500), rng.uniform(0.01, 1.5, 500), strict=True):
        step = one_step(float(theta), float(rate))
        assert step.difference == 0 and step.descent == step.cell == theta - rate * (theta - LOW)


def test_every_stop_says_its_line_and_the_way_between_says_both() -> None:
    morph = StepMorph()
    for k, stop in enumerate(STOPS):
        morph.at = k
        assert morph.summary.startswith(f"Stop {k} of 3, {stop.name}: {stop.line}. {stop.said}.")
        assert morph.summary.endswith("both ways of writing give 0.47; difference 0.")
    morph.at, morph.part = 1.4, "candidate"
    assert morph.summary.startswith(f"40 % of the way from {STOPS[1].line} to {STOPS[2].line}. Lit: minus")
    assert repr(morph) == "StepMorph(at=1.4, part='candidate', theta=0.3, rate=0.1)"
    assert morph.png() != StepMorph().png()


@pytest.mark.parametrize("name, value", [("at", 3.1), ("part", "output gate"), ("theta", 9), ("rate", 0)])
def test_values_out_of_range_are_refused(name: str, value) -> None:
    with pytest.raises(traitlets.TraitError):
        StepMorph(**{name: value})


def test_javascript_computes_the_same_bits_and_says_the_same(javascript) -> None:
    rng = np.random.default_rng(1)
    morphs = [
        StepMorph(
            at=float(rng.integers(0, 4)) if rng.random() < 0.5 else float(rng.uniform(0, 3)),
            part=str(rng.choice(["", *PARTS])),
            theta=float(rng.uniform(-3, 5)),
            rate=float(rng.uniform(0.01, 1.5)),
        )
        for _ in range(100)
    ]
    states = [{key: getattr(morph, key) for key in morph.shows} for morph in morphs]
    theirs = javascript("step_morph", "data.map((s) => [m.oneStep(s.theta, s.rate), m.summary(s)])", states)
    for morph, (numbers, summary) in zip(morphs, theirs, strict=True):
        assert numbers == morph.numbers()._asdict()
        assert summary == morph.summary
