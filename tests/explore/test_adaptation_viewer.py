"""AdaptationViewer: what it takes, what it refuses, what it says, and that JavaScript says the same."""

import base64
import json

import numpy as np
import pytest
import traitlets

from mlteach.errors import EpisodeError
from mlteach.explore import AdaptationViewer

WAYS, SHOTS, QUERIES, STEPS = 5, 1, 25, 4


def episode(seed: int = 0, ways: int = WAYS, queries: int = QUERIES, steps: int = STEPS) -> dict:
    rng = np.random.default_rng(seed)
    return dict(
        support=rng.random((ways * SHOTS, 28, 28)),
        support_labels=np.arange(ways),
        query=(255 * rng.random((queries, 1, 28, 28))).astype(np.uint8),
        query_labels=rng.integers(0, ways, queries),
        probabilities=rng.dirichlet(np.ones(ways), size=(steps + 1, queries)),
    )


def test_summary_counts_what_is_right() -> None:
    data = episode()
    sure = np.eye(WAYS)[data["query_labels"]] * 0.9 + 0.02
    data["probabilities"] = np.stack([np.full((QUERIES, WAYS), 0.2), *[sure] * STEPS])
    viewer = AdaptationViewer(**data, picked=2, names=list("vwxyz"))
    zeros = int((data["query_labels"] == 0).sum())  # with equal probabilities the first class is said
    assert viewer.summary.startswith(
        f"After 0 of 4 inner steps: {zeros} of 25 queries right ({4 * zeros} %)."
    )
    viewer.step = 1
    name = "vwxyz"[data["query_labels"][2]]
    assert viewer.summary == (
        f"After 1 of 4 inner steps: 25 of 25 queries right (100 %). Query 2 is {name}; "
        f"the network says {name} with probability 0.9."
    )
    assert viewer.accuracy(0) == zeros / 25 and viewer.accuracy() == 1.0


def test_two_modes() -> None:
    data = episode()
    viewer = AdaptationViewer(**data, support_mode=episode(1)["probabilities"])
    first = viewer.summary
    viewer.mode = "support"
    assert "(transductive)" in first and "(support)" in viewer.summary
    with pytest.raises(traitlets.TraitError, match="mode must be one of transductive, support"):
        viewer.mode = "running"
    with pytest.raises(traitlets.TraitError):
        AdaptationViewer(**data).mode = "support"


def test_torch_tensors_are_welcome() -> None:
    torch = pytest.importorskip("torch")
    data = episode()
    ours = {
        k: torch.as_tensor(v, dtype=torch.int64 if "labels" in k else torch.float64) for k, v in data.items()
    }
    ours["query"] = ours["query"] / 255
    ours["probabilities"].requires_grad_()
    assert AdaptationViewer(**ours).get_state()["query"] == AdaptationViewer(**data).get_state()["query"]


@pytest.mark.parametrize("change, message", [
    (dict(support=np.zeros((5, 20, 20))), "pictures"),
    (dict(query=np.zeros((24, 28, 28))), "24 query pictures"),
    (dict(query_labels=np.arange(25)), "0 to 4"),
    (dict(support_labels=[0, 1]), "2 support labels for 5"),
    (dict(probabilities=np.zeros((5, 25, 5))), "softmax"),
    (dict(probabilities=np.full((5, 25, 5), np.nan)), "softmax"),
    (dict(probabilities=np.full((25, 5), 0.2)), r"\[steps \+ 1, queries, ways\]"),
    (dict(support_mode=np.full((2, 25, 5), 0.2)), "the same steps"),
    (dict(names=["one"]), "1 names for 5"),
])  # fmt: skip
def test_what_does_not_fit_is_said_in_a_sentence(change: dict, message: str) -> None:
    with pytest.raises(EpisodeError, match=message):
        AdaptationViewer(**(episode() | change))


@pytest.mark.parametrize("name, value", [("step", 5), ("step", -1), ("picked", 25)])
def test_steps_and_queries_that_are_not_there_are_refused(name: str, value: int) -> None:
    with pytest.raises(traitlets.TraitError, match=f"{name} must be 0 to"):
        setattr(AdaptationViewer(**episode()), name, value)


def test_it_is_small_in_a_notebook() -> None:
    state = AdaptationViewer(**episode()).get_state()
    size = sum(len(base64.b64encode(v)) if isinstance(v, bytes) else len(json.dumps(v)) for v in state.values()
               if isinstance(v, (bytes, str, int, float, list, dict, type(None))))  # fmt: skip
    assert size < 150_000


def test_javascript_says_the_same(javascript) -> None:
    cases, rng = [], np.random.default_rng(5)
    for seed in range(12):
        ways, queries, steps = rng.integers(2, 7), rng.integers(3, 20), rng.integers(0, 5)
        data = episode(seed, ways, queries, steps)
        viewer = AdaptationViewer(**data, support_mode=data["probabilities"][::-1] if seed % 2 else None)
        viewer.step, viewer.picked, viewer.mode = (
            int(rng.integers(0, steps + 1)),
            int(rng.integers(0, queries)),
            viewer.modes[-1],
        )
        cases.append(viewer)
    keys = ("ways", "steps", "step", "picked", "mode", "modes", "names", "query_labels")
    states = [{k: getattr(v, k) for k in keys} | {"hex": v.probabilities.hex()} for v in cases]
    theirs = javascript(
        "adaptation_viewer",
        "data.map((s) => ({ ...s, probabilities: new DataView(Uint8Array.from(Buffer.from(s.hex, 'hex')).buffer) }))"
        ".map((s) => [m.summary(s), Array.from(m.probabilities(s, s.mode, s.step, s.picked))])",
        states,
    )
    for viewer, (summary, p) in zip(cases, theirs, strict=True):
        assert summary == viewer.summary
        np.testing.assert_array_equal(
            np.float32(p), viewer._p[viewer.modes.index(viewer.mode), viewer.step, viewer.picked]
        )
