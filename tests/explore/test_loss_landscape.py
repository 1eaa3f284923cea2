"""LossLandscape: two tasks against autograd and finite differences, recorded pictures, JavaScript against Python, refusals."""

import base64
import itertools
import json

import numpy as np
import pytest
import torch
import traitlets
from torch import Tensor

from mlteach.checkpoint import load_checkpoint
from mlteach.errors import EpisodeError
from mlteach.explore import loss_landscape
from mlteach.explore.base import stylesheet
from mlteach.explore.loss_landscape import LossLandscape, two_tasks
from mlteach.inner import adapt, sgd
from mlteach.measure.landscape import Picture
from mlteach.measure.ledger import data_folder
from mlteach.params import gradient_of, leaves

METHODS = ("joint", "maml", "fomaml", "reptile")
RNG = np.random.default_rng(0)
CASES = [
    (*RNG.uniform((-2.5, -5 / 3), (2.5, 5 / 3)), RNG.uniform(0.01, 0.25), int(RNG.integers(1, 11)))
    for _ in range(20)
]


# ---- two tasks


def valley(task: two_tasks.Valley, theta: dict[str, Tensor]) -> Tensor:
    """The same loss, written for torch: the independent side of the comparison."""
    x, y = theta["xy"]
    floor = task.p + task.q * x + task.r * x**2
    return task.steep / 2 * (y - floor) ** 2 + task.flat / 2 * (x - task.low) ** 2


def by_autograd(method: str, x: float, y: float, rate: float, inner: int) -> list[float]:
    """Minus the meta-gradient, by torch through the inner loop of the package."""
    theta = leaves({"xy": torch.tensor([x, y], dtype=torch.float64)})
    total = torch.zeros(2, dtype=torch.float64)
    for task in two_tasks.TASKS.values():
        steps = {"joint": 0, "reptile": inner}.get(method, 1)
        phi = adapt(
            lambda p, task=task: valley(task, p), theta, sgd(rate), steps, first_order=method != "maml"
        )
        if method == "reptile":
            total += (theta["xy"] - phi["xy"]) / (inner * rate)
        else:
            total += gradient_of(valley(task, phi), theta if method in ("maml", "joint") else phi)["xy"]
    return (-total / 2).tolist()


@pytest.mark.parametrize("method", METHODS)
def test_arrows_equal_autograd(method: str) -> None:
    for case in CASES:
        ours = two_tasks.move(method, *case)
        np.testing.assert_allclose(ours, by_autograd(method, *case), rtol=1e-10, atol=1e-10)


def test_mamls_arrow_is_the_slope_of_the_loss_after_a_step() -> None:
    eps = 1e-5
    for x, y, rate, inner in CASES:
        for method, f in (
            ("joint", two_tasks.joint),
            ("maml", lambda p, q, rate=rate: two_tasks.after(p, q, rate)),
        ):
            slope = (f(x + eps, y) - f(x - eps, y)) / (2 * eps), (f(x, y + eps) - f(x, y - eps)) / (2 * eps)
            ours = two_tasks.move(method, x, y, rate, inner)
            np.testing.assert_allclose(np.negative(ours), slope, rtol=1e-5, atol=1e-5)


def test_with_one_inner_step_reptile_is_joint_training() -> None:
    for x, y, rate, _ in CASES:
        ours = two_tasks.move("reptile", x, y, rate, 1)
        np.testing.assert_allclose(ours, two_tasks.move("joint", x, y, rate, 1), rtol=1e-9, atol=1e-10)


def test_four_methods_end_at_four_visibly_different_starts() -> None:
    ends = [two_tasks.walk(method, 0.0, 0.0, 0.15, 5, 3000)[-1] for method in METHODS]
    for method, end in zip(METHODS, ends, strict=True):
        assert max(map(abs, two_tasks.move(method, *end, 0.15, 5))) < 1e-6, method  # there it stays
        assert all(low < v < high for v, (low, high) in zip(end, two_tasks.BOX, strict=True))
    for a, b in itertools.combinations(ends, 2):
        assert np.hypot(*np.subtract(a, b)) > 0.3
    assert ends[0] == pytest.approx(two_tasks.BEST, abs=1e-6)


def test_the_task_can_be_solved_but_not_by_luck() -> None:
    """Two stars are for who follows MAML at the right rate, three for who goes on from there; a random start has none."""
    x, y = np.meshgrid(np.linspace(*two_tasks.BOX[0], 101), np.linspace(*two_tasks.BOX[1], 68))
    stars = {}
    for rate in (0.02, 0.08, 0.15, 0.25):
        after, joint = two_tasks.after(x, y, rate), two_tasks.joint(x, y)
        liked = after <= two_tasks.LIKED * two_tasks.after(*two_tasks.BEST, rate)
        times = np.where(liked, joint / two_tasks.joint(*two_tasks.BEST), 0)
        stars[rate] = sum((times >= limit).astype(int) for limit in two_tasks.STARS)
    assert [found.max() for found in stars.values()] == [0, 3, 2, 0]
    assert 0 < (stars[0.08] == 3).mean() < 0.01 and (stars[0.15] > 0).mean() < 0.15
    assert two_tasks.stars(*LossLandscape().theta, 0.15) == 0
    assert two_tasks.stars(*two_tasks.walk("maml", *LossLandscape().theta, 0.15, 1, 500)[-1], 0.15) == 1
    k = np.unravel_index(np.where(stars[0.08] == 3, 1, 0).argmax(), x.shape)
    won = LossLandscape(theta=(float(x[k]), float(y[k])), rate=0.08)
    assert won.stars == 3 and won.summary.endswith("★★★")


def test_a_path_that_runs_away_is_cut_and_said() -> None:
    far = LossLandscape(theta=(-2.5, -5 / 3), rate=0.25, inner=10, meta=200)
    cut = [m for m in METHODS if len(far.follow(m)) <= 200]
    assert cut and all(np.abs(far.follow(m)).max() <= two_tasks.FAR for m in METHODS)
    assert all(f"none for {loss_landscape.WORDS[m]}, which runs away" in far.summary for m in cut)


# ---- pictures


def pictures(seed: int = 0, n: int = 6, steps: int = 3) -> tuple[dict, dict]:
    rng = np.random.default_rng(seed)
    paths = ("random", "maml", "my own")
    keys = itertools.product(("one", "two"), ("before", "after"), ("filter", "points", "mine"))
    found = {
        key: Picture(
            torch.tensor(np.exp(rng.normal(size=(n, n)))), tuple(np.sort(rng.normal(size=(2, 2))).ravel().tolist()),
            {name: torch.tensor(rng.normal(size=(steps + 1, 3)) ** 2) for name in paths}, float(rng.random()) + 0.5,
        )
        for key in keys
    }  # fmt: skip
    return found, {(task, name): np.exp(rng.normal(size=(steps + 1, 2 + seed % 2))) for task in ("one", "two") for name in paths}  # fmt: skip


def test_own_pictures_are_shown() -> None:
    found, scores = pictures()
    seen = LossLandscape(found, scores, plane="mine", start="before", task="two", step=2)
    one = found["two", "before", "mine"]
    np.testing.assert_array_equal(seen.losses(), one.losses.numpy().astype(np.float32))
    np.testing.assert_array_equal(seen.path("my own"), one.paths["my own"].numpy().astype(np.float32))
    np.testing.assert_allclose(seen.score("maml")[:, :2], scores["two", "maml"], rtol=1e-6)
    a, b, c, d = one.extent
    assert seen.width() == pytest.approx(max(b - a, d - c) * one.unit, rel=1e-6)
    off = one.paths["maml"][2, 2].item()
    assert seen.summary.startswith("two, before meta-training, mine: support loss ")
    assert (
        "MAML has query loss" in seen.summary
    ) and f"({loss_landscape.sig(off)} off the plane" in seen.summary
    assert seen.png() != LossLandscape(found, scores, view="3-D").png()


def test_without_pictures_there_are_two_tasks_only() -> None:
    with pytest.raises(traitlets.TraitError, match="recorded"):
        LossLandscape().scene = "network"
    assert LossLandscape().scene == "tasks" and LossLandscape(*pictures()).scene == "network"


@pytest.mark.parametrize("trait, value, message", [
    ("task", "three", "task must be one of one, two"),
    ("start", "between", "start must be one of before, after"),
    ("plane", "raw", "plane must be one of filter, points, mine"),
    ("step", 4, "step must be 0 to 3"),
    ("theta", (3.0, 0.0), "theta must lie within -2.5 to 2.5"),
    ("rate", 0.5, "rate"), ("inner", 0, "inner"), ("view", "2-D", "view"), ("tilt", 5.0, "tilt"),
])  # fmt: skip
def test_what_is_not_there_is_refused(trait: str, value, message: str) -> None:
    seen = LossLandscape(*pictures())
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(seen, trait, value)


def spoiled(change: str) -> tuple[dict, dict]:
    found, scores = pictures()
    key = ("two", "after", "mine")
    if change == "missing":
        del found[key]
    elif change == "score":
        del scores["two", "maml"]
    elif change == "paths":
        found[key] = found[key]._replace(paths={"maml": found[key].paths["maml"]})
    elif change == "size":
        found[key] = found[key]._replace(losses=found[key].losses[:4, :4])
    elif change == "oblong":
        found = {k: p._replace(losses=p.losses[:4]) for k, p in found.items()}
    elif change == "steps":
        scores = {k: v[:2] for k, v in scores.items()}
    elif change == "zero":
        found[key].losses[0, 0] = 0
    elif change == "nan":
        found[key].paths["maml"][0, 0] = np.nan
    return found, scores


@pytest.mark.parametrize("change, message", [
    ("missing", "no picture for"), ("score", "no scores for"), ("paths", "other paths"), ("size", "different shapes"),
    ("oblong", r"\[n, n\]"), ("steps", "need scores"), ("zero", "above 0"), ("nan", "finite"),
])  # fmt: skip
def test_tables_that_do_not_fit_are_refused(change: str, message: str) -> None:
    with pytest.raises(EpisodeError, match=message):
        LossLandscape(*spoiled(change))


# ---- what the course ships


def test_recorded_pictures_say_what_the_lesson_says() -> None:
    seen = LossLandscape.recorded()
    assert (len(seen.tasks), seen.starts, len(seen.planes), seen.steps) == (3, ["before", "after"], 5, 10)
    for task in seen.tasks:
        seen.task = task
        maml, random = seen.score("maml"), seen.score("random")
        assert maml[10, 1] < 0.2 < random[10, 1]  # query loss after adaptation: a good start, and none
        assert all(maml[10, 1] < seen.score(other)[10, 1] for other in ("joint", "fomaml", "reptile"))
        seen.plane = "path"
        for seen.start, own in (("before", "random"), ("after", "maml")):
            path = seen.path(own)
            assert abs(path[[0, 1, 10], 2]).max() < 1e-4 * seen.width()  # these three span the plane
            i, j = (np.argmin(abs(np.linspace(*seen.extent()[k : k + 2], seen.points) - path[10, k // 2])) for k in (0, 2))  # fmt: skip
            assert seen.losses()[i, j] == pytest.approx(seen.score(own)[10, 0], rel=0.5, abs=0.05)
        seen.start = "after"
        seen.plane = "filter"  # all starts fall on one spot of a random plane, and lie far off it
        assert abs(seen.path("joint")[0, :2]).max() < 0.1 and seen.path("joint")[0, 2] > 10


def test_recorded_files_are_small_and_say_how_they_were_made() -> None:
    file = data_folder() / "checkpoints" / f"{loss_landscape.RECORDED}.safetensors"
    about = load_checkpoint(file).about
    assert file.stat().st_size + file.with_suffix(".json").stat().st_size < 250_000
    assert about["command"] == "python -m studies.lesson11_landscapes" and about["device"] in ("cpu", "cuda")
    state = LossLandscape.recorded().get_state()
    size = sum(len(base64.b64encode(v)) if isinstance(v, bytes) else len(json.dumps(v)) for k, v in state.items()
               if isinstance(v, (bytes, str, int, float, list, tuple, type(None))) and not k.startswith("_"))  # fmt: skip
    assert size < 300_000


def test_one_scale_of_colours_everywhere_and_lightness_orders_it(javascript) -> None:
    assert tuple(javascript("loss_landscape", "m.RAMP", None)) == loss_landscape.RAMP
    assert "--land" not in stylesheet("loss_landscape")  # no theme has colours of its own

    def lightness(colour: str) -> float:  # L* of CIELAB
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
                  for c in (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))]  # fmt: skip
        y = float(np.dot(linear, (0.2126, 0.7152, 0.0722)))
        return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y

    steps = -np.diff([lightness(colour) for colour in loss_landscape.RAMP])
    assert steps.min() > 5 and steps.max() < 20  # one way, in steps of about one size


# ---- JavaScript

NUMBERS = ("points", "steps", "step", "turn", "tilt", "theta", "rate", "inner", "meta")
WORDS = ("scene", "task", "start", "plane", "view", "ground", "tasks", "starts", "planes", "methods")
TABLES = ("tables", "frames", "paths", "scores")
READ = (
    "const f = (hex) => { const b = Buffer.from(hex, 'hex'); return Float32Array.from({ length: b.length / 4 }, (_, k) => b.readFloatLE(4 * k)); };"
    "return data.map((s) => ({ ...s, tables: f(s.tables), frames: f(s.frames), paths: f(s.paths), scores: f(s.scores) }))"
)


def state_of(seen: LossLandscape) -> dict:
    return {name: getattr(seen, name) for name in NUMBERS + WORDS} | {
        n: getattr(seen, n).hex() for n in TABLES
    }


def test_javascript_computes_the_two_tasks_the_same(javascript) -> None:
    theirs = javascript(
        "loss_landscape",
        "({ best: m.BEST, all: data.map(([x, y, rate, inner]) => ['joint', 'maml', 'fomaml', 'reptile'].map((w) =>"
        " [m.move(w, x, y, rate, inner), m.walk(w, x, y, rate, inner, 30)]).concat([[m.joint(x, y), m.after(x, y, rate), m.score(x, y, rate)]])) })",
        CASES,
    )
    np.testing.assert_allclose(theirs["best"], two_tasks.BEST, rtol=1e-12)
    for case, found in zip(CASES, theirs["all"], strict=True):
        for method, (arrow, path) in zip(METHODS, found, strict=False):
            np.testing.assert_allclose(arrow, two_tasks.move(method, *case), rtol=1e-12)
            np.testing.assert_allclose(path, two_tasks.walk(method, *case, 30), rtol=1e-9)
        x, y, rate, _ = case
        ours = two_tasks.joint(x, y), two_tasks.after(x, y, rate), two_tasks.score(x, y, rate)
        np.testing.assert_allclose(found[-1], ours, rtol=1e-12)


def test_javascript_says_the_same(javascript) -> None:
    rng, seen = np.random.default_rng(3), []
    for k, (x, y, rate, inner) in enumerate(CASES):
        one = LossLandscape(*pictures(k), theta=(x, y), rate=rate, inner=inner, meta=int(rng.choice([0, 40])))
        one.task, one.start = str(rng.choice(one.tasks)), str(rng.choice(one.starts))
        one.plane, one.step = str(rng.choice(one.planes)), int(rng.integers(0, 4))
        one.scene = "network" if k % 2 else "tasks"
        seen.append(one)
    seen += [LossLandscape.recorded(plane=plane, start=start) for plane in ("path", "filter") for start in ("before", "after")]  # fmt: skip
    seen.append(LossLandscape(theta=(-1.72, 1.5), rate=0.08))
    theirs = javascript("loss_landscape", f"(() => {{ {READ} }})().map(m.summary)", [state_of(one) for one in seen])  # fmt: skip
    assert theirs == [one.summary for one in seen]


def test_javascript_reads_the_same_tables(javascript) -> None:
    seen = LossLandscape(*pictures(1), task="two", start="before", plane="points", step=2)
    theirs = javascript(
        "loss_landscape",
        f"(() => {{ {READ} }})().map((s) => {{ const r = m.reader(s); return [[...r.table], [...r.place(2, 1)], r.score(1, 3, 2), r.width, r.range()]; }})[0]",
        [state_of(seen)],
    )
    np.testing.assert_array_equal(np.float32(theirs[0]), seen.losses().ravel())
    np.testing.assert_array_equal(np.float32(theirs[1]), seen.path("my own")[1])
    assert np.float32(theirs[2]) == seen.score("maml")[3, 2] and theirs[3] == seen.width()
    both = np.stack(
        [seen.losses(), LossLandscape(*pictures(1), task="two", start="after", plane="points").losses()]
    )
    np.testing.assert_allclose(theirs[4], (both.min(), both.max()))
