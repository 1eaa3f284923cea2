"""A method out of a file: found, compared, or refused with a sentence that says what to do."""

from pathlib import Path

import pytest

from mlteach.methods import METHODS
from mlteach.methods.own import MethodError, beside, load, row
from mlteach.tasks import Characters

GOOD = """
from mlteach.methods import comparing
from mlteach.metric import read_prototypes

METHOD = comparing("mine", "21", read_prototypes(0.1), ways=5)
"""


def test_a_file_is_a_method_in_the_table(tmp_path: Path):
    file = tmp_path / "mine.py"
    file.write_text(GOOD)
    method = load(file)
    split = Characters.glyphs(80).split("random")
    found = row(method, split, seconds=0, seeds=[0, 1], tasks=50, progress=False)
    assert {mode: len(values) for mode, values in found.items()} == {"transductive": 2, "support": 2}
    assert all(20 < value <= 100 for values in found.values() for value in values)
    lines = beside(method, {"transductive": [99.9], "support": [99.0]}).splitlines()
    assert lines[1].startswith("> mine") and "99.9" in lines[1]
    lines = beside(method, {"transductive": [1.0, 2.0], "support": [1.0, 2.0]}).splitlines()
    assert lines[-1].startswith("> mine") and "1.5 ± " in lines[-1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("METHOD = 3", "makes no METHOD; end it with"),
        ("x = 1", "makes no METHOD; end it with"),
        ("import no_such_thing", "cannot be run: ModuleNotFoundError"),
        ("METHOD = (", "cannot be run: SyntaxError"),
    ],
)
def test_what_is_no_method(tmp_path: Path, text: str, said: str):
    file = tmp_path / "mine.py"
    file.write_text(text)
    with pytest.raises(MethodError, match=said):
        load(file)


def test_no_file(tmp_path: Path):
    with pytest.raises(MethodError, match="is not there"):
        load(tmp_path / "none.py")
    (tmp_path / "mine.txt").write_text(GOOD)
    with pytest.raises(MethodError, match="must end in .py"):
        load(tmp_path / "mine.txt")
    assert "mine" not in METHODS
