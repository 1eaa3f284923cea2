"""The training loop: it learns, resumes to the same bits, and loses nothing when it is stopped or killed."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

from mlteach import checkpoint as ck
from mlteach import fit as training
from mlteach.errors import CheckpointError, EpisodeError, TrainingError
from mlteach.fit import Fit, fit
from mlteach.inner import sgd
from mlteach.nets import MLP, squared_error
from mlteach.outer import maml_gradient
from mlteach.params import Params
from mlteach.tasks.episode import Episode
from mlteach.training.last_good import floats

net = MLP((1, 6, 1), activation="tanh")


def sample(g: torch.Generator) -> Episode:
    x = torch.randn(4, 10, 1, generator=g)
    y = x * torch.randn(4, 1, 1, generator=g)
    return Episode(x[:, :5], y[:, :5], x[:, 5:], y[:, 5:])


def gradient(theta: Params, episode: Episode):
    return maml_gradient(net, squared_error, theta, episode, sgd(0.1), 1)


def run(steps: int = 30, **options) -> Fit:
    g = torch.Generator().manual_seed(0)
    theta = net.init(torch.Generator().manual_seed(1))
    return fit(
        gradient, theta, sample, **({"steps": steps, "generator": g, "lr": 1e-2, "progress": None} | options)
    )


def same(a: Fit, b: Fit) -> bool:
    return a.history == b.history and all(torch.equal(a.theta[name], b.theta[name]) for name in a.theta)


def test_it_learns_and_keeps_its_history():
    found = run(200)
    assert found.step == 200 and len(found.history["loss"]) == 200
    assert sum(found.history["loss"][-20:]) < 0.8 * sum(found.history["loss"][:20])
    assert not any(value.requires_grad for value in found.theta.values())


@pytest.mark.parametrize("schedule", ["constant", "cosine", "linear", "warm cosine"])
def test_a_resumed_run_is_the_same_to_the_last_bit(tmp_path, schedule):
    whole = run(schedule=schedule)
    path = tmp_path / "run.safetensors"
    for until in (7, 20, None):
        pieces = run(schedule=schedule, checkpoint=path, until=until)
    assert pieces.step == 30 and same(whole, pieces)
    again = run(schedule=schedule, checkpoint=path)  # it is finished: nothing more to do
    assert same(whole, again)
    assert json.loads(path.with_suffix(".json").read_text())["step"] == 30


def test_an_interrupt_in_mid_step_keeps_what_was_learned(tmp_path):
    path = tmp_path / "run.safetensors"
    calls = []

    def interrupted(theta, episode):
        calls.append(1)
        if len(calls) == 12:
            signal.raise_signal(signal.SIGINT)  # the stop button, while the gradient is being computed
        return gradient(theta, episode)

    g = torch.Generator().manual_seed(0)
    theta = net.init(torch.Generator().manual_seed(1))
    before = signal.getsignal(signal.SIGINT)
    found = fit(interrupted, theta, sample, steps=30, generator=g, lr=1e-2, progress=None, checkpoint=path)
    assert found.interrupted and found.step == 12
    assert signal.getsignal(signal.SIGINT) is before
    assert same(run(30, until=12), found)
    gone_on = run(30, checkpoint=path, may_differ="gradient")  # the same but for the click
    assert same(run(30), gone_on)  # and it goes on as if nothing had been


def test_a_second_interrupt_ends_at_the_last_whole_step(tmp_path):
    path = tmp_path / "run.safetensors"
    calls = []

    def impatient(theta, episode):
        calls.append(1)
        if len(calls) == 12:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        return gradient(theta, episode)

    g = torch.Generator().manual_seed(0)
    theta = net.init(torch.Generator().manual_seed(1))
    found = fit(impatient, theta, sample, steps=30, generator=g, lr=1e-2, progress=None, checkpoint=path)
    assert found.interrupted and found.step == 11
    assert same(found, run(30, until=11))
    assert ck.load_checkpoint(path).about["step"] == 11
    # what was drawn for the step that was given up is drawn again
    assert same(run(30), run(30, checkpoint=path, may_differ="gradient"))


def test_two_interrupts_while_the_parameters_move_leave_no_step_half_done():
    class Interrupted(torch.optim.SGD):
        count = 0

        def step(self, closure=None):
            super().step(closure)
            self.count += 1
            if self.count == 12:
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)

    found = run(30, optimizer=Interrupted)
    assert found.interrupted and found.step == len(found.history["loss"]) == 12
    assert same(found, run(30, optimizer=torch.optim.SGD, until=12))


def test_an_interrupt_during_the_last_write_loses_nothing(tmp_path, monkeypatch):
    path = tmp_path / "run.safetensors"
    before = os.fsync

    def clicked(descriptor):
        signal.raise_signal(signal.SIGINT)
        monkeypatch.setattr(os, "fsync", before)

    monkeypatch.setattr(os, "fsync", clicked)
    found = run(10, checkpoint=path)
    assert found.interrupted and same(found, run(10)) and same(found, run(10, checkpoint=path))


def test_a_full_disk_costs_the_checkpoint_but_not_what_was_learned(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(UserWarning, match="No space left on device.*still in memory"):
        found = run(10, checkpoint=tmp_path / "run.safetensors", every=4)
    assert same(found, run(10))


@pytest.mark.parametrize("momentum", [0, 0.9])
def test_plain_optimizers_resume_too_and_no_other_is_taken_for_them(tmp_path, momentum):
    path = tmp_path / "run.safetensors"

    def descent(tensors):
        return torch.optim.SGD(tensors, momentum=momentum)

    whole = run(optimizer=descent)
    run(optimizer=descent, checkpoint=path, until=7)
    with pytest.raises(CheckpointError, match="optimizer was 'SGD', is now 'Adam'"):
        run(checkpoint=path)
    assert same(whole, run(optimizer=descent, checkpoint=path))


def test_a_generator_of_another_kind_is_named(tmp_path):
    path = tmp_path / "run.safetensors"
    run(10, checkpoint=path)
    stored = ck.load_checkpoint(path)
    ck.save_checkpoint(path, stored.tensors | {"generator": stored.tensors["generator"][:16]}, stored.about)
    with pytest.raises(CheckpointError, match="another kind of generator"):
        run(10, checkpoint=path)


@pytest.mark.parametrize("name", ["run.json", "run", "lr0.4"])
def test_a_checkpoint_with_another_ending_is_refused_before_training(tmp_path, name):
    with pytest.raises(CheckpointError, match=rf"{name}\.safetensors"):
        run(10, checkpoint=str(tmp_path / name))
    assert not list(tmp_path.iterdir())


def test_an_error_in_the_gradient_is_not_swallowed():
    def broken(theta, episode):
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        fit(
            broken,
            net.init(torch.Generator().manual_seed(1)),
            sample,
            steps=3,
            generator=torch.Generator(),
            progress=None,
        )


def test_an_unknown_schedule_is_named():
    with pytest.raises(ValueError, match="constant, cosine, linear"):
        run(schedule="step")


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    path = tmp_path / "run.safetensors"
    run(10, checkpoint=path, schedule="cosine")
    with pytest.raises(
        CheckpointError, match="steps was 10, is now 30.*follows a cosine.*may_differ=\\['steps'\\]"
    ):
        run(30, checkpoint=path, schedule="cosine")


def damaged(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "cut short":
        path.write_bytes(content[: len(content) // 2])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "another version":
        ck.VERSION, ours = 99, ck.VERSION
        try:
            ck.save_checkpoint(path, {"theta.w": torch.zeros(1)}, {})
        finally:
            ck.VERSION = ours
    elif how == "another network":
        stored = ck.load_checkpoint(path)
        ck.save_checkpoint(path, stored.tensors | {"theta.layer1.weight": torch.zeros(9, 1)}, stored.about)
    else:
        from safetensors.torch import save_file

        save_file({"w": torch.zeros(1)}, path)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("cut short", "cut short"),
        ("empty", "cut short"),
        ("another version", "version 99"),
        ("another network", "another network: layer1.weight is"),
        ("foreign", "not from mlteach"),
    ],
)
def test_a_bad_checkpoint_ends_in_one_sentence_and_is_left_alone(tmp_path, how, says):
    path = tmp_path / "run.safetensors"
    run(10, checkpoint=path)
    damaged(path, how)
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=says):
        run(10, checkpoint=path)
    assert path.read_bytes() == before


def test_a_missing_checkpoint_and_a_full_disk(tmp_path, monkeypatch):
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        ck.load_checkpoint(tmp_path / "none.safetensors")
    path = tmp_path / "run.safetensors"
    run(10, checkpoint=path)
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match="No space left on device.*still in memory"):
        ck.save_checkpoint(path, {"theta.w": torch.zeros(1)}, {})
    assert path.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["run.json", "run.safetensors"]


def test_a_process_killed_while_it_writes_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / "run.safetensors"
    ck.save_checkpoint(path, {"w": torch.ones(3)}, {"step": 1})
    script = f"""
        import os, signal, torch
        from mlteach import checkpoint, files
        os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)  # written, but not yet moved
        checkpoint.save_checkpoint({str(path)!r}, {{"w": torch.zeros(3)}}, {{"step": 2}})
    """
    if sys.platform == "win32":
        script = script.replace("os.kill(os.getpid(), signal.SIGKILL)", "os._exit(1)")
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert done.returncode != 0
    stored = ck.load_checkpoint(path)
    assert stored.about == {"step": 1} and torch.equal(stored.tensors["w"], torch.ones(3))


def test_numbers_may_wait_to_be_looked_at_and_lose_nothing():
    """On a GPU they are tensors that nobody has asked for yet; they are the same as floats."""
    unseen = [{"loss": torch.tensor(2.0), "accuracy": 0.5}, {"loss": torch.tensor(1.0), "accuracy": 0.75}]
    assert floats(unseen) == [{"loss": 2.0, "accuracy": 0.5}, {"loss": 1.0, "accuracy": 0.75}]
    assert floats([]) == []


def test_a_run_says_what_it_was_trained_on_even_when_it_is_only_looked_up(tmp_path):
    path = tmp_path / "run.safetensors"
    assert run(4, checkpoint=path).device == "cpu"
    stored = ck.load_checkpoint(path)
    ck.save_checkpoint(path, stored.tensors, stored.about | {"device": "another"})
    assert run(4, checkpoint=path).device == "another"


def shaken(at: int, what: str = "loss", value: float = float("nan")):
    """The gradient function, but for one number in one step (counted from 1)."""
    calls = 0

    def broken(theta, episode):
        nonlocal calls
        calls += 1
        found, numbers = gradient(theta, episode)
        if calls == at:
            if what == "loss":
                return found, numbers | {"loss": torch.tensor(value)}
            found = found | {what: found[what].clone().index_fill_(0, torch.tensor([0]), value)}
        return found, numbers

    return broken


def started(function, steps: int = 30, **options) -> Fit:
    """`run`, of another gradient function."""
    g = torch.Generator().manual_seed(0)
    theta = net.init(torch.Generator().manual_seed(1))
    options = {"steps": steps, "generator": g, "lr": 1e-2, "progress": None} | options
    return fit(function, theta, sample, **options)


@pytest.mark.parametrize("look", [None, 5, 20])
@pytest.mark.parametrize("optimizer", [torch.optim.Adam, torch.optim.SGD, torch.optim.RMSprop])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("what", ["loss", "layer1.weight", "layer2.bias"])
def test_it_stops_at_the_first_number_that_is_none(monkeypatch, what, value, optimizer, look):
    """look: as on a GPU, where numbers are looked at only every so many steps."""
    if look:
        monkeypatch.setattr(training, "LOOK", look)
        monkeypatch.setattr(training, "_looks_each_step", lambda device: False)
    with pytest.raises(TrainingError, match=r"(was|was not finite) .*lower.*clip=1.0\.$") as error:
        started(shaken(13, what, value), optimizer=optimizer)
    good = 12 if look is None else 12 // look * look
    stopped = error.value.run
    assert stopped.step == good and same(stopped, run(until=good, optimizer=optimizer))
    if what == "loss" or not look:  # looking later, one sees first what followed
        assert f"in step 13 {'the gradient for ' * (what != 'loss')}{what} was" in str(error.value)


def test_a_step_that_leaps_to_infinity_is_taken_back_with_all_that_moved():
    """Gradient and loss are finite, and what the optimizer makes of them is not."""

    class Leaps(torch.optim.Adam):
        def step(self, closure=None):
            super().step(closure)
            if self.state[self.param_groups[0]["params"][0]]["step"] == 8:
                self.param_groups[0]["params"][1].data.mul_(float("inf"))

    with pytest.raises(
        TrainingError, match=r"in step 8 the parameter layer1\.bias was not finite \(6 of 6 numbers\)"
    ) as error:
        run(optimizer=Leaps)
    assert same(error.value.run, run(until=7)) and error.value.run.step == 7


def test_what_overflows_in_the_inner_loop_is_one_sentence_and_not_twenty_nans(tmp_path):
    def wild(theta, episode):
        return maml_gradient(net, squared_error, theta, episode, sgd(1e12), 5)

    path = tmp_path / "run.safetensors"
    with pytest.raises(TrainingError, match="in step 1 loss was (nan|inf)") as error:
        started(wild, checkpoint=path)
    assert error.value.run.step == 0 and not path.exists()


@pytest.mark.parametrize(("every", "kept"), [(4, 12), (8, 8), (500, 12)])
def test_the_last_good_checkpoint_stays(tmp_path, every, kept):
    """Of a run that diverges the last steps before are no better: an earlier file stays. With none, the last good state is kept."""
    path = tmp_path / "run.safetensors"
    with pytest.raises(TrainingError, match=rf"after 12 steps.*run\.safetensors holds step {kept}"):
        started(shaken(13), checkpoint=path, every=every)
    stored = ck.load_checkpoint(path)
    theta = ck.params_from(stored, net.init(torch.Generator()))
    assert stored.about["step"] == kept and all(value.isfinite().all() for value in theta.values())
    assert same(
        run(30), run(30, checkpoint=path, may_differ="gradient")
    )  # without the shake it goes on from there


def test_a_run_that_diverged_goes_on_with_a_lower_rate_if_asked(tmp_path):
    path = tmp_path / "run.safetensors"
    with pytest.raises(TrainingError):
        run(30, lr=1e30, checkpoint=path, every=1)
    with pytest.raises(CheckpointError, match=r"lr was 1e\+30, is now 0.01.*may_differ=\['lr'\]"):
        run(30, checkpoint=path)


def test_an_error_in_the_gradient_costs_nothing_that_was_learned(tmp_path):
    path = tmp_path / "run.safetensors"
    calls = []

    def fails(theta, episode):
        calls.append(1)
        if len(calls) == 13:
            raise RuntimeError("out of memory")
        return gradient(theta, episode)

    with pytest.raises(RuntimeError, match="out of memory"):
        started(fails, checkpoint=path)
    assert ck.load_checkpoint(path).about["step"] == 12
    assert same(run(30), run(30, checkpoint=path, may_differ=["gradient"]))


SETTINGS = {
    "lr": ({}, {"lr": 2e-2}, "lr was 0.01, is now 0.02"),
    "schedule": ({}, {"schedule": "linear"}, "schedule was 'constant', is now 'linear'"),
    "clip": ({}, {"clip": 1.0}, "clip was None, is now 1.0"),
    "weight decay": ({}, {"optimizer": lambda t: torch.optim.Adam(t, weight_decay=0.1)}, "optimizer.weight_decay was 0, is now 0.1"),
    "betas": ({}, {"optimizer": lambda t: torch.optim.Adam(t, betas=(0.0, 0.999))}, "optimizer.betas was .0.9, 0.999., is now .0.0, 0.999."),
    "about": ({"about": {"ways": 5}}, {"about": {"ways": 20}}, "about.ways was 5, is now 20"),
}  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
def test_the_settings_of_a_run_are_compared_and_told(tmp_path, name):
    first, second, says = SETTINGS[name]
    path = tmp_path / "run.safetensors"
    run(30, checkpoint=path, until=5, **first)
    with pytest.raises(CheckpointError, match=says):
        run(30, checkpoint=path, **second)
    assert run(30, checkpoint=path, **first).step == 30


def test_what_stands_in_the_gradient_and_the_sampler_is_compared(tmp_path):
    path = tmp_path / "run.safetensors"

    def maml(alpha=0.1, steps=1, first_order=False, tasks=4, dtype=torch.float32, seed=0):
        def gradient(theta, episode):
            return maml_gradient(
                net, squared_error, theta, episode, sgd(alpha), steps, first_order=first_order
            )

        def draw(generator):
            return Episode(*(each[:tasks] for each in sample(generator))).to(dtype=dtype)

        g = torch.Generator().manual_seed(seed)
        options = {"steps": 12, "generator": g, "progress": None, "checkpoint": path, "until": 6}
        return fit(gradient, net.init(torch.Generator().manual_seed(1), dtype), draw, **options)

    maml()
    for change, says in (
        ({"alpha": 0.2}, "gradient.alpha was 0.1, is now 0.2"),
        ({"steps": 5}, "gradient.steps was 1, is now 5"),
        ({"first_order": True}, "gradient.first_order was False, is now True"),
        ({"tasks": 3}, "sample.tasks was 4, is now 3"),
        ({"dtype": torch.float64}, "dtype was 'float32', is now 'float64'"),
    ):
        with pytest.raises(CheckpointError, match=says):
            maml(**change)
    assert maml().step == 6


def test_at_a_constant_rate_more_steps_are_the_same_run_and_said(tmp_path):
    path = tmp_path / "run.safetensors"
    run(10, checkpoint=path)
    with pytest.warns(UserWarning, match="was to make 10 steps, has made 10, and goes on to 20"):
        longer = run(20, checkpoint=path)
    assert longer.step == 20 and same(longer, run(20))
    with pytest.raises(CheckpointError, match="has made 20 steps already, and only 15 are asked for"):
        run(15, checkpoint=path)


def test_under_a_schedule_more_steps_are_another_run_unless_asked_for(tmp_path):
    path = tmp_path / "run.safetensors"
    run(10, checkpoint=path, schedule="linear")
    with pytest.raises(CheckpointError, match="steps was 10, is now 20 .the rate follows a linear"):
        run(20, checkpoint=path, schedule="linear")
    assert run(20, checkpoint=path, schedule="linear", may_differ=["steps"]).step == 20


def test_what_cannot_be_compared_is_said_once_and_refused_never(tmp_path):
    path = tmp_path / "run.safetensors"

    def draws():
        g = torch.Generator().manual_seed(0)
        drawn = (sample(g) for _ in range(100))
        return lambda generator: next(drawn)

    for until in (5, 10):
        with pytest.warns(UserWarning, match=r"cannot be told from sample.drawn \(generator\)") as said:
            options = {
                "steps": 10,
                "generator": torch.Generator(),
                "progress": None,
                "checkpoint": path,
                "until": until,
            }
            fit(gradient, net.init(torch.Generator().manual_seed(1)), draws(), **options)
        assert len(said) == 1


def test_every_crafted_part_of_a_checkpoint_is_one_sentence(tmp_path):
    path = tmp_path / "run.safetensors"
    run(30, checkpoint=path, until=10, validate=lambda theta: 1.0, every_validation=5)
    tensors, about = ck.load_checkpoint(path)
    before = path.read_bytes()
    nan = torch.full((6, 1), float("nan"))

    def less(name):
        return {key: value for key, value in tensors.items() if key != name}

    cases = [(less(name), about, "missing") for name in tensors]
    cases += [
        (tensors | {"theta.layer1.weight": nan}, about, "not finite"),
        (tensors | {"theta.layer1.weight": torch.zeros(6, 1).half()}, about, "float16"),
        (tensors | {"theta.layer1.weight": torch.zeros(6, 1).double()}, about, "float64"),
        (tensors | {"theta.layer1.weight": torch.zeros(6, 1).long()}, about, "int64"),
        (tensors | {"theta.layer1.weight": torch.zeros(1, 6)}, about, "another network"),
        (tensors | {"theta.more": torch.zeros(1)}, about, "more"),
        (tensors | {"optimizer.0.exp_avg": torch.zeros(3)}, about, r"optimizer\.0\.exp_avg is"),
        (tensors | {"optimizer.0.exp_avg": nan}, about, "is not finite"),
        (tensors | {"optimizer.0.exp_avg": torch.zeros(6, 1).double()}, about, "float64"),
        (tensors | {"optimizer.9.exp_avg": torch.zeros(3)}, about, "remembers no such thing"),
        (tensors | {"optimizer.x": torch.zeros(3)}, about, "remembers no such thing"),
        (tensors | {"optimizer.0.more": torch.zeros(3)}, about, "remembers no such thing"),
        (tensors | {"generator": torch.zeros(3)}, about, "another kind of generator"),
        (tensors | {"generator": torch.zeros(3).byte()}, about, "another kind of generator"),
        (tensors | {"history.loss": torch.zeros(3).double()}, about, "history.loss"),
        (tensors | {"history.loss": torch.zeros(10)}, about, "history.loss is torch.float32"),
        (tensors | {"history.more": torch.zeros(10).double()}, about, "not listed"),
        (tensors | {"validation.score": torch.zeros(7).double()}, about, "validation.score"),
        (tensors | {"best.layer1.weight": torch.zeros(2)}, about, "best.layer1.weight"),
        (tensors | {"foreign": torch.zeros(2)}, about, "'foreign'"),
        *((tensors, about | {"step": step}, "steps were made") for step in (-5, 10.5, "10", None, True, 9999, 31)),
        (tensors, about | {"step": 9}, "9 steps were made"),
        (tensors | {"history.loss": torch.zeros(9).double()}, about, "history.loss"),
        (tensors | {"history.loss": nan.double().new_full((10,), float("inf"))}, about, "history.loss is not finite"),
        (tensors, about | {"history": ["loss", "loss"]}, "twice"),
        (tensors | {"optimizer.0.exp_avg_sq": tensors["optimizer.0.exp_avg_sq"] + float("inf")}, about, "not finite"),
        *((tensors | {"optimizer.0.step": torch.tensor(steps)}, about, r"optimizer\.0\.step is") for steps in (-3.0, 1000.0)),
        *(
            (tensors | {"validation.step": torch.tensor(steps).double()}, about, "validation was after")
            for steps in ([10, 5], [5, 5], [5, 11], [-1, 5], [2.5, 5], [5, float("nan")], [5, float("inf")])
        ),
        *(
            (tensors, about | {"best": {"step": step, "score": score}}, "the best step is")
            for step, score in ((-5, 1.0), (11, 1.0), (True, 1.0), (5, float("nan")), (5, float("inf")), (5, 10**400))
        ),
        *((tensors, about | {"seconds": seconds}, "seconds") for seconds in (-1, "1", None, float("nan"), float("inf"))),
        *((tensors, about | {"settings": settings}, "settings") for settings in (None, [], "x")),
        (tensors, about | {"settings": about["settings"] | {"steps": None}}, "of None steps"),
        (tensors, about | {"history": 3}, "its history is 3"),
        (tensors, about | {"validation": "score"}, "its validation is"),
        (tensors, about | {"device": 7}, "its device is 7"),
        (tensors, about | {"best": 7}, "the best step is 7"),
        (tensors, about | {"best": {"step": "x", "score": 1.0}}, "the best step is"),
        *((tensors, {k: v for k, v in about.items() if k != key}, key) for key in ("step", "seconds", "settings")),
    ]  # fmt: skip
    for parts, said, match in cases:
        ck.save_checkpoint(path, parts, said)
        crafted = path.read_bytes()
        theta, g = net.init(torch.Generator().manual_seed(1)), torch.Generator().manual_seed(0)
        drawn = g.get_state()
        with pytest.raises(CheckpointError, match=match) as error:
            fit(gradient, theta, sample, steps=30, generator=g, lr=1e-2, progress=None, checkpoint=path,
                validate=lambda theta: 1.0, every_validation=5)  # fmt: skip
        assert "\n" not in str(error.value) and path.read_bytes() == crafted
        assert torch.equal(g.get_state(), drawn)  # nothing was moved by what was wrong
    path.write_bytes(before)
    assert same(run(30, checkpoint=path), run(30))


@pytest.mark.parametrize(
    "make",
    [
        torch.optim.Adadelta, torch.optim.Adafactor, torch.optim.Adagrad, torch.optim.AdamW, torch.optim.Adamax, torch.optim.ASGD,
        torch.optim.NAdam, torch.optim.RAdam, torch.optim.RMSprop, torch.optim.Rprop,
        lambda t: torch.optim.Adam(t, amsgrad=True), lambda t: torch.optim.SGD(t, momentum=0.9, nesterov=True),
    ],
)  # fmt: skip
def test_every_optimizer_s_memory_is_known_and_taken_up(tmp_path, make):
    path = tmp_path / "run.safetensors"
    run(12, optimizer=make, checkpoint=path, until=5)
    assert same(run(12, optimizer=make, checkpoint=path), run(12, optimizer=make))


def test_a_checkpoint_of_the_version_before_goes_on(tmp_path):
    path = tmp_path / "run.safetensors"
    run(30, checkpoint=path, until=10, about={"ways": 5})
    tensors, about = ck.load_checkpoint(path)
    settings = {"steps": 30, "lr": 1e-2, "schedule": "constant", "ways": 5}
    said = {key: about[key] for key in ("step", "seconds", "device")} | {
        "settings": settings,
        "optimizer": "Adam",
    }
    ck.save_checkpoint(path, tensors, said)
    assert same(run(30, checkpoint=path, about={"ways": 5}), run(30))
    ck.save_checkpoint(path, tensors, said)
    with pytest.raises(CheckpointError, match="ways was 5, is now 20"):
        run(30, checkpoint=path, about={"ways": 20})


def test_a_time_budget_counts_over_resumes(tmp_path, monkeypatch):
    path = tmp_path / "run.safetensors"
    clock = iter(range(10**6))
    monkeypatch.setattr(training.time, "perf_counter", lambda: float(next(clock)))  # a step takes a second
    first = run(30, seconds=8, checkpoint=path)
    assert first.step == 8 and first.stopped == "seconds" and not first.interrupted
    assert run(30, seconds=8, checkpoint=path).step == 8
    second = run(30, seconds=20, checkpoint=path)
    assert second.step == 20 and second.seconds == 20
    third = run(30, seconds=100, checkpoint=path)
    assert third.step == 30 and third.stopped == "" and same(third, run(30))
    assert run(30, seconds=0).step == 0


def scored(theta: Params) -> dict[str, float]:
    """Something that has its best in the middle of the run."""
    size = sum(value.square().sum().item() for value in theta.values())
    return {"closeness": -abs(size - 7.2), "size": size}


def test_validation_makes_a_curve_and_keeps_the_best(tmp_path):
    path = tmp_path / "run.safetensors"
    found = run(30, validate=scored, every_validation=4, checkpoint=path)
    assert found.validation["step"] == [4, 8, 12, 16, 20, 24, 28, 30]
    assert found.validation["closeness"] == [
        scored(run(30, until=step).theta)["closeness"] for step in found.validation["step"]
    ]
    best = max(range(8), key=lambda k: found.validation["closeness"][k])
    assert found.best is not None and found.best.step == found.validation["step"][best]
    assert found.best.score == found.validation["closeness"][best]
    beside = ck.load_checkpoint(tmp_path / "run.best.safetensors")
    kept = ck.params_from(beside, net.init(torch.Generator()))
    assert beside.about["step"] == found.best.step
    assert all(torch.equal(kept[name], run(30, until=found.best.step).theta[name]) for name in kept)
    assert same(found, run(30))  # to look changes nothing
    lowest = run(30, validate=scored, every_validation=4, better="lower")
    assert lowest.best is not None and lowest.best.score == min(lowest.validation["closeness"])


@pytest.mark.parametrize("until", [3, 4, 6, 16, 29, 30])
def test_the_curve_of_a_resumed_run_is_the_same(tmp_path, until):
    path = tmp_path / "run.safetensors"
    whole = run(30, validate=scored, every_validation=4)
    run(30, validate=scored, every_validation=4, checkpoint=path, every=3, until=until)
    pieces = run(30, validate=scored, every_validation=4, checkpoint=path, every=3)
    assert pieces.validation == whole.validation and pieces.best is not None and whole.best is not None
    assert pieces.best[1:] == whole.best[1:]
    assert all(torch.equal(pieces.best.theta[name], whole.best.theta[name]) for name in whole.best.theta)


def test_a_validation_that_was_missed_is_made_up_for(tmp_path):
    """Killed or failed between a step and its validation."""
    path = tmp_path / "run.safetensors"

    def fails(theta):
        raise OSError("no such data")

    with pytest.raises(OSError, match="no such data"):
        run(30, validate=fails, every_validation=4, checkpoint=path)
    assert ck.load_checkpoint(path).about["step"] == 4
    found = run(30, validate=scored, every_validation=4, checkpoint=path)
    assert found.validation == run(30, validate=scored, every_validation=4).validation


def test_validation_may_give_a_number_an_interval_or_a_tensor_and_may_spoil_its_copy():
    from mlteach.measure import over_tasks

    def spoils(theta):
        for value in theta.values():
            value.zero_()
        return {"accuracy": over_tasks([0.1, 0.3]), "loss": torch.tensor(0.5)}

    found = run(8, validate=spoils, every_validation=4)
    assert found.validation == {"step": [4, 8], "accuracy": pytest.approx([0.2, 0.2]), "loss": [0.5, 0.5]}
    assert same(found, run(8))
    assert run(8, validate=lambda theta: 3, every_validation=8).validation == {"step": [8], "score": [3.0]}
    never = run(8, validate=lambda theta: float("nan"), every_validation=8)
    assert never.best is None and len(never.validation["score"]) == 1


@pytest.mark.parametrize(
    ("gives", "says"),
    [({}, "one score at least"), ({"step": 1.0}, "any name but 'step'"), (None, "gave None as 'score'"), ({"a": "good"}, "'good'"),
     (torch.zeros(3), "a tensor .3."), ([1.0], "a list")],
)  # fmt: skip
def test_a_validation_that_gives_no_number_is_named(gives, says):
    with pytest.raises(TrainingError, match=says):
        run(8, validate=lambda theta: gives, every_validation=4)


def test_long_gradients_are_shortened_and_short_ones_left():
    lengths = []

    class Seen(torch.optim.SGD):
        def step(self, closure=None):
            grads = [each.grad for each in self.param_groups[0]["params"]]
            lengths.append(torch.cat([each.flatten() for each in grads]).norm().item())
            super().step(closure)

    plain = run(20, optimizer=Seen)
    free, lengths = lengths, []
    limit = sorted(free)[10]
    first = run(1, optimizer=Seen, clip=limit)
    assert lengths[0] == pytest.approx(min(limit, free[0])) and first.step == 1
    assert same(run(20, optimizer=Seen, clip=1e9), plain)


def test_tied_parameters_are_refused_before_they_part():
    w = torch.ones(3, 3)
    for theta in ({"a": w, "b": w}, {"a": w, "b": w.T}, {"a": w, "b": w.view(9)}, {"a": w, "b": w[:1]}):
        with pytest.raises(TrainingError, match="'a' and 'b' are one tensor"):
            fit(gradient, theta, sample, steps=1, generator=torch.Generator(), progress=None)
    both = torch.ones(3, 4)
    fit(lambda theta, _: (theta, {}), {"a": both[:, 1:], "b": both[:, 0]}, sample, steps=1, generator=torch.Generator(), progress=None)  # fmt: skip


OPTIONS = {
    "steps": (10.0, "steps is a whole number"),
    "every": (0, "every is a whole number from 1"),
    "every_validation": (-1, "every_validation is a whole number"),
    "lr": (float("nan"), "lr is a finite number"),
    "clip": (0, "would leave nothing"),
    "seconds": (-1, "seconds is a finite number"),
    "schedule": ("step", "constant, cosine, linear"),
    "better": ("more", "higher"),
    "validate": (0.5, "validate is a function, and 0.5 came"),
    "optimizer": ("adam", "optimizer is a function, and 'adam' came"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_that_cannot_be_are_one_sentence(name):
    value, says = OPTIONS[name]
    with pytest.raises(TrainingError, match=says):
        run(**{name: value})


def test_functions_that_are_none_are_one_sentence():
    theta, g = net.init(torch.Generator().manual_seed(1)), torch.Generator()
    episode = sample(torch.Generator())
    zeros = {name: torch.zeros_like(value) for name, value in theta.items()}
    for function, start, draw, says in (
        (gradient(theta, episode), theta, sample, "gradient is a function, and a tuple came"),
        (gradient, theta, episode, "sample is a function, and a Episode came"),
        (gradient, theta, lambda g: [episode, episode], "One episode is wanted.*a list of 2 came"),
        (gradient, theta, lambda g: tuple(episode), "An episode is wanted, and a tuple came"),
        (gradient, list(theta.values()), sample, "theta is a dict of tensors by name, and a list came"),
        (gradient, {}, sample, "theta is a dict"),
        (gradient, {"w": torch.ones(3, dtype=torch.int64)}, sample, "theta holds torch.int64 as 'w'"),
        (gradient, {"w": 0.5}, sample, "theta holds 0.5 as 'w'"),
        (gradient, {"w": torch.tensor([float("nan")])}, sample, "w is not finite before the first step"),
        (lambda t, e: zeros, theta, sample, "let it return two dicts"),
        (lambda t, e: (zeros, 0.5), theta, sample, "let it return two dicts"),
        (lambda t, e: ({}, {"loss": 0.5}), theta, sample, "gave nothing for 'layer1.weight'"),
        (
            lambda t, e: (zeros | {"layer1.bias": torch.zeros(2)}, {}),
            theta,
            sample,
            "gradient for 'layer1.bias' is",
        ),
        (lambda t, e: (zeros | {"layer1.bias": torch.zeros(6).double()}, {}), theta, sample, "float64"),
        (lambda t, e: (zeros, {"loss": torch.zeros(4)}), theta, sample, "shows 'loss' of shape .4."),
    ):
        with pytest.raises((TrainingError, EpisodeError), match=says) as error:
            fit(function, start, draw, steps=3, generator=g, progress=None)
        assert "\n" not in str(error.value)


def test_numbers_that_come_and_go_are_named():
    calls = []

    def moody(theta, episode):
        calls.append(1)
        return gradient(theta, episode)[0], {"loss": 1.0} | ({"more": 1.0} if len(calls) == 3 else {})

    with pytest.raises(TrainingError, match="showed loss before, and shows loss, more now"):
        started(moody)


def test_another_seed_is_another_run(tmp_path):
    path = tmp_path / "run.safetensors"
    options = {"steps": 6, "checkpoint": path, "progress": None}
    start = net.init(torch.Generator().manual_seed(1))
    fit(gradient, start, sample, generator=torch.Generator().manual_seed(0), until=3, **options)
    with pytest.raises(CheckpointError, match="seed was 0, is now 1"):
        fit(gradient, start, sample, generator=torch.Generator().manual_seed(1), **options)
    other = torch.Generator().manual_seed(1)
    assert fit(gradient, start, sample, generator=other, may_differ=["seed"], **options).step == 6
    tensors, about = ck.load_checkpoint(path)
    del about["settings"]["seed"]  # as older checkpoints are
    ck.save_checkpoint(path, tensors, about)
    assert fit(gradient, start, sample, generator=torch.Generator().manual_seed(7), **options).step == 6


def test_what_an_optimizer_remembers_is_looked_at_too(tmp_path):
    """A gradient whose square overflows leaves the parameter where it is, for good."""
    path, steps = tmp_path / "run.safetensors", iter(range(100))

    def large(theta, episode):
        found, numbers = gradient(theta, episode)
        return {
            n: g + (1e25 if n == "layer2.bias" and next(steps) == 4 else 0) for n, g in found.items()
        }, numbers

    start, g = net.init(torch.Generator().manual_seed(1)), torch.Generator().manual_seed(0)
    with (
        pytest.warns(UserWarning, match="cannot be told"),
        pytest.raises(TrainingError, match="remembers of") as error,
    ):
        fit(large, start, sample, steps=9, generator=g, checkpoint=path, every=2, progress=None)
    assert "in step 5" in str(error.value) and r"layer2.bias (exp_avg_sq)" in str(error.value)
    assert error.value.run.step == 4 and ck.load_checkpoint(path).about["step"] == 4


def test_a_full_disk_is_tried_again_when_the_next_is_due_and_one_file_does_not_cost_the_other(
    tmp_path, monkeypatch
):
    path, tried = tmp_path / "run.safetensors", []

    def full(target, content):
        if str(target).endswith("safetensors"):
            tried.append(target.name)
        if "best" in target.name or len(tried) < 4:
            raise OSError(28, "No space left on device")
        target.write_bytes(content if isinstance(content, bytes) else content.encode())

    monkeypatch.setattr(ck, "write_atomic", full)
    with pytest.warns(UserWarning, match="No space left"):
        run(30, checkpoint=path, every=10, validate=lambda theta: 1.0, every_validation=10)
    assert tried == ["run.best.safetensors", "run.safetensors"] * 3
    assert ck.load_checkpoint(path).about["step"] == 30


def test_an_exit_in_a_users_function_keeps_what_was_learned(tmp_path):
    path = tmp_path / "run.safetensors"
    with pytest.raises(SystemExit):
        run(30, checkpoint=path, validate=lambda theta: sys.exit(3), every_validation=20)
    assert ck.load_checkpoint(path).about["step"] == 20
