"""A study from its file to its table and figure."""

import json
import queue
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from mlteach.course.lessons import RUNS
from mlteach.course.study import table
from mlteach.course.study.cluster import connected, dashboard
from mlteach.course.study.figure import picture
from mlteach.course.study.file import Study, read
from mlteach.course.study.target import StudyError
from mlteach.course.study.work import Row, Run, kept, work
from mlteach.files import lock, one_sentence, write_all
from mlteach.progress import bar_for

STUDIES = RUNS / "studies"
TABLE, FIGURE = "table.jsonl", "figure.png"


def study(
    path: Path,
    *,
    scheduler: str | None = None,
    workers: int | None = None,
    output: Path = STUDIES,
    record: bool = False,
) -> str:
    """Do what is missing of the study in a file, and return its means over seeds as a Markdown table.

    ``output``/NAME/ holds a folder for each run and, at all times whole, the table and the figure of the runs that are
    done, in the file's order. ``record``: keep both beside the file as well, once every run is done.
    Raises StudyError for what cannot be in the file, without workers, and at the end where runs have failed: the others
    are kept, and the next call tries again those that failed.
    """
    plan = read(path)
    folder = output.absolute() / plan.name
    with one_sentence(StudyError, f"run the study {plan.name}"), _alone(folder):
        rows = {run.key: row for run in plan.runs if (row := kept(folder / run.key))}
        _set_aside(folder / TABLE, plan)
        missing = [run for run in plan.runs if run.key not in rows]
        _say(f"{plan.name}: {len(plan.runs)} runs of {plan.target}, {len(rows)} of them done already.")
        failed: dict[str, str] = {}
        if missing:
            with connected(scheduler, workers, len(missing)) as client:
                _carry_out(plan, folder, missing, rows, failed, client)
        if rows:
            done = [rows[run.key] for run in plan.runs if run.key in rows]
            table.write(folder / TABLE, done)
            said, drawn = table.words(plan, done), picture(plan, done)
            write_all({folder / FIGURE: drawn})
        if failed:
            each = "\n".join(f"  {name}: {why}" for name, why in list(failed.items())[:5])
            raise StudyError(
                f"{len(failed)} of {len(plan.runs)} runs failed; the others are in {folder / TABLE}. The first of them:\n{each}\n"
                "The same command tries again what failed, and nothing else."
            )
        _say(f"All {len(plan.runs)} runs are in {folder / TABLE}, and drawn in {folder / FIGURE}.\n")
        if record:
            plain = [{name: part for name, part in row.items() if name != "starts"} for row in done]
            table.write(path.with_suffix(".jsonl"), plain)
            write_all({path.with_suffix(".png"): drawn})
        return said


def _carry_out(
    plan: Study, folder: Path, missing: list[Run], rows: dict[str, Row], failed: dict[str, str], client: Any
) -> None:
    """Do the missing runs, and write the table after each. Ctrl-C keeps all that are done."""
    _say(dashboard(client))
    if not client.nthreads():
        _say("The scheduler has no worker yet; the runs begin when one connects.")
    by_key = {f"{plan.name}-{run.key}": run for run in missing}
    ended: queue.Queue[Any] = queue.Queue()
    futures = [
        client.submit(work, run, str(folder / run.key), key=key, pure=False) for key, run in by_key.items()
    ]
    for future in futures:
        future.add_done_callback(ended.put)
    try:
        with closing(bar_for(plan.runs, plan.name, unit="run", initial=len(rows))) as bar:
            for future in _as_they_end(ended, len(futures), bar):
                run = by_key[future.key]
                row = _row(future, client)
                if "failed" in row:
                    failed[str(run)] = row["failed"]
                    bar.write(f"{run} failed: {row['failed']}", file=sys.stderr)
                    continue
                if len(row["starts"]) > 1:
                    step = row["starts"][-1]["step"]
                    again = f"went on from step {step}" if step else "began again"
                    bar.write(f"{run} had been broken off, and {again}.", file=sys.stderr)
                rows[run.key] = row
                table.write(folder / TABLE, [rows[each.key] for each in plan.runs if each.key in rows])
                bar.update()
    except KeyboardInterrupt:
        _say(
            f"\nStopped. {len(rows)} of {len(plan.runs)} runs are kept in {folder / TABLE}; the same command goes on with the "
            "others, each from its checkpoint."
        )
        raise


def _as_they_end(ended: "queue.Queue[Any]", count: int, bar: Any) -> Iterator[Any]:
    """The futures in the order in which they end. The time that is left is shown anew every second."""
    while count:
        try:
            future = ended.get(timeout=1)
        except queue.Empty:
            if sys.stderr.isatty():  # in a file every refresh would be a line
                bar.refresh()
            continue
        count -= 1
        yield future


def _row(future: Any, client: Any) -> Row:
    """What a run gave; where it took its workers with it, that is how it failed. Raises StudyError for a lost scheduler."""
    from distributed import KilledWorker

    try:
        row: Row = future.result()
        return row
    except KilledWorker:
        return {
            "failed": "every worker that began it was lost, most likely because memory ran out; give it fewer workers "
            "(--workers), or a smaller task"
        }
    except Exception as error:  # whatever dask makes of it: the work itself raises nothing
        if future.cancelled() or client.status != "running":
            raise StudyError(
                "The scheduler is gone. What was done is kept; the same command goes on with the others."
            ) from error
        return {"failed": f"{type(error).__name__}: {error}"}


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One study of a name at a time. Raises StudyError."""
    try:
        with lock(folder / "study.lock", timeout=0):
            yield
    except TimeoutError as error:
        raise StudyError(f"This study is running already: {error}") from error


def _set_aside(path: Path, plan: Study) -> None:
    """Give the table of another code a name of its own: its numbers do not belong beside those of this one."""
    if not path.exists():
        return
    lines = path.read_text(encoding="utf-8").splitlines()
    was = json.loads(lines[0])["code"] if lines else plan.runs[0].code
    if was != plan.runs[0].code:
        older = path.with_suffix(f".{was}.jsonl")
        path.replace(older)
        _say(
            f"{plan.target.file.name} has changed since the runs in {path.name} were made, so they are made again; the old "
            f"table is {older.name}."
        )


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
