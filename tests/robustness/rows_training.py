"""Cases of training: its checkpoints, whose run they are, and what it is given."""

import os
import struct
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import save, save_file
from torch import Tensor

from mlteach.checkpoint import Checkpoint, load_checkpoint, params_from, save_checkpoint
from mlteach.fit import Fit, fit
from mlteach.inner import sgd
from mlteach.measure import accuracy
from mlteach.nets import MLP, cross_entropy, squared_error
from mlteach.outer import maml_gradient
from mlteach.tasks import Episode
from mlteach.training import ranks
from tests.robustness.table import Room, case

CHECKPOINTS, RESUMING, TRAINING = "Checkpoints", "Going on with a training", "Training"
PROCESSES = "Training on several processes"
net = MLP((1, 4, 1), activation="tanh")
PLACES = torch.linspace(-1, 1, 6).reshape(1, 6, 1)


def sample(generator: torch.Generator, places: Tensor = PLACES) -> Episode:
    y = places * torch.randn(4, 1, 1, generator=generator)
    x = places.expand(y.shape).to(y)
    return Episode(x[:, :3], y[:, :3], x[:, 3:], y[:, 3:])


def maml(loss: Any = squared_error, **options: Any) -> Callable[..., Any]:
    options = {"rule": sgd(0.1), "steps": 1, "first_order": False} | options
    return partial(maml_gradient, net, loss, **options)


def file(room: Room) -> Path:
    return room.folder / "run.safetensors"


def train(checkpoint: object, **options: Any) -> Fit:
    """Thirty steps, kept in a checkpoint."""
    theta = net.init(torch.Generator().manual_seed(1))
    given = {"gradient": maml(), "theta": theta, "sample": partial(sample, places=PLACES), "steps": 30}
    given |= {"lr": 1e-2, "progress": None, "checkpoint": checkpoint}
    return fit(**given | {"generator": torch.Generator().manual_seed(0)} | options)


@cache
def ten_steps() -> bytes:
    """The checkpoint of the first ten of them."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.safetensors"
        train(path, until=10)
        return path.read_bytes()


# What may be wrong with the file


def flipped(place: int) -> Callable[[Path], object]:
    def flip(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[place] ^= 1
        path.write_bytes(content)

    return flip


def in_data(path: Path) -> None:
    (length,) = struct.unpack_from("<Q", path.read_bytes())
    flipped(8 + length + 40)(path)


def says(header: str) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(save({"theta.w": torch.zeros(2)}, metadata={"mlteach": header}))


def crafted(tensors: dict[str, Tensor | None] | None = None, **about: Any) -> Callable[[Path], object]:
    """The checkpoint with other parts, sound checksum and all; None leaves one out."""

    def craft(path: Path) -> None:
        stored = load_checkpoint(path)
        parts = stored.tensors | (tensors or {})
        said = stored.about | about
        save_checkpoint(
            path,
            {name: value for name, value in parts.items() if value is not None},
            {name: value for name, value in said.items() if value is not None},
        )

    return craft


DAMAGED = "…run.safetensors is cut short, damaged or no checkpoint ({}). Delete it and train again, or take a copy that is whole."
NOTHING = (
    "Nothing can go on from …run.safetensors: {}. Delete it and train again, or take a copy that is whole."
)
VERSIONS = "…run.safetensors has checkpoint version {}, and this mlteach reads versions 1 and 2. Read it with the mlteach that wrote it, or train again."
OTHER_NET = "This checkpoint is of another network: layer1.weight is {}. …"
WEIGHT = "theta.layer1.weight"
for wrong, spoil, said in (
    ("one bit of the data is flipped", in_data, DAMAGED.format("its checksum is not that of its content")),
    ("one bit of the header is flipped", flipped(40), DAMAGED.format("…")),
    ("one bit of the header's length is flipped", flipped(2), DAMAGED.format("…")),
    ("it is cut short", lambda p: p.write_bytes(p.read_bytes()[:-9]), DAMAGED.format("…")),
    ("it is cut short within its header", lambda p: p.write_bytes(p.read_bytes()[:99]), DAMAGED.format("…")),
    ("it is empty", lambda p: p.write_bytes(b""), DAMAGED.format("it is empty")),
    ("what it says of itself is no JSON", says("step 10"), DAMAGED.format("what it says of itself cannot be read: …")),
    ("it does not say what it is about", says('{"version": 1}'), DAMAGED.format("it does not say what it is about")),
    ("its version is a text", says('{"version": "1", "about": {}}'), VERSIONS.format('"1"')),
    ("its version is 99", says('{"version": 99, "about": {}}'), VERSIONS.format("99")),
    ("it is of another program", lambda p: save_file({"w": torch.zeros(2)}, p), "…run.safetensors holds tensors, but not from mlteach. Choose a checkpoint that `fit` wrote."),
    ("the generator's state is missing", crafted({"generator": None}), NOTHING.format("the state of the generator is missing")),
    ("the generator's state is of another kind", crafted({"generator": torch.zeros(16).byte()}), "…run.safetensors holds the state of another kind of generator than one on cpu (…). Go on with a generator on the device it was trained with, or choose another checkpoint path."),
    ("the step is missing", crafted(step=None), NOTHING.format("it says that None steps were made")),
    ("step -5", crafted(step=-5), NOTHING.format("it says that -5 steps were made")),
    ("step 10.5", crafted(step=10.5), NOTHING.format("it says that 10.5 steps were made")),
    ("a step beyond the last", crafted(step=9999), NOTHING.format("it says that 9999 of 30 steps were made")),
    ("the settings are missing", crafted(settings=None), NOTHING.format("it does not say with which settings")),
    ("a parameter is missing", crafted({WEIGHT: None}), OTHER_NET.format("missing in the file and (4, 1) here")),
    ("a parameter is not a number", crafted({WEIGHT: torch.full((4, 1), torch.nan)}), "This checkpoint holds numbers in layer1.weight that are not finite: the run had diverged. Train again, with a lower rate."),
    ("a parameter is float16", crafted({WEIGHT: torch.zeros(4, 1).half()}), NOTHING.format(f"{WEIGHT} is torch.float16 [4, 1], where this run has torch.float32 [4, 1]")),
    ("a parameter is int64", crafted({WEIGHT: torch.zeros(4, 1).long()}), OTHER_NET.format("torch.int64 in the file and torch.float32 here")),
    ("a parameter has another shape", crafted({WEIGHT: torch.zeros(5, 1)}), OTHER_NET.format("(5, 1) in the file and (4, 1) here")),
    ("a memory of the optimizer has another shape", crafted({"optimizer.0.exp_avg": torch.zeros(3)}), NOTHING.format("optimizer.0.exp_avg is torch.float32 [3], where this run has torch.float32 [4, 1]")),
    ("a memory of the optimizer is missing", crafted({"optimizer.0.exp_avg": None}), NOTHING.format("optimizer.0.exp_avg is missing")),
    ("the history is shorter than the run", crafted({"history.loss": torch.zeros(3).double()}), NOTHING.format("history.loss is torch.float64 [3], where float64 [10] should be")),
    ("a folder stands in its place", lambda p: (p.unlink(), p.mkdir()), "…run.safetensors is a folder; give the path of a file in it, such as …run.safetensors/run.safetensors."),
    ("it was killed while it was being written, and half a file lies beside it", lambda p: p.with_name(".run.safetensors.0123abcd.part").write_bytes(b"half"), ""),
):  # fmt: skip

    @case(CHECKPOINTS, wrong, said)
    def bad_checkpoint(room: Room, spoil: Callable[[Path], object] = spoil) -> None:
        file(room).write_bytes(ten_steps())
        spoil(file(room))
        train(file(room))


@case(
    CHECKPOINTS,
    "it may not be read",
    "…run.safetensors cannot be read: Permission denied. Make it readable, or choose another path.",
)
def unreadable(room: Room) -> None:
    def denied(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    file(room).write_bytes(ten_steps())
    room.patch.setattr(Path, "read_bytes", denied)
    train(file(room))


@case(
    CHECKPOINTS,
    "it is not there",
    "There is no checkpoint at …run.safetensors. Train first, or check the path.",
)
def no_checkpoint(room: Room) -> None:
    load_checkpoint(file(room))


for name, said in (
    ("run.json", "A checkpoint's name ends in .safetensors; call run.json run.json.safetensors."),
    ("run", "A checkpoint's name ends in .safetensors; call run run.safetensors."),
    ("~nosuchuser/run.safetensors", "There is no home folder for ~nosuchuser/run.safetensors (…); write the path out."),
):  # fmt: skip

    @case(CHECKPOINTS, f"its path is `{name}`", said)
    def wrong_path(room: Room, name: str = name) -> None:
        train(name)


@case(CHECKPOINTS, "its path begins with `~`: it lies in the home folder")
def home(room: Room) -> None:
    for name in ("HOME", "USERPROFILE"):
        room.patch.setenv(name, str(room.folder))
    train("~/run.safetensors", until=1)
    assert file(room).exists()


@case(
    CHECKPOINTS,
    "the disk is full when it is written: training goes on",
    "Could not write …run.safetensors: No space left on device. What was learned is still in memory, and any earlier checkpoint "
    "is untouched. Free some space or choose another folder, then save again.",
)
def full_disk(room: Room) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    room.patch.setattr(os, "fsync", full)
    assert train(file(room), until=2).step == 2 and not file(room).exists()


@case(
    CHECKPOINTS,
    "the network that reads it is another",
    "This checkpoint is of another network: layer1.weight is (4, 1) in the file and (9, 1) here. Build the network with the "
    "settings it was trained with, or choose another file.",
)
def other_network(room: Room) -> None:
    params_from(Checkpoint({WEIGHT: torch.zeros(4, 1)}, {}), {"layer1.weight": torch.zeros(9, 1)})


# Whose run it is

BELONGS = (
    "…run.safetensors belongs to another run: {0} {1}. Give this run its own checkpoint path, or delete that file; to go on from "
    "it all the same, say may_differ=['{0}']."
)
half = net.init(torch.Generator().manual_seed(1), torch.float64)
for wrong, options, name, said in (
    ("another rate", {"lr": 2e-2}, "lr", "was 0.01, is now 0.02"),
    ("another schedule", {"schedule": "linear"}, "schedule", "was 'constant', is now 'linear'"),
    ("another optimizer", {"optimizer": torch.optim.SGD}, "optimizer", "was 'Adam', is now 'SGD'"),
    ("another weight decay", {"optimizer": partial(torch.optim.Adam, weight_decay=0.1)}, "optimizer.weight_decay", "was 0, is now 0.1"),
    ("other betas", {"optimizer": partial(torch.optim.Adam, betas=(0.0, 0.999))}, "optimizer.betas", "was [0.9, 0.999], is now [0.0, 0.999]"),
    ("another rate of the inner rule", {"gradient": maml(rule=sgd(0.2))}, "gradient.rule.step.alpha", "was 0.1, is now 0.2"),
    ("more inner steps", {"gradient": maml(steps=5)}, "gradient.steps", "was 1, is now 5"),
    ("the first order", {"gradient": maml(first_order=True)}, "gradient.first_order", "was False, is now True"),
    ("another precision", {"theta": half}, "dtype", "was 'float32', is now 'float64'"),
    ("other data", {"sample": partial(sample, places=2 * PLACES)}, "sample.places", "was …, is now …"),
):  # fmt: skip

    @case(RESUMING, f"with {wrong}", BELONGS.format(name, said))
    def other_run(room: Room, options: dict[str, Any] = options) -> None:
        file(room).write_bytes(ten_steps())
        train(file(room), **options)


@case(
    RESUMING,
    "with more steps at a constant rate",
    "run.safetensors was to make 30 steps, has made 10, and goes on to 40.",
)
def more_steps(room: Room) -> None:
    file(room).write_bytes(ten_steps())
    assert train(file(room), steps=40).step == 40


@case(
    RESUMING,
    "with fewer steps than were made",
    "…run.safetensors has made 10 steps already, and only 5 are asked for. Give it more steps, or choose another checkpoint path.",
)
def fewer_steps(room: Room) -> None:
    file(room).write_bytes(ten_steps())
    train(file(room), steps=5)


@case(RESUMING, "with the same settings: it ends at the same bits as if it had never stopped")
def same_run(room: Room) -> None:
    file(room).write_bytes(ten_steps())
    pieces, whole = train(file(room)), train(None)
    assert all(torch.equal(pieces.theta[name], value) for name, value in whole.theta.items())


# What it is given


def shaken(theta: Any, episode: Episode) -> Any:
    """A gradient whose loss is NaN in the third step."""
    found, _ = maml()(theta, episode)
    calls.append(1)
    return found, {"loss": torch.nan if len(calls) == 3 else 1.0}


calls: list[int] = []


@case(
    TRAINING,
    "the loss is not a number",
    "Training stopped: in step 3 loss was nan. The last good state, after 2 steps, is in this error's run, and run.safetensors "
    "holds step 2. Give a lower lr or a lower rate of the inner rule, or shorten long gradients with clip=1.0.",
)
def not_finite(room: Room) -> None:
    calls.clear()
    train(file(room), gradient=shaken)


@case(
    TRAINING,
    "the inner rule's rate is far too high",
    "Training stopped: in step 1 loss was …. The last good state, after 0 steps, is in this error's run. Give a lower lr or a "
    "lower rate of the inner rule, or shorten long gradients with clip=1.0.",
)
def diverges(room: Room) -> None:
    train(file(room), gradient=maml(rule=sgd(1e12), steps=5))


@case(
    TRAINING,
    "two parameters are one tensor",
    "'a' and 'b' are one tensor in theta, and training would move them apart. Keep one name and let the network use it twice; "
    "or give clones, if they are to part.",
)
def tied(room: Room) -> None:
    w = torch.ones(3)
    train(file(room), theta={"a": w, "b": w})


for wrong, gradient, said in (
    ("`rule=sgd`, without its call", maml(rule=sgd), "The rule is the function sgd itself; call it to make a rule, such as sgd(0.1)."),
    ("`rule=.4`", maml(rule=0.4), "The rule is a bare rate, 0.4; say which rule steps with it: sgd(0.4)."),
    ("`steps=1.5`", maml(steps=1.5), "The number of inner steps is a whole number from 0 on, and 1.5 came."),
    ("a loss of torch's that averages over the tasks", maml(loss=F.mse_loss), "The loss gave shape () for 4 tasks; give one number for each task, [tasks], as mlteach.nets.cross_entropy and squared_error do."),
    ("the loss of classes for numbers", maml(loss=cross_entropy), "Logits of shape (4, 3, 1) need labels (4, 3) of whole numbers, the classes' positions; these are (4, 3, 1) of torch.float32. For regression use squared_error."),
    ("the gradient function returns one dict", lambda theta, episode: maml()(theta, episode)[0], "The gradient function gave a dict; let it return two dicts, the gradient by name and the numbers to show: return found, {\"loss\": loss}."),
):  # fmt: skip

    @case(TRAINING, wrong, said)
    def wrong_method(room: Room, gradient: Callable[..., Any] = gradient) -> None:
        train(file(room), gradient=gradient)


@case(
    TRAINING,
    "a list of episodes where one is wanted",
    "One episode is wanted, a batch of tasks, and a list of 2 came; give them one after the other.",
)
def a_list(room: Room) -> None:
    train(file(room), sample=lambda generator: [sample(generator), sample(generator)])


@case(
    TRAINING,
    "one episode where a list is wanted",
    "Several episodes are wanted, and one came, whose parts would be taken for them; give a list: [episode].",
)
def one_episode(room: Room) -> None:
    accuracy(lambda theta, x, *_, **__: net(theta, x), {}, sample(torch.Generator()), sgd(0.1), 1)


for name, value, said in (
    ("steps", 10.0, "steps is a whole number from 0 on, and 10.0 came."),
    ("lr", float("nan"), "lr is a finite number from 0 on, and nan came."),
    ("schedule", "step", "There is no schedule 'step'; choose one of constant, cosine, linear, warm cosine."),
    ("optimizer", "adam", "optimizer is a function, and 'adam' came; give one to be called, such as torch.optim.Adam, or partial(torch.optim.SGD, momentum=0.9)."),
):  # fmt: skip

    @case(TRAINING, f"`{name}={value!r}`", said)
    def wrong_option(room: Room, name: str = name, value: Any = value) -> None:
        train(file(room), **{name: value})


# Several processes


def started(room: Room, **environment: str) -> None:
    """As torchrun starts the first of two."""
    for name, value in ({"RANK": "0", "WORLD_SIZE": "2"} | environment).items():
        room.patch.setenv(name, value)


def without(room: Room, name: str) -> None:
    room.patch.setattr(ranks.dist, name, lambda: False)


@case(PROCESSES, "`distributed=True`, and nobody called torchrun: one process trains as ever")
def alone(room: Room) -> None:
    room.patch.delenv("RANK", raising=False)
    together, whole = train(None, distributed=True), train(None)
    assert all(torch.equal(together.theta[name], value) for name, value in whole.theta.items())


for what, name in (("torch.distributed", "is_available"), ("gloo", "is_gloo_available")):

    @case(
        PROCESSES,
        f"this torch was built without {what}",
        f"This torch was built without {what}, which processes need to talk to each other; install one from pytorch.org, or train "
        "in one process, without torchrun.",
    )
    def mute(room: Room, name: str = name) -> None:
        started(room)
        without(room, name)
        train(file(room), distributed=True)


@case(
    PROCESSES,
    "the processes do not know where the others are",
    "The processes of this training did not find each other (…MASTER_ADDR expected, but not set). Start them with torchrun, "
    "which tells each where the others are: torchrun --nproc-per-node=2 train.py",
)
def lost(room: Room) -> None:
    started(room)
    room.patch.delenv("MASTER_ADDR", raising=False)
    train(file(room), distributed=True)


@case(
    PROCESSES,
    "the script has begun torch.distributed itself, for GPUs alone",
    "torch.distributed was begun without words from CPU to CPU; leave its beginning to fit, or begin with "
    'init_process_group("cpu:gloo,cuda:nccl").',
)
def wordless(room: Room) -> None:
    started(room)
    for name, answer in (("is_initialized", True), ("get_backend_config", "cuda:nccl")):
        room.patch.setattr(ranks.dist, name, lambda answer=answer: answer)
    train(file(room), distributed=True)


@case(
    PROCESSES,
    "one of them is killed",
    "Another process of this training is gone, or did not answer (Connection closed by peer). Look for its own last words, then "
    "start all of them again: from a checkpoint they go on, and torchrun --max-restarts=3 starts them again by itself.",
)
def gone(room: Room) -> None:
    def closed(*_: object) -> None:
        raise RuntimeError("Connection closed by peer. It says more.")

    room.patch.setattr(ranks.dist, "all_reduce", closed)
    ranks.Ranks(0, 2).any(False)


@case(
    PROCESSES,
    "one of them stops with an error of its own",
    "Process 1 of 2 ended with OSError (no such data), and so all end. Mend what it says there, then start all of them again.",
)
def theirs(room: Room) -> None:
    room.patch.setattr(ranks.Ranks, "any", lambda self, here: True)
    room.patch.setattr(ranks.Ranks, "_gathered", lambda self, own: [own, ("OSError", "no such data")])
    with ranks.Ranks(0, 2).together():
        pass


@case(
    PROCESSES,
    "they are given different settings",
    "lr is 0.01 in process 0 and 0.02 in process 1; give all processes the same.",
)
def unlike(room: Room) -> None:
    ranks._alike([{"lr": 0.01}, {"lr": 0.02}])


@case(
    PROCESSES,
    "they draw different tasks, or show different numbers",
    "Processes 0 and 1 drew different tasks, or show different numbers. Let sample draw from its generator alone, and the same "
    "on every process: the tasks are shared out afterwards.",
)
def drawn(room: Room) -> None:
    here = ranks.Ranks(0, 2)
    room.patch.setattr(here, "_gathered", lambda own: [own, (own[0], own[1] + 1)])
    share = here.share(sample(torch.Generator().manual_seed(0)))
    here.mean({"w": torch.zeros(2)}, {"loss": 0.5}, share)


@case(
    PROCESSES,
    "what is drawn has no tasks to share out",
    "sample gave a dict, and only the tasks of an Episode can be shared out over 2 processes; train it without distributed=True.",
)
def no_tasks(room: Room) -> None:
    ranks.Ranks(0, 2).share({"x": torch.zeros(4)})


@case(
    PROCESSES,
    "two of them use one GPU",
    "Processes 0 and 1 both have theta on cuda:0 of here; give each its own, for example mlteach.training.ranks.own_device().",
)
def one_gpu(room: Room) -> None:
    ranks._apart(["cuda:0 of here", "cuda:0 of here"])


@case(
    PROCESSES,
    "there are more of them than GPUs",
    "There is no GPU for process 1 of this machine, which has 1; start one process for each: torchrun --nproc-per-node=gpu.",
)
def too_few(room: Room) -> None:
    room.patch.setattr(torch.cuda, "is_available", lambda: True)
    room.patch.setattr(torch.cuda, "device_count", lambda: 1)
    started(room, LOCAL_RANK="1")
    ranks.own_device()
