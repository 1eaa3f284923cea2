"""What happens in the class: who answers what, who is killed, which version of the course they come back to."""

import os
import threading
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat

from tests.hub.classroom import LESSON, PATIENCE, ROOT, Learner, fingerprint, hub, installed, writable

NAMES = ("ada", "blaise", "carl", "daniel", "emmy", "felix", "grace", "henri")
KILLED = ("emmy", "henri")  # whose server and kernel are killed in the middle
MIDDLE = 7  # code cells, the first explorer among them
LONG = "def meta_gradient("  # so begins the first cell that trains: half of the lesson, and most of its time, is from here
NEW = "**New this week.** This cell came while the class was on."


def answer(name: str) -> str:
    """A right answer to exercise 03.1, in everybody's own words."""
    return (
        f"def cell(theta, gradient, f, i):\n    of_{name} = -gradient\n    return f * theta + i * of_{name}"
    )


def attempts(name: str) -> int:
    """How often a learner checks an answer: all but the last one are wrong."""
    return 1 + NAMES.index(name) % 3


def stored() -> dict[str, str]:
    """What each code cell of the lesson prints, by its text, where that does not hang on an answer."""
    lesson = nbformat.read(ROOT / "notebooks" / f"{LESSON}.ipynb", as_version=4)
    printed = {
        cell.source: "".join(out.text for out in cell.outputs if out.get("name") == "stdout")
        for cell in lesson.cells
        if cell.cell_type == "code" and "nbval-ignore-output" not in cell.metadata.get("tags", [])
    }
    return {code: text for code, text in printed.items() if "yours(" not in code and "check(" not in code}


#: A learner tries to write beside the package, whose folder is read-only.
INTRUDE = """
from pathlib import Path
import mlteach
try:
    Path(mlteach.__file__).with_name("mine.py").write_text("mine")
except OSError as error:
    print(type(error).__name__)
"""


class Class:
    """Eight learners at once, each in a thread; `take_place` says what was found."""

    def __init__(
        self,
        room: Path,
        names: tuple[str, ...] = NAMES,
        *,
        whole: bool = False,
        half: Collection[str] = (),
    ) -> None:
        """``whole``: with all lessons. ``half``: who stops where the lesson trains; the others work to its end."""
        self.room, self.names, self.half = room, names, half
        self.printed = stored()
        self.compared: dict[str, int] = {}  # cells whose printed text was compared
        self.courses = room / "courses"
        self.courses.mkdir()
        source = (ROOT / "notebooks" / "src" / f"{LESSON}.py").read_text(encoding="utf-8")
        exercise = '# %% tags=["exercise"]\ndef cell('
        assert source.count(exercise) == 1
        later = source.replace(exercise, f"# %% [markdown]\n# {NEW}\n\n{exercise}")
        self.releases = [
            installed(room / "releases", "a", whole=whole),
            installed(room / "releases", "b", lesson=later),
        ]
        self.release(0)
        self.before = [fingerprint(each) for each in self.releases]
        self.gone = threading.Barrier(len(set(names) & set(KILLED)) or 1, action=lambda: self.release(1))

    def release(self, number: int) -> None:
        """What administrators do: the version has the same name, and another checkout behind it."""
        made = self.courses / ".new"
        made.symlink_to(self.releases[number], target_is_directory=True)
        os.replace(made, self.courses / "2026")

    def take_place(self) -> list[Learner]:
        """The learners, when all have done what they came for."""
        try:
            with hub(self.room, self.courses) as address, ThreadPoolExecutor(len(self.names)) as threads:
                return list(
                    threads.map(lambda name: self.attend(Learner(name, address, self.room)), self.names)
                )
        finally:
            self.after = [fingerprint(each) for each in self.releases]
            for each in self.releases:
                writable(each)

    def attend(self, learner: Learner) -> Learner:
        """One learner's hour."""
        learner.log_in()
        learner.start()
        learner.open()
        exercise = next(cell for cell in learner.code() if cell["source"].startswith("def cell("))
        exercise["source"] = answer(learner.name)
        learner.save()
        if learner.name in KILLED:
            self.work(learner, learner.code()[:MIDDLE])
            learner.killed()
            self.gone.wait(PATIENCE)  # for the other one
            learner.start()
            learner.open()
        cells = learner.code()
        trains = next(at for at, cell in enumerate(cells) if cell["source"].startswith(LONG))
        self.work(learner, cells[:trains] if learner.name in self.half else cells)
        assert learner.run({"id": "intrude", "source": INTRUDE}) == "PermissionError\n"
        learner.weigh()
        learner.save()
        learner.channel.close()
        return learner

    def work(self, learner: Learner, cells: list[dict[str, Any]]) -> None:
        """Run cells, and check a wrong answer first as often as this learner does."""
        for cell in cells:
            if cell["source"].startswith('check("03.1"'):
                for _ in range(attempts(learner.name) - 1):
                    wrong = {
                        "id": "wrong",
                        "source": 'check("03.1", lambda theta, gradient, f, i: theta + i * gradient)',
                    }
                    assert "03.1" in learner.run(wrong)
            said = learner.run(cell)
            if cell["source"].startswith('check("03.1"'):
                assert "not attempted" not in said
            if (expected := self.printed.get(cell["source"])) is not None:
                assert said == expected, f"{learner.name}, {cell['id']}: {said!r}, not {expected!r}"
                self.compared[learner.name] = self.compared.get(learner.name, 0) + 1
