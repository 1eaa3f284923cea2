"""Sources to executed notebooks, byte for byte the same on every rebuild on the same machine."""

import copy
import json
import linecache
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from mlteach.course.kernel import DIED, kernel_environment, stoppable
from mlteach.course.lessons import LessonError, notebook
from mlteach.course.source import first_line, learner_notebook
from mlteach.course.trust import as_built, remember
from mlteach.files import one_sentence, write_atomic
from mlteach.progress import ticking

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
CELL_TIMEOUT = 600
BAR = re.compile(r"\r|\d+%\|.*\||\d+it \[")  # what tqdm writes
WARNING = re.compile(r"(?P<file>\S.*?):(?P<line>\d+): (?P<kind>\w*Warning): ")  # as Python prints one
LIBRARY = re.compile(
    r"[/\\](site|dist)-packages[/\\]|[/\\]lib(64)?[/\\]python3\.\d+[/\\]|^<frozen |^<__array_function__"
)
FASHION = re.compile(r"\w*(Deprecation|Future)Warning")
LOG = re.compile(
    r"\[[IW]\d* ?[\d:. ]+\S+\.(cpp|cc|cu|h):\d+\] "  # what torch's own C++ writes
    r"|(INFO|WARNING):(?!mlteach\b)[\w.]+:"  # what a library logs, as Python writes it
    r"|Matplotlib is building the font cache"  # the same without a name, at its first import on a machine
)


def build(path: Path, *, target: Path | None = None, progress: bool = True) -> Path:
    """Execute the lesson whose source is ``path`` and write its notebook, whole or not at all.

    What somebody has typed into the notebook that was there is kept in my/backups/ first.
    Raises LessonError when a cell fails or the disk refuses it; the notebook that was there before is then untouched.
    """
    import nbformat

    from mlteach.course.copies import keep_typed

    built = learner_notebook(path)
    stored = target or notebook(path)
    with one_sentence(LessonError, f"build lesson {path.stem}"):
        execute(built, name=path.stem, progress=progress)
        tidy(built)
        nbformat.validate(built)
        if target is None and (kept := keep_typed(path)):
            print(f"Somebody has typed into {stored.name}; as it was, it is now {kept}.", flush=True)
        write_atomic(stored, nbformat.writes(built) + "\n")
        if target is None:
            remember(stored)
    return stored


def stale(path: Path, target: Path | None = None) -> str | None:
    """Why the notebook of the source ``path`` is out of date, or None when it is not. Starts no kernel."""
    own, target = target is None, target or notebook(path)
    if not target.exists():
        return "was never built"
    try:
        content = target.read_bytes()
        whole = json.loads(content)
        stored = [(c["id"], c["cell_type"], "".join(c["source"]), c["metadata"]) for c in whole["cells"]]
        aged = aged_explorer(whole["metadata"].get("widgets", {}).get(WIDGET_STATE, {}).get("state", {}))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "is not a whole notebook"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    wanted = [(c.id, c.cell_type, c.source, c.metadata) for c in learner_notebook(path).cells]
    if stored == wanted:
        if aged:
            return f"shows {aged} as it was before its script changed"
        return "was changed since it was built" if own and not as_built(target, content) else None
    differs = next((new[0] for new, old in zip(wanted, stored, strict=False) if new != old), "its length")
    return f"differs from its source from cell {differs} on"


def aged_explorer(models: dict[str, Any]) -> str | None:
    """The name of the first explorer among stored widgets that brings another script than the package has now."""
    from mlteach.explore.base import script, stylesheet

    for model in models.values():
        home, _, name = model["state"].get("_anywidget_id", "").rpartition(".")
        package, _, module = home.rpartition(".")
        if package == "mlteach.explore":
            try:
                now = script(module), stylesheet(module)
            except (OSError, RuntimeError):  # there is no such explorer, or none of that name any more
                return str(name)
            if (model["state"]["_esm"], model["state"]["_css"]) != now:
                return str(name)
    return None


def execute(built: Any, *, name: str, progress: bool = False) -> None:
    """Run all cells in a fresh kernel, in the folder of the notebooks. Raises LessonError, naming the cell."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from tqdm import tqdm

    from mlteach.course.lessons import NOTEBOOKS

    code = [cell for cell in built.cells if cell.cell_type == "code"]
    running = code[0].id if code else ""

    def begin(cell: Any, cell_index: int) -> None:
        nonlocal running
        running = cell.id

    with (
        tqdm(total=len(code), desc=name, unit="cell", disable=None if progress else True) as bar,
        ticking(),
        stoppable() as kernel,
    ):
        client = NotebookClient(
            built,
            timeout=CELL_TIMEOUT,
            record_timing=False,
            resources={"metadata": {"path": str(NOTEBOOKS)}},
            on_cell_execute=begin,
            on_cell_executed=lambda **_: bar.update(),
            **kernel,
        )
        try:
            client.reset_execution_trackers()
            moments = []
            with client.setup_kernel(env=kernel_environment()):
                for place, cell in enumerate(built.cells):
                    client.execute_cell(cell, place, execution_count=client.code_cells_executed + 1)
                    if shown := views(cell):
                        moments.append((shown, widgets_now(client)))
            keep_moments(built, moments)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            said = (
                f"{error.ename}: {error.evalue}"
                if isinstance(error, CellExecutionError)
                else DIED
                if isinstance(error, DeadKernelError)
                else first_line(str(error))
            )
            source = next(cell.source for cell in built.cells if cell.id == running)
            raise LessonError(
                f"Lesson {name} stopped in cell {running}: {said}\nThe cell begins: {first_line(source)}\n"
                "Its notebook was left as it was."
            ) from error


def views(cell: Any) -> list[Any]:
    """The widgets that a cell shows: of each the dict that holds its ``model_id``."""
    return [out["data"][WIDGET_VIEW] for out in cell.get("outputs", []) if WIDGET_VIEW in out.get("data", {})]


def widgets_now(client: Any) -> dict[str, Any]:
    """Every widget of the kernel as it is at this moment, by its id, in the order they were made."""
    client.set_widgets_metadata()
    stored = client.nb.metadata.pop("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    return {model: {**entry, "state": dict(entry["state"])} for model, entry in stored.items()}


def keep_moments(built: Any, moments: Sequence[tuple[list[Any], dict[str, Any]]]) -> None:
    """Store each widget as it was when its cell had shown it, not as later cells left it; changes ``built`` in place.

    ``moments``: what each cell shows, and all widgets after it. A widget that is shown again after a change gets a second
    model, with an id of its own, so that a page shows above what its text says there, and below what it says there.
    """
    import nbformat

    kept: dict[str, Any] = {}
    versions: dict[str, list[str]] = {}  # of a widget: the ids it is kept under

    def keep(model: str, models: dict[str, Any], within: tuple[str, ...] = ()) -> str:
        if model in within or model not in models:
            return model
        text = re.sub(
            r"(?<=IPY_MODEL_)\w+",
            lambda found: keep(found[0], models, (*within, model)),
            json.dumps(models[model]),
        )
        entry, known = json.loads(text), versions.setdefault(model, [])
        same = next((name for name in known if kept[name] == entry), None)
        if same is None:
            known.append(same := uuid4().hex if known else model)
            kept[same] = entry
        return same

    for shown, models in moments:
        for view in shown:
            view["model_id"] = keep(view["model_id"], models)
    if kept:
        made = list(
            moments[-1][1]
        )  # the order in which they were made; a second model comes after all first ones
        ordered = sorted(kept, key=lambda name: made.index(name) if name in made else len(made))
        state = {name: kept[name] for name in ordered}
        stored = {WIDGET_STATE: {"state": state, "version_major": 2, "version_minor": 0}}
        built.metadata["widgets"] = nbformat.from_dict(stored)


def tidy(built: Any) -> None:
    """Remove what differs from run to run; the outputs and the explorers' state stay. Changes ``built`` in place."""
    import nbformat

    for cell in built.cells:
        if cell.cell_type == "code":
            cell.outputs = without_bars(cell.outputs)
            for output in cell.outputs:
                if "metadata" in output:
                    output.metadata = nbformat.from_dict(words_and_width(output.metadata))
    built.metadata["language_info"] = nbformat.from_dict({"name": "python"})
    renumber_widgets(built)


def without_bars(outputs: Sequence[Any]) -> list[Any]:
    """``outputs`` without what is no result of the lesson, and each stream in one piece.

    That is progress bars, on stderr or as widgets, and on stderr the warnings of libraries (`without_library_words`).
    """
    whole = merged(output for output in outputs if not is_bar(output))
    for output in whole:
        if output.output_type == "stream" and output.name == "stderr":
            bare = "".join(line for line in re.findall(r"[^\n]*\n?", output.text) if not BAR.search(line))
            output.text = without_library_words(bare)
    return [output for output in whole if output.output_type != "stream" or output.text.strip("\r\n")]


def without_library_words(text: str) -> str:
    """``text`` from stderr without the warnings that another version of a library may bring or take away.

    Those are warnings raised in a library's own file, warnings that something will change in a later version, wherever
    they point to, and what libraries and torch's C++ log. Errors, and other warnings of the course and of the lesson's cells, stay.
    """
    lines = text.splitlines(keepends=True)
    kept = []
    while lines:
        line = lines.pop(0)
        found = WARNING.match(line)
        if found and (FASHION.fullmatch(found["kind"]) or is_library(found["file"])):
            del lines[: rest_of_warning(lines, linecache.getline(found["file"], int(found["line"])).strip())]
        elif not LOG.match(line):
            kept.append(line)
    return "".join(kept)


def is_library(file: str) -> bool:
    """Whether a file that a warning names belongs to a library or to Python, and not to the course."""
    return bool(LIBRARY.search(file)) and not re.search(r"-packages[/\\]mlteach[/\\]", file)


def rest_of_warning(lines: Sequence[str], source: str) -> int:
    """How many of ``lines`` belong to the warning whose first line stood before them: up to the line of code it shows.

    ``source``: that line of code, where its file is at hand; else it is the first that is indented by two.
    """
    for number, line in enumerate(lines):
        if WARNING.match(line):
            break
        if (line.strip() == source) if source else re.match(r"  \S", line):
            return number + 1
    return 0


def is_bar(output: Any) -> bool:
    """Whether an output is a progress bar drawn as a widget; its text says so."""
    data = output.get("data", {})
    return WIDGET_VIEW in data and bool(BAR.search("".join(data.get("text/plain", ""))))


def merged(outputs: Iterable[Any]) -> list[Any]:
    """Neighbouring pieces of one stream as one output: how a stream is cut is an accident of timing."""
    whole: list[Any] = []
    for output in outputs:
        if (
            whole
            and output.output_type == "stream" == whole[-1].output_type
            and output.name == whole[-1].name
        ):
            whole[-1].text += output.text
        else:
            whole.append(copy.copy(output))
    return whole


def words_and_width(metadata: dict[str, Any]) -> dict[str, Any]:
    """What a page needs of an output's metadata: for each picture its words and its width."""
    wanted = ("alt", "width", "height")
    kept = {
        kind: {name: about[name] for name in wanted if name in about}
        for kind, about in metadata.items()
        if "/" in kind
    }
    return {kind: about for kind, about in kept.items() if about}


def renumber_widgets(built: Any) -> None:
    """Keep the state of the widgets on the page and number them in the order they were made, wherever they stand.

    Their own ids are random. What is not on the page, such as a dropped progress bar, holds times.
    """
    import nbformat

    stored = built.metadata.pop("widgets", {}).get(WIDGET_STATE, {})
    models = stored.get("state", {})
    shown: set[str] = set()
    found = [view["model_id"] for cell in built.cells for view in views(cell)]
    while found:
        model = found.pop()
        if model in models and model not in shown:
            shown.add(model)
            found += re.findall(r"IPY_MODEL_(\w+)", json.dumps(models[model]["state"]))
    if not shown:
        return
    stored["state"] = {model: state for model, state in models.items() if model in shown}
    built.metadata["widgets"] = nbformat.from_dict({WIDGET_STATE: stored})
    text = nbformat.writes(built)
    for number, model in enumerate(stored["state"]):
        text = text.replace(model, f"{number:032x}")
    built.update(nbformat.reads(text, as_version=4))
