"""MemoryRows: its replay is the package's memory, and JavaScript computes and says the same."""

import numpy as np
import pytest
import torch
import traitlets

from mlteach.explore import MemoryRows
from mlteach.explore.memory_rows import STEPS, Asked, replay
from mlteach.memory import MANN


def test_the_replay_is_what_the_network_did() -> None:
    net = MANN(3, 2, hidden=6, slots=9, width=4, heads=2, strength=True, separate=True)
    theta = net.init(torch.Generator().manual_seed(0), torch.float64)
    steps: list = []
    x = torch.randn(1, 20, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    net(theta, x, torch.zeros(1, 20, 2, dtype=torch.float64), steps)
    keys, vectors, gates = (
        torch.stack([getattr(wishes, part)[0] for wishes, _, _ in steps]).numpy()
        for part in ("key", "vector", "gate")
    )
    seen = replay(Asked(keys, vectors, gates, steps[0][0].sharpness.item()), 9, 1.0)
    for step, (_, memory, write) in enumerate(steps):
        for ours, theirs in (
            (seen.rows, memory.rows[0]), (seen.usage, memory.usage[0]), (seen.read, memory.read[0].sum(0)), (seen.write, write[0].sum(0)),
        ):  # fmt: skip
            np.testing.assert_allclose(ours[step], theirs.numpy(), atol=1e-10)
    assert seen.since[0].max() == 1 and (np.diff(seen.since, axis=0) >= 0).all()


@pytest.mark.parametrize(
    "name, value", [("learner", "lookup"), ("step", 0), ("step", STEPS + 1), ("sharper", 0.5)]
)
def test_values_out_of_range_are_refused(name: str, value) -> None:
    with pytest.raises(traitlets.TraitError):
        MemoryRows.recorded(**{name: value})


def test_javascript_replays_alike_and_says_the_same(javascript) -> None:
    rows, states, ours = MemoryRows.recorded(), [], []
    for learner, step, sharper in (
        ("paper", 1, 1.0),
        ("paper", 20, 1.0),
        ("both", 30, 1.0),
        ("paper", 30, 3.0),
        ("both", 17, 2.0),
    ):
        rows.learner, rows.step, rows.sharper = learner, step, sharper
        states.append({key: getattr(rows, key) for key in (*rows.shows, "labels", "answers", "sizes")})
        seen = rows.seen()
        ours.append((*(float(np.square(each[step - 1]).sum()) for each in seen[:4]), rows.summary))
    data = {"states": states, "asked": np.frombuffer(rows.asked, dtype="<f4").tolist()}
    theirs = javascript(
        "memory_rows",
        "data.states.map((s) => { const all = m.replay(m.unpacked(data.asked, s.sizes)[s.learner], s.sharper), now = all[s.step - 1];"
        " const size = (x) => x.reduce((t, v) => t + v * v, 0);"
        " return [size(now.rows), size(now.usage), size(now.write), size(now.read), m.summary(all, s)]; })",
        data,
    )
    for mine, found in zip(ours, theirs, strict=True):
        assert found[:4] == pytest.approx(mine[:4], abs=1e-6) and found[4] == mine[4]
