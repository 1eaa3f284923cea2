"""The command line: ``python -m mlteach``. Each command says with --help what it is for."""

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mlteach.errors import MlteachError
from mlteach.files import in_words

# Torch's threads wait for each other by spinning. On a machine with other work to do, spinning for long costs several
# times more than the work; not spinning at all doubles the time of many small operations. A short spin is good at both.
# It is read once, when torch is loaded, so it is set here, for this process and every kernel it starts.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")


class Commands(TyperGroup):
    """The commands; Ctrl-C ends any of them with a sentence."""

    def invoke(self, context: Any) -> Any:
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            print(
                "\nStopped. What was stored before is as it was; the same command begins again.",
                file=sys.stderr,
            )
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=Commands,
    help="Learning to learn: open the lessons, run them, rebuild them, prove them.\n\n"
    "`python3 start.py COMMAND` does the same and sets the environment up first.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
exports = typer.Typer(help="Write lessons for other systems: nbgrader, Google Colab.", no_args_is_help=True)
app.add_typer(exports, name="export")
Lesson = Annotated[str, typer.Argument(help="The lesson's number, such as 09.", show_default=False)]


@app.command()
def lab(
    lesson: Annotated[str, typer.Argument(help="The lesson to open.")] = "00",
    executed: Annotated[
        bool, typer.Option("--executed", help="Open the lesson itself, with its results, to project it.")
    ] = False,
) -> None:
    """Open your own copy of a lesson in JupyterLab.

    `lab` opens lesson 00, the map of the course; `lab 03` opens lesson 03. Your copies are in my/: what you write there
    stays, also when a lesson gets a new version. Stop the server with Ctrl-C. MLTEACH_HOME names another folder for my/ and
    runs/; where you may not write into the course's, it is mlteach/ in your home directory.

    `lab --executed 03` opens the stored lesson with all its results, for lecturers.
    """
    from mlteach.course import copies, lessons
    from mlteach.course.lab import furnished, server
    from mlteach.course.trust import trust_lessons
    from mlteach.home import shared

    chosen = lessons.source(lesson)
    page = lessons.notebook(chosen) if executed else copies.place(chosen)
    if not executed:
        furnished()
    if not page.exists():
        raise lessons.LessonError(
            f"{page.name} was never built. Run: python3 start.py build {chosen.stem[:2]}"
            if executed
            else f"{page} could not be made, so there is nothing to open."
        )
    top = lessons.ROOT if executed else lessons.MY.parent
    command, environment = server(page, top, copies=not executed)
    if executed or not shared():  # else no folder that this server shows holds them
        trust_lessons()
    print(
        f"JupyterLab opens {page.parent.name}/{page.name} in your browser. Stop it with Ctrl-C.", flush=True
    )
    raise typer.Exit(attend(command, cwd=lessons.ROOT, env=environment))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def hub(context: typer.Context) -> None:
    """Be one learner's server on a JupyterHub, which calls this.

    docs/for_a_class.md says how a class is set up. Further arguments go to JupyterLab.
    """
    from mlteach.course import copies, lessons
    from mlteach.course.lab import furnished, must_be_on_a_hub, server

    must_be_on_a_hub()
    furnished()
    page = copies.place(lessons.source("00"))
    command, environment = server(page, lessons.MY.parent, copies=True, hub=True)
    sys.stdout.flush()
    os.execve(
        command[0], [*command, *context.args], environment
    )  # it is the hub's to stop, and no hub is on Windows


def attend(command: list[str], **how: Any) -> int:
    """Run ``command`` to its own end and return its exit code. Ctrl-C is its to answer: Jupyter asks, then stops its kernels.

    `subprocess.call` would kill it a quarter of a second after the key.
    """
    child = subprocess.Popen(command, **how)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue


@app.command()
def reset(lesson: Lesson) -> None:
    """Make a fresh copy of a lesson in my/; the old one stays beside it, under a name with the date.

    `reset 03` is for working through lesson 03 once more. It deletes nothing.
    """
    from mlteach.course import copies
    from mlteach.course.lessons import source

    print(copies.reset(source(lesson)))


@app.command()
def progress() -> None:
    """Show which exercises you have solved, and which are open.

    The score is kept in my/progress.json on this machine and goes nowhere. MLTEACH_PROGRESS=off keeps none.
    """
    from mlteach.exercises import progress as show

    show()


@app.command()
def compare(
    file: Annotated[
        Path, typer.Argument(help="A Python file that makes a METHOD, such as my/methods/mine.py.")
    ],
    seconds: Annotated[float, typer.Option(help="Processor seconds of training for each seed.")] = 60,
    seeds: Annotated[int, typer.Option(help="How many training runs, from seed 0 on.", min=1)] = 1,
    tasks: Annotated[
        int, typer.Option(help="How many of lesson 09's 1000 test tasks.", min=50, max=1000)
    ] = 200,
) -> None:
    """Train a method of your own and show it in lesson 21's table.

    `compare my/methods/mine.py --seconds 20` is a quick look; `--seconds 60 --seeds 3 --tasks 1000` is a row as the table's own.
    """
    from mlteach.methods.own import compared

    print(compared(file, seconds, range(seeds), tasks))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(
    context: typer.Context,
    cpu: Annotated[
        str | None, typer.Option(help="Let torch use only this CPU instruction set: default, avx2 or avx512.")
    ] = None,
    versions: Annotated[
        str | None,
        typer.Option("--with", help="Other versions of what the course needs: oldest or newest, as allowed."),
    ] = None,
    changed: Annotated[
        bool, typer.Option("--changed", help="Only what could come out otherwise since the last commit.")
    ] = False,
    since: Annotated[
        str, typer.Option(help="With --changed: since this commit, such as main or HEAD~3.")
    ] = "HEAD",
) -> None:
    """Run everything CI runs; with further arguments, only pytest with them.

    `test` checks style, types, the direction of imports, stale lessons, then runs all tests and compares every
    lesson's stored outputs with fresh ones.

    `test tests/inner -k sgd` runs only those tests. `test notebooks/03_*.ipynb` proves one lesson.
    `test --cpu default` shows that the printed numbers hold on an older CPU.
    `test --changed` proves what you have changed since the last commit, and no more: a lesson's text in a minute or two.
    `test --with oldest` makes an environment .venv-oldest with the oldest versions that pyproject.toml allows, and runs
    tests and lessons in it; `--with newest` those of today. With UV_TORCH_BACKEND=cpu torch comes without CUDA.
    """
    from mlteach.course import versions as other
    from mlteach.course.suite import run_all, run_changed, run_pytest

    if changed:
        raise typer.Exit(run_changed(since, cpu=cpu))
    python = other.environment(versions) if versions else sys.executable
    if context.args:
        raise typer.Exit(run_pytest(context.args, cpu=cpu, python=python))
    raise typer.Exit(run_all(other.CHECKS if versions else (), cpu=cpu, python=python))


@app.command()
def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="style, format, types, imports, lessons, tests, browser, class, numbers."),
    ] = None,
) -> None:
    """Run some of what `test` runs, by name; without names all but the tests.

    `check style types` is what a commit needs. `check` takes seconds once mypy has its cache.
    """
    from mlteach.course.suite import CHECKS, LONG, run_all

    raise typer.Exit(run_all(names or [name for name, _ in CHECKS if name not in LONG]))


@app.command()
def browsers() -> None:
    """Install the browsers that tests drive, where one is missing (Debian, Ubuntu).

    `browsers` looks for Chromium, Firefox and WebKit. Without them their tests are skipped.
    """
    from mlteach.course.browsers import install

    print(install())


@app.command()
def run(
    lesson: Lesson,
    profile: Annotated[
        str, typer.Option(help="smoke (a minute), lecture (minutes), paper (the published protocol).")
    ] = "smoke",
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", help="Another parameter of the lesson, such as SEEDS=[1]."),
    ] = None,
    record: Annotated[bool, typer.Option("--record", help="Keep the results in data/results/ too.")] = False,
) -> None:
    """Run a lesson from top to bottom and keep its notebook and its numbers in runs/.

    `run 09 --profile lecture` writes runs/09-lecture/lesson.ipynb and runs/09-lecture/results.json. While another run
    has that folder, this one takes runs/09-lecture.2/.

    `run 09 --profile paper --record` also keeps the numbers in data/results/09-paper.json, from where the lesson
    prints them, and what it has trained in data/checkpoints/. Only the seed may be another than the profile's. Of a
    lecture run it keeps in data/lectures/ what stands on slides.
    """
    from mlteach.course.run import run as run_lesson

    folder = run_lesson(lesson, profile, parameters=parameter or (), record=record)
    print(f"Done: {folder / 'lesson.ipynb'} and {folder / 'results.json'}")


@app.command()
def study(
    file: Annotated[
        Path, typer.Argument(help="The study's file, such as studies/*.toml.", show_default=False)
    ],
    workers: Annotated[
        int | None, typer.Option(help="Worker processes to start here; without it one a core.", min=1)
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help="The address of a dask scheduler, whose workers do the runs.", metavar="tcp://..."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="The folder for all studies, if not runs/studies.")
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Keep table and figure beside the file too.")
    ] = False,
) -> None:
    """Run a grid of parameters over a lesson or a function, on all cores or on many machines.

    `study studies/lesson06_rates_and_shots.toml` writes runs/studies/lesson06_rates_and_shots/table.jsonl, a line a run, and
    figure.png. A second call runs what is missing; a run whose worker was lost goes on from its checkpoint.

    docs/studies.md says what stands in such a file, and how SLURM or Kubernetes do the runs.
    """
    from mlteach.course.study import STUDIES, StudyError
    from mlteach.course.study import study as run_study

    if workers and scheduler:
        raise StudyError("A scheduler has its own workers. Leave out --workers, or --scheduler.")
    try:
        print(run_study(file, scheduler=scheduler, workers=workers, output=output or STUDIES, record=record))
    except KeyboardInterrupt:  # what is kept was said there
        raise typer.Exit(130) from None


@app.command()
def build(
    lessons: Annotated[
        list[str] | None, typer.Argument(help="Lessons to build; all of them without any.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say which lessons are stale; run nothing.")
    ] = False,
) -> None:
    """Rebuild the lessons from their sources in notebooks/src/.

    `build 03` executes lesson 03 and stores its outputs; what somebody has typed into the stored notebook is kept in
    my/backups/ first. `build --check` names the lessons whose source has changed
    since they were built, or since the lecture run was recorded that their slides show, and fails if there are any.
    """
    from mlteach.course.build import build as build_lesson
    from mlteach.course.build import stale
    from mlteach.course.copies import typed_into
    from mlteach.course.lectures import wrong
    from mlteach.course.lessons import LessonError, notebook, source, sources

    chosen = [source(lesson) for lesson in lessons] if lessons else sources()
    if check:
        bad = 0
        for path in chosen:
            try:
                reason = stale(source(path.stem))
            except LessonError as error:  # of this one; the others are looked at all the same
                bad += 1
                print(error)
                continue
            if reason:
                bad += 1
                kept = " (what was typed into it is kept in my/backups/ first)" if typed_into(path) else ""
                print(f"{notebook(path).name} {reason}. Run: python3 start.py build {path.stem[:2]}{kept}")
        for sentence in () if lessons else wrong():
            bad += 1
            print(sentence)
        if bad:
            raise typer.Exit(1)
        print(
            f"All {len(chosen)} lessons are up to date." if len(chosen) > 1 else "The lesson is up to date."
        )
        return
    for path in chosen:
        print(f"Built {build_lesson(path).name}", flush=True)


@app.command()
def site(
    output: Annotated[Path, typer.Option(help="The folder to write into.")] = Path("site"),
) -> None:
    """Write the course as a website that needs no network and no kernel.

    `site` makes site/index.html, the map of the course with a search, and one page a lesson, from the stored notebooks;
    nothing is run. Open it from the file system, or copy the folder to any web server.

    The folder is exchanged as a whole or stays as it was. Files of yours in it stay; one in the place of a page stops
    the command, and so does a notebook that is stale or would bring a page something that runs.
    """
    from mlteach.course.site import build_site
    from mlteach.course.site.folder import folder

    print(f"Open {build_site(folder(output))}")


@app.command()
def slides(
    lesson: Lesson,
    output: Annotated[Path, typer.Option(help="The folder to write into.")] = Path("slides"),
    record: Annotated[
        bool, typer.Option("--record", help="First keep your last lecture run in data/lectures/.")
    ] = False,
) -> None:
    """Write the slides of a lesson, with live explorers and a speaker's view, as one file that needs no network.

    `slides 03` makes slides/03_gradient_descent_is_an_lstm_cell.html from the stored notebook; nothing is run. In it,
    `?` shows the keys, `S` opens the speaker's view. Print it to get a PDF.

    Figures and numbers are those of your last `run 03 --profile lecture`, else those of the lecture run that came with
    the course. Where the lesson's code has changed since, they are the stored notebook's, and the slides say at their
    foot that they come from a smoke run. `--record` keeps what your run drew in data/lectures/, and measures nothing.
    """
    from mlteach.course.lessons import source
    from mlteach.course.site.folder import folder
    from mlteach.course.slides import build_slides, keep

    if record:
        print(f"Kept: {keep(source(lesson))}")
    print(f"Open {build_slides(source(lesson), folder(output))}")


@exports.command("nbgrader")
def export_nbgrader(
    lessons: Annotated[list[str], typer.Argument(help="Lessons to export.", show_default=False)],
    output: Annotated[Path, typer.Option(help="The course folder of nbgrader.")] = Path("grading"),
) -> None:
    """Write lessons as assignments of nbgrader, with points for exercises whose check passes.

    `export nbgrader 03` writes grading/source/03/. docs/grading.md says how to go on.
    """
    from mlteach.course.grading import export
    from mlteach.course.lessons import source
    from mlteach.course.site.folder import folder

    target = folder(output)
    for path in map(source, lessons):
        print(f"Wrote {export(path, target)}")
    print(f"Go on in {target}: nbgrader generate_assignment {source(lessons[0]).stem[:2]}")


@exports.command("colab")
def export_colab(
    lessons: Annotated[
        list[str] | None, typer.Argument(help="Lessons to export; all of them without any.")
    ] = None,
    repository: Annotated[
        str, typer.Option(help="OWNER/NAME on GitHub; without it, the one this folder was cloned from.")
    ] = "",
    branch: Annotated[str, typer.Option(help="The branch that will have the notebooks.")] = "main",
    output: Annotated[Path, typer.Option(help="The folder to write into.")] = Path("colab"),
) -> None:
    """Write lessons for Google Colab, Kaggle and other servers, each with a first cell that installs the course.

    `export colab` writes colab/, with a page of badges. Commit the folder to your repository on GitHub: the badges open
    its notebooks from there.
    """
    from mlteach.course.hosted import export, origin
    from mlteach.course.lessons import source, sources
    from mlteach.course.site.folder import folder

    chosen = [source(lesson) for lesson in lessons] if lessons else sources()
    page = export(chosen, folder(output), repository=repository or origin(), branch=branch)
    print(f"Wrote {len(chosen)} notebook{'s' if len(chosen) > 1 else ''} and their badges: {page}")


def main() -> None:
    """Run the command line; what goes wrong is one sentence, not a traceback."""
    for stream in (sys.stdout, sys.stderr):  # a path may hold what the terminal's alphabet does not
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except MlteachError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except OSError as error:  # a folder that cannot be written, a full disk
        print(in_words(error), file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print(
            "\nStopped. What was stored before is as it was; the same command begins again.", file=sys.stderr
        )
        sys.exit(130)


if __name__ == "__main__":
    main()
