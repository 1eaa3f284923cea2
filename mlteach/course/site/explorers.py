"""The explorers of a notebook, packed for a page: each script once, the state of each model, and nothing else."""

from typing import Any

from mlteach.course.build import WIDGET_STATE, WIDGET_VIEW
from mlteach.course.lessons import LessonError


def explorers(notebook: Any, *, name: str) -> dict[str, Any]:
    """``{"modules": [JavaScript], "styles": [CSS], "models": {id: {"module", "state", "buffers"}}}`` of a notebook.

    ``state`` holds the traits that are JSON, ``buffers`` those that are bytes, in base 64. Raises LessonError for a
    widget that is no explorer, because nothing on a page could bring it to life.
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
            buffers[buffer["path"][0]] = buffer["data"]
        models[model] = {
            "module": modules.index(script),
            "state": {key: value for key, value in state.items() if not key.startswith("_")},
            "buffers": buffers,
        }
    return {"modules": modules, "styles": styles, "models": models}


def views(notebook: Any) -> list[tuple[str, str]]:
    """(cell id, model id) of every widget that a notebook shows, in order."""
    return [
        (cell.id, output.data[WIDGET_VIEW]["model_id"])
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if WIDGET_VIEW in output.get("data", {})
    ]
