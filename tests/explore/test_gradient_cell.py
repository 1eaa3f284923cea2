"""GradientCell: the mathematics, what it says, and that JavaScript computes the same."""

import numpy as np
import pytest
import traitlets

from mlteach.explore import GradientCell
from mlteach.explore.gradient_cell import SURFACES, best_rate


def test_with_open_forget_gate_and_equal_rate_the_cell_is_gradient_descent_to_the_last_bit() -> None:
    for surface in SURFACES:
        cell = GradientCell(surface=surface, input=0.03, rate=0.03)
        paths = cell.paths()
        assert np.array_equal(paths.cell, paths.descent)
        assert cell.summary == "f = 1, i = 0.03: the cell is gradient descent; largest difference 0."


@pytest.mark.parametrize("surface", SURFACES)
def test_gradients_are_those_of_the_loss(surface: str) -> None:
    loss, gradient, h = SURFACES[surface].loss, SURFACES[surface].gradient, 1e-6
    for x, y in np.random.default_rng(0).uniform(-2, 2, (20, 2)):
        numeric = [(loss(x + h, y) - loss(x - h, y)) / (2 * h), (loss(x, y + h) - loss(x, y - h)) / (2 * h)]
        assert gradient(x, y) == pytest.approx(numeric, rel=1e-6, abs=1e-6)
    assert gradient(*SURFACES[surface].low) == pytest.approx((0, 0), abs=1e-12)


def test_a_forget_gate_below_one_is_weight_decay() -> None:
    """theta - a * (g + d * theta) = (1 - a d) * theta - a * g."""
    cell = GradientCell(surface="bowl", forget=1 - 0.05 * 0.4, input=0.05)
    x, y = -0.8, 1.1
    for ours in cell.paths().cell:
        assert ours == pytest.approx((x, y), abs=1e-12)
        gx, gy = SURFACES["bowl"].gradient(x, y)
        x, y = x - 0.05 * (gx + 0.4 * x), y - 0.05 * (gy + 0.4 * y)


def test_paths_that_run_away_are_cut_and_said() -> None:
    cell = GradientCell(surface="ravine", input=0.5, rate=0.05)
    paths = cell.paths()
    assert paths.cell.shape == paths.descent.shape == (21, 2)
    assert np.isnan(paths.cell[-1]).all() and np.isfinite(paths.descent).all()
    assert "the cell leaves the picture at step" in cell.summary
    assert cell.stars == 0


def test_the_task_rewards_momentum_and_neither_rates_nor_forgetting() -> None:
    best = best_rate("ravine", SURFACES["ravine"].start)[0]
    cell = GradientCell(rate=best, input=best)
    assert cell.score == pytest.approx(1, rel=1e-6) and cell.stars == 0
    for forget in np.linspace(0.8, 1.02, 23):
        cell.forget = float(forget)
        assert cell.score < 1.05
    cell.set_trait("forget", 1.0)
    cell.momentum, cell.input = 0.6, 0.063
    assert cell.stars == 3 and cell.summary.endswith("★★★")
    cell.surface = "bowl"
    assert cell.stars == 0
    assert GradientCell(start=SURFACES["ravine"].low, momentum=0.5).stars == 0


@pytest.mark.parametrize(
    "name, value", [("forget", 2), ("input", 0), ("momentum", -1), ("surface", "hill"), ("steps", 0)]
)
def test_values_out_of_range_are_refused(name: str, value) -> None:
    with pytest.raises(traitlets.TraitError):
        GradientCell(**{name: value})


def test_javascript_walks_the_same_paths_and_says_the_same(javascript) -> None:
    rng = np.random.default_rng(3)
    cells = [
        GradientCell(
            surface=str(rng.choice(list(SURFACES))),
            start=None if rng.random() < 0.2 else tuple(rng.uniform(-1.5, 1.5, 2).round(3)),
            forget=round(float(rng.uniform(0.8, 1.02)), 3),
            input=float(10 ** rng.uniform(-3, -0.5)),
            momentum=float(rng.uniform(0, 0.95)),
            rate=float(10 ** rng.uniform(-3, -0.5)),
            steps=int(rng.integers(1, 40)),
        )
        for _ in range(120)
    ] + [GradientCell(surface=s) for s in SURFACES]  # fmt: skip
    states = [{key: getattr(c, key) for key in c.shows} for c in cells]
    theirs = javascript("gradient_cell", "data.map((s) => [m.paths(s), m.summary(s), m.score(s)])", states)
    for cell, (paths, summary, score) in zip(cells, theirs, strict=True):
        for name in ("descent", "cell"):
            ours = getattr(cell.paths(), name)
            length = int(np.isfinite(ours[:, 0]).sum())
            assert len(paths[name]) == length
            np.testing.assert_allclose(np.array(paths[name]), ours[:length], rtol=1e-6, atol=1e-6)
        assert summary == cell.summary
        assert score == pytest.approx(cell.score, rel=1e-6)
