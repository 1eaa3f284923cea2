"""LossPull: the pulls are what a first step does, what it says, and that JavaScript computes the same."""

import numpy as np
import pytest
import torch
import traitlets

from mlteach.explore import LossPull
from mlteach.explore.loss_pull import KINDS, LOSSES, XS
from mlteach.nets import MLP
from mlteach.params import Params


def arms() -> dict[str, Params]:
    """Three arms of which nothing is zero, so that every term of the gradient counts."""
    g = torch.Generator().manual_seed(0)
    made = {name: kind.init(g, MLP().init(g)) for name, kind in KINDS.items()}
    for theta in made.values():
        for name in theta:
            theta[name] = theta[name] + (0.2 if name.startswith("loss") else 0.001) * torch.randn(
                theta[name].shape, generator=g
            )
    return made


def test_the_squared_errors_pull_is_its_first_step_seen_from_one_point() -> None:
    pull = LossPull(arms(), off=[0.0] * 10, at=3, steps=1)
    theta = pull._theta("mse")
    k = pull.moved("mse", np.array([1.0]))[0]
    assert pull.moved("mse", np.array([-3.0]))[0] == pytest.approx(-3 * k)  # a straight line through zero
    rates = {n.removeprefix("rate."): v for n, v in theta.items() if n.startswith("rate.")}
    start = {n: v.clone().requires_grad_() for n, v in theta.items() if n in rates}
    x = torch.tensor([[XS[3]]], dtype=torch.float64)
    answer = MLP()(start, x)
    g = dict(zip(start, torch.autograd.grad(answer.sum(), list(start.values())), strict=True))
    h = 1e-5  # an answer that is to go up by h, alone among ten
    moved = {n: start[n].detach() + h * rates[n] * 2 / 10 * g[n] for n in start}
    assert (MLP()(moved, x) - answer).item() / h == pytest.approx(k, rel=1e-4)


def test_a_robust_pull_stops_growing_and_traits_are_checked() -> None:
    pull = LossPull(arms())
    near, far = np.abs(pull.moved("robust", np.array([1.0, 10.0])))
    assert far / near < 5 < np.divide(*np.abs(pull.moved("mse", np.array([10.0, 1.0]))))
    assert "1 of 10 labels off" in pull.summary and "Point 8, off by -7" in pull.summary
    pull.load("all true")
    assert "all labels true" in pull.summary
    for trait, value in (("off", [0.0] * 9), ("at", 10), ("told", 0.0), ("steps", 3)):
        with pytest.raises(traitlets.TraitError):
            setattr(pull, trait, value)


def test_javascript_computes_the_same_and_says_the_same(javascript) -> None:
    rng, made = np.random.default_rng(1), arms()
    pulls = [
        LossPull(
            made, amplitude=float(rng.uniform(0.5, 5)), phase=float(rng.uniform(0, 3)), at=int(rng.integers(10)),
            off=[float(v) for v in rng.uniform(-8, 8, 10) * (rng.random(10) < 0.3)], steps=int(rng.integers(3)), told=told,
        )
        for told in (1.0, 3.0, 0.5)
    ]  # fmt: skip
    shared = {"shapes": pulls[0].shapes, "bytes": list(pulls[0].weights)}
    states = [
        {key: getattr(pull, key) for key in ("amplitude", "phase", "off", "at", "steps", "told")}
        for pull in pulls
    ]
    theirs = javascript(
        "loss_pull",
        """(() => { const arms = m.read(data.shapes, new DataView(Uint8Array.from(data.bytes).buffer));
        return data.states.map((s) => [Object.keys(arms).map((arm) => [m.curve(m.adapted(arm, arms[arm], m.labels_(s), s.steps)),
        m.moved(arm, arms[arm], s, [-4, 0.5, 7])]), m.summary(s, arms)]); })()""",
        shared | {"states": states},
    )
    for pull, (numbers, summary) in zip(pulls, theirs, strict=True):
        for arm, (curve, moved) in zip(LOSSES, numbers, strict=True):
            assert np.allclose(curve, pull.curve(arm), rtol=1e-9, atol=1e-9), arm
            assert np.allclose(moved, pull.moved(arm, np.array([-4, 0.5, 7])), rtol=1e-9, atol=1e-12), arm
        assert summary == pull.summary
