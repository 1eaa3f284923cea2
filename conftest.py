"""Notebooks are tests: every stored output of every lesson is compared with a fresh one, strictly, by nbval.

nbval 0.11 needs three things told, which this file does wherever pytest is called from; and it
says what to do where Omniglot cannot be had.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
NEEDS_OMNIGLOT = re.compile(r"Characters\.(load|omniglot)\(|self_check\(")
NOT_COMPARED = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--engine firefox``: the browser tests that run in every engine, in this one, and in full."""
    parser.addoption(
        "--engine",
        choices=("chromium", "firefox", "webkit"),
        help="run the browser tests in this engine alone; without it in Chromium in full, and a selection in the others",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Turn strict comparison on, in this environment's kernel, without bars and score, as the lessons were built."""
    from nbval import plugin

    config.option.nbval = True
    config.option.nbval_current_env = True
    config.option.nbval_sanitize_with = str(HERE / "tests" / "lessons" / "sanitize.cfg")
    os.environ |= {"TQDM_DISABLE": "1", "PYTHONHASHSEED": "0", "MLTEACH_PROGRESS": "off"}
    os.environ.pop("MLTEACH_RESULTS", None)
    plugin.IPyNbFile.get_kernel_message = without_output_widgets(plugin.IPyNbFile.get_kernel_message)
    plugin.IPyNbCell.compare_outputs = without_progress(plugin.IPyNbCell.compare_outputs)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without Omniglot the lessons go on with glyphs and print other numbers: then run them, but compare nothing."""
    from nbval.plugin import IPyNbCell

    cells = [item for item in items if isinstance(item, IPyNbCell)]
    lessons = {cell.parent.path for cell in cells if NEEDS_OMNIGLOT.search(cell.cell.source)}
    if not lessons:
        return
    from mlteach.errors import DataError
    from mlteach.tasks import Characters

    try:
        Characters.omniglot()
    except DataError as error:
        for cell in cells:
            if cell.parent.path in lessons:
                cell.options["check"] = False
        config.stash[NOT_COMPARED] = f"{', '.join(sorted(path.stem for path in lessons))}: {error}"


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say at the end where the time went, and which lessons were run without being compared, and why."""
    for line in where_time_went(report for reports in terminalreporter.stats.values() for report in reports):
        terminalreporter.write_line(line)
    if said := config.stash.get(NOT_COMPARED, None):
        terminalreporter.write_line(
            f"Run, but not compared, because their stored numbers are Omniglot's: {said}"
        )


def where_time_went(reports: Iterable[Any], least: float = 60.0, lines: int = 24) -> list[str]:
    """Seconds by folder of tests or lesson, the longest first; none where all together took less than ``least``."""
    spent: Counter[str] = Counter()
    for report in reports:
        if hasattr(report, "duration"):
            parts = Path(report.nodeid.partition("::")[0]).parts
            spent["/".join(parts[:2])] += report.duration
    whole = sum(spent.values())
    if whole < least:
        return []
    found = [
        f"{seconds:7.1f} s  {100 * seconds / whole:3.0f} %  {name}"
        for name, seconds in spent.most_common(lines)
    ]
    return [f"Where {whole:.0f} s of work went:", *found]


def without_output_widgets(get: Any) -> Any:
    """Leave out of a cell what it prints into an ipywidgets.Output: it belongs to the widget, as in JupyterLab.

    An Output that captures says so by a ``msg_id`` in its state. Errors are let through.
    """

    def get_kernel_message(self: Any, timeout: float | None = None, stream: str = "iopub") -> Any:
        widgets: set[str] = self.__dict__.setdefault("output_widgets", set())
        capturing: set[str] = self.__dict__.setdefault("capturing_widgets", set())
        while True:
            message = get(self, timeout=timeout, stream=stream)
            kind, content = message["msg_type"], message["content"]
            if kind in ("comm_open", "comm_msg"):
                state, widget = content.get("data", {}).get("state", {}), content["comm_id"]
                if state.get("_model_name") == "OutputModel":
                    widgets.add(widget)
                if widget in widgets and "msg_id" in state:
                    (capturing.add if state["msg_id"] else capturing.discard)(widget)
            elif capturing and kind in ("stream", "display_data", "execute_result", "clear_output"):
                continue
            return message

    return get_kernel_message


def without_progress(compare: Any) -> Any:
    """Compare outputs without what the build does not store either: progress bars, and on stderr libraries' warnings.

    A drawing is a picture as a PNG is: another CPU rounds its places otherwise. What it shows is compared as text.
    """

    def compare_outputs(self: Any, test: Any, ref: Any, skip_compare: Any = None) -> Any:
        from mlteach.course.build import without_bars

        skipped = (*(skip_compare or self.parent.skip_compare), "image/svg+xml")
        return compare(self, without_bars(test), without_bars(ref), skipped)

    return compare_outputs
