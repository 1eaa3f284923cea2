"""Projections: nearest points, what Reptile makes small, where it rests, and that JavaScript computes the same."""

import numpy as np
import pytest
import traitlets

from mlteach.explore import Projections
from mlteach.explore.projections import (
    BOX,
    RATE,
    SCENES,
    STARTS,
    adapt,
    distance,
    mean_square,
    nearest,
    pull,
    walk,
)

CURVES = [(scene, name) for scene, curves in SCENES.items() for name in curves]


def on_the_curve(curve) -> np.ndarray:
    """Many points of the curve, [n, 2], made without `nearest`."""
    if curve.radius:
        angle = np.linspace(0, 2 * np.pi, 200_001)
        return np.array(curve.at) + curve.radius * np.stack([np.cos(angle), np.sin(angle)], 1)
    way = np.array([-curve.normal[1], curve.normal[0]])
    return np.array(curve.at) + np.linspace(-6, 6, 200_001)[:, None] * way


@pytest.mark.parametrize(("scene", "name"), CURVES)
def test_the_nearest_point_is_the_nearest_of_many(scene: str, name: str) -> None:
    curve = SCENES[scene][name]
    assert np.hypot(*curve.normal) == pytest.approx(1, abs=1e-12)
    points = on_the_curve(curve)
    for x, y in np.random.default_rng(0).uniform(-2, 2, (10, 2)):
        gaps = np.hypot(*(points - (x, y)).T)
        assert distance(curve, x, y) == pytest.approx(gaps.min(), abs=1e-6)
        assert nearest(curve, x, y) == pytest.approx(points[gaps.argmin()], abs=1e-3)
    if curve.radius:
        assert distance(curve, *curve.at) == pytest.approx(curve.radius)


@pytest.mark.parametrize("scene", SCENES)
def test_the_arrow_of_exact_projections_is_the_gradient_of_half_the_squared_distance(scene: str) -> None:
    h = 1e-6
    for x, y in np.random.default_rng(1).uniform(-1.5, 1.5, (10, 2)):
        slope = [
            (mean_square(scene, x + h, y) - mean_square(scene, x - h, y)) / (2 * h),
            (mean_square(scene, x, y + h) - mean_square(scene, x, y - h)) / (2 * h),
        ]
        u, v = pull(list(SCENES[scene].values()), x, y, inner=1, exact=True)
        assert (-u, -v) == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize(("scene", "name"), CURVES)
def test_inner_steps_shrink_the_distance_by_one_minus_alpha_h(scene: str, name: str) -> None:
    curve = SCENES[scene][name]
    for k, (x, y) in enumerate(adapt(curve, 1.9, 1.4, 6, exact=False)):
        left = (1 - RATE * curve.steep) ** k
        assert distance(curve, x, y) == pytest.approx(left * distance(curve, 1.9, 1.4), rel=1e-12)


def rest(scene: str, weights: dict[str, float]) -> np.ndarray:
    """The weighted least-squares point of lines: sum of w n n' x = sum of w n n' at."""
    rows = [np.sqrt(weights[name]) * np.array(curve.normal) for name, curve in SCENES[scene].items()]
    sides = [row @ np.array(curve.at) for row, curve in zip(rows, SCENES[scene].values(), strict=True)]
    return np.linalg.lstsq(np.array(rows), np.array(sides), rcond=None)[0]


def test_i23e_on_lines_it_rests_at_the_least_squares_point_and_on_two_at_their_intersection() -> None:
    for scene in ("two lines", "three lines"):
        for start in ((-1.0, 1.0), (2.0, -0.5)):
            end = walk(scene, start, 1, True, 0.5, "all at once", steps=400)[-1]
            assert end == pytest.approx(rest(scene, dict.fromkeys(SCENES[scene], 1.0)), abs=1e-9)
    assert walk("two lines", (-1.0, 1.0), 1, True, 0.5, "in turn", steps=400)[-1] == pytest.approx(
        (0.6, 0.2), abs=1e-9
    )


@pytest.mark.parametrize("k", [1, 3, 20])
def test_with_few_steps_steep_tasks_weigh_more(k: int) -> None:
    weights = {name: 1 - (1 - RATE * curve.steep) ** k for name, curve in SCENES["three lines"].items()}
    end = walk("three lines", (-1.0, 1.0), k, False, 0.5, "all at once", steps=2000)[-1]
    assert end == pytest.approx(rest("three lines", weights), abs=1e-9)
    if k == 1:  # joint training: the minimum of the mean loss, weights h
        steep = {name: curve.steep for name, curve in SCENES["three lines"].items()}
        assert end == pytest.approx(rest("three lines", steep), abs=1e-9)


def test_circles_have_two_places_to_rest_and_the_start_chooses() -> None:
    ends = [
        walk("circles", start, 1, True, 0.5, "all at once", steps=4000)[-1] for start in ((0, 1.5), (0, -1.5))
    ]
    for end in ends:
        assert all(distance(curve, *end) < 1e-6 for curve in SCENES["circles"].values())
    assert np.hypot(*np.subtract(*ends)) > 1


def test_the_task_rewards_the_place_where_reptile_stays() -> None:
    view = Projections(inner=5)
    assert view.stars == 0 and "★" not in view.summary
    view.start = tuple(
        round(float(v), 3) for v in walk("three lines", (0, 0), 5, False, 0.5, "all at once", steps=2000)[-1]
    )
    assert view.stars == 3 and view.summary.endswith("★★★")
    view.inner = 1
    assert view.stars < 3  # the place has moved
    assert Projections("two lines", start=(0.6, 0.2)).stars == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("inner", 0), ("beta", 1.5), ("scene", "spheres"), ("order", "at will"), ("start", (1.0,))],
)
def test_values_out_of_range_are_refused(name: str, value) -> None:
    with pytest.raises(traitlets.TraitError):
        Projections(**{name: value})


def test_the_labels_and_starts_are_in_the_picture() -> None:
    places = [curve.label for curves in SCENES.values() for curve in curves.values()] + list(STARTS.values())
    assert all(BOX[0][0] < x < BOX[0][1] and BOX[1][0] < y < BOX[1][1] for x, y in places)


def test_javascript_walks_the_same_path_and_says_the_same(javascript) -> None:
    rng = np.random.default_rng(3)
    views = [
        Projections(
            scene=str(rng.choice(list(SCENES))),
            start=None if rng.random() < 0.2 else tuple(rng.uniform(-1.5, 1.5, 2).round(3)),
            inner=int(rng.integers(1, 21)),
            exact=bool(rng.random() < 0.3),
            beta=round(float(rng.uniform(0.05, 1)), 2),
            order=str(rng.choice(["all at once", "in turn"])),
        )
        for _ in range(120)
    ] + [
        Projections("circles", start=SCENES["circles"]["A"].at),
        Projections("three lines", start=(-0.35, 0.05)),
    ]
    states = [{key: getattr(view, key) for key in view.shows} for view in views]
    theirs = javascript("projections", "data.map((s) => [m.walk(s), m.strain(s), m.summary(s)])", states)
    for view, (path, strain, summary) in zip(views, theirs, strict=True):
        np.testing.assert_allclose(np.array(path), view.path(), rtol=1e-9, atol=1e-9)
        assert strain == pytest.approx(view.pull, abs=1e-9)
        assert summary == view.summary
    scenes = javascript("projections", "m.SCENES", None)
    assert scenes == {
        scene: {
            name: curve._asdict() | {key: list(getattr(curve, key)) for key in ("at", "normal", "label")}
            for name, curve in curves.items()
        }
        for scene, curves in SCENES.items()
    }
