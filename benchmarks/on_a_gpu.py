"""What the minutes of a GPU are best spent on, as one script; and its rehearsal, in which nothing but the device is another.

    python -m benchmarks.on_a_gpu --minutes 14      on a machine with a GPU and what `pip install -e ".[benchmarks]"` and pytest bring
    python -m benchmarks.on_a_gpu --rehearse        the same steps, small, on a CPU: two minutes

In the order of their worth: the tests that want CUDA; our meta-gradient beside others' on Finn's network
(``data/results/speed-maml-gpu.json``); and with the rest of the time lesson 09's paper profile, which goes on from
``runs/09-paper/training/`` when this is called again. Each step is a process of its own with an end to its time; one that
fails or is late does not keep the next from running. What each said stands in ``runs/on-a-gpu/``.
"""

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass

import torch

from mlteach.course.lessons import ROOT

TESTS = ("tests/test_fit_cuda.py", "tests/outer/test_replay.py")


@dataclass(frozen=True)
class Step:
    """A name, what Python is called with, and the most minutes it may take."""

    name: str
    arguments: list[str]
    minutes: float


def steps_of(minutes: float, *, rehearse: bool) -> list[Step]:
    """The steps that fit into the minutes; the last one gets what is left."""
    pytest = [
        "-m",
        "pytest",
        "--noconftest",
        "-q",
        *TESTS,
    ]  # its settings for notebooks need what a bare machine has not
    profile = ["-m", "studies.lesson09_paper_profile"]
    if rehearse:
        return [
            Step("tests", pytest, 3),
            Step("speed", ["-m", "benchmarks.maml", "--alone", "finn", "mlteach"], 3),
            Step("training", [*profile, "--seed", "99", "--minutes", "0.2"], 3),
        ]
    first = [Step("tests", pytest, 3), Step("speed", ["-m", "benchmarks.maml", "finn"], 5)]
    rest = max(minutes - sum(step.minutes for step in first), 1.0)
    return [*first, Step("training", [*profile, "--minutes", f"{max(rest - 1, 0.5):.1f}"], rest)]


def run(step: Step) -> str:
    """Run a step, and say how it ended."""
    folder = ROOT / "runs" / "on-a-gpu"
    folder.mkdir(parents=True, exist_ok=True)
    log, began = folder / f"{step.name}.txt", time.monotonic()
    with log.open("w", encoding="utf-8") as file:
        try:
            done = subprocess.run(
                [sys.executable, *step.arguments], cwd=ROOT, stdout=file, stderr=subprocess.STDOUT,
                timeout=60 * step.minutes, env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
            ended = "ok" if done.returncode == 0 else f"failed ({done.returncode})"
        except subprocess.TimeoutExpired:
            ended = "out of time"
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return f"{step.name:9} {ended:12} {time.monotonic() - began:5.0f} s   {lines[-1] if lines else 'it said nothing'}"


def main() -> int:
    """Read the command line, run the steps."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=14.0, help="of the GPU, in all")
    parser.add_argument("--rehearse", action="store_true", help="the same steps, small, on a CPU")
    options = parser.parse_args()
    if not options.rehearse and not torch.cuda.is_available():
        print("There is no GPU here. Rehearse with: python -m benchmarks.on_a_gpu --rehearse")
        return 1
    ended = [run(step) for step in steps_of(options.minutes, rehearse=options.rehearse)]
    print("\n".join(ended))
    return int(any(line.split()[1] != "ok" for line in ended))


if __name__ == "__main__":
    sys.exit(main())
