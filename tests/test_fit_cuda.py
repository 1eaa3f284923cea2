"""The training loop on a GPU, where nobody looks at the numbers at every step: the same promises.

python -m pytest tests/test_fit_cuda.py -q          on a machine with CUDA; elsewhere all of it is skipped
"""

import pytest
import torch

from mlteach import fit as training
from mlteach.checkpoint import load_checkpoint, params_from
from mlteach.errors import CheckpointError, TrainingError
from mlteach.fit import Fit, fit
from mlteach.inner import sgd
from mlteach.nets import MLP, Conv4, cross_entropy, squared_error
from mlteach.outer import maml_gradient, replayed
from mlteach.params import Params
from mlteach.tasks import Episode

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

NET = MLP((1, 6, 1), activation="tanh")
CONV = Conv4(5, filters=8)


def sample(g: torch.Generator) -> Episode:
    """Drawn on the CPU, moved to the GPU: the generator stays where every machine has one."""
    x = torch.randn(4, 10, 1, generator=g)
    y = x * torch.randn(4, 1, 1, generator=g)
    return Episode(x[:, :5], y[:, :5], x[:, 5:], y[:, 5:]).to(device="cuda")


def pictures(g: torch.Generator) -> Episode:
    x = torch.rand(2, 3, 5, 1, 28, 28, generator=g)
    y = torch.arange(5).expand(3, 5)
    return Episode(x[0], y, x[1], y).to(device="cuda")


def gradient(theta: Params, episode: Episode):
    return maml_gradient(NET, squared_error, theta, episode, sgd(0.1), 1)


def of_pictures(theta: Params, episode: Episode):
    return maml_gradient(CONV, cross_entropy, theta, episode, sgd(0.4), 1)


def run(steps: int = 60, function=gradient, net=NET, draw=sample, device: str = "cuda", **options) -> Fit:
    start = {name: value.to(device) for name, value in net.init(torch.Generator().manual_seed(1)).items()}
    g = torch.Generator().manual_seed(0)
    options = {"steps": steps, "generator": g, "lr": 1e-2, "progress": None} | options
    return fit(function, start, draw, **options)


def same(a: Fit, b: Fit) -> bool:
    return a.history == b.history and all(
        torch.equal(a.theta[name].cpu(), b.theta[name].cpu()) for name in b.theta
    )


@pytest.fixture(autouse=True)
def the_same_kernels_each_time():
    """Bit for bit wants algorithms that add in one order."""
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    yield
    torch.use_deterministic_algorithms(before[0])
    torch.backends.cudnn.benchmark = before[1]


@pytest.mark.parametrize("make", [lambda f: f, replayed], ids=["plain", "replayed"])
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
@pytest.mark.parametrize(
    ("function", "net", "draw"), [(gradient, NET, sample), (of_pictures, CONV, pictures)]
)
def test_a_resumed_run_is_the_same_to_the_last_bit(tmp_path, make, schedule, function, net, draw):
    path = tmp_path / "run.safetensors"
    options = {"net": net, "draw": draw, "schedule": schedule}
    whole = run(function=make(function), **options)
    assert len(whole.history["loss"]) == 60 and whole.device == torch.cuda.get_device_name()
    for until in (7, 33, None):  # neither is a multiple of what is looked at at once
        pieces = run(function=make(function), checkpoint=path, every=10, until=until, **options)
    assert pieces.step == 60 and same(pieces, whole)
    assert same(run(function=make(function), checkpoint=path, **options), whole)


@pytest.mark.parametrize("what", ["loss", "layer1.weight"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_it_stops_within_a_look_and_keeps_the_last_good_state(tmp_path, what, value):
    assert training.LOOK == 20
    path, calls = tmp_path / "run.safetensors", []

    def shaken(theta, episode):
        calls.append(1)
        found, numbers = gradient(theta, episode)
        if len(calls) == 33:
            if what == "loss":
                return found, numbers | {"loss": torch.tensor(value, device="cuda", dtype=torch.float64)}
            found = found | {what: found[what] + value}
        return found, numbers

    with pytest.raises(
        TrainingError, match="Training stopped: in step 3[3-9]|Training stopped: in step 40"
    ) as error:
        run(function=shaken, checkpoint=path)
    assert len(calls) == 40 and error.value.run.step == 20
    assert same(error.value.run, run(until=20))
    stored = load_checkpoint(path)
    assert stored.about["step"] == 20 and all(value.isfinite().all() for value in stored.tensors.values())
    assert same(run(checkpoint=path, may_differ="gradient"), run())


def test_a_later_checkpoint_is_never_overwritten_by_what_diverged(tmp_path):
    path = tmp_path / "run.safetensors"
    with pytest.raises(TrainingError, match=r"lower lr"):
        run(steps=500, lr=1e30, checkpoint=path, every=1)
    if path.exists():
        theta = params_from(load_checkpoint(path), NET.init(torch.Generator()))
        assert all(value.isfinite().all() for value in theta.values())


def test_a_checkpoint_from_a_gpu_is_read_on_a_cpu(tmp_path):
    path = tmp_path / "run.safetensors"
    made = run(until=30, checkpoint=path)
    theta = params_from(load_checkpoint(path), NET.init(torch.Generator()))
    assert all(
        value.device.type == "cpu" and torch.equal(value, made.theta[name].cpu())
        for name, value in theta.items()
    )

    def on_cpu(g):
        return sample(g).to(device="cpu")

    with pytest.warns(UserWarning, match="goes on on cpu: the numbers will be the same to rounding only"):
        found = run(device="cpu", draw=on_cpu, checkpoint=path, may_differ="sample")
    assert found.step == 60 and found.history["loss"][:30] == made.history["loss"]
    assert found.history["loss"][30:] == pytest.approx(run().history["loss"][30:], rel=1e-3)


def test_a_generator_on_the_gpu_is_of_another_kind(tmp_path):
    path = tmp_path / "run.safetensors"
    run(until=10, checkpoint=path)
    g = torch.Generator(device="cuda").manual_seed(0)
    with pytest.raises(CheckpointError, match="another kind of generator"):
        run(checkpoint=path, generator=g)


def scored(theta: Params) -> dict[str, float]:
    return {"size": -abs(sum(value.square().sum().item() for value in theta.values()) - 7.2)}


@pytest.mark.parametrize("until", [7, 25, 40])
def test_validation_and_the_best_are_the_same_after_a_resume(tmp_path, until):
    path = tmp_path / "run.safetensors"
    whole = run(validate=scored, every_validation=25)
    assert whole.validation["step"] == [25, 50, 60] and same(whole, run())  # to look changes nothing
    run(validate=scored, every_validation=25, checkpoint=path, until=until)
    pieces = run(validate=scored, every_validation=25, checkpoint=path)
    assert same(pieces, whole) and pieces.validation == whole.validation
    assert pieces.best is not None and whole.best is not None and pieces.best[1:] == whole.best[1:]
    beside = load_checkpoint(tmp_path / "run.best.safetensors")
    kept = params_from(beside, NET.init(torch.Generator()))
    assert all(torch.equal(value, whole.best.theta[name].cpu()) for name, value in kept.items())


def test_gradients_are_shortened_on_the_device():
    lengths = []

    class Seen(torch.optim.SGD):
        def step(self, closure=None):
            lengths.append(torch.cat([each.grad.flatten() for each in self.param_groups[0]["params"]]).norm())
            super().step(closure)

    run(20, optimizer=Seen)
    limit = torch.stack(lengths).median().item()
    lengths.clear()
    run(20, optimizer=Seen, clip=limit)
    assert all(length.item() <= 1.0001 * limit for length in lengths)


def test_a_time_budget_ends_a_run():
    found = run(steps=10**6, seconds=2.0)
    assert (
        found.stopped == "seconds" and 2.0 <= found.seconds < 4.0 and len(found.history["loss"]) == found.step
    )
