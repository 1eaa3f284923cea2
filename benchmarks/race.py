"""Speed side by side: everybody takes turns, round by round, on the same numbers; memory in a process of its own.

A single timing says little on a machine that does other things too. So in every round each contestant runs once, in turn, and
what is reported are medians over the rounds and ratios within them: a slow moment hits all alike.
"""

import argparse
import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from benchmarks.peers import Run
from mlteach.files import write_atomic
from mlteach.measure.ledger import data_folder

PACKAGES = ("torch", "higher", "torchopt", "jax", "jaxlib")

REST = 0.05  # seconds before each: some libraries' threads go on spinning for a while after their answer


def timed(runs: Mapping[str, Run], rounds: int, label: str) -> dict[str, list[float]]:
    """Seconds of every run in every round. The first, uncounted round warms up (and compiles, for those that do)."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for count in tqdm(range(rounds + 1), label, unit="round", leave=False):
        for name, run in runs.items():
            time.sleep(REST)
            begun = time.perf_counter()
            run()
            _wait()
            if count:
                seconds[name].append(time.perf_counter() - begun)
    return seconds


def meet(
    commands: Mapping[str, Sequence[str]],
    made: Callable[[str], Run],
    rounds: int,
    label: str,
    beside: Mapping[str, Run] | None = None,
) -> dict[str, list[float]]:
    """`timed` for contestants by name. JAX has its turns `elsewhere`: its threads got in the way of whoever came after it.

    commands: what `elsewhere` and `peak_memory` start for each. made: its run in this process.
    beside: runs that have a turn in every round and are no contestants, such as the machine's limit.
    """
    with ExitStack() as others:
        runs = {
            name: others.enter_context(elsewhere(*command, "--serve"))
            if name.startswith("JAX")
            else made(name)
            for name, command in commands.items()
        }
        return timed(runs | dict(beside or {}), rounds, label)


def repeated(run: Run, times: int) -> Run:
    """``run`` so many times in a row, for those that are too quick for the clock; the last answer."""

    def runs() -> list[Tensor]:
        for _ in range(times - 1):
            run()
        return run()

    return runs


@contextmanager
def elsewhere(module: str, *arguments: str) -> Iterator[Run]:
    """A run that takes place in ``python -m module arguments``, which calls `alone`.

    For contestants whose threads would get in the way of the others': between its turns the other process sleeps.
    Its answer stays there. Raises RuntimeError, with the last words of the process, when it ends too early.
    """
    command = [sys.executable, "-m", module, *arguments]
    with tempfile.TemporaryFile("w+") as words:  # a pipe that nobody reads would fill up and stop the process
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=words, text=True
        )
        asked, answered = process.stdin, process.stdout
        assert asked is not None and answered is not None

        def run() -> list[Tensor]:
            with suppress(BrokenPipeError):  # it has ended; why, it says below
                asked.write("\n")
                asked.flush()
            if not answered.readline():
                process.wait()
                words.seek(0)
                raise RuntimeError(f"{module} {' '.join(arguments)} ended: {words.read()[-1000:]}")
            return []

        try:
            yield run
        finally:
            process.kill()
            process.communicate()


def alone(run: Run, served: bool) -> None:
    """One contestant and nobody else. Be the other process of `elsewhere`, or of `peak_memory`.

    served: one ``run`` for each line that comes in, and a line out when it is done; else one run, and the memory it takes at most.
    """
    if not served:
        run()
        _report_memory()
        return
    for _ in sys.stdin:
        run()
        _wait()
        print("done", flush=True)


def figures(
    seconds: Mapping[str, Sequence[float]], tasks: Mapping[str, int], base: str, **more: Any
) -> list[dict[str, Any]]:
    """Tasks a second with their spread over the rounds, and the ratio to ``base`` round by round.

    tasks: how many each of them does in a run; who is not in it is no contestant.
    """
    found = []
    for name, each in tasks.items():
        own, others = seconds[name], tasks[base]
        ratios = [(each / a) / (others / b) for a, b in zip(own, seconds[base], strict=True)]
        found.append(
            more
            | {
                "name": name,
                "value": round(each / statistics.median(own), 2),
                "slowest": round(each / max(own), 2),
                "quickest": round(each / min(own), 2),
                "unit": "tasks/s",
                "ratio": round(statistics.median(ratios), 2),
                "ratio_spread": [round(min(ratios), 2), round(max(ratios), 2)],
                "rounds": len(own),
            }
        )
    return found


def in_readme(text: str, mark: str, said: str) -> str:
    """``text`` with what stands between <!-- mark --> and <!-- /mark --> replaced."""
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    return re.sub(f"{begin}.*{end}", lambda _: f"{begin}\n{said}\n{end}", text, flags=re.DOTALL)


def named(name: str) -> str:
    """The name that a measurement is kept under: those of a GPU stand beside those of a CPU."""
    return f"{name}-gpu" if torch.cuda.is_available() else name


def recorded(name: str) -> dict[str, Any]:
    """What ``data/results/speed-NAME.json`` holds; no figures where nothing was recorded yet."""
    path = _path(name)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"figures": []}


def rows(name: str) -> dict[str, dict[str, Any]]:
    """The recorded figures of ``NAME`` by their names."""
    return {figure["name"]: figure for figure in recorded(name)["figures"]}


def comparable(name: str, now: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The recorded figures of ``NAME``, each with its date, if a machine like that of ``now`` made them with the same versions; else none."""
    before = recorded(name)
    if any(before.get(key) != now[key] for key in ("device", "cores", "versions")):
        return []
    return [{"date": before["date"]} | figure for figure in before["figures"]]


def keep(name: str, kept: dict[str, Any], said: str) -> None:
    """Write ``data/results/speed-NAME.json`` and the text for it in ``benchmarks/README.md``."""
    keep_at(_path(name), name, kept, said)


def keep_at(path: Path, name: str, kept: dict[str, Any], said: str) -> None:
    """Write the figures to ``path`` and the text for them between the marks ``name`` in ``benchmarks/README.md``."""
    write_atomic(path, json.dumps(kept, indent=2, ensure_ascii=False) + "\n")
    readme = Path(__file__).parent / "README.md"
    write_atomic(readme, in_readme(readme.read_text(encoding="utf-8"), name, said))


def _path(name: str) -> Path:
    return data_folder() / "results" / f"speed-{name}.json"


def plotting() -> tuple[Any, Any] | None:
    """pyplot and the look of the course; None, with a word about it, where matplotlib is missing.

    A GPU machine may have only what training needs: the numbers are kept all the same.
    """
    try:
        import matplotlib.pyplot as plt

        from mlteach.explore import style
    except ImportError as missing:
        print(f"No figure without {missing.name}: pip install -e '.[course]' brings it.")
        return None
    style.use()
    return plt, style


def keep_picture(name: str, fig: Any) -> None:
    """Write ``docs/speed-NAME.png``."""
    fig.savefig(data_folder().parent / "docs" / f"speed-{name}.png", dpi=90)


def picture(name: str, found: Sequence[dict[str, Any]], titles: Mapping[str, str]) -> None:
    """Draw ``docs/speed-NAME.png``: the figures' ratios and their spread as bars, a panel for each case in ``titles``."""
    if (tools := plotting()) is None:
        return
    plt, style = tools
    panels = {
        title: [(row["name"], row["ratio"], row["ratio_spread"]) for row in found if row["case"] == case]
        for case, title in titles.items()
    }
    longest = max(len(rows) for rows in panels.values())
    fig, axes = plt.subplots(
        len(panels), 1, figsize=(9, len(panels) * (0.7 + 0.28 * longest)), sharex=True, squeeze=False
    )
    for ax, (title, rows) in zip(axes[:, 0], panels.items(), strict=True):
        looks = [style.color("maml" if who.startswith("mlteach") else "baseline") for who, *_ in rows]
        away = [[max(0, r - low), max(0, high - r)] for _, r, (low, high) in rows]
        places = range(len(rows))
        lengths = [r - 1 for _, r, _ in rows]  # from one outwards: a logarithmic axis has no zero to begin at
        ax.barh(places, lengths, 0.7, left=1, color=looks, xerr=list(zip(*away, strict=True)))
        for place, (_, r, (_, high)) in zip(places, rows, strict=True):
            ax.annotate(f"{r:.3g}", (max(r, high, 1), place), (5, 0), textcoords="offset points", va="center")
        ax.set_yticks(places, [who for who, *_ in rows])
        ax.axvline(1, color=style.color("baseline"), linestyle="--", linewidth=1)
        ax.set(xscale="log", title=title)
        ax.xaxis.set_major_formatter("{x:g}")
        ax.invert_yaxis()
        ax.margins(x=0.15)
    axes[-1, 0].set_xlabel(f"times {next(iter(panels.values()))[0][0]}, quickest to slowest round as a line")
    keep_picture(name, fig)
    plt.close(fig)


def error(found: Sequence[Tensor], base: Sequence[Tensor]) -> float:
    """The distance of two meta-gradients, as one long vector each, relative to the second."""
    a, b = (torch.cat([each.detach().cpu().reshape(-1) for each in one]) for one in (found, base))
    return ((a - b).norm() / b.norm()).item()


def command_line(about: str | None) -> argparse.ArgumentParser:
    """What every benchmark's command line can say about one contestant in a process of its own."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alone", nargs=2, metavar=("CASE", "NAME"), help="one contestant: its peak memory")
    parser.add_argument(
        "--serve", action="store_true", help="with --alone: a run for every line that comes in"
    )
    return parser


def cases(
    name: str,
    doc: str | None,
    names: Sequence[str],
    *,
    unit: str,
    measure: Callable[[str], list[dict[str, Any]]],
    alone: Callable[[str, str, bool], None],
    table: Callable[[Sequence[dict[str, Any]]], str],
    said_of: Callable[[dict[str, Any]], str],
) -> None:
    """The command line of a benchmark whose cases run on one torch thread: measure each of ``names``, keep, draw, print.

    name: of what is kept, ``speed-NAME``. doc: the module's docstring. unit: what the bar counts.
    """
    given = command_line(doc).parse_args()
    torch.set_num_threads(1)
    if given.alone:
        alone(*given.alone, given.serve)
        return
    found = [figure for said in tqdm(names, f"{unit}s", unit=unit) for figure in measure(said)]
    whole = {"command": f"python -m benchmarks.{name.replace('-', '_')}", "figures": found}
    kept = about() | whole
    keep(name, kept, said_of(kept))
    picture(name, found, {said: said for said in names})
    print(table(found))


def case_tables(
    found: Sequence[dict[str, Any]], headings: Mapping[str, str], *, unit: str, base: str, each: int = 1
) -> str:
    """The figures as markdown, a table for each case under its heading. each: how many tasks make one ``unit``."""
    lines = []
    for said, heading in headings.items():
        lines += [
            heading,
            "",
            f"| | {unit} | slowest to quickest | times {base} | peak MB | gradient's distance | share of the limit |",
            "|---|--:|--:|--:|--:|--:|--:|",
        ]
        for row in (figure for figure in found if figure["case"] == said):
            slowest, value, quickest = (row[key] / each for key in ("slowest", "value", "quickest"))
            cells = [
                row["name"], f"{value:.0f}", f"{slowest:.0f} to {quickest:.0f}", f"{row['ratio']:.1f}",
                str(row["peak_mb"]), f"{row['error']:.0e}", f"{row['share']:.0%}",
            ]  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def peak_memory(module: str, *arguments: str) -> float:
    """Peak memory in MB of ``python -m module arguments``, a fresh process that calls `alone`."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], check=True, capture_output=True, text=True
    )
    return float(done.stdout.split()[-1])


def _report_memory() -> None:
    """Print this process's peak memory in MB: on a GPU what was allocated there, else what it held itself."""
    status = Path("/proc/self/status")
    if torch.cuda.is_available():
        print(torch.cuda.max_memory_allocated() / 2**20)
    elif status.exists():  # getrusage would count what the parent held before this process began
        (kilobytes,) = re.findall(r"VmHWM:\s*(\d+) kB", status.read_text())
        print(int(kilobytes) / 2**10)
    else:  # bytes on macOS
        print(
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            / (2**20 if sys.platform == "darwin" else 2**10)
        )


def about() -> dict[str, Any]:
    """Where and with what it was measured."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": device,
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str:
    try:
        return version(package).split("+")[0]
    except PackageNotFoundError:
        return "not installed"


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
