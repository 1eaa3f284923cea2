"""One training over several processes is the training of one, to rounding; and nothing that happens to one leaves the others waiting."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist

from mlteach.checkpoint import load_checkpoint
from mlteach.errors import TrainingError
from mlteach.training import ranks

SCRIPT = Path(__file__).with_name("on_ranks.py")
spec = importlib.util.spec_from_file_location("on_ranks", SCRIPT)
on_ranks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(on_ranks)
train, told = on_ranks.train, on_ranks.told

needs_processes = pytest.mark.skipif(
    not dist.is_available() or not dist.is_gloo_available(), reason="this torch knows no gloo"
)


def torchrun(part: str, processes: int, folder: Path, *options: str) -> list[dict[str, Any]]:
    """What the processes found, by rank. All of them are gone when this returns."""
    loopback = {"linux": "lo", "darwin": "lo0"}.get(sys.platform)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "USE_LIBUV": "0" if os.name == "nt" else "1"}
    environment |= {"PYTHONPATH": str(SCRIPT.parents[2])} | (
        {"GLOO_SOCKET_IFNAME": loopback} if loopback else {}
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr=127.0.0.1"]
    command += [f"--nproc-per-node={processes}", *options, str(SCRIPT), part, str(folder)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as running:
        try:
            words, _ = running.communicate(timeout=400)
        except BaseException:
            running.terminate()  # it ends what it started
            running.wait(60)
            raise
    assert running.returncode == 0, words.decode(errors="replace")[:6000]
    return [json.loads((folder / f"{part}-{rank}.json").read_text()) for rank in range(processes)]


def distance(a: dict[str, Any], b: dict[str, Any]) -> float:
    """Between two runs of as many steps: the largest difference in theta and in the losses."""
    assert a["step"] == b["step"] and len(a["theta"]) == len(b["theta"]) and len(a["loss"]) == len(b["loss"])
    pairs = zip(a["theta"] + a["loss"], b["theta"] + b["loss"], strict=True)
    return max(abs(x - y) for x, y in pairs)


@needs_processes
def test_four_processes_make_the_steps_of_one_and_stop_together(tmp_path: Path) -> None:
    judged = {"validate": on_ranks.size, "every_validation": 20, "clip": 0.5}
    train(checkpoint=tmp_path / "begun by one.safetensors", until=20, **judged)
    first, *others = torchrun("four", 4, tmp_path)

    for name, options in (
        ("Adam", {}),
        ("SGD", {"optimizer": torch.optim.SGD}),
        ("fewer tasks than processes", {"tasks": 3}),
        ("begun by one", judged),
    ):
        whole = told(train(**options))
        assert distance(first[name], whole) < 1e-10, name
        if name != "Adam":
            continue
        early = told(train(until=49))
        assert (
            distance(whole | {"step": 49, "loss": early["loss"]}, early) > 1e-4
        )  # a step more or less is seen

    # what four have begun one ends, with the curve and the best of its validations
    ended = told(train(checkpoint=tmp_path / "begun by four.safetensors", **judged))
    whole = told(train(**judged))
    assert ended["validation"]["step"] == first["begun by one"]["validation"]["step"] == [20, 40, 50]
    for run in (ended, first["begun by one"]):
        assert distance(run, whole) < 1e-10
        assert run["best"] == pytest.approx(whole["best"], abs=1e-10)

    assert first["not a number"].startswith("after 3: Training stopped: in step 4 loss was nan.")
    assert (
        first["another plan"] == "steps is 50 in process 0 and 51 in process 1; give all processes the same."
    )
    assert first["one alone validates"].startswith(
        "having validate is True in process 0 and False in process 1;"
    )
    assert "drew different tasks" in first["other tasks"]
    assert "sample gave a str, and only the tasks of an Episode can be shared out" in first["no episode"]
    assert first["an interrupt"]["stopped"] == "interrupt" and first["an interrupt"]["step"] == 5
    assert first["seconds"]["stopped"] == "seconds" and 1 <= first["seconds"]["step"] < 25
    failed = [each.pop("an error") for each in (first, *others)]
    assert failed.pop(2) == "its own: no such data"
    assert set(failed) == {
        "after 2: Process 2 of 4 ended with OSError (no such data), and so all end. Mend what it says there, then start all of "
        "them again."
    }
    assert all(each == first for each in others)  # to the last bit: theta, curves, seconds, sentences


@needs_processes
def test_a_killed_process_costs_the_steps_since_the_checkpoint(tmp_path: Path) -> None:
    first, second = torchrun("two", 2, tmp_path, "--max-restarts=1")
    assert first["attempt"] == 1  # the whole first attempt ended with the process that was killed
    assert (
        distance(first["killed"], told(train())) < 1e-10 and distance(first["whole"], told(train())) < 1e-10
    )
    assert (
        distance(first["killed"], first["whole"]) == 0
    )  # on as many processes it is the same to the last bit
    assert second == first and load_checkpoint(tmp_path / "killed.safetensors").about["step"] == 50
    assert not list(tmp_path.glob(".*"))


def test_without_torchrun_it_is_one_process_and_the_same_to_the_last_bit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, alone = train(), train(distributed=True)
    assert distance(told(whole), told(alone)) == 0
    for name, value in (("RANK", "0"), ("WORLD_SIZE", "1")):  # torchrun with one process
        monkeypatch.setenv(name, value)
    assert distance(told(whole), told(train(distributed=True))) == 0 and not dist.is_initialized()


@pytest.mark.parametrize("tasks", [1, 2, 3, 7, 8, 9, 32])
@pytest.mark.parametrize("size", [2, 3, 4, 8])
def test_each_task_is_one_process_s_and_counts_the_same(tasks: int, size: int) -> None:
    episode = on_ranks.sample(torch.Generator().manual_seed(0), tasks)
    shares = [ranks.Ranks(rank, size).share(episode) for rank in range(size)]
    counted = [share.tasks.query_x for share in shares if share.weight]
    assert torch.equal(torch.cat(counted), episode.query_x)
    assert all(
        share.weight == len(part) / tasks
        for share, part in zip([s for s in shares if s.weight], counted, strict=True)
    )
    most = -(-tasks // size)
    assert all(1 <= share.tasks.tasks <= most for share in shares)


def test_two_processes_on_one_gpu_are_named() -> None:
    ranks._apart([None, None, "cuda:0 of a", "cuda:0 of b"])
    with pytest.raises(TrainingError, match="Processes 0 and 2 both have theta on cuda:1 of a; .*own_device"):
        ranks._apart(["cuda:1 of a", "cuda:0 of a", "cuda:1 of a"])


def test_on_a_cpu_every_process_has_the_cpu() -> None:
    if not torch.cuda.is_available():
        assert ranks.own_device() == torch.device("cpu")
