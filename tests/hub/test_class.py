"""A class of eight on one server: nobody's answers get lost or get to somebody else, and nobody changes the course."""

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("jupyterhub", reason='JupyterHub is not installed; pip install -e ".[hub]" brings it')
pytest.importorskip("configurable_http_proxy", reason="the hub's proxy in Python is not installed")
if sys.platform != "linux":
    pytest.skip("the class's processes are found in Linux's /proc", allow_module_level=True)

from tests.hub.classroom import LESSON, of_room
from tests.hub.scene import KILLED, NAMES, NEW, Class, answer, attempts

#: To the end work one who was never interrupted and one who came back to the new version.
HALF = set(NAMES) - {NAMES[0], KILLED[0]}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_class_of_eight(tmp_path: Path) -> None:
    room = tmp_path.resolve()
    lesson = Class(room, half=HALF)
    learners = lesson.take_place()
    for learner in learners:
        home = room / "home" / learner.name
        mine = home / "mlteach-2026"
        kept = (mine / "my" / f"{LESSON}.ipynb").read_text(encoding="utf-8")
        cells = [cell["source"] for cell in json.loads(kept)["cells"]]
        cells = ["".join(each) for each in cells]
        assert answer(learner.name) in cells
        assert (NEW in cells) == (
            learner.name in KILLED
        )  # who came back later has the new version, and the answer
        for other in set(NAMES) - {learner.name}:  # nobody sees anybody else's
            assert f"of_{other}" not in kept
        score = json.loads((mine / "my" / "progress.json").read_text())["exercises"]
        assert score["03.1"]["attempts"] == attempts(learner.name) and score["03.1"]["solved"]
        assert (mine / "data").resolve() == lesson.releases[learner.name in KILLED] / "data"
    assert sorted(each.name for each in (room / "home").iterdir()) == sorted(NAMES)
    assert lesson.before == lesson.after  # not a byte, not a date
    for name in NAMES:  # as they are stored
        assert lesson.compared[name] > (20 if name in HALF else 40)
    assert of_room(room) == []
    print()
    for learner in learners:
        print(
            f"{learner.name:8} server {learner.seconds['server']:5.1f} s, first cell {learner.seconds['first cell']:5.1f} s, memory "
            f"{learner.memory['server']:4.0f} + {learner.memory['kernel']:4.0f} MB, {lesson.compared[learner.name]} cells as stored"
        )
