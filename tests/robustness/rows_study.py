"""Cases of studies: their files, and the workers that run them."""

import json
import os
import sys
from pathlib import Path

from mlteach.course.study import cluster, study
from mlteach.course.study.cluster import connected
from mlteach.course.study.file import read
from mlteach.course.study.work import kept, work
from mlteach.files import lock
from tests.robustness.table import Room, case

FILE, RUNNING = "The file of a study", "Running a study"
ONE = 'function = "tests.course.short_study:one"'
NAMED = f"{ONE}\nseeds = [0]\n"


def written(room: Room, text: str | bytes) -> Path:
    path = room.folder / "mine.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


for wrong, text, said in (
    ("it is not TOML", "seeds = [0", "mine.toml is not TOML: …. Mend that place."),
    ("it is latin-1", 'title = "ä"'.encode("latin-1"), "mine.toml is not UTF-8. Save it as UTF-8 in your editor."),
    ("an unknown entry: `seed = [0]`", f"{ONE}\nseed = [0]", "mine.toml: A study has no seed. Did you mean seeds? There are name, title, lesson, function, seeds, fixed, grid, runs, figure, words."),
    ("a name that is no folder's", f'name = "../x"\n{ONE}', 'mine.toml: name = "../x" is to be the name of a folder: use letters, digits, . _ and -.'),
    ("neither a lesson nor a function", "seeds = [0]", 'mine.toml: A study runs one thing: give lesson = "06" or function = "package.module:function", and not both.'),
    ("a lesson that is no text: `lesson = 98`", "lesson = 98", 'mine.toml: lesson = 98 is no text. Write it in quotes, such as lesson = "...".'),
    ("an unknown lesson", 'lesson = "42"', "mine.toml: There is no lesson 42. The lessons are 98."),
    ("a parameter that the lesson has not", 'lesson = "98"\n[fixed]\nRATE = 1', "mine.toml: Lesson 98_small has no parameter RATE. Its parameters are PROFILE, SEED."),
    ("a parameter of another kind", 'lesson = "98"\n[fixed]\nPROFILE = "huge"', "mine.toml: There is no profile huge. Choose one of smoke, lecture, paper."),
    ("a function without its module", 'function = "one"', 'mine.toml: "one" names no function. Write it as "package.module:function".'),
    ("a module that is not there", 'function = "studies.nowhere:one"', "mine.toml: The module studies.nowhere cannot be imported from …: it is not there. Check its name, and that python -c \"import studies.nowhere\" works there."),
    ("a function that the module has not", 'function = "tests.course.short_study:two"', "mine.toml: The module tests.course.short_study has no function two. It has one, fails, no_number."),
    ("a parameter that the function does not take", f"{NAMED}[grid]\nrat = [1.0]", "mine.toml: tests.course.short_study:one takes no rat. It takes rate, seed, checkpoint."),
    ("a parameter that the function needs", NAMED, "mine.toml: tests.course.short_study:one needs rate. Give it in [fixed], [grid] or [[runs]]."),
    ("no seeds for a function that needs one", f"{ONE}\n[fixed]\nrate = 0.1", "mine.toml: tests.course.short_study:one needs seed. Give it in seeds, such as seeds = [0, 1, 2]."),
    ("seeds for a function that takes none", 'function = "tests.course.short_study:no_number"\nseeds = [0]', "mine.toml: tests.course.short_study:no_number takes no seed. It takes checkpoint. Give it that parameter, or leave out seeds."),
    ("a function without a checkpoint", 'function = "studies.lesson06_starts:best_rate"\n[fixed]\ntheta = 0', "mine.toml: studies.lesson06_starts:best_rate takes no checkpoint. It takes theta. Give it that parameter: the path of the run's own checkpoint, for fit."),
    ("seeds that are no whole numbers", f"{ONE}\nseeds = [0.5]", "mine.toml: seeds = [0.5] is no list of whole numbers. Write seeds = [0, 1, 2]."),
    ("a seed twice", f"{ONE}\nseeds = [1, 1]", "mine.toml: seeds = [1, 1] holds a seed twice, and would count it twice. Give each once."),
    ("a seed among the parameters", f"{ONE}\n[grid]\nseed = [0]", "mine.toml: seed is no parameter of a study. Write seeds = [0, 1, 2] at the top."),
    ("an empty grid", f"{NAMED}[grid]", "mine.toml: [grid] is empty. Give it a parameter with a list of values, or leave it out."),
    ("a parameter without values", f"{NAMED}[grid]\nrate = []", "mine.toml: rate = [] in [grid] leaves nothing to run. Give it one value or more."),
    ("one value where a list belongs", f"{NAMED}[grid]\nrate = 0.1", "mine.toml: rate = 0.1 in [grid] is no list. Write rate = [0.1], or put it into [fixed]."),
    ("a value that cannot be kept", f"{NAMED}[grid]\nrate = [nan]", "mine.toml: rate = nan cannot be kept: give a finite number, a text, true, false or a list of these."),
    ("a grid and a list", f"{NAMED}[grid]\nrate = [0.1]\n[[runs]]\nrate = 0.2", "mine.toml: It has [grid] and [[runs]]. Give the combinations by one of them."),
    ("a parameter fixed and varied", f"{NAMED}[fixed]\nrate = 0.1\n[grid]\nrate = [0.1]", "mine.toml: rate stands in [fixed] and among what is varied. Give it in one place."),
    ("a run twice", f"{NAMED}[[runs]]\nrate = 0.1\n[[runs]]\nrate = 0.1", "mine.toml: The run rate 0.1, seed 0 stands in it twice. Give each once."),
    ("a figure over what is no parameter", f'{NAMED}[fixed]\nrate = 0.1\n[figure]\nx = "rat"', 'mine.toml: x = "rat" in [figure] is none of the parameters. Choose one of rate.'),
    ("a figure in the colour of no method", f'{NAMED}[fixed]\nrate = 0.1\n[figure]\nmethod = "mine"', "mine.toml: method = 'mine' in [figure]: No line style is called 'mine'. Choose one of: …"),
):  # fmt: skip

    @case(FILE, wrong, said)
    def wrong_file(room: Room, text: str | bytes = text) -> None:
        room.course()
        read(written(room, text))


@case(FILE, "it is not there", "… is not there. Give the path of a study's file, such as studies/*.toml.")
def no_file(room: Room) -> None:
    read(room.folder / "mine.toml")


@case(
    RUNNING,
    "dask is not installed",
    'Studies are run by dask, which is not installed here. Install it with: python -m pip install -c constraints.txt -e ".[course,study]"',
)
def no_dask(room: Room) -> None:
    room.patch.setitem(sys.modules, "distributed", None)
    with connected(None, 1, 1):
        pass


@case(
    RUNNING,
    "no scheduler answers",
    "No scheduler answers at tcp://127.0.0.1:1 (OSError). Give the address that `dask scheduler` prints, such as "
    "tcp://host:8786, or leave out --scheduler.",
)
def no_scheduler(room: Room) -> None:
    room.patch.setattr(cluster, "PATIENCE", 0.3)
    with connected("tcp://127.0.0.1:1", None, 1):
        pass


@case(
    RUNNING,
    "the same study runs already",
    "This study is running already: process … on … has held … for 0 s. Wait until it is done or end it, then try again.",
)
def twice(room: Room) -> None:
    path = written(room, f"{NAMED}[fixed]\nrate = 0.1")
    with lock(room.folder / "mine" / "study.lock"):
        study(path, output=room.folder)


@case(
    RUNNING,
    "a run gives no number",
    'tests.course.short_study:no_number gave loss = \'low\', which is no number.',
)  # fmt: skip
def no_number(room: Room) -> str:
    (run,) = read(written(room, 'function = "tests.course.short_study:no_number"')).runs
    return str(work(run, str(room.folder / "run"))["failed"])


@case(
    RUNNING,
    "a worker has another version of the code",
    "… has another version of …: all workers must see one folder of the course.",
)
def other_code(room: Room) -> str:
    (run,) = read(written(room, 'function = "tests.course.short_study:no_number"')).runs
    object.__setattr__(run, "code", "of another folder")
    return str(work(run, str(room.folder / "run"))["failed"])


@case(RUNNING, "the row of a run is cut short", "… is not whole. Delete it, and the run is done again.")
def cut_row(room: Room) -> None:
    (room.folder / "row.json").write_text('{"parameters": ')
    kept(room.folder)


@case(
    RUNNING,
    "the figure asks for a number that the runs do not give",
    'The runs give loss, theta, and y in [figure] asks for "mse". The rows are kept; mend that.',
)
def no_such_number(room: Room) -> None:
    path = written(room, f'{NAMED}[fixed]\nrate = 0.1\n[figure]\ny = "mse"')
    (run,) = read(path).runs
    row = {"parameters": run.parameters, "seed": 0, "numbers": {"loss": 1.0, "theta": 2.0}, "code": run.code}
    folder = room.folder / "mine" / run.key
    os.makedirs(folder)
    (folder / "row.json").write_text(json.dumps(row))
    study(path, output=room.folder)
