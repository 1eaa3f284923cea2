"""Every executed lesson is clean; and every rule of the linter catches a notebook that breaks it."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlteach.course import lint
from mlteach.course.build import WIDGET_STATE, WIDGET_VIEW
from mlteach.course.lessons import notebook, sources

LESSONS = [notebook(source) for source in sources()]
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
ERROR = {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": []}
BAR = {
    "output_type": "display_data",
    "metadata": {},
    "data": {
        WIDGET_VIEW: {"model_id": "0"},
        "text/plain": ["training:   0%|          | 0/300 [00:00<?, ?step/s]"],
    },
}
WORDS = "A red dot, alone on the page."


def code(source: str, count: int, *outputs: Any, tags: tuple[str, ...] = ()) -> dict[str, Any]:
    metadata = {"tags": list(tags)} if tags else {}
    cell = {"cell_type": "code", "id": f"00-{count:03d}", "source": source, "execution_count": count}
    return cell | {"metadata": metadata, "outputs": list(outputs)}


def picture(**about: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "data": {"image/png": DOT, "text/plain": WORDS}, "metadata": about}


CLEAN: dict[str, Any] = {
    "cells": [
        {"cell_type": "markdown", "id": "00-000", "metadata": {}, "source": f"# 00\n\n![{WORDS}](dot.png)"},
        code("x = 1  # one; and no more;", 1),
        code("# not compared: the time of day differs\nprint(now)", 2, tags=(lint.EXEMPT_TAG,)),
        code("show(dot)", 3, picture(**{"image/png": {"alt": WORDS}})),
        code(
            "slider",
            4,
            {"output_type": "execute_result", "metadata": {}, "data": {WIDGET_VIEW: {"model_id": "0"}}},
        ),
    ],
    "metadata": {"widgets": {WIDGET_STATE: {"state": {"0": {"state": {"outputs": []}}}}}},
}


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_executed_lesson_is_clean(path: Path) -> None:
    assert path.exists(), f"build it: python3 start.py build {path.stem[:2]}"
    assert lint.lint(path) == []


def test_there_is_a_source_for_every_notebook() -> None:
    assert sorted(path.name for path in LESSONS[0].parent.glob("*.ipynb")) == [path.name for path in LESSONS]


def linted(tmp_path: Path, break_it: Callable[[dict[str, Any]], Any]) -> list[str]:
    broken = copy.deepcopy(CLEAN)
    break_it(broken)
    path = tmp_path / "00_broken.ipynb"
    path.write_text(json.dumps(broken))
    return lint.lint(path)


def cell(number: int, **changes: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda notebook: notebook["cells"][number].update(changes)


BREAKS: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
    ("execution counts are [None, 2, 3, 4]", cell(1, execution_count=None)),
    ("execution counts are [1, 2, 3, 5]", cell(4, execution_count=5)),
    ("stores an error, ValueError: no", cell(1, outputs=[ERROR])),
    (
        "a widget hides an error",
        lambda nb: nb["metadata"]["widgets"][WIDGET_STATE]["state"]["0"]["state"]["outputs"].append(ERROR),
    ),
    ("shows a widget whose state is not stored", lambda nb: nb["metadata"].clear()),
    ("stores a progress bar", cell(4, outputs=[BAR])),
    ("draws a picture without words", cell(3, outputs=[picture()])),
    ("draws a picture without words", cell(3, outputs=[picture(**{"image/png": {"alt": "A plot"}})])),
    ('an image whose words are "dot"', cell(0, source="![dot](dot.png)")),
    ('an image whose words are ""', cell(0, source='<img src="dot.png">')),
    ("ends in a semicolon", cell(1, source="x = 1\nx;  # quiet\n")),
    ("must have both or neither", cell(2, metadata={})),
    ("must have both or neither", cell(2, source="print(now)")),
    ("must have both or neither", cell(2, source="# not compared: \nprint(now)")),
    ("by a side door", cell(1, metadata={"tags": ["nbval-skip"]})),
    ("by a side door", cell(1, metadata={"tags": ["raises-exception"]})),
    ("by a side door", cell(1, source="# " + "NBVAL" + "_SKIP\nx = 1")),
    ("is not plain Python", cell(1, source="%matplotlib inline")),
    ("over 1,000,000 bytes", cell(1, source="x = '" + "x" * 1_000_000 + "'")),
    ("hold over 1,600,000 bytes", lambda nb: nb["metadata"]["widgets"].update(much="x" * 1_600_000)),
]


def test_the_clean_notebook_is_clean(tmp_path: Path) -> None:
    assert linted(tmp_path, lambda notebook: None) == []


@pytest.mark.parametrize(("sentence", "break_it"), BREAKS)
def test_each_rule_catches_what_breaks_it(
    tmp_path: Path, sentence: str, break_it: Callable[..., Any]
) -> None:
    (found,) = linted(tmp_path, break_it)
    assert sentence in found


def test_every_rule_is_broken_once_above(tmp_path: Path) -> None:
    found = {
        rule.__name__ for rule in lint.RULES for _, break_it in BREAKS[:-2] for _ in rule(changed(break_it))
    }
    assert found == {rule.__name__ for rule in lint.RULES}


def changed(break_it: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    broken = copy.deepcopy(CLEAN)
    break_it(broken)
    return broken
