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
from mlteach.errors import CheckpointError
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


@pytest.mark.parametrize("schedule", ["constant", "cosine", "linear"])
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
