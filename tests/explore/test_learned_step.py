"""LearnedStep: the package's own rules see the same gradients; JavaScript computes and says the same."""

import math

import numpy as np
import pytest
import torch
import traitlets

from mlteach.errors import DataError
from mlteach.explore import LearnedStep
from mlteach.explore.learned_step import OPTIMIZERS, SCENES, STEPS
from mlteach.inner import CoordinatewiseLSTM, Rule, adam, momentum, sgd
from mlteach.params import Params

LSTM = CoordinatewiseLSTM(raw=3.0)


def omega_of(seed: int = 0) -> Params:
    return {name: 2 * value for name, value in LSTM.init(torch.Generator().manual_seed(seed)).items()}


def path(rule: Rule, gradients: np.ndarray) -> list[float]:
    """What the package's rule adds to one weight."""
    theta = {"w": torch.zeros(1, dtype=torch.float64)}
    state, moves = rule.init(theta), []
    for g in gradients:
        after, state = rule.step(theta, {"w": torch.tensor([g])}, state, loss=torch.zeros(()))
        moves.append((after["w"] - theta["w"]).item())
        theta = after
    return moves


@pytest.mark.parametrize("scene", SCENES)
def test_the_steps_are_those_of_the_package_s_rules(scene: str) -> None:
    omega = omega_of()
    step = LearnedStep(omega, 3.0, scene, unit=0.2, rates=(0.5, 0.3, 0.01))
    double = {name: value.double() for name, value in omega.items()}
    rules = dict(zip(OPTIMIZERS, (LSTM.rule(double), sgd(0.5), momentum(0.3, 0.9), adam(0.01)), strict=True))
    for name, found in step.updates().items():
        np.testing.assert_allclose(
            found, path(rules[name], 0.2 * np.array(SCENES[scene])), rtol=1e-9, atol=1e-12
        )


def test_the_answer_to_the_gradient_that_came_is_the_step_that_was_made() -> None:
    step = LearnedStep(omega_of(), 3.0, "noise on a slope", step=9)
    answers, rows = step.responses(np.array([-0.5, step.gradients[8], 0.9])), step.updates()
    for name in OPTIMIZERS:
        assert answers[name][1] == pytest.approx(rows[name][8], rel=1e-9)
        assert abs(answers[name][0] - answers[name][2]) > 1e-6
    step.gradients = tuple(-0.5 if k == 8 else v for k, v in enumerate(step.gradients))
    assert step.updates()["learned"][8] == pytest.approx(answers["learned"][0], rel=1e-9)


def test_a_scene_is_known_until_a_gradient_differs() -> None:
    step = LearnedStep(omega_of(), 3.0)
    assert step.scene == "the same again"
    step.load("turning back")
    assert "scene='turning back'" in repr(step)
    step.gradients = (0.25, *step.gradients[1:])
    assert step.scene == "your own"
    with pytest.raises(traitlets.TraitError, match="no scene 'hill'. Choose one of: the same again"):
        step.load("hill")


@pytest.mark.parametrize(
    ("name", "value"), [("unit", 0), ("step", 17), ("gradients", (2.0,) * STEPS), ("gradients", (0.0,) * 3)]
)
def test_values_out_of_range_are_refused(name: str, value) -> None:
    step = LearnedStep(omega_of(), 3.0)
    with pytest.raises(traitlets.TraitError):
        setattr(step, name, value)


def test_another_network_is_refused() -> None:
    other = CoordinatewiseLSTM(layers=(20, 10), raw=1.0).init(torch.Generator())
    with pytest.raises(ValueError, match="of another one"):
        LearnedStep(other, 1.0)


@pytest.mark.parametrize("family", ["digits", "quadratics"])
def test_the_recorded_ones_go_down_and_are_small(family: str) -> None:
    step = LearnedStep.recorded(family, unit=0.01)
    assert len(step.weights) < 30_000
    assert step.updates()["learned"][3:].max() < 0  # the gradient is positive throughout
    again = LearnedStep.recorded(family, 2)
    assert again.weights != step.weights
    with pytest.raises(DataError, match="seed 99"):
        LearnedStep.recorded(family, 99)


def test_javascript_computes_and_says_the_same(javascript) -> None:
    rng = np.random.default_rng(4)
    steps = [
        LearnedStep(
            omega_of(int(seed % 3)),
            float(rng.choice([0.1, 3.0, 10.0])),
            str(rng.choice(list(SCENES))),
            unit=float(10 ** rng.uniform(-5, 0)),
            step=int(rng.integers(1, STEPS + 1)),
            scale=float(rng.choice([0.1, 1.0])),
            rates=tuple(10 ** rng.uniform(-3, 1, 3)),
        )
        for seed in range(30)
    ] + [LearnedStep(omega_of(), 3.0, scene, unit=1.0) for scene in SCENES]  # fmt: skip
    for step in steps[:20]:
        step.gradients = tuple(rng.uniform(-1, 1, STEPS).round(2))
    keys = ("gradients", "unit", "step", "raw", "scale", "rates")
    data = [
        [{key: getattr(s, key) for key in keys}, np.frombuffer(s.weights, "<f4").astype(float).tolist()]
        for s in steps
    ]
    shares = [-1, -0.3, 0, 0.01, 0.8]
    found = javascript(
        "learned_step",
        f"data.map(([s, n]) => {{ const w = m.unpack(n), u = m.updates(s, w);"
        f" return [u.rows, m.summary(s, w), m.responses(s, w, u.before, {shares})]; }})",
        data,
    )
    for step, (rows, summary, answers) in zip(steps, found, strict=True):
        for name in OPTIMIZERS:
            np.testing.assert_allclose(rows[name], step.updates()[name], rtol=1e-6, atol=1e-12)
            np.testing.assert_allclose(
                answers[name], step.responses(np.array(shares))[name], rtol=1e-6, atol=1e-12
            )
        assert summary == step.summary
        assert math.isfinite(sum(rows["learned"]))
