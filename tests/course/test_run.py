"""A run keeps the notebook and its numbers; unknown names are refused before anything starts."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlteach import files
from mlteach.course import lectures
from mlteach.course import run as running
from mlteach.course.build import build
from mlteach.course.lessons import LessonError, source
from mlteach.course.run import parse, run

RECORDS = """\
# %% tags=["parameters"]
PROFILE = "smoke"
SEED = 0

# %% slideshow={"slide_type": "slide"}
import json, os
from pathlib import Path

print(PROFILE, SEED, Path.cwd().name, "ä€")
figure = {"name": "accuracy", "value": 0.95, "interval": 0.01, "unit": "share", "seeds": [SEED], "seconds": 1.0, "device": "cpu"}
kept = Path(os.environ["MLTEACH_RESULTS"])
kept.write_text(json.dumps([figure]))
kept.with_name("theta.safetensors").write_bytes(b"theta")
kept.with_name("theta.json").write_text("{}")
os.utime(kept.with_name("theta.safetensors"), (0, 0))  # a clock that is wrong
"""
STOPPED = """\
# %% tags=["parameters"]
PROFILE = "smoke"

# %%
import os, signal, time

os.kill(HOW)
time.sleep(60)
"""


def test_a_run_keeps_its_notebook_and_its_figures_and_records_them(course: Path, tmp_path: Path) -> None:
    course.write_text(RECORDS)
    older = tmp_path / "runs" / "98-lecture" / "older.safetensors"
    older.parent.mkdir(parents=True)
    older.write_bytes(b"of an earlier run")
    os.utime(older, (0, 0))
    folder = run("98", "lecture", parameters=["SEED=3"], record=True, progress=False)
    assert folder == tmp_path / "runs" / "98-lecture"
    assert "lecture 3 notebooks" in (folder / "lesson.ipynb").read_text()
    results = json.loads((folder / "results.json").read_text())
    assert results["figures"][0]["name"] == "accuracy" and results["figures"][0]["seeds"] == [3]
    assert results["profile"] == "lecture" and results["parameters"] == {"PROFILE": "lecture", "SEED": 3}
    assert {"python", "torch", "mlteach"} <= set(results["versions"])
    assert (tmp_path / "results" / "98-lecture.json").read_text() == (folder / "results.json").read_text()
    assert (tmp_path / "checkpoints" / "theta.safetensors").read_bytes() == b"theta"
    assert (tmp_path / "checkpoints" / "theta.json").exists()
    assert not (tmp_path / "checkpoints" / "older.safetensors").exists()
    assert list(lectures.recorded(course)) == lectures.on_slides(running.learner_notebook(course)) != []


def test_a_failing_cell_keeps_the_notebook_up_to_there_and_earlier_results(
    course: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "runs" / "98-smoke"
    folder.mkdir(parents=True)
    (folder / "results.json").write_text("of an earlier run")
    course.write_text(RECORDS + "\n# %%\n1 / 0\n\n# %%\nprint('never')\n")
    with pytest.raises(
        LessonError, match=r"98_small stopped in code cell \d: ZeroDivisionError.*\nThe cell begins: 1 / 0"
    ):
        run("98", progress=False)
    assert "smoke 0 notebooks" in (folder / "lesson.ipynb").read_text()
    assert not (folder / "results.json").exists()
    assert (folder / "results.previous.json").read_text() == "of an earlier run"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("42", "smoke", []), "There is no lesson 42. The lessons are 98."),
        (("98", "huge", []), "There is no profile huge. Choose one of smoke, lecture, paper."),
        (
            ("98", "smoke", ["SEDE=1"]),
            "Lesson 98_small has no parameter SEDE. Its parameters are PROFILE, SEED.",
        ),
        (("98", "smoke", ["SEED"]), '"SEED" is not a parameter. Write it as NAME=VALUE, for example SEED=1.'),
        (
            ("98", "lecture", ["PROFILE=smoke"]),
            "The profile is chosen by --profile, not as a parameter. Write: run 98 --profile smoke",
        ),
        (("98", "smoke", ["SEED=1", "SEED=2"]), "SEED is given twice. Give it once."),
        (
            ("98", "smoke", ["SEED=[1]"]),
            "SEED=[1] is a list, and the lesson's own, 0, is a whole number. Give a whole number.",
        ),
        (
            ("98", "smoke", ["SEED=1.5"]),
            "SEED=1.5 is a number, and the lesson's own, 0, is a whole number. Give a whole number.",
        ),
        (
            ("98", "smoke", ["SEED=nan"]),
            "SEED='nan' is text, and the lesson's own, 0, is a whole number. Give a whole number.",
        ),
        (
            ("98", "smoke", ["SEED=True"]),
            "SEED=True is True or False, and the lesson's own, 0, is a whole number. Give a whole number.",
        ),
    ],
)
def test_unknown_names_are_refused_before_anything_starts(
    course: Path, tmp_path: Path, arguments: tuple[str, str, list[str]], sentence: str
) -> None:
    lesson, profile, parameters = arguments
    with pytest.raises(LessonError) as caught:
        run(lesson, profile, parameters=parameters, record=True, progress=False)
    assert str(caught.value) == sentence
    assert not (tmp_path / "runs").exists()


def test_values_are_python_or_text() -> None:
    assert [parse(each)[1] for each in ("A=3", "A=[1, 2]", "A=0.5", "A=paper", "A=")] == [
        3,
        [1, 2],
        0.5,
        "paper",
        "",
    ]


@pytest.mark.parametrize(
    "value",
    ["{1, 2}", "b'x'", "1+2j", "[0", "(1", "'x", "0x", "1 2", "1e999", "-1e999", "[1e999]", "[[0], [1e999]]", "...", "9" * 30,
     "9" * 5000, "[" * 500, "{1: 2}", "[{1, 2}]", "'\\x00'", "'\\ud800'", "-", "[b'']", "\u202ea"],
)  # fmt: skip
def test_values_that_a_record_cannot_keep_are_refused(value: str) -> None:
    with pytest.raises(LessonError) as caught:
        parse(f"SEED={value}")
    said = str(caught.value)
    assert said.isprintable()
    assert said.startswith("SEED=") and said.endswith(".") and "\n" not in said and len(said) < 300


LISTS = """\
# %% tags=["parameters"]
PROFILE = "smoke"
SEEDS = [0]
RATE: float = 0.1
NAME = "word"
SHAPE = (1, 2)
MIXED = ("a", 2)
RATES = {"inner": 0.1}
FAST = False
CORES = len("four")
"""


@pytest.mark.parametrize(
    ("written", "value"),
    [("SEEDS=[1, 2]", [1, 2]), ("SEEDS=(3,)", [3]), ("RATE=1", 1.0), ("RATE=2e-3", 2e-3), ("NAME=3", "3"), ("NAME=a b", "a b"),
     ("SHAPE=[3, 4]", (3, 4)), ("FAST=True", True), ("CORES=2", 2), ("NAME=1.50", "1.50"),
     ("NAME=0x10", "0x10"), ("MIXED=('b', 3)", ("b", 3)), ("RATES={'inner': 1}", {"inner": 1.0}), ("RATE=0e5", 0.0)],
)  # fmt: skip
def test_a_value_of_the_lessons_own_kind_is_taken(course: Path, written: str, value: object) -> None:
    course.write_text(LISTS)
    given = running.chosen(course, running.learner_notebook(course), "smoke", [written])
    assert given == {"PROFILE": "smoke", written.partition("=")[0]: value}
    assert type(given[written.partition("=")[0]]) is type(value)


@pytest.mark.parametrize(
    "written",
    ["SEEDS=1", "SEEDS=[]", "SEEDS=[0.5]", "SEEDS=['0']", "SEEDS=0", "SEEDS={'a': 1}", "RATE=fast", "RATE=[0.1]", "RATE=None",
     "FAST=1", "FAST=yes", "SHAPE=3", "SHAPE=[True, False]", "SEEDS=[0, 1, 0]", "RATE=1e-400", "MIXED=(2, 'a')", "MIXED=('a', 2, 0.5)", "RATES={'outer': 1.0}",
     "RATES={'inner': 'x'}"],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused(course: Path, written: str) -> None:
    course.write_text(LISTS)
    with pytest.raises(LessonError, match=r"^(SEEDS|RATE|FAST|SHAPE|MIXED).*Give .*\.$") as caught:
        running.chosen(course, running.learner_notebook(course), "smoke", [written])
    assert str(caught.value).isprintable()


@pytest.mark.filterwarnings("error")
def test_what_python_warns_of_is_read_or_refused_without_a_warning() -> None:
    assert parse("A=x 1if 1else 2") == ("A", "x 1if 1else 2")
    with pytest.raises(LessonError):
        parse("A=1if 1else 2")


def test_a_record_is_of_the_profiles_own_parameters(course: Path, tmp_path: Path) -> None:
    course.write_text(LISTS)
    with pytest.raises(
        LessonError, match="98-smoke.json is kept for the profile's own .* another RATE. Leave out"
    ):
        run("98", parameters=["RATE=1", "SEEDS=[1]"], record=True, progress=False)
    assert not (tmp_path / "runs").exists() and not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda p: p.write_bytes("# %%\nname = 'Käse'\n".encode("latin-1")), "98_small.py is not UTF-8 (byte 14 of it, 0xe4,"),
        (lambda p: p.write_bytes(b"\xff\xfe#\x00"), "98_small.py is not UTF-8"),
        (lambda p: p.write_text(RECORDS.replace("SEED = 0", "SEED = = 0")), "98_small.py: the parameters cell is not Python (invalid syntax). Mend this line: SEED = = 0"),
        (lambda p: p.write_text(RECORDS.replace("SEED = 0", "SEED = (0")), "98_small.py: the parameters cell is not Python ('(' was never closed). Mend this line: SEED = (0"),
        (lambda p: (p.unlink(), p.mkdir()), "98_small.py is a folder, not the source of a lesson."),
        (lambda p: p.write_text('# %% slideshow="slide"\n1'), "98_small.py: the slideshow of a cell is written"),
        (lambda p: p.with_name("98_other.py").write_text(""), "There are two lessons 98: 98_other.py and 98_small.py. Give one of them another number."),
    ],
    ids=["latin-1", "UTF-16", "syntax", "bracket", "a folder", "slideshow", "two of a number"],
)  # fmt: skip
def test_a_source_that_is_none_is_a_sentence(course: Path, spoil, sentence: str) -> None:
    course.write_text(RECORDS)
    spoil(course)
    with pytest.raises(LessonError) as caught:
        run("98", progress=False)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)
    if "parameters cell" not in sentence:  # which a build finds when it runs the cell
        with pytest.raises(LessonError):
            build(source("98"), progress=False)


def test_a_mark_at_the_beginning_of_a_file_is_no_text(course: Path) -> None:
    course.write_bytes(b"\xef\xbb\xbf" + RECORDS.encode())
    assert running.learner_notebook(course).cells[0].source.startswith("PROFILE")


def test_two_runs_at_once_have_folders_of_their_own(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(running, "RUNS", tmp_path)
    with running.claimed("98-smoke") as first, running.claimed("98-smoke") as second:
        with running.claimed("98-smoke") as third, running.claimed("98-paper") as other:
            assert [each.name for each in (first, second, third, other)] == [
                "98-smoke", "98-smoke.2", "98-smoke.3", "98-paper"
            ]  # fmt: skip
        said = capsys.readouterr().err
    assert said.splitlines() == [
        f"Another run has {tmp_path.name}/98-smoke, so this one goes to {tmp_path.name}/98-smoke.{n}."
        for n in (2, 3)
    ]
    (first / "run.lock").write_text("process 1 on a machine that lost its power\n")
    with running.claimed("98-smoke") as again:
        assert again == first
    assert not (first / "run.lock").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_a_dying_kernel_is_a_sentence(course: Path, tmp_path: Path) -> None:
    course.write_text(STOPPED.replace("HOW", "os.getpid(), 9"))
    with pytest.raises(LessonError) as caught:
        run("98", progress=False)
    said = str(caught.value)
    assert "its kernel ended, most likely because memory ran out; close other programs" in said
    assert "The cell begins: import os, signal, time" in said
    assert json.loads((tmp_path / "runs" / "98-smoke" / "lesson.ipynb").read_text())["cells"]


INTERRUPTED = """
import sys
from pathlib import Path
from mlteach.course import build, lessons, run

folder = Path(sys.argv[1])
for module in (lessons, run):
    module.NOTEBOOKS = folder / "notebooks"
lessons.SOURCES, run.RUNS = folder / "notebooks" / "src", folder / "runs"
for call in (lambda: run.run("98", progress=False), lambda: build.build(lessons.source("98"), progress=False)):
    try:
        call()
    except KeyboardInterrupt:
        print("stopped")
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_ctrl_c_ends_kernels_and_says_nothing_else(course: Path, tmp_path: Path) -> None:
    """In a process of its own, where whatever is torn out of its work would have its say at the end."""
    course.write_text(STOPPED.replace("HOW", "os.getppid(), signal.SIGINT"))
    target = tmp_path / "notebooks" / "98_small.ipynb"
    target.write_text("the old one")
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert (done.stdout, done.stderr, done.returncode) == ("stopped\nstopped\n", "", 0)
    assert target.read_text() == "the old one"
    assert json.loads((tmp_path / "runs" / "98-smoke" / "lesson.ipynb").read_text())["cells"]


def refuse(number: int, monkeypatch: pytest.MonkeyPatch, when=lambda path: True) -> None:
    """From now on files for which ``when`` holds cannot be written."""
    write = Path.write_bytes

    def failing(path: Path, content: bytes) -> int:
        if when(path):
            write(path, content[: len(content) // 2])  # half of it still found room
            raise OSError(number, os.strerror(number), str(path))
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", failing)


def test_a_full_disk_while_recording_leaves_the_old_record_whole(
    course: Path, tmp_path: Path, monkeypatch
) -> None:
    course.write_text(RECORDS)
    for name in ("results/98-smoke.json", "checkpoints/theta.safetensors", "checkpoints/theta.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("old")
    refuse(errno.ENOSPC, monkeypatch, lambda path: "98-smoke.json" in path.name)
    with pytest.raises(
        LessonError, match=r"^Could not run lesson 98_small: No space left .* Make room on that disk, then"
    ):
        run("98", record=True, progress=False)
    for folder in ("results", "checkpoints"):
        assert {each.read_text() for each in (tmp_path / folder).iterdir()} == {"old"}
        assert not list((tmp_path / folder).glob(".*"))


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_folder_that_refuses_is_a_sentence_before_a_kernel_starts(
    course: Path, tmp_path: Path, monkeypatch, number: int
) -> None:
    def failing(path: object, *rest: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(files.os, "open", failing)
    with pytest.raises(LessonError, match=f"^Could not run lesson 98_small: {os.strerror(number)}"):
        run("98", progress=False)
    monkeypatch.undo()


@pytest.mark.parametrize("figures", ["{", "[NaN]", '[{"name": "x", "value": Infinity}]', "\x00"])
def test_figures_that_are_no_json_are_a_sentence(
    course: Path, tmp_path: Path, monkeypatch, figures: str
) -> None:
    monkeypatch.setattr(
        running, "execute", lambda *_: Path(os.environ["MLTEACH_RESULTS"]).write_text(figures)
    )
    with pytest.raises(LessonError, match=r"^The figures that lesson 98_small kept in .* cannot be read"):
        run("98", record=True, progress=False)
    assert (
        not (tmp_path / "results").exists() and not (tmp_path / "runs" / "98-smoke" / "results.json").exists()
    )


def test_a_folder_with_brackets_in_its_name_is_a_folder(course: Path, tmp_path: Path, monkeypatch) -> None:
    course.write_text(RECORDS)
    monkeypatch.setattr(running, "RUNS", tmp_path / "{a} käse")
    assert (run("98", progress=False) / "lesson.ipynb").exists()
