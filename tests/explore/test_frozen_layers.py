"""FrozenLayers: its tables by hand, what it refuses, and that JavaScript reads the same cells and says the same."""

import numpy as np
import pytest
import traitlets

from mlteach.errors import EpisodeError
from mlteach.explore import FrozenLayers
from mlteach.explore.frozen_layers import GROUPS, MODES, NETS, RATES, pattern_of


def tables() -> tuple[np.ndarray, np.ndarray]:
    """Every cell another number."""
    right = np.arange(2 * 2 * 32 * 2).reshape(2, 2, 32, 2) / 256
    alike = np.arange(2 * 2 * 32 * 5).reshape(2, 2, 32, 5) / 640
    return right, alike


def test_a_choice_reads_its_own_cell():
    right, alike = tables()
    layers = FrozenLayers(
        right, alike, frozen=["head", "conv2"], net="fresh", rates="small", mode="transductive"
    )
    assert layers.frozen == ["conv2", "head"] and pattern_of(layers.frozen) == 0b10010
    assert layers.right() == pytest.approx(right[1, 1, 18, 0]) and layers.right([]) == pytest.approx(
        right[1, 1, 0, 0]
    )
    assert layers.similarity() == pytest.approx(alike[1, 1, 18])
    assert (
        "small rates, conv2, head frozen: 89 % right (transductive); with nothing frozen 75 %"
        in layers.summary
    )
    assert layers.png() != FrozenLayers(right, alike).png()


def test_tables_and_traits_that_cannot_be_are_refused():
    right, alike = tables()
    with pytest.raises(EpisodeError, match=r"\[2, 2, 32, 5\], not \[2, 2, 32, 2\]"):
        FrozenLayers(right, right)
    with pytest.raises(EpisodeError, match="shares from 0 to 1"):
        FrozenLayers(100 * right, alike)
    with pytest.raises(traitlets.TraitError):
        FrozenLayers(right, alike, frozen=["conv5"])


def test_what_is_recorded_freezes_what_it_says():
    layers = FrozenLayers.recorded(frozen=list(GROUPS))
    assert np.allclose(layers.similarity(), 1), "nothing has moved"
    layers.frozen = list(GROUPS[:4])
    assert np.allclose(layers.similarity()[:4], 1) and layers.similarity()[4] < 0.9
    assert layers.right() > layers.right(list(GROUPS)) + 0.3


def test_javascript_reads_the_same_cells_and_says_the_same(javascript) -> None:
    rng = np.random.default_rng(0)
    right, alike = rng.uniform(size=(2, 2, 32, 2)), rng.uniform(size=(2, 2, 32, 5))
    every = [
        FrozenLayers(right, alike, frozen=[g for g in GROUPS if rng.random() < 0.5], net=str(rng.choice(NETS)),
                     rates=str(rng.choice(RATES)), mode=str(rng.choice(MODES)))
        for _ in range(60)
    ]  # fmt: skip
    states = [{name: getattr(each, name) for name in each.shows} for each in every]
    numbers = {"accuracy": np.float32(right).ravel().tolist(), "alike": np.float32(alike).ravel().tolist()}
    theirs = javascript(
        "frozen_layers",
        "data.states.map((s) => ({ ...data.tables, ...s })).map((s) => [m.right(s), m.similarity(s), m.summary(s)])",
        {"states": states, "tables": numbers},
    )
    for each, (share, alike_of, text) in zip(every, theirs, strict=True):
        assert share == each.right() and alike_of == each.similarity().tolist() and text == each.summary
