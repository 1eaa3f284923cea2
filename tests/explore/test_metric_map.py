"""MetricMap: its methods are those of the package, and JavaScript computes and says the same."""

import numpy as np
import pytest
import torch
import traitlets

from mlteach.explore import MetricMap
from mlteach.explore.metric_map import CLASSES, NET, PROTOTYPE_SCALE, answers
from mlteach.metric import matching_logits, prototype_logits
from mlteach.tasks.pen import ink

STROKES = [[5.0, 5.0, 20.0, 6.5, 14.0, 24.0]]


def test_both_methods_are_the_package_s() -> None:
    rng = np.random.default_rng(0)
    support, query = rng.random((CLASSES, 3, 16)), rng.random(16)
    said = answers(support, query, 7.0)
    rows, asked = torch.tensor(support).flatten(0, 1), torch.tensor(query)[None]
    y = torch.arange(CLASSES).repeat_interleave(3)
    np.testing.assert_allclose(
        said.matching, matching_logits(rows, y, asked, CLASSES, scale=7.0)[0].exp(), atol=1e-12
    )
    logits = prototype_logits(rows, y, asked, CLASSES, scale=PROTOTYPE_SCALE)
    np.testing.assert_allclose(said.prototypes, logits[0].softmax(-1), atol=1e-12)
    assert said.nearest == torch.cdist(asked, rows).argmin().item() // 3


@pytest.mark.parametrize(
    "name, value", [("query", 11), ("strokes", [[1.0, 2.0, 3.0]]), ("scale", 0.5), ("shots", 3), ("dx", 30.0)]
)
def test_values_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(traitlets.TraitError):
        MetricMap.recorded(**{name: value})


def test_at_one_shot_no_temperature_moves_an_answer() -> None:
    place = MetricMap.recorded()
    for place.query in range(10):
        chosen = set()
        for place.scale in (1.0, 10.0, 60.0):
            chosen.add(int(place.said().matching.argmax()))
        assert len(chosen) == 1


def test_what_is_drawn_goes_through_the_network_beside_the_recorded_drawings() -> None:
    """By their statistics a recorded drawing's features are those that were recorded with it."""
    place = MetricMap.recorded(query=10)
    pictures = (
        torch.frombuffer(bytearray(place.pictures), dtype=torch.uint8).view(-1, 1, 28, 28).double() / 255
    )
    again = NET.features_of(place._body, pictures, "running", running=place._running)
    np.testing.assert_allclose(again, np.frombuffer(place.features, "<f4").reshape(-1, 128), atol=1e-4)
    assert place.summary.startswith("An empty sheet, beside")
    place.strokes = STROKES
    assert place.summary.startswith("Your drawing, beside")
    x = torch.from_numpy(ink(STROKES)).double()[None, None] / 255
    np.testing.assert_array_equal(
        place.moved(), NET.features_of(place._body, x, "running", running=place._running)[0]
    )


def test_javascript_answers_alike_and_says_the_same(javascript) -> None:
    rng, place, states, ours = np.random.default_rng(1), MetricMap.recorded(), [], []
    for _ in range(30):
        place.query, place.shots = int(rng.integers(11)), int(rng.choice([1, 5]))
        place.strokes = [] if rng.random() < 0.2 else [(28 * rng.random(6)).round(1).tolist()]
        place.dx, place.dy = (round(float(each), 3) for each in rng.uniform(-4, 4, 2))
        place.scale = float(rng.integers(1, 60))
        states.append({key: getattr(place, key) for key in (*place.shows, "strokes")})
        said = place.said()
        ours.append(([*said.matching, *said.prototypes], place.summary))
    data = {
        "features": np.frombuffer(place.features, "<f4").tolist(),
        "plane": np.frombuffer(place.plane, "<f4").tolist(),
        "theta": place.theta.hex(), "pictures": place.pictures.hex(), "states": states,
    }  # fmt: skip
    theirs = javascript(
        "metric_map",
        "[m.read({ ...data, theta: new DataView(Uint8Array.from(Buffer.from(data.theta, 'hex')).buffer),"
        " pictures: Uint8Array.from(Buffer.from(data.pictures, 'hex')) })].flatMap((map) => data.states.map((s) => { const said = m.answering(map, s)(s.dx, s.dy);"
        " return [[...said.matching, ...said.prototypes], m.summary(map, s)]; }))",
        data,
    )
    for (shares, text), (shares_js, text_js) in zip(ours, theirs, strict=True):
        assert shares_js == pytest.approx(shares, abs=1e-9) and text_js == text
