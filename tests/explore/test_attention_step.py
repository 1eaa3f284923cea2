"""AttentionStep: its layers are the package's, its steps are `adapt`'s, and JavaScript computes and says the same."""

import numpy as np
import pytest
import torch
import traitlets

from mlteach.explore import AttentionStep
from mlteach.inner import adapt, sgd
from mlteach.nets import LinearAttention


def test_the_layers_are_the_package_s_and_the_steps_are_those_of_adapt() -> None:
    step = AttentionStep(layers=3, rate=0.3, scale=1.3, question=-0.7)
    said = step.said()
    x, y = (1.3 * torch.tensor(step.points, dtype=torch.float64)).split(1, dim=1)
    asked = torch.tensor([[1.3 * -0.7]], dtype=torch.float64)
    net = LinearAttention(1, 3)
    assert said.layers == pytest.approx(net(net.descent([0.3] * 3), x, y, asked).item(), abs=1e-12)
    start = {"w": torch.zeros(1, 1, dtype=torch.float64)}
    path = adapt(lambda p: (x @ p["w"] - y).square().mean() / 2, start, sgd(0.3), 3, path=True)
    assert said.weights == pytest.approx([each["w"].item() for each in path], abs=1e-12)
    assert said.steps == pytest.approx(said.layers, abs=1e-12)
    assert "equal to rounding" in step.summary and "above" not in step.summary


@pytest.mark.parametrize(
    "name, value",
    [("layers", 9), ("rate", 2.0), ("scale", 3.0), ("question", 2.5), ("points", [[0.0, 4.0]] * 6)],
)
def test_values_out_of_range_are_refused(name: str, value) -> None:
    with pytest.raises(traitlets.TraitError):
        AttentionStep(**{name: value})


def test_javascript_computes_and_says_the_same(javascript) -> None:
    rng, step, states, ours = np.random.default_rng(0), AttentionStep(), [], []
    for _ in range(40):
        step.points = [[float(rng.uniform(-2, 2)), float(rng.uniform(-2.4, 2.4))] for _ in range(6)]
        step.question, step.rate = float(rng.uniform(-2, 2)), float(rng.uniform(0, 1.5))
        step.layers, step.scale = int(rng.integers(9)), float(rng.uniform(0.5, 1.8))
        states.append({key: getattr(step, key) for key in step.shows})
        said = step.said()
        ours.append((said.layers, said.steps, said.ridge, step.summary))
    theirs = javascript(
        "attention_step",
        "data.map((s) => { const a = m.said(s); return [a.layers, a.steps, a.ridge, m.summary(s)]; })",
        states,
    )
    for mine, other in zip(ours, theirs, strict=True):
        assert other[:3] == pytest.approx(mine[:3], rel=1e-9, abs=1e-12) and other[3] == mine[3]
