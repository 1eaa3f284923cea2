"""TwoViews: its views and cosines are what torch makes of them, and JavaScript computes and says the same."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import traitlets

from mlteach.explore import TwoViews
from mlteach.explore.two_views import COUNT, EYES, moved


def test_a_view_is_grid_sampled_and_a_still_one_is_the_picture() -> None:
    views = TwoViews.recorded(right=0.0, down=0.0)
    np.testing.assert_allclose(views.other(), views._pictures, atol=1e-10)
    picture = views._pictures[2].astype(np.float64)
    angle, axis = np.radians(20), torch.arange(28, dtype=torch.float64) - 13.5
    v, u = torch.meshgrid(axis - 1.5, axis - 2.5, indexing="ij")
    x, y = np.cos(angle) * u + np.sin(angle) * v, np.cos(angle) * v - np.sin(angle) * u
    x, y = x + 1.2 * (2 * torch.pi * y / 28).sin(), y + 1.2 * (2 * torch.pi * x / 28).sin()
    grid = torch.stack([x, y], -1)[None] / 13.5
    theirs = F.grid_sample(torch.tensor(picture)[None, None], grid, align_corners=True)[0, 0]
    np.testing.assert_allclose(moved(picture, 2.5, 1.5, 20, 1.2), theirs.numpy(), atol=1e-9)


def test_the_network_trained_on_shifts_finds_what_pixels_lose() -> None:
    found = {}
    for eye in EYES:
        similar = TwoViews.recorded(right=3.0, down=2.0, eye=eye).cosines()
        assert similar.shape == (COUNT, COUNT) and np.abs(similar).max() <= 1 + 1e-9
        found[eye] = (similar.argmax(1) == np.arange(COUNT)).sum()
    assert found["views"] == COUNT > found["pixels"]


@pytest.mark.parametrize(
    "name, value", [("right", 7.0), ("turn", 50.0), ("picture", COUNT), ("eye", "labels")]
)
def test_values_out_of_range_are_refused(name: str, value) -> None:
    with pytest.raises(traitlets.TraitError):
        TwoViews.recorded(**{name: value})


def test_javascript_sees_alike_and_says_the_same(javascript) -> None:
    rng, views, states, ours = np.random.default_rng(1), TwoViews.recorded(), [], []
    for k in range(9):
        views.right, views.down = (round(float(each), 1) for each in rng.uniform(-6, 6, 2))
        views.turn, views.bend = float(rng.integers(-45, 46)), round(float(rng.uniform(-4, 4)), 1)
        views.picture, views.eye = int(rng.integers(COUNT)), list(EYES)[k % 3]
        states.append({key: getattr(views, key) for key in views.shows})
        ours.append((views.cosines(), views.summary))
    weights = np.frombuffer(views.weights, "<f4").tolist()
    data = {"pictures": views._pictures.reshape(COUNT, -1).tolist(), "weights": weights, "states": states}
    theirs = javascript(
        "two_views",
        "((d) => data.states.map((s) => { const c = m.cosines(d, s); return [c, m.summary(c, s)]; }))"
        "({ pictures: data.pictures, nets: m.networks(data.weights) })",
        data,
    )
    for (similar, said), (similar_js, said_js) in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(similar_js, similar, atol=1e-9)
        assert said_js == said
