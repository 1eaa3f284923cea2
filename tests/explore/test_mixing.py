"""TaskMixer: its mixtures are those of the package, and JavaScript computes and says the same."""

import numpy as np
import pytest
import torch
import traitlets

from mlteach.explore import TaskMixer
from mlteach.explore.mixing import PAIRS, WAYS, distance, mixture
from mlteach.tasks import Episode
from mlteach.tasks.interpolation import interpolate


def test_the_mixture_is_the_package_s_and_its_ends_are_the_two_tasks() -> None:
    first, second = np.random.default_rng(0).integers(0, 256, (2, 3, 28, 28))
    y = torch.arange(3)[None]
    one, two = (
        Episode(torch.tensor(x)[None, :, None].double(), y, torch.zeros(1, 3, 1), y) for x in (first, second)
    )
    theirs = interpolate(one, two, 0.3).support_x[0, :, 0].numpy()
    np.testing.assert_allclose(mixture(first, second, 0.3, "pictures"), theirs, atol=1e-10)
    for how in ("pictures", "box"):
        np.testing.assert_array_equal(mixture(first, second, 1.0, how), first)
        np.testing.assert_array_equal(mixture(first, second, 0.0, how), second)
    box = mixture(first, second, 0.75, "box") == second
    assert 0.2 < box.mean() < 0.3 and distance(first, first) == 0


@pytest.mark.parametrize("name, value", [("share", 1.1), ("how", "head"), ("pair", PAIRS), ("count", 40)])
def test_values_out_of_range_are_refused(name: str, value) -> None:
    with pytest.raises(traitlets.TraitError):
        TaskMixer.recorded(**{name: value})


def test_javascript_mixes_alike_and_says_the_same(javascript) -> None:
    rng, mixer, states, ours = np.random.default_rng(1), TaskMixer.recorded(), [], []
    for _ in range(30):
        mixer.set_trait("share", float(rng.uniform()))
        mixer.how, mixer.pair, mixer.count = (
            rng.choice(list(WAYS)),
            int(rng.integers(PAIRS)),
            int(rng.choice([20, 60])),
        )
        states.append({key: getattr(mixer, key) for key in mixer.shows})
        ours.append((float(mixer.mixed().sum()), mixer.summary))
    data = {
        "pictures": list(mixer.pictures),
        "maps": list(mixer.maps),
        "states": states,
        "gains": mixer.gains,
    }
    theirs = javascript(
        "mixing",
        "data.states.map((s) => { const [a, b] = m.tasks(data, s); const x = m.mixture(a, b, s.share, s.how);"
        " return [x.reduce((t, v) => t + v, 0), m.summary(data, { ...s, gains: data.gains })]; })",
        data,
    )
    for (total, said), (total_js, said_js) in zip(ours, theirs, strict=True):
        assert total_js == pytest.approx(total, abs=1e-6) and said_js == said
