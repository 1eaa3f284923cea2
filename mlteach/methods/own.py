"""A method of your own: a Python file that makes one `Method`, trained and tested beside those of the course.

# my/methods/mine.py
from mlteach.methods import comparing

def reading(theta, support, y, query, ways):
    ...

METHOD = comparing("mine", "21", reading)

python -m mlteach compare my/methods/mine.py --seconds 20
"""

import importlib.util
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from mlteach.errors import MlteachError
from mlteach.measure import over_seeds
from mlteach.measure.ledger import recorded
from mlteach.methods.method import Method, right, trained, tuned
from mlteach.tasks import Characters, Episode, Split
from mlteach.tasks.several import tasks_of


class MethodError(MlteachError):
    """A file holds no method that could be compared."""


def load(path: str | PathLike[str]) -> Method:
    """The ``METHOD`` of a Python file. The file is run. Raises MethodError for one that is not there, fails, or has none."""
    file = Path(path)
    if not file.is_file():
        raise MethodError(f"{file} is not there; give the path of a Python file that makes a METHOD.")
    spec = importlib.util.spec_from_file_location(f"own_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise MethodError(f"{file} is no Python file; its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise MethodError(f"{file} cannot be run: {type(error).__name__}: {error}") from error
    found = getattr(module, "METHOD", None)
    if not isinstance(found, Method):
        raise MethodError(
            f"{file} makes no METHOD; end it with METHOD = comparing(...) or METHOD = Method(...), as in mlteach/methods/."
        )
    return found


def row(
    method: Method, split: Split, seconds: float, seeds: Sequence[int], tasks: int, *, progress: bool = True
) -> dict[str, list[float]]:
    """Percent of right answers in both modes of batch norm for each seed, after so many seconds of one core each.

    The tasks are the first of lesson 09's 1000 test tasks; the size of an inner step is chosen on validation characters.
    """
    test: list[Episode] = tasks_of(split.test, tasks, 2)
    found: dict[str, list[float]] = {"transductive": [], "support": []}
    for seed in seeds:
        said = f"{method.name}, seed {seed}" if progress else None
        run = trained(method, split.train, seconds=seconds, seed=seed, progress=said)
        share = tuned(method, run.theta, tasks_of(split.validation, 100, 77))
        for mode, values in right(method, run.theta, test, share=share).items():
            found[mode].append(100 * values.mean().item())
    return found


def beside(method: Method, found: dict[str, list[float]]) -> str:
    """The recorded table with this row in its place, best first: lines of text."""
    table = recorded("21", "all")
    rows: list[tuple[float, str]] = []
    for name in dict.fromkeys(key.rpartition(".")[0] for key in table if key.endswith(".transductive")):
        both = [table[f"{name}.{mode}"] for mode in ("transductive", "support")]
        cells = "   ".join(f"{each['value']:5.1f} ± {each['interval']:4.1f}" for each in both)
        rows.append((both[0]["value"], f"  {name:20} {cells}"))
    means = [over_seeds(values) if len(values) > 1 else None for values in found.values()]
    cells = "   ".join(
        f"{mean.mean:5.1f} ± {mean.half_width:4.1f}" if mean else f"{values[0]:5.1f}       "
        for mean, values in zip(means, found.values(), strict=True)
    )
    rows.append((sum(found["transductive"]) / len(found["transductive"]), f"> {method.name:20} {cells}"))
    head = f"  {'right answers, %':20} transductive   support"
    return "\n".join([head, *(line for _, line in sorted(rows, key=lambda each: -each[0]))])


def compared(path: str | PathLike[str], seconds: float, seeds: Sequence[int], tasks: int) -> str:
    """What ``python -m mlteach compare`` prints."""
    method = load(path)
    characters = Characters.load()
    return beside(method, row(method, characters.split("random"), seconds, seeds, tasks))
