"""Cases of the commands: what is run, built and trusted."""

import errno
import json
import os
from pathlib import Path

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from typer.testing import CliRunner

from mlteach import __main__ as command_line
from mlteach.course import build as building
from mlteach.course import lessons
from mlteach.course import run as running
from mlteach.course.build import build, stale
from mlteach.course.run import run
from mlteach.course.source import learner_notebook
from mlteach.course.trust import remember, trust_lessons
from mlteach.files import lock
from tests.robustness.table import Room, case

RUN, SOURCES, TRUST, DISK = (
    "Running a lesson",
    "Sources of lessons",
    "Trusting a notebook",
    "Disk, rights, Ctrl-C",
)


# Parameters

for wrong, given, said in (
    ("the profile is given as a parameter", "PROFILE=lecture", "The profile is chosen by --profile, not as a parameter. Write: run 98 --profile lecture"),
    ("the profile's name is misspelt, as a parameter", "PROFILE=smok", "The profile is chosen by --profile, not as a parameter. Write: run 98 --profile smok"),
    ("a parameter that the lesson has not", "SEDE=1", "Lesson 98_small has no parameter SEDE. Its parameters are PROFILE, SEED."),
    ("no value", "SEED", '"SEED" is not a parameter. Write it as NAME=VALUE, for example SEED=1.'),
    ("a list where the lesson has a number", "SEED=[0, 1]", "SEED=[0, 1] is a list, and the lesson's own, 0, is a whole number. Give a whole number."),
    ("a broken list", "SEED=[0", "SEED=[0 cannot be read: write a number, a text in quotes or a list in brackets, and put all of it into quotes where the shell needs that."),
    ("a set", "SEED={1,2}", "SEED={1,2} cannot be kept in a record: give a finite number below 2**63, a text, True, False or a list of these."),
    ("bytes", "SEED=b'x'", "SEED=b'x' cannot be kept in a record: …"),
    ("a complex number", "SEED=1+2j", "SEED=1+2j cannot be kept in a record: …"),
    ("an infinite number", "SEED=1e999", "SEED=1e999 cannot be kept in a record: …"),
    ("a number that torch cannot count to", "SEED=99999999999999999999", "SEED=99999999999999999999 cannot be kept in a record: …"),
    ("nan", "SEED=nan", "SEED='nan' is text, and the lesson's own, 0, is a whole number. Give a whole number."),
):  # fmt: skip

    @case(RUN, f"{wrong}: `-p {given}`", said)
    def parameter(room: Room, given: str = given) -> None:
        room.course()
        run("98", parameters=[given], record=True, progress=False)


@case(RUN, "a parameter is given twice", "SEED is given twice. Give it once.")
def twice(room: Room) -> None:
    room.course()
    run("98", parameters=["SEED=1", "SEED=2"], progress=False)


@case(
    RUN,
    "`--record` with another parameter than the profile's own",
    "data/results/98-smoke.json is kept for the profile's own parameters, and this run has another RATE. Leave out "
    "--record; the results are then in runs/ alone.",
)
def foreign_record(room: Room) -> None:
    room.course('# %% tags=["parameters"]\nPROFILE = "smoke"\nRATE = 0.1\n')
    run("98", parameters=["RATE=1"], record=True, progress=False)


@case(RUN, "an unknown lesson", "There is no lesson 42. The lessons are 98.")
def unknown_lesson(room: Room) -> None:
    room.course()
    run("42")


@case(RUN, "an unknown profile", "There is no profile huge. Choose one of smoke, lecture, paper.")
def unknown_profile(room: Room) -> None:
    room.course()
    run("98", "huge")


@case(
    RUN,
    "two runs of one lesson at once",
    "Another run has runs/98-smoke, so this one goes to runs/98-smoke.2.",
)
def two_runs(room: Room) -> None:
    room.course()
    with running.claimed("98-smoke") as first, running.claimed("98-smoke") as second:
        assert first != second


@case(RUN, "an earlier run was killed and left its lock, dated in the future")
def killed_run(room: Room) -> None:
    room.course()
    left = room.folder / "runs" / "98-smoke" / "run.lock"
    left.parent.mkdir(parents=True)
    left.write_text("process 1 on elsewhere\n")
    os.utime(left, (2**32, 2**32))
    with running.claimed("98-smoke") as folder:
        assert folder == left.parent


@case(
    RUN,
    "the kernel dies",
    "Lesson 98_small stopped: its kernel ended, most likely because memory ran out; close other programs or choose a smaller "
    "profile.\nThe cell begins: …\nThe notebook up to there is ….",
)
def kernel_dies(room: Room) -> None:
    def dies(*_: object, **__: object) -> None:
        raise DeadKernelError("Kernel died")

    room.course()
    room.patch.setattr(papermill, "execute_notebook", dies)
    run("98", progress=False)


@case(
    RUN,
    "the figures of a run are no JSON",
    "The figures that lesson 98_small kept in … cannot be read (…). Keep figures with mlteach.measure.record alone, then "
    "run it again.",
)
def bad_figures(room: Room) -> None:
    room.course()
    room.patch.setattr(running, "execute", lambda *_: Path(os.environ["MLTEACH_RESULTS"]).write_text("{"))
    run("98", progress=False)


@case(RUN, "the clock is wrong by ten minutes: what the run trained is recorded all the same")
def clock(room: Room) -> None:
    def execute(path: Path, notebook: object, output: Path, *_: object) -> None:
        (output.parent / "figures.json").write_text('[{"name": "x", "value": 1}]')
        for name in ("new.safetensors", "new.json"):
            (output.parent / name).write_text("trained")
            os.utime(output.parent / name, (0, 0))

    room.course()
    room.patch.setattr(running, "execute", execute)
    run("98", record=True, progress=False)
    assert sorted(each.name for each in (room.folder / "checkpoints").iterdir()) == [
        "new.json",
        "new.safetensors",
    ]


# Sources

for wrong, spoil, said in (
    ("the source is latin-1", lambda p: p.write_bytes(b"# %%\nname = 'K\xe4se'\n"), "98_small.py is not UTF-8 (byte 14 of it, 0xe4, belongs to no text). Save it as UTF-8 in your editor."),
    ("the parameters cell has a syntax error", lambda p: p.write_text('# %% tags=["parameters"]\nPROFILE = = 1\n'), "98_small.py: the parameters cell is not Python (invalid syntax). Mend this line: PROFILE = = 1"),
    ("the source is a folder", lambda p: (p.unlink(), p.mkdir()), "… is a folder, not the source of a lesson. Rename it or move it away."),
    ("two sources have one number", lambda p: p.with_name("98_other.py").touch(), "There are two lessons 98: 98_other.py and 98_small.py. Give one of them another number."),
    ("a fence has no partner", lambda p: p.write_text("# %%\n### BEGIN SOLUTION\nx = 1\n"), '98_small.py: a cell has "### BEGIN SOLUTION" without its "### END SOLUTION". Give each fence its partner in the same cell. The cell begins: ### BEGIN SOLUTION'),
):  # fmt: skip

    @case(SOURCES, wrong, said)
    def source(room: Room, spoil=spoil) -> None:
        spoil(room.course())
        run("98", progress=False)


# Trust


def stored(room: Room) -> Path:
    """The notebook of lesson 98 as the build stores it, without the kernel."""
    room.patch.setenv("JUPYTER_DATA_DIR", str(room.folder / "jupyter"))
    source = room.course()
    path = lessons.notebook(source)
    nbformat.write(learner_notebook(source), path)
    remember(path)
    return path


def add_script(path: Path) -> None:
    notebook = nbformat.read(path, 4)
    notebook.cells[1].outputs = [nbformat.v4.new_output("display_data", {"text/html": "<script>1</script>"})]
    nbformat.write(notebook, path)


NOT_TRUSTED = (
    "Not trusted, because it is not what the build stored: 98_small.ipynb; its explorers come alive when its cells are run. "
    "To have the stored one back, keep a copy of this one and call `git checkout notebooks`."
)
for wrong, spoil in (
    ("a foreign output in a notebook", add_script),
    ("an edited cell", lambda p: p.write_text(p.read_text().replace("print(SEED)", "print(1)"))),
    ("a notebook is cut short", lambda p: p.write_bytes(p.read_bytes()[:-50])),
    ("a notebook is empty", lambda p: p.write_bytes(b"")),
    ("a notebook is no text", lambda p: p.write_bytes(b"\xff\x00")),
    ("the build's record is missing", lambda p: lessons.BUILT.unlink()),
    ("the build's record is no JSON", lambda p: lessons.BUILT.write_text("{")),
):

    @case(TRUST, wrong, NOT_TRUSTED)
    def distrust(room: Room, spoil=spoil) -> None:
        spoil(stored(room))
        assert trust_lessons() == ["98_small.ipynb"]


@case(TRUST, "a notebook is what the build stored")
def trusted(room: Room) -> None:
    stored(room)
    assert trust_lessons() == [] and stale(lessons.source("98")) is None


@case(
    TRUST,
    "Jupyter's own folder cannot be used",
    "Jupyter could not note which lessons to trust (…), so explorers are pictures until their cells are run.",
)
def no_data_folder(room: Room) -> None:
    stored(room)
    (room.folder / "file").touch()
    room.patch.setenv("JUPYTER_DATA_DIR", str(room.folder / "file" / "jupyter"))
    trust_lessons()


# Disk, rights, Ctrl-C


def no_writing(room: Room, number: int) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    room.patch.setattr(Path, "mkdir", refuse)
    room.patch.setattr(Path, "write_bytes", refuse)


for wrong, number, advice in (
    ("a read-only checkout", errno.EROFS, "Work in a copy that can be written to"),
    ("a folder of somebody else's", errno.EACCES, "Make the folder writable for you"),
    ("a full disk", errno.ENOSPC, "Make room on that disk"),
):

    @case(
        DISK,
        f"{wrong}, in run",
        f"Could not run lesson 98_small: {os.strerror(number)} (…). {advice}, then try again; what was there before is as it was.",
    )
    def run_refused(room: Room, number: int = number) -> None:
        room.course()
        no_writing(room, number)
        run("98", progress=False)

    @case(
        DISK,
        f"{wrong}, in build",
        f"Could not build lesson 98_small: {os.strerror(number)} (…). {advice}, then try again; what was there before is as it was.",
    )
    def build_refused(room: Room, number: int = number) -> None:
        source = room.course()
        room.patch.setattr(building, "execute", lambda *_, **__: None)
        no_writing(room, number)
        build(source, progress=False)


@case(
    DISK,
    "a full disk while a record is kept: the old one stays whole",
    "Could not run lesson 98_small: No space left on device (…). Make room on that disk, then try again; what was there before is as it was.",
)
def full_while_recording(room: Room) -> None:
    def execute(path: Path, notebook: object, output: Path, *_: object) -> None:
        (output.parent / "figures.json").write_text('[{"name": "x", "value": 1}]')

    write = Path.write_bytes

    def half(path: Path, content: bytes) -> int:
        if "98-smoke.json" in path.name:
            write(path, content[:9])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return write(path, content)

    room.course()
    old = room.folder / "results" / "98-smoke.json"
    old.parent.mkdir()
    old.write_text(json.dumps("old"))
    room.patch.setattr(running, "execute", execute)
    room.patch.setattr(Path, "write_bytes", half)
    try:
        run("98", record=True, progress=False)
    finally:
        assert [each.read_text() for each in old.parent.iterdir()] == ['"old"']


for command in (["run", "98"], ["build", "98"]):

    @case(
        DISK,
        f"Ctrl-C in {command[0]}",
        "Stopped. What was stored before is as it was; the same command begins again.",
    )
    def stopped(room: Room, command: list[str] = command) -> None:
        def interrupt(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        room.course()
        room.patch.setattr(running, "execute", interrupt)
        room.patch.setattr(building, "execute", interrupt)
        done = CliRunner().invoke(command_line.app, command)
        assert done.exit_code == 130
        import sys

        print(done.stderr, file=sys.stderr)


@case(DISK, "a process was killed and left a lock and half a file")
def left_over(room: Room) -> None:
    from mlteach.files import write_atomic

    (room.folder / "lock").touch()
    (room.folder / ".file.0123abcd.part").write_text("half")
    with lock(room.folder / "lock", timeout=0):
        write_atomic(room.folder / "file", "whole")
    assert [each.name for each in room.folder.iterdir()] == ["file"]


@case(
    DISK,
    "another process holds a lock for too long",
    "process … on … has held … for 0 s. Wait until it is done or end it, then try again.",
)
def held(room: Room) -> None:
    import sys

    with lock(room.folder / "lock"):
        try:
            with lock(room.folder / "lock", timeout=0):
                raise AssertionError("two hold it")
        except TimeoutError as error:
            print(error, file=sys.stderr)
