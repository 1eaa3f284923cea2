"""AdaptationLab: its gradient steps, what it says, its task, and that JavaScript computes the same."""

import json
import math

import numpy as np
import pytest
import torch
import traitlets
from torch import nn

from mlteach.checkpoint import load_checkpoint
from mlteach.errors import EpisodeError
from mlteach.explore import AdaptationLab
from mlteach.explore.adaptation_lab import FAR, LAST, draw_points, drawn
from mlteach.measure.ledger import data_folder
from mlteach.nets import MLP, Conv4
from mlteach.tasks import Sinusoids

NAMES = ["MAML", "FOMAML", "Reptile", "joint", "random"]


@pytest.fixture(scope="module")
def recorded() -> AdaptationLab:
    return AdaptationLab.recorded()


@pytest.fixture
def lab() -> AdaptationLab:
    return AdaptationLab.recorded()


def small(activation: str = "relu", sizes: tuple[int, ...] = (1, 7, 5, 1), **traits) -> AdaptationLab:
    """Two starts of an odd shape, as a lesson may have trained them."""
    net = MLP(sizes, activation=activation)  # type: ignore[arg-type]
    starts = {name: net.init(torch.Generator().manual_seed(k)) for k, name in enumerate(("MAML", "Meta-SGD"))}
    return AdaptationLab(starts, activation=activation, **traits)


def numbers(lab: AdaptationLab) -> list[float]:
    return np.frombuffer(lab.weights, "<f4").tolist()


def states(labs: list[AdaptationLab]) -> list[dict]:
    keys = ("amplitude", "phase", "points", "rate", "steps", "names", "hues", "family", "sizes", "activation")
    return [{key: getattr(lab, key) for key in keys} | {"numbers": numbers(lab)} for lab in labs]


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_steps_are_those_of_torch_optim_on_torch_nn(activation) -> None:
    lab = small(activation, amplitude=2.3, phase=1.1, points=[-3.0, -0.5, 2.0, 4.5], rate=0.03, steps=6)
    make = {"relu": nn.ReLU, "tanh": nn.Tanh}[activation]
    net = nn.Sequential(nn.Linear(1, 7), make(), nn.Linear(7, 5), make(), nn.Linear(5, 1)).double()
    start = MLP((1, 7, 5, 1)).init(torch.Generator().manual_seed(1))  # "Meta-SGD"
    with torch.no_grad():
        for ours, theirs in zip(net.parameters(), start.values(), strict=True):
            ours.copy_(theirs)
    x = torch.tensor(lab.points, dtype=torch.float64)[:, None]
    grid = torch.linspace(-8, 8, 81, dtype=torch.float64)[:, None]
    optimizer = torch.optim.SGD(net.parameters(), lr=0.03)
    for _ in range(6):
        optimizer.zero_grad()
        nn.functional.mse_loss(net(x), 2.3 * torch.sin(x - 1.1)).backward()
        optimizer.step()
    expected = net(grid).detach().squeeze(1).numpy()
    np.testing.assert_allclose(lab.predictions("Meta-SGD"), expected, rtol=1e-10, atol=1e-12)
    at = np.linspace(-4.9, 4.9, 50)
    error = np.square(lab.predictions("Meta-SGD", at) - lab.truth(at)).mean()
    assert lab.mse("Meta-SGD")[6] == pytest.approx(error, rel=1e-12)
    assert "Meta-SGD" in lab.summary and lab.hues == ["maml", "metric"]


def test_what_is_recorded_adapts_as_it_says(recorded: AdaptationLab) -> None:
    """Over 60 tasks the order of the recorded means holds: MAML first after one step, joint training last."""
    assert recorded.names == NAMES and recorded.trained == [1, 1, 5, 0, None]
    lab, g = AdaptationLab.recorded(), torch.Generator().manual_seed(5)
    amplitude, phase = (each.flatten().tolist() for each in Sinusoids.finn().draw(60, generator=g))
    after = []
    for seed, (a, p) in enumerate(zip(amplitude, phase, strict=True)):
        lab.amplitude, lab.phase = a, p
        lab.resample(10, seed)
        after.append([lab.mse(name)[[0, 1]] for name in NAMES])
    before, one = np.mean(after, 0).T
    assert one[0] < 0.7 and one[0] < one[2] < one[3] and one[1] < one[2]
    assert all(before[:4] > 2) and one[3] > 4 * one[0]


@pytest.mark.parametrize("name", ["random", "joint", "maml", "fomaml", "reptile"])
def test_the_shipped_starts_say_how_they_were_made(name) -> None:
    path = data_folder() / "checkpoints" / f"06-{name}.safetensors"
    stored = load_checkpoint(path)
    MLP((1, 40, 40, 1))({n.removeprefix("theta."): v for n, v in stored.tensors.items()}, torch.zeros(3, 1))
    about = json.loads(path.with_suffix(".json").read_text())
    assert about == stored.about and about["command"] == "python -m studies.lesson06_starts"
    assert about["test"]["tasks"] >= 600 and about["device"] == "cpu"
    one = about["query_mse"]["after 1 step"]
    assert 0 < one["half_width"] < one["mean"]
    if name == "maml":
        others = [
            json.loads(path.with_name(f"06-{n}.json").read_text()) for n in ("fomaml", "reptile", "joint")
        ]
        best = [
            each[key]["after 1 step"]["mean"]
            for each in others
            for key in ("query_mse", "query_mse_at_best_rate")
        ]
        assert one["mean"] + one["half_width"] < 0.7 and one["mean"] < min(best)


def test_a_fresh_start_is_told_but_not_stored(recorded: AdaptationLab) -> None:
    """Its last digits differ from machine to machine, so they do not stand in a notebook that is compared."""
    fresh = MLP((1, 40, 40, 1)).init(torch.Generator().manual_seed(3))
    lab = AdaptationLab.recorded({"trained here": fresh}, trained={"trained here": 1})
    assert lab.names == ["trained here", *NAMES] and lab.trained[0] == 1
    assert "trained here" in lab.summary and "trained here" not in lab.stored
    assert (
        lab.stored
        == recorded.summary
        == lab._repr_mimebundle_()[0]["text/plain"].removeprefix("AdaptationLab. ")
    )


def test_points_from_a_seed(lab: AdaptationLab) -> None:
    lab.resample(5, seed=7, half="left")
    assert lab.seed == 7 and len(lab.points) == 5 and all(-5 <= x <= 0 for x in lab.points)
    first = lab.points
    lab.resample(10, seed=7, half="left")
    assert lab.points[:5] == first  # more shots leave the others where they were
    with pytest.raises(ValueError, match="choose one of all, left, right"):
        lab.resample(5, seed=7, half="upper")


def test_steps_that_are_too_long_are_said(lab: AdaptationLab) -> None:
    lab.rate, lab.steps = 0.1, 10
    errors = lab.mse("joint")
    blown = int(np.isinf(errors).argmax())
    assert 0 < blown <= 10 and np.isinf(errors[blown:]).all() and errors[blown - 1] <= FAR
    assert f"no number (blows up at step {blown})" in lab.summary
    assert lab.png()[:4] == b"\x89PNG"


def test_out_of_range_is_said(lab: AdaptationLab) -> None:
    assert lab.outside == [] and "Outside" not in lab.summary
    lab.amplitude, lab.points = 6.0, [-6.0, 1.0]
    assert lab.summary.endswith("Outside the training range: amplitude, points.")
    lab.phase = 4.0
    assert lab.outside == ["amplitude", "phase", "points"]


def test_the_task_is_solvable_but_not_by_luck(lab: AdaptationLab) -> None:
    """Ten points at random seldom do, two points seldomer; two in the right places do, and one never."""
    lab.phase, lab.amplitude = 0.2, 4.0
    assert lab.mse("MAML")[0] > 8
    lucky = []
    for seed in range(40):
        lab.resample(10, seed)
        lucky.append(lab.stars)
    assert 0 < sum(lucky) < 20 and max(lucky) == 1
    lab.points = [-2.0, 0.75]
    assert lab.stars == 3 and lab.summary.endswith("One step, 2 points: ★★★")
    lab.points = [-2.0, -2.0, -2.0, 0.75, 0.75, 0.75]
    assert lab.stars == 1
    for x in np.arange(-5, 5.01, 0.5):
        lab.points = [float(x)]
        assert lab.stars == 0
    lab.points, lab.phase = [-2.0, 0.75], 1.5  # an easy sinusoid earns nothing
    assert lab.stars == 0


@pytest.mark.parametrize(
    "name, value",
    [("amplitude", 9), ("phase", -1), ("points", []), ("points", [0.0] * 21), ("points", [8.5]), ("rate", 0), ("steps", 21),
     ("shown", ["Adam"]), ("activation", "sigmoid")],
)  # fmt: skip
def test_values_out_of_range_are_refused(lab: AdaptationLab, name: str, value) -> None:
    with pytest.raises(traitlets.TraitError):
        setattr(lab, name, value)


def test_starts_that_do_not_fit_are_refused() -> None:
    def net(*sizes: int):
        return MLP(sizes).init(torch.Generator())

    with pytest.raises(EpisodeError, match="is no MLP"):
        AdaptationLab({"MAML": Conv4(5, filters=2).init(torch.Generator())})
    for starts in ({"a": net(1, 4, 1), "b": net(1, 5, 1)}, {"a": net(2, 4, 1)}, {}):
        with pytest.raises(EpisodeError, match="of one shape, from one input to one output"):
            AdaptationLab(starts)
    with pytest.raises(ValueError, match="there are MAML, Meta-SGD"):
        small().mse("Reptile")


def test_javascript_takes_the_same_steps_and_says_the_same(javascript, lab: AdaptationLab) -> None:
    rng, labs = np.random.default_rng(3), []
    for k in range(24):
        traits = {
            "amplitude": round(float(rng.uniform(0.1, 8)), 2),
            "phase": round(float(rng.uniform(0, 2 * math.pi)), 2),
            "points": rng.uniform(-8, 8, rng.integers(1, 21)).round(2).tolist(),
            "rate": float(10 ** rng.uniform(-3.3, -1.3)),
            "steps": int(rng.integers(0, LAST + 1)),
        }
        if k < 8:
            labs.append(AdaptationLab.recorded(**traits))
        else:
            tasks = [Sinusoids.finn(), Sinusoids.reptile()][k % 2]
            shape = [(1, 6, 1), (1, 7, 5, 1), (1, 6, 5, 4, 1)][k % 3]
            labs.append(small(["relu", "tanh"][k // 2 % 2], shape, family=tasks, **traits))
    labs.append(AdaptationLab.recorded(amplitude=4.0, phase=0.2, points=[-2.0, 0.75]))
    theirs = javascript(
        "adaptation_lab",
        """data.map(([s, xs]) => {
          const nets = m.networks(s.numbers, s.sizes), { paths, mse } = m.learn(s, nets), size = nets[0].length;
          const at = paths.map((p) => Array.from(m.outputs(s, p.subarray(s.steps * size, (s.steps + 1) * size), xs)));
          return [mse.map((e) => e.map((v) => (v === Infinity ? -1 : v))), at, m.summary(s, mse), m.stars(s, mse)];
        })""",
        [[state, drawn(lab._family).tolist()] for lab, state in zip(labs, states(labs), strict=True)],
    )
    for lab, (mse, outputs, summary, stars) in zip(labs, theirs, strict=True):
        for name, errors, curve in zip(lab.names, mse, outputs, strict=True):
            ours = lab.mse(name)
            np.testing.assert_allclose(errors, np.where(np.isinf(ours), -1, ours), rtol=1e-6, atol=1e-9)
            if np.isfinite(ours[lab.steps]):
                np.testing.assert_allclose(curve, lab.predictions(name), rtol=1e-6, atol=1e-6)
        assert summary == lab.summary and stars == lab.stars


def test_javascript_draws_the_same_points(javascript) -> None:
    cases = [[20, seed, low, high] for seed in (0, 1, 9999) for low, high in ((-5, 5), (-5, 0), (0.0, 5.0))]
    theirs = javascript("adaptation_lab", "data.map((c) => m.drawPoints(...c))", cases)
    assert theirs == [draw_points(*case) for case in cases]
