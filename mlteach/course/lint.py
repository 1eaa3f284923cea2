"""What must be true of an executed lesson, as far as a machine can see. Each rule returns sentences; none means good."""

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mlteach.course.build import WIDGET_STATE, WIDGET_VIEW, is_bar

#: Of text and pictures, and of the explorers' stored state: GitHub shows larger notebooks slowly or not at all.
MOST_BYTES, MOST_STATE = 1_000_000, 1_600_000
AN_EXPLORER = 140_000  # the page with all of them may hold so much for each: they grow in number
SHORTEST_ALT = 16
EXEMPT_TAG = "nbval-ignore-output"
EXEMPT_REASON = re.compile(r"# not compared: \S.{9,}")
FORBIDDEN_TAGS = {"nbval-skip", "nbval-raises-exception", "raises-exception"}
FORBIDDEN_COMMENT = re.compile(r"^\s*#\s*(NBVAL|PYTEST_VALIDATE)_", re.MULTILINE)
PICTURES = ("image/png", "image/jpeg", "image/svg+xml")
Rule = Callable[[Any], Iterator[str]]


def lint(path: Path) -> list[str]:
    """Everything that is wrong with the executed notebook at ``path``, one sentence each."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    widgets = json.dumps(notebook["metadata"].get("widgets", {}))
    state, most = len(widgets), max(MOST_STATE, AN_EXPLORER * widgets.count('"_anywidget_id"'))
    if path.stat().st_size - state > MOST_BYTES:
        return [f"{path.name}: the file is over {MOST_BYTES:,} bytes; draw fewer or smaller pictures."]
    if state > most:
        return [f"{path.name}: its explorers hold over {most:,} bytes; show fewer, or with less data."]
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    return [f"{path.name}: {sentence}" for rule in RULES for sentence in rule(notebook)]


def code_cells(notebook: Any) -> list[Any]:
    """The code cells of a notebook, in order."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def exempt(cell: Any) -> bool:
    """Whether the outputs of this cell are left out of the comparison."""
    return EXEMPT_TAG in cell["metadata"].get("tags", [])


def counts_run_up(notebook: Any) -> Iterator[str]:
    """Execution counts are 1..n: the notebook was run once, whole, and nbval has something to compare."""
    counts = [cell["execution_count"] for cell in code_cells(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"its execution counts are {counts}, not 1 to {len(counts)}; rebuild it from its source."


def no_errors(notebook: Any) -> Iterator[str]:
    """No cell ended in an error."""
    for cell in code_cells(notebook):
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                yield f"cell {cell['id']} stores an error, {output['ename']}: {output['evalue']}."


def no_hidden_errors(notebook: Any) -> Iterator[str]:
    """No error was swallowed by a widget, where neither the reader's eye nor papermill finds it."""
    for model in widget_models(notebook).values():
        for output in model["state"].get("outputs", []):
            if output.get("output_type") == "error":
                yield f"a widget hides an error, {output['ename']}: {output['evalue']}."


def views_have_state(notebook: Any) -> Iterator[str]:
    """Every widget on the page comes with its state, so that it is drawn before any cell is run."""
    known = widget_models(notebook)
    for cell in code_cells(notebook):
        for output in cell["outputs"]:
            view = output.get("data", {}).get(WIDGET_VIEW)
            if view and view["model_id"] not in known:
                yield f"cell {cell['id']} shows a widget whose state is not stored."


def no_bars(notebook: Any) -> Iterator[str]:
    """No progress bar is stored: its times differ on every run."""
    for cell in code_cells(notebook):
        if any(is_bar(output) for output in cell["outputs"]):
            yield f"cell {cell['id']} stores a progress bar; rebuild it from its source."


def pictures_have_words(notebook: Any) -> Iterator[str]:
    """Every picture says in words what it shows, to who cannot see it."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            for kind in PICTURES:
                if kind in output.get("data", {}):
                    alt = output["metadata"].get(kind, {}).get("alt", "")
                    if len(alt.strip()) < SHORTEST_ALT:
                        yield f"cell {cell['id']} draws a picture without words for it; show it with alt=..."
        if cell["cell_type"] == "markdown":
            alts = re.findall(r"!\[([^\]]*)\]\(", cell["source"])
            for image in re.findall(r"<img\b[^>]*>", cell["source"]):
                found = re.search(r"""\balt=(["'])(.*?)\1""", image)
                alts.append(found[2] if found else "")
            for alt in alts:
                if len(alt.strip()) < SHORTEST_ALT:
                    yield f'cell {cell["id"]} shows an image whose words are "{alt}"; say what it shows.'


def no_trailing_semicolon(notebook: Any) -> Iterator[str]:
    """No cell ends in a semicolon, which would hide a value from the reader and from nbval."""
    for cell in code_cells(notebook):
        if without_comment(cell["source"].rstrip().rpartition("\n")[2]).endswith(";"):
            yield f"cell {cell['id']} ends in a semicolon."


def exemptions_have_reasons(notebook: Any) -> Iterator[str]:
    """A cell left out of the comparison says why in its first line, and no cell is skipped or allowed to fail."""
    for cell in code_cells(notebook):
        first = cell["source"].partition("\n")[0]
        if exempt(cell) != bool(EXEMPT_REASON.fullmatch(first)):
            yield f'cell {cell["id"]} must have both or neither: the tag {EXEMPT_TAG}, a first line "# not compared: why".'
        banned = FORBIDDEN_TAGS & set(cell["metadata"].get("tags", []))
        if banned or FORBIDDEN_COMMENT.search(cell["source"]):
            yield f"cell {cell['id']} leaves the comparison by a side door ({', '.join(banned) or 'a comment'})."


def code_parses(notebook: Any) -> Iterator[str]:
    """Every code cell is Python, without magics: it reads the same in a script and on a page."""
    for cell in code_cells(notebook):
        try:
            ast.parse(cell["source"])
        except SyntaxError as error:
            yield f"cell {cell['id']} is not plain Python: {error.msg}."


def widget_models(notebook: Any) -> dict[str, Any]:
    """The stored state of the widgets of a notebook, by model id."""
    return notebook["metadata"].get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})


def without_comment(line: str) -> str:
    """A line of code without the comment at its end."""
    return re.sub(r"\s*#[^'\"]*$", "", line).rstrip()


RULES: tuple[Rule, ...] = (
    counts_run_up,
    no_errors,
    no_hidden_errors,
    views_have_state,
    no_bars,
    pictures_have_words,
    no_trailing_semicolon,
    exemptions_have_reasons,
    code_parses,
)
