"""GateHistory: what it says of random tables, that JavaScript says the same, what it refuses, and what is recorded."""

from typing import Any

import numpy as np
import pytest
import torch
import traitlets

from mlteach.errors import EpisodeError
from mlteach.explore import GateHistory
from mlteach.inner import MetaLSTM, adapt
from mlteach.nets import Conv4, cross_entropy
from mlteach.params import stack
from mlteach.tasks import Episode

SHAPE = (3, 5, 4)  # episodes, steps, layers
LAYERS = ["conv 1", "scale 1", "head", "head bias"]


def tables(seed: int = 0, *, descent: bool = True) -> dict[str, Any]:
    rng = np.random.default_rng(seed)

    def gates(power: float) -> np.ndarray:
        low, mean, high = np.sort(rng.random((3, *SHAPE)) ** power, 0)
        return np.stack([mean, low, high], -1)

    def scores() -> np.ndarray:
        loss = rng.exponential(1, (*SHAPE[:1], SHAPE[1] + 1, 2)) ** 3
        return np.concatenate([loss, rng.integers(0, 76, (*loss.shape[:2], 1)) / 75], -1)

    ours = scores()
    found = {
        "forget": gates(0.02), "input": gates(2), "support_loss": ours[..., 0], "query_loss": ours[..., 1],
        "accuracy": ours[..., 2], "layers": LAYERS, "rate": float(rng.uniform(0.01, 1)),
    }  # fmt: skip
    return found | ({"descent": scores()} if descent else {})


def test_it_says_what_is_in_the_tables() -> None:
    given = tables()
    for name, layer in (("forget", 2), ("input", 1)):
        given[name][:, :, :] = [0.5, 0.4, 0.6]
        given[name][1, 2, layer] = [0.75, 0.7, 0.8]
    given |= {"rate": 0.25, "layers": LAYERS}
    given["query_loss"][1, 3], given["accuracy"][1, 3] = 0.4203, 61 / 75
    given["descent"][1, 3] = [0.1, 0.6, 0.745]
    history = GateHistory(**given, episode=1, step=3, layer="scale 1")
    assert history.summary == (
        "Episode 1, after step 3 of 5: forget gates 0.5 (conv 1) to 0.75 (head), input gates 0.5 (conv 1) to 0.75 (scale 1); "
        "query loss 0.42, 81 % right. In scale 1, 50 % of each number is forgotten, and the gradient counts 3 times "
        "as much as in gradient descent (f = 1, i = 0.25), which has query loss 0.6, 75 % right."
    )
    assert history.gates("forget").shape == (5, 4, 3)
    np.testing.assert_allclose(history.gates("input")[2, 1], [0.75, 0.7, 0.8])
    np.testing.assert_allclose(history.scores("descent")[3], [0.1, 0.6, 0.745])
    history.step = 0
    assert history.summary.startswith("Episode 1, before the first of 5 steps: query loss")
    assert repr(history) == "GateHistory(episode=1, step=0, layer='scale 1', axis='linear')"


def test_javascript_reads_the_same_numbers_and_says_the_same(javascript) -> None:
    cases = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        history = GateHistory(**tables(seed, descent=seed % 3 > 0))
        history.episode, history.step = int(rng.integers(0, 3)), int(rng.integers(0, 6))
        history.layer = str(rng.choice(LAYERS))
        cases.append(history)

    def state(history: GateHistory) -> dict[str, Any]:
        keys = ("episode", "step", "layer", "axis", "layers", "episodes", "steps", "rate")
        names = ("forget", "input", "losses", "descent")
        return {key: getattr(history, key) for key in keys} | {
            name: np.frombuffer(getattr(history, name), "<f4").astype(float).tolist() for name in names
        }

    theirs = javascript(
        "gate_history",
        "data.map((s) => [m.summary(s), s.layers.map((_, l) => [0, 1, 2].map((k) => m.gate(s, 'input', 2, l, k))), m.score(s, 'losses', 4, 0)])",
        [state(history) for history in cases],
    )
    for history, (summary, gates, loss) in zip(cases, theirs, strict=True):
        assert summary == history.summary
        np.testing.assert_allclose(gates, history.gates("input")[1], rtol=1e-6)
        assert loss == pytest.approx(float(history.scores()[4, 0]), rel=1e-6)


def test_labels_are_moved_apart_and_stay_in_order(javascript) -> None:
    rng = np.random.default_rng(1)
    wanted = [rng.uniform(20, 200, 12).tolist(), [100.0] * 12, [20.0, 20.0, 190.0]]
    for before, after in zip(
        wanted, javascript("gate_history", "data.map((w) => m.apart(w, 15, 10, 210))", wanted), strict=True
    ):
        places = np.array(after)[np.argsort(before, kind="stable")]
        assert (np.diff(places) >= 15 - 1e-9).all() and places[0] >= 10 - 1e-9 and places[-1] <= 210 + 1e-9


@pytest.mark.parametrize(
    "change, message",
    [
        ({"forget": np.full((3, 5, 4), 0.5)}, "episodes, steps, layers, 3"),
        ({"input": np.full((3, 5, 4, 3), 1.5)}, "no gates"),
        ({"input": np.full((3, 5, 4, 3), np.nan)}, "no gates"),
        ({"input": np.full((3, 4, 4, 3), 0.5)}, "one shape"),
        ({"layers": ["conv", "conv", "head", "bias"]}, "one a layer"),
        ({"rate": 0}, "between 0 and 1"),
        ({"query_loss": np.ones((3, 5))}, "before the first and after each step"),
        ({"accuracy": np.full((3, 6), 81.0)}, "shares of right answers"),
        ({"descent": np.ones((3, 6, 2))}, "descent must be"),
        ({"pictures": np.zeros((3, 5, 28, 28))}, "uint8"),
    ],
)
def test_tables_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(EpisodeError, match=message):
        GateHistory(**(tables() | change))


@pytest.mark.parametrize(
    "name, value", [("episode", 3), ("step", 6), ("step", -1), ("layer", "conv 9"), ("axis", "log")]
)
def test_traits_out_of_range_are_refused(name: str, value) -> None:
    history = GateHistory(**tables())
    with pytest.raises(traitlets.TraitError):
        setattr(history, name, value)


def test_it_draws_a_picture_on_both_axes() -> None:
    pictures = {axis: GateHistory(**tables(), axis=axis, step=2).png() for axis in ("linear", "logit")}
    assert (
        all(png.startswith(b"\x89PNG") for png in pictures.values())
        and pictures["linear"] != pictures["logit"]
    )


def test_the_recorded_episodes_are_learned() -> None:
    history = GateHistory.recorded()
    assert history.episodes >= 4 and len(history.pictures) == history.episodes * 5 * 28 * 28
    assert (
        sum(len(getattr(history, name)) for name in ("forget", "input", "losses", "descent", "pictures"))
        < 200_000
    )
    right = []
    for episode in range(history.episodes):
        history.episode = episode
        before, *_, after = history.scores()
        assert after[0] < before[0] and after[1] < before[1]
        right.append(after[2])
    assert np.mean(right) > 0.7
    assert history.gates("forget")[..., 0].min() > 0.5


def test_it_watches_a_meta_learner_adapt() -> None:
    draw = torch.Generator().manual_seed(0)
    net, lstm = (
        Conv4(3, filters=2, head="flatten"),
        MetaLSTM(hidden=2, forget_bias=(1, 1), input_bias=(-1, -1)),
    )
    x, y = torch.rand(2, 2, 3, 1, 28, 28, generator=draw), torch.tensor([[2, 0, 1], [0, 1, 2]])
    theta, episode = net.init(draw) | lstm.init(draw), Episode(x[0], y, x[1], y)
    start, rule = lstm.start(theta), lstm.rule(theta)
    history = GateHistory.of(net, start, rule, episode, 2, rate=0.1, episode=1, step=2)
    phi = adapt(lambda p: cross_entropy(net(p, x[0]), y), stack(start, 2), rule, 2)
    assert history.scores()[2, 0] == pytest.approx(cross_entropy(net(phi, x[0]), y)[1].item(), rel=1e-5)
    assert history.layers[0] == "conv 1" and history.gates("forget").shape == (2, len(start), 3)
    assert (history.gates("input") < 0.5).all() and (history.gates("forget") > 0.5).all()
    first = np.frombuffer(history.pictures, np.uint8).reshape(2, 3, 28, 28)[0, 0]
    np.testing.assert_allclose(first, 255 * x[0, 0, 1, 0].numpy(), atol=0.51)  # class 0 first


def test_no_two_layers_are_drawn_alike(javascript) -> None:
    layers = GateHistory.recorded().layers
    look = javascript("gate_history", "m.looks(data)", layers)
    assert len({(each["dash"], each["mix"]) for each in look}) == len(layers) >= 14
    kinds = {each["kind"]: each["dash"] for each in look}
    assert all(each["dash"] == kinds[each["kind"]] for each in look) and len(set(kinds.values())) == len(
        kinds
    )
