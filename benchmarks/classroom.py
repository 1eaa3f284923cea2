"""What a class costs a server: memory and processor time of each lesson's kernel, and how long eight learners wait.

    .venv/bin/python -m benchmarks.classroom          every lesson's *smoke* run in a kernel with one thread
    .venv/bin/python -m benchmarks.classroom hub      the class of the test in tests/hub, on 127.0.0.1

``CPU``: processor seconds of the kernel from its start to its last cell, which a busy machine does not change much. ``peak``: the most
it had in memory (VmHWM). ``asked for``: the most data it had asked for after any cell (VmData), which a limit counts.

Writes ``data/results/class.json`` and the tables in ``docs/for_a_class.md``. Linux only: the figures come from /proc.
"""

import argparse
import json
import os
import platform
import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from tqdm import tqdm

from benchmarks import race
from mlteach.course.kernel import ARGUMENTS, kernel_environment
from mlteach.course.lessons import NOTEBOOKS, RESULTS, ROOT, source, sources
from mlteach.course.source import learner_notebook
from mlteach.measure.ledger import read_json, write_json

RECORD, PAGE = RESULTS / "class.json", ROOT / "docs" / "for_a_class.md"
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
AGAIN = "`git checkout data/results/class.json` brings the stored one back."


def lessons() -> list[Path]:
    """The sources of the lessons proper, without the page of all explorers."""
    return [path for path in sources() if path.name[:2] < "90"]


def status(process: int, name: str) -> float:
    """A line of /proc/PID/status, in MB."""
    found = re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def processor(process: int) -> float:
    """CPU seconds of a process, of all its threads."""
    found = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(found[11]) + int(found[12])) / os.sysconf("SC_CLK_TCK")


def weigh(path: Path) -> dict[str, Any]:
    """What the kernel of a lesson's smoke run takes. Raises what nbclient raises when a cell fails."""
    from nbclient import NotebookClient

    lesson = learner_notebook(path)
    client = NotebookClient(
        lesson,
        timeout=1800,
        kernel_name="python3",
        extra_arguments=ARGUMENTS,
        resources={"metadata": {"path": str(NOTEBOOKS)}},
    )
    asked, imported = 0.0, 0.0
    with client.setup_kernel(env=kernel_environment() | dict.fromkeys(THREADS, "1")):
        kernel = client.km.provisioner.process.pid
        for place, cell in enumerate(lesson.cells):
            client.execute_cell(cell, place)
            asked = max(asked, status(kernel, "VmData"))
            if "setup" in cell.metadata.get("tags", []) and not imported:
                imported = processor(kernel)
        return {
            "lesson": path.stem,
            "cpu": round(processor(kernel), 1),
            "imports": round(imported, 1),
            "peak": round(status(kernel, "VmHWM")),
            "asked": round(asked),
        }


def of_class() -> dict[str, Any]:
    """Eight learners of a hub: what the test of a class sees, as figures; here with all lessons in the course."""
    from tests.hub.scene import Class

    with tempfile.TemporaryDirectory() as folder:
        lesson = Class(Path(folder).resolve(), whole=True)
        learners = lesson.take_place()
    rows = [
        {
            "learner": each.name,
            "server": round(each.seconds["server"], 1),
            "first_cell": round(each.seconds["first cell"], 1),
            "cpu": round(each.cpu["first cell"], 1),
            "memory_server": round(each.memory["server"]),
            "memory_kernel": round(each.memory["kernel"]),
            "as_stored": lesson.compared[each.name],
        }
        for each in learners
    ]
    return {"learners": rows, "unchanged": lesson.before == lesson.after}


def about() -> dict[str, Any]:
    """Where and when it was measured; the load says how much else the machine had to do."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }


def table_of_lessons(part: dict[str, Any]) -> str:
    """The lessons as Markdown, and what is asked for by the hungriest."""
    rows = part["figures"]
    lines = [
        f"*smoke*, one thread, {part['cores']} CPU cores, load {part['load_before']} from other work, {part['date'][:10]}.",
        "",
        "| lesson | CPU, s | of it until the imports are done, s | peak, MB | asked for, MB |",
        "|---|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {row['lesson'][:2]} | {row['cpu']:.0f} | {row['imports']:.1f} | {row['peak']} | {row['asked']} |"
        for row in rows
    ]
    most = max(rows, key=lambda row: row["asked"])
    lines += [
        "",
        f"The most is asked for by lesson {most['lesson'][:2]}: {most['asked']} MB. Together they take "
        f"{sum(row['cpu'] for row in rows):.0f} CPU seconds; in the middle a lesson takes {median(row['cpu'] for row in rows):.0f}.",
    ]
    measured = {row["lesson"] for row in rows}
    if missing := [path.name[:2] for path in lessons() if path.stem not in measured]:
        lines += ["", f"Not measured yet: {', '.join(missing)}."]
    return "\n".join(lines)


def table_of_hub(part: dict[str, Any]) -> str:
    """The class as Markdown."""
    rows = part["learners"]
    lines = [
        f"Eight log in within the same second, {part['cores']} CPU cores, load {part['load_before']} from other work, {part['date'][:10]}. Memory is "
        "what belongs to the process alone.",
        "",
        "| learner | until the server is there, s | until the first cell is done, s | CPU of that, s | server, MB | kernel, MB | cells printed as stored |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {row['learner']} | {row['server']} | {row['first_cell']} | {row['cpu']} | {row['memory_server']} | {row['memory_kernel']} | "
        f"{row['as_stored']} |"
        for row in rows
    ]
    same = (
        "The course is the same afterwards, to the byte and the date of every file."
        if part["unchanged"]
        else "The course was CHANGED."
    )
    return "\n".join([*lines, "", same])


def main() -> None:
    """Measure, and write both files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=["lessons", "hub"], default="lessons")
    parser.add_argument("--lesson", action="append", help="only this one; the others keep their figures")
    given = parser.parse_args()
    record = read_json(RECORD, AGAIN, dict) if RECORD.exists() else {}
    if given.what == "hub":
        record["hub"] = about() | of_class()
    else:
        chosen = [source(each) for each in given.lesson or ()] or lessons()
        figures = {row["lesson"]: row for row in record.get("lessons", {}).get("figures", [])}
        part = about()
        for path in tqdm(chosen, unit="lesson"):
            figures[path.stem] = weigh(path)
            record["lessons"] = part | {"figures": [figures[name] for name in sorted(figures)]}
            write_json(
                RECORD, record, indent=1
            )  # what is measured is kept, also when the next one is stopped
    write_json(RECORD, record, indent=1)
    text = PAGE.read_text(encoding="utf-8")
    for name, table in (("lessons", table_of_lessons), ("hub", table_of_hub)):
        if name in record:
            text = race.in_readme(text, name, table(record[name]))
    PAGE.write_text(text, encoding="utf-8")
    print(f"Wrote {RECORD.name} and the tables in {PAGE.name}: {json.dumps(sorted(record))}")


if __name__ == "__main__":
    main()
