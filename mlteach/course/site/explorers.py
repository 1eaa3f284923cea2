"""The explorers of a notebook, packed for a page: each script once, the state of each model, and nothing else."""

import base64
import binascii
from collections.abc import Mapping
from os.path import commonprefix
from typing import Any

from mlteach.course.build import WIDGET_STATE, WIDGET_VIEW
from mlteach.course.lessons import LessonError
from mlteach.course.site.clean import unmarked
from mlteach.course.site.moves import moves


def explorers(notebook: Any, *, name: str, whole: bool = True) -> dict[str, Any]:
    """What a page holds of a notebook's explorers, as a dict:

    {"base": JavaScript, "modules": [JavaScript], "styles": [CSS],
     "models": {id: {"kind", "module", "state", "buffers"}}, "moves": {...}}

    All scripts begin alike, with what the explorers share: that is ``base``, and stands here once.
    ``kind`` is the class, ``state`` holds the traits that are JSON, ``buffers`` those that are bytes, in base 64;
    ``moves`` are the numbers in sentences that move one (see `moves`), each of which needs its explorer where the
    notebook is ``whole``, and may be without on slides. Raises LessonError for a
    widget that is no explorer, because nothing on a page could bring it to life, and for one that brings a script which
    is not the package's.
    """
    stored = notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    modules: list[str] = []
    styles: list[str] = []
    models: dict[str, Any] = {}
    for cell, model in views(notebook):
        if model in models:
            continue
        state = dict(stored.get(model, {}).get("state", {}))
        if "_esm" not in state:
            raise LessonError(
                f"{name}: cell {cell} shows a widget that is no explorer. Without a kernel it would be dead; show an explorer."
            )
        if not _is_ours(state):
            raise LessonError(
                f"{name}: cell {cell} shows a widget whose script is not that of an explorer in mlteach.explore, so it does not run "
                f"on a page. Show an explorer, or rebuild the lesson: python3 start.py build {name[:2]}"
            )
        script, style = state.pop("_esm"), state.pop("_css", "")
        if script not in modules:
            modules.append(script)
        if style and style not in styles:
            styles.append(style)
        buffers = {}
        for buffer in stored[model].get("buffers", []):
            if len(buffer["path"]) != 1 or buffer["encoding"] != "base64":
                raise LessonError(
                    f"{name}: cell {cell} keeps bytes inside of another trait; give them a trait of their own."
                )
            try:
                base64.b64decode(buffer["data"], validate=True)
            except (binascii.Error, ValueError, TypeError) as error:
                raise LessonError(
                    f"{name}: cell {cell} shows an explorer whose bytes are not base 64. Rebuild the lesson: "
                    f"python3 start.py build {name[:2]}"
                ) from error
            buffers[buffer["path"][0]] = buffer["data"]
        kept = {key: value for key, value in state.items() if not key.startswith("_")}
        models[model] = {
            "kind": str(state["_anywidget_id"]).rpartition(".")[2],
            "module": modules.index(script),
            "state": unmarked(kept, f"{name}: cell {cell}"),
            "buffers": buffers,
        }
    numbers = moves(notebook, name=name, shown={each["kind"] for each in models.values()} if whole else None)
    base = commonprefix(modules) if len(modules) > 1 else ""
    rest = [script.removeprefix(base) for script in modules]
    return {"base": base, "modules": rest, "styles": styles, "models": models, "moves": numbers}


def views(notebook: Any) -> list[tuple[str, str]]:
    """(cell id, model id) of every widget that a notebook shows, in order."""
    return [
        (cell.id, output.data[WIDGET_VIEW]["model_id"])
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if WIDGET_VIEW in output.get("data", {})
    ]


def _is_ours(state: Mapping[str, Any]) -> bool:
    """Whether script and style of a stored widget are, to the letter, those of the explorer it says it is."""
    from mlteach.explore.base import script, stylesheet

    home, _, _ = str(state.get("_anywidget_id", "")).rpartition(".")
    package, _, module = home.rpartition(".")
    if package != "mlteach.explore" or not module.isidentifier():
        return False
    try:
        return bool((state["_esm"], state.get("_css", "")) == (script(module), stylesheet(module)))
    except (OSError, RuntimeError):
        return False
