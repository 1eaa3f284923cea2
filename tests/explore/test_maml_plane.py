"""MamlPlane: its gradients are the package's, its resting places are where they vanish, and JavaScript computes the same."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import traitlets

from mlteach.explore import MamlPlane
from mlteach.explore.maml_plane import BOWLS, METHODS, adapt, length, pull_back
from mlteach.inner import sgd
from mlteach.outer import maml_gradient, reptile_gradient
from mlteach.tasks.episode import Episode


def bowl_net(params: dict[str, torch.Tensor], matrix: torch.Tensor) -> torch.Tensor:
    """A bowl as a "network": its x is the Hessian, its y the lowest point."""
    return torch.cat([matrix, params["theta"].unsqueeze(-1)], -1)


def bowl_loss(out: torch.Tensor, low: torch.Tensor) -> torch.Tensor:
    away = out[..., -1:] - low
    return (away.transpose(-1, -2) @ out[..., :-1] @ away).squeeze((-1, -2)) / 2


def package(plane: MamlPlane) -> torch.Tensor:
    """The outer gradient as `mlteach.outer` computes it, which knows nothing of bowls."""
    bowls = plane.bowls.values()
    matrix = torch.tensor([b.hessian for b in bowls], dtype=torch.float64).reshape(3, 2, 2)
    low = torch.tensor([b.low for b in bowls], dtype=torch.float64)[..., None]
    theta = {"theta": torch.tensor(plane.theta, dtype=torch.float64)}
    episode, rule = Episode(matrix, low, matrix, low), sgd(plane.alpha)
    if plane.method == "Reptile":
        return reptile_gradient(bowl_net, bowl_loss, theta, episode, rule, plane.k)[0]["theta"]
    steps = 0 if plane.method == "joint training" else plane.k
    first = plane.method == "FOMAML"
    return maml_gradient(bowl_net, bowl_loss, theta, episode, rule, steps, first_order=first)[0]["theta"]


def planes(count: int) -> list[MamlPlane]:
    """Planes of every method with traits from all of their ranges."""
    rng = np.random.default_rng(3)

    def points(n: int) -> list[tuple[float, float]]:
        return [(float(x), float(y)) for x, y in rng.uniform((-2.5, -1.65), (2.5, 1.65), (n, 2)).round(3)]

    return [
        MamlPlane(
            list(METHODS)[n % 4],
            alpha=round(float(rng.uniform(0.01, 0.6)), 2),
            k=int(rng.integers(0, 9)),
            start=points(1)[0] if rng.random() < 0.8 else None,
            optima=tuple(points(3)) if rng.random() < 0.3 else None,
            outer=int(rng.integers(0, 61)) if rng.random() < 0.5 else 0,
            task=str(rng.choice(["closed", "guess", "judged"])),
        )
        for n in range(count)
    ]


def test_the_outer_gradient_is_the_package_s() -> None:
    for plane in planes(40):
        if plane.method == "Reptile" and plane.k == 0:
            continue
        expected, tolerance = package(plane).numpy(), 1e-10 * max(1.0, float(np.abs(plane.pulls()).max()))
        np.testing.assert_allclose(plane.meta_gradient(), expected, rtol=1e-10, atol=tolerance)


def test_a_method_rests_where_its_gradient_is_zero_and_goes_there() -> None:
    for method in METHODS:
        plane = MamlPlane(method)
        place = plane.rest()
        assert place is not None and plane.rest(method) == place
        plane.start = place
        assert np.abs(plane.meta_gradient()).max() < 1e-12
        plane.start, plane.outer = None, 60
        assert plane.theta == pytest.approx(place, abs=2e-3)


def test_the_three_rest_apart_and_maml_by_the_flat_bowl() -> None:
    plane = MamlPlane()
    maml, first, joint = (plane.rest(method) for method in ("MAML", "FOMAML", "joint training"))
    assert maml and first and joint
    assert (
        min(length((a[0] - b[0], a[1] - b[1])) for a, b in ((maml, first), (first, joint), (maml, joint)))
        > 0.5
    )
    away = [length((x - BOWLS["B"].low[0], y - BOWLS["B"].low[1])) for x, y in (maml, first, joint)]
    assert away == sorted(away)
    assert plane.rest("Reptile") == pytest.approx(joint), "one step of Reptile is joint training"
    plane.k = 0
    assert plane.rest("MAML") == plane.rest("FOMAML") == joint
    assert plane.rest("Reptile") is None, "without a step nothing moves"


def test_no_start_is_better_after_the_steps_than_maml_s() -> None:
    plane, rng = MamlPlane(k=2), np.random.default_rng(0)
    plane.start = plane.rest()
    assert plane.score == 1
    for x, y in rng.uniform((-2.5, -1.65), (2.5, 1.65), (50, 2)):
        plane.start = (float(x), float(y))
        assert plane.score > 1


def test_pulled_back_the_flat_bowl_pulls_hardest_which_pulled_least_before() -> None:
    sizes = {method: [length(tuple(p)) for p in MamlPlane(method).pulls()] for method in METHODS}
    assert np.argmin(sizes["joint training"]) == np.argmin(sizes["FOMAML"]) == np.argmax(sizes["MAML"]) == 1
    plane = MamlPlane(k=3)
    for bowl, g, pulled in zip(plane.bowls.values(), plane.gradients(), plane.pulls(), strict=True):
        back = np.linalg.matrix_power(np.eye(2) - 0.25 * np.reshape(bowl.hessian, (2, 2)), 3)
        np.testing.assert_allclose(pulled, back @ g, atol=1e-14)
        assert pull_back(bowl, tuple(g), 0.25, 3)[0] == tuple(g)
        assert len(adapt(bowl, plane.theta, 0.25, 3)) == 4


def test_the_task_rewards_a_place_set_by_hand_and_is_covered_until_it_is_judged() -> None:
    plane = MamlPlane(task="guess")
    assert plane.stars == 0 and plane.summary.endswith("covered until you press Judge.")
    others = [plane.rest(method) for method in ("FOMAML", "joint training")]
    for place in others:
        plane.start = place
        assert plane.stars == 0
    plane.start, plane.task = plane.rest("MAML"), "judged"
    assert plane.stars == 3 and plane.summary.endswith("3 of 3 stars.")
    plane.outer = 1
    assert plane.stars == 0, "these were the method's steps"
    plane.outer, plane.optima = 0, ((0.0, 0.0),) * 3
    assert plane.stars == 0, "with one lowest point for all there is nothing to find"
    plane.optima, plane.alpha = None, 0.01
    plane.start = plane.rest("MAML")
    assert plane.stars == 0, "with so short a step joint training's start is as good"


def test_what_runs_away_is_cut_and_said() -> None:
    plane = MamlPlane(alpha=0.6, k=8, outer=60)
    assert len(plane.walk()) < 61 and "it runs away at outer step" in plane.summary
    assert MamlPlane("FOMAML", alpha=0.6, k=5).rest() is None, "a gradient that points away lets nothing rest"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("method", "ANIL", "MAML"),
        ("alpha", 0.0, "0.01"),
        ("k", 9, "8"),
        ("outer", 61, "60"),
        ("start", (3.0, 0.0), r"start must lie within -2.5 to 2.5 and -1.65 to 1.65, not \(3.0, 0.0\)\."),
        ("optima", ((0.0, 0.0), (0.0, 2.0), (0.0, 0.0)), r"optima must lie within .*, not \(0.0, 2.0\)\."),
        ("task", "won", "judged"),
    ],
)
def test_values_out_of_range_are_refused(name: str, value: Any, says: str) -> None:
    with pytest.raises(traitlets.TraitError, match=says):
        MamlPlane(**{name: value})


def test_an_unknown_method_has_no_resting_place() -> None:
    with pytest.raises(ValueError, match="No method is called 'ANIL'. Choose one of: MAML, FOMAML,"):
        MamlPlane().rest("ANIL")


def test_every_state_has_its_picture_and_repr() -> None:
    pictures = {
        MamlPlane(**traits).png() for traits in ({}, {"method": "Reptile"}, {"outer": 5}, {"task": "guess"})
    }
    assert len(pictures) == 4
    assert repr(MamlPlane(k=3)) == (
        "MamlPlane(method='MAML', alpha=0.25, k=3, start=None, optima=None, outer=0, task='closed')"
    )


def test_javascript_computes_and_says_the_same(javascript: Callable[..., Any]) -> None:
    ours = [*planes(120), *(MamlPlane(method) for method in METHODS)]
    states = [{key: getattr(plane, key) for key in plane.shows} for plane in ours]
    theirs = javascript(
        "maml_plane", "data.map((s) => [m.walk(s), m.summary(s), m.score(s), m.stars(s)])", states
    )
    for plane, (path, summary, score, stars) in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(path, plane.walk(), rtol=1e-9, atol=1e-9)
        assert summary == plane.summary
        assert stars == plane.stars
        assert score == pytest.approx(plane.score, rel=1e-9) or (score is None and plane.score == np.inf)
